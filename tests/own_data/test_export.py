"""Export: the files give what the network gives, for any image size, and nothing half-done gets a name."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unet_course import UNet
from unet_course.family import AttentionUNet, ResUNet
from unet_course.own_data import export
from unet_course.own_data.export import AnySize, export_onnx, export_program

OLD = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 11)
needs_new_torch = pytest.mark.skipif(OLD, reason="torch is older than 2.11, which export needs")
HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))
needs_onnx = pytest.mark.skipif(OLD or not HAS_ONNX, reason="onnx, onnxscript or onnxruntime is not installed (extra: export), or torch is old")
FORMATS = [pytest.param(".pt2", marks=needs_new_torch), pytest.param(".onnx", marks=needs_onnx)]
SIZES = [(1, 1), (1, 7), (2, 3), (5, 64), (101, 70), (64, 64), (37, 150)]
NETWORKS = {
    "grey": dict(in_channels=1, channels=(4, 8)),
    "colour, bilinear": dict(in_channels=3, num_classes=3, channels=(4, 6, 8), up="bilinear"),
    "valid": dict(in_channels=1, channels=(4, 8), padding=0, norm=False),
}


def network(**options):
    """A small network whose batch norms have seen something, so that their shifts matter at the edge."""
    torch.manual_seed(1)
    model = UNet(**options)
    for _ in range(3):
        model(torch.rand(2, model.in_channels, 60, 60) + 0.5)
    for layer in model.modules():
        if isinstance(layer, (torch.nn.BatchNorm2d, torch.nn.Conv2d)) and layer.bias is not None:
            torch.nn.init.normal_(layer.bias)
    return model.eval()


def reader(path):
    if path.suffix == ".pt2":
        return torch.export.load(path).module()
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda image: torch.from_numpy(session.run(None, {"image": image.numpy()})[0])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Each network and the reloaded file, written when a test first asks for it."""
    folder, made = tmp_path_factory.mktemp("export"), {}

    def get(name, suffix):
        if (name, suffix) not in made:
            model = network(**NETWORKS[name])
            write = export_program if suffix == ".pt2" else export_onnx
            path = write(model, folder / f"{len(made)}{suffix}")
            made[name, suffix] = model, reader(path), path
        return made[name, suffix]

    return get


def difference(model, run, n, height, width):
    image = torch.rand(n, model.in_channels, height, width)
    with torch.no_grad():
        wanted, got = model(image), run(image)
    assert got.shape == wanted.shape
    return (got - wanted).abs().max().item()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ["grey", pytest.param("colour, bilinear", marks=pytest.mark.full)])
def test_files_give_what_the_network_gives_at_any_size(files, name, suffix):
    model, run, _ = files(name, suffix)
    rng = np.random.default_rng(0)
    for n, (height, width) in zip([1, 2, 3] * 9, [*SIZES, *rng.integers(1, 90, (20, 2)).tolist()]):
        assert difference(model, run, n, height, width) < 1e-4, (n, height, width)


@pytest.mark.full
@pytest.mark.parametrize("suffix", FORMATS)
def test_the_papers_network_too(files, suffix):
    model, run, _ = files("valid", suffix)
    for height, width in [(18, 18), (19, 22), (21, 40), (64, 51)]:
        assert difference(model, run, 1, height, width) < 1e-4, (height, width)


@pytest.mark.parametrize("up", ["transpose", "bilinear"])
@pytest.mark.parametrize("padding, norm, least", [(1, True, 1), (1, False, 1), (0, True, 89), (0, False, 89)])
def test_the_canvas_is_the_same_network(up, padding, norm, least):
    model = network(channels=(3, 4, 5, 6), up=up, padding=padding, norm=norm) if padding else UNet(
        channels=(3, 4, 5, 6), up=up, padding=padding, norm=norm).eval()

    @settings(max_examples=25)
    @given(st.integers(least, least + 40), st.integers(least, least + 40))
    def same(height, width):
        assert difference(model, AnySize(model), 1, height, width) < 1e-4

    same()


def test_what_lies_beyond_the_edge_has_to_be_cleared(monkeypatch):
    model = network(channels=(4, 8, 16))
    assert difference(model, AnySize(model), 1, 37, 50) < 1e-4
    monkeypatch.setattr(export, "clear", lambda x, size: x)
    assert difference(model, AnySize(model), 1, 37, 50) > 0.1


