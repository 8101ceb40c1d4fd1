"""In which language a check speaks: English, or Chinese.

The hints are written in English, in the exercises. What they are in Chinese stands in `hints_zh.json`, which
``python course.py translate`` writes from the translator's file: texts with {} for what is filled in.
"""

import json
import os
import re
from functools import lru_cache
from pathlib import Path

LANGUAGES = ("en", "zh")
_now = {}


def language(name=None):
    """Choose the language of the checks' hints.

    Parameters
    ----------
    name : {"en", "zh"}, optional
        Left out, nothing changes. Before the first call it is what the environment variable UNET_COURSE_LANGUAGE says,
        else "en".

    Returns
    -------
    str
        The language from now on.

    Raises
    ------
    ValueError
        If there are no hints in that language.

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
    chosen = _now.get("name", os.environ.get("UNET_COURSE_LANGUAGE", "en"))
    return chosen if chosen in LANGUAGES else "en"


def spoken(text):
    """A text of the checks in the language that was chosen; as it is, if there is no translation.

    Examples
    --------
    >>> spoken("Your output has negative values. What comes after the second convolution?")
    'Your output has negative values. What comes after the second convolution?'
    """
    return text if language() == "en" else _translated(text)


def _translated(text):
    for pattern, chinese in _patterns():
        if match := pattern.fullmatch(text):
            filled = [_translated(part) if " " in part else part for part in match.groups()]
            return "".join(a + b for a, b in zip(chinese.split("{}"), [*filled, ""]))
    return text


@lru_cache
def _patterns():
    """Each English text as a pattern, those with the most words of their own first, with its Chinese."""
    table = json.loads((Path(__file__).parent / "hints_zh.json").read_text(encoding="utf-8"))
    rows = sorted(table.items(), key=lambda row: -len(row[0].replace("{}", "")))
    return [(re.compile("(.*?)".join(map(re.escape, english.split("{}"))), re.DOTALL), chinese) for english, chinese in rows]
