"""Conversion of a user's arrays to a Dataset: classes, kind of samples, order and test set."""

import math
import re
from collections.abc import Iterable

import numpy as np

from np_nn.data.dataset import Dataset
from np_nn.data.formats import order
from np_nn.data.formats.found import TEST, TRAIN, Found, Part
from np_nn.data.preparation import ARRAY, FEATURES, IMAGE, Preparation
from np_nn.utils.arrays import PIXEL
from np_nn.utils.errors import DataError, shown
from np_nn.utils.seeds import checked
from np_nn.utils.types import ArrayLike

LEAST_PIXELS = 16  # minimum columns, a square number, for rows of 0..255 to count as images
MANY_CLASSES = 20  # more classes of a table are an error unless they have two samples on average


def from_arrays(
    x: ArrayLike, y: ArrayLike, test: tuple[ArrayLike, ArrayLike] | None = None, *,
    classes: Iterable[object] | None = None, name: str = "arrays", scale: float = PIXEL,
    seed: int = 0,
) -> Dataset:  # fmt: skip
    """Return the Dataset of the user's own arrays, like that of files from `load`.

    The type of the samples, of both parts together, determines their kind, which
    `Dataset.preparation` records: whole numbers 0..255 in the shape of images are pixels, and so is
    a table of them with a square number of columns (at least 16); floats in the shape of images are
    not changed; all other tables are features, standardized with the training set's mean and
    standard deviation.

    Args:
        x: samples: array, list or DataFrame (n, I), (n, H, W), (n, 3, H, W) or (n, H, W, 3).
        y: labels (n,) of any type: numbers, text, a pandas Series or Categorical.
        test: (x, y) of the test set; None: a fifth of each class.
        classes: names of the classes 0, 1 ...; None: the labels themselves.
        name: name of the set, for reports.
        scale: factor of a pixel, see `Split`.
        seed: seed of the order and the test set, int >= 0.

    Raises:
        DataError: for arrays that do not match, missing labels, or a single class.
    """
    columns = tuple(map(str, getattr(x, "columns", ())))
    parts = {TRAIN: (x, y)} | ({} if test is None else {TEST: test})
    own_names: dict = {}
    found = {}
    for part, pair in parts.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise DataError("test must be a pair (x, y)")
        labels, known = _labels(pair[1])
        own_names |= known
        found[part] = Part(_samples(pair[0]), labels)
    if classes is not None:
        own_names = dict(enumerate(map(str, classes)))
    return dataset(Found(found, own_names, columns), name, seed, scale)


def _samples(x):
    """Return samples as an array; a DataFrame's columns must be numbers."""
    if hasattr(x, "columns"):  # a DataFrame
        arrays = {column: np.asarray(x[column]) for column in x.columns}
        for column, array in arrays.items():
            if array.dtype.kind not in "biuf":
                raise DataError(f"column {shown(column)} holds {array.dtype}, not numbers")
        return np.stack(list(arrays.values()), axis=1)
    return _array(x, "x")


def _array(x, name):
    try:
        return np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged rows, or an error of a tensor
        raise DataError(f"{name} must be an array: {shown(error)}") from None


def _labels(y):
    """Return (labels, {label: name}); those of a Categorical are its codes."""
    categorical = getattr(y, "cat", y)
    if hasattr(categorical, "categories") and hasattr(categorical, "codes"):
        codes = np.asarray(categorical.codes)
        if (codes < 0).any():
            raise DataError(f"sample {int(np.argmax(codes < 0))} has no label")
        return codes, dict(enumerate(map(str, categorical.categories)))
    if isinstance(y, list | tuple) and any(isinstance(label, str) for label in y):
        return np.array(y, object), {}  # a text array would turn a missing label into a class
    return _array(y, "y"), {}


def dataset(found, name, seed=0, scale=PIXEL, preparation=None):
    """Return the Dataset of a Found.

    Args:
        found: result of a reader.
        name: name of the set.
        seed: seed of the order and the test set, int >= 0.
        scale: factor of a pixel.
        preparation: Preparation of a model, which turns the splits into its inputs.

    Raises:
        DataError: for samples and labels that do not match.
    """
    seed = checked(seed)
    _check(found, name)
    remarks = list(found.remarks)
    labels, classes = _classes(found, name)
    samples = _as_images(found.parts, name, remarks, preparation)
    rows = {part: order.stratified(of, seed) for part, of in labels.items()}
    if TEST not in rows:
        rows[TRAIN], rows[TEST] = order.split(labels[TRAIN], seed)
        samples[TEST], labels[TEST] = samples[TRAIN], labels[TRAIN]
        remarks.append(f"no test set: it is a fifth of each class, {len(rows[TEST]):,} in all")
    samples = {part: samples[part][rows[part]] for part in rows}
    labels = {part: labels[part][rows[part]] for part in rows}
    if not len(labels[TEST]):
        raise DataError(f"{name}: no class has two samples, so none can be kept to test with")
    remarks += _unlearnt(labels[TRAIN], classes)
    if preparation is None:
        preparation = _preparation(samples[TRAIN], found.columns, scale, remarks)
    splits = [preparation.split(samples[part], labels[part]) for part in (TRAIN, TEST)]
    return Dataset(
        name, *splits, classes, preparation=preparation, remarks=tuple(remarks), files=found.files
    )


