"""The Chinese notebooks: up to date with the English ones, the same but for the prose, and the prose whole and well formed.

Each rule is a function of an English text and its translation that returns what is wrong; each is seen to fail.
"""

import ast
import copy
import csv
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from babel.messages.pofile import read_po

from tools.notebooks import figure_keys, translate
from tools.website import address

ROOT = Path(__file__).resolve().parents[2]
PATHS = translate.paths()
ENTRIES = [(path.stem, entry.id, entry.string) for path in PATHS for entry in translate.catalogue(path.stem) if entry.id]
HAN = "\u4e00-\u9fff"
CODE = re.compile(r"`[^`\n]+`|<code>.*?</code>")
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
# what stays as it is in a Chinese text; any other word of Latin letters is one forgotten
LATIN = set("""U Net PyTorch Python GPU CPU Dice F1 IoU ReLU He logits softmax sigmoid float32 uint16 dtype ceil_mode int64 D A B C
               ConvBlock EncoderBlock DecoderBlock UNet match_size n S train val test shifted torch
               arXiv V Dumoulin F Visin S Ioffe C Szegedy O Ronneberger P Fischer T Brox Odena Olah Distill M Drozdzal
               K He X Zhang Ren J Sun Karpathy
               Araujo W Norris J Sim Luo Y Li R Urtasun Zemel NaN
               doi N Otsu Yen Kapoor Narayanan L Maier Hein AdamW Smith Loshchilov Hutter Milletari Colab TP FP FN TN AP H
               StarDist Cellpose Data Science Bowl Nature Methods Reinke Guo Caicedo Efron Tibshirani MB GB NVIDIA
               Rosenfeld Pfaltz Isensee ACM nnU Schoenholz Olaf Philipp Thomas SAM Schmidt Stringer Segment Anything
               Transformer ISBI PhC U373 DIC HeLa SGD dx dy a2 a3 a4 a6 b2 b3 b4 Fiji Labkit ROI TIFF napari QuPath PNG
               JPEG NumPy BioImage IO ONNX deepImageJ ilastik README MIT Mitchell Pachitariu bfloat16 Adam MiB TB Gbit
               NVLink Java Kalamkar Patarasuk Yuan bioimage io Meyes Bouthillier Good
               Attention ResUNet Dense DCSAU SMU PPU Oktay CT Liu Wang Huang Jégou Guan Zhou Xu ResNeSt ResNet RGB Azad MRI
               Mahbod Ali Revisited LiTS KiTS MedNeXt ConvNeXt Mamba DDPM Ho Stable Diffusion TransUNet Chen Swin Unet Cao
               Roy Kirillov ResEnc Ma Ravi bioRxiv""".split())
NUMBERS_SAID_OTHERWISE = {"3.5 million": "350 万", "14 million of 31 million": "3100 万里的 1400 万",
                          "31 million": "3100 万", "4.77 million": "477 万", "0.12 million": "12 万",
                          "20 million": "2000 万", "16.6 million": "1660 万", "7.8 million": "780 万",
                          "7.76 million": "776 万", "9.13 million": "913 万", "9.04 million": "904 万",
                          "20.5 million": "2050 万"}
TITLE = r"\*[A-Z][A-Za-z0-9\s,:.-]+\*(?=[，,])"  # of what is cited
OTHER_NAMES = {"activation": "激活函数", "loss": "损失", "ReLU": "ReLU", "logit": "logits", "softmax": "softmax", "sigmoid": "sigmoid"}
NOT_THE_TERM = {"batch": r" norm"}  # what follows where a word is part of another term
TERMS_APART = ["mixed precision"]  # have a Chinese word of their own, in which the glossary's is not


def glossary(root=ROOT):
    with (root / "translations" / "glossary.csv").open(encoding="utf-8", newline="") as file:
        return {row["term"]: row["chinese"] for row in csv.DictReader(file)}


def bare(text):
    """A text without code, formulas, addresses and tags."""
    return re.sub(r"\]\([^)]*\)|<[^>]+>", " ", FORMULA.sub(" ", CODE.sub(" ", text)))


