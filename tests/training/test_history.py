"""History: the values of steps and epochs, in one line, as a picture, and after a resume."""

import re

import numpy as np
import pytest

import np_nn as nn
from tests.support.trainings import blobs, train

pytestmark = pytest.mark.kernel_independent
NAMES = ["loss", "accuracy", "val_loss", "val_accuracy"]


def held_out(*accuracies, patience=2):
    """Train until made-up accuracies of held-out images stop it; return the History."""
    data = blobs(30)
    model = nn.Sequential(nn.Linear(4, 3))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    seen = iter(accuracies)

    class Loss(nn.CrossEntropyLoss):
        def count_correct(self, outputs, labels):
            return next(seen) * len(labels) if len(labels) == 30 else 0

    return nn.fit(
        model, data, Loss(), optimizer, epochs=len(accuracies), batch_size=10, seed=0,
        validation=data, early_stopping=nn.EarlyStopping(patience), quiet=True,
    )  # fmt: skip


def test_there_is_a_number_for_each_epoch_beside_one_for_each_step():
    history, _ = train(steps=40, epochs=None, validation=blobs(30))  # 15 steps an epoch
    assert list(history.history) == NAMES
    assert [len(values) for values in history.history.values()] == [3] * 4
    assert history.loss.shape == history.accuracy.shape == history.seconds.shape == (40,)
    parts = [history.loss[i : i + 15].mean() for i in (0, 15, 30)]
    assert history.history["loss"] == pytest.approx(parts)
    assert history.history["val_loss"] == [seen.loss for _, seen in history.validation]
    assert all(type(value) is float for values in history.history.values() for value in values)


def test_batches_count_by_their_sizes():
    history, _ = train(epochs=1, batch_size=290)  # and one batch of 10
    expected = (290 * history.loss[0] + 10 * history.loss[1]) / 300
    assert history.history["loss"] == pytest.approx([expected])
    drawn, _ = train(epochs=1, batch_size=290, replacement=True)
    assert drawn.history["loss"] == pytest.approx([drawn.loss.mean()])


def test_what_there_is_not_has_no_list():
    assert list(train(epochs=1)[0].history) == ["loss", "accuracy"]
    values = nn.History(2, classes=False)
    with values:
        values.record([1.0, 3.0], [0.0, 0.0])
    assert values.history == {"loss": [2.0]}
    assert nn.History(2).history == {}


def test_an_epoch_that_was_interrupted_is_none():
    made = nn.History(9, sizes=np.ones(4, int))
    with made:
        made.record(np.ones(7), np.ones(7))
    assert (made.epochs, made.history["loss"]) == (1, [1.0])
    with made:
        made.record(np.ones(2), np.ones(2))
    assert made.epochs == 3  # the last epoch has only the run's last step


def test_a_resumed_training_has_all_epochs(tmp_path):
    path = tmp_path / "run"
    options = {"validation": blobs(30), "early_stopping": nn.EarlyStopping(9)}
    whole, _ = train(epochs=4, **options)
    train(None, nn.Checkpoint(path), epochs=2, **options)
    resumed, _ = train(resume=path, epochs=4, **options)
    assert resumed.history == whole.history
    assert resumed.restored == whole.restored


def test_a_run_made_longer_in_the_midst_of_an_epoch_has_that_epoch_once(tmp_path):
    path = tmp_path / "run"
    train(None, nn.Checkpoint(path), steps=20, epochs=None, validation=blobs(30))
    history, _ = train(resume=path, steps=45, epochs=None, validation=blobs(30))
    assert [step for step, _ in history.validation] == [15, 20, 30, 45]
    last_of_each = [history.validation[i][1].loss for i in (0, 2, 3)]
    assert history.history["val_loss"] == last_of_each


def test_the_step_that_early_stopping_went_back_to_is_kept():
    history = held_out(0.1, 0.4, 0.3, 0.4, 0.9)
    assert history.stopped_early
    assert history.restored == 6  # the end of the second epoch, at 3 steps each
    assert held_out(0.1, 0.2, 0.3).restored == 9
    assert train(epochs=1, validation=blobs(30))[0].restored is None


def test_it_is_told_in_one_line():
    history = held_out(0.1, 0.4, 0.3, 0.4, 0.9)
    pattern = (
        r"History\(4 epochs, 12 of 15 steps, loss \d\.\d{4}, accuracy 0\.0000, "
        r"val_loss \d\.\d{4}, val_accuracy 0\.4000, best val_accuracy 0\.4000, 0\.\d s\)"
    )
    assert re.fullmatch(pattern, repr(history))
    assert repr(nn.History(5)) == "History(0 epochs, 0 of 5 steps, 0.0 s)"


def test_a_plot_has_each_curve_and_marks_the_kept_epoch(tmp_path):
    history = held_out(0.1, 0.4, 0.3, 0.4, 0.9)
    figure = history.plot(tmp_path / "curves.svg")
    for axes, name in zip(figure.axes, ("loss", "accuracy"), strict=True):
        own, held, mark = axes.lines
        assert own.get_xdata().tolist() == held.get_xdata().tolist() == [1, 2, 3, 4]
        assert own.get_ydata().tolist() == history.history[name]
        assert held.get_ydata().tolist() == history.history[f"val_{name}"]
        assert list(mark.get_xdata()) == [2, 2]
        assert mark.get_label() == "kept: epoch 2"
    assert b"<svg" in (tmp_path / "curves.svg").read_bytes()
    assert figure._repr_png_().startswith(b"\x89PNG")  # shown by notebooks


def test_a_plot_that_cannot_be_made_is_one_error(tmp_path):
    history, _ = train(epochs=1)
    with pytest.raises(nn.NpNNError, match="no epoch has ended"):
        nn.History(3).plot()
    with pytest.raises(nn.NpNNError, match=r"cannot write .*curves\.xyz: Format 'xyz'"):
        history.plot(tmp_path / "curves.xyz")
    with pytest.raises(nn.NpNNError, match="cannot write"):
        history.plot(tmp_path / "missing" / "curves.svg")
