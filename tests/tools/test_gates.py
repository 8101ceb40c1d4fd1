"""The gates: each part runs though one fails and has its line; quick takes what has changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import gates
from tools.elsewhere import versions

ROOT = Path(__file__).resolve().parents[2]
GOOD, BAD = ["-c", "sum(range(20_000_000))"], ["-c", "raise SystemExit(3)"]


@pytest.fixture
def lines(capfd):
    """Run parts: the exit code and the lines at the end."""
    def run(*parts):
        code = gates.run("test", [gates.Part(*part) for part in parts])
        return code, capfd.readouterr().out.partition("\n\n")[2].splitlines()
    return run


def test_every_part_runs_though_the_first_fails_and_each_has_its_line(lines):
    code, (total, *told) = lines(("lint", BAD), ("tests", GOOD), ("browser", GOOD, "no Chromium"))
    assert code == 1 and "of 30 at most" in total and [line.split()[:2] for line in told] == [
        ["lint", "FAILED"], ["tests", "passed"], ["browser", "skipped:"]]
    assert all("CPU minutes" in line and "by the clock" in line for line in told[:2])
    assert told[2].endswith("skipped: no Chromium; with it: python course.py test browser")


def test_all_is_well_if_nothing_failed(lines):
    assert lines(("lint", GOOD), ("browser", BAD, "no Chromium"))[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts no CPU time of children")
def test_cpu_minutes_are_those_of_the_part(lines, monkeypatch):
    monkeypatch.setattr(gates.time, "monotonic", lambda: 0.0)  # whatever the clock says
    (told,) = lines(("lint", ["-c", "import time\nwhile time.process_time() < 4: pass"]))[1][1:]
    assert told.split()[1:6] == ["passed", "0.1", "CPU", "minutes,", "0.0"]


def test_an_interrupt_ends_the_gate_and_what_was_done_is_said(lines):
    stopped = ["-c", "raise SystemExit(130)"]
    code, (_, *told) = lines(("lint", GOOD), ("tests", stopped), ("browser", GOOD))
    assert code == 130 and [line.split()[0] for line in told] == ["lint", "tests"]


def test_a_part_can_be_chosen_and_a_wrong_name_is_told(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(gates, "run", lambda gate, parts: seen.append([p.name for p in parts]) or 0)
    assert gates.main(["test", "browser", "lint"]) == 0 == gates.main(["test"])
    assert seen == [["lint", "browser"], ["lint", "tests", "device", "browser"]]
    assert gates.main(["test", "browsr"]) == 2
    assert "There are: lint, tests, device, browser" in capsys.readouterr().err
    assert gates.main([]) == 2 == gates.main(["fast"])


def test_full_has_all_of_test_and_more(monkeypatch):
    monkeypatch.setattr(gates, "network", lambda: False)
    monkeypatch.setattr(gates, "ROOT", ROOT / "tools")  # where there is no environment yet
    monkeypatch.setattr(gates, "OTHERS", ["3.10", "3.13"])
    monkeypatch.setattr(gates, "find_python", {"3.10": Path("python")}.get)
    test, full = ({part.name: part for part in gate()} for gate in (gates.test, gates.full))
    assert list(full) == [*test, "float32", "bioimage", "oldest", "newest", "3.10", "3.13"]
    assert full["3.13"].missing == "there is no Python 3.13"
    assert full["3.10"].missing == full["newest"].missing == full["bioimage"].missing == "there is no network"
    assert "not full" in test["tests"].command and "not full" not in full["tests"].command
    assert {*full["tests"].command} - {*test["tests"].command} == {*gates.WHOLE}
    monkeypatch.setattr(gates, "find_python", {"3.13": Path("python")}.get)
    assert "newest" not in [part.name for part in gates.full()] or sys.version_info >= (3, 13)


def test_full_runs_every_notebook_that_picks_a_device_without_float64(monkeypatch):
    monkeypatch.setattr(gates, "network", lambda: False)
    part = next(part for part in gates.full() if part.name == "float32")
    assert part.command[2:] == ["float32", "short", *gates.picking()]
    assert gates.picking() == ["06", "07", "10", "11", "12"]


@pytest.fixture
def tree(tmp_path):
    """Rooms, modules without a room, their tests, a notebook."""
    for name in ("unet_course/files.py", "unet_course/training/fit.py", "unet_course/alone.py",
                 "tests/test_files.py", "tests/training/test_fit.py", "tests/training/test_load.py",
                 "tests/test_book.py", "tests/course/test_audit.py", "tests/short.py", "README.md",
                 "tools/audit.py", "tools/book.py", "notebooks/03_encoder.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("path, wanted", [
    ("unet_course/files.py", ["tests/test_files.py", "unet_course/files.py"]),
    ("unet_course/training/fit.py", ["tests/training", "unet_course/training/fit.py"]),
    ("unet_course/training/gone.py", ["tests/training"]),
    ("unet_course/alone.py", ["unet_course/alone.py"]),
    ("tests/training/test_fit.py", ["tests/training/test_fit.py"]),
    ("tools/book.py", ["tests/test_book.py"]), ("tools/audit.py", ["tests/course/test_audit.py"]),
    ("notebooks/03_encoder.ipynb", ["notebooks/03_encoder.ipynb"]),
    ("README.md", []), ("tests/test_gone.py", []), ("tests/short.py", []),
    ("notebooks/04_gone.ipynb", [])])
def test_quick_takes_the_tests_of_what_has_changed(tree, path, wanted):
    assert gates.chosen([path], tree) == wanted


def test_quick_takes_each_once(tree):
    paths = ["tests/test_files.py", "unet_course/files.py", "unet_course/training/fit.py"]
    found = gates.chosen([*paths, "unet_course/training/gone.py"], tree)
    assert found == [paths[0], "tests/training", *paths[1:]]


@pytest.mark.parametrize("paths, said", [(None, "No git here"), ([], ""), (["README.md"], "")])
def test_quick_takes_the_core_where_nothing_has_changed(monkeypatch, capsys, paths, said):
    monkeypatch.setattr(gates, "changed", lambda: paths)
    command = gates.quick()[-1].command
    names = {Path(part).name for part in command}
    assert {f"test_{name}.py" for name in gates.CORE} <= names
    assert "02_convolution_block.ipynb" in names
    assert "not full" in command and capsys.readouterr().out.startswith(said)


def test_what_has_changed_is_what_git_says(tmp_path, monkeypatch):
    monkeypatch.setattr(gates, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert gates.changed() is None
    try:
        git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run([*git, "init", "-q"], check=True)
    except OSError:
        pytest.skip("there is no git")
    for name in ("kept", "edited", "gone"):
        (tmp_path / name).write_text(name)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    (tmp_path / "edited").write_text("otherwise")
    (tmp_path / "gone").unlink()
    (tmp_path / "new one").touch()
    assert sorted(gates.changed()) == ["edited", "gone", "new one"]


def test_the_longest_notebooks_come_first_and_the_chinese_ones_last():
    names = gates.everything()
    assert [name[10:12] for name in names[:10]] == [*gates.LONG, "00"]
    middle = names.index("tests")
    english = {f"notebooks/{path.name}" for path in ROOT.glob("notebooks/*.ipynb")}
    assert {*names[:middle]} == english and names[middle + 1] == "unet_course"
    chinese = {path.name for path in ROOT.glob("notebooks/zh/*.ipynb") if path.name[:2] not in gates.LONG}
    assert {*names[middle + 2:]} == {f"notebooks/zh/{name}" for name in chinese} and chinese
    assert all((ROOT / name).exists() for name in names)


def test_the_mark_is_registered_and_takes_the_chinese_notebooks(pytestconfig):
    pytest.importorskip("nbval")
    assert any(line.startswith("full:") for line in pytestconfig.getini("markers"))
    zh = "notebooks/zh/02_convolution_block.ipynb"
    command = [sys.executable, *gates.PYTEST, "--collect-only", "tests/course/short.py", zh, "-m"]
    some, none = (subprocess.run([*command, words], cwd=ROOT, capture_output=True, text=True)
                  for words in ("full", "not full"))
    assert some.returncode == 0 and some.stdout.count(f"{zh}::") > 20, some.stdout + some.stderr
    assert none.returncode == 5, none.stdout


def test_another_python_is_one_that_can_make_environments(capsys):
    assert versions.find_python("3.99") is None and versions.main(["3.99"]) == 1
    assert "There is no Python 3.99" in capsys.readouterr().err


@pytest.mark.parametrize("gate, code, changes, written", [
    (["full"], 0, [[], []], True), (["full"], 1, [[], []], False),  # something has failed
    (["full"], 0, [["a.py"], ["a.py"]], False), (["full"], 0, [[], ["a.py"]], False),  # not committed
    (["full"], 0, [None, None], False), (["full", "lint"], 0, [[], []], False), (["test"], 0, [[], []], False)])
def test_a_full_run_without_a_failure_is_written_down(tmp_path, monkeypatch, gate, code, changes, written):
    for command in ("init -q", "-c user.name=a -c user.email=b commit -q --allow-empty -m c"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    parts = [gates.Part("lint", GOOD), gates.Part("newest", BAD, "there is no network")]
    monkeypatch.setattr(gates, "ROOT", tmp_path)
    monkeypatch.setattr(gates, "GATES", {"full": lambda: parts, "test": lambda: parts})
    monkeypatch.setattr(gates, "changed", iter(changes).__next__)
    monkeypatch.setattr(gates, "run", lambda *_: code)
    assert gates.main(gate) == code
    record = tmp_path / gates.RECORD
    assert record.exists() == written
    assert not written or record.read_text() == f"{head}skipped: newest, there is no network\n"
