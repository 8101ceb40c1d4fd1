"""The site: builds without a warning, every link inside it leads somewhere, nothing comes from a network, all can read it."""

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from tests.course.lab_server import CHROMIUM, SWITCHES
from tools.website import book
from tools.website import pages as book_pages
from tools.website.address import UNKNOWN, address

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "artefacts" / "book"
# CPU seconds of Sphinx.
SECONDS = 60
KNOWN = address() != UNKNOWN


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    python = book.environment(".venv-book", [book.PACKAGES])
    if subprocess.run([python, "-c", "import myst_nb, numpydoc, sphinx_book_theme"], capture_output=True).returncode:
        pytest.skip("Sphinx is not there and could not be installed")
    out = tmp_path_factory.mktemp("site") / "book"
    begin = sum(os.times()[2:4])
    done = book.build(out)
    assert done.returncode == 0, done.stdout[-4000:]
    assert done.stdout == ""
    assert sum(os.times()[2:4]) - begin < SECONDS
    return out


class Page(HTMLParser):
    """The links, the anchors and the images of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors, self.images = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(filter(None, (attributes.get("id"), attributes.get("name") if tag == "a" else None)))
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append(attributes[name])
        if tag == "img":
            self.images.append(attributes)


def dead_links(pages):
    """Links to a file that is not there, or to a place in it that is not there."""
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.exists() or place and target in pages and place not in pages[target].anchors:
                dead.append((path.name, link))
    return dead


def loaded_from_afar(path):
    """What a page or a style sheet would fetch from a network by itself; links that a reader follows are none of it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        return re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""", text)
    tags = re.findall(r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*>|<link\b(?![^>]*rel=\"canonical)[^>]*>", text)
    return [a for tag in tags for a in re.findall(r"""(?:src|href|data)=["']?((?:https?:)?//[^"'\s>]+)""", tag)]


def silent(images):
    """Images that say nothing to who cannot see them: no alt text, or a file's name in its place."""
    return [image["src"] for image in images  # in bytes: a Chinese sign says as much as three letters
            if len((image.get("alt") or "").encode()) < 20 or "_images/" in image["alt"]]


@pytest.fixture(scope="module")
def pages(site):
    files = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]  # the theme leaves templates there
    return {path: Page(path) for path in files}


def notebooks():
    return [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "notebooks").glob("zh/*.ipynb")]


def test_every_link_inside_leads_somewhere(pages):
    assert dead_links(pages) == [] and sum(len(page.links) for page in pages.values()) > 1000


def test_nothing_is_loaded_from_a_network(site):
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert {path.name: found for path in files if (found := loaded_from_afar(path))} == {}


def test_every_notebook_has_its_page_its_pictures_and_its_folded_cells(site, pages):
    for path in notebooks():
        made = (site / path.relative_to(ROOT)).with_suffix(".html")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        count = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))
        shown = [image for image in pages[made].images if "_images/" in image["src"]]
        assert len(shown) == count and silent(shown) == [], path.name
        text, language = made.read_text(encoding="utf-8"), "zh" if path.parent.name == "zh" else "en"
        for tag, (fold, words) in book_pages.FOLDED.items():
            tagged = sum(tag in cell["metadata"].get("tags", []) for cell in cells)
            assert text.count(words[language][0]) == text.count(f"tag_{fold}") == tagged >= 1, (path.name, tag)
        assert "it/s]" not in text, path.name  # a progress bar that stands still
        own = f"/notebooks/{path.relative_to(ROOT / 'notebooks').as_posix()}"
        colab = [link for link in pages[made].links if link.startswith("https://colab.research.google.com/") and link.endswith(own)]
        assert len(colab) >= 2 if KNOWN else not colab, path.name  # in the text, and in the menu at the top
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in text


def test_every_module_has_its_place_in_the_pages_of_the_package(site):
    modules = [name for group in book_pages.groups().values() for name in group]
    files = [path.relative_to(ROOT / "unet_course").with_suffix("").as_posix().replace("/", ".")
             for path in (ROOT / "unet_course").rglob("*.py") if not re.match(r"_|nb\d\d", path.name)]
    assert sorted(modules) == sorted(files)
    text = "".join(path.read_text(encoding="utf-8") for path in (site / "api").glob("*.html"))
    assert [name for name in modules if f'id="module-unet_course.{name}"' not in text] == []
    first = (site / "api" / "index.html").read_text(encoding="utf-8")
    assert all(f"#unet_course.{name}" in first for name in ("blocks.match_size", "unet.UNet", "exercises.core.check"))


