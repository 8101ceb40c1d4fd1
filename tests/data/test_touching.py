"""Crowds of nuclei: what is cut out, how close it is put, and that a seed says how."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt
from skimage.measure import label

from unet_course.data.nuclei import load_instances, load_nuclei
from unet_course.data.touching import crowd, cut_out


@pytest.fixture(scope="module")
def nuclei():
    return cut_out(load_nuclei("val")[0][0, 0], load_instances("val")[0])


def seed(n=0):
    return torch.Generator().manual_seed(n)


def closest(instances):
    """Free pixels between each object and its nearest neighbour: 1 for a gap of one pixel straight across."""
    numbers = range(1, int(instances.max()) + 1)
    return [min(distance_transform_edt(instances != n)[(instances > 0) & (instances != n)]) - 1 for n in numbers]


def test_each_nucleus_is_cut_out_once_with_its_own_light_only(nuclei):
    assert 40 < len(nuclei) <= int(load_instances("val").max())
    for light, mask in nuclei:
        assert light.dtype == np.float32 and mask.dtype == bool and light.shape == mask.shape
        assert label(mask).max() == 1 and mask.sum() >= 200
        far = distance_transform_edt(~mask) > 5
        assert np.abs(light[far]).max() < 1e-6 and light[mask].mean() > 0.03
        assert not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def test_nuclei_at_the_border_too_small_or_beside_another_are_left_out():
    labels = np.zeros((60, 100), dtype=np.int64)
    labels[:8, 20:36], labels[20:36, 20:36], labels[20:24, 46:50] = 1, 2, 3  # at the border; good; small
    labels[20:36, 60:76], labels[20:36, 78:94] = 5, 6  # a pair
    assert len(cut_out(np.random.default_rng(0).random((60, 100)), labels, min_area=100, min_gap=8)) == 1
    assert len(cut_out(np.zeros((60, 100)), labels, min_area=10, min_gap=8)) == 2  # the small one as well
    assert len(cut_out(np.zeros((60, 110)), np.pad(labels, ((0, 0), (0, 10))), min_area=10, min_gap=1)) == 4  # and the pair


@pytest.mark.parametrize("gap", [1, 2, 4])
def test_neighbours_are_so_far_apart_and_no_closer(nuclei, gap):
    found = []
    for n in range(3):
        _, instances = crowd(nuclei, 160, clusters=20, members=3, gap=gap, generator=seed(n))
        found += closest(instances.numpy())
    assert min(found) >= gap and np.median(found) < gap + 2
    assert sum(f < gap + 2 for f in found) > 0.5 * len(found)


def test_objects_are_whole_numbered_without_a_gap_and_not_connected(nuclei):
    image, instances = crowd(nuclei, 192, clusters=20, generator=seed(1))
    assert image.shape == (1, 192, 192) and image.dtype == torch.float32 and instances.dtype == torch.int64
    assert 0 <= image.min() and image.max() <= 1
    assert instances.unique().tolist() == list(range(int(instances.max()) + 1)) and instances.max() > 5
    assert label(instances.numpy() > 0, connectivity=2).max() == int(instances.max())
    areas = {int(mask.sum()) for _, mask in nuclei}
    assert set(instances.unique(return_counts=True)[1][1:].tolist()) <= areas


def test_light_lies_where_the_objects_are_and_adds_up_in_the_gaps():
    bright = np.pad(np.ones((15, 15), np.float32) * 0.4, 4, constant_values=0.2), np.pad(np.ones((15, 15), bool), 4)
    image, instances = crowd([bright], 96, clusters=6, members=2, noise=0.0, generator=seed(3))
    assert torch.allclose(image[0][instances > 0].min(), torch.tensor(0.47), atol=1e-5)
    assert image[0][instances == 0].max() > 0.45  # 0.07 + twice 0.2 between two


def test_same_seed_same_crowd_and_the_global_random_numbers_are_left_alone(nuclei):
    before = torch.random.get_rng_state()
    one, two, other = (crowd(nuclei, 128, generator=seed(n)) for n in (1, 1, 2))
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1]) and not torch.equal(one[1], other[1])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_picture_too_small_for_any_nucleus_is_empty(nuclei):
    _, instances = crowd(nuclei, 8, generator=seed())
    assert instances.max() == 0


@pytest.mark.parametrize("options", [{"clusters": 0}, {"members": 0}, {"gap": 0}, {"size": 0}, {"nuclei": []}])
def test_what_is_out_of_range_is_refused_by_name(nuclei, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} is 0; wanted at least 1"):
        crowd(**{"nuclei": nuclei, "size": 64, **options})
