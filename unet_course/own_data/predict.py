"""From image files to mask files: the same names, sizes, pages and kind of mask. (13)"""

import glob
import json
import time
from pathlib import Path

import torch

from unet_course.data.files.bars import tqdm
from unet_course.data.files.images import SUFFIXES, nodata, read_pages, resolution, write_image
from unet_course.data.files.saving import sha256, sweep, write_json
from unet_course.data.mask_kinds import classes_to_mask
from unet_course.data.pairing import list_files, passed_over
from unet_course.data.scaling import network_input
from unet_course.inference.fast import TILE
from unet_course.inference.prediction import predict
from unet_course.inference.tiles import reach
from unet_course.own_data.reports import few
from unet_course.own_data.run import WEIGHTS, Run, load_run

RECORD = "predictions.json"


def predict_files(run, images, out, *, tile=None, split=False, bf16=False, progress=True):
    """Segment image files with a trained network, and write a mask file for each.

    Parameters
    ----------
    run : Run or path
        See `train` and `load_run`.
    images : path, or sequence of paths
        Files, folders of them, or patterns such as ``"cells/*.tif"``.
    out : path
        Folder for the masks; made if it is not there. A mask has the name of its image; PNG stays PNG, TIFF stays TIFF
        with as many pages, anything else becomes PNG. Its resolution is that of the image.
    tile : int, optional
        Side of the squares that are computed at a time. Not given: the whole image at once, but tiles for a large one.
    split : bool, default False
        Of kind "labels": cut objects at their waists, where two touch, see `label_nuclei`.
    bf16 : bool or "auto", default False
        See `unet_course.predict`.
    progress : bool, default True
        Draw a progress bar.

    Returns
    -------
    list of Path
        The masks, in the order of the images. "classes": class indices; "binary": 0 and the value that the training
        masks had; "labels": another number for each object, from 1 on in each page, 16 bit.

    Raises
    ------
    ValueError
        Before anything is computed: if two images would get one name, or a mask would replace a file that is not of
        ``predict``. At the end: if images could not be read or do not fit the network; the others are done.
    FileNotFoundError
        If there is no such file or folder.
    OSError
        If `out` cannot be written to; the masks that are there are complete.

    Notes
    -----
    ``predictions.json`` in `out` says which image and which weights each mask is from. A mask that is there, of the
    same image, weights and settings, and that nobody has changed since, is not computed again: so a stopped run goes on.
    """
    run = run if isinstance(run, Run) else load_run(run)
    paths, out = input_files(images), Path(out)
    targets = _targets(paths, out)
    weights = sha256(run.path / WEIGHTS)
    record = _Record(out, targets)
    wanted = {}
    for path, target in zip(paths, targets):
        wanted[target.name] = {"image": sha256(path), "weights": weights, "tile": tile,
                               **({"split": True} if split else {}), **({"bf16": bf16} if bf16 else {})}
    todo = record.plan(wanted)
    segment, failed = Segmenter(run, tile, split, bf16), []
    with tqdm(total=len(paths), initial=len(paths) - len(todo), disable=not progress, desc="images", unit="image",
              leave=False) as bar:
        try:
            for path, target in zip(paths, targets):
                if target.name not in todo:
                    continue
                try:
                    empty = nodata(path)
                    _write(target, (segment(page, path.name, empty) for page in read_pages(path)), resolution(path))
                    record.done(target)
                except ValueError as error:  # the other images are not to wait for this one
                    failed.append(str(error))
                bar.update()
        finally:
            record.save()
    if failed:
        raise ValueError(f"{len(failed)} of {len(paths)} images could not be segmented, the others are in {out.name}: "
                         + "; ".join(failed[:5]) + " …" * (len(failed) > 5))
    return targets


def _write(target, masks, resolution):
    try:
        write_image(target, masks, resolution=resolution)
    except OSError as error:
        error.filename = str(target)  # a full disk does not say which file
        raise


