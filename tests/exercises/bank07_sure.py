"""Answers that learners give to the exercises of notebook 07 about how sure one may be."""

import numpy as np
import torch


def table(
    *,
    bins=lambda p: (10 * p).long().clamp(max=9),
    said=lambda p, t: p.mean(),
    true=lambda p, t: t.float().mean(),
    empty=float("nan"),
    swapped=False,
    count=10,
):
    """Ten bins; the defaults make a right answer."""

    def answer(probability, truth):
        place, rows = bins(probability), ([], [])
        for k in range(count):
            p, t = probability[place == k], truth[place == k]
            for row, value in zip(rows, (said, true)):
                row.append(float(value(p, t)) if len(p) else empty)
        return rows[::-1] if swapped else rows

    return answer


def of_all_true(probability, truth):
    said, _ = table()(probability, truth)
    places = (10 * probability).long().clamp(max=9)
    return said, [((places == k) & truth).sum().item() / truth.sum().item() for k in range(10)]


def middles(probability, truth):
    place = (10 * probability).long().clamp(max=9)
    return [k / 10 + 0.05 if (place == k).any() else float("nan") for k in range(10)], table()(
        probability, truth
    )[1]


def one_is_in_no_bin(probability, truth):
    rows = [[], []]
    for k in range(10):
        inside = (probability >= k / 10) & (probability < (k + 1) / 10)
        rows[0].append(probability[inside].mean())
        rows[1].append(truth[inside].float().mean())
    return torch.tensor(rows[0]), torch.tensor(rows[1])


def nought_is_in_no_bin(probability, truth):
    return table(bins=lambda p: (10 * p).ceil().long() - 1)(probability, truth)


def row_by_row(probability, truth):
    """Only the first row of an image."""
    if probability.ndim > 1:
        probability, truth = probability[0], truth[0]
    return table()(probability, truth)


def histogram(probability, truth):
    p, t = probability.flatten().double().numpy(), truth.flatten().double().numpy()
    place = np.minimum((10 * probability.flatten()).numpy().astype(int), 9)
    with np.errstate(invalid="ignore"):
        count = np.bincount(place, minlength=10)
        return np.bincount(place, p, 10) / count, np.bincount(place, t, 10) / count


def stacked(probability, truth):
    return torch.tensor(table()(probability, truth))


def f1(tables):
    found, predicted, true = tables.sum(dim=-2).double().unbind(dim=-1)
    return 2 * found / (predicted + true).clamp(min=1)


def drawn(*, draws=1000, size=None, same=True, replace=True, score=f1, ends=(0.025, 0.975), sign=1):
    """The percentiles of the difference; the defaults make a right answer."""

    def answer(first, second):
        count, differences = size(len(first)) if size else len(first), []
        for _ in range(draws):
            one = (
                torch.randint(len(first), (count,))
                if replace
                else torch.randperm(len(first))[:count]
            )
            other = one if same else torch.randint(len(first), (count,))
            differences.append(sign * (score(first[one]) - score(second[other])))
        return tuple(
            torch.stack(differences).quantile(torch.tensor(ends, dtype=torch.double)).tolist()
        )

    return answer


def mean_of_f1(tables):
    found, predicted, true = tables.double().unbind(dim=-1)
    return (2 * found / (predicted + true).clamp(min=1)).mean()


def mean_of_f1_nan(tables):
    found, predicted, true = tables.double().unbind(dim=-1)
    return (2 * found / (predicted + true)).mean()


def f1_nan(tables):
    found, predicted, true = tables.double().sum(dim=-2).unbind(dim=-1)
    return 2 * found / (predicted + true)


def of_full_samples(tables):
    """An empty block is an error."""
    if (tables.sum(dim=1) == 0).any():
        raise ZeroDivisionError("division by zero")
    return f1(tables)


def backwards(first, second):
    return drawn()(first, second)[::-1]


def recall(tables):
    return tables[:, 0].sum() / tables[:, 2].sum().double().clamp(min=1)


