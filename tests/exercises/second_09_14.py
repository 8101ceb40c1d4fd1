"""Answers to the exercises 9.19, 9.20, 9.21, 13.6, 14.2 and 14.5, written from the statements alone.

As in `second_07_13`. What form an answer may have is said in notebook 00, for all exercises.
"""

import itertools
import random
from collections import Counter, defaultdict
from copy import deepcopy
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from skimage.measure import label as pieces_of
from skimage.measure import regionprops, regionprops_table
from skimage.segmentation import clear_border

from tests.exercises.rows import adder
from unet_course import UNet, random_crops
from unet_course.clinic import SickScript

WRONG, RIGHT = [], []
wrong, right = adder(WRONG, 2), adder(RIGHT, 2)


# 9.19 Five trainings

LABELS, EMPTY, WEIGHTS = "labels begin at 1", "masks all 0", "first weights too large"
RATE, NEVER = "learning rate too large", "a class is never said"

wrong("9.19", "A and D changed: both have a large loss", [RATE, EMPTY, NEVER, WEIGHTS, LABELS])
wrong("9.19", "B and C changed: in B class 1 is never said either", [WEIGHTS, NEVER, EMPTY, RATE, LABELS])
wrong("9.19", "C and E changed: both have three classes", [WEIGHTS, EMPTY, LABELS, RATE, NEVER])
wrong("9.19", "B and E changed: in each a class lies on no pixel", [WEIGHTS, LABELS, NEVER, RATE, EMPTY])
wrong("9.19", "C and D changed: D ends by saying class 0 alone", [WEIGHTS, EMPTY, RATE, NEVER, LABELS])
wrong("9.19", "A and E changed", [LABELS, EMPTY, NEVER, RATE, WEIGHTS])
wrong("9.19", "B, C and E in a ring", [WEIGHTS, NEVER, LABELS, RATE, EMPTY])
wrong("9.19", "in the order of the statement", [LABELS, EMPTY, WEIGHTS, RATE, NEVER])
wrong("9.19", "from E to A", [LABELS, RATE, NEVER, EMPTY, WEIGHTS])
wrong("9.19", "one too late: the first name is missing, the last comes twice", [EMPTY, NEVER, RATE, LABELS, LABELS])
wrong("9.19", "a rate too large twice, no weights", [RATE, EMPTY, NEVER, RATE, LABELS])
wrong("9.19", "a class never said twice, no masks of 0", [WEIGHTS, NEVER, NEVER, RATE, LABELS])
wrong("9.19", "all of them never say a class", [NEVER] * 5)
wrong("9.19", "only four", [WEIGHTS, EMPTY, NEVER, RATE])
wrong("9.19", "six: one twice at the end", [WEIGHTS, EMPTY, NEVER, RATE, LABELS, LABELS])

right("9.19", "a list", ["first weights too large", "masks all 0", "a class is never said", "learning rate too large",
                         "labels begin at 1"])
right("9.19", "a tuple", ("first weights too large", "masks all 0", "a class is never said", "learning rate too large",
                          "labels begin at 1"))
right("9.19", "cut out of one text",
      "first weights too large; masks all 0; a class is never said; learning rate too large; labels begin at 1".split("; "))


@lambda make: right("9.19", "worked out from the sheets", make())
def _():
    first = {"A": 5.5, "B": 0.63, "C": 1.18, "D": 0.69, "E": 1.12}
    last = {"A": 0.03, "B": 0.01, "C": 0.21, "D": float("nan"), "E": 0.03}
    drawn = {"A": (78.1, 21.9), "B": (100, 0), "C": (91.1, 1.6, 7.3), "D": (78.1, 21.9), "E": (0, 78.1, 21.9)}
    causes = []
    for letter in "ABCDE":
        if last[letter] != last[letter]:
            causes.append(RATE)
        elif first[letter] > 2:
            causes.append(WEIGHTS)
        elif drawn[letter][0] == 100:
            causes.append(EMPTY)
        else:
            causes.append(LABELS if drawn[letter][0] == 0 else NEVER)
    return causes


@lambda make: right("9.19", "one after another by its letter", make())
def _():
    causes = [...] * 5
    for fault, letter in {LABELS: "E", EMPTY: "B", WEIGHTS: "A", RATE: "D", NEVER: "C"}.items():
        causes["ABCDE".index(letter)] = fault
    return causes


# Notebook 00: a list, tuple or array, and words with capitals or not.
right("9.19", "capitals at the beginning", [name.capitalize() for name in (WEIGHTS, EMPTY, NEVER, RATE, LABELS)])
right("9.19", "a blank behind a name", [WEIGHTS, EMPTY + " ", NEVER, RATE, LABELS])
right("9.19", "a NumPy array", np.array([WEIGHTS, EMPTY, NEVER, RATE, LABELS]))
# "Name the fault of each, A to E" might be read so; the stub has a list, and notebook 00 asks for its form.
wrong("9.19", "a dict by letter", dict(zip("ABCDE", (WEIGHTS, EMPTY, NEVER, RATE, LABELS))))


# 9.20 Three blind patients

BATCH, PART, SKIP, HEALTHY = "the batch decides", "a part never learns", "skip at the wrong place", "healthy"

wrong("9.20", "all healthy: shapes, sums and one batch tell nothing", [HEALTHY] * 3)
wrong("9.20", "the first healthy: examined in evaluation mode, one image", [HEALTHY, PART, SKIP])
wrong("9.20", "the second healthy: it learns its batch by heart", [BATCH, HEALTHY, SKIP])
wrong("9.20", "the third healthy: brightest at its pixel", [BATCH, PART, HEALTHY])
wrong("9.20", "the third: the picture is shifted", [BATCH, PART, "picture shifted"])
wrong("9.20", "the third: channels in the wrong order", [BATCH, PART, "channels in the wrong order"])
wrong("9.20", "the second: first weights too small", [BATCH, "first weights too small", SKIP])
wrong("9.20", "the first: softmax inside, as outputs differ", ["softmax inside", PART, SKIP])
wrong("9.20", "the first: a part never learns; the second: the batch decides", [PART, BATCH, SKIP])
wrong("9.20", "the second and the third changed", [BATCH, SKIP, PART])
wrong("9.20", "the first and the third changed", [SKIP, PART, BATCH])
wrong("9.20", "one too late", [SKIP, BATCH, PART])
wrong("9.20", "one too early", [PART, SKIP, BATCH])
wrong("9.20", "the second and the third both at the skip", [BATCH, SKIP, SKIP])
wrong("9.20", "the batch decides in all", [BATCH] * 3)
wrong("9.20", "only two", [BATCH, PART])
wrong("9.20", "four: healthy in front, as in the loop of ClinicUNet and three patients", [HEALTHY, BATCH, PART, SKIP])
wrong("9.20", "the parts that did not move, in place of a name", [BATCH, ["encoders"], SKIP])

