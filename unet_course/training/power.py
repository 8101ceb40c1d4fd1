"""How sure a comparison is: the spread of seeds, a test by permutation, and power. (11)"""

import itertools
import statistics

import numpy as np
import torch


def mean_and_deviation(values):
    """The mean of some seeds, and the standard deviation of a single one.

    Parameters
    ----------
    values : sequence of float
        At least two.

    Returns
    -------
    (float, float)

    Examples
    --------
    >>> mean_and_deviation([1.0, 3.0])
    (2.0, 1.414...)
    """
    return statistics.mean(values), statistics.stdev(values)


def permutation_p(a, b):
    """The share of all ways to form the two groups that set their means at least as far apart.

    Parameters
    ----------
    a, b : sequence of float
        The scores of two networks, one for each seed. All ways are tried: for about ten seeds each.

    Returns
    -------
    float
        The two-sided p of an exact permutation test.

    Examples
    --------
    >>> permutation_p([7, 8, 9], [1, 2, 3])
    0.1
    """
    pooled = np.array([*a, *b], dtype=float)
    ways = np.array(list(itertools.combinations(range(len(pooled)), len(a))))
    first = pooled[ways].mean(axis=1)
    second = (pooled.sum() - len(a) * first) / len(b)
    real = abs(np.mean(a) - np.mean(b))
    return float(np.mean(np.abs(first - second) >= real - 1e-12))


def seen_share(difference, spread, n, m, experiments=1000):
    """How many of many made-up experiments see a difference that is there: their power.

    Parameters
    ----------
    difference : float
        Between the true means of the two networks.
    spread : float
        Standard deviation of single seeds, of both networks.
    n, m : int
        Seeds of the first and of the second network.
    experiments : int, default 1000

    Returns
    -------
    float
        The share in which the two means lie at least two errors of their difference apart.

    Examples
    --------
    >>> seen_share(1.0, 0.1, 4, 4)
    1.0
    """
    first = spread * torch.randn(experiments, n).mean(dim=1)
    second = difference + spread * torch.randn(experiments, m).mean(dim=1)
    error = spread * (1 / n + 1 / m) ** 0.5
    return ((second - first).abs() >= 2 * error).float().mean().item()
