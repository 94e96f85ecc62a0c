"""Feeds and steps: dense or sparse, layer by layer or compiled, with the same results."""

import numpy as np
import pytest

import np_nn as nn
from np_nn import ops
from np_nn.data.batches import Batches
from np_nn.training import compiled_steps, inputs, steps
from np_nn.utils.pace import Pace


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("size", [7, 20])
def test_batches_are_the_same_however_many_come_at_a_time(replacement, size):
    def drawn(most):
        batches = Batches(20, size, steps=31, replacement=replacement, seed=4)
        blocks = list(batches.blocks(lambda: most))
        assert all(block.ndim == 2 and 1 <= len(block) <= most for block in blocks)
        return [batch.tolist() for block in blocks for batch in block]

    one_by_one = [batch.tolist() for batch in Batches(20, size, steps=31,
                                                     replacement=replacement, seed=4)]  # fmt: skip
    assert len(one_by_one) == 31
    assert drawn(1) == drawn(2) == drawn(5) == drawn(1000) == one_by_one


def network(*hidden, bias=True, seed=0):
    return nn.initialize(nn.mlp((784, *hidden, 10), bias=bias), "torch", seed)


BETWEEN = ({"norm": "batch"}, {"dropout": 0.3}, {"norm": "batch", "dropout": 0.3})


def with_more(between, activation="relu"):
    """Return a model without biases, whose gradients before a batch norm are rounding alone."""
    model = nn.mlp((784, 33, 20, 10), activation, bias=False, **between)
    return nn.initialize(model, "torch", 0)


def trained(data, model, optimizer, loss=None, **options):
    options = {"steps": 60, "batch_size": 32, "input": "sparse", "seed": 0, "quiet": True} | options
    history = nn.fit(model, data, loss or nn.CrossEntropyLoss(), optimizer, **options)
    return history, model.state_dict()


OPTIMIZERS = {
    "sgd": lambda p: nn.SGD(p, lr=0.1),
    "nesterov": lambda p: nn.SGD(p, 0.05, momentum=0.9, weight_decay=1e-4, nesterov=True),
    "adam": lambda p: nn.Adam(p),
    "adamw": lambda p: nn.AdamW(p, weight_decay=0.1),
    "adagrad": lambda p: nn.Adagrad(p, lr=0.02, lr_decay=0.01, weight_decay=1e-4, eps=1e-6),
    "rmsprop": lambda p: nn.RMSprop(
        p, lr=0.001, eps=1e-3, momentum=0.5, centered=True, weight_decay=1e-4
    ),
    "adadelta": lambda p: nn.Adadelta(p, lr=0.2, eps=1e-3, weight_decay=1e-4),
}


@pytest.mark.parametrize("hidden", [(), (50,), (33, 20)], ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_sparse_and_compiled_training_is_that_of_the_dense_layers(digits, name, hidden):
    """The NumPy layers on dense input compared with the fastest available path."""
    fast_model = network(*hidden)
    fast, weights = trained(digits.train, fast_model, OPTIMIZERS[name](fast_model.parameters()))
    nn.use("numpy")
    model = network(*hidden)
    slow, expected = trained(
        digits.train, model, OPTIMIZERS[name](model.parameters()), input="dense"
    )
    assert np.allclose(fast.loss, slow.loss, rtol=1e-4)
    assert np.abs(fast.accuracy - slow.accuracy).max() <= 2 / 32
    for key, array in expected.items():
        assert np.abs(weights[key] - array).max() <= 1e-3 * np.abs(array).max()


@pytest.mark.parametrize("between", BETWEEN, ids=str)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("batch_size", [32, 400])
@pytest.mark.parametrize("name", ["sgd", "nesterov", "rmsprop"])
def test_so_it_is_with_batch_norm_and_dropout(digits, name, batch_size, activation, between):
    """400 of 1,500 images: batches above a quarter of the set are sorted, except with dropout.

    Only 8 steps, because a ReLU switched by rounding affects all later ones.
    """

    def run(input):
        model = with_more(between, activation)
        optimizer = OPTIMIZERS[name](model.parameters())
        return trained(digits.train, model, optimizer, input=input, batch_size=batch_size, steps=8)

    fast, state = run("sparse")
    nn.use("numpy")
    slow, expected = run("dense")
    assert np.allclose(fast.loss, slow.loss, rtol=1e-4)
    assert state.keys() == expected.keys()
    for key, array in expected.items():
        assert np.abs(state[key] - array).max() <= 1e-3 * np.abs(array).max(), key


def test_batch_norm_needs_two_images(digits):
    model = with_more({"norm": "batch"})
    with pytest.raises(nn.NpNNError, match="cannot train on batches of 1; take a batch size of 2"):
        trained(digits.train, model, nn.SGD(model.parameters()), batch_size=1)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "scaled_tanh", "relu"])
