"""Found: results of a format's reader, before they become a Dataset."""

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
LABELS = ("label", "labels", "class", "target", "y")  # usual names of a column of labels


@dataclass(frozen=True)
class Options:
    """Options of reading files.

    label: name of the column of labels. image_size: (height, width) to which image files are
    resized. channels: 1 or 3, of image files. columns: names of a table's features. skip: leave
    out and count unreadable files and rows. quiet: no progress bar.
    """

    label: str | None = None
    image_size: tuple[int, int] | None = None
    channels: int | None = None
    columns: tuple[str, ...] = ()
    skip: bool = False
    quiet: bool = False


@dataclass
class Part:
    """Samples (n, ...) with one label each, text or whole numbers."""

    samples: np.ndarray
    labels: list | np.ndarray


@dataclass
class Found:
    """Data set as read from its files, with remarks for the report.

    parts: {TRAIN: Part} or {TRAIN: Part, TEST: Part}. names: {label: name of its class}, in the
    order of the classes; {}: labels are their own names. columns: names of the features of a table.
    files: files and folders that were read. remarks: lines for the report.
    """

    parts: dict[str, Part]
    names: dict = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    remarks: list[str] = field(default_factory=list)


def part_of(name):
    """Return the part in a file's or folder's name: TRAIN, TEST, "validation" or None."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((PARTS[word] for word in words if word in PARTS), None)


def assign(named):
    """Return ({part: value}, remarks) of {name: value}, with the parts found in the names.

    A validation part becomes the test part if there is none, else it is left out. A single
    value is TRAIN, regardless of its name. Returns {} if the names do not determine the parts.
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
    """Return a key for the natural order of names: 2 before 10.

    A split has its numbers at odd places, so that numbers are compared only with numbers.
    """
    words = NUMBERS.split(str(name))
    return [int(word) if i % 2 else word.lower() for i, word in enumerate(words)], str(name)
