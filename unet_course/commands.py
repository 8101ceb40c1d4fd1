"""The commands for pictures of your own: what each understands, what it calls, and what it says when something is wrong.

Nothing of torch is imported before a command runs, so that `doctor` and `--help` work where it is missing.
"""

import argparse
import errno
import sys
from pathlib import Path

AGAIN = "Give the same command again: it goes on from what is there."
REASONS = {errno.ENOSPC: "the disk is full: make room on it. What was complete before is still there. " + AGAIN,
           errno.EROFS: "this disk can only be read: choose a folder on another one",
           errno.EACCES: "you have no right to read or write this: choose another folder, or ask who owns it",
           errno.EPERM: "you have no right to read or write this: choose another folder, or ask who owns it"}
if hasattr(errno, "EDQUOT"):  # Windows has no such number
    REASONS[errno.EDQUOT] = "your share of the disk is used up: make room in it. What was complete before is still there. " + AGAIN


def add(commands, name, text, examples, function, arguments):
    """Add one command to a parser."""
    epilog = "examples:\n" + "\n".join(f"  python -m unet_course {name} {example}" for example in examples)
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=epilog,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    for flags, options in arguments:
        parser.add_argument(*flags, **options)
    parser.set_defaults(function=function)


def add_commands(commands):
    """Add all commands of this module."""
    for name, (text, examples, function, arguments) in COMMANDS.items():
        add(commands, name, text, examples, function, arguments)


def call(chosen):
    """Run the command that was chosen; return its exit code: 0 done, 1 one line says what is wrong, 130 interrupted."""
    try:
        return chosen.function(chosen) or 0
    except KeyboardInterrupt:
        print(f"Interrupted. {AGAIN}", file=sys.stderr)
        return 130
    except (OSError, ValueError, FloatingPointError, ImportError, MemoryError, RuntimeError) as error:
        line = explain(error)
        if line is None:
            raise
        print(line, file=sys.stderr)
        return 1


def explain(error):
    """One line on a mistake of the learner or of the machine; None for what is a mistake of the course.

    Examples
    --------
    >>> explain(OSError(errno.EROFS, "Read-only file system", "run/config.json"))
    'run/config.json: this disk can only be read: choose a folder on another one'
    """
    if isinstance(error, MemoryError) or isinstance(error, RuntimeError) and _is_about_memory(str(error)):
        return "There is not enough memory: take a smaller --batch-size or --crop to train, a smaller --tile to predict."
    if isinstance(error, RuntimeError):
        return None
    if isinstance(error, OSError) and error.strerror:  # else it is one of ours, which says it all
        reason = REASONS.get(error.errno, error.strerror[0].lower() + error.strerror[1:])
        return f"{error.filename}: {reason}" if error.filename else f"{reason[0].upper()}{reason[1:]}"
    return " ".join(str(error).split("\n"))


def _is_about_memory(text):
    return any(words in text.lower() for words in ("out of memory", "not enough memory", "can't allocate memory"))


def train(chosen):
    from unet_course.distributed import is_first, joined
    from unet_course.projects import train

    options = {name: getattr(chosen, name) for name in (
        "steps", "kind", "seed", "val_share", "channels", "crop", "batch_size", "lr", "augment", "bf16", "accumulate",
        "compile", "resume")}
    with joined():  # under torchrun the others, too, train; the first one speaks and writes
        run = train(chosen.folder, chosen.out, progress=not chosen.quiet, **options)
        if chosen.quiet or not is_first():
            return
        if run.history.val_dice:
            print(f"Validation Dice {run.history.val_dice[-1]:.3f}; {run.path / 'MODEL_CARD.md'} says what is known of it.")
        print(f"Segment other images with it: python -m unet_course predict {run.path} IMAGE --out MASKS")


def predict(chosen):
    from unet_course.projects import predict_files

    masks = predict_files(chosen.run, chosen.images, chosen.out, tile=chosen.tile, progress=not chosen.quiet)
    if not chosen.quiet:
        print(f"{len(masks)} mask{'s' * (len(masks) != 1)} in {chosen.out}")


def evaluate(chosen):
    import json

    from unet_course.assessing import report
    from unet_course.projects import evaluate, load_run, model_card
    from unet_course.runs import few, write_text

    for path in (chosen.card, chosen.json):
        if path is not None and path.exists():
            raise ValueError(f"{path} exists; wanted another name, so that nothing of yours is lost")
    run = load_run(chosen.run)
    scores = evaluate(run, chosen.folder, progress=not chosen.quiet)
    print(report(scores, worst=chosen.worst))
    if scores["trained_on"]:
        print(f"{few(scores['trained_on'])}: the network was trained on {len(scores['trained_on'])} of these pictures. What it "
              "scores on them says nothing about others.", file=sys.stderr)
    if chosen.json is not None:
        write_text(chosen.json, json.dumps(scores, indent=1, ensure_ascii=False) + "\n")
    if chosen.card is not None:
        write_text(chosen.card, model_card(run, scores))


def survey(chosen):
    from unet_course.plans import parts_of
    from unet_course.survey import survey

    found = survey(*parts_of(chosen.folder))
    print(found)
    return int(bool(found.problems))


