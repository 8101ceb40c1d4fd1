"""Answers that learners give to exercise 14.6, the ring."""

import numpy as np
import torch


def around(adding=None, handing=None, start=0, add=True, second_adds=False, step=-1, fixed=False):
    """A ring with one thing wrong; the defaults make a right one."""
    def all_reduce(pieces, exchange):
        n = len(pieces)
        workers = torch.arange(n)
        for turn in range(n - 1 if adding is None else adding(n)):
            piece = (workers + start + (0 if fixed else step * turn)) % n
            got, where = exchange(pieces[workers, piece]), (piece - 1) % n
            pieces[workers, where] = pieces[workers, where] + got if add else got
        for turn in range(n - 1 if handing is None else handing(n)):
            piece = (workers + start + 1 - turn) % n
            got, where = exchange(pieces[workers, piece]), (piece - 1) % n
            pieces[workers, where] = pieces[workers, where] + got if second_adds else got
        return pieces
    return all_reduce


def without_wire(pieces, exchange):
    return pieces.sum(dim=0).expand_as(pieces)


def pretends(pieces, exchange):
    for _ in range(2 * (len(pieces) - 1)):
        exchange(pieces[:, 0])
    return pieces.sum(dim=0).expand_as(pieces)


def handed_on_without_wire(pieces, exchange):
    sums, n = around(handing=lambda n: 0)(pieces, exchange), len(pieces)
    return sums[torch.arange(n), (torch.arange(n) + 1) % n].roll(1).repeat(n, 1)


def piece_by_piece(pieces, exchange):
    out = pieces.clone()
    for piece in range(len(pieces)):
        moving = pieces[:, piece]
        for _ in range(len(pieces) - 1):
            moving = exchange(moving)
            out[:, piece] += moving
    return out


def all_at_once(pieces, exchange):
    for _ in range(len(pieces) - 1):
        pieces = pieces + exchange(pieces)
    return pieces


def in_lists(pieces, exchange):
    rows, n = pieces.tolist(), len(pieces)
    for turn in range(2 * n - 2):
        got = exchange([rows[w][(w - turn) % n] for w in range(n)])
        for w in range(n):
            place = (w - 1 - turn) % n
            rows[w][place] = got[w].item() + (rows[w][place] if turn < n - 1 else 0)
    return rows


def by_numpy(pieces, exchange):
    grid, n = pieces.numpy().copy(), len(pieces)
    workers = np.arange(n)
    for turn in range(2 * n - 2):
        sends = (workers - turn) % n
        got = exchange(grid[workers, sends]).numpy()
        grid[workers, sends - 1] = got + (grid[workers, sends - 1] if turn < n - 1 else 0)
    return grid


WRONG = [
    ("14.6", "nothing is sent", lambda pieces, exchange: pieces, "all_have_the_sums"),
    ("14.6", "sums are not handed on", around(handing=lambda n: 0), "all_have_the_sums"),
    ("14.6", "handed on once too few", around(handing=lambda n: n - 2), "all_have_the_sums"),
    ("14.6", "added once too few", around(adding=lambda n: n - 2), "all_have_the_sums"),
    ("14.6", "always the same piece", around(fixed=True), "all_have_the_sums"),
    ("14.6", "pieces in the other direction", around(step=1), "all_have_the_sums"),
    ("14.6", "replaced, not added", around(add=False), "all_have_the_sums"),
    ("14.6", "finished sums are added", around(second_adds=True), "all_have_the_sums"),
    ("14.6", "whole rows sent", all_at_once, "all_have_the_sums"),
    ("14.6", "one worker's row", lambda pieces, exchange: pieces.sum(dim=0), "all_have_the_sums"),
    ("14.6", "without the wire", without_wire, "through_the_wire_alone"),
    ("14.6", "the wire is not used", pretends, "through_the_wire_alone"),
    ("14.6", "handed on without the wire", handed_on_without_wire, "through_the_wire_alone"),
    ("14.6", "one piece after the other", piece_by_piece, "as_few_rounds_as_can_be"),
    ("14.6", "one round too many", around(handing=lambda n: n), "as_few_rounds_as_can_be"),
    ("14.6", "one worker sends to itself",
     lambda pieces, exchange: around()(pieces, exchange) if len(pieces) > 1 else exchange(pieces[0])[None], "a_worker_alone"),
]

RIGHT = [("14.6", "by index", around()), ("14.6", "starting elsewhere", around(start=1)), ("14.6", "in lists", in_lists),
         ("14.6", "NumPy", by_numpy)]

UNTOUCHED = [("14.6", lambda pieces, exchange: ...)]
