"""Exercises about work in parts, about options, and where a network runs. (14)"""

import copy
import weakref

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import alike, call

parts = Exercise("14.1", "A batch in parts", "find", minutes=10)
RATE = 0.5


class Counted(torch.optim.SGD):
    """Plain gradient descent that counts its steps."""

    steps = 0

    def step(self, closure=None):
        self.steps += 1
        return super().step(closure)


def small_network():
    """No norm in it: a norm's mean over a part is not that over the batch."""
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 1))


def pictures(count):
    return torch.randn(count, 1, 6, 6), torch.randint(0, 2, (count, 6, 6))


class Kept:
    """A tensor that is kept for the backward pass."""

    def __init__(self, tensor):
        self.tensor = tensor


class Trial:
    """One step of the learner's on `count` pictures, beside the step on the whole batch.

    Attributes
    ----------
    sizes : list of int
        How many pictures go through the network at a time, to be learnt from.
    modes : set of bool
        Whether the network is in training mode then.
    left_over : bool
        Whether something of an earlier part is still kept when the next one begins.
    """

    def __init__(self, answer, count, number_of_parts, stale=False, loss=F.cross_entropy):
        self.loss = loss
        self.x, self.y = pictures(count)
        self.before = small_network()
        self.model = copy.deepcopy(self.before)
        self.sizes, self.modes = [], set()
        self.inside, self.kept, self.left_over = False, [], False
        self.optimiser = Counted(self.model.parameters(), lr=RATE)
        if stale:
            for parameter in self.model.parameters():
                parameter.grad = torch.ones_like(parameter)
        self.model.register_forward_pre_hook(self._begins)
        self.model.register_forward_hook(self._ends)
        with asking("The arguments are model, optimiser, loss, x, y and the number of parts; the loss is a mean over the "
                    "pictures that it is given."), saved_tensors_hooks(self._keep, lambda kept: kept.tensor):
            self.returned = call(answer, self.model, self.optimiser, loss, self.x, self.y,
                                 number_of_parts)

    def _keep(self, tensor):
        kept = Kept(tensor.detach())
        if self.inside:
            self.kept.append(weakref.ref(kept))
        return kept

    def _begins(self, *_):
        self.left_over |= any(kept() is not None for kept in self.kept)
        self.inside = True

    def _ends(self, _, inputs, output):
        self.inside = False
        if output.requires_grad:  # else nothing of it is kept
            self.sizes.append(len(inputs[0]))
            self.modes.add(self.model.training)

    def gradient(self, weight=None):
        """Of the loss on the whole batch; or of the parts' losses, each times a weight."""
        model = copy.deepcopy(self.before)
        pieces = [(self.x, self.y, 1.0)] if weight is None else weight(self.x, self.y)
        for x, y, factor in pieces:
            (factor * self.loss(model(x), y)).backward()
        return [p.grad for p in model.parameters()]

    def moved_by(self, gradients, factor=1.0):
        """Whether the learner's weights are those of one step along these gradients."""
        return all(torch.allclose(old - RATE * factor * g, new, rtol=1e-4, atol=1e-5)
                   for old, g, new in zip(self.before.parameters(), gradients, self.model.parameters()))


@parts.behaviour
def one_step_as_large(answer):
    trial = Trial(answer, 8, 4)
    steps = trial.optimiser.steps
    expect(steps > 0, "Eight pictures in 4 parts: the optimiser makes no step. What comes after the last part?")
    expect(steps == 1, f"Eight pictures in 4 parts: the optimiser makes {steps} steps; wanted one, when all parts are "
           "through.")
    whole = trial.gradient()
    expect(not trial.moved_by(whole, 4.0), "Four parts, and the step is 4 times too large. Gradients add up: what has each "
           "part's loss to be divided by?")
    last = trial.gradient(lambda x, y: [(x[6:], y[6:], 1.0)])
    expect(not trial.moved_by(last) and not trial.moved_by(last, 0.25), "The step follows the last part alone. When are the "
           "gradients set to zero?")
    expect(trial.moved_by(whole), "Eight pictures in 4 parts: the weights move otherwise than by one step on the whole "
           "batch. Do all parts go in, each once, each with a quarter of the weight?")


@parts.behaviour
def nothing_left_from_before(answer):
    trial = Trial(answer, 8, 2, stale=True)
    expect(trial.moved_by(trial.gradient()), "There were gradients of an earlier step, and they are in yours. What has to "
           "be done before the first part?")


