"""Cell walls, drawn: a thin structure with gaps, of which the truth is known. (11)"""

import numpy as np
import torch


def cell_walls(size, *, spacing=28, gaps=0.15, vesicles=1.0, blur=1.0, noise=0.08, generator=None):
    """A picture of cell walls as a microscope with a stained membrane shows them, and its truth.

    Parameters
    ----------
    size : int
        Side of the picture in pixels.
    spacing : float, default 28
        Distance from one cell's middle to the next, in pixels.
    gaps : float, default 0.15
        Share of the walls that the stain does not show, 0 to 1. The truth has them all the same.
    vesicles : float, default 1
        Bright spots and rings inside the cells, as bright as walls: so many a cell, on average.
    blur, noise : float
        Spread of the blur in pixels, and standard deviation of the noise, where a wall is 1 bright.
    generator : torch.Generator, optional
        On the CPU.

    Returns
    -------
    image : Tensor of float32, shape (1, size, size)
    mask : Tensor of int64, shape (size, size)
        0 in a cell, 1 on a wall, which is two pixels wide.
    cells : Tensor of int64, shape (size, size)
        0 on a wall, another number for each cell.

    Raises
    ------
    ValueError
        If an option is out of range.

    Examples
    --------
    >>> image, mask, cells = cell_walls(96, generator=torch.Generator().manual_seed(0))
    >>> image.shape, mask.unique().tolist(), bool((cells[mask == 1] == 0).all())
    (torch.Size([1, 96, 96]), [0, 1], True)
    """
    from scipy.ndimage import gaussian_filter
    from scipy.spatial import cKDTree
    from skimage.measure import label
    from skimage.segmentation import find_boundaries

    for name, value, least in (("size", size, 8), ("spacing", spacing, 6), ("gaps", gaps, 0),
                               ("vesicles", vesicles, 0), ("blur", blur, 0), ("noise", noise, 0)):
        if not value >= least:
            raise ValueError(f"{name} is {value}; wanted at least {least}")
    if gaps > 1:
        raise ValueError(f"gaps is {gaps}, which is a share of the walls; wanted 0 to 1")

    def draw(*shape):  # uniform between 0 and 1
        return torch.rand(*shape, generator=generator).numpy()

    def waves(spread):  # smooth noise, standard deviation 1
        rough = torch.randn(size, size, generator=generator).numpy()
        smooth = gaussian_filter(rough, spread, mode="wrap")
        return smooth / smooth.std()

    # Each pixel belongs to the nearest middle: a Voronoi diagram, bent, so that walls are curved.
    across = int(np.ceil(size / spacing)) + 2
    grid = np.stack(np.meshgrid(*2 * [np.arange(across)], indexing="ij"), axis=-1).reshape(-1, 2)
    middles = (grid - 0.75 + draw(*grid.shape) * 0.9) * spacing
    places = np.stack(np.mgrid[:size, :size], axis=-1) + 2.5 * np.stack([waves(8), waves(8)], axis=-1)
    owner = cKDTree(middles).query(places)[1] + 1
    wall = find_boundaries(owner, mode="thick")

    shown = waves(2.5)  # the stain is missing where this is lowest
    least = np.quantile(shown[wall], gaps) if wall.any() else 0
    light = np.where(wall & (shown >= least), 1.0, 0.0)
    rows, columns = np.mgrid[:size, :size]
    for _ in range(round(vesicles * (size / spacing) ** 2)):
        y, x, radius = size * draw(1)[0], size * draw(1)[0], 1.5 + 3 * draw(1)[0]
        away = np.hypot(rows - y, columns - x)
        light[(away <= radius) & (away >= radius - 2)] = 1.0  # a ring, a small one is a spot
    light = gaussian_filter(light, blur) * (1 + 0.2 * waves(size / 6))
    image = 0.2 + light + noise * torch.randn(size, size, generator=generator).numpy()
    cells = label(np.where(wall, 0, owner), connectivity=1)
    picture = torch.from_numpy(image.astype(np.float32)).div(1.5).clamp(0, 1)
    return picture[None], torch.from_numpy(wall.astype(np.int64)), torch.from_numpy(cells)
