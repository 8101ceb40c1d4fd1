"""The package's tests with the oldest versions that it supports, and with the newest that can be installed here.

``python course.py oldest`` takes the lower bounds of ``pyproject.toml``, on the oldest Python that is on this machine;
``python course.py newest`` takes no bounds, but for torch, of which a build without CUDA exists in one version (of torch,
too, where PIP_EXTRA_INDEX_URL names PyTorch's own index).
``python -m tools.elsewhere.versions 3.12`` takes the newest packages on another Python that is on this machine and checks
the notebooks there; on the newest Python it runs the package's tests, too.

The package's tests are its doctests and those files in ``tests`` that need nothing but the package, what it depends on, and
what tests are written with: not the notebooks' tools, no browser, no Jupyter. In which file that is so, its imports say.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.elsewhere.beside import ROOT, environment

if sys.version_info < (3, 11):
    import tomli as tomllib
else:
    import tomllib

TESTS_WITH = ["pytest>=8", "pytest-xdist>=3.5", "hypothesis>=6.100", "psutil>=5.9", "torchmetrics>=1.4"]
ALSO = ["nbformat>=5.10"]  # of Jupyter, for the doctests of student copies; of the notebooks' own tests it makes none runnable
NOTEBOOKS_WITH = ["nbval>=0.11", "ipykernel>=6.17"]
# By the name that is imported, where it is another than the one that is installed.
IMPORTED_AS = {"scikit-image": "skimage", "pillow": "PIL"}
# export_program needs torch 2.11, and says so
NOT_WITH_THE_OLDEST = "unet_course/own_data/export.py::unet_course.own_data.export.export_program"
OTHERS = [f"3.{minor}" for minor in (10, 12, 13) if minor != sys.version_info.minor]
# These train or take whole images, and what torch computes is the same on each Python
LONG = ("06", "07", "08", "09", "10", "11", "12", "13", "14")
# A tool that no user of the package meets, and thousands of answers to exercises
TAKES_LONG = {"test_mutants.py", "test_ablations.py", "test_bank.py"}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def find_python(version):
    """A Python of this version, such as "3.12", that is on this machine and can make environments; or None."""
    found = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for python in filter(None, found):
        if subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
            return Path(python)
    return None


def oldest_python():
    """The Python of the oldest version, from the one that the package asks for on, that is on this machine; or this one."""
    least = int(re.search(r"3\.(\d+)", project()["requires-python"]).group(1))
    found = (find_python(f"3.{minor}") for minor in range(least, sys.version_info.minor))
    return next(filter(None, found), Path(sys.executable))


def requirements(which):
    """What is installed together, as one string."""
    wanted = [re.split(r"\s*;", line)[0] for line in project()["dependencies"]]
    if which == "oldest":
        wanted = [line.replace(">=", "==") for line in wanted]
    else:
        torch = re.search(r"^torch==.*$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE).group(0)
        wanted = [*wanted, *project()["optional-dependencies"]["export"]]
        if "download.pytorch.org" in os.environ.get("PIP_EXTRA_INDEX_URL", ""):  # all builds are there
            torch = "torch"
        wanted = [torch if line.startswith("torch") else re.split(">=", line)[0] for line in wanted]
    return " ".join([*wanted, *TESTS_WITH, *ALSO, *(NOTEBOOKS_WITH if which[0] == "3" else [])])


def needs(path, seen=None):
    """What must be installed for a file to be imported: top-level names, also of the files of ours that it imports."""
    seen = set() if seen is None else seen
    if path in seen or not path.is_file():
        return set()
    seen.add(path)
    modules, nodes = set(), [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):  # what a function imports can be missing until it is called
            nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    names = {module.split(".")[0] for module in modules} - {"unet_course", "tools", "tests", *sys.stdlib_module_names}
    names -= {"tomllib", "tomli"}  # one of them is there: Python has the first from 3.11 on
    for module in modules:
        path = ROOT / module.replace(".", "/")
        names |= needs(path.with_suffix(".py"), seen) | needs(path / "__init__.py", seen)
    return names


def tests():
    """The package's tests: paths, in order."""
    names = [re.match(r"[\w-]+", line).group() for line in [*project()["dependencies"], *TESTS_WITH]]
    there = {"PIL", "IPython", *(IMPORTED_AS.get(name, name) for name in names)}  # these two come with others
    return ["unet_course", *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "tests").rglob("test_*.py"))
                             if needs(path) <= there and path.name not in TAKES_LONG)]


def main(arguments):
    which = arguments[0] if len(arguments) == 1 else ""
    if which not in ("oldest", "newest") and not re.fullmatch(r"3\.\d+", which):
        print("Wanted one word: oldest or newest, or another Python's version, such as 3.12.", file=sys.stderr)
        return 2
    base = {"oldest": oldest_python, "newest": lambda: Path(sys.executable)}.get(which, lambda: find_python(which))()
    if base is None:
        print(f"There is no Python {which} here.", file=sys.stderr)
        return 1
    # The course itself too, for its version; its files come from this tree.
    python = environment(f".venv-{which}", [requirements(which), "--no-deps -e ."], sees_course=False, base=base)
    version, listed = (subprocess.run([python, *ask], capture_output=True, text=True, check=True).stdout.splitlines()
                       for ask in (["--version"], ["-m", "pip", "list", "--format", "freeze"]))
    names = {re.match(r"[\w-]+", line).group() for line in project()["dependencies"]}
    print(*version, *(line for line in listed if line.split("==")[0] in names), flush=True)
    options, chosen = ["-m", "not full", "-n2", "--dist=loadfile"], tests()
    # What one old package's use of another is warned of is nobody's concern here; with the newest it is.
    if which == "oldest":
        options += ["-W", "ignore::DeprecationWarning", "--deselect", NOT_WITH_THE_OLDEST]
    if which[0] == "3":
        options += ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=900"]
        # With the oldest Python the package's tests run as `oldest`, with the newest here; between them, and with the
        # newest packages on the oldest Python, the notebooks do, and all the checks in them.
        if any(find_python(f"3.{later}") for later in range(int(which[2:]) + 1, 20)):
            chosen = []
        chosen += notebooks(which)
    return subprocess.run([python, "-m", "pytest", "-q", *options, *chosen], cwd=ROOT, env=surroundings()).returncode


def notebooks(python, pythons=OTHERS):
    """The notebooks of another Python: all short ones, and its share of the others."""
    found = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    turn = pythons.index(python) if python in pythons else 0
    share = LONG[turn::len(pythons)]
    return [path for path in found if Path(path).name[:2] in share or Path(path).name[:2] not in LONG]


def surroundings():
    """The environment variables of the tests: the course comes from this tree, and nothing from the Python that runs this."""
    calm = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "OMP_WAIT_POLICY": "PASSIVE",
            "OMP_NUM_THREADS": "1",  # two workers, two cores
            "UNET_COURSE_PROGRESS": "off"}
    calm.pop("VIRTUAL_ENV", None)
    return calm


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