def _check(found, name):
    """Raise DataError unless each sample has a label and consists of finite numbers."""
    for part, of in found.parts.items():
        samples, where = of.samples, f"{name}, {part} set"
        if samples.dtype.kind not in "biuf":
            raise DataError(f"{where}: samples must be numbers, not {samples.dtype}")
        if samples.ndim not in (2, 3, 4) or not samples.size:
            raise DataError(
                f"{where}: samples of shape {samples.shape}; needed is (n, features), (n, height, "
                "width) or (n, channels, height, width)"
            )
        if not np.ndim(of.labels):
            raise DataError(f"{where}: a label for each sample is needed, not {shown(of.labels)}")
        if len(samples) != len(of.labels):
            raise DataError(f"{where}: {len(samples):,} samples, but {len(of.labels):,} labels")
        if samples.dtype.kind == "f" and not _fit(samples).all():
            row, *place = np.argwhere(~_fit(samples))[0].tolist()
            column = shown(found.columns[place[0]]) if found.columns else place
            raise DataError(
                f"{where}: sample {row}, column {column} is not a finite number of float32"
            )
    shapes = [of.samples.shape[1:] for of in found.parts.values()]
    if len(set(shapes)) > 1:
        raise DataError(f"{name}: training samples of shape {shapes[0]}, test samples {shapes[1]}")


def _fit(numbers):
    """Return a mask of the numbers that float32 can hold: neither NaN nor beyond its range."""
    return np.abs(numbers) <= np.finfo(np.float32).max


def _classes(found, name):
    """Return ({part: class numbers (n,) int64}, names of the classes).

    Classes are the labels that occur: in numeric order if all are whole numbers, else by text.
    """
    values = [_values(of.labels, f"{name}, {part} set") for part, of in found.parts.items()]
    if any(array.dtype.kind == "U" for array in values):
        values = [array.astype(str) for array in values]
    every, numbers = np.unique(np.concatenate(values), return_inverse=True)
    every = every.tolist()
    if len(every) < 2:
        raise DataError(f"{name}: one class, {shown(every[0])}; at least two are needed")
    rows = all(of.samples.ndim == 2 for of in found.parts.values())  # maybe the wrong column
    many = 2 < len(every) == len(numbers) or len(every) > max(MANY_CLASSES, len(numbers) / 2)
    if rows and many:
        raise DataError(
            f"{name}: {len(every):,} different labels in {len(numbers):,} samples are not classes: "
            "which column holds the labels? (--label, label=)"
        )
    whole = all(re.fullmatch(r"-?[0-9]+", str(value)) for value in every)
    ranks = sorted(range(len(every)), key=lambda i: (int(every[i]) if whole else 0, str(every[i])))
    numbers = np.argsort(ranks)[numbers.reshape(-1)]
    ends = np.cumsum([len(array) for array in values])[:-1]
    labels = dict(zip(found.parts, np.split(numbers.astype(np.int64), ends), strict=True))
    return labels, tuple(_name(found.names.get(every[i], every[i]), name) for i in ranks)


def _name(label, where):
    """Return a class's name. Raises DataError for a folder's name that UTF-8 cannot encode."""
    text = str(label)
    if any("\ud800" <= letter <= "\udfff" for letter in text):  # from bytes that are not UTF-8
        raise DataError(f"{where}: the class {shown(text)} has no name in UTF-8: rename it")
    return text


def _values(labels, where):
    """Return labels as integers (n,) int64 or as text (n,). Raises DataError for others."""
    array = np.asarray(labels)
    if array.ndim == 2 and array.dtype.kind in "biuf":
        one_hot = array.shape[1] > 1 and ((array == 0) | (array == 1)).all()
        if one_hot and (array.sum(axis=1) == 1).all():
            array = array.argmax(axis=1)
        elif array.shape[1] == 1:
            array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"{where}: labels of shape {array.shape}; one for each sample is needed")
    if array.dtype.kind in "biu":
        return array.astype(np.int64)
    if array.dtype.kind != "f":
        texts = [_text(value, where) for value in array.tolist()]
        return _whole_texts(np.array(texts), where)
    return _whole(array, where)


