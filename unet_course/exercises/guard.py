"""What stands around an answer while it is tried: a limit of time, and all is put back. (00)"""

import builtins
import contextlib
import ctypes
import linecache
import math
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

CPU_SECONDS, SECONDS, GIB = 8, 60, 4  # an exercise takes less than 1 s; a busy machine may need the clock's 60


class TooLong(BaseException):
    """Raised inside an answer whose time is over. Not an Exception, so that ``except Exception`` lets it pass."""


@contextlib.contextmanager
def within_time(cpu_seconds=CPU_SECONDS, seconds=SECONDS):
    """Raise `TooLong` in the code inside once it has used its time, and again if it catches that.

    CPU seconds count, because on a busy machine the clock would stop answers that are right; the clock counts too,
    for an answer that sleeps. A single call into C, such as one enormous matrix product, cannot be stopped. An import is
    never stopped: torch loads parts of itself when they are first used, and half of one cannot be loaded again.
    Nor is `put_back`; nor, in Python 3.10, a loop whose whole body catches everything. Where no thread can be started,
    as in a browser's Python, the time is not limited.
    """
    thread, over, late = threading.get_ident(), threading.Event(), threading.Event()
    in_main = threading.current_thread() is threading.main_thread()
    outside = imports(sys._getframe())  # a check may be called by a module that is being imported
    before = _listen(late, outside) if in_main else None
    until_cpu, until = time.process_time() + cpu_seconds, time.monotonic() + seconds

    def watch():
        while not over.wait(0.05):
            if time.process_time() > until_cpu or time.monotonic() > until:
                late.set()
                if in_main or imports(sys._current_frames()[thread]) <= outside:
                    _interrupt(thread, in_main)

    watcher = threading.Thread(target=watch, daemon=True)
    try:
        watcher.start()
    except RuntimeError:
        watcher = None
    try:
        yield
    finally:
        over.set()
        while True:  # an interrupt may still be on its way, and must not hit the caller
            try:
                if watcher is not None:
                    watcher.join()
                if before is not None:
                    signal.signal(signal.SIGINT, before)
                break
            except TooLong:
                continue


def imports(frame):
    """How much is going on around a frame that must not stop half way: imports, and `put_back`."""
    number = 0
    while frame is not None:
        code = frame.f_code
        number += (code.co_filename.startswith("<frozen importlib")
                   or code is put_back.__wrapped__.__code__)
        frame = frame.f_back
    return number


def _listen(late, outside):
    """In the main thread an interrupt also ends a sleep. Without `late` it is the user's own, and does what it did."""
    before = signal.getsignal(signal.SIGINT)

    def stop(number, frame):
        if late.is_set():
            if imports(frame) > outside:
                return  # it is tried again soon
            raise TooLong
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    return before


def _interrupt(thread, in_main):
    if not in_main:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooLong))
    elif os.name == "nt":
        import _thread

        _thread.interrupt_main()
    else:
        signal.pthread_kill(thread, signal.SIGINT)


@contextlib.contextmanager
def within_memory(gib=GIB):
    """Let this process have only some more memory while the code inside runs; Linux, and without a GPU.

    Elsewhere the system does not keep such a limit, or a GPU's driver needs more address space than it allows.
    """
    try:
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError):
        yield
        return
    if torch.cuda.is_available():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + gib * 2**30
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


# --- what an answer leaves behind ---


def _folder():
    with contextlib.suppress(FileNotFoundError):  # somebody removed it
        return os.getcwd()


def _go_to(folder):
    with contextlib.suppress(OSError, TypeError):
        os.chdir(folder)


def _set_environment(before):
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _handlers():
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(before):
    for number, handler in before.items():
        # None: it is not Python's. In another thread than the main one nobody can have changed any.
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _timers():
    """Which alarms are set. (How much time is left of each differs whenever one looks.)"""
    names = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")
    timers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return {timer for timer in timers if signal.getitimer(timer)[0]}


def _stop_timers(before):
    for timer in _timers() - before:
        signal.setitimer(timer, 0)


def _set_device(before):
    torch.set_default_device(None)  # one that was never set stays unset: torch is quicker then
    with contextlib.suppress(AttributeError):
        del torch._GLOBAL_DEVICE_CONTEXT.device_context  # torch 2.6 keeps it, and would leave it twice
    if torch.get_default_device() != before:
        torch.set_default_device(before)


def _deterministic():
    return (torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled())


def _set_deterministic(before):
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _cudnn():
    return torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic


def _set_path(before):
    sys.path[:] = before


def _set_cudnn(before):
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = before


