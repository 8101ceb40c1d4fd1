"""Exercises: loss, steps, prediction, split and score, patients 12 to 17. (09)"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.clinic.patients import ClinicUNet
from unet_course.exercises.answers import number
from unet_course.exercises.core import Exercise, expect, said
from unet_course.exercises.nb09 import gradients, same_gradients
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import call, close, numeric, shape, tensor

twelve = Exercise("9.12", "Patient 12", "find", minutes=5)


def binary(logits, masks):
    return F.binary_cross_entropy_with_logits(logits[:, 0], masks.float())


def cost(answer, logits, masks):
    """The loss: one number."""
    got = tensor(call(answer, logits, masks), "Your loss", learns=True)
    expect(got.numel() == 1, f"Logits {tuple(logits.shape)}, masks {tuple(masks.shape)}: your loss "
           f"has {got.numel()} numbers; wanted one, the mean over all pixels.")
    return got.reshape(())


@twelve.behaviour
def sure_and_right_costs_nothing(answer):
    masks = torch.randint(0, 2, (2, 5, 6))
    sure = (60.0 * masks - 30)[:, None]
    got = float(cost(answer, sure, masks))
    expect(got == got, "Logits of +30 in the nuclei and -30 outside cost nan; wanted about 0. "
           "sigmoid(30) is 1 in float32: which logarithm is left then, and which loss takes the "
           "logits themselves?")
    expect(abs(got) < 0.01 or abs(float(cost(answer, -sure, masks))) > 0.01, "Logits of +30 in the "
           f"nuclei and -30 outside cost {got:.3g}, turned round they cost about 0. What does a "
           "large logit say?")
    expect(abs(got) < 0.01, f"Logits of +30 in the nuclei and -30 outside cost {got:.3f}; wanted about 0. How often is a "
           "sigmoid taken on the way?")


@twelve.behaviour
def the_loss_is_as_before(answer):
    for scale in (1, 3, 300):
        logits, masks = scale * torch.randn(2, 1, 6, 5), torch.randint(0, 2, (2, 6, 5))
        got, wanted = cost(answer, logits, masks), binary(logits, masks)
        expect(not torch.isclose(got, wanted * masks.numel()), "That is the sum over all pixels; "
               "wanted their mean, as before.")
        close(got, wanted, f"For logits of about {scale} the loss is "
              "{got}; wanted {wanted}, the mean binary cross-entropy of their sigmoid." + " Such "
              "large ones round to 0 and 1 in a sigmoid: which loss takes the logits "
              "themselves?" * (scale > 100), 1e-4)


@twelve.behaviour
def any_batch(answer):
    for size in ((1, 6, 5), (3, 1, 1), (1, 1, 1), (2, 1, 7)):
        for masks in (torch.zeros(size, dtype=torch.int64), torch.ones(size, dtype=torch.int64),
                      torch.randint(0, 2, size)):
            logits = torch.randn(size)[:, None]
            close(cost(answer, logits, masks), binary(logits, masks), "Masks of "
                  f"{'×'.join(map(str, size))}, with {int(masks.sum())} pixels of nuclei: the loss "
                  f"is {{got}}; wanted {{wanted}}.", 1e-4)


@twelve.behaviour
def a_gradient_comes_back(answer):
    for scale in (1, 300):
        logits = (scale * torch.randn(2, 1, 6, 5)).requires_grad_()
        masks = torch.randint(0, 2, (2, 6, 5))
        mine = gradients(cost(answer, logits, masks), [logits])
        wanted = gradients(binary(logits, masks), [logits])
        expect(same_gradients(mine, wanted), "The loss is right, and its gradient is not: training "
               "would go elsewhere. What comes between the logits and the loss?")


leaves_alone(twelve, lambda: [(torch.randn(2, 1, 6, 5), torch.randint(0, 2, (2, 6, 5)))])


thirteen = Exercise("9.13", "Patient 13", "find", minutes=5)


def optimiser_for(answer, net):
    """The learner's optimiser."""
    optimiser = call(answer, net)
    expect(isinstance(optimiser, torch.optim.Optimizer), f"Your answer is {said(optimiser)}; wanted an optimiser.")
    return optimiser


