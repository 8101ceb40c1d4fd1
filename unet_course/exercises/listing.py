"""The exercises by notebook, with what you have passed. (00)"""

from unet_course.exercises.core import Exercise, place
from unet_course.exercises.progress import passed


def exercises_by_notebook():
    """The ids of the exercises, in order, for the number of each notebook.

    Examples
    --------
    >>> exercises_by_notebook()["00"]
    ['0.1', '0.2', '0.3']
    """
    found = {}
    for id in sorted(Exercise.registry, key=place):
        found.setdefault(f"{place(id)[0]:02}", []).append(id)
    return found


def listing():
    """The exercises by notebook, a line each, with what you have passed.

    Examples
    --------
    >>> print(listing().splitlines()[1])  # doctest: +ELLIPSIS
      [...] 0.1  From probabilities to a mask ...
    """
    done, lines = passed(), []
    for notebook, ids in exercises_by_notebook().items():
        lines.append(f"Notebook {notebook}")
        for exercise in map(Exercise.registry.get, ids):
            mark = "x" if exercise.id in done else " "
            lines.append(f"  [{mark}] {exercise.id:5}{exercise.title} ({exercise.label()})")
    return "\n".join([*lines, f"{len(done & set(Exercise.registry))} of {len(Exercise.registry)} passed."])
