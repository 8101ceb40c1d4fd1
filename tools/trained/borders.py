"""The paper's border weight map on cells that nearly touch: with it and without, five seeds.

``python -m tools.trained.borders`` trains what is missing in ``data/results/borders.csv``, at the
length that notebook 10 trains and at three times that; one thread; stopped, it goes on. Trained on
crowds of real nuclei (of the field `train`), tested on crowds (of `test`) and on `shifted`; and
trained on the left part of `shifted`, tested on its right.
"""

import csv
import statistics
import sys
from importlib.metadata import version

import numpy as np
import torch

from unet_course import (
    UNet,
    border_weight_map,
    dice_score,
    fit,
    label_nuclei,
    load_instances,
    load_nuclei,
    object_f1,
    predict,
    seed_everything,
)
from unet_course.augment import flip
from unet_course.data.masks import separate_touching
from unet_course.data.nuclei import DATA
from unet_course.figures.crowds import crowds
from unet_course.losses import cross_entropy
from unet_course.metrics.objects import merges_and_splits

STEPS, SEEDS = (80, 240), range(5)
COLUMNS = ["trained_on", "weights", "steps", "seed", "tested_on", "nuclei", "merges", "splits", "f1",
           "dice", "torch"]


def places():
    """What is trained on, and what it is tested on."""
    apart = torch.from_numpy(separate_touching(load_instances("shifted")[0].numpy()))[None]
    field = load_nuclei("shifted")[0]
    left, right = slice(0, 320), slice(320, 512)
    return {"crowds": (crowds("train", 12, 192),
                       {"crowds": crowds("test", 6, 256), "shifted": (field, apart)}),
            "shifted, left": ((field[..., left], apart[..., left]),
                              {"shifted, right": (field[..., right], apart[..., right])})}


def weighted(logits, target, weights):
    return cross_entropy(logits, target, pixel_weights=weights)


def train(pictures, labels, mapped, steps, seed):
    seed_everything(seed)
    model = UNet(channels=(8, 16, 32, 64))
    weights = border_weight_map(labels, class_weights=(1, 1)) if mapped else torch.ones(labels.shape)
    fit(model, (pictures, (labels > 0).long(), weights), steps=steps, crop=128, batch_size=4, lr=3e-3,
        loss=weighted, augment=flip, seed=seed, bf16=False, progress=False)
    return model


def judged(model, pictures, labels):
    rows = []
    for picture, truth in zip(pictures, labels):
        classes = predict(model, picture).argmax(dim=0)
        pieces = label_nuclei(classes, interior=1, grow=0)
        rows.append([len(truth.unique()) - 1, *merges_and_splits(pieces, truth),
                     object_f1(pieces, truth), dice_score(classes, truth > 0)])
    nuclei, merges, splits, f1, dice = zip(*rows)
    return [sum(nuclei), sum(merges), sum(splits), f"{statistics.mean(f1):.4f}",
            f"{statistics.mean(dice):.4f}"]


def pictures():
    """Keep what two networks of the table find, of seed 0 after 240 steps."""
    data, tests = places()["crowds"]
    kept = {}
    for name, mapped in (("none", False), ("border map", True)):
        model = train(*data, mapped, STEPS[-1], 0)
        for place, (fields, labels) in tests.items():
            print(name, place, *judged(model, fields, labels), flush=True)
            classes = [predict(model, field).argmax(dim=0) for field in fields]
            kept[f"{place}, {name}"] = np.stack([c.numpy().astype(np.uint8) for c in classes])
    np.savez_compressed(DATA / "results" / "crowds.npz", **kept)


def main(arguments=()):
    torch.set_num_threads(1)
    if list(arguments) == ["pictures"]:
        pictures()
        return 0
    path = DATA / "results" / "borders.csv"
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    with path.open(encoding="utf-8", newline="") as file:
        done = {tuple(row[key] for key in COLUMNS[:4]) for row in csv.DictReader(file)}
    for seed in SEEDS:
        for place, (data, tests) in places().items():
            for steps in STEPS:
                for mapped in (False, True):
                    key = [place, "border map" if mapped else "none", str(steps), str(seed)]
                    if tuple(key) in done:
                        continue
                    model = train(*data, mapped, steps, seed)
                    rows = [[*key, name, *judged(model, *test), version("torch").split("+")[0]]
                            for name, test in tests.items()]
                    with path.open("a", encoding="utf-8", newline="") as file:
                        csv.writer(file, lineterminator="\n").writerows(rows)
                    for row in rows:
                        print(*row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
