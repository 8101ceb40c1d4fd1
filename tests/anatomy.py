"""The rules that every notebook keeps, each a function that returns what is wrong as a list of sentences."""

import ast
import re
from pathlib import Path

from tools.address import address, badge, install_line

PACKAGE = Path(__file__).resolve().parent.parent / "unet_course"


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
    wanted = {"the Colab badge": badge(address(), name), "objectives": "You will be able to",
              "what is needed": "**You need**", "the time": "<!-- time -->"}
    found += [f"the first cell lacks {what}" for what, text in wanted.items() if text not in first.source]
    setup = code_cells(notebook)[0]
    if "setup" not in tags(setup):
        found.append("the first code cell is not tagged setup")
    if install_line(address()) not in setup.source:
        found.append("the set-up cell does not install from the course's address")
    if "course_map(" not in code_cells(notebook)[1].source:
        found.append("the second code cell does not draw the map")
    return found


def closes_well(notebook, name, names):
    last, found = notebook.cells[-1].source, []
    if "## What you can do now" not in last:
        found.append("there is no recap at the end")
    if last.count("<details>") < 3:
        found.append("there are fewer than three questions with folded answers")
    following = [n for n in names if n > name]
    links = set(re.findall(r"\]\((\d\d_\w+\.ipynb)\)", last))
    if (following[0] if following else names[0]) not in links:
        found.append("there is no link to the next notebook")
    return found


def has_small_cells(notebook, name, limit=30):
    sizes = [(i, cell.source.count("\n") + 1) for i, cell in enumerate(code_cells(notebook), 1)]
    return [f"code cell {i} has {n} lines, more than {limit}" for i, n in sizes if n > limit]


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
            folded = cell.metadata.get("jupyter", {}).get("source_hidden") and cell.metadata.get("cellView") == "form"
            if not folded or not cell.source.startswith("# @title Solution"):
                found.append(f"code cell {index + 1}: a solution is not folded in JupyterLab and in Colab")
            if "passed." not in "".join(texts(cell)):
                found.append(f"code cell {index + 1}: a solution does not pass its check")
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
    bad = {"a path of a machine": r"(/home/|/root|/tmp/|/work|/usr/|[A-Z]:\\)", "a memory address": r"\b0x[0-9a-f]{6,}",
           "a device": r"cuda:\d", "seconds": r"\b\d+(\.\d+)? ?(s|ms|seconds)\b"}
    return [f"code cell {i}: its output shows {what}" for i, cell in enumerate(code_cells(notebook), 1)
            for text in texts(cell) for what, pattern in bad.items() if re.search(pattern, text)]


def has_alt_texts(notebook, name):
    found = []
    for i, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            kinds = output.get("data", {})
            if "image/svg+xml" in kinds:
                found.append(f"code cell {i}: a figure is SVG, which is compared; wanted PNG")
            if "image/png" in kinds and len(output.metadata.get("image/png", {}).get("alt", "")) < 20:
                found.append(f"code cell {i}: a figure has no alt text")
    return found


def has_plain_headings(notebook, name):
    headings = [line for cell in notebook.cells if cell.cell_type == "markdown"
                for line in cell.source.splitlines() if line.startswith("#")]
    return [f"heading {h!r} has an exclamation mark or an emoji" for h in headings
            if "!" in h or re.search("[\U0001f000-\U0001ffff\u2600-\u27bf]", h)]


def errors_are_meant(notebook, name):
    found = []
    for i, cell in enumerate(code_cells(notebook), 1):
        fails = any(o.output_type == "error" for o in cell.outputs)
        if fails != ("raises-exception" in tags(cell)):
            found.append(f"code cell {i}: " + ("fails and is not tagged" if fails else "is tagged raises-exception and does not fail"))
    return found


def package_trees(folder=PACKAGE):
    """The syntax trees of all top-level classes and functions of the package, without their docstrings."""
    modules = [p for p in folder.glob("*.py")]
    return {node.name: ast.dump(bare(node)) for p in modules for node in ast.parse(p.read_text(encoding="utf-8")).body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def bare(node):
    for part in ast.walk(node):
        if isinstance(part, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(part) is not None:
            part.body = part.body[1:]
    return node


def defines_what_the_package_has(notebook, name):
    """A class or function of the package's name is the package's, docstring aside, unless it is wrong on purpose."""
    trees, found = package_trees(), []
    for i, cell in enumerate(code_cells(notebook), 1):
        if tags(cell) & {"exercise", "broken"}:
            continue
        for node in ast.parse(without_magics(cell.source)).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in trees:
                if ast.dump(bare(node)) != trees[node.name]:
                    found.append(f"code cell {i}: {node.name} is not the package's")
    return found


RULES = [is_stored_executed, has_no_volatile_state, opens_well, has_small_cells, has_sound_exercises, stubs_are_not_needed,
         prints_the_same_everywhere, has_alt_texts, has_plain_headings, errors_are_meant, defines_what_the_package_has]
