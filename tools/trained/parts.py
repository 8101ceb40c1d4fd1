"""What each part of U-Net is worth, on two tasks: one factor at a time, each score at several times.

``python -m tools.trained.parts`` trains what is missing in ``data/results/parts.csv``, in the order
of PLAN, or the groups that are named; one thread; stopped, it goes on with the next training.
Nuclei are the course's, cell walls are drawn. `val` is scored on the way; `test` and `shifted` once,
at the end, and choose nothing. ``python -m tools.trained.parts times`` measures the steps, all
networks in turn, into ``data/results/times.csv``: for a quiet machine. ``python -m
tools.trained.parts pictures`` keeps what two networks find on walls, for pictures.
"""

import csv
import statistics
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from skimage.measure import label

from unet_course import (
    Augment,
    fit,
    label_nuclei,
    load_instances,
    load_nuclei,
    object_f1,
    predict,
    seed_everything,
)
from unet_course.data.nuclei import DATA
from unet_course.data.walls import cell_walls
from unet_course.dcsau import DCSAUNet
from unet_course.family import AttentionUNet, DenseUNet, ResUNet, UNetPlusPlus, deep_supervision
from unet_course.losses import FadingWeights
from unet_course.metrics.objects import match_objects, rand_f_score
from unet_course.metrics.pixels import class_dice, confusion_matrix
from unet_course.tracing import parameter_count
from unet_course.training.ablations import VARIANTS, WIDTHS, unet

CROP, BATCH, SIDE, PICTURES = 101, 8, 256, 4  # an odd crop: the upper two skips are padded
HARDER = {"spacing": 22, "gaps": 0.25, "blur": 1.3, "noise": 0.12}  # the walls' `shifted`
FAMILY = {"ResUNet": ResUNet, "Attention U-Net": AttentionUNet, "U-Net++": UNetPlusPlus,
          "Dense U-Net": DenseUNet, "DCSAU-Net": DCSAUNet}
NARROW = "U-Net, half the channels"  # about as many weights as DCSAU-Net
SOME = ["skip after pool", "pad the upsampled", "depth 1", "depth 2", "depth 4",
        "torch's default init", "tiny init"]
OTHER = ["bilinear", "group norm", "no norm", "twice the width", "tiny init, no norm",
         "no augmentation"]
# On `val` twice 800 steps bring the base less than its seeds differ; on `test` the interior still rises.
PLAN = {  # group: (task, networks, seeds, steps of each training)
    "skips": ("walls", ["base", "no skips"], range(5), [600]),
    "plateau": ("nuclei", ["base"], range(10), [200, 400, 800, 1600]),
    "walls": ("walls", SOME, range(5), [600]),
    "nuclei": ("nuclei", ["base", "no skips", *SOME], range(5), [800]),
    "family": ("nuclei", list(FAMILY), range(5), [800]),
    "walls family": ("walls", list(FAMILY), range(5), [600]),
    "walls narrow": ("walls", [NARROW], range(5), [600]),
    "others": ("nuclei", OTHER, range(3), [800]),
}
SCORES = ["dice_1", "dice_2", "said_1", "said_2", "f1", "ap", "rand"]
COLUMNS = ["task", "network", "seed", "steps", "at", "cpu_seconds", "parameters",
           *(f"{split}_{score}" for split in ("val", "test", "shifted") for score in SCORES), "torch"]


def load(task, split):
    """Pictures, masks and the label images of their objects."""
    if task == "nuclei":
        return *load_nuclei(split), load_instances(split) if split != "train" else None
    first = 100 * ["train", "val", "test", "shifted"].index(split)
    options = HARDER if split == "shifted" else {}
    drawn = [cell_walls(SIDE, generator=torch.Generator().manual_seed(first + k), **options)
             for k in range(PICTURES)]
    return tuple(torch.stack(part) for part in zip(*drawn))