right("9.20", "a list", ["the batch decides", "a part never learns", "skip at the wrong place"])
right("9.20", "a tuple", ("the batch decides", "a part never learns", "skip at the wrong place"))
right("9.20", "cut out of one text", "the batch decides, a part never learns, skip at the wrong place".split(", "))


@lambda make: right("9.20", "picked from the list of the statement", make())
def _():
    names = ["healthy", "softmax inside", "first weights too small", "picture shifted", "skip at the wrong place",
             "channels in the wrong order", "a part never learns", "the batch decides"]
    return [names[k] for k in (-1, -2, 4)]


@lambda make: right("9.20", "from a dict by number", make())
def _():
    found = {3: "skip at the wrong place", 1: "the batch decides", 2: "a part never learns"}
    return [found[number] for number in sorted(found)]


@lambda make: right("9.20", "from what was measured", make())
def _():
    measured = {1: (2.1, [], 16), 2: (0.0, ["encoders"], 16), 3: (0.0, [], 20)}  # alone or not, unmoved, lit pixels
    named = []
    for apart, still, lit in measured.values():
        named.append(BATCH if apart > 0.01 else PART if still else SKIP if lit > 16 else HEALTHY)
    return named


right("9.20", "capitals", [name.capitalize() for name in (BATCH, PART, SKIP)])
right("9.20", "a NumPy array", np.array([BATCH, PART, SKIP]))
wrong("9.20", "a dict by number", {1: BATCH, 2: PART, 3: SKIP})
# Both names stand in the list; wanted is one for each.
wrong("9.20", "two names for the third", [BATCH, PART, [SKIP, "picture shifted"]])


# 9.21 A script with three faults


def good_read(self, file):
    return torch.from_numpy(file).long()


def good_start(self):
    network = self.network()
    return network, torch.optim.AdamW(network.parameters(), lr=self.rate)


def good_batch(self, images, masks, generator):
    x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
    if torch.rand((), generator=generator) < 0.5:
        x, y = x.flip(-1), y.flip(-1)
    return x, y


# 9.21, wrong: some of the three are left


@wrong("9.21", "nothing mended")
class _(SickScript):
    pass


@wrong("9.21", "only the optimiser")
class _(SickScript):
    start = good_start


@wrong("9.21", "only the masks")
class _(SickScript):
    read = good_read


@wrong("9.21", "only the mirror")
class _(SickScript):
    batch = good_batch


@wrong("9.21", "optimiser and masks, no mirror: the loss falls and the Dice is there")
class _(SickScript):
    start, read = good_start, good_read


@wrong("9.21", "optimiser and mirror, masks still all 0: the lowest loss of all")
class _(SickScript):
    start, batch = good_start, good_batch


@wrong("9.21", "masks and mirror, the optimiser still has another network")
class _(SickScript):
    read, batch = good_read, good_batch


@wrong("9.21", "none mended, but more steps and a larger rate")
class _(SickScript):
    steps, rate = 150, 1e-1


# 9.21, wrong: the optimiser


@wrong("9.21", "start: the same two networks, in other words")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network = self.network()
        optimiser = torch.optim.AdamW(self.network().parameters(), lr=self.rate)
        return network, optimiser


@wrong("9.21", "start: the optimiser has a copy of the network")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network = self.network()
        return network, torch.optim.AdamW(deepcopy(network).parameters(), lr=self.rate)


@wrong("9.21", "start: the same weights, still two networks")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        stepped, network = self.network(), self.network()
        network.load_state_dict(stepped.state_dict())
        return network, torch.optim.AdamW(stepped.parameters(), lr=self.rate)


@wrong("9.21", "start: the same seed for both networks")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        torch.manual_seed(0)
        optimiser = torch.optim.AdamW(self.network().parameters(), lr=self.rate)
        torch.manual_seed(0)
        return self.network(), optimiser


@wrong("9.21", "start: the rate is forgotten")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network = self.network()
        return network, torch.optim.AdamW(network.parameters())


@wrong("9.21", "start: SGD in place of AdamW")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network = self.network()
        return network, torch.optim.SGD(network.parameters(), lr=self.rate)


@wrong("9.21", "start: optimiser first, network second")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network = self.network()
        optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)
        return optimiser, network


@wrong("9.21", "start: nothing returned")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network = self.network()
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)


@wrong("9.21", "start: the head alone is trained")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network = self.network()
        return network, torch.optim.AdamW(network.head.parameters(), lr=self.rate)


@wrong("9.21", "start: a network of its own, half as wide")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network = UNet(num_classes=3, channels=(4, 8, 16))
        return network, torch.optim.AdamW(network.parameters(), lr=self.rate)


@wrong("9.21", "network: made once and kept in the class, so that a second run begins with trained weights")
class _(SickScript):
    read, batch = good_read, good_batch
    made = None

    def network(self):
        if type(self).made is None:
            type(self).made = super().network()
        return type(self).made


@wrong("9.21", "network: cached for each script, so that a second run begins with trained weights")
class _(SickScript):
    read, batch = good_read, good_batch

    @cache  # noqa: B019 (the mistake)
    def network(self):
        return UNet(num_classes=3, channels=(8, 16, 32))


@wrong("9.21", "network: made in __init__, before the seed is set, and trained on by each run")
class _(SickScript):
    read, batch = good_read, good_batch

    def __init__(self):
        self.model = super().network()

    def start(self):
        return self.model, torch.optim.AdamW(self.model.parameters(), lr=self.rate)


