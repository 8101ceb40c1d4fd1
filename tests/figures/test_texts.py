"""Numbers behind ≈, and the words and texts of figures."""

import re

import numpy as np
import pytest
import torch

from unet_course.figures import about, images, new_figure, words
from unet_course.figures.texts import alt_text, alt_texts


@pytest.mark.parametrize("value, digits, text", [
    (0.9438, 2, "≈ 0.94"), (131, 0, "≈ 131"), (np.float32(0.5), 1, "≈ 0.5"), (torch.tensor(2.0), 0, "≈ 2"), (-0.001, 2, "≈ -0.001"), (0.047, 1, "≈ 0.05"), (-1e-5, 2, "≈ -1e-05"),
    (0, 2, "≈ 0.00"), (-0.0, 1, "≈ 0.0"), (1e-9, 3, "≈ 1e-09"), (1234567, -3, "≈ 1,235,000"), ([1, 2.5], 1, "≈ [1.0, 2.5]"),
    (torch.tensor([0.25, 1]), 2, "≈ [0.25, 1.00]"), (float("nan"), 2, "≈ nan"), ((), 2, "≈ []")])
def test_about(value, digits, text):
    assert about(value, digits) == text


@pytest.mark.parametrize("value", ["0.9", None, True, [True], {"a": 1}, [[1, 2]]])
def test_what_is_no_number_is_named(value):
    with pytest.raises(TypeError, match="value is .*; wanted a number"):
        about(value)


def test_words_are_the_titles_axes_keys_and_counts():
    figure, axes = new_figure(1, 2, width=6, height=3)
    axes[0, 0].plot([0, 1], [0, 1], label="one")
    axes[0, 0].plot([0, 1], [0, 1], label="two\nlines")
    axes[0, 0].set(title="Loss\nof both", xlabel="step", ylabel="loss")
    axes[0, 0].legend()
    axes[0, 1].imshow(np.zeros((2, 2)))
    figure.suptitle("All")
    assert words(figure) == ("600 × 300 pixels\nAll\nLoss of both | across: step | up: loss | key: one, two lines | 2 lines\n1 image")


def test_a_key_of_the_figure_is_among_its_words():
    figure = images([np.zeros((4, 4, 3))] * 2, ["a", "b"], key="errors")
    assert words(figure).splitlines()[-1] == "key: right, missed, invented"
    assert words(images([np.zeros((4, 4))], ["a"], key="classes")).endswith("key: boundary, interior")


def test_every_text_is_filled_in_and_has_no_field_that_nobody_gives():
    assert {"00", "02", "06"} <= set(alt_texts())
    for notebook, texts in alt_texts().items():
        for name in texts:
            assert len(alt_text(f"{notebook}.{name}", {})) >= 20, name


def test_every_text_is_there_in_chinese_with_the_same_numbers(monkeypatch):
    monkeypatch.setattr("unet_course.figures.texts._now", {"name": "zh"})
    english, chinese = alt_texts("en"), alt_texts("zh")
    assert {key: list(texts) for key, texts in english.items()} == {key: list(texts) for key, texts in chinese.items()}
    same = {}
    for number, texts in english.items():
        for name, text in texts.items():
            told = alt_text(f"{number}.{name}", {})
            assert re.search("[\u4e00-\u9fff]", told) and told == chinese[number][name] and "  " not in told, (number, name)
            missing = set(re.findall(r"\d+(?:[.,]\d+)*", text)) - set(re.findall(r"\d+(?:[.,]\d+)*", told))
            assert not missing, (number, name, missing)
            assert same.setdefault(text, told) == told, (number, name)  # one text says one thing


def test_a_field_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("unet_course.figures.texts.alt_texts", lambda name: {"02": {"a": "It finds {found}."}})
    assert alt_text("02.a", {"found": "≈ 131"}) == "It finds ≈ 131."
    with pytest.raises(ValueError, match="the text '02.a' needs found"):
        alt_text("02.a", {})
