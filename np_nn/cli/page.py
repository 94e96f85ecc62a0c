"""Report of a run as one HTML file, without scripts, network access or other files."""

import base64
from datetime import datetime
from pathlib import Path

import numpy as np
from jinja2 import StrictUndefined, Template

from np_nn import plots, recipes
from np_nn.analysis.metrics import confusion, recalls, surest_errors, worst_pairs
from np_nn.cli import pictures, report
from np_nn.data.split import is_images, noun
from np_nn.recipes.recipe import hyperparameters
from np_nn.utils import machine

PAGE = Path(__file__).with_name("page.html")
MISTAKES = 20  # maximum mistakes shown
CLASSES = 20  # maximum classes of a confusion matrix; above it the worst pairs are listed
PAIRS = 20  # maximum pairs in that list
FEATURES = 3  # features shown of a misclassified table row
SHADE = 0.6  # opacity of the cell with the most mistakes
OFF = ("none", "no", "0")  # values of settings that are switched off


def page(run, command):
    """Return the HTML text of a Run. command: the command line that repeats it."""
    template = Template(
        PAGE.read_text("utf-8"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return template.render(
        run=run,
        report=report,
        command=command,
        recipe=recipes.RECIPES[run.settings.name],
        settings=list(_settings(run.settings)),
        off=OFF,
        seeds=_seeds(run),
        curves=_curves(run),
        word=noun(run.dataset.train.images),
        **_answers(run.scores, run.dataset),
        timings=_timings(run),
        machine=_machine(run),
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )


def _settings(settings):
    """Yield (name, value, the recipe's value or None if equal) of each hyper-parameter."""
    recipe = recipes.RECIPES[settings.name]
    for field in hyperparameters(settings):
        value, own = (_written(getattr(each, field.name)) for each in (settings, recipe))
        yield field.name.replace("_", " "), value, own if own != value else None


def _written(value):
    if isinstance(value, tuple):
        return ", ".join(map(_written, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value or "none")


def _seeds(run):
    """Return (header, rows) of a table with a row for each network."""
    header = ["seed", "test accuracy", "loss", "iterations", "ms each", "seconds"]
    rows = []
    for result in run.results:
        test, history = result.test, result.history
        times = f"{history.step_ms_median:.3f}", f"{history.train_seconds:.2f}"
        measured = f"{test.accuracy:.4f}", f"{test.loss:.4f}", f"{history.done:,}"
        rows.append([result.seed, *measured, *times])
    return header, rows


def _timings(run):
    memory = run.peak_memory_mb
    return {
        "one iteration": f"{run.step_ms:.3f} ms (median)",
        f"{noun(run.dataset.train.images)} per second": f"{run.images_per_second:,.0f}",
        "training": f"{sum(r.history.train_seconds for r in run.results):.2f} s",
        f"preparing the {noun(run.dataset.train.images)}": f"{run.dataset.prepare_seconds:.2f} s",
        "peak memory": f"{memory:,.0f} MB" if memory else "unknown",
    }


def _machine(run):
    return {
        "processor": machine.describe(),
        "computed by": f"{run.framework} on {run.backend}",
        "threads": run.threads,
        **machine.versions(*report.PACKAGES),
    }


def _curves(run):
    """Return (picture, its description) of the accuracy and the loss in training."""
    first = run.results[0]
    if not first.history.done:
        return []
    curves = pictures.curves(run)
    published = run.published and run.published.published
    return [
        (
            _uri(plots.draw_curve(curves, kind, published), "svg+xml"),
            f"{kind} of {first.history.done:,} training batches, seed {first.seed} from "
            f"{getattr(curves[0], kind)[0]:.4g} to {getattr(curves[0], kind)[-1]:.4g}; "
            f"on the test set {getattr(first.test, kind):.4f}",
        )
        for kind in ("accuracy", "loss")
    ]


def _answers(scores, dataset):
    """Return the parts of the page on the answers, class by class and mistake by mistake."""
    classes = dataset.classes
    counts = confusion(scores.labels, scores.answers, len(classes))
    return {
        "confusion": _confusion(counts, scores, classes) if len(classes) <= CLASSES else None,
        "pairs": [
            (classes[i], classes[j], f"{count:,}", f"{count / counts[i].sum():.1%}")
            for i, j, count in worst_pairs(counts, PAIRS)
        ],
        "lowest": _lowest(counts, scores, classes),
        "mistakes": list(_mistakes(scores, dataset)),
    }


def _confusion(counts, scores, classes):
    """Return (name, [(count, shade) of each answer], recall) of each class."""
    mistakes = counts * (1 - np.eye(len(classes), dtype=int))
    shades = SHADE * mistakes / max(1, mistakes.max())
    cells = [list(zip(*row, strict=True)) for row in zip(counts, shades, strict=True)]
    right = ["-" if share is None else f"{share:.1%}" for share in recalls(scores).values()]
    return list(zip(classes, cells, right, strict=True))


def _lowest(counts, scores, classes):
    """Return (name, samples, recall) of the classes with the lowest recall."""
    there = {c: share for c, share in recalls(scores).items() if share is not None}
    lowest = sorted(there, key=there.get)[:PAIRS]
    return [(classes[c], f"{counts[c].sum():,}", f"{there[c]:.1%}") for c in lowest]


def _mistakes(scores, dataset):
    """Yield the most confident mistakes: image or largest features, the answer, and the class."""
    for index in surest_errors(scores.labels, scores.values, MISTAKES):
        label, answer = scores.labels[index], scores.answers[index]
        yield _shown(dataset, index) | {
            "is": dataset.classes[label],
            "answer": dataset.classes[answer],
            "score": scores.form.format(scores.values[index, answer]),
        }


def _shown(dataset, index):
    """Return a test sample: its image with its size, or its largest features."""
    samples = dataset.test.images
    if not is_images(samples):
        row, columns = samples[index].ravel(), dataset.preparation.columns
        return {"features": plots.largest_features(row, columns, FEATURES)}
    height, width = samples.shape[-2:]
    image = _uri(plots.draw_image(samples[index], **plots.look(samples)), "png")
    return {"image": image, "width": width, "height": height, "photo": plots.is_photo(samples)}


def _uri(content, kind):
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
