"""How time and memory of `predict` grow with the image, the width and the depth, whole and in tiles.

One new process for each point; its memory is counted above where it stood after the imports and with the image made, so
the image itself, 4 bytes a pixel, is not in it, but the result is.
"""

import functools

import numpy as np

from benchmarks.measuring import MIB, exponent, in_process, memory_rise, seconds
from unet_course import UNet, predict

LIMIT = 8 * 1024  # MiB; a point that would pass it is left out


def one_image(channels, side, tile=None, repeats=3):
    """CPU s, wall s and MiB of `predict` on one square image; the memory is the first call's, the time the fastest's."""
    model = UNet(num_classes=3, channels=tuple(channels)).eval()
    image = np.random.default_rng(0).random((side, side), dtype=np.float32)
    work = functools.partial(predict, model, image, tile=tile, progress=False)
    warm = np.zeros((64, 64), dtype=np.float32)
    predict(model, warm)  # what torch loads at its first convolution is no part of the image's cost
    taken = []

    def first():
        taken.append(seconds(work))

    rise = memory_rise(first)
    while len(taken) < repeats and taken[0][0] < 5:
        taken.append(seconds(work))
    cpu, wall = min(taken)
    return {"pixels": side * side, "side": side, "cpu": cpu, "wall": wall, "mib": round(rise / MIB, 1)}


def main(quick=False):
    """Measure everything; return what results/scaling.json holds."""
    sides = [32, 64] if quick else [128, 256, 512, 1024, 2048, 4096]
    result = {"image": [], "width": [], "depth": [], "tiled": [], "limit_mib": LIMIT}
    for w in [4] if quick else [8, 32]:
        result["image"] += series("image", [(levels(w), side, {"width": w}) for side in sides])
    side = 64 if quick else 256
    result["width"] = series("width", [(levels(w), side, {"width": w}) for w in ([4, 8] if quick else [4, 8, 16, 32, 64])])
    result["depth"] = series("depth", [(levels(8, n), side, {"levels": n}) for n in ([2, 3] if quick else [2, 3, 4, 5])])
    big = [64, 128] if quick else [512, 1024, 2048, 4096, 8192]
    result["tiled"] = series("tiled", [(levels(4), side, {"width": 4}) for side in big], tile=32 if quick else 512)
    result["exponents"] = exponents(result)
    print("  exponents of time against pixels:", result["exponents"])
    return result


def levels(w, number=5):
    """Channels of a network: w, 2w, 4w …"""
    return [w * 2**level for level in range(number)]


def series(name, points, tile=None):
    """Measure points from small to large; those whose memory would pass the limit are left out and say so."""
    rows, before = [], None
    for channels, side, label in points:
        row = {**label, "side": side, "pixels": side * side}
        grows = before and (before["label"] == label) and not tile
        expected = before["mib"] * side**2 / before["side"] ** 2 if grows else 0
        if expected > LIMIT:
            row["skipped"] = f"would take about {expected / 1024:.0f} GiB"
        else:
            try:
                row |= in_process("scaling:one_image", channels=channels, side=side, tile=tile)
            except RuntimeError as error:
                row["skipped"] = str(error)
        if "mib" in row:
            before = {"label": label, "side": side, "mib": row["mib"]}
        print(f"  {name} {label} side {side}:", row.get("skipped") or
              f"{row['cpu']:.3f} CPU s, {row['wall']:.3f} s, {row['mib']:.0f} MiB", flush=True)
        rows.append(row)
    return rows


def exponents(result):
    """Exponent of CPU time against pixels: of the whole image for each width, and in tiles; of memory in tiles.

    Points are taken from 512 pixels a side on, where there are enough: below, the fixed cost of a call shows.
    """
    found = {}
    groups = {f"whole image, width {w}": [row for row in result["image"] if row["width"] == w]
              for w in sorted({row["width"] for row in result["image"]})}
    groups["tiles of 512"] = result["tiled"]
    for name, rows in groups.items():
        rows = [row for row in rows if "cpu" in row]
        large = [row for row in rows if row["side"] >= 512]
        rows = large if len(large) >= 3 else rows
        if len(rows) >= 2:
            pixels = [row["pixels"] for row in rows]
            found[name] = {"time": round(exponent(pixels, [row["cpu"] for row in rows]), 3),
                           "memory": round(exponent(pixels, [max(row["mib"], 0.1) for row in rows]), 3)}
    return found
