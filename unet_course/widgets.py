"""Sliders around the pictures of `figures/labs.py`, and no logic of their own. (02 03 04 05 07 08)

Each function makes a `Lab`. As the last line of a cell it shows the sliders and the picture that belongs to them. Where
there is no front end for widgets (GitHub, the site, print, a notebook opened but not run) the same output is a picture
at a few telling settings.
"""

import base64
import html
import io

import ipywidgets
import matplotlib
import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from unet_course.data.nuclei import load_instances, load_nuclei
from unet_course.figures import labs
from unet_course.figures.panels import STYLE, in_few_colours
from unet_course.inference.prediction import predict
from unet_course.tracing import trace_shapes
from unet_course.training.checkpoints import load_pretrained
from unet_course.unet import UNet


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

        still = in_few_colours(png([self.draw(**{**self.values(), **setting}) for setting in self.settings]))
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


WIDE = {"description_width": "9em"}


def _slider(name, value, low, high, step=1):
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    return kind(value=value, min=low, max=high, step=step, description=name, style=WIDE,
                layout=ipywidgets.Layout(width="30em"))


def _choice(name, options, value):
    # not a Dropdown: JupyterLab takes the arrow keys from it, to go to the next cell
    return ipywidgets.SelectionSlider(options=options, value=value, description=name, style=WIDE,
                                      layout=ipywidgets.Layout(width="34em"))


def convolution_lab(image=None):
    """Edit the nine weights of a kernel and see the convolution of a real image.

    Parameters
    ----------
    image : array_like, shape (H, W), optional
        A piece of the test field, if not given.

    Examples
    --------
    >>> lab = convolution_lab()
    >>> lab.set(preset="mean")
    >>> lab.figure.get_suptitle()
    'The weights add up to 1'
    >>> lab.controls["w5"].value = 0
    >>> lab.controls["preset"].value
    'your own'
    """
    image = load_nuclei("test")[0][0, 0, 96:192, 690:834] if image is None else image
    preset = _choice("kernel", [*labs.KERNELS, "your own"], "right minus left")
    names = [f"row {r}, column {c}" for r in (1, 2, 3) for c in (1, 2, 3)]
    cells = [ipywidgets.FloatText(value=float(v), step=0.5, description=name, style=WIDE,
                                  layout=ipywidgets.Layout(width="16em"))
             for name, v in zip(names, labs.KERNELS["right minus left"].ravel())]

    def box(controls):
        return ipywidgets.VBox([preset, *(ipywidgets.HBox(cells[i : i + 3]) for i in (0, 3, 6))])

    def draw(preset, **weights):
        return labs.convolution_figure(image, np.reshape(list(weights.values()), (3, 3)))

    def kernel(name):
        return {f"w{i}": float(v) for i, v in enumerate(labs.KERNELS[name].ravel(), 1)}

    lab = Lab(draw, {"preset": preset, **{f"w{i}": cell for i, cell in enumerate(cells, 1)}}, box=box,
              settings=[kernel(name) for name in ("mean", "right minus left", "rim")],
              alt="Three kernels on a real image: the mean blurs it, right minus left shows upright edges, and the kernel of "
                  "8 and eight times -1 shows texture.")

    def chosen(change):
        if change["new"] != "your own":
            lab.set(**kernel(change["new"]))

    def edited(_):
        if not lab._waiting:
            preset.value = "your own"

    preset.unobserve_all("value")  # the picture is drawn once, of the nine weights
    preset.observe(chosen, names="value")
    for cell in cells:
        cell.observe(edited, names="value")
    return lab


def receptive_field_lab(image=None):
    """How far a value at the bottom sees, against the number of pools and of convolutions.

    Examples
    --------
    >>> receptive_field_lab().figure.axes[0].get_title()
    '2 pools, 2 convolutions a level: one value sees 32×32 pixels'
    """
    image = load_nuclei("test")[0][0, 0, 64:224, 620:860] if image is None else image
    return Lab(lambda pools, convs: labs.receptive_field_figure(image, pools, convs),
               {"pools": _slider("pools", 2, 0, 4), "convs": _slider("convolutions", 2, 1, 3)},
               settings=[{"pools": 4, "convs": 1}, {"pools": 3, "convs": 2}],
               alt="Squares on real nuclei. With four pools and one convolution a level a value sees 78 by 78 pixels; with "
                   "three pools and two convolutions 68 by 68.")


