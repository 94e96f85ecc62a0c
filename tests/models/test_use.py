"""Using a model: from many threads, during another training, and without changing the model."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import np_nn as nn
from np_nn.models import MODELS

THREADS, ROUNDS = 4, 12


def a_model(name):
    """Return a model in training mode, whose layers all differ at inference, and images."""
    settings = {"dropout": 0.5} if name in ("convnet", "lenet", "lenet5", "simard") else {}
    if name == "mlp":
        settings = {"sizes": (784, 32, 16, 10), "norm": "batch", "dropout": 0.5, "noise": 0.5}
    model = nn.initialize(MODELS[name](**settings), "torch", seed=3)
    shape = (784,) if name in ("mlp", "residual_mlp") else (1, 28, 28)
    images = np.random.default_rng(4).random((THREADS, 20, *shape), np.float32)
    return model, images


def split(images):
    images = images.reshape(len(images), 28, 28)
    return nn.Split(images, np.arange(len(images)) % 10)


def together(work, count=THREADS):
    """Return [work(0), ...], each computed in its own thread, all started at once."""
    gate = threading.Barrier(count)

    def run(i):
        gate.wait()
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return [done.result() for done in [pool.submit(run, i) for i in range(count)]]


@pytest.fixture
def training_beside():
    """Train another model in another thread for as long as the test runs."""
    stop, (model, images) = threading.Event(), a_model("mlp")

    class Until(nn.Callback):
        def on_batch_end(self, training):
            training.stop = stop.is_set()

    def train():
        optimizer = nn.SGD(model.parameters(), lr=0.01)
        nn.fit(
            model, split(images[0]), nn.CrossEntropyLoss(), optimizer, steps=10**6, batch_size=10,
            callbacks=[Until()], seed=0, quiet=True,
        )  # fmt: skip

    thread = threading.Thread(target=train)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.parametrize("name", MODELS)
def test_answers_from_many_threads_are_those_of_one(name, training_beside):
    model, images = a_model(name)
    alone = [nn.predict(model, split(part)) for part in images]
    right = together(lambda i: [nn.predict(model, split(images[i])) for _ in range(ROUNDS)])
    assert all(np.array_equal(got, alone[i]) for i, all_ in enumerate(right) for got in all_)
    model.eval()
    alone = [model(part) for part in images]
    right = together(lambda i: [model(images[i]) for _ in range(ROUNDS)])
    assert all(np.array_equal(got, alone[i]) for i, all_ in enumerate(right) for got in all_)


def test_each_thread_has_its_own_way_back():
    """Only input gradients; the model's threads share gradients of parameters, as in PyTorch."""
    model, images = a_model("mlp")
    model.eval()

    def slope(i):
        model(images[i])
        return model.backward(np.ones((20, 10), np.float32)).copy()

    alone = [slope(i) for i in range(THREADS)]
    assert all(map(np.array_equal, together(slope), alone))


def test_one_loss_in_many_threads():
    loss, rng = nn.CrossEntropyLoss(), np.random.default_rng(0)
    outputs, labels = rng.normal(size=(THREADS, 50, 10)), rng.integers(0, 10, (THREADS, 50))

    def slopes(i):
        return [(loss(outputs[i], labels[i]), loss.backward().copy()) for _ in range(50)]

    alone = [slopes(i)[0] for i in range(THREADS)]
    for (value, slope), all_ in zip(alone, together(slopes), strict=True):
        assert all(got == value and np.array_equal(grad, slope) for got, grad in all_)


# ---- Modes ----------------------------------------------------------------------------------


def modes(model):
    return [module.training for module in model.modules()]


def uses(model, images, folder):
    """Yield (name, function) for everything that uses a model without training it."""
    data = split(images)
    yield "evaluate", lambda: nn.evaluate(model, data)
    yield "predict", lambda: nn.predict(model, data)
    yield "summary", lambda: nn.summary(model, images.shape[1:])
    yield "trace", lambda: nn.trace(model, images[0], 3, nn.CrossEntropyLoss())
    if folder:
        yield "export_onnx", lambda: nn.export_onnx(model, folder / "a.onnx", images.shape[1:])


