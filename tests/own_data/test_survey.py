"""What a learner is told about a folder before anything trains on it."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from unet_course import SegmentationFolder
from unet_course.data.files.images import write_image
from unet_course.own_data.survey import survey

RNG = np.random.default_rng(0)
OBJECTS = np.zeros((40, 50), np.uint8)
for number, (y, x) in enumerate([(3, 4), (5, 20), (20, 8), (22, 30), (30, 42)], start=1):
    OBJECTS[y : y + 8, x : x + 7] = number
CELLS = (OBJECTS > 0).astype(np.uint8)
THREE = np.where(np.kron(CELLS[::2, ::2], np.ones((2, 2), np.uint8)) & ~CELLS, 1, 2 * CELLS)


@pytest.fixture
def folders(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    return tmp_path / "images", tmp_path / "masks"


def pair(folders, name, mask, image=None):
    shape = mask.shape[:2] if mask.ndim == 2 or mask.shape[-1] == 3 else mask.shape
    write_image(folders[0] / f"{name}.tif", RNG.integers(100, 4000, shape, dtype=np.uint16) if image is None else image)
    if mask.ndim == 2 and mask.dtype != np.float32:
        write_image(folders[1] / f"{name}.tif", mask)
    else:
        tifffile.imwrite(folders[1] / f"{name}.tif", mask, photometric="rgb" if mask.shape[-1] == 3 else "minisblack")


def look(folders, **options):
    return survey(*folders, progress=False, **options)


def test_a_good_folder_is_described(folders):
    for name in "abc":
        pair(folders, name, CELLS)
    found = look(folders)
    assert (found.pairs, found.pages, found.kind, found.num_classes, found.problems) == (3, 3, "classes", 2, [])
    assert found.sizes == {(40, 50): 3} and found.dtypes == {"uint16": 3} and found.channels == {1: 3} and found.values == [0, 1]
    assert found.balance == pytest.approx({0: 1 - CELLS.mean(), 1: CELLS.mean()})
    text = str(found)
    for words in ("3 pairs", "40×50", "uint16", "background", f"{CELLS.mean():.2%}", "Nothing is wrong", "num_classes=2"):
        assert words in text


@pytest.mark.parametrize("masks, kind, classes", [
    ([CELLS, CELLS], "classes", 2), ([CELLS * 255], "binary", 2), ([CELLS * 255, CELLS], "binary", 2), ([CELLS * 7], "binary", 2),
    ([OBJECTS, np.where(OBJECTS < 4, OBJECTS, 0)], "labels", 3), ([OBJECTS], "labels", 3),
    ([np.uint16(300) * OBJECTS], "labels", 3), ([THREE, THREE], "classes", 3), ([np.where(OBJECTS < 3, OBJECTS, 0)] * 2, "classes", 3),
    ([np.dstack([CELLS * 255] * 3)], "binary", 2), ([CELLS.astype(np.float32)], "classes", 2)])
def test_the_kind_of_masks_is_guessed_and_the_folder_can_be_read_with_it(folders, masks, kind, classes):
    for number, mask in enumerate(masks):
        pair(folders, f"p{number}", mask)
    found = look(folders)
    assert (found.kind, found.num_classes, found.blocking) == (kind, classes, []), str(found)
    assert found.reason and sum(found.balance.values()) == pytest.approx(1)
    data = SegmentationFolder(*folders, kind=found.kind)
    counted = np.bincount(np.concatenate([data[k][1].ravel() for k in range(len(data))]), minlength=classes)
    assert [found.balance.get(k, 0) for k in range(classes)] == pytest.approx(list(counted / counted.sum()))


def test_objects_are_counted_and_measured(folders):
    pair(folders, "a", OBJECTS)
    found = look(folders)
    assert found.objects == [5] and found.diameter == pytest.approx(2 * (56 / np.pi) ** 0.5)
    assert "5, 5 to 5 in a mask, typically 8 pixels across" in str(found)


def test_what_you_know_is_believed(folders):
    pair(folders, "a", OBJECTS)
    assert look(folders, kind="classes").num_classes == 6 and look(folders, kind="binary").num_classes == 2
    with pytest.raises(ValueError, match="kind is 'nuclei'; wanted one of"):
        look(folders, kind="nuclei")


def test_pages_of_stacks_are_counted(folders):
    write_image(folders[0] / "s.tif", RNG.integers(0, 99, (4, 9, 9), dtype=np.uint8))
    write_image(folders[1] / "s.tif", np.uint8(RNG.integers(0, 2, (4, 9, 9))))
    found = look(folders)
    assert (found.pairs, found.pages, found.problems) == (1, 4, [])
    write_image(folders[1] / "s.tif", np.zeros((9, 9), np.uint8))
    assert any("s.tif has 4 pages and its mask 1" in line for line in look(folders).blocking)


@pytest.mark.parametrize("mask, image", [("a_mask", "a"), ("mask_a", "a"), ("A", "a"), ("a-label", "a"), ("a_cp_masks", "a"),
                                         ("x1 gt", "x1_img")])
def test_a_name_that_nearly_fits_gets_the_new_name(folders, mask, image):
    write_image(folders[0] / f"{image}.png", CELLS)
    write_image(folders[1] / f"{mask}.tif", CELLS)
    (line,) = look(folders).blocking[:1]
    assert line.startswith(f"{mask}.tif is a mask without an image") and f"rename it to {image}.tif" in line
    assert not any("without a mask" in line for line in look(folders).blocking)
    with pytest.raises(ValueError, match=f"{mask}.tif is a mask .*: rename it to {image}.tif"):
        SegmentationFolder(*folders)


@pytest.mark.parametrize("damage, words, blocking", [
    (lambda i, m: (m / "a.tif").unlink(), "a.tif is an image without a mask: draw one", True),
    (lambda i, m: write_image(m / "z.tif", CELLS), "z.tif is a mask without an image: add", True),
    (lambda i, m: write_image(m / "a.png", CELLS), "masks has both a.png and a.tif: keep one", True),
    (lambda i, m: write_image(m / "a.tif", CELLS.T), "a.tif: the image is 40×50, the mask 50×40, turned by a quarter", True),
    (lambda i, m: write_image(m / "a.tif", CELLS[1:]), "a.tif: the image is 40×50, the mask 39×50: make", True),
    (lambda i, m: (i / "a.tif").write_bytes(b"II*\0 no"), "image a.tif cannot be read", True),
    (lambda i, m: (m / "a.tif").write_bytes(b""), "mask a.tif cannot be read", True),
    (lambda i, m: tifffile.imwrite(i / "a.tif", np.full((40, 50), np.nan, np.float32)), "a.tif has NaN", True),
    (lambda i, m: tifffile.imwrite(m / "a.tif", np.full((40, 50), 0.5, np.float32)), "mask a.tif has fractions", True),
    (lambda i, m: tifffile.imwrite(m / "a.tif", RNG.integers(0, 9, (40, 50, 3), dtype=np.uint8)), "mask a.tif has shape", True),
    (lambda i, m: Image.fromarray(CELLS * 255).save(m / "c.jpg"), "mask c.jpg is a JPEG file", True),
    (lambda i, m: tifffile.imwrite(i / "a.tif", np.zeros((40, 50, 3), np.uint8)), "different numbers of channels (1 in b.tif, 3 in a.tif)", True),
    (lambda i, m: write_image(m / "a.tif", CELLS * 0), "1 masks have no foreground: a.tif", False),
    (lambda i, m: write_image(i / "a.tif", np.full((40, 50), 9, np.uint16)), "1 images have one value throughout: a.tif", False),
    (lambda i, m: (i / "a.czi").write_text("x"), "images has 1 other file, such as a.czi (a.czi is a CZI file: open it in Fiji", False),
    (lambda i, m: (i / "b.tif").write_bytes((i / "a.tif").read_bytes()), "b.tif is the same picture as a.tif", False),
])
def test_what_is_wrong_is_one_line_with_the_file_and_the_cure(folders, damage, words, blocking):
    for name in "ab":
        pair(folders, name, CELLS)
    write_image(folders[0] / "c.png", (RNG.random((40, 50)) * 255).astype(np.uint8))
    write_image(folders[1] / "c.png", CELLS)
    if "c.jpg" in words:
        (folders[1] / "c.png").unlink()
    damage(*folders)
    found = look(folders)
    assert any(words in line for line in (found.blocking if blocking else found.remarks)), str(found)
    assert blocking == bool(found.blocking) and found.problems == found.blocking + found.remarks
    assert words in str(found) and ("Next:" in str(found)) == (not blocking)


@pytest.mark.parametrize("mask, words", [
    (RNG.integers(0, 256, (40, 50), dtype=np.uint8), "look like photographs"),
    (np.array(Image.fromarray(CELLS * 255).resize((200, 160), Image.Resampling.BICUBIC)), "edges were smoothed"),
    (np.where(CELLS & (np.arange(50) % 2 == 0), 100, CELLS * 200).astype(np.uint8), "the numbers 0, 100, 200 are no class indices"),
    (CELLS * 0, "no mask has any foreground")])
def test_masks_that_are_none_block(folders, mask, words):
    pair(folders, "a", mask)
    assert any(words in line for line in look(folders).blocking), str(look(folders))


def test_a_mask_the_wrong_way_round_and_a_rare_class_are_remarked(folders):
    pair(folders, "a", (1 - CELLS) * 255)
    assert any("wrong way round" in line for line in look(folders).remarks)
    mask = np.zeros((200, 200), np.uint8)
    mask[:9, :9] = 255
    pair(folders, "a", mask)
    assert any("only 0.20% of the pixels" in line for line in look(folders).remarks)


def test_it_raises_only_if_a_folder_is_missing(folders, tmp_path):
    assert len(look(folders).blocking) == 2 and look(folders).pairs == 0 and str(look(folders))
    for missing in ((tmp_path / "nowhere", folders[1]), (folders[0], tmp_path / "nowhere")):
        with pytest.raises(FileNotFoundError, match="nowhere.*not a folder"):
            look(missing)


def test_a_long_list_is_cut_and_counted(folders):
    for number in range(30):
        write_image(folders[0] / f"{number}.png", CELLS)
    text = str(look(folders))
    assert "To mend before training (31)" in text and "and 19 more" in text and len(text.splitlines()) < 30
