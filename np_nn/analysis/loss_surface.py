"""The loss around the path of a training, on a plane through the space of all weights.

The plane is spanned by the path's two principal directions and goes through its end: there, and
only there, the path lies exactly in it.

Sources: Goodfellow, Vinyals and Saxe 2015 (the loss along a line), Lorch 2016 (principal
components of the path), Li et al. 2018 (the surface around it).
"""

from dataclasses import dataclass

import numpy as np

from np_nn.utils.errors import NpNNError
from np_nn.utils.vectors import from_vector, to_vector


@dataclass(frozen=True)
class Plane:
    """Two directions through a path's end.

    origin (P,): the weights at the end. directions (2, P): of length 1, at right angles. shares
    (2,): of the path's variance that lies along each, 0..1. path (moments, 2): where the path is
    on the plane, the end at (0, 0).
    """

    origin: np.ndarray
    directions: np.ndarray
    shares: np.ndarray
    path: np.ndarray

    def weights(self, across, up):
        """The weights (P,) at a point of the plane."""
        return self.origin + np.float32([across, up]) @ self.directions


def principal_plane(path):
    """The Plane in which a path of weights (moments, P) varies most.

    Raises NpNNError if it does not vary.
    """
    from sklearn.decomposition import PCA

    if not np.ptp(path, axis=0).any():
        raise NpNNError("the weights did not change: there is no path to look around")
    found = PCA(2, svd_solver="full").fit(path)
    where = (path - path[-1]) @ found.components_.T
    return Plane(path[-1], found.components_, found.explained_variance_ratio_, where)


def loss_surface(model, loss, plane, across, up):
    """The loss at each point of a grid on a Plane: (len(up), len(across)), float64.

    model: its parameters are set to those of each point, and are in the end what they were.
    loss: a function without arguments that returns the model's loss. across, up: iterables of
    coordinates, in units of the weights.
    """
    weights = [parameter.data for parameter in model.parameters()]
    before, across = to_vector(weights), list(across)  # read for each row

    def loss_at(x, y):
        from_vector(plane.weights(x, y), weights)
        return loss()

    try:
        return np.array([[loss_at(x, y) for x in across] for y in up])
    finally:
        from_vector(before, weights)


def path_weights(model, states):
    """The weights (moments, P) of states that ``Snapshots`` kept, one after the other.

    model: whose states they are; it ends with the weights that it has.
    """
    before, path = model.state_dict(), []
    for state in states:
        model.load_state_dict(state)
        path.append(to_vector([parameter.data for parameter in model.parameters()]))
    model.load_state_dict(before)
    return np.array(path)
