"""Exercises of 00_start_here."""

import torch

from unet_course.exercises.core import Exercise, call, expect, tensor

to_mask = Exercise("0.1", "From probabilities to a mask", minutes=3, kind="classroom")


@to_mask.behaviour
def one_class_per_pixel(answer):
    for sizes in [(3, 5, 7), (2, 9, 4)]:
        mask = tensor(call(answer, torch.rand(sizes).softmax(dim=0)), "Your mask")
        got = tuple(mask.shape)
        expect(got == sizes[1:], f"For probabilities of shape {sizes} your mask has shape {got}; wanted {sizes[1:]}, "
                                 "one number for each pixel. Along which axis do the classes lie?")


@to_mask.behaviour
def whole_numbers(answer):
    mask = tensor(call(answer, torch.rand(3, 4, 4)))
    expect(not mask.is_floating_point() and mask.dtype != torch.bool,
           f"Your mask has dtype {mask.dtype}. A class is a whole number: do you return the largest probability "
           "instead of its place?")


@to_mask.behaviour
def most_probable_class(answer):
    probabilities = torch.rand(4, 6, 8).softmax(dim=0)
    mask = tensor(call(answer, probabilities))
    expect(mask.shape == (6, 8) and bool((mask == probabilities.argmax(dim=0)).all()),
           "Some pixels did not get their most probable class. Which torch method gives the place of a maximum?")
