"""Output of the loggers, read by json and by TensorBoard's record format."""

import json
import struct
import sys

import pytest

import np_nn as nn
from tests.support.trainings import blobs, train


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_for_each_epoch(tmp_path):
    path = tmp_path / "new" / "log.jsonl"
    path.parent.mkdir()
    path.write_text("from an earlier run\n")
    history, _ = train(None, nn.JSONLogger(path), steps=40, epochs=None, validation=blobs(30))
    first, second, third = lines(path)
    assert [line["epoch"] for line in (first, second, third)] == [1, 2, 3]
    assert [line["step"] for line in (first, second, third)] == [15, 30, 40]
    assert second["loss"] == pytest.approx(history.loss[15:30].mean())
    assert third["accuracy"] == pytest.approx(history.accuracy[30:].mean())
    assert third["val_loss"] == history.validation[-1][1].loss
    assert first["val_accuracy"] == history.validation[0][1].accuracy
    assert first["learning_rate"] == 0.1
    assert sum(line["seconds"] for line in (first, second, third)) == pytest.approx(
        history.train_seconds
    )


def test_the_rate_of_the_last_batch_is_logged(tmp_path, digits):
    path, schedule = tmp_path / "log.jsonl", nn.StepLR(0.5, gamma=0.5)
    train(digits.train, nn.JSONLogger(path), batch_size=100, schedule=schedule, input="sparse")
    assert [line["learning_rate"] for line in lines(path)] == [0.1, 0.05]


def test_a_file_that_cannot_be_written_is_one_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(nn.NpNNError, match="cannot"):
        nn.JSONLogger(tmp_path / "file" / "log.jsonl")


def test_tensorboard_gets_every_measure(tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    from tensorboardX.proto.event_pb2 import Event

    history, _ = train(None, nn.TensorBoard(tmp_path / "board"), validation=blobs(30))
    (path,) = (tmp_path / "board").iterdir()
    content, seen = path.read_bytes(), {}
    while content:  # a record: length, its checksum, the event, its checksum
        (length,) = struct.unpack("<Q", content[:8])
        event = Event.FromString(content[12 : 12 + length])
        seen |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
        content = content[16 + length :]
    assert seen["loss", 30] == pytest.approx(history.loss[15:].mean())
    assert seen["val_accuracy", 15] == pytest.approx(history.validation[0][1].accuracy)
    assert {step for _, step in seen} == {15, 30}


def test_without_tensorboardx_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(nn.NpNNError, match="pip install tensorboardX"):
        nn.TensorBoard(tmp_path)


def test_the_mean_of_an_epoch_counts_batches_by_their_sizes(tmp_path):
    history, _ = train(None, nn.JSONLogger(tmp_path / "log"), batch_size=200, epochs=1)
    (line,) = lines(tmp_path / "log")
    assert line["loss"] == pytest.approx((200 * history.loss[0] + 100 * history.loss[1]) / 300)
    right = 200 * history.accuracy[0] + 100 * history.accuracy[1]
    assert line["accuracy"] == pytest.approx(right / 300)
