"""A U-Net on a canvas: what `UNet` computes, with sizes that a compiler can follow.

``torch.export`` follows a network's sizes as formulas of H and W, and wants every comparison between two sizes decided for
all H and W at once. At `UNet`, with both sides dynamic, it stops: "Constraints violated (h, w)! Not all values of h … satisfy
the generated guard ``2*(((-1) + h) // 2) < h``". For whether a skip fits or is padded, and whether a row is cropped, depends
on whether H is odd. On a canvas whose sides are multiples of 2 ** levels nothing has to be decided, and the image's own edge
is a matter of numbers: zeros beyond it.
"""

import torch
import torch.nn.functional as F
from torch import nn


class AnySize(nn.Module):
    """What a `UNet` computes, on a canvas whose sides can be halved at every level without a remainder.

    Parameters
    ----------
    model : UNet
        Its layers are used, not copied.

    Notes
    -----
    The image lies at the canvas's top left, and beyond it every layer's output is set to zero. A convolution at the image's
    edge then meets the zeros that padding puts there. A pool at an odd edge meets zeros too, and as nothing that comes out of
    a ReLU is smaller, it takes the maximum of the pixels there are, as ``ceil_mode`` does. What `match_size` and the crop of
    the odd row do in `UNet`, the place of the edge does here. To pad the image alone, and not clear the layers inside, gives
    other values near the edge.

    Examples
    --------
    >>> from unet_course import UNet
    >>> model = UNet(channels=(4, 8, 16)).eval()
    >>> image = torch.rand(1, 1, 37, 50)
    >>> torch.allclose(AnySize(model)(image), model(image), atol=1e-5)
    True
    """

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        step, shrink = 2 ** len(self.model.encoders), 4 * (1 - self.model.padding)
        size = x.shape[-2:]
        # One step more than fits is on every canvas: so its sides are never 1, a number that torch.export treats apart.
        rows, columns = ((n + shrink + 2 * step - 1) // step * step - shrink for n in size)
        x = clear(_taken(x, rows, columns), size)
        skips = []
        for encoder in self.model.encoders:
            x, size = _block(encoder.block, x, size)
            skips.append((x, size))
            x, size = F.max_pool2d(x, 2), [(n + 1) // 2 for n in size]
        x, size = _block(self.model.bottleneck, x, size)
        for decoder, (skip, true) in zip(self.model.decoders, reversed(skips)):
            if isinstance(decoder.up, nn.Sequential):
                x = _repeat_edge(x, size)
            size = [2 * n for n in size]
            x = clear(decoder.up(x), size)
            off = (skip.shape[-2] - x.shape[-2]) // 2  # 0 with padding=1
            beside = skip[..., off : off + x.shape[-2], off : off + x.shape[-1]]
            x, _ = _block(decoder.block, torch.cat([beside, x], dim=1), size)
            # The true size loses what the canvas loses: nothing, or with padding=0 the same number of rows for every H.
            size = [t - (a - b) for t, a, b in zip(true, skip.shape[-2:], x.shape[-2:])]
            x = clear(x, size)
        return _taken(self.model.head(x), *size)


def clear(x, size):
    """Set to zero what lies outside of the `size` rows and columns at the top left."""
    rows, columns = (torch.arange(n, device=x.device) < s for n, s in zip(x.shape[-2:], size))
    return x * (rows[:, None] & columns).to(x.dtype)


def _block(block, x, size):
    """Run a `ConvBlock` inside a canvas; its output and that output's true size."""
    for layer in block.layers:
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            size = [n - 2 * (1 - layer.padding[0]) for n in size]
        elif isinstance(layer, nn.ReLU):
            x = clear(x, size)
    return x, size


def _taken(x, rows, columns):
    """The top left `rows` and `columns`, more than there are too. F.pad and slices would compare sizes; this does not."""
    for axis, wanted in ((-2, rows), (-1, columns)):
        x = x.index_select(axis, torch.arange(wanted, device=x.device).clamp(max=x.shape[axis] - 1))
    return x


def _repeat_edge(x, size):
    """Write the last true row and column once more beside themselves, as bilinear interpolation does at an edge."""
    row = torch.arange(x.shape[-2], device=x.device)[:, None] == size[0]
    column = torch.arange(x.shape[-1], device=x.device) == size[1]
    x = torch.where(row, F.pad(x, (0, 0, 1, -1)), x)
    return torch.where(column, F.pad(x, (1, -1)), x)
