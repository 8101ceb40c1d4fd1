"""Losses: what training makes small. All take logits, as `UNet` returns them. (06 10)"""

import math

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.data.masks import as_array, whole_numbers


def cross_entropy(logits, target, *, weight=None, pixel_weights=None):
    """Mean over the pixels of -log(probability given to the true class).

    Parameters
    ----------
    logits : Tensor, shape (N, K, H, W)
        Raw scores, no softmax: it is inside.
    target : Tensor of int64, shape (N, H, W)
        True class of each pixel, 0 … K-1.
    weight : sequence of float, optional
        One factor for each class; a rare class can be given a larger one. The mean is a weighted mean.
    pixel_weights : Tensor of float, shape (N, H, W), optional
        One factor for each pixel, such as `border_weight_map` gives. The mean is weighted by them, too.

    Returns
    -------
    Tensor, a scalar

    Raises
    ------
    ValueError
        If shapes, types or values do not fit.

    Notes
    -----
    The paper (Ronneberger et al., 2015) adds up the weighted costs of all pixels. Dividing by the sum of the weights
    changes the scale only, and a learning rate stays right for any map and any size of picture.

    Examples
    --------
    >>> round(cross_entropy(torch.zeros(1, 2, 1, 4), torch.tensor([[[0, 1, 1, 0]]])).item(), 4)
    0.6931
    """
    _check(logits, target)
    if weight is not None:
        weight = torch.as_tensor(weight, dtype=torch.float32, device=logits.device)
    if pixel_weights is None:
        return F.cross_entropy(logits.float(), target, weight=weight)
    pixel_weights = _check_pixel_weights(pixel_weights, target)
    costs = F.cross_entropy(logits.float(), target, weight=weight, reduction="none")
    shares = pixel_weights if weight is None else pixel_weights * weight[target]
    return (pixel_weights * costs).sum() / shares.sum()


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
    if logits.shape[1] < 2:
        raise ValueError(f"logits has {logits.shape[1]} class; wanted at least 2: background, which is not scored, and "
                         "another")
    probabilities = logits.float().softmax(dim=1)
    truth = F.one_hot(target, logits.shape[1]).permute(0, 3, 1, 2).to(probabilities)
    overlap = (probabilities * truth).sum(dim=(0, 2, 3))
    areas = (probabilities + truth).sum(dim=(0, 2, 3))
    return 1 - ((2 * overlap + smooth) / (areas + smooth))[1:].mean()


def combined_loss(logits, target, pixel_weights=None):
    """Cross-entropy plus Dice loss: the first teaches every pixel, the second minds the rare classes.

    Parameters
    ----------
    logits : Tensor, shape (N, K, H, W)
    target : Tensor of int64, shape (N, H, W)
    pixel_weights : Tensor of float, shape (N, H, W), optional
        Of the cross-entropy.

    Returns
    -------
    Tensor, a scalar

    Examples
    --------
    >>> combined_loss(torch.zeros(1, 3, 8, 8), torch.zeros(1, 8, 8, dtype=torch.int64)).ndim
    0
    """
    return cross_entropy(logits, target, pixel_weights=pixel_weights) + dice_loss(logits, target)


def fading_weights(shares, done, *, hold=0.4, gone=0.8):
    """One factor for each class; over all pixels their mean is 1.

    Parameters
    ----------
    shares : sequence of float, shape (K,)
        Share of the pixels of each class, above 0.
    done : float
        Share of the training that is done, from 0 to 1.
    hold, gone : float, default 0.4 and 0.8
        Until `hold` all classes count the same; from `gone` on all pixels do.

    Returns
    -------
    Tensor of float32, shape (K,)

    Examples
    --------
    >>> fading_weights([0.9, 0.02, 0.08], 0.6)
    tensor([0.7678, 5.1503, 2.5751])
    """
    shares = torch.as_tensor(shares, dtype=torch.float32)
    power = min(max((gone - done) / (gone - hold), 0), 1)
    weights = shares**-power
    return weights / (weights * shares).sum() * shares.sum()


