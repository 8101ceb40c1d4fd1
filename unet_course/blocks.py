"""The pieces of U-Net: a block, steps down and up, and the pad that makes sizes meet. (02 03 04)

Tensors are ``(N, C, H, W)``: images in the batch, channels, rows, columns. This file imports torch
and nothing else, so that it can be read alone.
"""

import torch
import torch.nn.functional as F
from torch import nn


class ConvBlock(nn.Module):
    """Two times (3×3 convolution → batch norm → ReLU): the block that looks, in all of U-Net.

    Parameters
    ----------
    in_channels : int
        Channels of the input.
    out_channels : int
        Channels of the output. The first convolution changes the number, the second keeps it.
    padding : int, default 1
        1 keeps H and W. 0 is the paper's valid convolution: each convolution takes off 2 rows and 2
        columns.
    norm : bool, default True
        Batch norm after each convolution. The convolution then has no bias: batch norm subtracts
        the mean, and a bias with it, and brings a shift of its own.

    Notes
    -----
    Input ``(N, in_channels, H, W)``, output
    ``(N, out_channels, H - 4 * (1 - padding), W - 4 * (1 - padding))``. The order convolution →
    norm → ReLU is today's practice; Ronneberger et al. (2015) have no norm.

    Examples
    --------
    >>> import torch
    >>> ConvBlock(1, 16)(torch.zeros(2, 1, 30, 41)).shape
    torch.Size([2, 16, 30, 41])
    >>> ConvBlock(1, 16, padding=0)(torch.zeros(2, 1, 30, 41)).shape
    torch.Size([2, 16, 26, 37])
    """

    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        layers = []
        for channels in (in_channels, out_channels):
            layers.append(nn.Conv2d(channels, out_channels, kernel_size=3, padding=padding,
                                    bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(out_channels))
            layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        # (N, in, H, W) -> (N, out, H, W); with padding=0 4 pixels less a side
        return self.layers(x)


class EncoderBlock(nn.Module):
    """One step down the U: a block, then a 2×2 max-pool that halves H and W.

    Parameters
    ----------
    in_channels, out_channels : int
        As in `ConvBlock`. The block changes the channels, the pool keeps them.
    padding, norm
        As in `ConvBlock`.

    Notes
    -----
    ``forward(x)`` returns ``(skip, pooled)``. The skip is the block's output *before* the pool, at
    full size; `pooled` goes on down. The pool rounds up (``ceil_mode``), so an odd last row or
    column is kept: 5 → 3.

    Examples
    --------
    >>> import torch
    >>> skip, pooled = EncoderBlock(1, 16)(torch.zeros(2, 1, 101, 64))
    >>> skip.shape, pooled.shape
    (torch.Size([2, 16, 101, 64]), torch.Size([2, 16, 51, 32]))
    """

    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.block = ConvBlock(in_channels, out_channels, padding=padding, norm=norm)
        self.pool = nn.MaxPool2d(kernel_size=2, ceil_mode=True)

    def forward(self, x):
        skip = self.block(x)  # (N, in, H, W) -> (N, out, H, W)
        return skip, self.pool(skip)  # half the size, rounded up


def match_size(skip, size):
    """Give a skip the size it is wanted in: pad with zeros if too small, crop if too large.

    Parameters
    ----------
    skip : Tensor, shape (..., H, W)
        What comes across the U.
    size : (int, int)
        The wanted height and width: those of the upsampled tensor. ``tensor.shape[-2:]`` fits.

    Returns
    -------
    Tensor, shape (..., size[0], size[1])

    Raises
    ------
    ValueError
        If `size` is not two positive integers.

    Notes
    -----
    One call does both, because ``F.pad`` with a negative pad crops. The difference is shared
    between the two sides. Where it is odd, the odd pixel is at the right and bottom when padding,
    at the left and top when cropping. After a pool that rounds up, both are what keeps a feature on
    its pixel.

    Examples
    --------
    >>> import torch
    >>> match_size(torch.ones(1, 1, 1, 3), (1, 4))
    tensor([[[[1., 1., 1., 0.]]]])
    >>> match_size(torch.ones(1, 64, 568, 568), (392, 392)).shape
    torch.Size([1, 64, 392, 392])
    """
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(
            isinstance(n, int) and n > 0 for n in size):
        raise ValueError(f"size is {size}; wanted two positive integers (height, width), such as "
                         "x.shape[-2:]")
    height, width = size
    dh, dw = height - skip.shape[-2], width - skip.shape[-1]
    if dh == dw == 0:
        return skip  # most sizes fit, and even a pad by 0 would be a copy
    return F.pad(skip, (dw // 2, dw - dw // 2, dh // 2, dh - dh // 2))


class DecoderBlock(nn.Module):
    """One step up the U: double H and W, set the skip beside it, then a block.

    Parameters
    ----------
    in_channels : int
        Channels of `x`, which comes from below.
    skip_channels : int
        Channels of `skip`, which comes across.
    out_channels : int
        Channels of the upsampled tensor and of the output.
    up : {"transpose", "bilinear"}, default "transpose"
        How to double the size: a learned 2×2 transposed convolution with stride 2, or bilinear
        interpolation followed by a 1×1 convolution that brings the channels down to `out_channels`.
    padding, norm
        As in `ConvBlock`.

    Raises
    ------
    ValueError
        If `up` is neither of the two.

    Notes
    -----
    ``forward(x, skip)``: `x` is ``(N, in_channels, H, W)``; with ``padding=1`` the output is
    ``(N, out_channels, 2H, 2W)``, whatever the skip's size. The skip stands first in the
    concatenation.

    Examples
    --------
    >>> import torch
    >>> x, skip = torch.zeros(1, 32, 51, 32), torch.zeros(1, 16, 101, 64)
    >>> DecoderBlock(32, 16, 16)(x, skip).shape
    torch.Size([1, 16, 102, 64])
    """

    def __init__(self, in_channels, skip_channels, out_channels, *, up="transpose", padding=1,
                 norm=True):
        super().__init__()
        if up == "transpose":
            self.up = nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)
        elif up == "bilinear":
            resize = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
            self.up = nn.Sequential(resize, nn.Conv2d(in_channels, out_channels, kernel_size=1))
        else:
            raise ValueError(f'up is {up!r}; wanted "transpose" or "bilinear"')
        self.block = ConvBlock(skip_channels + out_channels, out_channels, padding=padding,
                               norm=norm)

    def forward(self, x, skip):
        x = self.up(x)  # (N, in, h, w) -> (N, out, 2h, 2w)
        skip = match_size(skip, x.shape[-2:])  # (N, skip, H, W) -> (N, skip, 2h, 2w)
        # (N, skip + out, 2h, 2w) -> (N, out, 2h, 2w)
        return self.block(torch.cat([skip, x], dim=1))
