"""Drawn cell walls: the truth is known because it is what was drawn."""

import pytest
import torch
from scipy.ndimage import label

from unet_course.data.walls import cell_walls


def drawn(size=128, seed=0, **options):
    return cell_walls(size, generator=torch.Generator().manual_seed(seed), **options)


def test_the_same_seed_draws_the_same_and_another_another():
    (image, mask, cells), again, other = drawn(), drawn(), drawn(seed=1)
    assert image.dtype == torch.float32 and mask.dtype == cells.dtype == torch.int64
    assert image.shape == (1, 128, 128) and mask.shape == cells.shape == (128, 128)
    assert 0 <= image.min() and image.max() <= 1
    assert all(a.equal(b) for a, b in zip((image, mask, cells), again))
    assert not mask.equal(other[1])


@pytest.mark.parametrize("size", [8, 37, 200])
def test_walls_part_the_cells_whole(size):
    _, mask, cells = drawn(size)
    assert cells.eq(0).equal(mask.eq(1))
    pieces, count = label((mask == 0).numpy())
    assert count == cells.max() == len(cells[cells > 0].unique())  # a cell is a piece, and each has a number
    assert all(len(torch.from_numpy(pieces)[cells == n].unique()) == 1 for n in range(1, count + 1))


def test_where_nothing_is_hidden_walls_alone_are_bright():
    image, mask, _ = drawn(gaps=0, vesicles=0, blur=0, noise=0)
    assert image[0][mask == 1].min() > image[0][mask == 0].max()


@pytest.mark.parametrize("gaps", [0.1, 0.4, 1.0])
def test_the_share_of_walls_that_is_asked_for_is_dark(gaps):
    image, mask, _ = drawn(256, gaps=gaps, vesicles=0, blur=0, noise=0)
    dark = (image[0][mask == 1] < 0.25).float().mean()
    assert dark == pytest.approx(gaps, abs=0.01)


def test_vesicles_are_bright_and_no_wall():
    options = {"gaps": 0, "blur": 0, "noise": 0}
    (with_them, mask, _), (without, same, _) = drawn(vesicles=2, **options), drawn(vesicles=0, **options)
    assert mask.equal(same)
    assert ((with_them > without + 0.2)[0] & (mask == 0)).sum() > 200


@pytest.mark.parametrize("options, said", [
    ({"size": 4}, "size is 4"), ({"spacing": 2}, "spacing is 2"), ({"gaps": 15}, "a share of the walls"),
    ({"gaps": -0.1}, "gaps is -0.1"), ({"noise": float("nan")}, "noise is nan"), ({"blur": -1}, "blur")])
def test_what_cannot_be_drawn_is_said(options, said):
    with pytest.raises(ValueError, match=said):
        drawn(**{"size": 64, **options})
