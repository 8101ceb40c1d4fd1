"""Change each reference solution a little, in every way that it can be changed, and see whether its check notices.

Run it as ``python course.py mutants [ID ...]``; it takes some minutes. A mutant that passes its check is a hole in the
check, unless it does the same as the solution: those are listed in equivalent.py, each with the reason.
"""

import ast
import copy
import json
import re
import sys
import time
from pathlib import Path

import torch

from tools.mutants.equivalent import reason
from unet_course.exercises import Exercise
from unet_course.exercises.guard import CPU_SECONDS

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
OPERATORS = {ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Add], ast.Div: [ast.Mult],
             ast.FloorDiv: [ast.Mult, ast.Div], ast.Pow: [ast.Mult], ast.Mod: [ast.FloorDiv], ast.MatMult: [ast.Mult],
             ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd]}
COMPARISONS = {ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Lt: [ast.LtE, ast.Gt], ast.Gt: [ast.GtE, ast.Lt],
               ast.LtE: [ast.Lt, ast.GtE], ast.GtE: [ast.Gt, ast.LtE], ast.In: [ast.NotIn], ast.Is: [ast.IsNot]}
WORDS = {"bilinear": "nearest", "transpose": "bilinear", "reflect": "edge"}


def solutions():
    """(id, syntax tree, index of its first own statement) for every solution cell; the tree leaves ANSWER behind."""
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        setup = "".join(cells[0]["source"]).replace("%pip", "pass  #")
        imports = [node for node in ast.parse(setup).body if isinstance(node, (ast.Import, ast.ImportFrom))]
        for cell in cells:
            source = "".join(cell["source"])
            asked = re.search(r'^check\("([\d.]+)", (.+)\)\s*\Z', source, re.M | re.S)
            if "solution" in cell["metadata"].get("tags", []) and asked:
                own = ast.parse(source[: asked.start()] + f"ANSWER = {asked.group(2)}").body
                yield asked.group(1), ast.Module(body=[*imports, *own], type_ignores=[]), len(imports)


def answer(tree):
    """What a solution, or a mutant of it, hands to the check."""
    names = {"__name__": "mutant"}
    exec(compile(tree, "mutant", "exec"), names)
    return names["ANSWER"]


def changes(node):
    """(what is done, the new node) for every way in which one node of a syntax tree is changed."""
    for kind in (values, operations, calls, sequences, statements):
        yield from kind(node)


def with_field(node, **fields):
    new = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def without(node, field, index):
    return with_field(node, **{field: [copy.deepcopy(x) for i, x in enumerate(getattr(node, field)) if i != index]})


def swapped(node, field, index):
    items = [copy.deepcopy(x) for x in getattr(node, field)]
    items[index], items[index + 1] = items[index + 1], items[index]
    return with_field(node, **{field: items})


def values(node):
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield f"{value} → {not value}", ast.Constant(not value)
        elif isinstance(value, (int, float)):
            yield from ((f"{value} → {value + d}", ast.Constant(value + d)) for d in (1, -1))
        elif isinstance(value, str) and len(value) < 20:
            yield "another word", ast.Constant(WORDS.get(value, value + "x"))


def operations(node):
    if isinstance(node, ast.BinOp):
        for new in OPERATORS.get(type(node.op), []):
            yield f"{type(node.op).__name__} → {new.__name__}", with_field(node, op=new())
        yield "sides swapped", with_field(node, left=copy.deepcopy(node.right), right=copy.deepcopy(node.left))
        yield "left side only", copy.deepcopy(node.left)
        yield "right side only", copy.deepcopy(node.right)
    elif isinstance(node, ast.UnaryOp):
        yield "sign dropped", copy.deepcopy(node.operand)
    elif isinstance(node, ast.Compare):
        for new in COMPARISONS.get(type(node.ops[0]), []):
            yield f"{type(node.ops[0]).__name__} → {new.__name__}", with_field(node, ops=[new(), *node.ops[1:]])
    elif isinstance(node, ast.IfExp):
        yield "always the first", copy.deepcopy(node.body)
        yield "always the second", copy.deepcopy(node.orelse)
    elif isinstance(node, ast.BoolOp):
        yield from ((f"part {i + 1} only", copy.deepcopy(value)) for i, value in enumerate(node.values))


