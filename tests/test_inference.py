"""Prediction: any image, whole or in tiles, and the weights that come with the course."""

import numpy as np
import pytest
import torch

from unet_course import UNet, load_pretrained, predict
from unet_course.scoring import score_split

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
    assert torch.allclose(predict(model, image, tile=8, overlap=4), wanted, atol=1e-6)


def test_tiles_are_computed_one_at_a_time_so_that_memory_is_bounded():
    seen = []
    model = torch.nn.Conv2d(1, 2, 1)
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
    (torch.zeros(4), {}, r"image has shape \(4,\)"), (np.zeros((4, 4), np.uint16), {}, "dtype torch.uint16.*normalise"),
    (torch.full((4, 4), torch.nan), {}, "NaN"), (torch.zeros(0, 4), {}, "at least one pixel"),
    (torch.zeros(4, 4), {"tile": 0}, "tile is 0"), (torch.zeros(4, 4), {"tile": 8, "overlap": -1}, "overlap is -1"),
    (torch.zeros(4, 4), {"overlap": 8}, "without tile"), (torch.zeros(3, 4, 4), {}, "3 channels"),
])
def test_wrong_input_is_refused_by_name(image, options, words):
    with pytest.raises(ValueError, match=words):
        predict(MODEL, image, **options)


def test_the_papers_network_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="padding=0"):
        predict(UNet(channels=(2, 4), padding=0), torch.rand(64, 64))


def test_pretrained_weights_have_the_scores_of_their_card():
    model = load_pretrained()
    scores = score_split(model, "test")
    assert scores["dice"] > 0.93 and scores["f1"] > 0.93
    assert score_split(model, "shifted")["f1"] > 0.55


def test_unknown_weights_are_named():
    with pytest.raises(FileNotFoundError, match="'cells'; weights that are there: nuclei"):
        load_pretrained("cells")
