"""Exercises of 11_ablations: means, spreads, and what makes a comparison fair. (11)"""

import copy
import itertools
import math
import random
import statistics

import torch
from torch import nn

from unet_course.exercises.answers import number, several, whole, word
from unet_course.exercises.core import Exercise, Hint, asking, expect, times
from unet_course.exercises.nb09 import gradients
from unet_course.exercises.untouched import leaves_alone
from unet_course.exercises.values import call, close, shape, tensor
from unet_course.unet import UNet

spread = Exercise("11.1", "Mean and spread", "write", minutes=5, mark="classroom")
NOT_THE_DEVIATION = [
    (statistics.pstdev, "You divide by n. The mean was made from the same few values, so that is too small: divide by n − 1."),
    (statistics.variance, "That is the variance, in squared units. What takes it back to the units of the score?"),
    (statistics.pvariance, "That is a mean of squares. Divide by n − 1, and take the square root."),
    (lambda v: max(v) - min(v), "That is the range. It grows with every seed that is added; a standard deviation does not."),
    (lambda v: statistics.stdev(v) / math.sqrt(len(v)),
     "That is the standard error of the mean. Wanted the standard deviation of single seeds, before any division by √n."),
]


def _samples():
    yield [0.80, 0.90, 0.94]
    yield [random.random() for _ in range(6)]


def _pair(answer, values):
    with asking("The argument is a plain list of floats."):
        got = call(answer, list(values))
    return [number(v, f"Number {i + 1} of your pair") for i, v in enumerate(several(got, 2, "(0.9, 0.02)"))]


def _listed(values):
    return ", ".join(f"{v:.6g}" for v in values)


@spread.behaviour
def mean_comes_first(answer):
    for values in _samples():
        mean, deviation = _pair(answer, values)
        wanted, middle = statistics.mean(values), statistics.median(values)
        expect(abs(mean - middle) > 1e-9, "Your first number is the median, the value in the middle; wanted the mean.")
        expect(abs(deviation - wanted) > 1e-9, "The mean stands second in your answer; it comes first.")
        close(mean, wanted, f"The mean of {_listed(values)} is {{wanted}}; you get {{got}}.")


@spread.behaviour
def deviation_over_n_minus_one(answer):
    for values in _samples():
        got = _pair(answer, values)[1]
        for other, why in NOT_THE_DEVIATION:
            expect(abs(got - other(values)) > 1e-9, why)
        close(got, statistics.stdev(values), f"The standard deviation of {_listed(values)} is {{wanted}}; you get {{got}}.")
    for values in ([0.4, 0.7], [0.5, 0.5, 0.5, 0.5], [-0.3, 0.2, 0.1, -0.9, 0.4]):
        mean, deviation = _pair(answer, values)
        close(mean, statistics.mean(values), f"The mean of {_listed(values)} is {{wanted}}; you "
              f"get {{got}}.")
        close(deviation, statistics.stdev(values), f"The standard deviation of {_listed(values)} "
              "is {wanted}; you get {got}. A score may come twice, and two scores are enough.")


leaves_alone(spread, lambda: [([0.9, 0.8, 0.94],)])


seeds = Exercise("11.2", "How many seeds?", "predict", minutes=5, mark="classroom")


def _of_three(answer, place):
    return several(answer, 3, "[0.02, 0.03, 5]")[place]


@seeds.behaviour
def error_of_a_mean(answer):
    got = number(_of_three(answer, 0), "Answer 1")
    expect(abs(got - 0.005) > 1e-4, "Answer 1 is 0.02 / 4. The error of a mean falls with the square root of n: what is √4?")
    expect(abs(got - 0.02) > 1e-4, "Answer 1 is the spread of one seed. A mean of four is surer: by which factor?")
    close(got, 0.01, "Answer 1 is {got}. Wanted the spread of one seed, 0.02, divided by √4.", tolerance=1e-4)


