"""Pictures: arguments in, one matplotlib figure out. Nothing is stored or drawn on the side. (00)

The colours are told apart by colour-blind eyes and in grey print: nuclei cyan, boundary orange, errors magenta. A thing
has two shades of one hue: the bright one on dark images, the deep one for lines and frames on white paper.
"""

import io

import matplotlib
import matplotlib.patheffects
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from skimage.segmentation import expand_labels

from unet_course.figures.texts import alt_text, words

NUCLEUS, BOUNDARY, ERROR = "#33BBEE", "#EE7733", "#EE3377"  # cyan, orange, magenta: on images
NUCLEUS_LINE, BOUNDARY_LINE, ERROR_LINE = "#0885B2", "#C85A10", "#C2185B"  # the same three on white
INK, PAPER = "#222222", "#FFFFFF"
MARK = "#828282"  # a grey line on white that says something
QUIET = "#BBBBBB"  # a grey that says nothing: grids, edges of pictures
TINT = "#85D5F5"  # the darkest cell of a table: what is written or framed on it stays readable
BELOW = "#F2C4A0"  # the darkest cell below 0
WHEEL = (NUCLEUS, BOUNDARY, ERROR, "#EFDD8C", "#9DF1BD")  # one nucleus beside the other, on an image
# What is right and wrong has colours of its own, never those of the classes.
RIGHT, MISSED, INVENTED = "#B8B8B8", "#FF4B4B", "#4D90FE"
KEYS = {"classes": {"boundary": BOUNDARY, "interior": NUCLEUS},
        "errors": {"right": RIGHT, "missed": MISSED, "invented": INVENTED},
        "differences": {"0.0001 or less": "0", "0.001": "0.25", "0.01": "0.5", "0.1": "0.75", "1": "1"}}
LINES = (NUCLEUS_LINE, BOUNDARY_LINE, ERROR_LINE, INK, "#5A32C8")

# The U, as in Figure 1 of Ronneberger et al. (2015): feature maps blue, copied ones white; convolution arrows blue,
# pooling red, up-convolution green, copying grey, the final 1×1 convolution teal.
MAP, COPIED = "#5494D0", "#FFFFFF"
SIDES = (WHEEL[3], MAP, PAPER, WHEEL[4], "#C9A2FF")  # squares on an image: none has a class's colour
CONV, POOL, UP, COPY, HEAD = "#306AA0", "#C83721", "#30A14E", "#8E8E8E", "#00626B"
PALE = "#E6E6E6"  # what is not built today


STYLE = {"font.size": 12, "axes.titlesize": 13, "axes.spines.top": False, "axes.spines.right": False,
         "figure.dpi": 100, "savefig.dpi": 100, "lines.linewidth": 2.2, "figure.constrained_layout.use": True}


