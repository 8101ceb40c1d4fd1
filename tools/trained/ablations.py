"""Train every variant from several seeds at equal CPU time, into data/results/ablations.csv.

``python course.py ablations`` runs what is not in the table yet; ``python course.py ablations "no skips" "depth 1"`` those
two. Stop it when you like: it goes on where it was, in the middle of a training, too. Three seeds of everything take about
an hour on two cores. To measure a row anew, delete it from the table.
"""

import os
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small networks; two processes side by side use two cores

import numpy
import torch
from tqdm.auto import tqdm

from unet_course import dice_score, label_nuclei, load_instances, load_nuclei, object_f1, predict
from unet_course.training.ablations import CROP, VARIANTS, add_row, read_rows, train_variant

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "data" / "results" / "ablations.csv"
HALF_WAY = ROOT / "build" / "ablations"
SEEDS = (0, 1, 2)
STEPS = 360  # of the base; about 40 CPU seconds


def cost(name, data, rounds=3, steps=4):
    """CPU time of a step of this variant, as a multiple of the base's, both measured in turn."""
    ratios = []
    for _ in range(rounds):
        spent = {}
        for which in ("base", name):
            train_variant(which, data, seed=0, steps=1, progress=False)  # what is slow the first time
            begin = time.process_time()
            train_variant(which, data, seed=0, steps=steps, progress=False)
            spent[which] = time.process_time() - begin
        ratios.append(spent[name] / spent["base"])
    return statistics.median(ratios)


def steps_of(name, rows, data):
    """As many steps as take the base's CPU time; those of the other seeds, if there are any."""
    known = [row["steps"] for row in rows if row["variant"] == name]
    if known or name == "base":
        return known[0] if known else STEPS
    return max(round(STEPS / cost(name, data)), 1)


def measure(name, seed, steps, data):
    """Train one variant from one seed, or go on with it, and score it; a row of the table."""
    half_way = HALF_WAY / f"{name.replace(' ', '-')}-{seed}-{steps}.pt"
    begin = time.process_time()
    model = train_variant(name, data, seed=seed, steps=steps, checkpoint=half_way, resume=True, save_every=60, progress=False)
    spent = time.process_time() - begin
    scores = {f"{split}_{kind}": round(value, 4)
              for split in ("test", "shifted") for kind, value in score(model, split).items()}
    half_way.unlink()
    return {"variant": name, "factor": VARIANTS[name].factor, "seed": seed, "steps": steps, "crop": CROP,
            "parameters": sum(p.numel() for p in model.parameters()), "cpu_seconds": round(spent, 1), **scores,
            "torch": torch.__version__, "numpy": numpy.__version__, "course": version("unet-course")}


def score(model, split):
    """Dice of nuclei, Dice of their boundaries alone, and object F1 at IoU 0.7 on one field."""
    (image,), (mask,) = load_nuclei(split)
    classes = predict(model, image).argmax(dim=0)
    return {"dice": dice_score(classes > 0, mask > 0), "boundary": dice_score(classes == 1, mask == 1),
            "f1": object_f1(label_nuclei(classes), load_instances(split)[0])}


def main(wanted):
    unknown = [name for name in wanted if name not in VARIANTS]
    if unknown:
        print(f"There is no variant {' or '.join(map(repr, unknown))}. There are: {', '.join(VARIANTS)}.", file=sys.stderr)
        return 1
    data = load_nuclei("train")
    done = {(row["variant"], row["seed"]) for row in read_rows(TABLE)}
    todo = [(name, seed) for seed in SEEDS for name in wanted or VARIANTS if (name, seed) not in done]
    bar = tqdm(todo, unit="training")
    try:
        for name, seed in bar:
            bar.set_description(f"{name}, seed {seed}")
            steps = steps_of(name, read_rows(TABLE), data)
            add_row(measure(name, seed, steps, data), TABLE)
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    print(f"{len(read_rows(TABLE))} trainings stand in {TABLE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
