"""Objectives have exercises, plans fit their hours, and a rubric's numbers stand in its notebook."""

import re

import nbformat
import pytest

from unet_course.classroom.copies import NOTEBOOKS
from unet_course.classroom.guide import ids_in, part_minutes, sections
from unet_course.classroom.lessons import (
    LEVELS,
    PAGES,
    lesson_minutes,
    lesson_plans,
    number,
    open_questions,
    sheet,
)
from unet_course.classroom.objectives import TEXTS, held, objectives, promised
from unet_course.exercises import Exercise
from unet_course.exercises.listing import exercises_by_notebook

PATHS = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


@pytest.fixture(scope="module")
def notebooks():
    return {name: nbformat.read(path, as_version=4) for name, path in PATHS.items()}


@pytest.fixture(scope="module")
def parts(notebooks):
    return {name: sections(notebook) for name, notebook in notebooks.items()}


@pytest.mark.parametrize("name", PATHS)
def test_every_objective_has_an_exercise_of_its_notebook(name, notebooks):
    there = exercises_by_notebook()[name[:2]]
    found = objectives(notebooks[name].cells[0].source, name[:2])
    assert len(found) >= 3 and all(set(ids) <= set(there) for _, ids in found)
    assert [key for key, ids in held("objectives")[name[:2]].items() if not ids] == []


def test_every_exercise_serves_an_objective():
    asked = {id for table in held("objectives").values() for ids in table.values() for id in ids}
    assert set(Exercise.registry) == asked
    assert list(held("objectives")) == [name[:2] for name in PATHS]


def test_an_objective_that_was_changed_is_named(notebooks):
    source = notebooks["02_convolution_block"].cells[0].source
    for changed in (source.replace("- write `ConvBlock`;\n", ""), source.replace("- write", "- build")):
        with pytest.raises(ValueError, match="Write there what the cell says"):
            objectives(changed, "02")
    assert promised(source)[3] == "write `ConvBlock`"


# --- lesson plans ---


def test_plans_are_of_3_8_and_20_hours_and_fit():
    assert [plan["hours"] for plan in held("lessons")["plan"]] == [3, 8, 20]


@pytest.mark.parametrize("place", range(3))
def test_the_minutes_of_a_plan_are_those_of_the_guide(place, parts):
    plan = held("lessons")["plan"][place]
    page = re.split(r"^## ", lesson_plans(parts), flags=re.M)[place + 1]
    rows = re.findall(r"^\| \[(\d\d) [^|]+\| ([^|]+) \| ([^|]+) \| (\d+) \|", page, re.M)
    assert len(rows) == len(plan["lesson"])
    total = 0
    for notebook, which, ids, minutes in rows:
        found = parts[next(name for name in PATHS if name.startswith(notebook))]
        chosen = [cells for head, cells in found
                  if which == "all" or head == "Begin" or str(number(head)) in which.split(", ")]
        left_out = {id for cells in chosen for id in ids_in(cells)} - set(ids.split(", "))
        counted = (sum(round(part_minutes(cells)) for cells in chosen)
                   - sum(Exercise.registry[id].minutes for id in left_out))
        assert int(minutes) == counted
        total += counted
    stated = re.search(r"Together (\d+) minutes, (\d+) minutes of breaks, (\d+) left over", page)
    assert int(stated[1]) == total
    assert int(stated[1]) + int(stated[2]) + int(stated[3]) == 60 * plan["hours"]
    assert 0 <= int(stated[3]) <= 0.15 * 60 * plan["hours"]


def test_an_exercise_that_is_in_no_section_of_its_lesson_is_named(parts):
    lesson = {"notebook": "02", "sections": [1], "exercises": ["2.3"]}
    with pytest.raises(ValueError, match="exercise 2.3 is in no section that is taught of notebook 02"):
        lesson_minutes(lesson, parts["02_convolution_block"])


def test_the_sheet_has_a_line_for_each_section(parts):
    text = sheet(parts)
    assert text.count("| | |\n") == sum(map(len, parts.values()))
    assert text.count("\n## ") == len(PATHS)


# --- open questions ---


def test_two_questions_for_each_notebook_with_three_levels(parts):
    table = held("open_questions")
    assert list(table) == [name[:2] for name in PATHS]
    for entries in table.values():
        assert len(entries) == 2
        for entry in entries:
            assert set(entry) == {"question", *LEVELS} and entry["question"].rstrip()[-1] in "?."
            lengths = [len(entry[level].split()) for level in LEVELS]
            assert min(lengths) >= 5 and lengths[0] < lengths[1] and max(lengths) <= 90
    text = open_questions(parts)
    assert text.count("*excellent:*") == 2 * len(PATHS)


def shown(notebook):
    """What a reader of a stored notebook sees as text."""
    said = [re.sub(r"<!--.*?-->", "", cell.source) for cell in notebook.cells]
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            said += [output.get("text", ""), str(output.get("data", {}).get("text/plain", ""))]
    return "\n".join(said)


def numbers_in(text):
    """Numbers that can be wrong: with a point, or of three digits and more."""
    found = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e-\d+)?", text)
    return [n for n in (one.rstrip(",") for one in found) if "." in n or "e" in n or len(n) > 2]


def strange(entry, text):
    """Numbers of a rubric that its notebook does not show. A weak answer may hold any."""
    return [n for key in ("question", "good", "excellent") for n in numbers_in(entry[key])
            if not re.search(rf"(?<![\d.]){re.escape(n)}(?!\d|\.\d)", text)]


@pytest.mark.parametrize("name", PATHS)
def test_the_numbers_of_a_rubric_stand_in_its_notebook(name, notebooks):
    text, known = shown(notebooks[name]), {"1024"}  # a size that a question makes up
    for entry in held("open_questions")[name[:2]]:
        assert [n for n in strange(entry, text) if n not in known] == []


def test_a_number_that_is_not_there_is_noticed():
    entry = {"question": "Why 0.93?", "good": "1,609 and 18", "excellent": "0.9"}
    assert strange(entry, "Dice 0.935, 1,609 pieces, 0.91") == ["0.93", "0.9"]


def test_the_other_pages_are_there():
    for name in PAGES.keys() & {"learners.md", "survey.md"}:
        text = (TEXTS / name).read_text(encoding="utf-8")
        assert text.startswith("# ") and len(text.split()) > 200
        assert set(re.findall(r"\]\((.+?)\)", text)) <= set(PAGES)
