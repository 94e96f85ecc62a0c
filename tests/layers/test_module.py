"""Modules: names, state, buffers, and errors that name the layer."""

import numpy as np
import pytest

import np_nn as nn


def batch(n, width=4):
    return np.random.default_rng(n).normal(size=(n, width)).astype(np.float32)


def test_names_and_shapes_are_pytorchs():
    state = nn.mlp((4, 3, 2)).state_dict()
    assert {name: array.shape for name, array in state.items()} == {
        "0.weight": (3, 4),
        "0.bias": (3,),
        "2.weight": (2, 3),
        "2.bias": (2,),
    }
    assert all(array.flags.c_contiguous for array in state.values())


def test_state_is_a_copy_and_loads_back():
    model, other = nn.mlp((4, 3, 2)), nn.mlp((4, 3, 2))
    state = model.state_dict()
    other.load_state_dict(state)
    x = batch(5)
    assert np.array_equal(model(x), other(x))
    state["0.weight"][:] = 0
    assert np.array_equal(model(x), other(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("0.bias"), "missing .'0.bias'."),
        (lambda state: state.update(extra=np.zeros(1)), "unexpected .'extra'."),
        (lambda state: state.update({"2.weight": np.zeros((3, 3))}), "2.weight has shape"),
        (
            lambda state: state.update({"2.bias": np.ones(2) * 1j}),
            "2.bias must be numbers",
        ),
        (lambda state: state.update({"2.bias": None}), "2.bias must be numbers"),
        (lambda state: state.update({"2.bias": [None, None]}), "2.bias must be numbers"),
        (
            lambda state: state.update({"2.bias": [[1.0], [1.0, 2.0]]}),
            "2.bias must be an array of numbers",
        ),
        (lambda state: state.update({"2.bias": [0.0, 1e300]}), "float32 cannot hold 1e.300"),
        (lambda state: state.update({3: 4}), "unexpected .3."),
    ],
)
def test_a_wrong_state_changes_nothing(change, message):
    model = nn.mlp((4, 3, 2))
    before, state = model.state_dict(), {k: v + 1 for k, v in model.state_dict().items()}
    change(state)
    with pytest.raises(nn.NpNNError, match=message):
        model.load_state_dict(state)
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


@pytest.mark.parametrize("state", [None, [], "weights"])
def test_a_state_that_is_no_dict_is_refused(state):
    with pytest.raises(nn.NpNNError, match=r"the state must be a dict {name: array}, got"):
        nn.mlp((4, 2)).load_state_dict(state)


@pytest.mark.parametrize("batches", [2.5, np.nan, np.uint64(2**63)])
def test_a_buffer_of_whole_numbers_takes_no_others(batches):
    norm = nn.BatchNorm1d(2)
    state = norm.state_dict()
    with pytest.raises(nn.NpNNError, match=r"num_batches_tracked: int64 cannot hold "):
        norm.load_state_dict(state | {"weight": np.zeros(2), "num_batches_tracked": batches})
    assert (norm.weight.data == 1).all()
    norm.load_state_dict(state | {"num_batches_tracked": 3.0})
    assert norm.num_batches_tracked.data == 3


def test_weights_that_diverged_load_as_they_are():
    model = nn.mlp((1, 2), bias=False)
    model.load_state_dict({"0.weight": np.array([[np.inf], [np.nan]])})
    assert np.array_equal(model[0].weight.data, [[np.inf, np.nan]], equal_nan=True)


def test_a_module_is_converted_to_nothing_but_floats():
    with pytest.raises(nn.NpNNError, match=r"float32 or float64, got .*int8"):
        nn.mlp((4, 2)).to(np.int8)


def test_random_numbers_of_other_layers_change_nothing():
    model = nn.mlp((4, 3, 3, 2), dropout=0.5)
    before = model.random_state()
    with pytest.raises(nn.NpNNError, match="does not fit"):
        model.load_random_state(dict(list(before.items())[:1]))
    with pytest.raises(nn.NpNNError, match="does not fit"):
        model.load_random_state(dict.fromkeys(before, (1, 2.5)))
    assert model.random_state() == before
    model.load_random_state(dict.fromkeys(before, (1, 2)))
    assert model.random_state() == dict.fromkeys(before, (1, 2))


