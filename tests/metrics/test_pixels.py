"""Scores on masks small enough to count by hand, and the limits of cutting nuclei apart."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unet_course import dice_score, iou_score, label_nuclei, load_instances, object_f1
from unet_course.exercises.nb07 import four_results
from unet_course.metrics.pixels import accuracy, confusion_counts

# 6 pixels predicted, 4 true, 3 of them in both.
PREDICTION = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]])
TARGET = np.array([[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]])


def test_scores_by_hand():
    assert confusion_counts(PREDICTION, TARGET) == (3, 3, 1)
    assert dice_score(PREDICTION, TARGET) == pytest.approx(2 * 3 / (6 + 4))
    assert iou_score(PREDICTION, TARGET) == pytest.approx(3 / 7)
    assert accuracy(PREDICTION, TARGET) == pytest.approx(8 / 12)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, bool, np.float32, torch.tensor, list])
def test_every_kind_of_mask_gives_the_same_score(kind):
    convert = {torch.tensor: torch.tensor, list: lambda a: a.tolist()}.get(kind, lambda a: a.astype(kind))
    assert dice_score(convert(PREDICTION), convert(TARGET)) == 0.6 and iou_score(convert(PREDICTION), TARGET) == 3 / 7


def test_masks_of_255_and_of_class_numbers_count_as_foreground():
    assert dice_score(255 * PREDICTION.astype(np.uint8), 7 * TARGET) == 0.6


def test_scores_are_plain_numbers():
    assert all(type(score(PREDICTION, TARGET)) is float for score in (dice_score, iou_score, accuracy, object_f1))


@pytest.mark.parametrize("score", [dice_score, iou_score])
@pytest.mark.parametrize("map_", [np.full((3, 4), 0.99), np.full((3, 4), np.nan), torch.rand(3, 4)])
def test_a_probability_map_is_refused_on_both_sides(score, map_):
    with pytest.raises(ValueError, match="prediction has values that are neither 0 nor 1.*threshold"):
        score(map_, TARGET)
    with pytest.raises(ValueError, match="target has values that are neither 0 nor 1.*threshold"):
        score(TARGET, map_)


def test_object_f1_refuses_a_probability_map():
    with pytest.raises(ValueError, match="prediction"):
        object_f1(np.random.default_rng(0).random((8, 8)), np.random.default_rng(1).random((8, 8)))


def test_label_nuclei_refuses_a_probability_map():
    with pytest.raises(ValueError, match="classes"):
        label_nuclei(np.random.default_rng(0).random((8, 8)))


def rows(*lengths):
    """Label image of one row: objects of these lengths, a gap of one between them."""
    return np.array([sum(([i + 1] * n + [0] for i, n in enumerate(lengths)), [])])


def test_object_f1_by_hand():
    truth = rows(10, 10, 10)
    prediction = truth.copy()
    prediction[0, :3] = 0  # IoU 7/10: found at 0.7
    prediction[0, 11:15] = 0  # IoU 6/10: missed, and so invented
    assert object_f1(prediction, truth) == pytest.approx(2 * 2 / 6)
    assert object_f1(prediction, truth, iou=0.6) == 1
    assert object_f1(prediction, truth, iou=0.9) == pytest.approx(2 * 1 / 6)


def test_two_nuclei_seen_as_one_and_one_seen_as_two():
    truth = np.array([[1] * 10 + [2] * 10])
    assert object_f1(np.ones_like(truth), truth) == 0 and object_f1(truth, np.ones_like(truth)) == 0
    uneven = np.array([[1] * 16 + [2] * 4])
    assert object_f1(uneven, np.ones_like(truth)) == pytest.approx(2 / 3)  # the larger piece still has 0.8


def test_object_f1_at_one_half_counts_no_object_twice():
    """Two halves each overlap the whole with exactly 0.5: that is no match, or one nucleus would be found twice."""
    halves = np.array([[1, 1, 2, 2]])
    assert object_f1(halves, np.ones_like(halves), iou=0.5) == 0


@given(arrays(np.int64, (5, 6), elements=st.integers(0, 3)), arrays(np.int64, (5, 6), elements=st.integers(0, 3)))
def test_object_f1_is_between_0_and_1_and_the_same_from_both_sides(a, b):
    assert 0 <= object_f1(a, b) <= 1 and object_f1(a, b) == object_f1(b, a) and object_f1(a, a) == 1


def disc(row, column, radius, size=64):
    r, c = np.mgrid[:size, :size]
    return (r - row) ** 2 + (c - column) ** 2 <= radius**2


@settings(max_examples=25)
@given(st.integers(7, 14), st.integers(7, 14), st.floats(0, np.pi))
def test_discs_that_overlap_a_little_are_cut_into_two_at_the_waist(one, two, angle):
    distance = 0.9 * (one + two)
    centres = [(40 + sign * distance / 2 * np.sin(angle), 40 + sign * distance / 2 * np.cos(angle)) for sign in (-1, 1)]
    discs = [disc(*centre, radius, 80) for centre, radius in zip(centres, (one, two))]
    truth = np.where(discs[0], 1, np.where(discs[1], 2, 0))
    assert label_nuclei(2 * (truth > 0)).max() == 1
    assert object_f1(label_nuclei(2 * (truth > 0), split=True), truth, iou=0.8) == 1


@pytest.mark.parametrize("radius", [4, 8, 15, 25])
def test_a_single_round_nucleus_is_not_cut(radius):
    whole = label_nuclei(2 * disc(32, 32, radius), split=True)
    assert whole.max() == 1 and np.array_equal(whole > 0, disc(32, 32, radius))


def test_smaller_than_min_area_is_dropped_and_the_rest_is_numbered_from_one():
    classes = np.zeros((12, 30), int)
    classes[2:5, 2:5], classes[2:6, 10:14], classes[2:7, 20:25] = 2, 2, 2  # 9, 16 and 25 pixels
    for min_area, left in [(1, 3), (9, 3), (10, 2), (16, 2), (17, 1), (26, 0)]:
        numbers = np.unique(label_nuclei(classes, min_area=min_area)).tolist()
        assert numbers == list(range(left + 1))
    assert label_nuclei(classes, min_area=10)[3, 11] == 1


def test_nuclei_with_a_boundary_between_them_are_two():
    classes = np.zeros((14, 24), int)
    classes[2:12, 2:22] = 1
    classes[3:11, 3:11], classes[3:11, 13:21] = 2, 2
    out = label_nuclei(classes)
    assert out.max() == 2 and out[7, 11] == out[7, 5] and out[7, 12] == out[7, 18]  # each gets its side of the boundary
    assert np.array_equal(label_nuclei(classes, grow=1.5) > 0, classes > 0)  # corners are 1.4 pixels away


def test_an_empty_mask_has_no_nuclei():
    for classes in (np.zeros((5, 5), int), torch.zeros(5, 5, dtype=torch.int64), np.ones((5, 5), int)):
        for split in (False, True):
            out = label_nuclei(classes, split=split)
            assert out.shape == (5, 5) and out.dtype == np.int64 and out.max() == 0


def test_the_four_results_of_exercise_7_6_are_what_the_solution_says():
    truth = load_instances("shifted")[0, 150:250, 180:380].numpy()
    results, mask = four_results(truth), truth > 0
    missed, invented = ({name: (wrong & right).sum() for name, wrong, right in rows} for rows in (
        [(n, ~r, mask) for n, r in results.items()], [(n, r, ~mask) for n, r in results.items()]))
    assert [n for n in results if not missed[n]] == ["D"] and [n for n in results if not invented[n]] == ["A"]
    whole = {n: all(r[truth == k].all() or not r[truth == k].any() for k in np.unique(truth[mask])) for n, r in results.items()}
    assert whole == {"A": False, "B": True, "C": False, "D": True}  # D has no outline that is right
    assert missed["B"] and invented["B"] and np.array_equal(results["C"][:, 4:], mask[:, :-4])
