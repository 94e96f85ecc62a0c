"""What a network sees alike: its last hidden layer's answer to each image, as a point of a map."""

from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from np_nn.layers import Linear
from np_nn.layers.module import Sequential
from np_nn.training.fit import predict
from np_nn.utils.errors import NpNNError

LEAST = 5  # points that have neighbours
PERPLEXITY = 30  # neighbours of a point, scikit-learn's default; a third of few points
AXES = 50  # principal axes that t-SNE is given: the rest is noise, and costs time


def hidden(model, data):
    """What a Sequential's last Linear layer is given for all images of a Split: (n, units)."""
    last = max(i for i, layer in enumerate(model) if isinstance(layer, Linear))
    return predict(Sequential(*model[:last]), data)


def embed(features, seed=0):
    """Maps of points (n, units), whose neighbours are alike: {method: (n, 2)}, by scikit-learn.

    PCA keeps the two directions in which the points vary most, and with them distances; t-SNE
    keeps neighbours together, and distances between groups mean little. Raises NpNNError if all
    points are the same, for fewer than LEAST points, and for points of a single unit. Sources:
    Pearson 1901; van der Maaten and Hinton 2008.
    """
    if len(features) < LEAST or features.shape[1] < 2:
        raise NpNNError(
            f"a map needs at least {LEAST} samples and 2 units, not {len(features)} and "
            f"{features.shape[1]}"
        )
    if (features == features[0]).all():
        raise NpNNError("the last hidden layer gives the same for every image: there is no map")
    with threadpool_limits(1):  # a thousand small steps: threads would wait for each other
        axes = PCA(min(AXES, *features.shape), random_state=seed).fit_transform(features)
        tsne = TSNE(perplexity=min(PERPLEXITY, len(axes) / 3), random_state=seed)
        return {"PCA": axes[:, :2], "t-SNE": tsne.fit_transform(axes)}
