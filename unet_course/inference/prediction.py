"""From an image of any size to a probability for every class at every pixel. (00 08)"""

import contextlib
import itertools

import numpy as np
import torch

from unet_course.data.files.bars import tqdm
from unet_course.inference.fast import TILE, has_bf16, ready
from unet_course.inference.large import Output, Picture, output_path
from unet_course.inference.tiles import reach, spans, weights
from unet_course.unet import output_size


def predict(model, image, *, tile=None, overlap=None, border=None, blend=False, flips=False, batch_size=1,
            classes=False, out=None, bf16=False, progress=True):
    """Run a trained network on one image, or a batch, of any size; large ones tile by tile.

    Parameters
    ----------
    model : Module
        Returns logits ``(N, K, H, W)``. Its training mode is put back afterwards.
    image : array_like of float, shape (H, W), (C, H, W) or (N, C, H, W); or path; or memory-mapped array
        Arrays are scaled to about 0 to 1, as `normalise` and `load_nuclei` give it. Of a file (``.npy``, ``.tif``; others
        are read whole) or a memory-mapped array only a tile at a time is in memory; its numbers, of
        whatever type, are scaled as `normalise` does, by percentiles that are counted first.
    tile : int, optional
        Side, in pixels, of the square that is computed at a time. Not given: the whole image at once; 624 for a file, and
        for a large image on a CPU, which is faster so: memory for whole layers takes time to hand out.
    overlap : int, optional
        Pixels of surroundings that each tile is shown on each side, at least. Not given: as many as the network can
        see, measured by `reach`, so that tiles and whole give the same result.
    border : {"zero", "mirror"}, optional
        What the network is shown outside of the image. "zero": the zeros with which its convolutions pad anyway, as in
        training. "mirror": the image mirrored, as in the paper. Not given: "zero", but "mirror" for ``padding=0``.
    blend : bool, default False
        Fade neighbouring tiles into each other over the inner half of the overlap. Only useful with an `overlap` that
        is smaller than the network's reach.
    flips : bool, default False
        Average over the four mirrored versions of the image (test-time augmentation); takes four times as long.
    batch_size : int, default 1
        Tiles computed together.
    classes : bool, default False
        Return the most probable class of each pixel, uint8, instead of probabilities: 1 byte instead of 4·K.
    out : path ending in .npy or .tif, or writable array, optional
        Write the result there, band by band. A file appears under its name when it is complete, and not before.
    bf16 : bool or "auto", default False
        Compute in bfloat16, with about three digits: faster where the processor has instructions for it, and nearly all
        classes stay the same. "auto": there.
    progress : bool, default True
        Draw a progress bar if there is more than one tile.

    Returns
    -------
    Tensor of float32, shape (K, H, W), or (N, K, H, W) for a batch
        Probabilities on the CPU; they add up to 1 over the classes. ``.argmax(0)`` is the mask. With ``classes=True`` a
        Tensor of uint8, (H, W) or (N, H, W). With `out`, the array, or the file as a memory-mapped array, read-only.

    Raises
    ------
    ValueError
        If the image has another number of axes, is empty, is not float or has NaN or infinite values, or its file is
        damaged; if an option is out of range.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    The network is not changed: a twin is used, into whose convolutions batch norm is folded (`unet_course.inference.fast`).
    Overlap-tile: Ronneberger et al. (2015), section 2. Windows begin at multiples of the network's step (the factor of all
    its pools), otherwise the pools would meet other pixels than in the whole image.

    Examples
    --------
    >>> from unet_course import UNet
    >>> model = UNet(channels=(4, 8)).eval()
    >>> image = np.random.default_rng(0).random((37, 150), dtype="float32")
    >>> whole, tiled = predict(model, image), predict(model, image, tile=32, progress=False)
    >>> whole.shape, torch.allclose(whole, tiled, atol=1e-5)
    (torch.Size([2, 37, 150]), True)
    """
    valid = getattr(model, "padding", 1) == 0
    border = border or ("mirror" if valid else "zero")
    _check_options(tile, overlap, border, batch_size)
    if out is not None and not isinstance(out, np.ndarray):
        output_path(out)  # refused now, not after an hour
    picture = Picture(image)
    size = picture.shape[-2:]
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    if bf16 not in (True, False, "auto"):
        raise ValueError(f'bf16 is {bf16!r}; wanted True, False or "auto"')
    if tile is None and picture.on_disk:
        tile = TILE
    large = device.type == "cpu" and size[0] * size[1] >= 5 * TILE**2
    if tile is None and large and not valid and border == "zero" and not flips and hasattr(model, "encoders"):
        tile = TILE
    wanted = getattr(model, "in_channels", picture.shape[1])
    if picture.shape[1] != wanted:
        last = picture.shape[-1] == wanted
        raise ValueError(f"image has {picture.shape[1]} channels (shape {picture.shape}); this network has "
                         f"in_channels={wanted}: " + ("bring the last axis forward, numpy.moveaxis(image, -1, 0)" if last else
                            f"give it images of {wanted}, as in its training"))
    overlap, step = _surroundings(model, picture, tile, overlap, border)
    options = dict(beyond=border == "mirror", aligned_end=flips)
    if valid:
        options = dict(beyond=True, valid=lambda n: output_size(n, len(model.encoders)))
    grid = [spans(n, tile or n, overlap, step, **options) for n in size]
    fade = overlap // 2 if blend and not valid else 0

    modes = [(part, part.training) for part in model.modules()]  # a part may be frozen while the rest is trained
    model.eval()
    twin = Runner(model, device, has_bf16(device) if bf16 == "auto" else bf16)
    result = None
    try:
        with contextlib.ExitStack() as until:
            early = classes and not fade  # each pixel has one tile: its class is kept, not its probabilities
            for top, band in _bands(twin, picture, grid, fade, border == "mirror", flips, batch_size,
                                    progress, _most_probable if early else None):
                if classes and not early:
                    band = _most_probable(band)
                band = band if picture.batched else band[0]
                if result is None:
                    result = Output(out, (*band.shape[:-2], *size),
                                    np.uint8 if classes else np.float32, until)
                result.write(top, band.numpy())
        done = result.result()
    finally:
        for part, training in modes:
            part.training = training
    return torch.from_numpy(done) if out is None else done


