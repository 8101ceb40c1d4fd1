"""Train a network on a folder of your own; the command line calls this. (13)"""

import contextlib
import math
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from skimage.measure import label
from torch.utils.data import Dataset, Subset

from unet_course.augment import Augment
from unet_course.data.files.saving import alone, sha256, sweep, write_json, write_text
from unet_course.data.masks import separate_touching
from unet_course.losses import FadingWeights, border_weight_map, cross_entropy
from unet_course.own_data.evaluate import assess, evaluate
from unet_course.own_data.plan import announcement, own_folder, plan, same_training
from unet_course.own_data.predict import predict_files
from unet_course.own_data.reports import model_card
from unet_course.own_data.run import (
    CARD,
    CHECKPOINT,
    CONFIG,
    HISTORY,
    WEIGHTS,
    Run,
    load_run,
    name_of,
    network,
    read_config,
    reading,
    ready,
)
from unet_course.training.distributed import is_first
from unet_course.training.loop import LR, fit, save_atomically

__all__ = ["Run", "evaluate", "load_run", "model_card", "predict_files", "train"]


def train(folder, run, *, steps=400, kind="auto", seed=0, val_share=0.2, channels=(8, 16, 32, 64), crop=128, batch_size=8,
          lr=LR, augment=True, bf16="auto", accumulate=1, compile=False, save_every=50, resume=True,
          background=0, ignore=None, groups=None, class_weights=None, border_weights=False, start=None,
          progress=True):
    """Train a U-Net on a folder of your own, and keep all that is needed to use it in another folder.

    Parameters
    ----------
    folder : path
        Has ``images/`` and ``masks/`` in it, see `SegmentationFolder`.
    run : path
        Folder for the result; made if it is not there.
    steps : int, default 400
        Optimiser steps in all. The learning rate falls to nothing at the last one, so that a longer training is another
        one.
    kind : {"auto", "classes", "binary", "labels"}, default "auto"
        What the numbers in the masks mean. "auto": as `survey` suggests.
    seed : int, default 0
        Of the first weights, the crops, and which pictures are kept apart.
    val_share : float, default 0.2
        Share of the files that are kept apart to validate on; at least one, if there are two or more. The pages of a file
        stay together, and files with the same content too. 0: train on all.
    channels : sequence of int, default (8, 16, 32, 64)
        Widths of the network's levels.
    crop, batch_size, lr, bf16, accumulate, compile, save_every :
        See `fit`.
    augment : bool, default True
        Change each crop by `Augment`.
    resume : bool, default True
        Go on where an earlier, stopped training of the same settings in `run` has come to; one that has ended is left as
        it is. False: begin anew, and replace what is there.
    background, ignore : int
        The number of the background, if it is not 0, and of pixels that are neither trained on nor scored; see
        `SegmentationFolder`.
    groups : str, optional
        A regular expression that finds in each name what pictures of one patient, slide or day share, such as
        "patient[0-9]+": these stay together, on one side of the split.
    class_weights : sequence of float, optional
        One for each class, in the loss, from the first step to the last. Not given: `FadingWeights`.
    border_weights : bool, default False
        Pixels in narrow gaps between objects weigh more, so that touching ones come apart; see `border_weight_map`.
    start : path, optional
        Folder of another run, with whose weights the training begins; of the same channels and classes.
    progress : bool, default True
        Say what is done, and draw a progress bar.

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        If there is no ``images/`` or no ``masks/``.
    ValueError
        If pictures and masks do not fit, or `run` holds a training of other settings or other pictures.
    OSError
        If `run` cannot be written to; what was there before is still there.
    FloatingPointError
        If the loss is NaN or infinite.

    Examples
    --------
    >>> import tempfile
    >>> from skimage.io import imsave
    >>> picture = torch.arange(256, dtype=torch.uint8).reshape(16, 16).numpy()
    >>> with tempfile.TemporaryDirectory() as top:
    ...     for part, values in [("images", picture), ("masks", picture // 128)]:
    ...         (Path(top) / part).mkdir()
    ...         for name in "abc":
    ...             imsave(Path(top) / part / f"{name}.png", values + (part == "images") * ord(name), check_contrast=False)
    ...     run = train(top, Path(top) / "run", steps=2, channels=(2, 4), crop=16, batch_size=2, progress=False)
    >>> len(run.train_names), len(run.val_names), len(run.history.loss)
    (2, 1, 2)
    """
    say = print if progress and is_first() else _silent
    path = Path(run)
    settings = dict(steps=steps, seed=seed, val_share=val_share, crop=crop, batch_size=batch_size, lr=lr, augment=augment,
                    bf16=bf16, accumulate=accumulate, compile=compile, order="epochs")
    # what is as usual is not written down, so that older runs can go on
    if class_weights is not None:
        settings["class_weights"] = [float(weight) for weight in class_weights]
    settings |= {name: value for name, value in (("border_weights", border_weights), ("groups", groups)) if value}
    if start is not None:
        settings["start"] = sha256(Path(start) / WEIGHTS) if (Path(start) / WEIGHTS).is_file() else str(start)
    old = read_config(path) if resume and _has_begun(path) else None
    config, remarks = plan(folder, kind, settings, channels, old, background=background, ignore=ignore, groups=groups,
                           progress=progress and is_first())
    if old is not None:
        same_training(old, config, name_of(path))
        if (path / WEIGHTS).exists():
            say(f"{name_of(path)} is finished ({steps} steps); nothing is left to do.")
            return load_run(path)
    model = _new_network(config, start)
    loss = _weighted(settings["class_weights"], config) if class_weights is not None else _usual(config)
    with _held(path):
        if is_first():
            config = _begin(path, config, resume)
        dataset = own_folder(folder, **reading(config))
        seen = WithBorderWeights(dataset) if border_weights else dataset
        say(announcement(config, remarks, started=(path / CHECKPOINT).exists()))
        to_train, to_validate = (_indices(dataset, config["data"][part])
                                 for part in ("train", "val"))
        history = fit(model, Subset(seen, to_train),
                      Subset(dataset, to_validate) if to_validate else None, steps=steps, loss=loss,
                      batch_size=batch_size, crop=crop, lr=lr, seed=seed, augment=Augment() if augment else None, bf16=bf16,
                      accumulate=accumulate, compile=compile, order="epochs", checkpoint=path / CHECKPOINT,
                      save_every=save_every, resume=resume, progress=progress)
        done = Run(path, model.eval(), config, history)
        if is_first():
            _finish(done, dataset, to_validate, progress)
    return done


