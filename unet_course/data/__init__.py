"""Images and masks: the course's nuclei, your own folder, and the files they come in."""

from unet_course.data.files.archive import unpack
from unet_course.data.files.images import read_page, read_pages, write_image
from unet_course.data.folder import SegmentationFolder, read_image, read_numbers
from unet_course.data.masks import label_nuclei, separate_touching
from unet_course.data.nuclei import DATA, load_instances, load_nuclei, load_raw, random_crops
from unet_course.data.scaling import normalise
from unet_course.data.stored import read_results
from unet_course.data.touching import crowd, cut_out
from unet_course.data.walls import cell_walls