def padding_lab():
    """Where the zeros fall on every level, and where one pixel goes, for any size of the image.

    Examples
    --------
    >>> lab = padding_lab()
    >>> lab.set(height=64, width=64)
    >>> lab.figure.get_suptitle()
    'Zeros are added on no level.'
    """
    return Lab(labs.padding_figure,
               {"height": _slider("height", 21, 1, 128), "width": _slider("width", 14, 1, 128),
                "pools": _slider("pools", 3, 1, 4),
                "row": _slider("pixel's row", 18, 0, 127), "column": _slider("pixel's column", 5, 0, 127),
                "side": _choice("zeros at", ["right and bottom", "left and top"], "right and bottom")},
               settings=[{"height": 16, "width": 16}, {"height": 21, "width": 14},
                         {"height": 21, "width": 14, "side": "left and top"}],
               alt="Four levels of a U, three times. An image of 16 by 16 needs no padding. One of 21 by 14 gets a row on the "
                   "levels 0 and 1 and a column on level 1: at the right and bottom the pixel stays in its place, at the left "
                   "and top it moves.")


def explorer_lab():
    """Draw a U-Net of any size, width and depth, padded or not, with or without norms: parameters, memory.

    Examples
    --------
    >>> lab = explorer_lab()
    >>> lab.set(padding=0, pools=4, size=572, channels=64, norm="no")
    >>> lab.figure.axes[0].get_title()
    '572×572 → 388×388   31,030,658 parameters   694 MiB kept for training on one image'
    """
    def draw(norm, **settings):
        return labs.explorer_figure(**settings, norm=norm == "yes")

    return Lab(draw,
               {"size": _slider("image, pixels", 256, 16, 640, 4), "channels": _choice("top channels", [4, 8, 16, 32, 64], 16),
                "pools": _slider("pools", 3, 1, 4), "up": _choice("upsampling", ["transpose", "bilinear"], "transpose"),
                "padding": _choice("padding", [1, 0], 1), "norm": _choice("batch norm", ["yes", "no"], "yes")},
               settings=[{"pools": 2, "channels": 8},
                         {"pools": 4, "channels": 64, "padding": 0, "size": 572, "norm": "no"}],
               alt="Two U-Nets drawn with all shapes: two pools and 8 channels on 256 by 256, a small network; and the "
                   "paper's, four pools, 64 channels, no padding, no norm, 572 to 388, with 31 million parameters.")


def ledger_lab(size=(101, 70), channels=(16, 32, 64), num_classes=3):
    """Guess every shape of a small U-Net; the table is revealed down to the first wrong row.

    Parameters
    ----------
    size : (int, int)
        Height and width of the image.
    channels, num_classes
        As in `UNet`.

    Examples
    --------
    >>> lab = ledger_lab()
    >>> lab.set(t0="16 101 70", t1="16 50 35")
    >>> lab.figure.get_suptitle()
    '1 of 10 right; the first wrong row is pooled 0'
    """
    with torch.device("meta"):
        rows = trace_shapes(UNet(num_classes=num_classes, channels=channels), size)[1:]
    wide = ipywidgets.Layout(width="22em")
    texts = {f"t{i}": ipywidgets.Text(value="", placeholder="C, H, W", description=name, style=WIDE, layout=wide,
                                      continuous_update=False) for i, (name, _) in enumerate(rows)}

    def draw(**guesses):
        return labs.ledger_figure(rows, list(guesses.values()))

    right = {f"t{i}": ", ".join(map(str, shape)) for i, (_, shape) in enumerate(rows)}
    begun = {**dict.fromkeys(texts, ""), **{f"t{i}": right[f"t{i}"] for i in range(4)}, "t4": f"{channels[-2]}, 26, 18"}
    return Lab(draw, texts, settings=[begun],
               alt="The table of shapes, a row for each tensor. Four rows are right; the fifth has too few channels, and the "
                   "table stops there.",
               box=lambda all_: ipywidgets.HBox([ipywidgets.VBox(all_[i : i + 5]) for i in range(0, len(all_), 5)]))


