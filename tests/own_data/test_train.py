"""A network for pictures of one's own: split, resume, masks as they were brought, scores, and a disk that fails."""

import contextlib
import dataclasses
import json
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from tools.hard.kills_project import kill_prediction, kill_training, make_folder
from unet_course import SegmentationFolder
from unet_course.__main__ import main
from unet_course.data.files.images import read_page, read_pages, resolution, write_image
from unet_course.data.files.saving import alone
from unet_course.metrics.objects import object_f1
from unet_course.metrics.pixels import dice_score
from unet_course.own_data import predict
from unet_course.own_data.evaluate import report
from unet_course.own_data.plan import divide
from unet_course.own_data.predict import input_files
from unet_course.own_data.train import evaluate, load_run, model_card, predict_files, train
from unet_course.training import loop

SMALL = dict(channels=(2, 4), crop=16, batch_size=2, bf16=False, progress=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("own") / "data")


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    return train(folder, tmp_path_factory.mktemp("runs") / "run", steps=4, **SMALL)


def weights(run):
    return torch.load(run.path / "weights.pt", weights_only=True)


def same(one, two):
    return all(torch.equal(a, b) for a, b in zip(weights(one).values(), weights(two).values()))


def simple_folder(top, masks, name="cell{}.png", image=None):
    """A folder with a picture for each mask."""
    for part in ("images", "masks"):
        (top / part).mkdir(parents=True, exist_ok=True)
    for index, mask in enumerate(masks):
        rng = np.random.default_rng(index)
        picture = (rng.random(np.shape(mask)) * 40 + 150 * (np.asarray(mask) > 0)).astype(np.uint8) if image is None else image
        Image.fromarray(picture).save(top / "images" / name.format(index))
        write_image(top / "masks" / name.format(index), np.asarray(mask))
    return top


