"""Arrays and labels that a format's reader has found, before they become a Dataset."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TRAIN, TEST = "train", "test"
PARTS = {
    "train": TRAIN, "training": TRAIN,
    "test": TEST, "testing": TEST, "t10k": TEST,
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
}  # fmt: skip
NUMBERS = re.compile(r"(\d+)")
TRANSPOSED = "EMNIST stores its images transposed: rows and columns were exchanged"
LABELS = ("label", "labels", "class", "target", "y")  # names of a column or array of labels


@dataclass(frozen=True)
class Options:
    """Wishes of the user about how files are read.

    label: name of the column of labels. image_size: (height, width) of image files, which are
    resized. channels: 1 or 3, of image files. columns: those of a table that are features.
    skip: leave out what cannot be read, and count it. quiet: no progress bar.
    """

    label: str | None = None
    image_size: tuple[int, int] | None = None
    channels: int | None = None
    columns: tuple[str, ...] = ()
    skip: bool = False
    quiet: bool = False


@dataclass
class Part:
    """Samples (n, ...) with a label each, a text or a whole number."""

    samples: np.ndarray
    labels: list | np.ndarray


@dataclass
class Found:
    """A data set as its files have it: the parts that they name, and what is to be said of it.

    parts: {TRAIN: Part, and perhaps TEST: Part}. names: {label: name of its class}, in the order
    of the classes; {}: labels are their own names. columns: names of the features of a table.
    files: files and folders that were read. remarks: lines for the report.
    """

    parts: dict[str, Part]
    names: dict = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    remarks: list[str] = field(default_factory=list)


def part_of(name):
    """Return the part that a file's or folder's name says: TRAIN, TEST, "validation" or None."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((PARTS[word] for word in words if word in PARTS), None)


def assign(named):
    """Return ({part: value}, remarks) of {name: value}, where each name may say its part.

    Without a test part a validation part is the test part; beside one it is left out. A single
    value is TRAIN, whatever its name. {} where the parts cannot be told.
    """
    if len(named) == 1:
        return {TRAIN: next(iter(named.values()))}, []
    parts = {}
    for name, value in named.items():
        if parts.setdefault(part_of(name), (name, value))[1] is not value:
            return {}, []
    if TRAIN not in parts or None in parts:
        return {}, []
    remarks = []
    if "validation" in parts:
        name, value = parts["validation"]
        if TEST in parts:
            remarks.append(f"{name} was left out: there is a test set beside it")
        else:
            parts[TEST] = name, value
            remarks.append(f"{name} is the test set")
    return {part: parts[part][1] for part in (TRAIN, TEST) if part in parts}, remarks


def natural(name):
    """Return a key that sorts names as people do: 2 before 10.

    Numbers stand at the odd places of a split, so that only like is compared with like.
    """
    words = NUMBERS.split(str(name))
    return [int(word) if i % 2 else word.lower() for i, word in enumerate(words)], str(name)
