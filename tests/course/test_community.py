"""What lets a community carry the course: how to contribute, forms, how to cite it, a paper."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
import yaml

from tests.course.test_repository import files
from unet_course.__main__ import main

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]*.yml"))
NOTEBOOKS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
PAPER = ROOT / "book" / "paper"


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


# --- how to contribute ---


def test_a_notebook_is_changed_in_five_commands():
    section = text("CONTRIBUTING.md").split("## A notebook is changed in five commands")[1]
    commands = section.split("```")[1].strip().splitlines()
    assert len(commands) == 5 and commands[0].startswith("jupytext --to py:percent ")
    assert commands[1].startswith("jupytext --update ") and commands[4] == "python course.py quick"


def test_what_contributing_names_is_there(capsys):
    page = text("CONTRIBUTING.md")
    for module in set(re.findall(r"python -m ([\w.]+)", page)):
        assert importlib.util.find_spec(module), module
    for path in re.findall(r"`((?:unet_course|tests|tools|translations|notebooks|book)/[\w./*-]*)`", page):
        assert list(ROOT.glob(path.rstrip("/"))), path
    for task in re.findall(r"python course\.py (\w+)", page):
        assert f'    "{task}": (' in text("course.py"), task
    with pytest.raises(SystemExit):
        main(["--help"])
    known = capsys.readouterr().out
    assert all(command in known for command in re.findall(r"python -m unet_course (\w+)", page))
    for name in ("LANGUAGES", "of_the_system", "LANGUAGE", "SAY", "FOLDED", "FAULTS", "_scene"):
        assert f"`{name}`" in page
        assert any(re.search(rf"\b{name}\b", text(file)) for file in files()
                   if file.endswith(".py") and file != "tests/course/test_community.py"), name


def test_no_page_of_the_community_shows_an_address_that_is_not_known():
    pages = ["CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", "CITATION.cff", ".zenodo.json", "book/paper/paper.md",
             *(path.relative_to(ROOT).as_posix() for path in FORMS)]
    assert [name for name in pages if "OWNER" in text(name)] == []
    assert len(text("CODE_OF_CONDUCT.md").split()) < 350 and "report" in text("CODE_OF_CONDUCT.md").lower()


# --- issue forms, by GitHub's schema ---

KINDS = {"markdown": {"value"}, "input": {"label"}, "textarea": {"label"}, "dropdown": {"label", "options"},
         "checkboxes": {"label", "options"}}


def faults(form):
    """What GitHub would refuse in an issue form."""
    found = [f"no {key}" for key in ("name", "description", "body") if not form.get(key)]
    ids = [part["id"] for part in form.get("body", []) if "id" in part]
    labels = [part.get("attributes", {}).get("label") for part in form.get("body", []) if part.get("type") != "markdown"]
    found += ["an id is there twice"] * (len(set(ids)) < len(ids))
    found += ["a label is there twice"] * (len(set(labels)) < len(labels))
    for part in form.get("body", []):
        kind, held = part.get("type"), part.get("attributes", {})
        if kind not in KINDS or not KINDS[kind] <= set(held):
            found.append(f"{kind} with {sorted(held)}")
        options = held.get("options", [])
        plain = [one["label"] if kind == "checkboxes" else one for one in options]
        if any(not isinstance(one, str) for one in plain) or len(set(plain)) < len(plain):
            found.append("an option is no text, or there twice")
        if not re.fullmatch(r"[\w-]+", part.get("id", "none")):
            found.append(f"id {part['id']!r}")
    return found + ["nothing to fill in"] * (not labels)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one_that_github_takes(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert faults(form) == []
    for part in form["body"]:
        if part.get("id") == "notebook":
            assert part["attributes"]["options"][: len(NOTEBOOKS)] == NOTEBOOKS


def test_there_are_three_forms_and_room_for_anything_else():
    names = [yaml.safe_load(path.read_text(encoding="utf-8"))["name"] for path in FORMS]
    assert names == ["A notebook fails", "A check is wrong", "A sentence is false"]
    assert yaml.safe_load(text(".github/ISSUE_TEMPLATE/config.yml")) == {"blank_issues_enabled": True}


@pytest.mark.parametrize("form", [
    {"name": "a", "description": "b"}, {"name": "a", "description": "b", "body": [{"type": "markdown", "attributes": {"value": "x"}}]},
    {"name": "a", "description": "b", "body": [{"type": "text", "attributes": {"label": "x"}}]},
    {"name": "a", "description": "b", "body": [{"type": "dropdown", "attributes": {"label": "x", "options": ["1", 2]}}]},
    {"name": "a", "description": "b", "body": 2 * [{"type": "input", "id": "i", "attributes": {"label": "x"}}]}])
def test_a_form_that_github_would_refuse_is_noticed(form):
    assert faults(form) != []


# --- citing, versions ---


def test_citation_zenodo_and_project_say_the_same():
    citation, zenodo = yaml.safe_load(text("CITATION.cff")), json.loads(text(".zenodo.json"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation) and citation["cff-version"] == "1.2.0"
    assert citation["version"] == zenodo["version"] == PROJECT["version"]
    assert citation["title"] == zenodo["title"] and citation["abstract"] == zenodo["description"]
    assert citation["keywords"] == zenodo["keywords"]
    assert citation["license"] == zenodo["license"] == "MIT" in PROJECT["license"]
    authors = [one["name"] for one in PROJECT["authors"]]
    assert [one["name"] for one in citation["authors"]] == [one["name"] for one in zenodo["creators"]] == authors
    assert not {"doi", "identifiers"} & set(citation)  # until there is one


def test_the_changes_know_this_version():
    heads = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.M)
    assert heads[0] == "Unreleased" and re.match(rf"{re.escape(PROJECT['version'])}\b", heads[1])


# --- the paper ---


def test_the_paper_has_what_the_journal_asks_for():
    _, head, body = (PAPER / "paper.md").read_text(encoding="utf-8").split("---\n", 2)
    assert {"title", "tags", "authors", "affiliations", "date", "bibliography"} <= set(yaml.safe_load(head))
    heads = re.findall(r"^# (.+)$", body, re.M)
    assert heads == ["Summary", "Statement of need", "Learning objectives", "Content and instructional design",
                     "Experience of use", "How the course came about", "References"]
    assert "No class has yet worked with this course" in body and 800 < len(body.split()) < 1600
    cited = set(re.findall(r"@(\w+)", body))
    entries = re.findall(r"^@\w+\{(\w+),$", (PAPER / "paper.bib").read_text(encoding="utf-8"), re.M)
    assert cited == set(entries) and len(entries) == len(set(entries))


def test_every_source_of_the_paper_is_one_that_a_notebook_names():
    entries = (PAPER / "paper.bib").read_text(encoding="utf-8").split("\n@")
    notebooks = "".join(text(f"notebooks/{name}.ipynb") for name in NOTEBOOKS)
    for entry in entries:
        mark = re.search(r"(?:eprint|doi) +?= \{(.+?)\}", entry) or re.search(r"url +?= \{(.+?)\}", entry)
        assert mark[1] in notebooks, entry


def test_the_paper_counts_what_is_there():
    from unet_course.classroom.objectives import held
    from unet_course.exercises import Exercise

    body = (PAPER / "paper.md").read_text(encoding="utf-8")
    assert f"There are {len(Exercise.registry)} exercises" in body
    assert f"objectives, {sum(map(len, held('objectives').values()))} in all" in body
