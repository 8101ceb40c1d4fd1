"""The gates: ``python course.py quick`` while you work, ``test`` on each change, ``full`` at night.

Each runs all of its parts, though one fails, and ends with a line for each. Names of parts choose
some of them: ``python course.py full browser oldest``. What the tests mark as ``full`` is left to
that gate; ``python -m pytest --nbval --collect-only -q -m full tests notebooks`` lists it.
"""

import os
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path, PurePosixPath

from tests.course.lab_server import CHROMIUM
from tools.elsewhere.versions import LONG, OTHERS, find_python

ROOT = Path(__file__).resolve().parent.parent
# Two workers; what stands in a file stays in one of them, and in order. The longest files come
# first, so that neither worker is left alone with one at the end.
PYTEST = ["-m", "pytest", "--nbval", "--nbval-cell-timeout=900", "-q"]
TWO = [*PYTEST, "-n2", "--dist=loadfile", "--no-loadscope-reorder"]
DEVICE = ("05", "14")  # the notebooks that run strictly on the second device
SHORT = ["-m", "not full"]
WHOLE = ["--durations=80"]  # a night's run says where its time went
LIMITS = {"quick": 4, "test": 30, "full": 90}  # CPU minutes: other work does not lengthen them
CORE = ["blocks", "unet", "core"]  # what quick tries where nothing has changed
RECORD = "build/full.txt"  # the commit on which all of `full` has passed here; a release asks for it
Part = namedtuple("Part", "name command missing", defaults=[""])  # missing: why it cannot run here


def everything():
    """What pytest is given: the notebooks, the longest first; the tests; the Chinese notebooks.

    Code and outputs of a Chinese notebook are the English ones, as test_translate.py proves cell by
    cell: one changed sign in either fails. So those that train or take whole images do so once, in
    English. What `language("zh")` changes while a notebook runs, which is what checks, guesses and
    alt texts say, the others run with; and test_bank.py says each hint in Chinese.
    """
    english = sorted(path.name for path in ROOT.glob("notebooks/*.ipynb"))
    english.sort(key=lambda name: name[:2] not in LONG)
    chinese = sorted(path.name for path in ROOT.glob("notebooks/zh/*.ipynb"))
    return [*(f"notebooks/{name}" for name in english), "tests", "unet_course",
            *(f"notebooks/zh/{name}" for name in chinese if name[:2] not in LONG)]


def picking():
    """The numbers of the notebooks that pick a device."""
    return sorted(path.name[:2] for path in ROOT.glob("notebooks/*.ipynb")
                  if "pick_device()" in path.read_text(encoding="utf-8"))


def changed():
    """The paths that differ from the last commit; None where there is no git, or no clone."""
    found = []
    for command in (["diff", "--name-only", "--relative", "-z", "HEAD"],
                    ["ls-files", "--others", "--exclude-standard", "-z"]):
        try:
            done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, check=True,
                                  encoding="utf-8")
        except (OSError, subprocess.CalledProcessError):
            return None
        found += filter(None, done.stdout.split("\0"))
    return found


def chosen(paths, root=ROOT):
    """The tests, doctests and notebooks of changed files; of a room of the package all tests."""
    found = []
    for path in map(PurePosixPath, paths):
        of_tests, of_package = path.parts[0] == "tests", path.parts[0] == "unet_course"
        if path.suffix == ".ipynb" or of_package and path.suffix == ".py":
            found.append(root / path)
        if of_tests and path.match("test_*.py"):
            found.append(root / path)
        elif of_package and len(path.parts) > 2 and (root / "tests" / path.parts[1]).is_dir():
            found.append(root / "tests" / path.parts[1])
        elif path.suffix == ".py":
            found += sorted(root.glob(f"tests/**/test_{path.stem}.py"))
    names = [path.relative_to(root).as_posix() for path in dict.fromkeys(found) if path.exists()]
    # Tests first: pytest imports a module that is named anew, and its room then lacks what it had.
    return sorted(names, key=lambda name: name.startswith("unet_course"))


def find(name):
    """The file of tests of this name, in whatever room it is: a list, of one or none."""
    return [path.relative_to(ROOT).as_posix() for path in ROOT.glob(f"tests/**/test_{name}.py")]


def network():
    """Whether pip can reach where it installs from."""
    ask = ["install", "-q", "--dry-run", "--no-deps", "--ignore-installed", "--retries=0", "pip"]
    return subprocess.run([sys.executable, "-m", "pip", *ask], capture_output=True).returncode == 0


