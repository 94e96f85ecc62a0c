"""Two-dimensional embeddings of the last hidden layer's activations."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from np_nn.layers import Linear
from np_nn.layers.module import Sequential
from np_nn.training.fit import predict
from np_nn.utils.errors import NpNNError

LEAST = 5  # minimum number of points, so that each has neighbours
PERPLEXITY = 30  # scikit-learn's default; at most a third of the number of points
AXES = 50  # principal components given to t-SNE: the rest is noise and costs time


def hidden(model, data):
    """Return the inputs (n, units) of a Sequential's last Linear layer for all of a Split.

    Raises NpNNError for a network without one.
    """
    last = max((i for i, layer in enumerate(model) if isinstance(layer, Linear)), default=None)
    if last is None:
        raise NpNNError("the network has no Linear layer, whose inputs would be embedded")
    return predict(Sequential(*model[:last]), data)


def embed(features, seed=0):
    """Embed features (n, units) in the plane, by scikit-learn: {method: (n, 2)}.

    PCA projects on the two directions of largest variance and so keeps large distances; t-SNE
    keeps neighbours together, but its distances between groups mean little. Raises NpNNError if
    all points are equal, for fewer than LEAST points, and for points of a single unit. Sources:
    Pearson 1901; van der Maaten and Hinton 2008.
    """
    if len(features) < LEAST or features.shape[1] < 2:
        raise NpNNError(
            f"an embedding needs at least {LEAST} samples and 2 units, got {len(features)} and "
            f"{features.shape[1]}"
        )
    if (features == features[0]).all():
        raise NpNNError("the last hidden layer gives the same for every image: nothing to embed")
    # t-SNE takes many small steps, for which threads would wait for each other, and underflows.
    with threadpool_limits(1), np.errstate(all="ignore"):
        axes = PCA(min(AXES, *features.shape), random_state=seed).fit_transform(features)
        tsne = TSNE(perplexity=min(PERPLEXITY, len(axes) / 3), random_state=seed)
        return {"PCA": axes[:, :2], "t-SNE": tsne.fit_transform(axes)}