def halves(value=1, side=24, dtype=np.uint8):
    mask = np.zeros((side, side), dtype)
    mask[:, side // 2 :] = value
    return mask


@contextlib.contextmanager
def interrupted(monkeypatch, after):
    """Within it, a training is interrupted after so many steps; those that were taken are counted."""
    taken, step = [], loop.train_step

    def counted(*arguments):
        if len(taken) == after:
            raise KeyboardInterrupt
        taken.append(1)
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", counted)
        yield taken


# --- training ---------------------------------------------------------------------------------------------------------

def test_a_run_holds_all_that_is_needed(run, folder):
    assert {path.name for path in run.path.iterdir()} == {"config.json", "checkpoint.pt", "weights.pt", "history.json",
                                                         "MODEL_CARD.md"}
    config = json.loads((run.path / "config.json").read_text(encoding="utf-8"))
    assert config["network"] == {"in_channels": 1, "num_classes": 3, "channels": [2, 4]} and config["kind"] == "labels"
    assert config["training"]["steps"] == 4 and config["training"]["seed"] == 0
    assert config["versions"]["torch"] == torch.__version__ and config["scaling"]["high"] == 99.8
    read = load_run(run.path)
    assert read.config == run.config and not read.model.training and read.history.loss == run.history.loss and len(run.history.loss) == 4
    assert read.train_names == run.train_names and set(read.train_names + read.val_names) == {
        path.stem for path in (folder / "images").iterdir()}


def test_the_sha256_of_each_file_is_that_of_its_bytes(run, folder):
    import hashlib

    for part in ("train", "val"):
        for name, sums in run.config["data"][part].items():
            for kind in ("image", "mask"):
                [path] = (folder / f"{kind}s").glob(f"{name}.*")
                assert sums[kind] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_again_is_the_same_and_another_seed_is_not(run, folder, tmp_path):
    assert same(run, train(folder, tmp_path / "again", steps=4, **SMALL))
    assert not same(run, train(folder, tmp_path / "other", steps=4, seed=1, **SMALL))


def test_global_random_numbers_are_untouched(folder, tmp_path):
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    train(folder, tmp_path / "run", steps=1, **SMALL)
    assert torch.equal(torch.rand(2), wanted)


@pytest.mark.parametrize("share, n, count", [(0.2, 10, 2), (0.2, 2, 1), (0.2, 1, 0), (0.9, 3, 2), (0, 10, 0), (0.01, 5, 1)])
def test_so_many_files_are_kept_apart(share, n, count):
    digests = {f"file{i}": str(i) for i in range(n)}
    assert len(divide(digests, 0, share)) == count


def test_the_split_follows_from_contents_and_seed_alone():
    digests = {f"file{i}": f"content {i}" for i in range(40)}
    renamed = {f"z{40 - int(name[4:]):02}": value for name, value in digests.items()}
    chosen = divide(digests, 0, 0.3)
    assert chosen == divide(dict(reversed(digests.items())), 0, 0.3)
    assert {digests[name] for name in chosen} == {renamed[name] for name in divide(renamed, 0, 0.3)}
    assert len({tuple(sorted(divide(digests, seed, 0.3))) for seed in range(5)}) == 5


@pytest.mark.parametrize("seed", range(8))
def test_copies_are_never_on_both_sides(seed):
    digests = {f"file{i}": f"content {i // 2}" for i in range(12)}
    chosen = divide(digests, seed, 0.3)
    assert divide({"one": "content", "copy": "content"}, seed, 0.2) == set()  # then nothing is left to train on
    assert chosen and all((f"file{2 * i}" in chosen) == (f"file{2 * i + 1}" in chosen) for i in range(6))


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_a_share_that_cannot_be_is_refused(folder, tmp_path, share):
    with pytest.raises(ValueError, match="val_share is .*from 0 up to below 1"):
        train(folder, tmp_path / "run", val_share=share, **SMALL)


def test_the_pages_of_a_stack_stay_together(folder, tmp_path):
    for seed in range(6):
        run = train(folder, tmp_path / str(seed), steps=1, seed=seed, val_share=0.4, **SMALL)
        assert not set(run.train_names) & set(run.val_names) and len(run.val_names) == 2
        shown = evaluate(run, folder, progress=False)
        of_stack = {row["trained_on"] for row in shown["pictures"] if row["name"].startswith("stack[")}
        assert of_stack == {"stack" in run.train_names}


def test_a_single_picture_is_trained_on_and_no_score_is_invented(tmp_path, capsys):
    data = simple_folder(tmp_path / "data", [halves()])
    run = train(data, tmp_path / "run", steps=2, **{**SMALL, "progress": True})
    assert run.val_names == [] and run.history.val_dice == []
    assert "not to be believed" in capsys.readouterr().out
    card = (run.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "None: nothing was kept apart" in card and "Dice" not in card


def test_one_that_has_ended_is_left_alone_and_says_so(run, folder, capsys):
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in run.path.iterdir()}
    again = train(folder, run.path, steps=4, **{**SMALL, "progress": True})
    assert capsys.readouterr().out.strip() == "run is finished (4 steps); nothing is left to do."
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in run.path.iterdir()} == before
    assert again.history.loss == run.history.loss


@pytest.mark.parametrize("other, words", [
    (dict(steps=8), r"steps 4 there, 8 here \(the learning rate.*begins anew\)\. Use the same, or another folder"),
    (dict(lr=1e-3, crop=24), "crop 16 there, 24 here; lr 0.01 there, 0.001 here"),
    (dict(kind="binary"), "num_classes 3 there, 2 here; kind 'labels' there, 'binary' here"),
    (dict(channels=(4, 8)), r"channels \[2, 4\] there, \[4, 8\] here"),
    (dict(seed=2), "seed 0 there, 2 here"),
])
def test_other_settings_are_named_and_refused(run, folder, other, words):
    before = (run.path / "weights.pt").read_bytes()
    with pytest.raises(ValueError, match=f"run holds a training of other settings: {words}"):
        train(folder, run.path, **{"steps": 4, **SMALL, **other})
    assert (run.path / "weights.pt").read_bytes() == before


def test_other_pictures_are_named_and_refused(run, folder, tmp_path):
    data = shutil.copytree(folder, tmp_path / "data")
    for part in ("images", "masks"):
        (data / part / "cell1.png").rename(data / part / "cellA.png")
    write_image(data / "masks" / "cell2.png", np.zeros((48, 48), np.uint16))
    with pytest.raises(ValueError, match="other pictures: new: cellA; gone: cell1; changed: cell2"):
        train(data, run.path, steps=4, **SMALL)


def test_settings_of_a_training_that_never_began_bind_nobody(folder, tmp_path):
    with pytest.raises(ValueError, match="batch_size is 2; wanted a multiple of 3"):
        train(folder, tmp_path / "run", steps=1, accumulate=3, **SMALL)
    assert train(folder, tmp_path / "run", steps=1, **SMALL).config["training"]["accumulate"] == 1


