"""Pictures of the most confident mistakes: images, or rows of a table."""

from pathlib import Path

import numpy as np
from matplotlib import style

from np_nn.analysis.metrics import surest_errors
from np_nn.data.split import is_images
from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure
from np_nn.plots.names import short
from np_nn.plots.pixels import fitted, look, raster

ORANGE, FRAME = COLOURS["torch"], "#BBBBBB"
ACROSS, DOWN = 5, 4  # maximum number of images per row and per column
ROWS = 20  # maximum number of rows of a table
LARGEST = 2  # features listed for a row
FEATURE = 15  # maximum characters of a feature's name
LINE, WIDE_LINE = 18, 24  # maximum characters of class and score: above an image, in a row
INCHES = 0.13, 2.1, 4.15  # left edges of the answer, the class and the features in a row


def plot_errors(
    images, labels, scores, classes, path, title, note="", form="{:.1%}", columns=()
) -> Path:
    """Draw misclassified samples, most confident first.

    Answer and true class, each with its score, are written above an image. In a row of a table,
    its largest features are listed beside them. Returns `path` as a Path.

    Args:
        images: (n, h, w), (n, C, h, w), or rows (n, I).
        labels: (n,) int.
        scores: (n, classes), the largest of a row is the answer.
        classes: names.
        path: path of the picture.
        title: title of the picture.
        note: a warning, drawn under the title.
        form: format of a score.
        columns: names of the features of rows.

    Raises:
        NpNNError: if the file cannot be written.
    """
    some = surest_errors(labels, scores, ACROSS * DOWN if is_images(images) else ROWS)
    answers = scores.argmax(axis=1)

    def captions(index, most):
        """Yield a sample's answer and true class, with scores, in at most `most` characters."""
        for c, before in ((answers[index], ""), (labels[index], "is ")):
            score = f" ({form.format(scores[index, c])})"
            yield before + short(classes[c], most - len(before + score)) + score

    with style.context(["default", STYLE]):
        draw = _draw_images if is_images(images) else _draw_rows
        return save_figure(draw(images, some, captions, title, note, columns), path)


def largest_features(row, columns=(), most=LARGEST):
    """Return [(name, value)] of the `most` values of a row (I,) farthest from 0, largest first.

    columns: names of the features; without names, features are numbered from 1.
    """
    order = np.argsort(-np.abs(row.astype(float)), kind="stable")[:most]
    return [(columns[i] if columns else f"feature {i + 1}", float(row[i])) for i in order]


def _draw_images(images, some, captions, title, note, columns):
    rows, grey = max(1, -(-len(some) // ACROSS)), look(images)
    figure = new_figure(title, note, height=0.8 + 1.7 * rows)
    axes = figure.add_subplot()
    for place, index in enumerate(some):
        y, x = divmod(place, ACROSS)
        _draw_error(axes, 1.6 * x, 1.7 * y, raster(images[index]), captions(index, LINE), grey)
    axes.set(xlim=(0, 1.6 * ACROSS), ylim=(1.7 * rows, 0), aspect="equal")
    axes.axis("off")
    return figure


def _draw_error(axes, x, y, image, captions, grey):
    """Draw an image below two lines of text; (x, y): upper left corner, in inches."""
    left, right, bottom, top = fitted(x + 0.2, y + 0.45, 1.2, image.shape)
    axes.imshow(image, extent=(left, right, bottom, top), **grey)
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    axes.plot(*corners, color=FRAME, lw=0.6)
    where = {"ha": "center", "va": "bottom"}
    answer, label = captions
    axes.text(x + 0.8, y + 0.21, answer, color=ORANGE, **where)
    axes.text(x + 0.8, y + 0.41, label, **where)


def _draw_rows(images, some, captions, title, note, columns):
    height = 0.3 * (2 + len(some))
    figure = new_figure(title, note, height=1.0 + height)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 7.9), ylim=(height, 0))
    axes.axis("off")
    heads = "predicted", "true class", "its features farthest from the mean"
    for x, head in zip(INCHES, heads, strict=True):
        axes.text(x, 0.15, head, va="center", color="#595959")
    for line, index in enumerate(some, 1):
        found = largest_features(images[index].ravel(), columns)
        values = ", ".join(f"{short(name, FEATURE)} {value:+.2g}" for name, value in found)
        texts = *captions(index, WIDE_LINE), values
        for x, text, colour in zip(INCHES, texts, (ORANGE, "black", "black"), strict=True):
            axes.text(x, 0.15 + 0.3 * line, text, va="center", color=colour)
    return figure
