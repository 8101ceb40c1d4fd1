"""How far `fit` is above its floor: the convolutions of its network alone, forward and backward.

The convolutions get the tensors that they get in the network, one after the other, in the memory format of `fit`; nothing
between them is computed, no crop is cut, no loss, no optimiser. All in float32, in turns, on one thread.
"""

import functools
import os

import torch
from torch import nn

from benchmarks.loops import BATCH, CROP, nuclei, plain_loop
from benchmarks.measuring import in_process, in_turns
from benchmarks.networks import build
from unet_course import Augment, fit
from unet_course.losses import combined_loss


def main(quick=False):
    """Measure; return what results/floor.json holds."""
    rows = []
    for width in [4] if quick else [8, 32]:
        rows.append(in_process("floor:row", width=width, steps=1 if quick else 32 // width, turns=1 if quick else 7))
        print(" ", rows[-1], flush=True)
    load = round(os.getloadavg()[1], 1) if hasattr(os, "getloadavg") else None  # of the last five minutes
    return {"rows": rows, "load": load}


def row(width, steps, turns):
    """CPU seconds of a step of each kind."""
    torch.set_num_threads(1)
    data, model = nuclei(), build("ours", width)
    bare = build("ours", width).to(memory_format=torch.channels_last)
    options = {"steps": steps, "augment": Augment()}
    works = {"convolutions": functools.partial(convolutions, recorded(bare), steps),
             "network and loss": functools.partial(network_and_loss, bare, steps),
             "fit": lambda: fit(model, data, batch_size=BATCH, crop=CROP, bf16=False, loss=combined_loss, progress=False,
                                **options),
             "plain loop": lambda: plain_loop(build("ours", width), data, **options)}
    return {"width": width, **{name: taken["cpu"] / steps for name, taken in in_turns(works, turns).items()}}


def recorded(model):
    """Each convolution with the tensor that it gets."""
    pairs, hooks = [], []
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            hooks.append(layer.register_forward_hook(lambda layer, x, y: pairs.append((layer, x[0].detach().clone()))))
    model(torch.rand(BATCH, 1, CROP, CROP).to(memory_format=torch.channels_last))
    for hook in hooks:
        hook.remove()
    return [(layer, x.requires_grad_(number > 0)) for number, (layer, x) in enumerate(pairs)]  # none asks for the image's


def convolutions(pairs, steps):
    """Forward and backward of each; what goes back is there already."""
    for _ in range(steps):
        for layer, x in pairs:
            y = layer(x)
            y.backward(y.detach())
            layer.zero_grad(set_to_none=True)
            x.grad = None


def network_and_loss(model, steps):
    x = torch.rand(BATCH, 1, CROP, CROP).to(memory_format=torch.channels_last)
    for _ in range(steps):
        model.zero_grad(set_to_none=True)
        combined_loss(model(x), torch.ones(BATCH, CROP, CROP, dtype=torch.int64)).backward()
