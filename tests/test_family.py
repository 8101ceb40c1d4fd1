"""The family: every size, every argument, the papers' counts, and each network differs from U-Net in what it says."""

import inspect
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unet_course import ConvBlock, UNet, fit, load_nuclei, predict
from unet_course.dcsau import CompactBlock, DCSAUNet, PrimaryFeatures, SplitAttention, split_attention
from unet_course.exercises.nb05 import centre_of_impulse
from unet_course.family import (
    AttentionDecoder,
    AttentionGate,
    AttentionUNet,
    DenseBlock,
    DenseUNet,
    ResidualBlock,
    ResUNet,
    UNetPlusPlus,
    deep_supervision,
)
from unet_course.inference.tiles import reach
from unet_course.losses import FadingWeights, combined_loss, cross_entropy
from unet_course.tracing import parameter_count, trace_shapes
from unet_course.unet import output_size

FAMILY = [ResUNet, AttentionUNet, UNetPlusPlus, DenseUNet]
WITHOUT_PADDING, WITH_PADDING_ONLY = [ResUNet, AttentionUNet], [UNetPlusPlus, DenseUNet]
WIDTHS = (64, 128, 256, 512, 1024)


def name(kind):
    return kind.__name__


@pytest.mark.parametrize("kind", FAMILY, ids=name)
@settings(max_examples=25, deadline=None)
@given(h=st.integers(1, 60), w=st.integers(1, 60), levels=st.integers(0, 4), up=st.sampled_from(["transpose", "bilinear"]),
       norm=st.booleans(), into=st.integers(1, 3), classes=st.integers(1, 4), batch=st.integers(1, 2))
def test_output_has_the_size_of_the_input(kind, h, w, levels, up, norm, into, classes, batch):
    model = kind(into, classes, channels=(2, 3, 5, 3, 2)[: levels + 1], up=up, norm=norm).eval()
    with torch.no_grad():
        assert model(torch.rand(batch, into, h, w)).shape == (batch, classes, h, w)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (37, 50), (33, 64), (101, 101), (127, 5)])
@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_odd_sizes_in_training_and_in_evaluation(kind, size):
    model = kind(channels=(2, 4, 8), norm=False)  # a norm needs more than one value at the bottom
    for mode in (model.train(), model.eval()):
        out = mode(torch.rand(2, 1, *size))
        assert out.shape == (2, 2, *size) and bool(torch.isfinite(out).all())


@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_arguments_are_those_of_unet(kind):
    theirs, ours = (inspect.signature(k).parameters for k in (UNet, kind))
    assert [(n, p.default, p.kind) for n, p in ours.items()][:6] == [(n, p.default, p.kind) for n, p in theirs.items()]


@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_a_class_is_at_most_60_lines(kind):
    assert len(inspect.getsource(kind).splitlines()) <= 60


@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_bad_arguments_and_images_get_the_errors_of_unet(kind):
    for wrong in [dict(in_channels=0), dict(num_classes="2"), dict(channels=()), dict(up="cubic"), dict(padding=2)]:
        with pytest.raises(ValueError, match=re.escape(next(iter(wrong)) + " is ")):
            kind(**{"channels": (2, 4), **wrong})
    for wrong in [torch.rand(1, 3, 8, 8), torch.rand(8, 8), torch.zeros(1, 1, 8, 8, dtype=torch.uint8), torch.rand(1, 1, 0, 8)]:
        with pytest.raises(ValueError, match="x "):
            kind(channels=(2, 4))(wrong)


@pytest.mark.parametrize("kind", WITH_PADDING_ONLY, ids=name)
def test_padding_0_is_refused_where_it_does_not_fit(kind):
    with pytest.raises(ValueError, match=f"padding is 0, and {kind.__name__} takes padding=1 only: .*UNet, ResUNet and Att"):
        kind(channels=(2, 4), padding=0)


@pytest.mark.parametrize("size", [44, 61, 68, 93])
@pytest.mark.parametrize("kind", WITHOUT_PADDING, ids=name)
def test_padding_0_gives_the_sizes_of_the_paper(kind, size):
    model = kind(channels=(2, 4, 4), padding=0, norm=False).eval()
    assert model(torch.rand(1, 1, size, size)).shape[-1] == output_size(size, levels=2)
    assert predict(model, torch.rand(50, 70)).shape == (2, 50, 70)


@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_every_parameter_takes_part(kind):
    model = kind(channels=(2, 4, 8))
    model(torch.rand(2, 1, 20, 20)).square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("size, pixel", [((64, 64), (29, 31)), ((61, 67), (30, 33)), ((63, 58), (29, 28))])
