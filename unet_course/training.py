"""Training: `fit` runs the steps, draws the bar, keeps a checkpoint and can go on from it."""

import math
import os
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from tqdm.auto import tqdm

from unet_course.data import random_crops
from unet_course.inference import predict
from unet_course.losses import combined_loss
from unet_course.metrics import dice_score
from unet_course.precision import bf16_pays


@dataclass
class History:
    """What happened in a training, step by step.

    Attributes
    ----------
    loss : list of float
        Training loss of each step.
    val_steps : list of int
        Steps after which the validation data were scored.
    val_dice : list of float
        Foreground Dice (every class but 0) on the validation data, one for each of `val_steps`.
    bf16 : bool
        Whether the forward pass ran in bfloat16.
    """

    loss: list = field(default_factory=list)
    val_steps: list = field(default_factory=list)
    val_dice: list = field(default_factory=list)
    bf16: bool = False


def fit(model, train, val=None, *, steps, batch_size=8, crop=128, lr=3e-3, weight_decay=1e-4, loss=combined_loss,
        augment=None, seed=0, bf16="auto", val_every=100, checkpoint=None, save_every=50, resume=False, progress=True):
    """Train a network on random crops: AdamW, warm-up over the first tenth, then a cosine down to zero.

    Parameters
    ----------
    model : Module
        Changed in place. It stays on the device that it is on.
    train : (images, masks), or a sequence of (image, mask) such as `SegmentationFolder`
        Images ``(N, C, H, W)`` float, masks ``(N, H, W)`` int64, or single pictures of different sizes.
    val : same, optional
        Scored every `val_every` steps and at the end.
    steps : int
        Optimiser steps in all; the schedule ends there.
    batch_size, crop : int, default 8 and 128
        Each step sees `batch_size` squares of `crop` × `crop` pixels.
    lr, weight_decay : float
        Largest learning rate, and AdamW's decay.
    loss : callable, default `combined_loss`
        ``loss(logits, target)`` returns a scalar tensor.
    augment : callable, optional
        ``augment(images, masks, generator)`` returns a changed batch, see `Augment`.
    seed : int, default 0
        Everything random in step *i* follows from `seed` and *i* alone, which is why a resumed training goes on as
        if it had never stopped.
    bf16 : bool or "auto", default "auto"
        Forward pass in bfloat16; "auto" measures once whether that is faster here, see `bf16_pays`.
    val_every, save_every : int
        Steps between two scores, and between two checkpoints.
    checkpoint : path, optional
        File to keep the state in. It is written beside and renamed, so it is never half there.
    resume : bool, default False
        Go on from `checkpoint` if the file exists.
    progress : bool, default True
        Draw a progress bar.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If an argument is out of range, the data are empty, or the checkpoint is of another training.
    FloatingPointError
        If the loss is NaN or infinite; says at which step, and what to try.

    Examples
    --------
    >>> from unet_course import UNet, load_nuclei
    >>> history = fit(UNet(num_classes=3, channels=(4, 8)), load_nuclei("val"), steps=2, crop=32, progress=False)
    >>> len(history.loss)
    2
    """
    for name, value in dict(steps=steps, batch_size=batch_size, crop=crop, val_every=val_every,
                            save_every=save_every).items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; wanted an integer of at least 1")
    if resume and checkpoint is None:
        raise ValueError("resume is True but checkpoint is None; name the file to go on from")
    images, masks = _pictures(train, "train")
    val = None if val is None else _pictures(val, "val")
    device = next(model.parameters()).device
    model.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    settings = dict(steps=steps, batch_size=batch_size, crop=crop, lr=lr, weight_decay=weight_decay, seed=seed)
    history, start = History(), 0
    if resume and Path(checkpoint).exists():
        history, start = _load(checkpoint, model, optimiser, settings, device)
        if bf16 != "auto" and bool(bf16) != history.bf16:
            raise ValueError(f"bf16 is {bf16}, but checkpoint {Path(checkpoint).name} was made with bf16={history.bf16}; "
                             "use the same, or another file name")
    else:
        shape = (batch_size, images[0].shape[0], crop, crop)
        history.bf16 = bf16_pays(model, shape) if bf16 == "auto" else bool(bf16)

    was_training = model.training
    bar = tqdm(total=steps, initial=start, disable=not progress, desc="training", unit="step", leave=False)
    with bar, torch.random.fork_rng():
        for step in range(start, steps):
            model.train()
            generator = torch.manual_seed(seed * 1_000_003 + step)  # also what dropout draws from
            x, y = random_crops(images, masks, size=crop, count=batch_size, generator=generator)
            x, y = x.to(device), y.to(device)
            if augment is not None:
                x, y = augment(x, y, generator)
            for group in optimiser.param_groups:
                group["lr"] = lr * schedule(step, steps)
            value = _step(model, optimiser, loss, x, y, history.bf16)
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"loss is {value} at step {step}; the weights of this step are lost. Try a smaller lr (now {lr}), "
                    "look for NaN in the images, and for a division by zero or the log of 0 in your loss")
            history.loss.append(value)
            done = step + 1
            if val is not None and (done % val_every == 0 or done == steps):
                history.val_steps.append(done)
                history.val_dice.append(foreground_dice(model, *val))
            bar.update()
            dice = f"{history.val_dice[-1]:.3f}" if history.val_dice else "–"
            bar.set_postfix_str(f"loss {value:.3f}, validation Dice {dice}", refresh=False)
            if checkpoint is not None and (done % save_every == 0 or done == steps):
                state = dict(model=model.state_dict(), optimiser=optimiser.state_dict(), step=done,
                             settings=settings, history=asdict(history))
                save_atomically(state, checkpoint)
    model.train(was_training)
    return history


