"""`torch.compile`, and what to do where it does not work."""

from contextlib import contextmanager

import torch


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
