"""Pictures to play with: each function draws one setting of a small experiment. (02 03 04 05 07 08)

As in `panels.py`: arguments in, one matplotlib figure out. `widgets.py` puts sliders around them.
"""

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.patches import Patch, Rectangle
from skimage.measure import label

from unet_course.figures.drawing import draw_unet
from unet_course.figures.panels import (
    ERROR,
    INK,
    MAP,
    NUCLEUS,
    PAPER,
    QUIET,
    SIDES,
    class_colours,
    error_colours,
    images,
    new_figure,
    squares,
)
from unet_course.inference.prediction import predict
from unet_course.metrics.objects import object_f1
from unet_course.metrics.pixels import dice_score
from unet_course.tracing import kept_bytes, parameter_count, receptive_field
from unet_course.unet import UNet

KERNELS = {
    "mean": np.full((3, 3), 1 / 9),
    "right minus left": np.array([[-1, 0, 1]] * 3),
    "bottom minus top": np.array([[-1, 0, 1]] * 3).T,
    "rim": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "nothing": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
}


def convolution_figure(image, kernel):
    """An image, a 3×3 kernel with its numbers, and the convolution of the two, without padding.

    Parameters
    ----------
    image : array_like, shape (H, W)
    kernel : array_like, shape (3, 3)

    Returns
    -------
    matplotlib Figure
        Black to white in the result are its own smallest to largest value; if some of it is below 0,
        both are equally far from 0, and 0 is grey.

    Raises
    ------
    ValueError
        If the kernel is not 3×3.

    Examples
    --------
    >>> convolution_figure(np.ones((5, 5)), KERNELS["mean"]).get_suptitle()
    'The weights add up to 1'
    """
    kernel = np.asarray(kernel, dtype=np.float32)
    if kernel.shape != (3, 3):
        raise ValueError(f"kernel has shape {kernel.shape}; wanted (3, 3)")
    image = torch.as_tensor(np.asarray(image, dtype=np.float32))
    result = F.conv2d(image[None, None], torch.from_numpy(kernel)[None, None])[0, 0].numpy()
    figure, axes = new_figure(1, 3, width=10, height=3.1, gridspec_kw={"width_ratios": [5, 3, 5]})
    left, middle, right = axes[0]
    left.imshow(image.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    left.set_title("image")
    farthest = np.abs(result).max() if result.min() < 0 else None
    right.imshow(result, cmap="gray", vmin=farthest and -farthest, vmax=farthest, interpolation="nearest")
    right.set_title(f"result, from {result.min() + 0.0:.2g} to {result.max() + 0.0:.2g}")
    middle.imshow(np.zeros((3, 3)), cmap="gray_r", vmin=0, vmax=1)
    middle.set(title="kernel", xlim=(-0.5, 2.5), ylim=(2.5, -0.5))
    middle.set_xticks([0.5, 1.5], labels=[])
    middle.set_yticks([0.5, 1.5], labels=[])
    middle.grid(color=QUIET)
    middle.tick_params(length=0)
    middle.spines[:].set(visible=True, color=QUIET)
    for (row, column), value in np.ndenumerate(kernel):
        middle.text(column, row, f"{value:.3g}", ha="center", va="center", color=INK)
    for axis in (left, right):
        axis.axis("off")
    total = f"{kernel.sum() + 0.0:.3g}"
    figure.suptitle(f"The weights add up to {total}", fontsize=13)
    return figure


def receptive_field_figure(image, pools, convs=2):
    """How far a value at the bottom of an encoder sees, for every number of pools up to `pools`.

    Parameters
    ----------
    image : array_like, shape (H, W)
    pools : int
        0 to 4.
    convs : int, default 2
        3×3 convolutions on each level.

    Examples
    --------
    >>> receptive_field_figure(np.zeros((64, 96)), pools=2).axes[0].get_title()
    '2 pools, 2 convolutions a level: one value sees 32×32 pixels'
    """
    fields = [receptive_field(levels, convs=convs) for levels in range(pools + 1)]
    names = [(side, f"{n} pool{'s' * (n != 1)}: {side}×{side}") for n, side in enumerate(fields)]
    return squares(image, names, title=f"{pools} pool{'s' * (pools != 1)}, {convs} convolution{'s' * (convs != 1)} a level: "
                                       f"one value sees {fields[-1]}×{fields[-1]} pixels")


ZEROS, PIXEL, PLACE = SIDES[0], PAPER, INK  # in `padding_figure`: none is the colour of a class


def padding_figure(height, width, pools, row=0, column=0, side="right and bottom"):
    """Where the padding falls on each level of a U-Net with ``padding=1``, and where one pixel goes.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    pools : int
        Each rounds up.
    row, column : int
        A pixel of the image to follow; one outside is moved to the nearest that is inside.
    side : {"right and bottom", "left and top"}
        Where the zeros are added. The second is wrong.

    Returns
    -------
    matplotlib Figure
        A panel for each level: the skip, the row or column of zeros that is added to it (drawn at
        least so wide that it is seen), the pixel, and the place where it belongs.

    Examples
    --------
    >>> padding_figure(5, 8, 2, 4, 7).get_suptitle().splitlines()
    ['Zeros are added on 2 of 2 levels.', 'The pixel is in its place on each of them.']
    >>> padding_figure(5, 8, 2, 4, 7, side="left and top").get_suptitle().splitlines()[1]
    'The pixel is moved by 1 and 2 pixels of the image.'
    """
    row, column = min(row, height - 1), min(column, width - 1)
    figure, axes = new_figure(1, pools + 1, width=10, height=3.9)
    moved, wrong = [], side == "left and top"
    for level, axis in enumerate(axes[0]):
        odd = (height % 2, width % 2) if level < pools else (0, 0)
        down, right = (max(1, size * 0.05) * one for size, one in zip((height, width), odd))
        top, left = (down, right) if wrong else (0, 0)
        axis.add_patch(Rectangle((0, 0), width + right, height + down, facecolor=ZEROS, edgecolor=INK))
        axis.add_patch(Rectangle((left, top), width, height, facecolor=MAP, edgecolor=INK))
        if max(height, width) <= 24:
            for line in range(1, max(height, width)):
                if line < width:
                    axis.plot([left + line] * 2, [top, top + height], color=PAPER, linewidth=0.5)
                if line < height:
                    axis.plot([left, left + width], [top + line] * 2, color=PAPER, linewidth=0.5)
        mark = max(1.0, 0.05 * max(height, width))
        x, y = column + 0.5 - mark / 2, row + 0.5 - mark / 2
        axis.add_patch(Rectangle((x + left, y + top), mark, mark, facecolor=PIXEL, edgecolor=INK))
        axis.add_patch(Rectangle((x, y), mark, mark, fill=False, edgecolor=PLACE, linewidth=2.5))
        what = {(0, 0): "fits", (1, 0): "+ 1 row", (0, 1): "+ 1 column", (1, 1): "+ 1 row, 1 column"}
        axis.set_title(f"level {level}: {height}×{width}\n{what[odd] if level < pools else 'bottom'}",
                       fontsize=12)
        axis.set(xlim=(-1, width * 1.05 + 2), ylim=(height * 1.05 + 2, -1), aspect="equal",
                 anchor="N")
        axis.axis("off")
        moved += [2**level] if any(odd) else []
        height, width, row, column = -(-height // 2), -(-width // 2), row // 2, column // 2
    first = f"Zeros are added on {len(moved)} of {pools} level{'s' * (pools != 1)}."
    by = " and ".join(", ".join(map(str, moved)).rsplit(", ", 1))
    second = f"The pixel is moved by {by} pixel{'s' * (moved != [1])} of the image." if wrong else \
        "The pixel is in its place on each of them."
    figure.suptitle(f"{first}\n{second}" if moved else "Zeros are added on no level.", fontsize=13)
    figure.legend(handles=[Patch(facecolor=colour, edgecolor=INK, label=name) for name, colour in
                           (("skip", MAP), ("zeros", ZEROS), ("the pixel", PIXEL))]
                  + [Patch(fill=False, edgecolor=PLACE, linewidth=2.5, label="where it belongs")],
                  loc="outside lower center", ncols=4, frameon=False)
    return figure


def explorer_figure(size, *, channels=16, pools=3, up="transpose", padding=1, norm=True):
    """A U-Net drawn with all its shapes, its parameters, and the memory that training one image takes.

    Parameters
    ----------
    size : int
        Height and width of the image, in pixels.
    channels : int
        Of the top level; each level below has twice as many.
    pools : int
    up : {"transpose", "bilinear"}
    padding : {0, 1}
    norm : bool, default True
        The paper's network has none.

    Raises
    ------
    ValueError
        If the image is too small for a network without padding.

    Examples
    --------
    >>> explorer_figure(64, channels=8, pools=2).axes[0].get_title()
    '64×64 → 64×64   29,490 parameters   2.2 MiB kept for training on one image'
    """
    with torch.device("meta"):  # shapes without numbers: the paper's network answers as fast as a small one
        model = UNet(channels=tuple(channels * 2**level for level in range(pools + 1)), up=up,
                     padding=padding, norm=bool(norm))
        sizes = []  # of what comes out, noted while the network is drawn: one pass is saved
        noting = model.register_forward_hook(lambda _, __, logits: sizes.append(logits.shape[-1]))
        figure = draw_unet(model, (size, size), title=" ")
        noting.remove()
        kept = kept_bytes(model, (size, size)) / 2**20
    figure.axes[0].set_title(f"{size}×{size} → {sizes[0]}×{sizes[0]}   {parameter_count(model):,} parameters   "
                             f"{kept:,.{1 if kept < 10 else 0}f} MiB kept for training on one image")
    return figure


def ledger_figure(rows, guesses):
    """A table of shapes, guessed and true, revealed down to the first guess that is wrong.

    Parameters
    ----------
    rows : sequence of (str, tuple)
        Name and true shape of each tensor, as `trace_shapes` gives them.
    guesses : sequence of str
        What the reader thinks, for instance "16, 51, 35"; "" where nothing is guessed yet.

    Examples
    --------
    >>> ledger_figure([("skip 0", (8, 5, 5)), ("pooled 0", (8, 3, 3))], ["8 5 5", "8×2×2"]).get_suptitle()
    '1 of 2 right; the first wrong row is pooled 0'
    """
    guesses = [*guesses, *[""] * (len(rows) - len(guesses))]
    figure, axes = new_figure(width=8, height=0.5 + 0.36 * (len(rows) + 1))
    axis, right, stopped = axes[0, 0], 0, None
    for x, head in zip((0.05, 1.6, 3.4), ("tensor", "your guess", "the network")):
        axis.text(x, 0, head, color=INK, fontweight="bold", va="center")
    for line, ((name, shape), guess) in enumerate(zip(rows, guesses), 1):
        open_ = stopped is None and guess.strip() != ""
        good = open_ and [int(n) for n in "".join(c if c.isdigit() else " " for c in guess).split()] == list(shape)
        if open_:
            axis.add_patch(Rectangle((0, line - 0.46), 5, 0.92, facecolor=NUCLEUS if good else ERROR, alpha=0.35))
        for x, text in zip((0.05, 1.6, 3.4), (name, guess, "×".join(map(str, shape)) if open_ else "?")):
            axis.text(x, line, text, color=INK, va="center")
        if good:
            right += 1
        elif stopped is None:
            stopped = name if open_ else ""
    axis.set(xlim=(0, 5), ylim=(len(rows) + 0.6, -0.6))
    axis.axis("off")
    end = f"; the first wrong row is {stopped}" if stopped else "" if right == len(rows) else "; go on"
    figure.suptitle(f"{right} of {len(rows)} right{end}", fontsize=13)
    return figure


def threshold_figure(probability, truth, threshold):
    """A probability cut at a threshold: the map itself, what is right and wrong, and two scores.

    Parameters
    ----------
    probability : Tensor, shape (H, W)
        Of being nucleus, 0 to 1.
    truth : array_like of int, shape (H, W)
        A number for each nucleus, 0 where there is none.
    threshold : float

    Returns
    -------
    matplotlib Figure
        Right cyan, invented magenta, missed orange.

    Examples
    --------
    >>> threshold_figure(torch.eye(8), torch.eye(8).long(), 0.5).get_suptitle()
    'Threshold 0.50: Dice 1.00, objects 8, object F1 at IoU 0.7: 0.00'
    """
    mask = (torch.as_tensor(probability) >= threshold).numpy()
    truth = torch.as_tensor(truth).numpy()
    pieces = label(mask, connectivity=1)
    figure = images([probability, error_colours(mask, truth)],
                    ["probability of nucleus", "the mask that it gives"], key="errors")
    figure.suptitle(f"Threshold {threshold:.2f}: Dice {dice_score(mask, truth > 0):.2f}, objects {pieces.max()}, "
                    f"object F1 at IoU 0.7: {object_f1(pieces, truth):.2f}", fontsize=13)
    return figure


def tiles_figure(model, image, whole, tile, overlap):
    """A prediction made in tiles beside its difference to the prediction of the whole image.

    Parameters
    ----------
    model : Module
    image : Tensor, shape (1, H, W)
    whole : Tensor, shape (classes, H, W)
        `predict` of the whole image.
    tile, overlap : int
        In pixels: the side of a tile, and how much of its surroundings it is shown on each side.

    Examples
    --------
    >>> from unet_course import UNet
    >>> model, image = UNet(channels=(2, 4)).eval(), torch.zeros(1, 32, 32)
    >>> tiles_figure(model, image, predict(model, image), tile=16, overlap=8).get_suptitle()
    'Tiles of 16 pixels, overlap 8: 0 of 1,024 pixels change their class'
    """
    tiled = predict(model, image, tile=tile, overlap=overlap, progress=False)
    apart = (tiled - whole).abs().amax(dim=0).clamp(min=1e-4).log10() / 4 + 1  # 0.0001 → 0, 1 → 1
    changed = int((tiled.argmax(dim=0) != whole.argmax(dim=0)).sum())
    figure = images([class_colours(tiled.argmax(dim=0)), apart],
                    ["classes, in tiles", "difference: black 0.0001 or less, white 1"])
    figure.suptitle(f"Tiles of {tile} pixels, overlap {overlap}: {changed:,} of {apart.numel():,} pixels change their class",
                    fontsize=13)
    return figure


def skips_figure(model, image, truth, cut=(), by="zeros"):
    """What a trained U-Net finds when some of its skips carry nothing of the image.

    Parameters
    ----------
    model : UNet
        Left as it is.
    image : Tensor, shape (1, H, W)
    truth : Tensor, shape (H, W)
        Class of each pixel.
    cut : iterable of int
        Levels whose skip is cut; 0 is the top.
    by : {"zeros", "means"}
        What comes across instead: zeros, or everywhere the mean of each channel.

    Raises
    ------
    ValueError
        If there is no such level.

    Examples
    --------
    >>> from unet_course import UNet
    >>> figure = skips_figure(UNet(channels=(2, 4, 8)), torch.zeros(1, 16, 16), torch.zeros(16, 16), cut=[0])
    >>> figure.axes[2].get_title()
    'skip 0 cut by zeros'
    """
    levels, cut = len(model.decoders), sorted(set(cut))
    if not set(cut) <= set(range(levels)):
        raise ValueError(f"cut is {cut}; this network has the skips {list(range(levels))}")

    def change(_, given):
        x, skip = given
        return x, skip.mean(dim=(2, 3), keepdim=True).expand_as(skip) if by == "means" else 0 * skip

    hooks = [model.decoders[levels - 1 - level].register_forward_pre_hook(change) for level in cut]
    try:
        classes = predict(model, image).argmax(dim=0)
    finally:
        for hook in hooks:
            hook.remove()
    name = f"skip{'s' * (len(cut) > 1)} {', '.join(map(str, cut))} cut by {by}" if cut else "all skips there"
    figure = images([image[0], class_colours(truth.long()), class_colours(classes)],
                    ["image", "as labelled", name], key="classes")
    scores = " ".join(f"{what} {dice_score(classes == k, truth == k):.2f}" for k, what in ((1, "boundary"), (2, "interior")))
    figure.suptitle(f"{name[0].upper()}{name[1:]}: Dice of {scores}", fontsize=13)
    return figure
