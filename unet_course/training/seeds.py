"""Random numbers that come again, and code that leaves no trace of itself. (06)"""

import contextlib
import io
import random
import warnings

import numpy as np
import torch

SEED = 2015  # what a check draws at random is the same each time


def seed_everything(seed=0):
    """Start torch's random numbers from `seed`, on every device.

    Examples
    --------
    >>> seed_everything(0); a = torch.rand(1)
    >>> seed_everything(0); torch.equal(a, torch.rand(1))
    True
    """
    torch.manual_seed(seed)


@contextlib.contextmanager
def undisturbed():
    """Leave no trace of a check: random numbers, default dtype, gradient mode, warnings, printed text."""
    python, numpy_state, dtype, grad = (random.getstate(), np.random.get_state(), torch.get_default_dtype(),
                                        torch.is_grad_enabled())
    threads = torch.get_num_threads()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with (torch.random.fork_rng(devices), torch.inference_mode(False), warnings.catch_warnings(),
          contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())):
        try:
            warnings.simplefilter("ignore")
            torch.set_num_threads(1)  # on a busy machine, threads that wait for each other made a check 50 times slower
            torch.set_default_dtype(torch.float32)
            torch.set_grad_enabled(True)
            # A hint has to read the same on every machine. (torch.manual_seed would reach for the GPU as well.)
            torch.default_generator.manual_seed(SEED)
            random.seed(SEED)
            np.random.seed(SEED)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_state)
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(grad)
            torch.set_num_threads(threads)
