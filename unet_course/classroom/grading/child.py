"""Runs one student's notebook in a kernel, within the limits of `run_limited`, and prints what the checks say.

It is run by its path and imports nothing of the course: the kernel does. What it prints is not what the notebook prints.
"""

import ctypes
import hashlib
import json
import os
import re
import secrets
import sys
import threading
import time

LARGEST = 100 * 2**20  # bytes of a notebook


def main():
    wanted = json.loads(sys.stdin.readline())
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # the kernel, which is the same user, cannot look into this process
    try:
        cells = code_cells(wanted["notebook"])
    except Exception as error:  # whatever a file that is no notebook leads to
        return say(unreadable=f"{type(error).__name__}: {error}"[:300])
    places = {exercise["id"]: place(cells, exercise) for exercise in wanted["exercises"]}
    kernel = Kernel(wanted)
    answers = {exercise["id"]: exercise["answer"] for exercise in wanted["exercises"]}
    for number, cell in enumerate(cells):
        error = kernel.run(cell["source"])
        for id in answers:
            if places[id] == number:
                kernel.grade(id, answers[id], error)
    for id in answers:
        if places[id] is None:
            kernel.grade(id, answers[id], "", missing=True)
    kernel.end()


def say(**about):
    print(json.dumps(about), flush=True)


def code_cells(path):
    import nbformat

    if os.path.getsize(path) > LARGEST:
        raise ValueError(f"the file has more than {LARGEST // 2**20} MB")
    notebook = nbformat.read(path, as_version=4)
    return [dict(source=str(cell.source), id=cell.get("id"), tags=list(cell.metadata.get("tags", [])))
            for cell in notebook.cells if cell.cell_type == "code"]


def place(cells, exercise):
    """Index of the cell in which an exercise was answered: by its id, else the last that hands an answer to the check."""
    call = re.compile(rf'^check\(\s*["\']{re.escape(exercise["id"])}["\']', re.M)
    for fits in (lambda cell: cell["id"] == exercise["cell"], lambda cell: call.search(cell["source"])):
        found = [number for number, cell in enumerate(cells) if fits(cell) and "solution" not in cell["tags"]]
        if found:
            return found[-1]
    return None


class Kernel:
    """A Jupyter kernel of its own, with the course's witness in it before anything else."""

    def __init__(self, wanted):
        from jupyter_client.manager import start_new_kernel

        self.wanted, self.key, self.name = wanted, secrets.token_hex(16), f"_{secrets.token_hex(8)}"
        quiet = os.open(os.devnull, os.O_WRONLY)
        self.manager, self.client = start_new_kernel(kernel_name="python3", startup_timeout=300, stdout=quiet, stderr=quiet,
                                                     extra_arguments=["--HistoryManager.enabled=False"])
        threading.Thread(target=self._watch, daemon=True).start()
        place = (f"from unet_course.classroom.grading.kernel import place as {self.name}\n"
                 f"{self.name}({self.name!r}, {self.key!r})\ndel {self.name}")
        error = self.run(place, seconds=300, silent=True)
        if error:
            say(failed=f"the course could not be loaded: {error}")
            self.end()

    def _watch(self):
        while self.manager.is_alive():
            time.sleep(0.5)
        self.end("ended its kernel")

    def run(self, source, seconds=None, silent=False):
        """Run a cell; what it stopped with, or nothing."""
        seconds = seconds or self.wanted["cell_seconds"]
        reply = self._ask(source, seconds, silent=silent, store_history=not silent)
        if reply is None:
            return f"The cell was still running after {seconds:g} seconds, and was interrupted."
        return stopped(reply["content"])

    def _ask(self, source, seconds, **options):
        options = dict(allow_stdin=False, stop_on_error=False, output_hook=lambda message: None, **options)
        try:
            return self.client.execute_interactive(source, timeout=seconds, **options)
        except TimeoutError:
            self.manager.interrupt_kernel()
        try:
            self.client.execute_interactive("", timeout=30, output_hook=lambda message: None)
        except TimeoutError:
            self.end("could not be interrupted")
        return None

    def grade(self, id, answer, error, missing=False):
        """Let the witness try an answer, believe it if it signs, and say what it found."""
        question = {"report": f"{self.name}({id!r}, lambda: ({answer}))"}
        seconds = 5 * self.wanted["cell_seconds"]  # a check ends by itself; on a busy machine it takes longer
        reply = self._ask("", seconds, silent=True, store_history=False, user_expressions=question)
        if reply is None:
            return say(id=id, status="stopped", hint=f"The check had not ended after {seconds:g} seconds. Grade this again.")
        try:
            text, signature = eval_pair(reply["content"]["user_expressions"]["report"]["data"]["text/plain"])
            real = hashlib.blake2b(text.encode(), key=self.key.encode()).hexdigest()
            found = json.loads(text)
            if not secrets.compare_digest(signature, real) or found["id"] != id:
                raise ValueError("not signed")
        except (TypeError, KeyError, ValueError, SyntaxError):
            found = dict(status="changed", hint="Something in the notebook answered in the place of the check. Read it "
                         "before you give points.")
        if missing and found["status"] != "passed":
            found = dict(status="missing", hint="The exercise's cell is not in the notebook.")
        elif error and found["status"] in ("hint", "not attempted"):
            found.update(status="hint", hint=error)
        say(id=id, status=found["status"], hint=found["hint"][:500])

    def end(self, why=None):
        if why:
            say(stopped=why)
        sys.stdout.flush()
        os._exit(0)  # the sandbox ends the kernel


def stopped(content):
    """What a cell stopped with, in the same words on every Python, or nothing."""
    if content["status"] != "error":
        return ""
    # Python 3.13 has a name of its own for code that breaks off.
    name = content["ename"].replace("_IncompleteInputError", "SyntaxError")
    return f"The cell stopped with {name}: {content['evalue']}"


def eval_pair(text):
    """The two texts that a pair of them was shown as."""
    import ast

    first, second = ast.literal_eval(text)
    return str(first), str(second)


if __name__ == "__main__":
    main()
