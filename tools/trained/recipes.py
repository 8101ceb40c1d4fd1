"""How a rare class is learned: trainings with other losses, weights and learning rates, one row each.

``python -m tools.trained.recipes`` trains what is missing in ``data/results/recipes.csv``, one thread,
a few seconds each; stopped, it goes on. All are scored on the validation block, and on nothing else.
``python -m tools.trained.recipes elsewhere`` does the same with the first two of them on other tasks,
in ``data/results/recipes_elsewhere.csv``.
"""

import csv
import sys
import time
from importlib.metadata import version

import torch

from unet_course import Augment, UNet, fit, load_nuclei, seed_everything
from unet_course.data.nuclei import DATA
from unet_course.data.walls import cell_walls
from unet_course.losses import FadingWeights, combined_loss

TABLE = DATA / "results" / "recipes.csv"
ELSEWHERE = TABLE.with_name("recipes_elsewhere.csv")
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
OUTPUTS = {"two classes": 2, "cell walls": 2, "a class that is absent": 4}  # of the network, on other tasks


def load(task, split):
    """Images and masks of a split, of the nuclei or of another task."""
    if task == "cell walls":
        first = {"train": 0, "val": 100}[split]
        drawn = [cell_walls(256, generator=torch.Generator().manual_seed(first + k)) for k in range(4)]
        images, masks, _ = map(torch.stack, zip(*drawn))
        return images, masks
    images, masks = load_nuclei(split)
    return images, masks.clamp(max=1) if task == "two classes" else masks  # nuclei with their rims


def shares(masks):
    return (torch.bincount(masks.flatten()) / masks.numel()).tolist()


def trained(name, seed, steps=STEPS, task="nuclei"):
    """A trained network, and its history."""
    head, lr, hold, gone = RECIPES[name]
    seed_everything(seed)
    model = UNet(num_classes=OUTPUTS.get(task, 3), channels=(8, 16, 32, 64))
    model.head.weight.data *= head / 0.3
    images, masks = load(task, "train")
    loss = combined_loss if hold is None else FadingWeights(shares(masks), hold=hold, gone=gone)
    history = fit(model, (images, masks), load(task, "val"), steps=steps, crop=CROP, lr=lr, loss=loss,
                  augment=Augment(), seed=seed, bf16=False, val_every=steps, progress=False)
    return model, history


def train(name, seed, steps=STEPS):
    """One training; its row."""
    head, lr, hold, gone = RECIPES[name]
    history = trained(name, seed, steps)[1]
    said = [a / b for a, b in zip(history.val_predicted[-1], history.val_true[-1])]
    numbers = [history.loss[0], history.val_dice[-1], *history.val_class_dice[-1], *said]
    return [name, head, lr, "" if hold is None else min(hold, 1), "" if gone is None else min(gone, 1),
            seed, steps, CROP, *(f"{number:.4f}" for number in numbers), version("torch")]


def number(value, digits):
    """A number as it stands in a table; nothing where a class is neither drawn nor said."""
    return "" if value is None else f"{value:.{digits}f}"


def elsewhere(seeds=range(5)):
    """The chosen recipe and the one before it, on other tasks: a row for each class of each training."""
    columns = "task,recipe,seed,steps,class,dice,said,true,torch"
    if not ELSEWHERE.exists():
        ELSEWHERE.write_text(columns + "\n", encoding="utf-8")
    with ELSEWHERE.open(encoding="utf-8", newline="") as file:
        done = {(row["task"], row["recipe"], int(row["seed"])) for row in csv.DictReader(file)}
    wanted = [(task, name, seed) for seed in seeds for task in OUTPUTS for name in list(RECIPES)[:2]]
    for task, name, seed in wanted:
        if (task, name, seed) in done:
            continue
        history = trained(name, seed, task=task)[1]
        dice, said, true = (part[-1] for part in (history.val_class_dice, history.val_predicted,
                                                  history.val_true))
        with ELSEWHERE.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [task, name, seed, STEPS, k, number(dice[k], 4), number(said[k], 5),
                 number(true[k], 5), version("torch")] for k in range(len(dice)))
        print(task, name, seed, *(number(score, 3) for score in dice), flush=True)
    return 0


def main(arguments):
    torch.set_num_threads(1)
    if arguments == ["elsewhere"]:
        return elsewhere()
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
    sys.exit(main(sys.argv[1:]))
