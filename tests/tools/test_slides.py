"""The notebooks as slides: every cell has the slide type of the rule; in a real browser nothing is cut off or fetched from afar."""

import base64
import copy
import re
import shutil
import struct
import sys
from pathlib import Path

import nbformat
import pytest

from tests.course.lab_server import CHROMIUM, TOKEN, serving
from tools.notebooks import slide_types, slides

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = ROOT / "artefacts" / "slides"
SHOWN = ["02_convolution_block.ipynb", "08_whole_images.ipynb"]  # one to write in, one with much on its slides


def read(path):
    return nbformat.read(path, as_version=4)


def stored(notebook):
    return [cell.metadata.get("slideshow", {}).get("slide_type") for cell in notebook.cells]


@pytest.fixture
def second():
    return copy.deepcopy(read(next(p for p in NOTEBOOKS if p.name == SHOWN[0])))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_slide_types_are_those_of_the_rule(path):
    notebook = read(path)
    assert stored(notebook) == slide_types.slide_types(notebook)  # python -m tools.notebooks.slide_types writes them


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_slide_holds_one_cell_or_what_fits_on_the_screen(path):
    notebook, page = read(path), []
    for cell, kind in [*zip(notebook.cells, slide_types.slide_types(notebook)), (None, "slide")]:
        if kind in ("slide", "subslide"):
            assert len(page) < 2 or slide_types.fits(page)
            page = []
        page.append(cell)


def test_what_each_kind_of_cell_is(second):
    kinds = dict(zip([cell.source.split("\n")[0] for cell in second.cells], slide_types.slide_types(second)))
    assert list(kinds.values())[:3] == ["slide", "subslide", "-"]  # title, set-up, the picture of the day
    assert kinds["## 2. Sizes, and what padding does"] == "slide" and kinds["### Exercise 2.1 · A convolution by hand (10 minutes)"] == "subslide"
    assert kinds["def convolve(image, kernel):"] == "-"  # the stub stands with its task
    solutions = [k for c, k in zip(second.cells, slide_types.slide_types(second)) if "solution" in c.metadata.get("tags", [])]
    assert solutions[:-1] == ["fragment"] * (len(solutions) - 1)  # below its stub, hidden at first
    assert solutions[-1] == "subslide"  # of 2.7, whose statement fills a slide
    asked = next(i for i, c in enumerate(second.cells) if c.source.startswith("## 1. A convolution, by hand"))
    assert slide_types.slide_types(second)[asked + 1] == "fragment"  # what answers its question


def test_tag_is_idempotent_and_keeps_what_else_is_known(second):
    second.cells[2].metadata["tags"] = ["mine"]
    slide_types.tag(second)
    once = copy.deepcopy(second)
    slide_types.tag(second)
    assert second == once and second.cells[2].metadata["tags"] == ["mine"]
    nbformat.validate(second)


def test_rule_can_fail_and_an_author_goes_before_it(second):
    slide_types.tag(second)
    second.cells[6].source += "\n# more" * 20
    assert stored(second) != slide_types.slide_types(second)
    second.cells[4].metadata["tags"] = ["slide: skip"]
    slide_types.tag(second)
    assert stored(second)[4] == "skip"
    second.cells[4].metadata["tags"] = ["slide: big"]
    with pytest.raises(ValueError, match="Cell 4 has the tag 'slide: big'; a slide is one of slide, subslide"):
        slide_types.tag(second)


def drawn(tall, code="1"):
    """A cell that has drawn a picture so many pixels high."""
    beginning = bytes(16) + struct.pack(">II", 1000, tall)  # as a PNG file says its size
    output = nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(beginning).decode()})
    return nbformat.v4.new_code_cell(code, outputs=[output])


def kinds_of(*cells):
    cells = [nbformat.v4.new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return slide_types.slide_types(nbformat.v4.new_notebook(cells=cells))


def test_what_was_seen_stays_on_the_slide_of_its_picture():
    seen, long = "A line. " * 20, "A line. " * 150
    assert kinds_of("# T", "## 1. A", "The question.", drawn(400), seen) == ["slide", "slide", "-", "-", "-"]
    assert kinds_of("# T", "## 1. A", long, drawn(400), seen) == ["slide", "slide", "-", "subslide", "-"]
    assert kinds_of("# T", "## 1. A", drawn(400), long) == ["slide", "slide", "-", "subslide"]  # else it would not fit
    code = "\n".join(["1"] * 15)  # of a picture's code one line is shown
    assert kinds_of("# T", "## 1. A", drawn(400, code), seen) == ["slide", "slide", "-", "-"]


def test_a_picture_is_made_smaller_for_its_words_but_not_much():
    words = "A line. " * 48  # five lines
    assert kinds_of("# T", drawn(540), words) == ["slide", "-", "-"]
    assert kinds_of("# T", drawn(540), words * 3) == ["slide", "-", "subslide"]


def test_what_is_printed_beside_a_picture_leaves_room_for_words():
    cell = drawn(300)
    cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text="1\n" * 60))
    assert kinds_of("# T", "## 1. A", cell, "A line.") == ["slide", "slide", "-", "-"]


