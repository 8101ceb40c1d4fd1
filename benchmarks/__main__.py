"""Measure the course beside its peers and write the report: ``python course.py bench [PART ...] [--quick]``.

Parts: importing, peers, floor, scaling, recipe, options, large. Without a name all run but `large`, which takes long; `report`
measures nothing and writes benchmarks/README.md again from what is stored. ``--quick`` tries every part in small and
stores nothing.
"""

import argparse
import importlib
import tempfile
import time
from pathlib import Path

from benchmarks.report import write_report
from benchmarks.storing import FOLDER, store

PARTS = ("importing", "peers", "floor", "scaling", "recipe", "options", "large")


def main(arguments=None):
    """Measure the parts one after the other; each is stored, and the report written, as soon as it is done."""
    parser = argparse.ArgumentParser(prog="python course.py bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} or report")
    parser.add_argument("--quick", action="store_true", help="try everything in small; nothing is stored")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.parts) - {*PARTS, "report"}
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)} and report")
    if chosen.quick:
        with tempfile.TemporaryDirectory() as folder:
            return run(chosen.parts or PARTS, Path(folder), quick=True)
    return run(chosen.parts or PARTS[:-1], FOLDER)


def run(parts, folder, quick=False):
    """Measure some parts into a folder."""
    for part in parts:
        if part != "report":
            start = time.perf_counter()
            print(f"{part} …", flush=True)
            result = importlib.import_module(f"benchmarks.{part}").main(quick=quick)
            store(part, {**result, "minutes": round((time.perf_counter() - start) / 60, 1), "quick": quick}, folder)
    print(f"written: {write_report(folder).name}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
