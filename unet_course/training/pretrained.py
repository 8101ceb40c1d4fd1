"""The small trained network that comes with the course."""

import json

from unet_course.data.nuclei import DATA
from unet_course.training.checkpoints import read_state
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
    model = UNet(**options["network"])
    try:
        model.load_state_dict(read_state(path))
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path.name} in data/weights cannot be read ({type(error).__name__}); it is damaged or of another "
                         "network: get it back with 'git checkout data' or install the package again") from error
    return model.eval()
