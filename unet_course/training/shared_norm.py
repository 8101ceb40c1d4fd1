"""Batch norm over the batch of several processes: each sees its share, all take mean and variance of the whole."""

from contextlib import contextmanager

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from unet_course.training.distributed import size


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
        unused = torch.zeros(x.shape[1], device=x.device, dtype=torch.promote_types(x.dtype, torch.float32))
        mean, var = torch.batch_norm_update_stats(x.detach(), unused, unused.clone(), 0.0)  # var_mean takes ten times as long
        # In float64 the mean of squares minus the square of the mean loses nothing that float32 had.
        shared = _sum(torch.stack([mean, mean**2, var])) / size()
        mean, var = shared[0].to(unused), (shared[2] + shared[1] - shared[0] ** 2).to(unused)
        if self.running_mean is not None:
            self._remember(mean, var * count / (count - 1))
        weight = self.weight if self.affine else torch.ones_like(mean)
        return _Normalise.apply(x, weight, self.bias, mean, var, self.eps)

    @torch.no_grad()
    def _remember(self, mean, var):
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(var, share)


class _Normalise(torch.autograd.Function):
    """Batch norm by given statistics, with the gradient that it has because these depend on the batch of all processes."""

    @staticmethod
    def forward(ctx, x, weight, bias, mean, var, eps):
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(var + eps))
        ctx.eps = eps
        return F.batch_norm(x, mean, var, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx, gradient):
        x, weight, mean, scale = ctx.saved_tensors
        # torch's own backward pass takes these means over this process's part of the batch …
        by_x, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, None, None, mean, scale, True, ctx.eps, [True, True, True])
        mine, count = torch.stack([by_bias, by_weight]), x.numel() // x.shape[1]
        # … and here they are exchanged for those over all of it.
        offset, slope = (mine / count - _sum(mine) / (count * size())).to(mean) * weight * scale
        slope = slope * scale
        slope, offset = (t[:, None, None].to(by_x) for t in (slope, offset - slope * mean))
        return torch.addcmul(by_x, x, slope).add_(offset), by_weight, by_bias, None, None, None


def _sum(values):
    """Sum over all processes, in float64."""
    values = values.double()
    dist.all_reduce(values)
    return values
