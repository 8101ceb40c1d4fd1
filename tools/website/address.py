"""Write the course's public address into every place that needs it.

It stands in one place, ``[project.urls]`` in pyproject.toml. ``python course.py address OWNER/NAME`` changes it there and
writes badges, install lines and the README's line from it; without an argument it writes them again.
"""

import re
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

import nbformat

from tools.notebooks.files import write

HERE = Path(__file__).resolve().parents[2]
UNKNOWN = "OWNER/unet-step-by-step"
STUDENT = "student"  # the branch that badges open: students' copies, which each release writes anew
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"


def address(root=HERE):
    """OWNER/NAME, as pyproject.toml has it."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^Repository = "https://github.com/([^"]+)"', text, re.MULTILINE).group(1)


def badge(where, name):
    """The Colab badge of one notebook."""
    return f"{BADGE}(https://colab.research.google.com/github/{where}/blob/{STUDENT}/notebooks/{name})"


def release(root=HERE):
    """The version that this tree is, as pyproject.toml has it."""
    return re.search(r'^version = "([^"]+)"', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE).group(1)


INSTALL = """\
try:
    import unet_course
except ModuleNotFoundError:  # in Colab: the course alone, on top of the torch and numpy that are there
    from glob import glob
    wheel = "git+https://github.com/{where}@v{version}"
    wheel = max(glob("unet_course-*.whl"), default=wheel)  # one that lies beside the notebook goes first
    %pip install -qqq --no-deps $wheel
    try:
        import unet_course
    except ModuleNotFoundError:
        raise RuntimeError(f"{{wheel}} could not be installed. Download unet_course-{version}-py3-none-any.whl from "
            "github.com/{where}/releases, put it beside this notebook and run this cell again.") from None
"""


def install_lines(where, root=HERE):
    """How a set-up cell begins: in Colab it installs the package of this very release, so that notebook and package fit."""
    return INSTALL.format(where=where, version=release(root))


def binder(where, name="00_start_here.ipynb"):
    """The Binder badge: JupyterLab on a notebook, on a machine of mybinder.org."""
    opened = quote(f"lab/tree/notebooks/{name}", safe="")
    return f"[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/{where}/{STUDENT}?urlpath={opened})"


def puller(where, hub="https://HUB.EXAMPLE.EDU", name="00_start_here.ipynb"):
    """The address that a teacher gives to a class: a JupyterHub fetches the course with nbgitpuller, and opens it."""
    opened = f"lab/tree/{where.split('/')[1]}/notebooks/{name}"
    query = urlencode({"repo": f"https://github.com/{where}", "branch": STUDENT, "urlpath": opened})
    return f"{hub}/hub/user-redirect/git-pull?{query}"


NOTES = {
    "README.md": ("The address under which this course will be published is not known yet; until then, these badges lead "
                  "nowhere.", "To get a clone: ", "On a JupyterHub with nbgitpuller, put your hub's name into this link:"),
    "README.zh-CN.md": ("本课程的公开地址尚未确定；在此之前，下面的徽章还打不开。", "获取副本：",
                        "在装有 nbgitpuller 的 JupyterHub 上，把下面链接中的主机名换成你们的："),
}


def readme_text(where, name="README.md"):
    """What stands between the two marks of a README."""
    unknown, clone, hub = NOTES[name]
    first = "zh/00_start_here.ipynb" if "zh" in name else "00_start_here.ipynb"
    parts = [f"{badge(where, first)} {binder(where, first)}", f"{clone}`git clone https://github.com/{where}`",
             f"{hub}\n`{puller(where, name=first)}`"]
    return "\n\n".join([unknown] * (where == UNKNOWN) + parts)


def rewrite(where, root=HERE):
    """Write the address into the notebooks and the READMEs below `root`."""
    folder = root / "notebooks"
    for path in sorted([*folder.glob("*.ipynb"), *folder.glob("zh/*.ipynb")]):
        notebook = nbformat.read(path, as_version=4)
        first = notebook.cells[0]
        first.source = re.sub(re.escape(BADGE) + r"\([^)]*\)", badge(where, path.relative_to(folder).as_posix()), first.source)
        for cell in notebook.cells:
            if "setup" in cell.metadata.get("tags", []):
                old = r"^try:\n    import unet_course\nexcept .*\n(?: .*\n)+"
                cell.source = re.sub(old, lambda _: install_lines(where, root), cell.source, flags=re.MULTILINE)
        write(notebook, path)
    for readme in sorted(root.glob("README*.md")):
        marked = f"<!-- address:start -->\n{readme_text(where, readme.name)}\n<!-- address:end -->"
        text = re.sub(r"<!-- address:start -->.*?<!-- address:end -->", lambda _, new=marked: new,
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
