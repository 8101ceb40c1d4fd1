"""Exercises about a folder: its files, masks and fields, the next step, a table. (13)"""

import math
import random
import zlib

import numpy as np
import torch

from unet_course.exercises.answers import number, whole, word
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import call, shape

names = Exercise("13.1", "Pair the files by name", "write", minutes=8)


def _paired(answer, images, masks):
    """The learner's pairs, as a set, and the list of files without a partner."""
    with asking(f"That was with the images {said(list(images))} and the masks {said(list(masks))}. "
                "What if there is no pair?" if len(images) < 2 else
                "Both arguments are lists of file names, such as ['a.png', 'b.tif']."):
        got = call(answer, list(images), list(masks))
    expect(isinstance(got, (tuple, list)) and len(got) == 2, f"Your answer is {said(got)}; wanted two lists: "
           "the pairs, and the files that have no partner.")
    pairs, alone = got
    fine = isinstance(pairs, (list, tuple, set)) and all(isinstance(p, (list, tuple)) and len(p) == 2 for p in pairs)
    expect(fine and all(isinstance(name, str) for pair in pairs for name in pair), "Your pairs are "
           f"{said(pairs)}; wanted a list of pairs of names, such as [('a.png', 'a.tif')].")
    expect(isinstance(alone, (list, tuple, set)) and all(isinstance(name, str) for name in alone),
           f"Your files without a partner are {said(alone)}; wanted a list of names.")
    return [tuple(pair) for pair in pairs], list(alone)


def _wrong_pair(pairs):
    return next((f"{a} + {b}" for a, b in pairs if a.rpartition(".")[0] != b.rpartition(".")[0]), None)


@names.behaviour
def by_name_without_suffix(answer):
    pairs, _ = _paired(answer, ["b.png", "a.png", "c.tif"], ["c.png", "a.tif", "b.tif"])
    expect(len(pairs) > 0, "Images a.png, b.png and masks a.tif, b.tif: you find no pair. Is the suffix part of the name?")
    expect(_wrong_pair(pairs) is None, f"You pair {_wrong_pair(pairs)}. A folder is listed in any order; what do the two of "
           "a pair have in common?")
    expect(sorted(pairs) == [("a.png", "a.tif"), ("b.png", "b.tif"), ("c.tif", "c.png")],
           f"Three images and their three masks give {said(pairs)}; wanted three pairs, the image first.")


@names.behaviour
def a_gap_moves_nothing(answer):
    images, masks = ["a.png", "c.png", "d.png", "e.png"], ["a.png", "b.png", "d.png", "e.png"]
    pairs, _ = _paired(answer, images, masks)
    expect(_wrong_pair(pairs) is None, f"Image c has no mask, mask b no image, and you pair {_wrong_pair(pairs)}. If both "
           "lists are counted through, what does one missing file do to all the others?")
    expect(sorted(pairs) == [("a.png", "a.png"), ("d.png", "d.png"), ("e.png", "e.png")],
           f"Images a, c, d, e and masks a, b, d, e give {said(pairs)}; wanted the pairs of a, d and e.")


@names.behaviour
def names_that_are_alike(answer):
    images = ["day.1.png", "day.2.png", "a_1.png", "a_10.png", "tip.tif", "ping.png", "1.png",
              "01.png"]
    masks = ["day.2.tif", "day.1.tif", "a_10.tif", "a_1.tif", "tip.png", "ping.tif", "01.tif",
             "1.tif"]
    pairs, alone = _paired(answer, images, masks)
    expect(_wrong_pair(pairs) is None, f"You pair {_wrong_pair(pairs)}. The name ends at the last dot, and has to be equal "
           "from its first letter to its last.")
    lost = sorted(set(images) - {a for a, _ in pairs}) or ["One image"]
    expect(lost == ["One image"] and len(pairs) == 8, f"{lost[0]} is not paired as it should be: each of the eight images has "
           "its mask, once. What does your code take for the suffix?")


