"""Exercises: parts of the family are written, and what they cost is counted. (12)"""

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, asking, expect, said, times
from unet_course.exercises.nb02 import make_plain
from unet_course.exercises.nb09 import gradients, same_gradients
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import alike, call, close, shape, tensor
from unet_course.exercises.watching import block_of, watch
from unet_course.family import DenseBlock
from unet_course.tracing import parameter_count

gate = Exercise("12.1", "An attention gate by hand", "write", minutes=10)


def gate_parts(skip=6, below=4, inner=3, images=2, size=(5, 7)):
    """Two tensors of one size and the three 1×1 convolutions."""
    layers = nn.Conv2d(skip, inner, 1, bias=False), nn.Conv2d(below, inner, 1), nn.Conv2d(inner, 1, 1)
    return torch.randn(images, skip, *size), torch.randn(images, below, *size), *layers


def gated(answer, *parts):
    """What the learner's gate gives back."""
    with asking("Each of the three layers takes a tensor (N, C, H, W). Which one takes the skip, "
                "which one what comes from below, and which one their sum?"):
        got = tensor(call(answer, *parts), learns=True)
    size = parts[0].shape
    return shape(got, size, f"For a skip of {times(size)} you return {{got}}; wanted {{wanted}}: "
                 "the skip, with every pixel multiplied by its number. Do you return the numbers "
                 "alone?")


def true_gate(skip, below, of_skip, of_below, score):
    return skip * torch.sigmoid(score(F.relu(of_skip(skip) + of_below(below))))


@gate.behaviour
def a_skip_comes_back(answer):
    gated(answer, *gate_parts())


@gate.behaviour
def open_and_shut(answer):
    skip, below, of_skip, of_below, score = parts = gate_parts()
    nn.init.zeros_(score.weight)
    for bias, wanted, what in [(50.0, skip, "wide open"), (-50.0, 0 * skip, "shut"), (0.0, skip / 2, "half open")]:
        nn.init.constant_(score.bias, bias)
        got = gated(answer, *parts)
        expect(torch.allclose(got, wanted, atol=1e-4), f"The score is {bias:g} at every pixel, so the gate is "
               f"{what}: the skip has to be multiplied by {1 if bias > 0 else 0 if bias < 0 else 0.5:g}, and it is "
               "not. Which function turns a score into a number between 0 and 1, and what is multiplied by it?")


@gate.behaviour
def relu_of_the_sum(answer):
    skip, below, of_skip, of_below, score = parts = gate_parts()
    with torch.no_grad():
        a, b = of_skip(skip), of_below(below)
        others = [(a + b, "There is no ReLU between the sum and the score. Without it, the layers are one linear map."),
                  (F.relu(a) + F.relu(b), "You take the ReLU of each of the two and then add. Add first."),
                  (F.relu(a * b), "You multiply the two; this gate is additive."),
                  (F.relu(a), "What comes from below has no say in your gate. What is of_below for?"),
                  (F.relu(b), "The skip has no say in your gate. What is of_skip for?")]
        got = gated(answer, *parts)
        for inside, why in others:
            expect(not torch.allclose(got, skip * torch.sigmoid(score(inside)), atol=1e-5), f"Random tensors: {why}")
    right, share = torch.allclose(got, true_gate(*parts), atol=1e-5), got / skip
    one_number = torch.allclose(share, share[:, :1, :1, :1].expand_as(share), atol=1e-3)
    expect(right or not one_number, "Random tensors: your gate has one number for the whole image. "
           "It should differ from pixel to pixel: what takes a mean?")
    expect(right, "Random tensors: your result is not "
           "skip · sigmoid(score(ReLU(of_skip(skip) + of_below(below)))). In which order do the "
           "steps come?")


@gate.behaviour
def any_size(answer):
    for skip, below, inner, images, size in [(3, 5, 2, 1, (4, 6)), (4, 4, 4, 3, (1, 5)),
                                             (2, 6, 8, 1, (1, 1)),
                                             (1, 1, 1, 2, (6, 3))]:
        parts = gate_parts(skip, below, inner, images, size)
        what = f"A skip of {images}×{skip}×{size[0]}×{size[1]}, {below} channels from below"
        got = gated(answer, *parts)
        expect(torch.allclose(got, true_gate(*parts), atol=1e-5), f"{what}: your result differs, "
               "and for other sizes it was right. What do you take to be always the same?")


