"""Exercises of 11_ablations: how many experiments see a difference, what a line says. (11)"""

import math
import statistics

from unet_course.exercises.answers import number, several, whole, word
from unet_course.exercises.core import Exercise, asking, expect
from unet_course.exercises.values import call

power = Exercise("11.6", "What share sees it?", "write", minutes=12)
CALLS, ROOM = 4, 0.045  # the mean of four calls moves by 0.008: more than five times that
ABOVE = statistics.NormalDist()


def _wanted(difference, error, limit=2.0, sides=2):
    """The share of experiments in which the difference is at least so many errors, in one or both directions."""
    up = 1 - ABOVE.cdf(limit - difference / error)
    return up + (ABOVE.cdf(-limit - difference / error) if sides == 2 else 0)


def _error(spread, n, m):
    return spread * math.sqrt(1 / n + 1 / m)


def _shares(answer, difference, spread, n, m):
    """The mean of a few calls, and the first."""
    with asking("The arguments are two floats and two whole numbers: difference, spread, n, m."):
        got = [number(call(answer, difference, spread, n, m), "Your share") for _ in range(CALLS)]
    return sum(got) / CALLS, got[0]


def _judge(answer, cases, why):
    for difference, spread, n, m in cases:
        got, _ = _shares(answer, difference, spread, n, m)
        wanted = _wanted(difference, _error(spread, n, m))
        expect(abs(got - wanted) < ROOM, f"With difference {difference:g}, spread {spread:g}, n {n} "
               f"and m {m} your share is about {got:.2f}; wanted about {wanted:.2f}. {why}")


@power.behaviour
def half_of_them_with_eight(answer):
    got, one = _shares(answer, 0.02, 0.02, 8, 8)
    expect(0 <= got <= 1, f"Your share is {one:g}. Wanted the share of the experiments that see the "
           "difference, from 0 to 1: divide their number by that of all.")
    for value, why in [
        (_wanted(0.02, 0.01, math.sqrt(2)), "Is your limit two errors of one mean? A difference has "
         "the errors of both: √(1/n + 1/m)."),
        (_wanted(0.02, 0.01, 2 * math.sqrt(2)), "Are the two errors added? Their squares are: "
         "√(1/n + 1/m)."),
        (_wanted(0.02, 0.01, 1), "Is your limit one error? Wanted two."),
        (0.0, "No experiment sees it. Is your limit two errors of the means, or two spreads of "
         "single seeds?"),
        (1.0, "Every experiment sees it. Are single seeds drawn, and is their mean taken?"),
    ]:
        expect(abs(got - value) > 0.04, f"Of 1,000 experiments {1000 * got:.0f} see a difference of "
               f"0.02 with eight seeds each; wanted about half. {why}")
    _judge(answer, [(0.02, 0.02, 8, 8)], "Such a difference is just two errors large.")


@power.behaviour
def in_either_direction(answer):
    _judge(answer, [(-0.02, 0.02, 8, 8), (-0.08, 0.02, 4, 4)], "The second network may be the worse "
           "one: take the absolute difference.")


@power.behaviour
def nothing_to_see(answer):
    _judge(answer, [(0.0, 0.02, 8, 8), (0.0, 0.02, 2, 2), (0.0, 0.02, 3, 2)], "Where there is no "
           "difference, about one experiment in twenty sees one all the same. The error is computed "
           "from `spread`, not from the seeds that were drawn.")


@power.behaviour
def groups_of_other_sizes(answer):
    _judge(answer, [(0.03, 0.02, 4, 12), (0.03, 0.02, 12, 4), (0.03, 0.02, 1, 9),
                    (0.012, 0.02, 40, 9), (0.03, 0.02, 9, 1)],
           "The first network has n seeds, the second m: the error is spread · √(1/n + 1/m), and "
           "each mean is over its own seeds.")


