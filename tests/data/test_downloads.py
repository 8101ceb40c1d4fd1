"""Data sets from a server on this machine that is well, slow, broken or malicious: all of a set or nothing, in clear words."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread

from tools.hard.kills_download import PHASES, kill_downloads
from tools.hard.loopback import Loopback, set_of, small_bbbc039
from unet_course.data import downloads
from unet_course.data.downloads import ask, download
from unet_course.data.files import fetch as fetching
from unet_course.data.files.fetch import MIRROR, fetch

ARCHIVES, PAIRS = small_bbbc039()
IMAGES = ARCHIVES["images.zip"]


@pytest.fixture
def server(monkeypatch):
    """A mirror on 127.0.0.1 with a small BBBC039."""
    files = {f"bbbc039/{name}": data for name, data in ARCHIVES.items()}
    with Loopback(files) as loopback:
        monkeypatch.setenv(MIRROR, loopback.url + "/")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setitem(downloads.SETS, "bbbc039", set_of("bbbc039", ARCHIVES))
        yield loopback


def get(out, **options):
    return download("bbbc039", out, accept=True, progress=False, **options)


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# ---- a server that is well

def test_a_set_becomes_pairs_and_nothing_else_is_left(tmp_path, server):
    out = get(tmp_path / "nuclei")
    assert out == tmp_path / "nuclei"
    assert downloads.SETS["bbbc039"].kind == "labels"
    assert names(tmp_path) == ["nuclei"]
    assert names(out) == ["TERMS.txt", "images", "masks"]
    for number, (image, numbers) in enumerate(PAIRS):
        assert (imread(out / "images" / f"field_{number:02}.tif") == image).all()
        mask = imread(out / "masks" / f"field_{number:02}.png")
        assert ((mask > 0) == (numbers > 0)).all() and mask.dtype == np.uint16
        assert mask.max() == 12  # each nucleus has its own number; the archive uses four, over and over
        assert all(len(np.unique(numbers[mask == nucleus])) == 1 for nucleus in range(1, 13))  # touching ones stay apart
    assert len(names(out / "images")) == len(names(out / "masks")) == len(PAIRS)


def test_the_terms_and_the_origin_stay_beside_the_data(tmp_path, server):
    text = (get(tmp_path / "nuclei") / "TERMS.txt").read_text(encoding="utf-8")
    assert "CC0" in text and 'masks of kind "labels"' in text and "never train on one and test on the other" in text and "SHA-256" in text


def test_what_is_there_is_not_fetched_again(tmp_path, server):
    before = tree(get(tmp_path / "nuclei"))
    asked = len(server.asked)
    assert tree(get(tmp_path / "nuclei")) == before
    assert len(server.asked) == asked == 2


def test_the_folder_may_lie_deeper_and_be_relative(tmp_path, server, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert get("a/b/nuclei") == tmp_path / "a/b/nuclei"
    assert names(tmp_path / "a/b") == ["nuclei"]


def test_a_slow_server_is_waited_for(tmp_path, server):
    server.manners["bbbc039/images.zip"] = "drip"  # in all it takes longer than a silence may
    assert len(names(get(tmp_path / "nuclei", seconds=2) / "images")) == len(PAIRS)


def test_without_a_mirror_the_published_addresses_are_used(tmp_path, server, monkeypatch):
    monkeypatch.delenv(MIRROR)
    with pytest.raises(ConnectionError, match="images.zip cannot be fetched: http://127.0.0.1:9/images.zip cannot be reached .ConnectionError.. Is"):
        get(tmp_path / "nuclei", seconds=5)


@pytest.mark.parametrize("name, sizes", [("bbbc039", 2), ("isbi2012", 1)])
def test_the_published_addresses_and_checksums(name, sizes):
    archives = downloads.SETS[name].archives
    assert len(archives) == sizes
    for url, sha256 in archives.values():
        assert url.startswith("https://") and len(sha256) == 64 and int(sha256, 16)


# ---- what the learner says

def test_nothing_happens_before_the_terms_are_accepted(tmp_path, server):
    with pytest.raises(ValueError, match="(?s)accept is False; wanted True, once you have read the terms of bbbc039: .*CC0"):
        download("bbbc039", tmp_path / "nuclei")
    assert not server.asked and not names(tmp_path)


def test_a_set_that_does_not_exist_is_named_with_those_that_do(tmp_path):
    with pytest.raises(ValueError, match="name is 'cells'; wanted one of: bbbc039, isbi2012"):
        download("cells", tmp_path / "nuclei", accept=True)


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda out: out.symlink_to("nowhere")])
def test_what_is_there_already_is_left_alone(tmp_path, server, make):
    make(tmp_path / "nuclei")
    with pytest.raises(FileExistsError, match="nuclei is there already and is something else; give a new folder"):
        get(tmp_path / "nuclei")
    assert not server.asked and names(tmp_path) == ["nuclei"]


@pytest.mark.parametrize("answer, wanted", [("y", True), ("YES ", True), ("n", False), ("", False), ("yellow", False)])
def test_in_a_terminal_the_answer_decides(capsys, answer, wanted):
    assert ask("isbi2012", terminal=True, read=lambda question: answer) is wanted
    assert "NOT for commercial use" in capsys.readouterr().out


def test_a_closed_terminal_accepts_nothing():
    def read(question):
        raise EOFError
    assert ask("isbi2012", terminal=True, read=read) is False


def test_where_nobody_can_answer_nothing_is_asked(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)  # as under pythonw
    assert ask("isbi2012", read=None) is False
    assert "--accept-terms" in capsys.readouterr().out
    assert ask("isbi2012", read=None, accepted=True) is True
    assert "NOT for commercial use" in capsys.readouterr().out


def test_a_package_that_is_missing_is_named_before_anything_is_fetched(tmp_path, server, monkeypatch):
    monkeypatch.setattr(downloads, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="isbi2012 .* needs the package h5py; install it first: pip install h5py"):
        download("isbi2012", tmp_path / "isbi", accept=True)
    assert not names(tmp_path)


# ---- a server that is not well

def failing(server, manner, out, kind, message, **options):
    server.manners["bbbc039/images.zip"] = manner
    with pytest.raises(kind, match=message):
        get(out, **options)
    assert not out.exists()


def recovers(server, out):
    """The same command again, with a server that is well, gives what an uninterrupted run gives."""
    server.manners.clear()
    found = tree(get(out))
    assert names(out.parent) == [out.name]
    assert found == tree(get(out.with_name("another")))
    shutil.rmtree(out.with_name("another"))


def test_a_cut_goes_on_with_the_byte_that_is_missing(tmp_path, server):
    failing(server, "cut", tmp_path / "nuclei", ConnectionError, "images.zip broke off after [34]..,... bytes. Run the same command")
    have = (tmp_path / "nuclei.bbbc039.part" / "images.zip.partial").stat().st_size
    server.manners.clear()
    sent = server.sent
    get(tmp_path / "nuclei")
    assert server.asked[1] == ("bbbc039/images.zip", f"bytes={have}-")
    assert server.sent - sent == len(IMAGES) - have + len(ARCHIVES["masks.zip"])
    assert len(IMAGES) // 2 >= have > len(IMAGES) // 2 - 2**16


def test_a_cut_that_the_library_does_not_see_is_seen(tmp_path, server, monkeypatch):
    """As with urllib3 before 2.0."""
    monkeypatch.setattr("urllib3.response.HTTPResponse._init_length", lambda self, method: None)
    failing(server, "cut", tmp_path / "nuclei", ConnectionError, f"broke off after {len(IMAGES) // 2:,} bytes")
    recovers(server, tmp_path / "nuclei")


def test_a_server_that_knows_no_parts_sends_all_again(tmp_path, server):
    failing(server, "cut", tmp_path / "nuclei", ConnectionError, "broke off")
    server.manners["bbbc039/images.zip"] = "whole"
    assert len(names(get(tmp_path / "nuclei") / "images")) == len(PAIRS)
    assert len([path for path, _ in server.asked if "images" in path]) == 2  # the cut one and this one


def test_a_server_that_sends_another_part_than_asked_for_begins_anew(tmp_path, server):
    failing(server, "cut", tmp_path / "nuclei", ConnectionError, "broke off")
    server.manners["bbbc039/images.zip"] = "shifted"
    assert len(names(get(tmp_path / "nuclei") / "images")) == len(PAIRS)
    assert [asked for path, asked in server.asked if "images" in path][-1] == ""


@pytest.mark.parametrize("left", [b"of another file", IMAGES, IMAGES + b"more", b""])
def test_a_part_that_does_not_belong_to_the_file_is_thrown_away(tmp_path, server, left):
    part = tmp_path / "nuclei.bbbc039.part"
    part.mkdir()
    (part / "images.zip.partial").write_bytes(left)
    (part / "masks.zip").write_bytes(b"damaged since")
    recovers(server, tmp_path / "nuclei")


def test_what_other_runs_left_behind_is_thrown_away(tmp_path, server):
    part = tmp_path / "nuclei.bbbc039.part"
    for folder in ("unpacked/images/images", "ready/images", "ready/masks"):
        (part / folder).mkdir(parents=True)
    (part / "ready/images/old.tif").write_bytes(b"old")
    (part / "unpacked/images/images/old.tif").write_bytes(b"old")
    (part / "tmp1234").write_bytes(b"old")
    recovers(server, tmp_path / "nuclei")


def test_a_cut_that_the_server_does_not_tell_is_seen_by_the_checksum(tmp_path, server):
    failing(server, "cut unsaid", tmp_path / "nuclei", ValueError, "is not the published file, its SHA-256 differs; nothing of it")
    recovers(server, tmp_path / "nuclei")


def test_a_wrong_bit_is_seen_and_nothing_of_it_is_kept(tmp_path, server):
    failing(server, "corrupt", tmp_path / "nuclei", ValueError, "images.zip: what came from http.* is not the published file")
    assert not names(tmp_path)
    recovers(server, tmp_path / "nuclei")


def test_silence_ends_the_wait_and_what_came_is_kept(tmp_path, server):
    failing(server, "stall", tmp_path / "nuclei", ConnectionError, "sent nothing for 1 seconds. Run the same command", seconds=1)
    assert (tmp_path / "nuclei.bbbc039.part" / "images.zip.partial").stat().st_size > len(IMAGES) // 2 - 2**16
    recovers(server, tmp_path / "nuclei")


def test_an_error_of_the_server_is_told(tmp_path, server):
    failing(server, "gone", tmp_path / "nuclei", ConnectionError, "answers 404 Not Found. Run .* or set UNET_COURSE_MIRROR to")
    recovers(server, tmp_path / "nuclei")


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/images.zip"])
def test_a_server_that_sends_on_to_another_kind_of_address_is_refused(tmp_path, server, address):
    failing(server, address, tmp_path / "nuclei", ConnectionError, "or where it leads to, is not an address with http")
    recovers(server, tmp_path / "nuclei")


def test_a_server_may_send_on_to_another(tmp_path, server):
    server.files["elsewhere"] = IMAGES
    server.manners["bbbc039/images.zip"] = f"{server.url}/elsewhere"
    assert len(names(get(tmp_path / "nuclei") / "images")) == len(PAIRS)


def test_a_server_that_sends_in_a_circle_is_refused(tmp_path, server):
    failing(server, f"{server.url}/bbbc039/images.zip", tmp_path / "nuclei", ConnectionError, "leads in a circle")


def test_a_mirror_that_is_no_address_is_refused(tmp_path, server, monkeypatch):
    monkeypatch.setenv(MIRROR, str(tmp_path))
    with pytest.raises(ConnectionError, match="is not an address. Set UNET_COURSE_MIRROR to one that begins with http:// or"):
        get(tmp_path / "nuclei")
    assert not names(tmp_path)


@pytest.mark.parametrize("manner", ["endless", "ranges"])
def test_more_than_an_archive_can_have_is_stopped(tmp_path, server, manner):
    server.manners["bbbc039/images.zip"] = manner
    with pytest.raises(ValueError, match="sends more than 100,000 bytes, so it is not the published file"):
        fetch(f"{server.url}/bbbc039/images.zip", tmp_path / "images.zip", "0" * 64, progress=False, max_bytes=100_000)
    assert not names(tmp_path) and server.sent < 10**8


def test_a_layout_that_has_changed_is_told(tmp_path, server, monkeypatch):
    monkeypatch.setitem(downloads.SETS, "bbbc039", set_of("bbbc039", ARCHIVES | {"masks.zip": IMAGES}))
    server.files["bbbc039/masks.zip"] = IMAGES
    with pytest.raises(ValueError, match="hold no image with a mask of the same name; their layout has changed"):
        get(tmp_path / "nuclei")
    assert not (tmp_path / "nuclei").exists()


# ---- other processes, and the disk

def test_two_processes_do_not_work_in_one_folder(tmp_path, server):
    part = tmp_path / "nuclei.bbbc039.part"
    with downloads._alone(part, tmp_path / "nuclei"):
        with pytest.raises(FileExistsError, match="another process is downloading into .*nuclei; wait until it has ended"):
            get(tmp_path / "nuclei")
    recovers(server, tmp_path / "nuclei")


def test_a_file_system_without_locks_does_not_stop_it(tmp_path, server, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def flock(*_):
        raise OSError(errno.ENOLCK, "no locks available")
    monkeypatch.setattr(fcntl, "flock", flock)
    recovers(server, tmp_path / "nuclei")


@pytest.fixture
def mounted(tmp_path):
    """A file system of 1.5 MB, as root alone can make one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if not mount or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1536k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("this user cannot mount a file system")
    yield place
    subprocess.run([shutil.which("umount"), "-l", place], check=True)


