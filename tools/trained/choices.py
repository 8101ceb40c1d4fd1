"""What to change in a training: one factor at a time, five seeds, each score on each field.

``python -m tools.trained.choices`` trains what is missing in ``data/results/choices.csv``, and
``python -m tools.trained.choices scoreboard`` in ``data/results/scoreboard.csv``: two thresholds, and
networks that see more and more, up to U-Net. ``context`` in place of ``scoreboard``: networks
with about as many weights as its three blocks, in ``data/results/context.csv``. ``starts``: other
first weights, in ``data/results/starts.csv``. One thread;
stopped, it goes on. To choose, `val` is there; `test` and `shifted` are scored at the end, once,
and choose nothing. What the first seed makes of a piece of `val` is kept in
``data/results/pieces.npz``, for pictures; so is a film of a training (``python -m
tools.trained.choices film``).
"""

import csv
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from skimage.filters import gaussian
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tools.trained.recipes import shares
from unet_course import (
    Augment,
    UNet,
    dice_score,
    fit,
    label_nuclei,
    load_instances,
    load_nuclei,
    object_f1,
    predict,
    seed_everything,
)
from unet_course.data.files.saving import written
from unet_course.data.nuclei import DATA
from unet_course.losses import FadingWeights, combined_loss, cross_entropy
from unet_course.tracing import parameter_count
from unet_course.training.ablations import no_skip, with_skips
from unet_course.training.checkpoints import blocks_alone

BASE = {"steps": 200, "batch_size": 8, "crop": 96, "width": 8, "lr": 1e-2,
        "loss": "weights that fade", "augment": Augment()}
# name: what is not as in BASE
CHOICES = {
    "base": {},
    "no augmentation": {"augment": None},
    "also zoomed and turned": {"augment": Augment(scale=0.25)},
    "also elastic": {"augment": Augment(elastic=2.0)},
    "augmented without noise": {"augment": Augment(noise=0)},
    "cross-entropy": {"loss": "cross-entropy"},
    "cross-entropy + Dice loss": {"loss": "cross-entropy + Dice loss"},
    "learning rate 0.001": {"lr": 1e-3},
    "learning rate 0.03": {"lr": 3e-2},
    "width 16": {"width": 16},
    "width 16, half the steps": {"width": 16, "steps": 100},
    "400 steps": {"steps": 400},
    "800 steps": {"steps": 800},
    "batch of 4": {"batch_size": 4},
    "crop 64": {"crop": 64},
    "averaged weights": {"decay": 0.98},
}


def small_unet():
    return UNet(num_classes=3, channels=(8, 16, 32, 64))


# name: (how it is made, how many pixels it sees across)
SCOREBOARD = {
    "threshold": (None, 9),  # a blur is cut off at four sigma
    "local threshold": (None, 161),
    "one block, augmented": (lambda: blocks_alone([16]), 5),
    "one block, not augmented": (lambda: blocks_alone([16]), 5),
    "three blocks, 13 pixels": (lambda: blocks_alone([16, 16, 16]), 13),
    "a U without skips": (lambda: with_skips(no_skip, channels=(8, 16, 32, 64)), 68),
    "U-Net": (small_unet, 68),
    "three blocks, 52 channels": (lambda: blocks_alone([52, 52, 52]), 13),  # about as many weights as U-Net
}
# With about as many weights as the three blocks (11,907), and another sight; and these without augmentation.
CONTEXT = {
    "three blocks, not augmented": (lambda: blocks_alone([16, 16, 16]), 13),
    "one block, 35 channels": (lambda: blocks_alone([35]), 5),
    "a U, 2 to 20 channels": (lambda: UNet(num_classes=3, channels=(2, 5, 10, 20)), 68),
}
STARTS = ("He, fan-out", "torch's own")  # first weights; the base of CHOICES has He's, fan-in
SCORES = [f"{split}_{score}" for split in ("val", "test", "shifted")
          for score in ("dice", "boundary", "said", "f1", "f1_cut")]
SEEDS = range(5)


def trained(model, seed, *, steps, batch_size, crop, lr, loss, augment, decay=None):
    """One training: CPU seconds. With `decay` the weights end as their moving average."""
    loss = {"weights that fade": FadingWeights(shares(load_nuclei("train")[1])), "cross-entropy": cross_entropy,
            "cross-entropy + Dice loss": combined_loss}[loss]
    start = time.process_time()
    average = decay and AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay),
                                      use_buffers=True)  # of batch norm, too
    fit(model, load_nuclei("train"), steps=steps, batch_size=batch_size, crop=crop, lr=lr,
        loss=loss, augment=augment, seed=seed, bf16=False, progress=False,
        on_step=average and (lambda number, now, loss: average.update_parameters(now)))
    if average:
        model.load_state_dict(average.module.state_dict())
    return time.process_time() - start


def scored(model):
    """All scores, as SCORES names them."""
    found = []
    for split in ("val", "test", "shifted"):
        (image,), (mask,) = load_nuclei(split)
        classes, truth = predict(model, image).argmax(dim=0), load_instances(split)[0]
        found += [dice_score(classes > 0, mask > 0), dice_score(classes == 1, mask == 1),
                  float((classes == 1).sum() / (mask == 1).sum()),
                  object_f1(label_nuclei(classes), truth),
                  object_f1(label_nuclei(classes, split=True), truth)]
    return [f"{number:.4f}" for number in found]


