"""The paper's elastic deformation: as large as it says, smooth, the same for image and mask, and repeatable."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from unet_course.augment import displacements, elastic_deformation, warp


def seed(n=0):
    return torch.Generator().manual_seed(n)


def squares(n=4, shape=(96, 128)):
    mask = torch.zeros(n, *shape, dtype=torch.int64)
    mask[:, 14:50, 14:60], mask[:, 40:70, 64:100] = 3, 200
    return mask


@pytest.mark.parametrize("std", [2.0, 10.0])
def test_displacements_at_the_nodes_have_the_standard_deviation_asked_for(std):
    nodes = displacements(600, 65, 33, seed(), std=std)[:, :, ::32, ::16]
    assert nodes.shape == (600, 2, 3, 3)
    for axis in (0, 1):
        assert nodes[:, axis].std().item() == pytest.approx(std, rel=0.05) and abs(nodes[:, axis].mean().item()) < 0.06 * std
    flat = nodes.reshape(600, -1).T  # nodes, and x and y, are independent of each other
    assert (torch.corrcoef(flat) - torch.eye(18)).abs().max() < 0.25


def test_the_nodes_are_the_numbers_drawn():
    bend = displacements(2, 65, 33, seed(3), std=10)
    assert torch.allclose(bend[:, :, ::32, ::16], 10 * torch.randn(2, 2, 3, 3, generator=seed(3)), atol=1e-4)
    assert displacements(1, 9, 9, seed(), grid=5)[:, :, ::2, ::2].allclose(10 * torch.randn(1, 2, 5, 5, generator=seed()), atol=1e-4)


def test_between_the_nodes_it_is_bicubic_not_linear():
    """Along a row of nodes a linear interpolation has a kink at the middle node and is straight elsewhere."""
    bend = displacements(20, 65, 65, seed())[:, :, 0]
    second = (bend[..., 2:] - 2 * bend[..., 1:-1] + bend[..., :-2]).abs()
    assert second[..., 4:28].amax(-1).median() > 0.01  # bent between two nodes, too; a straight line would have 0


def test_neighbours_move_alike():
    bend = displacements(50, 256, 256, seed(), std=10)
    assert (bend[..., 1:] - bend[..., :-1]).abs().max() < 1.0 and (bend[..., 1:, :] - bend[..., :-1, :]).abs().max() < 1.0


@pytest.mark.parametrize("number", range(4))
def test_each_pixel_is_fetched_from_where_its_displacement_points(number):
    """Beside scipy, which is told the places in pixels."""
    image = torch.rand(2, 3, 48, 80, generator=seed(9))
    mask = torch.randint(0, 9, (2, 48, 80), generator=seed(8))
    images, masks = elastic_deformation(image, mask, seed(number), std=4)
    bend = displacements(2, 48, 80, seed(number), std=4).double().numpy()
    rows, columns = np.mgrid[:48, :80]
    for i in range(2):
        places = [rows + bend[i, 1], columns + bend[i, 0]]
        for channel in range(3):
            wanted = map_coordinates(image[i, channel].numpy(), places, order=1, mode="reflect")
            assert np.abs(images[i, channel].numpy() - wanted).max() < 2e-3
        wanted = map_coordinates(mask[i].numpy(), places, order=0, mode="reflect")
        assert (masks[i].numpy() == wanted).mean() > 0.998  # exactly between two pixels either is right


def test_std_0_changes_nothing():
    mask = squares()
    images, masks = elastic_deformation(mask[:, None].float() / 200, mask, seed(), std=0)
    assert torch.allclose(images, mask[:, None].float() / 200, atol=1e-4) and torch.equal(masks, mask)


@pytest.mark.parametrize("number", range(3))
def test_image_and_mask_stay_together(number):
    mask = squares()
    for n in (3, 200):
        images, masks = elastic_deformation((mask[:, None] == n).float(), (mask == n).long(), seed(number), std=6)
        assert ((images[:, 0] > 0.5).long() == masks).float().mean() > 0.995
        assert (masks != (mask == n).long()).float().mean() > 0.01  # something did move


@pytest.mark.parametrize("kind", [torch.int64, torch.uint8, torch.int32])
def test_a_mask_stays_what_it_was(kind):
    mask = squares().to(kind)
    masks = elastic_deformation(mask[:, None].float(), mask, seed())[1]
    assert masks.dtype == kind and masks.unique().tolist() == [0, 3, 200]


def test_large_instance_numbers_survive():
    mask = squares() * 60_001
    assert elastic_deformation(mask[:, None].float(), mask, seed())[1].unique().tolist() == [0, 3 * 60_001, 200 * 60_001]


def test_same_generator_same_bend_and_each_picture_its_own():
    mask = squares(1).repeat(5, 1, 1)
    one, two, other = (elastic_deformation(mask[:, None].float(), mask, seed(n)) for n in (1, 1, 2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1]) and not torch.equal(one[1], other[1])
    assert len({tuple(m.ravel().tolist()) for m in one[1]}) == 5


def test_with_a_generator_the_global_random_numbers_are_left_alone():
    before = torch.random.get_rng_state()
    elastic_deformation(torch.rand(1, 1, 16, 16, generator=seed()), torch.zeros(1, 16, 16, dtype=torch.int64), seed())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_it_is_the_elastic_part_of_warp():
    mask = squares()
    one = elastic_deformation(mask[:, None].float(), mask, std=5, generator=skipped(4))
    two = warp(mask[:, None].float(), mask, seed(), scale=0, elastic=5)
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])


def skipped(n):
    """A generator that has already given the zooms and the angles of n pictures."""
    generator = seed()
    torch.rand(n, generator=generator), torch.rand(n, generator=generator)
    return generator


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3)])
def test_the_smallest_pictures_are_bent_too(shape):
    images, masks = elastic_deformation(torch.rand(2, 1, *shape), torch.ones(2, *shape, dtype=torch.int64), seed())
    assert images.shape == (2, 1, *shape) and torch.isfinite(images).all() and masks.unique().tolist() == [1]


@pytest.mark.parametrize("options, message", [
    ({"std": -1}, "std is -1; wanted a finite number of at least 0"), ({"std": math.nan}, "std is nan"), ({"grid": 1}, "grid is 1; wanted"),
])
def test_options_out_of_range_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        elastic_deformation(torch.rand(1, 1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.int64), **options)


def test_unequal_shapes_are_refused_by_name():
    with pytest.raises(ValueError, match=r"images \(1, 1, 8, 8\) and masks \(1, 8, 9\)"):
        elastic_deformation(torch.rand(1, 1, 8, 8), torch.zeros(1, 8, 9, dtype=torch.int64))
