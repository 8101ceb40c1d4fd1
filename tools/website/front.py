"""Draw the picture of the README and of the site's first page: ``python -m tools.website.front``.

A piece of a field that the shipped network has never seen, what it finds there, and the U that it is.
"""

import io
from pathlib import Path

import matplotlib

from unet_course import label_nuclei, load_nuclei, load_pretrained, predict
from unet_course.figures.drawing import PARTS, _draw
from unet_course.figures.panels import CONV, COPY, HEAD, PAPER, POOL, STYLE, UP, in_few_colours, nuclei_colours

PICTURE = Path(__file__).resolve().parents[2] / "book" / "_static" / "front.png"
PIECE = slice(560, 960), slice(320, 720)  # of the field `test`
DARK = 0.12  # shown black: the camera's noise says nothing here, and takes space
KEY = [("convolutions", CONV), ("pooling", POOL), ("upsampling", UP), ("copy: the skip", COPY), ("1×1 convolution", HEAD)]


def found():
    """The piece (H, W) and the nuclei in it, numbered (H, W), as the shipped network finds them in the whole field."""
    image = load_nuclei("test")[0][0]
    instances = label_nuclei(predict(load_pretrained(), image).argmax(0))
    return image[0][PIECE].numpy(), instances[PIECE]


def count(instances):
    """How many nuclei there are, cut ones at the edge included."""
    return len(set(instances[instances > 0].tolist()))


def draw():
    """The three pictures side by side, on white, which a dark page needs.

    Returns
    -------
    matplotlib Figure
    """
    piece, instances = found()
    piece = (piece - DARK) / (1 - DARK)
    with matplotlib.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(12, 3.4), layout="constrained", facecolor=PAPER)
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 2.05))
    left.imshow(piece, cmap="gray", vmin=0, vmax=1)
    middle.imshow(nuclei_colours(piece, instances))
    left.set_title("what the microscope saw")
    middle.set_title(f"what a U-Net finds: {count(instances)} nuclei")
    for axis in (left, middle):
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    _draw(right, 3, None, set(PARTS), KEY)
    right.set_title("the U that you build")
    return figure


def main():
    png = io.BytesIO()
    draw().savefig(png, format="png", dpi=125)
    PICTURE.write_bytes(in_few_colours(png.getvalue(), most=0))
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes, {count(found()[1])} nuclei")


if __name__ == "__main__":
    main()
