"""Run notebooks in place, store them clean, and refresh what is said of their time.

``python course.py notebooks`` runs all, ``python course.py notebooks 02 05`` those two. A notebook is stored only if it
ran to its end. Its first cell and the README's map have the minutes that it takes a learner, as the teacher's guide
estimates them; ``python course.py notebooks --minutes`` writes these alone. What the computer takes is on the page of times.
"""

import os
import re
import sys
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.notebooks.files import write
from tools.notebooks.slide_types import tag
from unet_course.classroom.guide import part_minutes, sections

HERE = Path(__file__).resolve().parents[2]
BUDGETS = {"00": 20, "01": 20, "02": 20, "03": 20, "04": 30, "05": 30, "06": 120, "07": 60, "08": 60,
           "09": 90, "10": 120, "11": 180, "12": 180, "13": 120, "14": 60}  # CPU s / 2


def run(path):
    """Execute one notebook in a new kernel and store it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    float
        CPU seconds of its kernel divided by two cores.

    Raises
    ------
    CellExecutionError
        If a cell fails; the file is then left as it was.
    ValueError
        If something was written to stderr, such as a warning.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=900, kernel_name="python3", record_timing=False,
                            resources={"metadata": {"path": str(path.parent)}})
    with client.setup_kernel():
        kernel = psutil.Process(client.km.provisioner.process.pid)
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index)
            except Exception:
                print(f"{path.name}, cell {index}:", file=sys.stderr)
                raise
        # the first four: user and system time of the process and of the children that have already ended
        spent = sum(sum(p.cpu_times()[:4]) for p in [kernel, *kernel.children(recursive=True)])
    clean(notebook, path.name)
    stamp_minutes(notebook)
    tag(notebook)
    write(notebook, path)
    return spent / 2


def clean(notebook, name):
    """Take out what changes from run to run; refuse a warning."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    count = 0
    for index, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        if cell.source.strip():
            count += 1
            cell.execution_count = count
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                raise ValueError(f"{name}, cell {index}: something was written to stderr: {output.text[:300]}")
            if output.output_type == "execute_result":
                output.execution_count = count
            if output.output_type == "error":  # the stack is long, and full of paths of this machine
                output.traceback = [f"{output.ename}: {output.evalue}"]
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
            same = kept and output.output_type == "stream" and kept[-1].output_type == "stream"
            if same and kept[-1].name == output.name:
                kept[-1].text += output.text
            else:
                kept.append(output)
        cell.outputs = kept


def stamp_minutes(notebook):
    """Write what the notebook takes a learner into its first cell."""
    minutes = sum(round(part_minutes(cells)) for _, cells in sections(notebook))
    text = f"<!-- time -->{minutes} minutes<!-- /time -->"
    notebook.cells[0].source = re.sub(r"<!-- time -->.*?<!-- /time -->", text, notebook.cells[0].source)


def minutes(path):
    """The minutes that the first cell of a notebook states."""
    return int(re.search(r"<!-- time -->(\d+)", nbformat.read(path, as_version=4).cells[0].source)[1])


def refresh_map(readme, paths):
    """Put the minutes of these notebooks into the last column of a README's map."""
    text = readme.read_text(encoding="utf-8")
    for path in paths:
        row = rf"^(\| \[[^|]*/{path.name}\).*\|) \d* ?\|$"
        text = re.sub(row, rf"\1 {minutes(path)} |", text, flags=re.MULTILINE)
    readme.write_text(text, encoding="utf-8", newline="\n")


def refresh_table(seconds, page):
    """Put measured seconds, {name of a notebook: seconds}, into a page's time table; its heading and other rows stay."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split("<!-- times:start -->")
    old, tail = rest.split("<!-- times:end -->")
    heading = re.findall(r"^\|.*\|$", old, re.MULTILINE)[:2] or ["| notebook | measured | budget |", "|---|---|---|"]
    rows = {line.split("|")[1].strip(): line for line in old.splitlines() if re.match(r"\| \d\d_", line)}
    for name, spent in seconds.items():
        rows[name] = f"| {name} | {spent:.0f} s | {BUDGETS.get(name[:2], '–')} s |"
    table = ["", *heading, *(rows[n] for n in sorted(rows)), ""]
    page.write_text(head + "<!-- times:start -->" + "\n".join(table) + "<!-- times:end -->" + tail,
                    encoding="utf-8", newline="\n")


def main(arguments):
    """Run the notebooks whose names begin with one of the arguments, all if none is given."""
    os.environ["UNET_COURSE_PROGRESS"] = "off"  # what is stored shows nobody's progress
    os.environ["UNET_COURSE_LANGUAGE"] = "en"
    wanted = tuple(argument for argument in arguments if argument != "--minutes")
    paths = [p for p in sorted((HERE / "notebooks").glob("*.ipynb")) if not wanted or p.name.startswith(wanted)]
    if not paths:
        print(f"No notebook begins with {' or '.join(wanted)}.", file=sys.stderr)
        return 1
    if "--minutes" in arguments:
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            stamp_minutes(notebook)
            write(notebook, path)
    else:
        for path in paths:
            if not done(path):
                return 1
    for readme in sorted(HERE.glob("README*.md")):
        refresh_map(readme, paths)
    return 0


def done(path):
    """Run a notebook and say so; whether it ran to its end."""
    print(f"{path.stem} …", end=" ", flush=True)
    try:
        spent = run(path)
    except (CellExecutionError, CellTimeoutError, DeadKernelError, ValueError) as error:
        print(f"stopped; the file is left as it was.\n{error}", file=sys.stderr)
        return False
    print(f"{spent:.0f} s")
    for page in sorted(HERE.glob("book/**/times.md")):
        refresh_table({path.stem: spent}, page)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