def _step(model, optimiser, loss, x, y, bf16):
    x = x.to(memory_format=torch.channels_last)
    with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=bf16):
        logits = model(x)
    value = loss(logits.float(), y)
    optimiser.zero_grad(set_to_none=True)
    value.backward()
    optimiser.step()
    return value.item()


def schedule(step, steps):
    """Factor on the learning rate: rises over the first tenth, then half a cosine down towards 0.

    Examples
    --------
    >>> [round(schedule(s, 100), 2) for s in (0, 4, 9, 55, 99)]
    [0.1, 0.5, 1.0, 0.5, 0.0]
    """
    warm = max(steps // 10, 1)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))


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
    found = [predict(model, image).argmax(dim=0).ravel() for image in images]
    return dice_score(torch.cat(found), torch.cat([mask.cpu().ravel() for mask in masks]))


def save_atomically(state, path):
    """Write a checkpoint beside its place, then rename it: a crash leaves the old file or the new one.

    Parameters
    ----------
    state : dict
        Tensors and plain values, so that it loads with ``weights_only=True``.
    path : path
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        torch.save(state, beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _load(checkpoint, model, optimiser, settings, device):
    try:
        with zipfile.ZipFile(checkpoint) as archive:  # torch.load does not compare the checksums in the file
            if archive.testzip() is not None:
                raise zipfile.BadZipFile
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        theirs, step, history = state["settings"], state["step"], History(**state["history"])
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"checkpoint {Path(checkpoint).name} cannot be read ({type(error).__name__}); it is damaged "
                         "or no checkpoint of fit: delete it to start anew") from error
    other = [f"{key} {theirs.get(key)!r} there, {value!r} here" for key, value in settings.items()
             if theirs.get(key) != value]
    if other:
        raise ValueError(f"checkpoint {Path(checkpoint).name} is of another training: {'; '.join(other)}. "
                         "Use the same settings, or another file name")
    try:
        model.load_state_dict(state["model"])
    except RuntimeError as error:
        raise ValueError(f"checkpoint {Path(checkpoint).name} is of another network; use the same one, or another file "
                         "name") from error
    optimiser.load_state_dict(state["optimiser"])
    return history, step


def _pictures(data, name):
    """Images and masks as two sequences, whichever form the data came in."""
    if isinstance(data, (tuple, list)) and len(data) == 2 and getattr(data[0], "ndim", 4) == 3 == getattr(data[1], "ndim", 0):
        raise ValueError(f"{name} has images of shape {tuple(data[0].shape)}; wanted (N, C, H, W): images[:, None] adds the "
                         "channel axis")
    if isinstance(data, (tuple, list)) and len(data) == 2 and getattr(data[0], "ndim", 0) == 4:
        images, masks = data
    else:
        pairs = [data[i] for i in range(len(data))]
        images, masks = [image for image, _ in pairs], [mask for _, mask in pairs]
    if len(images) == 0 or len(images) != len(masks):
        raise ValueError(f"{name} has {len(images)} images and {len(masks)} masks; wanted as many of each, at least one")
    for index, (image, mask) in enumerate(zip(images, masks)):
        if image.ndim != 3 or image.shape[-2:] != mask.shape:
            raise ValueError(f"{name}, picture {index}: image {tuple(image.shape)}, mask {tuple(mask.shape)}; "
                             "wanted (C, H, W) and (H, W)")
        if not torch.isfinite(image).all():
            raise ValueError(f"{name}, picture {index}: image has NaN or infinite values; "
                             "replace them first, for instance with torch.nan_to_num")
    return images, masks


def seed_everything(seed=0):
    """Start torch's random numbers from `seed`, on every device.

    Examples
    --------
    >>> seed_everything(0); a = torch.rand(1)
    >>> seed_everything(0); torch.equal(a, torch.rand(1))
    True
    """
    torch.manual_seed(seed)
