"""How a receptive field grows. (03)"""

import math

from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from unet_course.figures.panels import CONV, INK, PALE, PAPER, POOL, new_figure
from unet_course.tracing import receptive_field


def field_steps(layers):
    """How a receptive field grows: a row for each layer, with what the values that it takes see.

    Parameters
    ----------
    layers : sequence of (int, int)
        Kernel and stride of each, in order, as in `receptive_field`.

    Returns
    -------
    matplotlib Figure
        In each row the windows of the values that one value is made of, a step apart. Together they
        are what it sees: the darker window of the next row.

    Examples
    --------
    >>> field_steps([(3, 1), (2, 2)]).axes[0].get_xlabel()
    'pixels of the image'
    """
    figure, axes = new_figure(width=10, height=0.9 + 0.72 * len(layers))
    axis, whole, left = axes[0, 0], receptive_field(layers), 0
    for row, (size, stride) in reversed([*enumerate(layers)]):
        sees, step = receptive_field(layers[:row]), math.prod(stride for _, stride in layers[:row])
        for number in range(size):
            place = left + number * step, row - 0.36 + 0.72 * number / size
            colour = to_rgba(POOL if stride > 1 else CONV, 1 if number == size // 2 else 0.55)
            axis.add_patch(Rectangle(place, sees, 0.72 / size, facecolor=colour, edgecolor=PAPER))
        left += size // 2 * step
        text = f"{size} windows of {sees}, step {step}:  {sees + (size - 1) * step} pixels"
        axis.text(whole + 0.8, row, text, va="center", fontsize=12, color=INK)
    names = [f"{size}×{size} {'pool' if stride > 1 else 'convolution'}" for size, stride in layers]
    axis.set_yticks(range(len(layers)), labels=names)
    axis.set_xticks(range(whole + 1), labels=[n if n % 2 == 0 else "" for n in range(whole + 1)])
    axis.set(xlim=(0, 1.75 * whole), ylim=(len(layers) - 0.5, -0.5), xlabel="pixels of the image",
             title="What one value sees: the windows of the values that it is made of")
    axis.xaxis.set_label_coords(0.5 / 1.75, -0.14)
    axis.vlines(range(whole + 1), -0.5, len(layers) - 0.5, color=PALE, linewidth=1, zorder=0)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.spines["bottom"].set_bounds(0, whole)
    return figure
