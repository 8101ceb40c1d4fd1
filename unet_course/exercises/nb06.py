"""Exercises of 06_training."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.exercises.core import Exercise, call, close, expect, shape, tensor

by_hand = Exercise("6.1", "Cross-entropy on four pixels", minutes=8, kind="classroom")


@by_hand.behaviour
def known_pixels(answer):
    p = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.9, 0.05, 0.05]])
    wanted = -(math.log(0.5) + math.log(0.8) + math.log(0.6) + math.log(0.05)) / 4
    got = call(answer, p.log(), torch.tensor([0, 1, 2, 2]))
    plain = -(0.5 + 0.8 + 0.6 + 0.05) / 4
    if abs(float(got) - plain) < 1e-4:
        expect(False, "You average the probabilities of the true classes. Where is the logarithm?")
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
           "After your step no weight has changed. Which call of the optimiser changes them, and what must come before?")


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
                       "Is there a softmax too many?", tolerance=1e-3)


@step.behaviour
def gradients_do_not_add_up(answer):
    model, x, y = _small()
    twin = copy.deepcopy(model)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    reference = torch.optim.SGD(twin.parameters(), lr=0.1)
    for _ in range(3):
        call(answer, model, optimiser, x, y)
        reference.zero_grad()
        F.cross_entropy(twin.train()(x), y).backward()
        reference.step()
    same = all(torch.allclose(a, b, atol=1e-5) for a, b in zip(model.parameters(), twin.parameters()))
    expect(same, "After three steps your weights differ from those of plain training. Gradients add up from step to "
                 "step unless they are set to zero.")


@step.behaviour
def in_training_mode(answer):
    model, x, y = _small()
    model.eval()
    call(answer, model, torch.optim.SGD(model.parameters(), lr=0.1), x, y)
    expect(model[1].num_batches_tracked.item() == 1, "The batch norm did not see your batch: the network was still in "
           "eval mode. Which method puts it into training mode?")


together = Exercise("6.3", "Move image and mask together", minutes=8, kind="classroom")


@together.behaviour
def shapes_stay(answer):
    x, y = call(answer, torch.rand(4, 1, 6, 8), torch.randint(0, 3, (4, 6, 8)), True)
    shape(x, (4, 1, 6, 8), "Your images are {got}; wanted {wanted}.", "Your images")
    shape(y, (4, 6, 8), "Your masks are {got}; wanted {wanted}.", "Your masks")


@together.behaviour
def image_is_mirrored(answer):
    x, y = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
    got = tensor(call(answer, x, y, True)[0])
    expect(not torch.equal(got, x.flip(-2)), "You mirror top and bottom; wanted left and right. Width is the last axis.")
    expect(torch.equal(got, x.flip(-1)), "With mirror=True the images are not mirrored left to right.")


@together.behaviour
def mask_goes_along(answer):
    x, y = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
    got = tensor(call(answer, x, y, True)[1])
    expect(not torch.equal(got, y), "The image is mirrored and the mask is not: now each nucleus is labelled at the "
                                    "wrong place.")
    expect(torch.equal(got, y.flip(-1)), "The mask is not mirrored left to right, as the image is.")
    expect(got.dtype == torch.int64, f"Your mask has become {got.dtype}; wanted torch.int64.")


@together.behaviour
def off_means_off(answer):
    x, y = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
    a, b = call(answer, x, y, False)
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
    expect(letter in ("A", "B", "C", "D"), f"Your answer is {answer!r}; wanted one of the letters A, B, C or D.")
    expect(letter == "B", why.get(letter, ""))