def _new_network(config, start=None):
    """A network whose first weights follow from the seed, or are those of another run."""
    if start is not None:
        other = load_run(start)
        if other.config["network"] != config["network"]:
            raise ValueError(f"start is {str(start)!r}, a network of {_words(other.config)}; wanted one of {_words(config)}: "
                             "say the same --channels, or begin without it")
        return other.model
    with torch.random.fork_rng():
        torch.manual_seed(config["training"]["seed"])
        return ready(network(config))


def _words(config):
    parts = config["network"]
    return (f"channels {parts['channels']}, {parts['in_channels']} in the image and {parts['num_classes']} classes")


def _usual(config):
    """The loss of `fit`, with the shares that the survey has counted."""
    shares = config["data"]["found"]["balance"]
    return FadingWeights([shares.get(str(number), 0) for number in range(config["network"]["num_classes"])])


def _weighted(weights, config):
    """Cross-entropy with a weight for each class."""
    classes = config["network"]["num_classes"]
    if len(weights) != classes or not all(0 <= w < math.inf for w in weights) or not any(weights):
        raise ValueError(f"class_weights is {weights}; wanted {classes} numbers of at least 0, one for each class, not all "
                         "of them 0")
    return partial(_weighted_loss, weights)


def _weighted_loss(weights, logits, target, pixel_weights=None):
    return cross_entropy(logits, target, weight=weights, pixel_weights=pixel_weights)


class WithBorderWeights(Dataset):
    """A folder whose items have weights: more in narrow gaps between objects, none where pixels are ignored."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        image, mask, *_ = self.dataset[index]
        numbers, weights = self.dataset.numbers(index)
        objects = numbers if self.dataset.kind == "labels" else label(numbers > 0, connectivity=2)
        border = border_weight_map(separate_touching(objects), class_weights=(1, 1))
        return image, mask, border if weights is None else border * torch.from_numpy(weights)


@contextlib.contextmanager
def _held(path):
    """Let no other training into the folder; of several processes that train together, the first holds it."""
    if not is_first():
        yield
        return
    path.mkdir(parents=True, exist_ok=True)
    busy = f"another process is training in {name_of(path)}; wait until it has ended, or take another folder"
    with alone(path / ".lock", busy):
        yield


def _finish(run, dataset, to_validate, progress):
    """Write what is only known at the end."""
    write_json(run.path / HISTORY, asdict(run.history))
    scores = assess(run, dataset, to_validate, progress=progress) if to_validate else None
    write_text(run.path / CARD, model_card(run, scores))
    state = {name: value.cpu().contiguous() for name, value in run.model.state_dict().items()}
    save_atomically(state, run.path / WEIGHTS)  # last, because it says that the training has ended


def _has_begun(path):
    """Whether there is something to go on from; without it a config binds nobody."""
    return (path / CHECKPOINT).exists() or (path / WEIGHTS).exists()


def _begin(path, config, resume):
    """Clear the folder; return the config that counts, which is the one that the training began with."""
    sweep(path, (CONFIG, CHECKPOINT, WEIGHTS, HISTORY, CARD))
    if resume and _has_begun(path):
        return read_config(path)
    for name in (WEIGHTS, CARD, HISTORY, CHECKPOINT):  # the weights first: without them the rest counts as unfinished
        (path / name).unlink(missing_ok=True)
    write_json(path / CONFIG, config)
    return config


def _indices(dataset, names):
    return [i for i, name in enumerate(dataset.files) if name in names]


def _silent(*_):
    pass
