"""The program np-nn: its table of commands, and each command as a user runs it."""

import dataclasses
import json
import sys

import numpy as np
import pytest

import np_nn as nn
from np_nn import __main__ as program
from np_nn import data, ops, plots
from np_nn.cli import kernels
from np_nn.cli.classes import confusion_text
from np_nn.cli.name import command_line
from tests.support.kernels import python

pytestmark = pytest.mark.kernel_independent
TINY = ["--dataset", "digits", "--steps", "20", "--batch-size", "32", "--hidden", "16", "--quiet"]


# ---- The program ------------------------------------------------------------------------------


def test_help_lists_the_commands_and_the_version_is_printed(np_nn):
    status, out, _ = np_nn("--help")
    assert (status, np_nn()[:2]) == (0, (0, out))
    assert all(f"\n  {name} " in out for name in program.COMMANDS)
    assert max(map(len, out.splitlines())) <= 80
    assert np_nn("--version") == (0, f"np_nn {nn.__version__}\n", "")


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_has_help_of_its_own(np_nn, name):
    pytest.importorskip(program.COMMANDS[name][0])
    status, out, err = np_nn(name, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: np-nn {name} ")


def test_an_unknown_command_is_one_line_with_the_nearest(np_nn):
    status, out, err = np_nn("evalute", "m.safetensors")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("np-nn: error: ")
    assert "unknown command 'evalute'; did you mean 'evaluate'?" in err


def test_errors_name_the_command_that_was_called(np_nn):
    for words in (["--lr", "x"], ["--dataset", "digits", "--batch-size", "5000"]):
        status, _, err = np_nn("train", *words, "--no-plots", "--quiet")
        assert (status, err.count("\n")) == (2, 1)
        assert err.startswith("np-nn train: error: ")


def test_a_page_has_the_command_and_json_can_be_all_that_is_printed(np_nn, tmp_path):
    page = tmp_path / "run.html"
    words = [*TINY, "--no-plots", "--report", str(page), "--json", "-"]
    status, out, err = np_nn("train", *words)
    assert status == 0
    assert json.loads(out)["steps"] == 20
    assert err == f"written: {page}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["run.html"]
    command = " ".join(f"<span>{word}</span>" for word in ["np-nn", "train", *words])
    assert command in page.read_text("utf-8")


def test_a_file_is_repeated_by_python(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["../main_np.py"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert command_line(["--lr", "1"]) == ["python", "main_np.py", "--lr", "1"]


def test_as_a_module_it_is_the_same_program():
    done = python("-m", "np_nn", "train", "--lr", "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("python -m np_nn train: error: argument --lr: ")


# ---- data -------------------------------------------------------------------------------------


def test_data_counts_the_classes_and_draws_samples(np_nn, digits, monkeypatch, tmp_path):
    drawn = []

    def plot_samples(dataset, path):
        drawn.append((dataset.name, path))
        return path

    monkeypatch.setattr(plots, "plot_samples", plot_samples, raising=False)
    zeros = np.sum(digits.train.labels == 0)
    status, out, _ = np_nn("data", "digits", "--out", tmp_path)
    assert status == 0
    assert drawn == [("digits", tmp_path / "samples.png")]
    assert f"written: {tmp_path / 'samples.png'}" in out
    assert "10 classes; each sample a grey image of 28 x 28 pixels" in out
    assert "23% of the training images' pixels are black" in out
    assert f"| 0     | {zeros:>8} |" in out
    assert "| all   |    1,500 |  297 |" in out


def test_data_as_json_has_every_count(np_nn, digits):
    status, out, _ = np_nn("data", "digits", "--no-plots", "--json", "-")
    content = json.loads(out)
    assert status == 0
    assert content["classes"] == list("0123456789")
    for name, split in (("train", digits.train), ("test", digits.test)):
        counts = [row[name] for row in content["counts"]]
        assert counts == np.bincount(split.labels).tolist()
        assert sum(counts) == content[f"n_{name}"]
    assert (content["shape"], content["preparation"]) == ([28, 28], "digit")


def test_data_of_an_unknown_name_is_one_line(np_nn):
    status, out, err = np_nn("data", "digit", "--no-plots")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "did you mean 'digits'?" in err


# ---- info -------------------------------------------------------------------------------------


def test_info_says_what_there_is(np_nn, monkeypatch, tmp_path):
    monkeypatch.setenv("NP_NN_CACHE", str(tmp_path))
    status, out, _ = np_nn("info")
    assert status == 0
    assert f"{tmp_path}" in out
    wide = [line.split() for line in out.splitlines() if len(line) > 80]
    assert all(len(words) <= 4 for words in wide)  # a name and a path, which is not broken
    status, out, _ = np_nn("info", "--json", "-")
    content = json.loads(out)
    assert status == 0
    assert content["np_nn"] == nn.__version__
    assert content["packages"]["numpy"] == np.__version__
    assert content["cache"] == str(tmp_path)
    assert content["datasets"].keys() == nn.DATASETS.keys()
    assert content["computes_on"] == ops.describe()
    if ops.KERNELS:
        assert content["why_no_kernels"] == ""
        assert content["instruction_set"] in content["cpu_instruction_sets"]
        assert "mlp" in content["kernels"]


def test_info_finds_data_sets_without_a_download(np_nn, mnist, monkeypatch, tmp_path):
    monkeypatch.setenv("NP_NN_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert json.loads(np_nn("info", "--json", "-")[1])["datasets"]["mnist"] == str(mnist.root)
    monkeypatch.delenv("NP_NN_DATA")
    assert json.loads(np_nn("info", "--json", "-")[1])["datasets"]["mnist"] is None


def test_info_says_why_no_kernel_runs(monkeypatch, tmp_path):
    nn.use("numpy")
    if ops.KERNELS:
        assert "NP_NN_KERNELS=numpy turns them off" in kernels.why_not()
    monkeypatch.setattr(ops, "KERNELS", {})
    monkeypatch.setattr(kernels, "FOLDER", tmp_path)
    monkeypatch.setenv("CC", sys.executable)
    assert f"not built, although there is a C compiler ({sys.executable})" in kernels.why_not()
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no C compiler: install gcc or clang" in kernels.why_not()
    with monkeypatch.context() as patch:
        patch.setattr(kernels.os, "name", "nt")
        windows = kernels.why_not()
    assert "not built, as Windows builds them only on request: install np_nn again" in windows
    assert windows.endswith(
        "by 'pip install --force-reinstall --no-cache-dir' with NP_NN_STRICT=1 set"
    )
    (tmp_path / "mlp.cpython-27-x86_64-linux-gnu.so").touch()
    assert "built for another Python (mlp.cpython-27" in kernels.why_not()


def test_in_a_checkout_the_kernels_are_built_where_it_is(monkeypatch):
    monkeypatch.setattr(ops, "KERNELS", {})
    nn.use("auto")
    assert f"run 'pip install -e .' in {kernels.FOLDER.parents[1]}" in kernels.why_not()


def test_a_run_without_kernels_ends_with_a_line_on_how_to_get_them(np_nn, monkeypatch, tmp_path):
    train = [*TINY[:-1], "--no-plots"]
    if ops.KERNELS:
        assert "NumPy computed this" not in np_nn("train", *train)[2]
    monkeypatch.setattr(ops, "KERNELS", {})
    saved = tmp_path / "m.safetensors"
    found = [np_nn("train", *train, "--save", saved), np_nn("evaluate", saved, "--no-plots")]
    for status, _, err in found:
        assert status == 0
        line = err.splitlines()[-1]
        assert line == f"note: NumPy computed this, not the kernels: {kernels.why_not()}"
        assert err.count("NumPy computed this") == 1
    monkeypatch.setenv("NP_NN_KERNELS", "auto")
    for quiet in (["train", *train, "--quiet"], ["train", *train, "--kernels", "numpy"], ["info"]):
        assert "NumPy computed this" not in np_nn(*quiet)[2]
    monkeypatch.setenv("NP_NN_KERNELS", "numpy")
    assert "NumPy computed this" not in np_nn("train", *train)[2]
    assert "NumPy computed this" not in np_nn("train", "--steps", "none")[2]


# ---- A saved model: evaluate, export ----------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Train a small network on the digits; return its file and its --json output."""
    folder = tmp_path_factory.mktemp("saved")
    model, report = folder / "m.safetensors", folder / "run.json"
    words = [*TINY, "--no-plots", "--save", str(model), "--json", str(report)]
    assert program.main(["train", *words]) == 0
    return model, json.loads(report.read_text())


def test_evaluate_gives_what_training_gave(np_nn, saved, tmp_path):
    model, trained = saved
    report = tmp_path / "found.json"
    status, out, _ = np_nn("evaluate", model, "--out", tmp_path, "--json", report)
    found = json.loads(report.read_text())
    assert status == 0
    assert found["test_accuracy"] == trained["test_accuracy"]
    assert found["test_loss"] == pytest.approx(trained["test_loss"], rel=1e-5)
    counts = np.array(found["confusion"])
    assert counts.sum() == found["n"] == 297
    assert np.trace(counts) / 297 == pytest.approx(found["test_accuracy"])
    recalls = np.diag(counts) / counts.sum(axis=1)
    assert found["recalls"] == pytest.approx(dict(zip("0123456789", recalls, strict=True)))
    assert f"| {found['test_accuracy']:.4f}" in out
    assert f"| {recalls[3]:.4f} |" in out
    assert max(map(len, out.split("confusion: ")[1].split("warning")[0].splitlines())) <= 80
    assert {path.name for path in tmp_path.iterdir()} == {
        "found.json", "confusion.png", "errors.png",
    }  # fmt: skip


def test_evaluate_prints_json_alone_and_takes_a_part_of_the_set(np_nn, saved, digits):
    model, _ = saved
    words = ["--no-plots", "--quiet", "--json", "-"]
    status, out, err = np_nn("evaluate", model, "--part", "all", *words)
    assert (status, err) == (0, "")
    assert json.loads(out)["n"] == len(digits.train) + len(digits.test)


def test_evaluate_never_writes_over_its_model(np_nn, saved):
    model, _ = saved
    before = model.read_bytes()
    status, out, err = np_nn("evaluate", model, "--no-plots", "--json", model)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"--json {model} and the model file {model} conflict" in err
    assert model.read_bytes() == before


def test_evaluate_knows_classes_by_their_names(np_nn, saved, digits, monkeypatch):
    model, trained = saved
    order = np.array([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    numbers = np.argsort(order)  # class c of the digits has the number numbers[c]
    renamed = dataclasses.replace(
        digits,
        test=dataclasses.replace(digits.test, labels=numbers[digits.test.labels]),
        classes=tuple(str(digit) for digit in order),
    )
    monkeypatch.setattr(data, "load", lambda *_, **__: renamed)
    words = ["evaluate", model, "--no-plots", "--quiet", "--json", "-"]
    assert json.loads(np_nn(*words)[1])["test_accuracy"] == trained["test_accuracy"]
    other = dataclasses.replace(digits, classes=(*"012345678", "nine"))
    monkeypatch.setattr(data, "load", lambda *_, **__: other)
    status, _, err = np_nn(*words)
    assert (status, err.count("\n")) == (2, 1)
    assert "classes that the model does not know: nine; it knows 0, 1, " in err


def test_features_are_standardized_as_in_training_whatever_their_order(
    np_nn, tmp_path, monkeypatch
):
    """A model of a table is evaluated from another folder, with the columns in another order."""
    rng = np.random.default_rng(0)
    rows = [(a, 100 + a * 7 + rng.normal(), "yes" if a > 30 else "no") for a in range(60)]
    ordered, turned, lacking = (tmp_path / f"{name}.csv" for name in ("ordered", "turned", "less"))
    ordered.write_text("a,b,label\n" + "".join(f"{a}.5,{b},{y}\n" for a, b, y in rows))
    turned.write_text("label,b,a\n" + "".join(f"{y},{b},{a}.5\n" for a, b, y in rows))
    lacking.write_text("label,b\n" + "".join(f"{y},{b}\n" for _, b, y in rows))
    model = tmp_path / "m.safetensors"
    words = ["--dataset", str(ordered), "--epochs", "5", "--no-plots", "--quiet"]
    assert np_nn("train", *words, "--export", str(model))[0] == 0
    monkeypatch.chdir("/")

    def evaluated(*words):
        status, out, _ = np_nn("evaluate", str(model), "--no-plots", "--json", "-", *words)
        assert status == 0
        return json.loads(out)

    own, other = evaluated(), evaluated("--dataset", str(turned))
    assert own["n"] == 12
    assert (own["test_accuracy"], own["confusion"]) == (other["test_accuracy"], other["confusion"])
    assert own["test_accuracy"] > 0.8
    status, _, said = np_nn("evaluate", str(model), "--no-plots", "--dataset", str(lacking))
    assert status == 2
    assert "a" in said
    assert len(said.splitlines()) == 1


def test_a_confusion_matrix_that_is_too_wide_is_its_most_frequent_mistakes():
    counts = 1000 * np.eye(15, dtype=int)
    counts[1, 2], counts[3, 0] = 7, 9
    names = [f"class number {i}" for i in range(15)]
    wide = confusion_text(counts, names)
    assert wide.startswith("the most frequent mistakes")
    rows = [line for line in wide.splitlines() if line.startswith("| class")]
    assert [row.split()[-2] for row in rows] == ["9", "7"]
    narrow = confusion_text(counts // 100, [str(i) for i in range(15)])
    assert narrow.startswith("confusion")
    assert max(map(len, narrow.splitlines())) <= 80
    assert confusion_text(1000 * np.eye(20, dtype=int), [str(i) for i in range(20)]) == (
        "no mistakes"
    )


def test_export_writes_each_format_by_its_ending(np_nn, saved, tmp_path):
    model, _ = saved
    files = [tmp_path / f"m.{kind}" for kind in ("onnx", "c", "safetensors", "pt")]
    for package in ("onnx", "torch"):
        pytest.importorskip(package)
    status, out, err = np_nn("export", model, *files)
    assert (status, err) == (0, "")
    assert f"written: {', '.join(map(str, files))}" in out
    again = nn.load_model(files[2]).state_dict()
    for name, array in nn.load_model(model).state_dict().items():
        assert np.array_equal(again[name], array)
    float_c = files[1].read_text()
    assert np_nn("export", model, files[1], "--int8")[0] == 0
    assert files[1].read_text() != float_c


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["m.onxx"], "unknown ending '.onxx'; did you mean '.onnx'?"),
        (["m.onnx", "--int8"], "--int8 applies to C files: name one that ends in .c"),
        (["{model}"], "conflict"),
    ],
)
def test_export_refuses_before_it_writes(np_nn, saved, tmp_path, words, message):
    model, _ = saved
    before = model.read_bytes()
    names = [word.replace("{model}", str(model)) for word in words]
    status, out, err = np_nn("export", model, *names)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert model.read_bytes() == before
