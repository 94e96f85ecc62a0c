"""Pictures of a finished run: its curves and its network's answers."""

from pathlib import Path

from np_nn import plots

SUFFIXES = {"NumPy": "np", "PyTorch": "torch"}  # of the pictures' names


def draw(run, folder, form):
    """Draw the curves of a Run and its first network's answers into a folder; return the paths.

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
    """Return the training of a Result as plots.Curve."""
    history, test = result.history, result.test
    held = tuple((at, seen.accuracy, seen.loss) for at, seen in history.validation)
    return plots.Curve(
        label, history.loss, history.accuracy, test.accuracy, test.loss, held, history.restored
    )


def draw_answers(dataset, found, title, folder, ending):
    """Plot the confusion matrix and the most confident mistakes.

    Args:
        dataset: Dataset.
        found: Scores of its test samples.
        title: second line of the pictures' titles.
        folder: Path of the folder to write to.
        ending: end of the file names, after "confusion" and "errors".

    Returns:
        The paths of the two files.
    """
    classes, note = dataset.classes, dataset.note
    path = folder / f"confusion{ending}"
    confusion = plots.plot_confusion(
        found.labels, found.answers, classes, path, f"Confusion matrix\n{title}", note
    )
    errors = plots.plot_errors(
        dataset.test.images, found.labels, found.values, classes, folder / f"errors{ending}",
        f"Most confident mistakes\n{title}", note, found.form, dataset.preparation.columns,
    )  # fmt: skip
    return [confusion, errors]
