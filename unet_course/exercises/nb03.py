"""Exercises of 03_encoder. (03)"""

import torch
import torch.nn.functional as F

from unet_course.exercises.answers import number, several, whole
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.nb02 import make
from unet_course.exercises.values import alike, call, close, in_order, numeric, shape, tensor
from unet_course.exercises.watching import agree, biases, block_of, set_norms, slopes, watch

pool = Exercise("3.1", "Max-pool by hand", "write", minutes=8)


@pool.behaviour
def halves(answer):
    for h, w in [(6, 8), (8, 2)]:
        with asking(f"That was with a {h}×{w} image. How many squares lie along each side?"):
            out = call(answer, torch.rand(h, w))
        shape(out, (h // 2, w // 2), f"A {h}×{w} image became " +
              "{got}; wanted {wanted}: half of each side. By how many pixels do your squares move, "
              "and in both directions?")


@pool.behaviour
def maximum(answer):
    image = torch.rand(6, 8) - 2
    close(call(answer, image), F.max_pool2d(image[None, None], 2)[0, 0],
          "The values differ from nn.MaxPool2d(2). Each output is the largest of its own 2×2 pixels; they may all be "
          "negative.")


@pool.behaviour
def odd_sizes_round_up(answer):
    for h, w in [(5, 7), (1, 1), (4, 3), (7, 2)]:
        image = torch.rand(h, w) - 2
        wanted = F.max_pool2d(image[None, None], 2, ceil_mode=True)[0, 0]
        got = call(answer, image)
        shape(got, wanted.shape, f"A {h}×{w} image became " + "{got}; wanted {wanted}: round up, so that the last row "
              "and column are not lost.")
        inside = slice(0, h // 2), slice(0, w // 2)
        if alike(tensor(got)[inside], wanted[inside]):
            close(got, wanted, f"A {h}×{w} image: the values at the border are wrong. There the "
                  "window holds fewer pixels; what is added to fill it must never win.")
        close(got, wanted, f"A {h}×{w} image: the size fits, the values are not those of squares "
              "that begin at every second pixel, the last one cut off by the border. Where do your "
              "squares lie?")


sizes = Exercise("3.2", "Sizes on the way down", "predict", minutes=5, mark="classroom")


def listed(answer, n, pools):
    """The sizes in the learner's list, one for each level."""
    given = call(answer, n, pools)
    got = numeric(given)
    expect(got is not None and got.ndim == 1, f"Your result is {said(given)}; wanted a list of "
           "sizes, such as [64, 32].")
    expect(len(got) <= pools + 1 or len(call(answer, n, pools)) == len(got), f"For {n} pixels and "
           f"{pools} pools your list is longer each time that it is asked for. What is left in it "
           "from the call before?")
    expect(len(got) == pools + 1, f"For {n} pixels and {pools} pools you list {len(got)} sizes; "
           f"wanted {pools + 1}: the size before, then one after each pool.")
    return got.tolist()


@sizes.behaviour
def right_length(answer):
    for n, pools in [(64, 3), (5, 0)]:
        listed(answer, n, pools)


@sizes.behaviour
def halves_each_time(answer):
    got = listed(answer, 64, 3)
    expect(not alike(got, [8, 16, 32, 64]), "Your list begins at the bottom of the U. Wanted the "
           "way down: which size comes before the first pool?")
    close(got, [64, 32, 16, 8], "What does each pool do to a side of an even number of pixels?")


@sizes.behaviour
def rounds_up(answer):
    got = listed(answer, 101, 4)
    expect(all(n == round(n) for n in got), "101 with 4 pools: a size of yours is no whole number. "
           "Which way does ceil_mode round 50.5?")
    expect(got[1] != 50, "101 with 4 pools: you make 50 of 101. That many squares of 2 hold 100 "
           "pixels. What does ceil_mode do with the last one?")
    close(got, [101, 51, 26, 13, 7], "101 with 4 pools in ceil mode. What do two pools, one after "
          "the other, make of 101?")
    close(listed(answer, 1, 2), [1, 1, 1], "1 pixel, 2 pools. How many squares of 2 does one pixel "
          "need?")


encoder = Exercise("3.3", "Write EncoderBlock", "write", minutes=10)


def two(built, x):
    """The two tensors that an encoder returns."""
    with asking("How many channels does each of your layers get, and how many does it give?"):
        out = call(built, x)
    expect(isinstance(out, (tuple, list)) and len(out) == 2,
           "forward has to return two tensors: (skip, pooled). You return "
           f"{len(out) if isinstance(out, (tuple, list)) else 'one'}. What stands behind return?")
    return [tensor(part, what, learns=True)
            for part, what in zip(out, ("Your skip", "Your second tensor"))]


@encoder.behaviour
def returns_two(answer):
    two(make(answer, 1, 8), torch.rand(1, 1, 16, 16))


@encoder.behaviour
def skip_before_pool(answer):
    for c, out in [(3, 6), (5, 5)]:
        skip, pooled = two(make(answer, c, out), torch.rand(2, c, 32, 48))
        in_order(skip, pooled, ((2, out, 32, 48), (2, out, 16, 24)), "You return (pooled, skip): "
                 "the second is twice as large as the first. Wanted (skip, pooled).")
        shape(skip, (2, out, 32, 48), "Your skip is {got}; wanted {wanted}: the skip is the "
              "block's output before the pool, at full size.", "Your skip")


@encoder.behaviour
def pooled_is_the_pool_of_skip(answer):
    for mode in (True, False):
        built, x = make(answer, 1, 8).train(mode), torch.randn(2, 1, 16, 24)
        skip, pooled = two(built, x)
        if pooled.ndim == 4:
            expect(pooled.shape[1] == 8, f"Channels of your second tensor: {pooled.shape[1]}, of "
                   "your skip: 8. What goes into the pool?")
        shape(pooled, (2, 8, 8, 12), "Your second tensor is {got}; wanted {wanted}, half of each "
              "side of the skip. How large are the squares of your pool, and by how much do they "
              "move?")
        wanted = F.max_pool2d(skip, 2, ceil_mode=True)
        expect(alike(pooled, wanted) or all(map(alike, two(built, x), (skip, pooled))), "The "
               "pooled tensor is not the 2×2 max-pool of your skip, and the same input gives two "
               "different results. What in your block is drawn at random?")
        close(pooled, wanted,
              "The pooled tensor is not the 2×2 max-pool of your skip. Is it an average, a stride, "
              "of larger squares, pooled from something else, or is something done after it?")


@encoder.behaviour
def odd_sizes_are_kept(answer):
    for h, w in [(101, 7), (6, 9), (9, 6), (1, 1)]:
        skip, pooled = two(make(answer, 1, 4, norm=False).eval(), torch.rand(1, 1, h, w))
        shape(skip, (1, 4, h, w), f"For a {h}×{w} image your skip is " + "{got}; wanted {wanted}.")
        shape(pooled, (1, 4, -(-h // 2), -(-w // 2)), f"For a {h}×{w} image the pooled tensor is " +
              "{got}; wanted {wanted}. Which option of MaxPool2d rounds up?")
        close(pooled, F.max_pool2d(skip, 2, ceil_mode=True), f"A {h}×{w} image: the size fits, the "
              "values are not those of squares that begin at every second pixel, the last one cut "
              "off by the border. Where do your squares lie?")


@encoder.behaviour
def is_a_block(answer):
    for a, b in [(2, 8), (3, 3)]:
        x = torch.randn(2, a, 16, 16)
        number = len(watch(make(answer, a, b), x).plain)
        expect(number == 2, f"Your encoder block computes {number} convolutions; wanted a "
               "ConvBlock with its two.")
        for norm, mode in [(False, False), (False, True), (True, True)]:
            options = {} if norm else {"norm": False}  # the norm is there unless it is switched off
            built = make(answer, a, b, **options).train(mode)
            wide, run = block_of(built, a, b, x)
            norms = set_norms(built, wide) if norm else False
            skip, pooled = two(built, 100 * x)  # large values, too, pass as they are
            expect(norm or not watch(built, x).norms, "With norm=False there is still a batch "
                   "norm. Hand norm on to the block.")
            same = alike(skip, run(100 * x, norms), 1e-3)
            expect(same or not norm or watch(built, x, training=True).norms, "With norm=True there "
                   "is no batch norm of PyTorch's in your block. Hand norm on to it.")
            expect(same, f"norm={norm}: the skip is not "
                   "what a ConvBlock gives with your weights, twice (convolution" + norm * " → norm"
                   + " → ReLU). What happens to it on its way?")
            expect(skip.requires_grad and pooled.requires_grad, "No gradient goes back through one "
                   "of your two tensors. Is it detached?")
            with asking("Is something changed in place that is still needed to compute the "
                        "gradient?"):
                expect(all(map(agree, slopes(built, x))), "The gradient at the input is not the "
                       "slope of your block. Is a part of it detached?")


@encoder.behaviour
def hands_options_on(answer):
    for norm in (True, False):
        skip, _ = two(make(answer, 1, 4, padding=0, norm=norm), torch.rand(1, 1, 20, 26))
        shape(skip, (1, 4, 16, 22), f"With padding=0 and norm={norm}, a 20×26 image gave a skip "
              "of {got}; wanted {wanted}. Hand padding on to the block.")
        biases(block_of(make(answer, 1, 4, norm=norm), 1, 4, torch.rand(1, 1, 9, 9))[0], norm)


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
