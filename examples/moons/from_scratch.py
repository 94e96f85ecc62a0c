"""Two classes in the plane with np_nn: a training step in explicit lines."""

import numpy as np

import np_nn as nn


def train(x, y, *, hidden, epochs, batch_size, lr, seed, watch):
    """Train on x (N, 2) and y (N,), 0 or 1; call watch(probability, weights) after each epoch.

    probability: a function, points (M, 2) -> (M,) of 0..1. weights: an array of each layer.
    """
    nn.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(2, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 1),
    )
    loss = nn.BCEWithLogitsLoss()
    optimizer = nn.Adam(model.parameters(), lr=lr)
    x, y = x.astype(np.float32), y.astype(np.float32).reshape(-1, 1)
    shuffle = np.random.default_rng(seed)

    def probability(points):
        return 1 / (1 + np.exp(-model(points.astype(np.float32))[:, 0]))

    def weights():
        return [model[i].weight.data.copy() for i in (0, 2, 4)]

    watch(probability, weights())
    for _ in range(epochs):
        for batch in np.array_split(shuffle.permutation(len(x)), len(x) // batch_size):
            loss(model(x[batch]), y[batch])
            model.backward(loss.backward())
            optimizer.step()
        watch(probability, weights())
