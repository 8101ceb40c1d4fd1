"""Exercises of 05_the_full_unet: the sizes without padding, what makes it larger, the head. (05)"""

from unet_course.exercises.answers import number, several, whole
from unet_course.exercises.core import Exercise, expect, said
from unet_course.exercises.values import call, close

paper = Exercise("5.4", "The paper's sizes", "write", minutes=10, mark="deeper")


def size_of(answer, n, pools):
    """What the answer says to a size and a number of pools: None is an answer, too."""
    in_brackets = (lambda *given: (answer(*given),)) if callable(answer) else answer
    return call(in_brackets, n, pools)[0]


def expect_size(answer, n, pools, wanted, why):
    got = size_of(answer, n, pools)
    expect(got is not None, f"{n} pixels, pools={pools}: you say None, but every pool meets an even number, and {wanted} "
                            f"pixels are left. {why}")
    close(got, wanted, f"{n} pixels, pools={pools}: " + "wanted {wanted}, you say {got}. " + why)


def expect_none(answer, n, pools, why):
    got = size_of(answer, n, pools)
    expect(got is None, f"{n} pixels, pools={pools}: wanted None, you say {said(got)}. {why}")


@paper.behaviour
def the_paper(answer):
    expect_size(answer, 572, 4, 388, "Four levels down, each two convolutions and a pool; two at the bottom; "
                "four levels up, each doubled, then two again. Each 3×3 convolution takes off 2, the 1×1 head nothing.")


@paper.behaviour
def other_sizes(answer):
    for n, wanted in [(188, 4), (236, 52), (700, 516)]:
        expect_size(answer, n, 4, wanted, "For 572 yours was right. Which number in your code holds for 572 alone?")


@paper.behaviour
def other_depths(answer):
    for n, pools, wanted in [(20, 1, 4), (92, 2, 52), (100, 3, 12), (572, 5, 196)]:
        expect_size(answer, n, pools, wanted, "With four pools yours was right. Does each loop run once for each pool?")


@paper.behaviour
def odd_numbers(answer):
    for n, pools, met in [(573, 4, 569), (574, 4, 281), (576, 4, 137), (580, 4, 65), (21, 1, 17)]:
        expect_none(answer, n, pools, f"A pool meets {met}, an odd number. Is the number tested before each halving, after "
                                      "the two convolutions?")


@paper.behaviour
def nothing_left(answer):
    for n, pools in [(12, 1), (16, 1), (40, 2), (140, 4)]:
        expect_none(answer, n, pools, "Every pool meets an even number, but no pixel comes out. Do you look at what "
                                      "is left in the end?")


growth = Exercise("5.5", "What makes it larger?", "predict", minutes=5, mark="classroom")
GROWTH = (
    ("parameters, image", 1, "Are the weights of a 3×3 kernel more if it runs over a larger image?"),
    ("parameters, channels", 4, "A convolution has 9 weights for each pair of an input and an output channel. Both double."),
    ("values, image", 4, "Height doubles, and width doubles. Every tensor has channels × height × width values."),
    ("values, channels", 2, "Every tensor has channels × height × width values; only the first of the three doubles."),
)


def growth_of(answer, place):
    """Expect one of the four factors; about four is four."""
    what, wanted, question = GROWTH[place]
    got = number(several(answer, 4, "[2, 2, 2, 2]")[place], f"Factor {place + 1}")
    expect(abs(got - wanted) <= 0.05 * wanted, f"{place + 1}: you say that {what.split(',')[0]} become {got:g} times as many. "
           f"{question}")


@growth.behaviour
def parameters_by_image(answer):
    growth_of(answer, 0)


@growth.behaviour
def parameters_by_channels(answer):
    growth_of(answer, 1)


@growth.behaviour
def values_by_image(answer):
    growth_of(answer, 2)


@growth.behaviour
def values_by_channels(answer):
    growth_of(answer, 3)


head = Exercise("5.6", "Choose the head", "choose", minutes=5, mark="classroom")
AFTER = ("softmax", "sigmoid", "nothing")


def head_for(answer, place):
    """(num_classes, what turns the logits into the result) for one of the four tasks."""
    given = several(answer, 4, '[(2, "softmax"), …]')[place]
    right = isinstance(given, (tuple, list)) and len(given) == 2
    expect(right, f"Answer {place + 1} is {said(given)}; wanted a pair such as (2, \"softmax\").")
    classes, after = given
    expect(classes not in AFTER, f"Answer {place + 1} is {said(given)}: the word comes second. How "
                                 "many channels come first?")
    classes = whole(classes, f"Answer {place + 1}: num_classes")
    after = after.strip().lower() if isinstance(after, str) else after
    expect(after in AFTER, f"Answer {place + 1}: {said(after)} is none of {', '.join(AFTER)}.")
    return classes, after


def expect_channels(number, classes, wanted, why):
    expect(classes == wanted, f"{number}: you have num_classes = {classes}. {why}")


@head.behaviour
def exclusive_classes(answer):
    classes, after = head_for(answer, 0)
    expect_channels(1, classes, 3, "Each pixel is background, boundary or interior: one score for each.")
    expect(after == "softmax", f"1: not {after}. A pixel belongs to one class and no other, so the three "
           "probabilities have to add up to 1.")


@head.behaviour
def yes_or_no(answer):
    classes, after = head_for(answer, 1)
    for given, why in [
            ((1, "softmax"), "A softmax over one score alone is always 1. Which function makes a "
                             "probability of a single score?"),
            ((1, "nothing"), "A score may be any number. What makes a probability of it?"),
            ((2, "sigmoid"), "Each of the two says yes or no for itself, and both may say yes. "
                             "What makes two scores exclude each other?"),
            ((2, "nothing"), "Scores may be any numbers. What makes probabilities of two that exclude each other?")]:
        expect((classes, after) != given, f"2: {given} does not fit. {why}")
    if classes != 2:  # two scores are right, too
        expect_channels(2, classes, 1, "How many scores does one question of yes or no need?")


@head.behaviour
def labels_that_overlap(answer):
    classes, after = head_for(answer, 2)
    expect(classes != 4,
           "3: you have 4 channels, one for each combination. These are two questions, each with "
           "its own yes or no: how many scores do they need?")
    expect_channels(3, classes, 2, "There are two questions for each pixel, each with its own yes or no.")
    expect(after != "nothing", "3: a score may be any number. What makes a probability of each?")
    expect(after == "sigmoid", f"3: not {after}. A pixel may be in a nucleus and be dividing, so the two must be free "
           "to be large both at once.")


@head.behaviour
def a_measured_value(answer):
    classes, after = head_for(answer, 3)
    expect_channels(4, classes, 1, "A distance is one number for each pixel.")
    expect(after == "nothing", f"4: not {after}: that ends at 1. A distance of 12 pixels has to be possible.")