@names.behaviour
def alone_on_either_side(answer):
    for images, masks, wanted in [(["a.png", "b.png"], ["a.tif", "z.tif"], ["b.png", "z.tif"]),
                                  (["x.png"], ["y.png"], ["x.png", "y.png"]),
                                  (["x.png"], ["x.tif"], []),
                                  ([], ["y.png"], ["y.png"]), (["x.png"], [], ["x.png"]),
                                  ([], [], [])]:
        _, alone = _paired(answer, images, masks)
        for name in wanted:
            expect(name in alone, f"Images {said(images)}, masks {said(masks)}: {name} has no partner, and you do not say "
                   "so. Do you look from both sides, and give the file with its suffix?")
        expect(sorted(alone) == wanted, f"Images {said(images)}, masks {said(masks)}: without a partner you name "
               f"{said(alone)}; wanted {said(wanted)}.")


@names.behaviour
def any_suffix(answer):
    images = ["a.jpeg", "b.JPG", "c.n", "d.ome.tiff", "e.png.tif", "f.png", "k.h5"]
    masks = ["a.bmp", "b.png", "c.npy", "d.ome.png", "e.png.png", "f.png.png", "F.png", "k.labels"]
    pairs, alone = _paired(answer, images, masks)
    for image, mask in zip(images[:5], masks):
        expect((image, mask) in pairs, f"Image {image} and mask {mask} have one name, and you do "
               "not pair them. Which suffixes does your code know?")
    expect(len(pairs) == 6 and sorted(alone) == ["F.png", "f.png", "f.png.png"], "Images "
           f"{said(images)}, masks {said(masks)}: without a partner you name {said(alone)}. The "
           "name of f.png is f, that of f.png.png is f.png, and that of F.png is F.")


leaves_alone(names, lambda: [(["b.png", "a.png", "c.tif"], ["c.png", "d.png", "b.tif"])])


groups = Exercise("13.4", "Split by field, not by tile", "write", minutes=10)


class Field(str):
    """A name with another hash in another process, as every str: sets are in another order."""

    process = 0

    def __hash__(self):
        return zlib.crc32(f"{Field.process} {self}".encode())

    def __str__(self):
        return self


def _split(answer, where, share, seed):
    with asking("The arguments are a list with the field of each picture, a share such as 0.25, and a seed."):
        got = call(answer, list(where), share, seed)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, f"Your answer is {said(got)}; wanted two lists of indices, train "
           "and val.")
    sides = []
    for side in got:
        side = side.tolist() if isinstance(side, (np.ndarray, torch.Tensor)) else side
        expect(isinstance(side, (list, tuple, set, range)), f"One side is {said(side)}; wanted a list of indices.")
        side = [i.item() if isinstance(i, torch.Tensor) and i.ndim == 0 else i for i in side]
        expect(all(isinstance(i, (int, np.integer)) and 0 <= i < len(where) for i in side),
               f"One side is {said(side)}; wanted indices from 0 to {len(where) - 1}, not names.")
        expect(len(set(side)) == len(side), "One of your sides has a picture twice. Is each field in your list once?")
        sides.append(sorted(map(int, side)))
    return sides


def _fields(sizes):
    """The field of each picture, in no order."""
    where = [f"field{i}" for i, size in enumerate(sizes) for _ in range(size)]
    random.shuffle(where)
    return where


EVEN = [3] * 8


def _uneven():
    return [random.randint(1, 4) for _ in range(9)]


@groups.behaviour
def every_picture_once(answer):
    for sizes, share, seed in [(EVEN, 0.25, 0), ([8] * 3, 0.5, 1), (_uneven(), 0.3, 2)]:
        where = _fields(sizes)
        train, val = _split(answer, where, share, seed)
        expect(train and val, f"{len(where)} pictures of {len(sizes)} fields, a share of {share}: "
               "one of your sides is empty.")
        both = set(train) & set(val)
        expect(not both, f"{len(both)} pictures are on both sides. What is a score worth on a "
               "picture that was trained on?")
        expect(sorted(train + val) == list(range(len(where))), f"{len(where)} pictures, and your "
               f"two sides hold {len(train) + len(val)}. Each picture belongs to one side.")


