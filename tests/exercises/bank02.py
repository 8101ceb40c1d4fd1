"""Answers that learners give to the exercises of notebook 02."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import correlate2d
from torch import nn

from unet_course import ConvBlock


def correct(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def block(first=None, second=None, *, kernel=3, bias="norm", pad=True, one_norm=False, middle=True, order="cnr", widths="ok"):
    """A family of blocks with one thing wrong; the defaults make a right one."""

    class Block(nn.Module):
        def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
            super().__init__()
            wide = in_channels if widths == "late" else out_channels
            use = {"norm": not norm, "always": True, "never": False}[bias]
            pads = {True: (padding, padding), "first": (padding, 0), "fixed": (1, 1), False: (0, 0)}[pad]
            shared = nn.BatchNorm2d(out_channels)
            layers = []
            for i, (a, b) in enumerate([(in_channels, wide), (wide, out_channels)]):
                conv = nn.Conv2d(a, b, kernel, padding=pads[i] if kernel == 3 else pads[i] * (kernel // 2), bias=use)
                act = [] if (not middle and i == 0) or (second == "none" and i == 1) else [
                    {"leaky": nn.LeakyReLU(), "sigmoid": nn.Sigmoid(), "gelu": nn.GELU()}.get(first, nn.ReLU())]
                act = [{"sigmoid": nn.Sigmoid(), "gelu": nn.GELU(), "leaky": nn.LeakyReLU(), "twice": nn.Sequential(
                    nn.ReLU(), nn.ReLU())}[middle]] if i == 0 and isinstance(middle, str) else act
                bn = [] if not norm and one_norm != "always" else [shared if one_norm == "shared" else nn.BatchNorm2d(b)]
                if one_norm == "first" and i == 1:
                    bn = []
                layers += [conv, *bn, *act] if order == "cnr" else [conv, *act, *bn]
            self.net = nn.Sequential(*layers)

        def forward(self, x):
            return self.net(x)

    return Block


def where(condition, wrong, right):
    """A class that is wrong with certain options only: `condition` gets up, padding and norm."""

    def build(*arguments, **options):
        all_of_them = {"up": "transpose", "padding": 1, "norm": True, **options}
        return (wrong if condition(**all_of_them) else right)(*arguments, **options)
    return build


def with_norm(up, padding, norm):
    return norm


def without_norm(up, padding, norm):
    return not norm


class Zeros(ConvBlock):
    def forward(self, x):
        return 0 * super().forward(x)


class Untouched(ConvBlock):
    def forward(self, x):
        y = super().forward(x)
        return torch.ones_like(y) * x.mean().relu()


class Once(ConvBlock):
    def forward(self, x):
        return self.layers[: len(self.layers) // 2](x)


class Detached(ConvBlock):
    def forward(self, x):
        return super().forward(x.detach())


class Three(ConvBlock):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__(in_channels, out_channels, padding=padding, norm=norm)
        self.layers.append(nn.Conv2d(out_channels, out_channels, 3, padding=padding, bias=not norm))
        self.layers.append(nn.ReLU())


class Fixed(ConvBlock):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__(in_channels, 16, padding=padding, norm=norm)


class Shortcut(ConvBlock):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__(in_channels, out_channels, padding=padding, norm=norm)
        self.shortcut, self.cut = nn.Conv2d(in_channels, out_channels, 1), 2 * (1 - padding)

    def forward(self, x):
        c = self.cut
        return super().forward(x) + self.shortcut(x[..., c : x.shape[-2] - c, c : x.shape[-1] - c]).relu()


class NormFirst(ConvBlock):
    """Each norm stands before its convolution, as in some later networks."""

    def forward(self, x):
        if len(self.layers) == 4:
            return super().forward(x)
        a, n, r, b, m, _ = self.layers
        return r(b(r(m(n(a(x))))))


class OneNormUnused(ConvBlock):
    def forward(self, x):
        for place, layer in enumerate(self.layers):
            x = layer(x) if place != 4 else x
        return x


class Doubled(ConvBlock):
    def forward(self, x):
        return 2 * super().forward(x)


class Rounded(ConvBlock):
    def forward(self, x):
        return super().forward(x).round()


class Random(ConvBlock):
    def forward(self, x):
        return torch.rand_like(super().forward(x))


class SecondFirst(nn.Module):
    """Made in another order than used, and with the norms in a dict."""

    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.after = nn.Conv2d(out_channels, out_channels, 3, padding=padding, bias=not norm)
        self.before = nn.Conv2d(in_channels, out_channels, 3, padding=padding, bias=not norm)
        self.norms = nn.ModuleDict({k: nn.BatchNorm2d(out_channels) for k in ("after", "before")} if norm else {})

    def forward(self, x):
        for name in ("before", "after"):
            x = getattr(self, name)(x)
            x = torch.maximum(self.norms[name](x) if name in self.norms else x, torch.zeros(()))
        return x


class Residual(ConvBlock):
    """Adds its input where the channels agree, as a residual block does."""

    def forward(self, x):
        y = super().forward(x)
        return y + x if y.shape == x.shape else y


class ResidualSecond(ConvBlock):
    """A shortcut around the second convolution alone, where the input has as many channels."""

    def forward(self, x):
        middle = len(self.layers) // 2
        y = self.layers[:middle](x)
        return self.layers[middle:](y) + (y if y.shape[1] == x.shape[1] else 0)


class ResidualWithNorm(ConvBlock):
    """A shortcut in the block with norms only."""

    def forward(self, x):
        y = super().forward(x)
        return y + x if y.shape == x.shape and len(self.layers) == 6 else y


class NotAffine(ConvBlock):
    """Norms without parameters."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        for place, layer in enumerate(self.layers):
            if isinstance(layer, nn.BatchNorm2d):
                self.layers[place] = nn.BatchNorm2d(layer.num_features, affine=False)


