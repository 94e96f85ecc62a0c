"""Training and evaluation of a Recipe, and its results as a Run for reports."""

import statistics
import time
from dataclasses import dataclass, field

from np_nn import recipes
from np_nn.analysis import metrics
from np_nn.data import Dataset
from np_nn.recipes import build
from np_nn.training import inputs
from np_nn.training.fit import evaluate, fit
from np_nn.training.history import Evaluation, History
from np_nn.utils import machine

DISCREPANCY = 0.01  # maximum difference from a published accuracy, by the published table


@dataclass(frozen=True)
class Result:
    """Result of one trained network: its seed, training history, and test evaluation.

    compress_seconds: time to compress the training images before the loop.
    """

    seed: int
    history: History
    test: Evaluation
    compress_seconds: float = 0.0


@dataclass(frozen=True)
class Run:
    """Run of a Recipe, with all that a report needs: settings, data set, and results.

    framework: "NumPy" or "PyTorch". backend: the kernels, or the device.
    settings: the Recipe that was run. results: a Result for each seed. ranks: number of processes
    that trained, each on `threads` threads. peak_memory_mb: of this one, measured before any
    picture is drawn.
    """

    framework: str
    backend: str
    settings: recipes.Recipe
    dataset: Dataset
    threads: int
    results: list
    ranks: int = 1
    peak_memory_mb: float | None = field(default_factory=machine.peak_memory_mb)

    @property
    def model(self):
        """The network's short name, such as "784-512-10" or "lenet5"."""
        return network(self.settings, self.dataset)

    @property
    def title(self):
        """One line that names the network, the data set and the settings."""
        return about(self.settings, self.dataset)

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

    def train_seconds(self, result):
        """Seconds to train one network: deskewing, compressing, and the training loop."""
        parts = result.compress_seconds, result.history.train_seconds
        return self.dataset.prepare_seconds + sum(parts)

    @property
    def step_ms(self):
        """Median time of a step in milliseconds; 0.0 before the first."""
        return statistics.median(result.history.step_ms_median for result in self.results)

    @property
    def images_per_second(self):
        return 1e3 * self.settings.batch_size / self.step_ms if self.step_ms else 0

    @property
    def scores(self):
        """The Scores of the first network on the test images."""
        return metrics.read(self.results[0].test.outputs, self.dataset.test.labels)

    @property
    def difference(self):
        return self.test_accuracy - self.published.published if self.published else None


def about(settings, dataset):
    """Return one line that names a Recipe's network, the Dataset and the settings."""
    return f"{network(settings, dataset)} on {dataset.title}, {settings.describe()}"


def network(settings, dataset):
    """Return the short name of a Recipe's network for a Dataset, such as "784-512-10"."""
    return settings.network(dataset.train.images[0].size, len(dataset.classes))


def train(
    settings, data, seed, input="auto", quiet=False, *, model=None, callbacks=(), resume=None
):
    """Train a Recipe from one seed; return a Result. main_np.py and all NumPy programs use this.

    After Ctrl-C the Result covers the steps so far, and its history says ``interrupted``.

    Args:
        settings: Recipe.
        data: Dataset, prepared for the settings.
        seed: seed of the weights and the batches.
        input: see ``fit``.
        quiet: see ``fit``.
        model: the network of ``build.model`` for these settings, data and seed; None: built here.
        callbacks: see ``fit``.
        resume: see ``fit``.

    Raises:
        NpNNError: as ``fit`` does, in particular DivergedError.
    """
    model = model or build.model(settings, data, seed)
    loss = build.loss(settings, data)
    optimizer = build.optimizer(settings, model.parameters())
    compress_seconds = 0.0 if settings.augment else _compress(data.train, model, input)
    history = fit(
        model, data.train, loss, optimizer, **build.fit_options(settings, data),
        callbacks=callbacks, resume=resume, seed=seed, input=input, quiet=quiet,
    )  # fmt: skip
    test = evaluate(model, data.test, loss, input=input, keep=True)
    return Result(seed, history, test, compress_seconds)


def _compress(split, model, input):
    """Compress a Split if the model takes compressed input; return the seconds it takes.

    Distorted images are compressed, and timed, in the training loop each epoch.
    """
    started = time.perf_counter()
    getattr(inputs.choose(split, model, input), "rows", None)
    return time.perf_counter() - started
