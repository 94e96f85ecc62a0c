"""Preparation: rule from a user's file to a network's input, stored with data sets and models."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from np_nn.data import preprocess
from np_nn.data.split import Split, image_shape, in_memory, is_stored
from np_nn.utils.errors import NpNNError, unknown_name

DIGIT = "digit"  # an image file: ink extracted, cropped, fitted and centred as in MNIST
IMAGE = "image"  # an image file, resized
FEATURES = "features"  # a row of a table, whose columns are standardized
ARRAY = "array"  # an array as it is
KINDS = (DIGIT, IMAGE, FEATURES, ARRAY)


@dataclass(frozen=True)
class Preparation:
    """Rule that turns files and arrays into the samples of a network.

    A file is prepared by ``kind`` into a sample of ``shape``; samples are then deskewed if
    ``deskew`` is set, and become scale * sample + shift, see `Split`.

    kind: one of KINDS. shape: of one sample: (H, W), (3, H, W) or (I,). pixels: samples are bytes
    (uint8), else float32. columns: names of the features, in their order. mean, std: of each
    feature: a value becomes (value - mean) / std. label: the user's name of the column of labels,
    or of one set among several; "" for none. Raises NpNNError for values that do not match.
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
    label: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise unknown_name("preparation", self.kind, KINDS)
        if self.kind != ARRAY and not (len(self.shape) <= 3 and all(n > 0 for n in self.shape)):
            raise NpNNError(f"a sample of kind {self.kind} has no shape {self.shape}")
        if self.kind == FEATURES and not len(self.mean) == len(self.std) == math.prod(self.shape):
            raise NpNNError(f"{self.shape} features need a mean and a std each")
        if not all(self.std):
            raise NpNNError("a feature's std must not be 0")

    @classmethod
    def of(cls, split):
        """Return the rule for arrays like the images of a Split, which are not changed."""
        pixels = split.images.dtype == np.uint8
        shape = tuple(split.images.shape[1:])
        return cls(ARRAY, shape, pixels, scale=split.scale, shift=split.shift)

    def split(self, samples: Any, labels: Any = None) -> Split:
        """Return the Split, ready for the network, of samples as read from files or arrays.

        samples ``(n, *shape)``: features not yet standardized. labels: (n,) int; None: all 0.

        Raises NpNNError for samples of another shape, and for pixels that are not bytes.
        """
        samples = samples if is_stored(samples) else np.asarray(samples)
        if not self.shape:
            raise NpNNError(
                "the model does not say which samples it takes: save it with the info of its data, "
                "save_model(model, path, info=nn.ModelInfo.of(data))"
            )
        if samples.shape[1:] != self.shape:
            raise NpNNError(
                f"the model takes samples of shape {self.shape}, not {samples.shape[1:]}"
            )
        if self.kind == FEATURES:
            samples = (in_memory(samples) - np.asarray(self.mean)) / np.asarray(self.std)
        if not self.pixels and not is_stored(samples):
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
    def channels(self) -> int:
        """Number of channels of an image, 1 or 3. Raises NpNNError if samples are not images."""
        return image_shape(self.shape)[0]
