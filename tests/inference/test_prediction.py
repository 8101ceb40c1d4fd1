"""Prediction: any image, whole or in tiles, and the weights that come with the course."""

import numpy as np
import pytest
import torch

from unet_course import UNet, load_nuclei, load_pretrained, predict
from unet_course.inference.tiles import Reach, reach
from unet_course.metrics.scoring import score_split
from unet_course.unet import output_size

MODEL = UNet(num_classes=3, channels=(4, 8, 16)).eval()


@pytest.mark.parametrize("shape", [(9, 13), (1, 9, 13), (1, 1, 9, 13), (2, 1, 9, 13), (1, 1), (64, 1)])
@pytest.mark.parametrize("kind", [torch.Tensor, np.ndarray])
def test_any_form_and_size(shape, kind):
    image = torch.rand(shape)
    out = predict(MODEL, image if kind is torch.Tensor else image.numpy().astype(np.float64))
    assert out.shape == (*shape[:-2][:1] * (len(shape) == 4), 3, *shape[-2:])
    assert torch.allclose(out.sum(dim=-3), torch.ones(1)) and out.dtype == torch.float32


@pytest.mark.parametrize("size", [(96, 96), (75, 110), (33, 200)])
@pytest.mark.parametrize("tile", [16, 32, 48])
def test_tiles_equal_the_whole_away_from_the_border(size, tile):
    image = torch.rand(size)
    whole, tiled = predict(MODEL, image), predict(MODEL, image, tile=tile, overlap=48)
    # 48 is more than the receptive field, and both are multiples of 4, so that the pools meet the same pixels.
    assert whole.shape == tiled.shape
    inner = (..., slice(48, -48), slice(48, -48))
    assert torch.allclose(whole[inner], tiled[inner], atol=1e-5)


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
def test_tiles_of_a_batch_with_colours_equal_the_whole(up):
    model, images = UNet(3, 4, channels=(4, 8, 16), up=up).eval(), torch.rand(2, 3, 120, 104)
    whole, tiled = predict(model, images), predict(model, images, tile=40, overlap=48)
    inner = (..., slice(48, -48), slice(48, -48))
    assert tiled.shape == (2, 4, 120, 104) and torch.allclose(whole[inner], tiled[inner], atol=1e-5)


def test_a_network_that_sees_one_pixel_gives_the_same_in_tiles_everywhere():
    """Whatever differs here was put into the wrong place, not computed from other surroundings."""
    model = torch.nn.Conv2d(1, 3, 1)
    for size, tile, overlap in [((23, 31), 7, 0), ((23, 31), 7, 3), ((5, 50), 16, 40), ((64, 64), 64, 8), ((1, 9), 4, 2)]:
        image = torch.rand(size)
        assert torch.allclose(predict(model, image), predict(model, image, tile=tile, overlap=overlap), atol=1e-6)


def test_tiles_at_the_border_see_the_image_mirrored():
    model, image = torch.nn.Conv2d(1, 2, 5, padding=2), torch.rand(1, 1, 21, 26)
    mirrored = torch.nn.functional.pad(image, (2, 2, 2, 2), mode="reflect")
    wanted = torch.nn.functional.conv2d(mirrored, model.weight, model.bias).softmax(dim=1)
    for options in ({"tile": 8, "overlap": 4}, {"tile": 8}, {}):
        assert torch.allclose(predict(model, image, border="mirror", **options), wanted, atol=1e-6)


def test_tiles_are_computed_one_at_a_time_so_that_memory_is_bounded():
    seen = []
    model = UNet(channels=(2, 4, 8))
    model.register_forward_pre_hook(lambda _, args: seen.append(tuple(args[0].shape)))
    predict(model, torch.rand(40, 50), tile=32, overlap=8)
    assert len(seen) == 4 and all(shape[:2] == (1, 1) and max(shape[2:]) <= 32 + 2 * 8 for shape in seen)


def test_an_image_in_a_batch_is_predicted_as_if_alone():
    images = torch.rand(3, 1, 20, 26)
    together = predict(MODEL, images)
    assert all(torch.allclose(predict(MODEL, image), one, atol=1e-6) for image, one in zip(images, together))


def test_probabilities_are_the_softmax_of_the_logits_in_eval_mode():
    model, image = UNet(channels=(4, 8)), torch.rand(1, 1, 12, 15)
    model(torch.rand(4, 1, 12, 15))  # running means that differ from those of this image
    probabilities = predict(model, image)
    assert torch.allclose(probabilities, model.eval()(image).softmax(dim=1), atol=1e-6) and probabilities.min() >= 0


