"""Training: `train_step` and `train_loop` are the lesson; `fit` hangs all else on them. (06)"""

import math
from dataclasses import asdict
from pathlib import Path

import torch
from torch.optim.lr_scheduler import LambdaLR

from unet_course.data.files.bars import tqdm
from unet_course.losses import FadingWeights
from unet_course.training.batches import Batches
from unet_course.training.checkpoints import load_checkpoint, save_atomically
from unet_course.training.distributed import (
    agree,
    explained,
    from_first,
    in_parts,
    is_first,
    shared_norms,
    size,
    started_by_torchrun,
    wrapped,
)
from unet_course.training.history import History, confusion
from unet_course.training.speed import Mixed, bf16_pays, compiler

LR = 1e-2  # largest learning rate


def train_step(model, optimiser, loss, x, *truth):
    """Change a network once, after one batch; return the loss.

    Parameters
    ----------
    model : Module
    optimiser : torch.optim.Optimizer
    loss : callable
        ``loss(logits, mask)`` returns a scalar tensor; with weights
        ``loss(logits, mask, weights)``.
    x : Tensor, shape (N, C, H, W)
    *truth : Tensor, shape (N, H, W)
        The mask, and weights of the pixels where there are some.

    Examples
    --------
    >>> model = torch.nn.Conv2d(1, 2, 1)
    >>> optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> x, mask = torch.zeros(1, 1, 8, 8), torch.zeros(1, 8, 8).long()
    >>> train_step(model, optimiser, torch.nn.functional.cross_entropy, x, mask) > 0
    True
    """
    model.train()
    value = loss(model(x), *truth)  # logits (N, classes, H, W), mask (N, H, W) -> one number
    optimiser.zero_grad()
    value.backward()
    optimiser.step()
    return value.item()


def train_loop(model, batches, optimiser, loss, *, scheduler=None, on_step=None, step=train_step):
    """Take a step with each batch; return the losses.

    Parameters
    ----------
    model, optimiser, loss
        As for `train_step`.
    batches : iterable
        Of (images, masks), or (images, masks, weights).
    scheduler : torch.optim.lr_scheduler.LRScheduler, optional
        Changes the learning rate after each step.
    on_step : callable, optional
        ``on_step(number, model, loss)`` is called after each step; the first has number 1.
    step : callable, default `train_step`
        What is done with a batch.

    Examples
    --------
    >>> model = torch.nn.Conv2d(1, 2, 1)
    >>> batches = [(torch.zeros(1, 1, 8, 8), torch.zeros(1, 8, 8).long())] * 3
    >>> optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> len(train_loop(model, batches, optimiser, torch.nn.functional.cross_entropy))
    3
    """
    losses = []
    for number, batch in enumerate(batches, start=1):
        losses.append(step(model, optimiser, loss, *batch))
        if scheduler is not None:
            scheduler.step()
        if on_step is not None:
            on_step(number, model, losses[-1])
    return losses


