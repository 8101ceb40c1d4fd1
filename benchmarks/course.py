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
    precision(steps=20 if quick else 60)
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


def precision(width=32, steps=60):
    """A training loop in bfloat16 beside float32, in turns, and what it does to the score."""
    if not torch.cuda.is_available() and not getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)():
        print("bfloat16: this CPU has no instructions for it, so fit would not use it")
        return
    train, channels = load_nuclei("train"), tuple(width * 2**i for i in range(4))
    rates, scores = {False: [], True: []}, {}
    for _ in range(2):
        for bf16, times in rates.items():
            seed_everything(0)
            model = UNet(num_classes=3, channels=channels)
            start = time.process_time()
            fit(model, train, steps=steps, bf16=bf16, progress=False)
            times.append(time.process_time() - start)
            scores[bf16] = score_split(model, "test")["dice"]
    print(f"width {width}, {steps} steps: float32 {min(rates[False]):.1f} CPU s, bfloat16 {min(rates[True]):.1f} CPU s: "
          f"{min(rates[False]) / min(rates[True]):.2f} times as fast; test Dice {scores[False]:.3f} and {scores[True]:.3f}")


def training(seeds=3, steps=450):
    """Notebook 06's training over several seeds."""
    train = load_nuclei("train")
    for name, augment in [("no augmentation", None), ("augmentation", Augment())]:
        rows, spent = [], []
        for seed in range(seeds):
            seed_everything(seed)
            model = UNet(num_classes=3, channels=(8, 16, 32, 64))
            start = time.process_time()
            fit(model, train, steps=steps, augment=augment, seed=seed, progress=False)
            spent.append((time.process_time() - start) / 2)
            rows.append([score_split(model, s)[k] for s in ("test", "shifted") for k in ("dice", "f1", "f1_split")])
        print(f"{name}, {steps} steps, {seeds} seeds, {statistics.mean(spent):.0f} CPU s / 2")
        names = [f"{s} {k}" for s in ("test", "shifted") for k in ("Dice", "object F1", "object F1 split")]
        for what, values in zip(names, zip(*rows)):
            print(f"  {what:24} mean {statistics.mean(values):.3f}   from {min(values):.3f} to {max(values):.3f}")


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
