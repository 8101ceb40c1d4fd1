"""Pictures of scores that were measured from several seeds."""

import statistics

from unet_course.figures.palette import BOUNDARY_LINE, INK, NUCLEUS, QUIET
from unet_course.figures.panels import new_figure


def seeds_chart(groups, *, title, label, base=None, limits=None, expected=None):
    """A line for each variant: a dot for each seed, a bar at their mean; the base's range as a grey band.

    Parameters
    ----------
    groups : dict of str to sequence of float
        The score of each seed, under the name of its variant; drawn from top to bottom.
    title, label : str
        Of the figure, and of the horizontal axis.
    base : str, optional
        The variant whose range, from its lowest to its highest seed, is the grey band.
    limits : (float, float), optional
        Of the horizontal axis; a variant that lies wholly below is told by an arrow and its mean.
    expected : dict of str to sequence of float, optional
        Other measurements of the same variants, drawn as hollow diamonds: those of a longer training, for instance.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there is nothing to draw, or `base` is not in `groups`.

    Examples
    --------
    >>> figure = seeds_chart({"a": [0.8, 0.9], "b": [0.7]}, title="t", label="Dice", base="a")
    >>> [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    ['a', 'b']
    """
    if not groups or base not in (None, *groups):
        raise ValueError(f"base is {base!r}; groups has {list(groups) or 'nothing'}: name one of them")
    figure, axes = new_figure(width=10, height=1.3 + 0.36 * len(groups))
    axis = axes[0, 0]
    if base is not None:
        axis.axvspan(min(groups[base]), max(groups[base]), color=QUIET, alpha=0.45, label=f"range of {base}", zorder=0)
    for line, (name, values) in enumerate(groups.items()):
        axis.axhline(line, color="#EEEEEE", linewidth=1, zorder=0)
        axis.plot(values, [line] * len(values), "o", color=NUCLEUS, markeredgecolor=INK, markersize=8,
                  label="one seed" if line == 0 else None)
        axis.plot([statistics.mean(values)] * 2, [line - 0.32, line + 0.32], color=INK, linewidth=3,
                  label="mean" if line == 0 else None)
        if expected and name in expected:
            axis.plot(expected[name], [line + 0.22] * len(expected[name]), "D", color="none", markeredgecolor=BOUNDARY_LINE,
                      markeredgewidth=1.8, markersize=7, label="stored, longer training" if line == 0 else None)
    axis.set_yticks(range(len(groups)), labels=list(groups))
    axis.set(ylim=(len(groups) - 0.4, -0.6), xlabel=label, title=title)
    if limits:
        axis.set_xlim(*limits)
        for line, (_, values) in enumerate(groups.items()):
            if max(values) < limits[0]:  # off the picture, and said so
                axis.text(limits[0], line, f" ◂ {statistics.mean(values):.2f}", va="center", color=INK)
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure
