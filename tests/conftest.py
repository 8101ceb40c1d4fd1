"""What every test starts from: the same random numbers, one thread, no stopwatch; and a browser for those that look."""

import os
import signal
import sys
import tracemalloc  # noqa: F401  pytest imports it when a warning nobody caught turns up, which may be in the midst of an import

import pytest
import torch
from hypothesis import settings

from tests.course.lab_server import CHROMIUM, SWITCHES

os.environ["UNET_COURSE_PROGRESS"] = "off"  # tests are nobody's progress
os.environ.setdefault("UNET_COURSE_LANGUAGE", "en")  # also where the system speaks Chinese

# The networks here are so small that sharing their work between threads costs more than it gains, ten times more on a
# machine that is busy with something else.
torch.set_num_threads(1)

# The first call into torch can take seconds on a loaded machine; what a test computes is what counts here.
settings.register_profile("course", deadline=None)
settings.load_profile("course")


# What takes long: fixtures that make the site, its labs' pictures, slides in a browser, a graded
# class, limits for another user, the teacher's guide.
LONG = {"site", "lab_pictures", "axe", "slideshow", "assignments", "graded", "without", "guide", "guides"}


@pytest.hookimpl(tryfirst=True)  # before pytest looks at -m
def pytest_collection_modifyitems(items):
    """Mark what is left to `full`: also the Chinese notebooks, which test_translate.py compares."""
    for item in items:
        names = {getattr(item, "originalname", None), *getattr(item, "fixturenames", ())}
        if item.path.parent.name == "zh" or LONG & names:
            item.add_marker("full")


@pytest.fixture(autouse=True)
def same_random_numbers():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def nobody_has_passed():
    """What one test answers rightly is not the next one's own answer."""
    yield
    if answers := sys.modules.get("unet_course.exercises.mine"):
        answers._passed.clear()


@pytest.fixture
def interruptible():
    """Children hear Ctrl-C: a job in the background has it ignored, and what it starts inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        chromium.close()
