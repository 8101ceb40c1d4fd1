"""Folders as people really have them: read rightly, or refused with the cause and a cure, or asked about."""

import json
import unicodedata

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.own_data.test_train import interrupted, same
from unet_course import SegmentationFolder, UNet, predict
from unet_course.__main__ import main
from unet_course.data import read_page
from unet_course.data.folder import read_image, read_mask
from unet_course.data.mask_kinds import (
    Numbers,
    background_first,
    classes_to_mask,
    settings_of,
)
from unet_course.data.pairing import pair
from unet_course.data.scaling import missing_value
from unet_course.own_data import bioimage
from unet_course.own_data.evaluate import evaluate
from unet_course.own_data.plan import divide, group_of, three_parts
from unet_course.own_data.run import load_run
from unet_course.own_data.survey import survey
from unet_course.own_data.train import train

RNG = np.random.default_rng(0)
QUICK = dict(steps=1, crop=32, batch_size=2, channels=(2, 4), progress=False)


def disc(size=64, at=(20, 24), radius=9):
    y, x = np.mgrid[:size, :size]
    return (y - at[0]) ** 2 + (x - at[1]) ** 2 < radius**2


@pytest.fixture
def folder(tmp_path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    return tmp_path


def put(folder, name, mask, image=None, mask_name=None):
    image = np.uint8(40 + 150 * (np.asarray(mask) > np.min(mask)) + RNG.integers(0, 9, np.shape(mask))) if image is None else image
    Image.fromarray(image).save(folder / "images" / f"{name}.png")
    tifffile.imwrite(folder / "masks" / f"{mask_name or name}.tif", np.asarray(mask))


def look(folder, **options):
    return survey(folder / "images", folder / "masks", progress=False, **options)


def discs(count=4):
    return [disc(at=(16 + 4 * i, 40 - 5 * i)) for i in range(count)]


# --- what the numbers mean --------------------------------------------------------------------------------------------

def test_masks_without_a_0_ask_for_the_background_and_take_it(folder, capsys):
    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(1 + inside))
    (problem,) = look(folder).blocking
    assert "no mask has the number 0" in problem and "--background 1" in problem
    found = look(folder, background=1)
    assert not found.blocking and found.values == [0, 1] and found.balance[1] < 0.1
    mask = SegmentationFolder(folder / "images", folder / "masks", background=1)[0][1].numpy()
    assert (mask == discs()[0]).all()
    assert main(["train", str(folder), "--out", str(folder / "run"), "--steps", "1", "--crop", "32", "--batch-size", "2",
                 "--channels", "2,4", "--background", "1", "--quiet"]) == 0
    assert main(["predict", str(folder / "run"), str(folder / "images"), "--out", str(folder / "out"), "--quiet"]) == 0
    assert set(np.unique(read_page(folder / "out" / "a0.png"))) <= {1, 2}  # as they were drawn
    with pytest.raises(ValueError, match="masks have the number 0 as well"):
        background_first(np.array([0, 1]), 1)


@pytest.mark.parametrize("masks, kind", [
    ([[1], [2], [3], [1]], None),  # the number is the class, or only foreground
    ([[1], [1, 2], [1, 2, 3]], None),  # one to three cells, or classes
    ([[1, 2, 3, 4, 5], [1, 3, 4, 5], [1, 2, 3, 4, 5]], None),  # a class is missing here
    ([[1, 2, 3, 4], [1, 2, 3, 4, 5], [1, 2, 3]], "labels"),  # numbers without a gap wander: objects
    ([[1001, 1014, 1027, 1040], [1001, 1014, 1027]], "labels"),  # no class has such a number
    ([[1, 2], [1, 2], [1, 2]], "classes")])
def test_two_readings_are_asked_about(masks, kind):
    numbers = Numbers()
    for i, values in enumerate(masks):
        mask = np.zeros((64, 64), int)
        for k, value in enumerate(values):
            mask[2 + 12 * k : 10 + 12 * k, 3 + 9 * i : 12 + 9 * i] = value
        numbers.add(mask)
    guess, _, problem = numbers.guess()
    if kind is None:
        assert "can be read in two ways" in problem and problem.count("--kind") == 2
    else:
        assert (guess, problem) == (kind, "")


