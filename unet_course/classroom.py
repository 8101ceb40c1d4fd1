"""Copies of the notebooks for a class: the student's, without solutions and outputs."""

import os
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def student_copies(out, notebooks=NOTEBOOKS):
    """Write the notebooks without their solutions and outputs; everything else is equal.

    Parameters
    ----------
    out : path
        A folder; it is made if it is not there. A notebook that lies there already is never written over, because it
        may be a student's work.
    notebooks : path, optional
        Where the course's notebooks are: by default, the folder beside the package, as in a clone of the course.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    FileNotFoundError
        If there is no notebook in `notebooks`.
    FileExistsError
        If one of the names is taken in `out`; then nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     student_copies(folder)[0].name
    '00_start_here.ipynb'
    """
    import nbformat  # it comes with Jupyter; the rest of the package does without

    sources = sorted(Path(notebooks).glob("[0-9][0-9]_*.ipynb"))
    if not sources:
        raise FileNotFoundError(f"notebooks: no notebook such as 02_….ipynb in {notebooks}; give the folder of a clone "
                                "of the course that is named notebooks")
    out = Path(out)
    taken = [source.name for source in sources if (out / source.name).exists()]
    if taken:
        raise FileExistsError(f"out: {out} holds {taken[0]} already, which may be somebody's work; give an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    return [_write(student_copy(nbformat.read(source, as_version=4)), out / source.name) for source in sources]


def student_copy(notebook):
    """Take the solutions and outputs out of a notebook; it is changed in place and returned."""
    notebook.cells = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _write(notebook, path):
    """Write beside, then rename: a notebook is never half there."""
    import nbformat

    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path
