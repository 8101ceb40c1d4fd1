"""Images in files: read tile by tile, written band by band, complete or not at all, and in little memory."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.io import imsave
from skimage.measure import label

from unet_course import UNet, load_pretrained, normalise, predict
from unet_course.data.nuclei import load_raw
from unet_course.data.scaling import percentiles
from unet_course.inference.large import Picture, count_across
from unet_course.inference.tiles import overlap_tile

torch.manual_seed(0)
MODEL = UNet(num_classes=3, channels=(2, 4, 8)).eval()
CAMERA = load_raw("test")[:150, :170]


def save(path, array, **options):
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".png":
        imsave(path, array, check_contrast=False)
    else:
        tifffile.imwrite(path, array, **options)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".tiff", ".png", ".TIF"])
def test_a_file_of_camera_values_gives_what_the_normalised_array_gives(tmp_path, suffix):
    path = save(tmp_path / f"field{suffix}", CAMERA)
    wanted = predict(MODEL, normalise(CAMERA))
    for image in (path, str(path)):
        assert torch.allclose(predict(MODEL, image), wanted, atol=1e-5)
    assert torch.allclose(predict(MODEL, path, tile=32), wanted, atol=1e-5)


@pytest.mark.parametrize("options", [{"compression": "zlib"}, {"tile": (64, 64)}, {"tile": (64, 64), "compression": "zlib"}])
def test_compressed_and_tiled_tiffs_are_read_too(tmp_path, options):
    path = save(tmp_path / "field.tif", CAMERA, **options)
    assert torch.allclose(predict(MODEL, path, tile=64), predict(MODEL, normalise(CAMERA)), atol=1e-5)


def test_memory_mapped_arrays_of_both_kinds(tmp_path):
    wanted = predict(MODEL, normalise(CAMERA))
    npy, tif = save(tmp_path / "a.npy", CAMERA), save(tmp_path / "a.tif", CAMERA)
    for mapped in (np.load(npy, mmap_mode="r"), tifffile.memmap(tif, mode="r")):
        assert torch.allclose(predict(MODEL, mapped, tile=50), wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "i4", "i8", "u8", "?"])
def test_numbers_of_every_type_in_a_file_are_scaled(tmp_path, dtype):
    low = -150 if np.dtype(dtype).kind in "if" else 0
    image = np.random.default_rng(0).uniform(low, 150, (60, 70)).astype(dtype)
    found = predict(MODEL, save(tmp_path / "a.npy", image))
    assert torch.allclose(found, predict(MODEL, normalise(image)), atol=1e-6)


def test_what_is_no_number_in_a_file_is_refused(tmp_path):
    image = np.random.default_rng(0).random((60, 70), dtype=np.float32)
    image[30, 30] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        predict(MODEL, save(tmp_path / "b.npy", image), tile=16)


def test_colours_come_last_in_files(tmp_path):
    model, image = UNet(3, channels=(2, 4)), np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    wanted = predict(model, normalise(image, channel_axis=-1).transpose(2, 0, 1))
    for suffix in (".npy", ".png", ".tif"):
        assert torch.allclose(predict(model, save(tmp_path / f"a{suffix}", image)), wanted, atol=1e-5)


TYPES = ["u1", "u2", "i2", "i1", "i4", "u8", "i8", "f2", "f4", "f8", ">u2", ">f4"]


@settings(max_examples=100)
@given(st.sampled_from(TYPES).flatmap(
    lambda dtype: arrays(dtype, st.tuples(st.integers(1, 9), st.integers(1, 40)))), st.floats(0, 100), st.floats(0, 100))
def test_percentiles_counted_are_those_of_numpy(array, low, high):
    if array.dtype.kind == "f":  # what is left out here is refused
        small = np.isfinite(array) & (abs(array.astype(float)) < 1e300)
        array = np.where(small, array, 0).astype(array.dtype)
    assert percentiles(array, low, high) == tuple(np.percentile(array.astype(float), [low, high]))


def test_percentiles_are_counted_over_all_bands(monkeypatch):
    array = np.random.default_rng(0).normal(size=(3, 50, 7)).astype(np.float32)
    monkeypatch.setattr("unet_course.data.scaling.BAND", 30)
    assert percentiles(array) == tuple(np.percentile(array.astype(float), [1, 99.8]))


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".tiff"])
@pytest.mark.parametrize("classes", [False, True])
def test_written_to_a_file_and_readable_by_others(tmp_path, suffix, classes):
    image = np.random.default_rng(0).random((75, 90), dtype=np.float32)
    wanted = predict(MODEL, image, classes=classes).numpy()
    out = tmp_path / f"out{suffix}"
    back = predict(MODEL, image, tile=32, out=out, classes=classes)
    stored = np.load(out) if suffix == ".npy" else tifffile.imread(out)
    assert stored.dtype == (np.uint8 if classes else np.float32) and stored.shape == wanted.shape
    assert np.allclose(stored, wanted, atol=1e-5) and np.allclose(back, wanted, atol=1e-5)
    assert isinstance(back, np.memmap) and not back.flags.writeable
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


def test_written_into_an_array_of_yours(tmp_path):
    image = np.random.default_rng(0).random((75, 90), dtype=np.float32)
    mine = np.zeros((3, 75, 90), np.float32)
    assert predict(MODEL, image, tile=32, out=mine) is mine and np.allclose(mine, predict(MODEL, image).numpy(), atol=1e-5)
    mapped = np.lib.format.open_memmap(tmp_path / "m.npy", mode="w+", dtype=np.uint8, shape=(75, 90))
    predict(MODEL, image, tile=32, out=mapped, classes=True)
    assert np.array_equal(np.load(tmp_path / "m.npy"), predict(MODEL, image, classes=True).numpy())


class Failing(torch.nn.Module):
    """Stops at its third tile."""

    def __init__(self, error):
        super().__init__()
        self.net, self.error, self.calls = UNet(channels=(2, 4)), error, 0
        self.encoders = self.net.encoders

    def forward(self, x):
        self.calls += 1
        if self.calls == 3:
            raise self.error
        return self.net(x)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of memory"), SystemExit(1)])
@pytest.mark.parametrize("suffix", [".npy", ".tif"])
def test_interrupted_it_leaves_nothing_half_written(tmp_path, error, suffix):
    out = tmp_path / f"out{suffix}"
    out.write_bytes(b"an older result")
    with pytest.raises(type(error)):
        predict(Failing(error), np.zeros((64, 64), np.float32), tile=16, overlap=8, out=out)
    assert [p.name for p in tmp_path.iterdir()] == [out.name] and out.read_bytes() == b"an older result"


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a child")
def test_ctrl_c_leaves_nothing_behind(tmp_path, interruptible):
    code = f"""
        import numpy as np, sys
        from unet_course import UNet, predict
        model = UNet(channels=(2, 4))
        model.register_forward_hook(lambda *a: print("tile", flush=True))
        predict(model, np.zeros((4000, 4000), np.float32), tile=64, out={str(tmp_path / "out.npy")!r}, progress=False)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(70):  # more than one row of tiles, so that the file has been begun
        child.stdout.readline()
    assert any(p.name.endswith(".part") for p in tmp_path.iterdir())
    child.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in child.communicate(timeout=60)[1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name, content, error, words", [
    ("missing.npy", None, FileNotFoundError, "missing.npy.*no such file"), ("short.npy", b"\x93NUMPY\x01", ValueError, "short.npy.*damaged"),
    ("empty.tif", b"", ValueError, "empty.tif.*damaged"), ("text.npy", b"hello", ValueError, "text.npy"),
    ("notes.txt", b"hello", ValueError, "notes.txt"), ("cut.png", b"\x89PNG\r\n\x1a\n000", ValueError, "cut.png"),
])
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, error, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words):
        predict(MODEL, tmp_path / name)


