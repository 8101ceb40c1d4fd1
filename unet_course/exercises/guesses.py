"""Guesses: what you expect, said before the answer is shown, and both beside each other. (00)"""

import html
import math
import numbers
import re

from unet_course.exercises.hints import spoken
from unet_course.exercises.progress import guesses as kept
from unet_course.exercises.progress import keep_guess
from unet_course.figures.panels import ERROR_LINE, MARK, NUCLEUS_LINE, new_figure, show
from unet_course.figures.texts import about

_asked = {}  # what was asked in this kernel, in order: {id: its choices}
_told = {}  # what was revealed: {id: (truth, digits, unit)}


class Card:
    """A line on the page."""

    def __init__(self, text, drawing="", colour="#666666"):
        self.text, self.drawing, self.colour = text, drawing, colour

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        return (f'<div role="status" style="border-left: 6px solid {self.colour}; '
                f'padding: 0.4em 0.8em; font-size: 1.05em">{html.escape(self.text)}'
                f"{self.drawing}</div>")


def guess(id, answer=..., *, choices=None):
    """Keep what you expect, before you run the cells that show it.

    A guess can be changed until its answer has been shown. This function never raises.

    Parameters
    ----------
    id : str
        Which guess, such as "02-a".
    answer : number, str, or (row, column)
        What you expect. Three dots mean that you have not guessed; all goes on without.
    choices : sequence of str, optional
        The words among which there is a choice.

    Returns
    -------
    Card
        A line on the page.

    Examples
    --------
    >>> guess("02-a")
    Guess 02-a: not made yet.
    >>> guess("02-a", "seven", choices=["more", "fewer"])
    Guess 02-a: 'seven' is not among more, fewer.
    """
    id = str(id)
    _asked[id] = choices
    before = kept().get(id)
    if answer is ...:
        said = f"Guess {id}: not made yet." if before is None else f"Guess {id}: {_said(before)}."
        return Card(spoken(said))
    tidy, wrong = _tidy(answer, choices)
    if wrong:
        return Card(spoken(f"Guess {id}: {wrong}"), colour="#B35A00")
    if id in _told and before is not None and before != tidy:
        return Card(spoken(f"Guess {id}: {_said(before)}. You have seen the answer since, "
                           "so this one stays."))
    keep_guess(id, tidy)
    return Card(spoken(f"Guess {id}: {_said(tidy)}. Now run on, and see."), colour="currentColor")


def _tidy(answer, choices):
    """The answer as it is kept, and what is wrong with it."""
    if hasattr(answer, "tolist"):  # a tensor or an array
        answer = answer.tolist()
    if isinstance(answer, str) and choices is None:
        try:
            answer = float(answer.strip().rstrip("%"))
        except ValueError:
            return None, f"{answer!r} is no number."
        answer = int(answer) if answer == answer // 1 else answer
    if choices is not None:
        known = {" ".join(word.lower().split()): word for word in choices}
        word = known.get(" ".join(str(answer).lower().split()))
        return word, "" if word else f"{answer!r} is not among {', '.join(choices)}."
    if isinstance(answer, (list, tuple)) and len(answer) == 2 and all(map(_real, answer)):
        return list(answer), ""
    return (answer, "") if _real(answer) else (None, f"{answer!r} is no number.")


def _real(value):
    return (isinstance(value, numbers.Real) and not isinstance(value, bool)
            and math.isfinite(value))


def _said(value):
    if isinstance(value, list):
        return f"({value[0]:g}, {value[1]:g})"
    return value if isinstance(value, str) else f"{value:,}"


def _true(truth, digits, unit):
    if isinstance(truth, str):
        return truth
    if isinstance(truth, list):
        return f"({truth[0]:g}, {truth[1]:g})"
    if isinstance(truth, set):
        return " / ".join(sorted(truth))
    if digits is not None:
        return about(truth, digits, unit)
    return f"{truth:,}{' ' * bool(unit)}{unit}"


