"""Exercises: what is put into the network, patients 6 to 10. (09)"""

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.clinic.patients import ClinicUNet
from unet_course.exercises.core import Exercise, asking, call, close, expect, said, shape, tensor

six = Exercise("9.6", "Patient 6", "find", minutes=5)


@six.behaviour
def class_numbers(answer):
    picture = np.zeros((5, 6), dtype=np.uint8)
    picture[1:3, 2:5] = 255
    got = tensor(call(answer, picture), "Your mask")
    shape(got, (5, 6), "Your mask has shape {got}; wanted {wanted}.", "Your mask")
    values = sorted(set(got.reshape(-1).tolist()))
    expect(values == [0, 1], f"Your mask holds {said(values)}; wanted the class numbers 0 and 1.")
    expect(torch.equal(got > 0, torch.from_numpy(picture > 0)), "Nucleus and background have changed places.")


@six.behaviour
def whole_numbers_and_other_files(answer):
    rng = np.random.default_rng(0)
    for bright in (255, 1):
        picture = (rng.random((7, 4)) > 0.5).astype(np.uint8) * bright
        got = call(answer, picture.copy())
        expect(got.dtype == torch.int64, f"Your mask has dtype {got.dtype}; cross-entropy wants torch.int64.")
        expect(torch.equal(got, torch.from_numpy(picture > 0).long()), f"A file of 0 and {bright} is not read right. What "
               "holds for a nucleus in all of these files?")


seven = Exercise("9.7", "Patient 7", "find", minutes=8)


def resized(answer, images, masks, size):
    got = call(answer, images, masks, size)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, "Give back two tensors, images and masks.")
    return tensor(got[0], "Your first result"), tensor(got[1], "Your second result")


def blocks():
    masks = torch.randint(0, 3, (2, 3, 4)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return torch.rand(2, 1, 24, 32), masks


@seven.behaviour
def no_class_in_between(answer):
    masks = torch.zeros(1, 16, 16, dtype=torch.int64)
    masks[:, 4:12, 4:12] = 2
    images, got = resized(answer, torch.rand(1, 1, 16, 16), masks, (24, 20))
    shape(got, (1, 24, 20), "Your masks are {got}; wanted {wanted}.", "Your masks")
    values = sorted(set(got.reshape(-1).tolist()))
    expect(values == [0, 2], f"A mask of classes 0 and 2 now holds {said(values[:4])}. Where does a class come from that "
           "nobody drew?")
    expect(got.dtype == torch.int64, f"Your masks have dtype {got.dtype}; wanted torch.int64.")


@seven.behaviour
def in_their_places(answer):
    images, masks = blocks()
    for size in ((36, 48), (18, 24), (33, 50)):
        _, got = resized(answer, images, masks, size)
        wanted = F.interpolate(masks[:, None].float(), size=size, mode="nearest-exact")[:, 0]
        right = float((got == wanted).float().mean())
        expect(right > 0.9, f"From 24×32 to {size[0]}×{size[1]}, {100 * (1 - right):.0f} % of the pixels have another class "
               "than their nearest one in the old mask.")


@seven.behaviour
def images_as_before(answer):
    images, masks = blocks()
    got, _ = resized(answer, images, masks, (36, 30))
    wanted = F.interpolate(images, size=(36, 30), mode="bilinear", align_corners=False)
    expect(got.shape == wanted.shape and torch.allclose(got, wanted, atol=1e-5), "The images have changed, and they were "
           "well: grey values may be mixed.")


eight = Exercise("9.8", "Patient 8", "find", minutes=5)


@eight.behaviour
def channels_first(answer):
    picture = np.random.randint(0, 256, (5, 7, 3), dtype=np.uint8)
    got = tensor(call(answer, picture))
    shape(got, (1, 3, 5, 7), "A picture of 5 rows, 7 columns and 3 colours becomes {got}; wanted {wanted}.")


@eight.behaviour
def colours_stay_together(answer):
    for size in ((6, 6), (5, 8)):
        picture = np.random.randint(0, 256, (*size, 3), dtype=np.uint8)
        got = tensor(call(answer, picture.copy()))
        wanted = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None].float() / 255
        on_its_side = size[0] == size[1] and torch.allclose(got, wanted.transpose(2, 3))
        expect(not on_its_side, "Rows and columns have changed places: the picture lies on its side.")
        close(got, wanted, f"The size fits, and the picture of {size[0]}×{size[1]} is scrambled or scaled otherwise. Look at "
              "it. Reshape counts the same numbers anew; which call moves an axis?")


