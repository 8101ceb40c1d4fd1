"""Answers that learners give to the exercises of notebook 12."""

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.family import ResidualBlock


def gate(skip, below, of_skip, of_below, score):
    return skip * torch.sigmoid(score(F.relu(of_skip(skip) + of_below(below))))


def gate_with_parameters(s, g, w, v, p):
    inside = torch.clamp(F.conv2d(s, w.weight) + F.conv2d(g, v.weight, v.bias), min=0)
    logit = F.conv2d(inside, p.weight, p.bias)
    return s / (1 + torch.exp(-logit))


class Residual(nn.Module):
    """A residual block with one thing wrong; the defaults make a right one."""

    change = {}

    def __init__(self, a, b):
        super().__init__()
        c = self.change
        self.first = nn.Conv2d(a, b, 3, padding=c.get("padding", 1), bias=False)
        self.second = nn.Conv2d(b, b, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(b), nn.BatchNorm2d(b)])
        self.straight = nn.Conv2d(a, b, c.get("kernel", 1), padding=c.get("kernel", 1) // 2)
        self.norm3 = nn.BatchNorm2d(b)
        self.hidden = [self.straight]
        if c.get("hidden"):
            del self.straight

    def forward(self, x):
        c = self.change
        y = self.norms[0](self.first(x)) if c.get("norm", True) else self.first(x)
        y = y if c.get("no relu between") else F.relu(y)
        y = self.norms[1](self.second(y)) if c.get("norm", True) else self.second(y)
        if c.get("early relu"):
            y = F.relu(y)
        same = x.shape[1] == y.shape[1]
        s = x if same and not c.get("always") else c.get("straight", lambda self, x: self.hidden[0](x))(self, x)
        if c.get("none"):
            return F.relu(y)
        return c.get("end", lambda y, s: F.relu(y + s))(y, s)


def residual(**change):
    return type("Changed", (Residual,), {"change": change})


class Dots(nn.Module):
    def __init__(self, a, b):
        super().__init__()

    def forward(self, x):
        return ...


def dense(a, b):
    g = b // 4
    return sum(9 * (a + n * g) * g + 2 * g for n in range(4)) + (a + 4 * g) * b + 2 * b


def dense_with(*, grow=True, norm=2, gather=True, into=None, last=True, under=0):
    def count(a, b):
        g = b // 4
        layers = sum(9 * (a + n * g * grow) * g + (norm + under) * g for n in range(4))
        into_last = {None: a + 4 * g, "layers": 4 * g}[into]
        return layers + gather * (into_last * b + (norm * last + under) * b)
    return count


def split(a, b, layer, *, over=1, seen=lambda a, b: (a + b).mean(dim=(2, 3)), swap=False, act=None):
    n, c = a.shape[:2]
    scores = layer(seen(a, b)).view(n, 2, c)
    w = scores.softmax(dim=over) if act is None else act(scores)
    one, two = (w[:, 1], w[:, 0]) if swap else (w[:, 0], w[:, 1])
    return one[:, :, None, None] * a + two[:, :, None, None] * b


def split_by_difference(a, b, layer):
    """A softmax over two is a sigmoid of the difference."""
    scores = layer(F.adaptive_avg_pool2d(a + b, 1).flatten(1))
    half = scores.shape[1] // 2
    share = torch.sigmoid(scores[:, :half] - scores[:, half:])[:, :, None, None]
    return b + share * (a - b)


def interleaved(a, b, layer):
    scores = layer((a + b).mean(dim=(2, 3)))
    w = torch.stack([scores[:, ::2], scores[:, 1::2]], dim=1).softmax(dim=1)[..., None, None]
    return w[:, 0] * a + w[:, 1] * b


def per_pixel(a, b, layer):
    scores = layer((a + b).permute(0, 2, 3, 1)).permute(0, 3, 1, 2).unflatten(1, (2, -1)).softmax(dim=1)
    return scores[:, 0] * a + scores[:, 1] * b


BEST = ["U-Net", "ResUNet", "U-Net++", "Attention U-Net"]


def other(place, word):
    return [word if i == place else w for i, w in enumerate(BEST)]


WRONG = [
    ("12.1", "numbers alone", lambda s, g, a, b, c: torch.sigmoid(c(F.relu(a(s) + b(g)))), "a_skip_comes_back"),
    ("12.1", "gates what comes from below", lambda s, g, a, b, c: g * torch.sigmoid(c(F.relu(a(s) + b(g)))), "a_skip_comes_back"),
    ("12.1", "layers swapped", lambda s, g, a, b, c: s * torch.sigmoid(c(F.relu(a(g) + b(s)))), "a_skip_comes_back"),
    ("12.1", "no sigmoid", lambda s, g, a, b, c: s * c(F.relu(a(s) + b(g))), "open_and_shut"),
    ("12.1", "tanh", lambda s, g, a, b, c: s * torch.tanh(c(F.relu(a(s) + b(g)))), "open_and_shut"),
    ("12.1", "softmax over one channel", lambda s, g, a, b, c: s * c(F.relu(a(s) + b(g))).softmax(dim=1), "open_and_shut"),
    ("12.1", "added, not multiplied", lambda s, g, a, b, c: s + torch.sigmoid(c(F.relu(a(s) + b(g)))), "open_and_shut"),
    ("12.1", "one minus", lambda s, g, a, b, c: s * (1 - torch.sigmoid(c(F.relu(a(s) + b(g))))), "open_and_shut"),
    ("12.1", "kept beside the skip", lambda s, g, a, b, c: s + s * torch.sigmoid(c(F.relu(a(s) + b(g)))), "open_and_shut"),
    ("12.1", "no ReLU", lambda s, g, a, b, c: s * torch.sigmoid(c(a(s) + b(g))), "relu_of_the_sum"),
    ("12.1", "ReLU of each", lambda s, g, a, b, c: s * torch.sigmoid(c(F.relu(a(s)) + F.relu(b(g)))), "relu_of_the_sum"),
    ("12.1", "product", lambda s, g, a, b, c: s * torch.sigmoid(c(F.relu(a(s) * b(g)))), "relu_of_the_sum"),
    ("12.1", "skip alone", lambda s, g, a, b, c: s * torch.sigmoid(c(F.relu(a(s)))), "relu_of_the_sum"),
    ("12.1", "below alone", lambda s, g, a, b, c: s * torch.sigmoid(c(F.relu(b(g)))), "relu_of_the_sum"),
    ("12.1", "sigmoid in between", lambda s, g, a, b, c: s * torch.sigmoid(c(torch.sigmoid(a(s) + b(g)))), "relu_of_the_sum"),
    ("12.2", "adds what does not fit", residual(straight=lambda self, x: x), "keeps_the_size"),
    ("12.2", "no padding", residual(padding=0), "keeps_the_size"),
    ("12.2", "an instance", ResidualBlock(4, 4), "keeps_the_size"),
    ("12.2", "one convolution", lambda a, b: nn.Conv2d(a, b, 3, padding=1), "two_convolutions"),
    ("12.2", "3×3 shortcut", residual(kernel=3), "two_convolutions"),
    ("12.2", "no shortcut", residual(none=True), "input_goes_through"),
    ("12.2", "layer where the channels stay", residual(always=True), "input_goes_through"),
    ("12.2", "no ReLU at the end", residual(end=lambda y, s: y + s), "input_goes_through"),
    ("12.2", "mean", residual(end=lambda y, s: F.relu((y + s) / 2)), "input_goes_through"),
    ("12.2", "product", residual(end=lambda y, s: F.relu(y * s)), "input_goes_through"),
    ("12.2", "channels filled with zeros", residual(straight=lambda self, x: F.pad(x, (0, 0, 0, 0, 0, 5))), "one_by_one_where_they_change"),
    ("12.2", "hidden from the optimiser", residual(hidden=True), "one_by_one_where_they_change"),
    ("12.2", "ReLU and norm on the shortcut", residual(straight=lambda self, x: self.norm3(self.hidden[0](x).abs())),
     "one_by_one_where_they_change"),
    ("12.2", "ReLU before the sum", residual(**{"early relu": True}), "sum_then_relu"),
    ("12.2", "each has its ReLU", residual(end=lambda y, s: F.relu(y) + F.relu(s)), "sum_then_relu"),
    ("12.2", "no norm", residual(norm=False), "sum_then_relu"),
    ("12.2", "no ReLU between", residual(**{"no relu between": True}), "sum_then_relu"),
    ("12.2", "takes away", residual(end=lambda y, s: F.relu(s - y)), "sum_then_relu"),
    ("12.3", "input does not grow", dense_with(grow=False), "one_block"),
    ("12.3", "no norm", dense_with(norm=0), "one_block"),
    ("12.3", "no gathering", dense_with(gather=False), "one_block"),
    ("12.3", "gathers the layers alone", dense_with(into="layers"), "one_block"),
    ("12.3", "no norm at the end", dense_with(last=False), "one_block"),
    ("12.3", "bias under the norm", dense_with(under=1), "one_block"),
    ("12.3", "a ConvBlock", lambda a, b: 9 * a * b + 9 * b * b + 4 * b, "one_block"),
    ("12.3", "learnt by heart", lambda a, b: dense(8, 16), "any_block"),
    ("12.3", "growth always 4", lambda a, b: sum(9 * (a + 4 * n) * 4 + 8 for n in range(4)) + (a + 16) * b + 2 * b, "any_block"),
    ("12.4", "U-Net's four", [4, 4, 192, 3], "how_many_nodes"),
    ("12.4", "encoder counted", [15, 4, 192, 3], "how_many_nodes"),
    ("12.4", "six", [6, 4, 192, 3], "how_many_nodes"),
    ("12.4", "below forgotten", [10, 3, 192, 3], "tensors_into_a_node"),
    ("12.4", "two as in U-Net", [10, 2, 192, 3], "tensors_into_a_node"),
    ("12.4", "not upsampled", [10, 4, 256, 3], "channels_into_a_node"),
    ("12.4", "one skip only", [10, 4, 128, 3], "channels_into_a_node"),
    ("12.4", "all nodes stay", [10, 4, 192, 10], "nodes_after_pruning"),
    ("12.4", "level 0 only", [10, 4, 192, 2], "nodes_after_pruning"),
    ("12.4", "three numbers", [10, 4, 192], "how_many_nodes"),
    ("12.5", "no pooling", lambda a, b, f: f(a + b), "weights_add_up_to_one"),
    ("12.5", "scores alone", lambda a, b, f: f((a + b).mean(dim=(2, 3))), "weights_add_up_to_one"),
    ("12.5", "softmax over the channels", lambda a, b, f: split(a, b, f, over=2), "weights_add_up_to_one"),
    ("12.5", "softmax over the images", lambda a, b, f: split(a, b, f, over=0), "weights_add_up_to_one"),
    ("12.5", "softmax over all scores", lambda a, b, f: split(a, b, f, act=lambda s: s.flatten(1).softmax(1).view_as(s)),
     "weights_add_up_to_one"),
    ("12.5", "two sigmoids", lambda a, b, f: split(a, b, f, act=torch.sigmoid), "weights_add_up_to_one"),
    ("12.5", "branches swapped", lambda a, b, f: split(a, b, f, swap=True), "first_half_is_the_first"),
    ("12.5", "interleaved scores", interleaved, "first_half_is_the_first"),
    ("12.5", "plain mean", lambda a, b, f: (a + b) / 2, "first_half_is_the_first"),
    ("12.5", "a alone is looked at", lambda a, b, f: split(a, b, f, seen=lambda a, b: a.mean(dim=(2, 3))), "looks_at_both"),
    ("12.5", "b alone is looked at", lambda a, b, f: split(a, b, f, seen=lambda a, b: b.mean(dim=(2, 3))), "looks_at_both"),
    ("12.5", "maximum", lambda a, b, f: split(a, b, f, seen=lambda a, b: (a + b).amax(dim=(2, 3))), "looks_at_both"),
    ("12.5", "sum over pixels", lambda a, b, f: split(a, b, f, seen=lambda a, b: (a + b).sum(dim=(2, 3))), "looks_at_both"),
    ("12.5", "mean of the branches", lambda a, b, f: split(a, b, f, seen=lambda a, b: (a + b).mean(dim=(2, 3)) / 2), "looks_at_both"),
    ("12.5", "mean over the batch",
     lambda a, b, f: split(a, b, f, seen=lambda a, b: (a + b).mean(dim=(0, 2, 3)).expand(len(a), -1)), "looks_at_both"),
    ("12.5", "each pixel for itself", per_pixel, "looks_at_both"),
    ("12.6", "the newest first", other(0, "U-Net++"), "nothing_measured"),
    ("12.6", "the largest first", other(0, "Dense U-Net"), "nothing_measured"),
    ("12.6", "attention against depth", other(1, "Attention U-Net"), "deep_and_stuck"),
    ("12.6", "dense for two speeds", other(2, "Dense U-Net"), "two_speeds"),
    ("12.6", "plus plus for a picture", other(3, "U-Net++"), "where_it_listens"),
    ("12.6", "a network of another name", other(0, "SegNet"), "nothing_measured"),
]
RIGHT = [
    ("12.1", "as written", gate), ("12.1", "by functions", gate_with_parameters),
    ("12.2", "package", ResidualBlock), ("12.2", "written again", residual()),
    ("12.2", "sum in place", residual(end=lambda y, s: (y + s).clamp(min=0))),
    ("12.3", "formula", dense), ("12.3", "closed form", lambda a, b: 9 * b * a + 27 * b * b // 8 + 2 * b + (a + b) * b + 2 * b),
    ("12.4", "whole numbers", [10, 4, 192, 3]), ("12.4", "tuple of floats", (10.0, 4.0, 192.0, 3.0)),
    ("12.5", "as written", split), ("12.5", "sigmoid of the difference", split_by_difference),
    ("12.6", "as written", BEST), ("12.6", "small letters", [w.lower() for w in BEST]),
]
UNTOUCHED = [("12.1", lambda *a: ...), ("12.2", Dots), ("12.3", lambda *a: ...), ("12.5", lambda *a: ...),
             ("12.4", [..., ..., ..., ...]), ("12.6", [..., ..., ..., ...])]
