"""What the loss does to a rare class: how often the boundary is said, and how far its probabilities can be believed.

``python -m tools.trained.losses`` trains what is missing in ``data/results/losses.csv``: four of
RECIPES, which differ in the loss alone; one thread; stopped, it goes on. What the networks of seed 0
give a crowded piece of `shifted` is kept in ``data/results/losses.npz``. ``python -m
tools.trained.losses picture`` draws both into ``book/_static/losses.png``. Nothing is chosen here,
so all three splits are scored.
"""

import csv
import sys
from importlib.metadata import version
from pathlib import Path

import matplotlib
import numpy as np
import torch

from tools.trained.recipes import trained
from unet_course import dice_score, label_nuclei, load_instances, load_nuclei, object_f1, predict
from unet_course.data.files.saving import written
from unet_course.data.nuclei import DATA
from unet_course.data.stored import read_results
from unet_course.figures import class_colours, explain_colours, new_figure
from unet_course.figures.panels import INK, MARK, QUIET, STYLE
from unet_course.metrics.scoring import reliability

LOSSES = {"cross-entropy": "cross-entropy",  # name in RECIPES: name in the picture
          "cross-entropy + Dice loss, as fast": "with Dice loss",
          "weights that stay": "weights that stay", "weights that fade": "weights that fade"}
SEEDS, STEPS, SPLITS, BINS = range(5), (200,), ("val", "test", "shifted"), 10
PIECE = slice(400, 496), slice(48, 192)  # of `shifted`: 14 nuclei, many of which touch
COLUMNS = ["loss", "seed", "steps", "split", "dice", "dice_1", "dice_2", "said_1", "said_2", "f1",
           "expected_1", "ece_1", *(f"{what}_{k}" for what in ("pixels", "says", "is") for k in range(BINS)),
           "torch"]


def row(model, split):
    """Scores of one split; of the boundary's probability, too, in ten bins.

    `expected_1` is the sum of its probabilities over the pixels that are drawn so, which is 1 if they
    can be believed as a whole; `ece_1` the expected calibration error: the mean over the pixels of the
    difference between what is said in their bin and what is true.
    """
    (image,), (mask,) = load_nuclei(split)
    probability = predict(model, image)
    classes, sure, drawn = probability.argmax(dim=0), probability[1].double().numpy(), (mask == 1).numpy()
    says, true = reliability(sure, drawn, bins=BINS)
    pixels = np.bincount(np.minimum((sure * BINS).astype(int), BINS - 1).ravel(), minlength=BINS)
    numbers = [dice_score(classes > 0, mask > 0), *(dice_score(classes == k, mask == k) for k in (1, 2)),
               *(float((classes == k).sum() / (mask == k).sum()) for k in (1, 2)),
               object_f1(label_nuclei(classes), load_instances(split)[0]), sure.sum() / drawn.sum(),
               np.nansum(pixels * np.abs(says - true)) / pixels.sum()]
    curve = ["" if np.isnan(number) else f"{number:.4f}" for number in (*says, *true)]
    return [*(f"{number:.4f}" for number in numbers[:-1]), f"{numbers[-1]:.5f}", *pixels, *curve]


def keep(name, classes):
    """Keep the classes of the piece beside those of the other losses."""
    path = DATA / "results" / "losses.npz"
    held = dict(np.load(path, allow_pickle=False)) if path.exists() else {}
    with written(path) as beside, open(beside, "wb") as file:
        np.savez_compressed(file, **{**held, name: classes.numpy().astype(np.uint8)})


def picture():
    """A crowded piece as each loss has it, and under it how often the boundary is where it is said to be."""
    steps = max(row["steps"] for row in read_results("losses"))
    rows = [row for row in read_results("losses") if row["steps"] == steps]
    kept = np.load(DATA / "results" / "losses.npz", allow_pickle=False)
    image, mask = (part[0] for part in load_nuclei("shifted"))
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(2, 5, width=13, height=5.4)
        for axis, (loss, title) in zip(axes.T, LOSSES.items()):
            own = [row for row in rows if row["loss"] == loss and row["split"] == "val"]
            axis[0].imshow(class_colours(kept[f"{loss}, {steps:.0f}"]), interpolation="nearest")
            axis[0].set_title(title)
            axis[1].plot([0, 1], [0, 1], color=QUIET, linewidth=2)
            for run in own:
                says, true = ([run[f"{what}_{k}"] for k in range(BINS) if run[f"pixels_{k}"] >= 50]
                              for what in ("says", "is"))
                axis[1].plot(says, true, ".-", color=MARK, alpha=0.8)
            axis[1].set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
            axis[1].set_xlabel("probability of boundary")
        axes[1, 0].set_ylabel("share that is boundary")
        axes[0, 4].imshow(class_colours(mask[PIECE]), interpolation="nearest")
        axes[0, 4].set_title("as labelled")
        axes[1, 4].imshow(image[0][PIECE], cmap="gray", vmin=0, vmax=0.6)
        axes[1, 4].set_title("the image")
        for axis in (*axes[0], axes[1, 4]):
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set(visible=True, color=INK)
        explain_colours(figure, "classes")
        figure.savefig(Path(__file__).parents[2] / "book" / "_static" / "losses.png")


def main(arguments):
    torch.set_num_threads(1)
    if arguments == ["picture"]:
        return picture()
    path = DATA / "results" / "losses.csv"
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    with path.open(encoding="utf-8", newline="") as file:
        done = {(line["loss"], int(line["seed"]), int(line["steps"])) for line in csv.DictReader(file)}
    for steps in STEPS:
        for seed in SEEDS:  # seed by seed, so that what is stopped has each row as often
            for loss in LOSSES:
                if (loss, seed, steps) in done:
                    continue
                model = trained(loss, seed, steps)[0]
                lines = [[loss, seed, steps, split, *row(model, split), version("torch").split("+")[0]]
                         for split in SPLITS]
                if seed == 0:
                    image = load_nuclei("shifted")[0][0]
                    keep(f"{loss}, {steps}", predict(model, image).argmax(dim=0)[PIECE])
                with path.open("a", encoding="utf-8", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerows(lines)
                for line in lines:
                    print(*line[:12], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
