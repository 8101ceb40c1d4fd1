"""Progress is kept for the learner, never by a solution or on a machine that tests, and never gets in the way."""

import base64
import importlib
import json
import linecache
import os
import random
import string
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from unet_course import check
from unet_course.__main__ import main
from unet_course.exercises import progress as in_one_line
from unet_course.exercises.listing import exercises_by_notebook
from unet_course.figures.charts import progress_chart

# The package's own name for it is the function.
progress = importlib.import_module("unet_course.exercises.progress")


@pytest.fixture(autouse=True)
def nothing_from_before(monkeypatch):
    monkeypatch.setattr(progress, "_unwritten", {})


def right(prediction, target):
    areas = prediction.sum() + target.sum()
    return 2 * (prediction & target).sum() / areas if areas else 1.0


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.SWITCH, str(tmp_path / "home" / "progress.json"))
    return tmp_path / "home" / "progress.json"


def test_what_is_passed_is_kept_once(file):
    check("7.1", right)
    check("7.1", right)
    check("7.2", right)
    check("7.2")
    assert json.loads(file.read_text()) == {"passed": ["7.1"]} and progress.passed() == {"7.1"}
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


def test_it_can_be_switched_off(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(progress.SWITCH, "off")
    check("7.1", right).require()
    monkeypatch.delenv(progress.SWITCH)
    monkeypatch.setenv("CI", "true")
    check("7.1", right).require()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delenv("CI")
    check("7.1", right).require()
    assert (tmp_path / ".unet_course" / "progress.json").exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"passed": 3}',
        '{"passed": [1, null]}',
        '{"guesses": []}',
        '{"guesses": {"a": null}}',
        '{"guesses": {"a": [1, 2, 3]}}',
        '{"guesses": {"a": NaN}}',
        "\udcff",
        "[" * 10**5,
        '{"passed": ["7.2"',
    ],
)
def test_a_damaged_file_is_left_beside_and_said_once(file, content, capsys):
    file.parent.mkdir()
    file.write_text(content, errors="surrogateescape")
    damaged = file.read_bytes()
    assert progress.passed() == set() and progress.guesses() == {}
    check("7.1", right).require()
    check("7.2", right)
    progress.record("7.3")
    assert progress.passed() == {"7.1", "7.3"}
    assert (file.parent / "progress.json.damaged").read_bytes() == damaged
    said = capsys.readouterr().err
    assert said.count("could not be read") == 1 and "progress.json.damaged" in said
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "progress.json",
        "progress.json.damaged",
    ]


def test_what_others_keep_in_the_file_stays(file):
    file.parent.mkdir()
    file.write_text('{"passed": ["99.9"], "theme": {"dark": true}}')
    check("7.1", right)
    progress.keep_guess("02-a", 5)
    assert json.loads(file.read_text()) == {
        "passed": ["7.1", "99.9"],
        "guesses": {"02-a": 5},
        "theme": {"dark": True},
    }


def test_a_folder_that_cannot_be_written_does_not_matter(file):
    """What cannot be written is kept until the kernel ends, and written as soon as it can be."""
    file.parent.write_text("a file where the folder should be")
    check("7.1", right).require()
    progress.keep_guess("02-a", 5)
    assert progress.passed() == {"7.1"} and progress.guesses() == {"02-a": 5}
    file.parent.unlink()
    progress.record("7.2")
    assert (
        json.loads(file.read_text()) == {"passed": ["7.1", "7.2"], "guesses": {"02-a": 5}}
        and progress._unwritten == {}
    )


def test_a_file_that_cannot_be_read_is_not_taken_away(file):
    file.mkdir(parents=True)
    check("7.1", right).require()
    assert file.is_dir() and progress.passed() == {"7.1"}


def test_where_there_are_no_locks_it_is_kept_all_the_same(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "filelock", None)
    check("7.1", right)
    assert progress.passed() == {"7.1"} and file.exists()


