"""Numbers in prose: each that a cell should prove is marked, and is found in that cell's stored output.

How to mark them is told at the head of `anatomy.py`.
"""

import re

MARK = re.compile(r"<!-- is (.*?) -->")
NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
UNITS = {"million": 1e6, "billion": 1e9, "%": 0.01, "of 100": 0.01}
CLAIM = re.compile(rf"(?<![\w.,^])({NUMBER})(?: ({'|'.join(UNITS)})(?!\w))?({MARK.pattern})?")
PRINTED = re.compile(rf"(?<![\w.])({NUMBER})(e[-+]?\d+)?")
YEAR = re.compile(r"(19|20)\d\d")
UNPROVEN = [  # what makes no claim
    r"^[ >]*```.*?^[ >]*```", r"\$\$.*?\$\$", r"\$[^$\n]+\$", r"`[^`]+`",  # code, mathematics
    r"<details>.*?</details>",  # hints, and questions about cases that are made up
    r"^### Exercise .*?(?=^#|\Z)",  # what an exercise is given
    r"^#.*?$", r"^\*\*Time\*\*.*?$", r"\bExercises? \d+\.\d+", r"(?<=\])\([^)]*\)", r"https?://\S+", r"<!-- (?!is ).*?-->",
]


def claims(source):
    """The numbers of a markdown cell that somebody could doubt: (text, unit or None, name in the mark or None).

    Examples
    --------
    >>> claims("It has 31 million<!-- is paper --> parameters, `x = 0.5`, and 3 levels; Dice 0.93.")
    [('31', 'million', 'paper'), ('0.93', None, None)]
    """
    for pattern in UNPROVEN:
        source = re.sub(pattern, " ", source, flags=re.MULTILINE | re.DOTALL)
    found = []
    for number, unit, mark, name in CLAIM.findall(source):
        bold = "." in number or len(re.sub(r"\D", "", number)) > 2 or unit
        if mark or (bold and not YEAR.fullmatch(number)):
            found.append((number, unit or None, name or None))
    return found


def printed(cell):
    """What a cell has printed, or said as an error; not the texts of figures, which nothing computes."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        yield output.get("text", "")
        yield output.get("evalue", "")
        if not any(kind.startswith("image/") for kind in data):
            yield data.get("text/plain", "")


def proves(text, number, unit=None, tolerance=0.0, share=0.0):
    """Whether a printed text has the number, rounded as the number is. A line that ends in False proves nothing.

    A number behind ≈ may differ by the tolerance of its cell, or by a share of itself.

    Examples
    --------
    >>> proves("Dice: 0.934", "0.93"), proves("Dice above 0.90: False", "0.90"), proves("31,030,658", "31", "million")
    (True, False, True)
    """
    decimals = len(number.partition(".")[2])
    wanted, half = float(number.replace(",", "")), 0.5 * 10**-decimals + 1e-9
    for line in text.splitlines():
        if not line.rstrip().endswith("False"):
            for found in PRINTED.finditer(line):
                digits, power = found[1], found[2] or ""
                value = float(digits.replace(",", "") + power)
                room = tolerance + share * abs(value) if "≈" in line[: found.start()] else 0
                if abs(value - wanted) <= half + room or (unit and abs(value / UNITS[unit] - wanted) <= half):
                    return True
    return False


def has_proven_numbers(notebook, name):
    """The rule, as those of `anatomy.py`."""
    names, rooms, used, found = {}, {}, set(), []
    for index, cell in enumerate(notebook.cells):
        for tag in cell.metadata.get("tags", []):
            if tag.startswith("proves: "):
                if tag[8:] in names:
                    found.append(f"cell {index}: there is another '{tag}'")
                names[tag[8:]] = "\n".join(printed(cell))
                said = [re.match(r"tolerance: ([\d.]+)( %)?$", other) for other in cell.metadata["tags"]]
                room, percent = next(((float(match[1]), match[2]) for match in said if match), (0.0, ""))
                rooms[tag[8:]] = (0.0, room / 100) if percent else (room, 0.0)
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            marked = claims(cell.source)
            settled = {number for number, _, by in marked if by}  # once in a cell is enough
            if len(MARK.findall(cell.source)) != sum(by is not None for *_, by in marked):
                found.append(f"cell {index}: a mark does not follow a number of the prose")
            for number, unit, by in marked:
                if by is None:
                    if number not in settled:
                        found.append(f"cell {index}: {number} has no mark: which cell prints it, or who gives it?")
                elif by == "given" or by.startswith("given:"):
                    if len(by) < 12:
                        found.append(f"cell {index}: {number} is given without a reason")
                elif by not in names:
                    found.append(f"cell {index}: {number} is '{by}', and no cell has the tag 'proves: {by}'")
                else:
                    used.add(by)
                    if not proves(names[by], number, unit, *rooms[by]):
                        found.append(f"cell {index}: {number} is not in the output of the cell 'proves: {by}'")
    return found + [f"no number is proved by the cell 'proves: {n}'" for n in sorted(set(names) - used)]
