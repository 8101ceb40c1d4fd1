"""Augmentation: image and mask move together, and a seed says how."""

import pytest
import torch

from unet_course import Augment
from unet_course.augment import blur, flip, intensity, noise, warp


def seed(n=0):
    return torch.Generator().manual_seed(n)


def batch(n=3, side=32):
    mask = torch.zeros(n, side, side, dtype=torch.int64)
    mask[:, 4:15, 7:19], mask[:, 20:26, 3:9] = 1, 2
    return mask[:, None].float() / 2, mask


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("shape", [(32, 32), (20, 33)])
def test_flips_move_image_and_mask_alike(number, shape):
    mask = torch.randint(0, 3, (4, *shape), generator=seed())
    images, masks = flip(mask[:, None].float(), mask, seed(number))
    assert torch.equal(images[:, 0].long(), masks) and masks.shape == mask.shape
    assert [m.unique(return_counts=True)[1].tolist() for m in masks] == [m.unique(return_counts=True)[1].tolist() for m in mask]


def test_flips_reach_all_eight_orientations():
    picture = torch.arange(9.0).reshape(1, 1, 3, 3)
    found = {tuple(flip(picture, picture[:, 0].long(), seed(i))[0].ravel().tolist()) for i in range(100)}
    assert len(found) == 8


@pytest.mark.parametrize("number", range(5))
def test_warps_move_image_and_mask_alike(number):
    images, masks = batch(side=64)
    warped, moved = warp(images, masks, seed(number))
    assert moved.dtype == torch.int64 and set(moved.unique().tolist()) <= {0, 1, 2}
    assert not torch.equal(moved, masks)
    assert (((2 * warped[:, 0]).round().long() == moved).float().mean()) > 0.96  # they differ on rims only


@pytest.mark.parametrize("options", [{"scale": 0.3, "elastic": 0}, {"scale": 0, "elastic": 3}, {"scale": 0.3, "elastic": 3}])
@pytest.mark.parametrize("shape", [(64, 64), (48, 80)])
def test_a_warped_picture_of_the_mask_is_the_warped_mask(options, shape):
    mask = torch.zeros(4, *shape, dtype=torch.int64)
    mask[:, 10:36, 14:40], mask[:, 20:44, 44:60] = 1, 1
    warped, moved = warp(mask[:, None].float(), mask, seed(), **options)
    assert ((warped[:, 0] > 0.5).long() == moved).float().mean() >= 0.97
    assert ((warped[:, 0] > 0.5).long() == mask).float().mean() < 0.97  # something did move


@pytest.mark.parametrize("number", range(3))
def test_a_warped_mask_has_no_class_that_was_not_there(number):
    """Between background and class 2 a blending would invent class 1, and between nuclei 3 and 200 many."""
    picture = torch.zeros(2, 40, 40, dtype=torch.int64)
    picture[0, 8:30, 10:33], picture[1, :, :20], picture[1, :, 20:] = 2, 3, 200
    _, moved = warp(picture[:, None].float(), picture, seed(number))
    assert moved[0].unique().tolist() == [0, 2]
    assert moved[1].unique().tolist() == [3, 200]


def test_a_turn_is_a_turn_on_an_oblong_too():
    """A disc in the middle stays a disc; a turn worked out for a square would make an ellipse of it."""
    rows, columns = torch.meshgrid(torch.arange(48) - 23.5, torch.arange(96) - 47.5, indexing="ij")
    disc = (rows**2 + columns**2 < 18**2).long().expand(6, 48, 96)
    _, moved = warp(disc[:, None].float(), disc, seed(), scale=1e-6, elastic=0)  # turned, not zoomed
    inside = rows**2 + columns**2 < 24**2  # further out lie the mirrored copies of what is beyond the border
    assert (moved == disc)[:, inside].float().mean() > 0.98
    bar = (rows.abs() < 4).long().expand(6, 48, 96)
    assert (warp(bar[:, None].float(), bar, seed(), scale=1e-6, elastic=0)[1] != bar).any(dim=2).any(dim=1).all()


def test_a_zoom_stays_in_its_limits():
    rows, columns = torch.meshgrid(torch.arange(64) - 31.5, torch.arange(64) - 31.5, indexing="ij")
    disc = (rows**2 + columns**2 < 14**2).long().expand(40, 64, 64)
    areas = warp(disc[:, None].float(), disc, seed(), scale=0.5, elastic=0)[1].sum(dim=(1, 2)) / disc[0].sum()
    assert 1.5**-2 * 0.97 < areas.min() < 0.7 and 1.4 < areas.max() < 1.5**2 * 1.03


