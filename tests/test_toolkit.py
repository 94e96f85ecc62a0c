"""Recipes put the toolkit together: names with options, models, initialisers, bad input."""

import numpy as np
import pytest

import np_nn as nn
from np_nn import cli, models, optim
from np_nn.layers import initializers
from np_nn.utils import spec

TABLE = {"sgd": nn.SGD, "rmsprop": nn.RMSprop, "none": None}


def test_a_text_names_an_object_and_its_options():
    parameters = nn.Linear(2, 2).parameters()
    made = spec.build("rmsprop:alpha=0.9,centered=true", TABLE, "optimizer", parameters, lr=0.5)
    assert isinstance(made, nn.RMSprop)
    assert (made.config["alpha"], made.config["centered"], made.lr) == (0.9, True, 0.5)
    assert spec.parse("sgd:betas=[0.9,0.99],lr=1", {"sgd": nn.Adam}, "x")[1] == {
        "betas": [0.9, 0.99],
        "lr": 1,
    }
    assert spec.change("sgd:momentum=0.9", momentum=0.5, nesterov=True) == (
        "sgd:momentum=0.5,nesterov=true"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sdg", "unknown optimizer 'sdg'; did you mean 'sgd'?"),
        ("sgd:momentun=1", "unknown option of sgd 'momentun'; did you mean 'momentum'?"),
        ("sgd:momentum", "written as name=value"),
        ("sgd:=3", "written as name=value"),
        ("none:x=1", "unknown option of none 'x'"),
        ("sgd:momentum=x", "sgd: momentum must be a number, got 'x'"),
        ("sgd:momentum=true", "must be a number, got True"),
        ("sgd:nesterov=1", "nesterov must be true or false, got 1"),
        ("rmsprop:alpha=[0.9]", "must be a number"),
        ("rmsprop:alpha=1e999", "must be a number, got inf"),
        ("sgd:parameters=3", "unknown option of sgd 'parameters'"),
    ],
)
def test_texts_that_name_nothing(text, message):
    with pytest.raises(nn.NpNNError, match="(?s)" + message.replace("?", r"\?")):
        spec.parse(text, TABLE, "optimizer")


def test_a_list_must_be_as_long_as_the_default():
    table = {"adam": nn.Adam}
    for betas in ("[0.9]", "[0.9,0.9,0.9]", "0.9", '["a",1]'):
        with pytest.raises(nn.NpNNError, match="adam: betas must be a list of numbers"):
            spec.parse(f"adam:betas={betas}", table, "optimizer")


def test_what_is_given_by_itself_is_no_option():
    with pytest.raises(nn.NpNNError, match="sgd: lr is given by itself"):
        spec.build("sgd:lr=1", optim.OPTIMIZERS, "optimizer", [], 0.1)


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


def test_every_option_of_the_command_line_reaches_the_recipe():
    words = (
        "--no-plots --activation gelu --output sigmoid --norm layer --noise 0.1 --input-noise 0.2 "
        "--dropout 0.3 --input-dropout 0.4 --residual --init orthogonal --loss mse:reduction=sum "
        "--optimizer adamw:eps=1e-6 --weight-decay 0.1 --schedule step:gamma=0.5 --no-replacement "
        "--clip-norm 1 --clip-value 2 --max-norm 3 --validation 100 --patience 4 --shift 0.5 "
        "--standardize --deskew --augment affine:rotate=3+elastic --class-weights 1 2"
    )
    settings = cli.parse(cli.parser(""), words.split()).settings
    assert settings.optimizer == "adamw:eps=1e-6,weight_decay=0.1"
    assert settings.augment == "affine:rotate=3+elastic"
    assert settings.class_weights == (1.0, 2.0)
    assert (settings.dropout, settings.max_norm, settings.patience) == (0.3, 3.0, 4)
    assert settings.standardize
    assert settings.deskew
    assert settings.residual
    assert not settings.replacement
    optimizer = optim.build(settings, nn.Linear(2, 2).parameters())
    assert (optimizer.config["weight_decay"], optimizer.config["eps"]) == (0.1, 1e-6)


@pytest.mark.parametrize("name", initializers.INITIALISERS)
def test_initialisers_have_the_deviation_that_they_promise(name):
    model = initializers.initialize(nn.mlp((300, 200)), name, 0)
    weight, bias = model[0].weight.data, model[0].bias.data
    fan_in, fan_out = 300, 200
    promised = {
        "original": np.sqrt(1 / (3 * fan_in * fan_out)),
        "torch": np.sqrt(1 / (3 * fan_in)),
        "xavier_uniform": np.sqrt(2 / (fan_in + fan_out)),
        "xavier_normal": np.sqrt(2 / (fan_in + fan_out)),
        "kaiming_uniform": np.sqrt(2 / fan_in),
        "kaiming_normal": np.sqrt(2 / fan_in),
        "orthogonal": np.sqrt(1 / fan_in),
        "fan_out_normal": np.sqrt(1 / fan_out),
        "standard_normal": 1.0,
        "zeros": 0.0,
    }
    assert weight.dtype == np.float32
    assert weight.std() == pytest.approx(promised[name], rel=0.02)
    own_biases = {"original", "torch", "fan_out_normal", "standard_normal"}
    assert bool(np.any(bias)) == (name in own_biases)


