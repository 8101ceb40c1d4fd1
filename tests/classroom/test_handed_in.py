"""What a class hands in is found whole: whose it is, which notebook, and what cannot be graded."""

import csv
import os
import zipfile

import pytest

from unet_course.__main__ import main
from unet_course.classroom.copies import NOTEBOOKS
from unet_course.classroom.grading import gradebook, handed_in
from unet_course.classroom.grading.gradebook import Row, grade
from unet_course.classroom.grading.handed_in import look_into, student_in, titles_in, which

TITLES = titles_in()
NAME = "02_convolution_block.ipynb"


@pytest.fixture
def put(tmp_path):
    """Write files into a folder; an archive is {name in it: text}, an empty folder None."""
    top = tmp_path / "in"

    def write(**files):
        for name, content in files.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir()
            elif isinstance(content, dict):
                with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                    for inner, text in content.items():
                        archive.writestr(inner, text)
            else:
                path.write_text(content)
        return top

    return write


@pytest.mark.parametrize(
    "name, number",
    [
        ("group12_02_convolution_block.ipynb", "02"),
        ("12_02_convolution_block.ipynb", "02"),
        ("group12_02_ada.ipynb", "02"),
        ("02-Convolution-Block (1).ipynb", "02"),
        ("02 convolution block ada.IPYNB", "02"),
        ("2024_11_12_the_family.ipynb", "12"),
        ("convolution_block_ada.ipynb", "02"),
        ("03_of_team_07_03_encoder.ipynb", "03"),
        ("02_convolution_block.ipynb.txt", "02"),
        ("98_other.ipynb", "98"),
        ("98_02_ada.ipynb", "02"),
        ("notes.ipynb", ""),
        ("encoder_training.ipynb", ""),
        ("12_02_ada.ipynb", ""),
    ],
)
def test_which_notebook_a_name_says(name, number):
    assert which(name, TITLES) == number


def test_where_the_name_does_not_say_the_exercises_in_it_do(put):
    top = put(
        **{
            "12_02_ada.ipynb": r'{"cells": ["check(\"2.1\", f)", "check( \'2.4\', g)"]}',
            "ben_notes.ipynb": r'{"cells": ["check(\"2.1\", f)", "check(\"3.4\", g)"]}',
        }
    )
    assert {key[1] for key in look_into(top).notebooks} == {"02", ""}


@pytest.mark.parametrize(
    "name, student",
    [
        ("group12_02_convolution_block.ipynb", "group12"),
        ("02_ada.IPYNB", "ada"),
        ("ada lovelace.zip", "ada lovelace"),
        ("02_Convolution Block_Zoë.ipynb.txt", "Zoë"),
        ("02_convolution_block.ipynb", "02_convolution_block"),
    ],
)
def test_whose_it_is(name, student):
    assert student_in(name, TITLES) == student


def test_names_that_moodle_and_canvas_give(put):
    top = put(
        **{
            "Ada Lovelace_123_assignsubmission_file_/02_ada.ipynb": "{}",
            "Ada Lovelace_456_assignsubmission_file_/x.txt": "",
            "Ben Lee_7_assignsubmission_file_02_convolution_block.ipynb": "{}",
            "kimsue_LATE_4711_1234567_02_convolution_block-1.ipynb": "{}",
        }
    )
    found = look_into(top)
    assert sorted(found.notebooks) == [
        ("Ada Lovelace (123)", "02"),
        ("Ben Lee", "02"),
        ("kimsue", "02"),
    ]
    assert found.ids == {"kimsue": "4711"} and list(found.problems) == ["Ada Lovelace (456)"]


def test_every_student_and_every_file_is_reported(put, tmp_path):
    top = put(
        **{
            "02_ada.IPYNB": "{}",
            "carol/02_convolution_block.ipynb.txt": "{}",
            "carol/data.csv": "",
            "dave/notes.txt": "",
            "eve": None,
            "fay/.ipynb_checkpoints/02_fay.ipynb": "{}",
            "gus/02_x.ipynb": None,
            "hal.html": "",
            "ivy.7z": "",
            "kim.zip": {f"my work/{NAME}": "{}", "__MACOSX/._x.ipynb": ""},
            "lee.zip": {"letter.txt": "sorry"},
            "mo/work.zip": {NAME: "{}"},
            "nan.zip": "no archive",
            ".DS_Store": "",
            "__MACOSX/x": "",
            "Thumbs.db": "",
        }
    )
    found = look_into(top, tmp_path / "place")
    assert sorted(found.notebooks) == [(student, "02") for student in ("ada", "carol", "kim", "mo")]
    assert sorted(found.problems) == ["dave", "eve", "fay", "gus", "hal", "ivy", "lee", "nan"]
    assert "only notes.txt" in found.problems["dave"] and "no file" in found.problems["eve"]
    assert "letter.txt" in found.problems["lee"] and "no zip archive" in found.problems["nan"]
    assert found.others == ["carol: data.csv"]


