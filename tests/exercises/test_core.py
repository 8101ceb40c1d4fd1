"""The machinery of the checks: it never raises, leaves no trace, and passes whatever is right."""

import ast
import copy
import json
import keyword
import math
import random
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.exercises.test_bank import RIGHT, SOME
from unet_course import ConvBlock, DecoderBlock, EncoderBlock, UNet, check, match_size
from unet_course.exercises import Exercise, Report, answers
from unet_course.exercises.core import Hint, blank, said
from unet_course.exercises.values import alike, beside, call, close, numeric, shape, tensor

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))


# --- what a check never does ---


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("not even this")


class Ends(BaseException):
    """What some frameworks raise to leave: no Exception at all."""


class Hostile:
    """An object that answers every question with an error."""

    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __eq__ = __len__ = __iter__ = __call__ = __getattr__ = lambda self, *a, **k: 1 / 0
    __hash__ = None


def raising(error):
    def answer(*arguments, **options):
        raise error
    return answer


itself = []
itself.append(itself)


class Book(dict):
    def __contains__(self, key):
        raise KeyError("closed")


HOSTILE = [raising(Unprintable()), raising(Ends("over")), raising(SystemExit(1)), raising(MemoryError()), Hostile, Hostile(),
           raising(RecursionError("too deep")), itself, Book(), Book, [[[...]]], {"a": ...}, np.arange(3), torch.rand(2),
           (i for i in ()), lambda *a, **k: (i for i in ()), lambda *a, **k: {}, lambda *a, **k: ([], None), nn.Identity,
           nn.Identity(), lambda *a, **k: float("nan"), lambda *a, **k: np.array([None]), "…", b"B", type, Ellipsis.__class__,
           lambda *a, **k: torch.zeros(0), lambda *a, **k: torch.zeros(2, dtype=torch.complex64), lambda x: x, lambda x, y: y]


@pytest.mark.parametrize("id", SOME)
def test_nothing_is_ever_raised(id):
    for number, answer in enumerate(HOSTILE):
        report = check(id, answer)
        assert report.status == "hint" and report.hints and all(len(h) > 10 for h in report.hints), number
        assert " at 0x" not in str(report) and "<div" in report._repr_html_(), number


def test_a_person_may_still_interrupt():
    with pytest.raises(KeyboardInterrupt):
        check("0.1", raising(KeyboardInterrupt()))


@pytest.mark.parametrize("id", ["99.9", "", None, 4, ("4", "2"), object(), "4.2 ", Hostile()], ids=range(8))
def test_unknown_exercise_is_told_what_there_is(id):
    report = check(id, 1)
    assert report.status == "hint" and re.search(r"There is no exercise .*(0\.1 to 14|4\.1 to 4)\.\d", report.hints[0])
    assert " at 0x" not in str(report)


@pytest.mark.parametrize("id", ["2.3", 2.3])
def test_the_number_may_be_a_number(id):
    check(id, ConvBlock).require()


# --- what it says ---


def test_the_text_counts_what_is_left():
    report = check("0.1", lambda p: p.argmax(dim=1))
    assert len(report.hints) == len(report.failed) == 2 and "(This is the first of 2 things to mend.)" in str(report)
    assert "not yet" in str(report) and "not yet" in report._repr_html_()


def test_html_is_escaped():
    assert "<b>" not in check("1.4", "<b>")._repr_html_() and "&lt;b&gt;" in check("1.4", "<b>")._repr_html_()


@pytest.mark.parametrize("status", ["passed", "hint", "not attempted"])
def test_each_status_has_a_card(status):
    report = Report("1.4", "a title", status, ["a hint"] if status == "hint" else [])
    assert "a title" in report._repr_html_() and "1.4" in str(report)


def test_require_raises_unless_passed():
    assert check("1.4", "B").require() is None
    with pytest.raises(AssertionError, match="Exercise 1.4"):
        check("1.4", "A").require()
    with pytest.raises(AssertionError, match="not attempted"):
        check("1.4").require()


