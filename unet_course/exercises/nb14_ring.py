"""Exercise 14.6 of 14_larger_machines: the sum of all gradients, round a ring. (14)"""

import numpy as np
import torch

from unet_course.exercises.core import Exercise, expect, said
from unet_course.exercises.values import alike, call, shape, tensor

ring = Exercise("14.6", "Round the ring", "write", minutes=15)


def passed_round(answer, pieces, cut=None):
    """What every worker has at the end, and how often it was sent; after `cut` rounds the wire carries zeros."""
    number, sent = len(pieces), 0

    def exchange(values):
        nonlocal sent
        if isinstance(values, (list, tuple, np.ndarray)):
            values = torch.as_tensor(np.array(values, dtype=np.float32))
        expect(isinstance(values, torch.Tensor), f"What you send is {said(values)}; wanted one number for each worker.")
        expect(tuple(values.shape) == (number,), f"You send a tensor of shape {tuple(values.shape)}; wanted ({number},): one "
               "number for each worker.")
        sent += 1
        expect(sent <= 10 * number * number, f"With {number} workers you have called exchange {sent} times, and go on. When "
               "does every worker have all sums?")
        received = values.detach().roll(1)
        return received if cut is None or sent <= cut else torch.zeros_like(received)
    got = tensor(call(answer, pieces.clone(), exchange), "Your result")
    return shape(got, (number, number), f"For {number} workers you return {{got}}; wanted {{wanted}}: a row for each "
                 "worker, a column for each piece."), sent


def gradients(number):
    return torch.rand(number, number) + torch.arange(1.0, number + 1)[:, None]


@ring.behaviour
def all_have_the_sums(answer):
    for number in (2, 3, 4, 7):
        pieces = gradients(number)
        got, sent = passed_round(answer, pieces)
        sums = pieces.sum(dim=0).expand(number, number)
        if alike(got, sums, 1e-4):
            continue
        expect(sent, "You never call exchange, and nothing is added. What does each worker send first?")
        right = (got - sums).abs() < 1e-4
        here = f"{number} workers, calls of exchange: {sent}. "
        expect(not bool((got > sums + 1e-4).any()), f"{here}Some values are larger than the sum of that piece over all "
               "workers. Which piece is it that arrives, and is it added or put in the place of the old one?")
        expect(not bool(right.any(dim=1).all()), f"{here}Each worker has a piece that is the sum of all, but not all of its "
               "pieces are. Who hands the finished sums on, and how often?")
        expect(False, f"{here}Of {number * number} values, {int(right.sum())} are the sum of all workers. Worker w sends "
               "piece w first; which piece arrives there then, and which one does it send next?")


@ring.behaviour
def through_the_wire_alone(answer):
    for number in (3, 5):
        for cut in (0, number - 1):  # after these each worker has one finished sum
            pieces = gradients(number)
            got, _ = passed_round(answer, pieces, cut)
            full = ((got - pieces.sum(dim=0)).abs() < 1e-4).sum(dim=1).max()
            expect(full <= (cut > 0), f"{number} workers, and a wire that carries zeros after {cut} rounds: still somebody "
                   f"has the sums of all for {full} pieces. Which line takes something from another worker's row, without "
                   "exchange?")


@ring.behaviour
def as_few_rounds_as_can_be(answer):
    for number in (2, 4, 7):
        _, sent = passed_round(answer, gradients(number))
        expect(sent <= 2 * (number - 1), f"{number} workers, calls of exchange: {sent}. The sums are right; wanted at most "
               f"{2 * (number - 1)} calls. Does each worker send another piece in the same round?")


@ring.behaviour
def a_worker_alone(answer):
    pieces = gradients(1)
    got, sent = passed_round(answer, pieces)
    expect(alike(got, pieces) and sent == 0, f"One worker alone has all sums already. Calls of exchange: {sent}; wanted 0. "
           "How many rounds are there for one worker?")
