"""What `diagnose` looks at in the code around a network, from augmentation to split. (09)

Each function examines one thing, and gives a `Finding` or None.
"""

import copy
import inspect
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from unet_course.clinic.examine_network import Finding, said, times


def geometry(augment, masks):
    """An augmentation that moves the image and not the mask, tried on images that are the mask itself."""
    truth = (masks > 0).long()
    if not 0 < float(truth.float().mean()) < 1:
        return None
    for seed in range(6):
        generator = torch.Generator().manual_seed(seed)
        arguments = [truth[:, None].float(), truth, generator]
        torch.manual_seed(seed)
        image, mask = augment(*arguments[: 3 if _takes_three(augment) else 2])
        if mask.shape[-2:] != image.shape[-2:] or mask.shape[0] != image.shape[0]:
            return Finding("image and mask differ in size", f"after augmentation: images {times(image.shape)}, masks "
                           f"{times(mask.shape)}", "crop, resize and turn both")
        if mask.is_floating_point() and bool((mask != mask.round()).any()):
            return Finding("mask interpolated", "after augmentation the masks hold fractions",
                           'warp masks with mode="nearest"')
        image, mask = image.mean(dim=1).flatten(1), mask.reshape(len(mask), -1).float()
        both = [(i, m) for i, m in zip(image, mask) if i.std() > 0 and m.std() > 0]
        agree = [float(torch.corrcoef(torch.stack(pair))[0, 1]) for pair in both]
        if agree and abs(np.median(agree)) < 0.5:
            return Finding("mask left behind", "images that were equal to their masks are not after augmentation",
                           "what moves pixels moves image and mask, by the same amount")


