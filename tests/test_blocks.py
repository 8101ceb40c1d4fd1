"""The pieces: sizes, places, and what they refuse."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unet_course import ConvBlock, DecoderBlock, EncoderBlock, match_size

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


def test_match_size_pads_one_at_the_right_and_bottom():
    skip = torch.rand(2, 3, 5, 7)
    out = match_size(skip, (6, 8))
    assert torch.equal(out[..., :5, :7], skip)
    assert out[..., 5, :].abs().max() == 0 and out[..., 7].abs().max() == 0


def test_match_size_crops_the_centre_as_the_paper_does():
    skip = torch.rand(1, 1, 568, 568)
    assert torch.equal(match_size(skip, (392, 392)), skip[..., 88:480, 88:480])


def test_match_size_lets_gradients_through():
    skip = torch.rand(1, 1, 5, 5, requires_grad=True)
    match_size(skip, (6, 4)).sum().backward()
    assert skip.grad.sum() == 20


@pytest.mark.parametrize("size", [(0, 5), (5, -1)])
def test_match_size_refuses_an_empty_size(size):
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