def test_a_buffer_is_saved_and_converted_but_not_trained():
    class Centred(nn.Module):
        """A layer: y = weight * (x - the mean of all batches so far)."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.ones(3, np.float32))
            self.mean, self.batches = nn.Buffer(np.zeros(3, np.float32)), nn.Buffer(0)

    layer = nn.Sequential(Centred())
    assert list(layer.named_parameters()) == ["0.weight"]
    assert list(layer.named_buffers()) == ["0.mean", "0.batches"]
    state = layer.state_dict()
    layer[0].mean.data += 2
    assert (state["0.mean"] == 0).all()
    layer.load_state_dict(state | {"0.batches": 7})
    assert (layer[0].mean.data == 0).all()
    assert layer[0].batches.data == 7
    layer.to(np.float64)
    kinds = {name: held.data.dtype.kind for name, held in layer.named_buffers().items()}
    assert kinds == {"0.mean": "f", "0.batches": "i"}
    assert layer[0].mean.data.dtype == np.float64


def test_a_result_is_the_callers_own_and_buffers_are_reused():
    model = nn.mlp((4, 3, 2))
    first = model(batch(5))
    kept = first.copy()
    model(batch(6))
    assert np.array_equal(first, kept)
    assert model.forward(batch(6)).base is model.forward(batch(3)).base  # a smaller batch fits in


def test_batches_of_changing_size_give_what_they_give_alone():
    model = nn.mlp((4, 3, 2))
    for n in (5, 2, 9, 1):
        assert np.array_equal(model(batch(n)), nn.Sequential(*model.layers)(batch(n)))


def test_an_input_of_the_wrong_width_names_the_layer():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(5, 2, bias=False))
    with pytest.raises(
        nn.NpNNError, match=r"Linear\(5, 2, bias=False\) expects .*5.*, got \(6, 3\)"
    ):
        model(batch(6))


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (-1, 2)])
def test_sizes_below_one_are_refused(sizes):
    with pytest.raises(nn.NpNNError, match="at least 1"):
        nn.Linear(*sizes)


def test_train_and_eval_reach_every_layer():
    model = nn.mlp((4, 3, 2))
    assert not any(module.training for module in model.eval().modules())
    assert all(module.training for module in model.train().modules())


def test_a_printed_model_can_be_read():
    assert repr(nn.mlp((4, 3, 2))) == "Sequential(Linear(4, 3), ReLU(), Linear(3, 2))"


def test_the_input_gradient_is_left_out_on_request():
    model = nn.mlp((4, 3, 2))
    out = model.forward(batch(5))
    with_input = model.backward(out)
    grads = [p.grad.copy() for p in model.parameters()]
    model.forward(batch(5))
    assert with_input.shape == (5, 4)
    assert model.backward(out, input_grad=False) is None
    assert all(np.array_equal(a, p.grad) for a, p in zip(grads, model.parameters(), strict=True))


def test_manual_seed_repeats_the_weights():
    nn.manual_seed(5)
    first = nn.Linear(4, 3).state_dict()["weight"]
    second = nn.Linear(4, 3).state_dict()["weight"]
    nn.manual_seed(5)
    assert np.array_equal(first, nn.Linear(4, 3).state_dict()["weight"])
    assert not np.array_equal(first, second)


def test_initialisers_have_their_bounds():
    for name, bound in (("original", 1 / np.sqrt(784 * 512)), ("torch", 1 / np.sqrt(784))):
        model = nn.initialize(nn.mlp((784, 512, 10)), name, seed=0)
        weight = model[0].weight.data
        assert 0.999 * bound < np.abs(weight).max() <= bound * (1 + 1e-6)
        assert abs(weight.mean()) < bound / 100
    with pytest.raises(nn.NpNNError, match="did you mean 'torch'"):
        nn.initialize(model, "troch", seed=0)


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": -1},
        {"lr": float("nan")},
        {"momentum": -0.1},
        {"weight_decay": float("inf")},
        {"nesterov": True},
    ],
)
def test_an_optimizer_refuses_bad_settings(settings):
    with pytest.raises(nn.NpNNError, match="SGD"):
        nn.SGD(nn.Linear(2, 2).parameters(), **settings)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "expects outputs"),
        ([0, 1, 2], r"labels must be 0\.\.1"),
        ([0, -1, 1], "labels must be"),
    ],
)
def test_a_loss_refuses_labels_that_do_not_fit(labels, message):
    with pytest.raises(nn.NpNNError, match=message):
        nn.CrossEntropyLoss()(batch(3, 2), np.array(labels))


def test_a_loss_refuses_an_empty_batch():
    with pytest.raises(nn.NpNNError, match="empty"):
        nn.CrossEntropyLoss()(np.empty((0, 2), np.float32), np.empty(0, np.int64))


def test_large_logits_do_not_overflow():
    loss = nn.CrossEntropyLoss()
    assert loss(np.array([[1e4, -1e4]], np.float32), np.array([1])) == pytest.approx(2e4)
    assert np.isfinite(loss.backward()).all()


# ---- One use per layer ----------------------------------------------------------------------


class Pair(nn.Module):
    """A layer: y = second(first(x))."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x):
        return self.second.forward(self.first.forward(x))

    def backward(self, grad, input_grad=True):
        return self.first.backward(self.second.backward(grad), input_grad)


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Linear(4, 4), nn.Dropout(0.5), nn.Flatten()])
@pytest.mark.parametrize(
    ("make", "places"),
    [
        (lambda one: nn.Sequential(one, nn.Tanh(), one), "0 and at 2"),
        (lambda one: nn.Sequential(one, nn.Sequential(nn.Tanh(), one)), "0 and at 1.1"),
        (lambda one: nn.Sequential(nn.Residual(one), one), "0.block and at 1"),
        (lambda one: nn.Residual(nn.Sequential(one), one), "block.0 and at shortcut"),
        (lambda one: nn.Sequential(nn.Tanh(), Pair(one, one)), "1.first and at 1.second"),
    ],
)
def test_a_layer_at_two_places_is_refused_and_both_are_named(layer, make, places):
    with pytest.raises(nn.NpNNError, match=rf"is used at {places.replace('.', '[.]')}, but"):
        make(layer)


