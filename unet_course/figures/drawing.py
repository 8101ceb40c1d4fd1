"""The U, drawn from a live network or as a small map. (00 05 12)

Its colours, those of Figure 1 of Ronneberger et al. (2015), stand in `panels.py`.
"""

import torch
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from unet_course.figures.panels import (
    BOUNDARY,
    BOUNDARY_LINE,
    CONV,
    COPIED,
    COPY,
    HEAD,
    INK,
    MAP,
    PALE,
    PAPER,
    POOL,
    QUIET,
    UP,
    new_figure,
)
from unet_course.tracing import trace_shapes

PARTS = ("image", "block", "encoder", "skip", "decoder", "bottom", "head")
NAMES = [("3×3 convolution, norm, ReLU, twice", CONV), ("2×2 max-pool", POOL), ("upsampling", UP),
         ("copy: the skip", COPY), ("1×1 convolution", HEAD)]
GAP = 1.75  # between two levels, in the drawing's own units


def draw_unet(model, size, *, title=None):
    """Draw a network as a U, every tensor with its shape (C, H, W), measured on an image of this size.

    A box is as wide as its channels say; where two are joined, their sum stands above them.

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
    plain = not any("Norm" in type(layer).__name__ for layer in model.modules())
    legend = [(name.replace(" norm,", ""), colour) for name, colour in NAMES] if plain else None
    _draw(axes[0, 0], levels, {name: "×".join(map(str, shape)) for name, shape in shapes.items()}, set(PARTS), legend)
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


def _draw(axis, levels, labels, lit, legend=None, lift=0.05):
    """`labels` maps the names of `trace_shapes` to texts; None draws the map without them. Returns the places of its parts.

    `legend` replaces the names of the colours: a list of (name, colour). `lift`: how far above two joined boxes their sum is.
    """
    tall, step = 1.0, 2.1 if labels else 1.5
    channels = {name: int(text.split("×")[0]) for name, text in (labels or _doubling(levels)).items()}
    wide = {name: max(step / 2 * number / max(channels.values()), 0.1) for name, number in channels.items()}
    small = 11 if levels < 4 or max(map(len, (labels or {"": ""}).values())) < 9 else 8.5  # as wide as a step, not wider
    right = 2 * levels * step + 2.2
    places = {}  # (start, end) of each block's and each skip's arrow

    def on(part, colour):
        return colour if part in lit else PALE

    def box(x, y, name, face, part, scale):
        height = max(tall * 0.72**scale, 0.3)
        axis.add_patch(Rectangle((x - wide[name] / 2, y - height / 2), wide[name], height, facecolor=on(part, face),
                                 edgecolor=INK if part in lit else QUIET, linewidth=1.2, zorder=2))
        if labels and face != COPIED:
            axis.text(x, y - height / 2 - 0.06, labels[name], ha="center", va="top", fontsize=small, color=INK)

    def arrow(start, end, part, colour, name=None):
        places[name] = start, end
        axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=16, shrinkA=0, shrinkB=0,
                                       linewidth=2.4, color=on(part, colour), zorder=1))

    def across(x, y, one, end, other, *rest):  # from the right side of a box to the left side of another
        arrow((x + wide[one] / 2, y), (end - wide[other] / 2, y), *rest)

    block = "encoder" if "encoder" in lit else "block"
    for level in range(levels):
        y, x = -GAP * level, level * step
        down = -GAP * (level + 1) + 0.55 * 0.72 ** (level + 1) + 0.08
        first, skip, joined, last = ("input" if level == 0 else f"pooled {level - 1}", f"skip {level}", f"up {level}",
                                     f"decoder {level}")
        box(x, y, first, MAP, "image" if level == 0 else "encoder", level)
        across(x, y, first, x + step, skip, block, CONV, f"block {level}")
        box(x + step, y, skip, MAP, block, level)
        arrow((x + step, y - 0.5 * 0.72**level - (0.42 if labels else 0.06)), (x + step, down), "encoder", POOL)
        out = right - level * step
        middle = out - step  # of what comes from below; the copy lies at its left side
        copy = middle - wide[joined] / 2 - wide[skip] / 2
        across(x + step, y, skip, copy, skip, "skip", COPY, f"skip {level}")
        box(copy, y, skip, COPIED, "skip", level)
        box(middle, y, joined, MAP, "decoder", level)
        if labels:
            axis.text(copy + wide[skip] / 2, y + 0.5 * 0.72**level + lift, f"{channels[skip]} + {channels[joined]} = "
                      f"{channels[skip] + channels[joined]}", ha="center", va="bottom", fontsize=small, color=INK)
        across(middle, y, joined, out, last, "decoder", CONV, last)
        box(out, y, last, MAP, "decoder", level)
        start = -GAP * (level + 1) + 0.5 * 0.72 ** (level + 1) + 0.06
        arrow((middle, start), (middle, y - 0.5 * 0.72**level - (0.42 if labels else 0.06)), "decoder", UP, f"rise {level}")
    y, x = -GAP * levels, levels * step
    first, below = f"pooled {levels - 1}" if levels else "input", right - levels * step
    box(x, y, first, MAP, "encoder" if levels else "image", levels)
    across(x, y, first, below, "bottom", "bottom", CONV, "bottom")
    box(below, y, "bottom", MAP, "bottom", levels)
    last, answer = "decoder 0" if levels else "bottom", right + 1.7 + wide["logits"] / 2
    across(right, 0, last, answer, "logits", "head", HEAD)
    box(answer, 0, "logits", MAP, "head", 0)
    axis.set(xlim=(-0.9, right + 2.9), ylim=(-GAP * levels - (1.5 if labels else 1.1), 0.8))
    axis.axis("off")
    for index, (name, colour) in enumerate(legend or NAMES):
        column, row = index % 3, index // 3
        left = -0.6 + column * (right + 3) / 3
        low = -GAP * levels - (1.0 if labels else 0.72) - 0.32 * row
        axis.plot([left, left + 0.35], [low, low], color=colour, linewidth=4)
        axis.text(left + 0.45, low, name, va="center", fontsize=11, color=INK)
    if "skip" in lit and levels:  # the last of the six places of the key
        left = -0.6 + 2 * (right + 3) / 3
        axis.text(left + 0.18, low, " ", ha="center", va="center", fontsize=11,
                  bbox={"boxstyle": "square,pad=0", "facecolor": COPIED, "edgecolor": INK})
        axis.text(left + 0.45, low, "the copy, joined", va="center", fontsize=11, color=INK)
    return places


def _doubling(levels):
    """Channels that double on each level, by the names of `trace_shapes`: for a map, which draws no network."""
    names = {f"{name} {level}": level for level in range(levels) for name in ("skip", "pooled", "up", "decoder")}
    return {name: str(2**level) for name, level in {**names, "input": 0, "bottom": levels, "logits": 0}.items()}


FILLED, ADDED = BOUNDARY, BOUNDARY_LINE  # orange, what U-Net has not: the bright shade under letters, the deep one for lines


def draw_change(model, size, *, title):
    """Draw a network of the family as a U, with what it changes lit and the shape (C, H, W) of every tensor.

    Parameters
    ----------
    model : ResUNet, AttentionUNet, DenseUNet, DCSAUNet or UNetPlusPlus
        Run once on a black image, and left as it is. What is lit is looked up in its parts.
    size : (int, int)
        Height and width of the image.
    title : str

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from unet_course.family import ResUNet
    >>> draw_change(ResUNet(channels=(4, 8)), (32, 32), title="t").axes[0].get_title()
    't'
    """
    levels = len(model.encoders)
    if hasattr(model, "nodes"):
        return _draw_grid(model, size, title)
    labels = {name: "×".join(map(str, shape)) for name, shape in trace_shapes(model, size)}
    figure, axes = new_figure(width=11, height=2.4 + 0.85 * (levels + 1))
    axis, legend = axes[0, 0], [("as in U-Net", QUIET)]
    blocks = {f"block {i}": e.block for i, e in enumerate(model.encoders)} | {"bottom": model.bottleneck}
    blocks |= {f"decoder {levels - 1 - i}": d.block for i, d in enumerate(model.decoders)}
    if any(hasattr(block, "shortcut") for block in blocks.values()):  # by their parts: a learner's own class is drawn, too
        legend += [("shortcut: the input, or a 1×1 of it, is added", ADDED)]
    if any(hasattr(block, "gather") for block in blocks.values()):
        legend += [("what a layer gives is handed to all later ones", ADDED)]
    if any(hasattr(decoder, "gate") for decoder in model.decoders):
        legend += [("gate: from the skip and from below, how much of the skip gets through", ADDED)]
    if any(_compact(block) for block in blocks.values()):
        legend += [("shortcut around a split-attention block", ADDED)]
    if any(hasattr(block, "shortcut") or hasattr(block, "gather") or _compact(block) for block in blocks.values()):
        compact = any(_compact(block) for block in blocks.values())
        legend.insert(1, ("own layers: 7×7, or split attention" if compact else "the block's own layers", CONV))
    if any(hasattr(block, "gather") for block in blocks.values()):
        legend += [("1×1 convolution, which gathers", HEAD)]
    if any(type(decoder.up) is torch.nn.Upsample for decoder in model.decoders):
        legend += [("upsampling without weights", UP)]
    gates = any(hasattr(decoder, "gate") for decoder in model.decoders)
    places = _draw(axis, levels, labels, set(), legend, lift=0.38 if gates else 0.05)  # above the gates' arcs
    for name, block in blocks.items():
        if hasattr(block, "shortcut"):
            _shortcut(axis, *places[name])
            if any(isinstance(layer, torch.nn.Conv2d) for layer in block.shortcut.modules()):
                (left, y), (right, _) = places[name]
                above = 0.14 + 0.28 * (right - left - 0.5) + (0.22 if levels > 3 else 0)  # the sums are long there
                axis.text((left + right) / 2 - 0.25, y + above, "1×1", ha="center", va="bottom", fontsize=11, color=INK)
        elif hasattr(block, "gather"):
            _hand_on(axis, *places[name], len(block.steps))
        elif _compact(block):
            (left, y), (right, _) = places[name]
            edges = [left + (right - left) * n / len(block) for n in range(len(block) + 1)]
            for start, end in zip(edges, edges[1:]):
                _shortcut(axis, (start, y), (end, y), back=0.3)
        elif hasattr(block, "depthwise"):
            (left, y), (right, _) = places[name]
            _arc(axis, *places[name], CONV, 0)
            axis.text((left + right) / 2, y + 0.12, "7×7", ha="center", fontsize=11, color=INK)
    for index, decoder in enumerate(model.decoders):
        if hasattr(decoder, "gate"):
            _gate(axis, *places[f"skip {levels - 1 - index}"])
        if type(decoder.up) is torch.nn.Upsample:
            _arc(axis, *places[f"rise {levels - 1 - index}"], UP, 0)
    axis.set_title(title)
    axis.set_ylim(axis.get_ylim()[0], 1.1)
    return figure


def _arc(axis, start, end, colour, rise, width=2.4):
    axis.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={-rise}", arrowstyle="-|>", mutation_scale=15,
                                   shrinkA=0, shrinkB=0, linewidth=width, color=colour, zorder=3))


def _sign(axis, place, text):
    axis.add_patch(Circle(place, 0.2, facecolor=PAPER, edgecolor=ADDED, linewidth=2, zorder=4))
    axis.text(*place, text, ha="center", va="center", fontsize=13, color=INK, zorder=5)


def _compact(block):
    """Whether it is a row of blocks, each with a shortcut of its own."""
    return isinstance(block, torch.nn.Sequential) and all(hasattr(part, "shortcut") for part in block)


def _shortcut(axis, start, end, back=0.5):
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=16, shrinkA=0, shrinkB=0, linewidth=2.4,
                                   color=CONV, zorder=1))
    plus = end[0] - back, end[1]
    _arc(axis, (start[0] + 0.05, start[1] + 0.05), (plus[0], plus[1] + 0.2), ADDED, 0.55)
    _sign(axis, plus, "+")


def _hand_on(axis, start, end, layers):
    """The layers as thin boxes on the arrow, the 1×1 behind them, and arcs from the input and from each to all later ones."""
    gap = (end[0] - start[0]) / (layers + 2)
    spots = [start[0] + gap * n for n in range(layers + 2)]
    for x in spots[1:]:
        axis.add_patch(Rectangle((x - 0.06, start[1] - 0.22), 0.12, 0.44, facecolor=HEAD if x == spots[-1] else CONV,
                                 edgecolor=INK, linewidth=0.8, zorder=2))
    for first in range(layers):
        for last in range(first + 2, layers + 2):
            _arc(axis, (spots[first], start[1] + 0.22), (spots[last], start[1] + 0.24), ADDED, 0.45, width=1.3)


def _gate(axis, start, end):
    """The sign on the skip, with an arc from each of the two that it reads: from the skip, and from what comes up."""
    place = end[0] - 0.4, end[1]
    left = max(place[0] - 0.9, start[0]), end[1]  # on the skip's own arrow
    axis.plot(*left, "o", color=ADDED, markersize=6, zorder=3)
    _arc(axis, left, (place[0], place[1] + 0.2), ADDED, 0.6)
    _arc(axis, (end[0] + 0.6, end[1] + 0.36), (place[0], place[1] + 0.2), ADDED, -0.6)
    _sign(axis, place, "×")


def _node_shapes(model, size):
    """(C, H, W) of every node, {(i, j): shape}."""
    shapes, hooks = {}, []

    def note(key):
        def hook(_, __, output):
            shapes[key] = tuple(output.shape[1:])
        return hook

    levels = len(model.encoders)
    parts = {(i, 0): encoder.block for i, encoder in enumerate(model.encoders)} | {(levels, 0): model.bottleneck}
    parts |= {tuple(map(int, key.split())): node for key, node in model.nodes.items()}
    hooks = [part.register_forward_hook(note(key)) for key, part in parts.items()]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, model.in_channels, *size, device=next(model.parameters()).device))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return {(i, j): (shape[0], *shapes[i, 0][1:]) for (i, j), shape in shapes.items()}  # cropped to its level's size


def _draw_grid(model, size, title):
    """U-Net++: level i downwards, node j to the right; U-Net's own nodes and arrows pale."""
    levels, shapes = len(model.encoders), _node_shapes(model, size)
    figure, axes = new_figure(width=11, height=2.2 + 1.05 * (levels + 1))
    axis = axes[0, 0]
    wide, tall = 0.46, 0.25  # half of a node

    def at(i, j):
        return 1.0 * i + 2.0 * j, -1.25 * i

    def link(one, two, colour, side=(0, 0), rise=0.0):
        (x0, y0), (x1, y1) = at(*one), at(*two)
        start = x0 + side[0] * wide, y0 + side[1] * tall
        _arc(axis, start, (x1 - side[0] * wide, y1 + (side[1] if rise else -side[1]) * tall), colour, rise, width=1.8)

    for (i, j), shape in shapes.items():
        mine, x, y = 0 < j < levels - i, *at(i, j)
        axis.add_patch(Rectangle((x - wide, y - tall), 2 * wide, 2 * tall, facecolor=FILLED if mine else PALE,
                                 edgecolor=INK if mine else QUIET, linewidth=1.2, zorder=3))
        axis.text(x, y, f"{i}, {j}\n{'×'.join(map(str, shape))}", ha="center", va="center", fontsize=11, color=INK, zorder=4)
        if j == 0 and i:
            link((i - 1, 0), (i, 0), QUIET, (0.7, -1))
        if j:
            link((i + 1, j - 1), (i, j), UP if mine else QUIET, (0.7, 1))
            for before in range(j):
                colour, steps = QUIET if before == 0 and j == levels - i else ADDED, j - before
                if steps == 1:
                    link((i, before), (i, j), colour, (1, 0))
                else:  # over the nodes between, each link around the shorter ones
                    link((i, before), (i, j), colour, (1.6 - 0.5 * steps, 1), 0.1 + 0.16 / steps)
        if i == 0 and j and (len(model.heads) > 1 or j == levels):
            axis.plot([x, x], [y + tall, 1.2], color=HEAD if j < levels else QUIET, linewidth=2, linestyle=":", zorder=1)
            axis.text(x, 1.23, "head", ha="center", va="bottom", fontsize=11, color=INK)
    names = [("as in U-Net", QUIET), ("node or link that U-Net lacks", ADDED), ("upsampling to a new node", UP)]
    names += [("head that U-Net lacks", HEAD)] if len(model.heads) > 1 else []
    for index, (name, colour) in enumerate(names):
        left, low = -0.4 + (levels + 0.6) * (index % 2), -1.25 * levels - 0.6 - 0.32 * (index // 2)
        axis.plot([left, left + 0.3], [low, low], color=colour, linewidth=4)
        axis.text(left + 0.4, low, name, va="center", fontsize=11, color=INK)
    axis.set(xlim=(-0.6, 2.0 * levels + 0.7), ylim=(-1.25 * levels - 1.15, 1.55))
    axis.axis("off")
    axis.set_title(title)
    return figure
