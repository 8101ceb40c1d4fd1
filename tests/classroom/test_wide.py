"""The tables for Moodle and Canvas: who is in them, and what is left to the teacher."""

import csv

import pytest

from unet_course.classroom.grading.gradebook import Row
from unet_course.classroom.grading.wide import read_students, write_wide

POINTS = {"02_convolution_block": 20, "03_encoder": 10, "04_decoder_and_skip_padding": 5}
ROWS = [
    Row("lovelaceada", "2.1", "passed", 15, 15),
    Row("lovelaceada", "2.2", "hint", 0, 5),
    Row("lovelaceada", "3.1", "passed", 10, 10),
    Row("Ben Lee", "2.1", "passed", 15, 15),
    Row("Ben Lee", "2.2", "passed", 5, 5),
    Row("cleo@uni.edu", "2.1", "passed", 15, 15),
    Row("cleo@uni.edu", "2.2", "changed", 0, 5),
    Row("dan", "", "unreadable"),
]
MOODLE = (
    "First name;Last name;ID number;Email address\n"
    "Ada;Lovelace;17;ada@uni.edu\nBen;Lee;18;b.lee@uni.edu\n"
    "Cleo;Kim;19;cleo@uni.edu\nDan;Oz;20;dan@uni.edu\nEve;Ott;21;eve@uni.edu\n"
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Essay (99),Current Score\n"
    '    Points Possible,,,,,10,(read only)\n"Lovelace, Ada",4711,s17,ada,A,3,90\n'
    '"Lovelace, Ada",4712,s99,ada2,B,3,90\n"Lee, Ben",4713,s18,ben,A,,\n'
)


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def listed(tmp_path, text, encoding="utf-8"):
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    return read_students(tmp_path / "list.csv")


def test_moodle_without_a_list_gets_the_names_as_they_are(tmp_path):
    lines = write_wide(ROWS, tmp_path / "m.csv", "moodle", POINTS)
    assert table(tmp_path / "m.csv") == [
        ["Email address", "02_convolution_block", "03_encoder", "Total (percent)"],
        ["lovelaceada", "75.00", "100.00", "83.33"],
        ["Ben Lee", "100.00", "-", "66.67"],
        ["cleo@uni.edu", "-", "-", "-"],
        ["dan", "-", "-", "-"],
    ]
    assert lines == [f"4 students for Moodle in {tmp_path / 'm.csv'}"]
    write_wide(ROWS, tmp_path / "m.csv", "moodle", POINTS, identifier="ID number")
    assert table(tmp_path / "m.csv")[0][0] == "ID number"


def test_moodle_with_a_list_has_everybody_in_it_and_nobody_else(tmp_path):
    rows = [*ROWS, Row("stranger", "2.1", "passed", 15, 15)]
    lines = write_wide(rows, tmp_path / "m.csv", "moodle", POINTS, listed(tmp_path, MOODLE))
    head, *people = table(tmp_path / "m.csv")
    assert head == [
        "First name",
        "Last name",
        "ID number",
        "Email address",
        "02_convolution_block",
        "03_encoder",
        "Total (percent)",
    ]
    assert [(row[3], *row[4:]) for row in people] == [
        ("ada@uni.edu", "75.00", "100.00", "83.33"),
        ("b.lee@uni.edu", "100.00", "-", "66.67"),
        ("cleo@uni.edu", "-", "-", "-"),
        ("dan@uni.edu", "-", "-", "-"),
        ("eve@uni.edu", "-", "-", "-"),
    ]
    assert (
        "nobody, or several, of that name: stranger" in lines[1]
        and lines[2] == "Handed in nothing: Eve Ott 21 eve@uni.edu"
    )


