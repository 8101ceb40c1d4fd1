"""Files that mean harm do not run, the lab is for this machine and its owner, and no line of the course opens a door."""

import ast
import contextlib
import json
import os
import pickle
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from tools.notebooks import lab, slides
from unet_course import UNet, fit, load_nuclei, load_pretrained, predict
from unet_course.own_data.train import load_run

HERE = Path(__file__).resolve().parents[2]
SOURCES = [HERE / "course.py", *(path for folder in ("unet_course", "tools", "benchmarks") for path in (HERE / folder).rglob("*.py"))]
NOTEBOOKS = sorted((HERE / "notebooks").rglob("*.ipynb"))
# What runs code that a file or a text brings along, writes where an archive says, or trusts whom it should not.
NEVER = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "os.system", "os.popen", "yaml.load",
         "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "tempfile.mktemp", "torch.hub.load", "torch.package",
         "numpy.lib.format.read_array", "pandas.read_pickle", "shutil.unpack_archive", "ssl._create_unverified_context", "imp"}
METHODS = {"extractall", "extract"}  # of archives, whose names may lead out of the folder
RUNS = {"eval", "exec", "compile", "__import__"}
# Where a text is run that the course itself wrote, and where each name is checked before any is written.
ALLOWED = {("tools/mutants/mutants.py", "exec"), ("tools/mutants/mutants.py", "compile"),
           ("unet_course/data/files/archive.py", "extractall")}


def dotted(node):
    """The name that an expression spells, such as "np.load"."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def doors(source):
    """(line, what) of every door that a source opens."""
    tree = ast.parse(source)
    real = {"np": "numpy"}  # what a name stands for, after the imports
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            real.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom):
            real.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})

    def spelt(node):
        first, _, rest = dotted(node).partition(".")
        first = real.get(first, first)
        return f"{first}.{rest}" if rest else first

    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [
                node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            yield from ((line, name) for name in names if name in NEVER or name.split(".")[0] in NEVER)
        elif isinstance(node, ast.Attribute) and spelt(node) in NEVER:
            yield line, spelt(node)
        elif isinstance(node, ast.Constant) and node.value in ("0.0.0.0", "::"):
            yield line, node.value
        if not isinstance(node, ast.Call):
            continue
        name, options = spelt(node.func), {option.arg: option.value for option in node.keywords}
        value = {key: getattr(option, "value", "?") for key, option in options.items()}
        if name in RUNS or name in {f"builtins.{word}" for word in RUNS}:
            yield line, name.removeprefix("builtins.")
        if name == "torch.load" and value.get("weights_only") is not True:
            yield line, "torch.load"
        if name == "numpy.load" and value.get("allow_pickle") is not False:
            yield line, "numpy.load"
        if value.get("allow_pickle", False) is not False or value.get("weights_only", True) is not True:
            yield line, "pickles"
        if value.get("shell", False) is not False:
            yield line, "shell"
        if value.get("verify", True) is not True and "verify" in value:
            yield line, "verify"
        if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            yield line, node.func.attr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_the_code_opens_no_door(path):
    name = path.relative_to(HERE).as_posix()
    found = [(line, what) for line, what in doors(path.read_text(encoding="utf-8")) if (name, what) not in ALLOWED]
    assert found == [], f"{name}: {found}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(HERE / "notebooks").as_posix())
def test_the_notebooks_open_no_door(path):
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            assert not [line for line in lines if line.lstrip().startswith("!")], f"cell {number} calls the shell"
            code = [line[: len(line) - len(line.lstrip())] + "pass" if line.lstrip().startswith("%") else line for line in lines]
            assert list(doors("\n".join(code))) == [], f"cell {number}"


@pytest.mark.parametrize("source", [
    "import torch\ntorch.load('a.pt')", "import torch as t\nt.load('a.pt', weights_only=False)", "from torch import load\nload('a')",
    "import torch\ntorch.load('a.pt', weights_only=flag)", "import numpy as np\nnp.load('a.npy')",
    "import numpy\nnumpy.load('a.npy', allow_pickle=True)", "from numpy import load as l\nl('a')", "import pickle",
    "from pickle import loads", "import joblib.numpy_pickle", "import yaml\nyaml.load(text)", "from yaml import load", "eval(text)",
    "exec('1')", "import builtins\nbuiltins.exec('1')", "import subprocess as s\ns.run('ls', shell=True)", "import os\nos.system('ls')",
    "archive.extractall('.')", "import tarfile\ntarfile.open(p).extract('a')", "import tempfile\ntempfile.mktemp()",
    "import requests\nrequests.get(u, verify=False)", "server.bind(('0.0.0.0', 80))", "from os import popen",
    "import shutil\nshutil.unpack_archive('a.zip')"])
def test_a_door_is_seen(source):
    assert list(doors(source))


@pytest.mark.parametrize("source", [
    "import torch\ntorch.load('a.pt', weights_only=True)", "import numpy as np\nnp.load('a.npy', allow_pickle=False)", "model.eval()",
    "import yaml\nyaml.safe_load(text)", "import subprocess\nsubprocess.run(['ls'])", "server.bind(('127.0.0.1', 0))",
    "import re\nre.compile('a')", "import ast\nast.literal_eval('1')", "image.load()"])
def test_what_is_no_door_is_let_through(source):
    assert list(doors(source)) == []


class Bomb:
    """Unpickled, it makes a file; a real one would do worse."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path):
    """A file that is there once a bomb has gone off; that these bombs would go off is tried first."""
    marker = tmp_path / "it ran"
    pickle.loads(pickle.dumps(Bomb(marker)))
    assert marker.exists()
    marker.unlink()
    yield marker
    assert not marker.exists()


