"""What a loss does to a rare class: the stored table, and the scores it is made of."""

import csv

import pytest
import torch

from tools.trained import losses
from unet_course import load_nuclei
from unet_course.data import read_results


def test_all_losses_are_stored_with_five_seeds_and_all_splits():
    rows = read_results("losses")
    wanted = {(loss, seed, split) for loss in losses.LOSSES for seed in range(5) for split in losses.SPLITS}
    assert {(row["loss"], row["seed"], row["split"]) for row in rows} == wanted and len(rows) == len(wanted)
    for row in rows:  # the bins are all pixels of the split
        assert sum(row[f"pixels_{k}"] for k in range(losses.BINS)) == load_nuclei(row["split"])[1].numel()


def test_they_are_the_trainings_of_the_recipes():
    earlier = {(row["recipe"], row["seed"]): row for row in read_results("recipes")}
    for row in read_results("losses"):
        if row["split"] == "val":
            first = earlier[row["loss"], row["seed"]]
            assert [row[key] for key in ("dice_1", "said_1")] == pytest.approx([first[key] for key in ("dice_1", "said_1")], abs=2e-4)


class Half(torch.nn.Module):
    """Says boundary with 0.4 where it is drawn, and nowhere else."""

    def forward(self, x):
        drawn = (load_nuclei("val")[1] == 1).float()
        return torch.stack([1 - 0.4 * drawn, 0.4 * drawn, 0 * drawn], dim=1).clamp(min=1e-9).log()


def test_sure_is_told_apart_from_said():
    row = dict(zip(losses.COLUMNS[4:], losses.row(Half(), "val")))
    assert float(row["dice_1"]) == float(row["said_1"]) == 0
    assert float(row["expected_1"]) == pytest.approx(0.4, abs=1e-3)
    bin_ = next(k for k in range(10) if row[f"pixels_{k}"] and k > 0)
    assert bin_ in (3, 4) and row[f"is_{bin_}"] == "1.0000" and row[f"says_{bin_}"] == "0.4000"


def test_a_table_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(losses, "DATA", tmp_path)
    monkeypatch.setattr(losses, "SEEDS", [1])
    monkeypatch.setattr(losses, "trained", lambda loss, seed, steps: (None, None))
    monkeypatch.setattr(losses, "row", lambda model, split: [0.5] * (len(losses.COLUMNS) - 5))
    assert losses.main([]) == 0
    with (tmp_path / "results" / "losses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 and all(None not in row and None not in row.values() for row in rows)
    capsys.readouterr()
    assert losses.main([]) == 0 and capsys.readouterr().out == ""
