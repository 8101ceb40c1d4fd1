"""Train every network of the family with the same CPU time and store what comes out: ``python -m tools.trained.family``.

An interrupted run goes on where it stopped: a training whose row is in ``data/results/family.csv`` is not repeated. Delete
the file to begin anew.
"""

import csv
import sys
import time
from importlib.metadata import version

import torch

from unet_course import Augment, UNet, fit, label_nuclei, load_instances, load_nuclei, predict, seed_everything
from unet_course.data.files.saving import written
from unet_course.data.nuclei import DATA
from unet_course.family import AttentionUNet, DenseUNet, ResUNet, UNetPlusPlus, deep_supervision
from unet_course.losses import combined_loss
from unet_course.metrics.objects import object_f1
from unet_course.metrics.pixels import dice_score
from unet_course.tracing import kept_bytes, parameter_count

RESULTS = DATA / "results" / "family.csv"
BUDGET, SEEDS, BATCH, CROP = 12.0, (0, 1, 2), 4, 128  # BUDGET: CPU seconds of one thread
NETWORKS = {  # name: (class, channels, further options)
    "U-Net": (UNet, (8, 16, 32, 64), {}),
    "U-Net, wider": (UNet, (12, 24, 48, 96), {}),
    "ResUNet": (ResUNet, (8, 16, 32, 64), {}),
    "Attention U-Net": (AttentionUNet, (8, 16, 32, 64), {}),
    "U-Net++": (UNetPlusPlus, (8, 16, 32, 64), {"deep_supervision": True}),
    "Dense U-Net": (DenseUNet, (8, 16, 32, 64), {}),
}
COLUMNS = ["network", "channels", "seed", "steps", "milliseconds", "parameters", "kept_mib", "test_dice", "test_f1",
           "shifted_dice", "shifted_f1", "budget", "torch"]


def make(name, seed):
    """A fresh network and the loss it is trained with."""
    kind, channels, options = NETWORKS[name]
    seed_everything(seed)
    loss = deep_supervision(combined_loss) if options else combined_loss
    return kind(num_classes=3, channels=channels, **options), loss


def train(model, loss, steps, seed):
    """Train and return the CPU seconds it took."""
    start = time.process_time()
    fit(model, load_nuclei("train"), steps=steps, batch_size=BATCH, crop=CROP, loss=loss, lr=3e-3, augment=Augment(),
        seed=seed, bf16=False, progress=False)
    return time.process_time() - start


def seconds_per_step(name):
    """CPU seconds of a training step: the difference between a longer and a shorter training, so that the start falls out."""
    model, loss = make(name, 0)
    train(model, loss, 3, 0)
    return (train(model, loss, 25, 0) - train(model, loss, 5, 0)) / 20


def measure(name, seed, step):
    """One row of the table."""
    model, loss = make(name, seed)
    steps = max(round(BUDGET / step), 1)
    spent = train(model, loss, steps, seed)
    row = dict(network=name, channels="-".join(map(str, NETWORKS[name][1])), seed=seed, steps=steps,
               milliseconds=round(1000 * spent / steps, 1), parameters=parameter_count(model),
               kept_mib=round(kept_bytes(model, (CROP, CROP)) / 2**20, 1), budget=BUDGET, torch=version("torch").split("+")[0])
    for split in ("test", "shifted"):
        classes, truth = predict(model, load_nuclei(split)[0][0]).argmax(dim=0), load_instances(split)[0]
        row[f"{split}_dice"] = round(dice_score(classes > 0, truth > 0), 4)
        row[f"{split}_f1"] = round(object_f1(label_nuclei(classes), truth), 4)
    return row


def read(path=RESULTS):
    """The rows that are stored, as dicts of text."""
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(rows, path=RESULTS):
    """Write the table; it is never half there."""
    with written(path) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def main(path=RESULTS):
    """Train what is missing, row by row."""
    torch.set_num_threads(1)
    rows, steps = read(path), {}
    done = {(row["network"], int(row["seed"])) for row in rows}
    for seed in SEEDS:
        for name in NETWORKS:
            if (name, seed) in done:
                continue
            if name not in steps:
                steps[name] = seconds_per_step(name)
            rows.append(measure(name, seed, steps[name]))
            write(rows, path)
            print(*(rows[-1][column] for column in COLUMNS), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
