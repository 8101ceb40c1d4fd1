"""Exercises of 05_the_full_unet in which something is counted or chosen; the network itself is in nb05."""

from unet_course.blocks import ConvBlock
from unet_course.exercises.answers import number, several, whole
from unet_course.exercises.core import Exercise, call, close, expect, said
from unet_course.tracing import parameter_count

parameters = Exercise("5.2", "Count the parameters of a block", "predict", minutes=8)


@parameters.behaviour
def without_norm(answer):
    for c, out in [(1, 64), (3, 16), (32, 8)]:
        close(call(answer, c, out, False), parameter_count(ConvBlock(c, out, norm=False)),
              f"ConvBlock({c}, {out}, norm=False): " + "wanted {wanted}, you count {got}. Nine weights for each pair of "
              "channels, and a bias for each output channel, in both convolutions.")


@parameters.behaviour
def with_norm(answer):
    for c, out in [(1, 64), (3, 16), (32, 8)]:
        close(call(answer, c, out, True), parameter_count(ConvBlock(c, out)), f"ConvBlock({c}, {out}) with norm: " +
              "wanted {wanted}, you count {got}. No bias under a norm, but the norm has two values a channel.")


paper = Exercise("5.4", "The paper's sizes", "predict", minutes=8, mark="deeper")


@paper.behaviour
def the_paper(answer):
    close(call(answer, 572), 388, "572 pixels: wanted {wanted}, you say {got}. Four levels down, each two valid "
                                  "convolutions and a pool; the bottom; four levels up.")


@paper.behaviour
def other_sizes(answer):
    for size, wanted in [(188, 4), (236, 52), (700, 516)]:
        close(call(answer, size), wanted, f"{size} pixels: " + "wanted {wanted}, you say {got}.")


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
    classes = whole(classes, f"Answer {place + 1}: num_classes")
    after = after.strip().lower() if isinstance(after, str) else after
    expect(after in AFTER, f"Answer {place + 1}: {said(after)} is none of {', '.join(AFTER)}.")
    return classes, after


@head.behaviour
def exclusive_classes(answer):
    classes, after = head_for(answer, 0)
    expect(classes == 3, f"1: you have {classes} channels. Each pixel is background, boundary or interior: one score "
           "for each.")
    expect(after == "softmax", f"1: not {after}. A pixel belongs to one class and no other, so the three "
           "probabilities have to add up to 1.")


@head.behaviour
def yes_or_no(answer):
    expect(head_for(answer, 1) in [(1, "sigmoid"), (2, "softmax")], f"2: {head_for(answer, 1)} does not fit. Yes or "
           "no is one score "
           "and its sigmoid, or two scores and their softmax. A softmax over one score alone is always 1.")


@head.behaviour
def labels_that_overlap(answer):
    classes, after = head_for(answer, 2)
    expect(classes == 2, f"3: you have {classes} channels. There are two questions for each pixel, each with its own "
           "yes or no.")
    expect(after == "sigmoid", f"3: not {after}. A pixel may be in a nucleus and be dividing, so the two must be free "
           "to be large both at once.")


@head.behaviour
def a_measured_value(answer):
    classes, after = head_for(answer, 3)
    expect(classes == 1, f"4: you have {classes} channels. A distance is one number for each pixel.")
    expect(after == "nothing", f"4: not {after}: that ends at 1. A distance of 12 pixels has to be possible.")
