"""Answers that learners give to the exercises of notebook 11."""

import copy
import functools
import itertools
import math
import operator
import statistics

import numpy as np
import torch
from torch import nn

from unet_course.training.ablations import OtherSkip


def pair(mean=statistics.mean, deviation=statistics.stdev):
    return lambda values: (mean(values), deviation(values))


def by_hand(values):
    m = sum(values) / len(values)
    return [m, math.sqrt(sum((v - m) ** 2 for v in values) / (len(values) - 1))]


class Zeroed(nn.Module):
    def __init__(self, encoder, *, factor=0.0, pooled=1.0):
        super().__init__()
        self.encoder, self.factor, self.scale = encoder, factor, pooled

    def forward(self, x):
        skip, pooled = self.encoder(x)
        return self.factor * skip, self.scale * pooled


def cutter(*, copies=copy.deepcopy, levels=lambda level, n: [level], **options):
    """Cut skips with one thing wrong; the defaults make a right one."""

    def cut(model, level):
        model = copies(model)
        for index in levels(level, len(model.encoders)):
            model.encoders[index] = Zeroed(model.encoders[index], **options)
        return model

    return cut


def drops_the_size(model, level):
    model = copy.deepcopy(model)

    class Small(Zeroed):
        def forward(self, x):
            skip, pooled = self.encoder(x)
            return torch.zeros_like(pooled), pooled

    model.encoders[level] = Small(model.encoders[level])
    return model


def by_a_hook(model, level):
    model = copy.deepcopy(model)
    model.encoders[level].register_forward_hook(lambda _, x, out: (torch.zeros_like(out[0]), out[1]))
    return model


def by_the_package(model, level):
    model = copy.deepcopy(model)
    model.encoders[level] = OtherSkip(model.encoders[level], lambda skip, pooled: torch.zeros_like(skip))
    return model


def keeps_zeros(model, level):
    model, kept = copy.deepcopy(model), {}
    model.encoders[level] = OtherSkip(model.encoders[level], lambda skip, pooled: kept.setdefault(
        "zeros", torch.zeros_like(skip)))
    return model


def cuts_the_way_down(model, level):
    model = copy.deepcopy(model)
    model.encoders[level].register_forward_pre_hook(lambda _, x: (torch.zeros_like(x[0]),))
    return model


class Detached(Zeroed):
    """Right forward; what lies above gets no gradient from below."""

    def forward(self, x):
        skip, pooled = self.encoder(x)
        return torch.zeros_like(skip), pooled.detach()


def detaches(model, level):
    model = copy.deepcopy(model)
    model.encoders[level] = Detached(model.encoders[level])
    return model


class Numbers(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).detach().numpy()