class OneNotAffine(ConvBlock):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        if len(self.layers) == 6:
            self.layers[4] = nn.BatchNorm2d(self.layers[4].num_features, affine=False)


class Padded(nn.Module):
    """The border is set around the image by itself, and the convolutions have no padding."""

    mode, first, second = "constant", 1, 1

    def __init__(self, i, o, *, padding=1, norm=True):
        super().__init__()
        self.padding = padding
        self.a, self.b = (nn.Conv2d(c, o, 3, bias=not norm) for c in (i, o))
        self.m, self.n = (nn.BatchNorm2d(o) if norm else nn.Identity() for _ in "mn")

    def forward(self, x):
        x = F.pad(x, [self.first * self.padding] * 4, mode=self.mode)
        x = F.pad(self.m(self.a(x)).relu(), [self.second * self.padding] * 4, mode=self.mode)
        return self.n(self.b(x)).relu()


class PaddedAtOnce(Padded):
    first, second = 2, 0


class Mirrored(Padded):
    mode = "reflect"


class MirrorMode(ConvBlock):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                layer.padding_mode = "replicate"


def zero_padded(i, o, *, padding=1, norm=True):
    def step(a):
        return [nn.ZeroPad2d(padding), nn.Conv2d(a, o, 3, bias=not norm),
                *[nn.BatchNorm2d(o)] * norm, nn.ReLU()]
    return nn.Sequential(*step(i), *step(o))


class DropsOut(ConvBlock):
    def forward(self, x):
        return F.dropout2d(super().forward(x), 0.2, self.training)


class DoubledInEvaluation(ConvBlock):
    def forward(self, x):
        y = super().forward(x)
        return y if self.training or len(self.layers) == 4 else 2 * y


class ClippedInEvaluation(ConvBlock):
    def forward(self, x):
        y = super().forward(x)
        return y if self.training or len(self.layers) == 4 else y.clamp(max=1)


def slow_norms(*arguments, **options):
    block = ConvBlock(*arguments, **options)
    for layer in block.layers:
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.01
    return block


class CutAtSix(ConvBlock):
    def forward(self, x):
        return super().forward(x).clamp(max=6)


class CutAtSixTwice(ConvBlock):
    def forward(self, x):
        for layer in self.layers:
            x = layer(x).clamp(max=6) if isinstance(layer, nn.ReLU) else layer(x)
        return x


class NormTwice(ConvBlock):
    """Two norms behind the first convolution, the second one with or without parameters."""

    affine = True

    def __init__(self, i, o, **options):
        super().__init__(i, o, **options)
        if len(self.layers) == 6:
            self.layers[1] = nn.Sequential(nn.BatchNorm2d(o), nn.BatchNorm2d(o, affine=self.affine))


