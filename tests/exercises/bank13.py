"""Answers that learners give to the exercises of notebook 13 about files, masks, fields and the next step."""

import os
import random
from pathlib import Path

import numpy as np
import torch

from unet_course.exercises.nb13 import true_classes


def stem(name):
    return name.rpartition(".")[0]


def pairs(key=stem, *, sides=2, full=True, both=False):
    """Pair by a key of the name; the defaults make a right answer."""

    def pair(images, masks):
        by_key = {key(mask): mask for mask in masks}
        found = [(image, by_key[key(image)]) for image in images if key(image) in by_key]
        used = {name for one in found for name in one}
        alone = [name for name in [*images, *(masks if sides == 2 else [])] if name not in used]
        alone = sorted(name if full else stem(name) for name in alone)
        return (found, alone) if not both else ([one[::-1] for one in found], alone)

    return pair


def by_sets(images, masks):
    a, b = {Path(n).stem: n for n in images}, {os.path.splitext(n)[0]: n for n in masks}
    return {(a[n], b[n]) for n in a.keys() & b.keys()}, [*(a[n] for n in a.keys() - b.keys()), *(b[n] for n in b.keys() - a.keys())]


def starts_alike(images, masks):
    found = [(i, m) for i in sorted(images) for m in [next((m for m in masks if m.startswith(stem(i))), None)] if m]
    used = {name for one in found for name in one}
    return found, sorted(n for n in [*images, *masks] if n not in used)


def counted_through(images, masks):
    return list(zip(sorted(images), sorted(masks))), []


def counted_where_names_differ(images, masks):
    """Counts through if there are as many of each."""
    return pairs()(images, masks) if len(images) != len(masks) else counted_through(images, masks)


MEANT = ["binary", "labels", "classes", "no mask"]


def meant(place, other):
    return [other if i == place else w for i, w in enumerate(MEANT)]


def split(*, fields=lambda where: sorted(set(where)), draw=lambda names, seed: random.Random(seed).shuffle(names),
          enough=lambda val, share, n: len(val) >= share * n, order=1, left=1):
    """Whole fields into val until there are enough; the defaults make a right answer."""

    def answer(where, share, seed):
        names, val = fields(where), []
        draw(names, seed)
        for name in names[: len(names) - left]:
            if enough(val, share, len(where)):
                break
            val += [i for i, field in enumerate(where) if field == name]
        train = [i for i in range(len(where)) if i not in val]
        return (train, sorted(val))[::order]

    return answer


def never_the_last(where, share, seed):
    """Leaves a field for training, and always the same one."""
    names = sorted(set(where))
    return split(fields=lambda _: names[:-1], left=0)(where, share, seed)


def the_largest_stays(where, share, seed):
    """Draws again until a field is left; or all but one are taken."""
    for attempt in range(100):
        def draw(names, seed, attempt=attempt):
            random.Random(f"{seed} {attempt}").shuffle(names)
        train, val = split(draw=draw, left=0)(where, share, seed)
        if train:
            return train, val
    return split()(where, share, seed)


def by_the_hash(names, seed):
    names.sort(key=lambda name: hash((name, seed)))


