"""The page of the site on which the course's own network runs in the browser, on its three fields.

onnxruntime-web, which runs it there, comes from npm the first time; it stays in
`build/onnxruntime-web`.
"""

import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.io import imread

from tools.elsewhere.beside import ROOT
from tools.website import front
from unet_course import label_nuclei, load_pretrained
from unet_course.data.files.saving import write_json, written
from unet_course.data.nuclei import DATA
from unet_course.figures import nuclei_colours
from unet_course.figures.panels import in_few_colours
from unet_course.own_data.page import RUNTIME, SHA256, export_page, runtime_folder
from unet_course.own_data.run import Run

CARD = {  # the link to the page: title, words, what its picture shows
    "en": ("Try a U-Net in your browser",
           "It finds the nuclei of a field before your eyes. There is nothing to install.",
           "A piece of a field of cell nuclei; the {} that the network finds are in colour."),
    "zh": ("在浏览器里试一试 U-Net",
           "它当场找出一个视野里的细胞核。什么都不用安装。",
           "一个细胞核视野的一部分；网络找到的 {} 个细胞核涂上了颜色。"),
}
PLACE = ROOT / "build" / "onnxruntime-web"
CHINESE = Path(__file__).with_name("live_zh.html")  # the page's own index.html, in Chinese
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
    shutil.copy(CHINESE, out / "zh.html")
    (out / "fields").mkdir()
    for path in (DATA / "nuclei").glob("*"):
        if path.name.endswith(("_image.png", ".txt")):  # with their licences
            shutil.copy(path, out / "fields")
    about = json.loads((out / "model.json").read_text(encoding="utf-8"))
    about["fields"] = [{"name": name, "file": f"fields/{name}_image.png",
                        "labelled": labelled(name)} for name in FIELDS]
    write_json(out / "model.json", {**about, "home": "../index.html", "origin": "../data.html"})


def still(path):
    """Draw what the page finds in a piece of a field: how many nuclei."""
    piece, instances = front.found()
    piece = ((piece - front.DARK) / (1 - front.DARK)).clip(0)
    picture = np.round(255 * np.asarray(nuclei_colours(piece, instances))).astype(np.uint8)
    made = io.BytesIO()
    Image.fromarray(picture).save(made, format="png")
    path.write_bytes(in_few_colours(made.getvalue(), most=0))
    return front.count(instances)


def card(found, language):
    """The link to the page, with its picture, as HTML for the site's first page."""
    title, words, alt = CARD[language]
    up = "../" if language == "zh" else ""
    page = "zh" if language == "zh" else "index"
    return (f'<div class="live"><a href="{up}live/{page}.html">'
            f'<img src="{up}_static/live.png" alt="{alt.format(found)}">'
            f"<span><strong>{title}</strong><br>{words}</span></a></div>")


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
