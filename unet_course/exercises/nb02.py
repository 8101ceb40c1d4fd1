"""Exercises of 02_convolution_block. (02)"""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.parameter import is_lazy

from unet_course.exercises.answers import several, whole
from unet_course.exercises.core import Exercise, asking, expect, said, times
from unet_course.exercises.values import alike, call, close, keeps_something, shape, tensor
from unet_course.exercises.watching import (
    agree,
    biases,
    block_of,
    send_back,
    set_norms,
    slopes,
    watch,
    writes_into,
)

by_hand = Exercise("2.1", "A convolution by hand", "write", minutes=10)


@by_hand.behaviour
def right_size(answer):
    shape(call(answer, torch.rand(5, 5), torch.rand(3, 3)), (3, 3),
          "For a 5×5 image and a 3×3 kernel you return {got}; wanted {wanted}. In how many places does the kernel fit?")
    for h, w in [(6, 9), (9, 6), (3, 7), (3, 3)]:
        with asking(f"That was with a {h}×{w} image. Which of the two counts the rows?"):
            out = call(answer, torch.rand(h, w), torch.rand(3, 3))
        shape(out, (h - 2, w - 2), f"For a {h}×{w} "
              "image and a 3×3 kernel you "
              "return {got}; wanted {wanted}. Rows and columns need not be equal.")


@by_hand.behaviour
def not_flipped(answer):
    image = torch.zeros(5, 5)
    image[2, 2] = 1
    kernel = torch.arange(9.0).reshape(3, 3)
    expect(not alike(call(answer, image, kernel), kernel), "Your kernel is turned by 180°, as "
           "mathematics defines convolution. Deep learning does not turn it: multiply each pixel "
           "with the kernel value that lies on it.")


