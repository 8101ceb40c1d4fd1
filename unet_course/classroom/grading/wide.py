"""The gradebook as Moodle and Canvas import it: a row a student, a column a notebook, the total."""

import csv
import io
import unicodedata

from unet_course.data.files.saving import written

CANVAS_HEAD = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
CANVAS_TOTAL = "Final Points"  # a column that Canvas's importer passes over: it sums up by itself
MOODLE_TOTAL = "Total (percent)"
UNSURE = ("changed", "stopped", "unreadable")


def write_wide(rows, out, kind, points, students=None, ids=None, identifier="Email address"):
    """Write a table that Moodle or Canvas imports, and say what the teacher should know.

    Parameters
    ----------
    rows : list of Row
        Of the gradebook.
    out : path
        A CSV file.
    kind : {"moodle", "canvas"}
    points : dict
        {name of a notebook: its points}; those that somebody has handed in get a column.
    students : (list of str, list of list of str), optional
        The head and the rows of the class's list, see `read_students`. Its columns come first, and
        all its students are in the table; who is not in the list is left out, because one unknown
        student makes Moodle refuse the whole file.
    ids : dict, optional
        {student: number in Canvas}.
    identifier : str
        For Moodle without a list: the head of the first column, which holds the names of folders
        or files.

    Returns
    -------
    list of str
        Lines of text.

    Notes
    -----
    Where nothing was handed in, or a row is for the teacher to look at, there is no grade: "-" for
    Moodle, nothing for Canvas. A total is there where no row is to be looked at; what was not
    handed in counts nothing in it. Moodle makes a new column of 100 points, so its numbers are
    percent; Canvas takes points, and how many are possible from the table.
    """
    ids, found = ids or {}, {}
    for row in rows:
        found.setdefault(row.student, []).append(row)
    given = {number_of(row) for row in rows if row.exercise}
    columns = {name: possible for name, possible in points.items() if name[:2] in given}
    head, people, lost = people_in(kind, found, students, ids, identifier)
    nothing = "-" if kind == "moodle" else ""
    table = [[*head, *columns, MOODLE_TOTAL if kind == "moodle" else CANVAS_TOTAL]]
    if kind == "canvas":
        table.append(
            ["    Points Possible", *[""] * (len(head) - 1), *columns.values(), "(read only)"]
        )
    for cells, student in people:
        grades = [
            grade(found.get(student, []), name[:2], possible, kind)
            for name, possible in columns.items()
        ]
        unsure = any(row.status in UNSURE for row in found.get(student, []))
        reached = sum(row.points for row in found.get(student, []))
        all_points = sum(columns.values())
        total = (
            None
            if unsure or student not in found or not all_points
            else shown(reached, all_points, kind)
        )
        table.append(
            [
                *map(harmless, cells),
                *(nothing if value is None else value for value in [*grades, total]),
            ]
        )
    text = io.StringIO()
    csv.writer(text).writerows(table)
    with written(out) as beside:
        beside.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    lines = [f"{len(people)} students for {kind.capitalize()} in {out}"]
    if lost:
        lines.append(
            "Not in it, as the list of students has nobody, or several, of that name: "
            + ", ".join(lost)
        )
    absent = [" ".join(filter(None, cells)) for cells, student in people if student not in found]
    if absent:
        lines.append(f"Handed in nothing: {'; '.join(absent)}")
    return lines


def number_of(row):
    return f"{int(row.exercise.split('.')[0]):02}"


def grade(rows, number, possible, kind):
    """The number for one notebook, or None if nothing was handed in or the teacher has to look."""
    mine = [row for row in rows if row.exercise and number_of(row) == number]
    if not mine or any(row.status in UNSURE for row in mine):
        return None
    return shown(sum(row.points for row in mine), possible, kind)


def shown(reached, possible, kind):
    return f"{100 * reached / possible:.2f}" if kind == "moodle" else reached


def people_in(kind, found, students, ids, identifier):
    """The head, a list of (identifying cells, name in the gradebook), and who is not listed."""
    if students is None:
        if kind == "moodle":
            return [identifier], [([student], student) for student in found], []
        return (
            CANVAS_HEAD,
            [([student, ids.get(student, ""), "", "", ""], student) for student in found],
            [],
        )
    head, table = students
    last = len(head)
    if kind == "canvas":
        if head[:2] != CANVAS_HEAD[:2] or "Section" not in head:
            raise ValueError(
                f"students: its head begins with {', '.join(head[:5])}; for Canvas wanted an "
                f"export of its gradebook, {', '.join(CANVAS_HEAD)}"
            )
        last = head.index("Section") + 1  # behind it stand the grades
    people, lost = {}, []
    for student in found:
        by_id = [
            place
            for place, cells in enumerate(table)
            if student in ids and cells[1] == ids[student]
        ]
        fitting = by_id or [
            place for place, cells in enumerate(table) if simple(student) in names_in(head, cells)
        ]
        if len(fitting) == 1 and fitting[0] not in people:
            people[fitting[0]] = student
        else:
            lost.append(student)
    return (
        head[:last],
        [(cells[:last], people.get(place)) for place, cells in enumerate(table)],
        lost,
    )


def names_in(head, cells):
    """What a student of the list may be called in the name of a folder or file.

    A first name alone is not enough.
    """
    about = {simple(name): cell for name, cell in zip(head, cells)}
    first = about.pop("firstname", "")
    last = about.pop("lastname", "") or about.pop("surname", "")
    names = {simple(cell) for cell in about.values()} | {simple(first + last), simple(last + first)}
    names |= {simple(cell.split("@")[0]) for cell in about.values() if "@" in cell}
    names |= {
        simple("".join(reversed(cell.split(",")))) for cell in about.values()
    }  # Canvas writes "Lovelace, Ada"
    return names - {""}


def simple(text):
    """A name without spaces, signs, accents and capitals.

    Examples
    --------
    >>> simple("Lovelace, Ada"), simple("Zoë O'Neil")
    ('lovelaceada', 'zoeoneil')
    """
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if letter.isalnum())


def read_students(path):
    """The head and the rows of a list of students, as Moodle or Canvas exports it.

    Parameters
    ----------
    path : path
        A CSV file; its columns are separated by commas, semicolons or tabs.

    Returns
    -------
    (list of str, list of list of str)

    Raises
    ------
    ValueError
        If it has fewer than two columns, or no row.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # an Excel of western Europe
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    head, *table = [
        row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)
    ] or [[]]
    table = [
        row + [""] * (len(head) - len(row))
        for row in table
        if "points possible" not in row[0].casefold()
    ]
    if len(head) < 2 or not table:
        raise ValueError(
            f"students: {path} has {len(head)} columns and {len(table)} rows; wanted a list of the "
            "class as Moodle or Canvas exports it, with a head"
        )
    return [name.strip() for name in head], table


def harmless(value):
    """Text in one line that no spreadsheet takes for a formula: a student may have written it.

    Examples
    --------
    >>> harmless('=HYPERLINK("http://…")'), harmless(4)
    ('\\'=HYPERLINK("http://…")', 4)
    """
    if not isinstance(value, str):
        return value
    value = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return "'" + value if value.startswith(("=", "+", "-", "@")) else value
