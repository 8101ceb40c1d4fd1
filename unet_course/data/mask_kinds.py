"""The kinds of masks: what their numbers mean, a guess of it, and what is learnt of each. (13)"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from unet_course.data.masks import label_nuclei

KINDS = {"classes": None, "binary": 2, "labels": 3}  # of masks, and how many classes come out
NAMES = {"binary": ("background", "foreground"), "labels": ("background", "boundary", "interior")}
OUTPUTS = {"classes": "a mask of class indices, 0 to {last}",
           "binary": "a mask of 0 (background) and {foreground}",
           "labels": "a mask with another number for each object, 16 bit; inside, the network "
                     "tells background, boundary and interior apart"}
MANY = 20  # more numbers than a course on segmentation has classes


@dataclass
class Mask:
    """What stands in one mask: its file's name, numbers, their pixels, and how many pieces they are in."""

    name: str
    numbers: list
    pieces: int
    eight_bits: bool = False
    small: np.ndarray | None = None  # 32 × 32 pixels of it, to see whether numbers keep their places

    @property
    def has_gaps(self):
        """Whether a number is left out between 1 and the largest."""
        return bool(self.numbers) and self.numbers[-1] != len(self.numbers)


class Numbers:
    """Counts of what stands in masks, one mask at a time.

    Attributes
    ----------
    counts : Counter
        Pixels of each number, over all masks.
    objects : list of int
        For each mask how many numbers other than 0 it has.
    areas : list of int
        Pixels of each number in each mask, 0 left out; for the objects of label masks.
    masks : list of Mask

    Examples
    --------
    >>> numbers = Numbers()
    >>> numbers.add(np.array([[0, 255, 255]]))
    >>> numbers.guess()[0]
    'binary'
    """

    def __init__(self):
        self.counts, self.objects, self.areas, self.masks = Counter(), [], [], []

    def add(self, mask, name="", eight_bits=False):
        """Count one mask, int (H, W)."""
        from skimage.measure import label  # here, because importing scikit-image takes a while

        values, pixels = np.unique(mask, return_counts=True)
        self.counts.update(dict(zip(values.tolist(), pixels.tolist())))
        inside = values != 0
        self.objects.append(int(inside.sum()))
        self.areas += pixels[inside].tolist()
        small = None
        if inside.sum() <= MANY and len(self.masks) < 50:
            rows, columns = (np.arange(32) * n // 32 for n in mask.shape)
            small = mask[np.ix_(rows, columns)].astype(np.int32)
        self.masks.append(Mask(name, values[inside].tolist(), int(label(mask, connectivity=2).max()), eight_bits, small))

    def keep_places(self):
        """Whether nearly all masks have the same numbers, and some number always stands where it stands in others.

        Objects wander from picture to picture; an organ, a scale bar or the edge of a well does not.
        """
        sets = Counter(tuple(m.numbers) for m in self.masks if m.numbers)
        usual, count = sets.most_common(1)[0]
        smalls = [m.small for m in self.masks if m.small is not None]
        if count < 0.8 * sets.total() or len(usual) < 2 or len(smalls) < 3:
            return False
        for number in usual:
            where = np.stack([small == number for small in smalls if (small == number).any()] or [smalls[0] < 0])
            shared, covered = (where.mean(axis=0) >= 0.5).sum(), where.any(axis=0).sum()
            if len(where) > 2 and shared >= 0.6 * covered:
                return True
        return False

    def unnumbered(self):
        """Masks with one number in several pieces, where most of the others number their pieces."""
        odd = [m for m in self.masks if len(m.numbers) == 1 and m.pieces > 1]
        rest = [m for m in self.masks if len(m.numbers) > 1 and m.pieces < 1.25 * len(m.numbers)]
        return odd if len(odd) < len(rest) else []

    def wrapped(self):
        """Masks of 8 bits with numbers up to the last one, 255, some of them in more than one place."""
        return [m for m in self.masks if m.eight_bits and m.numbers[-1:] == [255] and len(m.numbers) > 127
                and 1.02 * len(m.numbers) < m.pieces < 2 * len(m.numbers)]

    def guess(self):
        """The kind of the masks, the reason, and what is wrong with them.

        Returns
        -------
        tuple (str, str, str)
            "classes", "binary" or "labels"; the reason; a problem that has to be mended first, or "".
        """
        values = sorted(self.counts)
        found = [v for v in values if v]
        if not found:
            return "binary", "all masks are empty, so nothing says what their numbers mean", "no mask has any foreground"
        if 0 not in values:
            most = max(self.counts, key=self.counts.get)
            return "classes", f"the numbers are {shown(values)}", (
                f"no mask has the number 0, which stands for the background: which of {shown(values)} does? If it is {most}, "
                f"say background={most} (--background {most})")
        if found == [1]:
            return "classes", "the numbers are 0 and 1, which are class indices", ""
        masks = [m for m in self.masks if m.numbers and m not in self.unnumbered()]
        if all(len(m.numbers) <= 1 for m in masks):
            if len(found) == 1 or found[-1] > MANY:
                return "binary", f"each mask has 0 and one other number ({shown(found)})", ""
            return "classes", f"each mask has 0 and one other number, not the same in all: {shown(found)}", (
                f"each mask has 0 and one other number, not the same in all ({shown(found)}), which can be read in two ways: "
                f"{self._say('classes', 'the number is the class')}, {self._say('binary', 'it only means foreground')}")
        numbers, pieces = sum(len(m.numbers) for m in masks), sum(m.pieces for m in masks)
        single = numbers >= 0.8 * pieces or self.wrapped()  # each number is one connected piece, or nearly
        if len(found) > MANY and not single:
            return self._grey(values)
        varied = len({tuple(m.numbers) for m in masks}) > 1
        few, most = (f(len(m.numbers) for m in masks) for f in (min, max))
        gaps = any(m.has_gaps for m in masks)  # objects are numbered without gaps; a picture may lack a class
        wander = varied and not gaps and not self.keep_places() or len(masks) == 1
        if single and (len(found) > MANY or len(found) > 3 and (wander or found[-1] > 10 * len(found))):
            return "labels", (f"each number is one connected piece, {few if few == most else f'{few} to {most}'} in a mask: "
                              "so objects are numbered, not classes"), ""
        if single and varied and not self.keep_places():
            kind = "classes" if gaps else "labels"
            return kind, f"each number is one connected piece, {shown(found)}", (
                f"each number ({shown(found)}) is one connected piece, and masks differ in their numbers, which can be read "
                f"in two ways: {self._say('labels', 'each number is an object')}, "
                f"{self._say('classes', 'it is a class, which some pictures lack')}")
        if found[-1] < 2 * len(found) + 1:
            return "classes", f"few numbers, {shown(values)}, that come back in many places: classes, not objects", ""
        rest = found[:-1]
        void = (f", or, if {found[-1]} marks pixels to ignore (a border, void), say ignore={found[-1]} (--ignore {found[-1]})"
                if found[-1] >= 254 and rest and rest[-1] < 2 * len(rest) + 1 else "")
        return "classes", f"few numbers, {shown(values)}", (
            f"the numbers {shown(values)} are no class indices: turn them into 0, 1, 2 …{void}; or say kind=\"classes\" "
            "(--kind classes), if the others occur elsewhere")

    @staticmethod
    def _say(kind, meaning):
        return f'kind="{kind}" (--kind {kind}) if {meaning}'

    def _grey(self, values):
        """Many numbers in many pieces: smoothed edges, or no masks at all."""
        two = sum(pixels for _, pixels in self.counts.most_common(2))
        if two >= 0.8 * self.counts.total() and len(values) <= 256:
            return "binary", "nearly all pixels have one of two numbers", (
                f"masks have {len(values)} numbers where two are meant: their edges were smoothed; set what is above the "
                "middle to 1, the rest to 0, and never resize a mask with anything but nearest neighbour")
        return "classes", f"{len(values)} numbers in no order", (
            "the masks look like photographs: are images and masks exchanged?")


def shown(values, most=6):
    """A few numbers in words.

    Examples
    --------
    >>> shown([0, 1, 2]), shown(range(300))
    ('0, 1, 2', '0, 1, 2, 3, 4 … 299')
    """
    values = list(values)
    if len(values) <= most:
        return ", ".join(map(str, values))
    return f"{', '.join(map(str, values[: most - 1]))} … {values[-1]}"


def background_first(numbers, background):
    """Numbers of a mask with the background as 0; what is larger than it comes one lower.

    Examples
    --------
    >>> background_first(np.array([1, 2, 3, 255]), 1), background_first(np.array([1, 255]), 255)
    (array([  0,   1,   2, 254]), array([1, 0]))
    """
    if not background:
        return numbers
    if (numbers == 0).any():
        raise ValueError(f"background is {background}, and masks have the number 0 as well; wanted masks without a 0: set "
                         "one of the two to the other first")
    return np.where(numbers == background, 0, numbers - (numbers > background))


def objects_to_classes(numbers, kind):
    """What a network learns of a mask of objects: the classes of kind "binary" or "labels".

    Parameters
    ----------
    numbers : ndarray of int, shape (H, W)
    kind : {"binary", "labels"}

    Returns
    -------
    ndarray of int64, shape (H, W)

    Examples
    --------
    >>> objects_to_classes(np.array([[7, 7, 7, 0]] * 3), "labels")
    array([[2, 2, 1, 0],
           [2, 2, 1, 0],
           [2, 2, 1, 0]])
    """
    if kind == "binary":
        return (numbers != 0).astype(np.int64)
    from skimage.segmentation import find_boundaries  # here, because importing scikit-image takes a while

    return np.where(find_boundaries(numbers, mode="inner"), 1, 2 * (numbers > 0))


def classes_of(kind):
    """How many classes a kind of masks gives; None where the masks say it; a ValueError if there is no such kind.

    Examples
    --------
    >>> classes_of("labels")
    3
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; wanted one of {', '.join(map(repr, KINDS))}")
    return KINDS[kind]


def class_name(kind, number):
    """What a class of a kind of masks is called.

    Examples
    --------
    >>> class_name("labels", 1), class_name("classes", 0), class_name("classes", 2)
    ('boundary', 'background', 'class 2')
    """
    names = NAMES.get(kind, ("background",))
    return names[number] if number < len(names) else f"class {number}"


def check_classes(mask, name, num_classes=None):
    """Refuse numbers that are no class indices, with the kind that they may be of.

    Examples
    --------
    >>> check_classes(np.array([[0, 255]]), "a.png")
    Traceback (most recent call last):
        ...
    ValueError: mask a.png has values {0, 255}; wanted class indices 0 and 1: divide by 255, ...
    """
    values = np.unique(mask)
    if set(values.tolist()) <= {0, 255} and 255 in values:
        raise ValueError(f"mask {name} has values {set(values.tolist())}; wanted class indices "
                         '0 and 1: divide by 255, or say kind="binary"')
    if num_classes is not None and values[-1] >= num_classes:
        cure = "" if values[-1] < 255 else ': if each number is an object, say kind="labels"'
        raise ValueError(f"mask {name} has values {values[0]} to {values[-1]}; wanted class "
                         f"indices 0 to {num_classes - 1}{cure}")


def settings_of(kind, values, diameter):
    """What has to be known of training masks to write such masks, as it stands in ``config.json``.

    Parameters
    ----------
    kind : str
    values : sequence of int
        Numbers in the masks.
    diameter : float
        Of a usual object, in pixels; for kind "labels".

    Returns
    -------
    dict

    Examples
    --------
    >>> settings_of("binary", [0, 7], 0), settings_of("labels", [0, 1, 2], 10.0)
    ({'foreground': 7}, {'min_area': 7})
    """
    if kind == "labels":  # smaller pieces than a tenth of the usual object are no objects
        return {"min_area": min(30, max(1, int(diameter**2 * math.pi / 40)))}
    others = [value for value in values if value]  # as they are drawn
    single = len(others) == 1 and others[0] < 256
    return {"foreground": others[0] if single else 255} if kind == "binary" else {}


def numbered_objects(classes, kind, settings):
    """Objects of a mask of classes, numbered: nuclei of kind "labels", else pieces of foreground.

    Examples
    --------
    >>> numbered_objects(np.array([[1, 0, 2]]), "classes", {}).tolist()
    [[1, 0, 2]]
    """
    if kind == "labels":
        return label_nuclei(classes, min_area=settings["min_area"], split=settings.get("split", False))
    from skimage.measure import label  # here, because importing scikit-image takes a while

    return label(classes > 0, connectivity=2)


def classes_to_mask(classes, kind, settings):
    """A mask as the learner's own: numbers of objects, or 0 and another value, or the classes.

    Parameters
    ----------
    classes : ndarray of uint8, shape (H, W)
        What the network found.
    kind : str
    settings : dict
        Of `settings_of`.

    Returns
    -------
    ndarray of uint8 or, of kind "labels", uint16

    Examples
    --------
    >>> classes_to_mask(np.uint8([[0, 1]]), "binary", {"foreground": 255})
    array([[  0, 255]], dtype=uint8)
    """
    if kind != "labels":
        numbers = classes.astype(np.uint16) * settings.get("foreground", 1)
        if background := settings.get("background", 0):  # as they were before `background_first`
            numbers = np.where(numbers == 0, background, numbers + (numbers >= background))
        return numbers.astype(np.uint8 if numbers.max(initial=0) < 256 else np.uint16)
    numbers = numbered_objects(classes, kind, settings)
    if numbers.max(initial=0) > 65535:
        raise ValueError(f"{numbers.max()} objects were found; a mask of 16 bits holds 65535: "
                         "cut the image in pieces")
    return numbers.astype(np.uint16)
