"""The picture of the day and the scoreboard, from stored results."""

import statistics

import pytest

from unet_course.data import read_results
from unet_course.figures import day


@pytest.mark.parametrize("notebook", day.TITLES)
def test_a_picture_of_the_day_is_shown(notebook, monkeypatch):
    shown = []
    monkeypatch.setattr(day, "show", lambda figure, key: shown.append((len(figure.axes), key)))
    day.picture_of_the_day(notebook)
    assert shown == [(len(day.TITLES[notebook]) + 2 + (notebook == "12"), f"{notebook}.day")]


def test_other_notebooks_have_none():
    with pytest.raises(ValueError, match=f"notebook is '99'; wanted one of {', '.join(day.TITLES)}"):
        day.picture_of_the_day("99")


def test_the_scoreboard_has_a_row_for_each_network_and_a_dot_for_each_training():
    for last, count in (("threshold", 1), ("three blocks, 13 pixels", 5), (None, 7)):
        figure = day.scoreboard(last)
        assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == list(day.ROWS[:count])
    dots = [line for line in figure.axes[1].lines if line.get_marker() == "o"]
    means = [statistics.mean(line.get_xdata()) for line in dots]
    rows = read_results("scoreboard")
    assert means == [statistics.mean(r["val_f1"] for r in rows if r["network"] == name) for name in day.ROWS]
    assert "test" in day.scoreboard(test=True).axes[0].get_title() and "test" not in figure.axes[0].get_title()
    near, far = day.scoreboard(test=True, limits={"dice": (0.9, 0.95)}).axes
    assert near.get_xlim() == (0.9, 0.95) and far.get_xlim() == (0, 1)
    assert [t.get_text() for t in near.texts] == ["← 0.71 … 0.74"] and not far.texts  # one block, augmented
    with pytest.raises(ValueError, match="last is 'V-Net'; wanted one of threshold"):
        day.scoreboard("V-Net")


def test_every_row_is_stored_with_as_many_seeds():
    rows = [row for row in read_results("scoreboard") if row["network"] != "three blocks, 52 channels"]  # is not drawn
    for name in day.ROWS[2:]:
        assert [r["seed"] for r in rows if r["network"] == name] == [0, 1, 2, 3, 4], name
    assert {row["network"] for row in rows} == set(day.ROWS)
