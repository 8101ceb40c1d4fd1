"""What a learner wrote is what runs, with the course's weights where they fit; else the course's own."""

import importlib

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.exercises import bank05
from unet_course import ConvBlock, DecoderBlock, UNet, check, load_pretrained, match_size
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


class UpsampledFirst(nn.Module):
    """Other names, another order of layers, and the upsampled tensor before the skip."""

    def __init__(self, deep, across, out, *, up="transpose", padding=1, norm=True):
        super().__init__()
        self.end = ConvBlock(out + across, out, padding=padding, norm=norm)
        self.grow = nn.ConvTranspose2d(deep, out, 2, stride=2) if up == "transpose" else nn.Sequential(
            nn.Conv2d(deep, out, 1), nn.Upsample(scale_factor=2, mode="bilinear"))

    def forward(self, x, skip):
        x = self.grow(x)
        return self.end(torch.cat([x, match_size(skip, x.shape[-2:])], dim=1))


class SkipFirst(UpsampledFirst):
    def forward(self, x, skip):
        x = self.grow(x)
        return self.end(torch.cat([match_size(skip, x.shape[-2:]), x], dim=1))


class PadsItself(UpsampledFirst):
    """Its block is given a tensor that is padded already."""

    def __init__(self, deep, across, out, *, padding=1, norm=True, **options):
        super().__init__(deep, across, out, padding=padding, norm=norm, **options)
        self.end = Backwards(out + across, out, padding=padding, norm=norm)


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
@pytest.mark.parametrize("block", [DecoderBlock, UpsampledFirst, SkipFirst, PadsItself])
def test_a_trained_network_runs_on_a_decoder_in_either_order(block, up):
    torch.manual_seed(0)
    network = load_pretrained() if up == "transpose" else UNet(channels=(4, 8, 12), up=up).eval()
    built = refit(network, DecoderBlock, block, X)
    assert torch.allclose(built(X), network(X), atol=1e-4)
    assert sum(type(part) is block for part in built.modules()) == len(network.decoders)
    assert built is not network or block is DecoderBlock


def test_a_decoder_that_pads_at_the_wrong_side_fits_where_nothing_is_padded():
    class PadsLeft(DecoderBlock):
        def forward(self, x, skip):
            x = self.up(x)
            dh, dw = x.shape[-2] - skip.shape[-2], x.shape[-1] - skip.shape[-1]
            return self.block(torch.cat([F.pad(skip, (dw, 0, dh, 0)), x], dim=1))

    network = load_pretrained()
    built = refit(network, DecoderBlock, PadsLeft, X)
    assert torch.equal(built(X), network(X))
    odd = torch.rand(1, 1, 25, 41)
    assert not torch.allclose(built(odd), network(odd), atol=0.1)


class HalfTheChannels(UpsampledFirst):
    def __init__(self, deep, across, out, **options):
        super().__init__(deep, across, out // 2, **options)


@pytest.mark.parametrize("block", [HalfTheChannels, ConvBlock, lambda *a, **k: 3])
def test_where_a_decoder_does_not_fit_the_courses_is_drawn(block, capsys):
    network = load_pretrained()
    assert refit(network, DecoderBlock, block, X) is network
    assert capsys.readouterr().out == "The trained weights do not fit into your block, so the course's is drawn.\n"


@pytest.mark.parametrize("name", ["written again", "recursive", "block by block", "skip behind what comes up",
                                  "functions and parameters"])
def test_a_whole_network_of_ones_own_gets_the_trained_weights(name):
    own = next(answer for id, what, answer in bank05.RIGHT if (id, what) == ("5.3", name))
    network = load_pretrained()
    built = refit(network, UNet, own, X)
    assert built is not network and torch.allclose(built(X), network(X), atol=1e-4)


@pytest.mark.parametrize("options", [{"up": "bilinear"}, {"norm": False}, {"padding": 0, "channels": (2, 4, 8)}])
def test_a_whole_network_is_made_with_the_options_of_the_trained_one(options):
    network = UNet(**{"channels": (4, 8, 12), **options}).eval()
    own = next(answer for id, what, answer in bank05.RIGHT if (id, what) == ("5.3", "written again"))
    x = torch.rand(1, 1, 60, 68)
    built = refit(network, UNet, own, x)
    assert built is not network and torch.allclose(built(x), network(x), atol=1e-4)


def test_where_a_whole_network_does_not_fit_the_courses_is_drawn(capsys):
    network = load_pretrained()
    assert refit(network, UNet, bank05.unet(skip=lambda skip, pooled: skip / 2), X) is network
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
    assert lines[2] == lines[3] == "Your answer to 2.3 runs here, in place of the course's ConvBlock."


def test_a_solution_that_is_run_is_not_the_learners(monkeypatch):
    monkeypatch.setattr("unet_course.exercises.core.from_a_solution", lambda: True)
    check("2.3", Backwards).require()
    assert mine("2.3", ConvBlock) is ConvBlock
