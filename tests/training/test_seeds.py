"""The seed of a training: given by the caller, or the next one of manual_seed."""

import subprocess
import sys

import numpy as np
import pytest

import np_nn as nn
from np_nn.utils import archive, seeds
from tests.support.trainings import blobs


def train(model=None, **options):
    """Train a network with dropout for one epoch; return (its weights, the losses)."""
    model = model or nn.initialize(nn.mlp((4, 8, 3), dropout=0.5), "torch", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    options = {"epochs": 1, "batch_size": 20, "quiet": True} | options
    history = nn.fit(model, blobs(), nn.CrossEntropyLoss(), optimizer, **options)
    return bits(model), history.loss.tolist()


def bits(model):
    return b"".join(array.tobytes() for array in model.state_dict().values())


def test_a_second_fit_draws_new_batches_and_masks():
    assert train() != train()
    model = nn.mlp((4, 8, 3), dropout=0.5)
    masks = []
    for _ in range(2):
        train(model)
        masks.append(model[2].stream.state)
    assert masks[0] != masks[1]


def test_a_program_repeats_itself():
    nn.manual_seed(0)
    first = [train() for _ in range(3)]
    nn.manual_seed(0)
    assert [train() for _ in range(3)] == first
    nn.manual_seed(1)
    assert train() not in first


def test_it_begins_with_0():
    code = "from np_nn.utils import seeds; print(seeds.chosen(None), seeds.chosen(None))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    nn.manual_seed(0)
    assert out.stdout.split() == [str(seeds.chosen(None)), str(seeds.chosen(None))]


def test_a_seed_of_ones_own_leaves_the_next_ones_alone():
    nn.manual_seed(0)
    wanted = [train(), train()]
    nn.manual_seed(0)
    found = [train()]
    assert train(seed=5) == train(seed=np.int64(5))
    nn.initialize(nn.mlp((4, 3)), "torch", seed=9)
    nn.mlp((4, 8, 3))  # new layers use another generator
    assert [*found, train()] == wanted


@pytest.mark.parametrize("seed", [-1, 0.5, "0", np.nan, [1]])
def test_what_is_no_seed(seed):
    with pytest.raises(nn.NpNNError, match="seed must be a whole number"):
        train(seed=seed)
    with pytest.raises(nn.NpNNError, match="seed must be a whole number"):
        nn.manual_seed(seed)


class Stop(nn.Callback):
    every = 7

    def on_batch_end(self, training):
        training.stop = True


def test_a_resumed_training_takes_over_its_seed(tmp_path):
    path = tmp_path / "run"
    nn.manual_seed(3)
    whole = train(epochs=2)
    nn.manual_seed(3)
    train(epochs=2, callbacks=[nn.Checkpoint(path, every=7), Stop()])
    stopped = archive.read(path)
    nn.manual_seed(8)  # as in another process
    assert train(epochs=2, resume=path, callbacks=[nn.Checkpoint(path)]) == whole
    seed = stopped["plan"]["seed"]
    assert archive.read(path)["plan"]["seed"] == seed
    archive.write(path, stopped)
    assert train(epochs=2, resume=path, seed=seed) == whole
    with pytest.raises(nn.NpNNError, match=f"its seed is {seed}, here it is 0"):
        train(epochs=2, resume=path, seed=0)
    for wrong in (-1, 0.5, "0", None):
        archive.write(path, stopped | {"plan": stopped["plan"] | {"seed": wrong}})
        with pytest.raises(nn.NpNNError, match="cannot resume"):
            train(epochs=2, resume=path)
