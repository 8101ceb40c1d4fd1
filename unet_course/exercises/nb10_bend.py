"""Exercise 10.5 of 10_the_paper, which has helpers of its own."""

import numpy as np
import torch

from unet_course.exercises.core import Exercise, asking, call, expect, said, shape

deform = Exercise("10.5", "Bend image and mask", "write", minutes=15, mark="deeper")


def bent(answer, image, mask, dx, dy):
    with asking("image, mask, dx and dy are (H, W). grid_sample wants axes for batch and channel, and floats."):
        got = call(answer, image, mask, dx, dy)
    expect(isinstance(got, (tuple, list)) and len(got) == 2, f"You return {said(got)}; wanted two things: the new image and "
           "the new mask.")
    for value, what in zip(got, ("image", "mask")):
        shape(value, image.shape, f"The new {what} is {{got}}; wanted {{wanted}}, as it came.", f"The new {what}")
    return got


def still(height=11, width=14):
    image = torch.rand(height, width)
    return image, torch.randint(0, 5, (height, width)), torch.zeros(height, width), torch.zeros(height, width)


def alike(moved, mask):
    """Labels at their places; a mask that was blended and cut off is wrong by one, and is told so later."""
    return bool(((moved - mask).abs() <= 1).all())


@deform.behaviour
def nothing_moves(answer):
    image, mask, dx, dy = still()
    new, moved = bent(answer, image, mask, dx, dy)
    expect(torch.allclose(new.double(), image.double(), atol=1e-4), "All displacements are 0, and still the image is another "
           "one. grid_sample's places run from -1 to 1: with align_corners=True, -1 and 1 are the centres of the outermost "
           "pixels.")
    expect(alike(moved, mask), "All displacements are 0, and still the mask is another one.")


@deform.behaviour
def by_whole_pixels(answer):
    image, mask, dx, dy = still()
    new, moved = bent(answer, image, mask, dx + 3, dy)
    expect(not torch.allclose(new[3:].float(), image[:-3], atol=1e-3), "dx is to the right; you move down.")
    expect(not torch.allclose(new[:-3].float(), image[3:], atol=1e-3), "dx is along the columns, to the right; you use it for "
           "the rows.")
    expect(not torch.allclose(new[:, 3:].float(), image[:, :-3], atol=1e-3), "dx = 3: each pixel takes its value from 3 "
           "pixels to its right. Yours takes it from the left.")
    expect(torch.allclose(new[:, :-3].float(), image[:, 3:], atol=1e-3), "dx = 3 everywhere: the pixel in row r and column c "
           "takes its value from row r, column c + 3. Yours does not.")
    expect(alike(moved[:, :-3], mask[:, 3:]), "dx = 3 moves your image, but the mask is not moved alike.")
    new, moved = bent(answer, image, mask, dx, dy - 2)
    expect(torch.allclose(new[2:].float(), image[:-2], atol=1e-3) and alike(moved[2:], mask[:-2]), "dy = -2 everywhere: "
           "the pixel in row r takes its value from row r - 2, in the image and in the mask. Yours does not.")


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
    new, _ = bent(answer, image, mask, dx, dy)
    rows, columns = np.mgrid[:16, :21]
    r, c = rows + dy.numpy(), columns + dx.numpy()
    inside = (r >= 0) & (r <= 15) & (c >= 0) & (c <= 20)
    r0, c0 = np.clip(np.floor(r), 0, 14).astype(int), np.clip(np.floor(c), 0, 19).astype(int)
    a, b, i = r - r0, c - c0, image.numpy()
    wanted = (1 - a) * ((1 - b) * i[r0, c0] + b * i[r0, c0 + 1]) + a * ((1 - b) * i[r0 + 1, c0] + b * i[r0 + 1, c0 + 1])
    expect(np.abs(new.detach().numpy() - wanted)[inside].max() < 1e-2, "With another displacement at each pixel your image "
           "differs from bilinear interpolation. Height and width are not equal here: is each used for its own axis?")


@deform.behaviour
def border_goes_on(answer):
    image, mask, dx, dy = still()
    new, moved = bent(answer, image + 1, mask + 1, dx + 4, dy - 50)
    expect(float(new.min()) > 0.99 and int(moved.min()) > 0, "From outside of the image come zeros. Wanted the nearest pixel "
           'of the border: padding_mode="border".')
    expect(torch.allclose(new[:, -4:].float(), (image[0, -1] + 1).expand(11, 4), atol=1e-3), "What is fetched from outside "
           "should be the nearest pixel of the border; yours is another one.")
