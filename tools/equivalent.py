"""Mutants that do the same as the solution, and why: no check can, or should, refuse them."""

import re

# A pattern that fits the whole description, and the reason; for every exercise.
ALWAYS = {
    r".*: method item dropped": "a tensor with one element is a number",
    r"[^+]*[*&|][^+]*: sides swapped": "the operation commutes",
}
# (exercise, description): reason.
EQUIVALENT = {}


def reason(id, what):
    """Why a mutant does the same as the solution, or None.

    >>> reason("7.1", "2 * both: sides swapped")
    'the operation commutes'
    >>> reason("7.1", "both / areas: sides swapped") is None
    True
    """
    always = next((why for pattern, why in ALWAYS.items() if re.fullmatch(pattern, what)), None)
    return EQUIVALENT.get((id, what), always)