def test_a_slide_of_one_line_is_merged():
    code = nbformat.v4.new_code_cell("\n".join(["1"] * 10))
    exercise = [nbformat.v4.new_code_cell("answer = ...", metadata={"tags": ["exercise"]}),
                nbformat.v4.new_code_cell("answer = 1", metadata={"tags": ["solution"]})]
    assert kinds_of("# T", "## 1. A", code, "A line.", "### Exercise", *exercise) == [
        "slide", "slide", "-", "-", "subslide", "-", "fragment"]
    assert kinds_of("# T", "## 2. More exercises", "### Exercise", *exercise) == ["slide", "slide", "-", "-", "fragment"]


def test_a_cell_without_code_or_of_another_kind_is_no_slide():
    cells = [nbformat.v4.new_markdown_cell("# T"), nbformat.v4.new_code_cell(""), nbformat.v4.new_code_cell("1"),
             nbformat.v4.new_raw_cell("for nbconvert")]
    assert slide_types.slide_types(nbformat.v4.new_notebook(cells=cells)) == ["slide", "skip", "-", "skip"]


def test_task_names_the_notebooks_if_there_is_none(capsys):
    assert slides.main(["77"]) == 1
    assert "No notebook begins with 77" in capsys.readouterr().err


def test_task_starts_lab_on_the_slides_with_its_token(monkeypatch):
    calls = []
    monkeypatch.setattr(slides, "follow", lambda command, environment: calls.append((command, environment)) or 0)
    assert slides.main(["02", "--no-browser"]) == 0 and slides.main([]) == 0
    (named, environment), (folder, _) = calls
    assert named[:3] == [sys.executable, "-m", "jupyterlab"] and named[-1] == "--no-browser"
    assert f"--LabApp.default_url=/rise/{SHOWN[0]}" in named and not any("default_url" in part for part in folder)
    assert not any("token" in part or "password" in part for part in named)  # Jupyter's own token stays
    assert environment["JUPYTER_CONFIG_PATH"]


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """The slides' own server, as the task starts it, with copies of the notebooks."""
    folder = tmp_path_factory.mktemp("hall")
    (folder / "settings").mkdir()
    slides.write_settings(folder / "settings")
    for path in [*NOTEBOOKS, ROOT / "notebooks" / "rise.css"]:
        shutil.copy(path, folder)
    with serving(slides.command(folder), folder, **{"JUPYTER_CONFIG_PATH": str(folder / "settings")}) as address:
        yield address


