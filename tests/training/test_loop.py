"""Training: the same seed, a kill at any step, a NaN, and what is left on disk."""

import inspect
import os
import random
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from skimage.io import imsave

from unet_course import Augment, SegmentationFolder, UNet, dice_score, fit, predict, seed_everything
from unet_course.losses import FadingWeights
from unet_course.training.batches import Batches
from unet_course.training.loop import save_atomically, schedule, train_loop, train_step
from unet_course.training.speed import bf16_pays


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


def test_same_seed_same_weights_with_two_threads_too():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert same(train(3)[0], train(3)[0])
    finally:
        torch.set_num_threads(threads)


def test_precision_is_what_was_asked_for_and_the_weights_stay_float32():
    for bf16 in (False, True):
        model, history = train(2, bf16=bf16)
        assert history.bf16 is bf16 and all(p.dtype == torch.float32 for p in model.parameters())
        assert all(type(value) is float for value in history.loss)


def test_history_has_every_step_and_score():
    _, history = train(steps=7, val=data(1), val_every=3)
    assert len(history.loss) == 7 and history.val_steps == [3, 6, 7] and len(history.val_dice) == 3


@pytest.mark.parametrize("bf16", [False, True])
def test_a_small_batch_is_learnt_to_a_tenth_of_its_loss(bf16):
    x, y = data(2, 16)
    # As large as the picture: each crop is the whole of it.
    seed_everything(0)
    model = UNet(channels=(8, 16))
    history = fit(model, (x, y), steps=100, crop=16, batch_size=2, lr=2e-2, bf16=bf16, progress=False)
    assert history.loss[-1] < 0.1 * history.loss[0]
    assert (predict(model, x).argmax(dim=1) == y).float().mean() > 0.97  # and it knows it in eval mode too


@pytest.mark.parametrize("mode", [True, False])
def test_mode_device_and_types_are_put_back(mode):
    model = UNet(channels=(2, 4)).train(mode)
    fit(model, data(), data(1), steps=2, crop=16, batch_size=2, bf16=False, progress=False)
    assert model.training is mode and all(p.dtype == torch.float32 for p in model.parameters())


def test_the_data_are_left_alone():
    x, y = data()
    before = x.clone(), y.clone()
    fit(UNet(channels=(2, 4)), (x, y), steps=2, crop=16, batch_size=2, bf16=False, progress=False, augment=Augment(scale=0.2))
    assert torch.equal(x, before[0]) and torch.equal(y, before[1])


def test_the_crops_of_a_step_follow_from_the_seed_and_its_number_alone():
    seen = []

    def watch(x, y, generator):
        seen.append(x.clone())
        return x, y

    train(5, augment=watch)
    assert len({tuple(x.ravel().tolist()) for x in seen}) == 5
    first = seen.copy()
    seen.clear()
    train(3, augment=watch)
    assert all(torch.equal(a, b) for a, b in zip(first, seen)) and len(seen) == 3


def test_python_and_numpy_random_numbers_are_untouched():
    before = random.getstate(), np.random.get_state()[1].tolist()
    train(2, augment=Augment(scale=0.2, elastic=2))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


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
    torch.set_num_threads(1)  # as here: the order in which threads add up would change the last digits
    from tests.training.test_loop import data
    from unet_course import Augment, UNet, fit, seed_everything
    seed_everything(0)
    model = UNet(channels=(4, 8))
    count = [0]
    def augment(x, y, generator):
        count[0] += 1
        if count[0] == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return Augment()(x, y, generator)
    fit(model, data(), val=data(1), steps=9, crop=16, batch_size=2, bf16=sys.argv[3] == "True", progress=False, augment=augment,
        val_every=3, checkpoint=sys.argv[1], save_every=2)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("step, bf16", [(2, False), (6, False), (9, True)])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, step, bf16):
    path = tmp_path / "run.pt"
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(CHILD), str(path), str(step), str(bf16)], capture_output=True)
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()
    assert path.exists() == (step > 2) and not list(tmp_path.glob("*.part"))
    options = dict(augment=Augment(), val=data(1), val_every=3, bf16=bf16)
    resumed, history = train(9, checkpoint=path, save_every=2, resume=True, **options)
    straight, whole = train(9, **options)
    assert same(resumed, straight) and history == whole and history.val_steps == [3, 6, 9]


