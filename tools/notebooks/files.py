"""Notebook files, written as Jupyter writes them."""

import os

import nbformat


def write(notebook, path):
    """Write beside, then rename: a notebook is never half there."""
    beside = path.with_suffix(".ipynb.part")
    try:
        beside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
