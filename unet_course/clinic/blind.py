"""Patients without a source: five trainings with one fault each, and three networks. (09)

Whoever reads on knows the answers of the exercises 9.19 and 9.20.
"""

import torch
from torch import nn

from unet_course.clinic.patients import THREE, ClinicUNet
from unet_course.data.nuclei import load_nuclei, random_crops
from unet_course.training.seeds import undisturbed

TRAININGS = "ABCDE"
SEED = 20  # one with which a healthy network of this size learns the batch


def admit_training(letter):
    """A network, its optimiser, its loss, images and masks: all that a training needs, with one fault in it.

    Parameters
    ----------
    letter : {"A", "B", "C", "D", "E"}

    Returns
    -------
    network : nn.Module
    optimiser : torch.optim.Optimizer
    loss : nn.Module
    images : Tensor (4, 1, 64, 64)
    masks : Tensor (4, 64, 64)

    Raises
    ------
    ValueError
        If there is no training with this letter.

    Examples
    --------
    >>> network, optimiser, loss, images, masks = admit_training("A")
    >>> network(images).shape
    torch.Size([4, 2, 64, 64])
    """
    if letter not in list(TRAININGS):
        raise ValueError(f"letter is {letter!r}; wanted one of {', '.join(TRAININGS)}")
    with undisturbed():
        torch.default_generator.manual_seed(SEED)
        drawn = torch.Generator().manual_seed(0 if letter == "C" else 59)  # few nuclei, or many
        images, masks = random_crops(*load_nuclei("train"), size=64, count=4, generator=drawn)
        masks = masks if letter == "C" else (masks > 0).long()
        options = {"num_classes": 3 if letter in "CE" else 2, "norm": letter != "D"}
        network = ClinicUNet(channels=THREE["channels"], **options)
        optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3 if letter == "C" else 1e-2)
        loss = nn.CrossEntropyLoss()
        if letter == "A":
            network.head.weight.data *= 40
        if letter == "B":
            masks = masks // 255
        if letter == "C":
            loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.0, 1.0]))
        if letter == "D":
            optimiser = torch.optim.SGD(network.parameters(), lr=30)
        if letter == "E":
            masks = masks + 1
    return network, optimiser, loss, images, masks


class Blind(ClinicUNet):
    """A network with a fault that its class does not show."""

    def __repr__(self):
        return "a network for one channel and three classes; its parts are not shown"


def admit_blind(number):
    """A network with one fault, to be called and trained: its source does not say which.

    Parameters
    ----------
    number : {1, 2, 3}

    Returns
    -------
    nn.Module
        Images (N, 1, H, W) to logits (N, 3, H, W); the same weights with each call.

    Raises
    ------
    ValueError
        If there is no such patient.

    Examples
    --------
    >>> admit_blind(1)(torch.zeros(1, 1, 32, 32)).shape
    torch.Size([1, 3, 32, 32])
    """
    if number not in list(_FAULTS) or isinstance(number, bool):
        raise ValueError(f"number is {number!r}; wanted one of 1 to {len(_FAULTS)}")
    with undisturbed():
        torch.default_generator.manual_seed(SEED)
        network = Blind(**THREE)
        _FAULTS[number](network)
    return network


def _apart(network):
    """No gradient reaches the encoders."""
    for encoder in network.encoders:
        encoder.register_forward_hook(lambda module, given, out: tuple(part.detach() for part in out))


def _aside(network):
    """The skip of the second level lies four of its pixels too far right."""
    def moved(module, given, out):
        skip, pooled = out
        return nn.functional.pad(skip, (4, -4)), pooled
    network.encoders[1].register_forward_hook(moved)


def _together(network):
    """Norms that take mean and spread from the batch, in evaluation mode as well."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats, module.running_mean, module.running_var = False, None, None


_FAULTS = {1: _together, 2: _apart, 3: _aside}
