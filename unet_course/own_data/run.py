"""What stands in the folder of a trained network, and how it gets there. (13)"""

import contextlib
import json
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from unet_course.training.checkpoints import read_state
from unet_course.training.distributed import group_device
from unet_course.training.history import History
from unet_course.unet import UNet

CONFIG, CHECKPOINT, WEIGHTS, HISTORY, CARD = "config.json", "checkpoint.pt", "weights.pt", "history.json", "MODEL_CARD.md"
FORMAT = 1  # of config.json; a later form of it gets a higher number


@dataclass
class Run:
    """A network trained on somebody's own pictures, and all that is known of it.

    Attributes
    ----------
    path : Path
        Its folder: ``config.json``, ``checkpoint.pt``, ``weights.pt``, ``history.json`` and ``MODEL_CARD.md``.
    model : UNet
        In eval mode, on the fastest device that is here.
    config : dict
        What ``config.json`` says: the network, the kind of masks, the settings of the training, the files with their
        SHA-256, the versions, and how images are scaled.
    history : History
        Loss and validation Dice, step by step.
    """

    path: Path
    model: torch.nn.Module
    config: dict
    history: History = field(default_factory=History)

    @property
    def name(self):
        """Name of the folder."""
        return name_of(self.path)

    @property
    def reading(self):
        """How masks are read: arguments of `SegmentationFolder`."""
        return reading(self.config)

    @property
    def train_names(self):
        """Names of the pictures that were trained on."""
        return list(self.config["data"]["train"])

    @property
    def val_names(self):
        """Names of the pictures that were kept apart to validate on; none if there was a single picture."""
        return list(self.config["data"]["val"])


def load_run(run):
    """Read a trained network back from its folder.

    Parameters
    ----------
    run : path
        The folder that ``train`` wrote.

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or its training has not ended.
    ValueError
        If a file in it is damaged.

    Notes
    -----
    The weights are read as tensors and nothing else (``weights_only=True``): a file that holds a program is refused, not run.
    """
    path = Path(run)
    config = read_config(path)
    if not (path / WEIGHTS).is_file():
        raise FileNotFoundError(f"{name_of(path)} has no {WEIGHTS}: its training has not ended; give the same train command "
                                "again, and it goes on")
    model = network(config)
    try:
        model.load_state_dict(read_state(path / WEIGHTS))
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{WEIGHTS} in {name_of(path)} cannot be read ({type(error).__name__}); it is damaged or of another "
                         "network: delete it and give the same train command again") from error
    history = History()
    with contextlib.suppress(OSError, ValueError, TypeError):  # what is lost with it is a curve
        history = History(**json.loads((path / HISTORY).read_text(encoding="utf-8")))
    return Run(path, ready(model), config, history)


def read_config(path):
    """What ``config.json`` in a run's folder says; refused with its reason if it is missing or damaged."""
    path = Path(path)
    if not (path / CONFIG).is_file():
        what = f"has no {CONFIG} in it" if path.is_dir() else "is not a folder"
        raise FileNotFoundError(f"run is {str(path)!r}, which {what}; wanted the folder that a training wrote")
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        if config["format"] > FORMAT:
            raise ValueError(f"{CONFIG} in {name_of(path)} is of form {config['format']}, this version of the course knows "
                             f"{FORMAT}: install the newer one")
        network(config)
        config["kind"], config["masks"], config["training"], config["data"]["train"], config["data"]["val"]  # noqa: B018
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{CONFIG} in {name_of(path)} cannot be read ({type(error).__name__}); it is damaged: begin "
                         "again with another folder") from error
    return config


def reading(config):
    """How a config says that masks are read: arguments of `SegmentationFolder`."""
    return {"kind": config["kind"], "num_classes": config["network"]["num_classes"],
            **{name: config["masks"][name] for name in ("background", "ignore") if name in config["masks"]}}


def network(config):
    """An untrained network of the form that a config names."""
    return UNet(**config["network"])


def ready(model):
    """The network as one predicts with it."""
    return model.to(group_device()).eval()


def name_of(path):
    """Name of a folder, also of "." and "..".

    Examples
    --------
    >>> name_of(".") == Path.cwd().name
    True
    """
    return Path(path).resolve().name


def versions():
    """Versions of what the result depends on."""
    try:
        course = version("unet-course")
    except PackageNotFoundError:  # run from a folder, without an installation
        course = "not installed"
    return {"unet_course": course, "torch": torch.__version__, "numpy": version("numpy"),
            "python": platform.python_version()}
