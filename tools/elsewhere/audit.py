"""Known holes in the packages that the course runs on: ``python course.py audit``.

Without a network: whether the installed packages fit together, whether their files are those that their makers listed, and
whether one is older than the repair of a hole that is written down here. With one: pip-audit asks PyPI's list of known
holes. Where that list cannot be reached, this is said.
"""

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.elsewhere.beside import environment

# package: (repaired in, hole). Gathered by hand where the course meets foreign files and pages; far from complete.
REPAIRED = {
    "torch": ("2.6.0", "CVE-2025-32434: torch.load runs code in spite of weights_only=True"),
    "pillow": ("10.3.0", "CVE-2024-28219: a buffer overflow"),
    "tornado": ("6.5", "CVE-2025-47287: a log that can be flooded"),
    "jupyterlab": ("4.2.5", "CVE-2024-43805: a notebook's text that acts in the reader's name"),
    "jupyter-server": ("2.14.1", "CVE-2024-35178: a password's hash, on Windows"),
    "jupyter-core": ("5.8.1", "CVE-2025-30167: settings of another user, on Windows"),
    "nbconvert": ("6.5.1", "CVE-2021-32862: pages that run a notebook's scripts"),
    "jinja2": ("3.1.6", "CVE-2025-27516: templates that leave their sandbox"),
    "mistune": ("2.0.3", "CVE-2022-34749: a text that takes for ever"),
    "h11": ("0.16.0", "CVE-2025-43859: two readings of one request"),
    "requests": ("2.32.4", "CVE-2024-47081: passwords that go to another host"),
    "urllib3": ("2.5.0", "CVE-2025-50181: redirections that cannot be switched off"),
    "certifi": ("2024.7.4", "CVE-2024-39689: a certificate that is trusted no longer"),
    "idna": ("3.7", "CVE-2024-3651: a name that takes for ever"),
}


def main(arguments=()):
    """Print what each look has found; 0 if none found anything, 1 if one did, with --strict 2 if one could not look."""
    found, blind = [], False
    for title, look in LOOKS.items():
        try:
            problems, said = look()
        except Unreachable as error:
            blind = True
            print(f"{title}: not checked, {error}")
            continue
        found += problems
        print(f"{title}: {said}", *problems[:50], sep="\n  ", flush=True)
    return 1 if found else 2 if blind and "--strict" in arguments else 0


class Unreachable(Exception):
    """A look that could not be taken."""


def fit_together():
    """What pip says of the requirements of the installed packages."""
    done = subprocess.run([sys.executable, "-m", "pip", "check", "--disable-pip-version-check"], capture_output=True,
                          text=True)
    problems = done.stdout.splitlines() if done.returncode else []
    return problems, f"{len(problems)} do not" if problems else "all do"


def installed():
    """{name: distribution} of what is installed beside the course."""
    return {canonicalize_name(one.metadata["Name"]): one for one in distributions() if one.metadata["Name"] != "unet-course"}


def changed_files(packages=None):
    """Compare every file of the installed packages with the checksum that came with it."""
    problems, number = [], 0
    for one in installed().values() if packages is None else packages:
        for name, listed, _ in csv.reader(io.StringIO(one.read_text("RECORD") or "")):
            if listed:
                number += 1
                if not same(Path(one.locate_file(name)), listed):
                    problems.append(f"{one.metadata['Name']}: {name}")
    return problems, f"{len(problems)} of {number} files are others" if problems else f"{number} files"


def same(path, listed):
    """Whether a file has a checksum as a RECORD writes it: ``sha256=`` and base64 without its end.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a"
    ...     _ = path.write_bytes(b"")
    ...     same(path, "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"), same(path, "sha256=x")
    (True, False)
    """
    kind, _, wanted = listed.partition("=")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, kind) if hasattr(hashlib, "file_digest") else hashlib.new(kind, file.read())
    except OSError:
        return False
    return base64.urlsafe_b64encode(found.digest()).rstrip(b"=").decode() == wanted


def known_holes(versions=None):
    versions = {name: one.version for name, one in installed().items()} if versions is None else versions
    problems = [f"{name} {versions[name]}: {hole}; wanted {repaired} or newer" for name, (repaired, hole) in REPAIRED.items()
                if name in versions and Version(versions[name]) < Version(repaired)]
    return problems, f"{len(problems)} of {len(REPAIRED)} are open" if problems else f"none of {len(REPAIRED)} is open"


def published_holes(ask=None):
    """What pip-audit hears of the installed versions."""
    text = (ask or pip_audit)()
    try:
        packages = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (text.strip().splitlines() or ["it said nothing"])[-1][:120]
        raise Unreachable(f"for there is no network, or pip-audit failed ({last})") from None
    heard = [one for one in packages if "skip_reason" not in one]
    if not heard:
        raise Unreachable(f"for PyPI did not answer: pip-audit skipped all of {len(packages)} packages")
    problems = [f"{one['name']} {one['version']}: {hole['id']}; repaired in {', '.join(hole['fix_versions']) or 'no version'}"
                for one in heard for hole in one["vulns"]]
    left = f", {len(packages) - len(heard)} not checked" if len(heard) < len(packages) else ""
    return problems, f"{len(problems)} in {len(heard)} packages{left}"


def pip_audit():
    """Run pip-audit in an environment of its own; what it printed."""
    python = environment(".venv-audit", ["pip-audit"], sees_course=False)
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "installed.txt"
        listed.write_text("".join(f"{name}=={one.version.split('+')[0]}\n" for name, one in sorted(installed().items())))
        done = subprocess.run([python, "-m", "pip_audit", "-r", listed, "--no-deps", "--disable-pip", "--format", "json",
                               "--progress-spinner", "off"], capture_output=True, text=True)
    return done.stdout if done.stdout.strip() else done.stderr


LOOKS = {"packages that fit together": fit_together, "files as their makers listed them": changed_files,
         "holes that are written down here": known_holes, "PyPI's list of known holes": published_holes}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