@gate.behaviour
def a_gradient_comes_back(answer):
    skip, below, *layers = gate_parts()
    sources = [skip.requires_grad_(), below.requires_grad_(),
               *(p for layer in layers for p in layer.parameters())]
    mine = gradients(gated(answer, skip, below, *layers), sources)
    expect(same_gradients(mine, gradients(true_gate(skip, below, *layers), sources)), "The numbers "
           "are right, and the gradient that comes back is not: the gate would not learn where to "
           "listen. What is detached on the way?")


leaves_alone(gate, lambda: [gate_parts()])


shortcut = Exercise("12.2", "A shortcut where the channels change", "write", minutes=15)


CHANNELS = [(4, 4), (3, 8), (8, 3), (1, 8)]  # torch adds one channel to any number


def output(built, x, b):
    """What the block gives back, of the right shape."""
    a = x.shape[1]
    with asking(f"That was for {a} → {b} channels. Do the two that you add have the same "
                "channels?"):
        got = tensor(call(built, x), learns=True)
    return shape(got, (len(x), b, *x.shape[2:]), f"For {a} → {b} channels, with "
                 f"training={built.training}, your block returned {{got}}; wanted {{wanted}}.")


@shortcut.behaviour
def keeps_the_size(answer):
    for a, b in CHANNELS:
        for images, height, width in [(2, 9, 8), (3, 5, 12)]:
            output(make_plain(answer, a, b), torch.randn(images, a, height, width), b)


@shortcut.behaviour
def two_convolutions(answer):
    for a, b in CHANNELS:
        block_of(make_plain(answer, a, b), a, b, torch.randn(2, a, 9, 8))


def norm_first(built, a, b):
    """Whether it is the unit of Zhang, Liu and Wang: its first convolution gets the ReLU of a norm.

    A norm that is new changes nothing in evaluation mode, up to a hundred-thousandth.
    """
    x = torch.randn(2, a, 9, 8)
    first = block_of(built, a, b, x.clone())[0][0].within(9, 8)
    if torch.allclose(first, x):
        return False
    expect(torch.allclose(first, F.relu(x), rtol=1e-3, atol=1e-3), f"{a} → {b} channels: your first "
           "convolution gets neither the input as it is, nor the ReLU of the norm of the input. In "
           "one of the two orders a convolution comes first, in the other norm and ReLU. Which one "
           "is yours, and what comes first in it?")
    return True


def silenced(built, a, b, x):
    """The block with all 3×3 weights set to zero: what comes out has come by the shortcut."""
    wide, _ = block_of(built, a, b, x.clone())
    with torch.no_grad():
        for convolution in wide:
            convolution.weight.zero_()
            if convolution.bias is not None:
                convolution.bias.zero_()
        return output(built.eval(), x, b)


@shortcut.behaviour
def input_goes_through(answer):
    x = torch.randn(2, 4, 9, 8)
    built = make_plain(answer, 4, 4)
    early = norm_first(built, 4, 4)
    got = silenced(built, 4, 4, x)
    silent = "4 → 4 channels, with the 3×3 weights set to zero: "
    expect(float(got.abs().max()) > 0, silent + "your block gives zeros, so "
           "the input does not reach the end. Where is it added?")
    if early:
        expect(not torch.allclose(got, F.relu(x), atol=1e-5), silent + "what is negative in the "
               "input is lost. Where norm and ReLU come before each convolution, nothing comes "
               "after the sum, and nothing on the shortcut. Which ReLU is one too many?")
        expect(torch.allclose(got, x, atol=1e-5), silent + "the output should be the input, "
               "unchanged. What else happens on your shortcut, or after the sum?")
        return
    expect(bool((got >= 0).all()), "4 → 4 channels: your output has negative values. Which step comes after the sum?")
    expect(torch.allclose(got, F.relu(x), atol=1e-5), silent + "the output "
           "should be the ReLU of the input, unchanged. What else happens on your shortcut? Where the channels stay, "
           "it needs no layer.")


