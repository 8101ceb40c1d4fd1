"""The benchmark: its clock, its memory, its loops and its report; no peer has to be installed."""

import doctest
import importlib
import json
import subprocess
import sys
import time

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import environment, loops, measuring, plots, recipe, report, storing
from unet_course import Augment, UNet, fit, load_nuclei
from unet_course.losses import combined_loss

SCORES = {f"{split} {key}": 0.5 for split in ("val", "test", "shifted") for key in ("dice", "f1", "f1_split")}
ROWS = [{"name": name, "seed": seed, "cpu": 30.0 + seed, **SCORES} for name in ("as it is", "900 steps") for seed in (0, 1)]
TIMES = [{"task": task, "width": 8, "network": network, "format": form, "cpu": cpu, "wall": cpu, "samples": [cpu]}
         for task in ("forward", "forward and backward")
         for network, cpu in (("ours", 0.1), ("other", 0.15)) for form in ("default", "channels_last")]
LOOPS = [{"width": 8, "contestant": name, "cpu": cpu, "wall": cpu, "images_per_cpu_second": 8 / cpu, "images_per_second": 8 / cpu}
         for name, cpu in (("ours, fit", 0.1), ("ours, plain loop", 0.2), ("other, plain loop", 0.3))]
RESULTS = {
    "peers": {"networks": {"ours": {"version": "1", "same_widths": True, "differs": "", "parameters": {"8": 10}},
                           "other": {"version": "2", "same_widths": True, "differs": "bias", "parameters": {"8": 11}},
                           "third": {"version": None, "same_widths": True, "differs": "", "reason": "ImportError: no"}},
              "times": TIMES, "loops": LOOPS,
              "memory": [{"width": 8, "contestant": row["contestant"], "mib": 100.0} for row in LOOPS],
              "quality": [{"contestant": row["contestant"], "width": 8, "budget": 60, "seed": seed, "steps": 500, "cpu": 60.0,
                           **SCORES} for row in LOOPS for seed in (0, 1)]},
    "recipe": {"rows": ROWS, "all_cores": {"cpu": 70.0, "wall": 40.0, "threads": 2},
               "cell_walls": [{"seed": 0, "dice of walls": 0.9, "rand f": 0.9, "rand f of a threshold": 0.4}]},
    "scaling": {"image": [{"width": 8, "side": s, "pixels": s * s, "cpu": s * s / 1e6, "wall": 1.0, "mib": s} for s in (64, 128)]
                + [{"width": 8, "side": 256, "pixels": 65536, "skipped": "would take about 9 GiB"}],
                "width": [{"width": w, "side": 64, "pixels": 4096, "cpu": 0.1, "wall": 0.1, "mib": 5.0} for w in (4, 8)],
                "depth": [{"levels": n, "side": 64, "pixels": 4096, "cpu": 0.1, "wall": 0.1, "mib": 5.0} for n in (2, 3)],
                "tiled": [{"width": 4, "side": 64, "pixels": 4096, "cpu": 0.1, "wall": 0.1, "mib": 5.0}],
                "limit_mib": 8192, "exponents": {"whole image": {"time": 1.0, "memory": 0.5}}},
    "large": {"side": 20_000, "tile": 1024, "file_mib": 381.5, "mib": 512.0, "cpu": 90.0, "wall": 50.0, "nuclei": 0.1},
    "floor": {"rows": [{"width": 8, "convolutions": 0.1, "network and loss": 0.12, "fit": 0.15, "plain loop": 0.2}], "load": 1.5},
    "importing": {"torch": 1.0, "unet_course": 1.25},
    "options": {"rows": {"plain": {"wall": 0.3, "cpu": 0.5, "mib": 90.0}, "channels_last": {"wall": 0.2, "cpu": 0.4, "mib": 80.0},
                         "compile": {"wall": 0.1, "cpu": 0.2, "first wall": 40.0, "first cpu": 60.0},
                         "2 processes": {"reason": "no gloo"}}, "channels": [8, 16], "batch": 8, "crop": 128, "steps": 3,
                "turns": 5, "load": 7.5},
}


@pytest.mark.parametrize("module", ["environment", "measuring", "networks", "report"])
def test_examples(module):
    assert doctest.testmod(importlib.import_module(f"benchmarks.{module}")).failed == 0


def test_in_turns_takes_the_median_and_leaves_out_the_first():
    calls = {"a": 0, "b": 0}

    def work(name, seconds):
        calls[name] += 1
        end = time.process_time() + seconds * (5 if calls[name] == 1 else 1)
        while time.process_time() < end:
            pass

    taken = measuring.in_turns({"a": lambda: work("a", 0.02), "b": lambda: work("b", 0.04)}, turns=3)
    assert 0.02 <= taken["a"]["cpu"] < 0.035 < 0.04 <= taken["b"]["cpu"] < 0.07
    assert calls["a"] == calls["b"] == 5 and len(taken["a"]["samples"]) == 3