def test_squared_error_on_shifted_pixels_is_that_of_the_dense_layers(digits, activation, reduction):
    targets = nn.one_hot(digits.train.labels, 10, 0.01, 0.99)
    data = nn.Split(digits.train.images, targets, 0.99 / 255, 0.01)

    def run(input, batch_size):
        model = nn.initialize(nn.mlp((784, 20, 10), activation, output=activation), "torch", 0)
        optimizer = nn.SGD(model.parameters(), lr={"mean": 0.1, "sum": 1e-4}[reduction])
        plan = {"input": input, "batch_size": batch_size}
        return trained(data, model, optimizer, nn.MSELoss(reduction), **plan)

    for batch_size in (1, 33):
        fast, weights = run("sparse", batch_size)
        with_kernels = nn.ops.active
        nn.use("numpy")
        slow, expected = run("dense", batch_size)
        nn.use("compiled" if with_kernels else "numpy")
        assert np.allclose(fast.loss, slow.loss, rtol=1e-3)
        assert np.abs(fast.accuracy - slow.accuracy).max() <= 2 / batch_size
        for key, array in expected.items():
            assert np.abs(weights[key] - array).max() <= 1e-3 * np.abs(array).max()


def test_the_first_step_agrees_to_rounding(digits, kernels):
    losses = {}
    for setting in {"numpy", kernels}:
        nn.use(setting)
        model = network(50)
        history, weights = trained(digits.train, model, nn.SGD(model.parameters(), 0.1), steps=1)
        losses[setting] = history.loss[0], weights["0.weight"]
    (a, w), (b, v) = losses["numpy"], losses[kernels]
    assert a == pytest.approx(b, rel=1e-5)
    assert np.abs(w - v).max() <= 1e-5 * np.abs(w).max()


@pytest.mark.parametrize("between", [{}, *BETWEEN], ids=str)
@pytest.mark.parametrize("options", [{"epochs": 2}, {"steps": 70, "replacement": True}], ids=str)
def test_neither_threads_nor_repetition_change_a_bit(digits, kernels, options, between):
    if kernels == "numpy":
        pytest.skip("the matrix products of NumPy's BLAS depend on the number of threads")
    plan = {"batch_size": 37, "input": "sparse", "seed": 0, "quiet": True} | options
    runs = []
    for threads in (1, 2, 3, 2):
        ops.set_threads(threads)
        model = nn.initialize(nn.mlp((784, 130, 10), **between), "torch", 0)
        optimizer = nn.SGD(model.parameters(), 0.1, momentum=0.9)
        history = nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan)
        state = b"".join(array.tobytes() for array in model.state_dict().values())
        runs.append((history.loss.tobytes(), state))
    assert len(set(runs)) == 1


@pytest.mark.parametrize("plan", [{"epochs": 2}, {"steps": 3000, "replacement": True}], ids=str)
def test_however_long_the_calls_take_one_image_at_a_time_gives_the_same_bits(
    digits, kernels, plan, monkeypatch
):
    data = nn.Split(digits.train.images, digits.train.labels, 0.99 / 255, 0.01)

    def run(seconds):
        monkeypatch.setattr(compiled_steps, "CALL_SECONDS", seconds)
        model = network(20)
        history, state = trained(
            data, model, nn.SGD(model.parameters(), 0.01), **({"steps": None} | plan), batch_size=1
        )
        return history.loss.tobytes(), b"".join(array.tobytes() for array in state.values())

    assert run(1e-6) == run(1e-3) == run(10)


