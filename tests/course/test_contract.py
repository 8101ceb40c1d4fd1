"""What nbval compares of a notebook: numbers behind ≈ within a tolerance, orders, times, a figure's words."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def out(text, kind="stream"):
    if kind == "stream":
        return nbformat.v4.new_output("stream", name="stdout", text=text)
    return nbformat.v4.new_output("display_data", data={kind: text})


# source of a cell, its stored output, its tags, and whether it passes
CELLS = {
    "same": ("print('≈ 0.94')", out("≈ 0.94\n"), [], True),
    "close": ("print('Dice ≈ 0.95 of 3')", out("Dice ≈ 0.94 of 3\n"), [], True),
    "far": ("print('Dice ≈ 0.97')", out("Dice ≈ 0.94\n"), [], False),
    "exact number beside": ("print('Dice ≈ 0.94 of 4')", out("Dice ≈ 0.94 of 3\n"), [], False),
    "text": ("print('Dice: ≈ 0.94')", out("Dice ≈ 0.94\n"), [], False),
    "a digit more": ("print('≈ 0.940')", out("≈ 0.94\n"), [], True),
    "wider": ("print('≈ 0.97')", out("≈ 0.94\n"), ["tolerance: 0.05"], True),
    "wider, and further": ("print('≈ 1.00')", out("≈ 0.94\n"), ["tolerance: 0.05"], False),
    "narrower": ("print('≈ 0.95')", out("≈ 0.94\n"), ["tolerance: 0.005"], False),
    "share": ("print('≈ 13,900')", out("≈ 13,200\n"), ["tolerance: 10 %"], True),
    "share, and further": ("print('≈ 15,000')", out("≈ 13,200\n"), ["tolerance: 10 %"], False),
    "whole numbers": ("print('≈ 13,300')", out("≈ 13,200\n"), [], False),
    "list": ("print('≈ [0.91, 0.94]')", out("≈ [0.92, 0.95]\n"), [], True),
    "list, one far": ("print('≈ [0.91, 0.99]')", out("≈ [0.92, 0.95]\n"), [], False),
    "list, one more": ("print('≈ [0.91, 0.94, 1]')", out("≈ [0.92, 0.95]\n"), [], False),
    "power": ("print('≈ 3e-06')", out("≈ 2e-06\n"), [], True),
    "power, far": ("print('≈ 3e-04')", out("≈ 2e-06\n"), [], False),
    "minus": ("print('≈ −0.31')", out("≈ -0.30\n"), [], True),
    "percent": ("print('≈ 13 %')", out("≈ 12 %\n"), [], True),
    "nan": ("print('≈ nan')", out("≈ 0.94\n"), [], False),
    "no sign": ("print('0.95')", out("0.94\n"), [], False),
    "html": ("from IPython.display import HTML\ndisplay(HTML('<b>≈ 0.95</b>'))",
             nbformat.v4.new_output("display_data", data={
                 "text/html": "<b>≈ 0.94</b>", "text/plain": "<IPython.core.display.HTML object>"}), [], True),
    "html, far": ("from IPython.display import HTML\ndisplay(HTML('<b>≈ 0.98</b>'))",
                  nbformat.v4.new_output("display_data", data={
                      "text/html": "<b>≈ 0.94</b>", "text/plain": "<IPython.core.display.HTML object>"}), [], False),
    "html, a line end in a fold": ("from IPython.display import HTML\ndisplay(HTML('<summary>a</summary><br>b'))",
                                   nbformat.v4.new_output("display_data", data={
                                       "text/html": "<summary>a</summary>b", "text/plain": "<IPython.core.display.HTML object>"}), [], True),
    "time": ("print('a step takes ≈ 31 ms, 5 steps')", out("a step takes 12.5 ms, 5 steps\n"), ["time"], True),
    "time, no tag": ("print('a step takes 31 ms')", out("a step takes 12 ms\n"), [], False),
    "time, a count": ("print('31 ms, 6 steps')", out("12 ms, 5 steps\n"), ["time"], False),
    "order": ("a, b = 2, 1", None, ["order: a > b"], True),
    "order, wrong": ("a, b = 1, 2", None, ["order: a > b"], False),
    "order, no name": ("a = 1", None, ["order: a > c"], False),
    "order, chain": ("a, b, c = 3, 2, 1", None, ["order: a > b > c"], True),
    "figure": ("from unet_course.figures import new_figure, show\nfigure, axes = new_figure(width=4, height=3)\n"
               "axes[0, 0].set(title='≈ 0.95')\nshow(figure, alt='nothing')",
               nbformat.v4.new_output("display_data", data={"text/plain": "[figure] nothing", "image/png": ""}), [], True),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Which of the cells pass, each told by its name; one notebook, in a folder that has the notebooks' conftest."""
    folder = tmp_path_factory.mktemp("contract")
    for name in ("conftest.py", "sanitize.cfg"):
        (folder / name).write_text((NOTEBOOKS / name).read_text(encoding="utf-8"), encoding="utf-8")
    cells = [nbformat.v4.new_code_cell(source, outputs=[stored] if stored else [], metadata={"tags": tags}, execution_count=i)
             for i, (source, stored, tags, _) in enumerate(CELLS.values(), 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "cells.ipynb")
    done = subprocess.run([sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-rA", "-p", "no:cacheprovider",
                           "cells.ipynb"], cwd=folder, capture_output=True, encoding="utf-8")
    found = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith(("PASSED", "FAILED"))}
    assert found, done.stdout + done.stderr
    passed = {int(line.rpartition("Cell ")[2].split()[0]) for line in done.stdout.splitlines() if line.startswith("PASSED")}
    return {name: index in passed for index, name in enumerate(CELLS)}


@pytest.mark.parametrize("name", CELLS)
def test_cell(results, name):
    assert results[name] == CELLS[name][-1]
