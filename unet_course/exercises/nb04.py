"""Exercises of 04_decoder_and_skip_padding. (04)"""

import torch
import torch.nn.functional as F

from unet_course.exercises.answers import several, whole, word
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.values import alike, call, close, keeps_something, numeric, shape, tensor
from unet_course.exercises.watching import agree, slopes

negative = Exercise("4.1", "A negative pad", "predict", minutes=5, mark="classroom")


def sides(answer):
    """Left, right, top, bottom."""
    return [whole(n, "One of your four numbers") for n in several(answer, 4, "(1, 1, 1, 1), for left, right, top, bottom")]


@negative.behaviour
def four_numbers(answer):
    sides(answer)


@negative.behaviour
def right_pad(answer):
    left, right, top, bottom = sides(answer)
    got = 9 + top + bottom, 9 + left + right
    expect(got == (10, 6), f"From 9×9 your pad makes {got[0]}×{got[1]}; wanted 10×6. F.pad starts with the last axis: "
                           "(left, right, top, bottom). A negative number takes away.")
    expect(top == 0, "The extra row has to come at the bottom, so that no pixel above it moves.")
    expect(left in (-1, -2), f"You take {-left} columns from the left and {-right} from the right; "
           "wanted one from one side and two from the other.")


match = Exercise("4.2", "Write match_size", "write", minutes=12)


def matched(answer, skip, size, learns=False):
    """What the learner's function makes of a skip, of the size that is wanted."""
    (h, w), (height, width) = skip.shape[2:], size
    given = f"A skip of {h}×{w} that is wanted as {height}×{width}"
    with asking(f"{given}: which of its rows and columns are in both?"):
        out = tensor(call(answer, skip, size), "Your result", learns)
    expect((h, w) == tuple(size) or out.shape != skip.shape, f"{given} stays as it is. What has to "
           "be added, or taken away?")
    crossed = h + width - w, w + height - h
    expect(crossed == tuple(size) or out.shape != (*skip.shape[:2], *crossed), f"{given} became "
           f"{crossed[0]}×{crossed[1]}. Does F.pad start with the width?")
    return shape(out, (*skip.shape[:2], *size), given + " became {got}; wanted {wanted}. How many "
                 "rows and columns are missing in all, and do your two ends add up to that?",
                 "Your result")


@match.behaviour
def wanted_size(answer):
    for have, want in [((5, 7), (6, 8)), ((64, 64), (64, 64)), ((9, 9), (5, 3)), ((3, 10), (8, 4)), ((3, 2), (1, 1)),
                       ((5, 7), (6, 7)), ((5, 7), (5, 8)), ((5, 5), (4, 4)), ((9, 6), (9, 3)), ((6, 9), (4, 9))]:
        matched(answer, torch.rand(2, 3, *have), want)


@match.behaviour
def does_not_resize(answer):
    for have, want in [((5, 7), (6, 8)), ((9, 8), (5, 4))]:
        skip = torch.rand(1, 2, *have) + 1
        out = matched(answer, skip, want)
        ways = [F.interpolate(skip, size=want, mode=mode)
                for mode in ("nearest", "nearest-exact", "area", "bilinear", "bicubic")]
        ways.append(F.interpolate(skip, size=want, mode="bilinear", align_corners=True))
        ways.append(F.adaptive_max_pool2d(skip, want))
        new = out[~torch.isin(out, skip)].unique()  # one number is what is set around
        expect(not any(alike(out, way) for way in ways) and len(new) <= 1,
               f"From {have[0]}×{have[1]} to {want[0]}×{want[1]} you resize the skip: values are "
               "mixed with their neighbours, or repeated. Wanted each value as it is. How can a "
               "tensor grow or shrink at its border alone?")


@match.behaviour
def nothing_moves_when_one_is_missing(answer):
    for size in [(6, 8), (6, 7), (5, 8)]:
        skip = torch.rand(1, 2, 5, 7)
        out = matched(answer, skip, size)
        expect(alike(out[..., :5, :7], skip), f"From 5×7 to {size[0]}×{size[1]} your pixels moved. "
               "The extra row belongs at the bottom, the extra column at the right.")
        expect(float(out.abs().sum() - skip.abs().sum()) < 1e-3, "What you add at the bottom and "
               "at the right is not zero. F.pad adds zeros unless it is told otherwise.")


@match.behaviour
def crops_the_centre(answer):
    skip = torch.rand(1, 1, 64, 64)
    out = matched(answer, skip, (56, 48))
    expect(not torch.equal(out, skip[..., :56, :48]), "You keep the top left corner. The upsampled tensor lies in the "
           "middle of the skip: crop as much on the left as on the right.")
    close(out, skip[..., 4:60, 8:56], "From 64×64 to 56×48 wanted the centre: rows 4 to 59, columns 8 to 55.")


