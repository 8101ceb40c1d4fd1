"""Files that are whole or not there, whatever happens, and the one place that sees to it."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unet_course.data.files.saving import alone, sweep, written

ROOT = Path(__file__).resolve().parents[3]
# What is renamed for another reason than to be whole: a download that goes on where it was cut, the
# folder of one, its parts put into order, and file names that a learner is to put right.
ELSEWHERE = {"unet_course/data/files/fetch.py": 1, "unet_course/data/downloads.py": 2,
             "unet_course/exercises/progress.py": 1, "unet_course/own_data/practice.py": 2}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    for text in ("old", "new"):
        with written(path) as beside:
            beside.write_text(text)
            assert beside.parent == path.parent and beside.name.startswith(".")
            assert not path.exists() or path.read_text() == "old"
    assert path.read_text() == "new" and names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("kind", ["file", "folder", "nothing"])
def test_whatever_goes_wrong_the_old_file_stays_alone(tmp_path, error, kind):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error), written(tmp_path / "a.txt") as beside:
        if kind == "folder":
            beside.mkdir()
        if kind != "nothing":
            (beside / "b" if kind == "folder" else beside).write_text("half")
        raise error
    assert (tmp_path / "a.txt").read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_a_folder_takes_the_place_of_an_empty_one_only(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for content in ("first", "second"):
        try:
            with written(out) as beside:
                beside.mkdir()
                (beside / "a.txt").write_text(content)
        except OSError:
            assert content == "second"
    assert (out / "a.txt").read_text() == "first" and names(tmp_path) == ["out"]


def test_the_ending_is_kept_where_it_is_asked_for(tmp_path):
    with written(tmp_path / "a.onnx", ".onnx") as beside:
        assert beside.name.endswith(".part.onnx")
        beside.write_text("whole")
    assert names(tmp_path) == ["a.onnx"]


def test_what_a_killed_program_left_under_the_same_number_is_in_nobodys_way(tmp_path):
    with written(tmp_path / "a") as beside:
        beside.write_text("whole")
    beside.mkdir()
    (beside / "half").write_text("half")
    with written(tmp_path / "a") as beside:
        beside.write_text("new")
    assert (tmp_path / "a").read_text() == "new" and names(tmp_path) == ["a"]


def test_an_error_of_the_disk_names_the_file(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(OSError, match="no space.*a.txt") as told, written(path):
        raise OSError(errno.ENOSPC, "no space")
    assert told.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as told, written(path) as beside:
        open(beside)
    assert told.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as told, written(path):
        open(tmp_path / "b.txt")
    assert told.value.filename == str(tmp_path / "b.txt")
    with pytest.raises(FileNotFoundError) as told, written(path):
        pass
    assert str(told.value).endswith(f"{str(path)!r}")


def test_what_is_left_of_a_writer_is_swept(tmp_path):
    with pytest.raises(FileNotFoundError), written(tmp_path / "a.txt") as beside:
        pass
    beside.write_text("half")
    sweep(tmp_path, ["a.txt"])
    assert names(tmp_path) == [beside.name]
    sweep(tmp_path, ["a.txt"], older=-1)
    assert names(tmp_path) == []


def test_nothing_else_is_renamed_by_hand():
    found = {}
    for path in [path for top in ("unet_course", "tools", "benchmarks")
                 for path in (ROOT / top).rglob("*.py")]:
        by_hand = re.findall(r"\bos\.(?:replace|rename)\(|\.rename\(|\.replace\(\w+\)",
                             path.read_text(encoding="utf-8"))
        if by_hand:
            found[path.relative_to(ROOT).as_posix()] = len(by_hand)
    assert found.pop("unet_course/data/files/saving.py") == 1
    assert found == ELSEWHERE


# ---- one process at a time

HOLD = """
import sys
from unet_course.data.files.saving import alone
with alone(sys.argv[1], ""):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock until it is killed, or its input ends."""
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline().strip() == b"held"
    yield child
    child.kill()
    child.communicate()


@pytest.mark.parametrize("killed", [True, False])
def test_another_process_keeps_out_until_it_ends(tmp_path, holder, killed):
    with pytest.raises(FileExistsError, match="^somebody is here$"):
        with alone(tmp_path / "lock", "somebody is here"):
            pass
    if killed:
        holder.kill()
    holder.communicate()
    with alone(tmp_path / "lock", "somebody is here"):
        pass
    assert os.name == "nt" or names(tmp_path) == []


def test_an_error_inside_frees_it(tmp_path):
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), alone(tmp_path / "lock", "somebody is here"):
            raise KeyboardInterrupt
    assert os.name == "nt" or names(tmp_path) == []


def test_a_folder_that_is_not_there_is_no_file_system_without_locks(tmp_path):
    (tmp_path / "a.txt").write_text("no folder")
    with pytest.raises(OSError), alone(tmp_path / "a.txt" / "lock", "somebody is here"):
        raise AssertionError("it was let in")
