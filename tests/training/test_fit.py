"""The training loop: batches, determinism, stopping, and actual learning."""

import signal
from dataclasses import replace

import numpy as np
import pytest

import np_nn as nn
from np_nn.data.batches import Batches
from tests.support.trainings import blobs


def train(data=None, *, lr=0.5, **options):
    data = data or blobs()
    model = nn.initialize(nn.mlp((4, 8, 3)), "torch", seed=0)
    options = {"epochs": 5, "batch_size": 20, "seed": 0, "quiet": True} | options
    optimizer = nn.SGD(model.parameters(), lr=lr)
    return model, nn.fit(model, data, nn.CrossEntropyLoss(), optimizer, **options)


def test_an_epoch_visits_every_sample_once():
    batches = list(Batches(10, 4, epochs=3, seed=1))
    assert [len(batch) for batch in batches] == [4, 4, 2] * 3
    for epoch in range(3):
        assert sorted(np.concatenate(batches[3 * epoch : 3 * epoch + 3])) == list(range(10))
    assert not np.array_equal(batches[0], batches[3])


def test_steps_may_end_within_an_epoch():
    assert [len(batch) for batch in Batches(10, 4, steps=5)] == [4, 4, 2, 4, 4]


def test_with_replacement_every_batch_is_full_and_drawn_from_all():
    batches = list(Batches(10, 4, steps=200, replacement=True))
    assert {len(batch) for batch in batches} == {4}
    assert set(np.concatenate(batches)) == set(range(10))
    assert any(len(set(batch)) < 4 for batch in batches)
    assert len(list(Batches(10, 4, epochs=2, replacement=True))) == 6


def test_the_seed_decides_the_batches():
    def first(seed):
        return next(iter(Batches(1000, 10, steps=1, seed=seed)))

    assert np.array_equal(first(3), first(3))
    assert not np.array_equal(first(3), first(4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 1, "epochs": 1}, "either"),
        ({"epochs": None}, "either"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 0}, "batch size must be at least 1"),
        ({"batch_size": 301}, "301 is larger than the training set of 300"),
    ],
)
def test_impossible_plans_are_refused(options, message):
    with pytest.raises(nn.NpNNError, match=message):
        train(**options)


def test_it_learns_and_its_history_tells_so():
    model, history = train(epochs=20)
    assert history.done == history.steps == 300
    assert history.loss[-1] < 0.1 < history.loss[0]
    assert history.accuracy[-1] == 1.0
    assert nn.evaluate(model, blobs()).accuracy == 1.0
    assert history.train_seconds > 0
    assert history.step_ms_median > 0


def test_the_same_seed_gives_the_same_bits():
    (a, first), (b, second), (_, other) = train(seed=1), train(seed=1), train(seed=2)
    assert np.array_equal(first.loss, second.loss)
    assert not np.array_equal(first.loss, other.loss)
    for name, array in a.state_dict().items():
        assert array.tobytes() == b.state_dict()[name].tobytes()


def test_evaluation_counts_by_hand():
    model, data = train(epochs=1)[0], blobs(1201)  # more than one block, the last one short
    logits = model(data.images.reshape(len(data), 4).astype(np.float32) * np.float32(data.scale))
    result = nn.evaluate(model, data)
    assert result.accuracy == np.mean(logits.argmax(axis=1) == data.labels)
    assert result.loss == pytest.approx(nn.CrossEntropyLoss()(logits, data.labels), rel=1e-5)


def test_pixels_are_scaled():
    images = np.arange(256, dtype=np.uint8).reshape(1, 256).repeat(2, axis=0)
    seen = []

    class Spy(nn.Linear):
        def forward(self, x):
            seen.append(x.copy())
            return super().forward(x)

    for scale in (1.0, 1 / 255):
        nn.evaluate(Spy(256, 2), nn.Split(images, np.array([0, 1]), scale))
    assert seen[0].dtype == np.float32
    assert np.array_equal(seen[0][0], np.arange(256))
    assert np.allclose(seen[1][0], np.linspace(0, 1, 256))


def test_divergence_is_an_error_that_says_when():
    with pytest.raises(nn.DivergedError, match=r"(inf|nan) at step \d+ of 75; it was .*--lr"):
        train(lr=1e20)


