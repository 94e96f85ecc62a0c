"""--save, --resume, --log and --tensorboard of main_np.py."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import main_np
import np_nn as nn
from np_nn import cli
from np_nn.recipes import RECIPES
from np_nn.utils import archive

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ["--dataset", "digits", "--epochs", "4", "--batch-size", "32", "--optimizer", "adam"]
OPTIONS += ["--hidden", "20", "--norm", "batch", "--dropout", "0.2", "--shift=-1e-05"]
OPTIONS += ["--no-replacement", "--seed", "7", "--schedule", "cosine"]
HIDDEN = ["--no-plots", "--quiet"]


@pytest.fixture
def program(capsys):
    """Return main_np.py as a function: arguments -> (exit status, stdout, stderr)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_info:
            cli.run(lambda: main_np.main([str(word) for word in (*HIDDEN, *arguments)]))
        return exit_info.value.code, *capsys.readouterr()

    return run


def weights(path):
    return b"".join(array.tobytes() for array in nn.load_checkpoint(path)["model"].values())


def test_resume_needs_no_other_option_and_gives_the_same_bits(program, tmp_path):
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert program(*OPTIONS, "--save", whole)[0] == 0
    status, out, _ = program(*OPTIONS, "--save", part, "--save-every", "50", "--keep", "3")
    assert status == 0
    assert f"written: {part}" in out
    (tmp_path / "part.2").replace(part)  # as if it had been killed after step 100
    assert nn.load_checkpoint(part)["history"]["curves"].shape[1] == 100
    status, out, _ = program("--resume", part, "--json", tmp_path / "run.json")
    assert status == 0
    assert weights(part) == weights(whole)
    content = json.loads((tmp_path / "run.json").read_text())
    assert content["steps"] == 188
    assert content["seed"] == 7


def test_more_epochs_make_it_longer(program, tmp_path):
    path, longer = tmp_path / "run", tmp_path / "longer"
    options = ["--dataset", "digits", "--hidden", "20", "--batch-size", "50"]
    assert program(*options, "--steps", "40", "--save", path)[0] == 0
    assert program("--resume", path, "--epochs", "2", "--save", longer)[0] == 0
    assert program(*options, "--epochs", "2", "--save", path)[0] == 0
    assert weights(longer) == weights(path)


