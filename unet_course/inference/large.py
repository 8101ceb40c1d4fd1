"""Images too large for memory: read window by window, written band by band. (08)

What is read is given back to the system at once, so that the memory in use does not grow with the file.
"""

import contextlib
import os
from pathlib import Path

import numpy as np
import torch

from unet_course.data.files.images import (
    SUFFIXES,
    count_pages,
    is_tiff,
    nodata,
    read_page,
    read_pages,
)
from unet_course.data.files.saving import written
from unet_course.data.files.tiff import tiff_pages
from unet_course.data.scaling import (
    channel_limits,
    channels_first,
    missing_value,
    release,
    stretch,
)
from unet_course.inference.tiles import mirrored


class Picture:
    """An image, in memory or in a file, of which windows can be had as float tensors.

    Parameters
    ----------
    image : ndarray, Tensor, memory-mapped array or path
        See `unet_course.predict`.

    Attributes
    ----------
    shape : tuple
        (N, C, H, W).
    batched : bool
        Whether the image had four axes.
    """

    def __init__(self, image):
        self.on_disk = isinstance(image, (str, os.PathLike, np.memmap))
        array = open_input(image) if self.on_disk else image
        if not self.on_disk and not isinstance(array, torch.Tensor):
            array = np.asarray(array)
            if array.dtype.kind != "f" or array.dtype.itemsize > 8:
                raise ValueError(f"image has dtype {array.dtype}; wanted float scaled to about 0..1: use "
                                 "unet_course.data.normalise")
            array = torch.from_numpy(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")))
        if array.ndim not in (2, 3, 4):
            raise ValueError(f"image has shape {tuple(array.shape)}; wanted (H, W), (C, H, W) or (N, C, H, W)")
        if 0 in array.shape:
            raise ValueError(f"image has shape {tuple(array.shape)}; wanted at least one pixel")
        self.batched = array.ndim == 4
        self.array = array[(None,) * (4 - array.ndim)]
        self.shape = tuple(self.array.shape)
        if self.on_disk:
            self.nodata = nodata(image) if isinstance(image, (str, os.PathLike)) else None
            self.nodata = missing_value(array) if self.nodata is None else self.nodata
            self.limits = channel_limits(self.array, self.nodata)
        elif not array.is_floating_point():
            raise ValueError(f"image has dtype {array.dtype}; wanted float scaled to about 0..1: "
                             "use unet_course.data.normalise")

    def window(self, rows, columns, *, mirror):
        """The pixels from rows[0] to rows[1] and columns[0] to columns[1]; what lies outside is mirrored, or zero.

        Returns
        -------
        Tensor of float32, shape (N, C, rows, columns)
        """
        height, width = self.shape[-2:]
        if mirror:
            places = mirrored(*rows, height), mirrored(*columns, width)
        else:
            places = [torch.arange(max(a, 0), min(b, size)) for (a, b), size in zip((rows, columns), (height, width))]
        box = [slice(int(p.min()), int(p.max()) + 1) for p in places]
        part = self.array[..., box[0], box[1]]
        if self.on_disk:
            part = np.stack([stretch(np.array(part[:, k], dtype=np.float64), *limits, self.nodata)
                             for k, limits in enumerate(self.limits)], axis=1)
            part = torch.from_numpy(part)
            release(self.array)
        part = part.detach().cpu().float()
        if not torch.isfinite(part).all():
            raise ValueError("image has NaN or infinite values; replace them first, for instance with numpy.nan_to_num")
        if mirror:
            return part[..., places[0] - box[0].start, :][..., places[1] - box[1].start]
        missing = [n for (a, b), size in ((columns, width), (rows, height)) for n in (max(-a, 0), max(b - size, 0))]
        return torch.nn.functional.pad(part, missing)


def open_input(image):
    """An image with the axes that a network takes, mapped into memory where its format allows that.

    Parameters
    ----------
    image : path or memory-mapped array

    Returns
    -------
    ndarray or memmap, shape (H, W), (C, H, W) or (N, C, H, W)
        Not scaled.
    """
    if isinstance(image, (str, os.PathLike)):
        page = _only_page(Path(image))
        if page is not None:
            return channels_first(page)
        image = open_image(image)
    # Arrays and stacks say nothing of their axes; colours mostly come last.
    last = image.ndim == 3 and image.shape[-1] in (3, 4) and image.shape[0] > 4
    return np.moveaxis(image, -1, 0) if last else image


def _only_page(path):
    """The page of an image file that has one, with the axes of `read_page`; else None."""
    if not path.is_file() or not (is_tiff(path) or path.suffix.lower() in SUFFIXES):
        return None
    try:
        if count_pages(path) > 1:
            return None
        if is_tiff(path):
            with contextlib.suppress(Exception), tiff_pages(path, mapped=True) as pages:
                return pages[0]()
        return read_page(path)  # it says what is wrong with a file
    except ValueError as error:
        raise ValueError(f"image {error}") from error


def open_image(path):
    """Map an image file into memory without reading it, where its format allows that.

    Parameters
    ----------
    path : path
        ``.npy`` and TIFF (not compressed) are mapped; what `read_pages` or scikit-image can read otherwise is read whole.

    Returns
    -------
    ndarray or memmap

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"image is {path.name!r}, and there is no such file; check the path")
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        if is_tiff(path):
            import tifffile  # late: importing it takes a while

            count_pages(path)  # refuses what is cut short, or claims more than it has
            with contextlib.suppress(ValueError):  # compressed: it has to be read whole
                return tifffile.memmap(path, mode="r")
        elif path.suffix.lower() not in SUFFIXES:
            from skimage.io import imread

            return imread(path)
        pages = list(read_pages(path))
        return pages[0] if len(pages) == 1 else np.stack(pages)
    except Exception as error:  # each reader has its own kinds
        if str(error).startswith(path.name):
            raise ValueError(f"image {error}") from error
        raise ValueError(f"image {path.name!r} cannot be read ({type(error).__name__}); it is damaged or no image: wanted "
                         ".npy, .tif, .png or another format that scikit-image reads") from error


class Output:
    """Where the bands of a result go: a new array, an array of yours, or a file that appears when it is complete.

    Parameters
    ----------
    out : None, writable ndarray, or path ending in .npy, .tif or .tiff
    shape : tuple
        Of the whole result, rows and columns last.
    dtype : dtype
    until : ExitStack
        The file gets its name when this ends, and is removed if it ends with an error.
    """

    def __init__(self, out, shape, dtype, until):
        self.path = None
        if out is None:
            self.array = np.zeros(shape, dtype)
        elif isinstance(out, np.ndarray):
            if out.shape != tuple(shape) or out.dtype != dtype or not out.flags.writeable:
                raise ValueError(f"out has shape {out.shape} and dtype {out.dtype}; wanted a writable array of shape "
                                 f"{tuple(shape)} and dtype {np.dtype(dtype)}")
            self.array = out
        else:
            self.path = output_path(out)
            beside = until.enter_context(written(self.path))
            self.array = _create(beside, self.path.suffix.lower(), tuple(shape), dtype)
            until.callback(setattr, self, "array", None)  # Windows renames no file that is open

    def write(self, top, band):
        """Put the rows of `band` in their place, beginning with row `top`."""
        self.array[..., top : top + band.shape[-2], :] = band
        if isinstance(self.array, np.memmap):
            self.array.flush()
            release(self.array)

    def result(self):
        """What was written, once the file has its name."""
        return self.array if self.path is None else open_image(self.path)


def output_path(out):
    """The path of a result, if it is of a kind that can be written band by band."""
    path = Path(out)
    if path.suffix.lower() not in (".npy", ".tif", ".tiff"):
        raise ValueError(f"out is {path.name!r}; wanted a name that ends in .npy, .tif or .tiff")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"out is in the folder {path.parent.name!r}, which does not exist; make it first")
    return path


def _create(part, suffix, shape, dtype):
    if suffix == ".npy":
        return np.lib.format.open_memmap(part, mode="w+", dtype=dtype, shape=shape)
    import tifffile

    large = int(np.prod(shape)) * np.dtype(dtype).itemsize > 2**32 - 2**25
    return tifffile.memmap(part, shape=shape, dtype=dtype, bigtiff=large, photometric="minisblack")


def count_across(bands):
    """How many pieces a mask has that is seen band by band.

    Parameters
    ----------
    bands : iterable of array_like of bool, shape (rows, W)
        From the top to the bottom of the mask. One band, and the last row of the one above, are in
        memory at a time.

    Returns
    -------
    int
        Pixels that touch at a side or at a corner belong together.

    Examples
    --------
    >>> count_across([[[1, 0, 1]], [[1, 1, 1]], [[0, 0, 0]], [[0, 1, 0]]])
    2
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from skimage.measure import label

    used, above, pairs = 0, None, [np.zeros((2, 0), int)]
    for band in bands:
        if not len(band):
            continue
        numbered = label(np.asarray(band) != 0, connectivity=2)  # 1, 2, 3 … in this band
        numbered[numbered > 0] += used  # numbers that no earlier band has used
        used = max(used, int(numbered.max()))
        if above is not None:
            row = np.pad(numbered[0], 1)  # a pixel has three neighbours in the row above
            met = np.concatenate([[above, row[k : k + len(above)]] for k in range(3)], axis=1)
            pairs.append(met[:, (met > 0).all(axis=0)])
        above = numbered[-1].copy()
    a, b = np.concatenate(pairs, axis=1)
    meet = coo_matrix((np.ones(len(a)), (a, b)), shape=(used + 1, used + 1))
    return connected_components(meet, directed=False)[0] - 1  # 0, the background, is one of them
