"""A lab: controls of ipywidgets, the picture that belongs to their values, and a still picture where no widgets work.

Written for ipywidgets 7.7, as Colab has it, and 8.
"""

import base64
import html
import io

import ipywidgets
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from unet_course.figures.panels import STYLE


class Lab:
    """Controls, and the picture that a function draws of their values.

    Parameters
    ----------
    draw : callable
        Takes the values of the controls by name, returns a matplotlib Figure with a title (suptitle) that says what is
        seen. A ValueError is shown in the picture's place.
    controls : dict of str to ipywidgets widget
    settings : sequence of dict
        The values at which the picture is drawn where there are no widgets.
    alt : str
        What those pictures tell, for those who do not see them.
    box : callable, optional
        Makes one widget of the list of controls; stacked, if not given.

    Attributes
    ----------
    controls : dict of str to ipywidgets widget
    figure : matplotlib Figure
        What is shown now.
    picture : ipywidgets.HTML
        Its image, with the figure's title as its text for those who do not see it.
    """

    def __init__(self, draw, controls, *, settings, alt, box=ipywidgets.VBox):
        self.draw, self.controls, self.settings, self.alt, self.figure = draw, controls, settings, alt, None
        self.picture = ipywidgets.HTML()
        self.state = ipywidgets.HTML()
        self.view = ipywidgets.VBox([box(list(controls.values())), self.state, self.picture])
        for control in controls.values():
            control.observe(lambda _: self.refresh(), names="value")
        self._waiting = False
        self.refresh()

    def values(self):
        """The values of the controls, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values):
        """Set several controls at once; the picture is drawn once."""
        outer, self._waiting = self._waiting, True  # one control may set others
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            self._waiting = outer
        self.refresh()

    def refresh(self):
        """Draw the picture of what the controls say now."""
        if self._waiting:
            return
        self.state.value = _status("working …")
        try:
            figure = self.draw(**self.values())
        except ValueError as error:
            self.state.value = _status(str(error))
            return
        self.figure = figure
        source = base64.b64encode(png([figure])).decode()
        text = html.escape(" ".join([figure.get_suptitle(), *(axis.get_title() for axis in figure.axes)]).strip())
        self.picture.value = f'<img src="data:image/png;base64,{source}" alt="{text}" style="max-width: 100%">'
        self.state.value = _status("")

    def _ipython_display_(self):
        from IPython.display import display  # only a notebook needs it

        still = png([self.draw(**{**self.values(), **setting}) for setting in self.settings])
        view = {"version_major": 2, "version_minor": 0, "model_id": self.view.model_id}
        display({"application/vnd.jupyter.widget-view+json": view, "image/png": still, "text/plain": f"[widget] {self.alt}"},
                raw=True, metadata={"image/png": {"alt": self.alt}})


def _status(text):
    return f'<div role="status" aria-live="polite" style="min-height: 1.4em">{html.escape(text)}</div>'


def png(figures):
    """One PNG of all figures, below each other."""
    pages = []
    with matplotlib.rc_context(STYLE):
        for figure in figures:
            canvas = FigureCanvasAgg(figure)
            canvas.draw()  # savefig would draw twice, once for the layout
            pages.append(np.array(canvas.buffer_rgba()))
    page = np.full((sum(len(p) for p in pages), max(p.shape[1] for p in pages), 4), 255, dtype=np.uint8)
    top = 0
    for p in pages:
        page[top : top + len(p), : p.shape[1]] = p
        top += len(p)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(page[..., :3])).save(buffer, format="png", compress_level=3)  # fast
    return buffer.getvalue()
