"""What the tests know of a hint's Chinese: which of the translations it has to be, and which English may stay in it."""

import re
from functools import cache

from tools.notebooks.translate import catalogue
from unet_course.exercises import (
    nb04,
    nb06,
    nb07,
    nb08,
    nb09,
    nb09_blind,
    nb10,
    nb11,
    nb11_power,
    nb12,
    nb12_luck,
    nb13,
    nb14,
)
from unet_course.exercises.hints import CHINESE, in_chinese

ROWS = {entry.id: entry.string for entry in catalogue("hints") if entry.id}
# What a learner types in stays as it is typed.
TYPED = [*nb04.WAYS, *nb04.EXPERIMENTS, *nb06.STEPS, *nb07.OPTIONS, *nb08.CAUSES, *nb09.FIRST,
         *nb09_blind.CAUSES, *nb09_blind.NAMES, *nb10.WHO, *nb11.FAULTS, *nb11_power.VERDICTS,
         *nb12.NETWORKS, nb12_luck.FOLLOWS, nb12_luck.NOT, *nb13.KINDS, *nb13.STEPS, *nb14.OPTIONS, *nb14.FILES]
# Chinese that uses a name of the code, or a word that Chinese writes in Latin letters.
LATIN = {word for english, chinese in ROWS.items() if english != chinese for word in re.findall("[A-Za-z]{2,}", chinese)}
# In these stand the words of an error.
OF_PYTHON = re.compile("Your answer stopped with |Your answer cannot be called as |The check could not use |The result is right, and the "
                       "backward pass stops: |On your crops, .*, the network stops: |.*, and the check could not use it: ")


@cache
def as_pattern(text):
    """A translation as a pattern; a blank between two Chinese characters may be gone."""
    pieces = [re.escape(piece).replace("\\ ", " ?") for piece in re.split(r"\{\d*\}", text)]
    return re.compile("(.*)".join(pieces), re.DOTALL)


def template_of(text):
    """The English text with the most words of its own that fits."""
    fits = [english for english in ROWS if as_pattern(english).fullmatch(text)]
    return max(fits, key=lambda english: len(english.replace("{}", "")), default=None)


def english_in(text):
    """The English words that are left in a hint, without names, what is quoted, lists, and what a learner types."""
    for typed in sorted(TYPED, key=len, reverse=True):
        text = re.sub(re.escape(typed), "", text, flags=re.IGNORECASE)
    text = re.sub(r"'[^']*'|\"[^\"]*\"|\[.*?\]|\bX+\b", "", text)  # X: a pixel of a drawn piece
    types = {"ndarray", "NoneType", "str", "list", "int", "max", "function", "nan", "tuple", "dict", "type", "Adam",
             "LBFGS", "generator", "eps", "amsgrad", "inf"}
    return [word for word in re.findall(r"(?<![\w.])[A-Za-z]{2,}(?![\w.(])", text) if word not in LATIN | types]


def look_at_the_chinese(english):
    """Fail if a hint is not translated by its own translation, or if English is left in it."""
    chinese, template = in_chinese(english), template_of(english)
    assert CHINESE.search(chinese) and chinese != english
    assert as_pattern(ROWS[template]).fullmatch(chinese), f"{english}\n{chinese}\nwanted {ROWS[template]}"
    if OF_PYTHON.match(english):  # what a teacher asks then is translated all the same
        assert english.endswith("?") == chinese.endswith("？"), chinese
    else:
        assert not english_in(chinese), chinese
