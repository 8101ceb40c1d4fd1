"""From an image of any size to a probability for every class at every pixel."""

from unet_course.inference.large import count_across
from unet_course.inference.prediction import pick_device, predict
from unet_course.inference.tiles import mirrored, overlap_tile, reach, spans, weights
