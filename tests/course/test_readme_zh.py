"""The Chinese README and the pages of the site say what the English ones say: section by section the same numbers, commands, notebooks and links."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.tools.test_translate import keeps_emphasis
from tools.notebooks import translate

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"README.md": "README.zh-CN.md", **{f"book/{path.name}": f"book/zh/{path.name}" for path in sorted((ROOT / "book").glob("*.md"))}}
FIRST = {"zh/index.md": "../index.md", "_static/front.png": "../_static/front.png",  # of the site's first page
         "_static/losses.png": "../_static/losses.png"}
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for pair in PAGES.items() for name in pair}


def sections(text):
    """The parts of a page, each with its heading."""
    return re.split(r"^(?=##+ )", re.sub(r"<!-- address:start -->.*?<!-- address:end -->", "", text, flags=re.DOTALL),
                    flags=re.MULTILINE)


def here(link):
    """Where a Chinese page leads instead."""
    link = {"README.zh-CN.md": "README.md"}.get(link, link)  # each to the other
    if link in FIRST:
        return FIRST[link]
    link = re.sub(r"^book/(?=\w+\.md)", "book/zh/", re.sub(r"^\.\./", "../../", link))
    return re.sub(r"^notebooks/(?=\d\d_)", "notebooks/zh/", link) if link[10:12] in translate.TRANSLATED else link


def lost(english, chinese):
    """What a section does not have of the numbers, the code, the commands and the links of the English one."""
    def things(text, lead=lambda link: link):
        links = [lead(link) for link in re.findall(r"\]\(([^)]+)\)", text)]
        code = re.findall(r"`[^`\n]+`", text) + re.findall(r"^python \S+ .*?(?=\s*#|$)", text, re.MULTILINE)
        bare = re.sub(r"`[^`\n]+`|\]\([^)]*\)|^python .*$|<!--.*?-->", "", text, flags=re.MULTILINE)
        return Counter(links + code + re.findall(r"\d+(?:[.,]\d+)*", bare))
    chinese = re.sub(r"(course\.py|-m tools\.notebooks\.)( ?lab) --language zh", r"\1\2", chinese)
    return sorted((things(english, here) - things(chinese)).elements())


@pytest.mark.parametrize("page", PAGES)
def test_sections_are_the_same(page):
    def levels(text):
        return [re.match("#*", part)[0] for part in sections(text)]
    assert levels(TEXTS[page]) == levels(TEXTS[PAGES[page]])


@pytest.mark.parametrize("page, number", [(page, number) for page in PAGES for number in range(len(sections(TEXTS[page])))])
def test_nothing_of_a_section_is_lost(page, number):
    assert lost(sections(TEXTS[page])[number], sections(TEXTS[PAGES[page]])[number]) == []


@pytest.mark.parametrize("english, chinese", [
    ("the 47 exercises", "共有 46 个练习"), ("`a` and `b`", "`a`"), ("python course.py lab  # x", "python course.py test  # 甲"),
    ("[06 T](notebooks/06_t.ipynb)", "[06](notebooks/07_t.ipynb)"), ("[00 T](notebooks/00_t.ipynb)", "[00](notebooks/00_t.ipynb)"),
    ("| 09 Clinic | planned |", ""), ("| 00_a | 3 s | 20 s |", "| 00_a | 4 s | 20 s |"),
])
def test_what_is_lost_is_seen(english, chinese):
    assert lost(english, chinese) != []


def test_tables_that_are_measured_have_the_same_numbers():
    for name, page in (("times", "book/times.md"), ("load", "book/teaching.md")):
        one, two = (re.findall(r"^\|.*\d.*\|$", text.split(f"<!-- {name}:start -->")[1].split(f"<!-- {name}:end -->")[0],
                               re.MULTILINE) for text in (TEXTS[page], TEXTS[PAGES[page]]))
        assert one == two and len(one) >= 9


@pytest.mark.parametrize("page", PAGES.values())
def test_emphasis_is_seen(page):
    for paragraph in re.sub(r"^```.*?^```", "", TEXTS[page], flags=re.DOTALL | re.MULTILINE).split("\n\n"):
        assert [found for found in keeps_emphasis(paragraph, paragraph)] == []
