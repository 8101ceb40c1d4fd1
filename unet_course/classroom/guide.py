"""The teacher's guide: a page for each notebook, made from the notebook itself and from the bank of wrong answers."""

import contextlib
import importlib
import os
import re
import sys
from pathlib import Path

from unet_course.classroom.copies import NOTEBOOKS, asked, find_notebooks
from unet_course.classroom.objectives import objectives
from unet_course.exercises.core import Exercise, check

READING = 130  # words a minute, of technical text in a language that may be foreign
CELL = 0.7  # minutes to read a cell of code, run it and look at what it shows


def new_folder(out):
    """The path of a folder to write; FileExistsError if something is in it."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"out: {out} is there already; give a new or an empty folder")
    return out


def guide_texts(notebooks=NOTEBOOKS):
    """The guide's pages, {name of the file: text}, README.md first."""
    import nbformat

    sources = find_notebooks(notebooks)
    mistakes = wrong_answers(Path(notebooks).resolve().parent / "tests" / "exercises")
    pages = {source.stem: page(nbformat.read(source, as_version=4), source.stem, mistakes) for source in sources}
    return {"README.md": index(pages), **{f"{name}.md": text for name, (_, text) in pages.items()}}


def wrong_answers(folder):
    """What the bank holds, by exercise: a list of (what is wrong, in words; the answer)."""
    banks = sorted(Path(folder).glob("bank*.py"))
    if not banks:
        raise FileNotFoundError(f"notebooks: there is no bank of answers in {folder}; run this in a clone of the course")
    found, root = {}, str(Path(folder).resolve().parent.parent)
    sys.path.insert(0, root)  # a bank may borrow from another
    try:
        modules = [importlib.import_module(f"tests.exercises.{path.stem}") for path in banks]
    finally:
        sys.path.remove(root)
    for module in modules:
        for id, what, answer, _ in module.WRONG:
            found.setdefault(id, []).append((what, answer))
    return found


def page(notebook, name, mistakes):
    """(one line for the index, the page) of a notebook."""
    title = re.search(r"^# (.+)$", notebook.cells[0].source, re.M).group(1)
    aims = [f"- {aim} ({', '.join(ids) or 'no exercise asks for it: ask for it yourself'})"
            for aim, ids in objectives(notebook.cells[0].source, name[:2])]
    parts = sections(notebook)
    minutes = [round(part_minutes(cells)) for _, cells in parts]
    exercises = [Exercise.registry[id] for _, cells in parts for id in ids_in(cells)]
    short = ", ".join(f"{e.id} {e.title} ({e.minutes} minutes)" for e in exercises if e.mark == "classroom")
    alone = sum(minutes) - sum(e.minutes for e in exercises)
    lines = [f"# {title}", "", "**Afterwards they are able to**", "", *aims, "",
             f"**Time:** {sum(minutes)} minutes with all exercises, {alone} without. **For the classroom:** {short}.", "",
             "## Minutes for each section", "",
             "Estimated from words, cells and exercises; a class that knows PyTorch is faster.", "",
             "| section | minutes | exercises in it |", "|---|---|---|"]
    lines += [f"| {head} | {n} | {', '.join(ids_in(cells)) or '–'} |" for (head, cells), n in zip(parts, minutes)]
    lines += ["", "## Questions to ask the room", "", "Below each of the first, what the notebook prints next.", "",
              *questions(parts, notebook.cells[-1].source)]
    lines += ["", "## Mistakes to expect", "", "What learners hand in, in words, and what the check answers."]
    for exercise in exercises:
        lines += ["", f"### {exercise.id} · {exercise.title} ({exercise.label()})", "", *expected(exercise.id, mistakes)]
    lines += ["", "## Answers"]
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            id = asked(cell.source)[0]
            source = cell.source.replace("# @title Solution\n", "").strip()
            lines += ["", f"### {id} · {Exercise.registry[id].title}", "", "```python", source, "```"]
    row = f"| [{title}]({name}.md) | {sum(minutes)} | {len(exercises)} | {short} |"
    return row, "\n".join(lines) + "\n"


