"""The gradebook: students' notebooks, each run within limits, graded by the course's own checks."""

import csv
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from unet_course.classroom.copies import NOTEBOOKS, asked, find_notebooks
from unet_course.classroom.grading.handed_in import look_into
from unet_course.classroom.grading.wide import harmless, read_students, write_wide
from unet_course.classroom.sandbox.limited import run_limited
from unet_course.data.files.saving import written
from unet_course.exercises.core import Exercise

CHILD = Path(__file__).with_name("child.py")
PACKAGE = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PYTHONPATH": str(PACKAGE.parent), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1",
               "UNET_COURSE_PROGRESS": "off", "OMP_WAIT_POLICY": "PASSIVE",
               "CUDA_VISIBLE_DEVICES": "", "JUPYTER_PREFER_ENV_PATH": "1"}
LARGEST = 100 * 2**20  # bytes of a notebook
MAPPED = 2**33  # torch's libraries are mapped and hardly used: with CUDA, some gigabytes


@dataclass
class Row:
    """A line of the gradebook.

    Attributes
    ----------
    student, exercise : str
        The exercise is empty if there is no notebook, or it is not known which one it is.
    status : {"passed", "hint", "not attempted", "missing", "changed", "stopped", "unreadable"}
    points, of : int
        All or none: as many for an exercise as it takes minutes.
    hint : str
        What the check says first, or the reason why it could not say anything.
    """

    student: str
    exercise: str
    status: str
    points: int = 0
    of: int = 0
    hint: str = ""


def grade(submissions, out, *, notebooks=NOTEBOOKS, seconds=3600, cell_seconds=900, cpu_seconds=3600, memory=6 * 2**30,
          processes=32, report=None, moodle=None, canvas=None, students=None,
          identifier="Email address"):
    """Run each student's notebook in a process of its own, within limits, and write a gradebook.

    Parameters
    ----------
    submissions : path
        A folder with a folder for each student (as nbgrader collects them), or with all notebooks in it, with the student's
        name in the file's: ``02_ada.ipynb``, ``02_convolution_block_ada.ipynb``; or the zip archive
        of such a folder, as Moodle and Canvas give it. A student's own archive is opened, too.
    out : path
        The gradebook, a CSV file. It is written anew after each notebook, beside its place, and renamed.
    notebooks : path, optional
        Where the course's notebooks are: by default, the folder beside the package, as in a clone of the course.
    seconds, cell_seconds, cpu_seconds : float
        Limits for a notebook by the clock, for one of its cells, and for a notebook in seconds of computing.
    memory, processes : int
        Limits for a notebook, see `unet_course.classroom.sandbox.limited.run_limited`.
    report : callable, optional
        Called with a line of text for each notebook that is done.
    moodle, canvas : path, optional
        Tables to import there, see `unet_course.classroom.grading.wide.write_wide`.
    students : path, optional
        A list of the class as Moodle or Canvas exports it, CSV, for these tables.
    identifier : str
        What the names of folders or files are, where there is no such list: the head of Moodle's
        first column.

    Returns
    -------
    list of Row

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no notebook in it.

    Notes
    -----
    Every student gets a row, also who has an empty folder, a file that is no notebook, or an
    archive that cannot be opened. The full title in its name says which notebook a file is, else
    the number, else the exercises in it.

    Nothing is taken from what the notebook shows or prints. Its cells are run in a new kernel; after the cell of an
    exercise, the course's own check tries the answer. The check runs where the student's code has run, so this is no exam
    that could not be deceived: what of the course, of torch, numpy and Python was replaced, added
    or emptied is noticed before and after each check, and so are answers that are not the check's
    own; but whoever searches the memory of the process, or puts back what was replaced before the
    check ends, is not noticed, and `UNet` itself, handed in as an own one, passes.
    """
    course = {path.name[:2]: path for path in find_notebooks(notebooks)}
    limits = dict(seconds=seconds, cpu_seconds=cpu_seconds, memory=memory, processes=processes)
    say = report or (lambda line: None)
    tables = {kind: path for kind, path in (("moodle", moodle), ("canvas", canvas)) if path}
    known = read_students(students) if students else None
    with tempfile.TemporaryDirectory(prefix="unet-handed-in-") as place:
        own = [out, *tables.values(), *[students] * bool(students)]
        found = look_into(submissions, place, leave_out=own, notebooks=notebooks)
        missing = run_limited([sys.executable, "-I", "-S", "-c", ""], folder=place).not_limited
        if missing:
            say(f"Not limited on this system: {', '.join(missing)}. Grade only those whom you "
                "trust with that.")
        rows = [Row(student, "", "unreadable", hint=why)
                for student, why in sorted(found.problems.items())]
        for row in rows:
            say(f"{row.student}: {row.hint}")
        for student, number, paths in found.ordered():
            new = grade_all(student, number, paths, course, cell_seconds, limits)
            rows += new
            write(rows, out)
            reached, possible = sum(row.points for row in new), sum(row.of for row in new)
            why = [f"; {row.status}: {row.hint}" for row in new[:1]
                   if row.status in ("stopped", "unreadable")]
            say(f"{student}, {number}: {reached} of {possible} points" + "".join(why))
    rows.sort(key=lambda row: row.student)  # it keeps the order of a student's rows
    write(rows, out)
    if found.others:
        say(f"Not looked at, as they are no notebooks: {', '.join(found.others)}")
    points = {path.stem: sum(Exercise.registry[e["id"]].minutes for e in asked_in(path))
              for path in course.values()}
    for kind, path in tables.items():
        for line in write_wide(rows, path, kind, points, known, found.ids, identifier):
            say(line)
    return rows


