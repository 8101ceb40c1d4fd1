"""What is going to be trained, decided before anything is: pictures, kind of masks, split, network; written to config.json."""

import hashlib
import math
from pathlib import Path

from unet_course.folder import SegmentationFolder
from unet_course.runs import FORMAT, few, sha256, versions


def own_folder(folder, **options):
    """The pictures of a folder that has ``images/`` and ``masks/``.

    Parameters
    ----------
    folder : path
    **options
        Of `SegmentationFolder`.

    Returns
    -------
    SegmentationFolder
    """
    images, masks = parts_of(folder)
    return SegmentationFolder(images, masks, **options)


def parts_of(folder):
    """``images/`` and ``masks/`` of a folder, refused if it has not both."""
    parts = [Path(folder) / name for name in ("images", "masks")]
    if not all(part.is_dir() for part in parts):
        missing = " and ".join(f"{part.name}/" for part in parts if not part.is_dir())
        raise FileNotFoundError(f"folder is {str(folder)!r}, which has no {missing}; wanted images/ and masks/ in it, with an "
                                "image and a mask of the same name each")
    return parts


def look(folder, kind):
    """The pictures, and what has to be known of them before a network is made."""
    if kind == "auto":
        kind = "classes"
    pictures = own_folder(folder, kind=kind)
    facts = dict(kind=kind, in_channels=0, num_classes=2)
    for name, (image, mask) in zip(pictures.names, pictures):
        if facts["in_channels"] not in (0, len(image)):
            raise ValueError(f"{name} has {len(image)} channels, {pictures.names[0]} has {facts['in_channels']}; wanted all "
                             "images grey, or all in colour: convert one sort into the other")
        facts.update(in_channels=len(image), num_classes=max(facts["num_classes"], int(mask.max()) + 1))
    return pictures, facts


def plan(pictures, facts, settings, channels):
    """All that is written into config.json."""
    pairs = dict.fromkeys(zip(pictures.image_paths, pictures.mask_paths))  # a stack is many pictures, and one file
    files = {image.stem: {"image": sha256(image), "mask": sha256(mask)} for image, mask in pairs}
    val = divide({name: file["image"] for name, file in files.items()}, settings["seed"], settings["val_share"])
    return {"format": FORMAT,
            "network": {"in_channels": facts["in_channels"], "num_classes": facts["num_classes"], "channels": list(channels)},
            "kind": facts["kind"], "training": settings,
            "scaling": {"function": "unet_course.normalise", "low": 1.0, "high": 99.8, "over": "each picture"},
            "data": {"train": {name: files[name] for name in files if name not in val},
                     "val": {name: files[name] for name in files if name in val}},
            "versions": versions()}


def divide(digests, seed, share):
    """Choose the files to validate on: by chance, but the same ones for the same files and seed, whatever they are called.

    Parameters
    ----------
    digests : dict of str to str
        Name and SHA-256 of each file. Files of the same content go the same way, so that none is trained on and scored.
    seed : int
    share : float
        Of the files, from 0 up to below 1.

    Returns
    -------
    set of str
        Names; empty if there is one content only, or `share` is 0.

    Examples
    --------
    >>> sorted(divide(dict(a="1", b="2", c="3", copy_of_a="1"), seed=0, share=0.3))
    ['b']
    """
    if not 0 <= share < 1:
        raise ValueError(f"val_share is {share}; wanted a share from 0 up to below 1, such as 0.2")
    contents = sorted(set(digests.values()), key=lambda digest: hashlib.sha256(f"{seed} {digest}".encode()).digest())
    count = min(max(math.floor(share * len(contents) + 0.5), 1), len(contents) - 1) if share else 0
    chosen = set(contents[:count])
    return {name for name, digest in digests.items() if digest in chosen}


def same_training(old, new, name):
    """Refuse to go on with other settings or other pictures than a training began with."""
    def flat(config):
        return {**config["network"], "kind": config["kind"], **config["training"]}

    other = [f"{key} {flat(old).get(key)!r} there, {value!r} here" for key, value in flat(new).items()
             if flat(old).get(key) != value]
    before, now = ({**config["data"]["train"], **config["data"]["val"]} for config in (old, new))
    pictures = [f"{what} {few(names)}" for what, names in (
        ("new:", sorted(now.keys() - before.keys())), ("gone:", sorted(before.keys() - now.keys())),
        ("changed:", sorted(key for key in now.keys() & before.keys() if now[key] != before[key]))) if names]
    if not other and not pictures:
        return
    why = (" (the learning rate has fallen to nothing at the last step, so that a longer training begins anew)"
           if any(text.startswith("steps ") for text in other) else "")
    raise ValueError(f"{name} holds a training of other {'settings' if other else 'pictures'}: "
                     f"{'; '.join(other + pictures)}{why}. Use the same, or another folder for the run")


def announcement(config, *, started):
    """What is about to happen, in one or two lines."""
    train, val = config["data"]["train"], config["data"]["val"]
    kept = f"{len(val)} to validate on ({few(val)})" if val else "none to validate on"
    lines = [f"{len(train)} {'file' if len(train) == 1 else 'files'} to train on, {kept}; kind of masks: {config['kind']}, "
             f"{config['network']['num_classes']} classes."]
    if not val:
        lines.append("Nothing is kept apart, so nobody knows how good this network is: a score on a picture that it was "
                     "trained on is not to be believed.")
    return "\n".join(lines + ["Going on from the last checkpoint."] * started)
