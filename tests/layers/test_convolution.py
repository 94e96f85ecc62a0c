"""Layers for images: the fused stage, ties, errors, dropped channels, whole networks.

Single layers are rows of cases.py, which the tests of parity and of gradients use.
"""

import numpy as np
import pytest

import np_nn as nn
from np_nn import ops, reference
from np_nn.layers import initializers
from np_nn.training import fusion, inputs, steps


def normal(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


# ---- Layers as one stage ----------------------------------------------------------


@pytest.mark.parametrize("pool", [1, 2, 3])
@pytest.mark.parametrize("padding", [(0, 0), (1, 0)])
@pytest.mark.parametrize("bias", [True, False])
def test_conv_relu_pool_is_the_three_layers_one_after_the_other(pool, padding, bias):
    conv = nn.Conv2d(2, 3, (3, 2), padding=padding, bias=bias).to(np.float64)
    layers = [conv, nn.ReLU()] + [nn.MaxPool2d(pool)] * (pool > 1)
    model, x = nn.Sequential(*layers), normal(2, 2, 8, 7, dtype=np.float64)
    expected = model.forward(x)
    grad = normal(*expected.shape, seed=1, dtype=np.float64)
    x_grad = model.backward(grad)

    weight, b = conv.weight.data, conv.bias and conv.bias.data
    out, where = np.empty_like(expected), np.empty(expected.shape, np.uint8) if pool > 1 else None
    assert ops.conv_relu_pool_forward(x, weight, b, padding, pool, out, where) is out
    assert np.allclose(out, expected)
    got = [np.empty_like(weight), b is not None and np.empty_like(b), np.empty_like(x)]
    backward = (x, weight, out, where, grad, padding, pool)
    assert (
        ops.conv_relu_pool_backward(*backward, got[0], got[1] if bias else None, got[2]) is got[2]
    )
    assert np.allclose(got[0], conv.weight.grad)
    assert not bias or np.allclose(got[1], conv.bias.grad)
    assert np.allclose(got[2], x_grad)
    assert ops.conv_relu_pool_backward(*backward, got[0], None, None) is None


def network():
    """Return a network with two runs that can be fused, and some that cannot."""
    nn.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(3))
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Residual(block, nn.Conv2d(3, 3, 1)),
        nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Sequential(nn.Conv2d(4, 4, 2, bias=False), nn.ReLU(), nn.AdaptiveAvgPool2d(2)),
        nn.Dropout2d(0.3), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip


@pytest.fixture
def fused(monkeypatch):
    """Fuse layers even where no stage is compiled: the reference then computes it."""
    monkeypatch.setattr(ops, "active", {*ops.active, *fusion.STAGES})


def test_fusing_finds_the_runs_and_leaves_the_rest(fused):
    model = network()
    view = fusion.fuse(model)
    kinds = [type(layer).__name__ for layer in view]
    assert kinds == [
        "ConvReluPool", "Residual", "Conv2d", "NormRelu", "Sequential", "Dropout2d", "Flatten",
        "Linear",
    ]  # fmt: skip
    assert [type(layer).__name__ for layer in view[1].block] == ["ConvReluPool", "BatchNorm2d"]
    assert [type(layer).__name__ for layer in view[4]] == ["ConvReluPool", "AdaptiveAvgPool2d"]
    assert list(map(id, view.parameters())) == list(map(id, model.parameters()))
    assert list(map(id, view.named_buffers().values())) == list(
        map(id, model.named_buffers().values())
    )
    assert view[5] is model[8]
    assert "ConvReluPool(Conv2d(1, 3, kernel_size=3), ReLU(), MaxPool2d(" in repr(view)


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Conv2d(1, 1, 2, stride=2), nn.ReLU(), nn.MaxPool2d(2)),
        (nn.Conv2d(1, 1, 2), nn.Tanh(), nn.MaxPool2d(2)),
        (nn.Conv2d(1, 1, 2), nn.MaxPool2d(2), nn.ReLU()),
    ],
)
def test_what_cannot_be_fused_stays_the_same_model(layers, fused):
    model = nn.Sequential(*layers)
    assert fusion.fuse(model) is model