def same(english, chinese, what):
    """What two texts do not share of a kind of things, in any order."""
    one, two = Counter(what(english)), Counter(what(chinese))
    return [f"lost {thing!r}" for thing in one - two] + [f"invented {thing!r}" for thing in two - one]


def keeps_code(english, chinese):
    return same(english, chinese, CODE.findall)


def keeps_formulas(english, chinese):
    return same(english, chinese, lambda text: [re.sub(r"\\text\{.*?\}", r"\\text", f) for f in FORMULA.findall(text)])


def keeps_links(english, chinese):
    return same(english, chinese, re.compile(r"\]\(([^)]*)\)").findall)


def keeps_tags(english, chinese):
    return [] if re.findall(r"<[^>]+>", english) == re.findall(r"<[^>]+>", chinese) else ["other tags, or in another order"]


def keeps_lines(english, chinese):
    """Headings of the same level, as many items in a list, as many rows in a table; a paragraph is one line."""
    def form(text):
        marks = [re.match(r"#+ |- |\d+\. |\||\$\$|  ", line) for line in text.splitlines()]
        return [mark[0] for mark in marks if mark and mark[0] != "  "]
    found = [] if form(english) == form(chinese) else [f"lines begin with {form(chinese)}, wanted {form(english)}"]
    if not form(chinese) and "\n" in chinese:  # a line's end would be seen as a space
        found.append("a paragraph of more than one line")
    return found


def keeps_tables(english, chinese):
    return [] if english.count("|") == chinese.count("|") else ["other cells in a table"]


def keeps_emphasis(english, chinese):
    """As much bold, and where it ends a reader's Markdown sees it: not between punctuation and a letter."""
    text = CODE.sub("x", chinese)
    marks = list(re.finditer(r"\*+", text))
    strong = [text.count("**"), CODE.sub("x", english).count("**")]
    found = [] if strong[0] == strong[1] else ["another number of bold marks"]
    for number, mark in enumerate(marks):
        inner, outer = (mark.end(), mark.start() - 1) if number % 2 == 0 else (mark.start() - 1, mark.end())
        inner = text[inner] if 0 <= inner < len(text) else " "
        outer = text[outer] if 0 <= outer < len(text) else " "
        if inner.isspace() or (unicodedata.category(inner)[0] in "PS" and outer.isalnum()):
            found.append(f"{text[max(mark.start() - 4, 0):mark.end() + 4]!r} is not seen as emphasis")
    return found + (["an emphasis is not closed"] if len(marks) % 2 else [])


def keeps_numbers(english, chinese):
    for one, two in NUMBERS_SAID_OTHERWISE.items():
        if one in english and two in chinese:
            english, chinese = english.replace(one, ""), chinese.replace(two, "")
    return same(bare(english), bare(chinese), re.compile(r"\d+(?:[.,]\d+)*").findall)


def keeps_exercise(english, chinese):
    one = re.match(r"### Exercise (\d+\.\d+) · .*?\((?:(classroom|deeper), )?(\d+) minutes\)$", english)
    two = re.match(r"### 练习 (\d+\.\d+) · .*?（(?:(课堂|进阶)，)?(\d+) 分钟）$", chinese)
    if (one is None) != (two is None):
        return ["wanted '### 练习 N.M · 标题（课堂，N 分钟）'"]
    names = {"classroom": "课堂", "deeper": "进阶", None: None}
    return [] if one is None or (one[1], names[one[2]], one[3]) == two.groups() else ["another exercise, mark or time"]


def is_chinese(english, chinese):
    """No word of English is left but names; it may stand in brackets, or quoted from a figure or an output."""
    text = re.sub(rf"（[A-Za-z][A-Za-z ,'-]*）|“[a-z][a-z ,-]*”|（[\u4e00-\u9fff]+，[A-Za-z ]+）|{TITLE}", " ", bare(chinese))
    words = [w for w in re.findall(r"[A-Za-z_]\w+", text) if w not in LATIN]
    none = [] if re.search(f"[{HAN}]", chinese) else ["no Chinese in it"]
    return none + ([f"English is left: {words}"] if words else [])


