"""The course in Chinese: prose and hints from the .po files in translations/zh_CN, everything else from the English course.

``python course.py translate`` takes over what has changed in English (an entry whose English is new is empty, one whose
English was edited is marked fuzzy: both wait for a translator), then builds `notebooks/zh/` and the hints' catalogue.
The words of figures have their Chinese in translations/zh_CN/figures.csv, see `tools.notebooks.figure_keys`.

To translate new hints: run it; put the Chinese into translations/zh_CN/hints.po by hand, or all at once with
``python -m tools.notebooks.translations`` (``missing hints`` prints them as JSON, ``fill hints rows.json`` puts them
back); run it again, which writes `unet_course/exercises/hints_zh.json`. {} are filled in in order; where Chinese wants
another order, number them: {1} … {0}. What is filled into a hint and is itself only one or two words (such as "row") has
to be listed in SHORT: tests/exercises/test_hints.py tries every wrong answer of the banks and says which English is left over.
"""

import ast
import copy
import html
import json
import re
import sys
from functools import lru_cache
from pathlib import Path

import nbformat
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from tools.notebooks import figure_keys
from tools.notebooks.files import write
from unet_course.data.files.saving import written
from unet_course.exercises.hints import in_chinese
from unet_course.figures.texts import alt_texts

HERE = Path(__file__).resolve().parents[2]
LANGUAGE = "zh_CN"
TRANSLATED = [f"{n:02}" for n in range(15)]
TIME = re.compile(r"(<!-- time -->)(\d+) minutes(<!-- /time -->)")
NO_TIME = "<!-- time --><!-- /time -->"
MARKS = re.compile(r"<!-- (?:is|/is)\b.*?-->")  # of numbers that a cell proves
# What is filled into hints and has too few words to be told from a name in the code.
SHORT = ("Your answer", "Your mask", "Your result", "Your loss", "Your skip", "Your images", "Your masks", "Factor {}",
         "Claim {}", "Number {}", "of type {}", "one value of type {}", "one", "a number", "a single number", "no message",
         "row", "column", "bottom", "output", "parameters", "values", " → norm", "A, B, C or D", "Wanted {}, got {}. {}",
         "{}: not {}. {}", "{}you get {}. {}", "{}: you choose {}. {}", "Answer {}", "Your share", "Random tensors: {}",
         "wide open", "shut", "half open", "left alone", "training", "validation", "Your classes", "The new {}", "image",
         "mask", "Your output", "Your score", "One image", "the skip", "evaluation", "turned by 180°", "changed otherwise",
         "without a nucleus", "{}: wanted {}, got {}.", "{}: you get {}. {}", "{}wanted {}, got {}. {}", "At done = 0: {}",
         "{} (line {} of {}: `{}`)", "Next: {} ({}).",
         "Your kernels are {} and {}; wanted 3×3 both times.", "a Tensor of shape {}, dtype {}",
         "an array of shape {}, dtype {}", "a Tensor with a single number, dtype {}",
         "an array with a single number, dtype {}", "something of type {}", "something of type {}, {} of them",
         "Exercise {} ({}): passed.", "Exercise {} ({}): not attempted yet.", "Exercise {} ({}): not yet.",
         "Exercise {}: the solution passes", "Guess {}: {}.", "Guess {}: {}",
         "Guesses in notebook {}: {} made of {}. {} of {} close to the answer.")
WHOSE = r"^With (?:your own|the course's) .*$"
SAY = ("from unet_course import language", 'language("zh")  # 检查的提示用中文')  # an import, and a call


def blocks(source):
    """The blocks of a markdown cell: what blank lines part, fences of code and mathematics kept whole."""
    found, held = [], []
    for part in source.split("\n\n"):
        held.append(part)
        text = "\n\n".join(held)
        if text.count("```") % 2 == 0 and text.count("$$") % 2 == 0:
            found.append(text)
            held = []
    return found + (["\n\n".join(held)] if held else [])


def message(block):
    """What a translator sees of a block: without the marks of numbers, without the time, which is estimated."""
    return TIME.sub(r"\1\3", MARKS.sub("", block)).strip("\n")


def is_prose(block):
    """Whether there is anything to translate: not so in a badge, an end of a fold, a formula without words."""
    block = re.sub(r"\$\$.*?\$\$", lambda formula: " ".join(re.findall(r"\\text\{(.*?)\}", formula[0])), block,
                   flags=re.DOTALL)
    bare = re.sub(r"\[!\[.*?\)\]\(.*?\)|```.*?```|<[^>]+>", "", block, flags=re.DOTALL)
    return re.search(r"[A-Za-z]{2}", bare) is not None


