"""What a notebook promises, and the exercises in which a learner shows it."""

import re
from functools import lru_cache
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

from unet_course.exercises.hints import CHINESE

TEXTS = Path(__file__).parent / "texts"


@lru_cache
def held(name):
    """What a table in `texts` holds, such as "objectives"."""
    return tomllib.loads((TEXTS / f"{name}.toml").read_text(encoding="utf-8"))


def promised(source):
    """The objectives in the text of a notebook's first cell, in order, without marks for numbers.

    Examples
    --------
    >>> promised("You will be able to\\n\\n- pool by hand;\\n- say why.\\n\\n**You need** nothing.")
    ['pool by hand', 'say why']
    """
    aims = re.search(r"(?:You will be able to|学完本节，你能够)\n\n(.+?)\n\n\*\*(?:You need|你需要)", source, re.S).group(1)
    bare = re.sub(r"<!--.*?-->", "", aims)
    return [" ".join(aim.split()).rstrip(";.；。") for aim in re.split(r"^- ", bare, flags=re.M)[1:]]


def objectives(source, number):
    """Each objective of a notebook with the exercises that ask for it.

    Parameters
    ----------
    source : str
        The notebook's first cell, in English or in Chinese.
    number : str
        The notebook's number, such as "02".

    Returns
    -------
    list of (str, list of str)
        An objective, and the ids of its exercises: an empty list where there is none.

    Raises
    ------
    ValueError
        If `texts/objectives.toml` knows other objectives than the cell, or another order.
    """
    aims, known = promised(source), held("objectives").get(number, {})
    same = CHINESE.search(source) or all(map(str.startswith, aims, known))
    if len(aims) != len(known) or not same:
        raise ValueError(f"number is {number!r}: objectives.toml has {list(known)}; wanted the "
                         f"beginnings of {aims}, in this order. Write there what the cell says.")
    return list(zip(aims, known.values()))
