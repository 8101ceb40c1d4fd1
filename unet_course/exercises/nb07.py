"""Exercises of 07_evaluation. (07)"""

import math

import numpy as np
import torch
from scipy.ndimage import binary_dilation, binary_erosion

from unet_course.exercises.answers import letters, word
from unet_course.exercises.answers import number as finite
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import call, close
from unet_course.metrics.pixels import dice_score, iou_score, object_f1


def number(answer, *masks):
    """The one number that the learner's score gives."""
    got = call(answer, *masks)
    if isinstance(got, torch.Tensor):
        expect(got.numel() == 1,
               f"You return {got.numel()} numbers; wanted one for the whole mask.")
        got = got.item()
    expect(got == got, "Your score is nan; wanted a number between 0 and 1. Is 0 divided by 0?")
    return finite(got, "Your score")


def about(got, value):
    return abs(got - value) < 1e-5


# 6 pixels predicted, 4 true, 3 of them in both; 12 in all.
PREDICTION = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]).bool()
TARGET = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]]).bool()
COUNTED = "6 pixels are predicted, 4 are true, 3 are both: "

dice = Exercise("7.1", "Dice", "write", minutes=6)


@dice.behaviour
def by_counting(answer):
    got = number(answer, PREDICTION, TARGET)
    for value, why in [(3 / 7, "That is the IoU. Dice divides twice the overlap by the sum of both areas."),
                       (0.3, "That is half of it. Dice takes the overlap twice, because both areas contain it."),
                       (0.5, "That is the precision. Dice looks at both areas."),
                       (0.75, "That is the recall. Dice looks at both areas."),
                       (8 / 12, "That is the accuracy. Right background must not count.")]:
        expect(not about(got, value), f"{COUNTED}you get {value:.4g}. {why}")
    close(got, 0.6, COUNTED + "Dice is {wanted}, you get {got}.")


@dice.behaviour
def other_masks(answer):
    for shape in [(5, 7), (64, 64), (3, 16, 20), (1, 1, 9, 9)]:
        for share in (0.2, 0.7):
            prediction, target = torch.rand(2, *shape) < share
            prediction.flatten()[0] = target.flatten()[0] = True
            with asking(f"That was with masks of shape {shape}. Which number of axes, or which "
                        "size, does your code count on?"):
                got = number(answer, prediction, target)
            close(got, dice_score(prediction, target), f"For random masks of shape {shape} Dice is "
                  "{wanted}, you get {got}. Are all axes counted together?")


@dice.behaviour
def only_one_empty(answer):
    none = torch.zeros(8, 8, dtype=torch.bool)
    one_pixel = none.clone()
    one_pixel[-1, -1] = True
    for some in (torch.rand(8, 8) < 0.5, one_pixel):
        for prediction, target, what in [
                (none, some, "Nothing is predicted, but there is something"),
                (some, none, "Something is predicted, but there is nothing")]:
            close(number(answer, prediction, target), 0.0,
                  what + ": Dice is {wanted}, you get {got}.")


@dice.behaviour
def both_empty(answer):
    none = torch.zeros(8, 8, dtype=torch.bool)
    close(call(answer, none, none), 1.0, "Both masks are empty: wanted {wanted}, because nothing was missed and nothing "
                                         "invented. You get {got}. What is 0 divided by 0?")


iou = Exercise("7.2", "IoU of one class", "write", minutes=6)


@iou.behaviour
def one_class(answer):
    prediction, target = PREDICTION.long() * 2, TARGET.long() * 2
    got = number(answer, prediction, target, 2)
    for value, why in [(0.6, "That is Dice. IoU divides the overlap by the union."),
                       (0.3, "The overlap is counted twice below the line. How large is the union?"),
                       (8 / 12, "That is the accuracy. Right background must not count.")]:
        expect(not about(got, value), f"{COUNTED}you get {value:.4g}. {why}")
    close(got, 3 / 7, COUNTED + "IoU is {wanted}, you get {got}.")