class Stop(Exception):
    """Stands for whatever ends a program between two steps."""


def stopped(path, at, steps=8, **options):
    """A training that ends before step `at`, its checkpoint on disk."""
    count = []

    def augment(x, y, generator):
        if len(count) == at:
            raise Stop
        count.append(1)
        return x, y

    with pytest.raises(Stop):
        train(steps, augment=augment, checkpoint=path, save_every=1, **options)


@pytest.mark.parametrize("at", range(1, 8))
def test_stopped_before_any_step_and_resumed_equals_uninterrupted(tmp_path, at):
    stopped(tmp_path / "run.pt", at)
    resumed, history = train(8, checkpoint=tmp_path / "run.pt", resume=True)
    straight, whole = train(8)
    assert same(resumed, straight) and history.loss == whole.loss


def test_resuming_twice_equals_uninterrupted(tmp_path):
    stopped(tmp_path / "run.pt", 3)
    stopped(tmp_path / "run.pt", 2, resume=True)
    assert same(train(8, checkpoint=tmp_path / "run.pt", resume=True)[0], train(8)[0])


def test_resuming_does_not_depend_on_the_weights_the_new_model_starts_with(tmp_path):
    stopped(tmp_path / "run.pt", 4)
    seed_everything(99)
    other = UNet(channels=(4, 8))
    fit(other, data(), steps=8, crop=16, batch_size=2, bf16=False, progress=False, checkpoint=tmp_path / "run.pt", resume=True)
    assert same(other, train(8)[0])


class WithDropout(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.Dropout(0.5), torch.nn.Conv2d(8, 2, 1))


def test_resuming_draws_the_same_dropout(tmp_path):
    models = []
    for name, at in [("whole.pt", None), ("run.pt", 3)]:
        options = dict(crop=16, batch_size=2, bf16=False, progress=False, checkpoint=tmp_path / name, save_every=1)
        for stop in [at, None] if at else [None]:
            seed_everything(0)
            model, count = WithDropout(), []

            def augment(x, y, generator, stop=stop, count=count):
                count.append(1)
                if stop is not None and len(count) > stop:
                    raise Stop
                return x, y

            try:
                fit(model, data(), steps=6, augment=augment, resume=stop is None and at is not None, **options)
            except Stop:
                pass
        models.append(model)
    assert same(*models)


def test_how_often_is_saved_and_scored_does_not_change_the_weights(tmp_path):
    often = train(checkpoint=tmp_path / "run.pt", save_every=1, val=data(1), val_every=1)[0]
    assert same(often, train()[0])


def test_without_resume_a_training_starts_anew(tmp_path):
    stopped(tmp_path / "run.pt", 4)
    assert len(train(8, checkpoint=tmp_path / "run.pt")[1].loss) == 8


def test_resume_without_a_file_starts_and_makes_its_folder(tmp_path):
    path = tmp_path / "new" / "folder" / "run.pt"
    assert len(train(2, checkpoint=path, resume=True)[1].loss) == 2 and path.exists()


def test_a_checkpoint_is_tensors_and_plain_values(tmp_path):
    train(2, checkpoint=tmp_path / "run.pt", val=data(1))
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    assert state["step"] == 2 and len(state["history"]["loss"]) == 2


def test_a_part_that_a_kill_left_behind_disturbs_nothing(tmp_path):
    stopped(tmp_path / "run.pt", 4)
    (tmp_path / "run.pt.123.part").write_bytes((tmp_path / "run.pt").read_bytes()[:100])
    assert same(train(8, checkpoint=tmp_path / "run.pt", resume=True)[0], train(8)[0])


