"""Image files in and out: single or stacks of pages, never half read or half written. (13)"""

import contextlib
import itertools
import math
import warnings
from pathlib import Path

import numpy as np

from unet_course.data.files.saving import written
from unet_course.data.files.tiff import MAX_PIXELS, MAX_RATIO, tiff_pages, upright

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".gif")
# What is not read, and how to turn it into what is.
OTHERS = {"microscope": (".czi .nd2 .lif .lsm .oib .oif .vsi .ims .dv .stk .zvi .scn .mrxs .svs .ndpi .zarr",
                         "open it in Fiji or QuPath and save it as TIFF"),
          "outlines": (".json .xml .geojson .roi .zip .txt .csv",
                       "draw its outlines into a picture, 0 outside and a number for each object, with "
                       "skimage.draw.polygon, or export masks from the program that wrote it"),
          "numbers": (".npy .npz .mat .h5 .hdf5", "save each picture in it with tifffile.imwrite"),
          "medicine": (".dcm .nii .gz .mha .mhd .nrrd", "save its slices as TIFF, with SimpleITK or Fiji"),
          "photograph": (".webp .heic .heif .avif .jp2 .raw .dng .cr2 .nef .psd .svg .pdf .eps",
                         "open it in a program for pictures and save it as PNG")}
TIFF = b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"
EMPTY = "pages is empty; wanted at least one"
TO_CENTIMETRES = {"micron": 1e4, "um": 1e4, "µm": 1e4, "μm": 1e4, "\\u00B5m": 1e4, "nm": 1e7, "mm": 10.0, "cm": 1.0}


def count_pages(path):
    """How many pages a picture file has; 1 for everything but a TIFF stack.

    Parameters
    ----------
    path : path

    Returns
    -------
    int

    Raises
    ------
    ValueError, FileNotFoundError
        If the file is damaged, or there is none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(Path(folder) / "stack.tif", [np.zeros((4, 5), np.uint8)] * 3)
    ...     count_pages(Path(folder) / "stack.tif")
    3
    """
    with _opened(path) as pages:
        return len(pages)


def read_pages(path, *, indices=False):
    """The pages of a picture file, one after the other, with the numbers that are stored.

    Parameters
    ----------
    path : path
        PNG, TIFF, JPEG, BMP or GIF; the first bytes of the file decide, not its name.
    indices : bool, default False
        Numbers as they are stored: of a picture with a palette not its colours, as class masks are kept (but see
        `upright`). Otherwise colours, without transparency.

    Yields
    ------
    ndarray, shape (H, W) or (H, W, C)
        A colour or channel axis comes last; each other axis of a stack (depth, time …) makes pages.

    Raises
    ------
    ValueError
        If the file is damaged or cut short, or a page claims more than 2³⁰ pixels.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(Path(folder) / "stack.tif", [np.zeros((4, 5), np.uint8)] * 3)
    ...     print([page.shape for page in read_pages(Path(folder) / "stack.tif")])
    [(4, 5), (4, 5), (4, 5)]
    """
    with _opened(path, indices) as pages:
        for read in pages:
            yield read()


def read_page(path, page=0, *, indices=False):
    """One page of a picture file, see `read_pages`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(Path(folder) / "stack.tif", [np.full((1, 2), k, np.uint8) for k in range(3)])
    ...     read_page(Path(folder) / "stack.tif", 2)
    array([[2, 2]], dtype=uint8)
    """
    with _opened(path, indices) as pages:
        count = len(pages)
        if 0 <= page < count:
            return pages[page]()
    raise IndexError(f"page is {page}; {Path(path).name} has pages 0 to {count - 1}")


def conversion(path):
    """How a file that is no picture for this course becomes one, in words; "" if unknown.

    Examples
    --------
    >>> conversion("day1.nd2")
    'day1.nd2 is a ND2 file: open it in Fiji or QuPath and save it as TIFF'
    """
    suffix = Path(path).suffix.lower()
    for suffixes, cure in OTHERS.values():
        if suffix and suffix in suffixes.split():
            return f"{Path(path).name} is a {suffix[1:].upper()} file: {cure}"
    return ""


