"""Feeds: batches for the first layer as images, as rows of pixels, or as sparse rows."""

import math

import numpy as np

from np_nn import ops
from np_nn.data.split import (
    MOST_PIXELS,
    gather,
    image_shape,
    is_compressible,
    is_matrix,
    is_sparse,
)
from np_nn.layers import Dropout, Linear
from np_nn.layers.module import is_chain
from np_nn.layers.sparse import MatrixBatch, SparseBatch
from np_nn.utils.errors import NpNNError

PRODUCTS = "sparse_linear_forward", "sparse_linear_backward_weight"
SPARSE = {*PRODUCTS, "compress", "expand", "mlp_steps"}  # operations that only sparse input calls
CHOICES = ("auto", "dense", "sparse")


class DenseFeed:
    """Batches as float32 arrays (N, I), gathered into one buffer."""

    def __init__(self, data):
        self.data, self.width = data, math.prod(data.images.shape[1:])
        self._buffer = np.empty((0, self.width), np.float32)

    def __call__(self, indices):
        if len(self._buffer) < len(indices):
            self._buffer = np.empty((len(indices), self.width), np.float32)
        return gather(self.data, indices, self._buffer[: len(indices)])


class ImageFeed(DenseFeed):
    """Batches as float32 arrays (N, C, H, W), for convolutions.

    The images of the set are (H, W), which is one channel, or (C, H, W).
    Raises NpNNError for other shapes.
    """

    def __init__(self, data):
        super().__init__(data)
        self.shape = image_shape(data.images.shape[1:])

    def __call__(self, indices):
        return super().__call__(indices).reshape(len(indices), *self.shape)


class SparseFeed:
    """Batches as SparseBatch: no copies, because the kernels read the compressed set.

    Raises NpNNError for images that cannot be compressed: floats, or more than MOST_PIXELS.
    """

    def __init__(self, data):
        if not is_compressible(data.images):
            got = f"{math.prod(data.images.shape[1:]):,} of {data.images.dtype}"
            raise NpNNError(
                f"sparse input is for at most {MOST_PIXELS:,} pixels of 0..255, got {got}"
            )
        self.data, self.scale, self.shift = data, data.scale, data.shift

    @property
    def rows(self):
        """The compressed set, created on first use."""
        return self.data.rows

    def __call__(self, indices):
        return SparseBatch(self.rows, indices, self.scale, self.shift)


class MatrixFeed:
    """Batches as MatrixBatch: rows of a scipy.sparse matrix, which scipy multiplies."""

    def __init__(self, data):
        if data.shift:
            raise NpNNError("a sparse matrix cannot be shifted: its zeros would not stay zeros")
        self.matrix = data.images.astype(np.float32) * np.float32(data.scale)

    def __call__(self, indices):
        return MatrixBatch(self.matrix[indices])


def choose(data, model, choice="auto"):
    """Return the feed of a Split for a model. choice: "auto", "dense" or "sparse".

    A model that begins with a convolution gets images, all others rows. "auto" is sparse if the
    model begins with a Linear layer (or drops inputs first, and black is 0), its kernels are in
    use, the pixels are bytes, and at most MOST_DENSITY of the first images' pixels are not zero.
    Otherwise scipy multiplies scipy.sparse input.

    Raises NpNNError for sparse images or matrices that the first layer cannot take, and for
    samples that do not have the shape of images where the model needs it.
    """
    if takes_images(model):
        if choice == "sparse" or is_matrix(data.images):
            raise NpNNError("sparse input is for models that begin with Linear, not with images")
        return ImageFeed(data)
    if choice == "auto":
        choice = "sparse" if _sparse_pays(data, model) else "dense"
    if choice == "sparse":
        return SparseFeed(data)
    if not is_matrix(data.images):
        return DenseFeed(data)
    if type(_first(model)) is not Linear:
        raise NpNNError("a sparse matrix is for models that begin with Linear")
    return MatrixFeed(data)


def sample_shape(shape, model):
    """Return the shape in which a model gets a sample of this shape: (C, H, W) or (I,).

    Raises NpNNError for a model that takes images and a shape that is not an image's.
    """
    return image_shape(shape) if takes_images(model) else (math.prod(shape),)


def takes_images(model):
    """Return whether a model takes images: the first layer with a ``takes`` decides."""
    return next((m.takes == "images" for m in model.modules() if m.takes), False)


def _sparse_pays(data, model):
    first = _first(model, dropout=not data.shift)
    return bool(
        type(first) is Linear
        and first.weight.data.dtype == np.float32
        and is_compressible(data.images)
        and (
            ops.own.keys() & SPARSE  # the user's functions are to run, fast or not
            or (ops.fast(*PRODUCTS) and is_sparse(data.images))
        )
    )


def _first(model, dropout=False):
    """Return the first layer of a model; dropout: skip a Dropout before it."""
    layers = list(model) if is_chain(model) else [model]
    if dropout and layers and type(layers[0]) is Dropout:
        layers.pop(0)
    return layers[0] if layers else None
