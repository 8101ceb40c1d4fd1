"""Exercises: what is put into the network, patients 6 to 10. (09)"""

import math

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.clinic.patients import ClinicUNet
from unet_course.exercises.core import Exercise, Hint, expect, said
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import call, close, in_order, shape, tensor

six = Exercise("9.6", "Patient 6", "find", minutes=5)


@six.behaviour
def class_numbers(answer):
    picture = np.zeros((5, 6), dtype=np.uint8)
    picture[1:3, 2:5] = 255
    got = tensor(call(answer, picture), "Your mask")
    shape(got, (5, 6), "Your mask has shape {got}; wanted {wanted}.", "Your mask")
    values = sorted(set(got.reshape(-1).tolist()))
    expect(values == [0, 1], f"Your mask holds {said(values)}; wanted the class numbers 0 and 1.")
    inside = torch.from_numpy(picture > 0)
    expect(not torch.equal(got > 0, ~inside), "Nucleus and background have changed places.")
    expect(torch.equal(got > 0, inside), "The nucleus is not where it was in the file.")


@six.behaviour
def whole_numbers_and_other_files(answer):
    rng = np.random.default_rng(0)
    for bright in (255, 1):
        picture = (rng.random((7, 4)) > 0.5).astype(np.uint8) * bright
        got = tensor(call(answer, picture), "Your mask")
        expect(got.dtype == torch.int64, f"Your mask has dtype {got.dtype}; cross-entropy wants torch.int64.")
        expect(torch.equal(got, torch.from_numpy(picture > 0).long()), f"A file of 0 and {bright} is not read right. What "
               "holds for a nucleus in all of these files?")


@six.behaviour
def nothing_but_background_or_nucleus(answer):
    for value in (0, 255, 1):
        what = "that is all nucleus" if value else "without a nucleus"
        for size in ((4, 5), (1, 1)):
            got = tensor(call(answer, np.full(size, value, dtype=np.uint8)), "Your mask")
            expect(got.shape == size and bool((got == (value > 0)).all()), f"A file {what}, "
                   f"{value} at each of its {size[0]}×{size[1]} pixels: your mask holds "
                   f"{said(sorted(set(got.reshape(-1).tolist()))[:4])}. What is compared with "
                   "what, if there is only one value?")


leaves_alone(six, lambda: [(np.array([[0, 255, 0], [1, 1, 0]], dtype=np.uint8),)])


seven = Exercise("9.7", "Patient 7", "find", minutes=8)


def resized(answer, images, masks, size):
    got = call(answer, images, masks, size)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, "Give back two tensors, images and masks.")
    return tensor(got[0], "Your first result"), tensor(got[1], "Your second result")