@pytest.mark.parametrize("frozen", [False, True])
def test_using_a_model_changes_no_mode(frozen, tmp_path):
    model, images = a_model("mlp")
    if frozen:
        model[1].eval()
    before = modes(model)
    for name, use in uses(model, images[0], tmp_path if nn_onnx() else None):
        use()
        assert modes(model) == before, name


def nn_onnx():
    try:
        import onnx  # noqa: F401
    except ImportError:
        return False
    return True


class Broken(nn.Module):
    def forward(self, x):
        raise nn.NpNNError("broken")


def test_nor_does_an_error():
    model = nn.Sequential(nn.Linear(784, 5), nn.Dropout(0.5), Broken())
    model[1].eval()
    before, (_, images) = modes(model), a_model("mlp")
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    every = [*uses(model, images[0], None)]
    every.append(("fit", lambda: nn.fit(
        model, split(images[0]), nn.CrossEntropyLoss(), optimizer, steps=1, batch_size=5, quiet=True
    )))  # fmt: skip
    for name, use in every:
        with pytest.raises(nn.NpNNError, match="broken"):
            use()
        assert modes(model) == before, name
    assert nn.Dropout(0.5).training  # no thread is left in inference mode


def fit(model, images, **more):
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    nn.fit(
        model, split(images), nn.CrossEntropyLoss(), optimizer, steps=3, batch_size=10, seed=0,
        quiet=True, **more,
    )  # fmt: skip


def test_a_frozen_norm_stays_frozen_while_the_rest_trains():
    model, images = a_model("mlp")
    norm, weight = model[1], model[0].weight.data.copy()
    norm.eval()
    before = norm.running_mean.data.copy()
    fit(model, images[0])
    assert np.array_equal(norm.running_mean.data, before)
    assert not np.array_equal(model[0].weight.data, weight)
    assert not norm.training
    assert model.training


def test_a_model_in_use_is_trained_in_training_mode_and_goes_back():
    model, images = a_model("mlp")
    model.eval()
    before = model[1].running_mean.data.copy()
    fit(model, images[0])
    assert not np.array_equal(model[1].running_mean.data, before)
    assert not any(modes(model))


def test_a_hook_that_switches_the_model_does_not_switch_the_training():
    class Looks(nn.Callback):
        def on_batch_end(self, training):
            training.model.eval()

    (model, images), (other, _) = a_model("mlp"), a_model("mlp")
    fit(model, images[0], callbacks=[Looks()])
    fit(other, images[0])
    assert all(
        np.array_equal(a, b)
        for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    )


# ---- Copies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_holds_no_work_arrays_and_goes_its_own_way(copied):
    model, images = a_model("mlp")
    size = len(pickle.dumps(model))
    model(np.zeros((5000, 784), np.float32))
    model.backward(np.zeros((5000, 10), np.float32))
    assert len(pickle.dumps(model)) == size
    other = copied(model.eval())
    assert not any(module.ctx.arrays for module in other.modules())
    want = model(images[0])
    assert np.array_equal(other(images[0]), want)
    other[0].weight.data += 1
    assert np.array_equal(model(images[0]), want)


def test_a_shallow_copy_shares_weights_and_nothing_that_it_keeps():
    layer, x = nn.Linear(3, 2), np.ones((1, 3), np.float32)
    other = copy.copy(layer)
    out = layer.forward(x)
    kept = out.copy()
    other.forward(2 * x)
    assert np.array_equal(out, kept)
    grad = layer.backward(np.ones((1, 2), np.float32))
    np.testing.assert_allclose(grad, layer.weight.data.sum(1)[None], rtol=1e-6)
    assert np.array_equal(layer.weight.grad, np.ones((3, 2)))
