"""What happens inside a network while it trains, as numbers that can be drawn afterwards."""

import sys
from dataclasses import dataclass

import numpy as np

from np_nn.analysis.hooks import watched
from np_nn.layers.activations import Activation
from np_nn.layers.module import inference
from np_nn.losses import CrossEntropyLoss
from np_nn.training import inputs
from np_nn.training.callbacks import Callback

BINS = 50  # of a histogram


@dataclass(frozen=True, eq=False)
class Observation:
    """A network after so many batches. Names are those of ``state_dict``.

    step: how many batches. lr: the learning rate of the last one.
    weights: {parameter: its Euclidean norm}; gradients: that of the loss's gradient with respect
    to it. histograms: {parameter: (counts (BINS,), edges (BINS + 1,))} of its numbers.
    dead: {activation: share of its units, 0..1, that give the same for every image}. A ReLU
    does so at 0: no gradient comes through, so training cannot wake the unit.
    """

    step: int
    lr: float
    weights: dict
    gradients: dict
    histograms: dict
    dead: dict


class Observer(Callback):
    """Observer of a training: at its start, after each epoch, and after each ``every`` batches::

        observer = nn.Observer(data, loss, every=100)
        nn.fit(model, data, loss, optimizer, epochs=3, callbacks=[observer])
        print([seen.gradients["0.weight"] for seen in observer.observations])

    No number of the training changes. ``start`` is the ``state_dict`` that it began with.

    Args:
        data: Split whose first images are the batch that gradients and dead units are of, always
            the same and as in ``eval()``.
        loss: that of the training, cross-entropy if none is given.
        every: batches from one observation to the next.
        images: maximum number of images of the batch.
    """

    def __init__(self, data, loss=None, *, every=sys.maxsize, images=512):
        self.data, self.loss, self.every = data, loss or CrossEntropyLoss(), every
        self.indices = np.arange(min(images, len(data)))
        self.start, self.observations = None, []

    def on_epoch_begin(self, training):
        if self.start is None:
            self.start = training.model.state_dict()
        self._observe(training)

    def on_batch_end(self, training):
        self._observe(training)

    def on_epoch_end(self, training):
        self._observe(training)

    def _observe(self, training):
        """Once after a batch, whichever hooks are due."""
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
        """Fill in the gradients of the probe batch; returns the share of dead units."""
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
    return float(np.linalg.norm(array))


def _histogram(array):
    """Of the finite numbers: a training that diverges says so itself."""
    return np.histogram(array[np.isfinite(array)].astype(float), BINS)


def _constant_share(out):
    """out (N, units), or (N, channels, H, W), whose channels are units."""
    images = (0, *range(2, out.ndim))
    return float(np.mean(out.max(images) == out.min(images)))
