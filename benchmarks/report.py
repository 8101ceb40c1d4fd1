"""Write benchmarks/README.md and its pictures from what is stored in benchmarks/results."""

import io
import statistics

import matplotlib

from benchmarks import recipe
from benchmarks.plots import FIT, OURS, best, networks, peers_figure, recipe_figure, scaling_figure, tasks, widths
from benchmarks.storing import FOLDER, stored, write_atomically
from unet_course.figures.panels import STYLE

TITLE = """# What was measured

Written by `python course.py bench`; do not edit it by hand. Times are CPU seconds, all threads of the process together:
on a shared machine the clock says more about the neighbours. What is compared was measured in turns in one run, and a
ratio above 1 always means that the course's side is better.
"""


REMARK = """The nearest peer is nnU-Net's: the same convolutions, but the first of each level has stride 2, so it has no pool.
Profiled alone, convolutions take three quarters of the time of both networks and the pool one hundredth of ours; what
else parts them is within what two runs differ by. One nucleus of 126 found or missed is 0.008 in object F1 on test, so
three seeds do not tell two trainings apart that differ by less.
"""


def write_report(folder=FOLDER):
    """Write the report of all parts that are stored; return its path."""
    results, text = stored(folder), [TITLE]
    for write in (peers, floor, recipe_effects, scaling, options, large, importing):
        part = write.__name__.partition("_")[0]
        if part in results:
            text += write(results[part], folder)
    path = folder / "README.md"
    write_atomically(path, "\n".join(text).rstrip() + "\n")
    return path


def table(head, rows):
    """Lines of a Markdown table; columns after the first are set to the right."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines] + [""]


def machine(result):
    """One line about the computer."""
    m = result["machine"]
    return (f"*Measured on: {m['cpu']}, {m['cores']} cores, {m['threads']} threads, bfloat16 instructions: "
            f"{'yes' if m['bf16'] else 'no'}, {m['system']}, Python {m['python']}, torch {m['torch']}.*\n")


def picture(figure, name, alt, folder):
    """Keep a figure beside the report; the line that shows it."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png")
    write_atomically(folder / name, buffer.getvalue())
    return f"![{alt}]({name})\n"


# ---------------------------------------------------------------------------------------------------------------- peers

def peers(result, folder):
    """Speed, memory and quality beside the peers."""
    text = ["## Beside the peers\n", machine(result)]
    rows = [[name, entry["version"], *(f"{n:,}" for n in entry["parameters"].values()), entry["differs"] or "–"]
            for name, entry in result["networks"].items() if "parameters" in entry]
    sizes = next(entry["parameters"] for entry in result["networks"].values() if "parameters" in entry)
    text += ["All have five levels of widths w, 2w, 4w, 8w, 16w, batch norm, ReLU, and a 2×2 transposed convolution.\n"]
    text += table(["network", "version", *(f"parameters, w = {w}" for w in sizes), "differs from ours"], rows)
    text += [f"Not compared: {name} {entry['version'] or ''} ({entry['reason']}).\n"
             for name, entry in result["networks"].items() if "reason" in entry]
    text += ["Networks alone, float32, each in its faster memory format. Batches of 8 crops of 128 × 128 for training, one "
             "image of 512 × 512 for use. CPU milliseconds, and in brackets how many times as long as ours.\n"]
    text += speed_table(result)
    text += ["The whole training loop, with crops, augmentation, loss and optimiser: `fit` as a learner calls it (it takes "
             "channels_last, and bfloat16 where that is clearly faster), against a plain loop in float32 and torch's "
             "default memory format. The same crops in the same order. In brackets: `fit` against it.\n"]
    text += loop_table(result)
    if result["quality"]:
        text += quality_tables(result)
    text += [*goal_table(result), REMARK]
    text += [picture(peers_figure(result), "peers.png", "Dots: for each peer, how many times as long as the course's network "
                     "or loop it takes; to the right of 1 the course is faster. The numbers stand in the tables above.",
                     folder)]
    return text