def test_a_class_in_one_place_beside_objects_is_no_object():
    numbers = Numbers()
    for i in range(6):
        mask = np.zeros((64, 64), int)
        mask[20 + 4 * i : 30 + 4 * i, 8:18] = 1
        mask[2:9, 40:60] = 2  # a scale bar
        if i == 3:
            mask[50:60, 50:60] = 3
        numbers.add(mask)
    assert numbers.guess()[::2] == ("classes", "")


def test_pixels_to_ignore_are_asked_for_and_neither_learnt_nor_scored(folder):
    for i, inside in enumerate(discs()):
        mask = np.uint8(inside)
        mask[:3] = 255
        put(folder, f"a{i}", mask)
    (problem,) = look(folder).blocking
    assert "--ignore 255" in problem and "--kind classes" in problem
    found = look(folder, ignore=255)
    assert not found.blocking and found.num_classes == 2 and found.ignored == pytest.approx(3 / 64)
    _, mask, weights = SegmentationFolder(folder / "images", folder / "masks", ignore=255)[0]
    assert mask.max() == 1 and (weights[:3] == 0).all() and (weights[3:] == 1).all()
    run = train(folder, folder / "run", ignore=255, **QUICK)
    scores = evaluate(run, folder, progress=False)
    assert scores["true"][1] == pytest.approx(sum(d[3:].sum() for d in discs()) / (4 * 61 * 64))


def test_a_gap_is_no_problem_once_the_kind_is_said(folder):
    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(15 * inside + disc(at=(50, 50), radius=6)))
    assert look(folder).blocking and not look(folder, kind="classes").blocking


def test_a_mask_that_does_not_number_its_objects_is_named(folder):
    grid = np.zeros((64, 64), np.uint16)
    for k, (y, x) in enumerate((y, x) for y in range(3, 60, 12) for x in range(3, 60, 12)):
        grid[y : y + 8, x : x + 8] = k + 1
    for i in range(4):
        put(folder, f"a{i}", np.uint8(255 * (grid > 0)) if i == 2 else np.roll(grid, i, axis=0))
    found = look(folder)
    assert found.kind == "labels" and [p for p in found.blocking if "a2.tif has one number (255) in 25 pieces" in p]


def test_more_objects_than_8_bits_hold_are_told(folder):
    grid = np.zeros((200, 200), np.uint8)
    for k, (y, x) in enumerate((y, x) for y in range(2, 190, 10) for x in range(2, 190, 10)):
        grid[y : y + 7, x : x + 7] = (k + 1) % 256
    put(folder, "a", grid)
    put(folder, "b", np.rot90(grid).copy())
    assert any("more objects than 255" in line for line in look(folder).remarks)


def test_scores_of_0_and_255_after_0_and_1(folder, tmp_path):
    other = tmp_path / "other"
    for part in ("images", "masks"):
        (other / part).mkdir(parents=True)
    for i, inside in enumerate(discs()):
        image = np.uint8(40 + 150 * inside)
        put(folder, f"a{i}", np.uint8(inside), image)
        put(other, f"b{i}", np.uint8(255 * inside), image)
    run = train(folder, tmp_path / "run", **QUICK)
    one, two = (evaluate(run, place, progress=False) for place in (folder, other))
    assert one["dice_per_class"] == two["dice_per_class"] and one["f1"] == two["f1"]


def test_a_class_that_is_only_kept_apart_is_told(folder, capsys):
    for i, inside in enumerate(discs(6)):
        mask = np.uint8(inside)
        mask[2:8, 2:8] = 2
        if i == 3:
            mask[50:60, 50:60] = 3
        put(folder, f"a{i}", mask)
    told = set()
    for seed in range(12):
        train(folder, folder / f"run{seed}", seed=seed, **{**QUICK, "progress": True})
        out = capsys.readouterr().out
        assert ("(a3)" in out.splitlines()[0]) == ("class 3 is only in pictures that are kept apart (a3)" in out)
        told.add("class 3" in out)
    assert told == {True, False}