@pytest.mark.parametrize("id, answer, words", [
    ("2.3", ConvBlock(1, 2), "instance"), ("5.3", UNet(channels=(2,)), "instance"), ("2.3", 3, "class"), ("2.1", 3, "function"),
    ("2.1", lambda i: i, "positional argument"), ("1.1", lambda m: "x", "'x'; wanted a number"),
    ("1.1", lambda m: None, "return"), ("2.3", lambda *a, **k: 5, "int; wanted an nn.Module"),
    ("6.1", lambda z, t: F.cross_entropy(z, t, reduction="none"), "4 numbers for four pixels"),
    ("6.1", lambda z, t: F.cross_entropy(z, t, reduction="sum"), "That is the sum"),
    ("6.1", lambda z, t: F.cross_entropy(z, t) / math.log(10), "base 10"),
    ("3.4", object(), "of type object"), ("4.3", lambda *a, **k: nn.Conv2d(1, 1, 1), 'up="transpose"'),
    ("6.3", lambda x, y, m: x, "two tensors"), ("1.4", "x" * 500, "of type str"),
])
def test_what_some_hints_say(id, answer, words):
    assert words in check(id, answer).hints[0]


def test_said_is_short_and_without_addresses():
    assert said(2) == "2" and said("B") == "'B'" and said(object()) == "of type object"
    assert said(torch.zeros(99, 99)) == "of type Tensor" and said(Hostile()) == "of type Hostile"


@pytest.mark.parametrize("got, wanted, same", [
    (1, 1.0, True), (np.float32(2), 2, True), (torch.tensor([0.5]), 0.5, True), (torch.tensor(1.0, requires_grad=True), 1, True),
    ([1, 2], (1.0, 2.0), True),
    (True, 1, False), ([True, True], [1, 1], False), ([True, True], [True, True], True),
    (torch.tensor([1, 2]), 1, False), (1, [1], False), ([1, 2], [1, 2, 3], False),
    (math.nan, 1, False), (math.inf, 1, False), (1.001, 1, False),
    ("1", 1, True), ("one", 1, False), (["1", " 2.5 "], [1, 2.5], True),
    (None, 1, False), ([[1], [1, 2]], 1, False),
])
def test_close(got, wanted, same):
    if same:
        close(got, wanted, "")
    else:
        with pytest.raises(Exception, match="no|wanted"):
            close(got, wanted, "no: {got}, wanted {wanted}")


# --- one rule for the form of an answer ---

ROWS = [[1.0, 2.0], [3.0, 0.5]]


@pytest.mark.parametrize("rows", [
    torch.tensor(ROWS), list(torch.tensor(ROWS, requires_grad=True)), ROWS, tuple(map(tuple, ROWS)),
    np.array(ROWS), np.array(ROWS, dtype="f4"), np.array(ROWS, dtype="g"),
    np.array(ROWS, dtype=object), list(np.array(ROWS)), np.array(ROWS)[::-1, ::-1][::-1, ::-1],
    [["1", " 2 "], [3, "0.5"]]])
def test_rows_are_taken_in_any_form(rows):
    assert numeric(rows).tolist() == ROWS and alike(rows, ROWS) and alike(ROWS, rows)
    assert shape(rows, (2, 2), "").tolist() == ROWS and tensor(rows).dtype == torch.float32
    close(rows, ROWS, "")


@pytest.mark.parametrize("four", [
    4, 4.0, "4", " 4.0 ", np.int16(4), np.float64(4), torch.tensor(4), torch.tensor([4]), [4],
    (np.array([4.0]),), np.array(4), np.array(["4"]), "8/2", ["12/3"]])
def test_a_number_is_taken_in_any_form(four):
    assert answers.number(four, "It") == answers.whole(four, "It") == 4
    close(four, 4, "")


@pytest.mark.parametrize("none", [
    True, np.True_, torch.tensor(True), [True], "four", "", None, [], [4, 4], 4j, torch.tensor(4j),
    {4}, {}, math.nan, math.inf, "inf", "4/0", "4/one", [[1], [1, 2]], itself, 10**400])
def test_what_is_no_number(none):
    for kind in (answers.number, answers.whole):
        with pytest.raises(Hint, match="It is .*; wanted a"):
            kind(none, "It")
    with pytest.raises(Hint, match="wanted|no"):
        close(none, 1, "no")


def test_whole_numbers_and_lists():
    with pytest.raises(Hint, match="It is 4.5; wanted a whole number"):
        answers.whole(4.5, "It")
    for three in (range(3), np.arange(3), torch.arange(3), (0, 1, 2)):
        assert answers.several(three, 3, "") == [0, 1, 2]


@pytest.mark.parametrize("value", [torch.rand(3, 2).max(0), "text", None, [None], {}, [True, 2],
                                   np.array([4j]), torch.rand, [torch.ones(2), torch.ones(3)],
                                   [torch.ones(2), torch.tensor(1.0)], [np.array(["a"])]])
