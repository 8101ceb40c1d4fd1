"""The nuclei, their splits, and what happens to a damaged file."""

import hashlib
import shutil

import numpy as np
import pytest
import torch
from scipy import ndimage

from unet_course import load_instances, load_nuclei, normalise, random_crops
from unet_course.data import nuclei as data
from unet_course.metrics.pixels import label_nuclei

SIZES = {"train": (1080, 928), "val": (1080, 288), "test": (1080, 1280), "shifted": (512, 512)}


@pytest.mark.parametrize("split", SIZES)
def test_splits_have_their_form(split):
    images, masks = load_nuclei(split)
    assert images.shape == (1, 1, *SIZES[split]) and masks.shape == (1, *SIZES[split])
    assert images.dtype == torch.float32 and masks.dtype == torch.int64
    assert images.min() == 0 and images.max() == 1 and masks.unique().tolist() == [0, 1, 2]
    assert torch.equal(load_instances(split)[0] > 0, masks[0] > 0) or split != "shifted"


def field_a():
    return label_nuclei(data._read_verified("field_a_labels.png"), min_area=1, grow=3)


def test_counts_of_nuclei():
    assert field_a().max() == 273
    assert load_instances("test").max() == 126 and len(load_instances("shifted").unique()) == 126


def test_no_nucleus_lies_in_train_and_val_and_the_gap_is_wider_than_any():
    nuclei = field_a()
    parts = [set(np.unique(nuclei[:, data.SPLITS[s][1]])) - {0} for s in ("train", "val")]
    assert not parts[0] & parts[1]
    widest = max(np.ptp(np.nonzero(nuclei == i)[1]) + 1 for i in range(1, 274))
    gap = data.SPLITS["val"][1].start - data.SPLITS["train"][1].stop
    assert widest <= 50 < gap == 64
    assert data.SPLITS["test"][0] != data.SPLITS["train"][0] != data.SPLITS["shifted"][0]


def test_no_blob_of_the_whole_field_lies_in_train_and_val():
    """The same by another way, which needs none of our labelling: pieces of foreground, boundary included."""
    blobs, count = ndimage.label(data._read_verified("field_a_labels.png") > 0, structure=np.ones((3, 3)))
    parts = [set(np.unique(blobs[:, data.SPLITS[split][1]])) - {0} for split in ("train", "val")]
    assert count > 200 and min(map(len, parts)) > 40 and not parts[0] & parts[1]


def test_train_and_val_are_the_columns_of_the_field_that_the_card_says():
    whole = data._read_verified("field_a_image.png")
    assert whole.shape == (1080, 1280) and whole.dtype == np.uint16
    assert np.array_equal(data.load_raw("train"), whole[:, :928]) and np.array_equal(data.load_raw("val"), whole[:, 992:])
    # Noise makes each row of the camera's numbers its own: no row of val can be found in train.
    rows = {row.tobytes() for start in range(0, 928 - 288 + 1) for row in whole[::90, start : start + 288]}
    assert not rows & {row.tobytes() for row in data.load_raw("val")[::90]}


def test_the_test_field_is_no_copy_of_the_training_field():
    a, b = data.load_raw("train")[:, :900].astype(float), data.load_raw("test")[:, :900].astype(float)
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.3


@pytest.mark.parametrize("split", ["val", "shifted"])
def test_instances_and_classes_tell_of_the_same_nuclei(split):
    classes, instances = load_nuclei(split)[1][0], load_instances(split)[0]
    assert instances.dtype == torch.int64 and not (instances > 0)[classes == 0].any()
    assert instances.unique().tolist() == list(range(int(instances.max()) + 1))  # numbered without gaps
    # One nucleus of the hand-drawn field shows only its rim, 3 rows at the image's lower border: all of it is boundary.
    without_interior = set(range(1, int(instances.max()) + 1)) - set(instances[classes == 2].tolist())
    assert len(without_interior) == (split == "shifted")


def test_touching_nuclei_of_the_hand_drawn_field_keep_a_boundary_between_them():
    classes, instances = load_nuclei("shifted")[1][0], load_instances("shifted")[0]
    inside = classes == 2
    for a, b, la, lb in [(inside[1:], inside[:-1], instances[1:], instances[:-1]),
                         (inside[:, 1:], inside[:, :-1], instances[:, 1:], instances[:, :-1])]:
        assert torch.equal(la[a & b], lb[a & b])