def test_the_pages_of_the_package_are_its_folders(tmp_path):
    for name in ("blocks", "_hidden", "own_data/train", "own_data/__init__", "exercises/nb02"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").touch()
    top, own = book_pages.groups(tmp_path).items()
    assert top[1] == ["blocks"] and own == ("Own data", ["own_data.train"])


@pytest.mark.parametrize("name, up, folder, minutes", [("index", "", "notebooks", "minutes"),
                                                       ("zh/index", "../", "notebooks/zh", "分钟")])
def test_first_pages_have_the_pictures_and_a_card_for_each_notebook(site, pages, name, up, folder, minutes):
    path = site / f"{name}.html"
    first, page = path.read_text(encoding="utf-8"), pages[path]
    assert "<!--" not in first.split("<article")[1].split("</article")[0]
    for picture in ("front", "board"):
        assert any(picture in image["src"] for image in page.images)
    assert silent(page.images) == []
    found = sorted((ROOT / folder).glob("*.ipynb"))
    assert len(re.findall(rf"<p>\d+ {minutes}</p>", first)) == len(found)
    for notebook in found:
        assert f"{up}{folder}/{notebook.stem}.html" in page.links
    shown = any(image["src"] == f"{up}_static/live.png" for image in page.images)
    live = f"{up}live/{'zh' if up else 'index'}.html"
    assert shown == (live in page.links) == (site / "live").exists()


def test_the_themes_words_are_in_the_language_of_the_page(site):
    for name, is_chinese in (("index", False), ("zh/index", True), ("notebooks/zh/02_convolution_block", True), ("search", False)):
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        around = re.sub(r"<(nav|article)\b.*?</\1>|<(script|style)\b.*?</\2>", "", text, flags=re.DOTALL)
        words = re.findall(r">\s*([^<>]+?)\s*<", around)
        words += re.findall(r'(?:title|aria-label|placeholder)="([^"]+)"', around)
        for english, chinese in (("Search", "搜索"), ("Skip to main content", "跳到正文"), ("Color mode", "颜色模式")):
            assert (chinese if is_chinese else english) in words and (english if is_chinese else chinese) not in words, name


def test_pages_of_the_course_are_there_and_the_teachers_guide_is_not(site, pages):
    for page in (ROOT / "book").rglob("*.md"):
        if page.parent.name == "paper":  # for a journal
            continue
        assert (site / page.relative_to(ROOT / "book")).with_suffix(".html") in pages
    assert not [path for path in pages if "guide" in path.relative_to(site).as_posix().split("/")]
    assert "Mistakes to expect" not in "".join(path.read_text(encoding="utf-8") for path in pages if "api" not in path.parts)


@pytest.mark.skipif(KNOWN, reason="the address is known")
def test_no_link_leads_to_an_address_that_nobody_knows(pages):
    assert [(path.name, link) for path, page in pages.items() for link in page.links if "OWNER" in link] == []


def test_search_knows_the_courses_words(site):
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    assert all(word in text for word in ("receptive", "match_size", "convblock", "Glossary"))


def test_formulas_are_mathematics_that_a_reader_can_say(site):
    text = (site / "notebooks" / "02_convolution_block.html").read_text(encoding="utf-8")
    assert text.count("<math") >= 8 and "<mfrac>" in text and r"\frac" not in text


def test_glossary_has_each_term_once_in_both_languages():
    text = book.glossary()
    rows = [line.split("|")[1].strip() for line in text.splitlines() if 'lang="zh"' in line]
    assert len(rows) == len(set(rows)) >= 60 and rows == sorted(rows, key=str.lower)


def test_links_lead_to_pages_of_the_site_or_to_the_repository():
    pages = {"README.md": "index.md", "notebooks/02_b.ipynb": "notebooks/02_b.ipynb"}
    def led(text):
        return book_pages.lead(text, "notebooks/01_a.ipynb", "notebooks/01_a.ipynb", pages, "me/it")
    assert led("[a](../README.md#map) [b](02_b.ipynb)") == "[a](../index.md#map) [b](02_b.ipynb)"
    assert led("[c](../LICENSE)") == "[c](https://github.com/me/it/blob/main/LICENSE)"
    for same in ("[d](https://x.org/a) [e](#here)", "`layers[0](x)`", "```\nf[1](x)\n```"):
        assert led(same) == same


def test_links_to_an_unknown_repository_become_words():
    text = "[a](https://github.com/OWNER/x/blob/main/LICENSE) [b](c.md) ![d](https://github.com/OWNER/x/e.png)"
    assert book_pages.in_words(text, "OWNER/x") == "a [b](c.md) ![d](https://github.com/OWNER/x/e.png)"


def test_a_map_becomes_cards_and_one_that_is_lost_is_named():
    made = book_pages.cards("## The map\n\n| notebook | aims | minutes |\n|---|---|---|\n| [00 A](notebooks/00_a.ipynb) | do `x`; see | 39 |\n",
                            {"00": "Nuclei."})
    assert made == "```{container} cards\n- ![Nuclei.](_static/day/00.png)\n\n  [00 A](notebooks/00_a.ipynb)\n\n  do `x`; see\n\n  39 minutes\n```"
    with pytest.raises(ValueError, match="README.md has no map"):
        book_pages.cards("# A\n\n## Another map\n", {})


def test_a_stored_picture_is_found_by_its_code_or_missed():
    picture = nbformat.v4.new_output("display_data", {"image/png": "QUJD"}, metadata={"image/png": {"alt": "Three letters."}})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("first()"),
                                               nbformat.v4.new_code_cell("draw(2)", outputs=[picture])])
    assert book_pages.stored_picture(notebook, "draw(") == (b"ABC", "Three letters.")
    with pytest.raises(ValueError, match=r"No cell with first\(\) has a stored picture"):
        book_pages.stored_picture(notebook, "first()")


