"""The two commands, the environment file and the address: what a fresh clone stands on."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import course
from tools.website import address

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

HERE = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))


def test_course_py_is_short_and_needs_the_standard_library_only():
    source = (HERE / "course.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) < 150
    imported = {name.name.split(".")[0] for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import)
                for name in node.names}
    imported |= {node.module.split(".")[0] for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


def test_help_lists_every_task():
    printed = subprocess.run([sys.executable, "course.py", "--help"], cwd=HERE, capture_output=True, text=True, check=True)
    for task in ("lab", "quick", "test", "full", "notebooks", "weights", "bench", "ablations", "address", "doctor"):
        assert f"course.py {task}" in printed.stdout


def test_unknown_task_is_named():
    run = subprocess.run([sys.executable, "course.py", "tset"], cwd=HERE, capture_output=True, text=True)
    assert run.returncode == 1 and "'tset'" in run.stderr and "test" in run.stderr


def test_an_old_code_page_does_not_stop_it():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    run = subprocess.run([sys.executable, "course.py", "编码"], cwd=HERE, capture_output=True, env=environment)
    assert run.returncode == 1 and b"There is no task" in run.stderr


def test_a_task_has_the_arguments_and_its_exit_code_is_kept(monkeypatch):
    seen = []
    monkeypatch.setattr(course, "install", lambda: 0)
    monkeypatch.setattr(course, "follow", lambda command: seen.append(command) or 3)
    for gate in ("quick", "test", "full"):  # what these run and report, test_gates.py looks at
        assert course.main([gate, "lint"]) == 3 and seen[-1] == ["-m", "tools.gates", gate, "lint"]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder in which course.py would work, and the list of the commands that it would run."""
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(HERE / name, tmp_path)
    commands = []
    monkeypatch.setattr(course, "HERE", tmp_path)
    monkeypatch.setattr(course, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(course, "STAMP", tmp_path / "installed.txt")
    monkeypatch.setattr(course, "run", lambda command: commands.append("venv" if "venv" in command else "pip"))
    return tmp_path, commands


@pytest.mark.parametrize("usable, expected", [(False, ["venv", "pip"]), (True, ["pip"])])
def test_install_makes_or_updates_the_environment_once(clone, monkeypatch, usable, expected):
    folder, commands = clone
    monkeypatch.setattr(course, "usable", lambda: usable)
    assert course.install() == 0 and commands == expected
    (folder / "python").touch()
    assert course.install() == 0 and commands == expected  # the second time there is nothing to do
    (folder / "constraints.txt").write_text("numpy==2.0\n")
    assert course.install() == 0 and commands == expected * 2


def test_a_failing_pip_leaves_no_stamp(clone, monkeypatch, capsys):
    def fail(command):
        raise subprocess.CalledProcessError(1, command)

    folder, _ = clone
    (folder / "installed.txt").write_text("an older install")
    monkeypatch.setattr(course, "usable", lambda: True)
    monkeypatch.setattr(course, "run", fail)
    assert course.install() == 1 and not (folder / "installed.txt").exists()
    assert "pip could not install the course" in capsys.readouterr().err


def test_ci_runs_the_same_command():
    assert (HERE / ".ci/run").read_text().strip().splitlines()[-1] == "python3 course.py test"
    workflow = yaml.safe_load((HERE / ".github/workflows/test.yml").read_text())
    job = workflow["jobs"]["test"]
    assert workflow[True] == {"push": None, "pull_request": None}  # YAML takes "on" for a truth value
    assert job["steps"][-1]["run"] == "python course.py test"
    assert {s.split("-")[0] for s in job["strategy"]["matrix"]["os"]} == {"ubuntu", "macos", "windows"}
    assert job["strategy"]["matrix"]["python"] == ["3.10", "3.13"]


def bounds(lines):
    """{package: lower bound} of requirement lines, with conda's names turned into PyPI's."""
    names = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
    pairs = [re.match(r"([\w.-]+)(?:>=([\d.]+))?", line).groups() for line in lines]
    return {names.get(name, name): bound for name, bound in pairs}


def test_environment_yml_has_the_packages_of_pyproject():
    packages = yaml.safe_load((HERE / "environment.yml").read_text())["dependencies"]
    conda = bounds(p for p in packages if isinstance(p, str))
    assert conda.pop("python") == PROJECT["project"]["requires-python"].removeprefix(">=")
    conda.pop("pip")
    wanted = bounds(PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["lab"])
    assert conda == wanted
    assert packages[-1] == {"pip": ["-e ."]}


@pytest.mark.skipif(shutil.which("jupyter-repo2docker") is None, reason="jupyter-repo2docker is not installed")
def test_repo2docker_accepts_the_repository():
    run = subprocess.run(["jupyter-repo2docker", "--no-build", "--debug", str(HERE)], capture_output=True, text=True)
    assert run.returncode == 0 and "environment.yml" in run.stdout + run.stderr


def test_runtime_requirements_are_loose_lower_bounds():
    for line in PROJECT["project"]["dependencies"]:
        assert re.fullmatch(r"[\w-]+>=[\d.]+(; python_version < '3\.11')?", line), line


def test_constraints_name_every_package_of_the_two_commands():
    pinned = {line.split("==")[0].lower() for line in (HERE / "constraints.txt").read_text().splitlines() if "==" in line}
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = bounds(PROJECT["project"]["dependencies"] + extras["lab"] + extras["slides"] + extras["test"])
    assert {name.lower() for name in wanted} <= pinned
    assert "torch==2.13.0" in (HERE / "constraints.txt").read_text()


def test_address_stands_in_one_place_and_everything_is_written_from_it(tmp_path):
    for part in ("notebooks", "book", "pyproject.toml", "README.md", "README.zh-CN.md", "CITATION.cff"):
        copy = shutil.copytree if (HERE / part).is_dir() else shutil.copy
        copy(HERE / part, tmp_path / part)
    notebooks = sorted((tmp_path / "notebooks").rglob("*.ipynb"))
    pages = [tmp_path / page for page in address.PAGES]
    files = [*notebooks, tmp_path / "pyproject.toml", *pages, tmp_path / "CITATION.cff"]
    before = [f.read_bytes() for f in files]
    assert address.main(["ann/u-net.course"], tmp_path) == 0
    for path in notebooks:
        text = path.read_text(encoding="utf-8")
        assert "OWNER" not in text and text.count("[![Open in Colab]") == 1
        assert text.count("ann/u-net.course") >= 3  # badge, address, page of releases
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert "OWNER" not in text.replace("`python course.py address OWNER/NAME`", "")
        there = text.count("ann/u-net.course"), text.count("](https://ann.github.io/u-net.course/"), text.count("ann%2Fu-net.course")
        assert there == ((3, 2, 0) if path.name.startswith("README") else (0, 0, 1))  # Colab, Binder, clone; site, live; hub
    assert "\nrepository-code: https://github.com/ann/u-net.course\n" in files[-1].read_text(encoding="utf-8")
    assert address.main([address.UNKNOWN], tmp_path) == 0
    assert [f.read_bytes() for f in files] == before


@pytest.mark.parametrize("wrong", ["no-slash", "a/b/c", "https://github.com/a/b", "a /b"])
def test_wrong_address_is_refused(wrong, tmp_path, capsys):
    assert address.main([wrong], tmp_path) == 1
    assert "OWNER/NAME" in capsys.readouterr().err


@pytest.mark.parametrize("page", address.PAGES)
def test_a_page_says_what_is_known_of_the_address(page):
    text = (HERE / page).read_text(encoding="utf-8")
    assert text.count(f"<!-- address:start -->\n{address.text_of(address.address(), page)}\n<!-- address:end -->") == 1


SETUP = """import sys
from IPython.core.interactiveshell import InteractiveShell
sys.modules["unet_course"] = None  # as where it is not installed
shell = InteractiveShell.instance(colors="NoColor")
def pip(line):
    print("pip", line)
    if line.endswith(".whl"):
        sys.modules["unet_course"] = sys
shell.register_magic_function(pip, magic_name="pip")
shell.run_cell(sys.argv[1])
"""


@pytest.mark.parametrize("wheels, installed", [
    ([], "git+https://github.com/ann/u-net@v"), (["a-1.whl", "unet_course-0.1.0-py3-none-any.whl"], "unet_course-0.1.0"),
    (["unet_course-0.1.0-py3-none-any.whl", "unet_course-0.2.0-py3-none-any.whl"], "unet_course-0.2.0")])
def test_a_set_up_cell_takes_the_wheel_beside_it_or_the_address(wheels, installed, tmp_path):
    for name in wheels:
        (tmp_path / name).touch()
    cell = address.install_lines("ann/u-net")
    ran = subprocess.run([sys.executable, "-c", SETUP, cell + "print('there')"], cwd=tmp_path,
                         env={**os.environ, "IPYTHONDIR": str(tmp_path)}, capture_output=True, text=True, check=True)
    said = ran.stdout.strip().splitlines()
    assert said[0].startswith("pip install -qqq --no-deps " + installed)
    if wheels:
        assert said[1:] == ["there"]
    else:  # the last line says what to do
        assert "there" not in said and said[-1].startswith("RuntimeError: git+https") and said[-1].endswith(
            f"Download unet_course-{address.release()}-py3-none-any.whl from github.com/ann/u-net/releases, "
            "put it beside this notebook and run this cell again.")


def test_set_up_cells_follow_the_version(tmp_path):
    (tmp_path / "notebooks").mkdir()
    shutil.copy(HERE / "notebooks" / "00_start_here.ipynb", tmp_path / "notebooks")
    text = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(re.sub('(?m)^version = .*', 'version = "7.8.9"', text), encoding="utf-8")
    assert address.main([], tmp_path) == 0
    written = (tmp_path / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8")
    assert "@v7.8.9" in written and f"v{address.release()}" not in written and address.release() not in written


def test_importing_the_package_brings_in_no_notebook_program():
    code = "import sys, unet_course; print([m for m in ('IPython', 'ipywidgets', 'jupyterlab') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["blocks", "unet"])
def test_the_network_imports_torch_and_nothing_else(module):
    source = (HERE / "unet_course" / f"{module}.py").read_text(encoding="utf-8")
    names = [n.name if isinstance(node, ast.Import) else node.module for node in ast.walk(ast.parse(source))
             if isinstance(node, (ast.Import, ast.ImportFrom)) for n in node.names]
    assert {n.split(".")[0] for n in names} <= {"torch", "math", "unet_course"}
    assert {n for n in names if n.startswith("unet_course")} <= {"unet_course.blocks"}


def test_modules_stay_small():
    package = HERE / "unet_course"
    sizes = {path.relative_to(package).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
             for path in package.rglob("*.py")}
    checks = {name: n for name, n in sizes.items() if name.startswith("exercises/nb")}  # one after the other
    assert len(sizes) > 60 and {name: n for name, n in (sizes.items() - checks.items()) if n > 380} == {}
    assert {name: n for name, n in checks.items() if n > 500} == {}


@pytest.mark.parametrize("file", ["blocks.py", "unet.py", "training/loop.py", "training/batches.py"])
def test_what_a_learner_reads_fits_a_page(file):
    lines = (HERE / "unet_course" / file).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 100] == []


def test_package_is_found_where_the_wheel_would_put_it():
    assert importlib.util.find_spec("unet_course") is not None
    targets = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert targets["force-include"] == {"data": "unet_course/_data"}