def reveal(id, truth, *, digits=None, unit="", image=None):
    """Show the answer beside what was guessed; without a guess, the answer alone.

    Parameters
    ----------
    id : str
        As in `guess`.
    truth : number, str, (row, column), or set of str
        Of a set, each word is right.
    digits : int, optional
        For a number that may differ a little between machines: how many of its digits are said,
        see `about`. Left out, the number is exact.
    unit : str, optional
        What stands behind the number.
    image : array_like, shape (H, W), optional
        For a place: the picture on which both places are drawn.

    Returns
    -------
    Card

    Examples
    --------
    >>> reveal("02-a", 0.9438, digits=2)
    Guess 02-a: you made none. It is ≈ 0.94.
    """
    id = str(id)
    truth = truth.tolist() if hasattr(truth, "tolist") else truth
    truth = list(truth) if isinstance(truth, tuple) else truth
    _told[id] = truth, digits, unit
    mine, answer = kept().get(id), _true(truth, digits, unit)
    if mine is None or isinstance(mine, list) != isinstance(truth, list):
        return Card(spoken(f"Guess {id}: you made none. It is {answer}."))
    if isinstance(truth, list) and image is not None:
        _places(image, mine, truth)
    drawing = _scale(mine, _rounded(truth, digits)) if _real(mine) and _real(truth) else ""
    return Card(spoken(f"Guess {id}: you said {_said(mine)}, it is {answer}."), drawing,
                "#117733" if mine == truth or isinstance(truth, set) and mine in truth else "currentColor")


def _rounded(truth, digits):
    """As it is said."""
    return truth if digits is None else round(truth, digits)


def _scale(mine, truth):
    """Two marks on a line, as a small drawing: yours a ring, the truth a disc.

    Between its texts stand spaces, for some pages take the drawing away and leave them.
    """
    low, high = min(mine, truth, 0), max(mine, truth, 0)
    span = high - low or 1

    def at(value):
        return 10 + 380 * (value - low) / span
    title = f"a line from {low:g} to {high:g}: you at {mine:g}, the answer at {truth:g}"
    return (f'<br><svg width="400" height="34" role="img" aria-label="{title}">'
            f'<line x1="10" x2="390" y1="12" y2="12" stroke="{MARK}"/>'
            f'<circle cx="{at(truth):.0f}" cy="12" r="6" fill="{NUCLEUS_LINE}"/>'
            f'<circle cx="{at(mine):.0f}" cy="12" r="8" fill="none" stroke="{ERROR_LINE}" '
            f'stroke-width="3"/><text x="10" y="32" font-size="11" fill="currentColor">{low:g}'
            f'</text> <text x="200" y="32" font-size="11" text-anchor="middle" fill="currentColor">'
            f'○ {mine:g}   ● {truth:g}</text> <text x="390" y="32" font-size="11" text-anchor="end" '
            f'fill="currentColor">{high:g}</text></svg>')


def _places(image, mine, truth):
    figure, axes = new_figure(width=5, height=4)
    axis = axes[0, 0]
    axis.imshow(image.detach().cpu() if hasattr(image, "detach") else image, cmap="gray")
    axis.plot(*truth[::-1], "o", color=NUCLEUS_LINE, markersize=12, label="the answer")
    axis.plot(*mine[::-1], "o", color=ERROR_LINE, markersize=14, fillstyle="none",
              markeredgewidth=3, label="you")
    axis.set(xticks=[], yticks=[], title="The answer, and where you put it")
    axis.legend()
    show(figure, alt=f"The answer is at row {truth[0]:g}, column {truth[1]:g}; you said row "
                     f"{mine[0]:g}, column {mine[1]:g}.")


def guessed(notebook):
    """Your guesses of a notebook beside the answers.

    Parameters
    ----------
    notebook : str
        Its number, such as "02".

    Returns
    -------
    Card
        How many there are, and how many were right.

    Examples
    --------
    >>> guessed("77")
    Guesses in notebook 77: 0 made of 0.
    """
    asked = [id for id in _asked if re.match(rf"{re.escape(str(notebook))}-", id)]
    mine = {id: kept()[id] for id in asked if id in kept()}
    both = {id: (mine[id], *_told[id]) for id in mine if id in _told}
    text = f"Guesses in notebook {notebook}: {len(mine)} made of {len(asked)}."
    if both:
        right = sum(_near(*row[:2]) for row in both.values())
        text += f" {right} of {len(both)} close to the answer."
    return Card(spoken(text), "".join(_line(id, *row) for id, row in both.items()))


def _line(id, mine, truth, digits, unit):
    """A guess and its answer, behind a disc if they are close and a ring if not."""
    told = spoken(f"Guess {id}: you said {_said(mine)}, it is {_true(truth, digits, unit)}.")
    return f"<br>{'●' if _near(mine, truth) else '○'} {html.escape(told)}"


def _near(mine, truth):
    """Within a tenth of a number; within ten pixels of a place; the same word, or one of them."""
    if isinstance(truth, list) and isinstance(mine, list):
        return math.dist(mine, truth) <= 10
    if _real(truth) and _real(mine):
        return abs(mine - truth) <= 0.1 * abs(truth)
    return mine in truth if isinstance(truth, set) else mine == truth
