"""The notebooks as Colab has them: an old IPython and ipywidgets, an empty folder, one notebook, the package from its wheel.

``python course.py colab`` runs all of them and checks them strictly; ``python course.py colab 02 05`` those two. What is
simulated: the versions in ``tests/course/colab-constraints.txt``, as far as this Python allows; with ``--current`` those
that Colab has published last, which needs the network. What is not: Colab's own Python and torch, its page, and its GPU.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import nbformat

from tools.elsewhere.beside import ROOT, environment

CONSTRAINTS = "tests/course/colab-constraints.txt"
PUBLISHED = "https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.txt"
CURRENT = "build/colab-current.txt"
THERE = "torch ipython ipykernel ipywidgets numpy matplotlib scikit-image scipy tifffile tqdm pooch"  # as in Colab's image


def current(published, constraints):
    """Constraints on the same packages, with the versions that a list of Colab's has; {name: (old, new)} where they differ.

    Examples
    --------
    >>> current("numpy==2.2\\nPooch==1.9.0\\nx @ file:///x.whl", "# Ours\\nnumpy==2.1.3; python_version > '3'\\npooch==1.9.0")
    ('numpy==2.2\\npooch==1.9.0\\n', {'numpy': ('2.1.3', '2.2')})
    """
    def versions(text):
        pairs = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
        return {re.sub("[-_.]+", "-", name).lower(): version for name, version in pairs}
    ours, theirs = versions(constraints), versions(published)
    new = {name: theirs[name] for name in ours if name in theirs}
    differ = {name: (ours[name], version) for name, version in new.items() if version != ours[name]}
    return "".join(f"{name}=={version}\n" for name, version in new.items()), differ


def base(constraints=CONSTRAINTS):
    """The Python of an environment with Colab's versions, and without the course."""
    torch = re.search(r"^torch==.*$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE).group(0)
    return environment(".venv-colab", [THERE.replace("torch", torch, 1)], "-c", constraints, sees_course=False)


def wheel(folder, root=ROOT):
    """Build the course's wheel from a tree; its path."""
    quiet = ["-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *quiet, "-w", str(folder), str(root)], check=True)
    (path,) = Path(folder).glob("unet_course-*.whl")
    return path


def fresh(folder, python):
    """An environment with nothing in it that sees `python`'s packages; its Python. What is installed lands in it."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    new = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    said = (subprocess.run([p, "-c", ask], capture_output=True, text=True, check=True).stdout for p in (python, new))
    seen, place = map(str.strip, said)
    (Path(place) / "colab.pth").write_text(seen + "\n", encoding="utf-8")
    return new


def would_install(python, package):
    """The packages that ``pip install package`` would bring, by name."""
    command = [python, "-m", "pip", "install", "--dry-run", "-q", "--disable-pip-version-check", "--report", "-", str(package)]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted(part["metadata"]["name"] for part in json.loads(report)["install"])


def run(path, package, python, folder):
    """Run one notebook alone in an empty folder and compare it strictly with what is stored.

    Parameters
    ----------
    path : Path
        Of the notebook.
    package : Path
        The wheel, which is put beside it; its first cell installs it.
    python : Path
        Of the environment with Colab's versions.
    folder : Path
        Empty; everything happens in it.

    Returns
    -------
    subprocess.CompletedProcess
        Of pytest; its output says what differs.
    """
    kernel = folder / "share" / "kernels" / "colab"
    kernel.mkdir(parents=True)
    new = fresh(folder / "venv", python)
    argv = [str(new), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Colab", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if "setup" in cell.metadata.get("tags", []):
            assert 'glob("unet_course-*.whl")' in cell.source, "the set-up cell takes no wheel from beside the notebook"
            cell.metadata["tags"] += ["nbval-ignore-output"]  # pip's advice to restart
    alone = folder / "content"
    alone.mkdir()
    nbformat.write(notebook, alone / path.name)
    shutil.copy(package, alone)
    for name in ("conftest.py", "sanitize.cfg"):  # how far a number may move, pytest is told here
        shutil.copy(ROOT / "notebooks" / name, alone)
    quiet = {**os.environ, "JUPYTER_PATH": str(folder / "share"), "HOME": str(folder), "PIP_NO_INDEX": "1",
             "PIP_DISABLE_PIP_VERSION_CHECK": "1", "OMP_WAIT_POLICY": "PASSIVE", "UNET_COURSE_PROGRESS": "off"}
    quiet.pop("VIRTUAL_ENV", None)
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-cell-timeout=900", "--nbval-kernel-name=colab",
               "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(alone), str(alone / path.name)]
    return subprocess.run(command, cwd=alone, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def refresh():
    """Write down the versions that Colab has now; say which have changed."""
    with urllib.request.urlopen(PUBLISHED, timeout=60) as answer:
        text, differ = current(answer.read().decode(), (ROOT / CONSTRAINTS).read_text(encoding="utf-8"))
    print("Colab has changed:", ", ".join(f"{name} {old} → {new}" for name, (old, new) in differ.items()) or "nothing")
    (ROOT / CURRENT).parent.mkdir(exist_ok=True)
    (ROOT / CURRENT).write_text(text, encoding="utf-8")
    return CURRENT


def main(arguments):
    wanted = [name for name in arguments if name != "--current"]
    python = base(refresh() if "--current" in arguments else CONSTRAINTS)
    with tempfile.TemporaryDirectory() as folder:
        package = wheel(folder)
        brings = would_install(fresh(Path(folder) / "venv", python), package)
        print(f"{package.name}; in Colab it brings: {', '.join(brings)}", flush=True)
        failed = brings != ["unet-course"]
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            if not wanted or path.name.startswith(tuple(wanted)):
                with tempfile.TemporaryDirectory() as empty:
                    done = run(path, package, python, Path(empty))
                print(f"{path.stem}: {done.stdout.strip().splitlines()[-1]}", flush=True)
                if done.returncode:
                    failed = True
                    print(done.stdout)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
