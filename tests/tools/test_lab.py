"""`course.py lab`: the learner's own copies, and what the first screen shows."""

import json

import nbformat
import pytest

from tests.course.lab_server import CHROMIUM, TOKEN, serving
from tools.notebooks import lab
from tools.notebooks.slides import environment
from unet_course.classroom.copies import NOTEBOOKS

NAMES = ["00_start_here.ipynb", "02_convolution_block.ipynb"]


def edit(path, change):
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def say(text, cell=3):
    return lambda notebook: notebook.cells[cell].update(source=text)


@pytest.fixture
def course(tmp_path):
    """A small course, and the learner's folder with first copies of it."""
    shipped, mine = tmp_path / "notebooks", tmp_path / "my_course"
    shipped.mkdir()
    for name in NAMES:
        (shipped / name).write_bytes((NOTEBOOKS / name).read_bytes())
    assert lab.update(mine, shipped) == []
    return shipped, mine


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_copies_are_the_students_and_have_no_badge(course):
    shipped, mine = course
    edit(shipped / NAMES[0], lambda nb: nb.cells[0].update(source="# 00 · T\n\n[![Open in Colab](a)](b)\n\nWhy."))
    assert lab.update(mine, shipped) == [] and listed(mine) == [lab.RECORD, *NAMES]
    for name in NAMES:
        cells = nbformat.read(mine / name, as_version=4).cells
        assert not [c for c in cells if "solution" in c.metadata.get("tags", []) or c.get("outputs")]
    assert nbformat.read(mine / NAMES[0], as_version=4).cells[0].source == "# 00 · T\n\nWhy."


def test_a_second_time_nothing_is_written(course):
    shipped, mine = course
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in mine.glob("*.ipynb")}
    assert lab.update(mine, shipped) == []
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_what_is_missing_comes_back_and_what_nobody_changed_is_replaced(course):
    shipped, mine = course
    (mine / NAMES[0]).unlink()
    edit(mine / NAMES[1], lambda nb: nb.cells[1].update(execution_count=1))  # run, and not written in
    edit(shipped / NAMES[1], say("A better sentence."))
    assert lab.update(mine, shipped) == [] and listed(mine) == [lab.RECORD, *NAMES]
    assert nbformat.read(mine / NAMES[1], as_version=4).cells[3].source == "A better sentence."


def test_a_newer_version_lands_beside_what_the_learner_wrote_once(course):
    shipped, mine = course
    edit(mine / NAMES[1], say("My own note."))
    assert lab.update(mine, shipped) == []  # only the learner has changed it
    edit(shipped / NAMES[1], say("A better sentence."))
    beside = "02_convolution_block.new.ipynb"
    assert [beside in line and line.count("\n") == 0 for line in lab.update(mine, shipped)] == [True]
    assert nbformat.read(mine / NAMES[1], as_version=4).cells[3].source == "My own note."
    assert nbformat.read(mine / beside, as_version=4).cells[3].source == "A better sentence."
    (mine / beside).unlink()
    assert lab.update(mine, shipped) == [] and not (mine / beside).exists()  # it has been offered
    edit(shipped / NAMES[1], say("A third one."))
    assert len(lab.update(mine, shipped)) == 1
    edit(mine / beside, say("Written in the new one."))
    edit(shipped / NAMES[1], say("A fourth one."))
    assert "move 02_convolution_block.new.ipynb away" in lab.update(mine, shipped)[0]
    assert nbformat.read(mine / beside, as_version=4).cells[3].source == "Written in the new one."
    (mine / beside).unlink()
    assert len(lab.update(mine, shipped)) == 1 and (mine / beside).exists()


def test_a_new_address_is_no_new_version(course):
    shipped, mine = course
    edit(mine / NAMES[1], say("My own note."))
    edit(shipped / NAMES[1], lambda nb: nb.cells[1].update(source=nb.cells[1].source.replace("OWNER/", "ann/")))
    assert lab.update(mine, shipped) == []


@pytest.mark.parametrize("record", [None, "not json", "[1]"])
@pytest.mark.parametrize("work", ["my work", "{}"])
def test_what_cannot_be_read_stays(course, record, work):
    shipped, mine = course
    (mine / lab.RECORD).unlink()
    if record:
        (mine / lab.RECORD).write_text(record)
    (mine / NAMES[1]).write_text(work)
    assert lab.update(mine, shipped) == []
    assert (mine / NAMES[1]).read_text() == work and set(json.loads((mine / lab.RECORD).read_text())) == set(NAMES)


def test_which_folder_is_opened(monkeypatch, tmp_path, capsys):
    seen = []
    monkeypatch.setattr(lab, "MINE", tmp_path / "my_course")
    monkeypatch.setattr(lab, "follow", lambda command, environment: seen.append(command) or 0)
    for arguments, folder in ((["--no-browser"], lab.MINE), (["--language", "zh"], lab.MINE / "zh"), (["--solutions"], NOTEBOOKS),
                              (["--solutions", "--language=zh"], NOTEBOOKS / "zh")):
        assert lab.main(arguments) == 0
        assert f"--ServerApp.root_dir={folder}" in seen[-1] and "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in seen[-1]
        assert "--ServerApp.ip=127.0.0.1" in seen[-1] and "token" not in " ".join(seen[-1]).lower()
    assert "--no-browser" in seen[0] and "从这里开始" in (lab.MINE / "zh" / NAMES[0]).read_text(encoding="utf-8")
    assert len(list(lab.MINE.glob("*.ipynb"))) == len(list(NOTEBOOKS.glob("*.ipynb"))) and "Your own copy" in capsys.readouterr().out


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")
def test_the_first_screen_is_00_and_asks_nothing(course, browser, tmp_path):
    settings = tmp_path / "settings"
    settings.mkdir()
    lab.write_settings(settings)
    command = [*lab.command(course[1]), "--LabApp.extension_manager=readonly"]
    paths = environment(settings)["JUPYTER_CONFIG_PATH"]
    with serving(command, tmp_path, JUPYTER_CONFIG_PATH=paths) as place:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(240_000)
        page.goto(f"{place}/?token={TOKEN}")  # as JupyterLab opens it
        page.get_by_role("heading", name="00 · Start here").wait_for()
        page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()  # by then the question would have come
        page.wait_for_timeout(3000)
        assert page.url.endswith("/lab/tree/00_start_here.ipynb")
        assert page.locator(".Toastify__toast, .jp-Dialog").count() == 0
        assert "news" not in page.inner_text("body").lower() and "OWNER" not in page.inner_text("body")
        assert page.locator(".jp-Launcher").count() == 0 and page.locator(".jp-Notebook img").count() == 0
        page.close()
