"""A class at once, in small: the tool that measures it, and what the page for teachers says of it."""

import re
from pathlib import Path

import nbformat
import psutil
import pytest

from tools.elsewhere import classroom
from tools.elsewhere.beside import environment

PAGE = Path(__file__).resolve().parents[2] / "book" / "teaching.md"


@pytest.mark.full
def test_two_learners_at_once():
    result = classroom.measure(2)
    assert result["learners"] == 2 and result["failed"] == 0
    assert 0 < result["first"] <= result["last"] and 50 < result["memory"] < 2000
    assert not [child for child in psutil.Process().children() if "ipykernel" in " ".join(child.cmdline())]


def test_a_learner_who_fails_is_counted(monkeypatch, capsys):
    def spoilt(folder):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
        nbformat.write(notebook, Path(folder) / classroom.NOTEBOOK)

    monkeypatch.setattr(classroom, "student_copies", spoilt)
    assert classroom.measure(1)["failed"] == 1 and "ZeroDivisionError" in capsys.readouterr().err


def test_the_tables():
    row = {"learners": 10, "first": 1.2, "last": 3.4, "memory": 300.4, "failed": 0}
    text = classroom.table([row], {"02_convolution_block": row}, 70)
    assert "| 10 | 1 s | 3 s | 300 MiB | 0 |" in text and "| 02_convolution_block | 3 s | 300 MiB |" in text and "70 MiB" in text
    chinese = classroom.table([row], {"02_convolution_block": row}, 70, "book/zh/teaching.md")
    assert re.findall(r"\d+", chinese) == re.findall(r"\d+", text) and not re.search(r"[A-Za-z]{4}", re.sub(r"02_\w+|JupyterLab", "", chinese))
    whole = "a<!-- load:start -->old<!-- load:end -->z"
    assert classroom.refresh(whole, text) == f"a<!-- load:start -->{text}<!-- load:end -->z"


def test_the_page_has_classes_of_10_20_and_30_and_none_failed():
    shown = PAGE.read_text(encoding="utf-8").split("<!-- load:start -->")[1].split("<!-- load:end -->")[0]
    classes = re.findall(r"^\| (\d+) \| \d+ s \| \d+ s \| \d+ MiB \| (\d+) \|$", shown, re.M)
    assert classes == [("10", "0"), ("20", "0"), ("30", "0")]
    assert len(re.findall(r"^\| \d\d_\w+ \|", shown, re.M)) >= 9


@pytest.mark.full
@pytest.mark.parametrize("beginning", ["# nothing", ""])
def test_an_environment_that_is_there_is_not_made_again(tmp_path, monkeypatch, beginning):
    calls = []
    monkeypatch.setattr("tools.elsewhere.beside.ROOT", tmp_path)
    monkeypatch.setattr("tools.elsewhere.beside.install", lambda python, *rest: calls.append(rest) or not beginning)
    for _ in range(2):
        python = environment(".venv-x", ["one", "two"], "--no-deps")
    assert python.exists()
    # what failed is tried again
    assert calls == [("one", "--no-deps"), ("two", "--no-deps")] * (2 if beginning else 1)
