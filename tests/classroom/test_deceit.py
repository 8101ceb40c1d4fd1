"""Notebooks that put something of their own in the place of what the checks use: all are seen."""

import importlib
import inspect
import json
import os
import sys
from pathlib import Path

import pytest
import torch

from unet_course.classroom.copies import CONFIG
from unet_course.classroom.grading import kernel
from unet_course.exercises.core import Exercise, check

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "darwin", reason="each case needs a process"
)
BANKS = Path(__file__).parents[1] / "exercises"
WRONG = "def seen(n):\n    return 0\n"
RIGHT = "def seen(n):\n    return 1 + 2 * n\n"
CORE = "import torch, unet_course.exercises.core as core\n"
# What a notebook does before its wrong answer to exercise 2.4, and a word that the teacher reads.
WAYS = {
    "behaviours emptied": ("core.Exercise.registry['2.4'].behaviours.clear()", "registry"),
    "behaviours replaced": (
        "core.Exercise.registry['2.4'].behaviours = [lambda answer: None]",
        "registry",
    ),
    "a behaviour's code": (
        "core.Exercise.registry['2.4'].behaviours[0].__code__ = (lambda answer: None).__code__",
        "nb02",
    ),
    "another exercise": (
        "core.Exercise.registry['2.4'] = core.Exercise.registry['2.2']",
        "registry",
    ),
    "another registry": ("core.Exercise.registry = {}", "registry"),
    "torch.equal": ("torch.equal = lambda *a: True", "torch.equal"),
    "torch.allclose": ("torch.allclose = lambda *a, **k: True", "torch.allclose"),
    "a method of tensors": ("torch.Tensor.allclose = lambda *a, **k: True", "Tensor.allclose"),
    "a method of layers": ("torch.nn.Module.__call__ = lambda self, x: x", "Module.__call__"),
    "a hook on all layers": (
        "torch.nn.modules.module.register_module_forward_hook(lambda *a: a[1])",
        "_global_forward_hooks",
    ),
    "a mode of torch": (
        "from torch.overrides import TorchFunctionMode as M\n"
        "mode = type('Yes', (M,), {})().__enter__()",
        "modes",
    ),
    "a tensor of its own": ("class Yes(torch.Tensor): pass", "Yes"),
    "expect": ("core.expect = lambda *a: None", "core.expect"),
    "expect where it is used": (
        "import unet_course.exercises.nb02 as nb\nnb.expect = lambda *a: None",
        "nb02.expect",
    ),
    "the code of expect": (
        "core.expect.__code__ = (lambda condition, hint: None).__code__",
        "expect",
    ),
    "Python's names": ("core.isinstance = lambda *a: True", "core.isinstance"),
    "Python's own names": ("import builtins\nbuiltins.all = lambda *a: True", "builtins.all"),
    "Report.status": (
        "core.Report.status = property(lambda self: 'passed', lambda self, value: None)",
        "Report.status",
    ),
    "Report's attributes": (
        "core.Report.__getattribute__ = lambda self, name: 'passed'",
        "Report.__getattribute__",
    ),
    "try_on": (
        "core.Exercise.try_on = lambda self, *a: core.Report(self.id, '', 'passed')",
        "try_on",
    ),
    "check": (
        "import unet_course\n"
        "unet_course.check = core.check = lambda *a: core.Report('2.4', '', 'passed')",
        "check",
    ),
    "the code of check": (
        "core.check.__code__ = (lambda id, answer=...: 'passed').__code__",
        "check",
    ),
    "sys.modules": (
        "import sys, types\nsys.modules['unet_course.exercises.core'] = types.ModuleType('core')",
        "sys.modules",
    ),
    "the kind of a module": (
        "import types\ncore.__class__ = type('Yes', (types.ModuleType,), {})",
        "sys.modules",
    ),
    "a constant": (
        "import unet_course.exercises.answers as answers\nanswers.QUESTIONS = 0",
        "QUESTIONS",
    ),
    "a constant in place": ("import unet_course.exercises.nb07 as nb\nnb.TARGET[:] = 0", "TARGET"),
    "what looks": ("import builtins\nbuiltins.id = None", "needed to look"),
    "Report.status as a text": ("core.Report.status = 'passed'", "Report.status"),
    "the step of an optimiser": (
        "import unet_course.exercises.nb14 as nb\nnb.Counted.step = lambda self: None",
        "Counted.step",
    ),
    "the witness itself": (
        "import unet_course.classroom.grading.kernel as k\n"
        "k.changes.__code__ = (lambda b: []).__code__\n"
        "core.expect = lambda *a: None",
        "core.expect",
    ),
}


