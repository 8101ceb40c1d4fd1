"""Answers to the exercises without a source: five trainings, three networks, a script with three faults. (09)"""

import numpy as np
import torch
import torch.nn.functional as F

from tests.exercises.bank_short import bank
from unet_course.clinic.script import SickScript
from unet_course.data.nuclei import random_crops

CAUSES = ["first weights too large", "masks all 0", "a class is never said", "learning rate too large",
          "labels begin at 1"]
NAMED = ["the batch decides", "a part never learns", "skip at the wrong place"]


def script(base=None, **methods):
    """The repaired script with some methods replaced."""
    return type("Script", (base or Mended,), methods)


class Mended(SickScript):
    def read(self, file):
        return torch.from_numpy(file).long()

    def start(self):
        network = self.network()
        return network, torch.optim.AdamW(network.parameters(), lr=self.rate)

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x, y = x.flip(-1), y.flip(-1)
        return x, y


class Alone:
    """The whole script anew, without SickScript behind it."""

    size, count, steps, rate = 64, 4, 100, 1e-2
    read, start, batch = Mended.read, Mended.start, Mended.batch
    network, step, predict = SickScript.network, SickScript.step, SickScript.predict
    score, run = SickScript.score, SickScript.run


def half_of_the_weights(self):
    network = self.network()
    return network, torch.optim.AdamW(network.encoders.parameters(), lr=self.rate)


def slower(self):
    network = self.network()
    return network, torch.optim.AdamW(network.parameters(), lr=1e-4)


def by_sgd(self):
    network = self.network()
    return network, torch.optim.SGD(network.parameters(), lr=self.rate)


def in_other_order(self):
    return Mended.start(self)[::-1]


def on_two_coins(self, images, masks, generator):
    x, y = random_crops(images, masks, size=64, count=4, generator=generator)
    if torch.rand((), generator=generator) < 0.5:
        x = x.flip(-1)
    if torch.rand((), generator=generator) < 0.5:
        y = y.flip(-1)
    return x, y


def never_mirrored(self, images, masks, generator):
    return random_crops(images, masks, size=64, count=4, generator=generator)


def always_mirrored(self, images, masks, generator):
    return tuple(part.flip(-1) for part in never_mirrored(self, images, masks, generator))


def any_crops(self, images, masks, generator):
    x, y = random_crops(images, masks, size=64, count=4)
    return (x.flip(-1), y.flip(-1)) if torch.rand((), generator=generator) < 0.5 else (x, y)


def any_coin(self, images, masks, generator):
    x, y = never_mirrored(self, images, masks, generator)
    return (x.flip(-1), y.flip(-1)) if torch.rand(()) < 0.5 else (x, y)


def upside_down(self, images, masks, generator):
    x, y = never_mirrored(self, images, masks, generator)
    return (x.flip(-2), y.flip(-2)) if torch.rand((), generator=generator) < 0.5 else (x, y)


def image_upside_down(self, images, masks, generator):
    x, y = never_mirrored(self, images, masks, generator)
    return (x.flip(-1, -2), y.flip(-1)) if torch.rand((), generator=generator) < 0.5 else (x, y)


def turned(self, images, masks, generator):
    x, y = never_mirrored(self, images, masks, generator)
    return (x.flip(-1, -2), y.flip(-1, -2)) if torch.rand((), generator=generator) < 0.5 else (x, y)


def before_the_crop(self, images, masks, generator):
    if torch.rand((), generator=generator) < 0.5:
        images, masks = images.flip(-1), masks.flip(-1)
    return random_crops(images, masks, size=self.size, count=self.count, generator=generator)


def in_training_mode(self, network, images):
    network.train()
    return network(images).argmax(dim=1)


def interiors_alone(self, classes, masks):
    return SickScript.score(self, 1 * (classes == 2), 1 * (masks == 2))


def step_without_training(self, network, optimiser, x, y):
    return F.cross_entropy(network.train()(x), y).item()


def gradients_add_up(self, network, optimiser, x, y):
    loss = F.cross_entropy(network.train()(x), y)
    loss.backward()
    optimiser.step()
    return loss.item()


