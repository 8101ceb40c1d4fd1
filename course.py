"""The course's tasks: `python course.py lab` opens it, `python course.py test` checks it.

Needs Python 3.10 or newer and nothing else. The first run installs the course in a folder `.venv` beside this file.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PIP = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"]
STAMP = VENV / "installed.txt"

# name: (what it does, what Python runs; arguments of yours are added)
TASKS = {
    "lab": ("open the course in JupyterLab, in your own copy (--solutions: with the answers)",
            ["-m", "tools.notebooks.lab"]),
    "quick": ("while you work: lint, the tests of what has changed, one notebook",
              ["-m", "tools.gates", "quick"]),
    "test": ("for every change: lint, tests, every notebook (parts: lint tests browser)",
             ["-m", "tools.gates", "test"]),
    "full": ("at night: test, and all that takes long (parts: lint tests browser oldest ...)",
             ["-m", "tools.gates", "full"]),
    "notebooks": ("run notebooks in place and refresh their times (names: 00 03 ...)",
                  ["-m", "tools.notebooks.run"]),
    "weights": ("train the small networks of data/weights again", ["-m", "tools.trained.weights"]),
    "bench": ("measure the course beside its peers (parts: peers scaling recipe large ...)",
              ["-m", "benchmarks"]),
    "ablations": ("train each variant of notebook 11 from three seeds, or go on with it (names: ...)",
                  ["-m", "tools.trained.ablations"]),
    "mutants": ("change each solution a little and see whether its check notices (ids: 4.2 ...)",
                ["-m", "tools.mutants.mutants"]),
    "colab": ("run the notebooks with Colab's versions, each alone (names: 00 03 ...)",
              ["-m", "tools.elsewhere.colab"]),
    "device": ("run notebooks on a second device, in pure Python (names: 05 07 ..., float32)",
               ["-m", "tools.elsewhere.device"]),
    "gpu": ("run everything on the GPU that is here, and write what was seen",
            ["-m", "tools.elsewhere.gpu"]),
    "classroom": ("run notebook 02 for a whole class at once, and measure (learners: 10 20 30)",
                  ["-m", "tools.elsewhere.classroom"]),
    "translate": ("take the English prose over into translations/, build notebooks/zh",
                  ["-m", "tools.notebooks.translate"]),
    "book": ("build the site in build/book", ["-m", "tools.website.book"]),
    "slides": ("open the notebooks as slides, for a projector", ["-m", "tools.notebooks.slides"]),
    "hard": ("thousands of damaged files, absurd arguments, kills, full disks (parts: fuzz kills)",
             ["-m", "tools.hard.cases"]),
    "oldest": ("the package's tests with the oldest versions that it supports",
               ["-m", "tools.elsewhere.versions", "oldest"]),
    "newest": ("the package's tests with the newest versions", ["-m", "tools.elsewhere.versions", "newest"]),
    "audit": ("compare the installed versions with the published list of known holes",
              ["-m", "tools.elsewhere.audit"]),
    "address": ("write the course's public address everywhere: OWNER/NAME",
                ["-m", "tools.website.address"]),
    "release": ("make a release on this machine, push nothing: VERSION (--dry-run, --tested)",
                ["-m", "tools.website.release"]),
    "links": ("ask every address outside whether it still answers", ["-m", "tools.website.links"]),
    "doctor": ("look for what would keep the course from running", ["-m", "unet_course", "doctor"]),
}


def main(arguments):
    if sys.version_info < (3, 10):
        return stop(f"This is Python {sys.version.split()[0]}; the course needs 3.10 or newer.")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # Windows writes to a log in an old code page
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__.strip(), "\n\nTasks:")
        print("\n".join(f"  python course.py {name:10} {text}" for name, (text, _) in TASKS.items()))
        return 0
    if arguments[0] not in TASKS:
        return stop(f"There is no task {arguments[0]!r}. There are: {', '.join(TASKS)}.")
    if install():
        return 1
    command = TASKS[arguments[0]][1] + arguments[1:]
    print("> python", *command, flush=True)
    return follow(command)


def follow(command):
    child = subprocess.Popen([PYTHON, *command], cwd=HERE, env=environment())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the command has had it too: JupyterLab, for one, then closes its kernels
            pass


def environment():
    """What the tasks see: UTF-8 on Windows too, and this folder's Jupyter before any other."""
    calm = {"OMP_WAIT_POLICY": "PASSIVE"}  # torch's waiting threads sleep; else they take a busy machine's cores
    return {**calm, **os.environ, "PYTHONUTF8": "1", "JUPYTER_PREFER_ENV_PATH": "1", "VIRTUAL_ENV": str(VENV),
            "PATH": str(PYTHON.parent) + os.pathsep + os.environ.get("PATH", "")}


def install():
    """Make .venv and install the course in it, unless that has been done with these very versions; 0 if it is there."""
    files = [HERE / "pyproject.toml", HERE / "constraints.txt"]
    wanted = hashlib.sha256(b"".join(f.read_bytes() for f in files) + sys.version.encode() + bytes(HERE)).hexdigest()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    print("Setting up .venv: the first time this downloads some hundred megabytes.", flush=True)
    try:
        STAMP.unlink(missing_ok=True)  # a run that is cut short must not look finished
        if not usable():
            run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    except (subprocess.CalledProcessError, OSError):
        return stop("Python could not make the folder .venv. On Debian and Ubuntu: sudo apt install python3-venv")
    try:
        run([*PIP, "-c", "constraints.txt", "-e", ".[lab,slides,export,test]"])
    except subprocess.CalledProcessError:
        return stop("pip could not install the course; its last lines above say why. Is the network there? If so, try again;\n"
                    "if it fails again, delete the folder .venv first.")
    STAMP.write_text(wanted)
    return 0


def usable():
    """Whether .venv has this very Python and a pip: then what you have added to it stays."""
    look = [PYTHON, "-c", "import sys, pip; sys.exit(sys.version != sys.argv[1])", sys.version]
    return PYTHON.exists() and subprocess.run(look, stderr=subprocess.DEVNULL).returncode == 0


def run(command):
    print(">", *(str(part).replace(str(HERE) + os.sep, "") for part in command), flush=True)
    subprocess.run(command, cwd=HERE, check=True)


def stop(message):
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
