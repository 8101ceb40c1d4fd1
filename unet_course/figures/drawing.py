"""The U, drawn: from a live network with its shapes, or as the small map at the head of each notebook.

Its colours, those of Figure 1 of Ronneberger et al. (2015), stand in `palette.py`.
"""

from matplotlib.patches import FancyArrowPatch, Rectangle

from unet_course.figures.palette import CONV, COPIED, COPY, HEAD, INK, MAP, PALE, POOL, QUIET, UP
from unet_course.figures.panels import new_figure
from unet_course.tracing import trace_shapes

PARTS = ("image", "block", "encoder", "skip", "decoder", "bottom", "head")
GAP = 1.75  # between two levels, in the drawing's own units


def draw_unet(model, size, *, title=None):
    """Draw a network as a U, every tensor with its shape (C, H, W), measured on an image of this size.

    Parameters
    ----------
    model : UNet
        Run once on a black image, see `trace_shapes`; left as it is.
    size : (int, int)
        Height and width of the image.
    title : str, optional

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from unet_course import UNet
    >>> draw_unet(UNet(channels=(8, 16, 32)), (64, 64)).axes[0].get_title()
    'U-Net on an image of 64×64: each box is a tensor, C×H×W'
    """
    shapes = dict(trace_shapes(model, size))
    levels = len(model.encoders)
    figure, axes = new_figure(width=11, height=2.4 + 0.85 * (levels + 1))
    _draw(axes[0, 0], levels, {name: "×".join(map(str, shape)) for name, shape in shapes.items()}, set(PARTS))
    axes[0, 0].set_title(title or f"U-Net on an image of {size[0]}×{size[1]}: each box is a tensor, C×H×W")
    return figure


def course_map(*lit, levels=3):
    """The U as a small map, with the parts named in `lit` in colour and the others pale.

    Parameters
    ----------
    *lit : {"image", "block", "encoder", "skip", "decoder", "bottom", "head"}
    levels : int, default 3

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If a part is none of these.

    Examples
    --------
    >>> course_map("encoder").get_size_inches().tolist()
    [10.0, 3.6]
    """
    unknown = set(lit) - set(PARTS)
    if unknown:
        raise ValueError(f"lit has {sorted(unknown)}; wanted some of {', '.join(PARTS)}")
    figure, axes = new_figure(width=10, height=3.6)
    _draw(axes[0, 0], levels, None, set(lit))
    return figure


def _draw(axis, levels, labels, lit, legend=None):
    """`labels` maps the names of `trace_shapes` to texts; None draws the map without them. Returns the places of its parts.

    `legend` replaces the names of the colours: a list of (name, colour).
    """
    wide, tall = (0.42, 1.0) if labels else (0.5, 1.0)
    step = 2.1 if labels else 1.5
    small = 11 if levels < 4 or max(map(len, (labels or {"": ""}).values())) < 9 else 8.5  # as wide as a step, not wider
    right = 2 * levels * step + 2.2
    places = {}  # (start, end) of each block's and each skip's arrow

    def on(part, colour):
        return colour if part in lit else PALE

    def box(x, y, name, face, part, scale):
        height = max(tall * 0.72**scale, 0.3)
        axis.add_patch(Rectangle((x - wide / 2, y - height / 2), wide, height, facecolor=on(part, face),
                                 edgecolor=INK if part in lit else QUIET, linewidth=1.2, zorder=2))
        if labels and name in labels:
            axis.text(x, y - height / 2 - 0.06, labels[name], ha="center", va="top", fontsize=small, color=INK)

    def arrow(start, end, part, colour, name=None):
        places[name] = start, end
        axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=16, shrinkA=0, shrinkB=0,
                                       linewidth=2.4, color=on(part, colour), zorder=1))

    block = "encoder" if "encoder" in lit else "block"
    for level in range(levels):
        y, x = -GAP * level, level * step
        down = -GAP * (level + 1) + 0.55 * 0.72 ** (level + 1) + 0.08
        box(x, y, "input" if level == 0 else f"pooled {level - 1}", MAP, "image" if level == 0 else "encoder", level)
        arrow((x + wide / 2, y), (x + step - wide / 2, y), block, CONV, f"block {level}")
        box(x + step, y, f"skip {level}", MAP, block, level)
        arrow((x + step, y - 0.5 * 0.72**level - (0.42 if labels else 0.06)), (x + step, down), "encoder", POOL)
        out = right - level * step
        copy = out - step - wide if labels else out - step - wide / 2
        arrow((x + step + wide / 2, y), (copy - wide / 2, y), "skip", COPY, f"skip {level}")
        box(copy, y, None, COPIED, "skip", level)
        box(copy + wide, y, f"up {level}", MAP, "decoder", level)
        arrow((copy + 1.5 * wide, y), (out - wide / 2, y), "decoder", CONV, f"decoder {level}")
        box(out, y, f"decoder {level}", MAP, "decoder", level)
        start = -GAP * (level + 1) + 0.5 * 0.72 ** (level + 1) + 0.06
        arrow((copy + wide, start), (copy + wide, y - 0.5 * 0.72**level - (0.42 if labels else 0.06)), "decoder", UP)
    y, x = -GAP * levels, levels * step
    box(x, y, f"pooled {levels - 1}" if levels else "input", MAP, "encoder" if levels else "image", levels)
    below = right - levels * step
    end = below - wide / 2 if levels else right - wide / 2
    arrow((x + wide / 2, y), (end, y), "bottom", CONV, "bottom")
    box(below, y, "bottom", MAP, "bottom", levels)
    arrow((right + wide / 2, 0), (right + 1.7, 0), "head", HEAD)
    box(right + 1.7 + wide / 2, 0, "logits", MAP, "head", 0)
    axis.set(xlim=(-0.9, right + 2.9), ylim=(-GAP * levels - (1.5 if labels else 1.1), 0.8))
    axis.axis("off")
    names = [("3×3 convolution, norm, ReLU, twice", CONV), ("2×2 max-pool", POOL), ("upsampling", UP),
             ("copy: the skip", COPY), ("1×1 convolution", HEAD)]
    for index, (name, colour) in enumerate(legend or names):
        column, row = index % 3, index // 3
        left = -0.6 + column * (right + 3) / 3
        low = -GAP * levels - (1.0 if labels else 0.72) - 0.32 * row
        axis.plot([left, left + 0.35], [low, low], color=colour, linewidth=4)
        axis.text(left + 0.45, low, name, va="center", fontsize=11, color=INK)
    return places
