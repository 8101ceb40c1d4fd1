"""Answers that learners give to 11.6, 11.7 and 11.8: power, and what a line says."""

import math
import random
import statistics

import numpy as np
import torch

from unet_course.training.power import seen_share


def error_of_both(spread, n, m, first, second):
    return spread * math.sqrt(1 / n + 1 / m)


def experiments(*, error=error_of_both, limit=2, apart=abs, mean=lambda v: v.mean(dim=1), where=1.0,
                give=lambda seen: seen.float().mean().item(), sizes=lambda n, m: (n, m),
                scale=lambda spread: spread):
    """The made-up experiments with one thing wrong; the defaults make a right one."""

    def share(difference, spread, n, m):
        one, two = sizes(n, m)
        first = scale(spread) * torch.randn(1000, one)
        second = where * difference + scale(spread) * torch.randn(1000, two)
        far = apart(mean(second) - mean(first))
        return give(far >= limit * error(spread, n, m, first, second))

    return share


def of_the_drawn(spread, n, m, first, second):
    return (first.var(dim=1) / n + second.var(dim=1) / m).sqrt()


def pooled(spread, n, m, first, second):
    return ((first.var(dim=1) + second.var(dim=1)) / 2 * (1 / n + 1 / m)).sqrt()


def by_formula(difference, spread, n, m):
    far = difference / (spread * math.sqrt(1 / n + 1 / m))
    normal = statistics.NormalDist()
    return normal.cdf(far - 2) + normal.cdf(-far - 2)


def with_numpy(difference, spread, n, m):
    draw = np.random.default_rng()
    first = draw.normal(0, spread, (2000, n)).mean(axis=1)
    second = draw.normal(difference, spread, (2000, m)).mean(axis=1)
    return np.mean(np.abs(first - second) > 2 * spread * np.sqrt(1 / n + 1 / m))


def one_by_one(difference, spread, n, m):
    seen = 0
    for _ in range(1000):
        first = statistics.fmean(random.gauss(0, spread) for _ in range(n))
        second = statistics.fmean(random.gauss(difference, spread) for _ in range(m))
        seen += abs(first - second) >= 2 * (spread**2 / n + spread**2 / m) ** 0.5
    return seen / 1000


def with_a_generator(difference, spread, n, m):
    first, second = torch.empty(4000, n), torch.empty(4000, m)
    first.normal_(0, spread), second.normal_(difference, spread)
    far = (first.mean(1) - second.mean(1)).abs()
    return (far >= 2 * spread * (1 / n + 1 / m) ** 0.5).double().mean()


def swapped_error(spread, n, m, first, second):
    return spread * math.sqrt(2 / n)


READ = ["supported", "not supported", "cannot tell", "not supported"]


def verdicts(place, other):
    return [other if i == place else w for i, w in enumerate(READ)]


