"""Build the course's site from the notebooks as they are stored: ``python course.py book``.

Sphinx and its packages live in `.venv-book`, which is made the first time; from then on nothing needs a network. The site is
in `build/book`; open `build/book/index.html`.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from tools.address import address
from tools.beside import ROOT, environment
from unet_course.guide import teachers_guide

PACKAGES = "sphinx==9.0.4 myst-nb==1.4.0 sphinx-book-theme==1.4.0 numpydoc==1.11.0"  # installed together
API = {
    "The network": ["blocks", "unet", "pretrained"],
    "Data": ["data", "folder", "masks", "augment", "touching"],
    "Training": ["training", "losses", "precision"],
    "Judging": ["metrics", "objects", "instances", "scoring"],
    "Whole images": ["inference", "tiles"],
    "Looking": ["figures", "charts", "drawing", "tracing", "widgets", "lab", "labs", "labs_results"],
    "Exercises": ["exercises.core", "progress", "languages", "classroom", "guide"],
}


def page_of(notebook):
    """A notebook for the site: solutions folded, alt texts where myst-nb looks for them, no badge from the network."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\[!\[Open in Colab\]\(.*?\)\]\((.*?)\)", r"[Open in Colab](\1)", cell.source)
            continue
        alts = [output.metadata["image/png"].get("alt", "") for output in cell.outputs
                if "image/png" in output.get("metadata", {})]
        settings = {"image": {"alt": " ".join(alts)}} if alts else {}
        if "solution" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [*cell.metadata["tags"], "hide-cell"]
            settings.update(code_prompt_show="Show the solution", code_prompt_hide="Hide the solution")
        if settings:
            cell.metadata["mystnb"] = settings
    return notebook


def glossary(root=ROOT):
    """The terms with their Chinese names, as a page."""
    with (root / "translations" / "glossary.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["term"].lower())
    lines = [f"| {row['term']} | <span lang=\"zh\">{row['chinese']}</span> | {row['meaning']} |" for row in rows]
    return "\n".join(["# Glossary · 术语表", "", "| term | 中文 | what it means |", "|---|---|---|", *lines, ""])


def section(text, heading):
    """A part of a page, from its heading to the next of the same depth."""
    return re.search(rf"^## {re.escape(heading)}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[0]


def api(folder):
    """A page for each group of modules, filled from their docstrings."""
    folder.mkdir()
    names = []
    for title, modules in API.items():
        names.append(title.lower().replace(" ", "-"))
        text = [f"# {title}", ""]
        for module in modules:
            text += [f"## {module.split('.')[-1]}", "", "```{eval-rst}", f".. automodule:: unet_course.{module}", "   :members:",
                     "```", ""]
        (folder / f"{names[-1]}.md").write_text("\n".join(text), encoding="utf-8")
    toctree = ["# The package", "", "What `unet_course` holds, from its own docstrings.", "", "```{toctree}", *names, "```", ""]
    (folder / "index.md").write_text("\n".join(toctree), encoding="utf-8")


def elsewhere(text, here, where, pages):
    """Links of a Markdown page as they lead on the site: to its pages, and to the repository for other files."""
    def lead(match):
        target = Path(os.path.normpath(Path(here).parent / match[1])).as_posix()
        return f"]({pages.get(target, f'https://github.com/{where}/blob/main/{target}')})"
    return re.sub(r"\]\((?!https?:|#)([^)#\s]+)\)", lead, text)


def lay_out(folder, root=ROOT):
    """Write all that Sphinx reads into a folder that is not there yet."""
    shutil.copytree(root / "book", folder)
    where = address(root)
    (folder / "address.txt").write_text(where, encoding="utf-8")
    for path in sorted([*(root / "notebooks").glob("*.ipynb"), *(root / "notebooks").glob("zh/*.ipynb")]):
        to = folder / path.relative_to(root)
        to.parent.mkdir(parents=True, exist_ok=True)
        notebook = page_of(nbformat.read(path, as_version=4))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":  # what is no page of the site
                cell.source = re.sub(r"\]\((?:\.\./)+README(\.zh-CN)?\.md\)",
                                     lambda m: f"]({'../' * (len(to.relative_to(folder).parts) - 1)}{'zh' if m[1] else 'index'}.md)",
                                     cell.source)
        nbformat.write(notebook, to)
    readme = (root / "README.md").read_text(encoding="utf-8")
    index = (folder / "index.md").read_text(encoding="utf-8")
    for mark, heading in (("map", "The map"), ("times", "How long a notebook runs")):
        index = index.replace(f"<!-- {mark} -->", section(readme, heading))
    (folder / "index.md").write_text(index, encoding="utf-8")
    pages = {"README.md": "index.md", "README.zh-CN.md": "zh.md", "data/nuclei/README.md": "data.md",
             "data/weights/README.md": "weights.md", "benchmarks/README.md": "benchmarks.md",
             **{p.relative_to(root).as_posix(): p.relative_to(root).as_posix() for p in (root / "notebooks").rglob("*.ipynb")}}
    texts = {"zh.md": ("README.zh-CN.md", None), "teaching.md": ("README.md", "For teachers"), "data.md": ("data/nuclei/README.md", None),
             "weights.md": ("data/weights/README.md", None), "benchmarks.md": ("benchmarks/README.md", None)}
    for name, (source, heading) in texts.items():
        text = (root / source).read_text(encoding="utf-8")
        if heading:
            text = section(text, heading).replace("\n### ", "\n## ").replace("## ", "# ", 1)
        pictures = re.findall(r"!\[[^\]]*\]\((?!http)([^)]+)\)", text)
        for picture in pictures:
            shutil.copy(root / Path(source).parent / picture, folder / picture)
        own = {(Path(source).parent / p).as_posix(): p for p in pictures}
        text = re.sub(r"\[!\[([^\]]*)\]\(http[^)]*\)\]", r"[\1]", text)  # badges, as in the notebooks
        (folder / name).write_text(elsewhere(text, source, where, {**pages, **own}), encoding="utf-8")
    (folder / "glossary.md").write_text(glossary(root), encoding="utf-8")
    api(folder / "api")
    guide = teachers_guide(folder / "guide", root / "notebooks")
    names = [path.stem for path in guide[1:]]
    guide[0].rename(folder / "guide" / "index.md")
    with (folder / "guide" / "index.md").open("a", encoding="utf-8") as file:
        file.write("\n".join(["", "```{toctree}", ":hidden:", *names, "```", ""]))


def build(out, root=ROOT):
    """Build the site; whatever Sphinx warns of is an error.

    Returns
    -------
    subprocess.CompletedProcess
    """
    python = environment(".venv-book", [PACKAGES])
    source = out.parent / "book-source"
    shutil.rmtree(source, ignore_errors=True)
    source.parent.mkdir(parents=True, exist_ok=True)
    lay_out(source, root)
    shutil.rmtree(out, ignore_errors=True)
    command = [python, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "2", "-d", str(out.parent / "book-trees"), source, out]
    return subprocess.run(command, cwd=root, env={**os.environ, "UNET_COURSE_PROGRESS": "off"}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main(arguments):
    out = ROOT / "build" / "book"
    done = build(out)
    print(done.stdout, end="")
    if done.returncode == 0:
        print(f"The site is in {out.relative_to(ROOT)}: open {(out / 'index.html').relative_to(ROOT)} in a browser.")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
