"""The commands for pictures of your own: what each understands, and what it calls. (13)

Nothing of torch is imported before a command runs, so that `doctor` and `--help` work where it is missing.
"""

import argparse
import errno
import sys
from pathlib import Path

AGAIN = "Then give the same command again; what was complete before still is."
WHOSE = "you may not read or write it: choose another folder, or ask whom it belongs to"
REASONS = {"ENOSPC": f"the disk is full: make room on it. {AGAIN}",
           "EDQUOT": f"your share of the disk is used up: make room in it. {AGAIN}",
           "EROFS": "this disk can only be read: choose a folder on another one",
           "EACCES": WHOSE, "EPERM": WHOSE}
NO_MEMORY = ("There is not enough memory. To train, take a smaller --batch-size or --crop, or --accumulate 2; to predict, a "
             "smaller --tile.")


def explain(error):
    """One line on a mistake of the learner or of the machine; None for what must be a mistake of the course.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    str or None

    Examples
    --------
    >>> explain(OSError(errno.EROFS, "Read-only file system", "run/config.json"))
    'run/config.json: this disk can only be read: choose a folder on another one'
    >>> explain(ValueError("steps is 0; wanted at least 1"))
    'steps is 0; wanted at least 1'
    >>> explain(RuntimeError("a mistake of the course")), explain(KeyError("another one"))
    (None, None)
    """
    if isinstance(error, MemoryError) or isinstance(error, RuntimeError) and _is_about_memory(error):
        return NO_MEMORY
    if isinstance(error, OSError) and error.strerror:  # else it is one of ours, which says it all
        reason = REASONS.get(errno.errorcode.get(error.errno), error.strerror[0].lower() + error.strerror[1:])
        return f"{error.filename or 'a file'}: {reason}"
    if isinstance(error, (OSError, ValueError, FloatingPointError, ImportError)):
        return " ".join(str(error).split())
    return None


def _is_about_memory(error):
    return any(words in str(error).lower() for words in ("out of memory", "not enough memory", "can't allocate memory"))


def _survey_arguments(add):
    _folder(add)
    add("--kind", choices=["classes", "binary", "labels"], help="what the numbers in the masks mean; not given: it is guessed")
    _numbers(add)


def _numbers(add):
    add("--background", type=int, default=0, metavar="N", help="the number of the background in the masks (default: 0)")
    add("--ignore", type=int, metavar="N", help="the number of pixels that are neither trained on nor scored, such as 255")


def survey(chosen):
    from unet_course.own_data.plan import parts_of
    from unet_course.own_data.survey import survey

    found = survey(*parts_of(chosen.folder), kind=chosen.kind, background=chosen.background, ignore=chosen.ignore)
    print(found)
    return int(bool(found.blocking))


def _train_arguments(add):
    def number(flag, default, text, type=whole):
        add(flag, type=type, default=default, metavar="N" if type is not float else "X", help=f"{text} (default: {default})")

    def switch(flag, text, default=True):
        add(flag, action=argparse.BooleanOptionalAction, default=default, help=text)

    _folder(add)
    add("--out", type=Path, required=True, metavar="RUN", help="the folder for the result")
    number("--steps", 400, "optimiser steps in all")
    add("--kind", choices=["auto", "classes", "binary", "labels"], default="auto",
        help="what the numbers in the masks mean: classes, the class of each pixel; binary, 0 and anything else; labels, a "
             "number for each object; auto, what survey finds (default: auto)")
    _numbers(add)
    add("--class-weights", type=numbers, metavar="A,B,C", help="a weight for each class in the loss")
    add("--border-weights", action="store_true", help="narrow gaps between objects weigh more, so that they come apart")
    add("--groups", metavar="PATTERN", help="a regular expression that finds in each name what pictures of one patient, slide "
                                            "or day share: these stay on one side of the split")
    add("--start", type=Path, metavar="RUN", help="begin with the weights of another run")
    add("--channels", type=widths, default="8,16,32,64", metavar="A,B,C",
        help="widths of the network's levels, from the top (default: 8,16,32,64)")
    number("--crop", 128, "side of the squares that it learns from, in pixels")
    number("--batch-size", 8, "squares in each step")
    number("--lr", 1e-2, "largest learning rate", float)
    number("--val-share", 0.2, "share of the files that is kept apart to validate on", float)
    number("--seed", 0, "of everything that is chosen by chance", int)
    number("--save-every", 50, "steps after which the state is saved: a stopped training loses so many at most")
    number("--accumulate", 1, "compute each step in so many parts, to save memory")
    switch("--augment", "vary the squares by chance")
    switch("--bf16", "compute in bfloat16; not given: where that is faster", "auto")
    add("--compile", action="store_true", help="compile the network first; needs a C++ compiler")
    switch("--resume", "go on where it has stopped; --no-resume begins anew and replaces what is in RUN")
    _quiet(add)


