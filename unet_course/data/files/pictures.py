"""PNG, JPEG and BMP files: read whole, or not at all."""

import struct
import warnings
import zlib

import numpy as np

from unet_course.data.files.tiff import MAX_PIXELS, MAX_RATIO

PNG = b"\x89PNG\r\n\x1a\n"
FORMATS = ("PNG", "JPEG", "BMP")  # the readers of Pillow that a picture may meet; JPEG reads MPO too


def read_picture(path, indices=False):
    """A PNG, JPEG or BMP file as Pillow reads it, with checks that it does not make.

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
    from PIL import Image

    depth = check_png(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS) as image:
            if image.mode in ("LA", "PA") and (indices or image.mode == "LA"):
                return np.array(image)[..., 0]
            if image.mode in ("P", "PA", "RGBA") and not indices or image.mode in ("CMYK", "YCbCr", "HSV", "LAB", "RGBX"):
                image = image.convert("RGB")
            picture = np.array(image)
    if indices and depth in (2, 4) and picture.ndim == 2:  # Pillow stretches their few values over 0 to 255
        picture = picture // (255 // (2**depth - 1))
    return picture


def check_png(path):
    """Refuse a PNG file that claims too much, or whose parts are not what their checksums say.

    Parameters
    ----------
    path : Path

    Returns
    -------
    int
        Bits for each grey value; 8 for colours, palettes, and other kinds of files, which are not looked at.

    Raises
    ------
    ValueError, struct.error

    Notes
    -----
    Pillow does not compare the checksums of pixels, so that a damaged mask could pass for a whole one.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        if file.read(len(PNG)) != PNG:
            return 8
        width, height, depth, kind = struct.unpack(">8xIIBB", file.read(18))
        claimed = height * width * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(kind, 4) / 8
        if not 0 < width * height <= MAX_PIXELS or claimed > MAX_RATIO * size:
            raise ValueError(f"it claims {height} × {width} pixels, and has {size} bytes")
        file.seek(len(PNG))
        name = b""
        while name != b"IEND":
            length, name = struct.unpack(">I4s", file.read(8))
            content, checksum = file.read(length) if length <= size else b"", file.read(4)
            if len(content) < length or checksum != struct.pack(">I", zlib.crc32(content, zlib.crc32(name))):
                raise ValueError("a part of it is missing or changed")
    return depth if kind == 0 else 8
