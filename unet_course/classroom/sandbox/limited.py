"""Code that is not yours, in a process of its own, with limits: what `grade` runs students' notebooks in."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")
GRACE = 30  # seconds that the keeper has to clear up
ALL = ("seconds", "cpu_seconds", "memory", "processes", "disk", "output", "process ids", "files", "network")
PASSED_ON = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "SYSTEMDRIVE",
             "COMSPEC", "PATHEXT", "WINDIR", "NUMBER_OF_PROCESSORS")
REASONS = {
    "seconds": "was still running after {seconds:g} seconds",
    "cpu_seconds": "used more than {cpu_seconds:g} seconds of computing",
    "memory": "used more than {memory_mib:g} MiB of memory",
    "processes": "started more than {processes} processes",
    "disk": "wrote more than {disk_mib:g} MiB",
    "the caller": "was given up",
    "keeper": "ended the program that watched it",
}


@dataclass
class Result:
    """How a command ended.

    Attributes
    ----------
    returncode : int
        As in `subprocess`: negative if a signal ended it.
    stdout, stderr : str
        What it printed; of much, the beginning and the end.
    stopped_by : str
        The limit that stopped it, such as "memory"; empty if it ended by itself.
    why : str
        The same in words; empty likewise.
    cpu_seconds : float
        Of all its processes (Linux and macOS).
    memory : int
        Largest number of resident bytes that was seen, of all its processes together (Linux). What they share counts once,
        at least where it would go over the limit otherwise; more processes than are allowed are ended, not weighed.
    limits : tuple of str
        What was limited on this machine, out of `ALL`.
    """

    returncode: int
    stdout: str
    stderr: str
    stopped_by: str = ""
    why: str = ""
    cpu_seconds: float = 0.0
    memory: int = 0
    limits: tuple = ()

    @property
    def not_limited(self):
        """What this machine could not limit."""
        return tuple(name for name in ALL if name not in self.limits)


def run_limited(command, *, folder, seconds=60, cpu_seconds=60, memory=2**30, processes=16, address_space=None,
                disk=2**28, output=2**16, network=False, environment=None, input="", namespaces=True):
    """Run a command that may do anything, within limits; whatever it has started ends with it.

    Parameters
    ----------
    command : list of str
        Program and arguments.
    folder : path
        Where it runs, and the one folder in which it may write, besides a home folder of its own that is deleted after it.
    seconds, cpu_seconds : float
        By the clock, and of computing; the second for all its processes together.
    memory : int
        Resident bytes of all its processes together.
    processes : int
        How many may live at once.
    address_space : int, optional
        Bytes that each process may ask for, `memory` by default. Libraries that are only mapped count, too: with CUDA,
        torch needs some gigabytes more than it uses.
    disk : int
        Bytes in its folders, and in any one file.
    output : int
        Bytes of stdout, and of stderr, that are kept.
    network : bool, default False
        Whether it may reach other machines.
    environment : dict, optional
        Variables that it gets besides PATH and the language. It gets no others of yours: they may hold passwords.
    input : str, optional
        What it reads from stdin.
    namespaces : bool, default True
        Whether to use Linux's namespaces where they are allowed; tests try the other way, too.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If a limit is not a positive number.
    FileNotFoundError
        If there is no such folder, or no such program.
    RuntimeError
        If you are root and the system allows no namespaces: then nothing would bound the number of processes.

    Notes
    -----
    On Linux a small program stands above the command. It counts the processes, their memory and computing some twenty
    times a second, those that have left their parents included, and ends all of them when a limit is passed. Where the
    system allows namespaces to a user, the command sees no process but its own and reaches no network, and the kernel
    itself ends all with the first; with Landlock (Linux 6.2) it can write in `folder` only. It can read what you can read.
    On macOS, time, computing and the size of files are limited, but neither memory nor the number of processes in sum,
    and a process that makes a session of its own stays. On Windows, time and disk are limited. `Result.not_limited` says
    what was not.

    Examples
    --------
    >>> import sys, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = run_limited([sys.executable, "-c", "while True: pass"], folder=folder, seconds=0.5)
    >>> result.stopped_by, result.why
    ('seconds', 'was still running after 0.5 seconds')
    """
    limits = dict(seconds=seconds, cpu_seconds=cpu_seconds, memory=memory, processes=processes,
                  address_space=memory if address_space is None else address_space, disk=disk, output=output)
    for name, value in limits.items():
        if not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            raise ValueError(f"{name} is {value!r}; wanted a positive number")
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"folder is {str(folder)!r}, and there is no such folder; make it first")
    own = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    whole = {name: int(value) for name, value in limits.items() if not name.endswith("seconds")}
    wanted = {**limits, **whole, "command": [str(part) for part in command], "folder": str(folder), "input": input,
              "environment": {**own, **(environment or {})}, "network": network, "namespaces": namespaces}
    with tempfile.TemporaryDirectory(prefix="unet-sandbox-", ignore_cleanup_errors=True) as home:
        said = _keep({**wanted, "home": home})
    if said.get("error"):
        raise FileNotFoundError(f"command {command[0]!r} could not be started ({said['error']}); check its path")
    why = REASONS.get(said["stopped_by"], "").format(**limits, memory_mib=memory / 2**20, disk_mib=disk / 2**20)
    return Result(said["returncode"], said["stdout"], said["stderr"], said["stopped_by"], why, said["cpu_seconds"],
                  said["memory"], tuple(name for name in ALL if name in said["limits"]))


def _keep(wanted):
    """Start the keeper, hand over what is wanted, and return what it says."""
    mark = secrets.token_hex(16)
    wanted["environment"]["UNET_COURSE_SANDBOX"] = mark
    session = {} if os.name == "nt" else dict(start_new_session=True)  # Ctrl+C is for us; the keeper sees its input end
    with tempfile.TemporaryFile() as complaints, subprocess.Popen(
            [sys.executable, "-I", "-S", str(KEEPER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
            **session) as keeper:
        said = []
        reader = threading.Thread(target=lambda: said.append(keeper.stdout.read()), daemon=True)
        reader.start()
        try:
            with contextlib.suppress(OSError):
                keeper.stdin.write(json.dumps(wanted).encode() + b"\n")
                keeper.stdin.flush()  # it stays open: that it ends is how the keeper learns that we are gone
            reader.join(wanted["seconds"] + GRACE)
        finally:
            with contextlib.suppress(OSError):
                keeper.stdin.close()
            try:
                keeper.wait(GRACE)
            except subprocess.TimeoutExpired:
                keeper.kill()
            end_marked(mark)
        reader.join(GRACE)
        with contextlib.suppress(IndexError, ValueError):
            return json.loads(said[0])
        complaints.seek(0)
        if keeper.wait() > 0:
            raise RuntimeError(f"the command was not run: {complaints.read().decode(errors='replace')[-500:].strip()}")
        return dict(returncode=-9, stdout="", stderr="", stopped_by="keeper", cpu_seconds=0.0, memory=0, limits=[])


def end_marked(mark):
    """On Linux, end what a command has left behind after it ended its keeper: it has our mark in its environment."""
    if sys.platform != "linux":
        return
    again = True
    while again:
        again = False
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if name.isdigit() and mark.encode() in Path(f"/proc/{name}/environ").read_bytes():
                    os.kill(int(name), signal.SIGKILL)
                    again = True