def speed_table(result):
    rows = []
    for width in widths(result):
        for task in tasks(result):
            ours = best(result, task, width, OURS)
            cells = [f"{ours * 1e3:.1f}"]
            for name in networks(result)[1:]:
                other = best(result, task, width, name)
                cells.append(f"{other * 1e3:.1f} ({other / ours:.2f})")
            rows.append([f"{task}, w = {width}", *cells])
    return table(["", *networks(result)], rows)


def loop_table(result):
    rows = []
    for width in widths(result):
        loops = {row["contestant"]: row for row in result["loops"] if row["width"] == width}
        memory = {row["contestant"]: row["mib"] for row in result["memory"] if row["width"] == width}
        for name, row in loops.items():
            ratio = row["cpu"] / loops[FIT]["cpu"]
            rows.append([f"{name}, w = {width}", f"{row['images_per_cpu_second']:.1f}", f"{ratio:.2f}",
                         f"{memory[name]:.0f}", f"{memory[name] / memory[FIT]:.2f}"])
    return table(["", "images per CPU second", "(speed)", "peak memory, MiB", "(memory)"], rows)


def quality_tables(result):
    """Scores after equal CPU seconds."""
    seeds = len({row["seed"] for row in result["quality"]})
    text = [f"Scores after equal CPU seconds of training on one thread, width 8, {seeds} seeds: mean, and from least to "
            "greatest. Each loop is first timed over 20 steps; then it trains as many as fit in, so that its schedule ends "
            "there.\n"]
    rows = []
    for budget in dict.fromkeys(row["budget"] for row in result["quality"]):
        for name in dict.fromkeys(row["contestant"] for row in result["quality"]):
            runs = [row for row in result["quality"] if (row["budget"], row["contestant"]) == (budget, name)]
            keys = ("test dice", "test f1", "shifted dice", "shifted f1")
            scores = [spread([row[key] for row in runs]) for key in keys]
            rows.append([f"{budget} s: {name}", round(statistics.mean(row["steps"] for row in runs)), *scores])
    return text + table(["", "steps", "test Dice", "test F1 at 0.7", "shifted Dice", "shifted F1 at 0.7"], rows)


def goal_table(result):
    """What was aimed at, and whether it was reached."""
    rows = []
    for width in widths(result):
        ours = best(result, "forward and backward", width, OURS)
        same = [name for name in networks(result)[1:] if result["networks"][name]["same_widths"]]
        ratio, name = min((best(result, "forward and backward", width, name) / ours, name) for name in same)
        rows.append([f"forward and backward as fast as the fastest peer of the same widths, w = {width}",
                     "1.00", f"{ratio:.2f} ({name})", verdict(ratio >= 1.0, close=ratio >= 0.97)])
        loops = {row["contestant"]: row["cpu"] for row in result["loops"] if row["width"] == width}
        ratio, wanted = loops["ours, plain loop"] / loops[FIT], 1.8 if width == 32 else 1.0
        rows.append([f"`fit` against the plain float32 loop of the same network, w = {width}", f"{wanted:.2f}", f"{ratio:.2f}",
                     verdict(ratio >= wanted, close=ratio >= 0.97 * wanted)])
    after = [row for row in result["quality"] if row["budget"] == min(r["budget"] for r in result["quality"])] \
        if result["quality"] else []
    for key in ("test dice", "test f1") if after else ():
        mean = {name: statistics.mean(row[key] for row in after if row["contestant"] == name)
                for name in {row["contestant"] for row in after}}
        rivals = {name: value for name, value in mean.items() if not name.startswith("ours")}
        if rivals:
            rival = max(rivals, key=rivals.get)
            rows.append([f"{key.replace('dice', 'Dice').replace('f1', 'F1')} after {after[0]['budget']} s above every peer's",
                         f"{rivals[rival]:.3f} ({rival})", f"{mean[FIT]:.3f}", verdict(mean[FIT] > rivals[rival])])
    return ["What was aimed at:\n", *table(["goal", "wanted", "measured", "reached"], rows)]


def verdict(reached, close=False):
    """In a word; a ratio within 3 % below the goal is within what two runs differ by."""
    return "yes" if reached else "within 3 %" if close else "no"


