"""Class exercises over the arguments of their constructors: what is ignored, changed or given another default is refused."""

import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unet_course import ConvBlock, DecoderBlock, EncoderBlock, UNet, check

FEW = st.integers(1, 20)
WIDTHS = st.lists(FEW, min_size=1, max_size=4).map(tuple)
ARGUMENTS = {"in_channels": FEW, "out_channels": FEW, "skip_channels": FEW, "num_classes": FEW, "channels": WIDTHS,
             "padding": st.sampled_from([0, 1]), "norm": st.booleans(), "up": st.sampled_from(["transpose", "bilinear"])}
CLASSES = {"2.3": ConvBlock, "3.3": EncoderBlock, "4.3": DecoderBlock, "5.3": UNet}
PLACES = [(id, name) for id, kind in CLASSES.items() for name in inspect.signature(kind).parameters]
DEFAULTS = {(id, name): inspect.signature(CLASSES[id]).parameters[name].default for id, name in PLACES}
OPTIONAL = [place for place, default in DEFAULTS.items() if default is not inspect.Parameter.empty]


def bound(kind, arguments, options):
    given = inspect.signature(kind).bind(*arguments, **options)
    given.apply_defaults()
    return given.arguments


def changing(kind, change):
    """The class, but what its constructor is given is changed first; no default is changed."""

    class Mine(kind):
        def __init__(self, *arguments, **options):
            super().__init__(**change(dict(bound(kind, arguments, options))))

    return Mine


def defaulting(kind, name, value):
    """The class with another default for one argument."""

    class Mine(kind):
        def __init__(self, *arguments, **options):
            if name not in inspect.signature(kind).bind(*arguments, **options).arguments:
                options[name] = value
            super().__init__(*arguments, **options)

    return Mine


@pytest.mark.full
@pytest.mark.parametrize("id, name", PLACES, ids=[f"{i} {n}" for i, n in PLACES])
def test_a_class_that_ignores_an_argument_is_refused(id, name):
    @settings(max_examples=4)
    @given(ARGUMENTS[name])
    def ignored(value):
        assert check(id, changing(CLASSES[id], lambda given: {**given, name: value})).status == "hint", value

    ignored()


@pytest.mark.full
@pytest.mark.parametrize("id, name", OPTIONAL, ids=[f"{i} {n}" for i, n in OPTIONAL])
def test_a_class_with_another_default_is_refused(id, name):
    @settings(max_examples=4)
    @given(ARGUMENTS[name].filter(lambda value: value != DEFAULTS[id, name]))
    def another(value):
        assert check(id, defaulting(CLASSES[id], name, value)).status == "hint", value

    another()


@pytest.mark.parametrize("id, name", [p for p in PLACES if "channels" in p[1] or p[1] == "num_classes"],
                         ids=lambda value: value)
def test_a_class_that_is_off_by_a_few_channels_is_refused(id, name):
    @settings(max_examples=3)
    @given(st.integers(1, 3))
    def off(few):
        def change(given):
            old = given[name]
            return {**given, name: tuple(c + few for c in old) if name == "channels" else old + few}

        assert check(id, changing(CLASSES[id], change)).status == "hint", few

    off()


@pytest.mark.parametrize("id", CLASSES)
def test_two_arguments_the_wrong_way_round_are_refused(id):
    names = list(inspect.signature(CLASSES[id]).parameters)[:2]

    def change(given):
        return {**given, names[0]: given[names[1]], names[1]: given[names[0]]}

    assert check(id, changing(CLASSES[id], change)).status == "hint"


@settings(max_examples=6)
@given(st.sampled_from(sorted(CLASSES)), st.booleans())
def test_a_class_that_holds_a_right_one_passes(id, by_name):
    kind = CLASSES[id]

    class Holder(nn.Module):
        def __init__(self, *arguments, **options):
            super().__init__()
            self.it = kind(**bound(kind, arguments, options)) if by_name else kind(*arguments, **options)

        def forward(self, *tensors):
            return self.it(*tensors)

    check(id, Holder).require()
