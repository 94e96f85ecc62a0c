"""np-nn draw: the contents of its page, rounding, and errors."""

import json
import re
import sys

import numpy as np
import pytest

import np_nn as nn
from np_nn import __main__ as program
from np_nn import cli
from np_nn.data.preparation import Preparation
from np_nn.visualize.draw.description import describe
from np_nn.visualize.draw.page import FOLDER, MODULES, page
from tests.support.drawn_networks import INFO, images_of, mlp, network

pytestmark = pytest.mark.kernel_independent


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Return np-nn draw as a function: arguments -> (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(model, *arguments):
        nn.save_model(model, "m.safetensors", model.info)
        monkeypatch.setattr(sys, "argv", ["/usr/bin/np-nn"])
        with pytest.raises(SystemExit) as stop:
            cli.run(lambda: program.main(["draw", "m.safetensors", *map(str, arguments)]))
        return stop.value.code, *capsys.readouterr()

    return run


def test_one_file_with_all_that_it_needs(run, tmp_path):
    status, out, err = run(mlp(128), "-o", "own.html")
    assert (status, err) == (0, "")
    assert out.startswith("m.safetensors: 101,770 parameters, a page of 0.")
    assert out.endswith("written: own.html\n")
    text = (tmp_path / "own.html").read_text("utf-8")
    assert len(text) < 1e6
    assert not re.search(r"https?:|src=|@import|\bimport\b .* from|fetch\(", text)


def test_weights_of_more_than_a_megabyte_are_rounded_and_the_page_says_so(run, tmp_path):
    status, out, err = run(mlp(384))
    assert status == 0
    note = r"304,896 weights are rounded to float16, by at most [\d.e-]+"
    assert re.fullmatch(rf"note: {note}; --no-float16 keeps float32\n", err)
    assert out.endswith("written: digit.html\n")
    text = (tmp_path / "digit.html").read_text("utf-8")
    assert len(text) < 1e6
    assert re.search(note, text)
    assert run(mlp(384), "--no-float16")[2] == ""
    assert len((tmp_path / "digit.html").read_text("utf-8")) > 1.6e6
    assert "rounded" in run(mlp(8), "--float16")[2]


BAD = {
    "Residual": (
        network(nn.Residual(nn.Linear(784, 784)), nn.Linear(784, 10)),
        "cannot draw Resid",
    ),
    "LayerNorm": (network(nn.Linear(784, 10), nn.LayerNorm(10)), "cannot draw LayerNorm"),
    "scores": (network(nn.Linear(784, 10), nn.Sigmoid()), "outputs are scores"),
    "an image": (
        mlp(4, nn.ModelInfo(INFO.classes, Preparation("image", (28, 28)))),
        "prepared as image",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_drawn_is_refused_in_a_line(run, what):
    model, why = BAD[what]
    status, out, err = run(model)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("np-nn draw: error: m.safetensors: ")
    assert why in err


def test_weights_beyond_float16_and_an_output_in_the_models_place_are_refused(run):
    model = mlp(4)
    model[0].weight.data[0, 0] = 1e5
    assert "too large for float16: use --no-float16" in run(model, "--float16")[2]
    status, _, err = run(mlp(4), "-o", "m.safetensors")
    assert (status, err.count("\n")) == (2, 1)
    assert "conflict: give each a file" in err


def test_the_description_has_each_array_at_its_place():
    model = images_of()
    found = describe(model)
    state = {name: held.data for name, held in model.named_parameters().items()}
    for array in found.facts["arrays"]:
        if array["name"] in state:
            values = np.frombuffer(found.weights, "<f4", np.prod(array["shape"]), array["start"])
            np.testing.assert_array_equal(values, state[array["name"]].ravel())
    assert len(found.facts["layers"]) == len(list(model)) - 1  # Flatten changes no values
    assert found.facts["rate"] == 0.1
    trained = nn.ModelInfo(INFO.classes, INFO.preparation, recipe={"optimizer": "sgd", "lr": 0.3})
    assert describe(mlp(4, trained)).facts["rate"] == 0.3


def test_a_softmax_at_the_end_is_the_pages_own():
    ends = network(nn.Linear(784, 10), nn.Softmax())
    assert [layer["kind"] for layer in describe(ends).facts["layers"]] == ["linear"]


def test_each_module_stands_after_those_that_it_imports():
    for at, name in enumerate(MODULES):
        needed = re.findall(r'from "\./(\w+)\.js"', (FOLDER / f"{name}.js").read_text("utf-8"))
        assert set(needed) <= set(MODULES[:at])
    assert {path.stem for path in FOLDER.glob("*.js")} == {*MODULES, "worker"}  # a separate Worker


def test_a_name_cannot_end_the_script():
    info = nn.ModelInfo(("</script>", *"123456789"), INFO.preparation, dataset="<b>")
    plain, text = (page("<i>", describe(mlp(4, each))) for each in (INFO, info))
    assert text.count("</script>") == plain.count("</script>")
    assert "&lt;i&gt;, trained on &lt;b&gt;" in text


def test_facts_are_plain():
    assert json.loads(json.dumps(describe(mlp(4)).facts))["classes"] == list("0123456789")
