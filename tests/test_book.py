"""The site: builds without a warning, every link inside it leads somewhere, nothing comes from a network, all can read it."""

import io
import json
import shutil
import subprocess
import tarfile
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tools import book

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--force-color-profile=srgb"]
PICTURES = ROOT / "artefacts" / "book"
SECONDS = 90


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    book.environment(".venv-book", [book.PACKAGES])
    begin = time.monotonic()
    out = tmp_path_factory.mktemp("site") / "book"
    done = book.build(out)
    assert done.returncode == 0, done.stdout[-4000:]
    assert done.stdout == ""
    assert time.monotonic() - begin < SECONDS
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


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_link_inside_leads_somewhere(site, pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                dead.append((path.name, link))
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                dead.append((path.name, link))
    assert dead == [] and sum(len(page.links) for page in pages.values()) > 1000


def test_every_notebook_has_its_page_its_pictures_and_its_folded_solutions(site, pages):
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "notebooks").glob("zh/*.ipynb")]:
        made = (site / path.relative_to(ROOT)).with_suffix(".html")
        notebook = json.loads(path.read_text(encoding="utf-8"))
        pictures = sum("image/png" in o.get("data", {}) for c in notebook["cells"] for o in c.get("outputs", []))
        shown = [i for i in pages[made].images if "_images/" in i["src"]]
        assert len(shown) == pictures and all(len(i.get("alt", "")) > 20 for i in shown), path.name
        solutions = sum("solution" in c["metadata"].get("tags", []) for c in notebook["cells"])
        assert made.read_text(encoding="utf-8").count("Show the solution") == solutions
        assert any("colab.research.google.com" in link for link in pages[made].links)


def test_nothing_is_loaded_from_a_network(pages):
    """Links may lead out; scripts, styles, pictures and fonts may not."""
    for path, page in pages.items():
        text = path.read_text(encoding="utf-8")
        assert [i["src"] for i in page.images if i["src"].startswith(("http", "//"))] == [], path.name
        assert "<script src=\"http" not in text and "mathjax" not in text.lower(), path.name


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


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The accessibility checker axe-core, from npm."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("there is no npm on this machine")
    folder = tmp_path_factory.mktemp("npm")
    done = subprocess.run([npm, "pack", "axe-core@4.14.1", "--silent"], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"npm gives no axe-core: {done.stderr.strip()[-200:]}")
    with tarfile.open(fileobj=io.BytesIO((folder / done.stdout.strip().splitlines()[-1]).read_bytes())) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine")
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_and_have_no_serious_barrier(site, pages, axe, width):
    """On a screen and on a phone: no page scrolls sideways, nothing is asked of a network, axe finds nothing serious."""
    sync = pytest.importorskip("playwright.sync_api")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        page = browser.new_page(viewport={"width": width, "height": 900})
        asked, wide, barriers = [], [], []
        page.on("request", lambda request: asked.append(request.url))
        for path in pages:
            name = path.relative_to(site).as_posix()
            if "_static" in name or name in ("genindex.html", "py-modindex.html", "search.html"):
                continue
            page.goto(path.as_uri())
            page.wait_for_timeout(150)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(name)
            page.evaluate(axe)
            found = page.evaluate("axe.run(document, {resultTypes: ['violations'], rules: {'color-contrast': {enabled: true}}})")
            barriers += [(name, v["id"], v["nodes"][0]["html"][:120]) for v in found["violations"]
                         if v["impact"] in ("serious", "critical")]
            page.screenshot(path=PICTURES / f"{name.replace('/', '_')}_{width}.png", full_page=True)
        browser.close()
    assert wide == []
    assert barriers == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
