"""Exercise 4.3 of 04_decoder_and_skip_padding: the decoder block. (04)"""

import torch
import torch.nn.functional as F

from unet_course.exercises.core import Exercise, asking, expect, times
from unet_course.exercises.nb02 import make
from unet_course.exercises.values import alike, call, shape, tensor
from unet_course.exercises.watching import agree, biases, block_of, send_back, set_norms, slopes, watch

decoder = Exercise("4.3", "Write DecoderBlock", "write", minutes=15)


def decoded(built, x, skip, channels):
    """What a block with padding=1 gives back, of the right shape."""
    out = tensor(call(built, x, skip), "Your output", learns=True)
    size = len(x), channels, 2 * x.shape[2], 2 * x.shape[3]
    return shape(out, size, f"For x {times(x.shape)} and skip {times(skip.shape)}, with "
                 f"training={built.training}, you return {{got}}; wanted {{wanted}}. In which case "
                 "does your block give another size?")


@decoder.behaviour
def right_shape(answer):
    for up in ("transpose", "bilinear"):
        with asking(f'That was with up="{up}", x 32×8×10 and skip 16×16×20. How many channels does each of your layers get?'):
            out = call(make(answer, 32, 16, 16, up=up), torch.rand(2, 32, 8, 10), torch.rand(2, 16, 16, 20))
        size = tuple(tensor(out).shape)
        expect(size != (4, 16, 16, 20), f'With up="{up}" two images have become four. Along which '
               "axis does torch.cat join?")
        expect(size != (2, 32, 16, 20), f'With up="{up}" you return 32 channels, as many as the '
               "skip and the upsampled tensor have together; wanted 16. Does the ConvBlock come "
               "last?")
        shape(out, (2, 16, 16, 20), f'With up="{up}", x 32×8×10 and skip 16×16×20 you return ' +
              "{got}; wanted {wanted}.")


@decoder.behaviour
def unequal_channels(answer):
    for up in ("transpose", "bilinear"):
        given = f'With up="{up}", in_channels=24, skip_channels=7, out_channels=10'
        question = ("Is the block sized for the skip and the upsampled tensor together, and does "
                    "torch.cat join them?")
        with asking(f"{given}. {question}"):
            out = call(make(answer, 24, 7, 10, up=up), torch.rand(1, 24, 5, 5), torch.rand(1, 7, 10, 10))
        shape(out, (1, 10, 10, 10), given + " you return {got}; wanted {wanted}. " + question)


@decoder.behaviour
def odd_skip(answer):
    for up in ("transpose", "bilinear"):
        with asking("That was with x 26×18 and a skip of 51×35. Is the skip matched to the "
                    "upsampled size?"):
            built = make(answer, 8, 4, 4, up=up)
            out = call(built, torch.rand(1, 8, 26, 18), torch.rand(1, 4, 51, 35))
        shape(out, (1, 4, 52, 36), "x 26×18 and a skip of 51×35 gave {got}; wanted {wanted}: the "
              "skip is padded to the upsampled size.")


@decoder.behaviour
def skip_is_used(answer):
    for up in ("transpose", "bilinear"):
        built = make(answer, 8, 4, 4, up=up).eval()
        x, skip = (torch.randn(1, c, n, n, requires_grad=True) for c, n in ((8, 6), (4, 12)))
        out = decoded(built, x, skip, 4)
        expect(not torch.equal(out, call(built, x, skip + 1)), "Changing the skip does not change "
               "your output. Is it concatenated?")
        expect(not torch.equal(out, call(built, x + 1, skip)), "Changing x does not change your "
               "output. Is it upsampled and concatenated?")
        send_back(out)
        for name, value in (("the skip", skip), ("x", x)):
            expect(value.grad is not None and float(value.grad.abs().sum()) > 0, "Your output "
                   f"depends on {name}, but no gradient goes back to it. Is it detached?")


def reach(built, x, skip, pixel):
    """Which rows and columns of x and of the skip one output pixel depends on: ((first, last), (first, last)) of each."""
    for values in built.parameters():
        values.data.abs_().add_(0.01).mul_(0.3)  # no ReLU is shut, and nothing grows: nothing hides
    x, skip = x.requires_grad_(), skip.requires_grad_()
    out = decoded(built.eval(), x, skip, 4)
    expect(out.requires_grad, "No gradient goes back through your output. Is something detached, or made anew?")
    gradients = torch.autograd.grad(out[..., pixel[0], pixel[1]].sum(), (x, skip), allow_unused=True)
    for gradient, name in zip(gradients, ("x", "the skip")):
        expect(gradient is not None and bool(gradient.any()), f"Output pixel {pixel} depends on no "
               f"pixel of {name}. Is {name} left out, multiplied by 0, or detached?")
    return [[(int(n.min()), int(n.max())) for n in g.abs().sum(dim=(0, 1)).nonzero().T] for g in gradients]


