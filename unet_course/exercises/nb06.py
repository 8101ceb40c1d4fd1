"""Exercises of 06_training."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.exercises.core import Exercise, call, close, expect, said, shape, tensor


def _near(got, value):
    return isinstance(got, (float, torch.Tensor)) and abs(float(got) - value) < 1e-4


by_hand = Exercise("6.1", "Cross-entropy on four pixels", minutes=8, kind="classroom")


@by_hand.behaviour
def known_pixels(answer):
    p = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.9, 0.05, 0.05]])
    wanted = -(math.log(0.5) + math.log(0.8) + math.log(0.6) + math.log(0.05)) / 4
    got = call(answer, p.log(), torch.tensor([0, 1, 2, 2]))
    if isinstance(got, torch.Tensor):
        expect(got.numel() == 1, f"You return {got.numel()} numbers for four pixels; wanted one, their mean.")
    for factor, why in [(4, "That is the sum. A mean does not grow with the number of pixels."),
                        (-1, "What sign does the logarithm of a probability have?"),
                        (1 / math.log(10), "That is the logarithm to base 10; wanted the natural one, torch.log.")]:
        expect(not _near(got, wanted * factor), f"Wanted {wanted:.4f}, got {wanted * factor:.4f}. {why}")
    for factor in (1, -1):
        expect(not _near(got, factor * (0.5 + 0.8 + 0.6 + 0.05) / 4), "You average the probabilities of the true classes. "
               "Where is the logarithm?")
    close(got, wanted, "True classes had the probabilities 0.5, 0.8, 0.6 and 0.05: wanted {wanted}, got {got}. The mean "
                       "of minus the natural logarithm of these four.")


@by_hand.behaviour
def takes_logits(answer):
    logits, target = 3 * torch.randn(6, 4), torch.randint(0, 4, (6,))
    close(call(answer, logits, target), F.cross_entropy(logits, target),
          "For logits that are not yet probabilities the value differs from F.cross_entropy. Softmax over the classes "
          "comes first, and only once.", tolerance=1e-4)


@by_hand.behaviour
def large_logits(answer):
    got = call(answer, torch.tensor([[200.0, 0.0], [0.0, 200.0]]), torch.tensor([0, 0]))
    close(got, 100.0, "For logits of 200 you get {got}; wanted {wanted}. exp(200) is infinite in float32: use "
                      "log_softmax, or subtract the largest first.", tolerance=1e-3)


step = Exercise("6.2", "Write one training step", minutes=10, kind="classroom")


def _small():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 1))
    return model, torch.rand(2, 1, 8, 8), torch.randint(0, 3, (2, 8, 8))


@step.behaviour
def weights_change(answer):
    model, x, y = _small()
    before = copy.deepcopy(model.state_dict())
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    call(answer, model, optimiser, x, y)
    expect(any(not torch.equal(before[n], p) for n, p in model.named_parameters()),
           "After your step no weight has changed. Which call of the optimiser changes them, and what must stand right "
           "before it?")


@step.behaviour
def in_training_mode(answer):
    model, x, y = _small()
    model.eval()
    call(answer, model, torch.optim.SGD(model.parameters(), lr=0.1), x, y)
    seen = model[1].num_batches_tracked.item()
    expect(seen > 0, "The batch norm did not see your batch: the network was still in eval mode. Which method puts it into "
                     "training mode?")
    expect(seen == 1, f"The network ran {seen} times in one step. Once is enough: keep what it gave.")


@step.behaviour
def returns_a_number(answer):
    model, x, y = _small()
    state = copy.deepcopy(model)
    with torch.no_grad():
        wanted = F.cross_entropy(state.train()(x), y).item()
    got = call(answer, model, torch.optim.SGD(model.parameters(), lr=0.1), x, y)
    expect(isinstance(got, float), f"You return a {type(got).__name__}; wanted a Python float. A tensor would keep the "
                                   "whole graph in memory: use .item().")
    close(got, wanted, "The loss you return differs from the cross-entropy of the logits, {wanted}: you return {got}. "
                       "Is there a softmax too many, or a sum instead of the mean?", tolerance=1e-3)


@step.behaviour
def gradients_do_not_add_up(answer):
    model, x, y = _small()
    twin, hoarder = copy.deepcopy(model), copy.deepcopy(model)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        call(answer, model, optimiser, x, y)
    for other, forget in [(twin, True), (hoarder, False)]:
        reference = torch.optim.SGD(other.parameters(), lr=0.1)
        for _ in range(3):
            if forget:
                reference.zero_grad()
            F.cross_entropy(other.train()(x), y).backward()
            reference.step()

    def same(other):
        return all(torch.allclose(a, b, atol=1e-5) for a, b in zip(model.parameters(), other.parameters()))
    expect(not same(hoarder), "After three steps your weights differ from those of plain training. Gradients add up "
                              "from step to step unless they are set to zero.")
    expect(same(twin), "After three steps your weights differ from those of plain training: old gradients to zero, backward, "
                       "step, each of them once. Which of these is missing, or comes twice?")


together = Exercise("6.3", "Move image and mask together", minutes=8, kind="classroom")


def mirrored(answer, images, masks, mirror):
    """The two tensors that the learner's function gives back."""
    got = call(answer, images, masks, mirror)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, "Give back two tensors: (images, masks). You return "
           f"{len(got) if isinstance(got, (tuple, list)) else 'one value of type ' + type(got).__name__}.")
    return tensor(got[0], "Your first result"), tensor(got[1], "Your second result")


