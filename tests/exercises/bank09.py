"""Answers that learners give to the exercises of notebook 09: repairs that mend nothing, too much, or something else."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tests.exercises.bank_short import bank
from unet_course.clinic.patients import (
    ClinicUNet,
    Patient1,
    Patient2,
    Patient3,
    Patient4,
    Patient5,
    Patient11,
    crops_of,
    patient6,
    patient7,
    patient8,
    patient9,
    patient10,
    patient12,
    patient13,
    patient14,
    patient15,
    patient16,
    patient17,
)
from unet_course.data.nuclei import random_crops
from unet_course.unet import UNet, init_he


def network(base=ClinicUNet, **methods):
    """A class with some methods replaced."""
    return type("Repaired", (base,), methods)


def up_with(pairs):
    """An `up` that goes through these pairs of decoder and skip."""
    def up(self, x, skips):
        for decoder, skip in pairs(list(self.decoders), skips):
            x = decoder(x, skip)
        return x
    return network(up=up)


def first_twice(self, x, skips):
    for decoder, skip in zip(self.decoders, [skips[-1]] * len(skips)):
        x = decoder(x, skip)
    return x


def pop(self, x, skips):
    for decoder in self.decoders:
        x = decoder(x, skips.pop())
    return x


def cut_off(self, x, skips):
    """Nothing learns through the skips."""
    for decoder, skip in zip(self.decoders, reversed(skips)):
        x = decoder(x, skip.detach())
    return x


def grown_in_place(self, x, skips):
    """Changes what autograd still needs: the input of the block below."""
    for decoder, skip in zip(self.decoders, reversed(skips)):
        above = decoder(x, skip)
        x.relu_()
        x = above
    return x


def after_training(self, x):
    """Right in evaluation mode only."""
    z = ClinicUNet.forward(self, x)
    return z.softmax(dim=1) if self.training else z


def for_three(self, num_classes, channels):
    ClinicUNet.__init__(self, channels=channels, num_classes=3)


def relu_while_training(self, x):
    z = ClinicUNet.forward(self, x)
    return z.relu() if self.training else z


# Patient 2

def bilinear(up, /, **options):
    def __init__(self, **settings):
        ClinicUNet.__init__(self, **settings)
        for decoder in self.decoders:
            decoder.up = up(decoder.up.in_channels, decoder.up.out_channels)
    return network(__init__=__init__, **options)


def doubled(mode="bilinear"):
    return nn.Upsample(scale_factor=2, mode=mode, align_corners=None if mode == "nearest" else False)


def larger_blocks(self, **settings):
    """The other repair: the block is built for skip and input."""
    from unet_course.blocks import ConvBlock
    ClinicUNet.__init__(self, **settings)
    for decoder in self.decoders:
        a, b = decoder.up.in_channels, decoder.up.out_channels
        decoder.up, decoder.block = doubled(), ConvBlock(a + b, b)


class Interpolated(nn.Module):
    """No layer for the doubling, a function."""

    def __init__(self, a, b):
        super().__init__()
        self.down = nn.Conv2d(a, b, 1)

    def forward(self, x):
        return F.interpolate(self.down(x), scale_factor=2, mode="bilinear", align_corners=False)


class MadeInForward(nn.Module):
    """A layer with new weights in each call."""

    def __init__(self, a, b):
        super().__init__()
        self.sizes = a, b

    def forward(self, x):
        return nn.Conv2d(*self.sizes, 1)(doubled()(x))


def in_up(self, x, skips):
    """The decoders are not called, only their parts."""
    for decoder, skip in zip(self.decoders, reversed(skips)):
        x = decoder.block(torch.cat([skip, decoder.up(x)], dim=1))
    return x


def hears(change):
    """Bilinear, and something done to the skips."""
    def up(self, x, skips):
        for decoder, skip in zip(self.decoders, reversed(skips)):
            x = decoder(x, change(skip))
        return x
    return bilinear(lambda a, b: nn.Sequential(doubled(), nn.Conv2d(a, b, 1)), up=up)


def one_level_silent(self, x, skips):
    for level, (decoder, skip) in enumerate(zip(self.decoders, reversed(skips))):
        x = decoder(x, skip if level else torch.zeros_like(skip))
    return x


def wider(self, **settings):
    """The decoders hand on what they have, skip and input together."""
    from unet_course.blocks import ConvBlock
    ClinicUNet.__init__(self, **settings)
    below = self.decoders[0].up.in_channels
    for decoder in self.decoders:
        b = decoder.up.out_channels
        decoder.up, decoder.block = doubled(), ConvBlock(below + b, 2 * b)
        below = 2 * b
    self.decoders[-1].block = nn.Sequential(self.decoders[-1].block, nn.Conv2d(below, b, 1))


def narrower(self, **settings):
    channels = settings.pop("channels")
    UNet.__init__(self, channels=[channels[0]] * len(channels), up="bilinear", **settings)


class Unused(ClinicUNet):
    def __init__(self, **settings):
        super().__init__(up="bilinear", **settings)
        self.spare = nn.Conv2d(1, 1, 1)


# Patients 3 to 5 and 11

def by_the_end(self, x):
    """Cuts off at the end what was padded, and at the beginning where one of them is none."""
    height, width, n = *x.shape[-2:], 2 ** len(self.encoders)
    down, right = -height % n, -width % n
    x, skips = self.down(F.pad(x, (0, right, 0, down)))
    x = self.head(self.up(x, skips))
    if down and right:
        return x[..., :-down, :-right]
    return x[..., right:, down:][..., :height, :width]


def down_with(keep):
    def down(self, x):
        skips = []
        for number, encoder in enumerate(self.encoders):
            skip, x = encoder(x)
            skips.append(keep(skip, x, number))
        return self.bottleneck(x), skips
    return network(down=down)


def crop_with(crop):
    return network(crop=lambda self, x, height, width: crop(x, height, width))


def started(start, **settings):
    def __init__(self, **options):
        ClinicUNet.__init__(self, **{"norm": False, **settings, **options})
        for layer in [m for m in self.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]:
            start(layer)
    return network(__init__=__init__)


def kaiming(bias=True, **options):
    def start(layer):
        layer.reset_parameters()
        nn.init.kaiming_normal_(layer.weight, **options)
        if bias:
            nn.init.zeros_(layer.bias)
    return start


def uniform(layer):
    nn.init.kaiming_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)


def signs(layer):
    """The spread is right; there are only two weights, the one and its negative."""
    init_he(layer)
    layer.weight.data = layer.weight.data.sign() * (2 / layer.weight[0].numel()) ** 0.5


def not_centred(layer):
    """The spread is right, and no weight is negative."""
    nn.init.uniform_(layer.weight, 0, (24 / layer.weight[0].numel()) ** 0.5)
    nn.init.zeros_(layer.bias)


def all_but_the_first(layer):
    if layer.in_channels == 1:
        layer.reset_parameters()
        nn.init.zeros_(layer.bias)
    else:
        init_he(layer)


def fixed(layer):
    torch.manual_seed(0)
    init_he(layer)


def scaled_forward(self, x):
    return 2 * ClinicUNet.forward(self, x)


def ended(end):
    return network(forward=lambda self, x: end(ClinicUNet.forward(self, x)))


# The functions

def resize(image="bilinear", mask="nearest-exact", dtype=torch.int64, change=lambda m: m):
    def run(images, masks, size):
        corners = {"align_corners": False}
        images = F.interpolate(images, size=size, mode=image, **(corners if image == "bilinear" else {}))
        masks = F.interpolate(masks[:, None].float(), size=size, mode=mask, **(corners if mask == "bilinear" else {}))[:, 0]
        return images, change(masks).to(dtype)
    return run


def in_whole_steps(images, masks, size):
    """Each pixel again and again, and zeros where the steps do not come out even."""
    x, _ = resize()(images, masks, size)
    n, m = (max(1, new // old) for new, old in zip(size, masks.shape[1:]))
    y = masks.repeat_interleave(n, 1).repeat_interleave(m, 2)[:, : size[0], : size[1]]
    return x, F.pad(y, (0, size[1] - y.shape[2], 0, size[0] - y.shape[1]))


def last_line_lost(images, masks, size):
    x, y = resize()(images, masks, size)
    y[:, -1], y[:, :, -1] = 0, 0
    return x, y


def moved_by_one(images, masks, size):
    return resize()(images, masks, size)[0], resize()(images, masks.roll(1, 2), size)[1]


def by_area(images, masks, size):
    """The most frequent class."""
    planes = F.one_hot(masks).permute(0, 3, 1, 2).float()
    masks_of_size = F.interpolate(planes, size=size, mode="area").argmax(dim=1)
    return resize()(images, masks, size)[0], masks_of_size


def places_in_numpy(images, masks, size):
    rows, columns = (torch.arange(new) * old // new for new, old in zip(size, masks.shape[1:]))
    return resize()(images, masks, size)[0], torch.from_numpy(masks.numpy()[:, rows][:, :, columns])


def scaled_colour(divide):
    return lambda p: divide(torch.from_numpy(p).permute(2, 0, 1)[None].float())


def by_one_hot(images, masks, size):
    images = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
    planes = F.one_hot(masks).permute(0, 3, 1, 2).float()
    return images, F.interpolate(planes, size=size, mode="bilinear", align_corners=False).argmax(dim=1)


def mirror(image=True, mask=True, chance=0.5, axis=-1, coins=1):
    def run(images, masks, generator):
        first = bool(torch.rand((), generator=generator) < chance)
        second = bool(torch.rand((), generator=generator) < chance) if coins == 2 else first
        return images.flip(axis) if image and first else images, masks.flip(axis) if mask and second else masks
    return run


def mirror_by_number(images, masks, generator):
    both = torch.cat([images, masks[:, None].to(images)], dim=1)
    if int(torch.randint(2, (), generator=generator)):
        both = both.flip(3)
    return both[:, :-1], both[:, -1].long()


def coin_for_each(images, masks, generator):
    coins = torch.rand(len(images), generator=generator) < 0.5
    pairs = [(x.flip(-1), y.flip(-1)) if c else (x, y) for x, y, c in zip(images, masks, coins)]
    return torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs])


def from_its_seed(images, masks, generator):
    """The same for as long as the generator lives."""
    return mirror()(images, masks, torch.Generator().manual_seed(generator.initial_seed()))


def own_crops(images, masks, generator, *, size=(48, 48), count=1, last=1, fields=None):
    """Random crops, without the course's function."""
    found = []
    for _ in range(count):
        h, w = size
        field = int(torch.randint(fields or len(images), (), generator=generator))
        top = int(torch.randint(images.shape[2] - h + last, (), generator=generator))
        left = int(torch.randint(images.shape[3] - w + last, (), generator=generator))
        found.append((images[field, :, top : top + h, left : left + w],
                      masks[field, top : top + h, left : left + w]))
    return torch.stack([x for x, _ in found]), torch.stack([y for _, y in found])


