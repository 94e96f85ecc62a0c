"""main_np.py and main_torch.py as a user runs them: results, invalid input, Ctrl-C, full disks."""

import dataclasses
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import np_nn as nn
from np_nn import cli, data, recipes
from np_nn.data.batches import Batches
from np_nn.recipes import build

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["--dataset", "digits", "--steps", "20", "--batch-size", "32", "--no-plots", "--quiet"]
MAINS = ("main_np", "main_torch")


@pytest.fixture(params=MAINS)
def program(request):
    """Return each main program as a function: arguments -> exit status."""
    if request.param == "main_torch":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    module = __import__(request.param)

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_info:
            cli.run(lambda: module.main([str(argument) for argument in arguments]))
        return exit_info.value.code

    run.name = request.param
    return run


def spawn(*arguments, env=None):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT, env=os.environ | (env or {}), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_run_prints_its_table_and_writes_everything(program, tmp_path, capsys):
    report = tmp_path / "new" / "run.json"
    status = program(*QUICK[:-2], "--quiet", "--out", tmp_path / "plots", "--json", report)
    out = capsys.readouterr().out
    assert status == 0
    assert "784-512-10 on scikit-learn's digits" in out
    assert "test accuracy" in out
    assert "published" not in out.split("note")[0]  # the digits have no published result
    suffix = {"main_np": "np", "main_torch": "torch"}[program.name]
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        f"{name}_{suffix}.png" for name in ("accuracy_plot", "loss_plot", "confusion", "errors")
    }
    content = json.loads(report.read_text())
    required = (
        "recipe dataset n_train n_test model seed threads kernels steps epochs train_seconds "
        "step_ms_median test_accuracy test_loss reference_accuracy difference versions"
    )
    assert set(required.split()) <= content.keys()
    assert content["steps"] == 20
    parts = [content[f"{part}_seconds"] for part in ("prepare", "compress", "loop")]
    assert content["train_seconds"] == pytest.approx(sum(parts))
    assert content["n_train"], content["n_test"] == (1500, 297)
    assert content["reference_accuracy"] is None
    assert len(content["runs"][0]["batches"]["loss"]) == 20


def test_a_report_is_one_file_without_pictures_too(program, tmp_path, capsys):
    file = tmp_path / "run.html"
    assert program(*QUICK, "--out", tmp_path / "plots", "--report", file) == 0
    assert list(tmp_path.iterdir()) == [file]
    assert f"written: {file}" in capsys.readouterr().out
    assert str(file) in file.read_text()  # as part of the command line


def test_several_seeds_give_mean_and_spread(program, tmp_path, capsys):
    report = tmp_path / "run.json"
    assert program(*QUICK, "--seed", 3, 4, "--json", report) == 0
    assert " ± " in capsys.readouterr().out
    content = json.loads(report.read_text())
    accuracies = [run["test_accuracy"] for run in content["runs"]]
    assert content["seed"] == [3, 4]
    assert content["test_accuracy"] == pytest.approx(np.mean(accuracies))
    assert content["test_accuracy_spread"] == pytest.approx(np.std(accuracies, ddof=1))


def test_recipes_are_listed(program, capsys):
    assert program("--list-recipes") == 0
    out = capsys.readouterr().out
    for name, figure in (("geohot", "0.9635"), ("np_nn_torch", "0.9633")):
        assert name in out
        assert figure in out


@pytest.mark.kernel_independent
def test_changed_settings_are_compared_with_the_recipe_that_has_them():
    by_name = recipes.RECIPES

    def settings(*arguments):
        return cli.parse(cli.parser(""), ["--no-plots", *arguments]).settings

    assert recipes.matching(settings()) is by_name["np_nn"]
    assert recipes.matching(settings("--init", "torch")) is by_name["np_nn_torch"]
    small = ("--hidden", "128", "--batch-size", "128", "--steps", "1000")
    assert recipes.matching(settings(*small)) is by_name["geohot"]
    assert recipes.matching(settings("--lr", "0.002")) is None
    assert recipes.matching(settings("--epochs", "3")) is None


@pytest.mark.kernel_independent
def test_a_recipe_has_a_data_set_of_its_own_unless_another_is_given(monkeypatch, digits):
    asked = []
    monkeypatch.setattr(data, "load", lambda name, *_, **__: asked.append(name) or digits)

    def settings(*arguments):
        args = cli.parse(cli.parser(""), ["--no-plots", "--quiet", *arguments])
        cli.load(args)
        return args.settings

    fashion = recipes.RECIPES["fashion_mlp"]
    assert settings("--recipe", "fashion_mlp") == fashion
    assert recipes.matching(settings("--recipe", "fashion_mlp", "--dataset", "mnist")) is None
    assert settings().dataset == settings("--dataset", "auto").dataset == "mnist"
    assert settings("--dataset", "mnist").dataset == "mnist"
    assert asked == ["fashion", "mnist", "auto", "auto", "mnist"]


