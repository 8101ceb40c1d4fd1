"""How a rare class is learned: trainings with other losses, weights and learning rates, one row each.

``python -m tools.trained.recipes`` trains what is missing in ``data/results/recipes.csv``, one thread,
a few seconds each; stopped, it goes on. All are scored on the validation block, and on nothing else.
"""

import csv
import sys
import time
from importlib.metadata import version

import torch

from unet_course import Augment, UNet, fit, load_nuclei, seed_everything
from unet_course.data.nuclei import DATA
from unet_course.losses import FadingWeights, combined_loss

TABLE = DATA / "results" / "recipes.csv"
STEPS, CROP, NEVER = 200, 96, 1e9
COLUMNS = ["recipe", "head", "lr", "hold", "gone", "seed", "steps", "crop", "first_loss", "dice",
           *(f"dice_{k}" for k in range(3)), *(f"said_{k}" for k in range(3)), "torch"]
# name: first weights of the head (times He's), learning rate, and from when to when weights fade
RECIPES = {
    "weights that fade": (0.3, 1e-2, 0.4, 0.8),
    "cross-entropy + Dice loss": (1.0, 3e-3, None, None),  # what the course had before
    "cross-entropy + Dice loss, as fast": (0.3, 1e-2, None, None),
    "cross-entropy": (0.3, 1e-2, 0.0, 1e-9),
    "weights that stay": (0.3, 1e-2, NEVER, 2 * NEVER),
    "weights that fade, large head": (1.0, 1e-2, 0.4, 0.8),
    "weights that fade, slower": (0.3, 3e-3, 0.4, 0.8),
    "weights that fade later": (0.3, 1e-2, 0.45, 0.85),
}
SEEDS = {name: range(20 if place < 2 else 5) for place, name in enumerate(RECIPES)}


def shares():
    _, masks = load_nuclei("train")
    return (torch.bincount(masks.flatten(), minlength=3) / masks.numel()).tolist()


def train(name, seed, steps=STEPS):
    """One training; its row."""
    head, lr, hold, gone = RECIPES[name]
    seed_everything(seed)
    model = UNet(num_classes=3, channels=(8, 16, 32, 64))
    model.head.weight.data *= head / 0.3
    loss = combined_loss if hold is None else FadingWeights(shares(), hold=hold, gone=gone)
    history = fit(model, load_nuclei("train"), load_nuclei("val"), steps=steps, crop=CROP, lr=lr,
                  loss=loss, augment=Augment(), seed=seed, bf16=False, val_every=steps, progress=False)
    said = [a / b for a, b in zip(history.val_predicted[-1], history.val_true[-1])]
    numbers = [history.loss[0], history.val_dice[-1], *history.val_class_dice[-1], *said]
    return [name, head, lr, "" if hold is None else min(hold, 1), "" if gone is None else min(gone, 1),
            seed, steps, CROP, *(f"{number:.4f}" for number in numbers), version("torch")]


def main():
    torch.set_num_threads(1)
    done = set()
    if TABLE.exists():
        with TABLE.open(encoding="utf-8", newline="") as file:
            done = {(row["recipe"], int(row["seed"])) for row in csv.DictReader(file)}
    else:
        TABLE.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    for name in RECIPES:
        for seed in SEEDS[name]:
            if (name, seed) not in done:
                start = time.process_time()
                row = train(name, seed)
                with TABLE.open("a", encoding="utf-8", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(row)
                print(f"{time.process_time() - start:.0f} s", *row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
