"""How a check works: an exercise is a list of behaviours, each with a teacher's hint. (00)

A behaviour is a function that takes the learner's answer, tries it on inputs it has never seen, and raises `Hint`
where it is wrong. It looks at what the answer does, never at how it is written.
"""

import contextlib
import difflib
import html
import re
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from unet_course.exercises.guard import (
    CPU_SECONDS,
    GIB,
    Replaced,
    TooLong,
    of_the_answer,
    put_back,
    within_memory,
    within_time,
)
from unet_course.exercises.hints import spoken
from unet_course.exercises.mine import keep_answer
from unet_course.exercises.progress import from_a_solution, passed, progress_file, record
from unet_course.training.seeds import undisturbed


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
    solution : bool
        Whether the cell is one of the course's solutions; its card is folded, and gives no praise.
    standing : str
        How far the learner is in the notebook, for the card; empty where no progress is kept. It
        is not in the text, which stored outputs hold and graders read.
    """

    id: str
    title: str
    status: str
    hints: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    solution: bool = False
    standing: str = ""

    def __str__(self):
        if self.status == "passed":
            return f"Exercise {self.id} ({self.title}): passed."
        if self.status == "not attempted":
            return f"Exercise {self.id} ({self.title}): not attempted yet."
        # The first line is the same in every language: graders look for it, and stored outputs hold it.
        return f"Exercise {self.id} ({self.title}): not yet.\n  {self.hints[0]}{more(len(self.hints) - 1)}"

    __repr__ = __str__

    def _repr_html_(self):
        neutral = "#666666"
        colour = {"passed": "#117733", "hint": "#B35A00", "not attempted": neutral}[self.status]
        first, *rest = str(self).split("\n")
        lines = [spoken(first), *rest, *([self.standing] if self.standing else [])]
        text = html.escape("\n".join(lines)).replace("\n", "<br>")
        if self.solution and self.status == "passed":
            colour = neutral
            summary = spoken(f"Exercise {self.id}: the solution passes")
            text = f"<details><summary>{summary}</summary><br>{text}</details>"
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
    kind : {"write", "predict", "find", "choose", "read"}
        What the learner does: writes code, predicts a number, finds the fault, chooses with a reason, reads a picture.
    minutes : int
        What a learner needs for it.
    mark : {"", "classroom", "deeper"}
        Whether it fits five minutes of a lesson, or is for those who want more.
    """

    registry = {}

    def __init__(self, id, title, kind, *, minutes=5, mark=""):
        if id in self.registry:
            raise ValueError(f"exercise {id} is declared twice")
        self.id, self.title, self.kind, self.minutes, self.mark = id, title, kind, minutes, mark
        self.behaviours = []
        self.registry[id] = self

    def label(self):
        """What stands behind the title, such as "classroom, 5 minutes"."""
        return f"{self.mark}, {self.minutes} minutes" if self.mark else f"{self.minutes} minutes"

    def behaviour(self, function):
        """Decorator: add a behaviour, named as its function."""
        self.behaviours.append(function)
        return function

    def try_on(self, answer, cpu_seconds=CPU_SECONDS):
        """Run every behaviour on an answer and report; a behaviour is stopped after some CPU seconds."""
        hints, failed = [], []
        behaviours = tuple(self.behaviours)  # an answer may clear the list
        for behaviour in behaviours:
            tried.clear()
            tried["answer"] = answer
            try:
                with (undisturbed(), within_memory(), within_time(cpu_seconds),
                      put_back(("the exercises", _exercises, _set_exercises))):
                    if blank(answer):
                        raise NotAttempted
                    behaviour(answer)
                continue
            except NotAttempted:
                if behaviour is behaviours[0]:
                    return Report(self.id, self.title, "not attempted")
                hints.append("A part of your answer is still the three dots of the stub. What belongs there?")
            except Hint as hint:
                hints.append(str(hint))
            except KeyboardInterrupt:
                raise
            except TooLong:
                hints.append(f"Your answer was still running after {cpu_seconds:g} seconds of computing, and was stopped. "
                             "Which loop in it never ends, or goes through far too many cases?")
                failed.append(behaviour.__name__)
                break  # the others would not end either
            except Replaced as replaced:
                hints.append("Your answer puts something of its own in the place of "
                             f"{', '.join(replaced.args[:3])}. Others use that as well, so it was "
                             "put back. Would a name of your own do?")
            except BaseException as error:  # whatever an answer does, SystemExit included
                hints.append(stopped(error))
            failed.append(behaviour.__name__)
        tried.clear()
        return Report(self.id, self.title, "hint" if hints else "passed", hints, failed)

    def neighbours(self):
        """The exercises of its notebook, in order."""
        return [self.registry[id] for id in sorted(self.registry, key=place)
                if place(id)[0] == place(self.id)[0]]


def place(id):
    """The number of an exercise as numbers, to sort by: 9.10 comes after 9.9."""
    return [int(part) for part in id.split(".")]


def _exercises():
    return {id: (exercise, [*exercise.behaviours]) for id, exercise in Exercise.registry.items()}


