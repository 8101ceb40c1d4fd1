"""Exercises of 11_ablations: how many experiments see a difference, what a line says. (11)"""

import math
import statistics

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, asking, expect
from unet_course.exercises.values import call

power = Exercise("11.6", "What share sees it?", "write", minutes=12)
CALLS, ROOM = 4, 0.045  # the mean of four calls moves by 0.008: more than five times that
ROOM_OF_ONE = 0.08  # where all calls draw the same, they are worth one: 0.016
ABOVE = statistics.NormalDist()
SIZES = [(2, 2), (3, 2), (1, 2), (3, 5), (5, 3), (7, 5), (4, 3), (2, 3), (5, 5), (3, 7), (2, 1), (1, 1)]


def _wanted(difference, error, limit=2.0, sides=2):
    """The share of experiments in which the difference is at least so many errors, in one or both directions."""
    up = 1 - ABOVE.cdf(limit - difference / error)
    return up + (ABOVE.cdf(-limit - difference / error) if sides == 2 else 0)


def _error(spread, n, m):
    return spread * math.sqrt(1 / n + 1 / m)


def _shares(answer, cases):
    """A share for each case."""
    with asking("The arguments are two floats and two whole numbers: difference, spread, n, m."):
        return [number(call(answer, *case), "Your share") for case in cases]


def _judge(answer, cases, why):
    for difference, spread, n, m in cases:
        calls = _shares(answer, [(difference, spread, n, m)] * CALLS)
        got, room = sum(calls) / CALLS, ROOM if len(set(calls)) > 1 else ROOM_OF_ONE
        wanted = _wanted(difference, _error(spread, n, m))
        expect(abs(got - wanted) < room, f"With difference {difference:g}, spread {spread:g}, n {n} "
               f"and m {m} your share is about {got:.2f}; wanted about {wanted:.2f}. {why}")


def _parts(shares):
    """The smallest number, below 1,000, of which all these shares are whole parts; None if there is none."""
    return next((k for k in range(1, 1000) if all(abs(k * s - round(k * s)) < 2e-4 for s in shares)), None)


@power.behaviour
def a_share_of_many(answer):
    got = _shares(answer, [(0.008 + 0.004 * k, 0.02, 2, 1) for k in range(20)])
    for one in got:
        expect(0 <= one <= 1, f"Your share is {one:g}. Wanted the share of the experiments that see the "
               "difference, from 0 to 1: divide their number by that of all.")
    kinds = set(got)
    expect(len(kinds) > 1 or kinds <= {0, 1}, f"Your share is {got[0]:g}, whatever the difference is. The "
           "larger it is, the more experiments see it.")
    expect(kinds != {0, 1}, "Each of your shares is 0 or 1, as if there were one experiment. Make up 1,000, each "
           "with its own seeds and its own two means, and return the share of those that see the difference.")
    few = _parts(got) if len(kinds) > 2 else None
    expect(few is None, f"With spread 0.02, n 2 and m 1 your shares are whole parts of {few}, as if there were "
           "so few experiments. Make up at least 1,000, each with its own two means, and do not round.")