BAD_INPUT = [
    (["--recipe", "np_n"], "unknown recipe 'np_n'; did you mean 'np_nn'?"),
    (["--dataset", "fashon"], "unknown data set 'fashon'; did you mean 'fashion'?"),
    (["--init", "torhc"], "did you mean 'torch'?"),
    (["--batch-size", "5000"], "batch size 5000 is larger than the training set of 1500 images"),
    (["--batch-size", "0"], "argument --batch-size: a whole number >= 1 is needed, not '0'"),
    (["--hidden", "-5"], "a whole number >= 1"),
    (["--steps", "1.5"], "a whole number >= 1"),
    (["--lr", "0"], "a number > 0"),
    (["--lr", "nan"], "a number > 0"),
    (["--momentum", "-1"], "a number >= 0"),
    (["--seed", "-1"], "a whole number >= 0"),
    (["--threads", "0"], "a whole number >= 1"),
    (["--steps", "3", "--epochs", "3"], "not allowed with"),
    (["--lr", "1e30"], "Try a smaller learning rate"),
    (["--hidden", "999999999", "999999999"], "not enough memory"),
    (["--hiden", "9"], "unknown option --hiden; did you mean '--hidden'?"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT)
def test_bad_input_is_one_line_and_status_2(program, arguments, message, capsys):
    base = [] if "--steps" in arguments or "--epochs" in arguments else ["--steps", "20"]
    options = ["--dataset", "digits", "--no-plots", "--quiet", *base]
    assert program(*options, *arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
    assert "error: " in err


def test_missing_data_says_where_to_put_it(program, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("NP_NN_CACHE", str(tmp_path))
    monkeypatch.delenv("NP_NN_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there
    assert program("--dataset", "mnist", "--no-plots", "--quiet") == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    for part in ("ossci-datasets.s3.amazonaws.com", "storage.googleapis.com", str(tmp_path)):
        assert part in err


@pytest.mark.parametrize("options", [[], ["--dataset", "auto"], ["--recipe", "fashion_mlp"]])
def test_a_folder_without_the_data_is_an_error_and_stays_as_it_is(
    program, options, capsys, tmp_path
):
    (tmp_path / "7.png").touch()
    assert program("--data-dir", tmp_path, *options, "--no-plots", "--quiet") == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1
    assert f"MNIST was not found in {tmp_path}; put train-images-idx3-ubyte, " in err
    assert "--download" in err
    assert [path.name for path in tmp_path.iterdir()] == ["7.png"]


def test_a_download_into_a_folder_can_be_asked_for(program, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there
    assert program("--data-dir", tmp_path, "--download", "--no-plots", "--quiet") == 2
    assert f"MNIST could not be downloaded to {tmp_path}: " in capsys.readouterr().err


def test_without_data_and_network_the_digits_stand_in_loudly(
    program, capsys, tmp_path, monkeypatch
):
    monkeypatch.setenv("NP_NN_CACHE", str(tmp_path))
    monkeypatch.delenv("NP_NN_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert program("--steps", "20", "--no-plots") == 0
    out, err = capsys.readouterr()
    assert err.startswith("warning: MNIST is missing; these are scikit-learn's 8x8 digits")
    assert "could not connect" in err
    assert "warning: MNIST is missing" in out
    assert "NOT comparable" in out
    assert "| published" not in out


def test_an_unwritable_place_is_found_before_training(program, capsys, tmp_path):
    (tmp_path / "file").touch()
    assert program(*QUICK, "--json", tmp_path) == 2
    assert "it is a folder" in capsys.readouterr().err
    assert program(*QUICK, "--json", tmp_path / "file" / "run.json") == 2
    assert program(*QUICK, "--report", tmp_path / "file" / "run.html") == 2
    plotting = [argument for argument in QUICK if argument != "--no-plots"]
    assert program(*plotting, "--out", tmp_path / "file") == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 3


def shell(command, redirection):
    """Run a Python program through a shell with a pipe that keeps the program's exit status."""
    line = f"set -o pipefail; {shlex.quote(sys.executable)} {command} {redirection}"
    return subprocess.run(
        ["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_costs_the_file_and_not_the_table(program, capsys):
    assert program(*QUICK, "--json", "/dev/full") == 2
    out, err = capsys.readouterr()
    assert "test accuracy" in out
    assert err.splitlines() == [err.strip()]
    assert "No space left on device" in err


def test_a_last_batch_of_one_image_is_said_before_the_first_step(program, capsys):
    words = [
        "--dataset",
        "digits",
        "--no-replacement",
        "--norm",
        "batch",
        "--epochs",
        "1",
        "--batch-size",
        "1499",
    ]
    assert program(*words, "--no-plots") == 2
    _, err = capsys.readouterr()
    assert err.splitlines()[-1].endswith("on a last batch of 1; take a batch size of 1,500")
    assert "loss" not in err


def test_a_batch_that_weighs_nothing_is_no_divergence(program, capsys):
    weights = ["--class-weights", *"0000000001"]
    assert program(*QUICK[:-4], "--batch-size", "1", *weights, "--no-plots", "--quiet") == 2
    _, err = capsys.readouterr()
    assert err.endswith("give one of them a weight above 0, or take reduction='sum'\n")
    assert "learning rate" not in err


@pytest.mark.kernel_independent
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "main_np.py", *QUICK],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["main_np.py: error: [Errno 28] No space left on device"]


@pytest.mark.kernel_independent
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "stdout", [">/dev/full", "| true", ">&-"], ids=["full disk", "no reader", "closed"]
)
def test_files_are_written_whatever_becomes_of_the_output(tmp_path, stdout):
    words = [option for option in QUICK if option != "--no-plots"]
    words += ["--seed", "0", "1", "--out", str(tmp_path), "--json", str(tmp_path / "run.json")]
    done = shell(f"main_np.py {shlex.join(words)} --report {tmp_path}/run.html", stdout)
    assert done.returncode == (2 if "full" in stdout else 0)
    assert (
        done.stderr.splitlines()
        == ["main_np.py: error: [Errno 28] No space left on device"][: done.returncode]
    )
    assert json.loads((tmp_path / "run.json").read_text())["steps"] == 20
    names = {path.name for path in tmp_path.iterdir()}
    assert {"run.html", "accuracy_plot_np.png", "errors_np.png"} < names


@pytest.mark.kernel_independent
def test_a_closed_stderr_is_no_error(tmp_path):
    words = [option for option in QUICK if option != "--quiet"]
    done = shell(f"main_np.py {shlex.join(words)} --json {tmp_path}/run.json", "2>&-")
    assert done.returncode == 0
    assert "test accuracy" in done.stdout
    assert "step " not in done.stdout
    assert (tmp_path / "run.json").exists()
    done = shell("main_np.py --lr x", "2>&-")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.kernel_independent
def test_a_terminal_that_lacks_a_character_gets_a_plain_one(program, tmp_path):
    if program.name == "main_torch":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    out = tmp_path / "日.json"
    done = spawn(f"{program.name}.py", *QUICK, "--seed", 0, 1, "--json", out, env=ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert " +- 0." in done.stdout
    assert f"written: {tmp_path}/?.json" in done.stdout
    assert out.exists()
    done = spawn(f"{program.name}.py", "--help", env=ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert "mean +- spread" in done.stdout


def test_one_file_that_fails_costs_no_other_and_not_the_table(program, capsys, tmp_path):
    (tmp_path / "plots/errors_np.png").mkdir(parents=True)
    (tmp_path / "plots/errors_torch.png").mkdir()
    words = [option for option in QUICK if option != "--no-plots"]
    words += ["--out", tmp_path / "plots", "--json", "/dev/full", "--report", tmp_path / "run.html"]
    assert program(*words) == 2
    out, err = capsys.readouterr()
    assert "test accuracy" in out
    assert f"written: {tmp_path / 'run.html'}\n" in out
    (line,) = err.splitlines()
    assert "error: cannot write /dev/full: No space left" in line
    assert "; cannot write " in line
    assert (tmp_path / "run.html").exists()


def test_ctrl_c_ends_with_the_table_and_status_130(tmp_path):
    interrupt("main_np", tmp_path)


@pytest.mark.kernel_independent
def test_ctrl_c_ends_main_torch_with_the_same(tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    interrupt("main_torch", tmp_path)


def interrupt(name, tmp_path):
    """Press Ctrl-C in a long run of a main program, after it has begun."""
    report = tmp_path / "run.json"
    process = subprocess.Popen(
        [sys.executable, f"{name}.py", "--dataset", "digits", "--steps", "20000", "--batch-size",
         "8", "--out", tmp_path, "--json", report],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = iter(process.stderr.readline, "")
    assert next(line for line in lines if re.match(r"\s*\d+/107 ", line))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "| test accuracy" in out
    assert "interrupted at iteration" in err
    assert "Traceback" not in err
    content = json.loads(report.read_text())
    assert content["interrupted"]
    assert 0 < content["steps"] < 20000


def test_main_np_never_imports_torch_and_starts_light():
    heavy = "{'torch', 'matplotlib', 'sklearn', 'scipy', 'pooch', 'requests', 'tqdm'}"
    code = (
        f"import sys, np_nn; assert not {heavy} & sys.modules.keys(), sys.modules.keys()\n"
        f"import main_np; main_np.main({QUICK!r}); assert 'torch' not in sys.modules"
    )
    done = spawn("-c", code)
    assert not done.returncode, done.stderr


@pytest.mark.kernel_independent
def test_without_torch_main_torch_says_what_to_install(tmp_path):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")")
    done = spawn("main_torch.py", *QUICK, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "main_torch.py: error: No module named 'torch'; pip install torch torchvision"
    ]


@pytest.mark.kernel_independent
def test_a_device_that_is_not_there_is_one_line(capsys):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from np_nn.commands import train_torch

    device = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(SystemExit, match="2"):
        cli.run(lambda: train_torch.main([*QUICK, "--device", device]))
    assert f"--device {device}: PyTorch finds no such device" in capsys.readouterr().err


def run_both(tmp_path, *arguments):
    """Run the same recipe in NumPy and in PyTorch; return the JSON of each."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    results = []
    for name in MAINS:
        report = tmp_path / f"{name}.json"
        module = __import__(name)
        options = ["--no-plots", "--quiet", "--json", report, *arguments]
        assert module.main([str(option) for option in options]) == 0
        results.append(json.loads(report.read_text()))
    return results


def loss_deviation(ours, theirs, steps=200):
    a, b = (np.array(run["runs"][0]["batches"]["loss"][:steps]) for run in (ours, theirs))
    assert len(a) == len(b) == steps
    return np.max(np.abs(a - b) / b)


def test_numpy_and_torch_agree_step_by_step(mnist, tmp_path):
    """The losses of 200 float32 steps, each program on its own, from PyTorch's initial weights.

    This does not hold for every seed: by rounding, a unit is sometimes active in only one of the
    programs, which changes the loss by 1e-3. The same happens between NumPy's float32 and float64.
    """
    ours, theirs = run_both(tmp_path, "--recipe", "np_nn_torch", "--steps", "200", "--seed", "1")
    assert loss_deviation(ours, theirs) < 1e-4


@pytest.fixture
def twins(mnist):
    """Return the np_nn recipe from the original's start: settings, our network, PyTorch's."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from np_nn import torch_twin

    settings = dataclasses.replace(recipes.RECIPES["np_nn"], steps=200)
    model = build.model(settings, mnist, seed=0)
    return settings, model, torch_twin.module(model)


def test_the_originals_start_agrees_step_by_step_in_float64(mnist, twins, monkeypatch):
    """From this start training amplifies rounding, so the two agree in float64 only.

    In float32, a unit that is on in one program and off in the other moves the loss by 1e-3.
    """
    import torch

    from np_nn.commands import train_torch

    settings, model, torch_model = twins
    optimizer = build.optimizer(settings, model.to(np.float64).parameters())
    options = settings.plan | {"seed": 0, "quiet": True}
    ours = nn.fit(model, mnist.train, nn.CrossEntropyLoss(), optimizer, **options)

    monkeypatch.setattr(train_torch, "to_float", lambda images, split: images.double())
    tensors = train_torch.tensors(mnist, settings, "cpu", train=True)
    torch_optimizer = torch.optim.SGD(torch_model.double().parameters(), lr=settings.lr)
    theirs = train_torch.train(
        torch_model,
        *tensors,
        nn.CrossEntropyLoss(),
        torch_optimizer,
        mnist.train,
        settings,
        Batches(len(mnist.train), **settings.plan, seed=0),
        True,
    )
    assert np.max(np.abs(ours.loss - theirs.loss) / theirs.loss) < 1e-4
    assert np.allclose(ours.accuracy, theirs.accuracy)


def test_every_float32_step_agrees_from_the_same_weights_and_batch(mnist, twins):
    import torch

    settings, model, torch_model = twins
    optimizer = torch.optim.SGD(torch_model.parameters(), lr=settings.lr)
    loss, images = nn.CrossEntropyLoss(), mnist.train.images.reshape(-1, 784)
    for batch in Batches(len(images), **settings.plan):
        x, y = images[batch].astype(np.float32), mnist.train.labels[batch]
        model.load_state_dict({k: v.numpy() for k, v in torch_model.state_dict().items()})
        ours = loss.forward(model.forward(x), y)
        optimizer.zero_grad()
        theirs = torch.nn.functional.cross_entropy(torch_model(torch.tensor(x)), torch.tensor(y))
        theirs.backward()
        optimizer.step()
        assert ours == pytest.approx(theirs.item(), rel=1e-5)


@pytest.mark.parametrize("recipe", ["geohot", "geohot_torch"])
def test_numpy_and_torch_reach_the_published_accuracy_alike(recipe, mnist, tmp_path):
    ours, theirs = run_both(tmp_path, "--recipe", recipe)
    published = recipes.RECIPES[recipe].published
    assert abs(ours["test_accuracy"] - theirs["test_accuracy"]) <= 0.002
    assert ours["reference_accuracy"] == theirs["reference_accuracy"] == published
    assert abs(ours["difference"]) <= 0.01
