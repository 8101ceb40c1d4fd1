"""Two training loops over the same crops: the course's `fit`, and the loop that one writes without a library.

The plain loop has the same random crops, augmentation, loss, optimiser and schedule, step for step from the same seeds.
It differs in two things only: torch's default memory format instead of channels_last, and float32 throughout.
"""

import functools
import time

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from benchmarks.networks import NETWORKS, build
from unet_course import Augment, fit, load_nuclei, random_crops
from unet_course.losses import combined_loss
from unet_course.training.loop import schedule

BATCH, CROP = 8, 128


def plain_loop(model, train, *, steps, seed=0, lr=3e-3, weight_decay=1e-4, augment=None, constant=False, average=0.0):
    """Train in float32 as a tutorial would.

    `constant` leaves the learning rate as it is; `average` is the decay of an exponential moving average (EMA) of the
    weights, which then are the result.
    """
    images, masks = train
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
    mean = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(average), use_buffers=True) if average else None
    model.train()
    for step in range(steps):
        generator = torch.manual_seed(seed * 1_000_003 + step)
        x, y = random_crops(images, masks, size=CROP, count=BATCH, generator=generator)
        if augment is not None:
            x, y = augment(x, y, generator)
        for group in optimiser.param_groups:
            group["lr"] = lr if constant else lr * schedule(step, steps)
        loss = combined_loss(model(x), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        loss.item()
        if mean is not None:
            mean.update_parameters(model)
    return model if mean is None else mean.module


@functools.cache
def nuclei():
    """The data of all loops, read once: reading is not what is compared."""
    return load_nuclei("train")


# name: (network, loop). What is compared: the network and the loop are told apart by "ours, plain loop".
CONTESTANTS = {"ours, fit": ("ours", "auto"), "ours, fit in float32": ("ours", False), "ours, plain loop": ("ours", "plain"),
               **{f"{name}, plain loop": (name, "plain") for name in NETWORKS if name != "ours"}}


def train(contestant, w, *, steps, seed=0, model=None):
    """Train one contestant's network; return it."""
    name, loop = CONTESTANTS[contestant]
    model = build(name, w, seed) if model is None else model
    data, augment = nuclei(), Augment()
    if loop == "plain":
        return plain_loop(model, data, steps=steps, seed=seed, augment=augment)
    fit(model, data, steps=steps, seed=seed, batch_size=BATCH, crop=CROP, augment=augment, bf16=loop, loss=combined_loss,
        lr=3e-3, progress=False)
    return model


def seconds_per_step(contestant, w, steps):
    """CPU seconds of one step, after a few steps in which the libraries prepare themselves."""
    model = build(CONTESTANTS[contestant][0], w)
    train(contestant, w, steps=2, model=model)
    start = time.process_time()
    train(contestant, w, steps=steps, model=model)
    return (time.process_time() - start) / steps
