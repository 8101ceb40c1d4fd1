"""The front door: what a stranger sees first is short, true, and leads on; nothing that is broken stands in it."""

import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from tools.notebooks import run
from tools.website import address, front

ROOT = Path(__file__).resolve().parents[2]
READMES = ["README.md", "README.zh-CN.md"]
LIMIT = 900


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def words(text):
    """As `wc -w` counts; of Chinese, which has no spaces, eight characters for five words, and no frames of tables."""
    chinese = re.findall(r"[\u4e00-\u9fff]", text)
    if len(chinese) < 20:
        return len(text.split())
    others = re.sub(r"[\u4e00-\u9fff，。；：、（）《》]", " ", text).split()
    return sum(re.search(r"\w", word) is not None for word in others) + round(len(chinese) * 5 / 8)


def test_words_are_counted():
    assert words("| a `b c` | d 卷 |\n") == 8 and words("| ReLU，" + 40 * "卷" + " |") == 26


@pytest.mark.parametrize("name", READMES)
@pytest.mark.parametrize("where", [address.UNKNOWN, "ann/u-net.course"])
def test_it_fits_a_screen_and_a_half(name, where):
    text = re.sub(r"(?<=<!-- address:start -->\n).*?(?=\n<!-- address:end -->)", address.text_of(where, name), read(name),
                  flags=re.DOTALL)
    assert 500 < words(text) <= LIMIT


@pytest.mark.parametrize("name", READMES)
def test_the_picture_comes_first_and_the_command_before_the_map(name):
    text = read(name)
    places = [text.index(part) for part in ("![", "## ", "python course.py lab", "| [00 ", "CITATION.cff")]
    assert places == sorted(places) and "CONTRIBUTING.md" in text
    for peer in ("https://d2l.ai", "https://course.fast.ai", "https://github.com/ai-mbl"):
        assert peer in text


@pytest.mark.parametrize("name", [*READMES, "book/teaching.md", "book/zh/teaching.md", "notebooks/00_start_here.ipynb"])
def test_no_badge_leads_nowhere(name):
    if address.address() != address.UNKNOWN:
        pytest.skip("the address is known")
    text = nbformat.read(ROOT / name, as_version=4).cells[0].source if name.endswith("ipynb") else read(name)
    assert "img.shields.io" not in text and "badge" not in text.replace("badges for both", "")
    assert "OWNER" not in text.replace("`python course.py address OWNER/NAME`", "")


@pytest.mark.parametrize("name", READMES)
def test_each_notebook_has_one_time(name):
    rows = dict(re.findall(r"^\| \[[^|]*?(\d\d_\w+\.ipynb)\).* \| (\d+) \|$", read(name), re.MULTILINE))
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert rows == {path.name: str(run.minutes(path)) for path in paths}  # course.py notebooks --minutes
    for path in paths:
        first = nbformat.read(path, as_version=4).cells[0].source
        assert re.findall(r"\d+ (?:s|minutes|hours)\b", first) == [f"{rows[path.name]} minutes"], path.name


def test_the_picture_is_light_and_says_what_the_network_finds():
    with Image.open(front.PICTURE) as picture:
        assert picture.size[0] > 1000 and picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
    assert front.PICTURE.stat().st_size <= 150_000
    number = front.count(front.found()[1])
    assert f"finds: {number} nuclei" in front.draw().axes[1].get_title()
    for page in (*READMES, "book/index.md", "book/zh/index.md"):
        assert f"{number} " in re.search(r"!\[([^\]]*)\]\([^)]*_static/front\.png\)", read(page))[1], page