@shortcut.behaviour
def one_by_one_where_they_change(answer):
    for a, b in CHANNELS[1:]:
        built, x = make_plain(answer, a, b), torch.randn(2, a, 9, 8)
        early = norm_first(built, a, b)
        small = [c for c in watch(built, x.clone()).plain if c.size == (1, 1)]
        expect(len(small) == 1, f"{a} → {b} channels: your block computes {len(small)} "
               f"convolutions of 1×1; wanted one, on the shortcut. How else could {a} channels be "
               f"added to {b}, and be learnt?")
        expect(any(p is small[0].weight for p in built.parameters()), "The weights of your 1×1 "
               "convolution are not among the parameters of the module. Is it made in __init__, "
               "and set as self.something?")
        with torch.no_grad():
            wanted = F.conv2d(x, small[0].weight, small[0].bias)
            wanted = wanted if early else F.relu(wanted)
            got = silenced(built, a, b, x)
        what = "the 1×1 convolution of the input" if early else "the ReLU of the 1×1 convolution of the input"
        expect(torch.allclose(got, wanted, atol=1e-4), f"{a} → {b} channels, with the 3×3 weights "
               f"set to zero: the output should be {what}. "
               "What does the 1×1 convolution get, and what is done with its result?")


def parts_of(built, a, b, x):
    """Weight and bias of each 3×3 convolution; weight and bias of a 1×1 convolution."""
    wide, _ = block_of(built, a, b, x.detach().clone())
    small = [c for c in watch(built, x.detach().clone()).plain if c.size == (1, 1)]
    return [(c.weight, c.bias) for c in wide], [p for c in small for p in (c.weight, c.bias)]


def normed(x):
    return F.batch_norm(x, None, None, training=True)


def change_and_ways(x, wide, small, early=False):
    """What the convolutions add in training mode; what a shortcut may hand on, normed or not."""
    change = x
    for place, (weight, bias) in enumerate(wide):
        if early:
            change = F.conv2d(F.relu(normed(change)), weight, bias, padding=1)
        else:  # a norm takes the bias away again
            change = normed(F.conv2d(F.relu(change) if place else change, weight, padding=1))
    if not small:
        return change, [x]
    straight = F.conv2d(x, *small)
    return change, [straight, normed(straight)]


ORDERS = {False: "the ReLU of (convolution → norm → ReLU → convolution → norm) plus the shortcut",
          True: "(norm → ReLU → convolution, twice) plus the shortcut"}


@shortcut.behaviour
def sum_then_relu(answer):
    for a, b in CHANNELS:
        built, x = make_plain(answer, a, b).train(), 10 * torch.randn(4, a, 9, 8)
        first = norm_first(built, a, b)
        wide, small = parts_of(built, a, b, x)
        with torch.no_grad():
            change, ways = change_and_ways(x, wide, small, first)
            got = output(built, x, b)

            def is_one_of(*results):
                return any(torch.allclose(got, result, rtol=1e-4, atol=1e-3) for result in results)

            early = [F.relu(change) + F.relu(way) for way in ways] + [F.relu(F.relu(change) + way) for way in ways]
            expect(first or not is_one_of(*early), "There is a ReLU before the sum: then the block can "
                   "only add, and never take away. Which one has to wait: the ReLU between the two convolutions, or "
                   "the one behind the second?")
            expect(first or not is_one_of(*(F.relu(change + F.relu(way)) for way in ways)), f"{a} → {b} "
                   "channels: there is a ReLU on your shortcut, so what is negative never gets "
                   "through. The shortcut is the input itself, or its 1×1 convolution. Which ReLU "
                   "is one too many?")
            right = is_one_of(*((change + way if first else F.relu(change + way)) for way in ways))
            seen = watch(built, x.clone(), training=True)
            wider = [said(c.dilation) for c in seen.plain if c.dilation not in (1, (1, 1))]
            expect(right or not wider, f"{a} → {b} channels: a convolution of yours has the "
                   f"dilation {''.join(wider[:1])}, so it leaves out pixels. Wanted plain 3×3 "
                   "convolutions.")
            expect(right or seen.norms in (2, 3), f"{a} → {b} channels: your output is not {ORDERS[first]}. "
                   f"PyTorch's batch norms in your block: {seen.norms}; wanted 2. Which norm is "
                   "asked for?")
            expect(right, f"{a} → {b} channels: your output is not {ORDERS[first]}. Is each norm there, "
                   "and each ReLU?")


