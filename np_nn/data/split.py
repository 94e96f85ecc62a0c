"""Split: images with their labels, converted to the types that the kernels take."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from np_nn import ops
from np_nn.reference import Rows
from np_nn.utils.arguments import fitted
from np_nn.utils.arrays import as_images, as_labels
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import ArrayLike

# Maximum share of non-zero pixels for sparse input; above it, the compiled dense product is faster
# (measured in benchmarks/DENSITY.md). A fixed number, not run-time timing, keeps runs repeatable.
MOST_DENSITY = 0.55
MOST_PIXELS = 65_535  # maximum width of compressed rows, whose columns are uint16
SAMPLE = 200  # images from which the share is estimated


@dataclass(frozen=True, eq=False)
class Split:
    """Images, such as (n, 28, 28), with labels (n,), possibly read-only; converted on creation.

    Integers of any type and byte order in 0..255 are pixels and become uint8; other samples
    (n, ...), that is floats, booleans and other integers, become float32. A scipy.sparse matrix
    (n, I) becomes CSR, its values converted in the same way. Images of a stored set, see `store`,
    stay on disk. A pixel p becomes scale * p + shift when a batch becomes float32; without a scale,
    pixels become 0..1.

    Labels of any integer type become int64; for a loss of values they may be targets (n, C), which
    become float32. Raises NpNNError unless images and labels are arrays of numbers.
    """

    images: np.ndarray
    labels: np.ndarray
    scale: float | None = None
    shift: float = 0.0
    if TYPE_CHECKING:  # what the fields are made of

        def __init__(
            self, images: ArrayLike, labels: ArrayLike, scale: float | None = None, shift: float = 0
        ) -> None: ...

    def __post_init__(self):
        images, scale = as_images(self.images)
        converted = {"images": images, "labels": as_labels(self.labels)}
        if self.scale is None:
            converted["scale"] = scale
        for name, value in converted.items():
            if name != "scale" and not value.ndim:
                raise NpNNError(f"Split: {name} must be (n, ...), got one number")
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return self.images.shape[0]

    @property
    def rows(self) -> Rows:
        """The images as compressed rows, a reference.Rows, created on first use, or stored."""
        images: Any = self.images
        return images.rows if is_stored(images) else self._rows

    @cached_property
    def _rows(self):
        images: Any = self.images
        if is_matrix(images):
            indptr, columns = images.indptr.astype(np.int64), images.indices.astype(np.uint16)
            return Rows(indptr, columns, images.data, images.shape[1])
        return ops.compress(images.reshape(len(self), -1))


SplitLike = Split | tuple[ArrayLike, ArrayLike]  # a pair is (x, y)


def as_split(data) -> Split:
    """Return a Split of a SplitLike."""
    return Split(*data) if isinstance(data, tuple) else data


def as_samples(data):
    """Return a Split of a SplitLike, or of samples x alone, whose labels are then 0."""
    if isinstance(data, list) or hasattr(data, "__array__") or hasattr(data, "tocsr"):
        shape = (len(data),) if isinstance(data, list) else data.shape
        return Split(data, np.zeros(shape[:1], np.int64))
    return as_split(fitted("predict: data", data, SplitLike))


def image_shape(shape):
    """Return (C, H, W) of images of a shape (H, W), which is one channel, or (C, H, W).

    Raises NpNNError for a shape of any other rank.
    """
    if len(shape) not in (2, 3):
        raise NpNNError(f"images must be (height, width) or (channels, height, width), not {shape}")
    return (1,) * (3 - len(shape)) + tuple(shape)


def is_images(samples):
    """Return whether samples are images, (n, H, W) or (n, C, H, W), not rows (n, I)."""
    return samples.ndim in (3, 4)


def noun(samples):
    """Return the word for samples (n, ...) in a report: "images" or "samples"."""
    return "images" if is_images(samples) else "samples"


def is_matrix(images):
    """Return whether images are a compressed scipy.sparse matrix, not an array."""
    return hasattr(images, "indptr")


def is_stored(images):
    """Return whether images are those of a stored set, a ``StoredImages``, not an array."""
    return hasattr(images, "digest")


def in_memory(images):
    """Return images as an array; those of a stored set are copied, if they are not too many."""
    return np.asarray(images) if is_stored(images) else images


def is_compressible(images):
    """Return whether compressed rows can hold images: pixels, at most MOST_PIXELS each."""
    return images.dtype == np.uint8 and math.prod(images.shape[1:]) <= MOST_PIXELS


def is_sparse(images):
    """Return whether compressed rows suit images: few of their pixels are not 0.

    Those of a stored set were compressed if they suited.
    """
    if is_stored(images):
        return images.compressed
    if not is_compressible(images):
        return False
    some = images[:SAMPLE]
    filled = some.nnz if is_matrix(some) else np.count_nonzero(some)
    return bool(filled <= MOST_DENSITY * math.prod(some.shape))


def gather(data, indices, out):
    """Write samples `indices` (N,) of a Split to out (N, I) float32: scale * sample + shift."""
    images = data.images
    if is_stored(images):
        images, indices = images[indices], np.arange(len(indices))
    return ops.gather(images.reshape(len(images), -1), indices, data.scale, data.shift, out)


def check_samples(data):
    """Raise NpNNError unless a Split has as many labels as images, and all numbers are finite."""
    if not len(data):
        raise NpNNError("0 images: at least one is needed")
    if len(data) != len(data.labels):
        raise NpNNError(
            f"{len(data)} images and {len(data.labels)} labels: one label per image is needed"
        )
    if is_matrix(data.images) and not data.images.has_canonical_format:
        raise NpNNError(
            "the sparse matrix has duplicate or unordered entries: call its sum_duplicates()"
        )
    if is_stored(data.images):  # its numbers were checked when it was stored
        data.images.files.check()
        return
    for name in ("images", "labels"):
        array = getattr(data, name)
        array = array.data if is_matrix(array) else array
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise NpNNError(f"the {name} hold NaN or infinite numbers")