def _bands(model, picture, grid, fade, mirror, flips, batch_size, progress, change=None):
    """Yield (first row, probabilities (N, K, rows, W)) from the top to the bottom of the image.

    `change` is what is made of the probabilities of each tile, such as its classes.
    """
    rows, columns = grid
    height, width = picture.shape[-2:]
    top, band = 0, None
    with tqdm(total=len(rows) * len(columns), disable=not progress or len(rows) * len(columns) == 1, desc="tiles",
              unit="tile", leave=False) as bar:
        for r, row in enumerate(rows):
            first_row, by_row = weights(rows, r, fade)
            for chunk in _alike(columns, batch_size):
                shown = [picture.window((row.shown_start, row.shown_stop), (columns[c].shown_start, columns[c].shown_stop),
                                        mirror=mirror) for c in chunk]
                parts = _probabilities(model, torch.cat(shown), flips).split(picture.shape[0])
                for c, part in zip(chunk, parts):
                    first_column, by_column = weights(columns, c, fade)
                    y, x = first_row - row.out_start, first_column - columns[c].out_start
                    part = part[..., y : y + len(by_row), x : x + len(by_column)]
                    if part.shape[-2:] != (len(by_row), len(by_column)):
                        raise ValueError("model returns less than it is shown; predict takes networks whose output has the "
                                         "size of the image, and UNet(padding=0)")
                    part = change(part) if change else part
                    bar.update()
                    if len(rows) * len(columns) == 1:  # the whole image
                        band = part
                        continue
                    if band is None:
                        most = max(min(each.stop + fade, height) - max(each.start - fade, 0) for each in rows)
                        room = part.new_zeros(*part.shape[:-2], most, width)  # for all bands, one after the other
                        band = room[..., : min(row.stop + fade, height), :]
                    place = (..., slice(first_row - top, first_row - top + len(by_row)),
                             slice(first_column, first_column + len(by_column)))
                    band[place] += part if not fade else part * by_row[:, None] * by_column
            # Rows that no later tile adds to are finished; the rest is carried on.
            finished = height if r == len(rows) - 1 else max(rows[r + 1].start - fade, top)
            yield top, band[..., : finished - top, :]
            if r < len(rows) - 1:
                rest = band[..., finished - top :, :].clone()
                band = room[..., : min(rows[r + 1].stop + fade, height) - finished, :].zero_()
                band[..., : rest.shape[-2], :] = rest
                top = finished


