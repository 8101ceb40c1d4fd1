"""Whatever form a result has, the check says so in words of its own, and never stumbles over it."""

import re

import pytest
import torch
from torch import nn

from tests.exercises import bank_forms
from tests.exercises.test_bank import RIGHT, SOME
from unet_course import check

STUMBLES = re.compile("could not use|cannot be called")
FORMS = {
    "nothing": lambda right: None,
    "one number": lambda right: 7,
    "one in a list": lambda right: [right],
    "five of it": lambda right: [right] * 5,
    "a single number": lambda right: torch.tensor(0.5),
    "three axes": lambda right: torch.zeros(2, 3, 4),
    "five axes": lambda right: torch.zeros(1, 2, 3, 4, 5),
    "an empty tensor": lambda right: torch.zeros(0),
    "a dict": lambda right: {"out": right},
}


def in_form(answer, form):
    """A right answer that gives back, or is, something of another form."""
    if isinstance(answer, type) and issubclass(answer, nn.Module):
        return bank_forms.forms(answer, bank_forms.any_block, form)
    return (lambda *given, **more: form(answer(*given, **more))) if callable(answer) else form(answer)


@pytest.mark.parametrize("id", SOME)
def test_no_check_stumbles_over_the_form_of_a_result(id):
    rights = [entry[2] for entry in RIGHT if entry[0] == id]
    answer = next((right for right in rights if isinstance(right, type)), rights[0])
    for name, form in FORMS.items():
        for hint in check(id, in_form(answer, form)).hints:
            assert not STUMBLES.search(hint), f"{name}: {hint}"


@pytest.mark.parametrize("entry", bank_forms.WRONG, ids=lambda entry: f"{entry[0]} {entry[1]}")
def test_nor_where_it_is_of_that_form_in_some_cases_alone(entry):
    hints = check(entry[0], entry[2]).hints
    assert hints and not any(STUMBLES.search(hint) for hint in hints), hints
    assert "of your answer: `" not in hints[0] and hints[0].endswith((".", "?"))
