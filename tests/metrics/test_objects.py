"""Scores over nuclei on label images small enough to count by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course.metrics.pixels import (
    bootstrap_interval,
    boundary_f1,
    iou_table,
    match_objects,
    mean_object_f1,
    merges_and_splits,
    object_f1,
    precision_score,
    rand_f_score,
    recall_score,
    variation_of_information,
)
from unet_course.metrics.pixels import outline as outline_of

LABELS = arrays(np.int64, (6, 7), elements=st.integers(0, 4))
# Three true nuclei of 10, 10 and 5 pixels; the first found with 8, the second cut in two halves, the third missed.
TRUTH = np.array([[1] * 10 + [0] + [2] * 10 + [0] + [3] * 5 + [0] * 3])
FOUND = np.array([[0] * 2 + [9] * 8 + [0] + [4] * 5 + [5] * 5 + [0] * 6 + [7] * 3])


def test_table_by_hand():
    iou, predicted, true = iou_table(FOUND, TRUTH)
    assert predicted.tolist() == [4, 5, 7, 9] and true.tolist() == [1, 2, 3]
    assert iou == pytest.approx(np.array([[0, 0.5, 0], [0, 0.5, 0], [0, 0, 0], [0.8, 0, 0]]))


def test_each_nucleus_by_hand():
    rows = match_objects(FOUND, TRUTH)
    assert [(r["label"], r["area"], r["best"], r["found"]) for r in rows] == [(1, 10, 9, True), (2, 10, 4, False), (3, 5, 0, False)]
    assert [r["iou"] for r in rows] == pytest.approx([0.8, 0.5, 0])
    assert match_objects(FOUND, TRUTH, iou=0.85)[0]["found"] is False
    assert all(type(r["iou"]) is float and type(r["area"]) is int for r in rows)


def test_nothing_predicted_and_nothing_to_find():
    rows = match_objects(np.zeros_like(TRUTH), TRUTH)
    assert [r["found"] for r in rows] == [False] * 3 and [r["best"] for r in rows] == [0] * 3
    assert match_objects(FOUND, np.zeros_like(TRUTH)) == []
    empty = np.zeros((3, 3), int)
    assert iou_table(empty, empty)[0].shape == (0, 0)
    assert (object_f1(empty, empty), mean_object_f1(empty, empty), rand_f_score(empty, empty)) == (1.0, 1.0, 1.0)
    assert object_f1(empty + 1, empty) == object_f1(empty, empty + 1) == mean_object_f1(empty, empty + 1) == 0.0
    assert merges_and_splits(empty, empty) == merges_and_splits(empty + 1, empty) == (0, 0)
    assert variation_of_information(empty, empty, foreground_only=True) == (0.0, 0.0)


def test_all_foreground_as_one_object():
    full = np.ones((4, 5), int)
    assert object_f1(full, full) == rand_f_score(full, full) == 1.0 and variation_of_information(full, full) == (0.0, 0.0)
    assert boundary_f1(full, full) == 1.0  # no outline in either


def test_mean_f1_by_hand():
    truth = np.array([[1] * 20])
    found = np.array([[1] * 13 + [0] * 7])  # IoU 0.65: found at 0.5, 0.55, 0.6 and 0.65, missed at 0.7 to 0.9
    assert mean_object_f1(found, truth) == pytest.approx(4 / 9)
    assert [object_f1(found, truth, iou=t) for t in (0.5, 0.65, 0.7)] == [1, 1, 0]
    assert mean_object_f1(found, truth, thresholds=(0.6, 0.9)) == 0.5


def test_merges_and_splits_by_hand():
    assert merges_and_splits(FOUND, TRUTH) == (0, 1)
    assert merges_and_splits(TRUTH, FOUND) == (1, 0)
    assert merges_and_splits(TRUTH, TRUTH) == (0, 0)
    touching = np.array([[1] * 10 + [2] * 10])
    assert merges_and_splits(np.ones_like(touching), touching) == (1, 0)
    grazed = np.array([[1] * 15 + [2] * 5])  # 5 of the second nucleus' 10 pixels: half, not more
    assert merges_and_splits(grazed, touching) == (0, 0)


@given(LABELS, LABELS)
def test_merges_of_one_are_splits_of_the_other(a, b):
    assert merges_and_splits(a, b) == merges_and_splits(b, a)[::-1]


@given(LABELS, st.permutations(range(1, 5)))
def test_the_numbers_of_the_labels_do_not_matter(a, order):
    renamed = np.array([0, *order])[a] * 1000
    other = np.roll(a, 1, axis=1)
    for score in (object_f1, mean_object_f1, merges_and_splits, rand_f_score, variation_of_information):
        assert score(renamed, other) == pytest.approx(score(a, other))
    assert object_f1(renamed, a) == mean_object_f1(renamed, a) == rand_f_score(renamed, a) == 1.0
    assert variation_of_information(renamed, a) == pytest.approx((0, 0), abs=1e-9)


def test_rand_counts_pairs_by_hand():
    truth, found = np.array([1, 1, 1, 2, 2, 0]), np.array([1, 1, 2, 2, 2, 2])
    pixels = [(a, b) for i, (a, ta) in enumerate(zip(found, truth)) for b, tb in list(zip(found, truth))[i + 1:] if ta and tb]
    in_found = sum(a == b for a, b in pixels)
    in_truth, in_both = 3 + 1, 1 + 1
    assert rand_f_score(found, truth) == pytest.approx(2 * in_both / (in_found + in_truth))


@given(LABELS, LABELS)
def test_rand_with_missed_pixels_as_single_pieces(found, truth):
    """Give each missed pixel a number of its own, and count as before."""
    own = np.where(found == 0, 100 + np.arange(found.size).reshape(found.shape), found)
    assert rand_f_score(found, truth, missed="single") == pytest.approx(rand_f_score(own, truth))


def test_rand_refuses_another_word():
    with pytest.raises(ValueError, match="missed is 'none'"):
        rand_f_score(TRUTH, TRUTH, missed="none")


def test_vi_says_which_way():
    truth = np.array([[1] * 8 + [2] * 8])
    assert variation_of_information(np.ones_like(truth), truth) == pytest.approx((0, 1))  # merged: one bit is lost
    quarters = np.arange(16)[None] // 4 + 1
    assert variation_of_information(quarters, truth) == pytest.approx((1, 0))


@pytest.mark.parametrize("score", [object_f1, mean_object_f1, merges_and_splits, rand_f_score, variation_of_information,
                                   match_objects, iou_table, boundary_f1, precision_score, recall_score])
def test_shapes_and_fractions_are_refused_by_name(score):
    with pytest.raises(ValueError, match=r"prediction has shape \(2, 2\), target \(2, 3\)"):
        score(np.ones((2, 2), int), np.ones((2, 3), int))
    with pytest.raises(ValueError, match="prediction has"):
        score(np.full((2, 2), 0.3), np.ones((2, 2), int))
    with pytest.raises(ValueError, match="target has"):
        score(np.ones((2, 2), int), np.full((2, 2), np.nan))


def test_thresholds_below_one_half_are_refused():
    for score in (lambda: object_f1(TRUTH, TRUTH, iou=0.4), lambda: match_objects(TRUTH, TRUTH, iou=1.2),
                  lambda: mean_object_f1(TRUTH, TRUTH, thresholds=(0.7, 0.3))):
        with pytest.raises(ValueError, match="wanted 0.5 to 1"):
            score()


def test_precision_and_recall_by_hand_and_where_they_are_zero_by_zero():
    assert (precision_score([1, 1, 1, 0], [1, 0, 0, 1]), recall_score([1, 1, 1, 0], [1, 0, 0, 1])) == (1 / 3, 1 / 2)
    assert (precision_score([0, 0], [0, 0]), recall_score([0, 0], [0, 0])) == (1.0, 1.0)
    assert (precision_score([0, 0], [0, 1]), recall_score([0, 1], [0, 0])) == (0.0, 0.0)


def brute_force_boundary_f1(a, b, tolerance):
    def border(mask):
        return [(r, c) for r in range(mask.shape[0]) for c in range(mask.shape[1]) if mask[r, c] and any(
            0 <= r + i < mask.shape[0] and 0 <= c + j < mask.shape[1] and not mask[r + i, c + j]
            for i, j in [(-1, 0), (1, 0), (0, -1), (0, 1)])]

    def near(points, others):
        return sum(any((r - i) ** 2 + (c - j) ** 2 <= tolerance**2 for i, j in others) for r, c in points) / len(points)
    one, other = border(a), border(b)
    if not one or not other:
        return float(bool(one) == bool(other))
    p, r = near(one, other), near(other, one)
    return 2 * p * r / (p + r) if p + r else 0.0


@given(arrays(bool, (9, 8)), arrays(bool, (9, 8)), st.sampled_from([0, 1, 1.5, 2, 3]))
def test_boundary_f1_as_all_pairs_of_pixels(a, b, tolerance):
    assert boundary_f1(a, b, tolerance=tolerance) == pytest.approx(brute_force_boundary_f1(a, b, tolerance))


def test_boundary_f1_takes_tensors_and_one_mask_only():
    square = torch.zeros(12, 12, dtype=torch.int64)
    square[3:9, 3:9] = 1
    assert boundary_f1(square, square.roll(1, 0), tolerance=1) == 1.0 and outline_of(square.numpy() > 0).sum() == 20
    assert boundary_f1(square, 0 * square) == 0.0
    with pytest.raises(ValueError, match="one mask"):
        boundary_f1(square[None], square[None])
    with pytest.raises(ValueError, match="tolerance is -1"):
        boundary_f1(square, square, tolerance=-1)


def test_bootstrap_interval_of_constant_and_of_wide_values():
    assert bootstrap_interval([0.5] * 10) == (0.5, 0.5)
    narrow, wide = bootstrap_interval([0.8, 0.9] * 200), bootstrap_interval([0.8, 0.9] * 3)
    assert narrow[1] - narrow[0] < 0.02 < wide[1] - wide[0]
    assert bootstrap_interval([1, 2, 3, 4]) == bootstrap_interval([1, 2, 3, 4])
    counts = np.array([[8, 1, 1]] * 30)  # a statistic of rows: Dice from counts
    assert bootstrap_interval(counts, lambda rows: 2 * rows[:, 0].sum() / (rows @ [2, 1, 1]).sum()) == pytest.approx((16 / 18,) * 2)


def test_bootstrap_interval_holds_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        low, high = bootstrap_interval(generator.normal(size=40), level=0.9, repeats=300, seed=trial)
        hits += low <= 0 <= high
    assert 0.82 < hits / 200 < 0.96


@pytest.mark.parametrize("samples, options, words", [([1.0], {}, "at least two"), (3.0, {}, "at least two"),
                                                    ([1, 2], {"level": 95}, "level is 95"), ([1, 2], {"repeats": 0}, "repeats is 0")])
def test_bootstrap_refuses(samples, options, words):
    with pytest.raises(ValueError, match=words):
        bootstrap_interval(samples, **options)
