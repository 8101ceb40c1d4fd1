"""How the benchmarks count seconds and bytes.

Seconds are CPU seconds of the process, all its threads together: a shared machine's clock says more about its
neighbours. What is compared is measured in turns, so that a slow minute falls on all alike. Memory is measured in a new
process for each point, because an allocator keeps what it has once had.
"""

import importlib
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20


def in_turns(works, turns, *, least=0.0):
    """Time each of several functions once a turn.

    Parameters
    ----------
    works : dict of str to callable
    turns : int
        One more turn comes first and is not counted: libraries prepare themselves in it.
    least : float
        CPU seconds that one sample must last; a fast function is called several times in a sample.

    Returns
    -------
    dict of str to dict
        "cpu" and "wall", the medians of the seconds of one call, and "samples", the CPU seconds of each turn.
    """
    samples = {name: [] for name in works}
    calls = dict.fromkeys(works, 1)
    for name, work in works.items():
        work()
        calls[name] = math.ceil(least / max(seconds(work)[0], 1e-6)) or 1
    for _ in range(turns):
        for name, work in works.items():
            cpu, wall = seconds(work, calls[name])
            samples[name].append((cpu / calls[name], wall / calls[name]))
    return {name: {"cpu": statistics.median(cpu for cpu, _ in taken), "wall": statistics.median(wall for _, wall in taken),
                   "samples": [round(cpu, 6) for cpu, _ in taken]} for name, taken in samples.items()}


def seconds(work, calls=1):
    """(CPU seconds, wall seconds) of some calls."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(calls):
        work()
    return time.process_time() - cpu, time.perf_counter() - wall


def memory_rise(work):
    """Bytes by which the process's memory rises at most above where it stands now, while `work` runs."""
    import psutil

    try:
        Path("/proc/self/clear_refs").write_text("5")  # Linux forgets the peak that the imports had
        before = high_water()  # by the same count as afterwards
    except OSError:  # elsewhere a small rise can hide under that peak
        before = psutil.Process().memory_info().rss
    work()
    return max(high_water() - before, 0)


def high_water():
    """The most memory, in bytes, that this process has had.

    On Linux not `ru_maxrss`: a process that was started by a larger one inherits that one's value.
    """
    if os.name == "nt":
        import psutil

        return psutil.Process().memory_info().peak_wset
    status = Path("/proc/self/status")
    if status.exists():
        line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), None)
        if line:
            return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def in_process(function, *, python=sys.executable, **arguments):
    """Call a function of this folder in a new Python and return what it returns, as JSON can carry it.

    Parameters
    ----------
    function : str
        Module and name: ``"scaling:one_image"``.
    python : path
        Another environment's Python, for the peers.
    arguments
        What JSON can carry.

    Raises
    ------
    RuntimeError
        With the last line that the process wrote, if it fails.
    """
    command = [str(python), "-W", "ignore", "-m", "benchmarks.measuring", function, json.dumps(arguments)]
    calm = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONUTF8": "1"}  # waiting threads count no CPU seconds
    done = subprocess.run(command, cwd=ROOT, env=calm, capture_output=True, encoding="utf-8")
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise RuntimeError(f"{function}: {said[-1]}" if done.returncode > 0 else f"{function}: the system ended it "
                           f"(signal {-done.returncode}), as it does when memory runs out")
    return json.loads(done.stdout.splitlines()[-1])


def exponent(sizes, values):
    """Slope of a straight line through the points on double logarithmic axes: 1.0 if values grow as sizes do.

    >>> round(exponent([1, 10, 100], [3, 30, 300]), 3)
    1.0
    """
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    return statistics.linear_regression(x, y).slope


def main(function, arguments):
    """What `in_process` starts: the last line printed is the result."""
    module, name = function.split(":")
    result = getattr(importlib.import_module(f"benchmarks.{module}"), name)(**json.loads(arguments))
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
