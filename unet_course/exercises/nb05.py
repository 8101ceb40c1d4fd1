"""Exercises of 05_the_full_unet."""

import torch
from torch import nn

from unet_course.exercises.core import Exercise, NotAttempted, asking, call, expect, said, shape
from unet_course.exercises.nb02 import make
from unet_course.tracing import trace_shapes
from unet_course.unet import UNet

ledger = Exercise("5.1", "The shape ledger", "predict", minutes=12)

LEDGER = {"num_classes": 3, "channels": (16, 32, 64)}


def true_ledger(height, width):
    """The ledger that the learner fills in: {row: (C, H, W)}."""
    return dict(trace_shapes(UNet(**LEDGER), (height, width)))


def first_wrong_row(answer, height, width):
    """Expect the page for one size to be right; its first wrong row is named, with the reason."""
    example = "{(64, 64): {...}, (101, 101): {...}, (70, 95): {...}}"
    expect(isinstance(answer, dict) and (height, width) in answer,
           f"Your answer has no ledger for {(height, width)}; wanted a dict {example}.")
    page = answer[height, width]
    if page is ...:
        raise NotAttempted
    expect(isinstance(page, dict), f"Your ledger is {said(page)}; wanted a dict of row: (C, H, W).")
    why = {"skip": "A block sets the channels and keeps height and width.",
           "pooled": "A pool keeps the channels and halves each side, rounding up.",
           "bottom": "The bottom block sets the channels and keeps height and width.",
           "up": "Upsampling doubles each side of what came from below, and sets the channels of its level.",
           "decoder": "The decoder block keeps the upsampled size.",
           "logits": "One channel for each class, and the size of the input."}
    before = "input"
    for row, wanted in true_ledger(height, width).items():
        if row == "input":
            continue
        expect(row in page, f"The row {row!r} is missing from your ledger for {height}×{width}. {why[row.split()[0]]}")
        got = page[row]
        if got is ... and row == "skip 1" and len(page) == 3:
            raise NotAttempted  # two rows are given in the stub
        expect(got is not ..., f"Ledger for {height}×{width}: right so far; the row {row!r} is still three dots. It comes "
                               f"after {before!r}. {why[row.split()[0]]}")
        same = isinstance(got, (tuple, list)) and tuple(got) == wanted
        expect(same, f"Ledger for {height}×{width}: the first wrong row is {row!r}, you wrote {said(got)}. It comes after "
                     f"{before!r}. {why[row.split()[0]]}")
        before = row


@ledger.behaviour
def even_64x64(answer):
    first_wrong_row(answer, 64, 64)


@ledger.behaviour
def odd_101x101(answer):
    first_wrong_row(answer, 101, 101)


@ledger.behaviour
def oblong_70x95(answer):
    first_wrong_row(answer, 70, 95)


assemble = Exercise("5.3", "Assemble UNet", "write", minutes=20)

SMALL = {"num_classes": 3, "channels": (4, 8, 16)}


@assemble.behaviour
def runs(answer):
    with asking("Follow the channels: the deepest decoder comes first, and takes the skip that was made last."):
        out = call(make(answer, **SMALL).eval(), torch.rand(1, 1, 64, 64))
    shape(out, (1, 3, 64, 64), "A 64×64 image gave {got}; wanted {wanted}: a score for each class, at every pixel.")


