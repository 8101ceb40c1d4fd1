"""A stored drawing of the U is what the code draws today: a notebook that was run before a change keeps the older one.

Matplotlib 3.8 and 3.11 differ in 0.1 % of the boxes of a map, and in 2 % of a drawing with shapes; an older map of this
course differed in 8 %. The drawings of the family are left out: their arcs follow matplotlib's version.
"""

import ast
import base64
import io
import re
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pytest
from PIL import Image

import unet_course
from unet_course.figures import course_map, draw_unet, drawing
from unet_course.figures.panels import STYLE

PATHS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
DRAWN = {"course_map": course_map, "draw_unet": draw_unet}
NAMES = vars(unet_course) | DRAWN
BOX = 10  # pixels of a side
SEEN = 12  # of 255: a box with a smaller difference counts as equal
LEFT = {"course_map": 0.004, "draw_unet": 0.03}  # the share of boxes that may differ


def drawings(path):
    """(key, the call that draws, what the notebook has assigned so far, the stored picture) for each drawing of a network."""
    given = {}
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(re.sub(r"^( *)[%!].*", r"\1pass", cell.source, flags=re.M))):
            if isinstance(node, ast.Assign):
                given |= assigned(node.targets[0], node.value)
            if isinstance(node, ast.Call) and called(node) == "show" and called(node.args[0]) in DRAWN:
                png = next(o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {}))
                yield node.args[1].value, node.args[0], dict(given), base64.b64decode(png)


def called(node):
    """The name of the function that is called; "" if none is."""
    return getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""


def assigned(target, given):
    """{name: expression} of an assignment; of `a, b = 1, 2` for each."""
    if isinstance(target, ast.Tuple) and isinstance(given, ast.Tuple):
        return {one.id: part for one, part in zip(target.elts, given.elts) if isinstance(one, ast.Name)}
    return {target.id: given} if isinstance(target, ast.Name) else {}


def value(node, given):
    """What an expression of a notebook is worth; names are the course's own, or what the notebook has set before."""
    unknown = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & set(given) - set(NAMES)
    names = NAMES | {name: value(given[name], given) for name in unknown}
    return eval(compile(ast.Expression(node), "notebook", "eval"), names)


def shrunk(png):
    """A picture, each box of pixels made one."""
    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB").resize((picture.width // BOX, picture.height // BOX), Image.Resampling.BOX)
    return np.asarray(small, dtype=float)


def difference(figure, png):
    """The share of the boxes whose colour is another one in a stored picture than in a fresh figure."""
    fresh = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(fresh, format="png")
    one, two = shrunk(fresh.getvalue()), shrunk(png)
    return float((np.abs(one - two).max(axis=2) > SEEN).mean()) if one.shape == two.shape else 1.0


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_stored_drawings_are_what_the_code_draws(path):
    keys = set()
    for key, call, given, png in drawings(path):
        keys.add(key)
        assert difference(value(call, given), png) < LEFT[called(call)], f"{key} is an older drawing: run notebook {key[:2]} again"
    assert f"{path.name[:2]}.map" in keys


@pytest.mark.parametrize("change", [{"GAP": 1.7}, {"COPY": "#117733"}, {"NAMES": drawing.NAMES[::-1]}], ids=lambda change: [*change][0])
def test_an_older_drawing_is_seen(change, monkeypatch):
    _, call, _, png = next(drawings(PATHS[0]))
    for name, other in change.items():
        monkeypatch.setattr(drawing, name, other)
    assert difference(value(call, {}), png) > LEFT["course_map"]
