"""Code that means harm, or knows no better, within limits. The bombs here go off."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from unet_course.classroom.sandbox import limited

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps all of these limits")
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
MARK = f"{os.getpid()}-{time.time_ns()}"  # other tests may be running beside these
SMALL = dict(seconds=60, cpu_seconds=10, memory=300 * 2**20)
# Each: what it does, the code, other limits, what stops it. "after" stands for what is still there afterwards.
BAD = {
    "an endless loop": ("while True: pass", dict(cpu_seconds=0.5), "cpu_seconds"),
    "an endless loop in many processes": ("import os\nfor i in range(3): os.fork()\nwhile True: pass", dict(cpu_seconds=1),
                                          "cpu_seconds"),
    "an endless sleep": ("import time; time.sleep(1000)", dict(seconds=0.5), "seconds"),
    "a fork bomb": ("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", {}, "processes"),
    "a bomb of processes that leave": (
        "import os, time\nwhile True:\n  try:\n    if os.fork() == 0:\n      os.setsid()\n      if os.fork() == 0: time.sleep(1000)\n"
        "      os._exit(0)\n  except OSError: pass", {}, "processes"),
    "a bomb of threads": ("import threading, time\nwhile True:\n  try: threading.Thread(target=time.sleep, args=[1000]).start()\n"
                          "  except RuntimeError: pass", dict(processes=4, address_space=10**11), "processes"),
    "memory that is used": ("x = [bytearray(10**7) for i in range(10**4)]", dict(address_space=10**12), "memory"),
    "memory of many": ("import os, time\nfor i in range(3): os.fork()\nx = bytearray(b'x' * 10**8); time.sleep(1000)", {}, "memory"),
    "files without end": ("i = 0\nwhile True:\n  open(f'{i}', 'w').write('x' * 10**6); i += 1", dict(disk=10**7), "disk"),
}
# Each: the code, and what is seen in what it printed.
HARMLESS = {
    "100 GB": ("x = bytearray(100 * 10**9)", "MemoryError"),
    "2 GB that are asked for and not used": ("x = bytearray(2 * 10**9)", "MemoryError"),
    "prints without end": ("while True: print('x' * 10**6)", "File too large"),
    "one large file": ("open('x', 'wb').write(bytes(10**8))", "File too large"),
    "the teacher's files": ("open(open('where').read(), 'w')", "PermissionError"),
    "the teacher's secrets": ("import os; print('SECRET' in os.environ, os.environ['HOME'] == os.path.expanduser('~'))",
                              "False True"),
}


def run_limited(command, **options):
    return limited.run_limited(command, **{"environment": {"MARK": MARK}, **options})


def code(text):
    return [sys.executable, "-I", "-S", "-c", text]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/where").write_text(str(tmp_path / "outside"))
    return tmp_path / "inside"


def left_behind():
    """Processes of commands here that are still alive."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"\0MARK={MARK}\0".encode() in b"\0" + (place / "environ").read_bytes() and (place / "cmdline").read_bytes():
                found.append(place.name)
        except OSError:
            pass
    return found


@pytest.fixture
def namespaces(folder):
    try:
        kept = run_limited(code(""), folder=folder, **SMALL).limits
    except RuntimeError:  # as root
        kept = ()
    if "process ids" not in kept:
        pytest.skip("this system allows no namespaces")


@pytest.mark.parametrize("what", BAD)
def test_what_goes_too_far_is_stopped_and_nothing_is_left(what, folder, namespaces):
    text, limits, stopped_by = BAD[what]
    result = run_limited(code(text), folder=folder, **{**SMALL, **limits})
    assert result.stopped_by == stopped_by and result.why and result.returncode < 0, result
    assert left_behind() == []
    assert result.memory < 2**30


def test_memory_that_processes_share_counts_once(folder, namespaces):
    result = run_limited(code("import os, time\nx = bytearray(b'x' * 10**8)\nfor i in range(3): os.fork()\ntime.sleep(1)"),
                         folder=folder, **SMALL)
    assert result.stopped_by == "" and result.returncode == 0, result  # eight times 100 MB would be over the limit
    assert 10**8 < result.memory < SMALL["memory"]


@pytest.mark.parametrize("what", HARMLESS)
def test_what_the_system_refuses(what, folder, namespaces, monkeypatch):
    monkeypatch.setenv("SECRET", "password")
    text, said = HARMLESS[what]
    result = run_limited(code(text), folder=folder, **SMALL, disk=10**7)
    assert said in result.stdout + result.stderr, result
    assert result.stopped_by in ("", "disk") and not (folder.parent / "outside").exists()
    assert len(result.stdout) < 2**16 + 100


