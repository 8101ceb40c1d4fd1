"""Exercises of 05_the_full_unet."""

import torch
from torch import nn

from unet_course.blocks import ConvBlock
from unet_course.exercises.core import Exercise, NotAttempted, blank, call, close, expect, shape
from unet_course.exercises.nb02 import make
from unet_course.tracing import parameter_count, trace_shapes
from unet_course.unet import UNet

ledger = Exercise("5.1", "The shape ledger", minutes=12, kind="classroom")

LEDGER = {"num_classes": 3, "channels": (16, 32, 64)}


def true_ledger(height, width):
    """The ledger that the learner fills in: {row: (C, H, W)}."""
    return dict(trace_shapes(UNet(**LEDGER), (height, width)))


def first_wrong_row(answer, height, width):
    """Expect a ledger's rows to be right; the first wrong one is named, with the reason."""
    if blank(answer):
        raise NotAttempted
    expect(isinstance(answer, dict), f"Your ledger is a {type(answer).__name__}; wanted a dict of row: (C, H, W).")
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
        expect(row in answer, f"The row {row!r} is missing from your ledger for {height}×{width}.")
        got = answer[row]
        same = isinstance(got, (tuple, list)) and tuple(got) == wanted
        expect(same, f"Ledger for {height}×{width}: the first wrong row is {row!r}, you wrote {got!r}. It comes after "
                     f"{before!r}. {why[row.split()[0]]}")
        before = row


@ledger.behaviour
def even_64x64(answer):
    first_wrong_row(_page(answer, (64, 64)), 64, 64)


@ledger.behaviour
def odd_101x101(answer):
    first_wrong_row(_page(answer, (101, 101)), 101, 101)


@ledger.behaviour
def oblong_70x95(answer):
    first_wrong_row(_page(answer, (70, 95)), 70, 95)


def _page(answer, size):
    expect(isinstance(answer, dict) and size in answer, f"Your answer has no ledger for {size}; wanted a dict "
           "{(64, 64): {...}, (101, 101): {...}, (70, 95): {...}}.")
    return answer[size]


parameters = Exercise("5.2", "Count the parameters of a block", minutes=8)


@parameters.behaviour
def without_norm(answer):
    close(call(answer, 1, 64, False), parameter_count(ConvBlock(1, 64, norm=False)),
          "ConvBlock(1, 64, norm=False): wanted {wanted}, you count {got}. Nine weights for each pair of channels, and "
          "a bias for each output channel, in both convolutions.")


@parameters.behaviour
def with_norm(answer):
    for c, out in [(1, 64), (3, 16), (32, 8)]:
        close(call(answer, c, out, True), parameter_count(ConvBlock(c, out)), f"ConvBlock({c}, {out}) with norm: " +
              "wanted {wanted}, you count {got}. No bias under a norm, but the norm has two values a channel.")


assemble = Exercise("5.3", "Assemble UNet", minutes=20, kind="classroom")

SMALL = {"num_classes": 3, "channels": (4, 8, 16)}


@assemble.behaviour
def runs(answer):
    shape(call(make(answer, **SMALL).eval(), torch.rand(1, 1, 64, 64)), (1, 3, 64, 64),
          "A 64×64 image gave {got}; wanted {wanted}.")


@assemble.behaviour
def blocks_are_found(answer):
    for channels in [(4, 8, 16), (2, 4, 8, 16, 32), (4,)]:
        wanted = 2 * (2 * len(channels) - 1) + 1
        found = sum(isinstance(m, nn.Conv2d) for m in make(answer, channels=channels).modules())
        expect(found >= wanted, f"For channels={channels}, PyTorch finds {found} Conv2d layers in your network; wanted "
               f"{wanted}: two in each block, and the last one. Are the blocks in an nn.ModuleList? A plain list hides "
               "them from the optimiser.")
        expect(found < 2 * wanted, f"For channels={channels} your network has {found} Conv2d layers; wanted {wanted}. Does "
                                   "its depth follow channels?")


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


@assemble.behaviour
def returns_logits(answer):
    model = make(answer, **SMALL).eval()
    out = call(model, 5 * torch.randn(1, 1, 32, 32))
    sums = out.sum(dim=1)
    expect(not torch.allclose(sums, torch.ones_like(sums), atol=1e-4), "Your output adds up to 1 over the classes: it "
           "has been through a softmax. Return logits; the loss has the softmax inside.")
    expect(bool((out < 0).any()), "No output is negative. Is there a ReLU or a sigmoid after the last convolution?")


@assemble.behaviour
def skips_are_used(answer):
    model = make(answer, **SMALL).eval()
    x = torch.rand(1, 1, 32, 32)
    model(x).square().sum().backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None]
    expect(not silent, f"{len(silent)} parameters never take part, the first is {silent[0] if silent else ''}. "
                       "Is every block called?")


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


paper = Exercise("5.4", "The paper's sizes", minutes=8, kind="deeper")


@paper.behaviour
def the_paper(answer):
    close(call(answer, 572), 388, "572 pixels: wanted {wanted}, you say {got}. Four levels down, each two valid "
                                  "convolutions and a pool; the bottom; four levels up.")


@paper.behaviour
def other_sizes(answer):
    for size, wanted in [(188, 4), (236, 52), (700, 516)]:
        close(call(answer, size), wanted, f"{size} pixels: " + "wanted {wanted}, you say {got}.")
