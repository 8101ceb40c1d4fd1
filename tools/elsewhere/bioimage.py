"""A BioImage.IO package of the course, run by bioimageio.core, in `.venv-bioimage`.

Run it as ``python course.py full bioimage``. bioimageio.core brings pandas, xarray and the decoders of imagecodecs, without
which the other tests have to pass.
"""

import subprocess
import sys

from tools.elsewhere.beside import ROOT, environment
from tools.elsewhere.versions import surroundings

TEST = ["-m", "pytest", "-q", "-n0", "tests/own_data/test_field.py", "-k", "bioimageio_core"]


def main():
    python = environment(".venv-bioimage", ["bioimageio.core"], "-c", "constraints.txt")
    for command in (["-c", "import bioimageio.core"], TEST):  # where it is missing, the test is skipped
        if code := subprocess.run([python, *command], cwd=ROOT, env=surroundings()).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
