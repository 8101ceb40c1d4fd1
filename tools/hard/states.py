"""Hard cases on disk: checkpoints and weights that are cut short, changed, of another network, or no weights at all."""

import io
import json
import shutil

import torch
from hypothesis import strategies as st

from tools.hard.arrays import hypothesize, network
from tools.hard.files import _put, place
from unet_course import fit, load_pretrained
from unet_course.training import checkpoints as pretrained

SETTINGS = dict(steps=2, batch_size=2, crop=4, bf16=False, progress=False)


def _pictures():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 1, 8, 8, generator=generator), torch.randint(0, 3, (2, 8, 8), generator=generator)


def _changed(content, places, length):
    content = bytearray(content[: len(content) if length is None else length % len(content)])
    for where, bit in places:
        if content:
            content[where % len(content)] ^= 1 << bit
    return bytes(content)


def _same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))


def _others():
    """Files that torch can read, or that look like it, and that are no weights of this network."""
    def saved(value):
        buffer = io.BytesIO()
        torch.save(value, buffer)
        return buffer.getvalue()
    return {"nothing": b"", "text": b"weights " * 40, "a list": saved([1, 2]), "a number": saved(3),
            "another network": saved(network(3).state_dict()), "half": saved(dict(list(network().state_dict().items())[:3])),
            "no dictionary": saved(torch.zeros(3)), "a pickle": b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.",
            "a zip": b"PK\x05\x06" + bytes(18)}


CHANGES = st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 7)), min_size=0, max_size=3)
CASES = st.one_of(st.tuples(st.none(), CHANGES, st.one_of(st.none(), st.integers(0, 60).map(lambda k: 1024 * k),
                                                          st.integers(0, 60_000))),
                  st.tuples(st.sampled_from(sorted(_others())), st.just([]), st.none()))


def checkpoints(judge, count, seed):
    """A training goes on from a whole checkpoint as from the original, and refuses any other."""
    with place() as folder:
        path, whole = folder / "state.pt", network()
        fit(whole, _pictures(), steps=2, checkpoint=path, **{k: v for k, v in SETTINGS.items() if k != "steps"})
        content, others = path.read_bytes(), _others()

        def check(case):
            other, places, length = case
            _put(path, others[other] if other else _changed(content, places, length))

            def action():
                model = network(seed=5)
                history = fit(model, _pictures(), checkpoint=path, resume=True, **SETTINGS)
                assert len(history.loss) == 2 and _same(model, whole), "other weights came back"
            judge.case(case, [path.name], action)
        hypothesize(count, seed, CASES, check)


def weights(judge, count, seed):
    """Weights are the ones that were saved, or refused."""
    with place() as folder:
        (folder / "weights").mkdir()
        path, whole, others = folder / "weights" / "w.pt", network(), _others()
        torch.save(whole.state_dict(), path)
        content = path.read_bytes()
        options = dict(in_channels=1, num_classes=3, channels=[2, 3])
        path.with_suffix(".json").write_text(json.dumps({"network": options}))
        theirs, pretrained.DATA = pretrained.DATA, folder
        try:
            def check(case):
                other, places, length = case
                _put(path, others[other] if other else _changed(content, places, length))

                def action():
                    assert _same(load_pretrained("w"), whole), "other weights came back"
                judge.case(case, [path.name], action)
            hypothesize(count, seed, CASES, check)
        finally:
            pretrained.DATA = theirs


def runs(judge, count, seed):
    """The folder of a training: its network is the one that was saved, or refused."""
    from tools.hard.kills_project import make_folder
    from unet_course.own_data.train import load_run, train

    with place() as folder:
        make_folder(folder / "data", pictures=3, side=24)
        run = train(folder / "data", folder / "run", steps=2, channels=(2, 3), crop=8, batch_size=2, bf16=False, kind="labels",
                    progress=False)
        files = {name: (folder / "run" / name).read_bytes() for name in ("config.json", "weights.pt", "history.json")}
        others = _others()

        def check(case):
            name, (other, places, length) = case
            for file, content in files.items():
                if file == name:
                    content = others[other] if other else _changed(content, places, length)
                _put(folder / "run" / file, content)

            def action():
                got = load_run(folder / "run")
                assert name == "config.json" or _same(got.model, run.model), "other weights came back"
            judge.case(case, [name, "run"], action)
        hypothesize(count, seed, st.tuples(st.sampled_from(sorted(files)), CASES), check)
        shutil.rmtree(folder / "run")


GROUPS = {"checkpoints": (checkpoints, 4), "weights": (weights, 4), "folders of trainings": (runs, 3)}
