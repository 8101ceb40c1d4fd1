"""Exercises of 06_training. (06)"""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.exercises.answers import letter, word
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.nb09 import gradients, same_gradients
from unet_course.exercises.values import alike, call, close, in_order, shape, tensor

by_hand = Exercise("6.1", "Cross-entropy on four pixels", "write", minutes=8)


@by_hand.behaviour
def known_pixels(answer):
    p = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.9, 0.05, 0.05]])
    target, logits = torch.tensor([0, 1, 2, 2]), p.log()
    wanted = -(math.log(0.5) + math.log(0.8) + math.log(0.6) + math.log(0.05)) / 4
    with asking("The logits come first, as numbers with decimals; the true classes second, as "
                "whole numbers."):
        got = call(answer, logits, target)
    if isinstance(got, torch.Tensor):
        expect(got.numel() == 1,
               f"You return {got.numel()} numbers for four pixels; wanted one, their mean.")
    mean = (0.5 + 0.8 + 0.6 + 0.05) / 4
    for value, why in [
            (4 * wanted, "That is the sum. A mean does not grow with the number of pixels."),
            (-wanted, "What sign does the logarithm of a probability have?"),
            (wanted / math.log(10), "That is the logarithm to base 10; wanted the natural one, "
                                    "torch.log."),
            (wanted / math.log(2), "That is the logarithm to base 2; wanted the natural one, "
                                   "torch.log."),
            (mean, "You average the probabilities of the true classes. Where is the logarithm?"),
            (-mean, "You average the probabilities of the true classes. Where is the logarithm?"),
            (F.cross_entropy(p, target), "You take the softmax of what is a softmax already. "
             "How many are inside the functions that you call?"),
            (-logits.log_softmax(0)[range(4), target].mean(), "Your softmax runs over the pixels. "
             "Which axis holds the classes?"),
            (-logits.mean(), "You average over all classes. Which one of each row counts?")]:
        expect(not alike(got, value, 1e-4), f"Wanted {wanted:.4f}, got {float(value):.4f}. {why}")
    close(got, wanted, "True classes had the probabilities 0.5, 0.8, 0.6 and 0.05: wanted {wanted}, got {got}. The mean "
                       "of minus the natural logarithm of these four.")


@by_hand.behaviour
def takes_logits(answer):
    logits, target = 3 * torch.randn(4, 3), torch.tensor([0, 2, 1, 2])
    close(call(answer, logits, target), F.cross_entropy(logits, target),
          "For logits that are not yet probabilities the value differs from F.cross_entropy. Softmax over the classes "
          "comes first, and only once.", tolerance=1e-4)


@by_hand.behaviour
def any_size(answer):
    for pixels, classes in [(6, 4), (9, 2), (1, 5)]:
        logits, target = 3 * torch.randn(pixels, classes), torch.randint(0, classes, (pixels,))
        with asking(f"That was with pixels × classes = {pixels}×{classes}. Which size is fixed "
                    "in your code?"):
            got = call(answer, logits, target)
        close(got, F.cross_entropy(logits, target),
              f"pixels × classes = 4×3 is right, {pixels}×{classes} is not: wanted {{wanted}}, got "
              "{got}. Which size is fixed in your code?", tolerance=1e-4)


@by_hand.behaviour
def large_logits(answer):
    got = call(answer, torch.tensor([[200.0, 0.0], [0.0, 200.0]]), torch.tensor([0, 0]))
    far = torch.tensor([[0.0, 10.0], [200.0, 190.0]]), torch.tensor([1, 0])
    if not alike(got, 100.0, 1e-3):
        expect(alike(call(answer, *far), F.cross_entropy(*far), 1e-3) or not
               alike(call(answer, far[0][1:], far[1][1:]), F.cross_entropy(far[0][1:], far[1][1:]), 1e-3),
               "You subtract the largest of all the logits. Then a pixel with small ones is left "
               "with nothing but zeros after exp. Which largest should each pixel subtract?")
    expect(not alike(got, math.inf), "For logits of 200 and 0 you get inf; wanted 100. The smaller probability has become 0 "
           "in float32, and log(0) is infinite. Subtracting the largest logit is not enough: softmax and logarithm belong in "
           "one step, log_softmax.")
    close(got, 100.0, "For logits of 200 you get {got}; wanted {wanted}. exp(200) is infinite in float32: use "
                      "log_softmax, or subtract the largest first.", tolerance=1e-3)