def spread(values, digits=3):
    """Mean, and the range where there is one.

    >>> spread([0.5, 0.75])
    '0.625 (0.500–0.750)'
    """
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.{digits}f}–{max(values):.{digits}f})"


# ---------------------------------------------------------------------------------------------------------------- floor


def floor(result, folder):
    """How far a step is above its convolutions."""
    names = [name for name in result["rows"][0] if name != "width"]
    rows = [[f"w = {row['width']}", *(f"{row[name] * 1e3:.1f} ({row[name] / row['convolutions']:.2f})" for name in names)]
            for row in result["rows"]]
    return ["## The floor\n", machine(result),
            "A training step can hardly be faster than its convolutions, forward and backward, each with the tensor that it "
            "gets in the network, and nothing between them. CPU milliseconds of a step on one thread, 8 crops of 128 × 128, "
            "float32, all in turns; in brackets how many times as long as the convolutions alone. `fit` and the plain loop "
            "cut and augment their crops, and have the loss and the optimiser; all but the plain loop are in "
            f"channels_last. {result['load']} threads wanted the cores at a time meanwhile.\n", *table(["", *names], rows)]


# --------------------------------------------------------------------------------------------------------------- recipe


def recipe_effects(result, folder):
    """The table of effects."""
    rows = recipe.summary(result["rows"])
    seeds = len({row["seed"] for row in result["rows"]})
    text = ["## Quality per minute\n", machine(result),
            "Notebook 06's way of training (450 steps of 8 crops of 128 × 128, width 8, learning rate 3e-3, cross-entropy and "
            f"Dice, flips, intensity, blur and noise), one change at a time; {seeds} seeds, mean and range. F1 counts "
            "nuclei, at IoU 0.7; \"cut\" is with touching nuclei cut at their waists (`label_nuclei(split=True)`). The "
            "first row is what the others change; CPU seconds are of one thread, while another training ran beside it.\n"]
    keys = ("val dice", "test dice", "test f1", "shifted dice", "shifted f1", "shifted f1_split")
    body = [[row["name"], f"{row['cpu'][0]:.0f}", *("{:.3f} ({:.3f}–{:.3f})".format(*row[key]) for key in keys)]
            for row in rows]
    text += table(["", "CPU s", "val Dice", "test Dice", "test F1", "shifted Dice", "shifted F1", "shifted F1, cut"], body)
    alone = result["all_cores"]
    text += [f"The recipe is {recipe.RECIPE['steps']} steps, nothing else changed. More steps, a larger learning rate, and a "
             "constant one with an average of the weights each raise every score; steps do so most, and need no explanation. "
             f"With {alone['threads']} threads and nothing else running the recipe takes {alone['wall']:.0f} s by the clock "
             f"({alone['cpu']:.0f} CPU s). Goals: F1 0.95 on test and 0.70 on shifted, in 120 s on two cores.\n",
             f"```python\nfit(model, load_nuclei(\"train\"), steps={recipe.RECIPE['steps']}, augment=Augment())\n```\n",
             picture(recipe_figure(rows), "recipe.png", "Test F1 and shifted F1 of each change, a dot for the mean and a line "
                     "from the least to the greatest seed, with the goals 0.95 and 0.70 as grey lines.", folder)]
    walls = result["cell_walls"]
    text += ["The same recipe, unchanged, on drawn cell walls (512 × 512, dark walls with gaps in contrast, vesicles, noise; "
             "two classes, one image to train on and another to test on):\n"]
    return text + table(["seed", "Dice of the walls", "Rand F of the cells", "Rand F of the best threshold"],
                        [[w["seed"], f"{w['dice of walls']:.3f}", f"{w['rand f']:.3f}", f"{w['rand f of a threshold']:.3f}"]
                         for w in walls])


# -------------------------------------------------------------------------------------------------------------- scaling


