"""The trainings behind the scoreboard and the table of choices: each can be made again."""

import csv

import pytest
import torch

from tools.trained import choices
from unet_course.data import read_results


@pytest.fixture
def short(tmp_path, monkeypatch):
    """Two steps on small crops, tables in a folder of their own, fields cut to a corner."""
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(choices, "DATA", tmp_path)
    monkeypatch.setattr(choices, "SEEDS", [0])
    monkeypatch.setattr(choices, "BASE", {**choices.BASE, "steps": 2, "crop": 16})
    monkeypatch.setattr(choices, "scored", lambda model: ["0.5"] * len(choices.SCORES))
    changes = list(choices.CHOICES.items())
    monkeypatch.setattr(choices, "CHOICES", {name: {k: v for k, v in change.items() if k != "steps"}
                                             for name, change in [*changes[:4], changes[-1]]})
    monkeypatch.setattr(choices, "predict", lambda model, image: torch.zeros(3, *image.shape[-2:]))
    return tmp_path / "results"


def test_a_table_is_filled_row_by_row_and_goes_on_where_it_stopped(short, capsys):
    assert choices.main([]) == 0
    with (short / "choices.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["choice"] for row in rows] == list(choices.CHOICES)
    assert all(None not in row and None not in row.values() for row in rows)
    capsys.readouterr()
    assert choices.main([]) == 0 and capsys.readouterr().out == ""


def test_the_stored_table_has_all_rows_with_five_seeds():
    rows = read_results("choices")
    for name in choices.CHOICES:
        assert sorted(row["seed"] for row in rows if row["choice"] == name) == [0, 1, 2, 3, 4], name
    assert {row["choice"] for row in rows} == set(choices.CHOICES)


@pytest.mark.full
def test_networks_of_another_sight_have_about_as_many_weights(short):
    [size] = {row["parameters"] for row in read_results("scoreboard") if row["network"] == "three blocks, 13 pixels"}
    rows = read_results("context")
    for name in choices.CONTEXT:
        own = [row for row in rows if row["network"] == name]
        assert [row["seed"] for row in own] == [0, 1, 2, 3, 4], name
        assert {abs(row["parameters"] / size - 1) < 0.03 for row in own} == {True}
    assert {row["network"] for row in rows} == set(choices.CONTEXT)
    assert choices.main(["context"]) == 0 and len((short / "context.csv").read_text().splitlines()) == 4


def test_other_first_weights_have_five_seeds_and_can_be_drawn_again(short):
    rows = read_results("starts")
    for name in choices.STARTS:
        assert [row["seed"] for row in rows if row["start"] == name] == [0, 1, 2, 3, 4], name
    assert {row["start"] for row in rows} == set(choices.STARTS)
    assert choices.main(["starts"]) == 0 and len((short / "starts.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("name", [pytest.param("threshold", marks=pytest.mark.full), "local threshold"])
def test_a_row_can_be_made_again(name, monkeypatch):
    """A threshold, which is chosen and scored in seconds; the networks take minutes."""
    kept = {}
    monkeypatch.setattr(choices, "keep", lambda name, classes: kept.update({name: classes.shape}))
    row = choices.row(name, 0)
    [stored] = [row for row in read_results("scoreboard") if row["network"] == name]
    assert [float(number) for number in row[6:]] == [stored[name] for name in choices.SCORES]
    assert kept == {name: (96, 144)}
