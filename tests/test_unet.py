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
    with pytest.raises(ValueError, match="too small.*Sizes at which no pool rounds") as caught:
        model(torch.zeros(1, 1, size, size))
    pairs = [pair.split("→") for pair in str(caught.value).split("output): ")[1].split(", and")[0].split(", ")]
    for into, out in pairs:
        assert model(torch.zeros(1, 1, int(into), int(into))).shape[-1] == int(out)


def test_one_side_that_is_too_small_is_enough_to_refuse_at_every_depth():
    for levels in range(6):
        model = UNet(channels=(1,) * (levels + 1), padding=0, norm=False).eval()
        for shape in [(4, 300), (300, 4)]:
            with pytest.raises(ValueError, match=f"x is {shape[0]}×{shape[1]}, too small for {levels} levels"):
                model(torch.zeros(1, 1, *shape))


@pytest.mark.parametrize("levels", [0, 1, 2, 3, 4])
def test_the_listed_sizes_go_on_as_the_message_says(levels):
    model = UNet(channels=(1,) * (levels + 1), padding=0, norm=False).eval()
    with pytest.raises(ValueError) as caught:
        model(torch.zeros(1, 1, 1, 1))
    listed = str(caught.value).split("output): ")[1].split(", and every ")
    first, out = map(int, listed[0].split(",")[0].split("→"))
    assert model(torch.zeros(1, 1, first, first)).shape[-1] == out
    assert model(torch.zeros(1, 1, first + 7 * int(listed[1].split()[0]), first)).shape[-2:] == (out + 7 * 2**levels, out)


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


class SkipAfterPool(UNet):
    """The most common wrong U-Net: runs, and every skip is half the size, in a frame of zeros."""

    def forward(self, x):
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)
            skips.append((x, skip.shape))
        x = self.bottleneck(x)
        for decoder, (skip, shape) in zip(self.decoders, reversed(skips)):
            x = decoder(x, skip)[..., : shape[-2], : shape[-1]]
        return self.head(x)


class CropFromOne(UNet):
    """The article's final crop: one pixel is lost at the top and left, whether or not one was added."""

    def forward(self, x):
        inner = nn.functional.pad(x, (0, 1, 0, 1))
        return super().forward(inner)[..., 1:, 1:]


class CropBeforeTheEnd(UNet):
    """Crops what was padded at the left instead of the right, on every level."""

    def forward(self, x):
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)
            skips.append(skip)
        x = self.bottleneck(x)
        for decoder, skip in zip(self.decoders, reversed(skips)):
            x = decoder(x, skip)[..., -skip.shape[-2] :, -skip.shape[-1] :]
        return self.head(x)


def listening_to(kind, levels, keep, **options):
    """A network that adds up, and whose decoder hears the image through one skip only, or (keep=levels) the bottom only."""
    model = kind(1, 1, channels=(1,) * (levels + 1), norm=False, **options).eval()
    for p in model.parameters():
        nn.init.constant_(p, 0.0 if p.ndim == 1 else 1.0)  # all positive: no ReLU hides a pixel, nothing cancels
    for encoder in model.encoders:
        encoder.pool = nn.AvgPool2d(2, ceil_mode=True)  # a max-pool passes the gradient of one pixel in four
    for level, decoder in zip(reversed(range(levels)), model.decoders):
        first = decoder.block.layers[0].weight.data
        first[:, 1:] *= level != keep
        first[:, :1] *= level == keep
    return model


