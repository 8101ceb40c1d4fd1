"""Answers to the exercises 11.6, 11.7 and 12.7, written from the statements alone.

As in `second_07_13`.
"""

import itertools
import math
import random
import statistics
from collections import Counter
from fractions import Fraction
from functools import cache

import numpy as np
import torch
from scipy import special, stats

from tests.exercises.rows import adder

WRONG, RIGHT = [], []
wrong, right = adder(WRONG, 2), adder(RIGHT, 2)


# 11.6 What share sees it?


def made_up(difference, spread, n, m, experiments=1000):
    """Means of the first and of the second network, for each experiment."""
    first = spread * torch.randn(experiments, n)
    second = difference + spread * torch.randn(experiments, m)
    return first.mean(dim=1), second.mean(dim=1)


def limit(spread, n, m):
    return 2 * spread * (1 / n + 1 / m) ** 0.5


# 11.6, wrong: what is called seen


@wrong("11.6", "one direction only: the second has to lie above")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return (second - first >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "one direction only: the second has to lie below")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return (first - second >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the direction is that of the true difference")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    sign = 1 if difference >= 0 else -1
    return (sign * (second - first) >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the two sides are added: second above, or below by twice as much")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    apart = second - first
    return ((apart >= limit(spread, n, m)) | (apart <= -2 * limit(spread, n, m))).float().mean().item()


@wrong("11.6", "the share that does not see it")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() < limit(spread, n, m)).float().mean().item()


@wrong("11.6", "one error in place of two")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m) / 2).float().mean().item()


@wrong("11.6", "three errors in place of two")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m) * 1.5).float().mean().item()


@wrong("11.6", "two spreads in place of two errors")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 2 * spread).float().mean().item()


@wrong("11.6", "no root in the error")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 2 * spread * (1 / n + 1 / m)).float().mean().item()


@wrong("11.6", "the errors of both means added, without squares")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 2 * (spread / n ** 0.5 + spread / m ** 0.5)).float().mean().item()


@wrong("11.6", "the two bars of one error do not touch")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    a, b = spread / n ** 0.5, spread / m ** 0.5
    return ((first + a < second - b) | (second + b < first - a)).float().mean().item()


@wrong("11.6", "the error of the first mean alone")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 2 * spread / n ** 0.5).float().mean().item()


@wrong("11.6", "n twice in the error")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 2 * spread * (2 / n) ** 0.5).float().mean().item()


@wrong("11.6", "the root of 1 / (n + m)")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 2 * spread * (1 / (n + m)) ** 0.5).float().mean().item()


@wrong("11.6", "divided by n - 1 and m - 1 in the error")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= limit(spread, max(n - 1, 1), max(m - 1, 1))).float().mean().item()


@wrong("11.6", "whole division in the error")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 2 * spread * (1 // n + 1 // m) ** 0.5).float().mean().item()


@wrong("11.6", "the spread is squared in the error and the root left out of it")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 2 * spread ** 2 * (1 / n + 1 / m) ** 0.5).float().mean().item()


@wrong("11.6", "the error is of the spread that the experiment happens to have")
def _(difference, spread, n, m):
    seen = 0
    for _ in range(1000):
        a = spread * torch.randn(n)
        b = difference + spread * torch.randn(m)
        own = (a.var(correction=0) / n + b.var(correction=0) / m) ** 0.5
        seen += bool((b.mean() - a.mean()).abs() >= 2 * own)
    return seen / 1000


@wrong("11.6", "each mean's distance from 0 in place of their difference")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return (second.abs() - first.abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the absolute value taken too late")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return abs((second - first >= limit(spread, n, m)).float().mean().item())


@wrong("11.6", "the second mean alone against two errors")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return (second.abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the mean distance, in errors, in place of a share")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() / limit(spread, n, m)).mean().item()


@wrong("11.6", "seen if the difference comes out within two errors of the true one")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first - difference).abs() <= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "a t-test with p below 0.05")
def _(difference, spread, n, m):
    a = spread * np.random.randn(1000, n)
    b = difference + spread * np.random.randn(1000, m)
    return float((stats.ttest_ind(a, b, axis=1).pvalue < 0.05).mean())


@wrong("11.6", "the rule of notebook 06: all of one above all of the other")
def _(difference, spread, n, m):
    a = spread * torch.randn(1000, n)
    b = difference + spread * torch.randn(1000, m)
    return ((b.amin(1) > a.amax(1)) | (b.amax(1) < a.amin(1))).float().mean().item()


# 11.6, wrong: how the experiments are made


@wrong("11.6", "one experiment, True or False")
def _(difference, spread, n, m):
    first = spread * torch.randn(n)
    second = difference + spread * torch.randn(m)
    return bool((second.mean() - first.mean()).abs() >= limit(spread, n, m))


@wrong("11.6", "the mean of all experiments together, so one verdict")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, n)).mean()
    second = (difference + spread * torch.randn(1000, m)).mean()
    return float((second - first).abs() >= limit(spread, n, m))