@pytest.mark.parametrize(
    "pool", [nn.MaxPool2d((2, 3)), nn.MaxPool2d(2, 1), nn.MaxPool2d(2, 2, 1), nn.AvgPool2d(2)]
)
def test_other_poolings_stay_outside(pool, fused):
    view = fusion.fuse(nn.Sequential(nn.Conv2d(1, 1, 2), nn.ReLU(), pool))
    assert len(view) == 2
    assert view[1] is pool


def test_without_the_kernel_nothing_is_fused(monkeypatch):
    monkeypatch.setattr(ops, "active", ())
    model = network()
    assert fusion.fuse(model) is model


def test_a_fused_network_trains_to_the_same_weights(digits, monkeypatch):
    def train(active):
        monkeypatch.setattr(ops, "active", active)
        model = network()
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        plan = {"steps": 4, "batch_size": 20, "quiet": True, "seed": 1}
        nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan)
        return model.state_dict(), nn.predict(model, digits.test)

    plain, outputs = train(())
    stages, fused_outputs = train(fusion.STAGES)
    assert plain.keys() == stages.keys()
    for name, array in plain.items():
        assert np.allclose(array, stages[name], atol=1e-5), name
    assert np.allclose(outputs, fused_outputs, atol=1e-4)


def test_a_fused_network_has_the_same_gradients(fused):
    view = fusion.fuse(network().eval())
    report = nn.gradcheck(view, normal(2, 1, 13, 14))
    assert report, report


def test_a_stage_says_what_its_layers_would(fused):
    view = fusion.fuse(nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(3)))
    with pytest.raises(nn.NpNNError, match=r"Conv2d\(2, 3, kernel_size=3\) expects \(batch, 2"):
        view(normal(1, 1, 9, 9))
    with pytest.raises(nn.NpNNError, match=r"MaxPool2d.*a window of 3 x 3 is larger"):
        view(normal(1, 2, 4, 9))


@pytest.mark.parametrize("input_grad", [True, False])
def test_residual_relu_is_both_layers(input_grad, fused):
    nn.manual_seed(0)
    block = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU())
    model = nn.Sequential(nn.Residual(block), nn.ReLU()).to(np.float64)
    x, grad = (normal(5, 4, seed=seed, dtype=np.float64) for seed in (1, 2))
    expected = model(x), model.backward(grad, input_grad)
    grads = [parameter.grad.copy() for parameter in model.parameters()]
    stage = fusion.fuse(model)
    assert repr(stage).startswith("Sequential(ResidualRelu(Residual(Sequential(Linear(4, 4), NormR")
    np.testing.assert_allclose(stage(x), expected[0])
    got = stage.backward(grad, input_grad)
    np.testing.assert_allclose(got, expected[1]) if input_grad else None
    assert input_grad or got is None
    for parameter, want in zip(stage.parameters(), grads, strict=True):
        np.testing.assert_allclose(parameter.grad, want)


@pytest.mark.parametrize(
    ("norm", "shape"), [(nn.BatchNorm1d, (6, 3)), (nn.BatchNorm2d, (4, 3, 5, 2))]
)
@pytest.mark.parametrize("settings", [{}, {"affine": False, "momentum": None}])
def test_norm_relu_is_both_layers(norm, shape, settings, fused):
    layers = [nn.Sequential(norm(3, **settings), nn.ReLU()).to(np.float64) for _ in range(2)]
    plain, stage = layers[0], fusion.fuse(layers[1])
    assert [type(layer).__name__ for layer in stage] == ["NormRelu"]
    for mode in (True, True, False):
        x, grad = (normal(*shape, seed=seed, dtype=np.float64) for seed in (1, 2))
        outputs = [model.train(mode)(x) for model in (plain, stage)]
        np.testing.assert_allclose(*outputs)
        np.testing.assert_allclose(plain.backward(grad), stage.backward(grad))
        for ours, theirs in zip(stage.parameters(), plain.parameters(), strict=True):
            np.testing.assert_allclose(ours.grad, theirs.grad)
        for ours, theirs in zip(
            stage.named_buffers().values(), plain.named_buffers().values(), strict=True
        ):
            np.testing.assert_allclose(ours.data, theirs.data)


