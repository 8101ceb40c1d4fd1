"""Picture files in and out: every layout of a TIFF, palettes, and files that are not what they say."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from unet_course.data.files.images import count_pages, read_page, read_pages, resolution, write_image

STACK = np.random.default_rng(0).integers(0, 60000, (3, 6, 7), dtype=np.uint16)
PLANES = np.random.default_rng(1).integers(0, 255, (3, 2, 6, 7), dtype=np.uint8)  # depth, channel, height, width
COLOURS = np.random.default_rng(2).integers(0, 255, (3, 6, 7, 3), dtype=np.uint8)
GREY = dict(photometric="minisblack")


def png(rows, *, width, depth, colour):
    """A PNG file by hand, because Pillow writes no grey ones of 2 and 4 bits."""
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"imagej": True, "metadata": {"axes": "ZYX"}}, {"metadata": None},
                                     {"ome": True, "metadata": {"axes": "TYX"}}, {"byteorder": ">"}, {"bigtiff": True},
                                     {"tile": (16, 16)}, {"rowsperstrip": 2, "compression": "zlib", "predictor": True}])
def test_stacks_of_every_layout_are_pages_in_their_order(tmp_path, options):
    path = tmp_path / "s.tif"
    tifffile.imwrite(path, STACK, **GREY, **options)
    assert count_pages(path) == 3 and np.array_equal(list(read_pages(path)), STACK)
    assert np.array_equal(read_page(path, 1), STACK[1]) and read_page(path, 1).dtype == np.uint16


@pytest.mark.parametrize("options", [{"imagej": True}, {}, {"compression": "zlib"}, {"ome": True}, {"ome": True, "compression": "zlib"}])
@pytest.mark.parametrize("axes", ["ZCYX", "TCYX"])
def test_channels_stay_with_their_page(tmp_path, options, axes):
    path = tmp_path / "hyper.tif"
    tifffile.imwrite(path, PLANES, **GREY, metadata={"axes": axes}, **options)
    assert np.array_equal(list(read_pages(path)), np.moveaxis(PLANES, 1, -1))


def test_four_channels_are_no_transparency(tmp_path):
    four = np.random.default_rng(3).integers(0, 255, (4, 6, 7), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "four.tif", four, **GREY, metadata={"axes": "CYX"})
    assert np.array_equal(read_page(tmp_path / "four.tif"), np.moveaxis(four, 0, -1))


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_colours_interleaved_and_plane_by_plane(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", COLOURS, photometric="rgb", **options)
    assert np.array_equal(list(read_pages(tmp_path / "a.tif")), COLOURS)
    tifffile.imwrite(tmp_path / "b.tif", np.moveaxis(COLOURS[0], -1, 0), photometric="rgb", planarconfig="separate", **options)
    assert np.array_equal(read_page(tmp_path / "b.tif"), COLOURS[0])


def test_transparency_is_dropped_from_images_and_kept_in_raw_numbers(tmp_path):
    rgba = np.concatenate([COLOURS[0], np.full((6, 7, 1), 9, np.uint8)], axis=-1)
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    for name in ("a.tif", "a.png"):
        assert np.array_equal(read_page(tmp_path / name), COLOURS[0]) and read_page(tmp_path / name, indices=True).shape == (6, 7, 4)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", None])
def test_compressions_of_other_programs(tmp_path, compression):
    """LZW needs another package in tifffile; Pillow has it."""
    Image.fromarray(PLANES[0, 0]).save(tmp_path / "a.tif", compression=compression)
    assert np.array_equal(read_page(tmp_path / "a.tif"), PLANES[0, 0])


def test_pages_of_different_sizes_keep_their_order(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for number, shape in enumerate([(4, 5), (3, 3), (4, 5)]):
            file.write(np.full(shape, number, np.uint8), **GREY)
    assert [page.max() for page in read_pages(tmp_path / "a.tif")] == [0, 1, 2]


def test_a_stack_that_lacks_its_last_pages_is_refused(tmp_path):
    """tifffile itself reads the pages that are there, and says so in its log only."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for page in STACK:
            file.write(page, **GREY, metadata=None, contiguous=False)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) < 3
    with pytest.raises(ValueError, match=r"a.tif cannot be read as an image \(.*cut short"):
        count_pages(path)


def test_a_palette_is_colours_for_images_and_numbers_for_masks(tmp_path):
    picture = Image.fromarray(np.uint8([[0, 1], [2, 1]])).convert("P")
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    for name in ("a.png", "a.bmp"):
        picture.save(tmp_path / name)
        assert read_page(tmp_path / name, indices=True).tolist() == [[0, 1], [2, 1]]
        assert read_page(tmp_path / name)[0, 1].tolist() == [128, 0, 0]