def known_suffixes(name):
    for suffix in (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"):
        name = name.removesuffix(suffix)
    return name


def four_letters(name):
    return name[:-4]


def with_pathlib(images, masks):
    pairs, alone = by_sets(images, masks)
    return tuple(map(list, pairs)), set(alone)


def first_of_masks(images, masks):
    """Stops where there is none."""
    masks[0]
    return pairs()(images, masks)


def by_tiles(where, share, seed):
    order = torch.randperm(len(where), generator=torch.Generator().manual_seed(seed)).tolist()
    count = round(share * len(where))
    return order[count:], order[:count]


def train_is_all(where, share, seed):
    return list(range(len(where))), split()(where, share, seed)[1]


def names_instead(where, share, seed):
    return tuple([where[i] for i in side] for side in split()(where, share, seed))


def loses_one(where, share, seed):
    train, val = split()(where, share, seed)
    return train[1:], val


def share_of_the_fields(where, share, seed):
    names = sorted(set(where))
    random.Random(seed).shuffle(names)
    chosen = names[: int(share * len(names))]
    return [i for i, f in enumerate(where) if f not in chosen], [i for i, f in enumerate(where) if f in chosen]


def by_a_dict(where, share, seed):
    """Plain names, made by NumPy, are looked up in a dict."""
    places = {name: [] for name in np.unique(where).tolist()}
    for i, name in enumerate(where):
        places[name].append(i)
    train, val = split()(where, share, seed)
    chosen = {where[i] for i in val}
    return ([i for name in places if name not in chosen for i in places[name]],
            [i for name in chosen for i in places[name]])


def plain_names(where, share, seed):
    """Plain names, made by NumPy, are looked for in a set."""
    names = np.random.default_rng(seed).permutation(np.unique(where)).tolist()
    chosen, held = set(), 0
    while held < share * len(where) and len(names) > 1:
        name = names.pop()
        chosen.add(name)
        held += where.count(name)
    inside = [field in chosen for field in where]
    return np.flatnonzero(np.invert(inside)), np.flatnonzero(inside)


def with_str(where, share, seed):
    """A set of names that went through str."""
    return split(fields=lambda w: list({str(name) for name in w}))(where, share, seed)


def taken_out(images, masks):
    """Masks are taken out of the list that was handed in."""
    found, alone = [], []
    for image in images:
        mask = next((mask for mask in masks if stem(mask) == stem(image)), None)
        if mask is None:
            alone.append(image)
        else:
            found.append((image, mask))
            masks.remove(mask)
    return found, alone + masks


def sorted_in_place(where, share, seed):
    result = split()(where, share, seed)
    where.sort()
    return result


def written_into(labels):
    labels[:] = rims()(labels)
    return labels


def with_numpy(where, share, seed):
    where = np.array(where)
    names = np.random.default_rng(seed).permutation(np.unique(where))
    sizes = np.array([(where == n).sum() for n in names]).cumsum()
    chosen = names[: min(int(np.searchsorted(sizes, share * len(where))) + 1, len(names) - 1)]
    inside = np.isin(where, chosen)
    return np.flatnonzero(~inside), np.flatnonzero(inside)


def rims(*, differ=lambda a, b: a != b, pad="edge", places=((-1, 0), (1, 0), (0, -1), (0, 1)), rim=1, inside=2, where=lambda m: m > 0,
         read=lambda m: m.astype(np.int64), thick=1):
    """Classes from labels; the defaults make a right answer."""

    def classes(labels):
        labels = read(labels)
        h, w = labels.shape
        found = np.zeros((h, w), dtype=bool)
        around = np.pad(labels, thick, mode=pad)
        for n in range(1, thick + 1):
            for dy, dx in places:
                y, x = thick + n * dy, thick + n * dx
                found |= differ(around[y : y + h, x : x + w], labels)
        return np.where(where(labels), np.where(found, rim, inside), 0)

    return classes


def outside_rim(labels):
    labels = labels.astype(np.int64)
    around = np.pad(labels, 1, mode="edge")
    near = [around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]]
    return np.where(labels > 0, 2, np.where(np.max(near, axis=0) > 0, 1, 0))


def eroded(labels):
    from scipy.ndimage import binary_erosion
    return np.where(labels == 0, 0, np.where(binary_erosion(labels > 0, border_value=1), 2, 1))


def rolled(labels):
    labels = labels.astype(np.int64)
    differs = np.any([np.roll(labels, s, axis=a) != labels for s in (1, -1) for a in (0, 1)], axis=0)
    return np.where(labels == 0, 0, np.where(differs, 1, 2))


def with_torch(labels):
    x = torch.from_numpy(labels.astype(np.int64))
    rim = torch.zeros(x.shape, dtype=torch.bool)
    rim[1:] |= x[1:] != x[:-1]
    rim[:-1] |= x[1:] != x[:-1]
    rim[:, 1:] |= x[:, 1:] != x[:, :-1]
    rim[:, :-1] |= x[:, 1:] != x[:, :-1]
    return torch.where(x == 0, 0, 2 - rim.long())


def one_sided(labels):
    x = labels.astype(np.int64)
    rim = np.zeros(x.shape, dtype=bool)
    rim[1:] |= x[1:] != x[:-1]
    rim[:, 1:] |= x[:, 1:] != x[:, :-1]
    return np.where(x == 0, 0, np.where(rim, 1, 2))


def with_skimage(labels):
    from skimage.segmentation import find_boundaries
    return np.where(labels == 0, 0, np.where(find_boundaries(labels.astype(np.int64), mode="inner"), 1, 2))


