"""Exercises of 00_start_here. (00)"""

import numpy as np
import torch

from unet_course.exercises.answers import several, whole
from unet_course.exercises.core import Exercise, expect, said
from unet_course.exercises.values import alike, call, close, tensor

to_mask = Exercise("0.1", "From probabilities to a mask", "write", minutes=3, mark="classroom")


def mask_of(answer, probabilities):
    """What the learner's function makes of probabilities."""
    got = call(answer, probabilities)
    expect(not (isinstance(got, tuple) and hasattr(got, "indices")), "You return two tensors: the "
           "largest values and their places. Which of the two is the class?")
    return tensor(got, "Your mask")


@to_mask.behaviour
def one_class_per_pixel(answer):
    for sizes in [(3, 5, 7), (2, 9, 4), (5, 1, 2)]:
        got = tuple(mask_of(answer, torch.rand(sizes).softmax(dim=0)).shape)
        expect(got != (1, *sizes[1:]), f"For probabilities of shape {sizes} your mask has shape "
               f"{got}; wanted {sizes[1:]}: an axis of length 1 is too much. What keeps it?")
        expect(got == sizes[1:] or got != sizes[:0:-1], f"For probabilities of shape {sizes} your "
               f"mask has shape {got}; wanted {sizes[1:]}: rows and columns have changed places. "
               "What is done after the class is found?")
        expect(got == sizes[1:], f"For probabilities of shape {sizes} your mask has shape {got}; wanted {sizes[1:]}, "
                                 "one number for each pixel. Along which axis do the classes lie?")


@to_mask.behaviour
def whole_numbers(answer):
    mask = mask_of(answer, torch.rand(3, 4, 4))
    expect(mask.dtype != torch.bool, "Your mask holds True and False. What if there are three "
           "classes to choose from?")
    if mask.is_floating_point():
        expect(bool((mask != mask.round()).any()), "Your mask holds class numbers as floats. A "
               "class is a whole number. Which method of a tensor makes one?")
        expect(False, "Your mask holds probabilities. A class is a whole number: do you return the "
               "largest probability instead of its place?")


@to_mask.behaviour
def most_probable_class(answer):
    probabilities = torch.rand(4, 6, 8).softmax(dim=0)
    got, wanted = mask_of(answer, probabilities), probabilities.argmax(dim=0)
    expect(not alike(got, wanted + 1), "Every class of yours is one too large. Which number has "
           "the first class?")
    first = probabilities[:3].argmax(dim=0)
    expect(alike(got, wanted) or not alike(got, first), "There are 4 classes here, and you "
           "choose among the first three. Which number of classes is fixed in your code?")
    close(got, wanted, "Some pixels did not get "
          "their most probable class. Which torch method gives the place of a maximum?")
    near = torch.tensor([0.4010, 0.4015, 0.1975]).reshape(3, 1, 1).expand(3, 1, 2)
    close(mask_of(answer, near), [[1, 1]], "The probabilities are 0.4010, 0.4015 and 0.1975: the "
          "largest is that of class 1. Are they rounded before they are compared?")


predict = Exercise("0.2", "The same network, another image", "predict", minutes=3, mark="classroom")
LEVELS, WIDTH, CLASSES, IMAGE = 3, 64, 3, (512, 384)


def two_shapes(answer):
    """The two shapes that were predicted: at the bottom, and of the output."""
    pair = several(answer, 2, "[(64, 32, 32), (3, 256, 256)]")
    return [tuple(whole(n, f"A number in your shape of the {what}") for n in several(one, 3, "(1, 256, 256)"))
            for what, one in zip(("bottom", "output"), pair)]


