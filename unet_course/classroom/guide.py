"""The teacher's guide: a page for each notebook, made from the notebook itself and from the bank of wrong answers."""

import contextlib
import importlib
import json
import os
import re
import sys
from pathlib import Path

from unet_course.classroom.copies import NOTEBOOKS, asked, find_notebooks
from unet_course.classroom.objectives import objectives
from unet_course.classroom.words import say, speaking
from unet_course.exercises.core import Exercise, check, nearest
from unet_course.exercises.hints import spoken
from unet_course.figures.texts import language

READING = 130  # words a minute, of technical text in a language that may be foreign
CELL = 0.7  # minutes to read a cell of code, run it and look at what it shows
ASKED = re.compile(r"\*\*(?:(?:Predict|Guess)(?: before you run)?:\*\* |(?:先预测|预测|想一想|猜一猜)\*\*：)"
                   r"(.+?)(?=\n\n|\Z)", re.S)


def new_folder(out):
    """The path of a folder to write; FileExistsError if something is in it."""
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"out: {out} is there already; give a new or an empty folder")
    return out


def opened(notebooks=NOTEBOOKS):
    """The notebooks in the language that was chosen, {name: (notebook, its sections)}."""
    import nbformat

    found = {}
    for path in find_notebooks(notebooks, language()):
        notebook, english = (nbformat.read(p, as_version=4) for p in (path, Path(notebooks) / path.name))
        found[path.stem] = notebook, sections(notebook, english)
    return found


def guide_texts(read, bank):
    """The guide's pages, {name of the file: text}, README.md first.

    `read` is what `opened` gives, `bank` the folder with the wrong answers.
    """
    mistakes = in_words(answered(wrong_answers(bank)), bank)
    pages = {name: page(*course, name, mistakes) for name, course in read.items()}
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


def answered(mistakes):
    """What the checks say to wrong answers, by exercise: a list of (what is wrong, in words; the status; the hint).

    Those with the same hint stand together. The words and the hints are English.
    """
    found = {}
    with (open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere), speaking("en")):
        for id, answers in mistakes.items():
            by_hint = found[id] = {}
            for what, answer in answers:
                report = check(id, answer)
                said = (*report.failed[:1], report.status, "".join(report.hints[:1]))
                by_hint.setdefault(said, []).append(what)
    return {id: [(whats, status, hint) for (*_, status, hint), whats in by_hint.items()] for id, by_hint in found.items()}


def in_words(mistakes, folder):
    """The same in the language that was chosen; the bank's words in Chinese are in a table beside it."""
    if language() == "en":
        return mistakes
    words = json.loads((Path(folder) / "mistakes_zh.json").read_text(encoding="utf-8"))
    return {id: [([words.get(what, what) for what in whats], status, spoken(hint)) for whats, status, hint in rows]
            for id, rows in mistakes.items()}


def page(notebook, parts, name, mistakes):
    """(one line for the index, the page) of a notebook."""
    title = re.search(r"^# (.+)$", notebook.cells[0].source, re.M).group(1)
    aims = [say("- {} ({})", aim, say(", ").join(ids) or say("no exercise asks for it: ask for it yourself"))
            for aim, ids in objectives(notebook.cells[0].source, name[:2])]
    minutes = [round(part_minutes(cells)) for _, cells in parts]
    exercises = [Exercise.registry[id] for _, cells in parts for id in ids_in(cells)]
    short = say(", ").join(say("{} {} ({} minutes)", e.id, spoken(e.title), e.minutes)
                           for e in exercises if e.mark == "classroom")
    alone = sum(minutes) - sum(e.minutes for e in exercises)
    lines = [f"# {title}", "", say("**Afterwards they are able to**"), "", *aims, "",
             say("**Time:** {} minutes with all exercises, {} without. **For the classroom:** {}.",
                 sum(minutes), alone, short), "",
             f"## {say('Minutes for each section')}", "",
             say("Estimated from words, cells and exercises; a class that knows PyTorch is faster."), "",
             say("| section | minutes | exercises in it |"), "|---|---|---|"]
    lines += [f"| {head} | {n} | {say(', ').join(ids_in(cells)) or '–'} |" for (head, cells), n in zip(parts, minutes)]
    lines += ["", f"## {say('Questions to ask the room')}", "",
              say("Below each of the first, what the notebook prints next."), "", *questions(parts, notebook.cells[-1].source)]
    lines += ["", f"## {say('Mistakes to expect')}", "", say("What learners hand in, in words, and what the check answers.")]
    for e in exercises:
        lines += ["", say("### {} · {} ({})", e.id, spoken(e.title), label(e)), "", *expected(mistakes.get(e.id, []))]
    lines += ["", f"## {say('Answers')}"]
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            id = asked(cell.source)[0]
            source = cell.source.replace("# @title Solution\n", "").strip()
            lines += ["", f"### {id} · {spoken(Exercise.registry[id].title)}", "", "```python", source, "```"]
    row = f"| [{title}]({name}.md) | {sum(minutes)} | {len(exercises)} | {short} |"
    return row, "\n".join(lines) + "\n"