def test_what_is_no_array(value):
    assert numeric(value) is None and not alike(value, 1) and not alike(1, value)
    with pytest.raises(Hint, match="wanted a torch Tensor"):
        tensor(value)


def test_what_has_to_learn_is_a_tensor():
    x = torch.rand(2, requires_grad=True)
    assert tensor(x, learns=True) is x
    for kind in (torch.float64, torch.float16, torch.bfloat16):
        assert tensor(x.to(kind), learns=True).dtype == torch.float32
    for value in (x.detach().numpy(), 0.5):
        with pytest.raises(Hint, match="My loss is of type .*gradient"):
            tensor(value, "My loss", learns=True)
    with pytest.raises(Hint, match="My loss is a list with a length of 2; wanted one torch Tensor"):
        tensor(x.tolist(), "My loss", learns=True)

    class InNumpy(nn.Module):
        def forward(self, x):
            return x, x.numpy()
    with pytest.raises(Hint, match="network gives back a NumPy array.*gradient"):
        call(InNumpy(), torch.rand(2))


def test_an_array_comes_back_as_a_tensor_and_goes_in_as_a_copy():
    mask = np.zeros((2, 3), dtype=np.uint16)

    def fill(mask, *rest):
        mask[:] = 7
        return mask, [mask], "word"
    one, two, word = call(fill, mask)
    assert not mask.any() and one.tolist() == [[7] * 3] * 2 and one.dtype == torch.int32
    assert isinstance(two[0], np.ndarray)  # what is deeper is the business of whoever looks there
    assert word == "word" and call(lambda: np.array(["a"])).tolist() == ["a"]
    assert call(lambda: np.array([3], dtype=np.uint64)).dtype == torch.int64


