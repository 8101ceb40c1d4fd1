"""The page that segments in the browser: what is written and refused; its parts know each other."""

import gzip
import hashlib
import json
import re

import pytest
import torch

from tests.own_data.test_export import needs_onnx, network
from unet_course import UNet
from unet_course.__main__ import main
from unet_course.own_data import page
from unet_course.own_data.page import PAGE, export_page
from unet_course.own_data.run import Run

SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
INDEX = (PAGE / "index.html").read_text(encoding="utf-8")
TEXTS = json.loads(re.search(r'id="texts">(.*?)</script>', INDEX, re.DOTALL)[1])


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A folder with files of the right names, whose checksums are taken for the real ones'."""
    folder = tmp_path / "npm" / "package" / "dist"
    folder.mkdir(parents=True)
    for name in page.SHA256:
        (folder / name).write_text(f"in place of {name}")
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        monkeypatch.setitem(page.SHA256, name, digest)
    return folder


def run_of(model, kind="labels"):
    return Run(
        "nowhere", model, {"kind": kind, "masks": {"min_area": 12} if kind == "labels" else {}}
    )


@needs_onnx
@pytest.mark.parametrize(
    "kind, classes, counted, least",
    [("labels", 3, [2], 12), pytest.param("binary", 2, [1], 1, marks=pytest.mark.full),
     pytest.param("classes", 4, [1, 2, 3], 1, marks=pytest.mark.full)],
)
def test_the_folder_has_all_that_the_page_asks_for(
    tmp_path, runtime, kind, classes, counted, least
):
    import onnxruntime

    model = network(channels=(4, 6, 8), num_classes=classes)
    out = export_page(run_of(model, kind), tmp_path / "a" / "page", runtime.parents[1])
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files == {
        *SCRIPTS,
        "index.html",
        "style.css",
        "icon.svg",
        "model.onnx",
        "model.json",
        "runtime/LICENSE.txt",
        f"runtime/{page.SCRIPT}",
        f"runtime/{page.PROGRAM}.gz",
    }
    assert (
        gzip.decompress((out / "runtime" / f"{page.PROGRAM}.gz").read_bytes())
        == (runtime / page.PROGRAM).read_bytes()
    )
    about = json.loads((out / "model.json").read_text(encoding="utf-8"))
    assert (about["counted"], about["min_area"], len(about["classes"])) == (counted, least, classes)
    assert about["margin"] == 22 and about["step"] == 4 and about["fields"] == []
    assert about["levels"] == {"down0": 4, "down1": 6, "bottom": 8, "up1": 6, "up0": 4}
    session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["logits", *about["levels"]]
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "the network finds the objects" in index and not re.search(
        r"\[\w+\]", index.split("</main>")[0]
    )
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["page"]


def test_what_fails_leaves_nothing(tmp_path, runtime, monkeypatch):
    def stop(model, path, levels):
        path.write_text("half")
        raise RuntimeError("no room")

    monkeypatch.setattr(page, "export_onnx", stop)
    (tmp_path / "out" / "page").mkdir(parents=True)
    with pytest.raises(RuntimeError, match="no room"):
        export_page(
            run_of(UNet(channels=(4, 8), num_classes=3)), tmp_path / "out" / "page", runtime
        )
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["page"]


def test_what_cannot_be_a_page_is_refused(tmp_path, runtime):
    run = run_of(UNet(channels=(4, 8), num_classes=3))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for place in ("mine", "mine/notes.txt"):
        with pytest.raises(
            FileExistsError, match="is there already; wanted a new folder, or an empty one"
        ):
            export_page(run, tmp_path / place, runtime)
    with pytest.raises(
        FileNotFoundError, match=r"without ort\.wasm.*npm pack onnxruntime-web@1\.\d+\.\d+, then"
    ):
        export_page(run, tmp_path / "page", tmp_path / "mine")
    (runtime / page.SCRIPT).write_text("another version")
    with pytest.raises(
        ValueError, match=r"runtime has a ort\.wasm\.\S+ that is not that of onnxruntime-web@"
    ):
        export_page(run, tmp_path / "page", runtime)
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize("options", [dict(padding=0), dict(in_channels=2)])
def test_networks_that_the_page_cannot_run_are_refused(tmp_path, runtime, options):
    with pytest.raises(
        ValueError, match="the page takes a network with padding=1 for grey or colour pictures"
    ):
        export_page(run_of(UNet(channels=(4, 8), **options)), tmp_path / "page", runtime)