class NormUndone(NormTwice):
    affine = False


class InNumpy(ConvBlock):
    def forward(self, x):
        return super().forward(x).detach().numpy()


class NormLastInSecond(NormFirst):
    def forward(self, x):
        if len(self.layers) == 4:
            return super().forward(x)
        a, n, r, b, m, _ = self.layers
        return m(r(b(r(n(a(x))))))


class ShutInEvaluation(ConvBlock):
    """Without its last ReLU in evaluation mode."""

    def forward(self, x):
        return super().forward(x) if self.training else self.layers[:-1](x)


class Functional(nn.Module):
    def __init__(self, cin, cout, *, padding=1, norm=True):
        super().__init__()
        self.a = nn.Conv2d(cin, cout, 3, 1, padding, bias=not norm)
        self.b = nn.Conv2d(cout, cout, (3, 3), padding=(padding, padding), bias=not norm)
        self.na, self.nb = (nn.BatchNorm2d(cout), nn.BatchNorm2d(cout)) if norm else (nn.Identity(), nn.Identity())

    def forward(self, image):
        image = F.relu(self.na(self.a(image)))
        return torch.clamp(self.nb(self.b(image)), min=0)


class Sequence(nn.Sequential):
    def __init__(self, i, o, *, padding=1, norm=True):
        def step(a, b):
            return [nn.Conv2d(a, b, 3, padding=padding, bias=not norm)] + [nn.BatchNorm2d(b)] * norm + [nn.ReLU()]
        super().__init__(*step(i, o), *step(o, o))


class Nested(nn.Module):
    class Half(nn.Module):
        def __init__(self, a, b, p, n):
            super().__init__()
            self.c = nn.Conv2d(a, b, 3, padding=p, bias=not n)
            self.n = nn.BatchNorm2d(b) if n else None

        def forward(self, x):
            x = self.c(x)
            return (self.n(x) if self.n else x).relu()

    def __init__(self, in_channels, out_channels, **options):
        super().__init__()
        p, n = options.get("padding", 1), options.get("norm", True)
        self.one, self.two = self.Half(in_channels, out_channels, p, n), self.Half(out_channels, out_channels, p, n)

    def forward(self, x):
        return self.two(self.one(x))


class Own(nn.Module):
    """Without layers: functions and parameters."""

    def __init__(self, i, o, *, padding=1, norm=True):
        super().__init__()
        self.kernels = nn.ParameterList(nn.Parameter(torch.randn(o, c, 3, 3) / (9 * c) ** 0.5) for c in (i, o))
        self.padding, self.norm = padding, norm
        self.shift = nn.ParameterList(nn.Parameter(torch.randn(o) if not norm else torch.zeros(o)) for _ in "ab")
        if norm:
            self.scale = nn.ParameterList(nn.Parameter(torch.ones(o)) for _ in "ab")
            for name in ("mean_a", "mean_b", "var_a", "var_b"):
                self.register_buffer(name, torch.zeros(o) if "mean" in name else torch.ones(o))

    def normalised(self, x, place):
        running = [getattr(self, f"{what}_{'ab'[place]}") for what in ("mean", "var")]
        return F.batch_norm(x, *running, self.scale[place], self.shift[place], self.training)

    def forward(self, x):
        for place, kernel in enumerate(self.kernels):
            x = F.conv2d(x, kernel, None if self.norm else self.shift[place], padding=self.padding)
            x = F.relu(self.normalised(x, place) if self.norm else x)
        return x


class StatisticsDetached(Own):
    """The right values, and a gradient that leaves out what a pixel does to mean and variance."""

    def normalised(self, x, place):
        if not self.training:
            return super().normalised(x, place)
        super().normalised(x, place)
        mean, var = (getattr(x, what)((0, 2, 3), keepdim=True).detach() for what in ("mean", "var"))
        scale, shift = (kept[place].view(-1, 1, 1) for kept in (self.scale, self.shift))
        return scale * (x - mean) / (var + 1e-5).sqrt() + shift