class Segmenter:
    """One page in, one mask out, of the kind that the network was trained on.

    Parameters
    ----------
    run : Run
    tile, split, bf16
        See `predict_files`.
    """

    def __init__(self, run, tile=None, split=False, bf16=False):
        self.model, self.config, self.tile, self.bf16 = run.model, run.config, tile, bf16
        self.masks, self.overlap = masks_of(run.config, split), None

    def classes(self, image):
        """The most probable class of each pixel of an image ``(C, H, W)``, scaled 0 to 1: uint8 ``(H, W)``."""
        height, width = image.shape[-2:]
        tile = self.tile or (TILE if height * width > 2 * TILE**2 else None)  # a wide network's layers fill a GPU, too
        if tile and self.overlap is None:
            self.overlap = reach(self.model).margin  # measured once, not for each image
        options = dict(tile=tile, overlap=self.overlap) if tile else {}
        return predict(self.model, image, classes=True, bf16=self.bf16, progress=False, **options).numpy()

    def __call__(self, page, name, nodata=None):
        try:
            image = network_input(page, nodata)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        wanted = self.config["network"]["in_channels"]
        if len(image) != wanted:
            raise ValueError(f"{name} has {len(image)} channel{'s' * (len(image) > 1)}, but the network was trained on images "
                             f"of {wanted}: convert it {'to grey' if wanted == 1 else 'to colour'} first")
        classes = self.classes(torch.from_numpy(image))
        return classes_to_mask(classes, self.config["kind"], self.masks)


def masks_of(config, split):
    """The settings of a config's masks, with touching objects cut apart if that is asked for."""
    if split and config["kind"] != "labels":
        raise ValueError(f"split is True, but the masks are of kind {config['kind']}; wanted kind labels: only objects with "
                         "a number each can be cut apart")
    return {**config["masks"], "split": True} if split else config["masks"]


def input_files(images):
    """The files that are meant: folders are looked into, patterns are filled in, and each file is there once.

    Parameters
    ----------
    images : path, or sequence of paths

    Returns
    -------
    list of Path
    """
    found = {}
    for name in [images] if isinstance(images, (str, Path)) else images:
        path = Path(name)
        if path.is_dir():
            files = list_files(path)[0]
        elif path.is_file():
            files = [path]
        else:  # the shells of Windows leave patterns to the program
            files = [Path(p) for p in sorted(glob.glob(str(name)))]
        if not files:
            others = " and ".join(passed_over(path)) if path.is_dir() else ""
            raise FileNotFoundError(f"image {str(name)!r} "
                                    + ("has no image in it" if path.is_dir() else "does not exist")
                                    + f"; wanted files that end in {', '.join(SUFFIXES)}, or a folder of them"
                                    + f"; there are {others}" * bool(others))
        found.update({path.resolve(): path for path in files})
    return list(found.values())


def _targets(paths, out):
    """Where each mask goes; refused if two would be one, or one would replace an image."""
    seen, targets = {}, []
    for path in paths:
        key = path.stem.casefold()  # some disks take cell.png and Cell.PNG for one file
        if key in seen:
            raise ValueError(f"images has {str(seen[key])!r} and {str(path)!r}, whose masks would have one name; segment them "
                             "into different folders")
        seen[key] = path
        targets.append(out / (path.name if path.suffix.lower() in (".png", ".tif", ".tiff") else f"{path.stem}.png"))
    images = {path.resolve() for path in paths}
    for target in targets:
        if target.resolve() in images:
            raise ValueError(f"out is {str(out)!r}, where the image {target.name} would be replaced by its mask; wanted "
                             "another folder")
    return targets


class _Record:
    """What is known of the masks in a folder; kept in a file there, which is written beside and renamed."""

    def __init__(self, out, targets):
        self.out, self.path, self.saved = out, out / RECORD, 0.0
        self.masks = self._read()
        foreign = [target.name for target in targets if target.exists() and target.name not in self.masks]
        if foreign:
            raise ValueError(f"out has {few(foreign)} already, not made by predict; "
                             "wanted another folder, so that nothing of yours is lost")

    def _read(self):
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))["masks"] if self.path.exists() else {}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{RECORD} in {self.out.name} cannot be read ({type(error).__name__}); wanted the file that "
                             "predict wrote: take another folder") from error

    def plan(self, wanted):
        """Write down what is going to be made, so that a stopped run knows its own files; return what is to be done."""
        todo = set()
        for name, facts in wanted.items():
            known = self.masks.get(name, {})
            same = {**facts, "mask": known.get("mask")} == known
            if not same or known.get("mask") is None or not self._untouched(name, known["mask"]):
                todo.add(name)
                self.masks[name] = {**facts, "mask": None}
        self.out.mkdir(parents=True, exist_ok=True)
        sweep(self.out, [RECORD, *wanted])
        if todo:
            self.save()
        return todo

    def _untouched(self, name, digest):
        return (self.out / name).is_file() and sha256(self.out / name) == digest

    def done(self, target):
        self.masks[target.name]["mask"] = sha256(target)
        if time.monotonic() - self.saved > 1:  # ten thousand masks are not to write it ten thousand times
            self.save()

    def save(self):
        write_json(self.path, {"masks": dict(sorted(self.masks.items()))})
        self.saved = time.monotonic()
