"""What is seen while a cell runs, and leaves nothing on a stored page. (06)"""

from tqdm.auto import tqdm as tqdm_auto


def tqdm(*arguments, **options):
    """`tqdm.auto.tqdm`, whose place on a page without a running program is empty.

    Otherwise a stored page would show it at 0 %.

    Examples
    --------
    >>> sum(tqdm([1, 2, 3], disable=True))
    6
    """
    as_widget = any(base.__name__ == "tqdm_notebook" for base in tqdm_auto.__mro__)
    if not as_widget or options.get("disable"):
        return tqdm_auto(*arguments, **options)
    bar = tqdm_auto(*arguments, **options, display=False)
    if not bar.disable:
        _show(bar.container)
        bar.displayed = True
    return bar


def in_place():
    """A widget for HTML that is shown now; None where there is no notebook, or no widgets.

    Examples
    --------
    >>> in_place() is None
    True
    """
    try:
        from IPython import get_ipython
        from ipywidgets import HTML
    except ImportError:
        return None
    if getattr(get_ipython(), "kernel", None) is None:
        return None
    widget = HTML()
    _show(widget)
    return widget


def _show(widget):
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}, raw=True)
