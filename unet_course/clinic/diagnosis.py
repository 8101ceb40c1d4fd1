"""One call for what the clinic does by hand: examine network, batch and the code around. (09)"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.clinic import examine_code, examine_network
from unet_course.clinic.examine_network import Diagnosis, Finding, said
from unet_course.training.seeds import undisturbed

LARGEST, MOST = 160, 4  # pixels of a side, and images, that are looked at


def diagnose(model, batch, *, loss=None, optimiser=None, augment=None, predict=None, score=None, train=None, val=None):
    """Look for the mistakes that are made most often with a U-Net, and say what was seen and what to try.

    Parameters
    ----------
    model : Module
        Takes images ``(N, C, H, W)`` and returns logits ``(N, K, H, W)``. A copy is examined; yours stays as it is.
    batch : (Tensor, Tensor)
        Images and masks, as you hand them to the network in training. Four images, and 160 × 160 pixels of each, are
        looked at.
    loss : callable, optional
        ``loss(logits, masks)``. Cross-entropy, if not given.
    optimiser : callable, optional
        ``optimiser(model)`` makes the optimiser: its learning rate is tried on the batch.
    augment : callable, optional
        ``augment(images, masks)`` or ``augment(images, masks, generator)`` returns both.
    predict : callable, optional
        ``predict(model, images)`` returns classes or probabilities, one for each image.
    score : callable, optional
        ``score(prediction, target)`` of two class masks, ``(N, H, W)``.
    train, val : sequence of Tensor (C, H, W), optional
        Images of both halves of a split; what they share is looked for. Needs both.

    Returns
    -------
    Diagnosis
        A table of findings, the first one to be mended first; empty if nothing was found. That is no proof of health.

    Raises
    ------
    ValueError
        If `model` is no network, `batch` is not a pair of images ``(N, C, H, W)`` and masks ``(N, H, W)``, or only one of
        `train` and `val` is given.

    Notes
    -----
    Takes no more than a few seconds for a network of usual size. Random numbers, the network's weights and its mode are as
    before. What cannot be seen: an image that was flipped or resized before it leaked, and a network that has no skips is
    told that it shifts small details, as it does.

    Examples
    --------
    >>> from unet_course import UNet
    >>> images, masks = torch.rand(2, 1, 32, 32), torch.randint(0, 2, (2, 32, 32))
    >>> diagnose(UNet(channels=(4, 8)), (images, 255 * masks))
    1. mask values
       seen: the masks hold 0, 255; the network has classes 0 to 1
       try:  (mask > 0).long() if it is foreground and background, or a table from grey value to class
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model is {model!r}; wanted a network. If that is its class, is it called, with brackets: UNet()?")
    images, masks = _batch(batch)
    if (train is None) != (val is None):
        raise ValueError("only one of train and val is given; wanted both: what they share is looked for")
    with undisturbed():
        model = copy.deepcopy(model)
        device = next((p.device for p in model.parameters()), images.device)
        examined = Diagnosis([])
        _examine(examined, model, images.to(device), masks.to(device), loss, optimiser, augment, predict, score, train, val)
    return examined


def _examine(examined, model, images, masks, loss, optimiser, augment, predict, score, train, val):
    def tried(name, function, *arguments):
        """Note what an examination finds. The learner's own functions may stop: that is a finding, too."""
        examined.examined.append(name)
        try:
            finding = function(*arguments)
        except Exception as error:
            finding = Finding(f"{name} stops", said(error), "call it by itself on one batch, and print the shapes")
        if finding and finding.name not in [f.name for f in examined.findings]:
            examined.findings.append(finding)
        return finding

    if tried("axes", examine_network.axes, images, masks):
        return  # nothing else makes sense
    images, masks = _part(images, masks)
    tried("image values", examine_network.image_values, images)
    images = images if images.is_floating_point() else images.float()
    out, cell, finding = examine_network.stops(copy.deepcopy(model).train(), images)
    tried("forward pass", lambda: finding)
    classes = _classes(model) if out is None else out.shape[1]
    if classes:
        tried("mask values", examine_network.mask_values, masks, classes)
        examined.findings.sort(key=lambda f: not f.name.startswith("mask "))
    if out is not None:
        if not tried("output size", examine_network.output_size, out, masks):
            tried("outputs", examine_network.already_probabilities, out)
        tried("bright pixel", examine_network.bright_pixel, copy.deepcopy(model), images, cell)
        if images.shape[-1] <= 2 * LARGEST:  # only valid convolutions make it larger, and then it takes seconds
            tried("signal", examine_network.fading, copy.deepcopy(model).train(), images)
    tried("alignment", examine_network.alignment, images, masks)
    if augment is not None:
        tried("augment", examine_code.geometry, augment, masks)
    classes = classes or max(int(masks.max()) + 1, 2)
    if loss is not None:
        tried("loss", examine_code.flat_loss, loss, classes, images)
    if optimiser is not None and not examined.findings:
        tried("optimiser", examine_code.learning_rate, model, images, masks, optimiser, loss or _usual_loss)
    if predict is not None and out is not None:
        tried("predict", examine_code.prediction, copy.deepcopy(model), images, predict, classes)
    if score is not None:
        tried("score", examine_code.empty_class, score, classes)
    if out is not None and not examined.findings:
        tried("classes said", examine_network.never_said, copy.deepcopy(model), images, masks)
    if train is not None:
        tried("split", examine_code.shared_pixels, train, val)


def _usual_loss(logits, masks):
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits[:, 0], masks.to(logits))
    return F.cross_entropy(logits, masks)


def _classes(model):
    """How many outputs a network that stops would have had: what it says, or None."""
    return getattr(model, "num_classes", None)


def _batch(batch):
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise ValueError(f"batch is of type {type(batch).__name__}; wanted a pair (images, masks)")
    images, masks = (torch.as_tensor(part) for part in batch)
    if images.ndim != 4 or masks.ndim != 3 or len(images) != len(masks) or 0 in images.shape:
        cure = ("a mask with a channel axis of 1 loses it with masks[:, 0]"
                if masks.ndim != 4 or masks.shape[1] == 1 else
                "one channel for each class becomes class numbers with masks.argmax(dim=1)")
        raise ValueError(f"batch has images {tuple(images.shape)} and masks {tuple(masks.shape)}; "
                         f"wanted (N, C, H, W) and (N, H, W): {cure}")
    return images, masks


def _part(images, masks):
    """A few images; of large ones the upper left, if image and mask are equally large."""
    images, masks = images[:MOST], masks[:MOST]
    if images.shape[-2:] == masks.shape[-2:]:
        images, masks = images[..., :LARGEST, :LARGEST], masks[..., :LARGEST, :LARGEST]
    return images, masks
