"""Exercises of 13_your_own_data about the folder: which files belong together, and who goes where."""

import random

import numpy as np
import torch

from unet_course.exercises.core import Exercise, asking, call, expect, said

names = Exercise("13.1", "Pair the files by name", "write", minutes=8)


def _paired(answer, images, masks):
    """The learner's pairs, as a set, and the list of files without a partner."""
    with asking("Both arguments are lists of file names, such as ['a.png', 'b.tif']."):
        got = call(answer, list(images), list(masks))
    expect(isinstance(got, (tuple, list)) and len(got) == 2, f"You return {said(got)}; wanted two lists: the pairs, and the "
           "files that have no partner.")
    pairs, alone = got
    fine = isinstance(pairs, (list, tuple, set)) and all(isinstance(p, (list, tuple)) and len(p) == 2 for p in pairs)
    expect(fine, f"Your pairs are {said(pairs)}; wanted a list of pairs, such as [('a.png', 'a.tif')].")
    expect(isinstance(alone, (list, tuple, set)), f"Your files without a partner are {said(alone)}; wanted a list of names.")
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
    images = ["day.1.png", "day.2.png", "a_1.png", "a_10.png", "tip.tif", "ping.png"]
    masks = ["day.2.tif", "day.1.tif", "a_10.tif", "a_1.tif", "tip.png", "ping.tif"]
    pairs, alone = _paired(answer, images, masks)
    expect(_wrong_pair(pairs) is None, f"You pair {_wrong_pair(pairs)}. The name ends at the last dot, and has to be equal "
           "from its first letter to its last.")
    lost = sorted(set(images) - {a for a, _ in pairs}) or ["One image"]
    expect(lost == ["One image"] and len(pairs) == 6, f"{lost[0]} is not paired as it should be: each of the six images has "
           "its mask, once. What does your code take for the suffix?")


@names.behaviour
def alone_on_either_side(answer):
    for images, masks, wanted in [(["a.png", "b.png"], ["a.tif", "z.tif"], ["b.png", "z.tif"]),
                                  (["x.png"], ["y.png"], ["x.png", "y.png"]), (["x.png"], ["x.tif"], [])]:
        _, alone = _paired(answer, images, masks)
        for name in wanted:
            expect(name in alone, f"Images {said(images)}, masks {said(masks)}: {name} has no partner, and you do not say "
                   "so. Do you look from both sides, and give the file with its suffix?")
        expect(sorted(alone) == wanted, f"Images {said(images)}, masks {said(masks)}: without a partner you name "
               f"{said(alone)}; wanted {said(wanted)}.")


groups = Exercise("13.4", "Split by field, not by tile", "write", minutes=10)


def _split(answer, where, share, seed):
    with asking("The arguments are a list with the field of each picture, a share such as 0.25, and a seed."):
        got = call(answer, list(where), share, seed)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, f"You return {said(got)}; wanted two lists of indices, train "
           "and val.")
    sides = []
    for side in got:
        side = side.tolist() if isinstance(side, (np.ndarray, torch.Tensor)) else side
        expect(isinstance(side, (list, tuple, set, range)), f"One side is {said(side)}; wanted a list of indices.")
        expect(all(isinstance(i, (int, np.integer)) and 0 <= i < len(where) for i in side),
               f"One side is {said(side)}; wanted indices from 0 to {len(where) - 1}, not names.")
        expect(len(set(side)) == len(side), "One of your sides has a picture twice. Is each field in your list once?")
        sides.append(sorted(map(int, side)))
    return sides


def _fields(shape="even"):
    """The field of each picture, in no order."""
    sizes = {"even": [3] * 8, "large": [8] * 3}.get(shape) or [random.randint(1, 4) for _ in range(9)]
    where = [f"field{i}" for i, size in enumerate(sizes) for _ in range(size)]
    random.shuffle(where)
    return where


@groups.behaviour
def every_picture_once(answer):
    where = _fields()
    train, val = _split(answer, where, 0.25, 0)
    expect(train and val, f"{len(where)} pictures, a share of 0.25: one of your sides is empty.")
    both = set(train) & set(val)
    expect(not both, f"{len(both)} pictures are on both sides. What is a score worth on a picture that was trained on?")
    expect(sorted(train + val) == list(range(len(where))), f"{len(where)} pictures, and your two sides hold "
           f"{len(train) + len(val)}. Each picture belongs to one side.")
    for seed in range(12):
        _split(answer, _fields("large"), 0.5, seed)


@groups.behaviour
def no_field_on_both_sides(answer):
    for seed in range(4):
        where = _fields("uneven" if seed % 2 else "even")
        train, val = _split(answer, where, 0.25, seed)
        torn = {where[i] for i in train} & {where[i] for i in val}
        expect(not torn, f"{len(torn)} of {len(set(where))} fields have pictures in train and in val. What has to be drawn: "
               "pictures, or fields?")


@groups.behaviour
def as_many_as_asked(answer):
    for seed in range(6):
        where = _fields("uneven" if seed % 2 else "even")
        for share in (0.25, 0.5):
            _, val = _split(answer, where, share, seed)
            few = f"{len(where)} pictures, a share of {share}: your val has {len(val)} of them"
            swapped = len(val) > len(where) * share + 4 and len(val) >= len(where) * (1 - share) - 4
            expect(not swapped, f"{few}. Are train and val in the order that is asked for: train first?")
            expect(len(val) >= share * len(where), f"{few}, and that is too few. Count pictures, not fields: they differ in "
                   "size.")
            largest = max((sum(where[i] == field for i in val) for field in {where[i] for i in val}), default=0)
            expect(len(val) - largest < share * len(where), f"{few}: with one field less it would still be enough. When do "
                   "you stop to take fields?")


@groups.behaviour
def the_seed_draws(answer):
    where = _fields()
    found = [tuple(_split(answer, where, 0.25, seed)[1]) for seed in range(8)]
    random.seed(11)
    torch.default_generator.manual_seed(11)
    again = [tuple(_split(answer, where, 0.25, seed)[1]) for seed in range(8)]
    expect(found == again, "The same seed gives another split the second time. A score can be compared only on the same "
           "pictures: does the draw follow from the seed alone?")
    expect(len(set(found)) > 2, "Eight seeds give the same fields for validation. Names are often in the order of "
           "recording: if the first or last ones are taken, is val like train?")