def has_transparency(path):
    """Whether an image has pixels that are not opaque, which `read_pages` leaves out."""
    path = Path(path)
    if is_tiff(path):
        with tiff_pages(path, alpha=True) as whole, tiff_pages(path) as kept:
            pages = [(all_of(), colours()) for all_of, colours in zip(whole, kept)]
        return any(a.ndim == 3 and a.shape != b.shape and np.ptp(a[..., -1]) for a, b in pages)
    from PIL import Image

    with Image.open(path, formats=FORMATS) as image:
        return image.mode in ("LA", "PA", "RGBA") and image.getchannel("A").getextrema()[0] < 255


def nodata(path):
    """The number that a GeoTIFF says stands where nothing was measured; None for any other file."""
    if not is_tiff(path):
        return None
    import tifffile

    with contextlib.suppress(Exception), tifffile.TiffFile(path, _multifile=False) as file:
        return float(file.pages[0].tags["GDAL_NODATA"].value)
    return None


def is_tiff(path):
    """Whether a file is a TIFF, by its first bytes."""
    with open(path, "rb") as file:
        return file.read(4) in TIFF


@contextlib.contextmanager
def _opened(path, indices=False):
    """Functions that read the pages, while the file is open."""
    path = Path(path)
    try:
        with contextlib.ExitStack() as stack:
            if is_tiff(path):
                yield stack.enter_context(tiff_pages(path, alpha=indices))
            else:
                yield [lambda: read_picture(path, indices)]
    except FileNotFoundError as error:
        raise FileNotFoundError(f"path is {str(path)!r}, and there is no such file; check the name") from error
    except Exception as error:  # every reader raises its own kinds; the learner needs the name of the file
        reason = str(error) if type(error) is ValueError and len(str(error)) < 160 else type(error).__name__
        if conversion(path):
            raise ValueError(f"{conversion(path)}; it cannot be read as it is") from error
        raise ValueError(f"{path.name} cannot be read as an image ({reason}); it is damaged, cut short or of another kind: "
                         "export or copy it again") from error


def resolution(path):
    """Pixels for each unit of length, as a file states them.

    Parameters
    ----------
    path : path
        Of an image.

    Returns
    -------
    tuple (x, y, unit) or None
        `unit` is "INCH" or "CENTIMETER"; None if the file says nothing, or cannot be read. What ImageJ states in microns
        is given in centimetres.
    """
    path = Path(path)
    try:
        if is_tiff(path):
            return _tiff_resolution(path)
        from PIL import Image

        with Image.open(path, formats=FORMATS) as image:
            x, y = image.info.get("dpi", (0, 0))
        found = float(x), float(y), "INCH"
    except Exception:  # a picture without it is a picture
        return None
    return found if all(math.isfinite(r) and r > 0 for r in found[:2]) else None


def _tiff_resolution(path):
    import tifffile

    with tifffile.TiffFile(path, _multifile=False) as file:
        tags = file.pages[0].tags
        x, y = (tags[name].value for name in ("XResolution", "YResolution"))
        x, y = x[0] / x[1], y[0] / y[1]
        unit = {2: "INCH", 3: "CENTIMETER"}.get(int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 2)
        factor = TO_CENTIMETRES.get((file.imagej_metadata or {}).get("unit"))
        if factor:
            x, y, unit = x * factor, y * factor, "CENTIMETER"
    return (x, y, unit) if unit and all(math.isfinite(r) and r > 0 for r in (x, y)) else None


def write_image(path, pages, *, resolution=None):
    """Write an image as PNG or TIFF, losslessly, beside its place and renamed; several pages as one TIFF stack.

    Parameters
    ----------
    path : path ending in .png, .tif or .tiff
    pages : ndarray of uint8 or uint16, shape (H, W); or a sequence or iterator of such
        An array (P, H, W) is P pages.
    resolution : (float, float, str), optional
        As from the function of that name.

    Raises
    ------
    ValueError
        If the kind of file is another, the arrays are none of these, or a PNG would need more than one page.

    Examples
    --------
    >>> write_image("mask.jpg", np.zeros((2, 2), np.uint8))
    Traceback (most recent call last):
        ...
    ValueError: path is 'mask.jpg'; wanted a name that ends in .png, .tif or .tiff: JPEG changes the values of a mask
    """
    path, kind = Path(path), Path(path).suffix.lower()
    if kind not in (".png", ".tif", ".tiff"):
        raise ValueError(f"path is {path.name!r}; wanted a name that ends in .png, .tif or .tiff: JPEG changes the values of "
                         "a mask")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path is in the folder {path.parent.name!r}, which does not exist; make it first")
    pages = [pages] if isinstance(pages, (np.ndarray, np.generic)) and pages.ndim != 3 else pages
    with written(path) as beside:
        (_write_png if kind == ".png" else _write_tiff)(beside, (_checked(page) for page in pages), path.name, resolution)