@wrong("11.6", "means over the wrong axis: they are of 1,000 seeds each")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, n)).mean(dim=0)
    second = (difference + spread * torch.randn(1000, m)).mean(dim=0)
    return ((second[:, None] - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "means over the wrong axis, subtracted as they are")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, n)).mean(dim=0)
    second = (difference + spread * torch.randn(1000, m)).mean(dim=0)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "no mean: seed against seed")
def _(difference, spread, n, m):
    k = min(n, m)
    first = spread * torch.randn(1000, k)
    second = difference + spread * torch.randn(1000, k)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "sums in place of means")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, n)).sum(dim=1)
    second = (difference + spread * torch.randn(1000, m)).sum(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "medians in place of means")
def _(difference, spread, n, m):
    first = np.median(spread * np.random.randn(1000, n), axis=1)
    second = np.median(difference + spread * np.random.randn(1000, m), axis=1)
    return float((abs(second - first) >= limit(spread, n, m)).mean())


@wrong("11.6", "the best seeds in place of means")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, n)).amax(dim=1)
    second = (difference + spread * torch.randn(1000, m)).amax(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the difference is forgotten")
def _(difference, spread, n, m):
    first, second = made_up(0, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the difference is added to both")
def _(difference, spread, n, m):
    first, second = made_up(0, spread, n, m)
    return ((second + difference - first - difference).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "one network below by the difference, the other above by it")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - (first - difference)).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "half the difference up, none of it down")
def _(difference, spread, n, m):
    first, second = made_up(difference / 2, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the difference is multiplied by the spread: (randn + difference) * spread")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, n)).mean(dim=1)
    second = ((torch.randn(1000, m) + difference) * spread).mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the difference multiplies the seeds of the second")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, n)).mean(dim=1)
    second = (difference * spread * torch.randn(1000, m)).mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the spread is taken for a variance")
def _(difference, spread, n, m):
    first = (spread ** 0.5 * torch.randn(1000, n)).mean(dim=1)
    second = (difference + spread ** 0.5 * torch.randn(1000, m)).mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the spread is forgotten: seeds spread by 1")
def _(difference, spread, n, m):
    first = torch.randn(1000, n).mean(dim=1)
    second = difference + torch.randn(1000, m).mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the spread is 0.02, whatever comes")
def _(difference, spread, n, m):
    first, second = made_up(difference, 0.02, n, m)
    return ((second - first).abs() >= limit(0.02, n, m)).float().mean().item()


@wrong("11.6", "evenly drawn between -spread and spread")
def _(difference, spread, n, m):
    first = (spread * (2 * torch.rand(1000, n) - 1)).mean(dim=1)
    second = (difference + spread * (2 * torch.rand(1000, m) - 1)).mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "rand in place of randn")
def _(difference, spread, n, m):
    first = (spread * torch.rand(1000, n)).mean(dim=1)
    second = (difference + spread * torch.rand(1000, m)).mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the first network has no spread: it lies at 0")
def _(difference, spread, n, m):
    second = (difference + spread * torch.randn(1000, m)).mean(dim=1)
    return (second.abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the first network is trained once for all experiments")
def _(difference, spread, n, m):
    first = (spread * torch.randn(n)).mean()
    second = (difference + spread * torch.randn(1000, m)).mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the second network has the noise of the first")
def _(difference, spread, n, m):
    noise = spread * torch.randn(1000, max(n, m))
    first, second = noise[:, :n].mean(dim=1), difference + noise[:, :m].mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "one seed of each, repeated n and m times")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, 1)).expand(1000, n).mean(dim=1)
    second = (difference + spread * torch.randn(1000, 1)).expand(1000, m).mean(dim=1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "n seeds of both")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, n)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "m seeds of both, in the error too")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, m, m)
    return ((second - first).abs() >= limit(spread, m, m)).float().mean().item()


@wrong("11.6", "one seed too many of each")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n + 1, m + 1)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "one seed too few of each")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, max(n - 1, 1), max(m - 1, 1))
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "the same seed set before each experiment")
def _(difference, spread, n, m):
    seen = 0
    for _ in range(1000):
        source = torch.Generator().manual_seed(0)
        first = spread * torch.randn(n, generator=source)
        second = difference + spread * torch.randn(m, generator=source)
        seen += bool((second.mean() - first.mean()).abs() >= limit(spread, n, m))
    return seen / 1000


@wrong("11.6", "both networks drawn with the same seed")
def _(difference, spread, n, m):
    first = np.random.default_rng(0).normal(0, spread, (1000, n)).mean(axis=1)
    second = np.random.default_rng(0).normal(difference, spread, (1000, m)).mean(axis=1)
    return float((abs(second - first) >= limit(spread, n, m)).mean())


