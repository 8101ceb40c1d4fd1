"""Every notebook keeps the rules of `anatomy.py`, and every rule can fail."""

import copy
from pathlib import Path

import nbformat
import pytest

from tests.course import anatomy
from tools.website.address import titled

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
NAMES = [p.name for p in NOTEBOOKS]


@pytest.mark.parametrize("rule", anatomy.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rule(path, rule):
    assert rule(nbformat.read(path, as_version=4), path.name) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_closes_with_recap_questions_and_link(path):
    assert anatomy.closes_well(nbformat.read(path, as_version=4), path.name, NAMES) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid(path):
    nbformat.validate(nbformat.read(path, as_version=4))


def test_as_many_definitions_are_compared_as_there_are():
    """A guard that looks in the wrong folder compares nothing and says nothing, so it is counted."""
    notebooks = [nbformat.read(path, as_version=4) for path in NOTEBOOKS]
    assert sum(len(list(anatomy.compared_definitions(notebook))) for notebook in notebooks) == 49


def test_notebooks_are_numbered_without_a_gap():
    assert len(NAMES) >= 9 and [n[:2] for n in NAMES] == [f"{i:02}" for i in range(len(NAMES))]


def spoil_counts(nb):
    anatomy.code_cells(nb)[1].execution_count = None


def spoil_stderr(nb):
    anatomy.code_cells(nb)[1].outputs = [nbformat.v4.new_output("stream", name="stderr", text="Warning")]


def spoil_badge(nb):
    nb.cells[0].source = titled(nb.cells[0].source, "somebody/else", "02_convolution_block.ipynb")


def spoil_size(nb):
    anatomy.code_cells(nb)[1].source += "\n" * 21


def spoil_reason(nb):
    spoil_size(nb)
    anatomy.code_cells(nb)[1].metadata["tags"] = ["long: so be it"]


def spoil_stale_reason(nb):
    anatomy.code_cells(nb)[1].metadata["tags"] = ["long: the class is one piece"]


def spoil_solution(nb):
    nb.cells = [c for c in nb.cells if "solution" not in anatomy.tags(c)]


def spoil_hint(notebook):
    cell = next(cell for cell in notebook.cells if "Hint 2" in cell.source)
    cell.source = cell.source.replace("Hint 2", "Hint")


def spoil_fold(nb):
    next(c for c in nb.cells if "solution" in anatomy.tags(c)).metadata.pop("cellView")


def spoil_stub(nb):
    nb.cells.insert(-1, nbformat.v4.new_code_cell("MyConvBlock(1, 2)"))


def spoil_path(nb):
    anatomy.code_cells(nb)[1].outputs = [nbformat.v4.new_output("stream", name="stdout", text="/home/me/x")]


def spoil_windows_path(nb):
    anatomy.code_cells(nb)[1].outputs = [nbformat.v4.new_output("stream", name="stdout", text="C:\\Users\\me")]


def spoil_alt(nb):
    next(o for c in anatomy.code_cells(nb) for o in c.outputs if "image/png" in o.get("data", {})).metadata = {}


def say(text):
    """Something that spoils a notebook by one more cell of prose, beside a cell that prints 0.93 and says False of 0.5."""

    def spoil(nb):
        cell = anatomy.code_cells(nb)[2]
        cell.metadata["tags"], cell.outputs = ["proves: it"], [nbformat.v4.new_output("stream", text="Dice 0.931\nabove 0.5: False")]
        nb.cells.append(nbformat.v4.new_markdown_cell(text))

    spoil.__name__ = f"say {text}"
    return spoil


def spoil_output(nb):
    anatomy.code_cells(nb)[1].outputs = [nbformat.v4.new_output("stream", text="x" * 1_500_000)]


def spoil_cell(nb):
    nb.cells[3].source = "End of a section.\n\n## The next"
    nb.cells[3].cell_type = "markdown"


def spoil_heading(nb):
    next(c for c in nb.cells[1:] if c.cell_type == "markdown").source = "## Great!"


def spoil_error(nb):
    anatomy.code_cells(nb)[1].metadata["tags"] = ["raises-exception"]


def spoil_definition(nb):
    cell = next(c for c in nb.cells if "class ConvBlock" in c.source)
    cell.source = cell.source.replace("bias=not norm", "bias=True")


def printing(line, output=None, source=None):
    """Something that spoils a notebook by a cell that prints a line, or has another source."""

    def spoil(nb):
        cell = nbformat.v4.new_code_cell(source or f"print({line!r})", execution_count=1,
                                         outputs=[nbformat.v4.new_output("stream", text=line + "\n")])
        nb.cells.insert(4, cell)

    spoil.__name__ = f"print {source or line}"
    return spoil


def tagged(tag, text="≈ 0.94"):
    def spoil(nb):
        nb.cells.insert(4, nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text=text)], metadata={"tags": [tag]}))

    spoil.__name__ = f"tag {tag}"
    return spoil


