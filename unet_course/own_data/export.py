"""A trained U-Net as a file that runs without this course: ``.pt2`` and ONNX. (13)

Both hold a network for any image size, written by way of `AnySize`, which says why. torch 2.11 or newer can do it.

A ``.pt2`` is a program, and ``torch.export.load`` runs code that a stranger may have put in it: load only files that you have
written yourself. An ``.onnx`` holds numbers and names of operations, no Python: that is the one to hand on.
"""

import contextlib
import copy
import importlib.util
import logging
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from unet_course.blocks import ConvBlock, DecoderBlock, EncoderBlock
from unet_course.data.files.saving import written
from unet_course.unet import UNet, output_size


class AnySize(nn.Module):
    """What a `UNet` computes, on a canvas whose sides can be halved at every level without a remainder.

    ``torch.export`` follows a network's sizes as formulas of H and W, and wants every comparison between two sizes
    decided for all H and W at once. At `UNet`, with both sides dynamic, it stops: "Constraints violated (h, w)! Not all
    values of h … satisfy the generated guard ``2*(((-1) + h) // 2) < h``". For whether a skip fits or is padded, and
    whether a row is cropped, depends on whether H is odd. On a canvas whose sides are multiples of 2 ** levels nothing
    has to be decided, and the image's own edge is a matter of numbers: zeros beyond it.

    Parameters
    ----------
    model : UNet
        Its layers are used, not copied.
    levels : bool, default False
        Also give what each level of the U holds, the mean over its channels, (N, 1, h, w): on the
        way down, at the bottom, on the way up. These are whole canvases: of level k, the top left
        ceil(H / 2 ** k) rows and ceil(W / 2 ** k) columns are the image's.

    Notes
    -----
    The image lies at the canvas's top left, and beyond it every layer's output is set to zero. A convolution at the image's
    edge then meets the zeros that padding puts there. A pool at an odd edge meets zeros too, and as nothing that comes out of
    a ReLU is smaller, it takes the maximum of the pixels there are, as ``ceil_mode`` does. What `match_size` and the crop of
    the odd row do in `UNet`, the place of the edge does here. To pad the image alone, and not clear the layers inside, gives
    other values near the edge.

    Examples
    --------
    >>> from unet_course import UNet
    >>> model = UNet(channels=(4, 8, 16)).eval()
    >>> image = torch.rand(1, 1, 37, 50)
    >>> torch.allclose(AnySize(model)(image), model(image), atol=1e-5)
    True
    """

    def __init__(self, model, levels=False):
        super().__init__()
        self.model, self.levels = model, levels

    def forward(self, x):
        step, shrink = 2 ** len(self.model.encoders), 4 * (1 - self.model.padding)
        size = x.shape[-2:]
        # One step more than fits is on every canvas: so its sides are never 1, a number that torch.export treats apart.
        rows, columns = ((n + shrink + 2 * step - 1) // step * step - shrink for n in size)
        x = clear(_taken(x, rows, columns), size)
        skips = []
        for encoder in self.model.encoders:
            x, size = _block(encoder.block, x, size)
            skips.append((x, size))
            x, size = F.max_pool2d(x, 2), [(n + 1) // 2 for n in size]
        x, size = _block(self.model.bottleneck, x, size)
        held = [skip for skip, _ in skips] + [x]
        for decoder, (skip, true) in zip(self.model.decoders, reversed(skips)):
            if isinstance(decoder.up, nn.Sequential):
                x = _repeat_edge(x, size)
            size = [2 * n for n in size]
            x = clear(decoder.up(x), size)
            off = (skip.shape[-2] - x.shape[-2]) // 2  # 0 with padding=1
            beside = skip[..., off : off + x.shape[-2], off : off + x.shape[-1]]
            x, _ = _block(decoder.block, torch.cat([beside, x], dim=1), size)
            # The true size loses what the canvas loses: nothing, or with padding=0 the same number of rows for every H.
            size = [t - (a - b) for t, a, b in zip(true, skip.shape[-2:], x.shape[-2:])]
            x = clear(x, size)
            held.append(x)
        logits = _taken(self.model.head(x), *size)
        if not self.levels:
            return logits
        return logits, *(x.mean(dim=1, keepdim=True) for x in held)


def clear(x, size):
    """Set to zero what lies outside of the `size` rows and columns at the top left."""
    rows, columns = (torch.arange(n, device=x.device) < s for n, s in zip(x.shape[-2:], size))
    return x * (rows[:, None] & columns).to(x.dtype)


def _block(block, x, size):
    """Run a `ConvBlock` inside a canvas; its output and that output's true size."""
    for layer in block.layers:
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            size = [n - 2 * (1 - layer.padding[0]) for n in size]
        elif isinstance(layer, nn.ReLU):
            x = clear(x, size)
    return x, size


def _taken(x, rows, columns):
    """The top left `rows` and `columns`, more than there are too. F.pad and slices would compare sizes; this does not."""
    for axis, wanted in ((-2, rows), (-1, columns)):
        x = x.index_select(axis, torch.arange(wanted, device=x.device).clamp(max=x.shape[axis] - 1))
    return x


def _repeat_edge(x, size):
    """Write the last true row and column once more beside themselves, as bilinear interpolation does at an edge."""
    row = torch.arange(x.shape[-2], device=x.device)[:, None] == size[0]
    column = torch.arange(x.shape[-1], device=x.device) == size[1]
    x = torch.where(row, F.pad(x, (0, 0, 1, -1)), x)
    return torch.where(column, F.pad(x, (1, -1)), x)


TOLERANCE = 1e-4  # of the largest logit, or of 1 if all are smaller


def export_program(model, path):
    """Write a network as a ``.pt2`` file, which torch runs without this course.

    Parameters
    ----------
    model : UNet
        Is left as it is; a copy on the CPU, in eval mode and in float32, is written.
    path : path ending in .pt2
        Appears when the file is complete and has been compared with `model`, and not before.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If `model` is no `UNet`, or `path` ends otherwise.
    FileNotFoundError
        If the folder does not exist.
    RuntimeError
        If this torch cannot do it, or the file does not give what `model` gives.

    Notes
    -----
    ``torch.export.load(path).module()`` takes images (N, C, H, W) of any N, H and W and gives logits, as `model` does.

    Examples
    --------
    >>> import tempfile
    >>> model = UNet(channels=(4, 8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_program(model, f"{folder}/small.pt2")
    ...     network = torch.export.load(path).module()
    >>> network(torch.zeros(3, 1, 37, 50)).shape
    torch.Size([3, 2, 37, 50])
    """
    path, network = _checked_path(path, ".pt2"), _ready(model)
    return _publish(path, network, lambda file: torch.export.save(_traced(network), file),
                    lambda file: torch.export.load(file).module())


def export_onnx(model, path, *, levels=False):
    """Write a network as an ``.onnx`` file, for onnxruntime, a browser, C++, or another program.

    Parameters
    ----------
    model : UNet
        Is left as it is; a copy on the CPU, in eval mode and in float32, is written.
    path : path ending in .onnx
        Appears when the file is complete and onnxruntime gives with it what `model` gives, and not before.
    levels : bool, default False
        Outputs beside the logits: what each level of the U holds, see `AnySize`. They are called
        ``down0``, ``down1`` …, ``bottom``, …, ``up1``, ``up0``.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If `model` is no `UNet`, or `path` ends otherwise.
    FileNotFoundError
        If the folder does not exist.
    ImportError
        If onnx, onnxscript or onnxruntime is missing: ``pip install "unet-course[export]"``.
    RuntimeError
        If this torch cannot do it, or the file does not give what `model` gives.

    Notes
    -----
    The input is called ``image``, (N, C, H, W), float32, and the output ``logits``: ``onnxruntime.InferenceSession(path,
    providers=["CPUExecutionProvider"]).run(None, {"image": array})[0]``.
    """
    path, network = _checked_path(path, ".onnx"), _ready(model)
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f"export_onnx needs {', '.join(missing)}: pip install onnx onnxscript onnxruntime")

    outputs = ["logits", *(level_names(network) if levels else [])]

    def write(file):
        names = dict(input_names=["image"], output_names=outputs, opset_version=18)
        program = torch.onnx.export(_traced(network, levels), dynamo=True, verbose=False, **names)
        Path(file).write_bytes(_without_remarks(program.model_proto).SerializeToString())

    def read(file):
        import onnxruntime

        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        return lambda image: torch.from_numpy(session.run(["logits"], {"image": image.numpy()})[0])

    return _publish(path, network, write, read)


def level_names(model):
    """Names of the levels of a U, from the top down to the bottom and up again.

    Examples
    --------
    >>> level_names(UNet(channels=(4, 8, 16)))
    ['down0', 'down1', 'bottom', 'up1', 'up0']
    """
    levels = range(len(model.encoders))
    return [*(f"down{k}" for k in levels), "bottom", *(f"up{k}" for k in reversed(levels))]


def _without_remarks(graph):
    """The ONNX model without the exporter's notes: from which file of this machine each part is."""
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info, *graph.graph.input,
                 *graph.graph.output, *graph.graph.initializer):
        del part.metadata_props[:]
        if hasattr(part, "doc_string"):
            part.doc_string = ""
    return graph


