"""Environments beside `.venv`, for packages that the course itself does not need: `.venv-bench`, `.venv-classroom` …

Each sees the course's own packages through a .pth file, so that torch is there once; `.venv-colab` alone does not, for its
packages are older ones.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(name, requirements, *options, sees_course=True, base=None):
    """The Python of a folder in the repository, which is made first if it is not there, or was made for another list.

    Parameters
    ----------
    name : str
        Of the folder, such as ".venv-classroom".
    requirements : list of str
        Installed one by one: what cannot be had is a line of output, and is tried again the next time. Several in one
        string are installed together.
    *options : str
        Of pip install. A file of constraints among them (``-c FILE``) counts as a part of the list.
    sees_course : bool, default True
        Whether the course and its packages can be imported there.
    base : path, optional
        Of the Python that makes the folder, and works there. Not given: this one.

    Returns
    -------
    Path
    """
    venv = ROOT / name
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    held = [(ROOT / file).read_text(encoding="utf-8") for flag, file in zip(options, options[1:]) if flag == "-c"]
    stamp = venv / "installed.txt"
    base = sys.executable if base is None else str(base)
    which = sys.version if base == sys.executable else base
    wanted = "\n".join([*requirements, *held, which, sysconfig.get_path("purelib"), str(ROOT)])
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Setting up {name}", flush=True)
    subprocess.run([base, "-m", "venv", "--clear", str(venv)], check=True)
    if sees_course:
        show_course(python)
    if all([install(python, requirement, *options) for requirement in requirements]):
        stamp.write_text(wanted, encoding="utf-8")
    return python


def show_course(python):
    """Let an environment see the course and its packages, behind its own."""
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    place = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    paths = dict.fromkeys([*(sysconfig.get_path(kind) for kind in ("purelib", "platlib")), str(ROOT)])
    (place / "course.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")


def install(python, requirement, *options):
    """Install one package; whether that went well."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, *requirement.split()]
    done = subprocess.run(command, cwd=ROOT).returncode == 0
    print(f"  {requirement}: {'installed' if done else 'not installed'}", flush=True)
    return done
