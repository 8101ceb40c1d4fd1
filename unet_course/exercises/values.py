"""What an answer gives back, in whichever form it comes, and how it is compared. (00)"""

import numbers
from fractions import Fraction

import numpy as np
import torch
from torch import nn

from unet_course.exercises.core import Hint, NotAttempted, blank, expect, said, times, tried


def call(function, *arguments, **options):
    """Call the learner's function; three dots as result mean a stub left alone, None a forgotten return.

    Tensors and arrays are handed over as copies, so that an answer which changes its argument does
    not change the question. Arrays of NumPy come back as tensors, also those in a tuple or list.
    """
    expect(callable(function), f"Your answer is {said(function)}; wanted a function. Hand over its name, without brackets.")
    arguments = [a.clone() if isinstance(a, torch.Tensor) else
                 a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    tried.pop("came", None)  # what an earlier call gave back has no part in an error of this one
    tried["came"] = result = function(*arguments, **options)
    if blank(result):
        raise NotAttempted
    expect(result is not None, "Your code gives back nothing (None). Is there a return at the end?")
    several = type(result) in (tuple, list)
    if isinstance(function, nn.Module):
        expect(not any(isinstance(part, np.ndarray) for part in (result if several else [result])),
               "Your network gives back a NumPy array; wanted a torch Tensor. Training sends a "
               "gradient back through it, and only a tensor remembers how it was computed.")
    return type(result)(map(_no_array, result)) if several else _no_array(result)


def tensor(value, what="Your answer", learns=False):
    """The value as a tensor: an array of NumPy and lists of numbers are taken, too.

    With ``learns=True`` only a tensor of floats will do, because a gradient has to come back
    through it. Floats become float32, on the CPU, so that a check can compare them with its own.
    """
    kind = type(value).__name__
    if learns:
        expect(type(value) not in (tuple, list), f"{what} is a {kind} with a length of "
               f"{len(value) if type(value) in (tuple, list) else 0}; wanted one torch Tensor. "
               "What stands behind return?")
        expect(isinstance(value, torch.Tensor), f"{what} is of type {kind}; wanted a torch Tensor. "
               "Training sends a gradient back through it, and only a tensor remembers how it was "
               "computed.")
        expect(value.is_floating_point(), f"{what} has dtype {value.dtype}; wanted floats. "
               "Training sends a gradient back through them, and whole numbers have no slope. Is "
               "there an argmax, a comparison or a rounding?")
    elif not isinstance(value, torch.Tensor):
        value = numeric(value)
        expect(value is not None, f"{what} is of type {kind}; wanted a torch Tensor.")
    return value.float().cpu() if value.is_floating_point() else value.cpu()


def shape(value, wanted, hint, what="Your answer"):
    """Expect a tensor of this shape, and give it back; the hint may use {got} and {wanted}.

    Where the shapes differ only in axes of length 1, that is said instead.
    """
    value = tensor(value, what)
    got, wanted = tuple(value.shape), tuple(wanted)
    if [n for n in got if n != 1] == [n for n in wanted if n != 1]:
        expect(len(got) <= len(wanted), f"{what} has shape {got}; wanted {wanted}: too many axes "
               "of length 1. Which line puts them there?")
        expect(len(got) >= len(wanted), f"{what} has shape {got}; wanted {wanted}: too few axes of "
               "length 1. Which line takes them away?")
    expect(got == wanted, hint.format(got=times(got), wanted=times(wanted)))
    return value


def in_order(first, second, sizes, hint):
    """Expect that two results do not have each other's shapes."""
    shapes = tuple(first.shape), tuple(second.shape)
    expect(sizes[0] == sizes[1] or shapes != tuple(sizes[::-1]), hint)


def keeps_something(answer, *arguments):
    """Whether the same arguments a second time give something else: a value was kept."""
    first = tensor(call(answer, *arguments)).clone()
    return not alike(call(answer, *arguments), first)


def numeric(value):
    """A number, or an array of them, as a tensor, in whichever form it comes, such as rows in lists.

    It is None if the value is no such thing. True and False make a tensor of booleans; among numbers
    they are none.
    """
    try:
        value = _no_array(value)
        if isinstance(value, (list, tuple)) and _arrays(value):
            value = torch.stack([_no_array(v).cpu() for v in value])  # number by number takes seconds
        elif not isinstance(value, torch.Tensor):
            value = _no_array(np.array(_plain(value)))
    except (TypeError, ValueError, ArithmeticError, RecursionError):
        return None
    right = isinstance(value, torch.Tensor) and not value.is_complex()
    return value.detach().cpu() if right else None


def _arrays(values):
    """Whether these are arrays of one shape and one kind of number, with axes."""
    if not all(isinstance(v, torch.Tensor) or isinstance(v, np.ndarray) and v.dtype.kind in "biuf" for v in values):
        return False
    return len({(v.shape, v.dtype) for v in values}) == 1 and values[0].ndim > 0


def _plain(value):
    """Lists of plain numbers; a number in a text, such as "0.5" or "1/2", is one."""
    if isinstance(value, (np.ndarray, np.generic, torch.Tensor)):
        value = value.tolist()
    if type(value) in (list, tuple, torch.Size, range):
        parts = [_plain(part) for part in value]
        if len({isinstance(part, bool) for part in parts}) > 1:
            raise TypeError("True is no number")
        return parts
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, (numbers.Real, str)):
        return float(Fraction(value) if isinstance(value, str) and "/" in value else value)
    raise TypeError("no number")


