"""Figures: pure functions that draw, and leave pyplot and the model alone."""

import io
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from unet_course import History, UNet
from unet_course.figures import lines, panels
from unet_course.figures.drawing import PARTS, course_map, draw_unet
from unet_course.tracing import trace_shapes

GREY = torch.rand(12, 16)
HISTORY = History(loss=[1.0, 0.5, 0.4], val_steps=[2, 3], val_dice=[0.3, 0.6])
DRAWN = {
    "images": lambda: panels.images([GREY, GREY.numpy(), np.zeros((4, 4, 3))], ["a", "b", "c"], columns=2),
    "cells": lambda: panels.images([GREY[:3, :4]], ["a"], cells=True),
    "numbers": lambda: panels.numbers([GREY[:3, :4], torch.eye(2)], ["a", "b"], marks=[[(0, 1)], []], decimals=2),
    "histogram": lambda: panels.histogram(GREY, [(0.5, "half")], title="t", foreground=GREY > 0.5),
    "squares": lambda: panels.squares(GREY, [(3, "3"), (5, "5")], title="t"),
    "curves": lambda: panels.curves(HISTORY, title="t"),
    "dots": lambda: panels.dots([("a", {"x": 0.1, "y": 0.5}), ("b", {"x": 0.2})], title="t", label="score"),
    "unet": lambda: draw_unet(UNet(channels=(2, 4, 8)), (33, 20)),
    "paper": lambda: draw_unet(UNet(channels=(2, 4), padding=0), (44, 44)),
    "map": lambda: course_map("block", "skip"),
    "whole map": lambda: course_map(*PARTS),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_draws_a_figure_and_leaves_pyplot_alone(draw):
    before = plt.get_fignums()
    figure = draw()
    assert isinstance(figure, Figure) and plt.get_fignums() == before
    figure.savefig(io.BytesIO(), format="png")
    assert figure.get_size_inches()[0] <= 11


def test_text_is_readable_at_half_size():
    for draw in DRAWN.values():
        figure = draw()
        sizes = [t.get_fontsize() for axis in figure.axes for t in [*axis.texts, axis.title] if t.get_text()]
        assert min(sizes, default=12) >= 11


def test_the_u_shows_the_shapes_of_the_live_network():
    words = {t.get_text() for t in draw_unet(UNet(num_classes=5, channels=(3, 7)), (11, 20)).axes[0].texts}
    assert {"1×11×20", "3×11×20", "3×6×10", "7×6×10", "3×12×20", "5×11×20"} <= words


def test_unknown_part_of_the_map_is_named():
    with pytest.raises(ValueError, match="'pool'"):
        course_map("pool")


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(ValueError, match="alt is empty"):
        panels.show(course_map("block"), alt=" ")


def test_each_drawing_is_the_same_when_drawn_again():
    def pixels(draw):
        figure = draw()
        FigureCanvasAgg(figure).draw()
        return np.asarray(figure.canvas.buffer_rgba())

    for name in ("images", "numbers", "map"):
        assert np.array_equal(pixels(DRAWN[name]), pixels(DRAWN[name]))


def test_figures_leave_the_settings_of_matplotlib_alone():
    before = dict(plt.rcParams)
    for draw in DRAWN.values():
        draw()
    assert dict(plt.rcParams) == before


def test_the_u_leaves_the_model_alone():
    model = UNet(channels=(2, 4)).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    draw_unet(model, (13, 8))
    assert model.training and not any(m._forward_hooks for m in model.modules())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize("levels", range(5))
def test_the_u_of_every_depth_has_each_tensor_of_the_network(levels):
    model = UNet(channels=(2, 3, 4, 5, 6)[: levels + 1])
    words = [text.get_text() for text in draw_unet(model, (50, 37)).axes[0].texts]
    for name, shape in trace_shapes(model, (50, 37)):
        assert "×".join(map(str, shape)) in words, name


def test_a_shown_figure_carries_its_alt_text(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append((data, options)))
    panels.show(course_map("block"), alt="The U with its blocks lit.")
    (data, options), = shown
    assert data["image/png"].startswith(b"\x89PNG") and data["text/plain"] == "[figure] The U with its blocks lit."
    assert options == {"raw": True, "metadata": {"image/png": {"alt": "The U with its blocks lit."}}}


def test_numbers_stand_in_the_cells_as_given_and_marks_frame_the_right_ones():
    axis = panels.numbers([[[1.26, -2], [3, 4]]], ["t"], marks=[[(1, 0)]], decimals=1).axes[0]
    assert {t.get_text(): t.get_position() for t in axis.texts} == {"1.3": (0, 0), "-2.0": (1, 0), "3.0": (0, 1), "4.0": (1, 1)}
    assert [patch.get_xy() for patch in axis.patches] == [(-0.5, 0.5)]


def test_a_mark_of_four_numbers_is_one_frame_and_changes_no_colour():
    grids, titles = [[[0, 1.25, 2]] * 3, [[0, 2, 4]] * 3], ["a", "b"]
    plain, framed = (panels.numbers(grids, titles, marks=marks, decimals=None).axes
                     for marks in (None, [[(1, 0, 2, 3)], [(0, 1)]]))
    assert [t.get_text() for t in framed[0].texts][:3] == ["0", "1.2", "2"]
    (block,), (cell,) = framed[0].patches, framed[1].patches
    assert (*block.get_xy(), block.get_width(), block.get_height()) == (-0.5, 0.5, 3, 2)
    assert (*cell.get_xy(), cell.get_width(), cell.get_height()) == (0.5, -0.5, 1, 1)
    for one, other in zip(plain, framed):
        assert one.images[0].get_clim() == other.images[0].get_clim() == (0, 4)


def test_each_grid_can_have_a_scale_of_its_own():
    axes = panels.numbers([[[0.5, 1]], [[4]]], ["a", "b"], limits=[(0, 1), (0, 4)]).axes
    assert [axis.images[0].get_clim() for axis in axes] == [(0, 1), (0, 4)]


def test_lines_in_a_row_can_share_a_colour():
    series = {name: [0, 1] for name in "abcd"}
    of_two = lines([0, 1], series, title="t", xlabel="x", ylabel="y", shared=2).axes[0].lines
    assert [line.get_linestyle() for line in of_two] == ["-", "--", "-", "--"]
    colours = [line.get_color() for line in of_two]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_squares_have_their_side_and_centre():
    axis = panels.squares(GREY, [(5, "5×5")], title="t", centre=(6, 9)).axes[0]
    (square,) = axis.patches
    assert square.get_width() == square.get_height() == 5 and square.get_center().tolist() == [9, 6]


def test_curves_show_every_step_and_score():
    left, right = panels.curves(HISTORY, title="t").axes
    assert left.lines[0].get_ydata().tolist() == HISTORY.loss and right.lines[0].get_xdata().tolist() == [2, 3]
    assert isinstance(panels.curves(History(loss=[1.0]), title="no scores yet"), Figure)


def test_nuclei_that_are_near_each_other_have_other_colours():
    side, names = 10, np.array([[1, 6, 11], [16, 21, 26]])  # one colour, if it went by the number alone
    instances = np.kron(names, np.ones((side, side), int))
    colours = panels._apart(instances)
    of = {int(name): int(colours[instances == name][0]) for name in names.ravel()}
    assert all(len(np.unique(colours[instances == name])) == 1 for name in of)
    for a, b in [(1, 6), (6, 11), (16, 21), (21, 26), (1, 16), (6, 21), (11, 26)]:
        assert of[a] != of[b], (a, b)
    gap = np.array([[1] + [0] * 12 + [6] + [0] * 30 + [11]])  # 12 pixels apart, then 30
    near = panels._apart(gap)[0]
    assert near[0] != near[13] and len({*range(5)} & {*near.tolist()}) == len({*near.tolist()})


def test_a_photograph_that_weighs_too_much_keeps_256_colours():
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 90, (300, 300, 3), dtype=np.uint8)).save(buffer, format="png")
    png = buffer.getvalue()
    assert panels.in_few_colours(png, most=len(png)) is png
    light = panels.in_few_colours(png, most=len(png) - 1)
    with Image.open(io.BytesIO(png)) as before, Image.open(io.BytesIO(light)) as after:
        assert after.size == before.size and len(light) < 0.6 * len(png)
        assert len(after.convert("RGB").getcolors(300 * 300)) <= 256
        difference = np.abs(np.asarray(after.convert("RGB"), float) - np.asarray(before, float))
    assert difference.mean() < 12  # of 255


def test_class_and_nuclei_colours():
    black, boundary, interior = panels.class_colours(torch.tensor([[0, 1, 2]]))[0]
    assert black.tolist() == [0, 0, 0]
    assert to_hex(boundary).upper() == panels.BOUNDARY and to_hex(interior).upper() == panels.NUCLEUS
    image, instances = np.array([[0.2, 1.5, 0.5, 0.5]]), np.array([[0, 0, 1, 2]])
    tinted = panels.nuclei_colours(image, instances)[0]
    assert tinted[0].tolist() == [0.2] * 3 and tinted[1].tolist() == [1.0] * 3  # background stays grey, and in range
    assert tinted[2].tolist() != tinted[3].tolist()


def test_importing_the_package_does_not_wake_the_notebook():
    code = "import sys, unet_course; print([n for n in ('IPython', 'ipywidgets', 'matplotlib.pyplot') if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert run.stdout.strip() == "[]"


def test_colours_of_the_palette():
    found = panels.error_colours(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0]]))[0]
    names = [panels.RIGHT, panels.INVENTED, panels.MISSED, "#000000"]
    assert [to_hex(c).upper() for c in found] == [n.upper() for n in names]
