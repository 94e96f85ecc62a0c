"""The pictures that a run ends with: its curves, and what the network answers."""

from pathlib import Path

from np_nn import plots, report
from np_nn.layers import Softmax

SUFFIXES = {"NumPy": "np", "PyTorch": "torch"}  # of the pictures' names


def draw(run, folder, form):
    """Draw a Run's first network into a folder, as png, svg or pdf; returns the paths."""
    folder, suffix = Path(folder), SUFFIXES[run.framework]
    about, note = report.title(run), run.dataset.note
    reference = run.published and run.published.published
    paths = plots.plot_training(curve(run), folder, suffix, about, note, reference, form)
    labels, scores, written = scored(run)
    classes, ending = run.dataset.classes, f"{suffix}.{form}"
    path = folder / f"confusion_{ending}"
    paths.append(plots.plot_confusion(labels, scores.argmax(axis=1), classes, path, about, note))
    images, path = run.dataset.test.images, folder / f"errors_{ending}"
    about = f"{about}: the surest mistakes"
    paths.append(plots.plot_errors(images, labels, scores, classes, path, about, note, written))
    return paths


def curve(run):
    """The first network's training as plots.Curve."""
    first = run.results[0]
    history, test = first.history, first.test
    held = tuple((at, seen.accuracy, seen.loss) for at, seen in history.validation)
    return plots.Curve(
        run.framework, history.loss, history.accuracy, test.accuracy, test.loss, held
    )


def scored(run):
    """How the first network scores the test images: (labels, scores (n, classes), their form)."""
    labels, outputs = run.dataset.test.labels, run.results[0].test.outputs
    if labels.ndim == 1:  # a loss of classes: outputs are logits
        return labels, Softmax()(outputs), "{:.1%}"
    return labels.argmax(axis=1), outputs, "{:.2f}"
