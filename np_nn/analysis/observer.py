"""Records of a network's inner state during training: norms, histograms, dead units."""

import sys
from dataclasses import dataclass

import numpy as np

from np_nn.analysis.hooks import watched
from np_nn.data.split import SplitLike, as_split, check_samples
from np_nn.layers.activations import Activation
from np_nn.layers.module import inference
from np_nn.losses import CrossEntropyLoss, Loss
from np_nn.training import inputs
from np_nn.training.callbacks import Callback
from np_nn.training.state import Training
from np_nn.utils.checks import check_range

BINS = 50  # of a histogram


@dataclass(frozen=True, eq=False)
class Observation:
    """State of a network after `step` batches. Names are those of ``state_dict``.

    lr: learning rate of the last batch. weights: {parameter: its Euclidean norm}; gradients:
    {parameter: norm of the loss's gradient}. histograms: {parameter: (counts (BINS,), edges
    (BINS + 1,))} of its numbers. dead: {activation: fraction of its units, 0..1, whose output is
    the same for every image}. A dead ReLU outputs 0: no gradient passes, so training cannot
    revive it.
    """

    step: int
    lr: float
    weights: dict
    gradients: dict
    histograms: dict
    dead: dict


class Observer(Callback):
    """Callback that observes a training: at its start, after each epoch, and every `every` batches.

    It does not change the training. ``start`` is the initial ``state_dict``. Example::

        observer = nn.Observer(data, loss, every=100)
        nn.fit(model, data, loss, optimizer, epochs=3, callbacks=[observer])
        print([seen.gradients["0.weight"] for seen in observer.observations])

    Args:
        data: Split whose first images are the probe batch, on which gradients and dead units are
            measured in evaluation mode.
        loss: loss of the training, cross-entropy by default.
        every: batches between observations.
        images: maximum number of images of the probe batch.
    """

    def __init__(
        self, data: SplitLike, loss: Loss | None = None, *, every: int = sys.maxsize,
        images: int = 512,
    ) -> None:  # fmt: skip
        self.data, self.loss, self.every = as_split(data), loss or CrossEntropyLoss(), every
        check_samples(self.data)
        check_range("Observer: every", every, most=sys.maxsize)
        check_range("Observer: images", images)
        self.indices = np.arange(min(images, len(self.data)))
        self.start: dict[str, np.ndarray] | None = None
        self.observations: list[Observation] = []

    def on_epoch_begin(self, training: Training) -> None:
        if self.start is None:
            self.start = training.model.state_dict()
        self._observe(training)

    def on_batch_end(self, training: Training) -> None:
        self._observe(training)

    def on_epoch_end(self, training: Training) -> None:
        self._observe(training)

    def _observe(self, training):
        """Record an Observation, once per step even if several hooks call this."""
        step = training.history.done
        if self.observations and self.observations[-1].step == step:
            return
        parameters = training.model.named_parameters()
        dead = self._forward_and_backward(training.model)
        self.observations.append(
            Observation(
                step=step,
                lr=training.rate,
                weights={name: _norm(p.data) for name, p in parameters.items()},
                gradients={name: _norm(p.grad) for name, p in parameters.items()},
                histograms={name: _histogram(p.data) for name, p in parameters.items()},
                dead=dead,
            )
        )

    def _forward_and_backward(self, model):
        """Compute the gradients of the probe batch; return {activation: share of dead units}."""
        dead = {}

        def note(name, layer, out):
            if isinstance(layer, Activation):
                dead[name] = _constant_share(out)

        batch = inputs.choose(self.data, model)(self.indices)
        with inference(), watched(model, note):
            self.loss.forward(model.forward(batch), self.data.labels[self.indices])
        model.backward(self.loss.backward(), input_grad=False)
        return dead


def _norm(array):
    return float(np.linalg.norm(array.astype(float)))  # squares of 1e25 overflow in float32


def _histogram(array):
    """Return the histogram of the finite numbers; `fit` itself reports a diverging training."""
    values = array[np.isfinite(array)].astype(float)
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    room = 0.0 if low < high else max(0.5, 1e-6 * abs(low))  # NumPy's 0.5 is lost beside 1e17
    return np.histogram(values, BINS, (low - room, high + room))


def _constant_share(out):
    """Return the share of units that are constant over the batch.

    out: (N, units), or (N, channels, H, W), where each channel is a unit.
    """
    images = (0, *range(2, out.ndim))
    return float(np.mean(out.max(images) == out.min(images)))
