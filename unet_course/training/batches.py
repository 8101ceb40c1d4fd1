"""What a step of a training sees: pictures are read, cut, augmented and shared out. (06)"""

import hashlib
import math
from collections.abc import Sequence

import torch

from unet_course.data.nuclei import random_crops
from unet_course.training.distributed import added_up, rank, size

GIB = 2**30


class Batches:
    """What each step of a training sees: squares cut from the pictures, changed, on a device.

    Parameters
    ----------
    data : (images, masks), or a sequence of (image, mask); with weights of the pixels as a third,
    see `fit` order : {"random", "epochs"}, default "random"
        See `fit`.
    crop, batch_size : int
    parts : int, default 1
        The batch is used in so many parts; this process's share of the first part comes first.
    augment : callable, optional
    seed : int, default 0
    device, dtype, layout
        Of the batches' images; the network's.

    Attributes
    ----------
    pictures : Pictures
        What the squares are cut from.

    Examples
    --------
    >>> pictures = [(torch.full((1, 4, 4), float(i)), torch.zeros(4, 4).long()) for i in range(6)]
    >>> batches = Batches(pictures, order="epochs", crop=2, batch_size=3)
    >>> sorted(int(x[0, 0, 0]) for images, masks in batches.steps(0, 2) for x in images)
    [0, 1, 2, 3, 4, 5]
    """

    def __init__(self, data, *, order="random", crop, batch_size, parts=1, augment=None, seed=0,
                 device="cpu", dtype=torch.float32, layout=torch.contiguous_format):
        self.crop, self.batch_size, self.augment, self.seed = crop, batch_size, augment, seed
        # Random squares come from anywhere, so that all pictures are read first.
        self.keep, self.make = {"random": (math.inf, self._random),
                                "epochs": (GIB // size(), self._epochs)}[order]
        self.pictures = self.read(data, "train")
        self.mine = shares(batch_size, parts, rank(), size())
        self.device, self.dtype, self.layout = device, dtype, layout

    def shares(self, most=64):
        """Share of the pixels of each class in some of the pictures; what is ignored is left out.

        Several processes share the pictures, and all get the same numbers.
        """
        step = max(len(self.pictures) // most, 1)
        counts = torch.zeros(256, dtype=torch.int64)
        for index in range(rank() * step, len(self.pictures), step * size()):
            _, mask, *weights = self.pictures[index]
            mask = mask[weights[0] > 0] if weights else mask.flatten()
            counts += torch.bincount(mask.long().clamp(0, 255).cpu(), minlength=256)
        counts = torch.tensor(added_up(*counts.tolist()))
        last = int(counts.nonzero().max()) if counts.any() else 0
        return (counts[: last + 1] / counts.sum().clamp(min=1)).tolist()

    def read(self, data, name):
        """Pictures in the way of this order: all at once, or each when its turn comes."""
        return Pictures(data, name, keep=self.keep)

    def steps(self, start, stop):
        """The batches of these steps; each sets torch's own random numbers, for dropout."""
        for step in range(start, stop):
            batch = self.make(step, torch.manual_seed(self.seed * 1_000_003 + step))
            if size() > 1:  # otherwise different pictures would lose the same channels
                torch.manual_seed(seed_of(self.seed, "dropout", step, rank()))
            yield batch

    def _random(self, step, generator):
        # whole, because one generator serves all of it
        batch = self._cut(self.pictures, self.batch_size, generator)
        return batch if size() == 1 else tuple(t[self.mine] for t in batch)

    def _epochs(self, step, generator):
        items = [self._item(step * self.batch_size + place) for place in self.mine]
        return tuple(torch.cat(parts) for parts in zip(*items))

    def _item(self, number):
        n = len(self.pictures)
        picture = self.pictures[epoch_order(self.seed, number // n, n)[number % n]]
        own = torch.Generator().manual_seed(seed_of(self.seed, "item", number))
        return self._cut([picture], 1, own)

    def _cut(self, pictures, count, generator):
        """Images (N, C, H, W), masks (N, H, W), and weights (N, H, W) if there are some."""
        masks = _Column(pictures, lambda picture: picture[1])
        x, y = random_crops(_Column(pictures, _image_and_weights), masks, size=self.crop,
                            count=count, generator=generator)
        channels = pictures[0][0].shape[0]
        batch = (x, y) if x.shape[1] == channels else (x[:, :channels], y, x[:, channels])
        return self._changed(*(t.to(self.device) for t in batch), generator=generator)

    def _changed(self, x, y, *weights, generator):
        if self.augment is not None and weights:
            # The mask that is moved holds each pixel's number; where it came from, class and weight
            # are looked up.
            numbers = torch.arange(y[0].numel(), device=y.device).reshape(y[0].shape)
            x, numbers = self.augment(x, numbers.expand(y.shape), generator)
            y, *weights = (t.flatten(1).gather(1, numbers.flatten(1)).reshape(y.shape)
                           for t in (y, *weights))
        elif self.augment is not None:
            x, y = self.augment(x, y, generator)
        return x.to(self.dtype, memory_format=self.layout), y, *weights


class _Column(Sequence):
    """One thing of each picture, looked at when it is asked for."""

    def __init__(self, pictures, look):
        self.pictures, self.look = pictures, look

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.look(self.pictures[index])


def _image_and_weights(picture):
    """The image; weights are cut with it, as a further channel."""
    image, _, *weights = picture
    if weights:  # half precision would round weights, and the numbers of pixels when they are moved
        image = image.to(torch.promote_types(image.dtype, torch.float32))
    return torch.cat([image, *(w[None].to(image) for w in weights)]) if weights else image


def shares(batch_size, parts, rank, size):
    """The places of a batch that one process makes: of each part of the batch, its own stretch.

    Examples
    --------
    >>> shares(8, 2, 0, 2), shares(8, 2, 1, 2)
    ([0, 1, 4, 5], [2, 3, 6, 7])
    """
    part = batch_size // parts
    share = part // size
    return [p * part + rank * share + i for p in range(parts) for i in range(share)]


def epoch_order(seed, epoch, n):
    """A shuffled list of 0 … n-1, another one for each epoch.

    Examples
    --------
    >>> sorted(epoch_order(0, 5, 4)), epoch_order(0, 1, 50) == epoch_order(0, 2, 50)
    ([0, 1, 2, 3], False)
    """
    generator = torch.Generator().manual_seed(seed_of(seed, "epoch", epoch))
    return torch.randperm(n, generator=generator).tolist()


def seed_of(*what):
    """A seed that follows from what it is for, and from nothing else.

    Examples
    --------
    >>> seed_of(0, "item", 1) == seed_of(0, "item", 1) != seed_of(0, "item", 2)
    True
    """
    # torch takes 63 bits
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], "little") >> 1


class Pictures(Sequence):
    """Pictures that are checked when they are read, and kept as long as memory allows.

    Parameters
    ----------
    data : (images, masks), or a sequence of (image, mask); with weights of the pixels as a third,
    see `fit` name : str
        For messages.
    keep : float, default 1 GiB
        Bytes. What is beyond is read again each time; with infinity, all is read at once.

    Examples
    --------
    >>> folder = [(torch.zeros(1, 8, 8), torch.zeros(8, 8).long())]
    >>> [mask.shape for _, mask in Pictures(folder, "train")]
    [torch.Size([8, 8])]
    """

    def __init__(self, data, name, keep=GIB):
        self.data, self.name, self.room = _items(data, name), name, keep
        self.kept, self.channels = {}, None
        if len(self.data) == 0:
            raise ValueError(f"{name} has 0 images and 0 masks; wanted as many of each, at "
                             "least one")
        if keep == math.inf:
            list(self)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index in self.kept:
            return self.kept[index]
        picture = tuple(self.data[index])
        check_picture(*picture, name=f"{self.name}, picture {index}")
        self.channels = self.channels or picture[0].shape[0]
        if picture[0].shape[0] != self.channels:
            raise ValueError(f"{self.name}, picture {index}: image has {picture[0].shape[0]} "
                             f"channels, others {self.channels}; wanted as many in all: grey ones "
                             "as grey, or all as RGB")
        bytes_ = sum(t.numel() * t.element_size() for t in picture)
        # none is dropped for another: in a shuffled epoch that would be no gain
        if bytes_ <= self.room:
            self.room -= bytes_
            self.kept[index] = picture
        return picture


def _items(data, name):
    """The data as a sequence of (image, mask), or of (image, mask, weights)."""
    several = isinstance(data, (tuple, list)) and len(data) in (2, 3)
    if several and getattr(data[0], "ndim", 4) == 3 == getattr(data[1], "ndim", 0):
        raise ValueError(f"{name} has images of shape {tuple(data[0].shape)}; wanted (N, C, H, W): "
                         "images[:, None] adds the channel axis")
    if not several or getattr(data[0], "ndim", 0) != 4:
        return data
    images, masks, *weights = data
    if any(len(part) != len(images) for part in (masks, *weights)):
        raise ValueError(f"{name} has {len(images)} images and {len(masks)} masks"
                         + "".join(f" and {len(part)} weights" for part in weights)
                         + "; wanted as many of each, at least one")
    return list(zip(*data))


def check_picture(image, mask, weights=None, *, name):
    """A ValueError that says what does not fit, if a picture is not fit to be trained on."""
    for what, part in {"image": image, "mask": mask, "weights": weights}.items():
        if not isinstance(part, torch.Tensor) and not (what == "weights" and part is None):
            raise ValueError(f"{name}: {what} is of type {type(part).__name__}; wanted a tensor: "
                             "use torch.from_numpy")
    if image.ndim != 3 or image.shape[-2:] != mask.shape:
        raise ValueError(f"{name}: image {tuple(image.shape)}, mask {tuple(mask.shape)}; wanted "
                         "(C, H, W) and (H, W)")
    if not image.is_floating_point():
        raise ValueError(f"{name}: image has dtype {image.dtype}; wanted a floating-point image "
                         "scaled to about 0..1: use unet_course.data.normalise")
    if not torch.isfinite(image).all():
        raise ValueError(f"{name}: image has NaN or infinite values; replace them first, for "
                         "instance with torch.nan_to_num")
    if weights is not None and weights.shape != mask.shape:
        raise ValueError(f"{name}: weights {tuple(weights.shape)}, mask {tuple(mask.shape)}; "
                         "wanted the same")
