"""Answers that learners give to the exercises of notebook 14: work in parts."""

import random

import numpy as np
import torch

NUMBERS = [80, 128, 0.1024, 5 * 0.4 / 0.5024, 5 * 8 * 8 / 0.5024]


def numbers(place, value):
    return [value if i == place else n for i, n in enumerate(NUMBERS)]


CHOSEN = ["accumulate", "bf16", "none of them", "several processes"]
FILES = ["run", ".zip", ".onnx", ".pt2"]


def other(given, place, instead):
    return [instead if i == place else w for i, w in enumerate(given)]


def step(*, cut=lambda t, parts: t.chunk(parts), factor=lambda part, x, parts: len(part) / len(x), zero="before", move="after",
         backward="each", result="sum", skip=0):
    """One step in parts; the defaults make a right answer."""

    def answer(model, optimiser, loss, x, y, parts):
        total, kept = 0.0, []
        if zero == "before":
            optimiser.zero_grad()
        for a, b in list(zip(cut(x, parts), cut(y, parts)))[skip:]:
            if zero == "each":
                optimiser.zero_grad()
            value = loss(model(a), b) * factor(a, x, parts)
            total += value.item()
            kept.append(value)
            if backward == "each":
                value.backward()
            if move == "each":
                optimiser.step()
        if backward == "all":
            sum(kept).backward()
        if move == "after":
            optimiser.step()
        if zero == "after":
            optimiser.zero_grad()
        return {"sum": total, "last": kept[-1].item(), "mean": total / len(kept)}[result]

    return answer


def at_once(model, optimiser, loss, x, y, parts):
    optimiser.zero_grad()
    value = loss(model(x), y)
    value.backward()
    optimiser.step()
    return value.item()


def looks_first(model, optimiser, loss, x, y, parts):
    with torch.no_grad():
        value = loss(model(x), y).item()
    step()(model, optimiser, loss, x, y, parts)
    return value


def looks_afterwards(model, optimiser, loss, x, y, parts):
    step()(model, optimiser, loss, x, y, parts)
    with torch.no_grad():
        return loss(model(x), y).item()


def every_graph(model, optimiser, loss, x, y, parts):
    """The sum keeps the graphs of all parts."""
    optimiser.zero_grad()
    total = 0
    for a, b in zip(x.chunk(parts), y.chunk(parts)):
        value = loss(model(a), b) * len(a) / len(x)
        value.backward(retain_graph=True)
        total = total + value
    optimiser.step()
    return total.item()


def keeps_losses(model, optimiser, loss, x, y, parts):
    """Numbers that hang on graphs of their own, in which nothing large is kept."""
    optimiser.zero_grad()
    total = 0
    for a, b in zip(x.chunk(parts), y.chunk(parts)):
        value, share = loss(model(a), b), torch.tensor(len(a) / len(x))
        (value * share).backward()
        total = total + value * share
    optimiser.step()
    return total


def looks_with_gradients(model, optimiser, loss, x, y, parts):
    value = sum(loss(model(a), b).item() * len(a) / len(x) for a, b in zip(x.chunk(parts), y.chunk(parts)))
    step()(model, optimiser, loss, x, y, parts)
    return value


def evaluating(model, optimiser, loss, x, y, parts):
    model.eval()
    return step()(model, optimiser, loss, x, y, parts)


class Clipping:
    """An optimiser that cuts off gradients before its step."""

    def __init__(self, optimiser, model):
        self.optimiser, self.model, self.zero_grad = optimiser, model, optimiser.zero_grad

    def step(self):
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()


def clipping(model, optimiser, *others):
    return step()(model, Clipping(optimiser, model), *others)


def centred(model, optimiser, loss, x, y, parts):
    result = step()(model, optimiser, loss, x, y, parts)
    x -= x.mean()
    return result


def whole_pieces(t, parts):
    """Leaves out what is over."""
    size = len(t) // parts
    return [t[i * size : (i + 1) * size] for i in range(parts)]


