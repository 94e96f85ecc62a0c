"""Networks of images beside PyTorch: a training step, its memory, and inference.

torch is measured with both layouts of images, channel by channel (contiguous) and pixel by pixel
(channels_last); the faster one counts.
"""

import dataclasses

import cells
from cells import NETWORKS
from contenders import CHANNELS_LAST, LAYERS, OURS, TORCH
from targets import at_least, at_most, ratio, table
from training import agreement, number, reasons

import np_nn as nn
from np_nn.training import inputs
from np_nn.utils.markdown import markdown_table

LAYOUTS = (TORCH, CHANNELS_LAST)
IMAGES = 500  # test images, for inference
SECONDS = 0.15  # per turn: there are many cells, and their times settle quickly
# Targets in times torch, on all cores: of a training step, and of inference.
STEPS = {
    cells.NetworkCell("LeNet-style", 64): 4,
    cells.NetworkCell("LeNet-style", 256): 5,
    cells.NetworkCell("lenet5", 64): 4,
    cells.NetworkCell("convnet", 64): 4,
    cells.NetworkCell("resnet", 64): 1.8,
}
OUTPUTS = {"LeNet-style": 3, "resnet": 1.6}


def run(session):
    """Measure the networks; return Markdown."""
    grid = cells.NETWORK_QUICK if session.quick else cells.NETWORK_GRID
    grid = [cell for cell in grid if cell.threads is None or cell.threads < session.cores]
    steps = session.each(grid, lambda cell: _train(session, cell))
    asked = dict.fromkeys((cell.network, cell.threads or session.cores) for cell in steps)
    outputs = session.each(asked, lambda what: _predict(session, *what), _inference)
    if not steps:
        return ""
    parts = [
        "## Networks of images\n",
        "Milliseconds per step, float32: a batch from the uint8 training set, forward, "
        "cross-entropy, backward, SGD with momentum. LeNet-style has convolutions of 16 and 32 "
        "channels, 5x5; the others are np_nn's models: convnet is PyTorch's examples/mnist, with "
        "its dropout. Memory is the peak of a process that does nothing else; torch's is that of "
        "its faster layout.\n",
        _steps(session, steps),
        *reasons(steps),
        agreement({cell: figures for cell, figures in steps.items() if not _has_dropout(cell)}),
        f"\nMilliseconds for the outputs of {_images(session)} test images; torch in inference "
        "mode, in its best block size.\n",
        _outputs(outputs),
        *reasons({_inference(what): figures for what, figures in outputs.items()}),
        "",
        table(session, _targets(session, steps, outputs)),
        "",
        "np_nn is slower than torch in its faster layout in: "
        f"{'; '.join(_lost(steps, outputs)) or 'none of these'}.",
    ]
    return "\n".join(parts)


def _train(session, cell):
    """Return the Figures of all; on all cores from new processes, with one round of NumPy."""
    ask = {"task": "train_network", "threads": cell.threads, "seconds": _seconds(session)}
    ask["cell"] = dataclasses.asdict(cell)
    figures = session.ask(_field(cell.network), **ask, fresh=not cell.threads)
    if not cell.threads:
        numpy = session.ask((LAYERS,), **ask, rounds=1)
        for field in dataclasses.fields(figures):
            getattr(figures, field.name).update(getattr(numpy, field.name))
    return figures


def _predict(session, network, threads):
    ask = {"task": "predict_network", "threads": threads, "seconds": _seconds(session)}
    return session.ask(_field(network), **ask, name=network, count=_images(session))


def _seconds(session):
    return min(SECONDS, session.seconds)


def _images(session):
    return IMAGES // 5 if session.quick else IMAGES


def _field(network):
    """Return the contenders of a network; one of rows has only one layout."""
    layouts = LAYOUTS if inputs.takes_images(NETWORKS[network]()) else LAYOUTS[:1]
    return (OURS, *layouts)


def _has_dropout(cell):
    return any(isinstance(layer, nn.Dropout) for layer in NETWORKS[cell.network]().modules())


def _faster(ms):
    """Return the faster layout of torch, or None if it has no figure."""
    return min((label for label in LAYOUTS if label in ms), key=ms.get, default=None)


def _against_torch(figures):
    return ratio(figures.ms.get(_faster(figures.ms)), figures.ms.get(OURS))


def _columns(figures):
    """Return the cells of a row that both tables share."""
    times = [number(figures.ms.get(label), ".2f") for label in (OURS, *LAYOUTS)]
    return *times, number(_against_torch(figures), ".2f")


COLUMNS = ("np_nn", "torch contiguous", CHANNELS_LAST, "times torch")


def _steps(session, steps):
    header = ("a training step", "threads", *COLUMNS, "np_nn NumPy", "np_nn MB", "torch MB")
    rows = [
        (
            f"{cell.network}, batch {cell.batch}",
            cell.threads or session.cores,
            *_columns(figures),
            number(figures.ms.get(LAYERS), ".1f"),
            *(number(_peak(cell, figures, who), ".0f") for who in (OURS, _faster(figures.ms))),
        )
        for cell, figures in steps.items()
    ]
    return markdown_table(header, rows)


def _peak(cell, figures, label):
    """Return the peak memory in MB; None if the process has done other tasks before."""
    answers = None if cell.threads else figures.answers.get(label)
    return answers[-1]["peak_mb"] if answers else None


def _outputs(outputs):
    rows = [(*what, *_columns(figures)) for what, figures in outputs.items()]
    return markdown_table(("inference", "threads", *COLUMNS), rows)


def _inference(what):
    network, threads = what
    return f"inference of {network}, {threads} thread{'s' * (threads > 1)}"


def _lost(steps, outputs):
    """Return the names of the steps and inferences in which torch is faster."""
    words = {str(cell): figures for cell, figures in steps.items()}
    words |= {_inference(what): figures for what, figures in outputs.items()}
    ratios = {what: _against_torch(figures) for what, figures in words.items()}
    return [what for what, value in ratios.items() if value is not None and value < 1]


def _targets(session, steps, outputs):
    goals = [
        at_least(f"{cell}, times torch", _against_torch(steps[cell]), goal)
        for cell, goal in STEPS.items()
        if cell in steps
    ]
    asked = {(network, session.cores): goal for network, goal in OUTPUTS.items()}
    goals += [
        at_least(f"{_inference(what)}, times torch", _against_torch(outputs[what]), goal)
        for what, goal in asked.items()
        if what in outputs
    ]
    measured = any(TORCH in figures.ms for figures in steps.values())
    lost = len(_lost(steps, outputs)) if measured else None
    return [*goals, at_most("steps and inference slower than torch", lost, 0)]
