"""Every notebook, and the tests of what touches a device, on a device that is not the CPU.

``python course.py device`` takes a stand-in in pure Python (see `tools.elsewhere.standin`), so that
a tensor which was made on the wrong device is found on a machine without a GPU.
``python course.py device 02 06`` runs these notebooks only, ``float32`` a device without float64.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

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


def main(arguments):
    doubles = "float32" not in arguments
    chosen = notebooks([name for name in arguments if name != "float32"])
    if not chosen:
        print("Wanted numbers of notebooks, such as 05.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        startup = Path(folder) / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "00-device.py").write_text(STARTUP, encoding="utf-8")
        surroundings = {**os.environ, "IPYTHONDIR": folder, "UNET_COURSE_PROGRESS": "off",
                        "UNET_COURSE_STANDIN": "" if doubles else "float32"}
        # These in a process of their own: torch has to know of a device before its first backward.
        tests = [str(path.relative_to(ROOT)) for path in ROOT.glob("tests/tools/test_device.py")]
        command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-cell-timeout=900", "-q",
                   *(tests if doubles else []), *(f"notebooks/{path.name}" for path in chosen)]
        return subprocess.run(command, cwd=ROOT, env=surroundings).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