def test_a_full_disk_is_told_and_nothing_is_lost(mounted, server):
    """The archives fit, what is unpacked does not."""
    (mounted / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="out: .* cannot be written, the disk is full; free some space, then run the same") as told:
        get(mounted / "nuclei")
    assert told.value.errno == errno.ENOSPC
    assert names(mounted) == ["mine.txt", "nuclei.bbbc039.part"] and (mounted / "mine.txt").read_text() == "mine"
    subprocess.run([shutil.which("mount"), "-o", "remount,size=20m", mounted], check=True)
    asked = len(server.asked)
    found = get(mounted / "nuclei")
    assert len(server.asked) == asked  # the archives were kept
    assert len(names(found / "images")) == len(PAIRS) and names(mounted) == ["mine.txt", "nuclei"]


def test_a_disk_that_fills_while_a_file_comes_keeps_what_came(mounted, server):
    (mounted / "large").write_bytes(bytes(1_000_000))
    with pytest.raises(OSError, match="the disk is full"):
        get(mounted / "nuclei")
    assert not (mounted / "nuclei").exists()
    (mounted / "large").unlink()
    subprocess.run([shutil.which("mount"), "-o", "remount,size=20m", mounted], check=True)
    get(mounted / "nuclei")
    assert server.asked[1][1].startswith("bytes=")  # not from the beginning


