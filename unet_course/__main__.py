"""The command line: `python -m unet_course doctor`."""

import argparse
import sys


def main(arguments=None):
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m unet_course", description="U-Net, step by step: the command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="look for what would keep the course from running")
    parser.parse_args(arguments)
    from unet_course import doctor  # only now: --help must not wait for torch

    return doctor.report()


if __name__ == "__main__":
    sys.exit(main())
