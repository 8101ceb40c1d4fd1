"""The hints in Chinese: none is missing, each is the right one, and no English stays in what a learner is told."""

import html
import re

import nbformat
import pytest

from tests.exercises.chinese import ROWS, TYPED
from tests.exercises.test_bank import WRONG
from tests.pace import soon
from tools.notebooks.translate import HERE, catalogue, hints, paths, retell, table
from tools.notebooks.translations import fill, places
from unet_course import check, language
from unet_course.exercises import (
    Exercise,
    core,
)
from unet_course.exercises.hints import CHINESE, in_chinese, spoken
from unet_course.figures import texts

NASTY = ["(3, 5, 7)", "'it says \"no\" (why?)'", "two\nlines", "-1.5e-3", "[{'a': 1}, (2,)]", "'{}'", "$^.*\\d+"]

# Places where no value of a learner stands, but a word or a number of the check: so the beginning of a text is enough.
ONE_WORD = {"Output {} {} depends": (0, 1, 2), "Your answer stopped ": (0,), "low={} and high={}: ": (0, 1),
            'With up="{}", output': range(9), "Answer {}: {} is non": (0,), "{}×{} pixels, channe": (2,),
            "From 24×32 to {}×{},": (1,), "Images {}, masks {}:": (1,), "{}: {} come twice. H": (0,),
            "{}: {} are seen by n": (0,), "Labels {} in {}: {} ": (1,), "A file {}, {} at eac": (0,),
            "A skip of {}×{}×{}×{": (3,), "something of type {}": (0,), "Next: {} ({}).": (0,), "Guesses in notebook ": (0,),
            "Guess {}: {}": (0,), "Guess {}: {}.": (0,), "Guess {}: {}. Now ru": (0,), "Guess {}: {}. You ha": (0,),
            "Exercise {} ({}): pa": (0, 1), "Exercise {} ({}): no": (0, 1), "Exercise {}: the sol": (0,)}