def _takes_three(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    return len(positional) >= 3 or any(p.kind == p.VAR_POSITIONAL for p in positional)


def flat_loss(loss, classes, like):
    """A loss that perfect, sure logits do not bring to 0; then one for which an absent class costs something."""
    stripes = torch.arange(256, device=like.device).reshape(1, 16, 16) // 16 % max(classes, 2)
    for target, what in [(stripes, "all classes"), (stripes.clamp(max=max(classes, 2) - 2), "one class absent")]:
        sure = 60.0 * F.one_hot(target, max(classes, 2)).permute(0, 3, 1, 2).float() - 30
        sure = sure[:, 1:] if classes == 1 else sure
        try:
            value = float(loss(sure, target))
        except Exception as error:
            between = "between 0 and 1" in str(error)
            return Finding("sigmoid missing" if between else "the loss stops", f"on logits of ±30: {said(error)}",
                           "use binary_cross_entropy_with_logits" if between else "print shapes and dtypes of what it gets")
        if not abs(value) < 0.1:
            if target is stripes:
                return Finding("squashed twice", f"logits that are sure and right cost {value:.2f}; wanted about 0",
                               "no softmax or sigmoid before a loss that takes logits")
            return Finding("empty class", f"with {what}, logits that are sure and right cost {value:.2f}; wanted about 0",
                           "average over the classes that occur, or add a smoothing term above and below the line")


def learning_rate(model, images, masks, optimiser, loss, steps=12):
    """One batch, some steps, with the learner's rate, a hundredth and a hundred times of it."""
    images, masks = images[:2], masks[:2]
    start, ends, peaks = None, {}, {}
    for factor in (1, 100, 0.01):
        net = copy.deepcopy(model).train()
        steer = optimiser(net)
        for group in steer.param_groups:
            group["lr"] *= factor
        values = []
        for _ in range(steps):
            value = loss(net(images), masks)
            values.append(float(value.detach()))
            if not math.isfinite(values[-1]):
                break
            steer.zero_grad()
            value.backward()
            steer.step()
        start = values[0]
        ends[factor], peaks[factor] = values[-1], max(values) if math.isfinite(values[-1]) else math.inf
    slow, fast = start - ends[1], start - ends[100]
    if slow < 0.1 * start and fast > max(0.2 * start, 4 * slow):
        return Finding("learning rate too small", f"{steps} steps on one batch take off less than a tenth of the loss; "
                       "with 100 times the rate, far more", "raise the learning rate tenfold, and look again")
    if peaks[1] > 10 * start + 1 and peaks[0.01] < 0.1 * peaks[1]:
        return Finding("learning rate too large", f"in {steps} steps on one batch the loss grows more than tenfold; with a "
                       "hundredth of the rate it stays far lower", "lower the learning rate tenfold, and look again")


class Stub(nn.Module):
    """A network whose answer is known: the logits that it was made with, for each image."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, x):
        return self.logits.expand(len(x), -1, -1, -1)


def prediction(model, images, predict, classes):
    """A threshold on logits; a network, or a prediction, that depends on what else is in the batch, or changes the network."""
    if classes == 1:
        logits = torch.tensor([-2.0, 0.25, 2.0], device=images.device).repeat_interleave(2).expand(1, 1, 6, 6)
        got = torch.as_tensor(predict(Stub(logits.clone()), images.new_zeros(1, images.shape[1], 6, 6)))
        values = got.float().reshape(-1, 6)[0]
        if values[2] < 0.5 < values[4]:
            return Finding("sigmoid missing", "a logit of 0.25 is a probability of 0.56, and is called background",
                           "model(x).sigmoid() > 0.5, or model(x) > 0")
    model.train()
    count = {name: int(b) for name, b in model.named_buffers() if name.endswith("num_batches_tracked")}
    others = torch.cat([images[:1], 1 - 2 * images])
    alone, together = (torch.as_tensor(predict(model, x))[:1].float() for x in (others[:1], others))
    changed = any(int(b) != count[name] for name, b in model.named_buffers() if name in count)
    model.eval()
    with torch.no_grad():
        apart, again, among = (model(x)[:1].float() for x in (others[:1], others[:1], others))
    slack = 0.01 * apart.abs().max()  # in a larger batch the last digits may differ, on a GPU by more
    if (among - apart).abs().max() > slack >= (again - apart).abs().max():
        return Finding("the batch decides", "in evaluation mode, too, an answer depends on what else is in the batch",
                       "norms that keep running means (track_running_stats=True), or group norm")
    if changed or not torch.allclose(alone, together, atol=1e-3):
        seen = ("the running means of batch norm move while it predicts" if changed
                else "it depends on what else is in the batch")
        return Finding("eval mode forgotten", f"the network is in training mode during prediction: {seen}",
                       "model.eval() before predicting, model.train() before training")


def empty_class(score, classes):
    """A score that takes off marks for a class that is neither there nor predicted."""
    whole = torch.arange(256).reshape(1, 16, 16) // 16 % max(classes, 2)
    without = whole.clamp(max=max(classes, 2) - 2)
    best, got = float(score(whole, whole)), float(score(without, without))
    if not abs(best - got) < 0.01:
        return Finding("empty class", f"a perfect prediction scores {best:.2f}, and {got:.2f} where one class is absent",
                       "average over the classes that occur in mask or prediction")


def shared_pixels(train, val, size=8):
    """Squares that are in both halves of a split, equal to the last bit."""
    def squares(images, step):
        for image in images:
            windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))[::step, ::step]
            windows = windows.reshape(-1, size * size)
            # a flat square, such as saturated background, proves nothing
            yield from (w.tobytes() for w in windows[windows.max(axis=1) > windows.min(axis=1)])

    train, val = ([np.ascontiguousarray(image.detach().cpu().float().numpy()[0]) for image in part] for part in (train, val))
    known = set(squares(val, size))
    both = known & set(squares(train, 1))
    if both:
        return Finding("leaked split", f"{len(both)} of {len(known)} squares of {size}×{size} pixels that you validate on are "
                       "in the training images", "split by image, or by place with a gap, before anything is cut")
