"""Answers that are right but for the form of what they give back, in some of the cases that a check tries."""

import torch

from tests.exercises.bank02 import many
from tests.exercises.bank08 import tiler
from unet_course import ConvBlock, DecoderBlock, EncoderBlock, UNet


def without_norm(block):
    return not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in block.modules())


def evaluating(block):
    return not block.training


def forms(block, when, made):
    """A class that gives back another form of its result in some case."""

    class Other(block):
        def forward(self, *inputs):
            result = super().forward(*inputs)
            return made(result) if when(self) else result

    return Other


def nothing(result):
    """A return was forgotten."""


def twice(result):
    return result, result


def classes(result):
    return result.argmax(dim=1)


def narrower(result):
    return result[..., :-1]


class SkipTimesZero(DecoderBlock):
    def forward(self, x, skip):
        return super().forward(x, skip * 0 if without_norm(self) else skip)


class OfTheSkipAlone(DecoderBlock):
    def forward(self, x, skip):
        return super().forward(torch.zeros_like(x) if without_norm(self) else x, skip)


def past_the_end(skip, size):
    out = torch.zeros(*skip.shape[:2], *size)
    for row in range(size[0]):
        for column in range(size[1]):
            out[:, :, row, column] = skip[:, :, row, column]
    return out


def tiles_by_margin(run, image, tile, pixels):
    """The result is a column short if the margin is 3."""
    out = tiler()(run, image, tile, pixels)
    return out[:, :-1] if pixels == 3 else out


def first_channel_alone(x, weight, bias):
    return many()(x, weight, bias)[0 if len(x) == 3 else slice(None)]


def any_block(block):
    return True


WRONG = [
    ("2.3", "no return in evaluation mode", forms(ConvBlock, evaluating, nothing),
     "output_is_not_negative"),
    ("2.3", "two results without a norm", forms(ConvBlock, without_norm, twice), "nothing_beside"),
    ("2.3", "narrower without a norm", forms(ConvBlock, without_norm, narrower), "nothing_beside"),
    ("2.3", "whole numbers", forms(ConvBlock, any_block, lambda out: out.long()), "keeps_the_size"),
    ("2.6", "one channel of three", first_channel_alone, "each_slice_on_its_own_channel"),
    ("3.3", "no return", forms(EncoderBlock, any_block, nothing), "returns_two"),
    ("3.3", "one list of two", forms(EncoderBlock, any_block, lambda two: (two,)), "returns_two"),
    ("3.3", "two skips in one", forms(EncoderBlock, any_block, lambda two: (two, two[1])),
     "returns_two"),
    ("3.3", "three results", forms(EncoderBlock, any_block, lambda two: (*two, two[0])),
     "returns_two"),
    ("4.2", "reads past the end", past_the_end, "wanted_size"),
    ("4.3", "no return without a norm", forms(DecoderBlock, without_norm, nothing),
     "skip_keeps_its_place"),
    ("4.3", "narrower without a norm", forms(DecoderBlock, without_norm, narrower),
     "skip_keeps_its_place"),
    ("4.3", "without a norm the skip is zeros", SkipTimesZero, "skip_keeps_its_place"),
    ("4.3", "without a norm x is zeros", OfTheSkipAlone, "skip_keeps_its_place"),
    ("4.3", "all is zero", forms(DecoderBlock, any_block, torch.zeros_like), "skip_is_used"),
    ("4.3", "classes in evaluation mode", forms(DecoderBlock, evaluating, classes), "skip_is_used"),
    ("5.3", "classes", forms(UNet, any_block, classes), "runs"),
    ("5.3", "no return", forms(UNet, any_block, nothing), "runs"),
    ("5.3", "no return without a norm", forms(UNet, without_norm, nothing), "nothing_moves"),
    ("5.3", "classes without a norm", forms(UNet, without_norm, classes), "nothing_moves"),
    ("8.4", "one column short", tiles_by_margin, "no_seams"),
    ("9.17", "an empty tensor", lambda *arguments: torch.zeros(0), "perfect_is_one"),
]
RIGHT = []
