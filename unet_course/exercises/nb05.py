"""Exercises of 05_the_full_unet. (05)"""

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.blocks import ConvBlock, match_size
from unet_course.exercises.core import Exercise, NotAttempted, asking, expect, said
from unet_course.exercises.nb02 import make
from unet_course.exercises.values import alike, call, close, numeric, shape, tensor
from unet_course.exercises.watching import Watch, send_back, watch
from unet_course.tracing import parameter_count, trace_shapes
from unet_course.unet import UNet

ledger = Exercise("5.1", "The shape ledger", "predict", minutes=8)

LEDGER = {"num_classes": 3, "channels": (16, 32, 64)}


def true_ledger(height, width):
    """The ledger that the learner fills in: {row: (C, H, W)}."""
    return dict(trace_shapes(UNet(**LEDGER), (height, width)))


def first_wrong_row(answer, height, width, given=None):
    """Expect the page for one size to be right; its first wrong row is named, with the reason.

    A page with nothing but the rows that were given has not been begun.
    """
    example = "{(64, 64): {...}, (70, 95): {...}}"
    expect(isinstance(answer, dict) and (height, width) in answer,
           f"Your answer has no ledger for {(height, width)}; wanted a dict {example}.")
    page = answer[height, width]
    if page is ...:
        raise NotAttempted
    expect(isinstance(page, dict), f"Your ledger is {said(page)}; wanted a dict of row: (C, H, W).")
    why = {"skip": "A block sets the channels and keeps height and width.",
           "pooled": "A pool keeps the channels and halves each side, rounding up.",
           "bottom": "The bottom block sets the channels and keeps height and width.",
           "up": "Upsampling doubles each side of what came from below, once that is cropped to "
                 "the size of its level, and sets the channels of its own.",
           "decoder": "The decoder block sets the channels of its level and keeps the upsampled "
                      "size; the crop comes after it.",
           "logits": "One channel for each class, and the size of the input."}
    before = "input"
    for row, wanted in list(true_ledger(height, width).items())[1:]:  # below the input
        if row not in page and set(page) == given:
            raise NotAttempted
        expect(row in page, f"The row {row!r} is missing from your ledger for {height}×{width}. {why[row.split()[0]]}")
        got = page[row]
        expect(got is not ..., f"Ledger for {height}×{width}: right so far; the row {row!r} is still three dots. It comes "
                               f"after {before!r}. {why[row.split()[0]]}")
        same = row_of(got) == list(wanted)
        expect(len(row_of(got)) != 4, f"Ledger for {height}×{width}: in the row {row!r} you wrote "
               f"{said(got)}. The images of the batch are not counted: three numbers, (C, H, W).")
        expect(same or sorted(row_of(got)) != sorted(wanted),
               f"Ledger for {height}×{width}: in the row {row!r} you wrote {said(got)}. These are "
               "the right numbers in another order. Which stands first in (C, H, W)?")
        expect(same, f"Ledger for {height}×{width}: the first wrong row is {row!r}, you wrote {said(got)}. It comes after "
                     f"{before!r}. {why[row.split()[0]]}")
        before = row


def row_of(got):
    """The numbers of a row, in whichever form it comes; none, if it is no row."""
    found = numeric(got)
    return found.tolist() if found is not None and found.ndim == 1 else []


@ledger.behaviour
def even_64x64(answer):
    first_wrong_row(answer, 64, 64, given={"skip 0", "pooled 0"})  # in the stub


@ledger.behaviour
def oblong_70x95(answer):
    first_wrong_row(answer, 70, 95)


assemble = Exercise("5.3", "Assemble UNet", "write", minutes=20)

SMALL = {"num_classes": 3, "channels": (4, 8, 16)}


def scores(model, x, classes=3):
    """What the network gives back, in the precision of its weights: a score for each class and pixel."""
    out = call(model, x)
    shape(tensor(out, "Your output", learns=True), (len(x), classes, *x.shape[2:]),
          f"With training={model.training}, an image of {x.shape[2]}×{x.shape[3]} gave {{got}}; "
          "wanted {wanted}: a score for each class, at every pixel. In which case is that another?")
    return out


