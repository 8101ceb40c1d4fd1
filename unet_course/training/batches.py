"""What each step of a training sees, and which part of it this process makes."""

import hashlib
from collections.abc import Sequence

import torch

from unet_course.data.nuclei import random_crops
from unet_course.training.distributed import rank, size

GIB = 2**30


def batch_maker(order, pictures, *, crop, batch_size, parts=1, augment=None, seed=0, device="cpu"):
    """The function that makes this process's share of the batch of a step.

    Parameters
    ----------
    order : {"random", "epochs"}
        See `fit`.
    pictures : (images, masks), or `Pictures`
        The first for "random", the second for "epochs".
    crop, batch_size : int
    parts : int, default 1
        The batch is used in so many parts; this process's share of the first part comes first.
    augment : callable, optional
    seed : int
    device : torch.device

    Returns
    -------
    callable
        ``make(step, generator)`` returns images and masks, on the device.

    Examples
    --------
    >>> pictures = Pictures([(torch.full((1, 4, 4), float(i)), torch.zeros(4, 4).long()) for i in range(6)], "train")
    >>> make = batch_maker("epochs", pictures, crop=2, batch_size=3)
    >>> sorted(int(x[0, 0, 0]) for step in (0, 1) for x in make(step, None)[0])
    [0, 1, 2, 3, 4, 5]
    """
    mine = shares(batch_size, parts, rank(), size())

    def changed(x, y, generator):
        x, y = x.to(device), y.to(device)
        return (x, y) if augment is None else augment(x, y, generator)

    def random(step, generator):
        x, y = random_crops(*pictures, size=crop, count=batch_size, generator=generator)
        x, y = changed(x, y, generator)  # the whole batch, because one generator serves all of it
        return (x, y) if size() == 1 else (x[mine], y[mine])

    def epochs(step, generator):
        items = [item(step * batch_size + place) for place in mine]
        return torch.cat([x for x, _ in items]), torch.cat([y for _, y in items])

    def item(number):
        image, mask = pictures[epoch_order(seed, number // len(pictures), len(pictures))[number % len(pictures)]]
        own = torch.Generator().manual_seed(seed_of(seed, "item", number))
        return changed(*random_crops([image], [mask], size=crop, count=1, generator=own), own)

    return {"random": random, "epochs": epochs}[order]


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
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed_of(seed, "epoch", epoch))).tolist()


def seed_of(*what):
    """A seed that follows from what it is for, and from nothing else.

    Examples
    --------
    >>> seed_of(0, "item", 1) == seed_of(0, "item", 1) != seed_of(0, "item", 2)
    True
    """
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], "little") >> 1  # torch takes 63 bits


class Pictures(Sequence):
    """Pictures that are read when they are asked for, checked then, and kept as long as memory allows.

    Parameters
    ----------
    data : (images, masks), or a sequence of (image, mask)
    name : str
        For messages.
    keep : int, default 1 GiB
        Bytes, over all processes together. What is beyond is read again each time.

    Examples
    --------
    >>> folder = [(torch.zeros(1, 8, 8), torch.zeros(8, 8).long())]
    >>> [mask.shape for _, mask in Pictures(folder, "train")]
    [torch.Size([8, 8])]
    """

    def __init__(self, data, name, keep=GIB):
        self.data, self.name, self.room = _pairs(data, name), name, keep // size()
        self.kept, self.channels = {}, None
        if len(self.data) == 0:
            raise ValueError(f"{name} has 0 images and 0 masks; wanted as many of each, at least one")

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index in self.kept:
            return self.kept[index]
        image, mask = self.data[index]
        check_picture(image, mask, f"{self.name}, picture {index}")
        self.channels = self.channels or image.shape[0]
        if image.shape[0] != self.channels:
            raise ValueError(f"{self.name}, picture {index}: image has {image.shape[0]} channels, others {self.channels}; "
                             "wanted as many in all: grey ones as grey, or all as RGB")
        bytes_ = sum(t.numel() * t.element_size() for t in (image, mask))
        if bytes_ <= self.room:  # none is dropped for another: in a shuffled epoch that would be no gain
            self.room -= bytes_
            self.kept[index] = image, mask
        return image, mask


def read_all(data, name):
    """Images and masks as two sequences, whichever form the data came in; all are read and checked."""
    two = _two_sequences(data, name)
    if two is None:
        pairs = [data[i] for i in range(len(data))]
        two = [image for image, _ in pairs], [mask for _, mask in pairs]
    images, masks = two
    if len(images) == 0 or len(images) != len(masks):
        raise ValueError(f"{name} has {len(images)} images and {len(masks)} masks; wanted as many of each, at least one")
    for index, (image, mask) in enumerate(zip(images, masks)):
        check_picture(image, mask, f"{name}, picture {index}")
        if image.shape[0] != images[0].shape[0]:
            raise ValueError(f"{name}, picture {index}: image has {image.shape[0]} channels, others {images[0].shape[0]}; "
                             "wanted as many in all: grey ones as grey, or all as RGB")
    return images, masks


def _pairs(data, name):
    two = _two_sequences(data, name)
    if two is None:
        return data
    if len(two[0]) != len(two[1]):
        raise ValueError(f"{name} has {len(two[0])} images and {len(two[1])} masks; wanted as many of each, at least one")
    return list(zip(*two))


def _two_sequences(data, name):
    """(images, masks) if that is what the data are, None if they are a sequence of pictures."""
    pair = isinstance(data, (tuple, list)) and len(data) == 2
    if pair and getattr(data[0], "ndim", 4) == 3 == getattr(data[1], "ndim", 0):
        raise ValueError(f"{name} has images of shape {tuple(data[0].shape)}; wanted (N, C, H, W): images[:, None] adds the "
                         "channel axis")
    return data if pair and getattr(data[0], "ndim", 0) == 4 else None


def check_picture(image, mask, name):
    """A ValueError that says what does not fit, if an image and its mask are not fit to be trained on."""
    for what, picture in (("image", image), ("mask", mask)):
        if not isinstance(picture, torch.Tensor):
            raise ValueError(f"{name}: {what} is of type {type(picture).__name__}; wanted a tensor: use "
                             "torch.from_numpy")
    if image.ndim != 3 or image.shape[-2:] != mask.shape:
        raise ValueError(f"{name}: image {tuple(image.shape)}, mask {tuple(mask.shape)}; wanted (C, H, W) and (H, W)")
    if not image.is_floating_point():
        raise ValueError(f"{name}: image has dtype {image.dtype}; wanted a floating-point image scaled to about 0..1: use "
                         "unet_course.data.normalise")
    if not torch.isfinite(image).all():
        raise ValueError(f"{name}: image has NaN or infinite values; replace them first, for instance with torch.nan_to_num")
