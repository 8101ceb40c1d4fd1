"""The family, drawn from live networks: U-Net in pale, and what a network adds to it in colour."""

import torch
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from unet_course.figures.drawing import CONV, HEAD, PALE, UP, _draw
from unet_course.figures.palette import BOUNDARY, BOUNDARY_LINE, INK, PAPER, QUIET
from unet_course.figures.panels import new_figure
from unet_course.tracing import trace_shapes

FILLED, ADDED = BOUNDARY, BOUNDARY_LINE  # orange, what U-Net has not: the bright shade under letters, the deep one for lines


def draw_change(model, size, *, title):
    """Draw a network of the family as a U, with what it changes lit and the shape (C, H, W) of every tensor.

    Parameters
    ----------
    model : ResUNet, AttentionUNet, DenseUNet or UNetPlusPlus
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
        legend += [("shortcut: the input is added", ADDED)]
    if any(hasattr(block, "gather") for block in blocks.values()):
        legend += [("what a layer gives is handed to all later ones", ADDED)]
    if any(hasattr(decoder, "gate") for decoder in model.decoders):
        legend += [("gate: from what comes up, how much of the skip is let through", ADDED)]
    places = _draw(axis, levels, labels, set(), legend)
    for name, block in blocks.items():
        if hasattr(block, "shortcut"):
            _shortcut(axis, *places[name])
        elif hasattr(block, "gather"):
            _hand_on(axis, *places[name], len(block.steps))
    for index, decoder in enumerate(model.decoders):
        if hasattr(decoder, "gate"):
            _gate(axis, places[f"skip {levels - 1 - index}"][1])
    axis.set_title(title)
    axis.set_ylim(axis.get_ylim()[0], 1.1)
    return figure


def _arc(axis, start, end, colour, rise, width=2.4):
    axis.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={-rise}", arrowstyle="-|>", mutation_scale=15,
                                   shrinkA=0, shrinkB=0, linewidth=width, color=colour, zorder=3))


def _sign(axis, place, text):
    axis.add_patch(Circle(place, 0.2, facecolor=PAPER, edgecolor=ADDED, linewidth=2, zorder=4))
    axis.text(*place, text, ha="center", va="center", fontsize=13, color=INK, zorder=5)


def _shortcut(axis, start, end):
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=16, shrinkA=0, shrinkB=0, linewidth=2.4,
                                   color=CONV, zorder=1))
    plus = end[0] - 0.5, end[1]
    _arc(axis, (start[0] + 0.05, start[1] + 0.05), (plus[0], plus[1] + 0.2), ADDED, 0.55)
    _sign(axis, plus, "+")


def _hand_on(axis, start, end, layers):
    """The layers as thin boxes on the arrow, and an arc from each, and from the input, over those between to a later one."""
    gap = (end[0] - start[0]) / (layers + 1)
    spots = [start[0]] + [start[0] + gap * (n + 1) for n in range(layers)]
    for x in spots[1:]:
        axis.add_patch(Rectangle((x - 0.06, start[1] - 0.22), 0.12, 0.44, facecolor=CONV, edgecolor=INK, linewidth=0.8,
                                 zorder=2))
    for first in range(layers + 1):
        for last in range(first + 2, layers + 1):
            _arc(axis, (spots[first], start[1] + 0.22), (spots[last], start[1] + 0.24), ADDED, 0.45, width=1.3)


def _gate(axis, end):
    place = end[0] - 0.4, end[1]
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
                else:  # over the nodes between, each link a little higher than the shorter ones
                    link((i, before), (i, j), colour, (0.5, 1), 0.1 + 0.16 / steps)
        if i == 0 and j and (len(model.heads) > 1 or j == levels):
            axis.plot([x, x], [y + tall, 1.2], color=HEAD if j < levels else QUIET, linewidth=2, linestyle=":", zorder=1)
            axis.text(x, 1.23, "head", ha="center", va="bottom", fontsize=11, color=INK)
    names = [("as in U-Net", PALE), ("node or link that U-Net lacks", ADDED), ("upsampling to a new node", UP)]
    names += [("head that U-Net lacks", HEAD)] if len(model.heads) > 1 else []
    for index, (name, colour) in enumerate(names):
        left, low = -0.4 + (levels + 0.6) * (index % 2), -1.25 * levels - 0.6 - 0.32 * (index // 2)
        axis.plot([left, left + 0.3], [low, low], color=colour, linewidth=4)
        axis.text(left + 0.4, low, name, va="center", fontsize=11, color=INK)
    axis.set(xlim=(-0.6, 2.0 * levels + 0.7), ylim=(-1.25 * levels - 1.15, 1.55))
    axis.axis("off")
    axis.set_title(title)
    return figure
