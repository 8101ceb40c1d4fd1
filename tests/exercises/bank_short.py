"""Answers that learners give to the short exercises: numbers, words and letters, and two small functions."""

import numpy as np
import torch


def changed(right, *changes):
    """(what, answer, behaviour) with one place of a right answer changed."""
    for what, place, value, behaviour in changes:
        yield what, [value if i == place else one for i, one in enumerate(right)], behaviour


def bank(id, right, *changes):
    return [(id, what, answer, behaviour) for what, answer, behaviour in changed(right, *changes)]


SHAPES = [(64, 64, 48), (3, 512, 384)]
WAYS = ["pad right and bottom", "crop the centre", "crop right and bottom", "resize"]
EXPERIMENTS = ["train without", "move by a pixel", "cut by means", "cut by zeros"]
HEADS = [(3, "softmax"), (1, "sigmoid"), (2, "sigmoid"), (1, "nothing")]
STEPS = ["lower the learning rate", "more augmentation", "learn one batch by heart", "train longer"]
CAUSES = ["no margin", "off the grid", "training mode", "gradients kept"]


# 0.3

def scaled(raw, low, high):
    return ((raw.astype(np.float32) - low) / (high - low)).clip(0, 1)


def scaled_to_itself(raw, low, high):
    darkest, brightest = float(raw.min()), float(raw.max())
    return ((raw - darkest) / max(brightest - darkest, 1)).astype(np.float32)


def scaled_from_uint16(raw, low, high):
    return ((raw - low) / (high - low)).clip(0, 1).astype(np.float32)


def scaled_wrapping(raw, low, high):
    return ((raw - np.uint16(low)).astype(np.float32) / (high - low)).clip(0, 1)


def scaled_in_place(raw, low, high):
    raw = raw.astype("f4")
    raw -= low
    raw /= high - low
    raw[raw < 0] = 0
    raw[raw > 1] = 1
    return raw


def scaled_in_torch(raw, low, high):
    return ((torch.from_numpy(raw.astype(np.int64)).float() - low) / (high - low)).clamp(0, 1)


def scaled_by_interpolation(raw, low, high):
    return np.interp(raw, [low, high], [0, 1]).astype(np.float32)


# 6.6

def loss(*, twice=2, one=1.0, above=None, product=lambda p, t: p * t, dims=None, minus=True, at=None, square=False):
    """A Dice loss with one thing wrong; the defaults make a right one."""

    def dice_loss(p, t):
        p = p if at is None else (p > at).float()
        areas = (p.square() if square else p).sum(dims) + t.sum(dims)
        dice = (twice * product(p, t).sum(dims) + (one if above is None else above)) / (areas + one)
        return (1 - dice if minus else dice).mean()
    return dice_loss


def loss_of_images(p, t):
    p, t = p.reshape(-1, *p.shape[-2:]), t.reshape(-1, *t.shape[-2:])
    return torch.stack([loss()(one, two) for one, two in zip(p, t)]).mean()


def loss_as_iou(p, t):
    both = (p * t).sum()
    return 1 - (both + 1) / (p.sum() + t.sum() - both + 1)


def loss_in_numpy(p, t):
    p, t = p.detach().numpy(), t.numpy()
    return torch.tensor(1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))


def loss_by_einsum(p, t):
    p, t = p.flatten(), t.flatten()
    return 1 - (2 * torch.dot(p, t) + 1) / (p.sum() + t.sum() + 1)


def loss_by_difference(probabilities, truth):
    total = probabilities.sum() + truth.sum()
    return (total - 2 * (probabilities * truth).sum()) / (total + 1)


