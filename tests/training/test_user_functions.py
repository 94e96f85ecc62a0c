"""User functions: their results are checked, and an error names the function."""

import numpy as np
import pytest
from scipy import sparse

import np_nn as nn
from np_nn.data.batches import Batches
from tests.support.trainings import blobs, train


def named(result):
    """Return a function of any arguments that returns `result`, or calls it."""

    def mine(*arguments):
        return result(*arguments) if callable(result) else result

    return mine


ORDERS = [
    (np.arange(10), r"int64 of shape \(10,\)"),
    (np.arange(301), r"int64 of shape \(301,\)"),
    (np.arange(300)[:, None], r"int64 of shape \(300, 1\)"),
    (np.arange(300.0), r"float64 of shape \(300,\)"),
    (np.arange(1, 301), r"got 1\.\.300"),
    (np.arange(300) - 1, r"got -1\.\.298"),
    ([], r"float64 of shape \(0,\)"),
    ([[1], [2, 3]], r"got \[\[1\], \[2, 3\]\]"),
    (None, r"object of shape \(\)"),
    ("abc", r"<U3 of shape \(\)"),
]


@pytest.mark.parametrize(("order", "got"), ORDERS)
def test_an_order_that_is_none(order, got):
    wanted = rf"order: named\.<locals>\.mine must return 300 whole numbers of 0\.\.299, .*{got}"
    with pytest.raises(nn.NpNNError, match=wanted):
        train(order=named(order))


@pytest.mark.parametrize("dtype", ["int32", "uint16", ">i8"])
def test_an_order_of_any_integers(dtype):
    order = np.random.default_rng(0).integers(0, 300, 300)
    wanted = train(order=lambda: order)
    assert train(order=lambda: order.astype(dtype))[1] == wanted[1]
    assert train(order=lambda: order.tolist())[1] == wanted[1]
    assert np.array_equal(np.concatenate(list(Batches(300, 7, epochs=1, order=order.copy))), order)


AUGMENTS = [
    (lambda x, rng: x / 255, r"must return images like its argument, uint8 .*, got float64 of"),
    (lambda x, rng: x.astype(int) - 1, "must return images like its argument, uint8 .*, got int64"),
    (lambda x, rng: x[:10], r"10 images and 300 labels: one label per image"),
    (lambda x, rng: x[:, :1], r"got uint8 of shape \(300, 1, 2\)"),
    (lambda x, rng: x.reshape(300, 4), r"got uint8 of shape \(300, 4\)"),
    (None, "the images must be numbers, got object"),
    (lambda x, rng: x * 1j, "the images must be numbers, got complex"),
    (lambda x, rng: [[1], [2, 3]], "the images must be an array of numbers"),
    (lambda x, rng: sparse.csr_array(x.reshape(300, 4)), r"got uint8 of shape \(300, 4\)"),
]


@pytest.mark.parametrize(("augment", "message"), AUGMENTS)
def test_an_augmentation_that_returns_something_else(augment, message):
    with pytest.raises(nn.NpNNError, match=rf"augment: named\.<locals>\.mine.*{message}"):
        train(augment=named(augment))


def test_an_augmentation_of_pixels_may_return_any_integers():
    def flipped(x, rng):
        return x[:, ::-1]

    wanted = train(augment=flipped)[1]
    assert wanted != train()[1]
    for dtype in ("int64", ">u2"):
        assert train(augment=lambda x, rng, to=dtype: flipped(x, rng).astype(to))[1] == wanted
    assert train(augment=lambda x, rng: flipped(x, rng).tolist())[1] == wanted


def test_an_augmentation_of_floats_may_return_any_floats():
    data = nn.Split(blobs().images / 255, blobs().labels)
    wanted = train(data, augment=lambda x, rng: x[:, ::-1])[1]
    assert train(data, augment=lambda x, rng: x[:, ::-1].astype(float))[1] == wanted
    with pytest.raises(nn.NpNNError, match=r"augment: .*<lambda>: the images hold NaN"):
        train(data, augment=lambda x, rng: x * np.nan)


def test_an_augmentation_cannot_change_the_data():
    def brighten(x, rng):
        x += 1
        return x

    data = blobs()
    with pytest.raises(ValueError, match="read-only"):
        train(data, augment=brighten)
    assert np.array_equal(data.images, blobs().images)
    data.images[0] = 0  # the user's data are still writable


def test_an_object_is_named_by_its_class():
    class Noise:
        def __call__(self, images, rng):
            return None

    with pytest.raises(nn.NpNNError, match=r"augment: Noise: the images must be numbers"):
        train(augment=Noise())


@pytest.mark.parametrize(
    "share", [None, np.nan, np.inf, -0.1, 1j, "1", [0.5], np.ones(2)], ids=repr
)
def test_a_schedule_that_returns_no_share(share):
    wanted = r"schedule: named\.<locals>\.mine must return a finite number >= 0, got "
    with pytest.raises(nn.NpNNError, match=wanted):
        train(schedule=named(share))


def test_a_schedule_may_return_any_real_number():
    shares = [1, 1.0, np.float32(1), np.int8(1), np.float64(1), True]
    assert len({train(schedule=named(share))[1] for share in shares}) == 1


def test_an_empty_split_cannot_be_watched():
    empty = nn.Split(np.zeros((0, 2, 2), np.uint8), np.zeros(0, int))
    with pytest.raises(
        nn.NpNNError, match="the validation split does not fit: 0 images: at least one is needed"
    ):
        train(validation=empty, early_stopping=nn.EarlyStopping())