@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_one_bright_pixel_keeps_its_place(kind, size, pixel):
    row, column = centre_of_impulse(kind(channels=(4, 8, 16), norm=False), size, pixel)
    assert abs(row - pixel[0]) < 1 and abs(column - pixel[1]) < 1  # the coarsest level knows a place to two pixels


@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_weights_are_drawn_after_he(kind):
    model = kind(channels=(32, 64, 128))
    wide = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.weight.numel() > 5000]
    assert len(wide) >= 8
    for layer in wide:
        fan_in = layer.in_channels * layer.kernel_size[0] ** 2
        assert abs(layer.weight.std().item() / (2 / fan_in) ** 0.5 - 1) < 0.1
    assert all(bool((m.bias == 0).all()) for m in model.modules() if isinstance(m, nn.Conv2d) and m.bias is not None)


@pytest.mark.parametrize("options", [{}, {"deep_supervision": True}], ids=["one head", "all heads"])
@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_fit_and_predict_take_them_as_they_are(kind, options):
    if options and kind is not UNetPlusPlus:
        return
    torch.manual_seed(0)
    model, data = kind(num_classes=3, channels=(4, 8, 8), **options), load_nuclei("val")
    loss = deep_supervision(combined_loss) if options else combined_loss
    history = fit(model, data, data, steps=12, batch_size=2, crop=32, loss=loss, bf16=False, progress=False)
    assert sum(history.loss[-4:]) < sum(history.loss[:4]) and len(history.val_dice) == 1
    image = data[0][0, 0, :53, :71]
    whole, tiled = predict(model, image), predict(model, image, tile=32, progress=False)
    assert whole.shape == (3, 53, 71) and torch.allclose(whole, tiled, atol=1e-4)


@pytest.mark.parametrize("kind", [ResUNet, AttentionUNet, DenseUNet], ids=name)
def test_they_are_traced_as_a_unet_is(kind):
    assert trace_shapes(kind(channels=(4, 8, 16)), (37, 50)) == trace_shapes(UNet(channels=(4, 8, 16)), (37, 50))


def test_reach_of_the_dense_network_is_larger():
    margins = {kind: reach(kind(channels=(4, 4))).margin for kind in [UNet, *FAMILY]}
    assert margins[ResUNet] == margins[UNet] == margins[AttentionUNet] < margins[DenseUNet]


# What each one changes


def test_residual_block_is_the_sum():
    for into, out in [(4, 4), (4, 6)]:
        block, x = ResidualBlock(into, out, norm=False).eval(), torch.randn(1, into, 9, 8)
        straight = x if into == out else block.shortcut(x)
        assert torch.allclose(block(x), torch.relu(block.layers(x) + straight))
        assert bool((block.layers(x) < 0).any()), "the change may be negative: no ReLU before the sum"
        for layer in block.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
        assert torch.allclose(block(x), torch.relu(straight))  # nothing to change: the input goes through


def test_residual_block_without_padding_crops_its_shortcut_at_the_centre():
    block = ResidualBlock(1, 1, padding=0, norm=False)
    for layer in block.layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
    x = torch.rand(1, 1, 9, 10)
    assert torch.equal(block(x), x[..., 2:-2, 2:-2])


def test_gate_is_computed_as_written_and_dims_the_skip_alone():
    skip, x = torch.randn(2, 6, 5, 7), torch.randn(2, 8, 3, 4)
    decoder = AttentionDecoder(8, 6, 6)
    gate, below = decoder.gate, decoder.up(x)
    with torch.no_grad():
        a = gate.of_skip.weight[:, :, 0, 0] @ torch.nn.functional.pad(skip, (0, 1, 0, 1))[1, :, 2, 3]
        b = gate.of_below.weight[:, :, 0, 0] @ below[1, :, 2, 3] + gate.of_below.bias
        wanted = torch.sigmoid(gate.score.weight[0, :, 0, 0] @ torch.relu(a + b) + gate.score.bias)
    padded = nn.functional.pad(skip, (0, 1, 0, 1))
    assert torch.allclose(gate(padded, below)[1, 0, 2, 3], wanted, atol=1e-5)
    nn.init.zeros_(gate.score.weight)
    nn.init.constant_(gate.score.bias, -100.0)  # shut
    shut = decoder.block(torch.cat([0 * padded, below], dim=1))
    assert torch.allclose(decoder(x, skip), shut, atol=1e-5)


