"""`diagnose`: it finds the fault of every patient, and nothing in any healthy network of the course."""

import itertools
import random
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.pace import soon
from tools.mutants import mutants
from unet_course import Augment, UNet, diagnose, dice_score, load_nuclei, load_pretrained, match_size, predict, random_crops
from unet_course.clinic import examine_code, examine_network, patients
from unet_course.clinic.examine_network import Diagnosis, Finding
from unet_course.clinic.patients import PATIENTS, admit
from unet_course.losses import combined_loss, cross_entropy, dice_loss

FAULTS = {1: "stages in the wrong order", 2: "channels do not meet", 3: "skip at the wrong place", 4: "output size",
          5: "the picture fades", 6: "mask values", 7: "mask interpolated", 8: "channels last", 9: "mask left behind",
          10: "one value for batch norm", 11: "softmax in the network", 12: "squashed twice", 13: "learning rate too small",
          14: "sigmoid missing", 15: "eval mode forgotten", 16: "leaked split", 17: "empty class"}
SMALL = (8, 16, 32)


def batch(size=64, count=4, *, mask=None, classes=3, seed=0):
    images, masks = random_crops(*load_nuclei("train"), size=size, count=count, generator=torch.Generator().manual_seed(seed))
    masks = masks.clamp(max=max(classes, 2) - 1)
    return images, match_size(masks, (mask, mask)) if mask else masks


def adam(lr):
    return lambda model: torch.optim.AdamW(model.parameters(), lr=lr)


def nothing(model, data, **options):
    torch.manual_seed(0)
    found = diagnose(model() if isinstance(model, type(lambda: 0)) else model, data, **options)
    assert len(found) == 0, found


@pytest.mark.parametrize("number", PATIENTS)
def test_finds_the_fault_of_each_patient_first(number):
    found = []
    soon(lambda: found.append(admit(number)), 8)
    assert found[-1][0].name == FAULTS[number], found[-1]
    assert len(found[-1]) == (2 if number == 4 else 1), found[-1]  # a crop at index 1 changes the size, and shifts


@pytest.mark.parametrize("seed", range(1, 6))
def test_finds_the_patient_whose_weights_are_random_with_other_seeds(seed):
    torch.manual_seed(seed)
    assert diagnose(patients.Patient5(num_classes=3, channels=(8, 16, 32, 64)), batch(seed=seed))[0].name == FAULTS[5]


@pytest.mark.parametrize("depth, up, norm", itertools.product(range(1, 6), ("transpose", "bilinear"), (True, False)))
def test_finds_nothing_in_u_nets_of_every_kind(depth, up, norm):
    for seed in (0, 1):
        torch.manual_seed(seed)
        model = UNet(num_classes=3, channels=(8, 16, 24, 32, 32)[:depth], up=up, norm=norm)
        assert len(found := diagnose(model, batch(seed=seed))) == 0, found


@pytest.mark.parametrize("channels, size, mask", [((8, 16), 44, 28), ((8, 16, 16), 92, 52), ((4, 8, 8, 8, 16), 188, 4)])
@pytest.mark.parametrize("up", ["transpose", "bilinear"])
def test_finds_nothing_in_the_papers_network(channels, size, mask, up):
    for norm in (True, False):
        nothing(lambda norm=norm: UNet(num_classes=3, channels=channels, padding=0, norm=norm, up=up), batch(size, 2, mask=mask))


def test_finds_a_class_that_is_never_said_by_a_trained_network():
    model, data = load_pretrained(), batch(128, 4)
    nothing(model, data)
    model.head.bias.data[1] -= 6
    found = diagnose(model, data)
    assert [f.name for f in found] == ["class never said"]
    assert re.search(r"class 1 is \d\.\d % of the pixels and is said on 0", found[0].evidence)


@pytest.mark.parametrize("change, name, words", [
    (lambda masks: masks * 0, "masks all 0", "hold 0 and nothing else"),
    (lambda masks: masks + 1, "mask values", "hold 1, 2, 3 and no 0"),
    (lambda masks: masks.clamp(max=1) + 1, "mask values", "hold 1, 2 and no 0")])
def test_finds_masks_that_are_empty_or_begin_at_1(change, name, words):
    images, masks = batch(64, 4)
    found = diagnose(UNet(num_classes=3, channels=SMALL), (images, change(masks)))
    assert found[0].name == name and words in found[0].evidence


def test_one_hot_masks_are_refused_with_the_cure():
    images, masks = batch(64, 4)
    with pytest.raises(ValueError, match="argmax"):
        diagnose(UNet(num_classes=3, channels=SMALL), (images, F.one_hot(masks, 3).permute(0, 3, 1, 2)))


@pytest.mark.parametrize("size", [33, 47, 101])
def test_finds_nothing_for_odd_sizes(size):
    nothing(lambda: UNet(num_classes=3, channels=SMALL), batch(size))
    nothing(lambda: patients.ClinicUNet(num_classes=3, channels=SMALL), batch(size))