def test_beginning_anew_replaces_what_is_there(folder, tmp_path):
    first = train(folder, tmp_path / "run", steps=2, **SMALL)
    old = weights(first)
    second = train(folder, tmp_path / "run", steps=2, seed=1, resume=False, **SMALL)
    assert second.config["training"]["seed"] == 1 == load_run(tmp_path / "run").config["training"]["seed"]
    assert not all(torch.equal(a, b) for a, b in zip(old.values(), weights(second).values()))


def test_a_stopped_training_goes_on_to_the_same_end(folder, tmp_path, monkeypatch):
    options = dict(steps=6, save_every=2, **SMALL)
    whole = train(folder, tmp_path / "whole", **options)
    with interrupted(monkeypatch, after=5), pytest.raises(KeyboardInterrupt):
        train(folder, tmp_path / "stopped", **options)
    with pytest.raises(FileNotFoundError, match="stopped has no weights.pt: its training has not ended"):
        load_run(tmp_path / "stopped")
    with interrupted(monkeypatch, after=100) as taken:
        stopped = train(folder, tmp_path / "stopped", **options)
    assert same(whole, stopped) and whole.history.loss == stopped.history.loss and len(taken) == 2  # after step 4
    assert json.loads((whole.path / "config.json").read_text()) == json.loads((stopped.path / "config.json").read_text())


def test_what_has_to_be_mended_is_named_before_anything_is_written(tmp_path):
    data = simple_folder(tmp_path / "data", [halves(), halves()])
    (data / "images" / "cell1.png").write_bytes((data / "images" / "cell1.png").read_bytes()[:60])
    with pytest.raises(ValueError, match="cell1.png"):
        train(data, tmp_path / "run", **SMALL)
    assert not (tmp_path / "run").exists()


def test_grey_and_colour_do_not_mix(tmp_path):
    data = simple_folder(tmp_path / "data", [halves(), halves()])
    Image.fromarray(np.zeros((24, 24, 3), np.uint8)).save(data / "images" / "cell1.png")
    with pytest.raises(ValueError, match="numbers of channels.*cell0.png.*cell1.png"):
        train(data, tmp_path / "run", **SMALL)


@pytest.mark.parametrize("missing", ["images", "masks"])
def test_a_folder_without_its_two_parts_is_refused(tmp_path, missing):
    data = simple_folder(tmp_path / "data", [halves()])
    shutil.rmtree(data / missing)
    with pytest.raises(FileNotFoundError, match=f"which has no {missing}/; wanted images/ and masks/"):
        train(data, tmp_path / "run", **SMALL)


@pytest.mark.skipif(os.name == "nt", reason="the other process would have to be another one")
def test_two_trainings_in_one_folder_are_refused(folder, tmp_path):
    (tmp_path / "run").mkdir()
    with alone(tmp_path / "run" / ".lock", ""), pytest.raises(FileExistsError, match="another process is training in run; wait"):
        train(folder, tmp_path / "run", steps=1, **SMALL)
    (tmp_path / "run" / ".lock").write_text("")  # as a killed one leaves it
    assert len(train(folder, tmp_path / "run", steps=1, **SMALL).history.loss) == 1
    assert not (tmp_path / "run" / ".lock").exists()


def test_a_run_in_the_present_folder_has_its_name(run, folder, monkeypatch):
    monkeypatch.chdir(run.path)
    assert load_run(".").name == "run" and model_card(load_run(".")).startswith("# run\n")
    with pytest.raises(ValueError, match="^run holds a training of other settings"):
        train(folder, ".", steps=5, **SMALL)


def test_a_network_that_cannot_be_is_refused_before_anything_is_written(folder, tmp_path):
    with pytest.raises(ValueError, match="channels"):
        train(folder, tmp_path / "run", **{**SMALL, "channels": ()})
    assert not (tmp_path / "run").exists()


def test_more_classes_than_a_mask_of_8_bits_holds_are_refused(tmp_path):
    data = simple_folder(tmp_path / "data", [np.arange(300, dtype=np.uint16).reshape(15, 20)])
    with pytest.raises(ValueError, match="masks give 300 classes; wanted at most 256.*labels"):
        train(data, tmp_path / "run", kind="classes", **SMALL)


