"""Files that are whole or not there, and one process at a time in a folder. (13)"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

# What a file system says that knows no locks. One that lacks the call itself (ENOSYS) is filelock's
# own concern: the file's being there then is the lock, with the process's number in it.
NO_LOCKS = errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP


@contextlib.contextmanager
def alone(path, busy):
    """Hold a lock on a file.

    Parameters
    ----------
    path : path
        Of a file that serves as the lock and holds nothing. It is made, and removed at the end;
        what a killed process leaves of it keeps nobody out.
    busy : str
        What to say if another process holds it.

    Raises
    ------
    FileExistsError
        If another process holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, alone(Path(folder) / "lock", ""):
    ...     with alone(Path(folder) / "lock", "somebody is here"):
    ...         pass
    Traceback (most recent call last):
        ...
    FileExistsError: somebody is here
    """
    import filelock  # late: only those who train or download need it

    path, lock = Path(path), filelock.FileLock(path, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise FileExistsError(busy) from error
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    try:
        yield
    finally:
        if os.name != "nt":  # which removes no file that is open
            _remove(path)  # while it is held: afterwards it may be somebody else's
        lock.release()


def _remove(path):
    with contextlib.suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def sha256(path):
    """SHA-256 of a file, read piece by piece."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def written(path, ending=""):
    """Write a file or folder beside its place, then rename it: a crash leaves the old or the new.

    Parameters
    ----------
    path : path
        Its folder is made. If a folder is written, what lies there already has to be an empty one.
    ending : str, optional
        Of the name to write to, if what writes looks at it.

    Yields
    ------
    Path
        Where to write. Nothing stays there, however it ends.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, written(Path(folder) / "a.txt") as beside:
    ...     _ = beside.write_text("whole")
    ...     beside.name.replace(str(os.getpid()), "123")
    '.a.txt.123.part'
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part{ending}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(beside)
        yield beside
        if beside.is_dir() and path.is_dir():
            path.rmdir()  # Windows puts no folder in another's place
        os.replace(beside, path)
    except OSError as error:
        if error.errno and error.filename in (None, str(beside)):  # a full disk names no file
            error.filename = str(path)
            del error.filename2
        raise
    finally:
        _remove(beside)


def write_text(path, text):
    """Write a text file as `written` does, in UTF-8."""
    with written(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_json(path, value):
    """Write plain values as JSON, as `write_text` does."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def sweep(folder, names, *, older=60):
    """Remove what a killed program left of these names, see `written`, untouched for a minute.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as top:
    ...     for name in ("a.png.12.part", ".a.png.12.part", "b.png.12.part", "a.png.part", "a.png"):
    ...         _ = Path(top, name).write_text("half")
    ...     sweep(top, ["a.png"], older=-1)
    ...     sorted(path.name for path in Path(top).iterdir())
    ['a.png', 'a.png.part', 'b.png.12.part']
    """
    wanted = set(names)
    for path in Path(folder).glob("*.part"):
        name, _, number = path.name.removesuffix(".part").rpartition(".")
        if number.isdigit() and name.removeprefix(".") in wanted:
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > older:  # a writer that lives touches its file all the time
                    path.unlink()