def train(chosen):
    from unet_course.own_data.reports import class_table
    from unet_course.own_data.train import train
    from unet_course.training.distributed import is_first, joined

    names = ("steps", "kind", "seed", "val_share", "channels", "crop", "batch_size", "lr", "augment", "bf16", "accumulate",
             "compile", "save_every", "resume", "background", "ignore", "groups", "class_weights", "border_weights", "start")
    with joined():  # the processes that torchrun starts train together; the first one speaks and writes
        run = train(chosen.folder, chosen.out, progress=not chosen.quiet, **{name: getattr(chosen, name) for name in names})
        if chosen.quiet or not is_first():
            return
        history = run.history
        if history.val_dice:
            print(f"Validation {history.headline()}; {run.path / 'MODEL_CARD.md'} says what is known of it.")
            print(*class_table(run.config["kind"], history.val_class_dice[-1], history.val_predicted[-1],
                               history.val_true[-1]), sep="\n")
        print(f"Segment other images with it: python -m unet_course predict {run.path} IMAGE --out MASKS")


def _predict_arguments(add):
    _run(add)
    add("images", nargs="+", metavar="IMAGE", help="image files, or folders of them")
    add("--out", type=Path, required=True, metavar="DIR", help="the folder for the masks")
    add("--tile", type=whole, metavar="N", help="compute squares of N × N pixels, to save memory; large images are cut anyway")
    _split(add)
    add("--bf16", action="store_true",
        help="compute in bfloat16 if the processor has instructions for it: faster, and nearly all pixels stay the same")
    _quiet(add)


def _split(add):
    add("--split", action="store_true", help="masks of numbered objects: cut objects at their waists, where two touch")


def predict(chosen):
    from unet_course.data.pairing import passed_over
    from unet_course.own_data.train import predict_files

    masks = predict_files(chosen.model, chosen.images, chosen.out, tile=chosen.tile, split=chosen.split,
                          bf16="auto" if chosen.bf16 else False, progress=not chosen.quiet)
    if not chosen.quiet:
        for folder in filter(Path.is_dir, map(Path, chosen.images)):
            if others := " and ".join(passed_over(folder)):
                print(f"{folder} also has {others}; they were passed over.")
        print(f"{len(masks)} mask{'s' * (len(masks) != 1)} in {chosen.out}")


def _evaluate_arguments(add):
    _run(add)
    _folder(add)
    add("--worst", type=whole, default=10, metavar="N", help="how many pictures to name, the worst first (default: 10)")
    add("--json", type=Path, metavar="FILE", help="write all scores to a file")
    add("--card", type=Path, metavar="FILE", help="write a model card with these scores to a file")
    _split(add)
    _quiet(add)


def evaluate(chosen):
    from unet_course.data.files.saving import write_json, write_text
    from unet_course.own_data.evaluate import report
    from unet_course.own_data.reports import few
    from unet_course.own_data.train import evaluate, load_run, model_card

    for path in (chosen.card, chosen.json):
        if path is not None and path.exists():
            raise FileExistsError(f"{path} is there already; wanted another name, so that nothing of yours is lost")
    run = load_run(chosen.model)
    scores = evaluate(run, chosen.folder, split=chosen.split, progress=not chosen.quiet)
    if chosen.json is not None:
        write_json(chosen.json, scores)
    if chosen.card is not None:
        write_text(chosen.card, model_card(run, scores))
    print(report(scores, worst=chosen.worst, kind=run.config["kind"]))
    if scores["trained_on"]:
        names = scores["trained_on"]
        print(f"The network was trained on {len(names)} of these pictures ({few(names)}): what it scores there says nothing "
              "about others.", file=sys.stderr)


def _count_arguments(add):
    add("masks", type=Path, metavar="MASKS", help="a folder of masks, such as predict writes")
    add("images", type=Path, metavar="IMAGES", help="the folder of their images")
    add("--out", type=Path, required=True, metavar="DIR", help="the folder for objects.csv and images.csv")
    add("--kind", choices=["auto", "labels", "classes", "binary"], default="auto",
        help="labels: each number is an object; otherwise each connected piece is one (default: auto)")


def count_in_masks(chosen):
    from unet_course.own_data.count import count_objects

    objects, images = count_objects(chosen.masks, chosen.images, chosen.out, kind=chosen.kind)
    print(f"{len(objects)} objects in {len(images)} images; the tables are in {chosen.out}")


