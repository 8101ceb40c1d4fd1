"""A progress bar that leaves nothing on a stored page, where it would stand at 0 %. (06)"""

from tqdm.auto import tqdm as tqdm_auto


def tqdm(*arguments, **options):
    """`tqdm.auto.tqdm`, whose place on a page without a running program is empty.

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
        from IPython.display import display

        view = {"version_major": 2, "version_minor": 0, "model_id": bar.container.model_id}
        display({"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}, raw=True)
        bar.displayed = True
    return bar