@parts.behaviour
def one_part_in_memory(answer):
    for number_of_parts, most in ((4, 2), (8, 1), (1, 8)):
        trial = Trial(answer, 8, number_of_parts)
        largest = max(trial.sizes, default=0)
        expect(largest <= most, f"Eight pictures in {number_of_parts} parts: your network sees {largest} at a time; wanted "
               f"{most}. What is gained, if all go in together?")
        expect(not trial.left_over, "A part goes forward while what an earlier one needs for its "
               "backward pass is still in memory. When is a part's backward pass due, and does "
               "anything keep its graph after that?")
        expect(trial.moved_by(trial.gradient()), f"In {number_of_parts} parts the weights move otherwise than by one step "
               "on the whole batch.")


@parts.behaviour
def last_part_smaller(answer):
    for count, number_of_parts in ((10, 4), (7, 3), (5, 2)):
        trial = Trial(answer, count, number_of_parts)
        expect(sum(trial.sizes) <= count, f"{count} pictures in {number_of_parts} parts: "
               f"{sum(trial.sizes)} go through your network, so some twice. Which pass is one too "
               "many?")
        expect(sum(trial.sizes) == count, f"{count} pictures in {number_of_parts} parts: your network has seen "
               f"{sum(trial.sizes)}. Which ones are left out?")
        expect(trial.moved_by(trial.gradient()), f"{count} pictures in {number_of_parts} parts: the parts are of different "
               "size, and the step is not that of the whole batch. Has a picture of a small part the same weight as the "
               "others?")


@parts.behaviour
def the_mode_stays(answer):
    expect(Trial(answer, 8, 4).modes == {True}, "The network comes in training mode, and your step "
           "runs it in evaluation mode: with batch norm or dropout in it, that is another step. "
           "Who says which mode it is in?")


@parts.behaviour
def the_loss_of_the_batch(answer):
    for count, number_of_parts in ((8, 4), (10, 4)):
        trial = Trial(answer, count, number_of_parts)
        wanted = trial.loss(trial.before(trial.x), trial.y).item()
        got = number(trial.returned, "What you return")
        after = trial.loss(trial.model(trial.x), trial.y).item()
        expect(abs(got - after) > 1e-4, f"{count} pictures in {number_of_parts} parts: you return "
               f"{got:.4f}, the loss after the step; before it was {wanted:.4f}. When is the loss "
               "computed that the step is made from?")
        expect(abs(got - wanted) < 1e-4, f"{count} pictures in {number_of_parts} parts: you return a loss of {got:.4f}; on "
               f"the whole batch it was {wanted:.4f}. Is it the sum of all parts, weighted as their gradients are?")


@parts.behaviour
def more_parts_than_pictures(answer):
    trial = Trial(answer, 3, 5)
    wanted = trial.loss(trial.before(trial.x), trial.y)
    expect(alike(trial.returned, wanted, 1e-4), "3 pictures in 5 parts: you return a loss of "
           f"{said(trial.returned)}; on the whole batch it was {wanted:.4f}. What is the mean over "
           "a part without pictures, and does such a part have to go in?")


def squared(logits, y):
    """Another loss: the mean squared distance of the second logit from 0 or 1, a tenth of it."""
    return (logits[:, 1] - y).square().mean() / 10


def steep(logits, y):
    """A loss with large gradients."""
    return 20 * F.cross_entropy(logits, y)


@parts.behaviour
def any_loss(answer):
    trial = Trial(answer, 9, 2, loss=squared)
    expect(trial.moved_by(trial.gradient()), "With another loss the step is not that of the whole "
           "batch. Which loss do you take, the one that is handed over?")


@parts.behaviour
def large_gradients(answer):
    trial = Trial(answer, 9, 2, loss=steep)
    expect(trial.moved_by(trial.gradient()), "With a loss that is 20 times as large the gradients "
           "are, too, and your step is not. What happens to them between backward and step?")


def _one_step():
    model = small_network()
    yield model, Counted(model.parameters(), lr=RATE), F.cross_entropy, *pictures(8), 4


leaves_alone(parts, _one_step)


shares = Exercise("14.3", "Each picture once, on one of the ranks", "write", minutes=15, mark="deeper")


def _shares(answer, pictures, ranks, epoch):
    """What each rank gets, as lists of int."""
    found = []
    for rank in range(ranks):
        with asking("The arguments are the number of pictures, the rank, the number of ranks, and the epoch; all are whole "
                    "numbers that count from 0."):
            got = call(answer, pictures, rank, ranks, epoch)
        got = got.tolist() if isinstance(got, (np.ndarray, torch.Tensor)) else got
        if isinstance(got, (list, tuple)):
            got = [i.item() if isinstance(i, torch.Tensor) and i.ndim == 0 else i for i in got]
        expect(isinstance(got, (list, tuple, range)) and all(isinstance(i, (int, np.integer)) for i in got),
               f"Rank {rank} gets {said(got)}; wanted a list of indices.")
        found.append([int(i) for i in got])
    return found