@pytest.mark.parametrize("got, wanted, words", [
    ([1, 2], [1, 3], "Yours is [1, 2], wanted [1, 3]. Why?"),
    ([[1 / 3]], [[2 / 3]], "Yours is [[0.333]], wanted [[0.667]]. Why?"),
    ([1.0001, 2], [1, 2], "Yours is [1.0001, 2], wanted [1, 2]. Why?"),
    ([6720.2, -1e-9], [6722, 0], "Yours is [6720, 0], wanted [6722, 0]. Why?"),
    ([31030658.0], [31020657.0], "Yours is [31030658], wanted [31020657]. Why?"),
    ([999.9], [1e30], "Yours is [999.9], wanted [1e+30]. Why?"),
    ([math.inf], [2.0], "Yours is [inf], wanted [2]. Why?"),
    ([math.nan], [1], "Yours is [nan], wanted [1]. Why?"),
    (torch.zeros(5, 5), torch.eye(5), "At row 0, column 0: yours 0, wanted 1. Why?"),
    (torch.zeros(30), torch.arange(30) // 20, "At index [20]: yours 0, wanted 1. Why?"),
    (torch.zeros(2, 3, 4), torch.ones(2, 3, 4), "At index [0, 0, 0]: yours 0, wanted 1. Why?"),
    (torch.full((5, 5), 0.12345), torch.full((5, 5), 0.1235),
     "At row 0, column 0: yours 0.12345, wanted 0.1235. Why?"),
    ([1, 2], [1, 2, 3], "Your result is an array of shape 2; wanted an array of shape 3. Why?"),
    (1, [1, 2], "Your result is 1; wanted an array of shape 2. Why?"), (3, 2, "Why?"),
])
def test_a_hint_shows_what_came_beside_what_was_wanted(got, wanted, words):
    with pytest.raises(Hint) as told:
        close(got, wanted, "Why?")
    assert str(told.value) == words
    if words.startswith(("Yours", "At")):
        assert beside(got, wanted, "Why?") == words


# --- what is not attempted ---


@pytest.mark.parametrize("value, wanted", [(..., True), ((1, ...), True), ([...], True), ((), False), (None, False), ("...", False),
                                           (np.zeros(2), False), (Book(), False)])
def test_blank(value, wanted):
    assert blank(value) is wanted


def test_half_an_answer_is_told_which_half():
    report = check("6.3", lambda x, y, mirror: (x.flip(-1), y.flip(-1)) if mirror else ...)
    assert report.status == "hint" and report.failed == ["off_means_off"] and "three dots" in report.hints[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_stubs_and_solutions_of_the_notebook(path):
    """As they stand in the notebook: a stub is not attempted, the solution beside it passes."""
    setting = ("import numpy as np, torch, torch.nn.functional as F\nfrom torch import nn\nfrom unet_course import *\n"
               "from unet_course.training import OtherSkip\n"  # a cell of 11 defines it
               "from unet_course.unet import check_arguments, check_image, init_he\n")
    seen, cells = [], json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = ast.parse("".join(next(c["source"] for c in cells if c["cell_type"] == "code")).replace("%pip", "pass  #"))
    imports = ast.Module([n for n in first.body if isinstance(n, (ast.Import, ast.ImportFrom))], type_ignores=[])
    for cell in cells:
        for tag in {"exercise", "solution"} & set(cell["metadata"].get("tags", [])):
            space = {}
            exec(setting, space)
            exec(compile(imports, path.name, "exec"), space)
            space["check"] = lambda *a, tag=tag: seen.append((tag, check(*a)))
            exec("".join(cell["source"]), space)
    wanted = {"exercise": "not attempted", "solution": "passed"}
    assert all(report.status == wanted[tag] for tag, report in seen), seen
    ids = sorted(i for i in Exercise.registry if i.startswith(f"{int(path.stem[:2])}."))
    assert sorted(report.id for tag, report in seen if tag == "exercise") == ids
    assert sorted(report.id for tag, report in seen if tag == "solution") == ids


# --- what it leaves behind ---


def vandal(probabilities):
    """A right answer that leaves a mess."""
    print("noise")
    warnings.warn("noise", stacklevel=1)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_num_threads(2)
    out = probabilities.argmax(dim=0)
    probabilities.zero_()
    return out


def numbers():
    return torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()


def seed():
    torch.manual_seed(7), np.random.seed(7), random.seed(7)


@pytest.mark.parametrize("answer", [vandal, raising(ValueError("no")), lambda p: (vandal(p), 1 / 0), ..., lambda p: ...])
def test_global_state_is_left_as_it_was(answer, capsys):
    seed()
    wanted = numbers()
    seed()
    check("0.1", answer)
    assert numbers() == wanted
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled() and torch.get_num_threads() == 1
    assert capsys.readouterr() == ("", "")


# One right answer of each exercise on every change, the others at night.
FIRST = {entry[0]: entry for entry in reversed(RIGHT)}
ONE_OF_EACH = [pytest.param(*entry, id=f"{entry[0]} {entry[1]}", marks=[] if entry is FIRST[entry[0]] else pytest.mark.full)
               for entry in RIGHT]


@pytest.mark.parametrize("id, what, answer", ONE_OF_EACH)
def test_a_right_answer_passes_in_any_surroundings_and_changes_none(id, what, answer):
    seed()
    wanted = numbers()
    seed()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            check(id, answer).require()
            assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert numbers() == wanted


def test_a_check_works_in_inference_mode_and_inside_another_check():
    with torch.inference_mode():
        check("4.3", DecoderBlock).require()
        assert torch.is_inference_mode_enabled()
    check("0.1", lambda p: (check("2.3", ConvBlock), p.argmax(dim=0))[1]).require()


def test_an_answer_cannot_change_the_question():
    check("0.1", vandal).require()
    assert check("0.1", lambda p: p.zero_().argmax(dim=0)).status == "hint"


def test_what_is_the_learners_own_is_not_changed():
    mine = UNet(channels=(4, 8, 16), norm=True)
    before = copy.deepcopy(mine.state_dict())
    for id in ("2.3", "3.3", "4.3", "5.3"):
        check(id, lambda *a, **k: mine)
        check(id, mine)
    assert mine.training and all(torch.equal(v, before[k]) for k, v in mine.state_dict().items())
    assert all(p.grad is None for p in mine.parameters())
    values = torch.tensor([-1, -2, 0, 1])
    check("4.1", values)
    assert values.tolist() == [-1, -2, 0, 1]
    book = {(64, 64): {"skip 0": [16, 64, 64]}}
    check("5.1", book)
    assert book == {(64, 64): {"skip 0": [16, 64, 64]}}


# --- what there is ---


def test_an_exercise_cannot_be_declared_twice():
    with pytest.raises(ValueError, match="2.3 is declared twice"):
        Exercise("2.3", "again", "write")


@pytest.mark.parametrize("id", sorted(Exercise.registry))
def test_an_exercise_is_whole(id):
    exercise = Exercise.registry[id]
    names = [b.__name__ for b in exercise.behaviours]
    assert names and len(set(names)) == len(names) and exercise.id == id
    assert exercise.title and 1 <= exercise.minutes <= 25 and exercise.label().endswith(f"{exercise.minutes} minutes")


# --- the same class under other names ---

NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda n: not keyword.iskeyword(n) and not hasattr(nn.Module(), n)), min_size=4, max_size=4, unique=True)


