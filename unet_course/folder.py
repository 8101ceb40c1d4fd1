"""The learner's own data: a folder of images and a folder of masks."""

import warnings
from pathlib import Path

import numpy as np
import torch

from unet_course.data import normalise

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


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
    when they are asked for, so a folder may be larger than memory. It works as a torch ``Dataset``.

    Examples
    --------
    >>> import tempfile
    >>> from skimage.io import imsave
    >>> with tempfile.TemporaryDirectory() as top:
    ...     for kind, values in [("images", [0, 90, 200, 255]), ("masks", [0, 0, 1, 1])]:
    ...         (Path(top) / kind).mkdir()
    ...         imsave(Path(top) / kind / "cell.png", np.uint8(values).reshape(2, 2), check_contrast=False)
    ...     image, mask = SegmentationFolder(Path(top) / "images", Path(top) / "masks")[0]
    >>> image.shape, mask.tolist()
    (torch.Size([1, 2, 2]), [[0, 0], [1, 1]])
    """

    def __init__(self, images, masks, *, num_classes=None):
        found = [_list_images(images, "images"), _list_images(masks, "masks")]
        alone = sorted(found[0].keys() ^ found[1].keys())
        if alone:
            raise ValueError(f"{len(alone)} names are in one folder only: {', '.join(alone[:5])}"
                             f"{' …' if len(alone) > 5 else ''}; wanted an image and a mask of the same name each")
        self.names = sorted(found[0])
        self.image_paths = [found[0][name] for name in self.names]
        self.mask_paths = [found[1][name] for name in self.names]
        self.num_classes = num_classes

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        image = read_image(self.image_paths[index])
        mask = read_mask(self.mask_paths[index], self.num_classes)
        if image.shape[-2:] != mask.shape:
            raise ValueError(f"{self.names[index]}: the image is {image.shape[-2]}×{image.shape[-1]}, the mask "
                             f"{mask.shape[0]}×{mask.shape[1]}; wanted the same size: if the mask has to be resized, "
                             "use nearest neighbour")
        return torch.from_numpy(image), torch.from_numpy(mask)


def read_image(path):
    """Read one image file as float32 (C, H, W) scaled to 0 … 1; an alpha channel is dropped.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    ndarray of float32, shape (C, H, W)

    Raises
    ------
    ValueError
        If the file is damaged or is not a two-dimensional image.
    """
    image = _read(path)
    if image.ndim == 3 and image.shape[-1] in (1, 3, 4):
        image = np.moveaxis(image[..., :3], -1, 0)
    elif image.ndim == 2:
        image = image[None]
    else:
        raise ValueError(f"image {Path(path).name} has shape {image.shape}; wanted (H, W), or (H, W, 3) for colour: "
                         "save the planes of a stack as single files")
    try:
        return normalise(image)
    except ValueError as error:
        raise ValueError(f"{Path(path).name}: {error}") from error


def read_mask(path, num_classes=None):
    """Read one mask file as int64 (H, W) of class indices.

    Parameters
    ----------
    path : str or Path
    num_classes : int, optional
        If given, values have to be below it.

    Returns
    -------
    ndarray of int64, shape (H, W)

    Raises
    ------
    ValueError
        If the file is damaged, RGB, fractional, or has values that are no class indices, such as 0 and 255.
    """
    name, mask = Path(path).name, _read(path)
    if mask.ndim != 2:
        raise ValueError(f"mask {name} has shape {mask.shape}; wanted one channel (H, W) of class indices: turn each "
                         "colour into its class number first")
    values = np.unique(mask)
    if mask.dtype.kind not in "bui" and not (values == np.round(values)).all():
        raise ValueError(f"mask {name} has fractions, such as {values[values != np.round(values)][0]:.3g}; wanted whole "
                         "class indices: a mask is resized with nearest neighbour, never bilinear")
    if set(values.tolist()) <= {0, 255} and 255 in values:
        raise ValueError(f"mask {name} has values {set(values.tolist())}; wanted class indices 0 and 1: divide by 255")
    if values[0] < 0 or (num_classes is not None and values[-1] >= num_classes):
        raise ValueError(f"mask {name} has values {values[0]} to {values[-1]}; wanted class indices 0 to "
                         f"{'num_classes-1' if num_classes is None else num_classes - 1}")
    return mask.astype(np.int64)


def _read(path):
    from skimage.io import imread  # here, because importing scikit-image takes a while

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(imread(path))
    except Exception as error:  # every reader raises its own kinds; the learner needs the name of the file
        raise ValueError(f"{Path(path).name} cannot be read as an image ({type(error).__name__}); it is damaged, "
                         "cut short or of another kind: export or copy it again") from error


def _list_images(folder, name):
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
