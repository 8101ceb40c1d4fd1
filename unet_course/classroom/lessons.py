"""What a teacher takes along besides the guide: plans, open questions, a sheet, a survey."""

from pathlib import Path

from unet_course.classroom.copies import NOTEBOOKS, find_notebooks
from unet_course.classroom.guide import guide_texts, ids_in, new_folder, opened, part_minutes
from unet_course.classroom.objectives import TEXTS, held
from unet_course.classroom.words import say, speaking
from unet_course.data.files.saving import write_text, written
from unet_course.exercises.core import Exercise
from unet_course.figures.texts import language as chosen

LEVELS = ("weak", "good", "excellent")
PAGES = {  # beside the guide's: what each is, in the words of the first page
    "lessons.md": "plans for 3, 8 and 20 hours",
    "minutes.md": "a sheet on which you note how long it really took",
    "open_questions.md": "two open questions for each notebook, with what a weak, a good and an "
                         "excellent answer holds",
    "learners.md": "four people whom the course was written for",
    "survey.md": "what to ask them before and after",
}


def teachers_folder(out, notebooks=NOTEBOOKS, *, language="en"):
    """Write the teacher's guide, and what a teacher needs besides.

    Parameters
    ----------
    out : path
        A folder that is not there yet, or is empty.
    notebooks : path, optional
        As for `student_copies`. The wrong answers are read from tests/exercises beside it, as in a clone of the course.
    language : {"en", "zh"}, default "en"
        Notebooks that are not there in Chinese have English parts in their pages.

    Returns
    -------
    list of Path
        The pages, Markdown, README.md first.

    Raises
    ------
    FileNotFoundError
        If there is no notebook, or no bank of answers.
    FileExistsError
        If `out` holds something already; then nothing is written.
    ValueError
        If there is no such language.
    """
    out = new_folder(out)
    find_notebooks(notebooks, language)
    with speaking(language):
        read = opened(notebooks)
        texts = guide_texts(read, Path(notebooks).resolve().parent / "tests" / "exercises")
        parts = {name: found for name, (_, found) in read.items()}
        links = (say("- [{0}]({0}): {1}", name, say(what)) for name, what in PAGES.items())
        texts["README.md"] += "\n".join(["", f"## {say('To plan, to ask, to note')}", "", *links, ""])
        texts |= {"lessons.md": lesson_plans(parts), "minutes.md": sheet(parts), "open_questions.md": open_questions(parts),
                  "learners.md": spoken_text("learners.md"), "survey.md": spoken_text("survey.md")}
    with written(out) as beside:
        for name, text in texts.items():
            write_text(beside / name, text)
    return [Path(out) / name for name in texts]


def in_language(name):
    """The name of a text in the language that was chosen: learners.md, or learners_zh.md.

    Examples
    --------
    >>> with speaking("zh"):
    ...     in_language("learners.md")
    'learners_zh.md'
    """
    stem, *end = name.split(".")
    return ".".join([stem if chosen() == "en" else f"{stem}_{chosen()}", *end])


def spoken_text(name):
    return (TEXTS / in_language(name)).read_text(encoding="utf-8")


def alone(cells):
    """Minutes of a section without its exercises, as the guide counts them."""
    return round(part_minutes(cells)) - minutes_of(ids_in(cells))


def minutes_of(ids):
    """Minutes of some exercises."""
    return sum(Exercise.registry[id].minutes for id in ids)


def lesson_minutes(lesson, parts):
    """Minutes of one lesson: its sections without exercises, and the exercises done in class.

    Parameters
    ----------
    lesson : dict
        ``sections``, a list of numbers (left out: all), and ``exercises``, a list of ids.
    parts : list of (str, list)
        The notebook's sections, as `sections` gives them.

    Returns
    -------
    int
    """
    wanted, ids = lesson.get("sections"), lesson["exercises"]
    taught = [cells for head, cells in parts
              if head == say("Begin") or wanted is None or number(head) in wanted]
    there = [id for cells in taught for id in ids_in(cells)]
    if missing := [id for id in ids if id not in there]:
        raise ValueError(f"lesson: exercise {missing[0]} is in no section that is taught of "
                         f"notebook {lesson['notebook']}; wanted some of {there}")
    return sum(map(alone, taught)) + minutes_of(ids)