def test_a_training_shorter_than_a_call_takes_two(digits, monkeypatch):
    """Each call copies all parameters: many short calls would cost more than the steps."""
    if "mlp_steps" not in ops.active:
        pytest.skip("without the compiled kernel each step is a call")
    made, kernel = [], ops.KERNELS["mlp_steps"]

    def spy(rows, labels, batches, *rest):
        made.append(len(batches))
        return kernel(rows, labels, batches, *rest)

    monkeypatch.setitem(ops.KERNELS, "mlp_steps", spy)
    monkeypatch.setattr(compiled_steps, "CALL_SECONDS", 1000)
    monkeypatch.setattr("np_nn.utils.pace.PATIENCE", (1000, 1000))
    model = network(20)
    trained(digits.train, model, nn.Adam(model.parameters()), steps=40)
    assert made == [1, 39]


def test_a_batch_of_the_whole_set_is_that_of_the_dense_layers(digits):
    """The fused loop sorts the batch and processes it in chunks."""

    def run(input):
        model = network(20)
        plan = {"steps": 5, "batch_size": len(digits.train), "input": input}
        return trained(digits.train, model, nn.SGD(model.parameters(), 0.1), **plan)

    fast, weights = run("sparse")
    nn.use("numpy")
    slow, expected = run("dense")
    assert np.allclose(fast.loss, slow.loss, rtol=1e-5)
    for key, array in expected.items():
        assert np.abs(weights[key] - array).max() <= 1e-5 * np.abs(array).max()


def test_a_schedule_sets_the_rate_of_each_step(digits):
    def run(schedule, lr):
        model = network(20)
        optimizer = nn.SGD(model.parameters(), lr)
        return trained(digits.train, model, optimizer, schedule=schedule)[0].loss

    assert np.array_equal(run(lambda step, steps: 0.5, 0.2), run(None, 0.1))
    nothing = run(lambda step, steps: step < 10, 0.1)
    assert np.array_equal(nothing[:11], run(None, 0.1)[:11])
    assert not np.array_equal(nothing[11:], run(None, 0.1)[11:])


def test_warmup_linear_rises_and_falls_to_zero():
    rates = [nn.WarmupLinear(0.2)(step, 99) for step in range(99)]
    assert rates[0] == pytest.approx(0.05)
    assert rates[19] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.0125)
    assert np.all(np.diff(rates[:20]) > 0)
    assert np.all(np.diff(rates[19:]) < 0)


def test_a_sparse_set_holds_the_images(digits):
    images, rows = digits.train.images.reshape(1500, -1), digits.train.rows
    assert rows.indptr[-1] == np.count_nonzero(images) == len(rows.values) == len(rows.columns)
    dense = np.empty((40, 784), np.float32)
    picked = np.arange(1490, 1450, -1)
    nn.reference.expand(rows, picked, 1.0, 0.0, dense)
    assert np.array_equal(dense, images[picked])


def test_the_feed_is_chosen_by_density_and_can_be_overridden(digits, kernels):
    def split(share):
        images = np.random.default_rng(0).random((100, 28, 28)) < share
        return nn.Split(images.astype(np.uint8), np.zeros(100, np.int64))

    model, few, dense = network(5), split(0.5), split(0.7)
    sparse = inputs.SparseFeed if kernels == "compiled" else inputs.DenseFeed
    assert type(inputs.choose(few, model)) is sparse
    assert type(inputs.choose(dense, model)) is inputs.DenseFeed
    assert type(inputs.choose(few, nn.Sequential(nn.ReLU()))) is inputs.DenseFeed
    assert type(inputs.choose(few, model, "dense")) is inputs.DenseFeed
    assert type(inputs.choose(dense, model, "sparse")) is inputs.SparseFeed


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_every_feed_predicts_alike(digits, kind):
    model = network(30)
    pixels = digits.test.images.reshape(297, -1).astype(np.float32) * np.float32(1 / 255)
    nn.use("numpy")
    expected = model(pixels)
    nn.use("auto")
    logits = nn.predict(model, digits.test, input=kind)
    assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max()
    assert nn.evaluate(model, digits.test, input=kind).accuracy == np.mean(
        expected.argmax(axis=1) == digits.test.labels
    )


@pytest.mark.kernel_independent
def test_the_accuracy_of_a_run_is_numpys(mnist):
    """1,000 steps on real MNIST: within 0.002 of the NumPy layers on every path."""
    accuracies = []
    for setting in ("numpy", "auto"):
        nn.use(setting)
        model = nn.initialize(nn.mlp((784, 128, 10), bias=False), "original", seed=0)
        plan = {"steps": 1000, "batch_size": 128, "replacement": True, "seed": 0, "quiet": True}
        nn.fit(model, mnist.train, nn.CrossEntropyLoss(), nn.SGD(model.parameters()), **plan)
        accuracies.append(nn.evaluate(model, mnist.test).accuracy)
    assert abs(accuracies[0] - accuracies[1]) <= 0.002


