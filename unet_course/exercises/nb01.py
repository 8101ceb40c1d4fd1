"""Exercises of 01_images_and_masks. (01)"""

import numpy as np
import torch

from unet_course.exercises.answers import letter
from unet_course.exercises.core import Exercise, Hint, asking, expect, said
from unet_course.exercises.values import alike, call, close, shape, tensor

lazy = Exercise("1.1", "The accuracy of predicting nothing", "write", minutes=5, mark="classroom")


@lazy.behaviour
def all_background(answer):
    with asking("The mask holds whole numbers, and a comparison gives booleans. Which method makes numbers of them that have "
                "a mean?"):
        got = call(answer, torch.zeros(4, 5, dtype=torch.int64))
    close(got, 1.0, "A mask with no nucleus in it: predicting background everywhere is right "
          "everywhere. Wanted 1, got {got}. Which share of the 20 pixels is right?")


@lazy.behaviour
def share_of_background(answer):
    mask = torch.tensor([[0, 0, 1, 2, 2], [0, 0, 0, 1, 2]])
    got = call(answer, mask)
    expect(not alike(got, 0), "A mask with 5 background pixels of 10, 2 boundary and 3 interior: "
           "wanted 0.5, got 0. Is the fraction lost, as // or a rounding does it?")
    close(got, 0.5,
          "A mask with 5 background pixels of 10, 2 boundary and 3 interior: wanted 0.5, got {got}. "
          "Which pixels does a prediction of 0 everywhere get right?")


@lazy.behaviour
def no_background(answer):
    for mask in ([[1, 2, 2], [1, 1, 2]], [[2]]):
        close(call(answer, torch.tensor(mask)), 0.0, "A picture that is filled by nuclei has no "
              "pixel of class 0: wanted {wanted}, got {got}. What do you take for the number of "
              "the background?")


@lazy.behaviour
def any_shape(answer):
    mask = torch.randint(0, 3, (2, 7, 9))
    close(call(answer, mask), (mask == 0).double().mean(),
          "For a batch of masks, 2×7×9: wanted {wanted}, got {got}. Count over all the pixels, whatever the shape.")


clean = Exercise("1.2", "A mask somebody else drew", "write", minutes=5, mark="classroom")


def cleaned(answer, drawn):
    """What the learner's function makes of a mask, given as rows; its shape is that of the mask."""
    drawn = torch.tensor(drawn, dtype=torch.uint8)
    with asking("Do not count on a value that is not in the mask: a picture without a nucleus "
                "holds only zeros."):
        got = call(answer, drawn)
    return shape(got, drawn.shape, "Your mask has shape {got}; wanted {wanted}, as it came.",
                 "Your mask")


@clean.behaviour
def class_indices(answer):
    got = cleaned(answer, [[0, 128, 255], [255, 0, 128]])
    values = sorted({round(value, 2) for value in got.ravel().tolist()})
    if values != [0, 1, 2]:
        wide = call(answer, torch.tensor([[0, 128, 255]]))
        expect(not alike(wide, [[0, 1, 2]]), f"Your mask has the values {values}. With int64 in "
               "place of uint8 it is right: what is 2 · 128 in uint8, which ends at 255?")
    expect(values == [0, 1, 2], f"Your mask has the values {values}; wanted the class indices [0, "
           "1, 2]. Which one belongs to 128, which to 255?")
    close(got, [[0, 1, 2], [2, 0, 1]], "The values are 0, 1 and 2, but not at the right places: "
          "128 is boundary (1), 255 is interior (2).")


@clean.behaviour
def int64(answer):
    got = tensor(call(answer, torch.tensor([[0, 128, 255]], dtype=torch.uint8)), "Your mask")
    expect(got.dtype == torch.int64, f"Your mask has dtype {got.dtype}; cross-entropy wants class "
           "indices of dtype torch.int64. Which method of a tensor makes one?")


@clean.behaviour
def classes_that_are_absent(answer):
    number = {0: 0, 128: 1, 255: 2}
    for drawn in ([[255, 255]], [[128, 128]], [[0, 255]], [[0, 0]], [[0]], [[128], [255]],
                  [[0], [128], [0]]):
        values = [value for row in drawn for value in row]
        wanted = [number[value] for value in values]
        got = cleaned(answer, drawn).ravel().tolist()
        expect(got == wanted, f"A mask that holds only {sorted(set(values))} became "
               f"{got}; wanted {wanted}. A class may be absent from a picture: its number must "
               "not depend on which others are there.")


split = Exercise("1.3", "A split that does not leak", "write", minutes=8)


def columns(answer, width, gap):
    """The columns of train and those of validation."""
    parts = call(answer, width, gap)
    expect(isinstance(parts, (tuple, list)) and len(parts) == 2 and all(isinstance(p, slice) for p in parts),
           "Return two slices: (columns of train, columns of validation).")
    expect(all(p.step in (None, 1) for p in parts),
           "A slice with a step takes every n-th column: neighbouring columns show the same nuclei.")
    ends = [end for p in parts for end in (p.start, p.stop) if end is not None]
    expect(all(hasattr(end, "__index__") for end in ends), "The ends of your slices are "
           f"{said(ends)}; wanted whole numbers. What makes one of a fraction?")
    return [np.arange(width)[part] for part in parts]


@split.behaviour
def two_slices(answer):
    columns(answer, 1280, 64)


@split.behaviour
def disjoint_with_gap(answer):
    for width, gap in [(1280, 64), (500, 20), (300, 0), (501, 20)]:
        train, val = columns(answer, width, gap)
        expect(len(train) and len(val), f"For width {width} and gap {gap} one of your two parts is empty.")
        if len(np.intersect1d(train, val)):
            raise Hint(f"For width {width} and gap {gap} your parts share {len(np.intersect1d(train, val))} columns. "
                       "A nucleus that is trained on and tested on tests memory.")
        between = max(val.min() - train.max(), train.min() - val.max()) - 1
        expect(between >= gap, f"For width {width} your parts are {between} columns apart; wanted at least {gap}: a "
                               "nucleus on the border would lie in both.")


@split.behaviour
def three_quarters(answer):
    for width, gap in [(1280, 64), (500, 20), (1000, 100), (300, 0), (100, 60), (13, 1),
                       (102, 5), (1000, 15)]:  # whatever the rounding, the gap is exact
        train, val = map(len, columns(answer, width, gap))
        left = width - gap
        expect(train + val >= left, f"For width {width} and gap {gap} you use {train + val} "
               f"columns of {left}. Nuclei drawn by hand are dear: use all but the gap.")
        expect(abs(train - 0.75 * left) <= max(0.02 * left, 1), f"For width {width} and gap {gap} "
               f"train has {train} columns and validation {val}: a share of "
               f"{train / max(train + val, 1):.2f}; wanted 0.75 of what the gap leaves.")


otsu = Exercise("1.4", "Which of these is a fair score?", "choose", minutes=5, mark="deeper")


@otsu.behaviour
def the_fair_one(answer):
    """A: threshold chosen on test; B: chosen on train, scored on test; C: scored on train; D: on random pixels."""
    chosen = letter(answer)
    why = {
        "A": "A chooses the threshold that is best on the test field, then reports that same field. What would happen "
             "on the next field?",
        "C": "C scores on the field that the threshold was chosen on. That is how well it remembers, not how well it "
             "works.",
        "D": "D holds out single pixels. Their neighbours, a pixel away, were used: is that a new image?",
    }
    expect(chosen == "B", why.get(chosen, ""))
