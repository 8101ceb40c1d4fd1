"""The command line: `python -m unet_course doctor`."""

import argparse
import sys


def main(arguments=None):
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m unet_course", description="U-Net, step by step: the command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="look for what would keep the course from running")
    parser.parse_args(arguments)
    import unet_course.doctor as doctor  # in this form it is found where torch is missing, too

    return doctor.report()


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # Windows writes to a log in an old code page
    sys.exit(main())
