"""A network is shown the same numbers of a picture, whatever file it is in and whoever reads it."""

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from unet_course import SegmentationFolder, UNet, predict
from unet_course.data.files.images import write_image
from unet_course.inference.large import open_input
from unet_course.own_data.predict import predict_files
from unet_course.own_data.run import Run

PICTURE = np.random.default_rng(0).integers(0, 256, (90, 70), dtype=np.uint8)
COLOURS = np.random.default_rng(1).integers(0, 256, (90, 70, 4), dtype=np.uint8)


def tiff(number, **options):
    """Write a TIFF of a picture, its numbers changed by a function."""
    return lambda path, picture: tifffile.imwrite(
        path, number(picture), photometric=kind(picture), **options)


FILES = {
    "8 bit.png": lambda path, picture: Image.fromarray(picture).save(path),
    "16 bit.tif": tiff(lambda p: p.astype(np.uint16) * 200),
    "32 bit.tif": tiff(lambda p: p.astype(np.int32) * 70000),
    "float.tif": tiff(lambda p: p.astype(np.float32) / 3 - 5),
    "zlib.tif": tiff(lambda p: p / 7, compression="zlib"),
}


def kind(picture):
    return "rgb" if picture.ndim == 3 else "minisblack"


class Shown(UNet):
    """Notes the input of its last call."""

    def forward(self, x):
        self.last = x.clone()
        return super().forward(x)


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """A function that gives the inputs of a network, by who reads the file."""
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()

    def read(name, picture):
        path = tmp_path / "images" / name
        FILES[name](path, picture)
        write_image(tmp_path / "masks" / f"{path.stem}.png", np.zeros((90, 70), np.uint8))
        channels = 1 if picture.ndim == 2 else 3
        model = Shown(channels, channels=(2,)).eval()
        predict(model, path)
        by_path = model.last[0]
        config = {"kind": "classes", "masks": {},
                  "network": {"in_channels": channels, "channels": [2]}}
        (tmp_path / "weights.pt").write_bytes(b"of no interest")
        predict_files(Run(tmp_path, model, config), path, tmp_path / "out", progress=False)
        folder = SegmentationFolder(tmp_path / "images", tmp_path / "masks")
        (folder_input, _) = folder[folder.names.index(path.stem)]
        return {"folder": folder_input, "path": by_path, "command": model.last[0]}
    return read


@pytest.mark.parametrize("picture", [PICTURE, COLOURS[..., :3], COLOURS],
                         ids=["grey", "colour", "alpha"])
def test_every_file_and_every_reader_give_the_same_input(shown, picture):
    inputs = {(name, reader): x for name in FILES for reader, x in shown(name, picture).items()}
    wanted = inputs["8 bit.png", "folder"]
    assert {x.shape for x in inputs.values()} == {wanted.shape}
    differences = {key: (x - wanted).abs().max().item() for key, x in inputs.items()}
    assert max(differences.values()) <= 1e-6, differences


def test_a_file_that_is_not_compressed_is_mapped(tmp_path):
    path = tmp_path / "a.tif"
    for picture in (PICTURE, COLOURS):
        tifffile.imwrite(path, picture, photometric=kind(picture))
        assert isinstance(open_input(path), np.memmap)
    tifffile.imwrite(path, PICTURE, compression="zlib")
    assert not isinstance(open_input(path), np.memmap) and torch.equal(
        torch.from_numpy(open_input(path)[0]), torch.from_numpy(PICTURE))
