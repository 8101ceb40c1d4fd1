"""Build the course's site from the notebooks as they are stored and the pages of `book/`: ``python course.py book``.

Sphinx and its packages live in `.venv-book`, which is made the first time; from then on nothing needs a network. The site is
in `build/book`; open `build/book/index.html`. It is the learners': the teacher's guide is not on it.
The page on which a U-Net runs in the browser, `live/`, has to come from a server:
`python -m http.server --bind 127.0.0.1 --directory build/book`.
"""

import os
import shutil
import subprocess
import sys

import nbformat

from tools.elsewhere.beside import ROOT, environment
from tools.website import live, moving
from tools.website.address import UNKNOWN, address
from tools.website.pages import (
    api,
    cards,
    glossary,
    in_words,
    lead,
    linked_names,
    no_badges,
    page_of,
    pictures,
    stored_picture,
)

PACKAGES = "sphinx==9.0.4 myst-nb==1.4.0 sphinx-book-theme==1.4.0 numpydoc==1.11.0"  # installed together
TEXTS = {  # page: its source, beside the pages of book/
    "benchmarks.md": "benchmarks/README.md",
    "data.md": "data/nuclei/README.md",
    "weights.md": "data/weights/README.md",
}
FIRST = {"index.md": ("README.md", "en"), "zh/index.md": ("README.zh-CN.md", "zh")}  # first page: its map's README, language


def lay_out(folder, root=ROOT, has_live=False):
    """Write all that Sphinx reads into a folder that is not there yet.

    `has_live`: whether there is a live page, to which the first pages lead.
    """
    shutil.copytree(root / "book", folder)
    where = address(root)
    (folder / "address.txt").write_text(where, encoding="utf-8")
    notebooks = sorted([*(root / "notebooks").glob("*.ipynb"), *(root / "notebooks").glob("zh/*.ipynb")])
    notebooks = [path.relative_to(root).as_posix() for path in notebooks]
    own = [path.relative_to(root / "book").as_posix() for path in sorted((root / "book").rglob("*.md"))]
    texts = {**TEXTS, **{page: f"book/{page}" for page in own if page not in FIRST}}
    pages = {**{readme: page for page, (readme, _) in FIRST.items()}, "translations/glossary.csv": "glossary.md",
             **dict(zip(notebooks, notebooks)), **{source: page for page, source in texts.items()}}

    def on_site(text, source, page):
        shown = {path: path for path in pictures(text, source)}
        for path in shown:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / path, folder / path)
        text = lead(linked_names(text, pages), source, page, {**pages, **shown}, where)
        return in_words(text, where) if where == UNKNOWN else text

    days, board, drawn = {"en": {}, "zh": {}}, {}, {}
    (folder / "_static" / "day").mkdir(parents=True)
    for path in notebooks:
        stored = nbformat.read(root / path, as_version=4)
        language = "zh" if path.startswith("notebooks/zh/") else "en"
        number = path.split("/")[-1][:2]  # the pictures are the same in both languages, what they say is not
        picture, days[language][number] = stored_picture(stored, "picture_of_the_day(")
        (folder / "_static" / "day" / f"{number}.png").write_bytes(picture)
        if number == "05":
            picture, board[language] = stored_picture(stored, '"05.board"')
            (folder / "_static" / "board.png").write_bytes(picture)
        notebook = page_of(stored, language)
        up = "../" * path.count("/")
        moving.put(notebook, language, f"{up}_static/labs", folder / "_static" / "labs", drawn)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = on_site(cell.source, path, path)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / path)
    for page, source in texts.items():
        text = no_badges((root / source).read_text(encoding="utf-8"))
        (folder / page).write_text(on_site(text, source, page), encoding="utf-8")
    if has_live:
        found = live.still(folder / "_static" / "live.png")
    for page, (readme, language) in FIRST.items():
        text = (folder / page).read_text(encoding="utf-8")
        text = text.replace("<!-- live -->", live.card(found, language) if has_live else "")
        text = text.replace("<!-- board -->", f"![{board[language]}]({'../' * page.count('/')}_static/board.png)")
        text = text.replace("<!-- map -->", cards((root / readme).read_text(encoding="utf-8"), days[language], language))
        (folder / page).write_text(text, encoding="utf-8")
    (folder / "glossary.md").write_text(glossary(root), encoding="utf-8")
    (folder / "api").mkdir()
    for name, text in api().items():
        (folder / "api" / f"{name}.md").write_text(text, encoding="utf-8")


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
    runtime = live.runtime()
    lay_out(source, root, bool(runtime))
    shutil.rmtree(out, ignore_errors=True)
    trees = out.parent / "book-trees"
    command = [python, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "2", "-d", trees, source, out]
    done = subprocess.run(command, cwd=root, env={**os.environ, "UNET_COURSE_PROGRESS": "off"}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if runtime and done.returncode == 0:
        live.make(out / "live", runtime)
    return done


def main(arguments):
    out = ROOT / "build" / "book"
    done = build(out)
    print(done.stdout, end="")
    if done.returncode == 0:
        print(f"The site is in {out.relative_to(ROOT)}: open {(out / 'index.html').relative_to(ROOT)} in a browser.")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