def test_what_a_killed_program_left_is_swept_away(folder, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name in ("checkpoint.pt.77.part", "weights.pt.77.part", "mine.part"):
        (run / name).write_text("half")
        os.utime(run / name, (0, 0))
    (run / "checkpoint.pt.78.part").write_text("somebody is writing this now")
    train(folder, run, steps=1, **SMALL)
    assert {path.name for path in run.glob("*.part")} == {"mine.part", "checkpoint.pt.78.part"}


# --- reading a run back -----------------------------------------------------------------------------------------------

def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="run is .*which is not a folder; wanted the folder that a training wrote"):
        load_run(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="has no config.json in it"):
        load_run(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 99, "network": {}}', "\0\0"])
def test_a_damaged_config_is_named(run, tmp_path, text):
    copy = shutil.copytree(run.path, tmp_path / "copy")
    (copy / "config.json").write_text(text)
    with pytest.raises(ValueError, match="config.json in copy"):
        load_run(copy)


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_damaged_weights_are_named(run, tmp_path, share):
    copy = shutil.copytree(run.path, tmp_path / "copy")
    content = (copy / "weights.pt").read_bytes()
    (copy / "weights.pt").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="weights.pt in copy cannot be read .*delete it and give the same train command again"):
        load_run(copy)


def test_weights_that_were_deleted_are_made_again_from_the_checkpoint(run, folder, tmp_path):
    copy = shutil.copytree(run.path, tmp_path / "run")
    (copy / "weights.pt").unlink()
    assert same(run, train(folder, copy, steps=4, **SMALL))


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("it-ran",)


def test_weights_that_hold_a_program_do_not_run_it(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy = shutil.copytree(run.path, tmp_path / "copy")
    for write in (lambda file: pickle.dump(Malicious(), file), lambda file: torch.save({"a": Malicious()}, file)):
        with open(copy / "weights.pt", "wb") as file:
            write(file)
        with pytest.raises(ValueError, match="weights.pt in copy cannot be read"):
            load_run(copy)
    assert not (tmp_path / "it-ran").exists()


# --- masks ------------------------------------------------------------------------------------------------------------

def test_masks_have_name_size_pages_and_kind_of_what_was_brought(run, folder, tmp_path):
    masks = predict_files(run, folder / "images", tmp_path / "out", progress=False)
    assert [path.name for path in masks] == sorted(path.name for path in (folder / "images").iterdir())
    for mask in masks:
        pages = list(read_pages(mask)), list(read_pages(folder / "images" / mask.name))
        assert [page.shape for page in pages[0]] == [page.shape for page in pages[1]]
        assert all(page.dtype == np.uint16 for page in pages[0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (37, 50), (64, 3)])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".jpg", ".bmp"])
def test_any_size_and_suffix(run, tmp_path, shape, suffix):
    picture = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / f"a{suffix}")
    [mask] = predict_files(run, [tmp_path / f"a{suffix}"], tmp_path / "out", progress=False)
    assert mask.name == f"a{suffix if suffix.lower() in ('.png', '.tif', '.tiff') else '.png'}"
    assert read_page(mask).shape == shape


@pytest.mark.parametrize("dtype, top", [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0)])
def test_the_depth_of_an_image_does_not_matter(run, tmp_path, dtype, top):
    picture = np.random.default_rng(1).integers(0, 256, (40, 40))
    tifffile.imwrite(tmp_path / "a.tif", (picture * (top / 255)).astype(dtype), photometric="minisblack")
    tifffile.imwrite(tmp_path / "b.tif", picture.astype(np.uint8), photometric="minisblack")
    one, two = predict_files(run, [tmp_path / "a.tif", tmp_path / "b.tif"], tmp_path / "out", progress=False)
    assert (read_page(one) == read_page(two)).mean() > 0.99


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("stated", [(300.0, 300.0, "INCH"), (15500.0, 7750.0, "CENTIMETER"), None])
def test_the_resolution_is_kept(run, tmp_path, name, stated):
    write_image(tmp_path / name, np.zeros((20, 30), np.uint8), resolution=stated)
    [mask] = predict_files(run, tmp_path / name, tmp_path / "out", progress=False)
    assert resolution(mask) == resolution(tmp_path / name) and (resolution(mask) is None) == (stated is None)


def test_what_imagej_states_in_microns_is_kept(run, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 30), np.uint8), imagej=True, resolution=(4.0, 4.0), metadata={"unit": "um"})
    [mask] = predict_files(run, tmp_path / "a.tif", tmp_path / "out", progress=False)
    x, y, unit = resolution(mask)
    assert (round(x), round(y), unit) == (40000, 40000, "CENTIMETER")


