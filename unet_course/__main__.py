"""The command line: `python -m unet_course --help` names its commands."""

import argparse
import sys

from unet_course.own_data.commands import add_commands, call


def main(arguments=None):
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m unet_course", description="U-Net, step by step: the command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="look for what would keep the course from running")
    commands.add_parser("exercises", help="list the exercises, with your progress")
    for name, (text, _) in FOLDERS.items():
        commands.add_parser(name, help=text, epilog=f"example: python -m unet_course {name} for_{name}s").add_argument(
            "out", metavar="OUT", help="the folder; made if it is not there")
    add_commands(commands)
    chosen = parser.parse_args(arguments)
    if hasattr(chosen, "run"):
        return call(chosen)
    if chosen.command == "exercises":
        from unet_course.exercises.listing import listing

        print(listing())
        return 0
    if chosen.command in FOLDERS:
        return write_folder(FOLDERS[chosen.command][1], chosen.out)
    import unet_course.classroom.doctor as doctor  # in this form it is found where torch is missing, too

    return doctor.report()


def students(out):
    from unet_course.classroom.copies import student_copies

    return f"{len(student_copies(out))} notebooks without solutions in {out}"


def nbgrader(out):
    from unet_course.classroom.copies import nbgrader_course

    points = nbgrader_course(out)
    return "\n".join([f"{name:32}{number:4} points" for name, number in points.items()]
                     + [f"{len(points)} assignments in {out}. With nbgrader installed, go there and begin with",
                        f"  nbgrader generate_assignment {next(iter(points))}"])


def teacher(out):
    from unet_course.classroom.guide import teachers_guide

    return f"{len(teachers_guide(out))} pages in {out}; begin with README.md"


FOLDERS = {
    "student": ("write the notebooks without solutions and outputs into a folder", students),
    "nbgrader": ("write the course for nbgrader, with points and locked checks, into a folder", nbgrader),
    "teacher": ("write the teacher's guide, a page for each notebook, into a folder", teacher),
}


def write_folder(write, out):
    """Write what was asked for, or say in one line why not."""
    try:
        print(write(out))
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # Windows writes to a log in an old code page
    sys.exit(main())
