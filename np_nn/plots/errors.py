"""The mistakes that a network is surest of: images, or rows of a table."""

from pathlib import Path

import numpy as np
from matplotlib import style

from np_nn.analysis.metrics import surest_errors
from np_nn.data.split import is_images
from np_nn.plots.figure import COLOURS, STYLE, new_figure, save_figure
from np_nn.plots.names import short
from np_nn.plots.pixels import fitted, look, raster

ORANGE, FRAME = COLOURS["torch"], "#BBBBBB"
ACROSS, DOWN = 5, 4  # images
ROWS = 20  # of a table
LARGEST = 2  # features of a row that are told
FEATURE = 15  # characters of its name
LINE, WIDE_LINE = 18, 24  # characters that tell a class and its score: above an image, in a row
INCHES = 0.13, 2.1, 4.15  # where the answer, the class and the features begin in a row


def plot_errors(
    images, labels, scores, classes, path, title, note="", form="{:.1%}", columns=()
) -> Path:
    """Draw the samples that were mistaken, the highest score of a wrong class first.

    Above an image stand the answer and its class, both with their scores. Of rows of a table the
    largest features stand beside them. Returns `path` as a Path.

    Args:
        images: (n, h, w), (n, C, h, w), or rows (n, I).
        labels: (n,) int.
        scores: (n, classes), the largest of a row is the answer.
        classes: names.
        path: of the picture.
        title: of the picture.
        note: a warning, drawn under the title.
        form: format of a score.
        columns: names of the features of rows.

    Raises:
        NpNNError: when the file cannot be written.
    """
    some = surest_errors(labels, scores, ACROSS * DOWN if is_images(images) else ROWS)
    answers = scores.argmax(axis=1)

    def told(index, most):
        """Yield the answer and the class of a sample, with their scores, of `most` characters."""
        for c, before in ((answers[index], ""), (labels[index], "is ")):
            score = f" ({form.format(scores[index, c])})"
            yield before + short(classes[c], most - len(before + score)) + score

    with style.context(["default", STYLE]):
        draw = _draw_images if is_images(images) else _draw_rows
        return save_figure(draw(images, some, told, title, note, columns), path)


def largest_features(row, columns=(), most=LARGEST):
    """Return [(name, value)] of the values of a row (I,) that are farthest from 0, those first.

    columns: names of the features; without them they are numbered from 1.
    """
    order = np.argsort(-np.abs(row.astype(float)), kind="stable")[:most]
    return [(columns[i] if columns else f"feature {i + 1}", float(row[i])) for i in order]


def _draw_images(images, some, told, title, note, columns):
    rows, grey = max(1, -(-len(some) // ACROSS)), look(images)
    figure = new_figure(title, note, height=0.8 + 1.7 * rows)
    axes = figure.add_subplot()
    for place, index in enumerate(some):
        y, x = divmod(place, ACROSS)
        _draw_error(axes, 1.6 * x, 1.7 * y, raster(images[index]), told(index, LINE), grey)
    axes.set(xlim=(0, 1.6 * ACROSS), ylim=(1.7 * rows, 0), aspect="equal")
    axes.axis("off")
    return figure


def _draw_error(axes, x, y, image, told, grey):
    """Draw an image below two lines, in the inches from (x, y) to the right and down."""
    left, right, bottom, top = fitted(x + 0.2, y + 0.45, 1.2, image.shape)
    axes.imshow(image, extent=(left, right, bottom, top), **grey)
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    axes.plot(*corners, color=FRAME, lw=0.6)
    where = {"ha": "center", "va": "bottom"}
    answer, label = told
    axes.text(x + 0.8, y + 0.21, answer, color=ORANGE, **where)
    axes.text(x + 0.8, y + 0.41, label, **where)


def _draw_rows(images, some, told, title, note, columns):
    height = 0.3 * (2 + len(some))
    figure = new_figure(title, note, height=1.0 + height)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 7.9), ylim=(height, 0))
    axes.axis("off")
    heads = "the answer", "what it is", "its features farthest from the mean"
    for x, head in zip(INCHES, heads, strict=True):
        axes.text(x, 0.15, head, va="center", color="#595959")
    for line, index in enumerate(some, 1):
        found = largest_features(images[index].ravel(), columns)
        values = ", ".join(f"{short(name, FEATURE)} {value:+.2g}" for name, value in found)
        texts = *told(index, WIDE_LINE), values
        for x, text, colour in zip(INCHES, texts, (ORANGE, "black", "black"), strict=True):
            axes.text(x, 0.15 + 0.3 * line, text, va="center", color=colour)
    return figure