def with_a_softmax(self, network, optimiser, x, y):
    return SickScript.step(self, torch.nn.Sequential(network, torch.nn.Softmax(dim=1)), optimiser, x, y)


WRONG = [
    *bank("9.19", CAUSES, ("rate", 0, "learning rate too large", "training_a"),
          ("labels", 1, "labels begin at 1", "training_b"), ("all 0", 2, "masks all 0", "training_c"),
          ("weights", 3, "first weights too large", "training_d"),
          ("never said", 4, "a class is never said", "training_e"), ("a letter", 0, "A", "training_a")),
    *bank("9.20", NAMED, ("healthy", 0, "healthy", "patient_one"), ("healthy, too", 1, "healthy", "patient_two"),
          ("weights", 1, "first weights too small", "patient_two"),
          ("shifted", 2, "picture shifted", "patient_three"), ("a number", 0, 1, "patient_one")),
    ("9.20", "four names", [*NAMED, "healthy"], "patient_one"),
    ("9.21", "as it was", SickScript, "the_optimiser_moves_the_network"),
    ("9.21", "read and batch alone", script(start=SickScript.start), "the_optimiser_moves_the_network"),
    ("9.21", "half of the weights", script(start=half_of_the_weights), "the_optimiser_moves_the_network"),
    ("9.21", "a smaller rate", script(start=slower), "the_optimiser_moves_the_network"),
    ("9.21", "SGD", script(start=by_sgd), "the_optimiser_moves_the_network"),
    ("9.21", "optimiser first", script(start=in_other_order), "the_optimiser_moves_the_network"),
    ("9.21", "start alone", script(read=SickScript.read), "masks_hold_classes"),
    ("9.21", "larger than 0", script(read=lambda self, f: torch.from_numpy(f > 0).long()), "masks_hold_classes"),
    ("9.21", "by the largest", script(read=lambda self, f: torch.from_numpy(f // max(f.max(), 1)).long()),
     "masks_hold_classes"),
    ("9.21", "floats", script(read=lambda self, f: torch.from_numpy(f).float()), "masks_hold_classes"),
    ("9.21", "batch as it was", script(batch=SickScript.batch), "image_and_mask_move_together"),
    ("9.21", "two coins", script(batch=on_two_coins), "image_and_mask_move_together"),
    ("9.21", "never mirrored", script(batch=never_mirrored), "image_and_mask_move_together"),
    ("9.21", "always mirrored", script(batch=always_mirrored), "image_and_mask_move_together"),
    ("9.21", "crops without the generator", script(batch=any_crops), "image_and_mask_move_together"),
    ("9.21", "a coin without the generator", script(batch=any_coin), "image_and_mask_move_together"),
    ("9.21", "upside down", script(batch=upside_down), "image_and_mask_move_together"),
    ("9.21", "image upside down", script(batch=image_upside_down), "image_and_mask_move_together"),
    ("9.21", "turned", script(batch=turned), "image_and_mask_move_together"),
    ("9.21", "no zero_grad", script(step=gradients_add_up), "the_rest_is_as_before"),
    ("9.21", "a softmax", script(step=with_a_softmax), "the_rest_is_as_before"),
    ("9.21", "training mode", script(predict=in_training_mode), "the_rest_is_as_before"),
    ("9.21", "interiors", script(score=interiors_alone), "the_rest_is_as_before"),
    ("9.21", "no step", script(step=step_without_training), "the_rest_is_as_before"),
    ("9.21", "an instance", type("MendedScript", (Mended,), {})(),
     "the_optimiser_moves_the_network"),
]
RIGHT = [
    ("9.19", "tuple", tuple(CAUSES)), ("9.19", "capitals", [w.capitalize() for w in CAUSES]),
    ("9.20", "tuple", tuple(NAMED)), ("9.20", "capitals", [w.capitalize() for w in NAMED]),
    ("9.21", "three methods", Mended), ("9.21", "without the base", Alone),
    ("9.21", "mirrored before", script(batch=before_the_crop)),
    ("9.21", "NumPy", script(read=lambda self, f: torch.tensor(f.astype(np.int64)))),
]
