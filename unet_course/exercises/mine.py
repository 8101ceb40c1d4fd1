"""What you wrote is what runs: your answers in place of the course's. (02)"""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from unet_course.exercises.hints import spoken

_passed = {}  # the answers that passed their check in this kernel


def keep_answer(id, answer):
    """Keep an answer that has passed its check."""
    _passed[id] = answer


def mine(id, default):
    """Your answer to an exercise, if it has passed its check in this kernel; else the course's.

    Parameters
    ----------
    id : str
        Of the exercise, such as "2.3".
    default : class or function
        The course's own.

    Returns
    -------
    class or function
        One line says whose it is.

    Examples
    --------
    >>> from unet_course import ConvBlock
    >>> mine("2.3", ConvBlock) is ConvBlock
    With the course's ConvBlock: yours has not passed check 2.3 here yet.
    True
    """
    name = getattr(default, "__name__", str(default))
    if id in _passed:
        print(spoken(f"With your own {name}, which passed check {id}."))
        return _passed[id]
    print(spoken(f"With the course's {name}: yours has not passed check {id} here yet."))
    return default


def refit(network, default, own, *inputs):
    """A trained network in which blocks of the course are replaced by one's own, with their weights.

    Parameters
    ----------
    network : nn.Module
        With the course's blocks; it is left as it is.
    default, own : class
        The course's block, and yours, which takes the same arguments.
    *inputs : Tensor
        What the network is tried on.

    Returns
    -------
    nn.Module
        The network with your blocks; where the weights do not fit them, or the result differs, the
        network as it was, and one line says so.

    Notes
    -----
    The weights find their place by what is computed, not by the names of layers: the first
    convolution that the course's block computes gives its weights to the first that yours computes.
    """
    if own is default:
        return network
    try:
        trained, made = (copy.deepcopy(network).eval() for _ in range(2))
        for name, block in list(made.named_modules()):
            if type(block) is default:
                parent = made.get_submodule(name.rpartition(".")[0])
                setattr(parent, name.rpartition(".")[2], _filled(block, own))
        with torch.no_grad():
            same = torch.allclose(made(*inputs), trained(*inputs), atol=1e-3)
        if same:
            return made
    except BaseException:  # whatever a block of one's own does: the course's is drawn
        pass
    print(spoken("The trained weights do not fit into your block, so the course's is drawn."))
    return network


def _filled(block, own):
    """One's own block with the weights of one of the course's."""
    first = next(part for part in block.modules() if isinstance(part, nn.Conv2d))
    norm = any(isinstance(part, nn.BatchNorm2d) for part in block.modules())
    made = own(first.in_channels, first.out_channels, padding=first.padding[0], norm=norm)
    made = made.to(first.weight).eval()
    x = first.weight.new_zeros(1, first.in_channels, 12, 12)
    theirs, ours = _used(block, x), _used(made, x)
    if [one.shape for one in theirs] != [one.shape for one in ours]:
        raise ValueError("the two blocks compute other things")
    with torch.no_grad():
        for one, other in zip(theirs, ours):
            other.copy_(one)
    return made


class _Weights(TorchFunctionMode):
    """Notes the weights of convolutions and norms, in the order in which they are used."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, function, types, arguments=(), options=None):
        if function in (torch.conv2d, torch.conv_transpose2d, F.batch_norm, torch.batch_norm):
            given = [*arguments[1:], *(options or {}).values()]
            self.seen += [one for one in given if isinstance(one, torch.Tensor)]
        return function(*arguments, **(options or {}))


def _used(block, x):
    with torch.no_grad(), _Weights() as weights:
        block(x)
    return weights.seen