def test_a_training_that_ends_while_it_saves_leaves_the_last_whole_checkpoint(tmp_path, monkeypatch):
    path, save, count = tmp_path / "run.pt", torch.save, []

    def save_half(state, target):
        count.append(1)
        save(state, target)
        if len(count) == 3:
            target.truncate(200)
            raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", save_half)
    with pytest.raises(KeyboardInterrupt):
        train(8, checkpoint=path, save_every=2)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == [path] and torch.load(path, weights_only=True)["step"] == 4
    assert same(train(8, checkpoint=path, resume=True)[0], train(8)[0])


def test_a_finished_training_is_not_run_again(tmp_path):
    path = tmp_path / "run.pt"
    done, _ = train(checkpoint=path)
    again, history = train(checkpoint=path, resume=True, augment=lambda *_: 1 / 0)
    assert same(done, again) and len(history.loss) == 6


@pytest.mark.parametrize("options", [{"seed": 1}, {"lr": 1e-3}, {"crop": 8}, {"batch_size": 1}, {"weight_decay": 0.0}])
def test_each_setting_that_changes_the_weights_is_compared(tmp_path, options):
    train(2, checkpoint=tmp_path / "run.pt")
    (name, value), = options.items()
    with pytest.raises(ValueError, match=f"run.pt is of another training: {name} .* there, {value} here"):
        train(2, checkpoint=tmp_path / "run.pt", resume=True, **options)


def test_the_checkpoint_of_another_network_is_refused_by_name(tmp_path):
    train(2, checkpoint=tmp_path / "run.pt")
    with pytest.raises(ValueError, match="run.pt"):
        fit(UNet(channels=(4, 16)), data(), steps=2, crop=16, batch_size=2, bf16=False, progress=False,
            checkpoint=tmp_path / "run.pt", resume=True)


def test_resuming_in_another_precision_is_refused(tmp_path):
    train(2, checkpoint=tmp_path / "run.pt", bf16=True)
    with pytest.raises(ValueError, match="bf16"):
        train(2, checkpoint=tmp_path / "run.pt", resume=True, bf16=False)


def test_a_file_that_is_no_checkpoint_is_refused_by_name(tmp_path):
    for content in ({"weights": torch.zeros(1)}, [1, 2], UNet(channels=(2,)).state_dict()):
        torch.save(content, tmp_path / "run.pt")
        with pytest.raises(ValueError, match="checkpoint run.pt cannot be read.*delete it"):
            train(checkpoint=tmp_path / "run.pt", resume=True)


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


