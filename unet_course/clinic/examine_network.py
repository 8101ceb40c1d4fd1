"""What `diagnose` looks at in a batch and a network; each gives a `Finding` or None. (09)

They are called with a network that may be changed (a copy), and small batches on its device.
"""

import html
import math
from dataclasses import dataclass, field

import torch
from torch import nn

from unet_course.blocks import match_size


@dataclass
class Finding:
    """One thing that is wrong: its name, what was seen, and what to try."""

    name: str
    evidence: str
    advice: str


def said(error):
    """The first line of an error, with its type."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def times(shape):
    """A shape as a reader writes it.

    >>> times((1, 64, 64))
    '1×64×64'
    """
    return "×".join(map(str, shape))


@dataclass
class Diagnosis:
    """A table of findings, the one to look at first on top. It is empty, and false, for a healthy network.

    Attributes
    ----------
    findings : list of Finding
    examined : list of str
        Names of what was looked at; what needs an argument that was not given is missing.

    Examples
    --------
    >>> print(Diagnosis([Finding("mask values", "the masks hold 0, 255", "mask // 255")], ["mask values"]))
    1. mask values
       seen: the masks hold 0, 255
       try:  mask // 255
    """

    findings: list
    examined: list = field(default_factory=list)

    def __len__(self):
        return len(self.findings)

    def __getitem__(self, index):
        return self.findings[index]

    def __str__(self):
        if not self.findings:
            return f"Nothing found. Examined: {', '.join(self.examined)}."
        return "\n".join(f"{n}. {f.name}\n   seen: {f.evidence}\n   try:  {f.advice}" for n, f in enumerate(self.findings, 1))

    __repr__ = __str__

    def _repr_html_(self):
        if not self.findings:
            return f'<div role="status">{html.escape(str(self))}</div>'
        left = 'style="text-align: left; vertical-align: top"'
        head = "".join(f'<th scope="col" {left}>{name}</th>' for name in ("finding", "seen", "try"))
        cells = ([f.name, f.evidence, f.advice] for f in self.findings)
        rows = "".join("<tr>" + "".join(f"<td {left}>{html.escape(c)}</td>" for c in row) + "</tr>" for row in cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def image_values(images):
    """NaN, or numbers far from the range 0 to 1."""
    if not torch.isfinite(images.float()).all():
        return Finding("image values", "the images hold NaN or infinite values",
                       "torch.nan_to_num, or look where they come from")
    largest = float(images.abs().max())
    if largest > 20:
        return Finding("image values", f"the largest image value is {largest:.0f}; networks expect values of about 0 to 1",
                       "scale the images: unet_course.data.normalise")


def axes(images, masks):
    """Channels that stand last."""
    n, *middle, last = images.shape
    if len(middle) == 2 and last <= 4 < min(middle) and tuple(masks.shape[1:]) == tuple(middle):
        return Finding("channels last", f"the images are {times(images.shape)}: {last} values at each place of "
                       f"{times(middle)}", "images.permute(0, 3, 1, 2); not reshape, which keeps the order of the numbers")


def mask_values(masks, classes):
    """What is no class number."""
    values = masks.unique()
    if masks.is_floating_point() and bool((values != values.round()).any()):
        return Finding("mask interpolated", f"the masks hold fractions, {len(values)} different values",
                       'resize masks with mode="nearest-exact": a class number cannot be mixed with its neighbour')
    known = max(classes, 2)  # a network with one output tells two classes apart
    low, high = int(values.min()), int(values.max())
    seen = ", ".join(str(int(v)) for v in values[:6]) + ", …" * (len(values) > 6)
    if low == 1 and 1 < high <= known:
        return Finding("mask values", f"the masks hold {seen} and no 0; the network has classes 0 to {known - 1}",
                       "masks - 1, if the first class has the number 1: classes are counted from 0")
    if low < 0 or high >= known:
        return Finding("mask values", f"the masks hold {seen}; the network has classes 0 to {known - 1}",
                       "(mask > 0).long() if it is foreground and background, or a table from grey value to class")
    if high == 0 and masks.numel() > 2000:  # a smaller crop may well be empty
        seen = "the mask holds" if len(masks) == 1 else f"all {len(masks)} masks hold"
        return Finding("masks all 0", f"{seen} 0 and nothing else",
                       "masks.unique() where they are read: a mask of 0 and 1 becomes all 0 when it is divided by 255; "
                       "or take a batch in which there is something")


def stops(model, images):
    """(output, pixels that one pixel at the bottom is wide, None), or (None, None, finding) where the network stops."""
    entered, left, hooks = [], set(), []
    leaves = [(name, m) for name, m in model.named_modules() if not list(m.children())]
    for name, module in leaves:
        hooks.append(module.register_forward_pre_hook(lambda m, x, name=name: entered.append((name, m, x[0].shape))))
        hooks.append(module.register_forward_hook(lambda m, x, out: left.add(id(m))))
    try:
        with torch.no_grad():
            out = model(images)
        widths = [shape[-1] for _, m, shape in entered if isinstance(m, nn.Conv2d) and m.kernel_size[0] > 1]
        return out, 2 ** round(math.log2(images.shape[-1] / min(widths, default=images.shape[-1]))), None
    except Exception as error:
        return None, None, _why(error, entered, left, leaves, images)
    finally:
        for hook in hooks:
            hook.remove()


def _why(error, entered, left, leaves, images):
    if "more than 1 value per channel" in str(error):
        return Finding("one value for batch norm", f"in training, {times(images.shape)} becomes one pixel at the bottom: "
                       f"{said(error)}", "larger crops, more images in a batch, fewer pools, or group norm")
    name, module, shape = entered[-1] if entered and id(entered[-1][1]) not in left else ("", None, ())
    wanted = getattr(module, "in_channels", None)
    if wanted and len(shape) == 4 and shape[1] != wanted:
        got = shape[1]
        other = [n for n, m in leaves if type(m) is type(module) and m.in_channels == got and id(m) not in left]
        if other:
            return Finding("stages in the wrong order", f"{name} wants {wanted} channels and gets {got}; {other[0]} wants "
                           f"{got}, and has not been called yet",
                           "call the decoders from the bottom up: the deepest stage first")
        return Finding("channels do not meet", f"{name} wants {wanted} channels and gets {got}",
                       "print the shapes: what is set side by side, skip and upsampled, must add up to what the block is "
                       "built for. Bilinear upsampling keeps the channels: a 1×1 convolution reduces them")
    return Finding("the network stops", f"on images {times(images.shape)}: {said(error)}",
                   "print the shape before the line that stops")


def output_size(out, masks):
    """A result that does not lie on the mask."""
    if out.ndim != 4 or out.shape[-2:] != masks.shape[-2:]:
        return Finding("output size", f"the masks are {times(masks.shape[-2:])}, the output is {times(out.shape)}",
                       "crop what was padded and nothing else; for valid convolutions crop the mask's centre: match_size")


def already_probabilities(out):
    """A network that ends in a softmax or a sigmoid: losses that take logits squash it again."""
    inside = bool((out >= 0).all() and (out <= 1).all())
    if inside and out.shape[1] > 1 and torch.allclose(out.sum(dim=1), torch.ones_like(out[:, 0]), atol=1e-3):
        return Finding("softmax in the network", "the outputs of each pixel are not negative and add up to 1; cross-entropy "
                       "has a softmax inside", "return the logits; take the softmax when you predict")
    if inside and bool((out > 0).all()) and out.shape[1] == 1:
        return Finding("sigmoid in the network", "all outputs lie between 0 and 1; a loss that takes logits has a sigmoid "
                       "inside", "return the logits; take the sigmoid when you predict")


def never_said(model, images, masks):
    """A class that is drawn, and that a network which has learned something hardly ever says."""
    with torch.no_grad():
        out = model.eval()(images).float()
    if out.shape[1] == 1:  # one output: two classes
        out = torch.cat([torch.zeros_like(out), out], dim=1)
    out = match_size(out, masks.shape[-2:])
    classes = out.shape[1]
    drawn = torch.bincount(masks.flatten(), minlength=classes) / masks.numel()
    said_share = torch.bincount(out.argmax(dim=1).flatten(), minlength=classes) / masks.numel()
    # A network that has learned nothing says what it says by chance. The best answer without a look
    # at the picture, the shares themselves, costs the entropy of the shares.
    known_shares = float(-(drawn * drawn.clamp(min=1e-9).log()).sum())
    if not nn.functional.cross_entropy(out, masks) < min(1.05 * known_shares, 0.9 * math.log(classes)):
        return None
    rare = [k for k in range(classes) if drawn[k] * masks.numel() >= 20 and said_share[k] < drawn[k] / 3]
    if rare:
        seen = "; ".join(f"class {k} is {100 * drawn[k]:.2g} % of the pixels and is said on {100 * said_share[k]:.2g} %"
                         for k in rare)
        return Finding("class never said", seen,
                       "train longer, or with larger weights for rare classes in the loss; score each class by itself")


def fading(model, images):
    """A picture that is hardly there any more at the bottom: the network's answer to it against that to a flat grey."""
    seen, n = [], len(images)
    hooks = [m.register_forward_hook(lambda m, x, out: seen.append(float((out[:n] - out[n:]).std())))
             for m in model.modules() if isinstance(m, nn.Conv2d)]
    try:
        with torch.no_grad():
            model(torch.cat([images, torch.zeros_like(images) + images.mean()]))
    finally:
        for hook in hooks:
            hook.remove()
    if len(seen) > 3 and sorted(seen)[2] < 0.01 * seen[0]:  # three layers: in a narrow network one may be dead by chance
        return Finding("the picture fades", "in at least three layers less than a hundredth of the first layer's contrast is "
                       "left",
                       "draw the weights after He et al.: model.apply(unet_course.unet.init_he); or add batch norm")


