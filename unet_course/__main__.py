"""The command line: `python -m unet_course doctor`, `exercises` or `student OUT`."""

import argparse
import sys


def main(arguments=None):
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m unet_course", description="U-Net, step by step: the command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="look for what would keep the course from running")
    commands.add_parser("exercises", help="list the exercises, with your progress")
    student = commands.add_parser("student", help="write the notebooks without solutions and outputs into a folder")
    student.add_argument("out", metavar="OUT")
    chosen = parser.parse_args(arguments)
    if chosen.command == "exercises":
        from unet_course.progress import listing

        print(listing())
        return 0
    if chosen.command == "student":
        return student_command(chosen.out)
    import unet_course.doctor as doctor  # in this form it is found where torch is missing, too

    return doctor.report()


def student_command(out):
    """Write the student copies, or say in one line why not."""
    from unet_course.classroom import student_copies

    try:
        written = student_copies(out)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} notebooks without solutions in {out}")
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # Windows writes to a log in an old code page
    sys.exit(main())
