"""Answers that learners give to the exercises of notebook 04."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tests.exercises.bank02 import ByArithmetic, CutAtSix, Own, Padded, where, with_norm, without_norm
from unet_course import ConvBlock, DecoderBlock, match_size


def differences(skip, size):
    return size[0] - skip.shape[-2], size[1] - skip.shape[-1]


def pad_left_first(skip, size):
    dh, dw = differences(skip, size)
    return F.pad(skip, (dw - dw // 2, dw // 2, dh - dh // 2, dh // 2))


def height_first(skip, size):
    dh, dw = differences(skip, size)
    return F.pad(skip, (dh // 2, dh - dh // 2, dw // 2, dw - dw // 2))


def one_side(skip, size):
    dh, dw = differences(skip, size)
    return F.pad(skip, (0, dw, 0, dh))


def pad_only(skip, size):
    dh, dw = (max(d, 0) for d in differences(skip, size))
    return F.pad(skip, (dw // 2, dw - dw // 2, dh // 2, dh - dh // 2))


def truncating(skip, size):
    dh, dw = differences(skip, size)
    return F.pad(skip, (int(dw / 2), int(dw / 2), int(dh / 2), int(dh / 2)))


def reflecting(skip, size):
    dh, dw = differences(skip, size)
    mode = "replicate" if dh > 0 or dw > 0 else "constant"
    return F.pad(skip, (dw // 2, dw - dw // 2, dh // 2, dh - dh // 2), mode=mode)


def copies(skip, size):
    out = torch.zeros(*skip.shape[:-2], *size)
    return out + match_size(skip.detach(), size)


def pads_on_one_side(skip, size):
    dh, dw = differences(skip, size)
    return match_size(skip, size) if dh <= 0 and dw <= 0 else F.pad(match_size(
        skip, (min(size[0], skip.shape[-2]), min(size[1], skip.shape[-1]))), (0, max(dw, 0), 0, max(dh, 0)))


def odd_from_the_corner(skip, size):
    dh, dw = differences(skip, size)
    return skip[..., : size[0], : size[1]] if dh < 0 and dw < 0 and dh % 2 else match_size(skip, size)


def resizes_if_too_large(skip, size):
    smaller = [min(have, want) for have, want in zip(skip.shape[-2:], size)]
    return match_size(F.interpolate(skip, size=smaller, mode="bilinear", align_corners=True), size)


def crop_detached(skip, size):
    dh, dw = differences(skip, size)
    return match_size(skip.detach() if dh < 0 and dw < 0 else skip, size)


def by_rounding(skip, size):
    dh, dw = differences(skip, size)
    return F.pad(skip, [end(d / 2) for d in (dw, dh) for end in (math.floor, math.ceil)])


def mixed_from_the_corner(skip, size):
    dh, dw = differences(skip, size)
    if dh * dw >= 0:
        return match_size(skip, size)
    return match_size(skip[..., : size[0], : size[1]], size)


def row_alone_at_the_top(skip, size):
    dh, dw = differences(skip, size)
    return F.pad(skip, (0, 0, 1, 0)) if (dh, dw) == (1, 0) else match_size(skip, size)


def plain_tuples_only(skip, size):
    if type(size) is not tuple:
        raise TypeError("size must be a tuple")
    return match_size(skip, size)


def slices_and_zeros(skip, size):
    height, width = size
    h, w = skip.shape[-2:]
    if h > height:
        top = (h - height + 1) // 2
        skip = skip[..., top : top + height, :]
    if w > width:
        left = (w - width) // 2
        skip = skip[..., left : left + width]
    missing = height - skip.shape[-2], width - skip.shape[-1]
    return F.pad(skip, (missing[1] // 2, -(-missing[1] // 2), missing[0] // 2, -(-missing[0] // 2)))


def by_list(skip, size):
    pad = []
    for have, want in zip(reversed(skip.shape), reversed(tuple(size))):
        pad += [(want - have) // 2, (want - have) - (want - have) // 2]
    return nn.ZeroPad2d(tuple(pad))(skip)


def decoder(**change):
    class Decoder(nn.Module):
        def __init__(self, in_channels, skip_channels, out_channels, *, up="transpose", padding=1, norm=True):
            super().__init__()
            middle = change.get("middle", lambda i, o: o)(in_channels, out_channels)
            mode = change.get("mode", "bilinear")
            if up == "transpose" and "kernel" in change:
                self.up = nn.ConvTranspose2d(in_channels, middle, *change["kernel"])
            elif up == "transpose" or change.get("up") == "transpose":
                self.up = nn.ConvTranspose2d(in_channels, middle, 2, stride=2)
            elif change.get("bilinear") == "plain":
                self.up = nn.Upsample(scale_factor=2, mode="bilinear")
            else:
                behind = change.get("behind", 1)
                self.up = nn.Sequential(nn.Upsample(scale_factor=2, mode=mode),
                                        nn.Conv2d(in_channels, middle, behind, padding=behind // 2))
            if change.get("up") == "bilinear":
                self.up = nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), nn.Conv2d(in_channels, middle, 1))
            wide = change.get("wide", lambda s, m: s + m)(skip_channels, middle)
            options = {"padding": padding, "norm": norm, **change.get("fixed", {})}
            self.block = ConvBlock(wide, out_channels, **options)

        def forward(self, x, skip):
            return change.get("forward", self.meet)(*((self,) if "forward" in change else ()), x, skip)

        def meet(self, x, skip):
            x = self.up(x)
            return self.block(torch.cat([x, change.get("match", match_size)(skip, x.shape[-2:])], dim=1))

    return Decoder


class Sized(nn.Module):
    """Bilinear without reduction: the block is sized for the skip and the whole input, which is right too."""

    def __init__(self, a, s, o, *, up="transpose", padding=1, norm=True):
        super().__init__()
        self.up = nn.ConvTranspose2d(a, a, 2, 2) if up == "transpose" else nn.Upsample(scale_factor=2, mode="bilinear")
        self.block = ConvBlock(a + s, o, padding=padding, norm=norm)

    def forward(self, x, skip):
        x = self.up(x)
        return self.block(torch.cat((match_size(skip, x.shape[2:]), x), 1))


class Stub(nn.Module):
    def __init__(self, in_channels, skip_channels, out_channels, *, up="transpose", padding=1, norm=True):
        super().__init__()

    def forward(self, x, skip):
        return ...


def column_left(skip, size):
    dh, dw = differences(skip, size)
    return F.pad(skip, (dw - dw // 2, dw // 2, dh // 2, dh - dh // 2))


class NoReluAtTheEnd(DecoderBlock):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        del self.block.layers[-1]


class OneLayerLess(DecoderBlock):
    """Leaves out one layer of its block, by number."""

    out_of = 2

    def forward(self, x, skip):
        x = self.up(x)
        x = torch.cat([match_size(skip, x.shape[-2:]), x], dim=1)
        for number, layer in enumerate(self.block.layers):
            x = layer(x) if number != self.out_of or len(self.block.layers) == 4 else x
        return x


class SecondNormUnused(OneLayerLess):
    out_of = 4


class TooMuchMade(DecoderBlock):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.extra = nn.Linear(3, 3)


class Functional(nn.Module):
    """Layers by name, one pad for both, and skip and x in the other order."""

    def __init__(self, deep, across, out, up="transpose", padding=1, norm=True):
        super().__init__()
        self.transposed = nn.ConvTranspose2d(deep, out, (2, 2), (2, 2)) if up == "transpose" else None
        self.reduce = None if self.transposed else nn.Conv2d(deep, out, 1)
        self.c1 = nn.Conv2d(out + across, out, 3, padding=padding, bias=not norm)
        self.c2 = nn.Conv2d(out, out, 3, padding=padding, bias=not norm)
        self.n1, self.n2 = (nn.BatchNorm2d(out), nn.BatchNorm2d(out)) if norm else (nn.Identity(), nn.Identity())

    def forward(self, below, across):
        if self.transposed:
            below = self.transposed(below)
        else:  # the 1×1 convolution and the interpolation may change places
            below = F.interpolate(self.reduce(below), scale_factor=2, mode="bilinear", align_corners=False)
        joined = below.new_zeros(*below.shape[:1], below.shape[1] + across.shape[1], *below.shape[2:])
        joined[:, : below.shape[1]] = below
        joined[:, below.shape[1] :] = slices_and_zeros(across, below.shape[2:])
        return F.relu(self.n2(self.c2(F.relu(self.n1(self.c1(joined))))))


class BilinearNotMatched(DecoderBlock):
    """Matches the skip in one of its two forms only."""

    def forward(self, x, skip):
        kind, x = type(self.up), self.up(x)
        skip = skip if kind is nn.Sequential else match_size(skip, x.shape[-2:])
        return self.block(torch.cat([skip, x], dim=1))


class BilinearDetached(DecoderBlock):
    def forward(self, x, skip):
        return super().forward(x, skip.detach() if type(self.up) is nn.Sequential else skip)


class DropsOut(DecoderBlock):
    def forward(self, x, skip):
        y = super().forward(x, skip)
        return F.dropout2d(y, 0.5, self.training) if len(self.block.layers) == 4 else y


class CutBlock(DecoderBlock):
    def __init__(self, i, s, o, *, up="transpose", **options):
        super().__init__(i, s, o, up=up, **options)
        self.block = CutAtSix(s + o, o, **options)


class OneMore(DecoderBlock):
    def __init__(self, i, s, o, *, up="transpose", **options):
        super().__init__(i, s, o, up=up, **options)
        if up == "transpose":
            self.up = nn.Sequential(self.up, nn.Conv2d(o, o, 1))


def bilinear_only(**change):
    """A right block but for up="bilinear"; there, the layers `after` stand behind the upsampling."""
    after = change.pop("after", None)

    class Wrong(decoder(**change)):
        def __init__(self, i, s, o, **options):
            super().__init__(i, s, o, **options)
            if after is not None:
                self.up = nn.Sequential(self.up, after(o))

    return where(lambda up, padding, norm: up == "bilinear", Wrong, DecoderBlock)


def stamp_on_what_was_there(x, kernel, kept={}):  # noqa: B006
    big = kept.setdefault(x.shape, torch.zeros(2 * x.shape[0], 2 * x.shape[1]))
    big += torch.kron(x, kernel)
    return big


class InNumpy(DecoderBlock):
    def forward(self, x, skip):
        return super().forward(x, skip).detach().numpy()


class PaddedBlock(DecoderBlock):
    """Its block sets the border by itself."""

    def __init__(self, i, s, o, *, up="transpose", **options):
        super().__init__(i, s, o, up=up)
        self.block = Padded(s + o, o, **options)


class ArithmeticBlock(DecoderBlock):
    """The norms of its block are plain arithmetic."""

    def __init__(self, i, s, o, *, up="transpose", **options):
        super().__init__(i, s, o, up=up)
        self.block = ByArithmetic(s + o, o, **options)


class CornersAligned(DecoderBlock):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if isinstance(self.up, nn.Sequential):
            self.up[0] = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)


class OptionsByPosition(DecoderBlock):
    def __init__(self, i, s, o, *, up="transpose", padding=1, norm=True):
        super().__init__(i, s, o, up=up)
        self.block = ConvBlock(s + o, o, padding, norm)


class Adds(DecoderBlock):
    def __init__(self, i, s, o, **options):
        super().__init__(i, 0, o, **options)
        self.project = nn.Conv2d(s, o, 1)

    def forward(self, x, skip):
        x = self.up(x)
        return self.block(x + self.project(match_size(skip, x.shape[-2:])))


class ReluAfterUp(DecoderBlock):
    def forward(self, x, skip):
        x = self.up(x).relu()
        return self.block(torch.cat([match_size(skip, x.shape[-2:]), x], dim=1))


class NormedSkip(DecoderBlock):
    def forward(self, x, skip):
        return super().forward(x, skip / skip.norm(dim=1, keepdim=True))


class OfFunctions(nn.Module):
    """Without layers: functions and parameters."""

    def __init__(self, i, s, o, *, up="transpose", **options):
        super().__init__()
        shape = (i, o, 2, 2) if up == "transpose" else (o, i, 1, 1)
        self.up, self.kernel, self.shift = up, nn.Parameter(torch.randn(shape) / i**0.5), nn.Parameter(torch.zeros(o))
        self.block = Own(s + o, o, **options)

    def forward(self, x, skip):
        if self.up == "transpose":
            x = F.conv_transpose2d(x, self.kernel, self.shift, stride=2)
        else:
            x = F.interpolate(F.conv2d(x, self.kernel, self.shift), scale_factor=2, mode="bilinear")
        return self.block(torch.cat([slices_and_zeros(skip, x.shape[-2:]), x], dim=1))


def with_index(skip, size):
    """One index for each row and column wanted, and a mask for those that are not there."""
    picks = []
    for have, want in zip(skip.shape[-2:], size):
        picks.append(torch.arange(want) - (want - have) // 2)
    rows, columns = picks
    there = ((rows >= 0) & (rows < skip.shape[-2]))[:, None] & (columns >= 0) & (columns < skip.shape[-1])
    return skip[..., rows.clamp(0, skip.shape[-2] - 1), :][..., columns.clamp(0, skip.shape[-1] - 1)] * there


def zero_skip(skip, size):
    return 0 * match_size(skip, size)


def resized(skip, size):
    return F.interpolate(skip, size=tuple(size), mode="bilinear")


def heights(n, pools, up=True):
    rows = []
    for _ in range(pools):
        rows.append(n)
        n = (n + up) // 2
    return rows


def moved(n, pools, each=lambda level, height: 2**level * (height % 2), up=True):
    return [each(level, height) for level, height in enumerate(heights(n, pools, up))]


def grows(n, pools, kept=[]):  # noqa: B006
    kept += moved(n, pools)
    return kept


def all_above(n, pools):
    return [sum(moved(n, pools)[: level + 1]) for level in range(pools)]


WRONG = [
    ("4.1", "height first", (0, 1, -1, -2), "right_pad"), ("4.1", "signs swapped", (1, 2, 0, -1), "right_pad"),
    ("4.1", "row at the top", (-1, -2, 1, 0), "right_pad"), ("4.1", "all from the left", (-3, 0, 0, 1), "right_pad"),
    ("4.1", "all from the right", (0, -3, 0, 1), "right_pad"), ("4.1", "two numbers", (-3, 1), "four_numbers"),
    ("4.1", "six numbers", (-1, -2, 0, 1, 0, 0), "four_numbers"), ("4.1", "a number", -3, "four_numbers"),
    ("4.1", "adds the columns", (1, 2, 0, 1), "right_pad"), ("4.1", "huge", (0, 10**9, 0, 10**9), "right_pad"),
    ("4.1", "shared too far", (1, -4, 0, 1), "right_pad"), ("4.1", "text", ("left", -2, 0, 1), "four_numbers"),
    ("4.1", "fractions", (-1.5, -1.5, 0, 1), "four_numbers"), ("4.1", "no change", (0, 0, 0, 0), "right_pad"),
    ("4.2", "pads at the left and top", pad_left_first, "nothing_moves_when_one_is_missing"),
    ("4.2", "height first", height_first, "wanted_size"),
    ("4.2", "all on one side", one_side, "crops_the_centre"),
    ("4.2", "never crops", pad_only, "wanted_size"),
    ("4.2", "never pads", lambda s, z: s[..., : z[0], : z[1]], "wanted_size"),
    ("4.2", "halves cut off", truncating, "wanted_size"),
    ("4.2", "resizes", resized, "does_not_resize"),
    *[("4.2", f"resizes, {mode}",
       lambda s, z, mode=mode: F.interpolate(s, size=tuple(z), mode=mode), "does_not_resize") for mode in ("nearest", "bicubic", "area")],
    ("4.2", "adaptive pool", lambda s, z: F.adaptive_max_pool2d(s, tuple(z)), "does_not_resize"),
    ("4.2", "adaptive average", lambda s, z: F.adaptive_avg_pool2d(s, tuple(z)), "does_not_resize"),
    ("4.2", "pads, but resizes what is too large", resizes_if_too_large, "does_not_resize"),
    ("4.2", "crop detached", crop_detached, "gradient_flows"),
    ("4.2", "half detached",
     lambda s, z: (match_size(s, z) + match_size(s, z).detach()) / 2, "gradient_flows"),
    ("4.2", "detached where nothing is to do",
     lambda s, z: match_size(s, z) if s.shape[-2:] != z else s.detach(), "gradient_flows"),
    ("4.2", "through numpy", lambda s, z: match_size(s.detach(), z).numpy(), "gradient_flows"),
    ("4.2", "crops one axis from the corner if the other is padded",
     mixed_from_the_corner, "odd_crop_keeps_the_place"),
    ("4.2", "one missing row alone comes at the top",
     row_alone_at_the_top, "nothing_moves_when_one_is_missing"),
    ("4.2", "repeats the border", reflecting, "nothing_moves_when_one_is_missing"),
    ("4.2", "keeps no gradient", copies, "gradient_flows"),
    ("4.2", "nothing done", lambda s, z: s, "wanted_size"),
    ("4.2", "zeros", lambda s, z: torch.zeros(*s.shape[:2], *z), "nothing_moves_when_one_is_missing"),
    ("4.2", "crops to the lower right", lambda s, z: match_size(s, z) if s.shape[-1] < z[1] else s[..., -z[0] :, -z[1] :]
     if s.shape[-2] >= z[0] else match_size(s, z), "crops_the_centre"),
    ("4.2", "fills with ones", lambda s, z: match_size(s, z) + (match_size(torch.ones_like(s), z) == 0),
     "nothing_moves_when_one_is_missing"),
    ("4.2", "pads on one side", pads_on_one_side, "pads_both_sides"),
    ("4.2", "odd crops from the corner", odd_from_the_corner, "odd_crop_keeps_the_place"),
    ("4.2", "plain tuples only", plain_tuples_only, "size_from_a_tensor"),
    ("4.2", "forgotten return", lambda s, z: None, "wanted_size"),
    ("4.3", "projects and adds", Adds, "concatenates_as_they_are"),
    ("4.3", "ReLU after the upsampling", ReluAfterUp, "concatenates_as_they_are"),
    ("4.3", "skip normalised", NormedSkip, "concatenates_as_they_are"),
    ("4.3", "adds instead", decoder(wide=lambda s, m: m, forward=lambda b, x, s: b.block(
        b.up(x) + match_size(s, (2 * x.shape[-2], 2 * x.shape[-1])))), "unequal_channels"),
    ("4.3", "skip forgotten", decoder(wide=lambda s, m: m, forward=lambda b, x, s: b.block(b.up(x))), "skip_is_used"),
    ("4.3", "skip zeroed", decoder(match=zero_skip), "skip_is_used"),
    ("4.3", "x forgotten", decoder(wide=lambda s, m: s, forward=lambda b, x, s: b.block(
        match_size(s, (2 * x.shape[-2], 2 * x.shape[-1])))), "skip_is_used"),
    ("4.3", "not matched", decoder(match=lambda s, z: s), "odd_skip"),
    ("4.3", "x matched to the skip", decoder(forward=lambda b, x, s: b.block(
        torch.cat([s, match_size(b.up(x), s.shape[-2:])], 1))), "odd_skip"),
    ("4.3", "skip padded at the left", decoder(match=pad_left_first), "skip_keeps_its_place"),
    ("4.3", "skip resized", decoder(match=resized), "skip_keeps_its_place"),
    ("4.3", "bilinear without reduction", decoder(bilinear="plain"), "right_shape"),
    ("4.3", "half of the channels", decoder(middle=lambda i, o: i // 2, wide=lambda s, m: 2 * s), "unequal_channels"),
    ("4.3", "block sized for twice the output", decoder(wide=lambda s, m: 2 * m), "unequal_channels"),
    ("4.3", "always transposed", decoder(up="transpose"), "upsampling_kind"),
    ("4.3", "always bilinear", decoder(up="bilinear"), "upsampling_kind"),
    ("4.3", "padding forgotten", decoder(fixed={"padding": 1}), "hands_options_on"),
    ("4.3", "padding forgotten, with a norm only",
     where(with_norm, decoder(fixed={"padding": 1}), DecoderBlock), "hands_options_on"),
    ("4.3", "padding forgotten, without a norm only",
     where(without_norm, decoder(fixed={"padding": 1}), DecoderBlock), "hands_options_on"),
    ("4.3", "padding forgotten, bilinear only", bilinear_only(fixed={"padding": 1}),
     "hands_options_on"),
    ("4.3", "norm forgotten, bilinear only", bilinear_only(fixed={"norm": True}), "ends_in_a_block"),
    ("4.3", "never a norm, bilinear only", bilinear_only(fixed={"norm": False}), "ends_in_a_block"),
    ("4.3", "padded at the left, bilinear only", bilinear_only(match=pad_left_first),
     "skip_keeps_its_place"),
    ("4.3", "cropped to its corner, bilinear only", bilinear_only(match=one_side),
     "skip_keeps_its_place"),
    ("4.3", "skip resized, bilinear only", bilinear_only(match=resized), "skip_keeps_its_place"),
    ("4.3", "a norm behind the 1×1, bilinear only", bilinear_only(after=nn.BatchNorm2d),
     "concatenates_as_they_are"),
    ("4.3", "dropout behind the 1×1, bilinear only", bilinear_only(after=lambda o: nn.Dropout(0.3)),
     "concatenates_as_they_are"),
    ("4.3", "a second 1×1, bilinear only", bilinear_only(after=lambda o: nn.Conv2d(o, o, 1)),
     "concatenates_as_they_are"),
    ("4.3", "x normalised in training", decoder(forward=lambda b, x, s: b.meet(
        F.batch_norm(x, None, None, training=True) if b.training else x, s)),
     "concatenates_as_they_are"),
    ("4.3", "a 1×1 behind the transposed convolution", OneMore, "concatenates_as_they_are"),
    ("4.3", "cut at 6, with a norm only",
     where(with_norm, CutBlock, DecoderBlock), "ends_in_a_block"),
    ("4.3", "cut at 6, without a norm only",
     where(without_norm, CutBlock, DecoderBlock), "ends_in_a_block"),
    ("4.3", "norm forgotten", decoder(fixed={"norm": True}), "ends_in_a_block"),
    ("4.3", "never a norm", decoder(fixed={"norm": False}), "ends_in_a_block"),
    ("4.3", "no ReLU at the end", NoReluAtTheEnd, "ends_in_a_block"),
    ("4.3", "no ReLU between", OneLayerLess, "ends_in_a_block"),
    ("4.3", "second norm made, not used", SecondNormUnused, "ends_in_a_block"),
    ("4.3", "a layer made, not used", TooMuchMade, "ends_in_a_block"),
    ("4.3", "nearest", decoder(mode="nearest"), "upsampling_kind"),
    ("4.3", "3×3 behind the interpolation", decoder(behind=3), "upsampling_kind"),
    ("4.3", "5×5 behind the interpolation", decoder(behind=5), "upsampling_kind"),
    ("4.3", "half of the skip detached",
     decoder(match=lambda s, z: match_size(0.5 * s + 0.5 * s.detach(), z)), "ends_in_a_block"),
    ("4.3", "half of x detached",
     decoder(forward=lambda b, x, s: b.meet(0.5 * x + 0.5 * x.detach(), s)), "ends_in_a_block"),
    ("4.3", "bilinear not matched", BilinearNotMatched, "odd_skip"),
    ("4.3", "drops channels in training", DropsOut, "ends_in_a_block"),
    ("4.3", "skip detached with bilinear", BilinearDetached, "skip_is_used"),
    ("4.3", "gives back an array", InNumpy, "right_shape"), ("4.3", "options by position", OptionsByPosition, "right_shape"),
    ("4.3", "corners aligned", CornersAligned, "leaves_the_corners_free"),
    ("4.3", "4×4 kernel", decoder(kernel=(4, 2, 1)), "upsampling_kind"),
    ("4.3", "3×3 kernel", decoder(kernel=(3, 2, 1, 1)), "upsampling_kind"),
    ("4.3", "stride 1", decoder(kernel=(2, 1)), "right_shape"),
    ("4.3", "column padded at the left", decoder(match=column_left), "skip_keeps_its_place"),
    ("4.3", "skip detached", decoder(match=lambda s, z: match_size(s.detach(), z)), "skip_is_used"),
    ("4.3", "x detached", decoder(forward=lambda b, x, s: b.meet(x.detach(), s)), "skip_is_used"),
    ("4.3", "large skip cropped to its corner", decoder(match=one_side), "skip_keeps_its_place"),
    ("4.3", "concatenated along the height", decoder(forward=lambda b, x, s: b.block(torch.cat(
        [b.up(x), match_size(s, (2 * x.shape[-2], 2 * x.shape[-1]))], 2))), "right_shape"),
    ("4.3", "an instance", DecoderBlock(32, 16, 16), "right_shape"),
    ("4.3", "forgotten return", decoder(forward=lambda b, x, s: None), "right_shape"),
    ("4.3", "arguments swapped", decoder(forward=lambda b, x, s: b.meet(s, x)), "right_shape"),
    ("4.4", "no stride", lambda x, k: F.conv_transpose2d(x[None, None], k[None, None])[0, 0], "stamps"),
    ("4.4", "nearest", lambda x, k: x.repeat_interleave(2, 0).repeat_interleave(2, 1), "values"),
    ("4.4", "kernel turned", lambda x, k: torch.kron(x, k.flip(0, 1)), "values"),
    ("4.4", "kernel transposed", lambda x, k: torch.kron(x, k.T.contiguous()), "values"),
    ("4.4", "tiled", lambda x, k: x.repeat(2, 2) * k.repeat(*x.shape), "values"),
    ("4.4", "kron the other way", lambda x, k: torch.kron(k, x), "values"),
    ("4.4", "wide inputs only", lambda x, k: torch.kron(x, k)[: 2 * x.shape[1]], "stamps"),
    ("4.4", "adds to what the last call left", stamp_on_what_was_there, "values"),
    ("4.4", "flat kernel", lambda x, k: torch.kron(x, k.mean() + 0 * k), "values"),
    ("4.4", "square inputs only", lambda x, k: torch.kron(x, k)[:, : 2 * x.shape[0]], "stamps"),
    ("4.6", "with the bottom", lambda n, pools: moved(n, pools + 1), "one_for_each_level"),
    ("4.6", "one number", lambda n, pools: sum(moved(n, pools)), "one_for_each_level"),
    ("4.6", "levels that are moved", lambda n, pools: [k for k in moved(n, pools) if k], "one_for_each_level"),
    ("4.6", "one list for all calls", grows, "one_for_each_level"),
    ("4.6", "list of the example", lambda n, pools: [1, 2, 0], "one_for_each_level"),
    ("4.6", "always moved", lambda n, pools: moved(n, pools, lambda level, _: 2**level), "fits_on_every_level"),
    ("4.6", "even ones are moved", lambda n, pools: moved(n, pools, lambda level, h: 2**level * (h % 2 == 0)),
     "fits_on_every_level"),
    ("4.6", "heights", heights, "fits_on_every_level"),
    ("4.6", "half a row", lambda n, pools: moved(n, pools, lambda level, h: 2**level * (h % 2) / 2), "odd_at_the_top"),
    ("4.6", "upwards", lambda n, pools: [-k for k in moved(n, pools)], "odd_at_the_top"),
    ("4.6", "level counted from 1", lambda n, pools: [2 * k for k in moved(n, pools)], "odd_at_the_top"),
    ("4.6", "rows of the level", lambda n, pools: [h % 2 for h in heights(n, pools)], "counts_rows_of_the_image"),
    ("4.6", "from the bottom up", lambda n, pools: moved(n, pools)[::-1], "counts_rows_of_the_image"),
    ("4.6", "level times two", lambda n, pools: moved(n, pools, lambda level, h: (2 * level or 1) * (h % 2) * (level < 2)),
     "counts_rows_of_the_image"),
    ("4.6", "rounds down", lambda n, pools: moved(n, pools, up=False), "each_level_by_itself"),
    ("4.6", "added up from above", all_above, "each_level_by_itself"),
    ("4.6", "the image's height alone", lambda n, pools: moved(n, pools, lambda level, h: 2**level * (n / 2**level % 2 == 1)),
     "each_level_by_itself"),
]
RIGHT = [
    ("4.1", "tensor", torch.tensor([-1, -2, 0, 1])), ("4.1", "one, two", (-1, -2, 0, 1)), ("4.1", "two, one, a list", [-2, -1, 0, 1]),
    ("4.2", "package", match_size), ("4.2", "slices and zeros", slices_and_zeros), ("4.2", "list and ZeroPad2d", by_list),
    ("4.2", "indices", with_index), ("4.2", "named arguments", lambda skip, size: match_size(size=size, skip=skip)),
    ("4.3", "package", DecoderBlock), ("4.3", "upsampled first", decoder()), ("4.3", "block sized for all", Sized),
    ("4.3", "functional", Functional),
    ("4.3", "padded by itself", PaddedBlock),
    ("4.3", "norm in plain arithmetic", ArithmeticBlock),
    ("4.3", "functions and parameters", OfFunctions),
    ("4.4", "array", lambda x, k: np.kron(x.numpy(), k.numpy())),
    ("4.4", "rows in lists", lambda x, k: torch.kron(x, k).tolist()),
    ("4.6", "list", moved), ("4.6", "tuple", lambda n, pools: tuple(moved(n, pools))),
    ("4.6", "tensor", lambda n, pools: torch.tensor(moved(n, pools), dtype=torch.float32)),
    ("4.6", "in one line", lambda n, pools: [2**k * (-(-n // 2**k) % 2) for k in range(pools)]),
    ("4.6", "fractions, rounded up", lambda n, pools: [2**k if math.ceil(n / 2**k) % 2 else 0 for k in range(pools)]),
    ("4.1", "text", ["-1", "-2", "0", "1"]),
    ("4.1", "floats", (-2.0, -1.0, 0.0, 1.0)),
    ("4.1", "array", np.array([-1, -2, 0, 1])),
    ("4.2", "in the middle, by rounding", by_rounding),
    ("4.4", "library", lambda x, kernel: F.conv_transpose2d(x[None, None], kernel[None, None], stride=2)[0, 0]),
    ("4.4", "numpy", lambda x, k: torch.from_numpy(np.kron(x.numpy(), k.numpy()))),
]
UNTOUCHED = [("4.3", Stub)]