def is_well_set(english, chinese):
    """Chinese punctuation beside Chinese, a space between Chinese and Latin, none between two Chinese characters."""
    text = re.sub(r"\s*<!--.*?-->", "", FORMULA.sub("x", CODE.sub("x", chinese))).replace("*", "")
    patterns = {"half-width punctuation": f"[{HAN}][,;:?!()]|[,;!?][{HAN}]", "no space": f"[{HAN}][A-Za-z0-9]|[A-Za-z0-9%][{HAN}]",
                "a space inside Chinese": f"[{HAN}，。；：][ ]+[{HAN}]", "straight quotes": f"[\"'][{HAN}]|[{HAN}][\"']"}
    return [f"{what}: {m[0]!r}" for what, pattern in patterns.items() for m in re.finditer(pattern, text)]


def keeps_terms(english, chinese):
    """A term of the glossary is said with its Chinese word."""
    cited = [*TERMS_APART, TITLE]
    found, text = [], re.sub("|".join(cited), "", bare(english), flags=re.IGNORECASE)
    for term, word in glossary().items():
        flags = re.IGNORECASE if term[0].islower() else 0
        pattern = rf"(?<![\w-]){re.escape(term)}s?\b(?!{NOT_THE_TERM.get(term, '^')})"
        if re.search(pattern, text, flags) and word not in chinese and OTHER_NAMES.get(term, word) not in chinese:
            found.append(f"{term} is {word}")
    return found


RULES = [keeps_code, keeps_formulas, keeps_links, keeps_tags, keeps_lines, keeps_tables, keeps_emphasis, keeps_numbers,
         keeps_exercise, is_chinese, is_well_set, keeps_terms]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_translation_keeps_the_rule(rule):
    assert len(ENTRIES) > 300
    assert [(name, chinese, found) for name, english, chinese in ENTRIES if (found := rule(english, chinese))] == []


SPOILED = [
    (keeps_code, "call `model(x)`", "调用 `model(y)`"), (keeps_formulas, "it is $n + 1$", "它是 $n - 1$"),
    (keeps_formulas, r"$$\text{a} + 1$$", r"$$\text{甲} + 2$$"), (keeps_links, "[00](00_a.ipynb)", "[00](01_b.ipynb)"),
    (keeps_tags, "<details><summary>Hint</summary>", "<details>提示</summary>"), (keeps_lines, "## A block", "### 一个块"),
    (keeps_lines, "- a\n- b", "- 甲，乙"), (keeps_lines, "one\ntwo", "一\n二"), (keeps_tables, "| a | b |", "| 甲，乙 |"),
    (keeps_emphasis, "**Predict:** why?", "**先预测：**为什么？"), (keeps_emphasis, "**one** two", "一二"),
    (keeps_emphasis, "*one* two", "*一二"), (keeps_numbers, "93 of 100", "100 个中的 39 个"),
    (keeps_numbers, "31 million", "310 万"), (keeps_exercise, "### Exercise 2.1 · A b (10 minutes)", "### 练习 2.2 · 甲（10 分钟）"),
    (keeps_exercise, "### Exercise 2.1 · A b (classroom, 5 minutes)", "### 练习 2.1 · 甲（进阶，5 分钟）"),
    (keeps_exercise, "### Exercise 2.1 · A b (5 minutes)", "### 2.1 甲"), (is_chinese, "Look at it.", "Look at it."),
    (is_chinese, "Look at the pool.", "看 the pool。"), (is_well_set, "One, two", "一,二"), (is_well_set, "3 rows", "3行"),
    (is_well_set, "one two", "一 二"), (keeps_terms, "the mask of a nucleus", "细胞核的掩码"), (keeps_terms, "The loss", "代价"),
]