def test_the_log_of_a_killed_and_resumed_run_has_each_epoch_once(program, tmp_path):
    path, log = tmp_path / "run", tmp_path / "log.jsonl"
    assert program(*OPTIONS, "--save", path, "--keep", "3", "--log", log)[0] == 0
    before = [json.loads(line) for line in log.read_text().splitlines()]
    assert program("--resume", tmp_path / "run.2", "--log", log, "--save", path)[0] == 0
    after = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["epoch"] for line in before] == [line["epoch"] for line in after] == [1, 2, 3, 4]
    assert [line["loss"] for line in before] == [line["loss"] for line in after]
    assert before[:2] == after[:2]
    assert before[2]["time"] < after[2]["time"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (["--scale", "0.5"], "scale is"),
        (["--shift", "0.5"], "shift is"),
        (["--standardize"], "scale is"),
        (["--deskew"], "images' SHA-256 is"),
        (["--targets", "0.1", "0.9"], "labels' SHA-256 is"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_resuming_on_something_else_is_refused_and_keeps_the_file(program, tmp_path, change, what):
    path = tmp_path / "run"
    options = ["--dataset", "digits", "--hidden", "20", "--steps", "40", "--batch-size", "50"]
    assert program(*options, "--loss", "mse", "--save", path)[0] == 0
    before = path.read_bytes()
    status, out, err = program("--resume", path, "--steps", "50", *change)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert f"cannot resume from {path}: another training: its {what}" in err
    assert path.read_bytes() == before


def test_resuming_on_another_data_set_of_the_same_size_is_refused(mnist, program, tmp_path):
    path = tmp_path / "run"
    options = ["--hidden", "20", "--steps", "5", "--dataset"]
    assert program(*options, "mnist", "--save", path)[0] == 0
    status, _, err = program("--resume", path, "--steps", "9", "--dataset", "fashion")
    assert status == 2
    assert "another training: its images' SHA-256 is" in err


BAD = [
    (["--resume", "{missing}"], "missing is not there"),
    (["--resume", "{text}"], "text is damaged, or was not written by np_nn"),
    (["--resume", "{good}", "--lr", "0.5"], "another training: its optimizer is Adam(lr=0.001"),
    (["--resume", "{good}", "--hidden", "21"], "another training: its model is Sequential("),
    (["--resume", "{good}", "--steps", "3"], "it has made 188 steps, of 3"),
    (["--resume", "{good}", "--dataset", "mnist"], ""),
    (["--resume", "{library}"], "holds no options"),
    (["--resume", "{hostile}"], "holds --json, which is not an option of a training"),
    (["--resume", "{injected}"], "holds --hidden, which is not an option of a training"),
    (["--resume", "{wrong}"], "argument --hidden: a whole number >= 1 is needed, not '-5'"),
    (["--save", "x", "--seed", "1", "2"], "are for one --seed, not several"),
    (["--save-every", "5"], "need a file: give --save FILE"),
    (["--save", "{folder}"], "it is a folder"),
    (["--log", "{folder}"], "it is a folder"),
    (
        ["--resume", "{good}", "--epochs", "5", "--log", "{text}"],
        "'text' has no step",
    ),
]


@pytest.fixture
def places(program, tmp_path):
    """Return files by name, good and bad."""
    paths = {name: tmp_path / name for name in ("missing", "text", "good", "library", "hostile",
                                                "injected", "wrong")}  # fmt: skip
    paths["text"].write_text("text\n")
    assert program(*OPTIONS, "--save", paths["good"])[0] == 0
    tree = nn.load_checkpoint(paths["good"])
    archive.write(paths["library"], tree | {"recipe": None})
    archive.write(paths["hostile"], tree | {"recipe": {"json": str(paths["missing"])}})
    injected = {"hidden": [5, "--json", str(paths["missing"])]}
    archive.write(paths["injected"], tree | {"recipe": injected})
    archive.write(paths["wrong"], tree | {"recipe": {"hidden": [-5]}})
    return paths | {"folder": tmp_path}


def test_bad_input_is_one_line_and_status_2(program, places, monkeypatch):
    monkeypatch.setenv("NP_NN_DATA", str(places["folder"]))
    monkeypatch.setenv("NP_NN_CACHE", str(places["folder"]))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there
    for arguments, message in BAD:
        status, out, err = program(*(word.format(**places) for word in arguments))
        assert status == 2, arguments
        assert message in err, arguments
        assert len(err.splitlines()) == 1, err
        assert not out
    assert not places["missing"].exists()


def test_every_file_is_named_under_written(program, tmp_path):
    names = {"--save": "run", "--log": "log", "--export": "m.c", "--json": "run.json"}
    files = {option: str(tmp_path / name) for option, name in names.items()}
    status, out, _ = program(*OPTIONS, *(word for pair in files.items() for word in pair))
    (line,) = [line for line in out.splitlines() if line.startswith("written: ")]
    assert status == 0
    assert sorted(line.removeprefix("written: ").split(", ")) == sorted(files.values())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_an_export_that_fails_costs_no_other_file_and_not_the_table(program, tmp_path):
    full, good, report = (tmp_path / name for name in ("full.pt", "good.safetensors", "run.json"))
    full.symlink_to("/dev/full")
    status, out, err = program(*OPTIONS, "--export", full, good, "--json", report)
    assert status == 2
    assert "test accuracy" in out
    assert f"written: {good}, {report}\n" in out
    assert err.endswith(f": error: cannot write {full}: No space left on device\n")
    assert good.exists()
    assert report.exists()


def test_a_diverging_run_says_in_its_line_what_is_kept(program, tmp_path):
    path = tmp_path / "run"
    options = ["--dataset", "digits", "--lr", "1e6", "--steps", "200", "--batch-size", "32"]
    status, _, err = program(*options, "--save", path, "--save-every", "1")
    done = nn.load_checkpoint(path)["history"]["curves"].shape[1]
    assert status == 2
    assert len(err.splitlines()) == 1
    assert err.endswith(f"; {path} holds step {done}\n")


def test_ctrl_c_says_what_is_kept_and_resuming_ends_the_same(tmp_path):
    path, whole = tmp_path / "run", tmp_path / "whole"
    options = ["--dataset", "digits", "--steps", "1500", "--hidden", "32", "--batch-size", "8"]

    def start(*more):
        return subprocess.Popen(
            [sys.executable, "main_np.py", *map(str, more), "--no-plots"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
        )  # fmt: skip

    process = start(*options, "--save", path, "--save-every", "40")
    assert next(line for line in process.stderr if re.match(r" *\d+/\d+ ", line))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    done = nn.load_checkpoint(path)["history"]["curves"].shape[1]
    assert f"; {path} holds step {done:,}" in err
    assert 0 < done < 1500
    for arguments in (["--resume", path], [*options, "--save", whole]):
        process = start(*arguments)
        assert process.communicate(timeout=60)
        assert process.returncode == 0
    assert weights(path) == weights(whole)
    assert np.isfinite(nn.load_checkpoint(path)["history"]["curves"]).all()


def test_tensorboard_from_the_command_line(program, tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    assert program(*OPTIONS, "--tensorboard", tmp_path / "board")[0] == 0
    (file,) = (tmp_path / "board").iterdir()
    assert b"learning_rate" in file.read_bytes()


# ---- --load -----------------------------------------------------------------------------------

LOADED = ["--dataset", "digits", "--steps", "40", "--batch-size", "50", "--seed", "3"]
SHAPED = ["--hidden", "20", "--norm", "batch", "--loss", "mse", "--output", "sigmoid"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a model file of the digits, with its own network, preparation and loss."""
    path = tmp_path_factory.mktemp("trained") / "m.safetensors"
    options = [*LOADED, *SHAPED, "--deskew", "--standardize"]
    assert main_np.main([*HIDDEN, *options, "--export", str(path)]) == 0
    return path


def test_load_goes_on_with_the_network_of_a_file_and_its_preparation(program, trained, tmp_path):
    path, report = tmp_path / "more.safetensors", tmp_path / "run.json"
    before = nn.load_model(trained)
    status, out, _ = program(
        *LOADED, "--load", trained, "--lr", "1e-30", "--export", path, "--json", report
    )
    assert status == 0
    assert "the network of m.safetensors on scikit-learn's digits" in out
    after, content = nn.load_model(path), json.loads(report.read_text())
    assert repr(after) == repr(before)
    assert np.array_equal(after[0].weight.data, before[0].weight.data)  # the rate is nearly 0
    assert after.info.preparation == before.info.preparation
    assert after.info.recipe["loss"] == "mse"
    assert after.info.recipe["lr"] == 1e-30
    assert content["model"] == "the network of m.safetensors"
    assert content["reference_accuracy"] is None
    for name in ("hidden", "model", "init"):  # belong to the recipe, not to this network
        assert name not in content["hyperparameters"]
        assert name not in after.info.recipe
    status, _, _ = program(
        *LOADED, "--load", path, "--scale", "0.5", "--no-deskew", "--save", report
    )
    rule = nn.load_model(report).info.preparation
    assert (rule.scale, rule.deskew) == (0.5, False)
    assert rule.shift == before.info.preparation.shift


def test_a_training_from_a_file_is_resumed_without_it(program, trained, tmp_path):
    start, part, whole = tmp_path / "start", tmp_path / "part", tmp_path / "whole"
    start.write_bytes(trained.read_bytes())
    options = ["--dataset", "digits", "--epochs", "2", "--no-replacement", "--load", start]
    assert program(*options, "--save", whole)[0] == 0
    assert program(*options, "--save", part, "--keep", "2")[0] == 0
    start.unlink()
    (tmp_path / "part.1").replace(part)  # as if it had been killed after the first epoch
    assert program("--resume", part)[0] == 0
    assert weights(part) == weights(whole)


def test_a_file_without_a_preparation_leaves_it_to_the_recipe(program, tmp_path):
    nn.save_model(nn.mlp((784, 8, 10)), tmp_path / "m.safetensors")
    words = ["--load", tmp_path / "m.safetensors", "--recipe", "fast98", "--save", tmp_path / "run"]
    assert program(*LOADED, *words)[0] == 0
    assert nn.load_model(tmp_path / "run").info.preparation.scale == RECIPES["fast98"].scale != 1


REFUSED_LOADS = [
    (["--hidden", "9"], "--hidden cannot be combined with --load: the network is that of"),
    (["--dropout", "0.5"], "--dropout cannot be combined with --load"),
    (["--init", "torch"], "--init cannot be combined with --load"),
    (["--dataset", "fashion"], "--load {file}: Fashion-MNIST has classes that the model does not"),
    (["--save", "{file}"], "conflict"),
    (["--resume", "{file}"], "--load begins a training and --resume continues one"),
]


def test_what_does_not_go_with_load_is_said_in_one_line(program, mnist, trained):
    for words, message in REFUSED_LOADS:
        words = [word.format(file=trained) for word in words]
        status, _, err = program("--load", trained, "--steps", "3", *words)
        assert (status, len(err.splitlines())) == (2, 1), err
        assert message.format(file=trained) in err
