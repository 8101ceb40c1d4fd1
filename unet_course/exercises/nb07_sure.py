"""Exercises about how sure one may be: of a probability, and of a difference. (07)"""

import torch

from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.nb07 import interval
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import call, numeric
from unet_course.metrics.scoring import paired_f1_interval, reliability

sure = Exercise("7.5", "Is it as sure as it says?", "write", minutes=12)


def two_rows(answer, probability, truth):
    got = call(answer, probability, truth)
    if isinstance(got, torch.Tensor) and got.ndim == 2:
        got = list(got)
    expect(isinstance(got, (tuple, list)) and len(got) == 2,
           f"Your answer is {said(got)}; wanted two things: (said, true), with ten numbers in each.")
    rows = [numeric(row) for row in got]
    for place, row in enumerate(rows, start=1):
        expect(row is not None and row.shape == (10,) and row.dtype != torch.bool,
               f"Row {place} of your answer is not ten numbers, one for each bin.")
    return [row.double() for row in rows]


def same(got, wanted, hint):
    right = torch.isclose(got, torch.as_tensor(wanted).double(), atol=1e-5, equal_nan=True)
    if not right.all():
        place = int((~right).nonzero()[0])
        low, high = place / 10, (place + 1) / 10
        expect(False, f"{hint} In the bin from {low:.1f} to {high:.1f} yours is {got[place]:.3g}, "
               f"wanted {float(wanted[place]):.3g}.")


def full(count=40):
    """Probabilities in all ten bins, away from their edges, in any order, and a truth."""
    bins = torch.arange(10).repeat_interleave(count)
    probability = (bins + 0.05 + 0.9 * torch.rand(10 * count)) / 10
    truth = torch.rand(10 * count) < probability**2
    truth[::count], truth[1::count] = True, False
    mixed = torch.randperm(10 * count)
    return probability[mixed], truth[mixed]


@sure.behaviour
def shares_in_the_bins(answer):
    probability, truth = full()
    said_, true = reliability(probability, truth)
    mine, shares = two_rows(answer, probability, truth)
    bins = (probability * 10).long()
    counts = torch.bincount(bins[truth], minlength=10).double()
    expect(not torch.allclose(shares, counts),
           "Your second row counts the true pixels of each bin. Divide by all pixels of the bin.")
    expect(not torch.allclose(shares, counts / counts.sum()),
           "Your second row says how the true pixels are shared out over the bins. Wanted, for "
           "each bin: of *its* pixels, which share is true?")
    expect(not torch.allclose(mine, torch.as_tensor(true)) or torch.allclose(mine, shares),
           "Your two rows are the wrong way round: first what is said, then what is true.")
    same(shares, true, "The share of true pixels in a bin is not right.")
    same(mine, said_, "The mean probability in a bin is not right. (It is the mean of the pixels "
         "in it, not the middle of the bin.)")


@sure.behaviour
def nought_and_one(answer):
    probability = torch.cat([full()[0], torch.tensor([0.0, 1.0, 1.0])])
    truth = torch.rand(len(probability)) < 0.5
    truth[-3:] = torch.tensor([True, False, False])
    with asking("That was with a probability of exactly 1. To which bin does it belong?"):
        mine, shares = two_rows(answer, probability, truth)
    said_, true = reliability(probability, truth)
    hint = ("Some pixels have a probability of exactly 0 or 1. They belong to the first and the "
            "last bin.")
    same(shares, true, hint)
    same(mine, said_, hint)


@sure.behaviour
def whole_images(answer):
    for shape in ((16, 25), (1, 8, 50), (400,)):
        probability, truth = (t.reshape(shape) for t in full())
        with asking(f"That was with tensors of shape {shape}. Which number of axes does your code "
                    "count on?"):
            mine, shares = two_rows(answer, probability, truth)
        said_, true = reliability(probability, truth)
        same(shares, true, f"With tensors of shape {shape}: all pixels count together.")
        same(mine, said_, f"With tensors of shape {shape}: all pixels count together.")


@sure.behaviour
def empty_bins(answer):
    probability = torch.tensor([0.12, 0.17, 0.55, 0.95])
    truth = torch.tensor([False, True, True, True])
    mine, shares = two_rows(answer, probability, truth)
    said_, true = reliability(probability, truth)
    expect(shares[7].isnan() and mine[7].isnan(),
           "No pixel lies between 0.7 and 0.8, so nothing can be said about that bin: wanted nan, "
           f"you give {mine[7]:.3g} and {shares[7]:.3g}. (The mean of an empty tensor is nan.)")
    same(shares, true, "Some bins are empty.")
    same(mine, said_, "Some bins are empty.")


