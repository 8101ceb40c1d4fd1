"""Answers to the checked exercises of notebooks 00 to 06, written from the statements alone.

Whoever wrote them had not seen the checks. Each row is (id, what, answer): WRONG must get a hint, RIGHT must pass.
"""

import math
from collections import OrderedDict
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import convolve2d, correlate2d
from skimage.filters import threshold_otsu
from skimage.measure import block_reduce
from torch import nn

from unet_course import ConvBlock, DecoderBlock, EncoderBlock, UNet, match_size
from unet_course.tracing import trace_shapes

WRONG = []
RIGHT = []


def wrong(number, what):
    """Decorator: put this answer into WRONG."""
    return lambda answer: WRONG.append((number, what, answer)) or answer


def right(number, what):
    """Decorator: put this answer into RIGHT."""
    return lambda answer: RIGHT.append((number, what, answer)) or answer


# ---- 0.1 from probabilities to a mask ------------------------------------------------------------------------------

WRONG += [
    ("0.1", "looks along the last axis", lambda p: p.argmax(dim=-1)),
    ("0.1", "keeps the axis of the classes", lambda p: p.argmax(dim=0, keepdim=True)),
    ("0.1", "returns the largest probability, not its place", lambda p: p.max(dim=0).values),
    ("0.1", "returns both, values and places", lambda p: p.max(dim=0)),
    ("0.1", "place of the maximum of everything", lambda p: p.argmax()),
    ("0.1", "counts classes from 1", lambda p: p.argmax(dim=0) + 1),
    ("0.1", "the least probable class", lambda p: p.argmin(dim=0)),
    ("0.1", "one mask for each class", lambda p: (p == p.max(dim=0).values).long()),
    ("0.1", "only foreground or not", lambda p: (p[0] < p[1:].max(dim=0).values).long()),
    ("0.1", "background unless it is below a half", lambda p: torch.where(p[0] < 0.5, p[1:].argmax(dim=0) + 1, 0)),
    ("0.1", "transposed mask", lambda p: p.argmax(dim=0).T),
    ("0.1", "a class only where it has more than a half", lambda p: torch.where(p.amax(0) > 0.5, p.argmax(0), 0)),
    ("0.1", "knows three classes only", lambda p: p[:3].argmax(dim=0)),
]
RIGHT += [
    ("0.1", "permuted, then along the last axis", lambda p: p.permute(1, 2, 0).argmax(dim=-1)),
    ("0.1", "NumPy and back", lambda p: torch.from_numpy(np.argmax(p.numpy(), axis=0))),
    ("0.1", "the places that max returns", lambda p: torch.max(p, 0)[1]),
    ("0.1", "sorted", lambda p: p.argsort(dim=0, descending=True)[0]),
]


@right("0.1", "loops over pixels")
def mask_by_loops(p):
    mask = torch.zeros(p.shape[1:], dtype=torch.int64)
    for row in range(p.shape[1]):
        for column in range(p.shape[2]):
            for k in range(p.shape[0]):
                if p[k, row, column] > p[mask[row, column], row, column]:
                    mask[row, column] = k
    return mask


# ---- 0.2 the same network, another image ---------------------------------------------------------------------------

WRONG += [
    ("0.2", "width first in what comes out", [(64, 64, 48), (3, 384, 512)]),
    ("0.2", "halved four times", [(64, 32, 24), (3, 512, 384)]),
    ("0.2", "halved twice", [(64, 128, 96), (3, 512, 384)]),
    ("0.2", "shape of the 256 image", [(64, 32, 32), (3, 256, 256)]),
    ("0.2", "one channel out", [(64, 64, 48), (1, 512, 384)]),
    ("0.2", "features of the last decoder", [(64, 64, 48), (8, 512, 384)]),
    ("0.2", "channels of the level above", [(32, 64, 48), (3, 512, 384)]),
    ("0.2", "the two in the wrong order", [(3, 512, 384), (64, 64, 48)]),
    ("0.2", "channels last", [(64, 48, 64), (512, 384, 3)]),
    ("0.2", "channels grow with the image", [(128, 64, 48), (3, 512, 384)]),
]
RIGHT += [
    ("0.2", "lists", [[64, 64, 48], [3, 512, 384]]),
    ("0.2", "torch.Size in a tuple", (torch.Size([64, 64, 48]), torch.Size([3, 512, 384]))),
]

# ---- 0.3 from the camera's numbers to 0 … 1 ------------------------------------------------------------------------


def f32(x):
    return np.asarray(x).astype(np.float32)


