"""Exercises of 01_images_and_masks. (01)"""

import numpy as np
import torch

from unet_course.exercises.answers import letter, number
from unet_course.exercises.core import Exercise, Hint, asking, expect, said, times
from unet_course.exercises.values import alike, call, close, shape, tensor
from unet_course.metrics.pixels import dice_score

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
    for mask in ([[1, 2, 2], [1, 1, 2]], [[2, 2]]):
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
    expect(got.dtype == torch.int64, f"Your mask has dtype {got.dtype}; wanted torch.int64, as "
           "cross-entropy, the loss of notebook 06, needs it. Which method of a tensor makes it?")


@clean.behaviour
def classes_that_are_absent(answer):
    number = {0: 0, 128: 1, 255: 2}
    # Never one pixel: NumPy takes a boolean tensor of one element for a place, not for a mask.
    for drawn in ([[255, 255]], [[128, 128]], [[0, 255]], [[0, 0]], [[128], [255]],
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
               f"columns of {left}. Labelled nuclei are precious: use all but the gap.")
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


threshold = Exercise("1.5", "Choose the threshold yourself", "write", minutes=10)
# Between them, level 0.2 has the highest Dice, 0.42 the most right pixels, 0.6 invents nothing.
LABELLED = [0.3, 0.3, 0.3, 0.5, 0.5, 0.7]
OTHER = [0.35, 0.35, 0.35, 0.35, 0.35, 0.46, 0.1, 0.1, 0.1, 0.1]


def pixels(labelled, other, columns):
    """An image of some labelled pixels and some others, and where they are: (rows, columns)."""
    values = torch.tensor([*labelled, *other], dtype=torch.float64)
    truth = torch.arange(len(values)) < len(labelled)
    order = torch.randperm(len(values))
    return values[order].reshape(-1, columns), truth[order].reshape(-1, columns)


def chosen(answer, image, truth, levels):
    """What the learner's function returns for some levels: one of them."""
    with asking("image > level is a mask, and dice_score(mask, truth) its Dice. For which level is "
                "it highest?"):
        got = call(answer, image, truth, list(levels))
    scores = [dice_score(image > level, truth) for level in levels]
    best = levels[scores.index(max(scores))]
    expect(len(levels) == 1 or not alike(got, torch.tensor(scores)), "You return the Dice of each "
           "level; wanted the one level for which it is highest.")
    expect(not isinstance(got, (list, tuple)) or len(got) == 1,
           f"Your answer is {said(got)}; wanted one number, the level.")
    expect(not (isinstance(got, torch.Tensor) and got.numel() > 1), "You return an array of shape "
           f"{times(getattr(got, 'shape', ()))}; wanted one number, the level.")
    got = number(got, "What you return")
    near = min(levels, key=lambda level: abs(level - got))
    if not alike(got, near):
        expect(not alike(got, max(scores)), f"You return {got:.3g}. That is the highest Dice; "
               "wanted the level for which it is reached.")
        expect(got not in range(len(levels)) or levels[int(got)] != best, f"You return {got:g}, "
               f"the place of {best:g} in the list. Wanted the level itself.")
        raise Hint(f"You return {got:.3g}, which is none of the levels {levels}. Which of these "
                   "has the highest Dice?")
    return near


def highest(answer, image, truth, levels, hint):
    """Expect a level with the highest Dice; the hint may use {got}, {dice}, {best} and {wanted}."""
    got = chosen(answer, image, truth, levels)
    scores = {level: dice_score(image > level, truth) for level in levels}
    best = max(scores, key=scores.get)
    expect(scores[got] > scores[best] - 1e-9,
           hint.format(got=f"{got:g}", dice=f"{scores[got]:.2f}", best=f"{best:g}",
                       wanted=f"{scores[best]:.2f}"))


@threshold.behaviour
def one_of_the_levels(answer):
    image, truth = pixels([0.2, 0.5, 0.6], [0.1, 0.1, 0.1, 0.1, 0.4], 4)
    chosen(answer, image, truth, [0.05, 0.15, 0.3, 0.7])


@threshold.behaviour
def highest_dice(answer):
    image, truth = pixels(LABELLED, OTHER, 4)
    got = chosen(answer, image, truth, [0.05, 0.2, 0.42, 0.6, 0.8])
    why = {
        0.42: "You choose 0.42; the highest Dice is that of 0.2. With 0.42 more pixels are right, "
              "but fewer of the labelled ones are found. Do you compare accuracies?",
        0.6: "You choose 0.6; the highest Dice is that of 0.2. With 0.6 nothing is invented, but "
             "five of six labelled pixels are missed. Does your score count those?",
        0.8: "You choose 0.8; the highest Dice is that of 0.2. No pixel is brighter than 0.8. Do "
             "you look for the smallest Dice, or at what is darker?",
        0.05: "You choose 0.05; the highest Dice is that of 0.2. All pixels are brighter than "
              "0.05, so ten are invented. Does your score count those?",
    }
    expect(got == 0.2, why.get(got, ""))


@threshold.behaviour
def brighter_not_equal(answer):
    image, truth = pixels([0.5, 0.5, 0.5], [0.25, 0.25, 0.25], 3)
    highest(answer, image, truth, [0.25, 0.5], "Labelled pixels are 0.5, all others 0.25. You "
            "choose {got}; wanted {best}. A pixel has to be brighter than the level. Is one that "
            "equals it?")


@threshold.behaviour
def in_any_order(answer):
    image, truth = pixels(LABELLED, OTHER, 2)
    for levels in ([0.6, 0.42, 0.05, 0.2], [0.2, 0.6, 0.42, 0.05], [0.42]):
        highest(answer, image, truth, levels, f"Of the levels {levels} you choose {{got}}, with a "
                "Dice of {dice}; at {best} it is {wanted}. Do you count on their order?")


@threshold.behaviour
def beyond_a_dip(answer):
    image, truth = pixels([0.15, 0.5, 0.5, 0.5], [0.3, 0.3, 0.3, 0.3, 0.05], 3)
    highest(answer, image, truth, [0.1, 0.2, 0.4, 0.6], "Here Dice falls from the first level to "
            "the second, and then rises: at {got} it is {dice}, at {best} it is {wanted}. Try all "
            "levels before you choose.")


@threshold.behaviour
def any_size_and_range(answer):
    for rows, columns in ((5, 3), (1, 2), (7, 13)):
        image = torch.linspace(110, 890, rows * columns, dtype=torch.float64).reshape(rows, columns)
        truth = image + 300 * torch.rand(rows, columns) > 650 if rows > 1 else image > 0
        highest(answer, image, truth, [50, 200, 350, 500, 650, 800, 950],
                f"{rows}×{columns} pixels, in a camera's numbers: you choose {{got}}, with a Dice "
                "of {dice}; at {best} it is {wanted}.")


@threshold.behaviour
def nothing_labelled(answer):
    image, truth = pixels([], [0.1, 0.2, 0.3, 0.3], 2)
    highest(answer, image, truth, [0.05, 0.25, 0.4], "No pixel is labelled, and none is brighter "
            "than {best}: nothing is wrong there, and dice_score gives 1. You choose {got}. What "
            "does your Dice make of 0 / 0?")
