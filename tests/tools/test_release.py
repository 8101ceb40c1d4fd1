"""Releases of a small course in a temporary clone: made whole, or not at all; nothing is pushed."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from tools.gates import RECORD, ROOT
from tools.website import address, release

# What builds the small course's wheel: a backend of its own, so that no network is needed.
BACKEND = '''
import os, re, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    version = re.search(r'^version = "(.*)"', open("pyproject.toml").read(), re.M)[1]
    info, name = f"unet_course-{version}.dist-info", f"unet_course-{version}-py3-none-any.whl"
    files = {"unet_course/__init__.py": open("unet_course/__init__.py").read(),
             f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: unet-course\\nVersion: {version}\\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"]))
    return name
'''
PROJECT = '''[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "unet-course"
version = "0.1.0"

[project.urls]
Repository = "https://github.com/ann/course"
'''
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A way to make a release.

## [0.1.0] - 2029-05-01

- All.

[Unreleased]: https://github.com/ann/course/compare/v0.1.0...HEAD
[0.1.0]: https://github.com/ann/course/releases/tag/v0.1.0
"""
CITATION = 'cff-version: 1.2.0\nversion: "0.1.0"\ndate-released: 2029-05-01\n'


def small_notebook(name, zh=""):
    new = nbformat.v4.new_code_cell
    said = [nbformat.v4.new_output("stream", text="It is 3.\n")]
    return nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell(f"# {name[:2]}\n\n{address.badge('x/y', zh + name)} [11](../11_x.ipynb)"),
        new("# @title Set-up: run me\n" + address.install_lines("x/y") + "import torch", metadata={"tags": ["setup"]}),
        new("guess('a', ...)\n3", outputs=said, execution_count=2),
        new("x = ...", metadata={"tags": ["exercise"]}),
        new("x = 3  # the solution", metadata={"tags": ["solution"]}, outputs=said)])


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Git in a small course: on main, committed, tested, with an address; nobody's own settings."""
    for name, text in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
                       "PIP_NO_INDEX": "1", "PYTHONPATH": ""}.items():
        monkeypatch.setenv(name, text)
    root = tmp_path / "course"
    files = {"pyproject.toml": PROJECT, "backend.py": BACKEND, "CHANGELOG.md": CHANGELOG,
             "CITATION.cff": CITATION, ".zenodo.json": json.dumps({"version": "0.1.0", "title": "v"}),
             "unet_course/__init__.py": "", ".github/workflows/test.yml": "on: push\n",
             ".gitignore": "dist/\nbuild/\n"}
    for name in ("01_a.ipynb", "02_b.ipynb", "zh/01_a.ipynb"):
        notebook = small_notebook(Path(name).name, "zh/" * name.startswith("zh"))
        files[f"notebooks/{name}"] = nbformat.writes(notebook) + "\n"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8", newline="\n")

    def run(*arguments):
        return release.git(root, *arguments)

    run("init", "-q", "-b", "main")
    for key, text in {"user.name": "Ann", "user.email": "ann@example.org", "core.autocrlf": "false"}.items():
        run("config", key, text)
    run("add", ".")
    run("commit", "-q", "-m", "A course")
    run.root = root
    tested(run)
    return run


@pytest.fixture
def quickly(monkeypatch):
    """No wheel is built: a file stands for it."""
    def wheel(folder, root):
        path = folder / f"unet_course-{address.release(root)}-py3-none-any.whl"
        path.write_bytes(b"a wheel")
        return path
    monkeypatch.setattr(release, "wheel", wheel)
    monkeypatch.setattr(release, "try_wheel", lambda *_: None)


def tested(git):
    (git.root / RECORD).parent.mkdir(exist_ok=True)
    (git.root / RECORD).write_text(git("rev-parse", "HEAD") + "\nskipped: 3.12, there is no Python 3.12\n")


def state(git):
    """All that a release changes, and all that it must not leave behind."""
    dist = sorted(path.name for path in git.root.glob("dist/*"))
    return (git("rev-parse", "HEAD"), git("for-each-ref"), git("status", "--porcelain"), dist,
            len(git("worktree", "list").splitlines()))


