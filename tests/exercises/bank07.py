"""Answers that learners give to the exercises of notebook 07."""

import numpy as np
import torch
from scipy import stats
from scipy.optimize import linear_sum_assignment


def scorer(formula, *, empty=1.0):
    """A score of two masks from (both, predicted, true, all), with what it gives when it divides by zero."""

    def score(prediction, target):
        counts = (prediction & target).sum().item(), prediction.sum().item(), target.sum().item(), prediction.numel()
        try:
            return formula(*counts)
        except ZeroDivisionError:
            return empty
    return score


def dice_by_row(prediction, target):
    both, areas = (prediction & target).sum(-1), prediction.sum(-1) + target.sum(-1)
    return (2 * both / areas.clamp(min=1)).mean().item()


def dice_of_the_first(prediction, target):
    if prediction.ndim > 2:
        prediction, target = prediction[0], target[0]
    return dice_right(prediction, target)


def dice_nan(prediction, target):
    return 2 * (prediction & target).sum() / (prediction.sum() + target.sum())


def dice_eps(prediction, target):
    return (2 * (prediction & target).sum() + 1) / (prediction.sum() + target.sum() + 1)


def dice_little_eps(prediction, target):
    return (2 * (prediction & target).sum() + 1e-4) / (prediction.sum() + target.sum() + 1e-4)


def dice_one_if_truth_is_empty(prediction, target):
    return dice_right(prediction, target) if target.any() else 1.0


def dice_one_if_nothing_is_predicted(prediction, target):
    return dice_right(prediction, target) if prediction.any() else 1.0


def dice_per_pixel(prediction, target):
    return torch.where(target, 2.0 * (prediction & target), 0.0)


def dice_right(prediction, target):
    both, areas = torch.logical_and(prediction, target).sum(), prediction.sum() + target.sum()
    return torch.tensor(1.0) if areas == 0 else 2.0 * both / areas


def dice_numpy(prediction, target):
    p, t = np.asarray(prediction).ravel(), np.asarray(target).ravel()
    return 1.0 if not (p | t).any() else 2 * np.dot(p.astype(int), t.astype(int)) / np.add(p.sum(), t.sum())


def dice_by_errors(prediction, target):
    tp, wrong = (prediction * target).sum().item(), (prediction != target).sum().item()
    return 2 * tp / (2 * tp + wrong) if tp + wrong else 1


def dice_from_sets(prediction, target):
    a, b = ({tuple(place) for place in mask.nonzero().tolist()} for mask in (prediction, target))
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0


def dice_small_eps(prediction, target):
    return ((2 * (prediction & target).sum() + 1e-9) / (prediction.sum() + target.sum() + 1e-9)).item()


def iou_of(choose, formula=lambda both, a, b: both / (a + b - both), empty=1.0):
    """IoU with another choice of what is compared, or another formula."""

    def score(prediction, target, k):
        a, b = choose(prediction, target, k)
        try:
            return formula((a & b).sum().item(), a.sum().item(), b.sum().item())
        except ZeroDivisionError:
            return empty
    return score


def of_class(prediction, target, k):
    return prediction == k, target == k


def iou_nonzero(prediction, target, k):
    """Class 0 is taken for "nothing"."""
    return 0.0 if k == 0 else iou_of(of_class)(prediction, target, k)


def iou_absent_by_truth(prediction, target, k):
    return iou_of(of_class)(prediction, target, k) if (target == k).any() else 1.0


def iou_absent_by_prediction(prediction, target, k):
    return iou_of(of_class)(prediction, target, k) if (prediction == k).any() else 1.0


def iou_absent_by_overlap(prediction, target, k):
    return iou_of(of_class)(prediction, target, k) or 1.0


def iou_from_one_pixel_on(prediction, target, k):
    """What is one pixel large counts as nothing."""
    few = (prediction == k).sum() < 2 and (target == k).sum() < 2
    return 1.0 if few else iou_of(of_class)(prediction, target, k)


def iou_mean(prediction, target, k):
    return float(np.mean([iou_of(of_class)(prediction, target, c) for c in range(4)]))