@pytest.mark.parametrize("rule, english, chinese", SPOILED, ids=lambda value: getattr(value, "__name__", ""))
def test_rule_can_fail(rule, english, chinese):
    assert rule(english, chinese) != []


def test_every_rule_is_seen_to_fail():
    assert {rule for rule, _, _ in SPOILED} == set(RULES)


# up to date

@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_translation_is_of_the_prose_as_it_is_today(path):
    held = translate.catalogue(path.stem)
    assert [entry.id for entry in held if entry.id] == translate.prose(nbformat.read(path, as_version=4))
    assert translate.waiting(held) == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_is_what_the_tool_builds(path):
    built = translate.translated(nbformat.read(path, as_version=4), translate.catalogue(path.stem))
    assert (path.parent / "zh" / path.name).read_text(encoding="utf-8") == nbformat.writes(built) + "\n", \
        "notebooks/zh is behind: python course.py translate"


def test_every_notebook_has_its_translation_and_no_other():
    assert [path.name for path in sorted((ROOT / "notebooks" / "zh").glob("*.ipynb"))] == [path.name for path in PATHS]
    assert [path.name[:2] for path in PATHS] == translate.TRANSLATED


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_code_outputs_and_metadata_are_the_english_ones(path):
    """Seen without the tool: the stored files side by side."""
    one, two = (json.loads(p.read_text(encoding="utf-8")) for p in (path, path.parent / "zh" / path.name))
    assert {key: one[key] for key in one if key != "cells"} == {key: two[key] for key in two if key != "cells"}
    two["cells"] = [cell for cell in two["cells"] if figure_keys.TAG not in cell["metadata"].get("tags", [])]
    assert len(one["cells"]) == len(two["cells"])
    differ = []
    for a, b in zip(one["cells"], two["cells"]):
        assert (a["id"], a["metadata"], a.get("execution_count")) == (b["id"], b["metadata"], b.get("execution_count"))
        pictures = [out["metadata"]["image/png"] for cell in (a, b) for out in cell.get("outputs", [])
                    if "alt" in out.get("metadata", {}).get("image/png", {})]
        alts = [picture.pop("alt") for picture in pictures]
        half = len(alts) // 2
        assert [translate.described().get(alt, alt) for alt in alts[:half]] == alts[half:]
        if a["cell_type"] == "code" and a != b:
            differ += a["metadata"].get("tags", ["no tag"])
            if "setup" not in a["metadata"].get("tags", []):
                assert a["source"] == b["source"]
                # what a check, a guess or `mine` says is Chinese; what is printed or drawn is not
                assert re.search(r"\b(check|guess|reveal|guessed|mine)\(", "".join(a["source"]))
                said = [[{**out, "text": [line for line in out.get("text", [])
                                          if not re.match("With (your|the) |使用(你|课程)", line)]}
                         for out in cell["outputs"] if "text/html" not in out.get("data", {})]
                        for cell in (a, b)]
                assert said[0] == said[1]
            if {"exercise", "solution"} & set(a["metadata"].get("tags", [])):  # what graders read
                assert [out.get("data", {}).get("text/plain") for out in a["outputs"]] == \
                    [out.get("data", {}).get("text/plain") for out in b["outputs"]]
    assert differ.count("setup") == 1
    cards = [out["data"]["text/plain"] for cell in two["cells"] for out in cell.get("outputs", [])
             if "text/html" in out.get("data", {})]
    assert not [card for card in cards if "".join(card).startswith("Guess")]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_links_and_badge_lead_from_the_folder_where_they_stand(path):
    zh = path.parent / "zh" / path.name
    text = "\n".join(c.source for c in nbformat.read(zh, as_version=4).cells if c.cell_type == "markdown")
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    assert links and [link for link in links if not (zh.parent / link).exists()] == []
    known = address.address() != address.UNKNOWN
    own = re.findall(r"/blob/\w+/notebooks/", text)  # another project's documentation is linked like this, too
    assert len(own) == text.count(f"/blob/{address.STUDENT}/notebooks/zh/{path.name})") == known
    assert [link for link in links if not link.startswith(("..", *translate.TRANSLATED))] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_set_up_chooses_the_language_with_a_name_that_it_imports(path):
    english, setup = (next(cell for cell in nbformat.read(folder / path.name, as_version=4).cells
                           if "setup" in cell.metadata.get("tags", [])) for folder in (path.parent, path.parent / "zh"))
    body = ast.parse(re.sub(r"^(\s*)%.*$", r"\1pass", setup.source, flags=re.MULTILINE)).body
    # in Colab the import in `try` fails: only what is imported outside of it is there
    imported = {alias.asname or alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}
    called = [ast.unparse(node) for node in body if isinstance(node, ast.Expr)]
    assert "language" in imported and "language('zh')" in called[:-1]
    assert setup.source.count("\n") == english.source.count("\n") + 2


