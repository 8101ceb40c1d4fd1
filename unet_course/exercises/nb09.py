"""Exercises: the networks, patients 1 to 5 and 11, and the triage. (09)"""

import torch
from torch import nn

from unet_course.clinic.patients import ClinicUNet
from unet_course.exercises.answers import word
from unet_course.exercises.core import Exercise, asking, expect, said, shape, tensor
from unet_course.exercises.watching import watch
from unet_course.unet import UNet

CHANNELS = (4, 8, 16)


def built(answer, channels=CHANNELS):
    """The repaired network, made from the class that was handed over."""
    expect(isinstance(answer, type) and issubclass(answer, nn.Module), f"Your answer is {said(answer)}; wanted a class of "
           "networks. Hand over its name, without brackets.")
    return answer(num_classes=3, channels=channels)


def runs(model, size=(32, 48)):
    """Logits for two images; a hint if the network stops."""
    with asking(f"That was on images 1×{size[0]}×{size[1]}, with channels={CHANNELS}. Print the shapes on the way up."):
        return tensor(model(torch.rand(2, 1, *size)))


def same_weights(model, healthy):
    """Expect both to have the same parts, and give the model the weights of the healthy one."""
    names, wanted = model.state_dict().keys(), healthy.state_dict().keys()
    expect(names == wanted and all(v.shape == model.state_dict()[n].shape for n, v in healthy.state_dict().items()),
           "The parts of your network, their names or sizes, are not those of ClinicUNet. Mend the one fault, and leave the "
           "rest as it is.")
    model.load_state_dict(healthy.state_dict())


def as_healthy(answer, hint, sizes=((64, 48), (32, 32))):
    """Expect the logits of a healthy network with the same weights."""
    for channels in (CHANNELS, (3, 6, 8, 10)):
        model, healthy = built(answer, channels).eval(), ClinicUNet(num_classes=3, channels=channels).eval()
        same_weights(model, healthy)
        for size in sizes:
            x = torch.rand(2, 1, *size)
            with torch.no_grad():
                got, wanted = tensor(model(x)), healthy(x)
            shape(got, wanted.shape, f"On images {size[0]}×{size[1]} " + "your network gives {got}; wanted {wanted}.")
            expect(torch.allclose(got, wanted, atol=1e-4), hint)


one = Exercise("9.1", "Patient 1", "find", minutes=5, mark="classroom")


@one.behaviour
def decoders_meet(answer):
    shape(runs(built(answer)), (2, 3, 32, 48), "Your network gives {got}; wanted {wanted}.")


@one.behaviour
def each_decoder_gets_its_skip(answer):
    as_healthy(answer, "It runs, and gives other numbers than a healthy network with the same weights. Does each decoder get "
               "the skip of its own level, and is every decoder called once?")


two = Exercise("9.2", "Patient 2", "find", minutes=8)


@two.behaviour
def channels_meet(answer):
    shape(runs(built(answer)), (2, 3, 32, 48), "Your network gives {got}; wanted {wanted}.")


@two.behaviour
def still_bilinear(answer):
    seen = watch(built(answer), torch.rand(2, 1, 32, 48))
    expect(not seen.transposed, "There is a transposed convolution. This network is to upsample bilinearly, as its owner "
           "wanted.")
    kinds = [m for m in built(answer).modules() if isinstance(m, nn.Upsample)]
    expect(len(kinds) == 2 and all(m.mode == "bilinear" for m in kinds), f"I find {len(kinds)} layers nn.Upsample, of "
           f"mode {sorted({m.mode for m in kinds})}; wanted the 2 bilinear ones that were there.")


@two.behaviour
def the_rest_is_as_it_was(answer):
    for channels in (CHANNELS, (3, 6, 8, 10)):
        model, healthy = built(answer, channels), UNet(num_classes=3, channels=channels, up="bilinear")
        for name in ("encoders", "bottleneck", "head"):
            ours = {n: v.shape for n, v in getattr(healthy, name).state_dict().items()}
            expect({n: v.shape for n, v in getattr(model, name).state_dict().items()} == ours, f"The {name} have changed. "
                   "Only the way up is ill.")
        x, level = torch.rand(1, channels[-1], 4, 4), len(channels) - 1
        for decoder in model.decoders:
            level -= 1
            x = decoder(x, torch.rand(1, channels[level], 2 * x.shape[2], 2 * x.shape[3]))
            expect(x.shape[-1] == 4 * 2 ** (len(channels) - 1 - level), f"A decoder gives {x.shape[-1]} columns; wanted "
                   "twice as many as it gets.")
            expect(x.shape[1] == channels[level], f"A decoder gives {x.shape[1]} channels; wanted {channels[level]}, as "
                   "before.")
        out = model(torch.rand(2, 1, 32, 32))
        grads = torch.autograd.grad(out.square().sum(), list(model.parameters()), allow_unused=True)
        expect(all(g is not None for g in grads), "Some of your layers never take part. Is each used that you make?")


three = Exercise("9.3", "Patient 3", "find", minutes=8)


def spreads(model, pixel=(14, 34), size=48):
    """How far from its place a pixel comes out when each layer averages what it sees."""
    for parameter in model.parameters():
        parameter.data.fill_(0.1 if parameter.ndim == 4 else 1.0)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
    x = torch.rand(1, 1, size, size).requires_grad_()
    (gradient,) = torch.autograd.grad(model.eval()(x)[..., pixel[0], pixel[1]].sum(), x)
    seen = gradient[0, 0].abs().nonzero()
    return int((seen - torch.tensor(pixel)).abs().max())


