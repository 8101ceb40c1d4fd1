"""The published data sets that can be had: their addresses, checksums and terms, and how each becomes images/ and masks/."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


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
