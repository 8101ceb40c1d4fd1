"""Answers that learners give to the exercises of notebook 05."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.exercises import bank03, bank04
from tests.exercises.bank02 import where, with_norm, without_norm
from tests.exercises.bank04 import Sized, pad_left_first
from unet_course import ConvBlock, DecoderBlock, EncoderBlock, UNet, match_size
from unet_course.exercises.nb05 import true_ledger

SIZES = [(64, 64), (70, 95)]


def ledger(size=None, change=None, drop=None):
    pages = {s: true_ledger(*s) for s in SIZES}
    if size:
        pages[size] = {k: v for k, v in {**pages[size], **(change or {})}.items() if k != drop}
    return pages


class OtherWidths(UNet):
    def __init__(self, in_channels=1, num_classes=2, *, channels=(16, 32, 64), up="transpose", padding=1, norm=True):
        super().__init__(in_channels, num_classes, channels=channels, up=up, padding=padding, norm=norm)


class EnlargedAtTheEnd(UNet):
    def forward(self, x):
        return F.interpolate(super().forward(x), x.shape[-2:])


def unet(**change):
    """A U-Net of the learner's own with one thing wrong; the defaults make a right one."""

    class Net(nn.Module):
        def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024),
                     up="transpose", padding=1, norm=True):
            super().__init__()
            o = {"padding": padding, "norm": norm, **change.get("fixed", {})}
            up = change.get("up", up)
            if "channels" in change:
                channels = change["channels"]
            *w, b = channels
            keep = list if change.get("plain_lists") else nn.ModuleList
            enter = change.get("encoder", EncoderBlock)
            self.down = keep([enter(i, c, **o) for i, c in zip([change.get("into", in_channels), *w], w)])
            self.bottom = ConvBlock((w or [in_channels])[-1], b, **o)
            leave = change.get("decoder", DecoderBlock)
            self.ups = keep([leave(i, c, c, up=up, **o) for i, c in zip([b, *w[::-1]], w[::-1])])
            if change.get("order") == "reversed":
                self.ups = self.ups[::-1]
            self.last = nn.Conv2d((w or [b])[0], change.get("classes", num_classes), 1)
            self.unused = nn.Conv2d(1, 1, 1) if change.get("unused") else None

        def forward(self, x):
            size, skips = x.shape[-2:], []
            for block in self.down:
                skip, x = block(x)
                skips.append(change.get("skip", lambda s, p: s)(skip, x))
            x = self.bottom(x)
            skips = skips if change.get("skips") == "in order" else skips[::-1]
            for block, skip in zip(self.ups, skips):
                if "pad" in change:
                    up = [2 * n for n in x.shape[-2:]]
                    skip = change["pad"](skip, up)
                x = block(x, skip)
                if change.get("crop", "each") == "each":
                    x = x[..., : skip.shape[-2], : skip.shape[-1]]
                elif change["crop"] == "centre":
                    x = match_size(x, skip.shape[-2:])
            x = change.get("last", lambda x: x)(self.last(x))
            return change.get("end", lambda x, s: x[..., : s[0], : s[1]])(x, size)

    return Net


class Resizes(UNet):
    def forward(self, x):
        y = super().forward(x)
        return nn.functional.interpolate(y[..., 1:, 1:], size=x.shape[-2:], mode="bilinear") if min(x.shape[-2:]) > 1 else y


class Recursive(nn.Module):
    """The U as a nest of smaller U's: written quite differently, and right."""

    class Level(nn.Module):
        def __init__(self, below, channels, o, up):
            super().__init__()
            first, *rest = channels
            self.inner = None
            if rest:
                self.enter = EncoderBlock(below, first, **o)
                self.inner = Recursive.Level(first, rest, o, up)
                self.leave = DecoderBlock(rest[0], first, first, up=up, **o)
            else:
                self.enter = ConvBlock(below, first, **o)

        def forward(self, x):
            if self.inner is None:
                return self.enter(x)
            skip, x = self.enter(x)
            return self.leave(self.inner(x), skip)[..., : skip.size(2), : skip.size(3)]

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), up="transpose", padding=1, norm=True):
        super().__init__()
        self.u = self.Level(in_channels, list(channels), {"padding": padding, "norm": norm}, up)
        self.classes = nn.Conv2d(channels[0], num_classes, (1, 1))

    def forward(self, picture):
        return self.classes(self.u(picture))


