"""Everything that a real GPU has to show, in about ten minutes, and what was seen.

``python course.py gpu`` checks all notebooks strictly on the GPU that is here, and times steps and
predictions on it beside the CPU. What it saw goes to ``build/gpu.md`` and to the screen. Without a
GPU it says so, and ends with 2.
"""

import subprocess
import sys
import time
from pathlib import Path

import torch

from unet_course import UNet, pick_device, predict, seed_everything
from unet_course.data.files.saving import write_text
from unet_course.losses import cross_entropy
from unet_course.training.loop import train_step

ROOT = Path(__file__).resolve().parents[2]


def wait(device):
    getattr(torch, device.type).synchronize()


def milliseconds(function, device, repeats=10):
    """Of one call, the median; the first two calls are not counted."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        function()
        if device.type != "cpu":
            wait(device)
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times[2:])[repeats // 2]


def steps(device):
    """(what, milliseconds) of a training step, in each precision and layout."""
    for layout in (torch.contiguous_format, torch.channels_last):
        for bf16 in (False, True):
            seed_everything(0)
            model = UNet(num_classes=3, channels=(64, 128, 256, 512)).to(device, memory_format=layout)
            optimiser = torch.optim.AdamW(model.parameters())
            x = torch.rand(8, 1, 256, 256).to(device, memory_format=layout)
            y = torch.zeros(8, 256, 256, dtype=torch.int64, device=device)

            def step(model=model, optimiser=optimiser, x=x, y=y, bf16=bf16):
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                    train_step(model, optimiser, cross_entropy, x, y)
            name = "bfloat16" if bf16 else "float32"
            order = "channels_last" if layout == torch.channels_last else "channels first"
            yield f"step, 8 × 256 × 256, width 64, {name}, {order}", milliseconds(step, device)


def predictions(device):
    """(what, milliseconds) of a large image, and how far its answers are from the CPU's."""
    seed_everything(0)
    model = UNet(num_classes=3, channels=(32, 64, 128, 256)).eval()
    image = torch.rand(1, 4096, 4096)
    small = image[:, :512, :512]
    wanted = predict(model, small)
    model = model.to(device)
    for bf16 in (False, True):
        found = predict(model, small, bf16=bf16)
        share = (found.argmax(0) == wanted.argmax(0)).float().mean()
        name = "bfloat16" if bf16 else "float32"
        took = milliseconds(lambda bf16=bf16: predict(model, image, classes=True, tile=1024, bf16=bf16,
                                                      progress=False), device, 3)
        yield (f"predict, 4096 × 4096, width 32, {name}; {share:.3%} of the classes as on the CPU, "
               f"largest difference {(found - wanted).abs().max():.1e}", took)


def notebooks():
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-cell-timeout=600", "-q",
               *(f"notebooks/{path.name}" for path in sorted((ROOT / "notebooks").glob("*.ipynb")))]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stdout[-3000:])
    return done.returncode, done.stdout.strip().splitlines()[-1], time.perf_counter() - start


def main():
    device = pick_device()
    if device.type == "cpu":
        print("There is no GPU here: not run on a GPU. python course.py device takes a stand-in.")
        return 2
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    lines = [f"# On {name}, torch {torch.__version__}", "", "| what | milliseconds |", "|---|---|"]
    for measured in (steps, predictions):
        for what, took in measured(device):
            lines.append(f"| {what} | {took:.1f} |")
            print(lines[-1], flush=True)
    code, summary, seconds = notebooks()
    lines += ["", f"All notebooks, strictly: {summary} ({seconds:.0f} s)."]
    (ROOT / "build").mkdir(exist_ok=True)
    write_text(ROOT / "build" / "gpu.md", "\n".join(lines) + "\n")
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