@assemble.behaviour
def runs(answer):
    with asking("Follow the channels: the deepest decoder comes first, and takes the skip that was made last."):
        out = tensor(call(make(answer, **SMALL).eval(), torch.rand(1, 1, 64, 64)), "Your output", learns=True)
    shape(out, (1, 3, 64, 64), "A 64×64 image gave {got}; wanted {wanted}: a score for each class, at every pixel.")


def blocks_of(model):
    """(in, out) channels of every 3×3 convolution whose weights an optimiser would find."""
    return [(p.shape[1], p.shape[0]) for p in model.parameters() if p.ndim == 4 and tuple(p.shape[2:]) == (3, 3)]


@assemble.behaviour
def blocks_are_found(answer):
    for channels in [(4, 8, 16), (2, 4, 8, 16, 32), (4,), (6, 5, 9)]:
        model = make(answer, channels=channels)
        found = [o for _, o in blocks_of(model)]
        wanted = 2 * (2 * len(channels) - 1)
        question = ("Are the blocks in an nn.ModuleList, and is one at the bottom? A plain list "
                    "hides them from the optimiser." if len(channels) == 3 else
                    "With three channels that was right. Does the number of blocks follow the length of channels?")
        expect(len(found) >= wanted,
               f"For channels={channels}, PyTorch finds {len(found)} 3×3 convolutions in your "
               f"network; wanted {wanted}, two in each block. {question}")
        right = sorted(2 * channels + 2 * channels[:-1])
        expect(sorted(found) != sorted([*right, 2]), f"For channels={channels} your 3×3 "
               f"convolutions give {found} channels. One is too many: has the head, which mixes "
               "the channels of one pixel, a kernel of 3×3?")
        expect(sorted(found) == right, f"For channels={channels} your 3×3 convolutions "
               f"give {found} channels. Do depth and widths follow the argument channels?")


@assemble.behaviour
def widths_of_the_paper(answer):
    expect(callable(answer), f"Your answer is {said(answer)}; wanted a class.")
    model = answer()  # 31 million weights: looked at, not copied
    expect(isinstance(model, nn.Module), "Your class makes no nn.Module.")
    pairs = blocks_of(model)
    widths = (1, 64, 128, 256, 512, 1024)
    twice = sorted(2 * widths[1:] + 2 * widths[1:-1])
    expect(sorted(o for _, o in pairs) == twice and {*zip(widths, widths[1:])} <= {*pairs},
           "Without the argument channels, the widths of your blocks are not those of the stub's "
           "default: 64 at the top, 1024 at the bottom.")


@assemble.behaviour
def image_goes_in_as_it_is(answer):
    x = torch.rand(2, 1, 24, 40)
    with torch.no_grad(), Watch() as seen:
        call(make(answer, **SMALL).train(), x)
    first = seen.plain[0].within(24, 40) if seen.plain else None
    expect(alike(first, x), "The first convolution does not get the image as it came. What is done to it before?")


@assemble.behaviour
def every_size(answer):
    model = make(answer, **SMALL).eval()
    for h, w in [(101, 101), (70, 95), (1, 1), (2, 7), (33, 64)]:
        with asking(f"That was with an image of {h}×{w}. Is each skip matched to what comes up, and cropped again?"):
            out = tensor(call(model, torch.rand(1, 1, h, w)), "Your output", learns=True)
        got = tuple(out.shape[-2:])
        if out.ndim == 4 and got != (h, w):
            alone = tensor(call(make(answer, **SMALL).eval(), torch.rand(1, 1, h, w)))
            expect(alone.shape[-2:] != (h, w), f"A {h}×{w} image gives the right size if it is the first, and another "
                   "one after other images. What does your network keep from one call to the next?")
            expect(got[0] > h or got[1] > w, f"A {h}×{w} image gave {got[0]}×{got[1]}, which is too small. "
                   "On which levels is the height odd, on which the width, and is a row or a column taken off there alone?")
        shape(out, (1, 3, h, w),
              f"A {h}×{w} image gave " + "{got}; wanted {wanted}. Crop what was padded, after each level.")


