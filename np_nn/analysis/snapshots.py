"""Snapshots of a model's weights during training."""

import numpy as np

from np_nn.training.callbacks import Callback


class Snapshots(Callback):
    """Callback that keeps a model's state at `count` moments, from before the first step.

    power: 1 spaces the moments evenly; 2 places more of them early. states: {steps done: the
    model's ``state_dict``}, in order. The state of the last step is always kept.
    """

    def __init__(self, count, power=1):
        self.shares = np.linspace(0, 1, count) ** power
        self.states = {}

    def on_epoch_begin(self, training):
        if not self.states:
            self._due = np.unique(np.rint(self.shares * training.history.steps))
            self._keep(training)

    def on_batch_end(self, training):
        if training.ends or training.history.done >= self._due[len(self.states)]:
            self._keep(training)

    def _keep(self, training):
        self.states[training.history.done] = training.model.state_dict()
