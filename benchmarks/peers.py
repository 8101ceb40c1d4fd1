"""The course's U-Net beside other people's: time, memory, the training loop, and scores after equal CPU time.

`main` runs in the course's environment and starts everything that is measured in the peers' one, see `environment.py`.
The functions above it are what runs there.
"""

import concurrent.futures
import functools
import math
import os
import time

import torch

from benchmarks import networks
from benchmarks.environment import peers_python
from benchmarks.loops import BATCH, CONTESTANTS, CROP, nuclei, seconds_per_step, train
from benchmarks.measuring import MIB, in_process, in_turns, memory_rise
from unet_course.losses import combined_loss
from unet_course.metrics.scoring import score_split

FORMATS = {"default": torch.contiguous_format, "channels_last": torch.channels_last}


def survey(sizes):
    """What can be built here, and why the others cannot."""
    return networks.survey(sizes)


def times(w, names, turns, least=0.3, side=512):
    """Rows of (task, network, format, CPU s, wall s): forward, and forward and backward, in float32, all in turns."""
    rows = []
    for task in ("forward", f"forward {side}", "forward and backward"):
        works = {}
        for name in names:
            for format, memory_format in FORMATS.items():
                model = networks.build(name, w).to(memory_format=memory_format)
                shape = (1, 1, side, side) if task.endswith(str(side)) else (BATCH, 1, CROP, CROP)
                x = torch.rand(shape, generator=torch.manual_seed(0)).to(memory_format=memory_format)
                works[name, format] = functools.partial(there_and_back if "backward" in task else forward, model, x)
        for (name, format), taken in in_turns(works, turns, least=least).items():
            rows.append({"task": task, "width": w, "network": name, "format": format, **taken})
    return rows


def forward(model, x):
    with torch.inference_mode():
        model.eval()(x)


def there_and_back(model, x):
    """Network and loss forward and backward, without the optimiser."""
    model.train().zero_grad(set_to_none=True)
    combined_loss(model(x), torch.ones(len(x), *x.shape[2:], dtype=torch.int64)).backward()


def step_memory(contestant, w, steps=3):
    """MiB by which some training steps raise the memory of a new process, network and optimiser included."""
    nuclei()
    return memory_rise(lambda: train(contestant, w, steps=steps)) / MIB


def loop_speed(w, contestants, steps, turns):
    """Rows of (contestant, CPU s and wall s for a step, images per CPU second and per second), in turns."""
    works = {}
    for contestant in contestants:
        model = networks.build(CONTESTANTS[contestant][0], w)
        works[contestant] = functools.partial(train, contestant, w, steps=steps, model=model)
    return [{"width": w, "contestant": name, "cpu": taken["cpu"] / steps, "wall": taken["wall"] / steps,
             "images_per_cpu_second": BATCH * steps / taken["cpu"], "images_per_second": BATCH * steps / taken["wall"]}
            for name, taken in in_turns(works, turns).items()]


def quality(contestant, w, budget, seed, trial=20):
    """Scores after `budget` CPU seconds on one thread: the steps that fit in are counted first, so the schedule ends there."""
    torch.set_num_threads(1)
    steps = max(math.floor(budget / seconds_per_step(contestant, w, trial)), 1)
    model = networks.build(CONTESTANTS[contestant][0], w, seed)
    start = time.process_time()
    train(contestant, w, steps=steps, seed=seed, model=model)
    used = time.process_time() - start
    ready = networks.for_scoring(CONTESTANTS[contestant][0], model)
    scores = {f"{split} {key}": round(score_split(ready, split)[key], 4)
              for split in ("test", "shifted") for key in ("dice", "f1")}
    return {"contestant": contestant, "width": w, "budget": budget, "seed": seed, "steps": steps,
            "cpu": round(used, 1), **scores}


def main(quick=False, seeds=3):
    """Measure everything; return what results/peers.json holds."""
    call = functools.partial(in_process, python=peers_python())
    widths = [8] if quick else [8, 32]
    result = {"machine": call("storing:machine"), "networks": call("peers:survey", sizes=widths),
              "times": [], "memory": [], "loops": [], "quality": []}
    for name, entry in result["networks"].items():
        print(f"{name} {entry['version']}: {entry.get('parameters') or entry['reason']}", flush=True)
    here = [name for name, entry in result["networks"].items() if "parameters" in entry]
    racing = [name for name, (network, _) in CONTESTANTS.items() if network in here[: 2 if quick else None]]
    for w in widths:
        speed(result, call, w, here, racing, quick)
    jobs = [(name, budget, seed) for seed in range(1 if quick else seeds) for budget in ([1] if quick else [60, 120])
            for name in racing if name != "ours, fit in float32"]

    def score(job):
        name, budget, seed = job
        row = call("peers:quality", contestant=name, w=8, budget=budget, seed=seed, trial=2 if quick else 20)
        tell(result["quality"], [row], "contestant", "steps", "cpu", "test dice", "test f1")

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # one thread each, and as many at once as cores
        list(pool.map(score, jobs))
    result["quality"].sort(key=lambda row: (row["seed"], row["budget"], racing.index(row["contestant"])))
    return result


def speed(result, call, w, here, racing, quick):
    """Everything of one width but the scores."""
    tell(result["times"], call("peers:times", w=w, names=here, turns=2 if quick else 15 if w == 8 else 7,
                               least=0.0 if quick else 0.3, side=64 if quick else 512), "task", "network", "format", "cpu")
    for name in racing:
        mib = call("peers:step_memory", contestant=name, w=w, steps=1 if quick else 3)
        tell(result["memory"], [{"width": w, "contestant": name, "mib": round(mib, 1)}], "contestant", "mib")
    steps, turns = (2, 1) if quick else (10 if w == 8 else 5, 5)
    tell(result["loops"], call("peers:loop_speed", w=w, contestants=racing, steps=steps, turns=turns),
         "contestant", "images_per_cpu_second", "images_per_second")


def tell(into, rows, *keys):
    """Keep rows, and print the parts of them that one wants to see while it runs."""
    into += rows
    for row in rows:
        print(" ", *(f"{row[key]:.4g}" if isinstance(row[key], float) else row[key] for key in keys), flush=True)
