"""What every score asks first: is this a mask, and do the two fit? (01 06)"""

import numpy as np
import torch


def as_array(values):
    """A tensor, list or array as a NumPy array.

    Examples
    --------
    >>> as_array(torch.tensor([1, 2]))
    array([1, 2])
    """
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def whole_numbers(values, name):
    """The array, if it holds labels; a ValueError that names it, if it holds fractions.

    Examples
    --------
    >>> whole_numbers([[0.0, 2.0]], "classes")
    array([[0., 2.]])
    """
    values = _numbers(values, name)
    if values.dtype.kind == "f" and not (np.isfinite(values) & (values == np.round(values))).all():
        raise ValueError(f"{name} has fractions; wanted whole numbers, a label for each pixel: take the argmax of a "
                         "probability map first")
    return values


def foreground(values, name):
    """Where a mask is not 0; a ValueError that names it, if it is a probability map.

    Examples
    --------
    >>> foreground([0, 255, 1], "target")
    array([False,  True,  True])
    """
    values = _numbers(values, name)
    if values.dtype.kind == "f" and not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name} has values that are neither 0 nor 1; wanted a mask: threshold it first, "
                         "for instance probability > 0.5")
    return values != 0


def _numbers(values, name):
    values = as_array(values)
    if values.dtype.kind not in "buif":
        raise ValueError(f"{name} has dtype {values.dtype}; wanted whole numbers, a label for each pixel")
    return values


def two(prediction, target, read):
    """Prediction and target, each through `read(values, name)`, if their shapes are equal.

    Examples
    --------
    >>> two([0, 1], [1, 1], foreground)
    (array([False,  True]), array([ True,  True]))
    """
    prediction, target = read(prediction, "prediction"), read(target, "target")
    if prediction.shape != target.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, target {target.shape}; wanted the same shape")
    return prediction, target


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

    classes = whole_numbers(classes, "classes")
    if classes.ndim != 2 or classes.size == 0:
        raise ValueError(f"classes has shape {classes.shape}; wanted one mask (H, W), not empty: take the argmax over the "
                         "classes, and one picture of a batch")
    objects = label(classes == interior, connectivity=2)
    if split:
        depth = gaussian_filter(distance_transform_edt(objects > 0), 1.0)
        # A waist has to be this much narrower than the nucleus, in pixels, or noise on the rim would cut it.
        objects = watershed(-depth, label(h_maxima(depth, 0.75)), mask=objects > 0)
    large = np.bincount(objects.ravel()) >= min_area
    large[0] = False
    numbers = np.cumsum(large) * large
    return (expand_labels(numbers[objects], grow) * (classes > 0)).astype(np.int64)


def separate_touching(instances):
    """Make pixels at which two objects touch background, so that every two objects have a gap between them.

    Parameters
    ----------
    instances : array_like of int, shape (H, W)
        0 background, another number for each object.

    Returns
    -------
    ndarray of the same shape and type
        Each pixel that had a pixel of another object among its eight neighbours is 0 now: where two objects touched, a
        gap of two pixels.

    Notes
    -----
    So the training masks of Ronneberger et al. (2015) were made ready for two classes: touching cells of one class would
    be one piece. An object all of whose pixels touch another one is lost.

    Examples
    --------
    >>> separate_touching([[1, 1, 1, 2, 2, 2]])
    array([[1, 1, 0, 0, 2, 2]])
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    labels = whole_numbers(instances, "instances")
    if labels.ndim != 2:
        raise ValueError(f"instances has shape {labels.shape}; wanted one label image (H, W)")
    largest = maximum_filter(labels, 3)
    smallest = minimum_filter(np.where(labels == 0, largest.max(initial=0), labels), 3)  # background is no object
    return np.where((labels != 0) & ((largest != labels) | (smallest != labels)), 0, labels)
