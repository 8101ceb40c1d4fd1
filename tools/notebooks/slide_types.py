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
WIDE, TALL, LONG = 1080, 540, 4  # what a picture takes at most; of so many lines of its code one is shown
LEAST, LETTERS = 0.75, 0.9  # so far a picture gives way to the words that belong to it, and then all on the slide
PRINTED = 10 * CODE  # what is printed beside a picture takes no more, and scrolls
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


def pictures(cell):
    """Pixels in height of each picture that a cell has drawn, as large as a slide of its own shows it."""
    found = []
    for output in cell.get("outputs", []):
        if "image/png" in output.get("data", {}):
            width, tall = struct.unpack(">II", base64.b64decode(output["data"]["image/png"])[16:24])
            found.append(tall * min(1, WIDE / width, TALL / tall))
    return found


def output_height(cell):
    """Pixels in height of what a code cell has printed and drawn."""
    drawn = pictures(cell)
    height = sum(drawn) + GAP * len(drawn)
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            continue
        if "text/markdown" in data:
            height += prose_height(data["text/markdown"])
        elif "text/html" in data:
            height += PROSE * lines(re.sub("<[^>]+>", "", data["text/html"]), PROSE_COLUMNS) + PROSE
        else:
            text = output.get("text") or data.get("text/plain") or "\n".join(output.get("traceback", []))
            height += min(CODE * lines(text, CODE_COLUMNS), PRINTED if drawn else math.inf)
    return height


def height(cell):
    """Pixels in height that a cell takes on a slide, about."""
    if cell.cell_type != "code":
        return prose_height(cell.source)
    folded = cell.metadata.get("jupyter", {}).get("source_hidden")
    if pictures(cell) and cell.source.count("\n") + 1 >= LONG:
        folded = True  # by rise.css
    return (CODE if folded else CODE * lines(cell.source, CODE_COLUMNS)) + output_height(cell) + GAP


def fits(cells):
    """Whether a slide shows these cells whole, its pictures smaller if need be."""
    drawn = sum(picture for cell in cells for picture in pictures(cell))
    least = sum(map(height, cells)) - (1 - LEAST) * drawn
    return least * (LETTERS if drawn and any(map(is_prose, cells)) else 1) <= ROOM


def is_prose(cell):
    return cell.cell_type == "markdown"


def has(cell, tag):
    return tag in cell.metadata.get("tags", [])


def apart(above, below):
    """What is lost if a slide ends between two cells; less than nothing if a slide had better end there."""
    if is_prose(below):
        if below.source.startswith("#"):
            return -2
        if is_prose(above) or has(above, "exercise") or has(above, "solution"):
            return 0
        return 2 if pictures(above) else 1.5  # what was seen stays with the picture
    if has(below, "setup"):
        return 0
    if QUESTION.search(above.source) and not below.source.startswith("guess("):
        return 0.5  # the answer can come on the next slide
    if is_prose(above):
        return 2 if pictures(below) or above.source.rstrip().endswith(":") else 1.5
    return 1


def poor(cells):
    """What a slide lacks: words beside its picture, more than a line, a picture in full size."""
    bare = any(map(pictures, cells)) and not any(map(is_prose, cells))
    taken = sum(map(height, cells))
    return 3 * bare + 2.5 * (taken <= SHORT) + 0.5 * (taken > ROOM)


def begins_section(cell):
    return is_prose(cell) and re.search(r"^## ", cell.source, re.MULTILINE)


def starts(cells):
    """The places in a list of cells where slides begin so that the least is lost."""
    best = [(0, [])]  # for the cells before each place: what is lost, and where their slides begin
    for end in range(1, len(cells) + 1):
        ways = []
        for start in range(end - 1, -1, -1):
            group = cells[start:end]
            if len(group) > 1 and not fits(group):
                break
            lost, before = best[start]
            lost += poor(group) + (apart(cells[start - 1], cells[start]) if start else 0)
            ways.append((lost, [*before, start]))
            if begins_section(cells[start]):
                break
        best.append(min(ways, key=lambda way: way[0]))
    return set(best[-1][1])


def slide_types(notebook):
    """What each cell is on the projector.

    The title and each heading of a section begin a slide. Where the others begin is chosen so that each fits on the
    screen and as little as possible is torn apart: a picture and the paragraph that says what was seen, a question and
    its code, an exercise, its stub and its solution. A slide of one line, or of a picture without words, is made only
    where nothing else fits. What answers a question or a guess is hidden at first, and so is a solution. A tag such
    as ``slide: skip`` on a cell goes before all this.

    Parameters
    ----------
    notebook : NotebookNode

    Returns
    -------
    list of str
        For each cell one of "slide", "subslide", "fragment", "skip", "notes", "-".
    """
    by_hand, shown = {}, []
    for index, cell in enumerate(notebook.cells):
        tags = [tag.removeprefix("slide: ") for tag in cell.metadata.get("tags", []) if tag.startswith("slide: ")]
        if not cell.source.strip() or cell.cell_type == "raw":
            tags.append("skip")
        if tags and tags[0] not in TYPES:
            raise ValueError(f"Cell {index} has the tag 'slide: {tags[0]}'; a slide is one of {', '.join(TYPES)}.")
        if tags:
            by_hand[index] = tags[0]
        if not tags or tags[0] not in ("skip", "notes"):
            shown.append(index)
    begin = {shown[place] for place in starts([notebook.cells[index] for index in shown])}
    found, asked = [], False
    for index, cell in enumerate(notebook.cells):
        if index in by_hand:
            kind = by_hand[index]
        elif index == 0 or begins_section(cell):
            kind = "slide"
        elif index in begin:
            kind = "subslide"
        else:
            kind = "fragment" if asked or has(cell, "solution") else "-"
        if kind not in ("skip", "notes"):
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