def test_reading_twice_gives_the_same_and_a_change_does_not_stick():
    images, masks = load_nuclei("val")
    wanted = images.clone(), masks.clone()
    images.zero_(), masks.fill_(7)
    again = load_nuclei("val")
    assert torch.equal(again[0], wanted[0]) and torch.equal(again[1], wanted[1])


def test_unknown_split_is_refused_by_name():
    with pytest.raises(ValueError, match="split is 'tset'.*'test'"):
        load_nuclei("tset")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    shutil.copytree(data.DATA, tmp_path / "data")
    monkeypatch.setattr(data, "DATA", tmp_path / "data")
    return tmp_path / "data" / "nuclei"


@pytest.mark.parametrize("name", sorted(data.checksums()))
def test_a_single_changed_byte_is_refused_by_file_name(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    assert [n for n, problem in data.verify_data() if problem] == [name]
    split = {"field_a": "train", "field_b": "test", "other": "shifted"}[name.rsplit("_", 1)[0]]
    with pytest.raises(ValueError, match=f"{name}.*damaged.*git checkout"):
        load_nuclei(split)


def test_a_missing_file_is_named(copied):
    (copied / "other_image.png").unlink()
    with pytest.raises(FileNotFoundError, match="other_image.png is missing"):
        load_nuclei("shifted")


def test_all_files_are_listed_with_their_checksums():
    assert set(data.checksums()) == {p.name for p in (data.DATA / "nuclei").glob("*.png")}
    assert all(problem == "" for _, problem in data.verify_data())


def test_checksums_are_those_of_the_bytes_on_disk():
    for name, digest in data.checksums().items():
        assert hashlib.sha256((data.DATA / "nuclei" / name).read_bytes()).hexdigest() == digest


def test_an_emptied_and_a_shortened_file_are_refused_by_name(copied):
    content = (copied / "field_b_labels.png").read_bytes()
    for damaged in (b"", content[:-1], content + b"0"):
        (copied / "field_b_labels.png").write_bytes(damaged)
        with pytest.raises(ValueError, match="field_b_labels.png.*damaged"):
            load_nuclei("test")


def test_one_damaged_field_leaves_the_others_readable(copied):
    (copied / "field_a_image.png").write_bytes(b"no picture")
    assert load_nuclei("test")[0].shape == (1, 1, 1080, 1280)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, np.float16, np.float32, np.float64])
def test_normalise_gives_the_same_for_every_type_of_number(dtype):
    image = (np.arange(1, 121) % 97).reshape(10, 12)
    out = normalise(image.astype(dtype))
    assert out.dtype == np.float32 and out.shape == (10, 12)
    assert np.allclose(out, normalise(image), atol=1e-6) and out.min() == 0 and out.max() == 1


def test_normalise_takes_truth_values_lists_tensors_and_a_single_pixel():
    assert normalise(np.array([[True, False]]), low=0, high=100).tolist() == [[1, 0]]
    assert normalise([[0, 4], [2, 4]], low=0, high=100).tolist() == [[0, 1], [0.5, 1]]
    assert normalise(torch.tensor([0.0, 1.0]), low=0, high=100).tolist() == [0, 1]
    assert normalise(np.uint16([[9]])).tolist() == [[0]]


def test_normalise_does_not_mind_brightness_and_gain():
    image = np.random.default_rng(0).normal(size=(20, 20))
    assert np.allclose(normalise(image), normalise(3 * image + 100), atol=1e-6)
    before = image.copy()
    normalise(image)
    assert np.array_equal(image, before)


def test_one_bright_speck_does_not_darken_the_rest():
    image = np.random.default_rng(0).integers(0, 100, (100, 100))
    speck = image.copy()
    speck[5, 5] = 65535
    assert abs(normalise(speck) - normalise(image)).mean() < 0.01


def test_normalise_clips_at_its_percentiles():
    image = np.arange(1001, dtype=np.uint16).reshape(7, 143)
    out = normalise(image)
    assert out.dtype == np.float32 and out.min() == 0 and out.max() == 1
    assert out.ravel()[10] == 0 and out.ravel()[998] == 1 and 0.49 < out.ravel()[503] < 0.51


