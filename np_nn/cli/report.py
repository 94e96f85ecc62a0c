"""What a run ends with: the table against the published figure, and files that keep it."""

import json
import statistics
import sys
from dataclasses import dataclass, field

from np_nn import recipes
from np_nn.analysis import metrics
from np_nn.data import Dataset
from np_nn.training.history import Evaluation, History
from np_nn.utils import files, machine

DISCREPANCY = 0.01  # the published table's own standard

PACKAGES = ("np_nn", "numpy", "torch", "torchvision")


@dataclass(frozen=True)
class Result:
    """One trained network: its seed, how training went, and the test set's verdict."""

    seed: int
    history: History
    test: Evaluation


@dataclass(frozen=True)
class Run:
    """Everything a report tells: what was asked for, on what, and the results.

    framework: "NumPy" or "PyTorch". backend: the kernels, or the device.
    settings: the Recipe that was run. results: a Result for each seed. peak_memory_mb: before
    anything was drawn.
    """

    framework: str
    backend: str
    settings: recipes.Recipe
    dataset: Dataset
    threads: int
    results: list
    peak_memory_mb: float | None = field(default_factory=machine.peak_memory_mb)

    @property
    def model(self):
        """The network in a word, such as "784-512-10" or "lenet5"."""
        return _network(self.settings, self.dataset)

    @property
    def interrupted(self):
        return any(result.history.interrupted for result in self.results)

    @property
    def published(self):
        """The published recipe this run can be compared with, or None."""
        comparable = self.dataset.name == self.settings.dataset and not self.interrupted
        recipe = recipes.matching(self.settings) if comparable else None
        return recipe if recipe and recipe.published else None

    @property
    def test_accuracy(self):
        return statistics.mean(result.test.accuracy for result in self.results)

    @property
    def spread(self):
        """Standard deviation of the test accuracy over the seeds; None for a single one."""
        accuracies = [result.test.accuracy for result in self.results]
        return statistics.stdev(accuracies) if len(accuracies) > 1 else None

    @property
    def test_loss(self):
        return statistics.mean(result.test.loss for result in self.results)

    @property
    def step_ms(self):
        """Median time of a step in milliseconds; 0.0 before the first."""
        return statistics.median(result.history.step_ms_median for result in self.results)

    @property
    def images_per_second(self):
        return 1e3 * self.settings.batch_size / self.step_ms if self.step_ms else 0

    @property
    def scores(self):
        """How the first network scores the test images."""
        return metrics.read(self.results[0].test.outputs, self.dataset.test.labels)

    @property
    def difference(self):
        return self.test_accuracy - self.published.published if self.published else None