def choice(name, seed):
    options = {**BASE, **CHOICES[name]}
    seed_everything(seed)
    width = options.pop("width")
    model = UNet(num_classes=3, channels=tuple(width * 2**k for k in range(4)))
    cpu = trained(model, seed, **options)
    if seed == 0:
        keep(name, predict(model, load_nuclei("val")[0][0]).argmax(dim=0)[PIECE])
    return [name, seed, options["steps"], f"{cpu:.1f}", parameter_count(model), *scored(model)]


def of_the_board(name, seed):
    """A trained network of SCOREBOARD or CONTEXT, and its CPU seconds."""
    seed_everything(seed)
    model = {**SCOREBOARD, **CONTEXT}[name][0]()
    options = {key: value for key, value in BASE.items() if key != "width"}
    options["steps"] = 600
    options["augment"] = None if name.endswith("not augmented") else Augment()
    return model, trained(model, seed, **options)


def row(name, seed):
    make, sees = {**SCOREBOARD, **CONTEXT}[name]
    if make is None:
        return threshold_row(name)
    model, cpu = of_the_board(name, seed)
    if seed == 0 and name in SCOREBOARD:
        keep(name, predict(model, load_nuclei("val")[0][0]).argmax(dim=0)[PIECE])
    return [name, seed, sees, 600, f"{cpu:.1f}", parameter_count(model), *scored(model)]


def started(name, seed):
    """The base of CHOICES from other first weights."""
    seed_everything(seed)
    model = small_unet()
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            layer.reset_parameters()  # as torch does, if an initialisation is never called
            if name == "He, fan-out":
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
    if name == "He, fan-out":
        model.head.weight.data *= 0.3  # as in the base
    options = {key: value for key, value in BASE.items() if key != "width"}
    cpu = trained(model, seed, **options)
    return [name, seed, BASE["steps"], f"{cpu:.1f}", parameter_count(model), *scored(model)]


def threshold_row(name):
    """The image that a network gets, smoothed; a threshold chosen on `train` by its Dice.

    A local one has a wide blur taken away first. Its width is chosen in the same way: 5, 10, 15,
    20, 30, 40, 60, 80 have a Dice of 0.788, 0.905, 0.934, 0.944, 0.942, 0.941, 0.940, 0.939.
    """
    local = name == "local threshold"
    smooth = {split: flattened(split) if local else smoothed(split)
              for split in ("train", "val", "test", "shifted")}
    drawn = load_nuclei("train")[1][0] > 0
    levels = [level / 200 for level in range(1, 60)] if local else [level / 100 for level in range(5, 60)]
    best = max(levels, key=lambda level: dice_score(smooth["train"] > level, drawn))
    found = []
    for split in ("val", "test", "shifted"):
        mask, truth = smooth[split] > best, load_instances(split)[0]
        classes = 2 * mask
        found += [dice_score(mask, load_nuclei(split)[1][0] > 0), 0.0, 0.0,
                  object_f1(label_nuclei(classes), truth),
                  object_f1(label_nuclei(classes, split=True), truth)]
    keep(name, 2 * smooth["val"][PIECE].gt(best))
    return [name, 0, SCOREBOARD[name][1], best, "0", 2 if local else 1, *(f"{number:.4f}" for number in found)]


def smoothed(split, sigma=1.0):
    return torch.from_numpy(gaussian(load_nuclei(split)[0][0, 0].double().numpy(), sigma))


def flattened(split):
    return smoothed(split) - smoothed(split, 20.0)


PIECE = slice(300, 396), slice(100, 244)  # of the validation block: nuclei with their neighbours


def keep(name, classes):
    """Keep the classes of the piece, beside those of other names."""
    path = DATA / "results" / "pieces.npz"
    held = dict(np.load(path, allow_pickle=False)) if path.exists() else {}
    with written(path) as beside, open(beside, "wb") as file:
        np.savez_compressed(file, **{**held, name: torch.as_tensor(classes).numpy().astype("uint8")})


def film():
    """What the base makes of the piece while it learns, and before."""
    seed_everything(0)
    model, image = small_unet(), load_nuclei("val")[0]
    keep("step 0", predict(model, image[0]).argmax(dim=0)[PIECE])
    numbers = (1, 5, 10, 20, 40, 80, 120, 160, 200)

    def watch(number, model, loss):
        if number in numbers:
            keep(f"step {number}", predict(model, image[0]).argmax(dim=0)[PIECE])

    fit(model, load_nuclei("train"), steps=BASE["steps"], crop=BASE["crop"], lr=BASE["lr"],
        augment=Augment(), bf16=False, progress=False, on_step=watch)


def main(arguments):
    torch.set_num_threads(1)
    if arguments == ["film"]:
        return film()
    if arguments in (["scoreboard"], ["context"]):
        (table,), names = arguments, SCOREBOARD if arguments == ["scoreboard"] else CONTEXT
        run, first = row, ["network", "seed", "sees"]
    elif arguments == ["starts"]:
        table, names, run, first = "starts", STARTS, started, ["start", "seed"]
    else:
        table, names, run, first = "choices", CHOICES, choice, ["choice", "seed"]
    path = DATA / "results" / f"{table}.csv"
    if not path.exists():
        columns = [*first, "steps", "cpu_seconds", "parameters", *SCORES, "torch"]
        path.write_text(",".join(columns) + "\n", encoding="utf-8")
    with path.open(encoding="utf-8", newline="") as file:
        done = {(line[0], int(line[1])) for line in list(csv.reader(file))[1:]}
    for seed in SEEDS:  # seed by seed, so that what is stopped has each row as often
        for name in names:
            if (name, seed) not in done and (seed == 0 or not name.endswith("threshold")):
                line = [*run(name, seed), version("torch")]
                with path.open("a", encoding="utf-8", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(line)
                print(*line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
