"""Crowds: real nuclei, cut out and put down again so close that they nearly touch. (10)"""

import numpy as np
import torch

from unet_course.data.masks import as_array

HALO = 4  # pixels around a nucleus whose light is its own


def cut_out(image, instances, *, min_area=200, min_gap=2 * HALO):
    """Cut single nuclei out of a field: those that lie apart from all others and whole inside the image.

    Parameters
    ----------
    image : array_like of float, shape (H, W)
    instances : array_like of int, shape (H, W)
        0 background, another number for each nucleus.
    min_area : int, default 200
        Smaller ones are left out, in pixels.
    min_gap : int, default 8
        So many pixels around it have to be free of other nuclei.

    Returns
    -------
    list of (light, mask)
        For each nucleus float32 and bool, both (h, w): what it adds to the background, fading out over a few pixels around
        it, and where it is.

    Examples
    --------
    >>> from unet_course import load_instances, load_nuclei
    >>> light, mask = cut_out(load_nuclei("val")[0][0, 0], load_instances("val")[0])[0]
    >>> light.shape == mask.shape, bool(light[mask].mean() > 5 * light[~mask].mean())
    (True, True)
    """
    from scipy.ndimage import distance_transform_edt, find_objects

    image, instances = as_array(image), as_array(instances)
    nuclei, around = [], max(min_gap, 2 * HALO)
    for number, box in enumerate(find_objects(instances), start=1):
        if box is None or any(s.start < around or s.stop + around > n for s, n in zip(box, image.shape)):
            continue
        wide = tuple(slice(s.start - around, s.stop + around) for s in box)
        mask, away = instances[wide] == number, distance_transform_edt(instances[wide] != number)
        others = (instances[wide] > 0) & ~mask
        if mask.sum() < min_area or (others & (away <= min_gap)).any():
            continue
        dark = np.median(image[wide][(away > HALO) & ~others])
        light = (image[wide] - dark) * np.clip(1 - (away - 1) / HALO, 0, 1)
        nuclei.append((light.astype(np.float32), mask))
    return nuclei


def crowd(nuclei, size, *, clusters=4, members=3, gap=1, dark=0.07, noise=0.015, generator=None):
    """A picture with clusters of nuclei, neighbours `gap` pixels apart.

    Parameters
    ----------
    nuclei : list of (light, mask)
        As `cut_out` gives them.
    size : int
        Side of the picture in pixels.
    clusters, members : int, default 4 and 3
        How many clusters are tried, at random places, and nuclei in each; what does not fit is left out.
    gap : int, default 1
        Free pixels between two neighbours where they are closest: 1 or more.
    dark, noise : float
        Background, and standard deviation of the noise, in units of the image's range of 0 to 1.
    generator : torch.Generator, optional
        On the CPU.

    Returns
    -------
    image : Tensor of float32, shape (1, size, size)
        Light adds up, so a narrow gap is nearly as bright as the nuclei beside it.
    instances : Tensor of int64, shape (size, size)
        0 background, another number for each nucleus.

    Raises
    ------
    ValueError
        If there is no nucleus to put down, or an option is out of range.

    Examples
    --------
    >>> dot = np.ones((9, 9), np.float32), np.ones((9, 9), bool)
    >>> image, instances = crowd([dot], 64, members=2, generator=torch.Generator().manual_seed(0))
    >>> image.shape, int(instances.max()) > 2
    (torch.Size([1, 64, 64]), True)
    """
    from scipy.ndimage import maximum_filter

    for name, value in dict(nuclei=len(nuclei), size=size, clusters=clusters, members=members, gap=gap).items():
        if value < 1:
            raise ValueError(f"{name} is {value}; wanted at least 1")

    def draw(n):
        return int(torch.randint(n, (), generator=generator))

    labels, light = np.zeros((size, size), np.int64), np.zeros((size, size), np.float32)
    for _ in range(clusters):
        free, middle = maximum_filter(labels, 8 * gap + 1) == 0, np.array([draw(size), draw(size)])
        own = np.zeros((size, size), bool)
        angle = 2 * np.pi * float(torch.rand((), generator=generator))
        for member in range(members):
            patch, mask = (np.rot90(part, turns) for turns in [draw(4)] for part in nuclei[draw(len(nuclei))])
            blocked = maximum_filter(own, 2 * gap + 1)  # so close no neighbour may come
            towards = angle + member * 2 * np.pi / max(members - 1, 1)
            for far in range(0 if member == 0 else 1, size):  # from the middle outwards: the first place that is free
                corner = middle + np.rint(far * np.array([np.sin(towards), np.cos(towards)])).astype(int)
                place = _fit(corner, mask, size)
                if place is None:
                    break
                if not (blocked[place] & mask).any():
                    if free[place][mask].all():
                        labels[place][mask], own[place] = labels.max() + 1, own[place] | mask
                        light[place] += patch
                    break
    picture = dark + torch.from_numpy(light) + noise * torch.randn(size, size, generator=generator)
    return picture.clamp(0, 1)[None], torch.from_numpy(labels)


def _fit(middle, mask, size):
    """The window of a patch around `middle`, or None if it is not whole inside the picture."""
    corner = np.asarray(middle) - np.array(mask.shape) // 2
    if (corner < 0).any() or (corner + mask.shape > size).any():
        return None
    return slice(corner[0], corner[0] + mask.shape[0]), slice(corner[1], corner[1] + mask.shape[1])
