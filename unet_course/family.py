"""The family: what others changed in U-Net, each change as small as it is. (12)

`ResUNet` and `DenseUNet` exchange the block, `AttentionUNet` exchanges the decoder, `UNetPlusPlus`
fills the U with nodes: all four keep U-Net's arguments. `DCSAUNet` exchanges every block, and has
neither `up` nor `norm` to choose. All return logits of the image's height and width, from 1×1 on.
"""

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.blocks import ConvBlock, DecoderBlock, EncoderBlock, match_size
from unet_course.dcsau import DCSAUNet, refuse_valid  # noqa: F401 (the fifth of the family)
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
        around = [nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=not norm)]
        around += [nn.BatchNorm2d(out_channels)] if norm else []
        self.shortcut = nn.Identity() if in_channels == out_channels else nn.Sequential(*around)

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
                rows[i].append(x[..., : skip.shape[-2], : skip.shape[-1]])  # cut off what ceil_mode added
        # (heads, N, classes, H, W)
        logits = torch.stack([head(node) for head, node in zip(self.heads, rows[0][-len(self.heads):])])
        return logits if self.deep_supervision and self.training else logits.mean(dim=0)


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
