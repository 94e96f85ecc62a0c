"""The loss around a training path: exact where it is known, and the model is left unchanged."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.analysis import loss_surface
from np_nn.analysis.snapshots import Snapshots
from np_nn.utils.vectors import to_vector

pytestmark = pytest.mark.kernel_independent
STEEP = np.linspace(1, 5, 13)  # over the 13 weights of Linear(4, 2), Linear(2, 1)


@pytest.fixture
def model():
    nn.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 1))


@pytest.fixture
def path():
    """Return a walk of 20 weight vectors, mostly along two of the axes."""
    walk = np.zeros((20, 13), np.float32)
    walk[:, 3] = np.linspace(4, 0, 20)
    walk[:, 7] = np.sin(np.linspace(0, 3, 20))
    return walk + np.float32(0.5)


def vector(model):
    return to_vector([parameter.data for parameter in model.parameters()])


def bowl(weights):
    return 0.5 * float(STEEP @ np.square(weights, dtype=float))


def train(model, digits, steps, snapshots):
    return nn.fit(
        model, digits.train, nn.CrossEntropyLoss(), nn.SGD(model.parameters(), lr=0.1),
        steps=steps, batch_size=20, callbacks=[snapshots], seed=0, quiet=True,
    )  # fmt: skip


# ---- the surface


def test_the_surface_of_a_bowl_is_exact_and_the_model_as_before(model, path):
    before = model.state_dict()
    plane = loss_surface.principal_plane(path)
    across, up = np.linspace(-2, 5, 6), np.linspace(-1, 1, 4)
    found = loss_surface.loss_surface(
        model, lambda: bowl(vector(model)), plane, iter(across), iter(up)
    )
    first, second = plane.directions.astype(float)
    wanted = [[bowl(plane.origin + x * first + y * second) for x in across] for y in up]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_model_is_as_before_when_the_loss_fails(model, path):
    before = vector(model)
    with pytest.raises(ZeroDivisionError):
        loss_surface.loss_surface(
            model, lambda: 1 / 0, loss_surface.principal_plane(path), [1.0], [1.0]
        )
    np.testing.assert_array_equal(vector(model), before)


def test_a_flat_path_lies_in_its_plane(path):
    plane = loss_surface.principal_plane(path)
    assert plane.shares.sum() == pytest.approx(1)
    assert plane.shares[0] > plane.shares[1] > 0
    np.testing.assert_array_equal(plane.path[-1], [0, 0])
    for weights, (x, y) in zip(path, plane.path, strict=True):
        np.testing.assert_allclose(plane.weights(x, y), weights, atol=1e-5)


# ---- the path


def test_snapshots_begin_before_the_first_step_and_end_with_the_last(digits):
    model, snapshots = nn.mlp((784, 3, 10)), Snapshots(5)
    before = vector(model)
    train(model, digits, 12, snapshots)
    assert list(snapshots.states) == [0, 3, 6, 9, 12]
    path = loss_surface.path_weights(model, snapshots.states.values())
    np.testing.assert_array_equal(path[0], before)
    np.testing.assert_array_equal(path[-1], vector(model))
    assert (np.abs(np.diff(path, axis=0)).max(axis=1) > 0).all()


def test_snapshots_may_be_denser_early_and_more_than_there_are_steps(digits):
    early, many = Snapshots(4, power=2), Snapshots(50)
    train(nn.mlp((784, 3, 10)), digits, 18, early)
    assert list(early.states) == [0, 2, 8, 18]
    train(nn.mlp((784, 3, 10)), digits, 4, many)
    assert list(many.states) == [0, 1, 2, 3, 4]


def test_the_last_step_is_kept_when_training_is_stopped(digits):
    class Stop(nn.Callback):
        every = 7

        def on_batch_end(self, training):
            training.stop = True

    model, snapshots = nn.mlp((784, 3, 10)), Snapshots(3)
    nn.fit(
        model, digits.train, nn.CrossEntropyLoss(), nn.SGD(model.parameters(), lr=0.1),
        steps=100, batch_size=20, callbacks=[Stop(), snapshots], seed=0, quiet=True,
    )  # fmt: skip
    assert list(snapshots.states) == [0, 7]
