"""Which mask belongs to which image: by their names, and by what their names share. (13)"""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from unet_course.data.files.images import SUFFIXES, conversion, count_pages


@dataclass(frozen=True)
class Pair:
    """An image file and its mask file.

    Attributes
    ----------
    name : str
        Of the image, without the suffix.
    image : Path
    mask : Path or tuple of Path
        Several, if each object has a file of its own.
    pages : int
        Of both; 1 where they differ or a file cannot be read.
    """

    name: str
    image: Path
    mask: Path
    pages: int = 1


def pair(images, masks):
    """Match the files of two folders by their names without the suffix, and say what does not fit.

    Parameters
    ----------
    images, masks : str or Path
        Folders.

    Returns
    -------
    pairs : list of Pair
        In the order of their names.
    problems : list of Exception
        What has to be mended before the pairs can be trained on: a line each, with its cure.
    remarks : list of str
        What can stay, and is worth a look.

    Raises
    ------
    FileNotFoundError
        If one of them is no folder.

    Notes
    -----
    Names are compared as they are read: an accent may be stored in two ways. Where names differ by
    a part that all of them share ("_sat" and "_mask"), they are matched without it.
    """
    problems, remarks = [], []
    masks_folder = Path(masks)
    images, masks = (_by_name(folder, what, problems, remarks)
                     for folder, what in ((images, "images"), (masks, "masks")))
    for name, parts in _in_parts(images, masks, masks_folder):
        masks[name] = parts
        remarks.append(f"{images[name].name} has {len(parts)} masks ({_few(parts)}): they are put "
                       "together, a number for each")
    if masks:  # a folder for each image counts, too
        problems = [p for p in problems if not (isinstance(p, FileNotFoundError) and str(p).startswith("masks"))]
    remarks += _without_shared_parts(images, masks)
    problems += map(ValueError, _alone(images, masks))
    pairs = []
    for name in sorted(images.keys() & masks.keys()):
        image, mask, pages = images[name], masks[name], 1
        try:
            pages, other = count_pages(image), 1 if isinstance(mask, tuple) else count_pages(mask)
        except (ValueError, OSError):  # said when the file is read; the others do not mind
            other = pages
        if pages != other:
            problems.append(ValueError(
                f"{image.name} has {pages} pages and its mask {other}: give both as many, or save "
                "the planes as single files; if its pages are channels, save them as one page: "
                "tifffile.imwrite(path, array, metadata={'axes': 'CYX'})"))
        pairs.append(Pair(name, image, mask, pages if pages == other else 1))
    return pairs, problems, remarks


def first_of(problems):
    """The first of some problems in words, and how many there are.

    Examples
    --------
    >>> first_of(["a.png is an image without a mask"] * 3)
    'a.png is an image without a mask (3 such things; survey names them all)'
    """
    more = "" if len(problems) == 1 else f" ({len(problems)} such things; survey names them all)"
    return f"{problems[0]}{more}"


def list_files(folder):
    """The image files of a folder, all others, and its folders, each by name; hidden ones are passed over."""
    images, others, folders = [], [], []
    for path in sorted(Path(folder).iterdir()):
        if path.name.startswith(".") or path.name in ("Thumbs.db", "desktop.ini", "__MACOSX"):
            continue
        if path.is_dir():
            folders.append(path)
        else:  # a link that leads nowhere, too: it is said when it is read
            (images if path.suffix.lower() in SUFFIXES else others).append(path)
    return images, others, folders


def passed_over(folder):
    """What lies in a folder and is not read, in words: other kinds of files, and folders with pictures."""
    _, others, folders = list_files(folder)
    if others:
        how = next(filter(None, map(conversion, others)), "")
        yield (f"{len(others)} other file{'s' * (len(others) != 1)}, such as {others[0].name}"
               + f" ({how})" * bool(how))
    inside = [f for f in folders if any(p.suffix.lower() in SUFFIXES for p in f.iterdir())]
    if inside:
        yield (f"{len(inside)} subfolder{'s' * (len(inside) != 1)} with pictures ({_few(inside)}): "
               "move the pictures up, or give that folder")


def _few(paths):
    return ", ".join(path.name for path in paths[:3]) + " …" * (len(paths) > 3)