def no_edge(labels):
    """The first and last rows and columns are never compared."""
    found = true_classes(labels.astype(np.int64))
    for side in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        found[side] = np.where(labels[side] > 0, 2, 0)
    return found


def rows(*, side=lambda s: s * s, background=False, edges=(np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]), order=sorted,
         numbers=lambda m: np.unique(m).tolist()):
    """The table of areas; the defaults make a right answer."""

    def answer(labels, s):
        cut = {n for edge in edges for n in labels[edge].tolist()}
        return [(n, int((labels == n).sum()) * side(s), n in cut) for n in order(numbers(labels)) if n or background]

    return answer


def with_regionprops(labels, side):
    from skimage.measure import regionprops
    height, width = labels.shape
    return [(r.label, r.area * side**2, r.bbox[0] == 0 or r.bbox[1] == 0 or r.bbox[2] == height or r.bbox[3] == width)
            for r in regionprops(labels)]


def by_pieces(labels, side):
    from skimage.measure import label
    pieces = label(labels, connectivity=2)
    edge = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    return sorted((int(labels[pieces == p][0]), (pieces == p).sum() * side**2, p in edge) for p in range(1, pieces.max() + 1))


def bincounted(labels, side):
    areas = np.bincount(labels.ravel()) * side * side
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return [[n, areas[n], bool((edge == n).any())] for n in np.flatnonzero(areas) if n]


def emptied(labels, side):
    found = rows()(labels, side)
    labels[...] = 0
    return found


NEXT = ["train longer", "more images", "mend the masks", "weigh the borders"]


def following(place, other):
    return [other if i == place else w for i, w in enumerate(NEXT)]


