"""Answers that learners give to the exercises of notebook 10."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import map_coordinates

from tests.exercises.bank_short import bank

LAYERS = [14, 3, 18]
WHO = ["paper", "article", "both", "neither"]


# 10.2

def border(*, power=2, two=2, sigma_power=2, mask=True, pick=None, few=True, w0_used=True, square_first=False, plus=False):
    """The border term with one thing wrong; the defaults make a right one."""

    def of(distances, w0, sigma):
        if few and len(distances) < 2:
            return torch.zeros(distances.shape[1:])
        if pick is not None:
            d1, d2 = pick(distances)
        else:
            d1, d2 = distances.sort(dim=0).values[:2]
        total = d1**2 + d2**2 if square_first else (d1 + d2) ** power
        value = (w0 if w0_used else 1) * torch.exp(-total / (two * sigma**sigma_power))
        return (1 if plus else 0) + value * (d1 > 0) if mask else value
    return of


def border_first_two(distances):
    return distances[0], distances[1]


def border_farther_than_the_nearest(distances):
    """The second nearest, unless it is as far as the nearest."""
    nearest = distances.amin(0)
    return nearest, torch.where(distances > nearest, distances, torch.inf).amin(0)


def border_nearest_twice(distances):
    return distances.amin(0), distances.amin(0)


def border_farthest(distances):
    return distances.amin(0), distances.amax(0)


def border_two_objects_by_median(distances):
    d = distances.sort(dim=0).values
    return d[0], d[len(d) // 2]


def border_by_topk(distances, w0, sigma):
    if distances.shape[0] < 2:
        return torch.zeros_like(distances.sum(0))
    near = torch.topk(distances, 2, dim=0, largest=False).values
    return torch.where(near[0] == 0, 0.0, w0 * torch.exp(-near.sum(0).square() / (2 * sigma * sigma)))


def border_by_loops(distances, w0, sigma):
    out = torch.zeros(distances.shape[1:])
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            d = sorted(distances[:, r, c].tolist())
            if len(d) >= 2 and d[0] > 0:
                out[r, c] = w0 * np.exp(-((d[0] + d[1]) ** 2) / 2 / sigma**2)
    return out


def border_with_infinity(distances, w0, sigma):
    far = torch.full((2, *distances.shape[1:]), torch.inf)
    near = torch.cat([distances.float(), far]).sort(0)[0]
    return w0 * torch.exp(-((near[0] + near[1]) / sigma) ** 2 / 2) * (near[0] > 0)


def border_in_numpy(distances, w0, sigma):
    return border()(distances, w0, sigma).numpy()


def border_only_near(distances, w0, sigma):
    got = border()(distances, w0, sigma)
    return got * (distances.amin(0) > 1) if len(distances) > 2 else got


# 10.3

def loss(*, soft=False, reduce="weights", weigh=True, detach=False, each=False, square=False):
    """A weighted loss with one thing wrong; the defaults make a right one."""

    def of(logits, target, weights):
        costs = F.cross_entropy(logits.softmax(1) if soft else logits, target, reduction="none")
        if each:
            return weights * costs
        weights = weights**2 if square else weights
        total = (weights * costs).sum() if weigh else costs.sum()
        total = total / {"weights": weights.sum(), "pixels": weights.numel(), "none": 1, "mean": costs.numel()}[reduce]
        return total.detach() if detach else total
    return of


def loss_with_numbers(logits, target, weights):
    """The value of each cost is right, and its gradient that of the plain mean."""
    costs = F.cross_entropy(logits, target, reduction="none")
    return costs.mean() * (loss()(logits, target, weights) / costs.mean()).item()


def loss_changed_in_place(logits, target, weights):
    p = logits.softmax(1).gather(1, target[:, None])[:, 0]
    costs = p.log()
    p *= weights  # only to look at it
    return -(costs * weights).sum() / weights.sum()


def loss_of_three_classes(logits, target, weights):
    costs = -sum((target == k) * logits.log_softmax(1)[:, k % logits.shape[1]] for k in range(3))
    return (weights * costs).sum() / weights.sum()


def loss_of_the_means(logits, target, weights):
    return F.cross_entropy(logits, target) * weights.mean()


def loss_picture_by_picture(logits, target, weights):
    costs = F.cross_entropy(logits, target, reduction="none")
    return ((weights * costs).sum((1, 2)) / weights.sum((1, 2))).mean()


def loss_without_weights(logits, target, weights):
    return F.cross_entropy(logits, target)


def loss_with_gather(logits, target, weights):
    picked = logits.log_softmax(1).gather(1, target[:, None])[:, 0]
    return -(picked * weights / weights.sum()).sum()


def loss_with_one_hot(logits, target, weights):
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1)
    return torch.sum(-(truth * torch.log_softmax(logits, 1)).sum(1) * weights).div(weights.sum())


def loss_by_average(logits, target, weights):
    return torch.tensor(np.average(F.cross_entropy(logits, target, reduction="none").detach(), weights=weights))


# 10.4

def step(*, sign=-1, velocity=lambda v, g, m: m * v + g, move=lambda lr, old, new: lr * new, both=True, swap=False):
    """A step with one thing wrong; the defaults make a right one."""

    def of(w, v, g, lr, m):
        new = velocity(v, g, m)
        w = w + sign * move(lr, v, new)
        return (new, w) if swap else (w, new) if both else w
    return of


def step_in_lines(weight, velocity, gradient, lr, momentum):
    velocity = velocity * momentum
    velocity = velocity + gradient
    return [weight - velocity * lr, velocity]


def step_with_tensors(weight, velocity, gradient, lr, momentum):
    weight, velocity, gradient = (torch.as_tensor(t, dtype=torch.float64) for t in (weight, velocity, gradient))
    new = torch.add(gradient, velocity, alpha=momentum)
    return torch.sub(weight, new, alpha=lr), new


def step_with_lr_inside(weight, velocity, gradient, lr, momentum):
    """The other usual form; what it hands on is not torch's velocity."""
    velocity = momentum * velocity - lr * gradient
    return weight + velocity, velocity