def test_images_that_are_their_masks_are_refused(folder):
    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(255 * inside), np.uint8(255 * inside))
    assert any("was the wrong folder copied" in line for line in look(folder).blocking)


@pytest.mark.parametrize("kind, drawn, background", [
    ("binary", [1, 255], 1), ("binary", [255, 7], 255), ("classes", [1, 2, 3], 1), ("classes", [2, 0, 1], 0)])
def test_masks_are_written_with_the_numbers_that_were_drawn(kind, drawn, background):
    drawn = np.array(drawn)
    numbers = background_first(drawn, background)
    settings = {**settings_of(kind, sorted(numbers), 0), "background": background}
    learnt = np.uint8(numbers > 0 if kind == "binary" else numbers)
    assert classes_to_mask(learnt, kind, settings).tolist() == drawn.tolist()


# --- pictures as they are seen ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("turn, back", [(3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)), (5, lambda a: a.T)])
@pytest.mark.parametrize("kind", ["jpg", "tif"])
def test_the_cameras_turn_is_applied(tmp_path, turn, back, kind):
    image = np.uint8(np.add.outer(np.arange(16) * 8, np.arange(24) * 3))
    path = tmp_path / f"a.{kind}"
    if kind == "jpg":
        exif = Image.Exif()
        exif[0x0112] = turn
        Image.fromarray(image).save(path, exif=exif, quality=100)
    else:
        tifffile.imwrite(path, image, extratags=[(274, "H", 1, turn, True)])
    found = read_page(path)
    assert found.shape == back(image).shape and abs(found.astype(int) - back(image)).max() < 4


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "tif"])
def test_black_and_white_palettes_are_read_as_they_are_seen(tmp_path, kind):
    inside, path = disc(), tmp_path / f"a.{kind}"
    picture = Image.fromarray(np.uint8(~inside))  # 0 is white, and inside
    picture.putpalette([255, 255, 255, 0, 0, 0])
    if kind == "tif":
        ramp = np.zeros((3, 256), np.uint16)
        ramp[:, 0] = 65535
        tifffile.imwrite(path, np.uint8(~inside), photometric="palette", colormap=ramp)
    else:
        picture.save(path)
    assert (read_mask(path, kind="binary") == inside).all()


def test_an_inverted_table_of_imagej_and_palettes_of_classes_stay(tmp_path):
    classes = np.uint8([[0, 1, 2], [2, 1, 0]])
    for name, palette in (("a", sum(([255 - k] * 3 for k in range(256)), [])), ("b", [200, 0, 0, 0, 200, 0, 0, 0, 200])):
        picture = Image.fromarray(classes)
        picture.putpalette(palette)
        picture.save(tmp_path / f"{name}.png")
        assert (read_mask(tmp_path / f"{name}.png") == classes).all()


def test_a_mask_in_the_transparency_is_refused_with_the_cure(folder):
    Image.fromarray(np.dstack([np.full((64, 64, 3), 255, np.uint8), 255 * np.uint8(disc())])).save(folder / "masks" / "a.png")
    Image.fromarray(np.uint8(disc())).save(folder / "images" / "a.png")
    assert "transparency (alpha)" in look(folder).blocking[0] and "getchannel('A')" in look(folder).blocking[0]


