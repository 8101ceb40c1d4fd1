"""Copies of the notebooks for a class: the student's, without solutions and outputs, and those for nbgrader."""

import re
from pathlib import Path

from unet_course.data.files.saving import write_text, written
from unet_course.exercises.core import Exercise

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def student_copies(out, notebooks=NOTEBOOKS, *, language="en"):
    """Write the notebooks without their solutions and outputs; everything else is equal.

    Parameters
    ----------
    out : path
        A folder; it is made if it is not there. A notebook that lies there already is never written over, because it
        may be a student's work.
    notebooks : path, optional
        Where the course's notebooks are: by default, the folder beside the package, as in a clone of the course.
    language : {"en", "zh"}, default "en"
        Those that are not there in Chinese are written in English.

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
    ValueError
        If there is no such language.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     student_copies(folder)[0].name
    '00_start_here.ipynb'
    """
    import nbformat  # it comes with Jupyter; the rest of the package does without

    sources, out = find_notebooks(notebooks, language), Path(out)
    taken = [source.name for source in sources if (out / source.name).exists()]
    if taken:
        raise FileExistsError(f"out: {out} holds {taken[0]} already, which may be somebody's work; give an empty folder")
    return [_write(student_copy(nbformat.read(source, as_version=4)), out / source.name) for source in sources]


def find_notebooks(notebooks=NOTEBOOKS, language="en"):
    """The course's notebooks in order, in another language where they are there in it."""
    if language not in ("en", "zh"):
        raise ValueError(f"language is {language!r}; wanted 'en' or 'zh'")
    folders = [Path(notebooks), *([Path(notebooks) / language] if language != "en" else [])]
    named = {path.name: path for folder in folders for path in folder.glob("[0-9][0-9]_*.ipynb")}
    found = [named[name] for name in sorted(named)]
    if not found:
        raise FileNotFoundError(f"notebooks: no notebook such as 02_….ipynb in {notebooks}; give the folder of a clone "
                                "of the course that is named notebooks")
    return found


def student_copy(notebook):
    """A notebook without solutions and outputs, for a folder with all languages; it is changed in place and returned."""
    for cell in without_answers(notebook).cells:
        if cell.cell_type != "code":  # a Chinese notebook leads to an English one, which lies beside it here
            cell.source = re.sub(r"\]\(\.\./(\d\d_)", r"](\1", cell.source)
    return notebook


def without_answers(notebook):
    """Take the solutions and outputs out of a notebook; it is changed in place and returned."""
    notebook.cells = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _write(notebook, path):
    import nbformat

    write_text(path, nbformat.writes(notebook) + "\n")
    return path

CONFIG = '''"""The gradebook of the course: run nbgrader's commands in this folder."""

import os

os.environ["UNET_COURSE_PROGRESS"] = "off"  # what students pass is not the teacher's progress

c = get_config()
c.CourseDirectory.course_id = "unet-step-by-step"
c.ClearSolutions.code_stub = {"python": ""}  # the stub stands above the solution, and stays
c.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "END SOLUTION"
c.ExecutePreprocessor.timeout = 900  # seconds for a cell; the trainings of notebook 06 take minutes on a slow machine
# Before a notebook runs: what it puts in the place of what the checks use is seen, and named.
WITNESS = "from unet_course.classroom.grading.kernel import stand; stand(); del stand"
c.ExecutePreprocessor.extra_arguments = [f"--IPKernelApp.exec_lines={WITNESS}"]
'''


def nbgrader_course(out, notebooks=NOTEBOOKS):
    """Write the course for nbgrader: one assignment for each notebook, with points, solution regions and locked checks.

    Parameters
    ----------
    out : path
        A folder that is not there yet, or is empty.
    notebooks : path, optional
        As for `student_copies`.

    Returns
    -------
    dict of str to int
        The points of each assignment: as many for an exercise as it takes minutes.

    Raises
    ------
    FileNotFoundError
        If there is no notebook in `notebooks`.
    FileExistsError
        If `out` holds something already; then nothing is written.

    Notes
    -----
    nbgrader itself (``pip install "unet-course[classroom]"``) is needed to use the folder, not to write it. A student's
    answer is graded by the very check that the student has seen, in a cell that nbgrader writes
    anew before grading; the kernel is started with what notices that a notebook has replaced or
    emptied what the check uses, see `unet_course.classroom.grading.kernel.stand`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nbgrader_course(folder)["00_start_here"]
    14
    """
    import nbformat

    sources, out = find_notebooks(notebooks), Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"out: {out} is there already, and may hold somebody's grades; give a new or an empty folder")
    points = {}
    with written(out) as beside:
        for source in sources:
            assignment = with_grading(nbformat.read(source, as_version=4))
            points[source.stem] = sum(cell.metadata.nbgrader.get("points", 0) for cell in assignment.cells
                                      if "nbgrader" in cell.metadata)
            _write(assignment, beside / "source" / source.stem / source.name)
        write_text(beside / "nbgrader_config.py", CONFIG)
    return points


def with_grading(notebook):
    """Turn exercises into nbgrader's answer cells, each followed by a locked cell with points; changed in place."""
    import nbformat

    solutions = {}
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            id, _, answer = asked(cell.source)
            solutions[id] = cell.source.replace("# @title Solution\n", ""), answer
    cells = []
    for cell in student_copy(notebook).cells:
        cells.append(cell)
        if "exercise" in cell.metadata.get("tags", []):
            id, call, name = asked(cell.source)
            solution, answer = solutions[id]
            solution = solution[: solution.rindex(f'check("{id}"')].strip()
            handed = "" if answer == name else f"{name} = {answer}"
            region = "\n\n".join(part for part in (solution, handed) if part)
            region = f"### BEGIN SOLUTION\n{region}\n### END SOLUTION"
            cell.source = cell.source[: cell.source.rindex(call)].rstrip() + f"\n\n\n{region}\n\n{call}"
            cell.metadata.nbgrader = nbgrader_metadata(f"answer-{id}", solution=True)
            grade = nbformat.v4.new_code_cell(
                f"# Exercise {id}: {Exercise.registry[id].minutes} points if it is passed\n"
                f"from unet_course.exercises import check\n\n{call}.require()")
            grade.metadata = nbformat.from_dict({
                "tags": ["raises-exception"],  # an exercise that is left out does not stop Run All
                "nbgrader": nbgrader_metadata(f"check-{id}", points=Exercise.registry[id].minutes)})
            cells.append(grade)
    notebook.cells = cells
    return notebook


def asked(source):
    """(id, the call of `check`, what is handed to it) at the end of an exercise or a solution.

    Examples
    --------
    >>> asked('pad = ...\\n\\ncheck("4.1", pad)')
    ('4.1', 'check("4.1", pad)', 'pad')
    """
    found = re.search(r'^check\("([\d.]+)", (.+)\)\s*\Z', source, re.M | re.S)
    return found.group(1), found.group(0).strip(), found.group(2)


def nbgrader_metadata(name, *, solution=False, points=None):
    """What nbgrader wants to know of a cell: whether it is an answer, or a locked cell that gives points."""
    about = {"schema_version": 3, "cell_type": "code", "grade_id": name.replace(".", "-"), "solution": solution,
             "grade": points is not None, "locked": not solution, "task": False}
    return about if points is None else {**about, "points": points}
