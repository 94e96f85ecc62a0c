"""Loss surface around the path of a training, on a plane in weight space.

The plane is spanned by the path's two principal directions through its end; only the end is sure
to lie exactly in it.

Sources: Goodfellow, Vinyals and Saxe 2015 (the loss along a line), Lorch 2016 (principal
components of the path), Li et al. 2018 (the surface around it).
"""

from dataclasses import dataclass

import numpy as np

from np_nn.utils.errors import NpNNError
from np_nn.utils.vectors import from_vector, to_vector


@dataclass(frozen=True)
class Plane:
    """Plane in weight space through the end of a path.

    origin (P,): the weights at the end. directions (2, P): orthonormal. shares (2,): fraction of
    the path's variance along each direction, 0..1. path (moments, 2): the path projected on the
    plane, its end at (0, 0).
    """

    origin: np.ndarray
    directions: np.ndarray
    shares: np.ndarray
    path: np.ndarray

    def weights(self, across, up):
        """Return the weights (P,) at a point of the plane."""
        return self.origin + np.float32([across, up]) @ self.directions


def principal_plane(path):
    """Return the Plane in which a path of weights (moments, P) varies most.

    Raises NpNNError if the path does not vary.
    """
    from sklearn.decomposition import PCA

    if not np.ptp(path, axis=0).any():
        raise NpNNError("the weights did not change: a loss surface needs a path of training")
    found = PCA(2, svd_solver="full").fit(path)
    where = (path - path[-1]) @ found.components_.T
    return Plane(path[-1], found.components_, found.explained_variance_ratio_, where)


def loss_surface(model, loss, plane, across, up):
    """Return the loss at each point of a grid on a Plane: (len(up), len(across)), float64.

    model: its parameters are set to those of each point and restored at the end. loss: a function
    without arguments that returns the model's loss. across, up: iterables of coordinates, in
    units of the weights.
    """
    weights = [parameter.data for parameter in model.parameters()]
    before, across = to_vector(weights), list(across)  # a list: it is read once per row

    def loss_at(x, y):
        from_vector(plane.weights(x, y), weights)
        return loss()

    try:
        return np.array([[loss_at(x, y) for x in across] for y in up])
    finally:
        from_vector(before, weights)


def path_weights(model, states):
    """Return the weights (moments, P) of the states that ``Snapshots`` kept, in order.

    model: the model of the states; its own weights are restored at the end.
    """
    before, path = model.state_dict(), []
    for state in states:
        model.load_state_dict(state)
        path.append(to_vector([parameter.data for parameter in model.parameters()]))
    model.load_state_dict(before)
    return np.array(path)