class WithoutGradient(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        with torch.no_grad():
            return self.model(x)


def weights_to_zero(model, level):
    """The decoder's weights for the skip are zero at the start, and grow in training."""
    model = copy.deepcopy(model)
    skip = model.encoders[level].block.layers[0].out_channels
    with torch.no_grad():
        model.decoders[-1 - level].block.layers[0].weight[:, :skip] = 0
    return model


def before_training(model, level):
    """Silent only in evaluation mode."""
    model = copy.deepcopy(model)
    model.encoders[level].register_forward_hook(
        lambda module, x, out: out if module.training else (torch.zeros_like(out[0]), out[1]))
    return model


def by_another_forward(model, level):
    model = copy.deepcopy(model)
    encoder = model.encoders[level]
    original = encoder.forward

    def forward(x):
        skip, pooled = original(x)
        return skip * 0, pooled

    encoder.forward = forward
    return model


def only_the_top(model, level):
    """No copy below the top."""
    return cutter(copies=copy.deepcopy if level == 0 else (lambda model: model))(model, level)


def shallow(model):
    new = copy.copy(model)
    new._modules = dict(model._modules)
    new.encoders = nn.ModuleList(model.encoders)
    return new


def share(*, at_least=lambda x, y: x >= y - 1e-12, absolute=abs, mean=statistics.mean, arrange=itertools.combinations, total=True):
    """The exact test with one thing wrong; the defaults make a right one."""

    def p(a, b):
        pooled, n = [*a, *b], len(a)
        seen = absolute(mean(a) - mean(b))
        hits = count = 0
        for first in arrange(range(len(pooled)), n):
            one = [pooled[i] for i in first]
            two = [pooled[i] for i in range(len(pooled)) if i not in first]
            hits, count = hits + at_least(absolute(mean(one) - mean(two)), seen), count + 1
        return hits / count if total else hits

    return p


def summed(values):
    """The plain mean of every Python: its own sum() rounds only once from 3.12 on."""
    return functools.reduce(operator.add, values) / len(values)


MEANS = {"summed one by one": summed, "by sum()": lambda v: sum(v) / len(v),
         "rounded once": lambda v: math.fsum(v) / len(v), "by statistics": statistics.mean}


def halves(a, b):
    """Right only for groups of one size."""
    return share()(a, b) if len(a) == len(b) else share()(a[: min(len(a), len(b))], b[: min(len(a), len(b))])


def with_numpy(a, b):
    pooled = np.array([*a, *b])
    masks = np.array([[i in first for i in range(len(pooled))] for first in itertools.combinations(range(len(pooled)), len(a))])
    apart = np.abs([pooled[m].mean() - pooled[~m].mean() for m in masks])
    return np.mean(apart > abs(np.mean(a) - np.mean(b)) - 1e-9)


def by_value(a, b):
    """Whatever is equal to a score of the first group is taken out of the second."""
    pooled = [*a, *b]
    def apart(one):
        two = [v for v in pooled if v not in one]
        return abs(statistics.mean(one) - statistics.mean(two)) if two else 0.0
    ways = [apart(one) for one in itertools.combinations(pooled, len(a))]
    seen = abs(statistics.mean(a) - statistics.mean(b))
    return sum(d >= seen - 1e-12 for d in ways) / len(ways)


def each_way_once(a, b):
    """Ways to choose with the same scores count as one."""
    ways = set(itertools.combinations(sorted([*a, *b]), len(a)))
    total = math.fsum([*a, *b])
    apart = [abs(statistics.mean(one) - (total - math.fsum(one)) / len(b)) for one in ways]
    seen = abs(statistics.mean(a) - statistics.mean(b))
    return sum(d >= seen - 1e-12 for d in apart) / len(ways)


def by_orders(a, b):
    """All orders of the scores, not all choices: the same share."""
    ways = list(itertools.permutations([*a, *b]))[:: math.factorial(len(b))]
    seen = abs(statistics.mean(a) - statistics.mean(b))
    apart = [abs(statistics.mean(w[: len(a)]) - statistics.mean(w[len(a) :])) for w in ways]
    return sum(d >= seen - 1e-12 for d in apart) / len(ways)


def two_at_least(a, b):
    """A group of one is refused."""
    return share(mean=lambda v: statistics.stdev(v) * 0 + statistics.mean(v))(a, b)


def doubled(a, b):
    one_sided = share(absolute=lambda d: d)
    return 2 * min(one_sided(a, b), one_sided(b, a))


RIGHT_WORDS = ["two changes", "chosen on the test field", "nothing", "unequal time"]


def words(place, other):
    return [other if i == place else w for i, w in enumerate(RIGHT_WORDS)]


WRONG = [
    ("11.1", "the median", pair(statistics.median), "mean_comes_first"),
    ("11.1", "the other way round", lambda v: (statistics.stdev(v), statistics.mean(v)), "mean_comes_first"),
    ("11.1", "the sum", pair(sum), "mean_comes_first"),
    ("11.1", "the mean alone", statistics.mean, "mean_comes_first"),
    ("11.1", "mean twice", pair(deviation=statistics.mean), "mean_comes_first"),
    ("11.1", "over n", pair(deviation=statistics.pstdev), "deviation_over_n_minus_one"),
    ("11.1", "numpy's default, over n", lambda v: (np.mean(v), np.std(v)), "deviation_over_n_minus_one"),
    ("11.1", "the variance", pair(deviation=statistics.variance), "deviation_over_n_minus_one"),
    ("11.1", "the mean square", pair(deviation=statistics.pvariance), "deviation_over_n_minus_one"),
    ("11.1", "the range", pair(deviation=lambda v: max(v) - min(v)), "deviation_over_n_minus_one"),
    ("11.1", "the standard error", pair(deviation=lambda v: np.std(v, ddof=1) / len(v) ** 0.5), "deviation_over_n_minus_one"),
    ("11.1", "mean absolute", pair(deviation=lambda v: np.abs(np.array(v) - np.mean(v)).mean()), "deviation_over_n_minus_one"),
    ("11.1", "over n + 1", pair(deviation=lambda v: (np.var(v) * len(v) / (len(v) + 1)) ** 0.5), "deviation_over_n_minus_one"),
    ("11.1", "over n where there are two",
     pair(deviation=lambda v: statistics.stdev(v) if len(v) > 2 else statistics.pstdev(v)),
     "deviation_over_n_minus_one"),
    ("11.1", "equal scores once",
     pair(lambda v: statistics.mean(set(v)), lambda v: statistics.stdev(set(v))),
     "deviation_over_n_minus_one"),
    ("11.1", "means of sizes", lambda v: (statistics.mean(map(abs, v)), statistics.stdev(v)),
     "deviation_over_n_minus_one"),
    ("11.2", "divided by 4", [0.005, 0.0141, 8], "error_of_a_mean"),
    ("11.2", "not divided", [0.02, 0.0141, 8], "error_of_a_mean"),
    ("11.2", "times the root", [0.04, 0.0141, 8], "error_of_a_mean"),
    ("11.2", "two numbers", [0.01, 0.0141], "error_of_a_mean"),
    ("11.2", "errors added", [0.01, 0.02, 8], "error_of_a_difference"),
    ("11.2", "error of one", [0.01, 0.01, 8], "error_of_a_difference"),
    ("11.2", "errors cancel", [0.01, 0, 8], "error_of_a_difference"),
    ("11.2", "of single seeds", [0.01, 0.0283, 8], "error_of_a_difference"),
    ("11.2", "four are enough", [0.01, 0.0141, 4], "seeds_that_suffice"),
    ("11.2", "one error", [0.01, 0.0141, 2], "seeds_that_suffice"),
    ("11.2", "as if the mean were single", [0.01, 0.0141, 16], "seeds_that_suffice"),
    ("11.2", "seven", [0.01, 0.0141, 7], "seeds_that_suffice"),
    ("11.2", "none", [0.01, 0.0141, 0], "seeds_that_suffice"),
    ("11.3", "returns nothing new", lambda model, level: model, "that_skip_alone_is_silent"),
    ("11.3", "a function", lambda model, level: (lambda x: model(x)), "sizes_stay"),
    ("11.3", "zeros of the pooled size", drops_the_size, "sizes_stay"),
    ("11.3", "counts from the bottom", cutter(levels=lambda level, n: [n - 1 - level]), "that_skip_alone_is_silent"),
    ("11.3", "all skips", cutter(levels=lambda level, n: range(n)), "that_skip_alone_is_silent"),
    ("11.3", "all skips from there on", cutter(levels=lambda level, n: range(level, n)), "that_skip_alone_is_silent"),
    ("11.3", "half of it", cutter(factor=0.5), "that_skip_alone_is_silent"),
    ("11.3", "also the way down", cutter(pooled=0.0), "that_skip_alone_is_silent"),
    ("11.3", "the input of the level", cuts_the_way_down, "that_skip_alone_is_silent"),
    ("11.3", "below detached", detaches, "it_can_be_trained"),
    ("11.3", "without a gradient", lambda m, k: WithoutGradient(cutter()(m, k)),
     "it_can_be_trained"),
    ("11.3", "zero weights for the skip", weights_to_zero, "it_can_be_trained"),
    ("11.3", "silent in evaluation mode", before_training, "it_can_be_trained"),
    ("11.3", "an array", lambda m, k: Numbers(cutter()(m, k)), "sizes_stay"),
    ("11.3", "a copy for the top only", only_the_top, "the_original_stays"),
    ("11.3", "no copy", cutter(copies=lambda model: model), "the_original_stays"),
    ("11.3", "a shallow copy", cutter(copies=shallow), "a_copy_with_weights_of_its_own"),
    ("11.3", "copy.copy", cutter(copies=copy.copy), "the_original_stays"),
    ("11.4", "1 is fair", words(0, "nothing"), "comparison_1"),
    ("11.4", "1 for one seed", words(0, "one seed"), "comparison_1"),
    ("11.4", "2 for one seed", words(1, "one seed"), "comparison_2"),
    ("11.4", "2 is fair", words(1, "nothing"), "comparison_2"),
    ("11.4", "3 for its field", words(2, "chosen on the test field"), "comparison_3"),
    ("11.4", "3 for its time", words(2, "unequal time"), "comparison_3"),
    ("11.4", "4 is fair", words(3, "nothing"), "comparison_4"),
    ("11.4", "4 for two changes", words(3, "two changes"), "comparison_4"),
    ("11.5", "one-sided", share(absolute=lambda d: d), "three_against_three"),
    ("11.5", "strictly more", share(at_least=lambda x, y: x > y + 1e-12), "three_against_three"),
    ("11.5", "the number", share(total=False), "three_against_three"),
    ("11.5", "at most", share(at_least=lambda x, y: x < y - 1e-12), "three_against_three"),
    ("11.5", "always", lambda a, b: 1.0, "three_against_three"),
    ("11.5", "equal splits only", share(at_least=lambda x, y: abs(x - y) < 1e-12), "groups_that_mix"),
    ("11.5", "a constant", lambda a, b: 0.1, "groups_that_mix"),
    ("11.5", "medians", share(mean=statistics.median), "three_against_three"),
    ("11.5", "one-sided, doubled without a limit", doubled, "unequal_groups"),
    ("11.5", "sums", share(mean=sum), "unequal_groups"),
    ("11.5", "groups of one size", halves, "unequal_groups"),
    ("11.5", "by value", by_value, "scores_that_come_twice"),
    ("11.5", "each way once", each_way_once, "scores_that_come_twice"),
    ("11.5", "two scores at least", two_at_least, "scores_that_come_twice"),
    ("11.5", "in float32", share(mean=lambda v: torch.tensor(v).mean().item()), "equal_values"),
    ("11.5", "1e-5 allowed", share(at_least=lambda x, y: x >= y - 1e-5), "nearly_as_far_apart"),
    ("11.5", "rounded to four decimals", share(at_least=lambda x, y: round(x, 4) >= round(y, 4)),
     "nearly_as_far_apart"),
    ("11.5", "allowed in per cent", share(at_least=lambda x, y: x > y or math.isclose(x, y)),
     "equal_values"),
    ("11.5", "less by a billionth of it", share(at_least=lambda x, y: x >= y * (1 - 1e-9)),
     "equal_values"),
    *(("11.5", f"the last digit decides, {what}", share(at_least=lambda x, y: x >= y, mean=mean),
       "equal_values") for what, mean in MEANS.items()),
]

WRONG += [
    ("11.3", "zeros are kept", keeps_zeros, "zeros_of_each_batch"),
    ("11.3", "evaluation mode", lambda m, level: cutter()(m, level).eval(), "the_mode_stays"),
    ("11.3", "training mode", lambda m, level: cutter()(m, level).train(), "the_mode_stays"),
    ("11.3", "frozen", lambda m, level: cutter()(m, level).requires_grad_(False),
     "it_can_be_trained"),
]
RIGHT = [
    ("11.1", "statistics", pair()),
    ("11.1", "by hand", by_hand),
    ("11.1", "torch", lambda v: (torch.tensor(v, dtype=torch.float64).mean(), torch.tensor(v, dtype=torch.float64).std())),
    ("11.1", "numpy", lambda v: np.array([np.mean(v), np.std(v, ddof=1)])),
    ("11.2", "three digits", [0.01, 0.0141, 8]),
    ("11.2", "as formulas", (0.02 / 4**0.5, 0.01 * 2**0.5, 8)),
    ("11.2", "an array", np.array([0.01, 0.01414, 8.0])),
    ("11.3", "a module around it", cutter()),
    ("11.3", "a hook", by_a_hook), ("11.3", "another forward", by_another_forward),
    ("11.3", "the package's", by_the_package),
    ("11.4", "as it is", RIGHT_WORDS),
    ("11.4", "capitals, tuple", tuple(w.upper() for w in RIGHT_WORDS)),
    ("11.5", "by combinations", share()),
    ("11.5", "numpy", with_numpy),
    ("11.5", "rounded to 12 digits", share(at_least=lambda x, y: round(x, 12) >= round(y, 12))),
    ("11.5", "either more or nearly equal",
     share(at_least=lambda x, y: x > y or math.isclose(x, y, abs_tol=1e-12))),
    ("11.5", "1e-9 allowed", share(at_least=lambda x, y: x >= y - 1e-9)),
]
UNTOUCHED = [(id, lambda *a: ...) for id in ("11.1", "11.3", "11.5")]
