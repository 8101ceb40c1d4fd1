"""One process at a time in a folder; the lock goes with its process, however that ends."""

import contextlib
import errno
import os
from pathlib import Path


@contextlib.contextmanager
def alone(path, busy):
    """Hold a lock on a file.

    Parameters
    ----------
    path : path
        Of a file that serves as the lock and holds nothing. It is made, and removed at the end; what a killed process leaves
        of it keeps nobody out.
    busy : str
        What to say if another process holds it.

    Raises
    ------
    FileExistsError
        If another process holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, alone(Path(folder) / "lock", "somebody is here"):
    ...     with alone(Path(folder) / "lock", "somebody is here"):
    ...         pass
    Traceback (most recent call last):
        ...
    FileExistsError: somebody is here
    """
    path = Path(path)
    try:
        with _locked(path, busy):
            try:
                yield
            finally:
                _remove(path)  # while it is held: afterwards it may be somebody else's
    finally:
        if os.name == "nt":  # which removes no file that is open, and none that somebody else has opened
            _remove(path)


def _locked(path, busy):
    while True:
        file = open(path, "ab")
        try:
            _lock(file)
            if os.name == "nt" or path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except OSError as error:
            file.close()
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise FileExistsError(busy) from error
            raise
        file.close()  # its holder has just ended, and removed it


def _lock(file):
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):  # other numbers: this file system knows no locks
            raise


def _remove(path):
    with contextlib.suppress(OSError):
        path.unlink()