def cropped(**options):
    return lambda images, masks, generator: own_crops(images, masks, generator, **options)


def repeated(images, masks, generator):
    x, y = random_crops(images, masks, size=16, count=1, generator=generator)
    return x.repeat(2, 1, 1, 1), y.repeat(2, 1, 1)


def rows_repeated(images, masks, generator):
    x, y = random_crops(images, masks, size=32, count=1, generator=generator)
    return x[:, :, :16].repeat_interleave(2, 2), y[:, :16].repeat_interleave(2, 1)


def full_width(images, masks, generator):
    return own_crops(images, masks, generator, size=(32, images.shape[3]))


def crops(size=64, count=1, generator=True):
    return lambda images, masks, g: random_crops(images, masks, size=size, count=count,
                                                 generator=g if generator else torch.Generator().manual_seed(1))


def doubled_crop(images, masks, generator):
    x, y = random_crops(images, masks, size=16, count=1, generator=generator)
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3), y.repeat_interleave(2, 1).repeat_interleave(2, 2)


def with_other_masks(images, masks, generator):
    x, y = random_crops(images, masks, size=32, count=2, generator=generator)
    return x, y.flip(-1)


def optimiser(kind=torch.optim.AdamW, lr=3e-3, part=False, **options):
    return lambda model: kind(list(model.parameters())[: 1 if part else None], lr=lr, **options)


