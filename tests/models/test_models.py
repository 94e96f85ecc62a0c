"""Networks by name: their layers, their training compared with PyTorch's, and their recipes.

Of the public names: mlp, residual_mlp, lenet5, lenet, convnet, simard and resnet.
"""

import dataclasses
import json

import numpy as np
import pytest

import np_nn as nn
from np_nn import cli, models, recipes
from np_nn.data.batches import Batches
from np_nn.layers.module import Module
from np_nn.recipes import build, run
from np_nn.reproduce import estimate

OTHERS = [name for name in models.MODELS if name != "mlp"]
SMALL = {
    "lenet5": (3, 4),
    "lenet": (3, 4),
    "convnet": (3, 4),
    "simard": (3, 4),
    "resnet": (4, 6, 8),
}
QUICK = ["--dataset", "digits", "--steps", "2", "--batch-size", "4", "--no-plots", "--quiet"]


def settings(name, **changes):
    """Return a recipe for four steps that change the weights considerably."""
    plan = {"steps": 4, "batch_size": 6, "replacement": True, "init": "torch", "scale": 1 / 255}
    recipe = recipes.Recipe(lr=0.05, optimizer="sgd:momentum=0.9", **plan)
    return dataclasses.replace(build.change(recipe, name), **changes)


# ---- Layers ---------------------------------------------------------------------------------


def kinds(model):
    return [type(layer).__name__ for layer in model]


def test_lenet5():
    conv, dense = ["Conv2d", "Tanh", "MaxPool2d"], ["Linear", "Tanh"]
    model = nn.lenet5(activation="tanh")
    assert kinds(model) == [*conv, *conv, "Flatten", *dense, *dense, "Linear"]
    shapes = [p.shape for p in model.parameters()[::2]]
    assert shapes == [(6, 1, 5, 5), (16, 6, 5, 5), (400, 120), (120, 84), (84, 10)]


def test_lenet_has_no_padding():
    model = nn.lenet()
    assert kinds(model) == ["Conv2d", "ReLU", "MaxPool2d"] * 2 + [
        "Flatten",
        "Linear",
        "ReLU",
        "Linear",
    ]
    shapes = [p.shape for p in model.parameters()[::2]]
    assert shapes == [(16, 1, 5, 5), (32, 16, 3, 3), (800, 64), (64, 10)]


def test_convnet_is_pytorchs_example():
    model = nn.convnet()
    assert kinds(model) == [
        "Conv2d", "ReLU", "Conv2d", "ReLU", "MaxPool2d", "Dropout", "Flatten", "Linear", "ReLU",
        "Dropout", "Linear",
    ]  # fmt: skip
    assert (model[5].p, model[9].p) == (0.25, 0.5)
    assert model[7].weight.shape == (9216, 128)


def test_simards_windows_see_what_the_source_says():
    model = nn.simard()
    assert kinds(model) == ["Conv2d", "ReLU"] * 2 + ["Flatten", "Linear", "ReLU", "Linear"]
    image = np.zeros((1, 1, 28, 28), np.float32)
    assert model[0](image).shape == (1, 5, 13, 13)
    assert model[2](model[0](image)).shape == (1, 50, 5, 5)
    assert [p.shape for p in model.parameters()[4::2]] == [(1250, 100), (100, 10)]


def test_resnet():
    model = nn.resnet()
    blocks = [layer for layer in model if type(layer) is nn.Residual]
    shortcuts = [block.shortcut is not None for block in blocks]
    assert shortcuts == [False, False, True, False, True, False]
    assert sum(p.data.size for p in model.parameters()) == 174_970
    x = np.zeros((2, 1, 28, 28), np.float32)
    assert model(x).shape == (2, 10)
    assert blocks[-1].block(np.zeros((1, 64, 7, 7), np.float32)).shape == (1, 64, 7, 7)


def test_other_images_and_classes():
    image = (3, 20, 17)
    x = np.zeros((2, *image), np.float32)
    for make in (nn.lenet5, nn.lenet, nn.convnet, nn.simard, nn.resnet):
        assert make(image, 7)(x).shape == (2, 7)
    assert nn.residual_mlp(5, 3)(np.zeros((2, 5), np.float32)).shape == (2, 3)


