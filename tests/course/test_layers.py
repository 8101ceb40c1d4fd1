"""Who imports whom in the package: one way, without a circle, from the file and not through a room's face."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "unet_course"
LINT = "from importlinter.cli import lint_imports_command as lint; lint()"


def lint(folder=ROOT):
    """Import-linter's word on the contract in pyproject.toml."""
    return subprocess.run([sys.executable, "-c", LINT, "--no-cache"], cwd=folder, capture_output=True,
                          text=True)


def test_imports_run_one_way():
    pytest.importorskip("importlinter")
    done = lint()
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file, line", [
    ("blocks.py", "from unet_course.unet import UNet"),
    ("metrics/pixels.py", "from unet_course.training.loop import fit"),
    ("own_data/plan.py", "from unet_course.exercises.core import check"),
    ("exercises/core.py", "def later():\n    from unet_course.own_data.train import train"),
    ("newcomer.py", "from unet_course.blocks import ConvBlock")])
def test_the_contract_can_be_broken(tmp_path, file, line):
    """A copy of the package's imports with one more, or with a file that has no place yet."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for path in PACKAGE.rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with open(tmp_path / "unet_course" / file, "a", encoding="utf-8") as broken:
        broken.write(f"\n\n{line}\n")
    assert lint(tmp_path).returncode == 1


def through_faces(source):
    """The imports of a file that go through the package's face, or a room's."""
    faces = {"unet_course", *(f"unet_course.{room.name}" for room in PACKAGE.iterdir() if room.is_dir())}
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return [f"from {node.module} import {name.name}" for node in nodes if node.module in faces for name in node.names
            if not (PACKAGE.parent / node.module.replace(".", "/") / f"{name.name}.py").exists()]


def test_nothing_inside_is_imported_through_a_face():
    assert through_faces("from unet_course.data import load_nuclei") == ["from unet_course.data import load_nuclei"]
    assert through_faces("from unet_course.figures import labs\nfrom unet_course.data.masks import two") == []
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    found = {path.relative_to(PACKAGE).as_posix(): through_faces(path.read_text(encoding="utf-8")) for path in files}
    assert len(files) > 60 and {name: lines for name, lines in found.items() if lines} == {}


def test_the_first_line_of_each_file_ends_with_its_notebook():
    """But for what a teacher runs: no notebook teaches that."""
    files = [path for path in PACKAGE.rglob("*.py")
             if not path.name.startswith("_") and "classroom" not in path.parts]
    first = {path: path.read_text(encoding="utf-8").split("\n")[0] for path in files}
    there = {path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert len(files) > 60
    for path, line in first.items():
        said = re.fullmatch(r'""".{10,}\w\W* \(([\d ]+)\)(""")?', line)
        assert said and set(said[1].split()) <= there and len(line) <= 100, path
