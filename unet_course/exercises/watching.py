"""See what a network does while it runs, however it is written. (02)"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from unet_course.exercises.core import asking, expect
from unet_course.exercises.values import call, tensor


@dataclass
class Convolution:
    """One convolution that was computed: what went in, with which weights."""

    input: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    padding: object
    dilation: object = 1
    times: int = 1  # how often a layer with these weights was computed

    @property
    def size(self):
        """Height and width of the kernel."""
        return tuple(self.weight.shape[2:])

    def within(self, height, width):
        """What went in, without the border that F.pad may have set around it beforehand."""
        extra = [(have - want) // 2 for have, want in zip(self.input.shape[2:], (height, width))]
        if min(extra) <= 0:
            return self.input
        return self.input[..., extra[0] : extra[0] + height, extra[1] : extra[1] + width]


NAMES = ("input", "weight", "bias", "stride", "padding", "dilation")


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
            dilation = given.get("dilation", 1) if kept is self.plain else 1
            kept.append(Convolution(given["input"].detach().clone(), given["weight"],
                                    given.get("bias"), given.get("padding", 0), dilation))
        self.norms += function in (F.batch_norm, torch.batch_norm)
        return result


def watch(built, *inputs, training=False):
    """What a network computes for these inputs, in evaluation mode unless training is asked for."""
    mode = built.training
    with torch.no_grad(), Watch() as seen:
        built.train(training)(*inputs)
    built.train(mode)
    for calls in (seen.plain, seen.transposed):  # what is computed twice with the same weights is one layer
        for c in calls:
            c.times = sum(other.weight is c.weight for other in calls)
        calls[:] = {id(c.weight): c for c in reversed(calls)}.values()
        calls.reverse()
    return seen


def block_of(built, in_channels, out_channels, *inputs):
    """The two 3×3 convolutions of a block with padding=1, and a function that runs them.

    It runs each with a ReLU and, if asked for, a norm, whose scale and shift may be given; and it
    sets the zeros around by itself, as a block may do with F.pad.
    """
    wide = [c for c in watch(built, *inputs).plain if c.size == (3, 3)]
    expect(len(wide) != 1 or wide[0].times == 1, f"For {in_channels} → {out_channels} channels "
           f"one convolution of yours is used {wide[0].times if wide else 0} times. Wanted two, "
           "each with weights of its own.")
    expect(len(wide) == 2, f"Your block computes {len(wide)} convolutions of 3×3; wanted 2.")
    sizes = [(c.weight.shape[1], c.weight.shape[0]) for c in wide]
    expect(sizes == [(in_channels, out_channels), (out_channels, out_channels)],
           f"Your convolutions go {sizes[0][0]} → {sizes[0][1]} and {sizes[1][0]} → {sizes[1][1]} channels; wanted "
           f"{in_channels} → {out_channels} and {out_channels} → {out_channels}: the first one changes the number, the "
           "second keeps it.")
    learnt = {id(p) for p in built.parameters()}
    expect(all(id(c.weight) in learnt for c in wide), "The weights of your convolutions are not among the parameters of the "
           "module, so no optimiser finds them. Are they layers, or nn.Parameter, and set as self.something?")

    def run(x, norm, between=F.relu, norm_last=(False, False)):
        for convolution, end, last in zip(wide, (between, F.relu), norm_last):
            x = F.conv2d(x, convolution.weight, convolution.bias, padding=1)
            x = end(x) if last else x
            x = normalised(x, *(norm if isinstance(norm, tuple) else (1.0, 0.0))) if norm else x
            x = x if last else end(x)
        return x

    return wide, run


def normalised(x, scale, shift):
    """What a batch norm makes of x in training mode."""
    return scale * F.batch_norm(x, None, None, training=True) + shift


def set_norms(built, convolutions, scale=4.0, shift=1.0):
    """Set scale and shift of the two norms in a block, and return both, as the `run` of `block_of` takes them.

    They are found as what begins as ones and zeros. Where that does not hold, nothing is set: True.
    """
    others = {id(p) for c in convolutions for p in (c.weight, c.bias)}
    left = [p for p in built.parameters() if id(p) not in others]
    found = [[p for p in left if bool((p == begin).all())] for begin in (1, 0)]
    if [len(parts) for parts in found] != [2, 2]:
        return True
    for parts, value in zip(found, (scale, shift)):
        for p in parts:
            p.data.fill_(value)
    return scale, shift


def slopes(function, *inputs):
    """How much a mixture of all that comes out changes along one direction of each input.

    That is said twice for each: as it is measured, and by the gradient. Where something is detached
    or cut into steps, the two differ. The inputs are results of a computation, as inside a network.
    """
    def mixture(*values):
        out = call(function, *values)
        parts = [tensor(part, "Your output", learns=True)
                 for part in (out if isinstance(out, (tuple, list)) else [out])]
        return sum((part * torch.linspace(0, 1, part.numel()).reshape(part.shape)).sum()
                   for part in parts)

    leaves, step, found = [x.detach().clone().requires_grad_() for x in inputs], 1e-3, []
    whole = mixture(*[leaf * 1 for leaf in leaves])
    gradients = [None] * len(leaves)
    if whole.requires_grad:
        gradients = torch.autograd.grad(whole, leaves, allow_unused=True)
    for place, gradient in enumerate(gradients):
        along = torch.randn_like(inputs[place])
        if gradient is not None and gradient.norm() > 0:
            # steep, so that rounding plays no part
            along = gradient / gradient.norm() + 0.1 * along / along.norm()
        with torch.no_grad():
            up, down = (mixture(*[x + move * along if i == place else x.clone()
                                  for i, x in enumerate(inputs)]) for move in (step, -step))
        by_gradient = 0.0 if gradient is None else float((gradient * along).sum())
        found.append((float(up - down) / (2 * step), by_gradient))
    return found


def send_back(out):
    """Send a gradient back through an output."""
    expect(out.requires_grad, "No gradient goes back through your output. Is something detached, or made anew?")
    with asking("Is something changed in place that is still needed to compute the gradient?"):
        out.square().sum().backward()


def agree(slope, tolerance=0.05):
    """Whether a measured slope is that of the gradient."""
    measured, gradient = slope
    return abs(measured - gradient) <= tolerance * max(abs(measured), abs(gradient), 1e-3)


def biases(convolutions, norm):
    """Expect a bias where there is no norm, and none under a norm."""
    have = [convolution.bias is not None for convolution in convolutions]
    expect(not (norm and any(have)), "norm=True: a convolution under a batch norm has a bias, "
           "which the norm subtracts again. Switch it off.")
    expect(norm or any(have),
           "norm=False: your convolutions have no bias, and nothing else shifts the values.")
    for number, has in enumerate(have, start=1):
        expect(norm or has, f"norm=False: convolution {number} has no bias, and nothing else "
               "shifts its values.")


def writes_into(function, x):
    """Whether a function changes the tensor that it is given, one of the shape of x."""
    given = torch.randn_like(x)
    before = given.clone()
    with torch.no_grad():
        function(given)
    return not torch.equal(given, before)
