"""Optimizers: built from a text of options, and continued from their state."""

import numpy as np
import pytest

import np_nn as nn
from np_nn import models, optim
from np_nn.layers import initializers
from np_nn.utils import spec


@pytest.mark.parametrize("name", [*optim.OPTIMIZERS, "sgd:momentum=0.9"])
def test_an_optimizer_follows_its_models_dtype(name):
    def steps(model, optimizer):
        for _ in range(3):
            for p in model.parameters():
                p.grad[...] = np.pi * p.data + 1 / 3
            optimizer.step()
        kept = [moment for moments in optimizer.moments for moment in moments]
        assert {array.dtype for array in kept} <= {np.dtype(np.float64)}
        return b"".join(p.data.tobytes() for p in model.parameters())

    def make():
        return initializers.initialize(models.mlp((5, 4, 3)), "torch", 0)

    def optimizer_of(model):
        return spec.build(name, optim.OPTIMIZERS, "optimizer", model.parameters())

    model, wanted = make(), make().to(np.float64)
    optimizer = optimizer_of(model)
    model.to(np.float64)
    assert steps(model, optimizer) == steps(wanted, optimizer_of(wanted))


def test_a_model_that_was_float64_for_a_while_trains_on(digits):
    model = initializers.initialize(models.mlp((784, 8, 10)), "torch", 0).to(np.float64)
    optimizer = nn.Adam(model.parameters())
    plan = {"steps": 3, "batch_size": 50, "seed": 0, "quiet": True, "input": "sparse"}
    model.to(np.float32)
    nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan)
    model.to(np.float64)
    kept = [moment for moments in optimizer.state_dict()["moments"] for moment in moments]
    assert {array.dtype for array in kept} == {np.dtype(np.float64)}


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
