"""Patients without a source: one fault each, the same with every call, and none in their class."""

import pytest
import torch

from unet_course.clinic import admit_blind, admit_training, blind, diagnose
from unet_course.clinic.patients import THREE, ClinicUNet
from unet_course.clinic.script import SickScript


@pytest.mark.parametrize("number", blind._FAULTS)
def test_a_blind_patient_is_the_same_each_time_and_shows_no_parts(number):
    x = torch.rand(2, 1, 32, 48)
    one, other = admit_blind(number), admit_blind(number)
    assert torch.equal(one(x), other(x)) and one(x).shape == (2, 3, 32, 48)
    assert "Conv2d" not in repr(one) and type(one) is blind.Blind


def test_random_numbers_are_as_before():
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    admit_blind(1), admit_training("C")
    assert torch.equal(torch.rand(2), wanted)


def test_the_batch_decides_for_the_first_alone():
    x = torch.rand(1, 1, 32, 32)
    for number in blind._FAULTS:
        network = admit_blind(number).eval()
        apart = (network(x) - network(torch.cat([x, 3 * x + 1]))[:1]).abs().max()
        assert (apart > 0.1) == (number == 1)


def test_no_gradient_reaches_the_encoders_of_the_second_alone():
    for number in blind._FAULTS:
        network = admit_blind(number)
        network(torch.rand(2, 1, 32, 32)).sum().backward()
        still = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is None}
        assert still == ({"encoders"} if number == 2 else set())


def test_diagnose_finds_the_third_alone():
    *_, images, masks = admit_training("C")
    found = {number: [f.name for f in diagnose(admit_blind(number), (images, masks))] for number in blind._FAULTS}
    assert found == {1: [], 2: [], 3: ["skip at the wrong place"]}
    assert not diagnose(ClinicUNet(**THREE), (images, masks))


@pytest.mark.parametrize("letter, values, outputs", [("A", [0, 1], 2), ("B", [0], 2), ("C", [0, 1, 2], 3),
                                                     ("D", [0, 1], 2), ("E", [1, 2], 3)])
def test_a_training_has_all_that_it_needs(letter, values, outputs):
    network, optimiser, loss, images, masks = admit_training(letter)
    assert masks.unique().tolist() == values and network(images).shape == (4, outputs, 64, 64)
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    assert held == {id(p) for p in network.parameters()} and torch.isfinite(loss(network(images), masks))


def test_the_third_training_never_says_its_class_however_long_it_takes():
    network, optimiser, loss, images, masks = admit_training("C")
    for _ in range(200):  # with the plain loss all pixels of class 1 are found by then
        value = loss(network(images), masks)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    with torch.no_grad():
        said = network.eval()(images).argmax(dim=1)
    assert said.unique().tolist() == [0, 2] and (masks == 1).sum() == 258
    assert [f.name for f in diagnose(network, (images, masks), loss=loss)] == ["class never said"]


def test_where_the_batch_decides_the_mode_is_not_blamed():
    *_, images, masks = admit_training("C")

    def predicted(model, x):
        with torch.no_grad():
            return model.eval()(x).argmax(dim=1)

    class Drops(ClinicUNet):  # at random in evaluation mode, too: not the batch's doing
        def forward(self, x):
            return torch.nn.functional.dropout(super().forward(x))

    names = [[f.name for f in diagnose(network, (images, masks), predict=predicted)]
             for network in (admit_blind(1), ClinicUNet(**THREE), Drops(**THREE))]
    assert names[:2] == [["the batch decides"], []] and "the batch decides" not in names[2]


def test_what_is_not_there_is_refused():
    for admitted, wrong in [(admit_blind, (0, 4, "1", True, None)), (admit_training, ("F", "AB", "", 1, None))]:
        for one in wrong:
            with pytest.raises(ValueError, match="wanted one of"):
                admitted(one)


def test_the_script_learns_nothing():
    images, files = torch.rand(1, 1, 80, 80), torch.randint(0, 3, (1, 80, 80)).numpy().astype("uint8")
    script = SickScript()
    script.steps = 3
    losses, _ = script.run(images, files, images, torch.from_numpy(files).long())
    assert len(losses) == 3 and abs(losses[-1] - losses[0]) < 0.2
