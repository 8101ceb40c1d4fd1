"""The learner's own data: a folder of images and a folder of masks. (13)"""

from pathlib import Path

import numpy as np
import torch

from unet_course.data.files.images import count_pages, nodata, read_page
from unet_course.data.mask_kinds import (
    background_first,
    check_classes,
    classes_of,
    objects_to_classes,
)
from unet_course.data.pairing import first_of, pair
from unet_course.data.scaling import network_input


def read_image(path, *, page=None):
    """Read one image file as float32 (C, H, W), each channel scaled to 0 … 1; transparency is dropped.

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
    try:
        return network_input(image, nodata(path))
    except ValueError as error:
        raise ValueError(f"{Path(path).name}: {error}") from error


def read_mask(path, num_classes=None, *, kind="classes", page=None, background=0):
    """Read one mask file as int64 (H, W) of class indices.

    Parameters
    ----------
    path : str or Path, or tuple of them
        Of several files, each becomes an object with a number of its own.
    num_classes : int, optional
        If given, values have to be below it.
    kind : {"classes", "binary", "labels"}, default "classes"
        What the numbers mean, see `SegmentationFolder`.
    page : int, optional
        Of a stack.
    background : int, default 0
        The number that stands for the background, see `SegmentationFolder`.

    Returns
    -------
    ndarray of int64, shape (H, W)

    Raises
    ------
    ValueError
        If the file is damaged, RGB, JPEG, fractional, or has values that are no class indices, such as 0 and 255.
    """
    classes_of(kind)
    mask = background_first(read_numbers(path, page, grey_colours=kind != "classes"), background)
    return _classes(mask, path, num_classes, kind)


def _classes(mask, path, num_classes, kind):
    if kind != "classes":
        return objects_to_classes(mask, kind)
    check_classes(mask, Path(path[0] if isinstance(path, tuple) else path).name, num_classes)
    return mask


def read_numbers(path, page=None, *, grey_colours=False):
    """The whole numbers of a mask file, whatever they mean.

    Parameters
    ----------
    path : str or Path, or tuple of them
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
    if isinstance(path, tuple):
        return joined([read_numbers(part, grey_colours=True) for part in path], path)
    stored = _one_page("mask", path, page, indices=True)
    return whole_mask(stored, path, grey_colours=grey_colours)


def joined(masks, paths):
    """One mask of several: a number for each, from 1 on; where they overlap, that of the last one.

    Examples
    --------
    >>> joined([np.array([[0, 255, 255]]), np.array([[7, 0, 7]])], ["a.png", "b.png"])
    array([[2, 1, 2]])
    """
    whole = np.zeros_like(masks[0])
    for number, (mask, path) in enumerate(zip(masks, paths), start=1):
        if mask.shape != whole.shape:
            raise ValueError(f"mask {Path(path).name} has shape {mask.shape}, and {Path(paths[0]).name} of the same image "
                             f"{whole.shape}; wanted one size")
        whole[mask != 0] = number
    return whole


def whole_mask(stored, path, *, grey_colours=False):
    """The array of a mask file as whole numbers, or a ValueError that names the file; see `read_numbers`.

    Examples
    --------
    >>> whole_mask(np.float32([[0, 2]]), "a.tif")
    array([[0, 2]])
    """
    name, mask = Path(path).name, stored
    if mask.ndim == 3 and mask.shape[-1] in (2, 4) and not np.ptp(mask[..., :-1]) and np.ptp(mask[..., -1]):
        raise ValueError(f"mask {name} has one colour throughout, and its drawing is in the transparency (alpha); wanted one "
                         "channel: PIL.Image.open(name).getchannel('A').save(name)")
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


