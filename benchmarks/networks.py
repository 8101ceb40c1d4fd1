"""The networks that are compared, made as alike as their makers' options allow.

All have five levels of widths w, 2w, 4w, 8w, 16w, batch norm, ReLU and a 2×2 transposed convolution on the way up. That
is the shape MONAI's BasicUNet always has, so the others follow it. A peer is imported when it is built: none of them has
to be installed for this file to be read.
"""

import contextlib
import io
from importlib.metadata import PackageNotFoundError, version

import torch
import torch.nn.functional as F
from torch import nn

from unet_course import UNet

CLASSES, LEVELS = 3, 5


def widths(w):
    """Channels of the five levels.

    >>> widths(8)
    (8, 16, 32, 64, 128)
    """
    return tuple(w * 2**level for level in range(LEVELS))


def ours(w):
    return UNet(num_classes=CLASSES, channels=widths(w))


def monai(w):
    from monai.networks.nets import BasicUNet

    return BasicUNet(spatial_dims=2, in_channels=1, out_channels=CLASSES, features=(*widths(w), w),
                     act=("RELU", {"inplace": True}), norm="BATCH", upsample="deconv")


def nnunet(w):
    from dynamic_network_architectures.architectures.unet import PlainConvUNet

    return PlainConvUNet(1, LEVELS, widths(w), nn.Conv2d, 3, (1, 2, 2, 2, 2), 2, CLASSES, 2, norm_op=nn.BatchNorm2d,
                         norm_op_kwargs={}, nonlin=nn.ReLU, nonlin_kwargs={"inplace": True})


def fepegar(w):
    from unet import UNet2D

    return UNet2D(in_channels=1, out_classes=CLASSES, num_encoding_blocks=LEVELS, out_channels_first_layer=w,
                  normalization="batch", padding=1)


def smp(w):
    from segmentation_models_pytorch import Unet

    return Unet("resnet18", encoder_weights=None, in_channels=1, classes=CLASSES)


# name: (how to build it, the package on PyPI, whether its widths are ours, what differs from ours, any image size)
NETWORKS = {
    "ours": (ours, "unet-course", True, "", True),
    "MONAI BasicUNet": (monai, "monai", True, "convolutions have a bias under the batch norm; the last transposed convolution "
                        "keeps its 2w channels", True),
    "nnU-Net PlainConvUNet": (nnunet, "dynamic_network_architectures", True, "goes down by a convolution of stride 2, has no "
                              "pools; holds three 1×1 heads for deep supervision that are not used", False),
    "unet UNet2D": (fepegar, "unet", True, "each transposed convolution keeps its channels instead of halving them; no batch "
                    "norm after the very first convolution; ReLU not in place", False),
    "smp Unet (resnet18)": (smp, "segmentation_models_pytorch", False, "a ResNet-18 with its own widths goes down, nearest "
                            "neighbours go up; its first convolution halves the image already", False),
}
PEERS = [name for name in NETWORKS if name != "ours"]


def build(name, w, seed=0):
    """One network in float32 in torch's default memory format, quietly: BasicUNet prints when it is made."""
    torch.manual_seed(seed)
    with contextlib.redirect_stdout(io.StringIO()):
        return NETWORKS[name][0](w)


class Padded(nn.Module):
    """A network that takes only multiples of 16, made to take any size: zeros at the right and bottom, cut off again."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        height, width = x.shape[-2:]
        return self.model(F.pad(x, (0, -width % 16, 0, -height % 16)))[..., :height, :width]


def for_scoring(name, model):
    """The network as `score_split` can use it, on images of every size."""
    return model if NETWORKS[name][4] else Padded(model)


def survey(sizes):
    """What can be built here: {name: {version, same_widths, differs, parameters or reason}}."""
    found = {}
    for name, (_, package, same, differs, _) in NETWORKS.items():
        entry = {"version": _version(package), "same_widths": same, "differs": differs}
        try:
            entry["parameters"] = {str(w): sum(p.numel() for p in build(name, w).parameters()) for w in sizes}
        except Exception as error:  # a peer may fail in any way on a machine that lacks what it builds on
            entry["reason"] = f"{type(error).__name__}: {error}".splitlines()[0]
        found[name] = entry
    return found


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None
