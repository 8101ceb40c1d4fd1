"""The family: what others changed in U-Net, each change as small as it is. (12)

`ResUNet` and `DenseUNet` exchange the block, `AttentionUNet` exchanges the decoder, `UNetPlusPlus`
fills the U with nodes: all four keep U-Net's arguments. `DCSAUNet` exchanges every block, and has
neither `up` nor `norm` to choose. All return logits of the image's height and width, from 1×1 on.
"""

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.blocks import ConvBlock, DecoderBlock, EncoderBlock, match_size
from unet_course.unet import UNet, check_arguments, check_image, init_he


class ResidualBlock(ConvBlock):
    """A `ConvBlock` whose input is added to its result, before the last ReLU: it learns what to change.

    Notes
    -----
    Arguments as `ConvBlock`. Where the channels change, the shortcut is a 1×1 convolution and a norm, as in He et al. (2015),
    arXiv 1512.03385; with ``padding=0`` it is cropped.

    Examples
    --------
    >>> ResidualBlock(8, 16)(torch.zeros(2, 8, 5, 7)).shape
    torch.Size([2, 16, 5, 7])
    """

    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__(in_channels, out_channels, padding=padding, norm=norm)
        del self.layers[-1]  # this ReLU comes after the sum
        fit = [nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=not norm)]
        fit += [nn.BatchNorm2d(out_channels)] if norm else []
        self.shortcut = nn.Identity() if in_channels == out_channels else nn.Sequential(*fit)

    def forward(self, x):
        change = self.layers(x)
        return F.relu(change + match_size(self.shortcut(x), change.shape[-2:]))


class DenseBlock(nn.Module):
    """Four thin layers, each of which sees the input and all layers before it; a 1×1 convolution gathers them.

    Notes
    -----
    As `ConvBlock`, without `padding`. A layer is half a ConvBlock; its width, the *growth*, is a quarter of `out_channels`.
    After Huang et al. (2016), arXiv 1608.06993.

    Examples
    --------
    >>> DenseBlock(8, 16)(torch.zeros(2, 8, 5, 7)).shape
    torch.Size([2, 16, 5, 7])
    """

    def __init__(self, in_channels, out_channels, *, norm=True):
        super().__init__()
        growth = -(-out_channels // 4)  # rounded up
        halves = [ConvBlock(in_channels + n * growth, growth, norm=norm).layers for n in range(4)]
        self.steps = nn.ModuleList(layers[: len(layers) // 2] for layers in halves)
        gather = [nn.Conv2d(in_channels + 4 * growth, out_channels, kernel_size=1, bias=not norm)]
        self.gather = nn.Sequential(*gather, *([nn.BatchNorm2d(out_channels)] if norm else []))

    def forward(self, x):
        for step in self.steps:
            x = torch.cat([x, step(x)], dim=1)  # `growth` channels more with each step
        return F.relu(self.gather(x))


class AttentionGate(nn.Module):
    """A number between 0 and 1 for each pixel of a skip, made of the skip and of what comes from below, of one size.

    Notes
    -----
    Additive attention: both are mapped to half of the skip's channels, added, and scored. Oktay et al. (2018) do so on
    the coarser grid and resample the result; here all is on the grid of the skip.

    Examples
    --------
    >>> AttentionGate(8, 8)(torch.zeros(1, 8, 5, 7), torch.zeros(1, 8, 5, 7)).shape
    torch.Size([1, 1, 5, 7])
    """

    def __init__(self, skip_channels, below_channels):
        super().__init__()
        inner = max(skip_channels // 2, 1)
        self.of_skip = nn.Conv2d(skip_channels, inner, kernel_size=1, bias=False)  # one bias for the sum is enough
        self.of_below = nn.Conv2d(below_channels, inner, kernel_size=1)
        self.score = nn.Conv2d(inner, 1, kernel_size=1)

    def forward(self, skip, below):
        # (N, skip, H, W) and (N, out, H, W) -> (N, 1, H, W), between 0 and 1
        return torch.sigmoid(self.score(F.relu(self.of_skip(skip) + self.of_below(below))))


class AttentionDecoder(DecoderBlock):
    """A `DecoderBlock` that multiplies the skip by an `AttentionGate` before it is set beside x. Arguments as there."""

    def __init__(self, in_channels, skip_channels, out_channels, *, up="transpose", padding=1, norm=True):
        super().__init__(in_channels, skip_channels, out_channels, up=up, padding=padding, norm=norm)
        self.gate = AttentionGate(skip_channels, out_channels)

    def forward(self, x, skip):
        x = self.up(x)
        skip = match_size(skip, x.shape[-2:])
        return self.block(torch.cat([skip * self.gate(skip, x), x], dim=1))


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
        fit = [] if in_channels == out_channels else conv_norm(in_channels, out_channels)
        self.shortcut = nn.Sequential(*fit)  # without a layer it hands on what it gets

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


class ResUNet(UNet):
    """U-Net with a `ResidualBlock` in the place of every `ConvBlock`. Arguments as `UNet`.

    Notes
    -----
    After Zhang et al. (2017), arXiv 1711.10684, who put norm and ReLU before each convolution and a stride for the pool.

    Examples
    --------
    >>> ResUNet(channels=(8, 16, 32))(torch.zeros(2, 1, 37, 50)).shape
    torch.Size([2, 2, 37, 50])
    """

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024),
                 up="transpose", padding=1, norm=True):
        super().__init__(in_channels, num_classes, channels=channels, up=up, padding=padding, norm=norm)
        exchange_blocks(self, ResidualBlock, padding=padding, norm=norm)


class DenseUNet(UNet):
    """U-Net with a `DenseBlock` in the place of every `ConvBlock`. Arguments as `UNet`, but ``padding=1`` only.

    Notes
    -----
    Nearest to Guan et al. (2018), arXiv 1808.10848: blocks of four layers on both ways. Jégou et
    al. (2016), arXiv 1611.09326, have up to 15 layers in a block.

    Examples
    --------
    >>> DenseUNet(channels=(8, 16, 32))(torch.zeros(2, 1, 37, 50)).shape
    torch.Size([2, 2, 37, 50])
    """

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024),
                 up="transpose", padding=1, norm=True):
        refuse_valid("DenseUNet", padding, "a block with four convolutions would take off 8 pixels, and no size would fit")
        super().__init__(in_channels, num_classes, channels=channels, up=up, padding=padding, norm=norm)
        exchange_blocks(self, DenseBlock, norm=norm)


