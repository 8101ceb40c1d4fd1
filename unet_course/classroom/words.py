"""The words of the teacher's guide, in English or in Chinese."""

import contextlib

from unet_course.classroom.objectives import held
from unet_course.figures.texts import language


@contextlib.contextmanager
def speaking(name):
    """Speak a language for a while, then the one from before."""
    before = language()
    language(name)
    try:
        yield
    finally:
        language(before)


def say(text, *values):
    """A text of the guide in the language that was chosen, with {} filled in.

    What stands in no line of `texts/guide_zh.toml` stays English.

    Examples
    --------
    >>> with speaking("zh"):
    ...     print(say("{} minutes", 5))
    5 分钟
    """
    if language() == "zh":
        text = held("guide_zh").get(text, text)
    return text.format(*values) if values else text
