"""A training under way: all that its next step depends on."""

from np_nn import seeds
from np_nn.early_stopping import Best
from np_nn.history import History


class Training:
    """What ``fit`` works on, and gives to callbacks.

    model, optimizer: as they are now. history: the History so far. epoch: how many epochs are
    complete. stop: set it to True to end training after the batch.
    """

    def __init__(self, model, optimizer, batches, seed, early_stopping=None):
        self.model, self.optimizer, self.batches = model, optimizer, batches
        self.history = History(len(batches))
        self.best = Best(early_stopping, model) if early_stopping else None
        self.stop = False
        seeds.reseed(model, seed)
        self.rng = {name: seeds.generator(seed, name) for name in ("shuffle", "augmentation")}

    @property
    def epoch(self):
        return self.history.done // self.batches.per_epoch

    @property
    def between_epochs(self):
        """Whether the last epoch is complete, or the run."""
        done = self.history.done
        return done % self.batches.per_epoch == 0 or done == self.history.steps

    @property
    def ends(self):
        """Whether no more batches follow."""
        return self.stop or self.history.done == self.history.steps

    def blocks(self, most):
        """The batches to train on next: see ``Batches.blocks``."""
        return self.batches.blocks(most, self.rng["shuffle"])

    def validated(self, result):
        """Note how held-out images fared after an epoch, and stop if that is a reason to."""
        self.history.validate(result)
        if self.best and self.best.update(result):
            self.stop = True
            self.history.stopped_early = self.history.done < self.history.steps