def prose(notebook):
    """All blocks of a notebook that a translator has to see, each once, in order."""
    cells = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return list(dict.fromkeys(message(b) for source in cells for b in blocks(source) if is_prose(b)))


def hints(folder=HERE / "unet_course" / "exercises"):
    """All that a check may say: texts in the code of the exercises, with {} for what is filled in."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.Module))
                      and n.body and isinstance(n.body[0], ast.Expr)}
        # not said to a learner: errors of whoever writes an exercise, its title, and the frame around a hint
        inner = {id(part) for node in ast.walk(tree) if silent(node) for part in ast.walk(node)}
        for node in ast.walk(tree):
            text = template(node)
            if text is None or id(node) in inner or id(node) in docstrings:
                continue
            inner.update(map(id, parts(node)))
            if len(re.findall(r"[A-Za-z]{2,}", text)) > 2 and " " in text:
                found[text] = None
    return list(dict.fromkeys([*found, *SHORT]))


def parts(node):
    """The nodes that a text is made of; what is filled in, or comes only at times, is a text of its own."""
    sides = node.values if isinstance(node, ast.JoinedStr) else (node.left, node.right) if isinstance(node, ast.BinOp) else ()
    for part in sides:
        if template(part) is not None:
            yield part
            yield from parts(part)


def silent(node):
    """What no learner is told: errors of whoever writes an exercise, patterns, what is drawn or put back."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        return name in ("Exercise", "ValueError", "TypeError") or name.startswith("re.")
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "SETTINGS"
    return isinstance(node, ast.FunctionDef) and node.name in ("__str__", "_repr_html_", "label", "memory_used", "_scale",
                                                               "_places", "_draw")


def template(node):
    """A text in the code as a template, {} for each part that is filled in; None if the node is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{\w*\}", "{}", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = template(node.left), template(node.right)
        if sides == (None, None):
            return None
        return "".join("{}" if side is None else side for side in sides)
    return None


def catalogue(name, root=HERE):
    """The translator's file of one name; an empty one if there is none."""
    path = root / "translations" / LANGUAGE / f"{name}.po"
    if not path.exists():
        return Catalog(locale=LANGUAGE)
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def store(held, name, root=HERE):
    """Write a translator's file; it is never half there."""
    path = root / "translations" / LANGUAGE / f"{name}.po"
    with written(path) as beside, open(beside, "wb") as file:
        write_po(file, held, width=100, omit_header=True)


def take_over(name, wanted, root=HERE):
    """Bring a translator's file up to the English messages; how many entries wait for a translator."""
    template_, held = Catalog(), catalogue(name, root)
    for text in wanted:
        template_.add(text, flags={"no-python-format", "no-python-brace-format"})
    held.update(template_, update_header_comment=False)
    held.obsolete.clear()
    for entry in held:  # "5 % foreground" is no format of Python's
        entry.flags -= {"python-format", "python-brace-format"}
    store(held, name, root)
    return len(waiting(held))


def waiting(held):
    """The messages of a catalogue that have no translation, or one of an earlier wording."""
    return [entry.id for entry in held if entry.id and (entry.fuzzy or not entry.string)]


def translated(notebook, held):
    """A notebook with its prose in the other language; code and outputs stay, hints in them are retold.

    Below each figure comes a line that says what its words are, see `tools.notebooks.figure_keys`.

    Raises
    ------
    KeyError
        With the English text that has no translation.
    """
    notebook = figure_keys.with_lines(copy.deepcopy(notebook))
    for cell in notebook.cells:
        if figure_keys.TAG in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            cell.source = "\n\n".join(one(block, held) if is_prose(block) else block for block in blocks(cell.source))
            cell.source = links(cell.source)
        elif "setup" in cell.metadata.get("tags", []):
            cell.source = speaking(cell.source)
        for output in cell.get("outputs", []):
            retell(output.get("data", {}))
            describe(output.get("metadata", {}).get("image/png", {}))
            if "text" in output:  # whose block it is, `mine` prints
                output.text = re.sub(WHOSE, lambda line: in_chinese(line[0]), output.text, flags=re.MULTILINE)
    return notebook


def speaking(source):
    """The set-up cell with the language of the checks, chosen before its last line: the last would be shown."""
    above, _, below = source.rpartition("\n\n")
    lines = above.split("\n")
    later = (i for i, line in enumerate(lines) if line.startswith("from unet_course") and line > SAY[0])
    lines.insert(next(later, len(lines)), SAY[0])
    return "\n".join([*lines, "", SAY[1], below])


