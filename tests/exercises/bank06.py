"""Answers that learners give to the exercises of notebook 06."""

import numpy as np
import torch
import torch.nn.functional as F

from unet_course.losses import fading_weights


def step(*, mode="train", zero="before", last="item", loss=F.cross_entropy, backward=True, update=True, detach=False):
    """A training step with one thing wrong; the defaults make a right one."""

    def run(model, optimiser, x, y):
        if mode:
            getattr(model, mode)()
        out = model(x)
        value = loss(out.detach().requires_grad_() if detach else out, y)
        if zero == "before":
            optimiser.zero_grad()
        if backward:
            value.backward()
        if zero == "too late":
            optimiser.zero_grad()
        for _ in range(update):
            optimiser.step()
        return {"item": value.item, "tensor": lambda: value, "none": lambda: None, "dots": lambda: ...}[last]()

    return run


def runs_twice(model, optimiser, x, y):
    model.train()
    optimiser.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimiser.step()
    return F.cross_entropy(model(x), y).item()


def clears_afterwards(model, optimiser, x, y):
    model.train()
    value = F.cross_entropy(model(x), y)
    value.backward()
    optimiser.step()
    model.zero_grad()
    return value.detach().numpy().item()


def with_an_optimiser(made):
    """A step with an optimiser of its own."""

    def run(model, optimiser, x, y):
        model.train()
        value = F.cross_entropy(model(x), y)
        own = made(model, optimiser)
        own.zero_grad()
        value.backward()
        own.step()
        return value.item()

    return run


def by_hand_with_a_rate(model, optimiser, x, y):
    model.train()
    optimiser.zero_grad()
    value = F.cross_entropy(model(x), y)
    value.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
    return value.item()


def with_a_clip(model, optimiser, x, y):
    model.train()
    optimiser.zero_grad()
    value = F.cross_entropy(model(x), y)
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimiser.step()
    return value.item()


def halves_the_rate(model, optimiser, x, y):
    value = step()(model, optimiser, x, y)
    for group in optimiser.param_groups:
        group["lr"] *= 0.5
    return value


def largest_of_all(logits, target):
    powers = (logits - logits.max()).exp()
    return -true_of(powers / powers.sum(1, keepdim=True), target).log().mean()


def clears_then_adds(model, optimiser, x, y):
    model.train()
    value = F.cross_entropy(model(x), y)
    value.backward()
    optimiser.step()
    optimiser.zero_grad()
    return value.item()


def of_three_classes(z, y):
    return -(F.one_hot(y, 3).movedim(-1, 1) * z.log_softmax(1)).sum(1).mean()


def closure(model, optimiser, x, y):
    def again():
        optimiser.zero_grad()
        value = -model.train()(x).log_softmax(1).gather(1, y[:, None]).mean()
        value.backward()
        return value
    return optimiser.step(again).item()


def sometimes(x, y, mirror):
    return (x.flip(-1), y.flip(-1)) if mirror and torch.rand(()) < 0.5 else (x, y)


def each_its_own(x, y, mirror):
    if not mirror:
        return x, y
    return torch.stack([t.flip(-1) if i % 2 else t for i, t in enumerate(x)]), y.flip(-1)


def other_order(model, optimiser, x, y):
    optimiser.zero_grad(set_to_none=True)
    model.train(True)
    value = torch.nn.CrossEntropyLoss()(model(x), y)
    value.backward()
    optimiser.step()
    return float(value)


def by_hand(logits, target):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    chosen = shifted.gather(1, target[:, None])[:, 0]
    return (shifted.exp().sum(dim=1).log() - chosen).mean()


def of_four_pixels(logits, target):
    return -sum(logits.log_softmax(1)[i, target[i]] for i in range(len(target))) / 4


def of_the_first_four(logits, target):
    return F.cross_entropy(logits[:4], target[:4])


def of_three_classes_by_hand(logits, target):
    true = torch.stack([(target == k) for k in range(3)], dim=1)
    return -(true * logits.log_softmax(1)[:, :3]).sum() / len(target)


def dice_by_axes(*axes):
    """A Dice loss with its sums over certain axes, then the mean."""

    def loss(p, t):
        return (1 - (2 * (p * t).sum(axes) + 1) / (p.sum(axes) + t.sum(axes) + 1)).mean()
    return loss


def dice_in_place(p, t):
    areas = p.sum() + t.sum() + 1
    dice = (2 * (p * t).sum() + 1) / areas
    areas -= 1  # only to look at it
    return 1 - dice


def dice_through_a_float(p, t):
    """The overlap as a number: of the gradient only a part is left."""
    return 1 - (2 * (p * t).sum().item() + 1) / (p.sum() + t.sum() + 1)


