"""Errors before the first step: invalid batches, outputs, labels and held-out images."""

import numpy as np
import pytest
from scipy import sparse

import np_nn as nn
from np_nn.data.batches import Batches
from np_nn.training.rehearsal import rehearse
from tests.support.trainings import blobs


class Count(nn.Callback):
    """Callback that counts the epochs that began."""

    begun = 0

    def on_epoch_begin(self, training):
        self.begun += 1


def mlp(**options):
    return nn.initialize(nn.mlp((4, 8, 3), **options), "torch", seed=0)


def fit(model, data=None, loss=None, **options):
    """Train, and check that an error is raised before the first epoch."""
    count = Count()
    options = {"epochs": 2, "batch_size": 20, "seed": 0, "quiet": True} | options
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    try:
        return nn.fit(
            model, data or blobs(), loss or nn.CrossEntropyLoss(), optimizer, callbacks=[count],
            **options,
        )  # fmt: skip
    except nn.NpNNError:
        assert count.begun == 0
        raise


REMEDY = r"101 images in batches of 50: BatchNorm1d.* on a last batch of 1; take a batch size of 51"


@pytest.mark.parametrize("input", ["dense", "sparse"])
def test_a_last_batch_of_one_image_is_too_small_for_batch_norm(input):
    with pytest.raises(nn.NpNNError, match=REMEDY):
        fit(mlp(norm="batch"), blobs(101), batch_size=50, input=input)
    fit(mlp(norm="batch"), blobs(101), batch_size=51, input=input)
    fit(mlp(norm="batch"), blobs(102), batch_size=50, input=input)
    fit(mlp(norm="layer"), blobs(101), batch_size=50, input=input)


def test_the_batch_size_that_is_proposed_leaves_no_batch_of_one():
    with pytest.raises(nn.NpNNError, match=r"take a batch size of 5$"):
        fit(mlp(norm="batch"), blobs(13), batch_size=3)  # 4 leaves one, too
    with pytest.raises(nn.NpNNError, match="batches of 1; take more images"):
        fit(mlp(norm="batch"), blobs(1), batch_size=1)


def test_a_batch_that_does_not_come_is_none():
    fit(mlp(norm="batch"), blobs(101), batch_size=50, epochs=None, steps=2)
    fit(mlp(norm="batch"), blobs(101), batch_size=50, replacement=True)
    with pytest.raises(nn.NpNNError, match=REMEDY):
        fit(mlp(norm="batch"), blobs(101), batch_size=50, epochs=None, steps=3)


def test_a_frozen_layer_needs_no_batch():
    model = mlp(norm="batch")
    model[1].eval()
    fit(model, blobs(101), batch_size=50)


@pytest.mark.parametrize(("pixels", "fits"), [(2, True), (1, False)])
def test_channels_need_two_pixels(pixels, fits):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3 - pixels), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2 * pixels**2, 3)
    )
    if fits:
        fit(model, blobs(21), batch_size=20)
    else:
        with pytest.raises(nn.NpNNError, match=r"BatchNorm2d.* on a last batch of 1"):
            fit(model, blobs(21), batch_size=20)


def test_a_layer_of_ones_own_that_holds_one_is_found():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.unused = nn.BatchNorm1d(8), nn.BatchNorm1d(5)
            self.forward, self.backward = self.norm.forward, self.norm.backward

    def with_block():
        return nn.Sequential(nn.Linear(4, 8), Block(), nn.Linear(8, 3))

    with pytest.raises(nn.NpNNError, match=REMEDY):
        fit(with_block(), blobs(101), batch_size=50)
    fit(with_block(), blobs(102), batch_size=50)


def test_a_label_beyond_the_outputs_is_seen_wherever_it_stands():
    data = blobs()
    data.labels[-1] = 3
    with pytest.raises(nn.NpNNError, match=r"labels must be 0..2, .* got 0..3"):
        fit(mlp(), data)
    with pytest.raises(nn.NpNNError, match=r"validation split does not fit: labels must be 0..2"):
        fit(mlp(), validation=data)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((5, 3, 3)), np.zeros(5, int), r"expects \(batch, 4\), got \(1, 9\)"),
        (np.full((5, 4), np.nan), np.zeros(5, int), "NaN"),
        (np.zeros((5, 4)), np.zeros(4, int), "5 images and 4 labels"),
        (np.zeros((5, 4)), np.zeros((5, 3)), r"labels \(N,\), got \(5, 3\) and \(5, 3\)"),
    ],
)
def test_held_out_images_that_do_not_fit(images, labels, message):
    with pytest.raises(nn.NpNNError, match=f"the validation split does not fit: .*{message}"):
        fit(mlp(), validation=nn.Split(images, labels))


def table(largest, kind=np.array):
    """Return whole numbers (60, 4) up to this one."""
    values = np.random.default_rng(0).integers(0, 5, (60, 4))
    values[3, 1] = largest
    return nn.Split(kind(values), np.arange(60) % 3)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
def test_one_table_is_not_scaled_in_two_ways(kind):
    """Integers in 0..255 are pixels: one split of a table may be, and another one not."""
    with pytest.raises(nn.NpNNError, match="the training images are whole numbers up to 300 and"):
        fit(mlp(), table(300, kind), validation=table(200, kind))
    with pytest.raises(nn.NpNNError, match="the validation images are whole numbers up to 300 and"):
        fit(mlp(), table(200, kind), validation=table(300, kind))
    fit(mlp(), table(300, kind), validation=table(400, kind))
    fit(mlp(), table(200, kind), validation=table(100, kind))


def test_pixels_may_be_held_out_as_shares():
    data = blobs()
    fit(mlp(), data, validation=nn.Split(data.images / 255, data.labels))
    black_and_white = nn.Split(data.images > 200, data.labels)
    fit(mlp(), data, validation=black_and_white)


def test_targets_of_another_width():
    data = nn.Split(blobs().images, np.zeros((300, 2)))
    with pytest.raises(nn.NpNNError, match=r"one shape, got \(300, 3\) and \(300, 2\)"):
        fit(mlp(), data, nn.MSELoss())


def test_weights_of_another_number():
    with pytest.raises(nn.NpNNError, match="2 weights for 3 classes"):
        fit(mlp(), loss=nn.CrossEntropyLoss(weight=[1, 2]))


@pytest.mark.parametrize("options", [{}, {"norm": "batch"}, {"dropout": 0.5}])
def test_nothing_is_changed_by_it(options):
    """Weights, running means and random numbers do not change."""
    model = mlp(**options)
    before, drawn = model.state_dict(), model.random_state()
    rehearse(model, nn.CrossEntropyLoss(), Batches(300, 20, epochs=1), blobs(), blobs(30))
    assert model.random_state() == drawn
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())


@pytest.mark.parametrize("training", [True, False])
def test_modes_are_those_of_before_also_when_it_fails(training):
    model = mlp(norm="batch").train(training)
    with pytest.raises(nn.NpNNError):
        fit(model, blobs(101), batch_size=50)
    assert [module.training for module in model.modules()] == [training] * 5