def _text(value, where):
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if _is_missing(value) or not text.strip():
        raise DataError(f"{where}: a sample has no label")
    return text.strip()


def _is_missing(value):
    try:
        return value is None or bool(value != value)
    except TypeError:  # from bool(pandas.NA)
        return True


def _whole_texts(texts, where):
    """Return texts such as "5.0" as integers if all of them are numbers, else unchanged."""
    if not any("." in text for text in np.unique(texts).tolist()):
        return texts
    try:
        return _whole(texts.astype(np.float64), where)
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        return texts


def _whole(numbers, where):
    if not (np.isfinite(numbers) & (numbers == np.rint(numbers))).all():
        odd = numbers[~(numbers == np.rint(numbers))]
        raise DataError(
            f"{where}: a label is {odd[0] if len(odd) else 'infinite'}: classes are text or whole "
            "numbers; which column holds the labels? (--label, label=)"
        )
    return numbers.astype(np.int64)


def _unlearnt(labels, classes):
    """Return [remark] on classes without a training sample; [] if all classes have one."""
    counts = np.bincount(labels, minlength=len(classes))
    names = [shown(classes[i]) for i in np.flatnonzero(counts == 0)[:3]]
    return [f"without a sample to train with: {', '.join(names)}"] if names else []


def _as_images(parts, name, remarks, preparation=None):
    """Return {part: samples}, with pixels as uint8 (n, H, W) or (n, 3, H, W).

    preparation: of a model, which determines the kind of samples; None: the arrays' type does.
    """
    arrays = {part: of.samples for part, of in parts.items()}
    shape = next(iter(arrays.values())).shape[1:]
    pixels = all(map(_are_bytes, arrays.values())) if preparation is None else preparation.pixels
    if len(shape) == 1:
        if preparation is None:
            side = math.isqrt(shape[0])
            square = pixels and shape[0] >= LEAST_PIXELS and side * side == shape[0]
            wanted = (side, side) if square else shape
        else:
            wanted = preparation.shape if math.prod(preparation.shape) == shape[0] else shape
        if wanted == shape:
            return arrays
        remarks.append(
            f"{shape[0]:,} columns of whole numbers 0..255 are images of {_said(wanted)}"
        )
        arrays = {part: array.reshape(len(array), *wanted) for part, array in arrays.items()}
    elif len(shape) == 3:
        arrays = {part: _channels_first(array, name) for part, array in arrays.items()}
    if pixels and all(map(_are_bytes, arrays.values())):
        arrays = {part: array.astype(np.uint8, copy=False) for part, array in arrays.items()}
    return arrays


def _are_bytes(array):
    if array.dtype == np.uint8:
        return True
    return array.dtype.kind in "iu" and array.min() >= 0 and array.max() <= 255


def _channels_first(images, name):
    """Return images (n, C, H, W) or (n, H, W, C) as (n, 3, H, W), or (n, H, W) of one channel."""
    if images.shape[1] not in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    if images.shape[1] not in (1, 3):
        raise DataError(f"{name}: images of {images.shape[1]} channels; one or three are needed")
    return images[:, 0] if images.shape[1] == 1 else images


def _preparation(samples, columns, scale, remarks):
    """Return the Preparation of a training set's samples."""
    shape = samples.shape[1:]
    if samples.dtype == np.uint8 and len(shape) > 1:
        return Preparation(IMAGE, shape, scale=scale)
    if len(shape) > 1:
        remarks.append("samples are floats in the shape of images, and stay as they are")
        return Preparation(ARRAY, shape, pixels=False)
    mean, std = samples.mean(axis=0, dtype=np.float64), samples.std(axis=0, dtype=np.float64)
    constant = samples.min(axis=0) == samples.max(axis=0)  # their std may not be 0: rounding
    alike = f"; constant: {constant.sum():,}" if constant.any() else ""
    text = "features, standardized with the training set's mean and standard deviation"
    remarks.append(f"{text}: {shape[0]:,}{alike}")
    std[constant] = 1
    values = {"mean": tuple(mean.tolist()), "std": tuple(std.tolist())}
    return Preparation(FEATURES, shape, pixels=False, columns=columns, **values)


def _said(shape):
    return "x".join(map(str, shape))
