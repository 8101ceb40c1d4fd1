"""The labs that move on the site: each has its pictures, and a slider changes them in a browser."""

import html
import json
import re

import nbformat
import pytest

from tests.course.lab_server import CHROMIUM
from tools.elsewhere.beside import ROOT
from tools.website import moving

PATHS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
SHOWN = {
    path: [
        name for cell in nbformat.read(path, as_version=4).cells if (name := moving.lab_of(cell))
    ]
    for path in PATHS
}
STATIC = ROOT / "book" / "_static"
MOST = 3_000_000  # bytes of all pictures
NEEDS_CHROMIUM = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def lab_pictures(tmp_path_factory):
    """The folder of all pictures, and what was drawn of each lab."""
    folder = tmp_path_factory.mktemp("labs")
    return folder, {name: moving.draw(name, folder) for name in moving.MOVES}


def test_the_labs_that_move_are_those_of_the_notebooks_in_both_languages():
    for language in ("notebooks", "zh"):
        shown = [
            name for path, names in SHOWN.items() if path.parent.name == language for name in names
        ]
        assert sorted(shown) == sorted(moving.MOVES)


def test_the_pictures_of_a_lab_differ_and_so_do_their_texts(lab_pictures):
    folder, labs = lab_pictures
    for name, (frames, _) in labs.items():
        pictures, texts = (
            {(folder / file).read_bytes() for file, _ in frames},
            {alt for _, alt in frames},
        )
        same = (
            2 if name == "padding_lab" else 0
        )  # without zeros it is the same where they are added
        assert 6 <= len(frames) == len(pictures) + same == len(texts), name
        assert min(map(len, texts)) >= 20, name


def test_all_pictures_together_are_small(lab_pictures):
    sizes = [path.stat().st_size for path in lab_pictures[0].iterdir()]
    print(f"{len(sizes)} pictures, {sum(sizes):,} bytes, the largest {max(sizes):,}")
    assert sum(sizes) < MOST and max(sizes) < 100_000


def test_a_lab_begins_as_in_the_notebook_where_that_is_one_of_its_stops(lab_pictures):
    def said(name):
        starts = zip(moving.MOVES[name].values(), lab_pictures[1][name][1])
        return [list(stops)[start] for stops, start in starts]

    assert said("threshold_lab") == ["0.5"] and said("tiles_lab") == ["0", "64"]
    assert said("convolution_lab") == ["right minus left"]
    assert said("explorer_lab") == ["4", "572"]  # the paper's
    assert "572×572 → 388×388 31,030,658 parameters" in lab_pictures[1]["explorer_lab"][0][-1][1]


def test_all_words_on_a_chinese_page_are_chinese():
    names = {name for path, names in SHOWN.items() if path.parent.name == "zh" for name in names}
    for name in names:
        made = moving.controls(name, [("a.webp", "A.")], [0, 0], "zh", "x")
        words = re.sub(r"\bdata-frames=\"[^\"]*\"", "", made)
        texts = [
            *re.findall(r">([^<>]+)<", words),
            *(
                stop
                for found in re.findall(r'data-said="([^"]*)"', words)
                for stop in json.loads(html.unescape(found))
            ),
        ]
        left = [text for text in texts if re.search(r"[A-Za-z]", text)]
        assert left == [] or name == "ledger_lab"  # whose rows are named as in the picture


def test_a_cell_that_shows_no_lab_stays_as_it_is(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("threshold_lab()"),
        nbformat.v4.new_code_cell("x = 1"),
        nbformat.v4.new_code_cell("my_lab()"),
    ]
    notebook, drawn = nbformat.v4.new_notebook(cells=cells), {}
    before = str(notebook)
    moving.put(notebook, "en", "labs", tmp_path / "labs", drawn)
    assert str(notebook) == before and drawn == {} and not (tmp_path / "labs").exists()


PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Labs</title>
<script src="{static}/labs.js"></script>
<script src="{static}/course.js"></script>
<link rel="stylesheet" href="{static}/course.css"></head>
<body><article class="bd-article">{cells}</article></body></html>"""
STILL = "The stored picture of a lab."
CELL = """<div class="cell_output"><div class="output">{controls}</div>
<img src="{still}" alt="The stored picture of a lab."></div>"""


@pytest.fixture(scope="module")
def page(lab_pictures):
    """A page with two labs, as the site has them: one slider, and a slider with a choice."""
    folder, labs = lab_pictures
    cells = [
        CELL.format(
            controls=moving.controls(name, *labs[name], "en", folder.as_uri()),
            still=f"{name}_still.png",
        )
        for name in ("threshold_lab", "padding_lab")
    ]
    path = folder / "page.html"
    path.write_text(PAGE.format(static=STATIC.as_uri(), cells="".join(cells)), encoding="utf-8")
    yield path
    path.unlink()


@pytest.fixture
def visit(browser, page):
    seen = browser.new_page(viewport={"width": 390, "height": 800})
    seen.asked, seen.failed = [], []
    seen.on("request", lambda request: seen.asked.append(request.url))
    seen.on("pageerror", lambda error: seen.failed.append(str(error)))
    seen.goto(page.as_uri())
    yield seen
    assert seen.failed == [] and [url for url in seen.asked if not url.startswith("file:")] == []
    seen.close()


@NEEDS_CHROMIUM
def test_a_slider_moves_by_keyboard_and_the_picture_follows(visit, lab_pictures):
    slider, image = visit.get_by_label("threshold"), visit.locator("img").first
    frames, (start,) = lab_pictures[1]["threshold_lab"]
    slider.focus()
    for key, at in (
        ("", start),
        ("ArrowRight", start + 1),
        ("ArrowLeft", start),
        ("Home", 0),
        ("End", 8),
    ):
        if key:
            visit.keyboard.press(key)
        assert (
            image.get_attribute("src").endswith(frames[at][0])
            and image.get_attribute("alt") == frames[at][1]
        )
        said = f"0.{at + 1}"
        assert slider.get_attribute("aria-valuetext") == said
        assert visit.locator(".lab label > [aria-hidden]").first.text_content() == said
    visit.wait_for_function(
        "() => document.images[0].complete && document.images[0].naturalWidth === 1000"
    )
    # all are fetched before they are wanted
    assert {url.rsplit("/", 1)[1] for url in visit.asked} >= {file for file, _ in frames}


@NEEDS_CHROMIUM
def test_two_controls_choose_one_picture(visit, lab_pictures):
    frames, _ = lab_pictures[1]["padding_lab"]
    image = visit.locator("img").nth(1)
    visit.get_by_label("height and width").press("ArrowRight")
    assert image.get_attribute("alt") == frames[2][1] and "in its place" in frames[2][1]
    visit.get_by_label("zeros at").select_option("left and top")
    assert (
        image.get_attribute("alt") == frames[3][1] and "moved by 1 (level 0), 2 (level 1)" in frames[3][1]
    )


@NEEDS_CHROMIUM
def test_picture_and_slider_fit_a_phone(visit):
    visit.wait_for_function("() => [...document.images].every((image) => image.complete)")
    assert visit.evaluate("() => document.documentElement.scrollWidth") <= 390
    for part in ("img", ".lab input"):
        box = visit.locator(part).first.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 24


@NEEDS_CHROMIUM
@pytest.mark.parametrize("language, word", [("en", "Close"), ("zh-CN", "关闭")])
def test_a_picture_opens_large_and_closes_again(browser, page, language, word):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    seen = context.new_page()
    html_page = page.read_text(encoding="utf-8").replace('lang="en"', f'lang="{language}"', 1)
    seen.goto(page.as_uri())
    seen.set_content(html_page)
    image, large = seen.locator("article img").first, seen.locator("dialog.large")
    for opens, closes in (
        (image.tap, lambda: large.locator("img").tap(position={"x": 50, "y": 50})),
        (image.click, lambda: large.get_by_role("button", name=word).click()),
        (lambda: image.press("Enter"), lambda: seen.keyboard.press("Escape")),
        (lambda: image.press("Space"), lambda: seen.keyboard.press("Enter")),
    ):
        opens()
        shown = large.locator("img")
        assert large.is_visible() and shown.get_attribute("alt") == image.get_attribute("alt")
        assert shown.bounding_box()["width"] > 2 * image.bounding_box()["width"]
        assert seen.evaluate("() => document.activeElement.textContent") == word
        closes()
        assert large.is_hidden()
        assert image.evaluate("(image) => document.activeElement === image")
    context.close()


@NEEDS_CHROMIUM
def test_without_javascript_the_stored_picture_stays(browser, page):
    context = browser.new_context(java_script_enabled=False)
    seen = context.new_page()
    seen.goto(page.as_uri())
    assert seen.locator(".lab").count() == 2 and not seen.locator(".lab:visible").count()
    assert [image.get_attribute("alt") for image in seen.locator("img").all()] == [STILL] * 2
    context.close()