class AttentionUNet(UNet):
    """U-Net with an `AttentionDecoder` in the place of every `DecoderBlock`. Arguments as `UNet`.

    Notes
    -----
    After Oktay et al. (2018), arXiv 1804.03999, who leave the topmost skip without a gate and work in three dimensions.

    Examples
    --------
    >>> AttentionUNet(channels=(8, 16, 32))(torch.zeros(2, 1, 37, 50)).shape
    torch.Size([2, 2, 37, 50])
    """

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024),
                 up="transpose", padding=1, norm=True):
        super().__init__(in_channels, num_classes, channels=channels, up=up, padding=padding, norm=norm)
        same, upward = dict(up=up, padding=padding, norm=norm), channels[::-1]
        self.decoders = nn.ModuleList(AttentionDecoder(a, b, b, **same) for a, b in zip(upward, upward[1:]))
        self.decoders.apply(init_he)


class UNetPlusPlus(nn.Module):
    """U-Net++: U-Nets of every depth in one, over one encoder, their nodes linked along each level.

    Parameters
    ----------
    in_channels, num_classes, channels, up, padding, norm
        As `UNet`, but ``padding=1`` only.
    deep_supervision : bool, default False
        A head on each node of the topmost level. In training mode the network then returns the logits of all of them,
        ``(heads, N, num_classes, H, W)``, see `deep_supervision`; in evaluation mode their mean.

    Notes
    -----
    Node (i, j) is a `DecoderBlock` on level i whose skip is all the j nodes before it. After Zhou et al. (2018), arXiv
    1807.10165; with ``channels=(32, 64, 128, 256, 512), norm=False`` it has the 9.04 million parameters of their table.

    Examples
    --------
    >>> UNetPlusPlus(channels=(8, 16, 32))(torch.zeros(2, 1, 37, 50)).shape
    torch.Size([2, 2, 37, 50])
    >>> UNetPlusPlus(channels=(8, 16, 32), deep_supervision=True)(torch.zeros(2, 1, 37, 50)).shape
    torch.Size([2, 2, 2, 37, 50])
    """

    def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024),
                 up="transpose", padding=1, norm=True, deep_supervision=False):
        refuse_valid("UNetPlusPlus", padding, "its nodes on one level would differ in size, and so would its heads")
        super().__init__()
        check_arguments(in_channels, num_classes, channels, padding)
        self.in_channels, self.padding, self.deep_supervision = in_channels, padding, deep_supervision
        levels, down, same = len(channels) - 1, (in_channels, *channels), dict(norm=norm)
        self.encoders = nn.ModuleList(EncoderBlock(a, b, **same) for a, b in zip(down, channels[:-1]))
        self.bottleneck = ConvBlock(down[-2], channels[-1], **same)
        self.nodes = nn.ModuleDict({f"{i} {j}": DecoderBlock(channels[i + 1], j * channels[i], channels[i], up=up, **same)
                                    for j in range(1, levels + 1) for i in range(levels + 1 - j)})
        heads = max(levels, 1) if deep_supervision else 1
        self.heads = nn.ModuleList(nn.Conv2d(channels[0], num_classes, kernel_size=1) for _ in range(heads))
        self.apply(init_he)

    def forward(self, x):
        check_image(x, self.in_channels, len(self.encoders), self.padding)
        rows = []  # rows[i][j] is node (i, j)
        for encoder in self.encoders:
            skip, x = encoder(x)
            rows.append([skip])
        rows.append([self.bottleneck(x)])
        for j in range(1, len(rows)):
            for i in range(len(rows) - j):
                skip = torch.cat(rows[i], dim=1)
                x = self.nodes[f"{i} {j}"](rows[i + 1][j - 1], skip)
                rows[i].append(x[..., : skip.shape[-2], : skip.shape[-1]])  # what the pool has added goes
        # (heads, N, classes, H, W)
        logits = torch.stack([head(node) for head, node in zip(self.heads, rows[0][-len(self.heads):])])
        return logits if self.deep_supervision and self.training else logits.mean(dim=0)


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


