"""Limits in seconds that a slow processor keeps, too: CPU time beside that of work which is always the same."""

import time

QUIET = 0.05  # CPU seconds of `known` on the machine that the limits were measured on, with nothing beside it


def known():
    return sum(number % 7 for number in range(1_000_000))


def spent(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def soon(work, seconds, tries=3):
    """Fail where `work` takes longer than `seconds`, or as much more as this processor is slower just now; three tries."""
    took = []
    for _ in range(tries):
        slower = max(1, spent(known) / QUIET)
        took.append(spent(work) / slower)
        if took[-1] < seconds:
            return
    raise AssertionError(f"{[round(t, 2) for t in took]} CPU seconds, brought to the pace of a quiet machine; wanted less than {seconds}")
