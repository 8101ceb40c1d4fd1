"""How good is a network on pictures with masks: each, worst first, and all together. (13)"""

import numpy as np
from tqdm.auto import tqdm

from unet_course.data.files.saving import sha256
from unet_course.data.folder import read_numbers
from unet_course.data.mask_kinds import numbered_objects
from unet_course.metrics.objects import iou_table
from unet_course.own_data.plan import own_folder
from unet_course.own_data.predict import Segmenter
from unet_course.own_data.run import Run, load_run

IOU = 0.7  # of a found object with the true one


def evaluate(run, folder, *, progress=True):
    """Score a trained network on a folder of images and masks.

    Parameters
    ----------
    run : Run or path
        See `train` and `load_run`.
    folder : path
        Has ``images/`` and ``masks/`` in it, masks of the kind that was trained on.
    progress : bool, default True
        Draw a progress bar.

    Returns
    -------
    dict
        "n" pictures; "dice" of the foreground (every class but 0), "dice_per_class", and object "f1" at IoU 0.7, each
        counted over all pictures together; "objects" in the truth; "pictures", a list of dicts with "name", the same
        scores of that picture and "trained_on", the worst Dice first; "trained_on", the names of pictures that are in the
        training set, byte for byte: no score of those is to be believed.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder is missing, pictures and masks do not fit, or are not of the kind that the network knows.
    """
    run = run if isinstance(run, Run) else load_run(run)
    dataset = own_folder(folder, kind=run.config["kind"],
                         num_classes=run.config["network"]["num_classes"])
    return assess(run, dataset, range(len(dataset)), progress=progress)


def assess(run, dataset, indices, *, progress=True):
    """Score a network on some items of a `SegmentationFolder`, see `evaluate`."""
    segment, rows = Segmenter(run), []
    known = {file["image"] for file in run.config["data"]["train"].values()}
    classes = run.config["network"]["num_classes"]
    kind, masks = run.config["kind"], run.config["masks"]
    for index in tqdm(indices, disable=not progress, desc="pictures", unit="picture", leave=False):
        image, truth = dataset[index]
        found, truth = segment.classes(image), truth.numpy()
        numbered = numbered_objects(truth, kind, masks)
        if kind == "labels":  # the numbers that somebody drew, not what a network is shown of them
            numbered = read_numbers(dataset.mask_paths[index], dataset.pages[index],
                                    grey_colours=True)
        pair = numbered_objects(found, kind, masks), numbered
        rows.append({"name": dataset.names[index], "pixels": counts(found, truth, classes),
                     "objects": matches(*pair),
                     "trained_on": sha256(dataset.image_paths[index]) in known})
    whole = {key: np.sum([row[key] for row in rows], axis=0) for key in ("pixels", "objects")}
    single = [{"name": row["name"], **scores(row["pixels"], row["objects"]), "trained_on": row["trained_on"]} for row in rows]
    return {"n": len(rows), **scores(whole["pixels"], whole["objects"]),
            "pictures": sorted(single, key=lambda row: (row["dice"], row["name"])),
            "trained_on": [row["name"] for row in rows if row["trained_on"]]}


def counts(found, truth, classes):
    """Pixels right, found and true: one row for the whole foreground, then one for each class; shape (1 + K, 3)."""
    pairs = [(found > 0, truth > 0), *((found == k, truth == k) for k in range(classes))]
    return np.array([[(a & b).sum(), a.sum(), b.sum()] for a, b in pairs])


def matches(found, truth):
    """Objects matched at the IoU that counts, found, and true."""
    table, rows, columns = iou_table(found, truth)
    return np.array([(table >= IOU).sum(), len(rows), len(columns)])


def scores(pixels, objects):
    """Dice and F1 from counts: twice what is right, over all that was found and all that is true."""
    def ratio(right, found, true):
        return float(2 * right / (found + true)) if found + true else 1.0

    dice, *per_class = (ratio(*row) for row in pixels)
    return {"dice": dice, "dice_per_class": per_class, "f1": ratio(*objects), "objects": int(objects[2])}


def report(scores, *, worst=10):
    """The scores as a table to read: the worst pictures first, then all of them together.

    Parameters
    ----------
    scores : dict
        Of `evaluate`.
    worst : int, default 10
        Pictures to name.

    Returns
    -------
    str
    """
    rows = scores["pictures"][:worst]
    width = max(len(row["name"]) for row in [*rows, {"name": "all pictures together"}])
    lines = [f"{'picture':{width}}   Dice  object F1  objects"]
    for row in [*rows, {**scores, "name": "all pictures together", "trained_on": False}]:
        lines.append(f"{row['name']:{width}}  {row['dice']:.3f}      {row['f1']:.3f}  {row['objects']:7}"
                     + "  (trained on)" * row["trained_on"])
    if len(scores["pictures"]) > len(rows):
        lines.insert(-1, f"… and {len(scores['pictures']) - len(rows)} better ones")
    return "\n".join(lines)
