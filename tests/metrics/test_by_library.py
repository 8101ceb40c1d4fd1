"""The course's own scores beside the libraries that have them: equal to 1e-6, on random and on degenerate masks."""

import warnings
from inspect import signature

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import bootstrap
from skimage.measure import label
from skimage.metrics import adapted_rand_error
from skimage.metrics import variation_of_information as library_vi

from unet_course.metrics import pixels

with warnings.catch_warnings():  # torchmetrics asks for pkg_resources on some versions
    warnings.simplefilter("ignore")
    import torch
    from torchmetrics.functional.classification import (
        binary_f1_score,
        binary_jaccard_index,
        binary_precision,
        binary_recall,
    )
    from torchmetrics.functional.segmentation import dice_score as library_dice

ZERO, ONE = np.zeros((6, 7), int), np.ones((6, 7), int)
HALF = np.tile([[0, 1]], (6, 4))[:, :7]
DEGENERATE = [(a, b) for a in (ZERO, ONE, HALF) for b in (ZERO, ONE, HALF)]
LABELS = arrays(np.int64, (6, 7), elements=st.integers(0, 4))
MASKS = arrays(np.int64, (6, 7), elements=st.integers(0, 1))
PIXEL = [(pixels.dice_score, binary_f1_score), (pixels.iou_score, binary_jaccard_index),
         (pixels.precision_score, binary_precision), (pixels.recall_score, binary_recall)]


def by_torchmetrics(function, prediction, target):
    # 0 / 0 is a matter of taste: the library lets one choose, the course takes 1 only if both masks are empty.
    empty = not prediction.any() and not target.any()
    return function(torch.as_tensor(prediction), torch.as_tensor(target), zero_division=float(empty)).item()


@pytest.mark.parametrize("ours, theirs", PIXEL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("prediction, target", DEGENERATE)
def test_degenerate_masks_as_torchmetrics(ours, theirs, prediction, target):
    assert ours(prediction, target) == pytest.approx(by_torchmetrics(theirs, prediction, target), abs=1e-6)


@settings(max_examples=60)
@given(MASKS, MASKS)
def test_random_masks_as_torchmetrics(prediction, target):
    for ours, theirs in PIXEL:
        assert ours(prediction, target) == pytest.approx(by_torchmetrics(theirs, prediction, target), abs=1e-6)


def test_dice_of_the_foreground_class_as_torchmetrics_for_segmentation():
    prediction, target = np.random.default_rng(0).integers(0, 2, (2, 40, 50))
    theirs = library_dice(torch.as_tensor(prediction)[None], torch.as_tensor(target)[None], num_classes=2,
                          include_background=False, input_format="index")
    assert pixels.dice_score(prediction, target) == pytest.approx(theirs.item(), abs=1e-6)


def blobs(seed, size=120, share=0.45):
    from scipy.ndimage import gaussian_filter
    noise = gaussian_filter(np.random.default_rng(seed).random((size, size)), 3)
    return label(noise > np.quantile(noise, 1 - share))


@pytest.mark.parametrize("seed", range(5))
def test_rand_and_vi_of_blobs_as_scikit_image(seed):
    prediction, target = blobs(seed), np.roll(blobs(seed), 2, axis=0)
    assert pixels.rand_f_score(prediction, target) == pytest.approx(1 - adapted_rand_error(target, prediction)[0], abs=1e-6)
    assert pixels.variation_of_information(prediction, target) == pytest.approx(library_vi(target, prediction), abs=1e-6)
    assert pixels.variation_of_information(prediction, target, foreground_only=True) == pytest.approx(
        library_vi(target, prediction, ignore_labels=[0]), abs=1e-6)


@settings(max_examples=100)
@given(LABELS, LABELS)
def test_rand_and_vi_of_random_labels_as_scikit_image(prediction, target):
    assert pixels.variation_of_information(prediction, target) == pytest.approx(library_vi(target, prediction), abs=1e-6)
    with np.errstate(invalid="ignore"):
        theirs = 1 - adapted_rand_error(target, prediction)[0]
    ours = pixels.rand_f_score(prediction, target)
    assert ours == (1.0 if np.isnan(theirs) else pytest.approx(theirs, abs=1e-6))


@pytest.mark.parametrize("prediction, target", DEGENERATE)
def test_rand_and_vi_of_degenerate_masks(prediction, target):
    ours = pixels.rand_f_score(prediction, target)
    if target.any():
        assert ours == pytest.approx(1 - adapted_rand_error(target, prediction)[0], abs=1e-6)
    else:
        assert ours == 1.0  # the library divides 0 by 0
    assert pixels.variation_of_information(prediction, target) == pytest.approx(library_vi(target, prediction), abs=1e-6)
    foreground = pixels.variation_of_information(prediction, target, foreground_only=True)
    assert all(type(v) is float and v >= 0 for v in foreground) and (target.any() or foreground == (0.0, 0.0))


def test_bootstrap_as_scipy():
    values = np.random.default_rng(3).beta(8, 2, 60)
    seed = "rng" if "rng" in signature(bootstrap).parameters else "random_state"  # its name before scipy 1.15
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, **{seed: 0}).confidence_interval
    assert pixels.bootstrap_interval(values, repeats=4000) == pytest.approx(tuple(theirs), abs=0.004)