class ByArithmetic(Own):
    """A norm in plain arithmetic, its scale and shift as (1, C, 1, 1)."""

    def __init__(self, i, o, **options):
        super().__init__(i, o, **options)
        if self.norm:
            self.scale, self.shift = (nn.ParameterList(p.detach().view(1, -1, 1, 1) for p in kept)
                                      for kept in (self.scale, self.shift))

    def normalised(self, x, place):
        name, axes = "ab"[place], (0, 2, 3)
        if self.training:
            mean, var = x.mean(axes), x.var(axes, unbiased=False)
            for what, now in (("mean", mean), ("var", var)):
                getattr(self, f"{what}_{name}").lerp_(now.detach(), 0.1)
        else:
            mean, var = getattr(self, f"mean_{name}"), getattr(self, f"var_{name}")
        mean, var = mean.view(-1, 1, 1), var.view(-1, 1, 1)
        return self.scale[place] * (x - mean) / (var + 1e-5).sqrt() + self.shift[place]


class OfThisBatch(Own):
    def normalised(self, x, place):
        return F.batch_norm(x, None, None, self.scale[place], self.shift[place], True)


class NotLearnt(Own):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        kernels = [kernel.detach().requires_grad_() for kernel in self.kernels]
        del self.kernels
        self.kernels = kernels


class Lazy(nn.Sequential):
    def __init__(self, _, o, *, padding=1, norm=True):
        def step():
            return [nn.LazyConv2d(o, 3, padding=padding, bias=not norm), *[nn.LazyBatchNorm2d()] * norm, nn.ReLU()]
        super().__init__(*step(), *step())


def forgetful(i, o, *, padding=1, norm=True):
    block = ConvBlock(i, o, padding=padding, norm=norm)
    for layer in block.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.track_running_stats, layer.running_mean, layer.running_var = False, None, None
    return block


def frozen_statistics(i, o, *, padding=1, norm=True):
    block = ConvBlock(i, o, padding=padding, norm=norm)
    for layer in block.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.0
    return block


