"""Training step of a two-layer network written out in plain NumPy.

It has no layers and no objects, and allocates every large array once.
"""

import numpy as np
from cells import Cell

from contenders import problem
from np_nn.utils import machine


class Tasks:
    def __init__(self, threads, variant):
        machine.limit_threads(threads)

    def train(self, cell):
        cell = Cell(**cell)
        split, model = problem.start(cell)
        weights = [parameter.data for parameter in model.parameters()]
        train = _loop(problem.flat(split), split.labels, split.scale, cell, weights)
        return problem.drawn(train, len(split), cell.batch)


def _loop(images, labels, scale, cell, weights):
    """Return a function that trains on a block of batches, (steps, N) indices."""
    n, lr, scale = cell.batch, np.float32(cell.settings.lr), np.float32(scale)
    W1, b1, W2, b2 = weights
    x, rows = np.empty((n, W1.shape[0]), np.float32), np.arange(n)
    h, dh = np.empty((2, n, W1.shape[1]), np.float32)
    z = np.empty((n, W2.shape[1]), np.float32)
    dW1, dW2 = np.empty_like(W1), np.empty_like(W2)

    def train(block):
        loss, correct = 0.0, 0
        for batch in block:
            y = labels[batch]
            x[...] = images[batch]
            np.multiply(x, scale, out=x)
            np.matmul(x, W1, out=h)
            np.add(h, b1, out=h)
            np.maximum(h, 0, out=h)
            np.matmul(h, W2, out=z)
            np.add(z, b2, out=z)
            correct += np.count_nonzero(z.argmax(axis=1) == y)
            np.subtract(z, z.max(axis=1, keepdims=True), out=z)
            p = np.exp(z)
            total = p.sum(axis=1, keepdims=True)
            loss += float(np.mean(np.log(total[:, 0]) - z[rows, y]))
            p /= total
            p[rows, y] -= 1
            p *= lr / n  # scaling the small gradient by the rate saves two large products
            np.matmul(p, W2.T, out=dh)
            np.multiply(dh, h > 0, out=dh)
            np.subtract(W2, np.matmul(h.T, p, out=dW2), out=W2)
            np.subtract(b2, p.sum(axis=0), out=b2)
            np.subtract(W1, np.matmul(x.T, dh, out=dW1), out=W1)
            np.subtract(b1, dh.sum(axis=0), out=b1)
        return loss / len(block), correct / block.size

    return train
