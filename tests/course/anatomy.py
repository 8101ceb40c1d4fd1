"""The rules that every notebook keeps, each a function that returns what is wrong as a list of sentences.

Numbers in prose. A number with a decimal point, with three digits or more, or with %, "of 100", million or billion behind
it says something that can be wrong. So right behind it stands a comment, which no reader sees, with the name of the proof:

    So the bar is a Dice of 0.87<!-- is board --> and an object F1 of 0.81<!-- is board -->.

and the code cell that prints it has the tag ``proves: board``. Its stored output has to hold the number, rounded as in
the prose ("31 million" is found in 31,030,658); a line that ends in "False" proves nothing, and neither does the text of a
figure. Small numbers may be marked too. If no cell prints the number, print it, or leave it out. What nothing can
compute is given, with the reason: ``65,535<!-- is given: 16 bits -->``. Once in a cell is enough for equal numbers. No
mark is needed in headings, code, formulas, links, folds (``<details>``), the statement of an exercise, and for years.

Numbers first. The notebooks of NUMBERS_FIRST print numbers and no verdicts, behind ≈ where they may move; `notebooks/conftest.py`
compares those within a tolerance. The others follow when they are rewritten.
"""

import ast
import json
import re
from pathlib import Path

from tests.course.claims import has_proven_numbers
from tools.website.address import address, install_lines, titled
from unet_course.exercises import Exercise
from unet_course.figures.texts import alt_texts

PACKAGE = Path(__file__).resolve().parents[2] / "unet_course"
NUMBERS_FIRST = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14")


def numbers_first(name):
    return name[:2] in NUMBERS_FIRST


def tags(cell):
    return set(cell.metadata.get("tags", []))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def texts(cell):
    """Everything in a cell's outputs that a reader sees as text."""
    for output in cell.outputs:
        yield output.get("text", "")
        yield from (value for kind, value in output.get("data", {}).items() if kind.startswith("text/"))
        yield "\n".join(output.get("traceback", []))


def is_stored_executed(notebook, name):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"executed as {counts[:8]}…, wanted 1, 2, 3, …"]


def has_no_volatile_state(notebook, name):
    found = ["metadata.widgets is stored"] if "widgets" in notebook.metadata else []
    for index, cell in enumerate(notebook.cells):
        if "execution" in cell.metadata:
            found.append(f"cell {index} stores execution times")
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"cell {index} has stored stderr")
            if any("widget-view" in kind for kind in output.get("data", {})):
                found.append(f"cell {index} stores a widget")
    return found


def opens_well(notebook, name):
    first, found = notebook.cells[0], []
    if first.cell_type != "markdown" or not re.match(rf"# {name[:2]} · \S", first.source):
        return [f"the first cell does not begin with '# {name[:2]} · title'"]
    wanted = {"objectives": "You will be able to",
              "what is needed": "**You need**", "the time": "<!-- time -->"}
    found += [f"the first cell lacks {what}" for what, text in wanted.items() if text not in first.source]
    if first.source != titled(first.source, address(), name):
        found.append("the first cell has not the badge of the course's address: python course.py address")
    setup = code_cells(notebook)[0]
    if "setup" not in tags(setup):
        found.append("the first code cell is not tagged setup")
    if install_lines(address()) not in setup.source:
        found.append("the set-up cell does not install from the course's address")
    if not numbers_first(name):
        return found if "course_map(" in code_cells(notebook)[1].source else [*found, "the second code cell does not draw the map"]
    if not (setup.source.startswith("# @title Set-up: run me") and folded(setup)):
        found.append("the set-up cell is not folded under '# @title Set-up: run me'")
    if code_cells(notebook)[1].source != f'picture_of_the_day("{name[:2]}")':
        found.append("the second code cell is not the picture of the day")
    if not any("course_map(" in cell.source for cell in code_cells(notebook)[2:4]):
        found.append("no map follows the picture of the day")
    return found


def folded(cell):
    """Whether the code is folded, in JupyterLab and in Colab."""
    return cell.metadata.get("jupyter", {}).get("source_hidden") and cell.metadata.get("cellView") == "form"


