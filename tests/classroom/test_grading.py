"""A class hands in: right and wrong answers, notebooks that hang, eat memory, cheat, or are none. Each gets its rows."""

import copy
import csv
import sys

import nbformat
import pytest

from unet_course.__main__ import main
from unet_course.classroom.copies import NOTEBOOKS
from unet_course.classroom.grading.child import Kernel, stopped
from unet_course.classroom.grading.gradebook import Row, asked_in, grade, harmless, sent, write
from unet_course.classroom.sandbox.limited import run_limited

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits of the other systems are fewer")
NAME = "02_convolution_block.ipynb"
IMPORTS = "import torch, torch.nn.functional as F"
CONVOLVE = """def convolve(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]
"""
SIZE = """def conv_size(n, kernel, padding, stride):
    return (n + 2 * padding - kernel) // stride + 1
"""
SEEN = "def seen(n):\n    return 1 + 2 * n\n"
FORGED = """print("Exercise 2.4 (Count what it sees): passed.")
import unet_course, builtins
class check:
    def __init__(self, *arguments): self.status, self.hints = "passed", []
"""
SEES = """
import os
for name, mode in ("mem", "rb"), ("environ", "rb"), ("fd/1", "w"):
    try:
        open(f"/proc/{os.getppid()}/{name}", mode).close()
    except OSError:
        continue
    raise RuntimeError(f"{name} of the grader is open to the student")
""" + SEEN
# What stands in the cells of exercises 2.1, 2.2 and 2.4; "" is the stub, None a cell that was deleted.
CLASS = {
    "ada": (CONVOLVE, SIZE, SEEN),
    "ben": (CONVOLVE.replace("conv2d(image", "conv2d(-image"), "def conv_size(n:", None),
    "cleo": (CONVOLVE, "import time\nwhile True: time.sleep(0.1)", SEES),  # the cell is interrupted, the rest goes on
    "dan": (CONVOLVE, "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(0.1)", SEEN),
    "eve": (CONVOLVE, "hoard = []\nwhile True: hoard.append(bytearray(10**8))", SEEN),
    "fay": (CONVOLVE, "import os; os._exit(0)", SEEN),
    "gus": (FORGED, "import torch\ntorch.allclose = lambda *a, **k: True",
            "import unet_course.exercises.core as core\ncore.check = check\n"
            "core.Exercise.try_on.__code__ = (lambda self, answer, cpu_seconds=8: None).__code__"),
}
LIMITS = dict(seconds=400, cell_seconds=20, memory=1200 * 2**20)


