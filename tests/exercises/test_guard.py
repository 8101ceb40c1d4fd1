"""An answer that never ends or takes all memory is stopped and told so; nothing is left behind."""

import builtins
import importlib
import io
import json
import linecache
import math
import os
import random
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unet_course import ConvBlock
from unet_course.exercises import Exercise, check, core, guard, nb07

LINUX = sys.platform.startswith("linux")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(Exercise.try_on, "__defaults__", (0.3,))
    monkeypatch.setattr(guard.within_time.__wrapped__, "__defaults__", (0.3, 1.0))


def never_ends(*arguments):
    while True:
        pass


def catches_everything(*arguments):
    while True:
        try:
            time.process_time()
        except BaseException:
            pass


def sleeps(*arguments):
    time.sleep(3600)


def computes_for_ever(*arguments):
    x = torch.rand(64, 64)
    while True:
        x = (x @ x).softmax(0)


def waits_in_a_generator(*arguments):
    return sum(1 for _ in iter(int, 1))


# Python 3.10 looks for signals inside of `try` only, when a loop begins with it
unstoppable = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 cannot stop it")


@pytest.mark.parametrize("answer", [never_ends, pytest.param(catches_everything, marks=unstoppable), sleeps,
                                    computes_for_ever, waits_in_a_generator])
@pytest.mark.parametrize("id", ["1.2", "4.2", "7.1"])
def test_an_answer_that_never_ends_is_stopped(id, answer, impatient):
    handler, start = signal.getsignal(signal.SIGINT), time.process_time()
    report = check(id, answer)
    assert report.status == "hint" and "still running" in report.hints[0] and len(report.hints) == 1
    assert time.process_time() - start < 10
    assert signal.getsignal(signal.SIGINT) is handler and threading.active_count() < 20


def test_it_works_in_another_thread(impatient):
    reports = []
    thread = threading.Thread(target=lambda: reports.append(check("7.1", never_ends)))
    thread.start()
    thread.join(120)
    assert "still running" in reports[0].hints[0]


def test_time_is_that_of_the_processor(impatient, monkeypatch):
    """A wait that is shorter than the clock's limit is no fault."""
    monkeypatch.setattr(guard.within_time.__wrapped__, "__defaults__", (0.3, 60.0))
    def slow(prediction, target):
        time.sleep(0.05)
        areas = prediction.sum() + target.sum()
        return 2 * (prediction & target).sum() / areas if areas else 1.0
    check("7.1", slow).require()


def test_an_interrupt_by_the_user_is_no_hint():
    def interrupted(*arguments):
        signal.raise_signal(signal.SIGINT)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, a shell has it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            check("7.1", interrupted)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not LINUX or torch.cuda.is_available(), reason="the system keeps no such limit")
@pytest.mark.parametrize("answer", [lambda *a: torch.ones(100 * 2**30, dtype=torch.uint8), lambda *a: np.ones(10**11),
                                    lambda *a: bytearray(10**11), lambda *a: torch.zeros(10**6, 10**6).sum()])
@pytest.mark.parametrize("id", ["4.2", "7.1"])
def test_an_answer_that_takes_all_memory_is_stopped(id, answer):
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    report = check(id, answer)
    assert report.status == "hint" and "GB of memory" in report.hints[0]
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert torch.ones(1000, 1000).sum() == 1e6


@pytest.mark.full
@pytest.mark.skipif(not LINUX or torch.cuda.is_available(), reason="the system keeps no such limit")
def test_a_list_that_grows_for_ever_is_stopped():
    def grows(*arguments):
        kept = []
        while True:
            kept.append(bytearray(200 * 2**20))
    report = check("7.1", grows)
    assert report.status == "hint"
    assert "GB of memory" in report.hints[0] or "still running" in report.hints[0]  # on a slow machine, time is over first