def new_figure(rows=1, columns=1, *, width=10.0, height=4.0, **options):
    """An empty figure in the course's style, with its axes; not known to pyplot, so nothing has to be closed."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots(rows, columns, squeeze=False, **options)


def show(figure, key=None, *, alt=None, **fields):
    """Display a figure as a PNG, with a text for those who do not see it.

    Parameters
    ----------
    figure : matplotlib Figure
    key : str, optional
        Where the text stands among the course's own, such as ``"02.by_hand"``. The figure's words
        (titles, axes, keys) are then kept as text beside it.
    alt : str, optional
        In place of a key, for figures of your own: what the figure tells, in a sentence or two.
    **fields
        What is filled into the text of this key.

    Raises
    ------
    ValueError
        If there is neither key nor alt, or no text has this key.
    """
    from IPython.display import display  # only a notebook needs it

    if key is None and not (alt or "").strip():
        raise ValueError("alt is empty; wanted what the figure tells, in a sentence")
    text = alt if key is None else alt_text(key, fields)
    beside = f"[figure] {alt}" if key is None else f"[figure] {words(figure)}"
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png")
    display({"image/png": in_few_colours(buffer.getvalue()), "text/plain": beside}, raw=True,
            metadata={"image/png": {"alt": text}})


def in_few_colours(png, most=120_000):
    """A PNG of a photograph in 256 colours, if it takes more bytes than `most`; else as it is."""
    if len(png) <= most:
        return png
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def images(pictures, titles, *, columns=None, width=10.0, limits=(0, 1), key=None, cells=False):
    """Grey images side by side.

    Parameters
    ----------
    pictures : sequence of array_like, shape (H, W) or (H, W, 3)
    titles : sequence of str
    columns : int, optional
        Pictures in a row; all, if not given.
    width : float
        Of the whole figure, in inches; its height follows from the pictures.
    limits : (float, float) or None
        Values shown black and white; each picture's own if None.
    key : {"classes", "errors", "differences"}, optional
        Says under the pictures what the colours of `class_colours` or `error_colours` mean, or the
        greys of differences on a logarithmic scale.
    cells : bool, default False
        Draws a line around each pixel, for tiny pictures.
    """
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    tallest = max(np.shape(picture)[0] / np.shape(picture)[1] for picture in pictures)
    title = 0.15 + 0.22 * max(text.count("\n") + 1 for text in titles)
    height = rows * (width / columns * tallest + title) + (0.35 if key else 0)
    figure, axes = new_figure(rows, columns, width=width, height=height)
    low, high = limits or (None, None)
    for index, axis in enumerate(axes.flat):
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(visible=index < len(pictures), color=QUIET)  # a white picture needs an edge
        if index < len(pictures):
            picture = _numpy(pictures[index])
            # a large picture is averaged down, a small one keeps its pixels
            way = "antialiased" if picture.shape[1] > 100 * width / columns else "nearest"
            axis.imshow(picture, cmap="gray", vmin=low, vmax=high, interpolation=way)
            axis.set_title(titles[index])
            if cells:
                down, right = np.array(picture.shape[:2]) - 0.5
                axis.hlines(np.arange(-0.5, down + 1), -0.5, right, color=MARK, linewidth=1)
                axis.vlines(np.arange(-0.5, right + 1), -0.5, down, color=MARK, linewidth=1)
    if key:
        explain_colours(figure, key)
    return figure


def explain_colours(figure, key):
    """Write under a figure what its colours mean.

    Parameters
    ----------
    figure : matplotlib Figure
    key : {"classes", "errors", "differences"}
    """
    marks = [matplotlib.patches.Patch(facecolor=colour, edgecolor=INK, label=name)
             for name, colour in KEYS[key].items()]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), frameon=False)


def class_colours(classes):
    """Colour image of a three-class mask: background black, boundary orange, interior cyan.

    Examples
    --------
    >>> class_colours([[0, 1, 2]]).shape
    (1, 3, 3)
    """
    table = np.array([matplotlib.colors.to_rgb(c) for c in ("black", BOUNDARY, NUCLEUS)])
    return table[_numpy(classes)]


def nuclei_colours(image, instances):
    """The image in grey, each nucleus tinted in one of five colours, so that neighbours are told apart.

    Examples
    --------
    >>> nuclei_colours([[0.5, 1.0]], [[0, 1]]).shape
    (1, 2, 3)
    """
    table = np.array([matplotlib.colors.to_rgb(c) for c in WHEEL])
    image, instances = _numpy(image), _numpy(instances)
    grey = np.repeat(np.clip(image, 0, 1)[..., None], 3, axis=-1)
    tint = table[_apart(instances)] * (0.7 + 0.3 * grey)
    return np.where(instances[..., None] > 0, tint, grey)


def _apart(instances, reach=8):
    """At each pixel the number of a colour: nuclei within twice `reach` pixels differ, where that can be."""
    numbered = np.searchsorted(np.union1d(0, instances), instances)  # 0, 1, 2 … without a gap
    wide = expand_labels(numbered, reach)
    pairs = np.concatenate([np.stack([wide[:, :-1], wide[:, 1:]], -1).reshape(-1, 2),
                            np.stack([wide[:-1], wide[1:]], -1).reshape(-1, 2)])
    near = {}
    for a, b in np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]]), axis=0).tolist():
        near.setdefault(b, []).append(a)  # a < b, so a has its colour before b
    colours = [0]
    for number in range(1, int(numbered.max()) + 1):
        taken = {colours[other] for other in near.get(number, []) if other}
        free = [k % len(WHEEL) for k in range(number, number + len(WHEEL)) if k % len(WHEEL) not in taken]
        colours.append(free[0] if free else number % len(WHEEL))
    return np.array(colours)[numbered]


def error_colours(prediction, target):
    """What is right and wrong, pixel by pixel: right grey, missed red, invented blue, background black.

    Examples
    --------
    >>> error_colours([[1, 0]], [[0, 1]]).shape
    (1, 2, 3)
    """
    prediction, target = _numpy(prediction) > 0, _numpy(target) > 0
    table = np.array([matplotlib.colors.to_rgb(c) for c in ("black", MISSED, INVENTED, RIGHT)])
    return table[prediction * 2 + target * 1]


def numbers(grids, titles, *, marks=None, height=3.2, width=10.0, decimals=0, limits=None, every=None):
    """Small matrices with their numbers written in the cells.

    Parameters
    ----------
    grids : sequence of array_like, shape (H, W)
    titles : sequence of str
    marks : sequence of sequence of (row, column), optional
        Cells of each grid to frame in magenta. A mark of four numbers, (row, column, rows, columns), is
        one frame around a block of cells.
    height, width : float
        Of the figure, in inches.
    decimals : int or None, default 0
        None: one digit for what is not whole, none for the rest.
    limits : (float, float), or one such pair for each grid, optional
        Values drawn white and darkest blue. If not given, 0 is white, the number farthest from it
        darkest, and what is below 0 orange.
    every : int, optional
        Of the first grid, every so many cells a line is thicker: the squares of a pool.
    """
    grids = [np.asarray(_numpy(grid), dtype=float) for grid in grids]
    largest = max(np.abs(g).max() for g in grids)
    limits = limits or (-largest if min(g.min() for g in grids) < 0 else 0, largest)
    scales = [limits] * len(grids) if np.ndim(limits) == 1 else limits
    rows = max(g.shape[0] for g in grids)
    ratios = [max(g.shape[1], 2) for g in grids]
    figure, axes = new_figure(1, len(grids), width=width, height=height, gridspec_kw={"width_ratios": ratios})
    shades = [PAPER, TINT] if min(low for low, _ in scales) >= 0 else [BELOW, PAPER, TINT]
    blues = matplotlib.colors.LinearSegmentedColormap.from_list("blues", shades)
    for index, (axis, grid, title, (low, high)) in enumerate(zip(axes.flat, grids, titles, scales)):
        axis.imshow(grid, cmap=blues, vmin=low, vmax=max(high, low + 1e-9))
        axis.set_title(title)
        axis.set(xticks=[], yticks=[])
        axis.tick_params(length=0)  # for who names rows and columns
        bottom, right = np.array(grid.shape) - 0.5
        axis.vlines(np.arange(-0.5, right + 1), -0.5, bottom, color=QUIET, linewidth=1)
        axis.hlines(np.arange(-0.5, bottom + 1), -0.5, right, color=QUIET, linewidth=1)
        if every and index == 0:
            axis.vlines(np.arange(-0.5, right + 1, every), -0.5, bottom, color=INK, linewidth=2.5)
            axis.hlines(np.arange(-0.5, bottom + 1, every), -0.5, right, color=INK, linewidth=2.5)
        spare = (rows - grid.shape[0]) / 2  # so that all cells are of one size
        axis.set_ylim(grid.shape[0] - 0.5 + spare, -0.5 - spare)
        axis.spines[:].set_visible(False)
        size = 12 if max(grid.shape) <= (16 if len(grids) == 1 else 9) else 8
        for (row, column), value in np.ndenumerate(grid):
            number = f"{round(value, 1):g}" if decimals is None else f"{value:.{decimals}f}"
            axis.text(column, row, number, ha="center", va="center", color=INK, fontsize=size)
        for row, column, *block in (marks[index] if marks else ()):
            tall, wide = block or (1, 1)
            axis.add_patch(matplotlib.patches.Rectangle((column - 0.5, row - 0.5), wide, tall, fill=False,
                                                        edgecolor=ERROR_LINE, linewidth=3, zorder=3))
    return figure


def histogram(image, thresholds=(), *, title, foreground=None, limits=(0, 1)):
    """How often each grey value occurs, on a logarithmic scale, with thresholds as vertical lines.

    Parameters
    ----------
    image : array_like
    thresholds : sequence of (float, str)
        Value and name of each line.
    title : str
    foreground : array_like of bool, optional
        If given, the pixels inside and outside of it are counted apart.
    limits : (float, float)
        Smallest and largest grey value on the axis.
    """
    figure, axes = new_figure(width=10, height=3.8)
    axis, values = axes[0, 0], _numpy(image).ravel()
    parts = [(values, INK, "all pixels")]
    if foreground is not None:
        inside = _numpy(foreground).ravel() > 0
        parts = [(values[~inside], INK, "background"), (values[inside], NUCLEUS_LINE, "nuclei")]
    for part, colour, name in parts:
        axis.hist(part, bins=100, range=limits, histtype="step", color=colour, label=name, linewidth=2.2)
    for (value, name), style, colour in zip(thresholds, ("--", ":", "-.", "-"), (ERROR_LINE, LINES[4], BOUNDARY_LINE, MARK)):
        axis.axvline(value, color=colour, linestyle=style, label=name)
    axis.set(yscale="log", xlabel="grey value", ylabel="pixels, logarithmic", title=title)
    axis.legend(frameon=False)
    return figure


def squares(image, sides, *, title, centre=None):
    """Squares of growing side around one pixel of a real image: how far a receptive field reaches.

    Parameters
    ----------
    image : array_like, shape (H, W)
    sides : sequence of (int, str)
        Side in pixels and a name for each square.
    title : str
    centre : (int, int), optional
        Row and column; the middle of the image if not given.
    """
    image = _numpy(image)
    row, column = centre or (image.shape[0] // 2, image.shape[1] // 2)
    figure, axes = new_figure(width=10, height=5)
    axis = axes[0, 0]
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for index, (side, name) in enumerate(sides):
        dark = matplotlib.patheffects.withStroke(linewidth=5.5, foreground="black")  # else it is lost on a bright nucleus
        axis.add_patch(matplotlib.patches.Rectangle((column - side / 2, row - side / 2), side, side, fill=False,
                                                    edgecolor=SIDES[index % len(SIDES)], linewidth=2.5, label=name,
                                                    path_effects=[dark]))
    axis.plot(column, row, "+", color=ERROR, markersize=12)
    axis.set_title(title)
    axis.axis("off")
    axis.set(xlim=(-0.5, image.shape[1] - 0.5), ylim=(image.shape[0] - 0.5, -0.5))
    axis.legend(loc="upper left", bbox_to_anchor=(1.02, 1), facecolor="black", labelcolor=PAPER, framealpha=1)
    return figure


def curves(history, *, title):
    """Training loss (grey, with its running mean) and validation Dice (blue) of a `History`."""
    figure, axes = new_figure(1, 2, width=10, height=3.6)
    left, right = axes[0]
    loss = np.asarray(history.loss)
    window = max(len(loss) // 20, 1)
    smooth = np.convolve(loss, np.ones(window) / window, mode="valid")
    left.plot(np.arange(1, len(loss) + 1), loss, color=MARK, linewidth=1, label="each step")
    left.plot(np.arange(window, len(loss) + 1), smooth, color=INK, label=f"mean of {window}")
    left.set(xlabel="step", ylabel="training loss", title=title)
    left.legend(frameon=False)
    right.plot(history.val_steps, history.val_dice, "o-", color=NUCLEUS_LINE)
    right.set(xlabel="step", ylabel="validation Dice", ylim=(0, 1), title="Dice on nuclei not trained on")
    return figure


def dots(rows, *, title, label, limits=(0, 1)):
    """Scores as dots on horizontal lines.

    Parameters
    ----------
    rows : sequence of (str, dict of str to float)
        For each line its name and its dots: {what: value}.
    title, label : str
        Of the figure, and of the horizontal axis.
    limits : (float, float)
    """
    figure, axes = new_figure(width=10, height=1.4 + 0.5 * len(rows))
    axis = axes[0, 0]
    colours = [QUIET, BOUNDARY, NUCLEUS, ERROR]
    for line, (_, scores) in enumerate(rows):
        axis.axhline(line, color="#EEEEEE", linewidth=1, zorder=0)
        for index, (what, value) in enumerate(scores.items()):
            axis.plot(value, line, "osD^"[index % 4], color=colours[index % 4], markersize=11, markeredgecolor=INK,
                      label=what if line == 0 else None)
    axis.set_yticks(range(len(rows)), labels=[name for name, _ in rows])
    axis.set(xlim=limits, ylim=(len(rows) - 0.5, -0.5), xlabel=label, title=title)
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def _numpy(values):
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