@power.behaviour
def half_of_them_with_eight(answer):
    calls = _shares(answer, [(0.02, 0.02, 8, 8)] * CALLS)
    low, high, got = min(calls), max(calls), sum(calls) / CALLS
    expect(high - low < 0.12, f"Difference, spread, n and m are the same, and your share is once {low:.2f} and once "
           f"{high:.2f}: too far apart for 1,000 experiments. Is each network drawn anew in each of them, and each mean "
           "taken over its seeds?")
    if got < 0.04:
        other, = _shares(answer, [(-0.02, 0.02, 8, 8)])
        expect(other < 0.3, f"A difference of 0.02 is seen in {got:.0%} of your experiments, one of -0.02 in "
               f"{other:.0%}. Count both directions: take the absolute difference.")
    for value, near, why in [
        (_wanted(0.02, 0.01, math.sqrt(2)), 0.04, "Is your limit two errors of one mean? A difference has "
         "the errors of both: √(1/n + 1/m)."),
        (_wanted(0.02, 0.01, 2 * math.sqrt(2)), 0.02, "Are the two errors added? Their squares are: "
         "√(1/n + 1/m)."),
        (_wanted(0.02, 0.01, 1), 0.03, "Your limit is half of what it should be. Is it one error, or is the root of "
         "another sum, or of none? Wanted are two errors, each spread · √(1/n + 1/m)."),
        (_wanted(0.02, 0.01, 3), 0.02, "Is your limit three errors, or the true difference only half of `difference`?"),
        (_wanted(0, 0.01), 0.012, "So many see one where there is none. Is `difference` added to the seeds of the "
         "second network, as it is, and only to those?"),
        (1 - _wanted(0, 0.01), 0.008, "Do you count those that come near the true difference? Wanted are those whose two "
         "means lie at least two errors apart."),
        (0.0, 0.05, "Hardly one sees it. Is your limit two errors of the means, or two spreads of "
         "single seeds?"),
        (1.0, 0.05, "Nearly all see it. Does each network have seeds of its own that spread by `spread`, is their mean "
         "taken, and is the limit two errors?"),
    ]:
        expect(abs(got - value) > near, f"Of 1,000 experiments {1000 * got:.0f} see a difference of "
               f"0.02 with eight seeds each; wanted about half. {why}")
    _judge(answer, [(0.02, 0.02, 8, 8)], "Such a difference is just two errors large. Is the error "
           "spread · √(1/n + 1/m), with the `spread` that is given, and has each network eight seeds of its own, and "
           "their mean?")


@power.behaviour
def all_of_them_if_it_is_large(answer):
    got, = _shares(answer, [(0.3, 0.02, 4, 4)])
    expect(got > 0.05, f"A difference of 15 spreads is seen by all experiments; your share is {got:g}. Is it the "
           "share of those that do not see it?")
    expect(got > 0.9995, f"A difference of 15 spreads is seen by all experiments; your share is {got:g}, wanted 1. "
           "Is the number that see it divided by the number that you make up?")


@power.behaviour
def in_either_direction(answer):
    _judge(answer, [(-0.02, 0.02, 8, 8), (-0.08, 0.02, 4, 4)], "The second network may be the worse "
           "one: take the absolute difference.")


@power.behaviour
def nothing_to_see(answer):
    calls = _shares(answer, [(0.0, 0.02, n, m) for n, m in SIZES])
    got, wanted = sum(calls) / len(SIZES), _wanted(0, 1)  # moves by 0.002
    said = (f"Where there is no difference, about {1000 * wanted:.0f} of 1,000 experiments see one all the same; of yours "
            f"{1000 * got:.0f} do. ")
    expect(got > 0.011, said + "Are the seeds of both networks drawn from a normal distribution (randn, not rand) "
           "with a standard deviation of `spread`?")
    expect(got > wanted - 0.0125, said + "Do you count those in which the second lies above and those in which it lies "
           "below, with n and m seeds and no more?")
    expect(got < wanted + 0.0125, said + "The error is computed from `spread`, not from the seeds that were drawn, and "
           "each mean is a mean of n or m seeds.")


@power.behaviour
def groups_of_other_sizes(answer):
    _judge(answer, [(0.03, 0.02, 4, 12), (0.03, 0.02, 12, 4), (0.03, 0.02, 1, 9),
                    (0.02, 0.02, 20, 3), (0.03, 0.02, 9, 1)],
           "The first network has n seeds, the second m: the error is spread · √(1/n + 1/m), and "
           "each mean is over its own seeds.")


@power.behaviour
def other_scales(answer):
    _judge(answer, [(4.0, 2.0, 2, 2), (1.0, 0.5, 3, 5), (0.02, 0.05, 6, 6), (0.05, 0.02, 2, 2),
                    (0.06, 0.03, 2, 3), (9.0, 0.5, 3, 3)],
           "Does everything depend on `difference` and `spread` as it should?")


enough = Exercise("11.7", "Eighty in a hundred", "predict", minutes=6)


def _of_three(answer, place):
    return several(answer, 3, "[10, 20, 0.05]")[place]


