"""The palette, computed: contrast as WCAG 2 defines it, and how far two colours are apart for colour-blind eyes.

The three kinds of colour vision are simulated with the matrices of Machado, Oliveira and Fernandes (2009), full severity;
a distance is that of CIE L*a*b*, 1976, where 2 is just seen side by side.
"""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import unet_course
from unet_course.figures import panels as p
from unet_course.figures.panels import nuclei_colours

PACKAGE = Path(unet_course.__file__).parent
BLACK, WHITE = "#000000", "#FFFFFF"
VISION = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
TEXT = {"on paper": (p.INK, p.PAPER), "in the darkest cell of a table": (p.INK, p.TINT), "in one below 0": (p.INK, p.BELOW), "in a box that is filled": (p.INK, p.NUCLEUS),
        "in a legend on black": (p.PAPER, BLACK), "a check that is passed": ("#117733", WHITE), "a hint": ("#B35A00", WHITE),
        "not attempted": ("#666666", WHITE)}
DRAWN = {**{f"line {c}": (c, WHITE) for c in p.LINES}, **{f"wheel {c}": (c, BLACK) for c in p.WHEEL},
         **{f"arrow {c}": (c, WHITE) for c in (p.CONV, p.POOL, p.UP, p.COPY, p.HEAD)}, "feature map": (p.MAP, WHITE),
         "mark": (p.MARK, WHITE), "frame": (p.ERROR_LINE, WHITE), "frame in a dark cell": (p.ERROR_LINE, p.TINT), "frame in one below 0": (p.ERROR_LINE, p.BELOW),
         **{f"square {c}": (c, BLACK) for c in p.SIDES}}
TOGETHER = {"classes": [p.NUCLEUS, p.BOUNDARY, BLACK], "errors": [p.RIGHT, p.MISSED, p.INVENTED, BLACK], "wheel": p.WHEEL,
            "lines": p.LINES, "dots": [p.QUIET, p.BOUNDARY, p.NUCLEUS, p.ERROR],
            "arrows of the U": [p.CONV, p.POOL, p.UP, p.COPY, p.HEAD], "padding": [p.MAP, p.BOUNDARY, p.ERROR], "squares": p.SIDES[:3]}
SAYS_NOTHING = {p.QUIET, p.PALE}  # grids and edges; what is not built today, beside what is


def linear(colour):
    """Red, green and blue of a '#RRGGBB' as amounts of light, 0 to 1."""
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    dark, light = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (a, b))
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(a, b, eyes):
    a, b = (lab(np.clip(np.array(VISION[eyes]) @ linear(c), 0, 1)) for c in (a, b))
    return np.linalg.norm(a - b)


def apart(colours):
    """The pair that is nearest for any eyes: distance, colours, eyes."""
    return min((distance(a, b, eyes), a, b, eyes) for a, b in combinations(colours, 2) for eyes in VISION)


@pytest.mark.parametrize("pair", TEXT.values(), ids=TEXT)
def test_text_has_a_contrast_of_4_5(pair):
    assert contrast(*pair) >= 4.5


@pytest.mark.parametrize("pair", DRAWN.values(), ids=DRAWN)
def test_what_is_drawn_has_a_contrast_of_3(pair):
    assert contrast(*pair) >= 3


@pytest.mark.parametrize("colours", TOGETHER.values(), ids=TOGETHER)
def test_colours_used_together_are_told_apart_by_all(colours):
    assert apart(colours)[0] >= 20, apart(colours)


def test_a_nucleus_stands_out_from_a_dark_image():
    for colour in nuclei_colours(np.zeros((1, len(p.WHEEL))), np.arange(1, len(p.WHEEL) + 1)[None])[0]:
        assert contrast("#" + "".join(f"{round(255 * v):02X}" for v in colour), BLACK) >= 3


def test_no_colour_of_the_package_escapes():
    """Whoever brings in another colour says here what it is used for."""
    used = {c.upper() for path in PACKAGE.rglob("*.py") for c in re.findall(r"#[0-9A-Fa-f]{6}\b", path.read_text(encoding="utf-8"))}
    known = {c for group in ([*TEXT.values()], [*DRAWN.values()], TOGETHER.values(), [SAYS_NOTHING]) for pair in group for c in pair}
    assert used - known - {"#EEEEEE"} == set()  # the thin line under dots says nothing either


def test_the_measures_are_right_and_can_fail():
    assert contrast(BLACK, WHITE) == pytest.approx(21) and contrast("#777777", WHITE) == pytest.approx(4.48, abs=0.01)
    assert contrast("#33BBEE", WHITE) < 3  # why lines on white have a shade of their own
    assert distance(WHITE, BLACK, "all cones") == pytest.approx(100, abs=0.1)
    assert distance("#C0392B", "#3A9D3A", "all cones") > 90 and distance("#C0392B", "#3A9D3A", "deuteranopia") < 15  # red, green
