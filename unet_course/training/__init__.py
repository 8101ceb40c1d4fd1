"""Training: the loop, what a step sees, checkpoints, and many trainings side by side."""

from unet_course.training.ablations import (
    VARIANTS,
    WIDTHS,
    OtherSkip,
    Variant,
    by_variant,
    cut_skip,
    read_rows,
    summary,
    train_variant,
)
from unet_course.training.checkpoints import load_pretrained
from unet_course.training.distributed import joined, rank
from unet_course.training.history import History, foreground_dice
from unet_course.training.loop import fit, schedule, train_loop, train_step
from unet_course.training.seeds import seed_everything
