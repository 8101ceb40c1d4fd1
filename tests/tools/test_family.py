"""The stored comparison: complete, about the networks as they are, and resumable."""

import pytest

from tools.trained import family
from unet_course.tracing import parameter_count


def test_the_stored_table_is_complete_and_about_these_networks():
    rows = family.read()
    assert {(row["network"], int(row["seed"])) for row in rows} == {(n, s) for n in family.NETWORKS for s in family.SEEDS}
    assert len(rows) == len(family.NETWORKS) * len(family.SEEDS) and list(rows[0]) == family.COLUMNS
    for name in family.NETWORKS:
        mine = [row for row in rows if row["network"] == name]
        assert {int(row["parameters"]) for row in mine} == {parameter_count(family.make(name, 0)[0])}
        assert {float(row["budget"]) for row in mine} == {family.BUDGET} and len({row["steps"] for row in mine}) == 1
        assert all(0 <= float(row[column]) <= 1 for row in mine for column in family.COLUMNS if column.endswith(("dice", "f1")))


def stub(monkeypatch, done, stop_after=None):
    def measure(name, seed, step):
        if len(done) == stop_after:
            raise KeyboardInterrupt
        done.append((name, seed))
        return {column: 0 for column in family.COLUMNS} | {"network": name, "seed": seed}

    monkeypatch.setattr(family, "measure", measure)
    monkeypatch.setattr(family, "seconds_per_step", lambda name: 1.0)
    monkeypatch.setattr(family.torch, "set_num_threads", lambda n: None)


def test_an_interrupted_run_goes_on_where_it_stopped(monkeypatch, tmp_path, capsys):
    path, done = tmp_path / "results" / "family.csv", []
    stub(monkeypatch, done, stop_after=5)
    with pytest.raises(KeyboardInterrupt):
        family.main(path)
    assert len(family.read(path)) == 5
    stub(monkeypatch, done)
    assert family.main(path) == 0
    assert len(done) == len(set(done)) == len(family.read(path)) == len(family.NETWORKS) * len(family.SEEDS)
    assert [p.name for p in path.parent.iterdir()] == ["family.csv"]
    assert family.main(path) == 0 and len(done) == len(family.read(path))


def test_one_row_is_measured(monkeypatch):
    monkeypatch.setattr(family, "BUDGET", 1.0)
    monkeypatch.setattr(family, "CROP", 32)
    monkeypatch.setattr(family, "NETWORKS", {"small": (family.UNetPlusPlus, (2, 4), {"deep_supervision": True})})
    row = family.measure("small", 1, 0.5)
    assert list(row) != [] and set(row) == set(family.COLUMNS) and row["steps"] == 2 and row["channels"] == "2-4"