def number(head):
    """The number of a section: 3 of "3. The block"; None for the end of a notebook.

    Examples
    --------
    >>> number("3. The block"), number("What you can do now")
    (3, None)
    """
    first = head.split(".")[0]
    return int(first) if first.isdigit() else None


def lesson_plans(parts):
    """The page of lesson plans."""
    lines = [say("# Lesson plans"), "",
             say("Minutes are the guide's: estimated from words, cells and exercises, and not yet "
                 "measured in any class. Note the real ones in [minutes.md](minutes.md). What you "
                 "show on the projector in place of letting them read is faster; what they type is "
                 "slower than you think. An exercise that is not named here is for home.")]
    for plan in held("lessons")["plan"]:
        lines += ["", f"## {say('{} hours', plan['hours'])}", "",
                  say("**{}.** {}", say(plan["title"]), say(plan["ends"])), "",
                  say("| notebook | sections | exercises in class | minutes | for you |"),
                  "|---|---|---|---|---|"]
        total = 0
        for lesson in plan["lesson"]:
            name = next(name for name in parts if name.startswith(lesson["notebook"]))
            minutes = lesson_minutes(lesson, parts[name])
            total += minutes
            which = say(", ").join(map(str, lesson.get("sections", [say("all")])))
            ids = say(", ").join(lesson["exercises"])
            lines.append(f"| [{title(name)}]({name}.md) | {which} | {ids} | {minutes} | "
                         f"{say(lesson['say'])} |")
        left = 60 * plan["hours"] - plan["breaks"] - total
        lines += ["", say("Together {} minutes, {} minutes of breaks, {} left over for questions.",
                          total, plan["breaks"], left)]
    return "\n".join(lines) + "\n"


def title(name):
    """The name of a notebook as a heading may show it.

    Examples
    --------
    >>> title("02_convolution_block")
    '02 convolution block'
    """
    return say(name.replace("_", " "))


def sheet(parts):
    """The sheet on which a teacher notes how long each section really took."""
    lines = [say("# Real minutes"), "",
             say("Print it, or fill it in as you go: one line for each section that you have taught. "
                 "The estimate is the guide's, with all exercises. Sent back to the course, with how "
                 "many you were and what they knew before, it makes the estimates better."), "",
             say("Date: ____ How many: ____ Python and PyTorch before: ____ Machine: ____")]
    for name, found in parts.items():
        lines += ["", f"## {title(name)}", "",
                  say("| section | estimate | really | what took longer, what was left out |"),
                  "|---|---|---|---|"]
        lines += [f"| {head} | {round(part_minutes(cells))} | | |" for head, cells in found]
    return "\n".join(lines) + "\n"


def open_questions(parts):
    """The page of open questions, with their rubrics."""
    lines = [say("# Open questions"), "",
             say("Two for each notebook, about ten minutes each, alone or in threes. They have no "
                 "check: what counts is the judgement, with the notebook's own figures at hand. "
                 "Points, if you need some: weak 0, good 1, excellent 2. An answer that says "
                 "something else, and holds against your questions, is as good.")]
    table = held(in_language("open_questions"))
    for name in parts:
        lines += ["", f"## {title(name)}"]
        for place, entry in enumerate(table[name[:2]], 1):
            lines += ["", f"**{place}.** {' '.join(entry['question'].split())}", ""]
            lines += [say("- *{}:* {}", say(level), " ".join(entry[level].split())) for level in LEVELS]
    return "\n".join(lines) + "\n"