def with_numpy(logits, target):
    z = logits.numpy().astype(np.float64)
    z = z - z.max(axis=1, keepdims=True)
    return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), target.numpy()]).mean())


def true_of(p, t):
    return p[torch.arange(len(t)), t]


def mirror(x, y, mirror):
    return (torch.flip(x, [3]), torch.flip(y, [2])) if mirror else (x, y)


WRONG = [
    ("6.1", "no logarithm", lambda z, t: -true_of(z.softmax(1), t).mean(), "known_pixels"),
    ("6.1", "sum, not mean", lambda z, t: F.cross_entropy(z, t, reduction="sum"), "known_pixels"),
    ("6.1", "sign forgotten", lambda z, t: -F.cross_entropy(z, t), "known_pixels"),
    ("6.1", "base ten", lambda z, t: F.cross_entropy(z, t) / np.log(10), "known_pixels"),
    ("6.1", "softmax twice", lambda z, t: F.cross_entropy(z.softmax(1), t), "known_pixels"),
    ("6.1", "no softmax", lambda z, t: -true_of(z, t).mean(), "takes_logits"),
    ("6.1", "softmax over the pixels", lambda z, t: -true_of(z.log_softmax(0), t).mean(), "known_pixels"),
    ("6.1", "overflows", lambda z, t: -true_of(z.exp() / z.exp().sum(1, keepdim=True), t).log().mean(), "large_logits"),
    ("6.1", "mean over classes too", lambda z, t: -z.log_softmax(1).mean(), "known_pixels"),
    ("6.1", "a cost for each pixel", lambda z, t: F.cross_entropy(z, t, reduction="none"), "known_pixels"),
    ("6.1", "numpy", with_numpy, "a_gradient_goes_back"),
    ("6.1", "a plain number", lambda z, t: F.cross_entropy(z, t).item(), "a_gradient_goes_back"),
    ("6.1", "detached", lambda z, t: F.cross_entropy(z, t).detach(), "a_gradient_goes_back"),
    ("6.1", "softmax, then the logarithm", lambda z, t: -true_of(z.softmax(1), t).log().mean(), "large_logits"),
    ("6.1", "largest subtracted, then the logarithm",
     lambda z, t: -true_of((z - z.amax(1, keepdim=True)).softmax(1), t).log().mean(), "large_logits"),
    ("6.1", "half of it detached",
     lambda z, t: (F.cross_entropy(z, t) + F.cross_entropy(z, t).detach()) / 2, "a_gradient_goes_back"),
    ("6.1", "clamped after", lambda z, t: F.cross_entropy(z, t).clamp(max=50), "large_logits"),
    ("6.1", "a small number added", lambda z, t: -(true_of(z.softmax(1), t) + 1e-6).log().mean(), "takes_logits"),
    ("6.1", "arguments swapped", lambda z, t: F.cross_entropy(t, z), "known_pixels"),
    ("6.1", "clamped", lambda z, t: -true_of(z.softmax(1), t).clamp(min=1e-7).log().mean(), "large_logits"),
    ("6.1", "base two", lambda z, t: F.cross_entropy(z, t) / np.log(2), "known_pixels"),
    ("6.1", "divided by four", of_four_pixels, "any_size"),
    ("6.1", "the first four pixels", of_the_first_four, "any_size"),
    ("6.1", "three classes", of_three_classes_by_hand, "any_size"),
    ("6.2", "an optimiser of its own", with_an_optimiser(
        lambda model, given: torch.optim.SGD(model.parameters(), lr=0.1)),
     "with_the_optimiser_given"),
    ("6.2", "an optimiser of its own, with the rate of the given one", with_an_optimiser(
        lambda model, given: torch.optim.SGD(model.parameters(), lr=given.param_groups[0]["lr"])),
     "with_the_optimiser_given"),
    ("6.2", "Adam of its own", with_an_optimiser(
        lambda model, given: torch.optim.Adam(model.parameters())), "with_the_optimiser_given"),
    ("6.2", "by hand, with a rate", by_hand_with_a_rate, "with_the_optimiser_given"),
    ("6.2", "gradients cut", with_a_clip, "gradients_do_not_add_up"),
    ("6.2", "smoothed labels", step(
        loss=lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1)), "gradients_do_not_add_up"),
    ("6.2", "rate halved each time", halves_the_rate, "gradients_do_not_add_up"),
    ("6.1", "largest of everything subtracted", largest_of_all, "large_logits"),
    ("6.6", "1 below only", lambda p, t: 1 - 2 * (p * t).sum() / (p.sum() + t.sum() + 1),
     "perfect_is_nearly_zero"),
    ("6.6", "1 above only", lambda p, t: 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum()),
     "perfect_is_nearly_zero"),
    ("6.6", "twice 1 above", lambda p, t: 1 - 2 * ((p * t).sum() + 1) / (p.sum() + t.sum() + 1),
     "perfect_is_nearly_zero"),
    ("6.6", "a new tensor of the number", lambda p, t: torch.tensor(
        1 - (2 * (p * t).sum().item() + 1) / (p.sum() + t.sum() + 1).item(), requires_grad=True),
     "gradient_flows"),
    ("6.2", "set to zero at the end", clears_afterwards, "old_gradients_are_forgotten"),
    ("6.2", "set to zero at the end, by the optimiser", clears_then_adds,
     "old_gradients_are_forgotten"),
    ("6.2", "three classes", step(loss=of_three_classes), "weights_change"),
    ("6.6", "mean over images, axes named", dice_by_axes(1, 2), "over_the_whole_batch"),
    ("6.6", "three axes named", dice_by_axes(0, 1, 2), "perfect_is_nearly_zero"),
    ("6.6", "two axes named from behind", dice_by_axes(-1, -2), "over_the_whole_batch"),
    ("6.6", "changed in place", dice_in_place, "gradient_flows"),
    ("6.6", "the overlap a float", dice_through_a_float, "gradient_flows"),
    ("6.2", "no step", step(update=False), "weights_change"),
    ("6.2", "no backward", step(backward=False), "weights_change"),
    ("6.2", "gradients never set to zero", step(zero="never"), "gradients_do_not_add_up"),
    ("6.2", "set to zero after backward", step(zero="too late"), "weights_change"),
    ("6.2", "mode forgotten", step(mode=None), "in_training_mode"),
    ("6.2", "eval mode", step(mode="eval"), "in_training_mode"),
    ("6.2", "returns the tensor", step(last="tensor"), "returns_a_number"),
    ("6.2", "forgotten return", step(last="none"), "weights_change"),
    ("6.2", "softmax before the loss", step(loss=lambda z, y: F.cross_entropy(z.softmax(1), y)), "returns_a_number"),
    ("6.2", "detached", step(detach=True), "weights_change"),
    ("6.2", "sum instead of mean", step(loss=lambda z, y: F.cross_entropy(z, y, reduction="sum")), "returns_a_number"),
    ("6.2", "two steps in one", step(update=2), "gradients_do_not_add_up"),
    ("6.2", "the network runs twice", runs_twice, "in_training_mode"),
    ("6.2", "rounded", lambda *a: round(step()(*a), 1), "returns_a_number"),
    ("6.2", "accuracy returned", lambda m, o, x, y: (step()(m, o, x, y), float((m(x).argmax(1) == y).float().mean()))[1],
     "in_training_mode"),
    ("6.2", "text", lambda *a: f"{step()(*a):.4f}", "returns_a_number"),
    ("6.2", "two classes", step(loss=lambda z, y: F.binary_cross_entropy_with_logits(z[:, 1], y.clamp(max=1).float())),
     "returns_a_number"),
    ("6.3", "mask left behind", lambda x, y, m: (x.flip(-1), y) if m else (x, y), "mask_goes_along"),
    ("6.3", "image left behind", lambda x, y, m: (x, y.flip(-1)) if m else (x, y), "image_is_mirrored"),
    ("6.3", "top and bottom", lambda x, y, m: (x.flip(-2), y.flip(-2)) if m else (x, y), "image_is_mirrored"),
    ("6.3", "mask top and bottom", lambda x, y, m: (x.flip(-1), y.flip(-2)) if m else (x, y), "mask_goes_along"),
    ("6.3", "always", lambda x, y, m: (x.flip(-1), y.flip(-1)), "off_means_off"),
    ("6.3", "never", lambda x, y, m: (x, y), "image_is_mirrored"),
    ("6.3", "the other way round", lambda x, y, m: (x, y) if m else (x.flip(-1), y.flip(-1)), "image_is_mirrored"),
    ("6.3", "turned", lambda x, y, m: (x.transpose(-1, -2), y.transpose(-1, -2)) if m else (x, y), "shapes_stay"),
    ("6.3", "mask as float", lambda x, y, m: (x.flip(-1), y.flip(-1).float()) if m else (x, y), "mask_goes_along"),
    ("6.3", "batch mirrored", lambda x, y, m: (x.flip(0), y.flip(0)) if m else (x, y), "image_is_mirrored"),
    ("6.3", "sometimes", sometimes, "image_is_mirrored"),
    ("6.3", "every other picture", each_its_own, "image_is_mirrored"),
    ("6.3", "masks first", lambda x, y, m: (y.flip(-1), x.flip(-1)) if m else (y, x), "shapes_stay"),
    ("6.3", "both ways", lambda x, y, m: (x.flip(-1, -2), y.flip(-1, -2)) if m else (x, y), "image_is_mirrored"),
    ("6.3", "channels mirrored too", lambda x, y, m: (x.flip(1, 3), y.flip(2)) if m else (x, y), "image_is_mirrored"),
    ("6.3", "nothing where off", lambda x, y, m: (x.flip(-1), y.flip(-1)) if m else None, "off_means_off"),
    ("6.3", "mask one-hot", lambda x, y, m: (x.flip(-1), F.one_hot(y.flip(-1))), "shapes_stay"),
    ("6.3", "images only returned", lambda x, y, m: x.flip(-1), "shapes_stay"),
    ("6.4", "stands still", "A", "the_diagnosis"), ("6.4", "good on both", "C", "the_diagnosis"), ("6.4", "never good on others", "d", "the_diagnosis"),
    ("6.4", "word", "overfitting", "the_diagnosis"), ("6.4", "number", 2, "the_diagnosis"),
]
RIGHT = [
    ("6.1", "library", F.cross_entropy), ("6.1", "largest subtracted", by_hand),
    ("6.1", "one-hot", lambda logits, target: -(F.one_hot(target, logits.shape[1]) * logits.log_softmax(1)).sum() / len(target)),
    ("6.2", "usual order", step()), ("6.2", "zero first, float()", other_order),
    ("6.2", "closure", closure),
    ("6.3", "torch.flip", mirror), ("6.3", "numpy", lambda x, y, mirror: tuple(torch.from_numpy(t.numpy()[..., ::-1].copy()) if mirror
                                                                            else t for t in (x, y))),
    ("6.3", "indexing, a list", lambda x, y, mirror: [t[..., torch.arange(t.shape[-1] - 1, -1, -1)] if mirror else t for t in (x, y)]),
    ("6.4", "letter", "B"), ("6.4", "small", "b"),
]