class Stub(nn.Module):
    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), up="transpose", padding=1, norm=True):
        super().__init__()

    def forward(self, x):
        return ...


class Unmatched(DecoderBlock):
    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1))


class Averages(EncoderBlock):
    def forward(self, x):
        skip = self.block(x)
        return skip, nn.functional.avg_pool2d(skip, 2, ceil_mode=True)


class Frozen(EncoderBlock):
    def forward(self, x):
        with torch.no_grad():
            return super().forward(x)


class FourLevels(UNet):
    """The channels are an argument, the depth is not: the usual first U-Net, block by block."""

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), up="transpose", padding=1, norm=True):
        super().__init__(in_channels, num_classes, channels=(channels * 3)[:3], up=up, padding=padding, norm=norm)


class Flat(nn.Module):
    """Blocks by name, `add_module` and `getattr`; the crop is a pad; named arguments everywhere."""

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), **options):
        super().__init__()
        up = options.pop("up", "transpose")
        self.depth = len(channels)
        for n, width in enumerate(channels):
            kind = ConvBlock if n == self.depth - 1 else EncoderBlock
            self.add_module(f"down{n}", kind(in_channels=in_channels, out_channels=width, **options))
            in_channels = width
        for n in range(self.depth - 1):
            self.add_module(f"up{n}", DecoderBlock(in_channels=channels[n + 1], skip_channels=channels[n],
                                                   out_channels=channels[n], up=up, **options))
        self.scores = nn.Sequential(nn.Conv2d(channels[0], num_classes, kernel_size=1))

    def forward(self, x):
        across = {}
        for n in range(self.depth - 1):
            across[n], x = getattr(self, f"down{n}")(x)
        x = getattr(self, f"down{self.depth - 1}")(x)
        for n in range(self.depth - 2, -1, -1):
            x = getattr(self, f"up{n}")(x, across[n])
            height, width = across[n].shape[-2:]
            x = self.fit(x, height, width)
        return self.scores(x)

    def fit(self, x, height, width):
        return F.pad(x, (0, min(width - x.shape[-1], 0), 0, min(height - x.shape[-2], 0)))


class FilledUp(Flat):
    """Without padding too, each level comes out as large as its skip: in a frame of zeros."""

    def fit(self, x, height, width):
        return F.pad(x, (0, width - x.shape[-1], 0, height - x.shape[-2]))


def paper(n, pools, down=4, up=4, bottom=4, odd=lambda n: n % 2, least=1):
    """Where nothing is left, or a pool meets an odd number, there is None."""
    for _ in range(pools):
        n -= down
        if odd(n):
            return None
        n //= 2
    n -= bottom
    for _ in range(pools):
        n = 2 * n - up
    return n if n >= least else None


def even_at_first_only(n, pools):
    return None if n % 2 else paper(n, pools, odd=lambda n: False)


def nested(n, pools):
    """A U inside a U."""
    if pools == 0:
        return n - 4 if n > 4 else None
    if n % 2 or (inner := nested(n // 2 - 2, pools - 1)) is None:
        return None
    return 2 * inner - 4 if inner > 2 else None


def in_one_line(n, pools):
    least = 12 * 2**pools - 8
    return None if (n + 4) % 2**pools or n <= least else n - least


def with_fractions(n, pools):
    """Halves are kept, and seen at the end."""
    sizes = [n]
    for _ in range(pools):
        sizes.append((sizes[-1] - 4) / 2)
    rest = sizes[-1] - 4
    for _ in range(pools):
        rest = rest * 2 - 4
    return rest if rest > 0 and all(size == int(size) for size in sizes) else None


def parameters(c, o, norm):
    return 9 * c * o + 9 * o * o + (4 * o if norm else 2 * o)


class Doubles(UNet):
    """The first of the channels is used, and doubled on each level."""

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024),
                 **options):
        channels = tuple(channels[0] * 2**i for i in range(len(channels)))
        super().__init__(in_channels, num_classes, channels=channels, **options)


