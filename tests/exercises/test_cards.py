"""What a card says: a solution is no success, a learner sees how far they are, an error its line."""

import html
import linecache
import re

import numpy as np
import pytest
import torch
from torch import nn

from unet_course import ConvBlock, check
from unet_course.exercises import Exercise, core, values

SWITCH = "UNET_COURSE_PROGRESS"


def dice(prediction, target):
    areas = prediction.sum() + target.sum()
    return 2 * (prediction & target).sum() / areas if areas else 1.0


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(SWITCH, str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


@pytest.fixture
def cell(monkeypatch):
    """A function that runs a notebook's cell, and gives what it calls `report`."""
    import IPython

    names = {"check": check, "dice": dice}

    class Shell:
        user_ns = names

    def run(source):
        file = f"/tmp/ipykernel_7/{abs(hash(source))}.py"
        monkeypatch.setitem(linecache.cache, file, (0, None, source.splitlines(True), file))
        exec(compile(source, file, "exec"), names)
        return names["report"]

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    return run


def div(colour, text):
    style = f"border-left: 6px solid {colour}; padding: 0.4em 0.8em; font-size: 1.05em"
    return f'<div role="status" style="{style}">{text}</div>'


# --- without progress: what is stored in the notebooks ---


def test_cards_that_are_stored():
    """Character by character: they stand in the notebooks, which are compared."""
    assert check("7.1", dice)._repr_html_() == div("#117733", "Exercise 7.1 (Dice): passed.")
    assert check("7.1")._repr_html_() == div("#666666", "Exercise 7.1 (Dice): not attempted yet.")
    report = check("7.1", lambda p, t: None)
    assert report._repr_html_() == div(
        "#B35A00",
        "Exercise 7.1 (Dice): not yet.<br>  Your code gives back nothing (None). Is there a "
        f"return at the end?<br>  (This is the first of {len(report.hints)} things to mend.)",
    )


def test_the_card_of_a_solution_is_folded_and_neutral(cell):
    report = cell('# @title Solution\nreport = check("7.1", dice)')
    assert report._repr_html_() == div(
        "#666666",
        "<details><summary>Exercise 7.1: the solution passes</summary><br>"
        "Exercise 7.1 (Dice): passed.</details>",
    )
    assert str(report) == "Exercise 7.1 (Dice): passed." and report.require() is None
    fails = cell('# @title Solution\nreport = check("7.1", lambda p, t: 17)')
    assert "<details>" not in fails._repr_html_()  # it is no secret
    report = cell('report = check("7.1", dice)')
    assert report._repr_html_() == div("#117733", "Exercise 7.1 (Dice): passed.")


def test_on_a_page_without_style_a_card_is_still_a_sentence(cell):
    """As on GitHub, which takes away every attribute and leaves folds and line ends."""
    def lines(report):
        page = re.sub("(<[a-z]+)[^>]*>", r"\1>", report._repr_html_())
        assert set(re.findall("</?([a-z]+)", page)) <= {"div", "br", "details", "summary"}
        return [html.unescape(re.sub("<[^>]*>", "", line)).strip()
                for line in page.split("<br>")]

    assert lines(check("7.1")) == ["Exercise 7.1 (Dice): not attempted yet."]
    assert lines(check("7.1", dice)) == ["Exercise 7.1 (Dice): passed."]
    first, hint, more = lines(check("7.1", lambda p, t: None))
    assert first == "Exercise 7.1 (Dice): not yet." and hint.endswith("at the end?")
    assert re.fullmatch(r"\(This is the first of \d+ things to mend\.\)", more)
    folded = cell('# @title Solution\nreport = check("7.1", dice)')
    assert lines(folded) == ["Exercise 7.1: the solution passes", "Exercise 7.1 (Dice): passed."]


# --- with progress ---


def notebook(number):
    return [id for id in sorted(Exercise.registry, key=core.place) if core.place(id)[0] == number]


def test_a_passed_card_counts_and_names_the_next(file, monkeypatch):
    for behaviour in [e for id in notebook(7) for e in [Exercise.registry[id]]]:
        monkeypatch.setattr(
            behaviour, "behaviours", behaviour.behaviours[:0]
        )  # whatever is handed in passes
    ids = notebook(7)
    title = {id: Exercise.registry[id].title for id in ids}
    report = check(ids[1], 1)
    assert report._repr_html_() == div(
        "#117733",
        html.escape(f"Exercise {ids[1]} ({title[ids[1]]}): passed.") + f"<br>1 of {len(ids)} in "
        f"this notebook. Next: {ids[2]} ({html.escape(title[ids[2]])}).",
    )
    for id in ids[2:]:
        report = check(id, 1)
    assert (
        f"{len(ids) - 1} of {len(ids)} in this notebook. Next: {ids[0]} (" in report._repr_html_()
    )  # the one left out
    report = check(ids[0], 1)
    assert (
        f"{len(ids)} of {len(ids)} in this notebook. That is all of them." in report._repr_html_()
    )
    assert str(report) == repr(report) == f"Exercise {ids[0]} ({title[ids[0]]}): passed."


def test_other_cards_do_not_count(file, cell):
    for report in (check("7.1"), check("7.1", lambda p, t: 17), check("77.1", 1)):
        assert report.standing == "" and "in this notebook" not in report._repr_html_()
    report = cell('# @title Solution\nreport = check("7.1", dice)')
    assert "in this notebook" not in report._repr_html_() and not file.exists()
    assert "in this notebook" in cell('report = check("7.1", dice)')._repr_html_()


def test_the_order_is_that_of_numbers():
    assert core.place("9.10") > core.place("9.9") and notebook(9)[-1] == max(
        notebook(9), key=core.place
    )
    assert [e.id for e in Exercise.registry["7.1"].neighbours()] == notebook(7)
    known = sorted(Exercise.registry, key=core.place)
    assert f"They go from 0.1 to {known[-1]}:" in check("no number").hints[0]


@pytest.mark.parametrize(
    "number, near",
    [
        ("4.22", "4.2"),
        ("4,2", "4.2"),
        ("42", "4.2"),
        (" 4.2", "4.2"),
        ("04.2", None),
        ("4.99", None),
        ("9.99", "9.9"),
        ("99.9", None),
        ("", None),
        ("x", None),
    ],
)
def test_an_unknown_number_suggests_the_nearest(number, near):
    hint = check(number).hints[0]
    assert ("Did you mean" in hint) == (near is not None)
    assert near is None or hint.startswith(f"There is no exercise {number!r}. Did you mean {near}? Its notebook has ")


# --- an error and its line ---


def from_a_cell(source, name="/tmp/ipykernel_7/77.py"):
    """What a notebook's cell defines as `answer`."""
    space = {"torch": torch, "nn": nn}
    exec(compile(source, name, "exec"), space)
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    return space["answer"]


def test_an_error_says_its_line():
    answer = from_a_cell(
        "# mine\ndef answer(prediction, target):\n    x = prediction.sum()\n"
        "    x = pool(x)\n    return x\n"
    )
    assert check("7.1", answer).hints[0] == (
        "Your answer stopped with NameError: name 'pool' is not defined (line 4 of your answer: "
        "`x = pool(x)`)"
    )


def test_the_innermost_line_is_said_and_none_of_torch():
    answer = from_a_cell(
        "class answer(nn.Module):\n    def __init__(self, i, o, **options):\n"
        "        super().__init__()\n        self.layer = nn.Conv2d(i + 1, o, 3)\n"
        "    def forward(self, x):\n        return self.layer(x)\n"
    )
    hint = check("2.3", answer).hints[0]
    assert (
        hint.startswith("Your answer stopped with RuntimeError: ")
        and "(line 6 of your answer: `return self.layer(x)`)" in hint
    )


def test_a_line_that_nobody_kept_is_said_by_its_number():
    space = {}
    exec("def answer(*arguments):\n    return 1 / 0\n", space)
    assert check("7.1", space["answer"]).hints[0].endswith("(line 2 of your answer)")


def test_a_question_follows_the_line():
    answer = from_a_cell("def answer(drawn):\n    return drawn.no_such_thing\n")
    with pytest.raises(core.Hint) as raised, core.asking("And why is that?"):
        answer(torch.zeros(1))
    assert str(raised.value).endswith(
        "(line 2 of your answer: `return drawn.no_such_thing`). And why is that?"
    )


@pytest.fixture
def exercise(monkeypatch):
    """An exercise whose check stumbles over what comes, in the package's own name."""
    monkeypatch.setattr(Exercise, "registry", dict(Exercise.registry))
    made = Exercise("99.1", "Stumbles", "write")
    source = (
        "def adds(answer):\n    got = call(answer, 1)\n    got + torch.zeros(5, 7)\n"
        "def only_adds(answer):\n    answer + torch.zeros(5, 7)\n"
        "def names(answer):\n    call(answer, 1, norm=True)\n"
    )
    space = {"torch": torch, "call": values.call}
    exec(compile(source, core.__file__, "exec"), space)
    return made, space


@pytest.mark.parametrize(
    "came, words",
    [
        (torch.zeros(3, 4), "a Tensor of shape 3×4, dtype float32"),
        (torch.tensor(True).new_zeros(2, dtype=torch.int64), "of shape 2, dtype int64"),
        ("five", "'five'"),
        ([torch.zeros(50, 50)] * 3, "something of type list, 3 of them"),
        ((i for i in ()), "something of type generator"),
        (torch.zeros(3, requires_grad=True).sum().repeat(9), "of shape 9"),
        (np.zeros((2, 3), dtype=complex), "an array of shape 2×3, dtype complex128"),
    ],
)
def test_an_error_of_the_check_is_not_the_answers(exercise, came, words):
    made, space = exercise
    made.behaviours = [space["adds"]]
    hint = check("99.1", lambda x: came).hints[0]
    assert (
        hint.startswith("Your answer gave back ") and "stopped" not in hint and "(line" not in hint
    )
    assert words in hint and hint.endswith("Which type and shape does the exercise ask for?")
    made.behaviours = [space["only_adds"]]
    hint = check("99.1", came).hints[0]
    assert hint.startswith("Your answer is ") and "stopped" not in hint and words in hint


def test_the_question_of_the_check_comes_instead_of_the_usual_one():
    error = None
    try:
        len(core.place(17))
    except AttributeError as caught:
        error = caught.with_traceback(caught.__traceback__.tb_next)
    assert core.stopped(error, "And why?").endswith(". And why?")
    assert core.stopped(error).endswith("Which type and shape does the exercise ask for?")


def test_of_a_module_it_is_not_said_that_it_came(exercise):
    made, space = exercise
    made.behaviours = [space["adds"]]
    hint = check("99.1", lambda x: nn.Identity()).hints[0]
    assert hint.startswith("The check could not use your answer: TypeError: ")


def test_what_came_in_one_behaviour_is_not_said_of_another(exercise):
    made, space = exercise
    made.behaviours = [space["adds"], space["only_adds"]]
    hints = check("99.1", lambda x: torch.zeros(3)).hints
    assert "of shape 3," in hints[0] and hints[1].startswith(
        "The check could not use your answer: "
    )
    assert core.tried == {}  # and nothing large is kept


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda: 1, "<lambda>() got an unexpected keyword argument 'norm'"),
        (lambda x, y, norm: 1, "<lambda>() missing 1 required positional"),
        (lambda *, norm: 1, "<lambda>() takes 0 positional arguments but 1 positional argument"),
        (object, "takes no arguments"),
        (nn.Identity(), "forward() got an unexpected keyword"),
    ],
)
def test_arguments_that_do_not_fit_are_told(exercise, answer, words):
    made, space = exercise
    made.behaviours = [space["names"]]
    hint = check("99.1", answer).hints[0]
    assert (
        hint.startswith("Your answer cannot be called as the exercise calls it: ") and words in hint
    )
    assert hint.endswith("Which arguments does the exercise name?")


def test_arguments_that_do_not_fit_within_the_answer_are_its_own():
    hint = check("7.1", lambda p, t: dice(p)).hints[0]
    assert hint.startswith("Your answer stopped with TypeError: dice() missing") and re.search(
        r"\(line \d+ of test_cards.py: `hint = ", hint
    )


def test_memory_is_still_told_as_memory():
    def too_much(*arguments):
        raise MemoryError

    assert (
        "GB of memory" in check("7.1", too_much).hints[0]
        and "(line" not in check("7.1", too_much).hints[0]
    )


def test_an_answer_of_the_course_itself_is_none_of_the_learners_lines():
    hint = check("3.3", ConvBlock).hints[0]
    assert "(line" not in hint and "stopped" not in hint