@iou.behaviour
def the_class_that_is_asked_for(answer):
    for shape in [(6, 9), (40, 40), (2, 12, 12)]:
        prediction, target = torch.randint(0, 4, (2, *shape))
        for k in range(4):
            wanted = iou_score(prediction == k, target == k)
            close(number(answer, prediction, target, k), wanted,
                  f"Classes 0 to 3 at random, asked for class {k}: IoU is {{wanted}}, you get {{got}}. Where is the "
                  "prediction of that class, and where the truth? Class 0 is a class like the others.")


@iou.behaviour
def nothing_in_common(answer):
    without = torch.randint(0, 2, (7, 7))
    first, last = without.clone(), without.clone()
    first[0, :5] = 3
    last[-1, -1] = 3
    for prediction, target, what in [
            (last, without, "predicted at one pixel and true at none, so it is invented"),
            (without, last, "true at one pixel and predicted at none, so it is missed"),
            (without, first, "true at 5 pixels and predicted at none, so it is missed"),
            (first, last, "in both masks, but nowhere at the same pixel")]:
        close(number(answer, prediction, target, 3), 0.0,
              f"Class 3 is {what}: wanted {{wanted}}, you get {{got}}. What is the overlap, and "
              "when is nothing wrong?")


@iou.behaviour
def absent_class(answer):
    target = torch.randint(0, 2, (7, 7))
    close(call(answer, target, target, 3), 1.0, "Class 3 is in neither mask: wanted {wanted}, as for Dice. You get {got}.")


objects = Exercise("7.4", "Object F1", "write", minutes=15)


def labels(*runs):
    """A label image of one row, repeated three times: (label, length) after (label, length)."""
    return torch.tensor([label for label, length in runs for _ in range(length)]).repeat(3, 1)


THREE = labels((1, 10), (0, 2), (2, 10), (0, 2), (3, 10), (0, 6))


@objects.behaviour
def perfect(answer):
    close(number(answer, THREE, THREE), 1.0, "Prediction and truth are equal: F1 is {wanted}, you get {got}.")


@objects.behaviour
def numbers_do_not_matter(answer):
    renamed = torch.tensor([0, 7, 1, 4])[THREE]
    got = number(answer, renamed, THREE)
    if not about(got, 0):  # who compares numbers finds none
        close(got, 1.0, "The same three nuclei with the numbers 7, 1 and 4 instead of 1, 2 and 3: "
              "F1 is {wanted}, you get {got}. Which numbers do you go through, the largest one "
              "too, and how many objects do you count?")
    close(got, 1.0, "The same three nuclei with the numbers 7, 1 and 4 instead of 1, 2 and 3: F1 "
          "is {wanted}, you get {got}. Compare places, not numbers.")


@objects.behaviour
def found_missed_invented(answer):
    prediction = labels((1, 10), (0, 26), (5, 3), (0, 1))
    got = number(answer, prediction, THREE)
    for value, why in [(0.25, "That is TP / (TP + FP + FN). F1 counts a match twice, above and below the line."),
                       (1 / 3, "That is the recall: what about the object that was invented?"),
                       (0.5, "That is the precision: what about the nuclei that were missed?"),
                       (2 / 7, "Is the background counted as an object? It is not one."),
                       (4 / 7, "Is the background counted as an object? It is not one.")]:
        expect(not about(got, value), f"Of three nuclei one is found, two are missed, one object is invented: you get "
                                      f"{value:.4g}. {why}")
    close(got, 0.4, "Of three nuclei one is found, two are missed, one object is invented: 2·TP / (objects predicted + "
                    "objects in truth) is {wanted}, you get {got}.")


