"""The learner's own data: a folder of images and a folder of masks. (13)"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from unet_course.data.files.images import SUFFIXES, count_pages, read_page
from unet_course.data.mask_kinds import check_classes, classes_of, objects_to_classes
from unet_course.data.scaling import network_input


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
    try:
        return network_input(image)
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
    check_classes(mask, name, num_classes)
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


class SegmentationFolder:
    """Images and masks on disk, matched by their names without the suffix.

    Parameters
    ----------
    images : str or Path
        Folder of images: grey or RGB, 8 or 16 bit, PNG, TIFF, JPEG or BMP.
    masks : str or Path
        Folder of masks with the same names: one channel, whole numbers, 0 for the background.
    num_classes : int, optional
        If given, mask values have to be below it.
    kind : {"classes", "binary", "labels"}, default "classes"
        What the numbers in a mask mean. "classes": the class of each pixel. "binary": whatever is not 0 is class 1.
        "labels": each number is one object; it becomes 0 background, 1 boundary, 2 interior, as in `load_nuclei`.

    Attributes
    ----------
    names : list of str
        One for each item, in their order; the pages of a stack are "stack[0]", "stack[1]" …
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
    ``folder[i]`` is ``(image, mask)``: float32 ``(C, H, W)`` scaled by `normalise`, int64 ``(H, W)``. Files are read
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

    def __init__(self, images, masks, *, num_classes=None, kind="classes"):
        least = classes_of(kind)
        if least is not None and num_classes is not None and num_classes < least:
            raise ValueError(f"num_classes is {num_classes}; wanted at least {least}: so many come from kind={kind!r}")
        pairs, problems, _ = pair(images, masks)
        if problems:
            raise type(problems[0])(first_of(problems))
        self.kind, self.num_classes = kind, least if num_classes is None else num_classes
        self.names, self.image_paths, self.mask_paths, self.pages = [], [], [], []
        for both in pairs:
            pages = range(both.pages) if both.pages > 1 else [None]
            self.names += [both.name if page is None else f"{both.name}[{page}]" for page in pages]
            self.image_paths += [both.image] * both.pages
            self.mask_paths += [both.mask] * both.pages
            self.pages += pages

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        page = self.pages[index]
        image = read_image(self.image_paths[index], page=page)
        mask = read_mask(self.mask_paths[index], self.num_classes, kind=self.kind, page=page)
        if wrong := misfit(self.names[index], image.shape[-2:], mask.shape):
            raise ValueError(wrong)
        return torch.from_numpy(image), torch.from_numpy(mask)


@dataclass(frozen=True)
class Pair:
    """An image file and its mask file.

    Attributes
    ----------
    name : str
        Of both, without the suffix.
    image, mask : Path
    pages : int
        Of both; 1 where they differ or a file cannot be read.
    """

    name: str
    image: Path
    mask: Path
    pages: int = 1


def pair(images, masks):
    """Match the files of two folders by their names without the suffix, and say what does not fit.

    Parameters
    ----------
    images, masks : str or Path
        Folders.

    Returns
    -------
    pairs : list of Pair
        In the order of their names.
    problems : list of Exception
        What has to be mended before the pairs can be trained on: a line each, with its cure.
    remarks : list of str
        What can stay, and is worth a look.

    Raises
    ------
    FileNotFoundError
        If one of them is no folder.
    """
    problems, remarks = [], []
    images, masks = (_by_name(folder, what, problems, remarks)
                     for folder, what in ((images, "images"), (masks, "masks")))
    problems += map(ValueError, _alone(images, masks))
    pairs = []
    for name in sorted(images.keys() & masks.keys()):
        image, mask, pages = images[name], masks[name], 1
        try:
            pages, other = count_pages(image), count_pages(mask)
        except (ValueError, OSError):  # said when the file is read; the others do not mind
            other = pages
        if pages != other:
            problems.append(ValueError(f"{image.name} has {pages} pages and its mask {other}: "
                                       "give both as many, or save the planes as single files"))
        pairs.append(Pair(name, image, mask, pages if pages == other else 1))
    return pairs, problems, remarks


def first_of(problems):
    """The first of some problems in words, and how many there are.

    Examples
    --------
    >>> first_of(["a.png is an image without a mask"] * 3)
    'a.png is an image without a mask (3 such things; survey names them all)'
    """
    more = "" if len(problems) == 1 else f" ({len(problems)} such things; survey names them all)"
    return f"{problems[0]}{more}"


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


def list_files(folder):
    """The image files of a folder, and all others, each by name; hidden ones are passed over."""
    images, others = [], []
    for path in sorted(Path(folder).iterdir()):
        if path.is_file() and not path.name.startswith("."):
            (images if path.suffix.lower() in SUFFIXES else others).append(path)
    return images, others


def _by_name(folder, what, problems, remarks):
    """The image files of a folder: {name without suffix: path}."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{what} is {str(folder)!r}, which is not a folder; "
                                "wanted a folder of image files")
    (paths, others), found = list_files(folder), {}
    for path in paths:
        if path.stem in found:
            problems.append(ValueError(f"{what} has both {found[path.stem].name} and {path.name}: "
                                       "keep one of them, or rename it"))
        found.setdefault(path.stem, path)
    wanted = f"wanted files that end in {', '.join(SUFFIXES)}"
    if others:
        remarks.append(f"{what} has {len(others)} other files, such as {others[0].name}, "
                       f"which are passed over: {wanted}")
    if not found:
        problems.append(FileNotFoundError(f"{what} is {str(folder)!r}, "
                                          f"which has no image in it: {wanted}"))
    return found


def _alone(images, masks):
    """Names in one folder only, with the name that was probably meant."""
    only = images.keys() - masks.keys(), masks.keys() - images.keys()
    explained = set()
    for name in sorted(only[1]):
        image = near_miss(name, only[0])
        if image is None:
            yield (f"{masks[name].name} is a mask without an image: "
                   "add the image, or take the mask away")
        else:
            explained.add(image)
            yield (f"{masks[name].name} is a mask without an image of that name: rename it to "
                   f"{image}{masks[name].suffix}, so that it fits {images[image].name}")
    for name in sorted(only[0] - explained):
        yield f"{images[name].name} is an image without a mask: draw one, or take the image away"


def near_miss(name, others):
    """The one name among `others` that differs from `name` by a beginning or an end, such as "_mask"; or None.

    Examples
    --------
    >>> near_miss("a1_mask", {"a1", "a10"}), near_miss("IMG_7", {"img_7"}), near_miss("b", {"a"})
    ('a1', 'img_7', None)
    """
    def plain(text):
        return re.sub(r"(^|[ _.-])(masks?|labels?|seg|segmentation|gt|annotations?|images?|img|cp_masks)(?=$|[ _.-])", "",
                      text.lower()).strip(" _.-")
    fits = [other for other in others if plain(other) == plain(name)]
    return fits[0] if len(fits) == 1 else None