def rows_seen(model, size, rows):
    """First and last row of the image that each of these rows of the output depends on."""
    image = torch.ones(1, 1, size, 9 if model.padding else size, requires_grad=True)
    out = model(image)[0, 0]
    found = []
    for row in rows:
        (gradient,) = torch.autograd.grad(out[row, out.shape[1] // 2], image, retain_graph=True)
        lit = gradient[0, 0].abs().sum(dim=1).nonzero().ravel().tolist() or [-1]
        found.append((lit[0], lit[-1]))
    return found


def rows_wanted(levels, keep, size, row, padding):
    """The same by counting: what a convolution, a pool and a doubling reach if each pixel stays where it is."""
    lost = 4 * (1 - padding)  # rows that the two convolutions of a block take off
    skips, sizes, margins = [], [size], []
    for _ in range(levels):
        skips.append(sizes[-1] - lost)
        sizes.append(-(-skips[-1] // 2))
        # What lies between a skip's first row and that of the doubled: 4, 16, 40, 88 from the bottom up.
        margins.insert(0, 2 * margins[0] + 2 * lost if margins else lost)

    def convolve(first, last, size):  # two rows to each side, or, without padding, four further on
        return (max(first - 2, 0), min(last + 2, size - 1)) if padding else (first, last + 4)

    first = last = row
    for level in range(keep):
        first, last = (side // 2 for side in convolve(first, last, 2 * sizes[level + 1]))
    if keep < levels:
        first, last = (side + margins[keep] for side in convolve(first, last, skips[keep]))
    for level in reversed(range(keep + 1)):
        first, last = convolve(first, last, sizes[level])
        if level:
            first, last = 2 * first, min(2 * last + 1, skips[level - 1] - 1)
    return first, last


def shifts(kind, levels, size, padding=1):
    """How far each way through the U moves things: (first row, last row) seen minus wanted."""
    end = size if padding else output_size(size, levels)
    rows, found = sorted({end // 5, end // 2, end - 1 - end // 5}), set()
    for keep in range(levels + 1):
        for row, seen in zip(rows, rows_seen(listening_to(kind, levels, keep, padding=padding), size, rows)):
            wanted = rows_wanted(levels, keep, size, row, padding)
            found.add((seen[0] - wanted[0], seen[1] - wanted[1]))
    return found


@pytest.mark.parametrize("levels, sizes", [(1, (1, 2, 7)), (2, (16, 21, 22, 23)), (3, (48, 49, 53, 58)), (4, (61, 64, 67))])
def test_every_way_through_the_u_keeps_each_row_exactly_in_its_place(levels, sizes):
    assert {size: shifts(UNet, levels, size) for size in sizes} == {size: {(0, 0)} for size in sizes}


@pytest.mark.parametrize("broken, size", [(SkipAfterPool, 48), (CropFromOne, 48), (CropFromOne, 53), (CropBeforeTheEnd, 53)])
def test_a_broken_network_is_seen_to_move_things(broken, size):
    assert shifts(broken, 3, size) != {(0, 0)}


def test_columns_are_treated_as_rows_are():
    model, image = UNet(channels=(2, 4, 4), norm=False).eval(), torch.rand(1, 1, 21, 34)
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            layer.weight.data = (layer.weight.data + layer.weight.data.mT) / 2
    assert torch.allclose(model(image.mT), model(image).mT, atol=1e-5)


# Sizes at which all pools but the first meet an even size: only there do the valid network's skips fit.
@pytest.mark.parametrize("levels, size", [(1, 20), (1, 21), (1, 23), (2, 44), (2, 47), (3, 92), (3, 99), (3, 108), (4, 188), (4, 203)])
def test_the_papers_network_keeps_places_where_only_the_first_pool_rounds(levels, size):
    assert shifts(UNet, levels, size, padding=0) == {(0, 0)}


@pytest.mark.parametrize("levels, size", [(2, 45), (2, 46), (3, 93), (3, 96), (3, 98), (4, 189), (4, 196)])
def test_the_papers_network_keeps_places_at_every_size_it_takes(levels, size):
    assert shifts(UNet, levels, size, padding=0) == {(0, 0)}


def test_he_initialisation_with_fan_in():
    model = UNet(channels=(16, 32, 64))
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            fan_in = layer.in_channels * (1 if isinstance(layer, nn.ConvTranspose2d) else math.prod(layer.kernel_size))
            if layer.weight.numel() > 1000:
                assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.1)
            assert layer.bias is None or layer.bias.abs().max() == 0


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
def test_initial_weights_keep_the_size_of_what_flows_through(up):
    """The reason for He's formula: with it, the signal neither dies nor explodes on its way down and up."""
    model = UNet(channels=(32, 64, 64, 64, 64), norm=False, up=up).eval()
    spread = []
    hooks = [m.register_forward_hook(lambda _, __, out: spread.append(out.square().mean().sqrt().item()))
             for m in model.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        model(torch.randn(1, 1, 64, 64))
    for hook in hooks:
        hook.remove()
    assert 0.2 < min(spread) and max(spread) < 10


def test_the_seed_says_the_weights():
    models = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        models.append(torch.cat([p.ravel() for p in UNet(channels=(2, 4)).parameters()]))
    assert torch.equal(models[0], models[1]) and not torch.equal(models[0], models[2])


@pytest.mark.parametrize("norm", [True, False])
def test_a_saved_state_makes_an_equal_network(norm, tmp_path):
    options = {"channels": (2, 4, 8), "norm": norm, "up": "bilinear"}
    model, x = UNet(**options), torch.rand(2, 1, 13, 18)
    model(x)  # moves the running means of the norm
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other = UNet(**options)
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(model.eval()(x), other.eval()(x))


def test_no_bias_before_a_norm():
    for layers in [m.layers for m in UNet(channels=(2, 4)).modules() if hasattr(m, "layers")]:
        assert [m.bias for m in layers if isinstance(m, nn.Conv2d)] == [None, None]


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("up", ["transpose", "bilinear"])
def test_every_parameter_gets_a_gradient(up, norm):
    model = UNet(channels=(4, 8, 16), up=up, norm=norm)
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


@pytest.mark.parametrize("padding", [1.0, True])
def test_a_padding_that_only_equals_one_is_refused_or_works(padding):
    try:
        model = UNet(channels=(2, 4), padding=padding)
    except ValueError as error:
        assert "padding is" in str(error)
    else:
        assert model(torch.rand(1, 1, 8, 8)).shape == (1, 2, 8, 8)


def test_the_image_that_came_is_left_alone():
    x = torch.randn(2, 1, 9, 9)
    before = x.clone()
    UNet(channels=(2, 4))(x)
    assert torch.equal(x, before)


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


@pytest.mark.parametrize("levels, size", [(1, (1, 1)), (3, (29, 46)), (4, (101, 70))])
def test_trace_is_what_counting_gives(levels, size):
    channels = (3, 4, 5, 6, 7)[: levels + 1]
    rows = dict(trace_shapes(UNet(2, 5, channels=channels), size))
    sizes = [size]
    for _ in range(levels):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    wanted = {"input": (2, *size), "bottom": (channels[-1], *sizes[-1]), "logits": (5, *size)}
    for level in range(levels):
        doubled = (channels[level], *(2 * side for side in sizes[level + 1]))
        wanted |= {f"skip {level}": (channels[level], *sizes[level]), f"pooled {level}": (channels[level], *sizes[level + 1]),
                   f"up {level}": doubled, f"decoder {level}": doubled}
    assert rows == wanted


@pytest.mark.parametrize("convs, kernel", [(1, 3), (2, 3), (3, 5)])
def test_receptive_field_of_a_plain_stack_is_what_a_gradient_measures(convs, kernel):
    layers = [nn.Conv2d(1, 1, kernel, padding=kernel // 2, bias=False) for _ in range(convs)]
    for layer in layers:
        nn.init.ones_(layer.weight)
    seen = impulse(nn.Sequential(*layers), (31, 31), (15, 15))
    assert (seen > 0).sum() == receptive_field(0, convs=convs, kernel=kernel) ** 2


@pytest.mark.parametrize("layers", [[], [(5, 1)], [(3, 2), (4, 3), (2, 2), (3, 1)], [(2, 2)] * 4])
def test_receptive_field_of_any_layers_is_what_nan_spoils(layers):
    side = receptive_field(layers)
    x = torch.zeros(side + 2, 1, side + 2)
    x[range(side + 2), 0, range(side + 2)] = torch.nan  # row i: place i is no number
    for kernel, stride in layers:
        x = torch.nn.functional.avg_pool1d(x, kernel, stride)
    assert x[..., 0].isnan().sum() == side


def test_impulse_leaves_the_model_alone():
    model = UNet(channels=(2, 4)).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    impulse(model, (8, 9), (3, 3))
    assert model.training and all(p.grad is None for p in model.parameters())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
