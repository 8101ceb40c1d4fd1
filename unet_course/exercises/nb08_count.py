"""An exercise of 08_whole_images: objects counted across bands. (08)"""

import weakref

import numpy as np

from unet_course.exercises.answers import number
from unet_course.exercises.core import Exercise, asking, expect
from unet_course.exercises.values import call

bands = Exercise("8.8", "Count across bands", "write", minutes=25)


def mask(*rows):
    """Bands of bool from strings: "X" is a nucleus, "/" begins a new row."""
    return [np.array([[c == "X" for c in row] for row in band.split("/")]) for band in rows]


def pieces(parts):
    from skimage.measure import label

    return int(label(np.concatenate(parts), connectivity=2).max())


def counted(answer, parts, question):
    drawn = " | ".join("/".join("".join(".X"[int(x)] for x in row) for row in band)
                       for band in parts)
    where = (f"The bands {drawn} (/ begins a row, | a band)" if len(drawn) < 70 else
             f"A random mask, in {len(parts)} bands")
    with asking(f"{where}. {question}"):
        got = number(call(answer, [band.copy() for band in parts]), "Your count")
    return got, where


def holds(answer, parts, question):
    got, where = counted(answer, parts, question)
    wanted = pieces(parts)
    expect(got == wanted, f"{where}: you count {got:g}; wanted {wanted}. {question}")


@bands.behaviour
def one_band(answer):
    holds(answer, mask("XX.X/XX.X"),
          "One band alone: how many pieces does it have, not how many pixels?")
    holds(answer, mask("X../.X./..X"),
          "Pixels that touch at a corner belong together: connectivity=2.")


@bands.behaviour
def cut_once(answer):
    holds(answer, mask(".X../.X..", ".X../...."),
          "A piece on the border of two bands is one piece, not two. Which row of each band can "
          "tell?")
    holds(answer, mask("X.../X...", "..X./..X."), "Only pixels that touch make one piece of two.")


@bands.behaviour
def at_a_corner(answer):
    question = ("Across the border too, pixels touch at a corner: look at three neighbours in the "
                "row above.")
    for parts in (mask("X.../.X..", "..X./...X"), mask("...X/..X.", ".X../X...")):
        holds(answer, parts, question)
    holds(answer, mask("X...", "...X"), "Nothing touches here: two pieces. The first and the last "
          "column are no neighbours.")


@bands.behaviour
def touching_twice(answer):
    holds(answer, mask("XXXX", "XXXX"), "Two pieces that touch along many pixels are merged once.")
    holds(answer, mask("XXX/X.X", "X.X/XXX"),
          "A ring: the two halves touch in two places, and are merged once all the same.")


@bands.behaviour
def joined_below(answer):
    holds(answer, mask("X.X/X.X", "X.X/XXX"),
          "Two pieces above, one below: together they are one piece.")
    holds(answer, mask("X.X.X/X.X.X", "X.XXX/XXX.."),
          "Three pieces above, one below: together they are one piece.")


@bands.behaviour
def in_a_ring(answer):
    holds(answer, mask("XXXXXXXXX/X.......X/X..XXX..X", "XXXX.XXXX"),
          "Two pieces above, two below, all in a ring. The last pair that touches belongs "
          "together already: nothing is left to merge.")
    question = ("Two pieces are joined bands later, when both have got other numbers. Follow each "
                "number to the one that it now belongs to.")
    holds(answer, mask("XXXXX", "X...X", "X...X", "XXXXX"), question)
    holds(answer, mask("X.X.X.X", "X.XXX.X", "X.....X", "XXX.XXX", "..X.X..", "..XXX.."), question)


@bands.behaviour
def with_a_gap(answer):
    holds(answer, mask("XXX", "...", "XXX"), "An empty band lies between two pieces: they are two.")
    holds(answer, mask("XX./...", "XX./..."),
          "The last row of the upper band is empty: two pieces.")


@bands.behaviour
def any_mask(answer):
    holds(answer, mask("...", "..."), "A mask without a nucleus.")
    holds(answer, mask("X", "X", ".", "X"), "A mask of one column.")
    holds(answer, mask("X.X/X.X/X.X", "XXX", "X.X/..X"), "Bands need not be equally high.")
    random = np.random.default_rng(0)
    for height, width, share in [(31, 23, 0.3), (23, 40, 0.4), (40, 31, 0.5), (17, 64, 0.6)]:
        whole = random.random((height, width)) < share
        cuts = np.sort(random.choice(np.arange(1, height), 6, replace=False))
        holds(answer, np.split(whole, cuts),
              "On the same mask in one band, do you count what label(mask, connectivity=2) counts?")


@bands.behaviour
def one_at_a_time(answer):
    alive, most, whole = [], [0], np.random.default_rng(1).random((60, 20)) < 0.3

    def read():
        for row in range(0, 60, 5):
            band = whole[row : row + 5].copy()
            alive.append(weakref.ref(band))
            yield band
            del band
            most[0] = max(most[0], sum(one() is not None for one in alive))
    with asking("Here the bands come from a generator: one can loop over it once, and it has no "
                "length. Does your code only loop?"):
        got = number(call(answer, read()), "Your count")
    wanted = pieces([whole])
    expect(got == wanted, f"Twelve bands come one after the other, from a generator: you count "
           f"{got:g}; wanted {wanted}. One can loop over it only once.")
    expect(most[0] < 5, f"Twelve bands come one after the other, and you still hold {most[0]} of "
           "them. The mask may not fit into memory: keep one band, and one row of the band above.")
