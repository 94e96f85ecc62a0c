"""Callbacks: the order of the hooks, which change no value of the training."""

import numpy as np
import pytest

import np_nn as nn
from tests.support.trainings import blobs, train


class Diary(nn.Callback):
    """Callback that records the hooks called, and after how many batches."""

    def __init__(self, every=1):
        self.every, self.lines = every, []

    def on_epoch_begin(self, training):
        self.lines.append(("begin", training.epoch, training.history.done))

    def on_batch_end(self, training):
        self.lines.append(("batch", training.epoch, training.history.done))

    def on_epoch_end(self, training):
        self.lines.append(("end", training.epoch, training.history.done))


def test_each_hook_is_called_at_its_moment():
    diary = Diary(every=10)
    train(None, diary)
    assert diary.lines == [
        ("begin", 0, 0), ("batch", 0, 10), ("end", 1, 15),
        ("begin", 1, 15), ("batch", 1, 20), ("batch", 2, 30), ("end", 2, 30),
    ]  # fmt: skip


def test_a_run_that_ends_within_an_epoch_ends_that_epoch():
    diary = Diary(every=100)
    train(None, diary, steps=20, epochs=None)
    assert diary.lines[-2:] == [("begin", 1, 15), ("end", 1, 20)]


def test_batch_ends_come_one_by_one_from_compiled_calls_too(digits):
    diary = Diary()
    train(digits.train, diary, batch_size=100, input="sparse")
    assert [done for hook, _, done in diary.lines if hook == "batch"] == list(range(1, 31))


@pytest.mark.parametrize("batch_size", [1, 32])
def test_callbacks_change_no_bit_even_if_they_evaluate(digits, batch_size):
    class Evaluating(Diary):
        def on_batch_end(self, training):
            super().on_batch_end(training)
            nn.evaluate(training.model, digits.test)

    data = nn.Split(digits.train.images, digits.train.labels, 0.99 / 255, 0.01)
    plan = {"batch_size": batch_size, "epochs": 1, "input": "sparse"}
    spy = Evaluating(every=50 if batch_size == 1 else 3)
    history, weights = train(data, **plan)
    watched, same = train(data, spy, **plan)
    assert same == weights
    assert watched.loss.tobytes() == history.loss.tobytes()
    assert len(spy.lines) > 10


def test_time_in_callbacks_is_no_steps_time():
    class Slow(nn.Callback):
        def on_batch_end(self, training):
            import time

            time.sleep(0.01)

    history, _ = train(None, Slow())
    assert history.train_seconds < 0.01 * history.done


def test_a_callback_ends_training():
    class Enough(nn.Callback):
        def on_batch_end(self, training):
            training.stop = training.history.loss[-1] < 1.0

    history, _ = train(None, Enough(), epochs=50)
    assert history.done < history.steps
    assert history.loss[-1] < 1.0 <= history.loss[-2]
    assert not history.stopped_early


def test_validation_is_done_when_an_epoch_ends():
    class Watch(nn.Callback):
        seen = ()

        def on_batch_end(self, training):
            if training.epoch_ends:
                self.seen += (training.history.validation[-1][0],)

        def on_epoch_end(self, training):
            self.seen += (training.history.validation[-1][1].accuracy,)

    watch = Watch()
    history, _ = train(None, watch, validation=blobs(30))
    (first, one), (second, two) = history.validation
    assert watch.seen == (first, one.accuracy, second, two.accuracy)


def test_dropout_stays_on_after_a_callback_has_evaluated():
    seen = []

    class Evaluating(nn.Callback):
        def on_epoch_end(self, training):
            nn.evaluate(training.model, blobs())

        def on_batch_end(self, training):
            seen.append(training.model.training)

    train(None, Evaluating())
    assert np.all(seen)


@pytest.mark.parametrize(
    ("callback", "message"), [(print, "each entry a Callback"), (Diary(0), "at least 1")]
)
def test_what_is_no_callback_is_refused(callback, message):
    with pytest.raises(nn.NpNNError, match=message):
        train(None, callback)