WRONG = [
    ("13.5", "more images first", following(0, "more images"), "still_learning"),
    ("13.5", "larger first", following(0, "a larger network"), "still_learning"),
    ("13.5", "longer on four pictures", following(1, "train longer"), "good_at_home_only"),
    ("13.5", "larger on four pictures", following(1, "a larger network"), "good_at_home_only"),
    ("13.5", "more of shifted masks", following(2, "more images"), "the_answer_is_better_than_the_mask"),
    ("13.5", "weigh shifted borders", following(2, "weigh the borders"), "the_answer_is_better_than_the_mask"),
    ("13.5", "larger for borders", following(3, "a larger network"), "found_and_merged"),
    ("13.5", "another word", following(0, "a GPU"), "still_learning"),
    ("13.6", "with the background", rows(background=True), "a_row_for_each"),
    ("13.6", "1 to the largest", rows(numbers=lambda m: list(range(1, int(m.max()) + 1))), "a_row_for_each"),
    ("13.6", "the largest number first", rows(order=lambda n: sorted(n)[::-1]), "a_row_for_each"),
    ("13.6", "in pixels", rows(side=lambda s: 1), "areas_in_square_micrometres"),
    ("13.6", "the side once", rows(side=lambda s: s), "areas_in_square_micrometres"),
    ("13.6", "divided", rows(side=lambda s: 1 / s**2), "areas_in_square_micrometres"),
    ("13.6", "no edge", rows(edges=()), "cut_at_any_edge"),
    ("13.6", "top and left", rows(edges=(np.s_[0], np.s_[:, 0])), "cut_at_any_edge"),
    ("13.6", "rows alone", rows(edges=(np.s_[0], np.s_[-1])), "cut_at_any_edge"),
    ("13.6", "all of them", lambda m, s: [(n, area, True) for n, area, _ in rows()(m, s)], "cut_at_any_edge"),
    ("13.6", "a row for each piece", by_pieces, "any_mask"),
    ("13.6", "16 bits", lambda m, s: rows()(m.astype(np.uint16), s), "any_mask"),
    ("13.6", "labels set to 0", emptied, "what_is_given_stays"),
    ("13.6", "areas alone", lambda m, s: [row[1] for row in rows()(m, s)], "a_row_for_each"),
    ("13.1", "the whole file name", pairs(lambda n: n), "by_name_without_suffix"),
    ("13.1", "as they are listed", lambda i, m: (list(zip(i, m)), []), "by_name_without_suffix"),
    ("13.1", "mask first", pairs(both=True), "by_name_without_suffix"),
    ("13.1", "pairs alone", lambda i, m: pairs()(i, m)[0], "by_name_without_suffix"),
    ("13.1", "images alone", lambda i, m: ([a for a, _ in pairs()(i, m)[0]], []), "by_name_without_suffix"),
    ("13.1", "sorted and counted through", counted_through, "a_gap_moves_nothing"),
    ("13.1", "counted through if equally many", counted_where_names_differ, "a_gap_moves_nothing"),
    ("13.1", "the first letters", pairs(lambda n: n[:2].rstrip(".")), "names_that_are_alike"),
    ("13.1", "up to the first dot", pairs(lambda n: n.split(".")[0]), "names_that_are_alike"),
    ("13.1", "strips letters", pairs(lambda n: n.rstrip(".pngtif")), "names_that_are_alike"),
    ("13.1", "begins alike", starts_alike, "names_that_are_alike"),
    ("13.1", "images without a mask only", pairs(sides=1), "alone_on_either_side"),
    ("13.1", "without suffix", pairs(full=False), "alone_on_either_side"),
    ("13.1", "none is alone", lambda i, m: (pairs()(i, m)[0], []), "alone_on_either_side"),
    ("13.1", "all are alone", lambda i, m: (pairs()(i, m)[0], sorted([*i, *m])), "alone_on_either_side"),
    ("13.1", "with None for a mask", lambda i, m: ([(n, None) for n in i], []),
     "by_name_without_suffix"),
    ("13.1", "tuples of one", lambda i, m: (pairs()(i, m)[0], [(n,) for n in pairs()(i, m)[1]]),
     "a_gap_moves_nothing"),
    ("13.1", "no masks", first_of_masks, "alone_on_either_side"),
    ("13.1", "suffixes that are known", pairs(known_suffixes), "any_suffix"),
    ("13.1", "four letters", pairs(four_letters), "any_suffix"),
    ("13.1", "leading zeros", pairs(lambda n: stem(n).lstrip("0")), "names_that_are_alike"),
    ("13.1", "masks taken out of the list", taken_out, "what_is_given_stays"),
    ("13.1", "small letters", pairs(lambda n: stem(n).lower()), "any_suffix"),
    ("13.2", "two classes", meant(0, "classes"), "two_values"),
    ("13.2", "255 is no mask", meant(0, "no mask"), "two_values"),
    ("13.2", "88 classes", meant(1, "classes"), "one_number_an_object"),
    ("13.2", "three objects", meant(2, "labels"), "few_values_many_patches"),
    ("13.2", "labels up to 255", meant(3, "labels"), "saved_as_jpeg"),
    ("13.2", "nearly binary", meant(3, "binary"), "saved_as_jpeg"),
    ("13.2", "another word", meant(0, "grey"), "two_values"),
    ("13.4", "val is in train as well", train_is_all, "every_picture_once"),
    ("13.4", "one is lost", loses_one, "every_picture_once"),
    ("13.4", "a field as often as it has pictures", split(fields=sorted), "every_picture_once"),
    ("13.4", "names of fields", names_instead, "every_picture_once"),
    ("13.4", "all in train", lambda w, s, k: (list(range(len(w))), []), "every_picture_once"),
    ("13.4", "train alone", lambda w, s, k: split()(w, s, k)[0], "every_picture_once"),
    ("13.4", "pictures are drawn", by_tiles, "no_field_on_both_sides"),
    ("13.4", "the last quarter", lambda w, s, k: (list(range(len(w)))[: -int(s * len(w))], list(range(len(w)))[-int(s * len(w)):]),
     "no_field_on_both_sides"),
    ("13.4", "val first", split(order=-1), "as_many_as_asked"),
    ("13.4", "one field", split(enough=lambda val, share, n: len(val) > 0), "as_many_as_asked"),
    ("13.4", "a share of the fields", share_of_the_fields, "as_many_as_asked"),
    ("13.4", "one field too many", split(enough=lambda val, share, n: len(val) > share * n), "as_many_as_asked"),
    ("13.4", "the first fields", split(draw=lambda names, seed: None), "the_seed_draws"),
    ("13.4", "seed not used", split(draw=lambda names, seed: random.Random(0).shuffle(names)), "the_seed_draws"),
    ("13.4", "drawn anew each time", split(draw=lambda names, seed: random.shuffle(names)), "the_seed_draws"),
    ("13.4", "the last name never", never_the_last, "the_seed_draws"),
    ("13.4", "in the order of a set", split(fields=lambda where: list(set(where))),
     "the_seed_draws"),
    ("13.4", "in the order of a set of str", with_str, "the_seed_draws"),
    ("13.4", "fields sorted in place", sorted_in_place, "what_is_given_stays"),
    ("13.4", "drawn by their hash", split(draw=by_the_hash), "the_seed_draws"),
    ("13.4", "until there are enough", split(left=0), "a_field_is_left_for_training"),
    ("13.4", "two are left", split(left=2), "as_many_as_asked"),
    ("13.4", "one is always taken", lambda w, s, k: split(left=len(set(w)) > 1)(w, s, k),
     "a_field_is_left_for_training"),
    ("13.3", "nothing there", lambda m: rims()(m) if m.any() else m + 2,
     "small_and_simple_pictures"),
    ("13.3", "the largest number is the inside", lambda m: np.where(m.min() > 0, 1, rims()(m)),
     "small_and_simple_pictures"),
    ("13.3", "square pictures", lambda m: rims()(m) if min(m.shape) > 1 else np.zeros_like(m),
     "small_and_simple_pictures"),
    ("13.3", "rim outside", outside_rim, "background_rim_inside"),
    ("13.3", "rim and inside swapped", rims(rim=2, inside=1), "background_rim_inside"),
    ("13.3", "labels as they are", lambda m: m, "background_rim_inside"),
    ("13.3", "no rim", rims(rim=2), "background_rim_inside"),
    ("13.3", "rim of two pixels", rims(thick=2), "background_rim_inside"),
    ("13.3", "rim taken away", rims(rim=0), "background_rim_inside"),
    ("13.3", "all of them 255", lambda m: 255 * (m > 0), "background_rim_inside"),
    ("13.3", "erosion of the foreground", eroded, "neighbours_that_touch"),
    ("13.3", "background counts alone", rims(differ=lambda a, b: a == 0), "neighbours_that_touch"),
    ("13.3", "larger neighbours only", rims(differ=lambda a, b: (a > b) | (a == 0)), "neighbours_that_touch"),
    ("13.3", "diagonal neighbours too", rims(places=[(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]), "neighbours_that_touch"),
    ("13.3", "left and above only", one_sided, "background_rim_inside"),
    ("13.3", "zeros around the picture", rims(pad="constant"), "edge_of_the_picture"),
    ("13.3", "rolled over the edge", rolled, "edge_of_the_picture"),
    ("13.3", "nothing at the edge", lambda m: np.pad(rims()(m)[1:-1, 1:-1], 1),
     "edge_of_the_picture"),
    ("13.3", "written into the labels", written_into, "what_is_given_stays"),
    ("13.3", "edge left out", no_edge, "edge_of_the_picture"),
    ("13.3", "8 bits", rims(read=lambda m: m.astype(np.uint8)), "any_numbers"),
    ("13.3", "16 bits with a sign", rims(read=lambda m: m.astype(np.int16)), "any_numbers"),
    ("13.3", "difference of small numbers", rims(read=lambda m: m, differ=lambda a, b: np.abs(a.astype(np.int8) - b.astype(np.int8)) > 0),
     "any_numbers"),
]
RIGHT = [
    ("13.6", "as written", rows()), ("13.6", "scikit-image", with_regionprops), ("13.6", "bincount", bincounted),
    ("13.5", "as written", NEXT), ("13.5", "array", np.array(NEXT).tolist()),
    ("13.1", "by the last dot", pairs()), ("13.1", "by pathlib and sets", by_sets),
    ("13.2", "as written", MEANT), ("13.2", "tuple, capitals", tuple(w.upper() for w in MEANT)),
    ("13.1", "lists and sets", with_pathlib),
    ("13.4", "as written", split()),
    ("13.4", "plain names in a set", plain_names), ("13.4", "plain names in a dict", by_a_dict),
    ("13.4", "numpy", with_numpy), ("13.4", "drawn until one is left", the_largest_stays),
    ("13.4", "in the order of the list", split(fields=lambda where: list(dict.fromkeys(where)))),
    ("13.4", "tensors", lambda w, s, k: tuple(map(torch.tensor, split()(w, s, k)))),
    ("13.3", "as written", rims()),
    ("13.3", "torch", with_torch),
    ("13.3", "rows in lists", lambda m: rims()(m).tolist()), ("13.3", "scikit-image", with_skimage),
]
UNTOUCHED = [("13.6", lambda *a: ...), ("13.5", [..., ..., ..., ...]), ("13.1", lambda *a: ...), ("13.2", [..., ..., ..., ...]), ("13.4", lambda *a: ...), ("13.3", lambda *a: ...)]
