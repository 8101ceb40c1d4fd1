"""What a class does at once: N kernels run the student's copy of notebook 02 on this machine.

Run it as ``python course.py classroom [N ...]``. Measured are the wall time until the last learner is through, the memory
for each learner, and that none failed. Without numbers, these are 10, 20 and 30, every notebook is run by one learner alone
besides, and the tables on the page for teachers are refreshed.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

from unet_course.classroom.copies import find_notebooks, student_copies

HERE = Path(__file__).resolve().parents[2]
NOTEBOOK = "02_convolution_block.ipynb"
CALM = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "UNET_COURSE_PROGRESS": "off"}
MIB = 2**20


def own_memory(process):
    """Bytes that this process and its children would give back by ending; shared libraries are counted once, elsewhere."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().uss
        except psutil.Error:
            pass  # it has just ended
    return total


async def learner(folder, notebook, beginning):
    """Run one copy; return (seconds from the beginning of the class, None or what went wrong)."""
    client = NotebookClient(nbformat.read(folder / notebook, as_version=4), timeout=1800, startup_timeout=600,
                            kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    try:
        await client.async_execute()
    except Exception as error:  # a kernel that died, a cell that failed or never ended: all are a failed learner
        return time.perf_counter() - beginning, f"{type(error).__name__}: {error}"[:300]
    return time.perf_counter() - beginning, None


async def lesson(number, folder, notebook):
    """Run `number` copies at once; return what the page's table shows."""
    me, beginning, peak = psutil.Process(), time.perf_counter(), 0
    running = [asyncio.ensure_future(learner(folder, notebook, beginning)) for _ in range(number)]
    while not all(task.done() for task in running):
        done, _ = await asyncio.wait(running, timeout=1)
        peak = max(peak, sum(own_memory(child) for child in me.children()))
    results = [task.result() for task in running]
    failed = [why for _, why in results if why]
    for why in failed:
        print(f"  {why}", file=sys.stderr)
    return {"learners": number, "first": min(t for t, _ in results), "last": max(t for t, _ in results),
            "memory": peak / number / MIB, "failed": len(failed)}


def measure(number, notebook=NOTEBOOK):
    """One class of `number` learners."""
    os.environ.update(CALM)
    with tempfile.TemporaryDirectory() as folder:
        student_copies(folder)
        return asyncio.run(lesson(number, Path(folder), notebook))


def server_memory():
    """MiB of a JupyterLab server that nobody has opened a notebook in: on a hub, each learner has one."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0",
                   "--LabApp.news_url=None", *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else [])]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(8)
            return own_memory(psutil.Process(server.pid)) / MIB
        finally:
            server.terminate()
            server.wait(30)


WORDS = {
    "book/teaching.md": ("| learners at once | the first is through after | the last | memory for each kernel | failed |",
                  "One learner alone, memory at its highest:", "| notebook | run from first to last cell | memory |",
                  "Besides, the JupyterLab server of each learner takes {:.0f} MiB."),
    "book/zh/teaching.md": ("| 同时学习的人数 | 第一个人跑完 | 最后一个人跑完 | 每个内核的内存 | 失败 |",
                        "一个人单独运行，内存取最高值：", "| 笔记本 | 从第一个单元格运行到最后一个 | 内存 |",
                        "此外，每个学习者的 JupyterLab 服务器占用 {:.0f} MiB。"),
}


def table(rows, alone, server, page="book/teaching.md"):
    """The tables of a page: classes of one notebook, and every notebook by one learner."""
    classes, one, notebooks, besides = WORDS[page]
    lines = ["", classes, "|---|---|---|---|---|"]
    for row in rows:
        lines.append("| {learners} | {first:.0f} s | {last:.0f} s | {memory:.0f} MiB | {failed} |".format(**row))
    if alone:
        lines += ["", one, "", notebooks, "|---|---|---|"]
    for name, row in alone.items():
        lines.append("| {name} | {last:.0f} s | {memory:.0f} MiB |".format(name=name, **row))
    return "\n".join([*lines, "", besides.format(server), ""])


def refresh(text, new):
    """Put the table between its marks in a text."""
    head, rest = text.split("<!-- load:start -->")
    return head + "<!-- load:start -->" + new + "<!-- load:end -->" + rest.split("<!-- load:end -->")[1]


def main(wanted):
    """Measure each class; 1 if a learner failed."""
    rows = []
    for number in [int(n) for n in wanted] or [10, 20, 30]:
        print(f"{number} learners …", end=" ", flush=True)
        rows.append(measure(number))
        print("the last is through after {last:.0f} s, {memory:.0f} MiB each, {failed} failed".format(**rows[-1]), flush=True)
    alone = {path.stem: measure(1, path.name) for path in ([] if wanted else find_notebooks())}
    server = server_memory()
    print(table(rows, alone, server))
    for page in [] if wanted else WORDS:
        new = refresh((HERE / page).read_text(encoding="utf-8"), table(rows, alone, server, page))
        (HERE / page).write_text(new, encoding="utf-8", newline="\n")
    return int(any(row["failed"] for row in [*rows, *alone.values()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
