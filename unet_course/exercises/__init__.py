"""The checks: one module, or two, for each notebook. Importing this package declares them all."""

import importlib
import pkgutil

from unet_course.exercises.core import Exercise, Hint, Report, check

for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith("nb"):
        importlib.import_module(f"{__name__}.{_module.name}")
