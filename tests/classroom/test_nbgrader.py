"""The course in nbgrader, from end to end with the real tool: assignments, three submissions, grades and feedback."""

import copy
import json
import os
import re
import subprocess
import sys

import nbformat
import pytest

from tools.elsewhere.beside import environment
from unet_course.__main__ import main
from unet_course.classroom.copies import NOTEBOOKS, nbgrader_course
from unet_course.exercises import Exercise, check

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
NAME = "02_convolution_block"
REGION = re.compile(r"### BEGIN SOLUTION\n.*?\n### END SOLUTION\n", re.S)
CARELESS = """class MyConvBlock(nn.Module):  # the ReLU is missing
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        layers = []
        for channels in (in_channels, out_channels):
            layers.append(nn.Conv2d(channels, out_channels, kernel_size=3, padding=padding, bias=not norm))
            layers += [nn.BatchNorm2d(out_channels)] * norm
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)
"""
HALF = {"2.1": "solution", "2.2": "solution", "2.3": CARELESS}  # what the second student has done
REPORT = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({s.student.id: {g.cell.name: g.auto_score for n in s.notebooks for g in n.grades}
                      for s in book.assignment_submissions(sys.argv[1])}))
"""
GENERATE = """
from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader
api = NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", ".").load_config())
for name in sorted(api.get_source_assignments()):
    done = api.generate_assignment(name)
    assert done["success"], done
    print(name)
"""


@pytest.fixture(scope="module")
def python():
    """Python of an environment that has nbgrader."""
    return environment(".venv-classroom", ["nbgrader"], "-c", "constraints.txt")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grading") / "course"
    nbgrader_course(folder)
    return folder


@pytest.fixture(scope="module")
def run(python, course):
    """Run nbgrader, or a script, in the course's folder; return what it printed."""
    calm = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "JUPYTER_PREFER_ENV_PATH": "1",
            "OMP_NUM_THREADS": "1", "JUPYTER_PATH": os.path.join(sys.prefix, "share", "jupyter")}

    def run_it(*arguments):
        done = subprocess.run([python, *arguments], cwd=course, env=calm, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout + done.stderr
    return run_it


def exercises(notebook):
    """(id, answer cell, locked cell) for every exercise."""
    cells = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    answers = [cell for cell in cells if cell.metadata.nbgrader.solution]
    locked = [cell for cell in cells if cell.metadata.nbgrader.grade]
    return [(a.metadata.nbgrader.grade_id.removeprefix("answer-").replace("-", "."), a, g) for a, g in zip(answers, locked)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_exercise_has_an_answer_and_a_locked_check_with_points(path, course):
    notebook = nbformat.read(course / "source" / path.stem / path.name, as_version=4)
    nbformat.validate(notebook)
    found = exercises(notebook)
    assert [id for id, *_ in found] and len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert sorted(id for id, *_ in found) == sorted(i for i in Exercise.registry if int(i.split(".")[0]) == int(path.name[:2]))
    for id, answer, locked in found:
        assert len(REGION.findall(answer.source)) == 1 and ("..." in answer.source or "{}" in answer.source)
        assert answer.source.endswith(locked.source.splitlines()[-1].removesuffix(".require()"))
        assert locked.metadata.nbgrader.locked and locked.metadata.nbgrader.points == Exercise.registry[id].minutes
        assert locked.source.endswith(".require()") and f'check("{id}"' in locked.source


@pytest.fixture(scope="module")
def assignments(run, course):
    run("-c", GENERATE)
    return {path.stem: nbformat.read(course / "release" / path.stem / path.name, as_version=4) for path in PATHS}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_assignment_is_the_students_copy_with_locked_cells(path, assignments):
    notebook = assignments[path.stem]
    own = [re.sub(r"\n+", "\n", cell.source) for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]
    original = nbformat.read(path, as_version=4)
    wanted = [re.sub(r"\n+", "\n", cell.source) for cell in original.cells if "solution" not in cell.metadata.get("tags", [])]
    assert own == wanted


@pytest.fixture(scope="module")
def graded(assignments, run, course):
    """Scores of three students, {student: {cell: score}}; the third has changed a locked cell."""
    sources = {id: REGION.findall(answer.source)[0] for id, answer, _ in exercises(
        nbformat.read(course / "source" / NAME / f"{NAME}.ipynb", as_version=4))}
    for student in ("ada", "ben", "eve"):
        notebook = copy.deepcopy(assignments[NAME])
        for id, answer, locked in exercises(notebook):
            done = {"ada": "solution", "ben": HALF.get(id), "eve": None}[student]
            stub, call = answer.source[: answer.source.rindex("check(")], answer.source[answer.source.rindex("check("):]
            if done:
                answer.source = stub + (sources[id] if done == "solution" else done) + "\n\n" + call
            if student == "eve":
                locked.source = "print('all points, please')"
        folder = course / "submitted" / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{NAME}.ipynb")
    run("-m", "nbgrader", "autograde", NAME)
    run("-m", "nbgrader", "generate_feedback", NAME)
    return json.loads(run("-c", REPORT, NAME).splitlines()[-1])


def test_scores(graded):
    full = {f"check-{i.replace('.', '-')}": e.minutes for i, e in Exercise.registry.items() if i.startswith("2.")}
    assert graded["ada"] == full
    right = {f"check-{i.replace('.', '-')}" for i, done in HALF.items() if done == "solution"}
    assert graded["ben"] == {name: points if name in right else 0 for name, points in full.items()}
    assert set(graded["eve"].values()) == {0} and set(graded["eve"]) == set(full)


def careless():
    names = {}
    exec("from torch import nn\n" + CARELESS, names)
    return names["MyConvBlock"]


def test_feedback_has_the_hints(graded, course):
    pages = {student: re.sub(r"<[^>]+>", "", (course / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8"))
             for student in graded}
    assert "Exercise 2.3 (Write ConvBlock): passed." in pages["ada"] and "AssertionError" not in pages["ada"]
    hint = check("2.3", careless()).hints[0]
    assert "AssertionError: Exercise 2.3 (Write ConvBlock): not yet." in pages["ben"] and hint in pages["ben"]
    assert "Exercise 2.5 (Find the fault): not attempted yet." in pages["ben"]
    assert pages["eve"].count("AssertionError: Exercise") >= 5 and "all points, please" not in pages["eve"]


def test_nothing_is_written_over(course, capsys):
    with pytest.raises(FileExistsError, match="somebody's grades; give a new or an empty folder"):
        nbgrader_course(course)
    assert main(["nbgrader", str(course)]) == 1 and "empty folder" in capsys.readouterr().err


def test_an_empty_folder_will_do_and_nothing_is_left_half_written(tmp_path, monkeypatch):
    folder = tmp_path / "course"
    folder.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr("unet_course.classroom.copies.with_grading", lambda notebook: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            nbgrader_course(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["course"] and list(folder.iterdir()) == []
    assert main(["nbgrader", str(folder)]) == 0 and (folder / "nbgrader_config.py").exists()
