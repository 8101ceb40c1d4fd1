"""The exercises as a whole: how many, of which kinds, and that the notebooks say what is declared."""

import collections
import json
import re
from pathlib import Path

import pytest

from unet_course.exercises import Exercise
from unet_course.exercises.listing import exercises_by_notebook

NOTEBOOKS = {path.stem[:2]: path for path in sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))}
KINDS = {"write", "predict", "find", "choose", "read"}


def declared(notebook):
    return [Exercise.registry[id] for id in exercises_by_notebook()[notebook]]


def test_there_are_forty_of_all_kinds():
    kinds = collections.Counter(exercise.kind for exercise in Exercise.registry.values())
    assert sum(kinds.values()) >= 40 and set(kinds) == KINDS and min(kinds.values()) >= 2, kinds


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_each_notebook_has_short_ones_for_the_classroom_and_a_deeper_one(notebook):
    exercises = declared(notebook)
    assert len(exercises) >= (4 if notebook != "00" else 3)
    marks = collections.Counter(exercise.mark for exercise in exercises)
    assert marks["classroom"] == 2 and marks["deeper"] == 1 and set(marks) <= {"", "classroom", "deeper"}, marks
    assert all(exercise.minutes <= 5 for exercise in exercises if exercise.mark == "classroom")


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_the_notebook_says_what_is_declared(notebook):
    cells = json.loads(NOTEBOOKS[notebook].read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    found = re.findall(r"^### Exercise (\S+) · (.+) \((.+)\)$", text, re.M)
    assert sorted(found) == sorted((e.id, e.title, e.label()) for e in declared(notebook))


def test_behaviours_have_names_of_their_own():
    for exercise in Exercise.registry.values():
        names = [behaviour.__name__ for behaviour in exercise.behaviours]
        assert len(set(names)) == len(names), exercise.id


def test_the_readme_counts_them():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"the {len(Exercise.registry)} exercises" in readme
