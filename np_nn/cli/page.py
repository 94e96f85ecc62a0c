"""A run's report as one HTML file, which needs no network, no script and no other file."""

import base64
from datetime import datetime
from pathlib import Path

import numpy as np
from jinja2 import StrictUndefined, Template

from np_nn import plots, recipes
from np_nn.analysis.metrics import confusion, surest_errors
from np_nn.cli import pictures, report
from np_nn.recipes.recipe import hyperparameters
from np_nn.utils import machine

PAGE = Path(__file__).with_name("page.html")
MISTAKES = 20  # that are shown
SHADE = 0.6  # of the cell with the most mistakes
OFF = ("none", "no", "0")  # settings that do nothing


def page(run, command):
    """The HTML text of a Run. command: the command line that repeats it."""
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
        confusion=_confusion(run.scores, run.dataset.classes),
        mistakes=_mistakes(run.scores, run.dataset),
        timings=_timings(run),
        machine=_machine(run),
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )


def _settings(settings):
    """(name, value, the recipe's own value if that is another) of each hyper-parameter."""
    recipe = recipes.RECIPES[settings.name]
    for field in hyperparameters(settings):
        value, own = (_shown(getattr(each, field.name)) for each in (settings, recipe))
        yield field.name.replace("_", " "), value, own if own != value else None


def _shown(value):
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value or "none")


def _seeds(run):
    """A line for each network."""
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
        "images per second": f"{run.images_per_second:,.0f}",
        "training": f"{sum(r.history.train_seconds for r in run.results):.2f} s",
        "preparing the images": f"{run.dataset.prepare_seconds:.2f} s",
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
    """(picture, what it shows) of the first network's accuracy and loss."""
    first = run.results[0]
    if not first.history.done:
        return []
    curve = pictures.curve(run.framework, first)
    published = run.published and run.published.published
    return [
        (
            _uri(plots.draw_curve(curve, kind, published), "svg+xml"),
            f"{kind} of {first.history.done:,} training batches, from "
            f"{getattr(curve, kind)[0]:.4g} to {getattr(curve, kind)[-1]:.4g}; "
            f"on the test set {getattr(first.test, kind):.4f}",
        )
        for kind in ("accuracy", "loss")
    ]


def _confusion(scores, classes):
    """For each class its name, (count, shade of the cell) of each answer, and the share right."""
    counts = confusion(scores.labels, scores.answers, len(classes))
    mistakes = counts * (1 - np.eye(len(classes), dtype=int))
    shades = SHADE * mistakes / max(1, mistakes.max())
    cells = [list(zip(*row, strict=True)) for row in zip(counts, shades, strict=True)]
    accuracy, _, _ = scores.class_accuracy()
    right = ["-" if np.isnan(share) else f"{share:.1%}" for share in accuracy]
    return list(zip(classes, cells, right, strict=True))


def _mistakes(scores, dataset):
    """The images of the surest mistakes, and what was thought of them."""
    for index in surest_errors(scores.labels, scores.values, MISTAKES):
        label, answer = scores.labels[index], scores.answers[index]
        yield {
            "image": _uri(plots.draw_image(dataset.test.images[index]), "png"),
            "is": dataset.classes[label],
            "answer": dataset.classes[answer],
            "score": scores.form.format(scores.values[index, answer]),
        }


def _uri(content, kind):
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
