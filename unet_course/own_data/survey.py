"""A look at a folder of your own before anything trains: what fits, and what does not. (13)"""

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from unet_course.data.files.bars import tqdm
from unet_course.data.files.images import has_transparency, nodata, read_pages
from unet_course.data.folder import meant, misfit, read_numbers, whole_mask
from unet_course.data.mask_kinds import Numbers, classes_of, objects_to_classes, shown
from unet_course.data.pairing import pair
from unet_course.data.scaling import missing_value
from unet_course.own_data.reports import report


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
    where : dict of int to list of str
        Files whose masks have a number, for the first 256 numbers.
    ignored : float
        Share of the pixels that are ignored.
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
    where: dict = field(default_factory=dict)
    ignored: float = 0.0
    diameter: float = 0.0
    blocking: list = field(default_factory=list)
    remarks: list = field(default_factory=list)

    @property
    def problems(self):
        return self.blocking + self.remarks

    def __str__(self):
        return report(self)


def survey(images, masks, *, kind=None, background=0, ignore=None, progress=True):
    """Look at every image and every mask of two folders, and say what is there before anything trains.

    Parameters
    ----------
    images, masks : str or Path
        Folders, as for `SegmentationFolder`.
    kind : {"classes", "binary", "labels"}, optional
        What the numbers in the masks mean, if you know it. Not given: it is guessed.
    background, ignore : int
        Numbers in the masks, see `SegmentationFolder`.
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
    >>> from pathlib import Path
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
    pairs, problems, found.remarks = pair(images, masks)
    found.pairs, found.blocking = len(pairs), [str(problem) for problem in problems]
    builder = SurveyBuilder(found, background, ignore)
    for both in tqdm(pairs, disable=not progress, desc="survey", unit="pair", leave=False):
        builder.add(both)
    builder.conclude(kind)
    return found


class SurveyBuilder:
    """Reads pairs one by one, and writes into a `Survey` what is in them; at the end what follows.

    Parameters
    ----------
    found : Survey
    background, ignore : int
        See `SegmentationFolder`.
    """

    def __init__(self, found, background=0, ignore=None):
        self.found, self.numbers, self.seen = found, Numbers(), {}
        self.background, self.ignore, self.ignored, self.pixels = background, ignore, 0, 0
        self.readable, self.empty, self.constant, self.colours = [], [], [], []
        self.same, self.transparent, self.missing, self.with_channels = [], [], {}, {}

    def add(self, both):
        """Read both files of a pair, page by page."""
        images, masks = self._images(both.image), self._masks(both)
        if None in (images, masks) or len(images) != len(masks):
            return
        for page, ((size, image), (mask_size, mask)) in enumerate(zip(images, masks)):
            where = f"{both.image.name}, page {page}" if len(images) > 1 else both.image.name
            if wrong := misfit(where, size, mask_size):
                self.found.blocking.append(wrong)
                return
            if image == mask and math.prod(size) >= 1024:  # by chance small ones may be alike
                self.same.append(where)
        self.found.pages += len(images)

    def _images(self, path):
        """The size of each page, and a digest of its numbers."""
        pages, found = [], self.found
        try:
            unmeasured = nodata(path)
            for page, image in enumerate(read_pages(path)):
                place = f"{path.name}[{page}]" if page else path.name
                known = image if unmeasured is None else image[~(np.isnan(image) if unmeasured != unmeasured
                                                                else image == unmeasured)]
                if image.dtype.kind not in "buif" or not np.isfinite(known).all():
                    raise ValueError(f"{place} has NaN or infinite values, or is not made of numbers: replace them, for "
                                     "instance with numpy.nan_to_num")
                channels = 1 if image.ndim == 2 else image.shape[-1]
                found.sizes[image.shape[:2]] += 1
                found.dtypes[str(image.dtype)] += 1
                found.channels[channels] += 1
                self.with_channels.setdefault(channels, place)
                value = missing_value(known if known.ndim > 1 else known[None]) if unmeasured is None else unmeasured
                if value is not None:
                    self.missing.setdefault(value, []).append(place)
                    known = known[known != value]
                low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
                found.range = min(found.range[0], low), max(found.range[1], high)
                if low == high:
                    self.constant.append(place)
                content = f"{image.shape}{image.dtype}".encode() + image.tobytes()
                digest = hashlib.sha256(content).digest()
                if digest in self.seen and low < high:
                    found.remarks.append(f"{place} is the same picture as {self.seen[digest]}: keep one, or take care "
                                         "that both are on the same side when you split, or the score means nothing")
                self.seen.setdefault(digest, place)
                pages.append((image.shape[:2], _digest(image)))
            if has_transparency(path):
                self.transparent.append(path.name)
        except (ValueError, OSError) as error:
            found.blocking.append(f"image {error}" if str(error).startswith(path.name) else f"{path.name}: {error}")
            return None
        return pages

    def _masks(self, both):
        """As of images; of pixels to ignore the number counts nowhere."""
        pages = []
        try:
            for page, stored in enumerate(_stored(both.mask)):
                self.found.mask_dtypes[str(stored.dtype)] += 1
                mask, weights = meant(whole_mask(stored, _first(both.mask), grey_colours=True),
                                      self.background, self.ignore)
                if stored.ndim == 3:
                    self.colours.append(_first(both.mask).name)
                self.numbers.add(mask, _first(both.mask).name, stored.dtype == np.uint8)
                for number in self.numbers.masks[-1].numbers[:256]:
                    self.found.where.setdefault(number, []).append(both.name)
                self.pixels += mask.size
                if weights is not None:
                    self.ignored += int((weights == 0).sum())
                    self.numbers.counts[0] -= int((weights == 0).sum())
                if not mask.any():
                    self.empty.append(_first(both.mask).name if not page else f"{_first(both.mask).name}[{page}]")
                pages.append((mask.shape, _digest(mask)))
        except (ValueError, OSError) as error:
            self.found.blocking.append(str(error) if str(error).startswith(("mask", "background")) else f"mask {error}")
            return None
        self.readable.append(both.mask)
        return pages

    def conclude(self, kind):
        """The kind, the balance, and what only shows when all images have been read."""
        found, numbers = self.found, self.numbers
        found.values = sorted(number for number, count in numbers.counts.items() if count > 0)
        found.ignored = self.ignored / max(self.pixels, 1)
        if found.values:
            found.kind, found.reason, wrong = numbers.guess()
            if wrong and (kind is None or "photographs" in wrong and kind == "classes" or 0 not in found.values):
                found.blocking.append(f"masks: {wrong}")
        if kind is not None:
            found.kind, found.reason = kind, "you said so"
        found.num_classes = classes_of(found.kind) or max([1, *found.values]) + 1
        self._balance()
        if self.colours and found.kind == "classes":
            found.blocking.append(f"{len(self.colours)} masks are in colour: {shown(self.colours, 5)}: save them with one "
                                  "channel")
        if len(found.channels) > 1:
            examples = ", ".join(f"{count} in {name}"
                                 for count, name in sorted(self.with_channels.items()))
            found.blocking.append(f"images have different numbers of channels ({examples}): save all as grey, or all in "
                                  "colour")
        for names, what in ((self.empty, "masks have no foreground"), (self.constant, "images have one value throughout")):
            if names:
                found.remarks.append(f"{len(names)} {what}: {shown(names, 5)}: fine, if there is nothing to see there")
        if self.same:
            where = found.blocking if len(self.same) == found.pages else found.remarks
            where.append(f"{len(self.same)} images are equal to their masks: {shown(self.same, 5)}: was the wrong folder "
                         "copied?")
        for value, places in self.missing.items():
            found.remarks.append(f"{len(places)} images have the number {value:g} where nothing was measured (nodata): "
                                 f"{shown(places, 5)}: it is left out of the scaling, and becomes 0")
        if self.transparent:
            found.remarks.append(f"{len(self.transparent)} images have transparency (an alpha channel), which is dropped: "
                                 f"{shown(self.transparent, 5)}: if it is a measured channel, save it as TIFF without alpha")
        self._objects()
        self._foreground()

    def _objects(self):
        """What is wrong with masks of numbered objects."""
        found, numbers = self.found, self.numbers
        if found.kind != "labels":
            return
        for mask in numbers.unnumbered():
            found.blocking.append(f"mask {mask.name} has one number ({mask.numbers[0]}) in {mask.pieces} pieces, where others "
                                  "have a number for each object: number them, with skimage.measure.label")
        for mask in numbers.wrapped():
            found.remarks.append(f"mask {mask.name} has 8 bits and numbers up to 255, some in several pieces: there were "
                                 "more objects than 255; save it with 16 bits, or some are taken for one")

    def _balance(self):
        """Pixels of each class; label masks are read again, because boundaries need it."""
        found, counts = self.found, Counter()
        if found.kind == "labels":
            found.objects = self.numbers.objects
            found.diameter = float(2 * np.sqrt(np.median(self.numbers.areas or [0]) / np.pi))
            for path in self.readable:
                for stored in _stored(path):
                    mask, weights = meant(whole_mask(stored, _first(path), grey_colours=True), self.background, self.ignore)
                    classes = objects_to_classes(mask, "labels")
                    classes = classes.ravel() if weights is None else classes[weights > 0]
                    counts.update(dict(enumerate(np.bincount(classes, minlength=3).tolist())))
        else:
            for value, pixels in self.numbers.counts.items():
                counts[min(value, 1) if found.kind == "binary" else value] += pixels
        total = max(sum(counts.values()), 1)
        found.balance = {value: counts[value] / total for value in sorted(counts)}

    def _foreground(self):
        found, share = self.found, 1 - self.found.balance.get(0, 0)
        if found.values and 0 < share < 0.01:
            found.remarks.append(f"only {share:.2%} of the pixels are foreground: cut pictures around it, or give rare "
                                 "classes more weight")
        if (found.kind == "binary" or found.kind == "classes" and found.num_classes == 2) and share > 0.7:
            found.remarks.append(f"{share:.0%} of the pixels are foreground: is the mask the wrong way round? 0 has to be the "
                                 "background")
        missing = sorted(set(range(found.num_classes)) - set(found.values)) if found.kind == "classes" and found.values else []
        if missing and not any(line.startswith("masks:") for line in found.blocking):
            found.remarks.append(f"no mask has the number {shown(missing)}: fine, if that class occurs elsewhere")


def _first(mask):
    return mask[0] if isinstance(mask, tuple) else mask


def _stored(mask):
    """The pages of a mask, or what several files are together."""
    return [read_numbers(mask)] if isinstance(mask, tuple) else read_pages(mask, indices=True)


def _digest(picture):
    """Of the numbers of a picture, whatever their type; equal to nothing if there is only one."""
    picture = picture[..., 0] if picture.ndim == 3 and (picture == picture[..., :1]).all() else picture
    if np.ptp(picture) == 0:
        return object()
    return hashlib.sha256(np.ascontiguousarray(picture, dtype=np.float64).tobytes()).digest()