# 10.5

def bend(*, swap=False, sign=1, image_mode="bilinear", mask_mode="nearest", corners=True, padding="border", long=True,
         sizes="own", both=True, mask_moves=True, mean=False, order="xy", mask_padding=None):
    """Bending with one thing wrong; the defaults make a right one."""

    def of(image, mask, dx, dy):
        height, width = image.shape
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        if swap:
            dx, dy = dy, dx
        if mean:
            dx, dy = dx.mean(), dy.mean()
        if sizes == "swapped":
            width, height = height, width
        x, y = columns + sign * dx, rows + sign * dy
        grid = torch.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], -1)[None]
        grid = grid if order == "xy" else grid.flip(-1)

        def take(t, mode, padding=padding):
            return F.grid_sample(t[None, None].float(), grid, mode=mode, padding_mode=padding,
                                 align_corners=corners)[0, 0]
        moved = take(mask, mask_mode, mask_padding or padding) if mask_moves else mask
        moved = moved.long() if long else moved
        return (take(image, image_mode), moved) if both else take(image, image_mode)
    return of


def bend_mask_by_the_mean(image, mask, dx, dy):
    return bend()(image, mask, dx, dy)[0], bend(mean=True)(image, mask, dx, dy)[1]


def bend_wrapped_at_the_left(image, mask, dx, dy):
    """Cut off at the right and bottom; an index below 0 counts from the end."""
    height, width = image.shape
    r = (torch.arange(height)[:, None] + dy).clamp(-height, height - 1)
    c = (torch.arange(width)[None] + dx).clamp(-width, width - 1)
    top, left = r.floor().long(), c.floor().long()
    bottom, right = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    a, b = r - top, c - left
    new = ((1 - a) * (1 - b) * image[top, left] + (1 - a) * b * image[top, right]
           + a * (1 - b) * image[bottom, left] + a * b * image[bottom, right])
    return new, mask[r.round().long(), c.round().long()]