@pytest.fixture(autouse=True, scope="module")
def witness():
    """Its baseline is that of now: tests of other files may have run since this one was imported."""
    global WITNESS
    WITNESS = kernel.witness("key")


def in_a_process(function):
    """What a function returns in a copy of this process: what it replaces stays there."""
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = json.dumps(function())
        except BaseException as error:
            text = json.dumps(f"{type(error).__name__}: {error}")
        os.write(mouth, text.encode())
        os._exit(0)
    os.close(mouth)
    with os.fdopen(ear, encoding="utf-8") as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text)


def judged(notebook, answer=WRONG, id="2.4"):
    """(status, hint) of an answer after a notebook has run in a kernel where the witness stands."""

    def run():
        names = {"__name__": "__main__"}
        kernel.forget()  # as `place` does
        try:
            exec(CORE + notebook + "\n" + answer, names)
        except Exception as error:
            names["seen"] = error
        found = json.loads(WITNESS(id, lambda: names["seen"])[0])
        return found["status"], found["hint"]

    return in_a_process(run)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_replaced_is_seen_and_named(way):
    notebook, word = WAYS[way]
    status, hint = judged(notebook)
    assert status == "changed" and word in hint and hint.endswith(kernel.READ), (status, hint)


def test_printing_passed_gives_nothing():
    assert judged("print('Exercise 2.4 (How far does a value see?): passed.')")[0] == "hint"
    assert (
        judged("class check:\n    status, hints = 'passed', []\n    def __init__(self, *a): pass")[
            0
        ]
        == "hint"
    )


def test_a_file_of_the_course_that_is_written_beside_the_notebook_is_not_taken(tmp_path):
    notebook = (
        f"import os, sys\nos.makedirs(r'{tmp_path}/unet_course/exercises', exist_ok=True)\n"
        "for name in ('', 'exercises/'):\n"
        f"    open(r'{tmp_path}/unet_course/' + name + '__init__.py', 'w').close()\n"
        f"open(r'{tmp_path}/unet_course/exercises/core.py', 'w').write('def check(*a): return 1')\n"
        f"sys.path.insert(0, r'{tmp_path}')\nimport unet_course\nimport unet_course.exercises.core"
    )
    assert judged(notebook)[0] == "hint" and judged(notebook, RIGHT)[0] == "passed"
    status, hint = judged(
        notebook + "\nfor name in [n for n in sys.modules if n.startswith('unet_course')]:"
        " del sys.modules[name]"
        "\nimport unet_course.exercises.core"
    )
    assert status == "changed" and "sys.modules" in hint


@pytest.mark.parametrize(
    "answer",
    [
        "def seen(n):\n    core.expect = lambda *a: None\n    return 0",
        "def seen(n):\n    core.Exercise.registry['2.4'].behaviours.clear()\n    return 0",
        "def seen(n):\n"
        "    core.Report.status = property(lambda self: 'passed', lambda self, value: None)\n"
        "    return 0",
    ],
    ids=["expect", "behaviours", "Report.status"],
)
def test_what_an_answer_replaces_while_it_is_tried_gives_nothing(answer):
    assert judged("", answer)[0] in ("changed", "hint")


def test_a_right_answer_passes_after_what_honest_notebooks_do():
    notebook = (
        "import json, random, numpy, torch.nn as nn\n"
        "from unet_course import *\nfrom torch import equal\n"
        "nn.Linear(2, 2)(torch.zeros(1, 2)).sum().backward()\n"
        "torch.optim.Adam(nn.Linear(2, 2).parameters())\n"
        "class Mine(nn.Module):\n    def forward(self, x): return x\nMine()(torch.zeros(1))\n"
        "core.check('2.4', None)\ncore.check('2.4', lambda n: 1 + 2 * n)\n"
        "for id in ('0.1', '2.1', '7.1', '9.2'): core.check(id, lambda *a: 0)\n"
        "import unet_course\nunet_course.language('zh')\nunet_course.language('en')\n"
        "torch.manual_seed(3)"
    )
    assert judged(notebook, RIGHT) == ["passed", ""]


