"""Exercises of 10_the_paper. (10)"""

import math

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, asking, expect, said
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import alike, call, close, shape, tensor

layers = Exercise("10.1", "Count the layers", "predict", minutes=5, mark="classroom")


def counted(answer, place):
    return number(several(answer, 3, "[10, 2, 13]")[place], f"Number {place + 1}")


@layers.behaviour
def three_by_three(answer):
    got = counted(answer, 0)
    expect(got != 12, "1: you count 12 convolutions of 3×3. Is the block at the bottom among them?")
    expect(got != 8, "1: you count 8 convolutions of 3×3. That is the way down; the way up has blocks, too.")
    expect(got != 7, "1: you count 7 blocks. How many convolutions are in each?")
    expect(got == 14, f"1: you count {got:g} convolutions of 3×3. With three pools there are four blocks down to the bottom, "
           "and one on each level on the way up. How many convolutions does a block have?")


@layers.behaviour
def up_convolutions(answer):
    got = counted(answer, 1)
    expect(got == 3, f"2: you count {got:g} up-convolutions. How many times is the size halved on the way down? As often it "
           "is doubled on the way up.")


@layers.behaviour
def all_together(answer):
    got = counted(answer, 2)
    expect(got != 17, "3: you count 17. One more follows at the very end: what makes scores out of the 64 channels?")
    expect(got == 18, f"3: you count {got:g} layers in all. Add up the 3×3, the up-convolutions, and the one at the very end.")


border = Exercise("10.2", "The border term", "write", minutes=10)


def to_points(points, size=(24, 32)):
    """Distances of each pixel to each of some points, (K, H, W)."""
    rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in size), indexing="ij")
    found = [torch.hypot(rows - r, columns - c) for r, c in points]
    return torch.stack(found) if found else torch.zeros(0, *size, dtype=torch.float64)


def to_border(distances, w0, sigma):
    if len(distances) < 2:
        return torch.zeros(distances.shape[1:], dtype=torch.float64)
    d1, d2 = distances.double().sort(dim=0).values[:2]
    return w0 * torch.exp(-((d1 + d2) ** 2) / (2 * sigma**2)) * (d1 > 0)


def term(answer, distances, w0=10.0, sigma=5.0):
    got = tensor(call(answer, distances, w0, sigma))
    shape(got, distances.shape[1:], "For distances of K×H×W you return {got}; wanted one value for each pixel, {wanted}.")
    return got


@border.behaviour
def between_two_objects(answer):
    distances = torch.tensor([[[1.0, 2, 3, 6]], [[4.0, 3, 2, 7]]])
    got, right = term(answer, distances), to_border(distances, 10, 5)
    for other, why in [(10 * torch.exp(-((distances**2).sum(0)) / 50), "Are the distances squared one by one? The formula "
                        "adds them first and then squares the sum."),
                       (10 * torch.exp(-(distances.sum(0) ** 2) / 25), "Is there a 2 missing under the line?"),
                       (10 * torch.exp(-(distances.sum(0) ** 2) / 10), "Under the line stands the square of sigma."),
                       (10 * torch.exp(-distances.sum(0) / 50), "The sum of the distances is squared."),
                       (10 * torch.exp(-((2 * distances.amin(0)) ** 2) / 50), "You take the nearest object twice. Which "
                        "distance says how wide the gap is?"),
                       (torch.exp(-(distances.sum(0) ** 2) / 50), "Where does w0 come in?")]:
        expect(not torch.allclose(got.double(), other.double(), atol=1e-4), f"Distances 1 and 4, w0 = 10, sigma = 5: you get "
               f"{got.flatten()[0]:.4g}, wanted {right.flatten()[0]:.4g}. {why}")
    expect(torch.allclose(got.double(), right, atol=1e-4), f"Distances 1 and 4, w0 = 10, sigma = 5: you get "
           f"{got.flatten()[0]:.4g}, wanted 10 · exp(-(1 + 4)² / (2 · 5²)) = {right.flatten()[0]:.4g}.")


@border.behaviour
def any_w0_and_sigma(answer):
    for w0, sigma in [(3.0, 5.0), (10.0, 2.0), (0.5, 9.0)]:
        distances = to_points([(12, 5), (12, 16)]) + 1
        expect(torch.allclose(term(answer, distances, w0, sigma).double(), to_border(distances, w0, sigma), atol=1e-4),
               f"With w0 = {w0:g} and sigma = {sigma:g} your values are not those of the formula. Are both used as they come?")


