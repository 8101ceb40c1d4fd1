"""TIFF files: their pages, whatever order of axes, and none from a file that lacks a part. (13)"""

import contextlib
import logging
import math
import threading

import numpy as np

MAX_PIXELS = 2**30  # of one page; a header that claims more is damaged, or the picture has to be cut into tiles
MAX_RATIO = 5000  # of a page to its file, in bytes; no compression that pictures use shrinks further


@contextlib.contextmanager
def tiff_pages(path, *, alpha=False, mapped=False):
    """The pages of a TIFF file as functions that read them, in their order.

    Parameters
    ----------
    path : Path
    alpha : bool, default False
        For masks: keep transparency, and of a palette the numbers, see `upright`. Otherwise colours
        without transparency.
    mapped : bool, default False
        Pages that are not compressed become memory-mapped arrays, of any size.

    Yields
    ------
    list of callable
        Each returns an ndarray (H, W) or (H, W, C). Call them while the context is open.

    Raises
    ------
    ValueError
        If a part of the file is missing, or a page claims more pixels than can be.

    Notes
    -----
    A colour or channel axis stays with its page; every other axis but the last two (depth, time, position …) counts pages.
    Thumbnails and smaller copies are passed over. Pages are turned as the file says.

    Examples
    --------
    >>> import tempfile, pathlib, tifffile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "stack.tif"
    ...     tifffile.imwrite(path, np.zeros((3, 4, 5), np.uint8), photometric="minisblack")
    ...     with tiff_pages(path) as pages:
    ...         print([read().shape for read in pages])
    [(4, 5), (4, 5), (4, 5)]
    """
    import tifffile  # late: importing it takes a while

    with _complaints() as complaints, tifffile.TiffFile(path, _multifile=False) as file:
        found = []
        for series in file.series:
            first = series.keyframe
            if not (first.is_reduced or first.is_mask):
                found += [(number, _as_seen(series, read, alpha))
                          for number, read in _of_series(file, series, mapped)]
        found.sort(key=lambda entry: entry[0])  # pages of one size are one series, wherever they stand
        if complaints or not found:
            raise ValueError(complaints[0] if complaints else "it has no picture in it")
        yield [read for _, read in found]
        if complaints:
            raise ValueError(complaints[0])


