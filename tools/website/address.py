"""Write the course's public address into every place that needs it.

It stands in one place, ``[project.urls]`` in pyproject.toml. ``python course.py address OWNER/NAME`` changes it there and
writes badges, links and install lines from it; without an argument it writes them again. As long as it is OWNER/…, nobody
knows it, and no badge or link is written that would lead nowhere.
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
INSTALLS = r"^try:\n    import unet_course\nexcept .*\n(?: .*\n)+"  # how these lines are found


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


def site(where):
    """Where GitHub Pages has the site."""
    owner, name = where.split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


WORDS = {"en": ("With nothing to install: ", "[The site]({0}), [a U-Net in your browser]({0}live/).", "To get a clone: ",
                "On a JupyterHub with nbgitpuller, put your hub's name into this link and give it to the class:"),
         "zh": ("不安装任何东西：", "[课程网站]({0})，[浏览器里的 U-Net]({0}live/)。", "获取副本：",
                "在装有 nbgitpuller 的 JupyterHub 上，把下面链接中的主机名换成你们的，再发给全班：")}
PAGES = {"README.md": ("en", "course"), "README.zh-CN.md": ("zh", "course"),
         "book/teaching.md": ("en", "hub"), "book/zh/teaching.md": ("zh", "hub")}


def text_of(where, page):
    """What stands between the two marks of a page: nothing, if the address is not known."""
    language, part = PAGES[page]
    badges, pages, clone, hub = WORDS[language]
    first = "zh/00_start_here.ipynb" if language == "zh" else "00_start_here.ipynb"
    if where == UNKNOWN:
        return ""
    if part == "hub":
        return f"{hub}\n`{puller(where, name=first)}`"
    return "\n\n".join([f"{badges}{badge(where, first)} {binder(where, first)}",
                        pages.format(site(where)), f"{clone}`git clone https://github.com/{where}`"])


def titled(source, where, name):
    """The first cell of a notebook, with its badge under the title, or without one."""
    source = re.sub(re.escape(BADGE) + r"\([^)]*\)\n\n", "", source)
    title, _, rest = source.partition("\n\n")
    return source if where == UNKNOWN else "\n\n".join([title, badge(where, name), rest])


def rewrite(where, root=HERE):
    """Write the address into the notebooks, the pages and CITATION.cff below `root`."""
    folder = root / "notebooks"
    for path in sorted([*folder.glob("*.ipynb"), *folder.glob("zh/*.ipynb")]):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[0].source = titled(notebook.cells[0].source, where, path.relative_to(folder).as_posix())
        for cell in notebook.cells:
            if "setup" in cell.metadata.get("tags", []):
                cell.source = re.sub(INSTALLS, lambda _: install_lines(where, root), cell.source, flags=re.MULTILINE)
        write(notebook, path)
    if (citation := root / "CITATION.cff").exists():
        text = re.sub(r"^repository-code: .*\n", "", citation.read_text(encoding="utf-8"), flags=re.MULTILINE)
        known = "" if where == UNKNOWN else f"repository-code: https://github.com/{where}\n"
        citation.write_text(text + known, encoding="utf-8", newline="\n")
    for page in [page for page in PAGES if (root / page).exists()]:
        marked = f"<!-- address:start -->\n{text_of(where, page)}\n<!-- address:end -->"
        text = re.sub(r"<!-- address:start -->.*?<!-- address:end -->", lambda _, new=marked: new,
                      (root / page).read_text(encoding="utf-8"), flags=re.DOTALL)
        (root / page).write_text(text, encoding="utf-8", newline="\n")


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
