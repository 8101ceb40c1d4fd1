"""An answer that never ends or takes all memory is stopped and told so; nothing is left behind."""

import importlib
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch

from unet_course.exercises import Exercise, check, guard

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


@pytest.mark.parametrize("answer", [never_ends, catches_everything, sleeps, computes_for_ever, waits_in_a_generator])
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
