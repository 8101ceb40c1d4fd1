"""The notebooks' labs on the site: sliders over pictures that are drawn when the site is built.

Each lab gets the control that its text asks about, or two. `book/_static/labs.js` moves them;
without JavaScript the stored picture of the lab stays.
"""

import base64
import html
import io
import itertools
import json
import re

import numpy as np
import torch
from nbformat.v4 import new_output
from PIL import Image

from unet_course import UNet, widgets
from unet_course.figures import labs
from unet_course.tracing import trace_shapes


def _each(name, values):
    return {str(value): {name: value} for value in values}


def _weights(kernel):
    return {f"w{i}": float(value) for i, value in enumerate(np.ravel(kernel), 1)}


def _cut(*levels):
    return {f"skip{level}": level not in levels for level in range(3)}


def _typed():
    """{what is typed into the ledger: all that stands there then}, with two mistakes on the way."""
    with torch.device("meta"):
        model = UNet(num_classes=3, channels=(16, 32, 64))
        rows = trace_shapes(model, (101, 70))[1:]
    there, stops = {f"t{i}": "" for i in range(len(rows))}, {}
    for i, (row, shape) in enumerate(rows):
        mistake = {1: ["16, 50, 35"], 4: ["32, 26, 18"]}.get(i, [])
        for guess in [*mistake, ", ".join(map(str, shape))]:
            there = {**there, f"t{i}": guess}
            stops[f"{row}: {guess}"] = there
    return stops


MOVES = {  # lab: {label: {a stop, as it is said: the lab's settings}}
    "convolution_lab": {"kernel": {
        **{name: _weights(kernel) for name, kernel in labs.KERNELS.items()},
        "rim, with 9 in the middle": {**_weights(labs.KERNELS["rim"]), "w5": 9.0}}},
    "receptive_field_lab": {"pools": _each("pools", range(5)),
                            "convolutions a level": _each("convs", (1, 2, 3))},
    "padding_lab": {"height and width": {str(n): {"height": n, "width": n} for n in range(16, 25)},
                    "zeros at": _each("side", ("right and bottom", "left and top"))},
    "skips_lab": {"skips that are cut": {
        "none": _cut(), "0": _cut(0), "1": _cut(1), "2": _cut(2), "0 and 1": _cut(0, 1),
        "1 and 2": _cut(1, 2), "all": _cut(0, 1, 2)}},
    "ledger_lab": {"typed last": _typed()},
    "explorer_lab": {"pools": _each("pools", (1, 2, 3, 4)),
                     "image, pixels": _each("size", (188, 316, 444, 572))},
    "threshold_lab": {"threshold": _each("threshold", [n / 10 for n in range(1, 10)])},
    "tiles_lab": {"overlap": _each("overlap", range(0, 49, 8)), "tile": _each("tile", (64, 128))},
}
# the paper's network is the one to explore
FIRST = {"explorer_lab": {"pools": 4, "size": 572, "channels": 64, "padding": 0, "norm": "no"}}
CHINESE = {
    "kernel": "卷积核", "mean": "均值", "right minus left": "右减左", "bottom minus top": "下减上",
    "rim": "边缘", "nothing": "不变", "rim, with 9 in the middle": "边缘，中间为 9",
    "pools": "池化次数", "convolutions a level": "每个层级的卷积次数", "height and width": "高和宽",
    "zeros at": "补零的位置", "right and bottom": "右边和下边", "left and top": "左边和上边",
    "skips that are cut": "剪断的跳跃连接", "none": "无", "0 and 1": "0 和 1", "1 and 2": "1 和 2",
    "all": "全部", "typed last": "刚输入的一行", "image, pixels": "图像（像素）", "threshold": "阈值",
    "overlap": "重叠", "tile": "切片",
}


def lab_of(cell):
    """The name of the lab that a notebook's cell shows, or None."""
    found = re.match(r"(\w+_lab)\(", cell.source) if cell.cell_type == "code" else None
    return found and found[1]


def draw(name, folder):
    """Draw a lab at all its stops, into files of a folder that is there.

    Returns
    -------
    frames : list of (str, str)
        File and alt text, the stops of the last control one after the other.
    start : list of int
        The stop of each control at which the lab begins.
    """
    lab, stops, frames = getattr(widgets, name)(), list(MOVES[name].values()), []
    lab.set(**FIRST.get(name, {}))
    now = lab.values().items()
    start = [next((i for i, settings in enumerate(stop.values()) if settings.items() <= now), 0)
             for stop in stops]
    for chosen in itertools.product(*(stop.items() for stop in stops)):
        lab.set(**{key: value for _, settings in chosen for key, value in settings.items()})
        picture = re.search(r'base64,([^"]+)" alt="([^"]*)"', lab.picture.value)
        file = f"{name}_{len(frames):02}.webp"
        (folder / file).write_bytes(_small(base64.b64decode(picture[1])))
        set_to = ", ".join(f"{label}: {stop}" for label, (stop, _) in zip(MOVES[name], chosen))
        frames.append((file, f"{set_to}. {' '.join(html.unescape(picture[2]).split())}"))
    return frames, start


def _small(png):
    """A picture as WebP: as it is, or as a photograph, whichever is smaller."""
    made = []
    with Image.open(io.BytesIO(png)) as picture:
        for how in ({"lossless": True}, {"quality": 80}):
            buffer = io.BytesIO()
            picture.convert("RGB").save(buffer, format="webp", method=6, **how)
            made.append(buffer.getvalue())
    return min(made, key=len)


def controls(name, frames, start, language, place):
    """The sliders of a lab, hidden until a script moves them.

    Parameters
    ----------
    name : str
        Of the lab.
    frames, start
        As `draw` gives them.
    language : {"en", "zh"}
    place : str
        Where the files lie, as seen from the page.

    Returns
    -------
    str
        HTML.
    """
    def said(text):
        return CHINESE.get(text, text) if language == "zh" else text

    def attribute(value):
        return html.escape(json.dumps(value, ensure_ascii=False))

    parts = []
    for (label, stops), first in zip(MOVES[name].items(), start):
        stops = [said(stop) for stop in stops]
        if len(stops) == 2:
            options = "".join(f"<option{' selected' * (i == first)}>{html.escape(stop)}</option>"
                              for i, stop in enumerate(stops))
            control = f"<select>{options}</select>"
        else:
            control = (f'<input type="range" min="0" max="{len(stops) - 1}" value="{first}" '
                       f'data-said="{attribute(stops)}"><span aria-hidden="true"></span>')
        parts.append(f"<label><span>{html.escape(said(label))}</span>{control}</label>")
    frames = [(f"{place}/{file}", alt) for file, alt in frames]
    return f'<div class="lab" hidden data-frames="{attribute(frames)}">{"".join(parts)}</div>'


def put(notebook, language, place, folder, drawn):
    """Put the sliders into a notebook of the site, above the stored picture of each lab.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    language, place
        As in `controls`.
    folder : Path
        Takes the files.
    drawn : dict
        What was drawn before, for another page: filled here.
    """
    for cell in notebook.cells:
        if (name := lab_of(cell)) in MOVES:
            if name not in drawn:
                folder.mkdir(parents=True, exist_ok=True)
                drawn[name] = draw(name, folder)
            made = controls(name, *drawn[name], language, place)
            cell.outputs.insert(0, new_output("display_data", {"text/html": made}))
