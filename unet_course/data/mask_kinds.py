"""The kinds of masks: what their numbers mean, a guess of it, and what is learnt of each. (13)"""

import math
from collections import Counter

import numpy as np

from unet_course.data.masks import label_nuclei

KINDS = {"classes": None, "binary": 2, "labels": 3}  # of masks, and how many classes come out
NAMES = {"binary": ("background", "foreground"), "labels": ("background", "boundary", "interior")}
OUTPUTS = {"classes": "a mask of class indices, 0 to {last}",
           "binary": "a mask of 0 (background) and {foreground}",
           "labels": "a mask with another number for each object, 16 bit; inside, the network "
                     "tells background, boundary and interior apart"}
MANY = 20  # more numbers than a course on segmentation has classes


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

    Examples
    --------
    >>> numbers = Numbers()
    >>> numbers.add(np.array([[0, 255, 255]]))
    >>> numbers.guess()[0]
    'binary'
    """

    def __init__(self):
        self.counts, self.objects, self.areas, self.sets = Counter(), [], [], Counter()
        self.one_piece = self.pieces = 0

    def add(self, mask):
        """Count one mask, int (H, W)."""
        from skimage.measure import label  # here, because importing scikit-image takes a while

        values, pixels = np.unique(mask, return_counts=True)
        self.counts.update(dict(zip(values.tolist(), pixels.tolist())))
        inside = values != 0
        self.objects.append(int(inside.sum()))
        self.areas += pixels[inside].tolist()
        self.sets[tuple(values[inside][: MANY + 1].tolist())] += 1
        self.one_piece += int(inside.sum())
        self.pieces += int(label(mask, connectivity=2).max())

    def guess(self):
        """The kind of the masks, the reason, and what is wrong with them.

        Returns
        -------
        tuple (str, str, str)
            "classes", "binary" or "labels"; the reason; a problem that has to be mended first, or "".
        """
        values = sorted(self.counts)
        found = [v for v in values if v]
        single = self.one_piece >= 0.8 * self.pieces  # each number is one connected piece, or nearly
        if not found:
            return "binary", "all masks are empty, so nothing says what their numbers mean", "no mask has any foreground"
        if found == [1]:
            return "classes", "the numbers are 0 and 1, which are class indices", ""
        if all(len(numbers) <= 1 for numbers in self.sets):
            return "binary", f"each mask has 0 and one other number ({shown(found)})", ""
        if len(found) > MANY and not single:
            return self._grey(values)
        varied = len({len(numbers) for numbers in self.sets}) > 1
        if single and (len(found) > MANY or len(found) > 3 and (varied or sum(self.sets.values()) == 1)):
            few, most = min(self.objects), max(self.objects)
            return "labels", (f"each number is one connected piece, {few if few == most else f'{few} to {most}'} in a mask: "
                              "so objects are numbered, not classes"), ""
        if found[-1] < 2 * len(found) + 1:
            return "classes", f"few numbers, {shown(values)}, that come back in many places: classes, not objects", ""
        return "classes", f"few numbers, {shown(values)}", (
            f"the numbers {shown(values)} are no class indices: turn them into 0, 1, 2 …")

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
    others = [value for value in values if value]
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
        return label_nuclei(classes, min_area=settings["min_area"])
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
        return classes * np.uint8(settings.get("foreground", 1))
    numbers = numbered_objects(classes, kind, settings)
    if numbers.max(initial=0) > 65535:
        raise ValueError(f"{numbers.max()} objects were found; a mask of 16 bits holds 65535: "
                         "cut the image in pieces")
    return numbers.astype(np.uint16)
