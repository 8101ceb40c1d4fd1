"""The geometry of tiles: surroundings, windows, and how neighbours are faded. (08)"""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch


def overlap_tile(run, image, tile, margin):
    """Run a network over an image, tile by tile, each with its surroundings.

    Parameters
    ----------
    run : callable
        Turns a window (h, w) into a result of the same size.
    image : Tensor, shape (H, W)
    tile : int
        Side of the square, in pixels, that each tile answers for; the last ones may be cut off.
    margin : int
        Pixels that it is shown around that, on each side, mirrored at the image's border.

    Returns
    -------
    Tensor, shape (H, W)

    Examples
    --------
    >>> overlap_tile(lambda window: 2 * window, torch.eye(3), 2, 1).diagonal()
    tensor([2., 2., 2.])
    """
    height, width = image.shape
    padded = torch.from_numpy(np.pad(image.numpy(), margin, mode="reflect"))
    result = torch.empty_like(image)
    for r in range(0, height, tile):
        for c in range(0, width, tile):
            bottom, right = min(r + tile, height), min(c + tile, width)
            shown = run(padded[r : bottom + 2 * margin, c : right + 2 * margin])
            middle = shown[margin : margin + bottom - r, margin : margin + right - c]
            result[r:bottom, c:right] = middle
    return result


@dataclass(frozen=True)
class Reach:
    """What a network asks of a tile, in pixels.

    Attributes
    ----------
    margin : int
        Surroundings on each side that an output pixel may depend on.
    step : int
        Moving the image by a multiple of this moves the output by as much: the factor of all pools together.
    """

    margin: int
    step: int


def reach(model, *, channels=None):
    """Measure how far a network sees, by putting NaN into half of an image and looking how far it spreads.

    Parameters
    ----------
    model : Module
        A network that keeps H and W, or a `UNet` of either padding. Left as it is; a copy is measured.
    channels : int, optional
        Channels of the image; `model.in_channels` or 1 if not given.

    Returns
    -------
    Reach

    Raises
    ------
    ValueError
        If every output depends on the whole image, as with a norm over the image or global pooling.

    Notes
    -----
    NaN times anything is NaN, so that no weight can hide a connection. The margin is counted from a place where all
    pools begin a new square. For a `UNet` with transposed convolutions and two pools or more it is ``6 · 2**pools - 2``;
    the network without padding takes off ``6 · 2**pools - 4``, the paper's 92 on each side, because its sizes are
    chosen so that no pool has to round.

    Examples
    --------
    >>> from unet_course import UNet
    >>> reach(UNet(channels=(4, 8, 16, 32)))
    Reach(margin=46, step=8)
    >>> reach(UNet(channels=(4, 8, 16, 32, 64), padding=0))
    Reach(margin=92, step=16)
    """
    channels = channels or getattr(model, "in_channels", 1)
    if getattr(model, "padding", 1) == 0:
        pools = len(model.encoders)
        return Reach(6 * 2**pools - 4, 2**pools)
    twin = copy.deepcopy(model).cpu().double().eval()
    # In double precision, for which torch computes plainly: a fast algorithm that works on small squares would spread NaN.
    with torch.inference_mode():
        step = _step(twin, channels)
        margin = max(_margin(twin, channels, step, axis) for axis in (-2, -1))
    return Reach(margin, step)


def _margin(model, channels, step, axis):
    for half in (64, 128, 256, 512, 1024):
        half = math.ceil(half / step) * step
        shape = [1, channels, step, step]
        shape[axis] = 2 * half
        lower = torch.zeros(shape, dtype=torch.float64)
        lower.narrow(axis, half, half).fill_(math.nan)
        spread = []
        for image in (lower, lower.flip(axis)):
            touched = model(image).isnan().movedim(axis, 0).flatten(1).any(dim=1)
            spread.append(int(touched.sum()) - half)
        if max(spread) < half - step:
            return max(spread)
    raise ValueError("model sees the whole image at every pixel (a norm over the image, or global pooling?), so that no "
                     "margin makes tiles equal to the whole; give overlap yourself")


