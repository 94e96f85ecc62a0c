"""Text tables of a network's answers, class by class."""

import numpy as np

from np_nn.utils.errors import shown
from np_nn.utils.markdown import markdown_table

COLUMNS = 80  # of a terminal
LONGEST = 16  # maximum characters of a class name that heads a row of the confusion matrix
PAIRS = 10  # maximum pairs of classes that are listed if the matrix does not fit


def recall_table(counts, classes):
    """Return a table of the recall of each class: the fraction of its samples classified correctly.

    counts (C, C) int: a row per class, a column per answer. classes: names.
    """
    rows = [
        (name, f"{there:,}", f"{right:,}", f"{right / there:.4f}" if there else "-")
        for name, there, right in zip(classes, counts.sum(axis=1), np.diag(counts), strict=True)
    ]
    return markdown_table(("class", "samples", "right", "recall"), rows)


def confusion_text(counts, classes):
    """Return the confusion matrix as text; if it is too wide, the most frequent mistakes instead.

    counts (C, C) int: a row per class, a column per answer. classes: names.
    """
    classes = [shown(name) for name in classes]
    first = min(LONGEST, max(map(len, classes)))
    width = (COLUMNS - first) // len(classes) - 1
    if width < len(str(counts.max())):
        return _mistakes(counts, classes)
    width = min(width, max(len(str(counts.max())), *map(len, classes)))

    def line(name, cells):
        return f"{name[:first]:{first}}" + "".join(
            f" {str(cell)[:width]:>{width}}" for cell in cells
        )

    head = "confusion: a row for each class, a column for each answer"
    rows = [line(name, row) for name, row in zip(classes, counts, strict=True)]
    return "\n".join([head, line("", classes), *rows])


def _mistakes(counts, classes):
    """Return the pairs of classes that are confused most often, as a table."""
    wrong = counts * (1 - np.eye(len(classes), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    pairs = [(i, j) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True)]
    rows = [(classes[i], classes[j], f"{wrong[i, j]:,}") for i, j in pairs if wrong[i, j]]
    if not rows:
        return "no mistakes"
    head = f"the most frequent mistakes ({len(classes)} classes do not fit in 80 columns)"
    return "\n".join([head, "", markdown_table(("is", "taken for", "samples"), rows)])