@shares.behaviour
def each_picture_once(answer):
    for pictures, ranks in ((12, 3), (13, 4), (9, 2), (5, 1), (3, 5), (1, 1)):
        for epoch in (0, 1):
            found = _shares(answer, pictures, ranks, epoch)
            seen, sizes = [i for share in found for i in share], [len(share) for share in found]
            where = f"{pictures} pictures on {ranks} ranks, epoch {epoch}"
            expect(all(0 <= i < pictures for i in seen), f"{where}: an index lies outside of 0 to {pictures - 1}.")
            twice = len(seen) - len(set(seen))
            expect(twice == 0 or len(seen) == pictures, f"{where}: the shares have {said(sizes)} "
                   "pictures, together more than there are. Where does the share of rank 0 begin, "
                   "by how many does it step on, and need all shares be equal?")
            expect(twice == 0, f"{where}: {twice} come twice. Has every rank the same order of all pictures before it takes "
                   "its share? What is the order drawn from?")
            expect(len(seen) == pictures or pictures % ranks, f"{where}: {pictures - len(seen)} "
                   f"are seen by nobody, the shares have {said(sizes)} pictures. Where does the "
                   "share of rank 0 begin, and where that of the last rank?")
            expect(len(seen) == pictures, f"{where}: {pictures - len(seen)} are seen by nobody. What happens to the rest, "
                   "if the ranks do not divide the pictures?")


@shares.behaviour
def alike_in_size(answer):
    for pictures, ranks in ((13, 4), (10, 4), (11, 3), (3, 5)):
        sizes = [len(share) for share in _shares(answer, pictures, ranks, 0)]
        expect(max(sizes) - min(sizes) <= 1, f"{pictures} pictures on {ranks} ranks: the shares have {said(sizes)} "
               "pictures. All wait for the slowest: can they differ by one at most?")


@shares.behaviour
def a_new_order_each_epoch(answer):
    first, again, *others = (_shares(answer, 40, 2, epoch) for epoch in (0, *range(40)))
    second = others[0]
    expect(first == again, "Epoch 0 comes in another order when it is asked for again: a training that is resumed would see "
           "other pictures. What has to be seeded, and with what?")
    expect(first[0] != sorted(first[0]), "Rank 0 gets the pictures in the order of the "
           "folder. Neighbours in a folder are alike; what does training want?")
    expect(first != second, "Epoch 1 has the order of epoch 0. Where does the epoch come in?")
    expect(len({tuple(one) for one, _ in [first, *others]}) == 40, "Of 40 epochs, some have the "
           "same order. What is the generator's seed in each of them?")
    expect(all(set(one) != set(two) for one, two in zip(first, second)), "A rank gets the same pictures in every epoch, in "
           "another order. What comes first: the order of all pictures, or the shares?")
    for picture in range(40):
        ranks = {picture in one for one, _ in [first, *others]}
        expect(ranks == {True, False}, f"In 40 epochs, picture {picture} comes to one rank alone. "
               "Are all pictures shuffled, the first and the last one too?")
    torch.default_generator.manual_seed(5)
    np.random.seed(5)
    expect(_shares(answer, 40, 2, 0) == first, "Epoch 0 comes in another order after other random numbers were drawn: on "
           "another rank they may have been. Does the order follow from the epoch alone?")


pays = Exercise("14.4", "Do five machines pay?", "predict", minutes=10)
GRADIENTS, SENT, SECONDS, GAIN = 80.0, 128.0, 0.1024, 5 * 0.4 / 0.5024
READ = 5 * 8 * 8 / 0.5024
ROUNDED = 0.03  # two digits are enough: 130 for 128, 0.10 for 0.1024


def _number(answer, place):
    return number(several(answer, 5, "[100, 200, 0.2, 3, 500]")[place], f"Number {place + 1}")


def _is(got, value):
    return abs(got - value) <= ROUNDED * value


def _near(got, value, hint):
    expect(not _is(got, value), hint)


@pays.behaviour
def size_of_the_gradients(answer):
    got = _number(answer, 0)
    _near(got, 20, "1: you say 20. That is the number of parameters, in millions. How many bytes has each of them?")
    _near(got, 640, "1: you say 640. These are bits; wanted megabytes.")
    _near(got, 40, "1: you say 40: two bytes each. A float32 has 32 bits.")
    _near(got, 80e6 / 2**20, "1: you say 76.3. These are MiB, of 1,048,576 bytes each; wanted MB, a million bytes each.")
    expect(_is(got, GRADIENTS), f"1: you say {got:.4g} MB. 20 million parameters, each with a gradient of 32 bits: how many "
           "bytes?")