def test_predicting_changes_neither_the_model_nor_the_image():
    model, image = UNet(channels=(4, 8)).train(), torch.rand(16, 16)
    before, pixels = {k: v.clone() for k, v in model.state_dict().items()}, image.clone()
    predict(model, image)
    predict(model, image, tile=8, overlap=4)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items()) and torch.equal(image, pixels)
    assert all(p.grad is None for p in model.parameters())


def test_mode_is_put_back_after_an_error_too():
    model = UNet(channels=(2, 4)).train()
    with pytest.raises(ValueError, match="3 channels"):
        predict(model, torch.rand(3, 8, 8))
    assert model.training


def test_a_frozen_part_stays_frozen():
    model = UNet(channels=(2, 4)).train()
    model.encoders.eval()  # as one does to fine-tune the rest
    predict(model, torch.rand(8, 8))
    assert model.training and not model.encoders.training


@pytest.mark.parametrize("view", [lambda a: a[::-1], lambda a: a.T, lambda a: a[:, ::2], lambda a: a.astype(np.float16),
                                  lambda a: a.astype(np.float64)])
def test_flipped_turned_thinned_and_other_floats_are_read_right(view):
    image = view(np.random.default_rng(0).random((12, 18), dtype=np.float32))
    wanted = predict(MODEL, torch.from_numpy(image.astype(np.float32).copy()))
    assert torch.allclose(predict(MODEL, image), wanted, atol=1e-6)


def test_without_overlap_the_tiles_differ():
    image = torch.rand(96, 96)
    assert not torch.allclose(predict(MODEL, image), predict(MODEL, image, tile=32, overlap=0), atol=1e-3)


def test_a_tile_larger_than_the_image_and_an_overlap_larger_than_it():
    assert predict(MODEL, torch.rand(5, 7), tile=64, overlap=32).shape == (3, 5, 7)


@pytest.mark.parametrize("mode", [True, False])
def test_mode_is_put_back_and_the_result_can_be_trained_on(mode):
    model = UNet(channels=(2, 4)).train(mode)
    out = predict(model, torch.rand(8, 8))
    assert model.training is mode
    (out * torch.ones(1, requires_grad=True)).sum().backward()


@pytest.mark.parametrize("image, options, words", [
    (torch.zeros(4), {}, r"image has shape \(4,\)"), (np.zeros((4, 4), np.uint16), {}, "dtype uint16.*normalise"),
    (torch.full((4, 4), torch.nan), {}, "NaN"), (torch.zeros(0, 4), {}, "at least one pixel"),
    (torch.zeros(4, 4), {"tile": 0}, "tile is 0"), (torch.zeros(4, 4), {"tile": 8, "overlap": -1}, "overlap is -1"),
    (torch.zeros(4, 4), {"overlap": 8}, "without tile"), (torch.zeros(3, 4, 4), {}, "3 channels"),
])
def test_wrong_input_is_refused_by_name(image, options, words):
    with pytest.raises(ValueError, match=words):
        predict(MODEL, image, **options)


def test_pretrained_weights_have_the_scores_of_their_card():
    model = load_pretrained()
    scores = score_split(model, "test")
    assert scores["dice"] > 0.93 and scores["f1"] > 0.93
    assert score_split(model, "shifted")["f1"] > 0.55


def test_unknown_weights_are_named():
    with pytest.raises(FileNotFoundError, match="'cells'; weights that are there: five_pixels, .*nuclei, "):
        load_pretrained("cells")


def reference(model, image, grow=None):
    """What the network says of the whole image, or of the image mirrored by `grow` pixels and cut back."""
    image = image.reshape((1,) * (4 - image.ndim) + image.shape)
    if grow:
        image = torch.from_numpy(np.pad(image.numpy(), [(0, 0), (0, 0), (grow, grow), (grow, grow)], mode="reflect"))
    with torch.no_grad():
        out = model.eval()(image).softmax(dim=1)
    return out[..., grow:-grow, grow:-grow] if grow else out


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
@pytest.mark.parametrize("channels", [(4,), (4, 8), (4, 8, 16), (2, 4, 8, 16)])
@pytest.mark.parametrize("size, tile", [((131, 97), 32), ((64, 150), 50), ((7, 90), 1), ((1, 1), 8), ((33, 3), 16)])
def test_tiles_with_the_networks_own_margin_equal_the_whole_everywhere(up, channels, size, tile):
    if tile == 1:
        size = (7, 20)
    model, image = UNet(channels=channels, up=up), torch.rand(size)
    assert torch.allclose(predict(model, image, tile=tile), reference(model, image)[0], atol=1e-5)
    if len(channels) > 1:
        mirrored = predict(model, image, tile=tile, border="mirror")
        assert torch.allclose(mirrored, predict(model, image, border="mirror"), atol=1e-5)
        assert torch.allclose(mirrored, reference(model, image, 64)[0], atol=1e-5)