# ---- The network of the original repository -------------------------------------------------


class Published(Module):
    """relu(x + x W) with the backward pass of resnet_np.py in willxxy/np_nn.

    It adds the gradient before the ReLU's derivative to the gradient after it.
    """

    def __init__(self, inputs):
        super().__init__()
        self.linear = nn.Linear(inputs, inputs, bias=False)

    def forward(self, x):
        self._y = np.maximum(x + self.linear.forward(x), 0)
        return self._y

    def backward(self, grad, input_grad=True):
        after = grad * (self._y > 0)
        return after + self.linear.backward(after + grad)


def test_the_published_gradient_is_wrong_and_ours_is_right():
    nn.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(6, 5))
    assert nn.gradcheck(nn.residual_mlp(5, 3, bias=False), x)
    assert not nn.gradcheck(nn.Sequential(Published(5), nn.Linear(5, 3)), x)


def test_what_was_published_is_ours_without_its_mistake():
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    published, ours = Published(5), nn.Sequential(nn.Residual(nn.Linear(5, 5, False)), nn.ReLU())
    published.linear.weight.data = ours[0].block.weight.data
    assert np.allclose(published(x), ours(x))
    published.backward(x)
    ours.backward(x)
    wrong, right = published.linear.weight.grad, ours[0].block.weight.grad
    assert np.allclose(wrong - x.T @ x, right, atol=1e-5)


# ---- Training -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", models.MODELS)
def test_four_steps_are_those_of_the_torch_twin(name, digits):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from np_nn import torch_twin

    said = {"channels": SMALL[name]} if name in SMALL else {}
    recipe = settings(name, **said, dropout=0.0)
    model = build.model(recipe, digits, 0).to(np.float64)
    torch_model, shape = torch_twin.module(model), (-1, 1, 28, 28) if name in SMALL else (-1, 784)
    optimizer = build.optimizer(recipe, model.parameters())
    torch_optimizer = torch_twin.optimizer(optimizer, torch_model.parameters())
    start = model.state_dict()

    split = digits.train
    history = nn.fit(model, split, build.loss(recipe, digits), optimizer,
                     **build.fit_options(recipe, digits), seed=3, quiet=True)  # fmt: skip
    for step, batch in enumerate(Batches(len(split), **recipe.plan, seed=3)):
        images = torch.tensor(split.images[batch].astype(np.float32) * np.float32(split.scale))
        torch_optimizer.zero_grad()
        outputs = torch_model(images.reshape(shape).double())
        loss = torch.nn.functional.cross_entropy(outputs, torch.tensor(split.labels[batch]))
        loss.backward()
        torch_optimizer.step()
        assert history.loss[step] == pytest.approx(loss.item(), rel=1e-7)
    for key, array in model.state_dict().items():
        theirs = torch_model.state_dict()[key].numpy()
        assert np.allclose(array, theirs, rtol=1e-6, atol=1e-9), key
        assert not key.endswith("weight") or not np.array_equal(array, start[key])


@pytest.mark.parametrize("name", SMALL)
def test_they_learn(name, digits):
    plan = {"steps": 80, "batch_size": 32, "optimizer": "adam", "lr": 0.005}
    recipe = settings(name, channels=SMALL[name], **plan)
    history = run.train(recipe, digits, 0, quiet=True).history
    assert history.accuracy[:5].mean() < 0.3
    assert history.accuracy[-10:].mean() > 0.5


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("program", ["main_np", "main_torch"])
def test_both_programs_train_them(name, program, tmp_path, capsys):
    if program == "main_torch":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    report, words = tmp_path / "run.json", ["--model", name]
    if name in SMALL:
        words += ["--channels", *map(str, SMALL[name])]
    assert __import__(program).main([*QUICK, *words, "--json", str(report)]) == 0
    assert name in capsys.readouterr().out
    assert json.loads(report.read_text())["model"].startswith(name)


