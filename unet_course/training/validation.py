"""The score that a training watches: Dice of the foreground on pictures that it does not train on."""

from unet_course.inference.prediction import predict
from unet_course.metrics.pixels import confusion_counts
from unet_course.training.distributed import added_up, rank, size


def foreground_dice(model, images, masks):
    """Dice of "any class but background" over a set of pictures, counted over all their pixels together.

    Parameters
    ----------
    model : Module
    images : Tensor (N, C, H, W), or sequence of Tensor (C, H, W)
    masks : Tensor (N, H, W), or sequence of Tensor (H, W)

    Returns
    -------
    float
    """
    return dice_of(model, list(zip(images, masks, strict=True)), alone=True)


def dice_of(model, pictures, alone=False):
    """`foreground_dice` of (image, mask) pairs, one picture in memory at a time; several processes share the pictures."""
    first, every = (0, 1) if alone else (rank(), size())
    counts = [0, 0, 0]
    for index in range(first, len(pictures), every):
        image, mask = pictures[index]
        found = confusion_counts(predict(model, image).argmax(dim=0), mask.cpu())
        counts = [a + b for a, b in zip(counts, found)]
    tp, fp, fn = counts if alone else added_up(*counts)
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0
