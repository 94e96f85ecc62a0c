"""recipes.prepare: the user's own data, prepared for a Recipe."""

import numpy as np
import pytest

import np_nn as nn
from np_nn.recipes import Recipe, build
from np_nn.recipes.prepare import prepare
from np_nn.recipes.run import about
from tests.support.own_sets import colour, table

pytestmark = pytest.mark.kernel_independent


@pytest.mark.parametrize("changes", [{"scale": 1 / 255}, {"standardize": True}, {"shift": 3.0}])
def test_features_that_are_standardized_stay_as_they_are(changes):
    data = prepare(Recipe(**changes), table())
    for part in (data.train, data.test, data.preparation):
        assert (part.scale, part.shift) == (1, 0)
    assert prepare(Recipe(scale=1 / 255), colour()).train.scale == 1 / 255


def test_more_held_out_samples_than_there_are_are_refused_by_their_own_word():
    for data, word in ((colour(), "images"), (table(), "samples")):
        with pytest.raises(nn.NpNNError, match=f"cannot hold out 40 {word} of 40 for validation"):
            prepare(Recipe(validation=40), data)


def test_a_network_of_colour_images_is_named_by_all_its_inputs():
    data = colour(shape=(3, 32, 32))
    assert about(Recipe(), data).startswith("3072-512-6 on own")
    model = build.model(build.change(Recipe(), "lenet"), data, 0)
    assert model(np.zeros((2, 3, 32, 32), np.float32)).shape == (2, 6)


def test_a_model_of_images_refuses_rows_by_name():
    with pytest.raises(nn.NpNNError, match="resnet takes images, and each sample is a row of 3 f"):
        build.model(build.change(Recipe(), "resnet"), table(), 0)
