"""Exercises: what has no source, five trainings and three networks, and the script. (09)"""

import copy

import numpy as np
import torch
from torch import nn

from unet_course.clinic.script import SickScript
from unet_course.exercises.answers import word
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.values import call, shape, tensor

five = Exercise("9.19", "Five trainings", "choose", minutes=8)
CAUSES = ("labels begin at 1", "masks all 0", "first weights too large", "learning rate too large",
          "a class is never said")


@five.behaviour
def training_a(answer):
    expect((got := word(answer, 0, CAUSES, 5)) == "first weights too large", f"A: not {got!r}. "
           "With two classes a network that knows nothing has a loss of ln 2, which is 0.69. Where "
           "does this one begin, and what can be large before the first step?")


@five.behaviour
def training_b(answer):
    expect((got := word(answer, 1, CAUSES, 5)) == "masks all 0", f"B: not {got!r}. No other loss "
           "falls as low. What is there to learn in these masks?")


@five.behaviour
def training_c(answer):
    expect((got := word(answer, 2, CAUSES, 5)) == "a class is never said", f"C: not {got!r}. Its "
           "masks are sound and its loss falls. Compare, class by class, what is drawn with what "
           "is said.")


@five.behaviour
def training_d(answer):
    expect((got := word(answer, 3, CAUSES, 5)) == "learning rate too large", f"D: not {got!r}. "
           "Its first loss is as it should be, and then it grows. What happens between the first "
           "and the second?")


@five.behaviour
def training_e(answer):
    expect((got := word(answer, 4, CAUSES, 5)) == "labels begin at 1", f"E: not {got!r}. Which "
           "numbers do its masks hold, and which class is never drawn?")


three = Exercise("9.20", "Three blind patients", "choose", minutes=20)
NAMES = ("healthy", "softmax inside", "first weights too small", "picture shifted",
         "skip at the wrong place", "channels in the wrong order", "a part never learns",
         "the batch decides")


@three.behaviour
def patient_one(answer):
    expect((got := word(answer, 0, NAMES, 3)) == "the batch decides", f"1: not {got!r}. In "
           "evaluation mode, hand it one image alone, and then the same image among others. How "
           "large is the difference?")


@three.behaviour
def patient_two(answer):
    expect((got := word(answer, 1, NAMES, 3)) == "a part never learns", f"2: not {got!r}. Take "
           "one step of training. Which of its weights are still what they were?")


@three.behaviour
def patient_three(answer):
    expect((got := word(answer, 2, NAMES, 3)) == "skip at the wrong place", f"3: not {got!r}. "
           "Light one pixel. In how many places does it come out, and how far apart are they?")


mend = Exercise("9.21", "A script with three faults", "find", minutes=25)
METHODS = ("read", "start", "batch", "step", "predict", "score", "run")


def made(answer):
    """The learner's script, made from the class."""
    expect(isinstance(answer, type), f"Your answer is {said(answer)}; wanted a class. Hand over "
           "its name, without brackets.")
    with asking("That was your class, called without arguments, as in MendedScript()."):
        script = answer()
    missing = [name for name in METHODS if not callable(getattr(script, name, None))]
    expect(not missing, f"Your class has no method {missing[0] if missing else ''}. Write class "
           "MendedScript(SickScript), and in it only the methods that you mend.")
    return script


def started(script):
    """Network and optimiser."""
    got = call(script.start)
    expect(isinstance(got, (tuple, list)) and len(got) == 2 and isinstance(got[0], nn.Module)
           and isinstance(got[1], torch.optim.Optimizer),
           "start gives back two things, the network and its optimiser, in this order.")
    return got


@mend.behaviour
def the_optimiser_moves_the_network(answer):
    script = made(answer)
    network, optimiser = started(script)
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    expect(held & {id(p) for p in network.parameters()}, "A step moves not one weight of the "
           "network that start gives back. Whose weights does the optimiser hold?")
    expect({id(p) for p in network.parameters()} <= held, "The optimiser holds some of the weights "
           "of the network, and not all.")
    rates = [group["lr"] for group in optimiser.param_groups]
    expect(isinstance(optimiser, torch.optim.AdamW) and set(rates) == {1e-2}, "The optimiser was "
           "AdamW with a rate of 0.01. That was no fault: leave it.")
    again, _ = started(script)
    expect(not {id(p) for p in network.parameters()} & {id(p) for p in again.parameters()},
           "start gives the same network a second time: a second run would go on with weights that "
           "are trained already. It has to make a new one.")
    sizes, before = ([p.shape for p in net.parameters()] for net in (network, SickScript().network()))
    expect(sizes == before, "The layers of your network have other sizes than before. The network "
           "was no fault: start may call self.network().")
    with asking("That was the network of start, on images 1×32×48."):
        shape(tensor(call(network, torch.rand(2, 1, 32, 48)), learns=True), (2, 3, 32, 48),
              "The network of start gives {got}; wanted {wanted}.")