@border.behaviour
def the_two_nearest_of_many(answer):
    distances = to_points([(3, 3), (20, 28), (5, 12), (18, 8), (12, 20)]) + 1
    expect(torch.allclose(term(answer, distances).double(), to_border(distances, 10, 5), atol=1e-4), "With five objects your "
           "values differ. At each pixel only the nearest and the second nearest count, and which ones these are changes from "
           "pixel to pixel.")
    distances = torch.tensor([7.0, 3, 3]).reshape(3, 1, 1).expand(3, 2, 3)
    close(term(answer, distances), to_border(distances, 10, 5),
          "Of three objects two are 3 pixels away and one 7. Nearest and second nearest may be "
          "equally far: which two distances do you add?", 1e-4)


@border.behaviour
def nothing_on_the_objects(answer):
    distances = to_points([(4, 4), (8, 9), (16, 20)])
    got = term(answer, distances)
    inside = distances.amin(0) == 0
    expect(bool((got[inside] == 0).all()), f"On an object itself (distance 0) you add {got[inside].max():.3g}. The border "
           "term is for background pixels; objects get none.")
    expect(torch.allclose(got.double(), to_border(distances, 10, 5), atol=1e-4), "Next to an object your values differ. Only "
           "where the distance to the nearest object is exactly 0 nothing is added.")


@border.behaviour
def fewer_than_two_objects(answer):
    for points in ([], [(4, 4)]):
        with asking("A picture may hold one object, or none. How wide is a gap that has nothing on its other side?"):
            got = term(answer, to_points(points))
        expect(bool((got == 0).all()),
               "With fewer than two objects there is no gap, so nothing is added: wanted zeros. "
               f"The number of objects was {len(points)}.")


leaves_alone(border, lambda: [(to_points([(3, 3), (20, 28), (5, 12)]), 10.0, 5.0)])


weighted = Exercise("10.3", "A weight for each pixel", "write", minutes=8)


def sample(pictures=2, classes=3, height=5, width=4):
    size = pictures, height, width
    return (2 * torch.randn(pictures, classes, height, width), torch.randint(0, classes, size),
            0.5 + 9 * torch.rand(size))


def to_loss(logits, target, weights):
    return (weights * F.cross_entropy(logits, target, reduction="none")).sum() / weights.sum()


def cost(answer, logits, target, weights):
    """The learner's loss: one number."""
    got = tensor(call(answer, logits, target, weights), "Your loss", learns=True)
    expect(got.numel() == 1, f"Your function returns {got.numel()} numbers for the batch; wanted "
           "one. Which sum makes one of them?")
    return got


@weighted.behaviour
def one_number(answer):
    cost(answer, *sample())


@weighted.behaviour
def equal_weights(answer):
    logits, target, _ = sample()
    plain = F.cross_entropy(logits, target)
    for value in (1.0, 4.0):
        got = cost(answer, logits, target, torch.full((2, 5, 4), value))
        expect(not math.isclose(float(got), float(plain * 40 * value), rel_tol=1e-3), "You return the sum over all pixels. A "
               "sum grows with the picture; divide by the sum of the weights.")
        first = F.cross_entropy(logits[:1], target[:1])
        expect(alike(got, plain, 1e-4) or not alike(got, first, 1e-4), f"All weights are "
               f"{value:g}: wanted {plain:.3g}, you get {first:.3g}, the loss of the first picture "
               "alone. Does every picture of the batch count?")
        close(got, plain, f"All weights are {value:g}: wanted the plain cross-entropy, {{wanted}}, you get {{got}}. The "
              "softmax is inside F.cross_entropy, and the sum is divided by the sum of the weights.", tolerance=1e-4)


@weighted.behaviour
def weights_count(answer):
    for size in [(2, 3, 5, 4), (1, 6, 3, 8)]:
        logits, target, weights = sample(*size)
        got, plain = cost(answer, logits, target, weights), F.cross_entropy(logits, target)
        expect(not math.isclose(float(got), float(plain), rel_tol=1e-4), "Your loss does not depend on the weights. "
               'Cross-entropy gives a cost for each pixel with reduction="none"; multiply before you add up.')
        wanted = to_loss(logits, target, weights)
        apart = torch.stack([to_loss(*(part[[i]] for part in (logits, target, weights)))
                             for i in range(len(logits))]).mean()
        expect(alike(got, wanted, 1e-4) or not alike(got, apart, 1e-4), f"For random weights: "
               f"wanted {wanted:.4g}, you get {apart:.4g}. Do you divide each picture by its own "
               "weights? Wanted one sum over all pictures, divided by one sum of all weights.")
        close(got, wanted, "For random weights: wanted {wanted}, you get {got}. Each pixel's cost "
              "times its weight, added up, divided by the sum of the weights.", tolerance=1e-4)


