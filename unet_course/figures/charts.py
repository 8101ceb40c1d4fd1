"""Charts: curves, and tables of scores. Arguments in, one matplotlib figure out. (07 11)"""

import math
import statistics

import matplotlib
import numpy as np

from unet_course.figures.panels import (
    BELOW,
    BOUNDARY_LINE,
    ERROR_LINE,
    INK,
    LINES,
    MARK,
    NUCLEUS,
    PAPER,
    QUIET,
    TINT,
    new_figure,
)

# Of a comparison: the colour of its square, and the sign in it
VERDICTS = {"worse": (BELOW, "_"), "cannot tell": (PAPER, ""), "better": (TINT, "+")}


def lines(x, series, *, title, xlabel, ylabel, limits=None, log="", marks=(), shared=1, width=9.0,
          height=4.0):
    """Several quantities over one axis.

    Parameters
    ----------
    x : sequence of float
    series : dict of str to sequence of float
        Name and values of each line.
    title, xlabel, ylabel : str
    limits : (float, float), optional
        Of the vertical axis.
    log : {"", "x", "y", "xy"}, default ""
        Which axes are logarithmic.
    marks : sequence of (float, str)
        Places on the horizontal axis, with their names, marked by vertical lines.
    shared : int, default 1
        How many lines in a row have one colour, and differ in their style.
    width, height : float
        In inches.

    Examples
    --------
    >>> lines([0, 1], {"a": [0, 1]}, title="t", xlabel="x", ylabel="y").axes[0].get_title()
    't'
    """
    figure, axes = new_figure(width=width, height=height)
    axis = axes[0, 0]
    facing = False  # whether a name already runs to the right
    for place, name in marks:
        axis.axvline(place, color=MARK, linewidth=1.5)
        late = list(x).index(min(x, key=lambda v: abs(v - place))) > len(x) / 2
        top = late and facing  # at the bottom the two names might run into each other
        facing = facing or not late
        axis.annotate(name, (place, int(top)), xycoords=("data", "axes fraction"),
                      xytext=(-5 if late else 5, -5 if top else 5), textcoords="offset points",
                      ha="right" if late else "left", va="top" if top else "baseline", color=INK, fontsize=11)
    styles = ("-", "--", ":", "-.", "-")
    for number, (name, values) in enumerate(series.items()):
        style = styles[number % (shared if shared > 1 else len(styles))]
        axis.plot(x, values, style, color=LINES[number // shared % len(LINES)], label=name, linewidth=2.6)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if "y" in log:
        axis.set_yscale("log")
    if "x" in log:
        axis.set_xscale("log", base=2)
        axis.set_xticks(x, labels=x)
    if limits:
        axis.set_ylim(*limits)
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def score_table(rows, columns, values, *, title, decimals=2, frame="max", width=10.0):
    """A table of scores between 0 and 1, the darker the better; the best (or worst) of each column is framed.

    Parameters
    ----------
    rows, columns : sequence of str
    values : array_like, shape (rows, columns)
    title : str
    decimals : int, default 2
    frame : {"max", "min", None}
        What to frame in magenta in each column.
    width : float
        In inches.

    Examples
    --------
    >>> score_table(["a", "b"], ["Dice"], [[0.5], [0.25]], title="t").axes[0].texts[1].get_text()
    '0.25'
    """
    values = np.asarray(values, dtype=float)
    figure, axes = new_figure(width=width, height=1.2 + 0.5 * len(rows))
    axis = axes[0, 0]
    blues = matplotlib.colors.LinearSegmentedColormap.from_list("blues", [PAPER, TINT])
    axis.imshow(values, cmap=blues, vmin=0, vmax=1, aspect="auto")
    axis.set_xticks(range(len(columns)), labels=columns)
    axis.set_yticks(range(len(rows)), labels=rows)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_title(title)
    for (row, column), value in np.ndenumerate(values):
        axis.text(column, row, f"{value:.{decimals}f}", ha="center", va="center", color=INK)
    for column in range(len(columns) if frame else 0):
        best = values[:, column].max() if frame == "max" else values[:, column].min()
        for row in np.flatnonzero(np.isclose(values[:, column], best, atol=0.5 * 10**-decimals)):
            axis.add_patch(matplotlib.patches.Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False,
                                                        edgecolor=ERROR_LINE, linewidth=2.5))
    return figure


def seed_panels(rows, *, title, limits=None, width=11.0, apart=False):
    """Several quantities side by side: a dot for each seed, and a stroke at their mean.

    Parameters
    ----------
    rows : dict of str to dict of str to sequence of float
        For each network its name, and for each quantity its values. The first row is the one to compare with: its smallest
        and largest value are drawn through all rows as a band.
    title : str
    limits : dict of str to (float, float), optional
        Of the axis of a quantity; from 0 on, if not given. A triangle at the edge stands for values beyond it.
    width : float
        In inches.
    apart : bool
        Whether dots that would cover each other are moved up and down.

    Examples
    --------
    >>> seed_panels({"a": {"Dice": [0.1, 0.2]}, "b": {"Dice": [0.3]}}, title="t").axes[0].get_title()
    'Dice'
    """
    names, panels = list(rows), list(next(iter(rows.values())))
    figure, axes = new_figure(1, len(panels), width=width, height=1.5 + 0.45 * len(rows), sharey=True)
    for axis, panel in zip(axes[0], panels):
        first = rows[names[0]][panel]
        axis.axvspan(min(first), max(first), color="#EEEEEE", zorder=0)
        top = max(max(row[panel]) for row in rows.values()) or 1
        low, high = (limits or {}).get(panel, (0, 1.12 * top))
        for line, name in enumerate(names):
            values = rows[name][panel]
            moved = _moved(values, 0.02 * (high - low)) if apart else np.zeros(len(values))  # half a dot
            axis.plot(values, line + moved, "o", color=NUCLEUS, markeredgecolor=INK, markersize=9, alpha=0.8)
            axis.plot([np.mean(values)] * 2, [line - 0.3, line + 0.3], color=INK, linewidth=2.5)
            for end, arrow, far in _off(values, (limits or {}).get(panel)):
                axis.plot([end] * far, [line] * far, arrow, color=NUCLEUS, markeredgecolor=INK, markersize=9, clip_on=False)
        axis.set_xlim(low, high)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_title(panel, fontsize=12)
    axes[0, 0].set_yticks(range(len(rows)), labels=names)
    figure.suptitle(title, fontsize=13)
    return figure


def verdict_grid(panels, rows, *, every=5):
    """A square for each comparison: worse, cannot tell or better; below each column, in how many it is worse.

    Parameters
    ----------
    panels : dict of str to list of dict of str to dict of str to str
        Title and groups of columns, set apart; for each column its name, and for each row a verdict:
        a key of `VERDICTS`. A row that a column lacks has no square.
    rows : dict of str to str
        Names and labels, from the top.
    every : int, default 5
        A line is drawn below so many rows.

    Examples
    --------
    >>> figure = verdict_grid({"t": [{"a": {"Dice": "worse"}}]}, {"Dice": "Dice"})
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1']
    """
    figure, axes = new_figure(1, len(panels), width=5.5 * len(panels), height=1.5 + 0.32 * (len(rows) + 1), sharey=True,
                              gridspec_kw={"width_ratios": [sum(map(len, groups)) for groups in panels.values()]})
    for axis, (title, groups) in zip(axes[0], panels.items()):
        places = [(x + 0.6 * number, name, words) for x, (number, name, words) in enumerate(
            (number, name, words) for number, group in enumerate(groups) for name, words in group.items())]
        for verdict, (colour, sign) in VERDICTS.items():
            at = [(x, y) for x, _, words in places for y, row in enumerate(rows) if words.get(row) == verdict]
            for marker, edge, size in (("s", MARK, 19), (sign, INK, 9)):
                axis.plot(*(np.array(at).T if at else ([], [])), linestyle="", marker=marker, color=colour,
                          markeredgecolor=edge, markersize=size, label="_" * (marker != "s") + verdict)
        for x, _, words in places:
            axis.text(x, len(rows), f"{[*words.values()].count('worse')}", fontsize=12, ha="center", va="center", color=INK)
        last = places[-1][0] + 0.5
        axis.hlines(np.arange(every, len(rows) + 1, every) - 0.5, -0.5, last, color=INK, linewidth=1)
        axis.set(title=title, xlim=(-0.5, last + 0.1), ylim=(len(rows) + 0.5, -0.7))
        axis.set_xticks([x for x, *_ in places], labels=[name for _, name, _ in places], rotation=35, ha="left")
        axis.xaxis.tick_top()
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    axes[0, 0].set_yticks(range(len(rows) + 1), labels=[*rows.values(), "worse in"])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _moved(values, near):
    """How far up or down each dot is moved, so that those nearer than `near` to their neighbour lie side by side."""
    order = np.argsort(values, kind="stable")
    moved = np.zeros(len(values))
    for group in np.split(order, np.nonzero(np.diff(np.asarray(values)[order]) >= near)[0] + 1):
        moved[group] = (np.arange(len(group)) - (len(group) - 1) / 2) * min(0.22, 0.6 / max(len(group) - 1, 1))
    return moved


def _off(values, limits):
    """For the ends of an axis beyond which values lie: the end, a triangle that points outwards, and how many."""
    low, high = limits or (-math.inf, math.inf)
    for end, arrow, far in [(low, "<", sum(v < low for v in values)), (high, ">", sum(v > high for v in values))]:
        if far:
            yield end, arrow, far


def progress_chart(exercises, done):
    """A box for each exercise, one row for each notebook; what is passed is filled.

    Parameters
    ----------
    exercises : dict of str to sequence of str
        Name of each notebook, and the ids of its exercises.
    done : set of str
        Ids of those that were passed.

    Examples
    --------
    >>> progress_chart({"00": ["0.1", "0.2"]}, {"0.1"}).axes[0].get_title()
    '1 of 2 exercises passed'
    """
    known = [id for ids in exercises.values() for id in ids]
    figure, axes = new_figure(width=9, height=0.42 * len(exercises) + 0.6)
    axis = axes[0, 0]
    for row, ids in enumerate(exercises.values()):
        for column, id in enumerate(ids):
            full = id in done
            axis.add_patch(matplotlib.patches.Rectangle((column + 0.06, row + 0.1), 0.88, 0.8, linewidth=1.5, edgecolor=INK,
                                                        facecolor=NUCLEUS if full else PAPER))
            axis.text(column + 0.5, row + 0.52, f"{id}\n✓" if full else id, ha="center", va="center", fontsize=10,
                      linespacing=1, color=INK)
    longest = max(map(len, exercises.values()), default=1)
    axis.set(xlim=(0, longest), ylim=(len(exercises), 0), xticks=[],
             title=f"{len(done & set(known))} of {len(known)} exercises passed")
    axis.set_yticks([row + 0.5 for row in range(len(exercises))], labels=list(exercises), fontsize=12)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return figure


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


def reliability_chart(groups, *, title):
    """How often it is right, against how sure it says it is; the diagonal is as it should be.

    Parameters
    ----------
    groups : dict of str to (sequence of float, sequence of float)
        For each line the mean probability and the share that is true, bin by bin, see `metrics.reliability`.
    title : str

    Examples
    --------
    >>> reliability_chart({"val": ([0.1, 0.9], [0.0, 0.8])}, title="t").axes[0].get_xlabel()
    'probability of nucleus that it says'
    """
    figure, axes = new_figure(width=8.5, height=4.6)
    axis = axes[0, 0]
    axis.plot([0, 1], [0, 1], color=QUIET, linewidth=2, label="as sure as right")
    for (name, (said, true)), colour, style in zip(groups.items(), LINES, ("o-", "s--", "^:")):
        axis.plot(said, true, style, color=colour, label=name, linewidth=2.2)
    axis.set(xlabel="probability of nucleus that it says", ylabel="share that is nucleus", title=title,
             xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def interval_chart(groups, *, title, label):
    """Differences with their intervals, and a line at 0.

    Parameters
    ----------
    groups : dict of str to (float, float, float)
        The difference, and the low and the high end of its interval.
    title, label : str
        Of the figure, and of the horizontal axis.

    Examples
    --------
    >>> figure = interval_chart({"test": (0.1, -0.1, 0.3)}, title="t", label="F1")
    >>> [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    ['test']
    """
    figure, axes = new_figure(width=9, height=1.3 + 0.5 * len(groups))
    axis = axes[0, 0]
    axis.axvline(0, color=MARK, linewidth=1.5)
    for line, (middle, low, high) in enumerate(groups.values()):
        axis.plot([low, high], [line, line], color=INK, linewidth=3)
        axis.plot(middle, line, "o", color=NUCLEUS, markeredgecolor=INK, markersize=10)
    axis.set_yticks(range(len(groups)), labels=list(groups))
    axis.set(ylim=(len(groups) - 0.4, -0.6), xlabel=label, title=title)
    return figure
