"""Kill trainings and predictions at random moments: after each, the same again must give what an uninterrupted one gives.

``python -m tools.hard.kills_project 100`` prints what was counted.
"""

import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from tools.hard.forks import Forks
from unet_course.data.files.images import read_pages, write_image
from unet_course.own_data.run import CARD, CHECKPOINT, CONFIG, HISTORY, WEIGHTS

# The first optimiser imports torch._dynamo, which takes longer than such a training.
MODULES = ["unet_course.own_data.train", "tools.hard.kills_project", "torch._dynamo", "tifffile", "PIL.PngImagePlugin",
           "PIL.TiffImagePlugin", "skimage.measure", "skimage.segmentation", "skimage.morphology", "scipy.ndimage"]
OPTIONS = dict(steps=12, channels=(2, 4), crop=16, batch_size=2, bf16=False, save_every=2, kind="labels", progress=False)


def make_folder(folder, *, pictures=5, side=48, seed=0):
    """A folder of small pictures with numbered objects, one of them a stack of two pages."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for index in range(pictures):
        pages = []
        for _ in range(2 if index == 0 else 1):
            mask = np.zeros((side, side), np.uint16)
            for number, place in enumerate(rng.permutation(9)[: 3 + (index + len(pages)) % 5], start=1):  # none touch
                y, x = (int((k + 0.5) * side / 3) for k in divmod(place, 3))
                mask[(rows - y) ** 2 + (columns - x) ** 2 < (side / rng.uniform(7, 10)) ** 2] = number
            pages.append((rng.normal(60 + 120 * (mask > 0), 20).clip(0, 255).astype(np.uint8), mask))
        for part, arrays in zip(("images", "masks"), zip(*pages)):
            write_image(folder / part / (f"cell{index}.png" if index else "stack.tif"), list(arrays))
    return folder


def kill_training(times, seed=0):
    """Kill a training `times` times, and finish each.

    Every other kill hits a training that goes on after an earlier kill.

    Parameters
    ----------
    times : int
        Kills that hit a running training.
    seed : int
        Of the moments.

    Returns
    -------
    dict
        ``kills``; how many hit it ``looking``, ``training``, ``ending`` or ``ended``; ``half_files`` under a final name;
        ``other_results``, where the same command again failed or gave other weights, history, config or card;
        ``left_behind``, where it left a half-written file there; ``cpu_seconds`` of all trainings.
    """
    with tempfile.TemporaryDirectory() as place, Forks(MODULES) as forks:
        data = str(make_folder(Path(place) / "data"))

        def begin(folder):
            forks.start("tools.hard.kills_project:train_one", data, str(folder))

        return _kill(times, seed, Path(place), forks, begin, _phase_of_training, _run_folder)


def kill_prediction(times, seed=0):
    """Kill a prediction `times` times, and finish each; what comes back is as for `kill_training`.

    A prediction is hit ``looking``, ``segmenting`` or ``ended``.
    """
    with tempfile.TemporaryDirectory() as place, Forks(MODULES) as forks:
        data = make_folder(Path(place) / "data")
        images, run = make_folder(Path(place) / "new", pictures=12, seed=1) / "images", Path(place) / "run"
        forks.start("tools.hard.kills_project:train_one", str(data), str(run))
        if forks.wait():
            raise RuntimeError("a training that nobody killed ended with an error")

        def begin(folder):
            forks.start("tools.hard.kills_project:predict_one", str(run), str(images), str(folder))

        return _kill(times, seed, Path(place), forks, begin, _phase_of_prediction, _mask_folder)


def _kill(times, seed, place, forks, begin, phase, contents):
    def finish(folder):
        begin(folder)
        return forks.wait()

    draw, counts, durations = random.Random(seed), {"kills": 0}, []
    for number in range(4):
        start = time.perf_counter()
        if finish(whole := place / f"whole{number}" / "out"):  # the same name everywhere: a card tells it
            raise RuntimeError("one that nobody killed ended with an error")
        durations.append(time.perf_counter() - start)
    wanted, duration, state = contents(whole), statistics.median(durations[1:]), place / "state" / "out"
    counts |= {"half_files": 0, "other_results": 0, "left_behind": 0}
    while counts["kills"] < times:
        begin(state)
        time.sleep(draw.uniform(0, duration))
        forks.kill()
        if forks.wait() == -9:
            counts["kills"] += 1
            counts[phase(state)] = counts.get(phase(state), 0) + 1
            counts["half_files"] += not _sound(state, contents, wanted)
            again = place / "again" / "out"
            if state.exists():
                shutil.copytree(state, again)
                for part in again.glob("*.part"):
                    os.utime(part, (0, 0))  # its writer has been gone for long
            failed = finish(again)
            other = sorted(name for name, value in contents(again).items() if wanted.get(name) != value)
            if failed or other or contents(again).keys() != wanted.keys():
                print(f"after a kill while {phase(state)}: exit code {failed}, other: {other}", file=sys.stderr)
                counts["other_results"] += 1
            counts["left_behind"] += bool(list(again.glob(".*.part")) + list(again.glob("*.part")))
            shutil.rmtree(again, ignore_errors=True)
        if state.exists() and draw.random() < 0.5:
            shutil.rmtree(state)
    counts["cpu_seconds"] = round(forks.cpu_seconds, 1)
    return counts


def _sound(folder, contents, wanted):
    """Whether every file under its final name is whole; all but those that are written again and again are final."""
    try:
        found = contents(folder)
    except Exception as error:  # torch raises many kinds for a damaged file
        print(f"half: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    return all(wanted.get(name) == value for name, value in found.items() if name not in (CHECKPOINT, "predictions.json"))


def _run_folder(folder):
    """What stands in a run's folder, read and comparable."""
    readers = {".pt": _tensors, ".json": lambda path: json.loads(path.read_text(encoding="utf-8")), ".md": Path.read_bytes}
    found = {}
    for path in [folder / name for name in (CONFIG, CHECKPOINT, WEIGHTS, HISTORY, CARD)]:
        if path.exists():
            found[path.name] = readers[path.suffix](path)
    return found


def _tensors(path):
    def plain(value):
        if isinstance(value, torch.Tensor):
            return value.numpy().tobytes()
        return {key: plain(part) for key, part in value.items()} if isinstance(value, dict) else str(value)

    return plain(torch.load(path, weights_only=True))


def _mask_folder(folder):
    """Bytes of each mask that is there, after all of its pages were read."""
    found = {}
    for path in sorted(folder.glob("[!.]*")) if folder.exists() else []:
        if path.suffix == ".json":
            found[path.name] = json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix != ".part":
            found[path.name] = path.read_bytes(), sum(1 for _ in read_pages(path))
    return found


def _phase_of_training(folder):
    if (folder / WEIGHTS).exists():
        return "ended"
    if (folder / HISTORY).exists():
        return "ending"
    return "training" if (folder / CONFIG).exists() else "looking"


def _phase_of_prediction(folder):
    masks = _mask_folder(folder)
    if not masks:
        return "looking"
    return "ended" if len(masks) == 13 else "segmenting"


def train_one(data, run):
    """A training, in the process that is killed."""
    from unet_course.own_data.train import train

    train(data, run, **OPTIONS)


def predict_one(run, images, out):
    """A prediction, in the process that is killed."""
    from unet_course.own_data.train import predict_files

    predict_files(run, images, out, progress=False)


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print("training", kill_training(number))
    print("prediction", kill_prediction(number))
