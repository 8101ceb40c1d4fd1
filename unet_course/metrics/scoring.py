"""Score a network, or a threshold, on a field of the course: always in the same way. (01 06 07)"""

import torch
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import label

from unet_course.data.masks import label_nuclei
from unet_course.data.nuclei import load_instances, load_nuclei
from unet_course.inference.prediction import predict
from unet_course.metrics.objects import object_f1
from unet_course.metrics.pixels import dice_score


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


def score_mask(mask, split):
    """Dice and object F1 of a binary mask on one split; each connected piece is an object.

    Examples
    --------
    >>> score_mask(load_instances("test")[0] > 0, "test")["dice"]
    1.0
    """
    truth = load_instances(split)[0]
    return {"dice": dice_score(mask, truth > 0), "f1": object_f1(label(torch.as_tensor(mask).numpy()), truth)}