@pytest.mark.parametrize("value, kind, written", [(255, "binary", 255), (1, "classes", 1), (7, "binary", 7), (65535, "binary", 255)])
def test_masks_come_back_in_the_numbers_that_were_brought(tmp_path, value, kind, written):
    dtype = np.uint16 if value > 255 else np.uint8
    data = simple_folder(tmp_path / "data", [halves(value, dtype=dtype)] * 2)
    run = train(data, tmp_path / "run", steps=40, lr=2e-2, augment=False, **SMALL)
    assert run.config["kind"] == kind
    masks = predict_files(run, data / "images", tmp_path / "out", progress=False)
    assert set(np.unique(read_page(masks[0])).tolist()) == {0, written} and read_page(masks[0]).dtype == np.uint8
    SegmentationFolder(data / "images", tmp_path / "out", kind=kind)[0]  # can be read as masks again


def test_small_objects_are_not_dropped_as_specks(tmp_path):
    mask = np.zeros((48, 48), np.uint16)
    for number in range(36):
        y, x = divmod(number, 6)
        mask[4 + 7 * y : 8 + 7 * y, 4 + 7 * x : 8 + 7 * x] = number + 1
    data = simple_folder(tmp_path / "data", [mask])
    run = train(data, tmp_path / "run", steps=1, **SMALL)
    from unet_course.data.mask_kinds import numbered_objects

    _, classes = SegmentationFolder(data / "images", data / "masks", kind="labels")[0]
    assert run.config["kind"] == "labels"
    assert numbered_objects(classes.numpy(), "labels", run.config["masks"]).max() == 36


def test_tiles_give_what_the_whole_gives(run, tmp_path):
    picture = np.random.default_rng(2).integers(0, 255, (70, 90), dtype=np.uint8)
    write_image(tmp_path / "a.png", picture)
    whole = predict_files(run, tmp_path / "a.png", tmp_path / "whole", progress=False)
    tiled = predict_files(run, tmp_path / "a.png", tmp_path / "tiled", tile=32, progress=False)
    assert (read_page(whole[0]) == read_page(tiled[0])).mean() > 0.999


def test_bfloat16_is_asked_for_and_makes_masks_anew(run, tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", np.random.default_rng(2).integers(0, 255, (70, 90), dtype=np.uint8))
    asked = []
    computed = predict.predict
    monkeypatch.setattr(predict, "predict", lambda *a, **k: asked.append(k["bf16"]) or computed(*a, **k))
    for flags in ([], ["--bf16"], ["--bf16"]):
        assert main(["predict", str(run.path), str(tmp_path / "a.png"), "--out", str(tmp_path / "out"), "--quiet", *flags]) == 0
    assert asked == [False, "auto"]  # the third time the mask is there


def test_two_images_that_would_have_one_mask_are_refused_before_anything(run, tmp_path):
    for name in ("one/Cell.png", "two/cell.tif", "two/other.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_image(tmp_path / name, np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="whose masks would have one name"):
        predict_files(run, [tmp_path / "two" / "other.png", tmp_path / "one", tmp_path / "two" / "cell.tif"], tmp_path / "out",
                      progress=False)
    assert not (tmp_path / "out").exists()


def test_nothing_that_predict_did_not_make_is_replaced(run, folder, tmp_path):
    data = shutil.copytree(folder, tmp_path / "data")
    before = {path: path.read_bytes() for path in data.rglob("*.*")}
    with pytest.raises(ValueError, match="would be replaced by its mask; wanted another folder"):
        predict_files(run, data / "images", data / "images", progress=False)
    with pytest.raises(ValueError, match="out has cell1.png, .*already, not made by predict; wanted another folder"):
        predict_files(run, data / "images", data / "masks", progress=False)
    assert {path: path.read_bytes() for path in data.rglob("*.*")} == before


def test_an_image_that_does_not_fit_is_named_and_the_others_are_done(run, tmp_path):
    write_image(tmp_path / "a.png", np.zeros((8, 8), np.uint8))
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes()[:50])
    tifffile.imwrite(tmp_path / "d.tif", np.full((8, 8), np.nan, np.float32))
    write_image(tmp_path / "e.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="3 of 5 images .*the others are in out: b.png has 3 channels, but the network was trained "
                                         "on images of 1: convert it to grey first; c.png .*; d.tif.*NaN"):
        predict_files(run, tmp_path, tmp_path / "out", progress=False)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["a.png", "e.png"]


def test_only_what_is_not_there_is_computed(run, folder, tmp_path):
    out, images = tmp_path / "out", folder / "images"
    masks = predict_files(run, images, out, progress=False)
    wanted = {path: path.read_bytes() for path in masks}
    times = {path: path.stat().st_mtime_ns for path in masks}
    masks[0].unlink()
    write_image(masks[1], np.ones((48, 48), np.uint8))  # somebody has painted in it: the run's own mask comes back
    predict_files(run, images, out, progress=False)
    assert {path: path.read_bytes() for path in masks} == wanted
    assert [path for path in masks if path.stat().st_mtime_ns != times[path]] == masks[:2]


def test_what_is_going_to_be_made_is_written_down_before(run, folder, tmp_path, monkeypatch):
    out, write = tmp_path / "out", predict.write_image

    def watched(target, *arguments, **options):  # a kill between this and the next line must leave a file that is known
        assert target.name in json.loads((out / "predictions.json").read_text(encoding="utf-8"))["masks"]
        return write(target, *arguments, **options)

    monkeypatch.setattr(predict, "write_image", watched)
    assert len(predict_files(run, folder / "images", out, progress=False)) == 5


def test_masks_of_other_weights_are_replaced(run, folder, tmp_path):
    other = train(folder, tmp_path / "other", steps=4, seed=5, **SMALL)
    out = tmp_path / "out"
    predict_files(run, folder / "images", out, progress=False)
    predict_files(other, folder / "images", out, progress=False)
    predict_files(other, folder / "images", tmp_path / "fresh", progress=False)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "fresh").iterdir()}