def test_pickled_arrays_are_not_loaded(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="objects.npy"):
        predict(MODEL, tmp_path / "objects.npy")


@pytest.mark.parametrize("array, words", [(np.zeros((0, 4), np.uint8), "at least one pixel"),
                                          (np.zeros(4, np.uint8), r"shape \(4,\)"),
                                          (np.zeros((4, 4), complex), "dtype complex")])
def test_arrays_in_files_that_do_not_fit_are_refused(tmp_path, array, words):
    with pytest.raises(ValueError, match=words):
        predict(MODEL, save(tmp_path / "a.npy", array))


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    def never(*_):
        raise AssertionError("the network was run")
    model = UNet(channels=(2, 4))
    model.register_forward_pre_hook(never)
    with pytest.raises(ValueError, match="ends in .npy, .tif"):
        predict(model, np.zeros((9, 9), np.float32), out=tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match="'nowhere'"):
        predict(model, np.zeros((9, 9), np.float32), out=tmp_path / "nowhere" / "a.npy")


def test_a_constant_file_is_black(tmp_path):
    picture = Picture(save(tmp_path / "a.npy", np.full((3, 4), 77, np.uint8)))
    assert picture.window((0, 3), (0, 4), mirror=False).tolist() == [[[[0.0] * 4] * 3]]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_a_large_file_passes_in_little_memory(tmp_path):
    """5000×6000 pixels: the probabilities alone would be 360 MB, the activations of the whole image 4 GB."""
    big = np.lib.format.open_memmap(tmp_path / "big.npy", mode="w+", dtype=np.uint8, shape=(5000, 6000))
    big[:] = np.resize(np.random.default_rng(0).integers(0, 255, 10_007, dtype=np.uint8), 30_000_000).reshape(big.shape)
    big.flush()
    code = f"""
        import re, torch
        from unet_course import UNet, predict
        def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
        model = UNet(num_classes=3, channels=(2, 4))
        predict(model, torch.rand(64, 64))
        open("/proc/self/clear_refs", "w").write("5")
        before = peak()
        predict(model, {str(tmp_path / "big.npy")!r}, tile=512, overlap=8, out={str(tmp_path / "out.npy")!r}, progress=False)
        print(peak() - before)
    """
    needed = []
    while len(needed) < 3 and not (needed and min(needed) < 250):  # how soon the system writes pages out changes the peak
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        needed.append(float(done.stdout))
    assert min(needed) < (250 if torch.version.cuda is None else 300), needed  # builds for CUDA take more themselves
    assert np.load(tmp_path / "out.npy", mmap_mode="r").shape == (3, 5000, 6000)