@needs_new_torch
def test_the_model_is_left_alone(tmp_path):
    model = network(channels=(4,)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    export_program(model, tmp_path / "a.pt2")
    assert model.training and all(p.requires_grad for p in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@needs_new_torch
def test_bfloat16_weights_are_written_in_float32(tmp_path):
    model = network(channels=(4,)).to(torch.bfloat16)
    run = reader(export_program(model, tmp_path / "a.pt2"))
    assert difference(model.float(), run, 1, 9, 8) < 1e-4


@needs_new_torch
def test_a_file_runs_without_the_course(files, tmp_path):
    _, _, path = files("grey", ".pt2")
    code = ("import sys, torch; network = torch.export.load(sys.argv[1]).module(); "
            "print(tuple(network(torch.zeros(1, 1, 5, 64)).shape), 'unet_course' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split("\n")[0] == "(1, 2, 5, 64) False", done.stderr


@needs_onnx
def test_onnx_is_one_file_of_standard_operations(files):
    import onnx

    _, _, path = files("grey", ".onnx")
    graph = onnx.load(path, load_external_data=False)
    onnx.checker.check_model(graph, full_check=True)
    assert {part.domain for part in graph.opset_import} <= {"", "ai.onnx"}
    assert [node.name for node in [*graph.graph.input, *graph.graph.output]] == ["image", "logits"]
    assert not any(tensor.external_data for tensor in graph.graph.initializer)
    assert not list(path.parent.glob("*.data"))


@needs_onnx
def test_onnx_says_nothing_of_the_machine_that_wrote_it(files):
    _, _, path = files("grey", ".onnx")
    text = path.read_bytes()
    assert [word for word in (b".py", b"stack_trace", b"unet_course", str(export.__file__).encode()) if word in text] == []


@needs_new_torch
def test_a_file_that_differs_gets_no_name(tmp_path, monkeypatch):
    path = tmp_path / "a.pt2"
    path.write_text("what was there")
    monkeypatch.setattr(export, "clear", lambda x, size: x)
    with pytest.raises(RuntimeError, match=r"a\.pt2 does not give what the network gives for an image of "):
        export_program(network(channels=(4, 8)), path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt2"] and path.read_text() == "what was there"


@needs_new_torch
def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = network(channels=(4,))
    model.head.bias.data[0] = float("nan")
    with pytest.raises(RuntimeError, match="Is every weight of the network finite"):
        export_program(model, tmp_path / "a.pt2")
    assert not list(tmp_path.iterdir())


def test_what_torch_says_is_passed_on(tmp_path, monkeypatch):
    def stop(*args, **options):
        raise TypeError("unexpected keyword")

    monkeypatch.setattr(export, "_traced", stop)
    with pytest.raises(RuntimeError, match=r"cannot write this network as \.pt2.*unexpected keyword"):
        export_program(network(channels=(4,)), tmp_path / "a.pt2")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write, suffix", [(export_program, ".pt2"), (export_onnx, ".onnx")])
def test_bad_arguments_are_named(tmp_path, write, suffix):
    model = UNet(channels=(4,))
    with pytest.raises(ValueError, match=rf"path is 'a\.pt'; wanted a name that ends in \{suffix}"):
        write(model, tmp_path / "a.pt")
    with pytest.raises(FileNotFoundError, match="path is in the folder 'nowhere'"):
        write(model, tmp_path / "nowhere" / f"a{suffix}")
    for other, name in [(torch.nn.ReLU(), "ReLU"), (None, "NoneType"), (ResUNet(channels=(4, 8)), "ResUNet"),
                        (AttentionUNet(channels=(4, 8)), "AttentionUNet")]:
        with pytest.raises(ValueError, match=f"model is a {name}.*wanted unet_course's own UNet"):
            write(other, tmp_path / f"a{suffix}")


def test_what_is_missing_for_onnx_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None if name.startswith("onnx") else True)
    with pytest.raises(ImportError, match="export_onnx needs onnx, onnxscript, onnxruntime: pip install"):
        export_onnx(UNet(channels=(4,)), tmp_path / "a.onnx")
