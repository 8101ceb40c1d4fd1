"""A trained network as a BioImage.IO model, a zip file that programs for microscopy run. (13)"""

import tempfile
from pathlib import Path

import numpy as np
import torch

from unet_course.data.files.saving import written
from unet_course.data.mask_kinds import class_name
from unet_course.data.scaling import HIGH, LOW
from unet_course.inference.prediction import predict
from unet_course.own_data.export import export_onnx
from unet_course.own_data.reports import model_card
from unet_course.own_data.run import Run, load_run

SIDE = 128  # of the image with which the file is tried


def export_bioimage(run, path):
    """Write a run as a BioImage.IO model package, for Fiji, ilastik, QuPath and others.

    Parameters
    ----------
    run : Run or path
        See `train` and `load_run`.
    path : path ending in .zip
        Appears when the package is complete, and its description has been found valid.

    Raises
    ------
    ValueError
        If the name ends otherwise, or the package is not valid.
    ImportError
        If bioimageio.spec, onnx, onnxscript or onnxruntime is missing.

    Notes
    -----
    In it are the network as ONNX, an image with the answer that it has to give, the scaling, and the
    model card. Form 0.5, https://bioimage.io. Who made the data and under what licence is not known
    here: the package says MIT, the licence of the code, and the card leaves the rest to be filled in.
    """
    path = Path(path)
    if path.suffix.lower() != ".zip":
        raise ValueError(f"path is {path.name!r}; wanted a name that ends in .zip")
    try:
        from bioimageio.spec import save_bioimageio_package
        from bioimageio.spec.common import FileDescr
        from bioimageio.spec.model import v0_5 as form
    except ImportError as error:
        raise ImportError("export to .zip needs bioimageio.spec: pip install bioimageio.spec") from error
    run = run if isinstance(run, Run) else load_run(run)
    channels, classes = (run.config["network"][name] for name in ("in_channels", "num_classes"))
    with tempfile.TemporaryDirectory() as top:
        top = Path(top)
        export_onnx(run.model, top / "weights.onnx")
        image, answer = _example(run.model, channels)
        np.save(top / "input.npy", image)
        np.save(top / "output.npy", answer)
        (top / "README.md").write_text(model_card(run), encoding="utf-8")
        any_size = form.ParameterizedSize(min=16, step=16)

        def axes(names, space):
            return [form.BatchAxis(), form.ChannelAxis(channel_names=[form.Identifier(n) for n in names]),
                    *(space(axis) for axis in "yx")]
        entry = form.InputTensorDescr(
            id=form.TensorId("image"), test_tensor=FileDescr(source=top / "input.npy"),
            axes=axes([f"channel{k}" for k in range(channels)],
                      lambda axis: form.SpaceInputAxis(id=form.AxisId(axis), size=any_size)),
            preprocessing=[
                form.EnsureDtypeDescr(kwargs=form.EnsureDtypeKwargs(dtype="float32")),
                form.ScaleRangeDescr(kwargs=form.ScaleRangeKwargs(
                    axes=(form.AxisId("y"), form.AxisId("x")), min_percentile=LOW, max_percentile=HIGH)),
                form.ClipDescr(kwargs=form.ClipKwargs(min=0, max=1))])
        names = [class_name(run.config["kind"], k).replace(" ", "_") for k in range(classes)]
        result = form.OutputTensorDescr(
            id=form.TensorId("probabilities"), test_tensor=FileDescr(source=top / "output.npy"),
            axes=axes(names, lambda axis: form.SpaceOutputAxis(
                id=form.AxisId(axis), size=form.SizeReference(
                    tensor_id=form.TensorId("image"), axis_id=form.AxisId(axis)))),
            postprocessing=[form.SoftmaxDescr(kwargs=form.SoftmaxKwargs(axis=form.AxisId("channel")))])
        description = form.ModelDescr(
            name=f"U-Net {''.join(c if c.isalnum() or c in ' -_' else '-' for c in run.name)}",
            description="A U-Net that gives a class to every pixel, trained with the course U-Net, step by step",
            authors=[form.Author(name="not stated")], license=form.LicenseId("MIT"),
            cite=[form.CiteEntry(text="Ronneberger, Fischer, Brox (2015): U-Net",
                                 doi=form.Doi("10.1007/978-3-319-24574-4_28"))],
            documentation=FileDescr(source=top / "README.md"), tags=["unet", "segmentation", "2d"],
            inputs=[entry], outputs=[result],
            weights=form.WeightsDescr(onnx=form.OnnxWeightsDescr(source=top / "weights.onnx", opset_version=_opset(
                top / "weights.onnx"))))
        with written(path) as beside:
            save_bioimageio_package(description, output_path=beside)


def _example(model, channels):
    """An image (1, C, H, W) and the answer to it."""
    from unet_course.data.scaling import network_input

    image = np.random.default_rng(0).integers(0, 4096, (SIDE, SIDE, channels)).astype(np.float32)
    answer = predict(model, torch.from_numpy(network_input(image, nodata=-1.0)), progress=False)
    return np.moveaxis(image, -1, 0)[None], answer[None].numpy()


def _opset(path):
    import onnx

    imported = onnx.load(path, load_external_data=False).opset_import
    return next(part.version for part in imported if part.domain in ("", "ai.onnx"))