def test_the_trained_network_counts_the_same_nuclei_in_a_file(tmp_path):
    model, path = load_pretrained(), save(tmp_path / "field.tif", load_raw("val"))
    assert (predict(model, path, tile=128, classes=True) != predict(model, normalise(load_raw("val")), classes=True)).sum() == 0


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 9))), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_pieces_are_counted_across_bands_as_in_the_whole_mask(mask, rows):
    bands = (mask[r : r + rows] for r in range(0, len(mask), rows))
    assert count_across(bands) == label(mask, connectivity=2).max()


def test_no_bands_no_pieces():
    assert count_across([]) == 0 and count_across([np.zeros((0, 3)), np.ones((1, 3))]) == 1


@pytest.mark.parametrize("size, tile, margin", [((7, 12), 4, 1), ((5, 5), 8, 2), ((9, 4), 3, 0), ((1, 1), 2, 3)])
def test_overlap_tile_is_the_mirrored_whole(size, tile, margin):
    image = torch.rand(size)
    whole = torch.from_numpy(np.pad(image.numpy(), margin, mode="reflect"))

    def run(window):
        return torch.nn.functional.avg_pool2d(window[None], 2 * margin + 1, 1, margin)[0]
    inside = slice(margin, margin + size[0]), slice(margin, margin + size[1])
    assert torch.allclose(overlap_tile(run, image, tile, margin), run(whole)[inside], atol=1e-6)