def closes_well(notebook, name, names):
    last, found = notebook.cells[-1].source, []
    end = "\n".join(cell.source for cell in notebook.cells[-3:])
    if "## What you can do now" not in (end if numbers_first(name) else last):
        found.append("there is no recap at the end")
    if numbers_first(name) and f'guessed("{name[:2]}")' not in end:
        found.append("the guesses are not counted at the end")
    if numbers_first(name) and "**Sources.**" not in last:
        found.append("there are no sources at the end")
    if last.count("<details>") < 3:
        found.append("there are fewer than three questions with folded answers")
    following = [n for n in names if n > name]
    links = set(re.findall(r"\]\((\d\d_\w+\.ipynb)\)", last))
    if (following[0] if following else names[0]) not in links:
        found.append("there is no link to the next notebook")
    return found


def has_small_cells(notebook, name, limit=20):
    found = []
    for i, cell in enumerate(code_cells(notebook), 1):
        lines = cell.source.count("\n") + 1
        reasons = [tag for tag in tags(cell) if tag.startswith("long:")]
        if lines > limit and not reasons:
            found.append(f"code cell {i} has {lines} lines, more than {limit}, and no tag 'long: reason'")
        found += [f"code cell {i}: the tag {tag!r} says no reason" for tag in reasons if len(tag) < 15]
        found += [f"code cell {i} is not long; its tag {tag!r} can go" for tag in reasons if lines <= limit]
    return found


def has_sound_exercises(notebook, name):
    found, cells = [], code_cells(notebook)
    for index, cell in enumerate(cells):
        if "exercise" in tags(cell):
            if not re.search(r"^check\(\"\d+\.\d+\", \w+\)$", cell.source.strip().splitlines()[-1]):
                found.append(f"code cell {index + 1}: an exercise does not end in check(...)")
            if "not attempted yet" not in "".join(texts(cell)):
                found.append(f"code cell {index + 1}: a stub left alone does not say 'not attempted yet'")
            after = [c for c in cells[index + 1 :] if tags(c) & {"exercise", "solution"}][:1]
            if not after or "solution" not in tags(after[0]):
                found.append(f"code cell {index + 1}: no solution follows the exercise")
        if "solution" in tags(cell):
            if not folded(cell) or not cell.source.startswith("# @title Solution"):
                found.append(f"code cell {index + 1}: a solution is not folded in JupyterLab and in Colab")
            if "passed." not in "".join(texts(cell)):
                found.append(f"code cell {index + 1}: a solution does not pass its check")
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for part in re.split(r"^### Exercise ", prose, flags=re.MULTILINE)[1:] if numbers_first(name) else []:
        hints = re.findall(r"<summary>(Hint.*?)</summary>", part)
        if hints[:2] != ["Hint 1", "Hint 2"]:
            found.append(f"exercise {part.split()[0]} has the hints {hints}; wanted Hint 1 and Hint 2")
    return found if any("exercise" in tags(c) for c in cells) else ["there is no exercise"]