def masks_of(threshold=0.5, sigmoid=True, mode=True, end=lambda m: m, grad=False):
    def run(model, images):
        model.train(not mode)
        with torch.set_grad_enabled(grad):
            out = model(images)[:, 0]
        return end((out.sigmoid() if sigmoid else out) > threshold)
    return run


def as_it_came(predict):
    def answer(model, images):
        training = model.training
        result = predict(model, images)
        model.train(training)
        return result
    return answer


def classes_of(mode="eval", dim=1, after=None, softmax=False):
    def run(model, images):
        if mode:
            getattr(model, mode)()
        with torch.no_grad():
            out = model(images)
        if after:
            getattr(model, after)()
        return (out.softmax(dim=1) if softmax else out).argmax(dim=dim)
    return run


def twice_the_same(field, generator):
    """One crop for validation, handed out again and again."""
    train, val = parted(0.75)(field, generator)
    return train, val[:1].repeat(len(train) // 3, 1, 1, 1)


def rows_mixed(field, generator):
    """The rows of each crop in another order."""
    rows = [*range(0, 64, 2), *range(1, 64, 2)]
    return tuple(part[:, :, rows] for part in parted(0.75)(field, generator))


def any_edge(field, generator):
    """Whichever edge is drawn, too little or too much may be left for validation."""
    share = float(torch.rand((), generator=generator))
    edge = min(max(64, int(share * field.shape[-1])), field.shape[-1] - 64)
    return crops_of(field[..., :edge]), crops_of(field[..., edge:])


def for_one_size(field, generator):
    return crops_of(field[..., :256]), crops_of(field[..., 256:])


def parted(part, gap=0, step=32):
    def run(field, generator):
        edge = int(field.shape[-1] * part)
        return crops_of(field[..., : edge - gap], step=step), crops_of(field[..., edge:], step=step)
    return run


def shuffled_without_overlap(field, generator):
    pieces = crops_of(field, step=64)
    order, few = torch.randperm(len(pieces), generator=generator), len(pieces) // 4
    return pieces[order[few:]], pieces[order[:few]]


def sorted_not_shuffled(field, generator):
    pieces = crops_of(field)
    return pieces[: -(len(pieces) // 4)], pieces[-(len(pieces) // 4) :]


def by_rows(field, generator):
    edge = field.shape[1] - 64
    return crops_of(field[:, :edge]), crops_of(field[:, edge:])


def mean_of(keep, empty=1.0, first=1, value=lambda p, t: 2 * (p & t).sum() / (p.sum() + t.sum()).clamp(min=1)):
    def run(prediction, target, num_classes=3):
        pairs = [(prediction == k, target == k) for k in range(first, num_classes)]
        scores = [value(p, t) for p, t in pairs if keep(p, t)]
        return torch.stack(scores).float().mean().item() if scores else empty
    return run


def all_pixels(prediction, target, num_classes=3):
    return float((prediction == target).float().mean())


def one_for_absent(prediction, target, num_classes=3):
    scores = []
    for k in range(1, num_classes):
        p, t = prediction == k, target == k
        scores.append(2 * (p & t).sum() / (p.sum() + t.sum()) if (p | t).any() else torch.tensor(1.0))
    return torch.stack(scores).mean().item()


def with_numpy(prediction, target, num_classes=3):
    p, t = prediction.numpy(), target.numpy()
    known = [k for k in range(1, num_classes) if (p == k).any() or (t == k).any()]
    return float(np.mean([2 * ((p == k) & (t == k)).sum() / ((p == k).sum() + (t == k).sum()) for k in known])) if known else 1.0


def marked_in_numpy(prediction, target, num_classes=3):
    p, t = (np.zeros(mask.shape, dtype=np.int64) for mask in (prediction, target))
    for k in range(1, num_classes):
        p[prediction == k], t[target == k] = k, k
    return with_numpy(torch.from_numpy(p), torch.from_numpy(t), num_classes)


def mask_in_numpy(model, images):
    with torch.no_grad():
        logits = model.eval()(images)[:, 0]
    out = np.zeros(logits.shape, dtype=bool)
    out[logits > 0] = True
    return out


def either(p, t):
    return bool((p | t).any())


FIRST = ["print the shapes", "light one pixel", "learn one batch by heart", "count the classes"]
WRONG = [
    ("9.1", "as it was", Patient1, "decoders_meet"), ("9.1", "skips not reversed", up_with(lambda d, s: zip(d, s)), "decoders_meet"),
    ("9.1", "an instance", ClinicUNet(channels=(4, 8)), "decoders_meet"), ("9.1", "no decoder", up_with(lambda d, s: []), "decoders_meet"),
    ("9.1", "one skip for all", network(up=first_twice), "decoders_meet"),
    ("9.1", "last decoder left out", up_with(lambda d, s: zip(d[:-1], reversed(s))), "decoders_meet"),
    ("9.1", "zeros", ended(torch.zeros_like), "each_decoder_gets_its_skip"),
    ("9.1", "skips detached", network(up=cut_off), "each_decoder_gets_its_skip"),
    ("9.1", "in training without a gradient", network(forward=torch.no_grad()(ClinicUNet.forward)),
     "each_decoder_gets_its_skip"),
    ("9.1", "changed in place", network(up=grown_in_place), "each_decoder_gets_its_skip"),
    ("9.1", "for three classes",
     network(__init__=for_three), "each_decoder_gets_its_skip"),
    ("9.1", "as numbers of NumPy", ended(lambda z: z.detach().numpy()), "decoders_meet"),
    ("9.2", "as it was", Patient2, "channels_meet"), ("9.2", "transposed convolution back", ClinicUNet, "still_bilinear"),
    ("9.2", "nearest", bilinear(lambda a, b: nn.Sequential(doubled("nearest"), nn.Conv2d(a, b, 1))), "still_bilinear"),
    ("9.2", "reduced to the input", bilinear(lambda a, b: nn.Sequential(doubled(), nn.Conv2d(a, a, 1))), "channels_meet"),
    ("9.2", "three times as large", bilinear(lambda a, b: nn.Sequential(nn.Upsample(scale_factor=3, mode="bilinear"), nn.Conv2d(a, b, 1))),
     "the_rest_is_as_it_was"), ("9.2", "all levels as narrow", network(UNet, __init__=narrower), "the_rest_is_as_it_was"),
    ("9.2", "a layer that is not used", Unused, "the_rest_is_as_it_was"),
    ("9.2", "decoders hand on more", network(__init__=wider), "the_rest_is_as_it_was"),
    ("9.2", "below detached",
     bilinear(Interpolated, up=lambda self, x, skips: ClinicUNet.up(self, x.detach(), skips)),
     "the_rest_is_as_it_was"),
    ("9.2", "corners aligned", bilinear(lambda a, b: nn.Sequential(nn.Conv2d(a, b, 1), nn.Upsample(
        scale_factor=2, mode="bilinear", align_corners=True))), "the_rest_is_as_it_was"),
    ("9.2", "frozen", bilinear(lambda a, b: nn.Sequential(doubled(), nn.Conv2d(a, b, 1)).requires_grad_(
        False)), "the_rest_is_as_it_was"),
    ("9.2", "made anew in each call", bilinear(MadeInForward), "nothing_is_drawn_while_it_runs"),
    ("9.2", "a ReLU behind it",
     bilinear(lambda a, b: nn.Sequential(doubled(), nn.Conv2d(a, b, 1), nn.ReLU())),
     "no_relu_on_the_way_up"),
    ("9.2", "a ReLU in one decoder", bilinear(lambda a, b: nn.Sequential(
        doubled(), nn.Conv2d(a, b, 1), nn.ReLU() if b == 4 else nn.Identity())),
     "no_relu_on_the_way_up"),
    ("9.2", "skips silenced", hears(torch.zeros_like), "each_skip_is_heard"),
    ("9.2", "skips detached", hears(torch.detach), "each_skip_is_heard"),
    ("9.2", "one skip silenced",
     bilinear(lambda a, b: nn.Sequential(nn.Conv2d(a, b, 1), doubled()), up=one_level_silent),
     "each_skip_is_heard"),
    ("9.2", "another network", nn.Sequential, "channels_meet"),
    ("9.3", "as it was", Patient3, "the_bright_pixel_stays"),
    ("9.3", "pooled and resized", down_with(lambda s, x, n: F.interpolate(x, scale_factor=2)), "nothing_else_in_three"),
    ("9.3", "only on the first level", down_with(lambda s, x, n: x if n else s), "nothing_else_in_three"),
    ("9.3", "no skips", down_with(lambda s, x, n: 0 * s), "nothing_else_in_three"),
    ("9.3", "stops", down_with(lambda s, x, n: None), "the_bright_pixel_stays"),
    ("9.3", "detached", down_with(lambda s, x, n: s.detach()), "nothing_else_in_three"),
    ("9.3", "detached and halved", down_with(lambda s, x, n: s.detach() / 2), "nothing_else_in_three"),
    ("9.4", "as it was", Patient4, "size_stays"), ("9.4", "from 1 to the end", crop_with(lambda x, h, w: x[..., 1:, 1:]), "size_stays"),
    ("9.4", "no crop", crop_with(lambda x, h, w: x), "size_stays"),
    ("9.4", "the last ones", crop_with(lambda x, h, w: x[..., -h:, -w:]), "nothing_moves"),
    ("9.4", "the centre", crop_with(lambda x, h, w: x[..., (n := (x.shape[-2] - h) // 2) : n + h, (m := (x.shape[-1] - w) // 2) : m + w]),
     "nothing_moves"),
    ("9.4", "resized", crop_with(lambda x, h, w: F.interpolate(x, size=(h, w))), "nothing_moves"),
    ("9.4", "cut off at the end", network(forward=by_the_end), "nothing_moves"),
    ("9.4", "by .data", crop_with(lambda x, h, w: x.data[..., :h, :w]), "nothing_moves"),
    ("9.4", "padded at the left", crop_with(lambda x, h, w: F.pad(x, (1, 0, 1, 0))[..., :h, :w]), "nothing_moves"),
    ("9.5", "as it was", Patient5, "weights_are_drawn_after_he"), ("9.5", "fan-out", started(kaiming(mode="fan_out")), "weights_are_drawn_after_he"),
    ("9.5", "two values", started(signs), "weights_are_drawn_after_he"),
    ("9.5", "not centred", started(not_centred), "weights_are_drawn_after_he"),
    ("9.5", "all but the first", started(all_but_the_first), "weights_are_drawn_after_he"),
    ("9.5", "Xavier", started(lambda m: nn.init.xavier_normal_(m.weight)),
                                                                         "weights_are_drawn_after_he"),
    ("9.5", "biases forgotten", started(kaiming(bias=False)), "biases_are_zero"),
    ("9.5", "with batch norm", started(lambda m: None, norm=True), "biases_are_zero"),
    ("9.5", "the same each time", started(fixed), "weights_are_drawn_after_he"),
    ("9.5", "detached", network(started(init_he), up=cut_off), "still_without_norm"),
    ("9.5", "output doubled", network(started(init_he), forward=scaled_forward), "still_without_norm"),
    ("9.6", "as it was", patient6, "class_numbers"), ("9.6", "divided as a float", lambda p: torch.from_numpy(p) / 255, "whole_numbers_and_other_files"),
    ("9.6", "integer division", lambda p: torch.from_numpy(p // 255).long(), "whole_numbers_and_other_files"),
    ("9.6", "upside down", lambda p: torch.from_numpy(p == 0).long(), "class_numbers"), ("9.6", "truth values", lambda p: torch.from_numpy(p > 0), "whole_numbers_and_other_files"),
    ("9.6", "a channel axis", lambda p: torch.from_numpy(p > 0).long()[None], "class_numbers"),
    ("9.6", "moved", lambda p: torch.from_numpy(np.roll(p, 1, 1) > 0).long(), "class_numbers"),
    ("9.6", "the largest value", lambda p: torch.from_numpy(p == p.max()).long(),
     "nothing_but_background_or_nucleus"),
    ("9.6", "more than the smallest", lambda p: torch.from_numpy(p > p.min()).long(),
     "nothing_but_background_or_nucleus"),
    ("9.6", "more than the mean", lambda p: torch.from_numpy(p > p.mean()).long(),
     "nothing_but_background_or_nucleus"),
    ("9.6", "divided by the largest", lambda p: torch.from_numpy(p / p.max()).long(),
     "nothing_but_background_or_nucleus"),
    ("9.6", "half", lambda p: torch.from_numpy(p > 127).long(), "whole_numbers_and_other_files"),
    ("9.7", "as it was", patient7, "no_class_in_between"), ("9.7", "long behind it", resize(mask="bilinear"), "no_class_in_between"),
    ("9.7", "rounded", resize(mask="bilinear", change=torch.round), "no_class_in_between"), ("9.7", "float", resize(dtype=torch.float32), "no_class_in_between"),
    ("9.7", "nearest, the first of the pixels", resize(mask="nearest"), "from_the_middle"),
    ("9.7", "places rounded down", places_in_numpy, "from_the_middle"),
    ("9.7", "both nearest", resize(image="nearest-exact"), "images_as_before"), ("9.7", "mask mirrored", resize(change=lambda m: m.flip(-1)), "in_their_places"),
    ("9.7", "mask moved by one pixel", moved_by_one, "in_their_places"),
    ("9.7", "in whole steps", in_whole_steps, "in_their_places"),
    ("9.7", "last line lost", last_line_lost, "in_their_places"),
    ("9.7", "mask rolled", resize(change=lambda m: m.roll(6, -1)), "in_their_places"),
    ("9.7", "only the images", lambda x, y, s: resize()(x, y, s)[0], "no_class_in_between"),
    ("9.8", "as it was", patient8, "channels_first"), ("9.8", "reshape", lambda p: patient8(p).reshape(1, 3, *p.shape[:2]), "colours_stay_together"),
    ("9.8", "on its side", lambda p: patient8(p).permute(0, 3, 2, 1), "channels_first"),
    ("9.8", "not scaled", lambda p: 255 * patient8(p).permute(0, 3, 1, 2),
     "grey_values_from_0_to_1"),
    ("9.8", "by the largest", scaled_colour(lambda t: t / t.max()), "grey_values_from_0_to_1"),
    ("9.8", "by the largest, or 1", scaled_colour(lambda t: t / t.max().clamp(min=1)),
     "grey_values_from_0_to_1"),
    ("9.8", "from -1 to 1", scaled_colour(lambda t: t / 127.5 - 1), "grey_values_from_0_to_1"),
    ("9.8", "by 256", scaled_colour(lambda t: t / 256), "grey_values_from_0_to_1"),
    ("9.8", "mirrored", scaled_colour(lambda t: t.flip(3) / 255), "colours_stay_together"),
    ("9.8", "upside down", scaled_colour(lambda t: t.flip(2) / 255), "colours_stay_together"),
    ("9.8", "squeezed",
     lambda p: torch.from_numpy(p / 255).permute(2, 0, 1).squeeze()[None].float(),
     "colours_stay_together"),
    ("9.8", "channels where there are three",
     lambda p: torch.from_numpy(p if p.shape[0] == 3 else np.moveaxis(p, 2, 0))[None] / 255,
     "colours_stay_together"),
    ("9.8", "no batch", lambda p: patient8(p).permute(0, 3, 1, 2)[0], "channels_first"),
    ("9.8", "colours reversed", lambda p: patient8(p).permute(0, 3, 1, 2).flip(1), "colours_stay_together"),
    ("9.8", "on its side where square", lambda p: patient8(p).permute(0, 3, 2, 1).reshape(1, 3, *p.shape[:2]), "colours_stay_together"),
    ("9.9", "as it was", patient9, "mask_follows"), ("9.9", "two coins", mirror(coins=2), "mask_follows"), ("9.9", "only the mask", mirror(image=False), "mask_follows"),
    ("9.9", "never", mirror(chance=0), "the_coin_is_as_before"), ("9.9", "always", mirror(chance=1), "the_coin_is_as_before"),
    ("9.9", "top and bottom", mirror(axis=-2), "mask_follows"),
    ("9.9", "both mirrored, a mask otherwise", lambda x, y, g: (mirror()(x, y, g)[0], y.flip(1)),
     "mask_follows"),
    ("9.9", "a coin for each", coin_for_each, "mask_follows"),
    ("9.9", "masks as floats", lambda x, y, g: mirror()(x, y.float(), g), "mask_follows"),
    ("9.9", "masks first", lambda x, y, g: mirror()(x, y, g)[::-1], "mask_follows"),
    ("9.9", "one in four", mirror(chance=0.25), "the_coin_is_as_before"),
    ("9.9", "from its seed", from_its_seed, "the_coin_is_as_before"),
    ("9.9", "another coin", lambda x, y, g: mirror()(x, y, None), "the_coin_is_as_before"),
    ("9.9", "images only", lambda x, y, g: x, "mask_follows"),
    ("9.9", "halved", lambda x, y, g: (mirror()(x, y, g)[0] / 2, y.flip(-1)), "mask_follows"),
    ("9.10", "as it was", patient10, "batch_norm_has_values"), ("9.10", "smaller still", crops(8), "batch_norm_has_values"),
    ("9.10", "no crop", lambda x, y, g: tuple(t[:0] for t in crops()(x, y, g)),
     "batch_norm_has_values"),
    ("9.8", "not beyond 64", lambda p: patient8(p[:64, :64]).permute(0, 3, 1, 2),
     "colours_stay_together"),
    ("9.10", "whole field", lambda x, y, g: (x, y), "still_crops_with_their_masks"), ("9.10", "always the same", crops(generator=False), "still_crops_with_their_masks"),
    ("9.10", "enlarged", doubled_crop, "still_crops_with_their_masks"), ("9.10", "mask of another", with_other_masks, "still_crops_with_their_masks"),
    ("9.10", "one crop twice", repeated, "still_crops_with_their_masks"),
    ("9.10", "rows twice", rows_repeated, "still_crops_with_their_masks"),
    ("9.10", "masks as floats",
     lambda x, y, g: (crops()(x, y, g)[0], crops()(x, y, g)[0][:, 0] % 3),
     "still_crops_with_their_masks"),
    ("9.10", "never the last place", cropped(last=0), "every_place_may_come"),
    ("9.10", "from the first image", cropped(fields=1), "every_place_may_come"),
    ("9.10", "generator left out", lambda x, y, g: crops()(x, y, None), "still_crops_with_their_masks"),
    ("9.10", "channel lost", lambda x, y, g: (crops()(x, y, g)[0][:, 0], crops()(x, y, g)[1]), "batch_norm_has_values"),
    ("9.11", "as it was", Patient11, "gives_logits"), ("9.11", "sigmoid", ended(torch.sigmoid), "learns_as_a_healthy_one"),
    ("9.11", "argmax", ended(lambda z: z.argmax(1)), "gives_logits"), ("9.11", "softmax over the rows", ended(lambda z: z.softmax(2)), "learns_as_a_healthy_one"),
    ("9.11", "halved", ended(lambda z: z / 2), "learns_as_a_healthy_one"), ("9.11", "ReLU", ended(torch.relu), "learns_as_a_healthy_one"),
    ("9.11", "softmax while training", network(forward=after_training), "gives_logits"),
    ("9.11", "ReLU while training", network(forward=relu_while_training),
     "learns_as_a_healthy_one"),
    ("9.11", "detached", network(up=cut_off), "learns_as_a_healthy_one"),
    ("9.11", "one channel", ended(lambda z: z[:, :1]), "gives_logits"),
    ("9.12", "as it was", patient12, "sure_and_right_costs_nothing"), ("9.12", "after the sigmoid", lambda z, y: F.binary_cross_entropy(z[:, 0].sigmoid(), y.float()), "the_loss_is_as_before"),
    ("9.12", "sum", lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float(), reduction="sum"), "the_loss_is_as_before"),
    ("9.12", "squared error", lambda z, y: F.mse_loss(z[:, 0].sigmoid(), y.float()), "the_loss_is_as_before"),
    ("9.12", "no sigmoid at all", lambda z, y: F.binary_cross_entropy(z[:, 0], y.float()), "sure_and_right_costs_nothing"),
    ("9.12", "masks not as float", lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y), "sure_and_right_costs_nothing"),
    ("9.12", "a plain number",
     lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float()).item(),
     "sure_and_right_costs_nothing"),
    ("9.12", "for each pixel",
     lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float(), reduction="none"),
     "sure_and_right_costs_nothing"),
    ("9.12", "squeezed", lambda z, y: F.binary_cross_entropy_with_logits(z.squeeze(), y.float()),
     "any_batch"),
    ("9.12", "weighed by the nuclei",
     lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float()) * y.sum() / y.sum(),
     "any_batch"),
    ("9.12", "detached",
     lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0].detach(), y.float()),
     "a_gradient_comes_back"),
    ("9.12", "gradient cut off",
     lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float()).detach() + 0 * z.sum(),
     "a_gradient_comes_back"),
    ("9.12", "zero", lambda z, y: 0.0 * z.sum(), "the_loss_is_as_before"),
    ("9.13", "as it was", patient13, "learns_one_batch"), ("9.13", "a hundred times too large", optimiser(lr=30.0), "learns_one_batch"),
    ("9.13", "SGD", optimiser(torch.optim.SGD, lr=0.5), "learns_one_batch"),
    ("9.13", "Adam", optimiser(torch.optim.Adam), "learns_one_batch"),
    ("9.13", "LBFGS", optimiser(torch.optim.LBFGS, lr=1e-3), "learns_one_batch"),
    ("9.13", "a larger eps", optimiser(lr=1e-2, eps=1e-4), "adamw_over_all_weights"),
    ("9.13", "amsgrad", optimiser(amsgrad=True), "adamw_over_all_weights"),
    ("9.13", "ten times", optimiser(lr=3e-4), "learns_one_batch"), ("9.13", "0.1", optimiser(lr=0.1), "adamw_over_all_weights"), ("9.13", "weight decay changed", optimiser(weight_decay=0.0), "adamw_over_all_weights"),
    ("9.13", "a part of the weights", optimiser(part=True, lr=1e-2), "adamw_over_all_weights"), ("9.13", "a number", lambda model: 3e-3, "learns_one_batch"),
    ("9.14", "as it was", patient14, "half_of_a_probability"), ("9.14", "training mode", masks_of(mode=False), "half_of_a_probability"),
    ("9.14", "0 after the sigmoid", masks_of(0.0), "the_rest_of_the_prediction"), ("9.14", "probabilities", lambda m, x: m.eval()(x)[:, 0].sigmoid(), "the_rest_of_the_prediction"),
    ("9.14", "with a channel axis", masks_of(end=lambda m: m[:, None]), "half_of_a_probability"), ("9.14", "numbers", masks_of(end=lambda m: m.long()), "the_rest_of_the_prediction"),
    ("9.14", "0.4", masks_of(0.4), "the_rest_of_the_prediction"),
    ("9.14", "0.4999", masks_of(0.4999), "the_rest_of_the_prediction"),
    ("9.14", "squeezed where it can be", masks_of(end=lambda m: m if m.shape[1] > 1 else m[0]),
     "the_rest_of_the_prediction"),
    ("9.15", "as it was", patient15, "the_network_is_left_alone"), ("9.15", "train", classes_of("train"), "the_network_is_left_alone"),
    ("9.15", "back to train", classes_of(after="train"), "the_network_is_left_alone"),
    ("9.14", "training mode afterwards", lambda m, x: (masks_of()(m, x), m.train())[0],
     "half_of_a_probability"),
    ("9.15", "eval too late", classes_of(None, after="eval"), "the_network_is_left_alone"), ("9.15", "over the rows", classes_of(dim=2), "classes_as_before"),
    ("9.15", "logits", lambda m, x: m.eval()(x), "classes_as_before"), ("9.15", "smallest", lambda m, x: m.eval()(x).argmin(1), "classes_as_before"),
    ("9.15", "squeezed", lambda m, x: m.eval()(x).argmax(1).squeeze(), "classes_as_before"),
    ("9.15", "the middle one never", lambda m, x: 2 * (m.eval()(x)[:, 2] > m(x)[:, 0]).long(),
     "classes_as_before"),
    ("9.15", "one image at a time, in training mode", lambda m, x: torch.cat([m(i[None]).argmax(1) for i in x]), "the_network_is_left_alone"),
    ("9.16", "as it was", patient16, "nothing_is_shared"), ("9.16", "not shuffled", sorted_not_shuffled, "nothing_is_shared"),
    ("9.16", "half of the field unused", lambda f, g: (crops_of(f[..., :128], step=64), crops_of(f[..., -64:], step=64)), "enough_in_both"),
    ("9.16", "half and half", parted(0.5), "enough_in_both"), ("9.16", "the same twice", lambda f, g: (crops_of(f), crops_of(f)), "nothing_is_shared"),
    ("9.16", "edge overlaps", lambda f, g: (crops_of(f[..., : f.shape[2] * 3 // 4 + 32]), crops_of(f[..., f.shape[2] * 3 // 4 - 32 :])), "nothing_is_shared"),
    ("9.16", "one crop again and again", twice_the_same, "enough_in_both"),
    ("9.16", "rows mixed", rows_mixed, "nothing_is_shared"),
    ("9.16", "crops from -1 to 1", lambda f, g: tuple(2 * c / f.max() - 1 for c in parted(0.75)(f, g)),
     "nothing_is_shared"),
    ("9.16", "rolled by a pixel", lambda f, g: parted(0.75)(f.roll(1, 2), g), "nothing_is_shared"),
    ("9.16", "an edge anywhere", any_edge, "enough_in_both"),
    ("9.16", "for one size of field", for_one_size, "enough_in_both"),
    ("9.16", "one list", lambda f, g: [crops_of(f)], "nothing_is_shared"),
    ("9.17", "as it was", patient17, "perfect_is_one"), ("9.17", "only classes in the mask", mean_of(lambda p, t: bool(t.any())), "mistakes_still_cost"),
    ("9.17", "absent counts one", one_for_absent, "mistakes_still_cost"), ("9.17", "empty counts zero", mean_of(either, empty=0.0), "nothing_there_and_nothing_found"),
    ("9.17", "nan", mean_of(either, empty=float("nan")), "nothing_there_and_nothing_found"), ("9.17", "accuracy", all_pixels, "mistakes_still_cost"),
    ("9.17", "only classes predicted", mean_of(lambda p, t: bool(p.any())), "mistakes_still_cost"),
    ("9.17", "with the background", mean_of(either, first=0), "mistakes_still_cost"),
    ("9.17", "an empty mask is 1", lambda p, t, n=3: mean_of(either)(p, t, n) if t.any() else 1.0,
     "mistakes_still_cost"),
    ("9.17", "an empty prediction is 1",
     lambda p, t, n=3: mean_of(either)(p, t, n) if p.any() else 1.0, "mistakes_still_cost"),
    ("9.17", "none right is 1", lambda p, t, n=3: mean_of(either)(p, t, n) or 1.0,
     "mistakes_still_cost"),
    ("9.17", "three classes", lambda p, t, n=3: mean_of(either)(p, t, 3), "mistakes_still_cost"),
    ("9.17", "rows alone", lambda p, t, n=3: mean_of(either)(p[0], t[0], n), "mistakes_still_cost"),
    ("9.17", "a number for each class", lambda p, t, n=3: [1.0] * (n - 1), "perfect_is_one"),
    ("9.17", "only in both", mean_of(lambda p, t: bool(p.any() and t.any())),
     "mistakes_still_cost"),
    *bank("9.18", FIRST, ("swapped", 0, "light one pixel", "an_error"), ("classes first", 1, "count the classes", "blurred_details"),
          ("shapes", 2, "print the shapes", "learns_nothing"), ("by heart", 3, "learn one batch by heart", "a_strange_number"),
          ("a letter", 0, "A", "an_error")),
]
RIGHT = [
    ("9.1", "as UNet", ClinicUNet), ("9.1", "pop", network(up=pop)), ("9.1", "indices", up_with(lambda d, s: [(d[i], s[-1 - i]) for i in range(len(d))])),
    ("9.2", "reduced afterwards", bilinear(lambda a, b: nn.Sequential(doubled(), nn.Conv2d(a, b, 1)))),
    ("9.2", "reduced before", bilinear(lambda a, b: nn.Sequential(nn.Conv2d(a, b, 1), doubled()))), ("9.2", "larger blocks", network(__init__=larger_blocks)),
    ("9.2", "a function, no layer", bilinear(Interpolated)),
    ("9.2", "decoders taken apart", bilinear(Interpolated, up=in_up)),
    ("9.2", "a norm behind it",
     bilinear(lambda a, b: nn.Sequential(doubled(), nn.Conv2d(a, b, 1), nn.BatchNorm2d(b)))),
    ("9.2", "the course's", network(__init__=lambda self, **o: UNet.__init__(self, up="bilinear", **o))),
    ("9.3", "healthy", ClinicUNet), ("9.3", "the course's", UNet), ("9.3", "block and pool apart", down_with(lambda s, x, n: s.clone())),
    ("9.4", "healthy", ClinicUNet), ("9.4", "narrow", crop_with(lambda x, h, w: x.narrow(-2, 0, h).narrow(-1, 0, w))),
    ("9.4", "padded by a negative number", crop_with(lambda x, h, w: F.pad(x, (0, w - x.shape[-1], 0, h - x.shape[-2])))),
    ("9.5", "called", network(Patient5, __init__=lambda self, **o: (Patient5.__init__(self, **o), self.initialise())[0])),
    ("9.5", "uniform", started(uniform)),
    ("9.5", "init_he", started(init_he)),
    ("9.5", "left to UNet", started(lambda layer: None)),
    ("9.5", "kaiming", started(kaiming(nonlinearity="relu"))),
    ("9.6", "larger than 0", lambda p: torch.from_numpy(p > 0).long()), ("9.6", "clamped", lambda p: torch.from_numpy(p).clamp(max=1).long()),
    ("9.6", "numpy", lambda p: torch.tensor(np.where(p != 0, 1, 0))),
    ("9.6", "an array", lambda p: (p > 0).astype(np.int64)),
    ("9.7", "nearest-exact", resize()),
    ("9.7", "one-hot", by_one_hot), ("9.7", "most frequent", by_area),
    ("9.8", "permute", lambda p: patient8(p).permute(0, 3, 1, 2)),
    ("9.8", "an array", lambda p: np.moveaxis(p, -1, 0)[None] / 255),
    ("9.8", "numpy", lambda p: torch.from_numpy(np.moveaxis(p, -1, 0)[None].copy()) / 255),
    ("9.9", "both", mirror()), ("9.9", "joined", mirror_by_number),
    ("9.10", "own function", cropped()),
    ("9.10", "all columns", full_width),
    ("9.10", "half as high", lambda x, y, g: own_crops(x, y, g, size=(x.shape[2] // 2, 40))),
    ("9.10", "larger", crops(64)), ("9.10", "more", crops(16, 4)), ("9.10", "both", crops(32, 2)),
    ("9.11", "healthy", ClinicUNet), ("9.11", "the log of the softmax", ended(lambda z: z.log_softmax(1))),
    ("9.12", "one sigmoid", lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float())),
    ("9.12", "in place, on a copy",
     lambda z, y: F.softplus((z[:, 0] * (1 - 2 * y)).mul_(1)).mean()),
    ("9.12", "by hand", lambda z, y: (F.softplus(z[:, 0]) - z[:, 0] * y).mean()),
    ("9.13", "0.003", optimiser()), ("9.13", "0.001", optimiser(lr=1e-3)), ("9.13", "0.01", optimiser(lr=1e-2)), ("9.13", "0.03", optimiser(lr=3e-2)),
    ("9.14", "sigmoid", masks_of()), ("9.14", "compared with 0", masks_of(0, sigmoid=False)),
    ("9.14", "written into an array", mask_in_numpy),
    ("9.15", "eval", classes_of()), ("9.15", "back as it was", as_it_came(classes_of())), ("9.15", "softmax", classes_of(softmax=True)),
    ("9.16", "by place", parted(0.75)), ("9.16", "with a gap", parted(0.75, gap=16)), ("9.16", "no overlap", shuffled_without_overlap),
    ("9.16", "by rows", by_rows),
    ("9.16", "crops in lists", lambda f, g: tuple(list(crops) for crops in parted(0.75)(f, g))),
    ("9.17", "either", mean_of(either)), ("9.17", "numpy", with_numpy), ("9.17", "marked in NumPy", marked_in_numpy),
    ("9.18", "tuple", tuple(FIRST)), ("9.18", "capitals", [w.capitalize() for w in FIRST]),
]
UNTOUCHED = [(f"9.{n}", lambda *a, **k: ...) for n in (6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17)]