def test_a_module_of_the_users_own_that_holds_one_twice_is_found_before_the_first_step():
    one = nn.Linear(4, 4)
    model = Pair(one, one)
    assert len(model.parameters()) == 2
    before = model.state_dict()
    data = nn.Split(batch(8), np.arange(8) % 4)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(nn.NpNNError, match="is used at first and at second"):
        nn.fit(model, data, nn.CrossEntropyLoss(), optimizer, epochs=1, batch_size=4, quiet=True)
    assert all((before[name] == array).all() for name, array in model.state_dict().items())


def test_a_shared_parameter_whose_gradient_would_be_that_of_one_place_is_refused():
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    with pytest.raises(nn.NpNNError, match=r"Parameter of shape .* at 0.weight and at 1.weight"):
        nn.Sequential(first, second)
    assert list(map(id, Pair(first, second).parameters())) == [
        id(first.weight), id(first.bias), id(second.bias),
    ]  # fmt: skip
    with pytest.raises(nn.NpNNError, match="SGD: a parameter is in the list twice"):
        nn.SGD(first.parameters() + second.parameters())


def test_what_is_no_module_is_refused():
    with pytest.raises(nn.NpNNError, match="layers must be a Module"):
        nn.Sequential([nn.Linear(2, 2), nn.ReLU()])


def test_backward_without_forward_says_so():
    with pytest.raises(nn.NpNNError, match="backward needs a forward before it"):
        nn.Linear(3, 2).backward(np.ones((1, 2), np.float32))