# ---- Pooling and dropout --------------------------------------------------------------------


def test_the_first_among_equals_gets_the_gradient():
    layer, x = nn.MaxPool2d(2, 1), np.zeros((1, 1, 2, 3), np.float32)
    assert layer(x).shape == (1, 1, 1, 2)
    grad = np.array([[[[1.0, 2.0]]]], np.float32)
    assert layer.backward(grad).tolist() == [[[[1, 2, 0], [0, 0, 0]]]]


def test_padding_is_never_the_largest():
    x = np.full((1, 1, 3, 3), -5, np.float32)
    layer = nn.MaxPool2d(3, 2, 1)
    assert (layer(x) == -5).all()
    assert layer.backward(np.ones((1, 1, 2, 2), np.float32)).sum() == 4


def test_where_overlapping_windows_meet_gradients_add_up():
    x = np.zeros((1, 1, 3, 3), np.float32)
    x[0, 0, 1, 1] = 1
    layer = nn.MaxPool2d(2, 1)
    layer(x)
    grad = np.ones((1, 1, 2, 2), np.float32)
    assert layer.backward(grad)[0, 0].tolist() == [[0, 0, 0], [0, 4, 0], [0, 0, 0]]


def test_dropout2d_drops_whole_channels():
    layer, x = nn.Dropout2d(0.25), np.ones((60, 50, 3, 2), np.float32)
    y = layer(x)
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert (y == y[:, :, :1, :1]).all()
    assert (y == 0).mean() == pytest.approx(0.25, abs=0.03)
    assert np.array_equal(layer.backward(3 * x), 3 * y)
    assert np.array_equal(layer.eval()(x), x)


def test_dropout2d_takes_the_numbers_that_dropout_gives_its_channels():
    channels, images = nn.Dropout(0.4), nn.Dropout2d(0.4)
    images.stream.state = channels.stream.state
    x = normal(4, 5)
    assert np.array_equal(images(x[:, :, None, None])[:, :, 0, 0], channels(x))


# ---- Starts and limits ----------------------------------------------------------------------


def test_fans_of_a_convolution():
    assert initializers.fans((7, 2, 3, 5)) == (30, 105)
    conv = nn.Conv2d(20, 30, (3, 4))
    assert np.abs(conv.weight.data).max() == pytest.approx(1 / np.sqrt(240), rel=0.01)
    promised = {"kaiming_normal": 2 / 240, "xavier_uniform": 2 / (240 + 360), "torch": 1 / 720}
    for name, variance in promised.items():
        weight = initializers.initialize(conv, name, 0).weight.data
        assert weight.std() == pytest.approx(np.sqrt(variance), rel=0.03)
        assert bool(conv.bias.data.any()) == (name == "torch")


@pytest.mark.parametrize("units", [4, 40])
def test_an_orthogonal_start_of_filters(units):
    conv = initializers.initialize(nn.Conv2d(2, units, 3), "orthogonal", 0)
    q = conv.weight.data.reshape(units, -1).astype(float)
    product = q @ q.T if units < 18 else q.T @ q
    assert np.allclose(product, np.eye(len(product)), atol=1e-6)