def test_the_number_of_threads_follows_what_is_faster():
    def train(seconds):
        """Return the thread counts used by steps of these durations by thread count."""
        used = []
        for _ in range(100):
            used.append(chosen.threads)
            chosen.note(seconds[used[-1]], 1)
        return used

    ops.set_threads(2)
    chosen = Pace(ops.threads)
    usual = train({1: 0.018, 2: 0.02})  # one thread is only slightly faster
    assert set(usual) == {1, 2}
    assert usual.count(1) <= 5
    assert train({1: 0.02, 2: 0.04})[-20:].count(1) >= 18
    assert train({1: 0.02, 2: 0.01})[-20:].count(2) >= 18


def test_one_thread_has_nothing_to_try():
    ops.set_threads(1)
    chosen = Pace(ops.threads)
    chosen.note(1e6, 1)
    assert chosen.threads == 1
    assert not chosen.tries


def test_only_what_the_kernel_can_train_goes_to_it(digits, kernels):
    def kind(model=None, loss=None, optimizer=None, input="sparse"):
        model = model or network(5)
        optimizer = optimizer or nn.SGD(model.parameters())
        chosen = inputs.choose(digits.train, model, input)
        args = (model, chosen, digits.train.labels, loss or nn.CrossEntropyLoss(), optimizer)
        return type(steps.build(*args))

    class OtherLoss(nn.CrossEntropyLoss):
        pass

    class OtherSGD(nn.SGD):
        pass

    class OtherNorm(nn.BatchNorm1d):
        pass

    def before_relu(*layers):
        return kind(nn.Sequential(nn.Linear(784, 5), *layers, nn.ReLU(), nn.Linear(5, 10)))

    fast = compiled_steps.CompiledSteps if kernels == "compiled" else steps.LayerSteps
    assert kind() is fast
    assert kind(nn.Sequential(nn.Linear(784, 10))) is fast
    assert kind(input="dense") is steps.LayerSteps
    assert kind(loss=OtherLoss()) is steps.LayerSteps
    assert kind(optimizer=OtherSGD(network(5).parameters())) is steps.LayerSteps
    assert kind(optimizer=nn.SGD(network(5).parameters())) is steps.LayerSteps
    assert kind(nn.Sequential(nn.Linear(784, 10), nn.ReLU())) is fast
    assert kind(nn.Sequential(nn.Linear(784, 10), nn.GELU())) is steps.LayerSteps
    assert kind(loss=nn.MSELoss("sum")) is fast
    assert kind(loss=nn.CrossEntropyLoss(weight=np.ones(10))) is steps.LayerSteps
    assert kind(loss=nn.CrossEntropyLoss(reduction="sum")) is steps.LayerSteps
    assert kind(nn.Sequential(nn.Linear(784, 5), nn.Linear(5, 10))) is fast
    assert kind(nn.mlp((784, 6, 5, 10), norm="batch", dropout=0.5)) is fast
    assert before_relu(nn.BatchNorm1d(5)) is fast
    assert before_relu(nn.BatchNorm1d(5, affine=False)) is steps.LayerSteps
    assert before_relu(nn.BatchNorm1d(5, momentum=None)) is steps.LayerSteps
    assert before_relu(nn.BatchNorm1d(6)) is steps.LayerSteps
    assert before_relu(OtherNorm(5)) is steps.LayerSteps
    assert before_relu(nn.LayerNorm(5)) is steps.LayerSteps
    assert before_relu(nn.ReLU(), nn.BatchNorm1d(5)) is steps.LayerSteps
    assert before_relu(nn.Dropout(0.5)) is steps.LayerSteps
    assert kind(nn.Sequential(nn.Linear(784, 10), nn.BatchNorm1d(10))) is steps.LayerSteps
    assert kind(nn.Sequential(nn.Linear(784, 10), nn.Dropout(0.5))) is steps.LayerSteps
    assert kind(nn.mlp((784, 5, 10), input_dropout=0.2)) is steps.LayerSteps
    frozen = nn.mlp((784, 5, 10), norm="batch")
    frozen[1].eval()
    assert kind(frozen) is steps.LayerSteps
    assert kind(network(5).to(np.float64)) is steps.LayerSteps
