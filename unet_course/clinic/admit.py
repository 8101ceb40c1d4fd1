"""The clinic of notebook 09: each patient as `diagnose` sees it, and who is ill."""

import torch

from unet_course.clinic import patients
from unet_course.clinic.diagnosis import diagnose
from unet_course.data.nuclei import load_nuclei, random_crops
from unet_course.training.seeds import undisturbed

PATIENTS = {number: getattr(patients, f"Patient{number}", None) or getattr(patients, f"patient{number}")
            for number in range(1, 18)}
THREE = dict(num_classes=3, channels=(8, 16, 32))


def admit(number, patient=None):
    """Put a patient, or your repair of it, before `diagnose`, with what belongs to it.

    Parameters
    ----------
    number : int
        1 to 17.
    patient : class or function, optional
        In the place of the patient: your repair of it.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        If there is no such patient.

    Examples
    --------
    >>> admit(4)[0].name
    'output size'
    """
    if number not in PATIENTS:
        raise ValueError(f"number is {number!r}; wanted one of 1 to {len(PATIENTS)}")
    with undisturbed():
        model, batch, options = _scene(number, patient or PATIENTS[number])
    return diagnose(model, batch, **options)


def _scene(number, patient):
    """Network, batch and options; everything healthy but the patient."""
    fields = load_nuclei("train")
    images, masks = random_crops(*fields, size=64, count=4, generator=torch.Generator().manual_seed(0))
    nuclei = (masks > 0).long()
    if number in (1, 2, 3, 4, 11):
        return patient(**THREE), (images, masks), {}
    if number == 5:
        return patient(num_classes=3, channels=(8, 16, 32, 64)), (images, masks), {}
    healthy = patients.ClinicUNet(**THREE)
    if number == 6:
        files = [(255 * mask).numpy().astype("uint8") for mask in nuclei]
        return patients.ClinicUNet(channels=(8, 16, 32)), (images, torch.stack([patient(file) for file in files])), {}
    if number == 7:
        return healthy, patient(images, masks, (48, 48)), {}
    if number == 8:
        colour = (255 * images[0, 0]).numpy().astype("uint8")[..., None].repeat(3, axis=-1)
        return patients.ClinicUNet(in_channels=3, channels=(8, 16, 32)), (patient(colour), nuclei[:1]), {}
    if number == 10:
        deep = patients.ClinicUNet(num_classes=3, channels=(4, 8, 8, 16, 16))
        return deep, patient(*fields, torch.Generator().manual_seed(0)), {}
    if number in (12, 14):
        one = patients.ClinicUNet(num_classes=1, channels=(8, 16, 32))
        return one, (images, nuclei), {"loss" if number == 12 else "predict": patient}
    if number == 16:
        train, val = patient(fields[0][0], torch.Generator().manual_seed(0))
        return healthy, (images, masks), {"train": train, "val": val}
    word = {9: "augment", 13: "optimiser", 15: "predict", 17: "score"}[number]
    return healthy, (images, masks), {word: patient}
