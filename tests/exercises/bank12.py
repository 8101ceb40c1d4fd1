"""Answers that learners give to the exercises of notebook 12."""

import itertools
import math

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


def filled(self, x):
    """Zeros for the channels that are missing; what is too much is left out."""
    return F.pad(x, (0, 0, 0, 0, 0, self.second.out_channels - x.shape[1]))


def pairs_only(self, x):
    """Few channels of many, or many of few: fits by cutting or by the layer."""
    wanted = self.second.out_channels
    return self.hidden[0](x) if x.shape[1] < wanted else x[:, :wanted]


def changed_in_place(change, way):
    """The ReLU's own result is what autograd needs."""
    out = F.relu(change + way)
    out += 0.0
    out *= 1.0
    return out


class Statistics(Residual):
    """Residual, with another norm."""

    def norm(self, x, place):
        return F.batch_norm(x, None, None, self.scale[place], self.shift[place], True)

    def __init__(self, a, b):
        super().__init__(a, b)
        del self.norms
        self.scale, self.shift = nn.Parameter(torch.ones(2, b)), nn.Parameter(torch.zeros(2, b))

    def forward(self, x):
        y = self.norm(self.second(F.relu(self.norm(self.first(x), 0))), 1)
        return F.relu(y + (x if x.shape[1] == y.shape[1] else self.straight(x)))


class ByHand(Statistics):
    """Mean and variance are taken to be constants."""

    def norm(self, x, place):
        var, mean = torch.var_mean(x.detach(), dim=(0, 2, 3), unbiased=False, keepdim=True)
        scale, shift = (p[place].reshape(1, -1, 1, 1) for p in (self.scale, self.shift))
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift


def with_norms(**options):
    """Residual, whose norms have other settings."""

    class Block(Residual):
        def __init__(self, a, b):
            super().__init__(a, b)
            self.norms = nn.ModuleList(nn.BatchNorm2d(b, **options) for _ in range(2))

    return Block


class InPlace(Residual):
    """Adds to its own input."""

    def forward(self, x):
        y = self.norms[1](self.second(F.relu(self.norms[0](self.first(x)))))
        if x.shape[1] != y.shape[1]:
            return F.relu(y + self.straight(x))
        x += y
        return F.relu(x)


class NormFirst(Residual):
    """The unit of Zhang, Liu and Wang: norm and ReLU before convolutions, none after the sum."""

    parts = {}

    def __init__(self, a, b):
        super().__init__(a, b)
        p = self.parts
        norm = {key: p[key] for key in ("affine", "momentum", "track_running_stats") if key in p}
        self.norms[0], self.norms[1] = nn.BatchNorm2d(a, **norm), nn.BatchNorm2d(b, **norm)
        self.second = nn.Conv2d(b, b, 3, padding=1)  # no norm takes its bias away

    def forward(self, x):
        p = self.parts
        y = self.norms[0](x)
        y = self.first(F.relu(y) if p.get("relu", True) else y)
        y = self.second(F.relu(self.norms[1](y) if p.get("norms", 2) == 2 else y))
        return p.get("end", lambda y, s: y + s)(y, x if x.shape[1] == y.shape[1] else self.straight(x))


def norm_first(**parts):
    return type("Changed", (NormFirst,), {"parts": parts})


class PaddedBefore(Residual):
    """The zeros are set around it by hand."""

    def __init__(self, a, b):
        super().__init__(a, b)
        self.first.padding = self.second.padding = (0, 0)

    def forward(self, x):
        def around(t):
            return F.pad(t, (1, 1, 1, 1))
        y = self.norms[1](self.second(around(F.relu(self.norms[0](self.first(around(x)))))))
        return F.relu(y + (x if x.shape[1] == y.shape[1] else self.straight(x)))


class WithBias(Residual):
    """Every convolution has a bias, and the shortcut a norm."""

    def __init__(self, a, b):
        super().__init__(a, b)
        self.first, self.second = nn.Conv2d(a, b, 3, padding=1), nn.Conv2d(b, b, 3, padding="same")

    def forward(self, x):
        y = self.norms[1](self.second(self.norms[0](self.first(x)).relu()))
        return (y + (x if x.shape[1] == y.shape[1] else self.norm3(self.straight(x)))).relu_()


class FromZero(WithBias):
    """The last norm's scale begins at 0, so that the block begins as its shortcut."""

    def __init__(self, a, b):
        super().__init__(a, b)
        nn.init.zeros_(self.norms[1].weight)


class Repeats(Residual):
    """One channel needs no convolution: torch adds it to each of the others."""

    def __init__(self, a, b):
        super().__init__(a, b)
        if a == 1:
            self.straight = nn.Identity()


