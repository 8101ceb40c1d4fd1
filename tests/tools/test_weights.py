"""The networks that come with the course: small, whole, and as good as the table says."""

import json

import pytest
import torch

from tools.trained import choices, weights
from unet_course import load_nuclei, load_pretrained
from unet_course.data import read_results
from unet_course.data.nuclei import DATA
from unet_course.tracing import parameter_count
from unet_course.training.ablations import WIDTHS, cut_skip, no_skip, with_skips


def told(name):
    return json.loads((DATA / "weights" / f"{name}.json").read_text(encoding="utf-8"))


def test_the_scoreboards_networks_take_less_than_a_megabyte():
    files = [path for path in (DATA / "weights").glob("*.pt") if path.stem != "nuclei"]
    assert sorted(path.stem for path in files) == sorted(weights.BOARD)
    assert sum(path.stat().st_size for path in files) < 1_000_000


@pytest.mark.parametrize("name", weights.BOARD)
def test_each_is_the_row_that_it_names_rounded_to_float16(name):
    about, (row, _) = told(name), weights.BOARD[name]
    [stored] = [r for r in read_results("scoreboard") if r["network"] == row and r["seed"] == about["seed"]]
    assert about["row"] == row and about["steps"] == stored["steps"]
    assert parameter_count(load_pretrained(name)) == stored["parameters"]
    for score in choices.SCORES:
        assert about["scores"][score] == pytest.approx(stored[score], abs=0.02), score


def test_one_scored_again_has_the_scores_of_its_card():
    again = dict(zip(choices.SCORES, map(float, choices.scored(load_pretrained("thirteen_pixels")))))
    assert again == pytest.approx(told("thirteen_pixels")["scores"], abs=0.01)
    card = (DATA / "weights" / "README.md").read_text(encoding="utf-8")
    dice = told("thirteen_pixels")["scores"]["val_dice"]
    assert f"| `thirteen_pixels.pt` | three blocks, 13 pixels | 11,907 | {dice:.4f} |" in card


def test_no_skips_does_not_read_what_comes_across():
    model, x = load_pretrained("no_skips"), load_nuclei("val")[0][..., :64, :96]
    silent = model
    for level in range(3):
        silent = cut_skip(silent, level)
    with torch.no_grad():
        assert model(x).equal(silent(x))


def test_a_network_without_skips_becomes_a_plain_one_that_does_the_same():
    trained, x = with_skips(no_skip, channels=WIDTHS).eval(), load_nuclei("val")[0][..., :40, :56]
    plain = choices.small_unet().eval()
    plain.load_state_dict(weights.without_skips(trained.state_dict()))
    with torch.no_grad():
        assert torch.allclose(plain(x), trained(x), atol=1e-5)


def test_some_can_be_trained_again_and_others_stay(tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    for path in (DATA / "weights").glob("*.*"):
        (tmp_path / "weights" / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(weights, "DATA", tmp_path)
    monkeypatch.setattr("unet_course.training.checkpoints.DATA", tmp_path)
    monkeypatch.setattr(choices, "of_the_board", lambda name, seed: (choices.SCOREBOARD[name][0](), 0.0))
    monkeypatch.setattr(choices, "scored", lambda model: ["0.5"] * len(choices.SCORES))
    weights.main(["five_pixels"])
    now = {path.name for path in (tmp_path / "weights").glob("*.*")
           if path.read_bytes() != (DATA / "weights" / path.name).read_bytes()}
    assert now == {"five_pixels.pt", "five_pixels.json", "README.md"}
    with pytest.raises(SystemExit, match="no V-Net; wanted some of nuclei, five_pixels"):
        weights.main(["V-Net"])
