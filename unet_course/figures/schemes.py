"""How split attention works, as boxes and arrows. (12)"""

from unet_course.figures.panels import BOUNDARY_LINE, CONV, INK, PAPER, new_figure

# Where each step stands (across, up), its text, and the colour of its edge
STEPS = {"x": (0, 1, "input", INK), "half 1": (1.15, 2, "3×3 on\nhalf 1", CONV), "half 2": (1.15, 0, "3×3 on\nhalf 2", CONV),
         "plus": (2.3, 0, "+", INK), "again": (3.3, 0, "3×3 again,\nby halves", CONV), "sum": (4.2, 1, "+", INK),
         "mean": (5.15, 1, "mean over\nthe pixels", BOUNDARY_LINE), "score": (6.5, 1, "two layers:\n2C scores", BOUNDARY_LINE),
         "softmax": (7.9, 1, "softmax over\na and b", BOUNDARY_LINE), "times a": (7.9, 2, "×", INK),
         "times b": (7.9, 0, "×", INK), "out": (9.1, 1, "+", INK)}
ARROWS = ["x>half 1", "x>half 2", "half 2>plus", "half 1>plus", "plus>again", "half 1>sum", "again>sum", "sum>mean",
          "mean>score", "score>softmax", "softmax>times a", "softmax>times b", "half 1>times a", "again>times b",
          "times a>out", "times b>out"]


def split_scheme():
    """Draw the two paths of a block with split attention, and how each channel weighs one against the other.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> split_scheme().axes[0].get_title()
    'Split attention: two paths, and two weights for each channel'
    """
    figure, axes = new_figure(width=11, height=3.6)
    axis = axes[0, 0]
    boxes = {}
    for name, (x, y, text, colour) in STEPS.items():
        frame = dict(boxstyle="circle" if len(text) == 1 else "round", facecolor=PAPER, edgecolor=colour, linewidth=2)
        boxes[name] = axis.text(x, y, text, ha="center", va="center", fontsize=11, color=INK, zorder=3, bbox=frame)
    for start, _, end in (arrow.partition(">") for arrow in ARROWS):
        axis.annotate("", STEPS[end][:2], STEPS[start][:2], zorder=1, arrowprops=dict(
            arrowstyle="-|>", color=BOUNDARY_LINE if start == "softmax" else INK, linewidth=1.6, mutation_scale=14,
            patchA=boxes[start].get_bbox_patch(), patchB=boxes[end].get_bbox_patch()))
    axis.text(4.2, 2.12, "path a: sees 3×3 pixels", fontsize=11, color=INK)
    axis.text(4.2, -0.3, "path b: sees 5×5 pixels", fontsize=11, color=INK)
    axis.text(7.8, 1.5, "weight of a", fontsize=11, color=INK, ha="right")
    axis.text(7.8, 0.42, "weight of b", fontsize=11, color=INK, ha="right")
    axis.set(xlim=(-0.5, 9.5), ylim=(-0.6, 2.6), title="Split attention: two paths, and two weights for each channel")
    axis.axis("off")
    return figure
