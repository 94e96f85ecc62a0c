"""A small data set and a short training on it, for tests of callbacks and resuming."""

import numpy as np

import np_nn as nn


def blobs(n=300, classes=3):
    """Return images of 2x2 pixels, one bright pixel for each class."""
    labels = np.arange(n) % classes
    images = np.random.default_rng(0).integers(0, 60, (n, 2, 2)).astype(np.uint8)
    images.reshape(n, 4)[np.arange(n), labels] = 255
    return nn.Split(images, labels)


def train(data=None, *callbacks, batch_size=20, seconds=None, **options):
    """Train on 300 images in 15 batches an epoch, unless another size is given."""
    data = data or blobs()
    model = nn.initialize(nn.mlp((data.images[0].size, 8, 10)), "torch", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    options = {"epochs": 2, "batch_size": batch_size, "seed": 0, "quiet": True} | options
    history = nn.fit(model, data, nn.CrossEntropyLoss(), optimizer, callbacks=callbacks, **options)
    return history, b"".join(array.tobytes() for array in model.state_dict().values())
