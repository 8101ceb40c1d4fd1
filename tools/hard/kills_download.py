"""Kill downloads at random moments: after each, the same command again must give what an uninterrupted one gives.

``python -m tools.hard.kills_download 100`` prints what was counted.
"""

import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tools.hard.forks import Forks
from tools.hard.loopback import Loopback, set_of, small_bbbc039

MODULES = ["unet_course.data.downloads", "tools.hard.kills_download", "pooch", "requests", "tqdm.auto",
           "skimage.io", "skimage.measure", "PIL.PngImagePlugin", "PIL.TiffImagePlugin",
           "imageio.v3", "imageio.plugins.pillow", "tifffile"]


def kill_downloads(times, seed=0):
    """Kill a download `times` times, and finish each.

    Every other kill hits a download that goes on after an earlier kill.

    Parameters
    ----------
    times : int
        Kills that hit a running download.
    seed : int
        Of the moments.

    Returns
    -------
    dict
        ``kills``; how many hit it ``fetching``, ``unpacking``, ``arranging`` or ``named`` (the result has its name already);
        ``early_names``, where a result that was not complete had its final name; ``other_results``, where the same command
        again failed, or gave other names or bytes or left something behind; ``resumed``, how many of these asked the server
        for a part; ``cpu_seconds`` of all downloads.
    """
    draw, counts = random.Random(seed), dict.fromkeys(("kills", *PHASES, "early_names", "other_results", "resumed"), 0)
    archives, _ = small_bbbc039()
    sums = {name: sha256 for name, (_, sha256) in set_of("bbbc039", archives).archives.items()}
    files = {f"bbbc039/{name}": data for name, data in archives.items()}
    with tempfile.TemporaryDirectory() as place, Loopback(files) as server, Forks(MODULES) as forks:
        server.pause = 0.003
        place, args = Path(place), (server.url, sums)
        durations = []
        for number in range(4):
            begin = time.perf_counter()
            whole, code = finish(forks, place / f"whole{number}", args)
            if code:
                raise RuntimeError(f"a download that nobody killed ended with exit code {code}")
            durations.append(time.perf_counter() - begin)
        duration, wanted = statistics.median(durations[1:]), tree(whole)
        state = place / "state"
        while counts["kills"] < times:
            state.mkdir(exist_ok=True)
            forks.start("tools.hard.kills_download:one", str(state / "out"), *args)
            time.sleep(draw.uniform(0, duration))
            forks.kill()
            if forks.wait() == -9:
                counts["kills"] += 1
                counts[phase(state)] += 1
                counts["early_names"] += (state / "out").exists() and tree(state / "out") != wanted
                asked = len(server.asked)
                finished, code = finish(forks, shutil.copytree(state, place / "again"), args)
                counts["other_results"] += bool(code) or tree(finished) != wanted or os.listdir(finished.parent) != ["out"]
                counts["resumed"] += any(part for _, part in server.asked[asked:])
                shutil.rmtree(place / "again")
            if (state / "out").exists() or draw.random() < 0.5:
                shutil.rmtree(state)
        counts["cpu_seconds"] = round(forks.cpu_seconds, 1)
    return counts


PHASES = "fetching", "unpacking", "arranging", "named"


def phase(folder):
    """What a download was at when it was killed, by what it left behind."""
    if (folder / "out").exists():
        return "named"
    part = folder / "out.bbbc039.part"
    if (part / "ready").exists():
        return "arranging"
    return "unpacking" if (part / "masks.zip").exists() else "fetching"


def one(out, url, sums):
    """A download, in the process that is killed."""
    from unet_course.data import downloads
    from unet_course.data.downloads import download
    from unet_course.data.files.fetch import MIRROR

    os.environ |= {MIRROR: url, "NO_PROXY": "127.0.0.1"}
    archives = {name: (url, sha256) for name, sha256 in sums.items()}
    downloads.SETS["bbbc039"] = replace(downloads.SETS["bbbc039"], archives=archives)
    download("bbbc039", out, accept=True, progress=False)


def finish(forks, folder, args):
    """A download that nobody kills, into ``folder/out``; with its exit code."""
    folder.mkdir(exist_ok=True)
    forks.start("tools.hard.kills_download:one", str(folder / "out"), *args)
    return folder / "out", forks.wait()


def tree(folder):
    """The names and bytes of all files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


if __name__ == "__main__":
    print(kill_downloads(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