def _checked(page):
    page = np.asarray(page)
    if page.dtype.newbyteorder("=") not in (np.uint8, np.uint16) or page.ndim != 2 or page.size == 0:
        raise ValueError(f"pages has one of dtype {page.dtype} and shape {page.shape}; wanted uint8 or uint16 of shape (H, W)")
    return np.ascontiguousarray(page, dtype=page.dtype.newbyteorder("="))


def _write_png(beside, pages, name, resolution):
    from PIL import Image

    first, *others = itertools.chain(itertools.islice(pages, 2), [None])
    if first is None:
        raise ValueError(EMPTY)
    if others[0] is not None:
        raise ValueError(f"path is {name!r}, and there are more pages than one; wanted a name that ends in .tif: a PNG "
                         "has one page")
    factor = 2.54 if resolution and resolution[2] == "CENTIMETER" else 1
    options = {"dpi": tuple(factor * r for r in resolution[:2])} if resolution else {}
    Image.fromarray(first).save(beside, format="PNG", **options)


def _write_tiff(beside, pages, name, resolution):
    import tifffile

    options = dict(resolution=resolution[:2], resolutionunit=resolution[2]) if resolution else {}
    written = 0
    with tifffile.TiffWriter(beside) as file:
        for written, page in enumerate(pages, start=1):  # noqa: B007
            file.write(page, photometric="minisblack", compression="zlib", metadata=None, **options)
    if not written:
        raise ValueError(EMPTY)


FORMATS = ("PNG", "JPEG", "BMP", "GIF")  # the readers of Pillow that a picture may meet; JPEG reads MPO too


def read_picture(path, indices=False):
    """A PNG, JPEG, BMP or GIF file as Pillow reads it, with checks that it does not make.

    Parameters
    ----------
    path : Path
    indices : bool, default False
        The numbers as they are stored: of a picture with a palette not the colours. Else colours, without transparency.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, C)

    Raises
    ------
    Exception
        Of many kinds, if the file is damaged.
    """
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        depth = _png_depth(path)
        with Image.open(path, formats=FORMATS) as image:
            if getattr(image, "n_frames", 1) > 1 and image.format == "GIF":
                raise ValueError(f"it is a film of {image.n_frames} pictures: save each by itself")
            ImageOps.exif_transpose(image, in_place=True)  # cameras store pictures lying, and say so
            if image.mode == "P" and indices:
                return upright(np.array(image), image.getpalette())
            if image.mode in ("LA", "PA") and (indices or image.mode == "LA"):
                return np.array(image)[..., 0]
            if image.mode in ("P", "PA", "RGBA") and not indices or image.mode in ("CMYK", "YCbCr", "HSV", "LAB", "RGBX"):
                image = image.convert("RGB")
            picture = np.array(image)
    if indices and depth in (2, 4) and picture.ndim == 2:  # Pillow stretches their few values over 0 to 255
        picture = picture // (255 // (2**depth - 1))
    return picture


def _png_depth(path):
    """Refuse a damaged PNG file, or one that claims too much; bits of a grey value, 8 if unknown."""
    from PIL import Image

    with Image.open(path, formats=FORMATS) as image:
        if image.format != "PNG":
            return 8
        kind, _, depth = image.tile[0][3].partition(";")  # as in L;4 or RGB;16B
        depth = 1 if kind == "1" else int(depth.rstrip("B") or 8)
        size, pixels = path.stat().st_size, image.width * image.height
        claimed = pixels * len(image.getbands()) * depth / 8
        if pixels > MAX_PIXELS or claimed > MAX_RATIO * size:
            raise ValueError(f"it claims {image.height} × {image.width} pixels, and has {size} bytes")
        image.verify()  # compares checksums: a damaged mask could pass for a whole one
    return depth if kind == "L" else 8
