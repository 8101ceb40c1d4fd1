"""The exercise of 06_training that mends the boundary. (06)"""

import torch

from unet_course.exercises.core import Exercise, asking, expect
from unet_course.exercises.values import alike, call, close, numeric

fading = Exercise("6.8", "Mend the boundary", "write", minutes=12)
SHARES = [0.886, 0.019, 0.095]  # of background, boundary and interior


def faded(shares, done):
    """The weights of the classes, by a power that falls from 1 at 0.4 to 0 at 0.8."""
    return powered(shares, min(max((0.8 - done) / 0.4, 0), 1))


def powered(shares, power):
    """The weights by this power, divided so that the mean weight of a pixel is 1."""
    shares = torch.as_tensor(shares, dtype=torch.float64)
    weights = shares**-power
    return weights / (weights * shares).sum()


def weights_of(answer, shares, done):
    """The learner's weights, one for each class."""
    given = f"That was with {len(shares)} shares and done = {done}."
    with asking(f"{given} shares is a list: is each of its numbers taken to the power?"
                if len(shares) == 3 else f"{given} Which number of classes is fixed in your code?"):
        got = call(answer, list(shares), done)
        return torch.stack(list(got)) if isinstance(got, (list, tuple)) and all(
            isinstance(one, torch.Tensor) for one in got) else got


@fading.behaviour
def at_the_start(answer):
    got, inverse = weights_of(answer, SHARES, 0.0), 1 / torch.tensor(SHARES, dtype=torch.float64)
    if (found := numeric(got)) is not None:
        expect(found.numel() == len(SHARES), f"Wanted {len(SHARES)} weights, one for "
               f"each class; you return {found.numel()}.")
    for value, why in [
            (inverse, "That is one over the shares. The mean weight of a pixel is then 3: by what "
                      "do you divide?"),
            (inverse / inverse.sum(), "Your weights add up to 1. Wanted: the mean over the "
             "*pixels* is 1, so each weight counts as often as its class has pixels."),
            (inverse / inverse.mean(), "The mean of your three weights is 1. Wanted: the mean over "
             "the *pixels*, so each weight counts as often as its class has pixels."),
            (inverse / inverse.max(), "Your largest weight is 1. Wanted: the mean weight of a "
             "pixel is 1."),
            (torch.tensor(SHARES), "Those are the shares. A rare class gets a large weight: which "
             "sign has the power?"),
            (faded(SHARES, 1.0), "At the start of the training all your weights are 1. Which way "
             "does the power go, from 1 to 0 or from 0 to 1?"),
            (faded(SHARES, 0.6), "At the start the power is 1, and not a half."),
            (powered(SHARES, 2), "Your power is 2 there. Above 1 the straight line does not go on: which of "
             "min and max holds it back?"),
            (powered(SHARES, -1), "A rare class gets a large weight: which sign has the power?"),
            (torch.full((3,), 1 / 3), "You return share times weight. Wanted are the weights.")]:
        expect(not alike(got, value, 1e-3), f"At done = 0: {why}")
    close(got, faded(SHARES, 0.0), "At done = 0 the power is 1: one over the shares, divided by "
          "the sum of share times weight.", 1e-4)


@fading.behaviour
def held_until_two_fifths(answer):
    for done in (0.1, 0.25, 0.4):
        close(weights_of(answer, SHARES, done), faded(SHARES, 0.0), f"At done = {done} nothing "
              "has faded yet: until 0.4 the weights are those of the start.", 1e-4)


@fading.behaviour
def the_power_falls(answer):
    first, last = faded(SHARES, 0.0), faded(SHARES, 1.0)
    for done in (0.6, 0.5, 0.7, 0.45, 0.79):
        got, wanted = weights_of(answer, SHARES, done), faded(SHARES, done)
        left = (0.8 - done) / 0.4
        expect(not alike(got, left * first + (1 - left) * last, 1e-4), f"At done = {done} your "
               "weights lie on a straight line between those of the start and 1. Wanted the "
               "*power* on a straight line.")
        expect(not alike(got, first, 1e-4), f"At done = {done} your weights are still those of "
               "the start. From 0.4 on the power falls.")
        expect(not alike(got, last, 1e-4), f"At done = {done} all your weights are 1. The power "
               f"is {left:.3g} there: it falls in a straight line from 1 at 0.4 to 0 at 0.8.")
        expect(not alike(got, powered(SHARES, (1 - done) / 0.6), 1e-4), f"At done = {done} the power is {left:.3g}. "
               "Yours falls until the end of the training; wanted 0 from 0.8 on.")
        unscaled = torch.tensor(SHARES, dtype=torch.float64) ** -left
        expect(not alike(got, unscaled / len(SHARES), 1e-4) and not alike(got, unscaled, 1e-4),
               f"At done = {done} the mean weight of a pixel is not 1. By which weights "
               "do you divide: those of the start, or those of now?")
        close(got, wanted, f"At done = {done} the power is {left:.3g}: half-way between 0.4 and "
              "0.8 it is a half. First the power, then the division.", 1e-4)


@fading.behaviour
def gone_from_four_fifths_on(answer):
    for done in (0.8, 0.9, 1.0):
        got = weights_of(answer, SHARES, done)
        if (found := numeric(got)) is not None and found.numel() == 3:
            expect(float(found.flatten()[1]) > 0.99, f"At done = {done} the rare class weighs less than 1. "
                   "The power has to stop at 0.")
        close(got, faded(SHARES, done), f"At done = {done} the power is 0, and every weight is 1.",
              1e-4)


@fading.behaviour
def any_number_of_classes(answer):
    for shares, done in [([0.7, 0.3], 0), ([0.5, 0.2, 0.2, 0.06, 0.04], 0.55), ([1.0], 0.3),
                         ([0.25] * 4, 0.65), ([0.9, 0.06, 0.04], 1)]:
        got = weights_of(answer, shares, done)
        count = numeric(got)
        expect(count is None or count.numel() == len(shares), f"For {len(shares)} shares you "
               f"return {count.numel() if count is not None else 0} weights. Which number of "
               "classes is fixed in your code?")
        close(got, faded(shares, done), f"With shares {shares} and done = {done} it is not right.",
              1e-4)
