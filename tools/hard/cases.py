"""Hard cases: inputs that nobody means to give, thousands of them, each in a process that may not crash, hang or swell.

``python -m tools.hard.cases`` runs every part and writes data/results/hard_cases.json; names choose parts, ``--cases`` and
``--seed`` how many and which. The exit code is 1 if a case went wrong; it is printed, and found again with the same seed.
"""

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "data" / "results" / "hard_cases.json"
CASES = 12_000  # some groups have fewer different cases than they are asked for; 10,000 remain
KILLS = 100
CPU_SECONDS = 20  # for one case
SILENCE = 900  # wall-clock seconds without a new case; the machine may be busy with something else
MEMORY = 1500  # MB that a case may ask for beyond what is there when the first one begins
SWELL = 600  # MB by which the process may grow over the whole run

# A message that helps says what was wanted, or what to do.
CURE = re.compile("wanted|use |replace|export|divide|check|make|rename|turn|save|give|delete|add |draw|keep|cut it|take|bring|"
                  "Try|begin again|pip install")


class Hang(BaseException):
    """Not an Exception, so that no reader that catches all kinds takes it for a damaged file."""


def helps(error, names):
    """Whether the message of an error names an argument or a file, and a cure.

    Examples
    --------
    >>> helps(ValueError("image is empty; wanted at least one pixel"), ["image"]), helps(ValueError("bad value"), ["image"])
    (True, False)
    """
    text = str(error)
    return any(name in text for name in names) and bool(CURE.search(text)) and len(text) < 700


def fuzz(cases=CASES, seed=0):
    """All groups of cases, spread as their weights say, in a child process.

    Parameters
    ----------
    cases : int
        About so many in all.
    seed : int

    Returns
    -------
    dict
        "cases", "groups" {name: {outcome: count}}, "wrong" (list of str), "cpu_seconds", "grown_mb".
    """
    return watched("-m", "tools.hard.cases", "--cases", str(cases), "--seed", str(seed), "--child")


def watched(*arguments):
    """Run Python with these arguments and the name of a folder, where it leaves its result; see what becomes of it.

    Parameters
    ----------
    *arguments : str

    Returns
    -------
    dict
        What the process left in ``result.json``; if it crashed or stood still, a result that says so, and at which case.
    """
    with tempfile.TemporaryDirectory() as folder:
        now, result = Path(folder) / "now", Path(folder) / "result.json"
        command = [sys.executable, "-X", "faulthandler", *arguments, folder]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        with open(Path(folder) / "output", "w+b") as output:
            child = subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT, env=environment)
            stopped = _wait(child, now)
            output.seek(0)
            said = output.read().decode(errors="replace")
        if result.exists() and not stopped and child.returncode == 0:
            return json.loads(result.read_text())
        case = now.read_text() if now.exists() else "before the first case"
        reason = f"no new case in {SILENCE} s" if stopped else f"exit code {child.returncode}"
        return {"cases": 0, "groups": {}, "wrong": [f"the process ended ({reason}) at {case}: {said[-1500:]}"],
                "cpu_seconds": 0.0, "grown_mb": 0}


def kills(cases=KILLS, seed=0):
    """SIGKILL at random moments of training, prediction and download, and what is there after going on.

    Parameters
    ----------
    cases : int
        Kills of each of the three.
    seed : int

    Returns
    -------
    dict
        As of `fuzz`; a group is counted as its own function says.
    """
    from tools.hard.kills_download import kill_downloads
    from tools.hard.kills_project import kill_prediction, kill_training

    found = {"train": kill_training(cases, seed), "predict": kill_prediction(cases, seed),
             "download": kill_downloads(cases, seed)}
    spent = sum(counts.pop("cpu_seconds") for counts in found.values())
    bad = ("half_files", "other_results", "left_behind", "early_names")
    wrong = [f"{name}: {counts[key]} {key}" for name, counts in found.items() for key in bad if counts.get(key)]
    return {"cases": sum(counts["kills"] for counts in found.values()), "seed": seed, "groups": found, "wrong": wrong,
            "cpu_seconds": round(spent, 1)}


PARTS = {"fuzz": fuzz, "kills": kills}


def _wait(child, now):
    """Until the child ends; True if it had to be killed, because nothing moved."""
    seen, since = None, time.monotonic()
    while True:
        try:
            child.wait(timeout=1)
            return False
        except subprocess.TimeoutExpired:
            stamp = now.stat().st_mtime_ns if now.exists() else None
            if stamp != seen:
                seen, since = stamp, time.monotonic()
            elif time.monotonic() - since > SILENCE:
                child.kill()
                child.wait()
                return True
        except BaseException:  # an interrupt: leave nothing running
            child.kill()
            child.wait()
            raise


