"""Layout of many arrays in one vector, which a sum over ranks takes."""

import math

import numpy as np

ALIGNED = 16  # numbers: each array begins at a multiple, as kernels read vectors


class Layout:
    """Places of arrays of these shapes in a vector of `size` numbers."""

    def __init__(self, shapes):
        self._shapes = shapes
        self._counts = [math.prod(shape) for shape in shapes]
        places = [-(-count // ALIGNED) * ALIGNED for count in self._counts]
        self._begins = np.cumsum([0, *places]).tolist()
        self.size = self._begins[-1]

    def views(self, vector):
        """Return a view of each array in a vector (size,)."""
        places = zip(self._begins, self._counts, self._shapes, strict=False)
        return [vector[at : at + count].reshape(shape) for at, count, shape in places]
