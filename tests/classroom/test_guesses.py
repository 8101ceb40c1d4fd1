"""A room's guesses, from progress files and notebooks, which are never run; each student once."""

import json
import os

import nbformat
import pytest

from unet_course.__main__ import main
from unet_course.classroom.guesses import binned, guesses_in, histogram


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]})


@pytest.fixture
def put(tmp_path):
    def write(**files):
        for name, text in files.items():
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name).write_text(text, encoding="utf-8")
        return tmp_path / "in"

    return write


def test_numbers_are_binned_and_words_counted():
    room = {
        f"s{n}": {"02-c": 10 * n, "03-a": "Yes" if n % 3 else "no ", "04-b": [1, n % 2]}
        for n in range(12)
    }
    assert histogram(room) == [
        "02-c: 12 guesses",
        "     0 to <20  ##  2",
        "    20 to <40  ##  2",
        "    40 to <60  ##  2",
        "    60 to <80  ##  2",
        "   80 to <100  ##  2",
        "  100 to <120  ##  2",
        "03-a: 12 guesses",
        "  yes  ########  8",
        "  no   ####      4",
        "04-b: 12 guesses",
        "  (1, 0)  ######  6",
        "  (1, 1)  ######  6",
    ]


def test_a_number_in_quotation_marks_is_a_number():
    assert histogram({"ada": {"a": "90 %"}, "ben": {"a": 90}}) == ["a: 2 guesses", "  90  ##  2"]


def test_a_large_room_keeps_its_bars_short():
    lines = histogram({str(n): {"a": "yes"} for n in range(100)})
    assert lines == ["a: 100 guesses", "  yes  " + "#" * 34 + "  100", "  (each # is 3 students)"]
    assert histogram({}) == histogram({"ada": {}}) == ["Nobody has guessed."]


@pytest.mark.parametrize(
    "numbers",
    [
        range(9),
        range(-500, 500),
        [1e-9 * n for n in range(50)],
        [1e9 + n for n in range(20)],
        [-1e299, *range(8), 1e299],
        [0.1 * n for n in range(30)],
        [5e-324 * n for n in range(1, 20)],
        [1 + 2**-52 * n for n in range(20)],
        [*range(8), 80000],
    ],
)
def test_every_number_falls_into_one_of_at_most_eight_bins(numbers):
    bars = binned(list(numbers))
    assert 1 <= len(bars) <= 8 and sum(count for _, count in bars) == len(list(numbers))


def kind_of(value):
    return type(value).__name__  # an int of thousands of digits cannot be shown


@pytest.mark.parametrize(
    "answer",
    [
        True,
        None,
        float("nan"),
        float("inf"),
        10**400,
        "x" * 1000,
        {"a": [1]},
        "=1+1\x1b[31m\n",
        1j,
        int("f" * 5000, 16),
    ],
    ids=kind_of,
)
def test_odd_answers_are_counted_in_one_short_line(answer):
    lines = histogram({"ada": {"a": answer}, "ben": {"a": 3}})
    assert len(lines) == 3 and all(len(line) < 60 and line.isprintable() for line in lines)


def test_progress_files_and_notebooks_each_student_once(put):
    folder = put(
        **{
            "ada/progress.json": '{"passed": [], "guesses": {"02-c": 90}}',
            "ada/02_mine.ipynb": notebook('guess("02-c", 100)', 'guess("02-d", -3)'),
            "02_ben.ipynb": notebook(
                "from unet_course import guess\n%time\n!ls",
                'x = 1\nguess("02-c", answer=131)',
                'guess(id="03-a", answer="no", choices=["yes", "no"])',
                'guess("02-d", ...)',
                'guess("04-b")',
                "def guess_it(): ...",
            ),
            "progress_ben.json": '{"guesses": {"03-a": "yes", "05-a": 1}}',
            "Zoë Kim_12_assignsubmission_file_02_x.ipynb.txt": notebook(
                'unet_course.guess("02-c", 1.5)'
            ),
        }
    )
    found, unreadable = guesses_in(folder)
    assert unreadable == []
    assert found == {
        "ada": {"02-c": 100, "02-d": -3},
        "ben": {"02-c": 131, "03-a": "no", "05-a": 1},
        "Zoë Kim": {"02-c": 1.5},
    }


def test_nothing_is_run(put, tmp_path):
    folder = put(
        **{
            "02_eve.ipynb": notebook(
                f'guess("02-c", open(r"{tmp_path}/evil", "w").write("x"))',
                f'open(r"{tmp_path}/evil", "w"); guess("02-d", 1)',
            )
        }
    )
    found, unreadable = guesses_in(folder)
    assert found == {"eve": {"02-d": 1}} and not (tmp_path / "evil").exists()
    assert unreadable == ["02_eve.ipynb: cell 1: the answer to a guess is no plain number or word"]


def test_what_cannot_be_read_is_named_and_stops_nobody(put, tmp_path, capsys):
    folder = put(
        **{
            "ada.json": '{"guesses": {"02-c": 90}}',
            "ben.json": "{",
            "cleo.json": "[1]",
            "dan.json": '{"guesses": [1]}',
            "eve.ipynb": '{"cells": 3}',
            "fay.ipynb": "[" * 100000,
            "gus.txt": "90",
            "hal.zip": "PK",
            "ivy.ipynb": notebook(
                "guess('02-c', 1",
                "guess('02-d', " + "-" * 5000 + "1)",
                "guess('02-e', " + "(" * 999 + ")",
            ),
            "jo.json": '{"guesses": {"02-c": ' + "9" * 5000 + "}}",
            "kim.json": '{"passed": [], "guesses": {}}',
            "nan.json": '{"name": "nan"}',
        }
    )
    (folder / "lee.json").symlink_to(folder / "ada.json")
    os.mkdir(folder / "mo")
    assert main(["guesses", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "02-c: 1 guess\n  90  #  1\n" in text
    for name in (
        "ben.json",
        "cleo.json",
        "dan.json",
        "eve.ipynb",
        "fay.ipynb",
        "gus.txt",
        "hal.zip",
        "ivy.ipynb: cell 1",
        "jo.json",
        "ivy.ipynb: cell 3",
        "nan.json",
        "lee.json",
    ):
        assert f"Not read: {name}" in text, name
    assert "kim.json" not in text  # who has guessed nothing yet
    assert (
        main(["guesses", str(folder / "none")]) == 1 and "no such folder" in capsys.readouterr().err
    )


def test_grade_ends_with_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("unet_course.classroom.grading.gradebook.grade", lambda *a, **k: [])
    assert main(["grade", str(tmp_path), "--out", str(tmp_path / "grades.csv")]) == 0
    assert "guessed" not in capsys.readouterr().out
    cell = nbformat.v4.new_code_cell('guess("02-c", 90)')
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "02_ada.ipynb")
    assert main(["grade", str(tmp_path), "--out", str(tmp_path / "grades.csv")]) == 0
    assert "What they have guessed:\n02-c: 1 guess" in capsys.readouterr().out