def test_an_open_gate_is_plain_unet():
    gated, plain = AttentionUNet(channels=(4, 8, 16)).eval(), UNet(channels=(4, 8, 16)).eval()
    plain.load_state_dict({k: v for k, v in gated.state_dict().items() if ".gate." not in k})
    for decoder in gated.decoders:
        nn.init.zeros_(decoder.gate.score.weight)
        nn.init.constant_(decoder.gate.score.bias, 100.0)
    x = torch.rand(1, 1, 37, 50)
    assert torch.allclose(gated(x), plain(x), atol=1e-5) and isinstance(gated.decoders[0].gate, AttentionGate)


def test_dense_block_hands_everything_on():
    block, x = DenseBlock(3, 8).eval(), torch.rand(1, 3, 6, 6)
    assert [step[0].in_channels for step in block.steps] == [3, 5, 7, 9] and block.gather[0].in_channels == 11
    seen = x
    for step in block.steps:
        seen = torch.cat([seen, step(seen)], dim=1)
    assert torch.allclose(block(x), torch.relu(block.gather(seen)))


@pytest.mark.parametrize("kind, block", [(ResUNet, ResidualBlock), (DenseUNet, DenseBlock)], ids=["res", "dense"])
def test_every_block_is_exchanged(kind, block):
    model = kind(channels=(2, 4, 8, 8))
    assert sum(type(m) is block for m in model.modules()) == 7
    assert not any(type(m) is ConvBlock for m in [model.bottleneck, *(e.block for e in [*model.encoders, *model.decoders])])


def test_plus_plus_links_each_node_to_all_before_it():
    model = UNetPlusPlus(channels=(2, 3, 5, 7))
    assert {k: n.block.layers[0].in_channels for k, n in model.nodes.items()} == {
        "0 1": 2 + 2, "1 1": 3 + 3, "2 1": 5 + 5, "0 2": 2 * 2 + 2, "1 2": 2 * 3 + 3, "0 3": 3 * 2 + 2}
    assert {k: n.up.in_channels for k, n in model.nodes.items()} == {"0 1": 3, "1 1": 5, "2 1": 7, "0 2": 3, "1 2": 5, "0 3": 3}


def test_plus_plus_of_one_level_is_unet():
    one, plain = UNetPlusPlus(channels=(4, 8)).eval(), UNet(channels=(4, 8)).eval()
    plain.load_state_dict({k.replace("nodes.0 1", "decoders.0").replace("heads.0", "head"): v
                           for k, v in one.state_dict().items()})
    x = torch.rand(2, 1, 13, 9)
    assert torch.allclose(one(x), plain(x), atol=1e-6)


def test_class_weights_fade_under_deep_supervision_too():
    loss, seen = FadingWeights([0.9, 0.02, 0.08]), []
    data = torch.rand(1, 1, 32, 32), torch.randint(0, 3, (1, 32, 32))
    fit(UNetPlusPlus(num_classes=3, channels=(2, 4), deep_supervision=True), data, steps=4, crop=16, batch_size=1,
        loss=deep_supervision(loss), bf16=False, progress=False, on_step=lambda *_: seen.append(loss.progress))
    assert seen == [0, 0.25, 0.5, 0.75]
    assert not hasattr(deep_supervision(combined_loss), "progress")


def test_deep_supervision_returns_all_heads_in_training_and_their_mean_after():
    model = UNetPlusPlus(channels=(2, 4, 8, 8), norm=False, deep_supervision=True)
    x = torch.rand(2, 1, 11, 14)
    several = model.train()(x)
    assert several.shape == (3, 2, 2, 11, 14)
    assert torch.allclose(model.eval()(x), several.mean(dim=0), atol=1e-6)
    assert not torch.allclose(several[0], several[1])
    single = UNetPlusPlus(channels=(2, 4, 8, 8), norm=False)
    assert single.train()(x).shape == (2, 2, 11, 14) and len(single.heads) == 1
    assert len(UNetPlusPlus(channels=(2,), deep_supervision=True).heads) == 1


def test_a_head_further_left_needs_less_of_the_network():
    """Pruning: the first head does not depend on what lies deeper."""
    model = UNetPlusPlus(channels=(2, 4, 8, 8), norm=False, deep_supervision=True)
    model(torch.rand(1, 1, 16, 16))[0].sum().backward()
    used = {n for n, p in model.named_parameters() if p.grad.abs().sum() > 0}
    assert not any(n.startswith(("bottleneck", "encoders.2", "nodes.0 2", "nodes.1")) for n in used) and "nodes.0 1.up.weight" in used


