"""Answers that are no code: words, letters and numbers, read kindly, compared strictly. (00)"""

import numpy as np
import torch

from unet_course.exercises.core import expect, said
from unet_course.exercises.values import numeric

QUESTIONS = 4  # in an exercise that asks to choose


def several(answer, number, example):
    """A list of answers from a list, tuple, array or tensor."""
    if isinstance(answer, (np.ndarray, torch.Tensor, range)):
        answer = list(answer) if isinstance(answer, range) else answer.tolist()
    expect(isinstance(answer, (list, tuple)) and len(answer) == number,
           f"Your answer is {said(answer)}; wanted a list of {number}, such as {example}.")
    return list(answer)


def word(answer, place, options, number=QUESTIONS):
    """The word that was chosen for one of several questions (the first has place 0)."""
    chosen = several(answer, number, [*options[:2], "…"])[place]
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


def number(value, what):
    """A finite number, in whichever form it comes: 0.5, "0.5", a tensor of one; True is none."""
    found = numeric(value)
    real = found is not None and found.numel() == 1 and found.dtype != torch.bool
    expect(real and abs(found.item()) < float("inf"), f"{what} is {said(value)}; wanted a number.")
    return float(found)


def whole(value, what):
    """A whole number, in whichever form it comes."""
    found = numeric(value)
    right = found is not None and found.numel() == 1 and found.dtype != torch.bool
    expect(right and found.item() // 1 == found.item(),
           f"{what} is {said(value)}; wanted a whole number.")
    return int(found)
