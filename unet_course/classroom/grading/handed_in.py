"""What a class has handed in: whose each file is, and which notebook; nothing is passed over."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from unet_course.classroom.copies import NOTEBOOKS
from unet_course.data.files.archive import ArchiveError, unpack

NOTEBOOK = re.compile(
    r"\.ipynb( ?\(\d+\))?(\.(txt|json))?$", re.I
)  # browsers add what they think it is
MOODLE = re.compile(r"(.+?)_(\d+)_assign(?:submission|feedback)_[a-z]+_?(.*)")
CANVAS = re.compile(r"([^_]+)_(?:LATE_)?(\d{3,})_\d{5,}_(.+)")  # fewer digits may be a date
OF_SYSTEMS = {
    "__macosx",
    "thumbs.db",
    "desktop.ini",
}  # what systems put there, and no student has made
ZIP_BYTES, ZIP_FILES = (
    2**28,
    2000,
)  # of one student's archive; a class's may hold thirty times as much
SEARCHED = 2**23  # bytes of a notebook that are searched for the numbers of its exercises


@dataclass
class HandedIn:
    """What lies in a folder of submissions.

    Attributes
    ----------
    notebooks : dict
        {(student, number of the notebook): [path, …]}; the number is empty where nothing says
        which notebook it is.
    problems : dict
        {student: why nothing of theirs can be graded}, and what of theirs could not be opened.
    ids : dict
        {student: Canvas's number of that user}, where the names of the files hold it.
    others : list of str
        Files that lie beside somebody's notebooks and are none.
    """

    notebooks: dict = field(default_factory=dict)
    problems: dict = field(default_factory=dict)
    ids: dict = field(default_factory=dict)
    others: list = field(default_factory=list)

    def ordered(self):
        """A list of (student, number of the notebook, paths), in order."""
        return [(*key, paths) for key, paths in sorted(self.notebooks.items())]


def look_into(submissions, place=None, *, leave_out=(), notebooks=NOTEBOOKS):
    """Find every student and every file in a folder or a zip archive of submissions.

    Parameters
    ----------
    submissions : path
        A folder with a folder for each student, or with all files in it, the student's name in
        the name of the file; or the zip archive of such a folder, as Moodle and Canvas give it.
    place : path, optional
        A new, empty folder in which archives are unpacked. Without it they are not opened.
    leave_out : paths
        Files that are the teacher's own.
    notebooks : path, optional
        The course's notebooks.

    Returns
    -------
    HandedIn

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no notebook and no archive in it.
    ValueError
        If it is an archive that is not to be unpacked.
    """
    top = Path(submissions)
    if place and top.is_file() and top.suffix.lower() == ".zip":
        top = unpack(top, Path(place) / "all", max_bytes=30 * ZIP_BYTES, max_files=30 * ZIP_FILES)
        within = [path for path in top.iterdir() if not of_a_system(path.name)]
        if len(within) == 1 and within[0].is_dir() and len(list(within[0].iterdir())) > 1:
            top = within[0]  # the folder itself was packed, not what is in it
    if not top.is_dir():
        raise FileNotFoundError(
            f"submissions is {str(submissions)!r}, and there is no such folder; give the folder "
            "that holds your students' notebooks"
        )
    own, titles, opened = {Path(path).resolve() for path in leave_out}, titles_in(notebooks), []
    things = {}  # {(name of the student, a number): [(path, name of the file)]}
    found = HandedIn()

    def take(folder, owner=None):
        """Every file under a folder; `owner` is whose archive it was."""
        for path in files_in(folder):
            if path.resolve() in own and not path.is_symlink():
                continue
            person, name, id = whose(path.relative_to(folder).parts, owner, titles)
            mine = things.setdefault(person, [])
            if id:
                found.ids[person] = id
            if path.suffix.lower() != ".zip" or path.is_symlink() or place is None or owner:
                mine.append((path, name))
                continue
            try:
                opened.append(
                    unpack(
                        path,
                        Path(place) / str(len(opened)),
                        max_bytes=ZIP_BYTES,
                        max_files=ZIP_FILES,
                    )
                )
                take(opened[-1], person)
            except (ArchiveError, OSError) as error:
                found.problems[person] = str(error)

    take(top)
    for path in folders_in(top):
        things.setdefault(whose((path.name, ""), None, titles)[0], [])
    names = named_apart(things)
    found.problems = {names[person]: why for person, why in found.problems.items()}
    found.ids = {names[person]: id for person, id in found.ids.items()}
    for person, files in things.items():
        student, none = names[person], []
        for path, name in files:
            if NOTEBOOK.search(name):
                found.notebooks.setdefault((student, which(name, titles, path)), []).append(path)
            else:
                none.append(name)
        if len(none) < len(files):
            found.others += [f"{student}: {name}" for name in none]
        elif student not in found.problems:
            what = (
                f"only {', '.join(sorted(none)[:3])}{' …' * (len(none) > 3)}"
                if none
                else "it holds no file"
            )
            found.problems[student] = f"there is no notebook (.ipynb): {what}"
    if (
        not found.notebooks
        and not opened
        and not any("archive" in why for why in found.problems.values())
    ):
        there = sorted(path.name for path in top.iterdir())[:3]
        raise FileNotFoundError(
            f"submissions: there is no notebook (.ipynb) and no .zip in {str(submissions)!r}"
            + (f"; there is {', '.join(there)}" if there else "")
        )
    return found


def files_in(folder):
    """Every file below a folder, and every link, in order; no link is followed.

    What systems leave there is passed over.
    """
    found = []
    for above, folders, files in os.walk(folder):
        linked = [name for name in folders if (Path(above) / name).is_symlink()]
        folders[:] = [name for name in folders if not of_a_system(name) and name not in linked]
        found += [Path(above) / name for name in [*files, *linked] if not of_a_system(name)]
    return sorted(found)


def folders_in(top):
    return sorted(
        path
        for path in top.iterdir()
        if path.is_dir() and not path.is_symlink() and not of_a_system(path.name)
    )


def of_a_system(name):
    return name.startswith(".") or name.lower() in OF_SYSTEMS


def whose(parts, owner, titles):
    """Of a path's parts: (name of the student, a number), the file's own name, Canvas's number."""
    *folders, name = parts
    for part in parts:
        if of_moodle := MOODLE.fullmatch(part):
            return of_moodle.group(1, 2), (of_moodle.group(3) or name) if part == name else name, ""
    of_canvas = None if folders else CANVAS.fullmatch(name)
    if of_canvas:
        return of_canvas.group(1, 2), of_canvas.group(3), of_canvas.group(2)
    return owner or (folders[0] if folders else student_in(name, titles), ""), name, ""


def named_apart(people):
    """{(name, number): name}; two of one name keep their numbers."""
    names = [name for name, _ in people]
    return {
        person: person[0]
        if names.count(person[0]) == 1
        else f"{person[0]} ({person[1]})".replace(" ()", "")
        for person in people
    }


def titles_in(notebooks=NOTEBOOKS):
    """{"02": "convolution_block", …}"""
    return {
        path.stem[:2]: path.stem[3:] for path in sorted(Path(notebooks).glob("[0-9][0-9]_*.ipynb"))
    }


def plain(name):
    return re.sub(r"[\s-]+", "_", name.casefold())


def student_in(name, titles):
    """The student's name in that of a file.

    Examples
    --------
    >>> titles = {"02": "convolution_block"}
    >>> names = "02_ada.ipynb", "02_convolution_block_ada.ipynb", "ada-02_convolution_block.ipynb"
    >>> [student_in(name, titles) for name in names]
    ['ada', 'ada', 'ada']
    >>> student_in("group12_02_Convolution Block.IPYNB.txt", titles)
    'group12'
    >>> student_in("02_convolution_block.ipynb", titles)
    '02_convolution_block'
    """
    stem = NOTEBOOK.sub("", name) if NOTEBOOK.search(name) else Path(name).stem
    rest = stem
    for title in titles.values():
        rest = re.sub(r"[\s_-]" + title.replace("_", r"[\s_-]"), "_", rest, flags=re.I)
    rest = re.sub(r"(?<![A-Za-z0-9])\d\d[_ -]", "", rest, count=1).strip(" _-.")
    return rest or stem


def which(name, titles, path=None):
    """The number of a notebook: by its full title, else its one number, else its exercises.

    Examples
    --------
    >>> titles = {"02": "convolution_block", "03": "encoder", "12": "the_family"}
    >>> which("group12_02_convolution_block.ipynb", titles), which("group12_02_ada.ipynb", titles)
    ('02', '02')
    >>> which("notes.ipynb", titles), which("98_other.ipynb", titles)
    ('', '98')
    """
    simple = plain(name)
    full = {
        number for number, title in titles.items() if re.search(rf"(?<!\d){number}_{title}", simple)
    }
    by_number = set(re.findall(r"(?<![a-z0-9])(\d\d)(?=_|\.ipynb)", simple))
    by_number = by_number & set(titles) or by_number
    by_title = {number for number, title in titles.items() if title in simple}
    for found in (full, by_number, by_title):
        if len(found) == 1:
            return found.pop()
        if len(found) > 1:
            break
    return by_exercises(path) if path else ""


def by_exercises(path):
    """The number of the one notebook whose exercises are checked in a file: searched, not run."""
    try:
        if path.is_symlink():
            return ""
        with path.open("rb") as file:
            text = file.read(SEARCHED).decode(errors="replace")
    except OSError:
        return ""
    numbers = {
        f"{int(number):02}" for number in re.findall(r"""\bcheck\(\s*\\?["'](\d{1,2})\.\d""", text)
    }
    return numbers.pop() if len(numbers) == 1 else ""
