"""Scores of many trainings in one table on disk: a row is added when its training has ended, and never half."""

import csv
import io
import os
import statistics
from pathlib import Path

from unet_course.data.nuclei import DATA

NUMBERS = {"seed": int, "steps": int, "crop": int, "parameters": int, "cpu_seconds": float, "test_dice": float,
           "test_boundary": float, "test_f1": float, "shifted_dice": float, "shifted_boundary": float, "shifted_f1": float}
COLUMNS = ["variant", "factor", *NUMBERS, "torch", "numpy", "course"]


def read_rows(path=DATA / "results" / "ablations.csv"):
    """All rows of a table of results.

    Parameters
    ----------
    path : path
        A CSV file as `add_row` writes it.

    Returns
    -------
    list of dict
        Numbers are numbers. Empty, if there is no such file yet.

    Raises
    ------
    ValueError
        If a row does not have the columns, or a number in it is none; names the line.

    Examples
    --------
    >>> rows = read_rows()
    >>> rows[0]["variant"], rows[0]["seed"]
    ('base', 0)
    """
    path = Path(path)
    if not path.exists():
        return []
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            try:
                rows.append({**row, **{name: kind(row[name]) for name, kind in NUMBERS.items()}})
            except (KeyError, TypeError, ValueError) as error:
                wanted = ", ".join(COLUMNS)
                raise ValueError(f"{path.name}, line {reader.line_num}: {error} does not fit the columns {wanted}: "
                                 "delete the line, and the training that it stood for is run again") from error
    return rows


def add_row(row, path):
    """Add one row to a table of results: the file is written anew beside its place and renamed.

    Parameters
    ----------
    row : dict
        A value for each of the columns.
    path : path
        Made, with its folder, if it is not there.

    Raises
    ------
    ValueError
        If a column is missing or unknown.

    Examples
    --------
    >>> add_row({"variant": "base"}, "nowhere.csv")
    Traceback (most recent call last):
        ...
    ValueError: row lacks factor, seed, steps, crop, parameters, cpu_seconds, test_dice, test_boundary, ...
    """
    lacks = [name for name in COLUMNS if name not in row]
    if lacks or len(row) > len(COLUMNS):
        raise ValueError(f"row lacks {', '.join(lacks) or 'nothing'} and has {len(row)} values; wanted {', '.join(COLUMNS)}")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*read_rows(path), row])
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text.getvalue(), encoding="utf-8", newline="\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def by_variant(rows, score):
    """The values of one score, one for each seed, under the name of their variant.

    Parameters
    ----------
    rows : list of dict
        As from `read_rows`.
    score : str
        A column, such as "test_f1".

    Returns
    -------
    dict of str to list of float

    Examples
    --------
    >>> by_variant([{"variant": "a", "x": 1}, {"variant": "b", "x": 2}, {"variant": "a", "x": 3}], "x")
    {'a': [1, 3], 'b': [2]}
    """
    found = {}
    for row in rows:
        found.setdefault(row["variant"], []).append(row[score])
    return found


def summary(rows, score):
    """Mean and standard deviation (n − 1) over the seeds of each variant, the best mean first.

    Parameters
    ----------
    rows, score
        As for `by_variant`.

    Returns
    -------
    dict of str to (float, float)
        The deviation of a single seed is NaN.

    Examples
    --------
    >>> summary([{"variant": "a", "x": 1.0}, {"variant": "b", "x": 2.0}, {"variant": "a", "x": 2.0}], "x")
    {'b': (2.0, nan), 'a': (1.5, 0.707...)}
    """
    values = by_variant(rows, score)
    found = {name: (statistics.mean(v), statistics.stdev(v) if len(v) > 1 else float("nan")) for name, v in values.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))
