"""A line in Chinese below each figure, whose own words are English: ``image = 图像；boundary = 边界``.

The words of a figure stand beside its picture as text; what they are in Chinese says translations/zh_CN/figures.csv.
There {} is a number, in Chinese {1} and {0} where the order is another; a row without Chinese is a name that stays.
Words that are drawn and do not stand in that text, such as the names of rows, have the figures in which they are drawn
in the third column: `11.val`, `*.map`, or a lab. Nothing has to be run: `python course.py translate` puts the lines in,
each a cell of its own.
"""

import csv
import re
from collections import namedtuple
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import nbformat

from unet_course.figures.texts import alt_texts

TABLE = Path(__file__).resolve().parents[2] / "translations" / "zh_CN" / "figures.csv"
TAG = "figure key"  # of the cell of a line
NUMBER = r"(\d[\d,.]*\d|\d)"
Row = namedtuple("Row", "english chinese drawn pattern")


def pattern(english):
    """What finds these words in a text: whole words, in small letters or capitals, with any number for {}."""
    inner = re.escape(english).replace(r"\{\}", NUMBER)
    return re.compile(rf"(?<![A-Za-z]){inner}(?![A-Za-z])", re.IGNORECASE)


@cache
def table(path=TABLE):
    """The rows of the table, in its order."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(row["english"], row["chinese"], row["drawn"].split(), pattern(row["english"]))
                for row in csv.DictReader(file)]


@cache
def figures_by_alt():
    """The names of the figures that have an alt text: {text: ["06.map", "08.map"]}."""
    found = {}
    for number, texts in alt_texts("en").items():
        for name, text in texts.items():
            found.setdefault(text, []).append(f"{number}.{name}")
    return found


def names(cell):
    """The names of the figures, or of the lab, that a cell shows."""
    alts = [output.metadata.get("image/png", {}).get("alt") for output in pictures(cell)]
    lab = re.match(r"(\w+_lab)\(", cell.source)
    return {name for alt in alts for name in figures_by_alt().get(alt, [])} | ({lab[1]} if lab else set())


def pictures(cell):
    """The outputs of a cell that are pictures."""
    return [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def words(cell):
    """The words of a cell's figures as they stand beside the pictures, a text for each title, axis and key."""
    found = []
    for output in pictures(cell):
        first, *lines = output.data["text/plain"].split("\n")
        if first.startswith("[figure]"):
            parts = [part for line in lines for part in line.split(" | ")]
            found += [re.sub(r"^(across|up|key): ", "", part) for part in parts
                      if not re.fullmatch(r"\d+ (line|image|area|cloud)s?", part)]
    return found


def explain(texts):
    """What is known of some words, and what is not.

    Returns
    -------
    known : list of (Row, str, str)
        A row, the words as the figure has them, and their Chinese.
    others : list of str
    """
    known, others = [], []
    for text in texts:
        of_text, left = explain_one(text)
        known += of_text
        others += left
    return known, others


@cache
def explain_one(text):
    """The same of one text."""
    found = []
    for row in sorted(table(), key=lambda row: -len(row.english)):  # the long ones first: they hold short ones
        for match in row.pattern.finditer(text):
            found.append((match.start(), row, match[0], row.chinese.format(*match.groups())))
        text = row.pattern.sub(lambda match: "\0" * len(match[0]), text)
    return [part[1:] for part in sorted(found, key=lambda part: part[0])], re.findall(r"[A-Za-z]{2,}", text)


def unknown(notebook):
    """The words of a notebook's figures that the table does not have."""
    return list(dict.fromkeys(word for cell in notebook.cells for word in explain(words(cell))[1]))


def drawn(cell):
    """The rows of the words that are in a cell's pictures, and in no text beside them."""
    shown = names(cell)
    return [(row, row.english, row.chinese) for row in table()
            if any(fnmatchcase(name, wanted) for name in shown for wanted in row.drawn)]


def line(cell, said):
    """The line below a cell's figures, "" if there is nothing to say.

    Parameters
    ----------
    cell : NotebookNode
    said : set of str
        What the section has explained above; what this line explains is added.
    """
    parts = []
    for row, english, chinese in [*explain(words(cell))[0], *drawn(cell)]:
        if chinese and row.english not in said:
            said.add(row.english)
            parts.append(f"{english} = {chinese}")
    return f"<small>图中英文：{'；'.join(parts)}。</small>" if parts else ""


def with_lines(notebook):
    """Put the lines into a notebook, below the cells of the figures; it is changed in place and returned."""
    cells, said = [], set()
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.MULTILINE):
            said = set()
        if text := line(cell, said):
            metadata = {"slideshow": {"slide_type": "-"}, "tags": [TAG]}
            cells.append(nbformat.v4.new_markdown_cell(text, id=f"{cell.id}-key"[-64:], metadata=metadata))
    notebook.cells = cells
    return notebook