def iou_confusion(prediction, target, k):
    table = torch.bincount((target * 8 + prediction).ravel(), minlength=64).reshape(8, 8)
    union = table[k].sum() + table[:, k].sum() - table[k, k]
    return table[k, k] / union if union else torch.ones(())


def iou_numpy(prediction, target, k):
    a, b = prediction.numpy() == k, target.numpy() == k
    union = np.logical_or(a, b).sum()
    return np.logical_and(a, b).sum() / union if union else 1.0


def iou_loop(prediction, target, k):
    pairs = [(p == k, t == k) for p, t in zip(prediction.ravel().tolist(), target.ravel().tolist())]
    either = sum(p or t for p, t in pairs)
    return 1.0 if either == 0 else sum(p and t for p, t in pairs) / either


def iou_from_dice(prediction, target, k):
    dice = float(dice_right(prediction == k, target == k))
    return dice / (2 - dice)


def f1(*, at=0.7, strict=False, background=False, by_number=False, over="union", score="f1", empty=1.0, once="pairs"):
    """Object F1 with one thing wrong; the defaults make a right one."""

    def run(prediction, target):
        first = 0 if background else 1
        ps, ts = ([n for n in labels.unique().tolist() if n >= first] for labels in (prediction, target))
        tp = 0
        for p in ps:
            for t in ts:
                a, b = prediction == p, target == t
                both = (a & b).sum().item()
                share = both / {"union": (a | b).sum().item(), "truth": b.sum().item(), "prediction": a.sum().item(),
                                "sum": (a.sum() + b.sum()).item() / 2}[over]
                found = share > at if strict else share >= at
                tp += found and (p == t or not by_number)
                if found and once == "first":
                    return 2 / (len(ps) + len(ts))
        totals = {"f1": (2 * tp, len(ps) + len(ts)), "recall": (tp, len(ts)), "precision": (tp, len(ps)),
                  "threat": (tp, len(ps) + len(ts) - tp)}
        above, below = totals[score]
        return above / below if below else empty
    return run


def f1_of_counts(prediction, target):
    a, b = int(prediction.max()), int(target.max())
    return min(a, b) / max(a, b) if max(a, b) else 1.0


def f1_of_pixels(prediction, target):
    return float(dice_right(prediction > 0, target > 0))


def f1_up_to_the_largest(prediction, target):
    """Numbers 1 … max, also those that nothing has."""
    found = f1()(prediction, target) * (len(prediction.unique()) + len(target.unique()) - 2)
    total = int(prediction.max()) + int(target.max())
    return found / total if total else 1.0


def f1_beside_all_it_touches(prediction, target):
    ps, total = [n for n in prediction.unique().tolist() if n], len(target[target > 0].unique())
    found = 0
    for p in ps:
        a = prediction == p
        touched = [t for t in target[a].unique().tolist() if t]
        b = sum((target == t for t in touched), torch.zeros_like(a))
        found += bool(touched) and (a & b).sum().item() / (a | b).sum().item() >= 0.7
    return 2 * found / (len(ps) + total) if len(ps) + total else 1.0


def f1_of_the_first_ten(prediction, target):
    return f1()(torch.where(prediction > 10, 0, prediction), torch.where(target > 10, 0, target))


def f1_in_a_byte(prediction, target):
    return f1()(prediction.to(torch.uint8), target.to(torch.uint8))


def f1_in_five_bits(prediction, target):
    return f1()(prediction % 32, target % 32)


def ious(prediction, target):
    p, t = prediction.numpy(), target.numpy()
    pairs, counts = np.unique(np.stack([p.ravel(), t.ravel()]), axis=1, return_counts=True)
    areas_p, areas_t = np.bincount(p.ravel()), np.bincount(t.ravel())
    return {(a, b): n / (areas_p[a] + areas_t[b] - n) for (a, b), n in zip(pairs.T, counts) if a and b}


def f1_by_pairs(prediction, target):
    found = sum(value >= 0.7 for value in ious(prediction, target).values())
    objects = sum(len(np.setdiff1d(labels, 0)) for labels in (prediction.numpy(), target.numpy()))
    return 2 * found / objects if objects else 1.0