def test_the_command_says_what_it_lacks(tmp_path, capsys):
    assert main(["export", "my_run", str(tmp_path / "page")]) == 1
    assert (
        "needs the program that runs a network in a browser. To get it: npm pack"
        in capsys.readouterr().err
    )
    assert main(["export", "my_run", str(tmp_path / "a.onnx"), "--runtime", "x"]) == 1
    assert "with --runtime, which is for a page" in capsys.readouterr().err


def test_the_command_writes_a_page_and_says_how_to_open_it(tmp_path, runtime, monkeypatch, capsys):
    monkeypatch.setattr(
        "unet_course.own_data.train.load_run",
        lambda path: run_of(UNet(channels=(4, 8), num_classes=3)),
    )
    monkeypatch.setattr(page, "export_onnx", lambda model, path, levels: path.write_bytes(b""))
    assert main(["export", "my_run", str(tmp_path / "page"), "--runtime", str(runtime)]) == 0
    assert f"--bind 127.0.0.1 --directory {tmp_path / 'page'}" in capsys.readouterr().out


def test_each_sentence_that_the_scripts_say_is_in_the_page():
    said = {
        name
        for source in SCRIPTS.values()
        for name in re.findall(
            r"(?:\b(?:say|text|Refusal)\(|texts\.|unreadable\(name, |remarks\.push\(\[|broken \? )"
            r'"(\w+)"',
            source,
        )
    }
    said -= {"tiles", "levels"}  # the worker's own words to the page
    assert len(said) > 20 and said <= set(TEXTS)
    ways = {f"picture_{view}" for view in re.findall(r'name="view" value="(\w+)"', INDEX)}
    assert ways <= set(TEXTS) and {
        "down",
        "bottom",
        "up",
        "background",
        "boundary",
        "interior",
        "foreground",
    } <= set(TEXTS)


def test_the_scripts_name_what_is_in_the_page():
    for names in (
        re.findall(r'\$\("([\w-]+)"\)', SCRIPTS["page.js"]),
        re.findall(r'for="([\w-]+)"', INDEX),
    ):
        assert names and [name for name in names if f'id="{name}"' not in INDEX] == []


def test_the_rule_of_the_page_lets_it_ask_nobody_else():
    rule = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', INDEX)[1]
    allowed = {source for part in rule.split(";") for source in part.split()[1:]}
    assert (
        allowed == {"'none'", "'self'", "'wasm-unsafe-eval'", "blob:"}
        and "default-src 'none'" in rule
    )
    sources = [INDEX, (PAGE / "style.css").read_text(encoding="utf-8"), *SCRIPTS.values()]
    addresses = {
        address for source in sources for address in re.findall(r"https?://[\w.-]+", source)
    }
    assert addresses == {"http://127.0.0.1"}


def test_what_the_page_calls_levels_is_what_the_levels_hold(tmp_path):
    from unet_course.own_data.export import AnySize, level_names

    model, held = network(channels=(4, 6, 8)), {}
    for name, part in zip(
        level_names(model), [*(e.block for e in model.encoders), model.bottleneck, *model.decoders]
    ):
        part.register_forward_hook(
            lambda _, __, output, name=name: held.update({name: output.mean(dim=1, keepdim=True)})
        )
    image = torch.rand(1, 1, 37, 50)
    with torch.no_grad():
        model(image)
        wanted = dict(held)
        _, *levels = AnySize(model, levels=True)(image)
    for name, level in zip(level_names(model), levels, strict=True):
        scale = 4 if name == "bottom" else 2 ** int(name[-1])
        rows, columns = -(-37 // scale), -(-50 // scale)
        assert torch.allclose(
            level[..., :rows, :columns], wanted[name][..., :rows, :columns], atol=1e-5
        ), name
