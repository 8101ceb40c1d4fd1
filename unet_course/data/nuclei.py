"""Real nuclei, your own folder, and what both go through before a network sees them. (01)"""

import hashlib
from pathlib import Path

import numpy as np
import torch

from unet_course.data.masks import label_nuclei
from unet_course.data.scaling import normalise

# In an installed package the data lies inside it, in a clone beside it.
_HERE = Path(__file__).resolve().parents[1]
DATA = _HERE / "_data" if (_HERE / "_data").is_dir() else _HERE.parent / "data"

# The file each split comes from, and its columns in it: 64 columns between train and val belong to neither,
# so that no nucleus (the widest has 50 pixels) lies in both.
SPLITS = {
    "train": ("field_a", slice(0, 928)),
    "val": ("field_a", slice(992, 1280)),
    "test": ("field_b", slice(None)),
    "shifted": ("other", slice(None)),
}


def load_nuclei(split):
    """Real fluorescence images of cell nuclei, with a class for every pixel.

    Parameters
    ----------
    split : {"train", "val", "test", "shifted"}
        "train" and "val" are two blocks of one field with a gap between them, "test" is another field of the same
        instrument, "shifted" is a field of another instrument.

    Returns
    -------
    images : Tensor of float32, shape (1, 1, H, W)
        Scaled to 0 … 1 by `normalise`.
    masks : Tensor of int64, shape (1, H, W)
        0 background, 1 boundary, 2 interior.

    Raises
    ------
    ValueError
        If `split` is none of the four, or a data file is not the one that was published (its SHA-256 differs).
    FileNotFoundError
        If a data file is missing.

    Notes
    -----
    Sources and licences: ``data/nuclei/README.md``. Each split is normalised by its own percentiles.

    Examples
    --------
    >>> images, masks = load_nuclei("val")
    >>> images.shape, masks.shape, masks.unique().tolist()
    (torch.Size([1, 1, 1080, 288]), torch.Size([1, 1080, 288]), [0, 1, 2])
    """
    image, classes, _ = _read_split(split)
    return torch.from_numpy(normalise(image))[None, None], torch.from_numpy(classes.astype(np.int64))[None]


def load_raw(split):
    """The numbers that the camera wrote, not scaled.

    Parameters
    ----------
    split : {"train", "val", "test", "shifted"}

    Returns
    -------
    ndarray of uint16, shape (H, W)

    Examples
    --------
    >>> load_raw("test").dtype, int(load_raw("test").max())
    (dtype('uint16'), 2205)
    """
    return _read_split(split)[0]


def load_instances(split):
    """The same nuclei as `load_nuclei`, each with a number of its own.

    Parameters
    ----------
    split : {"train", "val", "test", "shifted"}

    Returns
    -------
    Tensor of int64, shape (1, H, W)
        0 background, 1, 2, 3 … one number for each nucleus.

    Examples
    --------
    >>> int(load_instances("test").max())
    126
    """
    _, classes, instances = _read_split(split)
    return torch.from_numpy(label_nuclei(classes, min_area=1, grow=3) if instances is None else instances)[None]


def _read_split(split):
    """Raw image, classes, and instances where they were drawn by hand (else None)."""
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; wanted one of {', '.join(map(repr, SPLITS))}")
    field, columns = SPLITS[split]
    from skimage.segmentation import find_boundaries  # here, because importing scikit-image takes a while

    image = _read_verified(f"{field}_image.png")[:, columns]
    labels = _read_verified(f"{field}_labels.png")[:, columns]
    if field != "other":
        return image, labels, None
    # Drawn as instances: the outermost pixels of each nucleus become its boundary.
    instances = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    return image, np.where(find_boundaries(labels, mode="inner"), 1, 2 * (labels > 0)), instances


def checksums():
    """SHA-256 of every data file, as published: {file name: digest}."""
    lines = (DATA / "nuclei" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line.strip())}


def _read_verified(name):
    from skimage.io import imread

    path = DATA / "nuclei" / name
    if not path.is_file():
        raise FileNotFoundError(f"{name} is missing from data/nuclei; get it back with 'git checkout data' "
                                "or install the package again")
    if hashlib.sha256(path.read_bytes()).hexdigest() != checksums()[name]:
        raise ValueError(f"{name} in data/nuclei is damaged: its SHA-256 is not the published one; get it back with "
                         "'git checkout data' or install the package again")
    return imread(path)


def verify_data():
    """Check every data file against its published SHA-256.

    Returns
    -------
    list of (str, str)
        File name and what is wrong with it, "" if nothing.

    Examples
    --------
    >>> [problem for _, problem in verify_data() if problem]
    []
    """
    found = []
    for name in checksums():
        try:
            _read_verified(name)
            found.append((name, ""))
        except (OSError, ValueError) as error:
            found.append((name, str(error)))
    return found


def random_crops(images, masks, *, size, count, generator=None):
    """Cut squares out of random places: a batch to train on.

    Parameters
    ----------
    images : Tensor (N, C, H, W), or sequence of Tensor (C, H, W)
    masks : Tensor (N, H, W), or sequence of Tensor (H, W)
    size : int
        Side of a square in pixels; a picture that is smaller is mirrored at its right and bottom.
    count : int
        Squares.
    generator : torch.Generator, optional

    Returns
    -------
    tuple of Tensor, shapes (count, C, size, size) and (count, size, size)

    Examples
    --------
    >>> images, masks = load_nuclei("train")
    >>> x, y = random_crops(images, masks, size=64, count=3)
    >>> x.shape, y.shape
    (torch.Size([3, 1, 64, 64]), torch.Size([3, 64, 64]))
    """
    if len(images) == 0 or len(images) != len(masks):
        raise ValueError(f"images has {len(images)} pictures and masks {len(masks)}; "
                         "wanted the same number, at least one")
    if size < 1 or count < 1:
        raise ValueError(f"size is {size} and count is {count}; wanted at least 1 of each")
    crops = []
    for index in torch.randint(len(images), (count,), generator=generator).tolist():
        image, mask = images[index], masks[index]
        if image.shape[-2:] != mask.shape or 0 in mask.shape:
            raise ValueError(f"picture {index}: image is {tuple(image.shape[-2:])}, mask {tuple(mask.shape)}; "
                             "wanted the same height and width, at least one pixel")
        top, left = (int(torch.randint(max(side - size, 0) + 1, (), generator=generator)) for side in mask.shape)
        window = (..., slice(top, top + size), slice(left, left + size))
        crops.append((_fill(image[window], size), _fill(mask[window], size)))
    return torch.stack([image for image, _ in crops]), torch.stack([mask for _, mask in crops])


def _fill(picture, size):
    below, right = (size - side for side in picture.shape[-2:])
    if below <= 0 and right <= 0:
        return picture
    widths = [(0, 0)] * (picture.ndim - 2) + [(0, below), (0, right)]
    return torch.from_numpy(np.pad(picture.cpu().numpy(), widths, mode="symmetric")).to(picture.device)
