"""Training: `fit` runs the steps, draws the bar, keeps a checkpoint and can go on from it."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from tqdm.auto import tqdm

from unet_course.inference.prediction import predict
from unet_course.losses import combined_loss
from unet_course.metrics.pixels import confusion_counts
from unet_course.training.batches import Pictures, batch_maker, read_all, seed_of
from unet_course.training.checkpoints import load_checkpoint, save_atomically
from unet_course.training.distributed import (
    added_up,
    agree,
    explained,
    from_first,
    gathered,
    is_first,
    rank,
    shared_norms,
    size,
    started_by_torchrun,
    unshared,
    wrapped,
)
from unet_course.training.speed import bf16_pays, compiler


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
        augment=None, seed=0, bf16="auto", val_every=100, checkpoint=None, save_every=50, resume=False, progress=True,
        order="random", accumulate=1, compile=False, channels_last=True):
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
    order : {"random", "epochs"}, default "random"
        Which pictures a step cuts its squares from. "random": any, drawn anew each time; all are read first. "epochs":
        each picture once an epoch, in a new order each epoch; read when its turn comes, so that a `SegmentationFolder`
        may be larger than memory (up to 1 GiB of pictures is kept). Square *k* of the training follows from `seed` and
        *k* alone.
    accumulate : int, default 1
        The batch goes through the network in so many parts, one after the other, for one optimiser step: less memory.
        The gradient is the mean of the parts' gradients. That is the gradient of the whole batch where the loss is a mean
        over pictures and no layer looks at other pictures. Batch norm does, and Dice is no such mean: both see a part.
    compile : bool, default False
        Run the network through `torch.compile`: faster steps after a first one that takes long. Needs a C++ compiler.
    channels_last : bool, default True
        Keep channels innermost in memory, which convolutions on most processors and GPUs are faster with.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If an argument is out of range, the data are empty, or the checkpoint is of another training; if `batch_size` is no
        multiple of the number of processes times `accumulate`.
    FloatingPointError
        If the loss is NaN or infinite; says at which step, and what to try.
    ConnectionError
        If another process of the training has gone.

    Notes
    -----
    Several processes (see `joined`) share each batch of `batch_size`: the loss, batch norm's statistics and the gradient are
    those of the whole batch, so that the result is that of one process, up to the order in which numbers are added. With
    order="random" each process augments the whole batch and uses its share; "epochs" does only the share. Dropout draws
    other numbers in each process. Process 0 draws the bar and writes the checkpoint; a training can be resumed by another
    number of processes.

    Examples
    --------
    >>> from unet_course import UNet, load_nuclei
    >>> history = fit(UNet(num_classes=3, channels=(4, 8)), load_nuclei("val"), steps=2, crop=32, progress=False)
    >>> len(history.loss)
    2
    """
    _check(order, resume, checkpoint, steps=steps, batch_size=batch_size, crop=crop, val_every=val_every,
           save_every=save_every, accumulate=accumulate)
    train = read_all(train, "train") if order == "random" else Pictures(train, "train")
    if val is not None:
        val = list(zip(*read_all(val, "val"))) if order == "random" else Pictures(val, "val")
    device = next(model.parameters()).device
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model.to(memory_format=layout)
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    settings = dict(steps=steps, batch_size=batch_size, crop=crop, lr=lr, weight_decay=weight_decay, seed=seed,
                    order=order, accumulate=accumulate)
    history, start = None, 0
    if resume and Path(checkpoint).exists():
        stored, start = load_checkpoint(checkpoint, model, optimiser, settings, device)
        history = History(**stored)
        if bf16 != "auto" and bool(bf16) != history.bf16:
            raise ValueError(f"bf16 is {bf16}, but checkpoint {Path(checkpoint).name} was made with bf16={history.bf16}; "
                             "use the same, or another file name")
    agree(step=start, pictures=len(train[0] if order == "random" else train))
    history = history or History(bf16=_precision(bf16, model, train, batch_size, crop))

    make = batch_maker(order, train, crop=crop, batch_size=batch_size, parts=accumulate, augment=augment, seed=seed,
                       device=device)
    was_training = model.training
    bar = tqdm(total=steps, initial=start, disable=not (progress and is_first()), desc="training", unit="step", leave=False)
    with explained(), shared_norms(model), compiler(model, compile) as runner, bar, torch.random.fork_rng():
        runner = wrapped(runner)
        for step in range(start, steps):
            model.train()
            generator = torch.manual_seed(seed * 1_000_003 + step)  # also what dropout draws from
            x, y = make(step, generator)
            if x.is_floating_point():  # pictures of double or half precision
                x = x.to(next(model.parameters()).dtype)
            if size() > 1:  # otherwise different pictures would lose the same channels
                torch.manual_seed(seed_of(seed, "dropout", step, rank()))
            for group in optimiser.param_groups:
                group["lr"] = lr * schedule(step, steps)
            value = _step(runner, optimiser, loss, x.to(memory_format=layout), y, history.bf16, accumulate)
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"loss is {value} at step {step}; the weights of this step are lost. Try a smaller lr (now {lr}), "
                    "look for NaN in the images, and for a division by zero or the log of 0 in your loss")
            history.loss.append(value)
            done = step + 1
            if val is not None and (done % val_every == 0 or done == steps):
                history.val_steps.append(done)
                history.val_dice.append(dice_of(model, val))
            bar.update()
            dice = f"{history.val_dice[-1]:.3f}" if history.val_dice else "–"
            bar.set_postfix_str(f"loss {value:.3f}, validation Dice {dice}", refresh=False)
            if checkpoint is not None and (done % save_every == 0 or done == steps):
                if is_first():
                    save_atomically(dict(model=model.state_dict(), optimiser=optimiser.state_dict(), step=done,
                                         settings=settings, history=asdict(history)), checkpoint)
                agree(step=done)  # nobody is a step ahead of the file
    model.train(was_training)
    return history


