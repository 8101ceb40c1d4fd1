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
        Of a file that serves as the lock and holds nothing; made if it is not there, and left there.
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
    with open(Path(path), "ab") as file:
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):  # other numbers: this file system knows no locks
                raise FileExistsError(busy) from error
        yield
