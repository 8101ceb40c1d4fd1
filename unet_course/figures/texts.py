"""What a page says beside pictures, and in which language; numbers that may move. (00)"""

import numbers
import os
import re
from functools import lru_cache
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

LANGUAGES = ("en", "zh")
_now = {}


def language(name=None):
    """Choose the language of the checks' hints and of the figures' alt texts.

    Parameters
    ----------
    name : {"en", "zh"}, optional
        Left out, nothing changes. Before the first call it is what the environment variable UNET_COURSE_LANGUAGE says,
        else "zh" on a system that is set to simplified Chinese (LC_ALL, LC_MESSAGES or LANG), else "en".

    Returns
    -------
    str
        The language from now on.

    Raises
    ------
    ValueError
        If the course does not speak that language.

    Examples
    --------
    >>> language("zh")
    'zh'
    >>> language("en")
    'en'
    """
    if name is not None:
        if name not in LANGUAGES:
            raise ValueError(f"name is {name!r}; wanted one of {', '.join(map(repr, LANGUAGES))}.")
        _now["name"] = name
    chosen = _now.get("name", os.environ.get("UNET_COURSE_LANGUAGE", of_the_system()))
    return chosen if chosen in LANGUAGES else "en"


def of_the_system():
    """"zh" where the system says that it speaks simplified Chinese, else "en"."""
    named = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if re.match("zh_(CN|SG|Hans)", named) else "en"


def about(value, digits=2, unit=""):
    """A number with the digits that are the same on every machine, behind ≈.

    Parameters
    ----------
    value : number, tensor of one number, or sequence of numbers
    digits : int, default 2
        Digits after the point, as in `round`: 0 for whole numbers, -2 for hundreds. A number
        that would be shown as 0 and is none is written with its first digit, as in ``2e-06``.
    unit : str, optional
        What stands behind the number, such as ``"%"``.

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If the value is no number.

    Examples
    --------
    >>> about(0.9438), about(131.0, 0), about(13246, -2), about(2.2e-6), about(12.3, 0, "%")
    ('≈ 0.94', '≈ 131', '≈ 13,200', '≈ 2e-06', '≈ 12 %')
    >>> about([0.911, 0.925])
    '≈ [0.91, 0.93]'
    """
    if hasattr(value, "tolist"):  # an array or a tensor
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return "≈ [" + ", ".join(_rounded(one, digits) for one in value) + "]" + _spaced(unit)
    return "≈ " + _rounded(value, digits) + _spaced(unit)


def _rounded(value, digits):
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"value is {value!r}; wanted a number, or a list of numbers")
    shown = round(float(value), digits) + 0.0  # no "-0.00"
    if value and not shown:
        return f"{value:.1g}"
    return f"{shown:,.{max(digits, 0)}f}"


def _spaced(unit):
    return f" {unit}" if unit else ""


@lru_cache
def alt_texts(name="en"):
    """The course's texts for those who do not see a figure: {"02": {"by_hand": "…"}}."""
    path = Path(__file__).parent / ("alt.toml" if name == "en" else f"alt_{name}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def alt_text(key, fields):
    """The text of one figure in the language that was chosen, with numbers filled in.

    Examples
    --------
    >>> alt_text("02.nothing", {})
    Traceback (most recent call last):
    ValueError: key is '02.nothing'; wanted one of figures/alt.toml, or alt='what the figure tells'
    """
    notebook, _, name = str(key).partition(".")
    text = alt_texts(language()).get(notebook, {}).get(name)
    if text is None:
        raise ValueError(f"key is {key!r}; wanted one of figures/alt.toml, "
                         "or alt='what the figure tells'")
    try:
        return text.format(**fields)
    except KeyError as error:
        raise ValueError(f"the text {key!r} needs {error.args[0]}: show(figure, {key!r}, "
                         f"{error.args[0]}=…)") from None


def words(figure):
    """A figure's own words, a line for each part: its size in pixels, titles, axes, keys, counts.

    They stand beside the picture as text, and are what a test compares of it. Numbers on an axis
    are left out, for they follow from the data; a title may hold a number behind ≈.

    Examples
    --------
    >>> from unet_course.figures import new_figure
    >>> figure, axes = new_figure(width=4, height=3)
    >>> _ = axes[0, 0].plot([0, 1], [1, 2], label="loss")
    >>> axes[0, 0].set(title="It falls", xlabel="step") and print(words(figure))
    400 × 300 pixels
    It falls | across: step | 1 line
    """
    width, height = figure.get_size_inches() * 100  # what `show` saves
    lines = [f"{width:.0f} × {height:.0f} pixels"]
    lines += [_flat(text) for text in [figure.get_suptitle()] if text]
    for axis in figure.axes:
        if not (axis.axison or axis.get_title() or axis.has_data()):
            continue
        parts = [_flat(axis.get_title())] if axis.get_title() else []
        for name, label in (("across", axis.get_xlabel()), ("up", axis.get_ylabel())):
            parts += [f"{name}: {_flat(label)}"] if label else []
        key = axis.get_legend()
        if key is not None:
            parts.append("key: " + ", ".join(_flat(text.get_text()) for text in key.get_texts()))
        for kind, found in (("line", axis.lines), ("image", axis.images), ("area", axis.patches),
                            ("cloud", axis.collections)):
            if found:
                parts.append(f"{len(found)} {kind}{'s' if len(found) > 1 else ''}")
        if parts:
            lines.append(" | ".join(parts))
    lines += ["key: " + ", ".join(_flat(text.get_text()) for text in key.get_texts())
              for key in figure.legends]
    return "\n".join(lines)


def _flat(text):
    return " ".join(text.split())
