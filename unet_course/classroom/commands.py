"""The commands for a class: what each understands, and what it calls.

Nothing of torch is imported before a command runs, so that `doctor` and `--help` work where it is missing.
"""

from pathlib import Path


def _nothing(add):
    pass


def _folder(add):
    add("out", metavar="OUT", help="the folder; made if it is not there")


def doctor(chosen):
    from unet_course.classroom.doctor import report

    return report()


def exercises(chosen):
    from unet_course.exercises.listing import listing

    print(listing())


def student(chosen):
    from unet_course.classroom.copies import student_copies

    print(f"{len(student_copies(chosen.out))} notebooks without solutions in {chosen.out}")


def nbgrader(chosen):
    from unet_course.classroom.copies import nbgrader_course

    points = nbgrader_course(chosen.out)
    print("\n".join([f"{name:32}{number:4} points" for name, number in points.items()]
                    + [f"{len(points)} assignments in {chosen.out}. With nbgrader installed, go there and begin with",
                       f"  nbgrader generate_assignment {next(iter(points))}"]))


def teacher(chosen):
    from unet_course.classroom.guide import teachers_guide

    print(f"{len(teachers_guide(chosen.out))} pages in {chosen.out}; begin with README.md")


def _grade_arguments(add):
    add("submissions", metavar="SUBMISSIONS", help="a folder with a folder for each student, or with files as 02_ada.ipynb")
    add("--out", type=Path, default="grades.csv", metavar="FILE", help="the gradebook, a table (default: grades.csv)")
    add("--seconds", type=float, default=3600, metavar="X", help="for each notebook, by the clock (default: 3600)")
    add("--memory", type=float, default=6, metavar="GB", help="for each notebook (default: 6)")


def grade(chosen):
    from unet_course.classroom.grading.gradebook import grade

    rows = grade(chosen.submissions, chosen.out, seconds=chosen.seconds, cpu_seconds=2 * chosen.seconds,
                 cell_seconds=min(900, chosen.seconds / 2), memory=int(chosen.memory * 2**30),
                 report=lambda line: print(line, flush=True))
    look = sum(row.status in ("changed", "stopped", "unreadable") for row in rows)
    print(f"{len(rows)} exercises of {len({row.student for row in rows})} students in {chosen.out}"
          + (f"; look at {look} of them yourself" if look else ""))
    return 0


# name: (what it does, examples, what adds its arguments, what runs it)
COMMANDS = {
    "doctor": ("look for what would keep the course from running", [""], _nothing, doctor),
    "exercises": ("list the exercises, with your progress", [""], _nothing, exercises),
    "student": ("write the notebooks without solutions and outputs into a folder", ["for_students"], _folder, student),
    "nbgrader": ("write the course for nbgrader, with points and locked checks, into a folder", ["for_nbgraders"], _folder,
                 nbgrader),
    "teacher": ("write the teacher's guide, a page for each notebook, into a folder", ["for_teachers"], _folder, teacher),
    "grade": ("run students' notebooks within limits, try their answers with the course's own checks, and write a gradebook",
              ["submitted --out grades.csv", "submitted --out grades.csv --seconds 600 --memory 4"], _grade_arguments, grade),
}