@pytest.mark.full
def test_no_right_answer_is_taken_for_deceit():
    """One for each exercise: what the checks themselves do, and torch with them, is nobody's deceit."""

    def run():
        tried = {}
        for path in sorted(BANKS.glob("bank*.py")):
            for id, *_, answer in importlib.import_module(f"tests.exercises.{path.stem}").RIGHT:
                if id not in tried:
                    tried[id] = check(id, answer).status
        return len(tried), kernel.changes(before)

    before = kernel.snapshot()
    assert in_a_process(run) == [len(Exercise.registry), []]


def test_it_is_placed_where_reset_does_not_reach_and_its_module_is_gone():
    def run():
        import builtins

        kernel.place("_placed", "key")
        again = json.loads(builtins._placed("2.4", lambda: lambda n: 1 + 2 * n)[0])["status"]
        return again, kernel.__name__ in sys.modules

    assert in_a_process(run) == ["passed", False]


def test_a_class_that_was_there_before_the_notebook_is_not_the_notebooks():
    there = type("There", (torch.Tensor,), {"__module__": "__main__"})
    before = kernel.snapshot()
    assert kernel.changes(before) == []
    new = type("New", (torch.Tensor,), {"__module__": "__main__"})
    assert kernel.changes(before) == ["torch's functions, by the class New"]
    assert there is not new
    new.__module__ = there.__module__ = __name__  # the tests after this one see neither


def test_nothing_is_seen_where_nothing_was_replaced():
    assert kernel.changes(kernel.snapshot()) == []


def in_nbgrader(*cells):
    """The names of the errors of cells in a kernel as nbgrader starts it."""

    def run():
        from IPython.core.interactiveshell import InteractiveShell

        shell = InteractiveShell()
        shell.showtraceback = lambda *a, **k: None
        kernel.stand(shell)
        done = [shell.run_cell(cell) for cell in cells]
        return [
            f"{type(error).__name__}: {error}"
            if (error := one.error_before_exec or one.error_in_exec)
            else ""
            for one in done
        ]

    return in_a_process(run)


LOCKED = """# Exercise 2.4: 8 points
from unet_course.exercises import check

check("2.4", seen).require()"""


def test_in_nbgrader_a_locked_cell_passes_a_right_answer_and_tells_a_wrong_one_its_hint():
    assert in_nbgrader(RIGHT, LOCKED) == ["", ""]
    wrong = in_nbgrader(WRONG, LOCKED)[1]
    assert wrong.startswith("AssertionError: Exercise 2.4 (How far does a value see?): not yet.")


@pytest.mark.parametrize(
    "cell",
    [
        "check = lambda *a: core.Report('2.4', '', 'passed')",
        *(WAYS[way][0] for way in ("behaviours emptied", "expect", "Report.status")),
    ],
)
def test_in_nbgrader_nothing_that_is_replaced_gives_points(cell):
    first, locked = in_nbgrader(CORE + cell + "\n" + WRONG, LOCKED)
    assert first == "" and locked.startswith(
        ("InputRejected: The notebook puts", "AssertionError: Exercise 2.4")
    )


def test_in_nbgrader_what_require_is_in_the_notebook_does_not_matter():
    cell = CORE + "core.Report.require = lambda self: None\n" + WRONG
    assert in_nbgrader(cell, LOCKED)[1].startswith("InputRejected")
    assert in_nbgrader("%reset -f", WRONG, LOCKED)[2].startswith("AssertionError: Exercise 2.4")


def test_the_kernels_of_nbgrader_are_started_with_it():
    assert "from unet_course.classroom.grading.kernel import stand; stand()" in CONFIG
    assert inspect.signature(kernel.stand).parameters["shell"].default is None
