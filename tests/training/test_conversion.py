"""Images and labels of any type, byte order and layout: converted once, equally on both paths."""

import numpy as np
import pytest
from scipy import sparse

import np_nn as nn
from np_nn.utils import arrays
from tests.support.trainings import blobs

INTEGERS = ["uint8", "int16", "uint16", ">u2", "int32", ">i4", "int64", "uint64", ">i8"]
FLOATS = ["float16", ">f4", "float32", "float64", ">f8", "longdouble"]
SPARSE = [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_array]


def pixels():
    """Return pixels (60, 4), half of them 0."""
    images = blobs(60).images.reshape(60, 4)
    return np.where(images < 30, 0, images)


def first_loss(images, labels=None, loss=None, scale=None, **options):
    labels = blobs(60).labels if labels is None else labels
    model = nn.initialize(nn.mlp((4, 8, 3)), "torch", seed=0)
    options = {"steps": 1, "batch_size": 60, "seed": 0, "quiet": True} | options
    data, optimizer = nn.Split(images, labels, scale), nn.SGD(model.parameters())
    loss = loss or nn.CrossEntropyLoss()
    first = nn.fit(model, data, loss, optimizer, **options).loss[0]
    start = nn.initialize(nn.mlp((4, 8, 3)), "torch", seed=0)
    assert nn.evaluate(start, data, loss).loss == pytest.approx(first, rel=1e-5)
    return first


def by_hand(x, labels=None):
    """Return the loss of unscaled float32 images, from NumPy's layers."""
    model = nn.initialize(nn.mlp((4, 8, 3)), "torch", seed=0)
    labels = blobs(60).labels if labels is None else labels
    return nn.CrossEntropyLoss()(model.forward(np.float32(x)), labels)