@pytest.mark.parametrize("depth, row, values", [(2, 0b00011000, [0, 1, 2, 0]), (4, 0x12, [1, 2])])
def test_grey_of_two_and_four_bits_keeps_its_numbers(tmp_path, depth, row, values):
    """What tools that make PNG files small turn a class mask into; Pillow stretches it to 0 … 255."""
    (tmp_path / "m.png").write_bytes(png([bytes([row])], width=len(values), depth=depth, colour=0))
    assert read_page(tmp_path / "m.png", indices=True).tolist() == [values]
    assert max(np.array(Image.open(tmp_path / "m.png")).ravel()) > 16


def test_a_changed_bit_in_the_pixels_of_a_png_is_noticed(tmp_path):
    """Or in anything else but the length and the checksum of the last part, which holds nothing."""
    path = tmp_path / "m.png"
    whole = png([bytes(8)] * 8, width=8, depth=8, colour=0)
    places = [*range(8 * (len(whole) - 12)), *range(8 * (len(whole) - 8), 8 * (len(whole) - 4))]
    for place in places:
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="m.png cannot be read"):
            read_page(path)
    assert len(places) > 450


def test_names_do_not_decide_but_contents(tmp_path):
    write_image(tmp_path / "a.png", STACK[0])
    (tmp_path / "a.png").rename(tmp_path / "b.tif")
    assert np.array_equal(read_page(tmp_path / "b.tif"), STACK[0])


@pytest.mark.parametrize("content", [
    png([b"\0"], width=2**31 - 1, depth=16, colour=0), png([b"\0"], width=10**6, depth=8, colour=2),
    b"II*\0" + struct.pack("<IH", 8, 5) + b"".join(struct.pack("<HHII", *tag) for tag in (
        (256, 4, 1, 2**31), (257, 4, 1, 2**31), (258, 4, 1, 8), (273, 4, 1, 8), (279, 4, 1, 2**31))) + bytes(4)])
def test_a_header_that_claims_gigabytes_is_refused_before_they_are_taken(tmp_path, content):
    (tmp_path / "a.img").write_bytes(content)
    with pytest.raises(ValueError, match="a.img cannot be read as an image"):
        read_page(tmp_path / "a.img")


def test_what_is_no_page_or_no_file(tmp_path):
    write_image(tmp_path / "a.tif", STACK)
    with pytest.raises(IndexError, match="a.tif has pages 0 to 2"):
        read_page(tmp_path / "a.tif", 3)
    for way in (count_pages, read_page, lambda path: list(read_pages(path))):
        with pytest.raises(FileNotFoundError, match="no such file"):
            way(tmp_path / "b.tif")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dots", [None, (300.0, 150.0, "INCH"), (43210.5, 98765.25, "CENTIMETER")])
def test_written_losslessly_with_its_resolution(tmp_path, dtype, suffix, dots):
    path, picture = tmp_path / f"a{suffix}", (STACK[0] % 251).astype(dtype)
    write_image(path, picture, resolution=dots)
    assert np.array_equal(read_page(path), picture) and [p.name for p in tmp_path.iterdir()] == [path.name]
    if dots:
        x, y, unit = resolution(path)
        factor = 2.54 if unit == "INCH" and dots[2] == "CENTIMETER" else 1
        assert (x / factor, y / factor) == pytest.approx(dots[:2], rel=1e-3)
    else:
        assert resolution(path) is None


def test_stacks_are_written_page_by_page(tmp_path):
    for pages in (STACK, list(STACK), (page for page in STACK)):
        write_image(tmp_path / "a.tif", pages)
        assert np.array_equal(list(read_pages(tmp_path / "a.tif")), STACK)


def test_microns_of_imagej_are_understood(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(4, 2), metadata={"axes": "ZYX", "unit": "um"})
    assert resolution(tmp_path / "a.tif") == (40000, 20000, "CENTIMETER")


@pytest.mark.parametrize("name, pages, error, words", [
    ("a.jpg", STACK[0], ValueError, "JPEG changes the values"), ("a.png", STACK, ValueError, "more pages than one"),
    ("a.png", [], ValueError, "pages is empty"), ("a.tif", [], ValueError, "pages is empty"),
    ("a.tif", np.float32(STACK[0]), ValueError, "float32.*uint8 or uint16"), ("a.tif", COLOURS[0][None], ValueError, "shape"),
    ("a.tif", np.uint8(3), ValueError, r"shape \(\)"), ("a.png", np.zeros((0, 3), np.uint8), ValueError, r"shape \(0, 3\)"),
    ("nowhere/a.tif", STACK[0], FileNotFoundError, "'nowhere'")])
def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, name, pages, error, words):
    with pytest.raises(error, match=words):
        write_image(tmp_path / name, pages)
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_stays_whole_when_writing_fails(tmp_path):
    def failing():
        yield STACK[0]
        raise KeyboardInterrupt
    write_image(tmp_path / "a.tif", STACK[1])
    with pytest.raises(KeyboardInterrupt):
        write_image(tmp_path / "a.tif", failing())
    assert np.array_equal(read_page(tmp_path / "a.tif"), STACK[1]) and len(list(tmp_path.iterdir())) == 1