@pytest.fixture
def slideshow(hall, browser):
    """Open a notebook's slides on a projector; `page.abroad` collects what it would fetch from elsewhere."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(300_000)  # on a machine with other work, all comes late
    page.abroad = []
    page.on("response", lambda r: page.abroad.append(r.url))
    page.on("requestfailed", lambda r: page.abroad.append(r.url) if r.failure != "csp" else None)

    def open_(name):
        page.goto(f"{hall}/rise/{name}?token={TOKEN}")
        page.locator("section.present > section.present .jp-Cell").first.wait_for()
        page.wait_for_function("document.querySelector('.slide-number')")
        page.locator("#rise-notebook-css").wait_for(state="attached")
        page.wait_for_timeout(2500)  # Reveal's own second look, and the kernel's start
        return page

    yield open_
    page.close()


LOOK = """() => {
    const slide = document.querySelector('section.present > section.present'), box = slide.getBoundingClientRect();
    const code = [...slide.querySelectorAll('.cm-line, pre, code')].filter(e => e.textContent.trim());
    const wide = [...slide.querySelectorAll('.cm-scroller, .jp-RenderedHTMLCommon, .jp-OutputArea-output, img')];
    slide.scrollTop = 1e6;
    const last = Math.max(...[...slide.children].map(e => e.getBoundingClientRect().bottom));
    slide.scrollTop = 0;
    return {
        id: slide.id, hidden: slide.querySelectorAll('.fragment:not(.visible)').length, top: box.top, bottom: box.bottom, last,
        letters: Math.min(99, ...code.map(e => parseFloat(getComputedStyle(e).fontSize))) *
            (+slide.style.getPropertyValue('--letters') || 1),
        cut: wide.filter(e => e.scrollWidth > e.clientWidth + 1 && e.tagName !== 'IMG' ||
            e.getBoundingClientRect().right > 1281).map(e => e.outerHTML.slice(0, 200)),
    } }"""


def looked(page):
    """A slide as it is when it has come to rest: two looks, one after the other, see the same."""
    before = now = None
    for _ in range(100):
        before, now = now, page.evaluate(LOOK)
        if now == before:
            break
        page.wait_for_timeout(200)
    return now


def place(look):
    return look["id"], look["hidden"]


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")
@pytest.mark.parametrize("name", SHOWN)
def test_every_slide_can_be_read_whole(slideshow, hall, name):
    types = slide_types.slide_types(read(ROOT / "notebooks" / name))
    wanted = sum(kind in ("slide", "subslide") for kind in types)
    page, seen = slideshow(name), set()
    folder = PICTURES / name[:2]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    while True:
        look = looked(page)
        seen.add(place(look))
        assert look["letters"] >= 18 * 0.68 and look["cut"] == []
        assert look["top"] >= 0 and look["bottom"] <= 720 and look["last"] <= 720, look
        page.screenshot(path=folder / f"{len(seen):03}.png")
        page.keyboard.press("Space")
        if len({slide for slide, _ in seen}) == wanted and not look["hidden"]:
            break  # Space on the last slide stays there
        page.wait_for_function(f"before => {{ const look = ({LOOK})(); return look.id + look.hidden !== before }}",
                               arg=look["id"] + str(look["hidden"]))
    page.wait_for_timeout(200)
    assert place(page.evaluate(LOOK)) in seen
    assert [url for url in page.abroad if not url.startswith((hall, "data:", "blob:"))] == []


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")
def test_a_cell_runs_on_its_slide_and_a_lab_moves(slideshow):
    page = slideshow(SHOWN[0])

    def run(slide, answer=None):
        page.evaluate("slide => { location.hash = `#/${slide}` }", slide)
        page.locator(f"section.present > #{slide}.present").wait_for()
        cell = page.locator(f"#{slide} .jp-CodeCell").first
        cell.locator(".cm-content, .jp-Placeholder-content").first.click()  # the set-up is folded
        if answer:
            page.keyboard.press("Control+a")
            page.keyboard.insert_text(answer)
        page.keyboard.press("Shift+Enter")
        return cell

    setup, task, lab = "slide-0-1", "slide-2-1", "slide-1-3"
    run(setup).locator(".jp-InputPrompt").filter(has_text="[1]").wait_for(state="attached")
    answer = run(task, 'check("2.2", lambda n, kernel, padding, stride: (n + 2 * padding - kernel) // stride + 1)')
    answer.get_by_text("passed.").wait_for(state="attached")
    picture = run(lab, "convolution_lab(torch.rand(64, 96))").locator(".widget-html img").last
    picture.wait_for(state="attached")
    page.evaluate("slide => { location.hash = `#/${slide}` }", lab)
    before = picture.get_attribute("src")
    page.locator(f"#{lab} .widget-text input").first.click()  # not by arrow keys: these are the slides'
    page.keyboard.press("Control+a")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.wait_for_function("([lab, before]) => [...document.querySelectorAll(`#${lab} .widget-html img`)].pop().src !== before",
                           arg=[lab, before])
    page.screenshot(path=PICTURES / "lab.png")


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")
def test_the_keys_work_without_a_click_and_shift_enter_stays(slideshow):
    page = slideshow(SHOWN[0])

    def press(key):
        page.keyboard.press(key)
        page.wait_for_timeout(1000)

    def chosen(slide):  # some time after a slide has come its cell is chosen, and takes the keys
        page.locator(f"#{slide}.present .jp-Cell.jp-mod-active").first.wait_for(state="attached")

    press("Space")
    assert looked(page)["id"] == "slide-0-1"
    chosen("slide-0-1")
    press("Shift+Enter")  # the set-up, which is folded: it shows no number
    press("Shift+?")
    page.locator(".jp-Dialog").get_by_text("Shift+Space: previous").wait_for()
    press("Escape")
    press("Space")
    small = looked(page)
    assert small["id"] == "slide-0-2"
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.wait_for_function("getComputedStyle(document.documentElement).getPropertyValue('--grow') === '1.5'")
    look = looked(page)
    assert 1.4 * small["last"] < look["last"] <= 1080, "what fills a small projector fills a large one"
    chosen("slide-0-2")
    has_run = page.locator("#slide-0-2.present .jp-InputPrompt").filter(has_text=re.compile(r"\[\d+\]"))
    for _ in range(60):  # a busy page loses a key at times
        press("Shift+Enter")
        if has_run.count():
            break
    assert has_run.count()
    # The cell needs what the set-up imports: that ran, too, by the Shift+Enter on its slide.
    assert "NameError" not in page.locator("#slide-0-2.present").inner_text()
