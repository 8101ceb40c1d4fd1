"""The pages of the site, made from what is in the repository: notebooks, READMEs, glossary, docstrings."""

import base64
import csv
import os
import re
from pathlib import Path

import unet_course
from tools.elsewhere.beside import ROOT

FOLDED = {  # a cell's tag: what of it is folded, and the words that unfold and fold it
    "solution": ("hide-cell", {"en": ("Show the solution", "Hide the solution"), "zh": ("显示答案", "收起答案")}),
    "setup": ("hide-input", {"en": ("Show the set-up", "Hide the set-up"), "zh": ("显示准备代码", "收起准备代码")}),
}


def page_of(notebook, language="en"):
    """A notebook for the site: solutions and set-up folded, alt texts where myst-nb looks, no progress bars, no badges."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = no_badges(cell.source)
            continue
        cell.outputs = [output for output in cell.outputs if not stands_still(output)]
        alts = [output.metadata["image/png"].get("alt", "") for output in cell.outputs
                if "image/png" in output.get("metadata", {})]
        settings = {"image": {"alt": " ".join(alts)}} if alts else {}
        for tag in FOLDED.keys() & cell.metadata.get("tags", []):
            fold, words = FOLDED[tag]
            cell.metadata["tags"] = [*cell.metadata["tags"], fold]
            settings.update(zip(("code_prompt_show", "code_prompt_hide"), words[language]))
        if settings:
            cell.metadata["mystnb"] = settings
    return notebook


def stands_still(output):
    """Whether this is a progress bar: nothing moves it on the site."""
    return bool(re.search(r"\d%\|.*\|\s*\d+/\d+ \[", output.get("data", {}).get("text/plain", "")))


def no_badges(text):
    """Links that were pictures from the network become words."""
    return re.sub(r"\[!\[([^\]]*)\]\(http[^)]*\)\]", r"[\1]", text)


def glossary(root=ROOT):
    """The terms with their Chinese names, as a page."""
    with (root / "translations" / "glossary.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["term"].lower())
    lines = [f"| {row['term']} | <span lang=\"zh\">{row['chinese']}</span> | {row['meaning']} |" for row in rows]
    return "\n".join(["# Glossary · 术语表", "", "| term | 中文 | what it means |", "|---|---|---|", *lines, ""])


def stored_picture(notebook, words):
    """Of the first cell whose code holds these words the picture, as bytes, and its alt text."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []) if words in cell.source else []:
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output.data["image/png"]), output.metadata["image/png"]["alt"]
    raise ValueError(f"No cell with {words} has a stored picture; run the notebook whole.")


def cards(readme, days, language="en"):
    """The map of a README as cards: a list that the style sheet lays out. `days`: {"00": its picture's alt text}."""
    up, minutes = ("../", "分钟") if language == "zh" else ("", "minutes")
    rows = re.findall(r"^\| (\[(\d\d)[^|]*\.ipynb\)) \| (.+) \| (\d+) \|$", readme, re.MULTILINE)
    if not rows:
        raise ValueError("README.md has no map, which the site shows: rows such as | [00 …](notebooks/00_….ipynb) | … | 39 |")
    items = "\n\n".join(f"- ![{days[number]}]({up}_static/day/{number}.png)\n\n  {link.replace('](', f']({up}')}\n\n"
                        f"  {aims}\n\n  {time} {minutes}" for link, number, aims, time in rows)
    return f"```{{container}} cards\n{items}\n```"


def in_words(text, where):
    """Links to a repository that nobody knows yet become words."""
    return re.sub(rf"(?<!!)\[([^\]]+)\]\(https://github\.com/{re.escape(where)}/[^)]*\)", r"\1", text)


def groups(package=Path(unet_course.__file__).parent):
    """{title: modules} of the package as its folders have them: the top, then room by room."""
    found = {"The network, and what stands beside it": []}
    for path in sorted(package.rglob("*.py"), key=lambda path: path.relative_to(package).parts):
        if not re.match(r"_|nb\d\d", path.name):  # nbNN declare exercises, no more
            *rooms, name = path.relative_to(package).with_suffix("").parts
            title = rooms[0].replace("_", " ").capitalize() if rooms else next(iter(found))
            found.setdefault(title, []).append(".".join([*rooms, name]))
    return {title: modules for title, modules in found.items() if modules}


def api():
    """{file: page} for each group of modules, filled by Sphinx from their docstrings."""
    pages = {}
    for title, modules in groups().items():
        text = [f"# {title}", ""]
        for module in modules:
            text += [f"## {module.split('.')[-1]}", "", "```{eval-rst}", f".. automodule:: unet_course.{module}",
                     "   :members:", "```", ""]
        pages[re.sub(r"\W+", "-", title.lower())] = "\n".join(text)
    names = {name: thing.__module__ for name, thing in vars(unet_course).items()
             if getattr(thing, "__module__", "").startswith("unet_course.")}
    links = ", ".join(f"{{py:obj}}`{name} <{module}.{name}>`" for name, module in sorted(names.items()))
    pages["index"] = "\n".join([
        "# The package", "", "What `unet_course` holds, from its own docstrings. What you import most, straight from "
        f"`unet_course`: {links}.", "", "```{toctree}", ":maxdepth: 2", *pages, "```", ""])
    return pages


def lead(text, here, to, pages, where):
    """Links of a page as they lead on the site: to its pages, and to the repository for all other files.

    Parameters
    ----------
    text : str
        Markdown.
    here, to : str
        The page's path in the repository, and on the site.
    pages : dict
        Site paths by repository paths.
    where : str
        OWNER/NAME.
    """
    def new(match):
        if match["code"]:
            return match["code"]
        target = Path(os.path.normpath(Path(here).parent / match["file"])).as_posix()
        if target not in pages:
            return f"](https://github.com/{where}/blob/main/{target}{match['part']})"
        return f"]({Path(os.path.relpath(pages[target], Path(to).parent)).as_posix()}{match['part']})"
    link = r"\]\((?!https?:|mailto:|data:|attachment:|#)(?P<file>[^)#\s]+)(?P<part>#[^)\s]*)?\)"
    return re.sub(rf"(?P<code>```.*?```|`[^`\n]*`)|{link}", lambda m: new(Parts(m)), text, flags=re.DOTALL)


class Parts(dict):
    """The groups of a match, empty where there is none."""

    def __init__(self, match):
        super().__init__({name: found or "" for name, found in match.groupdict().items()})


def pictures(text, here):
    """Paths in the repository of the pictures that a page shows."""
    found = re.findall(r"!\[[^\]]*\]\((?!https?:|data:|attachment:)([^)\s]+)\)", text)
    return [Path(os.path.normpath(Path(here).parent / path)).as_posix() for path in found]


def linked_names(text, pages):
    """Notebooks that a table names by their file, as links in words: a phone can break the line."""
    def link(match):
        path = f"notebooks/{match[1]}.ipynb"
        return f"| [{match[1].replace('_', ' ')}]({path}) |" if path in pages else match[0]
    return re.sub(r"^\| (\d\d_\w+) \|", link, text, flags=re.MULTILINE)