def test_finds_nothing_in_the_trained_network():
    for split in ("train", "val", "test", "shifted"):
        nothing(load_pretrained(), tuple(part[..., :128, :128] for part in load_nuclei(split)))
    nothing(load_pretrained(), batch(), loss=combined_loss, optimiser=adam(3e-3), predict=predict, augment=Augment())


@pytest.mark.parametrize("options", [
    {"loss": cross_entropy}, {"loss": dice_loss}, {"loss": combined_loss}, {"loss": F.cross_entropy},
    {"augment": Augment()}, {"augment": Augment(scale=0.5, elastic=10.0, blur=3.0)}, {"augment": lambda x, y: (x, y)},
    {"predict": predict}, {"predict": lambda model, x: model.eval()(x).argmax(1)}, {"score": dice_score},
    {"optimiser": adam(1e-3)}, {"optimiser": adam(1e-2)},
    {"optimiser": lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), "loss": combined_loss},
], ids=lambda options: " ".join(options))
def test_finds_nothing_in_healthy_code_around_a_network(options):
    nothing(lambda: UNet(num_classes=3, channels=SMALL), batch(), **options)


def test_finds_nothing_in_the_courses_split():
    nothing(lambda: UNet(num_classes=3, channels=SMALL), batch(), train=load_nuclei("train")[0], val=load_nuclei("val")[0])


def test_finds_nothing_in_a_network_with_one_output():
    def loss(logits, masks):
        return F.binary_cross_entropy_with_logits(logits[:, 0], masks.float())
    nothing(lambda: UNet(num_classes=1, channels=SMALL), batch(classes=2), loss=loss, optimiser=adam(3e-3),
            predict=lambda model, x: model.eval()(x)[:, 0] > 0)
    nothing(lambda: UNet(num_classes=1, channels=SMALL), batch(classes=2), predict=lambda model, x: model.eval()(x).sigmoid())


def test_a_full_network_takes_seconds():
    soon(lambda: nothing(lambda: UNet(), batch(classes=2)), 8)  # 4 s, on a quiet machine


class WithEnd(UNet):
    """A U-Net with something done to its output."""

    def __init__(self, end, **options):
        super().__init__(channels=SMALL, **options)
        self.end = end

    def forward(self, x):
        return self.end(super().forward(x))


class LeftTop(UNet):
    """Takes off what the pool has added at the wrong side."""

    def forward(self, x):
        height, width = x.shape[-2:]
        return super().forward(F.pad(x, (height % 2, 0, width % 2, 0)))[..., :height, :width]


@pytest.mark.parametrize("name, model, data, options", [
    ("image values", lambda: UNet(num_classes=3, channels=SMALL), (255 * batch()[0], batch()[1]), {}),
    ("image values", lambda: UNet(num_classes=3, channels=SMALL), (batch()[0] / 0, batch()[1]), {}),
    ("sigmoid in the network", lambda: WithEnd(torch.sigmoid, num_classes=1), batch(classes=2), {}),
    ("mask values", lambda: UNet(num_classes=2, channels=SMALL), batch(), {}),
    ("mask values", lambda: UNet(num_classes=1, channels=SMALL), batch(), {}),
    ("mask values", lambda: UNet(num_classes=2, channels=SMALL), (batch()[0], -batch()[1]), {}),
    ("output size", lambda: UNet(num_classes=3, channels=(4, 8), padding=0), batch(44), {}),
    ("the network stops", lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(7, 2)), batch(), {}),
    ("channels do not meet", lambda: nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 2, 3)), batch(), {}),
    ("picture shifted", lambda: LeftTop(num_classes=3, channels=SMALL), batch(), {}),
    ("picture shifted", lambda: WithEnd(lambda z: z.roll(1, -1), num_classes=3), batch(), {}),
    ("mask left behind", lambda: UNet(num_classes=3, channels=SMALL), (batch()[0].flip(-1), batch()[1]), {}),
    ("image and mask differ in size", lambda: UNet(num_classes=3, channels=SMALL), batch(),
     {"augment": lambda x, y: (x[..., 1:], y)}),
    ("mask interpolated", lambda: UNet(num_classes=3, channels=SMALL), batch(), {"augment": lambda x, y: (x, y * 0.5)}),
    ("augment stops", lambda: UNet(num_classes=3, channels=SMALL), batch(), {"augment": lambda x: x}),
    ("sigmoid missing", lambda: UNet(num_classes=1, channels=SMALL), batch(classes=2),
     {"loss": lambda z, y: F.binary_cross_entropy(z[:, 0], y.float())}),
    ("the loss stops", lambda: UNet(num_classes=3, channels=SMALL), batch(), {"loss": lambda z, y: F.cross_entropy(y, z)}),
    ("squashed twice", lambda: UNet(num_classes=3, channels=SMALL), batch(),
     {"loss": lambda z, y: F.cross_entropy(z.softmax(1), y)}),
    ("empty class", lambda: UNet(num_classes=3, channels=SMALL), batch(),
     {"loss": lambda z, y: 1 - (2 * (z.softmax(1) * (t := F.one_hot(y, 3).movedim(-1, 1))).sum((0, 2, 3))
                                / ((z.softmax(1) + t).sum((0, 2, 3)) + 1e-6)).mean()}),
    ("learning rate too large", lambda: UNet(num_classes=3, channels=SMALL, norm=False), batch(), {"optimiser": adam(0.3)}),
    ("learning rate too small", lambda: UNet(num_classes=3, channels=SMALL), batch(), {"optimiser": adam(2e-5)}),
    ("eval mode forgotten", lambda: UNet(num_classes=3, channels=SMALL), batch(), {"predict": lambda m, x: m(x).argmax(1)}),
    ("leaked split", lambda: UNet(num_classes=3, channels=SMALL), batch(), {"train": batch()[0], "val": batch()[0][1:2]}),
])
def test_finds_faults_that_no_patient_has(name, model, data, options):
    torch.manual_seed(0)
    found = diagnose(model(), data, **options)
    assert found and found[0].name == name, found