def f1_by_assignment(prediction, target):
    ps, ts = (labels.unique()[labels.unique() > 0] for labels in (prediction, target))
    if len(ps) + len(ts) == 0:
        return torch.tensor(1.0)
    a, b = (prediction[None] == ps[:, None, None]).flatten(1).float(), (target[None] == ts[:, None, None]).flatten(1).float()
    both = a @ b.T
    table = both / (a.sum(1)[:, None] + b.sum(1)[None] - both)
    rows, columns = linear_sum_assignment(-table.numpy())
    return 2.0 * (table[rows, columns] >= 0.7).sum() / (len(ps) + len(ts))


def f1_with_a_list(prediction, target):
    free, overlaps = {n for n in target.unique().tolist() if n}, ious(prediction, target)
    false, true, total = 0, 0, len(free)
    for p in (n for n in prediction.unique().tolist() if n):
        hit = next((t for t in free if overlaps.get((p, t), 0) >= 0.7), None)
        free.discard(hit)
        true, false = true + (hit is not None), false + (hit is None)
    return 1.0 if total + true + false == 0 else np.float64(2 * true / (2 * true + false + total - true))


GOOD = ["object F1", "recall", "boundary F1", "accuracy"]


def uniform(n, count):
    return torch.randint(n, (count,))


def all_but_the_last(n, count):
    return torch.randint(n - 1, (count,))


def all_but_the_first(n, count):
    return torch.randint(1, n, (count,))


def last_half_as_often(n, count):
    return (torch.rand(count) * (n - 1)).round().long()


def last_twice_as_often(n, count):
    return torch.randint(n + 1, (count,)).clamp(max=n - 1)