def all_at_once(first, second):
    places = torch.randint(len(first), (2000, len(first)))
    return (f1(first[places]) - f1(second[places])).quantile(torch.tensor([0.025, 0.975]).double())


def two_tensors(first, second):
    places = torch.randint(len(first), (2000, len(first)))
    differences = f1(first[places]) - f1(second[places])
    return differences.quantile(0.025), differences.quantile(0.975)


def by_weights(first, second):
    """How often each block comes, from a multinomial."""
    times = np.random.default_rng().multinomial(
        len(first), [1 / len(first)] * len(first), 3000
    )  # (samples, blocks)
    scores = [
        2 * (times @ t.numpy())[:, 0] / np.maximum((times @ t.numpy())[:, 1:].sum(1), 1)
        for t in (first, second)
    ]
    return np.percentile(scores[0] - scores[1], [2.5, 97.5])


WRONG = [
    ("7.5", "counts in place of shares", table(true=lambda p, t: t.sum()), "shares_in_the_bins"),
    ("7.5", "shares of all true pixels", of_all_true, "shares_in_the_bins"),
    ("7.5", "the wrong way round", table(swapped=True), "shares_in_the_bins"),
    ("7.5", "the middle of the bin", middles, "shares_in_the_bins"),
    (
        "7.5",
        "rounded, not cut off",
        table(bins=lambda p: (10 * p).round().long().clamp(max=9)),
        "shares_in_the_bins",
    ),
    ("7.5", "nine bins", table(count=9), "shares_in_the_bins"),
    ("7.5", "the false ones", table(true=lambda p, t: (~t).float().mean()), "shares_in_the_bins"),
    ("7.5", "the share of true pixels alone", lambda p, t: table()(p, t)[1], "shares_in_the_bins"),
    ("7.5", "1 is in no bin", one_is_in_no_bin, "nought_and_one"),
    ("7.5", "0 is in no bin", nought_is_in_no_bin, "nought_and_one"),
    ("7.5", "an index of 10", table(bins=lambda p: (10 * p).long()), "nought_and_one"),
    ("7.5", "the first row of an image", row_by_row, "whole_images"),
    ("7.5", "0 for an empty bin", table(empty=0.0), "empty_bins"),
    ("7.8", "other blocks for the second", drawn(same=False), "equal_methods"),
    ("7.8", "second minus first", drawn(sign=-1), "first_minus_second"),
    ("7.8", "backwards", backwards, "first_minus_second"),
    ("7.8", "mean of the blocks' F1", drawn(score=mean_of_f1), "one_f1_for_all_blocks"),
    (
        "7.8",
        "the same, nan where a block is empty",
        drawn(score=mean_of_f1_nan),
        "one_f1_for_all_blocks",
    ),
    ("7.8", "recall", drawn(score=recall), "f1_and_nothing_else"),
    ("7.8", "AP", drawn(score=lambda t: f1(t) / (2 - f1(t))), "f1_and_nothing_else"),
    ("7.8", "an empty block is an error", drawn(score=of_full_samples), "blocks_without_nuclei"),
    ("7.8", "a sample of empty blocks gives nan", drawn(score=f1_nan), "blocks_without_nuclei"),
    ("7.8", "90 percent", drawn(ends=(0.05, 0.95)), "as_wide_as_it_has_to_be"),
    ("7.8", "half as many blocks", drawn(size=lambda n: n // 2), "as_wide_as_it_has_to_be"),
    ("7.8", "without replacement", drawn(replace=False), "as_wide_as_it_has_to_be"),
    ("7.8", "the lowest and the highest", drawn(ends=(0.0, 1.0)), "as_wide_as_it_has_to_be"),
]

RIGHT = [
    ("7.5", "a loop over the bins", table()),
    ("7.5", "NumPy, by counting", histogram),
    ("7.5", "one tensor of two rows", stacked),
    ("7.8", "a loop", drawn()),
    ("7.8", "all at once", all_at_once),
    ("7.8", "two tensors of one number each", two_tensors),
    ("7.8", "NumPy, how often each block comes", by_weights),
]