def test_all_channels_of_a_picture_move_alike():
    images, masks = batch(side=40)
    for change in (flip, warp):
        moved, _ = change(images.repeat(1, 3, 1, 1), masks, seed(2))
        assert torch.equal(moved[:, 0], moved[:, 1]) and torch.equal(moved[:, 0], moved[:, 2])


def test_pictures_of_a_batch_are_changed_each_in_its_own_way():
    images, masks = torch.rand(1, 1, 24, 24).repeat(6, 1, 1, 1), torch.zeros(6, 24, 24, dtype=torch.int64)
    for change in (lambda: warp(images, masks, seed())[0], lambda: blur(images, seed()), lambda: noise(images, seed()),
                   lambda: intensity(images, seed()), lambda: flip(images, masks, seed())[0]):
        assert len({tuple(picture.ravel().tolist()) for picture in change()}) > 1


@pytest.mark.parametrize("part", ["intensity", "blur", "noise"])
def test_what_changes_grey_values_never_touches_the_mask(part):
    off = dict(flip=False, scale=0, elastic=0, intensity=0, blur=0, noise=0)
    images, masks = batch()
    changed, same = Augment(**{**off, part: 1.0})(images, masks, seed())
    assert torch.equal(same, masks) and not torch.equal(changed, images)


@pytest.mark.parametrize("image_type", [torch.float32, torch.float64])
@pytest.mark.parametrize("mask_type", [torch.int64, torch.uint8])
def test_types_are_kept(image_type, mask_type):
    images, masks = batch()
    changed, moved = Augment(scale=0.2, elastic=2)(images.to(image_type), masks.to(mask_type), seed())
    assert changed.dtype == image_type and moved.dtype == mask_type and moved.unique().tolist() == [0, 1, 2]


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3)])
def test_the_smallest_pictures_are_augmented_too(shape):
    images, masks = Augment(scale=0.2, elastic=2)(torch.rand(2, 1, *shape), torch.ones(2, *shape, dtype=torch.int64), seed())
    assert images.shape == (2, 1, *shape) and torch.isfinite(images).all() and masks.unique().tolist() == [1]


def test_with_a_generator_the_global_random_numbers_are_left_alone():
    images, masks = batch()
    before = torch.random.get_rng_state()
    Augment(scale=0.2, elastic=2)(images, masks, seed())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_mask_left_behind_would_be_seen():
    images, masks = batch(side=64)
    warped, _ = warp(images, masks, seed(1))
    assert ((2 * warped[:, 0]).round().long() == masks).float().mean() < 0.96


@pytest.mark.parametrize("change", [blur, intensity, noise])
def test_grey_values_change_and_shapes_do_not(change):
    images, _ = batch()
    changed = change(images, seed())
    assert changed.shape == images.shape and torch.isfinite(changed).all() and not torch.equal(changed, images)


def test_blur_keeps_the_mean_and_widens():
    images = torch.zeros(1, 1, 31, 31)
    images[..., 15, 15] = 1
    out = blur(images, seed(), 2.0)
    assert out.sum().item() == pytest.approx(1, abs=1e-4) and out.max() < 0.9


def test_same_seed_same_result_and_another_seed_another():
    one, two, other = (Augment(scale=0.2, elastic=3)(*batch(), seed(n)) for n in (1, 1, 2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1]) and not torch.equal(one[0], other[0])


def test_all_switched_off_is_the_identity():
    images, masks = batch()
    same = Augment(flip=False, scale=0, elastic=0, intensity=0, blur=0, noise=0)(images, masks)
    assert torch.equal(same[0], images) and torch.equal(same[1], masks)


def test_the_batch_that_came_is_left_alone():
    images, masks = batch()
    before = images.clone(), masks.clone()
    Augment(scale=0.2, elastic=3)(images, masks, seed())
    assert torch.equal(images, before[0]) and torch.equal(masks, before[1])


def test_unequal_shapes_are_refused_by_name():
    with pytest.raises(ValueError, match=r"images \(3, 1, 32, 32\) and masks \(3, 16, 16\)"):
        Augment()(batch()[0], batch(side=32)[1][:, :16, :16])