def own_loss(model, optimiser, loss, x, y, parts):
    """Cross-entropy, whichever loss is handed over."""
    return step()(model, optimiser, torch.nn.functional.cross_entropy, x, y, parts)


def divides_gradients(model, optimiser, loss, x, y, parts):
    for parameter in model.parameters():
        parameter.grad = None
    total = 0
    for a, b in zip(torch.chunk(x, parts), torch.chunk(y, parts)):
        value = loss(model(a), b) * len(a)
        value.backward()
        total += value.detach()
    for parameter in model.parameters():
        parameter.grad /= len(x)
    optimiser.step()
    return total / len(x)


def share(*, order=lambda n, rank, epoch: random.Random(epoch).sample(range(n), n), take=lambda o, rank, ranks: o[rank::ranks]):
    """A rank's part of an epoch; the defaults make a right answer."""
    return lambda n, rank, ranks, epoch: take(order(n, rank, epoch), rank, ranks)


def shares_first(n, rank, ranks, epoch):
    mine = list(range(n))[rank::ranks]
    random.Random(epoch).shuffle(mine)
    return mine


def filled_up(n, rank, ranks, epoch):
    """As PyTorch's own sampler: the first come again, so that all shares are equal."""
    order = random.Random(epoch).sample(range(n), n)
    order += order[: -n % ranks]
    return order[rank::ranks]


def remainder_to_the_last(order, rank, ranks):
    size = len(order) // ranks
    return order[rank * size :] if rank == ranks - 1 else order[rank * size : (rank + 1) * size]


def rounded_up(order, rank, ranks):
    size = -(-len(order) // ranks)
    return order[rank * size : (rank + 1) * size]


def in_blocks(n, rank, ranks, epoch):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(epoch))
    return torch.tensor_split(order, ranks)[rank]


