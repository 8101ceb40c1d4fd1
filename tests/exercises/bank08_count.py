"""Answers that learners give to exercise 8.8."""

import numpy as np
from scipy import ndimage
from skimage.measure import label

from unet_course.inference import count_across


def counter(*, connectivity=2, sides=(-1, 0, 1), by="roots", wrap=False, offset=True, join=True):
    """Counts with one thing wrong; the defaults make a right one."""

    def count(bands):
        root, total, used, above, merges = {}, 0, 0, None, set()

        def find(n):
            while root.setdefault(n, n) != n:
                n = root[n]
            return n
        for band in bands:
            numbered, new = label(np.asarray(band), connectivity=connectivity, return_num=True)
            numbered = np.where(numbered > 0, numbered + (used if offset else 0), 0)
            total, used = total + new, used + new
            for column in np.flatnonzero(numbered[0]) if above is not None and join else ():
                for side in sides:
                    place = column + side
                    if not wrap and not 0 <= place < len(above):
                        continue
                    a, b = int(numbered[0, column]), int(above[place % len(above)])
                    if not b:
                        continue
                    if by == "pixels":
                        total -= 1
                    elif by == "pairs" and (a, b) not in merges:
                        merges.add((a, b))
                        total -= 1
                    elif by == "below" and a not in merges:
                        merges.add(a)
                        total -= 1
                    elif by == "roots" and find(a) != find(b):
                        root[find(a)] = find(b)
                        total -= 1
                    elif by == "once" and root.get(a, a) != root.get(b, b):
                        root[a] = root.get(b, b)
                        total -= 1
            above = numbered[-1].copy()
        return total
    return count


def all_together(bands):
    return int(label(np.concatenate(list(bands)), connectivity=2).max())


def all_kept(bands):
    kept = list(bands)
    return counter()(kept)


def over_gaps(bands):
    """An empty row is forgotten: what comes next is put below the last row that was not."""
    full = [band[band.any(axis=1)] for band in bands]
    return counter()([band for band in full if len(band)])


def by_index(bands):
    return counter()([bands[i] for i in range(len(bands))])


def relabelled(bands):
    """The numbers of the row above are rewritten with each merge."""
    live, above, used = set(), None, 0
    for band in bands:
        numbered, new = ndimage.label(band, np.ones((3, 3)))
        numbered[numbered > 0] += used
        live |= set(range(used + 1, used + new + 1))
        used += new
        for column in range(numbered.shape[1]) if above is not None else ():
            for place in range(max(column - 1, 0), min(column + 2, len(above))):
                a, b = int(numbered[0, column]), int(above[place])
                if a and b and a != b:
                    numbered[numbered == a] = b
                    above[above == a] = b
                    live.discard(a)
        above = numbered[-1].copy()
    return len(live)


def by_runs(bands):
    """Row by row: runs, merged by a union of sets."""
    groups, before = [], []
    for band in bands:
        for row in np.asarray(band):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
            now = []
            for start, stop in edges.reshape(-1, 2):
                one = [len(groups)]
                groups.append(one)
                now.append((start, stop, one))
                for other_start, other_stop, other in before:
                    if other_start <= stop and start <= other_stop:
                        union(groups, one[0], other[0])
            before = now
    return sum(group[0] == i for i, group in enumerate(groups))


def top(groups, i):
    while groups[i][0] != i:
        i = groups[i][0]
    return i


def union(groups, i, j):
    i, j = top(groups, i), top(groups, j)
    groups[max(i, j)][0] = min(i, j)


WRONG = [
    ("8.8", "pixels", lambda bands: sum(int(b.sum()) for b in bands), "one_band"),
    ("8.8", "sides only, within a band", counter(connectivity=1), "one_band"),
    ("8.8", "added up", counter(join=False), "cut_once"),
    ("8.8", "straight above only", counter(sides=(0,)), "at_a_corner"),
    ("8.8", "one corner forgotten", counter(sides=(-1, 0)), "at_a_corner"),
    ("8.8", "the other corner forgotten", counter(sides=(0, 1)), "at_a_corner"),
    ("8.8", "the last column beside the first", counter(wrap=True), "at_a_corner"),
    ("8.8", "one less for each pixel", counter(by="pixels"), "touching_twice"),
    ("8.8", "one less for each pair", counter(by="pairs"), "in_a_ring"),
    ("8.8", "one less for each piece below", counter(by="below"), "joined_below"),
    ("8.8", "followed one step only", counter(by="once"), "in_a_ring"),
    ("8.8", "the same numbers in each band", counter(offset=False), "cut_once"),
    ("8.8", "empty rows are left out", over_gaps, "with_a_gap"),
    ("8.8", "one at least", lambda bands: max(counter()(bands), 1), "any_mask"),
    ("8.8", "all bands put together", all_together, "one_at_a_time"),
    ("8.8", "all bands kept", all_kept, "one_at_a_time"),
    ("8.8", "by index", by_index, "one_at_a_time"),
]

RIGHT = [
    ("8.8", "the course's", count_across),
    ("8.8", "roots", counter()),
    ("8.8", "the row above is rewritten", relabelled),
    ("8.8", "run by run", by_runs),
]
