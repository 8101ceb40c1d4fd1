"""Exercise 4.8 of 04_decoder_and_skip_padding: the proof for every pixel. (04)"""

import torch
import torch.nn.functional as F

from unet_course.exercises.answers import number
from unet_course.exercises.core import Exercise, Hint, expect, times
from unet_course.exercises.values import alike, call

proof = Exercise("4.8", "Write the proof", "write", minutes=8)
SIDE = 21  # of the pictures
INNER = range(5, 16)


def pixels_in_place(net, span):
    """How many pixels, rows and columns in `span`, come out of a net where they went in.

    Each is lit alone, in a picture of 21 × 21. It is in place if the output is brightest there, and nowhere else as bright.

    Examples
    --------
    >>> pixels_in_place(lambda picture: picture, range(5, 16))
    121
    >>> pixels_in_place(lambda picture: picture.roll(1, dims=0), range(5, 16))
    0
    """
    count = 0
    for row in span:
        for column in span:
            picture = torch.zeros(21, 21)
            picture[row, column] = 1
            out = net(picture)
            count += (out == out.max()).nonzero().tolist() == [[row, column]]
    return count


def expect_count(answer, net, span, wanted, what, why):
    """Expect that the learner's function counts so many; `what` the net does, `why` it is so many."""
    seen = []

    def watched(picture):
        kind = type(picture).__name__
        expect(isinstance(picture, torch.Tensor), f"You send something of type {kind} through net; wanted a torch Tensor.")
        expect(tuple(picture.shape) == (SIDE, SIDE), f"You send a picture of {times(picture.shape)} through net; wanted "
               f"{SIDE}×{SIDE}. Which shape does torch.zeros get?")
        expect(picture.dtype == torch.float32, f"You send a picture of dtype {picture.dtype} through net; wanted "
               "torch.float32, as torch.zeros makes it.")
        seen.append(picture.detach().clone())
        return net(picture.detach().clone())
    got = number(call(answer, watched, span), "Your result")
    if got == wanted:
        return
    came = f"{what}. With span=range({span.start}, {span.stop}) you return {got:g}; wanted {wanted}. "
    lit = [picture.nonzero().tolist() for picture in seen]
    for which, places in enumerate(lit, 1):
        expect(len(places) <= 1, f"{came}Picture {which} that you send through net has {len(places)} bright pixels; wanted "
               "one. Is each picture made anew?")
    there = {tuple(places[0]) for places in lit if places}
    left_out = [(row, column) for row in span for column in span if (row, column) not in there]
    row, column = (left_out or [(0, 0)])[0]
    expect(not left_out, f"{came}You never light {len(left_out)} of the {len(span) ** 2} pixels, such as the one at row "
           f"{row}, column {column}. Do both loops go through all of span, to the end?")
    expect(not alike(got, wanted / len(span) ** 2), f"{came}That is a share. How many pixels is it?")
    raise Hint(f"{what}. With span=range({span.start}, {span.stop}) you return {got:g}; wanted {wanted}. {why}")


@proof.behaviour
def counts_where_nothing_moves(answer):
    for span in (INNER, range(SIDE), range(20, 21), range(2, 6)):
        expect_count(answer, lambda picture: picture, span, len(span) ** 2, "This net gives back the picture as it is",
                     "Every pixel comes out where it was lit. Which do you not count, or count twice?")


@proof.behaviour
def notices_what_moves(answer):
    for pad, where in [((0, 0, 1, -1), "down by a row"), ((1, -1, 0, 0), "right by a column"),
                       ((-1, 1, -1, 1), "up by a row and left by a column")]:
        expect_count(answer, lambda picture, pad=pad: F.pad(picture, pad), INNER, 0,
                     f"This net moves the picture {where}",
                     "No pixel comes out where it was lit. With what do you compare the place?")


def square(picture):
    """Down by a pool and up again: the pixel fills the square of its pool."""
    pooled = F.max_pool2d(picture[None], 2, ceil_mode=True)
    return F.interpolate(pooled[None], scale_factor=2)[0, 0, :SIDE, :SIDE]


@proof.behaviour
def there_alone(answer):
    for net, what in [(square, "This net makes a square of four equal pixels of the one that was lit"),
                      (torch.ones_like, "This net makes all pixels equally bright")]:
        expect_count(answer, net, INNER, 0, what, "Where it was lit the output is as bright as anywhere, but not there alone. "
                     "What does your comparison say if several pixels are the brightest?")


@proof.behaviour
def brightest_is_enough(answer):
    for net, what in [(lambda picture: picture + square(picture),
                       "This net adds the square of its pool to the pixel that was lit"),
                      (lambda picture: 0.2 * picture + 0.7, "This net makes the picture darker and adds 0.7 everywhere"),
                      (lambda picture: picture - 3, "This net takes 3 off everywhere")]:
        expect_count(answer, net, INNER, len(INNER) ** 2, what, "Each pixel is the brightest, and it alone. Do you ask "
                     "for a certain value there, or for zeros elsewhere?")


@proof.behaviour
def each_for_itself(answer):
    def odd_rows_move(picture):
        out = picture.clone()
        out[1::2] = out[1::2].roll(1, dims=1)
        return out

    def one_moves(picture):
        return picture.roll(1, dims=0) if picture[7, 11] == picture.max() else picture

    for net, what in [(odd_rows_move, "This net moves the odd rows alone"), (one_moves, "This net moves one pixel alone"),
                      (torch.t, "This net exchanges rows and columns")]:
        expect_count(answer, net, INNER, pixels_in_place(net, INNER), what,
                     "Some pixels are in place and others are not. Is each one tried and counted by itself?")
