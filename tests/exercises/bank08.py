"""Answers that learners give to the exercises of notebook 08."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def skips(*, bytes_each=4, halve=lambda n: -(-n // 2), bottom=False, same_size=False, from_level=0, transposed=False):
    """Bytes of the skips with one thing wrong; the defaults make a right one."""

    def count(height, width, channels):
        total = 0
        for level, c in enumerate(channels if bottom else channels[:-1]):
            total += bytes_each * c * height * width if level >= from_level else 0
            if not same_size:
                height, width = halve(height), width if transposed else halve(width)
        return total
    return count


def skips_of_all_channels(height, width, channels):
    return 4 * sum(channels) * height * width


def skips_by_quarters(height, width, channels):
    return 4 * sum(c * height * width // 4**level for level, c in enumerate(channels[:-1]))


def skips_by_tensors(height, width, channels):
    x, total = torch.zeros(1, 1, height, width), 0
    for c in channels[:-1]:
        total += c * x.numel() * x.element_size()
        x = F.max_pool2d(x, 2, ceil_mode=True)
    return total


def skips_by_recursion(height, width, channels):
    if len(channels) == 1:
        return 0
    return 4 * channels[0] * height * width + skips_by_recursion((height + 1) // 2, (width + 1) // 2, channels[1:])


def skips_by_powers(height, width, channels):
    return sum(np.prod([4, c, math.ceil(height / 2**i), math.ceil(width / 2**i)]) for i, c in enumerate(channels[:-1]))


def margin(*, first=2, down=2, up=2, halve=lambda n: -(-n // 2), pool=0, grow=lambda n: 2 * n, cap=99):
    """The margin with one thing wrong; the defaults make a right one."""

    def measure(pools):
        seen = first
        for _ in range(min(pools, cap)):
            seen = halve(seen + pool) + down
        for _ in range(min(pools, cap)):
            seen = grow(seen) + up
        return seen
    return measure


def margin_formula(pools):
    return (2, 8)[pools] if pools < 2 else 6 * 2**pools - 2


def margin_formula_everywhere(pools):
    return 6 * 2**pools - 2 if pools else 2


def margin_by_recursion(pools, seen=2):
    return seen if pools == 0 else 2 * margin_by_recursion(pools - 1, math.ceil(seen / 2) + 2) + 2


def margin_table(pools):
    return torch.tensor([2, 8, 22, 46, 94, 190, 382])[pools]


def margin_with_nan(pools):
    """Poisons the left half of a row, and follows the poison."""
    row = torch.zeros(4096)
    row[:2048] = 1
    edges = []

    def spread(values):
        return F.max_pool1d(values[None, None], 5, stride=1, padding=2)[0, 0]
    row = spread(row)
    for _ in range(pools):
        edges.append(len(row))
        row = spread(F.max_pool1d(row[None, None], 2)[0, 0])
    for _ in edges:
        row = spread(row.repeat_interleave(2))
    return int(row.sum()) - 2048


def mirror_symmetric(place, size):
    place = place % (2 * size)
    return min(place, 2 * size - 1 - place)


def mirror_once(place, size):
    return -place if place < 0 else 2 * (size - 1) - place if place >= size else place


def mirror_once_right_from_the_end(place, size):
    return abs(place) if place < size else size - 1 - (place - size)


def mirror_half_period(place, size):
    place = abs(place) % (2 * size - 1) if size > 1 else 0
    return min(place, 2 * size - 2 - place) if place < size else 2 * size - 2 - place


def mirror_for_ever(place, size):
    """Right, but with one column it never ends."""
    while not 0 <= place < size:
        place = -place if place < 0 else 2 * size - 2 - place
    return place


def mirror_too_deep(place, size):
    if 0 <= place < size:
        return place
    return mirror_too_deep(-place if place < 0 else 2 * size - 2 - place, size)


def mirror_with_fmod(place, size):
    place = int(math.fmod(place, 2 * size - 2)) if size > 1 else 0
    return min(place, 2 * size - 2 - place)


def mirror_panels(place, size):
    """Even copies of the row run forwards, odd ones backwards."""
    copy, step = divmod(place, size - 1) if size > 1 else (0, 0)
    return size - 1 - step if copy % 2 else step


def mirror_loop(place, size):
    while size > 1 and not 0 <= place < size:
        place = -place if place < 0 else 2 * size - 2 - place
    return place if size > 1 else 0


def mirror_triangle(place, size):
    return abs((place + size - 1) % (2 * size - 2) - size + 1) if size > 1 else 0


def mirror_numpy(place, size):
    return np.pad(np.arange(size), (max(-place, 0), max(place - size + 1, 0)), mode="reflect")[max(place, 0)]


def mirror_list(place, size):
    there_and_back = [*range(size), *range(size - 2, 0, -1)]
    return torch.tensor(there_and_back[place % len(there_and_back)])


def mirror_without_one_column(place, size):
    place = place % (2 * size - 2)
    return min(place, 2 * size - 2 - place)


def tiler(*, mode="reflect", pad="image", cut=True, last=True, sides=2, extra=0, whole=False,
          order=False, shift=0, small=True):
    """Overlap-tile with one thing wrong; the defaults make a right one."""

    def tiled(run, image, tile, m):
        height, width = image.shape
        if whole:
            return run(grown(image, m, mode))[m : m + height, m : m + width]
        if not small:
            assert min(height, width) > m, "image smaller than the margin"
        n, out = m + extra, torch.zeros(height, width)
        padded = grown(image, n, mode)
        for top in range(0, height if last else height - tile + 1, tile):
            for left in range(0, width if last else width - tile + 1, tile):
                bottom, right = min(top + tile, height), min(left + tile, width)
                if pad == "tile":
                    window = grown(image[top:bottom, left:right], n, mode)
                else:
                    window = padded[top : bottom + n + (n if sides == 2 else 0), left : right + n + (n if sides == 2 else 0)]
                result = run(window)
                if not cut:
                    result = F.interpolate(result[None, None], (bottom - top, right - left))[0, 0]
                else:
                    result = result[n + shift : n + shift + bottom - top, n : n + right - left]
                if order:
                    out[top:bottom, left:right] = result.flip(0)
                else:
                    out[top : top + result.shape[0], left : left + result.shape[1]] = result
        return out
    return tiled


def grown(image, pixels, mode="reflect"):
    if mode == "by torch":
        return F.pad(image[None, None], (pixels,) * 4, mode="reflect")[0, 0]
    return torch.from_numpy(np.pad(image.numpy(), pixels, mode=mode))


def cut_with_minus(run, image, tile, m):
    """The slice [0:-0] is empty."""
    padded, (height, width), out = grown(image, m), image.shape, torch.zeros_like(image)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            out[top:bottom, left:right] = run(padded[top : bottom + 2 * m, left : right + 2 * m])[m:-m, m:-m]
    return out


def whole_tiles_first(run, image, tile, m):
    height, width = image.shape
    filled = np.pad(image.numpy(), ((0, -height % tile), (0, -width % tile)), mode="reflect")
    return tiler()(run, torch.from_numpy(filled), tile, m)[:height, :width]


def margins_with_whole_tiles(run, image, tile, m):
    (height, width), out = image.shape, []
    padded = torch.from_numpy(np.pad(image.numpy(), [(m, m + -n % tile) for n in image.shape], mode="reflect"))
    for top in range(0, height, tile):
        out.append([run(padded[top : top + tile + 2 * m, left : left + tile + 2 * m])[m : m + tile, m : m + tile]
                    for left in range(0, width, tile)])
    return torch.cat([torch.cat(row, dim=1) for row in out])[:height, :width]


def by_one_side(axis):
    """Takes one side of the image for both."""

    def tiled(run, image, tile, m):
        out, padded, side = torch.zeros_like(image), grown(image, m), image.shape[axis]
        for top in range(0, side, tile):
            for left in range(0, side, tile):
                bottom, right = min(top + tile, side), min(left + tile, side)
                shown = run(padded[top : bottom + 2 * m, left : right + 2 * m])
                place = out[top:bottom, left:right]
                place[:] = shown[m:, m:][: place.shape[0], : place.shape[1]]
        return out
    return tiled


def square_result(run, image, tile, m):
    side = image.shape[0]
    filled = F.pad(image, (0, max(side - image.shape[1], 0)))
    return tiler()(run, filled[:, :side], tile, m)


def tile_always_8(run, image, tile, m):
    return tiler()(run, image, 8, m)


def in_numpy(run, image, tile, m):
    (height, width), out = image.shape, np.zeros(image.shape, np.float32)
    padded = np.pad(image.numpy(), m, mode="reflect")
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            shown = np.asarray(run(padded[top : bottom + 2 * m, left : right + 2 * m]))
            out[top:bottom, left:right] = shown[m : m + bottom - top, m : m + right - left]
    return out


def no_tiles(run, image, tile, m):
    return run(image)


def stitched_rows(run, image, tile, m):
    padded, (height, width) = grown(image, m), image.shape
    rows = []
    for top in range(0, height, tile):
        h = min(tile, height - top)
        parts = [run(padded[top : top + h + 2 * m, left : left + min(tile, width - left) + 2 * m])
                 [m : m + h, m : m + min(tile, width - left)] for left in range(0, width, tile)]
        rows.append(torch.cat(parts, dim=1))
    return torch.cat(rows)


def by_places(run, image, tile, m):
    """Windows gathered with mirrored places, tiles all of one size, moved inwards at the end."""
    height, width = image.shape
    tall, wide, out = min(tile, height), min(tile, width), torch.empty_like(image)
    for top in [*range(0, height - tall, tile), height - tall]:
        for left in [*range(0, width - wide, tile), width - wide]:
            rows = [mirror_loop(i, height) for i in range(top - m, top + tall + m)]
            columns = [mirror_loop(i, width) for i in range(left - m, left + wide + m)]
            out[top : top + tall, left : left + wide] = run(image[rows][:, columns])[m : m + tall, m : m + wide]
    return out


def in_doubles(run, image, tile, m):
    return tiler()(lambda window: run(window.float()), image.double(), tile, m).double()


def fade(*, ramp=lambda t: t, width=1.0, ends=True, norm=True, centre=0.0, half=0.5):
    """Weights of tiles with one thing wrong; the defaults make a right one."""

    def table(size, tile, f):
        places = torch.arange(size) + half
        count = -(-size // tile)
        rises = [ramp(((places - i * tile - centre + width * f) / (2 * width * f)).clamp(0, 1)) for i in range(count)]
        if ends:
            rises[0] = torch.ones(size)
        rises.append(torch.zeros(size) if ends else ramp(((places - size + f) / (2 * f)).clamp(0, 1)))
        return torch.stack([a - b if norm else a for a, b in zip(rises, rises[1:])])
    return table


def from_borders(borders, fades=lambda i, f: f, ramp=lambda t: t):
    """Weights with the borders between the tiles where `borders` says."""

    def table(size, tile, f):
        x = torch.arange(size) + 0.5
        widths = [fades(i, f) for i in range(size)]
        rises = [ramp(((x - b + widths[i]) / (2 * widths[i])).clamp(0, 1)) for i, b in enumerate(borders(size, tile))]
        rises = [torch.ones(size), *rises, torch.zeros(size)]
        return torch.stack([a - b for a, b in zip(rises, rises[1:])])
    return table


def at_multiples(size, tile):
    return [*range(tile, size, tile)]


def last_tile_moved_in(size, tile):
    return [*at_multiples(size, tile)[:-1], *([size - tile] if size > tile else [])]


def tiles_of_equal_size(size, tile):
    count = -(-size // tile)
    return [i * size / count for i in range(1, count)]


def rest_swallowed(size, tile, f):
    w = fade()(size, tile, f)
    if size % tile and size > tile:
        w[-2] += w[-1]
        w[-1] = 0
    return w


def faded_ends_divided(size, tile, f):
    w = fade(ends=False)(size, tile, f)
    return w / w.sum(0)


def with_linspace(more):
    """The ramp begins with 0 (more = 0) or right after it (more = 1)."""

    def table(size, tile, f):
        rises = torch.zeros(-(-size // tile) + 1, size + f)
        rises[0] = 1
        for i, b in enumerate(at_multiples(size, tile), 1):
            rises[i, b - f : b + f] = torch.linspace(0, 1, 2 * (f + more))[more : 2 * f + more]
            rises[i, b + f :] = 1
        return (rises[:-1] - rises[1:])[:, :size]
    return table


def by_running_sums(size, tile, f):
    """Leaves rounding errors where the weight should be 0."""
    own = F.one_hot(torch.arange(-f - 1, size + f).clamp(0, size - 1) // tile, -(-size // tile)).T.float()
    sums = own.cumsum(dim=1)
    means = (sums[:, 2 * f :] - sums[:, : -2 * f]) / (2 * f)
    return (means[:, :size] + means[:, 1 : size + 1]) / 2


def hard_edges(size, tile, f):
    return F.one_hot(torch.arange(size) // tile, -(-size // tile)).T.float()


def one_tile_fewer(size, tile, f):
    return fade()(size, tile, f)[: max(size // tile, 1)]


def turned(size, tile, f):
    return fade()(size, tile, f).T


def equal_shares(size, tile, f):
    count = -(-size // tile)
    return torch.full((count, size), 1 / count)


def overshoot(size, tile, f):
    w = fade()(size, tile, f)
    if len(w) > 1:
        w[0, 0], w[1, 0] = 1.2, -0.2
    return w


def trapezes(size, tile, f):
    """Each tile's own trapeze, then divided by the sum."""
    x, w = torch.arange(size, dtype=torch.float64) + 0.5, []
    for i in range(-(-size // tile)):
        left = torch.ones_like(x) if i == 0 else (x - i * tile + f) / (2 * f)
        right = torch.ones_like(x) if (i + 1) * tile >= size else ((i + 1) * tile + f - x) / (2 * f)
        w.append(torch.minimum(left, right).clamp(0, 1))
    w = torch.stack(w)
    return w / w.sum(0)


def blurred_edges(size, tile, f):
    """A hard edge, averaged over 2 · fade pixels: between two pixels, hence the even window's half weights at both ends."""
    fine = F.one_hot(torch.arange(size * 2) // (2 * tile), -(-size // tile)).T.float()  # two places to a pixel
    mean = F.avg_pool1d(F.pad(fine[None], (2 * f, 2 * f), mode="replicate"), 4 * f, stride=1)[0]
    return mean[:, 1::2][:, :size]


def by_loops(size, tile, f):
    w = torch.zeros(-(-size // tile), size)
    for x in range(size):
        own, away = x // tile, (x % tile) + 0.5
        if own > 0 and away < f:
            w[own, x] = (away + f) / (2 * f)
            w[own - 1, x] = 1 - w[own, x]
        elif own < len(w) - 1 and tile - away < f:
            w[own, x] = (tile - away + f) / (2 * f)
            w[own + 1, x] = 1 - w[own, x]
        else:
            w[own, x] = 1
    return w


def tiled_into_the_image(run, image, tile, m):
    image[:] = tiler()(run, image.clone(), tile, m)
    return image


WRONG = [
    ("8.1", "a skip where there is no pool", lambda h, w, c: skips()(h, w, c) or 4 * c[0] * h * w,
     "odd_sizes"),
    ("8.1", "values, not bytes", skips(bytes_each=1), "one_level"),
    ("8.1", "8 bytes each", skips(bytes_each=8), "one_level"),
    ("8.1", "bits", skips(bytes_each=32), "one_level"),
    ("8.1", "the bottom counted", skips(bottom=True), "one_level"),
    ("8.1", "all channels at full size", skips_of_all_channels, "one_level"),
    ("8.1", "the top forgotten", skips(from_level=1), "one_level"),
    ("8.1", "full size on every level", skips(same_size=True), "each_level_is_smaller"),
    ("8.1", "height halved, width not", skips(transposed=True), "each_level_is_smaller"),
    ("8.1", "quartered", skips(halve=lambda n: n // 4), "each_level_is_smaller"),
    ("8.1", "rounded down", skips(halve=lambda n: n // 2), "odd_sizes"),
    ("8.1", "not rounded", skips(halve=lambda n: n / 2), "odd_sizes"),
    ("8.1", "rounded to even", skips(halve=lambda n: round(n / 2)), "odd_sizes"),
    ("8.1", "pixels quartered", skips_by_quarters, "odd_sizes"),
    ("8.1", "halved before it is counted", lambda h, w, c: skips()(-(-h // 2), -(-w // 2), c), "one_level"),
    ("8.1", "the channels of the level below", lambda h, w, c: skips()(h, w, [*c[1:], 0]), "one_level"),
    ("8.1", "both sides the height", lambda h, w, c: skips()(h, h, c), "one_level"),
    ("8.1", "rounded down, never below 1", skips(halve=lambda n: max(n // 2, 1)), "odd_sizes"),
    ("8.2", "one convolution", margin(first=1), "no_pool"),
    ("8.2", "the diameter", margin(first=4), "no_pool"),
    ("8.2", "0 without a pool", lambda pools: margin()(pools) if pools else 0, "no_pool"),
    ("8.2", "no decoder blocks", margin(up=0), "one_pool"),
    ("8.2", "not doubled", margin(grow=lambda n: n), "one_pool"),
    ("8.2", "the pool not halving", margin(halve=lambda n: n), "one_pool"),
    ("8.2", "one convolution down", margin(down=1), "one_pool"),
    ("8.2", "a pixel for the pool", margin(pool=1), "one_pool"),
    ("8.2", "the formula, for one pool too", margin_formula_everywhere, "one_pool"),
    ("8.2", "added, then doubled", margin(grow=lambda n: 2 * (n + 2), up=0), "one_pool"),
    ("8.2", "rounded at the end only", lambda pools: math.ceil(margin(halve=lambda n: n / 2)(pools)), "rounding"),
    ("8.2", "rounded down", margin(halve=lambda n: n // 2), "rounding"),
    ("8.2", "not rounded", margin(halve=lambda n: n / 2), "rounding"),
    ("8.2", "six each", lambda pools: 2 + 6 * pools, "rounding"),
    ("8.2", "right for two pools at most", margin(cap=2), "deeper"),
    ("8.2", "grows by 14", lambda pools: margin_formula(min(pools, 2)) + 14 * max(pools - 2, 0), "deeper"),
    ("8.3", "always the first", lambda place, size: 0, "inside"),
    ("8.3", "from 1", lambda place, size: mirror_loop(place, size) + 1, "inside"),
    ("8.3", "from the other end", lambda place, size: size - 1 - mirror_loop(place, size), "inside"),
    ("8.3", "the outermost twice", mirror_symmetric, "left_of_it"),
    ("8.3", "repeated", lambda place, size: place % size, "left_of_it"),
    ("8.3", "the outermost for ever", lambda place, size: min(max(place, 0), size - 1), "left_of_it"),
    ("8.3", "nothing on the left", lambda place, size: place if place < size else mirror_loop(place, size), "left_of_it"),
    ("8.3", "absolute value", lambda place, size: abs(place), "right_of_it"),
    ("8.3", "the last twice", mirror_once_right_from_the_end, "right_of_it"),
    ("8.3", "repeated on the right", lambda place, size: abs(place) % size, "right_of_it"),
    ("8.3", "mirrored once", mirror_once, "again_and_again"),
    ("8.3", "a period too long by one", mirror_half_period, "again_and_again"),
    ("8.3", "the remainder of C", mirror_with_fmod, "left_of_it"),
    ("8.3", "goes round for ever with one column", mirror_for_ever, "one_column"),
    ("8.3", "calls itself for ever with one column", mirror_too_deep, "one_column"),
    ("8.3", "one column divides by zero", mirror_without_one_column, "one_column"),
    ("8.3", "one column is not there", lambda place, size: mirror_loop(place, size) if size > 1 else place, "one_column"),
    ("8.4", "the last tiles left out", lambda run, image, tile, m: tiler(last=False)(run, image, tile, m)
     [: image.shape[0] // tile * tile, : image.shape[1] // tile * tile], "same_size"),
    ("8.4", "into the image itself", tiled_into_the_image, "image_is_left_alone"),
    ("8.4", "the margin left on", lambda run, image, tile, m: grown(tiler()(run, image, tile, m), m), "same_size"),
    ("8.4", "a list of tiles", lambda run, image, tile, m: [run(image)], "same_size"),
    ("8.4", "zeros where the last tiles are", tiler(last=False), "each_in_its_place"),
    ("8.4", "not cut back, but shrunk", tiler(cut=False), "each_in_its_place"),
    ("8.4", "a row too low", tiler(shift=-1), "each_in_its_place"),
    ("8.4", "upside down", tiler(order=True), "each_in_its_place"),
    ("8.4", "never run", lambda run, image, tile, m: 2 * image, "each_in_its_place"),
    ("8.4", "cut back with minus the margin", cut_with_minus, "without_a_margin"),
    ("8.4", "the last tiles left empty", tiler(last=False), "each_in_its_place"),
    ("8.4", "the height for both sides", by_one_side(0), "each_in_its_place"),
    ("8.4", "the width for both sides", by_one_side(1), "each_in_its_place"),
    ("8.4", "a square result", square_result, "same_size"),
    ("8.4", "tiles of 8, whatever is asked", tile_always_8, "small_windows"),
    ("8.4", "each tile mirrored", tiler(pad="tile"), "no_seams"),
    ("8.4", "margin above and left only", tiler(sides=1), "no_seams"),
    ("8.4", "zeros around", tiler(mode="constant"), "mirrored_border"),
    ("8.4", "the edge repeated", tiler(mode="edge"), "mirrored_border"),
    ("8.4", "the outermost twice", tiler(mode="symmetric"), "mirrored_border"),
    ("8.4", "wrapped around", tiler(mode="wrap"), "mirrored_border"),
    ("8.4", "as a whole, without a margin", no_tiles, "mirrored_border"),
    ("8.4", "filled up to whole tiles, then mirrored again", whole_tiles_first, "mirrored_border"),
    ("8.4", "the margin inside the tile", lambda run, image, tile, m: tiler()(run, image, tile - 2 * m, m), "small_windows"),
    ("8.4", "the margin always 3", lambda run, image, tile, m: tiler()(run, image, tile, 3), "small_windows"),
    ("8.4", "as a whole, with a margin", tiler(whole=True), "small_windows"),
    ("8.4", "twice the margin", tiler(extra=4), "small_windows"),
    ("8.4", "every tile twice and more", lambda run, image, tile, m: [tiler()(run, image, tile, m) for _ in range(3)][0],
     "small_windows"),
    ("8.4", "stops at a small image", tiler(small=False), "tiny_images"),
    ("8.4", "mirrored by torch", tiler(mode="by torch"), "tiny_images"),
    ("8.5", "a tile too few", one_tile_fewer, "a_row_for_each_tile"),
    ("8.5", "rows and columns changed", turned, "a_row_for_each_tile"),
    ("8.5", "faded at both ends", fade(ends=False), "adds_up_to_one"),
    ("8.5", "rises that never fall", fade(norm=False), "adds_up_to_one"),
    ("8.5", "twice", lambda size, tile, f: 2 * fade()(size, tile, f), "adds_up_to_one"),
    ("8.5", "below 0", overshoot, "none_is_negative"),
    ("8.5", "the same everywhere", equal_shares, "stays_near_its_tile"),
    ("8.5", "faded too far", fade(width=1.5), "stays_near_its_tile"),
    ("8.5", "before the border", fade(centre=-1.0), "stays_near_its_tile"),
    ("8.5", "the last tile moved in", from_borders(last_tile_moved_in), "stays_near_its_tile"),
    ("8.5", "tiles of equal size", from_borders(tiles_of_equal_size), "stays_near_its_tile"),
    ("8.5", "the smaller last tile swallowed", rest_swallowed, "stays_near_its_tile"),
    ("8.5", "the first border only", from_borders(at_multiples, lambda i, f: 1e-4 if i else f), "an_even_ramp"),
    ("8.5", "from a quarter to three quarters", fade(ramp=lambda t: torch.where((t > 0) & (t < 1), 0.25 + t / 2, t)),
     "taken_at_the_centres"),
    ("8.5", "a pixel too narrow", from_borders(at_multiples, lambda i, f: max(f - 1, 0.5)), "an_even_ramp"),
    ("8.5", "a cosine, not even", fade(ramp=lambda t: 0.5 - 0.5 * torch.cos(math.pi * t)), "an_even_ramp"),
    ("8.5", "faded at the ends, then divided", faded_ends_divided, "an_even_ramp"),
    ("8.5", "hard edges", hard_edges, "an_even_ramp"),
    ("8.5", "half as wide", fade(width=0.5), "an_even_ramp"),
    ("8.5", "steep in the middle", fade(ramp=lambda t: 0.5 + 0.5 * torch.tanh(8 * (t - 0.5)) / math.tanh(4)), "an_even_ramp"),
    ("8.5", "squared", fade(ramp=lambda t: t**2), "an_even_ramp"),
    ("8.5", "pixels taken at their left edge", fade(half=0.0), "taken_at_the_centres"),
    ("8.5", "pixels taken at their right edge", fade(half=1.0), "taken_at_the_centres"),
    ("8.5", "linspace from 0", with_linspace(0), "taken_at_the_centres"),
    ("8.5", "linspace after 0", with_linspace(1), "taken_at_the_centres"),
]

RIGHT = [
    ("8.5", "rows in a list", lambda *a: list(fade()(*a))),
    ("8.5", "numbers in lists", lambda *a: fade()(*a).tolist()),
    ("8.1", "a loop", skips()),
    ("8.1", "real pools", skips_by_tensors),
    ("8.1", "recursion", skips_by_recursion),
    ("8.1", "powers of two", skips_by_powers),
    ("8.2", "two loops", margin()),
    ("8.2", "formula", margin_formula),
    ("8.2", "recursion", margin_by_recursion),
    ("8.2", "a table", margin_table),
    ("8.2", "poison", margin_with_nan),
    ("8.3", "a loop", mirror_loop),
    ("8.3", "a triangle wave", mirror_triangle),
    ("8.3", "numpy pads", mirror_numpy),
    ("8.3", "there and back", mirror_list),
    ("8.3", "copies forwards and backwards", mirror_panels),
    ("8.4", "two loops", tiler()),
    ("8.4", "windows and result of NumPy", in_numpy),
    ("8.4", "rows put together", stitched_rows),
    ("8.4", "mirrored places", by_places),
    ("8.4", "double precision", in_doubles),
    ("8.4", "windows in doubles", lambda run, image, tile, m: tiler()(run, image.double(), tile, m)),
    ("8.4", "margins and whole tiles at once", margins_with_whole_tiles),
    ("8.5", "rises", fade()),
    ("8.5", "trapezes", trapezes),
    ("8.5", "blurred edges", blurred_edges),
    ("8.5", "pixel by pixel", by_loops),
    ("8.5", "running sums", by_running_sums),
]
