"""The pictures that a run ends with: its curves, and what the network answers."""

from pathlib import Path

from np_nn import plots

SUFFIXES = {"NumPy": "np", "PyTorch": "torch"}  # of the pictures' names


def draw(run, folder, form):
    """Draw a Run's networks, and its first one's answers, into a folder; returns the paths.

    form: png, svg or pdf.
    """
    folder, suffix, title = Path(folder), SUFFIXES[run.framework], run.title
    reference, note = run.published and run.published.published, run.dataset.note
    drawn = plots.plot_training(curves(run), folder, suffix, title, note, reference, form)
    return drawn + draw_answers(run.dataset, run.scores, title, folder, f"_{suffix}.{form}")


def curves(run):
    """Return a plots.Curve for each network of a Run that was trained."""
    return [curve(run.framework, result) for result in run.results if result.history.done]


def curve(label, result):
    """The training of a Result as plots.Curve."""
    history, test = result.history, result.test
    held = tuple((at, seen.accuracy, seen.loss) for at, seen in history.validation)
    return plots.Curve(
        label, history.loss, history.accuracy, test.accuracy, test.loss, held, history.restored
    )


def draw_answers(dataset, found, title, folder, ending):
    """Which class is taken for which, and the mistakes that the network is surest of.

    found: the Scores of the dataset's test samples. Returns the paths of two files in the folder:
    confusion and errors, followed by the ending.
    """
    classes, note = dataset.classes, dataset.note
    path = folder / f"confusion{ending}"
    confusion = plots.plot_confusion(
        found.labels, found.answers, classes, path, f"Which class is taken for which\n{title}", note
    )
    errors = plots.plot_errors(
        dataset.test.images, found.labels, found.values, classes, folder / f"errors{ending}",
        f"The surest mistakes\n{title}", note, found.form, dataset.preparation.columns,
    )  # fmt: skip
    return [confusion, errors]
