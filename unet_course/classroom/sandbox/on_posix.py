"""A command on Linux or macOS: how `keeper` starts it with limits, counts what it uses, and ends it."""

import contextlib
import os
import signal

ROOT = ("this is the administrator (root), for whom the system does not bound the number of processes, and it allows no "
        "namespaces: run it as an ordinary user")


class Posix:
    """A command on Linux, where all limits hold, or on macOS, where some do; `linux` is `on_linux`, or None."""

    def __init__(self, wanted, files, linux):
        self.linux = linux
        self.error, self.code, self.said = "", None, b""
        self.limits = {"seconds", "cpu_seconds", "disk", "output"}
        self.namespaces = 0
        if linux:
            linux.control(linux.SUBREAPER, 1)  # what loses its parent becomes a child of this process
            self.limits |= {"processes", "memory"}
            wanted["of_user"] = linux.threads_of_user()
            own = linux.NEW_USER | linux.NEW_PID
            choices = [own] if wanted["network"] else [own | linux.NEW_NET, own]
            self.namespaces = linux.first_allowed(choices) if wanted["namespaces"] else 0
            if self.namespaces:
                linux.enter(self.namespaces)
                self.limits.add("process ids")
            if self.namespaces & linux.NEW_NET:
                self.limits.add("network")
        if not self.namespaces and os.geteuid() == 0:
            raise SystemExit(ROOT)
        self.pipe, child_pipe = os.pipe()
        os.set_blocking(self.pipe, False)
        self.first = os.fork()
        if self.first == 0:
            try:
                first_process(wanted, files, child_pipe, self.namespaces, linux)
            finally:
                os._exit(1)
        os.close(child_pipe)
        if linux:
            linux.control(linux.DUMPABLE, 0)  # the command, which is the same user, cannot look into this process

    def ended(self):
        """The exit code, if the command has ended."""
        self._reap()
        self._listen()
        return None if self.first else -9 if self.code is None else self.code

    def _reap(self):
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self.first = None if pid == self.first else self.first

    def _listen(self):
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self.pipe, 4096):
                self.said += part
        *lines, self.said = self.said.split(b"\n")
        for kind, _, value in (line.decode(errors="replace").partition(" ") for line in lines):
            if kind == "code":
                self.code = int(value)
            elif kind == "error":
                self.error = value
            else:
                self.limits.add(value)

    def use(self):
        """(processes, threads, resident bytes, CPU seconds) of all that the command has started."""
        if not self.linux:
            return 0, 0, 0, 0.0
        below, times = self.linux.descendants(os.getpid()), os.times()
        cpu = sum(about[3] for about in below.values()) + times.children_user + times.children_system
        below.pop(self.first, None)
        return len(below), sum(about[1] for about in below.values()), sum(about[2] for about in below.values()), cpu

    def exact_memory(self):
        """As in `use`, but what processes share counts once."""
        return sum(self.linux.proportional(pid) for pid in self.linux.descendants(os.getpid()) if pid != self.first)

    def end(self):
        """End every process; return the CPU seconds of all."""
        if self.first and self.namespaces:
            os.kill(self.first, signal.SIGKILL)  # the kernel ends a namespace with its first process
        elif self.linux:
            while self.linux.descendants(os.getpid()):
                still = set()
                while new := self.linux.descendants(os.getpid()).keys() - still:  # all hold still before any ends
                    still |= new
                    send(new, signal.SIGSTOP)
                send(still, signal.SIGKILL)
                self._reap()  # one that was being born when its parent stopped is found the next time
        elif self.first:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.first, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        self._listen()
        times = os.times()
        return times.children_user + times.children_system


def send(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def first_process(wanted, files, pipe, namespaces, linux):
    """Start the command and wait for it. In a namespace this is process 1, with which all others end."""
    os.setsid()
    shared = False
    if linux:
        linux.control(linux.PARENT_DEATH, signal.SIGKILL)  # this process ends if the keeper does
        if namespaces:
            shared = linux.private_mounts(wanted["memory"] // 4, 2 * wanted["processes"] * wanted["threads"])
    child = os.fork()
    if child == 0:
        try:
            for number, file in enumerate(files):
                os.dup2(file, number)
            os.chdir(wanted["folder"])
            limit_this(wanted)
            if linux and linux.only_writes_in(wanted["writable"], shared):
                os.write(pipe, b"limit files\n")
            os.execvpe(wanted["command"][0], wanted["command"], wanted["environment"])
        except BaseException as error:
            os.write(pipe, f"error {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(127)
    if linux:
        linux.control(linux.DUMPABLE, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)  # the caller's are the keeper's alone
    while True:
        pid, status = os.wait()
        if pid == child:
            os.write(pipe, f"code {os.waitstatus_to_exitcode(status)}\n".encode())
            os._exit(0)


def limit_this(wanted):
    """The limits that the system itself keeps, for each process; what a system does not know is left out."""
    import resource

    cpu = int(wanted["cpu_seconds"]) + 1
    threads = wanted.get("of_user", 0) + 2 * wanted["processes"] * wanted["threads"]  # rough; the keeper counts exactly
    for name, soft, hard in [("AS", *[wanted["address_space"]] * 2), ("CPU", cpu, cpu + 1), ("FSIZE", *[wanted["disk"]] * 2),
                             ("CORE", 0, 0), ("NPROC", threads, threads)]:
        with contextlib.suppress(AttributeError, ValueError, OSError):  # macOS refuses some
            kind = getattr(resource, f"RLIMIT_{name}")
            most = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, [value if most < 0 else min(value, most) for value in (soft, hard)])
    os.nice(19)  # the keeper comes first, however many they are
