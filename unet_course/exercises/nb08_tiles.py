"""Exercises of 08_whole_images on tiles: each has helpers of its own."""

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.exercises.core import Exercise, asking, call, expect, shape, tensor

tiles = Exercise("8.4", "Overlap-tile by hand", "write", minutes=20)


def grown(image, pixels):
    pad = np.pad(image.numpy(), pixels, mode="reflect") if pixels else image.numpy()
    return torch.from_numpy(pad)


def blurred(image):
    """A stand-in for a network that sees 3 pixels to each side, with zeros around, as convolutions have."""
    kernel = torch.tensor([[1.0, 2, 4, 8, 3, 5, 7]], dtype=image.dtype)
    return F.conv2d(F.pad(image[None, None], (3, 3, 3, 3)), (kernel.T @ kernel)[None, None] / 900)[0, 0]


def tiled(answer, run, image, tile, pixels):
    shown = []

    def watched(window):
        expect(isinstance(window, torch.Tensor) and window.ndim == 2, "You call run with something that is no (h, w) tensor.")
        shown.append(tuple(window.shape))
        return run(window)
    return tensor(call(lambda *a: answer(watched, *a), image, tile, pixels)).float(), shown


@tiles.behaviour
def same_size(answer):
    for size in [(16, 16), (17, 30), (5, 41)]:
        out, _ = tiled(answer, lambda w: w, torch.rand(size), 8, 2)
        shape(out, size, f"An image of {size[0]}×{size[1]} comes back as {{got}}. The last tile of a row may be smaller.")


@tiles.behaviour
def each_in_its_place(answer):
    for size, tile, pixels in [((16, 16), 8, 0), ((17, 30), 8, 2), ((9, 40), 16, 3)]:
        image = torch.rand(size)
        with asking(f"That was with margin {pixels}. Do you cut with [margin:-margin]? With margin 0, nothing is left."):
            out, shown = tiled(answer, lambda w: 2 * w, image, tile, pixels)
        expect(shown, "Your code never calls run. Each tile, with its margin, goes through run once.")
        expect(torch.allclose(out, 2 * image), f"run doubles each pixel. On a {size[0]}×{size[1]} image with tile {tile} and "
               f"margin {pixels}, your result is not the doubled image: is each tile cut back to its middle, and put where "
               "it was taken?")


@tiles.behaviour
def image_is_left_alone(answer):
    image = torch.rand(17, 30)
    before = image.clone()
    answer(lambda w: 2 * w, image, 8, 2)
    expect(torch.equal(image, before), "Your function writes its result into the image that it was given, which is then lost. "
           "Make a new tensor for it.")


@tiles.behaviour
def no_seams(answer):
    for size, tile, pixels in [((40, 40), 10, 3), ((37, 52), 16, 3), ((37, 52), 16, 5)]:
        image = torch.rand(size)
        out, _ = tiled(answer, blurred, image, tile, pixels)
        inner = (slice(pixels, -pixels), slice(pixels, -pixels))
        expect(torch.allclose(out[inner], blurred(image)[inner], atol=1e-5), f"run sees 3 pixels to each side, the margin is "
               f"{pixels}, and still there are seams inside the image. Does each tile get its surroundings from the image on "
               "all four sides?")


@tiles.behaviour
def mirrored_border(answer):
    for size, tile in [((40, 40), 10), ((37, 52), 16), ((8, 9), 16), ((19, 28), 10)]:
        image = torch.rand(size)
        out, _ = tiled(answer, blurred, image, tile, 3)
        expect(torch.allclose(out, blurred(grown(image, 3))[3:-3, 3:-3], atol=1e-5), "At the image's border the result is not "
               "that of the mirrored image. Mirror the whole image by the margin first, then cut windows out of it.")


