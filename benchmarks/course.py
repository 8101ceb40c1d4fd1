"""Measure what the course states of itself. Run it as ``python course.py bench``; it takes some minutes.

Times are CPU seconds, because a shared machine's clock says more about its neighbours; what is compared is measured in
turns in one run.
"""

import statistics
import subprocess
import sys
import time

import torch

from unet_course import Augment, UNet, fit, load_nuclei, seed_everything
from unet_course.scoring import score_split


def main(quick=False):
    """Print one line for each number."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    import_cost()
    precision(*(2, 20) if quick else (15, 450))
    training(seeds=1 if quick else 3, steps=60 if quick else 450)
    return 0


def import_cost(repeats=7):
    """CPU seconds that `import unet_course` costs on top of `import torch`, in new processes, in turns."""
    spent = {"torch": [], "unet_course": []}
    for _ in range(repeats):
        for name, times in spent.items():
            code = f"import time; t = time.process_time(); import {name}; print(time.process_time() - t)"
            out = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
            times.append(float(out.stdout))
    torch_only, ours = (statistics.median(times) for times in spent.values())
    print(f"import torch {torch_only:.2f} s, import unet_course {ours:.2f} s: {ours - torch_only:+.2f} s")


def precision(steps=15, long=450):
    """Training loops in bfloat16 beside float32, in turns: the speed of a wide network, the score of a narrow one."""
    if not torch.cuda.is_available() and not getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)():
        print("bfloat16: this CPU has no instructions for it, so fit would not use it")
        return
    for width in (8, 32):
        spent = {False: [], True: []}
        for bf16 in (False, True) * 2:
            spent[bf16].append(run(width, steps, bf16)[1])
        plain, half = (min(times) for times in spent.values())
        print(f"width {width}: {plain / steps:.2f} CPU s a step in float32, {half / steps:.2f} in bfloat16: "
              f"{plain / half:.2f} times as fast", flush=True)
    scores = [[score_split(run(8, long, bf16, seed)[0], "test")["dice"] for seed in range(3)] for bf16 in (False, True)]
    print("width 8, test Dice of three seeds: float32 " + " ".join(f"{s:.3f}" for s in scores[0]) + ", bfloat16 "
          + " ".join(f"{s:.3f}" for s in scores[1]), flush=True)


def run(width, steps, bf16="auto", seed=0, augment=None):
    """Train one network; return it and its CPU seconds."""
    seed_everything(seed)
    model = UNet(num_classes=3, channels=tuple(width * 2**i for i in range(4)))
    start = time.process_time()
    fit(model, load_nuclei("train"), steps=steps, bf16=bf16, seed=seed, augment=augment, progress=False)
    return model, time.process_time() - start


def training(seeds=3, steps=450):
    """Notebook 06's training over several seeds."""
    for name, augment in [("no augmentation", None), ("augmentation", Augment())]:
        rows, spent = [], []
        for seed in range(seeds):
            model, seconds = run(8, steps, seed=seed, augment=augment)
            spent.append(seconds / 2)
            rows.append([score_split(model, s)[k] for s in ("test", "shifted") for k in ("dice", "f1", "f1_split")])
        print(f"{name}, {steps} steps, {seeds} seeds, {statistics.mean(spent):.0f} CPU s / 2")
        names = [f"{s} {k}" for s in ("test", "shifted") for k in ("Dice", "object F1", "object F1 split")]
        for what, values in zip(names, zip(*rows)):
            print(f"  {what:24} mean {statistics.mean(values):.3f}   from {min(values):.3f} to {max(values):.3f}")


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
