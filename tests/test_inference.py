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