@tiles.behaviour
def small_windows(answer):
    for size, tile, pixels in [((64, 64), 16, 4), ((50, 30), 10, 2)]:
        _, shown = tiled(answer, lambda w: w, torch.rand(size), tile, pixels)
        largest = max(max(s) for s in shown)
        expect(largest <= tile + 2 * pixels, f"Tile {tile}, margin {pixels}: run was given a window of {largest} "
               f"pixels. Wanted at most {tile + 2 * pixels}; the point of tiles is that memory stays small.")
        wanted = -(-size[0] // tile) * -(-size[1] // tile)
        expect(len(shown) <= 2 * wanted, f"run was called {len(shown)} times for {wanted} tiles. Does each "
               f"tile answer for {tile}×{tile} pixels, with the margin on top of that, and go through run once?")


@tiles.behaviour
def tiny_images(answer):
    for size in [(1, 1), (2, 7), (3, 3)]:
        image = torch.rand(size)
        with asking("The image is smaller than the margin. np.pad mirrors again and again, F.pad does it once only."):
            out, _ = tiled(answer, blurred, image, 8, 3)
        shape(out, size, f"An image of {size[0]}×{size[1]} comes back as {{got}}.")
        expect(torch.allclose(out, blurred(grown(image, 3))[3:-3, 3:-3], atol=1e-5), f"An image of {size[0]}×{size[1]} is "
               "smaller than the margin: np.pad with mode='reflect' mirrors again and again.")


fade = Exercise("8.5", "Fade the tiles", "write", minutes=15, mark="deeper")


def table(answer, *arguments):
    got = call(answer, *arguments)
    size, tile, _ = arguments
    shape(got, (-(-size // tile), size), "Your weights are {got}; wanted {wanted}: a row for each tile, a column for each "
                                         "pixel.")
    return got.double()


CASES = [(40, 10, 3), (32, 8, 4), (30, 10, 1), (50, 25, 5), (12, 12, 2), (35, 10, 2), (33, 8, 3)]


@fade.behaviour
def a_row_for_each_tile(answer):
    for case in CASES:
        table(answer, *case)


@fade.behaviour
def adds_up_to_one(answer):
    for case in CASES:
        total = table(answer, *case).sum(dim=0)
        expect(torch.allclose(total, torch.ones_like(total), atol=1e-5), "size {}, tile {}, fade {}: ".format(*case)
               + f"the weights of a pixel add up to between {total.min():.3g} and {total.max():.3g}; wanted 1 everywhere, the "
               "outermost pixels included.")


@fade.behaviour
def none_is_negative(answer):
    for case in CASES:
        w = table(answer, *case)
        expect(w.min() >= -1e-6 and w.max() <= 1 + 1e-6, f"Your weights go from {w.min():.3g} to {w.max():.3g}; "
               "wanted 0 to 1.")


@fade.behaviour
def stays_near_its_tile(answer):
    for size, tile, width in CASES:
        w = table(answer, size, tile, width)
        for i in range(len(w)):
            far = torch.cat([w[i, : max(i * tile - width, 0)], w[i, (i + 1) * tile + width :]])
            middle = w[i, (i * tile + width if i else 0) : ((i + 1) * tile - width if i < len(w) - 1 else size)]
            case = f"size {size}, tile {tile}, fade {width}"
            expect(bool((far.abs() < 1e-5).all()), f"{case}: tile {i} still counts more than {width} pixels beyond its "
                                                   "border.")
            expect(bool((middle > 1 - 1e-5).all()), f"{case}: more than {width} pixels from any other tile, the weight of "
                   f"tile {i} is not 1. The borders are at multiples of {tile}, also where the last tile is smaller.")


@fade.behaviour
def an_even_ramp(answer):
    for size, tile, width in CASES:
        w = table(answer, size, tile, width)
        for i in range(1, len(w)):
            ramp = w[i, i * tile - width : i * tile + width]
            steps, case = ramp.diff(), f"tile {tile}, fade {width}, border at {i * tile}"
            expect(bool((steps > 1e-4).all()), f"{case}: over the {2 * width} pixels around it the weight should rise from "
                   "pixel to pixel. Yours does not: a hard edge is a seam.")
            # A ramp may or may not include the values 0 and 1 themselves.
            expect(float(steps.max()) < 1 / (2 * width - 1) + 1e-4 and float(steps.min()) > 1 / (2 * width + 1) - 1e-4,
                   f"{case}: from pixel to pixel your weight rises by {steps.min():.3f} to {steps.max():.3f}. Evenly over "
                   f"{2 * width} pixels, how much is each step?")
            if len(ramp) < 2 * width:  # the image ends before the ramp does
                continue
            expect(torch.allclose(ramp + ramp.flip(0), torch.ones_like(ramp), atol=1e-4), f"{case}: at the border itself both "
                   "tiles count the same; the ramp has to be centred on it.")
