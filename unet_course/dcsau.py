"""DCSAU-Net: a first block and twice two blocks a level in the place of each of U-Net's. (12)"""

import torch  # noqa: F401 (for the examples)
import torch.nn.functional as F
from torch import nn

from unet_course.blocks import DecoderBlock
from unet_course.unet import UNet, init_he


class PrimaryFeatures(nn.Module):
    """The first block of DCSAU-Net, "primary feature conservation": a wide look at little cost.

    Notes
    -----
    A 7×7 convolution to `out_channels`; a *depthwise* one, which sees 7×7 pixels of a single
    channel, added to what it gets; a 1×1 convolution. Each is followed by ReLU → batch norm, in
    this order.

    Examples
    --------
    >>> PrimaryFeatures(3, 16)(torch.zeros(2, 3, 5, 7)).shape
    torch.Size([2, 16, 5, 7])
    """

    def __init__(self, in_channels, out_channels):
        super().__init__()
        n, wide = out_channels, dict(kernel_size=7, padding=3)

        def step(layer):
            return nn.Sequential(layer, nn.ReLU(), nn.BatchNorm2d(n))

        self.widen = step(nn.Conv2d(in_channels, n, **wide))
        self.depthwise = step(nn.Conv2d(n, n, groups=n, **wide))
        self.pointwise = step(nn.Conv2d(n, n, kernel_size=1))

    def forward(self, x):
        x = self.widen(x)  # (N, in, H, W) -> (N, out, H, W)
        return self.pointwise(x + self.depthwise(x))


def conv_norm(in_channels, out_channels, kernel_size=1, groups=1):
    """A convolution that keeps H and W, and its batch norm, as a list of two layers."""
    return [nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2,
                      groups=groups, bias=False), nn.BatchNorm2d(out_channels)]


def split_attention(a, b, layer):
    """Mix two tensors: each channel of each image says how much of which it takes.

    Parameters
    ----------
    a, b : Tensor, shape (N, C, H, W)
    layer : callable
        Maps the mean of ``a + b`` over the pixels, ``(N, C)``, to scores ``(N, 2C)``, those of `a`
        first.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        Their sum, weighted with the softmax of the two scores.

    Examples
    --------
    >>> a, b = torch.ones(1, 2, 3, 3), torch.zeros(1, 2, 3, 3)
    >>> split_attention(a, b, lambda mean: torch.zeros(1, 4)).unique()
    tensor([0.5000])
    """
    scores = layer((a + b).mean(dim=(2, 3)))  # (N, C, H, W) -> (N, 2C)
    weights = scores.unflatten(1, (2, -1)).softmax(dim=1)[..., None, None]  # (N, 2, C, 1, 1)
    return weights[:, 0] * a + weights[:, 1] * b