class BrighterOrDarker(UNet):
    """An image that is normalised first."""

    def forward(self, x):
        return super().forward((x - x.mean()) / (x.std() + 1e-6))


class DividedBy255(UNet):
    def forward(self, x):
        return super().forward(x / 255)


class Drops(EncoderBlock):
    def forward(self, x):
        skip, x = super().forward(x)
        return nn.functional.dropout(skip, 0.1, self.training), x


class NormBeforeTheHead(UNet):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        if options.get("norm", True):
            self.head = nn.Sequential(nn.BatchNorm2d(self.head.in_channels), self.head)


class Centred(UNet):
    def forward(self, x):
        return super().forward(2 * x - 1)


class NormInFront(UNet):
    def __init__(self, in_channels=1, *arguments, **options):
        super().__init__(in_channels, *arguments, **options)
        self.first = nn.InstanceNorm2d(in_channels)

    def forward(self, x):
        return super().forward(self.first(x))


class ProbabilitiesWhileTraining(UNet):
    def forward(self, x):
        scores = super().forward(x)
        return scores.softmax(dim=1) if self.training else scores


class ChangedInPlace(UNet):
    """Runs, and stops in the backward pass while it trains."""

    def forward(self, x):
        scores = super().forward(x)
        if self.training:
            spread = scores.exp()
            scores = scores + 0 * spread
            spread += 1
        return scores


class SkipLast(DecoderBlock):
    """The skip behind what comes up, not in front."""

    def forward(self, x, skip):
        x = self.up(x)
        return self.block(torch.cat([x, match_size(skip, x.shape[-2:])], dim=1))


def decoder_where(condition, **fixed):
    """A decoder that does not hand on an option, with certain others only."""
    return where(condition, lambda *a, **k: DecoderBlock(*a, **{**k, **fixed}), DecoderBlock)


def bilinear(up, padding, norm):
    return up == "bilinear"


def of_twice_its_channels(i, s, o, **options):
    return DecoderBlock(2 * o, s, o, **options)


class LastTwoCropped(UNet):
    """The deeper levels are not cropped; the size comes out right all the same."""

    def forward(self, x):
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)
            skips.append(skip)
        x = self.bottleneck(x)
        for decoder in self.decoders:
            skip = skips.pop()
            x = decoder(x, skip)
            if len(skips) < 2:
                x = x[..., : skip.shape[-2], : skip.shape[-1]]
        return self.head(x)


class ImagePadded(UNet):
    """The image is padded until its size can be halved on every level, and the scores are cropped."""

    def forward(self, x):
        height, width = x.shape[-2:]
        step = 2 ** len(self.encoders)
        return super().forward(F.pad(x, (0, -width % step, 0, -height % step)))[..., :height, :width]


