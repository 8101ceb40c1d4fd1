"""What stands in the kernel while a student's notebook runs: it tries the answers with the course's own checks.

It is run there before the student's first cell. What the notebook then puts in the place of a function that the checks
use is seen, and named.
"""

import builtins
import hashlib
import importlib
import json
import sys
import types

import torch

from unet_course.exercises.core import check

OWN, READ = "unet_course", "Read it before you give points."
OTHERS = ("torch", "torch.nn", "torch.nn.functional", "torch.linalg", "torch.testing", "torch.autograd", "numpy", "math",
          "random", "json", "hashlib", "contextlib")
OF_THE_KERNEL = {"_", "copyright", "credits", "display", "exit", "get_ipython", "help", "input", "license", "open", "print",
                 "quit"}
OF_TORCH = {"torch.manual_seed"}  # which torch itself replaces once its compiler is imported


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
    before, look, sign, write = snapshot(), changes, hashlib.blake2b, json.dumps

    def try_it(handed, id):
        if replaced := look(before):
            return "changed", f"The notebook puts something of its own in the place of {', '.join(replaced[:3])}. {READ}"
        try:
            answer = handed()
        except Exception as error:
            return "hint", f"{type(error).__name__}: {error}"
        result = check(id, answer)
        if replaced := look(before):
            return "changed", f"The answer puts something of its own in the place of {', '.join(replaced[:3])}. {READ}"
        return result.status, "".join(result.hints[:1])

    def report(id, handed):
        status, hint = try_it(handed, id)
        text = write(dict(id=id, status=status, hint=hint))
        return text, sign(text.encode(), key=key.encode()).hexdigest()

    return report


def snapshot():
    """Every function and class that the checks may use, by name, with the code of those that are written in Python."""
    found = {}
    modules = [importlib.import_module(name) for name in OTHERS]
    own = [module for name, module in sorted(sys.modules.items()) if name.split(".")[0] == OWN]
    for holder in [builtins, *modules, *own]:
        keep(found, holder, holder.__name__)
    for holder in [torch.Tensor, *(value for module in own for value in vars(module).values()
                                   if isinstance(value, type) and value.__module__.split(".")[0] == OWN)]:
        keep(found, holder, f"{holder.__module__}.{holder.__qualname__}")
    return found


def keep(found, holder, name):
    for attribute, value in list(vars(holder).items()):
        known = holder is builtins and attribute in OF_THE_KERNEL or f"{name}.{attribute}" in OF_TORCH
        if callable(value) and not known:
            found[f"{name}.{attribute}"] = holder, attribute, value, code_of(value)


def code_of(value):
    """What makes a function do what it does, besides the names that it uses."""
    return (value.__code__, value.__defaults__, value.__kwdefaults__) if isinstance(value, types.FunctionType) else None


def changes(before):
    """The names whose functions or classes are others than before."""
    missing = object()
    return [name for name, (holder, attribute, value, code) in before.items()
            if vars(holder).get(attribute, missing) is not value or code_of(value) != code]