nine = Exercise("9.9", "Patient 9", "find", minutes=5)


def draws(answer, number=24):
    for seed in range(number):
        images, masks = torch.rand(2, 1, 5, 6), torch.randint(0, 3, (2, 5, 6))
        x, y = resized(answer, images, masks, torch.Generator().manual_seed(seed))
        yield images, masks, x, y


def drawn(answer, shake):
    """Some draws, on the same images, after torch's own random numbers have been put elsewhere."""
    images = torch.arange(60.0).reshape(2, 1, 5, 6)
    for seed in range(8):
        torch.default_generator.manual_seed(shake * 100 + seed)
        x, y = resized(answer, images, images[:, 0].long(), torch.Generator().manual_seed(seed))
        yield images, None, x, y


@nine.behaviour
def mask_follows(answer):
    for images, masks, x, y in draws(answer):
        moved = not torch.equal(x, images)
        seen = f"The images were {'mirrored' if moved else 'left alone'}, and the masks were not"
        expect(torch.equal(y, masks.flip(-1) if moved else masks), f"{seen}. Do both turn on the same coin?")


@nine.behaviour
def the_coin_is_as_before(answer):
    mirrored = 0
    for images, _, x, _ in draws(answer):
        expect(torch.equal(x, images) or torch.equal(x, images.flip(-1)), "The images are neither as they were nor mirrored "
               "left to right.")
        mirrored += torch.equal(x, images.flip(-1))
    once, again = ([x for _, _, x, _ in drawn(answer, shake)] for shake in (1, 2))
    expect(all(map(torch.equal, once, again)), "The same generator gives another result the second time. Is it used for the "
           "draw?")
    expect(4 <= mirrored <= 20, f"{mirrored} of 24 batches are mirrored; it was about half of them.")


ten = Exercise("9.10", "Patient 10", "find", minutes=8)


def cut(answer, seed):
    images = torch.arange(2 * 150 * 140.0).reshape(2, 1, 150, 140)
    masks = images[:, 0].long() % 3
    x, y = resized(answer, images, masks, torch.Generator().manual_seed(seed))
    return images, x, y


@ten.behaviour
def batch_norm_has_values(answer):
    for seed in (0, 1):
        _, x, _ = cut(answer, seed)
        net = ClinicUNet(num_classes=3, channels=(2, 2, 2, 2, 2)).train()
        expect(x.ndim == 4 and x.shape[1] == 1, f"Your images have shape {tuple(x.shape)}; wanted (N, 1, H, W).")
        with asking(f"That was with images {'×'.join(map(str, x.shape))}. How many values of a channel are at the bottom, "
                    "after four pools?"):
            net(x / 1e5)


@ten.behaviour
def still_crops_with_their_masks(answer):
    first = set()
    for seed in range(4):
        images, x, y = cut(answer, seed)
        expect(y.shape == x.shape[:1] + x.shape[2:], "Images and masks do not fit.")
        expect(x.shape[-1] < 140 and x.numel() < images.numel(), "That is the whole field. Wanted random crops, as before.")
        expect(torch.equal(x[:, 0].long() % 3, y), "The masks are not those of the crops.")
        steps = x[..., 1:] - x[..., :-1]
        expect(bool((steps == 1).all()), "The crops are not pieces of the field any more, pixel for pixel.")
        first.add(float(x[0, 0, 0, 0]))
    expect(len(first) > 1, "The crop is the same for every generator. Is the generator handed on?")
    torch.default_generator.manual_seed(9)
    expect(torch.equal(cut(answer, 3)[1], x), "The same generator gives another crop the second time. Is the generator "
           "handed on?")