def _step(model, channels):
    """The smallest power of two by which the network can be shifted."""
    if hasattr(model, "encoders"):
        return 2 ** len(model.encoders)
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, channels, 512, 64, dtype=torch.float64, generator=generator)
    whole = model(image)
    for step in (1, 2, 4, 8, 16, 32):
        moved = model(image[..., step:, :])
        inner = (..., slice(224, 256), slice(None))
        if torch.allclose(whole[..., step:, :][inner], moved[inner], rtol=1e-9, atol=1e-12):
            return step
    return 64


@dataclass(frozen=True)
class Span:
    """One tile along one axis: the pixels it answers for, and the pixels it is shown. May reach beyond the image.

    For a network without padding, `shown` is larger than what comes out; `out` says where its output begins.
    """

    start: int
    stop: int
    shown_start: int
    shown_stop: int
    out_start: int


def spans(size, tile, overlap, step, *, beyond, aligned_end=False, valid=None):
    """Cut one axis of the image into tiles.

    Parameters
    ----------
    size : int
        Pixels of the image along this axis.
    tile : int
        Pixels that a tile answers for; the last one may be shorter.
    overlap : int
        Surroundings that it is shown on each side, at least.
    step : int
        Windows begin at multiples of it, so that the pools meet the same pixels as in the whole image.
    beyond : bool
        Whether a window may reach beyond the image.
    aligned_end : bool
        Also let the windows end as far from the image's end as a multiple of `step`, for mirrored images.
    valid : callable, optional
        For a network without padding: ``valid(n)`` is the size of its output for a window of n pixels.

    Returns
    -------
    list of Span

    Examples
    --------
    >>> [(s.shown_start, s.shown_stop) for s in spans(100, 40, 12, 8, beyond=False)]
    [(0, 56), (24, 96), (64, 100)]
    """
    found = []
    for start in range(0, size, tile):
        stop = min(start + tile, size)
        if valid:
            first = _down(start, step)
            # A window whose pools all meet even sizes, and whose output reaches far enough.
            window = next(n for n in range(_down(stop - first, step), 2**62, 2)
                          if (n + 4) % step == 0 and valid(n) >= stop - first)
            shown = first - (window - valid(window)) // 2
            found.append(Span(start, stop, shown, shown + window, first))
            continue
        slack = step if aligned_end and not beyond else 0
        low = _down(start - overlap - slack, step)
        high = _down(stop + overlap + step - 1, step)
        if aligned_end and not beyond:
            high = size - _down(size - stop - overlap - slack, step)
        if not beyond:
            low, high = max(low, 0), min(high, size)
        found.append(Span(start, stop, low, high, low))
    return found


def _down(value, step):
    return value // step * step


def mirrored(start, stop, size):
    """Which pixels stand at the places `start` … `stop` if the image is mirrored at both ends, again and again.

    Examples
    --------
    >>> mirrored(-3, 8, 5).tolist()
    [3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1]
    """
    places = torch.arange(start, stop)
    if size == 1:
        return torch.zeros_like(places)
    places = places % (2 * size - 2)
    return torch.where(places < size, places, 2 * size - 2 - places)


def weights(tiles, index, fade):
    """How much the tile with this index counts at each pixel, from `fade` pixels before it to `fade` pixels after it.

    Neighbours are faded into each other along a ramp of ``2 · fade`` pixels around the border between them; the
    weights of all tiles add up to 1 at each pixel.

    Returns
    -------
    (int, Tensor of float32)
        First pixel, and the weights from there on.

    Examples
    --------
    >>> first, second = (weights(spans(8, 4, 2, 1, beyond=False), i, 2)[1] for i in (0, 1))
    >>> first.tolist(), second.tolist()
    ([1.0, 1.0, 0.875, 0.625, 0.375, 0.125], [0.125, 0.375, 0.625, 0.875, 1.0, 1.0])
    """
    last = tiles[-1].stop
    low = max(tiles[index].start - fade, 0)
    pixels = torch.arange(low, min(tiles[index].stop + fade, last), dtype=torch.float32) + 0.5

    def risen(border):
        if border <= 0 or border >= last:
            return torch.full_like(pixels, float(border <= 0))
        return ((pixels - border + fade) / (2 * fade)).clamp(0, 1) if fade else (pixels > border).float()
    return low, risen(tiles[index].start) - risen(tiles[index].stop)
