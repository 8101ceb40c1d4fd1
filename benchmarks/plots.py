"""The report's pictures: a stored result in, one matplotlib figure out."""

from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.recipe import GOALS
from unet_course.figures.panels import BOUNDARY_LINE, ERROR_LINE, INK, MARK, NUCLEUS_LINE, new_figure

OURS, FIT = "ours", "ours, fit"


def best(result, task, width, network):
    """CPU seconds in the faster memory format."""
    return min(row["cpu"] for row in result["times"] if (row["task"], row["width"], row["network"]) == (task, width, network))


def tasks(result):
    return list(dict.fromkeys(row["task"] for row in result["times"]))


def widths(result):
    return list(dict.fromkeys(row["width"] for row in result["times"]))


def networks(result):
    return list(dict.fromkeys(row["network"] for row in result["times"]))


def peers_figure(result):
    """How many times as long as ours, for each task and peer."""
    figure, axes = new_figure(1, len(widths(result)), width=10, height=4.2, sharey=True)
    names, marks = networks(result)[1:], dict(zip(networks(result)[1:], "osD^v"))
    for axis, width in zip(axes[0], widths(result)):
        loops = {row["contestant"]: row["cpu"] for row in result["loops"] if row["width"] == width}
        labels = [*tasks(result), "training loop"]
        for name, colour in zip(names, (NUCLEUS_LINE, BOUNDARY_LINE, ERROR_LINE, INK)):
            values = [best(result, task, width, name) / best(result, task, width, OURS) for task in tasks(result)]
            values.append(loops[f"{name}, plain loop"] / loops[FIT] if f"{name}, plain loop" in loops else float("nan"))
            axis.plot(values, range(len(labels)), marks[name], color=colour, markersize=9, label=name)
        axis.axvline(1, color=MARK)
        axis.set_yticks(range(len(labels)), labels=labels)
        axis.set(title=f"width {width}", xlabel="times as long as the course's", ylim=(len(labels) - 0.5, -0.5))
        axis.set_xlim(0, 1.08 * axis.get_xlim()[1])
    axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def recipe_figure(rows):
    figure, axes = new_figure(1, 2, width=10, height=1.2 + 0.33 * len(rows), sharey=True)
    for axis, key, colour in ((axes[0, 0], "test f1", NUCLEUS_LINE), (axes[0, 1], "shifted f1", BOUNDARY_LINE)):
        axis.axvline(GOALS[key], color=MARK)
        for place, row in enumerate(rows):
            mean, least, greatest = row[key]
            axis.plot([least, greatest], [place, place], color=colour)
            axis.plot(mean, place, "o", color=colour, markersize=8)
        axis.set(title=key.replace("f1", "F1 at IoU 0.7"), ylim=(len(rows) - 0.5, -0.5))
        axis.set_yticks(range(len(rows)), labels=[row["name"] for row in rows])
    return figure


def scaling_figure(result):
    figure, axes = new_figure(2, 2, width=10, height=7.5)
    series = {}
    for row in result["image"]:
        series.setdefault(f"whole image, width {row['width']}", []).append(row)
    series["in tiles, width 4"] = result["tiled"]
    for axis, key, label in ((axes[0, 0], "cpu", "CPU s"), (axes[0, 1], "mib", "MiB above idle")):
        for (name, rows), colour, style in zip(series.items(), (NUCLEUS_LINE, BOUNDARY_LINE, ERROR_LINE), ("o-", "s--", "D:")):
            rows = [row for row in rows if row.get(key)]
            axis.plot([row["side"] for row in rows], [row[key] for row in rows], style, color=colour, label=name)
        logarithmic(axis, sorted({row["side"] for rows in series.values() for row in rows}))
        axis.set(xlabel="side of the image (pixels)", ylabel=label)
        axis.legend(frameon=False)
    for axis, name in ((axes[1, 0], "width"), (axes[1, 1], "depth")):
        rows = [row for row in result[name] if "cpu" in row]
        places = [row.get("width", row.get("levels")) for row in rows]
        axis.plot(places, [row["cpu"] for row in rows], "o-", color=NUCLEUS_LINE, label="CPU s")
        axis.plot(places, [row["mib"] / 1024 for row in rows], "s--", color=BOUNDARY_LINE, label="GiB above idle")
        logarithmic(axis, places)
        axis.set(xlabel="width of the first level" if name == "width" else "levels",
                 title=f"one image of {rows[0]['side']} pixels a side")
        axis.legend(frameon=False)
    return figure


def logarithmic(axis, ticks):
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xticks(ticks, labels=ticks)
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if axis.get_ylim()[1] < 100 * axis.get_ylim()[0] else (1,)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