def deep_supervision(loss):
    """A loss for several heads: the mean of `loss` over them, as in ``fit(…, loss=deep_supervision(combined_loss))``.

    Examples
    --------
    >>> from unet_course.losses import cross_entropy
    >>> round(deep_supervision(cross_entropy)(torch.zeros(3, 1, 2, 4, 4), torch.zeros(1, 4, 4).long()).item(), 4)
    0.6931
    """
    def over_heads(logits, target):
        if logits.ndim != 5:
            raise ValueError(f"logits {tuple(logits.shape)} have no axis of heads; wanted (heads, N, K, H, W), as from "
                             "UNetPlusPlus(deep_supervision=True) in training mode")
        if hasattr(loss, "progress"):
            loss.progress = over_heads.progress
        return torch.stack([loss(one, target) for one in logits]).mean()
    if hasattr(loss, "progress"):  # how far the training is: `fit` says it, class weights fade with it
        over_heads.progress = loss.progress
    return over_heads


def exchange_blocks(model, kind, **options):
    """Put a block of another kind in the place of every `ConvBlock` of a `UNet`, with the same channels."""
    for part in [model, *model.encoders, *model.decoders]:
        for name, block in list(part.named_children()):
            if type(block) is ConvBlock:
                first = block.layers[0]
                setattr(part, name, kind(first.in_channels, first.out_channels, **options).apply(init_he))


def refuse_valid(name, padding, why):
    """Raise a ValueError if a network is asked for that cannot do without padding."""
    if padding == 0:
        raise ValueError(f"padding is 0, and {name} takes padding=1 only: {why}. UNet, ResUNet and AttentionUNet take both")


def refuse_odd_widths(channels):
    """Raise a ValueError if a quarter of one of the widths has no two halves."""
    if len(channels) > 1 and any(c % 8 for c in channels):
        raise ValueError(f"channels is {channels!r}; DCSAUNet wants multiples of 8, for a quarter "
                         "of them is cut into two groups: such as (16, 32, 64)")