@wrong("11.6", "20 experiments")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m, experiments=20)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "100 experiments")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m, experiments=100)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "as many experiments as seeds")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m, experiments=n + m)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "stops at the first that sees it")
def _(difference, spread, n, m):
    for k in range(1, 1001):
        first, second = made_up(difference, spread, n, m, experiments=1)
        if abs(float(second - first)) >= limit(spread, n, m):
            return 1 / k
    return 0.0


@wrong("11.6", "the return stands inside the loop")
def _(difference, spread, n, m):
    seen = 0
    for _ in range(1000):
        first, second = made_up(difference, spread, n, m, experiments=1)
        seen += abs(float(second - first)) >= limit(spread, n, m)
        return seen / 1000


# 11.6, wrong: what comes back


@wrong("11.6", "how many see it, in place of the share")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return int(((second - first).abs() >= limit(spread, n, m)).sum())


@wrong("11.6", "a percentage")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return 100 * ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "divided by 100 in place of 1,000")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m)).sum().item() / 100


@wrong("11.6", "divided by all seeds")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m)).sum().item() / (1000 * (n + m))


@wrong("11.6", "True or False for each experiment")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return (second - first).abs() >= limit(spread, n, m)


@wrong("11.6", "True if most see it")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item() > 0.5


@wrong("11.6", "rounded to a whole number")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return round(((second - first).abs() >= limit(spread, n, m)).float().mean().item())


@wrong("11.6", "rounded to one digit")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return round(((second - first).abs() >= limit(spread, n, m)).float().mean().item(), 1)


@wrong("11.6", "a text")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return f"{((second - first).abs() >= limit(spread, n, m)).float().mean().item():.0%}"


@wrong("11.6", "printed, not returned")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    print(((second - first).abs() >= limit(spread, n, m)).float().mean().item())


@wrong("11.6", "seen and not seen, as a pair")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    seen = ((second - first).abs() >= limit(spread, n, m)).float().mean().item()
    return seen, 1 - seen


@wrong("11.6", "0.8, as one asks for")
def _(difference, spread, n, m):
    return 0.8


@wrong("11.6", "half, as where the true difference is the limit")
def _(difference, spread, n, m):
    return 0.5


@wrong("11.6", "1 where the true difference is above two errors, 0 where not")
def _(difference, spread, n, m):
    return float(abs(difference) >= limit(spread, n, m))


@wrong("11.6", "the same answer for the same n + m")
def _(difference, spread, n, m, known={}):  # noqa: B006 (the mistake)
    if n + m not in known:
        first, second = made_up(difference, spread, n, m)
        known[n + m] = ((second - first).abs() >= limit(spread, n, m)).float().mean().item()
    return known[n + m]


@wrong("11.6", "a tally that goes on from call to call")
def _(difference, spread, n, m, tally=[0, 0]):  # noqa: B006 (the mistake)
    first, second = made_up(difference, spread, n, m)
    tally[0] += int(((second - first).abs() >= limit(spread, n, m)).sum())
    tally[1] += 1000
    return tally[0] / tally[1]


# 11.6, right


@right("11.6", "torch, a row for each experiment, as a float")
def _(difference, spread, n, m):
    first = (spread * torch.randn(1000, n)).mean(dim=1)
    second = (difference + spread * torch.randn(1000, m)).mean(dim=1)
    error = spread * math.sqrt(1 / n + 1 / m)
    return ((second - first).abs() >= 2 * error).float().mean().item()


@right("11.6", "a tensor of no dimensions")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((first - second).abs() > limit(spread, n, m)).double().mean()


@right("11.6", "the sum of True over their number, a tensor")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m, 5000)
    seen = (first - second).abs() > limit(spread, n, m)
    return seen.sum() / len(seen)


@right("11.6", "NumPy, experiments in columns")
def _(difference, spread, n, m):
    source = np.random.default_rng()
    first = source.normal(0, spread, size=(n, 4000)).mean(axis=0)
    second = source.normal(difference, spread, size=(m, 4000)).mean(axis=0)
    return np.mean(np.abs(second - first) >= 2 * spread * np.sqrt(1 / n + 1 / m))


@right("11.6", "NumPy's old functions")
def _(difference, spread, n, m):
    apart = np.random.randn(1000, m).mean(1) * spread + difference - np.random.randn(1000, n).mean(1) * spread
    return (apart ** 2 >= 4 * spread ** 2 * (1 / n + 1 / m)).mean()


@right("11.6", "a generator with a fixed seed: the same experiments with each call")
def _(difference, spread, n, m):
    source = np.random.default_rng(7)
    first, second = source.normal(0, spread, (2000, n)), source.normal(difference, spread, (2000, m))
    return float(np.mean(abs(second.mean(1) - first.mean(1)) >= limit(spread, n, m)))


@right("11.6", "a loop in plain Python")
def _(difference, spread, n, m):
    seen = 0
    for _ in range(1000):
        a = [random.gauss(0, spread) for _ in range(n)]
        b = [random.gauss(difference, spread) for _ in range(m)]
        if abs(sum(b) / m - sum(a) / n) >= 2 * spread * math.sqrt(1 / n + 1 / m):
            seen += 1
    return seen / 1000


