"""Answers that are right, and spoil what they were given."""

import numpy as np
import torch

from tests.exercises import bank07, bank07_sure, bank09, bank10, bank11, bank12


def spoiling(answer):
    """Its results, and afterwards all it was given is 0, or an empty list."""

    def spoilt(*given):
        result = answer(*given)
        copies = isinstance(result, (tuple, list))
        result = type(result)(map(copied, result)) if copies else copied(result)
        if any(isinstance(v, torch.Tensor) and v.requires_grad for v in given):
            return result  # a backward pass would notice
        for value in given:
            if isinstance(value, list):
                value.clear()
            elif isinstance(value, (torch.Tensor, np.ndarray)):
                value[...] = 0
        return result
    return spoilt


def copied(value):
    return value.clone() if isinstance(value, torch.Tensor) else value


RIGHT_ONES = {}
for bank in (bank12, bank11, bank10, bank09, bank07_sure, bank07):
    for id, _, answer in reversed(bank.RIGHT):
        RIGHT_ONES[id] = answer  # the first one of each exercise
WRONG = [(id, "spoils what it was given", spoiling(RIGHT_ONES[id]), "what_is_given_stays")
         for id in ("7.1", "7.4", "7.5", "7.7", "7.8", "9.6", "9.7", "9.8", "9.9", "9.10", "9.12", "9.14", "9.15",
                    "9.16", "9.17", "10.2", "10.3", "10.4", "10.5", "11.1", "11.5", "12.1", "12.5")]
RIGHT = []
