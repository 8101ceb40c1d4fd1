"""The learner's own data: a folder of images and a folder of masks."""

import re
from pathlib import Path

import torch

from unet_course.data.files.images import SUFFIXES, count_pages
from unet_course.data.mask_kinds import classes_of
from unet_course.data.reading import read_image, read_mask


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
        If a name occurs twice or has no partner; and, when an item is read, if a file is damaged, sizes differ, or
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
        found = [list_images(images, "images"), list_images(masks, "masks")]
        alone = sorted(found[0].keys() ^ found[1].keys())
        if alone:
            raise ValueError(f"{len(alone)} names are in one folder only: {', '.join(alone[:5])}"
                             f"{' …' if len(alone) > 5 else ''}; wanted an image and a mask of the same name each"
                             f"{_renaming(found)}")
        self.kind, self.num_classes = kind, least if num_classes is None else num_classes
        self.names, self.image_paths, self.mask_paths, self.pages = [], [], [], []
        for name in sorted(found[0]):
            image, mask = found[0][name], found[1][name]
            count = _pages_of_both(image, mask)
            self.names += [f"{name}[{page}]" for page in range(count)] if count else [name]
            self.image_paths += [image] * (count or 1)
            self.mask_paths += [mask] * (count or 1)
            self.pages += list(range(count)) if count else [None]

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        page = self.pages[index]
        image = read_image(self.image_paths[index], page=page)
        mask = read_mask(self.mask_paths[index], self.num_classes, kind=self.kind, page=page)
        if image.shape[-2:] != mask.shape:
            raise ValueError(f"{self.names[index]}: the image is {image.shape[-2]}×{image.shape[-1]}, the mask "
                             f"{mask.shape[0]}×{mask.shape[1]}; wanted the same size: if the mask has to be resized, "
                             "use nearest neighbour")
        return torch.from_numpy(image), torch.from_numpy(mask)


def _pages_of_both(image, mask):
    """How many pages two stacks have that fit each other, or 0: then each has to be one picture."""
    try:
        counts = {count_pages(path) if path.suffix.lower() in (".tif", ".tiff") else 1 for path in (image, mask)}
    except (ValueError, OSError):  # said when the item is asked for; the others do not mind
        return 0
    return counts.pop() if len(counts) == 1 and counts != {1} else 0


def list_images(folder, name):
    """The picture files of a folder: {name without suffix: path}.

    Parameters
    ----------
    folder : str or Path
    name : str
        What messages call it.

    Raises
    ------
    FileNotFoundError, ValueError
        If it is no folder, has no picture, or a name twice.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{name} is {str(folder)!r}, which is not a folder; wanted a folder of image files")
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            if path.stem in found:
                raise ValueError(f"{name} has both {found[path.stem].name} and {path.name}; wanted each name once")
            found[path.stem] = path
    if not found:
        raise FileNotFoundError(f"{name} is {str(folder)!r}, which has no image in it; wanted files that end in "
                                f"{', '.join(SUFFIXES)}")
    return found


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


def _renaming(found):
    images, masks = (found[0].keys() - found[1].keys(), found[1].keys() - found[0].keys())
    for mask in sorted(masks):
        image = near_miss(mask, images)
        if image is not None:
            old = found[1][mask]
            return f": for instance rename {old.name} to {image}{old.suffix}"
    return ""
