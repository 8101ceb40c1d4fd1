"""The clinic: patients with one fault each, and `diagnose`, which finds it."""

from unet_course.clinic.blind import admit_blind, admit_training
from unet_course.clinic.diagnosis import diagnose
from unet_course.clinic.examine_network import make_local
from unet_course.clinic.patients import PATIENTS, ClinicUNet, Patient5, admit, crops_of
from unet_course.clinic.script import SickScript
