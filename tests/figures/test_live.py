"""The live picture: nothing where there is no notebook, one place in which pictures follow where there is one."""

import sys
from types import SimpleNamespace

import pytest

from unet_course.figures import LivePicture, images


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in a notebook that is only played."""
    import IPython
    import IPython.display

    found = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=True))
    monkeypatch.setattr(IPython.display, "display", lambda data, **options: found.append(data))
    return found


def figure(title):
    return images([[[0, 1], [1, 0]]], [title])


def test_pictures_follow_each_other_in_one_place_that_is_empty_on_a_stored_page(shown):
    live = LivePicture()
    live.draw(figure("step 1"))
    widget = live._widget
    first = widget.value
    live.draw(figure("step 2 < 3"))
    assert len(shown) == 1 and shown[0]["text/plain"] == "" and "image/png" not in shown[0]
    assert 'alt="step 1"' in first and 'alt="step 2 &lt; 3"' in widget.value
    live.close()
    live.close()
    assert live._widget is None and widget.comm is None


def test_without_a_notebook_or_without_widgets_nothing_is_drawn(monkeypatch, shown):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    LivePicture().draw(figure("step 1"))
    monkeypatch.undo()
    live = LivePicture()
    live.draw(figure("step 1"))
    live.close()
    assert shown == [] and live._widget is None
