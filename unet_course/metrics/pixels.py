"""Scores over pixels: how much of the mask is right. (01 07)

Masks are integer arrays or tensors of any shape in which 0 is background. Where a score would be 0 divided by 0, it is
1 if prediction and target are both empty, because nothing was missed and nothing was invented, and else 0.
"""

import numpy as np
import torch

from unet_course.data.masks import as_array, foreground, label_nuclei, two, whole_numbers
from unet_course.metrics.objects import (
    iou_table,
    match_objects,
    mean_object_f1,
    merges_and_splits,
    object_f1,
    rand_f_score,
    variation_of_information,
)

__all__ = ["accuracy", "bootstrap_interval", "boundary_f1", "confusion_counts", "confusion_matrix",
           "dice_score", "iou_score", "iou_table", "label_nuclei", "match_objects", "mean_object_f1", "merges_and_splits",
           "object_f1", "precision_score", "rand_f_score", "recall_score", "variation_of_information"]


def dice_score(prediction, target):
    """Dice: twice the overlap over the sum of both areas, ``2·TP / (2·TP + FP + FN)``.

    Parameters
    ----------
    prediction, target : array_like of bool or int, same shape
        Everything that is not 0 counts as foreground.

    Returns
    -------
    float
        Between 0 and 1; 1.0 if both are empty, because nothing was missed and nothing was invented.

    Raises
    ------
    ValueError
        If the shapes differ, or a mask has fractions (a probability map: threshold it first).

    Examples
    --------
    >>> dice_score([[0, 1, 1]], [[0, 0, 1]])
    0.6666666666666666
    """
    tp, fp, fn = confusion_counts(prediction, target)
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0


def iou_score(prediction, target):
    """Intersection over union (Jaccard index): ``TP / (TP + FP + FN)``.

    Parameters
    ----------
    prediction, target : array_like of bool or int, same shape
        Everything that is not 0 counts as foreground.

    Returns
    -------
    float
        Between 0 and 1; 1.0 if both are empty. ``iou = dice / (2 - dice)``.

    Examples
    --------
    >>> iou_score([[0, 1, 1]], [[0, 0, 1]])
    0.5
    """
    tp, fp, fn = confusion_counts(prediction, target)
    return tp / (tp + fp + fn) if tp + fp + fn else 1.0


def precision_score(prediction, target):
    """Precision: which share of the predicted foreground is right, ``TP / (TP + FP)``.

    Parameters
    ----------
    prediction, target : array_like of bool or int, same shape
        Everything that is not 0 counts as foreground.

    Returns
    -------
    float
        Between 0 and 1. If nothing is predicted: 1.0 if there is nothing to find either, else 0.0.

    Examples
    --------
    >>> precision_score([1, 1, 1, 1], [0, 0, 1, 0])
    0.25
    """
    tp, fp, fn = confusion_counts(prediction, target)
    return tp / (tp + fp) if tp + fp else float(fn == 0)


def recall_score(prediction, target):
    """Recall (sensitivity): which share of the true foreground is found, ``TP / (TP + FN)``.

    Parameters
    ----------
    prediction, target : array_like of bool or int, same shape
        Everything that is not 0 counts as foreground.

    Returns
    -------
    float
        Between 0 and 1. If there is nothing to find: 1.0 if nothing is predicted either, else 0.0.

    Examples
    --------
    >>> recall_score([1, 1, 1, 1], [0, 0, 1, 0])
    1.0
    """
    tp, fp, fn = confusion_counts(prediction, target)
    return tp / (tp + fn) if tp + fn else float(fp == 0)


def confusion_counts(prediction, target):
    """Count foreground pixels: (true positives, false positives, false negatives).

    Parameters
    ----------
    prediction, target : array_like of bool or int, same shape
        Everything that is not 0 counts as foreground.

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> confusion_counts([1, 1, 0, 0], [1, 0, 1, 0])
    (1, 1, 1)
    """
    prediction, target = two(prediction, target, foreground)
    tp = int(np.count_nonzero(prediction & target))
    return tp, int(np.count_nonzero(prediction)) - tp, int(np.count_nonzero(target)) - tp