def threshold_lab(probability=None, truth=None):
    """Move the threshold: the mask, what is right and wrong, Dice and object F1.

    Parameters
    ----------
    probability : Tensor, shape (H, W), optional
        The trained network's on a part of the field `shifted`, if not given.
    truth : Tensor of int, shape (H, W), optional
        A number for each nucleus.

    Examples
    --------
    >>> lab = threshold_lab()
    >>> lab.controls["threshold"].value = 0.9
    >>> lab.figure.get_suptitle().startswith("Threshold 0.90: Dice 0.")
    True
    """
    if probability is None:
        place = (slice(100, 292), slice(100, 388))
        probability = 1 - predict(load_pretrained(), load_nuclei("shifted")[0][0])[0][place]
        truth = load_instances("shifted")[0][place]
    return Lab(lambda threshold: labs.threshold_figure(probability, truth, threshold),
               {"threshold": _slider("threshold", 0.5, 0.05, 0.95, 0.05)},
               settings=[{"threshold": t} for t in (0.5, 0.9)],
               alt="A probability map cut at 0.5 and 0.9. The first mask has blue rims, which are invented; from the second "
                   "most of them are gone. The number of objects is the same.")


def tiles_lab(model=None, image=None):
    """Change the tile and the overlap, and see the seams come and go.

    Examples
    --------
    >>> lab = tiles_lab()
    >>> lab.set(tile=64, overlap=48)
    >>> lab.figure.get_suptitle()
    'Tiles of 64 pixels, overlap 48: 0 of 30,720 pixels change their class'
    """
    model = load_pretrained() if model is None else model
    image = load_nuclei("shifted")[0][0, :, 100:260, 100:292] if image is None else image
    whole = predict(model, image)
    return Lab(lambda tile, overlap: labs.tiles_figure(model, image, whole, tile, overlap),
               {"tile": _slider("tile", 64, 32, 128, 32), "overlap": _slider("overlap", 0, 0, 48, 8)},
               settings=[{"tile": 64, "overlap": o} for o in (0, 16, 48)],
               alt="Classes found in tiles of 64 pixels, and the difference to the whole image. Without overlap the grid of "
                   "the tiles shines; with 16 pixels it is faint; with 48 it is gone.")


def skips_lab(model=None, image=None, truth=None):
    """Cut skips of a trained network and see what is lost.

    Examples
    --------
    >>> lab = skips_lab()
    >>> lab.set(skip0=False, by="means")
    >>> lab.figure.axes[2].get_title()
    'skip 0 cut by means'
    """
    if image is None:
        image, masks = load_nuclei("val")
        image, truth = image[0, :, 300:396, 100:244], masks[0, 300:396, 100:244]
    model = load_pretrained() if model is None else model
    boxes = {f"skip{i}": ipywidgets.Checkbox(value=True, description=f"skip {i}", indent=False)
             for i in range(len(model.decoders))}

    def draw(by, **there):
        return labs.skips_figure(model, image, truth, [i for i, kept in enumerate(there.values()) if not kept], by)

    all_there = dict.fromkeys(boxes, True)
    return Lab(draw, {**boxes, "by": _choice("cut by", ["zeros", "means"], "zeros")},
               box=lambda all_: ipywidgets.VBox([ipywidgets.HBox(all_[:-1]), all_[-1]]),
               settings=[all_there, *({**all_there, name: False} for name in boxes)],
               alt="The trained network's classes on a crop with a few nuclei, with all skips, and with each of them cut by "
                   "zeros.")
