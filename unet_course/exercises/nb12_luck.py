"""Exercises: how often luck says that one network is better, and what follows from a table. (12)"""

import math

from unet_course.exercises.answers import number, word
from unet_course.exercises.core import Exercise, expect
from unet_course.exercises.values import alike, call

luck = Exercise("12.7", "How often luck says it", "write", minutes=10)


def true_luck(base, other, looks):
    return looks * 2 / math.comb(base + other, base)


def one_luck(answer, base, other, looks):
    return number(call(answer, base, other, looks), "Your result")


@luck.behaviour
def one_look(answer):
    got, again = one_luck(answer, 3, 3, 1), one_luck(answer, 3, 3, 1)
    came = f"For 3 and 3 seeds and one comparison you return {got:g}"
    expect(got == again, f"{came}, and called once more {again:g}. Do you draw at random, or is something kept from "
           "call to call? There are few ways to choose the three: all of them can be counted.")
    for wrong, why in [(1 / 20, "That is one of the 20 ways. The rule also speaks where all of one side are lower."),
                       *((k / orders, "You count orders. Which scores are the base's is drawn; does it matter in "
                          "which order they are drawn?") for k in (1, 2) for orders in (120, 720)),
                       (2 / 64, "You toss a coin for each score. But exactly 3 of the 6 are the base's."),
                       (20, "That is the number of ways. In how many of them does the rule speak?"),
                       (2, "That is how many ways it is. Out of how many?"),
                       (0.9, "That is how often the rule cannot tell."),
                       (0, "That is never. Do you round, divide with //, draw at random, or leave a comparison out?")]:
        expect(not alike(got, wrong), f"{came}. {why}")
    expect(got <= 1, f"{came}. In one comparison the rule speaks at most once. Is it a percentage, or one in how many? "
           "Wanted is how many times.")
    expect(alike(got, 0.1) or abs(got - 0.1) > 0.004, f"{came}. That is near. Do you draw at random? There are few ways "
           "to choose the three: all of them can be counted.")
    expect(alike(got, 0.1), f"{came}; wanted another "
           "number. Six scores, and three of them are the base's. How many ways are there "
           "to choose the three, and in how many does one side lie wholly above?")


@luck.behaviour
def any_number_of_seeds(answer):
    for base, other in [(5, 5), (3, 5), (5, 3), (1, 1), (10, 4), (4, 1)]:
        got, wanted = one_luck(answer, base, other, 1), true_luck(base, other, 1)
        came = f"For {base} and {other} seeds and one comparison you return {got:g}; wanted {wanted:g}. "
        expect(alike(got, wanted, 1e-7) or got not in [round(wanted, k) for k in range(7)],
               came + "Is your result rounded? Return it as it is.")
        expect(not alike(got, wanted / 2, 1e-7), came + "The rule speaks in two ways: all of the base's above, or all below.")
        for both in {base, other} if base != other else ():
            expect(not alike(got, true_luck(both, both, 1), 1e-7) or alike(got, wanted, 1e-7),
                   came + f"Yours is for {both} seeds of both.")
        expect(alike(got, wanted, 1e-7), came + "It was right for 3 and 3. In how many ways can the base's scores be "
               "chosen from all of them?")


@luck.behaviour
def many_looks(answer):
    for base, other, looks in [(3, 3, 8), (5, 5, 12), (3, 3, 30), (2, 4, 1)]:
        got, wanted = one_luck(answer, base, other, looks), true_luck(base, other, looks)
        once = true_luck(base, other, 1)
        why = f"For {base} and {other} seeds and {looks} comparisons you return {got:g}. "
        expect(looks == 1 or not alike(got, once), why + "That is for one comparison.")
        expect(looks == 1 or not alike(got, 1 - (1 - once) ** looks), why + "That is how probable one such verdict or more "
               "is, if the comparisons have nothing to do with each other. Asked for is how many there are on average.")
        expect(alike(got, wanted, 1e-7), why + f"Wanted {wanted:g}. Each comparison adds the same to what "
               "is to be expected.")


take = Exercise("12.8", "Which network would you take?", "read", minutes=8)
FOLLOWS, NOT = "follows", "does not follow"


def judged(answer, place, wanted, why):
    got = word(answer, place, (FOLLOWS, NOT))
    expect(got == wanted, f"{place + 1}: you choose '{got}'. {why}")


@take.behaviour
def the_rule_has_spoken(answer):
    judged(answer, 0, FOLLOWS, "Which is the lowest F1 of the new network, and which the highest of U-Net? What does "
           "the rule say then?")


@take.behaviour
def a_mean_is_no_rule(answer):
    judged(answer, 1, NOT, "The rule asks for all seeds, not for the mean. Which seeds of the new network lie among "
           "U-Net's?")


@take.behaviour
def steps_are_no_hours(answer):
    judged(answer, 2, NOT, "The scores are those after equal steps. How many steps does each network make in an hour, and "
           "is U-Net's score after so many in the table?")


@take.behaviour
def luck_may_have_spoken(answer):
    judged(answer, 3, FOLLOWS, "Five scores of ten are U-Net's. In how many ways can they be chosen, and in how many of "
           "these does the rule speak?")