def test_the_margin_is_not_larger_than_it_has_to_be():
    """With all weights positive nothing cancels, so the last pixel of the margin shows."""
    model = UNet(channels=(2, 4, 8)).double()
    for p in model.parameters():
        p.data = p.data.abs() + 0.01
    needed, image = reach(model), torch.rand(1, 1, 128, 8, dtype=torch.float64)
    with torch.no_grad():
        whole = model.eval()(image)
        for less, equal in [(0, True), (1, False)]:
            start = 64
            changed = image.clone()
            changed[..., :start, :] = 0
            rows = slice(start + needed.margin - less, None)
            assert torch.equal(model(changed)[..., rows, :], whole[..., rows, :]) is equal
    assert needed == Reach(22, 4)


@pytest.mark.parametrize("channels, up, margin", [((4, 8), "transpose", 8), ((2, 4, 8), "transpose", 22), ((2, 4, 8, 16), "transpose", 46),
                                                  ((2, 4, 8, 16, 32), "transpose", 94), ((4, 8), "bilinear", 9), ((4,), "transpose", 2)])
def test_reach_by_hand(channels, up, margin):
    assert reach(UNet(channels=channels, up=up)) == Reach(margin, 2 ** (len(channels) - 1))


def test_reach_of_networks_that_are_not_ours():
    conv, nn = torch.nn.Conv2d, torch.nn
    assert reach(conv(1, 2, 1)) == Reach(0, 1)
    assert reach(conv(3, 2, 5, padding=2), channels=3) == Reach(2, 1)
    assert reach(conv(1, 2, (3, 9), padding=(1, 4))).margin == 4
    pooled = nn.Sequential(conv(1, 2, 3, padding=1), nn.MaxPool2d(4), conv(2, 2, 3, padding=1), nn.Upsample(scale_factor=4))
    assert reach(pooled) == Reach(8, 4)  # 1 pixel, rounded up to a square of 4, and one square more
    with pytest.raises(ValueError, match="sees the whole image"):
        reach(nn.Sequential(conv(1, 2, 3, padding=1), nn.GroupNorm(1, 2)))


def test_a_network_without_encoders_is_cut_where_its_pools_begin():
    nn = torch.nn
    model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.MaxPool2d(4, ceil_mode=True), nn.Conv2d(3, 3, 3, padding=1),
                          nn.Upsample(scale_factor=4))
    image = torch.rand(64, 80)
    assert torch.allclose(predict(model, image, tile=10), reference(model, image)[0], atol=1e-5)


def test_the_papers_network_covers_the_whole_image_mirrored():
    model = UNet(channels=(2, 4, 8), padding=0)
    for size in [(64, 64), (37, 50), (5, 3), (1, 1), (100, 16)]:
        image = torch.rand(size)
        whole = predict(model, image)
        assert whole.shape == (2, *size)
        for tile in (8, 20, 64):
            assert torch.allclose(predict(model, image, tile=tile), whole, atol=1e-5)
        n = max(size) + 60
        n += -(n + 4) % 4
        lost = (n - output_size(n, 2)) // 2
        assert lost == reach(model).margin == 20
        grown = np.pad(image.numpy(), [(lost, n - lost - s) for s in size], mode="reflect")
        direct = reference(model, torch.from_numpy(grown))[0][:, : size[0], : size[1]]
        assert torch.allclose(whole, direct, atol=1e-5)


def test_the_papers_network_with_zeros_outside():
    model, image = UNet(channels=(2, 4), padding=0), torch.rand(20, 30)
    zeros = predict(model, image, border="zero")
    assert torch.allclose(zeros, predict(model, image, border="zero", tile=8), atol=1e-5)
    assert not torch.allclose(zeros, predict(model, image), atol=1e-3)


def test_mirror_differs_from_zero_at_the_border_only():
    image = torch.rand(150, 160)
    zero, mirror = predict(MODEL, image), predict(MODEL, image, border="mirror")
    margin = reach(MODEL).margin
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    assert torch.allclose(zero[inner], mirror[inner], atol=1e-5) and not torch.allclose(zero, mirror, atol=1e-3)


