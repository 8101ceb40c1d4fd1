"""Exercises: loss, steps, prediction, split and score, patients 12 to 17. (09)"""

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.clinic.patients import ClinicUNet
from unet_course.exercises.core import Exercise, call, close, expect, said, shape, tensor

twelve = Exercise("9.12", "Patient 12", "find", minutes=5)


def binary(logits, masks):
    return F.binary_cross_entropy_with_logits(logits[:, 0], masks.float())


@twelve.behaviour
def sure_and_right_costs_nothing(answer):
    masks = torch.randint(0, 2, (2, 5, 6))
    sure = (60.0 * masks - 30)[:, None]
    got = float(call(answer, sure, masks))
    expect(abs(got) < 0.01, f"Logits of +30 in the nuclei and -30 outside cost {got:.3f}; wanted about 0. How often is a "
           "sigmoid taken on the way?")


@twelve.behaviour
def the_loss_is_as_before(answer):
    for scale in (1, 3, 300):
        logits, masks = scale * torch.randn(2, 1, 6, 5), torch.randint(0, 2, (2, 6, 5))
        close(call(answer, logits, masks), binary(logits, masks), f"For logits of about {scale} the loss is "
              "{got}; wanted {wanted}, the mean binary cross-entropy of their sigmoid. For large logits it has to be computed "
              "from the logits.", 1e-4)


thirteen = Exercise("9.13", "Patient 13", "find", minutes=5)


@thirteen.behaviour
def learns_one_batch(answer):
    x = torch.rand(4, 1, 16, 16)
    y = (x[:, 0] > 0.5).long()
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    optimiser = call(answer, net)
    expect(isinstance(optimiser, torch.optim.Optimizer), f"You return {said(optimiser)}; wanted an optimiser.")
    values = []
    for _ in range(300):
        loss = F.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    expect(max(values) < 3 * values[0], "Now the loss jumps up. How much is a hundred times?")
    # A rate of 0.001 comes down to 0.7 at most, 0.0003 to no less than 0.89.
    expect(values[-1] < 0.8 * values[0], f"After 300 steps on one batch the loss is still {values[-1] / values[0]:.2f} of "
           "what it was. What sets how far a step goes?")


@thirteen.behaviour
def adamw_over_all_weights(answer):
    net = ClinicUNet(channels=(2, 4))
    optimiser = answer(net)
    expect(type(optimiser) is torch.optim.AdamW, f"It was AdamW; you return {type(optimiser).__name__}. Change one thing.")
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    expect(held == {id(p) for p in net.parameters()}, "The optimiser does not hold all weights of the network.")
    for group in optimiser.param_groups:
        expect(1e-3 <= group["lr"] <= 1e-2, f"Your learning rate is {group['lr']:g}; wanted about a hundred times 0.00003.")
        expect(group["weight_decay"] == 0.01 and group["betas"] == (0.9, 0.999), "Another setting of AdamW has changed.")


class Stub(nn.Module):
    """A network with a batch norm, whose logits are its input, shifted by what the norm has learnt."""

    def __init__(self, outputs):
        super().__init__()
        self.norm, self.outputs = nn.BatchNorm2d(1, affine=False), outputs

    def forward(self, x):
        return self.norm(x) * torch.linspace(1, -1, self.outputs).reshape(1, -1, 1, 1)


fourteen = Exercise("9.14", "Patient 14", "find", minutes=5)


@fourteen.behaviour
def half_of_a_probability(answer):
    got = tensor(call(answer, Stub(1), torch.full((1, 1, 4, 4), 0.3)))
    shape(got, (1, 4, 4), "Your masks are {got}; wanted {wanted}.", "Your masks")
    expect(bool(got.all()), "A logit of 0.3 is a probability of 0.57, more than half, and you call it background. What turns "
                            "a logit into a probability?")


@fourteen.behaviour
def the_rest_of_the_prediction(answer):
    x = 4 * torch.randn(3, 1, 9, 8)
    net = Stub(1)
    net.norm.running_mean.fill_(0.2)
    got = tensor(call(answer, net, x))
    expect(got.dtype == torch.bool and not got.requires_grad, "Wanted a mask of True and False, as before.")
    expect(int(net.norm.num_batches_tracked) == 0, "The running means of batch norm have moved. Is the network in eval mode?")
    expect(torch.equal(got, x[:, 0] > 0.2), "Some pixels have a probability above one half and are not foreground, or the "
           "other way round.")


fifteen = Exercise("9.15", "Patient 15", "find", minutes=5)


@fifteen.behaviour
def the_network_is_left_alone(answer):
    net = Stub(3).train()
    call(answer, net, torch.rand(2, 1, 6, 6))
    expect(int(net.norm.num_batches_tracked) == 0, "While you predict, the running means of batch norm move. Which mode is "
           "the network in?")