@groups.behaviour
def no_field_on_both_sides(answer):
    for seed in range(8):
        where = _fields(_uneven() if seed % 2 else EVEN)
        train, val = _split(answer, where, 0.25, seed)
        torn = {where[i] for i in train} & {where[i] for i in val}
        expect(not torn, f"{len(torn)} of {len(set(where))} fields have pictures in train and in val. What has to be drawn: "
               "pictures, or fields?")


@groups.behaviour
def as_many_as_asked(answer):
    for seed in range(40):
        for sizes, share in [(_uneven() if seed % 2 else EVEN, 0.25), (_uneven(), 0.5),
                             ([1, 1, 8], 0.25), ([5, 1, 2], 0.6)]:
            where = _fields(sizes)
            train, val = _split(answer, where, share, seed)
            few = (f"Fields of {said(sizes)} pictures, a share of {share}: "
                   f"your val has {len(val)} of {len(where)}")
            rest = len(where) - len(val)
            swapped = len(sizes) > 3 and len(val) > len(where) * share + 4 >= rest
            expect(not swapped, f"{few}. When has val enough, and do you return train first?")
            one_left = len({where[i] for i in train}) == 1
            expect(len(val) >= share * len(where) or one_left, f"{few}, and that is too few. Count "
                   "pictures, not fields: they differ in size.")
            largest = max((sum(where[i] == field for i in val) for field in {where[i] for i in val}), default=0)
            expect(len(val) - largest < share * len(where), f"{few}: with one field less it would still be enough. When do "
                   "you stop to take fields?")


@groups.behaviour
def the_seed_draws(answer):
    where = _fields(EVEN)

    def drawn(where=where):
        return [tuple(_split(answer, where, 0.25, seed)[1]) for seed in range(80)]

    found = drawn()
    random.seed(11)
    torch.default_generator.manual_seed(11)
    np.random.seed(11)
    expect(found == drawn(), "The same seed gives another split the second time. A score can be "
           "compared only on the same pictures: does the draw follow from the seed alone?")
    expect(len(set(found[:8])) > 2, "Eight seeds give the same fields for validation. Names are "
           "often in the order of recording: if the first or last ones are taken, is val like "
           "train?")
    never = sorted(set(where) - {where[i] for val in found for i in val})
    expect(not never, f"Of 80 seeds none puts {', '.join(never)} into val. Are all fields "
           "shuffled, the last one too?")
    splits = []
    for Field.process in (1, 2):
        try:
            splits.append(drawn([Field(name) for name in where]))
        except Exception:
            return  # plain names, as NumPy makes them, have another hash: here nothing can be told
    expect(splits[0] == splits[1], "Run again in another process, the same seed gives another split: the "
           "order of a set of names is another one there. Which order of the fields is the same on "
           "every machine?")


@groups.behaviour
def a_field_is_left_for_training(answer):
    for seed in range(100):
        for sizes, share in [([1, 1, 8], 0.25), ([8] * 3, 0.9), ([2, 3], 0.5), (_uneven(), 0.8),
                             ([4], 0.25)]:
            train, _ = _split(answer, _fields(sizes), share, seed)
            expect(train, f"Fields of {said(sizes)} pictures, a share of {share}, seed {seed}: no "
                   "field is left for training. What if a large one comes last, or there is only "
                   "one?")


leaves_alone(groups, lambda: [(_fields(EVEN), 0.25, 3)])


meaning = Exercise("13.2", "What do these masks mean?", "choose", minutes=5, mark="classroom")
KINDS = ("binary", "classes", "labels", "no mask")


def _means(answer, place, wanted, why):
    got = word(answer, place, KINDS)
    expect(got == wanted, f"Folder {place + 1}: you choose {got}. {why}")


@meaning.behaviour
def two_values(answer):
    _means(answer, 0, "binary", "There are two values, whichever they are. What do all pixels of an object have in common?")


@meaning.behaviour
def one_number_an_object(answer):
    _means(answer, 1, "labels", "Each value makes one patch, and another picture has other values. Would 87 classes come in "
           "one patch each?")


@meaning.behaviour
def few_values_many_patches(answer):
    _means(answer, 2, "classes", "The same three values are in every picture, each of them in many places. What does such a "
           "value say about a pixel?")


