"""How sure one may be: of a probability, and of a difference."""

import numpy as np
import pytest
import torch

from unet_course.metrics import count_by_block, object_f1, paired_f1_interval, reliability


def test_reliability_of_what_is_drawn_as_it_is_said():
    probability = torch.rand(200_000, generator=torch.Generator().manual_seed(0)).reshape(400, 500)
    truth = torch.rand(400, 500, generator=torch.Generator().manual_seed(1)) < probability
    said, true = reliability(probability, truth)
    assert np.abs(said - np.arange(0.05, 1, 0.1)).max() < 0.002 and np.abs(said - true).max() < 0.02


def test_reliability_at_the_ends_and_of_empty_bins():
    said, true = reliability([0.0, 1.0, 1.0, 0.5], [False, True, False, True])
    assert said[[0, 5, 9]].tolist() == [0, 0.5, 1] and true[[0, 5, 9]].tolist() == [0, 1, 0.5]
    assert np.isnan(said[[1, 4, 6, 8]]).all() and np.isnan(true[[1, 4, 6, 8]]).all()


@pytest.mark.parametrize(
    "probability, truth, message",
    [
        ([0.5, 1.5], [True, False], "outside of 0 to 1"),
        ([0.5, float("nan")], [True, False], "outside of 0 to 1"),
        ([0.5], [True, False], "probability has 1 pixels, truth 2"),
    ],
)
def test_reliability_refuses(probability, truth, message):
    with pytest.raises(ValueError, match=message):
        reliability(probability, truth)


def test_the_blocks_hold_all_objects():
    truth = np.zeros((70, 50), dtype=int)
    truth[2:8, 2:8], truth[28:36, 10:20], truth[60:68, 40:48] = (
        1,
        2,
        5,
    )  # the second lies across a border
    found = np.where(truth == 5, 0, truth)
    found[50:55, 5:9] = 9
    counts = count_by_block(found, truth, side=32)
    assert counts.shape == (3 * 2, 3) and counts.sum(axis=0).tolist() == [2, 3, 3]
    assert counts.tolist() == [[2, 2, 2], [0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    hits, predicted, true = counts.sum(axis=0)
    assert 2 * hits / (predicted + true) == object_f1(found, truth)
    for side, shape in ((0, (4, 4)), (8, (2, 4, 4))):
        with pytest.raises(ValueError, match="wanted"):
            count_by_block(np.zeros(shape, dtype=int), np.zeros(shape, dtype=int), side=side)


def test_pairing_makes_the_interval_narrow():
    random = np.random.default_rng(0)
    true = random.integers(1, 9, 60)
    first = np.stack([true * random.integers(0, 2, 60), true, true], axis=1)
    second = first - [[1, 0, 0]] * (first[:, :1] > 0)
    low, high = paired_f1_interval(first, second)
    assert 0 < low < high and high - low < 0.1
    assert paired_f1_interval(first, first) == (0, 0)
    assert paired_f1_interval(first * 0, second * 0) == (0, 0)
    wide = paired_f1_interval(first, second[::-1])
    assert wide[1] - wide[0] > 2 * (high - low)


def test_the_interval_wants_two_tables():
    for shape in ((1, 3), (5, 2), (5,)):
        with pytest.raises(ValueError, match="two blocks at least"):
            paired_f1_interval(np.ones(shape, dtype=int), np.ones(shape, dtype=int))
