"""Exercises of 08_whole_images."""

import sys

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, asking, call, close, expect

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
        expect(got != value, f"10×21 pixels, channels (8, 16): you get {value}. {why}")
    close(got, 6720, "10×21 pixels, channels (8, 16): one skip of 8 × 10 × 21 float32, {wanted} bytes. You get {got}.")


@memory.behaviour
def each_level_is_smaller(answer):
    got = call(answer, 64, 32, (8, 16, 32, 64))
    expect(got != 4 * 64 * 32 * (8 + 16 + 32), "64×32 pixels, three pools: you take the full size on each level. What does a "
                                               "pool do to height and width?")
    close(got, skips(64, 32, (8, 16, 32, 64)), "64×32 pixels, channels (8, 16, 32, 64): {wanted} bytes, you get {got}.")


@memory.behaviour
def odd_sizes(answer):
    for size, channels in [((101, 67), (4, 8, 16, 32)), ((1, 1), (2, 2, 2)), ((33, 5), (1, 2, 3, 4, 5))]:
        close(call(answer, *size, channels), skips(*size, channels),
              f"{size[0]}×{size[1]} pixels, channels {channels}: {{wanted}} bytes, you get {{got}}. The course's pool rounds "
              "up: 101 becomes 51.")


margin = Exercise("8.2", "The margin, by hand", "predict", minutes=10)


@margin.behaviour
def no_pool(answer):
    close(call(answer, 0), 2, "Without a pool there is one block of two 3×3 convolutions: wanted {wanted} pixels, you get "
                              "{got}. Each convolution looks one pixel to each side.")


@margin.behaviour
def one_pool(answer):
    got = call(answer, 1)
    expect(got != 5, "One pool: you get 5. Do you count on the small grid? After the upsampling each of its pixels is two "
                     "pixels wide, and the decoder has a block as well.")
    expect(got != 6, "One pool: you get 6. That is where the bottom sees to. The decoder has two more convolutions.")
    close(got, 8, "One pool: wanted {wanted}, you get {got}. Two convolutions: 2. The pool: 1, on its grid. Two "
                  "convolutions: 3. Doubled: 6. Two convolutions: 8.")


@margin.behaviour
def rounding(answer):
    got = call(answer, 2)
    for value in (18, 20):
        expect(got != value, f"Two pools: you get {value}. The second pool meets 3 pixels, and half of a 2×2 square is not "
                             "possible: it rounds up.")
    close(got, 22, "Two pools: wanted {wanted}, you get {got}. Down: 2, 1, 3, then 3 is rounded up to 2 squares, 4. Up: 8, "
                   "10, 20, 22.")


@margin.behaviour
def deeper(answer):
    for pools, wanted in [(3, 46), (4, 94), (5, 190), (6, 382)]:
        close(call(answer, pools), wanted, f"{pools} pools: wanted {{wanted}}, you get {{got}}.")


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
    expect(got != 0, "Place -1 of 5: you get 0. Then the outermost column would stand there twice; it is the mirror itself.")
    expect(got != 4, "Place -1 of 5: you get 4. That is the other end of the image: repeated, not mirrored.")
    for place in (-1, -2, -3, -4):
        close(column(answer, place, 5), -place, f"Place {place} of 5: wanted column {{wanted}}, you get {{got}}.")


@mirror.behaviour
def right_of_it(answer):
    got = column(answer, 5, 5)
    expect(got != 4, "Place 5 of 5: you get 4. Then the outermost column would stand there twice; it is the mirror itself.")
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
    expect(round(got, 2) == round((348 / 256) ** 2, 2), f"3: you say {got:g}. Computed for that tile are all the pixels of "
           "its window, kept are 256×256. It is an area: height and width both count.")