def with_guess(nb, change):
    cell = next(c for c in nb.cells if c.source.startswith("guess("))
    cell.source = change(cell.source)


def spoil_guess_made(nb):
    with_guess(nb, lambda source: source.replace("...", "4"))


def spoil_guess_of_another(nb):
    with_guess(nb, lambda source: source.replace("02-", "03-"))


def spoil_guess_unrevealed(nb):
    cell = next(c for c in nb.cells if "reveal(" in c.source and "tags" in c.metadata or "reveal(" in c.source)
    cell.source = "1"


def spoil_guess_twice(nb):
    index = next(i for i, c in enumerate(nb.cells) if c.source.startswith("guess("))
    nb.cells.insert(index, nbformat.v4.new_code_cell('guess("02-z", ...)'))


def spoil_answer_in_prose(nb):
    nb.cells.insert(3, nbformat.v4.new_markdown_cell("There are 4,608 of them."))


def spoil_answer_in_a_title(nb):
    nb.cells.insert(3, nbformat.v4.new_code_cell('title = "4608 weights"'))


def spoil_answer_in_an_alt_text(nb):
    nb.cells.insert(3, nbformat.v4.new_code_cell('show(figure, "06.hearts")'))
    cell = next(c for c in nb.cells if c.source.startswith('print("weight.shape:"') or "02-b" in c.source and "reveal" in c.source)
    cell.outputs = [nbformat.v4.new_output("stream", text="Guess 02-b: you made none. It is 150.\n")]


def spoil_setup(nb):
    anatomy.code_cells(nb)[0].metadata.pop("cellView")


def spoil_day(nb):
    anatomy.code_cells(nb)[1].source = "1"


def spoil_map(nb):
    nb.cells = [c for c in nb.cells if "course_map(" not in c.source or "import" in c.source]


def spoil_mine(nb):
    nb.cells.append(nbformat.v4.new_code_cell('mine("2.99", ConvBlock)'))


def spoil_mine_too_early(nb):
    nb.cells.insert(3, nbformat.v4.new_code_cell('mine("2.3", ConvBlock)'))


def spoil_key(nb):
    cell = next(c for c in nb.cells if '"02.border"' in c.source)
    cell.source = cell.source.replace("02.border", "02.nowhere")


def spoil_key_twice(nb):
    nb.cells.append(nbformat.v4.new_code_cell('show(figure, "02.border")'))


def spoil_alt_in_code(nb):
    nb.cells.append(nbformat.v4.new_code_cell('show(figure, alt="nuclei with rims")'))


def picture(nb):
    return next(o for c in anatomy.code_cells(nb)[2:] for o in c.outputs if "image/png" in o.get("data", {}))


def spoil_words(nb):
    picture(nb).data["text/plain"] = "[figure] nuclei"


def spoil_weight(nb):
    picture(nb).data["image/png"] = "A" * 250_000


def spoil_weight_of_a_lab(nb):
    cell = next(cell for cell in anatomy.code_cells(nb) if "_lab(" in cell.source)
    next(o for o in cell.outputs if "image/png" in o.get("data", {})).data["image/png"] = "A" * 250_000


SPOILED = {
    anatomy.is_stored_executed: [spoil_counts], anatomy.has_no_volatile_state: [spoil_stderr],
    anatomy.opens_well: [spoil_badge, spoil_setup, spoil_day, spoil_map], anatomy.has_small_cells: [spoil_size, spoil_reason, spoil_stale_reason],
    anatomy.has_sound_exercises: [spoil_solution, spoil_fold, spoil_hint], anatomy.stubs_are_not_needed: [spoil_stub],
    anatomy.prints_the_same_everywhere: [spoil_path, spoil_windows_path, printing("31 ms"), printing("  0%|   | 0/9")],
    anatomy.has_alt_texts: [
        spoil_alt, spoil_key, spoil_key_twice, spoil_alt_in_code, spoil_words, spoil_weight, spoil_weight_of_a_lab, say("![](u.png)"), say("![u.png](u.png)"), say("<img src='u.png'>"), say('<img alt="" src="u.png">')],
    anatomy.has_headings_in_order: [say("# Another title"), say("#### Too deep")],
    anatomy.has_plain_headings: [spoil_heading], anatomy.begins_a_cell_with_each_heading: [spoil_cell], anatomy.has_light_outputs: [spoil_output], anatomy.errors_are_meant: [spoil_error],
    anatomy.defines_what_the_package_has: [spoil_definition],
    anatomy.has_proven_numbers: [say("Dice is 0.5.")],
    anatomy.prints_no_verdicts: [
        printing("Dice above 0.9: True"), printing("more than half: yes"), printing("within 0.1: holds."), printing("at least 3, ✓"),
        printing("", source="print('Dice', dice > 0.9)"), printing("", source="good = dice > 0.9\nprint(good)"),
        printing("", source="print('ok' if dice > 0.9 else 'no')"), printing("", source="(features >= 0).all()"),
        printing("", source="print(f'{loss < 0.1}')"), printing("", source="bool(a < b < c)")],
    anatomy.asks_fair_guesses: [
        spoil_guess_made, spoil_guess_of_another, spoil_guess_unrevealed, spoil_guess_twice, spoil_answer_in_prose,
        spoil_answer_in_a_title, spoil_answer_in_an_alt_text],
    anatomy.runs_what_learners_write: [spoil_mine, spoil_mine_too_early],
    anatomy.tags_can_be_read: [tagged("tolerance: much"), tagged("tolerance: 0.1", "0.94"), tagged("order: a and"), tagged("order: a")],
}


