"""The command line: `python -m unet_course --help` names its commands."""

import argparse
import os
import sys

# In this form they are found where torch is missing, too.
import unet_course.classroom.commands as for_a_class
import unet_course.own_data.commands as own_data


def main(arguments=None):
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m unet_course", description="U-Net, step by step: the command line.")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_commands(parsers, for_a_class.COMMANDS)
    add_commands(parsers, own_data.COMMANDS)
    return call(parser.parse_args(arguments))


def add_commands(parsers, commands):
    """Add the commands of a module to the parser of the command line."""
    for name, (text, examples, arguments, run) in commands.items():
        parser = parsers.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog="\n".join(["examples:", *(f"  python -m unet_course {name} {example}".rstrip() for example in examples)]))
        arguments(parser.add_argument)
        parser.set_defaults(run=run)


def call(chosen):
    """Run the command that was chosen.

    Parameters
    ----------
    chosen : Namespace
        What the parser made of the arguments.

    Returns
    -------
    int
        The exit code: 0 done; 1 something is wrong, and one line of stderr says what; 130 interrupted.
    """
    try:
        return chosen.run(chosen) or 0
    except KeyboardInterrupt:
        goes_on = chosen.command in ("train", "predict", "download")
        print("Interrupted. The same command goes on from what is there." if goes_on else "Interrupted.", file=sys.stderr)
        return 130
    except Exception as error:
        line = own_data.explain(error)
        if line is None:
            raise
        process = os.environ.get("RANK", "0")  # of several that torchrun has started
        print(line if process == "0" else f"process {process}: {line}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # Windows writes to a log in an old code page
    sys.exit(main())
