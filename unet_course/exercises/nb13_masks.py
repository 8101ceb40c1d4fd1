"""Exercises of 13_your_own_data about masks: what their numbers mean, and how classes are made of them."""

import math

import numpy as np
import torch

from unet_course.exercises.answers import word
from unet_course.exercises.core import Exercise, asking, call, expect, said, shape

meaning = Exercise("13.2", "What do these masks mean?", "choose", minutes=5, mark="classroom")
KINDS = ("binary", "classes", "labels", "no mask")


def _means(answer, place, wanted, why):
    got = word(answer, place, KINDS)
    expect(got == wanted, f"Folder {place + 1}: you choose {got}. {why}")


@meaning.behaviour
def two_values(answer):
    _means(answer, 0, "binary", "There are two values, whichever they are. What do all pixels of an object have in common?")


@meaning.behaviour
def one_number_an_object(answer):
    _means(answer, 1, "labels", "Each value makes one patch, and another picture has other values. Would 87 classes come in "
           "one patch each?")


@meaning.behaviour
def few_values_many_patches(answer):
    _means(answer, 2, "classes", "The same three values are in every picture, each of them in many places. What does such a "
           "value say about a pixel?")


@meaning.behaviour
def saved_as_jpeg(answer):
    _means(answer, 3, "no mask", "Nobody has drawn 256 kinds of things. JPEG stores what looks alike, not what is equal: "
           "which class would 131 be? Wanted the file before it was saved like that.")


rims = Exercise("13.3", "From labels to classes", "write", minutes=12)


def true_classes(labels):
    """0 background, 1 pixels with a neighbour of another number, 2 the rest of an object."""
    around = np.pad(labels, 1, mode="edge")
    differs = np.zeros(labels.shape, dtype=bool)
    for rows, columns in [(slice(0, -2), slice(1, -1)), (slice(2, None), slice(1, -1)), (slice(1, -1), slice(0, -2)),
                          (slice(1, -1), slice(2, None))]:
        differs |= around[rows, columns] != labels
    return np.where(labels == 0, 0, np.where(differs, 1, 2))


def _classes(answer, labels):
    with asking("The argument is a NumPy array (H, W) of whole numbers, 0 for the background."):
        got = call(answer, labels.copy())
    got = got.detach().cpu().numpy() if isinstance(got, torch.Tensor) else got
    expect(isinstance(got, np.ndarray), f"You return {said(got)}; wanted an array of classes.")
    shape(torch.zeros(got.shape), labels.shape, "Labels of shape {wanted} become classes of shape {got}.")
    values = sorted(set(np.unique(got).tolist()))
    expect(set(values) <= {0, 1, 2}, f"Your classes hold {said(values[:6])}; wanted 0, 1 and 2 alone.")
    return got


def _one(number=7):
    labels = np.zeros((9, 10), dtype=np.uint16)
    labels[2:7, 3:8] = number
    return labels


@rims.behaviour
def background_rim_inside(answer):
    got, wanted = _classes(answer, _one()), true_classes(_one())
    expect((got[_one() == 0] == 0).all(), "One square on a background: some background is not 0. The boundary is the "
           "outermost pixels of the object itself, not what lies around it.")
    expect((got[_one() > 0] > 0).all(), "One square on a background: some of its pixels are 0 now. An object keeps its "
           "size.")
    thick = int((got[4, 3:8] == 1).sum())
    expect(thick == 2, f"One square: on a row through its middle, {thick} pixels are boundary; wanted 2, the outermost one "
           "on either side.")
    expect((got == wanted).all(), "One square: the boundary should be 1 and the inside 2, with a rim of one pixel on all "
           "four sides.")


@rims.behaviour
def neighbours_that_touch(answer):
    labels = np.zeros((13, 14), dtype=np.uint16)
    labels[2:7, 2:7], labels[2:7, 7:12], labels[7:11, 2:5] = 3, 4, 3
    got = _classes(answer, labels)
    expect((got[4, 6:8] == 1).all(), "Two objects touch, and where they meet there is no boundary: the network would learn "
           "one object. Do you ask where the mask is not 0, or where the number changes?")
    expect((got == true_classes(labels)).all(), "Where objects touch, the outermost pixels of both are boundary: a pixel "
           "with another number above, below, left or right. Are all four looked at, and those alone?")


@rims.behaviour
def edge_of_the_picture(answer):
    labels = np.zeros((8, 8), dtype=np.int64)
    labels[:4, :4], labels[5:, 3:] = 1, 2
    got = _classes(answer, labels)
    expect((got[0, :3] == 2).all() and (got[:3, 0] == 2).all(), "An object is cut off by the edge of the picture, and you "
           "draw a boundary there. It goes on outside: what do you put around the picture, and do the first and last row "
           "meet?")
    expect((got == true_classes(labels)).all(), "Objects in the corners of the picture get another boundary than those in "
           "its middle. What do you compare the last row and the last column with?")


@rims.behaviour
def any_numbers(answer):
    for kind, known in [(np.uint8, [0, 1, 255]), (np.uint16, [0, 256, 512, 40000]), (np.int64, [0, 1, 65536, 65537]),
                        (np.int32, [0, 4, 5])]:
        labels = np.random.choice(known, (5, 6)).astype(kind).repeat(4, 0).repeat(3, 1)
        labels[:4, :6] = np.repeat(known[-2:], 3)
        got = _classes(answer, labels)
        wanted = true_classes(labels.astype(np.int64))
        share = math.ceil(100 * (got != wanted).mean())
        expect((got == wanted).all(), f"Labels {said(known)} in {np.dtype(kind).name}: {share} % of the pixels are wrong. "
               "Are numbers compared as they are, and what are they turned into on the way?")
