"""Exercises of 10_the_paper."""

import math

import torch
import torch.nn.functional as F

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, asking, call, close, expect, said, shape, tensor

layers = Exercise("10.1", "Count the layers", "predict", minutes=5, mark="classroom")


def counted(answer, place):
    return number(several(answer, 3, "[10, 2, 13]")[place], f"Number {place + 1}")


@layers.behaviour
def three_by_three(answer):
    got = counted(answer, 0)
    expect(got != 12, "1: you count 12 convolutions of 3×3. Is the block at the bottom among them?")
    expect(got != 8, "1: you count 8 convolutions of 3×3. That is the way down; the way up has blocks, too.")
    expect(got != 7, "1: you count 7 blocks. How many convolutions are in each?")
    expect(got == 14, f"1: you count {got:g} convolutions of 3×3. With three pools there are four blocks down to the bottom, "
           "and one on each level on the way up. How many convolutions does a block have?")


@layers.behaviour
def up_convolutions(answer):
    got = counted(answer, 1)
    expect(got == 3, f"2: you count {got:g} up-convolutions. How many times is the size halved on the way down? As often it "
           "is doubled on the way up.")


@layers.behaviour
def all_together(answer):
    got = counted(answer, 2)
    expect(got != 17, "3: you count 17. One more follows at the very end: what makes scores out of the 64 channels?")
    expect(got == 18, f"3: you count {got:g} layers in all. Add up the 3×3, the up-convolutions, and the one at the very end.")


border = Exercise("10.2", "The border term", "write", minutes=10)


def to_points(points, size=(24, 32)):
    """Distances of each pixel to each of some points, (K, H, W)."""
    rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size), indexing="ij")
    found = [torch.hypot(rows - r, columns - c) for r, c in points]
    return torch.stack(found) if found else torch.zeros(0, *size, dtype=torch.float64)


def to_border(distances, w0, sigma):
    if len(distances) < 2:
        return torch.zeros(distances.shape[1:], dtype=torch.float64)
    d1, d2 = distances.double().sort(dim=0).values[:2]
    return w0 * torch.exp(-((d1 + d2) ** 2) / (2 * sigma**2)) * (d1 > 0)


def term(answer, distances, w0=10.0, sigma=5.0):
    got = tensor(call(answer, distances, w0, sigma))
    shape(got, distances.shape[1:], "For distances of K×H×W you return {got}; wanted one value for each pixel, {wanted}.")
    return got


@border.behaviour
def between_two_objects(answer):
    distances = torch.tensor([[[1.0, 2, 3, 6]], [[4.0, 3, 2, 6]]])
    got, right = term(answer, distances), to_border(distances, 10, 5)
    for other, why in [(10 * torch.exp(-((distances**2).sum(0)) / 50), "Are the distances squared one by one? The formula "
                        "adds them first and then squares the sum."),
                       (10 * torch.exp(-(distances.sum(0) ** 2) / 25), "Is there a 2 missing under the line?"),
                       (10 * torch.exp(-(distances.sum(0) ** 2) / 10), "Under the line stands the square of sigma."),
                       (10 * torch.exp(-distances.sum(0) / 50), "The sum of the distances is squared."),
                       (10 * torch.exp(-((2 * distances.amin(0)) ** 2) / 50), "You take the nearest object twice. Which "
                        "distance says how wide the gap is?"),
                       (torch.exp(-(distances.sum(0) ** 2) / 50), "Where does w0 come in?")]:
        expect(not torch.allclose(got.double(), other.double(), atol=1e-4), f"Distances 1 and 4, w0 = 10, sigma = 5: you get "
               f"{got.flatten()[0]:.4g}, wanted {right.flatten()[0]:.4g}. {why}")
    expect(torch.allclose(got.double(), right, atol=1e-4), f"Distances 1 and 4, w0 = 10, sigma = 5: you get "
           f"{got.flatten()[0]:.4g}, wanted 10 · exp(-(1 + 4)² / (2 · 5²)) = {right.flatten()[0]:.4g}.")


@border.behaviour
def any_w0_and_sigma(answer):
    for w0, sigma in [(3.0, 5.0), (10.0, 2.0), (0.5, 9.0)]:
        distances = to_points([(12, 5), (12, 17)]) + 1
        expect(torch.allclose(term(answer, distances, w0, sigma).double(), to_border(distances, w0, sigma), atol=1e-4),
               f"With w0 = {w0:g} and sigma = {sigma:g} your values are not those of the formula. Are both used as they come?")


@border.behaviour
def the_two_nearest_of_many(answer):
    distances = to_points([(3, 3), (20, 28), (5, 12), (18, 8), (12, 20)]) + 1
    expect(torch.allclose(term(answer, distances).double(), to_border(distances, 10, 5), atol=1e-4), "With five objects your "
           "values differ. At each pixel only the nearest and the second nearest count, and which ones these are changes from "
           "pixel to pixel.")


@border.behaviour
def nothing_on_the_objects(answer):
    distances = to_points([(4, 4), (8, 9), (16, 20)])
    got = term(answer, distances)
    inside = distances.amin(0) == 0
    expect(bool((got[inside] == 0).all()), f"On an object itself (distance 0) you add {got[inside].max():.3g}. The border "
           "term is for background pixels; objects get none.")
    expect(torch.allclose(got.double(), to_border(distances, 10, 5), atol=1e-4), "Next to an object your values differ. Only "
           "where the distance to the nearest object is exactly 0 nothing is added.")


@border.behaviour
def fewer_than_two_objects(answer):
    for points in ([], [(4, 4)]):
        with asking("A picture may hold one object, or none. How wide is a gap that has nothing on its other side?"):
            got = term(answer, to_points(points))
        expect(bool((got == 0).all()), f"With {len(points)} objects there is no gap, so nothing is added: wanted zeros.")


