"""Open an issue on what failed at night: ``python tools/elsewhere/nightly.py TASK LOG``.

The issue shows the first failure, a notebook's cell for one, and how the log ends. Is an issue on
the task open already, nothing is done. It needs nothing but Python and GitHub's program `gh`: that
the course could not even be installed is one of the things that it tells.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

FIRST, LAST = 60, 40  # lines of the first failure, and of the end
WIDTH = 400  # characters of a line


def failure(log):
    """The first failure as pytest tells it, shortened in its middle; none in a log of another kind.

    Examples
    --------
    >>> print(failure("..F\\n____ notebooks/05.ipynb::Cell 12 ____\\nIt differs\\n____ b ____\\nx"))
    ____ notebooks/05.ipynb::Cell 12 ____
    It differs
    """
    head = r"^_{3,} [^\n]+ _{3,}$"
    found = re.search(rf"{head}.*?(?={head}|^={{3,}}|\Z)", log, re.MULTILINE | re.DOTALL)
    lines = found.group().strip().split("\n") if found else []
    if len(lines) > FIRST:
        lines = [*lines[:FIRST // 2], "…", *lines[-FIRST // 2:]]
    return "\n".join(lines)


def report(task, log, surroundings):
    """The title and the text of the issue."""
    log = re.sub(r"\x1b\[[0-9;]*m|.*\r(?!\n)", "", log)
    log = "\n".join(line[:WIDTH] for line in log.splitlines())
    parts = [f"`python course.py {task}` failed at night."]
    if "GITHUB_RUN_ID" in surroundings:
        run = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"
        commit = surroundings["GITHUB_SHA"]
        parts.append(f"The whole log: {run.format(**surroundings)}, of commit {commit}")
    end = "\n".join(log.strip().split("\n")[-LAST:])
    for name, text in (("The first failure", failure(log)), ("How the log ends", end)):
        if text:
            parts.append(f"{name}:\n\n~~~~text\n{text}\n~~~~")
    return f"Nightly: {task} fails", "\n\n".join(parts)


def gh(*arguments, text=""):
    return subprocess.run(["gh", *arguments], input=text, stdout=subprocess.PIPE, check=True,
                          encoding="utf-8").stdout  # what goes wrong stands in the log of the night


def main(arguments):
    if len(arguments) != 2:
        print("Wanted two words: the task, and the file of its log.", file=sys.stderr)
        return 2
    task, path = arguments[0], Path(arguments[1])
    log = path.read_text(encoding="utf-8", errors="replace") if path.exists() else "There is no log."
    title, body = report(task, log, os.environ)
    looked = gh("issue", "list", "--state", "open", "--search", f'in:title "{title}"',
                "--json", "number,title")
    there = [issue["number"] for issue in json.loads(looked) if issue["title"] == title]
    if there:
        print(f"Issue {there[0]} is open already: {title}")
    else:
        print(gh("issue", "create", "--title", title, "--body-file", "-", text=body).strip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