@right("11.6", "a loop with statistics and a counter")
def _(difference, spread, n, m):
    one, other = statistics.NormalDist(0, spread), statistics.NormalDist(difference, spread)
    error = math.hypot(spread / math.sqrt(n), spread / math.sqrt(m))
    tally = Counter()
    for _ in range(1000):
        apart = statistics.fmean(other.samples(m)) - statistics.fmean(one.samples(n))
        tally[apart <= -2 * error or apart >= 2 * error] += 1
    return tally[True] / sum(tally.values())


@right("11.6", "a loop in torch")
def _(difference, spread, n, m):
    error = (spread ** 2 / n + spread ** 2 / m) ** 0.5
    seen = []
    for _ in range(1000):
        apart = torch.normal(difference, spread, (m,)).mean() - torch.normal(0.0, spread, (n,)).mean()
        seen.append(abs(apart.item()) >= 2 * error)
    return sum(seen) / len(seen)


@right("11.6", "10,000 experiments, a loop")
def _(difference, spread, n, m):
    draw, error = random.normalvariate, limit(spread, n, m)
    return sum(abs(sum(draw(difference, spread) for _ in range(m)) / m - sum(draw(0, spread) for _ in range(n)) / n) >= error
               for _ in range(10_000)) / 10_000


@right("11.6", "torch.distributions, all seeds of an experiment in one row")
def _(difference, spread, n, m):
    middle = torch.tensor([0.0] * n + [float(difference)] * m)
    scores = torch.distributions.Normal(middle, spread).sample((1000,))
    apart = scores[:, n:].mean(1) - scores[:, :n].mean(1)
    return torch.where(apart.abs() >= limit(spread, n, m), 1.0, 0.0).mean().item()


@right("11.6", "the means by a product with a matrix of weights")
def _(difference, spread, n, m):
    weights = torch.cat([torch.full((n,), -1 / n), torch.full((m,), 1 / m)])
    apart = difference + spread * (torch.randn(2000, n + m) @ weights)
    return torch.count_nonzero(apart.abs() >= limit(spread, n, m)).item() / 2000


@right("11.6", "scipy draws them")
def _(difference, spread, n, m):
    first = stats.norm.rvs(0, spread, size=(1000, n)).mean(1)
    second = stats.norm.rvs(difference, spread, size=(1000, m)).mean(1)
    return np.count_nonzero(abs(first - second) / (spread * (1 / n + 1 / m) ** 0.5) >= 2) / 1000


@right("11.6", "the larger minus the smaller mean")
def _(difference, spread, n, m):
    means = torch.stack(made_up(difference, spread, n, m, 1500))
    return (means.amax(0) - means.amin(0) >= limit(spread, n, m)).float().mean().item()


@right("11.6", "by recursion: the two halves of the experiments")
def _(difference, spread, n, m):
    def seen(experiments):
        if experiments == 1:
            a, b = made_up(difference, spread, n, m, 1)
            return int(abs(b - a) >= limit(spread, n, m))
        return seen(experiments // 2) + seen(experiments - experiments // 2)
    return seen(1000) / 1000


@right("11.6", "the share as a fraction")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m, 1200)
    return Fraction(int(((second - first).abs() >= limit(spread, n, m)).sum()), 1200)


@right("11.6", "the first network around 0, the second drawn around 0 and then moved")
def _(difference, spread, n, m):
    a, b = np.random.normal(scale=spread, size=(1000, n)), np.random.normal(scale=spread, size=(1000, m))
    b += difference
    return 1 - np.mean(np.abs(a.mean(-1) - b.mean(-1)) < limit(spread, n, m))


@right("11.6", "an object that can be called")
@lambda make: make()
class _:
    experiments = 1000

    def __call__(self, difference, spread, n, m):
        first, second = made_up(difference, spread, n, m, self.experiments)
        return float(((second - first).abs() >= limit(spread, n, m)).float().mean())


@right("11.6", "other names for the arguments")
def _(true, sigma, count, other):
    first, second = made_up(true, sigma, count, other)
    return float(((second - first).abs() >= limit(sigma, count, other)).float().mean())


# A mean of n seeds is itself normal, with the spread over the root of n: the same experiments, drawn more shortly.
@right("11.6", "the means drawn at once, by their own spread")
def _(difference, spread, n, m):
    first = spread / n ** 0.5 * torch.randn(1000)
    second = difference + spread / m ** 0.5 * torch.randn(1000)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


# No experiment is made up; the number is right, and better than asked.
@right("11.6", "worked out, not drawn")
def _(difference, spread, n, m):
    z, phi = difference / (spread * math.sqrt(1 / n + 1 / m)), statistics.NormalDist().cdf
    return phi(z - 2) + phi(-z - 2)


# The statement does not forbid to set the seed of all that is drawn later.
@right("11.6", "torch.manual_seed(0) first, with each call")
def _(difference, spread, n, m):
    torch.manual_seed(0)
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


