"""What Linux offers to keep a command within limits, beyond the portable ones: standard library and system calls only."""

import contextlib
import ctypes
import os
import re
import socket
import struct

NEW_USER, NEW_PID, NEW_NET, NEW_MOUNTS, NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x08000000
PARENT_DEATH, DUMPABLE, NO_NEW_PRIVILEGES, SUBREAPER = 1, 4, 38, 36  # of prctl
WRITES = sum(1 << bit for bit in (1, *range(4, 15)))  # of Landlock: all rights of its third version but read and execute
WRITES_FILE = 1 << 1 | 1 << 14


def libc():
    return ctypes.CDLL(None, use_errno=True)


def control(option, value):
    """prctl, for the options that take one number."""
    return libc().prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def stat(pid):
    """(parent, threads, resident bytes, CPU seconds) of a process, its ended children's included; None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # a name may hold brackets and spaces
    except OSError:
        return None
    cpu = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return int(fields[1]), int(fields[17]), int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), cpu


def descendants(ancestor):
    """{process id: what `stat` says} of all processes below one."""
    found, below = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (about := stat(name)):
            found[int(name)] = about
            below.setdefault(about[0], []).append(int(name))
    result, waiting = {}, [ancestor]
    while waiting:
        for pid in below.get(waiting.pop(), []):
            result[pid] = found[pid]
            waiting.append(pid)
    return result


def proportional(pid):
    """Resident bytes of a process, where a page that n processes share counts as its nth part."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:"))
    return 0


def threads_of_user():
    """How many threads the user of this process has, in all: the system's limit counts those."""
    total = 0
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == os.getuid() and (about := stat(name)):
                total += about[1]
    return total


def first_allowed(choices):
    """The first of several sets of namespaces that this system lets a user make, or 0."""
    for flags in choices:
        child = os.fork()
        if child == 0:
            try:
                enter(flags)
                if os.fork() == 0:
                    os._exit(0)
                os._exit(os.wait()[1] != 0)
            finally:
                os._exit(1)
        if os.waitpid(child, 0)[1] == 0:
            return flags
    return 0


def enter(flags):
    """Make namespaces; what this process starts from now on lives in them, as a user without rights."""
    user, group = os.geteuid(), os.getegid()
    if libc().unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in [("setgroups", "deny"), ("uid_map", f"{user or 1000} {user} 1"),
                       ("gid_map", f"{group or 1000} {group} 1")]:
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    if flags & NEW_NET:  # in it there is this machine alone, which Jupyter needs: the loopback interface has to be switched on
        import fcntl  # Windows has none, and its tests import this module, too

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))


def private_mounts(shared_memory, threads):
    """A list of processes that shows only one's own, and bounded shared memory; whether the system allows it."""
    def mount(kind, where, options=b"", flags=0):
        return libc().mount(kind, where, kind, ctypes.c_ulong(flags), options) == 0

    if libc().unshare(NEW_MOUNTS | NEW_IPC):
        return False
    libc().mount(None, b"/", None, ctypes.c_ulong(0x4000 | 0x40000), None)  # what is mounted here stays here
    release = tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])
    if mount(b"proc", b"/proc", flags=0x2 | 0x4 | 0x8) and release >= (6, 14):
        with contextlib.suppress(OSError), open("/proc/sys/kernel/pid_max", "w") as file:
            file.write(str(max(threads, 301)))  # of this namespace alone; before 6.14 it was the whole system's
    return mount(b"tmpfs", b"/dev/shm", f"size={shared_memory},mode=1777".encode(), 0x2 | 0x4)


def only_writes_in(folders, shared_memory):
    """Let this process and its children write in these folders only (Landlock, from Linux 6.2 on); whether that holds.

    Nor can they then, from Linux 6.12 on, send signals to processes outside.
    """
    version = libc().syscall(444, None, ctypes.c_size_t(0), 1)
    if version < 3:
        return False
    rights = struct.pack("QQQ", WRITES, 0, 0x3 if version >= 6 else 0)
    ruleset = libc().syscall(444, rights, ctypes.c_size_t(24 if version >= 6 else 8), 0)
    if ruleset < 0:
        return False
    places = [(folder, WRITES) for folder in [*folders, *["/dev/shm"] * shared_memory]]
    for name, allowed in [*places, *((f"/dev/{name}", WRITES_FILE) for name in ("null", "zero", "full"))]:
        place = os.open(name, os.O_PATH | os.O_CLOEXEC)
        if libc().syscall(445, ruleset, 1, struct.pack("=Qi", allowed, place), 0):
            return False
        os.close(place)
    control(NO_NEW_PRIVILEGES, 1)
    return libc().syscall(446, ruleset, 0) == 0