@pytest.mark.parametrize(
    "name, why",
    [
        ("../../evil.ipynb", "leads out"),
        ("/tmp/evil.ipynb", "leads out"),
        ("C:/evil.ipynb", "leads out"),
        ("a/../../x.ipynb", "leads out"),
    ],
)
def test_an_archive_that_leads_out_is_not_opened(name, why, put, tmp_path):
    found = look_into(put(**{"eve.zip": {name: "{}"}, "02_ada.ipynb": "{}"}), tmp_path / "place")
    assert why in found.problems["eve"] and list(found.notebooks) == [("ada", "02")]
    assert not [path for path in tmp_path.rglob("*evil*")]


def test_an_archive_with_a_link_or_a_bomb_is_not_opened(put, tmp_path, monkeypatch):
    monkeypatch.setattr(handed_in, "ZIP_BYTES", 10**6)
    top = put(
        **{
            "bomb.zip": {NAME: "0" * 10**7},
            "02_ada.ipynb": "{}",
            "in.zip": {"inner.zip": "zip in a zip"},
        }
    )
    link = zipfile.ZipInfo(NAME)
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(top / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    os.symlink("/etc", top / "folder")
    os.symlink(top / "bomb.zip", top / "other.zip")
    found = look_into(top, tmp_path / "place")
    assert "wanted at most" in found.problems["bomb"] and "a link" in found.problems["link"]
    assert list(found.notebooks) == [("ada", "02")] and {"folder", "other", "in"} <= set(
        found.problems
    )


def test_the_archive_of_a_whole_class(put, tmp_path):
    put(
        **{
            "all.zip": {
                "Ada_1_assignsubmission_file_/02_ada.ipynb": "{}",
                "Ben_2_assignsubmission_file_/02_b.ipynb": "{}",
            },
            "packed.zip": {"class/ada/02_a.ipynb": "{}", "class/ben/02_b.ipynb": "{}"},
        }
    )
    for name in ("all", "packed"):
        found = look_into(tmp_path / "in" / f"{name}.zip", tmp_path / name)
        assert [student.lower() for student, _ in sorted(found.notebooks)] == ["ada", "ben"]


def test_who_has_handed_in_nothing_readable_is_in_the_gradebook(put, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        gradebook, "grade_one", lambda student, *a: [Row(student, "2.1", "passed", 10, 10)]
    )
    top = put(
        **{
            "02_ada.ipynb": "{}",
            "bob.zip": "no",
            "carol/02_c.ipynb.txt": "{}",
            "dave/notes.txt": "",
            "eve/notes.ipynb": "{}",
        }
    )
    assert main(["grade", str(top), "--out", str(top / "grades.csv")]) == 0
    assert (
        main(["grade", str(top), "--out", str(top / "grades.csv")]) == 0
    )  # the table of before is nobody's work
    with (top / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        table = {line["student"]: line for line in csv.DictReader(file)}
    assert {student: line["status"] for student, line in table.items()} == {
        "ada": "passed",
        "bob": "unreadable",
        "carol": "passed",
        "dave": "unreadable",
        "eve": "unreadable",
    }
    assert "which notebook it is" in table["eve"]["hint"]
    said = capsys.readouterr().out
    assert (
        "dave: there is no notebook (.ipynb): only notes.txt" in said
        and "look at 3 of its rows yourself" in said
    )


def test_a_folder_without_submissions_is_named_and_nothing_written(put, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is notes.txt"):
        grade(put(**{"notes.txt": ""}), tmp_path / "grades.csv")
    assert not (tmp_path / "grades.csv").exists()


def test_files_of_the_course_that_a_notebook_has_written_over_end_the_grading(
    put, tmp_path, monkeypatch
):
    class Ended:
        limits, stdout, stderr, why = ("seconds",), "", "", "was stopped"

    def overwrites(*arguments, **options):
        (tmp_path / "package" / "core.py").write_text("def check(*a): ...")
        return Ended

    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "core.py").write_text("the course")
    monkeypatch.setattr(gradebook, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(gradebook, "run_limited", overwrites)
    path = put(**{NAME: "{}"}) / NAME
    with pytest.raises(RuntimeError, match="written over files of the course"):
        gradebook.grade_one("eve", path, NOTEBOOKS / NAME, 1, dict(memory=1))
    assert {
        row.status for row in gradebook.grade_one("ada", path, NOTEBOOKS / NAME, 1, dict(memory=1))
    } == {"stopped"}
