"""See what a network does while it runs, however it is written. (02)"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from unet_course.exercises.core import expect


@dataclass
class Convolution:
    """One convolution that was computed: what went in, with which weights."""

    input: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    padding: object

    @property
    def size(self):
        """Height and width of the kernel."""
        return tuple(self.weight.shape[2:])


NAMES = ("input", "weight", "bias", "stride", "padding")


class Watch(TorchFunctionMode):
    """Inside ``with Watch() as seen`` every 2-D convolution is written down, in order: plain ones and transposed ones."""

    def __init__(self):
        super().__init__()
        self.plain, self.transposed, self.norms = [], [], 0

    def joined(self):
        """How many channels the first 3×3 convolution gets."""
        return next((c.weight.shape[1] for c in self.plain if c.size == (3, 3)), 0)

    def __torch_function__(self, function, types, arguments=(), options=None):
        options = options or {}
        result = function(*arguments, **options)
        kept = {torch.conv2d: self.plain, torch.conv_transpose2d: self.transposed}.get(function)
        if kept is not None:
            given = {**dict(zip(NAMES, arguments)), **options}
            kept.append(Convolution(given["input"].detach().clone(), given["weight"], given.get("bias"),
                                    given.get("padding", 0)))
        self.norms += function in (F.batch_norm, torch.batch_norm)
        return result


def watch(built, *inputs):
    """What a network computes for these inputs, in evaluation mode."""
    mode = built.training
    with torch.no_grad(), Watch() as seen:
        built.eval()(*inputs)
    built.train(mode)
    for calls in (seen.plain, seen.transposed):  # what is computed twice with the same weights is one layer
        calls[:] = {id(c.weight): c for c in reversed(calls)}.values()
        calls.reverse()
    return seen


def block_of(built, in_channels, out_channels, *inputs):
    """The two 3×3 convolutions of a block, first and second, and a function that runs them: norm, ReLU, twice."""
    wide = [c for c in watch(built, *inputs).plain if c.size == (3, 3)]
    expect(len(wide) == 2, f"Your block computes {len(wide)} convolutions of 3×3; wanted 2.")
    sizes = [(c.weight.shape[1], c.weight.shape[0]) for c in wide]
    expect(sizes == [(in_channels, out_channels), (out_channels, out_channels)],
           f"Your convolutions go {sizes[0][0]} → {sizes[0][1]} and {sizes[1][0]} → {sizes[1][1]} channels; wanted "
           f"{in_channels} → {out_channels} and {out_channels} → {out_channels}: the first one changes the number, the "
           "second keeps it.")
    learnt = {id(p) for p in built.parameters()}
    expect(all(id(c.weight) in learnt for c in wide), "The weights of your convolutions are not among the parameters of the "
           "module, so no optimiser finds them. Are they layers, or nn.Parameter, and set as self.something?")

    def run(x, norm, between=F.relu):
        for convolution, end in zip(wide, (between, F.relu)):
            x = F.conv2d(x, convolution.weight, convolution.bias, padding=convolution.padding)
            x = end(F.batch_norm(x, None, None, training=True) if norm else x)
        return x

    return wide, run


def biases(convolutions, norm):
    """Expect a bias where there is no norm, and none under a norm."""
    for convolution in convolutions:
        expect((convolution.bias is None) == norm, "norm=True: a convolution under a batch norm has a bias, which the "
               "norm subtracts again. Switch it off." if norm else
               "norm=False: your convolutions have no bias, and nothing else shifts the values.")
