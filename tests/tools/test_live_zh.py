"""The live page in Chinese: the same page as the English one, with every sentence, and no English left."""

import json
import re

from tools.website import live
from unet_course.own_data.page import PAGE

ENGLISH = (PAGE / "index.html").read_text(encoding="utf-8")
CHINESE = live.CHINESE.read_text(encoding="utf-8")
TEXTS = r'<script type="application/json" id="texts">(.*?)</script>'
STAY = {"Net", "JavaScript", "PNG", "JPEG", "TIFF", "BigTIFF", "MB", "MIT", "Microsoft", "onnxruntime", "web"}


def body(page):
    return re.sub(TEXTS, "", page, flags=re.DOTALL)


def test_it_has_the_same_elements():
    def elements(page):
        tags = re.findall(r"<[^!>][^>]*>", body(page))
        return [re.sub(r'(lang|aria-label|href="\.\./zh)[^>]*|\s+', " ", tag).replace(" >", ">") for tag in tags]
    one, two = elements(ENGLISH), elements(CHINESE)
    assert [tag for tag in one if tag not in two and tag != "<a>"] == [] and len(one) == len(two)


def test_it_has_every_sentence_with_what_is_filled_in():
    one, two = (json.loads(re.search(TEXTS, page, re.DOTALL)[1]) for page in (ENGLISH, CHINESE))
    assert list(one) == list(two)
    assert [name for name in one if sorted(re.findall(r"\{\w+\}", one[name])) != sorted(re.findall(r"\{\w+\}", two[name]))] == []


def test_numbers_are_the_same_and_no_english_is_left():
    def seen(page):
        return re.sub(r"<!--.*?-->|<code>.*?</code>|<[^>]+>", " ", body(page), flags=re.DOTALL)
    numbers = re.compile(r"\d+(?:[.,]\d+)*")
    assert sorted({*numbers.findall(seen(ENGLISH))} - {*numbers.findall(seen(CHINESE))}) == []
    texts = json.loads(re.search(TEXTS, CHINESE, re.DOTALL)[1])
    said = seen(CHINESE) + re.sub(r"\{\w+\}", " ", " ".join(texts.values()))
    assert {*re.findall(r"[A-Za-z]{2,}", said)} - STAY == set()
    assert "[" not in said


def test_the_chinese_first_page_leads_to_it():
    assert "live/zh.html" in live.card(23, "zh") and "live/index.html" in live.card(23, "en")
