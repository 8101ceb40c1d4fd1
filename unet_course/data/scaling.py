"""From the numbers of an image file to the input of a network, scaled to 0 … 1. (01 13)"""

import contextlib
import mmap

import numpy as np

LOW, HIGH = 1.0, 99.8  # the percentiles of an image that become 0 and 1
BAND = 2**22  # pixels that are counted at a time


def network_input(page, nodata=None):
    """A page of an image file as a network is shown it, in training and ever after.

    Parameters
    ----------
    page : ndarray, shape (H, W) or (H, W, C)
        As `read_page` gives it.
    nodata : float, optional
        The number that stands where nothing was measured, if the file names one. Not given: as
        `missing_value` finds it.

    Returns
    -------
    ndarray of float32, shape (C, H, W)
        Each channel scaled by itself, as `normalise` does; 0 where nothing was measured.

    Raises
    ------
    ValueError
        As `normalise`.

    Examples
    --------
    >>> network_input(np.uint8([[0, 9], [9, 0]]))
    array([[[0., 1.],
            [1., 0.]]], dtype=float32)
    """
    image = channels_first(page)
    _check_type(image)
    nodata = missing_value(image) if nodata is None else nodata
    return np.stack([stretch(channel, *limits, nodata)
                     for channel, limits in zip(image, channel_limits(image, nodata))])


def channel_limits(image, nodata=None):
    """The two numbers of each channel that become 0 and 1.

    Parameters
    ----------
    image : ndarray or memory-mapped array, shape (C, H, W) or (N, C, H, W)
    nodata : float, optional
        A number that is left out.

    Returns
    -------
    list of (float, float)

    Examples
    --------
    >>> channel_limits(np.stack([np.arange(1001.0), 5 * np.arange(1001.0)])[:, None])
    [(10.0, 998.0), (50.0, 4990.0)]
    """
    return [percentiles(image[..., channel, :, :], nodata=nodata)
            for channel in range(image.shape[-3])]


NODATA = (-9999, -99999, -999999, -32768, -2147483648)  # as instruments and maps write them


def missing_value(image):
    """The number that stands in an image where nothing was measured, or None.

    That is the smallest number, or the largest, if it is one that is commonly written there, or
    negative and farther from all others than they are from each other, twice over.

    Parameters
    ----------
    image : ndarray or memory-mapped array, at least two axes

    Returns
    -------
    float or None

    Examples
    --------
    >>> missing_value(np.float32([[-9999, 3.5], [4, 5]])), missing_value(np.int16([[-1000, 0, 900]]))
    (-9999.0, None)
    """
    if image.dtype.kind not in "if":
        return None
    least, most = [], []  # the two smallest and the two largest numbers
    for band in _bands(image):
        band = band[np.isfinite(band)] if band.dtype.kind == "f" else band.ravel()
        for kept, first, beyond in ((least, np.min, np.greater), (most, np.max, np.less)):
            if band.size:
                end = first(band)
                others = band[beyond(band, end)]
                kept += [float(end), *([float(first(others))] if others.size else [])]
    least, most = sorted(set(least))[:2], sorted(set(most))[-2:]
    if len(least) < 2:
        return None
    (low, second), (below, high) = least, most
    far = low <= -99 and low == round(low) and second - low > 2 * (high - second)
    if low in NODATA and second > low + 1 or low <= -1e20 or far:
        return low
    return high if high >= 1e20 > below else None


def channels_first(page):
    """The axes of a page, (H, W) or (H, W, C), as those of a network: (C, H, W)."""
    return np.moveaxis(page, -1, 0) if page.ndim == 3 else page[None]


def normalise(image, *, low=LOW, high=HIGH, channel_axis=None):
    """Scale an image to 0 … 1 between two of its own percentiles, and clip what lies outside.

    Parameters
    ----------
    image : array_like, any shape, at least one pixel
        Any integer or float type.
    low, high : float, default 1.0 and 99.8
        Percentiles. The few brightest pixels are clipped, so that one bright speck does not make
        all else dark.
    channel_axis : int, optional
        The axis of colours or channels: each is scaled by itself, as pictures from files are. Not
        given: all numbers are scaled together.

    Returns
    -------
    ndarray of float32, same shape
        A constant image becomes zeros.

    Raises
    ------
    ValueError
        If the image is empty, complex or not numeric, or has NaN or infinite values.

    Examples
    --------
    >>> normalise([[100, 200], [300, 400]], low=0, high=100)
    array([[0.        , 0.33333334],
           [0.6666667 , 1.        ]], dtype=float32)
    """
    image = np.asarray(image)
    _check_type(image)
    if not 0 <= low < high <= 100:
        raise ValueError(f"low is {low} and high is {high}; wanted two percentiles, "
                         "0 <= low < high <= 100")
    if channel_axis is not None:
        channels = [normalise(c, low=low, high=high) for c in np.moveaxis(image, channel_axis, 0)]
        return np.moveaxis(np.stack(channels), 0, channel_axis)
    image = _as_double(image)
    return stretch(image, *np.percentile(image, [low, high]))


def stretch(image, bottom, top, nodata=None):
    """Scale numbers so that `bottom` becomes 0 and `top` 1; all zeros if there is nothing between.

    What equals `nodata` becomes 0, too.

    Examples
    --------
    >>> stretch(np.float64([1, 2, 5]), 1, 3)
    array([0. , 0.5, 1. ], dtype=float32)
    """
    if top <= bottom:
        return np.zeros(image.shape, dtype=np.float32)
    scaled = np.clip((image.astype(np.float64) - bottom) / (top - bottom), 0, 1)
    if nodata is not None:
        scaled[_is(image, nodata)] = 0
    return scaled.astype(np.float32)


