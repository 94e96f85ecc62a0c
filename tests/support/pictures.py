"""Helpers of the tests of pictures: a run to draw, and checks of a figure."""

import numpy as np
from matplotlib.text import Text

from np_nn.plots import Curve

TITLE = "784-512-10 on MNIST, batch 256, SGD 0.001"


def curve(label="NumPy", steps=300, test_accuracy=0.98, test_loss=0.07):
    """Return a loss curve that resembles MNIST's: from 20 down to 0.05, with noise."""
    noise = np.random.default_rng(0).normal(1, 0.1, steps)
    loss = np.geomspace(20, 0.05, steps) * noise
    accuracy = np.clip(1 - np.geomspace(0.9, 0.01, steps) * noise, 0, 1)
    return Curve(label, loss.astype("f4"), accuracy.astype("f4"), test_accuracy, test_loss)


def visible_texts(figure):
    """Return every non-empty text artist of a drawn figure."""
    return figure.findobj(
        lambda artist: isinstance(artist, Text) and artist.get_visible() and artist.get_text()
    )


def check_readable(figures):
    """Assert that no artist leaves the figure, and no text is smaller than 10 points."""
    for figure in figures:
        assert min(text.get_fontsize() for text in visible_texts(figure)) >= 10
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= width
        assert box.y1 <= height


def texts(figure):
    return [text.get_text() for text in visible_texts(figure)]


def images(count, size=28):
    return np.random.default_rng(0).random((count, size, size)).astype(np.float32)
