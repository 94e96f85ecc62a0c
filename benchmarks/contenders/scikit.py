"""scikit-learn's MLPClassifier: partial_fit on float32 batches, many in one call.

Its input checks cost a millisecond per call, so each call gets about CHUNK images, which
scikit-learn splits into batches itself.
"""

import warnings

import numpy as np
from cells import Cell
from sklearn.neural_network import MLPClassifier

from contenders import problem
from np_nn import optim
from np_nn.utils import machine, spec

CHUNK = 4096
CLASSES = np.arange(10)


class Tasks:
    def __init__(self, threads, variant):
        machine.limit_threads(threads)
        warnings.simplefilter("ignore")

    def train(self, cell):
        cell = Cell(**cell)
        split, model = problem.start(cell)
        images, labels, scale = problem.flat(split), split.labels, np.float32(split.scale)
        network = _network(cell, model, images.shape[1])
        size = max(cell.batch, CHUNK // cell.batch * cell.batch)

        def train(block):
            indices, loss = block.ravel(), 0.0
            for begin in range(0, len(indices), size):
                chunk = indices[begin : begin + size]
                network.partial_fit(np.multiply(images[chunk], scale), labels[chunk])
                loss += network.loss_ * len(chunk)
            return loss / len(indices), None

        return problem.drawn(train, len(split), cell.batch)


def _network(cell, model, width):
    """Return an MLPClassifier with the model's initial weights."""
    settings = cell.settings
    solver, options = spec.parse(settings.optimizer, optim.OPTIMIZERS, "optimizer")
    network = MLPClassifier(
        settings.hidden,
        solver=solver,
        alpha=0,
        batch_size=cell.batch,
        learning_rate_init=settings.lr,
        momentum=options.get("momentum", 0),
        nesterovs_momentum=False,
        shuffle=False,
    )
    # One update allocates its arrays, which then take our weights; its moments are reset.
    some = np.zeros((cell.batch, width), np.float32)
    network.partial_fit(some, np.zeros(cell.batch, np.int64), classes=CLASSES)
    parameters = [parameter.data for parameter in model.parameters()]
    for own, ours in zip(network.coefs_, parameters[::2], strict=True):
        own[...] = ours
    for own, ours in zip(network.intercepts_, parameters[1::2], strict=True):
        own[...] = ours
    del network._optimizer
    return network
