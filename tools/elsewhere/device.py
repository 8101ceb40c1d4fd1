"""Every notebook, and the tests of what touches a device, on a device that is not the CPU.

``python course.py device`` takes a stand-in in pure Python (see `tools.elsewhere.standin`), so that
a tensor which was made on the wrong device is found on a machine without a GPU.
``python course.py device 02 06`` runs these notebooks only, ``float32`` a device without float64,
``short`` with a few steps in each training: then what is printed is compared with nothing.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from tests.course.short import shortened

ROOT = Path(__file__).resolve().parents[2]
STARTUP = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from tools.elsewhere.standin import install
install()
"""


def notebooks(numbers=()):
    """The notebooks; with numbers, those of these."""
    found = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return [path for path in found if not numbers or path.name[:2] in numbers]


def short_copy(path, folder):
    """A notebook with short trainings, beside nothing: its path."""
    copy = folder / path.name
    nbformat.write(shortened(nbformat.read(path, as_version=4)), copy)
    return copy


def main(arguments):
    doubles, whole = "float32" not in arguments, "short" not in arguments
    chosen = notebooks([name for name in arguments if name not in ("float32", "short")])
    if not chosen:
        print("Wanted numbers of notebooks, such as 05.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        startup = Path(folder) / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "00-device.py").write_text(STARTUP, encoding="utf-8")
        surroundings = {**os.environ, "IPYTHONDIR": folder, "UNET_COURSE_PROGRESS": "off",
                        "UNET_COURSE_STANDIN": "" if doubles else "float32"}
        if not whole:
            chosen = [short_copy(path, Path(folder)) for path in chosen]
        # These in a process of their own: torch has to know of a device before its first backward.
        tests = [str(path.relative_to(ROOT)) for path in ROOT.glob("tests/tools/test_device.py")]
        command = [sys.executable, "-m", "pytest", "--nbval" if whole else "--nbval-lax",
                   "--nbval-cell-timeout=900", "-q", *(tests if doubles and whole else []), *map(str, chosen)]
        return subprocess.run(command, cwd=ROOT, env=surroundings).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
