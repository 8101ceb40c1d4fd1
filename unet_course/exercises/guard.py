"""What stands around an answer while it is tried: it is stopped if it never ends. (00)"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

import torch

CPU_SECONDS, SECONDS, GIB = 8, 60, 4  # an exercise takes less than 1 s; a busy machine may need the clock's 60


class TooLong(BaseException):
    """Raised inside an answer whose time is over. Not an Exception, so that ``except Exception`` lets it pass."""


@contextlib.contextmanager
def within_time(cpu_seconds=CPU_SECONDS, seconds=SECONDS):
    """Raise `TooLong` in the code inside once it has used its time, and again if it catches that.

    CPU seconds count, because on a busy machine the clock would stop answers that are right; the clock counts too,
    for an answer that sleeps. A single call into C, such as one enormous matrix product, cannot be stopped. An import is
    never stopped: torch loads parts of itself when they are first used, and half of one cannot be loaded again.
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
    watcher.start()
    try:
        yield
    finally:
        over.set()
        while True:  # an interrupt may still be on its way, and must not hit the caller
            try:
                watcher.join()
                if before is not None:
                    signal.signal(signal.SIGINT, before)
                break
            except TooLong:
                continue


def imports(frame):
    """How many imports are going on around a frame."""
    number = 0
    while frame is not None:
        number += frame.f_code.co_filename.startswith("<frozen importlib")
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