def test_loss_over_heads_is_the_mean_and_names_what_is_wrong():
    logits, target = torch.randn(3, 2, 4, 5, 6), torch.randint(0, 4, (2, 5, 6))
    wanted = sum(cross_entropy(one, target) for one in logits) / 3
    assert torch.allclose(deep_supervision(cross_entropy)(logits, target), wanted)
    with pytest.raises(ValueError, match="no axis of heads"):
        deep_supervision(cross_entropy)(logits[0], target)
    with pytest.raises(ValueError, match="do not fit"):
        combined_loss(logits, target)  # forgotten wrapper: a clear error as well


# DCSAU-Net: its own widths, no choice of `up` and `norm`


@settings(max_examples=25, deadline=None)
@given(h=st.integers(1, 60), w=st.integers(1, 60), levels=st.integers(0, 4), into=st.integers(1, 3),
       classes=st.integers(1, 4), batch=st.integers(1, 2))
def test_split_attention_net_keeps_the_size(h, w, levels, into, classes, batch):
    model = DCSAUNet(into, classes, channels=(8, 16, 8, 24, 8)[: levels + 1]).eval()
    with torch.no_grad():
        assert model(torch.rand(batch, into, h, w)).shape == (batch, classes, h, w)


def test_split_attention_net_takes_the_arguments_that_it_has_and_refuses_the_rest():
    for wrong in [dict(in_channels=0), dict(num_classes="2"), dict(channels=()), dict(padding=2)]:
        with pytest.raises(ValueError, match=re.escape(next(iter(wrong)) + " is ")):
            DCSAUNet(**{"channels": (8, 16), **wrong})
    with pytest.raises(ValueError, match="padding is 0, and DCSAUNet takes padding=1 only"):
        DCSAUNet(channels=(8, 16), padding=0)
    for channels in [(8, 12), (4, 8), (8, 16, 20)]:
        with pytest.raises(ValueError, match=r"multiples of 8, .* such as \(16, 32, 64\)"):
            DCSAUNet(channels=channels)
    assert DCSAUNet(channels=(5,)).eval()(torch.rand(1, 1, 4, 4)).shape == (1, 2, 4, 4)
    for wrong in [torch.rand(1, 3, 8, 8), torch.rand(8, 8), torch.rand(1, 1, 0, 8)]:
        with pytest.raises(ValueError, match="x "):
            DCSAUNet(channels=(8, 16))(wrong)


def test_counts_of_the_split_attention_paper():
    """Its code, in its own size; the first block has 17,216, two 3×3 convolutions with norms 38,848."""
    assert parameter_count(DCSAUNet(3, 1)) == 2_598_785
    assert parameter_count(PrimaryFeatures(3, 64)) == 17_216 and parameter_count(ConvBlock(3, 64)) == 38_848
    model = DCSAUNet(channels=(8, 16, 32, 64))
    assert [d.block[0].shortcut[0].in_channels for d in model.decoders] == [32 + 64, 16 + 16, 8 + 8]
    assert parameter_count(DCSAUNet(1, 3, channels=(8, 16, 32, 64))) == 30_395


def test_every_parameter_of_it_takes_part_and_its_blocks_are_its_own():
    model = DCSAUNet(channels=(8, 16, 32))
    model(torch.rand(2, 1, 20, 20)).square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    blocks = [m for m in model.modules() if isinstance(m, CompactBlock)]
    assert len(blocks) == len({id(p) for b in blocks for p in b.change[0].parameters()}) == 8
    assert sum(isinstance(m, nn.AvgPool2d) for m in model.modules()) == 2  # the first stage and the last have none
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in model.modules())


def test_one_bright_pixel_keeps_its_place_in_it():
    for size, pixel in [((64, 64), (29, 31)), ((61, 67), (30, 33))]:
        row, column = centre_of_impulse(DCSAUNet(channels=(8, 16, 16)), size, pixel)
        assert abs(row - pixel[0]) < 1.5 and abs(column - pixel[1]) < 1.5


def test_first_block_adds_what_it_has_seen_of_each_channel():
    block, x = PrimaryFeatures(2, 3).eval(), torch.randn(1, 2, 9, 8)
    wide = block.widen(x)
    assert block.depthwise[0].groups == 3 and [type(m) for m in block.widen] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d]
    assert torch.allclose(block(x), block.pointwise(wide + block.depthwise(wide)))


