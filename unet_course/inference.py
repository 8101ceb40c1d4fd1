"""From an image to a probability for every class at every pixel."""

import numpy as np
import torch


def predict(model, image, *, tile=None, overlap=None):
    """Run a trained network on one image, or a batch, of any size.

    Parameters
    ----------
    model : Module
        Returns logits ``(N, K, H, W)``. Its training mode is put back afterwards.
    image : array_like of float, shape (H, W), (C, H, W) or (N, C, H, W)
        Scaled to about 0 to 1, as `normalise` and `load_nuclei` give it.
    tile : int, optional
        Side, in pixels, of the square that is computed at a time; the whole image at once if not given.
    overlap : int, optional
        Pixels of surroundings that each tile is given on each side, mirrored at the image's border, and that are
        cut off afterwards. Default 32.

    Returns
    -------
    Tensor of float32, shape (K, H, W), or (N, K, H, W) for a batch
        Probabilities on the CPU; they add up to 1 over the classes. ``.argmax(0)`` is the mask.

    Raises
    ------
    ValueError
        If the image has another number of axes, is empty, is not float or has NaN or infinite values; if `tile` or
        `overlap` is out of range.

    Examples
    --------
    >>> from unet_course import UNet
    >>> predict(UNet(channels=(4, 8)), np.zeros((37, 50), dtype="float32")).shape
    torch.Size([2, 37, 50])
    """
    batch, single = _batch(image)
    if tile is None and overlap is not None:
        raise ValueError("overlap is given without tile; give both, or neither for the whole image at once")
    if tile is not None and tile < 1:
        raise ValueError(f"tile is {tile}; wanted at least 1 pixel")
    overlap = 32 if overlap is None else overlap
    if overlap < 0:
        raise ValueError(f"overlap is {overlap}; wanted 0 or more pixels")
    if getattr(model, "padding", 1) == 0:
        raise ValueError("model has padding=0, so its output is smaller than the image; "
                         "predict takes networks with padding=1")
    modes = [(part, part.training) for part in model.modules()]  # a part may be frozen while the rest is trained
    model.eval()
    try:
        with torch.inference_mode():
            if tile is None:
                result = _probabilities(model, batch)
            else:
                result = _tiled(model, batch, tile, overlap)
    finally:
        for part, training in modes:
            part.training = training
    result = result.clone()  # a tensor made in inference mode cannot be used in training
    return result[0] if single else result


def _probabilities(model, batch):
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    return model(batch.to(device)).float().softmax(dim=1).cpu()


def _tiled(model, batch, tile, overlap):
    height, width = batch.shape[-2:]
    # np.pad mirrors again and again where the margin is wider than the image; F.pad refuses.
    margins = [(0, 0), (0, 0), (overlap, overlap), (overlap, overlap)]
    padded = torch.from_numpy(np.pad(batch.numpy(), margins, mode="reflect"))
    result = None
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            part = _probabilities(model, padded[..., top : bottom + 2 * overlap, left : right + 2 * overlap])
            if result is None:
                result = part.new_empty(len(batch), part.shape[1], height, width)
            inner = part[..., overlap : overlap + bottom - top, overlap : overlap + right - left]
            result[..., top:bottom, left:right] = inner
    return result


def _batch(image):
    if not isinstance(image, torch.Tensor):
        image = torch.from_numpy(np.ascontiguousarray(image))
    if image.ndim not in (2, 3, 4):
        raise ValueError(f"image has shape {tuple(image.shape)}; wanted (H, W), (C, H, W) or (N, C, H, W)")
    if not image.is_floating_point():
        raise ValueError(f"image has dtype {image.dtype}; wanted float scaled to about 0..1: "
                         "use unet_course.data.normalise")
    if image.numel() == 0:
        raise ValueError(f"image has shape {tuple(image.shape)}; wanted at least one pixel")
    if not torch.isfinite(image).all():
        raise ValueError("image has NaN or infinite values; replace them first, for instance with numpy.nan_to_num")
    single = image.ndim < 4
    while image.ndim < 4:
        image = image[None]
    return image.detach().cpu().float(), single


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