@thirteen.behaviour
def learns_one_batch(answer):
    x = torch.rand(4, 1, 16, 16)
    y = (x[:, 0] > 0.5).long()
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    optimiser = optimiser_for(answer, net)
    expect(isinstance(optimiser, torch.optim.AdamW), "It was AdamW; you return "
           f"{type(optimiser).__name__}. Change one thing.")
    values, before = [], [p.detach().clone() for p in net.parameters()]
    for _ in range(300):
        loss = F.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    upwards = any(group.get("maximize") for group in optimiser.param_groups)
    expect(not upwards, f"After 300 steps the loss has gone from {values[0]:.3g} to "
           f"{values[-1]:.3g}: your optimiser steps up, to make it larger. Which setting says so?")
    expect(not all(torch.equal(p, q) for p, q in zip(net.parameters(), before)), "After 300 steps "
           "not one weight has moved. Whose parameters does the optimiser hold?")
    expect(max(values) < 3 * values[0], "Now the loss jumps up. How much is a hundred times?")
    # A rate of 0.001 comes down to 0.7 at most, 0.0003 to no less than 0.89.
    expect(values[-1] < 0.8 * values[0], f"After 300 steps on one batch the loss is still {values[-1] / values[0]:.2f} of "
           "what it was. What sets how far a step goes?")


@thirteen.behaviour
def adamw_over_all_weights(answer):
    net = ClinicUNet(channels=(2, 4))
    optimiser = optimiser_for(answer, net)
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    expect(held == {id(p) for p in net.parameters()}, "The optimiser does not hold all weights of the network.")
    for group in optimiser.param_groups:
        # From 0.1 on a batch is learnt no better, and a training on many batches worse.
        expect(9.9e-4 <= group["lr"] <= 3.01e-2, f"Your learning rate is {group['lr']:g}; wanted 0.001 to 0.03. "
               "Of two that learn one batch equally well, take the smaller.")
        for name, value in torch.optim.AdamW(net.parameters()).defaults.items():
            expect(name in ("lr", "foreach", "fused") or group[name] == value, "Another setting of "
                   f"AdamW has changed: {name} is {said(group[name])}; it was {said(value)}.")


class Stub(nn.Module):
    """A network with a batch norm, whose logits are its input, shifted by what the norm has learnt."""

    def __init__(self, outputs):
        super().__init__()
        self.norm, self.outputs = nn.BatchNorm2d(1, affine=False), outputs

    def forward(self, x):
        slopes = torch.linspace(1, -1, self.outputs).reshape(1, -1, 1, 1)
        # Of three outputs, the one between is the largest near 0.
        return self.norm(x) * slopes + 0.5 * (1 - slopes.abs())


fourteen = Exercise("9.14", "Patient 14", "find", minutes=5)


def left_alone(answer, net):
    """Expect that a prediction does not change the network."""
    call(answer, net.train(), torch.rand(2, 1, 6, 6))
    expect(int(net.norm.num_batches_tracked) == 0, "While you predict, the running means of batch "
           "norm move. Which mode is the network in?")
    call(answer, net.eval(), torch.rand(2, 1, 6, 6))
    expect(not any(module.training for module in net.modules()), "The network came in evaluation "
           "mode, and after your prediction it is in training mode. Who may say that it is "
           "trained next?")


@fourteen.behaviour
def half_of_a_probability(answer):
    left_alone(answer, Stub(1))
    got = tensor(call(answer, Stub(1), torch.full((1, 1, 4, 4), 0.3)))
    shape(got, (1, 4, 4), "Your masks are {got}; wanted {wanted}.", "Your masks")
    expect(bool(got.all()), "A logit of 0.3 is a probability of 0.57, more than half, and you call it background. What turns "
                            "a logit into a probability?")


