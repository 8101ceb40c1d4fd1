"""The look at known holes: what it finds, and that it says so where it cannot look."""

import json
from importlib.metadata import PathDistribution

import pytest

from tools.elsewhere import audit

HOLE = {"id": "CVE-0000-1", "fix_versions": ["2.0"]}


def said(*packages):
    return lambda: json.dumps({"dependencies": list(packages), "fixes": []})


def test_a_hole_that_pypi_knows_is_named():
    problems, line = audit.published_holes(said({"name": "a", "version": "1.0", "vulns": [HOLE]},
                                                {"name": "b", "version": "1.0", "vulns": []},
                                                {"name": "c", "skip_reason": "Dependency not found"}))
    assert problems == ["a 1.0: CVE-0000-1; repaired in 2.0"] and line == "1 in 2 packages, 1 not checked"


@pytest.mark.parametrize("answer", [said({"name": "a", "skip_reason": "not found"}), lambda: "", lambda: "ConnectionError: no network"])
def test_a_list_that_is_out_of_reach_is_not_a_clean_one(answer, monkeypatch, capsys):
    monkeypatch.setattr(audit, "LOOKS", {"the list": lambda: audit.published_holes(answer)})
    assert audit.main() == 0 and audit.main(["--strict"]) == 2
    assert "the list: not checked, for " in capsys.readouterr().out


def test_a_version_before_the_repair_is_named():
    problems, line = audit.known_holes({"torch": "2.5.1+cu124", "pillow": "10.3.0"})
    assert len(problems) == 1 and problems[0].startswith("torch 2.5.1+cu124: CVE-2025-32434") and line == "1 of 14 are open"


def test_a_file_that_was_changed_is_named(tmp_path):
    about = tmp_path / "a-1.0.dist-info"
    about.mkdir()
    (tmp_path / "a.py").write_bytes(b"")
    (about / "METADATA").write_text("Name: a\nVersion: 1.0\n")
    (about / "RECORD").write_text("a.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\na-1.0.dist-info/RECORD,,\n")
    assert audit.changed_files([PathDistribution(about)]) == ([], "1 files")
    (tmp_path / "a.py").write_bytes(b"import os")
    assert audit.changed_files([PathDistribution(about)])[0] == ["a: a.py"]


def test_the_packages_here_have_none_of_the_written_holes(monkeypatch, capsys):
    monkeypatch.setattr(audit, "LOOKS", {"these": audit.known_holes})
    assert audit.main() == 0, capsys.readouterr().out