def test_a_file_that_may_not_grow_is_told_as_a_full_disk(tmp_path, server):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        with pytest.raises(OSError, match="the disk is full"):
            get(tmp_path / "nuclei")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == ["nuclei.bbbc039.part"]
    recovers(server, tmp_path / "nuclei")


def test_a_folder_that_cannot_be_written_is_told(mounted, server):
    subprocess.run([shutil.which("mount"), "-o", "remount,ro", mounted], check=True)
    with pytest.raises(OSError, match="out: .* cannot be written, Read-only file system; choose a folder that you may write"):
        get(mounted / "nuclei")
    assert not server.asked and not names(mounted)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_told(tmp_path, server):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError, match="cannot be written, Permission denied; choose a folder that you may write"):
            get(tmp_path / "nuclei")
    finally:
        tmp_path.chmod(0o755)


# ---- ISBI 2012

@pytest.fixture
def volume(tmp_path, server, monkeypatch):
    """Make the file of ISBI 2012, from a volume and its membranes."""
    h5py = pytest.importorskip("h5py")

    def make(images, labels, *, raw="raw"):
        with h5py.File(tmp_path / "made.h5", "w") as file:
            file[raw] = images
            file.create_dataset("labels/membranes", data=labels, compression="gzip")
        data = (tmp_path / "made.h5").read_bytes()
        server.files["isbi2012/isbi2012.h5"] = data
        monkeypatch.setitem(downloads.SETS, "isbi2012", set_of("isbi2012", {"isbi2012.h5": data}))
        return lambda: download("isbi2012", tmp_path / "isbi", accept=True, progress=False)
    return make