class SplitAttention(nn.Module):
    """Two paths, of which the second sees further, mixed by `split_attention`; channels stay."""

    def __init__(self, channels):
        super().__init__()
        inner = max(channels // 2, 32)
        self.split = nn.Sequential(*conv_norm(channels, 2 * channels, 3, groups=2), nn.ReLU())
        self.again = nn.Sequential(*conv_norm(channels, channels, 3, groups=2), nn.ReLU())
        self.score = nn.Sequential(nn.Linear(channels, inner), nn.BatchNorm1d(inner), nn.ReLU(),
                                   nn.Linear(inner, 2 * channels))

    def forward(self, x):
        a, b = self.split(x).chunk(2, dim=1)  # (N, C, H, W) each, from one half of x each
        b = self.again(a + b)  # b has seen 5×5 pixels, a 3×3
        return split_attention(a, b, self.score)


class CompactBlock(nn.Module):
    """A shortcut around few channels with split attention, and a mean of 3×3 pixels if `smooth`.

    Notes
    -----
    "Compact split attention" of Xu et al. (2023): the bottleneck of ResNet (He et al. 2015), which
    computes on a quarter of `out_channels`, around `SplitAttention`.

    Examples
    --------
    >>> CompactBlock(8, 16, smooth=True)(torch.zeros(2, 8, 5, 7)).shape
    torch.Size([2, 16, 5, 7])
    """

    def __init__(self, in_channels, out_channels, *, smooth=False):
        super().__init__()
        few = out_channels // 4
        steps = [*conv_norm(in_channels, few), nn.ReLU(), SplitAttention(few)]
        steps += [nn.AvgPool2d(3, stride=1, padding=1)] if smooth else []
        self.change = nn.Sequential(*steps, *conv_norm(few, out_channels))
        around = [] if in_channels == out_channels else conv_norm(in_channels, out_channels)
        self.shortcut = nn.Sequential(*around)  # without a layer it hands on what it gets

    def forward(self, x):
        return F.relu(self.change(x) + self.shortcut(x))


def compact_stage(in_channels, out_channels, *, smooth):
    """Two `CompactBlock` in a row: what stands on each level of DCSAU-Net but the first."""
    return nn.Sequential(CompactBlock(in_channels, out_channels, smooth=smooth),
                         CompactBlock(out_channels, out_channels))


class CompactDecoder(DecoderBlock):
    """A `DecoderBlock` whose upsampling has no weights, and whose block is a `compact_stage`."""

    def __init__(self, in_channels, skip_channels, out_channels, *, smooth):
        nn.Module.__init__(self)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.block = compact_stage(skip_channels + in_channels, out_channels, smooth=smooth)


class DCSAUNet(UNet):
    """DCSAU-Net: a wide first block, and blocks of split attention everywhere else.

    Parameters
    ----------
    in_channels, num_classes
        As `UNet`.
    channels : sequence of int, default (64, 128, 256, 512, 512)
        As `UNet`; from the second on multiples of 8, for a quarter of them is cut into two groups,
        and the first too, if there is more than one level.
    padding
        As `UNet`, but 1 only.

    Raises
    ------
    ValueError
        As `UNet`, and if `channels` are no multiples of 8.

    Notes
    -----
    After the code of Xu et al. (2023), Computers in Biology and Medicine 154, 106626, whose
    2,598,785 parameters it has with ``in_channels=3, num_classes=1``. A level hands up as many
    channels as the skip above it has. Odd sizes, first weights and ``align_corners=False`` are
    this course's.

    Every output depends on the whole image, so tiles do not become equal to the whole. In training
    mode a batch needs two images at least.

    Examples
    --------
    >>> DCSAUNet(channels=(8, 16, 32))(torch.zeros(2, 1, 37, 50)).shape
    torch.Size([2, 2, 37, 50])
    """

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 512),
                 padding=1):
        refuse_valid("DCSAUNet", padding, "its shortcuts and its wide first block keep the size")
        super().__init__(in_channels, num_classes, channels=channels, padding=padding)
        refuse_odd_widths(channels)
        pairs = list(zip(channels, channels[1:]))
        blocks = [PrimaryFeatures(in_channels, channels[0])]
        blocks += [compact_stage(a, b, smooth=level > 0) for level, (a, b) in enumerate(pairs)]
        for encoder, block in zip(self.encoders, blocks):
            encoder.block = block
        self.bottleneck, below, decoders = blocks[-1], channels[-1], []
        for level in reversed(range(len(pairs))):
            above = channels[max(level - 1, 0)]  # as many as the skip above has
            decoders.append(CompactDecoder(below, channels[level], above, smooth=level > 0))
            below = above
        self.decoders = nn.ModuleList(decoders)
        for part in (self.encoders, self.bottleneck, self.decoders):
            part.apply(init_he)


def refuse_valid(name, padding, why):
    """Raise a ValueError if a network is asked for that cannot do without padding."""
    if padding == 0:
        raise ValueError(f"padding is 0, and {name} takes padding=1 only: {why}. UNet, ResUNet and AttentionUNet take both")


def refuse_odd_widths(channels):
    """Raise a ValueError if a quarter of one of the widths has no two halves."""
    if len(channels) > 1 and any(c % 8 for c in channels):
        raise ValueError(f"channels is {channels!r}; DCSAUNet wants multiples of 8, for a quarter "
                         "of them is cut into two groups: such as (16, 32, 64)")
