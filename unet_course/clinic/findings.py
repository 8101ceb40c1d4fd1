"""What `diagnose` gives back: a table of findings."""

import html
from dataclasses import dataclass, field


@dataclass
class Finding:
    """One thing that is wrong: its name, what was seen, and what to try."""

    name: str
    evidence: str
    advice: str


def said(error):
    """The first line of an error, with its type."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def times(shape):
    """A shape as a reader writes it.

    >>> times((1, 64, 64))
    '1×64×64'
    """
    return "×".join(map(str, shape))


@dataclass
class Diagnosis:
    """A table of findings, the one to look at first on top. It is empty, and false, for a healthy network.

    Attributes
    ----------
    findings : list of Finding
    examined : list of str
        Names of what was looked at; what needs an argument that was not given is missing.

    Examples
    --------
    >>> print(Diagnosis([Finding("mask values", "the masks hold 0, 255", "mask // 255")], ["mask values"]))
    1. mask values
       seen: the masks hold 0, 255
       try:  mask // 255
    """

    findings: list
    examined: list = field(default_factory=list)

    def __len__(self):
        return len(self.findings)

    def __getitem__(self, index):
        return self.findings[index]

    def __str__(self):
        if not self.findings:
            return f"Nothing found. Examined: {', '.join(self.examined)}."
        return "\n".join(f"{n}. {f.name}\n   seen: {f.evidence}\n   try:  {f.advice}" for n, f in enumerate(self.findings, 1))

    __repr__ = __str__

    def _repr_html_(self):
        if not self.findings:
            return f'<div role="status">{html.escape(str(self))}</div>'
        left = 'style="text-align: left; vertical-align: top"'
        head = "".join(f'<th scope="col" {left}>{name}</th>' for name in ("finding", "seen", "try"))
        cells = ([f.name, f.evidence, f.advice] for f in self.findings)
        rows = "".join("<tr>" + "".join(f"<td {left}>{html.escape(c)}</td>" for c in row) + "</tr>" for row in cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
