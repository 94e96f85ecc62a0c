"""Pictures of a data set, class by class: sample images, or histograms of a table's features."""

from pathlib import Path

import numpy as np
from matplotlib import style

from np_nn.data.split import in_memory, is_images, noun
from np_nn.plots.answers import TEN
from np_nn.plots.figure import STYLE, new_figure, save_figure
from np_nn.plots.names import short, shorts
from np_nn.plots.pixels import fitted, look, raster

CLASSES = 20  # maximum number of classes drawn
ACROSS = 10  # maximum number of samples of a class
SIDE, STEP = 0.48, 0.53  # side of an image, and distance from one to the next, in inches
NAMES = 0.13  # left edge of the names, as of the title, in inches
IMAGES = 2.5  # left edge of the images, after names and counts, in inches
FEATURES = 12  # maximum number of features of a table
PANELS = 3  # histograms side by side
BINS = 24  # bins of a histogram
GREY, FRAME = "#595959", "#BBBBBB"


def plot_samples(dataset, path, title="") -> Path:
    """Draw samples of a Dataset: a row of training images per class, or a table's histograms.

    Each class shows its numbers of training and test samples. Of more than CLASSES classes or
    FEATURES features, the first are drawn, and the picture says so. title: first line of the
    picture; "" names the data set. Returns `path` as a Path. Raises NpNNError if the file cannot
    be written.
    """
    draw = _draw_classes if is_images(dataset.train.images) else _draw_features
    with style.context(["default", STYLE]):
        return save_figure(draw(dataset, title or f"Samples of {dataset.title}"), path)


def _about(dataset, shape, left_out):
    """Return the second line of the title: the sizes of the set, and `left_out`."""
    word, kinds = noun(dataset.train.images), len(dataset.classes)
    sizes = f"{len(dataset.train):,} training and {len(dataset.test):,} test {word} {shape}"
    return f"{sizes}, {kinds:,} classes{left_out}"


def _left_out(shown, there, what):
    return f"; the first {shown} {what} are drawn" if shown < there else ""


def _counts(dataset):
    """Return [(training, test samples)] of each class."""
    parts = (_labels(split) for split in (dataset.train, dataset.test))
    return list(zip(*(np.bincount(p, minlength=len(dataset.classes)) for p in parts), strict=True))


def _labels(split):
    """Return the class numbers (n,) of a Split, also if its labels are targets (n, C)."""
    return split.labels if split.labels.ndim == 1 else split.labels.argmax(axis=1)


# ---- images


def _draw_classes(dataset, title):
    images, rows = dataset.train.images, min(CLASSES, len(dataset.classes))
    shape = "of {} x {} pixels".format(*images.shape[-2:])
    about = _about(dataset, shape, _left_out(rows, len(dataset.classes), "classes"))
    height = 0.35 + STEP * rows
    figure = new_figure(f"{title}\n{about}", dataset.note, height=0.85 + height)
    axes = figure.add_subplot()
    axes.text(IMAGES - 0.15, 0.18, "training / test", ha="right", va="center", color=GREY)
    labels, grey = _labels(dataset.train), look(images)
    for row, (name, counts) in enumerate(_first(dataset, rows)):
        _draw_row(axes, 0.35 + STEP * row, short(name, 14), counts)
        for place, index in enumerate(np.flatnonzero(labels == row)[:ACROSS]):
            _draw_sample(axes, place, 0.35 + STEP * row, raster(images[index]), grey)
    axes.set(xlim=(0, IMAGES + STEP * ACROSS), ylim=(height, 0), aspect="equal")
    axes.axis("off")
    return figure


def _first(dataset, rows):
    """Return [(name, (training, test samples))] of the first classes."""
    return list(zip(dataset.classes, _counts(dataset), strict=True))[:rows]


def _draw_row(axes, y, name, counts):
    train, test = counts
    axes.text(NAMES, y + SIDE / 2, name, va="center", weight="bold")
    text = f"{train:,} / {test:,}"
    axes.text(IMAGES - 0.15, y + SIDE / 2, text, ha="right", va="center", color=GREY)


def _draw_sample(axes, place, y, image, grey):
    left, right, bottom, top = fitted(IMAGES + STEP * place, y, SIDE, image.shape)
    axes.imshow(image, extent=(left, right, bottom, top), **grey)
    corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
    axes.plot(*corners, color=FRAME, lw=0.6)


# ---- features


def _draw_features(dataset, title):
    values, names = _original(dataset)
    shown = min(FEATURES, values.shape[1])
    about = f"of {values.shape[1]} features"
    about = _about(dataset, about, _left_out(shown, values.shape[1], "features"))
    rows, kinds = -(-shown // PANELS), len(dataset.classes)
    legend = 1 + -(-kinds // PANELS) if kinds <= len(TEN) else 1
    figure = new_figure(f"{title}\n{about}", dataset.note, height=1.2 + 1.7 * rows + 0.22 * legend)
    panels = figure.subplots(rows, min(PANELS, shown), squeeze=False).ravel()
    labels = _labels(dataset.train)
    for axes, column, name in zip(panels, values.T[:shown], shorts(names), strict=False):
        _draw_histograms(axes, column, labels, _legend(dataset))
        axes.set_title(name)
    for axes in panels[shown:]:
        axes.axis("off")
    figure.supylabel("training samples", size=10.5)
    handles = panels[0].get_legend_handles_labels()
    title = "training / test samples" if kinds <= len(TEN) else ""
    figure.legend(*handles, loc="outside lower center", ncols=PANELS, title=title)
    return figure


def _original(dataset):
    """Return the training values (n, I) in the table's original units, and the column names."""
    split, own = dataset.train, dataset.preparation
    values = in_memory(split.images).reshape(len(split), -1).astype(float)
    if own.mean:
        values = values * np.asarray(own.std) + np.asarray(own.mean)
    return values, own.columns or [f"feature {i + 1}" for i in range(values.shape[1])]


def _legend(dataset):
    """Return {class number: "name: training / test samples"}; one entry for more than ten."""
    if len(dataset.classes) > len(TEN):
        return {None: f"all {len(dataset.classes):,} classes"}
    counts = enumerate(zip(dataset.classes, _counts(dataset), strict=True))
    return {c: f"{short(name, 14)}: {n:,} / {test:,}" for c, (name, (n, test)) in counts}


def _draw_histograms(axes, values, labels, legend):
    """Draw histograms of one feature, a line per class."""
    low, high = values.min(), values.max()
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    for c, text in legend.items():
        some = values if c is None else values[labels == c]
        counts, _ = np.histogram(some, edges)
        axes.stairs(counts, edges, color=TEN[c or 0], lw=1.4, fill=False, label=text)
        axes.stairs(counts, edges, color=TEN[c or 0], alpha=0.25, fill=True)
    axes.locator_params("x", nbins=4)
    axes.locator_params("y", nbins=3, integer=True)
