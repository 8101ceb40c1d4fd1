"""Full data sets, on request: terms first, checksums always, nothing half there. (10 13)"""

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from unet_course.data.files.archive import unpack
from unet_course.data.files.fetch import MIRROR, SECONDS, fetch
from unet_course.data.files.saving import alone


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


@dataclass(frozen=True)
class DataSet:
    """One set.

    Attributes
    ----------
    title, terms : str
    archives : dict of str to (str, str)
        Name of each file: its address and its SHA-256.
    arrange : callable
        ``arrange(sources, ready)`` fills ``ready/images`` and ``ready/masks``; ``sources[name]`` is the file, or the folder of
        an unpacked zip archive, from which files may be taken away.
    kind : str
        What the numbers in the masks are, as `SegmentationFolder` and ``train`` take it.
    needs : str, optional
        A package that `arrange` needs and the course does not bring.

    Examples
    --------
    >>> sorted(SETS["bbbc039"].archives), SETS["bbbc039"].kind
    (['images.zip', 'masks.zip'], 'labels')
    """

    title: str
    terms: str
    archives: dict
    arrange: Callable
    kind: str = "classes"
    needs: str | None = None

    def card(self):
        """The title, the terms and the origin: what is shown before, and kept beside the data as TERMS.txt."""
        origin = "\n".join(f"{file}: {url}\n  SHA-256 {sha256}" for file, (url, sha256) in self.archives.items())
        return f"{self.title}; masks of kind \"{self.kind}\"\n\n{self.terms}\n\n{origin}\n"


def bbbc039(sources, ready):
    """Images as they are; a mask with the number of each nucleus (0 is background), ``kind="labels"`` of a folder.

    The first channel of a published mask gives touching nuclei different values, but uses a value more than once: what is
    connected and has one value is a nucleus.
    """
    from skimage.io import imread  # late, as below: importing them takes a while
    from skimage.measure import label

    images, masks = (_by_stem(sources[file], suffix) for file, suffix in (("images.zip", ".tif"), ("masks.zip", ".png")))
    both = sorted(images.keys() & masks.keys())
    if not both:
        raise ValueError("the archives of bbbc039 hold no image with a mask of the same name; their layout has changed")
    for stem in both:
        numbers = imread(masks[stem])
        numbers = label(numbers[..., 0] if numbers.ndim == 3 else numbers)
        _write(ready / "masks" / f"{stem}.png", numbers.astype(np.uint16))
        os.replace(images[stem], ready / "images" / images[stem].name)


def _by_stem(folder, suffix):
    """The files of a kind below a folder, without the hidden ones that some systems add."""
    return {path.stem: path for path in sorted(folder.rglob(f"*{suffix}")) if not path.name.startswith(".")}


def _write(path, array):
    from PIL import Image

    Image.fromarray(array).save(path)


def isbi2012(sources, ready):
    """Two volumes of 30 sections become 30 pairs; class 1 is the inside of a cell, 0 a membrane.

    Which of its two values stands for a membrane, the file does not say: membranes are the smaller part of the tissue.
    """
    import h5py

    with h5py.File(sources["isbi2012.h5"], "r") as file:
        if "raw" not in file or "labels/membranes" not in file:
            raise ValueError(f"the file of isbi2012 holds {sorted(file)}; wanted raw and labels/membranes: its layout has "
                             "changed")
        images, labels = file["raw"][()], file["labels/membranes"][()]
    values, counts = np.unique(labels, return_counts=True)
    if images.ndim != 3 or images.shape != labels.shape or len(values) != 2:
        raise ValueError(f"the file of isbi2012 holds images of shape {images.shape} and labels of shape {labels.shape} with "
                         f"{len(values)} values; wanted one shape (sections, H, W) and two values: its layout has changed")
    if images.dtype not in (np.uint8, np.uint16):
        low, high = float(images.min()), float(images.max())
        images = np.round((images - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    for number, (image, mask) in enumerate(zip(images, labels == values[counts.argmax()])):
        _write(ready / "images" / f"section_{number:02}.png", image)
        _write(ready / "masks" / f"section_{number:02}.png", mask.astype(np.uint8))


SETS = {
    "bbbc039": DataSet(
        "BBBC039v1: nuclei of U2OS cells, 200 fields with numbered nuclei, Broad Bioimage Benchmark Collection",
        "The images and masks are in the public domain (CC0 1.0). Please cite Caicedo et al., Cytometry Part A, 2019,\n"
        "and Ljosa et al., Nature Methods, 2012.\n"
        "43 images of the Data Science Bowl 2018 are also in this set: never train on one and test on the other.",
        {"images.zip": ("https://data.broadinstitute.org/bbbc/BBBC039/images.zip",
                        "6f30a5d4fe38c928ded972704f085975f8dc0d65d9aa366df00e5a9d449fddd7"),
         "masks.zip": ("https://data.broadinstitute.org/bbbc/BBBC039/masks.zip",
                       "f9e6043d8ca56344a4886f96a700d804d6ee982f31e2b2cd3194af2a053c2710")},
        bbbc039, kind="labels"),
    "isbi2012": DataSet(
        "ISBI 2012: neurons of a fruit fly in electron microscopy, 30 sections with their membranes",
        "NOT for commercial use: the set may be used to make or test image segmentation software that is not commercial.\n"
        "If you publish something that derives from it, you must cite TrakEM2 and Cardona et al., PLoS Biology 8(10),\n"
        "e1000502, 2010; the challenge is Arganda-Carreras et al., Frontiers in Neuroanatomy, 2015.",
        {"isbi2012.h5": ("https://oc.embl.de/index.php/s/h0TkwqxU0PJDdMd/download",
                         "0e10fe909a1243084d91773470856993b7d40126a12e85f0f1345a7a9e512f29")},
        isbi2012, needs="h5py"),
}
