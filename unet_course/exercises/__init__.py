"""The checks, one module for each notebook."""

from unet_course.exercises import nb00, nb01, nb02, nb03, nb04, nb05, nb05_counts, nb06, nb07, nb08, nb08_tiles
from unet_course.exercises import nb11, nb11_cut, nb12, nb12_counts
from unet_course.exercises.core import Exercise, Hint, Report, check