@by_hand.behaviour
def a_gradient_goes_back(answer):
    logits, target = (3 * torch.randn(5, 3)).requires_grad_(), torch.randint(0, 3, (5,))
    got = tensor(call(answer, logits, target), learns=True)
    expect(same_gradients(gradients(got, [logits]), gradients(F.cross_entropy(logits, target), [logits])),
           "The number is right, and the gradient that comes back is not, so a network would learn otherwise. Is a tensor "
           "detached on the way?")


step = Exercise("6.2", "Write one training step", "write", minutes=10)


def _small():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
                          nn.Conv2d(4, 5, 1))
    return model, torch.rand(2, 1, 8, 11), torch.randint(0, 5, (2, 8, 11))


@step.behaviour
def weights_change(answer):
    model, x, y = _small()
    before = copy.deepcopy(model.state_dict())
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    arrived = []
    for p in model.parameters():
        p.register_hook(arrived.append)
    call(answer, model, optimiser, x, y)
    moved = any(not torch.equal(before[n], p) for n, p in model.named_parameters())
    expect(moved or arrived, "After your step no weight has changed, and no gradient has come to "
           "one. Is backward() called, and does the network run outside of torch.no_grad()?")
    expect(moved,
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
    rounded = not alike(got, wanted, 1e-3) and got == round(got, 1) and abs(got - wanted) < 0.05
    expect(not rounded, f"The loss is {wanted:.4f}, you "
           f"return {got:g}. Is it rounded? Return it as it is.")
    expect(not alike(got, wanted / 2, 1e-3), f"The loss is {wanted:.3g}, you return half of it. "
           "What divides it?")
    close(got, wanted, "The loss you return differs from the cross-entropy of the logits, {wanted}: you return {got}. "
                       "Is there a softmax too many, a sum instead of the mean, or a weight, and "
                       "does the whole batch go in as it came?", tolerance=1e-3)


@step.behaviour
def with_the_optimiser_given(answer):
    model, x, y = _small()
    first = copy.deepcopy(model[0])
    call(answer, model, torch.optim.SGD(model[3].parameters(), lr=0.1), x, y)
    expect(same_weights(model[0], first),
           "The optimiser that your step was given holds the last layer alone, and still the first "
           "has changed. Which optimiser makes your step: that one, or one of your own?")


def same_weights(model, other):
    return all(torch.allclose(a, b, atol=1e-5)
               for a, b in zip(model.parameters(), other.parameters()))


def plain_step(model, optimiser, x, y, forget=True):
    """The step that is wanted, or one that lets old gradients in."""
    if forget:
        optimiser.zero_grad()
    F.cross_entropy(model.train()(x), y).backward()
    optimiser.step()


@step.behaviour
def gradients_do_not_add_up(answer):
    model, x, y = _small()
    twin, hoarder = copy.deepcopy(model), copy.deepcopy(model)

    def with_momentum(network):
        return torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    optimiser = with_momentum(model)
    call(answer, model, optimiser, x, y)
    once, twice = copy.deepcopy(model), copy.deepcopy(twin)
    for _ in range(2):
        call(answer, model, optimiser, x, y)
    reference = with_momentum(twice)
    plain_step(twice, reference, x, y)
    reference.step()
    expect(not same_weights(once, twice), "Your weights are where two steps of the optimiser take "
           "them: old gradients to zero, backward, step, each of them once. Which one comes twice?")
    for other, forget in [(twin, True), (hoarder, False)]:
        reference = with_momentum(other)
        plain_step(other, reference, x, y, forget)
        expect(same_weights(once, other), "Your weights move otherwise than by the optimiser's "
               "step on the gradient of this loss. What do you change: the loss, the gradient, or "
               "the learning rate?")
        for _ in range(2):
            plain_step(other, reference, x, y, forget)
    expect(not same_weights(model, hoarder),
           "After three steps your weights differ from those of plain training. Gradients add up "
           "from step to step unless they are set to zero.")
    expect(same_weights(model, twin),
           "Your first step is right, and the two after it move the weights otherwise than plain "
           "training. What do you keep or change from one call to the next?")


@step.behaviour
def old_gradients_are_forgotten(answer):
    model, x, y = _small()
    twin = copy.deepcopy(model)
    plain_step(twin, torch.optim.SGD(twin.parameters(), lr=0.1), x, y)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    call(answer, model, torch.optim.SGD(model.parameters(), lr=0.1), x, y)
    expect(same_weights(model, twin),
           "The network came with gradients of somebody else's backward(), and they went into your "
           "step. Do you set old gradients to zero before backward(), or after the step?")


together = Exercise("6.3", "Move image and mask together", "write", minutes=8)


def mirrored(answer, images, masks, mirror):
    """The two tensors that the learner's function gives back."""
    got = call(answer, images, masks, mirror)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, "Give back two tensors: (images, masks). You return "
           f"{len(got) if isinstance(got, (tuple, list)) else 'one value of type ' + type(got).__name__}.")
    return tensor(got[0], "Your first result"), tensor(got[1], "Your second result")


