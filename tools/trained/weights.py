"""Train the networks that come with the course, and write their card.

``python course.py weights`` trains them all, one after the other; ``python -m tools.trained.weights NAME …``
some of them. The scores that it prints and writes are those of the stored files.
"""

import json
import sys
from importlib.metadata import version

import torch

from tools.trained import choices
from unet_course import Augment, UNet, fit, load_nuclei, load_pretrained, seed_everything
from unet_course.data.nuclei import DATA
from unet_course.metrics.scoring import score_split
from unet_course.tracing import parameter_count
from unet_course.training.loop import save_atomically

NETWORK = {"num_classes": 3, "channels": [8, 16, 32, 64]}
STEPS, SEED = 600, 0
BOARD = {  # file: (row of the scoreboard, what is loaded)
    "five_pixels": ("one block, augmented", {"blocks": [16]}),
    "five_pixels_plain": ("one block, not augmented", {"blocks": [16]}),
    "thirteen_pixels": ("three blocks, 13 pixels", {"blocks": [16, 16, 16]}),
    "thirteen_pixels_wide": ("three blocks, 52 channels", {"blocks": [52, 52, 52]}),
    "no_skips": ("a U without skips", NETWORK),
    "unet": ("U-Net", NETWORK),
}

CARD = """# The trained networks

All were trained on the split `train` of `data/nuclei` (928 × 1080 pixels of one fluorescence field) and on nothing else, to
tell three classes: background, boundary, interior. Input: one channel, scaled by `unet_course.normalise`. Training: {steps}
steps of 8 crops, `fit` in float32, seed {seed}. The files hold tensors only and load with `weights_only=True`:
`load_pretrained("unet")`. Beside each lies its JSON, with its network, seed, steps and all scores. `python course.py weights`
trains them again. Licence: MIT, as the code.

`test` is a single field and `shifted` is a single field of another instrument: these scores say little about other
cells, stains or microscopes. These are teaching networks and must not be used for any decision about a patient.

## The course's network: `nuclei.pt`

A U-Net with channels {channels} ({parameters:,} parameters), the network that 00_start_here runs. Crops of 128 × 128,
`Augment()`, torch {torch}; {size:,} bytes. Objects are matched at IoU 0.7; "split" cuts touching nuclei at their waists
(`label_nuclei(..., split=True)`).

| split | Dice | object F1 | object F1, split |
|---|---|---|---|
{rows}

## Networks of the scoreboard

One training each of `data/results/scoreboard.csv`: crops of 96 × 96, `Augment()` but for
`five_pixels_plain`; float16, {total:,} bytes together. In `no_skips` the weights that read the skips are 0.

| file | row of the scoreboard | parameters | val Dice | val F1 | test Dice | test F1 | shifted Dice | shifted F1 |
|---|---|--:|--:|--:|--:|--:|--:|--:|
{board}
"""


def place(name, suffix):
    return DATA / "weights" / f"{name}{suffix}"


def store(name, state, about, scores):
    """Save the weights beside their place and rename, load them as a learner does, score, write the JSON."""
    save_atomically(state, place(name, ".pt"))
    about |= {"seed": SEED, "steps": STEPS, "torch": version("torch").split("+")[0]}
    place(name, ".json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    about["scores"] = scores(load_pretrained(name))
    place(name, ".json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    print(name, about["scores"], flush=True)


def nuclei():
    """The network of 00_start_here."""
    torch.set_num_threads(min(torch.get_num_threads(), 2))  # the thread count is part of the result
    seed_everything(SEED)
    model = UNet(**NETWORK)
    fit(model, load_nuclei("train"), load_nuclei("val"), steps=STEPS, augment=Augment(), seed=SEED, bf16=False)
    store("nuclei", model.state_dict(), {"network": NETWORK}, split_scores)


def split_scores(model):
    return {f"{split}_{key}": round(score, 4) for split in ("val", "test", "shifted")
            for key, score in score_split(model, split).items()}


def of_the_board(name):
    """The scoreboard's training of this seed."""
    torch.set_num_threads(1)
    store_of_the_board(name, choices.of_the_board(BOARD[name][0], SEED)[0].state_dict())


def store_of_the_board(name, state):
    row, network = BOARD[name]
    state = without_skips(state) if name == "no_skips" else state
    half = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    store(name, half, {"row": row, "network": network},
          lambda model: dict(zip(choices.SCORES, map(float, choices.scored(model)))))


def without_skips(state):
    """The state of a plain U-Net that does the same: no weight reads a skip."""
    state = {key.replace(".encoder.", "."): value.clone() for key, value in state.items()}
    for key, value in state.items():
        if key.startswith("decoders.") and key.endswith("block.layers.0.weight"):
            value[:, : value.shape[1] // 2] = 0  # the first half of the channels comes across, see `DecoderBlock`
    return state


def write_card():
    """All numbers are those of the stored files."""
    told = {name: json.loads(place(name, ".json").read_text(encoding="utf-8")) for name in ("nuclei", *BOARD)}
    own = told["nuclei"]["scores"]
    rows = [f"| {split} | {own[f'{split}_dice']:.4f} | {own[f'{split}_f1']:.4f} | {own[f'{split}_f1_split']:.4f} |"
            for split in ("val", "test", "shifted")]
    keys = [f"{split}_{key}" for split in ("val", "test", "shifted") for key in ("dice", "f1")]
    board = [f"| `{name}.pt` | {row} | {parameter_count(load_pretrained(name)):,} | "
             + " | ".join(f"{told[name]['scores'][key]:.4f}" for key in keys) + " |" for name, (row, _) in BOARD.items()]
    size = {name: place(name, ".pt").stat().st_size for name in told}
    card = CARD.format(channels=tuple(NETWORK["channels"]), parameters=parameter_count(load_pretrained()), steps=STEPS,
                       seed=SEED, torch=told["nuclei"]["torch"], rows="\n".join(rows), size=size["nuclei"],
                       total=sum(size[name] for name in BOARD), board="\n".join(board))
    (DATA / "weights" / "README.md").write_text(card, encoding="utf-8")


def main(names):
    """Train some of the networks, or all."""
    unknown = set(names) - {"nuclei", *BOARD}
    if unknown:
        raise SystemExit(f"there is no {', '.join(sorted(unknown))}; wanted some of nuclei, {', '.join(BOARD)}")
    for name in names or ("nuclei", *BOARD):
        if name == "nuclei":
            nuclei()
        else:
            of_the_board(name)
    write_card()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