class FadingWeights:
    """Cross-entropy in which at first every class counts the same, and at the end every pixel.

    A rare class is learned late, or never: for a long time the loss is smallest if nobody says it.
    So a training begins with weights that make all classes count the same, however few pixels they
    have. A network that is trained so to the end says rare classes far too often; therefore the
    weights fade, and the shares of the classes come out right.

    Parameters
    ----------
    shares : sequence of float
        Share of the pixels of each class. What is below a thousandth counts as a thousandth.
    hold, gone : float, default 0.4 and 0.8
        Up to which share of the training the weights stay, and from where on there are none.

    Attributes
    ----------
    progress : float
        Share of the training that is done, from 0 to 1. `fit` sets it.

    Notes
    -----
    What it costs: the course's network, after 600 steps, has a boundary Dice of 0.41 on the validation
    block. Trained with cross-entropy and Dice loss it had 0.45, and said the boundary 1.7 times as often
    as it is drawn, not 0.9 times. All scores: ``data/results/README.md``.

    Examples
    --------
    >>> loss = FadingWeights([0.9, 0.02, 0.08])
    >>> loss.weights()
    tensor([ 0.3704, 16.6667,  4.1667])
    >>> loss.progress = 0.6
    >>> loss.weights()
    tensor([0.7678, 5.1503, 2.5751])
    >>> loss.progress = 1.0
    >>> loss.weights()
    tensor([1., 1., 1.])
    """

    def __init__(self, shares, *, hold=0.4, gone=0.8):
        self.shares = torch.as_tensor(shares, dtype=torch.float32).clamp(min=1e-3)
        self.hold, self.gone, self.progress = hold, gone, 0.0

    def weights(self):
        """One factor for each class; over all pixels their mean is 1."""
        return fading_weights(self.shares, self.progress, hold=self.hold, gone=self.gone)

    def __call__(self, logits, target, pixel_weights=None):
        """The loss, as `cross_entropy` gives it."""
        weights = F.pad(self.weights(), (0, max(logits.shape[1] - len(self.shares), 0)), value=1.0)
        return cross_entropy(logits, target, weight=weights[: logits.shape[1]],
                             pixel_weights=pixel_weights)


def border_weight_map(instances, *, w0=10.0, sigma=5.0, class_weights=None):
    """The paper's weight of each pixel: background in a narrow gap between two objects counts much more.

    Parameters
    ----------
    instances : array_like of int, shape (H, W) or (N, H, W)
        0 background, another number for each object. Objects have to be apart: only background has a border weight, so
        that touching ones get none, see `separate_touching`.
    w0 : float, default 10.0
        What a gap of width 0 would add.
    sigma : float, default 5.0
        How fast that falls as the gap widens, in pixels.
    class_weights : (float, float), optional
        Weights of background and object. Not given: so that both classes weigh the same in each picture, and the mean
        over the picture is 1; both 1 where there is one class only.

    Returns
    -------
    Tensor of float32, same shape

    Raises
    ------
    ValueError
        If `instances` is a mask of true and false, has fractions, negative numbers, another number of axes or no
        pixel, or if an option is out of range.

    Notes
    -----
    ``w = w_c + w0 · exp(-(d1 + d2)² / (2 sigma²))``, with the distances to the nearest and to the second nearest
    object: Ronneberger et al. (2015), arXiv 1505.04597, equation 2. It is added to background pixels. Where there are
    fewer than two objects nothing is added.

    Examples
    --------
    >>> border_weight_map([[1, 1, 0, 2, 2, 0, 0, 0]], class_weights=(1, 1)).round(decimals=2)
    tensor([[ 1.0000,  1.0000, 10.2300,  1.0000,  1.0000,  7.0700,  4.7500,  2.9800]])
    """
    labels = _check_instances(instances, w0, sigma, class_weights)
    if labels.ndim == 3:
        maps = [border_weight_map(picture, w0=w0, sigma=sigma, class_weights=class_weights) for picture in labels]
        return torch.stack(maps)
    inside = labels > 0
    share = inside.mean()
    if class_weights is None:
        class_weights = (0.5 / (1 - share), 0.5 / share) if 0 < share < 1 else (1, 1)
    d1, d2 = two_nearest(labels, 6 * sigma)  # farther away, exp(-18) and less is lost in float32
    border = w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2))
    return torch.from_numpy(np.where(inside, class_weights[1], class_weights[0] + border).astype(np.float32))


def border_term(distances, w0, sigma):
    """The second part of the paper's weight, from the distances to each object.

    Parameters
    ----------
    distances : Tensor, shape (K, H, W)
        For each of K objects, the distance of every pixel to it.
    w0, sigma : float
        As in `border_weight_map`.

    Returns
    -------
    Tensor, shape (H, W)
        0 on the objects, and everywhere if there are fewer than two.

    Examples
    --------
    >>> border_term(torch.tensor([[[0.0, 1.0, 2.0]], [[3.0, 2.0, 1.0]]]), 10, 5)
    tensor([[0.0000, 8.3527, 8.3527]])
    """
    if len(distances) < 2:
        return torch.zeros(distances.shape[1:])
    d1, d2 = distances.sort(dim=0).values[:2]
    return w0 * torch.exp(-((d1 + d2) ** 2) / (2 * sigma**2)) * (d1 > 0)


