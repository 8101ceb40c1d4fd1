"""The network: every size, the paper's sizes, nothing moves, nothing is silent."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unet_course import UNet
from unet_course.exercises.nb05 import centre_of_impulse
from unet_course.tracing import impulse, parameter_count, receptive_field, trace_shapes
from unet_course.unet import output_size


@settings(max_examples=80, deadline=None)
@given(h=st.integers(1, 70), w=st.integers(1, 70), levels=st.integers(0, 5), up=st.sampled_from(["transpose", "bilinear"]),
       norm=st.booleans(), into=st.integers(1, 3), classes=st.integers(1, 4), batch=st.integers(1, 2))
def test_output_has_the_size_of_the_input(h, w, levels, up, norm, into, classes, batch):
    model = UNet(into, classes, channels=(2, 3, 4, 3, 2, 3)[: levels + 1], up=up, norm=norm).eval()
    with torch.no_grad():
        assert model(torch.rand(batch, into, h, w)).shape == (batch, classes, h, w)


def paper(width=1):
    return UNet(channels=tuple(width * c for c in (64, 128, 256, 512, 1024)), padding=0, norm=False).eval()


def test_the_papers_sizes_one_by_one():
    model = UNet(channels=(2,) * 5, padding=0, norm=False).eval()
    sizes = [572]
    hooks = [m.register_forward_hook(lambda _, __, out: sizes.append(out.shape[-1])) for m in model.modules()
             if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.MaxPool2d))]
    with torch.no_grad():
        model(torch.zeros(1, 1, 572, 572))
    for hook in hooks:
        hook.remove()
    assert sizes == [572, 570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28, 56, 54, 52, 104, 102, 100, 200,
                     198, 196, 392, 390, 388, 388]


def test_the_papers_parameters_and_layers():
    model = paper()
    assert parameter_count(model) == 31_030_658
    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    assert len(layers) == 23


@pytest.mark.parametrize("levels, size", [(4, 100), (4, 172), (2, 30), (1, 16)])
def test_too_small_is_refused_with_sizes_that_work(levels, size):
    model = UNet(channels=(2,) * (levels + 1), padding=0, norm=False).eval()
    with pytest.raises(ValueError, match="too small.*Sizes that work") as caught:
        model(torch.zeros(1, 1, size, size))
    pairs = [pair.split("→") for pair in str(caught.value).split("output): ")[1].split(", and")[0].split(", ")]
    for into, out in pairs:
        assert model(torch.zeros(1, 1, int(into), int(into))).shape[-1] == int(out)


@settings(max_examples=30, deadline=None)
@given(size=st.integers(44, 120))
def test_output_size_is_what_the_network_gives(size):
    model = UNet(channels=(2, 2, 2), padding=0, norm=False).eval()
    assert model(torch.zeros(1, 1, size, size)).shape[-1] == output_size(size, levels=2)


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
@pytest.mark.parametrize("size", [(64, 64), (61, 67), (57, 70), (63, 63)])
def test_one_bright_pixel_keeps_its_place(size, up):
    pixel = (29, 31)
    row, column = centre_of_impulse(UNet(channels=(4, 8, 16), norm=False, up=up), size, pixel)
    # A 2×2 pool knows a place to half a pixel of its own level, so the blur may lean by so much, never by a whole pixel.
    assert abs(row - pixel[0]) < 0.75 and abs(column - pixel[1]) < 0.75


def test_every_level_keeps_the_place():
    """Only the skip of one level is left: its detail has to come out where it went in, whatever was rounded on the way."""
    for keep in range(3):
        model = UNet(channels=(2, 2, 2, 2), norm=False).eval()
        for layer in model.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
        for level in range(3):
            if level != keep:  # the decoder no longer listens to this skip
                model.decoders[2 - level].block.layers[0].weight.data[:, :2] = 0
        model.decoders[2 - keep].block.layers[0].weight.data[:, 2:] = 0  # nor does this one listen to below
        image = torch.zeros(1, 1, 53, 59)
        image[..., 24, 24] = 1
        with torch.no_grad():
            out = model(image)[0, 0].double()
        rows = torch.arange(53.0).double() @ out.sum(dim=1) / out.sum()
        assert abs(rows - 24) <= 2**keep, (keep, rows)


def test_paper_network_with_odd_sizes_keeps_the_place():
    for size in (92, 93, 94, 95):
        model = UNet(1, 1, channels=(2, 2, 2), padding=0, norm=False).eval()
        for p in model.parameters():
            nn.init.constant_(p, 0.0 if p.ndim == 1 else 1 / p[0].numel())
        image = torch.zeros(1, 1, size, size)
        image[..., 44, 44] = 1
        out = model(image)[0, 0].detach().double()
        row = torch.arange(float(len(out))).double() @ out.sum(dim=1) / out.sum()
        assert abs(row - 24) < 1.5, (size, row)  # 20 pixels of margin at the top; a pool of pools knows 4 pixels


def test_he_initialisation_with_fan_in():
    model = UNet(channels=(16, 32, 64))
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            fan_in = layer.in_channels * (1 if isinstance(layer, nn.ConvTranspose2d) else math.prod(layer.kernel_size))
            if layer.weight.numel() > 1000:
                assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.1)
            assert layer.bias is None or layer.bias.abs().max() == 0


def test_no_bias_before_a_norm():
    for layers in [m.layers for m in UNet(channels=(2, 4)).modules() if hasattr(m, "layers")]:
        assert [m.bias for m in layers if isinstance(m, nn.Conv2d)] == [None, None]


def test_every_parameter_gets_a_gradient():
    model = UNet(channels=(4, 8, 16))
    model(torch.rand(2, 1, 33, 47)).square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert all(p.grad.abs().sum() > 0 for n, p in model.named_parameters() if n.endswith("weight"))


def test_pictures_of_a_batch_do_not_see_each_other_in_eval():
    model, x = UNet(channels=(4, 8)).eval(), torch.rand(3, 1, 20, 20)
    assert torch.allclose(model(x)[1:2], model(x[1:2]), atol=1e-6)


def test_logits_are_not_probabilities():
    out = UNet(channels=(4, 8))(torch.randn(2, 1, 16, 16))
    assert out.min() < 0 and not torch.allclose(out.sum(dim=1), torch.ones(2, 16, 16))


@pytest.mark.parametrize("x, words", [
    (torch.zeros(1, 16, 16), r"x has shape \(1, 16, 16\).*\(N, C, H, W\)"),
    (torch.zeros(1, 3, 16, 16), "3 channels.*in_channels=1"),
    (torch.zeros(1, 16, 16, 1), "permute"),
    (torch.zeros(1, 1, 16, 16, dtype=torch.uint8), "dtype torch.uint8.*normalise"),
    (torch.zeros(1, 1, 0, 16), "0×16.*at least one pixel"),
])
def test_wrong_images_are_refused_by_name(x, words):
    with pytest.raises(ValueError, match=words):
        UNet(channels=(2, 4))(x)


@pytest.mark.parametrize("options, words", [
    ({"in_channels": 0}, "in_channels is 0"), ({"num_classes": 2.0}, "num_classes is 2.0"), ({"channels": ()}, "channels is"),
    ({"channels": (8, -1)}, "channels is"), ({"channels": 64}, "channels is 64"), ({"padding": 2}, "padding is 2"),
    ({"up": "nearest"}, "up is 'nearest'"),
])
def test_wrong_arguments_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        UNet(**{"channels": (2, 4), **options})


def test_trace_tells_the_shapes_and_leaves_the_model_alone():
    model = UNet(channels=(2, 4, 8)).train()
    rows = dict(trace_shapes(model, (101, 70)))
    assert rows["up 1"] == (4, 52, 36) and rows["decoder 0"] == (2, 102, 70) and rows["logits"] == (2, 101, 70)
    assert model.training and not any(m._forward_hooks for m in model.modules())


def test_receptive_field_is_what_a_gradient_measures():
    model = UNet(1, 1, channels=(8, 8, 8), norm=False)
    bottom = nn.Sequential(model.encoders[0].block, model.encoders[0].pool, model.encoders[1].block,
                           model.encoders[1].pool, model.bottleneck)
    for p in bottom.parameters():
        nn.init.constant_(p, 0.0 if p.ndim == 1 else 1.0)
    # A max-pool passes one gradient of four; averaging shows all four.
    bottom[1], bottom[3] = nn.AvgPool2d(2), nn.AvgPool2d(2)
    rows = impulse(bottom, (64, 64), (8, 8)).sum(dim=1).nonzero().ravel()
    assert int(rows.max() - rows.min()) + 1 == receptive_field(2) == 32
