"""What stands in the kernel while a student's notebook runs: it tries the answers with the course's own checks.

It is run there before the student's first cell. What the notebook then puts in the place of
anything that the checks use is seen, and named: functions, classes, constants, the lists of
behaviours, modules.
"""

import ast
import builtins
import hashlib
import importlib
import json
import secrets
import sys
import types
from dataclasses import dataclass

import numpy
import torch

from unet_course.exercises.core import Exercise, check

OWN, READ = "unet_course", "Read it before you give points."
OTHERS = ("torch", "torch.nn", "torch.nn.functional", "torch.linalg", "torch.testing",
          "torch.autograd", "torch.overrides", "torch.nn.init", "torch._C._nn", "numpy", "math",
          "random", "json", "hashlib", "contextlib", "statistics", "copy", "itertools", "numbers",
          "re")
OF_THE_KERNEL = {"_", "copyright", "credits", "display", "exit", "get_ipython", "help", "input", "license", "open", "print",
                 "quit"}
OF_TORCH = {"torch.manual_seed"}  # which torch itself replaces once its compiler is imported
OF_PYTHON = {"__annotations__", "__annotations_cache__", "__annotate_func__", "__weakref__",
             "__dict__", "__doc__"}
SPEAK = {"__torch_function__", "__torch_dispatch__", "__array_function__", "__array_ufunc__"}
PLAIN = bool, int, float, complex, str, bytes, type(None)
MISSING = object()
HOOK = torch.optim.Optimizer.profile_hook_step(lambda self: None).__code__


def witness(key):
    """A function that tries an answer and signs what it found with a key.

    Parameters
    ----------
    key : str
        Known to the grader and to this function; a notebook that does not look for it cannot sign.

    Returns
    -------
    callable
        ``report(id, handed)`` with a function `handed` that returns the answer; gives (text, signature).

    Examples
    --------
    >>> report = witness("key")
    >>> json.loads(report("0.1", lambda: ...)[0])["status"]
    'not attempted'
    """
    try_it, sign, write = trial(snapshot()), hashlib.blake2b, json.dumps

    def report(id, handed):
        status, hint, _ = try_it(id, handed)
        text = write(dict(id=id, status=status, hint=hint))
        return text, sign(text.encode(), key=key.encode()).hexdigest()

    return report


def place(name, key):
    """Put a witness among Python's own names, where %reset does not reach; its module goes away."""
    setattr(builtins, name, witness(key))
    forget()


def trial(before):
    """A function ``try_it(id, handed)`` that gives (status, first hint, the report or None)."""
    look = changes

    def try_it(id, handed):
        if replaced := look(before):
            return "changed", said("notebook", replaced), None
        try:
            answer = handed()
        except Exception as error:
            return "hint", f"{type(error).__name__}: {error}", None
        result = check(id, answer)
        if replaced := look(before):
            return "changed", said("answer", replaced), None
        return result.status, "".join(result.hints[:1]), result

    return try_it


def said(what, replaced):
    return f"The {what} puts something of its own in the place of {', '.join(replaced[:3])}. {READ}"


def stand(shell=None):
    """Stand in a kernel of nbgrader's before the notebook: see `CONFIG` in classroom/copies.py.

    A cell is refused once anything that the checks use was replaced; a locked cell is tried as
    `witness` tries it.

    Parameters
    ----------
    shell : InteractiveShell, optional
        By default, the one in which this is called.
    """
    from IPython import get_ipython
    from IPython.core.error import InputRejected

    before, look, name = snapshot(), changes, f"_{secrets.token_hex(8)}"
    try_it = trial(before)

    def judge(id, handed):
        status, hint, report = try_it(id, handed)
        if status != "passed":
            raise AssertionError(str(report or hint))

    class Locked(ast.NodeTransformer):
        def visit_Module(self, tree):
            if replaced := look(before):
                raise InputRejected(said("notebook", replaced))
            return self.generic_visit(tree)

        def visit_Call(self, call):
            inner = getattr(call.func, "value", None)
            if (getattr(call.func, "attr", "") == "require" and isinstance(inner, ast.Call)
                    and getattr(inner.func, "id", "") == "check" and len(inner.args) == 2):
                handed = ast.parse("lambda: 0", mode="eval").body
                handed.body = inner.args[1]
                call = ast.Call(ast.Name(name, ast.Load()), [inner.args[0], handed], [])
            return ast.fix_missing_locations(call)

    setattr(builtins, name, judge)
    (shell or get_ipython()).ast_transformers.append(Locked())
    forget()


def forget():
    """Take this module away: who imports it later gets a new one, and does not reach this one."""
    sys.modules.pop(__name__, None)
    package, _, name = __name__.rpartition(".")
    vars(sys.modules.get(package, types)).pop(name, None)


modes = torch._C._len_torch_function_stack  # how many there are


@dataclass
class Snapshot:
    """What there was: modules, what was seen in them, and that itself, so that its ids stay."""

    modules: dict
    seen: dict
    speakers: frozenset  # ids of classes
    held: list