@pytest.mark.parametrize("in_main", [True, False])
def test_an_import_is_not_stopped_half_way(tmp_path, monkeypatch, in_main):
    """torch loads parts of itself when they are first used; half a package could not be loaded again."""
    package = tmp_path / f"slow_{in_main}"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import sys, time\nfrom .part import value\nend = time.process_time() + 1\nwhile time.process_time() < end: pass\n"
        "whole = sys.modules[__name__].part.value\n")
    (package / "part.py").write_text("value = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    reports = []

    def tries():
        def answer(probabilities):
            importlib.import_module(package.name)
            while True:
                pass
        reports.append(Exercise.registry["0.1"].try_on(answer, cpu_seconds=0.2))

    if in_main:
        tries()
    else:
        thread = threading.Thread(target=tries)
        thread.start()
        thread.join()
    assert "was stopped" in reports[0].hints[0] and importlib.import_module(package.name).whole


# --- what an answer leaves behind ---


def dice(prediction, target):
    areas = prediction.sum() + target.sum()
    return 2 * (prediction & target).sum() / areas if areas else 1.0


def leaving(mess):
    """A right answer to 7.1 that leaves something behind."""

    def answer(prediction, target):
        result = dice(prediction, target)
        mess()
        return result

    return answer


def handles(number, frame):
    pass


SETTINGS = {
    "folder": (os.getcwd, lambda: os.chdir("/")),
    "a variable added": (lambda: dict(os.environ), lambda: os.environ.update(UNET_COURSE_LEFT="x")),
    "a variable removed": (lambda: dict(os.environ), lambda: os.environ.pop("PATH", None)),
    "another home": (lambda: os.environ.get("HOME"), lambda: os.environ.update(HOME="/nowhere")),
    "where modules are": (lambda: [*sys.path], lambda: sys.path.insert(0, "/nowhere")),
    "recursion": (sys.getrecursionlimit, lambda: sys.setrecursionlimit(12345)),
    "device": (torch.get_default_device, lambda: torch.set_default_device("meta")),
    "no device was ever set": (
        lambda: getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None),
        lambda: torch.set_default_device("cpu:0"),
    ),
    "dtype": (torch.get_default_dtype, lambda: torch.set_default_dtype(torch.float64)),
    "gradients": (torch.is_grad_enabled, lambda: torch.set_grad_enabled(False)),
    "threads": (torch.get_num_threads, lambda: torch.set_num_threads(3)),
    "deterministic": (
        torch.are_deterministic_algorithms_enabled,
        lambda: torch.use_deterministic_algorithms(True),
    ),
    "warn only": (
        torch.is_deterministic_algorithms_warn_only_enabled,
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    ),
    "benchmark": (
        lambda: torch.backends.cudnn.benchmark,
        lambda: setattr(torch.backends.cudnn, "benchmark", True),
    ),
    "cudnn": (
        lambda: torch.backends.cudnn.deterministic,
        lambda: setattr(torch.backends.cudnn, "deterministic", True),
    ),
    "anomaly": (torch.is_anomaly_enabled, lambda: torch.autograd.set_detect_anomaly(True)),
    "numpy's errors": (np.geterr, lambda: np.seterr(all="ignore")),
    "warnings": (lambda: [*warnings.filters], lambda: warnings.simplefilter("always")),
    "random": (random.getstate, lambda: random.seed(1)),
    "numpy's random": (lambda: str(np.random.get_state()), lambda: np.random.seed(1)),
    "stdout": (lambda: sys.stdout, lambda: setattr(sys, "stdout", io.StringIO())),
    "stderr": (lambda: sys.stderr, lambda: setattr(sys, "stderr", None)),
    "behaviours": (
        lambda: [*Exercise.registry["7.1"].behaviours],
        lambda: Exercise.registry["7.1"].behaviours.clear(),
    ),
    "other behaviours": (
        lambda: Exercise.registry["4.2"].behaviours,
        lambda: setattr(Exercise.registry["4.2"], "behaviours", []),
    ),
    "exercises": (lambda: dict(Exercise.registry), Exercise.registry.clear),
}
if hasattr(signal, "SIGALRM"):
    SETTINGS |= {
        "alarm": (lambda: signal.getitimer(signal.ITIMER_REAL)[0], lambda: signal.alarm(1000)),
        "timer": (
            lambda: signal.getitimer(signal.ITIMER_VIRTUAL)[0],
            lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 1000),
        ),
        "what an alarm does": (
            lambda: signal.getsignal(signal.SIGALRM),
            lambda: signal.signal(signal.SIGALRM, handles),
        ),
        "what Ctrl-C does": (
            lambda: signal.getsignal(signal.SIGINT),
            lambda: signal.signal(signal.SIGINT, handles),
        ),
    }