def make_local(model):
    """Change a network so that each layer only hands on what lies at its place: kernels with a centre alone, no norm."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.GroupNorm)):
                setattr(module, name, nn.Identity())
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            weight, turned = module.weight.data, isinstance(module, nn.ConvTranspose2d)
            outputs, inputs = weight.shape[turned], weight.shape[not turned]
            # not all alike, so that a softmax at the end shows them
            share = ((0.75 + 0.5 * (torch.arange(outputs) + 0.5) / outputs) / inputs).to(weight)
            share = share[None, :, None, None] if turned else share[:, None, None, None]
            centre = (slice(None),) * 4 if turned else (..., weight.shape[2] // 2, weight.shape[3] // 2)
            weight.zero_()
            weight[centre] = share.expand_as(weight)[centre]
            if module.bias is not None:
                module.bias.data.zero_()


def bright_pixel(model, images, cell):
    """Light one pixel and see where it comes out: far away, beside its place, or on it.

    `cell` is how many pixels one pixel at the bottom of the U is wide.
    """
    make_local(model.eval())
    first, own = max(8 * cell, 32), images.shape[-1]
    smaller = range(own % cell or cell, own + 1, cell)  # valid convolutions take few sizes; the smallest that works is quick
    for sizes in ((first,), (first - 3,), () if answer(model, images, first) is not None else smaller):
        size, background = next(((n, out) for n in sizes if (out := answer(model, images, n)) is not None), (0, None))
        if background is None or (size - background.shape[-1]) % 2:
            continue  # an odd difference is said by `output_size`
        side, margin = background.shape[-1], (size - background.shape[-1]) // 2
        ends = (cell // 2, side - 1 - cell // 2) if side > 2 * cell else ()
        for place in (*ends, side // 2):
            found = _where(model, images.new_zeros(1, images.shape[1], size, size), background, place, margin, cell)
            if found:
                return found


def answer(model, images, size):
    """What a network says to a black square, or None if it does not take this size."""
    try:
        with torch.no_grad():
            return model(images.new_zeros(1, images.shape[1], size, size))
    except Exception:
        return None


def _where(model, black, background, place, margin, cell):
    lit = black.clone()
    lit[..., place + margin, place + margin] = 1
    with torch.no_grad():
        lights = (model(lit) - background).abs().sum(dim=1)[0]
    lights = (lights / lights.max().clamp(min=1e-12)).round(decimals=3)
    if not margin:
        far = lights.clone()
        low, high = max(place // cell - 1, 0) * cell, (place // cell + 2) * cell
        far[low:high, low:high] = 0
        if far.sum() > 0.01 * lights.sum():
            at = divmod(int(far.argmax()), far.shape[-1])
            return Finding("skip at the wrong place", f"a pixel lit at ({place}, {place}) also comes out at {at}",
                           "take the skip before the pool, at full size, so that nothing has to be framed in zeros")
    if lights[place, place] < 0.75:
        at = divmod(int(lights.argmax()), lights.shape[-1])
        return Finding("picture shifted", f"a pixel lit at ({place}, {place}) comes out at {at}",
                       "pad at the right and bottom, crop from index 0: match_size does")


def alignment(images, masks):
    """Masks that would fit their images far better if they were mirrored or turned."""
    votes = []
    images = match_size(images, masks.shape[-2:]) if images.shape[-1] > masks.shape[-1] else images  # valid convolutions
    for image, mask in zip(images.float().mean(dim=1), masks > 0):
        square = mask.shape[0] == mask.shape[1]
        turned = [torch.rot90(m, k) for m in (mask, mask.flip(-1)) for k in (range(4) if square else (0, 2))]
        if image.std() > 0 and 0 < float(mask.float().mean()) < 1:
            fits = [abs(float(torch.corrcoef(torch.stack([image.flatten(), t.flatten().float()]))[0, 1])) for t in turned]
            votes.append(max(fits[1:]) > fits[0] + 0.3)
    if votes and 2 * sum(votes) > len(votes):
        return Finding("mask left behind", f"{sum(votes)} of {len(votes)} masks fit their image better when mirrored or "
                       "turned",
                       "what moves pixels moves image and mask, by the same amount")
