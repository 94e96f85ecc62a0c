"""Arguments: one line says what was given, what fits, and what was probably meant."""

import inspect
from collections.abc import Sequence

import numpy as np
import pytest

import np_nn as nn
from np_nn.utils.arguments import check_arguments

pytestmark = pytest.mark.kernel_independent

X, Y = np.random.default_rng(0).random((12, 4), np.float32), np.arange(12) % 3


def model():
    return nn.Sequential(nn.Linear(4, 3))


def fit(model=None, data=(X, Y), loss=None, optimizer=None, **options):
    model = model or globals()["model"]()
    optimizer = optimizer or nn.SGD(model.parameters(), lr=0.1)
    options = {"epochs": 1, "batch_size": 4, "quiet": True} | options
    return nn.fit(model, data, loss or nn.CrossEntropyLoss(), optimizer, **options)


class Hook(nn.Callback):
    pass


class Bare(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(4, 3)

    def forward(self, x):
        return self.inner.forward(x)

    def backward(self, grad, input_grad=True):
        return self.inner.backward(grad, input_grad)


class Empty(nn.Module):
    pass


class BareLoss(nn.CrossEntropyLoss):
    def __init__(self):
        pass


class BareOptimizer(nn.SGD):
    def __init__(self, parameters):
        pass


MESSAGES = {
    "Sequential: layers must be a Module, got a list that begins with a Linear: give it without "
    "the list": lambda: nn.Sequential([nn.Linear(4, 3)]),
    "Sequential: layers must be a Module, got the class ReLU: write ReLU()": lambda: nn.Sequential(
        nn.Linear(4, 3), nn.ReLU
    ),
    "SGD: parameters must be a list, each entry a Parameter, got a Sequential: write "
    "model.parameters()": lambda: nn.SGD(model()),
    "SGD: lr must be a finite number, got 'x'": lambda: nn.SGD(model().parameters(), lr="x"),
    "SGD: lr must be a finite number, got [0.1]": lambda: nn.SGD(model().parameters(), lr=[0.1]),
    "fit: validation must be a Split or (an array, an array) or None, got 0.1": lambda: fit(
        validation=0.1
    ),
    "fit: data must be a Split or (an array, an array), got a Dataset: give its train or its "
    "test": lambda: fit(data=nn.from_arrays(X, Y)),
    "fit: data must be a Split or (an array, an array), got float32 of shape (12, 4)": lambda: fit(
        data=X
    ),
    "fit: callbacks must be a list, each entry a Callback, got a Hook: put it in a list": lambda: (
        fit(callbacks=Hook())
    ),
    "fit: callbacks must be a list, each entry a Callback, got a list that begins with the class "
    "Hook: write Hook()": lambda: fit(callbacks=[Hook]),
    "fit: unknown input 'sprase'; did you mean 'sparse'? (one of auto, dense, sparse)": lambda: fit(
        input="sprase"
    ),
    "fit: epochs must be a whole number or None, got 16.0": lambda: fit(epochs=16.0),
    "fit: loss must be a Loss, got the class MSELoss: write MSELoss()": lambda: fit(
        loss=nn.MSELoss
    ),
    "StepLR: step_size must be finite and not below 0, got -2": lambda: nn.StepLR(np.int64(-2)),
    "Bare: its __init__ must call super().__init__() first": lambda: fit(Bare()),
    "BareLoss: its __init__ must call super().__init__() first": lambda: fit(loss=BareLoss()),
    "BareOptimizer: its __init__ must call super().__init__() first": lambda: fit(
        optimizer=BareOptimizer(model().parameters())
    ),
    "the optimizer is another model's: give it model.parameters()": lambda: fit(
        optimizer=nn.SGD(model().parameters())
    ),
    "ReLU takes no arguments, got inplace": lambda: nn.ReLU(inplace=True),
    "load_model: path must be a text or a path, got 3": lambda: nn.load_model(3),
    "mlp: sizes must be a list, each entry a whole number, got 784: put it in a list": lambda: (
        nn.mlp(784)
    ),
    "a module's dtype must be float32 or float64, got x": lambda: model().to("x"),
    "a module's dtype must be float32 or float64, got None": lambda: model().to(None),
    "unit: number must be a whole number or None, got 1.5": lambda: nn.trace(
        model(), X[0], 1, nn.CrossEntropyLoss()
    ).unit(1.5),
    "Perceptron: x must be numbers, got <U1": lambda: nn.Perceptron(4).fit("x", 1),
    "fit: epochs must be a whole number, got 1.5": lambda: nn.Perceptron(4).fit(X, Y % 2, 1.5),
    "of: data must be a Dataset, got 3": lambda: nn.ModelInfo.of(3),
    "Empty: a Module needs a method forward": lambda: nn.predict(Empty(), X),
    "the validation split does not fit: 0 images: at least one is needed": lambda: fit(
        validation=(X[:0], Y[:0])
    ),
    "cannot write .: it is a folder": lambda: nn.JSONLogger("."),
    "summary: input_shape must be at least 1, got -1": lambda: nn.summary(model(), (-1,)),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_says_what_was_given_and_what_fits(message):
    with pytest.raises(nn.NpNNError) as error:
        MESSAGES[message]()
    assert str(error.value) == message


def test_the_rate_of_an_optimizer_is_checked_when_it_is_set():
    optimizer = nn.SGD(model().parameters())
    for rate in ("x", [0.1], True, None, float("nan"), -1):
        with pytest.raises(nn.NpNNError, match="SGD: lr"):
            optimizer.lr = rate
    optimizer.lr = np.float32(0.5)
    assert type(optimizer.lr) is float


def test_numbers_of_numpy_become_those_of_python():
    layer = nn.Linear(np.int64(4), np.uint8(3), np.bool_(False))
    assert list(map(type, layer.config.values())) == [int, int, bool]
    assert type(nn.StepLR(np.float32(0.5)).step_size) is float
    assert nn.Conv2d(1, 2, np.array([3, 5])).config["kernel_size"] == (3, 5)


def test_pairs_lists_and_frames_are_taken_where_a_split_is_wanted():
    pandas = pytest.importorskip("pandas")
    fits = [(X, Y), (X.tolist(), Y.tolist()), (pandas.DataFrame(X), pandas.Series(Y))]
    for pair in fits:
        net = model()
        fit(net, pair, validation=pair)
        split = nn.Split(X, Y)
        assert nn.evaluate(net, pair) == nn.evaluate(net, split)
        for samples in (pair, pair[0]):
            np.testing.assert_array_equal(nn.predict(net, samples), nn.predict(net, split))


def test_two_samples_are_not_a_pair():
    assert nn.predict(model(), X[:2].tolist()).shape == (2, 3)
    with pytest.raises(nn.NpNNError, match="evaluate: data must be a Split"):
        nn.evaluate(model(), X[:2])


def test_a_signature_stays_and_a_wrong_call_is_pythons_own_error():
    assert list(inspect.signature(nn.Linear).parameters) == ["in_features", "out_features", "bias"]
    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        nn.Linear()


def test_a_default_fits_whatever_its_hint_says():
    @check_arguments
    def first(items: Sequence[int] = None):  # noqa: RUF013
        return items

    assert first() is first(None) is None
    with pytest.raises(
        nn.NpNNError, match="first: items must be a list, each entry a whole number, got 1"
    ):
        first(1)