@together.behaviour
def shapes_stay(answer):
    x, y = mirrored(answer, torch.rand(4, 1, 6, 8), torch.randint(0, 3, (4, 6, 8)), True)
    shape(x, (4, 1, 6, 8), "Your images are {got}; wanted {wanted}.", "Your images")
    shape(y, (4, 6, 8), "Your masks are {got}; wanted {wanted}.", "Your masks")


@together.behaviour
def image_is_mirrored(answer):
    for channels in (1, 3):
        x, y = torch.rand(2, channels, 5, 6), torch.randint(0, 3, (2, 5, 6))
        got, _ = mirrored(answer, x, y, True)
        expect(not torch.equal(got, x.flip(-2)), "You mirror top and bottom; wanted left and right. Width is the last axis.")
        expect(torch.equal(got, x.flip(-1)), "With mirror=True the images are not mirrored left to right, or not always.")


@together.behaviour
def mask_goes_along(answer):
    for _ in range(5):
        x, y = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
        _, got = mirrored(answer, x, y, True)
        expect(not torch.equal(got, y), "The image is mirrored and the mask is not: now each nucleus is labelled at the "
                                        "wrong place.")
        expect(torch.equal(got, y.flip(-1)), "The mask is not mirrored left to right, as the image is.")
        expect(got.dtype == torch.int64, f"Your mask has become {got.dtype}; wanted torch.int64. Classes are whole numbers.")


@together.behaviour
def off_means_off(answer):
    for _ in range(5):
        x, y = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
        a, b = mirrored(answer, x, y, False)
        expect(torch.equal(a, x) and torch.equal(b, y), "With mirror=False something changes; wanted both as they were.")


read = Exercise("6.4", "Read a curve", minutes=5, kind="deeper")


@read.behaviour
def the_diagnosis(answer):
    letter = str(answer).strip().upper()
    why = {
        "A": "A says the learning rate is too large: then the training loss would jump or grow. Here it falls smoothly.",
        "C": "C says it has not trained long enough: then validation would still get better.",
        "D": "D says a mask is wrong: then even one batch could not be learnt by heart.",
    }
    expect(letter in ("A", "B", "C", "D"), f"Your answer is {said(answer)}; wanted one of the letters A, B, C or D.")
    expect(letter == "B", why.get(letter, ""))
