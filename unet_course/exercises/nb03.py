"""Exercises of 03_encoder. (03)"""

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.exercises.answers import number, several, whole
from unet_course.exercises.core import Exercise, call, close, expect, shape
from unet_course.exercises.nb02 import make
from unet_course.exercises.watching import biases, block_of, watch

pool = Exercise("3.1", "Max-pool by hand", "write", minutes=8)


@pool.behaviour
def halves(answer):
    shape(call(answer, torch.rand(6, 8)), (3, 4), "A 6×8 image became {got}; wanted {wanted}: half of each side.")


@pool.behaviour
def maximum(answer):
    image = torch.rand(6, 8) - 2
    close(call(answer, image), F.max_pool2d(image[None, None], 2)[0, 0],
          "The values differ from nn.MaxPool2d(2). Each output is the largest of its own 2×2 pixels; they may all be "
          "negative.")


@pool.behaviour
def odd_sizes_round_up(answer):
    for h, w in [(5, 7), (1, 1), (4, 3)]:
        image = torch.rand(h, w) - 2
        wanted = F.max_pool2d(image[None, None], 2, ceil_mode=True)[0, 0]
        got = call(answer, image)
        shape(got, wanted.shape, f"A {h}×{w} image became " + "{got}; wanted {wanted}: round up, so that the last row "
              "and column are not lost.")
        close(got, wanted, f"A {h}×{w} image: the values at the border are wrong. There the window holds fewer pixels; "
              "what is added to fill it must never win.")


sizes = Exercise("3.2", "Sizes on the way down", "predict", minutes=5, mark="classroom")


@sizes.behaviour
def right_length(answer):
    got = call(answer, 64, 3)
    expect(isinstance(got, (list, tuple, np.ndarray, torch.Tensor)) and np.ndim(got) == 1,
           f"Return a list of sizes; you return a {type(got).__name__}.")
    expect(len(got) == 4, f"For 3 pools you list {len(got)} sizes; wanted 4: the size before, then one after each pool.")


@sizes.behaviour
def halves_each_time(answer):
    close(call(answer, 64, 3), [64, 32, 16, 8], "64 with 3 pools: wanted 64, 32, 16, 8.")


@sizes.behaviour
def rounds_up(answer):
    close(call(answer, 101, 4), [101, 51, 26, 13, 7],
          "101 with 4 pools in ceil mode: wanted 101, 51, 26, 13, 7. Round up at each pool, not once at the end.")
    close(call(answer, 1, 2), [1, 1, 1], "1 pixel stays 1 pixel: wanted 1, 1, 1.")


encoder = Exercise("3.3", "Write EncoderBlock", "write", minutes=10)


@encoder.behaviour
def returns_two(answer):
    out = call(make(answer, 1, 8), torch.rand(1, 1, 16, 16))
    expect(isinstance(out, (tuple, list)) and len(out) == 2,
           "forward has to return two tensors: (skip, pooled). You return "
           f"{len(out) if isinstance(out, (tuple, list)) else 'one'}.")


@encoder.behaviour
def skip_before_pool(answer):
    skip, _ = call(make(answer, 3, 8), torch.rand(2, 3, 32, 48))
    shape(skip, (2, 8, 32, 48), "Your skip is {got}; wanted {wanted}: the skip is the block's output before the pool, "
          "at full size.", "Your skip")


@encoder.behaviour
def pooled_is_the_pool_of_skip(answer):
    for mode in (True, False):
        skip, pooled = call(make(answer, 1, 8).train(mode), torch.randn(2, 1, 16, 24))
        shape(pooled, (2, 8, 8, 12), "The second tensor is {got}; wanted {wanted}. In which order do you return them?")
        close(pooled.detach(), F.max_pool2d(skip, 2, ceil_mode=True).detach(),
              "The pooled tensor is not the 2×2 max-pool of your skip. Is it an average, a stride, or pooled from "
              "something else?")


@encoder.behaviour
def odd_sizes_are_kept(answer):
    skip, pooled = call(make(answer, 1, 4), torch.rand(1, 1, 101, 7))
    shape(skip, (1, 4, 101, 7), "For a 101×7 image your skip is {got}; wanted {wanted}.")
    shape(pooled, (1, 4, 51, 4), "For a 101×7 image the pooled tensor is {got}; wanted {wanted}. Which option of "
          "MaxPool2d rounds up?")


@encoder.behaviour
def is_a_block(answer):
    x = torch.randn(2, 2, 16, 16)
    number = len(watch(make(answer, 2, 8), x).plain)
    expect(number == 2, f"Your encoder block computes {number} convolutions; wanted a ConvBlock with its two.")
    for norm in (False, True):
        options = {} if norm else {"norm": False}  # the norm is there unless it is switched off
        built = make(answer, 2, 8, **options).train(norm)
        _, run = block_of(built, 2, 8, x)
        skip, pooled = call(built, x)
        expect(skip.requires_grad and pooled.requires_grad, "No gradient goes back through one of your two tensors. Is it "
                                                            "detached?")
        expect(torch.allclose(skip, run(x, norm), atol=1e-3), f"norm={norm}: the skip is not what a ConvBlock "
               "gives with your weights, twice (convolution" + norm * " → norm" + " → ReLU). What happens to it on its way?")


@encoder.behaviour
def hands_options_on(answer):
    skip, pooled = call(make(answer, 1, 4, padding=0, norm=False), torch.rand(1, 1, 20, 20))
    shape(skip, (1, 4, 16, 16), "With padding=0 a 20×20 image gave a skip of {got}; wanted {wanted}. Hand padding on "
          "to the block.")
    x = torch.rand(1, 1, 9, 9)
    expect(not watch(make(answer, 1, 4, norm=False), x).norms, "With norm=False there is still a batch norm. Hand norm on to "
                                                               "the block.")
    for norm in (True, False):
        biases(block_of(make(answer, 1, 4, norm=norm), 1, 4, x)[0], norm)


repair = Exercise("3.4", "Find the fault", "find", minutes=6, mark="deeper")


@repair.behaviour
def names_the_line(answer):
    line = whole(answer, "The number of the line")
    why = {1: "Line 1 is sound: the block changes the channels and keeps the size.",
           3: "Line 3 passes on what the next level needs: half the size.",
           4: "Line 4 returns the two in the right order. What is in the first one?"}
    expect(line == 2, why.get(line, f"There is no line {line}; wanted 1 to 4."))


level = Exercise("3.5", "From one level to the next", "predict", minutes=5, mark="classroom")


def factor(answer, place):
    """One of the three factors."""
    return number(several(answer, 3, "[1, 2, 3]")[place], f"Factor {place + 1}")


@level.behaviour
def pixels(answer):
    got = factor(answer, 0)
    expect(abs(got - 1 / 4) < 1e-6, f"1: you say that the number of pixels is multiplied by {got:g}. Height is "
           "halved, and so is width: what becomes of height times width?")


@level.behaviour
def values_of_a_skip(answer):
    got = factor(answer, 1)
    expect(abs(got - 1 / 2) < 1e-6, f"2: you say that the values in a skip are multiplied by {got:g}. They are channels × "
           "height × width. There are twice as many channels.")


@level.behaviour
def weights_of_a_block(answer):
    got = factor(answer, 2)
    expect(abs(got - 4) < 1e-6, f"3: you say that the weights of the second convolution are multiplied by {got:g}. It "
           "has 9 for "
           "each pair of an input and an output channel. Both numbers of channels double; the size of the image plays "
           "no part.")