@pytest.mark.parametrize("what", SETTINGS)
def test_what_an_answer_sets_is_put_back(what):
    read, mess = SETTINGS[what]
    before = read()
    report = check("7.1", leaving(mess))
    assert (
        report.status == "passed" or what == "device"
    )  # the second call finds meta tensors, and stops
    assert read() == before
    report = check("7.1", leaving(lambda: (mess(), 1 / 0)))  # also where it stops
    assert "ZeroDivisionError" in report.hints[0] and read() == before and len(report.hints) > 1


def test_what_was_set_before_stays_set():
    def empty():
        pass

    torch.set_default_device("meta")
    try:
        with guard.put_back():
            torch.set_default_device("cpu")
        assert torch.get_default_device().type == "meta"
    finally:
        guard._set_device(torch.device("cpu"))
    if hasattr(signal, "SIGALRM"):
        signal.alarm(1000)
        try:
            check("7.1", leaving(empty)).require()
            assert 900 < signal.getitimer(signal.ITIMER_REAL)[0] < 1000
            check("7.1", leaving(lambda: signal.setitimer(signal.ITIMER_PROF, 1000))).require()
            assert 900 < signal.getitimer(signal.ITIMER_REAL)[0] < 1000
            assert signal.getitimer(signal.ITIMER_PROF)[0] == 0
        finally:
            signal.alarm(0)


def test_a_warning_instead_of_an_error_stays_one():
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        check("7.1", leaving(lambda: torch.use_deterministic_algorithms(False))).require()
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_folder_that_is_gone_is_no_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    check("7.1", dice).require()


def anything(*arguments, **options):
    return True


REPLACED = {
    "builtins.print": (builtins, "print"),
    "builtins.sum": (builtins, "sum"),
    "builtins.len": (builtins, "len"),
    "builtins.callable": (builtins, "callable"),
    "builtins.isinstance": (builtins, "isinstance"),
    "torch.equal": (torch, "equal"),
    "torch.allclose": (torch, "allclose"),
    "torch.nn.functional.conv2d": (F, "conv2d"),
    "torch.Tensor.split": (torch.Tensor, "split"),
    "torch.nn.modules.module.Module.__call__": (torch.nn.Module, "__call__"),
    "numpy.allclose": (np, "allclose"),
    "math.sqrt": (math, "sqrt"),
    "time.process_time": (time, "process_time"),
    "unet_course.exercises.core.expect": (core, "expect"),
    "unet_course.exercises.nb07.call": (nb07, "call"),
    "unet_course.exercises.core.Exercise.try_on": (Exercise, "try_on"),
    "unet_course.blocks.ConvBlock.forward": (ConvBlock, "forward"),
}


@pytest.mark.parametrize("name", REPLACED)
def test_a_function_that_others_use_is_put_back_and_said(name):
    holder, attribute = REPLACED[name]
    before = vars(holder)[attribute]
    report = check("7.1", leaving(lambda: setattr(holder, attribute, anything)))
    assert vars(holder)[attribute] is before
    assert report.status == "hint" and (
        name in report.hints[0] or attribute in ("len", "isinstance", "callable")
    )  # the check itself may stop first


def test_a_method_set_on_tensors_is_taken_off_again():
    """flip is a tensor's by way of another class: what is set here hides it."""
    assert "flip" not in vars(torch.Tensor)
    report = check("7.1", leaving(lambda: setattr(torch.Tensor, "flip", anything)))
    assert "flip" not in vars(torch.Tensor) and "torch.Tensor.flip" in report.hints[0]


def test_a_builtin_that_was_removed_is_there_again():
    report = check("7.1", leaving(lambda: delattr(builtins, "sorted")))
    assert sorted([2, 1]) == [1, 2] and "builtins.sorted" in report.hints[0]


def test_a_check_does_not_believe_what_an_answer_replaced():
    def cheats(*arguments):
        core.expect = nb07.expect = nb07.close = lambda *a, **k: None
        return 17

    assert check("7.1", cheats).status == "hint" and check("7.1", lambda *a: 17).status == "hint"

    def clears(*arguments):
        Exercise.registry["7.1"].behaviours.clear()
        return 17

    assert len(check("7.1", clears).failed) == len(check("7.1", lambda *a: 17).failed) > 1