def _is(numbers, value):
    return np.isnan(numbers) if value != value else numbers == value


def percentiles(array, low=LOW, high=HIGH, nodata=None):
    """Two percentiles of an image in a file, the same that `normalise` takes, counted band by band.

    Parameters
    ----------
    array : ndarray or memory-mapped array, at least two axes
    low, high : float
    nodata : float, optional
        A number that is left out. If there is no other, both are 0.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        As `normalise`.

    Examples
    --------
    >>> percentiles(np.arange(101, dtype=np.uint8).reshape(1, 101), 1, 50)
    (1.0, 50.0)
    """
    _check_type(array)
    size = array.size if nodata is None else sum(keys.size for keys in _keys(array, nodata))
    if size == 0:
        return 0.0, 0.0
    places = [(size - 1) * (percent / 100) for percent in (low, high)]
    ranks = sorted({int(rank) for place in places for rank in (np.floor(place), np.ceil(place))})
    found = dict(zip(ranks, _sorted_at(array, ranks, nodata)))

    def between(place):  # two neighbours in order of size, as numpy.percentile does it
        below, above = found[int(np.floor(place))], found[int(np.ceil(place))]
        share = place % 1
        return (below + (above - below) * share if share < 0.5
                else above - (above - below) * (1 - share))
    return tuple(map(between, places))


def _sorted_at(array, ranks, nodata=None):
    """Numbers at some places of the sorted array; each pass over it finds 16 bits more of them."""
    known = {rank: (0, rank) for rank in ranks}  # the upper bits, and the place among such numbers
    bits = 8 * _native(array.dtype).itemsize
    step = min(bits, 16)
    for shift in range(bits - step, -1, -step):
        counts = {upper: np.zeros(2**step, dtype=np.int64) for upper, _ in known.values()}
        for keys in _keys(array, nodata):
            lower = (keys >> shift) & (2**step - 1)
            upper = keys >> shift + step if shift + step < bits else np.zeros_like(keys)
            for wanted, count in counts.items():
                count += np.bincount(lower[upper == wanted].astype(np.int64), minlength=2**step)
        for rank, (upper, place) in known.items():
            reached = counts[upper].cumsum()
            digit = int(np.searchsorted(reached, place + 1))
            known[rank] = (upper << step) + digit, place - int(reached[digit - 1] if digit else 0)
    kind = _native(array.dtype)
    top = 1 << bits - 1
    for key, _ in known.values():
        if kind.kind == "i":
            key ^= top
        if kind.kind == "f":
            key = key ^ top if key & top else key ^ (2 * top - 1)
        yield float(np.array(key, dtype=f"u{bits // 8}").view(kind))


def _bands(array):
    """The numbers, some rows at a time."""
    rows = max(1, BAND // array.shape[-1])
    for index in np.ndindex(array.shape[:-2]):
        for first in range(0, array.shape[-2], rows):
            band = np.array(array[index][first : first + rows], dtype=_native(array.dtype))
            release(array)
            yield band


def _keys(array, nodata=None):
    """The numbers, band by band, as unsigned integers in the same order of size."""
    kind = _native(array.dtype)
    unsigned, top = np.dtype(f"u{kind.itemsize}"), 1 << 8 * kind.itemsize - 1
    for band in _bands(array):
        band = band.ravel() if nodata is None else band[~_is(band, nodata)]
        if kind.kind == "f" and band.size:
            _as_double(band)
        keys = band.view(unsigned)
        if kind.kind == "i":
            keys = keys ^ unsigned.type(top)
        if kind.kind == "f":  # of negative numbers all bits turn round, of others the sign
            keys = np.where(keys & unsigned.type(top), ~keys, keys | unsigned.type(top))
        yield keys


def _native(dtype):
    """The type in which numbers are counted; no unsigned integer is as long as a long double."""
    return np.dtype(np.float64) if dtype.itemsize > 8 else dtype.newbyteorder("=")


def _check_type(image):
    if image.dtype.kind not in "buif":
        raise ValueError(f"image has dtype {image.dtype}; wanted integers or floats")
    if image.size == 0:
        raise ValueError(f"image has shape {image.shape}; wanted at least one pixel")


def _as_double(image):
    """Numbers as float64, if they are all finite and none is too large."""
    if not np.isfinite(image).all():
        raise ValueError("image has NaN or infinite values; replace them first, for instance with "
                         "numpy.nan_to_num")
    with np.errstate(over="ignore"):  # what is too large is said below
        image = image.astype(np.float64)
    if max(image.max(), -image.min()) > 1e300:
        raise ValueError(f"image has values from {image.min():.3g} to {image.max():.3g}; wanted "
                         "numbers that can be subtracted from each other: replace what stands for "
                         "missing values")
    return image


def release(array):
    """Give the pages of a memory-mapped array back to the system, where a system can do that."""
    while array is not None and not isinstance(array, mmap.mmap):
        array = getattr(array, "base", None)
    if array is not None and hasattr(mmap, "MADV_DONTNEED"):
        with contextlib.suppress(ValueError, OSError):
            array.madvise(mmap.MADV_DONTNEED)
