"""The student's copies in a real JupyterLab, in a real browser: run whole, no error; a slider moved by keyboard changes its picture.

Trainings are cut to a few steps: their scores are compared elsewhere. Needs a Chromium that is installed on the machine, and Playwright. Pictures of the pages are left in `artefacts/browser`.
"""

import json
import sys
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tests.course.lab_server import CHROMIUM, TOKEN, serving
from tests.course.short import shortened
from unet_course.classroom.copies import student_copies

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = ROOT / "artefacts" / "browser"
GIVE_UP = 480_000  # milliseconds, for all that has to come: on a machine with other work it comes late

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab with the copies; its address."""
    folder = tmp_path_factory.mktemp("lab") / "copies"
    student_copies(folder)
    settings = folder / "settings"
    settings.mkdir()
    (settings / "overrides.json").write_text(json.dumps({
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}))  # all cells are on the page, seen or not
    for path in NOTEBOOKS:
        copy = folder / path.name
        nbformat.write(shortened(nbformat.read(copy, as_version=4)), copy)
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}",
               f"--LabApp.app_settings_dir={settings}", "--LabApp.extension_manager=readonly", "--LabApp.news_url=None"]
    with serving(command, folder) as address:
        yield address


@pytest.fixture
def opened(lab, browser):
    """Open a notebook, run all its cells, wait for the end."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(GIVE_UP)

    def open_(name):
        page.goto(f"{lab}/lab/tree/{name}?token={TOKEN}&reset")
        # The sign beside the notebook rests before there is a kernel too, and cells that run then stay empty.
        page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        # Done when cells have numbers, none waits, the kernel rests. A busy kernel is no sign of the beginning: a short
        # notebook has left it before somebody looks.
        page.wait_for_function("""() => {
            const busy = document.querySelector('.jp-Notebook-ExecutionIndicator').dataset.status !== 'idle';
            const prompts = [...document.querySelectorAll('.jp-InputPrompt')].map(p => p.textContent);
            return !busy && prompts.some(p => /\\d/.test(p)) && !prompts.some(p => p.includes('[*]')) }""",
            polling=500)
        return page

    yield open_
    page.close()


def written(cells):
    """The cells that have code to run."""
    return [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def stored(lab, name):
    """The cells of a notebook that have code, as the server has them."""
    with urllib.request.urlopen(f"{lab}/api/contents/{name}?token={TOKEN}", timeout=30) as answer:
        return written(json.load(answer)["content"]["cells"])


MARKS = {path: () if path.stem.startswith("02") else pytest.mark.full for path in NOTEBOOKS}


@pytest.mark.parametrize("path", [pytest.param(path, marks=mark) for path, mark in MARKS.items()],
                         ids=lambda path: path.stem)
def test_runs_whole_and_a_slider_moves_by_keyboard(opened, lab, path):
    page = opened(path.name)
    for attempt in range(240):  # JupyterLab saves when it finds the time; a key may be lost on a busy page
        if attempt % 20 == 0:
            page.keyboard.press("Control+s")
        cells = stored(lab, path.name)
        if all(cell["execution_count"] for cell in cells):
            break
        page.wait_for_timeout(250)
    assert [c["execution_count"] for c in cells] == list(range(1, len(cells) + 1))
    untouched = [c for c in cells if "exercise" in c["metadata"].get("tags", [])]
    assert untouched or path.stem.startswith("00")
    for cell in untouched:
        assert "not attempted yet" in str(cell["outputs"]), cell["source"]
    failed = [i for i, c in enumerate(cells, 1) for o in c["outputs"]
              if o["output_type"] == "error" and "raises-exception" not in c["metadata"].get("tags", [])]
    assert failed == [] and not [o for c in cells for o in c["outputs"] if o.get("name") == "stderr"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    labs = "".join("".join(c["source"]) for c in cells if "_lab(" in "".join(c["source"]))
    if labs:
        play(page, path.stem)
    page.screenshot(path=PICTURES / f"{path.stem}.png")


def play(page, name):
    """Move the first control of each lab by keyboard, and see its picture change."""
    boxes = page.locator(".jupyter-widgets.widget-vbox:has(> .widget-html img)")
    boxes.first.wait_for()
    for index, box in enumerate(boxes.all()):
        box.scroll_into_view_if_needed()
        before = box.locator("img").last.get_attribute("src")
        move(page, box)
        page.wait_for_function("([box, before]) => [...box.querySelectorAll('img')].pop().src !== before",
                               arg=[box.element_handle(), before])
        box.screenshot(path=PICTURES / f"{name}_lab{index}.png")


def move(page, box):
    """One key, as somebody without a mouse would press it, on the lab's first control."""
    # A box to tick comes first: how a skip is cut changes nothing while none is cut.
    for kind, keys in (("input[type=checkbox]", ["Space"]), (".noUi-handle", ["ArrowRight"]), ("input[type=text]", ["1", "Enter"])):
        control = box.locator(kind).first
        if control.count():
            control.focus()
            for key in keys:
                page.keyboard.press(key)
            return
    raise AssertionError("a lab without a control")