@meaning.behaviour
def saved_as_jpeg(answer):
    _means(answer, 3, "no mask", "Nobody has drawn 256 kinds of things. JPEG stores what looks alike, not what is equal: "
           "which class would 131 be? Wanted the file before it was saved like that.")


rims = Exercise("13.3", "From labels to classes", "write", minutes=12)


def true_classes(labels):
    """0 background, 1 pixels with a neighbour of another number, 2 the rest of an object."""
    around = np.pad(labels, 1, mode="edge")
    differs = np.zeros(labels.shape, dtype=bool)
    for rows, columns in [(slice(0, -2), slice(1, -1)), (slice(2, None), slice(1, -1)), (slice(1, -1), slice(0, -2)),
                          (slice(1, -1), slice(2, None))]:
        differs |= around[rows, columns] != labels
    return np.where(labels == 0, 0, np.where(differs, 1, 2))


def _classes(answer, labels):
    with asking("The argument is a NumPy array (H, W) of whole numbers, 0 for the background."):
        got = call(answer, labels.copy())
    got = shape(got, labels.shape, "Labels of shape {wanted} become classes of shape {got}.",
                "Your result").numpy()
    values = sorted(set(np.unique(got).tolist()))
    expect(set(values) <= {0, 1, 2}, f"Your classes hold {said(values[:6])}; wanted 0, 1 and 2 alone.")
    return got


def _one(number=7):
    labels = np.zeros((9, 10), dtype=np.uint16)
    labels[2:7, 3:8] = number
    return labels


@rims.behaviour
def background_rim_inside(answer):
    got, wanted = _classes(answer, _one()), true_classes(_one())
    expect((got[_one() == 0] == 0).all(), "One square on a background: some background is not 0. The boundary is the "
           "outermost pixels of the object itself, not what lies around it.")
    expect((got[_one() > 0] > 0).all(), "One square on a background: some of its pixels are 0 now. An object keeps its "
           "size.")
    thick = int((got[4, 3:8] == 1).sum())
    expect(thick == 2, f"One square: on a row through its middle, {thick} pixels are boundary; wanted 2, the outermost one "
           "on either side.")
    expect((got == wanted).all(), "One square: the boundary should be 1 and the inside 2, with a rim of one pixel on all "
           "four sides.")


@rims.behaviour
def neighbours_that_touch(answer):
    labels = np.zeros((13, 14), dtype=np.uint16)
    labels[2:7, 2:7], labels[2:7, 7:12], labels[7:11, 2:5] = 3, 4, 3
    got = _classes(answer, labels)
    expect((got[4, 6:8] == 1).all(), "Two objects touch, and where they meet there is no boundary: the network would learn "
           "one object. Do you ask where the mask is not 0, or where the number changes?")
    expect((got == true_classes(labels)).all(), "Where objects touch, the outermost pixels of both are boundary: a pixel "
           "with another number above, below, left or right. Are all four looked at, and those alone?")


@rims.behaviour
def edge_of_the_picture(answer):
    labels = np.zeros((8, 8), dtype=np.int64)
    labels[:4, :4], labels[5:, 3:] = 1, 2
    got = _classes(answer, labels)
    expect((got[labels > 0] > 0).all(), "An object reaches the edge of the picture, and some of its "
           "pixels become 0. What do your outermost rows and columns hold?")
    expect((got[0, :3] == 2).all() and (got[:3, 0] == 2).all(), "An object is cut off by the edge of the picture, and you "
           "draw a boundary there. It goes on outside: what do you put around the picture, and do the first and last row "
           "meet?")
    expect((got == true_classes(labels)).all(), "Objects in the corners of the picture get another boundary than those in "
           "its middle. What do you compare the last row and the last column with?")


