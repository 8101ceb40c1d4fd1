"""One factor at a time: variants of one U-Net, and the table of their scores. (11)"""

import copy
import csv
import io
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from skimage.measure import label
from torch import nn

from unet_course.augment import Augment
from unet_course.blocks import match_size
from unet_course.data.files.saving import write_text
from unet_course.data.nuclei import DATA
from unet_course.losses import border_weight_map, combined_loss, cross_entropy, dice_loss
from unet_course.training.loop import fit
from unet_course.unet import UNet

WIDTHS = (8, 16, 32, 64)
CROP = 101  # odd on two of three levels, so that every skip has something to be padded for


class OtherSkip(nn.Module):
    """An encoder block whose skip is changed on its way across.

    Parameters
    ----------
    encoder : EncoderBlock
    change : callable
        ``change(skip, pooled)`` returns what is handed across instead, ``(N, C, H, W)`` as the skip.

    Examples
    --------
    >>> from unet_course import EncoderBlock
    >>> silent = OtherSkip(EncoderBlock(1, 4), lambda skip, pooled: torch.zeros_like(skip))
    >>> silent(torch.rand(1, 1, 8, 8))[0].abs().max().item()
    0.0
    """

    def __init__(self, encoder, change):
        super().__init__()
        self.encoder, self.change = encoder, change

    def forward(self, x):
        skip, pooled = self.encoder(x)
        return self.change(skip, pooled), pooled


def with_skips(change, **options):
    """A U-Net of the base's widths in which every skip is changed by ``change(skip, pooled)``."""
    model = unet(**options)
    model.encoders = nn.ModuleList(OtherSkip(encoder, change) for encoder in model.encoders)
    return model


def cut_skip(model, level):
    """A copy of a network in which the skip of one level carries zeros.

    Parameters
    ----------
    model : UNet
        It stays as it is.
    level : int
        0 is the top.

    Examples
    --------
    >>> cut_skip(unet(), 0).encoders[0](torch.rand(1, 1, 8, 8))[0].abs().max().item()
    0.0
    """
    model = copy.deepcopy(model)
    model.encoders[level] = OtherSkip(model.encoders[level], no_skip)
    return model


def no_skip(skip, pooled):
    """Nothing comes across: zeros, so that the number of weights stays."""
    return torch.zeros_like(skip)


def skip_after_pool(skip, pooled):
    """The mistake of notebook 03: what was pooled, framed in zeros to the wanted size."""
    return match_size(pooled, skip.shape[-2:])


class PadUpsampled(UNet):
    """The other way to make sizes meet: pools round down, and the upsampled tensor is padded to the skip's size.

    What has a side of fewer than 8 pixels vanishes in three pools that round down.
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        for encoder in self.encoders:
            encoder.pool = nn.MaxPool2d(kernel_size=2)

    def forward(self, x):
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)
            skips.append(skip)
        x = self.bottleneck(x)
        for decoder, skip in zip(self.decoders, reversed(skips)):
            x = match_size(decoder.up(x), skip.shape[-2:])
            x = decoder.block(torch.cat([skip, x], dim=1))
        return self.head(x)


def with_group_norm(model, groups=4):
    """Put group norm in the place of every batch norm."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.GroupNorm(groups, child.num_features))
    return model


def with_weights(model, draw):
    """Draw the weights of every convolution anew: ``draw(layer)`` changes a layer in place."""
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            draw(layer)
    return model


def unet(channels=WIDTHS, *, kind=UNet, num_classes=3, **options):
    """The base: the network of notebook 06."""
    return kind(num_classes=num_classes, channels=channels, **options)


def gaps_weighted(logits, target):
    """The base's loss, with the paper's weights on what separates two interiors: boundary here, background there."""
    interiors = np.stack([label(mask) for mask in (target == 2).cpu().numpy()])
    weights = border_weight_map(interiors, class_weights=(1, 1)).to(logits.device)
    return cross_entropy(logits, target, pixel_weights=weights) + dice_loss(logits, target)


def tiny(layer):
    """A spread of 0.01, whatever the fan-in."""
    nn.init.normal_(layer.weight, std=0.01)


@dataclass(frozen=True)
class Variant:
    """What one line of the ablation changes.

    Attributes
    ----------
    factor : str
        The one thing that is other than in the base.
    build : callable
        ``build()`` returns a new network of three classes, ``build(num_classes=2)`` one of two.
    training : dict
        Arguments of `fit` that differ from the base's.
    """

    factor: str
    build: Callable = unet
    training: dict = field(default_factory=dict)


VARIANTS = {
    "base": Variant("none"),
    "no skips": Variant("skips", lambda **o: with_skips(no_skip, **o)),
    "skip after pool": Variant("skips", lambda **o: with_skips(skip_after_pool, **o)),
    "bilinear": Variant("upsampling", lambda **o: unet(up="bilinear", **o)),
    "pad the upsampled": Variant("sizes", lambda **o: unet(kind=PadUpsampled, **o)),
    "group norm": Variant("norm", lambda **o: with_group_norm(unet(**o))),
    "no norm": Variant("norm", lambda **o: unet(norm=False, **o)),
    "depth 1": Variant("depth", lambda **o: unet(WIDTHS[:2], **o)),
    "depth 2": Variant("depth", lambda **o: unet(WIDTHS[:3], **o)),
    "depth 4": Variant("depth", lambda **o: unet((*WIDTHS, 128), **o)),
    "twice the width": Variant("width", lambda **o: unet((16, 32, 64, 128), **o)),
    "torch's default init": Variant("init", lambda **o: with_weights(
        unet(**o), lambda layer: layer.reset_parameters())),
    "tiny init": Variant("init", lambda **o: with_weights(unet(**o), tiny)),
    "tiny init, no norm": Variant("init and norm", lambda **o: with_weights(
        unet(norm=False, **o), tiny)),
    "no augmentation": Variant("augmentation", training={"augment": None}),
    "border weight map": Variant("loss", training={"loss": gaps_weighted}),
}


