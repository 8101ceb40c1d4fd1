"""A trained network as a page that segments pictures in the browser. (14)

The page is in ``live/`` beside this file: a form, a script for it, and a few more that run in a
worker. What is added to it are the network and a program that runs networks in a browser,
onnxruntime-web, which is not a part of this package.
"""

import gzip
import shutil
from pathlib import Path

from unet_course.data.files.saving import sha256, write_json, written
from unet_course.data.mask_kinds import class_name
from unet_course.data.scaling import HIGH, LOW
from unet_course.inference.tiles import reach
from unet_course.own_data.export import export_onnx, level_names
from unet_course.own_data.run import Run, load_run

PAGE = Path(__file__).resolve().parent / "live"
RUNTIME = "onnxruntime-web@1.30.0"
SCRIPT, PROGRAM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
SHA256 = {SCRIPT: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
          PROGRAM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"}
HOW = (f"To get it: npm pack {RUNTIME}, then tar -xf on the file that comes, then "
       "--runtime package/dist")
WORDS = {"objects": "objects", "Objects": "Objects", "title": "A live U-Net",
         "trained": "pictures like those that it was trained on"}


def export_page(run, path, runtime, *, words=None):
    """Write a folder with a page that segments pictures in the browser.

    Parameters
    ----------
    run : Run or path
        See `train` and `load_run`.
    path : path
        A folder that is not there yet, or is empty. It appears when it is complete, and the network
        in it has been compared with the run's.
    runtime : path
        A folder with the two files of onnxruntime-web that run the network in a browser:
        ``npm pack onnxruntime-web@1.30.0``, unpacked, has them in ``package/dist``.
    words : dict, optional
        What the page calls things: see `WORDS`.

    Returns
    -------
    Path

    Raises
    ------
    FileExistsError
        If there is something in the folder.
    FileNotFoundError, ValueError
        If a file of the runtime is not there, or is of another version; if the page cannot run such
        a network.
    ImportError, RuntimeError
        As `export_onnx`.

    Notes
    -----
    A browser opens the page from a server: ``python -m http.server --bind 127.0.0.1 --directory
    FOLDER``. It asks that server for its own files and no other for anything; pictures stay where
    they are. The runtime lies there compressed, so that a plain server is enough.
    """
    path, run = Path(path), run if isinstance(run, Run) else load_run(run)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileExistsError(f"{path} is there already; wanted a new folder, or an empty one")
    folder, model = runtime_folder(runtime), run.model
    if getattr(model, "padding", 1) != 1 or getattr(model, "in_channels", 1) not in (1, 3):
        raise ValueError("the page takes a network with padding=1 for grey or colour pictures (1 "
                         f"or 3 channels); run has padding={model.padding} and {model.in_channels}")
    with written(path) as beside:
        shutil.copytree(PAGE, beside)
        index = (beside / "index.html").read_text(encoding="utf-8")
        for name, word in {**WORDS, **(words or {})}.items():
            index = index.replace(f"[{name}]", word)
        (beside / "index.html").write_text(index, encoding="utf-8", newline="\n")
        shutil.copy(folder / SCRIPT, beside / "runtime")
        packed = gzip.compress((folder / PROGRAM).read_bytes(), mtime=0)
        (beside / "runtime" / f"{PROGRAM}.gz").write_bytes(packed)
        export_onnx(model, beside / "model.onnx", levels=True)
        size = len(packed) + (beside / "model.onnx").stat().st_size
        write_json(beside / "model.json", {**description(run), "bytes": size})
    return path


def description(run):
    """What the page has to know of a network: classes, what is counted, how pictures are scaled.

    Parameters
    ----------
    run : Run

    Returns
    -------
    dict
    """
    kind, model = run.config["kind"], run.model
    labels, around = kind == "labels", reach(model)
    return {"channels": model.in_channels,
            "classes": [class_name(kind, k) for k in range(model.num_classes)],
            # as `numbered_objects` counts: interiors, grown by a pixel, or pieces of foreground
            "counted": [2] if labels else list(range(1, model.num_classes)),
            "min_area": run.config["masks"]["min_area"] if labels else 1, "grow": labels,
            "percentiles": [LOW, HIGH], "margin": around.margin, "step": around.step,
            "levels": dict(zip(level_names(model), _widths(model))), "fields": []}


def _widths(model):
    """Channels of each level, in the order of `level_names`."""
    down = [encoder.block.layers[0].out_channels for encoder in model.encoders]
    return [*down, model.bottleneck.layers[0].out_channels, *reversed(down)]


def runtime_folder(runtime):
    """The folder that has the runtime's two files: the one that was given, or ``dist`` in it.

    Parameters
    ----------
    runtime : path

    Returns
    -------
    Path
    """
    places = [Path(runtime, *more) for more in ((), ("dist",), ("package", "dist"))]
    for folder in places:
        if all((folder / name).is_file() for name in SHA256):
            break
    else:
        raise FileNotFoundError(f"runtime is {str(runtime)!r}, without {' and '.join(SHA256)}; "
                                f"wanted the folder of {RUNTIME} that has them. {HOW}")
    for name, digest in SHA256.items():
        if sha256(folder / name) != digest:
            raise ValueError(f"runtime has a {name} that is not that of {RUNTIME}, with which the "
                             f"page was tried. {HOW}")
    return folder