@pytest.mark.parametrize("membrane, inside", [(0, 255), (255, 0), (1.0, 0.0)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_two_volumes_become_pairs_whichever_value_is_a_membrane(volume, membrane, inside, dtype):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (4, 40, 50))
    images.flat[:2] = 0, 255
    membranes = draw.random((4, 40, 50)) < 0.2
    out = volume(images.astype(dtype), np.where(membranes, membrane, inside))()
    assert names(out / "images") == names(out / "masks") == [f"section_{n:02}.png" for n in range(4)]
    for number in range(4):
        assert (imread(out / "images" / f"section_{number:02}.png") == images[number]).all()
        mask = imread(out / "masks" / f"section_{number:02}.png")
        assert (mask == ~membranes[number]).all() and mask.dtype == np.uint8


@pytest.mark.parametrize("images, labels, options", [
    (np.zeros((4, 8, 8)), np.eye(8, dtype=int)[None].repeat(4, 0), {"raw": "images"}),
    (np.zeros((4, 8, 8)), np.arange(256).reshape(4, 8, 8), {}),
    (np.zeros((4, 8, 8)), np.eye(8, dtype=int)[None].repeat(3, 0), {})])
def test_a_volume_of_another_layout_is_told(volume, tmp_path, images, labels, options):
    with pytest.raises(ValueError, match="isbi2012 holds .*; its layout has changed|isbi2012 holds .*: its layout has changed"):
        volume(images, labels, **options)()
    assert not (tmp_path / "isbi").exists()


@pytest.mark.full
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills are of Unix")
def test_after_a_kill_at_any_moment_the_same_command_gives_the_whole_set():
    counts = kill_downloads(10, seed=1)
    assert counts["kills"] == 10 == sum(counts[phase] for phase in PHASES)
    assert counts["early_names"] == counts["other_results"] == 0


def test_seconds_and_limits_have_wide_margins():
    assert fetching.SECONDS >= 10 and fetching.MOST_BYTES > 5e8