def test_inputs_may_be_files_folders_and_patterns(folder, tmp_path):
    images = folder / "images"
    assert input_files(images) == input_files([str(images / "*.*")]) == sorted(images.iterdir())
    assert input_files([images, images / "cell1.png", images / "cell1.png"]) == sorted(images.iterdir())
    for wrong, words in ((tmp_path / "no.png", "does not exist"), (tmp_path, "has no image in it")):
        with pytest.raises(FileNotFoundError, match=words):
            input_files([images, wrong])


# --- scores -----------------------------------------------------------------------------------------------------------

def test_scores_are_those_of_the_masks_that_predict_writes(run, folder, tmp_path):
    masks = predict_files(run, folder / "images", tmp_path / "out", progress=False)
    scores = evaluate(run, folder, progress=False)
    rows = {row["name"]: row for row in scores["pictures"]}
    assert scores["n"] == len(rows) == 6
    for mask in masks:
        truths = list(read_pages(folder / "masks" / mask.name))
        for page, (found, truth) in enumerate(zip(read_pages(mask), truths)):
            row = rows[mask.stem if len(truths) == 1 else f"{mask.stem}[{page}]"]
            assert row["f1"] == pytest.approx(object_f1(found, truth)) and row["objects"] == len(np.unique(truth)) - 1
    assert scores["objects"] == sum(row["objects"] for row in rows.values())
    dice = [row["dice"] for row in scores["pictures"]]
    assert dice == sorted(dice) and dice[0] <= scores["dice"] <= dice[-1]


def test_dice_is_counted_over_all_pixels_together(tmp_path):
    data = simple_folder(tmp_path / "data", [halves(), halves(side=40), halves().T])
    run = train(data, tmp_path / "run", steps=3, kind="classes", **SMALL)
    masks = predict_files(run, data / "images", tmp_path / "out", progress=False)
    found, truth = (np.concatenate([read_page(path).ravel() for path in paths])
                    for paths in (masks, sorted((data / "masks").iterdir())))
    scores = evaluate(run, data, progress=False)
    assert scores["dice"] == pytest.approx(dice_score(found, truth)) == scores["dice_per_class"][1]
    assert scores["dice_per_class"][0] == pytest.approx(dice_score(found == 0, truth == 0))


def test_a_perfect_network_scores_one():
    from unet_course.own_data.evaluate import counts, matches, scores

    mask = np.array([[0, 1, 2, 2], [0, 0, 0, 1]])
    assert scores(counts(mask, mask, 3), matches(mask, mask)) == {
        "dice": 1.0, "mean_dice": 1.0, "dice_per_class": [1.0] * 3, "said": [0.5, 0.25, 0.25],
        "true": [0.5, 0.25, 0.25], "f1": 1.0, "objects": 2}
    empty = np.zeros_like(mask)
    assert scores(counts(empty, empty, 3), matches(empty, empty))["dice"] == 1.0
    assert scores(counts(empty, mask, 3), matches(empty, mask))["dice"] == 0.0


