"""Several processes train one network: each takes its share of every batch. (14)

Start them with ``torchrun --standalone --nproc-per-node=2 script.py``; in the script, ``with joined(): fit(…)``. `fit` does
the rest: the result is that of one process with the same batch, whatever the loss, up to the order in which numbers are
added. Without torchrun everything here does nothing, so that a script needs no second version.

One machine without a GPU: torchrun gives each process one thread; ``OMP_NUM_THREADS=4 torchrun …`` gives each four. Several
machines: the same command on each, with ``--nnodes=2 --rdzv-backend=c10d --rdzv-endpoint=HOST:29500`` in place of
``--standalone``, in a folder that all of them see, with ``GLOO_SOCKET_IFNAME`` naming the network between them. With
``--max-restarts=3``, torchrun starts all processes anew when one has ended, and they go on from the checkpoint if `fit` has
``resume=True``; on several machines set ``TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1`` for that. torchrun itself opens ports on
all interfaces, without a password: use it on a network that you trust, or behind a firewall.
"""

import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager, nullcontext

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

_GIVEN_BY_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@contextmanager
def joined():
    """Under torchrun: join the other processes, and leave them at the end. Otherwise: nothing.

    Yields
    ------
    torch.device
        Where this process's network belongs: its own GPU, or the CPU.

    Raises
    ------
    ValueError
        If there are GPUs, but fewer than processes.

    Notes
    -----
    Processes talk through NCCL where each has a GPU, else through gloo. On one machine they listen on the loopback
    interface only, unless ``GLOO_SOCKET_IFNAME`` and ``NCCL_SOCKET_IFNAME`` name another.

    Examples
    --------
    >>> with joined() as device:
    ...     print(rank(), size(), is_first())
    0 1 True
    """
    if not started_by_torchrun() or _is_joined():
        yield group_device()
        return
    local, gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
    one_machine = local == started_by_torchrun()
    if 0 < gpus < local:
        raise ValueError(f"torchrun started {local} processes on this machine, which has {gpus} GPUs; wanted one for each: "
                         f"--nproc-per-node={gpus}, or hide them with CUDA_VISIBLE_DEVICES= to train on the CPU")
    if one_machine and sys.platform != "win32":
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(name, loopback)
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # Optimisers import it; imported after the processes have met, it keeps their group and gloo's threads alive until Python
    # has closed, which can abort the process.
    import torch._dynamo as _  # noqa: F401

    with _last_words():
        with explained():
            dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", **_store(one_machine))
        try:
            yield group_device()
        finally:
            dist.destroy_process_group()


def _store(one_machine):
    """Where the processes leave their addresses for each other; nothing for torch's own choice.

    With --max-restarts that is torchrun's own store, which still has the addresses of the processes that are gone, so
    that the new ones wait for the dead. A prefix for each attempt parts them. Machines count their attempts each for itself:
    there, TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 helps.
    """
    if not one_machine or os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return {}
    store = dist.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
    return {"store": dist.PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT')}", store),
            "rank": int(os.environ["RANK"]), "world_size": started_by_torchrun()}


def started_by_torchrun():
    """Number of processes that torchrun has started, this one among them; 0 without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in _GIVEN_BY_TORCHRUN) else 0


def group_device():
    """This process's GPU if it has one for itself, else the device that a process alone would take."""
    from unet_course.inference.prediction import pick_device

    if not _is_joined():
        return pick_device()
    return torch.device("cuda", int(os.environ["LOCAL_RANK"])) if torch.cuda.is_available() else torch.device("cpu")


def _is_joined():
    return dist.is_available() and dist.is_initialized()


def rank():
    """Number of this process, from 0; 0 if it is alone."""
    return dist.get_rank() if _is_joined() else 0


def size():
    """Number of processes that train together; 1 if this one is alone."""
    return dist.get_world_size() if _is_joined() else 1


def is_first():
    """Whether this process is the one that writes files and draws the bar."""
    return rank() == 0


