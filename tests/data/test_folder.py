"""The learner's own folder: what is read, and what each bad file is told."""

import gc
import re

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage import measure
from skimage.io import imsave

from unet_course import SegmentationFolder, load_instances, load_nuclei, normalise, survey
from unet_course.data import read_image

# imageio forgets to close a file that none of its readers understands.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(autouse=True, scope="module")
def close_what_imageio_forgot():
    yield
    gc.collect()


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


def test_pictures_are_read_when_asked_for_and_end_where_the_folder_ends(folders):
    pair(folders, name="a")
    pair(folders, name="b")
    folder = SegmentationFolder(*folders)
    assert len(list(folder)) == 2 and torch.equal(folder[-1][0], folder[1][0])
    with pytest.raises(IndexError):
        folder[2]
    (folders[0] / "b.png").write_text("broken later")  # the other pictures do not mind
    assert folder[0][0].shape == (1, 4, 5)


def test_image_and_mask_may_differ_in_suffix_and_the_order_is_that_of_the_names(folders):
    for name in ("cell10", "cell9", "Cell 1 é"):
        pair(folders, name=name)
        (folders[1] / f"{name}.png").unlink()
        save(folders[1] / f"{name}.tif", np.ones((4, 5), np.uint8))
    folder = SegmentationFolder(str(folders[0]), folders[1])
    assert folder.names == sorted(["cell10", "cell9", "Cell 1 é"]) and folder[2][1].min() == 1


def test_other_files_of_the_folder_are_passed_over(folders):
    pair(folders)
    for name in ("notes.txt", ".DS_Store", "._a.png", "Thumbs.db"):  # what operating systems leave behind
        (folders[0] / name).write_text("not a picture")
    (folders[0] / "old").mkdir()
    assert SegmentationFolder(*folders).names == ["a"]


def test_suffixes_in_capitals_are_read(folders):
    pair(folders)
    (folders[0] / "a.png").rename(folders[0] / "a.PNG")
    assert SegmentationFolder(*folders)[0][0].shape == (1, 4, 5)


def test_sixteen_bits_are_scaled_not_cut(folders):
    image = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    pair(folders, image, np.zeros((20, 20), np.uint8))
    read = SegmentationFolder(*folders)[0][0][0].numpy()
    assert np.abs(read - np.clip((image / 65535 - 0.01) / 0.988, 0, 1)).max() < 0.01 and len(np.unique(read)) > 300


@pytest.mark.parametrize("mode", ["1", "L", "I;16"])
def test_masks_of_one_eight_and_sixteen_bits_are_class_indices(folders, mode):
    mask = np.array([[0, 1, 1], [1, 0, 1]])
    pair(folders, np.zeros((2, 3), np.uint8))
    picture = {"1": Image.fromarray(mask.astype(bool)), "L": Image.fromarray(mask.astype(np.uint8)),
               "I;16": Image.fromarray(mask.astype(np.uint16))}[mode]
    picture.save(folders[1] / "a.png")
    assert SegmentationFolder(*folders)[0][1].tolist() == mask.tolist()


@pytest.mark.parametrize("mask, words", [
    (np.uint8([[0, 255], [255, 0]]), "mask a.png has values .*divide by 255"),
    (np.zeros((2, 2, 3), np.uint8), r"mask a.png has shape \(2, 2, 3\).*one channel"),
    (np.full((2, 2), 255, np.uint8), "mask a.png has values .*divide by 255"),
    (np.zeros((2, 2, 4), np.uint8), r"mask a.png has shape \(2, 2, 4\).*one channel"),
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


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_a_picture_cut_short_anywhere_is_named_or_complete(folders, kind, tmp_path):
    """At each length the file is refused by its name; half a picture is never handed out."""
    pair(folders, np.random.default_rng(0).integers(0, 255, (9, 9), dtype=np.uint8), np.eye(9, dtype=np.uint8))
    whole = [t.clone() for t in SegmentationFolder(*folders)[0]]
    path = tmp_path / kind / "a.png"
    content = path.read_bytes()
    refused = 0
    for length in range(len(content)):
        path.write_bytes(content[:length])
        try:
            read = SegmentationFolder(*folders)[0]
        except ValueError as error:
            assert "a.png cannot be read as an image" in str(error)
            refused += 1
        else:
            assert all(torch.equal(a, b) for a, b in zip(read, whole)), length
    assert refused >= len(content) - 20  # without its last mark, of 12 bytes, and a checksum the picture is still whole


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.95])
def test_a_tiff_cut_short_is_named(folders, share):
    pair(folders, mask=np.zeros((30, 30), np.uint8))
    (folders[0] / "a.png").unlink()
    path = folders[0] / "a.tif"
    save(path, np.random.default_rng(0).integers(0, 60000, (30, 30), dtype=np.uint16))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match="a.tif cannot be read as an image"):
        SegmentationFolder(*folders)[0]


