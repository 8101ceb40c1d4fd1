"""The course in JupyterLab, in the learner's own copy: ``python course.py lab``.

The copies are the student's, in `my_course/`: what is written there stays. ``--language zh`` opens the Chinese ones, in
`my_course/zh`; ``--solutions`` opens `notebooks/`, with answers and outputs. Options of JupyterLab may follow.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat

from tools.notebooks.slides import environment, follow
from tools.website.address import INSTALLS
from unet_course.classroom.copies import NOTEBOOKS, find_notebooks, student_copy
from unet_course.data.files.saving import write_text

MINE = NOTEBOOKS.parent / "my_course"
RECORD = ".course.json"  # what each copy looked like when it was written
FIRST = "00_start_here.ipynb"
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def update(folder, notebooks=NOTEBOOKS, language="en"):
    """Bring the learner's copies up to date; what they have changed stays as it is.

    A notebook that is not there is written, and one that nobody has changed is replaced. Where the learner and the course
    have both changed one, the course's lands beside it, as `02_….new.ipynb`, once for each version.

    Returns
    -------
    list of str
        A line for each notebook that landed beside.
    """
    folder, lines = Path(folder), []
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        record = dict(record)
    except (OSError, TypeError, ValueError):
        record = {}
    for source in find_notebooks(notebooks, language):
        copy = student_copy(nbformat.read(source, as_version=4))
        copy.cells[0].source = re.sub(r"\[!\[Open in Colab\].*\n\n", "", copy.cells[0].source)  # it leads to the solutions
        name, beside, new = source.name, f"{source.stem}.new.ipynb", digest(copy)
        mine = digest_of(folder / name)
        if mine in (None, new) or mine == record.get(name):
            if mine != new:
                write_text(folder / name, nbformat.writes(copy) + "\n")
            record[name] = new
        elif record.setdefault(name, new) != new and record.get(beside) != new:
            if digest_of(folder / beside) in (None, record.get(beside)):
                write_text(folder / beside, nbformat.writes(copy) + "\n")
                record[beside] = new
                lines.append(f"{name} has a newer version; yours stays, the new one is beside it: {beside}")
            else:
                lines.append(f"{name} has a newer version; move {beside} away, which you have changed, and it will be written")
    write_text(folder / RECORD, json.dumps(record, indent=1) + "\n")
    return lines


def digest(notebook):
    """A checksum of what stands in the cells: running them changes nothing of it, nor does what Colab installs from where."""
    cells = [[cell.cell_type, re.sub(INSTALLS, "", cell.source, flags=re.MULTILINE)] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def digest_of(path):
    """The checksum of a file; None if there is none, and "unreadable" if it is no notebook."""
    if not path.exists():
        return None
    try:
        return digest(nbformat.read(path, as_version=4))
    except Exception:  # whatever it is, it is the learner's, and stays
        return "unreadable"


def command(folder):
    """What starts JupyterLab on the first notebook of a folder, for this machine only; the token stays."""
    in_container = getattr(os, "geteuid", lambda: 1)() == 0
    return [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={folder}",
            f"--LabApp.default_url=/lab/tree/{FIRST}", *(["--allow-root"] if in_container else [])]


def write_settings(folder):
    """Write a folder of Jupyter's configuration with which it asks nobody about news."""
    (folder / "labconfig").mkdir()
    (folder / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(QUIET), encoding="utf-8")
    (folder / "jupyter_server_config.json").write_text('{"LabApp": {"news_url": null}}', encoding="utf-8")


def main(arguments):
    """Update the copies and open them."""
    parser = argparse.ArgumentParser(prog="python course.py lab", description="Open the course in JupyterLab.",
                                     epilog="Other options go to JupyterLab, such as --no-browser.")
    parser.add_argument("--solutions", action="store_true", help="open notebooks/, with answers and outputs")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="zh: in Chinese (default: en)")
    chosen, options = parser.parse_known_args(arguments)
    folder = NOTEBOOKS if chosen.solutions else MINE
    folder = folder / "zh" if chosen.language == "zh" else folder
    if not chosen.solutions:
        print(*update(folder, language=chosen.language), f"Your own copy of the course is in {folder}.", sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as settings:
        write_settings(Path(settings))
        return follow([*command(folder), *options], environment(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
