"""The whole network: down, across and up again. Read `blocks.py` first. (05)"""

import math

from torch import nn

from unet_course.blocks import ConvBlock, DecoderBlock, EncoderBlock


class UNet(nn.Module):
    """U-Net for any image size: a class score for every pixel.

    Parameters
    ----------
    in_channels : int, default 1
        Channels of the image: 1 for grey, 3 for RGB.
    num_classes : int, default 2
        Classes, background included.
    channels : sequence of int, default (64, 128, 256, 512, 1024)
        Channels of each level, from the top of the U to the bottom. Its length is the number of
        levels.
    up : {"transpose", "bilinear"}, default "transpose"
        How the decoder doubles sizes, see `DecoderBlock`.
    padding : {1, 0}, default 1
        1: the output has the input's height and width, for every size from 1×1 on. 0: the paper's
        network of valid convolutions, 572 → 388, in which `match_size` crops the skips.
    norm : bool, default True
        Batch norm in every block. The paper's network has none.

    Raises
    ------
    ValueError
        If an argument is out of range, and, when called, if the image has the wrong shape, the
        wrong channels, or (``padding=0``) is too small; the message then lists sizes that fit.

    Notes
    -----
    ``forward(x)`` takes ``(N, in_channels, H, W)`` and returns logits ``(N, num_classes, H, W)``,
    not probabilities: cross-entropy wants logits. Weights are drawn at construction after He et al.
    (2015) with fan-in, biases are zero. The network is that of Ronneberger, Fischer and Brox
    (2015), arXiv 1505.04597, with padding and batch norm added, as is today's practice.

    In training mode, batch norm needs more than one value per channel at the bottom of the U.

    Examples
    --------
    >>> import torch
    >>> UNet(channels=(8, 16, 32))(torch.zeros(2, 1, 101, 70)).shape
    torch.Size([2, 2, 101, 70])
    >>> paper = UNet(padding=0, norm=False)
    >>> sum(p.numel() for p in paper.parameters())
    31030658
    """

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024),
                 up="transpose", padding=1, norm=True):
        super().__init__()
        check_arguments(in_channels, num_classes, channels, padding)
        self.in_channels, self.num_classes, self.padding = in_channels, num_classes, padding
        same = dict(padding=padding, norm=norm)
        down, upward = (in_channels, *channels), channels[::-1]
        self.encoders = nn.ModuleList(EncoderBlock(a, b, **same)
                                      for a, b in zip(down, channels[:-1]))
        self.bottleneck = ConvBlock(down[-2], channels[-1], **same)
        self.decoders = nn.ModuleList(DecoderBlock(a, b, b, up=up, **same)  # bottom first
                                      for a, b in zip(upward, upward[1:]))
        self.head = nn.Conv2d(channels[0], num_classes, kernel_size=1)
        self.apply(init_he)
        self.head.weight.data *= 0.3  # so that at first all classes are about as likely

    def forward(self, x):
        check_image(x, self.in_channels, len(self.encoders), self.padding)
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)  # each level: twice the channels, half the height and width
            skips.append(skip)
        x = self.bottleneck(x)
        for decoder, skip in zip(self.decoders, reversed(skips)):
            x = decoder(x, skip)  # the way back: half the channels, twice the height and width
            # what the pool has added by rounding up goes, and nothing else
            odd = [n % 2 for n in skip.shape[-2:]]
            x = x[..., : x.shape[-2] - odd[0], : x.shape[-1] - odd[1]] if any(odd) else x
        return self.head(x)  # (N, channels[0], H, W) -> (N, num_classes, H, W)