@assemble.behaviour
def any_depth_and_input(answer):
    for channels in [(4,), (4, 8), (2, 4, 8, 16, 32), (6, 5, 9)]:
        question = ("They need not double from level to level: how many come out of the level "
                    "below?" if channels == (6, 5, 9) else "Does any of them stay as it was?")
        with asking(f"That was with in_channels=3, num_classes=5, channels={channels}. {question}"):
            out = call(make(answer, 3, 5, channels=channels).eval(), torch.rand(2, 3, 40, 24))
        shape(out, (2, 5, 40, 24),
              f"With in_channels=3, num_classes=5, channels={channels} you return " + "{got}; wanted {wanted}.")
    shape(call(make(answer, channels=(4, 8)).eval(), torch.rand(1, 1, 8, 8)), (1, 2, 8, 8),
          "Without in_channels and num_classes, one channel in should give two classes out; you return {got}.")


@assemble.behaviour
def returns_logits(answer):
    model = make(answer, **SMALL).eval()
    x = 5 * torch.randn(1, 1, 32, 32)
    out = scores(model, x)
    sums = out.sum(dim=1)
    expect(not torch.allclose(sums, torch.ones_like(sums), atol=1e-4), "Your output adds up to 1 over the classes: it "
           "has been through a softmax. Return logits; the loss has the softmax inside.")
    last = watch(model, x).plain[-1]
    with torch.no_grad():
        for values in (last.weight, last.bias):
            if values is not None:
                values *= -50
    turned = scores(model, x)
    # One of the two has negative values, whichever way the weights were drawn.
    expect(bool((out < 0).any() or (turned < 0).any()),
           "No output is negative. Is there a ReLU or a sigmoid after the last convolution?")
    expect(torch.allclose(turned, -50 * out, rtol=1e-3, atol=1e-3),
           "With the weights of the last convolution 50 times as large, your output is not 50 times "
           "as large. What comes after that convolution? Logits are its values as they are.")


@assemble.behaviour
def skips_are_used(answer):
    model = make(answer, **SMALL).eval()
    x = torch.rand(1, 1, 32, 32)
    send_back(scores(model, x))
    silent = [n for n, p in model.named_parameters() if p.grad is None]
    expect(not silent, f"{len(silent)} parameters get no gradient, the first is {silent and silent[0]}. "
           "Is every block called, and none of them under no_grad or on a detached tensor?")
    # The slope along one direction, once from two values and once from the gradient.
    model, x, way = model.double(), torch.rand(1, 1, 32, 32).double().requires_grad_(), torch.randn(1, 1, 32, 32).double()
    (gradient,) = torch.autograd.grad(scores(model, x).square().sum(), x)
    with torch.no_grad():
        ends = [scores(model, x + step * way).square().sum() for step in (1e-6, -1e-6)]
    slope = (ends[0] - ends[1]) / 2e-6  # a kink of a ReLU may lie in between: it costs less than 1 %
    expect(abs(float((gradient * way).sum() - slope)) < 0.05 * (abs(float(slope)) + float(gradient.norm())),
           "A part of the gradient is lost on its way back. Is a skip detached, or something rounded?")


def weights_and_biases(model):
    """The parameters without the scales of norms, which begin as ones."""
    return [p for p in model.parameters() if p.ndim == 4 or not bool((p == 1).all())]


def centre_of_impulse(model, size, pixel):
    """Where one bright pixel comes out, in rows and columns, if every layer averages instead of learning."""
    for p in weights_and_biases(model):
        nn.init.constant_(p, 1 / p[0].numel() if p.ndim == 4 else 0.0)
    image = torch.zeros(1, 1, *size)
    image[0, 0, pixel[0], pixel[1]] = 1
    with torch.no_grad():
        out = scores(model.eval(), image, 2)[0, 0].double()
    out /= out.sum()
    rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.double) for n in out.shape), indexing="ij")
    return float((rows * out).sum()), float((columns * out).sum())


