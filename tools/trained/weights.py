"""Train the small network that comes with the course, and write its card.

Run it as ``python course.py weights``. The scores that it prints and writes are those of the stored file.
"""

import json
import sys
from importlib.metadata import version

import torch

from unet_course import Augment, UNet, fit, load_nuclei, load_pretrained, seed_everything
from unet_course.data.nuclei import DATA
from unet_course.metrics.scoring import score_split
from unet_course.tracing import parameter_count
from unet_course.training.loop import save_atomically

NETWORK = {"num_classes": 3, "channels": [8, 16, 32, 64]}
STEPS, SEED = 600, 0

CARD = """# The trained network `nuclei.pt`

A U-Net with channels {channels} ({parameters:,} parameters), three classes: background, boundary, interior. It is the
network that 00_start_here runs. `python course.py weights` trains it again.

| | |
|---|---|
| data | split `train` of `data/nuclei` (928 × 1080 pixels of one fluorescence field); the other splits were not trained on |
| input | one channel, scaled by `unet_course.normalise` |
| training | {steps} steps of 8 crops of 128 × 128, `fit` with `Augment()` in float32, seed {seed}, torch {torch} |
| file | tensors only, loads with `weights_only=True`; {size:,} bytes |
| licence | MIT, as the code |

Scores of this file. Objects are matched at IoU 0.7; "split" cuts touching nuclei at their waists
(`label_nuclei(..., split=True)`).

| split | Dice | object F1 | object F1, split |
|---|---|---|---|
{rows}

`test` is a single field and `shifted` is a single field of another instrument: these scores say little about other
cells, stains or microscopes. It is a teaching network and must not be used for any decision about a patient.
"""


def main():
    """Train, save beside and rename, score the stored file, write the card."""
    seed_everything(SEED)
    model = UNet(**NETWORK)
    fit(model, load_nuclei("train"), load_nuclei("val"), steps=STEPS, augment=Augment(), seed=SEED, bf16=False)
    place = DATA / "weights"
    save_atomically(model.state_dict(), place / "nuclei.pt")
    (place / "nuclei.json").write_text(json.dumps({"network": NETWORK}) + "\n", encoding="utf-8")
    model, rows = load_pretrained(), []
    for split in ("val", "test", "shifted"):
        scores = score_split(model, split)
        rows.append(f"| {split} | {scores['dice']:.3f} | {scores['f1']:.3f} | {scores['f1_split']:.3f} |")
    card = CARD.format(channels=tuple(NETWORK["channels"]), parameters=parameter_count(model), steps=STEPS, seed=SEED,
                       torch=version("torch").split("+")[0], rows="\n".join(rows),
                       size=(place / "nuclei.pt").stat().st_size)
    (place / "README.md").write_text(card, encoding="utf-8")
    print("\n".join(rows))


if __name__ == "__main__":
    torch.set_num_threads(min(torch.get_num_threads(), 2))  # the thread count is part of the result
    sys.exit(main())
