"""Preparation: from a user's file to the input of a network; stored with a data set and a model."""

import math
from dataclasses import dataclass, replace

import numpy as np

from np_nn.data import preprocess
from np_nn.data.split import Split, image_shape
from np_nn.utils.errors import NpNNError, unknown_name

DIGIT = "digit"  # an image file: its ink found, cropped, fitted and centred as MNIST was made
IMAGE = "image"  # an image file, resized
FEATURES = "features"  # a row of a table, whose columns are standardized
ARRAY = "array"  # an array as it is
KINDS = (DIGIT, IMAGE, FEATURES, ARRAY)

MOST_SIZE = 2**24  # rows, columns or features of a sample


@dataclass(frozen=True)
class Preparation:
    """Rule that turns files and arrays into the samples of a network.

    A file is prepared by ``kind`` into a sample of ``shape``; samples are then straightened where
    ``deskew`` says so, and become scale * sample + shift, see `Split`.

    kind: one of KINDS. shape: of one sample: (H, W), (3, H, W) or (I,). pixels: samples are bytes
    (uint8), else float32. columns: names of the features, in their order. mean, std: of each
    feature: a value becomes (value - mean) / std. Raises NpNNError for values that do not fit.
    """

    kind: str = ARRAY
    shape: tuple[int, ...] = ()
    pixels: bool = True
    deskew: bool = False
    scale: float = 1.0
    shift: float = 0.0
    columns: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self):
        if self.kind not in KINDS:
            raise unknown_name("preparation", self.kind, KINDS)
        if len(self.shape) > 3 or not all(0 < size <= MOST_SIZE for size in self.shape):
            raise NpNNError(f"no sample has the shape {self.shape}")
        if self.kind == FEATURES and not len(self.mean) == len(self.std) == math.prod(self.shape):
            raise NpNNError(f"{self.shape} features need a mean and a std each")
        if not all(self.std):
            raise NpNNError("a feature's std must not be 0")

    @classmethod
    def of(cls, split):
        """Return the rule for arrays like the images of a Split, which are taken as they are."""
        pixels = split.images.dtype == np.uint8
        shape = tuple(split.images.shape[1:])
        return cls(ARRAY, shape, pixels, scale=split.scale, shift=split.shift)

    def split(self, samples, labels=None):
        """Return the Split of samples as their files or arrays have them, ready for the network.

        samples ``(n, *shape)``: features not yet standardized. labels: (n,) int; without any all
        are 0.
        Raises NpNNError for samples of another shape, and for pixels that are no bytes.
        """
        samples = np.asarray(samples)
        if samples.shape[1:] != self.shape:
            raise NpNNError(
                f"the model takes samples of shape {self.shape}, not {samples.shape[1:]}"
            )
        if self.kind == FEATURES:
            samples = (samples - np.asarray(self.mean)) / np.asarray(self.std)
        if not self.pixels:
            samples = samples.astype(np.float32)
        if labels is None:
            labels = np.zeros(len(samples), np.int64)
        split = Split(samples, labels, self.scale, self.shift)
        if self.pixels and split.images.dtype != np.uint8:
            raise NpNNError("the model takes pixels, whole numbers 0 to 255")
        if self.deskew:
            split = replace(split, images=preprocess.deskew(split.images))
        return split

    @property
    def channels(self):
        """The number of channels of an image, 1 or 3. Raises NpNNError where there are none."""
        return image_shape(self.shape)[0]