@assemble.behaviour
def nothing_moves(answer):
    options = dict(num_classes=2, channels=(4, 8, 16), norm=False)
    for size, pixel in [((64, 64), (30, 33)), ((61, 67), (30, 33)), ((63, 58), (29, 28))]:
        row, column = centre_of_impulse(make(answer, **options), size, pixel)
        true = centre_of_impulse(UNet(**options), size, pixel)
        moved = row - true[0], column - true[1]
        question = ("Here nothing needs a pad or a crop. Is each skip taken before the pool, and "
                    "nothing resized?" if size == (64, 64) else
                    "Are the skips padded at the right and bottom, and is only that cropped, level by level?")
        expect(max(map(abs, moved)) < 0.2,
               f"On a {size[0]}×{size[1]} image, one bright pixel comes out {moved[0]:+.1f} rows "
               f"and {moved[1]:+.1f} columns from its place. {question}")


@assemble.behaviour
def skips_carry_detail(answer):
    model = make(answer, num_classes=2, channels=(4, 8, 16), norm=False).eval()
    for p in weights_and_biases(model):  # every layer copies the pixel that it lies on
        nn.init.zeros_(p)
        if p.ndim == 4 and tuple(p.shape[2:]) == (2, 2):
            p.data += 1 / p.shape[0]  # the stamp of a transposed convolution; its first axis is what goes in
        elif p.ndim == 4:
            p.data[:, :, p.shape[2] // 2, p.shape[3] // 2] = 1 / p.shape[1]
    image = torch.zeros(1, 1, 64, 64)
    image[0, 0, 30, 33] = 1
    with torch.no_grad():
        out = scores(model, image, 2)[0, 0]
    expect(out[28, 34] > 0.12 * out[30, 33], "A pixel that is lit alone has nearly gone at the bottom. Is the pool a "
           "maximum? A mean or a stride loses what is small.")
    # (31, 32) shares a 2×2 square with the lit pixel, (28, 34) only a 4×4 square.
    expect(out[30, 33] > 1.2 * out[31, 32], "One lit pixel comes out as a square of 2×2. Detail reaches the output only "
           "through the top skip: is it taken before the pool, and given to the last decoder with its values?")
    expect(out[31, 32] > 1.2 * out[28, 34], "One lit pixel comes out as a square of 4×4. Does the second decoder get the "
                                            "skip of its own level, with its values?")


@assemble.behaviour
def hands_options_on(answer):
    x = torch.rand(1, 1, 64, 64)
    for up, norm in [("transpose", True), ("transpose", False), ("bilinear", True), ("bilinear", False)]:
        # these two are so unless another is asked for
        options = {**({} if up == "transpose" else {"up": up}), **({} if norm else {"norm": False})}
        given = f'With up="{up}" and norm={norm}'
        seen = watch(make(answer, **SMALL, **options), x)
        expect(seen.norms >= 10 or not norm, f"{given} your network computes {seen.norms} batch "
               "norms; wanted 10, two in each of its five blocks. Which blocks have none?")
        expect(norm or not seen.norms, f"{given} there is still a batch norm. Is norm handed on to every block?")
        number, wanted = len(seen.transposed), 2 if up == "transpose" else 0
        expect(number == wanted, f"{given} your network computes {number} transposed convolutions; "
               f"wanted {wanted}. Is up handed on to both decoder blocks?")
        model = make(answer, **SMALL, padding=0, **options).eval()
        wide = [c for c in watch(model, x).plain if c.size == (3, 3)]
        padded = [c for c in wide if c.padding not in (0, (0, 0), [0, 0], "valid")]
        expect(not padded, f"{given}, padding=0: {len(padded)} convolutions still have padding. Is "
               "it handed on to every block?")
        shape(tensor(call(model, x), "Your output", learns=True), (1, 3, 24, 24),
              f"{given}, padding=0, a 64×64 image gave {{got}}; wanted {{wanted}}: each block takes "
              "4 rows and columns away. What brings them back, or takes more?")


def as_drawn(seen, x, norm, skip_first):
    """A U-Net, computed with the weights of the convolutions that were seen."""
    wide = iter([c for c in seen.plain if c.size == (3, 3)])

    def block(x):
        for _ in range(2):
            convolution = next(wide)
            x = F.conv2d(x, convolution.weight, convolution.bias, padding=1)
            x = F.relu(F.batch_norm(x, None, None, training=True) if norm else x)
        return x

    skips = []
    for _ in seen.transposed:
        skips.append(block(x))
        x = F.max_pool2d(skips[-1], 2, ceil_mode=True)
    x = block(x)
    for up in seen.transposed:
        x = F.conv_transpose2d(x, up.weight, up.bias, stride=2)
        height, width = skips[-1].shape[-2:]
        skip = match_size(skips.pop(), x.shape[-2:])
        x = block(torch.cat([skip, x] if skip_first else [x, skip], dim=1))[..., :height, :width]
    return F.conv2d(x, seen.plain[-1].weight, seen.plain[-1].bias)


@assemble.behaviour
def nothing_else_happens(answer):
    for norm in (False, True):
        model = make(answer, **SMALL, norm=norm).double().train()
        x = torch.rand(2, 1, 24, 40).double()
        seen = watch(model, x)
        x.requires_grad_()
        with asking("That was in the backward pass, in training mode. Is a tensor changed in place "
                    "after it was used?"):
            got = scores(model, x)
            (gradient,) = torch.autograd.grad(got.square().sum(), x)
        fits = []
        for skip_first in (True, False):
            wanted = as_drawn(seen, x, norm, skip_first)
            (slope,) = torch.autograd.grad(wanted.square().sum(), x)
            fits.append(alike(got, wanted, 1e-3) and alike(gradient, slope, 1e-2))
        expect(any(fits),
               f"In training mode, with norm={norm}, your network gives other values than encoder "
               "blocks, bottom, decoder blocks and head with the same weights. What else is done "
               "in forward, to a skip, or around the head?")
    deep = (2, 3, 4, 5, 6)
    model, x = make(answer, channels=deep, norm=False).double().eval(), torch.rand(1, 1, 45, 53).double()
    for p in model.parameters():
        p.data.abs_()  # no ReLU is shut, so that the deepest level counts
    seen, got = watch(model, x), scores(model, x, 2)
    expect(any(alike(got, as_drawn(seen, x, False, first), 1e-3) for first in (True, False)),
           f"With channels={deep} and an image of 45×53, your network gives other values than the "
           "blocks with the same weights. Is what comes up cropped to its skip on every level, the deepest "
           "as well? Or did you pad the image?")


parameters = Exercise("5.2", "Count the parameters of a block", "predict", minutes=8)


@parameters.behaviour
def without_norm(answer):
    for c, out in [(1, 64), (3, 16), (32, 8)]:
        got = call(answer, c, out, False)
        expect(not alike(got, parameter_count(ConvBlock(c, out))),
               f"ConvBlock({c}, {out}, norm=False): you count the parameters of a block with a "
               "norm. What does norm=False leave out, and what does it bring back?")
        close(got, parameter_count(ConvBlock(c, out, norm=False)),
              f"ConvBlock({c}, {out}, norm=False): " + "wanted {wanted}, you count {got}. Nine weights for each pair of "
              "channels, and a bias for each output channel, in both convolutions.")


@parameters.behaviour
def with_norm(answer):
    for c, out in [(1, 64), (3, 16), (32, 8)]:
        got, wanted = call(answer, c, out, True), parameter_count(ConvBlock(c, out))
        less, narrow = wanted - 2 * out, wanted - 2 * out + 2 * c
        expect(not alike(got, less), f"ConvBlock({c}, {out}) with norm: wanted {wanted}, you count {less}, "
               f"too few by {2 * out}. How many norms are in the block, and how many values does each have for a channel?")
        expect(c == out or not alike(got, narrow), f"ConvBlock({c}, {out}) with norm: wanted {wanted}, you count {narrow}. "
               "How many channels come to the first norm: those before the convolution, or those behind it?")
        close(got, wanted, f"ConvBlock({c}, {out}) with norm: " +
              "wanted {wanted}, you count {got}. No bias under a norm, but the norm has two values a channel.")