def quick():
    layers, paths = find("layers"), changed()
    if paths is None:
        print("No git here to say what has changed; with it: python course.py quick", flush=True)
    found = chosen(paths or []) or [path for name in CORE for path in find(name)]
    second = [path for path in everything() if path.startswith("notebooks/02")]
    return [Part("lint", ["-m", "ruff", "check", "."]),
            Part("contract", [*PYTEST, *layers], "" if layers else "there is no test_layers.py"),
            Part("tests", [*TWO, *SHORT, *dict.fromkeys([*second, *found])])]


def test(select=SHORT):
    browser = find("browser")  # alone: it waits for pages
    apart = [*browser, *find("device")]  # the device's tests run with it, in a process of their own
    others = [*(f"--ignore={path}" for path in apart), *everything()]
    missing = "" if CHROMIUM else "there is no Chromium"
    return [Part("lint", ["-m", "ruff", "check", "."]), Part("tests", [*TWO, *select, *others]),
            Part("device", ["-m", "tools.elsewhere.device", *DEVICE]),
            Part("browser", [*PYTEST, *select, *browser], missing)]


def full():
    parts, reached = test(WHOLE), network()
    # As on an Apple GPU: a device without float64. What a training comes to is compared elsewhere.
    parts.append(Part("float32", ["-m", "tools.elsewhere.device", "float32", "short", *picking()]))
    parts.append(Part("bioimage", ["-m", "tools.elsewhere.bioimage"],
                      "" if reached or (ROOT / ".venv-bioimage").exists() else "there is no network"))
    # A newer Python than this one takes the newest packages: that is `newest`, too.
    newer = [name for name in OTHERS if int(name[2:]) > sys.version_info.minor and find_python(name)]
    for name in ("oldest", *([] if newer else ["newest"]), *OTHERS):
        missing = "" if reached or (ROOT / f".venv-{name}").exists() else "there is no network"
        if name in OTHERS and not find_python(name):
            missing = f"there is no Python {name}"
        parts.append(Part(name, ["-m", "tools.elsewhere.versions", name], missing))
    return parts


def follow(command):
    """Run a part to its end: its exit code, 130 if it was interrupted."""
    threads = {"OMP_NUM_THREADS": "1"} if "-n2" in command else {}  # two workers, two cores
    child = subprocess.Popen([sys.executable, *command], cwd=ROOT, env={**os.environ, **threads})
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.wait()  # it has heard it too
        return 130


def run(gate, parts):
    """Run every part, then say of each how it went; 0 if none failed."""
    lines, codes, used = [], [], 0
    for part in parts:
        if part.missing:
            lines.append(f"{part.name:9} skipped: {part.missing}; "
                         f"with it: python course.py {gate} {part.name}")
            continue
        print("> python", *part.command, flush=True)
        clock, before = time.monotonic(), os.times()
        code = follow(part.command)
        after = os.times()
        cpu = sum(after[2:4]) - sum(before[2:4])  # of the children; Windows counts none
        used += cpu
        codes.append(code)
        lines.append(f"{part.name:9} {'FAILED' if code else 'passed'} {cpu / 60:6.1f} CPU minutes, "
                     f"{(time.monotonic() - clock) / 60:5.1f} by the clock")
        if code == 130:
            break
    total = f"{gate}: {used / 60:.1f} CPU minutes, of {LIMITS[gate]} at most"
    print("", total, *lines, sep="\n", flush=True)
    return 130 if 130 in codes else int(any(codes))


def committed():
    """The commit that this tree is, or None if something in it is not committed."""
    if changed() != []:
        return None
    return subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=True,
                          encoding="utf-8").stdout.strip()


def record(commit, parts):
    """Write down on which commit everything has passed, and what could not run here."""
    skipped = [f"skipped: {part.name}, {part.missing}" for part in parts if part.missing]
    (ROOT / RECORD).parent.mkdir(exist_ok=True)
    (ROOT / RECORD).write_text("\n".join([commit, *skipped, ""]), encoding="utf-8")


GATES = {"quick": quick, "test": test, "full": full}


def main(arguments):
    if not arguments or arguments[0] not in GATES:
        print(f"Wanted one of: {', '.join(GATES)}.", file=sys.stderr)
        return 2
    gate, *names = arguments
    parts = GATES[gate]()
    if unknown := set(names) - {part.name for part in parts}:
        print(f"{gate} has no part {', '.join(sorted(unknown))}. There are: "
              f"{', '.join(part.name for part in parts)}.", file=sys.stderr)
        return 2
    before = committed() if gate == "full" and not names else None
    code = run(gate, [part for part in parts if not names or part.name in names])
    if code == 0 and before and before == committed():
        record(before, parts)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