def by_mean(base, changed):
    a, b = sum(base) / len(base), sum(changed) / len(changed)
    return "better" if b > a else "worse" if b < a else "cannot tell"


def with_equals(base, changed):
    if min(changed) >= max(base):
        return "better"
    return "worse" if max(changed) <= min(base) else "cannot tell"


def apart(base, changed):
    if min(changed) > max(base):
        return "better"
    return "worse" if max(changed) < min(base) else "cannot tell"


WRONG += [
    ("6.7", "arguments swapped", lambda b, c: apart(c, b), "apart"), ("6.7", "a number", lambda b, c: max(c) - max(b), "apart"),
    ("6.7", "True", lambda b, c: min(c) > max(b), "apart"), ("6.7", "never sure", lambda b, c: "cannot tell", "apart"),
    ("6.7", "never worse", lambda b, c: "better" if min(c) > max(b) else "cannot tell", "apart"),
    ("6.7", "first against first", lambda b, c: apart(b[:1], c[:1]), "overlapping"),
    ("6.7", "means", by_mean, "overlapping"), ("6.7", "best against best", lambda b, c: apart([max(b)], [max(c)]), "overlapping"),
    ("6.7", "lists as lists", lambda b, c: "better" if c > b else "worse", "overlapping"),
    ("6.7", "worst against worst", lambda b, c: apart([min(b)], [min(c)]), "overlapping"),
    ("6.7", "ends in order", lambda b, c: apart(b, c[:1]), "overlapping"),
    ("6.7", "equal counts as better", with_equals, "touching"),
    ("6.7", "equal counts as worse", lambda b, c: "worse" if max(c) <= min(b) else apart(b, c), "touching"),
    ("6.7", "equal counts as better, once", lambda b, c: "better" if min(c) >= max(b) else apart(b, c), "touching"),
]
RIGHT += [
    ("6.7", "ends", apart), ("6.7", "all pairs", lambda b, c: "better" if all(y > x for x in b for y in c) else
                             "worse" if all(y < x for x in b for y in c) else "cannot tell"),
    ("6.7", "capitals", lambda b, c: apart(b, c).upper()),
]


