"""The examples run, learn what they claim, and are in the gallery with their pictures."""

import contextlib
import functools
import importlib
import io
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import np_nn as nn
from np_nn.models import ACTIVATIONS

pytestmark = pytest.mark.kernel_independent
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("[0-9]*.py"))
NEED_TORCH = {s for s in SCRIPTS if 'require("torch")' in (EXAMPLES / f"{s}.py").read_text("utf-8")}
GALLERY = (EXAMPLES / "README.md").read_text("utf-8")
TOOLS = ["own_data", "predicting", "deploying"]  # ways to use np_nn, not lessons
LARGEST = 150_000  # maximum bytes of a picture

sys.path.insert(0, str(EXAMPLES))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function: a script's name -> (its output, its pictures), run once."""

    @functools.cache
    def run(script):
        if script in NEED_TORCH:
            pytest.importorskip("torch")
        folder, printed = tmp_path_factory.mktemp(script), io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = importlib.import_module(script).main(["--quick", "--out", str(folder)])
        assert not status
        return printed.getvalue(), sorted(path.name for path in folder.iterdir())

    return run


def table(text, *names):
    """Return {first word: [numbers]} of the lines that begin with one of the names."""
    rows = [line for line in text.splitlines() if line.startswith(names)]
    return {row.split()[0]: [float(word) for word in row.split()[1:]] for row in rows}


# ---- Every script ---------------------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS)
def test_says_something_and_draws_its_pictures(run, script):
    text, pictures = run(script)
    assert len(text.splitlines()) >= 4
    assert pictures
    assert pictures == sorted(path.name for path in EXAMPLES.glob(f"pictures/{script[:2]}_*"))


def test_they_are_numbered():
    numbers = [int(script[:2]) for script in SCRIPTS]
    assert numbers[:12] == list(range(1, 13))
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("script", sorted(NEED_TORCH))
def test_says_how_to_get_torch(script, monkeypatch, capsys):
    for name in ("torch", "np_nn.torch_twin"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(EXAMPLES / f"{script}.py"), run_name="__main__")
    assert stop.value.code == 2
    assert capsys.readouterr().err == "this example needs torch: pip install torch\n"


def test_a_program_of_its_own_from_anywhere(tmp_path):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, EXAMPLES / "01_perceptron.py", "--quick", "--no-plots"]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["--fast"], ["--out", __file__]])
def test_bad_arguments_end_in_one_line(arguments, capsys):
    main, common = importlib.import_module("01_perceptron").main, importlib.import_module("common")
    with pytest.raises(SystemExit) as stop:
        common.run(lambda: main(arguments))
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


# ---- What each has learnt -------------------------------------------------------------------


def test_perceptron_fits_and_but_not_xor(run):
    text, _ = run("01_perceptron")
    assert "AND: 4 of 4 right" in text
    assert int(re.search(r"XOR: (\d) of 4", text)[1]) < 4


@pytest.mark.parametrize("script", ["02_xor_numpy", "03_xor_autograd", "04_xor_torch"])
def test_mlp_fits_xor_with_the_same_losses(run, script):
    text, _ = run(script)
    assert "XOR: 4 of 4 right" in text
    losses = re.findall(r"step .* loss .*", text)
    assert len(losses) == 3
    assert losses == re.findall(r"step .* loss .*", run("02_xor_numpy")[0])


def test_neuron_is_explained(run):
    assert re.search(r"weighted sum: .*\noutput: sigmoid\(", run("02_xor_numpy")[0])


def test_regression_finds_two_in_both(run):
    text, _ = run("05_regression")
    assert re.findall(r"learnt y = (\S+) x (\S+)", text) == [("2.000", "+0.000")] * 2
    assert float(re.search(r"difference of the losses: (\S+)", text)[1]) < 1e-12
    steps = re.findall(r"^ *\d+  (\S+)  (\S+)$", text, re.M)
    assert len(steps) >= 5
    assert all(ours == theirs for ours, theirs in steps)