@mend.behaviour
def masks_hold_classes(answer):
    script, rng = made(answer), np.random.default_rng(0)
    for size, classes in (((7, 5), 3), ((1, 1), 3), ((4, 6), 2), ((3, 3), 1)):
        file = rng.integers(0, classes, size).astype(np.uint8)
        file.flat[0] = classes - 1
        got = shape(tensor(call(script.read, file), "Your mask"), size,
                    "Your mask has shape {got}; wanted {wanted}.", "Your mask")
        expect(got.dtype == torch.int64, f"Your mask has dtype {got.dtype}; cross-entropy wants "
               "torch.int64.")
        expect(torch.equal(got, torch.from_numpy(file).long()), "A file that holds "
               f"{said(sorted(set(file.ravel().tolist())))} becomes a mask that holds "
               f"{said(sorted(set(got.ravel().tolist())))}, or it is not where it was. What do "
               "the numbers in these files mean?")


def a_batch(script, images, masks, seed):
    """Crops and their masks."""
    got = call(script.batch, images, masks, torch.Generator().manual_seed(seed))
    expect(isinstance(got, (tuple, list)) and len(got) == 2,
           "batch gives back two tensors, images and masks.")
    side = 64
    x = shape(tensor(got[0], "Your images"), (4, 1, side, side),
              "The images of your batch have shape {got}; wanted {wanted}.", "Your images")
    y = shape(tensor(got[1], "Your masks"), (4, side, side),
              "The masks of your batch have shape {got}; wanted {wanted}.", "Your masks")
    return x, y


@mend.behaviour
def image_and_mask_move_together(answer):
    script, ways = made(answer), set()
    masks = torch.arange(2 * 80 * 90).reshape(2, 80, 90)  # each pixel holds another number
    for seed in range(12):
        x, y = a_batch(script, masks[:, None].float(), masks, seed)
        expect(torch.equal(x[:, 0].long(), y), "Images that were equal to their masks are not any "
               "more when they come out of batch. What moves the one and not the other?")
        beside, below = y[..., 1:] - y[..., :-1], y[:, 1:] - y[:, :-1]
        expect(not bool((below == -90).all()), "Your batch is turned upside down; it was mirrored, "
               "left and right. Which axis is the width?")
        expect(bool((beside.abs() == 1).all() and (below == 90).all()), "The crops of your batch "
               "are no pieces of the images, as they are or mirrored.")
        turned = set(y[:, 0, 1].sub(y[:, 0, 0]).tolist())
        expect(len(turned) == 1, "One crop of a batch is mirrored and another is not. Before, one "
               "coin was thrown for all of them: that was no fault.")
        ways |= turned
    for seed in range(4):
        one, other = (a_batch(script, masks[:, None].float(), masks, seed)[1] for _ in range(2))
        expect(torch.equal(one, other), "The same generator gives another batch the second time. "
               "Whatever is drawn was drawn with it: leave that.")
    expect(ways == {-1, 1}, "Half of the batches were mirrored, left and right. In yours, "
           "none is, or all are: mirroring was no fault.")


@mend.behaviour
def the_rest_is_as_before(answer):
    script = made(answer)
    network, optimiser = started(script)
    x, y = torch.rand(2, 1, 32, 48), torch.randint(0, 3, (2, 32, 48))
    plain = copy.deepcopy(network)
    other = torch.optim.AdamW(plain.parameters(), lr=script.rate)
    with asking("That was one step, on images 1×32×48."):
        losses = [float(tensor(call(script.step, network.eval(), optimiser, x, y))) for _ in range(3)]
    expect(network.training and not all(map(torch.equal, network.parameters(), plain.parameters())),
           "After one call of step the network is not in training mode, or no weight has moved.")
    wanted = [SickScript().step(plain, other, x, y) for _ in range(3)]
    expect(np.allclose(losses, wanted, rtol=1e-3), f"Three steps on one batch have the losses "
           f"{said([round(loss, 3) for loss in losses])}; before they had "
           f"{said([round(loss, 3) for loss in wanted])}. The step was no fault: leave it.")
    got = tensor(call(script.predict, network.train(), x), "Your classes")
    with torch.no_grad():
        wanted = network.eval()(x).argmax(dim=1)
    expect(got.shape == wanted.shape and torch.equal(got, wanted), "predict gives other classes "
           "than the network in evaluation mode does.")
    true = torch.tensor([[0, 1, 2, 2], [0, 0, 1, 0]])
    for found, dice in ((true, 1.0), (0 * true, 0.0), (true.roll(2, 1), 0.5)):
        value = float(tensor(call(script.score, found, true), "Your score"))
        expect(abs(value - dice) < 1e-4, f"A score that should be {dice} is {value:.3g}. The score "
               "was no fault.")
    script.steps = 5
    pictures, files = torch.rand(1, 1, 80, 90), np.full((1, 80, 90), 2, dtype=np.uint8)
    with asking("That was run, with steps = 5."):
        losses, value = call(script.run, pictures, files, pictures, torch.zeros(1, 80, 90, dtype=int))
    expect(len(losses) == 5, f"run with steps = 5 gives back {len(losses)} losses.")
    expect(value == 0, "The validation masks of a run hold background and nothing else, and its "
           f"score is {value:.3g}; wanted 0. Which images and masks are scored?")
