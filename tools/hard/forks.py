"""Processes that begin at once, because all they import is there, and that may be killed: for tests that kill at random."""

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback


class Forks:
    """A helper process that has imported what is needed and makes a copy of itself for each call.

    Parameters
    ----------
    modules : list of str
        What to import beforehand.

    Notes
    -----
    Copying works on Unix only. The helper has one thread, so that copying it is safe.
    """

    def __init__(self, modules):
        threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        self.helper = subprocess.Popen([sys.executable, "-m", "tools.hard.forks", *modules], stdin=subprocess.PIPE, text=True,
                                       stdout=subprocess.PIPE, env=os.environ | threads)
        self.cpu_seconds = 0.0  # of all calls so far; what the helper itself takes to import is not among them

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.helper.stdin.close()
        self.helper.wait()
        self.helper.stdout.close()

    def start(self, target, *args):
        """Begin ``target(*args)``, with target written as "module:function"; return at once."""
        self.helper.stdin.write(json.dumps([target, args]) + "\n")
        self.helper.stdin.flush()
        self.pid = json.loads(self.helper.stdout.readline())

    def kill(self):
        """SIGKILL, which no process can answer. One that has ended keeps its number until `wait`, so nobody else is hit."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        """The exit code, once it has ended: 0, 1 after an exception, or -9 after a kill."""
        self.helper.stdin.write("wait\n")
        self.helper.stdin.flush()
        code, seconds = json.loads(self.helper.stdout.readline())
        self.cpu_seconds += seconds
        return code


def serve(modules):
    """What the helper does until its input ends."""
    for module in modules:
        importlib.import_module(module)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a call prints is no answer
    pid = None
    for line in sys.stdin:
        if line == "wait\n":
            _, status, used = os.wait4(pid, 0)
            print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime]), file=answers)
        elif pid := os.fork():
            print(pid, file=answers)
        else:
            os._exit(run(*json.loads(line)))


def run(target, args):
    """One call, in its own process."""
    try:
        module, function = target.split(":")
        getattr(importlib.import_module(module), function)(*args)
        return 0
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    serve(sys.argv[1:])
