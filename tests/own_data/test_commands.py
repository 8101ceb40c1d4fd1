"""The command line: examples that can be typed, exit codes, one line for a mistake, and the same functions as in Python."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from tools.hard.kills_project import make_folder
from unet_course import __main__
from unet_course.__main__ import main
from unet_course.data.mask_kinds import KINDS
from unet_course.own_data import commands
from unet_course.own_data.train import load_run, train

SMALL = ["--channels", "2,4", "--crop", "16", "--batch-size", "2", "--no-bf16"]
OWN = ("survey", "train", "predict", "evaluate", "download", "export")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("own") / "data")


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "run"
    return train(folder, place, steps=4, channels=(2, 4), crop=16, batch_size=2, bf16=False, progress=False).path


def call(*arguments):
    return main([str(argument) for argument in arguments])


def parsed(monkeypatch, line):
    """What a command line means, without running it."""
    seen = []
    monkeypatch.setattr("unet_course.__main__.call", lambda chosen: seen.append(chosen) or 0)
    assert main(line.split()) == 0
    return seen[0]


# --- what can be typed ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", OWN)
def test_help_has_examples_that_can_be_typed(name, capsys, monkeypatch):
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    text = capsys.readouterr().out
    examples = re.findall(rf"^  python -m unet_course ({name} .*)$", text.partition("examples:")[2], re.MULTILINE)
    assert caught.value.code == 0 and examples
    for example in examples:
        assert parsed(monkeypatch, example).command == name


def test_each_command_stands_in_the_list(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out
    for name in (*commands.COMMANDS, "doctor", "exercises", "student", "nbgrader", "teacher"):
        assert re.search(rf"^    {name}\b", listed, re.MULTILINE), name


def test_what_train_takes_by_itself_is_what_the_function_takes(monkeypatch):
    import inspect

    chosen = vars(parsed(monkeypatch, "train my_cells --out my_run"))
    for name, parameter in inspect.signature(train).parameters.items():
        if name not in ("folder", "run", "progress"):
            value = tuple(chosen[name]) if name == "channels" else chosen[name]
            assert value == parameter.default, name


@pytest.mark.parametrize("line, words", [
    ("", "required: COMMAND"), ("traim x --out y", "invalid choice: 'traim'"), ("train x", "required: --out"),
    ("train x --out y --steps 0", "'0'; wanted a whole number, at least 1"), ("train x --out y --steps 1.5", "'1.5'; wanted"),
    ("train x --out y --channels 8,,16", "''; wanted a whole number"), ("train x --out y --kind nuclei", "invalid choice"),
    ("train x --out y --lr fast", "invalid float value"), ("predict my_run --out y", "required: IMAGE"),
    ("evaluate my_run", "required: DIR"), ("export my_run", "required: OUT"), ("download --out x", "required: NAME")])
def test_wrong_arguments_end_with_2(line, words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == 2 and words in capsys.readouterr().err


def test_the_old_commands_are_there(capsys, tmp_path):
    assert call("exercises") == 0 and "4.2" in capsys.readouterr().out


def test_help_needs_no_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')")
    done = subprocess.run([sys.executable, "-W", "ignore", "-m", "unet_course", "train", "--help"], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"})
    assert done.returncode == 0 and "examples:" in done.stdout, done.stderr


def test_without_torch_a_command_says_what_is_missing(tmp_path, folder):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')")
    done = subprocess.run([sys.executable, "-W", "ignore", "-m", "unet_course", "train", folder, "--out", tmp_path / "run"],
                          capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"})
    assert done.returncode == 1 and "Traceback" not in done.stderr and "torch" in done.stderr


# --- what they do -----------------------------------------------------------------------------------------------------

def test_train_is_the_function_of_that_name(folder, run, tmp_path, capsys):
    assert call("train", folder, "--out", tmp_path / "run", "--steps", 4, *SMALL) == 0
    one, two = (torch.load(path / "weights.pt", weights_only=True) for path in (run, tmp_path / "run"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    told = capsys.readouterr().out
    assert re.search(r"4 files to train on, 1 to validate on \(\w+\); kind of masks: labels, 3 classes\.", told)
    assert re.search(r"Validation Dice 0\.\d{3} \(mean over classes 1 to 2\); .*MODEL_CARD.md", told)
    assert re.search(r"class 1 \(boundary\) +(0\.\d{3}|not there) +\d+\.\d\d% +\d+\.\d\d%", told)
    assert f"predict {tmp_path / 'run'} IMAGE" in told
    assert call("train", folder, "--out", tmp_path / "run", "--steps", 4, *SMALL) == 0
    assert "run is finished (4 steps); nothing is left to do." in capsys.readouterr().out


def test_remarks_of_the_survey_are_told_before_training(folder, tmp_path, capsys):
    data = shutil.copytree(folder, tmp_path / "data")
    for part in ("images", "masks"):
        shutil.copy(data / part / "cell1.png", data / part / "copy.png")
    assert call("train", data, "--out", tmp_path / "run", "--steps", 1, *SMALL) == 0
    assert "Have a look: copy.png is the same picture as cell1.png" in capsys.readouterr().out


def test_predict_and_evaluate(folder, run, tmp_path, capsys):
    assert call("predict", run, folder / "images" / "cell1.png", folder / "images" / "stack.tif", "--out", tmp_path / "out") == 0
    assert f"2 masks in {tmp_path / 'out'}" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"cell1.png", "stack.tif", "predictions.json"}
    arguments = "--worst", 2, "--json", tmp_path / "scores.json", "--card", tmp_path / "card.md"
    assert call("evaluate", run, folder, *arguments) == 0
    out, err = capsys.readouterr()
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert f"all pictures together      {scores['mean_dice']:.3f}" in out and scores["pictures"][0]["name"] in out
    assert re.search(r"The network was trained on \d of these pictures \(.*\): what it scores there says nothing about others", err)
    assert f"{scores['dice']:.3f}" in (tmp_path / "card.md").read_text(encoding="utf-8")
    assert call("evaluate", run, folder, *arguments) == 1
    assert "card.md is there already" in capsys.readouterr().err


def test_quiet_is_quiet(folder, run, tmp_path, capsys):
    assert call("train", folder, "--out", tmp_path / "run", "--steps", 1, *SMALL, "--quiet") == 0
    assert call("predict", run, folder / "images", "--out", tmp_path / "out", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_survey_says_by_its_exit_code_whether_something_has_to_be_mended(folder, tmp_path, capsys):
    assert call("survey", folder) == 0 and "labels" in capsys.readouterr().out
    data = shutil.copytree(folder, tmp_path / "data")
    (data / "masks" / "cell1.png").unlink()
    assert call("survey", data) == 1 and "cell1.png is an image without a mask" in capsys.readouterr().out


def test_download_asks_first(monkeypatch, tmp_path, capsys):
    seen = []
    monkeypatch.setattr("unet_course.data.downloads.ask", lambda name, accepted: accepted)
    monkeypatch.setattr("unet_course.data.downloads.download", lambda name, out, accept: seen.append((name, out, accept)) or out)
    assert call("download", "bbbc039", "--out", tmp_path) == 1 and not seen
    assert call("download", "bbbc039", "--out", tmp_path, "--accept-terms") == 0 and seen == [("bbbc039", tmp_path, True)]


def test_export_goes_by_the_suffix(run, monkeypatch, tmp_path, capsys):
    seen = []
    for name in ("export_onnx", "export_program"):
        monkeypatch.setattr(f"unet_course.own_data.export.{name}", lambda model, path, name=name: seen.append((name, type(model).__name__)))
    assert call("export", run, tmp_path / "a.onnx") == call("export", run, tmp_path / "a.pt2") == 0
    assert seen == [("export_onnx", "UNet"), ("export_program", "UNet")]
    assert call("export", run, tmp_path / "a.h5") == 1
    assert "wanted a name that ends in .onnx, .pt2, .zip" in capsys.readouterr().err


# --- what goes wrong --------------------------------------------------------------------------------------------------

def wrong(folder, run, place):
    """Mistakes of a learner, and a word of the answer."""
    colour, damaged = place / "colour.png", place / "damaged.tif"
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(colour)
    damaged.write_bytes(b"II*\0\x08")
    (place / "a_file").write_text("")
    return [
        (["train", place / "nothing", "--out", place / "x"], "has no images/ and masks/"),
        (["train", folder / "images", "--out", place / "x"], "has no images/ and masks/"),
        (["train", folder, "--out", run, "--steps", 5, *SMALL], "steps 4 there, 5 here"),
        (["train", folder, "--out", place / "a_file" / "run", "--steps", 1, *SMALL], "a_file"),
        (["train", folder, "--out", place / "x", "--val-share", 1, *SMALL], "val_share is 1.0"),
        (["train", folder, "--out", place / "x", "--lr", "nan", *SMALL], "lr is nan"),
        (["train", folder, "--out", place / "x", "--lr", 30, *SMALL], "lr is 30.0; wanted a number above 0, and at most 1"),
        (["train", folder, "--out", place / "x", "--accumulate", 3, *SMALL], "batch_size is 2; wanted a multiple of 3"),
        (["predict", place, colour, "--out", place / "o"], "has no config.json"),
        (["predict", run, place / "no.png", "--out", place / "o"], "does not exist"),
        (["predict", run, colour, "--out", place / "o"], "colour.png has 3 channels"),
        (["predict", run, damaged, "--out", place / "o"], "damaged.tif cannot be read"),
        (["predict", run, folder / "images", "--out", folder / "images"], "would be replaced by its mask"),
        (["predict", run, folder / "images", "--out", place / "a_file"], "a_file"),
        (["evaluate", run, place], "has no images/ and masks/"),
        (["evaluate", place / "nothing", folder], "is not a folder"),
        (["export", place / "nothing", place / "a.onnx"], "is not a folder"),
        (["survey", place / "nothing"], "has no images/ and masks/"),
        (["download", "mnist", "--out", place / "d", "--accept-terms"], "name is 'mnist'"),
    ]


@pytest.mark.parametrize("number", range(19))
def test_a_mistake_is_one_line_and_1(folder, run, tmp_path, capsys, number):
    arguments, words = wrong(folder, run, tmp_path)[number]
    assert call(*arguments) == 1
    lines = capsys.readouterr().err.replace("\r", "\n").strip().splitlines()
    assert words in lines[-1] and "Traceback" not in "".join(lines)
    assert len([line for line in lines if line.strip() and "%|" not in line]) == 1, lines  # bars aside


def test_all_mistakes_are_tried(folder, run, tmp_path):
    assert len(wrong(folder, run, tmp_path)) == 19


def failing(monkeypatch, error):
    def fail(chosen):
        raise error

    monkeypatch.setitem(commands.COMMANDS, "survey", ("x", [], commands.COMMANDS["survey"][2], fail))


@pytest.mark.parametrize("error, words", [
    (MemoryError(), "smaller --batch-size"), (RuntimeError("CUDA out of memory. Tried to allocate"), "smaller --batch-size"),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "smaller --batch-size"),
    (OSError(28, "No space left on device", "run/weights.pt"), "run/weights.pt: the disk is full"),
    (OSError(28, "No space left on device"), "a file: the disk is full"),
    (PermissionError(13, "Permission denied", "run"), "run: you may not read or write it"),
    (IsADirectoryError(21, "Is a directory", "run"), "run: is a directory"),
    (ImportError("this needs onnx: pip install onnx"), "pip install onnx"), (ValueError("two\nlines"), "two lines")])
def test_what_a_machine_cannot_do_is_one_line_too(monkeypatch, capsys, error, words):
    failing(monkeypatch, error)
    assert call("survey", "x") == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("shapes"), AssertionError()])
def test_a_mistake_of_the_course_is_not_hidden(monkeypatch, error):
    failing(monkeypatch, error)
    with pytest.raises(type(error)):
        call("survey", "x")
    assert commands.explain(error) is None


def test_an_interrupt_is_130_and_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(chosen):
        raise KeyboardInterrupt

    assert __main__.call(argparse.Namespace(command="train", run=interrupted)) == 130
    assert "goes on from what is there" in capsys.readouterr().err
    failing(monkeypatch, KeyboardInterrupt())
    assert call("survey", "x") == 130
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no interrupt to a single process")
def test_a_training_that_somebody_interrupts_goes_on(folder, tmp_path, interruptible):
    command = [sys.executable, "-m", "unet_course", "train", str(folder), "--out", str(tmp_path / "run"), "--steps", "400",
               "--save-every", "1", "--quiet", *SMALL]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run" / "checkpoint.pt").exists() and child.poll() is None:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    told = child.communicate()[1]
    assert child.returncode == 130 and told == "Interrupted. The same command goes on from what is there.\n", told
    before = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"]
    assert 0 < before < 400
    assert call(*command[3:]) == 0
    assert len(load_run(tmp_path / "run").history.loss) == 400


@pytest.mark.skipif(os.name == "nt" or not torch.distributed.is_available(), reason="torchrun is tried on Unix")
def test_two_processes_train_one_network_and_one_of_them_speaks(folder, tmp_path, capfd):
    options = [str(folder), "--steps", "6", *SMALL, "--no-augment"]
    done = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "unet_course",
                           "train", *options, "--out", str(tmp_path / "two")], capture_output=True, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("files to train on") == done.stdout.count("Validation ") == 1
    assert call("train", *options, "--out", tmp_path / "one") == 0
    one, two = (load_run(tmp_path / name) for name in ("one", "two"))
    assert one.config == two.config and np.abs(np.subtract(one.history.loss, two.history.loss)).max() < 1e-3
    pairs = zip(one.model.state_dict().values(), two.model.state_dict().values())
    assert max(float((a.double() - b.double()).abs().max()) for a, b in pairs) < 1e-3
    assert {path.name for path in (tmp_path / "two").iterdir()} == {path.name for path in (tmp_path / "one").iterdir()}


@pytest.mark.parametrize("command, more", [("survey", []), ("train", ["auto"])])
def test_the_commands_know_the_kinds_of_masks(command, more):
    parser = argparse.ArgumentParser()
    commands.COMMANDS[command][2](parser.add_argument)
    (kind,) = (action for action in parser._actions if action.dest == "kind")
    assert list(kind.choices) == more + list(KINDS)
