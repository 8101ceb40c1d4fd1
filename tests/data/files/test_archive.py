"""Archives that are damaged or malicious: nothing outside the folder, nothing left behind, and a clear word."""

import io
import stat
import zipfile

import numpy as np
import pytest

from unet_course.data.files.archive import ArchiveError, unpack


def packed(path, *members, **options):
    """A zip archive of (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def outside(tmp_path):
    """What there is but the archive."""
    return sorted(path.name for path in tmp_path.rglob("*") if path.suffix != ".zip")


def refused(tmp_path, archive, message, **options):
    with pytest.raises(ArchiveError, match=message):
        unpack(archive, tmp_path / "in" / "side", **options)
    assert outside(tmp_path) in ([], ["in"])


def entry(name, mode=stat.S_IFREG | 0o644, **attributes):
    """An entry as another program might write it: its name is taken as it is."""
    info = zipfile.ZipInfo("x")
    info.filename = name
    info.external_attr = mode << 16
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def test_what_is_packed_comes_out(tmp_path):
    archive = packed(tmp_path / "a.zip", ("deep/er/b.txt", "b"), ("c.txt", "c" * 5000), ("empty/", ""), ("zellen-äöü.txt", "d"),
                     compression=zipfile.ZIP_DEFLATED)
    out = unpack(archive, tmp_path / "out")
    assert {str(path.relative_to(out)): path.read_text() for path in out.rglob("*") if path.is_file()} == {
        "deep/er/b.txt": "b", "c.txt": "c" * 5000, "zellen-äöü.txt": "d"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "out"]


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="folder 'out' is there already"):
        unpack(packed(tmp_path / "a.zip", ("mine.txt", "yours")), tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["../b.txt", "a/../../b.txt", "..", "/b.txt", "//server/b.txt", "C:/b.txt", "c:b.txt", "..\\b.txt",
                                  "a\\..\\..\\b.txt", "\\b.txt", "\\\\server\\share\\b.txt"])
def test_a_path_that_leads_outside_is_refused(tmp_path, name):
    refused(tmp_path, packed(tmp_path / "a.zip", ("good.txt", "a"), (entry(name), "b")), "which leads out of its folder")


@pytest.mark.parametrize("name, why", [
    ("a\\b.txt", "a letter that"), ("a:b.txt", "leads out|a letter that"), ("ab:c.txt", "a letter that"), ("a\x1b[2Jb.txt", "a letter"),
    ("a\u202etxt.exe", "a letter that"), ("a\nb", "a letter that"), ("./a", "no name for a file"), ("a//b", "no name for a file"),
    ("a/./b", "no name for a file"), ("b.txt.", "no name for a file"), ("b ", "no name for a file"), ("b" * 201, "no name for a file"),
    ("a/nul", "device on Windows"), ("COM1.txt", "device on Windows")])
def test_a_name_that_means_something_else_elsewhere_is_refused(tmp_path, name, why):
    refused(tmp_path, packed(tmp_path / "a.zip", ("good.txt", "a"), (entry(name), "b")), f"which .*{why}")


def test_a_name_that_ends_at_a_zero_byte_is_refused(tmp_path):
    """Programs differ about such names; zipfile shows what stands before the zero."""
    archive = packed(tmp_path / "a.zip", ("good.txt", "a"), ("../b.txt0.png", "b"))
    archive.write_bytes(archive.read_bytes().replace(b"../b.txt0.png", b"okay.txt\0.png"))
    refused(tmp_path, archive, "a letter that")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a.txt", "a.txt"), ("a.txt", "A.TXT"), ("a", "a/b"), ("a/b", "a"), ("a/b/c", "A/B"),
                                   ("\u00e4", "a\u0308")])
def test_two_files_in_one_place_are_refused(tmp_path, names):
    refused(tmp_path, packed(tmp_path / "a.zip", *((entry(name), "b") for name in names)), "which is there twice")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path, kind):
    refused(tmp_path, packed(tmp_path / "a.zip", (entry("a", kind | 0o777), "/etc/passwd")), "which is a link or a device")


def test_a_file_through_a_link_is_refused(tmp_path):
    """First a link that leads outside, then a file behind it."""
    archive = packed(tmp_path / "a.zip", (entry("a", stat.S_IFLNK | 0o777), str(tmp_path)), ("a/b.txt", "b"))
    refused(tmp_path, archive, "which is a link or a device|which is there twice")


def test_rights_are_not_taken_from_the_archive(tmp_path):
    out = unpack(packed(tmp_path / "a.zip", (entry("a", stat.S_IFREG | stat.S_ISUID | 0o777), "b")), tmp_path / "out")
    assert not (out / "a").stat().st_mode & (stat.S_ISUID | 0o111)


def test_a_locked_file_is_refused(tmp_path):
    archive = packed(tmp_path / "a.zip", ("a.txt", "b"))
    data = bytearray(archive.read_bytes())
    for place in (6, data.index(b"PK\1\2") + 8):  # the flags of a file, twice
        data[place] |= 1
    archive.write_bytes(data)
    refused(tmp_path, archive, "which is locked with a password")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_a_whole_block_at_once_are_refused(tmp_path, method):
    refused(tmp_path, packed(tmp_path / "a.zip", ("a.txt", "b" * 100), compression=method), "neither stored nor deflated")


def test_a_small_archive_of_a_huge_file_is_refused(tmp_path):
    archive = packed(tmp_path / "a.zip", ("a.txt", bytes(5_000_000)), compression=zipfile.ZIP_DEFLATED)
    assert archive.stat().st_size < 6000
    refused(tmp_path, archive, "holds 1 files of 5,000,000 bytes together; wanted at most 20,000 files and 4,999,999 bytes",
            max_bytes=4_999_999)
    assert unpack(archive, tmp_path / "out", max_bytes=5_000_000)


def test_a_file_that_is_longer_than_it_states_is_refused(tmp_path):
    """Its length stands in two places; both are made to say ten."""
    archive = packed(tmp_path / "a.zip", ("a.txt", bytes(5_000_000)), compression=zipfile.ZIP_DEFLATED)
    length, data = (5_000_000).to_bytes(4, "little"), archive.read_bytes()
    assert data.count(length) == 2
    archive.write_bytes(data.replace(length, (10).to_bytes(4, "little")))
    refused(tmp_path, archive, "is damaged", max_bytes=1000)


def test_too_many_files_are_refused(tmp_path):
    archive = packed(tmp_path / "a.zip", *((f"{n}.txt", "") for n in range(11)))
    refused(tmp_path, archive, "holds 11 files .*; wanted at most 10 files", max_files=10)


def test_what_is_no_archive_is_told(tmp_path):
    (tmp_path / "a.zip").write_text("<html>Please sign in</html>")
    refused(tmp_path, tmp_path / "a.zip", "archive a.zip is damaged, or no zip archive .BadZipFile")


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_damaged_archive_never_gives_half_of_it(tmp_path):
    """A byte is changed, or the end is cut off, in 600 ways: all comes out as it was, or nothing and an error."""
    draw = np.random.default_rng(0)
    content = {"b/a.txt": b"a" * 300, "c.bin": draw.bytes(300)}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    whole, refusals = whole.getvalue(), 0
    for case in range(600):
        data, place = bytearray(whole), int(draw.integers(len(whole)))
        if case % 3:
            data[place] ^= int(draw.integers(1, 256))
        else:
            del data[place:]
        (tmp_path / "a.zip").write_bytes(data)
        out = tmp_path / f"out{case}"
        try:
            unpack(tmp_path / "a.zip", out, max_bytes=10_000)
        except ArchiveError:
            refusals += 1
            assert not out.exists()
        else:
            found = sorted(path.read_bytes() for path in out.rglob("*") if path.is_file())
            # whole files, though not one that now says that it is a folder
            assert found == sorted(content.values()) or len(found) < 2 and set(found) <= set(content.values())
    assert refusals > 400
    assert not list(tmp_path.glob("*.part"))
