"""Losses on four pixels worked out by hand, beside torch's, and at their limits."""

import math

import pytest
import torch
import torch.nn.functional as F

from unet_course.losses import combined_loss, cross_entropy, dice_loss

# Four pixels, two classes. The network gives the foreground 1/2, 3/4, 1/4 and 1/2.
FOREGROUND = torch.tensor([0.5, 0.75, 0.25, 0.5])
LOGITS = torch.stack([(1 - FOREGROUND).log(), FOREGROUND.log()])[None, :, None]
TARGET = torch.tensor([[[1, 1, 0, 0]]])


def test_cross_entropy_of_four_pixels():
    wanted = -(math.log(1 / 2) + math.log(3 / 4) + math.log(3 / 4) + math.log(1 / 2)) / 4
    assert cross_entropy(LOGITS, TARGET).item() == pytest.approx(wanted, abs=1e-6)


def test_cross_entropy_of_four_pixels_with_weights_is_a_weighted_mean():
    wanted = -(5 * math.log(1 / 2) + 5 * math.log(3 / 4) + math.log(3 / 4) + math.log(1 / 2)) / 12
    for weight in ([1, 5], (1.0, 5.0), torch.tensor([1.0, 5.0])):
        assert cross_entropy(LOGITS, TARGET, weight=weight).item() == pytest.approx(wanted, abs=1e-6)


def test_dice_of_four_pixels():
    # Overlap 1/2 + 3/4, areas 2 + 2; twice the overlap, and the smoothing above and below the line.
    assert dice_loss(LOGITS, TARGET).item() == pytest.approx(1 - (2 * 1.25 + 1) / (4 + 1), abs=1e-6)
    assert dice_loss(LOGITS, TARGET, smooth=0).item() == pytest.approx(1 - 2 * 1.25 / 4, abs=1e-6)


def test_dice_counts_the_batch_as_one_picture():
    """A picture without foreground must not weigh as much as one that is full of it."""
    logits, target = torch.randn(4, 3, 6, 5), torch.randint(0, 3, (4, 6, 5))
    target[0] = 0
    one_picture = logits.transpose(0, 1).reshape(1, 3, 24, 5)
    assert dice_loss(logits, target).item() == pytest.approx(dice_loss(one_picture, target.reshape(1, 24, 5)).item(), abs=1e-6)


def test_dice_leaves_the_background_out():
    """Confusing nothing but the two foreground classes costs all; the background, always right, does not soften it."""
    target = torch.ones(1, 20, 20, dtype=torch.int64)
    target[:, 10:] = 2
    swapped = 50.0 * F.one_hot(3 - target, 3).permute(0, 3, 1, 2)
    assert dice_loss(swapped, target).item() > 0.99


def test_combined_is_the_sum():
    logits, target = torch.randn(2, 3, 6, 5), torch.randint(0, 3, (2, 6, 5))
    assert combined_loss(logits, target).item() == pytest.approx((cross_entropy(logits, target) + dice_loss(logits, target)).item())
    assert cross_entropy(logits, target).item() == pytest.approx(F.cross_entropy(logits, target).item())


@pytest.mark.parametrize("loss", [cross_entropy, dice_loss, combined_loss])
def test_a_sure_and_right_answer_costs_nothing_and_a_wrong_one_more(loss):
    target = torch.randint(0, 3, (2, 8, 8))
    right = 40.0 * F.one_hot(target, 3).permute(0, 3, 1, 2)
    wrong = 40.0 * F.one_hot((target + 1) % 3, 3).permute(0, 3, 1, 2)
    assert 0 <= loss(right, target).item() < 1e-5 < 0.5 < loss(wrong, target).item()


@pytest.mark.parametrize("loss", [cross_entropy, dice_loss, combined_loss])
def test_losses_take_logits_and_do_not_mind_a_constant_added(loss):
    logits, target = torch.randn(1, 3, 6, 6), torch.randint(0, 3, (1, 6, 6))
    assert loss(logits + 7, target).item() == pytest.approx(loss(logits, target).item(), abs=1e-5)


@pytest.mark.parametrize("loss", [cross_entropy, dice_loss, combined_loss])
def test_bfloat16_logits_are_counted_in_float32(loss):
    """Summing thousands of pixels in bfloat16 would lose all but three digits."""
    logits, target = torch.randn(1, 2, 64, 64).bfloat16(), torch.randint(0, 2, (1, 64, 64))
    value = loss(logits, target)
    assert value.dtype == torch.float32 and value.item() == pytest.approx(loss(logits.double(), target).item(), abs=1e-5)


@pytest.mark.parametrize("loss", [cross_entropy, dice_loss, combined_loss])
def test_a_small_step_down_the_gradient_makes_the_loss_smaller(loss):
    logits, target = torch.randn(1, 3, 6, 6, requires_grad=True), torch.randint(0, 3, (1, 6, 6))
    value = loss(logits, target)
    (gradient,) = torch.autograd.grad(value, logits)
    assert loss(logits - 0.01 * gradient / gradient.norm(), target) < value


def test_dice_of_a_class_that_is_nowhere_in_the_truth_is_finite_with_a_gradient():
    logits = torch.randn(1, 3, 8, 8, requires_grad=True)
    value = dice_loss(logits, torch.ones(1, 8, 8, dtype=torch.int64))
    value.backward()
    assert 0 < value.item() < 1 and torch.isfinite(logits.grad).all() and logits.grad[:, 2].abs().sum() > 0


def test_a_mask_of_255_is_told_to_divide():
    with pytest.raises(ValueError, match=r"0 to 255; wanted class indices 0 to 1: .*target // 255"):
        combined_loss(LOGITS, 255 * TARGET)


def test_wrong_number_of_weights_is_refused():
    with pytest.raises((ValueError, RuntimeError), match="weight"):
        cross_entropy(LOGITS, TARGET, weight=[1.0, 2.0, 3.0])
