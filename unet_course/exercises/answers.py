"""Answers that are no code: words, letters and numbers, read kindly, compared strictly. (00)"""

import numbers

import numpy as np
import torch

from unet_course.exercises.core import expect, said

QUESTIONS = 4  # in an exercise that asks to choose


def several(answer, number, example):
    """A list of answers from a list, tuple, array or tensor."""
    if isinstance(answer, (np.ndarray, torch.Tensor)):
        answer = answer.tolist()
    expect(isinstance(answer, (list, tuple)) and len(answer) == number,
           f"Your answer is {said(answer)}; wanted a list of {number}, such as {example}.")
    return list(answer)


def word(answer, place, options):
    """The word that was chosen for one of four questions (the first has place 0)."""
    chosen = several(answer, QUESTIONS, [*options[:2], "…"])[place]
    tidy = " ".join(chosen.lower().split()) if isinstance(chosen, str) else chosen
    known = {option.lower(): option for option in options}
    expect(isinstance(tidy, str) and tidy in known,
           f"Answer {place + 1} is {said(chosen)}; wanted one of: {', '.join(options)}.")
    return known[tidy]


def letter(answer, options="ABCD"):
    """One letter, small or large."""
    chosen = answer.strip(" .,:()").upper() if isinstance(answer, str) else ""
    wanted = f"{', '.join(options[:-1])} or {options[-1]}"
    expect(len(chosen) == 1 and chosen in options, f"Your answer is {said(answer)}; wanted one of the letters {wanted}.")
    return chosen


def letters(answer, number, options="ABCD"):
    """A letter for each question: a list, or one word such as "BACD"."""
    if isinstance(answer, str):
        answer = [c for c in answer if c not in " ,;-"]
    return [letter(one, options) for one in several(answer, number, list(options[:number]))]


def _single(value):
    return isinstance(value, np.generic) or isinstance(value, torch.Tensor) and value.numel() == 1


def whole(value, what):
    """A whole number, in whichever type it comes; True is none."""
    plain = value.item() if _single(value) else value
    if isinstance(plain, str) and plain.strip().lstrip("+-").isdecimal():
        plain = int(plain)
    right = isinstance(plain, numbers.Real) and not isinstance(plain, bool) and plain == plain // 1
    expect(right, f"{what} is {said(value)}; wanted a whole number.")
    return int(plain)


def number(value, what):
    """A finite number; True is none."""
    if _single(value):
        value = value.item()
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    expect(real and abs(value) < float("inf"), f"{what} is {said(value)}; wanted a number.")
    return float(value)