def label(exercise):
    """What stands behind the title of an exercise, such as "classroom, 5 minutes"."""
    minutes = say("{} minutes", exercise.minutes)
    return say("{}, {}", say(exercise.mark), minutes) if exercise.mark else minutes


def index(pages):
    """The first page."""
    return "\n".join([
        say("# The teacher's guide"), "",
        say("One page for each notebook: how long each section takes, what to ask, which mistakes to expect "
            "and what the check says to them, and the answers. Keep it to yourself: students get the copies "
            "that `python -m unet_course student OUT` writes."), "",
        say("The package that students import holds the finished blocks, so whoever hands in `ConvBlock` "
            "itself passes. Ask for a look at the code if points count."), "",
        say("| notebook | minutes with all exercises | exercises | for the classroom |"), "|---|---|---|---|",
        *(row for row, _ in pages.values()), ""])


def sections(notebook, english=None):
    """[(heading, its cells)]; the title cell and the set-up belong to the first.

    Minutes are counted in English words, so a translation comes with the notebook that it translates.
    """
    mine = list(pieces(notebook))
    theirs = list(pieces(english or notebook))
    if len(mine) != len(theirs):
        raise ValueError(f"notebook: {mine[0][1].splitlines()[0]!r} is in {len(mine)} pieces, the English one in "
                         f"{len(theirs)}; run `python course.py translate`")
    found = [(say("Begin"), [])]
    for (cell, piece), (_, words) in zip(mine, theirs):
        if cell.cell_type == "markdown" and piece.startswith("## "):
            found.append((piece.splitlines()[0][3:], []))
        found[-1][1].append({"type": cell.cell_type, "source": piece, "tags": cell.metadata.get("tags", []),
                             "words": len(words.split()), "prints": printed(cell)})
    return found


def pieces(notebook):
    """The cells, each (cell, text), those with headings of sections cut before them.

    Without the lines that a translation has below its figures.
    """
    for cell in notebook.cells:
        if "figure key" in cell.metadata.get("tags", []):
            continue
        cut = re.split(r"^(?=## )", cell.source, flags=re.M) if cell.cell_type == "markdown" else [cell.source]
        yield from ((cell, piece) for piece in cut if piece.strip())


def printed(cell):
    """What a cell prints, and the answers to guesses; without figures and cards."""
    said = [o.get("text", "") for o in cell.get("outputs", []) if o.output_type == "stream"]
    said += [o.data.get("text/plain", "") for o in cell.get("outputs", []) if o.output_type == "execute_result"]
    return "".join(text for text in said if not text.startswith("Exercise")).strip()


def ids_in(cells):
    """The exercises of these cells; ValueError if there is no such exercise."""
    found = [asked(cell["source"])[0] for cell in cells if "exercise" in cell["tags"]]
    for id in found:
        if id not in Exercise.registry:
            raise ValueError(f'notebooks: a cell checks "{id}", and there is no such exercise; the nearest is {nearest(id)}')
    return found


def part_minutes(cells):
    """Minutes for one section: reading, running, exercises."""
    words = sum(cell["words"] for cell in cells if cell["type"] == "markdown")
    runs = sum(cell["type"] == "code" and not {"exercise", "solution"} & set(cell["tags"]) for cell in cells)
    return max(words / READING + CELL * runs + sum(Exercise.registry[id].minutes for id in ids_in(cells)), 1)


def questions(parts, recap):
    """Every "Predict" and "Guess" with what the notebook then prints, and the questions of the end with their answers."""
    lines = []
    for head, cells in parts:
        for place, cell in enumerate(cells):
            if cell["type"] != "markdown":
                continue
            for asks in ASKED.findall(cell["source"]):
                later = (c["prints"] for c in cells[place + 1:] if c["prints"] and not c["source"].startswith("guess("))
                shown = next(later, "")
                lines += [say("- **{}.** {}", head, " ".join(asks.split()))]
                lines += ["", *(f"      {line}" for line in shown.splitlines()), ""] if shown else [""]
    for asks, answer in re.findall(r"<summary>(.+?)</summary>\s*(.+?)\s*</details>", recap, re.S):
        lines += [say("- **At the end.** {} *{}*", asks.strip(), " ".join(answer.split())), ""]
    return lines


def expected(mistakes):
    """A table of the mistakes in one exercise, and of the hints."""
    rows = [f"| {say('; ').join(whats)} | {cell_text(hint or say('*None: the check says {!r}.*', status))} |"
            for whats, status, hint in mistakes]
    return [say("| the answer | the hint |"), "|---|---|", *rows]


def cell_text(text):
    """A text as it may stand in a table."""
    return " ".join(text.replace("|", "\\|").split())
