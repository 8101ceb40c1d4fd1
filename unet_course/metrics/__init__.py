"""How good is a mask: over pixels, over objects, and over a whole field."""

from unet_course.metrics.objects import (
    count_by_block,
    iou_table,
    match_objects,
    mean_object_f1,
    merges_and_splits,
    object_f1,
    rand_f_score,
    variation_of_information,
)
from unet_course.metrics.pixels import (
    accuracy,
    bootstrap_interval,
    boundary_f1,
    confusion_counts,
    confusion_matrix,
    dice_score,
    iou_score,
    outline,
    precision_score,
    recall_score,
)
from unet_course.metrics.scoring import (
    best_threshold,
    otsu_mask,
    paired_f1_interval,
    reliability,
    score_mask,
    score_split,
)