def bootstrapped(*, draws=1000, size=None, replace=True, what=torch.mean, ends=(0.025, 0.975),
                 block=False, places_of=uniform):
    """The percentiles of a statistic of new samples; the defaults make a right answer."""

    def interval(values):
        n, found = len(values), []
        for _ in range(draws):
            count = n if size is None else size(n)
            places = places_of(n, count) if replace else torch.randperm(n)[:count]
            if block:
                places = ((torch.randint(n, (-(-n // 10), 1)) + torch.arange(10)) % n).ravel()[:n]
            found.append(what(values[places]))
        return tuple(torch.stack(found).quantile(torch.tensor(ends)).tolist())
    return interval


def seeded(low, high, draws=1000):
    """The same places in every call."""

    def interval(values):
        generator, n = torch.Generator().manual_seed(0), len(values)
        means = values[torch.randint(n, (draws, n), generator=generator)].mean(dim=1)
        return means.quantile(low), means.quantile(high)
    return interval


def of_the_values(values):
    return tuple(values.quantile(torch.tensor([0.025, 0.975])).tolist())


def two_spreads(values):
    return float(values.mean() - 2 * values.std()), float(values.mean() + 2 * values.std())


def normal(values):
    error = 1.96 * values.std() / len(values) ** 0.5
    return float(values.mean() - error), float(values.mean() + error)


def basic(values):
    """The percentiles, turned over at the mean."""
    low, high = bootstrapped()(values)
    mean = values.mean().item()
    return 2 * mean - high, 2 * mean - low


def least_and_greatest(values):
    means = torch.stack([values[torch.randint(len(values), (len(values),))].mean() for _ in range(1000)])
    return means.min().item(), means.max().item()


def backwards(values):
    return bootstrapped()(values)[::-1]


def one_sample(values):
    sample = values[torch.randint(len(values), (len(values),))]
    return sample.mean().item(), sample.mean().item()


def all_at_once(values):
    return values[torch.randint(len(values), (2000, len(values)))].mean(dim=1).quantile(torch.tensor([0.025, 0.975]))


def by_numpy(values):
    means = np.random.default_rng().choice(values.numpy(), (2000, len(values))).mean(axis=1)
    return np.percentile(means, [2.5, 97.5])


def by_scipy(values):
    found = stats.bootstrap((values.numpy(),), np.mean, method="percentile", n_resamples=2000).confidence_interval
    return [found.low, found.high]


def as_text(values):
    places = np.random.randint(0, len(values), (10_000, len(values)))
    means = values.numpy()[places].mean(axis=1)
    return [f"{end:.6f}" for end in np.percentile(means, [2.5, 97.5])]


def by_sorting(values):
    means = sorted(values[torch.randint(len(values), (len(values),))].mean().item() for _ in range(1000))
    return means[25], means[974]


WRONG = [
    ("7.1", "IoU", scorer(lambda both, p, t, n: both / (p + t - both)), "by_counting"),
    ("7.1", "the 2 forgotten", scorer(lambda both, p, t, n: both / (p + t)), "by_counting"),
    ("7.1", "precision", scorer(lambda both, p, t, n: both / p), "by_counting"),
    ("7.1", "recall", scorer(lambda both, p, t, n: both / t), "by_counting"),
    ("7.1", "accuracy", scorer(lambda both, p, t, n: (n - p - t + 2 * both) / n), "by_counting"),
    ("7.1", "percent", scorer(lambda both, p, t, n: 200 * both / (p + t)), "by_counting"),
    ("7.1", "rounded to a whole number", scorer(lambda both, p, t, n: 2 * both // (p + t)), "by_counting"),
    ("7.1", "1 minus Dice", scorer(lambda both, p, t, n: 1 - 2 * both / (p + t)), "by_counting"),
    ("7.1", "divided by all pixels", scorer(lambda both, p, t, n: 2 * both / n), "by_counting"),
    ("7.1", "one number for each pixel", dice_per_pixel, "by_counting"),
    ("7.1", "rows, then their mean", dice_by_row, "by_counting"),
    ("7.1", "smoothed by 1", dice_eps, "by_counting"),
    ("7.1", "the first image only", dice_of_the_first, "other_masks"),
    ("7.1", "smoothed by a ten-thousandth", dice_little_eps, "only_one_empty"),
    ("7.1", "1 if the truth is empty", dice_one_if_truth_is_empty, "only_one_empty"),
    ("7.1", "1 if nothing is predicted", dice_one_if_nothing_is_predicted, "only_one_empty"),
    ("7.1", "0 if both are empty", scorer(lambda both, p, t, n: 2 * both / (p + t), empty=0.0), "both_empty"),
    ("7.1", "0 divided by 0", dice_nan, "both_empty"),
    ("7.2", "Dice", iou_of(of_class, lambda both, a, b: 2 * both / (a + b)), "one_class"),
    ("7.2", "the overlap counted twice below", iou_of(of_class, lambda both, a, b: both / (a + b)), "one_class"),
    ("7.2", "over the truth", iou_of(of_class, lambda both, a, b: both / b), "one_class"),
    ("7.2", "over the prediction", iou_of(of_class, lambda both, a, b: both / a), "one_class"),
    ("7.2", "the number of pixels", iou_of(of_class, lambda both, a, b: both), "one_class"),
    ("7.2", "mean of all classes", iou_mean, "one_class"),
    ("7.2", "every class but background", iou_of(lambda p, t, k: (p > 0, t > 0)), "the_class_that_is_asked_for"),
    ("7.2", "class and above", iou_of(lambda p, t, k: (p >= k, t >= k)), "the_class_that_is_asked_for"),
    ("7.2", "always class 2", iou_of(lambda p, t, k: (p == 2, t == 2)), "the_class_that_is_asked_for"),
    ("7.2", "class 0 is nothing", iou_nonzero, "the_class_that_is_asked_for"),
    ("7.2", "0 where the class is absent", iou_of(of_class, empty=0.0), "absent_class"),
    ("7.2", "nan where the class is absent", iou_of(of_class, empty=float("nan")), "absent_class"),
    ("7.2", "1 where the truth lacks the class", iou_absent_by_truth, "nothing_in_common"),
    ("7.2", "1 where the prediction lacks the class", iou_absent_by_prediction,
     "nothing_in_common"),
    ("7.2", "1 where nothing is in both", iou_absent_by_overlap, "nothing_in_common"),
    ("7.2", "one pixel is none", iou_from_one_pixel_on, "nothing_in_common"),
    ("7.2", "a ten-thousandth added above and below",
     iou_of(of_class, lambda both, a, b: (both + 1e-4) / (a + b - both + 1e-4)),
     "nothing_in_common"),
    ("7.3", "pixels for counting", ["accuracy", *GOOD[1:]], "counting"),
    ("7.3", "boundary for counting", ["boundary F1", *GOOD[1:]], "counting"),
    ("7.3", "a word that is not there", ["Dice", *GOOD[1:]], "counting"),
    ("7.3", "three answers", GOOD[:3], "counting"),
    ("7.3", "one word", "object F1", "counting"),
    ("7.3", "objects for nothing missed", [GOOD[0], "object F1", *GOOD[2:]], "nothing_missed"),
    ("7.3", "accuracy for nothing missed", [GOOD[0], "accuracy", *GOOD[2:]], "nothing_missed"),
    ("7.3", "recall for the outline", [*GOOD[:2], "recall", GOOD[3]], "outlines"),
    ("7.3", "objects for the outline", [*GOOD[:2], "object F1", GOOD[3]], "outlines"),
    ("7.3", "recall flatters", [*GOOD[:3], "recall"], "flattering"),
    ("7.3", "boundary flatters", [*GOOD[:3], "boundary F1"], "flattering"),
    ("7.4", "threshold a little higher", f1(at=0.75), "at_seven_tenths"), ("7.4", "threshold a little lower", f1(at=0.65), "at_seven_tenths"),
    ("7.4", "always 0", lambda prediction, target: 0.0, "perfect"),
    ("7.4", "twice too large", lambda prediction, target: 2 * f1()(prediction, target), "perfect"),
    ("7.4", "numbers compared", f1(by_number=True), "numbers_do_not_matter"),
    ("7.4", "1 … the largest number", f1_up_to_the_largest, "numbers_do_not_matter"),
    ("7.4", "numbers in a byte", f1_in_a_byte, "many_objects"),
    ("7.4", "share of counts", f1_of_counts, "numbers_do_not_matter"),
    ("7.4", "stops at the first match", f1(once="first"), "perfect"),
    ("7.4", "Dice of the pixels", f1_of_pixels, "found_missed_invented"),
    ("7.4", "background is an object", f1(background=True), "found_missed_invented"),
    ("7.4", "recall", f1(score="recall"), "found_missed_invented"),
    ("7.4", "precision", f1(score="precision"), "found_missed_invented"),
    ("7.4", "TP / (TP + FP + FN)", f1(score="threat"), "found_missed_invented"),
    ("7.4", "at 0.5", f1(at=0.5), "at_seven_tenths"),
    ("7.4", "at 0.9", f1(at=0.9), "at_seven_tenths"),
    ("7.4", "over the truth's area", f1(over="truth"), "at_seven_tenths"),
    ("7.4", "over the prediction's area", f1(over="prediction"), "at_seven_tenths"),
    ("7.4", "Dice of the objects", f1(over="sum"), "at_seven_tenths"),
    ("7.4", "beside all nuclei that it touches", f1_beside_all_it_touches, "merged_and_split"),
    ("7.4", "the first ten only", f1_of_the_first_ten, "many_objects"),
    ("7.4", "numbers in 5 bits", f1_in_five_bits, "many_objects"),
    ("7.4", "0 if there is nothing", f1(empty=0.0), "none_at_all"),
    ("7.4", "nan if there is nothing", f1(empty=float("nan")), "none_at_all"),
    ("7.7", "backwards", backwards, "low_and_high"),
    ("7.7", "three numbers", lambda values: (0.1, 0.2, 0.3), "low_and_high"),
    ("7.7", "the mean alone", lambda values: values.mean(), "low_and_high"),
    ("7.7", "one sample", one_sample, "of_the_mean"),
    ("7.7", "without replacement", bootstrapped(replace=False), "of_the_mean"),
    ("7.7", "percentiles of the values", of_the_values, "of_the_mean"),
    ("7.7", "two standard deviations", two_spreads, "of_the_mean"),
    ("7.7", "the sum", bootstrapped(what=torch.sum), "of_the_mean"),
    ("7.7", "three quarters of a sample, without replacement",
     bootstrapped(size=lambda n: n * 3 // 4, replace=False), "samples_as_large_as_the_old_one"),
    ("7.7", "half a sample", bootstrapped(size=lambda n: n // 2),
     "samples_as_large_as_the_old_one"),
    ("7.7", "samples of 10", bootstrapped(size=lambda n: 10), "samples_as_large_as_the_old_one"),
    ("7.7", "samples of 1000", bootstrapped(size=lambda n: 1000),
     "samples_as_large_as_the_old_one"),
    ("7.7", "samples of two", bootstrapped(size=lambda n: 2), "samples_as_large_as_the_old_one"),
    ("7.7", "100 samples", bootstrapped(draws=100), "enough_samples"),
    ("7.7", "60 samples", bootstrapped(draws=60), "enough_samples"),
    ("7.7", "never the last", bootstrapped(places_of=all_but_the_last), "every_value_is_drawn"),
    ("7.7", "never the first", bootstrapped(places_of=all_but_the_first), "every_value_is_drawn"),
    ("7.7", "first and last half as often", bootstrapped(places_of=last_half_as_often),
     "every_value_is_drawn"),
    ("7.7", "the last twice as often", bootstrapped(places_of=last_twice_as_often),
     "every_value_is_drawn"),
    ("7.7", "turned over at the mean", basic, "the_middle_of_the_samples"),
    ("7.7", "the middle half", bootstrapped(ends=(0.25, 0.75)), "as_wide_as_it_has_to_be"),
    ("7.7", "90 percent, a seed for each call", seeded(0.05, 0.95), "as_wide_as_it_has_to_be"),
    ("7.7", "100 samples, a seed for each call", seeded(0.025, 0.975, draws=100), "enough_samples"),
    ("7.7", "90 percent", bootstrapped(ends=(0.05, 0.95)), "as_wide_as_it_has_to_be"),
    ("7.7", "least and greatest", least_and_greatest, "as_wide_as_it_has_to_be"),
    ("7.7", "98 percent", bootstrapped(ends=(0.01, 0.99)), "as_wide_as_it_has_to_be"),
    ("7.7", "blocks of ten neighbours", bootstrapped(block=True), "order_does_not_matter"),
    ("7.7", "mean and 1.96 standard errors", normal, "the_middle_of_the_samples"),
]

RIGHT = [
    ("7.1", "tensor", dice_right),
    ("7.1", "numpy", dice_numpy),
    ("7.1", "from the errors", dice_by_errors),
    ("7.1", "sets of places", dice_from_sets),
    ("7.1", "a very small number on both sides", dice_small_eps),
    ("7.2", "plain", iou_of(of_class)),
    ("7.2", "confusion matrix", iou_confusion),
    ("7.2", "numpy", iou_numpy),
    ("7.2", "pixel by pixel", iou_loop),
    ("7.2", "by way of Dice", iou_from_dice),
    ("7.3", "as meant", GOOD),
    ("7.3", "a tuple, in capitals", tuple(word.upper() for word in GOOD)),
    ("7.3", "with a blank", [f" {word} " for word in GOOD]),
    ("7.4", "two loops", f1()),
    ("7.4", "pairs of pixels", f1_by_pairs),
    ("7.4", "linear assignment", f1_by_assignment),
    ("7.4", "crossed off a list", f1_with_a_list),
    ("7.7", "a loop", bootstrapped()),
    ("7.7", "a seed for each call", seeded(0.025, 0.975)),
    ("7.7", "all at once", all_at_once),
    ("7.7", "numpy", by_numpy),
    ("7.7", "scipy", by_scipy),
    ("7.7", "sorted", by_sorting),
    ("7.7", "10,000 samples, as text", as_text),
]

UNTOUCHED = [("7.3", [..., ..., ..., ...])]