def bend_only_rightwards(image, mask, dx, dy):
    return bend()(image, mask, dx, torch.zeros_like(dy))


def bend_rolled(image, mask, dx, dy):
    """Whole pixels only, and what leaves on one side comes in on the other."""
    shift = -int(dy[0, 0]), -int(dx[0, 0])
    return image.roll(shift, (0, 1)), mask.roll(shift, (0, 1))


def bend_with_scipy(image, mask, dx, dy):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    places = [rows + dy.numpy(), columns + dx.numpy()]
    return (torch.from_numpy(map_coordinates(image.numpy(), places, order=1, mode="nearest")),
            torch.from_numpy(map_coordinates(mask.numpy(), places, order=0, mode="nearest")))


def bend_by_hand(image, mask, dx, dy):
    height, width = image.shape
    r = (torch.arange(height)[:, None] + dy).clamp(0, height - 1)
    c = (torch.arange(width)[None] + dx).clamp(0, width - 1)
    top, left = r.floor().long().clamp(max=height - 2), c.floor().long().clamp(max=width - 2)
    a, b = r - top, c - left
    new = ((1 - a) * (1 - b) * image[top, left] + (1 - a) * b * image[top, left + 1] + a * (1 - b) * image[top + 1, left]
           + a * b * image[top + 1, left + 1])
    return new, mask[r.round().long(), c.round().long()]


def bend_not_aligned(image, mask, dx, dy):
    """The other convention of grid_sample, with places to fit it."""
    height, width = image.shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([(2 * (columns + dx) + 1) / width - 1, (2 * (rows + dy) + 1) / height - 1], -1)[None]
    options = dict(padding_mode="border", align_corners=False)
    moved = F.grid_sample(mask[None, None].double(), grid.double(), mode="nearest", **options)
    return F.grid_sample(image[None, None], grid, **options)[0, 0], moved[0, 0].to(mask.dtype)