def index(pages):
    """The first page."""
    return "\n".join([
        "# The teacher's guide", "",
        "One page for each notebook: how long each section takes, what to ask, which mistakes to expect and what the check "
        "says to them, and the answers. Keep it to yourself: students get the copies that `python -m unet_course student OUT` "
        "writes.", "",
        "The package that students import holds the finished blocks, so whoever hands in `ConvBlock` itself passes. "
        "Ask for a look at the code if points count.", "",
        "| notebook | minutes with all exercises | exercises | for the classroom |", "|---|---|---|---|",
        *(row for row, _ in pages.values()), ""])


def sections(notebook):
    """[(heading, its cells)]; the title cell and the set-up belong to the first."""
    found = [("Begin", [])]
    for cell in notebook.cells:
        pieces = re.split(r"^(?=## )", cell.source, flags=re.M) if cell.cell_type == "markdown" else [cell.source]
        for piece in pieces:
            if cell.cell_type == "markdown" and piece.startswith("## "):
                found.append((piece.splitlines()[0][3:], []))
            if piece.strip():
                found[-1][1].append({"type": cell.cell_type, "source": piece, "tags": cell.metadata.get("tags", []),
                                     "prints": printed(cell)})
    return found


def printed(cell):
    """What a cell prints, and the answers to guesses; without figures and cards."""
    said = [o.get("text", "") for o in cell.get("outputs", []) if o.output_type == "stream"]
    said += [o.data.get("text/plain", "") for o in cell.get("outputs", []) if o.output_type == "execute_result"]
    return "".join(text for text in said if not text.startswith("Exercise")).strip()


def ids_in(cells):
    return [asked(cell["source"])[0] for cell in cells if "exercise" in cell["tags"]]


def part_minutes(cells):
    """Minutes for one section: reading, running, exercises."""
    text = " ".join(cell["source"] for cell in cells if cell["type"] == "markdown")
    runs = sum(cell["type"] == "code" and not {"exercise", "solution"} & set(cell["tags"]) for cell in cells)
    return max(len(text.split()) / READING + CELL * runs + sum(Exercise.registry[id].minutes for id in ids_in(cells)), 1)


def questions(parts, recap):
    """Every "Predict" and "Guess" with what the notebook then prints, and the questions of the end with their answers."""
    lines = []
    for head, cells in parts:
        for place, cell in enumerate(cells):
            if cell["type"] != "markdown":
                continue
            for asks in re.findall(r"\*\*(?:Predict|Guess)(?: before you run)?:\*\* (.+?)(?=\n\n|\Z)", cell["source"], re.S):
                later = (c["prints"] for c in cells[place + 1:] if c["prints"] and not c["source"].startswith("guess("))
                shown = next(later, "")
                lines += [f"- **{head}.** {' '.join(asks.split())}"]
                lines += ["", *(f"      {line}" for line in shown.splitlines()), ""] if shown else [""]
    for asks, answer in re.findall(r"<summary>(.+?)</summary>\s*(.+?)\s*</details>", recap, re.S):
        lines += [f"- **At the end.** {asks.strip()} *{' '.join(answer.split())}*", ""]
    return lines


def expected(id, mistakes):
    """A table of mistakes, those with the same hint together."""
    by_hint = {}
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        for what, answer in mistakes.get(id, []):
            report = check(id, answer)
            hint = report.hints[0] if report.hints else f"*None: the check says {report.status!r}.*"
            by_hint.setdefault((*report.failed[:1], hint), []).append(what)
    rows = [f"| {'; '.join(whats)} | {cell_text(hint)} |" for (*_, hint), whats in by_hint.items()]
    return ["| the answer | the hint |", "|---|---|", *rows]


def cell_text(text):
    """A text as it may stand in a table."""
    return " ".join(text.replace("|", "\\|").split())