class AboveZero(UNet):
    """A right network, whose weights were drawn so that no logit is negative."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        nn.init.constant_(self.head.bias, 99.0)


WRONG = [
    ("5.1", "pool changes channels", ledger((64, 64), {"pooled 0": (32, 32, 32)}), "even_64x64"),
    ("5.1", "height last", ledger((70, 95), {"skip 0": (16, 95, 70)}), "oblong_70x95"),
    ("5.1", "rounded down", ledger((70, 95), {"pooled 0": (16, 35, 47)}), "oblong_70x95"),
    ("5.1", "decoder already cropped", ledger((70, 95), {"decoder 0": (16, 70, 95)}), "oblong_70x95"),
    ("5.1", "logits not cropped", ledger((70, 95), {"logits": (3, 70, 96)}), "oblong_70x95"),
    ("5.1", "concatenated channels", ledger((64, 64), {"up 1": (64, 32, 32)}), "even_64x64"),
    ("5.1", "row missing", ledger((64, 64), drop="bottom"), "even_64x64"),
    ("5.1", "batch axis", ledger((64, 64), {"skip 0": (1, 16, 64, 64)}), "even_64x64"),
    ("5.1", "one page only", {(64, 64): true_ledger(64, 64)}, "oblong_70x95"),
    ("5.1", "number", 64, "even_64x64"),
    ("5.1", "one page begun", {**ledger((64, 64), {"bottom": ...}), (70, 95): {}}, "even_64x64"),
    ("5.1", "the other not begun", {**ledger(), (70, 95): {}}, "oblong_70x95"),
    ("5.1", "the other three dots", {**ledger(), (70, 95): ...}, "oblong_70x95"),
    ("5.1", "a row of text", ledger((70, 95), {"up 0": "16x70x96"}), "oblong_70x95"),
    ("5.2", "no biases", lambda c, o, n: 9 * c * o + 9 * o * o, "without_norm"),
    ("5.2", "bias under norm too", lambda c, o, n: parameters(c, o, n) + (2 * o if n else 0), "with_norm"),
    ("5.2", "norm forgotten", lambda c, o, n: parameters(c, o, False) - (2 * o if n else 0), "with_norm"),
    ("5.2", "norm counted once", lambda c, o, n: parameters(c, o, n) - (2 * o if n else 0), "with_norm"),
    ("5.2", "one convolution", lambda c, o, n: 9 * c * o + o, "without_norm"),
    ("5.2", "second from the input", lambda c, o, n: 2 * (9 * c * o + o), "without_norm"),
    ("5.2", "running statistics counted", lambda c, o, n: parameters(c, o, n) + (4 * o if n else 0), "with_norm"),
    ("5.1", "channels last", ledger((64, 64), {"skip 0": (64, 64, 16)}), "even_64x64"),
    ("5.1", "doubled from the uncropped size", ledger((70, 95), {"up 0": (16, 72, 96)}),
     "oblong_70x95"),
    ("5.2", "norm the wrong way round", lambda c, o, n: parameters(c, o, not n), "without_norm"),
    ("5.3", "channels doubled", Doubles, "blocks_are_found"),
    ("5.3", "image normalised", BrighterOrDarker, "image_goes_in_as_it_is"),
    ("5.3", "image from -1 to 1", Centred, "image_goes_in_as_it_is"),
    ("5.3", "norm in front", NormInFront, "image_goes_in_as_it_is"),
    ("5.3", "softmax while training", ProbabilitiesWhileTraining, "nothing_else_happens"),
    ("5.3", "changed in place", ChangedInPlace, "nothing_else_happens"),
    ("5.3", "skips halved", unet(skip=lambda s, p: s / 2), "nothing_else_happens"),
    ("5.3", "divided by 255", DividedBy255, "image_goes_in_as_it_is"),
    ("5.3", "dropout on the skips", unet(encoder=Drops), "nothing_else_happens"),
    ("5.3", "a norm before the head", NormBeforeTheHead, "nothing_else_happens"),
    ("5.3", "other default widths", OtherWidths, "widths_of_the_paper"),
    ("5.3", "mean instead of maximum", unet(encoder=Averages), "skips_carry_detail"),
    ("5.3", "decoders reversed", unet(order="reversed"), "runs"),
    ("5.3", "skips in order", unet(skips="in order"), "runs"),
    ("5.3", "skip after the pool", unet(skip=lambda s, p: p, crop="end"), "nothing_moves"),
    ("5.3", "skip padded at the left", unet(pad=pad_left_first, crop="end"), "nothing_moves"),
    ("5.3", "crop at the end only", unet(crop="end"), "nothing_moves"),
    ("5.3", "crop from index 1", unet(end=lambda x, s: x[..., 1:, 1:]), "runs"),
    ("5.3", "lower right corner", unet(crop="end", end=lambda x, s: x[..., -s[0] :, -s[1] :]), "nothing_moves"),
    ("5.3", "no crop", unet(crop="none", end=lambda x, s: x), "every_size"),
    ("5.3", "resized at the end", Resizes, "nothing_moves"),
    ("5.3", "zeroed skips", unet(skip=lambda s, p: 0 * s), "skips_carry_detail"),
    ("5.3", "blurred skips", unet(skip=lambda s, p: nn.functional.interpolate(p, scale_factor=2)[..., : s.shape[-2], : s.shape[-1]]),
     "skips_carry_detail"),
    ("5.3", "second skip zeroed", unet(skip=lambda s, p: 0 * s if s.shape[1] == 8 else s), "skips_carry_detail"),
    ("5.3", "softmax", unet(last=lambda x: x.softmax(dim=1)), "returns_logits"),
    ("5.3", "sigmoid", unet(last=torch.sigmoid), "returns_logits"),
    ("5.3", "ReLU at the end", unet(last=torch.relu), "returns_logits"),
    ("5.3", "one class", unet(classes=1), "runs"),
    ("5.3", "grey only", unet(into=1), "any_depth_and_input"),
    ("5.3", "depth and widths fixed", unet(channels=(4, 8, 16)), "blocks_are_found"),
    ("5.3", "widths fixed, others than asked", unet(channels=(16, 32, 64)), "blocks_are_found"),
    ("5.3", "depth fixed", FourLevels, "blocks_are_found"),
    ("5.3", "encoders frozen", unet(encoder=Frozen), "skips_are_used"),
    ("5.3", "skips detached", unet(skip=lambda s, p: s.detach()), "skips_are_used"),
    ("5.3", "logarithm of softmax", unet(last=lambda x: x.log_softmax(dim=1)), "returns_logits"),
    ("5.3", "tanh", unet(last=torch.tanh), "returns_logits"),
    ("5.3", "argmax", unet(last=lambda x: x.argmax(dim=1, keepdim=True)), "runs"),
    ("5.3", "norm ignored", unet(fixed={"norm": True}), "hands_options_on"),
    ("5.3", "never a norm", unet(fixed={"norm": False}), "hands_options_on"),
    ("5.3", "without padding, enlarged at the end", EnlargedAtTheEnd, "hands_options_on"),
    ("5.3", "without padding, filled up to the skip", FilledUp, "hands_options_on"),
    ("5.3", "padding ignored", unet(fixed={"padding": 1}), "hands_options_on"),
    ("5.3", "decoders of twice their channels", unet(decoder=of_twice_its_channels),
     "any_depth_and_input"),
    ("5.3", "padding not for the decoders, bilinear only",
     unet(decoder=decoder_where(bilinear, padding=1)), "hands_options_on"),
    ("5.3", "norm not for the decoders, bilinear only",
     unet(decoder=decoder_where(bilinear, norm=True)), "hands_options_on"),
    ("5.3", "no norm in the decoders, bilinear only",
     unet(decoder=decoder_where(bilinear, norm=False)), "hands_options_on"),
    ("5.3", "padding not for the decoders, without a norm only",
     unet(decoder=decoder_where(without_norm, padding=1)), "hands_options_on"),
    ("5.3", "padding not for the decoders, with a norm only",
     unet(decoder=decoder_where(with_norm, padding=1)), "hands_options_on"),
    ("5.3", "transposed without a norm", unet(decoder=where(
        without_norm, lambda *a, **k: DecoderBlock(*a, **{**k, "up": "transpose"}), DecoderBlock)),
     "hands_options_on"),
    ("5.3", "last two levels cropped", LastTwoCropped, "nothing_else_happens"),
    ("5.3", "image padded first", ImagePadded, "nothing_else_happens"),
    ("5.3", "up ignored", unet(up="transpose"), "hands_options_on"),
    ("5.3", "always bilinear", unet(up="bilinear"), "hands_options_on"),
    ("5.3", "an instance", UNet(1, 3, channels=(4, 8, 16)), "runs"),
    ("5.3", "crops the centre on each level", unet(crop="centre"), "nothing_moves"),
    ("5.3", "skips never matched", unet(decoder=Unmatched), "every_size"),
    ("5.3", "a layer never called", unet(unused=True), "skips_are_used"),
    ("5.3", "plain lists", unet(plain_lists=True), "blocks_are_found"),
    ("5.3", "forgotten return", unet(end=lambda x, s: None), "runs"),
    ("5.3", "a single block", lambda *a, **k: ConvBlock(1, 3), "blocks_are_found"),
    ("5.4", "padded", lambda n, pools: n, "the_paper"),
    ("5.4", "one level less", lambda n, pools: paper(n, pools - 1), "the_paper"),
    ("5.4", "one convolution a level", lambda n, pools: paper(n, pools, down=2, up=2, bottom=2), "the_paper"),
    ("5.4", "bottom forgotten", lambda n, pools: paper(n, pools, bottom=0), "the_paper"),
    ("5.4", "nothing lost going up", lambda n, pools: paper(n, pools, up=0), "the_paper"),
    ("5.4", "without the pools", lambda n: n - 184, "the_paper"),
    ("5.4", "learnt by heart", lambda n, pools: 388, "other_sizes"),
    ("5.4", "same share", lambda n, pools: n * 388 // 572, "other_sizes"),
    ("5.4", "large images only", lambda n, pools: paper(n, pools) if n > 500 else None, "other_sizes"),
    ("5.4", "always four pools", lambda n, pools: paper(n, 4), "other_depths"),
    ("5.4", "the same loss for every depth", lambda n, pools: n - 46 * pools, "other_depths"),
    ("5.4", "never None", lambda n, pools: paper(n, pools, odd=lambda n: False, least=-999), "odd_numbers"),
    ("5.4", "even at first only", even_at_first_only, "odd_numbers"),
    ("5.4", "0 where it does not fit", lambda n, pools: paper(n, pools) or 0, "odd_numbers"),
    ("5.4", "odd numbers rounded up", lambda n, pools: paper(-(-(n + 4) // 2**pools) * 2**pools - 4, pools), "odd_numbers"),
    ("5.4", "less than nothing", lambda n, pools: paper(n, pools, least=-999), "nothing_left"),
    ("5.4", "nothing", lambda n, pools: paper(n, pools, least=0), "nothing_left"),
]
RIGHT = [
    ("5.1", "true", ledger()), ("5.1", "lists", {s: {k: list(v) for k, v in p.items()} for s, p in ledger().items()}),
    ("5.2", "formula", parameters),
    ("5.2", "counted", lambda c, o, norm: sum(p.numel() for p in ConvBlock(c, o, norm=norm).parameters())),
    ("5.3", "happens to begin above zero", AboveZero),
    ("5.3", "skip behind what comes up", unet(decoder=SkipLast)),
    ("5.1", "tensors, text", {s: {k: torch.tensor(v) if k == "bottom" else [f"{n}" for n in v]
                                  for k, v in p.items()} for s, p in ledger().items()}),
    ("5.3", "package", UNet), ("5.3", "written again", unet()), ("5.3", "recursive", Recursive),
    ("5.3", "block by block", Flat), ("5.3", "other decoder", unet(decoder=Sized)),
    ("5.3", "functions and parameters", unet(encoder=bank03.OfFunctions, decoder=bank04.OfFunctions)),
    ("5.4", "loop", paper), ("5.4", "in one line", in_one_line), ("5.4", "nested", nested), ("5.4", "with fractions", with_fractions),
]
BEGUN = {"skip 0": (16, 64, 64), "pooled 0": (16, 32, 32)}
UNTOUCHED = [("5.3", Stub), ("5.1", {(64, 64): BEGUN, (70, 95): {}}), ("5.1", {s: ... for s in SIZES})]