def _traced(network, levels=False):
    """The network as torch's graph, with the three sizes left open."""
    least = _smallest(network)
    n, h, w = torch.export.Dim("n"), torch.export.Dim("h", min=least), torch.export.Dim("w", min=least)
    example = torch.zeros(2, network.in_channels, least + 36, least + 52)
    return torch.export.export(AnySize(network, levels), (example,), strict=False,
                               dynamic_shapes=({0: n, 2: h, 3: w},))


def _publish(path, network, write, read):
    """Write beside, compare with the network, rename."""
    with written(path, path.suffix) as beside, _quiet(), torch.no_grad():  # the ending is looked at
        try:
            write(str(beside))
        except Exception as error:
            raise RuntimeError(f"torch {torch.__version__} cannot write this network as "
                               f"{path.suffix}; 2.11 can. Its words: {str(error)[:300]}") from error
        _compare(network, read(str(beside)), path.name)
    return path


def _compare(network, run, name):
    """Raise a RuntimeError if the file does not give what the network gives, for sizes odd, even, small and long."""
    least, numbers = _smallest(network), torch.Generator().manual_seed(0)
    for n, height, width in ((1, 0, 0), (2, 0, 6), (1, 4, 63), (3, 36, 29)):
        image = torch.rand(n, network.in_channels, least + height, least + width, generator=numbers)
        wanted, got = network(image), run(image)
        if got.shape != wanted.shape or not (got - wanted).abs().max() <= TOLERANCE * wanted.abs().max().clamp(min=1):
            raise RuntimeError(f"{name} does not give what the network gives for an image of {tuple(image.shape)}, and is "
                               "not kept. Is every weight of the network finite?")