@wrong("9.21", "step: a new optimiser in each step, and start as it was")
class _(SickScript):
    read, batch = good_read, good_batch

    def step(self, network, optimiser, x, y):
        optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)
        return super().step(network, optimiser, x, y)


@wrong("9.21", "step: weights moved by hand, and start as it was")
class _(SickScript):
    read, batch = good_read, good_batch

    def step(self, network, optimiser, x, y):
        network.train()
        network.zero_grad()
        loss = F.cross_entropy(network(x), y)
        loss.backward()
        with torch.no_grad():
            for p in network.parameters():
                p -= self.rate * p.grad
        return loss.item()


# 9.21, wrong: the masks


@wrong("9.21", "read: the error silenced by rounding, still all 0")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file / 255).round().long()


@wrong("9.21", "read: whole division, still all 0")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file // 255).long()


@wrong("9.21", "read: above 0, as for patient 6: two classes of three")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file > 0).long()


@wrong("9.21", "read: rounded up, boundary and interior are one class")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(np.ceil(file / 255)).long()


@wrong("9.21", "read: divided by 2, the boundary is lost and the interior is boundary")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file / 2).long()


@wrong("9.21", "read: divided by 127, as if 255 were class 2")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file / 127).long()


@wrong("9.21", "read: by the largest number of this file, which spoils a file of 0 and 1")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(2 * (file / max(int(file.max()), 1))).long()


@wrong("9.21", "read: labels begin at 1 now")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file).long() + 1


@wrong("9.21", "read: labels begin at 1 now, and one output more hides it")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file).long() + 1

    def network(self):
        return UNet(num_classes=4, channels=(8, 16, 32))


@wrong("9.21", "read: one class down, as if labels began at 1; background and boundary are one")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return (torch.from_numpy(file).long() - 1).clamp(min=0)


@wrong("9.21", "read: .long() is gone with the division, the loss stops")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file)


@wrong("9.21", "read: floats, the loss stops")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file).float()


@wrong("9.21", "read: a channel axis too many")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file).long()[None]


@wrong("9.21", "read: self is forgotten")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(file):
        return torch.from_numpy(file).long()


@wrong("9.21", "read as it was; batch multiplies by 255, when all is 0 already")
class _(SickScript):
    start = good_start

    def batch(self, images, masks, generator):
        x, y = good_batch(self, images, masks, generator)
        return x, 255 * y


@wrong("9.21", "read as it was; the loss has weights for the classes")
class _(SickScript):
    start, batch = good_start, good_batch

    def step(self, network, optimiser, x, y):
        network.train()
        loss = F.cross_entropy(network(x), y, weight=torch.tensor([1.0, 10, 3]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()


@wrong("9.21", "score: counts the background as well, so that the Dice looks good; masks still all 0")
class _(SickScript):
    start, batch = good_start, good_batch

    def score(self, classes, masks):
        return (classes == masks).float().mean().item()


# 9.21, wrong: the mirror


@wrong("9.21", "batch: the mirror is thrown out")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        return random_crops(images, masks, size=self.size, count=self.count, generator=generator)


@wrong("9.21", "batch: masks flipped always, one line too far left")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x = x.flip(-1)
        y = y.flip(-1)
        return x, y


@wrong("9.21", "batch: images and masks by two draws")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x = x.flip(-1)
        if torch.rand((), generator=generator) < 0.5:
            y = y.flip(-1)
        return x, y


@wrong("9.21", "batch: masks flipped upside down")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x, y = x.flip(-1), y.flip(-2)
        return x, y


@wrong("9.21", "batch: axis 3 of masks that have none")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x, y = x.flip(3), y.flip(3)
        return x, y


@wrong("9.21", "batch: the masks are dealt out in the opposite order")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x, y = x.flip(-1), y.flip(0)
        return x, y


@wrong("9.21", "batch: flips the whole masks, after the crops were cut")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x = x.flip(-1)
            masks = masks.flip(-1)
        return x, y


@wrong("9.21", "batch: what flip gives is not kept for the masks")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x = x.flip(-1)
            y.flip(-1)
        return x, y


@wrong("9.21", "batch: the images are flipped back")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x = x.flip(-1).flip(-1)
        return x, y


@wrong("9.21", "batch: both are flipped always")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        return x.flip(-1), y.flip(-1)


@wrong("9.21", "batch: the coin is Python's, so that a seed no longer gives the same batch")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if random.random() < 0.5:
            x, y = x.flip(-1), y.flip(-1)
        return x, y


@wrong("9.21", "batch: masks first, images second")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = good_batch(self, images, masks, generator)
        return y, x


@wrong("9.21", "batch: the crops without the generator")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count)
        if torch.rand((), generator=generator) < 0.5:
            x, y = x.flip(-1), y.flip(-1)
        return x, y


@wrong("9.21", "batch: one mirror mended, and one crop in place of four")
class _(SickScript):
    start, read = good_start, good_read

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=1, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x, y = x.flip(-1), y.flip(-1)
        return x, y


# 9.21, wrong: all three mended, and something else spoilt


@wrong("9.21", "all three, and step no longer clears the gradients")
class _(SickScript):
    read, start, batch = good_read, good_start, good_batch

    def step(self, network, optimiser, x, y):
        network.train()
        loss = F.cross_entropy(network(x), y)
        loss.backward()
        optimiser.step()
        return loss.item()


@wrong("9.21", "all three, and predict no longer in evaluation mode")
class _(SickScript):
    read, start, batch = good_read, good_start, good_batch

    def predict(self, network, images):
        with torch.no_grad():
            return network(images).argmax(dim=1)


@wrong("9.21", "all three, and a softmax behind the network")
class _(SickScript):
    read, start, batch = good_read, good_start, good_batch

    def step(self, network, optimiser, x, y):
        network.train()
        loss = F.cross_entropy(network(x).softmax(dim=1), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()


@wrong("9.21", "all three, and a score without its 2")
class _(SickScript):
    read, start, batch = good_read, good_start, good_batch

    def score(self, classes, masks):
        found, true = classes > 0, masks > 0
        return ((found & true).sum() / (found.sum() + true.sum()).clamp(min=1)).item()


@wrong("9.21", "all three, and the training is scored in place of the validation")
class _(SickScript):
    read, start, batch = good_read, good_start, good_batch

    def run(self, images, files, val_images, val_masks, seed=0):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        masks = torch.stack([self.read(file) for file in files])
        network, optimiser = self.start()
        losses = [self.step(network, optimiser, *self.batch(images, masks, generator)) for _ in range(self.steps)]
        return losses, self.score(self.predict(network, images), masks)


@wrong("9.21", "all three, and a tenth of the rate, to be on the safe side")
class _(SickScript):
    rate = 1e-3
    read, start, batch = good_read, good_start, good_batch


# 9.21, right


@right("9.21", "one method after another, as one would")
class MendedScript(SickScript):
    def read(self, file):
        return torch.from_numpy(file).long()

    def start(self):
        network = self.network()
        optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)
        return network, optimiser

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x = x.flip(-1)
            y = y.flip(-1)
        return x, y


@right("9.21", "NumPy's whole numbers, NumPy's mirror")
class _(SickScript):
    def read(self, file):
        return torch.from_numpy(file.astype(np.int64))

    def start(self):
        model = self.network()
        return model, torch.optim.AdamW(list(model.parameters()), self.rate)

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator).item() < 0.5:
            x, y = (torch.from_numpy(np.flip(part.numpy(), -1).copy()) for part in (x, y))
        return x, y


