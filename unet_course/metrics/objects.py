"""Scores over nuclei: which were found, which were merged or split. (07)

Label images are integer arrays or tensors: 0 background, another number for each object. The numbers themselves do not
matter.
"""

import numpy as np

from unet_course.data.masks import two, whole_numbers

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(9))


def iou_table(prediction, target):
    """Intersection over union of every predicted with every true object.

    Parameters
    ----------
    prediction, target : array_like of int, same shape
        Label images.

    Returns
    -------
    iou : ndarray of float, shape (objects predicted, objects in truth)
    predicted, true : ndarray of int
        The labels of the rows and of the columns.

    Examples
    --------
    >>> iou, rows, columns = iou_table([[5, 5, 0, 7]], [[1, 1, 1, 0]])
    >>> iou
    array([[0.66666667],
           [0.        ]])
    """
    overlap, p, t = _overlaps(prediction, target)
    union = overlap.sum(axis=1, keepdims=True) + overlap.sum(axis=0, keepdims=True) - overlap
    inside = np.ix_(p != 0, t != 0)
    return overlap[inside] / union[inside], p[p != 0], t[t != 0]


def match_objects(prediction, target, *, iou=0.7):
    """For each true object: was it found, by which predicted object, and how well?

    Parameters
    ----------
    prediction, target : array_like of int, same shape
        Label images.
    iou : float, default 0.7
        A match has at least this IoU; above 0.5 no object can match two.

    Returns
    -------
    list of dict
        One for each true object, in the order of their labels: "label", "area" in pixels, "best" (label of the
        predicted object with the largest IoU, 0 if none touches it), "iou" with it, and "found".

    Examples
    --------
    >>> for row in match_objects([[5, 5, 5, 0]], [[1, 1, 1, 2]]):
    ...     print(row)
    {'label': 1, 'area': 3, 'best': 5, 'iou': 1.0, 'found': True}
    {'label': 2, 'area': 1, 'best': 0, 'iou': 0.0, 'found': False}
    """
    _check_threshold(iou)
    overlap, p, t = _overlaps(prediction, target)
    table, predicted, true = iou_table(prediction, target)
    areas = overlap.sum(axis=0)[t != 0]
    rows = []
    for column, (label, area) in enumerate(zip(true.tolist(), areas.tolist())):
        best = int(table[:, column].argmax()) if len(predicted) else 0
        value = float(table[best, column]) if len(predicted) else 0.0
        rows.append({"label": label, "area": area, "best": int(predicted[best]) if value else 0, "iou": value,
                     "found": bool(_is_match(value, iou))})
    return rows