def _smallest(network):
    """The smallest side that a file takes; with ``padding=0`` one whose output has 2 pixels, as the solver leaves out 1."""
    return next(n for n in range(1, 10**4) if output_size(n, len(network.encoders), network.padding) >= 2 - network.padding)


def _ready(model):
    """A copy of a `UNet`, ready to be written."""
    kinds = {UNet, ConvBlock, EncoderBlock, DecoderBlock}
    other = [type(m).__name__ for m in getattr(model, "modules", list)() if not type(m).__module__.startswith("torch.")
             and type(m) not in kinds]
    if not isinstance(model, UNet) or other:
        raise ValueError(f"model is a {type(model).__name__}{f' with {other[0]}' if other else ''}; wanted unet_course's own "
                         "UNet. Your own class of the same layers: UNet(…).load_state_dict(model.state_dict())")
    return copy.deepcopy(model).cpu().float().eval().requires_grad_(False)


def _checked_path(path, suffix):
    path = Path(path)
    if path.suffix != suffix:
        raise ValueError(f"path is {path.name!r}; wanted a name that ends in {suffix}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path is in the folder {path.parent.name!r}, which does not exist; make it first")
    return path


@contextlib.contextmanager
def _quiet():
    """Without the exporters' remarks on their own insides: deprecated calls of theirs, and torchvision, which nobody needs."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            log.setLevel(level)
