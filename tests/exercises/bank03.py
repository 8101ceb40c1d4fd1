"""Answers that learners give to the exercises of notebook 03."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tests.exercises.bank02 import CutAtSix, Own, Padded, where, with_norm, without_norm
from unet_course import ConvBlock, EncoderBlock


def library(image, **options):
    return F.max_pool2d(image[None, None], 2, **options)[0, 0]


def padded_with_zeros(image):
    h, w = image.shape
    return library(F.pad(image, (0, w % 2, 0, h % 2)))


def blocks(image, of=torch.amax):
    h, w = -(-image.shape[0] // 2), -(-image.shape[1] // 2)
    out = torch.empty(h, w)
    for r in range(h):
        for c in range(w):
            out[r, c] = of(image[2 * r : 2 * r + 2, 2 * c : 2 * c + 2])
    return out


def encoder(pool=None, forward=None, **fixed):
    class Encoder(nn.Module):
        def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
            super().__init__()
            self.block = ConvBlock(in_channels, out_channels, **{"padding": padding, "norm": norm, **fixed})
            self.pool = pool() if pool else nn.MaxPool2d(2, ceil_mode=True)

        def forward(self, x):
            if forward:
                return forward(self, x)
            y = self.block(x)
            return y, self.pool(y)

    return Encoder


class Strided(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.block = ConvBlock(in_channels, out_channels, padding=padding, norm=norm)
        self.down = nn.Conv2d(out_channels, out_channels, 3, stride=2, padding=1)

    def forward(self, x):
        y = self.block(x)
        return y, self.down(y)


class OneConvolution(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=padding), nn.ReLU())

    def forward(self, x):
        y = self.block(x)
        return y, F.max_pool2d(y, 2, ceil_mode=True)


class Inherits(ConvBlock):
    def forward(self, x):
        y = super().forward(x)
        return [y, F.max_pool2d(y, 2, 2, 0, 1, True)]


class OfFunctions(nn.Module):
    """Without layers but for the block's: functions and parameters."""

    def __init__(self, i, o, **options):
        super().__init__()
        self.own = Own(i, o, **options)

    def forward(self, x):
        skip = self.own(x)
        odd = [n % 2 for n in skip.shape[-2:]]
        filled = F.pad(skip, (0, odd[1], 0, odd[0]), value=-float("inf"))
        return skip, F.max_pool2d(filled, 2)


