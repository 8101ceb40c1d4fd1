"""What the command line says when something is wrong that is no mistake of the course: one line, and what to do."""

import errno

AGAIN = "Then give the same command again; what was complete before still is."
WHOSE = "you may not read or write it: choose another folder, or ask whom it belongs to"
REASONS = {"ENOSPC": f"the disk is full: make room on it. {AGAIN}",
           "EDQUOT": f"your share of the disk is used up: make room in it. {AGAIN}",
           "EROFS": "this disk can only be read: choose a folder on another one",
           "EACCES": WHOSE, "EPERM": WHOSE}
NO_MEMORY = ("There is not enough memory. To train, take a smaller --batch-size or --crop, or --accumulate 2; to predict, a "
             "smaller --tile.")


def explain(error):
    """One line on a mistake of the learner or of the machine; None for what must be a mistake of the course.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    str or None

    Examples
    --------
    >>> explain(OSError(errno.EROFS, "Read-only file system", "run/config.json"))
    'run/config.json: this disk can only be read: choose a folder on another one'
    >>> explain(ValueError("steps is 0; wanted at least 1"))
    'steps is 0; wanted at least 1'
    >>> explain(RuntimeError("a mistake of the course")), explain(KeyError("another one"))
    (None, None)
    """
    if isinstance(error, MemoryError) or isinstance(error, RuntimeError) and _is_about_memory(error):
        return NO_MEMORY
    if isinstance(error, OSError) and error.strerror:  # else it is one of ours, which says it all
        reason = REASONS.get(errno.errorcode.get(error.errno), error.strerror[0].lower() + error.strerror[1:])
        return f"{error.filename or 'a file'}: {reason}"
    if isinstance(error, (OSError, ValueError, FloatingPointError, ImportError)):
        return " ".join(str(error).split())
    return None


def _is_about_memory(error):
    return any(words in str(error).lower() for words in ("out of memory", "not enough memory", "can't allocate memory"))
