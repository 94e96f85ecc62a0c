"""Random distortions of images, drawn again for every epoch.

An augmentation takes images (M, H, W) uint8 and a random generator, and returns new images of the
same shape, each distorted independently:

>>> augment = Compose([Affine(rotate=15, scale=0.15), Elastic(alpha=34, sigma=4)])
>>> distorted = augment(images, np.random.default_rng(0))
"""

import math
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from np_nn.data.preprocess import check_images, identity_maps, warp
from np_nn.utils import spec
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, Shape

MOST_AMOUNT = 1_000_000  # maximum of every amount; float32 and int64 hold it


class Distortion(NamedTuple):
    """Source place of each pixel of M images; see ``reference.warp_images``.

    maps (M, 3, 3): of places (y, x, 1), counted from the middle of the image; None: no
    change. coefficients (M, 2, K, K), basis_y (H, K) and basis_x (W, K): the displacement
    field, or None.
    """

    maps: np.ndarray | None = None
    coefficients: np.ndarray | None = None
    basis_y: np.ndarray | None = None
    basis_x: np.ndarray | None = None


class Augmentation:
    """Base class of augmentations.

    A call with images (M, H, W) uint8 and a np.random.Generator returns new images of that shape,
    each distorted independently. The same generator state gives the same images, for any number
    of threads. A subclass is a frozen dataclass of non-negative numbers with a method ``draw``,
    which returns the Distortion of `count` images of shape (H, W).
    """

    def __post_init__(self):
        for field in fields(self):
            _check_amount(f"{type(self).__name__}: {field.name}", getattr(self, field.name))

    def __call__(self, images: Array, rng: np.random.Generator) -> Array:
        check_images(images)
        if not isinstance(rng, np.random.Generator):
            raise NpNNError(f"rng must be a np.random.Generator, got {type(rng).__name__}")
        maps, *field = self.draw(len(images), images.shape[1:], rng)
        return warp(images, _from_the_corner(maps, images.shape), *field)

    def draw(self, count: int, shape: Shape, rng: np.random.Generator) -> Distortion:
        raise NotImplementedError


@dataclass(frozen=True)
class Shift(Augmentation):
    """Random shift of each image by at most `pixels` whole pixels a direction; gaps are black."""

    pixels: int = 2

    def __post_init__(self):
        super().__post_init__()
        if self.pixels != int(self.pixels):
            raise NpNNError(f"Shift: pixels must be a whole number, got {self.pixels}")

    def draw(self, count: int, shape: Shape, rng: np.random.Generator) -> Distortion:
        maps = identity_maps(count)
        maps[:, :2, 2] = rng.integers(-int(self.pixels), int(self.pixels) + 1, (count, 2))
        return Distortion(maps)


@dataclass(frozen=True)
class Affine(Augmentation):
    """Random rotation, scale, shear and shift of each image about its middle.

    Each amount is drawn uniformly between minus and plus the argument.

    Args:
        rotate: degrees.
        scale: share by which height and width change, independently; below 1.
        shear: degrees by which vertical lines are tilted; below 90.
        shift: pixels, in each direction.

    The defaults are Ciresan, Meier, Gambardella and Schmidhuber's, "Deep, big, simple neural
    nets for handwritten digit recognition", 2010.
    """

    rotate: float = 15.0
    scale: float = 0.15
    shear: float = 0.0
    shift: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        for name, limit in (("scale", 1), ("shear", 90)):
            if getattr(self, name) >= limit:
                raise NpNNError(f"Affine: {name} must be below {limit}, got {getattr(self, name)}")

    def draw(self, count: int, shape: Shape, rng: np.random.Generator) -> Distortion:
        angle, lean, tall, wide, down, right = rng.uniform(-1, 1, (6, count))
        angle, lean = np.radians(self.rotate) * angle, np.tan(np.radians(self.shear) * lean)
        cos, sin = np.cos(angle), np.sin(angle)
        # An image grows when neighbouring pixels come from closer places: hence 1 / scale.
        height, width = 1 / (1 + self.scale * tall), 1 / (1 + self.scale * wide)
        down, right = self.shift * down, self.shift * right
        # turn @ shear @ scale @ move, multiplied out: [cos sin; -sin cos] @ [1 0; lean 1] @ ...
        maps = identity_maps(count)
        maps[:, 0, 0], maps[:, 0, 1] = (cos + sin * lean) * height, sin * width
        maps[:, 1, 0], maps[:, 1, 1] = (cos * lean - sin) * height, cos * width
        maps[:, :2, 2] = maps[:, :2, 0] * down[:, None] + maps[:, :2, 1] * right[:, None]
        return Distortion(maps)


