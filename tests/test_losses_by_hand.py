"""Losses and scores: by hand, beside the library, and in the degenerate cases."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course import dice_score, iou_score, label_nuclei, object_f1
from unet_course.losses import combined_loss, cross_entropy, dice_loss
from unet_course.metrics.pixels import accuracy

masks = arrays(np.int64, (6, 7), elements=st.integers(0, 1))
labels = arrays(np.int64, (6, 7), elements=st.integers(0, 4))


@given(masks, masks)
def test_iou_and_dice_belong_together(a, b):
    dice, iou = dice_score(a, b), iou_score(a, b)
    assert 0 <= iou <= dice <= 1 and iou == pytest.approx(dice / (2 - dice))
    assert dice == dice_score(b, a)


@given(masks, masks)
def test_dice_equals_the_sets(a, b):
    one, two = set(np.flatnonzero(a)), set(np.flatnonzero(b))
    wanted = 2 * len(one & two) / (len(one) + len(two)) if one or two else 1.0
    assert dice_score(a, torch.from_numpy(b)) == pytest.approx(wanted)


def test_degenerate_masks():
    empty, full = np.zeros((3, 3), int), np.ones((3, 3), int)
    assert dice_score(empty, empty) == iou_score(empty, empty) == 1 and dice_score(full, full) == 1
    assert dice_score(empty, full) == dice_score(full, empty) == iou_score(full, empty) == 0


def test_a_probability_map_and_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="prediction has values.*threshold"):
        dice_score(np.full((2, 2), 0.3), np.ones((2, 2)))
    for score in (dice_score, iou_score, accuracy, object_f1):
        with pytest.raises(ValueError, match=r"prediction has shape \(2, 2\), target \(2, 3\)"):
            score(np.ones((2, 2), int), np.ones((2, 3), int))


def slow_object_f1(prediction, target, iou):
    found = 0
    for p in set(prediction.ravel()) - {0}:
        for t in set(target.ravel()) - {0}:
            one, two = prediction == p, target == t
            share = (one & two).sum() / (one | two).sum()
            found += share >= iou if iou > 0.5 else share > 0.5
    objects = len(set(prediction.ravel()) - {0}) + len(set(target.ravel()) - {0})
    return 2 * found / objects if objects else 1.0


@settings(max_examples=150, deadline=None)
@given(labels, labels, st.sampled_from([0.5, 0.7, 0.9]))
def test_object_f1_equals_the_slow_way(a, b, iou):
    assert object_f1(a, b, iou=iou) == pytest.approx(slow_object_f1(a, b, iou))


def test_object_f1_does_not_mind_the_numbers():
    a = np.array([[7, 7, 0, 300, 300]])
    assert object_f1(a, np.array([[1, 1, 0, 2, 2]])) == 1 and object_f1(a * 0, a) == 0 and object_f1(a * 0, a * 0) == 1
    with pytest.raises(ValueError, match="iou is 0.3"):
        object_f1(a, a, iou=0.3)


def discs(*centres, radius=12, size=64):
    rows, columns = np.mgrid[:size, :size]
    return sum(((rows - r) ** 2 + (columns - c) ** 2 <= radius**2).astype(int) for r, c in centres) > 0


def test_label_nuclei_splits_two_that_touch():
    together = np.where(discs((32, 20), (32, 42)), 2, 0)
    assert label_nuclei(together).max() == 1 and label_nuclei(together, split=True).max() == 2
    assert label_nuclei(np.where(discs((32, 32)), 2, 0), split=True).max() == 1


def test_label_nuclei_drops_specks_and_numbers_without_gaps():
    classes = np.zeros((40, 40), int)
    classes[2:4, 2:4] = 2
    classes[10:20, 10:20], classes[25:35, 25:35] = 2, 2
    classes[20, 10:20] = 1
    out = label_nuclei(classes, min_area=30)
    assert out.max() == 2 and np.unique(out).tolist() == [0, 1, 2] and out[2, 2] == 0
    assert out[20, 15] == out[15, 15] and out[21, 15] == 0  # grown over the boundary, not into the background


def test_label_nuclei_wants_one_mask():
    with pytest.raises(ValueError, match="classes has shape"):
        label_nuclei(np.zeros((1, 4, 4), int))


logits, target = torch.randn(2, 3, 5, 6, generator=torch.Generator().manual_seed(0)), torch.arange(60).reshape(2, 5, 6) % 3


def test_cross_entropy_by_hand_and_weighted():
    p = logits.softmax(dim=1).gather(1, target[:, None])[:, 0]
    assert cross_entropy(logits, target).item() == pytest.approx(-p.log().mean().item(), abs=1e-6)
    weights = torch.tensor([1.0, 3.0, 0.5])[target]
    wanted = (-p.log() * weights).sum() / weights.sum()
    assert cross_entropy(logits, target, weight=[1, 3, 0.5]).item() == pytest.approx(wanted.item(), abs=1e-6)


def test_dice_loss_by_hand():
    p, t = logits.softmax(dim=1), F.one_hot(target, 3).permute(0, 3, 1, 2)
    wanted = 1 - np.mean([(2 * (p[:, c] * t[:, c]).sum() + 1) / (p[:, c].sum() + t[:, c].sum() + 1) for c in (1, 2)])
    assert dice_loss(logits, target).item() == pytest.approx(float(wanted), abs=1e-6)


def test_dice_loss_of_an_absent_class_is_small_and_finite():
    empty = torch.zeros(1, 8, 8, dtype=torch.int64)
    sure = torch.tensor([50.0, -50, -50]).reshape(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert dice_loss(sure, empty).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("loss", [cross_entropy, dice_loss, combined_loss])
@pytest.mark.parametrize("scale", [1, 1e4])
def test_gradients_are_finite_even_for_extreme_logits(loss, scale):
    x = (scale * logits).clone().requires_grad_()
    loss(x, target).backward()
    assert torch.isfinite(x.grad).all() and math.isfinite(loss(x, target).item())


@pytest.mark.parametrize("bad, words", [
    (target * 127, "target has values 0 to 254"), (target.clamp(max=1) * 255, "target // 255"), (target - 1, "-1 to 1"),
    (target.float(), "dtype torch.float32.*long"), (target[:, None], r"target\[:, 0\]"), (target[:, :3], "do not fit"),
])
@pytest.mark.parametrize("loss", [cross_entropy, dice_loss])
def test_wrong_targets_are_refused_by_name(loss, bad, words):
    with pytest.raises(ValueError, match=words):
        loss(logits, bad)