@seeds.behaviour
def error_of_a_difference(answer):
    got = number(_of_three(answer, 1), "Answer 2")
    expect(abs(got - 0.02) > 1e-4, "Answer 2 adds the two errors. They are independent, so their squares add.")
    expect(abs(got - 0.01) > 1e-4, "Answer 2 is the error of one mean. A difference has the errors of both.")
    expect(abs(got) > 1e-4, "Answer 2 is 0: errors do not cancel when you subtract. Their squares add.")
    close(got, 0.01 * math.sqrt(2), "Answer 2 is {got}; wanted √(0.01² + 0.01²), to four "
          "decimals.", tolerance=1e-4)


@seeds.behaviour
def seeds_that_suffice(answer):
    got = whole(_of_three(answer, 2), "Answer 3")
    expect(got > 0, f"Answer 3 is {got}; wanted a number of seeds.")
    two_errors = 2 * 0.02 * math.sqrt(2 / got)
    expect(got >= 8, f"With {got} seeds, two errors of the difference are {two_errors:.3f}: more than 0.02.")
    expect(got == 8, f"{got} seeds are more than needed. Solve 2 · 0.02 · √(2/n) = 0.02 for n.")


fair = Exercise("11.4", "What is wrong with these comparisons?", "choose", minutes=6)
FAULTS = ["nothing", "one seed", "two changes", "unequal time", "chosen on the test field"]
COMPARISONS = [
    ("two changes", "What else is different between the two networks, besides the upsampling?"),
    ("chosen on the test field", "Which field was looked at for every depth, before the best one was named?"),
    ("nothing", "One thing changes; both have five seeds, the same time, the validation field. What would you do better?"),
    ("unequal time", "A step of the network of twice the width takes more than twice as long. Who was given more?"),
]


def _comparison(place):
    wanted, question = COMPARISONS[place]

    def behaviour(answer):
        got = word(answer, place, FAULTS)
        expect(got == wanted, f"Comparison {place + 1}: you say {got!r}. {question}")

    behaviour.__name__ = f"comparison_{place + 1}"
    return behaviour


for _place in range(len(COMPARISONS)):
    fair.behaviour(_comparison(_place))


exact = Exercise("11.5", "An exact test", "write", minutes=15, mark="deeper")
NOT_THE_SHARE = [
    (0.05, "You count one of the 20 splits. With the groups exchanged it is as far apart: take the absolute difference."),
    (0.0, "You find no split that is as far apart as the real one. The real one is among the 20 and counts: ≥, not >."),
    (2.0, "That is a number of splits. Wanted their share of all 20."),
    (0.9, "You count the splits whose means are closer together; wanted those at least as far apart."),
    (1.0, "You count every split. Which of them are at least as far apart as the real one?"),
]


def _share(a, b, allowance=1e-12):
    pooled, splits = [*a, *b], list(itertools.combinations(range(len(a) + len(b)), len(a)))

    def apart(first):
        groups = ([v for i, v in enumerate(pooled) if (i in first) == inside] for inside in (True, False))
        return abs(statistics.mean(next(groups)) - statistics.mean(next(groups)))

    seen = apart(range(len(a)))
    return sum(apart(first) >= seen - allowance for first in splits) / len(splits)


def _compare(answer, a, b, why):
    with asking("Both arguments are plain lists of floats, and need not be equally long."):
        got = number(call(answer, list(a), list(b)), "Your share")
    if abs(got - _share(a, b)) > 1e-5 and abs(got - _share(a, b, 0.01)) < 1e-5:
        why = ("As many splits come within 0.01 of the real difference. Is your allowance for "
               "rounding larger than 1e-12?")
    close(got, _share(a, b), f"For {_listed(a)} against {_listed(b)} you get {{got}}; wanted {{wanted}}. {why}")


@exact.behaviour
def three_against_three(answer):
    a, b = [0.90, 0.91, 0.92], [0.80, 0.81, 0.83]
    with asking("Both arguments are plain lists of floats."):
        got = number(call(answer, list(a), list(b)), "Your share")
    for value, why in NOT_THE_SHARE:
        expect(abs(got - value) > 1e-6, f"For three against three, clearly apart, you get {got:.3g}. {why}")
    _compare(answer, a, b, "2 of the 20 splits are as far apart.")