def test_each_channel_is_scaled_by_itself_in_files_and_arrays(tmp_path):
    planes = np.stack([RNG.integers(500, 30000, (40, 50)), RNG.integers(10, 60, (40, 50))]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", planes, imagej=True, metadata={"axes": "CYX"})
    scaled = read_image(tmp_path / "a.tif")
    assert scaled.std(axis=(1, 2)).min() > 0.2
    model = UNet(2, channels=(2, 4))
    by_path, by_array = predict(model, tmp_path / "a.tif", progress=False), predict(model, scaled, progress=False)
    assert np.allclose(by_path, by_array, atol=1e-5)


@pytest.mark.parametrize("extra, channels", [("unspecified", 4), ("unassalpha", 3)])
def test_a_fourth_channel_stays_unless_it_is_transparency(tmp_path, extra, channels):
    tifffile.imwrite(tmp_path / "a.tif", RNG.integers(0, 99, (8, 9, 4), dtype=np.uint8), photometric="rgb", extrasamples=[extra])
    assert len(read_image(tmp_path / "a.tif")) == channels


def test_transparency_that_says_something_is_told(folder):
    put(folder, "a", np.uint8(disc()), np.dstack([RNG.integers(0, 255, (64, 64, 3), dtype=np.uint8), np.uint8(200 * disc())]))
    assert any("transparency (an alpha channel), which is dropped: a.png" in line for line in look(folder).remarks)


@pytest.mark.parametrize("shape, channels", [((40, 50, 2), 2), ((2, 40, 50), None)])
def test_two_channels_as_imwrite_stores_them(folder, shape, channels):
    tifffile.imwrite(folder / "images" / "a.tif", RNG.integers(0, 99, shape, dtype=np.uint16))
    tifffile.imwrite(folder / "masks" / "a.tif", np.uint8(disc()[:40, :50]))
    found = look(folder)
    assert found.channels == {channels: 1} if channels else "if its pages are channels" in found.blocking[0]


@pytest.mark.parametrize("value, dtype, tag", [(-9999, np.float32, False), (-32768, np.int16, False), (17, np.uint16, True),
                                               (np.nan, np.float32, True), (-3.4028235e38, np.float32, False)])
def test_what_was_not_measured_is_left_out_of_the_scaling(folder, value, dtype, tag):
    image = RNG.integers(100, 200, (40, 50)).astype(dtype)
    image[:, :9] = value
    tifffile.imwrite(folder / "images" / "a.tif", image,
                     extratags=[(42113, "s", 0, str(value), True)] if tag else [])
    tifffile.imwrite(folder / "masks" / "a.tif", np.uint8(disc()[:40, :50]))
    scaled = read_image(folder / "images" / "a.tif")[0]
    assert (scaled[:, :9] == 0).all() and scaled[:, 9:].std() > 0.2
    assert any("nothing was measured" in line for line in look(folder).remarks) and not look(folder).blocking
    model = UNet(1, channels=(2, 4))
    assert np.allclose(predict(model, folder / "images" / "a.tif", progress=False), predict(model, scaled), atol=1e-5)


@pytest.mark.parametrize("values", [[0, 200, 255], [-1000, 0, 3000], [-20.5, -12, 3], [0, 65535]])
def test_measurements_are_not_taken_for_missing(values):
    assert missing_value(np.array([values, values])) is None


# --- files and names --------------------------------------------------------------------------------------------------

def names_of(folder, images, masks):
    for part, names in (("images", images), ("masks", masks)):
        for name in names:
            tifffile.imwrite(folder / part / f"{name}.tif", np.uint8(disc()[:20, :20]))
    pairs, problems, remarks = pair(folder / "images", folder / "masks")
    return {(both.image.stem, both.mask.stem) for both in pairs}, problems, remarks


@pytest.mark.parametrize("image, mask", [
    ("{}_sat", "{}_mask"), ("img{}", "mask{}"), ("scan_{:03}_0000", "scan_{:03}"), ("{}", "{:03}"), ("s{}.ome", "s{}"),
    ("a_{:06}_left8bit", "a_{:06}_gtFine_ids"), ("t{:03}", "man_seg{:03}"), ("Day1 {} (raw)", "Day1 {} (drawn)")])
def test_names_that_share_a_part_are_matched_without_it(folder, image, mask):
    numbers = range(1, 13)
    found, problems, remarks = names_of(folder, map(image.format, numbers), map(mask.format, numbers))
    assert found == {(image.format(i), mask.format(i)) for i in numbers}
    assert not problems and len(remarks) == 1 and "matched without what their names share" in remarks[0]


@pytest.mark.parametrize("images, masks", [(["day1_1", "day1_2"], ["day2_1", "day2_2"]), (["cat", "dog"], ["fox", "owl"]),
                                           (["a_sat"], ["b_mask"])])
def test_what_only_looks_alike_is_not_matched(folder, images, masks):
    found, problems, _ = names_of(folder, images, masks)
    assert not found and problems


def test_some_images_may_lack_a_mask(folder):
    found, problems, _ = names_of(folder, [f"im{i}" for i in range(1, 13)], ["m1", "m10", "m11"])
    assert found == {("im1", "m1"), ("im10", "m10"), ("im11", "m11")} and len(problems) == 9


def test_accents_are_one_letter_however_they_are_stored(folder):
    names = ["zélle", "größe"]
    found, problems, _ = names_of(folder, [unicodedata.normalize("NFC", n) for n in names],
                                  [unicodedata.normalize("NFD", n) for n in names])
    assert len(found) == 2 and not problems


@pytest.mark.parametrize("place", ["{}_mask_{}", "{}/obj{}"])
def test_several_masks_of_one_image_are_put_together(folder, place):
    spots = [disc(at=(12, 12)), disc(at=(40, 20)), disc(at=(30, 50))]
    Image.fromarray(np.uint8(60 + 100 * sum(spots))).save(folder / "images" / "x.png")
    for k, spot in enumerate(spots):
        path = folder / "masks" / (place.format("x", k) + ".png")
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.uint8(255 * spot)).save(path)
    found = look(folder, kind="labels")
    assert not found.blocking and found.objects == [3] and "x.png has 3 masks" in found.remarks[0]
    data = SegmentationFolder(folder / "images", folder / "masks", kind="labels")
    assert (data[0][1].numpy() > 0).sum() == sum(spots).sum()
    run = train(folder, folder / "run", kind="labels", **QUICK)
    assert len(run.config["data"]["train"]["x"]["mask"]) == 3