def test_max_norm_shortens_filters():
    conv = nn.Conv2d(2, 3, 3)
    conv.weight.data[1] *= 100
    before = conv.weight.data.copy()
    nn.max_norm_(conv.parameters(), 0.9)
    assert np.linalg.norm(conv.weight.data[1]) == pytest.approx(0.9)
    assert np.allclose(
        conv.weight.data[1] / before[1], conv.weight.data[1, 0, 0, 0] / before[1, 0, 0, 0]
    )
    assert np.array_equal(conv.weight.data[0], before[0])


# ---- What reaches the first layer -----------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (nn.Sequential(nn.Conv2d(1, 1, 3)), True),
        (nn.Sequential(nn.ReLU(), nn.Sequential(nn.MaxPool2d(2)), nn.Flatten()), True),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), False),
        (nn.Sequential(nn.Residual(nn.Linear(4, 4))), False),
        (nn.ReLU(), False),
    ],
)
def test_a_model_that_begins_with_a_convolution_takes_images(model, expected):
    assert inputs.takes_images(model) == expected


def test_batches_of_images(digits):
    conv, indices = nn.Conv2d(1, 1, 3), np.array([3, 1, 3])
    batch = inputs.choose(digits.train, conv)(indices)
    rows = inputs.DenseFeed(digits.train)(indices)
    assert batch.shape == (3, 1, 28, 28)
    assert np.array_equal(batch.reshape(3, -1), rows)
    colours = nn.Split(np.ones((4, 3, 5, 6), np.uint8), np.zeros(4, int), 0.5)
    assert inputs.choose(colours, conv)(indices).shape == (3, 3, 5, 6)


def test_the_shape_of_a_sample_is_the_models():
    conv, linear = nn.Conv2d(1, 1, 3), nn.Linear(6, 2)
    assert inputs.sample_shape((2, 3), conv) == (1, 2, 3)
    assert inputs.sample_shape((4, 2, 3), conv) == (4, 2, 3)
    assert inputs.sample_shape((2, 3), linear) == inputs.sample_shape((6,), linear) == (6,)


# ---- Errors ---------------------------------------------------------------------------------