@exact.behaviour
def groups_that_mix(answer):
    for a, b in [([0.31, 0.12, 0.72], [0.2, 0.61, 0.44]), ([0.21, 0.93, 0.4, 0.35], [0.5, 0.86, 0.17, 0.6])]:
        _compare(answer, a, b, "It is the share of splits whose means differ by at least as much, in either direction.")
        _compare(answer, b, a, "It is the share of splits whose means differ by at least as much, in either direction.")


@exact.behaviour
def unequal_groups(answer):
    few, many = [random.random() for _ in range(3)], [random.random() for _ in range(5)]
    for a, b in [([0.5, 0.9], [0.1, 0.3, 0.2, 0.6]), (many, few), (few, many)]:
        _compare(answer, a, b, "Each split has groups as large as the real ones; means are compared, not sums.")


@exact.behaviour
def scores_that_come_twice(answer):
    why = "Some scores are equal. Do you choose scores by their places, or by their values?"
    # Halves and quarters: no last digit to be careful with.
    for a, b in [([0.5, 0.5, 0.75], [0.25, 0.5, 0.25]), ([1.0, 1.0], [0.5, 1.0, 0.25]),
                 ([0.5, 0.25, 0.5, 0.25], [0.75]), ([0.5, 0.5], [0.5, 0.5, 0.5]), ([1.0], [0.5])]:
        _compare(answer, a, b, why)
        _compare(answer, b, a, why)


@exact.behaviour
def nearly_as_far_apart(answer):
    a, b = [0.9, 0.700001, 0.600004], [0.8, 0.5, 0.600002]
    _compare(answer, a, b, "Some splits are less far apart than the real one, by a millionth. Is "
             "your allowance larger than 1e-12?")


@exact.behaviour
def equal_values(answer):
    why = ("Some splits are exactly as far apart as the real one. Floats differ in their last digit: "
           "allow for 1e-12. With torch that takes dtype=torch.float64: the last digit of float32 is larger.")
    _compare(answer, [0.1 + 0.2, 0.7, 0.3], [0.3, 0.7, 0.3], why)
    _compare(answer, [0.2, 0.5, 0.6], [0.6, 0.2, 0.5], why)
    # Equal as decimals and never as floats, however they are summed: from Python 3.12 on, sum()
    # rounds only once, and the pairs above no longer tell.
    _compare(answer, [0.8, 0.4], [0.7, 0.3, 0.5, 0.3], why)
    _compare(answer, [0.7, 0.3, 0.5, 0.3], [0.8, 0.4], why)
    # The means are equal, and only a rounding apart: an allowance in per cent of that is none.
    _compare(answer, [0.1, 0.7], [0.4, 0.3, 0.4, 0.5], why)
    _compare(answer, [0.2, 0.7], [0.8, 0.1, 0.4, 0.5], why)


leaves_alone(exact, lambda: [([0.9, 0.8, 0.94], [0.7, 0.6])])


cut = Exercise("11.3", "Cut one skip", "write", minutes=12)


def _networks():
    for channels, size in [((4, 8, 16), (37, 50)), ((4, 8), (16, 16)), ((4, 6, 8, 10), (41, 33))]:
        yield UNet(in_channels=2, num_classes=3, channels=channels).eval(), torch.rand(2, 2, *size)


def _silenced(model, levels):
    """A copy with zeros on some skips, made by hooks on the decoders that take them."""
    model = copy.deepcopy(model)
    for level in levels:
        model.decoders[-1 - level].register_forward_pre_hook(lambda _, given: (given[0], torch.zeros_like(given[1])))
    return model


def _cut(answer, model, level):
    with asking("`model.encoders[level]` is an encoder block; its call returns (skip, pooled)."):
        got = call(answer, model, level)
    expect(isinstance(got, nn.Module), f"You return a {type(got).__name__}; wanted the changed copy, an nn.Module.")
    return got.eval()


def _run(model, x):
    with torch.no_grad(), asking("The network that you return is called with a batch of images, as ever."):
        return tensor(call(model, x), "The output of your network")


@cut.behaviour
def sizes_stay(answer):
    for model, x in _networks():
        got = _run(_cut(answer, copy.deepcopy(model), 0), x)
        shape(got, (2, 3, *x.shape[-2:]), "The changed network returns {got}, wanted {wanted}: zeros of the skip's own shape.",
              "The output of your network")