def init_he(module):
    """Draw one layer's weights after He et al. (2015): normal, std sqrt(2 / fan-in); bias zero.

    Parameters
    ----------
    module : Module
        Changed in place if it is a `Conv2d` or a `ConvTranspose2d`; any other is left alone. Made
        for ``model.apply(init_he)``.

    Notes
    -----
    Fan-in is the number of values that enter one output: ``in_channels × 3 × 3`` for a 3×3
    convolution, but ``in_channels`` for a 2×2 transposed convolution with stride 2, whose outputs
    do not overlap. torch's ``kaiming_normal_`` takes the *output* channels for a transposed
    convolution, so it is written out here.

    Examples
    --------
    >>> layer = nn.Conv2d(32, 64, 3)
    >>> init_he(layer)
    >>> round(layer.weight.std().item() / (2 / (32 * 9)) ** 0.5, 1)
    1.0
    """
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        fan_in = module.in_channels * math.prod(module.kernel_size)
        if isinstance(module, nn.ConvTranspose2d):
            fan_in = fan_in / math.prod(module.stride)
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_in))
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def output_size(size, levels, padding=0):
    """Height (or width) of what the network returns for an input of height (or width) `size`.

    Parameters
    ----------
    size : int
        Pixels of one side of the input.
    levels : int
        Number of pools: ``len(channels) - 1``.
    padding : {0, 1}
        As in `UNet`.

    Returns
    -------
    int
        Pixels of that side of the output; 0 if the input is too small.

    Examples
    --------
    >>> output_size(572, levels=4)
    388
    >>> [s for s in range(180, 240) if output_size(s, levels=4) and s % 16 == 12]
    [188, 204, 220, 236]
    """
    if padding:
        return size
    skips = []
    for _ in range(levels):
        skips.append(max(size - 4, 0))
        size = (skips[-1] + 1) // 2
    size = max(size - 4, 0)
    for skip in reversed(skips):
        size = max(2 * size - 4 - skip % 2, 0)
    return size


def check_arguments(in_channels, num_classes, channels, padding):
    """Raise a ValueError that names the argument of `UNet` that is out of range."""
    for name, value in [("in_channels", in_channels), ("num_classes", num_classes)]:
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; wanted an integer of at least 1")
    if not isinstance(channels, (tuple, list)) or not channels or any(
            not isinstance(c, int) or c < 1 for c in channels):
        raise ValueError(f"channels is {channels!r}; wanted one positive integer per level, such "
                         "as (16, 32, 64)")
    if type(padding) is not int or padding not in (0, 1):
        raise ValueError(f"padding is {padding!r}; wanted 1 (sizes kept) or 0 (the paper's valid "
                         "convolutions)")


def check_image(x, in_channels, levels, padding):
    """Raise a ValueError if `x` is not a batch that a `UNet` with these settings can take."""
    if not hasattr(x, "is_floating_point"):
        raise ValueError(f"x is of type {type(x).__name__}; wanted a tensor: torch.from_numpy "
                         "makes one of an array")
    if x.ndim != 4:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; wanted 4 axes (N, C, H, W): add the "
            "missing ones with x[None] or x[:, None]")
    if x.shape[1] != in_channels:
        hint = ("its last axis fits: bring it forward with x.permute(0, 3, 1, 2)"
                if x.shape[-1] == in_channels else
                f"make one with in_channels={x.shape[1]}, or give it other images")
        raise ValueError(f"x has {x.shape[1]} channels (shape {tuple(x.shape)}); this network has "
                         f"in_channels={in_channels}; {hint}")
    if not x.is_floating_point():
        raise ValueError(f"x has dtype {x.dtype}; wanted a floating-point image scaled to about "
                         "0..1: use unet_course.data.normalise")
    small = [s for s in x.shape[-2:] if output_size(s, levels, padding) < 1]
    if small or 0 in x.shape:
        step = 2**levels
        # The paper's sizes: every pool meets an even size, so nothing is rounded.
        first = next(s for s in range(1, 64 * step)
                     if output_size(s, levels) and (s + 4) % step == 0)
        sizes = range(first, first + 5 * step, step)
        works = ", ".join(f"{s}→{output_size(s, levels)}" for s in sizes)
        raise ValueError(f"x is {x.shape[-2]}×{x.shape[-1]}, too small for {levels} levels with "
                         f"padding={padding}. "
                         + (f"Sizes at which no pool rounds (input→output): {works}, "
                            f"and every {step} more."
                            if padding == 0 else "It must have at least one pixel."))