@pytest.mark.parametrize("image", [np.zeros((4, 4)), np.full((3, 3), 7, np.uint8), np.ones((2, 2), bool)])
def test_normalise_makes_a_constant_image_zero(image):
    assert normalise(image).tolist() == np.zeros(image.shape).tolist()


@pytest.mark.parametrize("image, words", [
    (np.array([[1, np.nan]]), "NaN"), (np.array([[np.inf, 1]]), "infinite"), (np.zeros((0, 3)), "at least one pixel"),
    (np.zeros((2, 2), complex), "complex128"), (np.array([["a"]]), "dtype"),
])
def test_normalise_refuses_by_name(image, words):
    with pytest.raises(ValueError, match=f"image .*{words}"):
        normalise(image)


def test_crops_keep_image_and_mask_together_and_follow_the_seed():
    image = torch.arange(50 * 40.0).reshape(1, 1, 50, 40)
    mask = image[:, 0].long()
    one, two = (random_crops(image, mask, size=16, count=5, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[0][:, 0].long(), one[1])
    assert len({int(x.min()) for x in one[0]}) > 1


def test_crops_can_lie_anywhere_in_the_picture_and_nowhere_else():
    image = torch.arange(1.0, 43).reshape(1, 1, 6, 7)
    x, _ = random_crops(image, image[:, 0], size=5, count=200, generator=torch.Generator().manual_seed(0))
    corners = {int(crop[0, 0, 0]) for crop in x}
    assert corners == {1, 2, 3, 8, 9, 10}  # 2 rows and 3 columns in which a square of 5 can start
    for crop in x:
        first = int(crop[0, 0, 0]) - 1
        assert torch.equal(crop[0], image[0, 0, first // 7 : first // 7 + 5, first % 7 : first % 7 + 5])


def test_crops_of_train_hold_no_pixel_of_val():
    """Each pixel of the field gets its column as its grey value; what train is cut to never shows one of val's."""
    columns = torch.arange(1280.0).expand(1, 1, 40, 1280)
    parts = {split: columns[..., data.SPLITS[split][1]] for split in ("train", "val")}
    assert [part.shape[-1] for part in parts.values()] == [load_nuclei(split)[0].shape[-1] for split in parts]
    seen = [random_crops(part, part[:, 0], size=32, count=300)[0] for part in parts.values()]
    assert seen[0].max() < 928 and seen[1].min() >= 992


def test_crops_come_from_every_picture_of_a_list_of_different_sizes():
    images = [torch.full((2, 8 + i, 20 - i), float(i)) for i in range(5)]
    masks = [image[0].long() for image in images]
    x, y = random_crops(images, masks, size=6, count=80)
    assert x.shape == (80, 2, 6, 6) and set(y.unique().tolist()) == set(range(5)) and torch.equal(x[:, 1].long(), y)


def test_crops_with_a_generator_leave_the_global_random_numbers_alone():
    picture = torch.rand(1, 1, 9, 9)
    before = torch.random.get_rng_state()
    random_crops(picture, picture[:, 0], size=4, count=3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_crops_keep_the_types(dtype):
    x, y = random_crops(torch.rand(1, 1, 4, 4).double(), torch.zeros(1, 4, 4, dtype=dtype), size=7, count=1)
    assert x.dtype == torch.float64 and y.dtype == dtype


@pytest.mark.parametrize("options", [{"size": 0}, {"count": 0}, {"size": -3}])
def test_crops_refuse_sizes_and_counts_below_one(options):
    with pytest.raises(ValueError, match="size is .* and count is"):
        random_crops(torch.rand(1, 1, 4, 4), torch.zeros(1, 4, 4), **{"size": 2, "count": 1, **options})


def test_crops_mirror_a_picture_that_is_too_small():
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    x, y = random_crops(image, image[:, 0].long(), size=5, count=1)
    assert x.shape == (1, 1, 5, 5) and torch.equal(x[:, 0].long(), y)
    assert x[0, 0, 0].tolist() == [0, 1, 2, 2, 1]


@pytest.mark.parametrize("images, masks, words", [
    ([], [], "images has 0"), ([torch.zeros(1, 4, 4)], [], "masks 0"),
    ([torch.zeros(1, 4, 4)], [torch.zeros(4, 5)], "picture 0"),
])
def test_crops_refuse_by_name(images, masks, words):
    with pytest.raises(ValueError, match=words):
        random_crops(images, masks, size=2, count=1)