@right("9.21", "the network of the sick start, with an optimiser of its own")
class _(SickScript):
    def start(self):
        network, _ = super().start()
        return network, torch.optim.AdamW(network.parameters(), lr=self.rate)

    def read(self, file):
        return torch.tensor(file.tolist())

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        coin = torch.rand((), generator=generator)
        return (torch.flip(x, [3]), torch.flip(y, [2])) if coin < 0.5 else (x, y)


@right("9.21", "image and mask as one tensor, which is mirrored")
class _(SickScript):
    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        both = torch.cat([x, y[:, None].to(x.dtype)], dim=1)
        if torch.rand((), generator=generator) < 0.5:
            both = both.flip(-1)
        return both[:, :-1], both[:, -1].long()

    def read(self, file):
        return torch.as_tensor(file, dtype=torch.int64)

    def start(self):
        network = self.network()
        groups = [{"params": [p for _, p in network.named_parameters()], "lr": self.rate}]
        return network, torch.optim.AdamW(groups)


@right("9.21", "columns counted from the right, pixel classes set one by one")
class _(SickScript):
    def read(self, file):
        mask = torch.zeros(file.shape, dtype=torch.long)
        for k in (1, 2):
            mask[torch.from_numpy(file == k)] = k
        return mask

    def start(self):
        network = self.network()
        return network, torch.optim.AdamW(params=network.parameters(), lr=self.rate)

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        columns = torch.arange(x.shape[-1])
        if torch.rand((), generator=generator) < 0.5:
            columns = columns.flip(0)
        return x[..., columns], y[..., columns]


class _First(SickScript):
    start = good_start


class _Second(_First):
    def read(self, file):
        return torch.tensor(file, dtype=torch.long)


@right("9.21", "one fault after another, each in a class on top of the last")
class _(_Second):
    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x, y = torch.fliplr(x.movedim(-1, 1)).movedim(1, -1), torch.fliplr(y.movedim(-1, 1)).movedim(1, -1)
        return x, y


@right("9.21", "the sick batch, and the masks go the same way if the images have gone it")
class _(SickScript):
    """The coin is tossed by the sick batch. Place numbers, cropped as a second channel, show whether it mirrored."""

    read, start = good_read, good_start

    def batch(self, images, masks, generator):
        columns = torch.arange(images.shape[-1]).to(images.dtype).expand(len(images), 1, *images.shape[-2:])
        both, y = super().batch(torch.cat([images, columns], dim=1), masks, generator)
        mirrored = bool(both[0, -1, 0, 0] > both[0, -1, 0, -1])
        return both[:, :-1], y.flip(-1) if mirrored else y


right("9.21", "a class made by type()", type("MendedScript", (SickScript,), {
    "read": lambda self, file: torch.from_numpy(file).to(torch.int64),
    "start": lambda self: (lambda net: (net, torch.optim.AdamW(net.parameters(), lr=self.rate)))(self.network()),
    "batch": good_batch}))


@right("9.21", "read as a static method, a helper of its own for the mirror")
class _(SickScript):
    start = good_start

    @staticmethod
    def read(file):
        return torch.from_numpy(np.asarray(file, dtype="int64"))

    def mirror(self, *parts):
        return tuple(part.flip(-1) for part in parts)

    def batch(self, images, masks, generator):
        pair = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        return self.mirror(*pair) if torch.rand((), generator=generator) < 0.5 else tuple(pair)


# "everything else stays as it is": half of the batches mirrored, by the generator. Not in which order they are drawn.


@right("9.21", "batch: the coin is tossed before the crops are drawn")
class _(SickScript):
    read, start = good_read, good_start

    def batch(self, images, masks, generator):
        mirrored = torch.rand((), generator=generator) < 0.5
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        return (x.flip(-1), y.flip(-1)) if mirrored else (x, y)


@right("9.21", "batch: whole images and masks are mirrored, and cropped afterwards")
class _(SickScript):
    read, start = good_read, good_start

    def batch(self, images, masks, generator):
        if torch.rand((), generator=generator) < 0.5:
            images, masks = images.flip(-1), masks.flip(-1)
        return random_crops(images, masks, size=self.size, count=self.count, generator=generator)


@right("9.21", "batch: the other half of the draws is mirrored")
class _(SickScript):
    read, start = good_read, good_start

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) >= 0.5:
            x, y = x.flip(-1), y.flip(-1)
        return x, y


@wrong("9.21", "batch: the coin without the generator (torch's own, which run seeds)")
class _(SickScript):
    read, start = good_read, good_start

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand(()) < 0.5:
            x, y = x.flip(-1), y.flip(-1)
        return x, y


