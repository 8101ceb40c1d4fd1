"""An exercise of 11_ablations: a network with one skip cut, and everything else as it was."""

import copy

import torch
from torch import nn

from unet_course.exercises.core import Exercise, asking, call, expect, shape
from unet_course.unet import UNet

cut = Exercise("11.3", "Cut one skip", "write", minutes=12)


def _networks():
    for channels, size in [((4, 8, 16), (37, 50)), ((4, 8), (16, 16)), ((4, 6, 8, 10), (41, 33))]:
        yield UNet(in_channels=2, num_classes=3, channels=channels).eval(), torch.rand(2, 2, *size)


def _silenced(model, levels):
    """A copy with zeros on some skips, made by hooks on the decoders that take them."""
    model = copy.deepcopy(model)
    for level in levels:
        model.decoders[-1 - level].register_forward_pre_hook(lambda _, given: (given[0], torch.zeros_like(given[1])))
    return model


def _cut(answer, model, level):
    with asking("`model.encoders[level]` is an encoder block; its call returns (skip, pooled)."):
        got = call(answer, model, level)
    expect(isinstance(got, nn.Module), f"You return a {type(got).__name__}; wanted the changed copy, an nn.Module.")
    return got.eval()


def _run(model, x):
    with torch.no_grad(), asking("The network that you return is called with a batch of images, as ever."):
        return model(x)


@cut.behaviour
def sizes_stay(answer):
    for model, x in _networks():
        got = _run(_cut(answer, copy.deepcopy(model), 0), x)
        shape(got, (2, 3, *x.shape[-2:]), "The changed network returns {got}, wanted {wanted}: zeros of the skip's own shape.",
              "The output of your network")


@cut.behaviour
def that_skip_alone_is_silent(answer):
    for model, x in _networks():
        levels, before = range(len(model.decoders)), _run(model, x)
        for level in levels:
            got = _run(_cut(answer, copy.deepcopy(model), level), x)
            expect(not torch.allclose(got, before, atol=1e-6),
                   f"With level {level} cut, the output is what it was. Do your zeros reach the decoder?")
            if not torch.allclose(got, _run(_silenced(model, [level]), x), atol=1e-5):
                _say_why(got, model, level, levels, x)


def _say_why(got, model, level, levels, x):
    for other in levels:
        expect(not torch.allclose(got, _run(_silenced(model, [other]), x), atol=1e-5),
               f"Asked to cut level {level}, you cut level {other}. Level 0 is the top: the first encoder, the last decoder.")
    expect(not torch.allclose(got, _run(_silenced(model, levels), x), atol=1e-5),
           "All skips are cut, also those that were not asked for.")
    expect(False, f"With level {level} cut, the output is not that of the same network with zeros on that skip. "
                  "Is what goes down, the pooled tensor, still what it was?")


@cut.behaviour
def the_original_stays(answer):
    for model, x in _networks():
        before = _run(model, x)
        _cut(answer, model, 0)
        expect(torch.equal(_run(model.eval(), x), before),
               "The network that was handed in is changed, too. Work on a copy: copy.deepcopy(model).")


@cut.behaviour
def a_copy_with_weights_of_its_own(answer):
    model, x = next(_networks())
    got = _cut(answer, model, 1)
    before = _run(got, x)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    expect(torch.equal(_run(got, x), before), "The copy shares its weights with the original: training one would train "
                                              "the other. copy.deepcopy copies the weights as well.")
