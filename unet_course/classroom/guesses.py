"""What a class has guessed, from progress files and notebooks, which are read and never run."""

import ast
import json
import math
import re
from collections import Counter
from pathlib import Path

from unet_course.classroom.grading.handed_in import NOTEBOOK, files_in, titles_in, whose

BINS, LONGEST = 8, 40  # bars of a histogram, and signs of a bar
LARGEST = 100 * 2**20  # bytes of a file


def histogram(guesses):
    """The guesses of a class, a histogram for each question: numbers in 8 bins, words counted.

    Parameters
    ----------
    guesses : dict
        {student: {id of the question: answer}}; an answer is a number, a word, or a place (two
        numbers).

    Returns
    -------
    list of str
        Lines of text.

    Examples
    --------
    >>> room = {"ada": {"02-c": 90}, "ben": {"02-c": 131}, "cleo": {"02-c": 90, "02-d": "no"}}
    >>> print("\\n".join(histogram(room)))
    02-c: 3 guesses
       90  ##  2
      131  #   1
    02-d: 1 guess
      no  #  1
    """
    questions = {}
    for answers in guesses.values():
        for id, answer in answers.items():
            questions.setdefault(id, []).append(tidy(answer))
    lines = []
    for id, answers in sorted(questions.items()):
        lines.append(f"{id}: {len(answers)} guess{'es' * (len(answers) > 1)}")
        numbers = [answer for answer in answers if is_number(answer)]
        words = Counter(word_of(answer) for answer in answers if not is_number(answer))
        bars = [*binned(numbers), *sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))]
        wide = max(len(name) for name, _ in bars)
        most = max(count for _, count in bars)
        unit = max(1, math.ceil(most / LONGEST))  # a sign for so many students
        length = math.ceil(most / unit)
        for name, count in bars:
            place = name.rjust(wide) if numbers else name.ljust(wide)
            lines.append(f"  {place}  {'#' * math.ceil(count / unit):{length}}  {count}")
        if unit > 1:
            lines.append(f"  (each # is {unit} students)")
    return lines or ["Nobody has guessed."]


def tidy(answer):
    """The answer; a number where somebody wrote one as a text, as the course itself reads it."""
    try:
        number = float(answer.strip().rstrip("%")) if isinstance(answer, str) else answer
    except ValueError:
        return answer
    return number if is_number(number) else answer


def is_number(answer):
    return isinstance(answer, (int, float)) and not isinstance(answer, bool) and abs(answer) < 1e300


def word_of(answer):
    """An answer that is no number, as it is counted: in one line, without capitals, not long."""
    if isinstance(answer, (list, tuple)) and all(map(is_number, answer)):
        return f"({', '.join(f'{number:g}' for number in answer)})"
    try:
        text = str(answer)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        text = "cannot be shown"
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split()).casefold()
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def binned(numbers):
    """[(which numbers, how many)]: each number for itself if they are few, else in round bins.

    Examples
    --------
    >>> binned([1, 1, 5])
    [('1', 2), ('5', 1)]
    >>> binned(range(90))
    [('0 to <20', 20), ('20 to <40', 20), ('40 to <60', 20), ('60 to <80', 20), ('80 to <100', 10)]
    """
    counted = Counter(numbers)
    low, high = min(counted, default=0), max(counted, default=0)
    width = max((high - low) / BINS, 1e-12 * max(abs(low), abs(high)), 1e-300)
    if len(counted) <= BINS:
        return [(f"{number:.6g}", counted[number]) for number in sorted(counted)]
    power = 10.0 ** math.floor(math.log10(width))
    for step in (1, 2, 5, 10, 20):  # 20 is at least twice the width that is wanted
        width = step * power
        first = math.floor(low / width)
        if (bins := math.floor(high / width) - first + 1) <= BINS:
            break
    counts = Counter(math.floor(number / width) - first for number in numbers)
    edges = [f"{(first + k) * width:.6g}" for k in range(bins + 1)]
    return [(f"{edges[k]} to <{edges[k + 1]}", counts[k]) for k in range(bins)]


def guesses_in(folder):
    """The guesses in a folder of progress files and notebooks; each student counts once.

    Parameters
    ----------
    folder : path
        With a folder for each student, or with files whose names say whose they are.

    Returns
    -------
    (dict, list of str)
        {student: {id: answer}}, and what could not be read, and why. Of several files of one
        student the later ones, in the order of their names, add what is missing.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"folder is {str(folder)!r}, and there is no such folder; give the one that holds your "
            "students' progress files or notebooks"
        )
    found, unreadable, titles = {}, [], titles_in()
    for path in files_in(folder):
        *folders, name = path.relative_to(folder).parts
        shown = "/".join([*folders, name])
        kind = "notebook" if NOTEBOOK.search(name) else path.suffix.lower()
        if kind not in ("notebook", ".json"):
            unpack = "; unpack it first" * (kind == ".zip")
            unreadable.append(
                f"{shown}: neither a progress file (.json) nor a notebook (.ipynb){unpack}"
            )
            continue
        try:
            if path.is_symlink():
                raise ValueError("it is a link")
            if path.stat().st_size > LARGEST:
                raise ValueError(f"it has more than {LARGEST // 2**20} MB")
            content = json.loads(path.read_text(encoding="utf-8-sig"))
            answers, faults = (
                in_notebook(content) if kind == "notebook" else (in_progress(content), [])
            )
        except (
            OSError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            RecursionError,
            MemoryError,
        ) as error:
            why = (
                error.strerror
                if isinstance(error, OSError) and error.strerror
                else str(error) or type(error).__name__
            )
            unreadable.append(f"{shown}: {why}")
            continue
        unreadable += [f"{shown}: {fault}" for fault in faults]
        (student, _), *_ = whose(
            (*folders, re.sub("[_ -]*progress[_ -]*", "", path.stem) + path.suffix), None, titles
        )
        found[student] = {**answers, **found.get(student, {})}
    return found, unreadable


def in_progress(content):
    """The guesses in a progress file."""
    known = isinstance(content, dict) and {"passed", "guesses"} & set(content)
    answers = content.get("guesses", {}) if known else None
    if not isinstance(answers, dict):
        raise ValueError("it is no progress file of this course")
    return answers


def in_notebook(content):
    """The guesses in a notebook, calls such as ``guess("02-c", 90)``, and what cannot be read."""
    answers, faults = {}, []
    for number, cell in enumerate(content["cells"], start=1):
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        if "guess(" not in source.replace(" ", ""):
            continue
        try:
            tree = ast.parse(
                "\n".join(
                    line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))
                )
            )
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            faults.append(f"cell {number} is no Python ({getattr(error, 'msg', None) or error})")
            continue
        for call in ast.walk(tree):
            if not (
                isinstance(call, ast.Call)
                and getattr(call.func, "id", getattr(call.func, "attr", "")) == "guess"
            ):
                continue
            named = {word.arg: word.value for word in call.keywords}
            given = [
                named.get(name, call.args[place] if place < len(call.args) else None)
                for place, name in enumerate(("id", "answer"))
            ]
            if None in given:
                continue  # no guess yet
            try:
                id, answer = map(ast.literal_eval, given)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                faults.append(f"cell {number}: the answer to a guess is no plain number or word")
                continue
            if answer is not ...:
                answers[str(id)] = answer
    return answers, faults
