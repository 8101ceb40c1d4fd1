"""Augmentation: the same picture as another microscope or another hand might have taken it. (06 10)

Everything works on whole batches, on the device that they are on. Images are ``(N, C, H, W)`` float, masks
``(N, H, W)`` int64. What moves pixels moves image and mask together; what changes values touches the image alone.
Random numbers are drawn on the CPU, so that a GPU sees the same augmentations.
"""

import math

import torch
import torch.nn.functional as F


class Augment:
    """Random flips, turns, warps, intensities, blur and noise; each can be switched off with 0.

    Parameters
    ----------
    flip : bool, default True
        Mirror and turn by quarter turns.
    scale : float, default 0.0
        Zoom between ``1 / (1 + scale)`` and ``1 + scale``, and turn by any angle.
    elastic : float, default 0.0
        Standard deviation, in pixels, of a smooth random displacement.
    intensity : float, default 1.0
        Strength of random contrast, brightness and gamma.
    blur : float, default 2.0
        Largest standard deviation of a Gaussian blur, in pixels.
    noise : float, default 0.1
        Largest standard deviation of added Gaussian noise, in units of the image's range of 0 to 1.

    Notes
    -----
    Call it with ``(images, masks, generator)``; it returns new ``(images, masks)`` of the same shapes.

    Examples
    --------
    >>> images, masks = torch.rand(2, 1, 32, 32), torch.zeros(2, 32, 32, dtype=torch.int64)
    >>> images, masks = Augment()(images, masks, torch.Generator().manual_seed(0))
    >>> images.shape, masks.dtype
    (torch.Size([2, 1, 32, 32]), torch.int64)
    """

    def __init__(self, *, flip=True, scale=0.0, elastic=0.0, intensity=1.0, blur=2.0, noise=0.1):
        self.flip, self.scale, self.elastic = flip, scale, elastic
        self.intensity, self.blur, self.noise = intensity, blur, noise

    def __call__(self, images, masks, generator=None):
        _check(images, masks)
        if self.flip:
            images, masks = flip(images, masks, generator)
        if self.scale or self.elastic:
            images, masks = warp(images, masks, generator, scale=self.scale, elastic=self.elastic)
        if self.blur:
            images = blur(images, generator, self.blur)
        if self.intensity:
            images = intensity(images, generator, self.intensity)
        if self.noise:
            images = noise(images, generator, self.noise)
        return images, masks


def flip(images, masks, generator=None):
    """Mirror and quarter-turn each picture of a batch, image and mask alike.

    Examples
    --------
    >>> images = torch.arange(4.0).reshape(1, 1, 2, 2)
    >>> new, mask = flip(images, images[:, 0].long(), torch.Generator().manual_seed(1))
    >>> torch.equal(new[:, 0].long(), mask)
    True
    """
    square = images.shape[-1] == images.shape[-2]
    turned = []
    for image, mask in zip(images, masks):
        mirror, quarter = torch.randint(0, 4, (2,), generator=generator).tolist()
        turns = quarter if square else 2 * (quarter % 2)  # a quarter turn would change an oblong's shape
        pair = [torch.rot90(t.flip(-1) if mirror % 2 else t, turns, (-2, -1)) for t in (image, mask)]
        turned.append(pair)
    return torch.stack([image for image, _ in turned]), torch.stack([mask for _, mask in turned])


def warp(images, masks, generator=None, *, scale=0.25, elastic=4.0):
    """Turn, zoom and bend each picture of a batch; bilinear for the image, nearest for the mask.

    Parameters
    ----------
    images : Tensor, shape (N, C, H, W)
    masks : Tensor of int64, shape (N, H, W)
    generator : torch.Generator, optional
        On the CPU.
    scale : float, default 0.25
        Zoom between ``1 / (1 + scale)`` and ``1 + scale``; 0: neither zoom nor turn.
    elastic : float, default 4.0
        Standard deviation of the displacements, in pixels, of a 3×3 grid that is interpolated (bicubic).

    Returns
    -------
    tuple of Tensor
        New images and masks. What comes from outside is mirrored.

    Examples
    --------
    >>> masks = torch.randint(0, 3, (2, 16, 16))
    >>> sorted(set(warp(torch.rand(2, 1, 16, 16), masks)[1].unique().tolist()) - {0, 1, 2})
    []
    """
    _check(images, masks)
    n, _, height, width = images.shape
    zoom = (1 + scale) ** (2 * torch.rand(n, generator=generator) - 1)
    angle = 2 * math.pi * torch.rand(n, generator=generator) * (scale > 0)
    cos, sin, zero = torch.cos(angle) / zoom, torch.sin(angle) / zoom, torch.zeros(n)
    # The grid runs from -1 to 1 along both sides; height / width keeps the turn a turn on an oblong.
    theta = torch.stack([cos, -sin * height / width, zero, sin * width / height, cos, zero], dim=1).reshape(n, 2, 3)
    grid = F.affine_grid(theta, (n, 1, height, width), align_corners=False)
    if elastic:
        grid = grid + _in_grid_units(displacements(n, height, width, generator, std=elastic))
    return _sample(images, masks, grid)