@cut.behaviour
def zeros_of_each_batch(answer):
    model, x = next(_networks())
    got = _cut(answer, copy.deepcopy(model), 0)
    for batch in (x, x[:1], x[..., :20, :24]):
        try:
            _run(got, batch)
        except Exception as error:
            raise Hint(f"Your network runs on a first batch, and stops on one of {times(batch.shape)} "
                       "after it. Are the zeros of the first call kept?") from error


@cut.behaviour
def that_skip_alone_is_silent(answer):
    for model, x in _networks():
        levels, before = range(len(model.decoders)), _run(model, x)
        for level in levels:
            changed = _cut(answer, copy.deepcopy(model), level)
            got = _run(changed, x)
            expect(not torch.allclose(got, before, atol=1e-6),
                   f"With level {level} cut, the output is what it was. Do your zeros reach the decoder?")
            if not torch.allclose(got, _run(_silenced(model, [level]), x), atol=1e-5):
                _same_weights(changed, model)
                _say_why(got, model, level, levels, x)


def _same_weights(changed, model):
    mine = changed.state_dict()
    same = all(torch.equal(mine.get(name, p), p) for name, p in model.state_dict().items())
    expect(same, "The weights of the network that you return are not those of the one that was "
           "handed in. Is it copied, or made anew?")


def _say_why(got, model, level, levels, x):
    for other in levels:
        expect(not torch.allclose(got, _run(_silenced(model, [other]), x), atol=1e-5),
               f"Asked to cut level {level}, you cut level {other}. Level 0 is the top: the first encoder, the last decoder.")
    expect(not torch.allclose(got, _run(_silenced(model, levels), x), atol=1e-5),
           "All skips are cut, also those that were not asked for.")
    expect(False, f"With level {level} cut, the output is not that of the same network with zeros on that skip. "
                  "What does your encoder hand over as the skip, and is the pooled tensor still "
                  "what it was?")


@cut.behaviour
def it_can_be_trained(answer):
    for model, x in _networks():
        for level in range(len(model.decoders)):
            mine = _cut(answer, copy.deepcopy(model), level).train()
            zeros = _silenced(model, [level]).train()
            x.requires_grad_()
            results = [tensor(call(net, x), learns=True) for net in (mine, zeros)]
            expect(torch.allclose(*results, atol=1e-4), f"With level {level} cut, the network "
                   "gives other numbers in training mode. What does yours do only while it is "
                   "trained?")
            pairs = zip(results, (mine, zeros))
            found = [gradients(out, [x, *net.parameters()]) for out, net in pairs]
            # The parts of the copy may stand in another order: sizes are compared, sorted.
            sizes = [torch.tensor(sorted(float(g.norm()) for g in gs if g.any())) for gs in found]
            expect(len(sizes[0]) == len(sizes[1]) and torch.allclose(*sizes, rtol=1e-3, atol=1e-3),
                   f"With level {level} cut, the copy has the right output, and is not trained as "
                   "it should be: other weights get a gradient than those of a network with zeros "
                   "on that skip. Is something detached, or are weights changed?")


@cut.behaviour
def the_mode_stays(answer):
    model, x = next(_networks())
    for training in (True, False):
        model.train(training)
        got = answer(copy.deepcopy(model), 1)
        expect(torch.allclose(_run(got, x), _run(_silenced(model, [1]), x), atol=1e-4), "The network "
               f"comes in {'training' if training else 'evaluation'} mode, and your copy runs as in "
               "the other one. Everything but the skip stays as it was: which line changes the "
               "mode, or makes a layer anew?")


@cut.behaviour
def the_original_stays(answer):
    for model, x in _networks():
        before = _run(model, x)
        for level in range(len(model.decoders)):
            _cut(answer, model, level)
        expect(torch.equal(_run(model.eval(), x), before),
               "The network that was handed in is changed, too. Work on a copy: copy.deepcopy(model).")


@cut.behaviour
def a_copy_with_weights_of_its_own(answer):
    model, x = next(_networks())
    got = _cut(answer, model, 1)
    before = _run(got, x)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    expect(torch.equal(_run(got, x), before), "The copy shares its weights with the original: training one would train "
                                              "the other. copy.deepcopy copies the weights as well.")
