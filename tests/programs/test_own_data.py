"""The programs train on the user's own files: --dataset PATH and its options."""

import hashlib

import numpy as np
import pytest

import main_np
import np_nn as nn
from np_nn import cli
from tests.support import own_data
from tests.support.own_data import put

pytestmark = pytest.mark.kernel_independent
HIDDEN = ["--no-plots", "--quiet", "--hidden", "8", "--batch-size", "16", "--steps", "12"]


@pytest.fixture
def program(capsys):
    """Return main_np.py as a function: arguments -> (exit status, stdout, stderr)."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_info:
            cli.run(lambda: main_np.main([str(word) for word in (*HIDDEN, *arguments)]))
        return exit_info.value.code, *capsys.readouterr()

    return run


def subset(digits):
    train, test = digits.train, digits.test
    return {
        "train": (train.images[:60], train.labels[:60]),
        "test": (test.images[:20], test.labels[:20]),
    }


@pytest.mark.parametrize("seed", [0, 3])
def test_every_format_trains_to_the_same_weights(program, digits, seed, tmp_path):
    """MNIST as PNGs, CSV, .npz and Parquet trains to the same weights as IDX, by SHA-256."""
    sums = {}
    for name, write in own_data.FORMATS.items():
        if name == "parquet":
            pytest.importorskip("pyarrow")
        path, out = write(tmp_path / name, subset(digits)), tmp_path / f"{name}.safetensors"
        options = ("--dataset", path, "--scale", "0.004", "--lr", "0.1", "--seed", seed)
        status, _, said = program(*options, "--export", out)
        assert status == 0, said
        weights = nn.load_model(out)
        content = b"".join(array.tobytes() for array in weights.state_dict().values())
        sums[name] = hashlib.sha256(content).hexdigest()
    assert len(set(sums.values())) == 1, sums


def test_a_training_is_resumed_in_another_folder_with_its_options(program, tmp_path, monkeypatch):
    rows = [f"{a},{a % 3},{'yes' if a % 3 else 'no'}" for a in range(40)]
    put(tmp_path / "here" / "t.csv", "\n".join(["a,b,answer", *rows, ",,yes"]))
    monkeypatch.chdir(tmp_path / "here")
    words = ("--dataset", "t.csv", "--label", "answer", "--skip-unreadable", "--save", "run")
    assert program(*words)[0] == 0
    monkeypatch.chdir(tmp_path)
    status, out, said = program("--resume", "here/run", "--steps", "20")
    assert status == 0, said
    assert "2-8-2 on t.csv" in out
    saved = nn.load_checkpoint("here/run")
    assert saved["recipe"]["dataset"] == str(tmp_path / "here" / "t.csv")
    assert saved["history"]["curves"].shape[1] == 20


def test_features_are_not_scaled_as_pixels_are(tmp_path):
    rows = "\n".join(f"{a / 3!r},{a % 2}" for a in range(20))
    path = put(tmp_path / "t.csv", f"a,label\n{rows}")
    for more in ((), ("--standardize",)):
        args = cli.parse(
            cli.parser(""), ["--dataset", str(path), "--scale", "0.5", "--no-plots", *more]
        )
        data = cli.load(args)
        assert (data.train.scale, data.train.shift) == (1.0, 0.0)
        assert data.preparation.scale == 1.0


def test_outputs_stay_out_of_the_data(program, digits, tmp_path):
    images = own_data.folder(tmp_path / "set", subset(digits))
    table = own_data.table(tmp_path / "t.csv", *subset(digits)["train"])
    for data, output in ((images, images / "train" / "m"), (table, table)):
        status, _, said = program("--dataset", data, "--json", output)
        assert status == 2
        (line,) = said.splitlines()
        assert "conflict" in line
    assert program("--dataset", table, "--json", tmp_path / "run.json")[0] == 0


def test_wrong_words_are_one_line(program, digits, tmp_path):
    images = own_data.folder(tmp_path / "set", subset(digits))
    put(images / "train" / "3" / "bad.png", b"")
    for words, message in (
        (("--dataset", tmp_path / "none"), "there is no such file or folder"),
        (("--dataset", images), "bad.png: empty file"),
        (("--dataset", images, "--image-size", "0x3"), "a height and a width"),
        (("--dataset", "digits", "--label", "x"), "for files of your own"),
    ):
        status, _, said = program(*words)
        assert status == 2
        (line,) = said.splitlines()
        assert message in line
    assert program("--dataset", images, "--skip-unreadable", "--image-size", "9")[0] == 0


def test_colour_larger_than_the_compressed_rows_can_number_is_trained_dense(tmp_path):
    x = np.zeros((6, 3, 160, 160), np.uint8)
    data = nn.from_arrays(x, [0, 1] * 3)
    model = nn.mlp((x[0].size, 2))
    nn.fit(model, data.train, nn.CrossEntropyLoss(), nn.SGD(model.parameters()), steps=2,
           batch_size=2, quiet=True)  # fmt: skip
    assert "_rows" not in vars(data.train)


def test_pytorch_trains_on_own_features_and_colour(capsys, tmp_path):
    main_torch = pytest.importorskip("main_torch")
    rows = "\n".join(f"{a / 3!r},{a % 2}" for a in range(20))
    table = put(tmp_path / "t.csv", f"a,label\n{rows}")
    colour = own_data.folder(
        tmp_path / "set", {"all": (np.zeros((8, 20, 20, 3), np.uint8), [0, 1] * 4)}
    )
    for words in ([str(table)], [str(colour), "--model", "lenet5"]):
        options = ["--batch-size", "4", "--steps", "2", "--no-plots", "--quiet", "--dataset"]
        assert main_torch.main([*options, *words]) == 0
    out = capsys.readouterr().out
    assert "-2 on t.csv" in out
    assert "lenet5 on set" in out