@power.behaviour
def other_scales(answer):
    _judge(answer, [(2.0, 2.0, 8, 8), (1.0, 0.5, 3, 5), (0.02, 0.05, 6, 6), (0.05, 0.02, 2, 2),
                    (0.06, 0.03, 2, 3), (9.0, 0.5, 3, 3)],
           "Does everything depend on `difference` and `spread` as it should?")


enough = Exercise("11.7", "Eighty in a hundred", "predict", minutes=6)


def _of_three(answer, place):
    return several(answer, 3, "[10, 20, 0.05]")[place]


@enough.behaviour
def seeds_for_the_same(answer):
    got = whole(_of_three(answer, 0), "Answer 1")
    expect(got != 8, "Answer 1 is 8: then half of the experiments see it. Wanted four in five.")
    expect(14 < got < 19, f"Answer 1 is {got}. In the figure, where does the curve of this difference "
           "cross the line at 80 %? Or try your own share_seen with several n.")


@enough.behaviour
def seeds_for_half(answer):
    got = whole(_of_three(answer, 1), "Answer 2")
    expect(not 28 <= got <= 37, f"Answer 2 is {got}: twice as many. The error falls with the square "
           "root of n, so half the difference takes more than twice as many.")
    expect(not 4 <= got <= 19, f"Answer 2 is {got}. A smaller difference takes more seeds, not fewer "
           "or as many.")
    expect(57 <= got <= 72, f"Answer 2 is {got}. What has to happen to the error if the difference is "
           "half as large? And to n?")


@enough.behaviour
def what_five_can_see(answer):
    got = number(_of_three(answer, 2), "Answer 3")
    two_errors = 2 * _error(0.02, 5, 5)
    expect(abs(got - two_errors) > 1.2e-3, f"Answer 3 is {got:g}, two errors: half of the experiments "
           "see that. Wanted what four in five see.")
    expect(got < 1, f"Answer 3 is {got:g}. Wanted a difference of scores, such as 0.05.")
    expect(0.0325 <= got <= 0.0395, f"Answer 3 is {got:g}. Four in five see a difference of about 2.8 "
           "errors. How large is the error with five seeds of each?")


sceptic = Exercise("11.8", "Read a line as a sceptic", "read", minutes=8)
VERDICTS = ("supported", "not supported", "cannot tell")


def _claim(answer, place, wanted, hints):
    """The verdict on one claim; each wrong one has its own hint."""
    got = word(answer, place, VERDICTS)
    expect(got == wanted, f"Claim {place + 1}: not {got!r}. {hints.get(got, '')}")


@sceptic.behaviour
def with_every_seed(answer):
    _claim(answer, 0, "supported", {
        "not supported": "The claim is about pairs, not about all ten numbers in one heap. Set the two numbers of seed 0 "
                         "side by side, then those of seed 1, and so on.",
        "cannot tell": "All ten scores are there. Set the two numbers of each seed side by side."})


@sceptic.behaviour
def many_lines(answer):
    _claim(answer, 1, "not supported", {
        "supported": "p below 0.05 comes by luck in about one of twenty lines. How many lines were looked at? How many "
                     "such p would luck alone bring?",
        "cannot tell": "The statement says how many lines the table has, and how many of them have p below 0.05. How "
                       "many would luck alone bring?"})


@sceptic.behaviour
def another_field(answer):
    _claim(answer, 2, "cannot tell", {
        "supported": "On which field was this line measured? Look for a number of the field that the claim is about.",
        "not supported": "Nothing here speaks against the claim, and nothing for it. Which field was this line measured "
                         "on?"})


@sceptic.behaviour
def too_small_to_see(answer):
    _claim(answer, 3, "not supported", {
        "supported": "Single seeds spread by 0.016 and there are five of each. How large is the error of the "
                     "difference? Four in five experiments see a difference of about 2.8 errors.",
        "cannot tell": "All that it takes is there: the spread of single seeds, and how many there are. How large a "
                       "difference do five seeds of each show (Exercise 11.7)?"})
