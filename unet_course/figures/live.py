"""A picture that is drawn anew while its cell runs, and leaves nothing on a stored page. (06)"""

import base64
import html
import io

import matplotlib

from unet_course.data.files.bars import in_place
from unet_course.figures.panels import STYLE


class LivePicture:
    """A place under a cell in which one figure follows the other while the cell runs.

    Where there are no widgets (a stored page, a script) nothing is drawn. When it is closed its
    place is empty.

    Examples
    --------
    >>> from unet_course.figures import images
    >>> picture = LivePicture()
    >>> picture.draw(images([[[0, 1]]], ["step 1"]))
    >>> picture.close()
    """

    def __init__(self):
        self._widget = None

    def draw(self, figure):
        """Show a figure in the place of the one before.

        Parameters
        ----------
        figure : matplotlib Figure
            Its titles are the text for those who do not see it.
        """
        self._widget = self._widget or in_place()
        if self._widget is None:
            return
        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format="png")
        text = html.escape(", ".join(axis.get_title() for axis in figure.axes))
        source = base64.b64encode(buffer.getvalue()).decode()
        self._widget.value = (f'<img src="data:image/png;base64,{source}" alt="{text}" '
                              'style="max-width: 100%">')

    def close(self):
        """Take the picture away."""
        if self._widget is not None:
            self._widget.close()
            self._widget = None
