"""What the options of `fit` gain: memory format, bfloat16, accumulation, `torch.compile`, two processes.

The same steps of the same network each time. What is compared is measured in turns in one process, and the least of the turns
counts, because other programs only ever add. Two processes have one thread each, one process has two. Memory is measured in
a new process for each option.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
import time

import torch

from benchmarks.measuring import MIB, ROOT, in_process, memory_rise
from unet_course import UNet, fit, load_nuclei, seed_everything
from unet_course.training.distributed import is_first, joined

BATCH, CROP, SHARED = 8, 128, "2 processes"
OPTIONS = {"plain": {"channels_last": False}, "channels_last": {}, "bf16": {"bf16": True}, "accumulate=2": {"accumulate": 2},
           "accumulate=4": {"accumulate": 4}, "compile": {"compile": True}}


def main(quick=False):
    """Measure all options; return what results/options.json holds."""
    channels, steps, turns = ([4], 1, 1) if quick else ([8, 16, 32, 64], 3, 5)
    with tempfile.TemporaryDirectory() as cache:  # nothing is compiled already
        rows = in_process("options:in_turns", channels=channels, steps=steps, turns=turns, cache=cache)
    rows[SHARED] = two_processes(channels, steps, turns)
    for name in OPTIONS:
        if name != "compile":  # what the compiler itself takes would hide the rest
            rows[name]["mib"] = in_process("options:memory", name=name, channels=channels)
    for name, row in rows.items():
        print(f"  {name}: {row.get('reason') or {key: round(value, 4) for key, value in row.items()}}", flush=True)
    load = round(os.getloadavg()[1], 1) if hasattr(os, "getloadavg") else None  # of the last five minutes
    return {"rows": rows, "load": load, "channels": channels, "batch": BATCH, "crop": CROP, "steps": steps, "turns": turns}


@functools.cache
def pictures():
    """Read once: reading is not what is compared."""
    return load_nuclei("val")


def train(model, steps, crop=CROP, **options):
    """(seconds by the clock, CPU seconds) of some steps."""
    cpu, wall = time.process_time(), time.perf_counter()
    fit(model, pictures(), steps=steps, batch_size=BATCH, crop=crop, progress=False, **{"bf16": False, **options})
    return time.perf_counter() - wall, time.process_time() - cpu


def network(channels):
    """The same first weights each time."""
    seed_everything(0)
    return UNet(num_classes=3, channels=channels)


def in_turns(channels, steps, turns, cache):
    """Seconds of a step for each option, and of the first call of `torch.compile`; runs in a process of its own."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
    torch.set_num_threads(2)
    models, taken, rows = {}, {name: [] for name in OPTIONS}, {}
    for name, options in OPTIONS.items():
        models[name] = network(channels)
        before = os.times()
        try:
            wall, cpu = train(models[name], 1, **options)
        except ValueError as error:
            rows[name] = {"reason": str(error)}
            continue
        after = os.times()
        children = after.children_user + after.children_system - before.children_user - before.children_system
        rows[name] = {"first wall": wall, "first cpu": cpu + children} if options.get("compile") else {}
    for _ in range(turns):
        for name, options in OPTIONS.items():
            if "reason" not in rows[name]:
                taken[name].append(train(models[name], steps, **options))
    for name, pairs in taken.items():
        if pairs:
            rows[name] |= {"wall": min(wall for wall, _ in pairs) / steps, "cpu": min(cpu for _, cpu in pairs) / steps}
    return rows


def memory(name, channels):
    """MiB by which a few steps raise this new process's memory."""
    torch.set_num_threads(2)
    pictures()
    model = network(channels)
    train(model, 1, **OPTIONS[name], crop=16)  # what the libraries keep for themselves is not the option's
    return round(memory_rise(lambda: train(model, 2, **OPTIONS[name])) / MIB, 1)


def two_processes(channels, steps, turns):
    """The row of two processes that share each batch; CPU seconds of both together."""
    arguments = json.dumps({"channels": channels, "steps": steps, "turns": turns})
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "benchmarks.options",
               arguments]
    calm = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, cwd=ROOT, env=calm, capture_output=True, encoding="utf-8")
    if done.returncode:
        return {"reason": (done.stderr.strip().splitlines() or ["torchrun failed"])[-1]}
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


def one_of_two(channels, steps, turns):
    """What torchrun starts, twice."""
    torch.set_num_threads(1)
    with joined():
        model, taken = network(channels), []
        train(model, 1, crop=16)
        rise = memory_rise(lambda: train(model, 2))
        for _ in range(turns):
            taken.append(train(model, steps))
        if is_first():
            print(json.dumps({"wall": min(wall for wall, _ in taken) / steps, "cpu": 2 * min(cpu for _, cpu in taken) / steps,
                              "mib": round(rise / MIB, 1)}), flush=True)


if __name__ == "__main__":
    one_of_two(**json.loads(sys.argv[1]))