@pytest.fixture(params=["pickle", "torch", "torch, in a checkpoint"])
def bomb(request, marker, tmp_path):
    """A file of weights or a checkpoint that holds one, in the forms that torch reads."""
    path = tmp_path / "bomb.pt"
    if request.param == "pickle":
        path.write_bytes(pickle.dumps(Bomb(marker)))
    elif request.param == "torch":
        torch.save(Bomb(marker), path)
    else:
        model = UNet(channels=(4, 8))
        torch.save(dict(model=model.state_dict(), optimiser={}, step=1, settings={}, history=Bomb(marker)), path)
    return path


def test_a_checkpoint_does_not_run(bomb):
    with pytest.raises(ValueError, match="checkpoint bomb.pt cannot be read"):
        fit(UNet(num_classes=3, channels=(4, 8)), load_nuclei("val"), steps=2, crop=32, checkpoint=bomb, resume=True, progress=False)


def test_weights_of_the_course_do_not_run(bomb, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    bomb.rename(tmp_path / "weights" / "bad.pt")
    (tmp_path / "weights" / "bad.json").write_text('{"network": {"channels": [4, 8]}}')
    monkeypatch.setattr("unet_course.training.checkpoints.DATA", tmp_path)
    with pytest.raises(Exception, match="(?i)weights|unpickl|unsupported"):
        load_pretrained("bad")


def test_a_run_does_not_run(bomb, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    config = dict(format=1, network=dict(num_classes=2, channels=[4, 8]), kind="binary", masks={}, training={},
                  data=dict(train=[], val=[]))
    (run / "config.json").write_text(json.dumps(config))
    torch.save(UNet(num_classes=2, channels=(4, 8)).state_dict(), run / "weights.pt")
    load_run(run)  # so far it is a good one
    bomb.rename(run / "weights.pt")
    with pytest.raises(ValueError, match="weights.pt in run cannot be read"):
        load_run(run)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pkl", ".tif", ".png"])
def test_an_image_does_not_run(suffix, marker, tmp_path):
    path = tmp_path / f"bomb{suffix}"
    if suffix == ".npy":
        np.save(path, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    elif suffix == ".npz":
        np.savez(path, image=np.array([Bomb(marker)], dtype=object))
    else:
        path.write_bytes(pickle.dumps(Bomb(marker)))
    with pytest.raises(ValueError, match=f"image '?bomb{suffix}'? cannot be read"):
        predict(UNet(channels=(4, 8)).eval(), path)




@contextlib.contextmanager
def running(command, folder, environment=None):
    """JupyterLab as a learner starts it, but for the browser: (address, token, process). Its settings of old say otherwise."""
    settings = folder / "config"
    settings.mkdir()
    (settings / "jupyter_server_config.py").write_text("c.ServerApp.ip = '0.0.0.0'\n")  # a learner's own, for another purpose
    (settings / "jupyter_server_config.json").write_text('{"ServerApp": {"ip": "0.0.0.0"}}')
    (folder / "kernel").mkdir()
    own = {**os.environ, **(environment or {}), "JUPYTER_CONFIG_DIR": str(settings), "JUPYTER_DATA_DIR": str(folder / "data"),
           "JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTER_PREFER_ENV_PATH": "1", "UNET_COURSE_PROGRESS": "off"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("w") as log, subprocess.Popen(
            [*command, "--no-browser", f"--ServerApp.port={port}"], env=own, cwd=HERE, stdout=log,
            stderr=log) as server:
        try:
            for _ in range(600):
                described = list((folder / "runtime").glob("jpserver-*.json"))
                with contextlib.suppress(OSError, IndexError, ValueError):
                    about = json.loads(described[0].read_text())
                    if answer(f"http://127.0.0.1:{port}/api") == 200:
                        break
                time.sleep(0.2)
                assert server.poll() is None, (folder / "log").read_text()
            yield f"http://127.0.0.1:{port}", about["token"], psutil.Process(server.pid)
        finally:
            children = []
            with contextlib.suppress(psutil.NoSuchProcess):
                children = psutil.Process(server.pid).children(recursive=True)
            server.terminate()
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()


def answer(address, *, token=None, method="GET", data=None, **headers):
    """The status that a request gets, redirections included."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments):
            return None
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    if token:
        headers["Authorization"] = f"token {token}"
    request = urllib.request.Request(address, headers=headers, method=method, data=data)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def open_to(process):
    """The addresses at which a process and its children can be reached."""
    found = set()
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a child that has ended since it was listed
            found |= {place.laddr.ip for place in one.net_connections(kind="inet") if place.status == psutil.CONN_LISTEN}
    return found


def addresses():
    """This machine's addresses that others can see."""
    return [one.address.split("%")[0] for several in psutil.net_if_addrs().values() for one in several
            if one.family in (socket.AF_INET, socket.AF_INET6) and not one.address.startswith(("127.", "::1"))]


@pytest.mark.parametrize("task", ["lab", "slides"])
def test_the_lab_is_for_this_machine_and_for_its_owner(task, tmp_path):
    program = {"lab": lab, "slides": slides}[task]
    (tmp_path / "settings").mkdir()
    program.write_settings(tmp_path / "settings")
    environment, command = slides.environment(tmp_path / "settings"), program.command(tmp_path)
    with running(command, tmp_path, environment) as (address, token, process):
        assert open_to(process) == {"127.0.0.1"}
        port = int(address.rsplit(":", 1)[1])
        for other in addresses():
            with pytest.raises(OSError):
                socket.create_connection((other, port), timeout=5).close()
        assert len(token) >= 32
        for place, refused in ("/api/contents", 403), ("/lab", 302), ("/api/kernels", 403), ("/files/log", 302):
            assert answer(address + place) in (refused, 403), place
            assert answer(address + place, token="0" * 48) in (refused, 403), place
        assert answer(f"{address}/api/contents", token=token) == answer(f"{address}/lab?token={token}") == 200
        assert answer(f"{address}/api/contents", token=token, Host="elsewhere.example") == 403  # a name that was bent to 127.0.0.1
        assert answer(f"{address}/api/kernels", method="POST", data=b"{}") == 403
        if task == "lab":
            started = answer(f"{address}/api/kernels", token=token, method="POST", data=b'{"name": "python3"}')
            assert started == 201
            until = time.monotonic() + 60
            while not process.children() and time.monotonic() < until:
                time.sleep(0.2)
            while len(process.children()[0].net_connections()) < 5 and time.monotonic() < until:
                time.sleep(0.2)
            assert open_to(process.children()[0]) == {"127.0.0.1"}
