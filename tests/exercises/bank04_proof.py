"""Answers that learners give to exercise 4.8, the proof for every pixel."""

import numpy as np
import torch


def lit(row, column, value=1.0):
    picture = torch.zeros(21, 21)
    picture[row, column] = value
    return picture


def brightest(out, row, column):
    return (out == out.max()).nonzero().tolist() == [[row, column]]


def counting(found=brightest, picture=lit, pixels=lambda span: [(row, column) for row in span for column in span]):
    """An answer that goes through pixels, lights each, and asks whether it is found; the defaults make a right one."""
    return lambda net, span: sum(bool(found(net(picture(*place)), *place)) for place in pixels(span))


def one_picture_for_all(net, span):
    picture, count = torch.zeros(21, 21), 0
    for row in span:
        for column in span:
            picture[row, column] = 1
            count += brightest(net(picture), row, column)
    return count


def all_at_once(net, span):
    picture = torch.zeros(21, 21)
    picture[span.start : span.stop, span.start : span.stop] = 1
    out = net(picture)
    return sum((out[row, column] == out.max()).item() for row in span for column in span)


def stops_at_the_first(net, span):
    for row in span:
        for column in span:
            if brightest(net(lit(row, column)), row, column):
                return 1
    return 0


def one_for_all(net, span):
    middle = span[len(span) // 2]
    return len(span) ** 2 * brightest(net(lit(middle, middle)), middle, middle)


def all_or_nothing(net, span):
    kept = counting()(net, span)
    return kept if kept == len(span) ** 2 else 0


def by_place(net, span):
    """argmax finds the first of the brightest; turned round, the last: both have to be the one that was lit."""
    count = 0
    for row in span:
        for column in span:
            out, place = net(lit(row, column)).flatten(), 21 * row + column
            first, last = int(out.argmax()), out.numel() - 1 - int(out.flip(0).argmax())
            count += first == last == place
    return torch.tensor(count)


def against_the_rest(net, span):
    """Brighter than the brightest of all others; the outputs in one stack."""
    places = [(row, column) for row in span for column in span]
    outs = torch.stack([net(lit(*place)) for place in places]).flatten(1)
    index = torch.tensor([21 * row + column for row, column in places])[:, None]
    here = outs.gather(1, index)
    others = outs.scatter(1, index, float("-inf")).max(dim=1, keepdim=True).values
    return (here > others).sum()


def in_numpy(net, span):
    places = [(row, column) for row in span for column in span]
    outs = [net(lit(*place)).numpy() for place in places]
    return len([1 for out, place in zip(outs, places) if list(zip(*np.where(out >= out.max()))) == [place]])


def unlit_again(net, span):
    """One picture, and each pixel is put out behind itself."""
    picture, hits = torch.zeros(21, 21), []
    for row in span:
        for column in span:
            picture[row, column] = 1
            top = torch.topk(net(picture).flatten(), 2)
            if top.values[0] > top.values[1] and top.indices[0] == row * 21 + column:
                hits.append((row, column))
            picture[row, column] = 0
    return len(hits)


WRONG = [("4.8", what, answer, behaviour) for what, answer, behaviour in [
    ("one picture for all pixels, never put out", one_picture_for_all, "counts_where_nothing_moves"),
    ("the diagonal alone", counting(pixels=lambda span: list(zip(span, span))), "counts_where_nothing_moves"),
    ("without the last row and column", counting(pixels=lambda s: [(r, c) for r in s[:-1] for c in s[:-1]]),
     "counts_where_nothing_moves"),
    ("the same pixels whatever is asked for", counting(pixels=lambda _: [(r, c) for r in range(5, 16) for c in range(5, 16)]),
     "counts_where_nothing_moves"),
    ("all pixels of the picture", counting(pixels=lambda _: [(r, c) for r in range(21) for c in range(21)]),
     "counts_where_nothing_moves"),
    ("row and column exchanged", counting(found=lambda out, row, column: brightest(out, column, row)),
     "counts_where_nothing_moves"),
    ("a share", lambda net, span: counting()(net, span) / len(span) ** 2, "counts_where_nothing_moves"),
    ("a list of the pixels", lambda net, span: [[r, c] for r in span for c in span if brightest(net(lit(r, c)), r, c)],
     "counts_where_nothing_moves"),
    ("true or false", lambda net, span: counting()(net, span) == len(span) ** 2, "counts_where_nothing_moves"),
    ("stops at the first", stops_at_the_first, "counts_where_nothing_moves"),
    ("counts those that have moved", lambda net, span: len(span) ** 2 - counting()(net, span), "counts_where_nothing_moves"),
    ("with batch and channel", counting(picture=lambda *place: lit(*place)[None, None]), "counts_where_nothing_moves"),
    ("a picture of whole numbers", counting(picture=lambda *place: lit(*place).long()), "counts_where_nothing_moves"),
    ("in NumPy", counting(picture=lambda *place: lit(*place).numpy()), "counts_where_nothing_moves"),
    ("as large as what is asked for", lambda net, span: counting(picture=lambda r, c: torch.eye(len(span)))(net, span),
     "counts_where_nothing_moves"),
    ("never lit", counting(picture=lambda *place: torch.zeros(21, 21)), "counts_where_nothing_moves"),
    ("how many were lit", lambda net, span: len([net(lit(r, c)) for r in span for c in span]), "notices_what_moves"),
    ("all lit at once", all_at_once, "notices_what_moves"),
    ("only the row", counting(found=lambda out, row, column: bool((out[row] == out.max()).any())), "notices_what_moves"),
    ("only whether something is lit", counting(found=lambda out, row, column: out.max() == 1), "notices_what_moves"),
    ("brighter than 0", counting(found=lambda out, row, column: out[row, column] > 0), "there_alone"),
    ("as bright as any", counting(found=lambda out, row, column: out[row, column] == out.max()), "there_alone"),
    ("the first of the brightest", counting(found=lambda out, row, column: out.argmax() == 21 * row + column), "there_alone"),
    ("one of the brightest", counting(found=lambda out, r, c: [r, c] in (out == out.max()).nonzero().tolist()), "there_alone"),
    ("nothing may change", counting(found=lambda out, *place: torch.equal(out, lit(*place))), "brightest_is_enough"),
    ("lit nowhere else", counting(found=lambda out, *place: out.nonzero().tolist() == [list(place)]), "brightest_is_enough"),
    ("has to be 1", counting(found=lambda out, row, column: out[row, column] == 1 and (out == 1).sum() == 1),
     "brightest_is_enough"),
    ("the strongest, by its size", counting(found=lambda out, *place: brightest(out.abs(), *place)), "brightest_is_enough"),
    ("the middle stands for all", one_for_all, "each_for_itself"),
    ("all or nothing", all_or_nothing, "each_for_itself"),
]]
RIGHT = [("4.8", what, answer) for what, answer in [
    ("in two loops", counting()),
    ("first and last of the brightest", by_place),
    ("against the rest", against_the_rest),
    ("in NumPy behind the net", in_numpy),
    ("one picture, each put out again", unlit_again),
    ("a brighter pixel", counting(picture=lambda *place: lit(*place, value=5))),
]]
UNTOUCHED = [("4.8", lambda net, span: ...)]