def grade_all(student, number, paths, course, cell_seconds, limits):
    """The rows of a student's files for one notebook: there should be one file."""
    if number not in course:
        names = ", ".join(path.name for path in paths)
        why = (f"the course has no notebook {number}" if number else
               "nothing in it says which notebook it is; put its number first, such as 02_")
        return [Row(student, "", "unreadable", hint=f"{names}: {why}")]
    if len(paths) > 1:
        named = [path for path in paths if path.name == course[number].name]
        if len(named) != 1:
            return failed(student, asked_in(course[number]), "unreadable",
                          f"which of {', '.join(sorted(path.name for path in paths))}? Keep one.")
        paths = named
    return grade_one(student, paths[0], course[number], cell_seconds, limits)


def sent(submissions):
    """The notebooks in a folder of submissions: a list of (student, number of the notebook, paths), in order."""
    return look_into(submissions).ordered()


def asked_in(path):
    """The exercises of a notebook of the course: their ids, their cells, and what is handed to the checks."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    found = []
    for cell in cells:
        if "exercise" in cell["metadata"].get("tags", []):
            id, _, answer = asked("".join(cell["source"]))
            found.append(dict(id=id, cell=cell["id"], answer=answer))
    return found


def failed(student, exercises, status, why):
    return [Row(student, e["id"], status, 0, Exercise.registry[e["id"]].minutes, why) for e in exercises]


def grade_one(student, path, original, cell_seconds, limits):
    """The rows of one notebook."""
    exercises = asked_in(original)
    with tempfile.TemporaryDirectory(prefix="unet-grading-") as folder:
        try:
            if path.is_symlink():  # it could show the student a file of yours
                raise OSError("it is a link")
            if path.stat().st_size > LARGEST:
                raise OSError(f"it has more than {LARGEST // 2**20} MB")
            shutil.copyfile(path, Path(folder) / original.name)
        except OSError as error:
            return failed(student, exercises, "unreadable", f"{path.name} cannot be read ({error.strerror or error})")
        before = course_files()
        wanted = dict(notebook=original.name, exercises=exercises, cell_seconds=cell_seconds)
        result = run_limited([sys.executable, "-I", CHILD], folder=folder, input=json.dumps(wanted) + "\n", output=2**22,
                             environment=ENVIRONMENT | {"UNET_COURSE_LANGUAGE": os.environ.get("UNET_COURSE_LANGUAGE", "")},
                             address_space=limits["memory"] + MAPPED, disk=2**31, **limits)
    if "files" not in result.limits and (others := before.items() ^ course_files().items()):
        raise RuntimeError(f"{student}'s notebook {path.name} has written over files of the "
                           f"course, such as {min(others)[0]}; what it and those after it would "
                           "get is worth nothing. Install the course again")
    said = []
    for line in result.stdout.splitlines():
        try:
            said.append(json.loads(line))
        except ValueError:  # the end of a line is missing where the child was stopped
            pass
    return rows_of(student, path, exercises, said, result)


def course_files():
    """{path: checksum} of the course's code, compiled code included."""
    return {str(path): hashlib.blake2b(path.read_bytes()).hexdigest()
            for path in PACKAGE.rglob("*")
            if path.suffix in (".py", ".pyc", ".json") and path.is_file()}


def rows_of(student, path, exercises, said, result):
    """Rows from what the child has said, and how it ended."""
    for about in said:
        if "unreadable" in about:
            return failed(student, exercises, "unreadable",
                          f"{path.name} is no notebook that can be read ({about['unreadable']})")
        if "failed" in about:
            raise RuntimeError(about["failed"])
    found = {about["id"]: about for about in said if "id" in about}
    why = result.why or "".join(about["stopped"] for about in said if "stopped" in about)
    why = why or "could not be run: " + "".join(result.stderr.splitlines()[-1:])
    rows = failed(student, exercises, "stopped", f"The notebook {why}.")
    for row in rows:
        if about := found.get(row.exercise):
            row.status, row.hint, row.points = about["status"], about["hint"], row.of * (about["status"] == "passed")
    return rows


def write(rows, out):
    """Write the gradebook beside its place, and rename it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields(Row)])
    writer.writerows([harmless(value) for value in astuple(row)] for row in rows)
    with written(out) as beside:
        beside.write_text(text.getvalue(), encoding="utf-8-sig", newline="")  # the mark tells Excel that it is UTF-8
