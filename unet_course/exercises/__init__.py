"""The checks: up to three files for each notebook. Importing this package declares them all."""

import importlib
import pkgutil

from unet_course.exercises.core import Exercise, Hint, Report, check
from unet_course.exercises.guesses import guess, guessed, reveal
from unet_course.exercises.listing import exercises_by_notebook
from unet_course.exercises.mine import mine, refit
from unet_course.exercises.progress import passed, progress
from unet_course.figures.texts import language

for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith("nb"):
        importlib.import_module(f"{__name__}.{_module.name}")
