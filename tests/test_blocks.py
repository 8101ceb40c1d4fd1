"""The pieces: sizes, places, and what they refuse."""

import ast
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unet_course import ConvBlock, DecoderBlock, EncoderBlock, blocks, match_size, unet

side = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(side, side, side, side)
def test_match_size_gives_the_wanted_size_and_keeps_or_pads(h, w, height, width):
    skip = torch.rand(1, 2, h, w) + 1
    out = match_size(skip, (height, width))
    assert out.shape == (1, 2, height, width)
    assert (out > 0).sum() == 2 * min(h, height) * min(w, width)  # nothing is lost but what must go, nothing is doubled


@settings(max_examples=60, deadline=None)
@given(side, side, st.integers(0, 9), st.integers(0, 9))
def test_match_size_there_and_back_is_the_identity_for_even_differences(h, w, dh, dw):
    skip = torch.rand(1, 1, h, w)
    larger = match_size(skip, (h + 2 * dh, w + 2 * dw))
    assert torch.equal(match_size(larger, (h, w)), skip)


@settings(max_examples=60)
@given(side, side, st.data())
def test_match_size_cropping_is_slicing(h, w, pick):
    height, width = pick.draw(st.integers(1, h)), pick.draw(st.integers(1, w))
    skip = torch.rand(1, 2, h, w)
    # Where the number is odd, the odd row and column go at the top and left.
    top, left = -(-(h - height) // 2), -(-(w - width) // 2)
    assert torch.equal(match_size(skip, (height, width)), skip[..., top : top + height, left : left + width])


@settings(max_examples=60)
@given(side, side, st.integers(0, 9), st.integers(0, 9))
def test_match_size_padding_adds_nothing_but_zeros_and_moves_nothing_inside(h, w, dh, dw):
    skip = torch.rand(1, 2, h, w) + 1
    out = match_size(skip, (h + dh, w + dw))
    # Where the number is odd, the odd row and column come at the bottom and right.
    assert torch.equal(out[..., dh // 2 : dh // 2 + h, dw // 2 : dw // 2 + w], skip)
    assert out.sum().item() == pytest.approx(skip.sum().item(), rel=1e-5)


def test_match_size_can_crop_one_side_and_pad_the_other():
    skip = torch.rand(1, 1, 6, 3)
    out = match_size(skip, (4, 4))
    assert torch.equal(out[..., :3], skip[..., 1:5, :]) and out[..., 3].abs().max() == 0


def test_match_size_takes_any_number_of_axes_and_any_dtype():
    for dtype in (torch.float32, torch.bfloat16, torch.int64):
        for shape in [(3, 3), (2, 3, 3), (1, 1, 2, 3, 3)]:
            out = match_size(torch.ones(shape, dtype=dtype), torch.rand(4, 2).shape)
            assert out.shape == (*shape[:-2], 4, 2) and out.dtype == dtype


def test_match_size_of_the_same_size_changes_nothing():
    skip = torch.rand(2, 3, 7, 8)
    assert torch.equal(match_size(skip, (7, 8)), skip)


def test_match_size_pads_one_at_the_right_and_bottom():
    skip = torch.rand(2, 3, 5, 7)
    out = match_size(skip, (6, 8))
    assert torch.equal(out[..., :5, :7], skip)
    assert out[..., 5, :].abs().max() == 0 and out[..., 7].abs().max() == 0


def test_match_size_crops_the_centre_as_the_paper_does():
    skip = torch.rand(1, 1, 568, 568)
    assert torch.equal(match_size(skip, (392, 392)), skip[..., 88:480, 88:480])


def test_match_size_lets_gradients_through_to_what_is_kept():
    skip = torch.rand(1, 1, 5, 5, requires_grad=True)
    match_size(skip, (6, 4)).sum().backward()
    wanted = torch.ones(5, 5)
    wanted[:, 0] = 0  # cropped at the left
    assert torch.equal(skip.grad[0, 0], wanted)
    double = torch.rand(1, 1, 3, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: match_size(t, (5, 3)), double)


@pytest.mark.parametrize("size", [(0, 5), (5, -1)])
def test_match_size_refuses_an_empty_size(size):
    with pytest.raises(ValueError, match="size is .*positive"):
        match_size(torch.zeros(1, 1, 3, 3), size)


@pytest.mark.parametrize("size", [(3.0, 4), (2.5, 4), (3,), 5, (1, 1, 4, 4)])
def test_match_size_refuses_what_is_not_two_integers(size):
    with pytest.raises(ValueError, match="size is .*positive"):
        match_size(torch.zeros(1, 1, 3, 3), size)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("padding", [0, 1])
def test_conv_block_layers_and_sizes(norm, padding):
    block = ConvBlock(3, 8, padding=padding, norm=norm)
    kinds = [type(m) for m in block.layers]
    one = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] if norm else [nn.Conv2d, nn.ReLU]
    assert kinds == one + one
    assert all((m.bias is None) == norm for m in block.layers if isinstance(m, nn.Conv2d))
    lost = 0 if padding else 4
    assert block(torch.rand(2, 3, 9, 14)).shape == (2, 8, 9 - lost, 14 - lost)


def test_encoder_returns_the_skip_before_the_pool():
    encoder = EncoderBlock(1, 4).eval()
    x = torch.rand(1, 1, 9, 6)
    skip, pooled = encoder(x)
    assert torch.equal(skip, encoder.block(x))
    assert torch.equal(pooled, F.max_pool2d(skip, 2, ceil_mode=True)) and pooled.shape[-2:] == (5, 3)


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
def test_decoder_has_the_upsampled_size_whatever_the_skip(up):
    decoder = DecoderBlock(8, 3, 5, up=up)
    for size in [(9, 13), (10, 14), (12, 20)]:
        assert decoder(torch.rand(2, 8, 5, 7), torch.rand(2, 3, *size)).shape == (2, 5, 10, 14)


def test_decoder_puts_the_skip_first():
    decoder = DecoderBlock(2, 3, 4).eval()
    x, skip = torch.rand(1, 2, 4, 4), torch.rand(1, 3, 8, 8)
    assert torch.equal(decoder(x, skip), decoder.block(torch.cat([skip, decoder.up(x)], dim=1)))


def test_decoder_refuses_an_unknown_way_up():
    with pytest.raises(ValueError, match="up is 'nearest'.*transpose.*bilinear"):
        DecoderBlock(2, 2, 2, up="nearest")


def test_a_block_looks_two_pixels_far_and_no_further():
    image = torch.ones(1, 1, 15, 17, requires_grad=True)
    block = ConvBlock(1, 1, norm=False)
    for p in block.parameters():
        nn.init.constant_(p, 0.1)  # all positive, so that no ReLU hides a pixel
    (seen,) = torch.autograd.grad(block(image)[0, 0, 6, 9], image)
    wanted = torch.zeros(15, 17, dtype=torch.bool)
    wanted[4:9, 7:12] = True
    assert torch.equal(seen[0, 0] > 0, wanted)


@pytest.mark.parametrize("height", [4, 5, 6, 7])
@pytest.mark.parametrize("width", [4, 5, 8, 11])
def test_down_and_up_again_brings_each_pixel_beside_itself(height, width):
    """A pool and a doubling, without any convolution: where the skip has pixel (r, c), so has the upsampled."""
    place = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"))[None].float() + 1
    double = nn.Upsample(scale_factor=2)(F.max_pool2d(place, 2, ceil_mode=True))
    skip = match_size(place, double.shape[-2:])
    known = skip > 0
    # The pool keeps the largest of two neighbours, so it may be one more, never two, never less.
    assert set((double - skip)[known].tolist()) <= {0.0, 1.0}


def test_a_pool_before_the_skip_or_a_pad_at_the_left_would_be_seen():
    place = torch.arange(1.0, 6)[None, None, None].expand(1, 1, 5, 5)
    double = nn.Upsample(scale_factor=2)(F.max_pool2d(place, 2, ceil_mode=True))
    for wrong in (F.pad(place, (1, 0, 1, 0)), match_size(F.max_pool2d(place, 2, ceil_mode=True), (6, 6))):
        difference = (double - wrong)[wrong > 0]
        assert not set(difference.tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
def test_up_brings_the_channels_down_before_the_concatenation(up):
    decoder = DecoderBlock(16, 3, 4, up=up)
    assert decoder.up(torch.rand(1, 16, 5, 6)).shape == (1, 4, 10, 12)
    assert decoder.block.layers[0].in_channels == 3 + 4


def test_bilinear_up_puts_a_value_in_the_middle_of_its_four_pixels():
    """A slope shows it: with align_corners, places would be right in the middle only and drift towards the borders."""
    decoder = DecoderBlock(1, 1, 1, up="bilinear")
    nn.init.ones_(decoder.up[1].weight), nn.init.zeros_(decoder.up[1].bias)
    slope = torch.arange(8.0).expand(1, 1, 8, 8)
    wanted = (torch.arange(16.0) - 0.5) / 2
    assert torch.allclose(decoder.up(slope)[0, 0, 5, 1:-1], wanted[1:-1], atol=1e-5)


def test_decoder_crops_a_long_skip_at_its_centre():
    decoder = DecoderBlock(2, 1, 2, padding=0).eval()
    x, skip = torch.rand(1, 2, 4, 4), torch.rand(1, 1, 16, 16)
    assert torch.equal(decoder(x, skip), decoder(x, skip[..., 4:12, 4:12]))


@pytest.mark.parametrize("module, allowed", [(blocks, {"torch"}), (unet, {"torch", "math", "unet_course.blocks"})])
def test_the_network_imports_torch_and_nothing_else(module, allowed):
    found = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module)
    assert {name if name in allowed else name.split(".")[0] for name in found} <= allowed