@assemble.behaviour
def blocks_are_found(answer):
    for channels in [(4, 8, 16), (2, 4, 8, 16, 32), (4,)]:
        model = make(answer, channels=channels)
        found = [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
        wanted = 2 * (2 * len(channels) - 1)
        expect(len(found) >= wanted, f"For channels={channels}, PyTorch finds {len(found)} 3×3 convolutions in your network; "
               f"wanted {wanted}, two in each block. Are the blocks in an nn.ModuleList? A plain list hides them from the "
               "optimiser.")
        expect(sorted(found) == sorted(2 * channels + 2 * channels[:-1]), f"For channels={channels} your 3×3 convolutions "
               f"give {found} channels. Do depth and widths follow the argument channels?")


@assemble.behaviour
def widths_of_the_paper(answer):
    try:
        with torch.device("meta"):  # 31 million weights without their memory
            model = make(answer)
    except (NotImplementedError, RuntimeError):  # it looks at its own weights
        model = make(answer)
    pairs = [(m.in_channels, m.out_channels) for m in model.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    widths = (1, 64, 128, 256, 512, 1024)
    twice = sorted(2 * widths[1:] + 2 * widths[1:-1])
    expect(sorted(o for _, o in pairs) == twice and {*zip(widths, widths[1:])} <= {*pairs}, "Without the argument "
           "channels, the widths of your blocks are not those of the stub's default: 64 at the top, 1024 at the "
           "bottom.")


@assemble.behaviour
def every_size(answer):
    model = make(answer, **SMALL).eval()
    for h, w in [(101, 101), (70, 95), (1, 1), (2, 7), (33, 64)]:
        shape(call(model, torch.rand(1, 1, h, w)), (1, 3, h, w),
              f"A {h}×{w} image gave " + "{got}; wanted {wanted}. Crop what was padded, after each level.")


@assemble.behaviour
def any_depth_and_input(answer):
    for channels in [(4,), (4, 8), (2, 4, 8, 16, 32)]:
        model = make(answer, 3, 5, channels=channels).eval()
        shape(call(model, torch.rand(2, 3, 40, 24)), (2, 5, 40, 24),
              f"With in_channels=3, num_classes=5, channels={channels} you return " + "{got}; wanted {wanted}.")
    shape(call(make(answer, channels=(4, 8)).eval(), torch.rand(1, 1, 8, 8)), (1, 2, 8, 8),
          "Without in_channels and num_classes, one channel in should give two classes out; you return {got}.")


@assemble.behaviour
def returns_logits(answer):
    model = make(answer, **SMALL).eval()
    x = 5 * torch.randn(1, 1, 32, 32)
    out = call(model, x)
    sums = out.sum(dim=1)
    expect(not torch.allclose(sums, torch.ones_like(sums), atol=1e-4), "Your output adds up to 1 over the classes: it "
           "has been through a softmax. Return logits; the loss has the softmax inside.")
    expect(bool((out < 0).any()), "No output is negative. Is there a ReLU or a sigmoid after the last convolution?")
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.out_channels == 3:
            for values in layer.parameters():
                values.data *= 50
    expect(torch.allclose(call(model, x), 50 * out, rtol=1e-3, atol=1e-3), "With the weights of the last convolution 50 "
           "times as large, your output is not 50 times as large. What comes after that convolution? Logits are its "
           "values as they are.")


@assemble.behaviour
def skips_are_used(answer):
    model = make(answer, **SMALL).eval()
    x = torch.rand(1, 1, 32, 32)
    model(x).square().sum().backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None]
    expect(not silent, f"{len(silent)} parameters never take part, the first is {silent[0] if silent else ''}. "
                       "Is every block called?")
    # The slope along one direction, once from two values and once from the gradient.
    model, x, way = model.double(), torch.rand(1, 1, 32, 32).double().requires_grad_(), torch.randn(1, 1, 32, 32).double()
    (gradient,) = torch.autograd.grad(model(x).square().sum(), x)
    with torch.no_grad():
        slope = (model(x + 1e-7 * way).square().sum() - model(x - 1e-7 * way).square().sum()) / 2e-7
    expect(abs(float((gradient * way).sum() - slope)) < 0.01 * (abs(float(slope)) + float(gradient.norm())),
           "A part of the gradient is lost on its way back. Is a skip detached, or something rounded?")


def centre_of_impulse(model, size, pixel):
    """Where one bright pixel comes out, in rows and columns, if every layer averages instead of learning."""
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    image = torch.zeros(1, 1, *size)
    image[0, 0, pixel[0], pixel[1]] = 1
    with torch.no_grad():
        out = model.eval()(image)[0, 0].double()
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
        expect(max(map(abs, moved)) < 0.2, f"On a {size[0]}×{size[1]} image, one bright pixel comes out "
               f"{moved[0]:+.1f} rows and {moved[1]:+.1f} columns from its place. Are the skips padded at the right and "
               "bottom, and is only that cropped?")


@assemble.behaviour
def skips_carry_detail(answer):
    model = make(answer, num_classes=2, channels=(4, 8, 16), norm=False).eval()
    for layer in model.modules():  # every layer copies the pixel that it lies on
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            middle = layer.kernel_size[0] // 2 if isinstance(layer, nn.Conv2d) else slice(None)
            nn.init.zeros_(layer.weight)
            layer.weight.data[:, :, middle, middle] = 1 / layer.in_channels
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    image = torch.zeros(1, 1, 64, 64)
    image[0, 0, 30, 33] = 1
    with torch.no_grad():
        out = model(image)[0, 0]
    # (31, 32) shares a 2×2 square with the lit pixel, (28, 34) only a 4×4 square.
    expect(out[30, 33] > 1.2 * out[31, 32], "One lit pixel comes out as a square of 2×2. Detail reaches the output only "
           "through the top skip: is it taken before the pool, and given to the last decoder with its values?")
    expect(out[31, 32] > 1.2 * out[28, 34], "One lit pixel comes out as a square of 4×4. Does the second decoder get the "
                                            "skip of its own level, with its values?")


@assemble.behaviour
def hands_options_on(answer):
    def layers(kind, **options):
        return [m for m in make(answer, **SMALL, **options).modules() if isinstance(m, kind)]
    expect(len(layers(nn.BatchNorm2d)) >= 10, "Your network has no batch norm in some of its blocks; wanted it in all "
           "five, unless norm=False is asked for.")
    expect(not layers(nn.BatchNorm2d, norm=False), "With norm=False there is still a BatchNorm2d. Is norm handed on to "
                                                   "every block?")
    expect(len(layers(nn.ConvTranspose2d)) == 2, f"Your network has {len(layers(nn.ConvTranspose2d))} ConvTranspose2d; "
           "wanted 2, one in each decoder block.")
    expect(not layers(nn.ConvTranspose2d, up="bilinear"), 'With up="bilinear" there is still a ConvTranspose2d. Is up '
                                                          "handed on to every decoder block?")
    padded = [m for m in layers(nn.Conv2d, padding=0) if m.padding not in (0, (0, 0))]
    expect(not padded, f"With padding=0, {len(padded)} convolutions still have padding. Is it handed on to every block?")
