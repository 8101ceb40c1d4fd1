"""How sure a comparison is: what is known by hand."""

import itertools
import math
import statistics

import pytest
import torch

from unet_course.training.power import mean_and_deviation, permutation_p, seen_share


def test_mean_and_deviation_by_hand():
    assert mean_and_deviation([0.5, 0.5]) == (0.5, 0.0)
    assert mean_and_deviation([1, 2, 6]) == (3, pytest.approx(math.sqrt(7)))


@pytest.mark.parametrize("a, b, wanted", [
    ([1, 2, 3], [7, 8, 9], 2 / 20), ([1, 2, 3], [7, 8, 9, 10], 1 / 35),
    ([1, 2, 3], [6, 16, 17, 18], 2 / 35), ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 2 / 252),
    ([0.5, 0.5], [0.5, 0.5], 1.0), ([1], [2, 3], 2 / 3)])
def test_p_by_hand(a, b, wanted):
    assert permutation_p(a, b) == permutation_p(b, a) == pytest.approx(wanted)


def test_three_against_three_is_never_rarer_than_one_in_ten():
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        scores = torch.rand(6, generator=generator).tolist()
        assert permutation_p(scores[:3], scores[3:]) >= 0.1 - 1e-9


def test_last_digits_do_not_decide():
    assert permutation_p([0.1 + 0.2, 0.7, 0.3], [0.3, 0.7, 0.3]) == 1.0


@pytest.mark.parametrize("difference, n, m", itertools.product((0.0, 0.02, -0.03), (2, 8), (3, 8)))
def test_the_share_that_sees_it_is_that_of_the_normal_distribution(difference, n, m):
    torch.manual_seed(0)
    far = difference / (0.02 * math.sqrt(1 / n + 1 / m))
    normal = statistics.NormalDist()
    wanted = normal.cdf(far - 2) + normal.cdf(-far - 2)
    assert seen_share(difference, 0.02, n, m, experiments=20_000) == pytest.approx(wanted, abs=0.015)