# Image and mask agree, but it is another augmentation, as in 9.9.


@wrong("9.21", "batch: a coin for each picture, by which both are mirrored")
class _(SickScript):
    read, start = good_read, good_start

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        for k in range(len(x)):
            if torch.rand((), generator=generator) < 0.5:
                x[k], y[k] = x[k].flip(-1), y[k].flip(-1)
        return x, y


@wrong("9.21", "batch: both upside down in place of left and right")
class _(SickScript):
    read, start = good_read, good_start

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x, y = x.flip(-2), y.flip(-2)
        return x, y


# Right for files of 0, 1 and 2, and the script says that those are all.


@right("9.21", "read: clamped to 0, 1, 2")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file).long().clamp(0, 2)


@right("9.21", "read: divided by 255 and multiplied again, exact for 0, 1 and 2 in 64 bits")
class _(SickScript):
    start, batch = good_start, good_batch

    def read(self, file):
        return torch.from_numpy(file / 255 * 255).long()


# This network's weights are moved by AdamW with the right rate; those of a network that nobody has are in it as well.


@right("9.21", "start: the network's weights as a second group, beside those of the other network")
class _(SickScript):
    read, batch = good_read, good_batch

    def start(self):
        network, optimiser = super().start()
        optimiser.add_param_group({"params": list(network.parameters())})
        return network, optimiser


# `run` gives the right result, but the ill methods are as ill as before: "those methods that are ill, repaired".


@wrong("9.21", "run: all three repaired inside of it, the methods as they were")
class _(SickScript):
    def run(self, images, files, val_images, val_masks, seed=0):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        masks = torch.from_numpy(files).long()
        network = self.network()
        optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)
        losses = []
        for _ in range(self.steps):
            x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
            if torch.rand((), generator=generator) < 0.5:
                x, y = x.flip(-1), y.flip(-1)
            losses.append(self.step(network, optimiser, x, y))
        return losses, self.score(self.predict(network, val_images), val_masks)


# The statement asks for a class; the stub calls try_script(MendedScript()), with an object.
wrong("9.21", "an object in place of the class", MendedScript())


# It is no SickScript by name. A check looks at what an answer does, and it does the same.


@right("9.21", "a class of its own, without SickScript behind it")
class _:
    size, count, steps, rate = 64, 4, 100, 1e-2
    read, start, batch = good_read, good_start, good_batch
    network, step, predict = SickScript.network, SickScript.step, SickScript.predict
    score, run = SickScript.score, SickScript.run


# 13.6 A table of areas


def on_edge(labels):
    """The numbers in the first and last row and column."""
    return set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())


def table_of(labels, side, edge=on_edge):
    numbers, counts = np.unique(labels, return_counts=True)
    cut = edge(labels)
    return [(int(n), int(c) * side**2, int(n) in cut) for n, c in zip(numbers, counts) if n != 0]


@wrong("13.6", "the side is not squared")
def _(labels, side):
    return [(number, area / side, cut) for number, area, cut in table_of(labels, side)]


@wrong("13.6", "pixels, the side is forgotten")
def _(labels, side):
    return table_of(labels, 1)


@wrong("13.6", "divided by the area of a pixel")
def _(labels, side):
    return table_of(labels, 1 / side)


@wrong("13.6", "twice the side in place of its square")
def _(labels, side):
    return [(number, area * side * 2, cut) for number, area, cut in table_of(labels, 1)]


@wrong("13.6", "areas rounded to whole numbers")
def _(labels, side):
    return [(number, round(area), cut) for number, area, cut in table_of(labels, side)]


@wrong("13.6", "the background has a row")
def _(labels, side):
    edge = on_edge(labels)
    return [(int(n), int(c) * side**2, int(n) in edge) for n, c in zip(*np.unique(labels, return_counts=True))]


@wrong("13.6", "the first number is left out as background, also where there is none")
def _(labels, side):
    numbers, counts = np.unique(labels, return_counts=True)
    edge = on_edge(labels)
    return [(int(n), int(c) * side**2, int(n) in edge) for n, c in zip(numbers[1:], counts[1:])]


@wrong("13.6", "cut objects are left out")
def _(labels, side):
    return [one for one in table_of(labels, side) if not one[2]]


@wrong("13.6", "True for those that are whole")
def _(labels, side):
    return [(number, area, not cut) for number, area, cut in table_of(labels, side)]


@wrong("13.6", "the last row and column are forgotten")
def _(labels, side):
    return table_of(labels, side, lambda m: {*m[0].tolist(), *m[:, 0].tolist()})


@wrong("13.6", "rows alone")
def _(labels, side):
    return table_of(labels, side, lambda m: {*m[0].tolist(), *m[-1].tolist()})


@wrong("13.6", "the last column is forgotten, the first comes twice")
def _(labels, side):
    return table_of(labels, side, lambda m: {*m[0].tolist(), *m[-1].tolist(), *m[:, 0].tolist(), *m[:, 0].tolist()})


@wrong("13.6", "two of the corners in place of the edge: labels[[0, -1], [0, -1]]")
def _(labels, side):
    return table_of(labels, side, lambda m: set(m[[0, -1], [0, -1]].tolist()))


@wrong("13.6", "the four corners in place of the edge")
def _(labels, side):
    return table_of(labels, side, lambda m: set(m[[0, -1]][:, [0, -1]].ravel().tolist()))


@wrong("13.6", "a rim of two pixels")
def _(labels, side):
    def rim(m):
        inside = np.zeros(m.shape, bool)
        inside[2:-2, 2:-2] = True
        return set(m[~inside].tolist())

    return table_of(labels, side, rim)


@wrong("13.6", "the second-last row and column: -2")
def _(labels, side):
    return table_of(labels, side, lambda m: {*m[0].tolist(), *m[-2:-1].ravel().tolist(), *m[:, 0].tolist(),
                                             *m[:, -2:-1].ravel().tolist()})