def test_second_path_sees_further_than_the_first():
    layer, x = SplitAttention(4).eval(), torch.randn(1, 4, 9, 9, requires_grad=True)
    a, b = layer.split(x).chunk(2, dim=1)
    for out, side in [(a, 3), (layer.again(a + b), 5)]:
        (gradient,) = torch.autograd.grad(out.sum(dim=1)[0, 2:-2, 2:-2].sum(), x, retain_graph=True)
        (one,) = torch.autograd.grad(out[0, :, 4, 4].sum(), x, retain_graph=True)
        rows = one.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        assert len(rows) in (0, side) and gradient.abs().sum() > 0
    assert layer.split[0].groups == layer.again[0].groups == 2


def test_split_attention_is_a_mixture():
    a, b, layer = torch.randn(3, 4, 6, 5), torch.randn(3, 4, 6, 5), nn.Linear(4, 8)
    score = layer((a + b).mean(dim=(2, 3)))
    share = torch.sigmoid(score[:, :4] - score[:, 4:])[..., None, None]
    assert torch.allclose(split_attention(a, b, layer), b + share * (a - b), atol=1e-5)


def test_it_learns_from_two_images_and_not_from_one():
    torch.manual_seed(0)
    model, data = DCSAUNet(num_classes=3, channels=(8, 16, 16)), load_nuclei("val")
    history = fit(model, data, data, steps=16, batch_size=2, crop=32, loss=combined_loss, bf16=False, progress=False)
    assert sum(history.loss[-4:]) < sum(history.loss[:4])
    assert predict(model, data[0][0, 0, :53, :71]).shape == (3, 53, 71)
    with pytest.raises(ValueError, match="more than 1 value"):
        model.train()(torch.rand(1, 1, 32, 32))
    with pytest.raises(ValueError, match="sees the whole image"):
        reach(model)


# Parameters, by hand and beside the papers


def conv(a, b, kernel=3, bias=False):
    return kernel * kernel * a * b + (b if bias else 0)


def block(a, b):
    return conv(a, b) + conv(b, b) + 4 * b


def by_hand(kind, into=1, classes=2, widths=WIDTHS):
    down = list(zip((into, *widths), widths))
    up = [(2 * b, b) for b in widths[-2::-1]]
    total = sum(conv(a, b, 2, True) for a, b in up) + conv(widths[0], classes, 1, True)
    if kind is ResUNet:
        return total + sum(block(a, b) + conv(a, b, 1) + 2 * b for a, b in [*down, *up])
    if kind is DenseUNet:
        layers = sum(conv(a + n * b // 4, b // 4) + 2 * b // 4 for a, b in [*down, *up] for n in range(4))
        return total + layers + sum(conv(a + b, b, 1) + 2 * b for a, b in [*down, *up])
    if kind is AttentionUNet:
        gates = sum(conv(b, b // 2, 1) + conv(b, b // 2, 1, True) + conv(b // 2, 1, 1, True) for _, b in up)
        return total + gates + sum(block(a, b) for a, b in [*down, *up])
    levels = len(widths) - 1
    nodes = [(widths[i + 1], (j + 1) * widths[i], widths[i]) for j in range(1, levels + 1) for i in range(levels + 1 - j)]
    return (conv(widths[0], classes, 1, True) + sum(block(a, b) for a, b in down)
            + sum(conv(a, c, 2, True) + block(b, c) for a, b, c in nodes))


@pytest.mark.parametrize("kind", FAMILY, ids=name)
def test_parameters_are_what_hand_arithmetic_says(kind):
    assert parameter_count(kind()) == by_hand(kind)
    assert parameter_count(kind(3, 4, channels=(8, 16, 32))) == by_hand(kind, 3, 4, (8, 16, 32))


def test_counts_of_the_u_net_plus_plus_paper():
    """Table 3 of Zhou et al. (2018): U-Net 7.76 M, U-Net++ 9.04 M, widths 32 to 512, no norm."""
    settings_ = dict(num_classes=1, channels=(32, 64, 128, 256, 512), norm=False)
    assert parameter_count(UNet(**settings_)) == 7_759_521
    assert parameter_count(UNetPlusPlus(**settings_)) == 9_041_601


def test_count_of_the_residual_paper_and_why_ours_differs():
    """Zhang et al. (2017) state 7.8 M: its 3×3 convolutions, whose decoder takes 512 + 256 channels and has no weights in `up`."""
    pairs = [(3, 64), (64, 128), (128, 256), (256, 512), (768, 256), (384, 128), (192, 64)]
    theirs = sum(conv(a, b) + conv(b, b) for a, b in pairs)
    assert round(theirs / 1e6, 1) == 7.8
    ours = ResUNet(3, 1, channels=(64, 128, 256, 512))
    assert parameter_count(ours) == by_hand(ResUNet, 3, 1, (64, 128, 256, 512)) == 8_047_233