def elastic_deformation(images, masks, generator=None, *, std=10.0, grid=3):
    """Bend each picture of a batch as the paper does, image and mask alike: smooth, random, another for each picture.

    Parameters
    ----------
    images : Tensor, shape (N, C, H, W)
    masks : Tensor of int, shape (N, H, W)
        Classes or instances.
    generator : torch.Generator, optional
        On the CPU.
    std : float, default 10.0
        Standard deviation of the displacements at the nodes, in pixels; 0 changes nothing.
    grid : int, default 3
        Nodes along each side.

    Returns
    -------
    tuple of Tensor
        New images (bilinear) and masks (nearest). What comes from outside is mirrored.

    Raises
    ------
    ValueError
        If shapes do not fit, or an option is out of range.

    Notes
    -----
    Ronneberger et al. (2015), section 3.1: displacements on a coarse 3×3 grid, Gaussian with a standard deviation of
    10 pixels, between the nodes bicubic. The paper's images have 512 pixels a side; a crop of 128 bent by as much is torn.

    Examples
    --------
    >>> masks = torch.randint(0, 3, (2, 64, 64))
    >>> images, moved = elastic_deformation(masks[:, None].float(), masks, torch.Generator().manual_seed(0), std=4)
    >>> images.shape, sorted(set(moved.unique().tolist()) - {0, 1, 2})
    (torch.Size([2, 1, 64, 64]), [])
    """
    _check(images, masks)
    n, _, height, width = images.shape
    bend = displacements(n, height, width, generator, std=std, grid=grid)
    straight = F.affine_grid(torch.eye(2, 3).repeat(n, 1, 1), (n, 1, height, width), align_corners=False)
    return _sample(images, masks, straight + _in_grid_units(bend))


def displacements(n, height, width, generator=None, *, std=10.0, grid=3):
    """How far, and where to, each pixel looks for its value: random at a few nodes, bicubic in between.

    Parameters
    ----------
    n, height, width : int
        Number and size of the pictures.
    generator : torch.Generator, optional
        On the CPU.
    std : float, default 10.0
        Standard deviation at the nodes, in pixels.
    grid : int, default 3
        Nodes along each side; the outermost lie on the picture's corners.

    Returns
    -------
    Tensor, shape (n, 2, height, width)
        In pixels, x (to the right) before y (down).

    Examples
    --------
    >>> displacements(1, 65, 65, torch.Generator().manual_seed(0))[0, 0, ::32, ::32].shape
    torch.Size([3, 3])
    """
    if not (std >= 0 and math.isfinite(std)):
        raise ValueError(f"std is {std}; wanted a finite number of at least 0, in pixels")
    if grid < 2:
        raise ValueError(f"grid is {grid}; wanted at least 2 nodes along each side")
    coarse = std * torch.randn(n, 2, grid, grid, generator=generator)
    return F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)


def _check(images, masks):
    if images.ndim != 4 or masks.shape != images.shape[:1] + images.shape[2:] or 0 in images.shape:
        raise ValueError(f"images {tuple(images.shape)} and masks {tuple(masks.shape)} do not fit; "
                         "wanted (N, C, H, W) and (N, H, W), at least one pixel")
    if not images.is_floating_point():
        raise ValueError(f"images has dtype {images.dtype}; wanted float scaled to about 0..1: use unet_course.normalise")


def _in_grid_units(bend):
    """Displacements in pixels, as grid_sample wants them: the side of a picture is 2, and x, y come last."""
    height, width = bend.shape[-2:]
    return bend.permute(0, 2, 3, 1) * torch.tensor([2 / width, 2 / height])


def _sample(images, masks, grid):
    grid = grid.to(images)
    images = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    moved = F.grid_sample(masks[:, None].to(grid), grid, mode="nearest", padding_mode="reflection", align_corners=False)
    return images, moved[:, 0].round().to(masks.dtype)


def intensity(images, generator=None, strength=1.0):
    """Change contrast, brightness and gamma of each image of a batch.

    Examples
    --------
    >>> intensity(torch.full((1, 1, 2, 2), 0.5), torch.Generator().manual_seed(0)).shape
    torch.Size([1, 1, 2, 2])
    """
    contrast, brightness, gamma = (2 * torch.rand(3, len(images), 1, 1, 1, generator=generator) - 1).to(images)
    images = images.clamp(0, 1) ** ((1 + strength) ** gamma)
    return images * (1 + strength) ** contrast + 0.2 * strength * brightness


def blur(images, generator=None, largest=2.0):
    """Blur each image of a batch with a Gaussian of its own width, from 0 to `largest` pixels.

    Examples
    --------
    >>> blur(torch.ones(2, 1, 9, 9)).allclose(torch.ones(2, 1, 9, 9))
    True
    """
    n, channels, height, width = images.shape
    radius = min(math.ceil(2.5 * largest), height - 1, width - 1)  # reflection needs radius < size
    sigma = (largest * torch.rand(n, 1, generator=generator)).clamp(min=0.05)
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).to(images).repeat_interleave(channels, dim=0)
    x = F.pad(images, (radius,) * 4, mode="reflect").flatten(0, 1)[None]
    x = F.conv2d(x, kernel[:, None, None, :], groups=n * channels)
    return F.conv2d(x, kernel[:, None, :, None], groups=n * channels).reshape(n, channels, height, width)


def noise(images, generator=None, largest=0.1):
    """Add Gaussian noise, its standard deviation drawn for each image from 0 to `largest`.

    Examples
    --------
    >>> bool((noise(torch.zeros(1, 1, 64, 64), largest=0.1).std() < 0.12).item())
    True
    """
    std = largest * torch.rand(len(images), 1, 1, 1, generator=generator)
    return images + (std * torch.randn(images.shape, generator=generator)).to(images)
