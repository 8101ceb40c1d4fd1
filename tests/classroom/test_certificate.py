"""The certificate: what it says is what the progress file says, and nothing gets into the page by a name."""

import json
import re
from datetime import date

import pytest

from unet_course.__main__ import main
from unet_course.classroom.certificate import certificate
from unet_course.exercises.listing import exercises_by_notebook


@pytest.fixture
def progress(tmp_path, monkeypatch):
    file = tmp_path / "progress.json"
    monkeypatch.setenv("UNET_COURSE_PROGRESS", str(file))

    def write(*ids):
        file.write_text(json.dumps({"passed": list(ids), "guesses": {"02-c": 90}}), encoding="utf-8")
    return write


def test_it_says_what_was_passed(progress, tmp_path):
    progress("0.1", "2.3", "2.4", "99.1")  # the last one is no exercise
    out = certificate(tmp_path / "mine.html", "Ada Lovelace", today=date(2026, 3, 1))
    text = out.read_text(encoding="utf-8")
    assert "has passed 3 of the" in text and "Ada Lovelace" in text and "2026-03-01" in text
    assert "2.3 Write ConvBlock; 2.4 How far does a value see?" in text and "99.1" not in text
    assert "proves nothing to anybody else" in text
    rows = re.findall(r"<td>(\d\d)</td><td>(\d+) of (\d+)</td>", text)
    assert [(name, int(all)) for name, _, all in rows] == [
        (name, len(ids)) for name, ids in exercises_by_notebook().items()]
    assert sum(int(there) for _, there, _ in rows) == 3
    assert not re.search(r"(src|href|url|@import)\W", text)


def test_it_speaks_chinese(progress, tmp_path, monkeypatch):
    progress("0.1", "2.3", "2.4")
    assert main(["certificate", str(tmp_path / "a.html"), "--language", "zh"]) == 0
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in text and "中的 3 个" in text and "2.3 编写 ConvBlock；2.4 " in text
    seen = re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)
    left = {word for word in re.findall(r"[A-Za-z]{2,}", seen)}
    assert left <= {"Net", "ConvBlock"}
    assert certificate(tmp_path / "b.html").read_text(encoding="utf-8").startswith('<!DOCTYPE html>\n<html lang="en">')  # as before
    monkeypatch.setattr("unet_course.figures.texts._now", {})
    monkeypatch.setenv("UNET_COURSE_LANGUAGE", "zh")
    assert '<html lang="zh-CN">' in certificate(tmp_path / "c.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name, shown", [
    ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"), ("王小明", "王小明"), ("  O'Brien & Sons ", "O&#x27;Brien &amp; Sons"),
    ("{rows}", "{rows}"), ("", '<p class="name"></p>')])
def test_a_name_in_any_writing_is_shown_as_it_is(name, shown, progress, tmp_path):
    progress("0.1")
    text = certificate(tmp_path / "mine.html", name).read_text(encoding="utf-8")
    assert shown in text and "<script" not in text


@pytest.mark.parametrize("name, wrong", [("a\nb", r"name holds '\\n'"), ("a\x1b[1m", "name holds"), ("a" * 81, "name has 81 signs"),
                                         ("\ud800", "name holds")])
def test_a_name_that_cannot_be_printed_is_refused(name, wrong, progress, tmp_path):
    progress("0.1")
    with pytest.raises(ValueError, match=wrong):
        certificate(tmp_path / "mine.html", name)
    assert not (tmp_path / "mine.html").exists()


def test_mistakes_have_one_line_and_leave_nothing(progress, tmp_path, monkeypatch, capsys):
    out = tmp_path / "mine.html"

    def said(*arguments):
        assert main(["certificate", *map(str, arguments)]) == 1
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        return line
    assert "Nothing is passed yet" in said(out) and not out.exists()
    progress("99.1")
    assert "Nothing is passed yet" in said(out)
    progress("0.1")
    assert "ends in .html" in said(tmp_path / "mine.pdf")
    assert main(["certificate", str(out), "--name", "Ada"]) == 0 and "browser" in capsys.readouterr().out
    before = out.read_bytes()
    assert "is there already; give another name" in said(out) and out.read_bytes() == before
    monkeypatch.setenv("UNET_COURSE_PROGRESS", "off")
    assert "No progress is kept here" in said(tmp_path / "another.html")