class SegmentationFolder:
    """Images and masks on disk, matched by their names without the suffix.

    Parameters
    ----------
    images : str or Path
        Folder of images: grey, RGB or more channels, 8 or 16 bit, PNG, TIFF, JPEG, BMP or GIF.
    masks : str or Path
        Folder of masks with the same names, see `pair`: one channel, whole numbers, 0 for the background.
    num_classes : int, optional
        If given, mask values have to be below it.
    kind : {"classes", "binary", "labels"}, default "classes"
        What the numbers in a mask mean. "classes": the class of each pixel. "binary": whatever is not 0 is class 1.
        "labels": each number is one object; it becomes 0 background, 1 boundary, 2 interior, as in `load_nuclei`.
    background : int, default 0
        The number that stands for the background. If it is not 0, larger numbers come one lower.
    ignore : int, optional
        The number of pixels that are neither trained on nor scored, such as 255 in VOC's masks.

    Attributes
    ----------
    names : list of str
        One for each item, in their order; the pages of a stack are "stack[0]", "stack[1]" …
    files : list of str
        The same without the pages.
    num_classes : int or None

    Raises
    ------
    FileNotFoundError
        If a folder does not exist or has no images in it.
    ValueError
        If a name occurs twice or has no partner, or an image has not as many pages as its mask;
        and, when an item is read, if a file is damaged, sizes differ, or
        a mask is RGB, 0/255 or not made of class indices. The message names the file and the cure.

    Notes
    -----
    ``folder[i]`` is ``(image, mask)``: float32 ``(C, H, W)``, each channel scaled as by `normalise`, int64 ``(H, W)``;
    with `ignore` a third, weights of the pixels, float32 ``(H, W)``, see `fit`. Files are read
    when they are asked for, so a folder may be larger than memory; of a TIFF stack with as many pages in its mask, one
    page at a time. It works as a torch ``Dataset``. `survey` says beforehand what is in the folders.

    Examples
    --------
    >>> import tempfile, numpy
    >>> from unet_course.data import write_image
    >>> with tempfile.TemporaryDirectory() as top:
    ...     for kind, values in [("images", [0, 90, 200, 255]), ("masks", [0, 0, 1, 1])]:
    ...         (Path(top) / kind).mkdir()
    ...         write_image(Path(top) / kind / "cell.png", numpy.uint8(values).reshape(2, 2))
    ...     image, mask = SegmentationFolder(Path(top) / "images", Path(top) / "masks")[0]
    >>> image.shape, mask.tolist()
    (torch.Size([1, 2, 2]), [[0, 0], [1, 1]])
    """

    def __init__(self, images, masks, *, num_classes=None, kind="classes", background=0, ignore=None):
        least = classes_of(kind)
        if least is not None and num_classes is not None and num_classes < least:
            raise ValueError(f"num_classes is {num_classes}; wanted at least {least}: so many come from kind={kind!r}")
        pairs, problems, _ = pair(images, masks)
        if problems:
            raise type(problems[0])(first_of(problems))
        self.kind, self.num_classes = kind, least if num_classes is None else num_classes
        self.background, self.ignore = background, ignore
        self.names, self.files, self.image_paths, self.mask_paths, self.pages = [], [], [], [], []
        for both in pairs:
            pages = range(both.pages) if both.pages > 1 else [None]
            self.names += [both.name if page is None else f"{both.name}[{page}]" for page in pages]
            self.files += [both.name] * both.pages
            self.image_paths += [both.image] * both.pages
            self.mask_paths += [both.mask] * both.pages
            self.pages += pages

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        image = read_image(self.image_paths[index], page=self.pages[index])
        numbers, weights = self.numbers(index)
        mask = _classes(numbers, self.mask_paths[index], self.num_classes, self.kind)
        if wrong := misfit(self.names[index], image.shape[-2:], mask.shape):
            raise ValueError(wrong)
        item = torch.from_numpy(image), torch.from_numpy(mask)
        return item if weights is None else (*item, torch.from_numpy(weights))

    def numbers(self, index):
        """The numbers of a mask as they are drawn, the background 0, and the pixels' weights or None.

        Returns
        -------
        tuple (ndarray of int64, shape (H, W); ndarray of float32, shape (H, W), or None)
        """
        numbers = read_numbers(self.mask_paths[index], self.pages[index], grey_colours=self.kind != "classes")
        return meant(numbers, self.background, self.ignore)


def meant(numbers, background=0, ignore=None):
    """Numbers of a mask with the background as 0, and weights: 0 where pixels are to be ignored, else 1; or None.

    Examples
    --------
    >>> meant(np.array([1, 2, 255]), background=1, ignore=255)
    (array([0, 1, 0]), array([1., 1., 0.], dtype=float32))
    """
    if ignore is None:
        return background_first(numbers, background), None
    ignored = numbers == ignore
    kept = background_first(np.where(ignored, background, numbers), background)
    return kept, (~ignored).astype(np.float32)


def misfit(name, image, mask):
    """What is wrong with the sizes (height, width) of an image and its mask, and its cure, or "".

    Examples
    --------
    >>> print(misfit("a.png", (4, 5), (5, 4)))
    a.png: the image is 4×5, the mask 5×4, turned by a quarter: make them the same size, ...
    """
    if image == mask:
        return ""
    turned = ", turned by a quarter" if image == mask[::-1] else ""
    return (f"{name}: the image is {image[0]}×{image[1]}, the mask {mask[0]}×{mask[1]}{turned}: "
            "make them the same size, the mask with nearest neighbour only")
