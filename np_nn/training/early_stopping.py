"""Early stopping: end of a training when the held-out results no longer improve."""

import math
from dataclasses import dataclass
from typing import Literal

from np_nn.utils.checks import check_alike, check_count, check_keys, check_number, check_range

MONITORS = {"loss": -1, "accuracy": 1}  # {measure: sign of an improvement}


@dataclass(frozen=True)
class EarlyStopping:
    """Rule by which `fit` stops early and restores the best weights.

    patience: epochs without an improvement of more than min_delta. monitor: "loss" or
    "accuracy" of the validation split. Raises NpNNError for other values.
    Source: Prechelt 1998, Early stopping - but when?
    """

    patience: int = 5
    min_delta: float = 0.0
    monitor: Literal["loss", "accuracy"] = "accuracy"

    def __post_init__(self):
        check_range("EarlyStopping: patience", self.patience)
        check_range("EarlyStopping: min_delta", self.min_delta, 0)


class Best:
    """Best weights so far, and the count of epochs since."""

    def __init__(self, rule, model):
        self.rule, self.model = rule, model
        self.score, self.state, self.worse = -math.inf, None, 0

    def update(self, result):
        """Record the Evaluation after an epoch; return whether to stop."""
        score = MONITORS[self.rule.monitor] * getattr(result, self.rule.monitor)
        if score > self.score + self.rule.min_delta:
            self.score, self.state, self.worse = score, self.model.state_dict(), 0
        else:
            self.worse += 1
        return self.worse >= self.rule.patience

    def state_dict(self):
        """Return the state to resume from, as a tree of plain values and arrays."""
        score = None if self.state is None else self.score  # JSON has no infinity
        return {"score": score, "worse": self.worse, "weights": self.state}

    def check_state(self, state, epochs):
        """Raise NpNNError unless ``load_state_dict`` can load it after `epochs` validations."""
        check_keys(self.state_dict(), state, "early stopping")
        check_count(state["worse"], "early stopping", epochs - (state["weights"] is not None))
        if state["score"] is None and state["weights"] is None:
            return
        check_number(state["score"], "early stopping")
        check_alike(self.model.state_dict(), state["weights"], "best weights")

    def load_state_dict(self, state):
        """Restore a ``state_dict`` that ``check_state`` has accepted."""
        self.state, self.worse = state["weights"], state["worse"]
        self.score = -math.inf if state["score"] is None else state["score"]

    def restore(self):
        """Load the best weights into the model."""
        self.model.load_state_dict(self.state)
