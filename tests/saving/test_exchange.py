"""Files for other tools: ONNX for onnxruntime, weights for safetensors and PyTorch."""

import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import main_np
import np_nn as nn
from np_nn import models
from np_nn.saving import export
from tests import cases

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")
torch_file = pytest.importorskip("safetensors.torch", reason="PyTorch is not installed").save_file

SHAPES = {"mlp": (784,), "residual_mlp": (784,)}


def a_model(name, seed=3):
    settings = {"sizes": (784, 32, 10), "norm": "batch"} if name == "mlp" else {}
    model = nn.initialize(models.MODELS[name](**settings), "torch", seed)
    rng = np.random.default_rng(seed)
    for held in model.named_buffers().values():
        if held.data.dtype.kind == "f":
            held.data += rng.uniform(0, 1, held.shape).astype(np.float32)
    return model.eval(), SHAPES.get(name, (1, 28, 28))


def onnx_output(path, x):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["output"], {"input": x})[0]


# ---- ONNX -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases.LAYERS, ids=lambda case: case.id)
def test_every_layer_in_onnx_computes_the_same(case, tmp_path):
    layer, x = case.make().eval(), case.inputs(np.float32)
    nn.export_onnx(layer, tmp_path / "layer.onnx", x.shape[1:])
    np.testing.assert_allclose(
        onnx_output(tmp_path / "layer.onnx", x), layer(x), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", models.MODELS)
def test_every_model_in_onnx_computes_the_same_for_any_batch(name, tmp_path):
    model, shape = a_model(name)
    path = tmp_path / "model.onnx"
    nn.export_onnx(model, path, shape, {"scale": 1 / 255})
    onnx.checker.check_model(str(path), full_check=True)
    for count in (1, 5):
        x = np.random.default_rng(count).random((count, *shape), np.float32)
        np.testing.assert_allclose(onnx_output(path, x), model(x), rtol=1e-5, atol=1e-5)
    proto = onnx.load(path)
    assert {held.name for held in proto.graph.initializer} >= set(model.named_parameters())
    assert {held.key: held.value for held in proto.metadata_props} == {"scale": str(1 / 255)}


def test_exporting_leaves_the_model_as_it_was(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train()
    before = model.state_dict()
    nn.export_onnx(model, tmp_path / "model.onnx", (4,))
    assert all(module.training for module in model.modules())
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


def test_what_cannot_be_exported_says_so(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    with pytest.raises(nn.NpNNError, match=r"Linear\(4, 3\) expects"):
        nn.export_onnx(nn.Sequential(nn.Linear(4, 3)), path, (5,))
    with pytest.raises(nn.NpNNError, match=r"Doubled\(\) cannot be written as ONNX"):
        nn.export_onnx(Doubled(), path, (5,))
    with pytest.raises(nn.NpNNError, match="cannot write"):
        nn.export_onnx(nn.ReLU(), tmp_path / "no" / "folder" / "x.onnx", (5,))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(nn.NpNNError, match="needs the package onnx: pip install onnx"):
        nn.export_onnx(nn.ReLU(), path, (5,))
    assert not list(tmp_path.iterdir())


# ---- Weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", models.MODELS)
@pytest.mark.parametrize("ending", ["safetensors", "pt", "pth"])
def test_weights_there_and_back(name, ending, tmp_path):
    model, _ = a_model(name)
    other, _ = a_model(name, seed=4)
    nn.save_weights(model, tmp_path / f"weights.{ending}")
    nn.load_weights(other, tmp_path / f"weights.{ending}")
    state = other.state_dict()
    for key, array in model.state_dict().items():
        assert state[key].dtype == array.dtype
        assert np.array_equal(state[key], array)


def test_pytorch_reads_ours_and_we_read_its(tmp_path):
    model, shape = a_model("resnet")
    nn.save_weights(model, tmp_path / "ours.pt")
    from np_nn import torch_twin

    theirs = torch_twin.module(a_model("resnet", seed=4)[0])
    theirs.load_state_dict(torch.load(tmp_path / "ours.pt", weights_only=True))
    x = np.random.default_rng(0).random((3, *shape), np.float32)
    with torch.no_grad():
        np.testing.assert_allclose(theirs(torch.from_numpy(x)), model(x), rtol=1e-4, atol=1e-5)

    torch.save(theirs.state_dict(), tmp_path / "theirs.pt")
    again, _ = a_model("resnet", seed=5)
    nn.load_weights(again, tmp_path / "theirs.pt")
    assert np.array_equal(again(x), model(x))


def test_safetensors_are_read_by_others(tmp_path):
    model, _ = a_model("lenet5")
    nn.save_weights(model, tmp_path / "weights.safetensors")
    read = safetensors.numpy.load_file(tmp_path / "weights.safetensors")
    assert read.keys() == model.state_dict().keys()
    assert all(np.array_equal(read[name], array) for name, array in model.state_dict().items())


def test_weights_as_others_write_them_are_loaded(tmp_path):
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 3))
    state, wanted = theirs.state_dict(), theirs[0].weight.detach()
    adam = torch.optim.Adam(theirs.parameters()).state_dict()
    rounded = {name: tensor.bfloat16() for name, tensor in state.items()}
    files = {
        "state.pt": (state, wanted),
        "parameters.pt": (dict(theirs.named_parameters()), wanted),
        "wrapped.pt": ({"epoch": 3, "model_state_dict": state, "optimizer": adam}, wanted),
        "bfloat16.pt": (rounded, wanted.bfloat16().float()),
    }
    for name, (content, _) in files.items():
        torch.save(content, tmp_path / name)
    torch_file(rounded, tmp_path / "bfloat16.safetensors")
    files["bfloat16.safetensors"] = files["bfloat16.pt"]
    for name, (_, weight) in files.items():
        ours = nn.load_weights(nn.Sequential(nn.Linear(4, 3)), tmp_path / name)
        assert np.array_equal(ours.state_dict()["0.weight"], weight.numpy()), name


class Hostile:
    """An object that calls ``touch`` when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return subprocess.call, (["touch", str(self.path)],)


def test_files_that_are_no_weights(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3))
    before = model.state_dict()
    torch.save({"0.weight": Hostile(tmp_path / "ran")}, tmp_path / "hostile.pt")
    state = torch.nn.Linear(4, 3).state_dict()
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save(torch.nn.Linear(4, 3), tmp_path / "whole.pt")
    torch.save({"model": state, "ema": state}, tmp_path / "two.pt")
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    float8 = {name: tensor.to(torch.float8_e4m3fn) for name, tensor in state.items()}
    torch_file(float8, tmp_path / "float8.safetensors")
    nn.save_weights(nn.Sequential(nn.Linear(4, 4)), tmp_path / "other.safetensors")
    whole = (tmp_path / "other.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-3])
    (tmp_path / "empty.pt").write_bytes(b"")
    for name, message in {
        "hostile.pt": r"holds Python objects, such as a whole module \(\w+\.call\)",
        "whole.pt": r"such as a whole module \(torch.nn.modules.linear.Linear\); write one with",
        "list.pt": "not a PyTorch state_dict: it holds a list",
        "two.pt": r"it holds several \(model, ema\)",
        "none.pt": r"it holds none, only \(epoch\)",
        "empty.pt": "not a PyTorch state_dict: it is damaged, of another format, or a TorchScript",
        "float8.safetensors": "holds (weight|bias) as F8_E4M3, which NumPy lacks: save it as F32",
        "other.safetensors": "is of another model: 0.weight has shape",
        "cut.safetensors": "cut.safetensors is damaged",
        "missing.pt": "is not there",
    }.items():
        with pytest.raises(nn.NpNNError, match=message) as caught:
            nn.load_weights(model, tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(nn.NpNNError, match="unknown ending"):
        nn.save_weights(model, tmp_path / "weights.npz")
    assert not (tmp_path / "ran").exists()
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


# ---- main_np.py -------------------------------------------------------------------------------

QUICK = ("--dataset", "digits", "--steps", "30", "--no-plots", "--quiet")


@pytest.mark.parametrize("options", [("--hidden", "8"), ("--model", "lenet5")])
def test_main_np_exports_what_it_trained(options, digits, tmp_path, capsys):
    files = [tmp_path / name for name in ("a.onnx", "a.safetensors", "a.pt")]
    assert main_np.main([*QUICK, *options, "--export", *map(str, files)]) == 0
    proto = onnx.load(files[0])
    about = {held.key: held.value for held in proto.metadata_props}
    shape = [axis.dim_value for axis in proto.graph.input[0].type.tensor_type.shape.dim[1:]]
    x = digits.test.images.reshape(-1, *shape) * np.float32(about["scale"])
    right = np.mean(onnx_output(files[0], x).argmax(1) == digits.test.labels)
    assert f"{right:.4f}" in capsys.readouterr().out
    assert json.loads(about["classes"]) == list(digits.classes)
    assert json.loads(about["preparation"])["kind"] == "digit"
    assert json.loads(about["recipe"])["steps"] == 30
    assert (about["dataset"], about["shape"]) == ("digits", "[28, 28]")
    assert json.loads(about["versions"])["numpy"] == np.__version__
    model = nn.load_model(files[1])
    test = model.info.preparation.split(digits.test.images, digits.test.labels)
    assert nn.evaluate(model, test).accuracy == right
    weights = [safetensors.numpy.load_file(files[1]), torch.load(files[2], weights_only=True)]
    for name, array in weights[0].items():
        assert np.array_equal(array, weights[1][name].numpy())


@pytest.mark.kernel_independent
def test_a_model_without_a_shape_needs_export_onnx(tmp_path):
    with pytest.raises(nn.NpNNError, match=r"needs the shape of a sample: export_onnx\("):
        export.write(nn.ReLU(), tmp_path / "a.onnx")
    assert export.write(nn.ReLU(), tmp_path / "a.pt") == ""


@pytest.mark.kernel_independent
def test_what_onnx_lacks_is_said(tmp_path, capsys):
    files = [tmp_path / name for name in ("a.onnx", "a.safetensors")]
    quick = [word for word in QUICK if word != "--quiet"]
    assert main_np.main([*quick, "--deskew", "--export", *map(str, files)]) == 0
    err = capsys.readouterr().err
    assert f"note: {files[0]} lacks the deskewing that the model was trained with" in err
    assert err.count("note: ") == 1
    about = {held.key: held.value for held in onnx.load(files[0]).metadata_props}
    assert json.loads(about["preparation"])["deskew"] is True


def test_main_np_refuses_other_endings_before_it_trains(tmp_path):
    with pytest.raises(nn.NpNNError, match=r"unknown ending '.txt'.*\.onnx"):
        main_np.main([*QUICK, "--export", str(tmp_path / "a.txt")])
    assert not list(tmp_path.iterdir())