leaves_alone(sure, lambda: [full()])


blocks = Exercise("7.8", "Which is better, by blocks", "write", minutes=15)


def two_methods(count=24, gain=0.15, size=12):
    """Two tables (blocks, 3): found, predicted, true; hard blocks are hard for both."""
    true = torch.randint(1, size, (count,))
    hard = 0.3 + 0.65 * torch.rand(count)
    tables = []
    for more in (gain, 0.0):
        found = (true * (hard + more).clamp(max=1)).round().long()
        tables.append(torch.stack([found, true + torch.randint(0, 2, (count,)), true], dim=1))
    return tables


@blocks.behaviour
def equal_methods(answer):
    table = two_methods()[0]
    low, high = interval(answer, table, table.clone())
    expect(abs(low) < 1e-6 and abs(high) < 1e-6,
           "Both methods have the same counts in every block, so in every sample the difference "
           f"is 0. Yours goes from {low:.3f} to {high:.3f}. Are the blocks that you draw the same "
           "for both?")


@blocks.behaviour
def first_minus_second(answer):
    true = torch.randint(3, 9, (20,))
    good, poor = torch.stack([true, true, true], 1), torch.stack([true // 3, true, true], 1)
    low, high = interval(answer, good, poor)
    expect(low <= high, f"Your low end {low:.3g} is above your high end {high:.3g}.")
    expect(low > 0, "The first method finds everything, the second a third of it, and your interval "
           f"is {low:.2f} to {high:.2f}. Wanted is F1 of the first minus F1 of the second.")


@blocks.behaviour
def f1_and_nothing_else(answer):
    true = torch.randint(3, 9, (20,))
    many, exact = torch.stack([true, 3 * true, true], 1), torch.stack([true, true, true], 1)
    low, high = interval(answer, many, exact)
    seen = ("Both methods find everything, and the first predicts three times as many objects as "
            "there are: ")
    expect(abs(low) + abs(high) > 1e-6,
           seen + "you see no difference. Recall is blind to what is invented; F1 divides by "
           "predicted + true.")
    expect(abs(low + 0.5) + abs(high + 0.5) < 1e-4,
           seen + f"its F1 is 0.5, that of the second 1. Your interval is {low:.3f} to {high:.3f}, "
           "wanted -0.5 to -0.5: F1 = 2·found / (predicted + true).")


@blocks.behaviour
def one_f1_for_all_blocks(answer):
    large, small = torch.tensor([[50, 50, 50]]), torch.tensor([[0, 1, 1]])
    first = torch.cat([large.repeat(4, 1), small.repeat(20, 1)])
    second = torch.cat([large.repeat(4, 1) * torch.tensor([0, 1, 1]), small.repeat(20, 1)])
    _, high = interval(answer, first, second)
    expect(high > 0.6,
           "Four blocks of 24 hold 200 of 220 nuclei. The first method finds those, the second "
           f"nothing, and your interval ends at {high:.2f}. Add up the counts of all blocks of a "
           "sample first, then compute one F1 from them: a mean of the blocks' F1 is another number.")


@blocks.behaviour
def blocks_without_nuclei(answer):
    for count in (12, 1):  # of two blocks, one of them empty, a quarter of the samples is empty
        empty = torch.zeros(count, 3, dtype=torch.long)
        first, second = (torch.cat([table, empty]) for table in two_methods(count=count))
        with asking("That was with blocks in which there is nothing. Is 0 divided by 0?"):
            interval(answer, first, second)


@blocks.behaviour
def as_wide_as_it_has_to_be(answer):
    first, second = two_methods(count=40, gain=0.2)
    second[:8] = first[:8]  # so that blocks differ in what they say
    found, wanted = [], paired_f1_interval(first, second, repeats=6000)
    for _ in range(5):  # mixed anew for each call, for answers that seed their generator
        mixed = torch.randperm(len(first))
        found.append(torch.tensor(interval(answer, first[mixed], second[mixed])))
    low, high = torch.stack(found).mean(dim=0).tolist()
    off = max(abs(low - wanted[0]), abs(high - wanted[1]))
    expect(off < 0.05 * (wanted[1] - wanted[0]),
           "Draw as many blocks as there are, with replacement, 1000 times, and take the "
           f"percentiles 2.5 and 97.5 of the differences. Yours is {low:.3f} to {high:.3f}, wanted "
           f"about {wanted[0]:.3f} to {wanted[1]:.3f}.")


leaves_alone(blocks, lambda: [tuple(two_methods())])