@rims.behaviour
def small_and_simple_pictures(answer):
    for labels, what in [(np.zeros((4, 5)), "There is no object"),
                         (np.full((4, 5), 7), "All of it is one object"),
                         (np.eye(5), "Each object is one pixel, and they touch at corners only"),
                         (np.array([[0, 3, 3, 3, 0, 4]]), "The picture has a single row"),
                         (np.array([[2]]), "The picture is one pixel of an object"),
                         (np.random.randint(0, 4, (9, 7)), "Each pixel has a number at random")]:
        labels = labels.astype(np.uint16)
        got = _classes(answer, labels)
        wrong = np.argwhere(got != true_classes(labels))
        if labels.size == 63 and len(wrong):
            row, column = wrong[0]
            around = [labels[r, c] for r, c in ((row - 1, column), (row + 1, column),
                                                (row, column - 1), (row, column + 1))
                      if 0 <= r < 9 and 0 <= c < 7]
            expect(False, f"Pixel ({row}, {column}) has the number {labels[row, column]}, its "
                   f"neighbours have {said(list(map(int, around)))}: wanted class "
                   f"{true_classes(labels)[row, column]}, yours is {got[row, column]}. One "
                   "neighbour of another number makes a boundary. How do you compare?")
        expect(not len(wrong), f"{what}, of "
               f"{labels.shape[0]}×{labels.shape[1]} pixels, and your classes are not those of the "
               "exercise: 0 is background, 1 has a neighbour of another number, 2 has none.")


@rims.behaviour
def any_numbers(answer):
    for kind, known in [(np.uint8, [0, 1, 255]), (np.uint16, [0, 256, 512, 40000]), (np.int64, [0, 1, 65536, 65537]),
                        (np.int32, [0, 4, 5])]:
        labels = np.random.choice(known, (5, 6)).astype(kind).repeat(4, 0).repeat(3, 1)
        labels[:4, :6] = np.repeat(known[-2:], 3)
        got = _classes(answer, labels)
        wanted = true_classes(labels.astype(np.int64))
        share = math.ceil(100 * (got != wanted).mean())
        expect((got == wanted).all(), f"Labels {said(known)} in {np.dtype(kind).name}: {share} % of the pixels are wrong. "
               "Are numbers compared as they are, and what are they turned into on the way?")


leaves_alone(rims, lambda: [(_one(),)])


plan = Exercise("13.5", "What next?", "choose", minutes=5, mark="classroom")
STEPS = ("train longer", "more images", "mend the masks", "weigh the borders", "a larger network")


def _next(answer, place, wanted, why):
    got = word(answer, place, STEPS)
    expect(got == wanted, f"Case {place + 1}: you choose {got!r}. {why}")


@plan.behaviour
def still_learning(answer):
    _next(answer, 0, "train longer", "The loss still falls when the training ends, and a longer one ended higher. What "
          "costs least?")


@plan.behaviour
def good_at_home_only(answer):
    _next(answer, 1, "more images", "It has learnt its four pictures, and little about others. What would show it more of "
          "the world?")


@plan.behaviour
def the_answer_is_better_than_the_mask(answer):
    _next(answer, 2, "mend the masks", "Look again at that picture: which of the two lies on the cells, the answer or the "
          "mask?")


@plan.behaviour
def found_and_merged(answer):
    _next(answer, 3, "weigh the borders", "Every cell is found; what is missing are the few pixels between two of them. "
          "Which notebook made those pixels count?")


table = Exercise("13.6", "A table of areas", "write", minutes=15, mark="deeper")


def _table(answer, labels, side):
    """The learner's rows: (number, area, whether it is cut)."""
    with asking("The arguments are a NumPy array (H, W) of whole numbers, 0 for the background, and the side of a pixel in "
                "micrometres."):
        got = call(answer, labels.copy(), side)
    got = got.tolist() if isinstance(got, torch.Tensor) else got
    expect(isinstance(got, (list, tuple)), f"Your answer is {said(got)}; wanted a list of rows.")
    expect(all(isinstance(row, (list, tuple)) and len(row) == 3 for row in got), f"Your rows are {said(got[:2])}; wanted "
           "three things in each: the number, the area, and whether it is cut.")
    rows = []
    for row in got:
        first, area, cut = (part.item() if isinstance(part, (np.generic, torch.Tensor)) else part for part in row)
        expect(isinstance(cut, (bool, int, float)) and cut in (0, 1), f"The last thing in a row is {said(cut)}; wanted True "
               "or False.")
        rows.append((whole(first, "The first thing in a row"), number(area, "The second thing in a row"), bool(cut)))
    return rows


