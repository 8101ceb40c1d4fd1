"""Hard cases in memory: arrays of any type, shape and content, into everything that takes images, masks or logits."""

import itertools
import math
from dataclasses import dataclass

import hypothesis
import numpy as np
import torch
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from unet_course import Augment, UNet, border_weight_map, elastic_deformation, fit, normalise, predict, random_crops
from unet_course.augment import warp
from unet_course.data.masks import label_nuclei, separate_touching
from unet_course.losses import combined_loss, cross_entropy, dice_loss
from unet_course.metrics.pixels import (
    accuracy,
    boundary_f1,
    dice_score,
    iou_score,
    mean_object_f1,
    merges_and_splits,
    object_f1,
    precision_score,
    rand_f_score,
    recall_score,
    variation_of_information,
)

TYPES = ["bool", "uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
         "longdouble", "complex64", "object", "U3", "datetime64[s]"]
NUMBERS = TYPES[:12]
FILLS = ["random", "constant", "zeros", "nan", "inf", "huge", "negative", "fractions", "few", "0/255", "tiny"]
SIDES = [0, 1, 2, 3, 5, 8, 13, 17]


@dataclass(frozen=True)
class Made:
    """How to make an array: short to print, quick to shrink."""

    dtype: str
    shape: tuple
    fill: str
    seed: int

    def array(self):
        rng, dtype = np.random.default_rng(self.seed), np.dtype(self.dtype)
        if dtype.kind not in "buifc":
            return np.zeros(self.shape, dtype)
        if self.fill == "random":
            values = rng.random(self.shape) * (1 if dtype.kind in "fcb" else 200)
        elif self.fill in ("few", "0/255"):
            values = rng.integers(0, 3, self.shape) if self.fill == "few" else 255 * rng.integers(0, 2, self.shape)
        elif self.fill == "fractions":
            values = rng.random(self.shape) * 3 + 0.01
        else:
            values = np.full(self.shape, {"zeros": 0, "negative": -3}.get(self.fill, 7), dtype=float)
        with np.errstate(all="ignore"):
            values = np.asarray(values).astype(dtype)
            if self.fill in ("nan", "inf", "huge", "tiny") and values.size:
                flat = values.reshape(-1)
                if dtype.kind in "fc":
                    limits = np.finfo(dtype)
                    odd = {"nan": np.nan, "inf": np.inf, "huge": limits.max, "tiny": limits.tiny}[self.fill]
                    flat[:: max(flat.size // 2, 1)] = odd
                    if self.fill == "huge" and self.seed % 2:
                        flat[-1] = -limits.max
                elif dtype.kind in "ui":
                    flat[:: max(flat.size // 2, 1)] = np.iinfo(dtype).max
                    if dtype.kind == "i":
                        flat[-1] = np.iinfo(dtype).min
        return values


def made(types=TYPES, dims=(0, 4), sides=SIDES, fills=FILLS):
    """A strategy of `Made` arrays."""
    shapes = st.lists(st.sampled_from(sides), min_size=dims[0], max_size=dims[1]).map(tuple)
    return st.builds(Made, st.sampled_from(types), shapes, st.sampled_from(fills), st.integers(0, 99))


def hypothesize(count, seed, strategy, check):
    """Let hypothesis draw `count` cases for ``check(case)``, and shrink one that goes wrong."""
    @hypothesis.settings(max_examples=count, database=None, deadline=None, phases=(Phase.generate, Phase.shrink),
                         suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=False)
    @hypothesis.seed(seed)
    @hypothesis.given(strategy)
    def run(case):
        check(case)
    run()


def network(channels=1, seed=0):
    torch.manual_seed(seed)
    return UNet(channels, 3, channels=(2, 3)).eval()


def normalising(judge, count, seed):
    def check(case):
        array = case.array()

        def action():
            got = normalise(array)
            assert got.dtype == np.float32 and got.shape == array.shape
            assert np.isfinite(got).all() and got.min() >= 0 and got.max() <= 1
            assert np.array_equal(got, normalise(array))
            order = np.argsort(array, axis=None)
            assert (np.diff(got.ravel()[order]) >= 0).all(), "a brighter pixel came out darker"
        judge.case(case, ["image"], action)
    hypothesize(count, seed, made(), check)


def predicting(judge, count, seed):
    models = {channels: network(channels) for channels in (1, 3)}

    def check(case):
        image, tile, channels, as_tensor = case
        array = image.array()
        given = torch.from_numpy(array) if as_tensor and array.dtype.kind in "buif" and array.dtype.itemsize < 9 else array

        def action():
            got = predict(models[channels], given, tile=tile, progress=False)
            check_probabilities(got, array.shape[-2:])
            assert torch.equal(got, predict(models[channels], given, tile=tile, progress=False)), "another result"
        judge.case(case, ["image", "x has", "x is", "tile"], action)
    good = made(["float32", "float64", "float16"], (2, 3), SIDES[1:], ["random", "constant", "tiny", "few", "huge"])
    right = made(["float32", "float64", "float16"], (2, 2), SIDES[1:], ["random", "constant", "tiny", "few", "huge"])
    images = st.one_of(right, good, made())
    options = st.sampled_from([None, None, 4, 0]), st.sampled_from([1, 1, 3]), st.booleans()
    hypothesize(count, seed, st.tuples(images, *options), check)


def check_probabilities(got, size):
    """What holds for every answer of predict."""
    assert got.shape[-2:] == tuple(size) and got.shape[-3] == 3 and got.dtype == torch.float32
    assert torch.isfinite(got).all(), "not finite"
    assert (got.sum(dim=-3) - 1).abs().max() < 1e-4, "does not add up to 1"


def fitting(judge, count, seed):
    def check(case):
        pictures, masks, stacked, tensors, val = case
        images = [m.array() for m in pictures]
        targets = [Made(masks[0], m.shape[-2:] if masks[2] else (5, 3), masks[1], m.seed).array() for m in pictures]
        if tensors:
            try:
                images, targets = ([torch.from_numpy(a) for a in arrays] for arrays in (images, targets))
            except TypeError:
                pass
        if stacked and len({(a.shape, a.dtype) for a in images}) == 1:
            images, targets = ((torch if isinstance(a[0], torch.Tensor) else np).stack(a) for a in (images, targets))
            data = (images, targets)
        else:
            data = list(zip(images, targets))

        def action():
            model = network()
            history = fit(model, data, data if val else None, steps=1, batch_size=2, crop=4, bf16=False, progress=False)
            assert len(history.loss) == 1 and math.isfinite(history.loss[0])
            assert all(0 <= dice <= 1 for dice in history.val_dice)
        judge.case(case, ["train", "target", "image", "images", "x has", "loss is", "picture"], action,
                   (ValueError, TypeError, FloatingPointError))
    good = made(["float32"], (3, 3), [1, 2, 5], ["random", "few", "constant"])
    right = st.builds(Made, st.just("float32"), st.tuples(st.just(1), st.integers(1, 6), st.integers(1, 6)),
                      st.sampled_from(["random", "few", "constant", "huge", "negative"]), st.integers(0, 99))
    images = st.one_of(st.lists(st.one_of(good, made(NUMBERS, (2, 3), [0, 1, 3])), max_size=2), st.lists(right, max_size=2))
    masks = st.tuples(st.sampled_from(["int64"] * 6 + ["uint8", "float32", "bool"]),
                      st.sampled_from(["few"] * 5 + ["zeros", "0/255", "negative", "fractions", "huge"]),
                      st.sampled_from([True] * 5 + [False]))
    often = st.sampled_from([True] * 5 + [False])
    hypothesize(count, seed, st.tuples(images, masks, st.booleans(), often, st.booleans()), check)


def cropping(judge, count, seed):
    def check(case):
        shapes, size, number = case
        masks = [torch.arange(h * w).reshape(h, w) for h, w in shapes]
        images = [mask[None].double() for mask in masks]

        def action():
            x, y = random_crops(images, masks, size=size, count=number, generator=torch.Generator().manual_seed(case[1]))
            assert x.shape == (number, 1, size, size) and y.shape == (number, size, size)
            assert torch.equal(x[:, 0].long(), y), "image and mask were cut at different places"
        judge.case(case, ["images", "size", "picture"], action)
    sizes = st.tuples(st.sampled_from(SIDES), st.sampled_from(SIDES))
    hypothesize(count, seed, st.tuples(st.lists(sizes, max_size=3), st.integers(-1, 20), st.integers(-1, 4)), check)


def augmenting(judge, count, seed):
    ways = [Augment(), Augment(scale=0.3, elastic=3.0), warp, elastic_deformation, Augment(blur=9, noise=0, intensity=0)]

    def check(case):
        way, image, mask = case
        images = torch.from_numpy(image.array())
        masks = torch.from_numpy(Made("int64", (*image.shape[:1], *image.shape[2:]) if mask else (2, 2), "few", 0).array())

        def action():
            x, y = ways[way](images, masks, torch.Generator().manual_seed(image.seed))
            assert x.shape == images.shape and y.shape == masks.shape and y.dtype == masks.dtype
            assert torch.isfinite(x).all() or not torch.isfinite(images).all()
            assert set(y.unique().tolist()) <= set(masks.unique().tolist())
        judge.case(case, ["images", "masks"], action)
    images = st.one_of(made(["float32", "float64"], (4, 4), [1, 2, 3, 8], ["random", "constant", "few", "negative"]),
                       made(["float32", "uint8", "int64", "float16"], (2, 4), [0, 1, 5], ["random", "nan", "huge"]))
    hypothesize(count, seed, st.tuples(st.integers(0, len(ways) - 1), images, st.sampled_from([True] * 4 + [False])), check)


def losing(judge, count, seed):
    def check(case):
        which, logits, target, fits = case
        scores = (torch.from_numpy(logits.array()) * 10).requires_grad_()
        wanted = (*logits.shape[:1], *logits.shape[2:]) if fits else target.shape
        truth = torch.from_numpy(Made(target.dtype, wanted, target.fill, target.seed).array())

        def action():
            value = (cross_entropy, dice_loss, combined_loss)[which](scores, truth)
            assert value.ndim == 0 and math.isfinite(value.item()) and value.item() > -1e-6
            value.backward()
            assert torch.isfinite(scores.grad).all()
        judge.case(case, ["logits", "target"], action)
    fills = ["random", "constant", "zeros", "negative", "tiny"]
    logits = st.one_of(made(["float32", "float64"], (4, 4), [1, 2, 5], fills), made(["float32"], (4, 4), [3, 4], fills),
                       made(["float32", "float64"], (3, 4), [0, 1, 2], fills))
    target = st.one_of(made(["int64"], (3, 3), [1, 2], ["few", "zeros"]), made(["int64", "uint8", "float32", "bool"], (2, 4)))
    hypothesize(count, seed, st.tuples(st.integers(0, 2), logits, target, st.sampled_from([True] * 4 + [False])), check)


def weighing(judge, count, seed):
    def check(case):
        labels, sigma = case

        def action():
            got = border_weight_map(labels.array(), sigma=sigma)
            assert got.shape == labels.shape and torch.isfinite(got).all() and got.min() >= 0
        judge.case(case, ["instances", "sigma"], action)
    good = made(["int64", "uint16", "uint8"], (2, 3), SIDES[1:], ["few", "random", "constant", "huge", "0/255"])
    hypothesize(count, seed, st.tuples(st.one_of(good, made()), st.sampled_from([5.0, 1.0, 0.1, 0, -1, math.nan])), check)


SCORES = [dice_score, iou_score, precision_score, recall_score, accuracy, boundary_f1, object_f1, mean_object_f1, rand_f_score,
          merges_and_splits, variation_of_information]


def scoring(judge, count, seed):
    def check(case):
        which, one, other, same = case
        a = one.array()
        b = a if same else Made(one.dtype, one.shape, other.fill, other.seed).array()

        def action():
            got = SCORES[which](a, b)
            values = np.atleast_1d(got)
            assert np.isfinite(values).all() and (values >= 0).all() and (which > 8 or (values <= 1 + 1e-9).all())
            assert not same or tuple(values) == ((0, 0) if which > 8 else (1,)), f"scored {got} against itself"
        judge.case((SCORES[which].__name__, *case[1:]), ["prediction", "target"], action)
    good = made(["int64", "uint8", "bool", "float32"], (2, 2), SIDES[1:], ["few", "zeros", "0/255", "constant"])
    arrays = st.one_of(good, made())
    hypothesize(count, seed, st.tuples(st.integers(0, len(SCORES) - 1), arrays, arrays, st.booleans()), check)


def counting(judge, count, seed):
    def check(case):
        array, split = case

        def action():
            classes = array.array()
            nuclei = label_nuclei(classes, min_area=1, split=split)
            assert nuclei.shape == array.shape and not nuclei[np.asarray(classes) == 0].any()
            assert sorted(set(nuclei.ravel().tolist()) - {0}) == list(range(1, nuclei.max(initial=0) + 1))
            apart = separate_touching(nuclei)
            for a, b in itertools.product((0, 1), (0, 1)):
                here, there = apart[: len(apart) - a, b:], apart[a:, : apart.shape[1] - b]
                assert ((here == there) | (here == 0) | (there == 0)).all(), "two objects touch"
        judge.case(case, ["classes", "instances"], action)
    good = made(["int64", "uint8"], (2, 2), SIDES, ["few", "random", "constant", "0/255"])
    hypothesize(count, seed, st.tuples(st.one_of(good, made()), st.booleans()), check)


GROUPS = {  # name: (function, weight)
    "normalise": (normalising, 12), "predict": (predicting, 14), "fit": (fitting, 4), "random_crops": (cropping, 8),
    "augment": (augmenting, 5), "losses": (losing, 8), "border_weight_map": (weighing, 5), "metrics": (scoring, 12),
    "label_nuclei": (counting, 4),
}