def fit(model, train, val=None, *, steps, batch_size=8, crop=128, lr=LR, weight_decay=1e-4,
        loss=None, augment=None, seed=0, bf16="auto", val_every=100, checkpoint=None,
        save_every=50, resume=False, progress=True, order="random", accumulate=1, compile=False,
        channels_last=True, on_step=None):
    """Train a network on random crops: AdamW, a warm-up, then a cosine down to zero.

    Parameters
    ----------
    model : Module
        Changed in place. It stays on the device that it is on.
    train : (images, masks), or a sequence of (image, mask) such as `SegmentationFolder`
        Images ``(N, C, H, W)`` float, masks ``(N, H, W)`` int64, or single pictures of different
        sizes. A third member, weights of the masks' shape such as `border_weight_map` gives, is cut
        and moved with the mask, and the loss is called as ``loss(logits, target, weights)``.
    val : same, optional
        Scored every `val_every` steps and at the end.
    steps : int
        Optimiser steps in all; the schedule ends there.
    batch_size, crop : int, default 8 and 128
        Each step sees `batch_size` squares of `crop` × `crop` pixels.
    lr, weight_decay : float
        Largest learning rate, and AdamW's decay.
    loss : callable, optional
        ``loss(logits, target)`` returns a scalar tensor. Not given: `FadingWeights`, with the
        shares of the classes in `train`.
    augment : callable, optional
        ``augment(images, masks, generator)`` returns a changed batch, see `Augment`.
    seed : int, default 0
        Everything random in step *i* follows from `seed` and *i* alone, which is why a resumed
        training goes on as if it had never stopped.
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
        Which pictures a step cuts its squares from. "random": any, drawn anew each time; all are
        read first. "epochs": each picture once an epoch, in a new order each epoch; read when its
        turn comes, so that a `SegmentationFolder` may be larger than memory (up to 1 GiB of
        pictures is kept). Square *k* of the training follows from `seed` and *k* alone.
    accumulate : int, default 1
        The batch goes through the network in so many parts, one after the other, for one optimiser
        step: less memory. The gradient is the mean of the parts' gradients. That is the gradient of
        the whole batch where the loss is a mean over pictures and no layer looks at other pictures.
        Batch norm does, and Dice is no such mean: both see a part.
    compile : bool, default False
        Run the network through `torch.compile`: faster steps after a first one that takes long.
        Needs a C++ compiler.
    channels_last : bool, default True
        Keep channels innermost in memory, which convolutions on most processors and GPUs are faster
        with.
    on_step : callable, optional
        ``on_step(number, model, loss)`` is called after each step, to watch the network learn; the
        first has number 1.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If an argument is out of range, the data are empty, or the checkpoint is of another
        training; if `batch_size` is no multiple of the number of processes times `accumulate`.
    FloatingPointError
        If the loss is NaN or infinite; says at which step, and what to try.
    ConnectionError
        If another process of the training has gone.

    Notes
    -----
    Several processes (see `joined`) share each batch of `batch_size`: the loss, batch norm's
    statistics and the gradient are those of the whole batch, so that the result is that of one
    process, up to the order in which numbers are added. With order="random" each process augments
    the whole batch and uses its share; "epochs" does only the share. Dropout draws other numbers in
    each process. Process 0 draws the bar and writes the checkpoint; a training can be resumed by
    another number of processes.

    Examples
    --------
    >>> from unet_course import UNet, load_nuclei
    >>> model = UNet(num_classes=3, channels=(4, 8))
    >>> history = fit(model, load_nuclei("val"), steps=2, crop=32, progress=False)
    >>> len(history.loss)
    2
    """
    _check(order, resume, checkpoint, steps=steps, batch_size=batch_size, crop=crop,
           val_every=val_every, save_every=save_every, accumulate=accumulate)
    first = next(model.parameters())
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model.to(memory_format=layout)
    batches = Batches(train, order=order, crop=crop, batch_size=batch_size, parts=accumulate,
                      augment=augment, seed=seed, device=first.device, dtype=first.dtype,
                      layout=layout)
    val = None if val is None else batches.read(val, "val")
    loss = FadingWeights(batches.shares()) if loss is None else loss
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    settings = dict(steps=steps, batch_size=batch_size, crop=crop, lr=lr, seed=seed,
                    weight_decay=weight_decay, order=order, accumulate=accumulate)
    history, start = None, 0
    if resume and Path(checkpoint).exists():
        stored, start = load_checkpoint(checkpoint, model, optimiser, settings)
        history = History(**stored)
        if bf16 != "auto" and bool(bf16) != history.bf16:
            raise ValueError(f"bf16 is {bf16}, but checkpoint {Path(checkpoint).name} was made "
                             f"with bf16={history.bf16}; use the same, or another file name")
    agree(step=start, pictures=len(batches.pictures))
    history = history or History(bf16=_precision(bf16, model, batches))
    for group in optimiser.param_groups:  # a checkpoint holds the rate of its last step
        group["lr"] = group["initial_lr"] = lr
    scheduler = LambdaLR(optimiser, lambda step: schedule(step, steps), last_epoch=start - 1)
    bar = tqdm(total=steps, initial=start, disable=not (progress and is_first()), desc="training",
               unit="step", leave=False)

    if hasattr(loss, "progress"):
        loss.progress = start / steps

    def after(number, _, value):
        done = start + number
        if hasattr(loss, "progress"):
            loss.progress = done / steps
        if not math.isfinite(value):
            raise FloatingPointError(
                f"loss is {value} at step {done - 1}; the weights of this step are lost. Try a "
                f"smaller lr (now {lr}), look for NaN in the images, and for a division by zero or "
                "the log of 0 in your loss")
        history.loss.append(value)
        if val is not None and (done % val_every == 0 or done == steps):
            history.add_scores(done, confusion(model, val))
        bar.update()
        bar.set_postfix_str(f"loss {value:.3f}, validation {history.headline()}", refresh=False)
        if checkpoint is not None and (done % save_every == 0 or done == steps):
            if is_first():
                state = dict(model=model.state_dict(), optimiser=optimiser.state_dict(), step=done,
                             settings=settings, history=asdict(history))
                save_atomically(state, checkpoint)
            agree(step=done)  # nobody is a step ahead of the file
        if on_step is not None:
            on_step(done, model, value)

    was_training = model.training
    step = train_step if accumulate == size() == 1 else in_parts(accumulate)
    with (explained(), shared_norms(model), compiler(model, compile) as runner, bar,
          torch.random.fork_rng()):
        train_loop(wrapped(Mixed(runner, history.bf16)), batches.steps(start, steps), optimiser,
                   loss, scheduler=scheduler, on_step=after, step=step)
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
        raise ValueError(f"torchrun started {started_by_torchrun()} processes, but they do not "
                         "know of each other; wanted fit within "
                         "'with unet_course.training.joined():'")
    batch_size, parts = numbers["batch_size"], size() * numbers["accumulate"]
    if batch_size % parts:
        less, more = batch_size // parts * parts, -(-batch_size // parts) * parts
        raise ValueError(f"batch_size is {batch_size}; wanted a multiple of {parts} ({size()} "
                         f"processes × accumulate {numbers['accumulate']}): "
                         f"{f'{less} or ' if less else ''}{more}")


def _precision(bf16, model, batches):
    """Whether to compute in bfloat16; if it has to be measured, process 0 does it for all."""
    if bf16 != "auto":
        return bool(bf16)
    shape = (batches.batch_size, len(batches.pictures[0][0]), batches.crop, batches.crop)
    return bool(from_first(is_first() and bf16_pays(model, shape)))


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