@pytest.mark.parametrize("input", ["auto", "dense", "sparse"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_of_0_to_255_are_pixels(dtype, input):
    wanted = by_hand(pixels() / 255)
    assert first_loss(pixels().astype(dtype), input=input) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_stay_as_they_are(dtype):
    wanted = by_hand(pixels() / 128)
    assert first_loss((pixels() / 128).astype(dtype)) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("low", [-1, 1])
def test_integers_beyond_and_booleans_stay_as_they_are(low):
    x = pixels().astype(int)
    x[0, 0] = -1 if low < 0 else 256
    assert first_loss(x) == pytest.approx(by_hand(x), rel=1e-5)
    assert first_loss(x > 50) == pytest.approx(by_hand(x > 50), rel=1e-5)
    assert first_loss(x, scale=0.5) == pytest.approx(by_hand(x / 2), rel=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64", "bool"])
@pytest.mark.parametrize("kind", SPARSE)
def test_sparse_matrices_are_converted_like_arrays(kind, dtype):
    x = pixels().astype(dtype)
    assert first_loss(kind(x)) == pytest.approx(first_loss(x), rel=1e-5)


@pytest.mark.parametrize("dtype", ["float64", ">f8"])
def test_numbers_that_float32_cannot_hold_are_named_and_infinity_is_kept(dtype):
    large, labels = np.array([[1.0, np.inf], [np.nan, -1e39]], dtype), np.zeros(2, int)
    for images in (large, large[:, ::-1], sparse.csr_array(large.astype(float))):
        with pytest.raises(nn.NpNNError, match=r"^the images: float32 cannot hold -1e\+39$"):
            nn.Split(images, labels)
    with pytest.raises(nn.NpNNError, match=r"^the labels: float32 cannot hold -1e\+39$"):
        nn.Split(np.zeros((2, 1)), large)
    assert np.isinf(nn.Split(large[:1], labels[:1]).images[0, 1])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_any_layout(dtype):
    x = pixels().astype(dtype)
    wanted = first_loss(x)
    frozen, wide = x.copy(), np.zeros((60, 8), dtype)
    frozen.flags.writeable, wide[:, ::2] = False, x
    for same in (np.asfortranarray(x), wide[:, ::2], frozen, x.tolist(), x.reshape(60, 2, 2)):
        assert first_loss(same) == wanted


@pytest.mark.parametrize("dtype", ["uint8", "int8", ">i8", "uint64", "bool"])
def test_labels_of_any_integer_type(dtype):
    labels = np.minimum(blobs(60).labels, 1)
    wanted = by_hand(pixels() / 255, labels)
    assert first_loss(pixels(), labels.astype(dtype)) == pytest.approx(wanted, rel=1e-5)
    assert first_loss(pixels(), labels.tolist()) == pytest.approx(wanted, rel=1e-5)
    assert nn.one_hot(labels.astype(dtype), 2).tolist() == nn.one_hot(labels, 2).tolist()
    outputs = np.eye(60, 3, dtype=np.float32)
    assert nn.CrossEntropyLoss()(outputs, labels.astype(dtype)) == nn.CrossEntropyLoss()(
        outputs, labels
    )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16", ">f4", "float64"])
def test_targets_of_any_type(dtype):
    targets = nn.one_hot(blobs(60).labels, 3)
    wanted = first_loss(pixels(), targets, nn.MSELoss())
    for same in (targets.astype(dtype), np.asfortranarray(targets)):
        assert first_loss(pixels(), same, nn.MSELoss()) == wanted


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, "bool"])
def test_a_model_is_called_with_what_it_was_trained_on(dtype):
    model = nn.initialize(nn.mlp((4, 8, 3)), "torch", seed=0)
    x = (pixels() // 2).astype(dtype)
    split = nn.Split(x, np.zeros(60))
    np.testing.assert_allclose(model(x), nn.predict(model, split), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model(x[:, ::-1][:, ::-1]), model(x), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", ">f4", "int64"])
def test_a_loss_of_outputs_of_any_type(dtype):
    outputs, loss = pixels().astype(dtype), nn.CrossEntropyLoss()
    wanted = loss(pixels().astype(np.float32), blobs(60).labels)
    assert loss(outputs, blobs(60).labels) == pytest.approx(wanted, rel=1e-5)
    assert loss.backward().dtype == np.float32


def test_what_is_ready_is_not_copied_and_bytes_are_not_read(monkeypatch):
    for images in (np.zeros((3, 4), np.uint8), np.zeros((3, 4), np.float32)):
        data = nn.Split(images, np.zeros(3, int))
        assert data.images is images
    monkeypatch.setattr(arrays, "numbers", lambda values, name: Unread(values))
    assert arrays.as_images(np.zeros((3, 4), np.uint8))[1] == 1 / 255


class Unread:
    """An array of bytes whose smallest and largest number nobody may ask for."""

    def __init__(self, array):
        self.dtype, self.size, self._array = array.dtype, array.size, array

    def __array__(self, dtype=None, copy=None):
        return self._array


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([["a", "b"]], [0], "images must be numbers, got <U1"),
        ([[1j, 2]], [0], "images must be numbers, got complex128"),
        ([[1.0], [1.0, 2.0]], [0, 1], "images must be an array of numbers"),
        ([[1.0]], ["cat"], "labels must be numbers"),
        (None, [0], "images must be numbers, got object"),
    ],
)
def test_what_is_no_number_is_refused(images, labels, message):
    with pytest.raises(nn.NpNNError, match=message):
        nn.Split(images, labels)


def test_what_cannot_be_compressed_is_refused():
    with pytest.raises(nn.NpNNError, match=r"at most 65,535 pixels of .* got 4 of float32"):
        first_loss(pixels() / 255, input="sparse")
    wide = nn.Split(np.zeros((2, 70_000), np.uint8), [0, 1])
    with pytest.raises(nn.NpNNError, match="got 70,000 of uint8"):
        nn.evaluate(nn.mlp((70_000, 2)), wide, input="sparse")


@pytest.mark.parametrize("labels", [np.zeros(60), np.zeros((60, 1), int)])
def test_labels_that_are_no_classes_are_refused_before_training(labels):
    with pytest.raises(nn.NpNNError, match=r"labels must be integers \(n,\), got float32"):
        first_loss(pixels(), labels)


@pytest.mark.parametrize("dtype", ["uint8", "int64", ">f4"])
def test_estimators_never_scale(dtype):
    x, y = pixels().astype(dtype), blobs(60).labels
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")

    def outputs(x):
        made = nn.MLPClassifier((5,), max_iter=2, random_state=0, batch_size=60)
        with pytest.warns():  # 2 iterations do not converge
            return made.fit(x, y).predict_proba(x)

    np.testing.assert_allclose(outputs(x), outputs(x.astype(np.float64)), rtol=1e-5)