class Stub(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()

    def forward(self, x):
        return ...


def sizes(n, pools):
    out = [n]
    for _ in range(pools):
        out.append(math.ceil(out[-1] / 2))
    return out


def bare(first=True, second=True, norms=True, bias=None):
    """An encoder whose block is written out, with something left out."""

    class Bare(nn.Module):
        def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
            super().__init__()
            n = norm and norms
            self.a = nn.Conv2d(in_channels, out_channels, 3, padding=padding, bias=not n if bias is None else bias)
            self.b = nn.Conv2d(out_channels, out_channels, 3, padding=padding, bias=not n if bias is None else bias)
            self.m, self.n = (nn.BatchNorm2d(out_channels), nn.BatchNorm2d(out_channels)) if n else (nn.Identity(), nn.Identity())

        def forward(self, x):
            x = self.m(self.a(x))
            x = self.n(self.b(x.relu() if first else x))
            x = x.relu() if second else x
            return x, nn.functional.max_pool2d(x, (2, 2), ceil_mode=True)

    return Bare


class Wide(EncoderBlock):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__(in_channels, 8, padding=padding, norm=norm)


class Repeated(EncoderBlock):
    """Runs its block twice, so that skip and pooled come from two passes; in numbers nothing is wrong."""

    def forward(self, x):
        return self.block(x), self.pool(self.block(x))


class PaddedEncoder(nn.Module):
    def __init__(self, *arguments, **options):
        super().__init__()
        self.block, self.pool = Padded(*arguments, **options), nn.MaxPool2d(2, ceil_mode=True)

    def forward(self, x):
        x = self.block(x)
        return x, self.pool(x)


class Adaptive(EncoderBlock):
    """The right sizes, but adaptive windows overlap where a side is odd."""

    def forward(self, x):
        y = self.block(x)
        return y, F.adaptive_max_pool2d(y, [-(-n // 2) for n in y.shape[-2:]])


class FromTheEnd(EncoderBlock):
    """Squares that begin at the far end, so that the first one is cut off."""

    def forward(self, x):
        y = self.block(x)
        odd = [n % 2 for n in y.shape[-2:]]
        return y, F.max_pool2d(F.pad(y, (odd[1], 0, odd[0], 0)), 2)


class Residual(EncoderBlock):
    def forward(self, x):
        y = self.block(x)
        y = y + x if y.shape == x.shape else y
        return y, self.pool(y)


class PooledHalfDetached(EncoderBlock):
    def forward(self, x):
        y = self.block(x)
        pooled = self.pool(y)
        return y, 0.5 * pooled + 0.5 * pooled.detach()


class DropsOut(EncoderBlock):
    def forward(self, x):
        y, without_norm = self.block(x), len(self.block.layers) == 4
        y = F.dropout2d(y, 0.5, self.training and without_norm)
        return y, self.pool(y)


class WidthDecides(EncoderBlock):
    """Whether a row is added is taken from the width."""

    def forward(self, x):
        y = self.block(x)
        odd = y.shape[-1] % 2
        return y, F.max_pool2d(F.pad(y, (0, odd, 0, odd)), 2)


class CutBlock(EncoderBlock):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.block = CutAtSix(*arguments, **options)


class InNumpy(EncoderBlock):
    def forward(self, x):
        return [y.detach().numpy() for y in super().forward(x)]


def rows_of(left, middle, right):
    """A kernel whose weights stand in the middle row."""
    return [[0, 0, 0], [left, middle, right], [0, 0, 0]]


def middle(weight):
    return rows_of(0, weight, 0)


def walk(start=1, early=False, keep=True, join=lambda a, b: a * b):
    """The way of the solution, with something changed."""

    def field(layers):
        sees, step = start, 1
        for kernel, stride in layers:
            before, step = step, join(step if keep else 1, stride)
            sees += (kernel - 1) * (step if early else before)
        return sees

    return field


def doubles(layers):
    sees = 1
    for kernel, stride in layers:
        sees = sees * stride if stride > 1 else sees + kernel - 1
    return sees


def pops(layers):
    sees = 1
    while layers:
        kernel, stride = layers.pop()
        sees = (sees - 1) * stride + kernel
    return sees


def backwards(layers):
    sees = 1
    for kernel, stride in reversed(layers):
        sees = (sees - 1) * stride + kernel
    return sees


def measured(layers):
    """Sends NaN through one-dimensional pools and counts where it comes from."""
    width = 1
    for kernel, stride in reversed(layers):
        width = (width - 1) * stride + kernel
    x = torch.zeros(width + 2, 1, width)
    x[range(width), 0, range(width)] = math.nan
    for kernel, stride in layers:
        x = F.max_pool1d(x, kernel, stride)
    return int(x[..., 0].isnan().sum())


WRONG = [
    ("3.1", "rounds down", library, "odd_sizes_round_up"),
    ("3.1", "mean", lambda i: blocks(i, torch.mean), "maximum"),
    ("3.1", "smallest", lambda i: blocks(i, torch.amin), "maximum"),
    ("3.1", "every other pixel", lambda i: i[::2, ::2], "maximum"),
    ("3.1", "stride 1", lambda i: F.max_pool2d(i[None, None], 2, stride=1)[0, 0], "halves"),
    ("3.1", "padded with zeros", padded_with_zeros, "odd_sizes_round_up"),
    ("3.1", "starts from zero", lambda i: library(i, ceil_mode=True).clamp(min=0), "maximum"),
    ("3.1", "wide images only", lambda i: blocks(i)[: -(-i.shape[1] // 2)], "halves"),
    ("3.1", "adaptive",
     lambda i: F.adaptive_max_pool2d(i[None], [-(-n // 2) for n in i.shape])[0],
     "odd_sizes_round_up"),
    ("3.1", "rows only", lambda i: torch.maximum(i[::2], i[1::2]), "halves"),
    ("3.1", "windows of 3", lambda i: F.max_pool2d(i[None, None], 3, 2, 1)[0, 0], "maximum"),
    ("3.2", "rounds to the nearest", lambda n, p: [round(n / 2**i) for i in range(p + 1)], "rounds_up"),
    ("3.2", "from the bottom", lambda n, p: sizes(n, p)[::-1], "halves_each_time"),
    ("3.2", "rounds down", lambda n, p: [n // 2**i for i in range(p + 1)], "rounds_up"),
    ("3.2", "without the start", lambda n, p: sizes(n, p)[1:], "right_length"),
    ("3.2", "last only", lambda n, p: sizes(n, p)[-1], "right_length"),
    ("3.2", "one too many", lambda n, p: sizes(n, p + 1), "right_length"),
    ("3.2", "minus two", lambda n, p: [n - 2 * i for i in range(p + 1)], "halves_each_time"),
    ("3.2", "one size at least two",
     lambda n, p: [max(s, 2) if i else s for i, s in enumerate(sizes(n, p))], "rounds_up"),
    ("3.2", "no pool is one pool", lambda n, p: sizes(n, max(p, 1)), "right_length"),
    ("3.2", "rounds up once",
     lambda n, p: [n, *(math.ceil(n / 2) // 2**i for i in range(p))], "rounds_up"),
    ("3.2", "generator", lambda n, p: (s for s in sizes(n, p)), "right_length"),
    ("3.2", "fractions", lambda n, p: [n / 2**i for i in range(p + 1)], "rounds_up"),
    ("3.2", "plus one", lambda n, p: [n] + [n // 2**i + 1 for i in range(1, p + 1)], "halves_each_time"),
    ("3.3", "skip after the pool", encoder(forward=lambda s, x: (s.pool(s.block(x)), s.pool(s.block(x)))), "skip_before_pool"),
    ("3.3", "swapped", encoder(forward=lambda s, x: (s.pool(s.block(x)), s.block(x))), "skip_before_pool"),
    ("3.3", "pooled only", encoder(forward=lambda s, x: s.pool(s.block(x))), "returns_two"),
    ("3.3", "rounds down", encoder(lambda: nn.MaxPool2d(2)), "odd_sizes_are_kept"),
    ("3.3", "average", encoder(lambda: nn.AvgPool2d(2, ceil_mode=True)), "pooled_is_the_pool_of_skip"),
    ("3.3", "stride for pool", Strided, "pooled_is_the_pool_of_skip"),
    ("3.3", "pools the input", encoder(forward=lambda s, x: (s.block(x), s.pool(x))), "pooled_is_the_pool_of_skip"),
    ("3.3", "skip is the input", encoder(forward=lambda s, x: (x, s.pool(s.block(x)))), "skip_before_pool"),
    ("3.3", "pool of 3", encoder(lambda: nn.MaxPool2d(3, 2, 1)), "pooled_is_the_pool_of_skip"),
    ("3.3", "stride 1", encoder(lambda: nn.MaxPool2d(2, 1)), "pooled_is_the_pool_of_skip"),
    ("3.3", "squares of 4",
     encoder(lambda: nn.MaxPool2d(4, ceil_mode=True)), "pooled_is_the_pool_of_skip"),
    ("3.3", "adaptive pool", Adaptive, "odd_sizes_are_kept"),
    ("3.3", "squares from the end", FromTheEnd, "odd_sizes_are_kept"),
    ("3.3", "shortcut where channels agree", Residual, "is_a_block"),
    ("3.3", "pooled half detached", PooledHalfDetached, "is_a_block"),
    ("3.3", "drops channels without norm, in training", DropsOut, "is_a_block"),
    ("3.3", "gives back arrays", InNumpy, "returns_two"),
    ("3.3", "no pool", encoder(nn.Identity), "pooled_is_the_pool_of_skip"),
    ("3.3", "padding forgotten", encoder(padding=1), "hands_options_on"),
    ("3.3", "padding forgotten, with a norm only",
     where(with_norm, encoder(padding=1), EncoderBlock), "hands_options_on"),
    ("3.3", "padding forgotten, without a norm only",
     where(without_norm, encoder(padding=1), EncoderBlock), "hands_options_on"),
    ("3.3", "width decides about the rows", WidthDecides, "odd_sizes_are_kept"),
    ("3.3", "cut at 6, with a norm only",
     where(with_norm, CutBlock, EncoderBlock), "is_a_block"),
    ("3.3", "cut at 6, without a norm only",
     where(without_norm, CutBlock, EncoderBlock), "is_a_block"),
    ("3.3", "norm forgotten", encoder(norm=True), "is_a_block"),
    ("3.3", "one convolution", OneConvolution, "is_a_block"),
    ("3.3", "skip of zeros", encoder(forward=lambda s, x: (s.block(x) * 0, s.pool(s.block(x) * 0))), "is_a_block"),
    ("3.3", "no ReLU between", bare(first=False), "is_a_block"),
    ("3.3", "no ReLU at the end", bare(second=False), "is_a_block"),
    ("3.3", "no norm", bare(norms=False), "is_a_block"),
    ("3.3", "bias under the norm", bare(bias=True), "hands_options_on"), ("3.3", "never a bias", bare(bias=False), "hands_options_on"),
    ("3.3", "skip detached", encoder(forward=lambda s, x: (s.block(x).detach(), s.pool(s.block(x)))), "is_a_block"),
    ("3.3", "channels fixed at 8", Wide, "skip_before_pool"),
    ("3.3", "three results", encoder(forward=lambda s, x: (x, s.block(x), s.pool(s.block(x)))), "returns_two"),
    ("3.3", "pooled twice", encoder(forward=lambda s, x: (s.block(x), s.pool(s.pool(s.block(x))))), "pooled_is_the_pool_of_skip"),
    ("3.3", "an instance", EncoderBlock(1, 8), "returns_two"),
    ("3.3", "forgotten return", encoder(forward=lambda s, x: None), "returns_two"),
    ("3.3", "forward returns a dict", encoder(forward=lambda s, x: {"skip": s.block(x), "pooled": 1}), "returns_two"),
    ("3.4", "text", "Laplace", "nine_weights"),
    ("3.4", "nine in a row", [0, 0, 0, 1, -2, 1, 0, 0, 0], "nine_weights"),
    ("3.4", "one row", [[1, -2, 1]], "nine_weights"),
    ("3.4", "truth values", [[True] * 3] * 3, "nine_weights"),
    ("3.4", "infinite", [[0, 0, 0], [1, -math.inf, 1], [0, 0, 0]], "nine_weights"),
    ("3.4", "as it is", middle(1), "flat_becomes_dark"),
    ("3.4", "mean", [[1 / 9] * 3] * 3, "flat_becomes_dark"),
    ("3.4", "neighbours alone", rows_of(1, 0, 1), "flat_becomes_dark"),
    ("3.4", "one too little", rows_of(1, -1, 1), "flat_becomes_dark"),
    ("3.4", "turned round, without a shift", middle(-1), "gap_becomes_bright"),
    ("3.4", "zeros", middle(0), "gap_becomes_bright"),
    ("3.4", "a gap that lies", [[0, 1, 0], [0, -2, 0], [0, 1, 0]], "gap_becomes_bright"),
    ("3.4", "bottom minus top", [[-1] * 3, [0] * 3, [1] * 3], "gap_becomes_bright"),
    ("3.4", "right minus left", [[-1, 0, 1]] * 3, "in_every_column"),
    ("3.4", "left minus right", [[1, 0, -1]] * 3, "in_every_column"),
    ("3.4", "middle minus all others", [[-1, -1, -1], [-1, 5, -1], [-1, -1, -1]],
     "gap_becomes_bright"),
    ("3.4", "right minus left, rows of other weight", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
     "in_every_column"),
    ("3.6", "counts nothing", lambda layers: 1, "one_layer_sees_its_kernel"),
    ("3.6", "no layer sees nothing", walk(start=0), "one_layer_sees_its_kernel"),
    ("3.6", "the first layer twice", walk(start=2), "one_layer_sees_its_kernel"),
    ("3.6", "sum of the kernels", lambda layers: sum(k for k, _ in layers) or 1,
     "convolutions_add_up"),
    ("3.6", "product of the kernels", lambda layers: math.prod(k for k, _ in layers),
     "convolutions_add_up"),
    ("3.6", "every kernel is 3", lambda layers: 1 + 2 * len(layers), "one_layer_sees_its_kernel"),
    ("3.6", "stride before", walk(early=True), "a_pool_adds_before_it_strides"),
    ("3.6", "the stride multiplies what is seen", doubles, "a_pool_adds_before_it_strides"),
    ("3.6", "strides left out", lambda layers: 1 + sum(k - 1 for k, _ in layers),
     "strides_multiply"),
    ("3.6", "only the last stride counts", walk(keep=False), "strides_multiply"),
    ("3.6", "strides are added", walk(join=lambda a, b: a + b - 1), "strides_multiply"),
    ("3.6", "every stride is 2", walk(join=lambda a, b: 2 * a if b > 1 else a), "strides_multiply"),
    ("3.6", "eight layers at most", lambda layers: walk()(layers[:8]), "whole_encoders"),
    ("3.6", "a pair", lambda layers: (walk()(layers), 8), "one_layer_sees_its_kernel"),
    ("3.6", "prints it", lambda layers: print(end=""), "one_layer_sees_its_kernel"),
    ("3.6", "takes the layers away", pops, "what_is_given_stays"),
]
RIGHT = [
    ("3.1", "library", lambda image: library(image, ceil_mode=True)),
    ("3.1", "loops", blocks),
    ("3.1", "padded with minus infinity", lambda i: library(F.pad(i, (0, i.shape[1] % 2, 0, i.shape[0] % 2), value=-torch.inf))),
    ("3.2", "ceil", sizes), ("3.2", "tuple", lambda n, pools: tuple(-(-n // 2**i) for i in range(pools + 1))),
    ("3.2", "tensor", lambda n, p: torch.tensor(sizes(n, p))),
    ("3.2", "text", lambda n, p: list(map(str, sizes(n, p)))),
    ("3.1", "numpy", lambda i: blocks(i).numpy()),
    ("3.1", "rows in lists", lambda i: blocks(i).tolist()),
    ("3.2", "array", lambda n, pools: np.array([-(-n // 2**i) for i in range(pools + 1)])),
    ("3.3", "package", EncoderBlock), ("3.3", "written again", encoder()), ("3.3", "inherits, gives a list", Inherits),
    ("3.3", "written out", bare()),
    ("3.3", "two passes", Repeated),
    ("3.3", "functions and parameters", OfFunctions),
    ("3.3", "padded by itself", PaddedEncoder),
    ("3.4", "one row of three", rows_of(1, -2, 1)),
    ("3.4", "all around", [[1] * 3, [1, -8, 1], [1] * 3]),
    ("3.4", "less than nothing", torch.tensor([[1.0, -9, 1]] * 3)),
    ("3.4", "tiny, an array", np.array(rows_of(1, -2, 1)) * 1e-3),
    ("3.4", "texts", [["0", "0", "0"], ["0.5", "-1", "0.5"], ["0", "0", "0"]]),
    ("3.4", "more on the left", rows_of(3, -2, -1)),
    ("3.4", "bright on both sides of the gap", rows_of(-1, 2, -1)),
    ("3.6", "forwards", walk()), ("3.6", "backwards", backwards),
    ("3.6", "a tensor", lambda layers: torch.tensor(walk()(layers))),
    ("3.6", "measured", measured),
]
UNTOUCHED = [("3.3", Stub)]
