"""What comes out at the end of a notebook, and what each part is worth, as stored. (02)"""

import statistics
from functools import lru_cache

import numpy as np
import torch

from unet_course.data.masks import label_nuclei
from unet_course.data.nuclei import DATA, load_nuclei
from unet_course.data.stored import read_results
from unet_course.data.walls import cell_walls
from unet_course.figures.crowds import crowds, found_in_crowds, outlines
from unet_course.figures.panels import (
    INK,
    MARK,
    NUCLEUS_LINE,
    QUIET,
    class_colours,
    error_colours,
    images,
    new_figure,
    show,
)
from unet_course.metrics.pixels import dice_score

PIECE = slice(300, 396), slice(100, 244)  # of the validation block, as `tools.trained.choices` has it
PIECE_OF_WALLS = slice(60, 180), slice(60, 180)
TITLES = {"00": {"U-Net": "what a U-Net says"},
          "01": {"threshold": "what a threshold makes of it", "U-Net": "what a U-Net makes of it"},
          "02": {"U-Net": "what a U-Net makes of it"},
          "03": {"three blocks, 13 pixels": "it sees 13 pixels", "U-Net": "with an encoder"},
          "04": {"U-Net": "one network", "a U without skips": "another network"},
          "05": {"step 0": "before training", "U-Net": "after training"},
          "06": {"step 1": "after 1 step", "step 200": "200 steps"},
          "07": {"local threshold": "a local threshold", "U-Net": "a U-Net"},
          "08": {"U-Net": "what a U-Net finds"},
          "09": {"one block, augmented": "trained without an error", "U-Net": "a U-Net"},
          "10": {"none": "without border weights", "border map": "with border weights"},
          "11": {"base": "a U-Net", "no skips": "without skips"},
          "12": {"U-Net": "the U-Net to beat"},
          "13": {"U-Net": "what is counted at the end"},
          "14": {"U-Net": "the same answer, sooner"}}

ROWS = ("threshold", "local threshold", "one block, not augmented", "one block, augmented",
        "three blocks, 13 pixels", "a U without skips", "U-Net")


@lru_cache
def pieces():
    """Classes (H, W) of a piece of the validation block, by the name of what has found them."""
    with np.load(DATA / "results" / "pieces.npz", allow_pickle=False) as file:
        return dict(file)


def picture_of_the_day(notebook):
    """Show what will come out at the end of a notebook, from the course's stored results.

    Parameters
    ----------
    notebook : str
        Its number, such as "02".

    Raises
    ------
    ValueError
        If there is no picture for this notebook.
    """
    if notebook not in TITLES:
        raise ValueError(f"notebook is {notebook!r}; wanted one of {', '.join(TITLES)}")
    if notebook in ("10", "11"):
        show({"10": _crowd, "11": _walls}[notebook](TITLES[notebook]), f"{notebook}.day")
        return
    image, mask = (part[0] for part in load_nuclei("val"))
    found = [class_colours(pieces()[name]) for name in TITLES[notebook]]
    pictures = [image[0][PIECE], *found, class_colours(mask[PIECE])]
    titles = ["a piece of a field", *TITLES[notebook].values(), "as labelled"]
    if notebook == "12":  # what is left to gain
        pictures.append(pieces()["U-Net"] != mask[PIECE].numpy())
        titles.append("where the two differ")
    show(images(pictures, titles, columns=len(titles), width=11, key="classes"), f"{notebook}.day")


def _crowd(titles):
    """A piece of a crowd, what two networks find in it, and the nuclei as they are labelled."""
    image, truth = (part[1] for part in crowds("test", 6, 256))
    where = slice(40, 200), slice(30, 250)
    found = {title: label_nuclei(found_in_crowds()[f"crowds, {name}"][1], interior=1, grow=0)[where]
             for name, title in titles.items()}
    pictures = {"a crowd": None, **found, "as labelled": truth.numpy()[where]}
    return outlines(image[0][where], pictures, truth=truth[where])


def _walls(titles):
    """A piece of drawn cell walls, the errors of two networks with their Dice, and the walls as drawn."""
    image, mask, _ = (part[(..., *PIECE_OF_WALLS)] for part in
                      cell_walls(256, generator=torch.Generator().manual_seed(100)))
    with np.load(DATA / "results" / "walls.npz", allow_pickle=False) as file:
        found = {title: torch.as_tensor(file[name][PIECE_OF_WALLS] == 1) for name, title in titles.items()}
    return images([image[0], *(error_colours(walls, mask == 1) for walls in found.values()), mask],
                  ["a piece of an image",
                   *(f"{title}: Dice {dice_score(walls, mask == 1):.2f}" for title, walls in found.items()),
                   "as drawn"], width=11, key="errors")


def scoreboard(last=None, *, test=False, boundary=False, limits=None):
    """What each part is worth: the scores of networks that see more and more.

    Parameters
    ----------
    last : str, optional
        The last row, such as "one block, augmented"; all rows, if left out.
    test : bool, default False
        The scores on `test` in place of those on the validation block. Notebook 07 opens them.
    boundary : bool, default False
        The Dice of the boundary as well. A threshold knows none: 0.
    limits : dict of str to (float, float), optional
        Of an axis, such as ``{"dice": (0.9, 0.95)}``, so that close rows come apart. A row that lies
        left of it is told in numbers, behind an arrow.

    Returns
    -------
    matplotlib Figure
        A dot for each training, at its Dice and at its object F1; a bar at their mean.

    Raises
    ------
    ValueError
        If no row has this name.

    Examples
    --------
    >>> [text.get_text() for text in scoreboard("threshold").axes[0].get_yticklabels()]
    ['threshold']
    """
    rows, split = board(), "test" if test else "val"
    if last not in (None, *rows):
        raise ValueError(f"last is {last!r}; wanted one of {', '.join(rows)}")
    names = list(rows)[: list(rows).index(last) + 1] if last else list(rows)
    field = "test" if test else "validation block"
    titles = {"dice": f"Dice, {field}", "f1": f"object F1, {field}"}
    if boundary:
        titles = {"dice": titles["dice"], "boundary": "boundary Dice", "f1": titles["f1"]}
    spans = {score: (-0.02 * boundary, 0.5 if score == "boundary" else 1) for score in titles} | (limits or {})
    figure, axes = new_figure(1, len(titles), width=10 + boundary, height=1.2 + 0.45 * len(names), sharey=True)
    for axis, (score, title) in zip(axes[0], titles.items()):
        for line, name in enumerate(names):
            values = [row[f"{split}_{score}"] for row in rows[name]]
            axis.axhline(line, color=QUIET, linewidth=1, zorder=0)
            axis.plot(values, [line] * len(values), "o", markersize=9, alpha=0.8,
                      color=NUCLEUS_LINE if name == last else MARK)
            axis.plot([statistics.mean(values)] * 2, [line - 0.3, line + 0.3], color=INK)
            if max(values) < spans[score][0]:
                axis.annotate(f"← {min(values):.2f} … {max(values):.2f}", (0, line), xycoords=("axes fraction", "data"),
                              xytext=(5, 3), textcoords="offset points", color=INK, fontsize=11)
        axis.set(xlim=spans[score], ylim=(len(names) - 0.5, -0.5), title=title)
    axes[0, 0].set_yticks(range(len(names)), labels=names)
    return figure


@lru_cache
def board():
    """The rows of the scoreboard: {name: [a dict of scores for each training]}."""
    table = read_results("scoreboard")
    return {name: [row for row in table if row["network"] == name] for name in ROWS}
