"""The patients of the clinic: code with exactly one fault each, and a healthy network. (09)

The names do not give the fault away; the docstrings, which the notebook leaves out, do. `admit` puts
each patient before `diagnose`. Nothing here is for use.
"""

import re

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.clinic.diagnosis import diagnose
from unet_course.data.nuclei import load_nuclei, random_crops
from unet_course.training.seeds import undisturbed
from unet_course.unet import UNet


class ClinicUNet(UNet):
    """Healthy: a U-Net that pads its input to a size that can be halved, cut in three parts so that one can be replaced.

    Examples
    --------
    >>> ClinicUNet(channels=(4, 8, 16))(torch.zeros(1, 1, 37, 30)).shape
    torch.Size([1, 2, 37, 30])
    """

    def down(self, x):
        skips = []
        for encoder in self.encoders:
            skip, x = encoder(x)
            skips.append(skip)
        return self.bottleneck(x), skips

    def up(self, x, skips):
        for decoder, skip in zip(self.decoders, reversed(skips)):
            x = decoder(x, skip)
        return x

    def crop(self, x, height, width):
        return x[..., :height, :width]

    def forward(self, x):
        height, width, n = *x.shape[-2:], 2 ** len(self.encoders)
        x, skips = self.down(F.pad(x, (0, -width % n, 0, -height % n)))
        return self.crop(self.head(self.up(x, skips)), height, width)


class Patient1(ClinicUNet):
    """The decoders are called in the wrong order: the top one meets what comes from the bottom."""

    def up(self, x, skips):
        for decoder, skip in zip(reversed(self.decoders), skips):
            x = decoder(x, skip)
        return x


class Patient2(ClinicUNet):
    """Bilinear upsampling keeps the channels, and nothing reduces them before the skip is set beside."""

    def __init__(self, **options):
        super().__init__(**options)
        for decoder in self.decoders:
            decoder.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


class Patient3(ClinicUNet):
    """The skip is taken after the pool: half the size, framed in zeros, every feature at a wrong pixel."""

    def down(self, x):
        skips = []
        for encoder in self.encoders:
            _, x = encoder(x)
            skips.append(x)
        return self.bottleneck(x), skips


class Patient4(ClinicUNet):
    """The last crop begins at index 1, whatever the size."""

    def crop(self, x, height, width):
        return x[..., 1 : height + 1, 1 : width + 1]


class Patient5(ClinicUNet):
    """The initialisation is written and never called: the weights are those that torch draws by default."""

    def __init__(self, **options):
        super().__init__(norm=False, **options)
        for layer in self.convolutions():
            layer.reset_parameters()  # what torch does when it makes a layer

    def convolutions(self):
        return [m for m in self.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]

    def initialise(self):
        for layer in self.convolutions():
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)


def patient6(picture):
    """A mask file of 0 and 255 becomes class numbers 0 and 255."""
    return torch.from_numpy(picture).long()


def patient7(images, masks, size):
    """Bilinear resizing mixes class numbers as if they were grey values."""
    images = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
    masks = F.interpolate(masks[:, None].float(), size=size, mode="bilinear", align_corners=False)
    return images, masks[:, 0]


def patient8(picture):
    """The channels of an RGB array stand last; torch wants them before height and width."""
    return torch.from_numpy(picture)[None].float() / 255


def patient9(images, masks, generator):
    """The images are mirrored, their masks are not."""
    if torch.rand((), generator=generator) < 0.5:
        images = images.flip(-1)
    return images, masks


def patient10(images, masks, generator):
    """With four pools, a 16×16 crop is one pixel at the bottom, and batch norm cannot compute a spread from one value."""
    return random_crops(images, masks, size=16, count=1, generator=generator)


class Patient11(ClinicUNet):
    """Ends in a softmax, and is trained with cross-entropy, which has a softmax inside."""

    def forward(self, x):
        return super().forward(x).softmax(dim=1)


def patient12(logits, masks):
    """A sigmoid before a loss that has a sigmoid inside."""
    probabilities = logits[:, 0].sigmoid()
    return F.binary_cross_entropy_with_logits(probabilities, masks.float())


