"""Losses: what training makes small. All take logits, as `UNet` returns them."""

import torch
import torch.nn.functional as F


def cross_entropy(logits, target, *, weight=None):
    """Mean over the pixels of -log(probability given to the true class).

    Parameters
    ----------
    logits : Tensor, shape (N, K, H, W)
        Raw scores, no softmax: it is inside.
    target : Tensor of int64, shape (N, H, W)
        True class of each pixel, 0 … K-1.
    weight : sequence of float, optional
        One factor for each class; a rare class can be given a larger one. The mean is a weighted mean.

    Returns
    -------
    Tensor, a scalar

    Examples
    --------
    >>> round(cross_entropy(torch.zeros(1, 2, 1, 4), torch.tensor([[[0, 1, 1, 0]]])).item(), 4)
    0.6931
    """
    _check(logits, target)
    if weight is not None:
        weight = torch.as_tensor(weight, dtype=torch.float32, device=logits.device)
    return F.cross_entropy(logits.float(), target, weight=weight)


def dice_loss(logits, target, *, smooth=1.0):
    """One minus the soft Dice of the classes other than background, averaged over the classes.

    Parameters
    ----------
    logits : Tensor, shape (N, K, H, W)
        Raw scores; softmax is inside.
    target : Tensor of int64, shape (N, H, W)
    smooth : float, default 1.0
        Added above and below the line, in pixels, so that a class that is absent gives a loss near 0 and no
        division by zero.

    Returns
    -------
    Tensor, a scalar

    Notes
    -----
    Overlap and areas are summed over the whole batch before the division. Averaging the Dice of single images
    lets one empty image count as much as one with forty nuclei. After Milletari et al. (2016), arXiv 1606.04797.

    Examples
    --------
    >>> target = torch.tensor([[[0, 1, 1, 0]]])
    >>> sure = 50.0 * F.one_hot(target, 2).permute(0, 3, 1, 2)
    >>> round(dice_loss(sure, target).item(), 4)
    0.0
    """
    _check(logits, target)
    probabilities = logits.float().softmax(dim=1)
    truth = F.one_hot(target, logits.shape[1]).permute(0, 3, 1, 2).to(probabilities)
    overlap = (probabilities * truth).sum(dim=(0, 2, 3))
    areas = (probabilities + truth).sum(dim=(0, 2, 3))
    return 1 - ((2 * overlap + smooth) / (areas + smooth))[1:].mean()


def combined_loss(logits, target):
    """Cross-entropy plus Dice loss: the first teaches every pixel, the second minds the rare classes.

    Parameters
    ----------
    logits : Tensor, shape (N, K, H, W)
    target : Tensor of int64, shape (N, H, W)

    Returns
    -------
    Tensor, a scalar

    Examples
    --------
    >>> combined_loss(torch.zeros(1, 3, 8, 8), torch.zeros(1, 8, 8, dtype=torch.int64)).ndim
    0
    """
    return cross_entropy(logits, target) + dice_loss(logits, target)


def _check(logits, target):
    if logits.ndim != 4 or target.shape != logits.shape[:1] + logits.shape[2:]:
        raise ValueError(f"logits {tuple(logits.shape)} and target {tuple(target.shape)} do not fit; wanted "
                         "(N, K, H, W) and (N, H, W): a target with a channel axis of 1 loses it with target[:, 0]")
    if target.dtype != torch.int64:
        raise ValueError(f"target has dtype {target.dtype}; wanted class indices, int64: use target.long()")
    low, high = int(target.min()), int(target.max())
    if low < 0 or high >= logits.shape[1]:
        raise ValueError(f"target has values {low} to {high}; wanted class indices 0 to {logits.shape[1] - 1}"
                         + (": a mask of 0 and 255 becomes one with target // 255" if high == 255 else ""))
