"""The stand-in device: it computes as the CPU does, refuses to mix with it, and finds what was made in the wrong place."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tools.elsewhere import device
from tools.elsewhere.standin import DEVICE, standing_in
from unet_course import (
    Augment,
    UNet,
    check,
    diagnose,
    dice_score,
    fit,
    iou_score,
    load_nuclei,
    object_f1,
    predict,
    random_crops,
)
from unet_course.exercises.core import Exercise
from unet_course.family import AttentionUNet, DCSAUNet, DenseUNet, ResUNet, UNetPlusPlus
from unet_course.losses import (
    FadingWeights,
    border_weight_map,
    combined_loss,
    cross_entropy,
    dice_loss,
)
from unet_course.metrics.pixels import confusion_matrix
from unet_course.tracing import parameter_count

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not hasattr(torch.utils.backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="a device written in Python needs a newer torch than the oldest that the course runs with")


@pytest.fixture
def there():
    with standing_in():
        try:
            torch.ones(1, device=DEVICE, requires_grad=True).sum().backward()
        except RuntimeError:  # torch's own engine has begun without this device
            pytest.skip("in a process of its own: python course.py device 07")
        yield torch.device(DEVICE)


def batch(count=2, size=32):
    return random_crops(*load_nuclei("val"), size=size, count=count, generator=torch.Generator().manual_seed(0))


def train(where, **options):
    torch.manual_seed(0)
    model = UNet(num_classes=3, channels=(4, 8)).to(where)
    return model, fit(model, load_nuclei("val"), load_nuclei("val"), steps=3, crop=32, batch_size=2,
                      augment=Augment(scale=0.2), bf16=False, progress=False, **options)


@pytest.mark.parametrize("options", [{}, {"loss": combined_loss}, {"order": "epochs"}, {"accumulate": 2}])
def test_a_training_there_is_that_of_the_cpu_to_the_last_bit(there, options):
    here, history = train("cpu", **options)
    other, its_history = train(there, **options)
    assert history == its_history and {p.device for p in other.parameters()} == {there}
    for name, value in here.state_dict().items():
        assert torch.equal(value, other.state_dict()[name].cpu()), name


def test_a_checkpoint_goes_from_one_device_to_the_other(there, tmp_path):
    _, history = train("cpu")
    with pytest.raises(KeyboardInterrupt):
        train("cpu", checkpoint=tmp_path / "a.pt", save_every=1,
              on_step=lambda number, *_: (_ for _ in ()).throw(KeyboardInterrupt) if number == 2 else None)
    assert train(there, checkpoint=tmp_path / "a.pt", resume=True)[1].loss == history.loss


@pytest.mark.parametrize("options", [{}, {"tile": 32}, {"flips": True}, {"border": "mirror"}, {"classes": True}])
def test_predict_gives_the_cpus_answers_on_the_cpu(there, options):
    model, image = UNet(num_classes=3, channels=(4, 8)).eval(), load_nuclei("val")[0][0, :, :90, :70]
    wanted = predict(model, image, progress=False, **options)
    found = predict(model.to(there), image, progress=False, **options)
    assert found.device.type == "cpu" and torch.equal(found, wanted)
    assert torch.equal(predict(model, image.to(there), progress=False, **options), wanted)


@pytest.mark.parametrize("kind", [UNet, ResUNet, AttentionUNet, UNetPlusPlus, DenseUNet, DCSAUNet])
def test_every_network_of_the_family_runs_there(there, kind):
    model = kind(num_classes=3, channels=(8, 8, 8)).to(there)
    out = model(torch.rand(2, 1, 21, 18).to(there))
    out.float().sum().backward()
    assert out.device == there and parameter_count(model) > 0
    if kind is UNet:
        for up, padding in (("bilinear", 1), ("transpose", 0)):
            UNet(up=up, padding=padding, channels=(4, 8)).to(there)(torch.rand(1, 1, 44, 44).to(there)).sum().backward()


def test_losses_scores_augmentation_and_diagnosis_take_what_is_there(there):
    images, masks = (t.to(there) for t in batch())
    logits = torch.rand(2, 3, 32, 32).to(there).requires_grad_()
    weights = border_weight_map((masks > 0).long().cpu()).to(there)
    for loss in (cross_entropy, dice_loss, combined_loss, FadingWeights([0.8, 0.1, 0.1])):
        loss(logits, masks).backward()
    cross_entropy(logits, masks, weight=[1, 2, 3], pixel_weights=weights).backward()
    for score in (dice_score, iou_score):
        assert score(masks > 0, masks > 0) == 1
    assert object_f1(masks[0], masks[0]) == 1 and confusion_matrix(masks, masks, 3).sum() == masks.numel()
    moved, _ = Augment(scale=0.2, elastic=5.0)(images, masks, torch.Generator().manual_seed(0))
    assert moved.device == there
    assert len(diagnose(UNet(num_classes=3, channels=(8, 16)).to(there), (images, masks))) == 0


def test_answers_of_learners_may_live_there(there):
    assert check("2.1", torch.tensor([[1.0]]).to(there)).status in ("passed", "hint")
    for id in sorted(Exercise.registry):  # a tensor of the wrong shape is no reason to die
        report = check(id, torch.zeros(2, 3).to(there))
        assert report.status == "hint" and not any("device" in hint for hint in report.hints), (id, report.hints)


BUGS = {
    "loss": lambda where: (torch.rand(2, 3, 4, 4).to(where) * torch.tensor([1.0, 2, 3])[:, None, None]).mean(),
    "augmentation": lambda where: torch.rand(2, 1, 4, 4).to(where) + torch.rand(2, 1, 4, 4),
    "metric": lambda where: (torch.ones(4, 4).to(where) == torch.ones(4, 4)).sum(),
    "check": lambda where: torch.allclose(torch.ones(3).to(where), torch.ones(3)),
    "mask": lambda where: torch.ones(3).to(where).masked_fill(torch.tensor([True, False, True]), 0),
    "generator": lambda where: torch.rand(3, device=where, generator=torch.Generator().manual_seed(0)),
    "layer": lambda where: torch.nn.Conv2d(1, 1, 1)(torch.rand(1, 1, 4, 4).to(where)),
    "join": lambda where: torch.cat([torch.ones(1, 2).to(where), torch.ones(1, 2)], dim=1),
    "numpy": lambda where: np.asarray(torch.ones(3).to(where)),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(there, bug):
    with pytest.raises((RuntimeError, TypeError)):
        BUGS[bug](there)
    BUGS[bug](torch.device("cpu"))


def test_places_may_be_on_the_cpu_and_single_numbers_mix(there):
    x = torch.arange(6.0).to(there)
    assert x[torch.tensor([1, 3])].cpu().tolist() == [1, 3]
    assert (x * torch.tensor(2.0))[-1].item() == 10


def test_a_device_without_doubles():
    script = ("import torch; from tools.elsewhere.standin import standing_in\n"
              "with standing_in():\n    x = torch.ones(2, device='standin')\n    x.double()")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "UNET_COURSE_STANDIN": "float32"})
    assert done.returncode and "float64" in done.stderr


def test_a_notebook_with_a_planted_bug_fails_there(tmp_path, monkeypatch):
    import nbformat

    (tmp_path / "notebooks").mkdir()
    cells = [nbformat.v4.new_code_cell(source, execution_count=k + 1) for k, source in enumerate((
        "import torch\nfrom unet_course import pick_device", "x = torch.ones(3).to(pick_device())", "y = x + torch.ones(3)"))]
    for name, kept in (("01_good.ipynb", cells[:2]), ("02_bad.ipynb", cells)):
        nbformat.write(nbformat.v4.new_notebook(cells=kept, metadata={"kernelspec": {
            "name": "python3", "display_name": "Python 3"}}), tmp_path / "notebooks" / name)
    monkeypatch.setattr(device, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert device.main(["01"]) == 0 and device.main(["02"]) == 1
    assert device.main(["77"]) == 2
    assert device.main(["01", "short"]) == 0 and device.main(["02", "short"]) == 1  # also without outputs to compare