@objects.behaviour
def at_seven_tenths(answer):
    for length, of, f1 in [(8, 10, 1.0), (6, 10, 0.0), (72, 100, 1.0), (68, 100, 0.0)]:
        prediction = labels((1, length), (0, of - length))
        close(number(answer, prediction, labels((1, of))), f1,
              f"A nucleus of {of} columns is predicted with {length} of them, IoU {length / of:g}: F1 is {{wanted}}, you get "
              "{got}. Found means an IoU of at least 0.7.")
    shifted = labels((0, 2), (1, 10))
    close(number(answer, shifted, labels((1, 10), (0, 2))), 0.0, "Two nuclei of 10 columns overlap in 8, so IoU is 8/12: F1 "
          "is {wanted}, you get {got}. Divide the overlap by the union, not by one of the areas.")


@objects.behaviour
def merged_and_split(answer):
    two, one = labels((1, 10), (2, 10)), labels((1, 20))
    for prediction, target, what in [(one, two, "Two touching nuclei are predicted as one object"),
                                     (two, one, "One nucleus is predicted as two halves")]:
        close(number(answer, prediction, target), 0.0, what + ": no IoU reaches 0.7, F1 is {wanted}, you get {got}.")


@objects.behaviour
def many_objects(answer):
    for side in (4, 7):  # squares of 5×5 pixels that touch, some of them left out, all moved by a pixel
        target = torch.arange(side * side).reshape(side, side).repeat_interleave(5, 0).repeat_interleave(5, 1)
        kept = (torch.rand(side, side) < 0.7).repeat_interleave(5, 0).repeat_interleave(5, 1)
        prediction = target.roll(1, dims=1) * kept
        size = 5 * side
        above = target + 220 * (target > 0)  # with 7×7 squares up to 268, more than a byte holds
        for a, b in [(prediction, target), (target, prediction), (prediction, above),
                     (target, target * (torch.rand(target.shape) < 0.93))]:
            close(number(answer, a, b), object_f1(a, b), f"On a field of {size}×{size} pixels with many objects, F1 is "
                  "{wanted}, you get {got}.")


@objects.behaviour
def none_at_all(answer):
    empty = torch.zeros(6, 6, dtype=torch.int64)
    close(number(answer, empty, THREE[:, :6].repeat(2, 1)), 0.0, "Nothing is predicted, one nucleus is there: F1 is {wanted}, "
                                                                "you get {got}.")
    close(number(answer, THREE[:, :6].repeat(2, 1), empty), 0.0, "One object is predicted, no nucleus is there: F1 is "
                                                                "{wanted}, you get {got}.")
    close(call(answer, empty, empty), 1.0, "No nucleus and no prediction: wanted {wanted}, you get {got}. What is 0 divided "
                                           "by 0?")


leaves_alone(dice, lambda: [(PREDICTION.clone(), TARGET.clone())])
leaves_alone(objects, lambda: [(THREE.clone(), THREE.roll(1, dims=1))])


choose = Exercise("7.3", "Choose the score", "choose", minutes=5, mark="classroom")
OPTIONS = ("accuracy", "recall", "boundary F1", "object F1")


@choose.behaviour
def counting(answer):
    expect((got := word(answer, 0, OPTIONS)) == "object F1", f"1: the question is how many nuclei there are. "
           f"{got.capitalize()} stays high if two nuclei are melted into one. Which score does not?")


@choose.behaviour
def nothing_missed(answer):
    expect((got := word(answer, 1, OPTIONS)) == "recall", f"2: a missed pixel is the worst, a false alarm is looked at by a "
           f"person. Does {got} speak of what was missed, and of that alone?")


@choose.behaviour
def outlines(answer):
    expect((got := word(answer, 2, OPTIONS)) == "boundary F1", f"3: only the outline matters, to 2 pixels. In {got} the many "
           "pixels inside, or the count, hide it.")


@choose.behaviour
def flattering(answer):
    expect((got := word(answer, 3, OPTIONS)) == "accuracy", f"4: one pixel in 10,000 is tumour. What does {got} say of a mask "
           "with nothing in it? And which of the four says 0.9999?")


