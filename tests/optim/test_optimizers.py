"""Optimizers: a text of options reaches them, and they continue from their state."""

import numpy as np
import pytest

import np_nn as nn
from np_nn import models, optim
from np_nn.layers import initializers
from np_nn.utils import spec


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
