"""Your own progress: what you have passed and guessed, kept in a file in your home folder. (00)"""

import base64
import contextlib
import json
import linecache
import math
import numbers
import os
import sys
import time
import zlib
from pathlib import Path

from unet_course.data.files.saving import alone, write_text
from unet_course.exercises.hints import spoken

SWITCH = "UNET_COURSE_PROGRESS"
TOKEN = "unet:"  # what a progress in one line begins with
MOST_BYTES = 2**20  # of it, unpacked
_unwritten = {}  # what could not be written, until the kernel ends: {file, or None: what}


def progress_file(environment=os.environ):
    """Where the progress is kept, or None if it is not kept.

    ``UNET_COURSE_PROGRESS=off`` switches it off; any other value is the file to use. On a machine that tests (where
    ``CI`` is set) nothing is kept unless a file is named.

    Examples
    --------
    >>> progress_file({"UNET_COURSE_PROGRESS": "off"}) is progress_file({"CI": "true"}) is None
    True
    >>> progress_file({"UNET_COURSE_PROGRESS": "mine.json"}).name
    'mine.json'
    """
    named = environment.get(SWITCH, "")
    if named.lower() in ("off", "0", "no", "false") or (not named and environment.get("CI")):
        return None
    try:
        return Path(named) if named else Path.home() / ".unet_course" / "progress.json"
    except RuntimeError:  # there is no home folder
        return None


def passed():
    """Ids of the exercises that were passed; none if no progress is kept.

    Examples
    --------
    >>> passed()  # where it is switched off
    set()
    """
    return set(_state().get("passed", [])) if progress_file() else set()


def record(id):
    """Keep that an exercise was passed. A disk that is full is no reason to stop."""
    if progress_file() is not None:
        _keep({"passed": [id]})


def keep_guess(id, answer):
    """Keep a guess, in the place of an earlier one; if no progress is kept, until the kernel ends.

    Parameters
    ----------
    id : str
        Such as "02-c".
    answer : int, float, str, or a pair of numbers
        Numbers of NumPy and torch will do.

    Raises
    ------
    TypeError
        If it is something else, or no finite number.

    Examples
    --------
    >>> keep_guess("99-a", (12, 3.5))
    >>> guesses()["99-a"]
    [12, 3.5]
    """
    plain = answer.tolist() if hasattr(answer, "tolist") else answer
    plain = [*plain] if isinstance(plain, tuple) else plain
    if not _is_a_guess(plain):
        raise TypeError(f"answer is {answer!r}; wanted a number, a text, or a pair of numbers.")
    _keep({"guesses": {id: plain}})


def _is_a_guess(value):
    if isinstance(value, list):
        return len(value) == 2 and all(map(_is_finite, value))
    return isinstance(value, str) or _is_finite(value)


def _is_finite(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def guesses():
    """The guesses that are kept: {id: a number, a text, or a list of two numbers}.

    Examples
    --------
    >>> keep_guess("99-b", 131)
    >>> guesses()["99-b"]
    131
    """
    return dict(_state().get("guesses", {}))


def progress(token=None):
    """Take your progress out as one line of text, or bring it back, maybe on another machine.

    Parameters
    ----------
    token : str, optional
        What an earlier ``progress()`` gave; it is added to what is kept here. Left out, nothing
        changes.

    Returns
    -------
    str
        All that is kept now, as one line of text.

    Raises
    ------
    ValueError
        If the token is none, or is not whole.

    Examples
    --------
    >>> token = progress()
    >>> token  # doctest: +ELLIPSIS
    'unet:...'
    >>> progress(token) == token
    True
    """
    if token is not None:
        _keep(_from_token(token))
    packed = zlib.compress(json.dumps(_state(), sort_keys=True).encode(), 9)
    return TOKEN + base64.urlsafe_b64encode(packed).decode()


def _from_token(token):
    try:
        text = "".join(token.split()).strip("'\"")  # copied from a mail it may be broken into lines
        if not text.startswith(TOKEN):
            raise ValueError(token)
        unpack = zlib.decompressobj()
        packed = base64.b64decode(text[len(TOKEN):], b"-_", validate=True)
        content = unpack.decompress(packed, MOST_BYTES)
        if not unpack.eof:
            raise ValueError(token)
        return _checked(json.loads(content))
    except (AttributeError, TypeError, ValueError, RecursionError, zlib.error):
        raise ValueError(f"This is no progress. One begins with {TOKEN!r}, and is copied whole, to "
                         "its last character, from what progress() gave.") from None


# --- the file ---


def _checked(state):
    """What a file or token holds, if it has the form that it should; unknown keys are kept."""
    if isinstance(state, dict):
        ids, guessed = state.get("passed", []), state.get("guesses", {})
        if (isinstance(ids, list) and all(isinstance(id, str) for id in ids)
                and isinstance(guessed, dict) and all(map(_is_a_guess, guessed.values()))):
            return state
    raise ValueError("no progress")


def _merged(new, old):
    """Two states as one: all that either holds; of two guesses the new one."""
    ids = sorted({*old.get("passed", []), *new.get("passed", [])})
    guessed = {**old.get("guesses", {}), **new.get("guesses", {})}
    both = {**old, **new, "passed": ids, "guesses": guessed}
    return {name: both[name] for name in both if both[name] or name not in ("passed", "guesses")}


def _read(path):
    """What a file holds; nothing if it is not there; ValueError if it is damaged."""
    try:
        return _checked(json.loads(path.read_text(encoding="utf-8")))
    except OSError:
        return {}
    except RecursionError as error:
        raise ValueError("too deep") from error


def _state():
    """All that is kept: in the file, and what could not be written to it."""
    path = progress_file()
    try:
        held = _read(path) if path else {}
    except ValueError:
        held = {}  # it is left beside as soon as there is something to write
    return _merged(_unwritten.get(path, {}), held)


def _keep(new):
    """Add to what is kept, one kernel at a time; what cannot be written is kept in this kernel."""
    path = progress_file()
    new = _merged(new, _unwritten.get(path, {}))
    if path is not None:
        with contextlib.suppress(OSError), _in_turn(path):
            held = _whole(path)
            if (both := _merged(new, held)) != held:
                write_text(path, json.dumps(both, sort_keys=True) + "\n")
            _unwritten.pop(path, None)
            return
    _unwritten[path] = new


def _whole(path):
    """What a file holds; a damaged one is left beside, and said."""
    try:
        return _read(path)
    except ValueError:
        beside = path.with_name(f"{path.name}.damaged")
        os.replace(path, beside)
        said = f"Your progress could not be read. It is left as {beside}, and is begun anew."
        print(spoken(said), file=sys.stderr)
        return {}


@contextlib.contextmanager
def _in_turn(path, seconds=5):
    """Hold the lock on a file, after another kernel; if that takes too long, go on without."""
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + seconds
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(alone(path.with_name(f".{path.name}.lock"), ""))
                break
            except ImportError:  # a browser's Python has no locks, and no second kernel
                break
            except FileExistsError:
                if time.monotonic() > until:
                    break
                time.sleep(0.02)
        yield


def from_a_solution():
    """Whether the cell that runs now is one of the course's solutions: running it is not passing."""
    try:
        from IPython import get_ipython

        return _running_cell(get_ipython().user_ns).lstrip().startswith("# @title Solution")
    except (ImportError, AttributeError):
        return False


def _running_cell(names):
    """The source of the cell whose code has called all this; a history may hold others, or none."""
    frame, file = sys._getframe(), ""
    while frame is not None:
        if frame.f_globals is names:
            file = frame.f_code.co_filename
        frame = frame.f_back
    return "".join(linecache.getlines(file))