def stubs_are_not_needed(notebook, name):
    """What an exercise defines must not be used by a later cell: a stub may be left alone."""
    found = []
    for index, cell in enumerate(code_cells(notebook)):
        if "exercise" not in tags(cell):
            continue
        names = {n.name for n in ast.parse(cell.source).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
        for later in code_cells(notebook)[index + 1 :]:
            if "exercise" not in tags(later):
                used = {n.id for n in ast.walk(ast.parse(without_magics(later.source))) if isinstance(n, ast.Name)}
                found += [f"code cell {index + 1}: {n} is used after its exercise" for n in names & used]
    return found


def without_magics(source):
    return re.sub(r"^(\s*)%.*$", r"\1pass", source, flags=re.MULTILINE)


def prints_the_same_everywhere(notebook, name):
    cells = [(i, cell) for i, cell in enumerate(code_cells(notebook), 1)]
    seconds = r"\b\d+(\.\d+)? ?(s|ms|seconds)\b"
    found = [f"code cell {i}: its output shows seconds" for i, cell in cells if not (numbers_first(name) and "time" in tags(cell))
             for text in texts(cell) if re.search(seconds, text)]
    bad = {"a path of a machine": r"(/home/|/root|/tmp/|/work|/usr/|[A-Z]:\\)", "a memory address": r"\b0x[0-9a-f]{6,}",
           "a device": r"cuda:\d", "a progress bar": r"\d+%\|"}
    return found + [f"code cell {i}: its output shows {what}" for i, cell in cells
                    for text in texts(cell) for what, pattern in bad.items() if re.search(pattern, text)]


def prints_no_verdicts(notebook, name):
    """A number is printed, not whether it lies above another: not as True, yes or ok, and in no other words."""
    if not numbers_first(name):
        return []
    found = []
    for i, cell in enumerate(code_cells(notebook), 1):
        if not tags(cell) & {"exercise", "solution", "broken"}:
            tree = ast.parse(without_magics(cell.source))
            found += [f"code cell {i}: prints a verdict, {ast.unparse(node)}" for node in verdicts(tree)]
        for line in "\n".join(texts(cell)).splitlines():
            if re.search(r"\b(above|below|over|under|(more|less|higher|lower|better|worse) than|at least|at most|within)\b.*"
                         r"[:,] (True|False|yes|no|ok|holds|right|wrong|✓|✗)\.?$", line, re.IGNORECASE):
                found.append(f"code cell {i}: {line!r} is a verdict")
    return found


COUNTS = {"sum", "mean", "count_nonzero", "where", "len", "bincount", "nonzero"}


def verdicts(tree):
    """The comparisons by size of a cell whose answer is shown: those that are printed, themselves or by a name.

    What is counted, such as ``(x > 0.5).sum()``, gives a number.
    """
    def ordered(node):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in COUNTS:
                return
        if isinstance(node, (ast.comprehension, ast.Subscript, ast.FunctionDef, ast.Lambda)):
            return
        if isinstance(node, ast.Compare) and any(isinstance(o, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for o in node.ops):
            yield node
            return
        for part in ast.iter_child_nodes(node):
            yield from ordered(part)

    held = {target.id: node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)
            for target in node.targets if isinstance(target, ast.Name) and list(ordered(node.value))}
    shown = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("print", "display", "reveal")]
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        shown.append(tree.body[-1])
    for call in shown:
        yield from ordered(call)
        for part in ast.walk(call):
            if isinstance(part, ast.Name) and part.id in held:
                yield held[part.id]


def asks_fair_guesses(notebook, name):
    """Three to five guesses, at most one a section, each revealed later, and its answer nowhere above.

    Looked for are numbers of two digits or more: in prose, in code, and in the texts of the figures that stand above.
    """
    if not numbers_first(name):
        return []
    found, places, shown, section = [], {}, {}, 0
    sections = []
    for index, cell in enumerate(notebook.cells):
        section += cell.cell_type == "markdown" and cell.source.startswith("## ")
        if cell.cell_type != "code":
            continue
        for id in re.findall(r'^guess\("([^"]+)"', cell.source, re.M):
            places[id] = index
            sections.append(section)
            if not id.startswith(f"{name[:2]}-") or ", ..." not in cell.source:
                found.append(f"cell {index}: guess {id!r} is not a stub of this notebook")
        for id in re.findall(r'^reveal\("([^"]+)"', cell.source, re.M):
            shown[id] = index, next(iter(re.findall(r"It is (.*)\.$", "\n".join(texts(cell)), re.M)), "")
    if not 3 <= len(places) <= 5:
        found.append(f"{len(places)} guesses; wanted 3 to 5")
    if len(set(sections)) < len(sections):
        found.append("two guesses stand in one section")
    for id in places.keys() ^ shown.keys():
        found.append(f"guess {id!r} is asked or revealed, not both")
    for id in places.keys() & shown.keys():
        until, answer = shown[id]
        if until <= places[id] or not answer:
            found.append(f"guess {id!r} is not revealed after it is asked")
        if "choices=" in notebook.cells[places[id]].source:
            continue  # the words to choose from stand there
        for number in re.findall(r"\d[\d,]*(?:\.\d+)?", answer):
            plain = number.replace(",", "")
            if len(plain) > 1 and re.search(rf"(?<![\w.,])(?:{re.escape(number)}|{re.escape(plain)})(?![\w]|[.,]\d)", above(notebook, until)):
                found.append(f"guess {id!r}: its answer, {number}, stands above")
    return found


def above(notebook, end):
    """What a learner can read before a cell is run: sources, and the texts of figures; not the set-up, not solutions."""
    cells = [cell for cell in notebook.cells[:end] if not tags(cell) & {"setup", "solution"}]
    sources = "\n".join(cell.source for cell in cells)
    keys = re.findall(r'"(\d\d)\.(\w+)"', sources)
    return "\n".join([sources, *(alt_texts().get(number, {}).get(key, "") for number, key in keys)])


