"""Where a slide begins: each cell's slide type, which is stored with the notebook and read by jupyterlab-rise.

``python -m tools.notebooks.slide_types`` writes them into all notebooks anew, and runs nothing.
"""

import base64
import math
import re
import struct
import sys
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parents[2]
TYPES = ("slide", "subslide", "fragment", "skip", "notes", "-")
ROOM = 685  # pixels in height on a screen of 1280 x 720; the sizes below are those of rise.css
PROSE, CODE, GAP = 34, 25, 24  # a line of prose, a line of code, between two cells
PROSE_COLUMNS, CODE_COLUMNS = 96, 100
WIDE, TALL, TALL_UNDER_LONG_CODE, LONG = 1080, 540, 430, 7  # what a picture takes at most; lines of long code
SHORT = 3 * PROSE + PROSE // 2  # what is no slide of its own: a paragraph of three lines
QUESTION = re.compile(r"\*\*Predict|^guess\(", re.MULTILINE)


def lines(text, columns):
    """How many lines of so many columns a text takes."""
    return sum(max(math.ceil(len(line) / columns), 1) for line in text.strip("\n").split("\n"))


def prose_height(source):
    """Pixels in height that a Markdown cell takes, its folds closed."""
    text = re.sub(r"<details><summary>(.*?)</summary>.*?</details>", r"\1", source, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|<!--.*?-->", "]", text)
    height = 0
    for block in re.split(r"\n\s*\n", text):
        if block.startswith("#"):
            height += 1.5 * PROSE
        elif re.match(r"\s*(\||[-*] |\d+\. |```|\$\$)", block):  # each line stands by itself
            height += sum(PROSE * math.ceil(len(line) / PROSE_COLUMNS) for line in block.split("\n"))
        else:
            height += PROSE * math.ceil(len(" ".join(block.split())) / PROSE_COLUMNS)
        height += PROSE / 2
    return height


def output_height(cell):
    """Pixels in height of what a code cell has printed and drawn."""
    height = 0
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            width, tall = struct.unpack(">II", base64.b64decode(data["image/png"])[16:24])
            most = TALL if cell.source.count("\n") + 1 < LONG else TALL_UNDER_LONG_CODE
            height += tall * min(1, WIDE / width, most / tall) + GAP
        elif "text/html" in data:
            height += PROSE * lines(re.sub("<[^>]+>", "", data["text/html"]), PROSE_COLUMNS) + PROSE
        else:
            text = output.get("text") or data.get("text/plain") or "\n".join(output.get("traceback", []))
            height += CODE * lines(text, CODE_COLUMNS)
    return height


def height(cell):
    """Pixels in height that a cell takes on a slide, about."""
    if cell.cell_type != "code":
        return prose_height(cell.source)
    folded = cell.metadata.get("jupyter", {}).get("source_hidden")
    return (CODE if folded else CODE * lines(cell.source, CODE_COLUMNS)) + output_height(cell) + GAP


def alone(cells, index):
    """Whether a cell is a short paragraph, and nothing that follows would come onto its slide."""
    cell, following = cells[index], cells[index + 1:index + 2]
    if cell.cell_type != "markdown" or cell.source.startswith("#") or height(cell) > SHORT:
        return False
    return not following or following[0].cell_type == "markdown" or height(cell) + height(following[0]) > ROOM \
        or bool({"setup", "solution"} & set(following[0].metadata.get("tags", [])))


def slide_types(notebook):
    """What each cell is on the projector.

    The title and each heading of a section begin a slide. Other prose, the set-up and a solution (which stays folded)
    begin a slide below it. Code stays with the prose above it if both fit on the screen, hidden at first if a
    prediction or a guess is asked for; if not, it begins a slide of its own. So does a short paragraph that would
    stand alone: it stays with what is above it. A tag such as ``slide: skip`` on a cell goes before all this.

    Parameters
    ----------
    notebook : NotebookNode

    Returns
    -------
    list of str
        For each cell one of "slide", "subslide", "fragment", "skip", "notes", "-".
    """
    found, taken, asked = [], 0, False
    for index, cell in enumerate(notebook.cells):
        tags, prose = cell.metadata.get("tags", []), cell.cell_type == "markdown"
        by_hand = [tag.removeprefix("slide: ") for tag in tags if tag.startswith("slide: ")]
        if by_hand:
            kind = by_hand[0]
        elif not cell.source.strip() or cell.cell_type == "raw":
            kind = "skip"
        elif index == 0 or (prose and re.search(r"^## ", cell.source, re.MULTILINE)):
            kind = "slide"
        elif prose and taken + height(cell) <= ROOM and alone(notebook.cells, index):
            kind = "fragment" if asked else "-"
        elif prose or {"setup", "solution"} & set(tags) or taken + height(cell) > ROOM:
            kind = "subslide"
        else:
            kind = "fragment" if asked else "-"
        if kind not in TYPES:
            raise ValueError(f"Cell {index} has the tag 'slide: {kind}'; a slide is one of {', '.join(TYPES)}.")
        if kind in ("slide", "subslide"):
            taken = 0
        if kind not in ("skip", "notes"):
            taken += height(cell)
            asked = QUESTION.search(cell.source) is not None
        found.append(kind)
    return found


def tag(notebook):
    """Store with each cell what it is on the projector; the notebook is changed in place."""
    for cell, kind in zip(notebook.cells, slide_types(notebook)):
        cell.metadata["slideshow"] = {"slide_type": kind}


def main():
    from tools.notebooks.files import write  # not above: that module imports this one
    for path in sorted((HERE / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        tag(notebook)
        write(notebook, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
