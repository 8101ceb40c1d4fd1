"""A folder of images and masks as somebody sends it, with its usual mistakes. (13)"""

import shutil
from pathlib import Path

import numpy as np

from unet_course.data.files.images import read_page, write_image
from unet_course.data.nuclei import load_instances, load_raw
from unet_course.data.scaling import normalise


def make_practice(folder):
    """Make a folder for practice, with mistakes of five kinds in it: notebook 13 finds and mends them.

    Parameters
    ----------
    folder : path
        ``images/`` and ``masks/`` are made in it: fields a (8 bit, PNG), b (16 bit, TIFF) and c (a stack, another
        instrument); each nucleus has a number of its own in the masks, but where a mistake is.

    Raises
    ------
    FileExistsError
        If there are such folders in it already.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     make_practice(folder)
    ...     len(list(Path(folder).glob("*/*")))
    22
    """
    images, masks = (Path(folder) / part for part in ("images", "masks"))
    for part in (images, masks):
        part.mkdir(parents=True)

    def save(name, image, mask):
        write_image(images / name, image)
        write_image(masks / name, mask)

    for number, (image, mask) in enumerate(_cut("train", (0, 360, 720), (0, 360), 320), 1):
        save(f"a{number}.png", np.uint8(255 * normalise(image)), mask)
    for number, (image, mask) in enumerate(_cut("test", (0, 360, 720), (0,), 320), 1):
        save(f"b{number}.tif", image, mask)
    save("c.tif", *zip(*_cut("shifted", (0, 272), (0, 272), 240)))
    _spoil(images, masks)


def _cut(split, tops, lefts, size):
    """Squares of a field, each with the numbers of its nuclei."""
    field, labels = load_raw(split), load_instances(split)[0].numpy().astype(np.uint16)
    squares = [(slice(top, top + size), slice(left, left + size)) for top in tops for left in lefts]
    return [(field[square], labels[square]) for square in squares]


def _spoil(images, masks):
    """A name that does not fit, half the size, 0 and 255, the same twice, and two masks that have changed places."""
    (masks / "a6.png").rename(masks / "a6_mask.png")
    write_image(masks / "a4.png", read_page(masks / "a4.png", indices=True)[::2, ::2])
    write_image(masks / "b2.tif", np.uint8(255 * (read_page(masks / "b2.tif", indices=True) > 0)))
    for part in (images, masks):
        shutil.copy(part / "b3.tif", part / "b4.tif")
    for old, new in (("a2", "x"), ("a3", "a2"), ("x", "a3")):
        (masks / f"{old}.png").rename(masks / f"{new}.png")
