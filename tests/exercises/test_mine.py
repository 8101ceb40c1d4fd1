"""What a learner wrote is what runs, with the course's weights where they fit; else the course's own."""

import importlib

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unet_course import ConvBlock, check, load_pretrained
from unet_course.exercises.mine import mine, refit

module = importlib.import_module("unet_course.exercises.mine")
X = torch.rand(1, 1, 24, 40, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def nothing_passed(monkeypatch):
    monkeypatch.setattr(module, "_passed", {})


class Backwards(nn.Module):
    """Layers in another order and with other names; padded by hand."""

    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.last = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.b = nn.Conv2d(out_channels, out_channels, 3, bias=not norm)
        self.a = nn.Conv2d(in_channels, out_channels, 3, bias=not norm)
        self.first = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.padding = [padding] * 4

    def forward(self, x):
        x = self.first(self.a(F.pad(x, self.padding))).relu()
        return self.last(self.b(F.pad(x, self.padding))).relu()


class Plain(nn.Module):
    """Parameters, no layers."""

    def __init__(self, in_channels, out_channels, *, padding=1, norm=True):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(out_channels), nn.BatchNorm2d(out_channels)] if norm else [])
        self.w = nn.ParameterList(nn.Parameter(torch.randn(out_channels, c, 3, 3)) for c in (in_channels, out_channels))
        self.padding = padding

    def forward(self, x):
        for weight, norm in zip(self.w, self.norms):
            x = norm(F.conv2d(x, weight, padding=self.padding)).relu()
        return x


@pytest.mark.parametrize("block", [ConvBlock, Backwards, Plain])
def test_a_trained_network_runs_on_it(block):
    network = load_pretrained()
    built = refit(network, ConvBlock, block, X)
    assert torch.allclose(built(X), network(X), atol=1e-4)
    assert sum(type(part) is block for part in built.modules()) == 7
    assert built is not network or block is ConvBlock


class OneConvolution(Backwards):
    def forward(self, x):
        return self.first(self.a(F.pad(x, self.padding))).relu()


class OtherOutput(Backwards):
    def forward(self, x):
        return super().forward(x) + 1


class Breaks(nn.Module):
    def __init__(self, *arguments, **options):
        raise RuntimeError("no")


class Exits(Backwards):
    def forward(self, x):
        raise SystemExit


@pytest.mark.parametrize("block", [OneConvolution, OtherOutput, Breaks, lambda *a, **k: 3, Exits])
def test_where_the_weights_do_not_fit_the_courses_is_drawn(block, capsys):
    network = load_pretrained()
    assert refit(network, ConvBlock, block, X) is network
    assert capsys.readouterr().out == "The trained weights do not fit into your block, so the course's is drawn.\n"


def test_the_network_is_left_as_it_is():
    network = load_pretrained().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    refit(network, ConvBlock, Backwards, X)
    assert network.training and all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_what_has_passed_is_what_runs(capsys):
    assert mine("2.3", ConvBlock) is ConvBlock
    check("2.3", OneConvolution)
    assert mine("2.3", ConvBlock) is ConvBlock
    check("2.3", Backwards).require()
    assert mine("2.3", ConvBlock) is Backwards
    check("2.3", OneConvolution)  # a later try that fails takes nothing away
    assert mine("2.3", ConvBlock) is Backwards
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[1] == "With the course's ConvBlock: yours has not passed check 2.3 here yet."
    assert lines[2] == lines[3] == "With your own ConvBlock, which passed check 2.3."


def test_a_solution_that_is_run_is_not_the_learners(monkeypatch):
    monkeypatch.setattr("unet_course.exercises.core.from_a_solution", lambda: True)
    check("2.3", Backwards).require()
    assert mine("2.3", ConvBlock) is ConvBlock