class Stub(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()

    def forward(self, x):
        return ...


class Forgets(ConvBlock):
    def forward(self, x):
        self.layers(x)


def many(sum_over=0, mean=False, bias=1, first=None, turn=False, swap=False):
    """A family of answers to 2.6 with one thing wrong; the defaults make a right one."""

    def convolve_many(x, weight, b):
        weight = weight.flip(2, 3) if turn else weight
        weight = weight.flip(0) if swap else weight
        out = []
        for kernels, shift in zip(weight, b):
            parts = torch.stack([correct(channel, k) for channel, k in zip(x[:first], kernels)])
            out.append((parts.mean(dim=0) if mean else parts.sum(dim=0)) + shift * (len(x) if bias == "each" else bias))
        return torch.stack(out) if sum_over == 0 else torch.stack(out).sum(dim=0)

    return convolve_many


WRONG = [
    ("2.1", "size kept", lambda i, k: F.conv2d(i[None, None], k[None, None], padding=1)[0, 0], "right_size"),
    ("2.1", "flipped kernel", lambda i, k: correct(i, k.flip(0, 1)), "not_flipped"),
    ("2.1", "mean, not sum", lambda i, k: correct(i, k) / 9, "sum_of_products"),
    ("2.1", "transposed", lambda i, k: correct(i, k.T), "sum_of_products"),
    ("2.1", "zeros", lambda i, k: torch.zeros(i.shape[0] - 2, i.shape[1] - 2), "sum_of_products"),
    ("2.1", "square images only", lambda i, k: correct(i, k)[:, : i.shape[0] - 2], "right_size"),
    ("2.1", "rows and columns swapped", lambda i, k: correct(i, k).T, "right_size"),
    ("2.1", "axes kept", lambda i, k: F.conv2d(i[None, None], k[None, None]), "right_size"),
    ("2.1", "largest product", lambda i, k: (i.unfold(0, 3, 1).unfold(1, 3, 1) * k).amax(dim=(2, 3)), "sum_of_products"),
    ("2.1", "matrix product", lambda i, k: (i.unfold(0, 3, 1).unfold(1, 3, 1) @ k).sum(dim=(2, 3)), "sum_of_products"),
    ("2.1", "wide images only", lambda i, k: correct(i, k)[: i.shape[1] - 2], "right_size"),
    ("2.1", "wide images only, the rest zeros",
     lambda i, k: correct(i, k) * (torch.arange(i.shape[0] - 2) < i.shape[1] - 2)[:, None],
     "sum_of_products"),
    ("2.1", "as booleans", lambda i, k: correct(i, k) > 0, "sum_of_products"),
    ("2.1", "off by one", lambda i, k: correct(i, k)[:-1, :-1], "right_size"),
    ("2.1", "centre pixel only", lambda i, k: i[1:-1, 1:-1] * k[1, 1], "sum_of_products"),
    ("2.2", "padding once", lambda n, k, p, s: (n + p - k) // s + 1, "padding_counts_twice"),
    ("2.2", "no plus one", lambda n, k, p, s: (n + 2 * p - k) // s, "padding_counts_twice"),
    ("2.2", "same always", lambda n, k, p, s: n // s, "valid"),
    ("2.2", "rounds up", lambda n, k, p, s: -(-(n + 2 * p - k) // s) + 1, "stride_rounds_down"),
    ("2.2", "fraction", lambda n, k, p, s: (n + 2 * p - k) / s + 1, "stride_rounds_down"),
    ("2.2", "stride ignored", lambda n, k, p, s: n + 2 * p - k + 1, "stride_rounds_down"),
    ("2.2", "kernel fixed at 3",
     lambda n, k, p, s: (n + 2 * p - 3) // s + 1, "padding_counts_twice"),
    ("2.2", "padding left out", lambda n, k, p, s: (n - k) // s + 1, "padding_counts_twice"),
    ("2.2", "odd kernels only", lambda n, k, p, s: (n - 1 + 2 * p - 2 * (k // 2)) // s + 1,
     "stride_rounds_down"),
    ("2.2", "any padding keeps the size",
     lambda n, k, p, s: -(-n // s) if p else (n - k) // s + 1, "stride_rounds_down"),
    ("2.2", "only the size divided", lambda n, k, p, s: n // s + 2 * p - k + 1,
     "stride_rounds_down"),
    ("2.2", "only the kernel divided", lambda n, k, p, s: n + 2 * p - k // s + 1,
     "stride_rounds_down"),
    ("2.2", "one place at least two",
     lambda n, k, p, s: max((n + 2 * p - k) // s, 1) + 1, "stride_rounds_down"),
    ("2.3", "zeros", Zeros, "output_is_alive"),
    ("2.3", "norm without running statistics", forgetful, "evaluation_mode"),
    ("2.3", "statistics of this batch, always", OfThisBatch, "evaluation_mode"),
    ("2.3", "running statistics that never move", frozen_statistics, "evaluation_mode"),
    ("2.3", "weights in a plain list", NotLearnt, "two_convolutions"),
    ("2.3", "constant", Untouched, "output_is_alive"),
    ("2.3", "no padding", block(pad=False), "keeps_the_size"),
    ("2.3", "padding in the first only", block(pad="first"), "keeps_the_size"),
    ("2.3", "padding fixed at 1", block(pad="fixed"), "without_padding"),
    ("2.3", "first ReLU missing", block(middle=False), "relu_between"),
    ("2.3", "last ReLU missing", block(second="none"), "output_is_not_negative"),
    ("2.3", "leaky ReLU", block(first="leaky"), "output_is_not_negative"),
    ("2.3", "sigmoid", block(first="sigmoid"), "output_is_alive"),
    ("2.3", "sigmoid between", block(middle="sigmoid"), "relu_between"),
    ("2.3", "GELU between", block(middle="gelu"), "relu_between"),
    ("2.3", "first ReLU missing, with a norm only",
     where(with_norm, block(middle=False), ConvBlock), "relu_between"),
    ("2.3", "leaky ReLU between, with a norm only",
     where(with_norm, block(middle="leaky"), ConvBlock), "batch_norm_after_each"),
    ("2.3", "cut at 6, after each", CutAtSixTwice, "batch_norm_after_each"),
    ("2.3", "cut at 6, with a norm only",
     where(with_norm, CutAtSix, ConvBlock), "batch_norm_after_each"),
    ("2.3", "cut at 6, without a norm only",
     where(without_norm, CutAtSix, ConvBlock), "batch_norm_after_each"),
    ("2.3", "padding fixed at 1, without a norm only",
     where(without_norm, block(pad="fixed"), ConvBlock), "without_padding"),
    ("2.3", "padding fixed at 1, with a norm only",
     where(with_norm, block(pad="fixed"), ConvBlock), "without_padding"),
    ("2.3", "two norms in a row", NormTwice, "norms_learn"),
    ("2.3", "a norm undone by another", NormUndone, "batch_norm_after_each"),
    ("2.3", "leaky ReLU between", block(middle="leaky"), "relu_between"),
    ("2.3", "shortcut beside it", Shortcut, "two_convolutions"),
    ("2.3", "both norms after the first", NormFirst, "batch_norm_after_each"),
    ("2.3", "second norm made, not used", OneNormUnused, "batch_norm_after_each"),
    ("2.3", "twice the values", Doubled, "relu_between"),
    ("2.3", "rounded", Rounded, "output_is_alive"),
    ("2.3", "random numbers", Random, "output_is_alive"),
    ("2.3", "bias under the norm", block(bias="always"), "bias_only_without_norm"),
    ("2.3", "never a bias", block(bias="never"), "bias_only_without_norm"),
    ("2.3", "one norm for both", block(one_norm="shared"), "norms_learn"),
    ("2.3", "second norm missing", block(one_norm="first"), "batch_norm_after_each"),
    ("2.3", "norm always", block(one_norm="always"), "batch_norm_after_each"),
    ("2.3", "norm after ReLU", block(order="crn"), "output_is_not_negative"),
    ("2.3", "norm after ReLU in the second half", NormLastInSecond, "output_is_not_negative"),
    ("2.3", "last ReLU in training only", ShutInEvaluation, "output_is_not_negative"),
    ("2.3", "shortcut where channels agree", Residual, "nothing_beside"),
    ("2.3", "shortcut around the second, where channels agree", ResidualSecond, "relu_between"),
    ("2.3", "shortcut where channels agree, with norm", ResidualWithNorm, "nothing_beside"),
    ("2.3", "norms without parameters", NotAffine, "norms_learn"),
    ("2.3", "second norm without parameters", OneNotAffine, "norms_learn"),
    ("2.3", "all padding in the first", PaddedAtOnce, "zeros_around"),
    ("2.3", "mirrored border", Mirrored, "zeros_around"),
    ("2.3", "repeated border", MirrorMode, "zeros_around"),
    ("2.3", "drops channels", DropsOut, "output_is_alive"),
    ("2.3", "doubled in evaluation mode", DoubledInEvaluation, "evaluation_mode"),
    ("2.3", "cut off in evaluation mode", ClippedInEvaluation, "evaluation_mode"),
    ("2.3", "gives back an array", InNumpy, "keeps_the_size"),
    ("2.3", "statistics detached", StatisticsDetached, "batch_norm_after_each"),
    ("2.3", "5×5 kernels", block(kernel=5), "two_convolutions"),
    ("2.3", "1×1 kernels", block(kernel=1), "two_convolutions"),
    ("2.3", "one convolution used", Once, "two_convolutions"),
    ("2.3", "three convolutions", Three, "two_convolutions"),
    ("2.3", "channels grow late", block(widths="late"), "two_convolutions"),
    ("2.3", "channels fixed at 16", Fixed, "keeps_the_size"),
    ("2.3", "detached", Detached, "output_is_alive"),
    ("2.3", "forgotten return", Forgets, "keeps_the_size"),
    ("2.3", "an instance", ConvBlock(1, 16), "keeps_the_size"),
    ("2.4", "product", lambda n: 3**n, "each_adds_two"),
    ("2.4", "three each", lambda n: 3 * n, "each_adds_two"),
    ("2.4", "one each", lambda n: 2 + n, "each_adds_two"),
    ("2.4", "no centre", lambda n: 2 * n, "one_convolution"),
    ("2.4", "blocks, not convolutions", lambda n: 1 + 4 * n, "one_convolution"),
    ("2.4", "nothing seen with none", lambda n: 2 * n + 1 if n else 0, "each_adds_two"),
    ("2.4", "3 at least", lambda n: max(3, 2 * n + 1), "each_adds_two"),
    ("2.4", "constant", lambda n: 3, "each_adds_two"),
    ("2.6", "one picture", many(sum_over=1), "a_channel_for_each_kernel"),
    ("2.6", "channels kept apart", lambda x, w, b: torch.stack([correct(c, k) for c in x for k in w[:, 0]]), "a_channel_for_each_kernel"),
    ("2.6", "three outputs", lambda x, w, b: many()(x, w[:3], b), "a_channel_for_each_kernel"),
    ("2.6", "square", lambda x, w, b: many()(x[:, :, : x.shape[1]], w, b), "a_channel_for_each_kernel"),
    ("2.6", "kernels in another order", many(swap=True), "each_slice_on_its_own_channel"),
    ("2.6", "turned", many(turn=True), "each_slice_on_its_own_channel"),
    ("2.6", "channels in another order", lambda x, w, b: many()(x.flip(0), w, b), "each_slice_on_its_own_channel"),
    ("2.6", "first channel only", many(first=1), "each_slice_on_its_own_channel"),
    ("2.6", "mean", many(mean=True), "each_slice_on_its_own_channel"),
    ("2.6", "three channels", many(first=3), "channels_add_up"),
    ("2.6", "no bias", many(bias=0), "bias_once"), ("2.6", "bias with each channel", many(bias="each"), "bias_once"),
    ("2.6", "bias of the first", lambda x, w, b: many()(x, w, b[:1].expand(len(w))), "bias_once"),
]
RIGHT = [
    ("2.1", "library", correct),
    ("2.1", "scipy", lambda i, k: torch.from_numpy(correlate2d(i.numpy(), k.numpy(), mode="valid"))),
    ("2.1", "numpy", lambda i, k: correlate2d(i.numpy(), k.numpy(), mode="valid")),
    ("2.1", "rows in a list", lambda i, k: correct(i, k).tolist()),
    ("2.1", "rows in a tuple", lambda i, k: tuple(correct(i, k))),
    ("2.1", "unfold", lambda i, k: (i.unfold(0, 3, 1).unfold(1, 3, 1) * k).sum(dim=(2, 3))),
    ("2.2", "formula", lambda n, kernel, padding, stride: int((n + 2 * padding - kernel) / stride) + 1),
    ("2.2", "counted", lambda n, k, p, s: len(range(0, n + 2 * p - k + 1, s))),
    ("2.2", "as text", lambda n, k, p, s: f" {(n + 2 * p - k) // s + 1} "),
    ("2.2", "whole array", lambda n, k, p, s: np.array([(n + 2 * p - k) // s + 1])),
    ("2.3", "norms with a long memory", slow_norms),
    ("2.3", "padded by itself", Padded),
    ("2.3", "ZeroPad2d", zero_padded),
    ("2.3", "norm in plain arithmetic", ByArithmetic),
    ("2.3", "functions and parameters", Own), ("2.3", "lazy layers", Lazy),
    ("2.3", "package", ConvBlock), ("2.3", "family", block()), ("2.3", "functional", Functional), ("2.3", "sequential", Sequence),
    ("2.3", "nested", Nested), ("2.3", "second made first", SecondFirst), ("2.3", "two ReLUs are one", block(middle="twice")),
    ("2.3", "a function that makes one", lambda *a, **k: ConvBlock(*a, **k)),
    ("2.4", "float", lambda n: 1 + n * 2.0), ("2.4", "sum", lambda n: 3 + 2 * (n - 1)), ("2.4", "loop", lambda n: sum([2] * n, 1)),
]
RIGHT += [
    ("2.6", "loops", many()), ("2.6", "library", lambda x, w, b: F.conv2d(x[None], w, b)[0]),
    ("2.6", "unfold", lambda x, w, b: torch.einsum("chwij,ocij->ohw", x.unfold(1, 3, 1).unfold(2, 3, 1), w) + b[:, None, None]),
    ("2.6", "numpy", lambda x, w, b: np.stack([sum(correlate2d(c, k, mode="valid") for c, k in zip(x.numpy(), o)) + s
                                              for o, s in zip(w.numpy(), b.numpy())])),
]
UNTOUCHED = [("2.3", Stub), ("2.6", lambda *a: ...)]