def blocks():
    masks = torch.randint(0, 3, (2, 3, 4)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return torch.rand(2, 3, 24, 32), masks


def near(masks, size):
    """Which classes lie within a pixel of where each pixel of a new size is from: (N, 3, h, w)."""
    planes = F.one_hot(masks, 3).permute(0, 3, 1, 2)
    for axis, new in ((2, size[0]), (3, size[1])):
        old = planes.shape[axis]
        reach, lines = max(1.0, old / new), []
        for i in range(new):
            centre = (i + 0.5) * old / new - 0.5
            first = max(0, math.ceil(centre - reach))
            last = min(old - 1, math.floor(centre + reach))
            lines.append(planes.narrow(axis, first, last - first + 1).amax(dim=axis))
        planes = torch.stack(lines, dim=axis)
    return planes


@seven.behaviour
def no_class_in_between(answer):
    masks = torch.zeros(1, 16, 16, dtype=torch.int64)
    masks[:, 4:12, 4:12] = 2
    images, got = resized(answer, torch.rand(1, 1, 16, 16), masks, (24, 20))
    in_order(images, got, ((1, 1, 24, 20), (1, 24, 20)), "You return the masks first. Wanted the "
             "images first, then the masks.")
    shape(got, (1, 24, 20), "Your masks are {got}; wanted {wanted}.", "Your masks")
    values = sorted(set(got.reshape(-1).tolist()))
    expect(values == [0, 2], f"A mask of classes 0 and 2 now holds {said(values[:4])}. Where does a class come from that "
           "nobody drew?")
    expect(got.dtype == torch.int64, f"Your masks have dtype {got.dtype}; wanted torch.int64.")


@seven.behaviour
def in_their_places(answer):
    images, masks = blocks()
    for size in ((36, 48), (18, 24), (33, 50), (24, 32), (7, 61), (2, 3)):
        _, got = resized(answer, images, masks, size)
        shape(got, (2, *size), "Your masks are {got}; wanted {wanted}.", "Your masks")
        wrong = near(masks, size).gather(1, got[:, None].clamp(0, 2))[:, 0] == 0
        _, row, column = wrong.nonzero()[0].tolist() if wrong.any() else (0, 0, 0)
        expect(not wrong.any(), f"From 24×32 to {size[0]}×{size[1]}, "
               f"{math.ceil(100 * float(wrong.float().mean()))} % of the pixels have a class that "
               f"is nowhere near in the old mask; the first one is in row {row}, column {column}. "
               "Do masks and images still lie on each other, up to the edges, and are no classes "
               "averaged?")


@seven.behaviour
def images_as_before(answer):
    images, masks = blocks()
    for size in ((36, 30), (17, 41), (24, 32)):
        got, _ = resized(answer, images, masks, size)
        wanted = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
        shape(got, wanted.shape, "Your images are {got}; wanted {wanted}, as large as the masks.",
              "Your images")
        expect(got.shape == wanted.shape and torch.allclose(got, wanted, atol=1e-5), "The images "
               "have changed, and they were well: grey values may be mixed.")


@seven.behaviour
def from_the_middle(answer):
    """An edge at each column in turn: how many of them a pixel has passed says which column it is taken from."""
    masks = (torch.arange(24) >= torch.arange(1, 24)[:, None]).long()[:, None].repeat(1, 24, 1)
    for new in (8, 9):
        middle = (torch.arange(new) + 0.5) * 24 / new - 0.5
        for given in (masks, masks.transpose(1, 2).contiguous()):
            _, got = resized(answer, torch.rand(23, 1, 24, 24), given, (new, new))
            shape(got, (23, new, new), "Your masks are {got}; wanted {wanted}.", "Your masks")
            taken = got.sum(dim=0).diagonal().double()
            off = float((taken - middle).mean())
            expect(abs(off) < 0.6, f"A row of 24 pixels becomes one of {new}. Your mask takes its pixel 1 from the old "
                   f"pixel {taken[1]:g}, and the image takes its from {middle[1]:.3g}: on average the two lie {abs(off):.1f} "
                   'old pixels apart. "nearest" takes the first of the pixels that become one; which mode takes the '
                   "middle one?")


leaves_alone(seven, lambda: [(*blocks(), (12, 16))])


eight = Exercise("9.8", "Patient 8", "find", minutes=5)


@eight.behaviour
def channels_first(answer):
    picture = np.random.randint(0, 256, (5, 7, 3), dtype=np.uint8)
    got = tensor(call(answer, picture))
    shape(got, (1, 3, 5, 7), "A picture of 5 rows, 7 columns and 3 colours becomes {got}; wanted {wanted}.")


@eight.behaviour
def grey_values_from_0_to_1(answer):
    for most in (256, 100, 1):
        picture = np.random.randint(0, most, (5, 8, 3), dtype=np.uint8)
        got = shape(call(answer, picture), (1, 3, 5, 8), "A picture of 5 rows, 8 columns and 3 "
                    "colours becomes {got}; wanted {wanted}.").double().reshape(-1).sort().values
        wanted = torch.from_numpy(picture).double().reshape(-1).sort().values / 255
        if torch.allclose(got, wanted, atol=1e-5):
            continue  # the right values, in whatever places
        expect(not torch.equal(got, 255 * wanted), f"Your values run to {got.max():g}, as in the "
               "file; wanted 0 to 1, as before. What was the division for?")
        expect(False, f"A picture of the values {picture.min()} to {picture.max()} becomes one of "
               f"{got[0]:.3g} to {got[-1]:.3g}; wanted {wanted[0]:.3g} to {wanted[-1]:.3g}, as "
               "before: 255 is 1, in every picture.")


@eight.behaviour
def colours_stay_together(answer):
    for size in ((6, 6), (5, 8), (3, 4), (1, 1), (70, 300)):
        picture = np.random.randint(0, 256, (*size, 3), dtype=np.uint8)
        got = tensor(call(answer, picture))
        wanted = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None].float() / 255

        def is_it(other, got=got):
            return got.shape == other.shape and torch.allclose(got, other, atol=1e-5)

        if is_it(wanted):
            continue
        expect(not is_it(wanted.transpose(2, 3)), "Rows and columns have changed places: the "
               "picture lies on its side.")
        expect(not is_it(wanted.flip(1)), "Red and blue have changed places. Which call reverses "
               "the colours?")
        expect(not is_it(wanted.flip(2)) and not is_it(wanted.flip(3)), "The picture comes out "
               "mirrored. Which axis runs backwards?")
        shape(got, wanted.shape, f"A picture of {size[0]} rows and {size[1]} columns becomes "
              "{got}; wanted {wanted}. Which number in your code holds for small pictures only?")
        close(got, wanted, f"The values of a picture of {size[0]}×{size[1]} are all there, and "
              "scrambled. Look at it. Reshape counts the same numbers anew; which call moves an "
              "axis?")


