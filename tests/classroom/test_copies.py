"""The student's copies: the same notebooks without solutions. They run from end to end in test_browser.py."""

import re
from pathlib import Path

import nbformat
import pytest

from unet_course.__main__ import main
from unet_course.classroom.copies import NOTEBOOKS, student_copies

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    student_copies(folder)
    return folder


def is_solution(cell):
    return "solution" in cell.metadata.get("tags", [])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_only_solutions_and_outputs_are_gone(path, copies):
    whole, copy = (nbformat.read(p, as_version=4) for p in (path, copies / path.name))
    nbformat.validate(copy)
    kept = [cell for cell in whole.cells if not is_solution(cell)]
    assert [(c.id, c.source, c.metadata) for c in copy.cells] == [(c.id, c.source, c.metadata) for c in kept]
    assert copy.metadata == whole.metadata
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in copy.cells)
    assert "@title Solution" not in (copies / path.name).read_text(encoding="utf-8")


def test_chinese_copies_are_chinese_where_there_is_a_translation(tmp_path, capsys):
    assert main(["student", str(tmp_path), "--language", "zh"]) == 0
    assert f"{len(PATHS)} notebooks" in capsys.readouterr().out
    chinese = {path.name for path in NOTEBOOKS.glob("zh/*.ipynb")}
    for copy in tmp_path.glob("*.ipynb"):
        cells = nbformat.read(copy, as_version=4).cells
        prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        assert bool(re.search("[\u4e00-\u9fff]{10}", prose)) == (copy.name in chinese) and not any(map(is_solution, cells))
        assert [link for link in re.findall(r"\]\(([^)\s]*\d\d_\w+\.ipynb)", prose)
                if "://" not in link and not (tmp_path / link).exists()] == []
    with pytest.raises(ValueError, match="language is 'fr'; wanted 'en' or 'zh'"):
        student_copies(tmp_path / "more", language="fr")


def test_a_students_work_is_never_written_over(copies, capsys):
    work = copies / PATHS[0].name
    before = work.read_bytes()
    with pytest.raises(FileExistsError, match="may be somebody's work; give an empty folder"):
        student_copies(copies)
    assert main(["student", str(copies)]) == 1 and "empty folder" in capsys.readouterr().err
    assert work.read_bytes() == before


def test_a_folder_without_notebooks_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no notebook such as"):
        student_copies(tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    monkeypatch.setattr("unet_course.data.files.saving.os.replace",
                        lambda *a: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        student_copies(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command(tmp_path, capsys):
    assert main(["student", str(tmp_path / "class")]) == 0
    assert f"{len(PATHS)} notebooks" in capsys.readouterr().out and isinstance(tmp_path, Path)
