"""Environments beside `.venv`, for packages that the course itself does not need: `.venv-bench`, `.venv-classroom`.

Each sees the course's own packages through a .pth file, so that torch is there once.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(name, requirements, *options):
    """The Python of a folder in the repository, which is made first if it is not there, or was made for another list.

    Parameters
    ----------
    name : str
        Of the folder, such as ".venv-classroom".
    requirements : list of str
        Installed one by one: what cannot be had is a line of output, and is tried again the next time.
    *options : str
        Of pip install.

    Returns
    -------
    Path
    """
    venv = ROOT / name
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = venv / "installed.txt", "\n".join([*requirements, sys.version, sysconfig.get_path("purelib"), str(ROOT)])
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Setting up {name}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    place = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    paths = dict.fromkeys([*(sysconfig.get_path(kind) for kind in ("purelib", "platlib")), str(ROOT)])
    (place / "course.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
    if all([install(python, requirement, *options) for requirement in requirements]):
        stamp.write_text(wanted, encoding="utf-8")
    return python


def install(python, requirement, *options):
    """Install one package; whether that went well."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, requirement]
    done = subprocess.run(command, cwd=ROOT).returncode == 0
    print(f"  {requirement}: {'installed' if done else 'not installed'}", flush=True)
    return done
