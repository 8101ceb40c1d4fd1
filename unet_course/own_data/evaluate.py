"""How good is a network on pictures with masks: each, worst first, and all together. (13)"""

import numpy as np
from skimage.measure import label

from unet_course.data.files.bars import tqdm
from unet_course.data.files.saving import sha256
from unet_course.data.mask_kinds import numbered_objects
from unet_course.metrics.objects import iou_table
from unet_course.metrics.pixels import bootstrap_interval, mean_dice
from unet_course.own_data.plan import own_folder
from unet_course.own_data.predict import Segmenter, masks_of
from unet_course.own_data.reports import class_table, few
from unet_course.own_data.run import Run, load_run

IOU = 0.7  # of a found object with the true one


def evaluate(run, folder, *, split=False, progress=True):
    """Score a trained network on a folder of images and masks.

    Parameters
    ----------
    run : Run or path
        See `train` and `load_run`.
    folder : path
        Has ``images/`` and ``masks/`` in it, masks of the kind that was trained on.
    split : bool, default False
        Score objects as ``predict`` delivers them with `split`.
    progress : bool, default True
        Draw a progress bar.

    Returns
    -------
    dict
        "n" pictures; "split"; "dice" of the foreground (every class but 0), "dice_per_class" (None where a class is neither
        drawn nor found), "mean_dice" over the classes but 0, the share of the pixels that is "said" and "true" for
        each class, and object "f1" at IoU 0.7, each counted over all pictures together; "intervals" of 95 % for
        "dice", "mean_dice" and "f1", by resampling pictures, empty for one picture; "objects" in the truth;
        "pictures", a list of dicts with "name", the same scores of that picture and "trained_on", the worst first;
        "trained_on", the names of pictures that are in the training set, byte for byte: no score of those is to be
        believed.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder is missing, pictures and masks do not fit, or are not of the kind that the network knows.
    """
    run = run if isinstance(run, Run) else load_run(run)
    options = run.reading
    dataset = own_folder(folder, **options)
    if (options["kind"], options["num_classes"]) == ("classes", 2) and all(
            set(np.unique(dataset.numbers(i)[0])) <= {0, 255} for i in range(len(dataset))):
        dataset = own_folder(folder, **{**options, "kind": "binary"})  # 0 and 1 there, 0 and 255 here
    return assess(run, dataset, range(len(dataset)), split=split, progress=progress)


def assess(run, dataset, indices, *, split=False, progress=True):
    """Score a network on some items of a `SegmentationFolder`, see `evaluate`."""
    segment, rows = Segmenter(run), []
    known = {file["image"] for file in run.config["data"]["train"].values()}
    classes = run.config["network"]["num_classes"]
    kind, masks = run.config["kind"], masks_of(run.config, split)
    unnumbered = []
    for index in tqdm(indices, disable=not progress, desc="pictures", unit="picture", leave=False):
        image, truth, *weights = dataset[index]
        found, truth = segment.classes(image), truth.numpy()
        scored = weights[0].numpy() > 0 if weights else np.ones(truth.shape, dtype=bool)
        numbered = numbered_objects(truth, kind, masks)
        if kind == "labels":  # the numbers that somebody drew, not what a network is shown of them
            numbered, _ = dataset.numbers(index)
            if len(np.unique(numbered[numbered > 0])) == 1 and label(numbered, connectivity=2).max() > 1:
                unnumbered.append(dataset.names[index])
        pair = np.where(scored, numbered_objects(found, kind, masks), 0), numbered
        rows.append({"name": dataset.names[index],
                     "pixels": counts(found[scored], truth[scored], classes),
                     "objects": matches(*pair),
                     "trained_on": sha256(dataset.image_paths[index]) in known})
    if unnumbered:
        raise ValueError(f"{len(unnumbered)} masks have one number for several objects ({few(unnumbered)}), and the network "
                         "was trained on masks with a number for each: number them, with skimage.measure.label, or train "
                         "with --kind binary")
    pixels, objects = (np.array([row[key] for row in rows]) for key in ("pixels", "objects"))
    single = [{"name": row["name"], **scores(row["pixels"], row["objects"]),
               "trained_on": row["trained_on"]} for row in rows]
    return {"n": len(rows), "split": split, **scores(pixels.sum(axis=0), objects.sum(axis=0)),
            "intervals": intervals(pixels, objects),
            "pictures": sorted(single, key=lambda row: (main_score(row), row["name"])),
            "trained_on": [row["name"] for row in rows if row["trained_on"]]}


def intervals(pixels, objects):
    """How far each score would move with other pictures of the same kind: 95 %, by resampling pictures.

    Returns
    -------
    dict of str to (float, float)
        Empty for fewer than two pictures.
    """
    if len(pixels) < 2:
        return {}
    both = np.concatenate([pixels, objects[:, None]], axis=1)
    return {name: bootstrap_interval(
                both, lambda drawn, name=name: scores(drawn[:, :-1].sum(0), drawn[:, -1].sum(0))[name])
            for name in ("dice", "mean_dice", "f1")}


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
        return float(2 * right / (found + true)) if found + true else None

    dice, *per_class = (ratio(*row) for row in pixels)
    said, true = (pixels[1:, column] / max(pixels[1:, 2].sum(), 1) for column in (1, 2))
    f1 = ratio(*objects)
    return {"dice": 1.0 if dice is None else dice, "mean_dice": mean_dice(per_class),
            "dice_per_class": per_class, "said": said.tolist(), "true": true.tolist(),
            "f1": 1.0 if f1 is None else f1, "objects": int(objects[2])}


def main_score(scores):
    """Dice of the foreground; with three classes or more the mean over classes."""
    return scores["dice" if len(scores["dice_per_class"]) < 3 else "mean_dice"]


def report(scores, *, worst=10, kind="classes"):
    """The scores as a table to read: the worst pictures first, then all of them together.

    Parameters
    ----------
    scores : dict
        Of `evaluate`.
    worst : int, default 10
        Pictures to name.
    kind : {"classes", "binary", "labels"}
        Of the masks; for the names of the classes.

    Returns
    -------
    str
    """
    rows = scores["pictures"][:worst]
    width = max(len(row["name"]) for row in [*rows, {"name": "all pictures together"}])
    title = "     Dice" if main_score(scores) is scores["dice"] else "mean Dice"
    lines = [f"{'picture':{width}}  {title}  object F1  objects"]
    for row in [*rows, {**scores, "name": "all pictures together", "trained_on": False}]:
        lines.append(f"{row['name']:{width}}      {main_score(row):.3f}      {row['f1']:.3f}  {row['objects']:7}"
                     + "  (trained on)" * row["trained_on"])
    if len(scores["pictures"]) > len(rows):
        lines.insert(-1, f"… and {len(scores['pictures']) - len(rows)} better ones")
    if scores["intervals"]:
        name = "dice" if main_score(scores) is scores["dice"] else "mean_dice"
        (low, high), (least, most) = scores["intervals"][name], scores["intervals"]["f1"]
        lines.append(f"With other pictures of the same source (95 %, resampled by picture, n = {scores['n']}): "
                     f"{title.strip()} {low:.3f} to {high:.3f}, object F1 {least:.3f} to {most:.3f}")
    return "\n".join([*lines, "", *class_table(kind, scores["dice_per_class"], scores["said"], scores["true"])])