def snapshot():
    """All that the checks may use, as it is now."""
    for name in OTHERS:
        importlib.import_module(name)
    own = [name for name in sorted(sys.modules) if name.split(".")[0] == OWN and name != __name__]
    modules = {name: sys.modules[name] for name in ("builtins", *OTHERS, *own)}
    held = []
    return Snapshot(modules, look_at(modules, held), frozenset(map(id, speakers(held))), held)


def changes(before):
    """The names of what is another than before, or was added where it would be used."""
    if modes() != before.seen["the modes of torch"]:  # what follows would be answered by it
        return ["the modes of torch"]
    try:
        return differences(before)
    except Exception as error:
        return [f"something that is needed to look for that ({type(error).__name__})"]


def differences(before):
    now = look_at(before.modules, [])
    found = [name for name in before.seen if now.get(name, MISSING) != before.seen[name]]
    found += [name for name in now if name not in before.seen and dangerous(name, before)]
    return found + [f"torch's functions, by the class {one.__qualname__}"
                    for one in speakers([]) if id(one) not in before.speakers]


def dangerous(name, before):
    """Whether a name that has come takes another's place: in a class, or of one of Python's."""
    holder, _, attribute = name.rpartition(".")
    if holder in before.modules:
        return holder.split(".")[0] == OWN and hasattr(builtins, attribute)
    return f"the bases of {holder}" in before.seen


def look_at(modules, held):
    """{name: what can be compared}; what is known by its id is put into `held`."""
    hooks = vars(sys.modules["torch.nn.modules.module"])
    seen = {f"torch.nn.modules.module.{name}": whole(value, held)
            for name, value in list(hooks.items())
            if name.startswith("_global_") and isinstance(value, dict)}
    seen["the modes of torch"] = modes()
    classes = {}
    for name, module in modules.items():
        own = name.split(".")[0] == OWN
        there = sys.modules.get(name)
        seen[f"sys.modules[{name!r}]"] = known(there, held), known(type(module), held)
        for attribute, value in list(vars(module).items()):
            full = f"{name}.{attribute}"
            if module is builtins and attribute in OF_THE_KERNEL or full in OF_TORCH:
                continue
            if callable(value) or own and (attribute.isupper() or isinstance(value, Exercise)):
                seen[full] = whole(value, held)
            elif own and hasattr(builtins, attribute) and not attribute.startswith("__"):
                seen[full] = None  # it hides one of Python's names
            if isinstance(value, type) and value.__module__.split(".")[0] in (OWN, "torch"):
                classes[f"{value.__module__}.{value.__qualname__}"] = value
    for name, value in classes.items():
        seen[f"the bases of {name}"] = [known(base, held) for base in value.__mro__]
        own = value.__module__.split(".")[0] == OWN
        for attribute, part in list(vars(value).items()):
            if own and isinstance(part, PLAIN) and not attribute.isupper():
                seen[f"{name}.{attribute}"] = "there"  # a check may count with it
            elif attribute not in OF_PYTHON:
                look = whole if own or callable(part) else known
                seen[f"{name}.{attribute}"] = look(unhooked(part), held)
    return seen


def known(value, held):
    held.append(value)  # as long as it lives, nothing else has its id
    return id(value)


def whole(value, held, above=()):
    """What makes a value what it is, as something that can be compared."""
    if isinstance(value, PLAIN):
        return type(value).__name__, value
    me = known(value, held)
    if me in above or len(above) > 8:
        return me
    above = (*above, me)
    if isinstance(value, types.FunctionType):
        parts = [value.__defaults__, value.__kwdefaults__, *map(cell_of, value.__closure__ or ())]
        return me, known(value.__code__, held), [whole(part, held, above) for part in parts]
    if isinstance(value, (staticmethod, classmethod)):
        return me, whole(value.__func__, held, above)
    if isinstance(value, property):
        return me, [whole(part, held, above) for part in (value.fget, value.fset)]
    if isinstance(value, dict):
        return [(whole(key, held, above), whole(part, held, above))
                for key, part in list(value.items())]
    if isinstance(value, (list, tuple)):
        return [whole(part, held, above) for part in list(value)]
    if isinstance(value, (torch.Tensor, numpy.ndarray)):
        return me, value.tolist()
    if str(type(value).__module__).split(".")[0] == OWN and hasattr(value, "__dict__"):
        return me, whole(vars(value), held, above)
    return me


def unhooked(value):
    """The step of an optimiser as it is written: torch hooks it when the first one is made."""
    is_hook = getattr(value, "__code__", MISSING) is HOOK
    return value.__wrapped__ if is_hook else value


def cell_of(cell):
    try:
        return cell.cell_contents
    except ValueError:  # it is still empty
        return None


def speakers(held):
    """The notebook's own classes that answer in the place of torch's or NumPy's functions."""
    found, waiting, done = [], [object], set()
    while waiting:
        for one in type.__subclasses__(waiting.pop()):
            if id(one) not in done:
                done.add(known(one, held))
                waiting.append(one)
                array = issubclass(one, (torch.Tensor, numpy.ndarray))
                if one.__module__ == "__main__" and (array or SPEAK & set(vars(one))):
                    found.append(one)
    return found