def test_the_first_release_gets_its_date(tmp_path):
    for name in ("pyproject.toml", "CITATION.cff", ".zenodo.json"):
        shutil.copy(ROOT / name, tmp_path)
    for version, date in (("0.2.0", "2027-01-02"), ("0.3.0", "2027-02-03")):
        release.write_version(tmp_path, version, date)
        zenodo = json.loads((tmp_path / ".zenodo.json").read_text(encoding="utf-8"))
        assert (zenodo["version"], zenodo["publication_date"]) == (version, date)
        assert f"\nversion: {version}\ndate-released: {date}\n" in (tmp_path / "CITATION.cff").read_text(encoding="utf-8")


def test_a_release_has_all_of_its_parts(git, capfd):
    before = git("rev-parse", "HEAD")
    assert release.main(["0.2.0"], git.root) == 0
    said = capfd.readouterr().out
    assert "skipped: 3.12" in said and "git push --atomic origin main student v0.2.0\n" in said
    assert git("rev-parse", "HEAD~1") == before and git("status", "--porcelain") == ""
    assert git("rev-parse", "main") == git("rev-parse", "v0.2.0^{commit}")
    assert git("cat-file", "-t", "v0.2.0") == "tag" and git("fsck", "--strict") == ""
    today = git("log", "-1", "--format=%ad", "--date=format-local:%Y-%m-%d")
    text = {name: (git.root / name).read_text(encoding="utf-8")
            for name in ("pyproject.toml", "CHANGELOG.md", "CITATION.cff", ".zenodo.json")}
    assert text["pyproject.toml"] == PROJECT.replace("0.1.0", "0.2.0")
    assert text["CITATION.cff"] == (f'cff-version: 1.2.0\nversion: "0.2.0"\ndate-released: {today}\n'
                                    "repository-code: https://github.com/ann/course\n")
    assert json.loads(text[".zenodo.json"]) == {"version": "0.2.0", "title": "v"}
    assert text["CHANGELOG.md"] == CHANGELOG.replace(
        "## [Unreleased]\n", f"## [Unreleased]\n\n## [0.2.0] - {today}\n").replace(
        "v0.1.0...HEAD\n", "v0.2.0...HEAD\n[0.2.0]: https://github.com/ann/course/compare/v0.1.0...v0.2.0\n")
    made = git.root / "dist" / "v0.2.0"
    wheel = "unet_course-0.2.0-py3-none-any.whl"
    digest = hashlib.sha256((made / wheel).read_bytes()).hexdigest()
    assert (made / "SHA256SUMS").read_text() == f"{digest}  {wheel}\n"
    assert (made / "NOTES.md").read_text() == "### Added\n\n- A way to make a release.\n"
    assert len(list(made.iterdir())) == 3


def test_the_notebooks_of_a_release_and_of_its_students(git, quickly):
    assert release.main(["0.2.0"], git.root) == 0
    names = git("ls-tree", "-r", "--name-only", "main").splitlines()
    theirs = git("ls-tree", "-r", "--name-only", "student").splitlines()
    assert set(names) - set(theirs) == {".github/workflows/test.yml"} and set(theirs) < set(names)
    notebooks = [name for name in names if name.endswith(".ipynb")]
    assert git("diff", "--name-only", "--diff-filter=M", "main", "student").splitlines() == notebooks
    for name in notebooks:
        ours, copy = (nbformat.reads(git("show", f"{branch}:{name}"), 4) for branch in ("main", "student"))
        assert len(ours.cells) == 5 and [cell.source for cell in copy.cells] == [
            cell.source for cell in ours.cells if "solution" not in cell.metadata.get("tags", [])]
        assert ours.cells[2].outputs and not any(cell.get("outputs") for cell in copy.cells)
        assert "git+https://github.com/ann/course@v0.2.0" in copy.cells[1].source
        assert f"/github/ann/course/blob/student/{name})" in copy.cells[0].source