def train_variant(name, data, *, seed, steps, crop=CROP, device="cpu", **options):
    """Train one variant of the base from one seed.

    Parameters
    ----------
    name : str
        A key of `VARIANTS`.
    data : (images, masks)
        As for `fit`.
    seed : int
        Decides the first weights, the crops and the augmentation.
    steps, crop : int
        As for `fit`.
    device : str or torch.device, default "cpu"
        The first weights are drawn on the CPU, so that they are the same everywhere.
    **options
        For `fit`: a checkpoint, a progress bar …

    Returns
    -------
    Module
        In evaluation mode.

    Raises
    ------
    ValueError
        If there is no such variant.

    Examples
    --------
    >>> from unet_course import load_nuclei
    >>> train_variant("no skips", load_nuclei("val"), seed=0, steps=1, crop=33, progress=False)(torch.zeros(1, 1, 9, 9)).shape
    torch.Size([1, 3, 9, 9])
    """
    if name not in VARIANTS:
        raise ValueError(f"name is {name!r}; wanted one of: {', '.join(VARIANTS)}")
    variant = VARIANTS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = variant.build().to(device)
    settings = {"augment": Augment(), "loss": combined_loss, "lr": 3e-3, "bf16": False, **variant.training, **options}
    fit(model, data, seed=seed, steps=steps, crop=crop, **settings)
    return model.eval()


NUMBERS = {"seed": int, "steps": int, "crop": int, "parameters": int, "cpu_seconds": float, "test_dice": float,
           "test_boundary": float, "test_f1": float, "shifted_dice": float, "shifted_boundary": float, "shifted_f1": float}
COLUMNS = ["variant", "factor", *NUMBERS, "torch", "numpy", "course"]


def read_rows(path=DATA / "results" / "ablations.csv"):
    """All rows of a table of results.

    Parameters
    ----------
    path : path
        A CSV file as `add_row` writes it.

    Returns
    -------
    list of dict
        Numbers are numbers. Empty, if there is no such file yet.

    Raises
    ------
    ValueError
        If a row does not have the columns, or a number in it is none; names the line.

    Examples
    --------
    >>> rows = read_rows()
    >>> rows[0]["variant"], rows[0]["seed"]
    ('base', 0)
    """
    path = Path(path)
    if not path.exists():
        return []
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            try:
                rows.append({**row, **{name: kind(row[name]) for name, kind in NUMBERS.items()}})
            except (KeyError, TypeError, ValueError) as error:
                wanted = ", ".join(COLUMNS)
                raise ValueError(f"{path.name}, line {reader.line_num}: {error} does not fit the columns {wanted}: "
                                 "delete the line, and the training that it stood for is run again") from error
    return rows


def add_row(row, path):
    """Add one row to a table of results: the file is written anew beside its place and renamed.

    Parameters
    ----------
    row : dict
        A value for each of the columns.
    path : path
        Made, with its folder, if it is not there.

    Raises
    ------
    ValueError
        If a column is missing or unknown.

    Examples
    --------
    >>> add_row({"variant": "base"}, "nowhere.csv")
    Traceback (most recent call last):
        ...
    ValueError: row lacks factor, seed, steps, crop, parameters, cpu_seconds, test_dice, test_boundary, ...
    """
    lacks = [name for name in COLUMNS if name not in row]
    if lacks or len(row) > len(COLUMNS):
        raise ValueError(f"row lacks {', '.join(lacks) or 'nothing'} and has {len(row)} values; wanted {', '.join(COLUMNS)}")
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*read_rows(path), row])
    write_text(path, text.getvalue())


def by_variant(rows, score):
    """The values of one score, one for each seed, under the name of their variant.

    Parameters
    ----------
    rows : list of dict
        As from `read_rows`.
    score : str
        A column, such as "test_f1".

    Returns
    -------
    dict of str to list of float

    Examples
    --------
    >>> by_variant([{"variant": "a", "x": 1}, {"variant": "b", "x": 2}, {"variant": "a", "x": 3}], "x")
    {'a': [1, 3], 'b': [2]}
    """
    found = {}
    for row in rows:
        found.setdefault(row["variant"], []).append(row[score])
    return found


def summary(rows, score):
    """Mean and standard deviation (n − 1) over the seeds of each variant, the best mean first.

    Parameters
    ----------
    rows, score
        As for `by_variant`.

    Returns
    -------
    dict of str to (float, float)
        The deviation of a single seed is NaN.

    Examples
    --------
    >>> summary([{"variant": "a", "x": 1.0}, {"variant": "b", "x": 2.0}, {"variant": "a", "x": 2.0}], "x")
    {'b': (2.0, nan), 'a': (1.5, 0.707...)}
    """
    values = by_variant(rows, score)
    found = {name: (statistics.mean(v), statistics.stdev(v) if len(v) > 1 else float("nan")) for name, v in values.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))