def download(chosen):
    from unet_course.downloads import ask, download

    if not ask(chosen.name, accepted=chosen.accept_terms):
        return 1
    print(f"It is in {download(chosen.name, chosen.out, accept=True)}")


def export(chosen):
    from unet_course.export import export_onnx, export_program
    from unet_course.projects import load_run

    writers = {".onnx": export_onnx, ".pt2": export_program}
    if chosen.out.suffix not in writers:
        raise ValueError(f"OUT is {chosen.out.name!r}; wanted a name that ends in {' or '.join(writers)}")
    writers[chosen.out.suffix](load_run(chosen.run).model, chosen.out)
    print(f"{chosen.out} gives what PyTorch gives; that was tried before it got its name.")


def _whole(text):
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _widths(text):
    return [_whole(part) for part in text.split(",")]


def _option(flag, default, text, **options):
    return (flag,), {"default": default, "help": f"{text} (default: {default})".replace("%", "%%"), **options}


QUIET = ("--quiet",), {"action": "store_true", "help": "draw no progress bar and say nothing but what is wrong"}
RUN = ("run",), {"metavar": "RUN", "help": "the folder that train wrote"}
FOLDER = ("folder",), {"metavar": "DIR", "help": "a folder that has images/ and masks/ in it, with files of the same names"}

# name: (what it does, examples, the function, its arguments)
COMMANDS = {
    "survey": ("look at a folder of images and masks, and say what is in it and what does not fit", ["my_cells"], survey, [FOLDER]),
    "train": (
        "train a network on a folder of images and masks; a stopped training goes on with the same command",
        ["my_cells --out my_run", "my_cells --out my_run --steps 1000 --kind labels",
         "my_cells --out wide_run --channels 32,64,128,256 --no-augment"],
        train, [
            FOLDER,
            (("--out",), {"required": True, "type": Path, "metavar": "RUN", "help": "the folder for the result"}),
            _option("--steps", 400, "optimiser steps in all", type=_whole, metavar="N"),
            _option("--kind", "auto", "what the numbers in the masks mean: class indices, 0 and anything else, or a number for "
                    "each object", choices=["auto", "classes", "binary", "labels"]),
            _option("--channels", "8,16,32,64", "widths of the network's levels, from the top", type=_widths, metavar="A,B,C"),
            _option("--crop", 128, "side of the squares that it learns from, in pixels", type=_whole, metavar="N"),
            _option("--batch-size", 8, "squares in each step", type=_whole, metavar="N"),
            _option("--lr", 3e-3, "largest learning rate", type=float, metavar="X"),
            _option("--val-share", 0.2, "share of the files that is kept apart to validate on", type=float, metavar="X"),
            _option("--seed", 0, "of everything that is chosen by chance", type=int, metavar="N"),
            _option("--accumulate", 1, "compute each step in so many parts, to save memory", type=_whole, metavar="N"),
            (("--compile",), {"action": "store_true", "help": "compile the network first; needs a C++ compiler"}),
            (("--augment",), {"action": argparse.BooleanOptionalAction, "default": True, "help": "vary the squares by chance"}),
            (("--bf16",), {"action": argparse.BooleanOptionalAction, "default": "auto",
                           "help": "compute in bfloat16; not given: if that is faster here"}),
            (("--resume",), {"action": argparse.BooleanOptionalAction, "default": True,
                             "help": "go on where it has stopped; --no-resume begins anew and replaces what is in RUN"}),
            QUIET]),
    "predict": (
        "segment images with a trained network; masks that are there already are not made again",
        ["my_run new/cell7.tif new/cell8.png --out masks", "my_run new --out masks --tile 512"],
        predict, [
            RUN,
            (("images",), {"nargs": "+", "metavar": "IMAGE", "help": "image files, or folders of them"}),
            (("--out",), {"required": True, "type": Path, "metavar": "DIR", "help": "the folder for the masks"}),
            (("--tile",), {"type": _whole, "metavar": "N", "help": "compute squares of N × N pixels, to save memory; large images "
                                                                 "are cut in any case"}),
            QUIET]),
    "evaluate": (
        "score a trained network on a folder of images and masks that it has not seen",
        ["my_run test_cells", "my_run test_cells --worst 3 --card test_card.md"],
        evaluate, [
            RUN, FOLDER,
            _option("--worst", 10, "pictures to name, the worst first", type=_whole, metavar="N"),
            (("--json",), {"type": Path, "metavar": "FILE", "help": "write all scores to a file"}),
            (("--card",), {"type": Path, "metavar": "FILE", "help": "write a model card with these scores to a file"}),
            QUIET]),
    "download": (
        "download a public data set, after its terms have been shown", ["bbbc039 --out bbbc039", "isbi2012 --out isbi2012 --accept-terms"], download, [
            (("name",), {"metavar": "NAME", "help": "bbbc039 or isbi2012"}),
            (("--out",), {"required": True, "type": Path, "metavar": "DIR", "help": "the folder for the data"}),
            (("--accept-terms",), {"action": "store_true", "help": "you have read the terms and accept them: do not ask"})]),
    "export": (
        "write a trained network for other programs", ["my_run cells.onnx", "my_run cells.pt2"], export, [
            RUN, (("out",), {"metavar": "OUT", "type": Path, "help": "a name that ends in .onnx or .pt2"})]),
}
