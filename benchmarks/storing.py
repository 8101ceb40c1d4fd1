"""Where the results lie, and on what machine they were measured."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

from unet_course.data.files.saving import written

FOLDER = Path(__file__).resolve().parent


def write_atomically(path, content):
    """Write text or bytes beside the file's place, then rename: a run that is cut short leaves the old file."""
    with written(path) as beside:
        beside.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def store(part, result, folder=FOLDER):
    """Keep one part's result, with the machine it is from; no date, so that the same numbers are the same file."""
    text = json.dumps({"machine": machine(), **result}, indent=1, ensure_ascii=False)
    write_atomically(Path(folder) / "results" / f"{part}.json", text + "\n")


def stored(folder=FOLDER):
    """{part: result} of all that has been measured."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((Path(folder) / "results").glob("*.json"))}


def machine():
    """What a reader has to know about the computer to judge its seconds."""
    import torch

    from unet_course.inference.fast import has_bf16

    return {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": torch.get_num_threads(),
            "bf16": has_bf16(torch.device("cpu")),
            "system": platform.system(), "python": platform.python_version(), "torch": version("torch"),
            "numpy": version("numpy")}


def cpu_name():
    """The processor's name as its maker writes it; a cloud's name can be vague, so family and model stand with it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.exists() else []
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "model name" not in fields:
        return platform.processor() or platform.machine()
    family = f", family {fields['cpu family']} model {fields['model']}" if "cpu family" in fields else ""
    return fields["model name"] + family
