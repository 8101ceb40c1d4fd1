"""Exercises of 03_encoder. (03)"""

import torch
import torch.nn.functional as F

from unet_course.exercises.answers import number, several, whole
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.nb02 import make
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import alike, call, close, in_order, numeric, shape, tensor
from unet_course.exercises.watching import agree, biases, block_of, set_norms, slopes, watch
from unet_course.tracing import receptive_field

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
        skip, _ = two(make(answer, 1, 4, padding=2, norm=norm), torch.rand(1, 1, 20, 26))
        shape(skip, (1, 4, 24, 30), f"With padding=2 and norm={norm}, a 20×26 image gave a skip "
              "of {got}; wanted {wanted}. Is padding handed on as the number that it is?")
        biases(block_of(make(answer, 1, 4, norm=norm), 1, 4, torch.rand(1, 1, 9, 9))[0], norm)


gap = Exercise("3.4", "Save the dark gap", "write", minutes=10)


def weights(answer):
    """The learner's nine weights, the largest of which counts 1."""
    kernel = numeric(answer)
    expect(kernel is not None and kernel.dtype != torch.bool, f"Your answer is {said(answer)}; "
           "wanted three rows of three numbers.")
    shape(kernel, (3, 3), "Your kernel has the shape {got}; wanted {wanted}: three rows of three "
          "numbers.", "Your kernel")
    expect(bool(kernel.double().isfinite().all()), "Your kernel has a weight that is not finite.")
    return kernel.double() / kernel.double().abs().max().clamp(min=1e-12)


def pooled_gap(kernel, column, brightness=1.0):
    """What is left of a gap in this column: the pooled square of the gap, and the largest of those
    that lie flat in the nuclei."""
    image = torch.full((12, 24), brightness, dtype=torch.float64)
    image[:, column] = 0
    out = F.conv2d(image[None, None], kernel[None, None], padding=1).relu()
    squares = F.max_pool2d(out, 2)[0, 0, 1:-1]  # without the rows that padding reaches
    flat = torch.cat([squares[:, 1 : column // 2 - 1], squares[:, column // 2 + 2 : -1]], dim=1)
    return squares[:, column // 2].min().item(), flat.max().item()


@gap.behaviour
def nine_weights(answer):
    weights(answer)


@gap.behaviour
def flat_becomes_dark(answer):
    kernel = weights(answer)
    for brightness in (1.0, 0.3):
        flat = pooled_gap(kernel, 12, brightness)[1]
        expect(flat < 1e-6, f"The flat inside of a nucleus of brightness {brightness:g} is still "
               "above 0 after the pool. There all nine pixels are equal: what do your nine weights "
               "add up to?")


@gap.behaviour
def gap_becomes_bright(answer):
    kernel = weights(answer)
    left = [pooled_gap(kernel, column)[0] for column in (12, 13)]
    lying = [pooled_gap(kernel.T, column)[0] for column in (12, 13)]
    expect(max(left) > 1e-6 or min(lying) < 1e-6, "Your kernel saves a gap that runs from left to "
           "right, and loses one that runs from top to bottom. Which are its rows, which its "
           "columns?")
    expect(max(left) > 1e-6, "Nothing is left of the gap: its squares are 0. The pixels of the gap "
           "are 0, so the weights that lie on them add nothing. Which weights lie on the bright "
           "pixels beside it, and what is their sum?")


@gap.behaviour
def in_every_column(answer):
    kernel = weights(answer)
    for column in (12, 13, 8, 15):
        expect(pooled_gap(kernel, column)[0] > 1e-6, f"A gap in column {column} is lost, one in "
               f"column {column + 1} is not. The pool's squares begin at even columns, so the "
               "bright line must lie on the gap itself, or on both of its sides. Where does "
               "yours lie?")


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

sight = Exercise("3.6", "Compute a receptive field", "write", minutes=8, mark="deeper")


def seen(answer, layers):
    """The learner's number for some layers."""
    return whole(call(answer, [*layers]), "Your result")


def expect_sight(answer, layers, hint):
    got = seen(answer, layers)
    wanted = receptive_field(layers)
    expect(got == wanted, f"For {layers} you return {got}; wanted {wanted}. {hint}")


@sight.behaviour
def one_layer_sees_its_kernel(answer):
    for kernel in (3, 1, 5):
        expect_sight(answer, [(kernel, 1)], "A single layer sees its own kernel, and nothing else.")
    expect_sight(answer, [], "Without any layer a value is a pixel: how far does that see?")


@sight.behaviour
def convolutions_add_up(answer):
    for layers in ([(3, 1), (3, 1)], [(3, 1)] * 7, [(5, 1), (1, 1), (3, 1)], [(1, 1), (7, 1)]):
        expect_sight(answer, layers, "No stride here: a layer of kernel k puts k windows side by "
                     "side, each a pixel further than the one before. How much wider is that?")


@sight.behaviour
def a_pool_adds_before_it_strides(answer):
    for layers in ([(3, 1), (3, 1), (2, 2)], [(3, 1), (3, 2)], [(2, 2)]):
        got, doubled = seen(answer, layers), receptive_field(layers[:-1]) * layers[-1][1]
        expect(got != doubled or got == receptive_field(layers), f"For {layers} you return {got}: "
               "the stride multiplies what a value sees. The last layer takes values that lie one "
               "pixel apart. How far do their windows reach together?")
        expect_sight(answer, layers, "The stride of a layer counts for the layers after it. How far "
                     "apart are the values that this one takes?")


@sight.behaviour
def strides_multiply(answer):
    for layers in ([(3, 1), (3, 1), (2, 2), (3, 1)], [(2, 2)] * 3, [(3, 2), (3, 2), (3, 1)],
                   [(2, 2), (3, 3), (5, 1)], [(4, 3), (2, 2), (3, 1), (3, 1)]):
        expect_sight(answer, layers, "How many pixels of the image lie between two neighbouring "
                     "values, after each layer?")


@sight.behaviour
def whole_encoders(answer):
    for convs, pools in ((2, 3), (1, 4), (3, 2), (2, 0)):
        layers = [*([(3, 1)] * convs + [(2, 2)]) * pools, *[(3, 1)] * convs]
        got, wanted = seen(answer, layers), receptive_field(layers)
        expect(got == wanted, f"An encoder with {convs} convolutions on each level and {pools} "
               f"pools: you return {got}; wanted {wanted}. Does every pool double the step, and does "
               "your function begin anew each time?")


leaves_alone(sight, lambda: [([(3, 1), (2, 2), (3, 1)],)])