def runs_what_learners_write(notebook, name):
    """`mine` names an exercise that stands above it, and gives the course's own otherwise."""
    found, cells = [], code_cells(notebook)
    for index, cell in enumerate(cells):
        for id, _ in re.findall(r'\bmine\("([^"]+)", (\w+)\)', cell.source):
            asked = [c for c in cells[:index] if "exercise" in tags(c) and f'check("{id}"' in c.source]
            if id not in Exercise.registry or (int(id.split(".")[0]) == int(name[:2]) and not asked):
                found.append(f"code cell {index + 1}: mine({id!r}) is not an exercise that stands above")
    return found


def tags_can_be_read(notebook, name):
    """``tolerance: 0.02`` or ``tolerance: 10 %`` beside a number behind ≈; ``order: A > B``; ``time`` beside a time."""
    found = []
    for i, cell in enumerate(code_cells(notebook), 1):
        said = "\n".join(texts(cell))
        for tag in tags(cell):
            kind, _, rest = tag.partition(":")
            if kind == "tolerance" and not (re.fullmatch(r" \d+(\.\d+)?( %)?", rest) and "≈" in said):
                found.append(f"code cell {i}: the tag {tag!r} is not a number, or there is nothing behind ≈")
            if kind == "order":
                try:
                    tree = ast.parse(rest.strip(), mode="eval").body
                except SyntaxError:
                    tree = None
                if not isinstance(tree, ast.Compare):
                    found.append(f"code cell {i}: the tag {tag!r} compares nothing")
    return found


def has_alt_texts(notebook, name):
    found = has_keys(notebook, name) if numbers_first(name) else []
    for i, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            kinds = output.get("data", {})
            if "image/svg+xml" in kinds:
                found.append(f"code cell {i}: a figure is SVG, which is compared; wanted PNG")
            for kind in {"image/png", "image/jpeg"} & set(kinds):
                if len(output.metadata.get(kind, {}).get("alt", "")) < 20:
                    found.append(f"code cell {i}: a figure has no alt text")
            found += [f"code cell {i}: {what}" for what in images_without_text(kinds.get("text/html", ""))]
    return found + [f"cell {i}: {what}" for i, cell in enumerate(notebook.cells) if cell.cell_type == "markdown"
                    for what in images_without_text(cell.source)]


