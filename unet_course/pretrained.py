"""The small trained network that comes with the course."""

import json

import torch

from unet_course.data import DATA
from unet_course.unet import UNet


def load_pretrained(name="nuclei"):
    """A U-Net that has been trained on the nuclei of this course, ready to predict.

    Parameters
    ----------
    name : str, default "nuclei"
        File in ``data/weights`` without its suffix.

    Returns
    -------
    UNet
        In eval mode, on the CPU.

    Raises
    ------
    FileNotFoundError
        If there are no such weights.

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
    model = UNet(**options["network"])
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model.eval()