@weighted.behaviour
def gradient_goes_through(answer):
    logits, target, weights = sample()
    logits.requires_grad_()
    got = cost(answer, logits, target, weights)
    expect(got.requires_grad, "No gradient can go back through your result. Is it still a "
           "tensor that was computed from the logits, without item(), detach() or NumPy?")
    with asking("That was in the backward pass. Is a tensor changed in place after it was used?"):
        (gradient,) = torch.autograd.grad(got.sum(), logits)
    (wanted,) = torch.autograd.grad(to_loss(logits, target, weights), logits)
    close(gradient, wanted, "The value of your loss is right, its gradient is not. Which part of "
          "it is detached, or a plain number?", 1e-4)


leaves_alone(weighted, lambda: [sample()])


momentum = Exercise("10.4", "One step with momentum", "write", minutes=8)


def stepped(answer, *arguments):
    got = call(answer, *arguments)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, f"Your answer is {said(got)}; wanted two things: "
           "the new weight and the new velocity.")
    return got


@momentum.behaviour
def from_rest(answer):
    weight, velocity = stepped(answer, 1.0, 0.0, 2.0, 0.1, 0.5)
    case = "Weight 1, velocity 0, gradient 2, lr 0.1, momentum 0.5"
    expect(not (alike(weight, 2.0) and alike(velocity, 0.8)),
           f"{case}: you return 2 and 0.8. Which of the two is the weight? It comes first.")
    expect(not alike(weight, 1.2), f"{case}: the weight goes up to 1.2. Down the gradient means "
                                   "minus.")
    for value, why in [
            (0.2, "Is the learning rate in it? It comes in only where the weight moves."),
            (-0.2, "Are the learning rate and the minus in it? They come in only where the weight "
                   "moves."),
            (-2.0, "The minus comes in only where the weight moves."),
            (1.0, "Is the gradient multiplied by 1 - momentum? It is added as it is.")]:
        expect(not alike(velocity, value),
               f"{case}: the new velocity is 2, you get {value:g}. {why}")
    close(velocity, 2.0, f"{case}: " + "the new velocity is {wanted}, you get {got}. Velocity is "
          "momentum times the old one, plus the gradient.")
    expect(not alike(weight, 1.0), f"{case}: the weight goes to 0.8, yours stays at 1. Does it "
           "move by the old velocity, or by the new one?")
    close(weight, 0.8, f"{case}: " + "the weight goes to {wanted}, yours to {got}.")


@momentum.behaviour
def velocity_is_kept(answer):
    weight, velocity = stepped(answer, 1.0, 5.0, 0.0, 0.1, 0.9)
    expect(not alike(velocity, 0.0), "The velocity was 5, the gradient is 0, and your new velocity "
           "is 0. Nine tenths of it should be left.")
    close(velocity, 4.5, "Velocity 5, gradient 0, momentum 0.9: wanted {wanted}, you get {got}.")
    expect(not alike(weight, 0.5),
           "You move by the old velocity. Update it first, then move by the new one.")
    close(weight, 0.55, "Velocity 5, gradient 0, momentum 0.9, lr 0.1: the weight goes from 1 to {wanted}, you get {got}. The "
          "step is the learning rate times the new velocity.")


@momentum.behaviour
def as_torch_does(answer):
    for lr, factor in [(0.01, 0.99), (0.3, 0.5), (0.1, 0.0)]:
        p = torch.nn.Parameter(torch.randn(4, dtype=torch.float64))
        optimiser = torch.optim.SGD([p], lr=lr, momentum=factor)
        mine, velocity = p.detach().clone(), torch.zeros(4, dtype=torch.float64)
        for _ in range(5):
            p.grad = torch.randn(4, dtype=torch.float64)
            mine, velocity = stepped(answer, mine, velocity, p.grad, lr, factor)
            optimiser.step()
        close(mine, p.detach(), f"After five steps with lr {lr:g} and momentum {factor:g} your weights are not those of "
              "torch.optim.SGD. Does the new velocity go into the next step as it is, without the learning rate in it?")


