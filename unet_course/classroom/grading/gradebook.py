"""The gradebook: students' notebooks, each run within limits, graded by the course's own checks."""

import csv
import io
import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from unet_course.classroom.copies import NOTEBOOKS, asked, find_notebooks
from unet_course.classroom.sandbox.limited import run_limited
from unet_course.data.files.saving import written
from unet_course.exercises.core import Exercise

CHILD = Path(__file__).with_name("child.py")
ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).resolve().parents[3]), "PYTHONUTF8": "1", "UNET_COURSE_PROGRESS": "off",
               "OMP_WAIT_POLICY": "PASSIVE", "CUDA_VISIBLE_DEVICES": "", "JUPYTER_PREFER_ENV_PATH": "1"}
LARGEST = 100 * 2**20  # bytes of a notebook
MAPPED = 2**33  # torch's libraries are mapped and hardly used: with CUDA, some gigabytes


@dataclass
class Row:
    """A line of the gradebook.

    Attributes
    ----------
    student, exercise : str
        The exercise is empty if it is not known which notebook it is.
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
          processes=32, report=None):
    """Run each student's notebook in a process of its own, within limits, and write a gradebook.

    Parameters
    ----------
    submissions : path
        A folder with a folder for each student (as nbgrader collects them), or with all notebooks in it, with the student's
        name in the file's: ``02_ada.ipynb``, ``02_convolution_block_ada.ipynb``.
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

    Returns
    -------
    list of Row

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no notebook in it.

    Notes
    -----
    Nothing is taken from what the notebook shows or prints. Its cells are run in a new kernel; after the cell of an
    exercise, the course's own check tries the answer. The check runs where the student's code has run, so this is no exam
    that could not be deceived: functions of the course, of torch, numpy and Python that were replaced are noticed, and so
    are answers that are not the check's own, but whoever searches the memory of the process can forge them, and `UNet`
    itself, handed in as an own one, passes.
    """
    found = sent(submissions)
    course = {path.name[:2]: path for path in find_notebooks(notebooks)}
    limits = dict(seconds=seconds, cpu_seconds=cpu_seconds, memory=memory, processes=processes)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        missing = run_limited([sys.executable, "-I", "-S", "-c", ""], folder=folder).not_limited
    if missing and report:
        report(f"Not limited on this system: {', '.join(missing)}. Grade only those whom you trust with that.")
    for student, number, paths in found:
        if number not in course:
            new = [Row(student, "", "unreadable", hint=f"{paths[0].name}: the course has no notebook {number}")]
        elif len(paths) > 1:
            named = [path for path in paths if path.name == course[number].name]
            new = (grade_one(student, named[0], course[number], cell_seconds, limits) if len(named) == 1 else
                   failed(student, asked_in(course[number]), "unreadable",
                          f"which of {', '.join(sorted(path.name for path in paths))}? Keep one."))
        else:
            new = grade_one(student, paths[0], course[number], cell_seconds, limits)
        rows += new
        write(rows, out)
        if report:
            report(f"{student}, {number}: {sum(row.points for row in new)} of {sum(row.of for row in new)} points"
                   + "".join(f"; {row.status}: {row.hint}" for row in new[:1] if row.status in ("stopped", "unreadable")))
    return rows


def sent(submissions):
    """The notebooks in a folder of submissions: a list of (student, number of the notebook, paths), in order."""
    submissions = Path(submissions)
    if not submissions.is_dir():
        raise FileNotFoundError(f"submissions is {str(submissions)!r}, and there is no such folder; give the folder that "
                                "holds your students' notebooks")
    found = {}
    for path in sorted(submissions.rglob("*.ipynb")):
        *folders, name = path.relative_to(submissions).parts
        if any(part.startswith(".") for part in (*folders, name)):
            continue  # Jupyter's own copies
        number = re.search(r"(?<!\d)(\d\d)_", name)
        student = folders[0] if folders else student_in(name)
        found.setdefault((student, number.group(1) if number else ""), []).append(path)
    if not found:
        raise FileNotFoundError(f"submissions: there is no notebook (.ipynb) in {str(submissions)!r}")
    return [(*key, paths) for key, paths in sorted(found.items())]


def student_in(name):
    """The student's name in that of a file.

    Examples
    --------
    >>> student_in("02_ada.ipynb"), student_in("02_convolution_block_ada.ipynb"), student_in("ada-02_convolution_block.ipynb")
    ('ada', 'ada', 'ada')
    """
    stem = Path(name).stem
    for title in ("_" + path.stem[3:] for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))):
        stem = stem.replace(title, "_")
    return re.sub(r"(?<!\d)\d\d_", "", stem, count=1).strip(" _-.") or stem


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
        wanted = dict(notebook=original.name, exercises=exercises, cell_seconds=cell_seconds)
        result = run_limited([sys.executable, "-I", CHILD], folder=folder, input=json.dumps(wanted) + "\n", output=2**22,
                             environment=ENVIRONMENT | {"UNET_COURSE_LANGUAGE": os.environ.get("UNET_COURSE_LANGUAGE", "")},
                             address_space=limits["memory"] + MAPPED, disk=2**31, **limits)
    said = []
    for line in result.stdout.splitlines():
        try:
            said.append(json.loads(line))
        except ValueError:  # the end of a line is missing where the child was stopped
            pass
    return rows_of(student, path, exercises, said, result)


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


def harmless(value):
    """Text in one line that no spreadsheet takes for a formula: a student may have written it.

    Examples
    --------
    >>> harmless('=HYPERLINK("http://…")'), harmless(4)
    ('\\'=HYPERLINK("http://…")', 4)
    """
    if not isinstance(value, str):
        return value
    value = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return "'" + value if value.startswith(("=", "+", "-", "@")) else value
