"""The notebooks in a real JupyterLab, in a real browser: run whole, no error; a slider moved by keyboard changes its picture.

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

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = ROOT / "artefacts" / "browser"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab with a copy of the notebooks; its address."""
    folder = tmp_path_factory.mktemp("lab")
    settings = folder / "settings"
    settings.mkdir()
    (settings / "overrides.json").write_text(json.dumps({
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}))  # all cells are on the page, seen or not
    for path in NOTEBOOKS:
        nbformat.write(shortened(nbformat.read(path, as_version=4)), folder / path.name)
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}",
               f"--LabApp.app_settings_dir={settings}", "--LabApp.extension_manager=readonly", "--LabApp.news_url=None"]
    with serving(command, folder) as address:
        yield address


@pytest.fixture
def opened(lab, browser):
    """Open a notebook, run all its cells, wait for the end."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})

    def open_(name):
        page.goto(f"{lab}/lab/tree/{name}?token={TOKEN}&reset")
        idle = page.locator(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status=idle]")
        idle.wait_for(state="attached", timeout=60_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        # done when the last code cell has a number and the kernel rests; stored numbers are taken away by running
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=busy]").wait_for(state="attached", timeout=60_000)
        page.wait_for_function("""() => {
            const busy = document.querySelector('.jp-Notebook-ExecutionIndicator').dataset.status !== 'idle';
            const waiting = [...document.querySelectorAll('.jp-InputPrompt')].some(p => p.textContent.includes('[*]'));
            return !busy && !waiting }""", timeout=480_000, polling=500)
        page.wait_for_timeout(500)
        return page

    yield open_
    page.close()


def stored(lab, name):
    """The notebook as the server has it, and when it was saved."""
    with urllib.request.urlopen(f"{lab}/api/contents/{name}?token={TOKEN}", timeout=30) as answer:
        model = json.load(answer)
        return model["content"], model["last_modified"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_whole_and_a_slider_moves_by_keyboard(opened, lab, path):
    _, before = stored(lab, path.name)
    page = opened(path.name)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(500)
    for _ in range(40):
        content, saved = stored(lab, path.name)
        if saved != before:
            break
        page.wait_for_timeout(250)
    cells = [c for c in content["cells"] if c["cell_type"] == "code" and "".join(c["source"]).strip()]
    assert [c["execution_count"] for c in cells] == list(range(1, len(cells) + 1))
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
    boxes.first.wait_for(timeout=20_000)
    for index, box in enumerate(boxes.all()):
        box.scroll_into_view_if_needed()
        before = box.locator("img").last.get_attribute("src")
        move(page, box)
        page.wait_for_function("([box, before]) => [...box.querySelectorAll('img')].pop().src !== before",
                               arg=[box.element_handle(), before], timeout=20_000)
        box.screenshot(path=PICTURES / f"{name}_lab{index}.png")


def move(page, box):
    """One key, as somebody without a mouse would press it, on the lab's first control."""
    for kind, keys in ((".noUi-handle", ["ArrowRight"]), ("input[type=checkbox]", ["Space"]), ("input[type=text]", ["1", "Enter"])):
        control = box.locator(kind).first
        if control.count():
            control.focus()
            for key in keys:
                page.keyboard.press(key)
            return
    raise AssertionError("a lab without a control")
