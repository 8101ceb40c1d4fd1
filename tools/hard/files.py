"""Hard cases on disk: masks of every kind, files cut short, changed, renamed, or lying about their size."""

import contextlib
import io
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import tifffile
import torch
from hypothesis import strategies as st
from PIL import Image

from tools.hard.arrays import check_probabilities, hypothesize, made, network
from unet_course import SegmentationFolder, normalise, predict
from unet_course.data.files.images import count_pages, read_page, read_pages, resolution, write_image
from unet_course.data.folder import read_image, read_mask
from unet_course.data.mask_kinds import objects_to_classes
from unet_course.own_data.survey import survey

MASKS = ["bool", "uint8", "uint16", "int8", "int16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]
WAYS = {  # how tifffile can write the same picture
    "plain": {}, "zlib": {"compression": "zlib"}, "big": {"bigtiff": True}, "motorola": {"byteorder": ">"},
    "strips": {"rowsperstrip": 2}, "tiles": {"tile": (16, 16), "compression": "zlib"},
    "predictor": {"compression": "zlib", "predictor": True}, "imagej": {"imagej": True}, "ome": {"ome": True},
    "bare": {"metadata": None}, "lzma": {"compression": "lzma"}, "packbits": {"compression": "packbits"},
}


@contextlib.contextmanager
def place():
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        yield Path(folder)


def save(path, array, way="plain", **more):
    """Write one array as the suffix says; False if that kind of file does not hold such an array."""
    try:
        if way == "palette" and path.suffix != ".tif":
            picture = Image.frombytes("P", array.shape[::-1], array.astype(np.uint8).tobytes())
            assert array.ndim == 2 and np.array_equal(array.astype(np.uint8), array)
            picture.putpalette([k * 37 % 256 for k in range(3 * (int(array.max()) + 1))])
            picture.save(path)
        elif path.suffix == ".tif":
            photometric = "rgb" if array.ndim == 3 and array.shape[-1] in (3, 4) and "pages" not in more else "minisblack"
            axes = {"metadata": {"axes": "ZYX"}} if way in ("imagej", "ome") and "pages" in more and array.ndim == 3 else {}
            tifffile.imwrite(path, array, photometric=photometric, **WAYS.get(way, {}), **axes)
        elif path.suffix == ".npy":
            np.save(path, array)
        else:
            if array.dtype.kind in "iu":  # of others some versions write the last 16 bits, and others refuse
                assert 0 <= array.min() and array.max() < 2**16
            Image.fromarray(array).save(path)
    except Exception:  # that program, not ours, refuses
        return False
    return path.exists() and array.size > 0


def masks_back(judge, count, seed):
    """A mask comes back as it was written, for each meaning of its numbers, or is refused."""
    with place() as folder:
        def check(case):
            made_, suffix, way, kind = case
            array, path = made_.array(), folder / f"m{suffix}"
            path.unlink(missing_ok=True)
            if not save(path, array, way):
                return

            def action():
                got = read_mask(path, kind=kind)
                wanted = objects_to_classes(array.astype(np.int64), kind) if kind != "classes" else array
                assert got.dtype == np.int64 and got.ndim == 2
                if array.ndim == 2 or array.shape[-1] not in (3, 4):
                    assert np.array_equal(got, wanted.reshape(got.shape)), "another mask came back"
                assert 0 <= got.min() and (kind == "classes" or got.max() < {"binary": 2, "labels": 3}[kind])
            judge.case(case, [path.name], action)
        usual = made(MASKS[:3], (2, 2), [1, 5, 17], ["few", "0/255", "zeros"])
        arrays = st.one_of(made(MASKS, (2, 2), [1, 2, 5, 17, 33]), usual,
                           made(MASKS, (2, 4), [1, 3, 4, 5]))
        kinds = st.sampled_from(["classes", "binary", "labels"])
        general = st.tuples(arrays, st.sampled_from([".tif", ".tif", ".png", ".bmp"]), st.sampled_from(list(WAYS)), kinds)
        palettes = st.tuples(made(["uint8"], (2, 2), [1, 2, 5, 17], ["few", "zeros", "constant", "random"]),
                             st.sampled_from([".png", ".png", ".bmp"]), st.just("palette"), kinds)
        hypothesize(count, seed, st.one_of(general, general, palettes), check)


def images_back(judge, count, seed):
    """An image comes back scaled, channels first, or is refused; predict on the file gives probabilities of its size."""
    models = {channels: network(channels) for channels in (1, 3)}
    with place() as folder:
        def check(case):
            made_, suffix, way, whole = case
            array, path = made_.array(), folder / f"i{suffix}"
            path.unlink(missing_ok=True)
            if not save(path, array, way):
                return

            def reading():
                got = read_image(path)
                assert got.dtype == np.float32 and got.ndim == 3 and np.isfinite(got).all()
                assert got.min() >= 0 and got.max() <= 1
                if array.ndim == 2:
                    assert np.array_equal(got[0], normalise(array)), "another image came back"

            def segmenting():
                got = predict(models[3 if array.ndim == 3 and array.shape[-1] in (3, 4) else 1], path, progress=False)
                if array.ndim == 2:
                    check_probabilities(got, array.shape)
            judge.case(case, [path.name, "image"], segmenting if whole else reading)
        arrays = st.one_of(made(MASKS, (2, 2), [1, 2, 5, 17, 33]), made(["uint8", "uint16"], (3, 3), [3, 4, 5]),
                           made(MASKS, (2, 4), [1, 3, 4, 5]))
        hypothesize(count, seed, st.tuples(arrays, st.sampled_from([".tif", ".tif", ".png", ".bmp", ".npy"]),
                                           st.sampled_from(list(WAYS)), st.booleans()), check)


def stacks_back(judge, count, seed):
    """Pages come back in their number and order, one by one and from a folder."""
    with place() as folder:
        for part in ("images", "masks"):
            (folder / part).mkdir()

        def check(case):
            pages, height, width, way, fewer = case
            stack = np.arange(pages * height * width, dtype=np.uint16).reshape(pages, height, width)
            image, mask = folder / "images" / "s.tif", folder / "masks" / "s.tif"
            if not save(image, stack, way, pages=True):
                return
            write_image(mask, list((stack % 3).astype(np.uint8))[: pages - fewer or 1])

            def action():
                assert count_pages(image) == pages and all(np.array_equal(a, b) for a, b in zip(read_pages(image), stack))
                data = SegmentationFolder(folder / "images", folder / "masks")
                items = [data[k] for k in range(len(data))]
                assert len(items) == pages and all(np.array_equal(m, s % 3) for (_, m), s in zip(items, stack))
                assert survey(folder / "images", folder / "masks", progress=False).pages == pages
            judge.case(case, ["s.tif"], action)
            for path in (image, mask):
                path.unlink()
        ways = ["plain", "zlib", "big", "motorola", "strips", "imagej", "ome", "bare", "tiles"]
        hypothesize(count, seed, st.tuples(st.integers(1, 6), st.integers(2, 9), st.integers(2, 9), st.sampled_from(ways),
                                           st.sampled_from([0, 0, 0, 1])), check)


def _samples(side, folder):
    """Files of each kind, and how to read them: {name: (content, read, whether a change cannot go unseen)}."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 65535, (side, side), dtype=np.uint16)
    mask = rng.integers(0, 3, (side, side), dtype=np.uint8)
    model = network()
    written = {}
    for name, array, way in [("i.png", noise, None), ("m.png", mask, None), ("c.png", np.stack([mask * 9] * 3, -1), None),
                             ("i.jpg", mask * 80, None), ("i.bmp", mask * 80, None), ("i.tif", noise, "plain"),
                             ("z.tif", noise, "zlib"), ("m.tif", mask, "zlib"), ("s.tif", np.stack([mask] * 4), "bare"),
                             ("j.tif", np.stack([mask] * 4), "imagej"), ("o.tif", np.stack([mask] * 4), "ome"),
                             ("i.npy", noise, None)]:
        assert save(folder / name, array, way or "plain", pages=True)
        written[name] = (folder / name).read_bytes()
        (folder / name).unlink()
    palette = Image.fromarray(mask).convert("P")
    palette.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    buffer = io.BytesIO()
    palette.save(buffer, format="PNG")
    written["p.png"] = buffer.getvalue()
    for name, picture, options in _as_people_have_them(mask, noise):
        picture.save(folder / name, **options) if isinstance(picture, Image.Image) else tifffile.imwrite(
            folder / name, picture, **options)
        written[name] = (folder / name).read_bytes()
        (folder / name).unlink()

    def pages(path):
        found = list(read_pages(path, indices=path.name[0] in "mp"))  # of a changed file they may differ in size
        return found[0] if len(found) == 1 else np.concatenate([page.ravel() for page in found])
    readers = {".npy": lambda path: predict(model, path, progress=False).numpy()}
    return {name: (content, readers.get(Path(name).suffix, pages)) for name, content in written.items()}


def _as_people_have_them(mask, noise):
    """(name, picture, options): turned by the camera, palettes, transparency, numbers for nothing, no 0."""
    turned = Image.Exif()
    turned[0x0112] = 6
    white_first = Image.fromarray(np.uint8(mask > 0))
    white_first.putpalette([255, 255, 255, 0, 0, 0])
    missing = noise.astype(np.float32)
    missing[:3] = -9999
    yield "e.jpg", Image.fromarray(mask * 80), {"exif": turned}
    yield "pw.png", white_first, {}
    yield "g.gif", Image.fromarray(np.uint8(mask > 0) * 255), {}
    yield "a.png", Image.fromarray(np.dstack([mask * 80] * 3 + [mask * 120])), {}
    yield "m1.png", Image.fromarray(mask + 1), {}
    yield "mv.png", Image.fromarray(np.where(mask == 2, 255, mask).astype(np.uint8)), {}
    yield "n.tif", missing, {}
    yield "h.tif", np.dstack([noise, noise]), {"photometric": "minisblack", "planarconfig": "contig"}
    yield "t.tif", noise, {"extratags": [(274, "H", 1, 8, True)]}


def _put(path, content):
    path.unlink(missing_ok=True)  # another file, not the same one cut: it may still be mapped
    path.write_bytes(content)


def cut_short(judge, count, seed):
    """Files cut at every 1 KB, and at some other places: refused, or complete; never half."""
    with place() as folder:
        samples = _samples(96, folder)
        rng = np.random.default_rng(seed)
        whole = {}
        for name, (content, read) in samples.items():
            _put(folder / name, content)
            whole[name] = read(folder / name)
        lengths = [(name, length) for name, (content, _) in samples.items() for length in range(0, len(content), 1024)]
        while len(lengths) < count:
            name = list(samples)[rng.integers(len(samples))]
            lengths.append((name, int(rng.integers(len(samples[name][0])))))
        for name, length in lengths:
            content, read = samples[name]
            _put(folder / name, content[:length])

            def action(name=name, read=read):
                got = read(folder / name)
                assert np.array_equal(got, whole[name]), "a part of the picture came back"
            judge.case((name, length), [name], action)


def flipped(judge, count, seed):
    """One to three bits changed: a PNG is refused or the same; the others are refused or a picture of some kind."""
    with place() as folder:
        samples = _samples(20, folder)
        whole = {}
        for name, (content, read) in samples.items():
            _put(folder / name, content)
            whole[name] = read(folder / name)

        def check(case):
            name, places, purpose = case
            content, read = samples[name]
            changed = bytearray(content)
            for where, bit in places:
                changed[where % len(changed)] ^= 1 << bit
            _put(folder / name, bytes(changed))

            def action():
                if purpose == "mask" and name[-3:] != "npy":
                    got = read_mask(folder / name, kind="labels")
                    assert got.dtype == np.int64 and got.ndim == 2 and 0 <= got.min() and got.max() <= 2
                elif purpose == "image" and name[-3:] != "npy":
                    got = read_image(folder / name)
                    assert got.ndim == 3 and np.isfinite(got).all()
                    resolution(folder / name)
                else:
                    got = read(folder / name)
                    assert got.size < 10_000_000
                    assert name[-3:] != "png" or np.array_equal(got, whole[name]), "a changed picture came back"
            judge.case(case, [name, "image"], action)
        where = st.one_of(st.integers(0, 300), st.integers(0, 5000))
        places = st.lists(st.tuples(where, st.integers(0, 7)), min_size=1, max_size=3)
        cases = st.tuples(st.sampled_from(sorted(samples)), places, st.sampled_from(["read", "image", "mask"]))
        hypothesize(count, seed, cases, check)


def _png(width, height, depth, colour, data=b""):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def _tiff(width, height, bits, compression, order="<", claimed=None):
    tags = [(256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, compression), (262, 3, 1), (273, 4, 200), (277, 3, 1),
            (278, 4, height), (279, 4, min(width * height * bits // 8, 2**32 - 1) if claimed is None else claimed)]
    body = b"".join(struct.pack(order + "HHI", tag, kind, 1) + struct.pack(order + ("HH" if kind == 3 else "I"), value,
                                                                          *([0] if kind == 3 else []))
                    for tag, kind, value in tags)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(tags))
    return (head + body + bytes(4)).ljust(200, b"\0") + zlib.compress(bytes(1000))


def lying(judge, count, seed):
    """Headers that claim up to exabytes: refused before the memory is taken."""
    model = network()
    with place() as folder:
        def check(case):
            kind, width, height, bits, other, purpose = case
            if kind == "png":
                content = _png(width, height, bits, (0, 2, 3, 4, 6)[other], bytes(5000))
            elif kind == "tif":
                content = _tiff(width, height, bits, (1, 8, 32773, 5, 34925)[other], "<>"[other % 2],
                                (None, 1000, 2**31)[other % 3])
            elif kind == "bmp":
                content = b"BM" + struct.pack("<IIIIiiHHIIiiII", 2000, 0, 54, 40, width & 0x7FFFFFFF, height & 0x7FFFFFFF,
                                              1, (1, 4, 8, 24, 32)[other], 0, 0, 0, 0, 0, 0) + bytes(1900)
            else:
                text = f"{{'descr': '<u{bits // 8}', 'fortran_order': False, 'shape': ({height}, {width}), }}".encode()
                content = b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + bytes(1000)
            path = folder / f"i.{kind}"
            _put(path, content)

            def action():
                got = (predict(model, path, progress=False) if purpose == "predict" or kind == "npy" else
                       read_mask(path) if purpose == "mask" else read_image(path))
                assert tuple(got.shape[-2:]) == (height, width) and height * width < 5_000_000
            judge.case(case, [path.name, "image"], action)
        edges = [2**31 - 1, 2**31, 2**32 - 1, 65535, 65536, 46341, 30000]
        side = st.one_of(st.sampled_from(edges), st.integers(1000, 2**32 - 1))
        cases = st.tuples(st.sampled_from(["png", "tif", "bmp", "npy"]), side, side, st.sampled_from([8, 16]),
                          st.integers(0, 4), st.sampled_from(["image", "mask", "predict"]))
        hypothesize(count, seed, cases, check)


def misnamed(judge, count, seed):
    """Right content under a wrong suffix, text, zeros, nothing."""
    model = network()
    with place() as folder:
        samples = _samples(20, folder)
        contents = {**{name: content for name, (content, _) in samples.items()}, "nothing": b"", "text": b"hello " * 50,
                    "zeros": bytes(3000), "half a signature": b"\x89PNG", "tiff and nothing": b"II*\0",
                    "eps": b"%!PS-Adobe-3.0 EPSF", "gif": b"GIF89a" + bytes(40),
                    "pickle": b"\x80\x04\x95" + bytes(50), "zip": b"PK\x03\x04" + bytes(60)}

        def check(case):
            what, suffix, purpose = case
            path = folder / f"x{suffix}"
            _put(path, contents[what])

            def action():
                if purpose == "predict":
                    predict(model, path, progress=False)
                elif purpose == "page":
                    got = read_page(path)
                    assert what in samples and got.shape[:2] == (20, 20)
                else:
                    got = (read_image if purpose == "image" else read_mask)(path)
                    assert what in samples and got.shape[-2:] == (20, 20)
            judge.case(case, [path.name, "image"], action)
            for left in folder.iterdir():
                left.unlink()
        cases = st.tuples(st.sampled_from(sorted(contents)), st.sampled_from([".png", ".tif", ".jpg", ".bmp", ".npy"]),
                          st.sampled_from(["predict", "page", "image", "mask"]))
        hypothesize(count, seed, cases, check)


def folders(judge, count, seed):
    """Whole folders with something wrong in them: the survey never fails, and names what the folder will refuse."""
    with place() as top:
        samples = _samples(12, top)
        names = sorted(name for name in samples if name[-3:] != "npy")

        def check(case):
            pairs, kind, damage = case
            for part in ("images", "masks"):
                (top / part).mkdir()
            try:
                for index, (image, mask, offset) in enumerate(pairs):
                    (top / "images" / f"{index}.{image[-3:]}").write_bytes(samples[image][0])
                    content = samples[mask][0]
                    content = content[: len(content) // 2] if damage == index else content
                    (top / "masks" / f"{index + offset}.{mask[-3:]}").write_bytes(content)

                def action():
                    found = survey(top / "images", top / "masks", kind=kind, progress=False)
                    assert str(found) and found.pages <= 4 * found.pairs
                    assert not found.values or abs(sum(found.balance.values()) - 1) < 1e-9
                    if not found.blocking:
                        data = SegmentationFolder(top / "images", top / "masks", kind=found.kind)
                        assert len(data) == found.pages
                        for image, mask in (data[k] for k in range(len(data))):
                            assert image.shape[1:] == mask.shape and 0 <= mask.min() and mask.max() < found.num_classes
                            assert torch.isfinite(image).all()
                judge.case(case, ["images", "masks"], action)
            finally:
                for part in ("images", "masks"):
                    for path in (top / part).iterdir():
                        path.unlink()
                    (top / part).rmdir()
        good = st.tuples(st.sampled_from(["i.png", "i.tif"]), st.sampled_from(["m.png", "m.tif", "p.png"]), st.just(0))
        pair = st.tuples(st.sampled_from(names), st.sampled_from(names), st.sampled_from([0, 0, 0, 7]))
        cases = st.tuples(st.one_of(st.lists(good, max_size=3), st.lists(pair, max_size=3)),
                          st.sampled_from([None, "classes", "binary", "labels"]), st.sampled_from([None, None, 0]))
        hypothesize(count, seed, cases, check)


def writing(judge, count, seed):
    """What write_image takes comes back; what it refuses leaves nothing behind."""
    with place() as folder:
        def check(case):
            array, suffix, pages, dots = case
            path = folder / f"w{suffix}"

            def action():
                picture = array.array()
                try:
                    write_image(path, [picture] * pages if pages != 1 else picture, resolution=dots)
                except BaseException:
                    assert not list(folder.iterdir()), "something was left behind"
                    raise
                assert [p.name for p in folder.iterdir()] == [path.name]
                back = list(read_pages(path))
                wanted = [picture] * pages if pages != 1 or picture.ndim == 2 else list(picture)
                assert len(back) == len(wanted)
                assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(back, wanted))
                assert dots is None or np.allclose(resolution(path)[:2], dots[:2], rtol=1e-3) or suffix == ".png"
            try:
                judge.case(case, ["path", "pages"], action)
            finally:
                for left in folder.iterdir():
                    left.unlink()
        arrays = st.one_of(made(["uint8", "uint16"], (2, 2), [1, 2, 17]),
                           made(["uint8", "uint16", "bool", "float32"], (0, 4), [0, 1, 3, 4]))
        cases = st.tuples(arrays, st.sampled_from([".png", ".tif", ".tiff", ".jpg"]), st.integers(0, 3),
                          st.sampled_from([None, (300.0, 300.0, "INCH"), (12345.6, 2.5, "CENTIMETER")]))
        hypothesize(count, seed, cases, check)


GROUPS = {  # name: (function, weight)
    "masks written and read": (masks_back, 10), "images written and read": (images_back, 8), "stacks": (stacks_back, 3),
    "cut short": (cut_short, 9), "bits changed": (flipped, 14), "lying headers": (lying, 6), "wrong suffix": (misnamed, 5),
    "folders": (folders, 3), "write_image": (writing, 5),
}