@pytest.mark.parametrize("source", ["print((x > 0.5).sum())", "print([v for v in values if v > 3])", "print(x[x > 0].shape)", "a = b > c",
                                    "print(torch.equal(a, b), a == b)", "print(max(a, b))", "if a > b:\n    print(a)", "print(sum(v > 3 for v in x))"])
def test_what_is_counted_or_exact_is_no_verdict(source):
    assert list(anatomy.verdicts(anatomy.ast.parse(source))) == []


@pytest.mark.parametrize("text, wrong", [
    ("Dice 0.5", "0.5 has no mark"), ("5 % are lost", "5 has no mark"), ("Of 4096 pixels", "4096 has no mark"),
    ("3 million", "3 has no mark"), ("Dice 0.94<!-- is it -->", "0.94 is not in the output"),
    ("Above 0.5<!-- is it -->", "0.5 is not in the output"), ("0.93<!-- is other -->", "no cell has the tag"),
    ("`0.93`<!-- is it -->", "does not follow a number"), ("65,535<!-- is given -->", "without a reason")])
def test_a_number_that_nothing_proves_is_named(text, wrong):
    notebook = nbformat.read(next(p for p in NOTEBOOKS if p.name.startswith("02")), as_version=4)
    say(f"Dice is 0.93<!-- is it -->. {text}.")(notebook)
    (found,) = anatomy.has_proven_numbers(notebook, "")
    assert wrong in found


def test_a_cell_that_proves_nothing_is_named():
    notebook = nbformat.read(next(p for p in NOTEBOOKS if p.name.startswith("02")), as_version=4)
    say("Nothing said.")(notebook)
    assert anatomy.has_proven_numbers(notebook, "") == ["no number is proved by the cell 'proves: it'"]


def test_prose_may_differ_from_a_moving_number_by_its_tolerance():
    for tags, wanted in ((["proves: it", "tolerance: 0.1"], 0), (["proves: it"], 1)):
        notebook = nbformat.read(next(p for p in NOTEBOOKS if p.name.startswith("03")), as_version=4)
        say("It is 0.93<!-- is it -->, then 0.85<!-- is it -->.")(notebook)
        cell = anatomy.code_cells(notebook)[2]
        cell.metadata["tags"], cell.outputs = tags, [nbformat.v4.new_output("stream", text="Dice ≈ 0.93")]
        assert len(anatomy.has_proven_numbers(notebook, "")) == wanted


def test_marked_numbers_are_let_through():
    path = next(p for p in NOTEBOOKS if p.name.startswith("02"))
    for text in ("Dice 0.93<!-- is it --> of 2015, `0.5`, $0.5$ and again 0.93.", "93 of 100<!-- is it -->, 93.1 %<!-- is it -->.",
                 "16 bits: 65,535<!-- is given: 16 bits -->; 0.93<!-- is it -->.\n\n### Exercise 2.9\n\nOf 1000 take 0.5."):
        notebook = nbformat.read(path, as_version=4)
        say(text)(notebook)
        assert anatomy.has_proven_numbers(notebook, path.name) == []


@pytest.mark.parametrize("rule, spoil", [(r, s) for r in anatomy.RULES for s in SPOILED[r]], ids=lambda f: f.__name__)
def test_rule_can_fail(rule, spoil):
    path = next(p for p in NOTEBOOKS if p.name.startswith("02"))
    notebook = copy.deepcopy(nbformat.read(path, as_version=4))
    spoil(notebook)
    assert rule(notebook, path.name) != []