def test_what_torch_replaces_is_not_the_answers():
    """torch.manual_seed, once its compiler is imported; the step of an optimiser that is made."""
    before = torch.manual_seed
    try:
        check("7.1", leaving(lambda: setattr(torch, "manual_seed", anything))).require()
    finally:
        torch.manual_seed = before

    class Steps(torch.optim.SGD):
        pass

    Steps.__module__ = nb07.__name__
    nb07.Steps = Steps
    try:
        check("7.1", leaving(lambda: Steps([torch.zeros(1, requires_grad=True)]))).require()
        assert Steps.step.hooked
    finally:
        del nb07.Steps


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no system that forks")
@pytest.mark.parametrize(
    "end",
    [
        lambda child: None,
        lambda child: 1 / 0 if child == 0 else None,
        lambda child: sys.exit(3) if child == 0 else None,
    ],
)
def test_a_child_of_an_answer_does_not_go_on_here(end, tmp_path):
    came_back, once = tmp_path / "came back", iter([True])

    def forks(prediction, target):
        if next(once, False):  # a check calls it many times, and a large process takes long to fork
            child = os.fork()
            end(child)
            if child:
                os.waitpid(child, 0)
        return dice(prediction, target)

    here = os.getpid()
    try:
        report = check("7.1", forks)
    finally:
        if os.getpid() != here:
            came_back.touch()
            os._exit(1)
    report.require()
    assert not came_back.exists()


def test_what_is_being_put_back_is_not_interrupted(impatient):
    """A setting that takes longer to put back than the answer has time."""
    done = []

    def slowly(before):
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            pass
        done.append(before)

    with pytest.raises(guard.TooLong):
        with guard.within_time(0.2, 60), guard.put_back(("a slow one", lambda: len(done), slowly)):
            done.append("a mess")
            never_ends()
    assert done == ["a mess", 0]


def test_without_threads_a_check_works_and_time_is_not_limited(monkeypatch, impatient):
    def no_start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_start)
    before = signal.getsignal(signal.SIGINT)
    check("7.1", dice).require()
    assert check("7.1", lambda *a: 17).status == "hint" and check("7.1").status == "not attempted"
    assert signal.getsignal(signal.SIGINT) is before

    def takes_longer(prediction, target):
        end = time.process_time() + 0.35
        while time.process_time() < end:
            pass
        return dice(prediction, target)

    Exercise.registry["7.1"].behaviours[0](takes_longer)
    with guard.within_time(0.05):
        takes_longer(torch.ones(2, dtype=torch.bool), torch.ones(2, dtype=torch.bool))


# --- whose error it is ---


def caught(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return guard.of_the_answer(error)


def test_the_line_is_the_innermost_one_of_the_answer():
    cell = "def half(x):\n    return x / 0\n\ndef mine(x):\n    y = half(x)\n    return y\n"
    name = "/tmp/ipykernel_7/123.py"
    space = {}
    exec(compile(cell, name, "exec"), space)
    assert caught(space["mine"], 1) == (2, "", "")  # nobody has kept its text
    linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
    try:
        assert caught(space["mine"], 1) == (2, "", "return x / 0")
    finally:
        del linecache.cache[name]


def test_the_line_of_a_file_is_said_with_its_name():
    number, file, text = caught(lambda: torch.zeros(2) @ torch.zeros(3))
    assert (
        file == "test_guard.py" and text.startswith("number, file, text = caught(") and number > 200
    )


@pytest.mark.parametrize(
    "function, arguments",
    [
        (torch.nn.Conv2d(1, 1, 3), (torch.zeros(2),)),
        (np.linalg.inv, (np.zeros((2, 2)),)),
        (ConvBlock(1, 1), (3,)),
        (json.loads, ("{",)),
        (importlib.import_module, ("no_such_module_at_all",)),
    ],
)
def test_an_error_of_others_is_no_line_of_the_answer(function, arguments):
    def catch():
        try:
            function(*arguments)
        except Exception as error:
            return error

    error = catch()
    error.__traceback__ = error.__traceback__.tb_next  # without this file's own line
    assert guard.of_the_answer(error) is None
