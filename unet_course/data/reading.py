"""One image or mask file into an array that a network takes, or a message that names the file and the cure."""

from pathlib import Path

import numpy as np

from unet_course.data.files.images import count_pages, read_page
from unet_course.data.mask_kinds import classes_of, objects_to_classes
from unet_course.data.nuclei import normalise


def read_image(path, *, page=None):
    """Read one image file as float32 (C, H, W) scaled to 0 … 1; an alpha channel is dropped.

    Parameters
    ----------
    path : str or Path
    page : int, optional
        Of a stack.

    Returns
    -------
    ndarray of float32, shape (C, H, W)

    Raises
    ------
    ValueError
        If the file is damaged or is not a two-dimensional image.
    """
    image = _one_page("image", path, page)
    image = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    try:
        return normalise(image)
    except ValueError as error:
        raise ValueError(f"{Path(path).name}: {error}") from error


def read_mask(path, num_classes=None, *, kind="classes", page=None):
    """Read one mask file as int64 (H, W) of class indices.

    Parameters
    ----------
    path : str or Path
    num_classes : int, optional
        If given, values have to be below it.
    kind : {"classes", "binary", "labels"}, default "classes"
        What the numbers mean, see `SegmentationFolder`.
    page : int, optional
        Of a stack.

    Returns
    -------
    ndarray of int64, shape (H, W)

    Raises
    ------
    ValueError
        If the file is damaged, RGB, JPEG, fractional, or has values that are no class indices, such as 0 and 255.
    """
    classes_of(kind)
    name = Path(path).name
    mask = read_numbers(path, page, grey_colours=kind != "classes")
    if kind != "classes":
        return objects_to_classes(mask, kind)
    values = np.unique(mask)
    if set(values.tolist()) <= {0, 255} and 255 in values:
        raise ValueError(f"mask {name} has values {set(values.tolist())}; wanted class indices 0 and 1: divide by 255, or say "
                         'kind="binary"')
    if num_classes is not None and values[-1] >= num_classes:
        raise ValueError(f"mask {name} has values {values[0]} to {values[-1]}; wanted class indices 0 to {num_classes - 1}"
                         + ("" if values[-1] < 255 else ': if each number is an object, say kind="labels"'))
    return mask


def read_numbers(path, page=None, *, grey_colours=False):
    """The whole numbers of a mask file, whatever they mean.

    Parameters
    ----------
    path : str or Path
    page : int, optional
        Of a stack.
    grey_colours : bool, default False
        Take an RGB file whose three channels are the same.

    Returns
    -------
    ndarray of int64, shape (H, W)

    Raises
    ------
    ValueError
        As `read_mask`, except for what the numbers mean.
    """
    stored = _one_page("mask", path, page, indices=True)
    return whole_mask(stored, path, grey_colours=grey_colours)


def whole_mask(stored, path, *, grey_colours=False):
    """The array of a mask file as whole numbers, or a ValueError that names the file; see `read_numbers`.

    Examples
    --------
    >>> whole_mask(np.float32([[0, 2]]), "a.tif")
    array([[0, 2]])
    """
    name, mask = Path(path).name, stored
    if grey_colours and mask.ndim == 3 and mask.shape[-1] in (3, 4) and (mask[..., :3] == mask[..., :1]).all():
        mask = mask[..., 0]
    if mask.ndim != 2:
        raise ValueError(f"mask {name} has shape {mask.shape}; wanted one channel (H, W) of class indices: turn each "
                         "colour into its class number first")
    if mask.dtype.kind not in "buif":
        raise ValueError(f"mask {name} has dtype {mask.dtype}; wanted whole numbers")
    if mask.dtype.kind == "f":
        broken = mask[mask != np.round(mask)]
        if broken.size:
            raise ValueError(f"mask {name} has fractions, such as {broken[0]:.3g}; wanted whole class indices: a mask is "
                             "resized with nearest neighbour, never bilinear")
    low, high = mask.min().item(), mask.max().item()
    if low < 0 or high >= 2**53:
        raise ValueError(f"mask {name} has values {low} to {high}; wanted class indices 0 to num_classes-1")
    if is_jpeg(path):
        raise ValueError(f"mask {name} is a JPEG file, which changes the values of a mask; wanted PNG or TIFF: export it "
                         "again")
    return mask.astype(np.int64)


def _one_page(what, path, page, **options):
    """A page of a file; without its number, that of a file which has one."""
    name = Path(path).name
    if page is None and (count := count_pages(path)) > 1:
        shape = (count, *read_page(path, 0, **options).shape)
        raise ValueError(f"{what} {name} has shape {shape}; wanted (H, W), or (H, W, 3) for colour: save the planes of a "
                         f"stack as single files, or give image and mask {count} pages each")
    picture = read_page(path, page or 0, **options)
    if picture.size == 0:
        raise ValueError(f"{what} {name} has shape {picture.shape}; wanted at least one pixel")
    return picture


def is_jpeg(path):
    """Whether a file is a JPEG, by its first bytes; False if there is none."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        return file.read(3) == b"\xff\xd8\xff"
