"""Pictures: arguments in, one matplotlib figure out; `show` puts it on the page with its alt text."""

from unet_course.figures.charts import (
    interval_chart,
    lines,
    progress_chart,
    reliability_chart,
    score_table,
    seed_panels,
    seeds_chart,
    verdict_grid,
)
from unet_course.figures.crowds import budget_panels, crowds, found_in_crowds, outlines
from unet_course.figures.day import picture_of_the_day, pieces, scoreboard
from unet_course.figures.drawing import course_map, draw_change, draw_unet
from unet_course.figures.fields import field_steps
from unet_course.figures.live import LivePicture
from unet_course.figures.panels import (
    BOUNDARY,
    ERROR,
    INK,
    MARK,
    NUCLEUS,
    class_colours,
    curves,
    dots,
    error_colours,
    explain_colours,
    histogram,
    images,
    new_figure,
    nuclei_colours,
    numbers,
    show,
    squares,
)
from unet_course.figures.texts import about, words
