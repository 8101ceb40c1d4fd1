"""Answers that learners give to the exercises of notebook 01."""

import numpy as np
import torch

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
]
RIGHT = [
    ("1.1", "mean", lambda m: (m == 0).float().mean()),
    ("1.1", "counted", lambda mask: 1 - torch.count_nonzero(mask).item() / mask.numel()),
    ("1.1", "numpy", lambda m: np.mean(m.numpy() == 0)),
    ("1.2", "rows in a list",
     lambda m: [[{0: 0, 128: 1, 255: 2}[v] for v in row] for row in m.tolist()]),
    ("1.2", "table", lambda m: TABLE[m.long()]),
    ("1.2", "where", lambda m: torch.where(m == 128, 1, torch.where(m == 255, 2, 0))),
    ("1.2", "loops", with_loops), ("1.2", "digitize", lambda m: torch.from_numpy(np.digitize(m.numpy(), [1, 200]).astype(np.int64))),
    ("1.2", "numpy", lambda m: np.digitize(m.numpy(), [1, 200])),
    ("1.2", "arithmetic", lambda drawn: (drawn.long() + 1) // 128),
    ("1.3", "list of open slices", careful),
    ("1.3", "numbers from the end", lambda width, gap: (slice(-width, -gap - (width - gap) // 4), slice(-((width - gap) // 4), None))),
    ("1.3", "val first", lambda w, g: (slice(w - round(0.75 * (w - g)), w), slice(0, w - g - round(0.75 * (w - g))))),
    ("1.4", "letter", "B"), ("1.4", "small letter", " b "),
]
