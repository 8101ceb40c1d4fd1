"""Quality per minute: what each choice in the training of notebook 06 is worth, one change at a time, over seeds.

The last rows use the recipe unchanged on a task that it was not made on: cell walls, drawn here, two classes.
"""

import concurrent.futures
import functools
import os
import statistics
import time

import numpy as np
import torch
from scipy import ndimage
from skimage.measure import label

from benchmarks.loops import nuclei, plain_loop
from benchmarks.measuring import in_process
from unet_course import Augment, UNet, dice_score, fit, predict, seed_everything
from unet_course.losses import combined_loss, cross_entropy, dice_loss
from unet_course.metrics.objects import rand_f_score
from unet_course.metrics.scoring import score_split

BASE = {"width": 8, "steps": 450, "augment": {}, "lr": 3e-3}
RECIPE = {**BASE, "steps": 1200}  # what two minutes on two cores hold, with room to spare
# name: what differs from BASE. Options that `fit` does not have are run by the plain loop.
ROWS = {
    "450 steps, augmentation": {},
    "no augmentation": {"augment": None},
    "also zoomed and turned (scale 0.25)": {"augment": {"scale": 0.25}},
    "also zoomed, turned and warped (elastic 3)": {"augment": {"scale": 0.25, "elastic": 3.0}},
    "cross-entropy alone": {"loss": "cross-entropy"},
    "boundary class weighs 3": {"loss": "boundary"},
    "learning rate 1e-3": {"lr": 1e-3},
    "learning rate 1e-2": {"lr": 1e-2},
    "learning rate constant": {"constant": True},
    "learning rate constant, EMA of the weights 0.98": {"constant": True, "average": 0.98},
    "EMA of the weights 0.98": {"average": 0.98},
    "width 4": {"width": 4},
    "width 16": {"width": 16},
    "width 16, 225 steps": {"width": 16, "steps": 225},
    "bfloat16": {"bf16": True},
    "900 steps": {"steps": 900},
    "900 steps, no augmentation": {"steps": 900, "augment": None},
    "900 steps, constant, EMA 0.98": {"steps": 900, "constant": True, "average": 0.98},
    "1200 steps": {"steps": 1200},
    "1800 steps": {"steps": 1800},
}
GOALS = {"test f1": 0.95, "shifted f1": 0.70}


def main(quick=False, seeds=3):
    """Train everything, one process for each core; return what results/recipe.json holds."""
    settings = {name: {**BASE, **change} for name, change in ROWS.items()}
    if quick:
        settings = {name: {**s, "steps": 2, "width": 4} for name, s in list(settings.items())[:2]}
    jobs = [(name, seed) for name in settings for seed in range(1 if quick else seeds)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(lambda job: told(job, in_process("recipe:scored", seed=job[1], **settings[job[0]])), jobs))
        walls = list(pool.map(lambda seed: told(("cell walls", seed), in_process("recipe:cell_walls", seed=seed, quick=quick)),
                              range(1 if quick else seeds)))
    alone = [told(("recipe on all cores", 0), in_process("recipe:both_cores", steps=2 if quick else RECIPE["steps"]))]
    return {"rows": [{"name": name, "seed": seed, **row} for (name, seed), row in zip(jobs, rows)], "cell_walls": walls,
            "all_cores": alone[0]}


def told(job, row):
    print(" ", *job, row, flush=True)
    return row


def train(data, classes=3, *, seed, width, steps, lr, augment, loss="both", bf16=False, constant=False, average=0.0):
    """One training by its settings; returns the network."""
    seed_everything(seed)
    model = UNet(num_classes=classes, channels=tuple(width * 2**level for level in range(4)))
    augment = None if augment is None else Augment(**augment)
    if constant or average:
        model.to(memory_format=torch.channels_last)
        return plain_loop(model, data, steps=steps, seed=seed, lr=lr, augment=augment, constant=constant, average=average)
    losses = {"cross-entropy": {"loss": cross_entropy}, "boundary": {"loss": boundary_first}, "both": {"loss": combined_loss}}
    fit(model, data, steps=steps, seed=seed, lr=lr, augment=augment, bf16=bf16, progress=False, **losses[loss])
    return model


def boundary_first(logits, target):
    """Cross-entropy in which a pixel of the boundary counts three times, and Dice."""
    return cross_entropy(logits, target, weight=(1, 3, 1)) + dice_loss(logits, target)