def test_a_stack_of_planes_is_refused_by_name(folders):
    pair(folders)
    (folders[0] / "a.png").unlink()
    tifffile.imwrite(folders[0] / "a.tif", np.zeros((5, 4, 6), np.uint8), photometric="minisblack")
    with pytest.raises(ValueError, match="a.tif has 5 pages and its mask 1.*single files"):
        SegmentationFolder(*folders)[0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_picture_with_nan_is_named(folders, value):
    pair(folders)
    (folders[0] / "a.png").unlink()
    save(folders[0] / "a.tif", np.full((4, 5), value, np.float32))
    with pytest.raises(ValueError, match=r"a\.tif.*NaN or infinite"):
        SegmentationFolder(*folders)[0]


def test_a_mask_with_nan_or_below_zero_is_named(folders):
    pair(folders)
    (folders[1] / "a.png").unlink()
    for values, words in [(np.full((4, 5), np.nan, np.float32), "mask a.tif"),
                          (np.full((4, 5), -1, np.int16), "mask a.tif has values -1 to -1")]:
        save(folders[1] / "a.tif", values)
        with pytest.raises(ValueError, match=words):
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
    with pytest.raises(ValueError, match="b.png is an image without a mask: draw one"):
        SegmentationFolder(*folders)
    save(folders[0] / "b.tif", np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="both b.png and b.tif"):
        SegmentationFolder(*folders)


OBJECTS = np.zeros((20, 20), np.uint16)
OBJECTS[2:8, 2:8], OBJECTS[8:14, 2:8], OBJECTS[12:18, 12:18] = 300, 7, 2


@pytest.mark.parametrize("value", [1, 255, 7])
def test_binary_masks_of_any_value(folders, value):
    pair(folders, np.zeros((20, 20), np.uint8), (value * (OBJECTS > 0)).astype(np.uint8))
    folder = SegmentationFolder(*folders, kind="binary")
    assert torch.equal(folder[0][1], torch.from_numpy((OBJECTS > 0).astype(np.int64))) and folder.num_classes == 2


def test_grey_saved_as_colour_is_a_binary_mask_but_not_one_of_classes(folders):
    pair(folders, np.zeros((20, 20), np.uint8), np.dstack([np.uint8(255 * (OBJECTS > 0))] * 3))
    assert SegmentationFolder(*folders, kind="binary")[0][1].sum() == (OBJECTS > 0).sum()
    with pytest.raises(ValueError, match=r"mask a.png has shape \(20, 20, 3\)"):
        SegmentationFolder(*folders)[0]


def test_objects_become_boundary_and_interior_and_touching_ones_stay_apart(folders):
    pair(folders, np.zeros((20, 20), np.uint8), OBJECTS)
    folder = SegmentationFolder(*folders, kind="labels")
    mask = folder[0][1].numpy()
    assert folder.num_classes == 3 and np.array_equal(mask > 0, OBJECTS > 0)
    assert measure.label(mask == 2).max() == 3 and measure.label(OBJECTS > 0).max() == 2


def test_labels_are_made_as_those_of_the_course(folders):
    instances, (_, classes) = load_instances("shifted")[0].numpy(), load_nuclei("shifted")
    pair(folders, np.zeros(instances.shape, np.uint8), instances.astype(np.uint16))
    assert torch.equal(SegmentationFolder(*folders, kind="labels")[0][1], classes[0])


def test_a_kind_that_is_none_and_too_few_classes_are_refused(folders):
    pair(folders)
    with pytest.raises(ValueError, match="kind is 'instances'; wanted one of 'classes', 'binary', 'labels'"):
        SegmentationFolder(*folders, kind="instances")
    with pytest.raises(ValueError, match="num_classes is 2; wanted at least 3"):
        SegmentationFolder(*folders, kind="labels", num_classes=2)


def test_the_cure_of_0_and_255_and_of_many_objects_is_named(folders):
    pair(folders, np.zeros((20, 20), np.uint8), np.uint8(255 * (OBJECTS > 0)))
    with pytest.raises(ValueError, match='divide by 255, or say kind="binary"'):
        SegmentationFolder(*folders)[0]
    pair(folders, np.zeros((20, 20), np.uint8), OBJECTS)
    with pytest.raises(ValueError, match='values 0 to 300.*kind="labels"'):
        SegmentationFolder(*folders, num_classes=3)[0]


def test_stacks_are_as_many_items_as_they_have_pages(folders):
    stack, masks = np.random.default_rng(0).integers(0, 60000, (3, 6, 7), dtype=np.uint16), np.arange(126).reshape(3, 6, 7) % 4
    for name, folder, array in [("s", 0, stack), ("s", 1, masks.astype(np.uint8)), ("t", 0, stack[:1]), ("t", 1, masks[:1].astype(np.uint8))]:
        tifffile.imwrite(folders[folder] / f"{name}.tif", array, photometric="minisblack")
    folder = SegmentationFolder(*folders)
    assert folder.names == ["s[0]", "s[1]", "s[2]", "t"] and len(folder) == 4
    for index in range(3):
        image, mask = folder[index]
        assert torch.equal(mask, torch.from_numpy(masks[index])) and image.shape == (1, 6, 7)
        assert np.array_equal(image[0], normalise(stack[index]))
    assert torch.equal(folder[-1][1], folder[0][1])


def test_a_stack_with_one_mask_is_told_what_to_do(folders):
    pair(folders, mask=np.zeros((4, 6), np.uint8))
    (folders[0] / "a.png").unlink()
    tifffile.imwrite(folders[0] / "a.tif", np.zeros((5, 4, 6), np.uint8), photometric="minisblack")
    with pytest.raises(ValueError, match="a.tif has 5 pages and its mask 1: give both"):
        SegmentationFolder(*folders)
    with pytest.raises(ValueError, match=r"single files, or give image and mask 5 pages each"):
        read_image(folders[0] / "a.tif")


STACK = np.zeros((5, 4, 5), np.uint8)


@pytest.mark.parametrize("damage", [
    lambda images, masks: (images / "a.png").unlink(),
    lambda images, masks: (masks / "a.png").rename(masks / "a_mask.png"),
    lambda images, masks: save(masks / "a.tif", np.zeros((4, 5), np.uint8)),
    lambda images, masks: tifffile.imwrite(images / "b.tif", STACK, photometric="minisblack"),
])
def test_folder_and_survey_say_the_same_of_files_that_do_not_fit(folders, damage):
    pair(folders)
    save(folders[1] / "b.png", np.zeros((4, 5), np.uint8))
    save(folders[0] / "b.tif", np.zeros((4, 5), np.uint8))
    damage(*folders)
    (problem,) = survey(*folders, progress=False, kind="classes").blocking
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        SegmentationFolder(*folders)


def test_sizes_that_differ_are_told_in_the_same_words(folders):
    pair(folders, mask=np.eye(5, 4, dtype=np.uint8))
    (problem,) = survey(*folders, progress=False, kind="binary").blocking
    with pytest.raises(ValueError, match=re.escape(problem.partition(":")[2])):
        SegmentationFolder(*folders)[0]


def test_fluorescence_channels_are_channels(folders):
    tifffile.imwrite(folders[0] / "a.tif", np.random.default_rng(0).integers(0, 99, (4, 9, 8), dtype=np.uint16), imagej=True,
                     metadata={"axes": "CYX"})
    save(folders[1] / "a.png", np.zeros((9, 8), np.uint8))
    assert SegmentationFolder(*folders)[0][0].shape == (4, 9, 8)


def test_a_jpeg_mask_is_refused_even_if_it_looks_right(folders):
    pair(folders, np.zeros((20, 20), np.uint8))
    (folders[1] / "a.png").unlink()
    Image.fromarray(np.uint8(OBJECTS > 0)).save(folders[1] / "a.jpg")
    for kind in ("classes", "binary", "labels"):
        with pytest.raises(ValueError, match="mask a.jpg is a JPEG file.*PNG or TIFF"):
            SegmentationFolder(*folders, kind=kind)[0]


def test_infinite_and_gigantic_numbers_are_no_classes(folders):
    pair(folders)
    (folders[1] / "a.png").unlink()
    for value in (np.inf, 1e300):
        save(folders[1] / "a.tif", np.full((4, 5), value))
        with pytest.raises(ValueError, match="mask a.tif has values"):
            SegmentationFolder(*folders)[0]