def test_subfolders_and_other_files_are_told_with_how_to_turn_them(folder, capsys):
    put(folder, "a", np.uint8(disc()))
    (folder / "images" / "day2").mkdir()
    Image.fromarray(np.uint8(disc())).save(folder / "images" / "day2" / "b.png")
    (folder / "images" / "c.nd2").write_bytes(b"x")
    (remark,) = [line for line in look(folder).remarks if "passed over" in line]
    assert "1 subfolder with pictures (day2)" in remark and "c.nd2 is a ND2 file: open it in Fiji" in remark
    train(folder, folder / "run", **QUICK)
    assert main(["predict", str(folder / "run"), str(folder / "images"), "--out", str(folder / "out")]) == 0
    assert "day2" in capsys.readouterr().out
    assert main(["predict", str(folder / "run"), str(folder / "images" / "c.nd2"), "--out", str(folder / "out2")]) == 1
    told = capsys.readouterr().err
    assert "ND2" in told and "damaged" not in told


# --- what notebook 13 advises -----------------------------------------------------------------------------------------

def test_pictures_of_a_group_stay_together():
    names = [f"mouse{i % 5}_slice{i}" for i in range(20)]
    digests = {name: str(i) for i, name in enumerate(names)}
    digests["mouse3_copy"] = digests["mouse1_slice1"]  # the same picture: its groups stay together
    groups = {name: group_of(name, "mouse[0-9]+") for name in digests}
    for seed in range(8):
        val = divide(digests, seed, 0.3, groups)
        sides = {group: {name in val for name in digests if groups[name] == group} for group in set(groups.values())}
        assert all(len(side) == 1 for side in sides.values()) and val
        assert ("mouse1_slice1" in val) == ("mouse3_slice3" in val)
    with pytest.raises(ValueError, match="not found in the name 'x'"):
        group_of("x", "mouse")


