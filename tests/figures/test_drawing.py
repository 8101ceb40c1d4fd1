"""The drawings of the family say what the live network is, and light what it changes."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from unet_course import UNet
from unet_course.family import AttentionUNet, DCSAUNet, DenseUNet, ResUNet, UNetPlusPlus
from unet_course.figures import schemes
from unet_course.figures.charts import lines, seed_panels, verdict_grid
from unet_course.figures.drawing import ADDED, FILLED, course_map, draw_change, draw_unet
from unet_course.figures.fields import field_steps


def texts(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def lit(figure, kind):
    wanted = {ADDED.lower(), FILLED.lower()}
    return [p for p in figure.axes[0].patches if isinstance(p, kind) and
            wanted & {to_hex(p.get_edgecolor()).lower(), to_hex(p.get_facecolor()).lower()}]


@pytest.mark.parametrize("kind, signs, arcs", [(ResUNet, ["+"] * 5, 5), (AttentionUNet, ["×"] * 2, 4), (DenseUNet, [], 50)])
def test_every_changed_part_is_lit(kind, signs, arcs):
    figure = draw_change(kind(channels=(4, 8, 16)), (37, 50), title="t")
    assert [t for t in texts(figure) if t in "+×"] == signs and len(lit(figure, Circle)) == len(signs)
    assert len(lit(figure, FancyArrowPatch)) == arcs


def test_every_block_of_split_attention_has_its_shortcut():
    figure = draw_change(DCSAUNet(channels=(8, 16, 32)), (37, 50), title="t")
    assert [t for t in texts(figure) if t in "+×"] == ["+"] * 8 and texts(figure).count("7×7") == 1
    assert len(lit(figure, FancyArrowPatch)) == 8 and "32×10×13" in texts(figure)
    assert [t for t in texts(figure) if "=" in t] == ["8 + 8 = 16", "16 + 32 = 48"] and "upsampling without weights" in texts(figure)


def test_a_shortcut_says_whether_it_has_a_convolution():
    figure = draw_change(ResUNet(channels=(4, 8, 16)), (37, 50), title="t")
    assert texts(figure).count("1×1") == 5 and "8 + 8 = 16" in texts(figure)
    assert "1×1" not in texts(draw_change(ResUNet(4, channels=(4,)), (37, 50), title="t"))


@pytest.mark.parametrize("kind", [ResUNet, AttentionUNet, DenseUNet])
def test_shapes_are_those_of_the_network(kind):
    mine = draw_change(kind(channels=(4, 8, 16)), (37, 50), title="t")
    plain = draw_unet(UNet(channels=(4, 8, 16)), (37, 50))
    shapes = [t for t in texts(plain) if t.count("×") == 2]
    assert "16×10×13" in shapes and [t for t in texts(mine) if t.count("×") == 2] == shapes


def test_plain_unet_has_nothing_lit():
    figure = draw_change(UNet(channels=(4, 8, 16)), (37, 50), title="t")
    assert lit(figure, (Circle, FancyArrowPatch, Rectangle)) == []


def test_boxes_are_as_wide_as_their_channels_and_what_is_joined_has_its_sum():
    figure = draw_unet(UNet(channels=(8, 16, 32)), (37, 50))
    boxes = [(round(box.get_width(), 4), to_hex(box.get_facecolor())) for box in figure.axes[0].patches if isinstance(box, Rectangle)]
    widths = sorted({width for width, _ in boxes})
    assert [round(width / widths[1], 1) for width in widths[1:]] == [1, 2, 4]  # the first: one channel, as a thin sheet
    copies = [width for width, colour in boxes if colour == "#ffffff"]
    assert copies == widths[1:3]
    assert [t for t in texts(figure) if "=" in t] == ["8 + 8 = 16", "16 + 16 = 32"] and "the copy, joined" in texts(figure)
    assert "the copy, joined" in texts(course_map("skip")) and "the copy, joined" not in texts(course_map("block"))


@pytest.mark.parametrize("levels, new, heads", [(1, 0, 1), (2, 1, 2), (3, 3, 3), (4, 6, 4)])
def test_grid_has_every_node(levels, new, heads):
    model = UNetPlusPlus(channels=(2, 3, 4, 5, 6)[: levels + 1], deep_supervision=True).train()
    figure = draw_change(model, (37, 50), title="t")
    nodes = [t for t in texts(figure) if "\n" in t]
    assert len(nodes) == (levels + 1) * (levels + 2) // 2 and f"0, {levels}\n2×37×50" in nodes and "1, 0\n3×19×25" in nodes
    assert len(lit(figure, Rectangle)) == new and texts(figure).count("head") == heads and model.training
    links = sum(j for i in range(levels) for j in range(1, levels - i + 1))
    assert len(lit(figure, FancyArrowPatch)) == links - levels  # U-Net has one link on each level
    one = draw_change(UNetPlusPlus(channels=(2, 3, 4, 5, 6)[: levels + 1]), (37, 50), title="t")
    assert texts(one).count("head") == 1


def test_letters_are_large_enough():
    for kind in (ResUNet, AttentionUNet, DenseUNet, UNetPlusPlus):
        for text in draw_change(kind(channels=(4, 8, 16)), (96, 70), title="t").axes[0].texts:
            assert text.get_fontsize() >= 11


def test_panels_of_seeds_have_a_dot_for_each_and_a_band_for_the_first():
    rows = {"a": {"Dice": [0.5, 0.7], "F1": [0.0]}, "b": {"Dice": [0.6, 0.65], "F1": [0.0]}}
    figure = seed_panels(rows, title="t", limits={"Dice": (0.2, 1)})
    left, right = figure.axes
    assert [line.get_xdata().tolist() for line in left.lines if line.get_marker() == "o"] == [[0.5, 0.7], [0.6, 0.65]]
    assert [line.get_xdata()[0] for line in left.lines if line.get_marker() != "o"] == pytest.approx([0.6, 0.625])
    band = left.patches[0].get_extents().transformed(left.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((0.5, 0.7)) and left.get_xlim() == (0.2, 1) and right.get_xlim()[1] > 0
    assert [t.get_text() for t in left.get_yticklabels()] == ["a", "b"] and left.get_ylim()[0] > left.get_ylim()[1]


def test_dots_that_would_cover_each_other_are_moved_apart():
    rows = {"a": {"F1": [0.9, 0.5, 0.9, 0.7, 0.9]}, "b": {"F1": [0.5]}}
    dots = [line.get_ydata().tolist() for line in seed_panels(rows, title="t", apart=True).axes[0].lines
            if line.get_marker() == "o"]
    assert dots == [pytest.approx([-0.22, 0, 0, 0, 0.22]), [1]]


def test_a_grid_has_a_square_for_each_verdict_and_counts_the_worse():
    words = [{"a": {"Dice": "worse", "F1": "cannot tell"}}, {"b": {"F1": "better"}}]
    (axis,) = verdict_grid({"t": words}, {"Dice": "Dice", "F1": "object F1"}).axes
    squares = {line.get_label(): list(zip(*line.get_data())) for line in axis.lines if line.get_marker() == "s"}
    assert squares == {"worse": [(0, 0)], "cannot tell": [(0, 1)], "better": [(1.6, 1)]}
    assert [text.get_text() for text in axis.texts] == ["1", "0"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["a", "b"]


def test_a_triangle_stands_for_values_beyond_the_edge():
    rows = {"a": {"Dice": [0.5, 0.7]}, "b": {"Dice": [0.1, 0.2, 0.6, 0.9]}}
    ends = {line.get_marker(): line.get_xdata() for line in seed_panels(rows, title="t", limits={"Dice": (0.4, 0.8)}).axes[0].lines}
    assert list(ends["<"]) == [0.4, 0.4] and list(ends[">"]) == [0.8]


@pytest.mark.parametrize("layers, said", [
    ([(3, 1), (2, 2), (3, 1)], ["3 windows of 1, step 1:  3 pixels", "2 windows of 3, step 1:  4 pixels",
                                "3 windows of 4, step 2:  8 pixels"]),
    ([(5, 3), (2, 2)], ["5 windows of 1, step 1:  5 pixels", "2 windows of 5, step 3:  8 pixels"]),
])
def test_windows_of_a_row_are_what_the_next_row_sees(layers, said):
    figure = field_steps(layers)
    assert texts(figure)[::-1] == said
    rows = {}
    for window in figure.axes[0].patches:
        left, width = window.get_x(), window.get_width()
        rows.setdefault(round(window.get_y() + 0.1), []).append((left, left + width))
    spans = {row: (min(a for a, _ in ends), max(b for _, b in ends)) for row, ends in rows.items()}
    assert len(rows) == len(layers) and spans[len(layers) - 1][0] == 0
    for row in range(1, len(layers)):
        assert spans[row - 1] in rows[row]  # one of them, on the same pixels


def test_every_arrow_of_the_scheme_joins_two_of_its_steps():
    figure = schemes.split_scheme()
    ends = [end for arrow in schemes.ARROWS for end in arrow.split(">")]
    assert set(ends) == set(schemes.STEPS) and min(t.get_fontsize() for t in figure.axes[0].texts if t.get_text()) >= 11


@pytest.mark.parametrize("marks", [
    [(80, "class weights begin to fade"), (160, "gone")], [(20, "chosen"), (45, "Otsu's")], [(150, "the best")],
])
def test_names_of_marks_do_not_run_into_each_other(marks):
    figure = lines(range(201), {"a": range(201)}, title="t", xlabel="x", ylabel="y", marks=marks)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axis, renderer = figure.axes[0], canvas.get_renderer()
    names = [text.get_window_extent(renderer) for text in axis.texts]
    assert [text.get_text() for text in axis.texts] == [name for _, name in marks]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(names, 2))
    for name in names:  # inside the axes
        assert axis.bbox.contains(name.x0, name.y0) and axis.bbox.contains(name.x1, name.y1)
