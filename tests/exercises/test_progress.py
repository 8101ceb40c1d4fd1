"""Progress is kept for the learner, never by a solution or on a machine that tests, and never gets in the way."""

import json

import pytest

from unet_course import check
from unet_course.__main__ import main
from unet_course.exercises import progress
from unet_course.exercises.listing import exercises_by_notebook
from unet_course.figures.charts import progress_chart


def right(prediction, target):
    areas = prediction.sum() + target.sum()
    return 2 * (prediction & target).sum() / areas if areas else 1.0


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.SWITCH, str(tmp_path / "home" / "progress.json"))
    return tmp_path / "home" / "progress.json"


def test_what_is_passed_is_kept_once(file):
    check("7.1", right)
    check("7.1", right)
    check("7.2", right)
    check("7.2")
    assert json.loads(file.read_text()) == {"passed": ["7.1"]} and progress.passed() == {"7.1"}
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


def test_it_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(progress.SWITCH, "off")
    check("7.1", right).require()
    monkeypatch.delenv(progress.SWITCH)
    monkeypatch.setenv("CI", "true")
    check("7.1", right).require()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delenv("CI")
    check("7.1", right).require()
    assert (tmp_path / ".unet_course" / "progress.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"passed": 3}', '{"passed": [1, null]}'])
def test_a_damaged_file_is_begun_anew(file, content):
    file.parent.mkdir()
    file.write_text(content)
    assert progress.passed() == set()
    check("7.1", right).require()
    assert progress.passed() == {"7.1"}


def test_a_folder_that_cannot_be_written_does_not_matter(file):
    file.parent.write_text("a file where the folder should be")
    check("7.1", right).require()
    assert progress.passed() == set()


def test_running_a_solution_is_not_passing(file, monkeypatch):
    import IPython

    class Shell:
        user_ns = {"In": ["", "# @title Solution\ncheck(...)"]}

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    check("7.1", right).require()
    assert not file.exists()
    Shell.user_ns["In"].append("check(...)")
    check("7.1", right).require()
    assert progress.passed() == {"7.1"}


def test_the_list(file, capsys):
    check("7.1", right)
    assert main(["exercises"]) == 0
    text = capsys.readouterr().out
    assert "[x] 7.1  Dice (6 minutes)" in text and "[ ] 7.2" in text and "\n1 of " in text
    assert text.index("Notebook 02") < text.index("2.1") < text.index("Notebook 08")


def test_the_chart_fills_what_is_passed_and_nothing_else():
    exercises = exercises_by_notebook()
    figure = progress_chart(exercises, {"0.1", "2.3", "99.9"})
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {t for t in texts if "✓" in t} == {"0.1 ✓", "2.3 ✓"} and len(texts) == sum(map(len, exercises.values()))
    assert figure.axes[0].get_title() == f"2 of {len(texts)} exercises passed"
    empty = progress_chart({"00": ["0.1"]}, set())
    assert len({patch.get_facecolor() for patch in empty.axes[0].patches}) == 1