@together.behaviour
def shapes_stay(answer):
    x, y = mirrored(answer, torch.rand(4, 1, 6, 8), torch.randint(0, 3, (4, 6, 8)), True)
    in_order(x, y, ((4, 1, 6, 8), (4, 6, 8)), "You return the masks first. Wanted the images "
             "first, then the masks.")
    shape(x, (4, 1, 6, 8), "Your images are {got}; wanted {wanted}.", "Your images")
    shape(y, (4, 6, 8), "Your masks are {got}; wanted {wanted}.", "Your masks")


def mostly_mirrored(answer, x, y):
    """How many of 9 calls with mirror=True change the images."""
    return sum(not alike(mirrored(answer, x, y, True)[0], x) for _ in range(9))


@together.behaviour
def image_is_mirrored(answer):
    for channels in (1, 3):
        x, y = torch.rand(2, channels, 5, 6), torch.randint(0, 3, (2, 5, 6))
        got, _ = mirrored(answer, x, y, True)
        expect(not alike(got, x) or mostly_mirrored(answer, x, y) == 0, "With mirror=True some "
               "calls mirror and others do not. Who decides here: mirror, or a coin?")
        expect(not alike(got, x), "With mirror=True the images come back as they were. Do you flip "
               "them then, and along an axis longer than 1?")
        for axes, what in [((-2,), "top and bottom; wanted left and right"),
                           ((-2, -1), "top and bottom as well; wanted left and right alone"),
                           ((0,), "the order of the images; wanted the columns of each"),
                           ((1, -1), "the order of the channels as well; wanted the width alone")]:
            if channels == 1 and 1 in axes:
                continue  # one channel has one order
            expect(not alike(got, x.flip(axes)),
                   f"You mirror {what}. The axes are N, C, H, W: which one is the width?")
        first = alike(got[:1], x[:1].flip(-1))
        expect(not first or alike(got[1:], x[1:].flip(-1)), "With mirror=True image 0 of the batch "
               "is mirrored, and image 1 is not. Wanted all.")
        expect(not any(alike(got, x.flip(-1).roll(way, -1)) for way in (1, -1)), "With mirror=True "
               "your columns are mirrored and moved by one. Where does the first column go?")
        expect(alike(got, x.flip(-1)),
               "With mirror=True the images are not mirrored left to right, or not always.")


@together.behaviour
def mask_goes_along(answer):
    for _ in range(5):
        x, y = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
        _, got = mirrored(answer, x, y, True)
        expect(not alike(got, y), "The image is mirrored and the mask is not: now each nucleus is "
                                  "labelled at the wrong place.")
        expect(not alike(got, y.flip(-2)),
               "Your mask is mirrored top and bottom, and the image left and right.")
        expect(alike(got, y.flip(-1)), "The mask is not mirrored left to right, as the image is.")
        expect(got.dtype == torch.int64, f"Your mask has become {got.dtype}; wanted torch.int64. Classes are whole numbers.")


@together.behaviour
def off_means_off(answer):
    for _ in range(5):
        x, y = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
        a, b = mirrored(answer, x, y, False)
        expect(alike(a, x) and alike(b, y),
               "With mirror=False something changes; wanted both as they were.")


read = Exercise("6.4", "Read a curve", "read", minutes=5, mark="classroom")


