"""The table of what each part is worth: what is trained, what is stored, and one row again."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from tools.trained import parts
from unet_course.metrics.pixels import class_dice, confusion_matrix

TABLE = Path(__file__).resolve().parents[2] / "data" / "results" / "parts.csv"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.full
def test_every_network_can_be_made_for_both_tasks():
    for task, names, _, _ in parts.PLAN.values():
        for name in names:
            model, loss = parts.make(task, name)
            x = torch.rand(2, 1, 33, 33)
            classes = 3 if task == "nuclei" else 2
            assert loss(model.train()(x), torch.randint(classes, (2, 33, 33))).isfinite()
            assert model.eval()(x).shape == (2, classes, 33, 33)


def test_the_pictures_of_walls_are_other_pictures_in_each_split():
    drawn = {split: parts.load("walls", split)[0] for split in ("train", "val", "test", "shifted")}
    assert all(images.shape == (parts.PICTURES, 1, parts.SIDE, parts.SIDE) for images in drawn.values())
    pictures = [picture for images in drawn.values() for picture in images]
    assert all(not a.equal(b) for n, a in enumerate(pictures) for b in pictures[:n])


class Knows(torch.nn.Module):
    """Says what is drawn."""

    def __init__(self, masks, classes):
        super().__init__()
        self.truth = torch.nn.functional.one_hot(masks, classes).movedim(-1, 1).float()
        self.nothing = torch.nn.Parameter(torch.zeros(()))
        self.turn = 0

    def forward(self, x):
        self.turn += 1
        return 20 * self.truth[self.turn - 1 :][:1] + self.nothing


def test_who_knows_the_truth_has_all_points():
    _, masks, _ = parts.load("walls", "val")
    assert parts.score("walls", Knows(masks, 2), "val") == ["1.0000", "", "1.0000", "", *3 * ["1.0000"]]


def test_the_stored_rows_are_whole():
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = {(task, name, str(seed), str(steps), str(at))
              for task, names, seeds, lengths in parts.PLAN.values()
              for name in names for seed in seeds for steps in lengths
              for at in (steps // 4, steps // 2, steps)}
    found = [tuple(row[key] for key in parts.COLUMNS[:5]) for row in rows]
    assert len(found) == len(set(found)) and {*found} <= wanted
    for row in rows:
        filled = {split: row[f"{split}_f1"] != "" for split in ("val", "test", "shifted")}
        last = row["at"] == row["steps"]
        assert filled == {"val": True, "test": last, "shifted": last}, row
        assert (row["val_dice_2"] == "") == (row["task"] == "walls")
        assert all(0 <= float(row[f"val_{name}"]) <= 1 for name in ("dice_1", "f1", "ap", "rand"))


def test_a_training_gives_a_row_at_a_quarter_at_half_and_at_the_end(monkeypatch):
    monkeypatch.setattr(parts, "SIDE", 101)
    monkeypatch.setattr(parts, "PICTURES", 1)
    rows, again = [], []
    for add in (rows.append, again.append):
        parts.train("walls", "depth 1", 0, 4, add)
    assert [row[4] for row in rows] == [1, 2, 4]
    assert all(len(row) == len(parts.COLUMNS) for row in rows)
    assert [row[:5] + row[6:] for row in rows] == [row[:5] + row[6:] for row in again]  # but for the time


def test_the_pictures_are_those_of_the_table():
    _, masks, _ = parts.load("walls", "val")
    with np.load(TABLE.parent / "walls.npz", allow_pickle=False) as file:
        kept = dict(file)
    dice = {name: class_dice(confusion_matrix(torch.from_numpy(classes).long(), masks[0], 2))[1]
            for name, classes in kept.items()}
    assert {c.shape for c in kept.values()} == {(parts.SIDE, parts.SIDE)}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (row["task"], row["seed"], row["at"]) == ("walls", "0", row["steps"]) and row["network"] in kept:
                # one picture of the four that the row is about
                assert dice.pop(row["network"]) == pytest.approx(float(row["val_dice_1"]), abs=0.03)
    assert not dice


@pytest.mark.full
def test_a_stored_row_comes_out_again():
    rows = []
    parts.train("nuclei", "base", 0, 200, rows.append)
    with TABLE.open(encoding="utf-8", newline="") as file:
        (stored,) = [row for row in csv.DictReader(file) if row["task"] == "nuclei"
                     and row["network"] == "base" and (row["seed"], row["at"]) == ("0", "200")
                     and row["steps"] == "200"]
    again = dict(zip(parts.COLUMNS, rows[-1]))
    for name in ("val_dice_1", "val_dice_2", "val_f1", "test_f1", "shifted_dice_2"):
        # sums in another order change a training a little
        assert float(again[name]) == pytest.approx(float(stored[name]), abs=0.05), name