@decoder.behaviour
def skip_keeps_its_place(answer):
    for up in ("transpose", "bilinear"):
        built = make(answer, 8, 4, 4, up=up, norm=False)
        _, spans = reach(built, torch.rand(1, 8, 8, 8), torch.rand(1, 4, 15, 15), (7, 9))
        for what, at, (first, last) in zip(("row", "column"), (7, 9), spans):
            expect((first < at - 2) + (last > at + 2) < 2, f'With up="{up}", output {what} {at} '
                   f"depends on skip {what}s {first} to {last}; wanted {at - 2} to {at + 2}. Yours "
                   "sees farther on both sides: how many 3×3 convolutions does the skip go "
                   "through?")
            expect((first, last) == (at - 2, at + 2), f'With up="{up}", output {what} {at} depends '
                   f"on skip {what}s {first} to {last}; wanted {at - 2} to {at + 2}, two on either "
                   "side: one for each 3×3 convolution. Has the skip been moved, or resized? A "
                   "missing row or column belongs at the bottom or right.")
        _, spans = reach(built, torch.rand(1, 8, 8, 8), torch.rand(1, 4, 24, 24), (7, 9))
        expect(spans == [(9, 13), (11, 15)], f'With up="{up}", x 8×8 and a skip of 24×24, output '
               f"row 7 depends on skip rows {spans[0][0]} to {spans[0][1]}; wanted 9 to 13. Do you "
               "keep the centre of a skip that is too large?")


@decoder.behaviour
def upsampling_kind(answer):
    x, skip = torch.rand(1, 8, 5, 5), torch.rand(1, 4, 10, 10)
    for options, what in [({"up": "transpose"}, 'With up="transpose"'), ({}, "Without the argument up")]:
        seen = watch(make(answer, 8, 4, 4, **options), x, skip)
        number = len(seen.transposed)
        expect(number == 1, f"{what} your block computes {number} transposed convolutions; wanted 1.")
    seen = watch(make(answer, 8, 4, 4, up="bilinear"), x, skip)
    expect(not seen.transposed, 'With up="bilinear" there is still a transposed convolution.')
    kernels = [f"{h}×{w}" for h, w in (c.size for c in seen.plain)]
    expect(kernels.count("3×3") <= 2 and set(kernels) <= {"1×1", "3×3"}, 'With up="bilinear" your '
           f"convolutions have kernels of {', '.join(kernels)}. Wanted 1×1 behind the "
           "interpolation, then the two of the ConvBlock. What is there to mix for a convolution "
           "that only brings the channels down?")
    for up, at, (first, last), why in [
            ("transpose", 8, (3, 5), "a 2×2 kernel with stride 2 sets stamps side by side"),
            ("transpose", 9, (3, 5), "a 2×2 kernel with stride 2 sets stamps side by side"),
            ("bilinear", 8, (2, 5), "bilinear interpolation mixes neighbours; nearest copies one"),
            ("bilinear", 9, (3, 6), "bilinear interpolation mixes neighbours; nearest copies one")]:
        spans, _ = reach(make(answer, 8, 4, 4, up=up), torch.rand(1, 8, 8, 8), torch.rand(1, 4, 16, 16), (at, at))
        expect(spans == [(first, last)] * 2, f'With up="{up}", output pixel ({at}, {at}) depends on rows {spans[0][0]} to '
               f"{spans[0][1]} and columns {spans[1][0]} to {spans[1][1]} of x; wanted {first} to {last}: {why}.")


@decoder.behaviour
def concatenates_as_they_are(answer):
    for up in ("transpose", "bilinear"):
        built, x, skip = make(answer, 8, 4, 5, up=up), torch.randn(1, 8, 6, 6), torch.randn(1, 4, 12, 12)

        def joined(x, training=False):
            seen = watch(built, x, skip, training=training)
            return next((c.within(12, 12) for c in seen.plain if c.size == (3, 3)),
                        torch.zeros(1, 0, 1, 1))
        once = joined(x)
        found = [bool((once - skip[:, [c]]).abs().amax(dim=(0, 2, 3)).lt(1e-5).any()) if once.shape[2:] == skip.shape[2:]
                 else False for c in range(4)]
        expect(all(found), f"{4 - sum(found)} of the 4 channels of the skip do not reach your first 3×3 convolution as they "
               "are. torch.cat sets tensors side by side; it does not add or change them.")
        for mode in (False, True):
            none, one, two = (joined(n * x, mode) for n in (0, 1, 2))
            expect(torch.allclose(two, 2 * one - none, atol=1e-4), f'With up="{up}" and '
                   f"training={mode}, something bends the values between the upsampling and the "
                   "block. Is there a ReLU, a norm or a dropout that nobody asked for?")
        number = sum(c.size == (1, 1) for c in watch(built, x, skip).plain)
        expect(number <= (up == "bilinear"), f'With up="{up}" your block computes {number} '
               f"convolutions of 1×1; wanted {int(up == 'bilinear')}. The upsampling comes down to "
               "out_channels in one convolution. What does another one add?")


