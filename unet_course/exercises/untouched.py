"""Whether an answer leaves alone what it is given. (07)"""

import copy

import numpy as np
import torch

from unet_course.exercises.core import expect


def leaves_alone(exercise, cases):
    """Add a behaviour: tensors, arrays and lists that are handed over stay as they are.

    ``cases`` is a function that makes the arguments anew and yields them, one tuple for each call.
    """
    @exercise.behaviour
    def what_is_given_stays(answer):
        for given in cases():
            before = copy.deepcopy(given)
            answer(*given)
            for place, (now, was) in enumerate(zip(given, before), start=1):
                expect(_same(now, was), f"Your function changes what it is given, argument {place}; "
                       "whoever handed it over may still need it as it was. Which line writes into "
                       "it? Make a new one for the result.")


def _same(now, was):
    if isinstance(now, torch.Tensor):
        return torch.equal(now, was)
    return not isinstance(now, (np.ndarray, list)) or np.array_equal(now, was)
