"""Answers to the exercises of the notebooks 07 to 14, written from the statements alone.

Rows are (id, what, answer). Whoever wrote them has seen neither the checks nor the other banks. `WRONG` has answers
that are wrong by the statement, `RIGHT` those that are right, written in other ways.
"""

import copy
import hashlib
import itertools
import math
import os
import random
import statistics
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from scipy.cluster.hierarchy import DisjointSet
from skimage.measure import label as pieces_of
from torch import nn

from tests.exercises.rows import adder
from unet_course import UNet, metrics, random_crops
from unet_course.clinic import ClinicUNet, Patient5, crops_of
from unet_course.training import OtherSkip
from unet_course.unet import init_he

WRONG, RIGHT = [], []
wrong, right = adder(WRONG, 2), adder(RIGHT, 2)


# 7.1 Dice


def _counts(p, t):
    return int((p & t).sum()), int(p.sum()), int(t.sum())


@wrong("7.1", "IoU in place of Dice")
def _(prediction, target):
    union = (prediction | target).sum()
    return 1.0 if union == 0 else ((prediction & target).sum() / union).item()


@wrong("7.1", "accuracy")
def _(prediction, target):
    return (prediction == target).float().mean().item()


@wrong("7.1", "clamp(min=1): empty masks score 0")
def _(prediction, target):
    return (2 * (prediction & target).sum() / (prediction.sum() + target.sum()).clamp(min=1)).item()


@wrong("7.1", "1 whenever the true mask is empty")
def _(prediction, target):
    return 1.0 if not target.any() else 2 * int((prediction & target).sum()) / int(prediction.sum() + target.sum())


@right("7.1", "harmonic mean of precision and recall")
def _(prediction, target):
    both, p, t = _counts(prediction, target)
    if p == 0 and t == 0:
        return 1
    if both == 0:
        return 0
    precision, recall = both / p, both / t
    return 2 * precision * recall / (precision + recall)


@right("7.1", "NumPy, the four counts")
def _(prediction, target):
    p, t = prediction.numpy(), target.numpy()
    tp, fp, fn = np.sum(p & t), np.sum(p & ~t), np.sum(~p & t)
    return 1.0 if tp + fp + fn == 0 else 2 * tp / (2 * tp + fp + fn)


# 7.2 IoU of one class


@wrong("7.2", "Dice of the class")
def _(prediction, target, k):
    both, p, t = _counts(prediction == k, target == k)
    return 2 * both / (p + t) if p + t else 1


@wrong("7.2", "the class is ignored")
def _(prediction, target, k):
    p, t = prediction > 0, target > 0
    return 1 if not (p | t).any() else ((p & t).sum() / (p | t).sum()).item()


@wrong("7.2", "the sum of the areas is taken for the union")
def _(prediction, target, k):
    both, p, t = _counts(prediction == k, target == k)
    return both / (p + t) if p + t else 1


@wrong("7.2", "an absent class gets 0")
def _(prediction, target, k):
    p, t = prediction == k, target == k
    return ((p & t).sum() / (p | t).sum().clamp(min=1)).item()


@wrong("7.2", "1 if the true mask has none, although it was invented")
def _(prediction, target, k):
    p, t = prediction == k, target == k
    return 1 if not t.any() else ((p & t).sum() / (p | t).sum()).item()


@right("7.2", "from Dice")
def _(prediction, target, k):
    both, p, t = _counts(prediction == k, target == k)
    if p + t == 0:
        return 1.0
    dice = 2 * both / (p + t)
    return dice / (2 - dice)


@right("7.2", "from a confusion table")
def _(prediction, target, k):
    n = int(max(prediction.max(), target.max(), torch.tensor(k))) + 1
    table = torch.bincount((prediction * n + target).flatten(), minlength=n * n).reshape(n, n)
    union = table[k].sum() + table[:, k].sum() - table[k, k]
    return (table[k, k] / union).item() if union else 1


# 7.3 Choose the score

_73 = ["object F1", "recall", "boundary F1", "accuracy"]
wrong("7.3", "recall and accuracy swapped", ["object F1", "accuracy", "boundary F1", "recall"])
wrong("7.3", "the two F1 swapped", ["boundary F1", "recall", "object F1", "accuracy"])
wrong("7.3", "one score twice", ["object F1", "recall", "boundary F1", "object F1"])
wrong("7.3", "the list of the statement, in its order", ["accuracy", "recall", "boundary F1", "object F1"])
right("7.3", "a tuple", tuple(_73))
right("7.3", "with capitals", ["Object F1", "Recall", "Boundary F1", "Accuracy"])

# 7.6 Read a confusion picture

wrong("7.6", "recall and precision swapped", "ADBC")
wrong("7.6", "the order of the alphabet", "ABCD")
wrong("7.6", "objects and place swapped", "DACB")
wrong("7.6", "three letters", "DAB")
right("7.6", "a list", ["D", "A", "B", "C"])
right("7.6", "small letters", "dabc")

# 7.4 Object F1


def _objects(labels):
    return [labels == n for n in labels.unique() if n != 0]


def _iou(a, b):
    return int((a & b).sum()) / int((a | b).sum())


def _f1(matches, predicted, true):
    return 2 * matches / (predicted + true) if predicted + true else 1


@wrong("7.4", "0.5 in place of 0.7")
def _(prediction, target):
    p, t = _objects(prediction), _objects(target)
    return _f1(sum(_iou(a, b) > 0.5 for a in p for b in t), len(p), len(t))


@wrong("7.4", "background is an object")
def _(prediction, target):
    p, t = ([x == n for n in x.unique()] for x in (prediction, target))
    return _f1(sum(_iou(a, b) >= 0.7 for a in p for b in t), len(p), len(t))


@wrong("7.4", "the largest number is taken for the count")
def _(prediction, target):
    p, t = _objects(prediction), _objects(target)
    return _f1(sum(_iou(a, b) >= 0.7 for a in p for b in t), int(prediction.max()), int(target.max()))


@wrong("7.4", "range(1, max): the last object is forgotten")
def _(prediction, target):
    p, t = ([x == n for n in range(1, int(x.max())) if (x == n).any()] for x in (prediction, target))
    return _f1(sum(_iou(a, b) >= 0.7 for a in p for b in t), len(p), len(t))


@wrong("7.4", "connected pieces in place of the numbers")
def _(prediction, target):
    p, t = (_objects(torch.from_numpy(pieces_of(x.numpy() > 0))) for x in (prediction, target))
    return _f1(sum(_iou(a, b) >= 0.7 for a in p for b in t), len(p), len(t))


@right("7.4", "one table of overlaps")
def _(prediction, target):
    p_names, p = np.unique(prediction.numpy(), return_inverse=True)
    t_names, t = np.unique(target.numpy(), return_inverse=True)
    table = np.zeros((len(p_names), len(t_names)))
    np.add.at(table, (p.ravel(), t.ravel()), 1)
    union = table.sum(1, keepdims=True) + table.sum(0, keepdims=True) - table
    hit = (table / union >= 0.7)[p_names != 0][:, t_names != 0]
    return 2 * hit.sum() / sum(hit.shape) if sum(hit.shape) else 1.0


@right("7.4", "sets of pixels")
def _(prediction, target):
    def sets(labels):
        found = {}
        for place, n in enumerate(labels.flatten().tolist()):
            if n:
                found.setdefault(n, set()).add(place)
        return list(found.values())

    p, t = sets(prediction), sets(target)
    return _f1(sum(10 * len(a & b) >= 7 * len(a | b) for a in p for b in t), len(p), len(t))


# 7.5 Is it as sure as it says?


def _in_bins(p, t):
    p, t = p.flatten().double(), t.flatten()
    bins = [(p >= k / 10) & ((p < (k + 1) / 10) | (torch.tensor(k == 9) & (p <= 1))) for k in range(10)]
    return [(p[b], t[b]) for b in bins]


@wrong("7.5", "the means of true and of false pixels")
def _(p, t):
    return [p[t].mean()] * 10, [p[~t].mean()] * 10


@wrong("7.5", "empty bins are left out")
def _(p, t):
    kept = [(a.mean().item(), b.double().mean().item()) for a, b in _in_bins(p, t) if len(a)]
    return [a for a, _ in kept], [b for _, b in kept]


@wrong("7.5", "what lies above the lower edge, without an upper one")
def _(p, t):
    return [p[p >= k / 10].mean() for k in range(10)], [t[p >= k / 10].float().mean() for k in range(10)]


@right("7.5", "comparisons with the edges")
def _(p, t):
    parts = _in_bins(p, t)
    return [a.mean().item() for a, _ in parts], [b.double().mean().item() for _, b in parts]


@right("7.5", "a dictionary of lists")
def _(p, t):
    bins = {k: [] for k in range(10)}
    for said, true in zip(p.flatten().tolist(), t.flatten().tolist()):
        bins[min(int(said * 10), 9)].append((said, true))
    return tuple([sum(pair[i] for pair in bins[k]) / len(bins[k]) if bins[k] else float("nan") for k in range(10)] for i in (0, 1))


# 7.8 Which is better, by blocks


def _pooled(rows):
    found, predicted, true = (sum(int(row[i]) for row in rows) for i in range(3))
    return 2 * found / (predicted + true) if predicted + true else 0.0


@wrong("7.8", "the difference of the two intervals")
def _(first, second):
    ends = []
    for rows in (first.tolist(), second.tolist()):
        scores = sorted(_pooled(random.choices(rows, k=len(rows))) for _ in range(1000))
        ends.append((scores[25], scores[974]))
    return ends[0][0] - ends[1][1], ends[0][1] - ends[1][0]


@wrong("7.8", "the difference alone, twice")
def _(first, second):
    return (_pooled(first.tolist()) - _pooled(second.tolist()),) * 2


@right("7.8", "random.choices over pairs of blocks")
def _(first, second):
    pairs, found = list(zip(first.tolist(), second.tolist())), []
    for _ in range(1500):
        sample = random.choices(pairs, k=len(pairs))
        found.append(_pooled([a for a, _ in sample]) - _pooled([b for _, b in sample]))
    found.sort()
    return found[37], found[1462]


@right("7.8", "torch.quantile of two columns")
def _(first, second):
    places = torch.randint(len(first), (3000, len(first)))
    sums = torch.stack([first, second]).double()[:, places].sum(2)
    scores = 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2]).clamp(min=1e-9)
    return torch.quantile(scores[0] - scores[1], torch.tensor([0.025, 0.975], dtype=torch.double)).tolist()


# 7.7 How sure is a mean?


def _ends(means, low=0.025, high=0.975):
    return means.quantile(low).item(), means.quantile(high).item()


def _draw(values, samples=2000, size=None):
    return values.float()[torch.randint(len(values), (samples, size or len(values)))]


wrong("7.7", "percentiles of the values", lambda values: _ends(values.float()))
wrong("7.7", "high end first", lambda values: _ends(_draw(values).mean(1))[::-1])
wrong("7.7", "ten samples", lambda values: _ends(_draw(values, samples=10).mean(1)))
wrong("7.7", "median of each sample", lambda values: _ends(_draw(values).median(1).values))
wrong(
    "7.7",
    "a formula: mean ± 1.96 standard errors",
    lambda values: tuple(
        float(values.float().mean() + s * 1.96 * values.float().std(correction=0) / len(values) ** 0.5) for s in (-1, 1)
    ),
)