@three.behaviour
def the_bright_pixel_stays(answer):
    model = built(answer, (4, 8))
    shape(runs(model), (2, 3, 32, 48), "Your network gives {got}; wanted {wanted}.")
    healthy = spreads(ClinicUNet(num_classes=3, channels=(4, 8)))
    far = spreads(model)
    expect(far <= healthy, f"With one pool, an output pixel depends on pixels {far} away; in a healthy network {healthy} is "
           "the most. Which tensor has the full size, the block's output or the pooled one?")


@three.behaviour
def nothing_else_in_three(answer):
    as_healthy(answer, "With the same weights a healthy network gives other numbers. Is the skip what the block gives, "
               "before the pool, on every level?")


four = Exercise("9.4", "Patient 4", "find", minutes=5)


@four.behaviour
def size_stays(answer):
    for size in ((64, 64), (101, 101), (37, 30)):
        shape(runs(built(answer), size), (2, 3, *size), f"On images {size[0]}×{size[1]} " + "your network gives {got}; wanted "
              "{wanted}.")


@four.behaviour
def nothing_moves(answer):
    as_healthy(answer, "The size is right, and the picture is not in its place. The zeros were padded at the right and at "
               "the bottom: which rows and columns have to go?", sizes=((64, 48), (37, 30), (101, 33)))


five = Exercise("9.5", "Patient 5", "find", minutes=12, mark="deeper")


def convolutions(model):
    return [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d)]


@five.behaviour
def weights_are_drawn_after_he(answer):
    model = built(answer, (16, 32, 64))
    for name, layer in convolutions(model):
        fan_in = layer.in_channels * layer.kernel_size[0] ** 2
        ratio = float(layer.weight.std()) * (fan_in / 2) ** 0.5
        if layer.weight.numel() < 1000:
            continue  # too few to tell
        expect(ratio > 0.55, f"{name}: the standard deviation of the weights is {ratio:.2f} times sqrt(2 / fan_in); torch's "
               "default has 0.41. Is your initialisation called?")
        expect(0.9 < ratio < 1.1, f"{name}: the standard deviation of the weights is {ratio:.2f} times sqrt(2 / fan_in); "
               "wanted 1. What does He et al. divide by, what goes in or what goes out?")
        largest = float(layer.weight.abs().max() / layer.weight.std())
        expect(largest > 2, f"{name}: no weight is larger than {largest:.1f} standard deviations. Wanted the normal "
               "distribution.")


@five.behaviour
def biases_are_zero(answer):
    for name, layer in convolutions(built(answer)):
        expect(layer.bias is not None, f"{name} has lost its bias. Without a norm, nothing else shifts the values.")
        expect(float(layer.bias.detach().abs().max()) == 0, f"The bias of {name} is not zero.")


@five.behaviour
def still_without_norm(answer):
    model = built(answer)
    healthy = ClinicUNet(norm=False, num_classes=3, channels=CHANNELS)
    same_weights(model, healthy)
    x = torch.rand(1, 1, 37, 30)
    expect(torch.allclose(model(x), healthy(x), atol=1e-4), "With the same weights a healthy network gives other numbers. "
           "Mend how the weights begin, and leave the rest.")
    expect(not torch.equal(next(built(answer).parameters()), next(built(answer).parameters())), "Two networks begin with the "
           "same weights. They have to be drawn at random.")


eleven = Exercise("9.11", "Patient 11", "find", minutes=5)


@eleven.behaviour
def gives_logits(answer):
    out = runs(built(answer).eval())
    shape(out, (2, 3, 32, 48), "Your network gives {got}; wanted {wanted}.")
    sums = out.sum(dim=1)
    expect(not torch.allclose(sums, torch.ones_like(sums), atol=1e-3), "The outputs of a pixel still add up to 1. What does "
           "cross-entropy do to what it gets?")


@eleven.behaviour
def learns_as_a_healthy_one(answer):
    model, healthy = built(answer).eval(), ClinicUNet(num_classes=3, channels=CHANNELS).eval()
    same_weights(model, healthy)
    x = torch.rand(2, 1, 37, 30)
    got, wanted = (net(x).log_softmax(dim=1) for net in (model, healthy))
    expect(torch.allclose(got, wanted, atol=1e-4), "Inside cross-entropy, your outputs become other probabilities than those "
           "of a healthy network with the same weights. The logits have to go out as they are.")


triage = Exercise("9.18", "Triage", "choose", minutes=5, mark="classroom")
FIRST = ("print the shapes", "light one pixel", "learn one batch by heart", "count the classes")


@triage.behaviour
def an_error(answer):
    expect((got := word(answer, 0, FIRST)) == "print the shapes", f"1: not {got!r}. An error names two numbers that do not "
           "meet. What shows where they come from?")


@triage.behaviour
def blurred_details(answer):
    expect((got := word(answer, 1, FIRST)) == "light one pixel", f"2: not {got!r}. It learns, sizes fit, and only the places "
           "are off. What shows where a feature goes?")


@triage.behaviour
def learns_nothing(answer):
    expect((got := word(answer, 2, FIRST)) == "learn one batch by heart", f"3: not {got!r}. Nobody knows yet whether "
           "network, loss or learning rate is ill. Which test takes seconds, and tells whether anything is?")


@triage.behaviour
def a_strange_number(answer):
    expect((got := word(answer, 3, FIRST)) == "count the classes", f"4: not {got!r}. A loss below zero, or a Dice above 1, "
           "cannot be with classes 0 and 1. Where do you look for other numbers?")
