"""Small changes to the solutions: they are made in every way, each is refused or listed, and a weak check is found out."""

import ast
import time

import pytest
import torch

from tools.mutants import equivalent, mutants
from unet_course.exercises import Exercise
from unet_course.exercises.values import call, close

SOLUTIONS = {id: (tree, first) for id, tree, first in mutants.solutions()}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_every_exercise_has_a_solution_to_change():
    assert set(SOLUTIONS) == set(Exercise.registry)


@pytest.mark.full
@pytest.mark.parametrize("id", sorted(SOLUTIONS))
def test_every_mutant_is_refused_or_listed_with_a_reason(id):
    number, alive = mutants.survivors(id, *SOLUTIONS[id])
    assert number >= 1 and [what for what in alive if equivalent.reason(id, what) is None] == []


@pytest.fixture
def weak():
    """A check that looks at one input only."""
    exercise = Exercise("99.1", "Double", "write")

    @exercise.behaviour
    def of_two(answer):
        close(call(answer, 2), 4, "Wanted {wanted}, got {got}.")
    yield exercise
    del Exercise.registry["99.1"]


def test_a_weak_check_is_found_out(weak):
    number, alive = mutants.survivors("99.1", ast.parse("def double(n):\n    return n * 2\nANSWER = double"), 0)
    assert number >= 6 and "n * 2: Mult → Add" in alive and "n * 2: left side only" not in alive
    assert equivalent.reason("99.1", "n * 2: Mult → Add") is None


@pytest.mark.full
def test_no_mutant_is_refused_because_its_check_is_slow(weak):
    @weak.behaviour
    def slow(answer):
        end = time.process_time() + 1.5
        while time.process_time() < end:
            pass
    tree = ast.parse("def double(n):\n    return 2 * n\nANSWER = double")
    _, alive = mutants.survivors("99.1", tree, 0)
    assert "2 * n: sides swapped" in alive


@pytest.mark.parametrize("code, wanted", [
    ("f(a, b, k=1)", {"arguments 1 and 2 swapped", "argument 1 dropped", "keyword k dropped"}),
    ("x = 3", {"3 → 4", "3 → 2", "statement dropped"}),
    ("a < b", {"Lt → LtE", "Lt → Gt"}), ("a + b", {"Add → Sub", "sides swapped", "left side only"}),
    ("-a", {"sign dropped"}), ("a[1:2]", {"lower end dropped", "upper end dropped"}), ("[a, b]", {"items 1 and 2 swapped"}),
    ("if a:\n    b()", {"if True", "if False"}), ("a if b else c", {"always the first", "always the second"}),
    ("a and b", {"part 1 only", "part 2 only"}), ("f(True)", {"True → False", "call dropped"}),
    ("up = 'bilinear'", {"another word"}), ("x.sum()", {"method sum dropped"}), ("f(x)\ng(x)", {"statement dropped"})])
def test_what_is_changed(code, wanted):
    done = {what.rsplit(": ", 1)[1] for what, _ in mutants.mutants(ast.parse(code), 0)}
    assert wanted <= done, done


def test_each_mutant_has_one_change_and_can_be_compiled():
    original = ast.parse("def f(x):\n    y = x + 1\n    return y * 2")
    seen = [ast.unparse(tree) for _, tree in mutants.mutants(original, 0)]
    assert ast.unparse(original) not in seen and len(seen) >= 12
    assert all(compile(text, "mutant", "exec") for text in seen)


def test_the_list_names_exercises_that_there_are_and_gives_reasons():
    assert {id for id, *_ in equivalent.SOMETIMES} <= set(Exercise.registry)
    assert all(len(why) > 10 for why in [*equivalent.ALWAYS.values(), *(why for *_, why in equivalent.SOMETIMES)])


def test_the_command(capsys):
    assert mutants.main(["0.1", "3.4"]) == 0
    assert "100.0 %" in capsys.readouterr().out.splitlines()[-1]
