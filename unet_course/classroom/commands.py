"""The commands for a class: what each understands, and what it calls.

Nothing of torch is imported before a command runs, so that `doctor` and `--help` work where it is missing.
"""

from pathlib import Path


def _nothing(add):
    pass


def _folder(add):
    add("out", metavar="OUT", help="the folder; made if it is not there")


def _language_arguments(add):
    _folder(add)
    add("--language", choices=("en", "zh"), default="en", help="zh: in Chinese, where there is a translation (default: en)")


def doctor(chosen):
    from unet_course.classroom.doctor import report

    return report()


def exercises(chosen):
    from unet_course.exercises.listing import listing

    print(listing())


def _certificate_arguments(add):
    add("out", metavar="OUT", help="the page to write; its name ends in .html, a browser prints it")
    add("--name", default="", metavar="NAME", help="whose it is (default: a line to write on)")
    add("--language", choices=("en", "zh"), help="zh: in Chinese (default: what the system speaks, else English)")


def certificate(chosen):
    from unet_course.classroom.certificate import certificate
    from unet_course.classroom.words import speaking

    with speaking(chosen.language):
        page = certificate(chosen.out, chosen.name)
    print(f"{page}: open it in a browser, and print it from there")


def student(chosen):
    from unet_course.classroom.copies import student_copies

    print(f"{len(student_copies(chosen.out, language=chosen.language))} notebooks without solutions in {chosen.out}")


def nbgrader(chosen):
    from unet_course.classroom.copies import nbgrader_course

    points = nbgrader_course(chosen.out)
    print("\n".join([f"{name:32}{number:4} points" for name, number in points.items()]
                    + [f"{len(points)} assignments in {chosen.out}. With nbgrader installed, go there and begin with",
                       f"  nbgrader generate_assignment {next(iter(points))}"]))


def teacher(chosen):
    from unet_course.classroom.lessons import teachers_folder

    print(f"{len(teachers_folder(chosen.out, language=chosen.language))} pages in {chosen.out}; begin with README.md")


def _grade_arguments(add):
    add("submissions", metavar="SUBMISSIONS", help="a folder with a folder for each student, or "
        "with files as 02_ada.ipynb; or the .zip of such a folder that Moodle or Canvas gives")
    add("--out", type=Path, default="grades.csv", metavar="FILE", help="the gradebook, a table (default: grades.csv)")
    add("--seconds", type=float, default=3600, metavar="X", help="for each notebook, by the clock (default: 3600)")
    add("--memory", type=float, default=6, metavar="GB", help="for each notebook (default: 6)")
    add("--moodle", type=Path, metavar="FILE", help="also write a table for Moodle's import of "
        "grades: a row for each student, percent for each notebook and in total, '-' where there "
        "is no grade. When importing, choose UTF-8 and comma, map 'Email address' (or 'ID number') "
        "and each notebook; leave the total out where Moodle sums up. Moodle refuses the whole "
        "file for one student it does not know")
    add("--canvas", type=Path, metavar="FILE", help="also write a table for Canvas's gradebook "
        "import (head: Student, ID, SIS User ID, SIS Login ID, Section): points, and a row with "
        "those possible; Canvas passes over the total, 'Final Points', and sums up by itself. An "
        "empty cell is no grade and clears one that stands there")
    add("--students", type=Path, metavar="LIST", help="the class as Moodle (grades or "
        "participants) or Canvas (gradebook) exports it, CSV: who a folder or file belongs to is "
        "found by full name, email address, its part before the @, or any number in the list, and "
        "the list's own columns go into the tables. Without it the tables hold the names of "
        "folders or files as they are (and Canvas's ID, where Canvas has named the file)")
    add("--identifier", default="Email address", metavar="HEAD", help="without --students: what "
        "the names of your folders or files are, the head of the first column for Moodle, such as "
        "'ID number' (default: 'Email address')")


def grade(chosen):
    from unet_course.classroom.grading.gradebook import grade
    from unet_course.classroom.guesses import guesses_in, histogram

    rows = grade(chosen.submissions, chosen.out, seconds=chosen.seconds, cpu_seconds=2 * chosen.seconds,
                 cell_seconds=min(900, chosen.seconds / 2), memory=int(chosen.memory * 2**30),
                 report=lambda line: print(line, flush=True), moodle=chosen.moodle,
                 canvas=chosen.canvas, students=chosen.students, identifier=chosen.identifier)
    look = sum(row.status in ("changed", "stopped", "unreadable") for row in rows)
    exercises, students = sum(row.exercise != "" for row in rows), {row.student for row in rows}
    print(f"{exercises} exercises of {len(students)} students in {chosen.out}"
          + (f"; look at {look} of its rows yourself" if look else ""))
    found = guesses_in(chosen.submissions)[0] if Path(chosen.submissions).is_dir() else {}
    if any(found.values()):
        print("What they have guessed:", *histogram(found), sep="\n")
    return 0


def _guesses_arguments(add):
    add("folder", metavar="FOLDER", help="with progress files (.json) or notebooks (.ipynb), in "
        "it or in a folder for each student")


def guesses(chosen):
    from unet_course.classroom.guesses import guesses_in, histogram

    found, unreadable = guesses_in(chosen.folder)
    print("\n".join([*histogram(found), *(f"Not read: {line}" for line in unreadable)]))


# name: (what it does, examples, what adds its arguments, what runs it)
COMMANDS = {
    "doctor": ("look for what would keep the course from running", [""], _nothing, doctor),
    "exercises": ("list the exercises, with your progress", [""], _nothing, exercises),
    "certificate": ("write a page that says what you have passed, made here from your progress",
                    ["passed.html --name Ada"], _certificate_arguments, certificate),
    "student": ("write the notebooks without solutions and outputs into a folder",
                ["for_students", "for_students --language zh"], _language_arguments, student),
    "nbgrader": ("write the course for nbgrader, with points and locked checks, into a folder", ["for_nbgraders"], _folder,
                 nbgrader),
    "teacher": ("write the teacher's guide, a page for each notebook, into a folder, with lesson plans, "
                "open questions and a survey", ["for_teachers", "for_teachers --language zh"], _language_arguments,
                teacher),
    "grade": ("run students' notebooks within limits, try their answers with the course's own checks, and write a gradebook",
              ["submitted --out grades.csv", "submitted --out grades.csv --seconds 600 --memory 4",
               "submitted.zip --moodle for_moodle.csv --students participants.csv",
               "submitted.zip --canvas for_canvas.csv --students gradebook.csv"],
              _grade_arguments, grade),
    "guesses": ("show what a class has guessed, from progress files or notebooks (never run)",
                ["submitted"], _guesses_arguments, guesses),
}
