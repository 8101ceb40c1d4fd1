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
