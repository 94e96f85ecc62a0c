"""Learning-rate range test: the rates at which a network starts to learn and to diverge.

The rate grows by a constant factor each step, from tiny to far too large, and the loss of each
step is recorded. Sources: Smith 2017, Cyclical learning rates for training neural networks,
section 3.3 (the test); Howard and Gugger 2020, fastai: a layered API for deep learning (growth by
a factor, the smoothed loss, and the minimum divided by ten).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from np_nn.data.split import SplitLike
from np_nn.layers.module import Module
from np_nn.losses import Loss
from np_nn.optim.optimizers import Optimizer
from np_nn.training.callbacks import Callback
from np_nn.training.fit import fit
from np_nn.utils.errors import DivergedError, NpNNError

SMOOTHING = 0.9  # decay of the exponential moving average of the losses
DIVERGED = 4  # the test ends when the smoothed loss exceeds this multiple of its minimum
MARGIN = 10  # the suggestion is the rate of the lowest smoothed loss, divided by this
LEARNT = 0.05  # fraction by which the smoothed loss must fall for a suggestion


@dataclass(frozen=True, eq=False)
class LRRange:
    """Result of a range test: rates (k,), the loss of each step (k,), and smoothed losses (k,)."""

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    @property
    def suggestion(self) -> float | None:
        """A tenth of the rate with the lowest smoothed loss, to two digits.

        None if the smoothed loss fell by less than 5 %.
        """
        lowest = int(self.smoothed.argmin())
        if self.smoothed[lowest] > (1 - LEARNT) * self.smoothed[0]:
            return None
        return float(f"{self.rates[lowest] / MARGIN:.1e}")


class _Watch(Callback):
    """Callback that stops when the loss diverges, and keeps the History if `fit` raises."""

    def on_epoch_begin(self, training):
        self.history = training.history

    def on_batch_end(self, training):
        losses = smooth(training.history.loss)
        training.stop = losses[-1] > DIVERGED * losses.min()


def find_lr(
    model: Module, data: SplitLike, loss: Loss, optimizer: Optimizer, *, low: float = 1e-7,
    high: float = 10.0, steps: int = 200, seed: int = 0, **options: Any,
) -> LRRange:  # fmt: skip
    """Train one step at each of `steps` learning rates from `low` to `high`, and suggest a rate.

    The weights, the optimizer's state and all random streams are restored at the end.

    Args:
        model: Module.
        data: `Split` or pair (x, y) to train on.
        loss: Loss.
        optimizer: Optimizer of the model's parameters; its own learning rate is ignored.
        low: first learning rate, above 0.
        high: last learning rate, above `low`; the test ends earlier if the loss diverges.
        steps: number of rates, at least 2.
        seed: seed of the batches and of the layers that draw random numbers.
        options: further options of `fit`: batch_size, replacement, augment, limits, l2, input.

    Returns:
        `LRRange`.

    Raises:
        NpNNError: if the rates do not grow, for fewer than two steps, and as `fit` does.

    Source: Smith 2017, Cyclical learning rates for training neural networks, section 3.3.
    """
    if not 0 < low < high < np.inf or steps < 2:
        raise NpNNError(
            f"find_lr needs 0 < low < high and at least 2 steps, got low={low!r}, high={high!r}, "
            f"steps={steps!r}"
        )
    before = model.state_dict(), optimizer.state_dict(), model.random_state()
    growth, watch = (low / high) ** (1 / (steps - 1)), _Watch()
    optimizer.lr = high
    try:
        fit(
            model, data, loss, optimizer, steps=steps, seed=seed, callbacks=[watch], quiet=True,
            schedule=lambda step, steps: growth ** (steps - 1 - step), **options,
        )  # fmt: skip
    except DivergedError:
        if not watch.history.done:
            raise
    finally:
        model.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])
        model.load_random_state(before[2])
    if watch.history.interrupted:
        raise KeyboardInterrupt
    losses = watch.history.loss.copy()
    rates = low * (high / low) ** (np.arange(len(losses)) / (steps - 1))
    return LRRange(rates, losses, smooth(losses))


def smooth(losses):
    """Return the bias-corrected exponential moving average of losses (k,): (k,)."""
    weights = SMOOTHING ** np.arange(len(losses))
    return np.convolve(losses, weights)[: len(losses)] / np.cumsum(weights)