BROKEN = """<html><head><title>broken</title><script src="https://x.example/a.js"></script></head><body><main><h1 id="top">A</h1>
<a href="gone.html">a dead link</a> <a href="#nowhere">another</a> <a href="#top">a good one</a> <a href="https://x.example">out</a>
<img src="_images/b.png"><img src="_images/c.png" alt="_images/0123456789abcdef.png"><article><p>{}</p></article></main></body></html>"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    path = tmp_path_factory.mktemp("broken") / "broken.html"
    path.write_text(BROKEN.format("wide" * 600), encoding="utf-8")
    return path


def test_what_is_broken_is_seen(broken, tmp_path):
    page = Page(broken)
    assert [link for _, link in dead_links({broken: page})] == ["gone.html", "#nowhere", "_images/b.png", "_images/c.png"]
    assert loaded_from_afar(broken) == ["https://x.example/a.js"]
    assert silent(page.images) == ["_images/b.png", "_images/c.png"]
    (tmp_path / "a.css").write_text("@import '//x.example/f.css'; a { background: url(https://x.example/b.png) }")
    assert loaded_from_afar(tmp_path / "a.css") == ["//x.example/f.css", "https://x.example/b.png"]


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The accessibility checker axe-core, from npm."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("there is no npm on this machine")
    folder = tmp_path_factory.mktemp("npm")
    done = subprocess.run([npm, "pack", "axe-core@4.14.1", "--silent", "--fetch-retries=0"], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"npm gives no axe-core: {done.stderr.strip()[-200:]}")
    with tarfile.open(fileobj=io.BytesIO((folder / done.stdout.strip().splitlines()[-1]).read_bytes())) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.fixture(scope="module")
def browser():
    """A page in Chromium that keeps what it asked for and what failed in it."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine")
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        page = chromium.new_page()
        page.asked, page.failed = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.failed.append(str(error)))
        yield page
        chromium.close()


