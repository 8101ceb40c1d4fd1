"""What do the numbers in a folder of masks mean? A guess with its reason, from what is counted mask by mask."""

from collections import Counter

import numpy as np

KINDS = {"classes": None, "binary": 2, "labels": 3}  # of masks, and how many classes come out
NAMES = {"binary": ("background", "foreground"), "labels": ("background", "boundary", "interior")}
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