@read.behaviour
def the_diagnosis(answer):
    chosen = letter(answer)
    why = {
        "A": "The loss of A stands still, near ln 3: it gets better nowhere, on its own crops neither.",
        "C": "C learns its crops by heart as well, and yet its Dice on the validation block stays high. Which one falls?",
        "D": "The Dice of D on the validation block was low from the start. Which one was high, and fell?",
    }
    expect(chosen == "B", why.get(chosen, ""))


step = Exercise("6.5", "Choose the next step", "choose", minutes=5, mark="classroom")
STEPS = ("lower the learning rate", "more augmentation", "learn one batch by heart", "train longer")


@step.behaviour
def loss_jumps(answer):
    expect((got := word(answer, 0, STEPS)) == "lower the learning rate", f"1: not {got!r}. The loss jumps and grows: "
           "each step goes too far. What sets how far a step goes?")


@step.behaviour
def learns_by_heart(answer):
    expect((got := word(answer, 1, STEPS)) == "more augmentation", f"2: not {got!r}. On its training images it gets "
           "better and better, on others worse: it learns them by heart. What makes more of few images?")


@step.behaviour
def stands_still(answer):
    expect((got := word(answer, 2, STEPS)) == "learn one batch by heart", f"3: not {got!r}. A loss that stands still "
           "at a high value, whatever you do, is the mark of a mistake in the code. Which test finds it in seconds?")


@step.behaviour
def still_better(answer):
    expect((got := word(answer, 3, STEPS)) == "train longer", f"4: not {got!r}. Both curves are still getting better "
           "when it ends. Nothing is wrong.")


soft = Exercise("6.6", "The Dice loss by hand", "write", minutes=15, mark="deeper")


def soft_dice(p, t):
    return 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


def loss_of(answer, p, t):
    """The learner's loss for probabilities and truth of any shape."""
    with asking("p and t may have any shape. Over which axes do you sum?"):
        return tensor(call(answer, p, t), "Your loss")


def random_pair(*size):
    """Probabilities and a truth."""
    return torch.rand(size), (torch.rand(size) > 0.4).float()


@soft.behaviour
def one_number(answer):
    got = loss_of(answer, *random_pair(2, 5, 6))
    expect(got.numel() == 1, f"Your loss has shape {tuple(got.shape)}; wanted one number for all the pixels. What has "
           "to be summed?")


@soft.behaviour
def over_the_whole_batch(answer):
    p, truth = random_pair(3, 5, 6)
    truth[1:] = 0
    of_images = torch.stack([soft_dice(*pair) for pair in zip(p, truth)]).mean()
    expect(not alike(loss_of(answer, p, truth), of_images),
           f"A batch of three images, two of them empty: wanted {soft_dice(p, truth).item():.6g}, "
           f"got {of_images.item():.6g}. Sum over the whole batch, then divide: a mean over images "
           "gives an empty image as much weight as a full one.")


@soft.behaviour
def perfect_is_nearly_zero(answer):
    truth = torch.zeros(8, 9)
    truth[2:5, 3:7] = 1
    got = loss_of(answer, truth, truth)
    for value, why in [
            (1 / 25, "In the formula 1 is added above the line as well as below it."),
            (-1 / 24, "In the formula 1 is added below the line as well as above it."),
            (-1 / 25, "The 2 belongs to the overlap: the 1 beside it is not doubled."),
            (12 / 25, "In the formula the overlap is taken twice."),
            (1.0, "That is Dice itself, which is best at 1. A loss is best at 0."),
            (-1.0, "That is minus Dice. A loss is best at 0: what do you take Dice from?"),
            (soft_dice(truth.sigmoid(), truth), "You put a sigmoid over p, which holds "
             "probabilities already.")]:
        expect(not alike(got, value, 1e-4), "Probabilities that are sure and right should cost 0; "
               f"yours cost {float(value):.3g}. {why}")
    if got.numel() == 1:
        expect(float(got) >= -1, "Probabilities that are sure and right should cost 0; yours cost "
               f"{float(got):.3g}, and no loss of this kind is below 0. Do you sum the products, "
               "and is all that is above the line divided? Look at the brackets.")
    close(got, 0.0,
          "Probabilities that are sure and right should cost 0; yours cost {got}. Is it one minus "
          "Dice? Is the overlap taken twice?", 1e-4)