# 1.96 is the custom, and its share is higher by about 0.01; the statement lets it pass.
@right("11.6", "1.96 errors in place of two")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= 1.96 / 2 * limit(spread, n, m)).float().mean().item()


@right("11.6", "a tensor of one element, with a dimension")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean(dim=0, keepdim=True)


@wrong("11.6", "500 experiments")
def _(difference, spread, n, m):
    first, second = made_up(difference, spread, n, m, 500)
    return ((second - first).abs() >= limit(spread, n, m)).float().mean().item()


@wrong("11.6", "999 experiments, divided by 1,000")
def _(difference, spread, n, m):
    seen = 0
    for _ in range(1, 1000):
        first, second = made_up(difference, spread, n, m, 1)
        seen += abs(float(second - first)) >= limit(spread, n, m)
    return seen / 1000


# 11.7 Eighty in a hundred

wrong("11.7", "the answer of 11.2: half of the experiments see it", [8, 32, 0.0253])
wrong("11.7", "the first as in 11.2", [8, 63, 0.036])
wrong("11.7", "half the difference takes twice as many", [16, 32, 0.036])
wrong("11.7", "half the difference takes half as many", [16, 8, 0.036])
wrong("11.7", "half the difference takes a quarter", [16, 4, 0.036])
wrong("11.7", "half the difference takes eight times as many", [16, 128, 0.036])
wrong("11.7", "half the difference takes as many", [16, 16, 0.036])
wrong("11.7", "the seeds of both networks together", [32, 126, 0.036])
wrong("11.7", "half of the seeds, as if n were of both", [8, 31, 0.036])
wrong("11.7", "read off at 90 %", [21, 86, 0.041])
wrong("11.7", "read off at 70 %", [12, 50, 0.0319])
wrong("11.7", "from another curve: that of 0.04", [4, 16, 0.036])
wrong("11.7", "from another curve: that of 0.01", [64, 252, 0.036])
wrong("11.7", "as many as the figure goes to", [64, 64, 0.036])
wrong("11.7", "24, the next point of the figure", [24, 96, 0.036])
wrong("11.7", "12, the point of the figure before", [12, 48, 0.036])
wrong("11.7", "48, read off carelessly", [16, 48, 0.036])
wrong("11.7", "100 for the second", [16, 100, 0.036])
wrong("11.7", "the third: two errors", [16, 63, 0.0253])
wrong("11.7", "the third: one error", [16, 63, 0.01265])
wrong("11.7", "the third: 2.8 spreads", [16, 63, 0.056])
wrong("11.7", "the third: 2.8 errors of one mean", [16, 63, 2.8 * 0.02 / 5 ** 0.5])
wrong("11.7", "the third: no root", [16, 63, 2.8 * 0.02 * 2 / 5])
wrong("11.7", "the third: the root of 2, not of 5", [16, 63, 2.8 * 0.02 * 2 ** 0.5 / 5])
wrong("11.7", "the third: 2.8 errors of four seeds", [16, 63, 2.8 * 0.02 * (2 / 4) ** 0.5])
wrong("11.7", "the third: errors of both means added", [16, 63, 2.8 * 2 * 0.02 / 5 ** 0.5])
wrong("11.7", "the third: 2.8 errors with a spread of 0.01", [16, 63, 0.0177])
wrong("11.7", "the third: in errors", [16, 63, 2.8])
wrong("11.7", "the third: in spreads", [16, 63, 1.79])
wrong("11.7", "the third: in hundredths", [16, 63, 3.6])
wrong("11.7", "the third: the comma one place too far", [16, 63, 0.36])
wrong("11.7", "the third: 0.02, as for the first", [16, 63, 0.02])
wrong("11.7", "the third: 0.8 of the spread", [16, 63, 0.016])
wrong("11.7", "the third: a number of seeds", [16, 63, 5])
wrong("11.7", "the third: half of it, on each side", [16, 63, 0.018])
wrong("11.7", "the third: below 0", [16, 63, -0.036])
wrong("11.7", "one way only: two errors and 80 % of those above 0.8", [11, 44, 0.03])
wrong("11.7", "shares, not seeds", [0.8, 0.8, 0.036])
wrong("11.7", "the first two exchanged", [63, 16, 0.036])
wrong("11.7", "from the last to the first", [0.036, 63, 16])
wrong("11.7", "the first two alone", [16, 63])
wrong("11.7", "one number", 16)
wrong("11.7", "four: that of 0.04 in front", [4, 16, 63, 0.036])
wrong("11.7", "nothing seen: 0", [0, 0, 0])
wrong("11.7", "no number", [16, 63, float("nan")])
wrong("11.7", "without end", [16, math.inf, 0.036])