@settings(max_examples=6)
@given(NAMES, st.permutations(range(4)), st.booleans())
def test_a_block_passes_under_any_names(names, order, nested):
    class Mine(nn.Module):
        def __init__(self, i, o, *, padding=1, norm=True):
            super().__init__()
            parts = [nn.Conv2d(i, o, 3, padding=padding, bias=not norm), nn.BatchNorm2d(o) if norm else nn.Identity(),
                     nn.Conv2d(o, o, 3, padding=padding, bias=not norm), nn.BatchNorm2d(o) if norm else nn.Identity()]
            for place in order:
                setattr(self, names[place], nn.Sequential(parts[place]) if nested else parts[place])

        def forward(self, x):
            for place, name in enumerate(names):
                x = getattr(self, name)(x)
                x = F.relu(x) if place % 2 else x
            return x

    check("2.3", Mine).require()


@settings(max_examples=6)
@given(NAMES, st.booleans(), st.sampled_from([tuple, list]))
def test_an_encoder_block_passes_under_any_names(names, first, kind):
    class Mine(ConvBlock if first else nn.Module):
        def __init__(self, *arguments, **options):
            super().__init__(*(arguments if first else ()), **(options if first else {}))
            setattr(self, names[0], nn.MaxPool2d(2, stride=2, ceil_mode=True))
            if not first:
                setattr(self, names[1], ConvBlock(*arguments, **options))

        def forward(self, x):
            x = super().forward(x) if first else getattr(self, names[1])(x)
            return kind((x, getattr(self, names[0])(x)))

    check("3.3", Mine).require()


@settings(max_examples=6)
@given(NAMES, st.booleans(), st.booleans())
def test_a_decoder_block_passes_under_any_names_and_in_either_order(names, skip_first, inherits):
    class Mine(DecoderBlock if inherits else nn.Module):
        def __init__(self, i, s, o, *, up="transpose", **options):
            super().__init__(*((i, s, o) if inherits else ()), **({"up": up, **options} if inherits else {}))
            if inherits:
                setattr(self, names[0], self.up), setattr(self, names[1], self.block)
                del self.up, self.block
                return
            enlarge = (nn.ConvTranspose2d(i, o, 2, 2) if up == "transpose"
                       else nn.Sequential(nn.Conv2d(i, o, 1), nn.Upsample(scale_factor=2, mode="bilinear")))
            setattr(self, names[1], ConvBlock(o + s, o, **options)), setattr(self, names[0], enlarge)

        def forward(self, x, skip):
            x = getattr(self, names[0])(x)
            both = [match_size(skip, x.shape[-2:]), x]
            return getattr(self, names[1])(torch.cat(both if skip_first else both[::-1], dim=1))

    check("4.3", Mine).require()


@settings(max_examples=4)
@given(NAMES, st.booleans())
def test_a_unet_passes_under_any_names(names, sequential):
    class Mine(nn.Module):
        def __init__(self, in_channels=1, num_classes=2, *, channels=(64, 128, 256, 512, 1024), up="transpose", **options):
            super().__init__()
            keep = nn.Sequential if sequential else lambda *blocks: nn.ModuleList(blocks)
            whole = UNet(in_channels, num_classes, channels=channels, up=up, **options)
            parts = [keep(*list(whole.decoders)[::-1]), whole.head, keep(*whole.encoders), whole.bottleneck]
            for name, part in zip(names, parts):
                setattr(self, name, part)

        def forward(self, x):
            ups, head, downs, bottom = (getattr(self, name) for name in names)
            return head(self.level(x, list(zip(downs, ups)), bottom))

        def level(self, x, below, bottom):
            if not below:
                return bottom(x)
            (down, up), *rest = below
            skip, x = down(x)
            return up(self.level(x, rest, bottom), skip)[:, :, : skip.shape[2], : skip.shape[3]]

    check("5.3", Mine).require()


def test_the_packages_own_classes_pass_under_another_name():
    for id, base in [("2.3", ConvBlock), ("3.3", EncoderBlock), ("4.3", DecoderBlock), ("5.3", UNet)]:
        check(id, type("Mine", (base,), {})).require()
