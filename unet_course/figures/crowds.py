"""Nuclei that nearly touch: what is one piece, and what holds two. (10)"""

from functools import lru_cache

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from unet_course.data.masks import two, whole_numbers
from unet_course.data.nuclei import DATA, load_instances, load_nuclei
from unet_course.data.touching import crowd, cut_out
from unet_course.figures.panels import ERROR, INK, MARK, NUCLEUS, QUIET, new_figure


@lru_cache
def found_in_crowds():
    """What two trained networks of `borders.csv` find, without the map and with it.

    Returns
    -------
    dict of str to ndarray of uint8
        Classes (N, H, W) of the six crowds and of the field `shifted`, by what was looked at and
        the weights, such as ``"crowds, border map"``: seed 0, 240 steps.
    """
    with np.load(DATA / "results" / "crowds.npz", allow_pickle=False) as file:
        return dict(file)


@lru_cache
def crowds(split, count, size):
    """Crowds of a field's own nuclei, always the same ones.

    Parameters
    ----------
    split : str
        The field that they are cut out of.
    count, size : int
        How many pictures, and their side in pixels.

    Returns
    -------
    images : Tensor of float32, shape (count, 1, size, size)
    instances : Tensor of int64, shape (count, size, size)
    """
    import torch

    nuclei = cut_out(load_nuclei(split)[0][0, 0], load_instances(split)[0])
    generator = torch.Generator().manual_seed(0)
    made = [crowd(nuclei, size, clusters=24, generator=generator) for _ in range(count)]
    return tuple(torch.stack(part) for part in zip(*made))


def merged(pieces, truth):
    """The pieces that hold more than half of two true objects or more, as `merges_and_splits` counts.

    Parameters
    ----------
    pieces, truth : array_like of int, shape (H, W)
        Label images.

    Returns
    -------
    list of int
        Their numbers.

    Examples
    --------
    >>> merged([[7, 7, 7, 0, 8]], [[1, 2, 2, 0, 3]])
    [7]
    """
    pieces, truth = two(pieces, truth, whole_numbers)
    holds = {}
    for number in np.unique(truth[truth > 0]):
        names, counts = np.unique(pieces[truth == number], return_counts=True)
        most = int(names[counts.argmax()])
        if most and 2 * counts.max() > counts.sum():
            holds[most] = holds.get(most, 0) + 1
    return sorted(piece for piece, count in holds.items() if count > 1)


def outlines(image, found, *, truth=None, columns=None, width=11.0):
    """Pieces outlined on the image; those that hold two nuclei or more are filled and hatched.

    Parameters
    ----------
    image : array_like, shape (H, W)
    found : dict of str to (array_like of int, shape (H, W))
        Under its title each label image; with None the image alone.
    truth : array_like of int, shape (H, W), optional
        The nuclei as labelled. Without it nothing is hatched.
    columns : int, optional
        Pictures in a row; all, if not given.
    width : float
        In inches.

    Examples
    --------
    >>> figure = outlines([[0.5, 0.5, 0.1]], {"a": [[1, 1, 0]]}, truth=[[1, 2, 0]])
    >>> len(figure.axes[0].collections)
    2
    """
    image = np.round(20 * np.asarray(image)) / 20  # in few greys: noise makes a PNG large
    columns = columns or len(found)
    rows = -(-len(found) // columns)
    height = rows * (width / columns * image.shape[0] / image.shape[1] + 0.4)
    figure, axes = new_figure(rows, columns, width=width, height=height)
    for axis in axes.flat[len(found) :]:
        axis.axis("off")
    for axis, (title, pieces) in zip(axes.flat, found.items()):
        axis.imshow(image, cmap="gray", vmin=0.05, vmax=0.7, interpolation="nearest")
        axis.set(xticks=[], yticks=[], title=title, xlim=(-0.5, image.shape[1] - 0.5),
                 ylim=(image.shape[0] - 0.5, -0.5))
        axis.spines[:].set(visible=True, color=QUIET)
        if pieces is None:
            continue
        wrong = [] if truth is None else merged(pieces, truth)
        rings = _rings(np.asarray(pieces))
        axis.add_collection(LineCollection([ring for ring, number in rings if number not in wrong],
                                           colors=NUCLEUS, linewidths=1.8))
        held = [ring for ring, number in rings if number in wrong]
        if held:
            axis.add_collection(PolyCollection(held, facecolors=ERROR + "77", edgecolors=ERROR,
                                               linewidths=2.2, hatch="///"))
    return figure


def budget_panels(tests):
    """A row for each test: merges, object F1, and Dice as a difference, a dot for each seed.

    Parameters
    ----------
    tests : dict of str to dict of str to dict of str to sequence of float
        Title of each test, of its three panels, and of the lines of dots in each: in the first two
        panels by turns without the map and with it, in the last one with minus without.

    Examples
    --------
    >>> lines = {"without": [3, 4], "with": [0, 1]}
    >>> figure = budget_panels({"a": {"merges": lines, "F1": lines, "change": {"80 steps": [0, 1]}}})
    >>> [axis.get_title() for axis in figure.axes]
    ['a: merges', 'a: F1', 'change']
    """
    figure, axes = new_figure(len(tests), 3, width=12, height=0.4 + 2.4 * len(tests))
    for row, (test, panels) in zip(axes, tests.items()):
        changes = [0, *(value for values in list(panels.values())[-1].values() for value in values)]
        room = 0.15 * (max(changes) - min(changes))
        around = min(changes) - room, max(changes) + room  # 0 included
        for axis, limits, (title, lines) in zip(row, ((-1, 40), (0, 1.03), around), panels.items()):
            last = axis is row[2]
            for place, values in enumerate(lines.values()):
                mark, colour = ("D", NUCLEUS) if last else (("o", MARK), ("s", NUCLEUS))[place % 2]
                axis.plot(values, [place] * len(values), mark, color=colour, markeredgecolor=INK, markersize=8, alpha=0.8)
            axis.set(title=title if last else f"{test}: {title}", ylim=(len(lines) - 0.5, -0.5), xlim=limits)
            axis.set_yticks(range(len(lines)), labels=lines if axis is not row[1] else [""] * len(lines))
            axis.axhline(len(lines) / 2 - 0.5, color=MARK, linewidth=0.8)
        row[2].axvline(0, color=INK, linewidth=1.5)
        row[2].locator_params(axis="x", nbins=4)
    return figure


def _rings(pieces):
    """The outline of each piece as points (x, y), with the piece's number."""
    from scipy.ndimage import find_objects
    from skimage.measure import find_contours

    rings = []
    for number, box in enumerate(find_objects(pieces), start=1):
        if box is not None:
            inside = np.pad(pieces[box] == number, 1).astype(float)
            corner = np.array([box[1].start, box[0].start]) - 1
            rings += [(line[:, ::-1] + corner, number) for line in find_contours(inside, 0.5)]
    return rings