def _download_arguments(add):
    add("name", metavar="NAME", help="bbbc039 or isbi2012")
    add("--out", type=Path, required=True, metavar="DIR", help="a new folder for the data")
    add("--accept-terms", action="store_true", help="you have read the terms and accept them: do not ask")


def download(chosen):
    from unet_course.data.downloads import ask, download

    if not ask(chosen.name, accepted=chosen.accept_terms):
        return 1
    print(f"It is in {download(chosen.name, chosen.out, accept=True)}")


def _export_arguments(add):
    _run(add)
    add("out", type=Path, metavar="OUT",
        help="a name that ends in .onnx, for other programs, in .pt2, for PyTorch without the course, or in .zip, a "
             "BioImage.IO package for programs for microscopy; or a new folder, for a page that "
             "segments pictures in the browser")
    add("--runtime", type=Path, metavar="FOLDER",
        help="for a page: the folder of onnxruntime-web, which runs a network in a browser")


def export(chosen):
    from unet_course.own_data.bioimage import export_bioimage
    from unet_course.own_data.export import export_onnx, export_program
    from unet_course.own_data.page import HOW, export_page
    from unet_course.own_data.train import load_run

    writers = {".onnx": lambda run, out: export_onnx(run.model, out),
               ".pt2": lambda run, out: export_program(run.model, out), ".zip": export_bioimage}
    out = chosen.out
    if out.suffix in writers and chosen.runtime:
        raise ValueError(f"OUT is {out.name!r} with --runtime, which is for a page; wanted the name of "
                         "a folder")
    if out.suffix in writers:
        writers[out.suffix](load_run(chosen.model), out)
        print(f"{out} gives what PyTorch gives; that was tried before it got its name.")
    elif chosen.runtime:
        export_page(load_run(chosen.model), out, chosen.runtime)
        print(f"{out} is a page. To open it: python -m http.server --bind 127.0.0.1 --directory {out}, "
              "then http://127.0.0.1:8000 in a browser.")
    elif out.suffix:
        raise ValueError(f"OUT is {out.name!r}; wanted a name that ends in {', '.join(writers)}, or a "
                         "folder for a page, with --runtime")
    else:
        raise ValueError(f"OUT is {out.name!r}, a page; it needs the program that runs a network in a "
                         f"browser. {HOW}")


def _folder(add):
    add("folder", type=Path, metavar="DIR", help="has images/ and masks/ in it, with files of the same names")


def _run(add):
    add("model", type=Path, metavar="RUN", help="the folder that train wrote")


def _quiet(add):
    add("--quiet", action="store_true", help="draw no progress bar, and say nothing but what is wrong")


def whole(text):
    """A whole number from 1 on, of an argument."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r}; wanted a whole number, at least 1")
    return int(text)


def numbers(text):
    """Numbers with commas between them.

    Examples
    --------
    >>> numbers("1,5.5")
    [1.0, 5.5]
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; wanted numbers with commas between them") from None


def widths(text):
    """Whole numbers with commas between them.

    Examples
    --------
    >>> widths("8,16,32")
    [8, 16, 32]
    """
    return [whole(part) for part in text.split(",")]


# name: (what it does, examples, what adds its arguments, what runs it)
COMMANDS = {
    "survey": ("look at a folder of images and masks: what is in it, and what does not fit", ["my_cells"],
               _survey_arguments, survey),
    "train": ("train a network on a folder of images and masks; a stopped training goes on with the same command",
              ["my_cells --out my_run", "my_cells --out long_run --steps 2000 --kind labels",
               "my_cells --out wide_run --channels 32,64,128,256 --no-augment"], _train_arguments, train),
    "predict": ("segment images with a trained network; masks that are there already are not made again",
                ["my_run new/cell7.tif new/cell8.png --out masks", "my_run new --out masks --tile 512"],
                _predict_arguments, predict),
    "evaluate": ("score a trained network on images and masks that it has not seen",
                 ["my_run test_cells", "my_run test_cells --worst 3 --card test_card.md"], _evaluate_arguments, evaluate),
    "count": ("measure the objects of masks: a table of objects, and one of images",
              ["masks images --out tables"], _count_arguments, count_in_masks),
    "download": ("download a public data set, after its terms are accepted",
                 ["bbbc039 --out bbbc039", "isbi2012 --out isbi2012 --accept-terms"], _download_arguments, download),
    "export": ("write a trained network as a file for other programs, or as a page for the browser",
               ["my_run cells.onnx", "my_run cells.pt2", "my_run cells.zip",
                "my_run page --runtime package/dist"],
               _export_arguments, export),
}