def _as_seen(series, read, alpha):
    """A page as it is displayed: turned as the file says, in colours, without transparency.

    With `alpha`, transparency stays, and of a palette the numbers: so masks are kept.
    """
    first = series.keyframe
    turn = TURNS.get(int(first.tags.valueof("Orientation", default=1)), lambda page: page)
    colours = dict(zip(series.axes, series.shape)).get("S", 1)
    # one sample more than the colours is transparency only where the file says so; 0: unspecified
    transparent = not alpha and colours > 1 and set(first.extrasamples[-1:]) & {1, 2}
    kept = (..., slice(colours - 1) if colours > 2 else 0) if transparent else ...
    white_is_0 = int(first.photometric) == 0 and first.bitspersample == 1
    palette = first.colormap if int(first.photometric) == 3 else None

    def shown():
        page = read()[kept]
        if white_is_0:  # black and white: what is seen counts
            page = 1 - page.astype(np.uint8)
        elif palette is not None:
            page = (upright(page, palette.T // 257) if alpha
                    else np.moveaxis(palette[:, page] // 257, 0, -1).astype(np.uint8))
        return turn(page)
    return shown


# What the tag Orientation asks for, on axes (H, W, ...); as EXIF has it, too.
TURNS = {2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
         5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1),
         7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: np.rot90}


def upright(numbers, palette):
    """Numbers of a mask with a palette; where white is 0 and black 1, the other way round.

    Then what is seen, and not the numbers, is what was drawn. A whole ramp from white to black
    (ImageJ's inverted look-up table) is not meant: there the numbers count.

    Parameters
    ----------
    numbers : ndarray of int, shape (H, W)
    palette : array_like, shape (colours, 3)

    Returns
    -------
    ndarray of the same shape

    Examples
    --------
    >>> upright(np.array([0, 1, 1]), [(255, 255, 255), (0, 0, 0)]).tolist()
    [1, 0, 0]
    """
    palette = np.asarray(palette, dtype=np.int64).reshape(-1, 3)
    used = np.unique(numbers)
    low, high = (0, 1) if used[-1] <= 1 else (used[0], used[-1])
    ramp = len(palette) == 256 and (np.diff(palette.sum(axis=1)) < 0).all()
    if len(used) > 2 or high >= len(palette) or ramp:
        return numbers
    (first, second), grey = palette[[low, high]].sum(axis=1), np.ptp(palette[[low, high]], axis=1)
    return low + high - numbers if first > second and not grey.any() else numbers


def _of_series(file, series, mapped):
    """(number of the first page, function that reads) for each item of a series."""
    kept = [k for k, (axis, size) in enumerate(zip(series.axes, series.shape)) if size != 1 or axis in "YX"]
    axes, shape = "".join(series.axes[k] for k in kept), tuple(series.shape[k] for k in kept)
    if len(axes) == 3 and axes[1:] == "YX" and axes[0] in "QI" and shape[2] <= 4 and min(shape[:2]) >= 16:
        axes = "YXS"  # an array (H, W, C), which was stored as H pages of W × C
    colour = [k for k, axis in enumerate(axes) if axis in "SC"]
    if "Y" not in axes or "X" not in axes or len(colour) > 1:
        raise ValueError(f"its axes are {axes}, of sizes {shape}")
    inner = [axes.index("Y"), axes.index("X"), *colour]
    outer = [k for k in range(len(axes)) if k not in inner]
    page_shape = [shape[k] for k in inner]
    _check_size(page_shape, series.dtype, file.filehandle.size, series.keyframe.compression == 1)
    count = math.prod(shape[k] for k in outer)
    if series.dataoffset is not None:
        return _contiguous(file, series, shape, outer, inner, mapped)

    # Each page of the file holds the last axes; those before count the pages.
    before = len(axes) - len(series.keyframe.shape)
    if any(k >= before for k in outer) or any(k < before for k in inner[:2]):
        raise ValueError(f"its axes are {axes}, of sizes {shape}")
    numbers = np.arange(math.prod(shape[:before])).reshape(shape[:before])
    stacked = [k for k in colour if k < before]
    numbers = np.moveaxis(numbers, stacked, [-1] * len(stacked)).reshape(count, -1)
    within = [axes[before:].index(axes[k]) for k in inner if k >= before]
    for page in series.pages:
        _check_page(file, page)

    def reader(row):
        def read():
            _check_pixels(page_shape)
            planes = [np.transpose(_page(file, series.pages[int(k)]), within) for k in row]
            return np.stack(planes, axis=-1) if stacked else planes[0]
        return read
    return [(series.pages[int(row[0])].index, reader(row)) for row in numbers]


def _contiguous(file, series, shape, outer, inner, mapped):
    """Items of a series whose numbers lie in the file one after the other."""
    dtype = np.dtype(series.dtype).newbyteorder(file.byteorder)
    if series.dataoffset + math.prod(shape) * dtype.itemsize > file.filehandle.size:
        raise ValueError("it ends before its last page does")
    places = np.ndindex(*(shape[k] for k in outer))

    def reader(place):
        def read():
            if not mapped:
                _check_pixels([shape[k] for k in inner])
            whole = np.memmap(file.filehandle.path, dtype, "r", series.dataoffset, shape).transpose(outer + inner)
            return whole[place] if mapped else np.array(whole[place], dtype=dtype.newbyteorder("="))
        return read
    return [(series.keyframe.index + k, reader(place)) for k, place in enumerate(places)]


def _page(file, page):
    """The numbers of one page; what tifffile has no decoder for, Pillow may have."""
    try:
        return page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        from PIL import Image

        try:
            with Image.open(file.filehandle.path, formats=("TIFF",)) as image:
                image.seek(page.index)
                picture = np.asarray(image)
        except Exception:
            picture = None
        if picture is None or picture.shape != page.shape or page.photometric not in (1, 2, 3):
            raise ValueError("its compression needs another package: pip install imagecodecs, or save it without "
                             "compression") from error
        return picture


def _check_size(shape, dtype, file_size, raw):
    claimed = math.prod(shape) * np.dtype(dtype).itemsize
    if not 0 < claimed <= file_size * (8 if raw else MAX_RATIO):
        raise ValueError(f"it claims {' × '.join(map(str, shape))} pixels, and has {file_size} bytes")


def _check_pixels(shape):
    if math.prod(shape[:2]) > MAX_PIXELS:
        raise ValueError(f"it has {shape[0]} × {shape[1]} pixels, too many to read at once: cut it into tiles")


def _check_page(file, page):
    size = file.filehandle.size
    if any(count and offset + count > size for offset, count in zip(page.dataoffsets, page.databytecounts)):
        raise ValueError("it ends before its last page does")


@contextlib.contextmanager
def _complaints():
    """What tifffile reports as an error, while it goes on with the rest of a file, in this thread."""
    found, here = [], threading.get_ident()

    class Listener(logging.Handler):
        def emit(self, record):
            if record.thread == here:
                found.append(record.getMessage().split("> ", 1)[-1][:120])
    logger, listener = logging.getLogger("tifffile"), Listener(logging.ERROR)
    logger.addHandler(listener)
    try:
        yield found
    finally:
        logger.removeHandler(listener)
