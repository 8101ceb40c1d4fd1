"""Full data sets, on request: terms first, checksums always, and nothing half there under its final name."""

import contextlib
import errno
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from unet_course.data.files.archive import unpack
from unet_course.data.files.fetch import MIRROR, SECONDS, fetch
from unet_course.data.files.saving import alone
from unet_course.data.published import SETS


def ask(name, *, accepted=False, terminal=None, read=input):
    """Show the terms of a data set and ask whether they are accepted.

    Parameters
    ----------
    name : str
        See `download`.
    accepted : bool, default False
        Accepted already (``--accept-terms``): the terms are shown, and nothing is asked.
    terminal : bool, optional
        Whether somebody can answer; found out if not given.
    read : callable
        What reads the answer.

    Returns
    -------
    bool
        Pass it on: ``download(name, out, accept=ask(name))``.

    Examples
    --------
    >>> ask("bbbc039", terminal=True, read=lambda question: "y")
    BBBC039v1: nuclei of U2OS cells...
    True
    """
    print(_chosen(name).card())
    if accepted:
        return True
    if not (sys.stdin is not None and sys.stdin.isatty() if terminal is None else terminal):
        print("Nobody can answer here; once you have read these terms, run this again with --accept-terms.", flush=True)
        return False
    try:
        return read("Do you accept these terms? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def download(name, out, *, accept=False, progress=True, seconds=SECONDS):
    """Fetch a data set into a new folder with images/ and masks/, as `SegmentationFolder` reads them.

    Parameters
    ----------
    name : {"bbbc039", "isbi2012"}
    out : path
        A folder that is not there yet. If it is there and holds this set already, nothing happens.
    accept : bool, default False
        That you have read the terms, ``print(SETS[name].card())``, and accept them.
    progress : bool, default True
        Draw progress bars.
    seconds : float
        How long to wait for a server that sends nothing.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If there is no such set, the terms are not accepted, or a file is not the published one (its SHA-256 differs).
    FileExistsError
        If `out` is something else, or another process is downloading into it.
    ConnectionError
        If a server cannot be reached, answers with an error, falls silent or breaks off.
    OSError
        If `out` cannot be written, or the disk is full.
    ImportError
        If a package is missing that this set needs.

    Notes
    -----
    All work is done in ``OUT.NAME.part``, which becomes OUT in one step when everything is there. After a cut, a full disk or
    a kill the same command goes on: with the byte that is missing, where the server can do that, else with that file anew.
    The environment variable UNET_COURSE_MIRROR names an address to take copies from (``ADDRESS/bbbc039/images.zip`` and so on,
    as ``python -m http.server`` serves a folder); they must have the same SHA-256.

    Examples
    --------
    >>> download("isbi2012", "isbi")
    Traceback (most recent call last):
        ...
    ValueError: accept is False; wanted True, once you have read the terms of isbi2012: ISBI 2012: ...
    """
    chosen, out = _chosen(name), Path(out)
    if not accept:
        raise ValueError(f"accept is False; wanted True, once you have read the terms of {name}: {chosen.card()}")
    if chosen.needs and not find_spec(chosen.needs):
        raise ModuleNotFoundError(f"{name} comes in a format that needs the package {chosen.needs}; install it first: "
                                  f"pip install {chosen.needs}")
    out = out.absolute()
    part = out.with_name(f"{out.name}.{name}.part")
    if not _is_there(chosen, out):
        with _said_clearly(out, part), _alone(part, out):
            if not _is_there(chosen, out):  # another process may have finished it meanwhile
                _fill(name, chosen, part, progress, seconds)
                os.replace(part / "ready", out)
    shutil.rmtree(part, ignore_errors=True)
    return out


def _chosen(name):
    if name not in SETS:
        raise ValueError(f"name is {name!r}; wanted one of: {', '.join(SETS)}")
    return SETS[name]


def _is_there(chosen, out):
    """Whether the whole set is in its folder, which happens in one step; an error if the folder is something else."""
    if not os.path.lexists(out):
        return False
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if (out / "TERMS.txt").read_text(encoding="utf-8") == chosen.card():
            return True
    raise FileExistsError(f"out: {out} is there already and is something else; give a new folder, or delete that one first")


def _fill(name, chosen, part, progress, seconds):
    """Make ``part/ready`` anew, with what was fetched before."""
    keep = {"lock", *chosen.archives, *(f"{file}.partial" for file in chosen.archives)}
    for left in part.iterdir():
        if left.name not in keep:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    mirror, sources, ready = os.environ.get(MIRROR), {}, part / "ready"
    for file, (url, sha256) in chosen.archives.items():
        url = f"{mirror.rstrip('/')}/{name}/{file}" if mirror else url
        sources[file] = fetch(url, part / file, sha256, progress=progress, seconds=seconds)
    for file, path in sources.items():
        if path.suffix == ".zip":
            sources[file] = unpack(path, part / "unpacked" / path.stem)
    for folder in ("images", "masks"):
        (ready / folder).mkdir(parents=True)
    chosen.arrange(sources, ready)
    (ready / "TERMS.txt").write_text(chosen.card(), encoding="utf-8")


@contextlib.contextmanager
def _alone(part, out):
    """Let one process work in the folder; the lock goes with the process, however it ends."""
    part.mkdir(parents=True, exist_ok=True)
    try:
        with alone(part / "lock", f"out: another process is downloading into {out}; wait until it has ended"):
            yield
    except BaseException:
        with contextlib.suppress(OSError):  # nothing came: leave nothing; a folder that holds something stays
            part.rmdir()
        raise


@contextlib.contextmanager
def _said_clearly(out, part):
    """Faults of the disk, with what they mean and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # one of our own, which says it
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        told = (PermissionError if isinstance(error, PermissionError) else OSError)(
            f"out: {out} cannot be written, {'the disk is full' if full else error.strerror or error}; "
            f"{'free some space' if full else 'choose a folder that you may write'}, then run the same command again. "
            f"What was fetched so far is kept in {part.name}, as far as it could be written")
        told.errno = error.errno
        raise told from error