def calls(node):
    if isinstance(node, ast.Call):
        yield from ((f"arguments {i + 1} and {i + 2} swapped", swapped(node, "args", i)) for i in range(len(node.args) - 1))
        yield from ((f"argument {i + 1} dropped", without(node, "args", i)) for i in range(len(node.args)))
        yield from ((f"keyword {k.arg} dropped", without(node, "keywords", i)) for i, k in enumerate(node.keywords))
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
            yield "call dropped", copy.deepcopy(node.args[0])
        if isinstance(node.func, ast.Attribute):
            yield f"method {node.func.attr} dropped", copy.deepcopy(node.func.value)


def sequences(node):
    if isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Load):
        yield from ((f"items {i + 1} and {i + 2} swapped", swapped(node, "elts", i)) for i in range(len(node.elts) - 1))
        yield from ((f"item {i + 1} dropped", without(node, "elts", i)) for i in range(len(node.elts)))
    elif isinstance(node, ast.Slice):
        yield from ((f"{end} end dropped", with_field(node, **{end: None})) for end in ("lower", "upper", "step")
                    if getattr(node, end) is not None)


def statements(node):
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr, ast.For, ast.While, ast.If, ast.Return, ast.Raise)):
        yield "statement dropped", ast.Pass()
    if isinstance(node, ast.If):
        yield from ((f"if {truth}", with_field(node, test=ast.Constant(truth))) for truth in (True, False))


class Replace(ast.NodeTransformer):
    """Put a new node where the marked one stands."""

    def __init__(self, new):
        self.new = new

    def visit(self, node):
        return self.new if getattr(node, "marked", False) else self.generic_visit(node)


def mutants(tree, first):
    """(description, tree) of every mutant; what comes before the statement `first` is left alone."""
    original = ast.dump(tree)
    for statement in tree.body[first:]:
        around = {child: node for node in ast.walk(statement) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(statement):
            if getattr(getattr(node, "targets", [None])[0], "id", "") == "ANSWER":
                continue  # the line that was put there to hand the answer over
            for done, new in changes(node):
                node.marked = True
                mutant = copy.deepcopy(tree)
                del node.marked
                mutant = ast.fix_missing_locations(Replace(new).visit(mutant))
                if ast.dump(mutant) != original:
                    yield f"{place(node, around)}: {done}", mutant


def place(node, around):
    """Where a change is: the code, and for a single number or name also what it is part of."""
    code = ast.unparse(node).splitlines()[0]
    whole = around.get(node)
    while whole is not None and isinstance(whole, (ast.UnaryOp, ast.keyword)):
        whole = around.get(whole)
    short = isinstance(node, (ast.Constant, ast.UnaryOp, ast.Name)) and isinstance(whole, ast.expr)
    return f"{code} in {ast.unparse(whole).splitlines()[0]}" if short else code


def passes(exercise, handed, room=CPU_SECONDS):
    """Whether an answer passes every behaviour; the first that refuses it ends the trial."""
    one = copy.copy(exercise)
    for behaviour in exercise.behaviours:
        one.behaviours = [behaviour]
        if one.try_on(handed, cpu_seconds=room).status != "passed":
            return False
    return True


def survivors(id, tree, first):
    """(how many mutants, descriptions of those that pass the check)."""
    number, alive, start = 0, [], time.process_time()
    Exercise.registry[id].try_on(answer(tree))
    # Only what never ends may be refused for its time, on a slow machine and by a slow check, too.
    room = 1 + 10 * (time.process_time() - start)
    for what, mutant in mutants(tree, first):
        number += 1
        try:
            handed = answer(mutant)
        except Exception:
            continue  # it does not even run
        if passes(Exercise.registry[id], handed, room):
            alive.append(what)
    return number, alive


def main(wanted):
    """Print the score; 1 if a mutant passes that is not listed."""
    torch.set_num_threads(1)
    total = unlisted = listed = 0
    for id, tree, first in solutions():
        if wanted and id not in wanted:
            continue
        number, alive = survivors(id, tree, first)
        new = [what for what in alive if reason(id, what) is None]
        total, unlisted, listed = total + number, unlisted + len(new), listed + len(alive) - len(new)
        print(f"{id:5}{number:5} mutants, {len(alive) - len(new)} equivalent, {len(new)} not noticed", flush=True)
        print("".join(f"      {what}\n" for what in new), end="", flush=True)
    real = total - listed
    print(f"{total} mutants, {listed} do the same as the solution; of the other {real}, {real - unlisted} are refused: "
          f"{100 * (real - unlisted) / max(real, 1):.1f} %")
    return int(unlisted > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
