"""Write the course's public address into every place that needs it.

It stands in one place, ``[project.urls]`` in pyproject.toml. ``python course.py address OWNER/NAME`` changes it there and
writes badges, install lines and the README's line from it; without an argument it writes them again.
"""

import re
import sys
from pathlib import Path

import nbformat

from tools.notebooks import write

HERE = Path(__file__).resolve().parent.parent
UNKNOWN = "OWNER/unet-step-by-step"
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"


def address(root=HERE):
    """OWNER/NAME, as pyproject.toml has it."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^Repository = "https://github.com/([^"]+)"', text, re.MULTILINE).group(1)


def badge(where, name):
    """The Colab badge of one notebook."""
    return f"{BADGE}(https://colab.research.google.com/github/{where}/blob/main/notebooks/{name})"


def release(root=HERE):
    """The version that this tree is, as pyproject.toml has it."""
    return re.search(r'^version = "([^"]+)"', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE).group(1)


def install_line(where, root=HERE):
    """What the set-up cell runs in Colab: the package of this very release, so that notebook and package fit."""
    return f"%pip install -q --no-deps git+https://github.com/{where}@v{release(root)}"


def readme_text(where):
    """What stands between the README's two marks."""
    if where == UNKNOWN:
        return ("The address under which this course will be published is not known yet; until then, the Colab badges "
                "lead nowhere.")
    return (f"{badge(where, '00_start_here.ipynb')}\n\nTo get a clone: `git clone https://github.com/{where}`")


def rewrite(where, root=HERE):
    """Write the address into the notebooks and the README below `root`."""
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        first = notebook.cells[0]
        first.source = re.sub(re.escape(BADGE) + r"\([^)]*\)", badge(where, path.name), first.source)
        for cell in notebook.cells:
            if "setup" in cell.metadata.get("tags", []):
                cell.source = re.sub(r"%pip install .*", install_line(where, root), cell.source)
        write(notebook, path)
    readme = root / "README.md"
    text = re.sub(r"(<!-- address:start -->).*?(<!-- address:end -->)", rf"\g<1>\n{readme_text(where)}\n\g<2>",
                  readme.read_text(encoding="utf-8"), flags=re.DOTALL)
    readme.write_text(text, encoding="utf-8", newline="\n")


def main(arguments, root=HERE):
    """Change the address if one is given, then write it everywhere."""
    if arguments:
        if len(arguments) > 1 or not re.fullmatch(r"[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*", arguments[0]):
            print(f"The address is {' '.join(arguments)!r}; wanted OWNER/NAME, as in github.com/OWNER/NAME.", file=sys.stderr)
            return 1
        project = root / "pyproject.toml"
        text = project.read_text(encoding="utf-8").replace(f"github.com/{address(root)}", f"github.com/{arguments[0]}")
        project.write_text(text, encoding="utf-8", newline="\n")
    rewrite(address(root), root)
    print(f"The address is {address(root)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
