"""The second banks: answers written from the statements alone, by somebody who had not seen the checks."""

import importlib
from pathlib import Path

import pytest

from unet_course.exercises import check

FILES = sorted(Path(__file__).parent.glob("second_*.py"))
BANKS = [importlib.import_module(f"tests.exercises.{path.stem}") for path in FILES]
WRONG = [entry for bank in BANKS for entry in bank.WRONG]
RIGHT = [entry for bank in BANKS for entry in bank.RIGHT]
pytestmark = pytest.mark.full  # the first banks try each exercise on every change


@pytest.mark.parametrize("id, what, answer", WRONG, ids=[f"{e[0]} {e[1]}" for e in WRONG])
def test_wrong_answer_gets_a_hint(id, what, answer):
    report = check(id, answer)
    assert report.status == "hint" and len(report.hints[0]) > 30, report


@pytest.mark.parametrize("id, what, answer", RIGHT, ids=[f"{e[0]} {e[1]}" for e in RIGHT])
def test_right_answer_passes(id, what, answer):
    check(id, answer).require()