class Judge:
    """Runs one case after the other, and keeps what came out.

    Parameters
    ----------
    folder : Path
        The case that runs is named in a file there, for the case that this process does not survive.
    """

    def __init__(self, folder):
        self.file = open(Path(folder) / "now", "w", encoding="utf-8")
        self.groups, self.wrong, self.group = {}, [], None
        signal.signal(signal.SIGVTALRM, self._late)

    def _late(self, *_):
        raise Hang(f"more than {CPU_SECONDS} CPU seconds")

    def case(self, what, names, action, refusals=(ValueError, TypeError, FileNotFoundError)):
        """Run ``action()``, which asserts what has to hold.

        Parameters
        ----------
        what : object
            Its ``repr`` says which case it is.
        names : sequence of str
            Arguments or files, one of which a refusal has to name.
        action : callable
        refusals : tuple of exception types
            What may be raised, with a message that helps.

        Raises
        ------
        AssertionError
            If the case went wrong.
        """
        self.file.seek(0)
        self.file.truncate()
        self.file.write(f"{self.group}: {what!r}"[:2000])
        self.file.flush()
        counts = self.groups.setdefault(self.group, Counter())
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
        try:
            action()
            counts["answered"] += 1
        except refusals as error:
            cause = error
            while cause is not None:
                assert not isinstance(cause, MemoryError), f"{what!r} asked for too much memory: {error}"
                cause = cause.__cause__
            assert helps(error, names), (f"{what!r}: this message names none of {names}, or no cure: "
                                         f"{type(error).__name__}: {error}")
            counts["refused"] += 1
        except (Exception, Hang) as error:
            raise AssertionError(f"{what!r}: {type(error).__name__}: {error}") from error
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def groups():
    """What is tried: {name: (function of judge, count and seed; weight)}."""
    from tools.hard import arrays, files, states

    return {**arrays.GROUPS, **files.GROUPS, **states.GROUPS}


def child(folder, cases, seed):
    """What runs in the child: all groups, under a limit of memory."""
    import contextlib
    import warnings

    import torch

    torch.set_num_threads(1)
    judge = Judge(folder)
    judge.group = "warming up"
    for group, _ in groups().values():
        with contextlib.suppress(Exception):
            group(judge, 3, seed)  # what is imported late is there, before memory is limited
    judge.groups.clear()
    before = _status("VmRSS")
    limit = int(_status("VmSize") + MEMORY) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    warnings.simplefilter("error", RuntimeWarning)
    total = sum(weight for _, weight in groups().values())
    begin = time.process_time()
    spent = {}
    for name, (group, weight) in groups().items():
        judge.group, start = name, time.process_time()
        try:
            group(judge, max(round(cases * weight / total), 1), seed)
        except Exception as error:  # hypothesis has its own kind for a case that does not go wrong each time
            judge.wrong.append(f"{name}: {error}"[:3000])
        spent[name] = round(time.process_time() - start, 1)
    grown = _status("VmHWM") - before
    if grown > SWELL:
        judge.wrong.append(f"the process grew by {grown:.0f} MB")
    result = {"cases": sum(sum(c.values()) for c in judge.groups.values()), "seed": seed,
              "groups": {name: dict(counts) for name, counts in judge.groups.items()}, "wrong": judge.wrong,
              "cpu_seconds": round(time.process_time() - begin, 1), "cpu_of_groups": spent, "grown_mb": round(grown)}
    (Path(folder) / "result.json").write_text(json.dumps(result))


def _status(key):
    """A line of this process's status, in MB."""
    return int(re.search(rf"{key}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tools.hard.cases", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all, if none is named")
    parser.add_argument("--cases", type=int, help=f"{CASES:,} of fuzz and {KILLS} of each kind of kills, if it is not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        child(options.child, options.cases, options.seed)
        return 0
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    if not sys.platform.startswith("linux"):
        parser.error("memory is limited and measured as Linux does it; use a Linux machine")
    results = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    wrong = []
    for name in options.parts or PARTS:
        results[name] = PARTS[name](seed=options.seed, **({"cases": options.cases} if options.cases else {}))
        wrong += results[name]["wrong"]
        print(f"{name}: {results[name]['cases']} cases, {len(results[name]['wrong'])} went wrong, "
              f"{results[name]['cpu_seconds']:.0f} CPU seconds")
        for line in results[name]["wrong"]:
            print(f"  {line}", file=sys.stderr)
        for group, counts in results[name]["groups"].items():
            print(f"  {group:30} {counts}")
    results["versions"] = {package: version(package) for package in ("unet-course", "torch", "numpy", "pillow", "tifffile",
                                                                     "scikit-image", "hypothesis")}
    if not wrong:
        from unet_course.data.files.saving import write_json  # late: what a case takes is measured

        write_json(TABLE, results)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
