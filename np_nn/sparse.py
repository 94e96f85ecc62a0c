"""A batch of images that holds only the pixels that are not zero."""

from dataclasses import dataclass

import numpy as np

from np_nn.reference import Rows


@dataclass(frozen=True)
class SparseBatch:
    """Some images of a compressed set: what ``Linear`` takes in place of a dense (N, I) array.

    rows: reference.Rows of the whole set; indices (N,) int64; a pixel
    p is taken as scale * p + shift.
    """

    rows: Rows
    indices: np.ndarray
    scale: float
    shift: float
    ndim = 2

    def __len__(self):
        return len(self.indices)

    @property
    def shape(self):
        return len(self.indices), self.rows.width
