"""Exercise 2.7 of 02_convolution_block: what no single kernel can do. (02)"""

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.exercises.core import Exercise, expect, said, times
from unet_course.exercises.values import call

linear = Exercise("2.7", "Does it add up?", "write", minutes=10, mark="deeper")


def verdict(answer, f):
    """What the learner's function says of `f`, and the images it tried."""
    tried = []

    def watched(image):
        expect(isinstance(image, torch.Tensor), f"What you call f with is {said(image)}; wanted a torch Tensor.")
        expect(tuple(image.shape) == (1, 1, 9, 9), f"You call f with an image of {times(image.shape)}; wanted 1×1×9×9. "
               "Which shape does the exercise say?")
        expect(image.is_floating_point(), f"You call f with an image of dtype {image.dtype}; wanted torch.float32, as "
               "torch.randn makes it.")
        tried.append(image.detach().float().clone())
        return f(image.detach().float().clone())
    got = call(answer, watched)
    if isinstance(got, (torch.Tensor, np.ndarray)) and got.ndim == 0:
        got = got.item()
    expect(isinstance(got, (bool, np.bool_)), f"What your function returns is {said(got)}; wanted True or "
           "False.")
    return bool(got), tried


def convolutions(*, relu=False, bias=False):
    """Two convolutions with random kernels, one after the other."""
    first, second = torch.randn(4, 1, 3, 3) / 3, torch.randn(1, 4, 3, 3) / 6
    shift = torch.full((1,), 0.5) if bias else None
    return lambda image: F.conv2d(F.conv2d(image, first).relu() if relu else F.conv2d(image, first), second, shift)


@linear.behaviour
def convolutions_add_up(answer):
    for f, what in [(lambda image: image, "gives back the image as it is"),
                    (lambda image: F.conv2d(image, torch.full((1, 1, 3, 3), 1 / 9)), "is the mean of nine pixels"),
                    *((convolutions(), "is two convolutions, one after the other") for _ in range(5))]:
        got, tried = verdict(answer, f)
        expect(tried, "You return an answer and have never called f. With which images do you try it?")
        expect(got, f"This f {what}, so it adds up; you return False. Are your two sides f(x + y) and f(x) + f(y), and how "
               "small a difference counts as none?")


@linear.behaviour
def a_relu_does_not(answer):
    for f, what in [(torch.relu, "is a ReLU alone"),
                    *((convolutions(relu=True), "is convolution, ReLU, convolution") for _ in range(3))]:
        got, tried = verdict(answer, f)
        if got:
            expect(any(bool((image < 0).any()) for image in tried), f"This f {what}; you return True. None of the values that "
                   "you try is below 0, and there a ReLU changes nothing. Which images would show it?")
            expect(False, f"This f {what}; you return True. Say a pixel is 1 in x and -1 in y: what is relu(x + y) there, and "
                   "what is relu(x) + relu(y)?")


def median(image):
    windows = image.unfold(2, 3, 1).unfold(3, 3, 1)
    return windows.flatten(4).median(dim=4).values


@linear.behaviour
def any_two_images(answer):
    got, _ = verdict(answer, median)
    expect(not got, "This f is the median of nine pixels; you return True. For x and 2x, or for x and -x, it does add up. "
           "What of two images that have nothing to do with each other?")


@linear.behaviour
def large_values_too(answer):
    got, _ = verdict(answer, lambda image: image.clamp(-1, 1))
    expect(not got, "This f cuts off what lies above 1 and below -1; you return True. How large are the values that you try?")


@linear.behaviour
def a_bias_counts(answer):
    got, _ = verdict(answer, convolutions(bias=True))
    expect(not got, "This f is two convolutions, and the second has a bias of 0.5; you return True. How often is the bias in "
           "f(x + y), and how often in f(x) + f(y)?")


@linear.behaviour
def at_every_pixel(answer):
    def one_corner(image):
        out = image.clone()
        out[..., -1, -1] += 0.01
        return out

    got, _ = verdict(answer, lambda image: image.flatten().sort().values.reshape(image.shape))
    expect(not got, "This f sorts the pixels by size; you return True. Their sum stays what it was. Do you compare pixel by "
           "pixel?")
    got, _ = verdict(answer, one_corner)
    expect(not got, "This f adds 0.01 to the last pixel, and leaves all others as they are; you return True. Do you "
           "compare every pixel, and is a hundredth more than rounding?")