def true_rows(labels, side):
    """A row for each number but 0."""
    edge = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    numbers, pixels = np.unique(labels, return_counts=True)
    return [(int(n), float(p * side**2), int(n) in edge) for n, p in zip(numbers, pixels) if n]


def _three():
    labels = np.zeros((12, 15), dtype=np.uint16)
    labels[2:6, 3:8], labels[7:10, 2:4], labels[6:9, 9:13] = 4, 2, 9
    return labels


@table.behaviour
def a_row_for_each(answer):
    rows = _table(answer, _three(), 1.0)
    found = [row[0] for row in rows]
    expect(0 not in found, "One of your rows is for number 0. What does 0 stand for in a mask?")
    expect(sorted(found) == [2, 4, 9], f"Objects 2, 4 and 9 are there, and your rows are for {said(found)}. Numbers may have "
           "gaps: how do you find those that are there?")
    expect(found == [2, 4, 9], f"Your rows come in the order {said(found)}; wanted the smallest number first.")


@table.behaviour
def areas_in_square_micrometres(answer):
    for side in (1.0, 0.5, 0.2, 3.0, 0.0013):
        got, wanted = ([row[1] for row in rows] for rows in (_table(answer, _three(), side), true_rows(_three(), side)))
        pixels = [6.0, 20.0, 12.0]
        expect(len(got) == 3, f"Three objects, and another call gives {len(got)} rows. Does your function keep those of "
               "an earlier call?")
        expect(side == 1 or not np.allclose(got, pixels), "Your areas are in pixels. How large is a pixel whose side is "
               f"{side:g} µm?")
        expect(side == 1 or not np.allclose(got, np.multiply(pixels, side)), f"Pixels of {side:g} µm: you multiply by the "
               "side once. How large is the area of one pixel?")
        expect(np.allclose(got, wanted, rtol=1e-3, atol=0), f"Pixels of {side:g} µm: your areas are {said(got)}; wanted "
               f"{said([float(f'{one:.4g}') for one in wanted])}. Is something rounded, or a pixel's side fixed in the code?")


@table.behaviour
def cut_at_any_edge(answer):
    rows = _table(answer, _three(), 1.0)
    expect(not any(row[2] for row in rows), "No object touches the edge of the picture, and you call one cut. Which rows and "
           "columns are the edge?")
    for place in (np.s_[0:1, 5:8], np.s_[-1:, 5:8], np.s_[4:7, 0:1], np.s_[4:7, -1:]):
        labels = np.zeros((12, 15), dtype=np.uint16)
        labels[1:-1, 1:-1], labels[place] = 1, 7
        rows = dict((n, cut) for n, _, cut in _table(answer, labels, 1.0))
        expect(rows.get(7, False), "An object touches the edge of the picture and goes on outside; you do not call it cut. Do "
               "you look at the first and the last row, and at the first and the last column?")
        expect(not rows.get(1, False), "Only one of two objects touches the edge, and you call both cut.")


@table.behaviour
def any_mask(answer):
    for labels, what in [(np.zeros((4, 5), int), "There is no object"), (np.full((4, 5), 3), "All of it is one object"),
                         (np.array([[0, 2, 0, 2, 1]]), "There is a single row"),
                         (np.pad(np.zeros((2, 3), int), 2, constant_values=5), "An object has a hole"),
                         (np.where(np.arange(63).reshape(7, 9) % 11 == 5, 65535, 0), "Each object has several pieces"),
                         (np.random.choice([0, 0, 8, 300, 70000], (9, 6)), "Numbers are large")]:
        rows, wanted = _table(answer, labels, 2.0), true_rows(labels, 2.0)
        right = len(rows) == len(wanted) and all(a[0] == b[0] and abs(a[1] - b[1]) < 1e-6 and a[2] == b[2]
                                                 for a, b in zip(rows, wanted))
        expect(right, f"{what}: your rows are {said(rows[:3])}; wanted {said(wanted[:3])}. A number is one object, wherever "
               "its pixels lie, and the smallest number comes first.")


leaves_alone(table, lambda: [(labels, 0.5) for labels in (_three(), _three()[2:])])  # the second cuts one
