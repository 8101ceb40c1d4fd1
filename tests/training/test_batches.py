"""What each step sees: the share of a process, the order of epochs, and pictures that are read when their turn comes."""

import numpy as np
import pytest
import torch
from skimage.io import imsave

from unet_course import Augment, SegmentationFolder, UNet, fit, random_crops
from unet_course.training import batches as of
from unet_course.training.batches import Batches, Pictures, epoch_order, seed_of, shares


class Watched:
    """Pictures of which each is one number everywhere; `read` says which were asked for."""

    def __init__(self, n=6, side=8):
        self.n, self.side, self.read = n, side, []

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        self.read.append(index)
        return torch.full((1, self.side, self.side), float(index)), torch.full((self.side, self.side), index % 2)


def numbers(x):
    return x[:, 0, 0, 0].int().tolist()


@pytest.mark.parametrize("n, batch_size", [(6, 3), (6, 4), (5, 8), (1, 2), (7, 1)])
def test_an_epoch_shows_each_picture_once_whatever_the_batch(n, batch_size):
    make = Batches(Watched(n), order="epochs", crop=4, batch_size=batch_size).make
    seen = [number for step in range(-(-3 * n // batch_size)) for number in numbers(make(step, None)[0])]
    for epoch in range(3):
        assert sorted(seen[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_orders_differ_by_epoch_and_by_seed_and_repeat():
    orders = [tuple(epoch_order(seed, epoch, 20)) for seed in (0, 1) for epoch in range(5)]
    assert len(set(orders)) == 10 and orders == [tuple(epoch_order(seed, epoch, 20)) for seed in (0, 1) for epoch in range(5)]


def test_a_seed_follows_from_its_purpose():
    found = {seed_of(seed, what, k) for seed in range(5) for what in ("item", "epoch") for k in range(200)}
    assert len(found) == 2000 and all(0 <= seed < 2**63 for seed in found)


@pytest.mark.parametrize("batch_size, parts, size", [(8, 1, 1), (8, 1, 2), (8, 2, 2), (12, 3, 4), (6, 2, 3)])
def test_shares_are_each_part_cut_once(batch_size, parts, size):
    cut = [shares(batch_size, parts, rank, size) for rank in range(size)]
    for part in range(parts):
        together = [place for share in cut for place in share[part * len(share) // parts : (part + 1) * len(share) // parts]]
        assert together == list(range(part * batch_size // parts, (part + 1) * batch_size // parts))


@pytest.mark.parametrize("order", ["random", "epochs"])
@pytest.mark.parametrize("size, parts", [(2, 1), (4, 1), (2, 2)])
def test_shares_of_all_processes_are_the_batch_of_one(monkeypatch, order, size, parts):
    images, masks = torch.rand(5, 1, 9, 9), torch.randint(0, 2, (5, 9, 9))
    augment = Augment(scale=0.2, elastic=1)

    def batch(step, number, of_all):
        monkeypatch.setattr(of, "rank", lambda: number)
        monkeypatch.setattr(of, "size", lambda: of_all)
        batches = Batches((images, masks), order=order, crop=7, batch_size=8, parts=parts, augment=augment, seed=3)
        return batches.make(step, torch.Generator().manual_seed(step))

    for step in (0, 5):
        whole = batch(step, 0, 1)
        cut = [batch(step, number, size) for number in range(size)]
        for kind in (0, 1):
            pieces = [share[kind].chunk(parts) for share in cut]
            joint = torch.cat([piece[part] for part in range(parts) for piece in pieces])
            torch.testing.assert_close(joint, whole[kind], rtol=0, atol=1e-6)


def test_random_is_the_batch_that_it_always_was():
    data = torch.rand(3, 1, 20, 20), torch.randint(0, 2, (3, 20, 20))
    x, y = Batches(data, crop=8, batch_size=4).make(7, torch.Generator().manual_seed(7))
    wanted = random_crops(*data, size=8, count=4, generator=torch.Generator().manual_seed(7))
    assert torch.equal(x, wanted[0]) and torch.equal(y, wanted[1])


def test_crops_of_one_picture_differ_from_epoch_to_epoch():
    picture = [(torch.rand(1, 40, 40), torch.zeros(40, 40).long())]
    make = Batches(picture, order="epochs", crop=8, batch_size=1).make
    assert len({tuple(make(step, None)[0].ravel().tolist()) for step in range(6)}) == 6


def test_pictures_are_read_when_their_turn_comes_and_kept_while_there_is_room(monkeypatch):
    watched = Watched(6)
    each = 8 * 8 * (4 + 8)  # float32 and int64
    monkeypatch.setattr(of, "GIB", 2 * each)
    make = Batches(watched, order="epochs", crop=4, batch_size=2).make
    order = epoch_order(0, 0, 6)
    for step in range(3):
        make(step, None)
        assert watched.read == order[: 2 * step + 2]
    kept, watched.read = set(order[:2]), []
    for step in range(3, 9):
        make(step, None)
    assert sorted(watched.read) == sorted(2 * [number for number in range(6) if number not in kept])


def test_a_folder_is_read_once_each_picture_and_trains(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        for number in range(4):
            picture = np.random.default_rng(number).integers(0, 2, (20, 20), dtype=np.uint8)
            imsave(tmp_path / kind / f"{number}.png", picture * (200 if kind == "images" else 1), check_contrast=False)
    folder = SegmentationFolder(tmp_path / "images", tmp_path / "masks")
    read, plain = [], SegmentationFolder.__getitem__

    class Counted(SegmentationFolder):
        def __getitem__(self, index):
            read.append(index)
            return plain(self, index)

    counted = Counted(tmp_path / "images", tmp_path / "masks")
    history = fit(UNet(channels=(2, 4)), counted, folder, steps=6, batch_size=2, crop=12, order="epochs", bf16=False, progress=False)
    assert sorted(read) == [0, 1, 2, 3] and len(history.loss) == 6 and len(history.val_dice) == 1


@pytest.mark.parametrize("bad, words", [
    ([], "train has 0 images"),
    ((torch.zeros(2, 1, 8, 8), torch.zeros(1, 8, 8)), "2 images and 1 masks"),
    ((torch.zeros(2, 8, 8), torch.zeros(2, 8, 8)), r"images\[:, None\]"),
    ([(torch.zeros(1, 8, 8), torch.zeros(8, 9))], "train, picture 0: image"),
    ([(torch.full((1, 8, 8), torch.inf), torch.zeros(8, 8).long())], "picture 0: image has NaN or infinite"),
    ([(torch.zeros(1, 8, 8), torch.zeros(8, 8).long()), (torch.zeros(3, 8, 8), torch.zeros(8, 8).long())], "channels"),
])
def test_wrong_pictures_are_refused_by_name_in_epochs_too(bad, words):
    with pytest.raises(ValueError, match=words):
        fit(UNet(channels=(2,)), bad, steps=2, batch_size=4, crop=4, order="epochs", bf16=False, progress=False)


def test_pictures_end_as_a_sequence_does():
    assert len(list(Pictures(Watched(3), "train"))) == 3
    with pytest.raises(IndexError):
        Pictures(Watched(3), "train")[3]
