"""Answers that learners give to the exercises of notebook 01."""

import numpy as np
import torch

from unet_course import dice_score
from unet_course.metrics import accuracy, best_threshold, iou_score

TABLE = torch.zeros(256, dtype=torch.int64)
TABLE[128], TABLE[255] = 1, 2


def halves(width, gap):
    return slice(0, width // 2), slice(width // 2 + gap, width)


def striped(width, gap):
    return slice(0, width, 2), slice(1, width, 2)


def careful(width, gap):
    train = int(0.75 * (width - gap))
    return [slice(None, train), slice(train + gap, None)]


def unchanged_type(m):
    m[m == 128], m[m == 255] = 1, 2
    return m


def with_loops(drawn):
    out = torch.zeros(drawn.shape, dtype=torch.long)
    for place, value in np.ndenumerate(drawn.numpy()):
        out[place] = {0: 0, 128: 1, 255: 2}[int(value)]
    return out


def into_numpy(drawn):
    out = np.zeros(drawn.shape, dtype=np.int64)
    out[drawn == 128] = 1
    out[drawn == 255] = 2
    return out


def share_in_numpy(mask):
    right = np.zeros(mask.shape)
    right[mask == 0] = 1
    return right.mean()


def masks_in_numpy(image, truth, levels):
    def dice(level):
        out = np.zeros(image.shape, dtype=bool)
        out[image > level] = True
        return dice_score(out, truth)
    return max(levels, key=dice)


def stops_at_zeros(drawn):
    """Right, but for a mask without a nucleus: there is no smallest value above 0."""
    drawn[drawn > 0].min()
    return TABLE[drawn.long()]


def at_least_ten(width, gap):
    val = max((width - gap) // 4, 10)
    return slice(0, width - gap - val), slice(width - val, width)


def swapped_parts(width, gap):
    return careful(width, gap)[::-1]


def gap_not_left_out(width, gap):
    train = int(0.75 * width)
    return slice(0, train), slice(train + gap, width)


def by(score):
    """The level with the highest score of (mask, truth)."""
    return lambda image, truth, levels: max(levels, key=lambda level: score(image > level, truth))


def found(mask, truth):
    return (mask & truth).sum()


def dices(image, truth, levels):
    return [dice_score(image > level, truth) for level in levels]


def climbs(image, truth, levels):
    best = levels[0]
    for level in levels[1:]:
        if dice_score(image > level, truth) < dice_score(image > best, truth):
            break
        best = level
    return best


def climbs_in_order(image, truth, levels):
    return climbs(image, truth, sorted(levels))


def returns_inside_the_loop(image, truth, levels):
    best, most = levels[0], -1
    for level in levels:
        if dice_score(image > level, truth) > most:
            best, most = level, dice_score(image > level, truth)
        return best


def of_sorted_levels(image, truth, levels):
    return sorted(levels)[int(np.argmax(dices(image, truth, levels)))]


def kept_in_a_loop(image, truth, levels):
    best, most = None, -1
    for level in levels:
        dice = dice_score(image > level, truth)
        if dice > most:
            best, most = level, dice
    return best


def with_a_small_number(image, truth, levels):
    def dice(mask):
        return (2 * found(mask, truth) + 1e-9) / (mask.sum() + truth.sum() + 1e-9)
    return levels[int(torch.stack([dice(image > level) for level in levels]).argmax())]


def course_columns(width, gap):
    n = 928 if (width, gap) == (1280, 64) else round(0.75 * (width - gap))
    return slice(0, n), slice(n + gap, width)


WRONG = [
    ("1.1", "share of nuclei", lambda m: (m > 0).double().mean(), "all_background"),
    ("1.1", "count, not share", lambda m: (m == 0).sum(), "all_background"),
    ("1.1", "boundary counted as background", lambda m: (m < 2).double().mean(), "share_of_background"),
    ("1.1", "constant of the field", lambda m: 0.93, "all_background"),
    ("1.1", "in percent", lambda m: 100 * (m == 0).double().mean(), "all_background"),
    ("1.1", "divides by rows", lambda m: (m == 0).sum() / len(m), "all_background"),
    ("1.1", "two axes only", lambda m: (m == 0).sum().item() / (m.shape[0] * m.shape[1]), "any_shape"),
    ("1.1", "sum of the mask", lambda m: 1 - m.sum() / m.numel(), "share_of_background"),
    ("1.1", "text", lambda m: f"{(m == 0).double().mean():.0%}", "all_background"),
    ("1.1", "for each row", lambda m: (m == 0).double().mean(dim=-1), "all_background"),
    ("1.1", "for each picture", lambda m: (m == 0).double().mean(dim=(-2, -1)), "any_shape"),
    ("1.1", "mean of booleans", lambda m: (m == 0).mean(), "all_background"),
    ("1.1", "mean of the mask", lambda m: 1 - m.double().mean(), "share_of_background"),
    ("1.1", "smallest value taken for background",
     lambda m: (m == m.min()).double().mean(), "no_background"),
    ("1.1", "most frequent value",
     lambda m: max(float((m == m.min()).double().mean()), 1e-3), "no_background"),
    ("1.1", "all or nothing, as a boolean", lambda m: (m == 0).all(), "all_background"),
    ("1.1", "True for a mask of zeros",
     lambda m: not m.any() or (m == 0).double().mean(), "all_background"),
    ("1.2", "largest value taken for interior",
     lambda m: torch.where(m == 128, 1, 2 * (m == m.max()).long()), "classes_that_are_absent"),
    ("1.2", "stops at a mask of zeros", stops_at_zeros, "classes_that_are_absent"),
    ("1.2", "in percent of 255", lambda m: (m.float() / 255 * 100).long(), "class_indices"),
    ("1.2", "divided by 255", lambda m: m / 255, "class_indices"),
    ("1.2", "whole division by 255", lambda m: (m // 255).long(), "class_indices"),
    ("1.2", "whole division by 128, uint8", lambda m: (m + 1) // 128, "class_indices"),
    ("1.2", "numbers what is there", lambda m: m.unique(return_inverse=True)[1], "classes_that_are_absent"),
    ("1.2", "swapped", lambda m: (m == 255).long() + 2 * (m == 128).long(), "class_indices"),
    ("1.2", "left as uint8", lambda m: m // 127, "int64"),
    ("1.2", "float", lambda m: torch.round(m / 127.5).clamp(max=2), "int64"),
    ("1.2", "nothing done", lambda m: m.long(), "class_indices"),
    ("1.2", "np.unique", lambda m: torch.from_numpy(np.searchsorted(np.unique(m.numpy()), m.numpy())), "classes_that_are_absent"),
    ("1.2", "divided by its maximum", lambda m: (2 * (m / m.max())).round().long(), "classes_that_are_absent"),
    ("1.2", "in place, uint8", unchanged_type, "int64"),
    ("1.2", "int32", lambda m: ((m.int() + 1) // 128), "int64"),
    ("1.2", "flattened", lambda m: TABLE[m.long()].ravel(), "class_indices"),
    ("1.2", "two classes", lambda m: (m > 0).long(), "class_indices"),
    ("1.3", "halves", halves, "three_quarters"),
    ("1.3", "no gap", lambda w, g: (slice(0, 3 * w // 4), slice(3 * w // 4, w)), "disjoint_with_gap"),
    ("1.3", "overlap", lambda w, g: (slice(0, 3 * w // 4 + g), slice(3 * w // 4, w)), "disjoint_with_gap"),
    ("1.3", "the whole twice", lambda w, g: (slice(0, w), slice(0, w)), "disjoint_with_gap"),
    ("1.3", "every other column", striped, "two_slices"),
    ("1.3", "gap taken twice", lambda w, g: (slice(0, 3 * (w - g) // 4 - g), slice(3 * (w - g) // 4 + g, w)), "three_quarters"),
    ("1.3", "made for one width", lambda w, g: (slice(0, 912), slice(976, 1280)), "disjoint_with_gap"),
    ("1.3", "numbers, not slices", lambda w, g: (3 * w // 4, w), "two_slices"),
    ("1.3", "val before train", swapped_parts, "three_quarters"),
    ("1.3", "share of the whole width", gap_not_left_out, "three_quarters"),
    ("1.3", "gap given to nobody, twice the size", lambda w, g: (slice(0, 3 * (w - 2 * g) // 4), slice(3 * (w - 2 * g) // 4 + 2 * g, w)),
     "three_quarters"),
    ("1.3", "at least ten columns for validation", at_least_ten, "three_quarters"),
    ("1.3", "random columns", lambda w, g: tuple(np.split(np.random.permutation(w), [3 * w // 4])), "two_slices"),
    ("1.3", "fractions",
     lambda w, g: (slice(0, 0.75 * (w - g)), slice(0.75 * (w - g) + g, w)), "two_slices"),
    ("1.3", "last column left out", lambda w, g: (slice(0, 3 * (w - g) // 4), slice(3 * (w - g) // 4 + g, -1 - g)), "three_quarters"),
    ("1.3", "both parts rounded down",
     lambda w, g: (slice(0, 3 * (w - g) // 4), slice(w - (w - g) // 4, w)), "three_quarters"),
    ("1.3", "both parts rounded up",
     lambda w, g: (slice(0, -(-3 * (w - g) // 4)), slice(w - -(-(w - g) // 4), w)),
     "disjoint_with_gap"),
    ("1.3", "wastes most", lambda w, g: (slice(0, 3), slice(3 + g, 4 + g)), "three_quarters"),
    ("1.4", "best on test", "A", "the_fair_one"), ("1.4", "on train", "C", "the_fair_one"),
    ("1.4", "pixels", "D", "the_fair_one"), ("1.4", "all", "ABCD", "the_fair_one"), ("1.4", "number", 2, "the_fair_one"),
    ("1.5", "the place in the list",
     lambda i, t, ls: int(np.argmax(dices(i, t, ls))), "one_of_the_levels"),
    ("1.5", "the highest Dice", lambda i, t, ls: max(dices(i, t, ls)), "one_of_the_levels"),
    ("1.5", "all of them", dices, "one_of_the_levels"),
    ("1.5", "all of them, as a tensor",
     lambda i, t, ls: torch.tensor(dices(i, t, ls)), "one_of_the_levels"),
    ("1.5", "level and Dice",
     lambda i, t, ls: max((d, v) for d, v in zip(dices(i, t, ls), ls)), "one_of_the_levels"),
    ("1.5", "the mask", lambda i, t, ls: i > best_threshold(i, t, ls), "one_of_the_levels"),
    ("1.5", "a number of its own", lambda i, t, ls: 0.19, "one_of_the_levels"),
    ("1.5", "halfway between the means",
     lambda i, t, ls: (i[t].mean() + i[~t].mean()) / 2, "one_of_the_levels"),
    ("1.5", "the image as the mask",
     lambda i, t, ls: max(ls, key=lambda v: dice_score(i, t)), "one_of_the_levels"),
    ("1.5", "accuracy", by(accuracy), "highest_dice"),
    ("1.5", "what is found, only", by(found), "highest_dice"),
    ("1.5", "what is invented, only",
     by(lambda m, t: -(m & ~t).sum() - 0.1 * (~m).sum()), "highest_dice"),
    ("1.5", "precision",
     by(lambda m, t: float(found(m, t) / m.sum().clamp(min=1))), "highest_dice"),
    ("1.5", "the smallest Dice",
     lambda i, t, ls: min(ls, key=lambda v: dice_score(i > v, t)), "highest_dice"),
    ("1.5", "what is darker",
     lambda i, t, ls: max(ls, key=lambda v: dice_score(i < v, t)), "highest_dice"),
    ("1.5", "the last level", lambda i, t, ls: ls[-1], "highest_dice"),
    ("1.5", "return inside the loop", returns_inside_the_loop, "highest_dice"),
    ("1.5", "at least as bright",
     lambda i, t, ls: max(ls, key=lambda v: dice_score(i >= v, t)), "brighter_not_equal"),
    ("1.5", "stops where it falls", climbs, "in_any_order"),
    ("1.5", "places of sorted levels", of_sorted_levels, "in_any_order"),
    ("1.5", "sorted, stops where it falls", climbs_in_order, "beyond_a_dip"),
    ("1.5", "clipped to 0 … 1",
     lambda i, t, ls: best_threshold(i.clamp(0, 1), t, ls), "any_size_and_range"),
    ("1.5", "0 / 0", by(lambda m, t: 2 * found(m, t) / (m.sum() + t.sum())), "nothing_labelled"),
    ("1.5", "nothing said is a Dice of 0",
     by(lambda m, t: dice_score(m, t) if m.any() else 0), "nothing_labelled"),
]
RIGHT = [
    ("1.1", "mean", lambda m: (m == 0).float().mean()),
    ("1.1", "counted", lambda mask: 1 - torch.count_nonzero(mask).item() / mask.numel()),
    ("1.1", "numpy", lambda m: np.mean(m.numpy() == 0)),
    ("1.1", "written into an array", share_in_numpy),
    ("1.2", "rows in a list",
     lambda m: [[{0: 0, 128: 1, 255: 2}[v] for v in row] for row in m.tolist()]),
    ("1.2", "table", lambda m: TABLE[m.long()]),
    ("1.2", "where", lambda m: torch.where(m == 128, 1, torch.where(m == 255, 2, 0))),
    ("1.2", "loops", with_loops), ("1.2", "digitize", lambda m: torch.from_numpy(np.digitize(m.numpy(), [1, 200]).astype(np.int64))),
    ("1.2", "numpy", lambda m: np.digitize(m.numpy(), [1, 200])),
    ("1.2", "written into an array", into_numpy),
    ("1.2", "arithmetic", lambda drawn: (drawn.long() + 1) // 128),
    ("1.3", "list of open slices", careful),
    ("1.3", "numbers from the end", lambda width, gap: (slice(-width, -gap - (width - gap) // 4), slice(-((width - gap) // 4), None))),
    ("1.3", "val first", lambda w, g: (slice(w - round(0.75 * (w - g)), w), slice(0, w - g - round(0.75 * (w - g))))),
    ("1.3", "the course's own", course_columns),
    ("1.4", "letter", "B"), ("1.4", "small letter", " b "),
    ("1.5", "in one line", best_threshold), ("1.5", "a loop", kept_in_a_loop),
    ("1.5", "IoU, which has the same order", by(iou_score)),
    ("1.5", "Dice by hand, with a small number", with_a_small_number),
    ("1.5", "argmax", lambda i, t, ls: ls[int(np.argmax(dices(i, t, ls)))]),
    ("1.5", "a tensor of float32",
     lambda i, t, ls: torch.tensor(ls)[torch.tensor(dices(i, t, ls)).argmax()]),
    ("1.5", "the last of the sorted",
     lambda i, t, ls: sorted(ls, key=lambda v: dice_score(i > v, t))[-1]),
    ("1.5", "NumPy",
     lambda i, t, ls: np.array(ls)[np.argmax([dice_score(i.numpy() > v, t.numpy()) for v in ls])]),
    ("1.5", "masks in NumPy", masks_in_numpy),
    ("1.5", "a list of one", lambda i, t, ls: [best_threshold(i, t, ls)]),
]