# text and figures that reach out of the screen and do not stand in a frame of their own that scrolls
FITS = """() => {
  const frame = "pre, div.math, .pst-scrollable-table-container, .cell_output .output";
  const out = [...document.querySelectorAll("article :is(p, li, h1, h2, h3, h4, dt, dd, summary)")].filter(
    (e) => e.getClientRects().length && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != "inline"
      && !e.querySelector(frame) && !e.closest(frame));
  const figures = [...document.querySelectorAll("article img")].filter((e) => e.getBoundingClientRect().right > innerWidth);
  const page = document.documentElement.scrollWidth > innerWidth ? ["the page: " + document.documentElement.scrollWidth] : [];
  return [...page, ...[...out, ...figures].map((e) => e.outerHTML.slice(0, 120))];
}"""
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
AXE = """([parts, colours]) =>
  axe.run(parts, {resultTypes: ['violations'], rules: {'color-contrast': {enabled: colours}}})"""
INSIDE = {"include": ["main"], "exclude": ["pre"]}  # what differs from page to page


def look(page, path, axe, whole=True, pictures=None):
    """Open a page once, look at it on a screen and on a phone: (what does not fit, serious barriers, where axe is given)."""
    wide, barriers = [], []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(path.as_uri())
    page.evaluate(axe or "0")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(DRAWN)
        wide += [(path.name, width, what) for what in page.evaluate(FITS)]
        if axe and (whole or width == 1440):
            found = page.evaluate(AXE, [{"include": ["html"]} if whole else INSIDE, width == 1440])["violations"]
            barriers += [(path.name, width, v["id"], v["nodes"][0]["html"][:200]) for v in found
                         if v["impact"] in ("serious", "critical")]
        if pictures:
            page.screenshot(path=pictures / f"{path.parent.name}_{path.stem}_{width}.jpg", full_page=True, quality=60)
    return wide, barriers


@pytest.fixture(scope="module")
def looked(site, pages, axe, browser):
    """What is wrong with any page, at both widths: the first of each folder whole and with pictures, all others inside.

    A Chinese notebook has the elements of the English one: it has to fit, and axe looks at the first of them.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    first = {path.parent: path for path in reversed(pages)}.values()
    found = [look(browser, path, axe if path in first or path.parent.name != "zh" else None, path in first,
                  PICTURES if path in first else None) for path in pages]
    return [w for wide, _ in found for w in wide], [b for _, barriers in found for b in barriers], list(browser.asked)


def test_every_page_fits_a_screen_and_a_phone(looked):
    assert looked[0] == []


def test_no_page_has_a_serious_barrier(looked):
    assert looked[1] == []


def test_no_page_asks_a_network_and_no_script_fails(looked, browser):
    assert [url for url in looked[2] if not url.startswith(("file:", "data:"))] == [] == browser.failed


def prose(path):
    """What the text of a notebook says, without addresses."""
    cells = nbformat.read(path, as_version=4).cells
    return re.sub(r"\]\([^)]*\)", "]", "\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))


@pytest.mark.parametrize("word", ["receptive", "梯度", "偏置", "感受野"])
def test_a_word_that_is_typed_is_found_wherever_it_stands(site, browser, word):
    browser.goto((site / "search.html").as_uri() + f"?q={word}")
    browser.wait_for_selector(".search-summary:not(:empty)", state="attached")  # when it has finished
    links = [link.get_attribute("href") for link in browser.locator("#search-results li a").all()]
    found = {link.split("#")[0].removesuffix(".html") for link in links}
    wanted = {path.relative_to(ROOT).with_suffix("").as_posix() for path in notebooks() if word in prose(path)}
    assert wanted and wanted <= found


@pytest.mark.parametrize("page, label, said", [("07_evaluation", "threshold", "0.6"), ("zh/07_evaluation", "阈值", "0.6"),
                                               ("zh/08_whole_images", "重叠", "8")])
def test_a_lab_moves_on_its_page(site, browser, page, label, said):
    browser.goto((site / "notebooks" / f"{page}.html").as_uri())
    slider, image = browser.get_by_label(label), browser.locator(".cell_output:has(.lab) img")
    before = image.get_attribute("src")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == said and image.get_attribute("src") != before
    browser.wait_for_function("(i) => i.complete && i.naturalWidth >= 800", arg=image.element_handle())


def test_a_broken_page_is_seen_in_the_browser(broken, axe, browser):
    wide, barriers = look(browser, broken, axe)
    assert {width for _, width, _ in wide} == {1440, 390}
    assert {"image-alt", "html-has-lang"} <= {rule for _, _, rule, _ in barriers}
    assert "https://x.example/a.js" in browser.asked