def _by_name(folder, what, problems, remarks):
    """The image files of a folder: {name without suffix: path}."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{what} is {str(folder)!r}, which is not a folder; "
                                "wanted a folder of image files")
    found = {}
    for path in list_files(folder)[0]:
        name = unicodedata.normalize("NFC", path.stem)
        if name in found:
            problems.append(ValueError(f"{what} has both {found[name].name} and {path.name}: "
                                       "keep one of them, or rename it"))
        found.setdefault(name, path)
    wanted = f"wanted files that end in {', '.join(SUFFIXES)}"
    others = list(passed_over(folder))
    if not found:
        there = f"; there are {' and '.join(others)}" if others else ""
        problems.append(FileNotFoundError(f"{what} is {str(folder)!r}, "
                                          f"which has no image in it: {wanted}{there}"))
    elif others:
        remarks.append(f"{what} has {' and '.join(others)}; they are passed over: {wanted}")
    return found


def _in_parts(images, masks, folder):
    """(name of an image, its mask files) where each object has a file, or a folder holds them."""
    for path in list_files(folder)[2]:
        name = unicodedata.normalize("NFC", path.name)
        if name in images and name not in masks and (parts := list_files(path)[0]):
            yield name, tuple(parts)
    taken = defaultdict(list)
    for mask in masks:
        starts = [name for name in images if _continues(mask, name)]
        if mask not in images and starts:
            taken[max(starts, key=len)].append(mask)
    for name, found in taken.items():
        parts = ([name] if name in masks else []) + sorted(found)
        if len(parts) > 1:
            yield name, tuple(masks.pop(part) for part in parts)


def _continues(name, beginning):
    """Whether a name is another one and more, such as "a1_mask_2" is of "a1".

    >>> _continues("a1_mask_2", "a1"), _continues("a10", "a1")
    (True, False)
    """
    return name.startswith(beginning) and not name[len(beginning) :][:1].isalnum() and name != beginning


def _without_shared_parts(images, masks):
    """Match what is left where all images share a part of their names, and all masks another.

    Changes the keys of `masks`; yields a remark.
    """
    left = sorted(images.keys() - masks.keys()), sorted(masks.keys() - images.keys())
    if min(map(len, left)) < 2:
        return
    (shared, cores), (other, mask_cores) = map(_cores, left)
    both = cores.keys() & mask_cores.keys()
    numbers = [re.findall(r"\d+", part) for part in (*shared, *other)]
    # day1_7 and day2_7 are not said to be the same
    differ = any(numbers[k] and numbers[k + 2] and numbers[k] != numbers[k + 2] for k in (0, 1))
    if len(both) < 2 or differ:
        return
    for core in both:
        masks[cores[core]] = masks.pop(mask_cores[core])
    yield (f"{len(both)} images and masks are matched without what their names share: images "
           f"{shared[0]}…{shared[1]}, masks {other[0]}…{other[1]}")


def _cores(names):
    """What all names share at the beginning and at the end, and {what is left: name}.

    Only whole words, numbers and signs are shared: "img1" and "img12" share "img".

    >>> _cores(["img_01_L", "img_02_L"])
    (('img_', '_L'), {'1': 'img_01_L', '2': 'img_02_L'})
    """
    tokens = [re.findall(r"\d+|[^\W\d_]+|[\W_]", name) for name in names]

    def shared(sequences):
        count = 0
        for column in zip(*sequences):
            if len(set(column)) > 1:
                break
            count += 1
        return count
    first = shared(tokens)
    last = shared([t[first:][::-1] for t in tokens])
    cores = defaultdict(list)
    for name, parts in zip(names, tokens):
        core = "".join(part.lstrip("0") or "0" if part.isdigit() else part.lower()
                       for part in parts[first : len(parts) - last])
        cores[core].append(name)
    ends = "".join(tokens[0][:first]), "".join(tokens[0][len(tokens[0]) - last :])
    return ends, {core: same[0] for core, same in cores.items() if len(same) == 1 and core}


def _alone(images, masks):
    """Names in one folder only, with the name that was probably meant."""
    only = images.keys() - masks.keys(), masks.keys() - images.keys()
    explained = set()
    for name in sorted(only[1]):
        image = near_miss(name, only[0])
        if image is None:
            yield (f"{masks[name].name} is a mask without an image: "
                   "add the image, or take the mask away")
        else:
            explained.add(image)
            yield (f"{masks[name].name} is a mask without an image of that name: rename it to "
                   f"{image}{masks[name].suffix}, so that it fits {images[image].name}")
    for name in sorted(only[0] - explained):
        yield f"{images[name].name} is an image without a mask: draw one, or take the image away"


def near_miss(name, others):
    """The one name among `others` that differs from `name` by a beginning or an end, such as "_mask"; or None.

    Examples
    --------
    >>> near_miss("a1_mask", {"a1", "a10"}), near_miss("IMG_7", {"img_7"}), near_miss("b", {"a"})
    ('a1', 'img_7', None)
    """
    def plain(text):
        return re.sub(r"(^|[ _.-])(masks?|labels?|seg|segmentation|gt|annotations?|images?|img|cp_masks)(?=$|[ _.-])", "",
                      text.lower()).strip(" _.-")
    fits = [other for other in others if plain(other) == plain(name)]
    return fits[0] if len(fits) == 1 else None