def test_other_processes_and_other_machines_are_out_of_reach(folder, namespaces):
    result = run_limited(code("""
import os, signal, socket
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 2):
    print("this machine")
for name in "mem", "environ", "fd/1":
    try:
        open(f"/proc/{os.getppid()}/{name}")
        print(name, "is open")
    except OSError:
        pass
try:
    socket.create_connection(("192.0.2.1", 80), 2)
except OSError as error:
    print(error.strerror)
"""), folder=folder, **SMALL)
    assert result.stdout == "[1, 2]\nthis machine\nNetwork is unreachable\n", result
    assert result.not_limited in ((), ("files",))  # Landlock is younger


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """The folder in which the commands' own folders are made here."""
    (tmp_path / "homes").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "homes"))
    return tmp_path / "homes"


def test_a_command_ends_with_its_caller(folder, namespaces, homes):
    caller = subprocess.Popen([sys.executable, "-c", textwrap.dedent("""
        import sys
        from unet_course.classroom.sandbox.limited import run_limited
        run_limited([sys.executable, "-c", "import time; time.sleep(1000)"], folder=sys.argv[1], seconds=500,
                    environment={"MARK": sys.argv[2]})
        """), folder, MARK], cwd=Path(limited.__file__).parents[3], env={**os.environ, "TMPDIR": str(homes)})
    until = time.monotonic() + 60
    while not left_behind() and time.monotonic() < until:
        time.sleep(0.1)
    assert left_behind() and list(homes.iterdir())
    caller.kill()
    caller.wait()
    while (left_behind() or list(homes.iterdir())) and time.monotonic() < until:
        time.sleep(0.1)
    assert left_behind() == [] and list(homes.iterdir()) == []


def test_a_command_ends_with_its_keeper(folder, namespaces, homes):
    ended = threading.Event()

    def end_the_keeper():
        while not ended.wait(0.1):
            for keeper in psutil.Process().children():
                if left_behind() and "sandbox/keeper.py" in " ".join(keeper.cmdline()):
                    keeper.kill()
                    return

    helper = threading.Thread(target=end_the_keeper)
    helper.start()
    result = run_limited(code("import time; time.sleep(1000)"), folder=folder, **SMALL)
    ended.set()
    helper.join()
    assert result.stopped_by == "keeper" and result.why == "ended the program that watched it"
    assert left_behind() == [] and list(homes.iterdir()) == []


@pytest.mark.skipif(not ROOT, reason="an ordinary user's processes are counted by the system")
def test_root_without_namespaces_is_refused(folder):
    with pytest.raises(RuntimeError, match="run it as an ordinary user"):
        run_limited(code(""), folder=folder, namespaces=False)


def test_a_mistake_of_the_caller_is_said(folder, namespaces):
    with pytest.raises(ValueError, match="memory is 0; wanted a positive number"):
        run_limited(code(""), folder=folder, memory=0)
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        run_limited(code(""), folder=folder / "nowhere")
    with pytest.raises(FileNotFoundError, match="'nothing-like-it' could not be started"):
        run_limited(["nothing-like-it"], folder=folder)
    assert run_limited(code("import sys; sys.exit(3)"), folder=folder).returncode == 3


WITHOUT = """
import json, os, sys, tempfile
sys.path.append(sys.argv[1])
import limited
results = {}
for what, (text, limits) in json.loads(sys.argv[2]).items():
    with tempfile.TemporaryDirectory() as folder:
        open(os.path.join(folder, "where"), "w").write(os.path.join(tempfile.gettempdir(), "outside"))
        r = limited.run_limited([sys.executable, "-I", "-S", "-c", text], folder=folder, namespaces=False,
                                environment={"MARK": sys.argv[3]}, **limits)
        results[what] = [r.stopped_by, r.stdout + r.stderr, r.limits]
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def without():
    """All of these by an ordinary user on a system that allows no namespaces: what is left are the watcher and ulimit."""
    python = "/usr/bin/python3" if ROOT else sys.executable  # root's own Python may be where nobody else can read
    if not Path(python).exists() or subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 10))"]).returncode:
        pytest.skip("there is no other Python for an ordinary user")
    texts = {what: (text, {**SMALL, **limits}) for what, (text, limits, _) in BAD.items()}
    texts |= {what: (text, {**SMALL, "disk": 10**7}) for what, (text, _) in HARMLESS.items()}
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        for name in ("limited", "keeper", "on_linux", "on_posix"):
            shutil.copy(Path(limited.__file__).with_name(f"{name}.py"), place)
        done = subprocess.run([python, "-c", WITHOUT, place, json.dumps(texts), MARK], cwd=place, capture_output=True, text=True,
                              **(dict(user=65534, group=65534, extra_groups=[]) if ROOT else {}))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("what", BAD)
def test_without_namespaces_the_watcher_stops_it(what, without):
    assert without[what][0] == BAD[what][2], without[what]
    assert "process ids" not in without[what][2] and left_behind() == []


@pytest.mark.parametrize("what", HARMLESS)
def test_without_namespaces_the_system_refuses_it(what, without):
    stopped_by, said, limits = without[what]
    assert HARMLESS[what][1] in said or (what == "the teacher's files" and "files" not in limits), said