WRONG = [
    ("11.6", "how many", experiments(give=lambda seen: seen.sum().item()), "a_share_of_many"),
    ("11.6", "per cent", experiments(give=lambda s: 100 * s.float().mean().item()), "a_share_of_many"),
    ("11.6", "the error of one mean", experiments(error=lambda s, n, m, *_: s / n**0.5),
     "half_of_them_with_eight"),
    ("11.6", "errors added", experiments(error=lambda s, n, m, *_: s / n**0.5 + s / m**0.5),
     "half_of_them_with_eight"),
    ("11.6", "one error", experiments(limit=1), "half_of_them_with_eight"),
    ("11.6", "three errors", experiments(limit=3), "half_of_them_with_eight"),
    ("11.6", "two spreads", experiments(error=lambda s, *_: s), "half_of_them_with_eight"),
    ("11.6", "the square of the error", experiments(error=lambda s, n, m, *_: s * (1 / n + 1 / m)),
     "half_of_them_with_eight"),
    ("11.6", "sums", experiments(mean=lambda v: v.sum(dim=1)), "half_of_them_with_eight"),
    ("11.6", "nothing is drawn", experiments(scale=lambda spread: 0.0), "a_share_of_many"),
    ("11.6", "twice the difference", experiments(where=2.0), "half_of_them_with_eight"),
    ("11.6", "those that miss it", experiments(give=lambda s: 1 - s.float().mean().item(), limit=1),
     "half_of_them_with_eight"),
    ("11.6", "those that miss it, with the right limit", experiments(give=lambda s: 1 - s.float().mean().item()),
     "all_of_them_if_it_is_large"),
    ("11.6", "one half", lambda *a: 0.5, "a_share_of_many"),
    ("11.6", "one direction", experiments(apart=lambda d: d), "in_either_direction"),
    ("11.6", "the size of it", lambda d, s, n, m: by_formula(d, s, n, m) if d > 0 else 0.0,
     "in_either_direction"),
    ("11.6", "the error of the drawn", experiments(error=of_the_drawn), "nothing_to_see"),
    ("11.6", "the spread of the drawn", experiments(error=pooled), "nothing_to_see"),
    ("11.6", "seen where nothing is", lambda d, s, n, m: by_formula(d, s, n, m) if d else 0.5,
     "nothing_to_see"),
    ("11.6", "n for both errors", experiments(error=swapped_error), "groups_of_other_sizes"),
    ("11.6", "n seeds of both", experiments(sizes=lambda n, m: (n, n)), "groups_of_other_sizes"),
    ("11.6", "the spread of 0.02, by formula", lambda d, s, n, m: by_formula(d, 0.02, n, m), "other_scales"),
    ("11.6", "a spread of 0.02", experiments(scale=lambda spread: 0.02), "other_scales"),
    ("11.6", "a limit for a spread of 0.02",
     experiments(error=lambda s, n, m, *_: 0.02 * (1 / n + 1 / m) ** 0.5), "other_scales"),
    ("11.6", "a word", lambda *a: "half", "a_share_of_many"),
    ("11.7", "eight", [8, 64, 0.036], "seeds_for_the_same"),
    ("11.7", "four", [4, 16, 0.036], "seeds_for_the_same"),
    ("11.7", "twice eight and twice that twice", [32, 64, 0.036], "seeds_for_the_same"),
    ("11.7", "a share", [0.8, 64, 0.036], "seeds_for_the_same"),
    ("11.7", "two numbers", [16, 64], "seeds_for_the_same"),
    ("11.7", "twice as many", [16, 32, 0.036], "seeds_for_half"),
    ("11.7", "as many", [16, 16, 0.036], "seeds_for_half"),
    ("11.7", "half as many", [16, 8, 0.036], "seeds_for_half"),
    ("11.7", "eight times", [16, 128, 0.036], "seeds_for_half"),
    ("11.7", "one", [16, 1, 0.036], "seeds_for_half"),
    ("11.7", "two errors", [16, 64, 0.0253], "what_five_can_see"),
    ("11.7", "one error", [16, 64, 0.0126], "what_five_can_see"),
    ("11.7", "of one mean", [16, 64, 0.025], "what_five_can_see"),
    ("11.7", "a number of seeds", [16, 64, 5], "what_five_can_see"),
    ("11.7", "a single seed's", [16, 64, 0.02], "what_five_can_see"),
    ("11.8", "1: the heaps overlap", verdicts(0, "not supported"), "with_every_seed"),
    ("11.8", "1: nothing is certain", verdicts(0, "cannot tell"), "with_every_seed"),
    ("11.8", "2: p is small", verdicts(1, "supported"), "many_lines"),
    ("11.8", "2: luck is not known", verdicts(1, "cannot tell"), "many_lines"),
    ("11.8", "3: detail is at the top", verdicts(2, "supported"), "one_of_three"),
    ("11.8", "3: unproved, so refused", verdicts(2, "not supported"), "one_of_three"),
    ("11.8", "4: five seeds are many", verdicts(3, "supported"), "too_small_to_see"),
    ("11.8", "4: the truth is not known", verdicts(3, "cannot tell"), "too_small_to_see"),
    ("11.8", "all believed", ["supported"] * 4, "many_lines"),
    ("11.8", "all doubted", ["not supported"] * 4, "with_every_seed"),
    ("11.8", "all left open", ["cannot tell"] * 4, "with_every_seed"),
    ("11.8", "yes and no", ["yes", "no", "no", "no"], "with_every_seed"),
    ("11.8", "three answers", READ[:3], "with_every_seed"),
    ("11.8", "one word", "supported", "with_every_seed"),
    ("11.8", "the last is another word", [*READ[:3], "no"], "too_small_to_see"),
]
RIGHT = [
    ("11.6", "torch", experiments()),
    ("11.6", "the package's", seen_share),
    ("11.6", "NumPy, strictly more", with_numpy),
    ("11.6", "one by one", one_by_one),
    ("11.6", "filled in place", with_a_generator),
    ("11.6", "the formula", by_formula),
    ("11.6", "the sizes exchanged: the difference spreads alike", experiments(sizes=lambda n, m: (m, n))),
    ("11.7", "as the figure shows", [16, 64, 0.036]),
    ("11.7", "computed", (17, 65, 0.02 * (2 / 5) ** 0.5 * 2.84)),
    ("11.7", "an array", np.array([16.0, 65.0, 0.0357])),
    ("11.8", "as it is", READ),
    ("11.8", "a tuple", tuple(READ)),
    ("11.8", "capitals", [w.capitalize() for w in READ]),
    ("11.8", "blanks", [f" {w.replace(' ', '  ')} " for w in READ]),
    ("11.8", "an array", np.array(READ)),
]
UNTOUCHED = [("11.6", lambda *a: ...)]
