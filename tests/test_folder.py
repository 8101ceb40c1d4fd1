"""The learner's own folder: what is read, and what each bad file is told."""

import numpy as np
import pytest
import tifffile
import torch
from skimage.io import imsave

from unet_course import SegmentationFolder


@pytest.fixture
def folders(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    return tmp_path / "images", tmp_path / "masks"


def save(path, array):
    if path.suffix == ".tif":  # imsave takes a small grey picture for a row of colours
        tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    else:
        imsave(path, array, check_contrast=False)


def pair(folders, image=None, mask=None, name="a"):
    save(folders[0] / f"{name}.png", np.arange(20, dtype=np.uint8).reshape(4, 5) if image is None else image)
    save(folders[1] / f"{name}.png", np.tile(np.uint8([0, 1, 2, 0, 1]), (4, 1)) if mask is None else mask)
    return folders


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype, channels", [(np.uint8, 1), (np.uint16, 1), (np.uint8, 3), (np.uint8, 4)])
def test_common_kinds_are_read(folders, suffix, dtype, channels):
    shape = (4, 5) if channels == 1 else (4, 5, channels)
    pair(folders)
    (folders[0] / "a.png").unlink()
    save(folders[0] / f"a{suffix}", np.arange(np.prod(shape)).reshape(shape).astype(dtype))
    folder = SegmentationFolder(*folders)
    image, mask = folder[0]
    assert len(folder) == 1 and folder.names == ["a"]
    assert image.shape == (min(channels, 3), 4, 5) and image.dtype == torch.float32
    assert mask.shape == (4, 5) and mask.dtype == torch.int64 and mask.unique().tolist() == [0, 1, 2]


def test_it_is_an_iterable_sequence(folders):
    pair(folders, name="a")
    pair(folders, name="b")
    assert len(list(torch.utils.data.DataLoader(SegmentationFolder(*folders), batch_size=2))) == 1


@pytest.mark.parametrize("mask, words", [
    (np.uint8([[0, 255], [255, 0]]), "mask a.png has values .*divide by 255"),
    (np.zeros((2, 2, 3), np.uint8), r"mask a.png has shape \(2, 2, 3\).*one channel"),
    (np.zeros((3, 2), np.uint8), "a: the image is 2×2, the mask 3×2.*nearest"),
])
def test_bad_masks_are_refused_by_file_name(folders, mask, words):
    pair(folders, np.zeros((2, 2), np.uint8), mask)
    with pytest.raises(ValueError, match=words):
        SegmentationFolder(*folders)[0]


def test_fractions_are_refused(folders):
    pair(folders)
    (folders[1] / "a.png").unlink()
    save(folders[1] / "a.tif", np.float32([[0, 0.5]] * 4))
    with pytest.raises(ValueError, match="mask a.tif has fractions, such as 0.5.*nearest"):
        SegmentationFolder(*folders)[0]


def test_values_above_the_classes_are_refused(folders):
    pair(folders)
    with pytest.raises(ValueError, match="mask a.png has values 0 to 2; wanted class indices 0 to 1"):
        SegmentationFolder(*folders, num_classes=2)[0]


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.9])
def test_a_truncated_file_is_named(folders, share):
    rng = np.random.default_rng(0)
    pair(folders, rng.integers(0, 255, (64, 64), dtype=np.uint8), np.zeros((64, 64), np.uint8))
    path = folders[0] / "a.png"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="a.png cannot be read as an image"):
        SegmentationFolder(*folders)[0]


def test_a_text_file_with_the_wrong_suffix_is_named(folders):
    pair(folders)
    (folders[0] / "a.png").write_text("I am no picture")
    with pytest.raises(ValueError, match="a.png cannot be read"):
        SegmentationFolder(*folders)[0]


def test_folders_that_do_not_fit_are_refused(folders, tmp_path):
    with pytest.raises(FileNotFoundError, match="images is .*no image in it"):
        SegmentationFolder(*folders)
    with pytest.raises(FileNotFoundError, match="images is .*not a folder"):
        SegmentationFolder(tmp_path / "nowhere", folders[1])
    pair(folders)
    save(folders[0] / "b.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="1 names are in one folder only: b"):
        SegmentationFolder(*folders)
    save(folders[0] / "b.tif", np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="both b.png and b.tif"):
        SegmentationFolder(*folders)