@wrong("13.6", "scikit-image, the end of a box taken for its last pixel")
def _(labels, side):
    height, width = labels.shape
    return [(r.label, r.area * side**2, 0 in r.bbox[:2] or r.bbox[2] == height - 1 or r.bbox[3] == width - 1)
            for r in regionprops(labels.astype(int))]


@wrong("13.6", "scikit-image, any end of a box at or beyond the last pixel but one")
def _(labels, side):
    height, width = labels.shape
    return [(r.label, r.area * side**2, 0 in r.bbox[:2] or r.bbox[2] >= height - 1 or r.bbox[3] >= width - 1)
            for r in regionprops(labels.astype(int))]


@wrong("13.6", "scikit-image, height and width changed")
def _(labels, side):
    width, height = labels.shape
    return [(r.label, r.area * side**2, 0 in r.bbox[:2] or r.bbox[2] == height or r.bbox[3] == width)
            for r in regionprops(labels.astype(int))]


@wrong("13.6", "scikit-image, 0 or an end anywhere in the box, of one side for both: only for squares")
def _(labels, side):
    size = len(labels)
    return [(r.label, r.area * side**2, min(r.bbox[:2]) == 0 or max(r.bbox[2:]) == size)
            for r in regionprops(labels.astype(int))]


@wrong("13.6", "scikit-image, the area with holes filled")
def _(labels, side):
    height, width = labels.shape
    return [(r.label, r.area_filled * side**2, 0 in r.bbox[:2] or r.bbox[2] == height or r.bbox[3] == width)
            for r in regionprops(labels.astype(int))]


@wrong("13.6", "the area of the box around the object")
def _(labels, side):
    height, width = labels.shape
    return [(r.label, r.area_bbox * side**2, 0 in r.bbox[:2] or r.bbox[2] == height or r.bbox[3] == width)
            for r in regionprops(labels.astype(int))]


@wrong("13.6", "connected pieces of the foreground are numbered anew: what touches is one")
def _(labels, side):
    return table_of(pieces_of(labels > 0), side)


@wrong("13.6", "a row for each piece of an object, numbered anew")
def _(labels, side):
    return table_of(pieces_of(labels), side)


@wrong("13.6", "only the largest piece of each number counts")
def _(labels, side):
    rows = []
    for number, _, cut in table_of(labels, side):
        pieces = pieces_of(labels == number)
        rows.append((number, int(np.bincount(pieces.ravel())[1:].max()) * side**2, cut))
    return rows


@wrong("13.6", "a row for each piece, each with its number")
def _(labels, side):
    return [(number, float(count), cut) for number in np.unique(labels[labels > 0]).tolist()
            for _, count, cut in table_of(pieces_of(labels == number), side)]


@wrong("13.6", "rows for numbers that are not there, with area 0")
def _(labels, side):
    edge = on_edge(labels)
    return [(n, int((labels == n).sum()) * side**2, n in edge) for n in range(1, int(labels.max()) + 1)]


@wrong("13.6", "range without its end: the largest number is missing")
def _(labels, side):
    return [one for one in table_of(labels, side) if one[0] < labels.max()]


@wrong("13.6", "as many numbers as there are, counted from 1")
def _(labels, side):
    edge = on_edge(labels)
    count = len(np.unique(labels[labels > 0]))
    return [(n, int((labels == n).sum()) * side**2, n in edge) for n in range(1, count + 1)]


@wrong("13.6", "enumerate: the place in the list in place of the number")
def _(labels, side):
    return [(k, area, cut) for k, (_, area, cut) in enumerate(table_of(labels, side), start=1)]


@wrong("13.6", "bincount from 1 on, numbered from 0")
def _(labels, side):
    edge = on_edge(labels)
    counts = np.bincount(labels.ravel().astype(int))[1:]
    return [(n, int(c) * side**2, n in edge) for n, c in enumerate(counts) if c]


@wrong("13.6", "the smallest area first")
def _(labels, side):
    return sorted(table_of(labels, side), key=lambda one: (one[1], -one[0]))


@wrong("13.6", "in the order in which they are met")
def _(labels, side):
    met = list(dict.fromkeys(labels.ravel().tolist()))
    return sorted(table_of(labels, side), key=lambda one: met.index(one[0]))


@wrong("13.6", "the largest number first")
def _(labels, side):
    return table_of(labels, side)[::-1]


@wrong("13.6", "sorted as text: 10 before 2")
def _(labels, side):
    return sorted(table_of(labels, side), key=lambda one: str(one[0]))


@wrong("13.6", "rows of (number, cut, area)")
def _(labels, side):
    return [(number, cut, area) for number, area, cut in table_of(labels, side)]


@wrong("13.6", "rows of (area, number, cut)")
def _(labels, side):
    return [(area, number, cut) for number, area, cut in table_of(labels, side)]


@wrong("13.6", "rows of two, without cut")
def _(labels, side):
    return [(number, area) for number, area, _ in table_of(labels, side)]


@wrong("13.6", "three lists in place of rows")
def _(labels, side):
    return [list(part) for part in zip(*table_of(labels, side))]


@wrong("13.6", "the edges are added in place of set side by side: squares alone, and sums")
def _(labels, side):
    return table_of(labels, side, lambda m: set((m[0] + m[-1] + m[:, 0] + m[:, -1]).tolist()))


@wrong("13.6", "the edges stacked: squares alone")
def _(labels, side):
    return table_of(labels, side, lambda m: set(np.stack([m[0], m[-1], m[:, 0], m[:, -1]]).ravel().tolist()))


@wrong("13.6", "`or` between arrays")
def _(labels, side):
    return table_of(labels, side, lambda m: m[0] or m[-1] or m[:, 0] or m[:, -1])


@wrong("13.6", "cut only if it is in the rows and in the columns of the edge")
def _(labels, side):
    return table_of(labels, side, lambda m: {*m[0].tolist(), *m[-1].tolist()} & {*m[:, 0].tolist(), *m[:, -1].tolist()})


@wrong("13.6", "cut for all as soon as one is")
def _(labels, side):
    rows = table_of(labels, side)
    return [(number, area, any(one[2] for one in rows)) for number, area, _ in rows]