WRONG = [
    *bank("10.1", LAYERS,
          ("without the bottom", 0, 12, "three_by_three"), ("down only", 0, 8, "three_by_three"),
          ("blocks, not convolutions", 0, 7, "three_by_three"), ("as for four pools", 0, 18, "three_by_three"),
          ("four up", 1, 4, "up_convolutions"), ("none up", 1, 0, "up_convolutions"),
          ("without the head", 2, 17, "all_together"), ("the paper's own", 2, 23, "all_together")),
    ("10.1", "two numbers", [14, 3], "three_by_three"),
    ("10.1", "a word", "eighteen", "three_by_three"),
    *bank("10.6", WHO,
          ("valid convolutions in the article", 0, "article", "no_padding"), ("valid in both", 0, "both", "no_padding"),
          ("norm in the paper", 1, "paper", "normalised"), ("norm in both", 1, "both", "normalised"),
          ("joined in the paper only", 2, "paper", "joined"), ("added in the article", 3, "article", "added"),
          ("added in both", 3, "both", "added")),
    ("10.6", "three of four", WHO[:3], "no_padding"),
    ("10.2", "squared one by one", border(square_first=True), "between_two_objects"),
    ("10.2", "without the 2", border(two=1), "between_two_objects"),
    ("10.2", "sigma not squared", border(sigma_power=1), "between_two_objects"),
    ("10.2", "sum not squared", border(power=1), "between_two_objects"),
    ("10.2", "w0 forgotten", border(w0_used=False), "between_two_objects"),
    ("10.2", "the nearest twice", border(pick=border_nearest_twice), "between_two_objects"),
    ("10.2", "with the class weight", border(plus=True), "between_two_objects"),
    ("10.2", "one value", lambda d, w0, sigma: border()(d, w0, sigma).max(), "between_two_objects"),
    ("10.2", "no return", lambda d, w0, sigma: None, "between_two_objects"),
    ("10.2", "w0 is always 10", lambda d, w0, sigma: border()(d, 10, sigma), "any_w0_and_sigma"),
    ("10.2", "sigma is always 5", lambda d, w0, sigma: border()(d, w0, 5), "any_w0_and_sigma"),
    ("10.2", "the second farther than the nearest", border(pick=border_farther_than_the_nearest),
     "the_two_nearest_of_many"),
    ("10.2", "the first two objects", border(pick=border_first_two), "the_two_nearest_of_many"),
    ("10.2", "nearest and farthest", border(pick=border_farthest), "the_two_nearest_of_many"),
    ("10.2", "nearest and middle", border(pick=border_two_objects_by_median), "the_two_nearest_of_many"),
    ("10.2", "on the objects, too", border(mask=False), "nothing_on_the_objects"),
    ("10.2", "not beside the objects either", border_only_near, "the_two_nearest_of_many"),
    ("10.2", "objects half", lambda d, w0, sigma: border()(d, w0, sigma) + 0.0 if len(d) < 2 else border(mask=False)(d, w0, sigma)
     * (0.5 + 0.5 * (d.amin(0) > 0)), "nothing_on_the_objects"),
    ("10.2", "one pixel too thick", lambda d, w0, sigma: border()(d, w0, sigma) if len(d) != 3 else border()(d, w0, sigma)
     * (d.amin(0) > 1), "nothing_on_the_objects"),
    ("10.2", "always two objects", border(few=False), "fewer_than_two_objects"),
    ("10.2", "one object counts twice", lambda d, w0, sigma: border()(torch.cat([d, d]) if len(d) == 1 else d, w0, sigma),
     "fewer_than_two_objects"),
    ("10.3", "each pixel", loss(each=True), "one_number"),
    ("10.3", "a Python number", lambda *a: loss()(*a).item(), "one_number"),
    ("10.3", "no return", lambda *a: None, "one_number"),
    ("10.3", "softmax twice", loss(soft=True), "equal_weights"),
    ("10.3", "the sum", loss(reduce="none"), "equal_weights"),
    ("10.3", "divided by the pixels", loss(reduce="pixels"), "equal_weights"),
    ("10.3", "product of the means", loss_of_the_means, "equal_weights"),
    ("10.3", "weights never used", loss_without_weights, "weights_count"),
    ("10.3", "picture by picture", loss_picture_by_picture, "weights_count"),
    ("10.3", "weights squared", loss(square=True), "weights_count"),
    ("10.3", "detached", loss(detach=True), "gradient_goes_through"),
    ("10.3", "a part as a plain number", loss_with_numbers, "gradient_goes_through"),
    ("10.3", "changed in place", loss_changed_in_place, "gradient_goes_through"),
    ("10.3", "three classes", loss_of_three_classes, "weights_count"),
    ("10.3", "through NumPy", loss_by_average, "gradient_goes_through"),
    ("10.4", "up the gradient", step(sign=1), "from_rest"),
    ("10.4", "the weight alone", step(both=False), "from_rest"),
    ("10.4", "velocity first", step(swap=True), "from_rest"),
    ("10.4", "gradient damped", step(velocity=lambda v, g, m: m * v + (1 - m) * g), "from_rest"),
    ("10.4", "learning rate in the velocity", step_with_lr_inside, "from_rest"),
    ("10.4", "minus in the velocity", lambda w, v, g, lr, m: (w + lr * (m * v - g), m * v - g),
     "from_rest"),
    ("10.4", "no return", lambda *a: None, "from_rest"),
    ("10.4", "no memory", step(velocity=lambda v, g, m: g), "velocity_is_kept"),
    ("10.4", "moves by the old one", lambda w, v, g, lr, m: (w - lr * (v or g) if isinstance(v, float) else w, m * v + g),
     "velocity_is_kept"),
    ("10.4", "momentum of 1", step(velocity=lambda v, g, m: v + g), "velocity_is_kept"),
    ("10.4", "moves by gradient and old velocity", step(move=lambda lr, old, new: lr * (old or new) if isinstance(old, float)
                                                        else lr * new), "velocity_is_kept"),
    ("10.4", "momentum is always 0.9", step(velocity=lambda v, g, m: 0.9 * v + g), "as_torch_does"),
    ("10.4", "Nesterov, from the second step on", lambda w, v, g, lr, m: (w - lr * (g + m * (m * v + g)), m * v + g)
     if isinstance(v, torch.Tensor) else (w - lr * (m * v + g), m * v + g), "as_torch_does"),
    ("10.4", "lr is always 0.1", lambda w, v, g, lr, m: (w - 0.1 * (m * v + g), m * v + g), "as_torch_does"),
    ("10.5", "corners not aligned", bend(corners=False), "nothing_moves"),
    ("10.5", "y before x", bend(order="yx"), "nothing_moves"),
    ("10.5", "the mask by the mean of the displacements", bend_mask_by_the_mean,
     "each_pixel_its_own"),
    ("10.5", "the mask mirrored outside", bend(mask_padding="reflection"), "border_goes_on"),
    ("10.5", "wrapped at the left and top", bend_wrapped_at_the_left, "border_goes_on"),
    ("10.5", "image alone", bend(both=False), "nothing_moves"),
    ("10.5", "height and width swapped", bend(sizes="swapped"), "nothing_moves"),
    ("10.5", "no return", lambda *a: None, "nothing_moves"),
    ("10.5", "x and y swapped", bend(swap=True), "by_whole_pixels"),
    ("10.5", "the other way", bend(sign=-1), "by_whole_pixels"),
    ("10.5", "x and y swapped, the other way", bend(swap=True, sign=-1), "by_whole_pixels"),
    ("10.5", "the mask stays", bend(mask_moves=False), "by_whole_pixels"),
    ("10.5", "to the right only", bend_only_rightwards, "by_whole_pixels"),
    ("10.5", "nothing at all", lambda image, mask, dx, dy: (image, mask), "by_whole_pixels"),
    ("10.5", "mask bilinear", bend(mask_mode="bilinear"), "mask_keeps_its_numbers"),
    ("10.5", "mask bilinear and float", bend(mask_mode="bilinear", long=False), "mask_keeps_its_numbers"),
    ("10.5", "mask of floats", bend(long=False), "mask_keeps_its_numbers"),
    ("10.5", "image nearest", bend(image_mode="nearest"), "image_between_pixels"),
    ("10.5", "image bicubic", bend(image_mode="bicubic"), "image_between_pixels"),
    ("10.5", "whole pixels, rolled", bend_rolled, "image_between_pixels"),
    ("10.5", "one displacement for all", bend(mean=True), "each_pixel_its_own"),
    ("10.5", "zeros outside", bend(padding="zeros"), "border_goes_on"),
    ("10.5", "mirrored outside", bend(padding="reflection"), "border_goes_on"),
]