def markdown_table(header, rows):
    """A Markdown table with aligned columns; cells after the first are set to the right."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row):
        padded = [row[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = [f":{'-' * (widths[0] - 1)}"] + [f"{'-' * (width - 1)}:" for width in widths[1:]]
    return "\n".join([line(cells[0]), line(rule), *map(line, cells[1:])])


def title(run):
    """One line that says what was trained on what."""
    return about(run.settings, run.dataset)


def about(settings, dataset):
    """The same, of a Recipe and a Dataset."""
    return f"{_network(settings, dataset)} on {dataset.title}, {settings.describe()}"


def _network(settings, dataset):
    return settings.network(dataset.train.images[0].size, len(dataset.classes))


def text(run):
    """The report that is printed: what ran, how fast, and the table."""
    data, results = run.dataset, run.results
    seeds = ", ".join(str(result.seed) for result in results)
    done = sum(result.history.done for result in results)
    seconds = sum(result.history.train_seconds for result in results)
    lines = [
        title(run),
        f"{len(data.train):,} training and {len(data.test):,} test images; {run.framework} on "
        f"{run.backend}, {run.threads} thread{'s' * (run.threads > 1)}, seed {seeds}",
        f"trained {done:,} iterations in {seconds:.1f} s: {run.step_ms:.2f} ms each (median), "
        f"{run.images_per_second:,.0f} images/s",
        *notes(run),
        "",
        markdown_table(*table(run)),
    ]
    return "\n".join(lines + [f"warning: {warning}" for warning in warnings(run)])


def notes(run):
    """Lines on what not every run has: straightened images, held-out ones, an early stop."""
    notes = []
    if run.settings.deskew:
        notes.append(f"straightened all images in {run.dataset.prepare_seconds:.2f} s before")
    for result in run.results:
        if result.history.validation:
            step, held = max(result.history.validation, key=lambda entry: entry[1].accuracy)
            ended = "stopped early, back to" if result.history.stopped_early else "best of them:"
            notes.append(
                f"seed {result.seed}: {len(run.dataset.validation):,} images held out; {ended} "
                f"accuracy {held.accuracy:.4f} there, after {step:,} iterations"
            )
    return notes


def table(run):
    """The result beside the published one, if there is one: (header, rows) of text."""
    ours = f"{run.test_accuracy:.4f}" + (f" ± {run.spread:.4f}" if run.spread is not None else "")
    loss = f"{run.test_loss:.4f}"
    if run.published is None:
        header, row = ["test accuracy", "test loss"], [ours, loss]
    else:
        header = ["recipe", "published", "ours", "difference", "test loss"]
        published = f"{run.published.published:.4f}"
        row = [run.published.name, published, ours, f"{run.difference:+.4f}", loss]
    return header, [row]


def warnings(run):
    """What to know before the figures are believed, a line each."""
    lines = [run.dataset.note] if run.dataset.note else []
    if run.difference is not None and abs(run.difference) > DISCREPANCY:
        lines.append(f"the accuracy differs from the published one by more than {DISCREPANCY}")
    if recipes.matching(run.settings) is None:
        lines.append("no recipe has these settings, so there is no published result for them")
    return lines


def as_dict(run):
    """The run as plain data for a JSON file; accuracies are means over the seeds."""
    settings, results = run.settings, run.results
    first = results[0].history
    return {
        "title": title(run),
        "recipe": run.published.name if run.published else settings.name,
        "dataset": run.dataset.name,
        "n_train": len(run.dataset.train),
        "n_test": len(run.dataset.test),
        "framework": run.framework,
        "model": run.model,
        "settings": settings.describe(),
        "seed": results[0].seed if len(results) == 1 else [result.seed for result in results],
        "threads": run.threads,
        "kernels": run.backend,
        "batch_size": settings.batch_size,
        "steps": first.done,
        "epochs": first.done * settings.batch_size / len(run.dataset.train),
        "interrupted": run.interrupted,
        "prepare_seconds": run.dataset.prepare_seconds,
        "train_seconds": statistics.mean(result.history.train_seconds for result in results),
        "step_ms_median": run.step_ms,
        "peak_memory_mb": run.peak_memory_mb,
        "test_accuracy": run.test_accuracy,
        "test_accuracy_spread": run.spread,
        "test_loss": run.test_loss,
        "reference_accuracy": run.published.published if run.published else None,
        "difference": run.difference,
        "warnings": warnings(run),
        "machine": machine.describe(),
        "versions": machine.versions(*PACKAGES),
        "runs": [
            {
                "seed": result.seed,
                "test_accuracy": result.test.accuracy,
                "test_loss": result.test.loss,
                "train_seconds": result.history.train_seconds,
                "stopped_early": result.history.stopped_early,
                "validation": [
                    {"step": step, "accuracy": held.accuracy, "loss": held.loss}
                    for step, held in result.history.validation
                ],
                "history": result.history.history,
            }
            for result in results
        ],
    }


def to_json(content):
    """The bytes of a JSON file."""
    return json.dumps(content, indent=1).encode()


def interruption(run):
    """How far a run came that was interrupted, in words."""
    history = run.results[-1].history
    return f"interrupted at iteration {history.done:,} of {history.steps:,}"


def finish(run, args):
    """Print the report, write what the arguments ask for, and return the exit status."""
    print(text(run))
    kept = [result.history.saved[0] for result in run.results if result.history.saved]
    if args.json:
        files.write_file(args.json, to_json(as_dict(run)))
        kept.append(args.json)
    if args.report:
        from np_nn.cli.page import page

        files.write_file(args.report, page(run, args.command).encode())
        kept.append(args.report)
    if not args.no_plots and run.results[0].history.done:
        from np_nn.cli.pictures import draw

        kept += draw(run, args.out, args.format)
    if kept:
        print(f"written: {', '.join(map(str, kept))}")
    if run.interrupted:
        also = " and the files above" if kept else ""
        safe = run.results[-1].history.kept
        print(f"{interruption(run)}; kept: the table{also}{safe}", file=sys.stderr)
        return 130
    return 0