IMAGE = np.zeros((2, 1, 5, 4), np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Conv2d(0, 1, 3), r"Conv2d\(0, 1, kernel_size=3\): the numbers of channels"),
        (lambda: nn.Conv2d(1, 1, 0), "kernel_size must be a whole number from 1, or a pair"),
        (lambda: nn.Conv2d(1, 1, (3, 3, 3)), r"got \(3, 3, 3\)"),
        (lambda: nn.Conv2d(1, 1, 3, stride=0), "stride must be a whole number from 1"),
        (lambda: nn.Conv2d(1, 1, 3, padding=-1), "padding must be a whole number from 0"),
        (lambda: nn.Conv2d(1, 1, 3, padding="same"), "padding must be .* got 'same'"),
        (lambda: nn.Conv2d(1, 1, 2.5), "kernel_size must be a whole number"),
        (
            lambda: nn.Conv2d(3, 1, 3)(IMAGE),
            r"Conv2d\(3, 1, kernel_size=3\) expects \(batch, 3, height, width\), got \(2, 1, 5",
        ),
        (lambda: nn.Conv2d(1, 1, 3)(np.zeros((2, 20))), r"got \(2, 20\)"),
        (
            lambda: nn.Conv2d(1, 1, (2, 7), padding=1)(IMAGE),
            "a window of 2 x 7 is larger than the padded image of 7 x 6",
        ),
        (lambda: nn.MaxPool2d(0), "kernel_size must be"),
        (lambda: nn.MaxPool2d(3, padding=2), "at most half the window"),
        (lambda: nn.MaxPool2d(17), "at most 256 places"),
        (lambda: nn.MaxPool2d(6)(IMAGE), "a window of 6 x 6 is larger"),
        (lambda: nn.MaxPool2d(2)(np.zeros((2, 3))), r"expects \(batch, channels, height, width\)"),
        (lambda: nn.AvgPool2d(2, 0), "stride must be"),
        (lambda: nn.AvgPool2d((2, 1), padding=1), "at most half the window"),
        (lambda: nn.AdaptiveAvgPool2d(0), "output_size must be"),
        (lambda: nn.AdaptiveAvgPool2d(1)(np.zeros((2, 3))), r"got \(2, 3\)"),
        (lambda: nn.BatchNorm2d(3)(IMAGE), r"expects \(batch, 3, height, width\)"),
        (lambda: nn.BatchNorm2d(3)(np.zeros((2, 3))), r"expects \(batch, 3, height, width\)"),
        (lambda: nn.BatchNorm1d(1)(IMAGE), r"expects \(batch, 1\)"),
        (lambda: nn.BatchNorm2d(1)(np.zeros((1, 1, 1, 1))), "more than one sample"),
        (lambda: nn.Dropout2d(1.0), r"Dropout2d\(p=1.0\): p must be"),
        (lambda: nn.Dropout2d(0.5)(np.zeros((2, 3))), r"Dropout2d\(p=0.5\) expects \(batch"),
        (
            lambda: nn.Residual(nn.Conv2d(1, 2, 1), nn.Conv2d(1, 3, 1))(IMAGE),
            r"the block returns \(2, 2, 5, 4\) and the shortcut \(2, 3, 5, 4\); both must have",
        ),
    ],
)
def test_bad_input_names_the_layer_and_what_it_wants(call, message):
    with pytest.raises(nn.NpNNError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_bad_data_is_refused(digits):
    conv = nn.Sequential(nn.Conv2d(1, 1, 28), nn.Flatten())
    rows = nn.Split(np.zeros((3, 784), np.uint8), np.zeros(3, int), 1.0)
    with pytest.raises(nn.NpNNError, match=r"images must be .* not \(784,\)"):
        nn.evaluate(conv, rows)
    with pytest.raises(nn.NpNNError, match="sparse input is for models that begin with Linear"):
        nn.evaluate(conv, digits.test, input="sparse")


# ---- Many images at once --------------------------------------------------------------------


def test_an_empty_batch_passes():
    nn.use("numpy")
    model = network().eval()
    assert model(np.empty((0, 1, 13, 14), np.float32)).shape == (0, 10)


def test_layer_steps_use_the_fused_view(fused, digits):
    model = network()
    optimizer = nn.SGD(model.parameters())
    made = steps.build(model, inputs.choose(digits.train, model), digits.train.labels,
                       nn.CrossEntropyLoss(), optimizer)  # fmt: skip
    assert type(made.model[0]) is fusion.ConvReluPool


def test_adaptive_windows_are_torchs_even_for_more_outputs_than_pixels():
    x = np.arange(3, dtype=np.float64).reshape(1, 1, 1, 3)
    out = reference.adaptive_avg_pool2d_forward(x, np.empty((1, 1, 1, 4)))
    assert out.ravel().tolist() == [0, 0.5, 1.5, 2]


@pytest.mark.parametrize("geometry", [(2, 1, 1), (3, 2, 1), (3, (2, 3), (0, 1)), ((5, 4), 2, 2)])
@pytest.mark.parametrize("filled", [0, 0.2])
def test_a_window_of_minus_infinity_beside_padding_keeps_its_gradient(geometry, filled):
    """The gradient goes to the window's first pixel, as in PyTorch."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng, layer = np.random.default_rng(0), nn.MaxPool2d(*geometry)
    x = np.where(rng.random((2, 3, 9, 11)) < filled, 1, -np.inf).astype(np.float32)
    out, theirs = layer(x), torch.tensor(x, requires_grad=True)
    grad = rng.normal(size=out.shape).astype(np.float32)
    torch.nn.functional.max_pool2d(theirs, *geometry).backward(torch.from_numpy(grad))
    np.testing.assert_allclose(layer.backward(grad), theirs.grad, atol=1e-5)