@pays.behaviour
def what_each_one_sends(answer):
    got = _number(answer, 1)
    _near(got, 64, "2: you say 64: that is one way round the ring. How often does it go round, to add up and to hand on?")
    _near(got, 160, "2: you say 160, so 2 times the gradients. What one machine has itself need not be sent: 4 of 5 parts.")
    _near(got, 640, "2: you say 640: all that is sent, by the five together. Wanted what one of them sends.")
    _near(got, 800, "2: you say 800, which grows with the machines. In a ring each sends pieces of a fifth. How many?")
    expect(_is(got, SENT), f"2: you say {got:.4g} MB; wanted 2 · (N − 1) / N times the gradients, with N = 5.")


@pays.behaviour
def time_on_the_wire(answer):
    got = _number(answer, 2)
    _near(got, SENT / 10000, "3: you say 0.0128 s. The network carries 10 gigabits a second, not 10 gigabytes.")
    expect(_is(got, SECONDS), f"3: you say {got:.4g} s. 128 megabytes are 1024 megabits; the network "
           "carries 10,000 of them a second.")


@pays.behaviour
def what_is_gained(answer):
    got = _number(answer, 3)
    _near(got, 5, "4: you say 5. While the gradients are sent, nobody computes. How long does a step take now?")
    _near(got, GAIN / 5, "4: that compares single machines. Five of them do five parts of the work in that time.")
    _near(got, 1 / GAIN, "4: you have it upside down: how many times as *fast* are five machines?")
    expect(_is(got, GAIN), f"4: you say {got:.4g}. A step takes 0.4 s of computing and then the time on the wire, and does "
           "five times the work.")


@pays.behaviour
def what_the_disk_gives(answer):
    got = _number(answer, 4)
    _near(got, READ / 5, "5: that is what one machine asks for. The disk serves five.")
    _near(got, READ / 8, "5: that is one image for each machine. A step of each opens 8 of them.")
    _near(got, 5 * 8 * 8, "5: 320 MB is what a step reads, with 2 bytes for a pixel. How long does a step take?")
    _near(got, 5 * 8 * 8 / 0.4, "5: 800 would be right if a step took 0.4 s. How long does it take with the time on the wire?")
    expect(_is(got, READ), f"5: you say {got:.4g} MB. An image has 4 million pixels of 2 bytes; how many images does a step "
           "of the five read, and in how many seconds?")


options = Exercise("14.2", "Which option?", "choose", minutes=5, mark="classroom")
OPTIONS = ("accumulate", "bf16", "compile", "several processes", "none of them")


def _option(answer, place, wanted, why):
    got = word(answer, place, OPTIONS)
    expect(got == wanted, f"Case {place + 1}: you choose {got!r}. {why}")


@options.behaviour
def a_batch_too_large(answer):
    _option(answer, 0, "accumulate", "The step has to stay that of 8 squares, in the memory of "
            "2; bfloat16 saves about half. Which option cuts a batch into parts, and makes one step of them?")


@options.behaviour
def half_the_bits(answer):
    _option(answer, 1, "bf16", "Memory and time are short, and there is one GPU. Which option "
            "saves some of both on it?")


@options.behaviour
def faster_is_not_better(answer):
    _option(answer, 2, "none of them", "All four options save time or memory. Which of them changes "
            "what the network can learn from 20 images?")


@options.behaviour
def three_are_idle(answer):
    _option(answer, 3, "several processes", "Memory is not short, and the chip has no units for 16 bits. "
            "Three of the four GPUs do nothing: which option gives each of them a share of the batch?")


places = Exercise("14.5", "Where does it run?", "choose", minutes=5, mark="classroom")
FILES = ("run", ".onnx", ".pt2", ".zip")


def _file(answer, place, wanted, why):
    got = word(answer, place, FILES)
    expect(got == wanted, f"Person {place + 1}: you choose {got}. {why}")


@places.behaviour
def who_trains_on(answer):
    _file(answer, 0, "run", "An exported network is fixed: it computes, and that is all. What does "
          "`train(…, start=…)` take?")


@places.behaviour
def who_clicks(answer):
    _file(answer, 1, ".zip", "That program has to know how to scale an image, and what the three "
          "channels of the answer mean. Which file has that in it, too?")


@places.behaviour
def who_has_no_python(answer):
    _file(answer, 2, ".onnx", "Neither Python nor PyTorch is there. Which file holds the network "
          "in a form that other programs compute?")


@places.behaviour
def who_has_pytorch_alone(answer):
    _file(answer, 3, ".pt2", "PyTorch is there, and the file comes from your own machine. Which file "
          "does `torch.export.load` read?")
