"""Notebooks with short trainings, for tests that look at everything but the scores."""

import re


def shortened(notebook):
    """The notebook with 4 steps in each ``…STEPS = 300`` and two seeds in ``SEEDS = (0, 1, 2)``; changed in place."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = re.sub(r"^(\w*STEPS) = \d+", r"\1 = 4", cell.source, flags=re.M)
            cell.source = re.sub(r"^SEEDS = .*", "SEEDS = (0, 1)", cell.source, flags=re.M)
    return notebook