def agree(**numbers):
    """Compare whole numbers between all processes; all have to get here, so that it is a barrier, too.

    Raises
    ------
    ValueError
        If a process has another number: names it.
    """
    if size() == 1:
        return
    mine = torch.tensor(list(numbers.values()), dtype=torch.int64)
    all_of_them = [torch.empty_like(mine) for _ in range(size())]
    dist.all_gather(all_of_them, mine)
    for name, values in zip(numbers, torch.stack(all_of_them, dim=1).tolist()):
        if len(set(values)) > 1:
            raise ValueError(f"{name} is {values[rank()]} in process {rank()}, in all of them {values}; wanted the same: all "
                             "have to see the same files, through a shared folder if they run on several machines")


def from_first(number):
    """The whole number that process 0 has, in all processes."""
    if size() == 1:
        return number
    shared = torch.tensor(int(number))
    dist.broadcast(shared, src=0)
    return int(shared)


def added_up(*numbers):
    """The sums of whole numbers over all processes."""
    if size() == 1:
        return numbers
    shared = torch.tensor(numbers, dtype=torch.int64)
    dist.all_reduce(shared)
    return tuple(shared.tolist())


def gathered(logits, *truth):
    """Logits and targets of all processes, in order; the gradient flows to this process's own part alone.

    So every process sees the loss of the whole batch, whatever loss that is. A mean of the processes' own losses would be
    something else wherever a loss is no mean over pictures, as Dice. Logits are small beside what a network keeps for
    its backward pass.
    """
    if size() == 1:
        return logits, *truth
    found = []
    for mine in (logits.detach(), *truth):
        parts = [torch.empty_like(mine, memory_format=torch.contiguous_format) for _ in range(size())]
        dist.all_gather(parts, mine.contiguous())
        found.append(parts)
    found[0][rank()] = logits
    return tuple(torch.cat(parts) for parts in found)


@contextmanager
def explained():
    """Turn what gloo and NCCL say when another process has gone into what to do about it."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).lower()
        if not started_by_torchrun() or not any(word in said for word in ("gloo", "nccl", "connection", "timed out")):
            raise
        raise ConnectionError(f"{_me()} has lost the others: one of them has ended, or cannot be "
                              f"reached. {CURE}") from error


def _me():
    return f"process {os.environ['RANK']} (0 … {started_by_torchrun() - 1})"


CURE = "Checkpoints are kept: the same command goes on from the last one (torchrun does it itself with --max-restarts=N)."


@contextmanager
def _last_words():
    """Say why before torchrun's SIGTERM ends this process, also where it waits in C code for a process that has gone."""
    if os.name == "nt" or threading.current_thread() is not threading.main_thread():
        yield
        return
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # Python's part; its C part writes to the socket at once
    wakeup = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)

    def listen():
        with ear:
            while number := ear.recv(1):
                if number[0] != signal.SIGTERM:
                    continue
                print(f"{_me()} was told to end, most likely because another one has ended. {CURE}",
                      file=sys.stderr, flush=True)
                os._exit(128 + signal.SIGTERM)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, before)
        mouth.close()  # ends the thread
        thread.join()  # none is left when Python closes


def wrapped(model):
    """The network as the training calls it: gradients are averaged over all processes in the backward pass."""
    if size() == 1:
        return model
    return DistributedDataParallel(model)


def unshared(runner, last):
    """For all parts of a batch but the last: gradients add up here, and are averaged once, with the last part."""
    return runner.no_sync() if size() > 1 and not last else nullcontext()


def in_parts(parts):
    """`train_step` for a batch that goes through the network in parts, one after the other, and over all processes."""

    def step(model, optimiser, loss, x, *truth):
        model.train()
        optimiser.zero_grad()
        total = 0.0
        for part, (some, *its_truth) in enumerate(zip(*(t.chunk(parts) for t in (x, *truth))), start=1):
            with unshared(model, last=part == parts):
                value = loss(*gathered(model(some), *its_truth))
                # Each process's gradient is that of its own share; what is averaged over them has to be their sum.
                (value * (size() / parts) if size() != parts else value).backward()
            total = total + value.detach()
        optimiser.step()
        return (total / parts).item()

    return step


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
