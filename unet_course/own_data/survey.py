"""A look at a folder of your own before anything trains: what is there, what fits, and what does not."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from unet_course.data.files.images import SUFFIXES
from unet_course.data.folder import near_miss
from unet_course.data.mask_kinds import classes_of
from unet_course.own_data.looking import Look
from unet_course.own_data.report import report


@dataclass
class Survey:
    """What `survey` found. ``print`` it: it is a text to read.

    Attributes
    ----------
    pairs : int
        Files with a partner.
    pages : int
        Pictures in them that can be used; a stack has several.
    sizes : dict of (int, int) to int
        Height and width, and how many pictures have it.
    dtypes : dict of str to int
        Of the images.
    channels : dict of int to int
    range : tuple of float
        Smallest and largest number in any image.
    mask_dtypes : dict of str to int
    values : list of int
        Numbers that stand in the masks.
    kind : {"classes", "binary", "labels"}
        What the masks seem to be, for `SegmentationFolder`; a suggestion.
    reason : str
        What it rests on.
    num_classes : int
        With this kind.
    balance : dict of int to float
        Share of the pixels of each class, with this kind.
    objects : list of int
        How many objects each mask has, if the kind is "labels".
    diameter : float
        Of a disk with the median area of these objects, in pixels; 0.0 for other kinds.
    blocking : list of str
        What has to be mended before training: one line each, with the file, what is wrong, and the cure.
    remarks : list of str
        What can stay, and is worth a look.
    problems : list of str
        Both, the first kind first.
    """

    images: str = "images"
    masks: str = "masks"
    pairs: int = 0
    pages: int = 0
    sizes: dict = field(default_factory=Counter)
    dtypes: dict = field(default_factory=Counter)
    channels: dict = field(default_factory=Counter)
    range: tuple = (np.inf, -np.inf)
    mask_dtypes: dict = field(default_factory=Counter)
    values: list = field(default_factory=list)
    kind: str = "classes"
    reason: str = "no mask could be read"
    num_classes: int = 2
    balance: dict = field(default_factory=dict)
    objects: list = field(default_factory=list)
    diameter: float = 0.0
    blocking: list = field(default_factory=list)
    remarks: list = field(default_factory=list)

    @property
    def problems(self):
        return self.blocking + self.remarks

    def __str__(self):
        return report(self)


def survey(images, masks, *, kind=None, progress=True):
    """Look at every image and every mask of two folders, and say what is there before anything trains.

    Parameters
    ----------
    images, masks : str or Path
        Folders, as for `SegmentationFolder`.
    kind : {"classes", "binary", "labels"}, optional
        What the numbers in the masks mean, if you know it. Not given: it is guessed.
    progress : bool, default True
        Draw a progress bar.

    Returns
    -------
    Survey

    Raises
    ------
    FileNotFoundError
        If a folder is missing. Everything else that is wrong stands in the survey's `problems`.
    ValueError
        If there is no such kind.

    Notes
    -----
    One picture is in memory at a time. Pictures are compared by their pixels, so that copies are found under any name:
    a copy that lies in both training and validation data makes a score that means nothing.

    Examples
    --------
    >>> import tempfile
    >>> from unet_course.data import write_image
    >>> with tempfile.TemporaryDirectory() as top:
    ...     for name in ("images", "masks"):
    ...         (Path(top) / name).mkdir()
    ...         write_image(Path(top) / name / "a.png", np.uint8([[0, 0, 0, 255]]))
    ...     found = survey(Path(top) / "images", Path(top) / "masks")
    >>> found.pairs, found.kind, found.balance, found.problems
    (1, 'binary', {0: 0.75, 1: 0.25}, [])
    """
    if kind is not None:
        classes_of(kind)
    found = Survey(str(images), str(masks))
    listed = [_list(folder, name, found) for folder, name in ((images, "images"), (masks, "masks"))]
    _unmatched(*listed, found)
    look = Look(found)
    both = sorted(listed[0].keys() & listed[1].keys())
    for name in tqdm(both, disable=not progress, desc="looking", unit="pair", leave=False):
        found.pairs += 1
        look.at_pair(listed[0][name], listed[1][name])
    look.conclude(kind)
    return found


def _list(folder, name, found):
    """{stem: path}; what does not belong there goes to the problems."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{name} is {str(folder)!r}, which is not a folder; wanted a folder of image files")
    paths, others = {}, []
    for path in sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file()):
        if path.suffix.lower() not in SUFFIXES:
            others.append(path.name)
        elif path.stem in paths:
            found.blocking.append(f"{name} has both {paths[path.stem].name} and {path.name}: keep one of them, or rename it")
        else:
            paths[path.stem] = path
    if others:
        found.remarks.append(f"{name} has {len(others)} other files, such as {others[0]}, which are passed over: wanted "
                             f"{', '.join(SUFFIXES)}")
    if not paths:
        found.blocking.append(f"{name} is {str(folder)!r}, which has no image in it: wanted files that end in "
                              f"{', '.join(SUFFIXES)}")
    return paths


def _unmatched(images, masks, found):
    """Names in one folder only, with the name that was probably meant."""
    alone = images.keys() - masks.keys(), masks.keys() - images.keys()
    explained = set()
    for name in sorted(alone[1]):
        image = near_miss(name, alone[0])
        if image is None:
            found.blocking.append(f"{masks[name].name} is a mask without an image: add the image, or take the mask away")
        else:
            explained.add(image)
            found.blocking.append(f"{masks[name].name} is a mask without an image of that name: rename it to "
                                  f"{image}{masks[name].suffix}, so that it fits {images[image].name}")
    for name in sorted(alone[0] - explained):
        found.blocking.append(f"{images[name].name} is an image without a mask: draw one, or take the image away")