def test_a_changed_byte_is_refused_by_name_or_harmless(tmp_path):
    path = tmp_path / "run.pt"
    wanted, _ = train(2, checkpoint=path)
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(whole), 40):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            found, _ = train(2, checkpoint=path, resume=True)
        except ValueError as error:
            assert "run.pt" in str(error)
        else:
            assert same(found, wanted)


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "run.pt"
    save_atomically({"a": 1}, path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="pickle|local"):
        save_atomically({"a": lambda: 0}, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_an_interrupt_in_the_midst_of_a_save_is_an_interrupt(tmp_path, monkeypatch):
    def save(state, file):
        try:
            raise KeyboardInterrupt
        finally:
            raise RuntimeError("unexpected pos 192 vs 86")  # what torch says of a file that it cannot end

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(KeyboardInterrupt):
        save_atomically({}, tmp_path / "run.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_nan_stops_with_the_step_and_what_to_try():
    calls = []

    def loss(logits, target):
        calls.append(1)
        return logits.sum() * (float("nan") if len(calls) == 4 else 0.0)

    with pytest.raises(FloatingPointError, match="loss is nan at step 3.*smaller lr"):
        train(loss=loss)


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("bf16", [False, True])
def test_a_nan_leaves_the_last_good_checkpoint(tmp_path, value, bf16):
    calls = []

    def loss(logits, target):
        calls.append(1)
        return logits.square().mean() * (float(value) if len(calls) == 4 else 1.0)

    with pytest.raises(FloatingPointError, match="at step 3"):
        train(loss=loss, checkpoint=tmp_path / "run.pt", save_every=1, bf16=bf16)
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    assert state["step"] == 3 and all(torch.isfinite(t).all() for t in state["model"].values())


@pytest.mark.parametrize("options, words", [
    ({"steps": 0}, "steps is 0"), ({"batch_size": 1.5}, "batch_size is 1.5"), ({"crop": -1}, "crop is -1"),
    ({"resume": True}, "checkpoint is None"), ({"accumulate": 0}, "accumulate is 0"), ({"order": "rows"}, 'order is .rows.; wanted "random"'),
    ({"batch_size": 3, "accumulate": 2}, r"batch_size is 3; wanted a multiple of 2 \(1 processes × accumulate 2\): 2 or 4"),
])
def test_wrong_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        train(**options)


@pytest.mark.parametrize("bad, words", [
    ((torch.zeros(0, 1, 8, 8), torch.zeros(0, 8, 8)), "train has 0 images"),
    ((torch.zeros(2, 8, 8), torch.zeros(2, 8, 8)), r"images\[:, None\]"),
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


@pytest.mark.parametrize("at", [1, 5])
def test_epochs_stopped_and_resumed_equal_uninterrupted(tmp_path, at):
    stopped(tmp_path / "run.pt", 2 * at, order="epochs")  # there, each picture of a batch is augmented by itself
    resumed, history = train(8, checkpoint=tmp_path / "run.pt", resume=True, order="epochs")
    straight, whole = train(8, order="epochs")
    assert same(resumed, straight) and history == whole and not same(straight, train(8)[0])


def mean_square(logits, target):
    return ((logits[:, 1] - target) ** 2).mean()


def test_accumulation_is_the_whole_batch_where_the_loss_is_a_mean_and_no_layer_looks_aside():
    def trained(parts, norm):
        seed_everything(0)
        model = UNet(channels=(4, 8), norm=norm)
        fit(model, data(), steps=6, crop=16, batch_size=4, bf16=False, progress=False, loss=mean_square, accumulate=parts)
        return torch.cat([p.detach().ravel() for p in model.parameters()])

    whole = trained(1, norm=False)
    for parts in (2, 4):
        torch.testing.assert_close(trained(parts, norm=False), whole, rtol=0, atol=1e-3)
    assert (trained(2, norm=True) - trained(1, norm=True)).abs().max() > 1e-3  # batch norm sees a part


def test_accumulation_takes_one_step_and_shows_the_network_a_part_at_a_time():
    sizes = []

    def loss(logits, target):
        sizes.append(len(target))
        return mean_square(logits, target)

    _, history = train(3, batch_size=6, accumulate=3, loss=loss)
    assert sizes == [2] * 9 and len(history.loss) == 3


@pytest.mark.parametrize("wanted", [True, False])
def test_channels_last_is_the_layout_of_weights_and_batches(wanted):
    layouts = []

    class Looks(UNet):
        def forward(self, x):
            layouts.append(x.is_contiguous(memory_format=torch.channels_last))
            return super().forward(x)

    model = Looks(2, channels=(4, 8))
    x, y = data()
    fit(model, (torch.cat([x, x], dim=1), y), steps=2, crop=16, batch_size=2, bf16=False, progress=False, channels_last=wanted)
    assert layouts == [wanted] * 2
    assert model.bottleneck.layers[0].weight.is_contiguous(memory_format=torch.channels_last) is wanted


@pytest.mark.parametrize("options, words", [({"order": "epochs"}, "order 'random' there, 'epochs' here"),
                                            ({"accumulate": 2}, "accumulate 1 there, 2 here")])
def test_checkpoints_made_before_the_options_still_load_and_options_are_compared(tmp_path, options, words):
    path = tmp_path / "run.pt"
    done, _ = train(2, checkpoint=path)
    state = torch.load(path, weights_only=True)
    for name in ("order", "accumulate"):
        del state["settings"][name]
    save_atomically(state, path)
    assert same(train(2, checkpoint=path, resume=True)[0], done)
    with pytest.raises(ValueError, match=words):
        train(2, checkpoint=path, resume=True, **options)


def test_what_does_not_compile_is_explained_and_leaves_the_network(monkeypatch):
    class CppCompileError(RuntimeError):
        pass

    CppCompileError.__module__ = "torch._inductor.exc"

    def broken(model):
        def call(x):
            raise CppCompileError("\nno C++ compiler was found")
        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(ValueError, match="compile is True.*no C\\+\\+ compiler was found.*install a C\\+\\+ compiler.*compile=False"):
        train(2, compile=True)
    monkeypatch.setattr(torch, "compile", lambda model: lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # what is not the compiler's fault keeps its name
        train(2, compile=True)


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


# --- the loop that 06 writes, and what `fit` hangs on it --------------------------------------------------------------

def test_fit_is_train_loop_with_adamw_and_a_schedule():
    """Written out by hand, the training of `fit` is the same to the last bit."""
    seed_everything(0)
    model = UNet(channels=(4, 8))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step, 6))
    batches = Batches(data(), crop=16, batch_size=2, layout=torch.channels_last)
    loss = FadingWeights(batches.shares())
    losses = train_loop(model.to(memory_format=torch.channels_last), batches.steps(0, 6), optimiser, loss,
                        scheduler=scheduler, on_step=lambda done, *_: setattr(loss, "progress", done / 6))
    fitted, history = train(6)
    assert same(model, fitted) and losses == history.loss


def test_weights_of_classes_fade_and_a_resume_goes_on_with_them(tmp_path):
    seen = []

    class Watched(FadingWeights):
        def __call__(self, *arguments):
            seen.append(self.weights().tolist())
            return super().__call__(*arguments)
    stopped(tmp_path / "run.pt", 3)
    train(8, loss=Watched([0.75, 0.25]), checkpoint=tmp_path / "run.pt", resume=True)
    assert seen[0] == pytest.approx([2 / 3, 2]) and seen[-1] == [1, 1] and len(seen) == 5
    ratios = [rare / frequent for frequent, rare in seen]
    assert ratios == sorted(ratios, reverse=True) and 1 < ratios[2] < ratios[1] < 3
    again = seen.copy()
    seen.clear()
    train(8, loss=Watched([0.75, 0.25]))
    assert seen[:3] == [pytest.approx([2 / 3, 2])] * 3 and seen[3:] == again


def test_shares_leave_out_what_is_ignored():
    mask = torch.tensor([[0, 1], [1, 2]])
    weights = torch.tensor([[1.0, 0], [1, 1]])
    assert Batches([(torch.zeros(1, 2, 2), mask, weights)], crop=2, batch_size=1).shares() == pytest.approx([1 / 3] * 3)


def test_the_lesson_fits_on_a_slide():
    for function in (train_step, train_loop):
        body = textwrap.dedent(inspect.getsource(function)).split('"""')[2]
        assert body.count("\n") <= 20
    assert inspect.getsource(fit).count("for step in") == 0  # one loop, not two


def test_on_step_sees_every_step_also_after_a_resume(tmp_path):
    seen = []
    model, history = train(5, on_step=lambda *step: seen.append(step))
    assert [number for number, *_ in seen] == [1, 2, 3, 4, 5]
    assert all(who is model for _, who, _ in seen) and [loss for *_, loss in seen] == history.loss
    stopped(tmp_path / "run.pt", 3)
    seen.clear()
    train(8, checkpoint=tmp_path / "run.pt", resume=True, on_step=lambda *step: seen.append(step[0]))
    assert seen == [4, 5, 6, 7, 8]


def test_looking_in_on_step_changes_nothing():
    def look(number, model, loss):
        model.eval()
        torch.rand(3)
        predict(model, data()[0])

    assert same(train(5, on_step=look)[0], train(5)[0])


def test_history_has_each_class_said_and_true():
    x, y = data(3)
    y[0, :4] = 2
    seed_everything(0)
    model = UNet(num_classes=4, channels=(4, 8))
    history = fit(model, (x, y), (x, y), steps=3, crop=16, batch_size=2, bf16=False, progress=False)
    said = torch.stack([predict(model, image) for image in x]).argmax(dim=1)
    for number in range(4):
        drawn, given = y == number, said == number
        dice = 2 * (drawn & given).sum() / (drawn.sum() + given.sum()) if (drawn | given).any() else 1
        assert history.val_class_dice[-1][number] == pytest.approx(float(dice))
        assert history.val_true[-1][number] == pytest.approx(float(drawn.double().mean()))
        assert history.val_predicted[-1][number] == pytest.approx(float(given.double().mean()))
    assert history.val_dice[-1] == pytest.approx(dice_score(said, y))


def test_a_validation_mask_with_a_number_that_is_no_class_is_refused():
    x, y = data(1)
    with pytest.raises(ValueError, match="classes 0 to 5; wanted 0 to 1"):
        fit(UNet(channels=(2,)), (x, y), (x, 5 * y), steps=1, crop=16, batch_size=1, bf16=False, progress=False)


@pytest.mark.parametrize("order", ["random", "epochs"])
@pytest.mark.parametrize("augment", [None, Augment(scale=0.3, elastic=2)])
def test_weights_travel_with_their_pixels(order, augment):
    """The weight of a pixel is told by its class: so it is after cropping, mirroring, turning and bending, too."""
    x, y = data(3, 33)
    worth, seen = torch.tensor([1.5, 7.25]), []

    def loss(logits, target, weights):
        seen.append(torch.equal(weights, worth[target]))
        return (weights * logits.mean(dim=1) ** 2).mean()

    weighted = (x, y, worth[y])
    for pictures in (weighted, list(zip(*weighted))):
        fit(UNet(channels=(2, 4)), pictures, pictures, steps=3, crop=20, batch_size=4, order=order, augment=augment, loss=loss,
            accumulate=2, bf16=False, progress=False)
    assert seen == [True] * 12


def test_the_default_loss_takes_weights():
    """Weights of one change nothing, those of the paper something."""
    x, y = data()
    trained = {}
    for name, third in [("none", []), ("ones", [torch.ones(y.shape)]), ("gaps", [1 + 9.0 * (y == 0)])]:
        seed_everything(0)
        model = UNet(channels=(4, 8))
        history = fit(model, (x, y, *third), steps=3, crop=16, batch_size=2, bf16=False, progress=False)
        trained[name] = history.loss
    assert trained["ones"] == pytest.approx(trained["none"], abs=1e-5)
    assert trained["gaps"] != pytest.approx(trained["none"], abs=1e-2)


def test_weights_travel_with_pictures_of_half_precision():
    x, y = data(2, 90)
    worth = torch.tensor([1.001, 7.25])  # the first is no number of half precision
    batches = Batches((x.half(), y, worth[y]), crop=80, batch_size=4, augment=Augment(scale=0.3))
    for _, masks, weights in batches.steps(0, 2):
        assert torch.equal(weights, worth[masks])


def test_weights_change_no_square():
    x, y = data(3, 33)
    batches = [Batches(pictures, crop=12, batch_size=4, augment=Augment(scale=0.2)) for pictures in ((x, y), (x, y, y + 0.5))]
    for (images, masks), (same_images, same_masks, _) in zip(*(b.steps(0, 3) for b in batches)):
        assert torch.equal(images, same_images) and torch.equal(masks, same_masks)


@pytest.mark.parametrize("weights, words", [(torch.ones(2, 40, 39), "weights .40, 39., mask .40, 40.; wanted the same"),
                                            (torch.ones(1, 40, 40), "2 images and 2 masks and 1 weights")])
def test_weights_that_do_not_fit_are_refused(weights, words):
    with pytest.raises(ValueError, match=words):
        fit(UNet(channels=(2,)), (*data(), weights), steps=1, progress=False)
