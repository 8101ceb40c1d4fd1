"""The teacher's guide: a page for each notebook, with everything a lesson needs, made from what is there."""

import re

import nbformat
import pytest

from unet_course.__main__ import main
from unet_course.classroom.copies import NOTEBOOKS
from unet_course.classroom.guide import (
    expected,
    part_minutes,
    sections,
    wrong_answers,
)
from unet_course.classroom.lessons import PAGES, teachers_folder
from unet_course.exercises import Exercise

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher") / "guide"
    assert main(["teacher", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_page_has_minutes_questions_mistakes_and_answers(path, guide):
    page = (guide / f"{path.stem}.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## (.+)$", page, re.M)
    assert heads == ["Minutes for each section", "Questions to ask the room", "Mistakes to expect", "Answers"]
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| ([^|]*) \|$", page, re.M)
    exercises = sorted(i for i in Exercise.registry if int(i.split(".")[0]) == int(path.name[:2]))
    assert len(rows) >= 4 and sorted(i for row in rows for i in re.findall(r"\d+\.\d+", row[2])) == exercises
    assert str(sum(int(minutes) for _, minutes, _ in rows)) in re.search(r"\*\*Time:\*\* (\d+)", page).group(1)
    questions = page.split("## Questions to ask the room")[1].split("## Mistakes")[0]
    assert questions.count("- **") >= 4 and questions.count("At the end.") >= 3
    mistakes, answers = page.split("## Mistakes to expect")[1].split("\n## Answers")
    for id in exercises:
        table = mistakes.split(f"### {id} ·")[1].split("###")[0]
        assert len(re.findall(r"^\| .{3,} \| .{20,} \|$", table, re.M)) >= 3, id
        assert f"### {id} ·" in answers and f'check("{id}"' in answers


def test_a_mistake_stands_beside_its_hint(guide):
    page = (guide / "02_convolution_block.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| ") and "norm before the last of C" in line)
    assert "What has to come last?" in row
    assert "Traceback" not in page and "/tmp" not in page and " at 0x" not in page


def test_an_answer_that_is_not_refused_after_all_is_named():
    answers = {"0.1": [("a float", 0.5), ("right", lambda p: p.argmax(dim=0)), ("dots", ...)]}
    *_, wrong, right, dots = expected("0.1", answers)
    assert wrong.startswith("| a float |") and "None: the check" not in wrong
    assert right == "| right | *None: the check says 'passed'.* |"
    assert dots == "| dots | *None: the check says 'not attempted'.* |"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_time_that_a_notebook_states_is_that_of_the_guide(path):
    parts = sections(nbformat.read(path, as_version=4))
    stated = int(re.search(r"<!-- time -->(\d+) minutes<!-- /time -->", path.read_text(encoding="utf-8")).group(1))
    assert abs(stated - sum(round(part_minutes(cells)) for _, cells in parts)) <= 5


def test_the_guide_says_how_long_its_sections_take(guide):
    for path in PATHS:
        page = (guide / f"{path.stem}.md").read_text(encoding="utf-8")
        total = sum(round(part_minutes(cells)) for _, cells in sections(nbformat.read(path, as_version=4)))
        assert f"**Time:** {total} minutes with all exercises" in page


def test_the_index_leads_to_every_page(guide):
    text = (guide / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((.+?)\)", text) == [*(f"{path.stem}.md" for path in PATHS), *PAGES]
    assert {path.name for path in guide.iterdir()} == {"README.md", *re.findall(r"\]\((.+?)\)", text)}


def test_a_page_names_the_exercises_of_each_objective(guide):
    page = (guide / "02_convolution_block.md").read_text(encoding="utf-8")
    assert "\n- write `ConvBlock` (2.3)\n" in page


def test_nothing_is_written_over_and_a_bank_is_wanted(guide, tmp_path, capsys):
    with pytest.raises(FileExistsError, match="new or an empty folder"):
        teachers_folder(guide)
    assert main(["teacher", str(guide)]) == 1 and "empty folder" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match="run this in a clone"):
        wrong_answers(tmp_path)
