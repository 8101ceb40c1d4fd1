"""The Chinese line below each figure: every word is known, every row of the table is used, and it is well written."""

from fnmatch import fnmatchcase
from pathlib import Path

import nbformat
import pytest

from tests.tools.test_translate import is_well_set, keeps_terms
from tools.notebooks import figure_keys
from tools.notebooks.translate import paths

NOTEBOOKS = {path.name[:2]: nbformat.read(path, as_version=4) for path in paths()}
CELLS = [cell for notebook in NOTEBOOKS.values() for cell in notebook.cells]
ROWS = figure_keys.table()


def figure(words, alt="", source="show(figure)"):
    """A cell that shows a figure with these words."""
    data = {"image/png": "", "text/plain": f"[figure] 900 × 400 pixels\n{words}"}
    output = nbformat.v4.new_output("display_data", data, metadata={"image/png": {"alt": alt}})
    return nbformat.v4.new_code_cell(source, outputs=[output])


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_every_word_of_a_figure_is_in_the_table(number):
    assert figure_keys.unknown(NOTEBOOKS[number]) == []


def test_every_row_is_used_and_stands_once():
    used = {row.english for cell in CELLS for row, *_ in figure_keys.explain(figure_keys.words(cell))[0]}
    used |= {row.english for cell in CELLS for row, *_ in figure_keys.drawn(cell)}
    assert [row.english for row in ROWS if row.english not in used] == []
    assert len({row.english for row in ROWS}) == len(ROWS)


def test_figures_in_which_words_are_drawn_are_there():
    there = {name for cell in CELLS for name in figure_keys.names(cell)}
    wanted = {name for row in ROWS for name in row.drawn}
    assert [name for name in wanted if not any(fnmatchcase(one, name) for one in there)] == []


@pytest.mark.parametrize("rule", [is_well_set, keeps_terms], ids=lambda rule: rule.__name__)
def test_the_chinese_keeps_the_rule(rule):
    said = [(row.english, row.chinese.replace("{}", "1").replace("{0}", "1").replace("{1}", "1")) for row in ROWS if row.chinese]
    assert len(said) > 300 and [(english, found) for english, chinese in said if (found := rule(english, chinese))] == []


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_each_figure_with_words_has_its_line_below_it(number):
    path = next(path for path in paths() if path.name.startswith(number))
    cells = nbformat.read(Path(path.parent, "zh", path.name), as_version=4).cells
    lines = [(above, cell) for above, cell in zip(cells, cells[1:]) if figure_keys.TAG in cell.metadata.get("tags", [])]
    assert lines and [cell.source for above, cell in lines if not figure_keys.pictures(above) or "{" in cell.source] == []
    for cell in NOTEBOOKS[number].cells:  # a figure that stands first in its section has all of its words explained
        alone = figure_keys.line(cell, set())
        assert (alone == "") == (not any(row.chinese for row, *_ in figure_keys.explain(figure_keys.words(cell))[0])
                                 and not figure_keys.drawn(cell))


@pytest.mark.parametrize("words, wanted", [
    ("image | 1 image\nkey: boundary, interior", "image = 图像；boundary = 边界；interior = 内部"),
    ("Dice, validation block | 12 lines", "validation block = 验证块"),  # Dice is a name
    ("1 nucleus in 8 missed | 1 image", "1 nucleus in 8 missed = 每 8 个细胞核漏掉 1 个"),
    ("Image | across: step", "Image = 图像；step = 步"), ("image | 2 images\nimage | 1 image", "image = 图像"),
    ("2 lines | 3 areas", ""), ("C×H×W | 1 line", ""),
])
def test_composes_the_line(words, wanted):
    assert figure_keys.line(figure(words), set()) == (f"<small>图中英文：{wanted}。</small>" if wanted else "")


def test_a_word_that_is_not_in_the_table_is_named():
    cell = figure("image of a giraffe | 1 image")
    assert figure_keys.explain(figure_keys.words(cell))[1] == ["of", "giraffe"]
    assert figure_keys.unknown(nbformat.v4.new_notebook(cells=[cell])) == ["of", "giraffe"]


def test_words_that_are_only_drawn_come_from_the_name_of_the_figure():
    assert "copy: the skip = 复制：跳跃连接" in figure_keys.line(figure("5 lines", figure_keys.alt_texts("en")["06"]["map"]), set())
    assert "zeros at = 补零的位置" in figure_keys.line(figure("", source="padding_lab()"), set())


def test_a_section_explains_a_word_once_and_the_next_one_again():
    title, heading = (nbformat.v4.new_markdown_cell(text) for text in ("# A", "## 1. B"))
    cells = [title, figure("image | 1 image"), figure("image | 1 image\nstep | 1 line"), heading, figure("image | 1 image")]
    made = figure_keys.with_lines(nbformat.v4.new_notebook(cells=cells)).cells
    assert [figure_keys.TAG in cell.metadata.get("tags", []) for cell in made] == [False, False, True, False, True, False, False, True]
    assert ["image" in made[i].source for i in (2, 4, 7)] == [True, False, True]
    nbformat.validate(nbformat.v4.new_notebook(cells=made))
