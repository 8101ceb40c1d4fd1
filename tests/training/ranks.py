"""What the tests of several processes run: torchrun starts this file, and the tests train alone with the same functions."""

import os
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import torch

from unet_course import Augment, UNet, fit, seed_everything
from unet_course.losses import combined_loss
from unet_course.training import loop
from unet_course.training.distributed import agree, joined, rank, shared_norms, size

PICTURES, STEPS, BATCH = 8, 20, 4
WAYS = {"random": dict(order="random"), "epochs": dict(order="epochs"), "in parts": dict(order="epochs", accumulate=2)}


def data(n=PICTURES, dtype=torch.float64):
    """Pictures whose second channel is the picture's number, so that a crop says where it is from."""
    noise = torch.rand(n, 1, 24, 24, generator=torch.Generator().manual_seed(0), dtype=dtype)
    number = torch.arange(n, dtype=dtype)[:, None, None, None].expand_as(noise)
    return torch.cat([noise, number], dim=1), (noise[:, 0] > 0.6).long()


class Folder:
    """The same pictures as a sequence that remembers what was read."""

    def __init__(self):
        self.images, self.masks = data()
        self.read = []

    def __len__(self):
        return PICTURES

    def __getitem__(self, index):
        self.read.append(index)
        return self.images[index], self.masks[index]


def train(steps=STEPS, dtype=torch.float64, first_weights=0, see=lambda x: None, network=None, **options):
    """A short training in which `see` is shown every crop; in float64 unless told, where rounding says nothing."""
    seed_everything(first_weights)
    model = (network or UNet(2, channels=(4, 8))).to(dtype)

    def augment(x, y, generator):
        see(x)
        return Augment(blur=0, intensity=0, noise=0)(x, y, generator)

    options = dict(train=data(dtype=dtype), batch_size=BATCH, crop=12, bf16=False, progress=False, augment=augment) | options
    return model, fit(model, steps=steps, **options)


def state(model):
    """A copy of the weights that a file can carry."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def report(folder):
    """Everything that one process can say about a training that it shared."""
    found, saved = {}, []
    save = loop.save_atomically
    loop.save_atomically = lambda content, path: (saved.append(Path(path).name), save(content, path))
    for way, options in WAYS.items():
        seen = []
        model, history = train(first_weights=rank(), save_every=10, checkpoint=folder / f"{way}.pt",
                               see=lambda x, seen=seen: seen.append(x[:, 1, 0, 0].tolist()), **options)
        found[way] = dict(weights=state(model), loss=history.loss, seen=seen,
                          kinds={type(layer).__name__ for layer in model.modules()})
    found["saved"] = saved
    pictures = Folder()
    train(train=pictures, order="epochs")
    found["read"] = pictures.read
    history = train(dtype=torch.float32, val=data(3, torch.float32), val_every=7)[1]
    found["float32"] = dict(loss=history.loss, dice=history.val_dice)
    found["stopped"] = stopped(folder / "stopped.pt")
    found["uncommon"] = uncommon()
    found["norm"] = norm()
    found["listens"] = listens()
    return found


def stopped(path):
    """A training that ends before its last steps; its checkpoint is for one process to go on from."""
    def see(x, calls=[]):  # noqa: B006 - the count outlives a call on purpose
        calls.append(1)
        if len(calls) > 12:
            raise KeyError("stop")

    try:
        train(checkpoint=path, save_every=5, see=see)
    except KeyError:
        return torch.load(path, weights_only=True)["step"]


def uncommon():
    """Messages, and what must be the same or different in all processes."""
    found = {}
    for name, options in {"batch": dict(batch_size=3), "parts": dict(batch_size=6, accumulate=2)}.items():
        try:
            train(**options)
        except ValueError as error:
            found[name] = str(error)
    try:
        agree(step=rank())
    except ValueError as error:
        found["agree"] = str(error)

    def spoil(x, calls=[]):  # noqa: B006
        calls.append(1)
        if rank() == 1 and len(calls) == 2 * BATCH // size() + 1:
            x.fill_(torch.nan)

    try:
        train(order="epochs", see=spoil)
    except FloatingPointError as error:
        found["nan"] = str(error)
    for who in (0, 1):
        loop.bf16_pays = lambda model, shape, who=who: rank() == who
        found[f"bf16 {who}"] = train(steps=1, dtype=torch.float32, bf16="auto")[1].bf16
    drawn = []

    def loss(logits, target):
        drawn.append(torch.rand(1).item())
        return combined_loss(logits, target)

    train(steps=2, loss=loss)
    found["drawn"] = drawn
    return found


def norm():
    """Shared batch norm on this process's half, beside torch's on the whole batch: output, gradients, statistics."""
    x = torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 3 + 100
    x, weights = x.requires_grad_(), torch.linspace(-1, 1, x.numel(), dtype=torch.float64).reshape(x.shape)
    whole, layer = (torch.nn.BatchNorm2d(3).double() for _ in range(2))
    wanted = whole(x)
    gradient = torch.autograd.grad((wanted * weights).sum(), x)[0]
    mine = slice(rank() * 8 // size(), (rank() + 1) * 8 // size())
    part = x.detach()[mine].requires_grad_()
    with shared_norms(layer):
        names = list(layer.state_dict())
        out = layer(part)
        (out * weights[mine]).sum().backward()
        eval_same = torch.equal(layer.eval()(part), torch.nn.functional.batch_norm(
            part, layer.running_mean, layer.running_var, layer.weight, layer.bias))
    return dict(out=(out - wanted[mine]).abs().max().item(), gradient=(part.grad - gradient[mine]).abs().max().item(),
                mean=(layer.running_mean - whole.running_mean).abs().max().item(), names=names, eval_same=eval_same,
                var=(layer.running_var - whole.running_var).abs().max().item(), kind=type(layer).__name__)


def listens():
    """Addresses on which this process waits for others."""
    import psutil

    process = psutil.Process()
    connections = getattr(process, "net_connections", None) or process.connections  # psutil 5 has the other name
    return [c.laddr.ip for c in connections("inet") if c.status == psutil.CONN_LISTEN]


def threads():
    """The names of this process's threads, where /proc says them."""
    names = []
    for task in Path("/proc/self/task").glob("*"):
        with suppress(OSError):  # a thread that has just ended
            names.append((task / "comm").read_text().strip())
    return names


def killed(folder, victims):
    """A training in which process r ends itself, by SIGKILL, at call n of its first attempt, for each "r:n" in `victims`."""
    at = dict(map(int, pair.split(":")) for pair in victims.split(",") if pair)
    count = []

    def see(x):
        count.append(1)
        mark = folder / f"killed {rank()} at {at.get(rank())}"
        if len(count) == at.get(rank()) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    model, history = train(checkpoint=folder / "run.pt", save_every=3, resume=True, see=see)
    return dict(weights=state(model), loss=history.loss)


if __name__ == "__main__":
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    task, where = sys.argv[1], Path(sys.argv[2])
    with joined():
        result, me = report(where) if task == "report" else killed(where, *sys.argv[3:]), rank()
    result["left"] = [name for name in threads() if "gloo" in name]
    torch.save(result, where / f"{task} {me}.pt")
