"""The command `grade`: what it understands, and what it calls. Nothing of torch is imported before it runs."""

from pathlib import Path

GRADE = "run students' notebooks within limits, try their answers with the course's own checks, and write a gradebook"
EXAMPLES = ["submitted --out grades.csv", "submitted --out grades.csv --seconds 600 --memory 4"]


def arguments(add):
    """Add the arguments of the command to a parser, whose ``add_argument`` is given."""
    add("submissions", metavar="SUBMISSIONS", help="a folder with a folder for each student, or with files as 02_ada.ipynb")
    add("--out", type=Path, default="grades.csv", metavar="FILE", help="the gradebook, a table (default: grades.csv)")
    add("--seconds", type=float, default=3600, metavar="X", help="for each notebook, by the clock (default: 3600)")
    add("--memory", type=float, default=6, metavar="GB", help="for each notebook (default: 6)")


def grade(chosen):
    """Run the command; its exit code."""
    from unet_course.classroom.grading.gradebook import grade

    rows = grade(chosen.submissions, chosen.out, seconds=chosen.seconds, cpu_seconds=2 * chosen.seconds,
                 cell_seconds=min(900, chosen.seconds / 2), memory=int(chosen.memory * 2**30),
                 report=lambda line: print(line, flush=True))
    look = sum(row.status in ("changed", "stopped", "unreadable") for row in rows)
    print(f"{len(rows)} exercises of {len({row.student for row in rows})} students in {chosen.out}"
          + (f"; look at {look} of them yourself" if look else ""))
    return 0