def handed_in(parts, course):
    """A student's notebook, cut down to three exercises."""
    notebook = copy.deepcopy(course)
    for id, part in zip(("2.1", "2.2", "2.4"), parts):
        cell = next(cell for cell in notebook.cells if f'check("{id}"' in cell.source)
        if part is None:
            notebook.cells.remove(cell)
        elif part:
            cell.source = part + "\n\n" + cell.source[cell.source.index("check("):]
    return notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course, cut down to three exercises."""
    notebook = nbformat.read(NOTEBOOKS / NAME, as_version=4)
    kept = [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])
            and any(f'check("{id}"' in cell.source for id in ("2.1", "2.2", "2.4"))]
    first = nbformat.v4.new_code_cell(f"from unet_course import check\n{IMPORTS}")
    notebook.cells = [first, *kept]
    folder = tmp_path_factory.mktemp("course")
    nbformat.write(notebook, folder / NAME)
    return folder


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    try:
        run_limited([sys.executable, "-c", ""], folder=folder)
    except RuntimeError as error:
        pytest.skip(str(error))
    original = nbformat.read(course / NAME, as_version=4)
    for student, parts in CLASS.items():
        (folder / student).mkdir()
        nbformat.write(handed_in(parts, original), folder / student / NAME)
    (folder / "ivy").mkdir()
    (folder / "ivy" / NAME).write_text("{not a notebook")
    (folder / "jo" / "02_this.ipynb").mkdir(parents=True)
    (folder / "kim").mkdir()
    (folder / "kim" / "98_other.ipynb").write_text("{}")
    (folder / "lee").mkdir()
    (folder / "lee" / NAME).symlink_to("/etc/passwd")
    lines = []
    rows = grade(folder, folder / "grades.csv", notebooks=course, report=lines.append, **LIMITS)
    with (folder / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return rows, list(csv.DictReader(file)), lines


def of(student, graded):
    return [(row.status, row.points, row.hint) for row in graded[0] if row.student == student]


def test_answers_get_what_the_checks_say(graded):
    assert [row[:2] for row in of("ada", graded)] == [("passed", 10), ("passed", 5), ("passed", 8)]
    (first, points, hint), broken, missing = of("ben", graded)
    assert (first, points) == ("hint", 0) and hint
    assert broken[0] == "hint" and "SyntaxError" in broken[2]
    assert missing[0] == "missing" and missing[1] == 0


def test_code_that_breaks_off_is_worded_alike_on_every_python():
    about = [dict(status="error", ename=name, evalue="incomplete input")
             for name in ("SyntaxError", "_IncompleteInputError")]
    assert {stopped(one) for one in about} == {"The cell stopped with SyntaxError: incomplete input"}
    assert stopped(dict(status="ok")) == ""


def test_a_check_that_does_not_end_in_time_accuses_nobody(capsys):
    slow = Kernel.__new__(Kernel)
    slow.wanted, slow.name, slow._ask = dict(cell_seconds=20), "_", lambda *args, **options: None
    slow.grade("2.1", "Block", "")
    assert '"status": "stopped"' in (said := capsys.readouterr().out) and "had not ended after 100 seconds" in said


def test_a_cell_that_hangs_is_interrupted_and_the_rest_is_graded(graded):
    first, hung, last = of("cleo", graded)
    assert first[0] == last[0] == "passed", last
    assert hung[0] == "hint" and "still running after 20 seconds" in hung[2]


@pytest.mark.parametrize("student, why", [("dan", "interrupted"), ("eve", "more than 1200 MiB"), ("fay", "ended its kernel")])
def test_a_notebook_that_is_stopped_keeps_what_it_had(student, why, graded):
    first, *rest = of(student, graded)
    assert first[0] == "passed" and [row[0] for row in rest] == ["stopped"] * 2
    assert all(why in row[2] for row in rest), rest


def test_what_a_notebook_prints_or_replaces_gives_no_points(graded):
    printed, replaced, more = of("gus", graded)
    assert printed[0] == "hint" and replaced[0] == more[0] == "changed", of("gus", graded)
    assert "torch.allclose" in replaced[2] and "check" in more[2]


def test_what_cannot_be_read_gets_its_rows_and_stops_nobody(graded):
    assert {row[0] for row in of("ivy", graded)} == {row[0] for row in of("jo", graded)} == {"unreadable"}
    assert len(of("ivy", graded)) == 3 and "no notebook that can be read" in of("ivy", graded)[0][2]
    assert of("lee", graded)[0][::2] == ("unreadable", f"{NAME} cannot be read (it is a link)")
    assert of("kim", graded)[0][::2] == ("unreadable", "98_other.ipynb: the course has no notebook 98")


def test_the_gradebook_holds_the_rows(graded):
    rows, table, lines = graded
    assert [(line["student"], line["exercise"], line["status"], int(line["points"])) for line in table] == \
           [(row.student, row.exercise, row.status, row.points) for row in rows]
    assert len([line for line in lines if not line.startswith("Not limited")]) == len({row.student for row in rows}) and "ada, 02: 23 of 23 points" in lines


def test_whose_notebook_it_is(tmp_path):
    for name in ("ada/02_convolution_block.ipynb", "ben/02_convolution_block/02_convolution_block.ipynb", "03_cleo.ipynb",
                 "Dan Lee_02_convolution_block.ipynb", "ada/.ipynb_checkpoints/02_convolution_block.ipynb", "eve/notes.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [(student, number) for student, number, _ in sent(tmp_path)] == \
           [("Dan Lee", "02"), ("ada", "02"), ("ben", "02"), ("cleo", "03"), ("eve", "")]


def test_two_notebooks_of_a_number_are_not_chosen_between(tmp_path):
    for name in ("02_mine.ipynb", "02_mine (1).ipynb"):
        (tmp_path / "in/ada").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in/ada" / name).write_text("{}")
    rows = grade(tmp_path / "in", tmp_path / "grades.csv")
    assert {row.status for row in rows} == {"unreadable"} and "Keep one" in rows[0].hint


def test_what_a_student_writes_is_no_formula(tmp_path):
    write([Row("=1+1", "2.1", "hint", hint="@SUM(A1)\n\x1b[31m")], tmp_path / "grades.csv")
    with (tmp_path / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        line = list(csv.DictReader(file))[0]
    assert line["student"] == "'=1+1" and line["hint"] == "'@SUM(A1) [31m"
    assert harmless("a-b") == "a-b"


def test_a_gradebook_is_never_half_there(tmp_path, monkeypatch):
    (tmp_path / "grades.csv").write_text("before")
    monkeypatch.setattr("unet_course.data.files.saving.os.replace",
                        lambda *a: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write([Row("ada", "2.1", "passed")], tmp_path / "grades.csv")
    assert (tmp_path / "grades.csv").read_text() == "before" and len(list(tmp_path.iterdir())) == 1


def test_every_exercise_of_the_course_can_be_graded():
    from unet_course.exercises import Exercise

    assert sorted(e["id"] for path in NOTEBOOKS.glob("*.ipynb") for e in asked_in(path)) == sorted(Exercise.registry)


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert main(["grade", str(tmp_path / "nowhere")]) == 1
    assert "no such folder" in capsys.readouterr().err
    assert main(["grade", str(tmp_path)]) == 1
    assert "no notebook" in capsys.readouterr().err
