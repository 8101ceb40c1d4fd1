"""The table of the border weight map: whole, and one row of it again."""

import csv
from pathlib import Path

import pytest
import torch

from tools.trained import borders

TABLE = Path(__file__).resolve().parents[2] / "data" / "results" / "borders.csv"


def stored():
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_training_is_there_once_and_scored_on_all_its_tests():
    tested = {"crowds": {"crowds", "shifted"}, "shifted, left": {"shifted, right"}}
    wanted = {(place, weights, str(steps), str(seed), test) for place, tests in tested.items()
              for test in tests for weights in ("none", "border map")
              for steps in borders.STEPS for seed in borders.SEEDS}
    found = [tuple(row[key] for key in borders.COLUMNS[:5]) for row in stored()]
    assert len(found) == len(set(found)) and set(found) == wanted
    assert {row["nuclei"] for row in stored()} == {"105", "125", "41"}


def test_who_finds_all_has_all_points():
    class Knows(torch.nn.Module):
        """Says what is drawn."""

        def __init__(self):
            super().__init__()
            self.nothing = torch.nn.Parameter(torch.zeros(()))

        def forward(self, x):
            inside = (truth > 0).float()[None, None]
            return 20 * torch.cat([1 - inside, inside], dim=1) + self.nothing

    truth = torch.zeros(24, 24, dtype=torch.int64)
    truth[2:10, 2:10], truth[14:22, 14:22] = 1, 2
    assert borders.judged(Knows(), torch.rand(1, 1, 24, 24), truth[None]) == [2, 0, 0, "1.0000", "1.0000"]


@pytest.mark.full
def test_a_stored_row_comes_out_again():
    torch.set_num_threads(1)
    data, tests = borders.places()["shifted, left"]
    model = borders.train(*data, True, 80, 0)
    row = borders.judged(model, *tests["shifted, right"])
    (kept,) = [row for row in stored() if row["trained_on"] == "shifted, left" and row["steps"] == "80"
               and row["weights"] == "border map" and row["seed"] == "0"]
    assert float(row[3]) == pytest.approx(float(kept["f1"]), abs=0.1)
    assert float(row[4]) == pytest.approx(float(kept["dice"]), abs=0.03)
