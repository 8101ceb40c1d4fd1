"""Batch norm over the batch of several processes: each sees its share, all take mean and variance of the whole."""

from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import nn

from unet_course.distributed import size


@contextmanager
def shared_norms(model):
    """Within it, batch norms take mean and variance of all processes' pictures; afterwards they are as before."""
    norms = [layer for layer in model.modules() if type(layer) is nn.BatchNorm2d] if size() > 1 else []
    for layer in norms:
        layer.__class__ = SharedBatchNorm2d  # same parameters, buffers and names: only forward differs
    try:
        yield
    finally:
        for layer in norms:
            layer.__class__ = nn.BatchNorm2d


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over the batch of all processes, on any device; `nn.SyncBatchNorm` refuses tensors on a CPU.

    All processes need as many values of each channel. Its ``state_dict`` is that of `nn.BatchNorm2d`.
    """

    def forward(self, x):
        if not (self.training or self.running_mean is None):
            return super().forward(x)
        count = size() * x.numel() // x.shape[1]
        if count < 2:
            raise ValueError(f"batch norm got one value for each channel in training (input {tuple(x.shape)}); wanted at "
                             "least 2: a larger batch or picture")
        full = x if x.dtype == torch.float64 else x.float()
        var, mean = torch.var_mean(full, dim=(0, 2, 3), correction=0)
        # In float64 the mean of squares minus the square of the mean loses nothing that float32 had.
        shared = _Sum.apply(torch.stack([mean, mean**2, var]).double()) / size()
        mean = shared[0].to(full)
        var = (shared[2] + shared[1] - shared[0] ** 2).to(full)
        if self.running_mean is not None:
            self._remember(mean.detach(), var.detach() * count / (count - 1))
        scale = torch.rsqrt(var + self.eps)
        shift = -mean * scale
        if self.affine:
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        return (x * scale[:, None, None] + shift[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean, var):
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(var, share)


class _Sum(torch.autograd.Function):
    """Sum over all processes; so is its gradient, because each of them uses the sum."""

    @staticmethod
    def forward(ctx, values):
        values = values.clone()
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(ctx, gradient):
        return _Sum.apply(gradient.contiguous())