def patient13(model):
    """The learning rate is 100 times too small."""
    return torch.optim.AdamW(model.parameters(), lr=3e-5)


def patient14(model, images):
    """Half is the threshold for probabilities, and these are logits: the sigmoid is missing."""
    model.eval()
    with torch.no_grad():
        return model(images)[:, 0] > 0.5


def patient15(model, images):
    """Predicts in training mode: batch norm takes its mean and spread from whatever is in the batch."""
    with torch.no_grad():
        return model(images).argmax(dim=1)


def crops_of(field, size=64, step=32):
    """All squares of a field (1, H, W) on a grid of `step` pixels, as a batch (n, 1, size, size).

    Examples
    --------
    >>> crops_of(torch.zeros(1, 128, 160)).shape
    torch.Size([12, 1, 64, 64])
    """
    return field.unfold(1, size, step).unfold(2, size, step).reshape(-1, 1, size, size)


def patient16(field, generator):
    """Crops that overlap are shuffled, then split: most pixels for validation have been trained on."""
    crops = crops_of(field)
    order = torch.randperm(len(crops), generator=generator)
    few = len(crops) // 4
    return crops[order[few:]], crops[order[:few]]


def patient17(prediction, target, num_classes=3):
    """A class that is absent and not predicted counts as Dice 0 in the mean."""
    scores = []
    for k in range(1, num_classes):
        p, t = prediction == k, target == k
        scores.append(2 * (p & t).sum() / (p.sum() + t.sum()).clamp(min=1))
    return torch.stack(scores).mean().item()


PATIENTS = {int(name[7:]): thing for name, thing in list(globals().items()) if re.fullmatch(r"[Pp]atient\d+", name)}
THREE = dict(num_classes=3, channels=(8, 16, 32))


def admit(number, patient=None):
    """Put a patient, or your repair of it, before `diagnose`, with what belongs to it.

    Parameters
    ----------
    number : int
        1 to 17.
    patient : class or function, optional
        In the place of the patient: your repair of it.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If there is no such patient.

    Examples
    --------
    >>> admit(4)[0].name
    'output size'
    """
    if number not in PATIENTS:
        raise ValueError(f"number is {number!r}; wanted one of 1 to {len(PATIENTS)}")
    with undisturbed():
        model, batch, options = _scene(number, patient or PATIENTS[number])
    return diagnose(model, batch, **options)


def _scene(number, patient):
    """Network, batch and options; everything healthy but the patient."""
    fields = load_nuclei("train")
    images, masks = random_crops(*fields, size=64, count=4, generator=torch.Generator().manual_seed(0))
    nuclei = (masks > 0).long()
    if number in (1, 2, 3, 4, 11):
        return patient(**THREE), (images, masks), {}
    if number == 5:
        return patient(num_classes=3, channels=(8, 16, 32, 64)), (images, masks), {}
    healthy = ClinicUNet(**THREE)
    if number == 6:
        files = [(255 * mask).numpy().astype("uint8") for mask in nuclei]
        return ClinicUNet(channels=(8, 16, 32)), (images, torch.stack([patient(file) for file in files])), {}
    if number == 7:
        return healthy, patient(images, masks, (48, 48)), {}
    if number == 8:
        colour = (255 * images[0, 0]).numpy().astype("uint8")[..., None].repeat(3, axis=-1)
        return ClinicUNet(in_channels=3, channels=(8, 16, 32)), (patient(colour), nuclei[:1]), {}
    if number == 10:
        deep = ClinicUNet(num_classes=3, channels=(4, 8, 8, 16, 16))
        return deep, patient(*fields, torch.Generator().manual_seed(0)), {}
    if number in (12, 14):
        one = ClinicUNet(num_classes=1, channels=(8, 16, 32))
        return one, (images, nuclei), {"loss" if number == 12 else "predict": patient}
    if number == 16:
        train, val = patient(fields[0][0], torch.Generator().manual_seed(0))
        return healthy, (images, masks), {"train": train, "val": val}
    word = {9: "augment", 13: "optimiser", 15: "predict", 17: "score"}[number]
    return healthy, (images, masks), {word: patient}
