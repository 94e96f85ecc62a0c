"""Float arrays that are affine images of bytes, and sparse matrices, for the kernels."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import np_nn as nn
from np_nn.estimators.quantize import ACCURACY, as_bytes
from np_nn.training import inputs

some = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@some
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 256), st.floats(1e-6, 1e6), st.floats(-1e3, 1e3),
    st.sampled_from([np.float32, np.float64]), st.booleans(),
)  # fmt: skip
def test_affine_images_of_bytes_are_found(seed, levels, scale, shift, dtype, turned):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, levels, (40, 30)).astype(np.uint8)
    images[0, :2] = 0, levels - 1
    images[0, 2] = min(1, levels - 1)
    values = (images * scale + min(shift, 0) * scale).astype(dtype)
    before = values.copy()
    found = as_bytes(np.asfortranarray(values) if turned else values)
    assert found is not None
    data, found_scale, found_shift = found
    assert data.dtype == np.uint8
    error = np.abs(data * found_scale + found_shift - values).max()
    assert error <= 2 * ACCURACY * max(np.abs(values).max(), 255 * found_scale)
    assert np.array_equal(values, before)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(size=(50, 20)),
        np.arange(257.0).reshape(1, 257),
        np.array([[0, 1, 2.5]]),
        np.array([[0.0, 1, 1e9]]),
        np.full((4, 4), 7.0),
        np.zeros((4, 4)),
        np.zeros((4, 0)),
    ],
    ids=["normal", "257 levels", "uneven", "too far", "one level", "zeros", "empty"],
)
def test_other_numbers_are_left_alone(values):
    assert as_bytes(values) is None


def test_a_level_that_the_sample_lacks_is_seen():
    values = np.tile(np.array([0.0, 1, 2, 3]), (200_000, 1))
    for odd in (0.5, 256, -1):
        values[54_321, 2] = odd
        assert as_bytes(values) is None


def test_bytes_and_truths():
    images = np.array([[0, 7]], np.uint8)
    assert as_bytes(images)[0] is images
    assert as_bytes(images)[1:] == (1.0, 0.0)
    assert as_bytes(np.array([[True, False]]))[0].tolist() == [[1, 0]]


def matrix(values, dtype=np.float32):
    return scipy.sparse.csr_array(np.asarray(values, dtype))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_matrix_trains_as_the_array_does(dtype):
    rng = np.random.default_rng(0)
    values = (rng.integers(0, 9, (60, 40)) * (rng.random((60, 40)) < 0.2)).astype(dtype)
    labels, curves = np.arange(60) % 3, []
    for images in (values, matrix(values, dtype)):
        model = nn.initialize(nn.mlp((40, 8, 3)), "torch", seed=0)
        optimizer = nn.SGD(model.parameters(), lr=0.05, momentum=0.9)
        data = nn.Split(images, labels, scale=0.5)
        history = nn.fit(model, data, nn.CrossEntropyLoss(), optimizer, epochs=4, batch_size=16,
                         seed=0, quiet=True)  # fmt: skip
        curves.append([*history.loss, nn.evaluate(model, data).loss])
    np.testing.assert_allclose(*curves, rtol=1e-4)


@pytest.mark.parametrize(
    ("images", "model", "message"),
    [
        (matrix(np.eye(4)), nn.Sequential(nn.ReLU(), nn.Linear(4, 2)), "begin with Linear"),
        (matrix(np.eye(784)), nn.lenet5(), "begin with Linear"),
        (matrix([[np.nan, 0, 0, 0]]), nn.mlp((4, 2)), "NaN"),
        (scipy.sparse.csr_array(([1.0, 2], [1, 1], [0, 2]), shape=(1, 4)), nn.mlp((4, 2)), "sum_d"),
    ],
    ids=["activation", "convolution", "nan", "a place twice"],
)
def test_matrices_that_no_layer_takes(images, model, message):
    with pytest.raises(nn.NpNNError, match=message):
        nn.predict(model, nn.Split(images, np.zeros(images.shape[0], np.int64)))


def test_a_shifted_matrix_is_refused():
    with pytest.raises(nn.NpNNError, match="shifted"):
        inputs.MatrixFeed(nn.Split(matrix(np.eye(3)), np.arange(3), 1.0, 0.5))
