"""The notebooks with Colab's versions, each alone in an empty folder, the package from this tree's wheel."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools.elsewhere import colab
from tools.website.address import install_lines

ROOT = Path(__file__).resolve().parents[2]
# What the later ones need is the same; python course.py colab runs all of them, and takes its time.
NOTEBOOKS = sorted((ROOT / "notebooks").glob("0[0-5]*.ipynb"))


pytestmark = pytest.mark.full  # Colab's packages are downloaded


@pytest.fixture(scope="module")
def python():
    return colab.base()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return colab.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_alone_prints_what_is_stored(path, package, python, tmp_path):
    done = colab.run(path, package, python, tmp_path)
    assert done.returncode == 0, done.stdout[-6000:]
    assert sorted(p.name for p in (tmp_path / "content").iterdir() if p.suffix == ".ipynb") == [path.name]


def test_versions_are_colabs(python):
    ask = ("import IPython, ipykernel, ipywidgets, numpy, matplotlib, skimage, scipy;"
           "print(*(m.__version__ for m in (IPython, ipykernel, ipywidgets, numpy, matplotlib, skimage, scipy)))")
    said = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
    wanted = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / colab.CONSTRAINTS).read_text(encoding="utf-8"), re.MULTILINE))
    names = ("ipython", "ipykernel", "ipywidgets", "numpy", "matplotlib", "scikit-image", "scipy")
    assert said == [wanted[name] for name in names]
    none = subprocess.run([python, "-c", "import unet_course"], capture_output=True, text=True, cwd=Path(python).parent)
    assert "No module named 'unet_course'" in none.stderr


def test_package_brings_nothing_that_colab_has(package, python, tmp_path):
    assert colab.would_install(colab.fresh(tmp_path / "venv", python), package) == ["unet-course"]


def test_wheel_has_the_data_and_nothing_but_the_package(package):
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", str(package)], capture_output=True, text=True, check=True).stdout
    tops = {line.split("/")[0] for line in listed.splitlines()[1:]}
    assert tops == {"unet_course", next(t for t in tops if t.endswith(".dist-info"))}
    assert "unet_course/_data/weights/" in listed and "unet_course/_data/nuclei/" in listed


def test_labs_work_with_ipywidgets_7(package, python, tmp_path):
    """The tests of the labs, run by this Python's pytest on Colab's older packages."""
    new = colab.fresh(tmp_path / "venv", python)
    subprocess.run([new, "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check", str(package)], check=True)
    code = ("import ipywidgets, unet_course.widgets as w; assert ipywidgets.__version__.startswith('7.7');"
            "\nfor name in (n for n in dir(w) if n.endswith('_lab')):"
            "\n    lab = getattr(w, name)(); before = lab.picture.value; c = next(iter(lab.controls.values()))"
            "\n    c.value = next(v for v in choices(c) if v != c.value)"
            "\n    assert '<img' in lab.picture.value and lab.picture.value != before, name; print(name)")
    choices = ("def choices(c):\n    if hasattr(c, 'options'): return [o[1] if isinstance(o, tuple) else o for o in c.options]"
               "\n    if isinstance(c.value, bool): return [not c.value]"
               "\n    return [c.min, c.max] if hasattr(c, 'min') else ['1', '2']\n")
    done = subprocess.run([new, "-c", choices + code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.split()) == 8


def test_what_is_missing_or_different_is_noticed(package, python, tmp_path):
    notebook = nbformat.v4.new_notebook()
    code = nbformat.v4.new_code_cell(install_lines("x/y"), execution_count=1)
    code.metadata["tags"] = ["setup"]
    read = nbformat.v4.new_code_cell("open('data/nuclei/README.md').read(10)", execution_count=2)
    notebook.cells = [code, read]
    path = tmp_path / "needs_the_clone.ipynb"
    nbformat.write(notebook, path)
    empty = tmp_path / "empty"
    empty.mkdir()
    done = colab.run(path, package, python, empty)
    assert done.returncode == 1 and "FileNotFoundError" in done.stdout
