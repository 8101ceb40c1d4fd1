"""Pieces that hold two nuclei, seen and counted."""

import numpy as np

from unet_course.data import read_results
from unet_course.data.masks import label_nuclei
from unet_course.figures import budget_panels, crowds, found_in_crowds, outlines
from unet_course.figures.crowds import merged
from unet_course.metrics import merges_and_splits


def test_what_is_hatched_is_what_is_counted():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        pieces, truth = rng.integers(0, 5, (2, 4, 5))
        assert len(merged(pieces, truth)) == merges_and_splits(pieces, truth)[0]


def test_a_half_is_not_enough():
    assert merged([[1, 1, 0, 0]], [[3, 3, 3, 3]]) == merged([[1, 1, 0, 1]], [[3, 3, 4, 4]]) == []


def test_the_stored_pictures_are_those_of_the_table():
    truths = crowds("test", 6, 256)[1]
    for name in ("none", "border map"):
        found = [label_nuclei(c, interior=1, grow=0) for c in found_in_crowds()[f"crowds, {name}"]]
        merges = sum(merges_and_splits(p, t)[0] for p, t in zip(found, truths))
        (row,) = (r for r in read_results("borders") if (r["weights"], r["steps"], r["seed"]) == (name, 240, 0)
                  and r["tested_on"] == "crowds")
        assert merges == row["merges"]


def test_without_truth_nothing_is_hatched():
    figure = outlines(np.zeros((4, 4)), {"image": None, "found": np.eye(4, dtype=int)})
    assert [len(axis.collections) for axis in figure.axes] == [0, 1]


def test_a_difference_is_drawn_around_zero():
    lines = {"80 steps, without": [3, 4], "80 steps, with": [0, 1]}
    figure = budget_panels({"a": {"merges": lines, "F1": lines, "change": {"80 steps": [0.2, 0.1], "240 steps": [0.3]}}})
    merges, _, change = figure.axes
    low, high = change.get_xlim()
    assert low < 0 and high > 0.3 and merges.get_xlim() == (-1, 40)
    dots = [[line.get_xdata().tolist() for line in axis.lines if line.get_marker() in ("o", "s", "D")] for axis in figure.axes]
    assert dots == [[[3, 4], [0, 1]], [[3, 4], [0, 1]], [[0.2, 0.1], [0.3]]]
