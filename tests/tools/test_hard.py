"""Ten thousand hard cases; that their judge notices what it is there for; and each fault that they found once."""

import json
import sys

import numpy as np
import pytest
import tifffile
import torch

from tools.hard import cases
from tools.hard.cases import TABLE, Judge, fuzz, helps, watched
from unet_course import UNet, fit, load_pretrained, normalise, predict, random_crops
from unet_course.augment import warp
from unet_course.data.files.images import write_image
from unet_course.data.folder import read_mask
from unet_course.data.masks import label_nuclei
from unet_course.losses import combined_loss, cross_entropy, dice_loss
from unet_course.metrics.pixels import accuracy, object_f1
from unet_course.own_data.survey import survey
from unet_course.training import checkpoints

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited and measured as Linux does it")


@pytest.mark.full
def test_ten_thousand_hard_cases():
    found = fuzz()
    assert found["wrong"] == []
    assert found["cases"] >= 10_000 and found["grown_mb"] < cases.SWELL
    for name, counts in found["groups"].items():
        assert sum(counts.values()) >= 50, name
        assert counts.get("answered") or name in ("cut short", "lying headers"), name
        assert counts.get("refused") or name == "folders", name


def test_the_stored_result_is_of_all_groups():
    stored = json.loads(TABLE.read_text())["fuzz"]
    assert stored["cases"] >= 10_000 and stored["wrong"] == [] and set(stored["groups"]) == set(cases.groups())


@pytest.mark.parametrize("last, words", [
    ("os.kill(os.getpid(), 11)", "exit code -11"), ("sys.exit(3)", "exit code 3"), ("raise ValueError('said')", "said"),
    ("print('x' * 99); time.sleep(99)", "no new case in 2 s")])
def test_a_process_that_crashes_or_stands_still_is_noticed_with_its_case(monkeypatch, last, words):
    monkeypatch.setattr(cases, "SILENCE", 2)
    code = f"import os, pathlib, sys, time; (pathlib.Path(sys.argv[1]) / 'now').write_text('the last case'); {last}"
    found = watched("-c", code)
    assert found["cases"] == 0 and "the last case" in found["wrong"][0] and words in found["wrong"][0]


@pytest.fixture
def judge(tmp_path):
    judge = Judge(tmp_path)
    judge.group = "here"
    yield judge
    judge.file.close()


def raises(error, cause=None):
    def action():
        raise error from cause
    return action


@pytest.mark.parametrize("action, words", [
    (raises(AssertionError("half a mask")), "half a mask"), (raises(IndexError("out of range")), "IndexError"),
    (raises(ValueError("bad value")), "names none of"), (raises(ValueError("mask is bad")), "no cure"),
    (raises(ValueError("mask is bad; wanted whole numbers"), MemoryError()), "too much memory"),
    (raises(MemoryError()), "MemoryError"), (raises(RuntimeWarning("overflow")), "RuntimeWarning")])
def test_the_judge_notices_a_case_that_goes_wrong(judge, action, words):
    with pytest.raises(AssertionError, match=words):
        judge.case("this one", ["mask"], action)


def test_the_judge_notices_a_case_that_does_not_end(judge, monkeypatch):
    def endless():
        while True:
            abs(0)  # before Python 3.11, a loop that begins with a try looks for no signal
            try:
                pass
            except Exception:  # as a reader that takes every error for a damaged file
                pass
    monkeypatch.setattr(cases, "CPU_SECONDS", 0.5)
    with pytest.raises(AssertionError, match="this one.*Hang"):
        judge.case("this one", ["mask"], endless)


def test_the_judge_counts_answers_and_refusals(judge):
    judge.case(1, ["mask"], lambda: None)
    judge.case(2, ["mask"], raises(TypeError("mask is a list; wanted an array")))
    assert judge.groups == {"here": {"answered": 1, "refused": 1}} and "2" in open(judge.file.name).read()
    assert not helps(ValueError("mask is bad; wanted " + "x" * 1000), ["mask"])