bootstrap = Exercise("7.7", "How sure is a mean?", "write", minutes=15, mark="deeper")


def interval(answer, *values):
    got = call(answer, *values)
    if isinstance(got, torch.Tensor):
        got = got.tolist()
    expect(isinstance(got, (tuple, list)) and len(got) == 2,
           f"Your answer is {said(got)}; wanted two numbers: (low, high).")
    return [finite(end, "One end of your interval") for end in got]


@bootstrap.behaviour
def low_and_high(answer):
    low, high = interval(answer, torch.rand(50))
    expect(low <= high, f"Your low end {low:.3g} is above your high end {high:.3g}.")


@bootstrap.behaviour
def of_the_mean(answer):
    values = 0.6 + 0.1 * torch.rand(400)
    low, high = interval(answer, values)
    mean = values.mean().item()
    expect(high - low > 1e-6, "Both ends are the same number. Is each new sample drawn with replacement, and another one "
                              "each time?")
    expect(low <= mean <= high, f"The mean of the values, {mean:.4f}, is not in your interval {low:.4f} to {high:.4f}.")
    expect(high - low < 0.085,  # the mean of two values would give 0.078
           f"Your interval, {low:.3f} to {high:.3f}, holds the single values. Wanted is where the "
           "mean of a new sample lies: take the mean of each sample first.")


@bootstrap.behaviour
def the_middle_of_the_samples(answer):
    values = torch.cat([torch.zeros(98), torch.ones(2)])[torch.randperm(100)]
    low, high = interval(answer, values)
    expect(low >= 0,
           f"2 of 100 values are 1, all others 0, and your interval begins at {low:.3f}. No mean "
           "can lie there: take the percentiles of the means themselves.")


@bootstrap.behaviour
def order_does_not_matter(answer):
    values = torch.cat([torch.zeros(150), torch.ones(150)])
    low, high = interval(answer, values)
    left, right = interval(answer, values[torch.randperm(300)])
    expect(abs((low + high) / 2 - 0.5) < 0.05 and high - low < 2 * (right - left),
           "150 zeros, then 150 ones, gives another interval "
           f"({low:.2f} to {high:.2f}) than the same values mixed ({left:.2f} to {right:.2f}). "
           "Draw single values, each one as likely as any other.")


@bootstrap.behaviour
def samples_as_large_as_the_old_one(answer):
    low, high = interval(answer, torch.eye(7)[3])
    sevenths = 7 * low, 7 * high  # whole numbers, for seven values that are 0 or 1
    expect(all(abs(number - round(number)) < 0.01 for number in sevenths),
           "Of 7 values one is 1, all others are 0. The mean of 7 of them is 0, 1/7, 2/7 …, and "
           f"your interval goes from {low:.3f} to {high:.3f}. How many values are in each new "
           "sample, may one of them come twice, and are there 1000 samples?")


@bootstrap.behaviour
def as_wide_as_it_has_to_be(answer):
    values = (torch.arange(100) < 80).float()  # 80 of 100 found: the mean has a spread of 0.04
    # Mixed anew for each call: an answer that seeds its generator draws other samples, too.
    mixed = [values[torch.randperm(100)] for _ in range(9)]
    widths = [high - low for low, high in (interval(answer, values) for values in mixed)]
    width = sum(widths) / 9  # 0.151 to 0.159; 5 to 95 percent at most 0.136, 1 to 99 at least 0.177
    expect(0.139 < width < 0.172,
           "80 of 100 nuclei found: 95 of 100 new samples lie in an interval about 0.16 wide, "
           f"yours is {width:.2f}. Are the ends at 2.5 and 97.5 percent, and of the means?")


