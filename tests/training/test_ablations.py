"""Ablations: each variant changes one thing, the table of results is never half there, an interrupted run goes on."""

import csv

import pytest
import torch

from tools.trained import ablations as tool
from unet_course import load_nuclei
from unet_course.training.ablations import (
    COLUMNS,
    VARIANTS,
    PadUpsampled,
    add_row,
    by_variant,
    read_rows,
    summary,
    train_variant,
    unet,
)

ROW = {"variant": "base", "factor": "none", "seed": 0, "steps": 9, "crop": 33, "parameters": 5, "cpu_seconds": 1.5, "test_dice": 0.5,
       "test_boundary": 0.1, "test_f1": 0.25, "shifted_dice": 0.5, "shifted_boundary": 0.1, "shifted_f1": 0.125, "torch": "2",
       "numpy": "2", "course": "0"}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("size", [(37, 50), (64, 64), (9, 11)])
def test_every_variant_takes_any_size(name, size):
    assert VARIANTS[name].build().eval()(torch.rand(1, 1, *size)).shape == (1, 3, *size)


@pytest.mark.parametrize("name", ["no skips", "skip after pool", "pad the upsampled", "group norm", "torch's default init", "tiny init",
                                  "no augmentation", "border weight map"])
def test_what_is_not_the_size_leaves_the_number_of_weights(name):
    count = [sum(p.numel() for p in build().parameters()) for build in (VARIANTS[name].build, unet)]
    assert count[0] == count[1]


def test_each_variant_differs_from_the_base_in_network_or_training_and_not_in_both():
    for name, variant in VARIANTS.items():
        assert (variant.build is unet) or not variant.training, name
        assert name == "base" or (variant.build is not unet) != bool(variant.training), name


def test_skips_are_changed_and_nothing_else():
    x, models = torch.rand(2, 1, 101, 66), {}
    for name in ("base", "no skips", "skip after pool"):
        torch.manual_seed(0)
        models[name] = VARIANTS[name].build().eval()
    weights = [torch.cat([p.flatten() for p in model.parameters()]) for model in models.values()]
    assert all(torch.equal(weights[0], w) for w in weights)
    with torch.no_grad():
        skips = {name: model.encoders[0](x) for name, model in models.items()}
    assert all(torch.equal(pooled, skips["base"][1]) for _, pooled in skips.values())
    assert skips["no skips"][0].abs().max() == 0
    framed, pooled = skips["skip after pool"][0], skips["base"][1]
    assert framed.shape == skips["base"][0].shape and torch.equal(framed[..., 25:76, 16:49], pooled)
    assert framed.sum() == pytest.approx(pooled.sum().item(), rel=1e-4)


def test_padding_the_upsampled_is_the_same_where_nothing_needs_padding():
    model = unet().eval()
    other = PadUpsampled(num_classes=3, channels=(8, 16, 32, 64)).eval()
    other.load_state_dict(model.state_dict())
    even, odd = torch.rand(1, 1, 64, 48), torch.rand(1, 1, 61, 48)
    assert torch.allclose(model(even), other(even), atol=1e-6)
    assert not torch.allclose(model(odd), other(odd), atol=1e-3)


def test_group_norm_is_everywhere_and_tiny_is_tiny():
    kinds = {type(m).__name__ for m in VARIANTS["group norm"].build().modules()}
    assert "GroupNorm" in kinds and "BatchNorm2d" not in kinds
    assert VARIANTS["tiny init"].build().bottleneck.layers[0].weight.std().item() == pytest.approx(0.01, rel=0.1)


def test_one_seed_gives_one_network_and_leaves_the_random_state():
    data = load_nuclei("val")
    before = torch.random.get_rng_state()
    a, b, c = (train_variant("base", data, seed=seed, steps=2, crop=33, progress=False).head.weight for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_unknown_variant_is_named():
    with pytest.raises(ValueError, match="name is 'no skip'; wanted one of: base, no skips"):
        train_variant("no skip", None, seed=0, steps=1)


def test_rows_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "new" / "table.csv"
    assert read_rows(path) == []
    add_row(ROW, path)
    add_row({**ROW, "variant": "torch's, default", "seed": 1}, path)
    assert read_rows(path) == [ROW, {**ROW, "variant": "torch's, default", "seed": 1}]
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]