def test_pictures_that_were_trained_on_are_told(run, folder, tmp_path):
    scores = evaluate(run, folder, progress=False)
    assert {name.partition("[")[0] for name in scores["trained_on"]} == set(run.train_names)
    data = shutil.copytree(folder, tmp_path / "data")  # under another name they are the same pictures
    for part in ("images", "masks"):
        for path in (data / part).iterdir():
            path.rename(path.with_name("new_" + path.name))
    assert len(evaluate(run, data, progress=False)["trained_on"]) == len(scores["trained_on"])
    fresh = make_folder(tmp_path / "fresh", seed=9)
    assert evaluate(run, fresh, progress=False)["trained_on"] == []


def test_a_report_names_the_worst_first(run, folder):
    lines = report(evaluate(run, folder, progress=False), worst=2).splitlines()
    assert lines[0].split()[1:3] == ["mean", "Dice"] and lines[3] == "… and 4 better ones"
    assert lines[4].startswith("all pictures together") and "n = 6" in lines[5]
    scores = evaluate(run, folder, progress=False)
    by_name = report(scores, kind="labels").partition("\n\n")[2].splitlines()
    assert [line.split("  ")[0] for line in by_name[1:4]] == ["class 0 (background)", "class 1 (boundary)", "class 2 (interior)"]
    *_, last = report({**scores, "said": [0.9, 0.001, 0.099], "true": [0.88, 0.02, 0.1]}, kind="labels").splitlines()
    assert last == "class 1 (boundary) is 2.00% of the pixels and is said on 0.10%: train longer, or with --class-weights"


def test_a_class_that_does_not_occur_has_no_score_and_does_not_lift_the_mean():
    from unet_course.own_data.evaluate import counts, matches, scores

    truth, found = np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 1]])
    got = scores(counts(found, truth, 4), matches(found, truth))
    assert got["dice_per_class"][2:] == [None, None] and got["mean_dice"] == pytest.approx(0.8)
    assert got["said"] == [0.25, 0.75, 0, 0] and got["true"] == [0.5, 0.5, 0, 0]


def test_an_interval_is_of_the_pictures():
    from unet_course.own_data.evaluate import intervals

    pixels = np.array([[[8, 10, 10]] * 3, [[2, 10, 10]] * 3, [[9, 10, 10]] * 3])
    low, high = intervals(pixels, pixels[:, 0])["dice"]
    assert 0.2 <= low < 0.5 < 0.85 < high <= 0.9 and intervals(pixels[:1], pixels[:1, 0]) == {}


def test_masks_with_more_classes_than_the_network_knows_are_named(tmp_path):
    run = train(simple_folder(tmp_path / "two", [halves()]), tmp_path / "run", steps=1, **SMALL)
    data = simple_folder(tmp_path / "three", [halves(2)])
    with pytest.raises(ValueError, match="mask cell0.png has values 0 to 2; wanted class indices 0 to 1"):
        evaluate(run, data, progress=False)


def test_every_number_of_a_card_is_known(run, folder):
    scores = evaluate(run, folder, progress=False)
    card = model_card(run, scores)
    for value in (scores["dice"], scores["mean_dice"], scores["f1"], *scores["dice_per_class"]):
        assert f"| {value:.3f} |" in card
    for share in (*scores["said"], *scores["true"]):
        assert f"| {share:.2%} |" in card
    assert "Over 6 pictures together (" in card and f"{scores['objects']} objects" in card
    assert f"{len(scores['trained_on'])} of these pictures were trained on" in card
    assert "Kept apart to validate on: 1 file" in card and "4 of 4" in card and f"torch {torch.__version__}" in card
    assert "Licence of the images" in card and f"python -m unet_course predict {run.path.name}" in card
    assert f"together ({min(row['name'] for row in scores['pictures'])}, " in card
    assert "--split" not in card and "split=True" not in card and "chosen by chance" in card
    plain = model_card(run)
    assert f"after step 4: {run.history.headline()}" in plain and "object F1" not in plain


def test_a_card_is_used_as_it_was_scored(run, folder):
    card = model_card(run, evaluate(run, folder, split=True, progress=False))
    assert "IMAGE.tif --out masks --split" in card and '"masks", split=True)' in card
    assert "cut apart (split)" in card