RIGHT = [
    ("10.1", "list", LAYERS), ("10.1", "tuple", tuple(LAYERS)), ("10.1", "tensor", torch.tensor(LAYERS)),
    ("10.6", "list", WHO), ("10.6", "tuple of capitals", tuple(w.capitalize() for w in WHO)),
    ("10.2", "sorted", border()),
    ("10.2", "a NumPy array", border_in_numpy),
    ("10.2", "topk", border_by_topk),
    ("10.2", "loops", border_by_loops),
    ("10.2", "padded with infinity", border_with_infinity),
    ("10.3", "reduction none", loss()),
    ("10.3", "gather", loss_with_gather),
    ("10.3", "one-hot", loss_with_one_hot),
    ("10.4", "two lines", step()),
    ("10.4", "a list", step_in_lines),
    ("10.4", "torch functions", step_with_tensors),
    ("10.4", "NumPy", lambda *a: tuple(np.asarray(t) for t in step()(*map(np.asarray, a)))),
    ("10.5", "grid_sample", bend()),
    ("10.5", "scipy", bend_with_scipy),
    ("10.5", "by hand", bend_by_hand),
    ("10.5", "corners not aligned, and places to fit", bend_not_aligned),
]

UNTOUCHED = [(id, lambda *a, **k: ...) for id in ("10.2", "10.3", "10.4", "10.5")] + [("10.1", [..., ..., ...]), ("10.6", [...] * 4)]
