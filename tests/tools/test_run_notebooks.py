"""The notebook runner stores what ran, clean, and leaves what failed alone."""

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tools.notebooks import run

BAR = "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)):\n    pass\nprint('a')\nprint('b')"


def make(folder, *sources, **metadata):
    cells = [nbformat.v4.new_markdown_cell("# T <!-- time -->?<!-- /time -->"), *map(nbformat.v4.new_code_cell, sources)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    path = folder / "t.ipynb"
    nbformat.write(notebook, path)
    return path


def test_runs_stores_and_strips(tmp_path):
    path = make(tmp_path, BAR, "1 + 1")
    assert run.run(path) > 0
    stored = nbformat.read(path, as_version=4)
    assert [c.execution_count for c in stored.cells[1:]] == [1, 2]
    assert "widgets" not in stored.metadata and "widget-view" not in path.read_text()
    assert [o.text for o in stored.cells[1].outputs if o.output_type == "stream"] == ["a\nb\n"]
    assert stored.cells[0].source == "# T <!-- time -->1 minutes<!-- /time -->" and run.minutes(path) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("source, error", [("1 / 0", CellExecutionError),
                                           ("import warnings; warnings.warn('mend me')", ValueError)])
def test_failure_or_warning_leaves_the_file_as_it_was(tmp_path, source, error):
    path = make(tmp_path, "print(1)", source)
    before = path.read_bytes()
    with pytest.raises(error):
        run.run(path)
    assert path.read_bytes() == before


def test_time_table_keeps_other_rows(tmp_path):
    readme = tmp_path / "times.md"
    readme.write_text("x\n<!-- times:start -->\n<!-- times:end -->\ny\n")
    run.refresh_table({"01_b": 3.2, "00_a": 10.6}, readme)
    run.refresh_table({"01_b": 7.0}, readme)
    lines = readme.read_text().splitlines()
    assert "| 00_a | 11 s | 20 s |" in lines and "| 01_b | 7 s | 20 s |" in lines
    assert lines[0] == "x" and lines[-1] == "y"
    assert lines[2:4] == ["| notebook | measured | budget |", "|---|---|---|"]


def test_time_table_keeps_its_heading(tmp_path):
    readme = tmp_path / "times.md"
    readme.write_text("<!-- times:start -->\n| 笔记本 | 实测 | 上限 |\n|---|---|---|\n<!-- times:end -->\n", encoding="utf-8")
    run.refresh_table({"00_a": 10.6}, readme)
    assert readme.read_text(encoding="utf-8").splitlines()[1:4] == ["| 笔记本 | 实测 | 上限 |", "|---|---|---|", "| 00_a | 11 s | 20 s |"]


def test_the_map_has_the_minutes_of_the_first_cell(tmp_path):
    path, readme = make(tmp_path), tmp_path / "README.md"
    readme.write_text("| [00 T](notebooks/t.ipynb) | say 2 things | 7 |\n| [01 T](notebooks/01_t.ipynb)（英文） | x | |\n", encoding="utf-8")
    run.stamp_minutes(notebook := nbformat.read(path, as_version=4))
    nbformat.write(notebook, path)
    run.refresh_map(readme, [path])
    run.refresh_map(readme, [path.rename(tmp_path / "01_t.ipynb")])
    assert readme.read_text(encoding="utf-8") == ("| [00 T](notebooks/t.ipynb) | say 2 things | 1 |\n"
                                                  "| [01 T](notebooks/01_t.ipynb)（英文） | x | 1 |\n")


def test_unknown_name_is_refused(capsys):
    assert run.main(["99"]) == 1
    assert "99" in capsys.readouterr().err