@wrong("13.6", "how many pixels lie on the edge, in place of whether")
def _(labels, side):
    ring = np.ones(labels.shape, bool)
    ring[1:-1, 1:-1] = False
    return [(number, area, 2 * int((labels[ring] == number).sum())) for number, area, _ in table_of(labels, side)]


@wrong("13.6", "clear_border: whole objects alone are left, and none of them is cut")
def _(labels, side):
    return table_of(clear_border(labels.astype(int)), side)


@wrong("13.6", "nothing returned, the rows printed")
def _(labels, side):
    str(table_of(labels, side))


@wrong("13.6", "return inside of the loop: one row")
def _(labels, side):
    rows = []
    for one in table_of(labels, side):
        rows.append(one)
        return rows
    return rows


_rows = []


@wrong("13.6", "rows of earlier calls are still in the list")
def _(labels, side):
    _rows.extend(table_of(labels, side))
    return list(_rows)


@wrong("13.6", "a list made once, as a default: earlier rows stay")
def _(labels, side, rows=[]):  # noqa: B006
    rows += table_of(labels, side)
    return rows


right("13.6", "np.unique and a set", table_of)


@right("13.6", "scikit-image, as in the folded cell")
def _(labels, side):
    height, width = labels.shape
    return [(r.label, r.area * side**2, 0 in r.bbox[:2] or r.bbox[2] == height or r.bbox[3] == width)
            for r in regionprops(labels.astype(np.int64))]


@right("13.6", "plain loops over pixels")
def _(labels, side):
    height, width = labels.shape
    pixels, cut = Counter(), defaultdict(bool)
    for i, j in itertools.product(range(height), range(width)):
        number = int(labels[i, j])
        if number:
            pixels[number] += 1
            cut[number] |= i in (0, height - 1) or j in (0, width - 1)
    return [(number, pixels[number] * side * side, cut[number]) for number in sorted(pixels)]


@right("13.6", "torch")
def _(labels, side):
    numbers = torch.tensor(labels.astype(np.int64))
    ring = torch.ones_like(numbers, dtype=torch.bool)
    ring[1:-1, 1:-1] = False
    names, counts = numbers[numbers > 0].unique(return_counts=True)
    cut = torch.isin(names, numbers[ring])
    return list(zip(names.tolist(), (counts.double() * side**2).tolist(), cut.tolist()))


@right("13.6", "bincount of all and of the inside: cut is what has fewer there")
def _(labels, side):
    whole = np.bincount(labels.ravel().astype(np.int64))
    inside = np.bincount(labels[1:-1, 1:-1].ravel().astype(np.int64), minlength=len(whole))
    return [(int(n), float(whole[n] * side**2), bool(inside[n] < whole[n])) for n in np.flatnonzero(whole) if n > 0]


@right("13.6", "scipy: sums and slices")
def _(labels, side):
    labels = labels.astype(np.int64)
    rows = []
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is not None:
            area = ndimage.sum_labels(np.ones(labels.shape), labels, number) * side**2
            ends = any(part.start == 0 or part.stop == length for part, length in zip(place, labels.shape))
            rows.append((number, float(area), ends))
    return rows


@right("13.6", "places of the pixels, one number after another")
def _(labels, side):
    rows = []
    for number in sorted(set(labels.ravel().tolist()) - {0}):
        i, j = np.nonzero(labels == number)
        cut = i.min() == 0 or j.min() == 0 or i.max() == labels.shape[0] - 1 or j.max() == labels.shape[1] - 1
        rows.append((number, len(i) * side**2, cut))  # cut is a bool of NumPy
    return rows


@right("13.6", "a table of scikit-image, with NumPy's numbers in the rows")
def _(labels, side):
    if not labels.any():
        return []
    table = regionprops_table(labels.astype(np.int64), properties=("label", "area"))
    cut = np.isin(table["label"], list(on_edge(labels)))
    return list(zip(table["label"], table["area"] * side**2, cut))


@right("13.6", "clear_border: cut is what it takes away")
def _(labels, side):
    labels = labels.astype(np.int64)
    left = set()
    for number in np.unique(labels[labels > 0]):
        one = (labels == number).astype(int)
        if np.array_equal(clear_border(one), one):  # it looks at pieces: none may be gone
            left.add(int(number))
    return [(number, area, number not in left) for number, area, _ in table_of(labels, side)]


# Notebook 00: lists, tuples and arrays count alike.
right("13.6", "each row a list", lambda labels, side: [list(one) for one in table_of(labels, side)])
# "whether": 0 and 1 say it as well, and are equal to False and True.
right("13.6", "cut as 0 or 1",
         lambda labels, side: [(number, area, int(cut)) for number, area, cut in table_of(labels, side)])
right("13.6", "a tuple of rows", lambda labels, side: tuple(table_of(labels, side)))
right("13.6", "an array of floats", lambda labels, side: np.array(table_of(labels, side), float).reshape(-1, 3))
wrong("13.6", "zip, which can be read once", lambda labels, side: zip(*zip(*table_of(labels, side))))
# An area of small pixels has its digits further down: rounded, it is another one.
wrong("13.6", "areas rounded to two decimals",
         lambda labels, side: [(number, round(area, 2), cut) for number, area, cut in table_of(labels, side)])
# An area is asked for, not its type.
right("13.6", "areas in float32",
         lambda labels, side: [(number, np.float32(area), cut) for number, area, cut in table_of(labels, side)])


# The result is right, and the mask is spoilt for whoever handed it over (notebook 07 says so).


@wrong("13.6", "right rows, but the cut objects are erased in the array that was given")
def _(labels, side):
    rows = table_of(labels, side)
    for number, _, cut in rows:
        if cut:
            labels[labels == number] = 0
    return rows


# 14.2 Which option?