leaves_alone(eight, lambda: [(np.random.randint(1, 256, (5, 7, 3), dtype=np.uint8),)])


nine = Exercise("9.9", "Patient 9", "find", minutes=5)
MIRRORED = "mirrored left to right"
WAYS = {"left alone": (), MIRRORED: (-1,), "mirrored top to bottom": (-2,),
        "turned by 180°": (-2, -1)}


def moved(before, after):
    """In which of the ways a batch was moved; None if in no one of them."""
    expect(after.shape == before.shape, f"{'×'.join(map(str, before.shape))} values become "
           f"{'×'.join(map(str, after.shape))}. Give back images and masks, in this order, in "
           "their sizes.")
    return next((way for way, axes in WAYS.items() if bool((before.flip(axes) == after).all())),
                None)


@nine.behaviour
def mask_follows(answer):
    for seed in range(24):
        images, masks = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
        x, y = resized(answer, images, masks, torch.Generator().manual_seed(seed))
        image, mask = moved(images, x), moved(masks, y)
        each = [moved(one, other) for one, other in zip(images, x)]
        expect(image or not set(each) <= {"left alone", MIRRORED}, "One image of a batch is "
               "mirrored and another is not. Before, one coin was thrown for all of them.")
        expect(image is not None, "The images are neither as they were nor mirrored: their values "
               "have changed, or their places otherwise.")
        expect(image == mask, f"The images were {image}, and the masks were "
               f"{mask or 'changed otherwise'}. Do both turn on the same coin?")
        expect(image in ("left alone", MIRRORED), f"Images and masks are {image}; it was left to "
               "right. Which axis of a batch of images is its width?")
        expect(y.dtype == torch.int64, f"Your masks have dtype {y.dtype}; wanted torch.int64, as "
               "before.")


@nine.behaviour
def the_coin_is_as_before(answer):
    images, masks = torch.rand(2, 1, 5, 6), torch.zeros(2, 5, 6, dtype=torch.int64)

    def drawn(seed, number=5):
        generator = torch.Generator().manual_seed(seed)
        batches = (resized(answer, images, masks, generator) for _ in range(number))
        return [moved(images, x) == MIRRORED for x, _ in batches]

    found = [drawn(seed) for seed in range(40)]
    torch.default_generator.manual_seed(7)
    expect(found == [drawn(seed) for seed in range(40)], "The same generator gives another result "
           "the second time. Is it used for the draw?")
    mirrored = sum(map(sum, found))
    expect(70 <= mirrored <= 130, f"{mirrored} of 200 batches are mirrored; it was about half of "
           "them. Is the coin drawn from the generator that is handed in?")
    stuck = sum(len(set(coins)) == 1 for coins in found)
    expect(stuck < 20, "A generator that is used five times in a row gives the same result each "
           "time. Does each draw take a new number from it?")


