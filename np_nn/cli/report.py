"""Report of a run: as text, as a table against the published figure, and as plain data."""

import statistics

from np_nn import recipes
from np_nn.cli.diagnosis import diagnose
from np_nn.data.sources import names
from np_nn.data.split import noun
from np_nn.recipes.recipe import hyperparameters
from np_nn.recipes.run import DISCREPANCY
from np_nn.utils import machine
from np_nn.utils.markdown import markdown_table

PACKAGES = ("np_nn", "numpy", "torch", "torchvision")


def text(run):
    """Return the printed report: what ran, how fast, and the table."""
    data, results = run.dataset, run.results
    seeds = ", ".join(str(result.seed) for result in results)
    done = sum(result.history.done for result in results)
    word = noun(data.train.images)
    seconds = sum(result.history.train_seconds for result in results)
    lines = [
        run.title,
        f"{len(data.train):,} training and {len(data.test):,} test {word}; {run.framework} on "
        f"{run.backend}, {_processes(run)}, seed {seeds}",
        f"trained {done:,} iterations in {seconds:.1f} s: {run.step_ms:.2f} ms each (median), "
        f"{run.images_per_second:,.0f} {word}/s",
        *details(run),
        "",
        markdown_table(*table(run)),
        *(f"note: {note}" for note in notes(run)),
        *(f"warning: {warning}" for warning in warnings(run)),
    ]
    return "\n".join(lines)


def _processes(run):
    threads = f"{run.threads} thread{'s' * (run.threads > 1)}"
    return f"{run.ranks} ranks of {threads} each" if run.ranks > 1 else threads


def details(run):
    """Return lines on own data, deskewed images and held-out samples, where a run has them."""
    notes, word = list(run.dataset.remarks), noun(run.dataset.train.images)
    if run.settings.deskew:
        notes.append(f"deskewed the images in {run.dataset.prepare_seconds:.2f} s before")
    for result in run.results:
        if result.history.validation:
            step, held = max(result.history.validation, key=lambda entry: entry[1].accuracy)
            ended = "stopped early, back to" if result.history.stopped_early else "kept:"
            ended = "best of them:" if result.history.restored is None else ended
            notes.append(
                f"seed {result.seed}: {len(run.dataset.validation):,} {word} held out; {ended} "
                f"accuracy {held.accuracy:.4f} there, after {step:,} iterations"
            )
    return notes


def table(run):
    """Return (header, rows) of text: the result, beside the published one if there is one."""
    ours = f"{run.test_accuracy:.4f}" + (f" ± {run.spread:.4f}" if run.spread is not None else "")
    loss = f"{run.test_loss:.4f}"
    if run.published is None:
        header, row = ["test accuracy", "test loss"], [ours, loss]
    else:
        header = ["recipe", "published", "ours", "difference", "test loss"]
        published = f"{run.published.published:.4f}"
        row = [run.published.name, published, ours, f"{run.difference:+.4f}", loss]
    return header, [row]


def notes(run):
    """Return lines on what the table leaves out, and why."""
    if run.dataset.name in names() and recipes.matching(run.settings) is None:
        return ["no recipe has these settings, so there is no published result for them"]
    return []


def warnings(run):
    """Return reasons to doubt the figures, a line each."""
    lines = [run.dataset.note] if run.dataset.note else []
    if run.difference is not None and abs(run.difference) > DISCREPANCY:
        lines.append(f"the accuracy differs from the published one by more than {DISCREPANCY}")
    return lines + diagnose(run)


def as_dict(run):
    """Return the run as plain data for a JSON file; accuracies are means over the seeds."""
    settings, results = run.settings, run.results
    first = results[0].history
    return {
        "title": run.title,
        "recipe": run.published.name if run.published else settings.name,
        "dataset": run.dataset.name,
        "n_train": len(run.dataset.train),
        "n_test": len(run.dataset.test),
        "framework": run.framework,
        "model": run.model,
        "settings": settings.describe(),
        "hyperparameters": {
            field.name: getattr(settings, field.name) for field in hyperparameters(settings)
        },
        "seed": results[0].seed if len(results) == 1 else [result.seed for result in results],
        "threads": run.threads,
        "ranks": run.ranks,
        "kernels": run.backend,
        "batch_size": settings.batch_size,
        "steps": first.done,
        "epochs": first.done * settings.batch_size / len(run.dataset.train),
        "interrupted": run.interrupted,
        "prepare_seconds": run.dataset.prepare_seconds,
        "compress_seconds": statistics.mean(result.compress_seconds for result in results),
        "loop_seconds": statistics.mean(result.history.train_seconds for result in results),
        "train_seconds": statistics.mean(map(run.train_seconds, results)),
        "step_ms_median": run.step_ms,
        "peak_memory_mb": run.peak_memory_mb,
        "test_accuracy": run.test_accuracy,
        "test_accuracy_spread": run.spread,
        "test_loss": run.test_loss,
        "reference_accuracy": run.published.published if run.published else None,
        "difference": run.difference,
        "notes": [*details(run), *notes(run)],
        "warnings": warnings(run),
        "remarks": list(run.dataset.remarks),
        "machine": machine.describe(),
        "versions": machine.versions(*PACKAGES),
        "runs": [
            {
                "seed": result.seed,
                "test_accuracy": result.test.accuracy,
                "test_loss": result.test.loss,
                "train_seconds": run.train_seconds(result),
                "stopped_early": result.history.stopped_early,
                "validation": [
                    {"step": step, "accuracy": held.accuracy, "loss": held.loss}
                    for step, held in result.history.validation
                ],
                "history": result.history.history,
                "batches": {
                    "loss": result.history.loss.tolist(),
                    "accuracy": result.history.accuracy.tolist(),
                },
            }
            for result in results
        ],
    }


def interruption(run):
    """Describe where an interrupted run stopped."""
    history = run.results[-1].history
    return f"interrupted at iteration {history.done:,} of {history.steps:,}"