def faded(shares, done, *, start=0.4, end=0.8, first=1.0):
    """Right as it stands; wrong with other numbers."""
    power = first * min(max((end - done) / (end - start), 0), 1)
    weights = [share**-power for share in shares]
    mean = sum(share * weight for share, weight in zip(shares, weights))
    return [weight / mean for weight in weights]


def power_at(done):
    return min(max((0.8 - done) / 0.4, 0), 1)


def summing_to(goal):
    """Weights that add up to a number in place of a mean of 1 over the pixels."""
    def weigh(shares, done):
        weights = [share**-power_at(done) for share in shares]
        wanted = len(shares) if goal == "classes" else 1
        return [wanted * weight / sum(weights) for weight in weights]
    return weigh


def blended(shares, done):
    """The weights fall in a straight line, and not the power."""
    left = power_at(done)
    return [left * weight + 1 - left for weight in faded(shares, 0)]


def mean_of_the_start(shares, done):
    mean = sum(share * (1 / share) for share in shares)
    return [share**-power_at(done) / mean for share in shares]


def in_numpy(shares, done):
    shares = np.array(shares)
    weights = shares ** -np.clip((0.8 - done) / 0.4, 0, 1)
    return weights / (weights * shares).sum()


def three_classes(shares, done):
    a, b, c = faded(shares[:3], done)
    return [a, b, c]