@shortcut.behaviour
def both_ways_learn(answer):
    for a, b in CHANNELS:
        built, x = make_plain(answer, a, b).train(), torch.randn(4, a, 9, 8).requires_grad_()
        first = norm_first(built, a, b)
        wide, small = parts_of(built, a, b, x)
        change, ways = change_and_ways(x, wide, small, first)
        sources = [x, *(weight for weight, _ in wide), *small[:1]]
        mine = gradients(output(built, x, b), sources)
        sums = [change + way if first else F.relu(change + way) for way in ways]
        expect(any(same_gradients(mine, gradients(one, sources)) for one in sums),
               f"{a} → {b} channels: the output is right, and the gradient that comes back is not. "
               "A shortcut is there to hand the gradient on. Is it detached, or a norm's mean or "
               "variance?")


@shortcut.behaviour
def norms_learn(answer):
    built, x = make_plain(answer, 4, 4).train(), torch.randn(4, 4, 9, 8)
    others = {id(p) for c in watch(built, x.clone()).plain for p in (c.weight, c.bias)}
    learnt = [p for p in built.parameters() if id(p) not in others]
    number = sum(g.numel() for g in gradients(output(built, x, 4), learnt) if g.any()) if learnt else 0
    expect(number >= 16, f"Your two norms learn {number} numbers; wanted 16: each has a scale and "
           "a shift for each of its 4 channels. Are there two norms, each with its own?")


@shortcut.behaviour
def evaluation_mode(answer):
    x = 2 + 3 * torch.randn(4, 3, 9, 8)
    built = make_plain(answer, 3, 8)
    with torch.no_grad():
        before = output(built.eval(), x, 8)
        for _ in range(5):
            call(built.train(), x)
        after = output(built.eval(), x, 8)
        expect(torch.allclose(after[:1], output(built, x[:1], 8), rtol=1e-3, atol=1e-3), "In evaluation "
               "mode, the result for an image depends on the other images in its batch. A batch "
               "norm keeps running statistics for that; do yours?")
        expect(not torch.allclose(after, before, rtol=1e-2), "In evaluation mode your block gives "
               "what it gave before any training. Do your norms remember the statistics of what "
               "they have seen?")


split = Exercise("12.5", "Split attention", "write", minutes=15, mark="deeper")


def split_parts(images=3, channels=4, size=(6, 5)):
    a, b = torch.randn(images, channels, *size), torch.randn(images, channels, *size)
    return a, b, nn.Linear(channels, 2 * channels)


def mixed(answer, a, b, layer):
    with asking(f"That was for two tensors of {'×'.join(map(str, a.shape))}. The layer takes one "
                "row of C numbers for each image, and gives 2·C. What makes C numbers of H×W×C?"):
        got = tensor(call(answer, a, b, layer), learns=True)
    return shape(got, a.shape, f"For two tensors of {'×'.join(map(str, a.shape))} you return " +
                 "{got}; wanted {wanted}: one mixture of the two.")


def true_mixture(a, b, layer):
    scores = layer((a + b).mean(dim=(2, 3))).unflatten(1, (2, -1))  # (N, 2, C)
    of_a, of_b = scores.softmax(dim=1)[..., None, None].unbind(1)
    return of_a * a + of_b * b


@split.behaviour
def weights_add_up_to_one(answer):
    a, _, layer = split_parts()
    got = mixed(answer, a, a.clone(), layer)
    expect(torch.allclose(got, a, atol=1e-4), "Both paths are equal, so every mixture of them is that same "
           "tensor; yours is not. Do the two weights of a channel add up to 1? The softmax goes over the two paths.")


