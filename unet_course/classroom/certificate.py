"""A certificate of what was passed: a page to print, made from the progress file alone."""

import html
import unicodedata
from datetime import date
from pathlib import Path

from unet_course.data.files.saving import write_text
from unet_course.exercises.core import Exercise
from unet_course.exercises.hints import in_chinese
from unet_course.exercises.listing import exercises_by_notebook
from unet_course.exercises.progress import SWITCH, passed, progress_file
from unet_course.figures.texts import language

LONGEST = 80  # signs of a name
WORDS = {
    "en": {
        "lang": "en", "course": "U-Net, step by step", "title": "U-Net, step by step: what was passed",
        "passed": "has passed {count} of the {all} exercises of this course: its own checks found nothing "
                  "wrong with the answers.",
        "heads": ("notebook", "passed", "exercises"), "of": "{} of {}", "between": "; ",
        "proves": "This page was made on the learner's own computer from a file that the learner can "
                  "change. It is for the learner, and proves nothing to anybody else. The file does not "
                  "say when an exercise was passed."},
    "zh": {
        "lang": "zh-CN", "course": "U-Net，一步一步来", "title": "U-Net，一步一步来：通过的练习",
        "passed": "通过了本课程 {all} 个练习中的 {count} 个：课程自带的检查没有发现答案有错。",
        "heads": ("笔记本", "通过", "练习"), "of": "{} / {}", "between": "；",
        "proves": "本页在学习者自己的电脑上生成，依据的文件学习者自己可以改动。它是给学习者本人看的，"
                  "不能向别人证明什么。文件里没有记录练习是何时通过的。"},
}
STYLE = """
body { font: 16px/1.5 sans-serif; color: #222; max-width: 46rem; margin: 3rem auto; padding: 1rem }
h1 { font-weight: normal }
.name { font-size: 1.6rem; border-bottom: 1px solid #222; min-height: 2.4rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .3rem; border-bottom: 1px solid #ccc }
td:nth-child(2) { white-space: nowrap }
.small { color: #555; font-size: .85rem }
@media print { body { margin: 0 } tr { break-inside: avoid } }
"""
PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{course}</h1>
<p class="name">{name}</p>
<p>{passed}</p>
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p>{date}</p>
<p class="small">{proves}</p>
</main>
</body>
</html>
"""


def certificate(out, name="", *, today=None):
    """Write a page that says which exercises were passed, for the browser to show and print.

    It speaks the language that was chosen, see `unet_course.language`.

    Parameters
    ----------
    out : path
        A file that ends in .html and is not there yet.
    name : str, optional
        Whose it is, in any writing; left out, there is a line to write on.
    today : datetime.date, optional
        The date on it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the name is too long or holds signs that cannot be printed, if the file's name ends
        otherwise, if no progress is kept, or nothing is passed yet.
    FileExistsError
        If the file is there already.

    Examples
    --------
    >>> certificate("mine.pdf")
    Traceback (most recent call last):
        ...
    ValueError: out is mine.pdf; wanted a name that ends in .html, which a browser can print
    """
    out = Path(out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"out is {out}; wanted a name that ends in .html, which a browser can "
                         "print")
    name = _checked(name)
    if progress_file() is None:
        raise ValueError(f"No progress is kept here: {SWITCH} is off, or this is a machine that "
                         f"tests (CI). Set {SWITCH} to the file in which your progress is")
    done = passed() & set(Exercise.registry)
    if not done:
        raise ValueError(f"Nothing is passed yet, says {progress_file()}. Pass an exercise first; "
                         "if you have, on another machine, bring your progress over with "
                         "progress(), from unet_course.exercises")
    if out.exists():
        raise FileExistsError(f"out: {out} is there already; give another name")
    write_text(out, page(done, name, today or date.today()))
    return out


def _checked(name):
    name = " ".join(unicodedata.normalize("NFC", name).split(" ")).strip()
    kinds = ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")  # control signs, halves, unassigned, ends of lines
    odd = [sign for sign in name if unicodedata.category(sign) in kinds]
    if odd:
        raise ValueError(f"name holds {odd[0]!r}, which cannot be printed; wanted one line of "
                         "letters, such as 'Ada Lovelace'")
    if len(name) > LONGEST:
        raise ValueError(f"name has {len(name)} signs; wanted {LONGEST} at most")
    return name


def page(done, name, today):
    """The page as HTML; nothing in it is loaded from elsewhere.

    Parameters
    ----------
    done : set of str
        Ids of the exercises that were passed.
    name : str
    today : datetime.date

    Returns
    -------
    str
    """
    words, rows = WORDS[language()], []
    for notebook, ids in exercises_by_notebook().items():
        there = [id for id in ids if id in done]
        titles = words["between"].join(f"{id} {_title(id)}" for id in there) or "–"
        rows.append(f"<tr><td>{notebook}</td><td>{words['of'].format(len(there), len(ids))}</td>"
                    f"<td>{html.escape(titles)}</td></tr>")
    passed = words["passed"].format(count=len(done), all=len(Exercise.registry))
    heads = "".join(f"<th>{head}</th>" for head in words["heads"])
    return PAGE.format(**{**words, "passed": passed, "heads": heads}, style=STYLE, name=html.escape(name),
                       rows="\n".join(rows), date=today.isoformat())


def _title(id):
    title = Exercise.registry[id].title
    return in_chinese(title) if language() == "zh" else title
