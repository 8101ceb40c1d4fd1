"""The teacher's guide: a page for each notebook, with everything a lesson needs, made from what is there."""

import ast
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from unet_course.__main__ import main
from unet_course.classroom import guide as guide_module
from unet_course.classroom import lessons
from unet_course.classroom.copies import NOTEBOOKS
from unet_course.classroom.guide import (
    answered,
    expected,
    part_minutes,
    sections,
    wrong_answers,
)
from unet_course.classroom.lessons import PAGES, teachers_folder
from unet_course.classroom.objectives import held
from unet_course.classroom.words import say, speaking
from unet_course.exercises import Exercise, language
from unet_course.exercises.hints import CHINESE

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
BANK = NOTEBOOKS.parent / "tests" / "exercises"
SHOWN = "norm before the last of C"


@pytest.fixture(scope="module")
def guides(tmp_path_factory):
    """The guide in both languages, with a few mistakes of each exercise: test_bank.py has all, and their Chinese."""
    folder = tmp_path_factory.mktemp("teacher")
    rows = answered({id: [*answers[:8], *(row for row in answers[8:] if row[0] == SHOWN)]
                     for id, answers in wrong_answers(BANK).items()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guide_module, "answered", lambda _: rows)
        assert main(["teacher", str(folder / "en")]) == 0
        assert main(["teacher", str(folder / "zh"), "--language", "zh"]) == 0
    return folder


@pytest.fixture(scope="module")
def guide(guides):
    return guides / "en"


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
    row = next(line for line in page.splitlines() if line.startswith("| ") and SHOWN in line)
    assert "What has to come last?" in row
    assert "Traceback" not in page and "/tmp" not in page and " at 0x" not in page


def test_an_answer_that_is_not_refused_after_all_is_named():
    answers = {"0.1": [("a float", 0.5), ("right", lambda p: p.argmax(dim=0)), ("dots", ...)]}
    *_, wrong, right, dots = expected(answered(answers)["0.1"])
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


# --- in Chinese ---

NAMES = [*(f"{path.stem}.md" for path in PATHS), "README.md", *PAGES]


def lines_of(text):
    """The lines without code, what a notebook prints, and blank ones."""
    without = re.sub(r"^```.*?^```$", "```", text, flags=re.M | re.S)
    return [line for line in without.splitlines() if line.strip() and not line.startswith("      ")]


def shape(text):
    """Headings, rows with their cells, items, pieces of code, printed lines: what a page is made of."""
    kinds = re.findall(r"^(?:#+ |- |\d\. |```|      |\|.*)", text, re.M)
    return [len(re.findall(r"(?<!\\)\|", kind)) if kind[0] == "|" else kind for kind in kinds]


def numbers(text):
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))


@pytest.fixture
def both(guides, request):
    return [(guides / name / request.param).read_text(encoding="utf-8") for name in ("en", "zh")]


@pytest.mark.parametrize("both", NAMES, indirect=True)
def test_a_chinese_page_has_what_the_english_one_has(both):
    english, chinese = both
    assert shape(chinese) == shape(english)
    assert Counter(re.findall(r"`[^`\n]+`", chinese)) == Counter(re.findall(r"`[^`\n]+`", english))
    assert re.findall(r"\]\(([a-z_0-9]+\.md)\)", chinese) == re.findall(r"\]\(([a-z_0-9]+\.md)\)", english)


@pytest.mark.parametrize("both", [f"{path.stem}.md" for path in PATHS], indirect=True)
def test_a_chinese_page_has_the_numbers_of_the_english_one(both):
    facts = r"^\*\*(?:Time|用时).+|^### \d.+|^\| .+? \|(?: \d+ \| .+ \|$)?"  # of a mistake the answer alone
    english, chinese = (re.findall(facts, text, re.M) for text in both)
    assert [numbers(line) for line in chinese] == [numbers(line) for line in english]
    aims = (re.findall(r"[(（]([\d., 、]+)[)）]$", text.split("\n## ")[0], re.M) for text in both)
    assert len({str([numbers(ids) for ids in found]) for found in aims}) == 1


@pytest.mark.parametrize("both", ["README.md", *PAGES], indirect=True)
def test_a_chinese_page_of_a_teacher_has_the_numbers_of_the_english_one(both):
    english, chinese = both
    assert numbers(chinese.replace("三千一百万", "31")) == numbers(english)


@pytest.mark.parametrize("both", NAMES, indirect=True)
def test_a_chinese_page_is_chinese(both):
    english, chinese = map(lines_of, both)
    assert [line for line in chinese if not CHINESE.search(line) and "---" not in line
            and not re.fullmatch(r"```|### 7.1 · Dice", line)] == []
    own = {key for key in held("guide_zh") if len(key.split()) > 3 and "{" not in key}
    assert [key for key in own for line in chinese if key in line] == []
    assert not CHINESE.search("".join(english))


def test_all_that_the_guide_says_has_its_chinese_and_nothing_else():
    calls = [node for module in (guide_module, lessons)
             for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
             if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say"]
    wanted = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    wanted |= {*PAGES.values(), *lessons.LEVELS, "classroom", "deeper"}
    wanted |= {path.stem.replace("_", " ") for path in PATHS}
    for plan in held("lessons")["plan"]:
        wanted |= {plan["title"], plan["ends"], *(lesson["say"] for lesson in plan["lesson"])}
    assert wanted == held("guide_zh").keys()
    for english, chinese in held("guide_zh").items():
        assert numbers(english) == numbers(chinese) and english.count("{") == chinese.count("{"), english


def test_the_name_of_a_notebook_is_its_title():
    for path in sorted((NOTEBOOKS / "zh").glob("*.ipynb")):
        first = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0]
        assert first == f"# {held('guide_zh')[path.stem.replace('_', ' ')].replace(' ', ' · ', 1)}"


def test_the_language_from_before_is_spoken_again():
    before = language()
    with pytest.raises(RuntimeError), speaking("zh"):
        assert say("{} minutes", 5) == "5 分钟" and say("not in the table") == "not in the table"
        raise RuntimeError
    assert language() == before


def test_a_cell_that_checks_no_exercise_is_named():
    cell = {"tags": ["exercise"], "source": 'check("2.33", 5)', "type": "code", "words": 0}
    with pytest.raises(ValueError, match='"2.33", and there is no such exercise; the nearest is 2.3'):
        guide_module.ids_in([cell])


def test_another_language_and_a_notebook_cut_otherwise_are_named(tmp_path):
    with pytest.raises(ValueError, match="language is 'fr'"):
        teachers_folder(tmp_path / "guide", language="fr")
    english = nbformat.read(PATHS[2], as_version=4)
    with pytest.raises(ValueError, match="# 01 .* the English one in"):
        sections(nbformat.read(PATHS[1], as_version=4), english)