WRONG = [
    *bank("0.2", SHAPES,
          ("width first at the bottom", 0, (64, 48, 64), "bottom_size"), ("halved four times", 0, (64, 32, 24), "bottom_size"),
          ("halved twice", 0, (64, 128, 96), "bottom_size"), ("not halved", 0, (64, 512, 384), "bottom_size"),
          ("shape of the drawing", 0, (64, 32, 32), "bottom_size"), ("more channels, as the image is larger", 0, (128, 64, 48), "bottom_channels"),
          ("one channel at the bottom", 0, (1, 64, 48), "bottom_channels"), ("one channel out", 1, (1, 512, 384), "output"),
          ("size of the drawing out", 1, (3, 256, 256), "output"), ("width first out", 1, (3, 384, 512), "output"),
          ("channels last", 0, (64, 48, 64), "bottom_size"), ("with a batch axis", 0, (1, 64, 64, 48), "bottom_size")),
    ("0.2", "the bottom only", (64, 64, 48), "bottom_size"),
    ("0.3", "divided by 65535", lambda r, low, high: (r / 65535).astype("f4"), "evenly_between"),
    ("0.3", "divided by high", lambda r, low, high: ((r.astype("f4") - low) / high).clip(0, 1), "evenly_between"),
    ("0.3", "low not taken away", lambda r, low, high: (r.astype("f4") / (high - low)).clip(0, 1), "evenly_between"),
    ("0.3", "minimum and maximum of the image", scaled_to_itself, "evenly_between"),
    ("0.3", "minimum and maximum of the image, then clipped",
     lambda r, low, high: scaled_to_itself(r.clip(low, high), low, high), "evenly_between"),
    ("0.3", "subtracted in uint16", scaled_from_uint16, "darker_than_low"),
    ("0.3", "subtracted in uint16, then float", scaled_wrapping, "darker_than_low"),
    ("0.3", "not clipped below", lambda r, low, high: ((r.astype("f4") - low) / (high - low)).clip(max=1), "darker_than_low"),
    ("0.3", "not clipped above", lambda r, low, high: ((r.astype("f4") - low) / (high - low)).clip(min=0), "brighter_than_high"),
    ("0.3", "absolute value", lambda r, low, high: np.abs((r.astype("f4") - low) / (high - low)).clip(0, 1), "darker_than_low"),
    ("0.3", "too bright set to 0", lambda r, low, high: np.where(r > high, 0, scaled(r, low, high)).astype("f4"), "brighter_than_high"),
    ("0.3", "float64", lambda r, low, high: ((r.astype(float) - low) / (high - low)).clip(0, 1), "same_shape_as_float32"),
    ("0.3", "whole numbers", lambda r, low, high: ((r.astype(int) - low) // (high - low)).clip(0, 1), "same_shape_as_float32"),
    ("0.3", "a list", lambda r, low, high: scaled(r, low, high).tolist(), "same_shape_as_float32"),
    ("0.3", "flattened", lambda r, low, high: scaled(r, low, high).ravel(), "same_shape_as_float32"),
    ("0.3", "0 to 255", lambda r, low, high: 255 * scaled(r, low, high), "evenly_between"),
    ("0.3", "clipped, not scaled", lambda r, low, high: r.clip(low, high).astype("f4"), "evenly_between"),
    *bank("2.5", [4, 1, 6],
          ("first convolution of A", 0, 1, "block_a"), ("norm of A", 0, 5, "block_a"), ("second convolution of B", 1, 4, "block_b"),
          ("norm of B", 1, 2, "block_b"), ("norm in the middle of C", 2, 2, "block_c"), ("norm before the last of C", 2, 5, "block_c"),
          ("counted from 0", 2, 0, "block_c"), ("in words", 0, "the fourth", "block_a"), ("between two lines", 2, 5.5, "block_c")),
    ("2.5", "counted from 0, all", [3, 0, 5], "block_a"), ("2.5", "one number", 4, "block_a"), ("2.5", "two numbers", [4, 1], "block_a"),
    *bank("3.5", [1 / 4, 1 / 2, 4],
          ("pixels halved", 0, 1 / 2, "pixels"), ("pixels divided by 4, as 4", 0, 4, "pixels"), ("values stay", 1, 1, "values_of_a_skip"),
          ("values as pixels", 1, 1 / 4, "values_of_a_skip"), ("values doubled", 1, 2, "values_of_a_skip"),
          ("weights doubled", 2, 2, "weights_of_a_block"), ("weights stay", 2, 1, "weights_of_a_block"), ("weights times 9", 2, 9, "weights_of_a_block"),
          ("text", 2, "four", "weights_of_a_block"), ("yes", 2, True, "weights_of_a_block")),
    *bank("4.5", WAYS[:4],
          ("skip too small is cropped", 0, "crop the centre", "skip_of_an_odd_size"), ("skip resized", 0, "resize", "skip_of_an_odd_size"),
          ("paper's skip resized", 1, "resize", "skip_of_the_paper"), ("corner of the paper's skip", 1, "crop right and bottom", "skip_of_the_paper"),
          ("centre of the result", 2, "crop the centre", "result_too_large"), ("result padded", 2, "pad right and bottom", "result_too_large"),
          ("padding mixes", 3, "pad right and bottom", "what_not_to_do"), ("cropping mixes", 3, "crop the centre", "what_not_to_do"),
          ("no such way", 3, "interpolate", "what_not_to_do"), ("padded at the wrong side", 0, "pad left and top", "skip_of_an_odd_size"),
          ("corner of the paper's skip padded", 1, "pad left and top", "skip_of_the_paper")),
    ("4.5", "one word for all", "resize", "skip_of_an_odd_size"),
    *bank("4.7", EXPERIMENTS,
          ("a cut asks the task", 0, "cut by zeros", "never_had_one"), ("means ask the task", 0, "cut by means", "never_had_one"),
          ("beside: means", 1, "cut by means", "beside_their_pixels"), ("beside: zeros", 1, "cut by zeros", "beside_their_pixels"),
          ("usual values: zeros", 2, "cut by zeros", "how_much_but_not_where"),
          ("usual values: moved", 2, "move by a pixel", "how_much_but_not_where"),
          ("unplugged: trained without", 3, "train without", "unplugged"), ("unplugged: means", 3, "cut by means", "unplugged"),
          ("no such experiment", 3, "cut", "unplugged")),
    ("4.7", "one word", "train without", "never_had_one"), ("4.7", "three of four", EXPERIMENTS[:3], "never_had_one"),
    *bank("5.5", [1, 4, 4, 2],
          ("weights for each pixel", 0, 4, "parameters_by_image"), ("parameters doubled by the image", 0, 2, "parameters_by_image"),
          ("parameters doubled by channels", 1, 2, "parameters_by_channels"), ("parameters times eight", 1, 8, "parameters_by_channels"),
          ("values doubled by the image", 2, 2, "values_by_image"), ("values times 16", 2, 16, "values_by_image"),
          ("values by channels squared", 3, 4, "values_by_channels"), ("values stay", 3, 1, "values_by_channels"),
          ("text", 3, "twice", "values_by_channels")),
    *bank("5.6", HEADS,
          ("one channel for three classes", 0, (1, "softmax"), "exclusive_classes"), ("sigmoid for three classes", 0, (3, "sigmoid"), "exclusive_classes"),
          ("background left out", 0, (2, "softmax"), "exclusive_classes"), ("softmax over one channel", 1, (1, "softmax"), "yes_or_no"),
          ("nothing for yes or no", 1, (1, "nothing"), "yes_or_no"), ("two sigmoids for yes or no", 1, (2, "sigmoid"), "yes_or_no"),
          ("a class for each combination", 2, (4, "softmax"), "labels_that_overlap"), ("softmax over labels that overlap", 2, (2, "softmax"), "labels_that_overlap"),
          ("sigmoid of a distance", 3, (1, "sigmoid"), "a_measured_value"), ("classes of distance", 3, (12, "softmax"), "a_measured_value"),
          ("word only", 3, "nothing", "a_measured_value"), ("the other way round", 3, ("nothing", 1), "a_measured_value")),
    *bank("6.5", STEPS,
          ("jumps, so longer", 0, "train longer", "loss_jumps"), ("jumps, so one batch", 0, "learn one batch by heart", "loss_jumps"),
          ("overfits, so longer", 1, "train longer", "learns_by_heart"), ("overfits, so a lower rate", 1, "lower the learning rate", "learns_by_heart"),
          ("stands still, so longer", 2, "train longer", "stands_still"), ("stands still, so a lower rate", 2, "lower the learning rate", "stands_still"),
          ("still better, so augmentation", 3, "more augmentation", "still_better"), ("no such step", 3, "stop", "still_better")),
    ("6.5", "three of four", STEPS[:3], "loss_jumps"),
    ("6.6", "loss is the score", loss(minus=False), "perfect_is_nearly_zero"), ("6.6", "overlap once", loss(twice=1), "perfect_is_nearly_zero"),
    ("6.6", "cut at 0.5", loss(at=0.5), "soft_not_cut"), ("6.6", "2 added", loss(one=2.0), "soft_not_cut"),
    ("6.6", "IoU", loss_as_iou, "soft_not_cut"), ("6.6", "squares", loss(square=True), "soft_not_cut"),
    ("6.6", "nothing added", loss(one=0.0), "nothing_there"), ("6.6", "added below only", loss(above=0.0, one=1e-4), "nothing_there"),
    ("6.6", "a tiny number added", loss(one=1e-7), "soft_not_cut"), ("6.6", "mean over images", loss_of_images, "over_the_whole_batch"),
    ("6.6", "through numpy", loss_in_numpy, "gradient_flows"),
    ("6.6", "a float", lambda p, t: float(loss()(p, t)), "gradient_flows"),
    ("6.6", "a loss for each pixel", lambda p, t: 1 - (2 * p * t + 1) / (p + t + 1), "one_number"),
    ("6.6", "a loss for each row", lambda p, t: 1 - (2 * (p * t).sum(-1) + 1) / ((p + t).sum(-1) + 1), "one_number"),
    ("6.6", "rows, then mean", loss(dims=-1), "soft_not_cut"),
    ("6.6", "overlap detached", lambda p, t: 1 - (2 * (p.detach() * t).sum() + 1) / (p.sum() + t.sum() + 1), "gradient_flows"),
    ("6.6", "areas detached", lambda p, t: 1 - (2 * (p * t).sum() + 1) / ((p.sum() + t.sum()).detach() + 1), "gradient_flows"),
    ("6.6", "sigmoid inside", lambda p, t: loss()(p.sigmoid(), t), "perfect_is_nearly_zero"),
    *[("7.6", what, answer, behaviour) for what, answer, behaviour in [
        ("recall and precision the wrong way round", "ADBC", "nothing_missed_in_it"), ("thick has precision 1", "DDBC", "nothing_invented_in_it"),
        ("invented objects miss nothing", "BADC", "nothing_missed_in_it"), ("moved has right outlines", "DACB", "whole_objects"),
        ("thin is moved", "DABA", "moved"), ("thick is moved", ["D", "A", "B", "D"], "moved"), ("three letters", "DAB", "nothing_missed_in_it"),
        ("in the order of the pictures", "ABCD", "nothing_missed_in_it"), ("numbers", [4, 1, 2, 3], "nothing_missed_in_it")]],
    *bank("8.6", CAUSES,
          ("grid of lines from the pools", 0, "off the grid", "a_grid_of_lines"), ("grid of lines from training mode", 0, "training mode", "a_grid_of_lines"),
          ("margin, though large enough", 1, "no margin", "small_differences_everywhere"), ("training mode, though alone", 1, "training mode", "small_differences_everywhere"),
          ("margin depends on the batch", 2, "no margin", "depends_on_the_batch"), ("gradients depend on the batch", 2, "gradients kept", "depends_on_the_batch"),
          ("training mode takes memory", 3, "training mode", "memory_grows"), ("no such cause", 3, "a leak", "memory_grows")),
    *bank("8.7", [12, 348, 1.85],
          ("last tiles left out", 0, 3 * 2, "how_many"), ("area divided", 0, 1000 * 700 / 256**2, "how_many"), ("area divided, rounded up", 0, 11, "how_many"),
          ("one margin only", 1, 256 + 46, "side_of_a_window"), ("no margin", 1, 256, "side_of_a_window"),
          ("tile holds the margin", 1, 256 - 2 * 46, "side_of_a_window"), ("height only", 2, 348 / 256, "work"), ("upside down", 2, (256 / 348) ** 2, "work"),
          ("extra only", 2, 0.85, "work"), ("in percent", 2, 185, "work")),
]
RIGHT = [
    ("0.2", "list of tuples", SHAPES), ("0.2", "sizes of torch", tuple(torch.Size(s) for s in SHAPES)), ("0.2", "lists", [list(s) for s in SHAPES]),
    ("0.3", "numpy", scaled), ("0.3", "step by step", scaled_in_place), ("0.3", "torch", scaled_in_torch), ("0.3", "interpolation", scaled_by_interpolation),
    ("0.3", "clipped first", lambda raw, low, high: (raw.clip(low, high).astype("float32") - low) / np.float32(high - low)),
    ("2.5", "list", [4, 1, 6]), ("2.5", "tuple", (4, 1, 6)), ("2.5", "array", np.array([4, 1, 6])), ("2.5", "text", ["4", "1", "6"]),
    ("3.5", "fractions", [1 / 4, 1 / 2, 4]), ("3.5", "decimals", (0.25, 0.5, 4.0)), ("3.5", "tensor", torch.tensor([0.25, 0.5, 4.0])),
    ("3.5", "text", ["0.25", " 0.5 ", "4"]),
    ("3.5", "tensors in a list", [torch.tensor(0.25), np.float32(0.5), [4]]),
    ("4.7", "list", EXPERIMENTS), ("4.7", "capitals, a tuple", tuple(e.title() for e in EXPERIMENTS)),
    ("4.5", "list", WAYS[:4]), ("4.5", "capitals, spaces", tuple(f" {w.upper()} " for w in WAYS[:4])),
    ("5.5", "whole numbers", [1, 4, 4, 2]), ("5.5", "measured", (1.0, 3.98, 4.0, 2.0)),
    ("5.6", "list", HEADS), ("5.6", "two classes for yes or no", [HEADS[0], [2, "softmax"], [2, "Sigmoid"], [1, "nothing "]]),
    ("6.5", "list", STEPS), ("6.5", "tuple of capitals", tuple(s.capitalize() for s in STEPS)),
    ("6.6", "formula", loss()), ("6.6", "dot product", loss_by_einsum), ("6.6", "one fraction", loss_by_difference),
    ("6.6", "one-element tensor", lambda p, t: loss()(p, t)[None]),
    ("7.6", "word", "DABC"), ("7.6", "list", ["D", "A", "B", "C"]), ("7.6", "small letters with commas", "d, a, b, c"),
    ("8.6", "list", CAUSES), ("8.6", "tuple of capitals", tuple(c.title() for c in CAUSES)),
    ("8.7", "computed", [4 * 3, 256 + 2 * 46, (348 / 256) ** 2]), ("8.7", "two decimals", (12, 348, 1.85)), ("8.7", "array", np.array([12, 348, 1.848])),
]
UNTOUCHED = [(id, [..., ..., ..., ...]) for id in ("4.5", "4.7", "5.6", "6.5", "8.6")]
