"""The page of the site on which the course's own network runs in the browser, on its three fields.

onnxruntime-web, which runs it there, comes from npm the first time; it stays in
`build/onnxruntime-web`.
"""

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from skimage.io import imread

from tools.elsewhere.beside import ROOT
from unet_course import label_nuclei, load_pretrained
from unet_course.data.files.saving import write_json, written
from unet_course.data.nuclei import DATA
from unet_course.own_data.page import RUNTIME, SHA256, export_page, runtime_folder
from unet_course.own_data.run import Run

PLACE = ROOT / "build" / "onnxruntime-web"
FIELDS = "field_a", "field_b", "other"
WORDS = {"objects": "nuclei", "Objects": "Nuclei",
         "trained": "one field of cell nuclei in fluorescence, bright on dark, about 27 pixels "
                    "wide"}


def runtime(place=PLACE):
    """The folder of onnxruntime-web, fetched if it is not there; None if it cannot be had."""
    try:
        return runtime_folder(place)
    except (FileNotFoundError, ValueError):
        shutil.rmtree(place, ignore_errors=True)
    npm = shutil.which("npm")
    with tempfile.TemporaryDirectory() as top:
        done = npm and subprocess.run([npm, "pack", RUNTIME, "--silent", "--fetch-retries=0"],
                                      cwd=top, text=True, capture_output=True)
        if not npm or done.returncode:
            why = done.stderr.strip()[-200:] if npm else "there is no npm on this machine"
            print(f"The site has no live page: {RUNTIME} cannot be had ({why}).")
            return None
        with written(place) as beside, tarfile.open(next(Path(top).glob("*.tgz"))) as archive:
            beside.mkdir()
            for name in SHA256:
                (beside / name).write_bytes(archive.extractfile(f"package/dist/{name}").read())
    return runtime_folder(place)


def make(out, folder):
    """Write the page into a folder that is not there yet.

    Parameters
    ----------
    out : Path
    folder : path
        As `runtime` gives it.
    """
    config = {"kind": "labels", "masks": {"min_area": 30}}  # as `label_nuclei` takes by itself
    export_page(Run(DATA / "weights", load_pretrained(), config), out, folder, words=WORDS)
    (out / "fields").mkdir()
    for path in (DATA / "nuclei").glob("*"):
        if path.name.endswith(("_image.png", ".txt")):  # with their licences
            shutil.copy(path, out / "fields")
    about = json.loads((out / "model.json").read_text(encoding="utf-8"))
    about["fields"] = [{"name": name, "file": f"fields/{name}_image.png",
                        "labelled": labelled(name)} for name in FIELDS]
    write_json(out / "model.json", {**about, "home": "../index.html", "origin": "../data.html"})


def labelled(name):
    """How many nuclei the labels of a field have."""
    labels = imread(DATA / "nuclei" / f"{name}_labels.png")
    if name == "other":  # numbered by hand
        return len(np.unique(labels)) - 1
    return int(label_nuclei(labels, min_area=1, grow=3).max())


if __name__ == "__main__":  # to look at it alone
    page = ROOT / "build" / "live"
    shutil.rmtree(page, ignore_errors=True)
    if found := runtime():
        make(page, found)
        print(f"The page is in {page.relative_to(ROOT)}.")
