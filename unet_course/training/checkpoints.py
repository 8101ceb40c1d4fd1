"""Checkpoints: the state of a training in a file that is whole or not there. (06)"""

import json
import zipfile
from pathlib import Path

import torch
from torch import nn

from unet_course.blocks import ConvBlock
from unet_course.data.files.saving import written
from unet_course.data.nuclei import DATA
from unet_course.unet import UNet

OLDER = {"order": "random", "accumulate": 1}  # what a checkpoint was made with that does not say


def save_atomically(state, path):
    """Write a checkpoint beside its place, then rename it: a crash leaves the old file or the new one.

    Parameters
    ----------
    state : dict
        Tensors and plain values, so that it loads with ``weights_only=True``.
    path : path
    """
    with written(path) as beside, open(beside, "wb") as file:
        try:
            torch.save(state, file)  # given a name, it hides why it cannot write
        except RuntimeError as error:  # Ctrl-C in its midst: it then finds its own file unfinished
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            raise


def read_state(path):
    """What `torch.save` wrote, if no bit of it has changed since: tensors and plain values, never a program.

    Parameters
    ----------
    path : path

    Returns
    -------
    object
        On the CPU; ``load_state_dict`` takes it to the device of a network.

    Raises
    ------
    Exception
        Of many kinds, if the file is damaged.
    """
    with zipfile.ZipFile(path) as archive:  # torch.load does not compare the checksums in the file
        if archive.testzip() is not None:
            raise zipfile.BadZipFile("a part of it has changed")
    return torch.load(path, map_location="cpu", weights_only=True)


def load_checkpoint(checkpoint, model, optimiser, settings):
    """Put a checkpoint's state into model and optimiser.

    Parameters
    ----------
    checkpoint : path
    model, optimiser
        Changed in place.
    settings : dict
        What the training is like that goes on; the checkpoint's have to be the same.
    device : torch.device

    Returns
    -------
    history : dict
    step : int
        Steps that are done.

    Raises
    ------
    ValueError
        If the file is damaged, or of another training or network.
    """
    name = Path(checkpoint).name
    try:
        state = read_state(checkpoint)
        theirs, step, history = {**OLDER, **state["settings"]}, state["step"], dict(state["history"])
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"checkpoint {name} cannot be read ({type(error).__name__}); it is damaged "
                         "or no checkpoint of fit: delete it to start anew") from error
    other = [f"{key} {theirs.get(key)!r} there, {value!r} here" for key, value in settings.items()
             if theirs.get(key) != value]
    if other:
        raise ValueError(f"checkpoint {name} is of another training: {'; '.join(other)}. "
                         "Use the same settings, or another file name")
    try:
        model.load_state_dict(state["model"])
    except RuntimeError as error:
        raise ValueError(f"checkpoint {name} is of another network; use the same one, or another file "
                         "name") from error
    optimiser.load_state_dict(state["optimiser"])
    return history, step


def blocks_alone(blocks, num_classes=3):
    """`ConvBlock` after `ConvBlock`, without pools, and a 1×1 convolution: what sees few pixels.

    Parameters
    ----------
    blocks : sequence of int
        Channels that each block returns. One block sees 5 pixels across, each further one 4 more.
    num_classes : int, default 3

    Examples
    --------
    >>> blocks_alone([16, 16])(torch.zeros(1, 1, 30, 40)).shape
    torch.Size([1, 3, 30, 40])
    """
    layers = [ConvBlock(before, after) for before, after in zip((1, *blocks), blocks)]
    return nn.Sequential(*layers, nn.Conv2d(blocks[-1], num_classes, kernel_size=1))


def load_pretrained(name="nuclei"):
    """A network that has been trained on the nuclei of this course, ready to predict.

    Parameters
    ----------
    name : str, default "nuclei"
        File in ``data/weights`` without its suffix: "nuclei" is the course's U-Net, the others are
        networks of the scoreboard, such as "five_pixels" and "thirteen_pixels".

    Returns
    -------
    UNet, or nn.Sequential of ConvBlock and a 1×1 convolution
        In eval mode, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there are no such weights.
    ValueError
        If the file is damaged.

    Notes
    -----
    Tensors and nothing else are read from the file (``weights_only=True``). How it was trained, and its scores,
    stand in ``data/weights/README.md``; ``python course.py weights`` trains it again.

    Examples
    --------
    >>> load_pretrained().num_classes
    3
    """
    path = DATA / "weights" / f"{name}.pt"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.pt"))) or "none"
        raise FileNotFoundError(f"name is {name!r}; weights that are there: {known}")
    options = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    model = (blocks_alone if "blocks" in options["network"] else UNet)(**options["network"])
    try:
        model.load_state_dict(read_state(path))
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path.name} in data/weights cannot be read ({type(error).__name__}); it is damaged or of another "
                         "network: get it back with 'git checkout data' or install the package again") from error
    return model.eval()