def retell(data):
    """Say a stored guess, or the card of a stored check, in Chinese, as the kernel would; all else stays.

    The first line of a check stays as it is in the text, which graders read, and not on the card.
    """
    plain = data.get("text/plain", "")
    first, _, rest = plain.partition("\n  ")
    if re.match(r"Guess \d|Guesses in notebook ", plain):
        cards = [(plain, in_chinese(plain))]
    elif re.match(r"Exercise \d+\.\d+ \(", first):
        more = r"(.*?)(?:\n  \(This is the first of (\d+) things to mend\.\))?"
        hint, number = re.fullmatch(more, rest, re.DOTALL).groups()
        lines = [hint] * bool(hint) + [f"(This is the first of {number} things to mend.)"] * bool(number)
        data["text/plain"] = "\n  ".join([first, *map(in_chinese, lines)])
        summary = f"{first.split(' (')[0]}: the solution passes"
        cards = [(first, in_chinese(first)), (summary, in_chinese(summary)), *((line, in_chinese(line)) for line in lines)]
    else:
        return
    if len(cards) == 1:
        data["text/plain"] = cards[0][1]
    if "text/html" in data:
        for pair in cards:
            english, chinese = (html.escape(text).replace("\n", "<br>") for text in pair)
            data["text/html"] = data["text/html"].replace(english, chinese)


def describe(picture):
    """The alt text of a stored picture in Chinese, as `show` would store it; a lab speaks English."""
    if "alt" in picture:
        picture["alt"] = described().get(picture["alt"], picture["alt"])


@lru_cache
def described():
    """The alt text of each figure, English to Chinese."""
    english, chinese = alt_texts("en"), alt_texts("zh")
    return {text: chinese[number][name] for number in english for name, text in english[number].items()}


def one(block, held):
    """One block in Chinese, with the time that the English one has."""
    entry = held.get(message(block))
    if entry is None or entry.fuzzy or not entry.string:
        raise KeyError(message(block))
    time = TIME.search(block)
    if (time is not None) != (NO_TIME in entry.string):
        raise ValueError(f"{message(block)!r}: its translation has no {NO_TIME}, or has one too many.")
    return entry.string if time is None else entry.string.replace(
        NO_TIME, f"<!-- time -->{time[2]} 分钟<!-- /time -->")


def links(text):
    """Links as they lead from a folder deeper: to a Chinese page where there is one."""
    def lead(match):
        target = match[1]
        if re.match(r"\w+:|#|/", target) or target[:2] in TRANSLATED:
            return match[0]
        return f"](../{target})".replace("(../../README.md", "(../../README.zh-CN.md")
    text = re.sub(r"\]\(([^)\s]+)\)", lead, text)
    return re.sub(r"(/blob/\w+/notebooks)/(\d\d_)", r"\1/zh/\2", text)


def paths(root=HERE):
    """The English notebooks that are translated."""
    return [path for path in sorted((root / "notebooks").glob("*.ipynb")) if path.name[:2] in TRANSLATED]


def titles(held):
    """The titles of a notebook's exercises, English and Chinese, as they stand on cards: without marks of code."""
    for entry in held:
        english = re.match(r"### Exercise [\d.]+ · (.*) \(", entry.id) if entry.id else None
        chinese = re.match(r"### 练习 [\d.]+ · (.*)（", entry.string) if english else None
        if chinese:
            yield english[1].replace("`", ""), chinese[1].replace("`", "")


def table(root=HERE):
    """The hints' catalogue as `unet_course.exercises.hints` reads it."""
    rows = {english: chinese for path in paths(root) for english, chinese in titles(catalogue(path.stem, root))}
    rows |= {entry.id: entry.string for entry in catalogue("hints", root) if entry.id and entry.string and not entry.fuzzy}
    return json.dumps(rows, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


def main(arguments):
    """Take over what is new in English, then build all that has its whole translation; 1 if something waits for one."""
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths()}
    wanted = {"hints": hints(), **{path.stem: prose(notebook) for path, notebook in notebooks.items()}}
    missing = {name: take_over(name, texts) for name, texts in wanted.items()}
    for name, number in missing.items():
        if number:
            print(f"{name}.po: {number} to translate" + ("" if name == "hints" else "; its notebook is left as it was"))
    # the hints first: what the checks say in the notebooks comes from them
    (HERE / "unet_course" / "exercises" / "hints_zh.json").write_text(table(), encoding="utf-8", newline="\n")
    (HERE / "notebooks" / "zh").mkdir(exist_ok=True)
    for path, notebook in notebooks.items():
        if not missing[path.stem]:
            write(translated(notebook, catalogue(path.stem)), HERE / "notebooks" / "zh" / path.name)
    unknown = {path.name[:2]: figure_keys.unknown(notebook) for path, notebook in notebooks.items()}
    for number, words in unknown.items():
        if words:
            print(f"figures.csv: words of figures of {number} to translate: {', '.join(words)}")
    return int(any(missing.values()) or any(unknown.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