def test_a_row_that_does_not_fit_is_refused(tmp_path):
    for bad in ({}, {**ROW, "more": 1}, {k: v for k, v in ROW.items() if k != "seed"}):
        with pytest.raises(ValueError, match="row lacks"):
            add_row(bad, tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("spoil", [lambda line: line.replace("0.25", "much"), lambda line: line[:20]])
def test_a_damaged_table_is_named_with_its_line(tmp_path, spoil):
    path = tmp_path / "t.csv"
    add_row(ROW, path)
    head, line = path.read_text().splitlines()
    path.write_text(f"{head}\n{line}\n{spoil(line)}\n")
    with pytest.raises(ValueError, match="t.csv, line 3: .*delete the line"):
        read_rows(path)


def test_a_full_disk_leaves_the_old_table(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    add_row(ROW, path)
    before = path.read_bytes()
    monkeypatch.setattr("unet_course.data.files.saving.os.replace",
                        lambda *a: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        add_row(ROW, path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["t.csv"]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The command on small trainings, with a table and half-way states of its own."""
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "TABLE", tmp_path / "table.csv")
    monkeypatch.setattr(tool, "HALF_WAY", tmp_path / "half")
    monkeypatch.setattr(tool, "STEPS", 4)
    monkeypatch.setattr(tool, "SEEDS", (0, 1))
    monkeypatch.setattr(tool, "cost", lambda name, data: 2.0)
    monkeypatch.setattr(tool, "score", lambda model, split: {"dice": 0.5, "boundary": 0.5, "f1": model.head.weight.sum().item()})
    monkeypatch.setattr(tool, "train_variant", lambda *a, **k: train_variant(*a, **{**k, "crop": 33, "save_every": 1}))
    monkeypatch.setattr(tool, "load_nuclei", lambda split: load_nuclei("val"))
    return tmp_path


def test_the_command_measures_what_is_missing_at_equal_cost(small, capsys):
    assert tool.main(["base", "no skips"]) == 0
    rows = read_rows(small / "table.csv")
    assert [(r["variant"], r["seed"], r["steps"]) for r in rows] == [("base", 0, 4), ("no skips", 0, 2), ("base", 1, 4), ("no skips", 1, 2)]
    before = (small / "table.csv").read_bytes()
    assert tool.main(["base", "no skips"]) == 0 and (small / "table.csv").read_bytes() == before
    assert "4 trainings stand in table.csv" in capsys.readouterr().out and not list((small / "half").iterdir())


def test_a_run_that_is_cut_off_goes_on_to_the_same_result(small, monkeypatch, capsys):
    assert tool.main(["base"]) == 0
    whole = [r["test_f1"] for r in read_rows(small / "table.csv")]
    (small / "table.csv").unlink()
    calls = []

    class Cut:
        def __call__(self, images, masks, generator):
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return self.augment(images, masks, generator)

    cut = Cut()
    cut.augment = tool.VARIANTS["base"].training.get("augment") or __import__("unet_course").Augment()
    plain = tool.train_variant
    monkeypatch.setattr(tool, "train_variant", lambda *a, **k: plain(*a, **{**k, "augment": cut}))
    assert tool.main(["base"]) == 130 and "goes on from here" in capsys.readouterr().err
    assert read_rows(small / "table.csv") == [] and len(list((small / "half").iterdir())) == 1
    assert tool.main(["base"]) == 0
    assert [r["test_f1"] for r in read_rows(small / "table.csv")] == whole
    assert len(calls) == 3 + 2 + 4  # two steps were kept


def test_the_command_names_an_unknown_variant(small, capsys):
    assert tool.main(["no skip"]) == 1 and "There is no variant 'no skip'. There are: base" in capsys.readouterr().err


def test_the_stored_table_is_whole():
    rows = read_rows()
    assert {(r["variant"], r["seed"]) for r in rows} == {(name, seed) for name in VARIANTS for seed in tool.SEEDS}
    for name in VARIANTS:
        own = [r for r in rows if r["variant"] == name]
        assert len({(r["steps"], r["crop"], r["parameters"]) for r in own}) == 1 and len(own) == 3
        assert own[0]["parameters"] == sum(p.numel() for p in VARIANTS[name].build().parameters())
        assert own[0]["factor"] == VARIANTS[name].factor
    assert all(0 <= r[kind] <= 1 for r in rows for kind in ("test_dice", "test_f1", "shifted_dice", "shifted_f1"))
    assert {r["steps"] for r in rows if r["variant"] == "base"} == {tool.STEPS}
    with tool.TABLE.open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == COLUMNS


def test_summary_is_mean_and_spread():
    rows = [{"variant": "a", "x": v} for v in (0.5, 0.7)] + [{"variant": "b", "x": 0.9}]
    assert list(summary(rows, "x")) == ["b", "a"] and summary(rows, "x")["a"] == pytest.approx((0.6, 0.1414), abs=1e-4)
    assert by_variant(rows, "x") == {"a": [0.5, 0.7], "b": [0.9]}