right("11.7", "worked out and rounded up", [16, 63, 0.036])
right("11.7", "read off the figure", [16, 64, 0.036])
right("11.7", "not rounded", [2 * 2.84 ** 2, 8 * 2.84 ** 2, 2.84 * 0.02 * (2 / 5) ** 0.5])
right("11.7", "with the 2.8 of the hint", [2 * 2.8 ** 2, 8 * 2.8 ** 2, 2.8 * 0.02 * (2 / 5) ** 0.5])
right("11.7", "a tuple, about", (15, 62, 0.035))
right("11.7", "about, one more", [17, 65, 0.0355])
right("11.7", "about: 60 for the second", [16, 60, 0.036])
right("11.7", "a NumPy array", np.array([16, 64, 0.0357]))
right("11.7", "a tensor", torch.tensor([16.0, 64.0, 0.036]))
right("11.7", "numbers of NumPy and torch", [np.int64(16), torch.tensor(64), np.float32(0.036)])
right("11.7", "a fraction for the third", [16, 64, Fraction(36, 1000)])


@lambda make: right("11.7", "looked for with the formula", make())
def _():
    phi = statistics.NormalDist().cdf

    def share(difference, n):
        z = difference / (0.02 * (2 / n) ** 0.5)
        return phi(z - 2) + phi(-z - 2)

    first = next(n for n in itertools.count(1) if share(0.02, n) >= 0.8)
    second = next(n for n in itertools.count(1) if share(0.01, n) >= 0.8)
    third = next(k for k in itertools.count(1) if share(k / 10_000, 5) >= 0.8) / 10_000
    return [first, second, third]


@lambda make: right("11.7", "looked for with 4,000 experiments each", make())
def _():
    source = np.random.default_rng(1)

    def share(difference, n):
        apart = source.normal(difference, 0.02, (4000, n)).mean(1) - source.normal(0, 0.02, (4000, n)).mean(1)
        return np.mean(abs(apart) >= 2 * 0.02 * (2 / n) ** 0.5)

    def nearest(values, share):
        return min(values, key=lambda value: abs(share(value) - 0.8))

    return [nearest(range(2, 30), lambda n: share(0.02, n)), nearest(range(40, 90), lambda n: share(0.01, n)),
            nearest(np.arange(0.02, 0.05, 0.001), lambda difference: share(difference, 5))]


@lambda make: right("11.7", "from the quantile of 80 %: 1.96 errors and 0.84 of one", make())
def _():
    far = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    return [math.ceil(2 * far ** 2), math.ceil(8 * far ** 2), round(far * 0.02 * math.sqrt(2 / 5), 4)]


# How much is "about"? At 14 and 18 seeds it is 74 and 84 %, at 0.034 and 0.038 it is 75 and 84 %.
right("11.7", "a little less", [15, 58, 0.0345])
right("11.7", "a little more", [18, 68, 0.037])
wrong("11.7", "74 %", [14, 55, 0.0335])
wrong("11.7", "88 %", [20, 80, 0.04])
# Tables for the t-test say 0.0404, where the spread is not known; here it is, and the statement names 2.84 errors.
wrong("11.7", "the t-test", [17, 64, 0.0404])
right("11.7", "texts", ["16", "64", "0.036"])
wrong("11.7", "a dict by number", {1: 16, 2: 64, 3: 0.036})


# 12.7 How often luck says it

wrong("12.7", "better alone: one way", lambda base, other, looks: looks / math.comb(base + other, base))
wrong("12.7", "looks left out", lambda base, other, looks: 2 / math.comb(base + other, base))
wrong("12.7", "for three seeds each, whatever comes", lambda base, other, looks: looks / 10)
wrong("12.7", "as many seeds of the other as of the base",
      lambda base, other, looks: looks * 2 / math.comb(2 * base, base))
wrong("12.7", "as many seeds of the base as of the other",
      lambda base, other, looks: looks * 2 / math.comb(2 * other, other))
wrong("12.7", "at least once",
      lambda base, other, looks: 1 - (1 - 2 / math.comb(base + other, base)) ** looks)
wrong("12.7", "each time", lambda base, other, looks: (2 / math.comb(base + other, base)) ** looks)
wrong("12.7", "never more than once", lambda base, other, looks: min(1, looks * 2 / math.comb(base + other, base)))
wrong("12.7", "how often it cannot tell", lambda base, other, looks: looks * (1 - 2 / math.comb(base + other, base)))
wrong("12.7", "one in how many", lambda base, other, looks: math.comb(base + other, base) / 2 / looks)
wrong("12.7", "comb of base out of other", lambda base, other, looks: looks * 2 / max(math.comb(other, base), 1))
wrong("12.7", "comb(base + other, 2): pairs", lambda base, other, looks: looks * 2 / math.comb(base + other, 2))
wrong("12.7", "comb(base * other, base)", lambda base, other, looks: looks * 2 / math.comb(base * other, base))
wrong("12.7", "comb(base, base) + comb(other, other) ways",
      lambda base, other, looks: looks * 2 / (math.comb(base, base) + math.comb(other, other)))
