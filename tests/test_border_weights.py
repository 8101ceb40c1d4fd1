"""The border weight map beside plain distances pixel by pixel, the gaps that it needs, and the loss that takes it."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from unet_course.data.masks import separate_touching
from unet_course.data.nuclei import load_instances
from unet_course.losses import border_term, border_weight_map, cross_entropy


def by_plain_distances(labels, w0=10.0, sigma=5.0, class_weights=None):
    """The formula of the paper: every pixel, every object, the distance to every pixel of it."""
    places = np.argwhere(np.ones_like(labels)).astype(float)
    numbers = [n for n in np.unique(labels) if n != 0]
    cells = [cdist(places, np.argwhere(labels == n).astype(float)).min(axis=1).reshape(labels.shape) for n in numbers]
    share = (labels != 0).mean()
    if class_weights is None:
        class_weights = (0.5 / (1 - share), 0.5 / share) if 0 < share < 1 else (1.0, 1.0)
    weights = np.where(labels != 0, class_weights[1], class_weights[0]).astype(float)
    if len(cells) > 1:
        d1, d2 = np.sort(cells, axis=0)[:2]
        weights += (labels == 0) * w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2))
    return weights


def scene(number, shape=(40, 56), objects=6):
    """Rectangles of random place and size, some of them over the border, all apart."""
    random = np.random.default_rng(number)
    labels = np.zeros(shape, dtype=np.int64)
    for n in range(1, objects + 1):
        top, left = random.integers(-3, shape[0] - 2), random.integers(-3, shape[1] - 2)
        window = (slice(max(top, 0), top + random.integers(4, 14)), slice(max(left, 0), left + random.integers(4, 14)))
        labels[window] = np.where(labels[window] == 0, n, labels[window])
    return separate_touching(labels)


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("options", [{}, {"w0": 4.0, "sigma": 2.0}, {"class_weights": (1, 1)}, {"class_weights": (0.5, 3), "w0": 0}])
def test_the_map_is_that_of_plain_distances(number, options):
    labels = scene(number)
    assert np.allclose(border_weight_map(labels, **options), by_plain_distances(labels, **options), rtol=1e-5, atol=1e-5)


def test_far_objects_are_left_out_without_being_missed():
    """Objects are looked at in their surroundings only; what is farther away has to be too little to count."""
    labels = np.zeros((30, 260), dtype=np.int64)
    for n, left in enumerate((0, 60, 125, 200, 240), start=1):
        labels[8:20, left : left + 12] = n
    for sigma in (1.0, 5.0, 12.0):
        assert np.allclose(border_weight_map(labels, sigma=sigma), by_plain_distances(labels, sigma=sigma), rtol=1e-5, atol=1e-5)


def test_two_discs_by_hand():
    """In the middle of a gap of five pixels both discs are 3 pixels away: w0 · exp(-36 / 50)."""
    rows, columns = np.mgrid[:41, :61]
    labels = 1 * (np.hypot(rows - 20, columns - 17) <= 10) + 2 * (np.hypot(rows - 20, columns - 43) <= 10)
    weights = border_weight_map(labels, class_weights=(1, 1))
    assert labels[20, 27] == 1 and labels[20, 33] == 2 and labels[20, 30] == 0
    assert weights[20, 30].item() == pytest.approx(1 + 10 * math.exp(-36 / 50), rel=1e-5)
    assert weights[20, 17] == weights[20, 43] == 1
    assert weights[20, 30] == weights.max() and weights[0, 0] < 1.01


def test_the_narrower_the_gap_the_more_it_counts():
    peaks = []
    for gap in range(1, 16):
        labels = np.zeros((12, 40), dtype=np.int64)
        labels[2:10, :10], labels[2:10, 10 + gap : 20 + gap] = 1, 2
        peaks.append(border_weight_map(labels, class_weights=(1, 1))[5, 10 : 10 + gap].max().item())
    assert peaks == sorted(peaks, reverse=True) and peaks[0] == pytest.approx(1 + 10 * math.exp(-4 / 50))


def test_both_classes_weigh_the_same_and_the_mean_is_one():
    labels = scene(1)
    weights = border_weight_map(labels, w0=0)
    assert weights[labels > 0].sum().item() == pytest.approx(weights[labels == 0].sum().item(), rel=1e-4)
    assert weights.mean().item() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("labels", [np.zeros((9, 7), int), np.ones((9, 7), int), np.zeros((1, 1), int), [[5]]])
def test_one_class_only_weighs_one(labels):
    assert torch.equal(border_weight_map(labels), torch.ones(np.shape(labels)))


def test_one_object_gets_no_border():
    labels = np.zeros((20, 20), dtype=np.int64)
    labels[4:9, 4:9] = 7
    assert border_weight_map(labels).unique().tolist() == pytest.approx([0.5 / (375 / 400), 0.5 / (25 / 400)], rel=1e-6)
    assert torch.equal(border_weight_map(labels, class_weights=(1, 1)), torch.ones(20, 20))


def test_objects_without_background_between_them_get_none():
    assert border_weight_map([[1, 1, 2, 2]]).unique().tolist() == [1.0]
    assert border_weight_map(separate_touching([[1, 1, 2, 2]]), class_weights=(1, 1)).max() > 5


def test_numbers_of_objects_do_not_matter_nor_does_the_type():
    labels = scene(2)
    wanted = border_weight_map(labels)
    other = np.where(labels > 0, 2**40 - 7 * labels, 0)  # large, with gaps, in another order
    for same in (other, labels.astype(np.uint8), labels.astype(np.uint16), labels.astype(np.float32), torch.from_numpy(labels),
                 labels.tolist(), np.asfortranarray(labels)):
        assert torch.equal(border_weight_map(same), wanted)


def test_a_batch_is_each_picture_by_itself():
    batch = np.stack([scene(1), scene(2), np.zeros((40, 56), int)])
    weights = border_weight_map(torch.from_numpy(batch), sigma=3)
    assert weights.shape == batch.shape and weights.dtype == torch.float32
    assert all(torch.equal(weights[i], border_weight_map(batch[i], sigma=3)) for i in range(3))


def test_the_labels_that_came_are_left_alone():
    labels = scene(3)
    before = labels.copy()
    border_weight_map(labels)
    separate_touching(labels)
    assert np.array_equal(labels, before)


@pytest.mark.parametrize("labels, message", [
    (np.zeros((4, 4), bool), r"instances has dtype bool; wanted a whole number for each object: .*label"),
    (np.zeros((4, 4), complex), "instances has dtype complex128"),
    ([["a", "b"]], "instances has dtype <U1"),
    (np.full((4, 4), 0.5), "instances has fractions"),
    (np.full((4, 4), np.nan), "instances has fractions"),
    ([[0, -1], [1, 2]], "instances has negative numbers, such as -1; wanted 0 for the background"),
    (np.zeros((0, 4), int), r"instances has shape \(0, 4\)"),
    (np.zeros(4, int), r"instances has shape \(4,\); wanted \(H, W\) or \(N, H, W\)"),
    (np.zeros((1, 1, 4, 4), int), r"instances has shape \(1, 1, 4, 4\)"),
])
def test_what_is_no_label_image_is_refused_by_name(labels, message):
    with pytest.raises(ValueError, match=message):
        border_weight_map(labels)


@pytest.mark.parametrize("options, message", [
    ({"sigma": 0}, "sigma is 0; wanted a finite number above 0"), ({"sigma": math.nan}, "sigma is nan"),
    ({"sigma": math.inf}, "sigma is inf"), ({"w0": -1}, "w0 is -1; wanted a finite number of at least 0"),
    ({"w0": math.inf}, "w0 is inf"), ({"class_weights": (1, 2, 3)}, r"class_weights is \(1, 2, 3\); wanted two numbers"),
    ({"class_weights": (1, -1)}, "class_weights is"), ({"class_weights": (1, math.nan)}, "class_weights is"),
])
def test_options_out_of_range_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        border_weight_map([[1, 0, 2]], **options)


def test_gaps_are_opened_where_objects_touch_and_nowhere_else():
    labels = np.zeros((12, 20), dtype=np.int64)
    labels[2:6, 2:8], labels[2:6, 8:14], labels[6:9, 14:17], labels[9:11, 2:5] = 3, 9, 4, 7
    apart = separate_touching(labels)
    assert not apart[2:6, 7:9].any() and (apart[2:6, 2:7] == 3).all() and (apart[9:11, 2:5] == 7).all()
    assert apart[5, 13] == 0 == apart[6, 14]  # they touch at a corner
    assert set(np.unique(apart)) == {0, 3, 4, 7, 9} and apart.dtype == labels.dtype


def test_after_opening_no_two_objects_touch_on_the_shifted_field():
    from skimage.measure import label

    labels = load_instances("shifted")[0].numpy()
    apart = separate_touching(labels)
    assert label(labels > 0, connectivity=2).max() < len(np.unique(labels)) - 1 <= label(apart > 0, connectivity=2).max()
    assert ((apart == labels) | (apart == 0)).all() and (apart != labels).sum() == 622


@pytest.mark.parametrize("labels", [[[0, 0], [0, 0]], [[4]], [[2, 2], [2, 2]]])
def test_nothing_to_open(labels):
    assert np.array_equal(separate_touching(labels), labels)


def test_separate_touching_wants_one_picture():
    with pytest.raises(ValueError, match=r"instances has shape \(1, 2, 2\); wanted one label image"):
        separate_touching(np.zeros((1, 2, 2), int))


LOGITS = torch.tensor([[[[0.0, 0.0, 0.0]], [[math.log(3), 0.0, -math.log(3)]]]])  # class 1 has 3/4, 1/2, 1/4
TARGET = torch.tensor([[[1, 0, 1]]])


def test_weighted_costs_by_hand():
    costs = [-math.log(3 / 4), -math.log(1 / 2), -math.log(1 / 4)]
    got = cross_entropy(LOGITS, TARGET, pixel_weights=torch.tensor([[[1.0, 2.0, 7.0]]])).item()
    assert got == pytest.approx((costs[0] + 2 * costs[1] + 7 * costs[2]) / 10, rel=1e-6)


def test_weights_of_classes_and_pixels_multiply():
    costs, shares = [-math.log(3 / 4), -math.log(1 / 2), -math.log(1 / 4)], [5 * 1, 1 * 2, 5 * 7]
    got = cross_entropy(LOGITS, TARGET, weight=[1, 5], pixel_weights=torch.tensor([[[1.0, 2.0, 7.0]]])).item()
    assert got == pytest.approx(sum(c * s for c, s in zip(costs, shares)) / sum(shares), rel=1e-6)


def test_equal_weights_change_nothing_and_a_pixel_of_weight_0_does_not_count():
    logits, target = torch.randn(2, 3, 6, 5), torch.randint(0, 3, (2, 6, 5))
    for weight in (None, [1.0, 2.0, 5.0]):
        plain = cross_entropy(logits, target, weight=weight).item()
        assert cross_entropy(logits, target, weight=weight, pixel_weights=torch.full((2, 6, 5), 3.0)).item() == pytest.approx(plain, rel=1e-5)
    half = torch.ones(2, 6, 5)
    half[1] = 0
    assert cross_entropy(logits, target, pixel_weights=half).item() == pytest.approx(cross_entropy(logits[:1], target[:1]).item(), rel=1e-5)


def test_the_gradient_of_a_pixel_grows_with_its_weight():
    logits = torch.zeros(1, 2, 1, 2, requires_grad=True)
    cross_entropy(logits, torch.zeros(1, 1, 2, dtype=torch.int64), pixel_weights=torch.tensor([[[1.0, 9.0]]])).backward()
    assert logits.grad[0, 0, 0, 1] / logits.grad[0, 0, 0, 0] == pytest.approx(9)


@pytest.mark.parametrize("weights, message", [
    (torch.ones(1, 3), r"pixel_weights has shape \(1, 3\), target \(1, 1, 3\)"), (-torch.ones(1, 1, 3), "pixel_weights go from -1 to -1"),
    (torch.zeros(1, 1, 3), "not all of them 0"), (torch.tensor([[[1, math.nan, 1]]]), "pixel_weights go from"),
])
def test_weights_that_do_not_fit_are_refused_by_name(weights, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy(LOGITS, TARGET, pixel_weights=weights)


def test_the_border_term_alone_is_what_the_map_adds_to_the_background():
    labels = np.zeros((30, 40), dtype=int)
    labels[4:12, 5:15], labels[14:25, 8:20], labels[6:20, 24:33] = 1, 2, 3
    places = np.argwhere(np.ones_like(labels)).astype(float)
    distances = torch.stack([torch.from_numpy(cdist(places, np.argwhere(labels == n)).min(axis=1).reshape(30, 40))
                             for n in (1, 2, 3)])
    added = border_weight_map(labels, w0=7, sigma=3, class_weights=(1, 1)) - 1
    assert torch.allclose(border_term(distances, 7, 3), added.double(), atol=1e-5)
    assert border_term(distances[:1], 7, 3).count_nonzero() == 0 == border_term(distances[:0], 7, 3).count_nonzero()
