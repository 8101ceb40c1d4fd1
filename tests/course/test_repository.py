"""The repository as a whole: its links lead somewhere, its words are spelt right, its pictures speak, and it stays small."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from tests.course.anatomy import disorder, headings, images_without_text
from tools.website.address import address

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 42_000_000  # bytes of all files; the notebooks, English and Chinese, are 30 million of them
MADE = {"book/index.md"}  # a page of the site, with links to pages that are made with it; tests/tools/test_book.py follows them


def files():
    """All files that are in the repository, or would be with the next commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no clone")
    return sorted(name for name in listed if name and (ROOT / name).exists())


def text(path):
    """The prose of a page in Markdown or of a notebook."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    return "\n\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown")


def pages():
    return [name for name in files() if name.endswith((".md", ".ipynb")) and name not in MADE]


def anchors(path):
    """What can stand behind the # in a link to a page: as GitHub makes it, or JupyterLab if the page is a notebook."""
    found, source = set(), text(path)
    for _, title in headings(source):
        title = re.sub(r"<!--.*?-->|[`*]|\]\([^)]*\)|\[", "", title)
        slug = title.replace(" ", "-") if path.suffix == ".ipynb" else re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        repeated = sum(one == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", one) is not None for one in found)
        found.add(f"{slug}-{repeated}" if repeated else slug)
    return found | set(re.findall(r"<\w+ [^>]*\b(?:id|name)=[\"']([^\"']+)", source))


def links(source):
    """The targets of all links and images of a text, those in code left out."""
    bare = re.sub(r"^ *```.*?^ *```|`[^`\n]+`", "", source, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(<?([^)\s>]+)", bare) + re.findall(r"\b(?:href|src)=[\"']([^\"']+)", bare) + re.findall(
        r"^\[[^\]]+\]: (\S+)", bare, re.MULTILINE)


def dead(path, source, root=ROOT):
    """The links of a page that lead to nothing in the repository."""
    found, ours = [], re.compile(rf"https://(?:github\.com|colab\.research\.google\.com/github)/{re.escape(address())}/blob/(?:main|student)/(.*)")
    for link in links(source):
        inside = ours.match(link)
        if re.match(r"[a-z]+:", link) and not inside:
            continue
        place, _, anchor = (inside[1] if inside else link).partition("#")
        target = (root if inside else path.parent) / unquote(place) if place else path
        if not target.resolve().is_relative_to(root) or not target.exists():
            found.append(link)
        elif anchor and target.suffix in (".md", ".ipynb") and unquote(anchor) not in anchors(target):
            found.append(link)
    return found


def test_links_lead_somewhere():
    names = pages()
    assert [(name, link) for name in names for link in dead(ROOT / name, text(ROOT / name))] == []
    assert sum(len(links(text(ROOT / name))) for name in names) > 50


def test_a_dead_link_is_noticed(tmp_path):
    page = tmp_path / "a.md"
    page.write_text("# One\n\n## A *part* of it\n\n## Twice\n\n## Twice\n", encoding="utf-8")
    for good in ("a.md", "#a-part-of-it", "a.md#twice-1", "https://example.org/x", "mailto:a@b.c"):
        assert dead(page, f"[x]({good})", tmp_path) == []
    for bad in ("b.md", "#part", "a.md#twice-2", "../../a.md", f"https://github.com/{address()}/blob/main/none.md"):
        assert dead(page, f"[x]({bad})", tmp_path) == [bad]
    assert dead(page, "```\n[x](none.md)\n```\n`[x](none.md)` <a href='none.md'>x</a>", tmp_path) == ["none.md"]


def test_pages_have_headings_in_order_and_images_with_a_text():
    for name in pages():
        source = text(ROOT / name)
        assert images_without_text(source) == [], name
        # a paper's sections are of the first level: its title stands in its head
        assert name.startswith(("LICENSE", "book/paper/")) or disorder(headings(source)) == [], name


def misspelt(folder):
    command = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder).stdout


def test_words_are_spelt_right(tmp_path):
    """Code, tests, pages, and of notebooks the prose and the code."""
    for name in files():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".yml", ".txt", ".ipynb") and "zh" not in Path(name).parts and "zh-CN" not in name:
            copy = tmp_path / (name + (".md" if path.suffix == ".ipynb" else ""))
            copy.parent.mkdir(parents=True, exist_ok=True)
            cells = nbformat.read(path, as_version=4).cells if path.suffix == ".ipynb" else []
            copy.write_text("\n\n".join(cell.source for cell in cells) or path.read_text(encoding="utf-8"), encoding="utf-8")
    assert misspelt(tmp_path) == ""


def test_a_wrong_word_is_noticed(tmp_path):
    (tmp_path / "a.md").write_text("an " + "occu" + "rence", encoding="utf-8")
    assert "==>" in misspelt(tmp_path)


def test_repository_is_small():
    assert sum((ROOT / name).stat().st_size for name in files()) < LIMIT


def test_the_page_of_checks_states_the_hard_cases_as_they_were_counted():
    results = json.loads((ROOT / "data" / "results" / "hard_cases.json").read_text(encoding="utf-8"))
    counts = Counter()
    for outcomes in results["fuzz"]["groups"].values():
        counts.update(outcomes)
    assert results["fuzz"]["wrong"] == results["kills"]["wrong"] == [] and results["fuzz"]["cases"] >= 10_000
    kills = {one["kills"] for one in results["kills"]["groups"].values()}
    text = (ROOT / "book" / "checks.md").read_text(encoding="utf-8")
    for number in (results["fuzz"]["cases"], counts["answered"], counts["refused"], *kills):
        assert f"{number:,}" in text, number