def _no_array(value):
    """An array of numbers as a tensor; whatever else it is stays."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        return value
    if value.dtype.kind == "u" and value.itemsize > 1:  # torch can do little with these
        value = value.astype(np.int32 if value.itemsize == 2 else np.int64)
    wide = value.dtype.kind == "f" and value.itemsize > 8
    return torch.from_numpy(np.array(value, dtype=np.float64 if wide else value.dtype, order="C"))


def alike(got, wanted, tolerance=1e-5):
    """Whether two numbers or arrays, in whichever form, have one shape and are equal up to rounding."""
    one, two = numeric(got), numeric(wanted)
    if one is None or two is None or (one.dtype == torch.bool) > (two.dtype == torch.bool):
        return False  # True is no number
    one, two = one.double(), two.double()
    if two.ndim == 0 and one.numel() == 1:
        one = one.reshape(())  # one number in brackets is a number
    return one.shape == two.shape and torch.allclose(one, two, rtol=tolerance, atol=tolerance)


def close(got, wanted, hint, tolerance=1e-5):
    """Expect two numbers or arrays to be equal up to rounding; the hint may use {got} and {wanted}.

    Of two arrays it is also said where they differ first.
    """
    if alike(got, wanted, tolerance):
        return
    one, two = numeric(got), numeric(wanted)
    if one is None or two is None or (one.dtype == torch.bool) > (two.dtype == torch.bool):
        array = two is not None and two.ndim
        kind = f"an array of shape {times(two.shape)}" if array else "a number"
        raise Hint(f"Your result is {said(got)}; wanted {kind}.")
    digits = 6 if _word(one) == _word(two) else 3
    filled = hint.format(got=_word(one, digits), wanted=_word(two, digits))
    if one.shape == two.shape and two.ndim:
        raise Hint(beside(one, two, filled, tolerance))
    if one.shape != two.shape and "{got}" not in hint and one.numel() * two.numel() != 1:
        raise Hint(f"Your result is {_word(one)}; wanted {_word(two)}. {filled}")
    raise Hint(filled)


def beside(got, wanted, hint, tolerance=1e-5):
    """A hint, and before it what came beside what was wanted.

    Of small arrays all numbers are shown, of others the first that differs.
    """
    one, two = numeric(got).double(), numeric(wanted).double()
    if two.ndim <= 2 and two.numel() <= 16:
        mine, right = one.tolist(), two.tolist()
        digits = 6 if _rows(mine) == _rows(right) else 3
        return f"Yours is {_rows(mine, digits)}, wanted {_rows(right, digits)}. {hint}"
    place = (~torch.isclose(one, two, rtol=tolerance, atol=tolerance)).nonzero()[0].tolist()
    mine, right = one[tuple(place)].item(), two[tuple(place)].item()
    digits = 6 if _digits(mine) == _digits(right) else 3
    mine, right = _digits(mine, digits), _digits(right, digits)
    if len(place) == 2:
        return f"At row {place[0]}, column {place[1]}: yours {mine}, wanted {right}. {hint}"
    return f"At index {place}: yours {mine}, wanted {right}. {hint}"


def _rows(values, digits=3):
    """Numbers in brackets, rounded as a hint may show them."""
    if isinstance(values, list):
        return f"[{', '.join(_rows(value, digits) for value in values)}]"
    return _digits(values, digits)


def _digits(number, digits=3):
    """A number with some digits, a large one to the unit; what rounding leaves of a zero is 0."""
    if abs(number) < 1e-6:
        return "0"
    whole = len(str(round(abs(number)))) if abs(number) < 1e12 else 0
    return f"{number:.{max(digits, whole)}g}"


def _word(value, digits=3):
    one = value.numel() == 1
    return _digits(value.item(), digits) if one else f"an array of shape {times(value.shape)}"