def test_leaves_no_trace():
    model = UNet(num_classes=3, channels=SMALL).train()
    model.head.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    data = batch()
    copies = [part.clone() for part in data]
    torch.manual_seed(7), np.random.seed(7), random.seed(7)
    wanted = torch.rand(1), np.random.rand(), random.random()
    torch.manual_seed(7), np.random.seed(7), random.seed(7)
    diagnose(model, data, optimiser=adam(3e-3), predict=lambda m, x: m.eval()(x).argmax(1), augment=Augment())
    assert (torch.rand(1), np.random.rand(), random.random()) == wanted
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.training and model.encoders.training and not model.head.training
    assert all(p.grad is None for p in model.parameters()) and not model._forward_hooks
    assert all(torch.equal(a, b) for a, b in zip(copies, data))


@pytest.mark.parametrize("data, words", [
    (torch.zeros(1, 1, 8, 8), "wanted a pair"), ((torch.zeros(1, 8, 8), torch.zeros(1, 8, 8)), "images (1, 8, 8)"),
    ((torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)), "masks[:, 0]"), ((torch.zeros(2, 1, 8, 8), torch.zeros(1, 8, 8)), "wanted")])
def test_a_batch_that_is_none_is_refused_in_words(data, words):
    with pytest.raises(ValueError) as error:
        diagnose(UNet(channels=(4, 8)), data)
    assert words in str(error.value)


def test_half_a_split_is_refused():
    with pytest.raises(ValueError, match="only one of train and val"):
        diagnose(UNet(channels=(4, 8)), batch(classes=2), train=batch()[0])


def test_a_class_in_the_place_of_a_network_is_refused():
    with pytest.raises(ValueError, match="is it called, with brackets"):
        diagnose(UNet, batch())


def test_there_is_no_patient_18():
    with pytest.raises(ValueError, match="1 to 17"):
        admit(18)


def test_numpy_arrays_are_taken():
    images, masks = batch(classes=2)
    assert len(diagnose(UNet(channels=SMALL), (images.numpy(), masks.numpy()))) == 0


def test_the_table_can_be_read_as_text_and_in_a_notebook():
    finding = Finding("a <b>", "seen", "try")
    table = Diagnosis([finding, finding], ["x"])
    assert str(table).count("\n") == 5 and repr(table) == str(table) and len(table) == 2 and table[0] is finding
    assert "a &lt;b&gt;" in table._repr_html_() and table._repr_html_().count("<tr>") == 3
    empty = Diagnosis([], ["axes", "outputs"])
    assert not empty and "Nothing found. Examined: axes, outputs." in empty._repr_html_()


def test_says_what_it_looked_at():
    found = diagnose(UNet(num_classes=3, channels=SMALL), batch(), loss=cross_entropy, score=dice_score)
    assert {"axes", "bright pixel", "signal", "loss", "score"} <= set(found.examined)
    assert not {"optimiser", "predict", "augment", "split"} & set(found.examined)


def test_a_local_network_hands_on_what_lies_at_its_place():
    model = UNet(num_classes=3, channels=SMALL)
    examine_network.make_local(model.eval())
    pixel = torch.zeros(1, 1, 32, 32)
    pixel[..., 13, 9] = 1
    with torch.no_grad():
        lights = model(pixel).sum(dim=1)[0]
    rows, columns = lights.nonzero().T
    assert divmod(int(lights.argmax()), 32) == (13, 9)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12, 15, 8, 11)  # the square of 4×4 that it lies in


def test_flat_squares_prove_no_leak():
    flat = torch.zeros(1, 1, 32, 32)
    assert examine_code.shared_pixels(flat, flat) is None


def solutions_of_the_clinic():
    return {int(id[2:]): (tree, first) for id, tree, first in mutants.solutions()
            if id.startswith("9.") and int(id[2:]) in PATIENTS}


def test_finds_nothing_in_the_repaired_patients():
    repaired = solutions_of_the_clinic()
    assert set(repaired) == set(PATIENTS)
    for number, (tree, _) in repaired.items():
        assert len(found := admit(number, mutants.answer(tree))) == 0, (number, found)