def two_nearest(labels, far):
    """Distances of each pixel to the nearest and to the second nearest object.

    Parameters
    ----------
    labels : ndarray of int, shape (H, W)
        0 background, 1, 2, 3 … the objects.
    far : float
        Distances beyond this, in pixels, may be left at infinity: so each object is looked at in its surroundings only.

    Returns
    -------
    tuple of ndarray of float64, shape (H, W)
        In pixels, from centre to centre: a pixel next to an object is at 1. Infinite where there is no such object.

    Examples
    --------
    >>> two_nearest(np.array([[1, 0, 0, 2]]), 9)
    (array([[0., 1., 1., 0.]]), array([[3., 2., 2., 3.]]))
    """
    from scipy.ndimage import distance_transform_edt, find_objects

    d1, d2 = np.full(labels.shape, np.inf), np.full(labels.shape, np.inf)
    for number, box in enumerate(find_objects(labels), start=1):
        if box is not None:
            around = tuple(slice(max(s.start - math.ceil(far), 0), s.stop + math.ceil(far)) for s in box)
            d = distance_transform_edt(labels[around] != number)
            d2[around] = np.minimum(d2[around], np.maximum(d1[around], d))
            d1[around] = np.minimum(d1[around], d)
    return d1, d2


def _check_instances(instances, w0, sigma, class_weights):
    """The label image with its objects numbered 1, 2, 3 …; a ValueError that says what does not fit."""
    labels = as_array(instances)
    if labels.dtype.kind not in "uif":
        raise ValueError(f"instances has dtype {labels.dtype}; wanted a whole number for each object: of a mask of true and "
                         "false, skimage.measure.label makes one")
    if labels.ndim not in (2, 3) or labels.size == 0:
        raise ValueError(f"instances has shape {labels.shape}; wanted (H, W) or (N, H, W), and at least one pixel")
    labels = whole_numbers(labels, "instances")
    if labels.min() < 0:
        raise ValueError(f"instances has negative numbers, such as {labels.min()}; wanted 0 for the background and 1, 2, 3 … "
                         "for the objects: set what is to be ignored to 0")
    for name, value, wanted in [("w0", w0, w0 >= 0), ("sigma", sigma, sigma > 0)]:
        if not (wanted and math.isfinite(value)):
            raise ValueError(f"{name} is {value}; wanted a finite number {'above 0' if name == 'sigma' else 'of at least 0'}")
    if class_weights is not None and (len(class_weights) != 2 or not all(0 <= c < math.inf for c in class_weights)):
        raise ValueError(f"class_weights is {class_weights}; wanted two numbers of at least 0: background and object")
    known = np.unique(np.append(labels.ravel(), 0))  # large or missing numbers must not make long lists
    return np.searchsorted(known, labels).astype(np.int64)


def _check_pixel_weights(weights, target):
    weights = torch.as_tensor(weights, dtype=torch.float32, device=target.device)
    if weights.shape != target.shape:
        raise ValueError(f"pixel_weights has shape {tuple(weights.shape)}, target {tuple(target.shape)}; wanted the same: "
                         "one weight for each pixel")
    if not torch.isfinite(weights).all() or weights.min() < 0 or weights.sum() == 0:
        raise ValueError(f"pixel_weights go from {weights.min():.3g} to {weights.max():.3g}; wanted finite numbers of at "
                         "least 0, not all of them 0")
    return weights


def _check(logits, target):
    if logits.ndim != 4 or target.shape != logits.shape[:1] + logits.shape[2:]:
        raise ValueError(f"logits {tuple(logits.shape)} and target {tuple(target.shape)} do not fit; wanted "
                         "(N, K, H, W) and (N, H, W): a target with a channel axis of 1 loses it with target[:, 0]")
    if target.dtype != torch.int64:
        raise ValueError(f"target has dtype {target.dtype}; wanted class indices, int64: use target.long()")
    if 0 in logits.shape:
        raise ValueError(f"logits has shape {tuple(logits.shape)}; wanted at least one pixel and one class")
    low, high = int(target.min()), int(target.max())
    if low < 0 or high >= logits.shape[1]:
        raise ValueError(f"target has values {low} to {high}; wanted class indices 0 to {logits.shape[1] - 1}"
                         + (": a mask of 0 and 255 becomes one with target // 255" if high == 255 else ""))