@match.behaviour
def pads_both_sides(answer):
    skip = torch.rand(1, 1, 4, 4) + 1
    close(matched(answer, skip, (8, 10)), F.pad(skip, (3, 3, 2, 2)),
          "From 4×4 to 8×10 wanted 2 rows above and below, 3 columns left and right.")


@match.behaviour
def odd_crop_keeps_the_place(answer):
    def ends(missing):
        """How many come first: half; of an odd number either way; a single one goes last."""
        return {missing // 2, 0 if missing == 1 else -(-missing // 2)}

    for (h, w), (height, width) in [((9, 9), (6, 6)), ((9, 9), (8, 8)), ((3, 10), (8, 4)),
                                    ((10, 3), (5, 8)), ((5, 6), (6, 3)), ((6, 5), (4, 6)),
                                    ((1, 1), (2, 4))]:
        skip = torch.rand(2, 3, h, w) + 1
        out = matched(answer, skip, (height, width))
        either = [F.pad(skip, (left, width - w - left, top, height - h - top))
                  for top in ends(height - h) for left in ends(width - w)]
        expect(any(torch.equal(out, e) for e in either), f"From {h}×{w} to {height}×{width}, rows "
               "and columns should be added or taken in equal parts at both ends; of an odd "
               "number, one end has one more. Do you do it for the height and for the width?")


@match.behaviour
def size_from_a_tensor(answer):
    x = torch.rand(1, 4, 6, 8)
    shape(call(answer, torch.rand(1, 2, 5, 7), x.shape[-2:]), (1, 2, 6, 8), "With size=x.shape[-2:] you return {got}; "
          "wanted {wanted}.")


@match.behaviour
def gradient_flows(answer):
    for have, want in [((5, 5), (6, 6)), ((9, 8), (5, 4)), ((3, 10), (8, 4)), ((4, 6), (4, 6))]:
        skip = torch.rand(1, 2, *have, requires_grad=True)
        out = matched(answer, skip, want, learns=True)
        expect(out.requires_grad, "No gradient goes back through your result. Do you copy values "
               "into a new tensor, or use numpy?")
        with asking("Is something changed in place that is still needed to compute the gradient?"):
            right = all(map(agree, slopes(lambda skip, want=want: call(answer, skip, want), skip)))
        expect(right, f"From {have[0]}×{have[1]} to {want[0]}×{want[1]}, the gradient at the skip "
               "is not that of a pad or a crop. Is a part of the result detached?")


transposed_size = Exercise("4.4", "Transposed convolution by hand", "write", minutes=8, mark="deeper")


@transposed_size.behaviour
def stamps(answer):
    for h, w in [(3, 4), (5, 2), (1, 1)]:
        with asking(f"That was with x of {h}×{w}. Which of its sides gives your rows, which "
                    "your columns?"):
            out = call(answer, torch.rand(h, w), torch.rand(2, 2))
        shape(out, (2 * h, 2 * w), f"A {h}×{w} input "
              "and a 2×2 kernel with "
              "stride 2 gave {got}; wanted {wanted}: each value becomes a 2×2 stamp.")


def stamped(x, kernel):
    return F.conv_transpose2d(x[None, None], kernel[None, None], stride=2)[0, 0]


@transposed_size.behaviour
def values(answer):
    x, kernel = torch.rand(3, 5), torch.rand(2, 2)
    expect(not keeps_something(answer, x, kernel), "The same x and kernel a second time give other "
           "values. What does your function keep from one call to the next?")
    for h, w in [(1, 2), (5, 3)]:
        x, kernel = torch.randn(h, w), torch.randn(2, 2)
        got = call(answer, x, kernel)
        for other, how in [(kernel.T, "with rows and columns exchanged"),
                           (kernel.flip(0, 1), "turned by 180°")]:
            expect(not alike(got, stamped(x, other)),
                   f"Your stamps are the kernel {how}. Put it down as it is.")
        close(got, stamped(x, kernel), "The values differ from "
              "nn.ConvTranspose2d. Each value of x multiplies the whole kernel, and the stamps lie "
              "side by side.")


choose = Exercise("4.5", "Pad, crop or resize?", "choose", minutes=5, mark="classroom")
WAYS = ("pad right and bottom", "crop the centre", "crop right and bottom", "resize", "pad left and top")


@choose.behaviour
def skip_of_an_odd_size(answer):
    expect((got := word(answer, 0, WAYS)) == "pad right and bottom", f"1: not {got!r}. The skip has 101 rows, the upsampled "
           "tensor 102: the skip lacks one row. Rounding up in the pool has added it at the far end.")


@choose.behaviour
def skip_of_the_paper(answer):
    expect((got := word(answer, 1, WAYS)) == "crop the centre", f"2: not {got!r}. Here the skip is the larger one, and "
           "convolutions without padding have taken equally much from each side of the other.")


@choose.behaviour
def result_too_large(answer):
    expect((got := word(answer, 2, WAYS)) == "crop right and bottom", f"3: not {got!r}. The row and the column too "
           "many are those that were added below and at the right. Take off the same.")


@choose.behaviour
def what_not_to_do(answer):
    expect((got := word(answer, 3, WAYS)) == "resize", f"4: not {got!r}: that leaves every value that is kept as it "
           "is. Which of the five computes new values from neighbours?")


shift = Exercise("4.6", "How far does a wrong pad move?", "write", minutes=8)


def rows_moved(answer, n, pools):
    """The learner's list, a number for each level."""
    given = call(answer, n, pools)
    got = numeric(given)
    expect(got is not None and got.ndim == 1, f"Your result is {said(given)}; wanted a list with a "
           "number for each level, such as [1, 2, 0].")
    expect(len(got) == len(call(answer, n, pools)), f"For {n} rows and {pools} pools your list is "
           "longer each time that it is asked for. What is left in it from the call before?")
    expect(len(got) == pools, f"For {n} rows and {pools} pools you list {len(got)} numbers; wanted "
           f"{pools}: one for each level that has a skip. Has the bottom one?")
    return got.tolist()


@shift.behaviour
def one_for_each_level(answer):
    for n, pools in [(64, 3), (21, 1), (5, 0)]:
        rows_moved(answer, n, pools)


@shift.behaviour
def fits_on_every_level(answer):
    for n, pools in [(64, 3), (48, 4)]:
        close(rows_moved(answer, n, pools), [0] * pools, f"{n} rows and {pools} pools: every level "
              "has an even height. Is anything missing there, and is anything moved?")


@shift.behaviour
def odd_at_the_top(answer):
    for n in (5, 21, 1):
        close(rows_moved(answer, n, 1), [1], f"{n} rows and 1 pool: the height is odd, so a row of "
              "zeros is added at the top. By how many rows does that move what is below it?")


@shift.behaviour
def counts_rows_of_the_image(answer):
    got = rows_moved(answer, 12, 3)
    expect(not alike(got, [4, 0, 0]), "Your list begins at the bottom of the U. Wanted the levels "
           "from the top down: which one comes first?")
    expect(not alike(got, [0, 0, 1]), "12 rows and 3 pools: level 2 has 3 rows and is moved by one "
           "of them. How many rows of the image is that one?")
    close(got, [0, 0, 4], "12 rows and 3 pools: the levels have 12, 6 and 3 rows. Which of them "
          "get a row of zeros, and how many rows of the image is it on that level?")


@shift.behaviour
def each_level_by_itself(answer):
    for n, pools, wanted, levels in [(21, 3, [1, 2, 0], "21, 11, 6"),
                                     (101, 4, [1, 2, 0, 8], "101, 51, 26, 13"),
                                     (1, 3, [1, 2, 4], "1, 1, 1")]:
        close(rows_moved(answer, n, pools), wanted, f"{n} rows and {pools} pools: pools round up, so "
              f"the levels have {levels} rows. Which of them are odd? Each is moved by its own row "
              "alone.")


experiment = Exercise("4.7", "Which experiment answers it?", "choose", minutes=5)
EXPERIMENTS = ("cut by zeros", "cut by means", "train without", "move by a pixel")


@experiment.behaviour
def never_had_one(answer):
    expect((got := word(answer, 0, EXPERIMENTS)) == "train without", f"1: not {got!r}. That changes "
           "a network that has learnt with its skips. Which network has never had one?")


@experiment.behaviour
def beside_their_pixels(answer):
    expect((got := word(answer, 1, EXPERIMENTS)) == "move by a pixel", f"2: not {got!r}. Here all "
           "features are there, and none is changed. What alone is wrong with them?")


@experiment.behaviour
def how_much_but_not_where(answer):
    expect((got := word(answer, 2, EXPERIMENTS)) == "cut by means", f"3: not {got!r}. As much of each "
           "feature as usual is to come across. Which experiment keeps how much, and nothing else?")


@experiment.behaviour
def unplugged(answer):
    expect((got := word(answer, 3, EXPERIMENTS)) == "cut by zeros", f"4: not {got!r}. Nothing at all "
           "comes across, in a network that was trained otherwise. Which values are nothing?")
