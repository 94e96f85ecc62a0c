"""Two outputs, or an output and an input, with one path: refused before anything is written."""

import os
from pathlib import Path

import pytest

import main_np
from np_nn import cli
from np_nn.data import DATASETS
from np_nn.utils.errors import NpNNError
from tests.support.commands import refused

pytestmark = pytest.mark.kernel_independent
QUICK = ["--dataset", "digits", "--steps", "3", "--batch-size", "32", "--hidden", "8", "--quiet"]
CLASHES = [
    "--save a.safetensors --export a.safetensors",
    "--save a --json a",
    "--save a --report ./a",
    "--save a --log new/../a",
    "--json a --report {folder}/a",
    "--json a --log A",
    "--json link --report a",
    "--export a.pt a.pt",
    "--export a.pt linked/a.pt",
    "--save a --keep 3 --json a.2",
    "--save a --json a/b",
    "--save a/b --json a",
    "--tensorboard a --json a",
    "--tensorboard a/b --json a",
    "--out a --json a",
    "--out . --json learnt.png",
    "--out . --format svg --report linked/learnt.svg",
    "--resume {run} --json {run}",
    "--resume {run} --save b --export {run}",
    "--resume {run} --log {run}",
    "--load {run} --save {run}",
    "--load {run} --export a.safetensors ./{run}",
]
FRIENDS = [
    "--save a --json b --report c --log d --export e.pt e.safetensors --out f --tensorboard f",
    "--save a --keep 2 --json a.2 --log a.x",
    "--out . --json learnt.svg --report pictures/a.png",
    "--json /dev/null --report /dev/null",
    "--resume {run}",
    "--resume {run} --save {run}",
    "--resume {run} --save a --keep 3",
    "--load {run} --save a",
]


@pytest.fixture
def words(tmp_path, monkeypatch, capsys):
    """Return a function: text -> arguments, in a folder with a checkpoint, links and a file a."""
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to("a")
    Path("linked").symlink_to(".")
    main_np.main([*QUICK, "--no-plots", "--save", "run"])
    capsys.readouterr()

    def split(text):
        options = QUICK if "--out" in text else [*QUICK, "--no-plots"]
        if "--load" in text:
            options = [word for word in options if word not in ("--hidden", "8")]
        return [*options, *text.format(run="run", folder=tmp_path).split()]

    return split


def tree():
    return {path: path.read_bytes() if path.is_file() else b"" for path in Path().rglob("*")}


@pytest.mark.parametrize("text", CLASHES)
def test_two_files_in_one_place_are_refused_before_training(words, capsys, text):
    before = tree()
    arguments = words(text)
    with pytest.raises(SystemExit) as stop:
        cli.run(lambda: main_np.main(arguments))
    out, err = capsys.readouterr()
    assert (stop.value.code, len(err.splitlines())) == (2, 1), err
    assert "conflict: give each a file of its own" in err
    assert not out
    assert tree() == before


@pytest.mark.parametrize("text", FRIENDS)
def test_what_goes_together_is_written(words, text):
    if "tensorboard" in text:
        pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    assert main_np.main(words(text)) == 0


@pytest.mark.parametrize("option", ["save", "report", "log", "export"])
def test_json_alone_writes_to_standard_output(words, capsys, option):
    message = f"--{option} -: name a file; --json alone writes to standard output"
    with pytest.raises(NpNNError, match=message):
        main_np.main(words(f"--{option} -"))


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_file_of_the_data_set_is_never_written(mnist, tmp_path, capsys, ending):
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for path in (mnist.root / "MNIST/raw").iterdir():
        (raw / path.name).symlink_to(path)  # links: the real data stay safe
    file = DATASETS["mnist"].files[0].name + ending
    words = ["--data-dir", str(tmp_path), "--steps", "3", "--json", str(raw / file), "--no-plots"]
    with pytest.raises(SystemExit, match="2"):
        cli.run(lambda: main_np.main(words))
    err = capsys.readouterr().err
    assert f"--json {raw / file} and the data set's {raw / file} conflict" in err


def test_pictures_do_not_take_the_place_of_the_weights(capsys, tmp_path):
    weights = os.path.join(tmp_path, "pass.png")
    message = refused(capsys, "pass", *QUICK, "--weights", weights, "--out", str(tmp_path))
    assert f"--out {tmp_path} and --weights {weights} conflict" in message