def residual(**change):
    return type("Changed", (Residual,), {"change": change})


def gate_of_one_size(s, g, w, v, p):
    return s * torch.sigmoid(p(F.relu(w(s) + v(g)))).reshape(-1, 1, 5, 7)


def gate_squeezed(s, g, w, v, p):
    """One number for each pixel; with a single image, or row, others than meant are taken away."""
    numbers = torch.sigmoid(p(F.relu(w(s) + v(g)))).squeeze()
    return s * (numbers[:, None] if numbers.ndim == 3 else numbers)


def gate_in_place(s, g, w, v, p):
    s *= torch.sigmoid(p(F.relu(w(s) + v(g))))
    return s


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


def split_at_four(a, b, layer):
    scores = layer((a + b).mean(dim=(2, 3)))
    w = torch.stack([scores[:, :4], scores[:, 4:]]).softmax(dim=0)[..., None, None]
    return w[0] * a + w[1] * b


def split_squeezed(a, b, layer):
    scores = layer((a + b).mean(dim=(2, 3)).squeeze()).reshape(len(a), 2, -1)
    w = scores.softmax(dim=1)[..., None, None]
    return w[:, 0] * a + w[:, 1] * b


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


def counted(base, other, looks):
    """The scores are 0, 1, 2, …; every choice is tried."""
    spoken = ways = 0
    for mine in itertools.combinations(range(base + other), base):
        rest = set(range(base + other)) - set(mine)
        ways += 1
        spoken += min(mine) > max(rest) or max(mine) < min(rest)
    return looks * spoken / ways


BEST = ["U-Net", "ResUNet", "U-Net++", "Attention U-Net"]


TAKE = ["follows", "does not follow", "does not follow", "follows"]