def test_labels_out_of_range_are_refused():
    data = blobs(300, 3)
    data.labels[5] = 3
    with pytest.raises(nn.NpNNError, match=r"labels must be 0\.\.2"):
        train(data)


def test_images_and_labels_that_disagree_are_refused():
    with pytest.raises(nn.NpNNError, match="300 images and 299 labels"):
        train(nn.Split(blobs().images, blobs().labels[:-1]))


def test_ctrl_c_keeps_what_was_reached():
    class Interrupting(nn.SGD):
        calls = 0

        def step(self, lr=None):
            super().step(lr)
            Interrupting.calls += 1
            if Interrupting.calls == 7:
                signal.raise_signal(signal.SIGINT)

    model = nn.mlp((4, 8, 3))
    optimizer = Interrupting(model.parameters(), lr=0.1)
    history = nn.fit(model, blobs(), nn.CrossEntropyLoss(), optimizer, steps=99, quiet=True)
    assert history.interrupted
    assert history.done in (6, 7)
    assert len(history.loss) == history.done


def test_real_mnist_is_learnt_in_seconds(mnist):
    """784-128-10 for 1000 steps, published with an accuracy of 0.9635."""
    model = nn.initialize(nn.mlp((784, 128, 10), bias=False), "original", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.001)
    plan = {"steps": 1000, "batch_size": 128, "replacement": True, "seed": 0, "quiet": True}
    nn.fit(model, mnist.train, nn.CrossEntropyLoss(), optimizer, **plan)
    assert nn.evaluate(model, mnist.test).accuracy > 0.95


def test_real_digits_are_learnt_without_any_download(digits):
    model = nn.initialize(nn.mlp((784, 64, 10)), "torch", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.02, momentum=0.9)
    plan = {"epochs": 15, "batch_size": 32, "seed": 0, "quiet": True}
    nn.fit(model, digits.train, nn.CrossEntropyLoss(), optimizer, **plan)
    assert nn.evaluate(model, digits.test).accuracy > 0.93


def test_without_a_scale_bytes_become_shares_and_numbers_stay():
    labels = np.zeros(2, np.int64)
    assert nn.Split(np.zeros((2, 3), np.uint8), labels).scale == 1 / 255
    assert nn.Split(np.zeros((2, 3), np.float32), labels).scale == 1


def test_images_that_are_distorted_first_are_not_compressed_as_they_are(digits):
    compressed = []
    for augment in (None, nn.Shift(1)):
        data = replace(digits.train)
        model = nn.Sequential(nn.Linear(784, 10))
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        nn.fit(
            model, data, nn.CrossEntropyLoss(), optimizer, steps=2, augment=augment,
            input="sparse", quiet=True,
        )  # fmt: skip
        compressed.append("_rows" in vars(data))
    assert compressed == [True, False]


def test_outputs_are_kept_when_asked_for(digits):
    model = nn.mlp((784, 10))
    kept = nn.evaluate(model, digits.test, keep=True)
    assert kept == nn.evaluate(model, digits.test)
    assert nn.evaluate(model, digits.test).outputs is None
    assert (kept.outputs == nn.predict(model, digits.test)).all()


def split(images, labels):
    return nn.Split(np.asarray(images), np.asarray(labels), 1.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (split([[1.0, np.nan]], [0]), "images hold NaN"),
        (split([[1.0, np.inf]], [0]), "images hold NaN or infinite"),
        (split(np.zeros((0, 2)), np.zeros(0, int)), "0 images"),
        (split([[1.0, 2.0]], [0, 1]), "1 images and 2 labels"),
        (split([[1.0, 2.0]], [7]), r"labels must be 0\.\.1"),
        (split([[1.0, 2.0, 3.0]], [1]), r"expects \(batch, 2\), got \(1, 3\)"),
    ],
)
def test_bad_data_is_refused_by_fit_and_evaluate(data, message):
    model, loss = nn.mlp((2, 2)), nn.CrossEntropyLoss()
    with pytest.raises(nn.NpNNError, match=message):
        nn.fit(model, data, loss, nn.SGD(model.parameters()), steps=1, batch_size=1, quiet=True)
    with pytest.raises(nn.NpNNError, match=message):
        nn.evaluate(model, data)
