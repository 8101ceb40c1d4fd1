"""A guess is kept, shown beside the answer, and no state of a learner stops the notebook."""

import importlib
import re

import pytest

from unet_course.exercises.guesses import guess, guessed, reveal
from unet_course.figures.texts import language

module = importlib.import_module("unet_course.exercises.guesses")
progress = importlib.import_module("unet_course.exercises.progress")  # its name is also a function's


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Progress in a file of its own, and a kernel in which nothing has been asked."""
    monkeypatch.setenv("UNET_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    for kept in (module._asked, module._told, progress._unwritten):
        kept.clear()
    return tmp_path / "progress.json"


def another_kernel():
    module._asked.clear()
    module._told.clear()


@pytest.mark.parametrize("answer, choices, text", [
    (90, None, "90"), ("90", None, "90"), (" 12 % ", None, "12"), (0.25, None, "0.25"), (13246, None, "13,246"),
    ("More", ["more", "fewer"], "more"), ((3, 4.5), None, "(3, 4.5)"), ([3, 4], None, "(3, 4)")])
def test_a_guess_is_kept_and_said(answer, choices, text):
    assert repr(guess("02-a", answer, choices=choices)) == f"Guess 02-a: {text}. Now run on, and see."
    another_kernel()
    assert repr(guess("02-a", choices=choices)) == f"Guess 02-a: {text}."


@pytest.mark.parametrize("answer, choices", [
    ("many", None), (True, None), (float("nan"), None), (None, None), ({}, None), ((1, 2, 3), None), ("most", ["more", "fewer"]),
    (3, ["more", "fewer"]), (print, None), ([True, 1], None)])
def test_what_is_no_guess_is_said_and_not_kept(answer, choices):
    card = guess("02-a", answer, choices=choices)
    assert "is no number" in repr(card) or "is not among more, fewer" in repr(card)
    assert progress.guesses() == {}


def test_without_a_guess_the_answer_stands_alone():
    assert repr(guess("02-a")) == "Guess 02-a: not made yet."
    card = reveal("02-a", 131.2, digits=0)
    assert repr(card) == "Guess 02-a: you made none. It is ≈ 131." and "svg" not in card._repr_html_()


def test_both_are_shown_beside_each_other():
    guess("02-a", 90)
    card = reveal("02-a", 131, digits=0, unit="nuclei")
    assert repr(card) == "Guess 02-a: you said 90, it is ≈ 131 nuclei."
    assert "you at 90, the answer at 131" in card._repr_html_()
    assert repr(reveal("02-a", 131)) == "Guess 02-a: you said 90, it is 131."


def test_one_of_several_words(monkeypatch):
    monkeypatch.setattr(module, "show", lambda figure, alt: None)
    assert repr(reveal("02-b", {"two", "one"})) == "Guess 02-b: you made none. It is one / two."
    guess("02-a", "one", choices=["one", "two", "three"])
    card = reveal("02-a", {"two", "one"})
    assert repr(card) == "Guess 02-a: you said one, it is one / two." and card.colour == "#117733"
    assert "1 of 1 close" in repr(guessed("02"))


def test_a_word_and_a_place():
    guess("02-a", "more", choices=["more", "fewer"])
    assert repr(reveal("02-a", "fewer")) == "Guess 02-a: you said more, it is fewer."
    guess("02-b", (3, 4))
    assert repr(reveal("02-b", (5, 6))) == "Guess 02-b: you said (3, 4), it is (5, 6)."


def test_a_place_is_drawn_on_its_picture(monkeypatch):
    import numpy as np

    shown = []
    monkeypatch.setattr(module, "show", lambda figure, alt: shown.append((len(figure.axes[0].lines), alt)))
    reveal("02-b", (5, 6), image=np.zeros((9, 9)))
    guess("02-b", (3, 4))
    reveal("02-b", (5, 6), image=np.zeros((9, 9)))
    assert shown == [(2, "The answer is at row 5, column 6; you said row 3, column 4.")]


def test_after_the_answer_a_guess_stays():
    guess("02-a", 90)
    guess("02-a", 100)
    reveal("02-a", 131)
    assert "so this one stays" in repr(guess("02-a", 131)) and progress.guesses() == {"02-a": 100}
    reveal("02-c", 7)
    guess("02-c", 6)  # too late, but the first
    assert progress.guesses()["02-c"] == 6


def test_at_the_end_all_are_counted():
    guess("02-a", 90), guess("02-b"), guess("03-a", 3), guess("02-c", "yes", choices=["yes", "no"])
    assert repr(guessed("02")) == "Guesses in notebook 02: 2 made of 3."
    reveal("02-a", 131, digits=0), reveal("02-b", 1), reveal("02-c", "yes"), reveal("03-a", 3)
    card = guessed("02")
    assert repr(card) == "Guesses in notebook 02: 2 made of 3. 1 of 2 close to the answer."
    assert card.drawing == "<br>○ Guess 02-a: you said 90, it is ≈ 131.<br>● Guess 02-c: you said yes, it is yes."


@pytest.mark.parametrize("state", ["off", "nowhere", "damaged", "home"])
def test_no_state_of_a_learner_stops_a_notebook(state, fresh, monkeypatch, capsys):
    if state == "off":
        monkeypatch.setenv("UNET_COURSE_PROGRESS", "off")
    elif state == "nowhere":
        monkeypatch.setenv("UNET_COURSE_PROGRESS", "/proc/none/progress.json")
    elif state == "damaged":
        fresh.write_text('{"guesses": 7')
    else:
        monkeypatch.delenv("UNET_COURSE_PROGRESS")
        monkeypatch.delenv("CI", raising=False)
        monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    guess("02-a", 90)
    assert repr(reveal("02-a", 131)) == "Guess 02-a: you said 90, it is 131."
    assert "1 made of 1" in repr(guessed("02"))


def test_a_guess_of_another_kind_is_as_none():
    guess("02-a", 3)
    assert repr(reveal("02-a", (1, 2))) == "Guess 02-a: you made none. It is (1, 2)."


def test_in_chinese():
    language("zh")
    try:
        for card in (guess("02-a"), guess("02-a", 90), reveal("02-a", 131), guess("02-b", "x"), guessed("02")):
            assert not set("abcdefghijklmnopqrstuvw") & set(repr(card).replace("02-a", "").replace("02-b", "").lower()), card
    finally:
        language("en")


def test_a_guess_stands_out_on_dark_paper_too():
    for card in (guess("02-a", 90), reveal("02-a", 131)):
        assert "solid currentColor" in card._repr_html_() and card.colour == "currentColor"


def test_without_its_drawing_a_card_keeps_its_words_apart():
    """GitHub takes away style and drawings; some pages leave the words of a drawing."""
    guess("02-a", 90)
    page = reveal("02-a", 131, digits=0)._repr_html_()
    bare = re.sub(r"<svg.*</svg>", "", page.replace("<br>", "\n"))
    assert re.sub("<[^>]*>", "", bare).split("\n") == ["Guess 02-a: you said 90, it is ≈ 131.", ""]
    left = re.sub("<[^>]*>", "", page.replace("<br>", "\n"))
    assert left.split("\n")[1].split() == ["0", "○", "90", "●", "131", "131"]


def test_the_drawing_says_no_more_digits_than_the_words():
    guess("02-a", 45)
    page = reveal("02-a", 43.5438, digits=0, unit="%")._repr_html_()
    assert "● 44<" in page and "43.5" not in page
