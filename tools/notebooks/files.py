"""Notebook files, written as Jupyter writes them."""

import nbformat

from unet_course.data.files.saving import write_text


def write(notebook, path):
    """Write a notebook; it is never half there."""
    write_text(path, nbformat.writes(notebook) + "\n")
