"""What a survey does with each pair of files, and what it concludes from all of them."""

import hashlib
from collections import Counter

import numpy as np

from unet_course.data.files.images import read_pages
from unet_course.data.mask_kinds import Numbers, classes_of, objects_to_classes, shown
from unet_course.data.reading import whole_mask


class Look:
    """Goes through the pairs one by one, and writes into a `Survey` what it sees; at the end it draws conclusions.

    Parameters
    ----------
    found : Survey
    """

    def __init__(self, found):
        self.found, self.numbers, self.seen = found, Numbers(), {}
        self.readable, self.empty, self.constant, self.colours, self.many_channels = [], [], [], [], {}

    def at_pair(self, image, mask):
        """Read both files of a pair, page by page."""
        shapes = self._images(image), self._masks(mask)
        if None in shapes:
            return
        if len(shapes[0]) != len(shapes[1]):
            self.found.blocking.append(f"{image.name} has {len(shapes[0])} pages and its mask {len(shapes[1])}: give both as "
                                       "many, or save the planes as single files")
            return
        for page, sizes in enumerate(zip(*shapes)):
            if sizes[0] != sizes[1]:
                where = f"{image.name}, page {page}" if len(shapes[0]) > 1 else image.name
                (a, b), (c, d) = sizes
                turned = ", turned by a quarter" if (a, b) == (d, c) else ""
                self.found.blocking.append(f"{where}: the image is {a}×{b}, the mask {c}×{d}{turned}: make them the same "
                                           "size, the mask with nearest neighbour only")
                return
        self.found.pages += len(shapes[0])

    def _images(self, path):
        sizes, found = [], self.found
        try:
            for page, picture in enumerate(read_pages(path)):
                place = f"{path.name}[{page}]" if page else path.name
                if picture.dtype.kind not in "buif" or not np.isfinite(picture).all():
                    raise ValueError(f"{place} has NaN or infinite values, or is not made of numbers: replace them, for "
                                     "instance with numpy.nan_to_num")
                channels = 1 if picture.ndim == 2 else picture.shape[-1]
                sizes.append(picture.shape[:2])
                found.sizes[picture.shape[:2]] += 1
                found.dtypes[str(picture.dtype)] += 1
                found.channels[channels] += 1
                self.many_channels.setdefault(channels, place)
                low, high = float(picture.min()), float(picture.max())
                found.range = min(found.range[0], low), max(found.range[1], high)
                if low == high:
                    self.constant.append(place)
                digest = hashlib.sha256(f"{picture.shape}{picture.dtype}".encode() + picture.tobytes()).digest()
                if digest in self.seen and low < high:
                    found.remarks.append(f"{place} is the same picture as {self.seen[digest]}: keep one, or take care "
                                         "that both are on the same side when you split, or the score means nothing")
                self.seen.setdefault(digest, place)
        except (ValueError, OSError) as error:
            found.blocking.append(f"image {error}" if str(error).startswith(path.name) else f"{path.name}: {error}")
            return None
        return sizes

    def _masks(self, path):
        sizes = []
        try:
            for page, stored in enumerate(read_pages(path, indices=True)):
                self.found.mask_dtypes[str(stored.dtype)] += 1
                mask = whole_mask(stored, path, grey_colours=True)
                sizes.append(mask.shape)
                if stored.ndim == 3:
                    self.colours.append(path.name)
                self.numbers.add(mask)
                if not mask.any():
                    self.empty.append(f"{path.name}[{page}]" if page else path.name)
        except (ValueError, OSError) as error:
            self.found.blocking.append(str(error) if str(error).startswith("mask") else f"mask {error}")
            return None
        self.readable.append(path)
        return sizes

    def conclude(self, kind):
        """The kind, the balance, and what only shows when all pictures have been seen."""
        found, numbers = self.found, self.numbers
        found.values = sorted(numbers.counts)
        if found.values:
            found.kind, found.reason, wrong = numbers.guess()
            if wrong and kind in (None, found.kind):
                found.blocking.append(f"masks: {wrong}")
        if kind is not None:
            found.kind, found.reason = kind, "you said so"
        found.num_classes = classes_of(found.kind) or max([1, *found.values]) + 1
        self._balance()
        if self.colours and found.kind == "classes":
            found.blocking.append(f"{len(self.colours)} masks are in colour: {shown(self.colours, 5)}: save them with one "
                                  "channel")
        if len(found.channels) > 1:
            examples = ", ".join(f"{count} in {name}" for count, name in sorted(self.many_channels.items()))
            found.blocking.append(f"images have different numbers of channels ({examples}): save all as grey, or all in "
                                  "colour")
        for names, what in ((self.empty, "masks have no foreground"), (self.constant, "images have one value throughout")):
            if names:
                found.remarks.append(f"{len(names)} {what}: {shown(names, 5)}: fine, if there is nothing to see there")
        self._foreground()

    def _balance(self):
        """Pixels of each class; of label masks they are counted in a second look, because boundaries need it."""
        found, counts = self.found, Counter()
        if found.kind == "labels":
            found.objects = self.numbers.objects
            found.diameter = float(2 * np.sqrt(np.median(self.numbers.areas or [0]) / np.pi))
            for path in self.readable:
                for stored in read_pages(path, indices=True):
                    classes = objects_to_classes(whole_mask(stored, path, grey_colours=True), "labels")
                    counts.update(dict(enumerate(np.bincount(classes.ravel(), minlength=3).tolist())))
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
        if found.kind == "binary" and share > 0.7:
            found.remarks.append(f"{share:.0%} of the pixels are foreground: is the mask the wrong way round? 0 has to be the "
                                 "background")
        missing = sorted(set(range(found.num_classes)) - set(found.values)) if found.kind == "classes" and found.values else []
        if missing and not any(line.startswith("masks:") for line in found.blocking):
            found.remarks.append(f"no mask has the number {shown(missing)}: fine, if that class occurs elsewhere")