def test_the_next_release_goes_on_from_the_last(git, quickly):
    assert release.main(["0.2.0rc1"], git.root) == 0
    first = git("rev-parse", "student")
    assert release.main(["0.2.0", "--tested"], git.root) == 1  # nothing new is written
    log = git.root / "CHANGELOG.md"
    log.write_text(log.read_text().replace("## [Unreleased]\n", "## [Unreleased]\n\n- A mended badge.\n"))
    git("commit", "-q", "-a", "-m", "A badge")
    assert release.main(["0.2.0"], git.root) == 1  # and this commit was never tested
    assert release.main(["0.2.0", "--tested"], git.root) == 0
    assert git("rev-parse", "student~1") == first and git("rev-parse", "HEAD~2") == git("rev-parse", "v0.2.0rc1^{commit}")


def test_a_fresh_clone_takes_the_branch_of_students_from_where_it_was_cloned(git, quickly, tmp_path):
    assert release.main(["0.2.0"], git.root) == 0
    git("clone", "-q", str(git.root), str(tmp_path / "other"))
    for key in ("user.name", "user.email"):
        release.git(tmp_path / "other", "config", key, "ann")
    assert release.found(tmp_path / "other", "refs/heads/student") is None
    made = release.student_commit(git.root, git("rev-parse", "HEAD"), "0.3.0")
    there = release.student_commit(tmp_path / "other", git("rev-parse", "HEAD"), "0.3.0")
    parents = [release.git(folder, "rev-parse", f"{commit}~1")
               for folder, commit in ((git.root, made), (tmp_path / "other", there))]
    assert parents == [git("rev-parse", "student")] * 2


def test_a_rehearsal_keeps_nothing(git, quickly, capfd):
    before = state(git)
    assert release.main(["0.2.0", "--dry-run"], git.root) == 0
    assert state(git) == before
    assert "3 notebooks without solutions" in (said := capfd.readouterr().out) and "git push" not in said


def change(name, text, commit=True):
    def spoil(git):
        (git.root / name).write_text(text, encoding="utf-8")
        if commit:
            git("add", "-A")
            git("commit", "-q", "-m", "A change")
            tested(git)
    return spoil


def do(*commands):
    def spoil(git):
        for command in commands:
            git(*command)
    return spoil


def behind(git):
    git("commit", "-q", "--allow-empty", "-m", "There")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("reset", "-q", "--hard", "HEAD~1")


@pytest.mark.parametrize("version, spoil, told", [
    ("0.1.0", None, "wanted one larger than 0.1.0"), ("0.0.9", None, "wanted one larger than 0.1.0"),
    ("0.1.0rc1", None, "wanted one larger"), ("two", None, "'two'; wanted one such as 0.2.0"),
    ("0.2.0-beta", None, "wanted 0.2.0b0, as pip writes it"), ("v0.2.0", None, "wanted 0.2.0, as pip writes it"),
    ("0.2.0+mine", None, "wanted 0.2.0, as pip writes it"),
    ("0.2.0", do(["tag", "v0.2.0"]), "The tag v0.2.0 is there already"),
    ("0.2.0", do(["switch", "-q", "-c", "try"]), "This is branch 'try'"),
    ("0.2.0", do(["switch", "-q", "--detach"]), "This is branch 'HEAD'"),
    ("0.2.0", change("backend.py", "", commit=False), "Not committed: backend.py; commit it"),
    ("0.2.0", change("new.txt", "", commit=False), "Not committed: new.txt; commit it"),
    ("0.2.0", behind, "origin/main has commits that main lacks"),
    ("0.2.0", change("pyproject.toml", PROJECT.replace("ann/course", address.UNKNOWN)), "python course.py address OWNER/NAME"),
    ("0.2.0", lambda git: (git.root / RECORD).unlink(), "python course.py full"),
    ("0.2.0", do(["commit", "-q", "--allow-empty", "-m", "Later"]), "python course.py full"),
    ("0.2.0", lambda git: (git.root / "dist/v0.2.0").mkdir(parents=True), "dist/v0.2.0 is there already"),
    ("0.2.0", do(["config", "--unset", "user.email"], ["config", "user.useConfigOnly", "true"]), "who you are"),
    ("0.2.0", do(["rm", "-q", "CHANGELOG.md"], ["commit", "-q", "-m", "None"]), "no section '## [Unreleased]'"),
    ("0.2.0", change("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n### Added\n\n<!-- soon -->\n\n## 0.1.0\n\n- All.\n"),
     "Unreleased of CHANGELOG.md is empty"),
    ("0.2.0", change("CHANGELOG.md", CHANGELOG + "\n## [0.2.0]\n"), "a section for 0.2.0 already")])