def has_keys(notebook, name):
    """Every figure has its text in figures/alt.toml, every text of this notebook is used once, and words stand beside it."""
    found, used = [], []
    for i, cell in enumerate(code_cells(notebook), 1):
        keys = re.findall(rf'"({name[:2]}\.[a-z]\w*)"', cell.source)  # not "10.1", an exercise
        keys += [f"{name[:2]}.day"] if cell.source.startswith("picture_of_the_day") else []
        used += keys
        pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        if re.search(r"\balt=", cell.source):
            found.append(f"code cell {i}: its alt text stands in the code; wanted a key of figures/alt.toml")
        if not ("widget" in cell.source or "_lab(" in cell.source) and len(pictures) > len(keys):
            found.append(f"code cell {i}: {len(pictures)} figures, {len(keys)} keys")
        found += [f"code cell {i}: a figure of {len(o.data['image/png']) * 3 // 4:,} bytes; wanted 150,000 at most"
                  for o in pictures if len(o.data["image/png"]) * 3 // 4 > 150_000]
        if "_lab(" not in cell.source:  # a lab has its own words
            found += [f"code cell {i}: the figure's words do not stand beside it" for o in pictures
                      if not re.match(r"\[figure\] \d+ × \d+ pixels", o.data.get("text/plain", ""))]
    texts = {f"{name[:2]}.{key}" for key in alt_texts().get(name[:2], {})}
    found += [f"the text {key!r} is not there" for key in sorted(set(used) - texts)]
    found += [f"the text {key!r} is used {used.count(key)} times" for key in sorted(texts) if used.count(key) != 1]
    return found


def images_without_text(source):
    """What is wrong with the images of a text in Markdown or HTML."""
    pairs = [(alt, image) for alt, image in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", source)]
    for tag in re.findall(r"<img\b[^>]*>", source):
        alt = re.search(r"\balt\s*=\s*([\"'])(.*?)\1", tag, re.DOTALL)
        pairs.append((alt[2] if alt else "", tag[:60]))
    return [f"the image {image} has no text that says what it shows" for alt, image in pairs
            if len(alt.strip()) < 5 or alt.strip() == Path(image).name]


def headings(source):
    """The level and the text of each heading of a text in Markdown."""
    bare = re.sub(r"^ *```.*?^ *```", "", source, flags=re.MULTILINE | re.DOTALL)
    return [(len(marks), text) for marks, text in re.findall(r"^(#{1,6}) +(.*?)\s*$", bare, re.MULTILINE)]


def has_headings_in_order(notebook, name):
    return disorder([pair for cell in notebook.cells if cell.cell_type == "markdown" for pair in headings(cell.source)])


def disorder(pairs):
    """What is wrong with the order of headings: one of the first level, at the beginning, and no level skipped."""
    levels = [level for level, _ in pairs]
    found = [] if levels.count(1) == 1 and levels[0] == 1 else [f"headings of the first level: {levels.count(1)}; wanted one, the first"]
    return found + [f"heading {text!r} of level {level} comes after one of level {before}"
                    for (before, _), (level, text) in zip(pairs, pairs[1:]) if level > before + 1]


def begins_a_cell_with_each_heading(notebook, name):
    """A heading begins a cell, so that it can begin a slide."""
    found = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            plain = re.sub(r"```.*?```|<details>.*?</details>", "", cell.source, flags=re.DOTALL)
            later = [line for line in plain.strip().split("\n")[1:] if re.match(r"#{1,6} ", line)]
            found += [f"cell {index}: the heading {line!r} does not begin it" for line in later]
    return found


def has_plain_headings(notebook, name):
    texts = [text for cell in notebook.cells if cell.cell_type == "markdown" for _, text in headings(cell.source)]
    return [f"heading {h!r} has an exclamation mark or an emoji" for h in texts
            if "!" in h or re.search("[\U0001f000-\U0001ffff\u2600-\u27bf]", h)]


def has_light_outputs(notebook, name, limit=1_500_000):
    size = sum(len(json.dumps(cell.outputs)) for cell in code_cells(notebook))
    return [] if size < limit else [f"its outputs take {size:,} bytes, {limit:,} or more"]


def errors_are_meant(notebook, name):
    found = []
    for i, cell in enumerate(code_cells(notebook), 1):
        fails = any(o.output_type == "error" for o in cell.outputs)
        if fails != ("raises-exception" in tags(cell)):
            found.append(f"code cell {i}: " + ("fails and is not tagged" if fails else "is tagged raises-exception and does not fail"))
    return found


def package_trees(folder=PACKAGE):
    """The syntax trees of the package's top-level classes and functions, without docstrings.

    Of each name a set: functions of two files may have the same. What stands behind the checks, and
    what a teacher runs, is not what a notebook builds.
    """
    trees = {}
    for path in folder.rglob("*.py"):
        if {"exercises", "classroom"} & set(path.relative_to(folder).parts):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                trees.setdefault(node.name, set()).add(ast.dump(bare(node)))
    return trees


def bare(node):
    for part in ast.walk(node):
        if isinstance(part, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(part) is not None:
            part.body = part.body[1:]
    return node


def compared_definitions(notebook):
    """The cell's number and the syntax tree of what a notebook defines under a name of the package.

    What learners write is left out, and what is wrong on purpose.
    """
    trees = package_trees()
    for i, cell in enumerate(code_cells(notebook), 1):
        if not tags(cell) & {"exercise", "broken"}:
            for node in ast.parse(without_magics(cell.source)).body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in trees:
                    yield i, node, trees[node.name]


def defines_what_the_package_has(notebook, name):
    """A class or function of the package's name is the package's, docstring aside."""
    return [f"code cell {i}: {node.name} is not the package's"
            for i, node, trees in compared_definitions(notebook) if ast.dump(bare(node)) not in trees]


RULES = [is_stored_executed, has_no_volatile_state, opens_well, has_small_cells, has_sound_exercises, stubs_are_not_needed,
         prints_the_same_everywhere, has_alt_texts, has_headings_in_order, has_plain_headings,
         begins_a_cell_with_each_heading, has_light_outputs, errors_are_meant, defines_what_the_package_has, has_proven_numbers,
         prints_no_verdicts, asks_fair_guesses, runs_what_learners_write, tags_can_be_read]
