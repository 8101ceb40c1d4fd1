"""Notebooks with short trainings, for tests that look at everything but the scores."""

import re

# A film keeps frames of named steps, so the recipe of 06 keeps its 200: its crops are small, and it looks at val twice.
SHORTER = {r"^(\w*STEPS|SHORT) = \d+": r"\1 = 4",
           r"^STEPS, SEEDS, (\w+) = \d+, \(0, 1, 2\)": r"STEPS, SEEDS, \1 = 4, (0, 1)",
           r"^SEEDS = .*": "SEEDS = (0, 1)",
           r"^(.*\b(?:fit|train|by_heart)\(.*)\bsteps=\d+": r"\1steps=4",
           r"\bcrop=\d+": "crop=32", r'"crop": \d+': '"crop": 32', r"\bsize=96\b": "size=32",
           r'\*\*\{"steps": \d+': '**{"steps": 4',
           r"\bval_every=\d+": "val_every=100", r"\b151\b": "26",  # by heart: 25 steps
           r"\bbatch_size=\d+": "batch_size=4", r'"batch_size": \d+': '"batch_size": 4'}


def shortened(notebook):
    """The notebook with 4 steps in most trainings, on small crops, with two seeds; changed in place."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for long, short in SHORTER.items():
                cell.source = re.sub(long, short, cell.source, flags=re.M)
    return notebook