def test_memory_rise_sees_what_was_given_back():
    mib = measuring.in_process("measuring:high_water") / measuring.MIB
    assert 5 < mib < 1000
    # In a process of its own: after other tests the allocator may have 100 MiB at hand, and nothing rises.
    code = ("import numpy as np; from benchmarks.measuring import MIB, memory_rise; "
            "print(memory_rise(lambda: np.ones(100 * MIB, dtype=np.uint8).sum()) / MIB)")
    done = subprocess.run([sys.executable, "-c", code], cwd=measuring.ROOT, capture_output=True, text=True, check=True)
    assert 90 < float(done.stdout) < 200 or not storing.Path("/proc/self/clear_refs").exists()


def test_in_process_says_what_went_wrong():
    with pytest.raises(RuntimeError, match="storing:cpu_name: TypeError"):
        measuring.in_process("storing:cpu_name", wrong=1)


@pytest.mark.parametrize("steps", [3])
def test_plain_loop_does_what_fit_does(steps):
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(UNet(num_classes=3, channels=(4, 8)))
    data = load_nuclei("val")
    fit(models[0], data, steps=steps, batch_size=loops.BATCH, crop=loops.CROP, augment=Augment(), bf16=False, progress=False,
        loss=combined_loss, lr=3e-3)
    loops.plain_loop(models[1], data, steps=steps, augment=Augment())
    for one, two in zip(models[0].parameters(), models[1].parameters()):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)


def test_moving_average_lags_behind():
    results = []
    for average in (0.0, 0.999):
        torch.manual_seed(0)
        model = UNet(num_classes=3, channels=(4, 8))
        first = model.head.weight.detach().clone()
        model = loops.plain_loop(model, load_nuclei("val"), steps=3, constant=True, average=average)
        results.append((model.head.weight - first).abs().max())
    assert results[1] < results[0]


def test_drawn_walls_are_hard_for_a_threshold_and_the_same_each_time():
    image, cells = recipe.drawn_walls(7, side=96, cells=12)
    again, _ = recipe.drawn_walls(7, side=96, cells=12)
    assert torch.equal(image, again) and image.shape == cells.shape == (96, 96)
    assert 0 <= image.min() and image.max() <= 1 and 0.02 < (cells == 0).float().mean() < 0.4
    assert image[cells == 0].mean() < image[cells > 0].mean() - 0.1
    assert 0.1 < recipe.best_threshold(image, cells) < 0.95


def test_every_row_of_the_recipe_differs_in_what_it_says():
    assert list(recipe.ROWS.values())[0] == {} and all(change for change in list(recipe.ROWS.values())[1:])
    assert recipe.RECIPE in [{**recipe.BASE, **change} for change in recipe.ROWS.values()]


def test_summary_is_mean_least_greatest():
    row = recipe.summary(ROWS)[0]
    assert row["name"] == "as it is" and row["cpu"] == (30.5, 30.0, 31.0)


@pytest.fixture
def folder(tmp_path):
    for part, result in RESULTS.items():
        storing.store(part, result, tmp_path)
    return tmp_path


def test_report_has_every_part(folder):
    text = report.write_report(folder).read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Beside the peers", "## The floor", "## Quality per minute", "## How time and memory grow", "## Options of fit", "## From file to file",
        "## Import"]
    for words in ("150.0 (1.50)", "| 3.00 |", "third  (ImportError: no)", "0.50 GiB", "+0.25 s", "would take about 9 GiB", "0.300 (0.67) | 0.500 (0.80)", "no gloo",
                  "pays after 300 steps"):
        assert words in text, words
    for name in ("peers.png", "recipe.png", "scaling.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG") and f"]({name})" in text
    assert report.write_report(folder).read_text(encoding="utf-8") == text


def test_report_of_one_part_alone(tmp_path):
    storing.store("importing", RESULTS["importing"], tmp_path)
    assert "Beside the peers" not in report.write_report(tmp_path).read_text(encoding="utf-8")


def test_a_ratio_is_between_the_faster_formats():
    times = [{**row, "cpu": row["cpu"] * (0.5 if row["format"] == "channels_last" else 1)} for row in TIMES]
    assert plots.best({"times": times}, "forward", 8, "ours") == 0.05


def test_stored_report_is_that_of_the_stored_results(tmp_path):
    (tmp_path / "results").mkdir()
    for path in (storing.FOLDER / "results").glob("*.json"):
        (tmp_path / "results" / path.name).write_bytes(path.read_bytes())
        assert json.loads(path.read_text(encoding="utf-8"))["quick"] is False
    assert report.write_report(tmp_path).read_text(encoding="utf-8") == (storing.FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.full
def test_quick_run_stores_nothing(capsys):
    before = {path: path.stat().st_mtime_ns for path in storing.FOLDER.rglob("*.json")}
    assert command.main(["importing", "--quick"]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in storing.FOLDER.rglob("*.json")}


def test_unknown_part_is_named(capsys):
    with pytest.raises(SystemExit):
        command.main(["piers"])
    assert "no part piers" in capsys.readouterr().err


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    storing.write_atomically(tmp_path / "a.txt", "old")
    monkeypatch.setattr("unet_course.data.files.saving.os.replace",
                        lambda *a: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        storing.write_atomically(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_peers_are_pinned():
    lines = environment.requirements(environment.WANTED.read_text(encoding="utf-8"))
    assert lines and all("==" in line for line in lines)