@fifteen.behaviour
def classes_as_before(answer):
    x = 2 * torch.randn(4, 1, 7, 6)
    net = Stub(3).train()
    net.norm.running_mean.fill_(0.5)
    alone, together = call(answer, net, x[:1]), call(answer, net, x)
    shape(together, (4, 7, 6), "Your classes are {got}; wanted {wanted}, one for each pixel.", "Your classes")
    expect(torch.equal(alone[0], together[0]), "An image gets other classes when others are in the batch.")
    expect(torch.equal(together, net.eval()(x).argmax(dim=1)), "These are not the classes of the largest logit.")


sixteen = Exercise("9.16", "Patient 16", "find", minutes=12)


def halves(answer, seed=0, size=(192, 384)):
    field = torch.arange(float(size[0] * size[1])).reshape(1, *size)
    got = call(answer, field, torch.Generator().manual_seed(seed))
    expect(isinstance(got, (tuple, list)) and len(got) == 2, "Give back two batches of crops: for training, for validation.")
    for part, name in zip(got, ("training", "validation")):
        expect(isinstance(part, torch.Tensor) and part.ndim == 4 and part.shape[1:] == (1, 64, 64) and len(part),
               f"Your crops for {name} are {said(part) if not isinstance(part, torch.Tensor) else tuple(part.shape)}; wanted "
               "(n, 1, 64, 64), with at least one.")
    return field, *got


@sixteen.behaviour
def nothing_is_shared(answer):
    for size in ((192, 384), (256, 320), (160, 448)):
        _, train, val = halves(answer, size=size)
        shared = len(set(train.unique().tolist()) & set(val.unique().tolist())) / val.unique().numel()
        expect(shared == 0, f"{100 * shared:.0f} % of the pixels for validation are in a crop for training, too. What has to "
               "come first, splitting or cutting?")


@sixteen.behaviour
def enough_in_both(answer):
    for size in ((192, 384), (256, 320)):
        field, train, val = halves(answer, size=size)
        known = set(field[0, :-63, :-63].flatten().tolist())  # where a crop may begin
        for crops in (train, val):
            whole = all(float(c[0, 0, 0]) in known and bool((c[0, :, 1:] - c[0, :, :-1] == 1).all()) for c in crops)
            expect(whole, "Your crops are not pieces of the field any more, pixel for pixel.")
        share = len(val) / (len(train) + len(val))
        expect(0.05 <= share <= 0.45, f"{100 * share:.0f} % of your crops are for validation; it was a quarter.")
        used = (train.unique().numel() + val.unique().numel()) / field.numel()
        expect(used > 0.6, f"Only {100 * used:.0f} % of the field's pixels are in a crop. A gap costs something, but not so "
               "much.")


seventeen = Exercise("9.17", "Patient 17", "find", minutes=8)


@seventeen.behaviour
def perfect_is_one(answer):
    for classes in ([0, 1], [0, 2], [0, 1, 2], [2]):
        mask = torch.tensor(classes).repeat(6).reshape(2, -1)
        got = float(call(answer, mask, mask))
        expect(abs(got - 1) < 1e-4, f"A prediction equal to its mask, with the classes {classes}, scores {got:.2f}. What "
               "does a class count that is neither in the one nor in the other?")


@seventeen.behaviour
def nothing_there_and_nothing_found(answer):
    empty = torch.zeros(4, 5, dtype=torch.int64)
    got = float(call(answer, empty, empty))
    expect(abs(got - 1) < 1e-4, f"No nucleus, and none predicted: that is right, and scores {got:.2f}; wanted 1.")


@seventeen.behaviour
def mistakes_still_cost(answer):
    for number in (3, 4):
        for _ in range(5):
            p, t = (torch.randint(0, number, (4, 4)) for _ in range(2))
            close(answer(p, t, number), mean_dice(p, t, number), "For random masks the score is {got}; wanted {wanted}, the "
                  "mean over the classes from 1 on.", 1e-4)
    p, t = torch.tensor([[0, 1, 0, 1]]), torch.tensor([[0, 0, 1, 1]])
    close(answer(p, t), 0.5, "Class 2 occurs nowhere, class 1 has Dice 0.5: wanted {wanted}, got {got}.", 1e-4)
    missed = torch.tensor([[0, 0, 1, 1]]), torch.tensor([[0, 2, 1, 1]])
    close(answer(*missed), 0.5, "Class 2 was missed, and must cost: wanted {wanted}, got {got}.", 1e-4)
    invented = torch.tensor([[0, 2, 1, 1]]), torch.tensor([[0, 0, 1, 1]])
    close(answer(*invented), 0.5, "Class 2 was invented, and must cost: wanted {wanted}, got {got}.", 1e-4)


def mean_dice(prediction, target, num_classes):
    scores = []
    for k in range(1, num_classes):
        p, t = prediction == k, target == k
        if p.any() or t.any():
            scores.append(float(2 * (p & t).sum() / (p.sum() + t.sum())))
    return sum(scores) / len(scores) if scores else 1.0