weighted = Exercise("10.3", "A weight for each pixel", "write", minutes=8)


def sample():
    return 2 * torch.randn(2, 3, 5, 4), torch.randint(0, 3, (2, 5, 4)), 0.5 + 9 * torch.rand(2, 5, 4)


def to_loss(logits, target, weights):
    return (weights * F.cross_entropy(logits, target, reduction="none")).sum() / weights.sum()


@weighted.behaviour
def one_number(answer):
    got = call(answer, *sample())
    size = tensor(got).numel()
    expect(size == 1, f"Your function returns {size} numbers for the batch; wanted one. Which sum makes one of them?")


@weighted.behaviour
def equal_weights(answer):
    logits, target, _ = sample()
    plain = F.cross_entropy(logits, target)
    for value in (1.0, 4.0):
        got = call(answer, logits, target, torch.full((2, 5, 4), value))
        expect(not math.isclose(float(got), float(plain * 40 * value), rel_tol=1e-3), "You return the sum over all pixels. A "
               "sum grows with the picture; divide by the sum of the weights.")
        close(got, plain, f"All weights are {value:g}: wanted the plain cross-entropy, {{wanted}}, you get {{got}}. The "
              "softmax is inside F.cross_entropy, and the sum is divided by the sum of the weights.", tolerance=1e-4)


@weighted.behaviour
def weights_count(answer):
    for _ in range(3):
        logits, target, weights = sample()
        got, plain = call(answer, logits, target, weights), F.cross_entropy(logits, target)
        expect(not math.isclose(float(got), float(plain), rel_tol=1e-4), "Your loss does not depend on the weights. "
               'Cross-entropy gives a cost for each pixel with reduction="none"; multiply before you add up.')
        close(got, to_loss(logits, target, weights), "For random weights: wanted {wanted}, you get {got}. Each pixel's cost "
              "times its weight, added up, divided by the sum of the weights.", tolerance=1e-4)


@weighted.behaviour
def gradient_goes_through(answer):
    logits, target, weights = sample()
    logits.requires_grad_()
    got = answer(logits, target, weights)
    expect(isinstance(got, torch.Tensor) and got.requires_grad, "No gradient can go back through your result. Is it still a "
           "tensor that was computed from the logits, without item(), detach() or NumPy?")


momentum = Exercise("10.4", "One step with momentum", "write", minutes=8)


def stepped(answer, *arguments):
    got = call(answer, *arguments)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, f"You return {said(got)}; wanted two things: the new weight and "
           "the new velocity.")
    return got


@momentum.behaviour
def from_rest(answer):
    weight, velocity = stepped(answer, 1.0, 0.0, 2.0, 0.1, 0.9)
    expect(float(weight) != 1.2, "Weight 1, gradient 2, lr 0.1: the weight goes up to 1.2. Down the gradient means minus.")
    close(velocity, 2.0, "From rest, gradient 2, momentum 0.9: the new velocity is {wanted}, you get {got}. Velocity is "
          "momentum times the old one, plus the gradient.")
    close(weight, 0.8, "From rest, weight 1, gradient 2, lr 0.1: wanted {wanted}, you get {got}.")


@momentum.behaviour
def velocity_is_kept(answer):
    weight, velocity = stepped(answer, 1.0, 5.0, 0.0, 0.1, 0.9)
    expect(abs(float(velocity)) > 1e-9, "The velocity was 5, the gradient is 0, and your new velocity is 0. Nine tenths of it "
           "should be left.")
    close(velocity, 4.5, "Velocity 5, gradient 0, momentum 0.9: wanted {wanted}, you get {got}.")
    expect(abs(float(weight) - 0.5) > 1e-6, "You move by the old velocity. Update it first, then move by the new one.")
    close(weight, 0.55, "Velocity 5, gradient 0, momentum 0.9, lr 0.1: the weight goes from 1 to {wanted}, you get {got}. The "
          "step is the learning rate times the new velocity.")


@momentum.behaviour
def as_torch_does(answer):
    for lr, factor in [(0.01, 0.99), (0.3, 0.5), (0.1, 0.0)]:
        p = torch.nn.Parameter(torch.randn(4, dtype=torch.float64))
        optimiser = torch.optim.SGD([p], lr=lr, momentum=factor)
        mine, velocity = p.detach().clone(), torch.zeros(4, dtype=torch.float64)
        for _ in range(5):
            p.grad = torch.randn(4, dtype=torch.float64)
            mine, velocity = stepped(answer, mine, velocity, p.grad, lr, factor)
            optimiser.step()
        close(mine, p.detach(), f"After five steps with lr {lr:g} and momentum {factor:g} your weights are not those of "
              "torch.optim.SGD. Does the new velocity go into the next step as it is, without the learning rate in it?")


who = Exercise("10.6", "Article or paper", "choose", minutes=5, mark="classroom")
WHO = ("paper", "article", "both", "neither")


@who.behaviour
def no_padding(answer):
    expect((got := word(answer, 0, WHO)) == "paper", f"1: not {got!r}. Which of the two gives back 388 pixels for 572, and "
           "which has a padding of 1?")


@who.behaviour
def normalised(answer):
    expect((got := word(answer, 1, WHO)) == "article", f"2: not {got!r}. Batch norm was published in the same year as U-Net. "
           "Which of the two could take it for granted?")


@who.behaviour
def joined(answer):
    expect((got := word(answer, 2, WHO)) == "both", f"3: not {got!r}. Does either of them do without the doubled channels "
           "after the skip?")


@who.behaviour
def added(answer):
    expect((got := word(answer, 3, WHO)) == "neither", f"4: not {got!r}. A sum leaves the number of channels as it is. What "
           "do the decoder blocks of both get?")