# the tool

ENGLISH = [nbformat.v4.new_markdown_cell("# 02 · Pools\n\nA pool keeps\nthe largest.\n\n**Time** <!-- time -->5 minutes"
                                         "<!-- /time --> or so.\n\n$$\\text{size} = n$$\n\n$$n + 1$$"),
           nbformat.v4.new_code_cell("import torch\n\nseed_everything(0)", metadata={"tags": ["setup"]}),
           nbformat.v4.new_markdown_cell("Dice is <!-- is:1 -->0.79<!-- /is --> here: [03](03_encoder.ipynb).")]
CHINESE = {"# 02 · Pools": "# 02 · 池化", "A pool keeps\nthe largest.": "池化保留最大值。",
           "**Time** <!-- time --><!-- /time --> or so.": "**用时**<!-- time --><!-- /time -->。",
           "$$\\text{size} = n$$": "$$\\text{大小} = n$$",
           "Dice is 0.79 here: [03](03_encoder.ipynb).": "Dice 系数在这里是 0.79：[03](03_encoder.ipynb)。"}


@pytest.fixture
def held(tmp_path):
    """A small notebook and its translator's file, filled in."""
    (tmp_path / "translations" / translate.LANGUAGE).mkdir(parents=True)
    notebook = nbformat.v4.new_notebook(cells=copy.deepcopy(ENGLISH))
    assert translate.take_over("02_x", translate.prose(notebook), tmp_path) == len(CHINESE)
    fill(tmp_path, CHINESE)
    return notebook


def fill(root, texts):
    held = translate.catalogue("02_x", root)
    for entry in held:
        if entry.id in texts:
            entry.string = texts[entry.id]
            entry.flags.discard("fuzzy")
    with (root / "translations" / translate.LANGUAGE / "02_x.po").open("wb") as file:
        translate.write_po(file, held, omit_header=True)


def test_builds_prose_time_formula_language_and_links(held, tmp_path):
    built = translate.translated(held, translate.catalogue("02_x", tmp_path))
    assert built.cells[0].source == ("# 02 · 池化\n\n池化保留最大值。\n\n**用时**<!-- time -->5 分钟<!-- /time -->。\n\n"
                                     "$$\\text{大小} = n$$\n\n$$n + 1$$")
    assert built.cells[1].source == "\n".join(["import torch", translate.SAY[0], "", translate.SAY[1], "seed_everything(0)"])
    assert built.cells[2].source == CHINESE["Dice is 0.79 here: [03](03_encoder.ipynb)."]
    assert held.cells == ENGLISH  # the English notebook is left alone


@pytest.mark.parametrize("old, new", [("the largest.", "the largest of them."), ("# 02 · Pools", "# 02 · Quite another thing"),
                                      ("0.79", "0.85")])
def test_prose_that_has_changed_waits_for_a_translator(held, tmp_path, old, new):
    for cell in held.cells:
        cell.source = cell.source.replace(old, new)
    with pytest.raises(KeyError, match=re.escape(new)):
        translate.translated(held, translate.catalogue("02_x", tmp_path))
    assert translate.take_over("02_x", translate.prose(held), tmp_path) == 1
    changed = translate.catalogue("02_x", tmp_path)
    assert len(changed) == len(CHINESE) and new in translate.waiting(changed)[0]
    with pytest.raises(KeyError, match=re.escape(new)):
        translate.translated(held, changed)


