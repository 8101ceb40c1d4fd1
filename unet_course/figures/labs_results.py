"""Pictures to play with, of a trained network's results: a threshold, tiles, and skips that are cut."""

import torch
from skimage.measure import label

from unet_course.figures.panels import class_colours, error_colours, images
from unet_course.inference.prediction import predict
from unet_course.metrics.objects import object_f1
from unet_course.metrics.pixels import dice_score


def threshold_figure(probability, truth, threshold):
    """A probability cut at a threshold: the map itself, what is right and wrong, and two scores.

    Parameters
    ----------
    probability : Tensor, shape (H, W)
        Of being nucleus, 0 to 1.
    truth : array_like of int, shape (H, W)
        A number for each nucleus, 0 where there is none.
    threshold : float

    Returns
    -------
    matplotlib Figure
        Right cyan, invented magenta, missed orange.

    Examples
    --------
    >>> threshold_figure(torch.eye(8), torch.eye(8).long(), 0.5).get_suptitle()
    'Threshold 0.50: Dice 1.00, objects 8, object F1 at IoU 0.7: 0.00'
    """
    mask = (torch.as_tensor(probability) >= threshold).numpy()
    truth = torch.as_tensor(truth).numpy()
    pieces = label(mask, connectivity=1)
    figure = images([probability, error_colours(mask, truth)],
                    ["probability of nucleus", "cyan right, magenta invented, orange missed"])
    figure.suptitle(f"Threshold {threshold:.2f}: Dice {dice_score(mask, truth > 0):.2f}, objects {pieces.max()}, "
                    f"object F1 at IoU 0.7: {object_f1(pieces, truth):.2f}", fontsize=13)
    return figure


def tiles_figure(model, image, whole, tile, overlap):
    """A prediction made in tiles beside its difference to the prediction of the whole image.

    Parameters
    ----------
    model : Module
    image : Tensor, shape (1, H, W)
    whole : Tensor, shape (classes, H, W)
        `predict` of the whole image.
    tile, overlap : int
        In pixels: the side of a tile, and how much of its surroundings it is shown on each side.

    Examples
    --------
    >>> from unet_course import UNet
    >>> model, image = UNet(channels=(2, 4)).eval(), torch.zeros(1, 32, 32)
    >>> tiles_figure(model, image, predict(model, image), tile=16, overlap=8).get_suptitle()
    'Tiles of 16 pixels, overlap 8: 0 of 1,024 pixels change their class'
    """
    tiled = predict(model, image, tile=tile, overlap=overlap, progress=False)
    apart = (tiled - whole).abs().amax(dim=0).clamp(min=1e-4).log10() / 4 + 1  # 0.0001 → 0, 1 → 1
    changed = int((tiled.argmax(dim=0) != whole.argmax(dim=0)).sum())
    figure = images([class_colours(tiled.argmax(dim=0)), apart],
                    ["classes, in tiles", "difference: black 0.0001 or less, white 1"])
    figure.suptitle(f"Tiles of {tile} pixels, overlap {overlap}: {changed:,} of {apart.numel():,} pixels change their class",
                    fontsize=13)
    return figure


def skips_figure(model, image, truth, cut=()):
    """What a trained U-Net finds when some of its skips carry nothing but zeros.

    Parameters
    ----------
    model : UNet
        Left as it is.
    image : Tensor, shape (1, H, W)
    truth : Tensor, shape (H, W)
        Class of each pixel.
    cut : iterable of int
        Levels whose skip is cut; 0 is the top.

    Raises
    ------
    ValueError
        If there is no such level.

    Examples
    --------
    >>> from unet_course import UNet
    >>> figure = skips_figure(UNet(channels=(2, 4, 8)), torch.zeros(1, 16, 16), torch.zeros(16, 16), cut=[0])
    >>> figure.axes[2].get_title()
    'skip 0 cut'
    """
    levels, cut = len(model.decoders), sorted(set(cut))
    if not set(cut) <= set(range(levels)):
        raise ValueError(f"cut is {cut}; this network has the skips {list(range(levels))}")
    hooks = [model.decoders[levels - 1 - level].register_forward_pre_hook(lambda _, given: (given[0], 0 * given[1]))
             for level in cut]
    try:
        classes = predict(model, image).argmax(dim=0)
    finally:
        for hook in hooks:
            hook.remove()
    name = f"skip{'s' * (len(cut) > 1)} {', '.join(map(str, cut))} cut" if cut else "all skips there"
    figure = images([image[0], class_colours(truth.long()), class_colours(classes)], ["image", "truth", name])
    scores = " ".join(f"{what} {dice_score(classes == k, truth == k):.2f}" for k, what in ((1, "boundary"), (2, "interior")))
    figure.suptitle(f"{name[0].upper()}{name[1:]}: Dice of {scores}", fontsize=13)
    return figure
