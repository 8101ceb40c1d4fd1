"""What a check says in Chinese. (00)

The hints are written in English, in the exercises. What they are in Chinese stands in `hints_zh.json`, which
``python course.py translate`` writes from the translator's file: texts with {} for what is filled in, in Chinese also
{0}, {1} … where the order is another.
"""

import json
import re
from functools import lru_cache
from itertools import count
from pathlib import Path

from unet_course.figures.texts import language

CHINESE = re.compile("[\u4e00-\u9fff]")


def spoken(text):
    """A text of the checks in the language that was chosen; as it is, if there is no translation.

    Examples
    --------
    >>> spoken("Your output has negative values. What comes after the second convolution?")
    'Your output has negative values. What comes after the second convolution?'
    """
    return text if language() == "en" else in_chinese(text)


def in_chinese(text):
    """A text of the checks in Chinese, what is filled in included; as it is, if there is no translation.

    Examples
    --------
    >>> print(in_chinese("Your block computes 3 convolutions; wanted 2."))
    你的块计算了 3 个卷积；应为 2 个。
    """
    whole = _matched(text)
    return _tail(text) if whole is None else whole


def _matched(text):
    """The text in Chinese if one of the catalogue's fits it; of several that fit, the one that leaves the least English."""
    found = [_filled(chinese, [in_chinese(part) for part in match.groups()])
             for pattern, chinese in _patterns() if (match := pattern.fullmatch(text))]
    return min(found, key=lambda result: len(re.findall("[A-Za-z]{2,}", result)), default=None)


def _tail(text):
    """A text that ends in one of the catalogue's, such as the question after the words of an error."""
    for stop in re.finditer(r"\. ", text):
        end = _matched(text[stop.end():])
        if end is not None:
            english = text[: stop.start()]
            start = in_chinese(english)
            return start + (". " if start == english else "。") + end
    return text


def _filled(chinese, values):
    """{} are filled in order, {0}, {1} … by number; no blank stays between two Chinese characters."""
    order = count()
    text = re.sub(r"\{(\d*)\}", lambda place: values[int(place[1]) if place[1] else next(order)], chinese)
    return re.sub(f"(?<={CHINESE.pattern}) (?={CHINESE.pattern})", "", text)


@lru_cache
def _patterns():
    """Each English text as a pattern, those with the most words of their own first, with its Chinese."""
    table = json.loads((Path(__file__).parent / "hints_zh.json").read_text(encoding="utf-8"))
    rows = sorted(table.items(), key=lambda row: -len(row[0].replace("{}", "")))
    return [(re.compile("(.*?)".join(map(re.escape, english.split("{}"))), re.DOTALL), chinese) for english, chinese in rows]