@split.behaviour
def first_half_is_the_first(answer):
    a, b, layer = split_parts()
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.tensor([60.0, 60, 0, 0, 0, 0, 60, 60]))
    got = mixed(answer, a, b, layer)
    expect(not torch.allclose(got[:, :2], b[:, :2], atol=1e-3), "The first C scores are high for channels 0 and 1, "
           "and you take b there. Which path do the first C scores belong to?")
    expect(torch.allclose(got[:, :2], a[:, :2], atol=1e-3) and torch.allclose(got[:, 2:], b[:, 2:], atol=1e-3), "C = "
           "4, scores 60, 60, 0, 0 for a and 0, 0, 60, 60 for b: channels 0 and 1 have to come from a, 2 and 3 from "
           "b. How do you split the 2·C scores?")


@split.behaviour
def looks_at_both(answer):
    a, b, layer = split_parts()
    got, wanted = mixed(answer, a, b, layer), true_mixture(a, b, layer)
    with torch.no_grad():
        others = [(a.mean(dim=(2, 3)), "Your scores come from a alone. What does the layer need to see, to compare the two?"),
                  (b.mean(dim=(2, 3)), "Your scores come from b alone. What does the layer need to see, to compare the two?"),
                  ((a + b).amax(dim=(2, 3)), "You take the maximum over the pixels; wanted the mean."),
                  ((a + b).sum(dim=(2, 3)), "You take the sum over the pixels: it grows with the image. Wanted the mean."),
                  ((a + b).mean(dim=(0, 2, 3)).expand(len(a), -1), "Your mean runs over the images of the batch too. "
                   "Should one image change the weights of another?"),
                  ((a + b).mean(dim=(2, 3)) / 2, "You take the mean of the two paths; wanted their sum.")]
        for seen, why in others:
            one, two = layer(seen).unflatten(1, (2, -1)).softmax(dim=1)[..., None, None].unbind(1)
            expect(not torch.allclose(got, one * a + two * b, atol=1e-5), f"Random tensors: {why}")
    expect(torch.allclose(got, wanted, atol=1e-4), "Random tensors: your mixture differs. Scores: the layer, of the "
           "mean over the pixels of a + b. Weights: their softmax over the two paths. Is there a step too many?")


@split.behaviour
def any_number_of_channels(answer):
    for images, channels, size in [(2, 6, (3, 7)), (1, 3, (4, 4)), (1, 1, (1, 1)), (5, 2, (1, 6))]:
        a, b, layer = split_parts(images, channels, size)
        expect(torch.allclose(mixed(answer, a, b, layer), true_mixture(a, b, layer), atol=1e-4),
               f"Two tensors of {images}×{channels}×{size[0]}×{size[1]}: your mixture differs, and "
               "with 3×4×6×5 it was right. What do you take to be always the same?")


@split.behaviour
def both_branches_learn(answer):
    a, b, layer = split_parts()
    sources = [a.requires_grad_(), b.requires_grad_(), *layer.parameters()]
    mine = gradients(mixed(answer, a, b, layer), sources)
    expect(same_gradients(mine, gradients(true_mixture(a, b, layer), sources)), "The numbers are "
           "right, and the gradient that comes back is not: the layer would not learn which path "
           "to take. What is detached on the way?")


leaves_alone(split, lambda: [split_parts()])


dense = Exercise("12.3", "Parameters of a dense block", "predict", minutes=8)