@fourteen.behaviour
def the_rest_of_the_prediction(answer):
    net = Stub(1)
    net.norm.running_mean.fill_(0.2)
    for size in ((3, 90, 80), (1, 1, 2)):
        x = (0.2 + torch.linspace(-2, 3, size[0] * size[1] * size[2])).reshape(size)[:, None]
        got = tensor(call(answer, net, x))
        expect(got.dtype == torch.bool, f"Your mask has dtype {got.dtype}; wanted True and False, "
               "as before.")
        shape(got, size, "Your masks are {got}; wanted {wanted}.", "Your masks")
        wrong = x[:, 0][got != (x[:, 0] > 0.2)]
        logit = float(wrong[0]) - 0.2 if len(wrong) else 0.0
        mine = "background in your mask" if logit > 0 else "foreground in your mask"
        expect(not len(wrong), f"A pixel with the logit {logit:.2f}, which is a probability of "
               f"{1 / (1 + math.exp(-logit)):.2f}, is {mine}. Above which one is it foreground?")


leaves_alone(fourteen, lambda: [(Stub(1), torch.rand(2, 1, 6, 6))])


fifteen = Exercise("9.15", "Patient 15", "find", minutes=5)


@fifteen.behaviour
def the_network_is_left_alone(answer):
    left_alone(answer, Stub(3))


@fifteen.behaviour
def classes_as_before(answer):
    x = 2 * torch.randn(4, 1, 7, 6)
    net = Stub(3).train()
    net.norm.running_mean.fill_(0.5)
    results = []
    for batch in (x[:1], x, x[:, :, :1, :1]):
        wanted = (len(batch), *batch.shape[2:])
        results.append(shape(call(answer, net.train(), batch), wanted, "Your classes are {got}; "
                             "wanted {wanted}, one for each pixel.", "Your classes"))
    alone, together, _ = results
    expect(bool((alone[0] == together[0]).all()), "An image gets other classes when others are in "
           "the batch. In which mode does the network, or a copy of it, run?")
    expect(bool((together == net.eval()(x).argmax(dim=1)).all()), "These are not the classes of "
           "the largest logit.")


leaves_alone(fifteen, lambda: [(Stub(3), torch.rand(2, 1, 6, 6))])


sixteen = Exercise("9.16", "Patient 16", "find", minutes=12)


FIELDS = ((192, 384), (256, 320), (160, 448), (167, 325), (160, 320), (224, 640))


def halves(answer, size, seed=0):
    field = torch.arange(float(size[0] * size[1])).reshape(1, *size)
    got = call(answer, field, torch.Generator().manual_seed(seed))
    expect(isinstance(got, (tuple, list)) and len(got) == 2, "Give back two batches of crops: for training, for validation.")
    got = [part if (array := numeric(part)) is None else array for part in got]  # crops in a list, too
    for part, name in zip(got, ("training", "validation")):
        expect(isinstance(part, torch.Tensor) and part.ndim == 4 and part.shape[1:] == (1, 64, 64) and len(part),
               f"Your crops for {name} are {said(part) if not isinstance(part, torch.Tensor) else tuple(part.shape)}; wanted "
               "(n, 1, 64, 64), with at least one.")
        begins = set(part[:, 0, 0, 0].tolist())
        whole = bool((part - part[..., :1, :1] == field[:, :64, :64]).all())
        # where a crop may begin
        expect(whole and begins <= set(field[0, :-63, :-63].flatten().tolist()), "Your crops are "
               "not pieces of the field any more, pixel for pixel.")
    return field, *got


@sixteen.behaviour
def nothing_is_shared(answer):
    for seed, size in enumerate(FIELDS):
        _, train, val = halves(answer, size, seed)
        shared = len(set(train.unique().tolist()) & set(val.unique().tolist())) / val.unique().numel()
        expect(shared == 0, f"{100 * shared:.0f} % of the pixels for validation are in a crop for training, too. What has to "
               "come first, splitting or cutting?")


