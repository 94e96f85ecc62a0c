"""The program np-nn store, and the other programs on the folder that it writes."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import np_nn as nn
from np_nn.commands import store as command

pytestmark = pytest.mark.kernel_independent
TINY = ["--steps", "20", "--batch-size", "32", "--hidden", "16", "--quiet", "--no-plots"]


@pytest.fixture
def source(tmp_path):
    """Return a file of 12 x 12 images, a quarter of whose pixels are not 0, of three classes."""
    rng = np.random.default_rng(0)
    y = np.arange(240) % 3
    x = rng.integers(1, 256, (240, 12, 12), np.uint8) * (rng.random((240, 12, 12)) < 0.2)
    x[np.arange(240), 4 * y] = 255
    np.savez(
        tmp_path / "bars.npz", x_train=x[:180], y_train=y[:180], x_test=x[180:], y_test=y[180:]
    )
    return tmp_path / "bars.npz"


@pytest.fixture
def folder(np_nn, source, tmp_path):
    assert np_nn("store", source, tmp_path / "set", "--quiet")[0] == 0
    return tmp_path / "set"


def test_a_set_is_stored_and_described(np_nn, source, tmp_path):
    words = "store", source, tmp_path / "set", "--distort", 2, "--seed", 3, "--quiet"
    status, out, err = np_nn(*words, "--augment", "shift:pixels=1", "--json", "-")
    assert (status, err) == (0, "")
    facts = json.loads(out)
    assert (facts["n_train"], facts["n_test"], facts["compressed"]) == (360, 60, True)
    assert facts["remarks"][-1].startswith("2 distorted copies")
    status, out, err = np_nn(*words, "--augment", "shift:pixels=1")  # it is complete
    assert (status, err) == (0, "")
    assert "360 training and 60 test samples of 12 x 12, 3 classes\n" in out
    status, out, err = np_nn(*words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "holds a complete stored set already: name a new folder" in err


def test_the_programs_take_the_folder(np_nn, source, folder, tmp_path):
    model = tmp_path / "model.safetensors"
    results = []
    for dataset in (source, folder):
        words = "--dataset", dataset, "--recipe", "np_nn", "--validation", 20, "--standardize"
        status, out, err = np_nn("train", *words, *TINY, "--export", model, "--json", "-")
        assert (status, "Traceback" in err) == (0, False), err
        results.append(json.loads(out)["test_accuracy"])
        status, out, err = np_nn(
            "evaluate", model, "--dataset", folder, "--no-plots", "--json", "-"
        )
        assert status == 0, err
        assert json.loads(out)["test_accuracy"] == results[-1]
    assert results[0] == results[1]  # batches drawn from the whole set, as np_nn's recipe does


def test_a_training_on_the_folder_is_resumed_to_the_same_bits(np_nn, folder, tmp_path):
    words = "--dataset", folder, "--schedule", "constant", "--hidden", 8, "--batch-size", 16
    words += "--quiet", "--no-plots"
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    assert np_nn("train", *words, "--epochs", 3, "--export", whole)[0] == 0
    assert np_nn("train", *words, "--steps", 17, "--save", tmp_path / "run")[0] == 0
    resume = "--resume", tmp_path / "run", "--epochs", 3, "--export", half
    status, _, err = np_nn("train", "--quiet", "--no-plots", *resume)
    assert status == 0, err
    states = [nn.load_model(path).state_dict() for path in (whole, half)]
    assert all(map(np.array_equal, states[0].values(), states[1].values()))


def test_pictures_and_pages_are_those_of_the_set(np_nn, source, folder, tmp_path):
    facts = []
    for name in (source, folder):
        status, out, err = np_nn("data", name, "--out", tmp_path / "pictures", "--json", "-")
        assert status == 0, err
        facts.append(json.loads(out))
    for name in ("counts", "black", "shape", "preparation"):
        assert facts[0][name] == facts[1][name]
    page = tmp_path / "page.html"
    words = "--dataset", folder, "--model", "lenet", "--channels", 2, 3, "--hidden", 8
    words += "--steps", 5, "--batch-size", 20, "--quiet", "--out", tmp_path / "pictures"
    status, _, err = np_nn("train", *words, "--report", page)
    assert status == 0, err
    assert "data:image/png" in page.read_text()


def test_pytorch_trains_on_the_folder(np_nn, folder):
    pytest.importorskip("torch")
    status, _, err = np_nn("train-torch", "--dataset", folder, *TINY)
    assert status == 0, err


def test_verify_finds_a_changed_byte_of_the_same_time(np_nn, source, folder):
    path = folder / "train-values.bin"
    assert np_nn("data", folder, "--verify", "--no-plots")[0] == 0
    times, content = path.stat(), bytearray(path.read_bytes())
    content[5] ^= 255
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert np_nn("data", folder, "--no-plots")[0] == 0
    status, _, err = np_nn("data", folder, "--verify", "--no-plots")
    assert (status, err.count("\n")) == (2, 1)
    assert "training samples 0 to" in err
    status, _, err = np_nn("data", source, "--verify")
    assert (status, err.count("\n")) == (2, 1)
    assert f"--verify checks a stored set, which {source} is not" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("FOLDER/bars.npz", "FOLDER/new", "--augment", "shift"), "give their number with distort"),
        (("FOLDER/bars.npz", "FOLDER/here"), "holds other files, such as a"),
        (("FOLDER/bars.npz", "FOLDER/here/a"), "not a folder"),
        (("FOLDER/here", "FOLDER/new"), "no data set in this folder"),
        (("FOLDER/bars.npz", "FOLDER/new", "--distort", "-1"), "a whole number >= 0 is needed"),
    ],
)
def test_what_cannot_be_stored_is_one_line(np_nn, source, tmp_path, words, said):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a").write_text("")
    status, out, err = np_nn("store", *(w.replace("FOLDER", str(tmp_path)) for w in words))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_an_interruption_says_that_the_command_continues(np_nn, source, tmp_path, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.store.sources, "encode", interrupt)
    status, out, err = np_nn("store", source, tmp_path / "set")
    assert (status, out) == (130, "")
    assert err == "interrupted: the same command continues where this one ended\n"


@pytest.mark.skipif(os.name == "nt", reason="a terminal's Ctrl-C")
def test_ctrl_c_reaches_the_program_and_not_its_jobs(source, tmp_path):
    folder, words = tmp_path / "set", ["--distort", "999999", "--jobs", "2"]
    run = subprocess.Popen(
        [sys.executable, "-m", "np_nn", "store", source, folder, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not (folder / "train-values.bin").exists() and run.poll() is None:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (130, ""), err
    assert err == "interrupted: the same command continues where this one ended\n"


def test_options_of_files_are_refused(np_nn, folder):
    status, _, err = np_nn("data", folder, "--image-size", "8x8")
    assert (status, err.count("\n")) == (2, 1)
    assert "has its own labels and size" in err


def test_a_picture_may_not_be_written_into_the_set(np_nn, folder):
    status, _, err = np_nn("data", folder, "--out", folder)
    assert (status, err.count("\n")) == (2, 1)
    assert len(nn.load(folder).test) == 60