# What was found, and mended.
PICTURE, TARGET = torch.zeros(1, 1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.int64)
CALLS = {
    "image has values from": lambda: normalise(np.array([[1e308, -1e308]])),
    r"image has values from -inf": lambda: normalise(np.array([np.finfo("longdouble").min, 0], dtype="longdouble")),
    "picture 0: image is .0, 3.*at least one pixel": lambda: random_crops([torch.zeros(1, 0, 3)], [torch.zeros(0, 3)], size=2, count=1),
    r"images .* and masks \(2, 2, 2\) do not fit": lambda: warp(PICTURE, torch.zeros(2, 2, 2)),
    "images has dtype torch.uint8": lambda: warp(PICTURE.byte(), TARGET),
    "logits has shape .*at least one pixel": lambda: cross_entropy(torch.zeros(0, 2, 1, 1), torch.zeros(0, 1, 1).long()),
    "logits has 1 class; wanted at least 2": lambda: dice_loss(PICTURE, TARGET),
    "1 class": lambda: combined_loss(PICTURE, TARGET),
    "prediction has dtype object": lambda: object_f1(np.array([[None]]), np.array([[1]])),
    "prediction has fractions": lambda: object_f1(np.array([[np.inf]]), np.array([[1]])),
    "prediction has shape .0,.; wanted at least one": lambda: accuracy([], []),
    "classes has shape .0, 0.; wanted one mask": lambda: label_nuclei(np.zeros((0, 0), int)),
    "image has dtype float128|image has dtype <U1": lambda: predict(UNet(channels=(2,)), np.array([["a"]])),
    "image has 1 channels .*in_channels=3: give it": lambda: predict(UNet(3, channels=(2,)), PICTURE),
    r"in_channels=1: bring the last axis forward": lambda: predict(UNet(1, channels=(2,)), np.zeros((5, 4, 1), np.float32)),
    "image gives NaN or infinite scores": lambda: predict(UNet(channels=(2,)), np.full((4, 4), 3e38, np.float32)),
    "x has 2 channels .*make one with in_channels=2": lambda: UNet(1, channels=(2,))(torch.zeros(1, 2, 4, 4)),
    "picture 0: image is of type ndarray": lambda: fit(UNet(channels=(2,)), [(np.zeros((1, 8, 8)), TARGET[0])], steps=1),
    "picture 0: image has dtype torch.uint16; wanted a floating-point image": lambda: fit(
        UNet(channels=(2,)), [(PICTURE[0].to(torch.uint16), TARGET[0]), (PICTURE[0].bool(), TARGET[0])] * 2, steps=1),
    "picture 1: image has 2 channels, others 1": lambda: fit(UNet(channels=(2,)), [(PICTURE[0], TARGET[0]), (
        torch.zeros(2, 8, 8), TARGET[0])] * 2, steps=1),
}


@pytest.mark.parametrize("words", CALLS)
def test_what_gave_another_error_or_a_silent_one_is_refused_with_its_cure(words):
    with pytest.raises(ValueError, match=words):
        CALLS[words]()


@pytest.mark.parametrize("dtypes", [("float64", "float64"), ("float32", "float64"), ("float16", "float32")])
def test_pictures_of_another_precision_are_trained_on(dtypes):
    pictures = [(PICTURE[0].to(getattr(torch, dtype)), TARGET[0]) for dtype in dtypes] * 2
    assert len(fit(UNet(channels=(2,)), pictures, pictures, steps=2, crop=4, batch_size=4, progress=False).loss) == 2


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:4000] + bytes([b[4000] ^ 1]) + b[4001:], lambda b: b""])
def test_weights_that_were_cut_or_changed_are_refused(tmp_path, monkeypatch, damage):
    (tmp_path / "weights").mkdir()
    for suffix in (".pt", ".json"):
        content = (checkpoints.DATA / "weights" / f"nuclei{suffix}").read_bytes()
        (tmp_path / "weights" / f"nuclei{suffix}").write_bytes(damage(content) if suffix == ".pt" else content)
    monkeypatch.setattr(checkpoints, "DATA", tmp_path)
    with pytest.raises(ValueError, match="nuclei.pt in data/weights cannot be read.*damaged"):
        load_pretrained()


def test_weights_that_are_a_list_are_refused(tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    torch.save([1, 2], tmp_path / "weights" / "nuclei.pt")
    (tmp_path / "weights" / "nuclei.json").write_bytes((checkpoints.DATA / "weights" / "nuclei.json").read_bytes())
    monkeypatch.setattr(checkpoints, "DATA", tmp_path)
    with pytest.raises(ValueError, match="nuclei.pt .*damaged or of another"):
        load_pretrained()


def test_a_mask_of_small_floats_is_read_without_a_warning(tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", np.float16([[0, 1], [2, 1]]), photometric="minisblack")
    assert read_mask(tmp_path / "m.tif").tolist() == [[0, 1], [2, 1]]


def test_an_error_of_a_reader_is_told_by_the_file_whatever_its_kind(tmp_path, monkeypatch):
    write_image(tmp_path / "m.tif", np.zeros((4, 4), np.uint8))
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda self: ()[0])
    monkeypatch.setattr(tifffile.TiffPageSeries, "dataoffset", None)
    with pytest.raises(ValueError, match=r"m.tif cannot be read as an image \(IndexError\)"):
        read_mask(tmp_path / "m.tif")


def test_predict_takes_no_gigabytes_for_a_header_that_lies(tmp_path):
    tifffile.imwrite(tmp_path / "i.tif", np.zeros((8, 8), np.uint8), compression="zlib")
    content = bytearray((tmp_path / "i.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "i.tif") as file:
        tags = file.pages[0].tags
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            content[tags[name].valueoffset : tags[name].valueoffset + 2] = b"\xff\xff"
    (tmp_path / "i.tif").write_bytes(content)
    with pytest.raises(ValueError, match="image i.tif cannot be read .*claims"):
        predict(UNet(channels=(2,)), tmp_path / "i.tif")


def test_masks_in_colour_do_not_pass_a_survey_as_classes(tmp_path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    write_image(tmp_path / "images" / "a.tif", np.arange(16, dtype=np.uint8).reshape(4, 4))
    tifffile.imwrite(tmp_path / "masks" / "a.tif", np.dstack([np.eye(4, dtype=np.uint8)] * 3), photometric="rgb")
    assert any("1 masks are in colour: a.tif" in line
               for line in survey(tmp_path / "images", tmp_path / "masks", progress=False).blocking)