@dense.behaviour
def one_block(answer):
    got = call(answer, 8, 24)  # 8, 16 gives one number for two of the mistakes
    layers, norms, last = 9 * 6 * (8 + 14 + 20 + 26), 48, 32 * 24  # of the 1×1 convolution
    for wrong, why in [(4 * 9 * 8 * 6 + norms + last + 48, "Your layers all see 8 "
                        "channels. What does the second one see, that the first one made?"),
                       (layers + norms, "You have left out the 1×1 convolution at the end. How many channels go into it?"),
                       (layers + norms + 24 * 24 + 48, "Your 1×1 convolution gets what the "
                        "layers made. What else is handed on to it?"),
                       (layers + norms + 26 * 24 + 48, "Your 1×1 convolution gets what three of "
                        "the layers made. How many are there?"),
                       (layers + norms + 9 * last + 48, "Your last convolution is one of 3×3. "
                        "Wanted one of 1×1."),
                       (layers + 2 * norms + last + 96, "You count four values for each channel of "
                        "a norm. Two of them are running means, which nobody learns."),
                       (layers + last, "The norms are missing: two values for each channel that a convolution makes."),
                       (layers + 24 + norms + last + 48 + 24, "You count biases under the norms. Does a ConvBlock have them?"),
                       (layers + norms + last, "Has each norm a scale and a shift, and what comes "
                        "after the 1×1 convolution, as after the others?")]:
        expect(not alike(got, wrong), f"DenseBlock(8, 24): you count {wrong}. {why}")
    close(got, parameter_count(DenseBlock(8, 24)), "DenseBlock(8, 24): wanted {wanted}, you count {got}. Growth is "
          "6: layer by layer, how many channels go in?")


@dense.behaviour
def any_block(answer):
    for a, b in [(1, 8), (64, 32), (20, 20), (3, 4)]:
        close(call(answer, a, b), parameter_count(DenseBlock(a, b)), f"DenseBlock({a}, {b}): " + "wanted {wanted}, "
              "you count {got}. The growth is a quarter of the output's channels.")


nodes = Exercise("12.4", "The nodes of U-Net++", "predict", minutes=5, mark="classroom")


def node_number(answer, place):
    return number(several(answer, 4, "[7, 2, 50, 6]")[place], f"Number {place + 1}")


@nodes.behaviour
def how_many_nodes(answer):
    got = node_number(answer, 0)
    expect(got != 4, "1: you count 4. That is U-Net's decoder. How many more stand between it and the encoder?")
    expect(got != 15, "1: you count 15, with the five of the encoder. How many are left without them?")
    expect(got == 10, f"1: you count {got:g}. Level 0 has four nodes beside the encoder's. How many have the levels "
           "1, 2 and 3?")


@nodes.behaviour
def tensors_into_a_node(answer):
    got = node_number(answer, 1)
    expect(got != 3, "2: you say 3. These are the nodes before it on its level. Which tensor comes from below?")
    expect(got == 4, f"2: you say {got:g}. All nodes before it on level 0, and one from below. How many are before it?")


@nodes.behaviour
def channels_into_a_node(answer):
    got = node_number(answer, 2)
    expect(got != 256, "3: you say 256, so you add the 128 channels of level 2 as they are. What does the upsampling "
           "make of them?")
    expect(got == 192, f"3: you say {got:g}. Two nodes before it, and what comes from below; each has the channels "
           "of level 1. How many?")


@nodes.behaviour
def nodes_after_pruning(answer):
    got = node_number(answer, 3)
    expect(got == 3, f"4: you say {got:g}. Node 0,2 needs 0,1 and 1,1. What do these two need, besides the encoder?")


choose = Exercise("12.6", "Choose with a reason", "choose", minutes=5, mark="classroom")
NETWORKS = ("U-Net", "ResUNet", "Attention U-Net", "U-Net++", "Dense U-Net")


def chosen(answer, place, wanted, why):
    got = word(answer, place, NETWORKS)
    expect(got == wanted, f"{place + 1}: you choose {got}. {why}")


@choose.behaviour
def nothing_measured(answer):
    chosen(answer, 0, "U-Net", "Nothing is measured yet, so nothing says that you need more. What will you compare a "
           "gain with?")


@choose.behaviour
def deep_and_stuck(answer):
    chosen(answer, 1, "ResUNet", "It cannot even learn its training data. Who had seen just that in deep networks, "
           "and what was their cure?")


@choose.behaviour
def two_speeds(answer):
    chosen(answer, 2, "U-Net++", "One training, two speeds: a part of the network has to be a network. Which one has "
           "a head on every depth?")


@choose.behaviour
def where_it_listens(answer):
    chosen(answer, 3, "Attention U-Net", "You are asked for a picture of what gets through the skips. Which network "
           "computes a number between 0 and 1 for each pixel of a skip?")
