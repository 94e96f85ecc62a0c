"""np.seterr: floating-point errors that a program makes fatal change nothing in np_nn."""

import numpy as np
import pytest

import np_nn as nn
from tests import cases
from tests.support.trainings import blobs


def trained():
    """Return the bytes of a training in which saturated units and tiny gradients underflow."""
    nn.manual_seed(0)
    data = blobs()
    model = nn.initialize(
        nn.Sequential(nn.Linear(4, 8), nn.Sigmoid(), nn.Dropout(0.2), nn.Linear(8, 8), nn.GELU(),
                      nn.Linear(8, 3)),
        "standard_normal", seed=0,
    )  # fmt: skip
    for p in model.parameters():
        p.data *= 40
    history = nn.fit(
        model, data, nn.CrossEntropyLoss(), nn.Adam(model.parameters(), lr=0.1), epochs=2,
        batch_size=20, l2=1e-30, limits=nn.Limits(clip_norm=1e-3, max_norm=9), validation=data,
        seed=0, quiet=True,
    )  # fmt: skip
    outputs = nn.evaluate(model, data, keep=True).outputs
    arrays = [*model.state_dict().values(), history.loss, outputs, nn.predict(model, data)]
    return b"".join(array.tobytes() for array in arrays)


def test_a_training_has_the_same_bits():
    expected = trained()
    with np.errstate(all="raise"):
        assert trained() == expected


@pytest.mark.parametrize("scale", [1e-37, 1e30])
@pytest.mark.parametrize(**cases.parametrize(cases.LOSSES))
def test_no_loss_raises(case, scale):
    outputs, targets = cases.loss_inputs(case, np.float32)
    outputs = outputs if case.kind is nn.BCELoss else outputs * np.float32(scale)
    loss = case.make()
    with np.errstate(all="raise"):
        loss(outputs, targets)
        loss.backward()


@pytest.mark.parametrize(**cases.parametrize(cases.OPTIMIZERS))
def test_no_optimizer_raises(case):
    parameter = nn.Parameter(np.full(5, 1e-38, np.float32))
    optimizer = case.make([parameter])
    with np.errstate(all="raise"):
        for gradient in (1e-38, 1e-25, 1e30):
            parameter.grad[...] = gradient
            optimizer.step()