@sixteen.behaviour
def enough_in_both(answer):
    for seed, size in enumerate(FIELDS):
        field, train, val = halves(answer, size, seed)
        for crops in (train, val):
            begins = crops[:, 0, 0, 0].tolist()
            expect(len(set(begins)) > 0.75 * len(begins), f"Of {len(begins)} crops only "
                   f"{len(set(begins))} are different.")
        share = len(val) / (len(train) + len(val))
        expect(0.05 <= share <= 0.45, f"{100 * share:.0f} % of your crops are for validation; it was a quarter.")
        used = (train.unique().numel() + val.unique().numel()) / field.numel()
        expect(used > 0.6, f"Only {100 * used:.0f} % of the field's pixels are in a crop. A gap costs something, but not so "
               "much.")


leaves_alone(sixteen, lambda: [(torch.rand(1, 160, 320), torch.Generator())])


seventeen = Exercise("9.17", "Patient 17", "find", minutes=8)


def scored(answer, *arguments):
    got = call(answer, *arguments)
    expect(not (isinstance(got, torch.Tensor) and got.numel() != 1), f"Your answer is {said(got)}; "
           "wanted one number.")
    expect(got == got, "Your score is nan, which no number equals. What is divided by 0?")
    return number(got, "Your score")


@seventeen.behaviour
def perfect_is_one(answer):
    for classes in ([0, 1], [0, 2], [0, 1, 2], [2]):
        mask = torch.tensor(classes).repeat(6).reshape(2, -1)
        got = scored(answer, mask, mask)
        expect(abs(got - 1) < 1e-4, f"A prediction equal to its mask, with the classes {classes}, scores {got:.2f}. What "
               "does a class count that is neither in the one nor in the other?")


@seventeen.behaviour
def nothing_there_and_nothing_found(answer):
    for size in ((4, 5), (1, 2)):
        empty = torch.zeros(size, dtype=torch.int64)
        got = scored(answer, empty, empty)
        expect(abs(got - 1) < 1e-4, "No nucleus, and none predicted: that is right, and scores "
               f"{got:.2f}; wanted 1.")


@seventeen.behaviour
def mistakes_still_cost(answer):
    none, one, both = (torch.tensor([row]) for row in ([0, 0, 0, 0], [0, 0, 1, 1], [0, 2, 1, 1]))
    for p, t, wanted, what in [(torch.tensor([[0, 1, 0, 1]]), one, 0.5, "Class 2 occurs nowhere, "
                                "class 1 has Dice 0.5"),
                               (one, both, 0.5, "Class 2 was missed, and must cost"),
                               (both, one, 0.5, "Class 2 was invented, and must cost"),
                               (none, one, 0.0, "All that there is was missed"),
                               (one, none, 0.0, "Nothing is there, and all of it was invented"),
                               (none + 1, none + 2, 0.0, "Each pixel has the wrong class")]:
        got = scored(answer, p, t)
        for value, why in [(mean_dice(p, t, 3, first=0), "You count the background, too; wanted "
                            "the classes from 1 on."),
                           (float((p == t).float().mean()), "That is the share of right pixels; "
                            "wanted the Dice of each class.")]:
            expect(abs(got - value) > 1e-4 or value == wanted, f"{what}: you get {got:.3g}. {why}")
        close(got, wanted, what + ": wanted {wanted}, got {got}.", 1e-4)
    for count in (2, 3, 4):
        for size in ((4, 4), (3, 5), (2, 3, 4), (1, 2)):
            p, t = (torch.randint(0, count, size) for _ in range(2))
            close(scored(answer, p, t, count), mean_dice(p, t, count), "For random masks of "
                  f"{'×'.join(map(str, size))} with num_classes={count} the score is {{got}}; "
                  f"wanted {{wanted}}, the mean over the classes from 1 on, over all pixels.", 1e-4)


def mean_dice(prediction, target, num_classes, first=1):
    scores = []
    for k in range(first, num_classes):
        p, t = prediction == k, target == k
        if p.any() or t.any():
            scores.append(float(2 * (p & t).sum() / (p.sum() + t.sum())))
    return sum(scores) / len(scores) if scores else 1.0


leaves_alone(seventeen, lambda: [(torch.randint(0, 3, (4, 4)), torch.randint(0, 3, (4, 4)))])
