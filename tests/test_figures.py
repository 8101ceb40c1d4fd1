"""Figures: pure functions that draw, and leave pyplot and the model alone."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from unet_course import History, UNet, figures
from unet_course.drawing import PARTS, course_map, draw_unet

GREY = torch.rand(12, 16)
HISTORY = History(loss=[1.0, 0.5, 0.4], val_steps=[2, 3], val_dice=[0.3, 0.6])
DRAWN = {
    "images": lambda: figures.images([GREY, GREY.numpy(), np.zeros((4, 4, 3))], ["a", "b", "c"], columns=2),
    "numbers": lambda: figures.numbers([GREY[:3, :4], torch.eye(2)], ["a", "b"], marks=[[(0, 1)], []], decimals=2),
    "histogram": lambda: figures.histogram(GREY, [(0.5, "half")], title="t", foreground=GREY > 0.5),
    "squares": lambda: figures.squares(GREY, [(3, "3"), (5, "5")], title="t"),
    "curves": lambda: figures.curves(HISTORY, title="t"),
    "dots": lambda: figures.dots([("a", {"x": 0.1, "y": 0.5}), ("b", {"x": 0.2})], title="t", label="score"),
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
        figures.show(course_map("block"), alt=" ")


def test_colours_of_the_palette():
    found = figures.error_colours(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0]]))[0]
    names = [figures.NUCLEUS, figures.ERROR, figures.BOUNDARY, "#000000"]
    assert [to_hex(c).upper() for c in found] == [n.upper() for n in names]
