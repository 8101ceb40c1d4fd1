"""What is going to be trained, decided before anything is, and written to config.json. (13)"""

import hashlib
import json
import math
import re
from pathlib import Path

from unet_course.data.files.saving import sha256
from unet_course.data.folder import SegmentationFolder
from unet_course.data.mask_kinds import settings_of
from unet_course.data.pairing import first_of, pair
from unet_course.data.scaling import HIGH, LOW
from unet_course.own_data.reports import few
from unet_course.own_data.run import FORMAT, versions
from unet_course.own_data.survey import survey


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


def plan(folder, kind, settings, channels, old=None, *, background=0, ignore=None, groups=None, progress=True):
    """Look at the pictures, and decide all that is written into ``config.json``.

    Parameters
    ----------
    folder : path
    kind : {"auto", "classes", "binary", "labels"}
    settings : dict
        Of the training.
    channels : sequence of int
        Widths of the network.
    background, ignore : int
        Numbers in the masks, see `SegmentationFolder`.
    groups : str, optional
        See `group_of`.
    old : dict, optional
        Config of a training that may go on. If it is of the same files, they are not looked at again.
    progress : bool, default True

    Returns
    -------
    config : dict
    remarks : list of str
        What can stay, and is worth a look.

    Raises
    ------
    ValueError
        If something has to be mended before training, or `val_share` or `lr` is out of range.
    """
    if not 0 < settings["lr"] <= 1:
        raise ValueError(f"lr is {settings['lr']}; wanted a number above 0, and at most 1, such as 0.003")
    files = _digests(folder)
    val = _to_validate(files, settings["seed"], settings["val_share"], groups)
    given = {name: value for name, value in (("background", background), ("ignore", ignore)) if value not in (0, None)}
    same = (old is not None and {**old["data"]["train"], **old["data"]["val"]} == files and kind in ("auto", old["kind"])
            and given == {name: old["masks"][name] for name in ("background", "ignore") if name in old["masks"]})
    facts, remarks = (old, []) if same else _from_survey(folder, kind, progress, val, **given)
    data = {"train": {name: file for name, file in files.items() if name not in val},
            "val": {name: file for name, file in files.items() if name in val}, "found": facts["data"]["found"]}
    config = {"format": FORMAT, "network": {**facts["network"], "channels": list(channels)}, "kind": facts["kind"],
            "masks": facts["masks"], "training": settings,
            "scaling": {"function": "unet_course.normalise", "low": LOW, "high": HIGH,
                        "over": "each channel of each picture"},
            "data": data, "versions": versions()}
    return json.loads(json.dumps(config)), remarks  # as it will be read back


def _digests(folder):
    return {both.name: {"image": sha256(both.image), "mask": sha256(both.mask) if isinstance(both.mask, Path)
                        else [sha256(part) for part in both.mask]} for both in pair(*parts_of(folder))[0]}


def _to_validate(files, seed, share, groups):
    return divide({name: file["image"] for name, file in files.items()}, seed, share,
                  groups=groups and {name: group_of(name, groups) for name in files})


def three_parts(folder, untouched, groups, *, seed=0, val_share=0.2):
    """Name the files that `train` will train on and validate on, and those that are left untouched.

    Parameters
    ----------
    folder, untouched : path
        Each has ``images/`` and ``masks/`` in it. `train` is given the first one.
    groups : str
        See `group_of`.
    seed : int
    val_share : float
        Both as they are given to `train`.

    Returns
    -------
    train, validation, untouched : dict of str to str
        Name and group of each file.

    Raises
    ------
    ValueError
        If a part is empty, or a group is in two of them.
    """
    files, last = _digests(folder), _digests(untouched)
    val = _to_validate(files, seed, val_share, groups) if files else set()
    parts = [{name: group_of(name, groups) for name in names} for names in (files.keys() - val, val, last)]
    if not all(parts):
        counts = "{} to train on, {} to validate on, {} untouched".format(*map(len, parts))
        raise ValueError(f"the files are divided so: {counts}; wanted at least one each: leave a group untouched, and two "
                         f"others where they are (a group is what {groups!r} finds in a name)")
    seen, unseen = {*parts[0].values(), *parts[1].values()}, set(parts[2].values())
    if seen & unseen:
        raise ValueError(f"only a part of group {few(sorted(seen & unseen))} is untouched: its pictures are alike, so leave "
                         "all of them untouched, or none")
    return tuple({name: part[name] for name in sorted(part)} for part in parts)