def by_branches(shares, done):
    if done <= 0.4:
        power = 1
    elif done >= 0.8:
        power = 0
    else:
        power = 1 - (done - 0.4) / 0.4
    weights = {place: (1 / share) ** power for place, share in enumerate(shares)}
    mean = sum(share * weights[place] for place, share in enumerate(shares))
    return tuple(weights[place] / mean for place in range(len(shares)))


WRONG += [
    ("6.8", "one over the shares", lambda s, d: [1 / x for x in s], "at_the_start"),
    ("6.8", "never divided", lambda s, d: [x**-power_at(d) for x in s], "at_the_start"),
    ("6.8", "add up to 1", summing_to(1), "at_the_start"),
    ("6.8", "mean of the classes is 1", summing_to("classes"), "at_the_start"),
    ("6.8", "the rarest weighs 1", lambda s, d: [min(s) / x for x in s], "at_the_start"),
    ("6.8", "the shares", lambda s, d: s, "at_the_start"),
    ("6.8", "a power with the other sign", lambda s, d: [x**power_at(d) for x in s], "at_the_start"),
    ("6.8", "grows in place of fading", lambda s, d: faded(s, 1.2 - d), "at_the_start"),
    ("6.8", "half a power at first", lambda s, d: faded(s, d, first=0.5), "at_the_start"),
    ("6.8", "one number", lambda s, d: 1.0, "at_the_start"),
    ("6.8", "only the mean", lambda s, d: [sum(faded(s, d))], "at_the_start"),
    ("6.8", "never fades", lambda s, d: faded(s, 0), "the_power_falls"),
    ("6.8", "fades from the start", lambda s, d: faded(s, d, start=0.0), "held_until_two_fifths"),
    ("6.8", "fades from 0.2 on", lambda s, d: faded(s, d, start=0.2), "held_until_two_fifths"),
    ("6.8", "gone at 0.4", lambda s, d: faded(s, 0 if d <= 0.4 else 1), "the_power_falls"),
    ("6.8", "the weights fall, not the power", blended, "the_power_falls"),
    ("6.8", "divided by the mean of the start", mean_of_the_start, "the_power_falls"),
    ("6.8", "above 1 at the start", lambda s, d: faded(s, 0, first=max((0.8 - d) / 0.4, 0)), "at_the_start"),
    ("6.8", "share times weight", lambda s, d: [a * b for a, b in zip(s, faded(s, d))], "at_the_start"),
    ("6.8", "the other sign, divided as it should be",
     lambda s, d: faded(s, 0, first=-min(max((0.8 - d) / 0.4, 0), 1)), "at_the_start"),
    ("6.8", "falls until the end", lambda s, d: faded(s, d, end=1.0), "the_power_falls"),
    ("6.8", "a step at 0.6", lambda s, d: faded(s, 0 if d < 0.6 else 1), "the_power_falls"),
    ("6.8", "the power goes below 0", lambda s, d: faded(s, d) if d < 0.8 else faded(
        s, 0.6, first=-2 * (d - 0.8) / 0.4), "gone_from_four_fifths_on"),
    ("6.8", "three classes", three_classes, "any_number_of_classes"),
    ("6.8", "nothing", lambda s, d: None, "at_the_start"),
]
RIGHT += [
    ("6.8", "as the solution", faded), ("6.8", "numpy", in_numpy), ("6.8", "branches", by_branches),
    ("6.8", "torch", lambda s, d: torch.tensor(faded(s, d))),
    ("6.8", "tensors in a list", lambda s, d: [torch.tensor(weight) for weight in faded(s, d)]),
    ("6.8", "the package", fading_weights),
]

