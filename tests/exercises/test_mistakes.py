"""What is wrong with an answer, in words, is there in Chinese as well: the teacher's guide shows it."""

import json
import re
from collections import Counter
from pathlib import Path

from unet_course.classroom.guide import wrong_answers
from unet_course.exercises.hints import CHINESE

HERE = Path(__file__).parent
TABLE = json.loads((HERE / "mistakes_zh.json").read_text(encoding="utf-8"))


def test_every_phrase_of_the_banks_has_its_chinese_and_no_other():
    phrases = {what for answers in wrong_answers(HERE).values() for what, _ in answers}
    assert sorted(phrases - TABLE.keys()) == [] and sorted(TABLE.keys() - phrases) == []


def test_the_chinese_is_chinese_and_keeps_numbers_and_names():
    for english, chinese in TABLE.items():
        assert CHINESE.search(chinese) and not re.search("[|\n]", chinese), english
        english_numbers, chinese_numbers = (Counter(re.findall(r"\d+(?:\.\d+)?", text)) for text in (english, chinese))
        assert english_numbers == chinese_numbers, english
        names = set(re.findall("[A-Za-z]{3,}", chinese)) - {"NumPy", "Dense", "Net", "onnx"}
        assert all(name in english for name in names), (english, chinese)


def test_the_table_is_in_order():
    assert list(TABLE) == sorted(TABLE)
