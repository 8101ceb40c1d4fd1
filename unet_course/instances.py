"""From classes to separate nuclei."""

import numpy as np

from unet_course.masks import whole_numbers


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
