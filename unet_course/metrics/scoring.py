"""Score a network, or a threshold, on a field of the course: always in the same way. (01 06 07)"""

import numpy as np
import torch
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import label

from unet_course.data.masks import as_array, label_nuclei
from unet_course.data.nuclei import load_instances, load_nuclei
from unet_course.inference.prediction import predict
from unet_course.metrics.objects import object_f1
from unet_course.metrics.pixels import bootstrap_interval, dice_score


def score_split(model, split, *, change=None):
    """Dice and object F1 of a network on one split.

    Parameters
    ----------
    model : Module
        Three classes: background, boundary, interior.
    split : {"train", "val", "test", "shifted"}
    change : callable, optional
        Applied to the image ``(1, 1, H, W)`` first, for instance to add noise.

    Returns
    -------
    dict
        "dice" of boundary and interior together, object "f1" at IoU 0.7, and "f1_split" with touching nuclei cut
        apart, see `label_nuclei`.

    Examples
    --------
    >>> from unet_course import load_pretrained
    >>> score_split(load_pretrained(), "val")["dice"] > 0.8
    True
    """
    image, _ = load_nuclei(split)
    image = image if change is None else change(image)
    classes = predict(model, image[0]).argmax(dim=0)
    truth = load_instances(split)[0]
    return {"dice": dice_score(classes > 0, truth > 0),
            "f1": object_f1(label_nuclei(classes), truth),
            "f1_split": object_f1(label_nuclei(classes, split=True), truth)}


def otsu_mask(image, *, sigma=1.0):
    """The baseline without learning: smooth, then take what is brighter than Otsu's threshold.

    Parameters
    ----------
    image : Tensor or ndarray, shape (H, W)
        In any units.
    sigma : float, default 1.0
        Standard deviation of the Gaussian, in pixels; 0 does not smooth.

    Returns
    -------
    Tensor of bool, shape (H, W)

    Notes
    -----
    Otsu (1979), doi:10.1109/TSMC.1979.4310076; the threshold is scikit-image's.

    Examples
    --------
    >>> otsu_mask(torch.tensor([[10, 10, 90], [10, 95, 99]]), sigma=0).tolist()
    [[False, False, True], [False, True, True]]
    """
    image = torch.as_tensor(image).numpy().astype("float64")
    smooth = gaussian(image, sigma, preserve_range=True) if sigma else image
    return torch.from_numpy(smooth > threshold_otsu(smooth))


def best_threshold(image, truth, levels):
    """The level that a mask of what is brighter has its highest Dice with.

    Parameters
    ----------
    image : Tensor, shape (H, W)
    truth : Tensor of bool, shape (H, W)
        Where something is labelled.
    levels : sequence of float
        What is tried; of equally good ones the first is taken.

    Returns
    -------
    float

    Examples
    --------
    >>> image = torch.tensor([[0.1, 0.2, 0.6, 0.7]])
    >>> best_threshold(image, image > 0.5, [0.3, 0.05, 0.65])
    0.3
    """
    return max(levels, key=lambda level: dice_score(image > level, truth))


def score_mask(mask, split):
    """Dice and object F1 of a binary mask on one split; each connected piece is an object.

    Examples
    --------
    >>> score_mask(load_instances("test")[0] > 0, "test")["dice"]
    1.0
    """
    truth = load_instances(split)[0]
    return {"dice": dice_score(mask, truth > 0), "f1": object_f1(label(torch.as_tensor(mask).numpy()), truth)}


def reliability(probability, truth, *, bins=10):
    """Does a network know how sure it may be? Of the pixels for which it says about 0.8, how many are true?

    Parameters
    ----------
    probability : array_like of float, any shape
        Between 0 and 1.
    truth : array_like of bool, same shape
    bins : int, default 10
        Equal steps from 0 to 1; 1 itself belongs to the last.

    Returns
    -------
    said, true : ndarray, shape (bins,)
        Of the pixels in each bin the mean probability, and the share that is true; nan for an empty bin.

    Raises
    ------
    ValueError
        If there are not equally many of both, or `probability` has numbers outside of 0 to 1.

    Examples
    --------
    >>> said, true = reliability([0.1, 0.2, 0.7, 0.9], [False, False, True, False], bins=2)
    >>> true
    array([0. , 0.5])

    Notes
    -----
    Guo et al. (2017), On calibration of modern neural networks, arXiv 1706.04599.
    """
    probability, truth = as_array(probability).ravel(), as_array(truth).ravel() != 0
    if probability.shape != truth.shape:
        raise ValueError(f"probability has {probability.size} pixels, truth {truth.size}; wanted equally many")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("probability has numbers outside of 0 to 1 (or nan); wanted probabilities, not logits")
    places = np.minimum((probability * bins).astype(int), bins - 1)
    counts = np.bincount(places, minlength=bins)
    counts = np.where(counts, counts, np.nan)
    said, true = (np.bincount(places, weights=values, minlength=bins) / counts for values in (probability, truth))
    return said, true


def paired_f1_interval(first, second, *, level=0.95, repeats=2000, seed=0):
    """How far the difference of two object F1 would move with other blocks: the paired bootstrap.

    Parameters
    ----------
    first, second : array_like of int, shape (blocks, 3)
        Of two methods on the same blocks, see `count_by_block`.
    level : float, default 0.95
    repeats : int, default 2000
    seed : int, default 0

    Returns
    -------
    tuple of float
        Low and high end of F1(first) - F1(second). Each sample draws blocks, the same for both.

    Raises
    ------
    ValueError
        If the tables have other shapes, or fewer than two blocks.

    Examples
    --------
    >>> first, second = [[9, 10, 10], [4, 5, 5], [7, 8, 9]], [[8, 10, 10], [4, 5, 5], [5, 8, 9]]
    >>> low, high = paired_f1_interval(first, second)
    >>> round(low, 2), round(high, 2)
    (0.0, 0.24)
    """
    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape or first.shape[1:] != (3,) or len(first) < 2:
        raise ValueError(f"first has shape {first.shape}, second {second.shape}; wanted (blocks, 3) for both, two blocks at "
                         "least")
    both = np.stack([first, second], axis=1)  # (blocks, 2, 3)

    def difference(blocks):
        found, predicted, true = np.moveaxis(blocks.sum(axis=0), 1, 0)
        one, other = 2 * found / np.maximum(predicted + true, 1)
        return one - other
    return bootstrap_interval(both, difference, level=level, repeats=repeats, seed=seed)
