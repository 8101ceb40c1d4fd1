"""The nuclei, their splits, and what happens to a damaged file."""

import shutil

import numpy as np
import pytest
import torch

from unet_course import data, load_instances, load_nuclei, normalise, random_crops
from unet_course.metrics import label_nuclei

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