def test_what_is_missing_is_said_and_nothing_is_made(git, capfd, version, spoil, told):
    if spoil:
        spoil(git)
    before = state(git)
    assert release.main([version], git.root) == 1
    out, err = capfd.readouterr()
    assert err.startswith("No release was made.\n") and told in err and "git push" not in out
    assert state(git) == before


def no_wheel(git):
    git.request.getfixturevalue("quickly")


def hook(name):
    def spoil(git):
        no_wheel(git)
        path = git.root / ".git" / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
        path.chmod(0o755)
    return spoil


def fail(name, error=None):
    """Let one of the module's functions fail."""
    def spoil(git):
        no_wheel(git)

        def broken(*arguments, **options):
            raise error or release.Refused("a full disk")
        git.monkeypatch.setattr(release, name, broken)
    return spoil


def fail_at_the_end(git):
    """All is in its place but main, and then the learner's own file lies in the way."""
    no_wheel(git)
    real = release.git

    def broken(root, *arguments, **options):
        if arguments[0] == "merge":
            assert release.found(git.root, "refs/tags/v0.2.0") and (git.root / "dist/v0.2.0/SHA256SUMS").exists()
            raise release.Refused("a file lies in the way")
        return real(root, *arguments, **options)
    git.monkeypatch.setattr(release, "git", broken)


@pytest.mark.parametrize("spoil, told", [
    (hook("pre-commit"), "git commit failed: no"), (hook("reference-transaction"), "git "),
    (change("backend.py", "raise SystemExit('broken')"), "pip could not build the wheel"),
    (change("unet_course/__init__.py", "import nowhere"), "The wheel cannot be imported"),
    (change("notebooks/02_b.ipynb", nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 02")]))),
     "notebooks/02_b.ipynb: its set-up cell does not install v0.2.0"),
    (fail("tag_object"), "a full disk"), (fail("try_wheel"), "a full disk"), (fail_at_the_end, "a file lies in the way"),
    (fail("publish", KeyboardInterrupt()), "")])
def test_a_step_that_fails_takes_all_back(git, capfd, monkeypatch, request, spoil, told):
    git.monkeypatch, git.request = monkeypatch, request
    git("branch", "student")  # it goes back to where it was
    spoil(git)
    before = state(git)
    try:
        assert release.main(["0.2.0"], git.root) == 1
        assert told in capfd.readouterr().err
    except KeyboardInterrupt:
        assert not told
    monkeypatch.undo()
    assert state(git)[0] == before[0] and state(git) == before


def test_a_folder_without_git_is_refused(tmp_path):
    assert release.missing("0.2.0", tmp_path) == ["This is no git clone with a commit."]


@pytest.mark.full  # the wheel's builder is downloaded
def test_this_course_can_be_released(tmp_path):
    here, clone = Path(__file__).resolve().parents[2], tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(here), str(clone)], check=True)
    for command in (["checkout", "-q", "-B", "main"], ["remote", "remove", "origin"], ["config", "user.name", "Ann"], ["config", "user.email", "a@b.c"]):
        release.git(clone, *command)
    assert address.main(["ann/course"], clone) == 0
    (clone / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- All.\n", encoding="utf-8")
    release.git(clone, "add", "-A")
    release.git(clone, "commit", "-q", "-m", "An address")
    assert release.main(["99.0.0", "--tested"], clone) == 0
    (wheel,) = (clone / "dist" / "v99.0.0").glob("*.whl")
    assert wheel.stat().st_size > 1_000_000 and release.git(clone, "status", "--porcelain") == ""
    for name in release.git(clone, "ls-tree", "-r", "--name-only", "student", "notebooks").splitlines():
        if name.endswith(".ipynb"):
            cells = nbformat.reads(release.git(clone, "show", f"student:{name}"), 4).cells
            assert not any(cell.get("outputs") or "solution" in cell.metadata.get("tags", []) for cell in cells)
