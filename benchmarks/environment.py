"""The peers' own environment: a folder `.venv-bench`, so that the course never depends on them.

It sees the course's packages through a .pth file, so that torch is there once, and holds the peers besides, installed
without what they ask for: that is the course's torch, or stands in peers.txt.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from benchmarks.measuring import ROOT

VENV = ROOT / ".venv-bench"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WANTED = Path(__file__).with_name("peers.txt")


def peers_python():
    """The Python of `.venv-bench`, which is made first if it is not there, or is of another list of peers."""
    stamp, wanted = VENV / "installed.txt", WANTED.read_text(encoding="utf-8") + sys.version + sysconfig.get_path("purelib")
    if PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return PYTHON
    print("Setting up .venv-bench", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    ask = [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    place = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    paths = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (place / "course.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
    if all([install(requirement) for requirement in requirements(WANTED.read_text(encoding="utf-8"))]):
        stamp.write_text(wanted, encoding="utf-8")  # what failed is tried again the next time
    return PYTHON


def requirements(text):
    """The lines of a requirements file without their comments.

    >>> requirements("# peers\\nmonai==1.6.1  # the reference\\n\\n")
    ['monai==1.6.1']
    """
    return [line for line in (line.split("#")[0].strip() for line in text.splitlines()) if line]


def install(requirement):
    """Install one package and nothing else; a peer that cannot be had is a line in the report, not the end."""
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", requirement]
    done = subprocess.run(command).returncode == 0
    print(f"  {requirement}: {'installed' if done else 'not installed'}", flush=True)
    return done