@decoder.behaviour
def leaves_the_corners_free(answer):
    """Of a ramp, each channel that is made of x is a multiple of the ramp interpolated."""
    skip, ramp = torch.zeros(1, 4, 12, 12), torch.arange(6.0).expand(1, 8, 6, 6)
    wanted = F.interpolate(ramp[:, :1], scale_factor=2, mode="bilinear", align_corners=False)[0]
    built = make(answer, 8, 4, 5, up="bilinear")
    none, got = (next(c.within(12, 12) for c in watch(built, x, skip).plain if c.size == (3, 3))[0]
                 for x in (0 * ramp, ramp))
    made = got - none
    off = made - (made * wanted).sum(dim=(1, 2), keepdim=True) / (wanted**2).sum() * wanted
    expect(float(off.abs().max()) <= 1e-3 * float(made.abs().max()), 'With up="bilinear", your upsampling stretches the '
           "picture: its corner pixels stay in the corners, and those between move by up to a quarter of a pixel of x. "
           "What does nn.Upsample do if align_corners is left out?")


@decoder.behaviour
def ends_in_a_block(answer):
    x, skip = torch.randn(2, 8, 6, 6), torch.randn(2, 4, 12, 12)
    for up in ("transpose", "bilinear"):
        for norm, mode in [(False, False), (False, True), (True, True)]:
            options = {} if norm else {"norm": False}  # the norm is there unless it is switched off
            built = make(answer, 8, 4, 5, up=up, **options).train(mode)
            silent = never_used(built, x, skip)
            expect(not silent, f"{len(silent)} parameters never take part, the first is "
                   f"{(silent or [''])[0]}. Is every layer that you make used?")
            ends_as_a_block(built, x, skip, up, norm)


def never_used(built, x, skip):
    """The names of the parameters that no gradient reaches."""
    send_back(decoded(built, x, skip, 5))
    return [name for name, p in built.named_parameters() if p.grad is None]


def ends_as_a_block(built, x, skip, up, norm):
    """Expect that what is concatenated goes through a ConvBlock, and nothing else."""
    given = f'up="{up}", norm={norm}'
    norms = watch(built, x, skip).norms
    expect(norm or not norms, f"{given}: there is still a batch norm. Hand norm on to the block.")
    wide, run = block_of(built, watch(built, x, skip).joined(), 5, x, skip)
    x, skip = 100 * x, 100 * skip  # large values, too, pass as they are
    kept = set_norms(built, wide) if norm else False
    first = next(c for c in watch(built, x, skip).plain if c.size == (3, 3))
    same = alike(decoded(built, x, skip, 5), run(first.within(12, 12), kept), 2e-3)
    expect(same or not norm or norms >= 2, f"{given}: your decoder block computes {norms} batch "
           "norms; wanted a ConvBlock at the end, with two.")
    expect(same, f"{given}: after the concatenation, your output is not what a ConvBlock gives "
           "with your weights, twice (convolution" + norm * " → norm" + " → ReLU).")
    expect(all(map(agree, slopes(built, x / 100, skip / 100))), f"{given}: the gradient at x or at "
           "the skip is not the slope of your block. Is a part of it detached?")


@decoder.behaviour
def hands_options_on(answer):
    x, skip = torch.rand(1, 8, 6, 6), torch.rand(1, 4, 12, 12)
    for up in ("transpose", "bilinear"):
        for norm in (True, False):
            built = make(answer, 8, 4, 4, up=up, padding=0, norm=norm)
            shape(call(built, torch.rand(1, 8, 10, 11), torch.rand(1, 4, 28, 30)), (1, 4, 16, 18),
                  f'With padding=0, up="{up}" and norm={norm}, x 10×11 and skip 28×30 gave '
                  "{got}; wanted {wanted}. Hand padding on to the block.")
            built = make(answer, 8, 4, 4, up=up, padding=2, norm=norm)
            shape(call(built, torch.rand(1, 8, 5, 6), torch.rand(1, 4, 10, 12)), (1, 4, 14, 16),
                  f'With padding=2, up="{up}" and norm={norm}, x 5×6 and skip 10×12 gave {{got}}; '
                  "wanted {wanted}. Is padding handed on as the number that it is?")
            seen = watch(make(answer, 8, 4, 4, up=up, norm=norm), x, skip)
            biases([c for c in seen.plain if c.size == (3, 3)], norm)
