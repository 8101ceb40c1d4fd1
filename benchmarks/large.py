"""A 20,000 × 20,000 image from a file to a file: how much memory it takes, and how long.

Run it as ``python course.py bench large``; it is not among the parts that run by default, because it takes long.
"""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measuring import MIB, in_process, memory_rise, seconds
from unet_course import load_pretrained, predict
from unet_course.data.nuclei import load_raw
from unet_course.inference.fast import TILE


def main(quick=False):
    """Write the image, predict in a new process; return what results/large.json holds."""
    side, tile = (256, 64) if quick else (20_000, TILE)
    with tempfile.TemporaryDirectory() as folder:
        picture, out = Path(folder) / "image.npy", Path(folder) / "classes.npy"
        write_image(picture, side)
        row = in_process("large:one_file", image=str(picture), out=str(out), tile=tile)
        row |= {"side": side, "tile": tile, "file_mib": round(picture.stat().st_size / MIB, 1)}
    print(f"  {side} × {side}: {row['mib']:.0f} MiB above idle, {row['wall']:.0f} s, {row['cpu']:.0f} CPU s")
    return row


def write_image(path, side):
    """The test field as 8 bit, again and again beside and below itself, written band by band: never whole in memory."""
    field = load_raw("test").astype(np.float64)
    low, high = np.percentile(field, [1, 99.8])
    field = np.clip((field - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    band = np.tile(field, (1, -(-side // field.shape[1])))[:, :side]
    image = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(side, side))
    for top in range(0, side, len(band)):
        image[top : top + len(band)] = band[: side - top]
    image.flush()


def one_file(image, out, tile):
    """CPU s, wall s, and MiB above the memory that stood before the call; runs in a process of its own."""
    model, taken = load_pretrained(), []

    def work():
        taken.append(seconds(lambda: predict(model, image, tile=tile, out=out, classes=True, progress=False)))

    rise = memory_rise(work)
    classes = np.load(out, mmap_mode="r", allow_pickle=False)
    top = classes[: 1080, : 1280]  # one copy of the field: its share of nuclei says that this is a real result
    return {"cpu": taken[0][0], "wall": taken[0][1], "mib": round(rise / MIB, 1), "shape": list(classes.shape),
            "dtype": str(classes.dtype), "nuclei": round(float((top > 0).mean()), 4)}
