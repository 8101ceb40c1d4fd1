"""Answers that learners give to exercise 2.7, whether a function adds up."""

import numpy as np
import torch


def pair():
    return torch.randn(1, 1, 9, 9), torch.randn(1, 1, 9, 9)


def near(a, b):
    return bool((a - b).abs().max() < 1e-3)


def trying(images=pair, same=near, tries=3):
    """An answer that draws pairs of images and compares f(x + y) with f(x) + f(y); the defaults make a right one."""
    def adds_up(f):
        return all(same(f(x + y), f(x) + f(y)) for x, y in (images() for _ in range(tries)))
    return adds_up


def opposites():
    x = torch.randn(1, 1, 9, 9)
    return x, -x


def the_same_twice():
    x = torch.randn(1, 1, 9, 9)
    return x, x


def not_negative():
    return torch.rand(1, 1, 9, 9), torch.rand(1, 1, 9, 9)


def of_means(f):
    x, y = pair()
    return near(f((x + y) / 2), (f(x) + f(y)) / 2)


def nothing_at_nothing(f):
    return near(f(torch.zeros(1, 1, 9, 9)), torch.zeros(()))


def doubles(f):
    x, _ = pair()
    return near(f(2 * x), 2 * f(x)) and near(f(-x), -f(x))


def turned_round(f):
    x, y = pair()
    return not near(f(x + y), f(x) + f(y))


def to_numpy(f):
    x, y = (image.numpy() for image in pair())
    f_of = lambda image: f(torch.from_numpy(image)).numpy()  # noqa: E731
    return np.allclose(f_of(x + y), f_of(x) + f_of(y), atol=1e-4)


def one_by_one(f):
    for _ in range(10):
        x, y = pair()
        together, apart = f(x + y).flatten(), (f(x) + f(y)).flatten()
        for a, b in zip(together, apart):
            if abs(a - b) > 1e-3:
                return False
    return True


def by_pixels(f):
    """Each image is a sum of single bright pixels."""
    x, _ = pair()
    found = torch.zeros_like(f(x))
    for place in range(81):
        lit = torch.zeros(81)
        lit[place] = x.flatten()[place]
        found = found + f(lit.reshape(1, 1, 9, 9))
    return near(found, f(x))


WRONG = [
    ("2.7", "always False", lambda f: False, "convolutions_add_up"),
    ("2.7", "always True", lambda f: True, "convolutions_add_up"),
    ("2.7", "no rounding allowed", trying(same=lambda a, b: torch.equal(a, b)), "convolutions_add_up"),
    ("2.7", "turned round", turned_round, "convolutions_add_up"),
    ("2.7", "the difference itself", lambda f: (f(pair()[0]) * 0).sum(), "convolutions_add_up"),
    ("2.7", "flat images", trying(lambda: (torch.rand(9, 9), torch.rand(9, 9))), "convolutions_add_up"),
    ("2.7", "whole numbers", trying(lambda: (torch.ones(1, 1, 9, 9).long(), torch.ones(1, 1, 9, 9).long())), "convolutions_add_up"),
    ("2.7", "a number", trying(lambda: (1.0, 2.0)), "convolutions_add_up"),
    ("2.7", "nothing below 0", trying(not_negative), "a_relu_does_not"),
    ("2.7", "only the image of zeros", nothing_at_nothing, "a_relu_does_not"),
    ("2.7", "only calls it", lambda f: bool(f(pair()[0]).isfinite().all()), "a_relu_does_not"),
    ("2.7", "single bright pixels", by_pixels, "a_relu_does_not"),
    ("2.7", "the same image twice", trying(the_same_twice), "a_relu_does_not"),
    ("2.7", "an image and its negative", trying(opposites), "any_two_images"),
    ("2.7", "doubles and opposites", doubles, "any_two_images"),
    ("2.7", "small values", trying(lambda: [0.2 * image.clamp(-1, 1) for image in pair()]), "large_values_too"),
    ("2.7", "means", of_means, "a_bias_counts"),
    ("2.7", "wide tolerance", trying(same=lambda a, b: bool((a - b).abs().max() < 0.9)), "a_relu_does_not"),
    ("2.7", "compares sums", trying(same=lambda a, b: near(a.sum(), b.sum())), "at_every_pixel"),
    ("2.7", "compares means", trying(same=lambda a, b: near(a.mean(), b.mean())), "at_every_pixel"),
    ("2.7", "most pixels", trying(same=lambda a, b: bool(((a - b).abs() < 1e-3).float().mean() > 0.9)), "at_every_pixel"),
    ("2.7", "mean of the differences", trying(same=lambda a, b: bool((a - b).abs().mean() < 1e-3)), "at_every_pixel"),
    ("2.7", "one pixel", trying(same=lambda a, b: near(a[0, 0, 3, 3], b[0, 0, 3, 3])), "at_every_pixel"),
]

RIGHT = [
    ("2.7", "three pairs", trying()), ("2.7", "one pair", trying(tries=1)), ("2.7", "NumPy", to_numpy),
    ("2.7", "pixel by pixel", one_by_one),
    ("2.7", "isclose", trying(same=lambda a, b: torch.isclose(a, b, atol=1e-4).all())),
    ("2.7", "with factors", lambda f: (lambda x, y: near(f(2 * x - 3 * y), 2 * f(x) - 3 * f(y)))(*pair())),
]

UNTOUCHED = [("2.7", lambda f: ...)]
