"""What every score asks first: is this a mask, and do the two fit?"""

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