@predict.behaviour
def bottom_size(answer):
    bottom, out = two_shapes(answer)
    got, wanted = bottom[1:], tuple(n // 2**LEVELS for n in IMAGE)
    expect((bottom, out) != ((CLASSES, *IMAGE), (WIDTH, *wanted)), "These are the right two shapes "
           "in the other order: first the one at the bottom, then the one that comes out.")
    expect(bottom[:2] != wanted or out[:2] != IMAGE, "Your shapes have the channels last. Which of "
           "the three numbers stands first in (C, H, W)?")
    expect(got != wanted[::-1], "At the bottom you have height and width the wrong way round: height comes first.")
    expect(got == wanted, f"At the bottom you expect {got[0]}×{got[1]}. The image has {IMAGE[0]}×{IMAGE[1]} pixels; how many "
           "red arrows halve it?")


@predict.behaviour
def bottom_channels(answer):
    got = two_shapes(answer)[0][0]
    expect(got == WIDTH, f"Channels at the bottom: you say {got}, in the figure it is {WIDTH}. "
           "Does the number of channels belong to the network, or to the image?")


@predict.behaviour
def output(answer):
    got = two_shapes(answer)[1]
    expect(got[0] == CLASSES, f"Channels that come out: you say {got[0]}. How many classes does "
           "each pixel have to choose from?")
    expect(got[1:] != IMAGE[::-1], "In what comes out you have height and width the wrong way "
           "round: height comes first.")
    expect(got[1:] == IMAGE, f"You expect {got[1]}×{got[2]} to come out. The network answers for every pixel of the image.")


scaled = Exercise("0.3", "From the camera's numbers to 0 … 1", "write", minutes=8, mark="deeper")


def scale(answer, raw, low, high):
    """What the learner's function makes of a camera's numbers, as a tensor."""
    got = call(answer, np.asarray(raw, dtype=np.uint16), low, high)
    expect(isinstance(got, torch.Tensor), f"Your result is {said(got)}; wanted an array or a "
           "tensor of float32.")
    return got


@scaled.behaviour
def same_shape_as_float32(answer):
    for sizes in [(3, 5), (4, 2, 7), (1,)]:
        got = scale(answer, np.full(sizes, 300), 100, 500)
        expect(tuple(got.shape) == sizes, f"From shape {sizes} you make {tuple(got.shape)}; wanted the same shape.")
        expect(got.dtype == torch.float32, f"Your result has dtype {got.dtype}; wanted float32, as the network's "
               "weights have.")


def why_not(got, wanted, raw):
    """What to ask about numbers that are not scaled as wanted."""
    small = torch.tensor(raw) <= 32767
    if any(alike(got, np.round(wanted, digits)) for digits in (1, 2, 3)):
        return "Yours is rounded. Return all the digits."
    if alike(got, wanted, 2e-3):
        return "Yours is right to three digits. Which dtype on the way has no more of them?"
    if len(got.unique()) == 1:
        return "All of yours are equal. Do you clip, or divide by //, before the end?"
    wanted = torch.tensor(wanted)
    if got.shape == small.shape and not small.all() and alike(got[small], wanted[small]):
        return "Only numbers above 32767 are wrong. Which dtype on the way ends there?"
    return "Take low away, then divide by what?"


@scaled.behaviour
def evenly_between(answer):
    for low, high in [(100, 500), (1000, 65535), (0, 255)]:
        # an image need not reach low and high
        for shares in [(0.2, 0.4, 0.6), (0.0, 0.2, 0.6, 1.0), (0.0625, 0.4375, 0.8125)]:
            raw = [[low + round(share * (high - low)) for share in shares]]
            wanted = [[(n - low) / (high - low) for n in raw[0]]]
            got = scale(answer, raw, low, high)
            if shares[0]:
                expect(not alike(got, [[0, 0.5, 1]], 0.01), "You scale from the darkest to the "
                       "brightest pixel of the image. Wanted from low to high, which are the same "
                       "for all images. What became of the pixels in between?")
            close(got, wanted, f"low={low} and high={high}: {raw[0]} should become "
                  f"{', '.join(map(str, shares))}. {why_not(got, wanted, raw)}")


@scaled.behaviour
def darker_than_low(answer):
    got = scale(answer, [[40, 99, 100]], 100, 500)
    expect(bool((got < 1).all()), "With low=100, the pixels 40, 99 and 100 should become 0, and "
           "one became 1. What is 40 - 100 in numbers that cannot be negative (uint16)?")
    close(got, [[0, 0, 0]], "With low=100, the pixels 40, 99 and 100 should all become 0: what is "
          "darker than low is clipped.")


@scaled.behaviour
def brighter_than_high(answer):
    close(scale(answer, [[500, 501, 65535]], 100, 500), [[1, 1, 1]], "With high=500, the pixels "
          "500, 501 and 65535 should all become 1. What is above is clipped: one bright speck must "
          "not make all else dark.")