def _batches():
    for seed in range(8):  # so that some are mirrored
        generator = torch.Generator().manual_seed(seed)
        yield torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6)), generator


leaves_alone(nine, _batches)


ten = Exercise("9.10", "Patient 10", "find", minutes=8)


def cut(answer, seed, size=(150, 140)):
    """Images in which each pixel has a number of its own, crops of them and of their masks."""
    images = torch.arange(2.0 * size[0] * size[1]).reshape(2, 1, *size)
    masks = images[:, 0].long() % 3
    x, y = resized(answer, images, masks, torch.Generator().manual_seed(seed))
    expect(x.ndim == 4 and x.shape[1] == 1 and x.numel(), "Your images have shape "
           f"{tuple(x.shape)}; wanted (N, 1, H, W), with at least one crop.")
    return images, x, y


@ten.behaviour
def batch_norm_has_values(answer):
    for seed in (0, 1):
        _, x, _ = cut(answer, seed)
        net = ClinicUNet(num_classes=3, channels=(2, 2, 2, 2, 2)).train()
        try:
            net(x / 1e5)
        except (ValueError, RuntimeError) as error:
            raise Hint(f"On your crops, {'×'.join(map(str, x.shape))}, the network stops: {error}. "
                       "How many values has a channel at the bottom, after four pools?") from None


@ten.behaviour
def still_crops_with_their_masks(answer):
    first = set()
    for seed in range(4):
        images, x, y = cut(answer, seed)
        expect(y.shape == x.shape[:1] + x.shape[2:] and y.dtype == torch.int64, "Your images have "
               f"shape {tuple(x.shape)}, your masks {tuple(y.shape)}, {y.dtype}. Wanted a mask of "
               "whole numbers for each crop, (N, H, W).")
        expect(x.numel() < images.numel(), f"Your crops have {x.numel()} pixels in all; the images "
               f"that they are cut from have {images.numel()}. Memory is short.")
        expect(torch.equal(x[:, 0].long() % 3, y), "The masks are not those of the crops.")
        grid = 140 * torch.arange(x.shape[2])[:, None] + torch.arange(x.shape[3])
        expect(bool((x - x[..., :1, :1] == grid).all()), "The crops are not pieces of the field "
               "any more, pixel for pixel.")
        begins = x[:, 0, 0, 0].tolist()
        # Two of many crops may lie at one place by chance.
        expect(len(begins) == 1 or len(set(begins)) > 0.75 * len(begins), f"Of your {len(begins)} "
               f"crops only {len(set(begins))} are different. What does batch norm, or anybody, "
               "learn from the same crop twice?")
        first.add(begins[0])
    expect(len(first) > 1, "The crop is the same for every generator. Is the generator handed on?")
    torch.default_generator.manual_seed(9)
    expect(torch.equal(cut(answer, 3)[1], x), "The same generator gives another crop the second time. Is the generator "
           "handed on?")


@ten.behaviour
def every_place_may_come(answer):
    height, width = cut(answer, 0)[1].shape[2:]
    size, rows, columns, fields = (height + 1, width + 2), set(), set(), set()
    for seed in range(60):
        _, x, _ = cut(answer, seed, size)
        if x.shape[2:] != (height, width):
            return  # the size of the crops follows that of the field
        for begin in map(int, x[:, 0, 0, 0].tolist()):
            field, place = divmod(begin, size[0] * size[1])
            fields.add(field)
            rows.add(place // size[1])
            columns.add(place % size[1])
    expect(fields == {0, 1}, "Of two images, crops come from one alone. From how many images does "
           "random_crops cut?")
    expect(rows == {0, 1} and columns == {0, 1, 2}, f"Images of {size[0]}×{size[1]}: your crops "
           f"begin in rows {said(sorted(rows))} and columns {said(sorted(columns))}. In how many "
           f"rows and columns does a crop of {height}×{width} fit?")


leaves_alone(ten, lambda: [(torch.rand(2, 1, 150, 140), torch.randint(0, 3, (2, 150, 140)),
                            torch.Generator())])