def object_f1(prediction, target, *, iou=0.7):
    """F1 over objects: a nucleus is found if one predicted object overlaps it with at least this IoU.

    Parameters
    ----------
    prediction, target : array_like of int, shape (H, W)
        Label images: 0 background, another number for each object.
    iou : float, default 0.7
        From 0.5 on an object can match one other at most, so that no assignment has to be solved. At exactly 0.5 a
        match has to be above it.

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
    return mean_object_f1(prediction, target, thresholds=(iou,))


def mean_object_f1(prediction, target, *, thresholds=THRESHOLDS):
    """Object F1 averaged over several IoU thresholds: finding a nucleus counts, outlining it well counts more.

    Parameters
    ----------
    prediction, target : array_like of int, same shape
        Label images.
    thresholds : sequence of float, default 0.5, 0.55 … 0.9

    Returns
    -------
    float

    Notes
    -----
    As in the evaluation of the 2018 Data Science Bowl, Caicedo et al. (2019), doi:10.1038/s41592-019-0612-7; the
    contest itself averaged ``TP / (TP + FP + FN)`` over 0.5 … 0.95.

    Examples
    --------
    >>> mean_object_f1([[1, 1, 0, 2, 2]], [[1, 1, 0, 2, 2]])
    1.0
    """
    for value in thresholds:
        _check_threshold(value)
    table, predicted, true = iou_table(prediction, target)
    objects = len(predicted) + len(true)
    if not objects:
        return 1.0
    return float(np.mean([2 * np.count_nonzero(_is_match(table, value)) / objects for value in thresholds]))


def count_by_block(prediction, target, *, side=128, iou=0.7):
    """Found, predicted and true objects in each block of a field: what a bootstrap by blocks draws from.

    Parameters
    ----------
    prediction, target : array_like of int, shape (H, W)
        Label images.
    side : int, default 128
        Of a block, in pixels. An object belongs to the block of its centre.
    iou : float, default 0.7

    Returns
    -------
    ndarray of int, shape (blocks, 3)

    Raises
    ------
    ValueError
        If the shapes differ or are not (H, W), or `side` or `iou` is out of range.

    Examples
    --------
    >>> count_by_block([[1, 1, 0, 2, 2]], [[1, 1, 0, 0, 3]], side=3)
    array([[1, 1, 1],
           [0, 1, 1]])
    """
    from skimage.measure import regionprops  # late, to keep the import of the course short

    _check_threshold(iou)
    prediction, target = two(prediction, target, whole_numbers)
    if prediction.ndim != 2 or side < 1:
        raise ValueError(f"prediction has shape {prediction.shape} and side is {side}; wanted (H, W), and 1 pixel at least")
    counts = np.zeros((*(-(-n // side) for n in target.shape), 3), dtype=int)
    found = {row["label"] for row in match_objects(prediction, target, iou=iou) if row["found"]}
    for labels, place in ((prediction, 1), (target, 2)):
        for piece in regionprops(labels):
            block = counts[tuple(int(middle) // side for middle in piece.centroid)]
            block[place] += 1
            block[0] += place == 2 and piece.label in found
    return counts.reshape(-1, 3)


def merges_and_splits(prediction, target):
    """Count the two mistakes that pixel scores hardly see.

    Parameters
    ----------
    prediction, target : array_like of int, same shape
        Label images.

    Returns
    -------
    merges : int
        Predicted objects that hold more than half of two or more true ones.
    splits : int
        True objects that hold more than half of two or more predicted ones.

    Examples
    --------
    >>> merges_and_splits([[1, 1, 1, 1, 0, 2, 3]], [[1, 1, 2, 2, 0, 3, 3]])
    (1, 1)
    """
    overlap, p, t = _overlaps(prediction, target)
    of_true = overlap / overlap.sum(axis=0, keepdims=True)
    of_predicted = overlap / overlap.sum(axis=1, keepdims=True)
    inside = np.ix_(p != 0, t != 0)
    merges = ((of_true[inside] > 0.5).sum(axis=1) >= 2).sum()
    splits = ((of_predicted[inside] > 0.5).sum(axis=0) >= 2).sum()
    return int(merges), int(splits)


def rand_f_score(prediction, target, *, missed="piece"):
    """Of the pairs of pixels that one label image puts together, how many does the other put together too?

    Parameters
    ----------
    prediction, target : array_like of int, same shape
        Label images. Only pixels of the true foreground count (where `target` is not 0).
    missed : {"piece", "single"}, default "piece"
        Predicted background among them: one piece, as scikit-image counts it, or each pixel a piece of its own, as the
        published code of the SNEMI3D contest does. Thin outlines that are missed all over an image make a large
        difference.

    Returns
    -------
    float
        Between 0 and 1, 1 is best: the harmonic mean of both shares of pairs. 1.0 if no pair is put together by
        either, as when there is no foreground.

    Notes
    -----
    The foreground-restricted Rand F-score of ISBI 2012's revised ranking, Arganda-Carreras et al. (2015),
    doi:10.3389/fnana.2015.00142. One minus it is scikit-image's `adapted_rand_error`. A pair is two different pixels.

    Examples
    --------
    >>> rand_f_score([[1, 1, 1, 1]], [[1, 1, 2, 2]])
    0.5
    """
    if missed not in ("piece", "single"):
        raise ValueError(f'missed is {missed!r}; wanted "piece" or "single"')
    overlap, p, t = _overlaps(prediction, target)
    overlap = overlap[:, t != 0]
    sizes = overlap.sum(axis=0)
    if missed == "single":  # a single pixel is in no pair
        overlap = overlap[p != 0]
    together = [float((n * (n - 1)).sum()) for n in (overlap, sizes, overlap.sum(axis=1))]
    return 2 * together[0] / (together[1] + together[2]) if together[1] + together[2] else 1.0


def variation_of_information(prediction, target, *, foreground_only=False):
    """How many bits one label image leaves open about the other, in both directions; 0 and 0 is best.

    Parameters
    ----------
    prediction, target : array_like of int, same shape
        Label images.
    foreground_only : bool, default False
        Count only pixels where `target` is not 0.

    Returns
    -------
    split : float
        H(prediction | target) in bits: grows when objects are cut into pieces.
    merge : float
        H(target | prediction) in bits: grows when objects are merged. Their sum is the variation of information.

    Notes
    -----
    Meilă (2007), doi:10.1016/j.jmva.2006.11.013. Both are 0 if no pixel counts.

    Examples
    --------
    >>> variation_of_information([[1, 1, 1, 1]], [[1, 1, 2, 2]])
    (0.0, 1.0)
    """
    overlap, _, t = _overlaps(prediction, target)
    overlap = overlap[:, t != 0] if foreground_only else overlap
    joint = overlap / max(overlap.sum(), 1)

    def open_bits(given):
        known = np.broadcast_to(joint.sum(axis=given, keepdims=True), joint.shape)
        seen = joint > 0
        return abs(float((joint[seen] * np.log2(known[seen] / joint[seen])).sum()))  # abs: never -0.0
    return open_bits(0), open_bits(1)


def _overlaps(prediction, target):
    """Pixels shared by each pair of labels (background among them), and the labels of rows and columns."""
    prediction, target = two(prediction, target, whole_numbers)
    p, rows = np.unique(prediction, return_inverse=True)
    t, columns = np.unique(target, return_inverse=True)
    # One number for each pair of labels, so that one count over the image fills the whole table.
    pairs = rows.ravel().astype(np.int64) * len(t) + columns.ravel()
    return np.bincount(pairs, minlength=len(p) * len(t)).reshape(len(p), len(t)), p, t


def _is_match(value, threshold):
    # At IoU 0.5 exactly two matches of one object are possible; counting strictly above keeps them apart.
    return value >= threshold if threshold > 0.5 else value > 0.5


def _check_threshold(iou):
    if not 0.5 <= iou <= 1:
        raise ValueError(f"iou is {iou}; wanted 0.5 to 1, where a match is unique")