leaves_alone(momentum, lambda: [(*torch.rand(3, 4), 0.1, 0.9)])


who = Exercise("10.6", "Article or paper", "choose", minutes=5, mark="classroom")
WHO = ("paper", "article", "both", "neither")


@who.behaviour
def no_padding(answer):
    expect((got := word(answer, 0, WHO)) == "paper", f"1: not {got!r}. Which of the two gives back 388 pixels for 572, and "
           "which has a padding of 1?")


@who.behaviour
def normalised(answer):
    expect((got := word(answer, 1, WHO)) == "article", f"2: not {got!r}. Batch norm was published in the same year as U-Net. "
           "Which of the two could take it for granted?")


@who.behaviour
def joined(answer):
    expect((got := word(answer, 2, WHO)) == "both", f"3: not {got!r}. Does either of them do without the doubled channels "
           "after the skip?")


@who.behaviour
def added(answer):
    expect((got := word(answer, 3, WHO)) == "neither", f"4: not {got!r}. A sum leaves the number of channels as it is. What "
           "do the decoder blocks of both get?")


deform = Exercise("10.5", "Bend image and mask", "write", minutes=15, mark="deeper")


def bent(answer, image, mask, dx, dy):
    with asking("image, mask, dx and dy are (H, W). grid_sample wants axes for batch and channel, and floats."):
        got = call(answer, image, mask, dx, dy)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, f"Your answer is {said(got)}; wanted two things: "
           "the new image and the new mask.")
    return [shape(value, image.shape, f"The new {what} is {{got}}; wanted {{wanted}}, as it came.",
                  f"The new {what}")
            for value, what in zip(got, ("image", "mask"))]


def still(height=11, width=14):
    image = torch.rand(height, width)
    return image, torch.randint(0, 5, (height, width)), torch.zeros(height, width), torch.zeros(height, width)


def same_places(moved, mask):
    """Labels at their places; a mask that was blended and cut off is wrong by one, and is told so later."""
    return bool(((moved - mask).abs() <= 1).all())


@deform.behaviour
def nothing_moves(answer):
    image, mask, dx, dy = still(12, 12)
    new, moved = bent(answer, image, mask, dx, dy)
    expect(not (alike(new, mask) and alike(moved, image, 1e-4)), "All displacements are 0, and "
           "what you return first is the mask. Wanted the image first, then the mask.")
    expect(not alike(new, image.T, 1e-4),
           "All displacements are 0, and rows have become columns. In the last axis of its grid, "
           "grid_sample wants x before y: which of the two is the column?")
    expect(alike(new, image, 1e-4), "All displacements are 0, and still the image is another "
           "one. grid_sample's places run from -1 to 1: with align_corners=True, -1 and 1 are the centres of the outermost "
           "pixels.")
    image, mask, dx, dy = still()
    new, moved = bent(answer, image, mask, dx, dy)
    expect(alike(new, image, 1e-4),
           "All displacements are 0. A square image stays, one of 11×14 does not. By what do you "
           "divide the column, and by what the row?")
    expect(same_places(moved, mask), "All displacements are 0, and still the mask is another one.")


@deform.behaviour
def by_whole_pixels(answer):
    image, mask, dx, dy = still()
    new, moved = bent(answer, image, mask, dx + 3, dy)
    expect(not alike(new[3:], image[:-3], 1e-3), "dx is to the right; you move down.")
    expect(not alike(new[:-3], image[3:], 1e-3),
           "dx is along the columns, to the right; you use it for the rows.")
    expect(not alike(new[:, 3:], image[:, :-3], 1e-3), "dx = 3: each pixel takes its value from 3 "
           "pixels to its right. Yours takes it from the left.")
    expect(alike(new[:, :-3], image[:, 3:], 1e-3),
           "dx = 3 everywhere: the pixel in row r and column c takes its value from row r, column "
           "c + 3. Yours does not.")
    expect(same_places(moved[:, :-3], mask[:, 3:]),
           "dx = 3 moves your image, but the mask is not moved alike.")
    new, moved = bent(answer, image, mask, dx, dy - 2)
    expect(alike(new[2:], image[:-2], 1e-3) and same_places(moved[2:], mask[:-2]),
           "dy = -2 everywhere: the pixel in row r takes its value from row r - 2, in the image "
           "and in the mask. Yours does not.")


