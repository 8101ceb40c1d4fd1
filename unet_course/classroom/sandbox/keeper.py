"""The program that stands between `run_limited` and a command: it sets the limits, watches, and ends everything.

It is run by its path, with the standard library alone, so that it starts at once. It is no part of the caller's process:
what the command does to the processes above it ends here.
"""

import contextlib
import importlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main():
    wanted = json.loads(sys.stdin.buffer.readline())
    tempfile.tempdir = wanted["home"]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(wanted["input"].encode())
        given.seek(0)
        wanted["environment"].update(dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), wanted["home"]))
        wanted["threads"] = 32  # for each process that is allowed
        wanted["writable"] = [wanted["home"], wanted["folder"]]
        keeper = start(wanted, [given.fileno(), out.fileno(), err.fileno()])
        result = watch(keeper, wanted, [out, err])
        result.update(stdout=ends(out, wanted["output"]), stderr=ends(err, wanted["output"]),
                      limits=sorted(keeper.limits), error=keeper.error)
    shutil.rmtree(wanted["home"], ignore_errors=True)  # the caller does the same, unless it is gone
    sys.stdout.write(json.dumps(result))


def start(wanted, files):
    if os.name == "nt":
        return Windows(wanted, files)
    sys.path.append(str(Path(__file__).parent))  # last, so that nothing there stands for a module of Python's own
    linux = importlib.import_module("on_linux") if sys.platform == "linux" else None
    return importlib.import_module("on_posix").Posix(wanted, files, linux)


def watch(keeper, wanted, outputs):
    """Wait for the command, and end it once it goes over a limit."""
    until, looked, most, cpu, stopped_by = time.monotonic() + wanted["seconds"], 0.0, 0, 0.0, ""
    while (code := keeper.ended()) is None and not stopped_by:
        began, busy = time.monotonic(), time.process_time()
        processes, threads, memory, spent = keeper.use()
        crowd, cpu = processes > wanted["processes"] or threads > wanted["processes"] * wanted["threads"], max(cpu, spent)
        if not crowd:  # that is not weighed: a close look takes long, and it grows meanwhile
            memory = keeper.exact_memory() if memory > wanted["memory"] else memory
            most = max(most, memory)
        if began > until:
            stopped_by = "seconds"
        elif crowd:
            stopped_by = "processes"
        elif memory > wanted["memory"]:
            stopped_by = "memory"
        elif cpu > wanted["cpu_seconds"]:
            stopped_by = "cpu_seconds"
        elif began > looked + 0.5:
            looked = began
            if size_of(wanted["writable"], outputs, wanted["disk"]) > wanted["disk"]:
                stopped_by = "disk"
        if not stopped_by and os.name != "nt" and select.select([0], [], [], 0)[0]:
            stopped_by = "the caller"  # it has closed our input, or is gone
        if not stopped_by:
            # A sixth of one core at most. By the clock, a crowd would make it look the later the more they are.
            time.sleep(max(0.02, 5 * (time.process_time() - busy)))
    cpu = max(cpu, keeper.end())  # the kernel forgets what a process has used that it ends with its namespace
    if code is not None and code < 0 and not stopped_by:
        stopped_by = {"SIGXCPU": "cpu_seconds", "SIGXFSZ": "disk"}.get(signal.Signals(-code).name, "")
    return dict(returncode=-9 if code is None else code, stopped_by=stopped_by, memory=most, cpu_seconds=round(cpu, 2))


class Windows:
    """A command on Windows: its time and its files are limited, and nothing else."""

    def __init__(self, wanted, files):
        self.error, self.limits, self.child = "", {"seconds", "disk", "output"}, None
        try:
            self.child = subprocess.Popen(wanted["command"], cwd=wanted["folder"], env=wanted["environment"],
                                          stdin=files[0], stdout=files[1], stderr=files[2])
        except OSError as error:
            self.error = f"{type(error).__name__}: {error}"

    def ended(self):
        return self.child.poll() if self.child else 127

    def use(self):
        return 0, 0, 0, 0.0

    def end(self):
        if self.ended() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(self.child.pid)], capture_output=True)
            self.child.wait()
        return 0.0


def size_of(folders, files, enough):
    """Bytes in the folders and files, counted until they are more than enough; an entry counts 4096 at least."""
    total = sum(os.fstat(file.fileno()).st_size for file in files)
    waiting = list(folders)
    while waiting and total <= enough:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += max(entry.stat(follow_symlinks=False).st_size, 4096)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
    return total


def ends(file, most):
    """What was printed; of much, the beginning and the end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    text = file.read(most if size <= most else most // 2)
    if size > most:
        file.seek(-(most // 2), os.SEEK_END)
        text += f"\n[… {size - most} bytes are left out …]\n".encode() + file.read(most // 2)
    return text.decode(errors="replace")


if __name__ == "__main__":
    main()
