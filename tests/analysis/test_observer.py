"""nn.Observer: records correct values at the due steps, and changes no bit of the training."""

import numpy as np
import pytest

import np_nn as nn
from tests.support.trainings import blobs, train


def first_look(model, data, **options):
    """Return the Observation of a model before it is trained."""
    observer, optimizer = nn.Observer(data, **options), nn.SGD(model.parameters(), lr=0.1)
    nn.fit(
        model, data, nn.CrossEntropyLoss(), optimizer,
        steps=1, batch_size=8, callbacks=[observer], seed=0, quiet=True,
    )  # fmt: skip
    return observer.observations[0]


@pytest.mark.parametrize("batch_size", [1, 32])
@pytest.mark.parametrize("source", ["sparse", "dense"])
def test_the_training_is_the_same_bits_with_it(digits, batch_size, source):
    observer = nn.Observer(digits.train, every=50 if batch_size == 1 else 3)
    plan = {"batch_size": batch_size, "epochs": 1, "input": source}
    history, weights = train(digits.train, **plan)
    watched, same = train(digits.train, observer, **plan)
    assert same == weights
    assert watched.loss.tobytes() == history.loss.tobytes()
    assert len(observer.observations) > 10


def test_dropout_and_batch_norm_train_the_same_with_it():
    def trained(*callbacks):
        options = {"norm": "batch", "dropout": 0.5, "noise": 0.1}
        model = nn.initialize(nn.mlp((4, 8, 3), **options), "torch", seed=0)
        plan = {
            "epochs": 2,
            "batch_size": 20,
            "limits": nn.Limits(clip_norm=1.0),
            "seed": 0,
            "quiet": True,
        }
        optimizer = nn.Adam(model.parameters(), lr=0.1)
        nn.fit(model, blobs(), nn.CrossEntropyLoss(), optimizer, callbacks=callbacks, **plan)
        return b"".join(array.tobytes() for array in model.state_dict().values())

    assert trained(nn.Observer(blobs(), every=2)) == trained()


def test_it_is_due_at_the_start_after_each_epoch_and_every_so_many_batches():
    epochs, batches = nn.Observer(blobs()), nn.Observer(blobs(), every=10)
    train(None, epochs, batches)
    assert [seen.step for seen in epochs.observations] == [0, 15, 30]
    assert [seen.step for seen in batches.observations] == [0, 10, 15, 20, 30]


def test_weights_are_those_of_the_moment():
    observer, model = nn.Observer(blobs()), nn.mlp((4, 8, 3))
    before = model.state_dict()
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    halve = {"schedule": nn.StepLR(0.5, 0.5), "seed": 0, "quiet": True}
    nn.fit(
        model, blobs(), nn.CrossEntropyLoss(), optimizer, epochs=2, callbacks=[observer], **halve
    )
    first, *_, last = observer.observations
    assert {name: array.tobytes() for name, array in observer.start.items()} == {
        name: array.tobytes() for name, array in before.items()
    }
    for seen, state in ((first, before), (last, model.state_dict())):
        for name, array in state.items():
            counts, edges = seen.histograms[name]
            assert seen.weights[name] == pytest.approx(np.sqrt((array**2).sum()))
            assert counts.sum() == array.size
            assert (edges[0], edges[-1]) == (array.min(), array.max())
    assert (first.lr, last.lr) == (0.5, 0.25)


def test_gradients_are_those_of_the_loss_on_the_first_images():
    few = nn.Split(blobs().images[:40], blobs().labels[:40])
    model, step, slopes = nn.mlp((4, 8, 3)), 1e-3, []
    start = model.state_dict()
    seen = first_look(model, blobs(), images=40)
    model.load_state_dict(start)
    for i in range(3):  # slopes at the last biases, by finite differences
        losses = []
        for sign in (1, -1):
            model[-1].bias.data[i] += sign * step
            losses.append(nn.evaluate(model, few).loss)
            model[-1].bias.data[i] -= sign * step
        slopes.append((losses[0] - losses[1]) / (2 * step))
    assert seen.gradients["2.bias"] == pytest.approx(np.linalg.norm(slopes), rel=1e-2)


def test_dead_units_are_counted_and_let_no_gradient_through():
    model = nn.mlp((4, 8, 6, 3))
    model[0].weight.data[:, :2], model[0].bias.data[:2] = 0, -1
    model[2].weight.data[...], model[2].bias.data[...] = 0, -1
    seen = first_look(model, blobs())
    assert seen.dead.keys() == {"1", "3"}
    assert 2 / 8 <= seen.dead["1"] < 1
    assert seen.dead["3"] == 1
    assert [seen.gradients[name] for name in ("0.weight", "2.weight", "4.weight")] == [0, 0, 0]
    assert seen.gradients["4.bias"] > 0


def test_channels_are_the_units_of_images(digits):
    model = nn.convnet(channels=(4, 4), hidden=(8,))
    model[0].weight.data[:3], model[0].bias.data[:3] = 0, -1
    assert first_look(model, digits.train, images=32).dead["1"] >= 3 / 4


def test_a_training_that_diverges_says_so_itself():
    with pytest.raises(nn.DivergedError):
        train(None, nn.Observer(blobs(), every=1), limits=None, schedule=lambda step, steps: 1e30)


def test_a_probe_that_does_not_fit_is_refused():
    with pytest.raises(nn.NpNNError, match="expects"):
        train(None, nn.Observer(nn.Split(np.zeros((9, 3), np.float32), np.zeros(9, int))))


def test_huge_weights_that_are_all_equal_have_a_norm_and_a_histogram():
    model = nn.mlp((4, 8, 3))
    model[-1].bias.data[...] = 1e25
    seen = first_look(model, blobs())
    counts, edges = seen.histograms["2.bias"]
    assert seen.weights["2.bias"] == pytest.approx(1e25 * np.sqrt(3))
    assert counts.sum() == 3
    assert edges[0] < 1e25 < edges[-1]