@deform.behaviour
def mask_keeps_its_numbers(answer):
    image, _, dx, dy = still()
    mask = torch.zeros(11, 14, dtype=torch.int64)
    mask[3:8, 4:10] = 200
    _, moved = bent(answer, image, mask, dx + 0.4, dy - 0.3)
    expect(not moved.is_floating_point(), f"The new mask has dtype {moved.dtype}; wanted whole numbers, as it came: .long() "
           "at the end.")
    expect(set(moved.unique().tolist()) <= {0, 200}, f"A mask of 0 and 200 has now the values {moved.unique().tolist()[:5]}. "
           "Between two labels there is none: which mode of grid_sample takes the nearest?")
    expect(bool((moved == mask).all()), "Displacements of 0.4 and -0.3 pixels move your mask. The nearest pixel is still the "
           "old one.")


@deform.behaviour
def image_between_pixels(answer):
    image, mask, dx, dy = still()
    new, _ = bent(answer, image, mask, dx + 0.25, dy)
    expect(torch.allclose(new[:, :-1].float(), 0.75 * image[:, :-1] + 0.25 * image[:, 1:], atol=1e-3), "dx = 0.25: wanted "
           "three quarters of the pixel and a quarter of its right neighbour (bilinear). Yours is something else.")


@deform.behaviour
def each_pixel_its_own(answer):
    image, mask, _, _ = still(16, 21)
    dx, dy = 2 * torch.rand(16, 21) - 1, 2 * torch.rand(16, 21) - 1
    new, moved = bent(answer, image, mask, dx, dy)
    rows, columns = np.mgrid[:16, :21]
    r, c = rows + dy.numpy(), columns + dx.numpy()
    inside = (r >= 0) & (r <= 15) & (c >= 0) & (c <= 20)
    r0, c0 = np.clip(np.floor(r), 0, 14).astype(int), np.clip(np.floor(c), 0, 19).astype(int)
    a, b, i = r - r0, c - c0, image.numpy()
    wanted = (1 - a) * ((1 - b) * i[r0, c0] + b * i[r0, c0 + 1]) + a * ((1 - b) * i[r0 + 1, c0] + b * i[r0 + 1, c0 + 1])
    right = np.abs(new.detach().numpy() - wanted)[inside].max() < 1e-2
    even = bent(answer, image, mask, 0 * dx + dx.mean(), 0 * dy + dy.mean())[0]
    expect(right or not alike(new, even, 1e-4), "With another displacement at each pixel, every "
           "pixel of yours is moved alike, by their mean. Does each take its own dx and dy?")
    expect(right, "With another displacement at each pixel your image "
           "differs from bilinear interpolation. Height and width are not equal here: is each used for its own axis?")
    # Halfway between two pixels rounding decides which one is nearer.
    clear = inside & (np.abs(r % 1 - 0.5) > 0.01) & (np.abs(c % 1 - 0.5) > 0.01)
    nearest = mask.numpy()[np.rint(r).astype(int).clip(0, 15), np.rint(c).astype(int).clip(0, 20)]
    expect(alike(moved.numpy()[clear], nearest[clear]),
           "With another displacement at each pixel your image moves as it should, and your mask "
           "does not. Do both use the same grid?")


@deform.behaviour
def border_goes_on(answer):
    image, mask, dx, dy = still()
    for right, down in [(4, -50), (-5, 3)]:
        new, moved = bent(answer, image + 1, mask + 1, dx + right, dy + down)
        expect(float(new.min()) > 0.99 and int(moved.min()) > 0,
               "From outside of the image come zeros. Wanted the nearest pixel of the border: "
               'padding_mode="border".')
        rows = (torch.arange(11) + down).clamp(0, 10)
        columns = (torch.arange(14) + right).clamp(0, 13)
        for got, old, what in [(new, image + 1, "image"), (moved, mask + 1, "mask")]:
            expect(alike(got, old[rows][:, columns], 1e-3),
                   f"dx = {right} and dy = {down} everywhere: what your {what} fetches from "
                   "outside should be the nearest pixel of the border; yours is another one.")


leaves_alone(deform, lambda: [(*still()[:2], *torch.rand(2, 11, 14))])
