"""The user's files as samples: images, tables and arrays, by the model's preparation."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import np_nn as nn
from np_nn.data import digit
from np_nn.data.preparation import Preparation
from np_nn.utils.errors import DataError, NpNNError

pytestmark = pytest.mark.kernel_independent
DIGIT = Preparation("digit", (28, 28))
TABLE = Preparation("features", (2,), pixels=False, columns=("a", "b"), mean=(1, 2), std=(1, 2))
ARRAY = Preparation("array", (2, 3))


@pytest.fixture
def one(tmp_path):
    """Write an image file of a dark upright stroke on white paper."""
    image = np.full((60, 40), 255, np.uint8)
    image[10:50, 18:22] = 0
    Image.fromarray(image).save(tmp_path / "one.png")
    return tmp_path / "one.png"


def test_digits_are_prepared_as_mnist_was_made(one):
    made = nn.read_images([one, str(one)], DIGIT)
    assert (made.shape, made.dtype) == ((2, 28, 28), np.uint8)
    assert (made == digit.read([one])[0]).all()
    assert made[0].any(axis=1).sum() == 20


def test_images_are_resized_alone(one):
    made = nn.read_images(one, Preparation("image", (12, 8)))
    assert (made.shape, made.dtype) == ((1, 12, 8), np.uint8)
    assert made[0, 0, 0] == 255 > made[0, 6, 4]
    colour = nn.read_images(one, Preparation("image", (3, 12, 8)))
    assert colour.shape == (1, 3, 12, 8)


@pytest.mark.parametrize("preparation", [DIGIT, TABLE, ARRAY])
def test_no_files_are_no_samples(preparation):
    assert nn.read_images([], preparation).shape == (0, *preparation.shape)


def test_digits_of_another_size_are_refused(one):
    with pytest.raises(NpNNError, match="28 x 28"):
        nn.read_images(one, Preparation("digit", (20, 20)))


def test_columns_of_a_table_are_found_by_their_names(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("b,name,a\n2,x,1\n4,y,3\n")
    made = nn.read_images([path], TABLE)
    assert made.tolist() == [[1, 2], [3, 4]]
    assert TABLE.split(made).images.tolist() == [[0, 0], [2, 1]]
    path.write_text("1,2\n3,4\n")  # without names: features in order
    assert nn.read_images([path], TABLE).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,c\n1,2\n", "no column b, which the model needs"),
        ("a,b\n1,2\n1,x\n", "line 3, column b: not a finite number"),
        ("a,b\n1\n", "line 2, column b: not a finite number"),
        ("a,b\n1,nan\n", "line 2, column b: not a finite number"),
        ("a,b\n", "a table without a row"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError) as refused:
        nn.read_images(path, TABLE)
    assert str(refused.value) == f"{path}: {message}"


def test_arrays_are_read_as_they_are(tmp_path):
    path = tmp_path / "x.npy"
    samples = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.save(path, samples)
    assert (nn.read_images(path, ARRAY) == samples).all()
    np.save(path, samples[1])  # a single sample
    assert (nn.read_images([path, path], ARRAY) == samples[[1, 1]]).all()
    np.save(path, np.float64([3, 4]))
    assert nn.read_images(path, TABLE).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 5)), "shape (4, 5), but the model takes (n, 2, 3)"),
        (np.array([{}]), "not an array in .npy format"),
        (np.array(["a"]), "not an array of numbers"),
    ],
)
def test_an_array_that_does_not_fit_is_one_line(tmp_path, array, message):
    path = tmp_path / "x.npy"
    np.save(path, array)
    with pytest.raises(DataError) as refused:
        nn.read_images(path, ARRAY)
    assert message in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")


def test_what_is_no_array_is_refused_with_the_remedy(one, tmp_path):
    for preparation in (ARRAY, replace(TABLE, columns=())):
        with pytest.raises(DataError, match=r"trained on arrays: give \.npy files"):
            nn.read_images(one, preparation)
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00 {")
    with pytest.raises(DataError, match=r"x\.npy: not an array in \.npy format"):
        nn.read_images(path, ARRAY)