def correlated(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def say_why(got, image, kernel, kept):
    """A hint for each mistake that gives just these values."""
    expect(not kept, "The same image and kernel a second time give other values. What does your "
           "function keep from one call to the next?")
    right = correlated(image, kernel)
    for other, how in [(kernel.T, "Your kernel lies with rows and columns exchanged."),
                       (kernel.flip(1), "Your kernel is mirrored left to right."),
                       (kernel.flip(0), "Your kernel is mirrored top to bottom.")]:
        expect(not alike(got, correlated(image, other), 1e-4),
               f"{how} Multiply each pixel with the kernel value that lies on it.")
    expect(not alike(got, correlated(image, kernel.sum(dim=1).repeat(3, 1)), 1e-4), "Your sum is "
           "that of a matrix product, window @ kernel. Wanted each pixel times the kernel value "
           "that lies on it.")
    got = tensor(got)
    expect(right.numel() == 1 or not alike(got[:-1, :-1], right[:-1, :-1], 1e-4), "All is right "
           "but the last row and the last column, or one of them. How far do your loops run?")
    sums = right.flatten().cumsum(0).reshape(right.shape)
    expect(not alike(got, sums, 1e-4), "Your first value is right, and each other one has the "
           "values before it in its sum. Where does the sum begin at 0 again?")
    right[1:], right[0, 1:] = 0, 0
    expect(not alike(got, right, 1e-4), "Only the first of your values is computed, all others are "
           "0. Does return stand inside a loop?")


@by_hand.behaviour
def sum_of_products(answer):
    for h, w in [(6, 9), (9, 6), (3, 3)]:
        image, kernel = torch.rand(h, w), torch.randn(3, 3)
        got, wanted = call(answer, image, kernel), correlated(image, kernel)
        if not alike(got, wanted, 1e-4) and tensor(got).shape == wanted.shape:
            say_why(got, image, kernel, keeps_something(answer, image, kernel))
        close(got, wanted,
              "The values differ from nn.Conv2d with the same kernel. Each output is the sum of "
              "nine products: window × kernel.", tolerance=1e-4)


conv_size = Exercise("2.2", "Predict the size", "predict", minutes=5, mark="classroom")


@conv_size.behaviour
def padding_counts_twice(answer):
    got = call(answer, 32, 5, 2, 1)
    for wrong, why in [(30, "Padding is added on both sides."),
                       (28, "Where does the padding come in?"),
                       (31, "From the first place of the kernel to the last it moves 31 times. How "
                            "many places is that?")]:
        expect(not alike(got, wrong), "32 pixels, kernel 5, padding 2, stride 1: wanted 32, got "
               f"{wrong}. {why}")
    close(got, 32, "32 pixels, kernel 5, padding 2, stride 1: wanted {wanted}, got {got}. In how "
          "many places does a kernel of 5 fit into 32 pixels and the padding on both sides?")


@conv_size.behaviour
def valid(answer):
    close(call(answer, 572, 3, 0, 1), 570, "572 pixels, kernel 3, no padding: wanted {wanted}, got "
          "{got}. Can the centre of the kernel stand on the outermost pixel?")


@conv_size.behaviour
def stride_rounds_down(answer):
    got = call(answer, 101, 2, 0, 2)
    for part in (101 - 2 // 2 + 1, 101 // 2 - 2 + 1):
        expect(not alike(got, part), "101 pixels, kernel 2, padding 0, stride 2: wanted 50, got "
               f"{part}. You divide only a part of it by the stride. From its first place to its "
               "last the kernel moves over all of n + 2p - k: how many steps is that?")
    for n, k, p, s in [(101, 2, 0, 2), (7, 3, 1, 2), (8, 3, 1, 2), (33, 5, 2, 3), (5, 5, 0, 1),
                       (10, 3, 0, 4), (100, 2, 0, 2), (10, 3, 2, 1)]:
        wanted = (n + 2 * p - k) // s + 1
        got = call(answer, n, k, p, s)
        given = f"{n} pixels, kernel {k}, padding {p}, stride {s}: "
        expect(s == 1 or not alike(got, n + 2 * p - k + 1), given + f"wanted {wanted}, got "
               f"{n + 2 * p - k + 1}. The kernel moves {s} pixels at a time. What does that leave "
               "of the places?")
        odd = (n + 2 * p - k - 1) // s + 1
        expect(k % 2 or alike(got, wanted) or not alike(got, odd), given + f"wanted {wanted}, got "
               f"{odd}. That is what a kernel of {k + 1} gives. What does your formula make of an "
               "even kernel?")
        close(got, wanted, given + "wanted {wanted}, got {got}. " + (
              "The last step must fit in whole: round down, then add 1." if s > 1 else
              "How many pixels are there with the padding on both sides, and in how many places "
              "does the kernel fit?"))


block = Exercise("2.3", "Write ConvBlock", "write", minutes=12)
# What stands between the two convolutions, if it is right and if it was forgotten.
EITHER = F.relu, nn.Identity()


def make(answer, *arguments, **options):
    """An instance of the learner's class."""
    expect(not isinstance(answer, nn.Module), "You hand over an instance; wanted the class itself, its name without "
                                              "brackets, so that several can be made.")
    expect(callable(answer), f"Your answer is {said(answer)}; wanted a class that inherits from nn.Module.")
    built = answer(*arguments, **options)
    expect(isinstance(built, nn.Module), f"Your class makes a value of type {type(built).__name__}; wanted an nn.Module.")
    if any(map(is_lazy, built.parameters())):
        return built  # fresh, and torch copies no weights that are not there yet
    return copy.deepcopy(built)  # a check sets weights: not those of a module that is the learner's own


def make_plain(answer, *arguments, **options):
    """As `make`, with norms that neither scale nor shift: an answer's may begin elsewhere, such as at 0."""
    built = make(answer, *arguments, **options)
    for layer in built.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.affine and not is_lazy(layer.weight):
            layer.reset_parameters()
    return built


def output(built, x, channels):
    """What a block with padding=1 gives back, of the right shape."""
    got = tensor(call(built, x), "Your output", learns=True)
    return shape(got, (len(x), channels, *x.shape[2:]), f"For an input of {times(x.shape)}, with "
                 f"training={built.training}, your block returned {{got}}; wanted {{wanted}}. In "
                 "which case does the size not stay as it was?")


@block.behaviour
def keeps_the_size(answer):
    for n, c, out, h, w in [(2, 1, 16, 32, 32), (1, 3, 5, 17, 41), (1, 4, 4, 8, 6)]:
        built = make(answer, c, out)
        with asking("How many channels does each of your layers get, and how many does it give?"):
            got = tensor(call(built, torch.rand(n, c, h, w)), "Your output", learns=True)
        given = f"For an input of {n}×{c}×{h}×{w} and out_channels={out} "
        if got.ndim == 4:
            expect(got.shape[1] == out, f"{given}your block gives another number of channels, "
                   f"{got.shape[1]}. Which layer sets it?")
        shape(got, (n, out, h, w), given + "your block returned {got}; wanted {wanted}. Which "
              "argument of Conv2d keeps the size?")


@block.behaviour
def two_convolutions(answer):
    built, x = make(answer, 3, 8), torch.rand(1, 3, 9, 9)
    sizes = [convolution.size for convolution in watch(built, x).plain]
    expect(len(sizes) == 2, f"Your block computes {len(sizes)} convolutions; wanted 2.")
    kernels = " and ".join(f"{h}×{w}" for h, w in sizes)
    expect(sizes == [(3, 3), (3, 3)], f"Your kernels are {kernels}; wanted 3×3 both times.")
    block_of(built, 3, 8, x)


@block.behaviour
def output_is_not_negative(answer):
    built, x = make(answer, 2, 8), torch.randn(4, 2, 16, 16)
    out = output(built, x, 8)
    if bool((out < 0).any()):
        _, run = block_of(built, 2, 8, x)
        expect(not any(torch.allclose(out, run(x, True, norm_last=last), atol=1e-3) for last in
                       [(True, True), (False, True)]), "Your batch norm comes after the ReLU, and "
               "makes values negative again. In which order do the three layers stand in the "
               "exercise?")
        expect(False, "Your output has negative values. What comes after the second convolution?")
    expect(bool((output(built.eval(), x, 8) >= 0).all()), "In evaluation mode your output has negative "
           "values. What is switched off there?")


@block.behaviour
def output_is_alive(answer):
    built, x = make(answer, 2, 8), torch.randn(2, 2, 16, 16, requires_grad=True)
    out = output(built, x, 8)
    expect(float(out.std()) > 1e-3, "Your output is the same number everywhere. Does forward use the layers?")
    expect(torch.allclose(out, output(built, x, 8), atol=1e-4), "The same input gives two different "
           "outputs. What in your block is drawn at random?")
    expect(bool((out == 0).any()), "A ReLU makes 0 of every negative value, and in your output no "
           "value is 0. What comes after the second convolution?")
    send_back(out)
    expect(x.grad is not None and float(x.grad.abs().sum()) > 0,
           "No gradient reaches the input. Is something detached or rounded?")


@block.behaviour
def nothing_beside(answer):
    for norm in (False, True):
        built, x = make(answer, 4, 4, norm=norm).eval(), torch.randn(2, 4, 9, 9)
        for layer in block_of(built, 4, 4, x)[0]:
            layer.weight.data.zero_()
        once, twice = output(built, x, 4), output(built, 2 * x, 4)
        expect(torch.allclose(once, twice, atol=1e-4), "4 → 4 channels, and all weights "
               "set to 0: still your output changes with the input. What goes round the "
               "convolutions?")


@block.behaviour
def without_padding(answer):
    for norm in (True, False):
        shape(call(make(answer, 1, 4, padding=0, norm=norm), torch.rand(1, 1, 20, 30)),
              (1, 4, 16, 26), f"With padding=0 and norm={norm}, a 20×30 input became {{got}}; "
              "wanted {wanted}: each 3×3 convolution takes off 2. Do you hand padding on to both?")
        shape(call(make(answer, 1, 4, padding=2, norm=norm), torch.rand(1, 1, 20, 30)),
              (1, 4, 24, 34), f"With padding=2 and norm={norm}, a 20×30 input became {{got}}; "
              "wanted {wanted}. Is padding handed on as the number that it is?")


@block.behaviour
def zeros_around(answer):
    built, x = make(answer, 1, 4, norm=False).eval(), torch.randn(2, 1, 9, 11)
    wanted = [block_of(built, 1, 4, x)[1](x, False, between) for between in EITHER]
    out = output(built, x, 4)
    middle = slice(2, -2)
    inside = [w for w in wanted
              if torch.allclose(out[..., middle, middle], w[..., middle, middle], atol=1e-4)]
    expect(not inside or torch.allclose(out, inside[0], atol=1e-4), "In the middle your values are "
           "right, at the border they are not. Wanted one row of zeros around what each of the two "
           "convolutions gets. What do you set there?")


@block.behaviour
def relu_between(answer):
    for a, b in [(1, 4), (4, 4)]:
        # Two convolutions with nothing between them are one: f(x) is linear up to the last ReLU.
        built, x = make(answer, a, b, norm=False).eval(), torch.randn(2, a, 9, 9)
        convolutions, run = block_of(built, a, b, x)
        same = torch.allclose(output(built, x, b), run(x, norm=False), atol=1e-4)
        for layer in convolutions:
            layer.weight.data.fill_(-1.0)
            if layer.bias is not None:
                layer.bias.data.zero_()
        expect(float(output(built, torch.ones(1, a, 9, 9), b).abs().max()) == 0, "A negative value "
               "passes between your two convolutions. Without a ReLU there, two convolutions are "
               "no more than one larger one.")
        expect(same, "norm=False: your output is not what convolution → ReLU → convolution → ReLU "
               "gives with your weights. What else do you do, and is each layer used once?")
        built, x = make(answer, a, b).train(), torch.randn(2, a, 9, 9)
        _, run = block_of(built, a, b, x)
        expect(not torch.allclose(output(built, x, b), run(x, True, nn.Identity()), atol=1e-4),
               "With norm=True a negative value passes between your two convolutions, with "
               "norm=False none does. What stands behind the first norm?")


def cut_off(out, run, x, norm):
    """Whether an output is right but for its large values, cut off at the end or after each convolution."""
    most = float(out.max())
    return any(torch.allclose(out, run(x, norm, between).clamp(max=most), atol=2e-2)
               for between in (F.relu, lambda values: values.clamp(0, most)))


@block.behaviour
def batch_norm_after_each(answer):
    for a, b in [(1, 8), (4, 4)]:
        x = 5 + 100 * torch.randn(8, a, 32, 32)
        built = make(answer, a, b).train()
        wide, run = block_of(built, a, b, x)
        norms = set_norms(built, wide)
        # a missing ReLU between the two is the business of relu_between alone
        out = output(built, x, b)
        same = any(torch.allclose(out, run(x, norms, f), atol=2e-2) for f in EITHER)
        expect(same or not cut_off(out, run, x, norms),
               f"No value of your output is larger than {float(out.max()):.3g}: the others are cut "
               "off there. Which values does a ReLU change?")
        if not same:
            widths = [m.num_features for m in built.modules() if isinstance(m, nn.BatchNorm2d)]
            expect(len(widths) != 2 or widths == [b, b], f"{a} → {b} channels: your norms are for "
                   f"{widths} channels; wanted {[b, b]}. Does each stand before its convolution, "
                   "or behind it?")
            number = watch(built, x, training=True).norms
            expect(number == 2, "In training mode your output is not what (convolution → norm → "
                   "ReLU) twice gives with your weights. PyTorch's batch norms in your block: "
                   f"{number}; wanted 2, one behind each convolution.")
        expect(same, "In training mode your output is not what (convolution → norm → ReLU) twice "
               "gives with your weights. Is each norm applied, and before its ReLU?")
        right = all(map(agree, slopes(built, x / 100)))
        expect(right or not writes_into(built, x), "Your block changes the tensor that it is "
               "given; whoever handed it over may still need it. Which call works in place?")
        expect(right, "In training mode the gradient at the "
               "input is not the slope of your block. Is the mean or the variance in a norm "
               "detached?")
        built = make(answer, a, b, norm=False).train()
        _, run = block_of(built, a, b, x)
        same = any(torch.allclose(output(built, x, b), run(x, False, f), rtol=1e-3, atol=1e-2)
                   for f in EITHER)
        expect(same or not alike(output(built, 2 * x, b), output(built, x, b), 1e-2),
               "With norm=False your values are still normalised: an input twice as large gives "
               "the same output. Which layers are left out without a norm?")
        out = output(built, x, b)
        expect(same or not cut_off(out, run, x, False),
               f"No value of your output is larger than {float(out.max()):.3g}: the others are cut "
               "off there. Which values does a ReLU change?")
        expect(same, "With norm=False, for large values, your output is not what convolution → "
               "ReLU, twice, gives with your weights. Are large values cut off, or some left out "
               "at random?")


@block.behaviour
def norms_learn(answer):
    built, x = make(answer, 1, 8).train(), torch.randn(4, 1, 9, 9)
    wide = block_of(built, 1, 8, x)[0]
    send_back(output(built, x, 8))
    others = {id(p) for c in wide for p in (c.weight, c.bias)}
    number = sum(p.numel() for p in built.parameters()
                 if p.grad is not None and id(p) not in others)
    expect(number == 4 * 8, f"Your two norms learn {number} numbers; wanted 32: each has a scale "
           "and a shift for each of its 8 channels. Are there two norms, no more, each with its own?")


@block.behaviour
def evaluation_mode(answer):
    x = 5 + 100 * torch.randn(4, 1, 16, 16)
    built = make(answer, 1, 8)
    before = output(built.eval(), x, 8)
    for _ in range(5):
        call(built.train(), x)
    built.eval()
    with torch.no_grad():
        alone = torch.allclose(output(built, x, 8)[:1], output(built, x[:1], 8), rtol=1e-3, atol=1e-2)
        expect(alone, "In evaluation mode, the result for an image depends on the other images in its batch. A batch norm "
               "keeps running statistics for that; do yours?")
        expect(not torch.allclose(output(built, x, 8), before, rtol=1e-2), "In evaluation mode your "
               "block gives what it gave before any training. Do your norms remember the "
               "statistics of what they have seen?")
        x = 5 + 100 * torch.randn(4, 1, 8, 8)
        for _ in range(400):
            out = call(built.train(), x)
        same = alike(output(built.eval(), x, 8), out, 0.1)
        expect(same, "The same images, 400 times in training mode: then evaluation mode, which "
               "knows their statistics by now, should give the same. What else do you do in one of "
               "the two modes?")


@block.behaviour
def bias_only_without_norm(answer):
    for norm in (True, False):
        biases(block_of(make(answer, 1, 8, norm=norm), 1, 8, torch.rand(1, 1, 9, 9))[0], norm)


field = Exercise("2.4", "How far does a value see?", "predict", minutes=4)


@field.behaviour
def one_convolution(answer):
    close(call(answer, 1), 3, "One 3×3 convolution sees {wanted} pixels across; you say {got}. "
          "Count the pixel in the middle, and the neighbours on either side.")


@field.behaviour
def each_adds_two(answer):
    for n in (2, 4, 10, 0):
        close(call(answer, n), 1 + 2 * n, f"{n} convolutions of 3×3 see " + "{wanted} pixels across; you say {got}. " + (
              "Each one adds one pixel on either side, it does not multiply." if n else
              "A value that went through none is the pixel itself."))


fault = Exercise("2.5", "Find the fault", "find", minutes=5, mark="classroom")


def line(answer, place):
    """The line that was named for block A, B or C."""
    what = f"Your answer for block {'ABC'[place]}"
    chosen = whole(several(answer, 3, "[1, 2, 3]")[place], what)
    expect(1 <= chosen <= 6, f"{what} is {chosen}; wanted the number of a line, 1 to 6.")
    return chosen


@fault.behaviour
def block_a(answer):
    expect(line(answer, 0) == 4, f"Block A: not line {line(answer, 0)}. It stops as soon as c and o differ. How many channels "
           "come out of line 1, and how many does the second convolution expect?")


@fault.behaviour
def block_b(answer):
    expect(line(answer, 1) == 1, f"Block B: not line {line(answer, 1)}. It turns 32×32 into 30×30: one convolution takes two "
           "pixels off. Which of the two?")


@fault.behaviour
def block_c(answer):
    expect(line(answer, 2) == 6, f"Block C: not line {line(answer, 2)}. Some of its outputs are negative. What has to "
           "come last?")

many = Exercise("2.6", "Many channels in, many out", "write", minutes=12)


def channels(c, o, h=6, w=9):
    """An image of c channels, kernels for o, and a bias."""
    return torch.rand(c, h, w), torch.randn(o, c, 3, 3), torch.randn(o)


def many_out(answer, x, weight, bias):
    """The learner's channels: one for each kernel."""
    (c, h, w), o = x.shape, len(weight)
    return shape(call(answer, x, weight, bias), (o, h - 2, w - 2),
                 f"For {c} channels of {h}×{w} and a weight of shape ({o}, {c}, 3, 3) "
                 "you return {got}; wanted {wanted}: one channel for each kernel. Over what do you "
                 "sum?")


@many.behaviour
def a_channel_for_each_kernel(answer):
    for c, o, h, w in [(2, 3, 6, 9), (4, 1, 7, 5), (1, 5, 3, 3)]:
        many_out(answer, *channels(c, o, h, w))


@many.behaviour
def each_slice_on_its_own_channel(answer):
    x, weight, bias = channels(3, 2)
    weight, bias = 0 * weight, 0 * bias
    weight[1, 2] = torch.arange(9.0).reshape(3, 3)
    first, second = many_out(answer, x, weight, bias)
    close(first, torch.zeros(4, 7), "All weights of the first kernel are 0, and still its output is "
          "not. Does output o use weight[o]?")
    close(second, F.conv2d(x[None, 2:], weight[None, 1, 2:])[0, 0],
          "Only slice weight[1, 2] is not 0. It has to run over channel 2, unturned: what does it "
          "run over in your code?", tolerance=1e-4)


@many.behaviour
def channels_add_up(answer):
    x, weight, bias = channels(4, 2)
    close(many_out(answer, x, weight, 0 * bias), F.conv2d(x[None], weight)[0],
          "That is without a bias, four channels in. What becomes of the results of the channels? "
          "They are added: no mean, and none left out.", tolerance=1e-4)


@many.behaviour
def bias_once(answer):
    for c in (3, 1):
        x, weight, bias = channels(c, 4)
        close(many_out(answer, x, weight, bias), F.conv2d(x[None], weight, bias)[0],
              f"That is with a bias, and channels in: {c}. Each output channel gets its own bias, "
              "once. Where do you add it?", tolerance=1e-4)
