"""The course's stored experiments, as rows. (06)"""

import csv

from unet_course.data.nuclei import DATA


def read_results(name):
    """The rows of a stored experiment, ``data/results/NAME.csv``.

    Parameters
    ----------
    name : str
        Such as "recipes"; ``data/results/README.md`` says what is in each.

    Returns
    -------
    list of dict
        By column; what is a number is one.

    Raises
    ------
    ValueError
        If there is no such experiment.

    Examples
    --------
    >>> rows = read_results("recipes")
    >>> rows[0]["recipe"], rows[0]["seed"]
    ('weights that fade', 0.0)
    """
    path = DATA / "results" / f"{name}.csv"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.csv")))
        raise ValueError(f"name is {name!r}; wanted one of {known}")
    with path.open(encoding="utf-8", newline="") as file:
        return [{key: _number(value) for key, value in row.items()} for row in csv.DictReader(file)]


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text