@soft.behaviour
def nothing_there(answer):
    close(loss_of(answer, torch.zeros(4, 4), torch.zeros(4, 4)), 0.0,
          "No nucleus, and none predicted: that is right and should cost 0, not {got}. What is the "
          "1 for, above and below the line?")


@soft.behaviour
def soft_not_cut(answer):
    for size in [(6, 7), (2, 3, 4, 5), (1,)]:
        p, truth = random_pair(*size)
        got, wanted = loss_of(answer, p, truth), soft_dice(p, truth)
        cut = soft_dice((p > 0.5).float(), truth)
        expect(not alike(got, cut, 1e-6) or alike(cut, wanted, 1e-6),
               "You cut the probabilities at 0.5. A cut has no slope, so nothing can be learnt "
               "from it: multiply and sum the probabilities as they are.")
        close(got, wanted,
              "Random probabilities: wanted {wanted}, got {got}. Overlap: the sum of products. "
              "Areas: the two sums. And 1 is added above and below the line.")
    p, empty = torch.full((4, 4), 0.25), torch.zeros(4, 4)
    close(loss_of(answer, p, empty), soft_dice(p, empty), "No nucleus, and 0.25 predicted "
          "everywhere: wanted {wanted}, got {got}. The 1 is added once above and once below the line.")


@soft.behaviour
def gradient_flows(answer):
    p, truth = random_pair(2, 5, 6)
    p.requires_grad_()
    with asking("Here a gradient has to come back to p. Which line of yours leaves torch?"):
        loss = tensor(call(answer, p, truth), "Your loss", learns=True)
    expect(loss.requires_grad, "No gradient goes back through your loss. Does it pass through .item(), numpy or a comparison?")
    with asking("That was in the backward pass. Is a tensor changed in place after it was used?"):
        (gradient,) = torch.autograd.grad(loss.sum(), p, allow_unused=True)
    expect(gradient is not None, "Your loss has a gradient, but none goes back to p. Is it a new "
           "tensor, made of a number?")
    (true,) = torch.autograd.grad(soft_dice(p, truth), p)
    close(gradient, true, "The gradient of your loss is not that of the formula. Is a part of it detached?", 1e-4)

telling = Exercise("6.7", "When can you tell?", "write", minutes=10)


def judged(answer, base, changed):
    """The verdict, tidied."""
    given = call(answer, list(base), list(changed))
    tidy = " ".join(given.lower().split()) if isinstance(given, str) else given
    expect(tidy in ("better", "worse", "cannot tell"), f"For {list(base)} and {list(changed)} you "
           f"return {said(given)}; wanted one of: better, worse, cannot tell.")
    return tidy


@telling.behaviour
def apart(answer):
    for base, changed, wanted in [([0.90, 0.92], [0.95, 0.93], "better"),
                                  ([0.95, 0.93], [0.90, 0.92], "worse"),
                                  ([3, 1, 2], [9, 8, 7, 10], "better"), ([0.5], [0.4], "worse")]:
        got = judged(answer, base, changed)
        expect(got == wanted, f"For base {base} and changed {changed} you say {got!r}; wanted "
               f"{wanted!r}: the ranges are apart. Which end of each list has to be compared?")


@telling.behaviour
def overlapping(answer):
    for base, changed in [([0.90, 0.94], [0.93, 0.99]), ([0.93, 0.99], [0.90, 0.94]),
                          ([0.1, 0.9], [0.4, 0.5]), ([0.4, 0.5], [0.9, 0.1]),
                          ([0.5, 0.5, 0.9], [0.6, 0.95, 0.97])]:
        got = judged(answer, base, changed)
        expect(got == "cannot tell", f"For base {base} and changed {changed} you say {got!r}; wanted "
               "'cannot tell': the ranges overlap. A mean that is higher is not enough.")


@telling.behaviour
def touching(answer):
    for base, changed in [([0.90, 0.92], [0.92, 0.95]), ([0.92, 0.95], [0.92, 0.90]),
                          ([0.5], [0.5])]:
        got = judged(answer, base, changed)
        expect(got == "cannot tell", f"For base {base} and changed {changed} you say {got!r}; wanted "
               "'cannot tell': the ranges meet, so not every score of one is above every score of "
               "the other.")
