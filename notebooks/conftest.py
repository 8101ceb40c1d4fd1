"""What ``pytest --nbval notebooks`` compares beside the text.

- A number behind ≈ may differ by two units of its last digit, or by what the cell's tag
  ``tolerance: 0.02`` says (``tolerance: 10 %``: by that share of the stored number). One with a
  power of ten, such as 9e-08, is what rounding has left over: only its size counts, not its digits.
- In a cell with the tag ``time`` no time is compared.
- ``order: A > B`` is tried in the kernel when the cell has run: A and B are names of the notebook.
"""

import os
import re
from pathlib import Path

os.environ.setdefault("UNET_COURSE_LANGUAGE", "en")  # what is stored is English, also where the system is Chinese

NUMBER = r"[-+\u2212]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+\u2212]?\d+)?"
MOVING = re.compile(rf"\u2248 ?(?:\[([^\]\n]*)\]|({NUMBER}))")
TIME = re.compile(rf"(?:\u2248 ?)?{NUMBER} ?(?:ms|s|min|h|seconds?|minutes?|hours?)\b")


def moving(text):
    """The numbers behind ≈ in a text, as they are printed.

    >>> moving("Dice ≈ 0.94 of ≈ [1, 2e-05], ≈ −1,300 and 7")
    ['0.94', '1', '2e-05', '-1300']
    """
    found = [number for listed, single in MOVING.findall(text)
             for number in (re.findall(NUMBER, listed) if listed else [single])]
    return [number.replace(",", "").replace("\u2212", "-") for number in found]


def room(stored, tolerance=None):
    """How far a fresh number may be from a stored one: two units of its last digit, or as is said.

    What rounding has left over, with a power of ten, may be 0, or ten times as large.

    >>> room("0.94"), room("1300"), room("9e-08"), room("0.94", "0.05"), room("200", "10 %")
    (0.02, 2.0, 1e-06, 0.05, 20.0)
    """
    if tolerance is not None:
        share = tolerance.endswith("%")
        return float(tolerance.strip(" %")) * (abs(float(stored)) / 100 if share else 1)
    digits, _, power = stored.partition("e")
    if power:
        return float(f"1e{int(power) + 2}")
    return float(f"2e{-len(digits.partition('.')[2])}")


def spoken(outputs):
    """Every text of some outputs, in order."""
    for output in outputs:
        yield output.get("text", "")
        yield output.get("evalue", "")
        for kind in ("text/plain", "text/html"):
            yield output.get("data", {}).get(kind, "")


def told(tags, name):
    """What a tag such as ``tolerance: 0.02`` says; None without it."""
    return next((tag[len(name) + 1 :].strip() for tag in tags if tag.startswith(f"{name}:")), None)


def moved(fresh, stored, tolerance=None):
    """What is wrong with the numbers behind ≈, in a sentence; None if all are close enough.

    >>> moved([{"text": "≈ 0.95"}], [{"text": "≈ 0.94"}])
    >>> moved([{"text": "≈ 0.97"}], [{"text": "≈ 0.94"}])
    'stored ≈ 0.94, now 0.97: further apart than 0.02'
    """
    new, old = ([number for text in spoken(outputs) for number in moving(text)]
                for outputs in (fresh, stored))
    if len(new) != len(old):
        return f"stored {len(old)} numbers behind ≈, now {len(new)}"
    for one, other in zip(new, old):
        limit = room(other, tolerance)
        if not abs(float(one) - float(other)) <= limit * (1 + 1e-9):
            return f"stored ≈ {other}, now {one}: further apart than {limit:g}"
    return None


def without_times(output):
    """An output in which no time stands."""
    output = {**output, "data": dict(output.get("data", {}))} if "data" in output else dict(output)
    for part, key in ((output, "text"), *((output.get("data", {}), k) for k in output.get("data", {}))):
        if isinstance(part.get(key), str) and key.startswith("text"):
            part[key] = TIME.sub("t", part[key])
    return output


def evaluated(client, expression):
    """What an expression is in a kernel, as text."""
    sent = client.execute("", silent=True, store_history=False, allow_stdin=False,
                          user_expressions={"it": f"bool({expression})"})
    while True:
        reply = client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == sent:
            it = reply["content"]["user_expressions"]["it"]
            return it["data"]["text/plain"] if it["status"] == "ok" else it["evalue"]


def pytest_configure(config):
    if not (config.pluginmanager.hasplugin("nbval") and config.option.nbval):
        return
    from nbformat import from_dict
    from nbval.plugin import IPyNbCell

    if config.option.nbval_sanitize_with is None:
        config.option.nbval_sanitize_with = str(Path(__file__).with_name("sanitize.cfg"))
    compare, run = IPyNbCell.compare_outputs, IPyNbCell.runtest
    if compare.__module__ != IPyNbCell.__module__:
        return  # done already: pytest can read this file twice, as of two folders

    def compare_outputs(cell, fresh, stored, skip_compare=None):
        tags = cell.cell.metadata.get("tags", [])
        if "time" in tags:
            fresh, stored = ([from_dict(without_times(one)) for one in side]
                             for side in (fresh, stored))
        wrong = moved(fresh, stored, told(tags, "tolerance"))
        cell.comparison_traceback = [wrong]
        return False if wrong else compare(cell, fresh, stored, skip_compare)

    def runtest(cell):
        run(cell)
        for tag in cell.cell.metadata.get("tags", []):
            if tag.startswith("order:"):
                found = evaluated(cell.parent.kernel.kc, told([tag], "order"))
                if found != "True":
                    cell.raise_cell_error(f"The tag '{tag}' does not hold", found)

    IPyNbCell.compare_outputs, IPyNbCell.runtest = compare_outputs, runtest