@pytest.mark.parametrize("name", OTHERS)
def test_both_programs_make_the_same_numbers(name, tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    words = ["--model", name, "--init", "torch", "--scale", "0.004", "--augment", "shift"]
    words += ["--dropout", "0"] if name == "convnet" else []
    losses = []
    for program in ("main_np", "main_torch"):
        report = tmp_path / f"{program}.json"
        assert __import__(program).main([*QUICK, *words, "--json", str(report)]) == 0
        losses.append(json.loads(report.read_text())["runs"][0]["batches"]["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


# ---- Recipes --------------------------------------------------------------------------------


def chosen(*words):
    return cli.parse(cli.parser(""), ["--no-plots", *words]).settings


def test_another_model_comes_with_its_own_sizes():
    plain = chosen("--model", "convnet")
    assert (plain.model, plain.hidden, plain.dropout, plain.bias) == ("convnet", (128,), 0.5, True)
    assert (plain.init, chosen("--model", "residual_mlp").init) == ("torch", "original")
    assert plain.batch_size == recipes.RECIPES["np_nn"].batch_size
    assert chosen("--model", "convnet", "--dropout", "0").dropout == 0
    assert chosen("--model", "mlp") == chosen()


@pytest.mark.parametrize("name", OTHERS)
def test_names_and_estimates(name):
    recipe = settings(name)
    assert recipe.network() == name
    assert estimate.estimate(recipe) > 0
    assert "4 batches of 6" in recipe.describe()
    assert recipes.matching(recipe) is None


def test_other_sizes_are_part_of_the_name():
    changed = settings("lenet5", channels=(8, 16), hidden=(30,))
    assert changed.network() == "lenet5 (hidden 30, channels 8-16)"
    assert settings("lenet5", channels=(6, 16)).network() == "lenet5"
    assert settings("mlp").network() == "784-512-10"


def test_multiplications():
    assert estimate.multiplications(settings("mlp", hidden=(30,))) == 784 * 30 + 30 * 10
    first, second = 28 * 28 * 6 * 25, 10 * 10 * 16 * 6 * 25
    dense = 400 * 120 + 120 * 84 + 84 * 10
    assert estimate.multiplications(settings("lenet5")) == first + second + dense


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "resnet", "--hidden", "30"], "resnet has no hidden; it has channels"),
        (["--model", "lenet5", "--norm", "batch"], "lenet5 has no norm"),
        (["--channels", "3"], "mlp has no channels"),
        (["--model", "residual_mlp", "--residual"], "residual_mlp has no residual"),
    ],
)
def test_what_a_model_does_not_have_is_said(words, message):
    with pytest.raises(nn.NpNNError, match=message):
        chosen(*words)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.lenet5(channels=(3,)), "lenet5 has two convolutions"),
        (lambda: nn.convnet(channels=(1, 2, 3)), "convnet has two convolutions"),
        (lambda: nn.resnet(channels=()), "at least one stage"),
        (lambda: nn.lenet5((1, 5, 5)), "larger than the padded image of 2 x 2"),
        (lambda: nn.lenet5(activation="rulu"), "did you mean 'relu'"),
    ],
)
def test_networks_that_cannot_be(make, message):
    with pytest.raises(nn.NpNNError, match=message):
        make()


@pytest.mark.parametrize("shape", [(784,), (2, 3, 28, 28)])
def test_convolutions_refuse_what_is_no_image(shape):
    with pytest.raises(nn.NpNNError, match=r"images must be|takes images, and each"):
        build.model_for(settings("lenet5"), shape, 10)
    assert estimate.multiplications(settings("mlp", hidden=(3,)), shape) == 3 * np.prod(shape) + 30


def test_a_network_with_everything():
    model = nn.mlp(
        (8, 6, 6, 3), "elu:alpha=0.5", norm="batch", noise=0.1, input_noise=0.2, dropout=0.3,
        input_dropout=0.4, residual=True, output="softmax",
    )  # fmt: skip
    kinds = [type(layer).__name__ for layer in model]
    assert kinds == [
        "Dropout", "GaussianNoise", "Linear", "BatchNorm1d", "GaussianNoise", "ELU", "Dropout",
        "Residual", "Linear", "Softmax",
    ]  # fmt: skip
    x = np.ones((5, 8), np.float32)
    assert np.allclose(model(x).sum(axis=1), 1)
