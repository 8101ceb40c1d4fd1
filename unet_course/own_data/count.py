"""From masks to a table: a row for each object, and one for each image. (13)"""

import csv
import io
from pathlib import Path

import numpy as np
from skimage.measure import label, regionprops_table

from unet_course.data.files.images import read_pages, resolution
from unet_course.data.files.saving import write_text
from unet_course.data.mask_kinds import Numbers
from unet_course.data.pairing import first_of, pair

OBJECTS, IMAGES = "objects.csv", "images.csv"
MICROMETRES = {"CENTIMETER": 1e4}  # inches are what a printer is told, not a measurement


def count_objects(masks, images, out, *, kind="auto"):
    """Measure the objects of masks in their images, and write two tables.

    Parameters
    ----------
    masks : path
        Folder of masks, such as ``predict`` writes.
    images : path
        Folder of the images, with the same names.
    out : path
        Folder for ``objects.csv`` and ``images.csv``; made if it is not there.
    kind : {"auto", "labels", "classes", "binary"}, default "auto"
        "labels": each number is an object. Otherwise each connected piece of a number is one.

    Returns
    -------
    tuple of list of dict
        Rows of both tables. Areas and centroids are in pixels, from the upper left corner; where the
        image's file says how large a pixel is, in micrometres, too. Mean intensities are of the
        numbers in the file, for each channel.

    Raises
    ------
    ValueError
        If masks and images do not fit, or a table is there already.

    Examples
    --------
    >>> import tempfile
    >>> from unet_course.data import write_image
    >>> with tempfile.TemporaryDirectory() as top:
    ...     for part, values in [("images", [9, 20, 30, 7]), ("masks", [0, 1, 1, 2])]:
    ...         (Path(top) / part).mkdir()
    ...         write_image(Path(top) / part / "a.png", np.uint8([values]))
    ...     objects, images = count_objects(Path(top) / "masks", Path(top) / "images", Path(top) / "out")
    >>> [(row["object"], row["area_pixels"], row["mean_intensity"]) for row in objects]
    [(1, 2, 25.0), (2, 1, 7.0)]
    >>> images[0]["objects"], images[0]["foreground"]
    (2, 0.75)
    """
    out = Path(out)
    for name in (OBJECTS, IMAGES):
        if (out / name).exists():
            raise ValueError(f"out has {name} already; wanted another folder, so that nothing of yours is lost")
    pairs, problems, _ = pair(images, masks)
    if not pairs:
        raise ValueError(first_of(problems))
    objects, rows, numbers = [], [], Numbers()
    if kind == "auto":
        for both in pairs:
            for mask in read_pages(both.mask, indices=True):
                numbers.add(mask.astype(np.int64))
        kind = numbers.guess()[0]
    for both in pairs:
        for page, (image, mask) in enumerate(zip(read_pages(both.image), read_pages(both.mask, indices=True))):
            name = both.name if both.pages == 1 else f"{both.name}[{page}]"
            if image.shape[:2] != mask.shape:
                raise ValueError(f"{name}: the image is {image.shape[0]}×{image.shape[1]}, the mask {mask.shape[0]}×"
                                 f"{mask.shape[1]}; wanted the same size")
            found = list(_objects(name, image, mask.astype(np.int64), kind, _pixel(both.image)))
            objects += found
            areas = [row["area_pixels"] for row in found]
            rows.append({"image": name, "objects": len(found), "foreground": float((mask > 0).mean()),
                         "median_area_pixels": float(np.median(areas)) if areas else ""})
    out.mkdir(parents=True, exist_ok=True)
    for name, table in ((OBJECTS, objects), (IMAGES, rows)):
        write_text(out / name, _as_csv(table))
    return objects, rows


def _pixel(path):
    """Height and width of a pixel in micrometres, or None."""
    found = resolution(path)
    factor = MICROMETRES.get(found[2]) if found else None
    return (factor / found[1], factor / found[0]) if factor else None


def _objects(name, image, mask, kind, pixel):
    pieces = mask if kind == "labels" else label(mask, connectivity=2)
    image = image if image.ndim == 3 else image[..., None]
    table = regionprops_table(pieces, image, properties=("label", "area", "centroid", "intensity_mean"))
    for k, number in enumerate(table["label"]):
        y, x = (float(table[f"centroid-{axis}"][k]) for axis in (0, 1))
        row = {"image": name, "object": int(number), "area_pixels": int(table["area"][k]),
               "centroid_y": round(y, 3), "centroid_x": round(x, 3)}
        if kind != "labels":
            row["class"] = int(mask[pieces == number][0])
        for channel in range(image.shape[-1]):
            mean = table[f"intensity_mean-{channel}"][k]
            row["mean_intensity" + (f"_{channel + 1}" if image.shape[-1] > 1 else "")] = round(float(mean), 4)
        if pixel:
            height, width = pixel
            row |= {"area_um2": round(row["area_pixels"] * height * width, 4),
                    "centroid_y_um": round(y * height, 4), "centroid_x_um": round(x * width, 4)}
        yield row


def _as_csv(rows):
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["image"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
