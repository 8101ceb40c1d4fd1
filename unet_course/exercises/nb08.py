"""Exercises of 08_whole_images. (08)"""

import sys

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, asking, expect
from unet_course.exercises.values import alike, call, close, numeric, shape

memory = Exercise("8.1", "What the skips weigh", "predict", minutes=8)


def skips(height, width, channels):
    total = 0
    for c in channels[:-1]:
        total += 4 * c * height * width
        height, width = -(-height // 2), -(-width // 2)
    return total


@memory.behaviour
def one_level(answer):
    got = call(answer, 10, 21, (8, 16))  # 21 is odd: halved first, the bytes are not by chance the number of values
    for value, why in [(8 * 210, "That is how many values there are. A float32 has 4 bytes."),
                       (skips(10, 21, (8, 16, 1)), "The bottom of the U has no skip."),
                       (skips(5, 11, (8, 1)), "Is the skip taken before the pool, or after it?"),
                       (8 * 210 * 8, "That is twice too much. A float32 has 4 bytes, the top level's skip 8 channels.")]:
        expect(not alike(got, value), f"10×21 pixels, channels (8, 16): you get {value}. {why}")
    close(got, 6720, "10×21 pixels, channels (8, 16): one skip of 8 × 10 × 21 float32, {wanted} bytes. You get {got}.")


@memory.behaviour
def each_level_is_smaller(answer):
    got = call(answer, 64, 32, (8, 16, 32, 64))
    expect(not alike(got, 4 * 64 * 32 * (8 + 16 + 32)),
           "64×32 pixels, three pools: you take the full size on each level. What does a pool do "
           "to height and width?")
    expect(not alike(got, 4 * 64 * 32 * 8), "64×32 pixels, channels (8, 16, 32, 64): you get "
           "65536, and the top skip alone has as many bytes. How many levels have a skip?")
    close(got, skips(64, 32, (8, 16, 32, 64)), "64×32 pixels, channels (8, 16, 32, 64): {wanted} bytes, you get {got}.")


@memory.behaviour
def odd_sizes(answer):
    for size, channels in [((101, 67), (4, 8, 16, 32)), ((1, 1), (2, 2, 2)),
                           ((33, 5), (1, 2, 3, 4, 5)), ((9, 8), (16,))]:
        why = ("The course's pool rounds up: 101 becomes 51." if len(channels) > 1 else
               "A level alone is the bottom, and the bottom has no skip.")
        close(call(answer, *size, channels), skips(*size, channels), f"{size[0]}×{size[1]} pixels, "
              f"channels {channels}: {{wanted}} bytes, you get {{got}}. {why}")


margin = Exercise("8.2", "The margin, by hand", "predict", minutes=10)


@margin.behaviour
def no_pool(answer):
    close(call(answer, 0), 2, "Without a pool there is one block of two 3×3 convolutions: wanted {wanted} pixels, you get "
                              "{got}. Each convolution looks one pixel to each side.")


@margin.behaviour
def one_pool(answer):
    got = call(answer, 1)
    expect(not alike(got, 5),
           "One pool: you get 5. Do you count on the small grid? After the upsampling each of its "
           "pixels is two pixels wide, and the decoder has a block as well.")
    expect(not alike(got, 6),
           "One pool: you get 6. That is where the bottom sees to. The decoder has two more "
           "convolutions.")
    close(got, 8, "One pool: wanted {wanted}, you get {got}. Two convolutions: 2. The pool: 1, on its grid. Two "
                  "convolutions: 3. Doubled: 6. Two convolutions: 8.")


@margin.behaviour
def rounding(answer):
    got = call(answer, 2)
    for value in (18, 20):
        expect(not alike(got, value),
               f"Two pools: you get {value}. The second pool meets 3 pixels, and half of a 2×2 "
               "square is not possible: it rounds up.")
    close(got, 22, "Two pools: wanted {wanted}, you get {got}. Down: 2, 1, 3, then 3 is rounded up to 2 squares, 4. Up: 8, "
                   "10, 20, 22.")


@margin.behaviour
def deeper(answer):
    for pools, wanted in [(3, 46), (4, 94), (5, 190), (6, 382)]:
        with asking(f"That was with {pools} pools. Which rule leads from one number to the next?"):
            got = call(answer, pools)
        close(got, wanted, f"{pools} pools: wanted {{wanted}}, you get {{got}}.")


mirror = Exercise("8.3", "Mirror a border", "write", minutes=8)


def reflected(place, size):
    if size == 1:
        return 0
    place = place % (2 * size - 2)
    return min(place, 2 * size - 2 - place)


def column(answer, place, size):
    """What the answer says; a loop that goes round for ever is stopped. (Mirroring in one column does.)"""
    steps, before = 0, sys.gettrace()

    def count(frame, event, argument):
        nonlocal steps
        steps += 1
        expect(steps < 100_000, f"Place {place}, columns in the image: {size}. Your code goes round and round and never ends. "
                                "Where does each turn send the place?")
        return count
    sys.settrace(count)
    try:
        return call(answer, place, size)
    finally:
        sys.settrace(before)


@mirror.behaviour
def inside(answer):
    for place in range(5):
        close(column(answer, place, 5), place, f"Place {place} of an image with 5 columns is column {{wanted}} itself, "
                                               "you get {got}.")


@mirror.behaviour
def left_of_it(answer):
    got = column(answer, -1, 5)
    expect(not alike(got, 0),
           "Place -1 of 5: you get 0. Then the outermost column would stand there twice; it is the "
           "mirror itself.")
    expect(not alike(got, 4),
           "Place -1 of 5: you get 4. That is the other end of the image: repeated, not mirrored.")
    for place in (-1, -2, -3, -4):
        close(column(answer, place, 5), -place, f"Place {place} of 5: wanted column {{wanted}}, you get {{got}}.")


@mirror.behaviour
def right_of_it(answer):
    got = column(answer, 5, 5)
    expect(not alike(got, 4),
           "Place 5 of 5: you get 4. Then the outermost column would stand there twice; it is the "
           "mirror itself.")
    for place in (5, 6, 7, 8):
        close(column(answer, place, 5), 8 - place, f"Place {place} of 5: wanted column {{wanted}}, you get {{got}}.")


@mirror.behaviour
def again_and_again(answer):
    for size in (2, 3, 5, 8):
        for place in range(-30, 40):
            close(column(answer, place, size), reflected(place, size),
                  f"Place {place} of an image with {size} columns: wanted column {{wanted}}, you get {{got}}. Farther out, "
                  "the mirrored image is mirrored again.")


@mirror.behaviour
def one_column(answer):
    for place in (-3, 0, 4):
        with asking("With one column there is no other to mirror into. Which one stands at every place?"):
            close(column(answer, place, 1), 0, "An image with one column has only column {wanted}, you get {got}.")


cause = Exercise("8.6", "Name the cause", "find", minutes=5, mark="classroom")
CAUSES = ("no margin", "off the grid", "training mode", "gradients kept")


@cause.behaviour
def a_grid_of_lines(answer):
    expect((got := word(answer, 0, CAUSES)) == "no margin", f"1: not {got!r}. The lines lie where two tiles meet. What does a "
           "convolution find beyond the border of its tile?")


@cause.behaviour
def small_differences_everywhere(answer):
    expect((got := word(answer, 1, CAUSES)) == "off the grid", f"2: not {got!r}. There is margin enough, and no tile knows of "
           "another. But the pools pair the pixels differently if a tile begins at an odd one.")


@cause.behaviour
def depends_on_the_batch(answer):
    expect((got := word(answer, 2, CAUSES)) == "training mode", f"3: not {got!r}. Which layer looks at the whole "
           "batch, unless the network is told to stop?")


@cause.behaviour
def memory_grows(answer):
    expect((got := word(answer, 3, CAUSES)) == "gradients kept", f"4: not {got!r}. The results are small. What does "
           "PyTorch keep of every forward pass, unless told that no backward pass will follow?")


windows = Exercise("8.7", "What a tiling costs", "predict", minutes=5, mark="classroom")


def figure(answer, place):
    return number(several(answer, 3, "[10, 300, 1.5]")[place], f"Number {place + 1}")


@windows.behaviour
def how_many(answer):
    got = figure(answer, 0)
    expect(got == 12, f"1: you count {got:g} tiles. How many tiles of 256 do 1000 rows need, and how many do 700 "
           "columns? The last one of each may be cut.")


@windows.behaviour
def side_of_a_window(answer):
    got = figure(answer, 1)
    expect(got == 348, f"2: you say that a tile in the middle is shown {got:g} rows; wanted its own 256 and a margin "
           "of 46 above and below.")


@windows.behaviour
def work(answer):
    got = figure(answer, 2)
    expect(round(got, 2) != round((256 / 348) ** 2, 2), f"3: you say {got:g}. That is how many are "
           "kept for each computed; asked is how many are computed for each that is kept.")
    expect(round(got, 2) == round((348 / 256) ** 2, 2), f"3: you say {got:g}. Computed for that tile are all the pixels of "
           "its window, kept are 256×256. It is an area: height and width both count.")


tiles = Exercise("8.4", "Overlap-tile by hand", "write", minutes=20)


def grown(image, pixels):
    pad = np.pad(image.numpy(), pixels, mode="reflect") if pixels else image.numpy()
    return torch.from_numpy(pad)


def blurred(image):
    """A stand-in for a network that sees 3 pixels to each side, with zeros around, as convolutions have."""
    kernel = torch.tensor([[1.0, 2, 4, 8, 3, 5, 7]], dtype=image.dtype)
    return F.conv2d(F.pad(image[None, None], (3, 3, 3, 3)), (kernel.T @ kernel)[None, None] / 900)[0, 0]


FIRST = "Is the margin taken off again?"
OBLONG = "Height and width are not equal here: is each used for its own axis?"
MIDDLE = "Is each tile cut back to its middle, and put where it was taken?"
LAST = "The last tile of a row or column may be smaller than the others. Is it there?"
IMAGES = [((16, 16), FIRST), ((16, 24), OBLONG), ((24, 16), OBLONG), ((17, 30), LAST),
          ((5, 41), LAST)]


def tiled(answer, run, image, tile, pixels, question=MIDDLE):
    """What comes back, of the size of the image, and the windows that run was called with."""
    shown, (height, width) = [], image.shape

    def watched(window):
        window = torch.as_tensor(window) if isinstance(window, np.ndarray) else window
        expect(isinstance(window, torch.Tensor) and window.ndim == 2, "You call run with something that is no (h, w) tensor.")
        shown.append(tuple(window.shape))
        return run(window)
    with asking(f"That was with {height}×{width} pixels, tile {tile}, margin {pixels}. {question}"):
        out = call(lambda *a: answer(watched, *a), image, tile, pixels)
    out = shape(out, (height, width), f"An image of {height}×{width}, with tile {tile} and margin "
                f"{pixels}, comes back as {{got}}. {question}", "Your result")
    return out.float(), shown


@tiles.behaviour
def same_size(answer):
    for size, question in IMAGES:
        tiled(answer, lambda w: w, torch.rand(size), 8, 2, question)


@tiles.behaviour
def each_in_its_place(answer):
    for size, question in IMAGES:
        image = torch.rand(size)
        out, shown = tiled(answer, lambda w: 2 * w, image, 8, 2, question)
        expect(shown, "Your code never calls run. Each tile, with its margin, goes through run once.")
        if question == FIRST:
            question = MIDDLE
        expect(alike(out, 2 * image),
               f"run doubles each pixel. On an image of {size[0]}×{size[1]}, with tile 8 and "
               f"margin 2, your result is not the doubled image. {question}")


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
def without_a_margin(answer):
    image = torch.rand(16, 16)
    question = "Do you cut with [margin:-margin]? With margin 0, nothing is left."
    out, _ = tiled(answer, lambda w: 2 * w, image, 8, 0, question)
    expect(alike(out, 2 * image),
           f"run doubles each pixel. With margin 0 your result is not the doubled image. {question}")


@tiles.behaviour
def tiny_images(answer):
    for size in [(1, 1), (2, 7), (3, 3)]:
        image = torch.rand(size)
        out, _ = tiled(answer, blurred, image, 8, 3, "The image is smaller than the margin. "
                       "np.pad mirrors again and again, F.pad does it once only.")
        expect(torch.allclose(out, blurred(grown(image, 3))[3:-3, 3:-3], atol=1e-5), f"An image of {size[0]}×{size[1]} is "
               "smaller than the margin: np.pad with mode='reflect' mirrors again and again.")


fade = Exercise("8.5", "Fade the tiles", "write", minutes=15, mark="deeper")


def table(answer, *arguments):
    got = call(answer, *arguments)
    got = got if (array := numeric(got)) is None else array  # rows in a list, too
    size, tile, _ = arguments
    shape(got, (-(-size // tile), size), "Your weights are {got}; wanted {wanted}: a row for each tile, a column for each "
                                         "pixel.")
    return got.double()


CASES = [(40, 10, 3), (32, 8, 4), (30, 10, 1), (50, 25, 5), (12, 12, 2), (35, 10, 2), (33, 8, 3),
         (21, 7, 3), (5, 12, 2)]


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
            expect(float(steps.max() - steps.min()) < 1e-4,
                   f"{case}: from pixel to pixel your weight rises by {steps.min():.3f} to "
                   f"{steps.max():.3f}. Evenly over {2 * width} pixels, how much is each step?")


@fade.behaviour
def taken_at_the_centres(answer):
    for size, tile, width in CASES:
        w = table(answer, size, tile, width)
        for i in range(1, len(w)):
            ramp = w[i, i * tile - width : i * tile + width]
            wanted = (torch.arange(len(ramp)) + 0.5) / (2 * width)
            close(ramp, wanted,
                  f"That is tile {i} around its border at {i * tile}, tile {tile}, fade {width}: "
                  f"from 0 to 1 in {2 * width} pixels. How far behind the beginning of the ramp is "
                  "the centre of its first pixel?", 1e-4)