def test_a_card_says_that_groups_were_kept_together(run):
    settings = {**run.config["training"], "groups": "cell[0-9]"}
    grouped = dataclasses.replace(run, config={**run.config, "training": settings})
    assert "whole groups" in model_card(grouped) and "chosen by chance" not in model_card(grouped)


# --- what can happen to a machine -------------------------------------------------------------------------------------

unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="copies of a process can be made on Unix only")


@pytest.mark.full
@unix
@pytest.mark.parametrize("kill", [kill_training, kill_prediction])
def test_ten_kills_change_nothing(kill):
    counts = kill(10, seed=1)
    assert counts["kills"] == 10, counts
    assert counts["half_files"] == counts["other_results"] == counts["left_behind"] == 0, counts


@contextlib.contextmanager
def small_disk(place, kilobytes):
    """A disk of so many kilobytes; skips the test where none can be had."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small disk can be made here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # what a failed test holds open does not matter


def command(*arguments):
    run = subprocess.run([sys.executable, "-m", "unet_course", *map(str, arguments)], capture_output=True, text=True)
    assert "Traceback" not in run.stderr
    return run.returncode, run.stderr.strip().splitlines()


def test_a_full_disk_stops_a_training_and_loses_nothing(folder, tmp_path, monkeypatch):
    options = dict(steps=6, save_every=2, **SMALL)
    whole = train(folder, tmp_path / "whole", **options)
    with small_disk(tmp_path / "disk", 400) as disk:
        with interrupted(monkeypatch, after=5), pytest.raises(KeyboardInterrupt):
            train(folder, disk / "run", **options)
        before = (disk / "run" / "checkpoint.pt").read_bytes()
        fill(disk, but=8192)
        with pytest.raises(OSError) as caught:
            train(folder, disk / "run", **options)
        assert caught.value.errno == 28 and caught.value.filename == str(disk / "run" / "checkpoint.pt")
        assert (disk / "run" / "checkpoint.pt").read_bytes() == before and not list((disk / "run").glob("*.part"))
        (disk / "filler").unlink()
        assert same(whole, train(folder, disk / "run", **options))
        (disk / "run" / "weights.pt").unlink()
        fill(disk, but=0)
        with pytest.raises(OSError) as caught:  # at the very end, where only small files are written
            train(folder, disk / "run", **options)
        assert caught.value.errno == 28 and not (disk / "run" / "weights.pt").exists()
        (disk / "filler").unlink()
        assert same(whole, train(folder, disk / "run", **options))


def fill(disk, but):
    status = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(status.f_bavail * status.f_frsize - but))


def test_a_full_disk_during_a_prediction_is_said_in_one_line(run, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for index in range(40):
        picture = np.random.default_rng(index).integers(0, 255, (40, 40), dtype=np.uint8)
        tifffile.imwrite(images / f"{index:02}.tif", picture, photometric="minisblack")
    predict_files(run, images, tmp_path / "whole", progress=False)
    with small_disk(tmp_path / "disk", 64) as disk:
        code, lines = command("predict", run.path, images, "--out", disk / "out", "--quiet")
        assert code == 1 and len(lines) == 1 and "the disk is full: make room on it" in lines[0]
        done = [path for path in (disk / "out").glob("*.tif") if path.read_bytes()]
        assert 0 < len(done) < 40
        assert all(path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes() for path in done)
        subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
        assert command("predict", run.path, images, "--out", disk / "out", "--quiet") == (0, [])
        assert {path.name: path.read_bytes() for path in (disk / "out").iterdir()} == {
            path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}


def test_a_disk_that_can_only_be_read_is_said_in_one_line(run, folder, tmp_path):
    with small_disk(tmp_path / "disk", 400) as disk:
        shutil.copytree(run.path, disk / "run")
        (disk / "run" / "weights.pt").unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        small = ["--steps", 4, "--channels", "2,4", "--crop", 16, "--batch-size", 2, "--no-bf16", "--quiet"]
        for arguments in (["train", folder, "--out", disk / "new", *small], ["train", folder, "--out", disk / "run", *small],
                          ["predict", run.path, folder / "images", "--out", disk / "out"]):
            code, lines = command(*arguments)
            assert code == 1 and len(lines) == 1 and "this disk can only be read: choose a folder on another one" in lines[0]
            assert str(disk) in lines[0]