WRONG = [
    ("14.2", "halved", other(CHOSEN, 0, "bf16"), "a_batch_too_large"),
    ("14.2", "shared", other(CHOSEN, 0, "several processes"), "a_batch_too_large"),
    ("14.2", "compiled without a compiler", other(CHOSEN, 1, "compile"), "half_the_bits"),
    ("14.2", "faster for better", other(CHOSEN, 2, "compile"), "faster_is_not_better"),
    ("14.2", "larger steps for better", other(CHOSEN, 2, "accumulate"), "faster_is_not_better"),
    ("14.2", "one is enough", other(CHOSEN, 3, "bf16"), "three_are_idle"),
    ("14.2", "another word", other(CHOSEN, 0, "a GPU"), "a_batch_too_large"),
    ("14.5", "trained on from a file", other(FILES, 0, ".pt2"), "who_trains_on"),
    ("14.5", "trained on from numbers", other(FILES, 0, ".onnx"), "who_trains_on"),
    ("14.5", "without the scaling", other(FILES, 1, ".onnx"), "who_clicks"),
    ("14.5", "PyTorch in C++", other(FILES, 2, ".pt2"), "who_has_no_python"),
    ("14.5", "the course is not there", other(FILES, 3, "run"), "who_has_pytorch_alone"),
    ("14.5", "another word", other(FILES, 0, "a file"), "who_trains_on"),
    ("14.4", "parameters", numbers(0, 20), "size_of_the_gradients"),
    ("14.4", "bits", numbers(0, 640), "size_of_the_gradients"),
    ("14.4", "MiB", numbers(0, 76.3), "size_of_the_gradients"),
    ("14.4", "two bytes", numbers(0, 40), "size_of_the_gradients"),
    ("14.4", "eight bytes", numbers(0, 160), "size_of_the_gradients"),
    ("14.4", "bytes, not megabytes", numbers(0, 8e7), "size_of_the_gradients"),
    ("14.4", "once around", numbers(1, 64), "what_each_one_sends"),
    ("14.4", "twice all", numbers(1, 160), "what_each_one_sends"),
    ("14.4", "of all together", numbers(1, 640), "what_each_one_sends"),
    ("14.4", "to each of the others", numbers(1, 320), "what_each_one_sends"),
    ("14.4", "bytes for bits", numbers(2, 0.0128), "time_on_the_wire"),
    ("14.4", "milliseconds", numbers(2, 102.4), "time_on_the_wire"),
    ("14.4", "of all together, seconds", numbers(2, 0.512), "time_on_the_wire"),
    ("14.4", "five times", numbers(3, 5), "what_is_gained"),
    ("14.4", "one machine", numbers(3, 0.796), "what_is_gained"),
    ("14.4", "upside down", numbers(3, 0.2512), "what_is_gained"),
    ("14.4", "the disk of one machine", numbers(4, 127), "what_the_disk_gives"),
    ("14.4", "one image for each machine", numbers(4, 80), "what_the_disk_gives"),
    ("14.4", "megabytes for a step", numbers(4, 320), "what_the_disk_gives"),
    ("14.4", "a byte for each pixel", numbers(4, 318), "what_the_disk_gives"),
    ("14.4", "the disk, without the wire", numbers(4, 800), "what_the_disk_gives"),
    ("14.4", "the disk in megabits", numbers(4, 5096), "what_the_disk_gives"),
    ("14.4", "the disk in MiB", numbers(4, 607), "what_the_disk_gives"),
    ("14.4", "three numbers", [80, 128, 0.1], "size_of_the_gradients"),
    ("14.1", "not divided", step(factor=lambda *a: 1), "one_step_as_large"),
    ("14.1", "set to zero for each part", step(zero="each"), "one_step_as_large"),
    ("14.1", "set to zero for each part, not divided", step(zero="each", factor=lambda *a: 1), "one_step_as_large"),
    ("14.1", "a step for each part", step(move="each"), "one_step_as_large"),
    ("14.1", "no step", step(move="never"), "one_step_as_large"),
    ("14.1", "divided twice", step(factor=lambda part, x, parts: len(part) / len(x) / parts), "one_step_as_large"),
    ("14.1", "first part left out", step(skip=1), "one_step_as_large"),
    ("14.1", "never set to zero", step(zero="never"), "nothing_left_from_before"),
    ("14.1", "set to zero afterwards only", step(zero="after"), "nothing_left_from_before"),
    ("14.1", "all at once", at_once, "one_part_in_memory"),
    ("14.1", "one backward for all", step(backward="all"), "one_part_in_memory"),
    ("14.1", "always two", step(cut=lambda t, parts: t.tensor_split(4)), "one_part_in_memory"),
    ("14.1", "parts of that size", step(cut=lambda t, parts: t.split(parts)), "one_part_in_memory"),
    ("14.1", "divided by the parts", step(factor=lambda part, x, parts: 1 / parts), "last_part_smaller"),
    ("14.1", "the rest left out", step(cut=whole_pieces), "last_part_smaller"),
    ("14.1", "loss of the last part", step(result="last"), "the_loss_of_the_batch"),
    ("14.1", "mean of what is weighted", step(result="mean"), "the_loss_of_the_batch"),
    ("14.1", "loss after the step", looks_afterwards, "the_loss_of_the_batch"),
    ("14.1", "the sum keeps the graphs", every_graph, "one_part_in_memory"),
    ("14.1", "a loss beforehand, with gradients", looks_with_gradients, "last_part_smaller"),
    ("14.1", "empty parts", step(cut=lambda t, parts: t.tensor_split(parts)),
     "more_parts_than_pictures"),
    ("14.1", "evaluation mode", evaluating, "the_mode_stays"),
    ("14.1", "gradients cut off", clipping, "large_gradients"),
    ("14.1", "pictures centred in place", centred, "what_is_given_stays"),
    ("14.1", "always cross-entropy", own_loss, "any_loss"),
    ("14.3", "two orders in turn",
     share(order=lambda n, rank, epoch: random.Random(epoch % 2).sample(range(n), n)),
     "a_new_order_each_epoch"),
    ("14.3", "the last one stays last",
     share(order=lambda n, rank, epoch: [*random.Random(epoch).sample(range(n - 1), n - 1), n - 1]),
     "a_new_order_each_epoch"),
    ("14.3", "a rank without a picture",
     share(take=lambda o, rank, ranks: o[rank::ranks] or o[:1]), "each_picture_once"),
    ("14.3", "an order for each rank", share(order=lambda n, rank, epoch: random.Random(100 * epoch + rank).sample(range(n), n)), "each_picture_once"),
    ("14.3", "all of them", share(take=lambda o, rank, ranks: o), "each_picture_once"),
    ("14.3", "the rest left out", share(take=lambda o, rank, ranks: o[: len(o) // ranks * ranks][rank::ranks]), "each_picture_once"),
    ("14.3", "filled up", filled_up, "each_picture_once"),
    ("14.3", "counted from 1", share(take=lambda o, rank, ranks: [i + 1 for i in o[rank::ranks]]), "each_picture_once"),
    ("14.3", "drawn with replacement", share(order=lambda n, rank, epoch: random.Random(epoch).choices(range(n), k=n)), "each_picture_once"),
    ("14.3", "global random numbers", share(order=lambda n, rank, epoch: torch.randperm(n).tolist()), "each_picture_once"),
    ("14.3", "the rest to the last", share(take=remainder_to_the_last), "alike_in_size"),
    ("14.3", "rounded up", share(take=rounded_up), "alike_in_size"),
    ("14.3", "no order drawn", share(order=lambda n, rank, epoch: list(range(n))), "a_new_order_each_epoch"),
    ("14.3", "each share sorted", lambda *a: sorted(share()(*a)), "a_new_order_each_epoch"),
    ("14.3", "one order for all epochs", share(order=lambda n, rank, epoch: random.Random(0).sample(range(n), n)), "a_new_order_each_epoch"),
    ("14.3", "shares before the order", shares_first, "a_new_order_each_epoch"),
]
RIGHT = [
    ("14.2", "as written", CHOSEN), ("14.2", "capitals", tuple(w.upper() for w in CHOSEN)),
    ("14.5", "as written", FILES), ("14.5", "a tuple", tuple(FILES)),
    ("14.4", "exact", NUMBERS), ("14.4", "rounded", (80, 128, 0.102, 3.98, 637)),
    ("14.4", "one digit", (80, 128, 0.10, 4.0, 640)), ("14.4", "two digits", [80, 130, 0.1, 4, 640]),
    ("14.4", "two digits, gone on with", [80, 130, 0.104, 3.97, 630]), ("14.4", "cut off", [80, 130, 0.10, 3.9, 620]),
    ("14.1", "as written", step()), ("14.1", "no empty part", step(cut=lambda t, parts: [
        part for part in t.tensor_split(parts) if len(part)])),
    ("14.1", "the loss beforehand, without gradients", looks_first),
    ("14.1", "a tensor of one number", lambda *a: torch.tensor(step()(*a))),
    ("14.1", "the loss of each part is kept", keeps_losses),
    ("14.1", "gradients divided at the end", divides_gradients),
    ("14.3", "tensors of one", lambda *a: list(in_blocks(*a))),
    ("14.3", "every n-th", share()), ("14.3", "blocks, torch", in_blocks),
    ("14.3", "numpy", share(order=lambda n, rank, epoch: np.random.default_rng(epoch).permutation(n))),
]
UNTOUCHED = [("14.2", [..., ..., ..., ...]), ("14.5", [..., ..., ..., ...]), ("14.4", [..., ..., ..., ..., ...]), ("14.1", lambda *a: ...), ("14.3", lambda *a: ...)]