def _set_exercises(before):
    Exercise.registry.clear()
    for id, (exercise, behaviours) in before.items():
        exercise.behaviours = behaviours
        Exercise.registry[id] = exercise


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
    number = id if isinstance(id, str) else said(id)
    exercise = Exercise.registry.get(number)
    if exercise is None:
        known, near = sorted(Exercise.registry, key=place), nearest(number)
        hint = f"There is no exercise {said(id)}. They go from {known[0]} to {known[-1]}: the notebook, a point, the exercise."
        if near:
            there = Exercise.registry[near].neighbours()
            hint = f"There is no exercise {said(id)}. Did you mean {near}? Its notebook has {there[0].id} to {there[-1].id}."
        return Report(number, "unknown", "hint", [spoken(hint)], ["known_id"])
    report = exercise.try_on(answer)
    report.hints = [spoken(hint) for hint in report.hints]
    report.solution = from_a_solution()
    if report.status == "passed" and not report.solution:
        keep_answer(report.id, answer)
        if progress_file():
            record(report.id)
            report.standing = standing(exercise, passed())
    return report


def nearest(number):
    """The id of the exercise that somebody meant who wrote another number, or None.

    Examples
    --------
    >>> nearest("4.22"), nearest("4,2"), nearest("4.02"), nearest("77.7")
    ('4.2', '4.2', '4.2', None)
    """
    def digits(text):
        return "".join(re.findall(r"\d", text))
    same = [id for id in Exercise.registry if digits(id) == digits(number)]
    notebook = [id for id in Exercise.registry if id.split(".")[0] == number.split(".")[0].strip()]
    return next(iter(same or difflib.get_close_matches(number, notebook, n=1)), None)


def standing(exercise, done):
    """How many exercises of the notebook are passed, and which comes next."""
    all_of_them = exercise.neighbours()
    left = [other for other in all_of_them if other.id not in done]
    count = spoken(f"{len(all_of_them) - len(left)} of {len(all_of_them)} in this notebook.")
    # after this one, or, if all of those are passed, one that was left out before
    left.sort(key=lambda other: (place(other.id) < place(exercise.id), place(other.id)))
    after = f"Next: {left[0].id} ({left[0].title})." if left else "That is all of them."
    return f"{count} {spoken(after)}"


def more(number):
    """The line that says that more hints follow the first one; nothing, if none does."""
    return "\n  " + spoken(f"(This is the first of {number + 1} things to mend.)") if number else ""


def expect(condition, hint):
    """Raise `Hint` unless the condition holds."""
    if not condition:
        raise Hint(hint)


def said(value):
    """A value as a hint may show it: short, and the same on every machine (no address in memory)."""
    try:
        text = repr(value)
    except Exception:
        text = ""
    fits = text and len(text) <= 100 and "\n" not in text and " at 0x" not in text
    return text if fits else f"of type {type(value).__name__}"


tried = {}  # in the behaviour that is running: the answer, and what it gave back last


def stopped(error, question=""):
    """What an error says, in one line, with the line of the answer where it arose, and a question.

    An error that went through no line of the answer arose in the check, over what the answer is or
    gave back: it is not the answer that stopped.
    """
    try:
        lines = str(error).strip().splitlines()
    except Exception:
        lines = []
    if isinstance(error, MemoryError) or "allocate memory" in " ".join(lines):
        return (f"Your answer asked for more than {GIB} GB of memory, and was stopped. Which of its tensors is larger than "
                "you meant?")
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", lines[0]) if lines else "no message"
    kind, line = type(error).__name__, of_the_answer(error)
    if line is not None:
        hint = f"Your answer stopped with {kind}: {_with_line(message, *line)}"
        return f"{hint.rstrip('.')}. {question}" if question else hint
    if isinstance(error, TypeError) and re.search(r"\) (takes|missing|got) ", message):
        hint = f"Your answer cannot be called as the exercise calls it: {message}"
        return f"{hint.rstrip('.')}. {question or 'Which arguments does the exercise name?'}"
    if not callable(tried.get("answer")):
        hint = (f"Your answer is {_described(tried.get('answer'))}, and the check could not use "
                f"it: {kind}: {message}")
    elif "came" in tried and not isinstance(tried["came"], nn.Module):
        hint = (f"Your answer gave back {_described(tried['came'])}, and the check could not use "
                f"it: {kind}: {message}")
    else:
        hint = f"The check could not use your answer: {kind}: {message}"
    return f"{hint.rstrip('.')}. {question or 'Which type and shape does the exercise ask for?'}"


def _with_line(message, number, file, text):
    if file:
        return f"{message} (line {number} of {file}: `{text}`)"
    if text:
        return f"{message} (line {number} of your answer: `{text}`)"
    return f"{message} (line {number} of your answer)"


def _described(value):
    """What a value is, in a few words: the shape of an array, else the value if it is short."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        size = f"of shape {times(value.shape)}" if value.ndim else "with a single number"
        kind = "a Tensor" if isinstance(value, torch.Tensor) else "an array"
        return f"{kind} {size}, dtype {str(value.dtype).removeprefix('torch.')}"
    text = said(value)
    if not text.startswith("of type"):
        return text
    size = f", {len(value)} of them" if type(value) in (tuple, list) else ""
    return f"something {text}{size}"


def times(sizes):
    """A shape as a hint may show it, such as 3×64×64."""
    return "×".join(map(str, sizes)) or "a single number"


@contextlib.contextmanager
def asking(question):
    """Add a question to the message of an error: torch says what does not fit, a teacher asks why."""
    try:
        yield
    except (Hint, NotAttempted):
        raise
    except Exception as error:
        raise Hint(stopped(error, question)) from error


def blank(value):
    """Whether a value is the three dots of a stub, or a list or tuple that holds them."""
    return value is ... or (isinstance(value, (tuple, list)) and any(v is ... for v in value))