@dataclass(frozen=True)
class Elastic(Augmentation):
    """Elastic distortion: a random displacement of each image's pixels that varies smoothly.

    As in Simard, Steinkraus and Platt, "Best practices for convolutional neural networks
    applied to visual document analysis", 2003, whose values are the defaults: white noise,
    uniform between -1 and 1, smoothed by a Gaussian of `sigma` pixels and multiplied by
    `alpha`. A pixel then moves by 0.163 alpha / sigma pixels in each direction (root mean
    square), by default 1.4; neighbours up to about 2 sigma away move in the same way.
    """

    alpha: float = 34.0
    sigma: float = 4.0

    def __post_init__(self):
        super().__post_init__()
        if self.sigma < 0.5:  # the field would not be smooth
            raise NpNNError(f"Elastic: sigma must be at least 0.5, got {self.sigma}")

    def draw(self, count: int, shape: Shape, rng: np.random.Generator) -> Distortion:
        basis_y, basis_x = (_smooth_basis(size, float(self.sigma)) for size in shape)
        modes = max(basis_y.shape[1], basis_x.shape[1])
        basis_y, basis_x = (_widened(basis, modes) for basis in (basis_y, basis_x))
        coefficients = rng.random((count, 2, modes, modes), np.float32)
        coefficients -= np.float32(0.5)
        coefficients *= np.float32(2 * self.alpha)
        return Distortion(None, coefficients, basis_y, basis_x)


@dataclass(frozen=True)
class Compose(Augmentation):
    """Sequence of augmentations, at most one of them Elastic, as in Compose([Affine(), Elastic()]).

    Each image is resampled, and so blurred, only once: at the places given by the product of the
    maps, plus the displacement. The position of the Elastic does not matter: its field has the
    same statistics at every place and in every direction.
    """

    parts: tuple[Augmentation, ...] = ()

    def __post_init__(self):
        try:
            object.__setattr__(self, "parts", tuple(self.parts))
        except TypeError:
            raise NpNNError("Compose: give a list of augmentations") from None
        for part in self.parts:
            if not isinstance(part, Augmentation):
                raise NpNNError(f"Compose: {part!r} is not an augmentation")
        self.draw(1, (1, 1), np.random.default_rng(0))  # raises now if the parts do not fit

    def draw(self, count: int, shape: Shape, rng: np.random.Generator) -> Distortion:
        whole = Distortion()
        for part in self.parts:
            one = part.draw(count, shape, rng)
            if one.maps is not None:
                # Maps lead from new places to old ones, so the last map is applied first.
                maps = one.maps if whole.maps is None else whole.maps @ one.maps
                whole = whole._replace(maps=maps)
            if one.coefficients is not None:
                if whole.coefficients is not None:
                    raise NpNNError("Compose: at most one Elastic")
                whole = one._replace(maps=whole.maps)
        return whole


AUGMENTATIONS = {"shift": Shift, "affine": Affine, "elastic": Elastic}


def named(text):
    """Return the augmentation of a text such as "affine:rotate=15+elastic:alpha=34,sigma=4"."""
    parts = [spec.build(part, AUGMENTATIONS, "augmentation") for part in text.split("+")]
    return parts[0] if len(parts) == 1 else Compose(parts)


@lru_cache
def _smooth_basis(size, sigma):
    """Return a low-rank basis of smoothed noise in one direction: (size, K) float32.

    The values of noise smoothed by a Gaussian at points d apart have the covariance
    exp(-d^2 / (4 sigma^2)) / (2 sqrt(pi) sigma). Its eigenvectors, times the roots of the
    eigenvalues, turn independent numbers of one variance into numbers of that covariance. Most
    eigenvalues are almost 0: the K columns keep 99.9 % of the variance. With sigma 4, a field
    of 28x28 takes 49 random numbers instead of 784, and no convolution.
    """
    points = np.arange(size)
    distance = points[:, None] - points
    covariance = np.exp(-((distance / (2 * sigma)) ** 2)) / (2 * math.sqrt(math.pi) * sigma)
    values, vectors = (array[..., ::-1] for array in np.linalg.eigh(covariance))
    share = np.cumsum(values) / values.sum()
    modes = 1 + np.count_nonzero(share < 0.999)
    basis = vectors[:, :modes] * np.sqrt(values[:modes])
    # The sign of an eigenvector depends on the library: fix it.
    basis *= np.where(basis[0] < 0, -1, 1)
    return np.ascontiguousarray(basis, np.float32)


def _widened(basis, modes):
    """Return the basis with columns of zeros added, `modes` in all."""
    return np.ascontiguousarray(np.pad(basis, ((0, 0), (0, modes - basis.shape[1]))))


def _from_the_corner(maps, shape):
    """Return maps (M, 3, 3) about the middle as matrices (M, 2, 3) of rows and columns from 0."""
    count, height, width = shape
    if maps is None:
        maps = identity_maps(count)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    matrices = maps[:, :2].copy()
    matrices[:, :, 2] += middle - maps[:, :2, :2] @ middle
    return matrices


def _check_amount(name, value):
    try:
        fits = 0 <= value <= MOST_AMOUNT  # False for NaN
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise NpNNError(f"{name} must be a number from 0 to {MOST_AMOUNT:,}, got {value!r}")
