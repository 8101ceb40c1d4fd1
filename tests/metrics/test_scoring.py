"""The threshold that a field is scored with, and the row of the scoreboard that it gives."""

import numpy as np
import torch

from unet_course import dice_score, label_nuclei, load_instances, load_nuclei, object_f1
from unet_course.data import read_results
from unet_course.metrics import best_threshold, otsu_mask, score_mask


def smoothed(split):
    from skimage.filters import gaussian

    return torch.from_numpy(gaussian(load_nuclei(split)[0][0, 0].double().numpy(), 1.0))


def test_the_best_threshold_has_the_highest_dice():
    image, truth = torch.rand(9, 7), torch.rand(9, 7) > 0.7
    levels = [0.8, 0.1, 0.45, 0.3]
    dices = [dice_score(image > level, truth) for level in levels]
    assert best_threshold(image, truth, levels) == levels[int(np.argmax(dices))]
    # nothing is said where nothing is labelled: a Dice of 1
    assert best_threshold(image, image > 2, [0.5, 3.0, 4.0]) == 3.0


def test_the_threshold_chosen_on_train_is_the_first_row_of_the_scoreboard():
    (row,) = (r for r in read_results("scoreboard") if r["network"] == "threshold")
    levels = [k / 100 for k in range(5, 60)]
    level = best_threshold(smoothed("train"), load_nuclei("train")[1][0] > 0, levels)
    mask, truth = smoothed("val") > level, load_instances("val")[0]
    assert level == row["steps"] == 0.19
    assert abs(dice_score(mask, truth > 0) - row["val_dice"]) < 1e-3
    assert abs(object_f1(label_nuclei(2 * mask.long()), truth) - row["val_f1"]) < 1e-3


def test_otsu_misses_more_than_a_chosen_threshold_and_crumbs_cost_f1():
    chosen, truth = smoothed("val") > 0.19, load_instances("val")[0]
    otsu = otsu_mask(load_nuclei("val")[0][0, 0])
    assert score_mask(otsu, "val")["dice"] < score_mask(chosen, "val")["dice"] - 0.05
    kept, dropped = (object_f1(label_nuclei(2 * chosen.long(), min_area=n), truth) for n in (1, 30))
    assert score_mask(chosen, "val")["f1"] == kept < dropped - 0.05