def test_canvas_without_a_list_gets_its_head_and_the_ids_in_its_files_names(tmp_path):
    write_wide(ROWS[:5], tmp_path / "c.csv", "canvas", POINTS, ids={"lovelaceada": "4711"})
    assert table(tmp_path / "c.csv") == [
        [
            "Student",
            "ID",
            "SIS User ID",
            "SIS Login ID",
            "Section",
            "02_convolution_block",
            "03_encoder",
            "Final Points",
        ],
        ["    Points Possible", "", "", "", "", "20", "10", "(read only)"],
        ["lovelaceada", "4711", "", "", "", "15", "10", "25"],
        ["Ben Lee", "", "", "", "", "20", "", "20"],
    ]


def test_canvas_with_a_list_keeps_its_columns_and_tells_namesakes_apart_by_their_ids(tmp_path):
    students = listed(tmp_path, CANVAS)
    write_wide(
        ROWS[:5], tmp_path / "c.csv", "canvas", POINTS, students, ids={"lovelaceada": "4712"}
    )
    assert table(tmp_path / "c.csv")[2:] == [
        ["Lovelace, Ada", "4711", "s17", "ada", "A", "", "", ""],
        ["Lovelace, Ada", "4712", "s99", "ada2", "B", "15", "10", "25"],
        ["Lee, Ben", "4713", "s18", "ben", "A", "20", "", "20"],
    ]
    assert (
        "lovelaceada" in write_wide(ROWS[:5], tmp_path / "c.csv", "canvas", POINTS, students)[1]
    )  # two of that name


def test_two_who_would_be_one_student_are_left_to_the_teacher(tmp_path):
    rows = [Row("Ada Lovelace", "2.1", "passed", 15, 15), Row("ada", "2.1", "hint", 0, 15)]
    lines = write_wide(rows, tmp_path / "m.csv", "moodle", POINTS, listed(tmp_path, MOODLE))
    assert lines[1].endswith(": ada")


@pytest.mark.parametrize(
    "text, encoding",
    [
        (MOODLE, "utf-8-sig"),
        (MOODLE.replace(";", ","), "utf-8"),
        (MOODLE.replace(";", "\t"), "utf-16"),
        (MOODLE.replace("Ada", "Zoë"), "cp1252"),
    ],
)
def test_lists_come_in_many_shapes(text, encoding, tmp_path):
    head, people = listed(tmp_path, text, encoding)
    assert head == ["First name", "Last name", "ID number", "Email address"] and len(people) == 5
    assert people[0][0] in ("Ada", "Zoë")


def test_a_list_that_is_none_is_refused(tmp_path):
    for text in ("", "Email address\nada@uni.edu\n", "a,b\n"):
        with pytest.raises(ValueError, match="wanted a list of the class"):
            listed(tmp_path, text)
    with pytest.raises(ValueError, match="wanted an export of its gradebook"):
        write_wide(ROWS, tmp_path / "c.csv", "canvas", POINTS, listed(tmp_path, MOODLE))


def test_no_name_is_a_formula(tmp_path):
    write_wide([Row("=1+1", "2.1", "passed", 15, 15)], tmp_path / "m.csv", "moodle", POINTS)
    assert table(tmp_path / "m.csv")[1][0] == "'=1+1"


def test_the_command_writes_them(tmp_path, monkeypatch, capsys):
    from unet_course.__main__ import main
    from unet_course.classroom.grading import gradebook

    monkeypatch.setattr(
        gradebook, "grade_one", lambda student, *a: [Row(student, "2.1", "passed", 10, 10)]
    )
    (tmp_path / "in" / "Ada Lovelace").mkdir(parents=True)
    (tmp_path / "in" / "Ada Lovelace" / "02_mine.ipynb").write_text("{}")
    (tmp_path / "in" / "list.csv").write_text(MOODLE)
    command = [
        "grade",
        str(tmp_path / "in"),
        "--out",
        str(tmp_path / "in" / "g.csv"),
        "--students",
        str(tmp_path / "in" / "list.csv"),
        "--moodle",
        str(tmp_path / "in" / "m.csv"),
    ]
    assert main(command) == 0 and main(command) == 0
    assert "5 students for Moodle" in capsys.readouterr().out
    assert float(table(tmp_path / "in" / "m.csv")[1][4]) > 0