def make(task, name):
    """A new network, and the loss that it is trained with."""
    classes = {"nuclei": 3, "walls": 2}[task]
    masks = load(task, "train")[1]
    loss = FadingWeights((torch.bincount(masks.flatten()) / masks.numel()).tolist())
    if name == NARROW:
        return unet([count // 2 for count in WIDTHS], num_classes=classes), loss
    if name not in FAMILY:
        return VARIANTS[name].build(num_classes=classes), loss
    if name == "U-Net++":
        return UNetPlusPlus(num_classes=classes, channels=WIDTHS, deep_supervision=True), \
            deep_supervision(loss)
    return FAMILY[name](num_classes=classes, channels=WIDTHS), loss


def objects(task, classes):
    """Nuclei are pieces of what is no background, cells the pieces between the walls."""
    return label_nuclei(classes) if task == "nuclei" else label((classes == 0).numpy(), connectivity=1)


def score(task, model, split):
    """SCORES on one split; of several pictures the mean, but for the Dice and the shares."""
    images, masks, truths = load(task, split)
    count = 3 if task == "nuclei" else 2
    matrix, each = 0, []
    for image, mask, truth in zip(images, masks, truths):
        classes = predict(model, image).argmax(dim=0)
        matrix = matrix + confusion_matrix(classes, mask, count)  # rows: true, columns: said
        found, truth = objects(task, classes), torch.as_tensor(truth)
        hit = sum(row["found"] for row in match_objects(found, truth, iou=0.5))
        pieces, drawn = (len(set(torch.as_tensor(x).unique().tolist()) - {0}) for x in (found, truth))
        each.append([object_f1(found, truth), hit / max(pieces + drawn - hit, 1),
                     rand_f_score(found, truth)])
    dice, matrix = class_dice(matrix), torch.as_tensor(matrix).double()
    said = (matrix.sum(dim=0) / matrix.sum(dim=1)).tolist()
    numbers = [dice[1], dice[2] if count == 3 else "", said[1], said[2] if count == 3 else "",
               *(statistics.mean(column) for column in zip(*each))]
    return [number if number == "" else f"{number:.4f}" for number in numbers]


def train(task, name, seed, steps, add):
    """One trained network; `add` is given a row at a quarter, at half and at the end of it."""
    seed_everything(seed)
    model, loss = make(task, name)
    options = {"augment": Augment(), **(VARIANTS[name].training if name in VARIANTS else {})}
    spent, start = 0.0, time.process_time()

    def look(at, model, _):
        nonlocal spent, start
        if at not in (steps // 4, steps // 2, steps):
            return
        spent += time.process_time() - start
        with torch.random.fork_rng():
            shown = [score(task, model, split) if at == steps or split == "val" else [""] * len(SCORES)
                     for split in ("val", "test", "shifted")]
        add([task, name, seed, steps, at, f"{spent:.1f}", parameter_count(model),
             *sum(shown, []), version("torch").split("+")[0]])
        start = time.process_time()

    fit(model, load(task, "train")[:2], steps=steps, crop=CROP, batch_size=BATCH, loss=loss,
        seed=seed, bf16=False, progress=False, on_step=look, **options)
    return model


def pictures():
    """Keep the classes that two networks, of seed 0, give the first picture of walls of `val`."""
    image = load("walls", "val")[0][0]
    kept = {}
    for name in ("base", "no skips"):
        model = train("walls", name, 0, 600, lambda row: print(*row, flush=True))
        kept[name] = predict(model, image).argmax(dim=0).numpy().astype(np.uint8)
    np.savez_compressed(DATA / "results" / "walls.npz", **kept)


def times(rounds=5, steps=8):
    """Milliseconds of a training step of each network, all in turn; the median of the rounds."""
    names = [*VARIANTS, *FAMILY]
    spent = {name: [] for name in names}
    data = load("nuclei", "train")[:2]
    for _ in range(rounds):
        for name in names:
            seed_everything(0)
            model, loss = make("nuclei", name)
            marks = []
            fit(model, data, steps=steps + 2, crop=CROP, batch_size=BATCH, loss=loss, bf16=False,
                progress=False, on_step=lambda *_, to=marks: to.append(time.process_time()))
            spent[name].append(1000 * (marks[-1] - marks[1]) / steps)
    lines = [f"{name},{statistics.median(ms):.1f},{min(ms):.1f},{max(ms):.1f}"
             for name, ms in spent.items()]
    (DATA / "results" / "times.csv").write_text(
        "\n".join(["network,milliseconds,least,most", *lines]) + "\n", encoding="utf-8")


def main(arguments):
    torch.set_num_threads(1)
    if arguments in (["times"], ["pictures"]):
        return {"times": times, "pictures": pictures}[arguments[0]]()
    path = DATA / "results" / "parts.csv"
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")

    def done():
        with path.open(encoding="utf-8", newline="") as file:
            return {(row["task"], row["network"], int(row["seed"]), int(row["steps"]))
                    for row in csv.DictReader(file) if row["at"] == row["steps"]}

    for group in arguments or PLAN:
        task, names, seeds, lengths = PLAN[group]
        for seed in seeds:  # seed by seed, so that what is stopped has each row as often
            for name in names:
                for steps in lengths:
                    if (task, name, seed, steps) in done():
                        continue
                    rows = []
                    train(task, name, seed, steps, rows.append)
                    with path.open("a", encoding="utf-8", newline="") as file:
                        csv.writer(file, lineterminator="\n").writerows(rows)
                    print(*rows[-1], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
