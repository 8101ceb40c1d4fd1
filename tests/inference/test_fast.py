"""The twin that predicts: the same answers, and the network that was given stays as it is."""

import copy

import pytest
import torch
from torch import nn

from unet_course import UNet, load_nuclei, load_pretrained, predict
from unet_course.family import AttentionUNet, DCSAUNet, DenseUNet, ResUNet, UNetPlusPlus
from unet_course.inference import prediction
from unet_course.inference.fast import has_bf16, ready

KINDS = {
    "usual": lambda: UNet(num_classes=3, channels=(4, 8, 16)),
    "bilinear": lambda: UNet(channels=(4, 8), up="bilinear"),
    "no norm": lambda: UNet(channels=(4, 8), norm=False),
    "the paper's": lambda: UNet(channels=(4, 8), padding=0),
    "residual": lambda: ResUNet(channels=(4, 8)), "gates": lambda: AttentionUNet(channels=(4, 8)),
    "nested": lambda: UNetPlusPlus(channels=(4, 8, 8)), "dense": lambda: DenseUNet(channels=(4, 8)), "split": lambda: DCSAUNet(channels=(8, 16)),
    "own": lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1)),
}


def trained(make):
    """A network whose batch norms have seen something, half of it in train mode."""
    torch.manual_seed(0)
    model = make()
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
                part.running_mean.normal_(std=0.2)
                part.running_var.uniform_(0.5, 2)
                part.weight.uniform_(0.8, 1.2)
                part.bias.normal_(std=0.2)
    return model.eval()


@pytest.mark.parametrize("kind", KINDS)
def test_the_twin_says_what_the_network_says(kind):
    model, x = trained(KINDS[kind]), torch.rand(2, 1, 44, 44)
    before, strides = copy.deepcopy(model.state_dict()), [p.stride() for p in model.parameters()]
    twin = ready(model)
    with torch.no_grad():
        assert torch.allclose(twin(x), model(x), atol=1e-5 * model(x).abs().max().clamp(min=1))
    after = model.state_dict()
    assert list(after) == list(before) and all(torch.equal(after[name], before[name]) for name in before)
    assert strides == [p.stride() for p in model.parameters()] and all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_predict_leaves_modes_and_says_what_softmax_says(kind):
    model, image = trained(KINDS[kind]), torch.rand(1, 60, 52)
    with torch.no_grad():
        wanted = model(image[None]).softmax(dim=1)[0] if kind != "the paper's" else None
    model.train()
    next(model.children()).eval()
    modes = [part.training for part in model.modules()]
    found = predict(model, image, progress=False)
    assert wanted is None or torch.allclose(found, wanted, atol=1e-5)
    assert [part.training for part in model.modules()] == modes


def test_batch_norm_is_folded_unless_somebody_listens():
    model = trained(KINDS["usual"])
    assert not [part for part in ready(model).modules() if isinstance(part, nn.BatchNorm2d)]
    heard = []
    conv = next(part for part in model.modules() if isinstance(part, nn.Conv2d))
    conv.register_forward_hook(lambda *_: heard.append(1))
    assert len([part for part in ready(model).modules() if isinstance(part, nn.BatchNorm2d)]) == 1
    predict(model, torch.rand(20, 20))
    assert heard == [1]


def test_bfloat16_keeps_nearly_all_classes():
    model, image = load_pretrained(), load_nuclei("test")[0][0, :, :256, :256]
    plain = predict(model, image, classes=True)
    assert (predict(model, image, classes=True, bf16=True) == plain).float().mean() > 0.995
    auto = predict(model, image, classes=True, bf16="auto")
    assert torch.equal(auto, predict(model, image, classes=True, bf16=has_bf16(torch.device("cpu"))))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    with pytest.raises(ValueError, match='bf16 is \'yes\'; wanted True, False or "auto"'):
        predict(model, image, bf16="yes")


def test_a_large_image_goes_through_in_tiles_by_itself(monkeypatch):
    model, image = load_pretrained(), load_nuclei("test")[0][0, :, :300, :290]
    whole = predict(model, image, progress=False)
    seen = []
    monkeypatch.setattr(prediction, "TILE", 128)
    monkeypatch.setattr(prediction, "_probabilities", lambda m, x, f: seen.append(x.shape) or m(x).cpu())
    with torch.no_grad():
        tiled = predict(model, image, progress=False)
    assert len(seen) == 9 and torch.allclose(tiled, whole, atol=1e-5)
