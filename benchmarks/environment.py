"""The peers' own environment, so that the course never depends on them.

They are installed without what they ask for: that is the course's torch, or stands in peers.txt.
"""

from pathlib import Path

from tools.elsewhere.beside import environment

WANTED = Path(__file__).with_name("peers.txt")


def peers_python():
    """The Python of `.venv-bench`; a peer that cannot be had is a line in the report, not the end."""
    return environment(".venv-bench", requirements(WANTED.read_text(encoding="utf-8")), "--no-deps")


def requirements(text):
    """The lines of a requirements file without their comments.

    >>> requirements("# peers\\nmonai==1.6.1  # the reference\\n\\n")
    ['monai==1.6.1']
    """
    return [line for line in (line.split("#")[0].strip() for line in text.splitlines()) if line]