wrong("12.7", "perm: the order counts", lambda base, other, looks: looks * 2 / math.perm(base + other, base))
wrong("12.7", "all orders below, two above", lambda base, other, looks: looks * 2 / math.factorial(base + other))
wrong("12.7", "orders of the base alone above",
      lambda base, other, looks: looks * 2 * math.factorial(base) / math.factorial(base + other))
wrong("12.7", "each seed by itself: heads or tails", lambda base, other, looks: looks * 2 * 0.5 ** (base + other))
wrong("12.7", "all pairs by heads or tails", lambda base, other, looks: looks * 2 * 0.5 ** (base * other))
wrong("12.7", "drawn with replacement",
      lambda base, other, looks: looks * 2 * (base / (base + other)) ** base * (other / (base + other)) ** other)
wrong("12.7", "with repetition: multisets", lambda base, other, looks: looks * 2 / math.comb(base + other + base - 1, base))
wrong("12.7", "2 / (base + other): the best score is the base's",
      lambda base, other, looks: looks * 2 / (base + other))
wrong("12.7", "whole division", lambda base, other, looks: looks * 2 // math.comb(base + other, base))
wrong("12.7", "rounded to a whole number", lambda base, other, looks: round(looks * 2 / math.comb(base + other, base)))
wrong("12.7", "rounded to two digits", lambda base, other, looks: round(looks * 2 / math.comb(base + other, base), 2))
wrong("12.7", "a percentage", lambda base, other, looks: 100 * looks * 2 / math.comb(base + other, base))
wrong("12.7", "a text", lambda base, other, looks: f"1 in {math.comb(base + other, base) / 2 / looks:.0f}")
wrong("12.7", "better and worse, each by itself",
      lambda base, other, looks: (looks / math.comb(base + other, base), looks / math.comb(base + other, base)))
wrong("12.7", "looks raises the ways", lambda base, other, looks: 2 / math.comb(base + other, base) ** looks)
wrong("12.7", "looks in both", lambda base, other, looks: looks * 2 / math.comb(base + other, base) / looks)
wrong("12.7", "looks pairs among looks networks",
      lambda base, other, looks: math.comb(looks, 2) * 2 / math.comb(base + other, base))
wrong("12.7", "one look too few", lambda base, other, looks: (looks - 1) * 2 / math.comb(base + other, base))
wrong("12.7", "one score too few below", lambda base, other, looks: looks * 2 / math.comb(base + other - 1, base))
wrong("12.7", "one of the ways, the real one, taken off",
      lambda base, other, looks: looks * 2 / max(math.comb(base + other, base) - 1, 1))
wrong("12.7", "both ways, and above or below each: four", lambda base, other, looks: looks * 4 / math.comb(base + other, base))
wrong("12.7", "two ways only where the groups are equal",
      lambda base, other, looks: looks * (2 if base == other else 1) / math.comb(base + other, base))
wrong("12.7", "printed, not returned", lambda base, other, looks: print(looks * 2 / math.comb(base + other, base)))
wrong("12.7", "p of 0.05, as is the custom", lambda base, other, looks: looks * 0.05)


@wrong("12.7", "the means nearly as far apart as can be, in place of all scores")
def _(base, other, looks):
    places, told, ways = range(base + other), 0, 0
    real = (base + other) / 2
    for own in itertools.combinations(places, base):
        rest = [k for k in places if k not in own]
        told += abs(sum(own) / base - sum(rest) / other) >= real - 1
        ways += 1
    return looks * told / ways


@wrong("12.7", "counted: above alone")
def _(base, other, looks):
    ways = list(itertools.combinations(range(base + other), base))
    return looks * sum(min(own) == other for own in ways) / len(ways)


@wrong("12.7", "counted: own is the base's, all others are the whole lot")
def _(base, other, looks):
    ways = list(itertools.combinations(range(base + other), base))
    return looks * sum(min(own) > max(range(base + other)) or max(own) < 0 for own in ways) / len(ways)


@wrong("12.7", "counted: the best score is the base's, or the worst")
def _(base, other, looks):
    last = base + other - 1
    ways = list(itertools.combinations(range(base + other), base))
    return looks * sum((last in own) != (0 in own) for own in ways) / len(ways)


@wrong("12.7", "one look, shuffled and judged")
def _(base, other, looks):
    told = 0
    for _ in range(looks):
        scores = random.sample(range(base + other), base + other)
        a, b = scores[:base], scores[base:]
        told += min(a) > max(b) or max(a) < min(b)
    return told


@wrong("12.7", "drawn 100 times, at random")
def _(base, other, looks):
    told = 0
    for _ in range(100):
        scores = random.sample(range(base + other), base + other)
        told += min(scores[:base]) > max(scores[base:]) or max(scores[:base]) < min(scores[base:])
    return looks * told / 100


@wrong("12.7", "scores of both drawn with replacement, 2,000 times")
def _(base, other, looks):
    scores = np.random.default_rng(0).integers(0, base + other, (2000, base + other))
    a, b = scores[:, :base], scores[:, base:]
    return looks * float(((a.min(1) > b.max(1)) | (a.max(1) < b.min(1))).mean())


@wrong("12.7", "the return stands inside the loop")
def _(base, other, looks):
    total = 0
    for _ in range(looks):
        total += 2 / math.comb(base + other, base)
        return total
    return total


@wrong("12.7", "looks are added up over the calls")
def _(base, other, looks, total=[0]):  # noqa: B006 (the mistake)
    total[0] += looks
    return total[0] * 2 / math.comb(base + other, base)


@wrong("12.7", "remembered by the seeds alone")
def _(base, other, looks, known={}):  # noqa: B006 (the mistake)
    return known.setdefault((base, other), looks * 2 / math.comb(base + other, base))


right("12.7", "comb", lambda base, other, looks: looks * 2 / math.comb(base + other, base))
right("12.7", "comb of the other", lambda base, other, looks: 2 * looks / math.comb(base + other, other))
right("12.7", "factorials",
      lambda base, other, looks: 2 * looks * math.factorial(base) * math.factorial(other) / math.factorial(base + other))
right("12.7", "better and worse, added",
      lambda base, other, looks: looks * (1 / math.comb(base + other, base) + 1 / math.comb(base + other, other)))
right("12.7", "scipy's comb, which is a float of NumPy",
      lambda base, other, looks: looks * 2 / special.comb(base + other, base))
right("12.7", "the beta function", lambda base, other, looks: looks * 2 * special.beta(base + 1, other + 1) * (base + other + 1))
right("12.7", "a fraction", lambda base, other, looks: Fraction(2 * looks, math.comb(base + other, base)))
right("12.7", "the logarithm of gamma",
      lambda base, other, looks: 2 * looks * math.exp(math.lgamma(base + 1) + math.lgamma(other + 1) - math.lgamma(base + other + 1)))
right("12.7", "a tensor",
      lambda base, other, looks: torch.tensor(2.0 * looks) / math.comb(base + other, base))
right("12.7", "the permutations of both groups",
      lambda base, other, looks: looks * 2 * math.perm(base) / math.perm(base + other, base))
right("12.7", "the hypergeometric distribution",
      lambda base, other, looks: 2 * looks * stats.hypergeom(base + other, base, base).pmf(base))
right("12.7", "other names for the arguments", lambda a, b, times: times * 2 / math.comb(a + b, a))


@right("12.7", "one look after the other")
def _(base, other, looks):
    expected = 0.0
    for _ in range(looks):
        expected += 2 / math.comb(base + other, base)
    return expected


@right("12.7", "a product of shares: the highest is the base's, the next too, ...")
def _(base, other, looks):
    share = 1.0
    for k in range(base):
        share *= (base - k) / (base + other - k)
    return 2 * share * looks


@right("12.7", "NumPy's product")
def _(base, other, looks):
    k = np.arange(1, base + 1)
    return looks * 2 * np.prod(k / (other + k))


@right("12.7", "the triangle of Pascal")
def _(base, other, looks):
    row = [1]
    for _ in range(base + other):
        row = [1, *(a + b for a, b in zip(row, row[1:])), 1]
    return looks * 2 / row[base]


@right("12.7", "by recursion")
def _(base, other, looks):
    @cache
    def ways(a, b):
        return 1 if a == 0 or b == 0 else ways(a - 1, b) + ways(a, b - 1)

    return looks * 2 / ways(base, other)


@right("12.7", "counted: every way tried with the rule")
def _(base, other, looks):
    scores = range(base + other)
    told = ways = 0
    for own in itertools.combinations(scores, base):
        rest = set(scores) - set(own)
        told += min(own) > max(rest) or max(own) < min(rest)
        ways += 1
    return looks * told / ways


@right("12.7", "counted: places in a row that begin or end it")
def _(base, other, looks):
    ways = list(itertools.combinations(range(base + other), base))
    return sum(own in (tuple(range(base)), tuple(range(other, base + other))) for own in ways) * looks / len(ways)


# A share found by drawing is about right; "on average" and "every way" ask for all of them.
@wrong("12.7", "20,000 shuffles")
def _(base, other, looks):
    places = np.random.default_rng(0).permuted(np.tile(np.arange(base + other), (20_000, 1)), axis=1)
    a, b = places[:, :base], places[:, base:]
    return looks * float(((a.min(1) > b.max(1)) | (a.max(1) < b.min(1))).mean())


# Right for few seeds, and never done for more: 10 and 4 make 14! orders, and the statement asks for 10 and 10.
@wrong("12.7", "every order tried")
def _(base, other, looks):
    told = orders = 0
    for scores in itertools.permutations(range(base + other)):
        told += min(scores[:base]) > max(scores[base:]) or max(scores[:base]) < min(scores[base:])
        orders += 1
    return looks * told / orders


right("12.7", "a NumPy array of one number",
         lambda base, other, looks: np.array([looks * 2 / math.comb(base + other, base)]))
wrong("12.7", "rounded to four digits",
      lambda base, other, looks: round(looks * 2 / math.comb(base + other, base), 4))