def _check(order, resume, checkpoint, **numbers):
    for name, value in numbers.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; wanted an integer of at least 1")
    if order not in ("random", "epochs"):
        raise ValueError(f'order is {order!r}; wanted "random" or "epochs"')
    if resume and checkpoint is None:
        raise ValueError("resume is True but checkpoint is None; name the file to go on from")
    if started_by_torchrun() > size():
        raise ValueError(f"torchrun started {started_by_torchrun()} processes, but they do not know of each other; wanted fit "
                         "within 'with unet_course.distributed.joined():'")
    batch_size, parts = numbers["batch_size"], size() * numbers["accumulate"]
    if batch_size % parts:
        less, more = batch_size // parts * parts, -(-batch_size // parts) * parts
        raise ValueError(f"batch_size is {batch_size}; wanted a multiple of {parts} ({size()} processes × accumulate "
                         f"{numbers['accumulate']}): {f'{less} or ' if less else ''}{more}")


def _precision(bf16, model, train, batch_size, crop):
    """Whether to compute in bfloat16; if it has to be measured, process 0 does it for all."""
    if bf16 != "auto":
        return bool(bf16)
    image = train[0][0]  # the first of the images, or the image of the first picture
    return bool(from_first(is_first() and bf16_pays(model, (batch_size, image.shape[0], crop, crop))))


def _step(runner, optimiser, loss, x, y, bf16, parts):
    optimiser.zero_grad(set_to_none=True)
    sum_of_parts = 0.0
    for part, (some, truth) in enumerate(zip(x.chunk(parts), y.chunk(parts)), start=1):
        with unshared(runner, last=part == parts):
            with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=bf16):
                logits = runner(some)
            value = loss(*gathered(logits.float(), truth))
            # Each process's gradient is that of its own share; what is averaged over the processes has to be their sum.
            (value * (size() / parts) if size() != parts else value).backward()
        sum_of_parts = sum_of_parts + value.detach()
    optimiser.step()
    return (sum_of_parts / parts).item()


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
