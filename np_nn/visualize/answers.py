"""Draw what a trained network answers: right and wrong, how sure, and what it sees alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import pictures, plots, report, scores
from np_nn.embedding import embed, hidden
from np_nn.visualize import network

POINTS = 2000  # test images that are embedded: enough to see groups, in seconds


def parser():
    return network.parser(__doc__, recipe="fast98")


def draw(args):
    model, _, data, _ = network.train(args)
    found = scores.read(nn.predict(model, data.test, input=args.input), data.test.labels)
    calibration = scores.calibration(found)
    about, folder, ending = report.about(args.settings, data), Path(args.out), f".{args.format}"

    def picture(plot, name, what, *content):
        path = folder / f"{name}{ending}"
        return plot(*content, path=path, title=f"{what}\n{about}", note=data.note)

    return [
        *pictures.draw_answers(data, found, about, folder, ending),
        picture(
            plots.plot_class_accuracy, "class_accuracy", "Right answers by class",
            *found.class_accuracy(), data.classes,
        ),
        picture(
            plots.plot_calibration, "calibration", "Is it as right as it is sure?",
            calibration.counts, calibration.confidence, calibration.accuracy, calibration.error,
        ),
        picture(
            plots.plot_embedding, "embedding", "What the last hidden layer sees alike",
            *_maps(model, data, found, args.seed[0]), data.classes,
        ),
    ]  # fmt: skip


def _maps(model, data, found, seed):
    """The embeddings of some test images, evenly picked, with their labels and answers."""
    n = len(data.test)
    some = np.unique(np.linspace(0, n - 1, POINTS).astype(int))
    split = replace(data.test, images=data.test.images[some], labels=data.test.labels[some])
    return embed(hidden(model, split), seed), found.labels[some], found.answers[some]
