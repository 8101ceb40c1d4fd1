"""Every notebook keeps the rules of `anatomy.py`, and every rule can fail."""

import copy
import re
from pathlib import Path

import nbformat
import pytest

from tests import anatomy

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))
NAMES = [p.name for p in NOTEBOOKS]


@pytest.mark.parametrize("rule", anatomy.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rule(path, rule):
    assert rule(nbformat.read(path, as_version=4), path.name) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_closes_with_recap_questions_and_link(path):
    assert anatomy.closes_well(nbformat.read(path, as_version=4), path.name, NAMES) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid_and_its_links_lead_somewhere(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    links = re.findall(r"\]\((?!http)([^)#]+)\)", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_notebooks_are_numbered_without_a_gap():
    assert len(NAMES) >= 9 and [n[:2] for n in NAMES] == [f"{i:02}" for i in range(len(NAMES))]


def spoil_counts(nb):
    anatomy.code_cells(nb)[1].execution_count = None


def spoil_stderr(nb):
    anatomy.code_cells(nb)[1].outputs = [nbformat.v4.new_output("stream", name="stderr", text="Warning")]


def spoil_badge(nb):
    nb.cells[0].source = nb.cells[0].source.replace("02_convolution", "03_convolution")


def spoil_size(nb):
    anatomy.code_cells(nb)[1].source += "\n" * 31


def spoil_solution(nb):
    nb.cells = [c for c in nb.cells if "solution" not in anatomy.tags(c)]


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


def spoil_heading(nb):
    nb.cells[3].source = "## Great!"
    nb.cells[3].cell_type = "markdown"


def spoil_error(nb):
    anatomy.code_cells(nb)[1].metadata["tags"] = ["raises-exception"]


def spoil_definition(nb):
    cell = next(c for c in nb.cells if "class ConvBlock" in c.source)
    cell.source = cell.source.replace("bias=not norm", "bias=True")


SPOILED = {
    anatomy.is_stored_executed: [spoil_counts], anatomy.has_no_volatile_state: [spoil_stderr],
    anatomy.opens_well: [spoil_badge], anatomy.has_small_cells: [spoil_size],
    anatomy.has_sound_exercises: [spoil_solution, spoil_fold], anatomy.stubs_are_not_needed: [spoil_stub],
    anatomy.prints_the_same_everywhere: [spoil_path, spoil_windows_path], anatomy.has_alt_texts: [spoil_alt],
    anatomy.has_plain_headings: [spoil_heading], anatomy.errors_are_meant: [spoil_error],
    anatomy.defines_what_the_package_has: [spoil_definition],
}


@pytest.mark.parametrize("rule, spoil", [(r, s) for r in anatomy.RULES for s in SPOILED[r]], ids=lambda f: f.__name__)
def test_rule_can_fail(rule, spoil):
    path = next(p for p in NOTEBOOKS if p.name.startswith("02"))
    notebook = copy.deepcopy(nbformat.read(path, as_version=4))
    spoil(notebook)
    assert rule(notebook, path.name) != []