def flipped(*places):
    """The right answers of 12.8 with some of them turned round."""
    words = {"follows": "does not follow", "does not follow": "follows"}
    return [words[w] if i in places else w for i, w in enumerate(TAKE)]


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
    ("12.1", "always 5×7", gate_of_one_size, "any_size"),
    ("12.1", "squeezed", gate_squeezed, "any_size"),
    ("12.1", "an array", lambda *parts: gate(*parts).detach().numpy(), "a_gradient_comes_back"),
    ("12.1", "detached", lambda s, g, a, b, c: s * gate(s, g, a, b, c).detach() / s.detach(),
     "a_gradient_comes_back"),
    ("12.1", "below detached", lambda s, g, a, b, c: gate(s, g.detach(), a, b, c),
     "a_gradient_comes_back"),
    ("12.1", "skip changed in place", gate_in_place, "a_gradient_comes_back"),
    ("12.2", "cut where there are fewer", residual(straight=pairs_only),
     "one_by_one_where_they_change"),
    ("12.2", "norm first, and no ReLU", norm_first(relu=False), "input_goes_through"),
    ("12.2", "norm first, and a ReLU after the sum", norm_first(end=lambda y, s: F.relu(y + s)),
     "input_goes_through"),
    ("12.2", "norm first, input added twice", norm_first(end=lambda y, s: y + 2 * s), "input_goes_through"),
    ("12.2", "norm first, a ReLU on the 1×1",
     norm_first(end=lambda y, s: y + (s if s.shape[1] == 4 else F.relu(s))), "one_by_one_where_they_change"),
    ("12.2", "norm first, one norm", norm_first(norms=1), "sum_then_relu"),
    ("12.2", "norm first, shortcut detached", norm_first(end=lambda y, s: y + s.detach()), "both_ways_learn"),
    ("12.2", "norm first, statistics of this batch", norm_first(track_running_stats=False),
     "input_goes_through"),
    ("12.2", "norm first, statistics that never move", norm_first(momentum=0.0), "evaluation_mode"),
    ("12.2", "norm first, norms that learn nothing", norm_first(affine=False), "norms_learn"),
    ("12.2", "norm first, no shortcut", norm_first(end=lambda y, s: y), "input_goes_through"),
    ("12.2", "shortcut detached", residual(end=lambda y, s: F.relu(y + s.detach())),
     "both_ways_learn"),
    ("12.2", "blocks detached", residual(end=lambda y, s: F.relu(y.detach() + s)),
     "both_ways_learn"),
    ("12.2", "changed in place after the sum", residual(end=changed_in_place), "both_ways_learn"),
    ("12.2", "its input changed in place", InPlace, "both_ways_learn"),
    ("12.2", "mean and variance as constants", ByHand, "both_ways_learn"),
    ("12.2", "norms that learn nothing", with_norms(affine=False), "norms_learn"),
    ("12.2", "statistics of this batch, always", Statistics, "evaluation_mode"),
    ("12.2", "running statistics that never move", with_norms(momentum=0.0), "evaluation_mode"),
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
    ("12.2", "channels filled with zeros", residual(straight=filled),
     "one_by_one_where_they_change"),
    ("12.2", "hidden from the optimiser", residual(hidden=True), "one_by_one_where_they_change"),
    ("12.2", "ReLU and norm on the shortcut", residual(straight=lambda self, x: self.norm3(self.hidden[0](x).abs())),
     "one_by_one_where_they_change"),
    ("12.2", "ReLU before the sum", residual(**{"early relu": True}), "sum_then_relu"),
    ("12.2", "ReLU on the shortcut", residual(end=lambda y, s: F.relu(y + F.relu(s))),
     "sum_then_relu"),
    ("12.2", "each has its ReLU", residual(end=lambda y, s: F.relu(y) + F.relu(s)), "sum_then_relu"),
    ("12.2", "6 at most", residual(end=lambda y, s: (y + s).clamp(0, 6)), "sum_then_relu"),
    ("12.2", "no norm", residual(norm=False), "sum_then_relu"),
    ("12.2", "no ReLU between", residual(**{"no relu between": True}), "sum_then_relu"),
    ("12.2", "one channel is repeated", Repeats, "one_by_one_where_they_change"),
    ("12.2", "takes away", residual(end=lambda y, s: F.relu(s - y)), "sum_then_relu"),
    ("12.3", "input does not grow", dense_with(grow=False), "one_block"),
    ("12.3", "no norm", dense_with(norm=0), "one_block"),
    ("12.3", "no gathering", dense_with(gather=False), "one_block"),
    ("12.3", "gathers the layers alone", dense_with(into="layers"), "one_block"),
    ("12.3", "no norm at the end", dense_with(last=False), "one_block"),
    ("12.3", "bias under the norm", dense_with(under=1), "one_block"),
    ("12.3", "a ConvBlock", lambda a, b: 9 * a * b + 9 * b * b + 4 * b, "one_block"),
    ("12.3", "learnt by heart", lambda a, b: dense(8, 24), "any_block"),
    ("12.3", "growth always 6", lambda a, b: sum(9 * (a + 6 * n) * 6 + 12 for n in range(4)) + (a + 24) * b + 2 * b, "any_block"),
    ("12.3", "three layers reach the last", lambda a, b: dense(a, b) - b * b // 4, "one_block"),
    ("12.3", "four values in a norm", lambda a, b: dense(a, b) + 4 * b, "one_block"),
    ("12.3", "3×3 at the end", lambda a, b: dense(a, b) + 8 * (a + b) * b, "one_block"),
    ("12.3", "growth of two at least", lambda a, b: dense(a, max(b, 8)), "any_block"),
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
    ("12.5", "C is always 4", split_at_four, "any_number_of_channels"),
    ("12.5", "squeezed", split_squeezed, "any_number_of_channels"),
    ("12.5", "weights detached",
     lambda a, b, f: split(a, b, f, act=lambda s: s.detach().softmax(1)), "both_branches_learn"),
    ("12.5", "as numbers", lambda a, b, f: split(a, b, f).detach().numpy(),
     "both_branches_learn"),
    ("12.5", "mean detached",
     lambda a, b, f: split(a, b, f, seen=lambda a, b: (a + b).detach().mean(dim=(2, 3))),
     "both_branches_learn"),
    ("12.6", "the newest first", other(0, "U-Net++"), "nothing_measured"),
    ("12.6", "the largest first", other(0, "Dense U-Net"), "nothing_measured"),
    ("12.6", "attention against depth", other(1, "Attention U-Net"), "deep_and_stuck"),
    ("12.6", "dense for two speeds", other(2, "Dense U-Net"), "two_speeds"),
    ("12.6", "plus plus for a picture", other(3, "U-Net++"), "where_it_listens"),
    ("12.6", "a network of another name", other(0, "SegNet"), "nothing_measured"),
    ("12.7", "above only", lambda n, m, k: k / math.comb(n + m, n), "one_look"),
    ("12.7", "in every order", lambda n, m, k: 2 * k / math.factorial(n + m), "one_look"),
    ("12.7", "in every order, above only", lambda n, m, k: k / math.factorial(n + m), "one_look"),
    ("12.7", "coins", lambda n, m, k: 2 * k / 2 ** (n + m), "one_look"),
    ("12.7", "the number of ways", lambda n, m, k: math.comb(n + m, n), "one_look"),
    ("12.7", "two", lambda n, m, k: 2 * k, "one_look"),
    ("12.7", "the other way up", lambda n, m, k: math.comb(n + m, n) / 2, "one_look"),
    ("12.7", "a word", lambda n, m, k: "rarely", "one_look"),
    ("12.7", "always a tenth", lambda n, m, k: k / 10, "any_number_of_seeds"),
    ("12.7", "as many seeds on both sides", lambda n, m, k: 2 * k / math.comb(2 * n, n), "any_number_of_seeds"),
    ("12.7", "one comparison", lambda n, m, k: 2 / math.comb(n + m, n), "many_looks"),
    ("12.7", "one or more", lambda n, m, k: 1 - (1 - 2 / math.comb(n + m, n)) ** k, "many_looks"),
    ("12.7", "no more than one", lambda n, m, k: min(1, 2 * k / math.comb(n + m, n)), "many_looks"),
    ("12.7", "divided", lambda n, m, k: 2 / math.comb(n + m, n) / k, "many_looks"),
    ("12.8", "a rule that never speaks", ["does not follow"] * 4, "the_rule_has_spoken"),
    ("12.8", "the wrong way round", flipped(0, 1, 2, 3), "the_rule_has_spoken"),
    ("12.8", "the first is doubted", flipped(0), "the_rule_has_spoken"),
    ("12.8", "three answers", TAKE[:3], "the_rule_has_spoken"),
    ("12.8", "one word for all", "follows", "the_rule_has_spoken"),
    ("12.8", "yes and no", ["yes", "no", "no", "yes"], "the_rule_has_spoken"),
    ("12.8", "numbers", [1, 0, 0, 1], "the_rule_has_spoken"),
    ("12.8", "truth values", [True, False, False, True], "the_rule_has_spoken"),
    ("12.8", "all follow", ["follows"] * 4, "a_mean_is_no_rule"),
    ("12.8", "a higher mean is better", flipped(1), "a_mean_is_no_rule"),
    ("12.8", "a mean, and no luck", flipped(1, 3), "a_mean_is_no_rule"),
    ("12.8", "steps for hours", flipped(2), "steps_are_no_hours"),
    ("12.8", "steps for hours, and no luck", flipped(2, 3), "steps_are_no_hours"),
    ("12.8", "the rule is never wrong", flipped(3), "luck_may_have_spoken"),
    ("12.8", "cannot tell", [*TAKE[:3], "cannot tell"], "luck_may_have_spoken"),
]
RIGHT = [
    ("12.1", "as written", gate), ("12.1", "by functions", gate_with_parameters),
    ("12.2", "package", ResidualBlock), ("12.2", "written again", residual()),
    ("12.2", "sum in place", residual(end=lambda y, s: (y + s).clamp(min=0))),
    ("12.2", "padded before", PaddedBefore),
    ("12.2", "biases, and a norm on the shortcut", WithBias), ("12.2", "begins as its shortcut", FromZero),
    ("12.2", "norm and ReLU first, as Zhang, Liu and Wang", NormFirst),
    ("12.2", "norm first, added in place", norm_first(end=lambda y, s: y.add_(s))),
    ("12.3", "as a text", lambda a, b: str(dense(a, b))),
    ("12.3", "formula", dense),
    ("12.3", "closed form", lambda a, b: 9 * b * a + 27 * b * b // 8 + 2 * b + (a + b) * b + 2 * b),
    ("12.4", "whole numbers", [10, 4, 192, 3]), ("12.4", "tuple of floats", (10.0, 4.0, 192.0, 3.0)),
    ("12.5", "as written", split), ("12.5", "sigmoid of the difference", split_by_difference),
    ("12.6", "as written", BEST), ("12.6", "small letters", [w.lower() for w in BEST]),
    ("12.7", "formula", lambda n, m, k: k * 2 / math.comb(n + m, n)), ("12.7", "all ways, counted", counted),
    ("12.8", "as written", TAKE), ("12.8", "a tuple", tuple(TAKE)), ("12.8", "large letters", [w.upper() for w in TAKE]),
    ("12.8", "spaces", [f" {w.replace(' ', '  ')} " for w in TAKE]),
    ("12.7", "as a text", lambda n, m, k: str(2 * k * math.factorial(n) * math.factorial(m) / math.factorial(n + m))),
]
UNTOUCHED = [("12.1", lambda *a: ...), ("12.2", Dots), ("12.3", lambda *a: ...), ("12.7", lambda *a: ...), ("12.5", lambda *a: ...),
             ("12.4", [..., ..., ..., ...]), ("12.6", [..., ..., ..., ...]), ("12.8", [..., ..., ..., ...])]
