"""Scores: how much of the mask is right (Dice, IoU) and how many nuclei are found (object F1).

Masks are integer arrays or tensors of any shape in which 0 is background.
"""

import numpy as np
import torch


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
    prediction, target = _mask(prediction, "prediction"), _mask(target, "target")
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target {target.shape}; wanted the same shape")
    tp = int(np.count_nonzero(prediction & target))
    return tp, int(np.count_nonzero(prediction)) - tp, int(np.count_nonzero(target)) - tp


def accuracy(prediction, target):
    """Share of the pixels whose class is right.

    Examples
    --------
    >>> accuracy([0, 2, 1, 0], [0, 1, 1, 0])
    0.75
    """
    prediction, target = _array(prediction), _array(target)
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target {target.shape}; wanted the same shape")
    return float((prediction == target).mean())


def label_nuclei(classes, *, interior=2, min_area=30, grow=1, split=False):
    """Turn a three-class mask into separate nuclei: interiors are counted, then grown back over their boundary.

    Parameters
    ----------
    classes : array_like of int, shape (H, W)
        0 background, 1 boundary, 2 interior.
    interior : int, default 2
        The class that is counted; pieces that touch at a corner are one.
    min_area : int, default 30
        Interiors with fewer pixels are dropped.
    grow : float, default 1
        How far, in pixels, an interior grows back over pixels that are not background. The boundary is drawn
        one pixel wide.
    split : bool, default False
        Also cut interiors at their waists, where two nuclei touch: a watershed on the distance to the border.

    Returns
    -------
    ndarray of int64, shape (H, W)
        0 background, 1, 2, 3 … one number for each nucleus.

    Examples
    --------
    >>> label_nuclei([[1, 1, 1, 1, 1], [1, 2, 1, 2, 1], [1, 1, 1, 1, 1]], min_area=1, grow=2)
    array([[1, 1, 1, 2, 2],
           [1, 1, 1, 2, 2],
           [1, 1, 1, 2, 2]])
    """
    # Imported here, because scikit-image would double the time of `import unet_course`.
    from scipy.ndimage import distance_transform_edt, gaussian_filter
    from skimage.measure import label
    from skimage.morphology import h_maxima
    from skimage.segmentation import expand_labels, watershed

    classes = _whole(classes, "classes")
    if classes.ndim != 2:
        raise ValueError(f"classes has shape {classes.shape}; wanted one mask (H, W): take the argmax over the classes, "
                         "and one picture of a batch")
    objects = label(classes == interior, connectivity=2)
    if split:
        depth = gaussian_filter(distance_transform_edt(objects > 0), 1.0)
        # A waist has to be this much narrower than the nucleus, in pixels, or noise on the rim would cut it.
        objects = watershed(-depth, label(h_maxima(depth, 0.75)), mask=objects > 0)
    large = np.bincount(objects.ravel()) >= min_area
    large[0] = False
    numbers = np.cumsum(large) * large
    return (expand_labels(numbers[objects], grow) * (classes > 0)).astype(np.int64)


def object_f1(prediction, target, *, iou=0.7):
    """F1 over objects: a nucleus is found if one predicted object overlaps it with at least this IoU.

    Parameters
    ----------
    prediction, target : array_like of int, shape (H, W)
        Label images: 0 background, another number for each object.
    iou : float, default 0.7
        Above 0.5 an object can match one other at most, so that no assignment has to be solved.

    Returns
    -------
    float
        ``2·TP / (objects predicted + objects in truth)``; 1.0 if there are none in either.

    Notes
    -----
    The matching rule of the 2018 Data Science Bowl, Caicedo et al. (2019), doi:10.1038/s41592-019-0612-7.

    Examples
    --------
    >>> object_f1([[1, 1, 0, 2, 2]], [[1, 1, 0, 0, 2]])
    0.5
    """
    if not 0.5 <= iou <= 1:
        raise ValueError(f"iou is {iou}; wanted 0.5 to 1, where a match is unique")
    prediction, target = _whole(prediction, "prediction"), _whole(target, "target")
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target {target.shape}; wanted the same shape")
    predicted, p = np.unique(prediction, return_inverse=True)
    true, t = np.unique(target, return_inverse=True)
    pairs, overlap = np.unique(np.stack([p.ravel(), t.ravel()]), axis=1, return_counts=True)
    union = np.bincount(p.ravel())[pairs[0]] + np.bincount(t.ravel())[pairs[1]] - overlap
    both = (predicted[pairs[0]] != 0) & (true[pairs[1]] != 0)
    # At IoU 0.5 exactly two matches of one object are possible; counting strictly above keeps them apart.
    match = overlap / union >= iou if iou > 0.5 else overlap / union > 0.5
    objects = np.count_nonzero(predicted) + np.count_nonzero(true)
    return float(2 * np.count_nonzero(match & both) / objects) if objects else 1.0


def _array(values):
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _whole(values, name):
    values = _array(values)
    if values.dtype.kind not in "bui" and not (values == np.round(values)).all():
        raise ValueError(f"{name} has fractions; wanted whole numbers, a label for each pixel: take the argmax of a "
                         "probability map first")
    return values


def _mask(values, name):
    values = _array(values)
    if values.dtype.kind == "f" and not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name} has values that are neither 0 nor 1; wanted a mask: threshold it first, "
                         "for instance probability > 0.5")
    return values != 0
