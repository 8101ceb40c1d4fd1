"""Which versions `oldest` and `newest` install, and which tests they run."""

import re

import pytest

from tools.elsewhere import versions


@pytest.mark.parametrize("index, held", [("", {"torch"}), ("https://download.pytorch.org/whl/cpu", set())])
def test_the_oldest_are_the_lower_bounds_and_the_newest_have_none(index, held, monkeypatch):
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", index)
    oldest, newest = (dict(re.findall(r"([\w-]+)((?:[=>]=[\w.]+)?)(?:\s|$)", versions.requirements(which))) for which in ("oldest", "newest"))
    bounds = dict(re.match(r"([\w-]+)>=([\d.]+)", line).groups() for line in versions.project()["dependencies"])
    assert {name: oldest[name] for name in bounds} == {name: f"=={bound}" for name, bound in bounds.items()}
    assert {name for name in bounds if newest[name]} == held


def test_another_python_has_what_the_notebooks_need():
    assert "nbval" in versions.requirements("3.12") and "nbval" not in versions.requirements("newest")


def test_short_notebooks_run_on_every_python_and_a_long_one_on_one_of_them():
    found = [[path[10:12] for path in versions.notebooks(python, ["3.10", "3.12", "3.13"])] for python in ("3.10", "3.12", "3.13")]
    everything = [path.name[:2] for path in sorted((versions.ROOT / "notebooks").glob("*.ipynb"))]
    assert sorted(set(sum(found, []))) == everything
    for number in everything:
        assert sum(number in some for some in found) == (1 if number in versions.LONG else 3), number


def test_no_bound_is_above_what_colab_has():
    """A bound that Colab's image does not meet would have pip replace Colab's own packages."""
    colab = dict(re.findall(r"^([\w-]+)==([\d.]+)", (versions.ROOT / "tests/course/colab-constraints.txt").read_text(), re.MULTILINE))
    for line in versions.project()["dependencies"]:
        name, bound = re.match(r"([\w-]+)>=([\d.]+)", line).groups()
        number = lambda version: tuple(map(int, version.split(".")))
        assert name not in colab or number(bound) <= number(colab[name]), line


def test_a_file_is_chosen_by_what_it_imports(tmp_path):
    chosen = versions.tests()
    assert chosen[0] == "unet_course" and {"tests/test_unet.py", "tests/own_data/test_export.py", "tests/training/test_loop.py"} <= set(chosen)
    assert not {"tests/course/test_notebooks.py", "tests/course/test_browser.py", "tests/tools/test_colab.py"} & set(chosen)
    file = tmp_path / "test_a.py"
    file.write_text("import os, yaml\nfrom numpy import linalg\nimport tools.notebooks.files\nif os:\n    import scipy\ndef later():\n    import onnx\n")
    assert {"yaml", "numpy", "nbformat", "scipy"} <= versions.needs(file) and not {"os", "onnx", "tools"} & versions.needs(file)


def test_the_oldest_python_is_one_that_the_package_supports():
    python = versions.oldest_python()
    assert python.is_file() and "python" in python.name


@pytest.mark.parametrize("words", [[], ["older"], ["oldest", "newest"]])
def test_another_word_is_refused(words, capsys):
    assert versions.main(words) == 2 and "oldest or newest" in capsys.readouterr().err
