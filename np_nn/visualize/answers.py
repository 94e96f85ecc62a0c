"""Draw a trained network's predictions: mistakes, confidence, and an embedding."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from np_nn import plots
from np_nn.analysis import metrics
from np_nn.analysis.embedding import embed, hidden
from np_nn.cli import pictures
from np_nn.utils.errors import NpNNError
from np_nn.visualize import network

POINTS = 2000  # maximum embedded test samples: enough to show groups, and done in seconds
TITLES = {  # of the pictures, by the names of their files
    "class_accuracy": "Accuracy by class",
    "embedding": "Embedding of the last hidden layer's outputs",
    "calibration": "Calibration: accuracy by confidence",
}


def parser():
    command = network.parser(__doc__, recipe="fast98")
    network.add_load(command)
    return command


def draw(args):
    model, data, result = network.trained(args)
    found = metrics.read(result.outputs, data.test.labels)
    about, folder, ending = network.about(args, data), Path(args.out), f".{args.format}"

    def picture(name, plot, *content):
        path = folder / f"{name}{ending}"
        return plot(*content, path=path, title=f"{TITLES[name]}\n{about}", note=data.note)

    written = pictures.draw_answers(data, found, about, folder, ending)
    accuracies = found.class_accuracy()
    written.append(picture("class_accuracy", plots.plot_class_accuracy, *accuracies, data.classes))
    try:
        maps = _maps(model, data, found, args.seed[0])
        written.append(picture("embedding", plots.plot_embedding, *maps, data.classes))
    except NpNNError as error:
        network.note(f"no picture of the hidden layer: {error}")
    if found.probabilities:
        bins = metrics.calibration(found)
        columns = bins.counts, bins.confidence, bins.accuracy
        written.append(picture("calibration", plots.plot_calibration, *columns, bins.error))
    return written


def _maps(model, data, found, seed):
    """Return embeddings of evenly spaced test samples, with their labels and answers."""
    n = len(data.test)
    some = np.unique(np.linspace(0, n - 1, POINTS).astype(int))
    split = replace(data.test, images=data.test.images[some], labels=data.test.labels[some])
    return embed(hidden(model, split), seed), found.labels[some], found.answers[some]