def _most_probable(band):
    """The class (N, rows, W) of uint8 with the highest of the probabilities (N, K, rows, W).

    As `argmax`, which takes ten times as long along an axis of a few, and 8 bytes for each pixel.
    """
    best, classes = band[:, 0].clone(), torch.zeros_like(band[:, 0], dtype=torch.uint8)
    for k in range(1, band.shape[1]):
        classes.masked_fill_(band[:, k] > best, k)
        torch.maximum(best, band[:, k], out=best)
    return classes


def _alike(columns, batch_size):
    """Neighbouring tiles whose windows are of one width, at most `batch_size` together."""
    for _, group in itertools.groupby(range(len(columns)), key=lambda c: columns[c].shown_stop - columns[c].shown_start):
        group = list(group)
        yield from (group[i : i + batch_size] for i in range(0, len(group), batch_size))


class Runner:
    """What turns windows into probabilities: a network made ready, see `ready`."""

    def __init__(self, model, device, bf16):
        self.device, self.bf16 = device, bf16
        # A network of somebody's own may keep things in itself while it runs: it runs as it is.
        known = all(type(part).__module__.startswith(("torch.nn.", "unet_course."))
                    for part in model.modules())
        self.model = ready(model, bf16) if known else model
        self.bf16 = bf16 and known

    def __call__(self, x):
        x = x.to(self.device, torch.bfloat16 if self.bf16 else x.dtype, memory_format=torch.channels_last)
        return self.model(x).float().contiguous().softmax(dim=1)


def _probabilities(model, x, flips):
    with torch.no_grad():
        if flips:
            ways = (), (-1,), (-2,), (-2, -1)
            found = sum(model(x.flip(axes)).flip(axes).cpu() for axes in ways) / len(ways)
        else:
            found = model(x).cpu()
    if not torch.isfinite(found.sum()):  # none of a softmax's numbers is above 1
        raise ValueError("image gives NaN or infinite scores; wanted values of about 0..1: use "
                         "unet_course.data.normalise; if it has them, the weights of the model are damaged")
    return found


def _surroundings(model, picture, tile, overlap, border):
    """How many pixels around a tile, and the step of the network; measured only where they are not known."""
    known = 2 ** len(model.encoders) if hasattr(model, "encoders") else None
    if tile is None and border == "zero" or getattr(model, "padding", 1) == 0:
        return 0, known or 1
    if known and overlap is not None:
        return overlap, known
    measured = reach(model, channels=picture.shape[1])
    return measured.margin if overlap is None else overlap, measured.step


def _check_options(tile, overlap, border, batch_size):
    if tile is None and overlap is not None:
        raise ValueError("overlap is given without tile; give both, or neither for the whole image at once")
    for name, value, least in (("tile", tile, 1), ("overlap", overlap, 0), ("batch_size", batch_size, 1)):
        if value is not None and (not isinstance(value, int) or value < least):
            raise ValueError(f"{name} is {value!r}; wanted a whole number of pixels, at least {least}"
                             if name != "batch_size" else f"batch_size is {value!r}; wanted at least 1 tile")
    if border not in ("zero", "mirror"):
        raise ValueError(f'border is {border!r}; wanted "zero" or "mirror"')


def pick_device():
    """The fastest device here: CUDA, else Apple's MPS, else the CPU.

    Returns
    -------
    torch.device

    Examples
    --------
    >>> pick_device().type in ("cuda", "mps", "cpu")
    True
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
