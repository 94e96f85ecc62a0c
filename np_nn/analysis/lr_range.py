"""Range test of the learning rate: from which rate on a network learns, and from which it diverges.

The rate grows by the same factor each step, from tiny to far too large, and the loss of each step
is noted. Sources: Smith 2017, Cyclical learning rates for training neural networks, section 3.3
(the test); Howard and Gugger 2020, fastai: a layered API for deep learning (growth by a factor, the
smoothed loss, and the minimum divided by ten).
"""

from dataclasses import dataclass

import numpy as np

from np_nn.training.callbacks import Callback
from np_nn.training.fit import fit
from np_nn.utils.errors import DivergedError, NpNNError

SMOOTHING = 0.9  # weight of the earlier losses in the smoothed one
DIVERGED = 4  # times the lowest smoothed loss: there the test ends
MARGIN = 10  # the suggestion is the rate of the lowest loss, divided by this
LEARNT = 0.05  # share by which the loss must fall, for there to be a suggestion


@dataclass(frozen=True, eq=False)
class LRRange:
    """What a range test saw: rates (k,), the loss of each step (k,), and the smoothed loss (k,)."""

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    @property
    def suggestion(self):
        """A tenth of the rate where the smoothed loss was lowest, of two digits.

        None where the loss did not fall at any rate.
        """
        lowest = int(self.smoothed.argmin())
        if self.smoothed[lowest] > (1 - LEARNT) * self.smoothed[0]:
            return None
        return float(f"{self.rates[lowest] / MARGIN:.1e}")


class _Watch(Callback):
    """Stops where the loss diverges, and keeps the History, which `fit` then does not return."""

    def on_epoch_begin(self, training):
        self.history = training.history

    def on_batch_end(self, training):
        losses = smooth(training.history.loss)
        training.stop = losses[-1] > DIVERGED * losses.min()


def find_lr(model, data, loss, optimizer, *, low=1e-7, high=10.0, steps=200, seed=0, **options):
    """Try learning rates from low to high, a step each, and suggest one.

    The weights, the optimizer's state and all random streams are then as they were before.

    Args:
        model: Module.
        data: `Split` to train on.
        loss: Loss.
        optimizer: Optimizer of the model's parameters; its own rate plays no part.
        low, high: first and last learning rate; the test ends earlier where the loss diverges.
        steps: number of rates.
        seed: of the batches and of the layers that draw random numbers.
        options: of `fit`: batch_size, replacement, augment, limits, l2, input.

    Returns:
        `LRRange`.

    Raises:
        NpNNError: for rates that do not grow, fewer than two steps, and what `fit` refuses.

    Source: Smith 2017, Cyclical learning rates for training neural networks, section 3.3.
    """
    if not 0 < low < high < np.inf or steps < 2:
        raise NpNNError("find_lr: 0 < low < high and at least 2 steps are needed")
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
    """Return the exponential moving average of losses (k,), without a bias towards 0: (k,)."""
    weights = SMOOTHING ** np.arange(len(losses))
    return np.convolve(losses, weights)[: len(losses)] / np.cumsum(weights)