def scaling(result, folder):
    """Time and memory of `predict`."""
    text = ["## How time and memory grow\n", machine(result),
            "`predict` on one image. Memory is the rise above the idle process with the image already made. \"In tiles\" "
            "is the network of width 4 with `tile=512`.\n",
            picture(scaling_figure(result), "scaling.png", "Four plots on logarithmic axes: time and memory against the side "
                    "of the image, whole and in tiles; time and memory against width; and against the number of levels. The "
                    "numbers stand in the tables below.", folder)]
    rows = [[f"{name}", f"{values['time']:.2f}", f"{values['memory']:.2f}"] for name, values in result["exponents"].items()]
    if again := [row for row in result["image"] if "again" in row]:
        text.append(f"*Whole images from {again[0]['side']} pixels a side on were measured again, on {again[0]['again']}, "
                    "since `predict` cuts them on a CPU by itself. One thread, beside much other work: "
                    "the memory can be compared, the seconds and their exponents hardly.*\n")
    text += ["Exponents against the number of pixels, from 512 × 512 on (1 is linear, 0 is constant):\n"]
    text += table(["", "time", "memory"], rows)
    for key, what in (("image", "whole image"), ("tiled", "in tiles"), ("width", "width"), ("depth", "levels")):
        text += table([what, "side", "CPU s", "CPU µs for a pixel", "MiB"],
                      [[f"{'levels' if 'levels' in row else 'width'} {row.get('width', row.get('levels'))}", row["side"],
                        *([row["skipped"], "", ""] if "skipped" in row else
                          [f"{row['cpu']:.3f}", f"{row['cpu'] / row['pixels'] * 1e6:.2f}", f"{row['mib']:.0f}"])]
                       for row in result[key]])
    return text


# ------------------------------------------------------------------------------------------------------------ the rest


def options(result, folder):
    """What each option of `fit` gains on this machine."""
    rows, base = result["rows"], result["rows"]["channels_last"]
    lines = [[name, row["reason"], "", ""] if "reason" in row else
             [name, *(f"{row[key]:.3f} ({base[key] / row[key]:.2f})" for key in ("wall", "cpu")),
              f"{row['mib']:.0f}" if "mib" in row else ""]
             for name, row in rows.items()]
    text = ["## Options of fit\n", machine(result),
            f"A training step of the network with widths {', '.join(map(str, result['channels']))} on {result['batch']} "
            f"squares of {result['crop']} pixels; float32 unless it says bf16, and all but `plain` in channels_last. The "
            f"least of {result['turns']} turns counts. In brackets the ratio to `channels_last`: above 1 is faster. "
            "Memory is what the steps add to a process; of one of the two, where there are two.",
            f"{result['load']} threads wanted the {result['machine']['cores']} cores at a time while this was measured: where "
            "that is more than there are cores, the clock says more about the others, and two processes cannot gain.\n"
            if result["load"] else "", *table(["option", "s by the clock", "CPU s", "MiB"], lines)]
    if "first wall" in rows["compile"]:
        first, saved = rows["compile"]["first cpu"], base["cpu"] - rows["compile"]["cpu"]
        text.append(f"The first compiled step took {first:.0f} CPU s ({rows['compile']['first wall']:.0f} s by the clock): "
                    + (f"in CPU seconds it pays after {first / saved:,.0f} steps.\n" if saved > 0 else
                       "in CPU seconds it did not pay here.\n"))
    return text


def large(result, folder):
    """A file that is larger than memory ought to be."""
    return ["## From file to file\n", machine(result),
            f"`predict(load_pretrained(), \"image.npy\", tile={result['tile']}, out=\"classes.npy\", classes=True)` on "
            f"{result['side']:,} × {result['side']:,} pixels of 8 bit ({result['file_mib']:.0f} MiB): peak memory "
            f"**{result['mib'] / 1024:.2f} GiB** above the idle process, {result['cpu']:.0f} CPU s, {result['wall']:.0f} s by "
            f"the clock. {100 * result['nuclei']:.1f} % of the pixels of one field in it are nuclei.\n"]


def importing(result, folder):
    """What an import costs."""
    return ["## Import\n", machine(result),
            f"`import torch` {result['torch']:.2f} CPU s, `import unet_course` {result['unet_course']:.2f} CPU s: "
            f"{result['unet_course'] - result['torch']:+.2f} s.\n"]
