"""What failed at night opens one issue, with the failing cell; a stand-in for GitHub's program says what it was asked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.elsewhere import nightly

ROOT = Path(__file__).resolve().parents[2]
LOG = """> python -m pytest --nbval
..F.F
=================================== FAILURES ===================================
__________________ notebooks/05_the_full_unet.ipynb::Cell 12 ___________________
\x1b[91mNotebook cell execution failed\x1b[0m
Cell 12: Cell outputs differ
{}
stored ≈ 0.94, now 0.97
____________________ notebooks/07_evaluation.ipynb::Cell 3 _____________________
another
=========================== short test summary info ============================
FAILED notebooks/05_the_full_unet.ipynb::Cell 12
full: 1.0 CPU minutes, of 90 at most
tests     FAILED
"""


@pytest.fixture
def asked(monkeypatch):
    """What `gh` is asked; `open` are the issues that it lists."""
    calls, issues = [], []

    def gh(command, input, **_):
        calls.append((command[1:3], command[3:], input))
        listed = json.dumps(issues) if command[2] == "list" else "https://github.com/ann/course/issues/7\n"
        return subprocess.CompletedProcess(command, 0, listed, "")

    monkeypatch.setattr(nightly.subprocess, "run", gh)
    calls.append(issues)
    return calls


def test_an_issue_shows_the_failing_cell_and_the_end(tmp_path, asked, monkeypatch, capsys):
    for name, text in {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "ann/course",
                       "GITHUB_RUN_ID": "5", "GITHUB_SHA": "abc"}.items():
        monkeypatch.setenv(name, text)
    (tmp_path / "night.txt").write_text(LOG.format("\n".join(map(str, range(300)))), encoding="utf-8")
    assert nightly.main(["full", str(tmp_path / "night.txt")]) == 0
    _, (first, _, _), (second, options, body) = asked
    assert first == ["issue", "list"] and second == ["issue", "create"]
    assert options[:2] == ["--title", "Nightly: full fails"]
    assert "actions/runs/5, of commit abc" in body
    shown, end = body.split("How the log ends:")
    assert "05_the_full_unet.ipynb::Cell 12" in shown and "now 0.97" in shown and "\x1b" not in body
    assert "07_evaluation" not in shown and "\n150\n" not in shown and end.rstrip().endswith("tests     FAILED\n~~~~")
    assert len(body.splitlines()) < nightly.FIRST + nightly.LAST + 20
    assert "issues/7" in capsys.readouterr().out


@pytest.mark.parametrize("title, calls", [("Nightly: colab --current fails", 1), ("Nightly: colab --current fails again", 2)])
def test_no_second_issue_on_the_same_task(tmp_path, asked, title, calls):
    asked[0].append({"number": 3, "title": title})
    assert nightly.main(["colab --current", str(tmp_path / "none.txt")]) == 0
    assert len(asked) - 1 == calls


def test_it_needs_nothing_but_python():
    run = subprocess.run([sys.executable, "-S", "-I", str(ROOT / "tools/elsewhere/nightly.py")], capture_output=True, text=True)
    assert run.returncode == 2 and "Wanted two words" in run.stderr


def test_the_workflow_runs_tasks_that_there_are_and_reports_each():
    import course
    workflow = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8"))
    assert workflow[True]["schedule"] and workflow["permissions"] == {"contents": "read", "issues": "write"}
    job = workflow["jobs"]["nightly"]
    tasks = [each["task"] for each in job["strategy"]["matrix"]["include"]]
    assert tasks == ["full", "newest", "colab --current", "links"]
    assert {task.split()[0] for task in tasks} <= set(course.TASKS)
    run, tell = job["steps"][-2:]
    assert run["run"].startswith("python course.py ${{ matrix.task }} 2>&1 | tee") and run["shell"] == "bash"
    assert run["timeout-minutes"] < job["timeout-minutes"]  # a task that never ends is reported, too
    assert tell["if"] == "failure()" and "tools/elsewhere/nightly.py" in tell["run"] and "GH_TOKEN" in tell["env"]


def test_actions_are_pinned_by_hash():
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        used = [line.split("uses:")[1].split() for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
        assert used
        for action, *version in used:
            name, _, commit = action.partition("@")
            assert len(commit) == 40 and set(commit) <= set("0123456789abcdef"), (path.name, name)
            assert version[0] == "#" and version[1].startswith("v"), (path.name, name)


def test_a_container_is_made_with_a_task_that_there_is():
    import course
    text = (ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8")
    held = json.loads("\n".join(line for line in text.splitlines() if not line.strip().startswith("//")))
    assert held["image"].endswith("python:3.11") and held["postCreateCommand"].split()[:2] == ["python", "course.py"]
    assert held["postCreateCommand"].split()[2] in course.TASKS