def confusion_matrix(prediction, target, num_classes):
    """Count the pixels of each true class that were given to each class.

    Parameters
    ----------
    prediction, target : Tensor of int, same shape
        Classes.
    num_classes : int

    Returns
    -------
    Tensor of int64, shape (num_classes, num_classes)
        Rows are true classes, columns predicted ones.

    Raises
    ------
    ValueError
        If `target` has a number that is no class.

    Examples
    --------
    >>> confusion_matrix(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), 2)
    tensor([[1, 1],
            [0, 1]])
    """
    prediction, target = prediction.cpu().ravel(), target.cpu().ravel()
    low, high = target.aminmax()
    if low < 0 or high >= num_classes:
        raise ValueError(f"target has classes {low} to {high}; wanted 0 to {num_classes - 1}")
    return torch.bincount(num_classes * target + prediction, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_dice(matrix):
    """Dice of each class by itself, from a confusion matrix.

    Parameters
    ----------
    matrix : array_like of int, shape (K, K)
        See `confusion_matrix`.

    Returns
    -------
    list of float or None
        None for a class that is neither drawn nor predicted: there is nothing to score.

    Examples
    --------
    >>> class_dice([[6, 2, 0], [0, 4, 0], [0, 0, 0]])
    [0.8571428571428571, 0.8, None]
    """
    matrix = as_array(matrix)
    areas = matrix.sum(axis=0) + matrix.sum(axis=1)
    return [float(2 * hits / area) if area else None for hits, area in zip(matrix.diagonal(), areas)]


def mean_dice(class_dice):
    """Mean over the classes other than the background that occur; 1.0 if none does.

    Parameters
    ----------
    class_dice : sequence of float or None
        Of each class, the background first, as `class_dice` returns it.

    Examples
    --------
    >>> mean_dice([0.99, 0.5, 0.75, None])
    0.625
    """
    values = [value for value in class_dice[1:] if value is not None]
    return float(np.mean(values)) if values else 1.0


def accuracy(prediction, target):
    """Share of the pixels whose class is right.

    Examples
    --------
    >>> accuracy([0, 2, 1, 0], [0, 1, 1, 0])
    0.75
    """
    prediction, target = two(prediction, target, whole_numbers)
    if prediction.size == 0:
        raise ValueError(f"prediction has shape {prediction.shape}; wanted at least one pixel")
    return float((prediction == target).mean())


def boundary_f1(prediction, target, *, tolerance=2):
    """F1 of the outlines: an outline pixel is right if the other outline is not farther away than `tolerance`.

    Parameters
    ----------
    prediction, target : array_like of bool or int, shape (H, W)
        Everything that is not 0 counts as foreground. The outline is the foreground pixels with a background pixel
        above, below, left or right; the image's border makes no outline.
    tolerance : float, default 2
        In pixels, Euclidean.

    Returns
    -------
    float
        ``2·P·R / (P + R)``: P is the share of the predicted outline that is near the true one, R the share of the
        true outline that is near the predicted one. 1.0 if there is no outline in either, 0.0 if there is one in only one.

    Notes
    -----
    Csurka et al. (2013), What is a good evaluation measure for semantic segmentation?, BMVC, doi:10.5244/C.27.32.

    Examples
    --------
    >>> square, moved = np.zeros((2, 20, 20), dtype=int)
    >>> square[5:15, 5:15], moved[5:15, 7:17] = 1, 1
    >>> boundary_f1(moved, square), boundary_f1(moved, square, tolerance=0)
    (1.0, 0.4444444444444444)
    """
    from scipy.ndimage import distance_transform_edt  # late, to keep the import of the course short

    if not tolerance >= 0:
        raise ValueError(f"tolerance is {tolerance}; wanted 0 or more pixels")
    prediction, target = two(prediction, target, foreground)
    if prediction.ndim != 2:
        raise ValueError(f"prediction has shape {prediction.shape}; wanted one mask (H, W)")
    one, other = outline(prediction), outline(target)
    if not one.any() or not other.any():
        return float(one.any() == other.any())
    right = np.count_nonzero(distance_transform_edt(~other)[one] <= tolerance) / np.count_nonzero(one)
    found = np.count_nonzero(distance_transform_edt(~one)[other] <= tolerance) / np.count_nonzero(other)
    return float(2 * right * found / (right + found)) if right + found else 0.0


def outline(mask):
    """Foreground pixels that have a background pixel above, below, left or right.

    Examples
    --------
    >>> outline(np.array([[0, 1, 1, 1]], dtype=bool))
    array([[False,  True, False, False]])
    """
    around = np.pad(mask, 1, mode="edge")
    inside = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return mask & ~inside


def bootstrap_interval(samples, statistic=np.mean, *, level=0.95, repeats=2000, seed=0):
    """How far a score would move if another sample of the same kind had been drawn: the percentile bootstrap.

    Parameters
    ----------
    samples : array_like, shape (n, ...)
        One entry for each unit that was drawn: for each image, or, if there is one image only, for each nucleus or
        tile of it. The interval then speaks of this image alone.
    statistic : callable, default mean
        ``statistic(samples)`` returns a number.
    level : float, default 0.95
    repeats : int, default 2000
    seed : int, default 0

    Returns
    -------
    tuple of float
        Low and high end.

    Raises
    ------
    ValueError
        If there are fewer than two samples, or an argument is out of range.

    Notes
    -----
    Efron and Tibshirani (1993), An Introduction to the Bootstrap. Units that depend on each other, such as tiles of
    one image, make the interval too narrow.

    Examples
    --------
    >>> low, high = bootstrap_interval([0.8, 0.9, 0.7, 0.95, 0.85])
    >>> 0.7 < low < 0.84 < high < 0.95
    True
    """
    samples = as_array(samples)
    if samples.ndim == 0 or len(samples) < 2:
        raise ValueError(f"samples has shape {samples.shape}; wanted at least two samples along the first axis: "
                         "of one image you can resample nuclei or tiles")
    if not 0 < level < 1 or repeats < 1:
        raise ValueError(f"level is {level} and repeats is {repeats}; wanted a level between 0 and 1, such as 0.95, "
                         "and at least 1 repeat")
    generator = np.random.default_rng(seed)
    values = [statistic(samples[generator.integers(len(samples), size=len(samples))]) for _ in range(repeats)]
    low, high = np.percentile(values, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)