def test_who_waits_too_long_goes_on(file, monkeypatch):
    file.parent.mkdir()
    with (
        progress.alone(file.parent / ".progress.json.lock", ""),
        progress._in_turn(file, seconds=0.1),
    ):
        progress.write_text(file, '{"passed": ["7.1"]}')
    assert progress.passed() == {"7.1"}


KERNEL = """
import sys
from unet_course.exercises.progress import keep_guess, record
print("ready", flush=True)
sys.stdin.readline()
for n in range(40):
    record(f"{sys.argv[1]}.{n}")
    keep_guess(f"{sys.argv[1]}-{n}", n)
"""


def test_two_kernels_at_once_lose_nothing(file):
    kernels = [
        subprocess.Popen(
            [sys.executable, "-c", KERNEL, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(progress.__file__).parents[2])},
        )
        for number in (1, 2)
    ]
    for kernel in kernels:
        assert kernel.stdout.readline() == "ready\n"
    for kernel in kernels:
        kernel.stdin.write("go\n")
        kernel.stdin.flush()
    for kernel in kernels:
        kernel.communicate()
        assert kernel.returncode == 0
    assert progress.passed() == {f"{k}.{n}" for k in (1, 2) for n in range(40)}
    assert progress.guesses() == {f"{k}-{n}": n for k in (1, 2) for n in range(40)}
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


# --- guesses ---


@pytest.mark.parametrize(
    "answer, kept",
    [
        (5, 5),
        (0.25, 0.25),
        ("more", "more"),
        ((12, 3.5), [12, 3.5]),
        ([0, 1], [0, 1]),
        (np.int64(3), 3),
        (torch.tensor(2.5), 2.5),
        (np.array([1, 2]), [1, 2]),
        (torch.tensor([1.5, 2.0]), [1.5, 2.0]),
    ],
)
@pytest.mark.parametrize("switch", ["on", "off"])
def test_a_guess_is_kept(file, monkeypatch, answer, kept, switch):
    if switch == "off":
        monkeypatch.setenv(progress.SWITCH, "off")
    assert progress.guesses() == {}
    progress.keep_guess("02-a", "an earlier one")
    progress.keep_guess("02-a", answer)
    progress.keep_guess("02-b", 1)
    assert progress.guesses() == {"02-a": kept, "02-b": 1} and type(
        progress.guesses()["02-a"]
    ) is type(kept)
    assert file.exists() == (switch == "on") and progress.passed() == set()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ...,
        True,
        float("nan"),
        float("inf"),
        (1, 2, 3),
        (1,),
        (1, "2"),
        ((1, 2), 3),
        {},
        2j,
        (1, True),
        b"x",
    ],
)
def test_what_is_no_guess(file, answer):
    with pytest.raises(TypeError, match="wanted a number, a text, or a pair of numbers"):
        progress.keep_guess("02-a", answer)
    assert progress.guesses() == {} and not file.exists()


# --- in one line ---


def test_progress_is_taken_out_and_brought_back(file, monkeypatch, tmp_path):
    for id in ("7.1", "4.2"):
        progress.record(id)
    progress.keep_guess("02-a", (1, 2.5))
    progress.keep_guess("02-b", "mehr, größer")
    token = in_one_line()
    assert (
        token.startswith("unet:")
        and token.isascii()
        and len(token.split()) == 1
        and "'" not in token
    )
    monkeypatch.setenv(progress.SWITCH, str(tmp_path / "another machine" / "progress.json"))
    assert progress.passed() == set()
    progress.record("5.1")
    progress.keep_guess("02-c", 7)
    more = in_one_line(token)
    assert progress.passed() == {"7.1", "4.2", "5.1"}
    assert progress.guesses() == {"02-a": [1, 2.5], "02-b": "mehr, größer", "02-c": 7}
    assert (
        more
        == in_one_line()
        == in_one_line(token)
        == in_one_line(f"  '{more[:20]}\n {more[20:]}' \n")
    )


def test_where_it_is_switched_off_nothing_counts_as_passed(file, monkeypatch):
    progress.record("7.1")
    token = in_one_line()
    monkeypatch.setenv(progress.SWITCH, "off")
    assert in_one_line(token) == token and progress.passed() == set()