def test_the_three_parts_are_those_of_the_training_and_share_no_group(folder, tmp_path):
    mice, apart = "^[^_]+", tmp_path / "apart"
    for number, mask in enumerate(discs(8)):
        put(folder, f"mouse{number // 2}_{number}", np.uint8(mask))

    def move(*names):
        for part in ("images", "masks"):
            (apart / part).mkdir(parents=True, exist_ok=True)
            for path in [path for path in (folder / part).iterdir() if path.name.startswith(names)]:
                path.rename(apart / part / path.name)

    for names, words in [(["nobody"], "6 to train on, 2 to validate on, 0 untouched"),
                         (["mouse3_7"], "only a part of group mouse3 is untouched")]:
        move(*names)
        with pytest.raises(ValueError, match=words):
            three_parts(folder, apart, mice)
    move("mouse3")
    train_on, look_at, last = three_parts(folder, apart, mice)
    assert len(train_on) == 4 and len(look_at) == 2 and last == {"mouse3_6": "mouse3", "mouse3_7": "mouse3"}
    run = train(folder, tmp_path / "run", groups=mice, **QUICK)
    assert (run.train_names, run.val_names) == (list(train_on), list(look_at))
    move("mouse1", "mouse2")
    with pytest.raises(ValueError, match="2 to train on, 0 to validate on"):
        three_parts(folder, apart, mice)
    move("mouse0")
    with pytest.raises(ValueError, match="0 to train on, 0 to validate on, 8 untouched"):
        three_parts(folder, apart, mice)


def test_border_and_class_weights_and_a_start(folder, tmp_path):
    for i in range(3):
        put(folder, f"a{i}", np.uint8(disc(at=(20, 18 + i)) + 2 * disc(at=(20, 42 + i))))
    base = train(folder, tmp_path / "base", kind="labels", **QUICK)
    options = dict(kind="labels", **{**QUICK, "steps": 3})
    runs = {name: train(folder, tmp_path / name, **options, **extra) for name, extra in (
        ("plain", {}), ("border", {"border_weights": True}), ("classes", {"class_weights": [1, 5, 2]}),
        ("start", {"start": tmp_path / "base"}))}
    losses = {name: run.history.loss[0] for name, run in runs.items()}
    assert len(set(losses.values())) == 4, losses
    assert base.config["network"] == runs["start"].config["network"]
    assert runs["classes"].config["training"]["class_weights"] == [1, 5, 2]
    with pytest.raises(ValueError, match="class_weights is .* wanted 3 numbers"):
        train(folder, tmp_path / "wrong", **options, class_weights=[1, 2])
    with pytest.raises(ValueError, match="start is .* wanted one of channels"):
        train(folder, tmp_path / "other", **{**options, "channels": (4, 8)}, start=tmp_path / "base")


def test_a_stopped_training_that_began_at_another_goes_on_to_the_same_end(
        folder, tmp_path, monkeypatch):
    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(inside))
    train(folder, tmp_path / "base", **QUICK)
    options = dict(start=tmp_path / "base", save_every=2, **{**QUICK, "steps": 6, "seed": 1})
    whole = train(folder, tmp_path / "whole", **options)
    with interrupted(monkeypatch, after=5), pytest.raises(KeyboardInterrupt):
        train(folder, tmp_path / "stopped", **options)
    with interrupted(monkeypatch, after=100) as taken:
        stopped = train(folder, tmp_path / "stopped", **options)
    assert len(taken) == 2 and same(whole, stopped)
    with pytest.raises(ValueError, match="start"):  # it is one of the settings that have to agree
        train(folder, tmp_path / "stopped", **{**options, "start": tmp_path / "whole"})


