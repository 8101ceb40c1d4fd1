"""Two real processes under torchrun: the same data, the same weights, the same result as one; and what a kill leaves."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from skimage.io import imsave

from tests.training import ranks
from unet_course.training import distributed
from unet_course.training.distributed import SharedBatchNorm2d, explained, joined, rank, size

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32" or not torch.distributed.is_available(),
                                reason="torch has no gloo with torchrun here, and Windows no SIGKILL")


STARTS = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), "OMP_NUM_THREADS": "1"}


def torchrun(*arguments, options=()):
    """Two processes that run tests/training/ranks.py."""
    command = [*STARTS, *options, str(ROOT / "tests/training/ranks.py"), *map(str, arguments)]
    return subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300)


@pytest.fixture(scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def shared(tmp_path_factory, one_thread):
    """What each of two processes reports, and the folder that they wrote in."""
    folder = tmp_path_factory.mktemp("shared")
    run = torchrun("report", folder)
    assert run.returncode == 0, run.stderr
    return [torch.load(folder / f"report {r}.pt", weights_only=True) for r in (0, 1)], folder


@pytest.fixture(scope="module")
def alone(one_thread):
    """The same trainings by this process."""
    found = {}
    for way, options in ranks.WAYS.items():
        model, history = ranks.train(**options)
        found[way] = dict(weights=ranks.state(model), loss=history.loss)
    return found


def largest_difference(one, two):
    return max((one[name].double() - two[name].double()).abs().max().item() for name in one)


@pytest.mark.parametrize("way", ranks.WAYS)
def test_two_processes_give_what_one_gives(shared, alone, way):
    for found in shared[0]:
        assert largest_difference(found[way]["weights"], alone[way]["weights"]) < 1e-9
        assert found[way]["loss"] == pytest.approx(alone[way]["loss"], abs=1e-6) and len(found[way]["loss"]) == ranks.STEPS


def test_in_float32_too_as_far_as_rounding_allows(shared, alone, one_thread):
    """AdamW divides small gradients by themselves, so that rounding grows: with another number of threads just as much."""
    mine = ranks.train(dtype=torch.float32, val=ranks.data(3, torch.float32), val_every=7)[1]
    for found in (found["float32"] for found in shared[0]):
        assert found["loss"][:5] == pytest.approx(mine.loss[:5], abs=1e-4)
        assert found["loss"] == pytest.approx(mine.loss, abs=5e-3)
        assert found["dice"] == pytest.approx(mine.val_dice, abs=0.02) and len(found["dice"]) == 3
    assert shared[0][0]["float32"] == shared[0][1]["float32"]


@pytest.mark.parametrize("way", ranks.WAYS)
def test_weights_are_identical_in_all_processes_though_they_began_differently(shared, way):
    one, two = (found[way] for found in shared[0])
    assert all(torch.equal(a, b) for a, b in zip(one["weights"].values(), two["weights"].values()))
    assert one["loss"] == two["loss"]


@pytest.mark.parametrize("way", ["epochs", "in parts"])
def test_each_picture_is_seen_once_an_epoch_by_one_of_them(shared, way):
    shares = [[number for call in found[way]["seen"] for number in call] for found in shared[0]]
    per_epoch = ranks.PICTURES // 2
    assert len(shares[0]) == len(shares[1]) == ranks.STEPS * ranks.BATCH // 2
    for start in range(0, len(shares[0]), per_epoch):
        seen = shares[0][start : start + per_epoch] + shares[1][start : start + per_epoch]
        assert sorted(seen) == list(range(ranks.PICTURES)), start


def test_a_process_reads_what_it_needs_when_it_needs_it(shared):
    reads = [found["read"] for found in shared[0]]
    for read in reads:
        assert len(read) == len(set(read)) <= ranks.PICTURES  # kept in memory after the first time
    assert not set(reads[0][:4]) & set(reads[1][:4])  # in the first epoch each has its own half


def test_the_first_process_writes_and_nobody_else(shared):
    (first, second), folder = shared
    assert first["saved"] == [f"{way}.pt" for way in [*ranks.WAYS, "stopped"] for _ in range(2)] and second["saved"] == []
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("way", ranks.WAYS)
def test_checkpoint_and_network_are_those_of_one_process(shared, way):
    (found, _), folder = shared
    stored = torch.load(folder / f"{way}.pt", weights_only=True)["model"]
    assert list(stored) == list(found[way]["weights"]) and largest_difference(stored, found[way]["weights"]) == 0
    assert "BatchNorm2d" in found[way]["kinds"] and not {"SharedBatchNorm2d", "DistributedDataParallel"} & found[way]["kinds"]


def test_one_process_goes_on_from_what_two_have_begun(shared, alone):
    (found, _), folder = shared
    assert found["stopped"] == 10
    model, history = ranks.train(checkpoint=folder / "stopped.pt", save_every=5, resume=True)
    assert largest_difference(ranks.state(model), alone["random"]["weights"]) < 1e-9 and len(history.loss) == ranks.STEPS


def test_shared_batch_norm_is_batch_norm_of_the_whole_batch(shared):
    for found in shared[0]:
        norm = found["norm"]
        assert max(norm[key] for key in ("out", "gradient", "mean", "var")) < 1e-9, norm
        assert norm["names"] == list(torch.nn.BatchNorm2d(3).state_dict()) and norm["eval_same"] and norm["kind"] == "BatchNorm2d"


def test_each_message_names_what_came_and_the_cure(shared):
    for number, found in enumerate(shared[0]):
        said = found["uncommon"]
        assert said["batch"] == "batch_size is 3; wanted a multiple of 2 (2 processes × accumulate 1): 2 or 4"
        assert said["parts"] == "batch_size is 6; wanted a multiple of 4 (2 processes × accumulate 2): 4 or 8"
        assert said["agree"].startswith(f"step is {number} in process {number}, in all of them [0, 1]; wanted the same")


def test_a_nan_in_one_process_ends_all_with_the_same_message(shared):
    said = [found["uncommon"]["nan"] for found in shared[0]]
    assert said[0] == said[1] and "loss is nan at step 2" in said[0]


def test_what_is_measured_is_decided_by_the_first(shared):
    for found in shared[0]:
        assert found["uncommon"]["bf16 0"] is True and found["uncommon"]["bf16 1"] is False


def test_dropout_draws_other_numbers_in_each_process(shared):
    one, two = (found["uncommon"]["drawn"] for found in shared[0])
    assert len(set(one + two)) == 4


def test_no_thread_of_gloo_is_left_when_python_closes(shared):
    """One that is can abort the process then."""
    assert [found["left"] for found in shared[0]] == [[], []]


def test_processes_listen_on_loopback_only(shared):
    for found in shared[0]:
        assert found["listens"] and set(found["listens"]) == {"127.0.0.1"}


@pytest.mark.full
def test_a_killed_process_ends_all_and_training_goes_on_where_it_was(tmp_path, alone):
    # Process 1 is killed at its 8th step; the two that torchrun starts instead go on after 6, and process 0 of them is killed.
    run = torchrun("killed", tmp_path, "1:8,0:5", options=["--max-restarts=1"])
    assert run.returncode != 0 and "SIGKILL" in run.stderr
    assert "Checkpoints are kept: the same command goes on from the last one" in run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed 0 at 5", "killed 1 at 8", "run.pt"]
    assert torch.load(tmp_path / "run.pt", weights_only=True)["step"] == 9
    found = ranks.killed(tmp_path, "")
    assert largest_difference(found["weights"], alone["random"]["weights"]) < 1e-9 and len(found["loss"]) == ranks.STEPS


@pytest.mark.full
def test_the_command_survives_a_kill_from_outside(tmp_path):
    """The real thing: a worker of `torchrun … train` is killed once there is a checkpoint, and the run ends well."""
    for part in ("images", "masks"):
        (tmp_path / "cells" / part).mkdir(parents=True)
        for number in range(4):
            noise = np.random.default_rng(number).integers(0, 2, (24, 24), dtype=np.uint8)
            imsave(tmp_path / "cells" / part / f"{number}.png", noise * (200 if part == "images" else 1), check_contrast=False)
    out, steps = tmp_path / "run", 120
    command = [*STARTS, "--max-restarts=1", "-m", "unet_course", "train", tmp_path / "cells", "--out", out, "--steps", steps, "--crop", "16",
               "--batch-size", "2", "--channels", "2,4", "--no-bf16", "--save-every", "5", "--quiet"]
    with open(tmp_path / "said", "w") as said, subprocess.Popen(list(map(str, command)), env=environment(), cwd=ROOT, stderr=said) as run:
        end = time.monotonic() + 200
        while not (out / "checkpoint.pt").exists():
            assert run.poll() is None and time.monotonic() < end, (tmp_path / "said").read_text()
            time.sleep(0.02)
        psutil.Process(run.pid).children()[-1].kill()
        assert run.wait(timeout=200) == 0, (tmp_path / "said").read_text()
    assert "exitcode: -9" in (tmp_path / "said").read_text()
    assert len(json.loads((out / "history.json").read_text())["loss"]) == steps
    assert (out / "weights.pt").exists() and not list(out.glob("*.part"))


def test_without_torchrun_nothing_happens():
    with joined() as device:
        assert (rank(), size(), distributed.is_first(), distributed.from_first(7), distributed.added_up(1, 2)) == (0, 1, True, 7, (1, 2))
        assert device == distributed.group_device() and not torch.distributed.is_initialized()


def test_torchrun_without_joined_is_refused(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "LOCAL_WORLD_SIZE", "WORLD_SIZE"):
        monkeypatch.setenv(name, "2" if "SIZE" in name else "0")
    with pytest.raises(ValueError, match="torchrun started 2 processes.*joined()"):
        ranks.train(steps=1)


def test_fewer_gpus_than_processes_are_refused(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "LOCAL_WORLD_SIZE", "WORLD_SIZE"):
        monkeypatch.setenv(name, "4" if "SIZE" in name else "0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="4 processes on this machine, which has 2 GPUs.*--nproc-per-node=2"), joined():
        pass


def test_only_a_lost_connection_is_explained(monkeypatch):
    with pytest.raises(RuntimeError, match="gloo"), explained():
        raise RuntimeError("gloo: alone")
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "LOCAL_WORLD_SIZE", "WORLD_SIZE"):
        monkeypatch.setenv(name, "2" if "SIZE" in name else "1")
    with pytest.raises(ConnectionError, match=r"process 1 \(0 … 1\) has lost the others.*same command"), explained():
        raise RuntimeError("[gloo/transport/tcp/pair.cc] Connection closed by peer")
    with pytest.raises(RuntimeError, match="mat1 and mat2"), explained():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_one_value_a_channel_is_refused_as_torch_does():
    with pytest.raises(ValueError, match="one value for each channel"):
        SharedBatchNorm2d(2)(torch.zeros(1, 2, 1, 1))