def scored(seed, **settings):
    """Train on one thread and score; runs in a process of its own."""
    torch.set_num_threads(1)
    data, start = nuclei(), time.process_time()
    model = train(data, seed=seed, **settings)
    spent = round(time.process_time() - start, 1)
    return {"cpu": spent, **{f"{split} {key}": round(value, 4) for split in ("val", "test", "shifted")
                             for key, value in score_split(model, split).items()}}


def both_cores(steps):
    """Seconds that the recipe takes when nothing else runs: by the clock, and of all cores together."""
    data, cpu, wall = nuclei(), time.process_time(), time.perf_counter()
    train(data, seed=0, **{**RECIPE, "steps": steps})
    return {"cpu": round(time.process_time() - cpu, 1), "wall": round(time.perf_counter() - wall, 1),
            "threads": torch.get_num_threads()}


def cell_walls(seed, quick=False):
    """The recipe on a picture of another kind: dark walls between bright cells, two classes, 0 wall and 1 cell.

    Drawn, not photographed: cells are the surroundings of random points, walls have gaps in contrast, some vesicles
    inside the cells are as dark as walls, and there is noise. It shows that nothing in the recipe needs nuclei, not how
    well it does on any tissue.
    """
    torch.set_num_threads(1)
    (train_image, train_cells), (test_image, test_cells) = drawn_walls(100 + seed), drawn_walls(200 + seed)
    data = train_image[None, None], (train_cells > 0)[None].long()
    model = train(data, classes=2, seed=seed, **{**RECIPE, "steps": 2 if quick else RECIPE["steps"]})
    found = predict(model, test_image[None]).argmax(dim=0)
    return {"seed": seed, "dice of walls": round(dice_score(found == 0, test_cells == 0), 4),
            "rand f": round(rand_f_score(label(found.numpy(), connectivity=1), test_cells), 4),
            "rand f of a threshold": round(best_threshold(test_image, test_cells), 4)}


def drawn_walls(seed, side=512, cells=150):
    """An image (512, 512) between 0 and 1 and its cells, numbered, 0 in the walls."""
    random = np.random.default_rng(seed)
    places = random.integers(0, side, (cells, 2))
    grid = np.full((side, side), True)
    grid[tuple(places.T)] = False
    _, nearest = ndimage.distance_transform_edt(grid, return_indices=True)
    number = np.zeros((side, side), dtype=np.int64)
    number[tuple(places.T)] = np.arange(1, cells + 1)
    number = number[tuple(nearest)]
    walls = ndimage.maximum_filter(number, 3) != ndimage.minimum_filter(number, 3)
    contrast = 0.25 + 0.5 * np.clip(ndimage.gaussian_filter(random.normal(size=(side, side)), 12) * 20 + 0.5, 0, 1)
    vesicles = np.zeros((side, side))
    vesicles[tuple(random.integers(0, side, (2, 2 * cells)))] = 1
    vesicles = ndimage.gaussian_filter(vesicles, 2) * 15
    image = 0.75 - contrast * ndimage.gaussian_filter(walls.astype(float), 1) - vesicles
    image = np.clip(image + random.normal(scale=0.1, size=image.shape), 0, 1)
    return torch.from_numpy(image).float(), torch.from_numpy(np.where(walls, 0, number))


def best_threshold(image, cells):
    """Rand F-score of the best of 30 thresholds of the smoothed image: what needs no training, chosen on the answer."""
    smooth = ndimage.gaussian_filter(image.numpy(), 1)
    score = functools.partial(rand_f_score, target=cells)
    return max(score(label(smooth > t, connectivity=1)) for t in np.linspace(*np.percentile(smooth, [2, 90]), 30))


def summary(rows):
    """One row for each name: mean, least and greatest of every score over the seeds, and CPU seconds."""
    table = []
    for name in dict.fromkeys(row["name"] for row in rows):
        runs = [row for row in rows if row["name"] == name]
        keys = ("cpu", "val dice", "test dice", "test f1", "shifted dice", "shifted f1", "shifted f1_split")
        table.append({"name": name, **{key: tuple(f(run[key] for run in runs) for f in (statistics.mean, min, max))
                                       for key in keys}})
    return table