def test_an_orthogonal_start_keeps_lengths():
    for shape in ((30, 20), (20, 30), (20, 20)):
        q = initializers.orthogonal(np.random.default_rng(0), shape, *shape).astype(float)
        product = q.T @ q if shape[0] >= shape[1] else q @ q.T
        assert np.allclose(product, np.eye(min(shape)), atol=1e-6)


def test_zeros_is_no_start(digits):
    """All units of a hidden layer stay alike, whatever is learnt: they might as well be one."""

    def trained(start):
        model = initializers.initialize(nn.mlp((784, 8, 10), "sigmoid"), start, 0)
        optimizer = nn.SGD(model.parameters(), lr=0.5)
        plan = {"epochs": 3, "batch_size": 50, "quiet": True}
        nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan)
        return model[0].weight.data, nn.evaluate(model, digits.test).accuracy

    alike, poor = trained("zeros")
    different, good = trained("xavier_uniform")
    assert np.allclose(alike, alike[:, :1], atol=1e-6)
    assert not np.allclose(different, different[:, :1], atol=1e-6)
    assert good > poor + 0.2


LINEAR = nn.Linear(3, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LINEAR(np.zeros((2, 4))), r"Linear\(3, 2\) expects \(batch, 3\), got \(2, 4\)"),
        (lambda: nn.BatchNorm1d(3)(np.zeros((2, 4))), r"expects \(batch, 3\), got \(2, 4\)"),
        (lambda: nn.BatchNorm1d(3)(np.zeros((1, 3))), "more than one sample"),
        (lambda: nn.BatchNorm1d(0), "whole number from 1"),
        (lambda: nn.BatchNorm1d(3, eps=-1), "eps"),
        (lambda: nn.BatchNorm1d(3, momentum=2), "momentum must be 0..1"),
        (lambda: nn.LayerNorm(3)(np.zeros((2, 4))), r"expects \(batch, 3\), got \(2, 4\)"),
        (lambda: nn.Softmax(dim=0), "dim must be 1"),
        (lambda: nn.Softmax()(np.zeros(3)), r"expects \(batch, classes\)"),
        (lambda: nn.LeakyReLU(np.nan), "finite"),
        (lambda: nn.ELU(np.inf), "finite"),
        (lambda: nn.Residual(nn.Linear(3, 2))(np.zeros((2, 3))), "must keep shapes"),
        (lambda: nn.mlp((3, 2, 2), "rulu"), "did you mean 'relu'"),
        (lambda: nn.mlp((3, 2, 2), norm="bach"), "did you mean 'batch'"),
        (lambda: nn.RMSprop([], alpha=2), "alpha must be 0..1"),
        (lambda: nn.Adadelta([], rho=1.5), "rho must be 0..1"),
        (lambda: nn.Adagrad([], lr=-1), "not below 0"),
        (lambda: nn.SGD([], momentum=-0.5), "momentum must be finite and not below 0"),
    ],
)
def test_bad_input_names_the_layer_and_what_it_wants(call, message):
    with pytest.raises(nn.NpNNError, match=message):
        call()


def split(images, labels):
    return nn.Split(np.asarray(images), np.asarray(labels), 1.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (split([[1.0, np.nan]], [0]), "images hold NaN"),
        (split([[1.0, np.inf]], [0]), "images hold NaN or infinite"),
        (split([["a", "b"]], [0]), "images must be numbers"),
        (split(np.zeros((0, 2)), np.zeros(0, int)), "0 images"),
        (split([[1.0, 2.0]], [0, 1]), "1 images and 2 labels"),
        (split([[1.0, 2.0]], [7]), r"labels must be 0\.\.1"),
        (split([[1.0, 2.0, 3.0]], [1]), r"expects \(batch, 2\), got \(1, 3\)"),
    ],
)
def test_bad_data_is_refused_by_fit_and_evaluate(data, message):
    model, loss = nn.mlp((2, 2)), nn.CrossEntropyLoss()
    with pytest.raises(nn.NpNNError, match=message):
        nn.fit(model, data, loss, nn.SGD(model.parameters()), steps=1, batch_size=1, quiet=True)
    with pytest.raises(nn.NpNNError, match=message):
        nn.evaluate(model, data)


@pytest.mark.parametrize("name", ["adagrad", "rmsprop:centered=true,momentum=0.5", "adadelta"])
def test_an_optimizer_goes_on_from_its_state(name, digits):
    def steps(model, optimizer, seed):
        plan = {"steps": 3, "batch_size": 50, "quiet": True, "seed": seed}
        nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan)

    def make():
        model = initializers.initialize(models.mlp((784, 8, 10)), "torch", 0)
        return model, spec.build(name, optim.OPTIMIZERS, "optimizer", model.parameters())

    model, optimizer = make()
    steps(model, optimizer, 0)
    weights, state = model.state_dict(), optimizer.state_dict()
    steps(model, optimizer, 1)

    other, resumed = make()
    other.load_state_dict(weights)
    resumed.load_state_dict(state)
    steps(other, resumed, 1)
    for key, array in model.state_dict().items():
        assert np.array_equal(array, other.state_dict()[key])
    with pytest.raises(nn.NpNNError, match="does not fit"):
        resumed.load_state_dict(state | {"moments": state["moments"][1:]})
