"""`python -m unet_course doctor`: would the course run here? One line each, and what to do where something is off."""

import ctypes
import importlib
import importlib.metadata
import os
import re
import sys

GIGABYTE = 2**30


def examine():
    """Look at everything that the course needs.

    Returns
    -------
    list of (str, str, str)
        What was looked at, what was found, and what to do about it ("" if it is in order). An advice that begins with
        "(" does not keep the course from running.
    """
    looks = [_python, *(_package(line) for line in _requirements()), _device, _forward, _memory, _data, _weights, _lab]
    found = []
    for look in looks:
        try:
            found.append(look())
        except Exception as error:  # a doctor that falls ill helps nobody
            name = look.__name__.strip("_")
            found.append((name, f"{type(error).__name__}: {error}", "install the course again: pip install -e '.[lab]'"))
    return found


def report():
    """Print the findings; return 0 if the course would run, else 1."""
    found = examine()
    width = max(len(name) for name, _, _ in found)
    for name, value, advice in found:
        print(f"{'ok' if not advice else '--' if advice.startswith('(') else '!!'}  {name:{width}}  {value}"
              + (f"  → {advice.strip('()')}" if advice else ""))
    bad = sum(bool(advice) and not advice.startswith("(") for _, _, advice in found)
    print("The course runs here." if not bad else f"{bad} thing{'s' * (bad > 1)} to mend before the course runs.")
    return int(bad > 0)


def _python():
    version = ".".join(map(str, sys.version_info[:3]))
    return "Python", version, "" if sys.version_info >= (3, 10) else "install Python 3.10 or newer"


def _requirements():
    """The runtime requirements, as the installed package states them for this Python."""
    try:
        from packaging.requirements import Requirement

        lines = importlib.metadata.requires("unet-course") or []
        markers = [Requirement(line).marker for line in lines]
        return [line for line, marker in zip(lines, markers) if marker is None or marker.evaluate({"extra": ""})]
    except ImportError:  # of packaging, or of the course's own papers
        return ["torch", "numpy", "matplotlib", "scikit-image", "scipy", "tifffile", "ipywidgets",
                "tqdm", "pooch", "filelock"]


def _package(line):
    name, bound = re.match(r"([\w.-]+)\s*(?:>=\s*([\d.]+))?", line).groups()

    def look():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return name, "missing", f"pip install '{line.strip()}'"
        old = bound and _numbers(version) < _numbers(bound)
        return name, version, f"pip install --upgrade '{name}>={bound}'" if old else ""

    look.__name__ = name
    return look


def _numbers(version):
    return [int(part) for part in re.findall(r"\d+", version.split("+")[0])[:3]]


def _device():
    import torch

    from unet_course.inference.prediction import pick_device

    device = pick_device()
    what = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    return "device", f"{device.type} ({what})", ""


def _forward():
    import torch

    from unet_course.unet import UNet

    shape = tuple(UNet(channels=(4, 8))(torch.zeros(2, 1, 9, 7)).shape)
    return "a small U-Net", f"9×7 in, {shape[2]}×{shape[3]} out", "" if shape == (2, 2, 9, 7) else "install torch again"


def _memory():
    free = _free_memory()
    if free is None:
        return "memory", "unknown", ""
    advice = "(close other programs: training takes about 1 GB)" if free < 2 * GIGABYTE else ""
    return "memory", f"{free / GIGABYTE:.1f} GB free", advice


def _free_memory():
    if os.name == "nt":
        class Status(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
                (name, ctypes.c_ulonglong) for name in ("total", "free", "d", "e", "f", "g", "h")]

        status = Status()
        status.length = ctypes.sizeof(Status)
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return status.free
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # macOS does not tell
        return None


def _data():
    from unet_course.data.nuclei import verify_data

    problems = [text for _, text in verify_data() if text]
    return "data", f"{len(problems)} files damaged" if problems else "checksums right", problems[0] if problems else ""


def _weights():
    from unet_course.training.checkpoints import load_pretrained

    count = sum(p.numel() for p in load_pretrained().parameters())
    return "trained weights", f"{count:,} parameters", ""


def _lab():
    try:
        return "JupyterLab", importlib.metadata.version("jupyterlab"), ""
    except importlib.metadata.PackageNotFoundError:
        return "JupyterLab", "missing", "(pip install jupyterlab, unless you work in Colab or another notebook program)"
