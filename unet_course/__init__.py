"""U-Net, step by step: what the notebooks build, and what they look with."""

try:
    from unet_course.exercises.core import check                                     # 00
    from unet_course.exercises.guesses import guess, reveal
    from unet_course.figures.texts import about, language
    from unet_course.inference.prediction import pick_device, predict
    from unet_course.training.checkpoints import load_pretrained
    from unet_course.training.seeds import seed_everything
    from unet_course.data.nuclei import load_instances, load_nuclei, random_crops  # 01
    from unet_course.data.scaling import normalise
    from unet_course.data.masks import label_nuclei
    from unet_course.metrics.objects import object_f1
    from unet_course.metrics.pixels import dice_score, iou_score
    from unet_course.blocks import ConvBlock                                         # 02
    from unet_course.exercises.mine import mine
    from unet_course.blocks import EncoderBlock                                      # 03
    from unet_course.blocks import DecoderBlock, match_size                          # 04
    from unet_course.unet import UNet                                                # 05
    from unet_course.augment import Augment                                          # 06
    from unet_course.training.history import History
    from unet_course.training.loop import fit
    from unet_course.clinic.diagnosis import diagnose                                # 09
    from unet_course.augment import elastic_deformation                              # 10
    from unet_course.losses import border_weight_map
    from unet_course.data.folder import SegmentationFolder                           # 13
    from unet_course.own_data.survey import survey
except ModuleNotFoundError as error:
    missing = error.name
    if missing.startswith("unet_course"):
        raise

    def __getattr__(name):  # the doctor has to run where something is missing, and says what
        raise ImportError(f"unet_course.{name} needs {missing}, which is not installed: pip install {missing}. "
                          "'python -m unet_course doctor' lists all that is missing.")