# What is put back, with how to read and how to set it. Random numbers, the default dtype,
# gradients, threads, warnings and what is printed: see `undisturbed`.
SETTINGS = [
    ("the folder", _folder, _go_to),
    ("the environment", lambda: dict(os.environ), _set_environment),
    ("where modules are looked for", lambda: [*sys.path], _set_path),
    ("how deep a function may call itself", sys.getrecursionlimit, sys.setrecursionlimit),
    ("what a signal does", _handlers, _set_handlers),
    ("alarms", _timers, _stop_timers),
    ("the default device", torch.get_default_device, _set_device),
    ("the same numbers on each run", _deterministic, _set_deterministic),
    ("how cuDNN chooses", _cudnn, _set_cudnn),
    ("a look at each gradient", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    ("what NumPy says of a division by zero", np.geterr, lambda before: np.seterr(**before)),
]
# What torch itself replaces, once its compiler is imported, and with the default dtype.
BY_TORCH = {(torch, "manual_seed"), (torch, "Storage")}


class Replaced(Exception):
    """An answer put something of its own in the place of functions that others use; their names."""


@contextlib.contextmanager
def put_back(*more):
    """Put back what the code inside changes in the surroundings.

    Settings are put back silently. Functions and classes are put back, and `Replaced` is raised
    unless there is an error already: a check that asks a replaced `torch.allclose` believes
    whatever it says. A child that was forked inside ends here, for its parent goes on.

    Parameters
    ----------
    *more : tuple
        Settings besides those in `SETTINGS`, in the same form: name, how to read it, how to set it.
    """
    process, settings = os.getpid(), [*SETTINGS, *more]
    holders = [(holder, dict(vars(holder))) for holder in _holders()]
    values = [read() for _, read, _ in settings]
    try:
        yield
    finally:
        if os.getpid() != process:
            os._exit(0)
        names = [name for holder, before in holders for name in _restored(holder, before)]
        for (_, read, put), value in zip(settings, values):
            if read() != value:
                put(value)
    if names:
        raise Replaced(*names)


def _holders():
    """Modules and classes whose functions others use; first those that all is written with."""
    own = [module for name, module in [*sys.modules.items()] if name.startswith("unet_course")]
    classes = {value for module in own for value in vars(module).values()
               if isinstance(value, type) and value.__module__ == module.__name__
               # torch wraps the step of each kind of optimiser when the first one is made
               and not issubclass(value, torch.optim.Optimizer)}
    others = [builtins, math, random, time, np, torch, torch.nn, F, torch.Tensor, torch.nn.Module]
    return [*others, *own, *classes]


def _restored(holder, before):
    """Put back the functions of a module or class that are others than before; their names."""
    now = vars(holder)
    # No builtin is called yet: len, callable … may themselves be what was replaced.
    changed = [name for name, value in before.items() if now.get(name) is not value]
    if holder is builtins:
        builtins.__dict__.update(before)
    changed = [name for name in changed
               if callable(before[name]) and (holder, name) not in BY_TORCH]
    for name in changed:
        setattr(holder, name, before[name])
    # Tensor.flip is another class's, until somebody sets one here.
    if holder in (torch.Tensor, torch.nn.Module):
        for name in [name for name in now if name not in before and callable(now[name])]:
            delattr(holder, name)
            changed.append(name)
    module = f"{holder.__module__}." if isinstance(holder, type) else ""
    return [f"{module}{holder.__name__}.{name}" for name in changed]


# --- whose error it is ---

PACKAGE = Path(__file__).parents[1]
FOLDERS = [PACKAGE, *(Path(module.__file__).parent for module in (os, np, torch))]
NOT_THE_ANSWERS = ("<frozen ", "<eval_with_key>", *(f"{folder}{os.sep}" for folder in FOLDERS))


def of_the_answer(error):
    """The innermost line of an answer that an error went through.

    Parameters
    ----------
    error : BaseException
        As it was caught.

    Returns
    -------
    tuple or None
        The number of the line, in its cell or file; the name of the file, or "" for a cell; the
        text of the line, or "" if nobody has kept it. None if no line of the answer is among those
        that the error went through: then it arose in the check, or in what the check was calling.
    """
    found, trace = None, error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if _is_the_answers(file):
            cell = file.startswith("<") or "ipykernel_" in file
            text = linecache.getline(file, trace.tb_lineno, trace.tb_frame.f_globals).strip()
            found = trace.tb_lineno, "" if cell else Path(file).name, text
        trace = trace.tb_next
    return found


def _is_the_answers(file):
    installed = {"site-packages", "dist-packages"} & set(Path(file).parts)
    return not installed and not file.startswith(NOT_THE_ANSWERS)
