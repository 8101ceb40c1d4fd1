"""Faster steps: bfloat16 where it is measured to pay, and `torch.compile`. (06 14)"""

import copy
import time
from contextlib import contextmanager

import torch

from unet_course.inference.fast import has_bf16

_measured = {}


def bf16_pays(model, shape, *, gain=1.6):
    """Whether a training step of this network is clearly faster in bfloat16 on its device.

    Parameters
    ----------
    model : Module
        Left as it is; a copy is timed.
    shape : (int, int, int, int)
        Size of a batch: (N, C, H, W).
    gain : float, default 1.6
        How many times as fast it has to be. A small gain is not worth the lost digits, nor a choice that another
        measurement would make differently.

    Returns
    -------
    bool
        The first answer for a network of these widths is remembered until Python ends.

    Examples
    --------
    >>> from unet_course import UNet
    >>> bf16_pays(UNet(channels=(4, 8)), (1, 1, 16, 16)) in (True, False)
    True
    """
    device = next(model.parameters()).device
    if device.type != "cpu" or not has_bf16(device):
        return has_bf16(device)
    shapes = tuple(tuple(p.shape) for p in model.parameters())
    key = (shapes, tuple(shape), torch.get_num_threads())
    if key not in _measured:
        x = torch.zeros(shape).to(memory_format=torch.channels_last)
        trial = copy.deepcopy(model).to(memory_format=torch.channels_last).train()
        times = {False: [], True: []}
        for _ in range(4):  # in turns, and the best of each, because other programs disturb
            for bf16 in times:
                start = time.perf_counter()
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                    out = trial(x)
                out.float().sum().backward()
                times[bf16].append(time.perf_counter() - start)
        _measured[key] = min(times[False]) / min(times[True]) > gain
    return _measured[key]


class Mixed(torch.nn.Module):
    """A network whose forward pass runs in bfloat16, if that is wanted; its logits are float32.

    Examples
    --------
    >>> Mixed(torch.nn.Conv2d(1, 2, 1), bf16=True)(torch.zeros(1, 1, 4, 4)).dtype
    torch.float32
    """

    def __init__(self, model, bf16):
        super().__init__()
        self.model, self.bf16 = model, bf16

    def forward(self, x):
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.model(x)
        return logits.float()


@contextmanager
def compiler(model, wanted):
    """Yield the network to call: compiled if that is wanted. The network itself, and its state, stay as they are.

    Raises
    ------
    ValueError
        If it cannot be compiled here.

    Examples
    --------
    >>> model = torch.nn.Conv2d(1, 1, 1)
    >>> with compiler(model, False) as runner:
    ...     runner is model
    True
    """
    if not wanted:
        yield model
        return
    try:
        runner = torch.compile(model)
    except RuntimeError as error:  # a Python or a system that it does not know
        raise _unavailable(error) from error
    try:
        yield runner
    except Exception as error:  # it compiles at the first call
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        raise _unavailable(error) from error


def _unavailable(error):
    said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return ValueError(f"compile is True, but torch.compile does not work here ({said[:200]}); install a C++ compiler (g++ or "
                      "clang; on a GPU also Triton), or leave compile=False, which computes the same")