@bootstrap.behaviour
def enough_samples(answer):
    values = torch.rand(20)
    means = values[torch.randint(20, (400_000, 20))].mean(dim=1).reshape(400, 1000)
    spread = torch.stack([means.quantile(end, dim=1).std() for end in (0.025, 0.975)])

    def called(mixed):
        """Ends of many calls, and the log of how much likelier they are with 500 samples than with 1000."""
        found, evidence = [], 0.0
        while -9 < evidence < 11 and len(found) < 400:  # about 50 calls tell the two apart, fewer any others
            found.append(interval(answer, values[torch.randperm(20)] if mixed else values))
            ends = torch.tensor(found)
            evidence = float(((ends - ends.mean(dim=0)) / spread).square().sum()) / 4 - (len(found) - 1) * math.log(2)
        return ends, evidence

    ends, evidence = called(mixed=True)  # so that an answer with a seed of its own draws other samples, too
    if evidence >= 11:  # few samples, or places that are not drawn alike: these move nothing in one order
        same, again = called(mixed=False)
        if again < 11 and bool(same.std(dim=0).max() > 0):
            return  # the next behaviour says it
    moved = float(ends.std(dim=0).mean() / (ends[:, 1] - ends[:, 0]).mean())
    expect(evidence < 11,
           "Called again and again with the same values, your function gives intervals whose ends "
           f"move by {100 * moved:.0f} percent of the width; with 1000 new samples that is 2 "
           "percent. How many do you draw?")


@bootstrap.behaviour
def every_value_is_drawn(answer):
    found = [interval(answer, values) for values in torch.eye(7)]
    for place, (_, high) in enumerate(found):
        expect(high > 0.01,
               f"Of 7 values only the one with index {place} is 1, all others are 0, and your "
               f"interval ends at {high:.3g}: that value is never drawn. Which indices do you draw?")
    for place, (low, high) in enumerate(found):
        expect(abs(low) < 0.01 and abs(high - 3 / 7) < 0.01,
               f"Of 7 values only the one with index {place} is 1, all others are 0: wanted 0 to "
               f"3/7, you get {low:.3f} to {high:.3f}. Is each index drawn as often as any other?")


leaves_alone(bootstrap, lambda: [(torch.rand(20),)])


picture = Exercise("7.6", "Read a confusion picture", "read", minutes=5, mark="classroom")


def four_results(truth):
    """Four results for a mask of nuclei, each wrong in its own way, by letter.

    Parameters
    ----------
    truth : array of int, shape (H, W)
        0 background, then a number for each nucleus; two at least.

    Returns
    -------
    dict of array of bool, shape (H, W)
    """
    mask, sizes = truth > 0, np.bincount(truth.ravel())
    sizes[0] = 0
    lost = truth == sizes.argmax()
    invented = np.roll(lost, (truth.shape[0] // 2, truth.shape[1] // 2), axis=(0, 1)) & ~binary_dilation(mask, iterations=4)
    later = np.pad(mask, ((0, 0), (4, 0)))[:, : mask.shape[1]]
    return {"A": binary_erosion(mask, iterations=3), "B": (mask & ~lost) | invented, "C": later,
            "D": binary_dilation(mask, iterations=3)}


def named(answer, place, wanted, hint):
    got = letters(answer, 4)[place]
    expect(got == wanted, f"{place + 1}: not {got}. {hint}")


@picture.behaviour
def nothing_missed_in_it(answer):
    named(answer, 0, "D", "Recall is 1 if no pixel is missed: look for the picture without red.")


@picture.behaviour
def nothing_invented_in_it(answer):
    named(answer, 1, "A", "Precision is 1 if no pixel is invented: look for the picture without "
          "blue.")


@picture.behaviour
def whole_objects(answer):
    named(answer, 2, "B", "Outlines are right where a nucleus has no coloured rim. Which picture has whole nuclei in "
          "one colour?")


@picture.behaviour
def moved(answer):
    named(answer, 3, "C", "If a mask has moved, each nucleus has red on one side and blue on the "
          "other.")
