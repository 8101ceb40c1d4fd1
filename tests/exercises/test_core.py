"""The machinery of the checks: it never raises, and leaves no trace."""

import random
import time

import numpy as np
import pytest
import torch

from tests.exercises.test_bank import RIGHT
from unet_course import ConvBlock, check
from unet_course.exercises import Exercise


def test_unknown_exercise_is_told_what_there_is():
    report = check("9.9", 1)
    assert report.status == "hint" and "0.1" in report.hints[0] and "6.4" in report.hints[0]


@pytest.mark.parametrize("id", ["2.3", 2.3])
def test_the_number_may_be_a_number(id):
    check(id, ConvBlock).require()


def test_text_is_the_same_each_time_and_html_says_the_same():
    one, two = (check("0.1", lambda p: p.argmax(dim=1)) for _ in range(2))
    assert str(one) == repr(one) == str(two) and one._repr_html_() == two._repr_html_()
    assert "not yet" in str(one) and "not yet" in one._repr_html_() and "more to look at" in str(one)


def test_html_is_escaped():
    assert "<b>" not in check("1.4", "<b>")._repr_html_()


def test_require_raises_unless_passed():
    check("1.4", "B").require()
    with pytest.raises(AssertionError, match="Exercise 1.4"):
        check("1.4", "A").require()
    with pytest.raises(AssertionError, match="not attempted"):
        check("1.4").require()


def vandal(probabilities):
    """A right answer that leaves a mess."""
    print("noise")
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    probabilities.zero_().add_(torch.rand(()))
    return probabilities.argmax(dim=0)


def test_global_state_is_left_as_it_was(capsys):
    torch.manual_seed(7), np.random.seed(7), random.seed(7)
    wanted = torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()
    torch.manual_seed(7), np.random.seed(7), random.seed(7)
    check("0.1", vandal)
    assert (torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()) == wanted
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
    assert capsys.readouterr().out == ""


def test_works_under_no_grad_and_with_another_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            check("2.3", ConvBlock).require()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_an_answer_cannot_change_the_question():
    assert check("0.1", vandal).status == "hint"


def test_an_exercise_cannot_be_declared_twice():
    with pytest.raises(ValueError, match="2.3 is declared twice"):
        Exercise("2.3", "again")


def test_each_notebook_has_its_exercises():
    ids = sorted(Exercise.registry)
    assert ids[0] == "0.1" and all(sum(i.startswith(f"{n}.") for i in ids) >= 4 for n in range(1, 7))
    assert all(e.behaviours and e.minutes for e in Exercise.registry.values())
    for n in range(1, 7):
        kinds = [e.kind for e in Exercise.registry.values() if e.id.startswith(f"{n}.")]
        assert kinds.count("classroom") >= 2 and kinds.count("deeper") == 1


@pytest.mark.parametrize("id, what, answer", RIGHT, ids=[f"{e[0]} {e[1]}" for e in RIGHT])
def test_a_check_is_quick(id, what, answer):
    start = time.process_time()
    check(id, answer)
    assert time.process_time() - start < 5  # the goal is 1 s on an idle machine