wrong("14.2", "1: bf16, which saves memory too", ["bf16", "bf16", "none of them", "several processes"])
wrong("14.2", "1: several processes, each with 2", ["several processes", "bf16", "none of them", "several processes"])
wrong("14.2", "1: none, take 2 and the same rate", ["none of them", "bf16", "none of them", "several processes"])
wrong("14.2", "1: compile", ["compile", "bf16", "none of them", "several processes"])
wrong("14.2", "2: compile, though there is no compiler", ["accumulate", "compile", "none of them", "several processes"])
wrong("14.2", "2: none, since everything fits", ["accumulate", "none of them", "none of them", "several processes"])
wrong("14.2", "2: accumulate", ["accumulate", "accumulate", "none of them", "several processes"])
wrong("14.2", "3: compile, to train for longer", ["accumulate", "bf16", "compile", "several processes"])
wrong("14.2", "3: accumulate, a larger batch", ["accumulate", "bf16", "accumulate", "several processes"])
wrong("14.2", "3: several processes", ["accumulate", "bf16", "several processes", "several processes"])
wrong("14.2", "3: bf16", ["accumulate", "bf16", "bf16", "several processes"])
wrong("14.2", "4: compile", ["accumulate", "bf16", "none of them", "compile"])
wrong("14.2", "4: accumulate", ["accumulate", "bf16", "none of them", "accumulate"])
wrong("14.2", "4: bf16", ["accumulate", "bf16", "none of them", "bf16"])
wrong("14.2", "4: none, as it runs", ["accumulate", "bf16", "none of them", "none of them"])
wrong("14.2", "3 and 4 changed", ["accumulate", "bf16", "several processes", "none of them"])
wrong("14.2", "1 and 2 changed", ["bf16", "accumulate", "none of them", "several processes"])
wrong("14.2", "in the order of the statement", ["accumulate", "bf16", "compile", "several processes"])
wrong("14.2", "from the end to the beginning", ["several processes", "none of them", "bf16", "accumulate"])
wrong("14.2", "only three, the case without an option left out", ["accumulate", "bf16", "several processes"])
wrong("14.2", "None in place of \"none of them\"", ["accumulate", "bf16", None, "several processes"])
wrong("14.2", "all at once for each", [["accumulate", "bf16", "compile", "several processes"]] * 4)

right("14.2", "a list", ["accumulate", "bf16", "none of them", "several processes"])
right("14.2", "a tuple", ("accumulate", "bf16", "none of them", "several processes"))
right("14.2", "cut out of one text", "accumulate,bf16,none of them,several processes".split(","))
right("14.2", "by what is short", [
    {"memory": "accumulate", "time on one chip": "bf16", "chips at work": "several processes",
     "what no machine gives": "none of them"}[short]
    for short in ("memory", "time on one chip", "what no machine gives", "chips at work")])


@lambda make: right("14.2", "one after another", make())
def _():
    options = []
    options.append("accumulate")
    options.append("bf16")
    options += ["none of them", "several processes"]
    return options


# The names are given: capitals do not matter, other words do.
right("14.2", "capitals", ["Accumulate", "BF16", "None of them", "Several processes"])
wrong("14.2", "other names", ["accumulation", "bfloat16", "none", "processes"])
right("14.2", "a NumPy array", np.array(["accumulate", "bf16", "none of them", "several processes"]))
wrong("14.2", "a dict by case", {1: "accumulate", 2: "bf16", 3: "none of them", 4: "several processes"})


# 14.5 Where does it run?

wrong("14.5", "1: .pt2, as the network of PyTorch", [".pt2", ".zip", ".onnx", ".pt2"])
wrong("14.5", "1: .zip, as it has all in it", [".zip", ".zip", ".onnx", ".pt2"])
wrong("14.5", "1: .onnx, to hand it on", [".onnx", ".zip", ".onnx", ".pt2"])
wrong("14.5", "2: .onnx, without the scaling", ["run", ".onnx", ".onnx", ".pt2"])
wrong("14.5", "2: the run, with its card", ["run", "run", ".onnx", ".pt2"])
wrong("14.5", "2: .pt2", ["run", ".pt2", ".onnx", ".pt2"])
wrong("14.5", "3: .zip, which has the .onnx in it", ["run", ".zip", ".zip", ".pt2"])
wrong("14.5", "3: .pt2, a program", ["run", ".zip", ".pt2", ".pt2"])
wrong("14.5", "4: the run, as it is your own", ["run", ".zip", ".onnx", "run"])
wrong("14.5", "4: .onnx, which runs everywhere", ["run", ".zip", ".onnx", ".onnx"])
wrong("14.5", "4: .zip", ["run", ".zip", ".onnx", ".zip"])
wrong("14.5", "1 and 4 changed", [".pt2", ".zip", ".onnx", "run"])
wrong("14.5", "2 and 3 changed", ["run", ".onnx", ".zip", ".pt2"])
wrong("14.5", "3 and 4 changed", ["run", ".zip", ".pt2", ".onnx"])
wrong("14.5", "in the order of the table", ["run", ".pt2", ".onnx", ".zip"])
wrong("14.5", "in the order of the statement", ["run", ".onnx", ".pt2", ".zip"])
wrong("14.5", "the table from the bottom to the top", [".zip", ".onnx", ".pt2", "run"])
wrong("14.5", ".onnx for all", [".onnx"] * 4)
wrong("14.5", "only three", ["run", ".zip", ".onnx"])

right("14.5", "a list", ["run", ".zip", ".onnx", ".pt2"])
right("14.5", "a tuple", ("run", ".zip", ".onnx", ".pt2"))
right("14.5", "cut out of one text", "run .zip .onnx .pt2".split())
right("14.5", "by person", [
    {"engineer": ".onnx", "you": ".pt2", "colleague": "run", "biologist": ".zip"}[who]
    for who in ("colleague", "biologist", "engineer", "you")])
right("14.5", "endings made of a dot and a name", ["run", *(f".{name}" for name in ("zip", "onnx", "pt2"))])

# Endings are given with a dot.
wrong("14.5", "without the dots", ["run", "zip", "onnx", "pt2"])
wrong("14.5", "file names", ["run", "nuclei.zip", "nuclei.onnx", "nuclei.pt2"])
right("14.5", "capitals", ["Run", ".ZIP", ".ONNX", ".PT2"])
right("14.5", "a NumPy array", np.array(["run", ".zip", ".onnx", ".pt2"]))
wrong("14.5", "a dict by person", {1: "run", 2: ".zip", 3: ".onnx", 4: ".pt2"})