def test_three_ways_separate_moons(run):
    row = r"^(moons|circles|classification) +(.+?) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)$"
    rows = re.findall(row, run("06_moons")[0], re.M)
    assert len({(points, way) for points, way, *_ in rows}) == 9
    for _, _, lines, _, training, validation in rows:
        assert 20 <= int(lines) <= 40
        assert float(training) > 0.92
        assert float(validation) > 0.92


def test_digits_are_read(run):
    accuracies = re.findall(r"epoch +\d+: ([\d.]+)", run("07_mnist")[0])
    assert float(accuracies[-1]) > 0.85
    assert float(accuracies[-1]) > float(accuracies[0])


def test_optimizers_go_down(run):
    names = ("SGD", "momentum", "Nesterov", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW")
    rows = table(run("08_optimizers")[0], *(f"{name} " for name in names))
    assert set(rows) == set(names)
    for name, (height, loss) in rows.items():
        assert height < (0.05 if name != "Adadelta" else 25)  # from 30.5
        assert loss < 0.5  # from 2.3


def test_deep_sigmoids_learn_nothing(run):
    rows = table(run("09_activations")[0], *(f"{name} " for name in ACTIVATIONS))
    assert set(rows) == set(ACTIVATIONS)
    slope, loss, _ = rows["sigmoid"]
    assert slope == 0.25
    assert loss > 2.2
    assert rows["tanh"][1] < 0.4
    assert rows["tanh"][2] > 0.85


def test_zeros_stay_alike_and_kaiming_keeps_the_spread(run):
    text, _ = run("10_initialisation")
    different = dict(re.findall(r"from (\w+) +(\d+) different", text))
    assert different == {"zeros": "1", "torch": "100"}
    starts = ("zeros", "original", "torch", "xavier_uniform", "kaiming_normal", "orthogonal")
    rows = table(text, *(f"{start} " for start in starts))
    assert set(rows) == set(starts)
    kept = {start: last / first for start, (first, last, *_) in rows.items() if first}
    assert kept["kaiming_normal"] > 0.2 > 0.05 > kept["xavier_uniform"] > kept["torch"]
    early = {start: loss for start, (_, _, loss, _) in rows.items()}
    assert min(early, key=early.get) == "kaiming_normal"
    assert rows["zeros"][3] > 2.2


def test_filters_read_digits(run):
    text, _ = run("11_convolution")
    assert "5,994 weights and biases" in text
    accuracies = [float(word) for word in re.findall(r"epoch \d: ([\d.]+)", text)]
    assert len(accuracies) == 3
    assert accuracies[-1] > 0.9
    mistaken = int(re.search(r"(\d+) of 297 are mistaken", text)[1])
    assert mistaken == round(297 * (1 - accuracies[-1]))


def test_the_estimator_is_scikit_learns(run):
    text, _ = run("12_scikit_learn")
    runs = re.findall(
        r"^(\S+) +[\d.]+ s  test accuracy ([\d.]+)  training loss ([\d.]+)$", text, re.M
    )
    assert [name for name, *_ in runs] == ["scikit-learn", "np_nn"]
    (_, accuracy, loss), (_, our_accuracy, our_loss) = runs
    assert float(our_accuracy) == pytest.approx(float(accuracy), abs=0.004)
    assert float(our_loss) == pytest.approx(float(loss), abs=0.0002)
    assert float(our_accuracy) > 0.9
    assert float(re.search(r"same answer to ([\d.]+)%", text)[1]) > 99
    assert float(re.search(r"early stopping: test accuracy ([\d.]+)", text)[1]) > 0.9


def test_the_ladder_network_removes_noise(run):
    text, _ = run("13_ladder")
    rows = re.findall(r"^.+? +([\d.]+)% +([\d.]+)% +\d+ s$", text, re.M)
    assert [float(published) for published, _ in rows] == [0.80, 0.57]
    assert all(float(ours) < 10 for _, ours in rows)
    before, after = re.search(r"noise of ([\d.]+) .*: ([\d.]+) remains", text).groups()
    assert float(after) < float(before) == 0.3


def small_ladder(costs):
    """Return a ladder network in float64 with random parameters, and a batch."""
    ladder = importlib.import_module("ladder.network").Ladder((6, 5, 4, 3), 0.3, 0.3, costs)
    model, rng = ladder.to(np.float64), np.random.default_rng(1)
    for parameter in model.parameters():
        parameter.data += 0.3 * rng.normal(size=parameter.shape)
    return model, rng.random((7, 6)), rng.integers(0, 3, 7)


COSTS = (10, 1, 0.5, 0.1)


@pytest.mark.parametrize("costs", [COSTS, ()])
def test_the_ladder_networks_gradients_are_finite_differences(costs):
    model, x, y = small_ladder(costs)
    loss, noise = nn.CrossEntropyLoss(), model.random_state()

    def total():
        model.load_random_state(noise)
        return loss.forward(model.forward(x), y) + model.denoising_loss()

    total()
    model.backward(loss.backward())
    assert len(model.parameters()) == (18 if costs else 7)
    for name, parameter in model.named_parameters().items():
        found, data = np.zeros(parameter.shape), parameter.data
        for place in np.ndindex(data.shape):
            value, around = data[place], []
            for data[place] in (value + 1e-6, value - 1e-6):
                around.append(total())
            data[place], found[place] = value, (around[0] - around[1]) / 2e-6
        np.testing.assert_allclose(parameter.grad, found, atol=1e-6, err_msg=name)


def test_the_ladder_network_is_the_same_in_torch():
    torch = pytest.importorskip("torch")
    model, x, y = small_ladder(COSTS)
    loss = nn.CrossEntropyLoss()
    ours = loss.forward(model.forward(x), y) + model.denoising_loss()
    model.backward(loss.backward())
    named = model.named_parameters()
    p = {name: torch.tensor(each.data, requires_grad=True) for name, each in named.items()}

    def normal(a):
        mean, deviation = a.mean(0), (a.var(0, correction=0) + 1e-10).sqrt()
        return (a - mean) / deviation, mean, deviation

    def curve(name, u):
        a1, a2, a3, a4, a5 = p[name]
        return a1 * torch.sigmoid(a2 * u + a3) + a4 * u + a5

    clean, noisy = torch.tensor(x), torch.tensor(model.ctx.noisy)
    targets, laterals = [(clean, 0, 1)], [noisy]
    for i, layer in enumerate(model.encoder):
        weight, beta = p[f"encoder.{i}.weight"], p[f"encoder.{i}.beta"]
        targets.append(normal(clean @ weight))
        noise = torch.tensor(layer.ctx.level[0] - layer.ctx.z[1])
        laterals.append(normal(noisy @ weight)[0] + noise)
        clean, noisy = (torch.relu(z + beta) for z in (targets[-1][0], laterals[-1]))
    logits = (laterals[-1] + beta) * p[f"encoder.{i}.gamma"]
    theirs = torch.nn.functional.cross_entropy(logits, torch.tensor(y))
    above = torch.softmax(logits, 1)
    for i, cost in reversed([*enumerate(COSTS)]):
        weight = p.get(f"decoder.{i}.weight")
        u, *_ = normal(above if weight is None else above @ weight)
        mu, v = curve(f"decoder.{i}.mu.a", u), curve(f"decoder.{i}.v.a", u)
        above = (laterals[i] - mu) * v + mu
        z, mean, deviation = targets[i]
        theirs = theirs + cost * (((above - mean) / deviation - z) ** 2).mean()
    theirs.backward()
    assert ours == pytest.approx(theirs.item(), rel=1e-12)
    for name, parameter in named.items():
        np.testing.assert_allclose(parameter.grad, p[name].grad, atol=1e-12, err_msg=name)


def test_layers_learn_without_a_backward_pass(run):
    text, _ = run("14_forward_forward")
    rows = re.findall(r"^(\S+) +([\d.]+)% +([\d.]+)% +\d+ s$", text, re.M)
    assert [row[:2] for row in rows] == [("backpropagation", "1.40"), ("forward-forward", "1.36")]
    one_pass = re.search(r"^the same, one pass +- +([\d.]+)%$", text, re.M)[1]
    assert float(rows[0][2]) < 10 > float(one_pass)
    assert float(rows[1][2]) < 40  # by goodness it learns later


def test_a_layer_that_learns_by_itself_has_its_own_gradient():
    example, rng = importlib.import_module("14_forward_forward"), np.random.default_rng(0)
    layer = example.Layer(6, 5, seed=0).to(np.float64)
    x, right = rng.normal(size=(8, 6)), np.arange(8) % 2.0

    def loss():
        goodness = (np.maximum(x @ layer[0].weight.data + layer[0].bias.data, 0) ** 2).sum(axis=1)
        return np.logaddexp(0, np.where(right, -1, 1) * (goodness - 5) / (5 / 30)).mean()

    layer.gradient(x, right)
    for parameter in layer.parameters():
        for index in np.ndindex(parameter.shape):
            both = []
            for step in (1e-6, -1e-6):
                parameter.data[index] += step
                both.append(loss())
                parameter.data[index] -= step
            assert parameter.grad[index] == pytest.approx(np.diff(both[::-1])[0] / 2e-6, abs=1e-6)


def test_the_first_convolutional_network_improves_in_33_years(run):
    text, _ = run("15_lenet_1989")
    rows = re.findall(r"^.+? +([\d.]+)% +([\d.]+)% +\d+ s$", text, re.M)
    assert [float(published) for published, _ in rows] == [4.09, 4.38, 3.59, 2.19, 1.59]
    assert all(float(ours) < 20 for _, ours in rows)


# ---- Ways to use np_nn ------------------------------------------------------------------------


@pytest.mark.parametrize("script", TOOLS)
def test_a_way_to_use_it_draws_its_picture(run, script):
    text, pictures = run(script)
    assert len(text.splitlines()) >= 4
    assert pictures == [f"{script}.png"]


def test_own_data_become_a_model_file(run):
    text, _ = run("own_data")
    assert float(re.search(r"test accuracy ([\d.]+)", text)[1]) > 0.85
    assert len(re.findall(r"^class \d: ", text, re.M)) == 10


def test_a_prepared_digit_is_read(run):
    text, _ = run("predicting")
    assert "preparation: digit" in text
    prepared, resized = (int(share) for share in re.findall(r"(\d+)%", text))
    assert prepared >= 2 * resized


def test_the_c_file_answers_as_numpy_does(run):
    text, _ = run("deploying")
    assert re.findall(r"C, (\w+): ([\d.]+)%", text)[0] == ("float32", "100.0")
    float32, int8 = (int(size) for size in re.findall(r"has (\d+) kB", text))
    assert int8 < float32 / 2


# ---- The gallery ----------------------------------------------------------------------------


def test_every_script_is_in_the_gallery_in_order():
    assert re.findall(r"^python examples/(\w+)\.py$", GALLERY, re.M) == SCRIPTS + TOOLS


def test_every_picture_is_in_the_gallery_in_order():
    shown = re.findall(r"!\[[^]]+\]\(pictures/([^)]+)\)", GALLERY)
    assert sorted(shown) == sorted(path.name for path in EXAMPLES.glob("pictures/*"))
    numbers = [name[:2] for name in shown if name[:2].isdigit()]
    assert numbers == sorted(numbers)


def test_pictures_are_light():
    sizes = {path.name: path.stat().st_size for path in EXAMPLES.glob("pictures/*")}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def test_links_of_the_gallery_lead_somewhere():
    titles = re.findall(r"^#+ (.*)$", GALLERY, re.M)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)]+)\)", GALLERY):
        path, _, anchor = target.partition("#")
        assert (EXAMPLES / path).exists() if path else anchor in anchors, target