def test_marks_of_numbers_and_the_minutes_change_nothing(held, tmp_path):
    before = (tmp_path / "translations" / translate.LANGUAGE / "02_x.po").read_bytes()
    held.cells[0].source = held.cells[0].source.replace("5 minutes", "10 minutes").replace("largest", "<!-- is:3 -->largest<!-- /is -->")
    held.cells[2].source = held.cells[2].source.replace("<!-- is:1 -->0.79<!-- /is -->", "0.79")
    assert translate.take_over("02_x", translate.prose(held), tmp_path) == 0
    with (tmp_path / "translations" / translate.LANGUAGE / "02_x.po").open("rb") as file:
        assert {entry.id: entry.string for entry in read_po(file) if entry.id} == CHINESE
    translate.take_over("02_x", translate.prose(held), tmp_path)
    assert len(before) and "10 分钟" in translate.translated(held, translate.catalogue("02_x", tmp_path)).cells[0].source


def test_a_translation_that_lost_the_time_is_refused(held, tmp_path):
    fill(tmp_path, {"**Time** <!-- time --><!-- /time --> or so.": "**用时**不长。"})
    with pytest.raises(ValueError, match="no <!-- time -->"):
        translate.translated(held, translate.catalogue("02_x", tmp_path))


def test_take_over_asks_nothing_of_python_formats(tmp_path):
    (tmp_path / "translations" / translate.LANGUAGE).mkdir(parents=True)
    translate.take_over("02_x", ["5 % foreground and {} more"], tmp_path)
    text = (tmp_path / "translations" / translate.LANGUAGE / "02_x.po").read_text(encoding="utf-8")
    assert re.findall(r"#, (.*)", text) == ["no-python-brace-format, no-python-format"]


@pytest.mark.parametrize("english, chinese", [
    ("[a](01_images_and_masks.ipynb)", "[a](01_images_and_masks.ipynb)"), ("[a](15_not_yet.ipynb)", "[a](../15_not_yet.ipynb)"),
    ("[a](../README.md)", "[a](../../README.zh-CN.md)"), ("[a](../README.md#the-map)", "[a](../../README.zh-CN.md#the-map)"),
    ("[a](../data/nuclei/README.md)", "[a](../../data/nuclei/README.md)"), ("![a](pictures/u.png)", "![a](../pictures/u.png)"),
    ("[a](#section)", "[a](#section)"), ("[a](https://x.org/a)", "[a](https://x.org/a)"), ("[a](mailto:x@y.org)", "[a](mailto:x@y.org)"),
    ("[b](https://c.org/github/O/n/blob/student/notebooks/00_start.ipynb)", "[b](https://c.org/github/O/n/blob/student/notebooks/zh/00_start.ipynb)"),
])
def test_links_lead_from_a_folder_deeper(english, chinese):
    assert translate.links(english) == chinese


@pytest.mark.parametrize("text, wanted", [
    ("a\n\nb", ["a", "b"]), ("```\na\n\nb\n```\n\nc", ["```\na\n\nb\n```", "c"]), ("$$a\n\nb$$\n\nc", ["$$a\n\nb$$", "c"]),
])
def test_blocks_keep_fences_and_formulas_whole(text, wanted):
    assert translate.blocks(text) == wanted


@pytest.mark.parametrize("block, wanted", [
    ("A word", True), ("</details>", False), ("$$n + 1$$", False), (r"$$\frac{n}{2}$$", False), (r"$$\text{size} = n$$", True),
    ("```python\nx = 1\n```", False), ("[![Open in Colab](https://a.b/c)](https://a.b/d)", False),
    ("<details><summary>Hint</summary>", True), ("1 × 2", False),
])
def test_what_a_translator_has_to_see(block, wanted):
    assert translate.is_prose(block) == wanted
