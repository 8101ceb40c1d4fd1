"""Training: the same seed, a kill at any step, a NaN, and what is left on disk."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch
from skimage.io import imsave

from unet_course import Augment, SegmentationFolder, UNet, fit, seed_everything
from unet_course.precision import bf16_pays
from unet_course.training import save_atomically, schedule


def data(n=2, side=40):
    x = torch.rand(n, 1, side, side, generator=torch.Generator().manual_seed(0))
    return x, (x[:, 0] > 0.5).long()


def train(steps=6, **options):
    seed_everything(0)
    model = UNet(channels=(4, 8))
    options = {"crop": 16, "batch_size": 2, "bf16": False, "progress": False, **options}
    return model, fit(model, data(), steps=steps, **options)


def same(one, two):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values()))


@pytest.mark.parametrize("bf16", [False, True])
def test_same_seed_same_weights_another_seed_others(bf16):
    one, two, other = train(bf16=bf16)[0], train(bf16=bf16)[0], train(bf16=bf16, seed=1)[0]
    assert same(one, two) and not same(one, other)


def test_history_has_every_step_and_score():
    _, history = train(steps=7, val=data(1), val_every=3)
    assert len(history.loss) == 7 and history.val_steps == [3, 6, 7] and len(history.val_dice) == 3


def test_a_small_batch_is_learnt():
    _, history = train(steps=120, crop=40, lr=2e-2)
    assert history.loss[-1] < 0.2 * history.loss[0]


def test_global_random_numbers_are_untouched():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    model = UNet(channels=(2, 4))
    torch.manual_seed(5)
    fit(model, data(), steps=2, crop=16, batch_size=1, bf16=False, progress=False)
    assert torch.equal(torch.rand(3), wanted)


CHILD = """
    import sys, os, signal, torch
    from tests.test_training import data
    from unet_course import Augment, UNet, fit, seed_everything
    seed_everything(0)
    model = UNet(channels=(4, 8))
    count = [0]
    def augment(x, y, generator):
        count[0] += 1
        if count[0] == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return Augment()(x, y, generator)
    fit(model, data(), steps=9, crop=16, batch_size=2, bf16=False, progress=False, augment=augment,
        checkpoint=sys.argv[1], save_every=2)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("step", [1, 2, 6, 9])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, step):
    path = tmp_path / "run.pt"
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(CHILD), str(path), str(step)], capture_output=True)
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()
    assert path.exists() == (step > 2) and not list(tmp_path.glob("*.part"))
    resumed, history = train(9, augment=Augment(), checkpoint=path, save_every=2, resume=True)
    straight, whole = train(9, augment=Augment())
    assert same(resumed, straight) and history.loss == whole.loss


def test_a_finished_training_is_not_run_again(tmp_path):
    path = tmp_path / "run.pt"
    done, _ = train(checkpoint=path)
    start = time.perf_counter()
    again, history = train(checkpoint=path, resume=True, augment=lambda *_: 1 / 0)
    assert same(done, again) and len(history.loss) == 6 and time.perf_counter() - start < 5


def test_other_settings_are_refused(tmp_path):
    train(checkpoint=tmp_path / "run.pt")
    with pytest.raises(ValueError, match="run.pt is of another training: steps 6 there, 8 here"):
        train(8, checkpoint=tmp_path / "run.pt", resume=True)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path, share):
    path = tmp_path / "run.pt"
    train(checkpoint=path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match="checkpoint run.pt cannot be read"):
        train(checkpoint=path, resume=True)


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "run.pt"
    save_atomically({"a": 1}, path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="pickle|local"):
        save_atomically({"a": lambda: 0}, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_nan_stops_with_the_step_and_what_to_try():
    calls = []

    def loss(logits, target):
        calls.append(1)
        return logits.sum() * (float("nan") if len(calls) == 4 else 0.0)

    with pytest.raises(FloatingPointError, match="loss is nan at step 3.*smaller lr"):
        train(loss=loss)


@pytest.mark.parametrize("options, words", [
    ({"steps": 0}, "steps is 0"), ({"batch_size": 1.5}, "batch_size is 1.5"), ({"crop": -1}, "crop is -1"),
    ({"resume": True}, "checkpoint is None"),
])
def test_wrong_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        train(**options)


@pytest.mark.parametrize("bad, words", [
    ((torch.zeros(0, 1, 8, 8), torch.zeros(0, 8, 8)), "train has 0 images"),
    ((torch.zeros(2, 1, 8, 8), torch.zeros(1, 8, 8)), "2 images and 1 masks"),
    ((torch.zeros(1, 1, 8, 8), torch.zeros(1, 8, 9)), "train, picture 0"),
    ((torch.full((1, 1, 8, 8), torch.nan), torch.zeros(1, 8, 8)), "NaN"),
])
def test_wrong_data_are_refused_by_name(bad, words):
    with pytest.raises(ValueError, match=words):
        fit(UNet(channels=(2,)), bad, steps=1, progress=False)


def test_a_folder_with_pictures_of_different_sizes(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        for name, side in [("a", 20), ("b", 33)]:
            picture = np.tile(np.uint8([0, 1]), (side, side))[:side, :side]
            imsave(tmp_path / kind / f"{name}.png", picture * (100 if kind == "images" else 1), check_contrast=False)
    folder = SegmentationFolder(tmp_path / "images", tmp_path / "masks")
    history = fit(UNet(channels=(2, 4)), folder, folder, steps=3, crop=24, batch_size=2, progress=False)
    assert len(history.loss) == 3 and len(history.val_dice) == 1


def test_schedule_rises_and_falls_to_nearly_nothing():
    values = [schedule(s, 200) for s in range(200)]
    assert max(values) == values[19] == 1 and values[:20] == sorted(values[:20]) and values[19:] == sorted(values[19:])[::-1]
    assert 0 < values[-1] < 1e-3 and schedule(0, 1) == 1


def test_measuring_bf16_leaves_the_model_alone():
    model = UNet(channels=(4, 8))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    assert bf16_pays(model, (1, 1, 16, 16)) in (True, False)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