@pytest.fixture(autouse=True)
def in_the_language_of_the_environment(monkeypatch):
    monkeypatch.setattr(texts, "_now", {})
    for name in ("UNET_COURSE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def chinese():
    language("zh")


def put(text, values):
    """A template with its values, filled in without what is tested here."""
    pieces, order = re.split(r"\{\d*\}", text), places(text)
    return "".join(a + b for a, b in zip(pieces, [*(values[n] for n in order), ""]))


def test_every_hint_of_the_code_is_translated_and_no_other():
    held = [entry for entry in catalogue("hints") if entry.id]
    assert [entry.id for entry in held] == hints()
    assert [entry.id for entry in held if entry.fuzzy or not entry.string] == []


def test_the_catalogue_is_what_the_tool_builds():
    assert (HERE / "unet_course" / "exercises" / "hints_zh.json").read_text(encoding="utf-8") == table()


@pytest.mark.parametrize("english", ROWS)
def test_translation(english):
    chinese = ROWS[english]
    assert chinese == english or CHINESE.search(chinese) or english == "one", chinese
    assert (chinese == english) == (english in TYPED)
    assert sorted(set(places(chinese))) == places(english), "what is filled in"
    assert english.rstrip().endswith("?") == chinese.rstrip().endswith("？"), "a question stays a question"
    for mark in re.findall(r"\w+=\w+|\w+\.\w+(?:\(\w*\))?|\d+×\d+", english):
        assert mark in chinese, mark
    assert "您" not in chinese and not re.search(r"[\u4e00-\u9fff][,;:?!.](?!\w)", chinese), "Chinese marks"


@pytest.mark.parametrize("value", NASTY)
def test_every_hint_is_taken_for_itself_whatever_is_filled_in(value):
    wrong = []
    for english, chinese in ROWS.items():
        number = english.count("{}")
        for place in set(range(number)) - set(ONE_WORD.get(english[:20], ())):
            values = [value if n == place else str(n) for n in range(number)]
            wrong += [(english, place)] * (in_chinese(put(english, values)) != put(chinese, values))
    assert not wrong


def test_what_is_filled_in_keeps_its_place_in_another_order():
    moved = {e: c for e, c in ROWS.items() if "{0}" in c}
    assert moved
    for english, chinese in moved.items():
        values = [f"({10 + n})" for n in range(english.count("{}"))]
        assert in_chinese(put(english, values)) == put(chinese, values)


FIRST = {entry[0]: entry for entry in reversed(WRONG)}.values()


@pytest.mark.parametrize("id, what, answer, behaviour", FIRST, ids=[f"{e[0]} {e[1]}" for e in FIRST])
def test_a_check_says_its_hints_in_the_language_that_was_chosen(id, what, answer, behaviour):
    """Also: the same words each time. The Chinese of each hint is looked at in test_bank.py."""
    english = check(id, answer)
    language("zh")
    report = check(id, answer)
    assert report.status == "hint" and report.failed[0] == behaviour
    assert list(report.hints) == [in_chinese(hint) for hint in english.hints]


def test_a_text_that_is_no_hint_stays_as_it_is(chinese):
    for text in ["", "Nobody says this.", "x. y. z.", "Nobody. says. this?", "已经是中文。"]:
        assert spoken(text) == text


def test_english_is_spoken_unless_chinese_is_asked_for(monkeypatch):
    hint = "Your output has negative values. What comes after the second convolution?"
    assert spoken(hint) == hint
    monkeypatch.setenv("UNET_COURSE_LANGUAGE", "zh")
    assert spoken(hint) == ROWS[hint]
    language("en")
    assert spoken(hint) == hint


@pytest.mark.parametrize("settings, wanted", [
    ({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_SG"}, "zh"), ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
    ({"LANG": "zh_TW.UTF-8"}, "en"), ({"LC_MESSAGES": "de_DE", "LANG": "zh_CN"}, "en"), ({"LANG": ""}, "en"),
    ({"LANG": "zh_CN.UTF-8", "UNET_COURSE_LANGUAGE": "en"}, "en")])
def test_the_language_of_the_system_where_it_is_sure(settings, wanted, monkeypatch):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert language() == wanted


def test_the_first_line_of_a_report_is_the_same_in_both_languages():
    def first_lines():
        return [str(core.Report("4.2", "Write match_size", status, ["…", "…"])).splitlines()[0]
                for status in ("passed", "not attempted", "hint")]
    english = first_lines()
    language("zh")
    assert first_lines() == english and english[0].endswith("passed.") and english[1].endswith("not attempted yet.")


def test_card(chinese):
    report = check("0.1", lambda p: p.argmax(dim=1))
    assert "（要改的共有 2 处，这是第一处。）" in str(report) and "things to mend" not in str(report)
    assert html.escape(report.hints[0]) in report._repr_html_() and "<br>  （要改的共有" in report._repr_html_()


def endless(*arguments):
    while True:
        pass


def test_texts_of_the_guard(chinese, monkeypatch):
    monkeypatch.setattr(Exercise, "try_on", lambda self, answer, plain=Exercise.try_on: plain(self, answer, cpu_seconds=0.2))
    assert check("0.1", endless).hints == [
        "你的答案算了 0.2 秒还没有结束，已被中止。其中哪个循环永远不会结束，或者要遍历的情形太多？"]

    def too_much(*arguments):
        raise MemoryError
    assert check("0.1", too_much).hints[0] == "你的答案要占用超过 4 GB 的内存，已被停止。它的哪个张量比你想的要大？"

    def silent(*arguments):
        raise ArithmeticError
    stopped = check("0.1", silent).hints[0]
    assert stopped.startswith("你的答案在运行时因 ArithmeticError 停下了：没有说明（") and stopped.endswith(" 行：`raise ArithmeticError`）")
    assert check("0.1", None).hints[0] == "你的答案是 None；应为一个函数。请只交函数名，不要加括号。"
    assert check("99.9").hints[0].startswith("没有练习 '99.9'。编号从 0.1 到 14.")


def test_the_words_of_an_error_stay_and_the_question_after_them_is_translated():
    question = "How many channels does each of your layers get, and how many does it give?"
    hint = in_chinese(f"Your answer stopped with TypeError: bad. Got: 1.5. Not: 2. {question}")
    assert hint == f"你的答案在运行时因 TypeError 停下了：bad. Got: 1.5. Not: 2. {ROWS[question]}"


def test_fast_also_where_an_error_has_much_to_say():
    in_chinese("warm up")
    texts = ["Your answer stopped with RuntimeError: " + "wanted a. is, you get: tile " * 40, "x: " * 400, "is; wanted " * 200]
    soon(lambda: [in_chinese(text) for text in texts], 1.5)


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_stored_hints_are_retold_and_all_other_outputs_stay(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            data = dict(output.get("data", {}))
            before = dict(data)
            retell(data)
            plain = before.get("text/plain", "")
            guess, checked = plain.startswith(("Guess 0", "Guess 1", "Guesses in")), plain.startswith("Exercise ")
            assert (data != before) == (guess or checked)
            if guess:
                assert CHINESE.search(data["text/plain"]) and "Guess" not in data["text/plain"]
            elif checked:
                lines = data["text/plain"].split("\n")
                assert lines[0] == before["text/plain"].split("\n")[0] and all(map(CHINESE.search, lines[1:]))
                assert "Exercise" not in data["text/html"] and "练习" in data["text/html"]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_retold_output_is_what_the_check_says_in_chinese(number):
    told = ["Your answer is 'a<b & \"c\"'; wanted a number.", *["Your class makes no nn.Module."] * (number - 1)]

    def stored(hints):
        report = core.Report("2.3", "Write ConvBlock", "hint", hints)
        return {"text/plain": str(report), "text/html": report._repr_html_(), "image/png": "as it is"}
    data = stored(told)
    language("zh")
    retell(data)
    assert data == stored([spoken(hint) for hint in told])


def test_filling_refuses_what_does_not_fit(tmp_path):
    (tmp_path / "translations" / "zh_CN").mkdir(parents=True)
    held = tmp_path / "translations" / "zh_CN" / "hints.po"
    held.write_text('msgid "{} is {}; wanted a number."\nmsgstr ""\n', encoding="utf-8")
    english = "{} is {}; wanted a number."
    fill("hints", {english: "应为一个数，而{0}是 {1}。"}, tmp_path)
    assert catalogue("hints", tmp_path)[english].string == "应为一个数，而{0}是 {1}。"
    for rows in ({english: "{}是一个数。"}, {english: "{0}{0}"}, {english: "{}{}{}"}, {"Unknown.": "不知道。"}):
        with pytest.raises(ValueError, match="fills in|has no text"):
            fill("hints", rows, tmp_path)