def test_a_whole_course_fits_in_a_mail(file):
    ids = [id for all_of in exercises_by_notebook().values() for id in all_of]
    progress._keep({"passed": ids, "guesses": {f"{n:02}-a": n for n in range(60)}})
    assert len(in_one_line()) < 1500


def packed(content, end=None):
    return "unet:" + base64.urlsafe_b64encode(zlib.compress(content)[:end]).decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "unet:",
        "7.1",
        5,
        None.__class__,
        b"unet:",
        "unet:!!!!",
        "unet:ab",
        "UNET:eJyrVqpQslKKjlWqBQAM2wKv",
        packed(b"{"),
        packed(b"{}", end=-3),
        packed(b"{}").replace("unet", "mine"),
        packed(b"{}").replace("unet:", "unet:!!!!"),
        packed(b"[]"),
        packed(b'{"passed": 3}'),
        packed(b'{"guesses": {"a": null}}'),
        packed(b"\xff"),
        packed(b"[" * 10**5),
        packed(b" " * 2**21 + b"{}"),
        "unet:größer",
    ],
)
def test_what_is_no_progress_is_said_and_changes_nothing(file, token):
    progress.record("7.1")
    with pytest.raises(ValueError, match="This is no progress.*copied whole"):
        in_one_line(token)
    assert progress.passed() == {"7.1"}


def test_half_a_token_or_one_with_a_slip_is_noticed(file):
    progress._keep({"passed": [f"4.{n}" for n in range(9)]})
    token, before = in_one_line(), progress._state()
    draw = random.Random(0)
    for _ in range(100):
        place = draw.randrange(5, len(token) - 4)  # the last ones may hold unused bits
        slip = draw.choice([c for c in string.ascii_letters if c != token[place]])
        for wrong in (token[:place], token[:place] + slip + token[place + 1 :]):
            with pytest.raises(ValueError, match="no progress"):
                in_one_line(wrong)
    assert progress._state() == before


def test_running_a_solution_is_not_passing(file, monkeypatch):
    import IPython

    names = {"check": check, "right": right}

    class Shell:
        user_ns = names

    def run(source):
        name = f"/tmp/ipykernel_7/{abs(hash(source))}.py"
        monkeypatch.setitem(linecache.cache, name, (0, None, source.splitlines(True), name))
        exec(compile(source, name, "exec"), names)

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    run('# @title Solution\ncheck("7.1", right).require()')
    assert not file.exists()
    run('check("7.1", right).require()')
    assert progress.passed() == {"7.1"}


def test_the_list(file, capsys):
    check("7.1", right)
    assert main(["exercises"]) == 0
    text = capsys.readouterr().out
    assert "[x] 7.1  Dice (6 minutes)" in text and "[ ] 7.2" in text and "\n1 of " in text
    assert text.index("Notebook 02") < text.index("2.1") < text.index("Notebook 08")


def test_the_chart_fills_what_is_passed_and_nothing_else():
    exercises = exercises_by_notebook()
    figure = progress_chart(exercises, {"0.1", "2.3", "99.9"})
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert {t for t in texts if "✓" in t} == {"0.1\n✓", "2.3\n✓"} and len(texts) == sum(map(len, exercises.values()))
    assert figure.axes[0].get_title() == f"2 of {len(texts)} exercises passed"
    empty = progress_chart({"00": ["0.1"]}, set())
    assert len({patch.get_facecolor() for patch in empty.axes[0].patches}) == 1


def test_each_exercise_stands_inside_its_box():
    exercises = exercises_by_notebook()
    figure = progress_chart(exercises, {id for ids in exercises.values() for id in ids})
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axis, renderer = figure.axes[0], canvas.get_renderer()
    for box, text in zip(axis.patches, axis.texts, strict=True):
        outer, inner = (part.get_window_extent(renderer) for part in (box, text))
        assert outer.x0 < inner.x0 and inner.x1 < outer.x1, text.get_text()
        assert outer.y0 < inner.y0 and inner.y1 < outer.y1, text.get_text()
