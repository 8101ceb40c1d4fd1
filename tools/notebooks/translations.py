"""Fill a translator's file from a table, for whoever translates many entries at once.

``python -m tools.notebooks.translations missing hints`` prints what waits for a translator, as JSON with empty
translations; ``python -m tools.notebooks.translations fill hints rows.json`` puts the translations of such a file where
they belong. Instead of ``hints`` it may be the name of a notebook. ``python course.py translate`` comes before and after.
"""

import json
import re
import sys
from pathlib import Path

from tools.notebooks.translate import HERE, catalogue, store, waiting


def places(text):
    """What is filled into a text, in order: {} have the numbers 0, 1, …"""
    found = re.findall(r"\{(\d*)\}", text)
    return [int(name) if name else number for number, name in enumerate(found)]


def fill(name, rows, root=HERE):
    """Put translations, {English: Chinese}, into a translator's file.

    Raises
    ------
    ValueError
        If an English text is not in the file, or if in its Chinese something that is filled in is missing or too much.
    """
    held = catalogue(name, root)
    for english, chinese in rows.items():
        if english not in held:
            raise ValueError(f"{name}.po has no text {english!r}. Run python course.py translate first.")
        if name == "hints" and chinese and sorted(set(places(chinese))) != places(english):
            raise ValueError(f"{chinese!r} fills in {places(chinese)}; wanted {places(english)}, as in {english!r}.")
        held[english].string = chinese
        held[english].flags.discard("fuzzy")
    store(held, name, root)


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "missing":
        print(json.dumps(dict.fromkeys(waiting(catalogue(arguments[1])), ""), ensure_ascii=False, indent=0))
    elif len(arguments) == 3 and arguments[0] == "fill":
        fill(arguments[1], json.loads(Path(arguments[2]).read_text(encoding="utf-8")))
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
