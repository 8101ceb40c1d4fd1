"""A network made ready to predict: the same answers, sooner. (08)"""

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Side of the squares in which a processor computes a large image: for the layers of a whole one, the
# system has to hand out gigabytes, which takes as long as computing. With 48 pixels of surroundings
# the largest layer of width 8 has just under 32 MiB; above that, glibc asks the system each time.
TILE = 624


def has_bf16(device):
    """Whether a device has instructions for bfloat16; without them it is emulated, and slower by far."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    probe = (getattr(torch.cpu, "_is_avx512_bf16_supported", None)
             or getattr(torch.cpu, "_is_amx_tile_supported", None))
    return bool(device.type == "cpu" and probe and probe())


def ready(model, bf16=False):
    """A twin of a network for prediction: batch norm folded into its convolutions, channels innermost.

    Parameters
    ----------
    model : Module
        Left as it is; what is not changed is shared with the twin.
    bf16 : bool, default False
        Weights in bfloat16.

    Returns
    -------
    Module
        In eval mode.

    Notes
    -----
    In eval mode batch norm multiplies and adds the same numbers everywhere, so that the convolution
    before it can do that: w' = w · γ / √(σ² + ε), b' = (b − μ) · γ / √(σ² + ε) + β.

    Examples
    --------
    >>> from unet_course import UNet
    >>> model, x = UNet(channels=(4, 8)).eval(), torch.rand(1, 1, 16, 16)
    >>> twin = ready(model)
    >>> sum(isinstance(part, nn.BatchNorm2d) for part in twin.modules())
    0
    >>> torch.allclose(twin(x), model(x), atol=1e-5)
    True
    """
    twin = _twin(model)
    if bf16:
        for part in twin.modules():
            for name, value in list(part._parameters.items()):
                if value is not None:
                    part._parameters[name] = nn.Parameter(value.to(torch.bfloat16), requires_grad=False)
            for name, value in list(part._buffers.items()):
                if value is not None and value.is_floating_point():
                    part._buffers[name] = value.to(torch.bfloat16)
    return twin


def _twin(module):
    """The same module with other parts; its numbers are shared, but for what is folded."""
    twin = copy.copy(module)
    twin.training = False
    for name in ("_parameters", "_buffers"):
        setattr(twin, name, dict(getattr(module, name)))
    twin._modules = {name: child and _twin(child) for name, child in module._modules.items()}
    if type(module) is nn.Sequential:
        parts = list(twin._modules.items())
        for (name, first), (other, second) in zip(parts, parts[1:]):
            if _folds(module._modules[name], module._modules[other]):
                twin._modules[name] = fuse_conv_bn_eval(first, second)
                twin._modules[other] = nn.Identity()
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        twin._parameters["weight"] = nn.Parameter(
            module.weight.detach().contiguous(memory_format=torch.channels_last), requires_grad=False)
    return twin


def _folds(first, second):
    """Whether batch norm comes right after a convolution, and nobody listens in between."""
    listened = any(getattr(part, hooks) for part in (first, second)
                   for hooks in ("_forward_hooks", "_forward_pre_hooks"))
    return (type(first) is nn.Conv2d and type(second) is nn.BatchNorm2d and not listened
            and second.track_running_stats and second.running_mean is not None
            and "weight" in first._parameters)