def group_of(name, pattern):
    """What of a name says to which group a picture belongs: what a pattern finds, or its first group.

    Examples
    --------
    >>> group_of("patient7_slice3", "patient[0-9]+"), group_of("2021_mouse4_a", "mouse([0-9]+)")
    ('patient7', '4')
    """
    found = re.search(pattern, name)
    if found is None:
        raise ValueError(f"groups is {pattern!r}, which is not found in the name {name!r}; wanted a regular expression that "
                         "finds in each name what the pictures of one patient, slide or day share")
    return found.group(1) if found.re.groups else found.group()


def _from_survey(folder, kind, progress, val, **given):
    """What a survey says of a network for these pictures, in the form of a config."""
    found = survey(*parts_of(folder), kind=None if kind == "auto" else kind, progress=progress, **given)
    if found.blocking:
        raise ValueError(first_of(found.blocking))
    if found.num_classes > 256:
        raise ValueError(f"masks give {found.num_classes} classes; wanted at most 256: if each number is an object, the kind "
                         "is labels")
    masks = {**settings_of(found.kind, found.values, found.diameter), **given}
    if found.kind == "classes":
        for number, names in found.where.items():
            if val and set(names) <= val:
                found.remarks.insert(0, f"class {number} is only in pictures that are kept apart ({few(names)}), so that the "
                                        "network never sees it: take another --seed, or more pictures of it")
    seen = {"pictures": found.pages, "types": dict(found.dtypes), "balance": found.balance, "reason": found.reason,
            "sizes": {f"{height} × {width}": count for (height, width), count in found.sizes.items()}}
    return {"network": {"in_channels": next(iter(found.channels)), "num_classes": found.num_classes}, "kind": found.kind,
            "masks": masks, "data": {"found": seen}}, found.remarks


def divide(digests, seed, share, groups=None):
    """Choose the files to validate on: by chance, but the same ones for the same files and seed, whatever they are called.

    Parameters
    ----------
    digests : dict of str to str
        Name and SHA-256 of each file. Files of the same content go the same way, so that none is trained on and scored.
    seed : int
    share : float
        Of the files, from 0 up to below 1.
    groups : dict of str to str, optional
        Name and group: what is in one group goes the same way, and groups are chosen in place of files.

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
    if groups:
        digests = _merged(digests, groups)
    contents = sorted(set(digests.values()), key=lambda digest: hashlib.sha256(f"{seed} {digest}".encode()).digest())
    count = min(max(math.floor(share * len(contents) + 0.5), 1), len(contents) - 1) if share else 0
    chosen = set(contents[:count])
    return {name for name, digest in digests.items() if digest in chosen}


def _merged(digests, groups):
    """{name: group}, where groups that share a content are one."""
    parent = {group: group for group in groups.values()}

    def root(group):
        while parent[group] != group:
            group = parent[group]
        return group
    first = {}
    for name, digest in sorted(digests.items()):
        parent[root(groups[name])] = root(groups[first.setdefault(digest, name)])
    return {name: root(groups[name]) for name in digests}


def same_training(old, new, name):
    """Refuse to go on with other settings or other pictures than a training began with."""
    def flat(config):
        return {**config["network"], "kind": config["kind"], **config["training"]}

    other = [f"{key} {flat(old).get(key)!r} there, {value!r} here" for key, value in flat(new).items()
             if flat(old).get(key) != value]
    before, now = ({**config["data"]["train"], **config["data"]["val"]} for config in (old, new))
    changes = [f"{what} {few(names)}" for what, names in (
        ("new:", sorted(now.keys() - before.keys())), ("gone:", sorted(before.keys() - now.keys())),
        ("changed:", sorted(key for key in now.keys() & before.keys() if now[key] != before[key]))) if names]
    if not other and not changes:
        return
    why = (" (the learning rate has fallen to nothing at the last step, so that a longer training begins anew)"
           if any(text.startswith("steps ") for text in other) else "")
    raise ValueError(f"{name} holds a training of other {'settings' if other else 'pictures'}: "
                     f"{'; '.join(other + changes)}{why}. "
                     "Use the same, or another folder for the run")


def announcement(config, remarks, *, started):
    """What is about to happen, in one or two lines."""
    train, val = config["data"]["train"], config["data"]["val"]
    kept = f"{len(val)} to validate on ({few(val)})" if val else "none to validate on"
    lines = [f"{len(train)} {'file' if len(train) == 1 else 'files'} to train on, {kept}; kind of masks: {config['kind']}, "
             f"{config['network']['num_classes']} classes."]
    if not val:
        lines.append("Nothing is kept apart, so nobody knows how good this network is: a score on a picture that it was "
                     "trained on is not to be believed.")
    lines += [f"Have a look: {remark}" for remark in remarks[:5]]
    return "\n".join(lines + ["Going on from the last checkpoint."] * started)