def test_a_constant_image_mirrored_is_constant_in_the_result():
    out = predict(UNet(channels=(4, 8, 16)), torch.full((40, 50), 0.4), tile=16, border="mirror")
    columns = out.reshape(2, 10, 4, 50)[..., :48].reshape(2, 10, 4, 12, 4)  # the transposed convolution repeats every 4 pixels
    assert torch.allclose(columns, columns[:, :1, :, :1], atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
@pytest.mark.parametrize("border", ["zero", "mirror"])
def test_tiles_computed_together_are_the_same(batch_size, border):
    images = torch.rand(2, 1, 90, 133)
    out = predict(MODEL, images, tile=32, batch_size=batch_size, border=border)
    assert torch.allclose(out, predict(MODEL, images, border=border), atol=1e-5)


def test_tiles_are_really_computed_together():
    seen, model = [], UNet(channels=(2, 4))
    model.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[0]))
    predict(model, torch.rand(64, 256), tile=32, overlap=8, border="mirror", batch_size=4)
    assert seen == [4, 4, 4, 4]


@pytest.mark.parametrize("overlap", [0, 3, 8, 20])
@pytest.mark.parametrize("size, tile", [((90, 133), 32), ((50, 41), 40), ((5, 3), 2), ((33, 65), 32)])
def test_blending_weights_add_up_to_one(overlap, size, tile):
    model = torch.nn.Conv2d(1, 3, 1)  # sees one pixel, so the blended result is right only if the weights add up to 1
    image = torch.rand(size)
    blended = predict(model, image, tile=tile, overlap=overlap, blend=True)
    assert torch.allclose(blended, predict(model, image), atol=1e-6)


def seam(difference, tile):
    """How much the difference to the whole-image result jumps at the borders of the tiles."""
    jump = (difference[..., 1:] - difference[..., :-1]).abs().mean(dim=(0, 1))
    return jump[tile - 1 :: tile].mean().item()


@pytest.mark.parametrize("overlap", [8, 16, 24])
def test_blending_halves_the_jump_at_the_seams(overlap):
    model, image = load_pretrained(), load_nuclei("test")[0][0, 0, :512, :512]
    whole = predict(model, image)
    hard, soft = (seam(predict(model, image, tile=64, overlap=overlap, blend=b) - whole, 64) for b in (False, True))
    assert soft < 0.7 * hard


@pytest.mark.parametrize("size", [(64, 96), (61, 83), (9, 200)])
def test_flips_are_the_mean_of_four_and_the_same_in_tiles(size):
    image = torch.rand(size)
    out = predict(MODEL, image, flips=True)
    wanted = sum(predict(MODEL, image.flip(a)).flip(a) for a in [(), (-1,), (-2,), (-2, -1)]) / 4
    assert torch.allclose(out, wanted, atol=1e-6)
    assert torch.allclose(predict(MODEL, image, flips=True, tile=24), wanted, atol=1e-5)
    assert torch.allclose(predict(MODEL, image, flips=True, tile=24, border="mirror"),
                          predict(MODEL, image, flips=True, border="mirror"), atol=1e-5)


def test_classes_are_the_most_probable_ones():
    image = torch.rand(2, 1, 40, 33)
    classes = predict(MODEL, image, classes=True, tile=16)
    assert classes.dtype == torch.uint8 and classes.shape == (2, 40, 33)
    assert torch.equal(classes.long(), predict(MODEL, image).argmax(dim=1))
    assert predict(MODEL, image[0], classes=True).shape == (40, 33)


def test_progress_is_drawn_for_tiles_only(capsys):
    predict(MODEL, torch.rand(40, 40))
    predict(MODEL, torch.rand(40, 40), tile=16, progress=False)
    assert capsys.readouterr().err == ""
    predict(MODEL, torch.rand(40, 40), tile=16)
    assert "9" in capsys.readouterr().err


@pytest.mark.parametrize("options, words", [
    ({"tile": 8.0}, "tile is 8.0"), ({"border": "reflect"}, "border is 'reflect'"), ({"tile": 8, "batch_size": 0}, "batch_size is 0"),
    ({"out": "x.png"}, "out is 'x.png'"), ({"out": np.zeros((3, 3), np.float32)}, r"out has shape \(3, 3\)"),
])
def test_wrong_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        predict(MODEL, torch.rand(9, 9), **options)


def test_a_network_whose_output_is_smaller_is_refused():
    with pytest.raises(ValueError, match="returns less than it is shown"):
        predict(torch.nn.Conv2d(1, 2, 3), torch.rand(20, 20))