def _seeds(answer, place, difference):
    """A number of seeds, not necessarily whole, and the hundredths of the experiments that see the difference."""
    what = f"Answer {place + 1}"
    got = number(_of_three(answer, place), what)
    expect(got >= 1, f"{what} is {got:g}. Wanted a number of seeds, such as 10.")
    return got, round(100 * _wanted(difference, _error(0.02, got, got)))


@enough.behaviour
def seeds_for_the_same(answer):
    got, seen = _seeds(answer, 0, 0.02)
    expect(not 29 <= got <= 36, f"Answer 1 is {got:g}. Are those the seeds of both networks? Wanted is the number for each.")
    expect(14.1 <= got < 19, f"Answer 1 is {got:g}: with so many of each, about {seen} in 100 experiments see it. Wanted "
           "about 80.")


@enough.behaviour
def seeds_for_half(answer):
    got, seen = _seeds(answer, 1, 0.01)
    expect(not 28 <= got <= 37, f"Answer 2 is {got:g}: twice as many. The error falls with the square "
           "root of n, so half the difference takes more than twice as many.")
    expect(got > 19, f"Answer 2 is {got:g}. A smaller difference takes more seeds, not fewer "
           "or as many.")
    expect(57 <= got <= 72, f"Answer 2 is {got:g}: with so many of each, about {seen} in 100 experiments see it. What has "
           "to happen to the error if the difference is half as large? And to n?")


@enough.behaviour
def what_five_can_see(answer):
    got = number(_of_three(answer, 2), "Answer 3")
    error = _error(0.02, 5, 5)
    expect(0 < got < 0.2, f"Answer 3 is {got:g}. Wanted a difference of scores, such as 0.05.")
    expect(abs(got - 2.8 * 0.02) > 0.0011, f"Answer 3 is {got:g}: 2.8 spreads of single seeds. Wanted are errors: how "
           "large is the error with five seeds of each?")
    expect(0.0333 <= got <= 0.0395, f"Answer 3 is {got:g}: with five seeds of each, about "
           f"{100 * _wanted(got, error):.0f} in 100 experiments see that; wanted about 80. They see a difference of about "
           "2.8 errors. How large is one error?")


sceptic = Exercise("11.8", "Read a line as a sceptic", "read", minutes=8)
VERDICTS = ("supported", "not supported", "cannot tell")


def _claim(answer, place, wanted, hints):
    """The verdict on one claim; each wrong one has its own hint."""
    got = word(answer, place, VERDICTS)
    expect(got == wanted, f"Claim {place + 1}: not {got!r}. {hints.get(got, '')}")


@sceptic.behaviour
def with_every_seed(answer):
    _claim(answer, 0, "supported", {
        "not supported": "The claim is about each seed beside the same seed of the base, not about all ten scores in one "
                         "heap, nor about p. The list of pairs has the five differences.",
        "cannot tell": "All five differences are there, in the list of pairs. Look at their signs."})


@sceptic.behaviour
def many_lines(answer):
    _claim(answer, 1, "not supported", {
        "supported": "A star comes by luck in one of 126 comparisons. How many does the table hold? How many stars would "
                     "luck alone bring?",
        "cannot tell": "The list of small p says how many comparisons the table holds, and how many stars luck alone "
                       "would bring."})


@sceptic.behaviour
def one_of_three(answer):
    _claim(answer, 2, "cannot tell", {
        "supported": "How many skips does this network lack? Look for a training in which the top one alone is silent.",
        "not supported": "Nothing here speaks against the claim, and nothing for it: all three skips were cut at once. "
                         "Which training would tell?"})


@sceptic.behaviour
def too_small_to_see(answer):
    _claim(answer, 3, "not supported", {
        "supported": "Section 5 prints how large a difference in the F1 on `shifted` has to be, so that four in five "
                     "experiments with five seeds of each see it. Is 0.03 as large?",
        "cannot tell": "All that it takes is there: section 5 prints, for the F1 on `shifted`, what four in five "
                       "experiments with five seeds of each see."})
