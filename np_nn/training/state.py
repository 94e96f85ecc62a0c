"""State of a running training, and the checks of its arguments."""

import re
import warnings
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from np_nn.data.batches import Batches
from np_nn.data.fingerprint import fingerprint
from np_nn.data.split import Split, check_samples, in_memory, is_matrix
from np_nn.layers.module import Module
from np_nn.losses import Loss
from np_nn.optim.optimizers import Optimizer
from np_nn.training.early_stopping import Best, EarlyStopping
from np_nn.training.history import History
from np_nn.utils import seeds
from np_nn.utils.checks import check_alike, check_count, check_number, is_amount
from np_nn.utils.errors import NpNNError, called, shown, wrong_return

PURPOSES = ("shuffle", "augmentation")  # of the random generators that fit itself uses
NO_FINGERPRINT = (
    "the checkpoint is of an earlier np_nn, which kept no fingerprint of the data: make sure that "
    "images, labels, scale and shift are those of the original run"
)


class Training:
    """Training state: everything the next step depends on; the argument of callbacks.

    model, data, loss, optimizer, schedule, augment, limits, l2, validation: the arguments of
    ``fit`` in their present state. batches: the Batches. history: the History so far. epoch:
    number of complete epochs. rate: learning rate of the last step, initially of the first.
    stop: set it to True to end training after the batch.

    Raises NpNNError for arguments of ``fit`` that do not match each other.
    """

    def __init__(
        self, model: Module, data: Split, loss: Loss, optimizer: Optimizer, *, schedule=None,
        augment=None, limits=None, l2: float = 0.0, validation: Split | None = None,
        early_stopping: EarlyStopping | None = None, seed=None, shards=None, **batches,
    ):  # fmt: skip
        check_samples(data)
        model.check_places()
        loss.check_targets(data.labels)
        optimizer.follow_dtype()
        own = set(map(id, model.parameters()))
        if own and own.isdisjoint(map(id, optimizer.parameters)):
            raise NpNNError("the optimizer is another model's: give it model.parameters()")
        if early_stopping:
            _check_watched(early_stopping, validation, loss)
        self.model, self.data, self.loss, self.optimizer = model, data, loss, optimizer
        self.schedule, self.augment, self.validation = schedule, augment, validation
        self.limits, self.l2 = limits, l2
        batches["shuffle"] = getattr(data.images, "shuffle", None)  # of a stored set: in blocks
        self.batches = Batches(len(data), seed=seeds.chosen(seed), **batches)
        self._open: set[str] = {"seed"} if seed is None else set()  # taken from a checkpoint
        has_classes = loss.has_classes(data.labels)
        self.history = History(len(self.batches), has_classes, self.batches.sizes)
        self.best = Best(early_stopping, model) if early_stopping else None
        self.stop = False
        self.rng = {name: seeds.generator(self.batches.seed, name) for name in PURPOSES}
        seeds.reseed(model, self.batches.seed)
        settings = {
            "loss": loss, "schedule": schedule, "augment": augment, "limits": limits, "l2": l2,
            "model": model, "optimizer": optimizer, "early stopping": early_stopping,
            "shards": shards,
        }  # fmt: skip
        self._settings = {name: _text(value) for name, value in settings.items()}
        self.rate: float = self.rates(1).item()
        self._note_epoch()

    @cached_property
    def plan(self):
        """Settings that determine the training; trainings with equal plans are identical.

        Text and numbers, computed when a checkpoint is written or read: hashing data takes time.
        """
        return self.batches.plan | self._settings | self._data_plan

    @cached_property
    def _data_plan(self):
        held_out = fingerprint(self.validation).items()
        return fingerprint(self.data) | {f"validation {part}": value for part, value in held_out}

    @property
    def epoch(self) -> int:
        return self.history.done // self.batches.per_epoch

    @property
    def epoch_begins(self) -> bool:
        """True if the next batch is the first of an epoch."""
        return self.history.done % self.batches.per_epoch == 0

    @property
    def epoch_ends(self) -> bool:
        """True if the last batch was the last of an epoch, or of the run."""
        return self.epoch_begins or self.history.done == self.history.steps

    @property
    def ends(self) -> bool:
        """True if no more batches follow."""
        return self.stop or self.history.done == self.history.steps

    def blocks(self, most):
        """Yield the batches to train on next: see ``Batches.blocks``."""
        if not self.ends:
            yield from self.batches.blocks(most, self.rng["shuffle"], self.history.done)

    def rates(self, count):
        """Return the learning rates (count,) of the next steps: shares of the optimizer's lr."""
        rates = np.full(count, float(self.optimizer.lr))
        if self.schedule:
            done = self.history.done
            rates *= [self._share(step) for step in range(done, done + count)]
        self.rate = rates[-1].item()
        return rates

    def _share(self, step):
        share = self.schedule(step, self.history.steps)
        if not is_amount(share):
            raise wrong_return("schedule", self.schedule, "a finite number >= 0", share)
        return share

    def distorted(self):
        """Return the Split with newly distorted images, for the next epoch.

        Raises NpNNError for a function that returns images of another type or shape than it was
        given: another type would be scaled wrongly.
        """
        own = in_memory(self.data.images)
        found = self.augment(_read_only(own), self.rng["augmentation"])
        try:
            distorted = replace(self.data, images=found)
            check_samples(distorted)
        except NpNNError as error:
            raise NpNNError(f"augment: {called(self.augment)}: {error}") from None
        images = distorted.images
        if (images.dtype, images.shape) != (own.dtype, own.shape):
            wanted = f"images like its argument, {own.dtype} of shape {own.shape}"
            raise wrong_return("augment", self.augment, wanted, found)
        return distorted

    def record(self, losses, accuracies):
        """Record the steps of a block: see ``History.record``."""
        self.history.record(losses, accuracies)
        if self.epoch_begins:
            self._note_epoch()

    def validated(self, result):
        """Record the Evaluation after an epoch, and stop if early stopping asks for it."""
        self.history.validate(result)
        if self.best and self.best.update(result):
            self.stop = True
            self.history.stopped_early = self.history.done < self.history.steps

    def close(self):
        """Restore the best weights, if early stopping recorded any."""
        if self.best and self.best.state:
            self.best.restore()
            self.history.restored, _ = self.history.validation[-1 - self.best.worse]

    def _note_epoch(self):
        """Keep the generators' states, from which the epoch's order and distortions are drawn."""
        self._at_epoch = {name: rng.bit_generator.state for name, rng in self.rng.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return everything the next step depends on, as a tree of plain values and arrays."""
        return {
            "plan": self.plan,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rate": self.rate,
            "layers' random numbers": self.model.random_state(),
            "random generators": self._at_epoch,
            "history": self.history.state_dict(),
            "best": self.best and self.best.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from a ``state_dict``; only the number of steps may differ.

        Raises NpNNError, before anything is changed, if the state is of another training, or if
        any part of it is invalid.
        """
        own = self.state_dict()
        if not isinstance(state, dict) or not own.keys() - {"rate"} <= state.keys():
            raise NpNNError("the state is not that of a training")
        self._check_plan(state["plan"])
        parts = "model", "optimizer", "layers' random numbers", "random generators"
        for part in parts:
            check_alike(own[part], state[part], part)
        self.optimizer.check_state(state["optimizer"])
        optimizer, rate = self._base_and_rate(state)
        self.history.check_state(state["history"])
        if self.best:
            self.best.check_state(state["best"], len(state["history"]["validation"]))
        self._load_generators(state["random generators"])

        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(optimizer)
        self.rate = rate
        self.model.load_random_state(state["layers' random numbers"])
        self.history.load_state_dict(state["history"])
        if self.best:
            self.best.load_state_dict(state["best"])
        self.stop = self.history.stopped_early
        self.batches.seed = self.plan["seed"] = state["plan"]["seed"]

    def _base_and_rate(self, state):
        """Return the optimizer's state, whose lr is its base rate, and the rate of the last step.

        Older files lack "rate": their lr is the rate of the last step. The base rate, which could
        not change during a run then, is that of this optimizer.
        """
        optimizer = state["optimizer"]
        if "rate" not in state:
            return optimizer | {"lr": float(self.optimizer.lr)}, optimizer["lr"]
        check_number(state["rate"], "rate")
        return optimizer, state["rate"]

    def _check_plan(self, plan):
        known = self.plan.keys(), self.plan.keys() - self._data_plan.keys()
        plan = {"shards": "None", **plan} if isinstance(plan, dict) else {}  # older files lack them
        if plan.keys() not in known:
            raise NpNNError("the state is of another version's training")
        for name, own in self.plan.items():
            there = plan.get(name, own)
            if there != own and name not in self._open:
                raise NpNNError(f"another training: its {name} is {shown(there)}, here it is {own}")
        check_count(plan["seed"], "seed")
        if plan.keys() != self.plan.keys():
            warnings.warn(NO_FINGERPRINT, stacklevel=2)

    def _load_generators(self, states):
        generators = {name: seeds.generator(0, name) for name in PURPOSES}
        try:
            for name, generator in generators.items():
                generator.bit_generator.state = states[name]
        except (ValueError, TypeError, OverflowError) as error:
            raise NpNNError(f"the state does not fit this training: {error}") from None
        self.rng = generators
        self._note_epoch()


def _text(value):
    """Return a setting as text that is the same in every process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(value))


def _read_only(images):
    """Return a read-only view of images, for a user's function that must not change them."""
    if is_matrix(images):
        return images
    view = images.view()
    view.flags.writeable = False
    return view


def _check_watched(early_stopping, validation, loss):
    if validation is None:
        raise NpNNError("early stopping needs a validation split to watch")
    if early_stopping.monitor == "accuracy" and not loss.has_classes(validation.labels):
        raise NpNNError("there is no accuracy without classes: EarlyStopping(monitor='loss')")