WRONG += [
    ("0.3", "subtracts in uint16", lambda r, lo, hi: np.clip(f32(r - np.uint16(lo)) / (hi - lo), 0, 1)),
    ("0.3", "no clip", lambda r, lo, hi: (f32(r) - lo) / (hi - lo)),
    ("0.3", "clips above only", lambda r, lo, hi: f32(np.minimum((f32(r) - lo) / (hi - lo), 1))),
    ("0.3", "clips below only", lambda r, lo, hi: f32(np.maximum((f32(r) - lo) / (hi - lo), 0))),
    ("0.3", "float64", lambda r, lo, hi: np.clip((r.astype(float) - lo) / (hi - lo), 0, 1)),
    ("0.3", "divides by high", lambda r, lo, hi: f32(np.clip((f32(r) - lo) / hi, 0, 1))),
    ("0.3", "divides by 65535", lambda r, lo, hi: f32(np.clip(r / 65535, 0, 1))),
    ("0.3", "its own smallest and largest", lambda r, lo, hi: (f32(r) - r.min()) / np.float32(r.max() - r.min())),
    (
        "0.3",
        "changes to float32 through int16",
        lambda r, lo, hi: f32(np.clip((f32(r.astype("int16")) - lo) / (hi - lo), 0, 1)),
    ),
    ("0.3", "low becomes 1", lambda r, lo, hi: f32(np.clip((hi - f32(r)) / (hi - lo), 0, 1))),
    ("0.3", "clips to 0 … 1 before scaling", lambda r, lo, hi: (np.clip(f32(r), 0, 1) - lo) / (hi - lo)),
    ("0.3", "clips to low … high, does not scale", lambda r, lo, hi: f32(np.clip(r, lo, hi))),
    (
        "0.3",
        "what is above becomes 0",
        lambda r, lo, hi: f32(np.where((r < lo) | (r > hi), 0, (f32(r) - lo) / (hi - lo))),
    ),
    ("0.3", "throws away what lies outside", lambda r, lo, hi: (f32(r[(r >= lo) & (r <= hi)]) - lo) / (hi - lo)),
    ("0.3", "integer division", lambda r, lo, hi: f32(np.clip((r.astype(int) - lo) // (hi - lo), 0, 1))),
]
RIGHT += [
    ("0.3", "clips in uint16 first", lambda r, lo, hi: f32((np.clip(r, lo, hi) - lo) / (hi - lo))),
    ("0.3", "np.interp", lambda r, lo, hi: f32(np.interp(r, [lo, hi], [0, 1]))),
    ("0.3", "torch inside", lambda r, lo, hi: ((torch.from_numpy(f32(r)) - lo) / (hi - lo)).clamp(0, 1).numpy()),
]


@right("0.3", "two masks")
def scaled_by_masks(raw, low, high):
    out = (raw.astype("float64") - low) / (high - low)
    out[raw < low] = 0
    out[raw > high] = 1
    return out.astype("float32")


# ---- 1.1 the accuracy of predicting nothing ------------------------------------------------------------------------

WRONG += [
    ("1.1", "the number of pixels, not the share", lambda m: (m == 0).sum()),
    ("1.1", "the share that it gets wrong", lambda m: (m != 0).float().mean()),
    ("1.1", "one minus the mean of the class numbers", lambda m: 1 - m.float().mean()),
    ("1.1", "one minus the share of class 1", lambda m: 1 - (m == 1).float().mean()),
    ("1.1", "one minus the share of class 2", lambda m: 1 - (m == 2).float().mean()),
    ("1.1", "this field's number", lambda m: 0.93),
    ("1.1", "divides by this field's pixels", lambda m: (m == 0).sum() / 1_382_400),
    ("1.1", "per cent", lambda m: 100 * (m == 0).float().mean()),
    ("1.1", "for each column", lambda m: (m == 0).float().mean(dim=0)),
    ("1.1", "divides by the height", lambda m: (m == 0).sum() / m.shape[0]),
    ("1.1", "first of the counts, whatever class that is", lambda m: m.unique(return_counts=True)[1][0] / m.numel()),
    ("1.1", "the commonest class", lambda m: m.flatten().bincount().max() / m.numel()),
    ("1.1", "background against foreground", lambda m: (m == 0).sum() / (m != 0).sum()),
    ("1.1", "rounded down to a whole number", lambda m: (m == 0).sum() // m.numel()),
]
RIGHT += [
    ("1.1", "counts what is not 0", lambda m: 1 - torch.count_nonzero(m).item() / m.numel()),
    ("1.1", "one minus the share of foreground", lambda m: 1 - m.clamp(max=1).double().mean()),
    ("1.1", "a list", lambda m: m.flatten().tolist().count(0) / len(m.flatten())),
    ("1.1", "NumPy", lambda m: np.mean(np.asarray(m) == 0)),
]

# ---- 1.2 a mask somebody else drew ---------------------------------------------------------------------------------

WRONG += [
    ("1.2", "divides by 128", lambda d: d.long() // 128),
    ("1.2", "doubles in uint8 and overflows", lambda d: (d * 2 // 255).long()),
    ("1.2", "dtype stays uint8", lambda d: d // 127),
    ("1.2", "int32", lambda d: (d // 127).int()),
    ("1.2", "float", lambda d: (d.float() / 127.5).round()),
    ("1.2", "boundary and interior swapped", lambda d: 2 * (d == 128).long() + (d == 255).long()),
    ("1.2", "foreground only", lambda d: (d > 0).long()),
    ("1.2", "interior only", lambda d: (d == 255).long()),
    ("1.2", "only the dtype", lambda d: d.long()),
    ("1.2", "flat", lambda d: ((d == 128).long() + 2 * (d == 255).long()).flatten()),
    ("1.2", "divides by the largest that is there", lambda d: (2 * d.float() / d.max().clamp(min=1)).round().long()),
    ("1.2", "the drawing's interior is 254", lambda d: (d == 128).long() + 2 * (d == 254).long()),
    ("1.2", "one-hot", lambda d: torch.stack([d == 0, d == 128, d == 255]).long()),
    (
        "1.2",
        "place among three, searched from the right",
        lambda d: torch.bucketize(d.long(), torch.tensor([0, 128, 255]), right=True),
    ),
]
RIGHT += [
    ("1.2", "rounded", lambda d: (d.float() / 127.5).round().long()),
    (
        "1.2",
        "a table to look up in",
        lambda d: torch.eye(256, dtype=torch.int64)[:, [128, 255]].mul(torch.tensor([1, 2])).sum(1)[d.long()],
    ),
    ("1.2", "bucketize", lambda d: torch.bucketize(d.long(), torch.tensor([0, 128, 255]))),
    ("1.2", "two sums of truths", lambda d: (d >= 128).long() + (d == 255)),
]


@wrong("1.2", "numbers the values that are there, in a dictionary")
def clean_by_dictionary(drawn):
    names = {value: i for i, value in enumerate(sorted(set(drawn.flatten().tolist())))}
    return torch.tensor([names[v] for v in drawn.flatten().tolist()]).reshape(drawn.shape)


@wrong("1.2", "writes into a uint8 copy")
def clean_uint8(drawn):
    out = drawn.clone()
    out[drawn == 128], out[drawn == 255] = 1, 2
    return out


@right("1.2", "writes into zeros")
def clean_zeros(drawn):
    out = torch.zeros(drawn.shape, dtype=torch.long)
    out[drawn == 128] = 1
    out[drawn == 255] = 2
    return out


# ---- 1.3 a split that does not leak --------------------------------------------------------------------------------


def split(train, begin, end=lambda w, g, n: w):
    """The answer whose train has `train` columns and whose val goes from `begin` to `end`."""

    def split_columns(width, gap):
        n = train(width, gap)
        return slice(0, n), slice(begin(width, gap, n), end(width, gap, n))

    return split_columns


WRONG += [
    ("1.3", "three quarters of the width", split(lambda w, g: 3 * w // 4, lambda w, g, n: n + g)),
    ("1.3", "no gap", split(lambda w, g: 3 * (w - g) // 4, lambda w, g, n: n)),
    (
        "1.3",
        "val ends a gap too early",
        split(lambda w, g: 3 * (w - g) // 4, lambda w, g, n: n + g, lambda w, g, n: w - g),
    ),
    ("1.3", "the gap is one column too wide", split(lambda w, g: 3 * (w - g) // 4, lambda w, g, n: n + g + 1)),
    ("1.3", "the gap is one column too narrow", split(lambda w, g: 3 * (w - g) // 4, lambda w, g, n: n + g - 1)),
    (
        "1.3",
        "the last column is lost",
        split(lambda w, g: 3 * (w - g) // 4, lambda w, g, n: n + g, lambda w, g, n: w - 1),
    ),
    ("1.3", "half and half", split(lambda w, g: (w - g) // 2, lambda w, g, n: n + g)),
    ("1.3", "train has a quarter", split(lambda w, g: (w - g) // 4, lambda w, g, n: n + g)),
    ("1.3", "this field's numbers", lambda width, gap: (slice(0, 928), slice(992, 1280))),
    ("1.3", "val first", lambda w, g: (slice(3 * (w - g) // 4 + g, w), slice(0, 3 * (w - g) // 4))),
    ("1.3", "the gap is taken from train", split(lambda w, g: 3 * w // 4 - g, lambda w, g, n: n + g)),
    ("1.3", "floats", split(lambda w, g: 0.75 * (w - g), lambda w, g, n: n + g)),
    ("1.3", "numbers of columns, no slices", lambda w, g: (3 * (w - g) // 4, w - g - 3 * (w - g) // 4)),
    ("1.3", "the gap twice", split(lambda w, g: 3 * (w - 2 * g) // 4, lambda w, g, n: n + 2 * g)),
]
RIGHT += [
    ("1.3", "open ends", lambda w, g: (slice(3 * (w - g) // 4), slice(3 * (w - g) // 4 + g, None))),
    (
        "1.3",
        "val has a quarter, train the rest",
        lambda w, g: (slice(0, w - g - (w - g) // 4), slice(w - (w - g) // 4, w)),
    ),
    ("1.3", "rounded to the nearest", split(lambda w, g: round(0.75 * (w - g)), lambda w, g, n: n + g)),
    ("1.3", "a list of two", lambda w, g: [slice(0, int((w - g) * 0.75), 1), slice(int((w - g) * 0.75) + g, w, 1)]),
]

# ---- 1.4 which is a fair score -------------------------------------------------------------------------------------

WRONG += [("1.4", f"{letter!r}", letter) for letter in ("A", "C", "D", "BD", ["B", "D"], "none", 2)]
RIGHT += [("1.4", "capital", "B"), ("1.4", "small letter", "b")]

# ---- 1.5 the best threshold (these rows are by somebody who had seen the check) ------------------


def dice_by_hand(said, truth):
    both = (said & truth).sum().item()
    return 2 * both / (said.sum().item() + truth.sum().item()) if (said | truth).any() else 1.0


def level_by(score, choose=max):
    """The answer that takes the level with the best `score(image, level, truth)`."""
    return lambda image, truth, levels: choose(levels, key=lambda v: score(image, v, truth))


WRONG += [
    ("1.5", "Otsu's threshold", lambda i, t, levels: threshold_otsu(i.numpy())),
    ("1.5", "the level nearest to the mean",
     lambda i, t, levels: min(levels, key=lambda v: abs(v - i.mean().item()))),
    ("1.5", "the middle level", lambda i, t, levels: levels[len(levels) // 2]),
    ("1.5", "the mean of the levels", lambda i, t, levels: sum(levels) / len(levels)),
    ("1.5", "the fewest wrong pixels", level_by(lambda i, v, t: ((i > v) != t).sum(), min)),
    ("1.5", "the most background that is right", level_by(lambda i, v, t: (~(i > v) & ~t).sum())),
    ("1.5", "the overlap alone", level_by(lambda i, v, t: ((i > v) & t).sum())),
    ("1.5", "from the level on", level_by(lambda i, v, t: dice_by_hand(i >= v, t))),
    ("1.5", "darker than the level", level_by(lambda i, v, t: dice_by_hand(i < v, t))),
    ("1.5", "the lowest Dice", level_by(lambda i, v, t: dice_by_hand(i > v, t), min)),
    ("1.5", "overlap over the image", level_by(lambda i, v, t: ((i > v) & t).sum() / i.numel())),
    ("1.5", "a dictionary of all",
     lambda i, t, levels: {v: dice_by_hand(i > v, t) for v in levels}),
    ("1.5", "levels of its own",
     lambda i, t, levels: max([k / 7 for k in range(7)], key=lambda v: dice_by_hand(i > v, t))),
    ("1.5", "the first two levels only",
     lambda i, t, levels: max(levels[:2], key=lambda v: dice_by_hand(i > v, t))),
    ("1.5", "the score printed, not returned", lambda i, t, levels: print(end="")),
]
RIGHT += [
    ("1.5", "max with a key", level_by(lambda i, v, t: dice_by_hand(i > v, t))),
    ("1.5", "a dictionary, then its best", lambda i, t, levels: max(
        {v: dice_by_hand(i > v, t) for v in levels}.items(), key=lambda pair: pair[1])[0]),
    ("1.5", "one minus Dice, the smallest",
     level_by(lambda i, v, t: 1 - dice_by_hand(i > v, t), min)),
]

# ---- 2.1 a convolution by hand -------------------------------------------------------------------------------------


def places(image, change=0):
    return [(r, c) for r in range(image.shape[0] - 2 + change) for c in range(image.shape[1] - 2 + change)]


def by_window(function):
    """The answer that computes each output pixel from its window by `function(window, kernel)`."""

    def convolve(image, kernel):
        out = torch.zeros(image.shape[0] - 2, image.shape[1] - 2)
        for r, c in places(image):
            out[r, c] = function(image[r : r + 3, c : c + 3], kernel)
        return out

    return convolve


WRONG += [
    ("2.1", "turns the kernel by 180°", by_window(lambda w, k: (w * k.flip(0, 1)).sum())),
    ("2.1", "transposes the kernel", by_window(lambda w, k: (w * k.T).sum())),
    ("2.1", "a mean", by_window(lambda w, k: (w * k).mean())),
    ("2.1", "a matrix product", by_window(lambda w, k: (w @ k).sum())),
    ("2.1", "absolute value", by_window(lambda w, k: (w * k).sum().abs())),
    ("2.1", "divided by the kernel's sum", by_window(lambda w, k: (w * k).sum() / k.sum())),
    ("2.1", "whole numbers", by_window(lambda w, k: int((w * k).sum()))),
    ("2.1", "the largest product", by_window(lambda w, k: (w * k).max())),
    ("2.1", "mirrors the kernel left to right", by_window(lambda w, k: (w * k.flip(1)).sum())),
    ("2.1", "with padding", lambda i, k: F.conv2d(i[None, None], k[None, None], padding=1)[0, 0]),
    (
        "2.1",
        "scipy's convolve2d, which turns the kernel",
        lambda i, k: torch.from_numpy(convolve2d(i.numpy(), k.numpy(), mode="valid")),
    ),
    ("2.1", "stride 3", lambda i, k: F.conv2d(i[None, None], k[None, None], stride=3)[0, 0]),
    ("2.1", "keeps the two axes of one", lambda i, k: F.conv2d(i[None, None], k[None, None])),
    ("2.1", "height and width of the result swapped", lambda i, k: F.conv2d(i[None, None], k[None, None])[0, 0].T),
]
RIGHT += [
    ("2.1", "by windows", by_window(lambda w, k: (w * k).sum())),
    ("2.1", "torch's own", lambda image, kernel: F.conv2d(image[None, None], kernel[None, None])[0, 0]),
    (
        "2.1",
        "unfold and einsum",
        lambda image, kernel: torch.einsum("rcij,ij->rc", image.unfold(0, 3, 1).unfold(1, 3, 1), kernel),
    ),
    ("2.1", "scipy's correlate2d", lambda i, k: torch.from_numpy(correlate2d(i.numpy(), k.numpy(), mode="valid"))),
]


@wrong("2.1", "the last row and column are forgotten")
def convolve_short(image, kernel):
    out = torch.zeros(image.shape[0] - 2, image.shape[1] - 2)
    for r, c in places(image, -1):
        out[r, c] = (image[r : r + 3, c : c + 3] * kernel).sum()
    return out


@wrong("2.1", "square images only")
def convolve_square(image, kernel):
    n = image.shape[0] - 2
    return torch.stack(
        [torch.stack([(image[r : r + 3, c : c + 3] * kernel).sum() for c in range(n)]) for r in range(n)]
    )


@wrong("2.1", "rows and columns of the output swapped")
def convolve_swapped(image, kernel):
    out = torch.zeros(image.shape[1] - 2, image.shape[0] - 2)
    for r, c in places(image):
        out[r, c] = (image[r : r + 3, c : c + 3] * kernel).sum()
    return out


@wrong("2.1", "output 3×3 as in the example")
def convolve_three(image, kernel):
    out = torch.zeros(3, 3)
    for r in range(3):
        for c in range(3):
            out[r, c] = (image[r : r + 3, c : c + 3] * kernel).sum()
    return out


@wrong("2.1", "adds to what the last call left")
def convolve_remembers(image, kernel, kept={}):  # noqa: B006
    out = kept.setdefault((image.shape, "out"), torch.zeros(image.shape[0] - 2, image.shape[1] - 2))
    for r, c in places(image):
        out[r, c] += (image[r : r + 3, c : c + 3] * kernel).sum()
    return out


@wrong("2.1", "the sum is not set back to 0")
def convolve_running(image, kernel):
    out, total = torch.zeros(image.shape[0] - 2, image.shape[1] - 2), 0
    for r, c in places(image):
        total = total + (image[r : r + 3, c : c + 3] * kernel).sum()
        out[r, c] = total
    return out


@wrong("2.1", "returns inside the loop")
def convolve_first(image, kernel):
    out = torch.zeros(image.shape[0] - 2, image.shape[1] - 2)
    for r, c in places(image):
        out[r, c] = (image[r : r + 3, c : c + 3] * kernel).sum()
        return out


@right("2.1", "nine shifted images")
def convolve_shifted(image, kernel):
    h, w = image.shape[0] - 2, image.shape[1] - 2
    return sum(kernel[i, j] * image[i : i + h, j : j + w] for i in range(3) for j in range(3))


@right("2.1", "four loops")
def convolve_four(image, kernel):
    h, w = image.shape
    rows = []
    for r in range(1, h - 1):
        rows.append(
            [
                sum(float(image[r + i, c + j]) * float(kernel[1 + i, 1 + j]) for i in (-1, 0, 1) for j in (-1, 0, 1))
                for c in range(1, w - 1)
            ]
        )
    return torch.tensor(rows)


# ---- 2.2 predict the size ------------------------------------------------------------------------------------------

WRONG += [
    ("2.2", "not rounded", lambda n, kernel, padding, stride: (n + 2 * padding - kernel) / stride + 1),
    ("2.2", "padding on one side", lambda n, kernel, padding, stride: (n + padding - kernel) // stride + 1),
    ("2.2", "without the one", lambda n, kernel, padding, stride: (n + 2 * padding - kernel) // stride),
    ("2.2", "the one inside the division", lambda n, kernel, padding, stride: (n + 2 * padding - kernel + 1) // stride),
    ("2.2", "rounds up", lambda n, kernel, padding, stride: math.ceil((n + 2 * padding - kernel) / stride) + 1),
    ("2.2", "rounds to the nearest", lambda n, kernel, padding, stride: round((n + 2 * padding - kernel) / stride) + 1),
    ("2.2", "no stride", lambda n, kernel, padding, stride: n + 2 * padding - kernel + 1),
    ("2.2", "no padding", lambda n, kernel, padding, stride: (n - kernel) // stride + 1),
    ("2.2", "kernel of 3", lambda n, kernel, padding, stride: (n + 2 * padding - 3) // stride + 1),
    ("2.2", "divides the kernel only", lambda n, kernel, padding, stride: n + 2 * padding - kernel // stride + 1),
    ("2.2", "rounds n / stride down", lambda n, kernel, padding, stride: n // stride + 2 * padding - kernel + 1),
    (
        "2.2",
        "rounds up, the one inside",
        lambda n, kernel, padding, stride: -(-(n + 2 * padding - kernel + 1) // stride) + 1,
    ),
]
RIGHT += [
    ("2.2", "floor", lambda n, kernel, padding, stride: math.floor((n + 2 * padding - kernel) / stride) + 1),
    ("2.2", "counts the places", lambda n, k, p, s: len(range(0, n + 2 * p - k + 1, s))),
    (
        "2.2",
        "asks torch",
        lambda n, kernel, padding, stride: nn.Conv1d(1, 1, kernel, stride=stride, padding=padding)(
            torch.zeros(1, 1, n)
        ).shape[-1],
    ),
]

# ---- 2.3 ConvBlock -------------------------------------------------------------------------------------------------


def conv_block(make, forward=None):
    """A block of the layers that `make(c, o, padding, norm)` returns; `forward(self, x)` in place of the plain one."""

    class MyConvBlock(nn.Module):
        def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
            super().__init__()
            self.layers = nn.Sequential(*make(in_channels, out_channels, padding, norm))

        def forward(self, x):
            return self.layers(x) if forward is None else forward(self, x)

    return MyConvBlock


def half(c, o, p, norm, *, kernel=3, act=nn.ReLU, bn=nn.BatchNorm2d, bias=None):
    return [
        nn.Conv2d(c, o, kernel, padding=p, bias=not norm if bias is None else bias),
        *([bn(o)] if norm else []),
        act(),
    ]


def both(c, o, p, norm, **options):
    return half(c, o, p, norm, **options) + half(o, o, p, norm, **options)


WRONG += [
    ("2.3", "padding always 1", conv_block(lambda c, o, p, n: both(c, o, 1, n))),
    ("2.3", "no padding in the second", conv_block(lambda c, o, p, n: half(c, o, p, n) + half(o, o, 0, n))),
    ("2.3", "a norm always", conv_block(lambda c, o, p, n: both(c, o, p, True))),
    ("2.3", "never a norm", conv_block(lambda c, o, p, n: both(c, o, p, False))),
    ("2.3", "never a bias", conv_block(lambda c, o, p, n: both(c, o, p, n, bias=False))),
    ("2.3", "a bias always", conv_block(lambda c, o, p, n: both(c, o, p, n, bias=True))),
    ("2.3", "bias the wrong way round", conv_block(lambda c, o, p, n: both(c, o, p, n, bias=n))),
    ("2.3", "bias in the first only", conv_block(lambda c, o, p, n: half(c, o, p, n) + half(o, o, p, n, bias=False))),
    ("2.3", "second convolution from in_channels", conv_block(lambda c, o, p, n: half(c, o, p, n) + half(c, o, p, n))),
    ("2.3", "one convolution", conv_block(half)),
    ("2.3", "three convolutions", conv_block(lambda c, o, p, n: both(c, o, p, n) + half(o, o, p, n))),
    ("2.3", "no last ReLU", conv_block(lambda c, o, p, n: both(c, o, p, n)[:-1])),
    (
        "2.3",
        "no last norm",
        conv_block(lambda c, o, p, n: half(c, o, p, n) + [nn.Conv2d(o, o, 3, padding=p, bias=not n), nn.ReLU()]),
    ),
    (
        "2.3",
        "ReLU before the norm",
        conv_block(
            lambda c, o, p, n: [
                x for a, b in ((c, o), (o, o)) for x in (half(a, b, p, n)[0], nn.ReLU(), *half(a, b, p, n)[1:-1])
            ]
        ),
    ),
    (
        "2.3",
        "norm before the convolution",
        conv_block(
            lambda c, o, p, n: [
                x
                for a, b in ((c, o), (o, o))
                for x in ([nn.BatchNorm2d(a)] if n else []) + [half(a, b, p, n)[0], nn.ReLU()]
            ]
        ),
    ),
    ("2.3", "LeakyReLU", conv_block(lambda c, o, p, n: both(c, o, p, n, act=nn.LeakyReLU))),
    ("2.3", "GELU", conv_block(lambda c, o, p, n: both(c, o, p, n, act=nn.GELU))),
    ("2.3", "ReLU6", conv_block(lambda c, o, p, n: both(c, o, p, n, act=nn.ReLU6))),
    ("2.3", "kernel 5", conv_block(lambda c, o, p, n: both(c, o, p + 1, n, kernel=5))),
    ("2.3", "kernel 1", conv_block(lambda c, o, p, n: both(c, o, p - 1, n, kernel=1) if p else both(c, o, 0, n))),
    ("2.3", "instance norm", conv_block(lambda c, o, p, n: both(c, o, p, n, bn=nn.InstanceNorm2d))),
    (
        "2.3",
        "norm without scale and shift",
        conv_block(lambda c, o, p, n: both(c, o, p, n, bn=lambda o: nn.BatchNorm2d(o, affine=False))),
    ),
    (
        "2.3",
        "norm without running averages",
        conv_block(lambda c, o, p, n: both(c, o, p, n, bn=lambda o: nn.BatchNorm2d(o, track_running_stats=False))),
    ),
    ("2.3", "gradient cut at the end", conv_block(both, lambda self, x: self.layers(x).detach())),
    ("2.3", "no gradient", conv_block(both, torch.no_grad()(lambda self, x: self.layers(x)))),
    (
        "2.3",
        "a shortcut around the block",
        conv_block(
            both,
            lambda self, x: (
                self.layers(x) + x.mean(1, keepdim=True) if x.shape[-1] == self.layers(x).shape[-1] else self.layers(x)
            ),
        ),
    ),
    (
        "2.3",
        "runs the layers twice if the channels allow it",
        conv_block(
            both,
            lambda self, x: self.layers(self.layers(x)) if x.shape[1] == self.layers(x).shape[1] else self.layers(x),
        ),
    ),
    ("2.3", "changes its input", conv_block(both, lambda self, x: self.layers(x.clamp_(min=0)))),
]


@wrong("2.3", "one norm for both")
class SharedNorm(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, 3, padding=padding, bias=not norm)
        self.second = nn.Conv2d(out_channels, out_channels, 3, padding=padding, bias=not norm)
        self.norm = nn.BatchNorm2d(out_channels) if norm else nn.Identity()

    def forward(self, x):
        return self.norm(self.second(self.norm(self.first(x)).relu())).relu()


@wrong("2.3", "layers in a Python list")
class ListBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.layers = both(in_channels, out_channels, padding, norm)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@wrong("2.3", "layers made anew in forward")
class NewLayers(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.options = in_channels, out_channels, padding, norm

    def forward(self, x):
        return nn.Sequential(*both(*self.options))(x)


@wrong("2.3", "batch norm always as in training")
class AlwaysTraining(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.layers = nn.Sequential(*both(in_channels, out_channels, padding, norm))

    def forward(self, x):
        for layer in self.layers:
            if isinstance(layer, nn.BatchNorm2d):
                x = F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias, training=True)
            else:
                x = layer(x)
        return x


@right("2.3", "attributes of their own, functional ReLU")
class Attributes(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.norm_b = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.conv_b = nn.Conv2d(out_channels, out_channels, (3, 3), padding=(padding, padding), bias=not norm)
        self.norm_a = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.conv_a = nn.Conv2d(in_channels, out_channels, (3, 3), padding=(padding, padding), bias=not norm)

    def forward(self, x):
        x = F.relu(self.norm_a(self.conv_a(x)))
        return F.relu(self.norm_b(self.conv_b(x)), inplace=True)


@right("2.3", "one ReLU for both, if and else")
class OneReLU(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        relu = nn.ReLU(inplace=True)
        if norm:
            self.net = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 3, 1, padding, bias=False),
                nn.BatchNorm2d(out_channels),
                relu,
                nn.Conv2d(out_channels, out_channels, 3, 1, padding, bias=False),
                nn.BatchNorm2d(out_channels),
                relu,
            )
        else:
            self.net = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 3, padding=padding),
                relu,
                nn.Conv2d(out_channels, out_channels, 3, padding=padding),
                relu,
            )

    def forward(self, image):
        return self.net(image)


@right("2.3", "clamp in place of ReLU, a ModuleList")
class Clamped(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(c, out_channels, 3, padding=padding, bias=not norm) for c in (in_channels, out_channels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(out_channels) for _ in range(2 * norm))

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if len(self.norms):
                x = self.norms[i](x)
            x = x.clamp(min=0)
        return x


# ---- 2.4 how far does a value see ----------------------------------------------------------------------------------

WRONG += [
    ("2.4", "3 for each", lambda n: 3 * n),
    ("2.4", "without the pixel itself", lambda n: 2 * n),
    ("2.4", "one for each", lambda n: n + 2),
    ("2.4", "powers of 3", lambda n: 3**n),
    ("2.4", "counts blocks", lambda n: 4 * n + 1),
    ("2.4", "on one side", lambda n: n + 1),
    ("2.4", "off by one convolution", lambda n: 2 * n - 1),
    ("2.4", "the area", lambda n: (2 * n + 1) ** 2),
    ("2.4", "doubles", lambda n: 2 ** (n + 1) - 1),
    ("2.4", "a list", lambda n: [2 * i + 1 for i in range(n + 1)]),
]
RIGHT += [
    ("2.4", "a sum", lambda n: 1 + sum(2 for _ in range(n))),
    ("2.4", "counts to the left and right", lambda convolutions: len(range(-convolutions, convolutions + 1))),
]

# ---- 2.5 find the fault --------------------------------------------------------------------------------------------

WRONG += [
    ("2.5", f"{a}", a)
    for a in (
        [1, 1, 6],
        [4, 4, 6],
        [4, 1, 5],
        [4, 1, 3],
        [3, 0, 5],
        [1, 4, 6],
        [5, 1, 6],
        [4, 2, 6],
        [6, 1, 4],
        [4, 1],
        [4, 1, 6, 6],
    )
]
RIGHT += [("2.5", "list", [4, 1, 6]), ("2.5", "tuple", (4, 1, 6)), ("2.5", "tensor", torch.tensor([4, 1, 6]))]


# ---- 3.1 max-pool by hand ------------------------------------------------------------------------------------------


def pool_by(function, sizes=lambda h, w: (-(-h // 2), -(-w // 2))):
    """The answer that computes each output pixel from its square by `function`."""

    def pool(image):
        h, w = sizes(*image.shape)
        return torch.stack(
            [torch.stack([function(image[2 * r : 2 * r + 2, 2 * c : 2 * c + 2]) for c in range(w)]) for r in range(h)]
        )

    return pool


def pad_pool(image, value):
    image = F.pad(image, (0, image.shape[1] % 2, 0, image.shape[0] % 2), value=value)
    return image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2).amax(dim=(1, 3))


WRONG += [
    ("3.1", "rounds down", lambda image: F.max_pool2d(image[None, None], 2)[0, 0]),
    ("3.1", "pads an odd side with zeros", lambda image: pad_pool(image, 0.0)),
    ("3.1", "mean", pool_by(torch.mean)),
    ("3.1", "smallest", pool_by(torch.min)),
    ("3.1", "largest without its sign", pool_by(lambda s: s.abs().max())),
    ("3.1", "first of each square", lambda image: image[::2, ::2]),
    ("3.1", "rounds the columns down", pool_by(torch.max, lambda h, w: (-(-h // 2), w // 2))),
    ("3.1", "rounds the rows down", pool_by(torch.max, lambda h, w: (h // 2, -(-w // 2)))),
    ("3.1", "one more square on every side", pool_by(torch.max, lambda h, w: (h // 2 + 1, w // 2 + 1))),
    ("3.1", "height for the width too", pool_by(torch.max, lambda h, w: (-(-h // 2), -(-h // 2)))),
    ("3.1", "stride 1", lambda image: F.max_pool2d(image[None, None], 2, stride=1)[0, 0]),
    ("3.1", "keeps the two axes of one", lambda image: F.max_pool2d(image[None, None], 2, ceil_mode=True)),
    ("3.1", "whole numbers", pool_by(lambda s: s.max().int())),
    ("3.1", "squares of 3", lambda image: F.max_pool2d(image[None, None], 3, stride=2, padding=1)[0, 0]),
    ("3.1", "skimage, which pads with zeros", lambda i: torch.from_numpy(block_reduce(i.numpy(), (2, 2), np.max))),
    ("3.1", "adaptive pool", lambda i: F.adaptive_max_pool2d(i[None], (-(-i.shape[0] // 2), -(-i.shape[1] // 2)))[0]),
]
RIGHT += [
    ("3.1", "by squares", pool_by(torch.max)),
    ("3.1", "pads with minus infinity", lambda image: pad_pool(image, -math.inf)),
    ("3.1", "torch's own", lambda image: nn.MaxPool2d(2, ceil_mode=True)(image[None])[0]),
]


@wrong("3.1", "starts from zeros and keeps the larger")
def pool_from_zero(image):
    out = torch.zeros(-(-image.shape[0] // 2), -(-image.shape[1] // 2))
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            out[r // 2, c // 2] = max(out[r // 2, c // 2], image[r, c])
    return out


@right("3.1", "starts from minus infinity and keeps the larger")
def pool_from_below(image):
    out = torch.full((math.ceil(image.shape[0] / 2), math.ceil(image.shape[1] / 2)), -math.inf)
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            out[r // 2, c // 2] = torch.maximum(out[r // 2, c // 2], image[r, c])
    return out


# ---- 3.2 sizes on the way down -------------------------------------------------------------------------------------

WRONG += [
    ("3.2", "rounds down", lambda n, pools: [n // 2**i for i in range(pools + 1)]),
    ("3.2", "without the size before the first pool", lambda n, pools: [-(-n // 2**i) for i in range(1, pools + 1)]),
    ("3.2", "without the last", lambda n, pools: [-(-n // 2**i) for i in range(pools)]),
    ("3.2", "one too many", lambda n, pools: [-(-n // 2**i) for i in range(pools + 2)]),
    ("3.2", "fractions", lambda n, pools: [n / 2**i for i in range(pools + 1)]),
    ("3.2", "rounds to the nearest", lambda n, pools: [round(n / 2**i) for i in range(pools + 1)]),
    ("3.2", "adds 1 once, then divides", lambda n, pools: [n] + [(n + 1) // 2**i for i in range(1, pools + 1)]),
    ("3.2", "one more after every pool", lambda n, pools: [n] + [n // 2**i + 1 for i in range(1, pools + 1)]),
    ("3.2", "from the bottom up", lambda n, pools: [-(-n // 2**i) for i in range(pools, -1, -1)]),
    ("3.2", "the last size alone", lambda n, pools: -(-n // 2**pools)),
    ("3.2", "divides by 2 times i", lambda n, pools: [n] + [-(-n // (2 * i)) for i in range(1, pools + 1)]),
    (
        "3.2",
        "stops at 1",
        lambda n, pools: [n] + [-(-n // 2**i) for i in range(1, pools + 1) if -(-n // 2 ** (i - 1)) > 1],
    ),
]
RIGHT += [
    ("3.2", "in one line", lambda n, pools: [math.ceil(n / 2**i) for i in range(pools + 1)]),
    (
        "3.2",
        "asks torch",
        lambda n, pools: (
            [n]
            + [
                nn.Sequential(*[nn.MaxPool1d(2, ceil_mode=True)] * i)(torch.zeros(1, 1, n)).shape[-1]
                for i in range(1, pools + 1)
            ]
        ),
    ),
]


@wrong("3.2", "goes on with the list of the last call")
def sizes_remembered(n, pools, sizes=[]):  # noqa: B006
    sizes.append(n)
    for _ in range(pools):
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


@right("3.2", "a loop")
def sizes_loop(n, pools):
    sizes = [n]
    while len(sizes) <= pools:
        sizes.append(sizes[-1] // 2 + sizes[-1] % 2)
    return sizes


# ---- 3.3 EncoderBlock ----------------------------------------------------------------------------------------------


def encoder(forward, block=lambda c, o, p, n: ConvBlock(c, o, padding=p, norm=n), pool=None):
    class MyEncoderBlock(nn.Module):
        def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
            super().__init__()
            self.block = block(in_channels, out_channels, padding, norm)
            self.pool = nn.MaxPool2d(2, ceil_mode=True) if pool is None else pool(out_channels)

        def forward(self, x):
            return forward(self, x)

    return MyEncoderBlock


def good_encoder(self, x):
    skip = self.block(x)
    return skip, self.pool(skip)


WRONG += [
    ("3.3", "skip after the pool", encoder(lambda self, x: (self.pool(self.block(x)),) * 2)),
    ("3.3", "the two in the other order", encoder(lambda self, x: good_encoder(self, x)[::-1])),
    ("3.3", "rounds down", encoder(good_encoder, pool=lambda o: nn.MaxPool2d(2))),
    ("3.3", "mean pool", encoder(good_encoder, pool=lambda o: nn.AvgPool2d(2, ceil_mode=True))),
    ("3.3", "padding not handed on", encoder(good_encoder, lambda c, o, p, n: ConvBlock(c, o, norm=n))),
    ("3.3", "norm not handed on", encoder(good_encoder, lambda c, o, p, n: ConvBlock(c, o, padding=p))),
    ("3.3", "norm never", encoder(good_encoder, lambda c, o, p, n: ConvBlock(c, o, padding=p, norm=False))),
    ("3.3", "skip is the input", encoder(lambda self, x: (x, self.pool(self.block(x))))),
    ("3.3", "pools the input", encoder(lambda self, x: (self.block(x), self.block(self.pool(x))))),
    ("3.3", "only the pooled", encoder(lambda self, x: self.pool(self.block(x)))),
    ("3.3", "skip detached", encoder(lambda self, x: (self.block(x).detach(), self.pool(self.block(x))))),
    ("3.3", "pooled detached", encoder(lambda self, x: (self.block(x), self.pool(self.block(x).detach())))),
    ("3.3", "squares of 3", encoder(good_encoder, pool=lambda o: nn.MaxPool2d(3, stride=2, padding=1))),
    ("3.3", "stride 1", encoder(good_encoder, pool=lambda o: nn.MaxPool2d(2, stride=1, ceil_mode=True))),
    (
        "3.3",
        "convolution with stride in place of the pool",
        encoder(good_encoder, pool=lambda o: nn.Conv2d(o, o, 3, stride=2, padding=1)),
    ),
    ("3.3", "halves by nearest neighbour", encoder(lambda self, x: (self.block(x), self.block(x)[..., ::2, ::2]))),
    (
        "3.3",
        "two convolutions more",
        encoder(
            good_encoder,
            lambda c, o, p, n: nn.Sequential(ConvBlock(c, o, padding=p, norm=n), ConvBlock(o, o, padding=p, norm=n)),
        ),
    ),
    (
        "3.3",
        "skip is the pooled, enlarged",
        encoder(
            lambda self, x: (
                F.interpolate(self.pool(self.block(x)), size=self.block(x).shape[-2:]),
                self.pool(self.block(x)),
            )
        ),
    ),
]
RIGHT += [
    ("3.3", "a Sequential of its own", encoder(good_encoder, lambda c, o, p, n: nn.Sequential(*both(c, o, p, n)))),
    (
        "3.3",
        "functional pool",
        encoder(lambda self, x: (lambda s: (s, F.max_pool2d(s, 2, 2, ceil_mode=True)))(self.block(x))),
    ),
    (
        "3.3",
        "zeros at an odd side, which no value after a ReLU is below",
        encoder(
            lambda self, x: (lambda s: (s, F.max_pool2d(F.pad(s, (0, s.shape[-1] % 2, 0, s.shape[-2] % 2)), 2)))(
                self.block(x)
            )
        ),
    ),
]

# ---- 3.4 a kernel for a gap, 3.5 factors, 3.6 receptive field --------------------------------------------------------

WRONG += [
    ("3.4", what, kernel)
    for what, kernel in (
        ("a number", -1),
        ("the middle alone", [[0, 0, 0], [0, -1, 0], [0, 0, 0]]),
        ("mean", torch.full((3, 3), 1 / 9)),
        ("from left to right", [[1, 1, 1], [-2, -2, -2], [1, 1, 1]]),
        ("right minus left", [[-1, 0, 1]] * 3),
        ("sum above 0", [[0, 0, 0], [2, -3, 2], [0, 0, 0]]),
        ("five by five", torch.zeros(5, 5)),
        ("for torch", torch.tensor([[[[0.0, 0, 0], [1, -2, 1], [0, 0, 0]]]])),
        ("nothing", [[0] * 3] * 3),
    )
]
RIGHT += [
    ("3.4", "the rim kernel of 02", [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    ("3.4", "all rows", [[1, -2, 1]] * 3),
    ("3.4", "fractions", [[0, 0, 0], [Fraction(1, 2), -1, Fraction(1, 2)], [0, 0, 0]]),
    ("3.4", "NumPy", np.array([[1, 1, 1], [1, -8, 1], [1, 1, 1]])),
    ("3.4", "one side and the middle", [[0, 0, 0], [0, -1, 1], [0, 0, 0]]),
    ("3.4", "below 0 in all", [[0, -1, 0], [1, -3, 1], [0, -1, 0]]),
]
WRONG += [
    ("3.6", what, answer)
    for what, answer in (
        ("a number", 68),
        ("one more for each layer", lambda layers: 1 + len(layers)),
        ("half of each kernel", lambda layers: 1 + sum(k // 2 for k, _ in layers)),
        ("strides alone", lambda layers: math.prod(s for _, s in layers)),
        ("kernels times all strides", lambda layers: 1 + sum(k - 1 for k, _ in layers) * math.prod(s for _, s in layers)),
        ("the first layer last", lambda layers: sight(layers[::-1])),
        ("no pool counts", lambda layers: sight([(k, s) if s == 1 else (1, s) for k, s in layers])),
        ("kernel in place of kernel less one", lambda layers: sight([(k + 1, s) for k, s in layers])),
        ("the list", lambda layers: [sight(layers[: n + 1]) for n in range(len(layers))]),
    )
]


def sight(layers):
    reach, jump = 1, 1
    for k, s in layers:
        reach, jump = reach + (k - 1) * jump, jump * s
    return reach


@right("3.6", "sums of products")
def sight_in_one_line(layers):
    return 1 + sum((k - 1) * math.prod(s for _, s in layers[:n]) for n, (k, _) in enumerate(layers))


@right("3.6", "recursive")
def sight_recursive(layers):
    return 1 if not layers else (sight_recursive(layers[1:]) - 1) * layers[0][1] + layers[0][0]


RIGHT += [("3.6", "a float", lambda layers: float(sight(layers))), ("3.6", "NumPy", lambda layers: np.int64(sight(layers)))]
WRONG += [
    ("3.5", f"{a}", a)
    for a in (
        [4, 2, 4],
        [0.5, 0.5, 4],
        [0.25, 0.5, 2],
        [0.25, 2, 4],
        [0.25, 0.25, 4],
        [0.25, 0.5, 8],
        [0.25, 0.5, 1],
        [0.25, 1, 4],
        [0.25, 0.5, 0.25],
        [4, 0.5, 0.25],
        [0.5, 1, 4],
        [0.25, 0.5],
    )
]
RIGHT += [
    ("3.5", "fractions", [1 / 4, 1 / 2, 4]),
    ("3.5", "Fraction", (Fraction(1, 4), Fraction(1, 2), Fraction(4))),
    ("3.5", "tensor", torch.tensor([0.25, 0.5, 4.0])),
]

# ---- 4.1 a negative pad --------------------------------------------------------------------------------------------

WRONG += [
    ("4.1", what, a)
    for what, a in (
        ("rows first", (0, 1, -1, -2)),
        ("all from the left", (-3, 0, 0, 1)),
        ("all from the right", (0, -3, 0, 1)),
        ("the row at the top", (-1, -2, 1, 0)),
        ("signs the wrong way round", (1, 2, 0, -1)),
        ("halves", (-1.5, -1.5, 0, 1)),
        ("two columns only", (-1, -1, 0, 1)),
        ("four columns", (-2, -2, 0, 1)),
        ("takes a row", (-1, -2, 0, -1)),
        ("adds columns", (1, 2, 0, 1)),
        ("sizes", (0, 6, 0, 10)),
        ("left, top, right, bottom", (-1, 0, -2, 1)),
        ("two numbers", (-3, 1)),
    )
]
RIGHT += [("4.1", "one left", (-1, -2, 0, 1)), ("4.1", "two left, a list", [-2, -1, 0, 1])]

# ---- 4.2 match_size ------------------------------------------------------------------------------------------------


def matched(top, value=0.0, mode="constant", swap=False):
    """F.pad with `top(d)` of the d missing rows at the top, the rest at the bottom, and so for the columns."""

    def my_match_size(skip, size):
        dh, dw = size[0] - skip.shape[-2], size[1] - skip.shape[-1]
        pad = (top(dw), dw - top(dw), top(dh), dh - top(dh))
        return F.pad(
            skip, pad[2:] + pad[:2] if swap else pad, mode=mode, **({"value": value} if mode == "constant" else {})
        )

    return my_match_size


def cut(skip, size):
    h, w = skip.shape[-2:]
    r, c = (h - size[0]) // 2, (w - size[1]) // 2
    return skip[..., r : r + size[0], c : c + size[1]]


WRONG += [
    ("4.2", "rows and columns swapped in F.pad", matched(lambda d: d // 2, swap=True)),
    ("4.2", "a single row at the top", matched(lambda d: d - d // 2)),
    ("4.2", "all at the top and left", matched(lambda d: d)),
    ("4.2", "all at the bottom and right, crops too", matched(lambda d: 0)),
    ("4.2", "pads with ones", matched(lambda d: d // 2, value=1.0)),
    ("4.2", "repeats the rim", matched(lambda d: d // 2, mode="replicate")),
    ("4.2", "resizes", lambda skip, size: F.interpolate(skip, size=size, mode="bilinear")),
    ("4.2", "resizes, nearest", lambda skip, size: F.interpolate(skip, size=size)),
    ("4.2", "crops only", lambda skip, size: cut(skip, (min(size[0], skip.shape[-2]), min(size[1], skip.shape[-1])))),
    (
        "4.2",
        "half on both sides",
        lambda s, size: F.pad(s, [(size[1] - s.shape[-1]) // 2] * 2 + [(size[0] - s.shape[-2]) // 2] * 2),
    ),
    (
        "4.2",
        "as many columns as rows",
        lambda s, size: (lambda d: F.pad(s, (d // 2, d - d // 2) * 2))(size[0] - s.shape[-2]),
    ),
    ("4.2", "takes rows for columns", lambda s, size: matched(lambda d: d // 2)(s, (size[1], size[0]))),
    ("4.2", "gradient cut", lambda s, size: matched(lambda d: d // 2)(s.detach(), size)),
    (
        "4.2",
        "does nothing if the height fits",
        lambda s, size: s if s.shape[-2] == size[0] else matched(lambda d: d // 2)(s, size),
    ),
    (
        "4.2",
        "signs the wrong way round",
        lambda s, size: F.pad(
            s,
            [
                -v
                for v in (
                    (size[1] - s.shape[-1]) // 2,
                    size[1] - s.shape[-1] - (size[1] - s.shape[-1]) // 2,
                    (size[0] - s.shape[-2]) // 2,
                    size[0] - s.shape[-2] - (size[0] - s.shape[-2]) // 2,
                )
            ],
        ),
    ),
]
RIGHT += [
    ("4.2", "halves rounded to 0: an odd crop takes more from the bottom", matched(lambda d: int(d / 2))),
    (
        "4.2",
        "ZeroPad2d",
        lambda s, size: nn.ZeroPad2d(
            (
                (size[1] - s.size(3)) // 2,
                -((s.size(3) - size[1]) // 2),
                (size[0] - s.size(2)) // 2,
                -((s.size(2) - size[0]) // 2),
            )
        )(s),
    ),
]


@wrong("4.2", "pads or crops, not one in each direction")
def match_one_way(skip, size):
    dh, dw = size[0] - skip.shape[-2], size[1] - skip.shape[-1]
    if dh >= 0 and dw >= 0:
        return F.pad(skip, (dw // 2, dw - dw // 2, dh // 2, dh - dh // 2))
    dh, dw = -dh, -dw
    return skip[..., dh // 2 : skip.shape[-2] - (dh - dh // 2), max(dw // 2, 0) : skip.shape[-1] - max(dw - dw // 2, 0)]


@wrong("4.2", "pads one row and column at most")
def match_one_row(skip, size):
    skip = F.pad(skip, (0, int(skip.shape[-1] < size[1]), 0, int(skip.shape[-2] < size[0])))
    return cut(skip, (min(size[0], skip.shape[-2]), min(size[1], skip.shape[-1])))


@wrong("4.2", "negative slices, which are empty at 0")
def match_negative(skip, size):
    dh, dw = skip.shape[-2] - size[0], skip.shape[-1] - size[1]
    if dh <= 0 and dw <= 0:
        return F.pad(skip, (-dw // 2, -dw - -dw // 2, -dh // 2, -dh - -dh // 2))
    return skip[..., dh // 2 : -(dh - dh // 2), dw // 2 : -(dw - dw // 2)]


@right("4.2", "zeros, and the centre copied in")
def match_copied(skip, size):
    out = skip.new_zeros(*skip.shape[:-2], *size)
    here, there = [slice(None)] * skip.ndim, [slice(None)] * skip.ndim
    for axis, want in ((-2, size[0]), (-1, size[1])):
        have = skip.shape[axis]
        n = min(have, want)
        a, b = (have - n + 1) // 2, (want - n) // 2
        here[axis], there[axis] = slice(a, a + n), slice(b, b + n)
    out[tuple(there)] = skip[tuple(here)]
    return out


# ---- 4.3 DecoderBlock ----------------------------------------------------------------------------------------------


def bilinear(c, o, mode="bilinear"):
    return nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), nn.Conv2d(c, o, 1))


def transpose(c, o):
    return nn.ConvTranspose2d(c, o, 2, stride=2)


def good_decoder(self, x, skip):
    x = self.up(x)
    return self.block(torch.cat([match_size(skip, x.shape[-2:]), x], dim=1))


def decoder(
    forward=good_decoder,
    trans=transpose,
    lin=bilinear,
    width=lambda s, o: s + o,
    options=lambda p, n: {"padding": p, "norm": n},
):
    class MyDecoderBlock(nn.Module):
        def __init__(self, in_channels, skip_channels, out_channels, *, up="transpose", padding=1, norm=True):
            super().__init__()
            self.up = (trans if up == "transpose" else lin)(in_channels, out_channels)
            self.block = ConvBlock(width(skip_channels, out_channels), out_channels, **options(padding, norm))

        def forward(self, x, skip):
            return forward(self, x, skip)

    return MyDecoderBlock


def steps(join):
    return lambda self, x, skip: self.block(join(self.up(x), skip))


WRONG += [
    ("4.3", "up is ignored", decoder(lin=transpose)),
    ("4.3", "always bilinear", decoder(trans=bilinear)),
    ("4.3", "nearest for bilinear", decoder(lin=lambda c, o: bilinear(c, o, "nearest"))),
    ("4.3", "bilinear without 1×1", decoder(lin=lambda c, o: nn.Upsample(scale_factor=2, mode="bilinear"))),
    (
        "4.3",
        "3×3 for 1×1",
        decoder(
            lin=lambda c, o: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(c, o, 3, padding=1))
        ),
    ),
    (
        "4.3",
        "3×3 transposed",
        decoder(trans=lambda c, o: nn.ConvTranspose2d(c, o, 3, stride=2, padding=1, output_padding=1)),
    ),
    ("4.3", "4×4 transposed", decoder(trans=lambda c, o: nn.ConvTranspose2d(c, o, 4, stride=2, padding=1))),
    ("4.3", "ReLU after up", decoder(trans=lambda c, o: nn.Sequential(transpose(c, o), nn.ReLU()))),
    ("4.3", "padding not handed on", decoder(options=lambda p, n: {"norm": n})),
    ("4.3", "norm not handed on", decoder(options=lambda p, n: {"padding": p})),
    ("4.3", "skip has as many channels as comes out", decoder(width=lambda s, o: 2 * o)),
    ("4.3", "adds", decoder(steps(lambda x, s: match_size(s, x.shape[-2:]) + x), width=lambda s, o: o)),
    (
        "4.3",
        "cat along the batch",
        decoder(steps(lambda x, s: torch.cat([match_size(s, x.shape[-2:]), x])), width=lambda s, o: o),
    ),
    ("4.3", "matches x to the skip", decoder(steps(lambda x, s: torch.cat([s, match_size(x, s.shape[-2:])], 1)))),
    ("4.3", "no match", decoder(steps(lambda x, s: torch.cat([s, x], 1)))),
    (
        "4.3",
        "resizes the skip",
        decoder(steps(lambda x, s: torch.cat([F.interpolate(s, x.shape[-2:], mode="bilinear"), x], 1))),
    ),
    ("4.3", "pads left and top", decoder(steps(lambda x, s: torch.cat([matched(lambda d: d)(s, x.shape[-2:]), x], 1)))),
    ("4.3", "skip detached", decoder(steps(lambda x, s: torch.cat([match_size(s.detach(), x.shape[-2:]), x], 1)))),
    ("4.3", "skip not used", decoder(steps(lambda x, s: torch.cat([match_size(0 * s, x.shape[-2:]), x], 1)))),
    ("4.3", "x detached", decoder(lambda self, x, skip: good_decoder(self, x.detach(), skip))),
    (
        "4.3",
        "no block at the end",
        decoder(lambda self, x, skip: torch.cat([match_size(skip, self.up(x).shape[-2:]), self.up(x)], 1)),
    ),
    (
        "4.3",
        "the upsampled again in the place of the skip",
        decoder(
            lambda self, x, skip: self.block(self.up(x).repeat(1, 2, 1, 1)[:, : skip.shape[1] + self.up(x).shape[1]])
        ),
    ),
]
RIGHT += [
    ("4.3", "plain", decoder()),
    (
        "4.3",
        "own match, own block",
        decoder(steps(lambda x, s: torch.cat((match_copied(s, tuple(x.shape[-2:])), x), 1))),
    ),
]


@right("4.3", "if in forward")
class IfInForward(nn.Module):
    def __init__(self, in_channels, skip_channels, out_channels, *, up="transpose", padding=1, norm=True):
        super().__init__()
        self.how = up
        if up == "transpose":
            self.deconv = nn.ConvTranspose2d(in_channels, out_channels, kernel_size=(2, 2), stride=(2, 2))
        else:
            self.one = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        self.rest = nn.Sequential(*both(skip_channels + out_channels, out_channels, padding, norm))

    def forward(self, x, skip):
        if self.how == "transpose":
            x = self.deconv(x)
        else:
            x = self.one(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
        dh, dw = x.shape[2] - skip.shape[2], x.shape[3] - skip.shape[3]
        skip = F.pad(skip, (dw // 2, dw - dw // 2, dh // 2, dh - dh // 2))
        return self.rest(torch.cat([skip, x], dim=1))


# ---- 4.4 transposed convolution by hand ----------------------------------------------------------------------------


def stamped(step=2, change=lambda k: k, size=lambda h, w: (2 * h, 2 * w), add=False):
    def stamp_up(x, kernel):
        out = torch.zeros(*size(*x.shape))
        for r in range(x.shape[0]):
            for c in range(x.shape[1]):
                where = slice(step * r, step * r + 2), slice(step * c, step * c + 2)
                out[where] = add * out[where] + x[r, c] * change(kernel)
        return out

    return stamp_up


WRONG += [
    ("4.4", "kernel transposed", stamped(change=lambda k: k.T)),
    ("4.4", "kernel turned by 180°", stamped(change=lambda k: k.flip(0, 1))),
    ("4.4", "kronecker the wrong way round", lambda x, kernel: torch.kron(kernel, x)),
    ("4.4", "stride 1, overwrites", stamped(1, size=lambda h, w: (h + 1, w + 1))),
    ("4.4", "stride 1, adds", stamped(1, size=lambda h, w: (h + 1, w + 1), add=True)),
    ("4.4", "one row and column too many", stamped(size=lambda h, w: (2 * h + 1, 2 * w + 1))),
    ("4.4", "4×4 as in the example", stamped(size=lambda h, w: (4, 4))),
    ("4.4", "square only", stamped(size=lambda h, w: (2 * h, 2 * h))),
    ("4.4", "does not multiply by the kernel", stamped(change=lambda k: torch.ones(2, 2))),
    ("4.4", "kernel's mean", stamped(change=lambda k: k.mean())),
    ("4.4", "kernel divided by its sum", stamped(change=lambda k: k / k.sum())),
    (
        "4.4",
        "reshaped without moving axes",
        lambda x, k: (x[:, :, None, None] * k).reshape(2 * x.shape[0], 2 * x.shape[1]),
    ),
    ("4.4", "height and width swapped", lambda x, k: torch.kron(x, k).T),
    ("4.4", "keeps the two axes of one", lambda x, k: F.conv_transpose2d(x[None, None], k[None, None], stride=2)),
]
RIGHT += [
    ("4.4", "kronecker", lambda x, kernel: torch.kron(x, kernel)),
    ("4.4", "axes moved", lambda x, k: torch.einsum("rc,ij->ricj", x, k).reshape(2 * x.shape[0], 2 * x.shape[1])),
    ("4.4", "torch's own", lambda x, k: F.conv_transpose2d(x[None, None], k[None, None], stride=2)[0, 0]),
    ("4.4", "stamps", stamped()),
]

# ---- 4.5 pad, crop or resize ---------------------------------------------------------------------------------------

PAD, CENTRE, CORNER, RESIZE = "pad right and bottom", "crop the centre", "crop right and bottom", "resize"
WRONG += [
    ("4.5", f"{' | '.join(a)}", a)
    for a in (
        [PAD, CORNER, CENTRE, RESIZE],
        [CORNER, CENTRE, PAD, RESIZE],
        [CENTRE, PAD, CORNER, RESIZE],
        [RESIZE, CENTRE, CORNER, PAD],
        [PAD, CENTRE, RESIZE, CORNER],
        [PAD, RESIZE, CORNER, CENTRE],
        [PAD, CENTRE, CENTRE, RESIZE],
        [PAD, CENTRE, CORNER],
        [RESIZE, CORNER, CENTRE, PAD],
    )
]
RIGHT += [
    ("4.5", "a list", [PAD, CENTRE, CORNER, RESIZE]),
    ("4.5", "capitals, a tuple", (PAD.capitalize(), CENTRE.capitalize(), CORNER.upper(), "Resize")),
]

# ---- 4.6 how far a wrong pad moves, 4.7 which experiment -------------------------------------------------------------


def levels(n, pools):
    """Heights on the way down, of the levels that have a skip."""
    return [n] * (pools > 0) + (levels(math.ceil(n / 2), pools - 1) if pools > 0 else [])


WRONG += [
    ("4.6", what, answer)
    for what, answer in (
        ("a list, no function", [1, 2, 0]),
        ("the first level alone", lambda n, pools: [n % 2] + [0] * (pools - 1)),
        ("twice the level", lambda n, pools: [(2 * k or 1) * (h % 2) for k, h in enumerate(levels(n, pools))]),
        ("4 to the level", lambda n, pools: [4**k * (h % 2) for k, h in enumerate(levels(n, pools))]),
        ("true and false", lambda n, pools: [h % 2 == 1 for h in levels(n, pools)]),
        ("a dict", lambda n, pools: {k: 2**k * (h % 2) for k, h in enumerate(levels(n, pools))}),
        ("nested", lambda n, pools: [[2**k * (h % 2)] for k, h in enumerate(levels(n, pools))]),
        ("of one level more above", lambda n, pools: [2**k * (h % 2) for k, h in enumerate(levels(2 * n, pools))]),
        ("odd ones lost", lambda n, pools: [2**k * (n // 2**k % 2) for k in range(pools)]),
    )
]
RIGHT += [
    ("4.6", "heights first", lambda n, pools: [2**k * (h % 2) for k, h in enumerate(levels(n, pools))]),
    ("4.6", "what two ways of rounding differ by",
     lambda n, pools: [2**k * (2 * math.ceil(h / 2) - h) for k, h in enumerate(levels(n, pools))]),
    ("4.6", "NumPy", lambda n, pools: np.array([2**k * (h & 1) for k, h in enumerate(levels(n, pools))])),
]
ZEROS, MEANS, WITHOUT, MOVE = "cut by zeros", "cut by means", "train without", "move by a pixel"
WRONG += [
    ("4.7", f"{' | '.join(a)}", a)
    for a in (
        [ZEROS, MOVE, MEANS, WITHOUT],
        [WITHOUT, MOVE, ZEROS, MEANS],
        [WITHOUT, MEANS, MOVE, ZEROS],
        [MOVE, WITHOUT, MEANS, ZEROS],
        [MEANS, MOVE, WITHOUT, ZEROS],
        [WITHOUT] * 4,
        [WITHOUT, MOVE, MEANS],
    )
]
RIGHT += [
    ("4.7", "a list", [WITHOUT, MOVE, MEANS, ZEROS]),
    ("4.7", "a tuple, spaces", (f" {WITHOUT}", MOVE.upper(), MEANS, f"{ZEROS} ")),
]


# ---- 5.1 the shape ledger ------------------------------------------------------------------------------------------

ROWS = ["skip 0", "pooled 0", "skip 1", "pooled 1", "bottom", "up 1", "decoder 1", "up 0", "decoder 0", "logits"]
SIZES = [(64, 64), (70, 95)]
TRUE = {
    size: {row: shape for row, shape in trace_shapes(UNet(num_classes=3, channels=(16, 32, 64)), size) if row in ROWS}
    for size in SIZES
}


def ledger(change):
    """The true ledger with `change(size, row, shape)` in place of every shape."""
    return {size: {row: change(size, row, shape) for row, shape in rows.items()} for size, rows in TRUE.items()}


def ledger_row(row, shapes):
    """The true ledger with `shapes`, one for each image size, in this row."""
    return ledger(lambda size, name, shape: shapes[SIZES.index(size)] if name == row else shape)


WRONG += [
    ("5.1", "height and width swapped", ledger(lambda size, row, s: (s[0], s[2], s[1]))),
    ("5.1", "channels last", ledger(lambda size, row, s: (s[1], s[2], s[0]))),
    ("5.1", "without the channels", ledger(lambda size, row, s: s[1:])),
    (
        "5.1",
        "rounds the pools down",
        ledger(
            lambda size, row, s: {
                "pooled 0": (16, size[0] // 2, size[1] // 2),
                "pooled 1": (32, size[0] // 4, size[1] // 4),
            }.get(row, s)
        ),
    ),
    ("5.1", "logits of two classes", ledger(lambda size, row, s: (2, *size) if row == "logits" else s)),
    ("5.1", "logits not cropped", ledger_row("logits", [(3, 64, 64), (3, 70, 96)])),
    ("5.1", "up 0 from what was not cropped", ledger_row("up 0", [(16, 64, 64), (16, 72, 96)])),
    ("5.1", "up keeps the channels", ledger_row("up 1", [(64, 32, 32), (64, 36, 48)])),
    ("5.1", "up 1 as large as the skip", ledger_row("up 1", [(32, 32, 32), (32, 35, 48)])),
    ("5.1", "pool doubles the channels", ledger_row("pooled 0", [(32, 32, 32), (32, 35, 48)])),
    ("5.1", "bottom of 128 channels", ledger_row("bottom", [(128, 16, 16), (128, 18, 24)])),
    ("5.1", "decoder 1 has the channels of both", ledger_row("decoder 1", [(64, 32, 32), (64, 36, 48)])),
    ("5.1", "only one size right, the other copied", {size: TRUE[64, 64] for size in SIZES}),
    (
        "5.1",
        "last row as the row above",
        ledger(lambda size, row, s: TRUE[size]["decoder 0"] if row == "logits" else s),
    ),
    ("5.1", "skips without padding", ledger_row("skip 0", [(16, 60, 60), (16, 66, 91)])),
]
RIGHT += [
    ("5.1", "from the network", TRUE),
    (
        "5.1",
        "lists, rows from the last to the first",
        {size: OrderedDict((row, list(shape)) for row, shape in reversed(rows.items())) for size, rows in TRUE.items()},
    ),
    (
        "5.1",
        "with the row of the input",
        {size: dict(trace_shapes(UNet(num_classes=3, channels=(16, 32, 64)), size)) for size in SIZES},
    ),
]

# ---- 5.2 count the parameters of a block ---------------------------------------------------------------------------

WRONG += [
    ("5.2", "biases always", lambda a, b, norm: 9 * a * b + b + 9 * b * b + b + (4 * b if norm else 0)),
    ("5.2", "biases never", lambda a, b, norm: 9 * a * b + 9 * b * b + (4 * b if norm else 0)),
    ("5.2", "norm not counted", lambda a, b, norm: 9 * a * b + 9 * b * b + (0 if norm else 2 * b)),
    ("5.2", "one norm", lambda a, b, norm: 9 * a * b + 9 * b * b + 2 * b),
    ("5.2", "running averages counted", lambda a, b, norm: 9 * a * b + 9 * b * b + (8 * b if norm else 2 * b)),
    ("5.2", "second convolution as the first", lambda a, b, norm: 2 * (9 * a * b) + (4 * b if norm else 2 * b)),
    ("5.2", "one convolution", lambda a, b, norm: 9 * a * b + (2 * b if norm else b)),
    ("5.2", "kernel of 3 in place of 9", lambda a, b, norm: 3 * a * b + 3 * b * b + (4 * b if norm else 2 * b)),
    ("5.2", "norm the wrong way round", lambda a, b, norm: 9 * a * b + 9 * b * b + (2 * b if norm else 4 * b)),
    (
        "5.2",
        "first norm over the input channels",
        lambda a, b, norm: 9 * a * b + 9 * b * b + (2 * a + 2 * b if norm else 2 * b),
    ),
    ("5.2", "bias for each input channel", lambda a, b, norm: 9 * a * b + 9 * b * b + (4 * b if norm else a + b)),
    (
        "5.2",
        "a scale and a shift for each norm only",
        lambda a, b, norm: 9 * a * b + 9 * b * b + (4 if norm else 2 * b),
    ),
]
RIGHT += [
    ("5.2", "counts a block", lambda a, b, norm: sum(p.numel() for p in ConvBlock(a, b, norm=norm).parameters())),
    ("5.2", "in one line", lambda i, o, n: o * (9 * (i + o) + 2 + 2 * bool(n))),
]


@right("5.2", "a loop")
def parameters_loop(in_channels, out_channels, norm):
    total = 0
    for channels in (in_channels, out_channels):
        total += out_channels * channels * 3**2
        total += 2 * out_channels if norm else out_channels
    return total


# ---- 5.3 UNet ------------------------------------------------------------------------------------------------------


def take(x, skip, start=0):
    """Crop x to the skip's size if it is larger."""
    h, w = min(x.shape[-2], skip.shape[-2]), min(x.shape[-1], skip.shape[-1])
    return x[..., start : start + h, start : start + w]


class Plain(nn.Module):
    """A right UNet whose parts the wrong ones change."""

    shared = False

    def __init__(
        self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), up="transpose", padding=1, norm=True
    ):
        super().__init__()
        widths = [in_channels, *channels]
        options = {"padding": padding, "norm": norm}
        self.down = nn.ModuleList(EncoderBlock(a, b, **options) for a, b in zip(widths[:-2], widths[1:-1]))
        self.middle = ConvBlock(widths[-2], widths[-1], **options)
        self.rise = nn.ModuleList(
            DecoderBlock(channels[i + 1], channels[i], channels[i], up=up, **options)
            for i in reversed(range(len(channels) - 1))
        )
        self.scores = nn.Conv2d(channels[0], num_classes, 1)

    def contract(self, x):
        skips = []
        for block in self.down:
            skip, x = block(x)
            skips.append(skip)
        return skips, self.middle(x)

    def forward(self, x):
        skips, x = self.contract(x)
        for block in self.rise:
            skip = skips.pop()
            x = take(block(x, skip), skip)
        return self.scores(x)


RIGHT.append(("5.3", "a stack that is popped, other names", Plain))


def with_options(**fixed):
    class Fixed(Plain):
        def __init__(self, in_channels=1, num_classes=2, **options):
            given = {"in_channels": in_channels, "num_classes": num_classes, **options, **fixed}
            super().__init__(given.pop("in_channels"), given.pop("num_classes"), **given)

    return Fixed


def with_end(function):
    class End(Plain):
        def forward(self, x):
            return function(super().forward(x))

    return End


def with_forward(function):
    class Forward(Plain):
        def forward(self, x):
            return function(self, x)

    return Forward


def crops_at_the_end(self, x):
    h, w = x.shape[-2:]
    skips, x = self.contract(x)
    for block in self.rise:
        x = block(x, skips.pop())
    return self.scores(x)[..., :h, :w]


def resizes_at_the_end(self, x):
    h, w = x.shape[-2:]
    skips, y = self.contract(x)
    for block in self.rise:
        y = block(y, skips.pop())
    y = self.scores(y)
    return F.interpolate(y, size=(h, w), mode="bilinear") if y.shape[-2] > h or y.shape[-1] > w else y


def never_crops(self, x):
    skips, x = self.contract(x)
    for block in self.rise:
        x = block(x, skips.pop())
    return self.scores(x)


def crops_from_one(self, x):
    skips, x = self.contract(x)
    for block in self.rise:
        skip = skips.pop()
        up = block(x, skip)
        dh, dw = max(up.shape[-2] - skip.shape[-2], 0), max(up.shape[-1] - skip.shape[-1], 0)
        x = up[..., dh:, dw:]
    return self.scores(x)


def skip_after_pool(self, x):
    sizes, skips = [], []
    for block in self.down:
        sizes.append(x)
        _, x = block(x)
        skips.append(x)
    x = self.middle(x)
    for block in self.rise:
        x = take(block(x, skips.pop()), sizes.pop())
    return self.scores(x)


def skips_unreversed(self, x):
    skips, x = self.contract(x)
    for block, skip in zip(self.rise, skips):
        x = take(block(x, skip), skip)
    return self.scores(x)


def skips_are_zero(self, x):
    skips, x = self.contract(x)
    for block in self.rise:
        skip = skips.pop()
        x = take(block(x, torch.zeros_like(skip)), skip)
    return self.scores(x)


def keeps_skips(self, x):
    self.__dict__.setdefault("kept", [])
    for block in self.down:
        skip, x = block(x)
        self.kept.append(skip)
    x = self.middle(x)
    for block, skip in zip(self.rise, reversed(self.kept[: len(self.down)])):
        x = take(block(x, skip), skip)
    return self.scores(x)


def crops_one_always(self, x):
    skips, x = self.contract(x)
    for block in self.rise:
        skip = skips.pop()
        x = block(x, skip)
        if skip.shape[-2] % 2 or skip.shape[-1] % 2:
            x = x[..., :-1, :-1]
    return self.scores(x)


def height_only(self, x):
    skips, x = self.contract(x)
    for block in self.rise:
        skip = skips.pop()
        x = block(x, skip)
        x = x[..., : x.shape[-2] - skip.shape[-2] % 2, : x.shape[-1] - skip.shape[-2] % 2]
    return self.scores(x)


WRONG += [
    ("5.3", "in_channels ignored", with_options(in_channels=1)),
    ("5.3", "num_classes ignored", with_options(num_classes=2)),
    ("5.3", "channels ignored", with_options(channels=(8, 16, 32))),
    ("5.3", "up ignored", with_options(up="transpose")),
    ("5.3", "padding ignored", with_options(padding=1)),
    ("5.3", "norm ignored", with_options(norm=True)),
    ("5.3", "never a norm", with_options(norm=False)),
    ("5.3", "softmax at the end", with_end(lambda y: y.softmax(dim=1))),
    ("5.3", "sigmoid at the end", with_end(torch.sigmoid)),
    ("5.3", "ReLU at the end", with_end(torch.relu)),
    ("5.3", "log_softmax at the end", with_end(lambda y: y.log_softmax(dim=1))),
    ("5.3", "classes, not logits", with_end(lambda y: y.argmax(dim=1))),
    ("5.3", "detached", with_end(lambda y: y.detach())),
    ("5.3", "crops once, at the end", with_forward(crops_at_the_end)),
    ("5.3", "resizes at the end", with_forward(resizes_at_the_end)),
    ("5.3", "never crops", with_forward(never_crops)),
    ("5.3", "crops from index 1", with_forward(crops_from_one)),
    ("5.3", "skip after the pool", with_forward(skip_after_pool)),
    ("5.3", "skips in the order of the way down", with_forward(skips_unreversed)),
    ("5.3", "skips are zero", with_forward(skips_are_zero)),
    ("5.3", "keeps the skips of the first call", with_forward(keeps_skips)),
    ("5.3", "takes off a row and a column if either is odd", with_forward(crops_one_always)),
    ("5.3", "takes off a column if the height is odd", with_forward(height_only)),
]


@wrong("5.3", "blocks in a Python list")
class InLists(Plain):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        down, rise = list(self.down), list(self.rise)
        del self.down, self.rise
        self.down, self.rise = down, rise


@wrong("5.3", "decoders from the top to the deepest")
class DecodersTurned(Plain):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.rise = nn.ModuleList(reversed(self.rise))


@wrong("5.3", "head 3×3")
class Head3(Plain):
    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), **options):
        super().__init__(in_channels, num_classes, channels=channels, **options)
        self.scores = nn.Conv2d(channels[0], num_classes, 3, padding=1)


@wrong("5.3", "an encoder for every entry, no block at the bottom")
class NoBottom(Plain):
    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), **options):
        super().__init__(in_channels, num_classes, channels=channels, **options)
        self.middle = nn.Conv2d(channels[-2] if len(channels) > 1 else in_channels, channels[-1], 1)


@wrong("5.3", "padding not for the bottom")
class BottomPads(Plain):
    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), norm=True, **options):
        super().__init__(in_channels, num_classes, channels=channels, norm=norm, **options)
        self.middle = ConvBlock(channels[-2] if len(channels) > 1 else in_channels, channels[-1], norm=norm)


@wrong("5.3", "norm not for the decoders")
class DecoderNorm(Plain):
    def __init__(
        self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), up="transpose", padding=1, norm=True
    ):
        super().__init__(in_channels, num_classes, channels=channels, up=up, padding=padding, norm=norm)
        self.rise = nn.ModuleList(
            DecoderBlock(b, a, a, up=up, padding=padding) for a, b in zip(channels[-2::-1], channels[:0:-1])
        )


@right("5.3", "by index, each crop as odd or even")
class ByIndex(nn.Module):
    def __init__(
        self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), up="transpose", padding=1, norm=True
    ):
        super().__init__()
        *levels, bottom = channels
        self.encoders, before = nn.ModuleList(), in_channels
        for width in levels:
            self.encoders.append(EncoderBlock(before, width, padding=padding, norm=norm))
            before = width
        self.bottleneck = ConvBlock(before, bottom, padding=padding, norm=norm)
        self.decoders, before = nn.ModuleList(), bottom
        for width in reversed(levels):
            self.decoders.append(DecoderBlock(before, width, width, up=up, padding=padding, norm=norm))
            before = width
        self.head = nn.Conv2d(before, num_classes, kernel_size=1)

    def forward(self, x):
        skips = []
        for i in range(len(self.encoders)):
            skip, x = self.encoders[i](x)
            skips.append(skip)
        x = self.bottleneck(x)
        for i in range(len(self.decoders)):
            skip = skips[-1 - i]
            x = self.decoders[i](x, skip)
            h, w = skip.shape[-2:]
            x = x[:, :, : x.shape[2] - h % 2, : x.shape[3] - w % 2]
        return self.head(x)


# ---- 5.4 the paper's sizes -----------------------------------------------------------------------------------------


def paper(more=0, each=4, up_each=4, bottom=True, looks=True, least=1):
    def paper_size(n, pools):
        for _ in range(pools + more):
            n -= each
            if looks and n % 2:
                return None
            n = n // 2
        n -= 4 * bottom
        for _ in range(pools + more):
            n = 2 * n - up_each
        return n if n >= least else None

    return paper_size


WRONG += [
    ("5.4", "388 always", lambda n, pools: 388),
    ("5.4", "the same size", lambda n, pools: n),
    ("5.4", "one level less", paper(-1)),
    ("5.4", "one level more", paper(1)),
    ("5.4", "one convolution a level", paper(0, 2, 2)),
    ("5.4", "bottom forgotten", paper(bottom=False)),
    ("5.4", "nothing taken off on the way up", paper(up_each=0)),
    ("5.4", "the size at the bottom", lambda n, pools: (n - 60) // 16 - 4),
    ("5.4", "a share of the size", lambda n, pools: n * 388 // 572),
    ("5.4", "three pixels a convolution", paper(0, 6, 6)),
    ("5.4", "the head takes off two", lambda n, pools: n - 186),
    ("5.4", "four pools, whatever is asked", lambda n, pools: paper()(n, 4)),
    ("5.4", "no look at odd numbers", paper(looks=False)),
    ("5.4", "no look at the end", paper(least=-10000)),
    ("5.4", "an image of no pixels", paper(least=0)),
]
RIGHT += [("5.4", "level by level", paper())]


@right("5.4", "asks the network")
def paper_by_network(n, pools):
    net = UNet(1, 1, channels=(1,) * (pools + 1), padding=0, norm=False).eval()
    try:
        with torch.no_grad():
            out = net(torch.zeros(1, 1, n, n)).shape[-1]
    except ValueError:
        return None
    sizes = dict(trace_shapes(net, (n, n)))
    return None if any(sizes[f"skip {i}"][-1] % 2 for i in range(pools)) else out


# ---- 5.5 what makes it larger, 5.6 choose the head -----------------------------------------------------------------

WRONG += [
    ("5.5", f"{a}", a)
    for a in (
        [4, 4, 4, 2],
        [1, 2, 4, 2],
        [1, 4, 2, 2],
        [1, 4, 4, 4],
        [2, 4, 4, 2],
        [1, 4, 16, 2],
        [1, 4, 4, 1],
        [0, 4, 4, 2],
        [4, 2, 1, 4],
        [1, 8, 4, 2],
        [1, 4, 4],
    )
]
RIGHT += [
    ("5.5", "list", [1, 4, 4, 2]),
    ("5.5", "as counted in a network", (1.0, 3.99, 4.0, 2.0)),
    ("5.5", "tensor", torch.tensor([1.0, 4, 4, 2])),
]
HEADS = [(3, "softmax"), (1, "sigmoid"), (2, "sigmoid"), (1, "nothing")]


def head(place, value):
    return [value if i == place else h for i, h in enumerate(HEADS)]


WRONG += [
    ("5.6", f"{i + 1}: {h}", head(i, h))
    for i, h in (
        (0, (3, "sigmoid")),
        (0, (1, "softmax")),
        (0, (2, "softmax")),
        (0, (3, "nothing")),
        (1, (1, "softmax")),
        (1, (2, "sigmoid")),
        (1, (1, "nothing")),
        (2, (2, "softmax")),
        (2, (4, "sigmoid")),
        (2, (3, "softmax")),
        (2, (1, "sigmoid")),
        (3, (1, "sigmoid")),
        (3, (1, "softmax")),
        (3, (2, "nothing")),
    )
]
WRONG += [("5.6", "three of four", HEADS[:3])]
RIGHT += [
    ("5.6", "tuples", HEADS),
    ("5.6", "lists and capitals", [[n, w.capitalize()] for n, w in HEADS]),
    ("5.6", "road or not as two classes that exclude each other", head(1, (2, "softmax"))),
]

# ---- 6.1 cross-entropy on four pixels ------------------------------------------------------------------------------

WRONG += [
    ("6.1", "a sum", lambda logits, target: F.cross_entropy(logits, target, reduction="sum")),
    ("6.1", "one for each pixel", lambda logits, target: F.cross_entropy(logits, target, reduction="none")),
    ("6.1", "softmax over the pixels", lambda logits, target: F.nll_loss(logits.log_softmax(dim=0), target)),
    ("6.1", "two softmaxes", lambda logits, target: F.cross_entropy(logits.softmax(dim=1), target)),
    ("6.1", "no softmax", lambda logits, target: -logits[torch.arange(len(target)), target].mean()),
    ("6.1", "logarithm of the logits", lambda logits, target: -logits[range(len(target)), target].abs().log().mean()),
    ("6.1", "sign", lambda logits, target: -F.cross_entropy(logits, target)),
    ("6.1", "no logarithm", lambda logits, target: 1 - logits.softmax(dim=1)[range(len(target)), target].mean()),
    (
        "6.1",
        "logarithm of the mean",
        lambda logits, target: -logits.softmax(1)[range(len(target)), target].mean().log(),
    ),
    ("6.1", "base 2", lambda logits, target: F.cross_entropy(logits, target) / math.log(2)),
    ("6.1", "every row with every target", lambda logits, target: -logits.log_softmax(dim=1)[:, target].mean()),
    ("6.1", "four pixels only", lambda logits, target: -logits[:4].log_softmax(dim=1)[range(4), target[:4]].mean()),
    ("6.1", "three classes only", lambda logits, target: F.cross_entropy(logits[:, :3], target.clamp(max=2))),
    ("6.1", "mean over the classes too", lambda logits, target: F.cross_entropy(logits, target) / logits.shape[1]),
    ("6.1", "the class that is predicted", lambda logits, target: F.cross_entropy(logits, logits.argmax(dim=1))),
    (
        "6.1",
        "mean squared error",
        lambda logits, target: F.mse_loss(logits.softmax(1), F.one_hot(target, logits.shape[1]).float()),
    ),
    (
        "6.1",
        "yes and no for each class",
        lambda logits, target: F.binary_cross_entropy_with_logits(logits, F.one_hot(target, logits.shape[1]).float()),
    ),
    (
        "6.1",
        "one-hot as long as the largest class that is there",
        lambda logits, target: -(logits.log_softmax(1) * F.one_hot(target)).sum(dim=1).mean(),
    ),
    (
        "6.1",
        "exponentials that overflow",
        lambda logits, target: (
            -(logits.exp() / logits.exp().sum(1, keepdim=True))[range(len(target)), target].log().mean()
        ),
    ),
]
RIGHT += [
    ("6.1", "torch's own", lambda logits, target: F.cross_entropy(logits, target)),
    ("6.1", "gather", lambda logits, target: -logits.log_softmax(dim=1).gather(1, target[:, None]).mean()),
    (
        "6.1",
        "logsumexp",
        lambda logits, target: (logits.logsumexp(1) - logits[torch.arange(len(logits)), target]).mean(),
    ),
    (
        "6.1",
        "one-hot",
        lambda logits, target: -(logits.log_softmax(1) * torch.eye(logits.shape[1])[target]).sum() / len(target),
    ),
]


@right("6.1", "a loop")
def cross_entropy_loop(logits, target):
    total = 0
    for row, k in zip(logits, target.tolist()):
        row = row - row.max()
        total = total + row.exp().sum().log() - row[k]
    return total / len(target)


# ---- 6.2 one training step -----------------------------------------------------------------------------------------


def train_step(*lines, loss=F.cross_entropy, give=lambda value: value.item(), mode=True):
    """A training step of the lines "zero", "back", "step" in the order given."""

    def my_train_step(model, optimiser, x, y):
        if mode is not None:
            model.train(mode)
        value = loss(model(x), y)
        for line in lines:
            {"zero": optimiser.zero_grad, "back": value.backward, "step": optimiser.step}[line]()
        return give(value)

    return my_train_step


WRONG += [
    ("6.2", "zero between backward and step", train_step("back", "zero", "step")),
    ("6.2", "zero at the end only", train_step("back", "step", "zero")),
    ("6.2", "no step", train_step("zero", "back")),
    ("6.2", "no backward", train_step("zero", "step")),
    ("6.2", "step before backward", train_step("zero", "step", "back")),
    ("6.2", "two steps", train_step("zero", "back", "step", "step")),
    ("6.2", "evaluation mode", train_step("zero", "back", "step", mode=False)),
    ("6.2", "mode as it was", train_step("zero", "back", "step", mode=None)),
    ("6.2", "a tensor", train_step("zero", "back", "step", give=lambda value: value)),
    ("6.2", "a detached tensor", train_step("zero", "back", "step", give=lambda value: value.detach())),
    ("6.2", "nothing returned", train_step("zero", "back", "step", give=lambda value: None)),
    ("6.2", "rounded", train_step("zero", "back", "step", give=lambda value: round(value.item(), 1))),
    (
        "6.2",
        "a softmax too many",
        train_step("zero", "back", "step", loss=lambda z, y: F.cross_entropy(z.softmax(1), y)),
    ),
    ("6.2", "a sum", train_step("zero", "back", "step", loss=lambda z, y: F.cross_entropy(z, y, reduction="sum"))),
    (
        "6.2",
        "class weights",
        train_step(
            "zero", "back", "step", loss=lambda z, y: F.cross_entropy(z, y, weight=1 + torch.arange(z.shape[1]).float())
        ),
    ),
    (
        "6.2",
        "smoothed labels",
        train_step("zero", "back", "step", loss=lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1)),
    ),
    (
        "6.2",
        "loss not zeroed, half of it",
        train_step("zero", "back", "step", loss=lambda z, y: F.cross_entropy(z, y) / 2),
    ),
]
RIGHT += [
    ("6.2", "zero first", train_step("zero", "back", "step")),
    ("6.2", "float()", train_step("zero", "back", "step", give=lambda value: float(value.detach()))),
]


@wrong("6.2", "training mode after the forward pass")
def step_mode_late(model, optimiser, x, y):
    loss = F.cross_entropy(model(x), y)
    model.train()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


@wrong("6.2", "loss after the step")
def step_new_loss(model, optimiser, x, y):
    train_step("zero", "back", "step")(model, optimiser, x, y)
    with torch.no_grad():
        return F.cross_entropy(model(x), y).item()


@wrong("6.2", "an optimiser of its own")
def step_own_optimiser(model, optimiser, x, y):
    return train_step("zero", "back", "step")(model, torch.optim.SGD(model.parameters(), lr=0.1), x, y)


@wrong("6.2", "gradients clipped")
def step_clipped(model, optimiser, x, y):
    model.train()
    loss = F.cross_entropy(model(x), y)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
    optimiser.step()
    return loss.item()


@wrong("6.2", "forward without gradients")
def step_no_grad(model, optimiser, x, y):
    model.train()
    with torch.no_grad():
        loss = F.cross_entropy(model(x), y)
    optimiser.zero_grad()
    loss.requires_grad_().backward()
    optimiser.step()
    return loss.item()


@wrong("6.2", "forward twice")
def step_forward_twice(model, optimiser, x, y):
    model.train()
    model(x)
    return train_step("zero", "back", "step")(model, optimiser, x, y)


@right("6.2", "gradients set to None by hand")
def step_none(model, optimiser, x, y):
    for p in model.parameters():
        p.grad = None
    model.train()
    scores = model(x)
    loss = nn.CrossEntropyLoss()(scores, y)
    loss.backward()
    value = loss.item()
    optimiser.step()
    return value


@right("6.2", "the model's zero_grad, log_softmax and nll")
def step_nll(model, optimiser, x, y):
    model.train()
    model.zero_grad()
    loss = F.nll_loss(F.log_softmax(model(x), dim=1), y)
    loss.backward()
    optimiser.step()
    return loss.detach().cpu().numpy().item()


# ---- 6.3 move image and mask together ------------------------------------------------------------------------------


def mirrored(image_axis, mask_axis):
    def mirror(images, masks, mirror):
        flip = lambda t, axis: t if axis is None else t.flip(axis)  # noqa: E731
        return (flip(images, image_axis), flip(masks, mask_axis)) if mirror else (images, masks)

    return mirror


WRONG += [
    ("6.3", "upside down", mirrored(-2, -2)),
    ("6.3", "images only", mirrored(-1, None)),
    ("6.3", "masks only", mirrored(None, -1)),
    ("6.3", "axis 2 of both", mirrored(2, 2)),
    ("6.3", "axis 3 and axis 1", mirrored(3, 1)),
    ("6.3", "both axes", mirrored((-1, -2), (-1, -2))),
    ("6.3", "the order of the batch", mirrored(0, 0)),
    ("6.3", "the channels too", mirrored((1, 3), 2)),
    (
        "6.3",
        "fliplr, which flips axis 1",
        lambda i, m, mirror: (torch.fliplr(i), torch.fliplr(m)) if mirror else (i, m),
    ),
    ("6.3", "always", lambda i, m, mirror: (i.flip(-1), m.flip(-1))),
    ("6.3", "never", lambda i, m, mirror: (i, m)),
    ("6.3", "the wrong way round", lambda i, m, mirror: (i, m) if mirror else (i.flip(-1), m.flip(-1))),
    ("6.3", "masks first", lambda i, m, mirror: (m.flip(-1), i.flip(-1)) if mirror else (m, i)),
    ("6.3", "nothing comes back if not", lambda i, m, mirror: (i.flip(-1), m.flip(-1)) if mirror else None),
    (
        "6.3",
        "masks come back as float",
        lambda i, m, mirror: (i.flip(-1), m.float().flip(-1)) if mirror else (i, m.float()),
    ),
    ("6.3", "turned by 90°", lambda i, m, mirror: (i.rot90(1, (-2, -1)), m.rot90(1, (-2, -1))) if mirror else (i, m)),
    (
        "6.3",
        "rolled by one",
        lambda i, m, mirror: (i.flip(-1).roll(1, -1), m.flip(-1).roll(1, -1)) if mirror else (i, m),
    ),
    (
        "6.3",
        "a coin decides once more",
        lambda i, m, mirror: (i.flip(-1), m.flip(-1)) if mirror and torch.rand(()) < 0.5 else (i, m),
    ),
    (
        "6.3",
        "each by its own coin",
        lambda i, m, mirror: (i.flip(-1) if mirror else i, m.flip(-1) if torch.rand(()) < 0.5 else m),
    ),
]
RIGHT += [
    ("6.3", "last axis", mirrored(-1, -1)),
    ("6.3", "by number", mirrored(3, 2)),
    (
        "6.3",
        "by index",
        lambda i, m, mirror: tuple(t[..., torch.arange(t.shape[-1] - 1, -1, -1)] if mirror else t for t in (i, m)),
    ),
    (
        "6.3",
        "NumPy",
        lambda i, m, mirror: [torch.from_numpy(t.numpy()[..., ::-1].copy()) for t in (i, m)] if mirror else [i, m],
    ),
]

# ---- 6.4 read a curve, 6.5 choose the next step --------------------------------------------------------------------

WRONG += [("6.4", f"{a!r}", a) for a in ("A", "C", "D", "BC", "overfitting", 1)]
RIGHT += [("6.4", "capital", "B"), ("6.4", "small letter", "b")]
LOWER, MORE, HEART, LONGER = "lower the learning rate", "more augmentation", "learn one batch by heart", "train longer"
WRONG += [
    ("6.5", " | ".join(a), a)
    for a in (
        [MORE, LOWER, HEART, LONGER],
        [LOWER, LONGER, HEART, MORE],
        [LOWER, MORE, LONGER, HEART],
        [HEART, MORE, LOWER, LONGER],
        [LONGER, MORE, HEART, LOWER],
        [LOWER, HEART, MORE, LONGER],
        [LOWER, MORE, LOWER, LONGER],
        [LOWER, MORE, HEART],
    )
]
RIGHT += [
    ("6.5", "list", [LOWER, MORE, HEART, LONGER]),
    ("6.5", "capitals", tuple(s.title() for s in (LOWER, MORE, HEART, LONGER))),
]

# ---- 6.6 the Dice loss by hand -------------------------------------------------------------------------------------


def dice(p, t, a=1.0, b=1.0):
    return 1 - (2 * (p * t).sum() + a) / (p.sum() + t.sum() + b)


WRONG += [
    ("6.6", "without the ones", lambda p, t: dice(p, t, 0, 0)),
    ("6.6", "a small number for the ones", lambda p, t: dice(p, t, 1e-6, 1e-6)),
    ("6.6", "one below only", lambda p, t: dice(p, t, 0, 1)),
    ("6.6", "one above only", lambda p, t: dice(p, t, 1, 0)),
    ("6.6", "2 times the one, too", lambda p, t: dice(p, t, 2, 1)),
    ("6.6", "Dice, not the loss", lambda p, t: 1 - dice(p, t)),
    ("6.6", "minus Dice", lambda p, t: dice(p, t) - 1),
    ("6.6", "without the 2", lambda p, t: 1 - ((p * t).sum() + 1) / (p.sum() + t.sum() + 1)),
    ("6.6", "intersection over union", lambda p, t: 1 - ((p * t).sum() + 1) / (p.sum() + t.sum() - (p * t).sum() + 1)),
    ("6.6", "means for sums", lambda p, t: 1 - (2 * (p * t).mean() + 1) / (p.mean() + t.mean() + 1)),
    ("6.6", "squares below", lambda p, t: 1 - (2 * (p * t).sum() + 1) / ((p * p).sum() + (t * t).sum() + 1)),
    ("6.6", "yes or no", lambda p, t: dice((p > 0.5).float(), t) + 0 * p.sum()),
    ("6.6", "a mean over the images", lambda p, t: torch.stack([dice(a, b) for a, b in zip(p, t)]).mean()),
    (
        "6.6",
        "one for each image",
        lambda p, t: (
            1 - (2 * (p * t).flatten(1).sum(1) + 1) / (p.flatten(1).sum(1) + t.flatten(1).sum(1) + 1)
            if p.ndim > 1
            else dice(p, t)
        ),
    ),
    (
        "6.6",
        "three axes only",
        lambda p, t: 1 - (2 * (p * t).sum(dim=(0, 1, 2)) + 1) / (p.sum(dim=(0, 1, 2)) + t.sum(dim=(0, 1, 2)) + 1),
    ),
    ("6.6", "a float", lambda p, t: dice(p, t).item()),
    ("6.6", "a new tensor of the float", lambda p, t: torch.tensor(dice(p, t).item(), requires_grad=True)),
    ("6.6", "detached", lambda p, t: dice(p.detach(), t)),
    ("6.6", "detached below", lambda p, t: 1 - (2 * (p * t).sum() + 1) / (p.detach().sum() + t.sum() + 1)),
    ("6.6", "detached above", lambda p, t: 1 - (2 * (p.detach() * t).sum() + 1) / (p.sum() + t.sum() + 1)),
    ("6.6", "sum of p times sum of t", lambda p, t: 1 - (2 * p.sum() * t.sum() + 1) / (p.sum() + t.sum() + 1)),
    ("6.6", "a sigmoid once more", lambda p, t: dice(p.sigmoid(), t)),
    ("6.6", "one bracket missing", lambda p, t: 1 - 2 * (p * t).sum() + 1 / (p.sum() + t.sum() + 1)),
]
RIGHT += [
    ("6.6", "flat, dot product", lambda p, t: 1 - (2 * p.reshape(-1) @ t.reshape(-1) + 1) / (p.sum() + t.sum() + 1)),
    ("6.6", "one fraction", lambda p, t: ((p + t - 2 * p * t).sum()) / ((p + t).sum() + 1)),
    (
        "6.6",
        "means and their number",
        lambda p, t: 1 - (2 * (p * t).mean() * p.numel() + 1) / ((p.mean() + t.mean()) * p.numel() + 1),
    ),
    ("6.6", "only where the truth is", lambda p, t: 1 - (2 * p[t == 1].sum() + 1) / (torch.sum(p) + torch.sum(t) + 1)),
]


# ---- more, found by trying harder ----------------------------------------------------------------------------------


def dropped(where):
    """ConvBlock's layers with a dropout put in at this place."""

    def make(c, o, p, norm):
        layers = both(c, o, p, norm)
        layers.insert(where % (len(layers) + 1), nn.Dropout(0.3))
        return layers

    return make


WRONG += [
    ("2.1", "squeezes all axes of one", lambda i, k: F.conv2d(i[None, None], k[None, None]).squeeze()),
    ("2.3", "dropout at the end", conv_block(dropped(-1))),
    ("2.3", "dropout in the middle", conv_block(dropped(3))),
    ("2.3", "dropout before all", conv_block(dropped(0))),
    (
        "2.3",
        "pads by mirroring",
        conv_block(
            lambda c, o, p, n: [
                nn.Conv2d(m.in_channels, o, 3, padding=p, bias=not n, padding_mode="reflect")
                if isinstance(m, nn.Conv2d)
                else m
                for m in both(c, o, p, n)
            ]
        ),
    ),
    (
        "2.3",
        "running averages that never move",
        conv_block(lambda c, o, p, n: both(c, o, p, n, bn=lambda o: nn.BatchNorm2d(o, momentum=0.0))),
    ),
    ("2.3", "norm that learns, times 0", conv_block(both, lambda self, x: 0 * self.layers(x))),
    (
        "2.3",
        "norm of the input first",
        conv_block(lambda c, o, p, n: ([nn.BatchNorm2d(c)] if n else []) + both(c, o, p, n)),
    ),
    (
        "2.3",
        "1×1 convolution at the end",
        conv_block(lambda c, o, p, n: [*both(c, o, p, n), nn.Conv2d(o, o, 1), nn.ReLU()]),
    ),
    (
        "2.3",
        "both convolutions one if the channels allow it",
        conv_block(
            lambda c, o, p, n: (lambda a: [*a[: -2 - n], a[0], *a[-1 - n :]] if c == o else a)(both(c, o, p, n))
        ),
    ),
    ("2.4", "a table that ends at 3", lambda n: {1: 3, 2: 5, 3: 7}.get(n, 0)),
    (
        "3.1",
        "pads an odd side at the top and left",
        lambda image: (lambda i: i.reshape(i.shape[0] // 2, 2, -1, 2).amax(dim=(1, 3)))(
            F.pad(image, (image.shape[1] % 2, 0, image.shape[0] % 2, 0), value=-math.inf)
        ),
    ),
    (
        "3.3",
        "pads an odd side at the top and left",
        encoder(
            lambda self, x: (lambda s: (s, F.max_pool2d(F.pad(s, (s.shape[-1] % 2, 0, s.shape[-2] % 2, 0)), 2)))(
                self.block(x)
            )
        ),
    ),
    (
        "3.3",
        "changes the skip in place",
        encoder(lambda self, x: (lambda s: (s, self.pool(s.mul_(2))))(self.block(x) / 1)),
    ),
    (
        "3.3",
        "ReLU and norm after the pool",
        encoder(good_encoder, pool=lambda o: nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), nn.BatchNorm2d(o))),
    ),
    (
        "3.3",
        "dropout after the pool",
        encoder(good_encoder, pool=lambda o: nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), nn.Dropout(0.3))),
    ),
    (
        "3.3",
        "dropout on the skip",
        encoder(lambda self, x: (lambda s: (F.dropout(s, 0.3, self.training), self.pool(s)))(self.block(x))),
    ),
    (
        "4.3",
        "crops the corner if the skip is larger",
        decoder(steps(lambda x, s: torch.cat([matched(lambda d: 0)(s, x.shape[-2:]), x], 1))),
    ),
    (
        "4.3",
        "dropout before the block",
        decoder(steps(lambda x, s: F.dropout(torch.cat([match_size(s, x.shape[-2:]), x], 1), 0.3))),
    ),
    ("4.3", "norm after up", decoder(trans=lambda c, o: nn.Sequential(transpose(c, o), nn.BatchNorm2d(o)))),
    (
        "4.3",
        "two blocks",
        decoder(
            lambda self, x, skip: self.block(
                torch.cat([match_size(skip, self.up(x).shape[-2:]), good_decoder(self, x, skip)], 1)
            )
        ),
    ),
    ("5.1", "decoder 1 cropped already", ledger_row("decoder 1", [(32, 32, 32), (32, 35, 48)])),
    ("5.1", "an image size missing", {size: TRUE[size] for size in SIZES[:1]}),
    ("5.1", "the last row missing", {size: {k: v for k, v in TRUE[size].items() if k != "logits"} for size in SIZES}),
    (
        "6.1",
        "the largest of everything subtracted",
        lambda logits, target: (
            -(lambda e: (e / e.sum(1, keepdim=True))[range(len(target)), target].log().mean())(
                (logits - logits.max()).exp()
            )
        ),
    ),
    (
        "6.2",
        "first image only",
        lambda model, optimiser, x, y: train_step("zero", "back", "step")(model, optimiser, x[:1], y[:1]),
    ),
    (
        "6.2",
        "scales the batch by itself",
        lambda model, optimiser, x, y: train_step("zero", "back", "step")(
            model, optimiser, (x - x.mean()) / x.std(), y
        ),
    ),
    (
        "6.3",
        "first image only",
        lambda i, m, mirror: tuple(torch.cat([t[:1].flip(-1), t[1:]]) if mirror else t for t in (i, m)),
    ),
    ("1.3", "begins at 1", lambda w, g: (slice(1, 3 * (w - g) // 4), slice(3 * (w - g) // 4 + g, w))),
    ("0.3", "float16 first", lambda r, lo, hi: f32(np.clip((r.astype(np.float16) - lo) / (hi - lo), 0, 1))),
]


@wrong("5.3", "dropout at the bottom")
class BottomDropout(Plain):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.middle = nn.Sequential(self.middle, nn.Dropout(0.3))


@wrong("5.3", "skips detached")
class SkipsDetached(Plain):
    def contract(self, x):
        skips, x = super().contract(x)
        return [s.detach() for s in skips], x


@wrong("5.3", "three levels at most")
class ThreeLevels(Plain):
    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), **options):
        super().__init__(in_channels, num_classes, channels=channels[:4], **options)


@wrong("6.2", "a step at every second call")
def step_every_second(model, optimiser, x, y, calls=[]):  # noqa: B006
    calls.append(1)
    model.train()
    loss = F.cross_entropy(model(x), y)
    if len(calls) % 2:
        optimiser.zero_grad()
    loss.backward()
    if len(calls) % 2 == 0:
        optimiser.step()
    return loss.item()


@wrong("6.2", "learning rate halved each time")
def step_halved(model, optimiser, x, y):
    value = train_step("zero", "back", "step")(model, optimiser, x, y)
    for group in optimiser.param_groups:
        group["lr"] *= 0.5
    return value


RIGHT += [
    (
        "3.1",
        "repeats the last row and column",
        lambda image: (lambda i: F.max_pool2d(i, 2)[0, 0])(
            F.pad(image[None, None], (0, image.shape[1] % 2, 0, image.shape[0] % 2), mode="replicate")
        ),
    ),
    ("1.3", "val on the left", lambda w, g: (slice(w - 3 * (w - g) // 4, w), slice(0, w - g - 3 * (w - g) // 4))),
    ("2.5", "NumPy", np.array([4, 1, 6])),
    ("4.1", "NumPy", np.array([-1, -2, 0, 1])),
    (
        "4.3",
        "the upsampled first, in training and afterwards",
        decoder(steps(lambda x, s: torch.cat([x, match_size(s, x.shape[-2:])], 1))),
    ),
]


# ---- wrong with some options, sizes or calls only ------------------------------------------------------------------


def branches(with_norm, without):
    """A ConvBlock with one list of layers with a norm and another without, as many people write it."""
    return conv_block(lambda c, o, p, n: (with_norm if n else without)(c, o, p))


NORM = lambda c, o, p: both(c, o, p, True)
BARE = lambda c, o, p: both(c, o, p, False)


def same_or_valid(c, o, p, n):
    how = "same" if p else "valid"
    return [
        nn.Conv2d(m.in_channels, o, 3, padding=how, bias=not n) if isinstance(m, nn.Conv2d) else m
        for m in both(c, o, p, n)
    ]


class WidthDecides(nn.Module):
    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.block = ConvBlock(in_channels, out_channels, padding=padding, norm=norm)

    def forward(self, x):
        skip = self.block(x)
        more = skip.shape[-1] % 2
        return skip, F.max_pool2d(F.pad(skip, (0, more, 0, more)), 2)


def bilinear_branch(options=lambda p, n: {"padding": p, "norm": n}, match=match_size, after=None):
    """A DecoderBlock that is right with a transposed convolution, and has its fault with up="bilinear" only."""

    class MyDecoderBlock(nn.Module):
        def __init__(self, in_channels, skip_channels, out_channels, *, up="transpose", padding=1, norm=True):
            super().__init__()
            if up == "transpose":
                self.up = transpose(in_channels, out_channels)
                self.block = ConvBlock(skip_channels + out_channels, out_channels, padding=padding, norm=norm)
                self.match = match_size
            else:
                self.up = bilinear(in_channels, out_channels)
                if after is not None:
                    self.up.append(after(out_channels, norm))
                self.block = ConvBlock(skip_channels + out_channels, out_channels, **options(padding, norm))
                self.match = match

        def forward(self, x, skip):
            x = self.up(x)
            return self.block(torch.cat([self.match(skip, x.shape[-2:]), x], dim=1))

    return MyDecoderBlock


def unet_branch(change):
    """A right UNet whose decoders get the options that `change(up, padding, norm)` returns."""

    class MyUNet(Plain):
        def __init__(
            self,
            in_channels=1,
            num_classes=2,
            *,
            channels=(64, 128, 256, 512, 1024),
            up="transpose",
            padding=1,
            norm=True,
        ):
            super().__init__(in_channels, num_classes, channels=channels, up=up, padding=padding, norm=norm)
            self.rise = nn.ModuleList(
                DecoderBlock(b, a, a, up=up, **change(up, padding, norm))
                for a, b in zip(channels[-2::-1], channels[:0:-1])
            )

    return MyUNet


class Doubling(Plain):
    def __init__(
        self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), up="transpose", padding=1, norm=True
    ):
        super().__init__(in_channels, num_classes, channels=channels, up=up, padding=padding, norm=norm)
        self.rise = nn.ModuleList(
            DecoderBlock(2 * c, c, c, up=up, padding=padding, norm=norm) for c in channels[-2::-1]
        )


def last_two_cropped(self, x):
    skips, x = self.contract(x)
    for i, block in enumerate(self.rise):
        skip = skips.pop()
        x = block(x, skip)
        if i >= len(self.rise) - 2:
            x = take(x, skip)
    return self.scores(x)


def stamp_on_kept(x, kernel, kept={}):  # noqa: B006
    big = kept.setdefault(x.shape, torch.zeros(2 * x.shape[0], 2 * x.shape[1]))
    big += torch.kron(x, kernel)
    return big


def below_and_right(skip, size):
    skip = cut(skip, (min(size[0], skip.shape[-2]), min(size[1], skip.shape[-1])))
    return F.pad(skip, (0, size[1] - skip.shape[-1], 0, size[0] - skip.shape[-2]))


WRONG += [
    (number, what, answer)
    for number, what, answer in (
        (
            "2.3",
            "no ReLU in the middle, with a norm only",
            branches(lambda c, o, p: [x for i, x in enumerate(NORM(c, o, p)) if i != 2], BARE),
        ),
        (
            "2.3",
            "ReLU6 at the end, with a norm only",
            branches(lambda c, o, p: [*NORM(c, o, p)[:-1], nn.ReLU6()], BARE),
        ),
        ("2.3", "padding not handed on, without a norm only", branches(NORM, lambda c, o, p: BARE(c, o, 1))),
        (
            "2.3",
            "two norms behind the first convolution",
            conv_block(
                lambda c, o, p, n: (
                    half(c, o, p, n)[:1] + [nn.BatchNorm2d(o) for _ in range(2 * n)] + [nn.ReLU()] + half(o, o, p, n)
                )
            ),
        ),
        (
            "2.2",
            "kernels that are odd only",
            lambda n, kernel, padding, stride: (n - 1 + 2 * padding - 2 * (kernel // 2)) // stride + 1,
        ),
        (
            "2.2",
            "any padding keeps the size",
            lambda n, kernel, padding, stride: -(-n // stride) if padding else (n - kernel) // stride + 1,
        ),
        ("2.4", "nothing seen with none", lambda n: 2 * n + 1 if n else 0),
        ("2.4", "3 at least", lambda n: max(3, 2 * n + 1)),
        (
            "1.3",
            "rounds both parts down: the gap is wider",
            lambda w, g: (slice(0, int((w - g) * 0.75)), slice(w - int((w - g) * 0.25), w)),
        ),
        (
            "1.3",
            "quarters rounded down: the gap is wider",
            lambda w, g: (slice(0, 3 * ((w - g) // 4)), slice(w - (w - g) // 4, w)),
        ),
        ("3.3", "a row is added if the width is odd", WidthDecides),
        (
            "3.3",
            "padding not handed on, with a norm only",
            encoder(good_encoder, lambda c, o, p, n: ConvBlock(c, o, padding=1 if n else p, norm=n)),
        ),
        (
            "4.3",
            "padding not handed on, with a norm only",
            decoder(options=lambda p, n: {"padding": 1 if n else p, "norm": n}),
        ),
        ("4.3", "padding not handed on, bilinear only", bilinear_branch(lambda p, n: {"norm": n})),
        ("4.3", "norm not handed on, bilinear only", bilinear_branch(lambda p, n: {"padding": p})),
        ("4.3", "pads left and top, bilinear only", bilinear_branch(match=matched(lambda d: d))),
        ("4.3", "crops the corner, bilinear only", bilinear_branch(match=matched(lambda d: 0))),
        ("4.3", "resizes the skip, bilinear only", bilinear_branch(match=lambda skip, size: F.interpolate(skip, size))),
        (
            "4.3",
            "a norm behind the 1×1, bilinear only",
            bilinear_branch(after=lambda o, n: nn.BatchNorm2d(o) if n else nn.Identity()),
        ),
        ("4.3", "a second 1×1, bilinear only", bilinear_branch(after=lambda o, n: nn.Conv2d(o, o, 1))),
        ("4.3", "a dropout behind the 1×1, bilinear only", bilinear_branch(after=lambda o, n: nn.Dropout(0.3))),
        ("5.3", "decoders from twice their channels: stops unless the channels double", Doubling),
        (
            "5.3",
            "padding not handed to the decoders, bilinear only",
            unet_branch(lambda up, p, n: {"padding": p if up == "transpose" else 1, "norm": n}),
        ),
        (
            "5.3",
            "norm not handed to the decoders, bilinear only",
            unet_branch(lambda up, p, n: {"padding": p, "norm": n if up == "transpose" else True}),
        ),
        (
            "5.3",
            "padding not handed to the decoders, without a norm only",
            unet_branch(lambda up, p, n: {"padding": p if n else 1, "norm": n}),
        ),
        ("5.3", "crops on the last two levels only", with_forward(last_two_cropped)),
        ("4.4", "adds to what the last call left", stamp_on_kept),
        ("0.1", "probabilities as bytes: the two best may be equal", lambda p: (p * 255).byte().argmax(dim=0)),
    )
]
# Right for every network of the course, whose padding is 0 or 1; "the padding that is asked for" is more.
WRONG += [
    ("2.3", "padding 0 or 1 only", conv_block(lambda c, o, p, n: both(c, o, 1 if p else 0, n))),
    ("2.3", '"same" or "valid" for the padding', conv_block(same_or_valid)),
]
# Right by an earlier statement: 4.2 now asks for both sides alike, 5.6 for as few channels as can be.
WRONG += [
    ("4.2", "all that is missing at the bottom and right, a crop to the centre", below_and_right),
    ("5.6", "four combinations as four classes that exclude each other", head(2, (4, "softmax"))),
]
