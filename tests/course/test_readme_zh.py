"""The Chinese README says what the English one says: section by section the same numbers, commands, notebooks and links."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.tools.test_translate import keeps_emphasis
from tools.notebooks import translate
from tools.website import address

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))


def sections(text):
    """The parts of a README, each with its heading."""
    return re.split(r"^(?=##+ )", re.sub(r"<!-- address:start -->.*?<!-- address:end -->", "", text, flags=re.DOTALL),
                    flags=re.MULTILINE)


def here(link):
    """Where the Chinese README leads instead."""
    link = {"README.zh-CN.md": "README.md"}.get(link, link)  # each to the other
    return re.sub(r"^notebooks/(?=\d\d_)", "notebooks/zh/", link) if link[10:12] in translate.TRANSLATED else link


def lost(english, chinese):
    """What a section does not have of the numbers, the code, the commands and the links of the English one."""
    def things(text, lead=lambda link: link):
        links = [lead(link) for link in re.findall(r"\]\(([^)]+)\)", text)]
        code = re.findall(r"`[^`\n]+`", text) + re.findall(r"^python \S+ .*?(?=\s*#|$)", text, re.MULTILINE)
        bare = re.sub(r"`[^`\n]+`|\]\([^)]*\)|^python .*$|<!--.*?-->", "", text, flags=re.MULTILINE)
        return Counter(links + code + re.findall(r"\d+(?:[.,]\d+)*", bare))
    return sorted((things(english, here) - things(chinese)).elements())


def test_sections_are_the_same():
    def levels(text):
        return [re.match("#*", part)[0] for part in sections(text)]
    assert levels(ENGLISH) == levels(CHINESE)


@pytest.mark.parametrize("number", range(len(sections(ENGLISH))))
def test_nothing_of_a_section_is_lost(number):
    assert lost(sections(ENGLISH)[number], sections(CHINESE)[number]) == []


@pytest.mark.parametrize("english, chinese", [
    ("the 47 exercises", "共有 46 个练习"), ("`a` and `b`", "`a`"), ("python course.py lab  # x", "python course.py test  # 甲"),
    ("[06 T](notebooks/06_t.ipynb)", "[06](notebooks/07_t.ipynb)"), ("[00 T](notebooks/00_t.ipynb)", "[00](notebooks/00_t.ipynb)"),
    ("| 09 Clinic | planned |", ""), ("| 00_a | 3 s | 20 s |", "| 00_a | 4 s | 20 s |"),
])
def test_what_is_lost_is_seen(english, chinese):
    assert lost(english, chinese) != []


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", CHINESE)
    assert len(links) > 10 and [link for link in links if not (ROOT / link).exists()] == []


def test_address_is_the_one_of_the_project():
    assert address.readme_text(address.address(), "README.zh-CN.md") in CHINESE


def test_tables_that_are_measured_have_the_same_numbers():
    for name in ("times", "load"):
        one, two = (re.findall(r"^\|.*\d.*\|$", text.split(f"<!-- {name}:start -->")[1].split(f"<!-- {name}:end -->")[0],
                               re.MULTILINE) for text in (ENGLISH, CHINESE))
        assert one == two and len(one) >= 9


def test_emphasis_is_seen():
    for paragraph in re.sub(r"^```.*?^```", "", CHINESE, flags=re.DOTALL | re.MULTILINE).split("\n\n"):
        assert [found for found in keeps_emphasis(paragraph, paragraph)] == []