@right("7.7", "NumPy, a loop over choices")
def _(values):
    generator, values = np.random.default_rng(), values.numpy()
    means = [generator.choice(values, len(values)).mean() for _ in range(2000)]
    return tuple(np.percentile(means, [2.5, 97.5]))


@right("7.7", "random.choices and a sorted list")
def _(values):
    values = values.tolist()
    means = sorted(sum(random.choices(values, k=len(values))) / len(values) for _ in range(4000))
    return [means[100], means[3899]]


# 8.1 What the skips weigh


def _bytes(height, width, channels, *, bytes=4, halve=lambda n: -(-n // 2), before=False):
    total = 0
    for c in channels:
        if before:
            height, width = halve(height), halve(width)
        total += bytes * c * height * width
        if not before:
            height, width = halve(height), halve(width)
    return total


wrong("8.1", "halves and rounds down", lambda h, w, channels: _bytes(h, w, channels[:-1], halve=lambda n: n // 2))
wrong("8.1", "the bottom is counted", lambda h, w, channels: _bytes(h, w, channels))
wrong("8.1", "only the top skip", lambda h, w, channels: 4 * h * w * channels[0])


@right("8.1", "by recursion")
def _skips(height, width, channels):
    if len(channels) < 2:
        return 0
    return 4 * height * width * channels[0] + _skips((height + 1) // 2, (width + 1) // 2, channels[1:])


right(
    "8.1",
    "a power of two for each level",
    lambda height, width, channels: sum(
        4 * c * math.ceil(height / 2**k) * math.ceil(width / 2**k) for k, c in enumerate(channels[:-1])
    ),
)


# 8.2 The margin, by hand


def _margin(pools, halve=lambda n: -(-n // 2), convs=2, up=2, first=2):
    m = first
    for _ in range(pools):
        m = halve(m) + convs
    for _ in range(pools):
        m = 2 * m + up
    return m


wrong("8.2", "rounds down", lambda pools: _margin(pools, halve=lambda n: n // 2))
wrong("8.2", "does not round", lambda pools: _margin(pools, halve=lambda n: n / 2))
wrong("8.2", "a formula that holds from two pools on", lambda pools: 6 * 2**pools - 2)
wrong("8.2", "no convolutions on the way up", lambda pools: _margin(pools, up=0))
wrong("8.2", "a table up to three pools", lambda pools: [2, 8, 22, 46][pools])


@right("8.2", "by recursion")
def _(pools):
    def level(poison, left):
        poison += 2
        return poison if left == 0 else 2 * level(math.ceil(poison / 2), left - 1) + 2

    return level(0, pools)


right("8.2", "a formula with two exceptions", lambda pools: {0: 2, 1: 8}.get(pools, 6 * 2**pools - 2))

# 8.3 Mirror a border


wrong("8.3", "abs alone", lambda place, size: abs(place))
wrong("8.3", "wraps around", lambda place, size: place % size)
wrong("8.3", "the outermost pixel goes on", lambda place, size: min(max(place, 0), size - 1))
wrong("8.3", "mirrored once only", lambda place, size: abs(place) if place < size else 2 * (size - 1) - place)
wrong(
    "8.3",
    "one pixel: division by zero",
    lambda place, size: (lambda p: p if p < size else 2 * size - 2 - p)(place % (2 * size - 2)),
)


@right("8.3", "fold until it lies within")
def _(place, size):
    while size > 1 and not 0 <= place < size:
        place = -place if place < 0 else 2 * (size - 1) - place
    return place if size > 1 else 0


@right("8.3", "np.pad")
def _(place, size):
    far = abs(place) + 1
    return int(np.pad(np.arange(size), far, mode="reflect")[place + far]) if size > 1 else 0


# 8.4 Overlap-tile by hand


def _tiled(run, image, tile, margin, *, mode="reflect", show=None, crop=None, whole=False):
    show, crop = margin if show is None else show, crop if crop is not None else (margin if show is None else show)
    h, w = image.shape
    padded = torch.from_numpy(np.pad(image.numpy(), show, mode=mode))
    out = torch.zeros(h, w)
    for r in range(0, h - tile + 1 if whole else h, tile):
        for c in range(0, w - tile + 1 if whole else w, tile):
            a, b = min(tile, h - r), min(tile, w - c)
            result = run(padded[r : r + a + 2 * show, c : c + b + 2 * show])
            out[r : r + a, c : c + b] = result[crop : crop + a, crop : crop + b]
    return out


wrong("8.4", "no margin", lambda run, image, tile, margin: _tiled(run, image, tile, 0))
wrong("8.4", "zeros outside", lambda run, image, tile, margin: _tiled(run, image, tile, margin, mode="constant"))
wrong(
    "8.4",
    "the result's corner is kept, not its middle",
    lambda run, image, tile, margin: _tiled(run, image, tile, margin, crop=0),
)
wrong("8.4", "twice the margin", lambda run, image, tile, margin: _tiled(run, image, tile, 2 * margin))


@wrong("8.4", "the image is cut into square tiles, rows and columns swapped")
def _(run, image, tile, margin):
    return _tiled(run, image.T.contiguous(), tile, margin)


def _mirror(place, size):
    return (size - 1) - abs((size - 1) - place % max(2 * size - 2, 1))


@right("8.4", "mirrored places, no padding")
def _(run, image, tile, margin):
    h, w = image.shape
    bands = []
    for r in range(0, h, tile):
        below, row = min(r + tile, h), []
        rows = [_mirror(n, h) for n in range(r - margin, below + margin)]
        for c in range(0, w, tile):
            after = min(c + tile, w)
            columns = [_mirror(n, w) for n in range(c - margin, after + margin)]
            result = run(image[rows][:, columns])
            row.append(result[margin : margin + below - r, margin : margin + after - c])
        bands.append(torch.cat(row, dim=1))
    return torch.cat(bands)


@right("8.4", "one loop over all tiles")
def _(run, image, tile, margin):
    padded = torch.from_numpy(np.pad(image.numpy(), ((margin, margin), (margin, margin)), "reflect"))
    out = torch.empty_like(image)
    for r, c in itertools.product(*(range(0, n, tile) for n in image.shape)):
        kept = out[r : r + tile, c : c + tile]
        window = padded[r : r + kept.shape[0] + 2 * margin, c : c + kept.shape[1] + 2 * margin]
        kept.copy_(run(window)[margin:, margin:][: kept.shape[0], : kept.shape[1]])
    return out


# 8.7 What a tiling costs

wrong("8.7", "whole tiles only", [6, 348, 1.85])
wrong("8.7", "margin on one side", [12, 302, 1.39])
wrong("8.7", "one direction only", [12, 348, 1.36])
wrong("8.7", "kept for each computed", [12, 348, 0.54])
right("8.7", "a tuple", (12, 348, 1.85))
right(
    "8.7",
    "computed",
    np.array([math.ceil(1000 / 256) * math.ceil(700 / 256), 256 + 2 * 46, round((348 / 256) ** 2, 2)]),
)

# 8.8 Count across bands


def _across(bands, near=1, minus="components", keep=None):
    """Pairs of numbers that meet at a border; then the components of a graph, or something like it."""
    used, above, pairs, held = 0, None, set(), []
    for band in bands:
        found, n = ndimage.label(band, np.ones((3, 3)))
        found = found.astype(int) + used * (found > 0)
        used += n
        held = [*held, band] if keep else []
        for j in range(found.shape[1]) if above is not None else ():
            for k in range(max(0, j - near), min(len(above), j + near + 1)):
                if found[0, j] and above[k]:
                    pairs.add((int(above[k]), int(found[0, j])))
        above = found[-1].copy()
    if minus == "pairs":
        return used - len(pairs)
    groups = [{n} for n in range(1, used + 1)]
    for pair in pairs:
        met = [g for g in groups if g & set(pair)]
        groups = [g for g in groups if not g & set(pair)] + [set().union(*met)]
    return len(groups)


def _where_it_ends(bands):
    """A piece is counted where a band has none of it in its last row: forks are missed."""
    total, last = 0, 0
    for band in bands:
        found, n = ndimage.label(band, np.ones((3, 3)))
        last = len(np.setdiff1d(found[-1], 0))
        total += n - last
    return total + last


wrong("8.8", "straight neighbours alone", lambda bands: _across(bands, near=0))
wrong("8.8", "as many less as there are pairs", lambda bands: _across(bands, minus="pairs"))
wrong("8.8", "where it ends", _where_it_ends)
wrong("8.8", "the bands are kept", lambda bands: _across(bands, keep=True))
wrong("8.8", "four neighbours within a band", lambda bands: sum(ndimage.label(band)[1] for band in bands))
wrong("8.8", "a table of pieces, not their number", lambda bands: [_across(bands)] * 2)
right("8.8", "groups of numbers", _across)


@right("8.8", "a disjoint set")
def _(bands):
    known, above = DisjointSet(), None
    for i, band in enumerate(bands):
        found, n = ndimage.label(band, np.ones((3, 3)))
        for k in range(1, n + 1):
            known.add((i, k))
        if above is not None:
            for j, k in itertools.product(range(found.shape[1]), range(found.shape[1])):
                if abs(j - k) < 2 and found[0, j] and above[k]:
                    known.merge((i, found[0, j]), (i - 1, above[k]))
        above = found[-1].copy()
    return known.n_subsets


# 8.5 Fade the tiles


def _fade(size, tile, fade, *, centre=0.5, first=True, last=True, shift=None, width=None, count=None, smooth=False):
    x = torch.arange(size) + centre
    count = count or -(-size // tile)
    shift, width = fade if shift is None else shift, 2 * fade if width is None else width
    up = torch.stack([((x - i * tile + shift) / width).clamp(0, 1) for i in range(count + 1)])
    if smooth:
        up = (1 - torch.cos(math.pi * up)) / 2
    if first:
        up[0] = 1
    if last:
        up[-1] = 0
    return up[:-1] - up[1:]


wrong("8.5", "pixels at their left edge", lambda size, tile, fade: _fade(size, tile, fade, centre=0))
wrong("8.5", "the beginning of the row is faded", lambda size, tile, fade: _fade(size, tile, fade, first=False))
wrong("8.5", "a ramp half as wide", lambda size, tile, fade: _fade(size, tile, fade, shift=fade / 2, width=fade))
wrong("8.5", "a ramp twice as wide", lambda size, tile, fade: _fade(size, tile, 2 * fade))
wrong("8.5", "whole tiles only", lambda size, tile, fade: _fade(size, tile, fade, count=max(size // tile, 1)))


@right("8.5", "each tile a triangle, divided by the sum")
def _(size, tile, fade):
    x, count = torch.arange(size) + 0.5, -(-size // tile)
    hats = torch.stack([(1 - (x - (i + 0.5) * tile).abs() / (tile / 2 + fade)).clamp(min=1e-6) for i in range(count)])
    return hats / hats.sum(dim=0)


@right("8.5", "np.interp")
def _(size, tile, fade):
    x, count = np.arange(size) + 0.5, math.ceil(size / tile)
    up = [np.ones(size)] + [np.interp(x, [i * tile - fade, i * tile + fade], [0, 1]) for i in range(1, count)]
    return torch.tensor(np.array([a - b for a, b in zip(up, [*up[1:], np.zeros(size)])]), dtype=torch.float32)


# 8.6 Name the cause

_86 = ["no margin", "off the grid", "training mode", "gradients kept"]
wrong("8.6", "margin and grid swapped", ["off the grid", "no margin", "training mode", "gradients kept"])
wrong("8.6", "mode and gradients swapped", ["no margin", "off the grid", "gradients kept", "training mode"])
wrong("8.6", "one cause twice", ["no margin", "no margin", "training mode", "gradients kept"])
wrong("8.6", "grid and mode swapped", ["no margin", "training mode", "off the grid", "gradients kept"])
right("8.6", "a tuple", tuple(_86))
right("8.6", "with capitals", [w.capitalize() for w in _86])


# 9.18 Triage

_918 = ["print the shapes", "light one pixel", "learn one batch by heart", "count the classes"]
wrong("9.18", "pixel and batch swapped", [_918[0], _918[2], _918[1], _918[3]])
wrong("9.18", "batch and classes swapped", [_918[0], _918[1], _918[3], _918[2]])
wrong("9.18", "shapes and pixel swapped", [_918[1], _918[0], _918[2], _918[3]])
wrong("9.18", "backwards", _918[::-1])
right("9.18", "a tuple", tuple(_918))
right("9.18", "with capitals", [w.capitalize() for w in _918])


# 9.1 Patient 1


@wrong("9.1", "the skips are not turned round")
class _(ClinicUNet):
    def up(self, x, skips):
        for decoder, skip in zip(self.decoders, skips):
            x = decoder(x, skip)
        return x


@wrong("9.1", "both are turned round")
class _(ClinicUNet):
    def up(self, x, skips):
        for decoder, skip in zip(reversed(self.decoders), reversed(skips)):
            x = decoder(x, skip)
        return x


@wrong("9.1", "the skips are zeros")
class _(ClinicUNet):
    def up(self, x, skips):
        for decoder, skip in zip(self.decoders, reversed(skips)):
            x = decoder(x, torch.zeros_like(skip))
        return x


@wrong("9.1", "three stages, whatever the depth")
class _(ClinicUNet):
    def up(self, x, skips):
        x = self.decoders[0](x, skips[-1])
        return self.decoders[1](x, skips[-2])


@right("9.1", "a slice backwards")
class _(ClinicUNet):
    def up(self, x, skips):
        for stage, skip in zip(self.decoders, skips[::-1]):
            x = stage(x, skip)
        return x


@right("9.1", "counted")
class _(ClinicUNet):
    def up(self, x, skips):
        last = len(skips) - 1
        for i in range(len(skips)):
            x = self.decoders[i](x, skips[last - i])
        return x


# 9.2 Patient 2


def _bilinear():
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


@wrong("9.2", "the transposed convolution stays")
class _(ClinicUNet):
    pass


@wrong("9.2", "nearest, not bilinear")
class _(ClinicUNet):
    def __init__(self, **options):
        super().__init__(**options)
        for d in self.decoders:
            d.up = nn.Sequential(
                nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(d.up.in_channels, d.up.out_channels, 1)
            )


@wrong("9.2", "only the first decoder is repaired")
class _(ClinicUNet):
    def __init__(self, **options):
        super().__init__(**options)
        for d in self.decoders:
            channels = d.up.in_channels, d.up.out_channels
            d.up = _bilinear()
        self.decoders[0].up = nn.Sequential(_bilinear(), nn.Conv2d(2 * channels[0], 2 * channels[1], 1))


@right("9.2", "the option of UNet")
class _(ClinicUNet):
    def __init__(self, **options):
        super().__init__(up="bilinear", **options)


@right("9.2", "the convolution before the upsampling")
class _(ClinicUNet):
    def __init__(self, **options):
        super().__init__(**options)
        for d in self.decoders:
            d.up = nn.Sequential(nn.Conv2d(d.up.in_channels, d.up.out_channels, 1), _bilinear())


# 9.3 Patient 3


@wrong("9.3", "the pooled tensor, made large again")
class _(ClinicUNet):
    def down(self, x):
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)
            skips.append(F.interpolate(x, size=skip.shape[-2:]))
        return self.bottleneck(x), skips


@wrong("9.3", "not pooled on the way down")
class _(ClinicUNet):
    def down(self, x):
        skips = []
        for encoder in self.encoders:
            x, _ = encoder(x)
            skips.append(x)
        return self.bottleneck(x), skips


@wrong("9.3", "skips in the opposite order")
class _(ClinicUNet):
    def down(self, x):
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)
            skips.insert(0, skip)
        return self.bottleneck(x), skips


@right("9.3", "block and pool called one by one")
class _(ClinicUNet):
    def down(self, x):
        skips = []
        for encoder in self.encoders:
            skips.append(encoder.block(x))
            x = encoder.pool(skips[-1])
        return self.bottleneck(x), skips


@right("9.3", "pairs, and then the first of each")
class _(ClinicUNet):
    def down(self, x):
        pairs = [(None, x)]
        for encoder in self.encoders:
            pairs.append(encoder(pairs[-1][1]))
        return self.bottleneck(pairs[-1][1]), [skip for skip, _ in pairs[1:]]


# 9.4 Patient 4


def _cropped(crop):
    class Mended(ClinicUNet):
        def forward(self, x):
            return super().forward(x)

    Mended.crop = lambda self, x, height, width: crop(x, height, width)
    return Mended


wrong("9.4", "the patient", _cropped(lambda x, h, w: x[..., 1 : h + 1, 1 : w + 1]))
wrong(
    "9.4",
    "the middle",
    _cropped(
        lambda x, h, w: x[
            ...,
            (x.shape[-2] - h) // 2 : (x.shape[-2] - h) // 2 + h,
            (x.shape[-1] - w) // 2 : (x.shape[-1] - w) // 2 + w,
        ]
    ),
)
wrong("9.4", "the last rows and columns", _cropped(lambda x, h, w: x[..., -h:, -w:]))
wrong("9.4", "not cropped", _cropped(lambda x, h, w: x))
right("9.4", "narrow", _cropped(lambda x, h, w: x.narrow(-2, 0, h).narrow(-1, 0, w)))
right("9.4", "negative padding", _cropped(lambda x, h, w: F.pad(x, (0, w - x.shape[-1], 0, h - x.shape[-2]))))


# 9.5 Patient 5


class _Plain(ClinicUNet):
    """Patient 5 without its fault's excuse: `start` is called at the end of __init__."""

    def __init__(self, **options):
        super().__init__(norm=False, **options)
        for layer in self.convolutions():
            layer.reset_parameters()
        self.start()

    def convolutions(self):
        return [m for m in self.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]

    def initialise(self):
        for layer in self.convolutions():
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def start(self):
        pass


def _start(start, base=_Plain):
    return type("Mended5", (base,), {"start": start})


def _all(draw):
    def start(self):
        for layer in self.convolutions():
            draw(layer.weight)
            nn.init.zeros_(layer.bias)

    return start


wrong("9.5", "the patient", _start(lambda self: None))
wrong("9.5", "a fixed spread of 0.01", _start(_all(lambda w: nn.init.normal_(w, std=0.01))))
wrong("9.5", "gain of a linear layer", _start(_all(lambda w: nn.init.kaiming_normal_(w, nonlinearity="linear"))))


@wrong("9.5", "batch norm hides it")
class _(ClinicUNet):
    pass


right("9.5", "initialise is called", _start(lambda self: self.initialise()))


@right("9.5", "init_he, after Patient5")
class _(Patient5):
    def __init__(self, **options):
        super().__init__(**options)
        self.apply(init_he)


# 9.6 Patient 6


def _mask(mask):
    return torch.from_numpy(np.ascontiguousarray(mask)).long()


wrong("9.6", "divided by 255", lambda picture: _mask(picture // 255))
wrong("9.6", "above 127", lambda picture: _mask(picture > 127))
wrong("9.6", "above the mean", lambda picture: _mask(picture > picture.mean()))
wrong("9.6", "nucleus and background swapped", lambda picture: _mask(picture == 0))
right("9.6", "clamped", lambda picture: torch.from_numpy(picture.astype(np.int64)).clamp(max=1))
right("9.6", "the sign", lambda picture: torch.tensor(np.sign(picture), dtype=torch.int64))


# 9.7 Patient 7


def _resize(images, size):
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False)


def _nearest(masks, size, mode="nearest-exact"):
    return F.interpolate(masks[:, None].float(), size=size, mode=mode)[:, 0]


wrong(
    "9.7",
    ".long() behind the bilinear mask",
    lambda images, masks, size: (_resize(images, size), _resize(masks[:, None].float(), size)[:, 0].long()),
)
wrong("9.7", "the image is not resized", lambda images, masks, size: (images, _nearest(masks, size).long()))
wrong("9.7", "mask first", lambda images, masks, size: (_nearest(masks, size).long(), _resize(images, size)))
wrong("9.7", "nearest, the first of the pixels", lambda images, masks, size: (
    _resize(images, size), _nearest(masks, size, mode="nearest").long()))
wrong(
    "9.7",
    "averaged over areas",
    lambda images, masks, size: (_resize(images, size), _nearest(masks, size, mode="area").long()),
)


@right("9.7", "nearest-exact, bytes")
def _(images, masks, size):
    images = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
    return images, F.interpolate(masks[:, None].byte(), size=size, mode="nearest-exact").squeeze(1).long()


@right("9.7", "places of the centres")
def _(images, masks, size):
    rows, columns = (((torch.arange(n) + 0.5) * old / n).long() for n, old in zip(size, masks.shape[-2:]))
    return F.interpolate(images, size, mode="bilinear"), masks[:, rows][:, :, columns]


# 9.8 Patient 8


def _tensor(picture):
    return torch.from_numpy(np.ascontiguousarray(picture)).float() / 255


wrong("9.8", "reshape", lambda picture: _tensor(picture).reshape(1, 3, *picture.shape[:2]))
wrong("9.8", "rows and columns swapped", lambda picture: _tensor(picture).permute(2, 1, 0)[None])
wrong("9.8", "transpose(1, 3)", lambda picture: _tensor(picture)[None].transpose(1, 3))
wrong("9.8", "not divided by 255", lambda picture: torch.from_numpy(picture).permute(2, 0, 1)[None].float())
right("9.8", "colours stacked", lambda picture: torch.stack([_tensor(picture[..., c]) for c in range(3)])[None])
right("9.8", "NumPy moves the axis", lambda picture: torch.tensor(np.moveaxis(picture, -1, 0)[None] / 255.0).float())


# 9.9 Patient 9


def _heads(generator):
    return bool(torch.rand((), generator=generator) < 0.5)


@wrong("9.9", "two coins")
def _(images, masks, generator):
    images = images.flip(-1) if _heads(generator) else images
    return images, masks.flip(-1) if _heads(generator) else masks


@wrong("9.9", "always mirrored")
def _(images, masks, generator):
    return images.flip(-1), masks.flip(-1)


@wrong("9.9", "never mirrored")
def _(images, masks, generator):
    return images, masks


@wrong("9.9", "a generator of its own, with a fixed seed")
def _(images, masks, generator):
    return (images.flip(-1), masks.flip(-1)) if _heads(torch.Generator().manual_seed(0)) else (images, masks)


@right("9.9", "torch.flip of each")
def _(images, masks, generator):
    mirror = torch.rand(1, generator=generator).item() < 0.5
    return tuple(torch.flip(t, dims=[-1]) if mirror else t for t in (images, masks))


@right("9.9", "columns backwards")
def _(images, masks, generator):
    columns = torch.arange(images.shape[-1])
    if torch.rand((), generator=generator) < 0.5:
        columns = columns.flip(0)
    return images[..., columns], masks[..., columns]


# 9.10 Patient 10

wrong(
    "9.10",
    "the patient",
    lambda images, masks, generator: random_crops(images, masks, size=16, count=1, generator=generator),
)
wrong(
    "9.10",
    "smaller crops",
    lambda images, masks, generator: random_crops(images, masks, size=8, count=1, generator=generator),
)
wrong("9.10", "the whole images", lambda images, masks, generator: (images, masks))
wrong(
    "9.10",
    "no crop at all",
    lambda images, masks, generator: tuple(
        t[:0] for t in random_crops(images, masks, size=32, count=4, generator=generator)
    ),
)
right(
    "9.10",
    "larger crops",
    lambda images, masks, generator: random_crops(images, masks, size=48, count=1, generator=generator),
)
right(
    "9.10",
    "more crops",
    lambda images, masks, generator: random_crops(images, masks, size=16, count=4, generator=generator),
)


# 9.11 Patient 11


def _forward(change):
    class Mended(ClinicUNet):
        def forward(self, x):
            return change(self, super().forward(x))

    return Mended


wrong("9.11", "softmax, the patient", _forward(lambda self, out: out.softmax(dim=1)))
wrong("9.11", "sigmoid", _forward(lambda self, out: out.sigmoid()))
wrong(
    "9.11", "probabilities in evaluation mode", _forward(lambda self, out: out if self.training else out.softmax(dim=1))
)
wrong(
    "9.11", "probabilities in training mode", _forward(lambda self, out: out.softmax(dim=1) if self.training else out)
)
right("9.11", "logits", _forward(lambda self, out: out))


@right("9.11", "no forward of its own")
class _(ClinicUNet):
    pass


# 9.12 Patient 12

wrong(
    "9.12",
    "sigmoid and binary_cross_entropy",
    lambda logits, masks: F.binary_cross_entropy(logits[:, 0].sigmoid(), masks.float()),
)
wrong(
    "9.12", "detached", lambda logits, masks: F.binary_cross_entropy_with_logits(logits[:, 0].detach(), masks.float())
)
wrong(
    "9.12", "the sign is wrong", lambda logits, masks: F.binary_cross_entropy_with_logits(-logits[:, 0], masks.float())
)
wrong(
    "9.12",
    "the log by hand, without care",
    lambda logits, masks: (
        -(masks * logits[:, 0].sigmoid().log() + (1 - masks) * (1 - logits[:, 0].sigmoid()).log()).mean()
    ),
)
right(
    "9.12",
    "the mask gets a channel",
    lambda logits, masks: F.binary_cross_entropy_with_logits(logits, masks[:, None].float()),
)
right("9.12", "softplus", lambda logits, masks: (F.softplus(logits[:, 0]) - logits[:, 0] * masks).mean())


# 9.13 Patient 13


def _adamw(model, **options):
    return torch.optim.AdamW(model.parameters(), **options)


wrong("9.13", "ten times is not enough", lambda model: _adamw(model, lr=3e-4))
wrong("9.13", "three thousand times", lambda model: _adamw(model, lr=0.1))
right("9.13", "a thousand times", lambda model: _adamw(model, lr=0.03))
wrong("9.13", "a copy of the network", lambda model: _adamw(copy.deepcopy(model), lr=3e-3))
right("9.13", "a list of parameters", lambda model: torch.optim.AdamW(list(model.parameters()), 0.005))


@right("9.13", "the rate is set afterwards")
def _(model):
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-5)
    for group in optimiser.param_groups:
        group["lr"] *= 100
    return optimiser


# 9.14 Patient 14


def _logits(model, images):
    model.eval()
    with torch.no_grad():
        return model(images)[:, 0]


wrong("9.14", "the patient", lambda model, images: _logits(model, images) > 0.5)
wrong("9.14", "sigmoid above 0", lambda model, images: _logits(model, images).sigmoid() > 0)
wrong("9.14", "logit above 0.62", lambda model, images: _logits(model, images) > 0.62)
wrong("9.14", "background", lambda model, images: _logits(model, images) < 0)
right("9.14", "sigmoid, one half", lambda model, images: torch.sigmoid(_logits(model, images)) > 0.5)
right("9.14", "the logit of one half", lambda model, images: _logits(model, images).gt(math.log(0.5 / 0.5)))


# 9.15 Patient 15


@wrong("9.15", "the patient")
def _(model, images):
    with torch.no_grad():
        return model(images).argmax(dim=1)


@wrong("9.15", "one by one, in training mode")
def _(model, images):
    with torch.no_grad():
        return torch.cat([model(image[None]).argmax(dim=1) for image in images])


@wrong("9.15", "the brackets of eval are missing")
def _(model, images):
    model.eval  # noqa: B018
    with torch.no_grad():
        return model(images).argmax(dim=1)


@wrong("9.15", "a copy in training mode")
def _(model, images):
    with torch.no_grad():
        return copy.deepcopy(model)(images).argmax(dim=1)


@right("9.15", "the mode is set back")
def _(model, images):
    before = model.training
    model.eval()
    try:
        with torch.no_grad():
            return model(images).max(dim=1).indices
    finally:
        model.train(before)


@right("9.15", "a copy, one image after the other")
def _(model, images):
    calm = copy.deepcopy(model).train(False)
    with torch.inference_mode():
        return torch.stack([calm(image.unsqueeze(0))[0].argmax(0) for image in images])


# 9.16 Patient 16


def _shuffled(crops, generator, share=4):
    order, few = torch.randperm(len(crops), generator=generator), len(crops) // share
    return crops[order[few:]], crops[order[:few]]


wrong("9.16", "the patient", lambda field, generator: _shuffled(crops_of(field), generator))
wrong(
    "9.16",
    "not shuffled, the last quarter",
    lambda field, generator: (
        crops_of(field)[: -(len(crops_of(field)) // 4)],
        crops_of(field)[-(len(crops_of(field)) // 4) :],
    ),
)
wrong(
    "9.16",
    "half and half",
    lambda field, generator: (
        crops_of(field[:, :, : field.shape[2] // 2]),
        crops_of(field[:, :, field.shape[2] // 2 :]),
    ),
)
wrong(
    "9.16",
    "grey values are changed",
    lambda field, generator: tuple(
        (t - t.mean()) / (t.std() + 1e-6)
        for t in (crops_of(field[:, :, : field.shape[2] * 3 // 4]), crops_of(field[:, :, field.shape[2] * 3 // 4 :]))
    ),
)


@right("9.16", "by columns, validation on the right")
def _(field, generator):
    cut = field.shape[-1] * 3 // 4
    return crops_of(field[..., :cut]), crops_of(field[..., cut:])


@right("9.16", "by columns, validation on the left, shuffled, with a gap")
def _(field, generator):
    cut = field.shape[-1] // 4
    val, train = crops_of(field[..., :cut]), crops_of(field[..., cut + 4 :])
    return train[torch.randperm(len(train), generator=generator)], val


# 9.17 Patient 17


def _mean_dice(prediction, target, classes, absent=None, empty=1.0, score=None):
    scores = []
    for k in classes:
        p, t = prediction == k, target == k
        area = int(p.sum() + t.sum())
        if area:
            scores.append(2 * int((p & t).sum()) / area if score is None else score(p, t))
        elif absent is not None:
            scores.append(absent)
    return sum(scores) / len(scores) if scores else empty


wrong("9.17", "an absent class gets 0", lambda p, t, num_classes=3: _mean_dice(p, t, range(1, num_classes), absent=0.0))
wrong("9.17", "an absent class gets 1", lambda p, t, num_classes=3: _mean_dice(p, t, range(1, num_classes), absent=1.0))
wrong(
    "9.17",
    "classes of the mask alone",
    lambda p, t, num_classes=3: _mean_dice(p, t, [k for k in range(1, num_classes) if (t == k).any()]),
)
wrong(
    "9.17", "nothing in either gives 0", lambda p, t, num_classes=3: _mean_dice(p, t, range(1, num_classes), empty=0.0)
)
right(
    "9.17",
    "classes as a set",
    lambda prediction, target, num_classes=3: (
        lambda ks: statistics.mean(metrics.dice_score(prediction == k, target == k) for k in ks) if ks else 1
    )({*prediction.flatten().tolist(), *target.flatten().tolist()} - {0}),
)


@right("9.17", "tensors over all classes at once")
def _(prediction, target, num_classes=3):
    p, t = (F.one_hot(m.flatten(), num_classes)[:, 1:].double() for m in (prediction, target))
    areas = p.sum(0) + t.sum(0)
    there = areas > 0
    return (2 * (p * t).sum(0)[there] / areas[there]).mean().item() if there.any() else 1.0


# 10.1 Count the layers

wrong("10.1", "the last 1×1 is forgotten", [14, 3, 17])
wrong("10.1", "no bottom block", [12, 3, 16])
wrong("10.1", "four pools, the paper's own", [18, 4, 23])
wrong("10.1", "an up-convolution for each level", [14, 4, 19])
right("10.1", "a tuple", (14, 3, 18))
right("10.1", "an array", np.array([14, 3, 18]))


# 10.2 The border term


def _border(distances, w0, sigma, *, together=lambda a, b: (a + b) ** 2, cells=True, scale=2.0):
    if len(distances) < 2:
        return torch.zeros(distances.shape[1:])
    d1, d2 = distances.sort(dim=0).values[:2]
    term = w0 * torch.exp(-together(d1, d2) / (scale * sigma**2))
    return torch.where(d1 == 0, 0.0, term) if cells else term


wrong(
    "10.2",
    "sum of squares",
    lambda distances, w0, sigma: _border(distances, w0, sigma, together=lambda a, b: a**2 + b**2),
)
wrong("10.2", "cells are not left out", lambda distances, w0, sigma: _border(distances, w0, sigma, cells=False))
wrong("10.2", "w0 and sigma of the paper", lambda distances, w0, sigma: _border(distances, 10.0, 5.0))


@wrong("10.2", "one cell stops it")
def _(distances, w0, sigma):
    d1, d2 = distances.sort(dim=0).values[:2]
    return w0 * torch.exp(-((d1 + d2) ** 2) / (2 * sigma**2)) * (d1 > 0)


@wrong("10.2", "the first two cells, not the two nearest")
def _(distances, w0, sigma):
    if len(distances) < 2:
        return torch.zeros(distances.shape[1:])
    d1, d2 = distances[:2]
    return w0 * torch.exp(-((d1 + d2) ** 2) / (2 * sigma**2)) * (distances.amin(0) > 0)


@right("10.2", "topk")
def _(distances, w0, sigma):
    if distances.shape[0] < 2:
        return distances.new_zeros(distances.shape[1:])
    two = torch.topk(distances, 2, dim=0, largest=False).values
    term = w0 * (-two.sum(dim=0).square() / (2 * sigma * sigma)).exp()
    return term * (two.amin(dim=0) > 0)


@right("10.2", "pixel by pixel")
def _(distances, w0, sigma):
    _, height, width = distances.shape
    out = torch.zeros(height, width)
    for r in range(height):
        for c in range(width):
            near = sorted(distances[:, r, c].tolist())
            if len(near) > 1 and near[0] != 0:
                out[r, c] = w0 * math.exp(-((near[0] + near[1]) ** 2) / (2 * sigma**2))
    return out


# 10.3 A weight for each pixel


def _cost(logits, target):
    return F.cross_entropy(logits, target, reduction="none")


wrong(
    "10.3", "divided by the number of pixels", lambda logits, target, weights: (_cost(logits, target) * weights).mean()
)
wrong(
    "10.3",
    "each picture by itself",
    lambda logits, target, weights: ((_cost(logits, target) * weights).sum((1, 2)) / weights.sum((1, 2))).mean(),
)
wrong(
    "10.3",
    "a number, not a tensor",
    lambda logits, target, weights: ((_cost(logits, target) * weights).sum() / weights.sum()).item(),
)
wrong(
    "10.3", "detached", lambda logits, target, weights: (_cost(logits.detach(), target) * weights).sum() / weights.sum()
)
right(
    "10.3",
    "gather",
    lambda logits, target, weights: (
        -(logits.log_softmax(dim=1).gather(1, target.unsqueeze(1)).squeeze(1) * (weights / weights.sum())).sum()
    ),
)


@right("10.3", "one-hot and logsumexp")
def _(logits, target, weights):
    hot = F.one_hot(target, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    cost = logits.logsumexp(dim=1) - (logits * hot).sum(dim=1)
    return torch.einsum("nhw,nhw->", cost, weights) / weights.sum()


# 10.5 Bend image and mask


def _grid(dx, dy, *, align=True, swap=False, sign=1, square=False):
    h, w = dx.shape
    r, c = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    c, r = c + sign * dx.float(), r + sign * dy.float()
    w, h = (h, w) if square else (w, h)
    x = 2 * c / (w - 1) - 1 if align else (2 * c + 1) / w - 1
    y = 2 * r / (h - 1) - 1 if align else (2 * r + 1) / h - 1
    return torch.stack([y, x] if swap else [x, y], dim=-1)[None]


def _sample(image, grid, mode="bilinear", align=True, outside="border"):
    return F.grid_sample(image[None, None].float(), grid, mode=mode, align_corners=align, padding_mode=outside)[0, 0]


def _bend(image, mask, grid, outside="border", align=True):
    return (_sample(image, grid, "bilinear", align, outside), _sample(mask, grid, "nearest", align, outside).long())


wrong("10.5", "dx and dy swapped", lambda image, mask, dx, dy: _bend(image, mask, _grid(dy, dx)))
wrong("10.5", "zeros outside", lambda image, mask, dx, dy: _bend(image, mask, _grid(dx, dy), outside="zeros"))
wrong(
    "10.5",
    "the mask bilinear, cut off",
    lambda image, mask, dx, dy: (_sample(image, _grid(dx, dy)), _sample(mask, _grid(dx, dy)).long()),
)
wrong("10.5", "mask first", lambda image, mask, dx, dy: _bend(image, mask, _grid(dx, dy))[::-1])


@wrong("10.5", "one shift for all, the mean")
def _(image, mask, dx, dy):
    return _bend(image, mask, _grid(dx.float().mean().expand_as(dx), dy.float().mean().expand_as(dy)))


@right("10.5", "scipy")
def _(image, mask, dx, dy):
    h, w = image.shape
    places = np.stack([np.arange(h)[:, None] + dy.numpy(), np.arange(w) + dx.numpy()]).astype(np.float64)
    bent = ndimage.map_coordinates(image.numpy().astype(np.float64), places, order=1, mode="nearest")
    near = ndimage.map_coordinates(mask.numpy(), places, order=0, mode="nearest")
    return torch.tensor(bent, dtype=torch.float32), torch.tensor(near, dtype=torch.int64)


@right("10.5", "four neighbours, by hand")
def _(image, mask, dx, dy):
    h, w = image.shape
    r = (torch.arange(h)[:, None] + dy).clamp(0, h - 1)
    c = (torch.arange(w)[None] + dx).clamp(0, w - 1)
    top, left = r.floor().long().clamp(max=h - 2), c.floor().long().clamp(max=w - 2)
    a, b = r - top, c - left
    bent = (1 - a) * ((1 - b) * image[top, left] + b * image[top, left + 1]) + a * (
        (1 - b) * image[top + 1, left] + b * image[top + 1, left + 1]
    )
    return bent, mask[r.round().long(), c.round().long()]


# 10.4 One step with momentum

wrong(
    "10.4",
    "the old velocity moves the weight",
    lambda weight, velocity, gradient, lr, momentum: (weight - lr * velocity, momentum * velocity + gradient),
)
wrong(
    "10.4",
    "up",
    lambda weight, velocity, gradient, lr, momentum: (
        weight + lr * (momentum * velocity + gradient),
        momentum * velocity + gradient,
    ),
)
wrong(
    "10.4",
    "the rate is inside of the velocity",
    lambda weight, velocity, gradient, lr, momentum: (
        weight - (momentum * velocity + lr * gradient),
        momentum * velocity + lr * gradient,
    ),
)
wrong(
    "10.4",
    "the gradient alone moves the weight",
    lambda weight, velocity, gradient, lr, momentum: (weight - lr * gradient, momentum * velocity + gradient),
)


@right("10.4", "torch.optim.SGD")
def _(weight, velocity, gradient, lr, momentum):
    w = torch.as_tensor(weight, dtype=torch.float64).clone().requires_grad_()
    optimiser = torch.optim.SGD([w], lr=lr, momentum=momentum)
    optimiser.state[w]["momentum_buffer"] = torch.as_tensor(velocity, dtype=torch.float64).clone()
    w.grad = torch.as_tensor(gradient, dtype=torch.float64).clone().expand_as(w).clone()
    optimiser.step()
    return w.detach(), optimiser.state[w]["momentum_buffer"]


@right("10.4", "from left to right")
def _(weight, velocity, gradient, lr, momentum):
    velocity = velocity * momentum
    velocity = velocity + gradient
    weight = weight - velocity * lr
    return [weight, velocity]


# 10.6 Article or paper

_106 = ["paper", "article", "both", "neither"]
wrong("10.6", "paper and article swapped", ["article", "paper", "both", "neither"])
wrong("10.6", "joining and adding swapped", ["paper", "article", "neither", "both"])
wrong("10.6", "backwards", _106[::-1])
wrong("10.6", "one answer twice", ["paper", "article", "both", "both"])
right("10.6", "a tuple", tuple(_106))
right("10.6", "with capitals", [w.upper() for w in _106])


# 11.1 Mean and spread

wrong("11.1", "divided by n", lambda values: (statistics.mean(values), statistics.pstdev(values)))
wrong("11.1", "np.std as it is", lambda values: (float(np.mean(values)), float(np.std(values))))
wrong("11.1", "variance", lambda values: (statistics.mean(values), statistics.variance(values)))
wrong("11.1", "median", lambda values: (statistics.median(values), statistics.stdev(values)))
right(
    "11.1",
    "torch",
    lambda values: (
        torch.tensor(values, dtype=torch.float64).mean().item(),
        torch.tensor(values, dtype=torch.float64).std().item(),
    ),
)


@right("11.1", "by hand, a list")
def _(values):
    mean = sum(values) / len(values)
    return [mean, (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5]


# 11.2 How many seeds?

wrong("11.2", "divided by n, not its root", [0.005, 0.0071, 8])
wrong("11.2", "errors added", [0.01, 0.02, 16])
wrong("11.2", "errors do not add", [0.01, 0.01, 4])
wrong("11.2", "one error is enough", [0.01, 0.0141, 2])
right("11.2", "exact", (0.02 / 2, 0.02 / math.sqrt(2), 8))
right("11.2", "an array", np.array([0.01, 0.0141, 8]))


# 11.3 Cut one skip


def _zeros(skip, pooled):
    return torch.zeros_like(skip)


@wrong("11.3", "the network itself is changed")
def _(model, level):
    model.encoders[level] = OtherSkip(model.encoders[level], _zeros)
    return model


@wrong("11.3", "ones")
def _(model, level):
    new = copy.deepcopy(model)
    new.encoders[level] = OtherSkip(new.encoders[level], lambda skip, pooled: torch.ones_like(skip))
    return new


@wrong("11.3", "weak, not silent")
def _(model, level):
    new = copy.deepcopy(model)
    new.encoders[level] = OtherSkip(new.encoders[level], lambda skip, pooled: 0.01 * skip)
    return new


@wrong("11.3", "a new network with other weights")
def _(model, level):
    new = UNet(
        model.in_channels,
        model.num_classes,
        channels=tuple(
            e.block.layers[0].out_channels for e in [*model.encoders, type("", (), {"block": model.bottleneck})]
        ),
    )
    new.encoders[level] = OtherSkip(new.encoders[level], _zeros)
    return new


@right("11.3", "a class of its own")
def _(model, level):
    class Mute(nn.Module):
        def __init__(self, encoder):
            super().__init__()
            self.encoder = encoder

        def forward(self, x):
            skip, pooled = self.encoder(x)
            return 0 * skip, pooled

    new = copy.deepcopy(model)
    new.encoders = nn.ModuleList(Mute(e) if i == level else e for i, e in enumerate(new.encoders))
    return new


@right("11.3", "a hook")
def _(model, level):
    new = copy.deepcopy(model)
    new.encoders[level].register_forward_hook(lambda module, x, out: (torch.zeros_like(out[0]), out[1]))
    return new


# 11.4 What is wrong with these comparisons?

_114 = ["two changes", "chosen on the test field", "nothing", "unequal time"]
wrong("11.4", "nothing is wrong with the depths", ["two changes", "nothing", "nothing", "unequal time"])
wrong("11.4", "widths are two changes", ["two changes", "chosen on the test field", "nothing", "two changes"])
wrong("11.4", "dropout is overlooked", ["nothing", "chosen on the test field", "nothing", "unequal time"])
wrong(
    "11.4",
    "batch norm is said to take unequal time",
    ["two changes", "chosen on the test field", "unequal time", "unequal time"],
)
right("11.4", "a tuple", tuple(_114))
right("11.4", "with capitals", [w.capitalize() for w in _114])


# 11.5 An exact test


def _ways(a, b, distance=None, beats=lambda d, real: d >= real - 1e-12, share=True):
    both = [*a, *b]
    distance = distance or (lambda x, y: abs(sum(x) / len(x) - sum(y) / len(y)))
    found = []
    for chosen in itertools.combinations(range(len(both)), len(a)):
        found.append(distance([both[i] for i in chosen], [both[i] for i in range(len(both)) if i not in chosen]))
    hits = sum(beats(d, distance(list(a), list(b))) for d in found)
    return hits / len(found) if share else hits


wrong("11.5", "larger, not at least", lambda a, b: _ways(a, b, beats=lambda d, real: d > real + 1e-12))
wrong("11.5", "one side only", lambda a, b: _ways(a, b, lambda x, y: sum(x) / len(x) - sum(y) / len(y)))
wrong(
    "11.5",
    "no tolerance",
    lambda a, b: _ways(a, b, lambda x, y: abs(sum(x) / len(x) - sum(y) / len(y)), beats=lambda d, real: d >= real),
)
wrong("11.5", "a tolerance of 0.01", lambda a, b: _ways(a, b, beats=lambda d, real: d >= real - 0.01))


@wrong("11.5", "sets: equal scores are lost")
def _(a, b):
    both = sorted({*a, *b})
    real, n = abs(sum(a) / len(a) - sum(b) / len(b)), min(len(a), len(both) - 1)
    ways = [abs(sum(c) / n - (sum(both) - sum(c)) / (len(both) - n)) for c in itertools.combinations(both, n)]
    return sum(w >= real - 1e-12 for w in ways) / len(ways)


@right("11.5", "every number from 0 to 2^n, those with enough ones")
def _(a, b):
    both, n = [*a, *b], len(a)
    whole, real, hits, ways = math.fsum(both), abs(math.fsum(a) / n - math.fsum(b) / len(b)), 0, 0
    for bits in range(2 ** len(both)):
        first = [v for i, v in enumerate(both) if bits >> i & 1]
        if len(first) == n:
            ways += 1
            hits += abs(math.fsum(first) / n - (whole - math.fsum(first)) / len(b)) >= real - 1e-12
    return hits / ways


@right("11.5", "NumPy, all ways as rows")
def _(a, b):
    both = np.array([*a, *b], dtype=float)
    ways = np.array(list(itertools.combinations(range(len(both)), len(a))))
    first = both[ways].mean(axis=1)
    second = (both.sum() - both[ways].sum(axis=1)) / len(b)
    return float(np.mean(np.abs(first - second) >= abs(np.mean(a) - np.mean(b)) - 1e-12))


# 12.2 A shortcut where the channels change


def _main(a, b, norm=True, bias=True, kernel=3, dilation=1):
    layers, pad = [], dilation * (kernel // 2)
    for c in (a, b):
        layers += [nn.Conv2d(c, b, kernel, padding=pad, bias=bias, dilation=dilation)]
        layers += [nn.BatchNorm2d(b)] if norm else []
        layers += [nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _fit(a, b):
    return nn.Identity() if a == b else nn.Conv2d(a, b, kernel_size=1)


def _block(main, fit, end):
    """A residual block made of functions: `main` and `fit` make layers, `end` puts their results together."""

    class Block(nn.Module):
        def __init__(self, in_channels, out_channels):
            super().__init__()
            self.main, self.fit = main(in_channels, out_channels), fit(in_channels, out_channels)

        def forward(self, x):
            return end(self.main(x), self.fit(x))

    return Block


wrong("12.2", "no ReLU after the sum", _block(_main, _fit, lambda m, s: m + s))
wrong("12.2", "ReLU on the shortcut", _block(_main, _fit, lambda m, s: F.relu(m + F.relu(s))))
wrong(
    "12.2",
    "a 3×3 convolution as shortcut",
    _block(_main, lambda a, b: nn.Identity() if a == b else nn.Conv2d(a, b, 3, padding=1), lambda m, s: F.relu(m + s)),
)
wrong("12.2", "dilated", _block(lambda a, b: _main(a, b, dilation=2), _fit, lambda m, s: F.relu(m + s)))
wrong(
    "12.2",
    "the shortcut has a ReLU of its own layers",
    _block(
        _main,
        lambda a, b: nn.Identity() if a == b else nn.Sequential(nn.Conv2d(a, b, 1), nn.ReLU()),
        lambda m, s: F.relu(m + s),
    ),
)


@right("12.2", "layers by name, a norm on the shortcut")
class _(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding="same", bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.down = None
        if in_channels != out_channels:
            self.down = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))

    def forward(self, x):
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        y = y + (x if self.down is None else self.down(x))
        return torch.relu(y)


right("12.2", "a Sequential and a plain 1×1", _block(_main, _fit, lambda m, s: (m + s).clamp(min=0)))


# 12.1 An attention gate by hand

wrong(
    "12.1",
    "no ReLU",
    lambda skip, below, of_skip, of_below, score: skip * torch.sigmoid(score(of_skip(skip) + of_below(below))),
)
wrong(
    "12.1",
    "no sigmoid",
    lambda skip, below, of_skip, of_below, score: skip * score(F.relu(of_skip(skip) + of_below(below))),
)
wrong(
    "12.1",
    "the gate alone",
    lambda skip, below, of_skip, of_below, score: torch.sigmoid(score(F.relu(of_skip(skip) + of_below(below)))),
)
wrong(
    "12.1",
    "the gate is detached",
    lambda skip, below, of_skip, of_below, score: (
        skip * torch.sigmoid(score(F.relu(of_skip(skip) + of_below(below)))).detach()
    ),
)
wrong(
    "12.1",
    "one gate for the whole image",
    lambda skip, below, of_skip, of_below, score: (
        skip * torch.sigmoid(score(F.relu(of_skip(skip) + of_below(below)))).mean(dim=(2, 3), keepdim=True)
    ),
)


@right("12.1", "step by step")
def _(skip, below, of_skip, of_below, score):
    both = torch.add(of_below(below), of_skip(skip))
    both = both.clamp(min=0)
    gate = 1 / (1 + torch.exp(-score(both)))
    return gate.expand_as(skip).mul(skip)


right(
    "12.1",
    "layers in a row",
    lambda skip, below, of_skip, of_below, score: (
        nn.Sequential(nn.ReLU(inplace=True), score, nn.Sigmoid())(of_skip(skip) + of_below(below)) * skip
    ),
)


# 12.4 The nodes of U-Net++

wrong("12.4", "the encoder is counted", [15, 4, 192, 3])
wrong("12.4", "the upsampled tensor is forgotten", [10, 3, 192, 3])
wrong("12.4", "one node before, as in U-Net", [10, 4, 128, 3])
wrong("12.4", "only nodes of the top level", [10, 4, 192, 2])
right("12.4", "a tuple", (10, 4, 192, 3))
right("12.4", "an array", np.array([10, 4, 192, 3]))


# 12.3 Parameters of a dense block


def _dense(
    a, b, *, conv_bias=0, norm=2, growth=None, start=0, gather=4, gather_in=True, last_norm=True, one=1, steps=4
):
    g = growth or b // 4
    total = sum(9 * (a + (n + start) * g) * g + (norm + conv_bias) * g for n in range(steps))
    return total + one * ((a if gather_in else 0) + gather * g) * b + conv_bias * b + (norm * b if last_norm else 0)


wrong("12.3", "the norm has a scale alone", lambda in_channels, out_channels: _dense(in_channels, out_channels, norm=1))
wrong("12.3", "running means are counted", lambda in_channels, out_channels: _dense(in_channels, out_channels, norm=4))
wrong(
    "12.3",
    "three layers reach the last convolution",
    lambda in_channels, out_channels: _dense(in_channels, out_channels, gather=3),
)
wrong("12.3", "the last convolution is 3×3", lambda in_channels, out_channels: _dense(in_channels, out_channels, one=9))


@right("12.3", "built and counted")
def _(in_channels, out_channels):
    g = out_channels // 4
    layers = [nn.Conv2d(in_channels + out_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)]
    for n in range(4):
        layers += [nn.Conv2d(in_channels + n * g, g, 3, bias=False), nn.BatchNorm2d(g)]
    return sum(p.numel() for p in nn.ModuleList(layers).parameters())


right(
    "12.3",
    "a formula",
    lambda in_channels, out_channels: (
        9 * in_channels * out_channels
        + 27 * out_channels**2 // 8
        + 2 * out_channels
        + (in_channels + out_channels) * out_channels
        + 2 * out_channels
    ),
)


# 12.5 Split attention


def _split(
    a,
    b,
    layer,
    *,
    pool=lambda x: x.mean(dim=(2, 3)),
    weigh=lambda s: s.softmax(dim=1),
    both=torch.add,
    cut=lambda s: s.unflatten(1, (2, -1)),
    mix=lambda w, a, b: w[:, 0] * a + w[:, 1] * b,
):
    return mix(weigh(cut(layer(pool(both(a, b)))))[..., None, None], a, b)


wrong("12.5", "sigmoid for each", lambda a, b, layer: _split(a, b, layer, weigh=torch.sigmoid))
wrong("12.5", "softmax over the channels", lambda a, b, layer: _split(a, b, layer, weigh=lambda s: s.softmax(dim=2)))
wrong(
    "12.5",
    "one weight for all channels",
    lambda a, b, layer: _split(a, b, layer, weigh=lambda s: s.mean(2, keepdim=True).softmax(1)),
)
wrong(
    "12.5",
    "the better branch alone",
    lambda a, b, layer: _split(a, b, layer, weigh=lambda s: (s == s.amax(1, keepdim=True)).float()),
)
wrong("12.5", "weights detached", lambda a, b, layer: _split(a, b, layer, weigh=lambda s: s.softmax(1).detach()))


@right("12.5", "two halves, and the sigmoid of their difference")
def _(a, b, layer):
    for_a, for_b = layer((a + b).flatten(2).mean(-1)).chunk(2, dim=1)
    w = torch.sigmoid(for_a - for_b)[:, :, None, None]
    return w * a + (1 - w) * b


@right("12.5", "exp by hand, one picture after the other")
def _(a, b, layer):
    n, c = a.shape[:2]
    scores = layer(F.adaptive_avg_pool2d(a + b, 1).reshape(n, c))
    out = []
    for i in range(n):
        above = scores[i].reshape(2, c)
        share = torch.exp(above - above.max(dim=0).values)
        share = share / share.sum(dim=0)
        out.append(torch.einsum("kc,kchw->chw", share, torch.stack([a[i], b[i]])))
    return torch.stack(out)


# 12.6 Choose with a reason

_126 = ["U-Net", "ResUNet", "U-Net++", "Attention U-Net"]
wrong("12.6", "the newest first", ["U-Net++", "ResUNet", "U-Net", "Attention U-Net"])
wrong("12.6", "dense for depth", ["U-Net", "Dense U-Net", "U-Net++", "Attention U-Net"])
wrong("12.6", "few parameters for the laptop", ["U-Net", "ResUNet", "Dense U-Net", "Attention U-Net"])
wrong("12.6", "shortcuts are read as places", ["U-Net", "Attention U-Net", "U-Net++", "ResUNet"])
right("12.6", "a tuple", tuple(_126))
right("12.6", "small letters", [w.lower() for w in _126])


# 13.1 Pair the files by name


def _pair(images, masks, stem=lambda name: Path(name).stem, left_images=True, left_masks=True, turn=False):
    of = {stem(m): m for m in masks}
    pairs = [(m, i) if turn else (i, m) for i in images for m in [of.get(stem(i))] if m is not None]
    paired = {stem(i) for i, _ in ([p[::-1] for p in pairs] if turn else pairs)}
    left = [i for i in images if stem(i) not in paired] if left_images else []
    return pairs, left + ([m for m in masks if stem(m) not in paired] if left_masks else [])


wrong("13.1", "up to the first dot", lambda images, masks: _pair(images, masks, lambda name: name.split(".")[0]))
wrong("13.1", "(mask, image)", lambda images, masks: _pair(images, masks, turn=True))
wrong("13.1", "small letters", lambda images, masks: _pair(images, masks, lambda name: Path(name).stem.lower()))
wrong(
    "13.1",
    "sorted and counted, the rest is left over",
    lambda images, masks: (
        list(zip(sorted(images), sorted(masks))),
        [*sorted(images)[len(masks) :], *sorted(masks)[len(images) :]],
    ),
)


@right("13.1", "sets and rsplit")
def _(images, masks):
    one, two = ({n.rsplit(".", 1)[0]: n for n in names} for names in (images, masks))
    return [(one[k], two[k]) for k in one.keys() & two.keys()], [(one | two)[k] for k in one.keys() ^ two.keys()]


@right("13.1", "two loops, sorted")
def _(images, masks):
    pairs, alone = [], []
    for i in sorted(images, reverse=True):
        found = [m for m in masks if os.path.splitext(m)[0] == os.path.splitext(i)[0]]
        if found:
            pairs.append([i, found[0]])
        else:
            alone.append(i)
    for m in masks:
        if all(m != taken for _, taken in pairs):
            alone.insert(0, m)
    return [tuple(p) for p in pairs], alone


# 13.2 What do these masks mean?

_132 = ["binary", "labels", "classes", "no mask"]
wrong("13.2", "labels and classes swapped", ["binary", "classes", "labels", "no mask"])
wrong("13.2", "JPEG is taken for binary", ["binary", "labels", "classes", "binary"])
wrong("13.2", "JPEG is taken for labels", ["binary", "labels", "classes", "labels"])
wrong("13.2", "255 is taken for a label", ["labels", "labels", "classes", "no mask"])
right("13.2", "a tuple", tuple(_132))
right("13.2", "with capitals", [w.title() for w in _132])


# 13.3 From labels to classes


def _neighbours(labels, mode="edge", steps=((-1, 0), (1, 0), (0, -1), (0, 1)), **fill):
    h, w = labels.shape
    framed = np.pad(labels, 1, mode=mode, **fill)
    return [framed[1 + r : 1 + r + h, 1 + c : 1 + c + w] for r, c in steps]


def _classes(labels, views, other=np.not_equal):
    rim = np.zeros(labels.shape, bool)
    for view in views:
        rim |= other(view, labels)
    return np.where(labels == 0, 0, np.where(rim, 1, 2))


_EIGHT = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c]
wrong("13.3", "eight neighbours", lambda labels: _classes(labels, _neighbours(labels, steps=_EIGHT)))
wrong("13.3", "right and below alone", lambda labels: _classes(labels, _neighbours(labels, steps=((1, 0), (0, 1)))))
wrong(
    "13.3",
    "numbers from 0 to 255: 257 becomes 1",
    lambda labels: (lambda small: _classes(small, _neighbours(small)))(labels.astype(np.uint8)),
)
wrong(
    "13.3",
    "the outermost rows and columns stay background",
    lambda labels: np.pad(_classes(labels, _neighbours(labels))[1:-1, 1:-1], 1),
)
wrong(
    "13.3",
    "the neighbours' mean differs",
    lambda labels: np.where(labels == 0, 0, np.where(np.mean(_neighbours(labels), axis=0) != labels, 1, 2)),
)


@right("13.3", "each object eroded")
def _(labels):
    out = np.zeros(labels.shape, np.uint8)
    for n in np.unique(labels):
        if n:
            out += (labels == n).astype(np.uint8) + ndimage.binary_erosion(labels == n, border_value=1)
    return out


@right("13.3", "smallest and largest neighbour")
def _(labels):
    cross = ndimage.generate_binary_structure(2, 1)
    low, high = (f(labels, footprint=cross, mode="nearest") for f in (ndimage.minimum_filter, ndimage.maximum_filter))
    return (labels != 0) * (1 + (low == high))


# 13.4 Split by field, not by tile


def _split_fields(fields, share, seed, *, names=None, keep_one=True, enough=None, order=None):
    names = sorted(set(fields)) if names is None else names
    if order is None:
        random.Random(seed).shuffle(names)
    else:
        names = order(names, seed)
    enough = enough or (lambda val: len(val) >= share * len(fields))
    val = []
    for name in names[:-1] if keep_one else names:
        if enough(val):
            break
        val += [i for i, f in enumerate(fields) if f == name]
    return [i for i in range(len(fields)) if i not in val], val


wrong(
    "13.4",
    "tile by tile",
    lambda fields, share, seed: (lambda order, n: (sorted(order[n:]), sorted(order[:n])))(
        random.Random(seed).sample(range(len(fields)), len(fields)), math.ceil(share * len(fields))
    ),
)
wrong(
    "13.4",
    "nothing may be left for training",
    lambda fields, share, seed: _split_fields(fields, share, seed, keep_one=False),
)
wrong("13.4", "the seed is not used", lambda fields, share, seed: _split_fields(fields, share, 0))
wrong(
    "13.4",
    "all fields but one",
    lambda fields, share, seed: _split_fields(fields, share, seed, enough=lambda val: False),
)
wrong("13.4", "the share of training", lambda fields, share, seed: _split_fields(fields, 1 - share, seed))


@right("13.4", "sorted by a hash of seed and name")
def _(fields, share, seed):
    return _split_fields(
        fields,
        share,
        seed,
        order=lambda names, s: sorted(names, key=lambda name: hashlib.sha256(f"{s}/{name}".encode()).hexdigest()),
    )


@right("13.4", "torch draws, sets are returned as lists")
def _(fields, share, seed):
    names = sorted(set(fields))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))
    val = []
    for place in order[:-1]:
        if len(val) / len(fields) < share:
            val.extend(i for i in range(len(fields)) if fields[i] == names[place])
    return sorted(set(range(len(fields))) - set(val)), val


# 13.5 What next?

_135 = ["train longer", "more images", "mend the masks", "weigh the borders"]
wrong("13.5", "a larger network for everything", ["a larger network"] * 4)
wrong("13.5", "masks and borders swapped", ["train longer", "more images", "weigh the borders", "mend the masks"])
wrong(
    "13.5",
    "a larger network against overfitting",
    ["train longer", "a larger network", "mend the masks", "weigh the borders"],
)
wrong(
    "13.5", "a larger network for melted cells", ["train longer", "more images", "mend the masks", "a larger network"]
)
right("13.5", "a tuple", tuple(_135))
right("13.5", "with capitals", [w.capitalize() for w in _135])


# 14.1 A batch in parts


def _step(
    model,
    optimiser,
    loss,
    x,
    y,
    parts,
    *,
    clear=True,
    scale=lambda a, x, parts, pieces: len(a) / len(x),
    each=False,
    result="sum",
    late=False,
):
    if clear:
        optimiser.zero_grad()
    total, pieces = 0.0, list(zip(x.chunk(parts), y.chunk(parts)))
    for a, b in pieces:
        if each:
            optimiser.zero_grad()
        part = loss(model(a), b) * scale(a, x, parts, len(pieces))
        part.backward()
        total += part.item()
        last = part.item() / scale(a, x, parts, len(pieces))
        if each:
            optimiser.step()
    if not each:
        if late:
            optimiser.zero_grad()
        optimiser.step()
    return total if result == "sum" else last


wrong("14.1", "old gradients are not cleared", lambda *a: _step(*a, clear=False))
wrong("14.1", "not divided", lambda *a: _step(*a, scale=lambda a, x, parts, pieces: 1.0))
wrong("14.1", "the last part's loss is returned", lambda *a: _step(*a, result="last"))


@wrong("14.1", "all parts are kept, and one backward pass")
def _(model, optimiser, loss, x, y, parts):
    optimiser.zero_grad()
    value = sum(len(a) / len(x) * loss(model(a), b) for a, b in zip(x.chunk(parts), y.chunk(parts)))
    value.backward()
    optimiser.step()
    return value.item()


@wrong("14.1", "the loss after the step is returned")
def _(model, optimiser, loss, x, y, parts):
    _step(model, optimiser, loss, x, y, parts)
    with torch.no_grad():
        return sum(loss(model(a), b).item() * len(a) / len(x) for a, b in zip(x.chunk(parts), y.chunk(parts)))


@right("14.1", "split by a size, sums divided at the end")
def _(model, optimiser, loss, x, y, parts):
    for p in model.parameters():
        p.grad = None
    size, total = math.ceil(len(x) / parts), 0.0
    for a, b in zip(torch.split(x, size), torch.split(y, size)):
        value = len(a) * loss(model(a), b)
        value.backward()
        total += float(value.detach())
    for p in model.parameters():
        if p.grad is not None:
            p.grad /= len(x)
    optimiser.step()
    return total / len(x)


@right("14.1", "one picture more in the first parts")
def _(model, optimiser, loss, x, y, parts):
    optimiser.zero_grad(set_to_none=False)
    losses = []
    for a, b in zip(x.tensor_split(parts), y.tensor_split(parts)):
        if len(a) == 0:
            continue
        share = a.shape[0] / x.shape[0]
        value = loss(model(a), b)
        (share * value).backward()
        losses.append(share * value.item())
    optimiser.step()
    return math.fsum(losses)


# 14.3 Each picture once, on one of the ranks


def _order(pictures, seed):
    return torch.randperm(pictures, generator=torch.Generator().manual_seed(seed)).tolist()


wrong("14.3", "not shuffled", lambda pictures, rank, ranks, epoch: list(range(rank, pictures, ranks)))
wrong(
    "14.3",
    "the rest goes to the last rank",
    lambda pictures, rank, ranks, epoch: _order(pictures, epoch)[
        rank * (pictures // ranks) : (rank + 1) * (pictures // ranks) if rank < ranks - 1 else None
    ],
)
wrong(
    "14.3",
    "filled up with pictures from the beginning",
    lambda pictures, rank, ranks, epoch: (lambda order: (order + order[: -pictures % ranks])[rank::ranks])(
        _order(pictures, epoch)
    ),
)
wrong("14.3", "ranks count from 1", lambda pictures, rank, ranks, epoch: _order(pictures, epoch)[rank - 1 :: ranks])
wrong("14.3", "ranks and rank swapped", lambda pictures, rank, ranks, epoch: _order(pictures, epoch)[ranks :: rank + 1])


@right("14.3", "NumPy, pieces in a row")
def _(pictures, rank, ranks, epoch):
    return np.array_split(np.random.default_rng(epoch).permutation(pictures), ranks)[rank].tolist()


@right("14.3", "random, dealt like cards")
def _(pictures, rank, ranks, epoch):
    cards = list(range(pictures))
    random.Random(f"epoch {epoch}").shuffle(cards)
    return [card for place, card in enumerate(cards) if place % ranks == rank]


# 14.2 Which option?

_142 = ["accumulate", "bf16", "none of them", "several processes"]
wrong("14.2", "compile for all", ["compile"] * 4)
wrong("14.2", "memory and time swapped", ["bf16", "accumulate", "none of them", "several processes"])
right("14.2", "a tuple", tuple(_142))
right("14.2", "with capitals", [w.title() for w in _142])


# 14.5 Where does it run?

_145 = ["run", ".zip", ".onnx", ".pt2"]
wrong("14.5", "ONNX for everybody", [".onnx"] * 4)
wrong("14.5", "the last two swapped", ["run", ".zip", ".pt2", ".onnx"])
right("14.5", "a tuple", tuple(_145))
right("14.5", "with capitals", [w.upper() for w in _145])


# 14.4 Do five machines pay?

wrong("14.4", "numbers, not bytes", [20, 32, 0.0256, 4.7, 640])
wrong("14.4", "bytes for bits", [80, 128, 0.0128, 4.84, 780])
wrong("14.4", "twice the gradients", [80, 160, 0.128, 3.79, 610])
wrong("14.4", "sending is free", [80, 128, 0.1024, 5, 800])
right("14.4", "rounded", (80, 128, 0.102, 3.98, 637))
right("14.4", "computed", [20e6 * 4 / 1e6, 2 * 4 / 5 * 80, 2 * 4 / 5 * 80 * 8 / 10_000, 5 * 0.4 / (0.4 + 0.1024), 5 * 8 * 8 / (0.4 + 0.1024)])


# 7.1, 8.1, 9.3, 9.13, 10.3, 11.3, 12.2, 13.1, 14.3: some more


@wrong("7.1", "two axes only")
def _(prediction, target):
    both = areas = 0
    for r in range(prediction.shape[0]):
        for c in range(prediction.shape[1]):
            p, t = bool(prediction[r, c]), bool(target[r, c])
            both += p and t
            areas += p + t
    return 2 * both / areas if areas else 1


@wrong("8.1", "one level has a skip")
def _(height, width, channels):
    sizes = [4 * height * width * channels[0]]
    for c in channels[1:-1]:
        height, width = -(-height // 2), -(-width // 2)
        sizes.append(4 * c * height * width)
    return sum(sizes)


@wrong("9.2", "the new layers do not learn")
class _(ClinicUNet):
    def __init__(self, **options):
        super().__init__(up="bilinear", **options)
        for d in self.decoders:
            d.up.requires_grad_(False)


@wrong("9.3", "the skips of the first call are kept")
class _(ClinicUNet):
    kept = None

    def down(self, x):
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)
            skips.append(skip)
        if self.kept is None or self.kept[0].shape != skips[0].shape:
            self.kept = skips
        return self.bottleneck(x), self.kept


wrong("9.13", "up, not down", lambda model: _adamw(model, lr=3e-3, maximize=True))
wrong(
    "10.3",
    "the first picture alone",
    lambda logits, target, weights: (_cost(logits, target)[0] * weights[0]).sum() / weights[0].sum(),
)


@wrong("11.3", "the copy does not learn")
def _(model, level):
    new = copy.deepcopy(model).requires_grad_(False)
    new.encoders[level] = OtherSkip(new.encoders[level], _zeros)
    return new


@wrong("13.1", "no pair stops it")
def _(images, masks):
    pairs, left = _pair(images, masks)
    one, two = zip(*pairs)
    return list(zip(one, two)), left


# On these, check and author did not agree at first


def _seeded(draw):
    return lambda values: _ends(values.float()[draw(len(values))].mean(dim=1))


right(
    "7.7",
    "1000 samples, a generator with the seed 0",
    _seeded(lambda n: torch.randint(n, (1000, n), generator=torch.Generator().manual_seed(0))),
)


@right("7.7", "torch.manual_seed(0), then the hint's line")
def _(values):
    torch.manual_seed(0)
    return _ends(_draw(values, samples=1000).mean(1))


@right("7.7", "NumPy, 2000 samples, the seed 3")
def _(values):
    generator, values = np.random.default_rng(3), values.numpy()
    return tuple(np.percentile(values[generator.integers(len(values), size=(2000, len(values)))].mean(1), [2.5, 97.5]))


@right("13.4", "NumPy draws the order")
def _(fields, share, seed):
    order = np.random.default_rng(seed).permutation(np.unique(fields)).tolist()
    chosen, held = set(), 0
    while held < share * len(fields) and len(order) > 1:
        name = order.pop()
        chosen.add(name)
        held += fields.count(name)
    return [i for i, f in enumerate(fields) if f not in chosen], [i for i, f in enumerate(fields) if f in chosen]


wrong(
    "12.2",
    "group norm; batch norm was asked for",
    _block(
        lambda a, b: nn.Sequential(
            nn.Conv2d(a, b, 3, padding=1),
            nn.GroupNorm(1, b),
            nn.ReLU(),
            nn.Conv2d(b, b, 3, padding=1),
            nn.GroupNorm(1, b),
        ),
        _fit,
        lambda m, s: F.relu(m + s),
    ),
)


@wrong("9.2", "a new convolution in each forward pass, never trained")
class _(ClinicUNet):
    class Up(nn.Module):
        def __init__(self, a, b):
            super().__init__()
            self.a, self.b = a, b

        def forward(self, x):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            return nn.Conv2d(self.a, self.b, 1)(x)

    def __init__(self, **options):
        super().__init__(**options)
        for d in self.decoders:
            d.up = self.Up(d.up.in_channels, d.up.out_channels)


@wrong("9.2", "align_corners is changed, too")
class _(ClinicUNet):
    def __init__(self, **options):
        super().__init__(**options)
        for d in self.decoders:
            d.up = nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                nn.Conv2d(d.up.in_channels, d.up.out_channels, 1),
            )


@wrong("9.2", "a ReLU is added, too")
class _(ClinicUNet):
    def __init__(self, **options):
        super().__init__(up="bilinear", **options)
        for d in self.decoders:
            d.up.append(nn.ReLU())


wrong(
    "9.8",
    "64×64 typed in: larger pictures are cut off",
    lambda picture: torch.stack([_tensor(picture[:64, :64, c]) for c in range(3)])[None],
)


@wrong("9.14", "the network is put into training mode afterwards; the patient left it in evaluation mode")
def _(model, images):
    answer = _logits(model, images) > 0
    model.train()
    return answer


@wrong("9.15", "training mode afterwards, also for a network that came in evaluation mode")
def _(model, images):
    model.eval()
    with torch.no_grad():
        answer = model(images).argmax(dim=1)
    model.train()
    return answer


@wrong("11.3", "the copy is in evaluation mode; everything else was to be as it was")
def _(model, level):
    new = copy.deepcopy(model).eval()
    new.encoders[level] = OtherSkip(new.encoders[level], _zeros)
    return new


@wrong("11.3", "the zeros of the first call are kept: a batch of another size stops")
def _(model, level):
    kept, new = {}, copy.deepcopy(model)
    new.encoders[level] = OtherSkip(
        new.encoders[level], lambda skip, pooled: kept.setdefault("zeros", torch.zeros_like(skip))
    )
    return new


wrong(
    "13.1",
    "leading zeros do not count: 01.png and 1.tif are a pair",
    lambda images, masks: _pair(images, masks, lambda name: Path(name).stem.lstrip("0")),
)


@wrong("14.1", "the graph of every part is kept in the sum that is returned")
def _(model, optimiser, loss, x, y, parts):
    optimiser.zero_grad()
    total = 0
    for a, b in zip(x.chunk(parts), y.chunk(parts)):
        value = loss(model(a), b) * len(a) / len(x)
        value.backward(retain_graph=True)
        total = total + value
    optimiser.step()
    return total.item()


@wrong("14.1", "evaluation mode: with batch norm or dropout another step")
def _(model, optimiser, loss, x, y, parts):
    model.eval()
    return _step(model, optimiser, loss, x, y, parts)


@wrong("14.1", "gradients are clipped to a norm of 1")
def _(model, optimiser, loss, x, y, parts):
    optimiser.zero_grad()
    total = 0.0
    for a, b in zip(x.chunk(parts), y.chunk(parts)):
        value = loss(model(a), b) * len(a) / len(x)
        value.backward()
        total += value.item()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return total


@wrong("14.1", "more parts than pictures: nan from an empty part")
def _(model, optimiser, loss, x, y, parts):
    optimiser.zero_grad()
    total = 0.0
    for a, b in zip(x.tensor_split(parts), y.tensor_split(parts)):
        value = loss(model(a), b) * len(a) / len(x)
        value.backward()
        total += value.item()
    optimiser.step()
    return total


@right("14.1", "a tensor of one number is returned")
def _(model, optimiser, loss, x, y, parts):
    optimiser.zero_grad()
    total = 0
    for a, b in zip(x.chunk(parts), y.chunk(parts)):
        value = loss(model(a), b) * len(a) / len(x)
        value.backward()
        total = total + value.detach()
    optimiser.step()
    return total


right(
    "14.3",
    "a tensor of indices",
    lambda pictures, rank, ranks, epoch: torch.tensor(_order(pictures, epoch)[rank::ranks]),
)


@wrong("9.6", "the picture is overwritten")
def _(picture):
    picture[picture > 0] = 1
    return torch.from_numpy(picture).long()


@wrong("9.9", "images and masks are mirrored in place")
def _(images, masks, generator):
    if _heads(generator):
        images[:], masks[:] = images.flip(-1), masks.flip(-1)
    return images, masks


@wrong("10.2", "the distances are overwritten")
def _(distances, w0, sigma):
    if len(distances) < 2:
        return torch.zeros(distances.shape[1:])
    d = distances.sort(dim=0).values
    distances[0] = d[0] + d[1]
    term = w0 * torch.exp(-(distances[0] ** 2) / (2 * sigma**2))
    return torch.where(d[0] == 0, 0.0, term)


@wrong("10.5", "the displacements are overwritten")
def _(image, mask, dx, dy):
    grid = _grid(dx, dy)
    dx += torch.arange(dx.shape[1])
    dy += torch.arange(dy.shape[0])[:, None]
    return _bend(image, mask, grid)


@wrong("13.1", "masks are removed from the list that was handed in")
def _(images, masks):
    pairs, left = [], []
    for image in images:
        mask = next((m for m in masks if Path(m).stem == Path(image).stem), None)
        if mask is None:
            left.append(image)
        else:
            pairs.append((image, mask))
            masks.remove(mask)
    return pairs, left + list(masks)


@wrong("13.3", "the labels are overwritten")
def _(labels):
    labels[:] = _classes(labels, _neighbours(labels))
    return labels


# 500 samples move the ends by 3 percent of the width, 1000 by 2: about fifty calls tell the two apart

wrong(
    "7.7",
    "500 samples; at least 1000 were asked for",
    lambda values: _ends(_draw(values, samples=500).mean(1)),
)


# An IoU of exactly 0.7 is above or below 0.7 by rounding alone; the statement says that no pair has it


@right("7.4", "above 0.7, not at least")
def _(prediction, target):
    p, t = _objects(prediction), _objects(target)
    return _f1(sum(_iou(a, b) > 0.7 for a in p for b in t), len(p), len(t))
