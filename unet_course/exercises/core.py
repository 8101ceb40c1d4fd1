"""How a check works: an exercise is a list of behaviours, each with the hint a teacher would give.

A behaviour is a function that takes the learner's answer, tries it on inputs it has never seen, and raises `Hint`
where it is wrong. It looks at what the answer does, never at how it is written.
"""

import contextlib
import html
import io
import random
from dataclasses import dataclass, field

import numpy as np
import torch


class Hint(Exception):
    """What the learner is told: what was seen, and the question that leads on."""


class NotAttempted(Exception):
    """The stub was left as it is."""


@dataclass
class Report:
    """The result of a check.

    Attributes
    ----------
    id, title : str
        Of the exercise.
    status : {"passed", "hint", "not attempted"}
    hints : list of str
        One for each behaviour that failed, the first one first.
    failed : list of str
        The names of those behaviours.
    """

    id: str
    title: str
    status: str
    hints: list = field(default_factory=list)
    failed: list = field(default_factory=list)

    def __str__(self):
        if self.status == "passed":
            return f"Exercise {self.id} ({self.title}): passed."
        if self.status == "not attempted":
            return f"Exercise {self.id} ({self.title}): not attempted yet."
        more = len(self.hints) - 1
        rest = f"\n  ({more} more to look at after this one.)" if more else ""
        return f"Exercise {self.id} ({self.title}): not yet.\n  {self.hints[0]}{rest}"

    __repr__ = __str__

    def _repr_html_(self):
        colour = {"passed": "#117733", "hint": "#B35A00", "not attempted": "#666666"}[self.status]
        text = html.escape(str(self)).replace("\n", "<br>")
        return (f'<div role="status" style="border-left: 6px solid {colour}; padding: 0.4em 0.8em; '
                f'font-size: 1.05em">{text}</div>')

    def require(self):
        """Raise an AssertionError unless the exercise is passed: for graders and tests."""
        assert self.status == "passed", str(self)


class Exercise:
    """One exercise: an id such as "4.2", a title, and its behaviours in the order in which they are tried.

    Parameters
    ----------
    id, title : str
    minutes : int
        What a learner needs for it.
    kind : {"", "classroom", "deeper"}
    """

    registry = {}

    def __init__(self, id, title, *, minutes=5, kind=""):
        if id in self.registry:
            raise ValueError(f"exercise {id} is declared twice")
        self.id, self.title, self.minutes, self.kind = id, title, minutes, kind
        self.behaviours = []
        self.registry[id] = self

    def behaviour(self, function):
        """Decorator: add a behaviour, named as its function."""
        self.behaviours.append(function)
        return function

    def try_on(self, answer):
        """Run every behaviour on an answer and report."""
        hints, failed = [], []
        if blank(answer):
            return Report(self.id, self.title, "not attempted")
        for behaviour in self.behaviours:
            try:
                with undisturbed():
                    behaviour(answer)
            except NotAttempted:
                return Report(self.id, self.title, "not attempted")
            except Hint as hint:
                hints.append(str(hint))
                failed.append(behaviour.__name__)
            except (Exception, SystemExit) as error:
                lines = str(error).strip().splitlines()
                hints.append(f"Your answer stopped with {type(error).__name__}: {lines[0] if lines else 'no message'}")
                failed.append(behaviour.__name__)
        return Report(self.id, self.title, "hint" if hints else "passed", hints, failed)


def check(id, answer=...):
    """Try an answer to an exercise.

    Parameters
    ----------
    id : str
        Number of the exercise, such as "4.2".
    answer : anything
        Your function, class or value. Three dots mean that you have not begun.

    Returns
    -------
    Report
        A notebook shows it as a card. This function never raises.

    Examples
    --------
    >>> check("0.1")
    Exercise 0.1 (From probabilities to a mask): not attempted yet.
    """
    exercise = Exercise.registry.get(str(id))
    if exercise is None:
        known = ", ".join(sorted(Exercise.registry))
        return Report(str(id), "unknown", "hint", [f"There is no exercise {id!r}. There are: {known}."], ["known_id"])
    return exercise.try_on(answer)


def expect(condition, hint):
    """Raise `Hint` unless the condition holds."""
    if not condition:
        raise Hint(hint)


def blank(value):
    """Whether a value is the three dots of a stub, or holds them."""
    if value is ...:
        return True
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (tuple, list)):
        return False
    return any(blank(v) for v in value)


def call(function, *arguments, **options):
    """Call the learner's function; three dots as result mean a stub left alone, None a forgotten return.

    Tensors are handed over as copies, so that an answer which changes its argument does not change the question.
    """
    arguments = [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]
    result = function(*arguments, **options)
    if blank(result):
        raise NotAttempted
    expect(result is not None, "Your code gives back nothing (None). Is there a return at the end?")
    return result


def tensor(value, what="Your answer"):
    """The value, if it is a tensor."""
    expect(isinstance(value, torch.Tensor), f"{what} is of type {type(value).__name__}; wanted a torch Tensor.")
    return value


def shape(value, wanted, hint, what="Your answer"):
    """Expect a tensor of this shape; the hint may use {got} and {wanted}."""
    got = tuple(tensor(value, what).shape)
    expect(got == tuple(wanted), hint.format(got=_times(got), wanted=_times(wanted)))


def close(got, wanted, hint, tolerance=1e-5):
    """Expect two numbers, arrays or tensors to be equal up to rounding; the hint may use {got} and {wanted}."""
    one, two = (torch.as_tensor(v, dtype=torch.float64) for v in (got, wanted))
    same = one.shape == two.shape and torch.allclose(one, two, rtol=tolerance, atol=tolerance)
    def word(t):
        return f"{t.item():.6g}" if t.numel() == 1 else f"an array of shape {_times(t.shape)}"
    expect(same, hint.format(got=word(one), wanted=word(two)))


def _times(sizes):
    return "×".join(map(str, sizes)) or "a single number"


@contextlib.contextmanager
def undisturbed():
    """Leave no trace of a check: random numbers, default dtype, gradient mode, printed text."""
    python, numpy_state, dtype, grad = (random.getstate(), np.random.get_state(), torch.get_default_dtype(),
                                        torch.is_grad_enabled())
    with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            torch.set_default_dtype(torch.float32)
            torch.set_grad_enabled(True)
            torch.manual_seed(2015)  # a hint has to read the same on every machine
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_state)
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(grad)