def test_a_run_whose_background_has_another_number_is_exported_and_counted(folder, tmp_path):
    for name in ("bioimageio.spec", "onnxscript"):  # of the extra `export`
        pytest.importorskip(name)
    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(1 + inside))  # background 1, disc 2
    train(folder, tmp_path / "run", kind="classes", background=1, **QUICK)
    for name in ("cells.zip", "cells.onnx"):
        assert main(["export", str(tmp_path / "run"), str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size
    inputs = [str(folder / "images"), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(["predict", str(tmp_path / "run"), *inputs]) == 0
    for mask in (tmp_path / "out").glob("*.tif*"):
        assert set(np.unique(read_page(mask))) <= {1, 2}


def test_count_gives_a_row_for_each_object_and_each_image(folder, capsys):
    image = np.uint16(100 + 50 * disc(at=(20, 18)) + 90 * disc(at=(20, 42), radius=6))
    tifffile.imwrite(folder / "images" / "a.tif", image, resolution=(20000, 20000), resolutionunit="CENTIMETER")
    tifffile.imwrite(folder / "masks" / "a.tif", np.uint16(disc(at=(20, 18)) + 2 * disc(at=(20, 42), radius=6)))
    assert main(["count", str(folder / "masks"), str(folder / "images"), "--out", str(folder / "out"), "--kind", "labels"]) == 0
    lines = (folder / "out" / "objects.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ("image,object,area_pixels,centroid_y,centroid_x,mean_intensity,area_um2,centroid_y_um,centroid_x_um")
    area = int(disc(at=(20, 18)).sum())
    assert lines[1] == f"a,1,{area},20.0,18.0,150.0,{area * 0.25},10.0,9.0" and len(lines) == 3
    assert "2 objects in 1 images" in capsys.readouterr().out
    assert main(["count", str(folder / "masks"), str(folder / "images"), "--out", str(folder / "out")]) == 1


def test_split_is_for_numbered_objects_and_scores_are_of_what_is_delivered(folder, tmp_path):
    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(inside))
    run = train(folder, tmp_path / "run", **QUICK)
    with pytest.raises(ValueError, match="wanted kind labels"):
        evaluate(run, folder, split=True, progress=False)
    assert evaluate(run, folder, progress=False)["split"] is False


def test_scores_are_valid_json(folder, tmp_path):
    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(inside + 3 * disc(at=(50, 50), radius=5) * (i == 0)))
    train(folder, tmp_path / "run", kind="classes", **QUICK)
    assert main(["evaluate", str(tmp_path / "run"), str(folder), "--json", str(tmp_path / "s.json")]) == 0
    scores = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name))
    assert len(scores["dice_per_class"]) == 4


@pytest.mark.parametrize("kind", ["labels", "binary"])
def test_a_bioimage_package_is_valid_and_gives_what_the_network_gives(folder, tmp_path, kind):
    import zipfile

    load_description = pytest.importorskip("bioimageio.spec").load_description
    from onnxruntime import InferenceSession

    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(255 * inside) if kind == "binary" else np.uint16(inside + 2 * disc(at=(48, 12), radius=6)))
    train(folder, tmp_path / "run", kind=kind, **QUICK)
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "cells.zip")]) == 0
    described = load_description(tmp_path / "cells.zip")
    assert described.validation_summary.status == "valid-format", described.validation_summary
    with zipfile.ZipFile(tmp_path / "cells.zip") as archive:
        archive.extractall(tmp_path / "cells")
    given, wanted = (np.load(tmp_path / "cells" / f"{name}.npy") for name in ("input", "output"))
    low, high = np.percentile(given, [1, 99.8], axis=(2, 3), keepdims=True)
    scaled = np.clip((given - low) / (high - low + 1e-6), 0, 1).astype(np.float32)
    logits = InferenceSession(tmp_path / "cells" / "weights.onnx").run(None, {"image": scaled})[0]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(chances - wanted).max() < 1e-4
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "cells.rar")]) == 1


@pytest.mark.full
def test_bioimageio_core_runs_a_package_and_notices_a_wrong_answer(folder, tmp_path, monkeypatch):
    reason = "it brings decoders that other tests are to go without; with it: python course.py full bioimage"
    core = pytest.importorskip("bioimageio.core", reason=reason)
    for i, inside in enumerate(discs()):
        put(folder, f"a{i}", np.uint8(inside))
    train(folder, tmp_path / "run", **QUICK)
    bioimage.export_bioimage(tmp_path / "run", tmp_path / "right.zip")
    assert core.test_model(tmp_path / "right.zip").status == "passed"
    image, answer = bioimage._example(load_run(tmp_path / "run").model, 1)
    monkeypatch.setattr(bioimage, "_example", lambda *_: (image, 1 - answer))
    bioimage.export_bioimage(tmp_path / "run", tmp_path / "wrong.zip")
    assert core.test_model(tmp_path / "wrong.zip").status == "valid-format"  # and no more than that
